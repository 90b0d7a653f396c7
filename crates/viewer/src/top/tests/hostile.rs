//! Whatever agents and tools write, no cell of the screen holds what a terminal would act on.

use super::drawn::screen;
use super::world::{Story, allowed, line, looking, question, run, task, types};
use crate::top::input::Input;
use crate::top::state::Top;
use leadhand_protocol::{AgentId, Event};

const HOSTILE: &str = "\u{1b}[2J\u{1b}]0;title\u{7}\u{9b}31m\u{202e}gpj\u{200b}\u{e0041}\r\n\t世界👩\u{200d}👩\u{fe0f}e\u{301}\u{301}\u{301}\u{301}\u{301}\u{8}";

/// What a terminal may act on, or nobody sees.
fn is_hostile(c: char) -> bool {
    (c.is_control() && c != '\n')
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}'..='\u{200f}')
        || matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{e0000}'..='\u{e0fff}')
}

fn hostile(size: (u16, u16)) -> Top {
    let long = HOSTILE.repeat(2_000);
    let story = Story::begun(&long, vec![task("t1", &long, &[])])
        .agent(1, "t1")
        .says(1, 1, &long)
        .calls(1, &long, &long, allowed())
        .gives(1, Ok(&long))
        .then(Event::Told {
            agent: AgentId(1),
            fault: true,
            text: long.clone(),
        })
        .ended(1, Some(&long))
        .failed("t1", &long);
    let mut top = looking(size, vec![line(&run(), &long, true, &long)], &story.0);
    top.update(Input::Questions(run(), Ok(vec![question(0, &long)])));
    top
}

#[test]
fn no_text_reaches_the_terminal_as_it_is() {
    for size in [(80, 24), (120, 40), (41, 12)] {
        // Each part, then all that fills the screen, then what is typed.
        for keys in [
            "",
            "\t",
            "\t\t",
            "\t\t\n",
            "\t\t↑\n",
            "\t\tg\n",
            "f",
            "a",
            "d",
            "ayG",
            "?",
        ] {
            let mut top = hostile(size);
            types(&mut top, keys);
            let screen = screen(&top);
            let found = screen.chars().find(|c| is_hostile(*c));
            assert_eq!(found, None, "{size:?} {keys:?}: {screen:?}");
        }
    }
}

#[test]
fn what_is_asked_is_shown_whole_with_nothing_hidden_in_it() {
    let mut top = hostile((80, 24));
    let padded = format!("a{}\u{200b}end", "\n".repeat(3_000));
    top.update(Input::Questions(run(), Ok(vec![question(0, &padded)])));
    types(&mut top, "aG");
    assert!(screen(&top).contains("May it, this once?"));
    let digest = question(0, &padded).digest.to_string();
    types(&mut top, "g");
    let first = screen(&top);
    assert!(first.contains(&digest), "{first}");
    top.update(Input::Questions(run(), Ok(vec![question(0, "a\u{200b}b")])));
    types(&mut top, "\u{1b}a");
    assert!(screen(&top).contains("\\u{200b}"));
}

//! What is drawn, whole screens at a time.

use super::world::{Story, allowed, line, live, looking, question, run, task, that_failed, types};
use crate::top::draw::draw;
use crate::top::input::Input;
use crate::top::state::Top;
use crate::{Given, Trouble};
use leadhand_protocol::RunId;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

/// The screen as text.
pub(super) fn screen(top: &Top) -> String {
    let mut terminal = Terminal::new(TestBackend::new(top.size.0, top.size.1)).unwrap();
    terminal.draw(|frame| draw(top, frame)).unwrap();
    terminal.backend().to_string()
}

fn failed(size: (u16, u16)) -> Top {
    let other = RunId::new("1m85dzzzz-abcd").unwrap();
    let lines = vec![
        line(
            &run(),
            "not_achieved",
            false,
            "Write a note about the prices of paper",
        ),
        line(&other, "done", false, "Compare two files of numbers"),
    ];
    looking(size, lines, &that_failed())
}

#[test]
fn a_run_that_failed_with_a_finding() {
    insta::assert_snapshot!("failed_80x24", screen(&failed((80, 24))));
    insta::assert_snapshot!("failed_120x40", screen(&failed((120, 40))));
}

#[test]
fn a_narrow_screen_has_one_part_and_one_that_is_too_small_says_so() {
    let mut top = failed((40, 12));
    insta::assert_snapshot!("narrow_runs", screen(&top));
    types(&mut top, "\t\t");
    insta::assert_snapshot!("narrow_steps", screen(&top));
    top.size = (20, 5);
    assert!(screen(&top).contains("too small"));
    top.size = (1, 1);
    screen(&top);
}

#[test]
fn a_step_in_full_the_notes_and_the_keys() {
    let mut top = failed((80, 24));
    types(&mut top, "\t\t↑↑↑↑\n");
    insta::assert_snapshot!("step", screen(&top));
    types(&mut top, "\u{1b}f");
    insta::assert_snapshot!("notes", screen(&top));
    types(&mut top, "\u{1b}?");
    insta::assert_snapshot!("help", screen(&top));
}

#[test]
fn a_live_run_that_asks() {
    let story = Story::begun(
        "Write",
        vec![task("t1", "Read", &[]), task("t2", "Write", &["t1"])],
    )
    .agent(1, "t1")
    .says(1, 1, "I read.")
    .calls(1, "read_file", "a.md", allowed());
    let mut top = live((80, 24), &story.0);
    top.update(Input::Questions(
        run(),
        Ok(vec![question(0, "a.md"), question(1, "b.md")]),
    ));
    insta::assert_snapshot!("asks", screen(&top));
    types(&mut top, "a");
    insta::assert_snapshot!("question", screen(&top));
    types(&mut top, "\u{1b}c");
    insta::assert_snapshot!("cancel", screen(&top));
    types(&mut top, "xs\tUse German.");
    insta::assert_snapshot!("steer", screen(&top));
}

#[test]
fn no_runs_and_a_damaged_journal_are_said() {
    let mut top = Top::new((80, 24), true, 0);
    top.update(Input::Listed(Ok(Vec::new())));
    insta::assert_snapshot!("no_runs", screen(&top));
    let mut top = Top::new((80, 24), true, 0);
    let lines = vec![line(&run(), "stopped", false, "Write")];
    top.update(Input::Listed(Ok(lines)));
    let records = that_failed()[..6].to_vec();
    top.update(Input::Given(Given::Records(records)));
    top.update(Input::Given(Given::AllSoFar));
    let why = "run 1m85e0mas-mrxz: record 6 is damaged: its checksum is wrong";
    top.update(Input::FollowEnded(Err(Trouble(why.to_owned()))));
    insta::assert_snapshot!("damaged", screen(&top));
}

#[test]
fn without_colours_nothing_is_coloured() {
    let mut top = failed((80, 24));
    top.colour = false;
    let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
    terminal.draw(|frame| draw(&top, frame)).unwrap();
    let cells = terminal.backend().buffer().content();
    let is_coloured = |cell: &&ratatui::buffer::Cell| {
        cell.fg != ratatui::style::Color::Reset || cell.bg != ratatui::style::Color::Reset
    };
    assert_eq!(cells.iter().find(is_coloured), None);
}

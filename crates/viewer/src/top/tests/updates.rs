//! What follows from what comes.

use super::world::{
    BEGAN_MS, Story, line, live, looking, press, run, said, task, that_failed, types,
};
use crate::top::input::{Input, Key, Typed, Wish};
use crate::top::plan_tree::RowKey;
use crate::top::state::{Pane, Reading, Top};
use crate::{Given, Trouble};
use leadhand_protocol::RunId;

fn two() -> Vec<crate::RunLine> {
    let other = RunId::new("1m85dzzzz-abcd").unwrap();
    vec![
        line(&run(), "not_achieved", false, "Write"),
        line(&other, "done", false, "Compare"),
    ]
}

#[test]
fn the_first_run_is_looked_at_and_another_one_in_its_place_when_it_is_chosen() {
    let mut top = Top::new((80, 24), true, 0);
    let wishes = top.update(Input::Listed(Ok(two())));
    assert_eq!(wishes, [Wish::Follow(run(), 0)]);
    top.update(Input::Given(Given::Records(that_failed())));
    let wishes = press(&mut top, Key::Down);
    let other = two()[1].run.clone();
    assert_eq!(wishes, [Wish::Follow(other, 0)]);
    // Nothing of the first one is kept.
    assert_eq!(top.looked.as_ref().unwrap().timeline.records, 0);
    assert_eq!(press(&mut top, Key::Down), []);
}

#[test]
fn what_was_given_once_is_not_taken_twice() {
    let records = that_failed();
    let mut top = looking((80, 24), two(), &records);
    top.update(Input::Given(Given::Records(records.clone())));
    let looked = top.looked.as_ref().unwrap();
    assert_eq!(looked.timeline.records, records.len());
    assert_eq!(looked.timeline.findings().count(), 1);
}

#[test]
fn keys_move_through_the_parts_and_a_task_that_failed_is_shown_first() {
    let mut top = looking((80, 24), two(), &that_failed());
    assert_eq!(top.looked.as_ref().unwrap().at(), Some(RowKey::Task(1)));
    types(&mut top, "l");
    assert_eq!(top.pane, Pane::Tasks);
    press(&mut top, Key::Home);
    assert_eq!(top.looked.as_ref().unwrap().at(), Some(RowKey::Task(0)));
    types(&mut top, "\n");
    assert_eq!(top.pane, Pane::Steps);
    types(&mut top, "\u{1b}\u{1b}");
    assert_eq!(top.pane, Pane::Runs);
    press(&mut top, Key::BackTab);
    assert_eq!(top.pane, Pane::Steps);
    types(&mut top, "\t");
    assert_eq!(top.pane, Pane::Runs);
}

#[test]
fn the_last_step_stays_the_last_until_a_person_goes_back() {
    let story = Story::begun("Write", vec![task("t1", "Read", &[])]).agent(1, "t1");
    let story = story.says(1, 1, "One.").says(1, 2, "Two.");
    let mut top = live((80, 24), &story.0);
    let place = |top: &Top| top.looked.as_ref().unwrap().step_place();
    types(&mut top, "\t\t");
    assert_eq!(place(&top), 2);
    let known = story.0.len();
    let story = story.says(1, 3, "Three.");
    top.update(Input::Given(Given::Records(story.0[known..].to_vec())));
    assert_eq!(place(&top), 3);
    types(&mut top, "k");
    let known = story.0.len();
    let story = story.says(1, 4, "Four.");
    top.update(Input::Given(Given::Records(story.0[known..].to_vec())));
    assert_eq!(place(&top), 2);
    types(&mut top, "G");
    assert_eq!(place(&top), 4);
}

#[test]
fn a_run_that_ends_while_it_is_looked_at_stays_on_the_screen_and_is_taken_up_when_it_goes_on() {
    let records = that_failed();
    let mut top = live((80, 24), &records[..8]);
    top.update(Input::Given(Given::Records(records[8..].to_vec())));
    let wishes = top.update(Input::FollowEnded(Ok(())));
    assert_eq!(wishes, [Wish::List, Wish::Questions(run())]);
    assert_eq!(top.looked.as_ref().unwrap().reading, Reading::Ended);
    let ended = vec![line(&run(), "interrupted", false, "Write")];
    let next = Wish::Follow(run(), records.len() as u64);
    // What it has become may have been written after its end was seen.
    let wishes = top.update(Input::Listed(Ok(ended.clone())));
    assert_eq!(wishes, std::slice::from_ref(&next));
    // Not over and over, while that is being read.
    assert_eq!(top.update(Input::Listed(Ok(ended.clone()))), []);
    top.update(Input::FollowEnded(Ok(())));
    assert_eq!(top.update(Input::Listed(Ok(ended))), []);
    let again = vec![line(&run(), "running", true, "Write")];
    assert_eq!(top.update(Input::Listed(Ok(again))), [next]);
}

#[test]
fn a_damaged_journal_is_not_read_over_and_over() {
    let mut top = Top::new((80, 24), true, 0);
    top.update(Input::Listed(Ok(two())));
    let damaged = Trouble("record 3 is damaged".to_owned());
    top.update(Input::FollowEnded(Err(damaged)));
    assert_eq!(top.update(Input::Listed(Ok(two()))), []);
}

#[test]
fn nothing_is_drawn_anew_unless_something_changed() {
    let mut top = looking((80, 24), two(), &that_failed());
    top.is_changed = false;
    top.update(Input::Listed(Ok(two())));
    top.update(Input::Clock(BEGAN_MS + 90_000));
    assert!(!top.is_changed);
    top.update(Input::Typed(Typed::Size(100, 30)));
    assert!(top.is_changed);
    let mut top = live((80, 24), &that_failed()[..8]);
    top.is_changed = false;
    top.update(Input::Clock(BEGAN_MS + 90_000));
    assert!(top.is_changed, "the times of a live run move");
}

#[test]
fn each_part_is_searched() {
    let mut top = looking((80, 24), two(), &that_failed());
    types(&mut top, "\t/send\n");
    assert_eq!(top.looked.as_ref().unwrap().at(), Some(RowKey::Task(3)));
    types(&mut top, "/failed\n");
    assert_eq!(top.looked.as_ref().unwrap().at(), Some(RowKey::Task(1)));
    types(&mut top, "\t/OUTSIDE\n");
    assert_eq!(top.looked.as_ref().unwrap().step, Some(2));
    types(&mut top, "nN");
    assert_eq!(top.looked.as_ref().unwrap().step, Some(2));
    types(&mut top, "/nowhere\n");
    assert!(said(&top).contains("`nowhere` is not in this part"));
    types(&mut top, "\t/compare\n");
    assert_eq!(top.looked.as_ref().unwrap().run, two()[1].run);
}

#[test]
fn a_line_is_edited_at_its_cursor_and_is_bounded() {
    let mut top = live((80, 24), &that_failed()[..8]);
    types(&mut top, "s世界x");
    for key in [Key::Left, Key::Backspace, Key::Home, Key::Delete] {
        press(&mut top, key);
    }
    types(&mut top, "ab");
    top.update(Input::Typed(Typed::Paste(
        "\n".to_owned() + &"y".repeat(5_000),
    )));
    let Some(crate::top::dialog::Dialog::Editor(editor)) = &top.dialog else {
        panic!("nothing is typed");
    };
    assert!(editor.text.starts_with("ab y"), "{}", &editor.text[..9]);
    assert_eq!(
        editor.text.chars().count(),
        crate::top::dialog::LINE_CHARS_MAX
    );
    // What is pasted elsewhere presses no keys.
    types(&mut top, "\u{1b}");
    top.update(Input::Typed(Typed::Paste("q".to_owned())));
}

#[test]
fn it_closes_by_key_and_by_signal() {
    let mut top = looking((80, 24), two(), &that_failed());
    let quit = types(&mut top, "q");
    assert_eq!(quit, [Wish::Close { interrupted: false }]);
    let ended = top.update(Input::Typed(Typed::End));
    assert_eq!(ended, [Wish::Close { interrupted: true }]);
}

//! Thousands of tasks and a hundred thousand events: what is drawn costs what is seen.

use super::drawn::screen;
use super::world::{Story, live, task, types};
use std::time::{Duration, Instant};

const TASKS: usize = 2_000;
const EVENTS: usize = 100_000;
/// Far more than it takes, also where tests run on a busy machine without optimization.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn a_large_run_is_drawn_many_times() {
    let ids: Vec<String> = (0..TASKS).map(|at| format!("t{at}")).collect();
    let tasks = ids.iter().enumerate().map(|(at, id)| match at {
        0 => task(id, "First", &[]),
        at => task(id, "Next", &[&ids[at / 2], &ids[at - 1]]),
    });
    let mut story = Story::begun("Do much", tasks.collect()).agent(1, "t0");
    let mut turn = 0;
    while story.0.len() < EVENTS {
        turn += 1;
        story = story.says(1, turn, "What I have done so far is this.");
    }
    let mut top = live((120, 40), &story.0);
    let began = Instant::now();
    types(&mut top, "\t\t");
    for key in ["k", "g", "j", "G", "\u{1b}", "G", "k", "\t"].repeat(10) {
        types(&mut top, key);
        screen(&top);
    }
    assert!(began.elapsed() < PATIENCE, "{:?}", began.elapsed());
}

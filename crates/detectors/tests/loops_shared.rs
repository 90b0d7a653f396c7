//! How good our rules are on labelled runs of real agents, from the folder that `LEADHAND_SHARED`
//! names. Bounds below are what was reached in development; they may only rise. Reading and
//! scoring are those of the benchmark, whose figures for other rules the data's own scorer gives
//! as well.

#![allow(
    clippy::print_stdout,
    reason = "a test that lacks its data says so, and each says what it measured"
)]

#[allow(dead_code, reason = "the benchmark uses all of it")]
#[path = "../examples/benchmark/data.rs"]
mod data;
#[allow(dead_code, reason = "the benchmark uses all of it")]
#[path = "../examples/benchmark/ours.rs"]
mod ours;
#[allow(dead_code, reason = "the benchmark uses all of it")]
#[path = "../examples/benchmark/score.rs"]
mod score;

use data::{Tier, Trace};
use score::{Fire, Score};

/// Our score on a set, or none when the data is not at hand.
fn score_on(name: &str) -> Option<Score> {
    let Some(folder) = data::shared_folder() else {
        println!("skipped: LEADHAND_SHARED does not name a folder with data/{name}");
        return None;
    };
    let traces: Vec<Trace> = data::read(&folder, name).unwrap_or_else(|why| panic!("{why}"));
    let fires: Vec<Option<Fire>> = traces.iter().map(ours::first_fire).collect();
    let score = Score::of(&traces, &fires);
    println!("{name}: {score:?}");
    Some(score)
}

fn recall(score: &Score, tier: Tier) -> f64 {
    score.by_tier[&tier].ratio()
}

/// Names every bound that does not hold, not only the first.
fn check(bounds: &[(&str, f64, std::ops::RangeInclusive<f64>)]) {
    let broken: Vec<String> = bounds
        .iter()
        .filter(|(_, figure, bound)| !bound.contains(figure))
        .map(|(what, figure, bound)| format!("{what} is {figure:.3}, not in {bound:?}"))
        .collect();
    assert_eq!(broken, Vec::<String>::new());
}

#[test]
fn loops_of_real_runs_are_found_and_honest_work_goes_on() {
    let Some(score) = score_on("loops.jsonl.gz") else {
        return;
    };
    check(&[
        ("macro F1", score.macro_f1(), 0.92..=1.0),
        ("recall, exact", recall(&score, Tier::Exact), 0.97..=1.0),
        (
            "recall, semantic",
            recall(&score, Tier::Semantic),
            0.83..=1.0,
        ),
        ("false stops, hard", score.false_hard.ratio(), 0.0..=0.01),
        ("false stops, clean", score.false_clean.ratio(), 0.0..=0.002),
    ]);
}

#[test]
fn loops_in_long_runs_are_found_and_progressing_polls_go_on() {
    let Some(score) = score_on("loops_spliced.jsonl.gz") else {
        return;
    };
    check(&[
        ("recall", recall(&score, Tier::Spliced), 0.90..=1.0),
        ("false stops", score.false_hard.ratio(), 0.0..=0.05),
    ]);
}

#[test]
fn loops_among_several_agents_are_found_and_the_agent_is_named() {
    let Some(score) = score_on("loops_multiagent.jsonl.gz") else {
        return;
    };
    check(&[("F1", score.f1(), 0.95..=1.0)]);
    assert_eq!(score.named.part, score.named.whole, "agents named right");
}

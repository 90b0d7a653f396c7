//! Ten thousand worlds, each of one seed, in which everything that must hold of a run is held.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use leadhand_protocol::Record;
use leadhand_simulator::invariant::check;
use leadhand_simulator::script::Script;
use leadhand_simulator::sweep::sweep;
use leadhand_simulator::trace::{Forking, Trace};
use leadhand_simulator::{expand, play};
use std::io::Write;

/// In CI; `LEADHAND_SEEDS` names another number.
const SEEDS: u64 = 10_000;
/// What must have been seen at work in so many worlds, or the simulator has become too tame.
const SEEN: [&str; 72] = [
    "fact answered",
    "fact asked",
    "fact cancelled",
    "fact counted_down",
    "fact dead_letter",
    "fact deadlock_broken",
    "fact declared",
    "fact given_up",
    "fact granted",
    "fact party_ended",
    "fact published",
    "fact received",
    "fact released",
    "fact returned",
    "fact subscribed",
    "fact unchanged",
    "fact unsubscribed",
    "fact voted",
    "fact wait_ended",
    "fact waiting",
    "fact was_read",
    "fact written",
    "fork refused",
    "life died",
    "life ended BudgetSpent",
    "life ended Cancelled",
    "life ended Done",
    "life ended Interrupted",
    "life ended ModelUnreachable",
    "life ended NotAchieved",
    "life ended Planned",
    "life ended Refused",
    "life ended WaitingForPerson",
    "life out of disk",
    "life over",
    "life refused",
    "life stuck",
    "record agent_ended",
    "record agent_started",
    "record answer_given",
    "record call_edited",
    "record call_in_doubt",
    "record call_started",
    "record checks_finished",
    "record checks_ordered",
    "record coordinated",
    "record forked",
    "record found",
    "record model_failed",
    "record model_replied",
    "record output_given",
    "record person_answered",
    "record person_asked",
    "record person_ordered",
    "record plan_accepted",
    "record probe_ordered",
    "record request_refused",
    "record requested",
    "record run_ended",
    "record run_resumed",
    "record run_started",
    "record run_suspended",
    "record steered",
    "record stop_ordered",
    "record task_done",
    "record task_failed",
    "record time_up",
    "record told",
    "record tool_called",
    "record tool_finished",
    "record turn_started",
    "undone",
];

#[test]
fn everything_holds_in_ten_thousand_worlds() {
    let asked = std::env::var("LEADHAND_SEEDS").ok();
    let seeds = asked.map_or(SEEDS, |seeds| seeds.parse().unwrap());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let swept = sweep(0..seeds, threads).unwrap();
    let seconds = swept.took.as_secs_f64();
    let rate = swept.seeds as f64 / seconds;
    let mut terminal = std::io::stderr().lock();
    writeln!(
        terminal,
        "{} seeds in {seconds:.0} s on {threads} threads: {rate:.0} a second",
        swept.seeds
    )
    .unwrap();
    for (seed, broken) in &swept.failures {
        writeln!(
            terminal,
            "seed {seed}: {}: {}; for a short script: cargo run -p leadhand-simulator -- --seed {seed}",
            broken.invariant, broken.seen
        )
        .unwrap();
    }
    assert_eq!(swept.failures, []);
    if seeds >= SEEDS {
        let unseen: Vec<&str> = SEEN
            .into_iter()
            .filter(|what| !swept.seen.contains_key(*what))
            .collect();
        assert_eq!(unseen, Vec::<&str>::new());
    }
}

/// What simulated worlds have shown to be wrong, as short as it could be made, and was mended.
#[test]
fn what_was_found_stays_mended() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scripts");
    let mut played = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let script: Script = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let broken = check(&play(&script).unwrap());
        assert_eq!(broken, [], "{}", path.display());
        played += 1;
    }
    assert!(played >= 5, "{played} scripts are left in {folder}");
}

fn branch(trace: &Trace) -> &[Record] {
    match &trace.branch {
        Some(Forking::Made(branch)) => &branch.trace.records,
        Some(Forking::Refused(_) | Forking::Broken(_)) | None => &[],
    }
}

/// Whatever a script says happens again to the byte, also when it was kept in a file.
#[test]
fn a_seed_decides_everything() {
    for seed in 0..40 {
        let script = expand(seed);
        let kept: Script = serde_json::from_str(&script.to_json()).unwrap();
        assert_eq!(kept, script, "seed {seed}");
        let (one, other) = (play(&script).unwrap(), play(&kept).unwrap());
        assert_eq!(one.records, other.records, "seed {seed}");
        assert_eq!(one.begun, other.begun, "seed {seed}");
        assert_eq!(one.lives, other.lives, "seed {seed}");
        assert_eq!(branch(&one), branch(&other), "seed {seed}");
        assert_eq!(check(&one), check(&other), "seed {seed}");
    }
}

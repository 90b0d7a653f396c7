//! The simulator can fail: of each defect that is put in, the invariant that is there for it says
//! so, and the script that shows it becomes short.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use leadhand_simulator::expand;
use leadhand_simulator::invariant::ALL;
use leadhand_simulator::script::{Planted, Script};
use leadhand_simulator::shrink::{breaks, shrink};

/// Seeds in which a planted defect must show.
const SEEDS: u64 = 400;

const DEFECTS: [(Planted, &str); 24] = [
    (Planted::ServiceActsTwice, "once"),
    (Planted::RecordLost, "acknowledged"),
    (Planted::AcknowledgedUnstored, "intent"),
    (Planted::SyncIgnored, "intent"),
    (Planted::CancelIgnored, "cancel"),
    (Planted::CalledAfterCancel, "cancel"),
    (Planted::Overspent, "budget"),
    (Planted::PermitsIgnored, "permits"),
    (Planted::CheckForged, "evidence"),
    (Planted::EndUnrecorded, "descendants"),
    (Planted::RecordChanged, "replay"),
    (Planted::StatusStale, "status"),
    (Planted::WrittenAfterEnd, "settled"),
    (Planted::AnswerLost, "goes_on"),
    (Planted::OnlookerPanics, "broken"),
    (Planted::BranchRepeats, "forked"),
    (Planted::LockDoubled, "exclusion"),
    (Planted::LockKept, "exclusion"),
    (Planted::GrantUnrecorded, "told"),
    (Planted::WakeUpLost, "awake"),
    (Planted::DeadlockInvented, "deadlock"),
    (Planted::DeadlockUnfound, "deadlock"),
    (Planted::MessageDoubled, "delivered"),
    (Planted::AnsweredTwice, "answered"),
];

/// The first script that shows a defect, with and without it.
fn shown(planted: Planted, invariant: &str) -> Script {
    for seed in 0..SEEDS {
        let script = Script {
            planted: Some(planted),
            ..expand(seed)
        };
        if breaks(&script, invariant) {
            return script;
        }
    }
    panic!("{planted:?} was not found by `{invariant}` in {SEEDS} seeds");
}

#[test]
fn each_planted_defect_is_found_by_its_invariant() {
    for (planted, invariant) in DEFECTS {
        let script = shown(planted, invariant);
        let sound = Script {
            planted: None,
            ..script
        };
        assert!(!breaks(&sound, invariant), "{planted:?}: it is no defect");
    }
}

#[test]
fn each_invariant_has_a_defect_that_breaks_it() {
    for invariant in ALL {
        assert!(
            DEFECTS.iter().any(|(_, name)| *name == invariant.name),
            "nothing shows that `{}` can fail",
            invariant.name
        );
    }
}

#[test]
fn a_script_that_shows_a_defect_becomes_short() {
    let script = shown(Planted::ServiceActsTwice, "once");
    let short = shrink(&script, "once");
    assert!(breaks(&short, "once"));
    let parts = (
        short.tasks.len(),
        short.tasks[0].uses.len(),
        short.tools.len(),
        short.moves.len() + short.acts.len() + short.answers.len(),
        short.lives.len(),
    );
    assert_eq!(parts, (1, 1, 1, 0, 0), "{}", short.to_json());
}

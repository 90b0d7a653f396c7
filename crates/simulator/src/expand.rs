//! A seed becomes a script. Some seeds are calm and some are wild; each draws how wild it is in
//! which respect, so that single faults are seen as well as many at once.

mod faults;
mod meetings;
mod people;
mod work;

use crate::chance::{Chance, number_of};
use crate::script::{Fork, Script, Terms};
use leadhand_protocol::coordination::PrimitiveName;
use leadhand_protocol::{Autonomy, Budget, Decision, Limits, Rule};
use std::collections::BTreeMap;

/// How many runs of a hundred are forked.
const FORKED_PERCENT: u64 = 15;
/// How many runs of a hundred keep permits.
const BOUNDED_PERCENT: u64 = 30;
/// What they may be kept for.
const BOUNDED: [&str; 9] = [
    "model/mind",
    "model/other-mind",
    "role/clerk",
    "tool/pay",
    "tool/book",
    "tool/put",
    "tool/read_file",
    "tool/probe_pay",
    "tool/undo_book",
];
/// Parts the chance of what tools do with each other from all other.
const MEETINGS: u64 = 5;

/// The script of a seed: the same for ever, as long as this file is.
#[must_use]
pub fn expand(seed: u64) -> Script {
    let mut chance = Chance::new(seed);
    let mut script = Script {
        seed,
        manager: chance.hits(35),
        tools: work::tools(&mut chance),
        ..Script::default()
    };
    work::tasks(&mut chance, &mut script);
    script.terms = terms(&mut chance, &script);
    faults::moves(&mut chance, &mut script);
    faults::acts(&mut chance, &mut script);
    people::answers(&mut chance, &mut script);
    let lives = if chance.hits(25) {
        1
    } else {
        chance.between(1, 4)
    };
    for number in 0..lives {
        let dies = number + 1 < lives || chance.hits(50);
        let mut life = faults::life(&mut chance, dies);
        people::orders(&mut chance, &script, &mut life);
        if number > 0 && chance.hits(35) {
            people::before(&mut chance, &script, &mut life);
        }
        script.lives.push(life);
    }
    // Drawn last, so that what is drawn before is the same with and without it.
    if chance.hits(FORKED_PERCENT) {
        script.fork = Some(fork(&mut chance, &script));
    }
    if chance.hits(BOUNDED_PERCENT) {
        script.terms.permits = permits(&mut chance);
    }
    meetings::meet(
        &mut Chance::new(number_of([seed, 0, MEETINGS])),
        &mut script,
    );
    script
}

/// Few of some, so that they are waited for.
fn permits(chance: &mut Chance) -> BTreeMap<PrimitiveName, u32> {
    let mut permits = BTreeMap::new();
    for name in BOUNDED {
        let count = chance.small(1, 3);
        if let (true, Ok(name)) = (chance.hits(40), PrimitiveName::new(name)) {
            permits.insert(name, count);
        }
    }
    permits
}

fn fork(chance: &mut Chance, script: &Script) -> Fork {
    let mut fork = Fork {
        at: chance.small(0, 1_000),
        changes: people::changes(chance, script),
        lives: Vec::new(),
    };
    for _ in 0..chance.below(3) {
        let dies = chance.hits(70);
        let mut life = faults::life(chance, dies);
        people::orders(chance, script, &mut life);
        fork.lives.push(life);
    }
    fork
}

fn terms(chance: &mut Chance, script: &Script) -> Terms {
    let autonomy = chance.pick(&[
        Autonomy::L1,
        Autonomy::L2,
        Autonomy::L3,
        Autonomy::L4,
        Autonomy::L4,
        Autonomy::L5,
    ]);
    let autonomy = if chance.hits(1) {
        Autonomy::L0
    } else {
        autonomy
    };
    let mut rules = Vec::new();
    if chance.hits(20) {
        let tool = chance.pick(&script.tools).name;
        let decision = chance.pick(&[Decision::Ask, Decision::Ask, Decision::Deny]);
        rules.push(Rule {
            tool,
            ..Rule::any(decision)
        });
    }
    Terms {
        autonomy,
        budget: budget(chance),
        clerk_budget: clerk_budget(chance),
        limits: limits(chance),
        rules,
        permits: BTreeMap::new(),
        to_disk: chance.hits(30),
    }
}

/// Often none, and else a tight one.
fn budget(chance: &mut Chance) -> Budget {
    let mut bound = |percent: u64, from: u64, to: u64| {
        let bounded = chance.hits(percent);
        let bound = chance.between(from, to);
        bounded.then_some(bound)
    };
    Budget {
        tokens_max: bound(15, 500, 12_000),
        micro_usd_max: bound(10, 1_000, 24_000),
        tool_calls_max: bound(10, 1, 20),
        seconds_max: bound(8, 1, 60),
        turns_max: bound(10, 2, 40),
        agents_max: bound(6, 2, 20),
        revisions_max: bound(6, 1, 3),
    }
}

fn clerk_budget(chance: &mut Chance) -> Budget {
    if !chance.hits(10) {
        return Budget::default();
    }
    Budget {
        tokens_max: Some(chance.between(500, 4_000)),
        tool_calls_max: Some(chance.between(1, 4)),
        turns_max: Some(chance.between(1, 5)),
        ..Budget::default()
    }
}

fn limits(chance: &mut Chance) -> Limits {
    let mut limits = Limits::default();
    if chance.hits(40) {
        limits.workers_max = usize::try_from(chance.between(1, 6)).unwrap_or(1);
    }
    if chance.hits(30) {
        limits.turns_per_agent_max = chance.small(2, 8);
        limits.faults_in_a_row_max = chance.small(1, 4);
        limits.task_attempts_max = chance.small(1, 3);
        limits.tool_calls_per_turn_max = usize::try_from(chance.between(1, 4)).unwrap_or(1);
        limits.revisions_max = chance.small(0, 3);
    }
    if chance.hits(40) {
        limits.output_tokens_per_turn_max = chance.small(20, 400);
    }
    if chance.hits(5) {
        limits.run_seconds_max = chance.between(1, 30);
    }
    if chance.hits(10) {
        limits.inbox_messages_max = usize::try_from(chance.between(1, 3)).unwrap_or(1);
    }
    limits
}

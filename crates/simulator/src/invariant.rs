//! What must hold after every run, whatever happened in it. Each is a sentence and a function of
//! what the run left behind.

mod acknowledged;
mod budget;
mod cancel;
mod coordination;
mod ended;
mod evidence;
mod forked;
mod intent;
mod once;
mod permits;
mod replayed;
mod status;

use crate::trace::{Forking, Trace};
use leadhand_protocol::coordination::Fact;
use leadhand_protocol::{AgentId, Event};

/// One thing that must hold.
#[derive(Clone, Copy)]
pub struct Invariant {
    /// Its name.
    pub name: &'static str,
    /// What must hold.
    pub says: &'static str,
    pub(crate) check: fn(&Trace) -> Result<(), String>,
}

/// All of them, those first that say most about what went wrong.
pub const ALL: [Invariant; 20] = [
    Invariant {
        name: "acknowledged",
        says: "no acknowledged record is lost",
        check: acknowledged::check,
    },
    Invariant {
        name: "once",
        says: "no effect that must happen once happens twice without a person's word",
        check: once::check,
    },
    Invariant {
        name: "intent",
        says: "nothing is begun before its order is durable, and nothing harmful before it is on disk",
        check: intent::check,
    },
    Invariant {
        name: "budget",
        says: "no budget is exceeded",
        check: budget::check,
    },
    Invariant {
        name: "permits",
        says: "no more turns, tasks of a role and calls go on at once than there are permits",
        check: permits::check,
    },
    Invariant {
        name: "evidence",
        says: "no task is done without evidence",
        check: evidence::check,
    },
    Invariant {
        name: "cancel",
        says: "after a cancel no model and no tool is called any more",
        check: cancel::check,
    },
    Invariant {
        name: "exclusion",
        says: "no two agents have what excludes the other, by the journal or as far as their tools know, and the numbers of grants grow",
        check: coordination::exclusion,
    },
    Invariant {
        name: "told",
        says: "what a tool is told that it has is on record, and the same when its call is made again",
        check: coordination::told,
    },
    Invariant {
        name: "awake",
        says: "nobody waits for what is free, and nobody who asked later is granted first",
        check: coordination::awake,
    },
    Invariant {
        name: "deadlock",
        says: "each deadlock that is broken was one, and none is left",
        check: coordination::deadlocks,
    },
    Invariant {
        name: "delivered",
        says: "each message reaches each subscriber once and in order, or is a dead letter on record",
        check: coordination::delivered,
    },
    Invariant {
        name: "answered",
        says: "each question is answered once, by whom it was put to, or its asker waits no longer",
        check: coordination::answered,
    },
    Invariant {
        name: "broken",
        says: "no process ends with a panic, or with an error of the program's own",
        check: ended::not_broken,
    },
    Invariant {
        name: "goes_on",
        says: "a run never waits for what can no longer come, and ends when nothing hinders it",
        check: ended::goes_on,
    },
    Invariant {
        name: "descendants",
        says: "every agent ends, and nothing of a run is at work when it has ended",
        check: ended::descendants,
    },
    Invariant {
        name: "replay",
        says: "every decision follows again from the records before it",
        check: replayed::check,
    },
    Invariant {
        name: "settled",
        says: "to resume a run that is over changes nothing",
        check: replayed::settled,
    },
    Invariant {
        name: "status",
        says: "the summary agrees with the journal",
        check: status::check,
    },
    Invariant {
        name: "forked",
        says: "a branch begins with the other run's records to the byte, pays for none of them, does nothing of them again, and leaves the other run as it is",
        check: forked::check,
    },
];

/// An invariant that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Which.
    pub invariant: &'static str,
    /// What was seen.
    pub seen: String,
}

/// All that do not hold of a run, and of its branch.
#[must_use]
pub fn check(trace: &Trace) -> Vec<Broken> {
    let mut broken = of_run(trace);
    if let Some(Forking::Made(branch)) = &trace.branch {
        let of_branch = of_run(&branch.trace).into_iter();
        broken.extend(of_branch.map(|broken| Broken {
            seen: format!("in the branch: {}", broken.seen),
            ..broken
        }));
    }
    broken
}

fn of_run(trace: &Trace) -> Vec<Broken> {
    let broken = ALL.iter().filter_map(|invariant| {
        let seen = (invariant.check)(trace).err()?;
        Some(Broken {
            invariant: invariant.name,
            seen,
        })
    });
    broken.collect()
}

/// Whether an event says that an agent is no more.
pub(crate) fn ends(event: &Event, agent: AgentId) -> bool {
    match event {
        Event::AgentEnded { agent: ended, .. } => *ended == agent,
        Event::Coordinated { fact } => {
            matches!(&**fact, Fact::PartyEnded { party } if *party == agent)
        }
        _ => false,
    }
}

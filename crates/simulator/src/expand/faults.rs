//! What goes wrong: models, tools, disks, clocks, processes.

use crate::chance::Chance;
use crate::script::{Death, Does, Jump, Life, ModelMove, Moment, Says, Script, ToolAct};
use leadhand_protocol::ModelFaultKind;

/// Agents and turns for which something may be drawn.
const AGENTS: u32 = 24;
const TURNS: u32 = 6;
const CALLS: u32 = 8;
/// A life has about this many appends, or fewer.
const APPENDS: u32 = 90;

const FAULTS: [ModelFaultKind; 10] = [
    ModelFaultKind::Unreachable,
    ModelFaultKind::Unauthorised,
    ModelFaultKind::RateLimited,
    ModelFaultKind::ServerFailed,
    ModelFaultKind::TimedOut,
    ModelFaultKind::BadAnswer,
    ModelFaultKind::Refused,
    ModelFaultKind::ContextFull,
    ModelFaultKind::NotFound,
    ModelFaultKind::Cancelled,
];

pub(super) fn moves(chance: &mut Chance, script: &mut Script) {
    let wild = chance.pick(&[0, 0, 3, 8, 25]);
    for agent in 0..AGENTS {
        for turn in 1..=TURNS {
            if chance.hits(wild) {
                let says = says(chance);
                script.moves.push(ModelMove { agent, turn, says });
            }
        }
    }
}

fn says(chance: &mut Chance) -> Says {
    match chance.below(12) {
        0..=2 => Says::Fault {
            kind: chance.pick(&FAULTS),
            times: chance.small(1, 6),
        },
        3 => Says::Malformed,
        4 => Says::Empty,
        5 => Says::Cut,
        6 => chance.pick(&[Says::Filtered, Says::Panic]),
        7 => Says::Text(
            chance
                .pick(&["{\"ok\": 1}", "see [t99]", "no", "[1,2]"])
                .to_owned(),
        ),
        8 | 9 => {
            let names = ["look_up", "put", "pay", "book", "write_file", "nothing"];
            let count = chance.between(1, 4);
            Says::Calls((0..count).map(|_| chance.pick(&names).to_owned()).collect())
        }
        10 => Says::Slow {
            ms: chance.pick(&[500, 20_000, 400_000, 900_000]),
        },
        _ => Says::Costly {
            tokens: chance.between(100, 3_000),
        },
    }
}

pub(super) fn acts(chance: &mut Chance, script: &mut Script) {
    let wild = chance.pick(&[0, 0, 5, 15, 40]);
    let mut names: Vec<String> = vec!["read_file".to_owned(), "write_file".to_owned()];
    for tool in &script.tools {
        let beside = ["probe", "undo"].map(|what| format!("{what}_{}", tool.name));
        names.extend(beside.into_iter().chain([tool.name.clone()]));
    }
    for tool in names {
        for nth in 0..CALLS {
            if chance.hits(wild) {
                script.acts.push(ToolAct {
                    tool: tool.clone(),
                    nth,
                    takes_effect: chance.hits(50),
                    does: does(chance),
                });
            }
        }
    }
}

fn does(chance: &mut Chance) -> Does {
    match chance.below(7) {
        0 | 1 => Does::Fail {
            retryable: chance.hits(50),
        },
        2 => Does::Panic,
        3 => Does::Slow {
            ms: chance.pick(&[100, 3_000, 19_000]),
        },
        4 => Does::Hang,
        5 => Does::Doubt,
        _ => Does::Nonsense,
    }
}

/// A process that may be late, run out of disk, have its clock set, and die.
pub(super) fn life(chance: &mut Chance, dies: bool) -> Life {
    let mut life = Life::default();
    if chance.hits(40) {
        life.snapshot = Some(chance.small(0, 1_000));
    }
    if chance.hits(20) {
        life.late_ms = chance.pick(&[1, 20, 300]);
    }
    if chance.hits(4) {
        life.disk_full_at = Some(chance.small(0, APPENDS));
    }
    while chance.hits(15) {
        life.jumps.push(Jump {
            at: chance.small(1, APPENDS),
            by_ms: chance.pick(&[-86_400_000, -3_000, 700, 3_600_000, 31_536_000_000]),
        });
    }
    if dies {
        let early = chance.hits(50);
        let append = chance.small(0, if early { 20 } else { APPENDS });
        let moment = match chance.below(4) {
            0 => Moment::Before,
            1 => Moment::Stored,
            _ => Moment::Later {
                ms: chance.below(150),
            },
        };
        let cut = chance.small(0, 5);
        life.death = Some(Death {
            append,
            moment,
            power_cut: chance.hits(40).then_some(cut),
        });
    }
    life
}

//! What people say and order, and when.

use crate::chance::Chance;
use crate::mind::OTHER_MODEL;
use crate::script::{Life, Ordered, PersonAnswer, Reply, Script};
use leadhand_protocol::{
    Answer, Autonomy, Budget, Decision, Grade, PersonInput, PlanEdit, PolicyChange, RequestId,
    Rule, SettingChange, Task, TaskId,
};

const QUESTIONS: u32 = 10;
/// A life shows about this many records, or fewer.
const RECORDS: u32 = 120;

pub(super) fn answers(chance: &mut Chance, script: &mut Script) {
    let wild = chance.pick(&[0, 10, 30]);
    for question in 0..QUESTIONS {
        if chance.hits(wild) {
            let says = chance.pick(&[
                Reply::No,
                Reply::No,
                Reply::Edited,
                Reply::ForTask,
                Reply::ForRun,
                Reply::Repeat,
                Reply::Absent,
                Reply::Silent,
                Reply::Slow { ms: 3_600_000 },
                Reply::Beside,
            ]);
            script.answers.push(PersonAnswer { question, says });
        }
    }
}

pub(super) fn orders(chance: &mut Chance, script: &Script, life: &mut Life) {
    while chance.hits(25) {
        let early = chance.hits(50);
        let at = chance.small(1, if early { 25 } else { RECORDS });
        life.orders.push(Ordered {
            at,
            order: order(chance, script),
        });
    }
}

pub(super) fn before(chance: &mut Chance, script: &Script, life: &mut Life) {
    for _ in 0..chance.between(1, 2) {
        let order = order(chance, script);
        life.before.push(order);
    }
}

/// What is another than it was in a branch.
pub(super) fn changes(chance: &mut Chance, script: &Script) -> Vec<PersonInput> {
    (0..chance.below(3))
        .map(|_| change(chance, script))
        .collect()
}

fn change(chance: &mut Chance, script: &Script) -> PersonInput {
    let mut change = SettingChange::default();
    match chance.below(6) {
        0 => {
            return PersonInput::Steer {
                task: None,
                text: "go another way".to_owned(),
            };
        }
        1 => {
            let edits = vec![edit(chance, script)];
            return PersonInput::EditPlan { edits };
        }
        2 => {
            let role = chance.pick(&["*", "clerk"]).to_owned();
            change.models.insert(role, vec![OTHER_MODEL.to_owned()]);
        }
        3 => {
            change.budget.tokens_max = Some(chance.between(500, 20_000));
            change.budget.turns_max = chance.hits(30).then_some(10);
        }
        4 => {
            change.policy = Some(PolicyChange {
                rules: vec![Rule {
                    tool: chance.pick(&script.tools).name,
                    ..Rule::any(chance.pick(&[Decision::Allow, Decision::Ask, Decision::Deny]))
                }],
                grants: Vec::new(),
            });
        }
        _ => change.autonomy = Some(chance.pick(&[Autonomy::L1, Autonomy::L4, Autonomy::L5])),
    }
    PersonInput::Change(Box::new(change))
}

fn order(chance: &mut Chance, script: &Script) -> PersonInput {
    match chance.below(11) {
        0 | 1 => PersonInput::Pause,
        2 => PersonInput::Cancel {
            grade: chance.pick(&[Grade::WrapUp, Grade::Stop, Grade::Abort]),
            why: "enough".to_owned(),
        },
        3 => PersonInput::RollBack {
            why: "it was wrong".to_owned(),
        },
        4 | 5 => PersonInput::Steer {
            task: chance.hits(50).then(|| some_task(chance, script)),
            text: "be quick".to_owned(),
        },
        6..=8 => PersonInput::EditPlan {
            edits: (0..chance.between(1, 2))
                .map(|_| edit(chance, script))
                .collect(),
        },
        9 => PersonInput::Change(Box::new(SettingChange {
            budget: Budget {
                // A budget of zero is refused.
                tokens_max: chance.pick(&[None, None, Some(0), Some(5_000), Some(5_000)]),
                tool_calls_max: chance.hits(50).then_some(50),
                ..Budget::default()
            },
            autonomy: chance
                .hits(50)
                .then(|| chance.pick(&[Autonomy::L1, Autonomy::L3, Autonomy::L5])),
            ..SettingChange::default()
        })),
        _ => PersonInput::Answers {
            request: RequestId(chance.small(0, 4)),
            answer: chance.pick(&[
                Answer::Allow,
                Answer::Repeat,
                Answer::Deny {
                    reason: "said elsewhere".to_owned(),
                },
            ]),
            shown: None,
        },
    }
}

fn some_task(chance: &mut Chance, script: &Script) -> TaskId {
    let id = chance.pick(&script.tasks).id;
    TaskId::new(id).expect("the script names tasks by letters and digits")
}

fn edit(chance: &mut Chance, script: &Script) -> PlanEdit {
    let task = some_task(chance, script);
    match chance.below(9) {
        0 => {
            let id = TaskId::new(format!("n{}", chance.below(3)));
            let mut new = Task::new(
                id.expect("it is made of letters and digits"),
                "clerk",
                "[[n|look_up|]]",
            );
            if chance.hits(50) {
                new.depends_on.push(task);
            }
            PlanEdit::Add {
                task: Box::new(new),
            }
        }
        1 => PlanEdit::Drop { task },
        2 => PlanEdit::DependsOn {
            task,
            depends_on: Vec::new(),
        },
        3 => PlanEdit::Role {
            task,
            role: "writer".to_owned(),
        },
        4 => PlanEdit::Instruction {
            task,
            instruction: "[[edited|look_up|]]".to_owned(),
        },
        5 => PlanEdit::Budget {
            task,
            budget: Budget {
                tokens_max: Some(chance.between(300, 4_000)),
                ..Budget::default()
            },
        },
        6 => PlanEdit::Hold { task },
        7 => PlanEdit::Release { task },
        _ => PlanEdit::BreakBefore { task },
    }
}

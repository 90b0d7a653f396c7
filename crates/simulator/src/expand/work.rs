//! What there is to do, and with what.

use crate::chance::Chance;
use crate::script::{Script, TaskScript, ToolScript};
use leadhand_protocol::{Budget, Check, Effect, ToolTemplate};

const TASKS_MAX: u64 = 12;
/// What the manager may plan at once.
const PLANNED_MAX: u64 = 8;

/// One tool of each effect; whether it can be probed and undone is chance.
pub(super) fn tools(chance: &mut Chance) -> Vec<ToolScript> {
    let effects = [
        ("look_up", Effect::Pure),
        ("put", Effect::Idempotent),
        ("pay", Effect::Once),
        ("book", Effect::Compensable),
    ];
    effects
        .into_iter()
        .map(|(name, effect)| ToolScript {
            name: name.to_owned(),
            effect,
            probe: !effect.is_repeatable() && chance.hits(50),
            undo: effect == Effect::Compensable && chance.hits(80),
            trusted: chance.hits(60),
        })
        .collect()
}

pub(super) fn tasks(chance: &mut Chance, script: &mut Script) {
    let max = if script.manager {
        PLANNED_MAX
    } else {
        TASKS_MAX
    };
    let wanted = if chance.hits(50) { 3 } else { max };
    let count = chance.between(1, wanted);
    for number in 1..=count {
        let task = task(chance, script, number);
        script.tasks.push(task);
    }
    if chance.hits(20) {
        let check = chance.pick(&[
            Check::CitationsResolve,
            Check::OutputMatches {
                pattern: "done|one|ok".to_owned(),
            },
            Check::Judged {
                criteria: "it is good".to_owned(),
            },
            Check::FileAbsent {
                path: "never.txt".to_owned(),
            },
        ]);
        script.acceptance.push(check);
    }
}

fn task(chance: &mut Chance, script: &Script, number: u64) -> TaskScript {
    let mut task = TaskScript {
        id: format!("t{number}"),
        ..TaskScript::default()
    };
    for before in &script.tasks {
        if chance.hits(25) {
            task.after.push(before.id.clone());
        }
    }
    let names = ["look_up", "put", "pay", "book", "pay", "book", "write_file"];
    for _ in 0..chance.below(4) {
        task.uses.push(chance.pick(&names).to_owned());
    }
    task.together = chance.hits(40);
    task.declares = chance.hits(50);
    if chance.hits(20) {
        task.output_file = Some(format!("out{number}.md"));
    }
    if script.manager {
        return task;
    }
    task.schema = chance.hits(15);
    let acts = task.uses.first().is_some_and(|tool| tool != "write_file");
    if acts && task.output_file.is_none() && chance.hits(20) {
        task.template = true;
        task.schema &= chance.hits(20);
    }
    if chance.hits(15) {
        task.lock = Some(chance.pick(&["a", "b"]).to_owned());
    }
    if let Some(of) = task.after.first().filter(|_| chance.hits(20)) {
        task.for_each = Some(of.clone());
        task.output_file = None;
    }
    if chance.hits(10) {
        task.budget = Budget {
            tokens_max: Some(chance.between(400, 4_000)),
            tool_calls_max: chance.hits(20).then_some(2),
            seconds_max: chance.hits(20).then_some(1),
            ..Budget::default()
        };
    }
    if chance.hits(20) {
        task.attempts_max = chance.small(1, 3);
    }
    while chance.hits(25) {
        let check = check(chance, &task);
        task.checks.push(check);
    }
    task
}

fn check(chance: &mut Chance, task: &TaskScript) -> Check {
    let path = task.output_file.clone();
    let path = path.unwrap_or_else(|| "notes.txt".to_owned());
    let call = ToolTemplate {
        tool: "look_up".to_owned(),
        arguments: serde_json::json!({"what": task.id}),
    };
    chance.pick(&[
        Check::FileExists { path: path.clone() },
        Check::FileChanged { path },
        Check::FileAbsent {
            path: "never.txt".to_owned(),
        },
        Check::OutputMatches {
            pattern: "one|ok|done".to_owned(),
        },
        Check::OutputMatches {
            pattern: "something it never says".to_owned(),
        },
        Check::ToolPasses {
            call,
            pattern: String::new(),
        },
        Check::CitationsResolve,
        Check::Judged {
            criteria: "it is good".to_owned(),
        },
    ])
}

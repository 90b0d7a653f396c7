//! Whole runs by chance: at no record more goes on than there are permits, what the room says is
//! out is what goes on, and everybody comes to an end, whatever fails and however often the
//! process dies.

use super::{out, with};
use crate::coordination::{holds, name, work};
use crate::world::{World, call, role, start, task, text};
use leadhand_engine::{Agent, AgentState, CallStatus, Run, settle};
use leadhand_protocol::{
    Access, Action, Answer, Ask, Autonomy, Capability, Decision, Effect, Goal, Grant, Input,
    ModelFault, ModelFaultKind, ModelReply, PersonInput, Plan, Purpose, Rule, Start, ToolCall,
    ToolFault, ToolFaultKind, ToolOutput, ToolTemplate,
};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;

const SEEDS: u64 = 150;
/// More steps than any of these runs takes.
const STEPS_MAX: usize = 5_000;

/// Chance by the constants of D. Knuth's MMIX.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        let at = self.below(from.len() as u64);
        from[usize::try_from(at).unwrap()]
    }
}

const NAMES: [&str; 7] = [
    "model/m",
    "model/n",
    "role/clerk",
    "tool/work",
    "tool/book",
    "tool/look",
    "host/a.org",
];

fn office(chance: &mut Chance) -> Start {
    let goal = Goal {
        autonomy: Autonomy::L5,
        ..Goal::new("Work.")
    };
    let tasks = 3 + chance.below(6);
    let roles = ["clerk", "scribe", "poet", ""];
    let tasks = (0..tasks).map(|nth| {
        let mut task = task(&format!("t{nth}"), chance.pick(&roles));
        if task.role.is_empty() {
            task.call = Some(ToolTemplate {
                tool: chance.pick(&["work", "book"]).to_owned(),
                arguments: json!({ "nth": nth }),
            });
        }
        task
    });
    let tasks: Vec<_> = tasks.collect();
    let answer = Some(tasks[0].id.clone());
    let mut start = start(goal, Some(Plan { tasks, answer }), &[]);
    let net = Access::new(Capability::Net, Some("url"));
    let mut book = work("book", Effect::Once, Vec::new());
    book.probe = Some("look".into());
    Arc::make_mut(&mut start.tools).extend([
        work("work", Effect::Idempotent, Vec::new()),
        book,
        work("look", Effect::Pure, Vec::new()),
        work("fetch", Effect::Pure, vec![net]),
    ]);
    for (name, models) in [
        ("clerk", &["m"][..]),
        ("scribe", &["n", "m"]),
        ("poet", &[]),
    ] {
        let mut role = role(name, &["work", "book", "look", "fetch"]);
        role.models = models.iter().map(ToString::to_string).collect();
        Arc::make_mut(&mut start.roles).push(role);
    }
    start.default_model = "m".into();
    start.rules.push(Rule {
        capability: Some(Capability::Net),
        ..Rule::any(Decision::Allow)
    });
    start.grants.push(Grant {
        capability: Capability::Net,
        resource: "**".into(),
    });
    start.limits.workers_max = 2 + usize::try_from(chance.below(6)).unwrap();
    start.limits.turns_per_agent_max = 4;
    let mut permits = Vec::new();
    for it in NAMES {
        match u32::try_from(chance.below(4)).unwrap() {
            0 => {}
            count => permits.push((it, count)),
        }
    }
    with(start, &permits)
}

fn reply(chance: &mut Chance) -> ModelReply {
    let count = chance.below(4);
    if count == 0 {
        return text(&format!("done {}", chance.below(1_000))).unwrap();
    }
    let one = |nth: u64| {
        let tool = chance.pick(&["work", "work", "book", "look", "fetch"]);
        let host = chance.pick(&["a.org", "b.org"]);
        let arguments = match tool {
            "fetch" => json!({"url": format!("https://{host}/{}", chance.below(100))}),
            _ => json!({"nth": chance.below(1_000)}),
        };
        let made = call(tool, arguments).unwrap().tool_calls.remove(0);
        Arc::new(ToolCall {
            id: format!("c{nth}"),
            ..Arc::unwrap_or_clone(made)
        })
    };
    ModelReply {
        tool_calls: (0..count).map(one).collect(),
        ..ModelReply::default()
    }
}

fn outcome(chance: &mut Chance, call: &ToolCall) -> Result<ToolOutput, ToolFault> {
    let kind = match chance.below(12) {
        0 => ToolFaultKind::Failed,
        1 => ToolFaultKind::InDoubt,
        _ if call.name == "look" => {
            let took_effect = chance.below(2) == 0;
            return Ok(ToolOutput::text(
                json!({ "took_effect": took_effect }).to_string(),
            ));
        }
        _ => return Ok(ToolOutput::text("done")),
    };
    Err(ToolFault {
        kind,
        message: "no".into(),
        retryable: true,
    })
}

fn answer(chance: &mut Chance, ask: &Ask) -> Answer {
    match (ask, chance.below(3)) {
        (_, 0) => Answer::Deny {
            reason: "no".into(),
        },
        (Ask::Outcome { .. }, 1) => Answer::Repeat,
        (Ask::Outcome { .. }, _) => Answer::TookEffect {
            result: "done".into(),
        },
        _ => Answer::Allow,
    }
}

/// What the world says to an action, if anything.
fn says(chance: &mut Chance, action: Action) -> Option<Input> {
    match action {
        Action::CallModel { agent, turn, .. } => Some(match chance.below(15) {
            0 => Input::ModelFailed {
                agent,
                turn,
                fault: ModelFault {
                    kind: ModelFaultKind::BadAnswer,
                    message: "no".into(),
                    retry_after_ms: None,
                },
            },
            _ => Input::ModelReplied {
                agent,
                turn,
                reply: Arc::new(reply(chance)),
            },
        }),
        Action::CallTool {
            call, tool_call, ..
        } => {
            let outcome = outcome(chance, &tool_call);
            Some(Input::ToolFinished { call, outcome })
        }
        Action::AskPerson { request, ask } => Some(Input::Person(PersonInput::Answers {
            answer: answer(chance, &ask),
            request,
            shown: None,
        })),
        _ => None,
    }
}

fn play(seed: u64) -> World {
    let mut chance = Chance(seed);
    let start = office(&mut chance);
    let mut world = World::new([]);
    world.give(Input::Start(Arc::new(start)));
    for _ in 0..STEPS_MAX {
        match world.run.outcome() {
            Some(outcome) if outcome.kind.resumable() => world.crash_and_resume(),
            Some(_) => return world,
            None => {}
        }
        match chance.below(60) {
            0 => world.crash_and_resume(),
            1 => drop(world.order(PersonInput::Pause)),
            _ => {}
        }
        if world.pending.is_empty() {
            let goes_on = world.run.outcome().is_some();
            assert!(goes_on, "seed {seed}: everybody waits\n{}", world.told());
            continue;
        }
        let at = chance.below(world.pending.len() as u64);
        let action = world.pending.remove(usize::try_from(at).unwrap()).unwrap();
        // Questions are answered once.
        if let Action::AskPerson { request, .. } = &action
            && !world.run.questions().contains_key(request)
        {
            continue;
        }
        if let Some(input) = says(&mut chance, action) {
            world.give(input);
        }
    }
    panic!("seed {seed}: the run has no end\n{}", world.told());
}

/// What goes on, counted without the room.
fn at_work(run: &Run) -> BTreeMap<(String, u32), u32> {
    let mut found = BTreeMap::new();
    let mut count = |name: String, agent: &Agent| {
        *found.entry((name, agent.id.0)).or_insert(0) += 1;
    };
    for agent in run.agents() {
        if matches!(agent.purpose, Purpose::Task(_)) && agent.role == "clerk" {
            count("role/clerk".to_owned(), agent);
        }
        if matches!(agent.state, AgentState::Thinking) {
            let model = if agent.role == "scribe" { "n" } else { "m" };
            count(format!("model/{model}"), agent);
        }
        for call in agent.calls() {
            let made = match &call.status {
                CallStatus::Running => &call.call,
                CallStatus::Probing { probe, .. } => &probe.0,
                _ => continue,
            };
            count(format!("tool/{}", made.name), agent);
            let url = made.arguments["url"].as_str().unwrap_or_default();
            if url.starts_with("https://a.org/") {
                count("host/a.org".to_owned(), agent);
            }
        }
    }
    found
}

fn check(world: &World, seed: u64) -> usize {
    let start = world.run.setting().unwrap().start.clone();
    let mut run = Run::new();
    let mut full = 0;
    for record in &world.records {
        run.apply(record);
        let at_work = at_work(&run);
        let is_settled = settle(&run).is_empty();
        for (semaphore, permits) in &start.permits {
            let mine = at_work
                .iter()
                .filter(|((it, _), _)| it == semaphore.as_str());
            let mine: Vec<(u32, u32)> = mine.map(|((_, agent), count)| (*agent, *count)).collect();
            let count: u32 = mine.iter().map(|(_, count)| count).sum();
            assert!(
                count <= *permits,
                "seed {seed}, record {}: {count} of {semaphore}",
                record.seq
            );
            full += usize::from(count == *permits);
            if is_settled {
                let out = out(&run, semaphore.as_str());
                assert_eq!(out, mine, "seed {seed}, record {}: {semaphore}", record.seq);
            }
        }
    }
    full
}

#[test]
fn permits_are_never_exceeded_and_everybody_ends() {
    let mut full = 0;
    for seed in 0..SEEDS {
        let world = play(seed);
        full += check(&world, seed);
        if seed % 20 == 0 {
            holds(&world);
        }
        assert_eq!(world.run.agents().count(), 0, "seed {seed}");
        let room = world.run.coordination();
        for semaphore in world.run.setting().unwrap().start.permits.keys() {
            let it = room.semaphore(&name(semaphore.as_str())).unwrap();
            assert_eq!(it.permits, it.free, "seed {seed}: {semaphore}");
        }
    }
    assert!(full > 2_000, "permits were all out at {full} records only");
}

//! What has happened to people, driven through whole runs: loops that must end the run, and
//! honest work that must reach its end with nothing found. A story says turn by turn what a model
//! replies, and what tools would answer if they were called.

mod between;
mod fire;
mod silent;

use crate::coordination::{holds, work};
use crate::world::{World, role, start, task};
use leadhand_protocol::{
    Action, Answer, Autonomy, Change, ContentHash, Effect, Event, FileChange, Finding, Goal, Input,
    LoopRule, ModelFault, ModelReply, OutcomeKind, Plan, Start, ToolCall, ToolFault, ToolFaultKind,
    ToolOutput, ToolSpec,
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// More turns than any story has: no other bound is to end a run before it is found.
const TURNS_MAX: u32 = 10_000;
/// Tools that only read; all others may be called twice without harm.
const READERS: [&str; 6] = [
    "view",
    "search",
    "weather",
    "job_status",
    "list_tasks",
    "http_get",
];
const MINUTE_MS: u64 = 60_000;

/// One turn of a model, and what becomes of its calls.
#[derive(Default)]
struct Turn {
    said: String,
    calls: Vec<Made>,
    fault: Option<ModelFault>,
    minutes_later: u64,
}

/// A call, and what its tool answers if it is made.
struct Made {
    tool: String,
    arguments: Value,
    outcome: Result<ToolOutput, ToolFault>,
}

/// A turn that says this, and calls nothing yet.
fn says(said: impl Into<String>) -> Turn {
    Turn {
        said: said.into(),
        ..Turn::default()
    }
}

/// A turn that makes one call.
fn does(made: Made) -> Turn {
    says("").and(made)
}

fn made(tool: &str, arguments: Value) -> Made {
    Made {
        tool: tool.to_owned(),
        arguments,
        outcome: Ok(ToolOutput::text("ok")),
    }
}

fn shell(command: impl Into<String>) -> Made {
    made("shell", json!({"command": command.into()}))
}

impl Turn {
    fn and(mut self, made: Made) -> Self {
        self.calls.push(made);
        self
    }

    fn minutes_later(mut self, minutes: u64) -> Self {
        self.minutes_later = minutes;
        self
    }
}

impl Made {
    fn gives(mut self, text: impl Into<String>) -> Self {
        self.outcome = Ok(ToolOutput::text(text));
        self
    }

    fn fails(self, message: impl Into<String>) -> Self {
        self.faults(message, false)
    }

    /// The other side says that trying again later may help.
    fn says_busy(self, message: impl Into<String>) -> Self {
        self.faults(message, true)
    }

    fn faults(mut self, message: impl Into<String>, retryable: bool) -> Self {
        self.outcome = Err(ToolFault {
            kind: ToolFaultKind::Failed,
            message: message.into(),
            retryable,
        });
        self
    }

    /// It answers what it answers, and a file has this content from then on.
    fn writes(mut self, path: &str, content: &str) -> Self {
        if let Ok(output) = &mut self.outcome {
            output.files.push(FileChange {
                path: path.to_owned(),
                change: Change::Modified,
                hash: Some(ContentHash::of(content.as_bytes())),
                bytes: content.len() as u64,
            });
        }
        self
    }
}

/// What a model replies, what tools answer, and what the run is started with.
struct Story {
    turns: Vec<Turn>,
    start: Start,
}

/// The story of one worker, whose tools are those that it calls: native ones that the embedder
/// vouches for and that touch nothing policy asks about. The plan is given, and nobody is asked.
fn story(turns: impl IntoIterator<Item = Turn>) -> Story {
    let turns: Vec<Turn> = turns.into_iter().collect();
    let mut task = task("t", "worker");
    task.writes = vec!["**".into()];
    let plan = Plan {
        tasks: vec![task],
        answer: None,
    };
    let goal = Goal {
        autonomy: Autonomy::L5,
        ..Goal::new("Work.")
    };
    let mut start = start(goal, Some(plan), &[]);
    start.limits.turns_per_agent_max = TURNS_MAX;
    // What is counted is what one attempt takes.
    start.limits.task_attempts_max = 1;
    let calls = turns.iter().flat_map(|turn| &turn.calls);
    let mut names: Vec<&str> = calls.map(|made| made.tool.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    Arc::make_mut(&mut start.roles).push(role("worker", &names));
    let known: Vec<String> = start.tools.iter().map(|tool| tool.name.clone()).collect();
    let new = names
        .iter()
        .filter(|name| !known.iter().any(|it| it == *name));
    let specs = new.map(|name| {
        let effect = if READERS.contains(name) {
            Effect::Pure
        } else {
            Effect::Idempotent
        };
        work(name, effect, Vec::new())
    });
    Arc::make_mut(&mut start.tools).extend(specs);
    Story { turns, start }
}

impl Story {
    fn with(mut self, change: impl FnOnce(&mut Start)) -> Self {
        change(&mut self.start);
        self
    }

    fn with_tool(self, name: &str, change: impl FnOnce(&mut ToolSpec)) -> Self {
        self.with(|start| {
            let mut tools = Arc::make_mut(&mut start.tools).iter_mut();
            change(tools.find(|tool| tool.name == name).unwrap());
        })
    }

    /// The run of it, to its end. A person who is asked about a call always says the same.
    fn run(self, said: &Answer) -> Told {
        let mut world = World::new([]);
        world.answers.extend(vec![said.clone(); self.turns.len()]);
        let mut answers = BTreeMap::new();
        let mut later = VecDeque::new();
        for (nth, turn) in self.turns.into_iter().enumerate() {
            later.push_back(turn.minutes_later * MINUTE_MS);
            world.replies.push_back(reply(nth, turn, &mut answers));
        }
        let mut told = Told {
            calls: 0,
            turns: 0,
            world,
        };
        told.world.give(Input::Start(Arc::new(self.start)));
        while let Some(action) = told.world.pending.pop_front() {
            if let Some(input) = told.carry_out(action, &answers, &mut later) {
                told.world.give(input);
            }
        }
        told
    }
}

/// What tools answer, by the ids of the calls.
type Answers = BTreeMap<String, Result<ToolOutput, ToolFault>>;

fn reply(nth: usize, turn: Turn, answers: &mut Answers) -> Result<ModelReply, ModelFault> {
    if let Some(fault) = turn.fault {
        return Err(fault);
    }
    let calls = turn.calls.into_iter().enumerate();
    let tool_calls = calls.map(|(index, made)| {
        let id = format!("{nth}-{index}");
        answers.insert(id.clone(), made.outcome);
        Arc::new(ToolCall {
            id,
            name: made.tool,
            arguments: made.arguments,
        })
    });
    Ok(ModelReply {
        tool_calls: tool_calls.collect(),
        text: turn.said,
        ..ModelReply::default()
    })
}

/// A run that is over.
struct Told {
    world: World,
    /// Calls that were really made.
    calls: usize,
    /// Turns that models took.
    turns: usize,
}

impl Told {
    fn carry_out(
        &mut self,
        action: Action,
        answers: &Answers,
        later: &mut VecDeque<u64>,
    ) -> Option<Input> {
        match &action {
            Action::CallTool {
                call, tool_call, ..
            } => {
                self.calls += 1;
                let outcome = answers.get(&tool_call.id)?.clone();
                let call = *call;
                Some(Input::ToolFinished { call, outcome })
            }
            Action::CallModel { .. } => {
                self.turns += 1;
                self.world.at_ms += later.pop_front().unwrap_or_default();
                self.world.carry_out(action)
            }
            _ => self.world.carry_out(action),
        }
    }

    /// By which rules something was found, in turn.
    fn rules(&self) -> Vec<LoopRule> {
        let rule = |event: &Event| match event {
            Event::Found(Finding::Loop(found)) => Some(found.rule),
            _ => None,
        };
        self.world.journal.iter().filter_map(rule).collect()
    }
}

/// How a loop must end.
struct Bounds {
    /// By which it was found at last.
    rule: LoopRule,
    /// Calls that are really made, at most.
    calls_max: usize,
    /// Turns that are taken, at most.
    turns_max: usize,
}

/// Holds that a run is found by a rule, and ends for it within its bounds. Whoever was found at
/// something may do less by itself, and each call is allowed all the same.
fn fires(expected: &Bounds, story: Story) -> Told {
    let told = story.run(&Answer::Allow);
    ends_for(expected, &told);
    told
}

fn ends_for(expected: &Bounds, told: &Told) {
    let lines = told.world.told();
    assert_eq!(told.world.kind(), OutcomeKind::LoopFound, "{lines}");
    assert_eq!(told.rules().last(), Some(&expected.rule), "{lines}");
    assert!(
        told.calls <= expected.calls_max && told.turns <= expected.turns_max,
        "{} calls were made in {} turns:\n{lines}",
        told.calls,
        told.turns
    );
    holds(&told.world);
}

/// Holds that a run reaches its end with nothing found.
fn silent(story: Story) {
    let told = story.run(&Answer::Allow);
    let lines = told.world.told();
    assert_eq!(told.world.kind(), OutcomeKind::Done, "{lines}");
    let found = |event: &&Event| matches!(event, Event::Found(_));
    assert_eq!(told.world.journal.iter().find(found), None, "{lines}");
    holds(&told.world);
}

//! A made-up project: runs, the records of one, and hands that type.

use crate::top::input::{Input, Key, Typed, Wish};
use crate::top::state::Top;
use crate::{Given, OpenRunQuestion, RunLine};
use leadhand_protocol::{
    AgentId, Artifact, Ask, CallId, ContentHash, Decision, Event, Finding, Goal, Identity, Label,
    Limits, LoopFinding, LoopRule, ModelReply, Origin, Outcome, OutcomeKind, Permit, Plan, Purpose,
    Record, RequestId, RunId, Start, Task, TaskId, ToolCall, ToolFault, ToolFaultKind, ToolOutput,
    Usage, Verdict,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// When everything begins.
pub(super) const BEGAN_MS: u64 = 1_795_478_800_000;

pub(super) fn run() -> RunId {
    RunId::new("1m85e0mas-mrxz").unwrap()
}

pub(super) fn line(run: &RunId, state: &str, live: bool, goal: &str) -> RunLine {
    RunLine {
        run: run.clone(),
        state: state.to_owned(),
        live,
        resumable: !live && matches!(state, "stopped" | "interrupted"),
        goal: goal.to_owned(),
        started_ms: BEGAN_MS,
        tasks: 4,
        tasks_done: 1,
        tokens: 12_345,
        micro_usd: 0,
        questions: 0,
        orders: true,
    }
}

/// Records that follow each other, half a second apart.
#[derive(Default)]
pub(super) struct Story(pub(super) Vec<Record>);

impl Story {
    pub(super) fn then(mut self, event: Event) -> Self {
        let seq = self.0.len() as u64;
        self.0.push(Record {
            seq,
            at_ms: BEGAN_MS + seq * 500,
            event: Arc::new(event),
        });
        self
    }

    pub(super) fn begun(goal: &str, tasks: Vec<Task>) -> Self {
        let plan = Plan {
            tasks,
            answer: None,
        };
        Self::default()
            .then(started(goal))
            .then(Event::PlanAccepted {
                revision: 0,
                plan: Some(Arc::new(plan)),
            })
    }

    pub(super) fn agent(self, agent: u32, task: &str) -> Self {
        self.then(Event::AgentStarted {
            agent: AgentId(agent),
            role: "writer".to_owned(),
            purpose: Purpose::Task(id(task)),
            attempt: 1,
            opening: None,
        })
    }

    pub(super) fn thinks(self, agent: u32, turn: u32) -> Self {
        let agent = AgentId(agent);
        self.then(Event::TurnStarted {
            agent,
            turn,
            reserved: None,
        })
    }

    pub(super) fn says(self, agent: u32, turn: u32, text: &str) -> Self {
        self.thinks(agent, turn).then(Event::ModelReplied {
            agent: AgentId(agent),
            turn,
            reply: Arc::new(ModelReply {
                text: text.to_owned(),
                model: "scripted".to_owned(),
                usage: Usage {
                    input_tokens: 1_200,
                    output_tokens: 34,
                    ..Usage::default()
                },
                ..ModelReply::default()
            }),
        })
    }

    pub(super) fn calls(self, agent: u32, tool: &str, arguments: &str, verdict: Verdict) -> Self {
        self.then(Event::ToolCalled {
            call: call(agent),
            origin: Origin::Model,
            tool_call: Arc::new(ToolCall {
                id: "c".to_owned(),
                name: tool.to_owned(),
                arguments: serde_json::json!({ "path": arguments }),
            }),
            verdict,
            permit: Arc::new(Permit::default()),
        })
    }

    pub(super) fn gives(self, agent: u32, outcome: Result<&str, &str>) -> Self {
        self.then(Event::ToolFinished {
            call: call(agent),
            outcome: outcome.map(ToolOutput::text).map_err(|why| ToolFault {
                kind: ToolFaultKind::InvalidArguments,
                message: why.to_owned(),
                retryable: false,
            }),
        })
    }

    pub(super) fn ended(self, agent: u32, failure: Option<&str>) -> Self {
        self.then(Event::AgentEnded {
            agent: AgentId(agent),
            failure: failure.map(str::to_owned),
        })
    }

    pub(super) fn failed(self, task: &str, why: &str) -> Self {
        self.then(Event::TaskFailed {
            task: id(task),
            why: why.to_owned(),
        })
    }
}

/// A run of four tasks of which one is done, and one failed after a finding.
pub(super) fn that_failed() -> Vec<Record> {
    let tasks = vec![
        task("t1", "Read the prices", &[]),
        task("t2", "Write the note", &["t1"]),
        task("t3", "Check the note against the prices", &["t1", "t2"]),
        task("t4", "Send it", &["t3"]),
    ];
    Story::begun("Write a note about the prices of paper", tasks)
        .agent(1, "t1")
        .says(1, 1, "I read the file first.")
        .calls(1, "read_file", "prices.csv", allowed())
        .gives(1, Ok("paper,3.20\nink,9.00"))
        .says(1, 2, "Paper costs 3.20.")
        .ended(1, None)
        .then(done("t1"))
        .agent(2, "t2")
        .says(2, 1, "I write it down.")
        .calls(2, "write_file", "../note.md", denied())
        .gives(2, Err("`../note.md` lies outside of the project"))
        .says(2, 2, "Once more.")
        .then(Event::Found(Finding::Loop(loop_of(2))))
        .then(Event::Told {
            agent: AgentId(2),
            fault: true,
            text: "You have made this call before: try another way.".to_owned(),
        })
        .ended(2, Some("went round in circles"))
        .failed("t2", "went round in circles")
        .then(Event::RunEnded(Arc::new(outcome(
            OutcomeKind::NotAchieved,
            "t2 failed: went round in circles",
        ))))
        .0
}

fn loop_of(agent: u32) -> LoopFinding {
    LoopFinding {
        agent: AgentId(agent),
        rule: LoopRule::RepeatedCall,
        identity: Identity(7),
        since: 0,
        period: 1,
        times: 3,
        evidence: "write_file ../note.md three times, denied each time".to_owned(),
    }
}

pub(super) fn outcome(kind: OutcomeKind, why: &str) -> Outcome {
    Outcome {
        kind,
        why: why.to_owned(),
        answer: String::new(),
        tasks: Vec::new(),
        files: Vec::new(),
        in_doubt: Vec::new(),
        undone: Vec::new(),
        usage: Usage::default(),
        micro_usd: 0,
        turns: 0,
        tool_calls: 0,
        revisions: 0,
    }
}

pub(super) fn done(task: &str) -> Event {
    let content = "Paper costs 3.20.";
    let artifact = Artifact {
        hash: ContentHash::of(content.as_bytes()),
        bytes: 17,
        media_type: "text/plain".to_owned(),
        path: None,
        label: Label::default(),
    };
    Event::TaskDone {
        task: id(task),
        artifact,
        content: content.into(),
    }
}

fn started(goal: &str) -> Event {
    Event::RunStarted(Arc::new(Start {
        run: run(),
        goal: Goal::new(goal),
        roles: Arc::default(),
        tools: Arc::default(),
        rules: Vec::new(),
        grants: Vec::new(),
        approvals: Vec::new(),
        labels: Vec::new(),
        limits: Limits::default(),
        plan: None,
        files: Vec::new(),
        files_left_out: 0,
        instructions: String::new(),
        seed: 0,
        prices: BTreeMap::new(),
        message_types: Vec::new(),
        permits: BTreeMap::new(),
        default_model: String::new(),
    }))
}

pub(super) fn id(task: &str) -> TaskId {
    TaskId::new(task).unwrap()
}

pub(super) fn task(name: &str, title: &str, after: &[&str]) -> Task {
    let mut task = Task::new(id(name), "writer", title);
    task.title = title.to_owned();
    task.depends_on = after.iter().map(|name| id(name)).collect();
    task
}

pub(super) fn call(agent: u32) -> CallId {
    CallId {
        agent: AgentId(agent),
        turn: 1,
        index: 0,
    }
}

pub(super) fn allowed() -> Verdict {
    Verdict {
        decision: Decision::Allow,
        because: "rule 2 allows fs.read of `**`".to_owned(),
    }
}

fn denied() -> Verdict {
    Verdict {
        decision: Decision::Deny,
        because: "no rule allows fs.write of `../note.md`".to_owned(),
    }
}

/// A question for a tool call with this argument.
pub(super) fn question(number: u32, path: &str) -> OpenRunQuestion {
    let ask = Ask::Tool {
        call: call(1),
        role: "writer".to_owned(),
        tool_call: ToolCall {
            id: "c".to_owned(),
            name: "write_file".to_owned(),
            arguments: serde_json::json!({ "path": path }),
        },
        because: "autonomy L2 asks before files are written".to_owned(),
    };
    OpenRunQuestion {
        question: RequestId(number),
        digest: ask.digest(),
        ask,
    }
}

/// The view of these runs, with the records of the first one.
pub(super) fn looking(size: (u16, u16), lines: Vec<RunLine>, records: &[Record]) -> Top {
    let mut top = Top::new(size, true, BEGAN_MS + 60_000);
    let is_live = lines.first().is_some_and(|line| line.live);
    top.update(Input::Listed(Ok(lines)));
    top.update(Input::Given(Given::Records(records.to_vec())));
    top.update(Input::Given(Given::AllSoFar));
    if !is_live {
        top.update(Input::FollowEnded(Ok(())));
    }
    top
}

pub(super) fn live(size: (u16, u16), records: &[Record]) -> Top {
    looking(size, vec![line(&run(), "running", true, "Write")], records)
}

/// Types a text, a key each; gives what is wished for.
pub(super) fn types(top: &mut Top, text: &str) -> Vec<Wish> {
    let key = |c| match c {
        '\n' => Key::Enter,
        '\t' => Key::Tab,
        '\u{1b}' => Key::Escape,
        '↓' => Key::Down,
        '↑' => Key::Up,
        '→' => Key::Right,
        '←' => Key::Left,
        c => Key::Char(c),
    };
    let keys = text.chars().map(key).collect::<Vec<_>>();
    let pressed = keys.into_iter().flat_map(|key| press(top, key));
    pressed.collect()
}

pub(super) fn press(top: &mut Top, key: Key) -> Vec<Wish> {
    top.update(Input::Typed(Typed::Key(key)))
}

/// What is said below.
pub(super) fn said(top: &Top) -> &str {
    top.message.as_ref().map_or("", |message| &message.text)
}

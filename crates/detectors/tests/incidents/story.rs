//! A few words to tell an incident with: turns of agents, their calls, and what came of them.

use leadhand_detectors::{Arguments, Call, Came, Loops, Manner, Step};
use leadhand_protocol::{AgentId, ContentHash, EVIDENCE_CHARS_MAX, LoopFinding};
use serde_json::Value;

/// One turn of an agent.
#[derive(Default)]
pub(crate) struct Turn {
    agent: u32,
    said: String,
    calls: Vec<Made>,
    at_ms: Option<u64>,
    gained: bool,
}

/// A call that was made.
pub(crate) struct Made {
    tool: String,
    arguments: Value,
    result: String,
    came: Came,
    poll_every_ms: Option<u64>,
    changed: Vec<ContentHash>,
}

/// A turn of agent 1 that says this, and calls nothing yet.
pub(crate) fn says(said: impl Into<String>) -> Turn {
    Turn {
        agent: 1,
        said: said.into(),
        ..Turn::default()
    }
}

/// A turn of agent 1 that makes one call.
pub(crate) fn does(call: Made) -> Turn {
    says("").and(call)
}

/// A call of a shell with its command as a text.
pub(crate) fn shell(command: impl Into<String>) -> Made {
    call("shell", Value::String(command.into()))
}

/// A call with JSON arguments.
pub(crate) fn call(tool: &str, arguments: Value) -> Made {
    Made {
        tool: tool.to_owned(),
        arguments,
        result: String::new(),
        came: Came::Unknown,
        poll_every_ms: None,
        changed: Vec::new(),
    }
}

impl Turn {
    pub(crate) fn by(mut self, agent: u32) -> Self {
        self.agent = agent;
        self
    }

    pub(crate) fn and(mut self, call: Made) -> Self {
        self.calls.push(call);
        self
    }

    pub(crate) fn at_minute(mut self, minute: u64) -> Self {
        self.at_ms = Some(minute * 60_000);
        self
    }

    pub(crate) fn gains(mut self) -> Self {
        self.gained = true;
        self
    }

    fn shown_to(&self, loops: &mut Loops) -> Option<LoopFinding> {
        let calls: Vec<Call<'_>> = self.calls.iter().map(Made::seen).collect();
        loops.see(&Step {
            agent: AgentId(self.agent),
            said: &self.said,
            calls: &calls,
            answered: None,
            at_ms: self.at_ms,
            gained: self.gained,
        })
    }
}

impl Made {
    pub(crate) fn gives(mut self, result: impl Into<String>) -> Self {
        self.result = result.into();
        self
    }

    pub(crate) fn came(mut self, came: Came) -> Self {
        self.came = came;
        self
    }

    pub(crate) fn polls_every_minutes(mut self, minutes: u64) -> Self {
        self.poll_every_ms = Some(minutes * 60_000);
        self
    }

    pub(crate) fn changes(mut self, content: &str) -> Self {
        self.changed.push(ContentHash::of(content.as_bytes()));
        self
    }

    fn seen(&self) -> Call<'_> {
        Call {
            tool: &self.tool,
            arguments: match &self.arguments {
                Value::String(text) => Arguments::Text(text),
                json => Arguments::Json(json),
            },
            result: &self.result,
            came: self.came,
            manner: Manner {
                equal_by: None,
                poll_every_ms: self.poll_every_ms,
                changed: &self.changed,
            },
        }
    }
}

/// Holds that a loop is called at a step, from 0, between these two, and says something of it.
pub(crate) fn fires(earliest: usize, latest: usize, story: impl IntoIterator<Item = Turn>) {
    let mut loops = Loops::default();
    let mut turns = story.into_iter().enumerate().take(latest + 1);
    let found = turns.find_map(|(at, turn)| Some((at, turn.shown_to(&mut loops)?)));
    let Some((at, finding)) = found else {
        panic!("no loop was called by step {latest}");
    };
    assert!(
        at >= earliest,
        "called at step {at}, too early: {finding:?}"
    );
    assert!(
        finding.since <= at as u64,
        "began after it was seen: {finding:?}"
    );
    let length = finding.evidence.chars().count();
    assert!((1..=EVIDENCE_CHARS_MAX).contains(&length), "{finding:?}");
}

/// Holds that no loop is called.
pub(crate) fn silent(story: impl IntoIterator<Item = Turn>) {
    let mut loops = Loops::default();
    for (at, turn) in story.into_iter().enumerate() {
        let found = turn.shown_to(&mut loops);
        assert_eq!(found, None, "honest work was called a loop at step {at}");
    }
}

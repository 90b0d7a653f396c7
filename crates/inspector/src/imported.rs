//! A trace of others as records, so that all that reads runs reads it too: each of its parts is a
//! task with one agent, and what models said and which tools were called are that agent's turns
//! and calls. What it was for, and what allowed it, nobody wrote down. What the detectors see in
//! it stands where they see it.

use leadhand_detectors::divergence::PlanWatch;
use leadhand_detectors::{Arguments, Call, Came, Loops, Step, Trace, Written, WrittenAsk};
use leadhand_protocol::{
    AgentId, CallId, Decision, Divergence, Event, Finding, FinishReason, Identity, LoopFinding,
    ModelFault, ModelFaultKind, ModelReply, Origin, Permit, Purpose, Record, Seq, TaskId, ToolCall,
    ToolFault, ToolFaultKind, ToolOutput, TracePart, Usage, Verdict,
};
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What stands for the rule that allowed a call.
const BECAUSE: &str = "by what the trace does not say";
/// What stands for what an agent was told.
const NOT_TOLD: &str = "The trace does not say what it was told.";
/// What stands for a reason that nobody wrote down.
const NO_REASON: &str = "the trace does not say why";
/// The name of an agent that has none.
const UNNAMED: &str = "unnamed";

/// A trace as records.
#[derive(Debug, Default)]
pub struct Imported {
    /// The records, [`Event::TraceImported`] first. Their times never go back: what ends before
    /// it begins took no time, and what has no time has that of what was before it; all are 0
    /// where none is known.
    pub records: Vec<Record>,
    /// For each step of the trace the record that it begins with.
    pub steps: Vec<Seq>,
}

/// Makes records of a trace.
///
/// ```
/// use leadhand_detectors::Trace;
/// use leadhand_inspector::{Timeline, imported};
/// use leadhand_protocol::RunId;
/// let line = r#"{"id": "t1", "steps": [{"agent": "scout", "tool": "ls", "observation": "x"}]}"#;
/// let imported = imported(&Trace::read(line)?);
/// let timeline = Timeline::of(&RunId::new("t1").map_err(|why| why.to_string())?, &imported.records);
/// assert_eq!(timeline.tasks[0].worker, "scout");
/// assert_eq!(imported.steps, [2]);
/// # Ok::<(), String>(())
/// ```
#[must_use]
pub fn imported(trace: &Trace) -> Imported {
    let mut making = Making::of(trace);
    let (mut loops, mut plan) = (Loops::default(), trace.plan().map(PlanWatch::new));
    trace.find(|at, step| {
        if let Some(written) = trace.written(at) {
            making.step(at, step, &written);
            let of_plan = plan.as_mut().map(|plan| plan.see(at as u64, step));
            making.found(
                written.part,
                at,
                loops.see(step),
                of_plan.unwrap_or_default(),
            );
        }
        // Nothing is looked for: all steps are to be seen.
        None::<()>
    });
    if let (Some(plan), Some(last)) = (plan, trace.len().checked_sub(1)) {
        let part = trace.written(last).map_or(0, |written| written.part);
        making.found(part, last, None, plan.finish());
    }
    making.finish(trace)
}

/// Where an event belongs: when it was, of which step, and where within that.
type Place = (u64, usize, u32);
/// After all that a step holds.
const FOUND: u32 = u32::MAX - 1;
/// After what was found in it.
const ENDED: u32 = u32::MAX;

struct Making {
    events: Vec<(Place, Event)>,
    parts: Vec<MadePart>,
    /// What was found of whom: it is told once.
    told: BTreeSet<(usize, Identity)>,
    /// The time of what is without one.
    now_ms: u64,
}

/// A part as far as its steps were taken.
#[derive(Clone, Default)]
struct MadePart {
    steps: u32,
    /// Where its first and last events are.
    span: Option<(Place, Place)>,
    /// What its model was told first.
    told: Option<String>,
}

impl Making {
    fn of(trace: &Trace) -> Self {
        let known = (0..trace.len()).find_map(|at| trace.written(at)?.began_ms);
        Self {
            events: Vec::new(),
            parts: vec![MadePart::default(); trace.parts().len()],
            told: BTreeSet::new(),
            now_ms: known.unwrap_or_default(),
        }
    }

    fn step(&mut self, at: usize, step: &Step<'_>, written: &Written<'_>) {
        let Some(part) = self.parts.get_mut(written.part) else {
            return;
        };
        part.steps = part.steps.saturating_add(1);
        let turn = part.steps;
        if let Some(asked) = written.asked.filter(|asked| !asked.told.is_empty()) {
            part.told.get_or_insert_with(|| asked.told.to_owned());
        }
        let ended_ms = step.at_ms.or(written.began_ms).unwrap_or(self.now_ms);
        let began_ms = written.began_ms.unwrap_or(ended_ms);
        self.now_ms = ended_ms;
        let agent = agent(written.part);
        let calls: Vec<(CallId, Arc<ToolCall>)> = (0..)
            .zip(step.calls)
            .map(|(index, call)| (CallId { agent, turn, index }, call))
            .map(|(id, call)| (id, tool_call(id, call)))
            .collect();
        let mut nth = 0;
        let mut push = |at_ms: u64, event: Event| {
            nth += 1;
            self.place(written.part, (at_ms, at, nth), event);
        };
        let mut called_ms = began_ms;
        if written.asked.is_some() || step.calls.is_empty() {
            let asked = written.asked.and_then(|asked| asked.ended_ms);
            called_ms = began_ms.max(asked.unwrap_or(began_ms));
            let reserved = None;
            push(
                began_ms,
                Event::TurnStarted {
                    agent,
                    turn,
                    reserved,
                },
            );
            let wanted = calls.iter().map(|(_, call)| Arc::clone(call)).collect();
            push(
                called_ms,
                replied((agent, turn), step.said, wanted, written.asked),
            );
            if let Some(text) = step.answered {
                let (fault, text) = (false, text.to_owned());
                push(called_ms, Event::Told { agent, fault, text });
            }
        }
        let made = step.calls.iter().zip(&written.calls);
        for ((call_id, wanted), (call, times)) in calls.into_iter().zip(made) {
            let began_ms = called_ms.max(times.began_ms.unwrap_or(called_ms));
            push(began_ms, called(call_id, wanted));
            // Of one that a model only wanted nobody knows what came of it.
            if times.made {
                let ended_ms = began_ms.max(times.ended_ms.unwrap_or(began_ms));
                push(ended_ms, finished(call_id, call));
            }
        }
    }

    fn place(&mut self, part: usize, place: Place, event: Event) {
        let span = &mut self.parts[part].span;
        let (first, last) = span.unwrap_or((place, place));
        *span = Some((first.min(place), last.max(place)));
        self.events.push((place, event));
    }

    /// Takes what was found about a part's work when it had come to a step; each thing once.
    fn found(
        &mut self,
        part: usize,
        step: usize,
        of_loop: Option<LoopFinding>,
        of_plan: Vec<Divergence>,
    ) {
        let agent = agent(part);
        let of_loop = of_loop.map(|found| {
            (
                found.identity,
                Finding::Loop(LoopFinding { agent, ..found }),
            )
        });
        let of_plan = of_plan.into_iter().map(|found| {
            (
                found.identity,
                Finding::Divergence(Divergence { agent, ..found }),
            )
        });
        let span = self.parts.get(part).and_then(|part| part.span);
        let at_ms = span.map_or(self.now_ms, |(_, last)| last.0);
        for (identity, finding) in of_loop.into_iter().chain(of_plan) {
            if self.told.insert((part, identity)) {
                self.events
                    .push(((at_ms, step, FOUND), Event::Found(finding)));
            }
        }
    }

    fn finish(mut self, trace: &Trace) -> Imported {
        for (at, part) in trace.parts().iter().enumerate() {
            let Some(task) = task(at) else { continue };
            // One without steps stands for what was done within it.
            let first_ms = part.began_ms.or(part.ended_ms).unwrap_or(self.now_ms);
            let last_ms = part.ended_ms.unwrap_or(first_ms);
            let alone = ((first_ms, 0, 0), (first_ms.max(last_ms), usize::MAX, 0));
            let (first, last) = self.parts[at].span.unwrap_or(alone);
            let began = (first.0.min(first_ms), first.1, 0);
            let ended = (last.0.max(last_ms), last.1, ENDED);
            let told = self.parts[at].told.take();
            self.events
                .push((began, started(at, &part.agent, task, told)));
            self.events.push((ended, over(at, part.failure.as_deref())));
        }
        self.events.sort_by_key(|(place, _)| *place);
        let began_ms = self.events.first().map_or(0, |(place, _)| place.0);
        let mut imported = Imported {
            records: Vec::with_capacity(self.events.len() + 1),
            steps: vec![Seq::MAX; trace.len()],
        };
        for (seq, ((_, step, nth), _)) in (1..).zip(&self.events) {
            if *nth == 1 {
                imported.steps[*step] = seq;
            }
        }
        imported.push(began_ms, head(trace));
        for ((at_ms, ..), mut event) in self.events {
            if let Event::Found(finding) = &mut event {
                imported.place(finding);
            }
            imported.push(at_ms, event);
        }
        imported
    }
}

impl Imported {
    /// Steps of what was found become the records that they begin with.
    fn place(&self, finding: &mut Finding) {
        let record = |step: u64| {
            let step = usize::try_from(step).ok()?;
            self.steps.get(step).copied()
        };
        match finding {
            Finding::Loop(found) => found.since = record(found.since).unwrap_or_default(),
            Finding::Divergence(found) => found.step = found.step.and_then(record),
            Finding::TurnsSpent { .. }
            | Finding::FaultsInARow { .. }
            | Finding::Deadlock { .. } => {}
        }
    }

    fn push(&mut self, at_ms: u64, event: Event) {
        self.records.push(Record {
            seq: self.records.len() as Seq,
            at_ms,
            event: Arc::new(event),
        });
    }
}

/// The agent of a part; 0 would be a manager.
fn agent(part: usize) -> AgentId {
    AgentId(u32::try_from(part + 1).unwrap_or(u32::MAX))
}

/// The name of a part.
fn task(part: usize) -> Option<TaskId> {
    TaskId::new(format!("p{}", part + 1)).ok()
}

fn named(agent: &str) -> &str {
    if agent.is_empty() { UNNAMED } else { agent }
}

fn head(trace: &Trace) -> Event {
    let parts = trace.parts().iter().enumerate();
    let parts = parts.filter_map(|(at, part)| {
        Some(TracePart {
            task: task(at)?,
            title: if part.name.is_empty() {
                named(&part.agent).to_owned()
            } else {
                part.name.clone()
            },
            agent: named(&part.agent).to_owned(),
            within: part.within.and_then(task),
        })
    });
    Event::TraceImported {
        trace: trace.id().to_owned(),
        parts: parts.collect(),
    }
}

fn started(part: usize, role: &str, task: TaskId, told: Option<String>) -> Event {
    Event::AgentStarted {
        agent: agent(part),
        role: named(role).to_owned(),
        purpose: Purpose::Task(task),
        attempt: 1,
        opening: Some(told.unwrap_or_else(|| NOT_TOLD.to_owned())),
    }
}

fn over(part: usize, failure: Option<&str>) -> Event {
    Event::AgentEnded {
        agent: agent(part),
        failure: failure.map(reason),
    }
}

fn reason(why: &str) -> String {
    let why = if why.is_empty() { NO_REASON } else { why };
    why.to_owned()
}

fn replied(
    (agent, turn): (AgentId, u32),
    said: &str,
    tool_calls: Vec<Arc<ToolCall>>,
    asked: Option<WrittenAsk<'_>>,
) -> Event {
    if let Some(why) = asked.and_then(|asked| asked.failure) {
        let fault = ModelFault {
            kind: ModelFaultKind::ServerFailed,
            message: reason(why),
            retry_after_ms: None,
        };
        return Event::ModelFailed { agent, turn, fault };
    }
    let by = asked.map(|asked| asked.answered);
    let reply = ModelReply {
        text: said.to_owned(),
        finish: if tool_calls.is_empty() {
            FinishReason::Stop
        } else {
            FinishReason::ToolCalls
        },
        tool_calls,
        usage: by.map_or(Usage::default(), |by| Usage {
            input_tokens: by.input_tokens,
            output_tokens: by.output_tokens,
            ..Usage::default()
        }),
        model: by.map_or(String::new(), |by| by.model.clone()),
        ..ModelReply::default()
    };
    let reply = Arc::new(reply);
    Event::ModelReplied { agent, turn, reply }
}

fn tool_call(id: CallId, call: &Call<'_>) -> Arc<ToolCall> {
    Arc::new(ToolCall {
        id: id.to_string(),
        name: call.tool.to_owned(),
        arguments: match call.arguments {
            Arguments::Text(text) => Value::String(text.to_owned()),
            Arguments::Json(value) => value.clone(),
        },
    })
}

fn called(call: CallId, tool_call: Arc<ToolCall>) -> Event {
    Event::ToolCalled {
        call,
        origin: Origin::Model,
        tool_call,
        verdict: Verdict {
            decision: Decision::Allow,
            because: BECAUSE.to_owned(),
        },
        permit: Arc::new(Permit::default()),
    }
}

fn finished(call: CallId, made: &Call<'_>) -> Event {
    let outcome = match made.came {
        Came::Failed | Came::Unavailable | Came::Blocked => Err(ToolFault {
            kind: ToolFaultKind::Failed,
            message: reason(made.result),
            retryable: made.came == Came::Unavailable,
        }),
        Came::Done | Came::Unknown => Ok(ToolOutput::text(made.result)),
    };
    Event::ToolFinished { call, outcome }
}

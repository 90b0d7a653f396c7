//! What a tool at work does with other agents: it asks the run for what its task's steps say, and
//! the world notes what it was told, so that this can be held against the journal.

use crate::script::Step;
use crate::service::fault;
use crate::trace::{Saw, Seen};
use crate::world::World;
use leadhand_protocol::coordination::{
    Asker, Delivered, LockHeld, Obtained, Payload, PrimitiveName, QuestionId, Request, Told, WaitId,
};
use leadhand_protocol::{AgentId, CallId, ToolCall, ToolFault, ToolFaultKind, ToolOutput};
use leadhand_runtime::{CallInfo, RequestError};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// What a refusal says of a call that asks otherwise than before, or cannot have the same.
const MADE_BEFORE: &str = "made before";

/// One call of a tool that deals with others.
struct Meeting<'a> {
    world: &'a World,
    info: &'a CallInfo,
    /// Requests that it made.
    requests: u32,
    /// Whether the call was made before.
    again: bool,
    locks: Vec<LockHeld>,
    permits: Vec<(PrimitiveName, u32)>,
    questions: Vec<QuestionId>,
}

/// Goes through the steps of the task that a call is for.
pub(crate) async fn meet(
    world: &World,
    call: &ToolCall,
    info: &CallInfo,
) -> Result<ToolOutput, ToolFault> {
    let task = call.arguments["what"].as_str().unwrap_or_default();
    let mut tasks = world.script.tasks.iter();
    let steps = tasks.find(|it| it.id == task).map(|it| it.steps.as_slice());
    let mut meeting = Meeting {
        world,
        info,
        requests: 0,
        again: world.makes(info.id) > 0,
        locks: Vec::new(),
        permits: Vec::new(),
        questions: Vec::new(),
    };
    for step in steps.unwrap_or_default() {
        meeting.step(step).await?;
    }
    Ok(ToolOutput::text("met"))
}

/// However a call ends, it knows of no lock any more.
impl Drop for Meeting<'_> {
    fn drop(&mut self) {
        let mut state = self.world.state();
        state.believed.retain(|(call, _)| *call != self.info.id);
    }
}

impl Meeting<'_> {
    async fn step(&mut self, step: &Step) -> Result<(), ToolFault> {
        match step {
            Step::Ask {
                request,
                wait_ms,
                again,
            } => {
                let other = again.as_ref().filter(|_| self.again);
                let request = other.unwrap_or(request);
                self.ask((**request).clone(), *wait_ms).await?;
            }
            Step::LetGo => self.let_go().await?,
            Step::Answer => {
                for question in std::mem::take(&mut self.questions) {
                    let payload = Payload::text("so");
                    self.ask(Request::Answer { question, payload }, None)
                        .await?;
                }
            }
            Step::Write { key } => {
                let key = key.clone();
                let read = self.ask(Request::Read { key: key.clone() }, None).await?;
                if let Some(Told::Entry { version, .. }) = read {
                    let write = Request::CompareAndSet {
                        key,
                        expected_version: version,
                        value: Arc::new(Value::from(version)),
                    };
                    self.ask(write, None).await?;
                }
            }
            Step::Flood {
                topic,
                messages,
                bytes,
            } => {
                for _ in 0..*messages {
                    let text = "m".repeat(usize::try_from(*bytes).unwrap_or_default());
                    let (topic, payload) = (topic.clone(), Payload::text(text));
                    self.ask(Request::Publish { topic, payload }, None).await?;
                }
            }
            Step::Work { ms } => tokio::time::sleep(Duration::from_millis(*ms)).await,
            // A person may want such a call made again and again.
            Step::Fail | Step::Panic if self.again => {}
            Step::Fail => return Err(fault(ToolFaultKind::Failed, true)),
            // Without the words on the terminal that would hide those that matter.
            Step::Panic => std::panic::resume_unwind(Box::new("the script wants a panic")),
        }
        Ok(())
    }

    async fn let_go(&mut self) -> Result<(), ToolFault> {
        for LockHeld { lock, fence, .. } in std::mem::take(&mut self.locks) {
            self.ask(Request::Release { lock, fence }, None).await?;
        }
        for (semaphore, permits) in std::mem::take(&mut self.permits) {
            self.ask(Request::Give { semaphore, permits }, None).await?;
        }
        Ok(())
    }

    /// Asks the run; a request that brings nothing is no reason to stop, and a deadlock one to
    /// give back what it has.
    async fn ask(
        &mut self,
        request: Request,
        wait_ms: Option<u64>,
    ) -> Result<Option<Told>, ToolFault> {
        let deadline_ms = wait_ms.map(|ms| self.world.now_ms().saturating_add(ms));
        let request = request.with_deadline(deadline_ms);
        let party = self.info.id.agent;
        if let Request::Release { lock, fence } = &request {
            self.world.lets_go(party, lock, *fence);
        }
        self.requests += 1;
        self.world.waits();
        let told = self.info.run.request(request).await;
        self.world.goes_on();
        match told {
            Ok(told) => {
                if let Some(wait) = WaitId::of(self.info.id, self.requests) {
                    self.note(Asker { party, wait }, &told);
                }
                Ok(Some(told))
            }
            Err(RequestError::Deadlock(_)) => {
                Box::pin(self.let_go()).await?;
                Ok(None)
            }
            // What it did when it was made before cannot be done again: it is to be called anew.
            Err(RequestError::Refused(why)) if why.contains(MADE_BEFORE) => {
                Err(fault(ToolFaultKind::Failed, false))
            }
            Err(RequestError::Refused(_) | RequestError::Ended(_)) => Ok(None),
            Err(RequestError::Gone) => Err(fault(ToolFaultKind::Failed, false)),
        }
    }

    fn note(&mut self, asker: Asker, told: &Told) {
        let Told::Obtained(obtained) = told else {
            return;
        };
        match obtained {
            Obtained::Locks(held) => {
                for held in held {
                    self.locks.retain(|it| it.lock != held.lock);
                    self.world.believes(self.info.id, asker, held);
                }
                self.locks.extend(held.iter().cloned());
            }
            Obtained::Permits { semaphore, permits } => {
                self.permits.push((semaphore.clone(), *permits));
            }
            Obtained::Message(message) => {
                if let Delivered::Question { question, .. } = message {
                    self.questions.push(*question);
                }
                self.world.sees(asker, Saw::Message(message.clone()));
            }
            Obtained::Answered { question, .. } => self.world.sees(asker, Saw::Answer(*question)),
            Obtained::Passed { .. }
            | Obtained::Joined { .. }
            | Obtained::Decided { .. }
            | Obtained::Changed { .. } => {}
        }
    }
}

impl World {
    /// A call is made; gives how often it was made before.
    fn makes(&self, call: CallId) -> u32 {
        let mut state = self.state();
        let made = state.made.entry(call).or_default();
        *made += 1;
        *made - 1
    }

    fn sees(&self, asker: Asker, saw: Saw) {
        self.state().seen.push(Seen { asker, saw });
    }

    /// A tool is told that it has a lock. Whoever knows of the same one has it too, unless the
    /// agent has ended.
    fn believes(&self, call: CallId, asker: Asker, held: &LockHeld) {
        let mut state = self.state();
        let others = state.believed.iter();
        let others = others.filter(|(other, it)| other.agent != call.agent && it.lock == held.lock);
        let over = |party: AgentId| {
            let mut records = state.store.records.iter();
            records.any(|record| crate::invariant::ends(&record.event, party))
        };
        let others = others.filter(|(other, _)| !over(other.agent));
        let beside = others.map(|(other, it)| (other.agent, it.clone()));
        let saw = Saw::Lock {
            held: held.clone(),
            beside: beside.collect(),
        };
        state
            .believed
            .retain(|(other, it)| *other != call || it.lock != held.lock);
        state.believed.push((call, held.clone()));
        state.seen.push(Seen { asker, saw });
    }

    /// A party gives a lock back: none of its calls knows of it any more.
    fn lets_go(&self, party: AgentId, lock: &PrimitiveName, fence: u64) {
        if self.has(crate::script::Planted::LockKept) {
            return;
        }
        let mut state = self.state();
        state
            .believed
            .retain(|(call, it)| call.agent != party || it.lock != *lock || it.fence != fence);
    }
}

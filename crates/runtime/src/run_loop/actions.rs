//! What the engine orders is carried out: by agents, by checks, by a person. What comes of it comes
//! back as an input of the loop.

use super::RunLoop;
use crate::IDS;
use crate::worker::work;
use futures::FutureExt;
use leadhand_channel::Dispatch;
use leadhand_protocol::{
    Action, Address, AgentId, Ask, Assignment, Input, Message, Outcome, PersonInput, Purpose,
    RequestId,
};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use tokio::task::AbortHandle;
use tracing::Instrument;

impl RunLoop {
    pub(super) async fn carry_out(&mut self, action: Action) -> Option<Outcome> {
        match action {
            Action::StartAgent {
                agent,
                role,
                purpose,
            } => self.start_agent(agent, role, purpose).await,
            Action::CallModel {
                agent,
                turn,
                request,
            } => {
                self.send(agent, Message::Assign(Assignment::Think { turn, request }))
                    .await;
            }
            Action::CancelModel { agent } => self.send(agent, Message::Cancel).await,
            Action::CallTool {
                call,
                tool_call,
                permit,
                key,
                ..
            } => {
                self.send(
                    call.agent,
                    Message::Assign(Assignment::Act {
                        call,
                        tool_call,
                        permit,
                        key,
                    }),
                )
                .await;
            }
            Action::RunChecks {
                task,
                checks,
                changed,
            } => {
                let tools = self.equipment.tools.clone();
                self.bring(async move {
                    let results = tools.check(task.as_ref(), checks, changed).await;
                    Some(Input::ChecksFinished { task, results })
                });
            }
            Action::AskPerson { request, ask } => self.ask_person(request, ask),
            Action::Tell { asker, told } => {
                let wait = asker.wait;
                self.send(asker.party, Message::Granted { wait, told })
                    .await;
            }
            Action::Steer { agent, text } => self.send(agent, Message::Steer { text }).await,
            Action::EndAgent { agent } => self.post.close(agent),
            Action::Finish(outcome) => return Some(Arc::unwrap_or_clone(outcome)),
        }
        None
    }

    fn ask_person(&mut self, request: RequestId, ask: Ask) {
        let (approver, run) = (Arc::clone(&self.onlookers.approver), self.id.clone());
        let asking = self.bring(async move {
            // One whose code panics is not there to answer.
            let asked = async { approver.answer(&run, request, &ask).await };
            let answered = AssertUnwindSafe(asked).catch_unwind().await;
            Some(Input::Person(match answered.ok().flatten() {
                Some(answer) => PersonInput::Answers {
                    request,
                    answer,
                    shown: Some(ask.digest()),
                },
                None => PersonInput::Absent { request },
            }))
        });
        self.onlookers.asked.insert(request, asking);
    }

    async fn start_agent(&mut self, agent: AgentId, role: String, purpose: Purpose) {
        let mut names = vec![Address::Role(role.clone())];
        let mut task = None;
        if let Purpose::Task(of) = &purpose {
            names.push(Address::Task(of.clone()));
            task = Some(of.to_string());
        }
        match self.post.register_as(agent, &names) {
            Ok(mailbox) => {
                self.let_go();
                let span = tracing::error_span!(target: IDS, "at", run = %self.id, %agent, task);
                let work = work(mailbox, Arc::clone(&self.equipment));
                self.jobs.spawn(work.instrument(span));
                self.send(agent, Message::Assign(Assignment::Begin { role, purpose }))
                    .await;
            }
            Err(error) => {
                tracing::error!(run = %self.id, %agent, %error, "an agent was started twice");
            }
        }
    }

    /// An agent whose mailbox is gone has ended, and what it was sent is among the dead letters.
    async fn send(&mut self, agent: AgentId, message: Message) {
        // What an agent is sent was made of what stands in its context.
        let label = self.run.agent(agent).map(|it| it.label().clone());
        let message = Dispatch::from(message).labelled(label.unwrap_or_default());
        if let Err(error) = self.post.send(agent, message).await {
            tracing::warn!(run = %self.id, %agent, %error, "a message could not be delivered");
        }
    }

    fn bring(&mut self, job: impl Future<Output = Option<Input>> + Send + 'static) -> AbortHandle {
        let side = self.side.0.clone();
        self.let_go();
        let job = async move {
            if let Some(input) = job.await {
                // The loop is gone only when the run is over, and then nobody wants the input.
                let _ = side.send(input).await;
            }
        };
        let span = tracing::error_span!(target: IDS, "at", run = %self.id);
        self.jobs.spawn(job.instrument(span))
    }

    /// Finished jobs are let go of as new ones come, so that a long run does not gather them.
    fn let_go(&mut self) {
        while self.jobs.try_join_next().is_some() {}
    }
}

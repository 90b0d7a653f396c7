//! What comes to a run: orders of people, here and in other processes, what checks and agents
//! bring, and time.

use super::{Heard, Observation, RunLoop};
use crate::error::RuntimeError;
use crate::person::Order;
use crate::remote::{OpenQuestion, Remote, Wish};
use crate::status::Status;
use leadhand_protocol::coordination::Asker;
use leadhand_protocol::{Address, Done, Envelope, Failed, Input, Message};

impl RunLoop {
    pub(super) async fn next_input(&mut self) -> Result<Heard, RuntimeError> {
        loop {
            let time_up = async {
                match &mut self.time_up {
                    Some(sleep) => sleep.await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                Some(Order { input, heard }) = self.orders.0.recv() => {
                    return Ok(Heard { input: Input::Person(input), heard });
                }
                Some(wish) = Remote::next(&mut self.onlookers.remote) => {
                    if let Some(Order { input, heard }) = self.grant(wish) {
                        return Ok(Heard { input: Input::Person(input), heard });
                    }
                }
                Some(input) = self.side.1.recv() => return Ok(input.into()),
                () = time_up => {
                    self.time_up = None;
                    return Ok(Input::TimeUp.into());
                }
                envelope = self.hub.recv() => match envelope {
                    Some(envelope) => if let Some(input) = self.read(envelope) {
                        return Ok(input.into());
                    },
                    None => return Err(RuntimeError::Stranded { run: self.id.clone() }),
                },
            }
        }
    }

    /// Answers what another process wants to see at once; gives the order that it gave.
    fn grant(&self, wish: Wish) -> Option<Order> {
        // Whoever asked may be gone.
        match wish {
            Wish::Order(order) => return Some(order),
            Wish::Questions(heard) => drop(heard.send(OpenQuestion::of(self.run.questions()))),
            Wish::Status(heard) => {
                drop(heard.send(Status::of(&self.run, self.now_ms())));
            }
            Wish::Plan(heard) => {
                let plan = self.run.graph().map(|graph| graph.plan().clone());
                drop(heard.send(plan));
            }
        }
        None
    }

    /// What an agent's message means to the engine; pieces of replies mean nothing to it.
    fn read(&self, envelope: Envelope) -> Option<Input> {
        let Address::Agent(agent) = envelope.from else {
            return None;
        };
        match envelope.message {
            Message::Progress { piece, .. } => {
                (self.onlookers.observer)(&Observation::Piece(agent, &piece));
                None
            }
            Message::Result(Done::Thought { turn, reply }) => {
                Some(Input::ModelReplied { agent, turn, reply })
            }
            Message::Failure(Failed::Thought { turn, fault }) => {
                Some(Input::ModelFailed { agent, turn, fault })
            }
            Message::Result(Done::Acted { call, output }) => Some(Input::ToolFinished {
                call,
                outcome: Ok(*output),
            }),
            Message::Failure(Failed::Acted { call, fault }) => Some(Input::ToolFinished {
                call,
                outcome: Err(fault),
            }),
            Message::Request { wait, request } => {
                let asker = Asker { party: agent, wait };
                Some(Input::Requested { asker, request })
            }
            Message::Assign(_)
            | Message::Cancel
            | Message::Steer { .. }
            | Message::Granted { .. } => {
                tracing::warn!(run = %self.id, %agent, "a message for an agent came to the hub");
                None
            }
        }
    }
}

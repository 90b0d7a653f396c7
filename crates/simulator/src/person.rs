//! The person of a simulated run: answers questions, mostly with yes, gives the orders of the
//! script when their moment has come, and of a call in doubt says what the service's books say.

use crate::mind::arguments_of;
use crate::script::{Planted, Reply};
use crate::trace::{Given, What};
use crate::world::World;
use leadhand_model::BoxFuture;
use leadhand_protocol::{
    Answer, ApprovalScope, Ask, CallId, PersonInput, RequestId, RunId, ToolCall,
};
use leadhand_runtime::{Approver, Control};
use serde_json::json;
use std::time::Duration;

/// How long a person thinks, in milliseconds.
const THINKS_MS: u64 = 30;

impl Approver for World {
    fn answer<'a>(
        &'a self,
        _: &'a RunId,
        request: RequestId,
        ask: &'a Ask,
    ) -> BoxFuture<'a, Option<Answer>> {
        Box::pin(async move {
            self.begin(What::Question { request });
            let first = self.question(request, doubted(ask));
            let answers = self.script.answers.iter();
            let mut here = answers.filter(|answer| answer.question == request.0 && first);
            let says = here.next().map(|answer| answer.says);
            tokio::time::sleep(Duration::from_millis(THINKS_MS)).await;
            match says {
                Some(Reply::Slow { ms }) => tokio::time::sleep(Duration::from_millis(ms)).await,
                Some(Reply::Silent) => std::future::pending().await,
                _ => {}
            }
            self.came_back();
            if self.has(Planted::AnswerLost) {
                std::future::pending::<()>().await;
            }
            says.map_or_else(|| Some(self.honest(ask)), |says| self.said(says, ask))
        })
    }
}

fn doubted(ask: &Ask) -> Option<CallId> {
    match ask {
        Ask::Outcome { call, .. } => Some(*call),
        Ask::Plan { .. } | Ask::Tool { .. } | Ask::Task { .. } | Ask::Finding { .. } => None,
    }
}

impl World {
    /// Yes, and of a call in doubt what is true.
    fn honest(&self, ask: &Ask) -> Answer {
        let Ask::Outcome {
            call, tool_call, ..
        } = ask
        else {
            return Answer::Allow;
        };
        let state = self.state();
        let done = |tool: &str| {
            let mut deeds = state.deeds.iter();
            deeds.any(|deed| deed.call == *call && deed.tool == tool)
        };
        if done(&tool_call.name) {
            Answer::TookEffect {
                result: "done".to_owned(),
            }
        } else {
            Answer::Repeat
        }
    }

    fn said(&self, says: Reply, ask: &Ask) -> Option<Answer> {
        let no = || Answer::Deny {
            reason: "I would rather not".to_owned(),
        };
        let of_tool = |answer: Answer| match ask {
            Ask::Tool { .. } => answer,
            Ask::Plan { .. } | Ask::Task { .. } | Ask::Finding { .. } | Ask::Outcome { .. } => {
                self.honest(ask)
            }
        };
        let until_ms = None;
        Some(match says {
            Reply::Absent => return None,
            Reply::Slow { .. } | Reply::Silent => self.honest(ask),
            Reply::No => no(),
            Reply::Edited => match ask {
                Ask::Tool { tool_call, .. } => Answer::AllowEdited {
                    arguments: edited(tool_call),
                },
                Ask::Plan { .. } | Ask::Task { .. } | Ask::Finding { .. } | Ask::Outcome { .. } => {
                    self.honest(ask)
                }
            },
            Reply::ForTask => of_tool(Answer::AllowFor {
                scope: ApprovalScope::Task,
                until_ms,
            }),
            Reply::ForRun => of_tool(Answer::AllowFor {
                scope: ApprovalScope::Run,
                until_ms,
            }),
            Reply::Repeat => match ask {
                Ask::Outcome { .. } => Answer::Repeat,
                Ask::Plan { .. } | Ask::Task { .. } | Ask::Finding { .. } | Ask::Tool { .. } => {
                    Answer::Allow
                }
            },
            Reply::Beside => match ask {
                Ask::Outcome { .. } => Answer::Allow,
                Ask::Plan { .. } | Ask::Task { .. } | Ask::Finding { .. } => Answer::Repeat,
                Ask::Tool { .. } => Answer::AllowEdited {
                    arguments: json!({"nothing": "that fits"}),
                },
            },
        })
    }

    /// Gives an order to the live run, and notes what is said to it.
    pub(crate) fn order(&self, control: &Control, order: PersonInput) {
        let (world, control) = (self.clone(), control.clone());
        tokio::spawn(async move {
            let ignored =
                world.has(Planted::CancelIgnored) && matches!(order, PersonInput::Cancel { .. });
            let answer = if ignored {
                Ok(())
            } else {
                control
                    .order(order.clone())
                    .await
                    .map_err(|why| why.to_string())
            };
            world.note(order, answer);
        });
    }

    pub(crate) fn note(&self, order: PersonInput, answer: Result<(), String>) {
        let mut state = self.state();
        let given = Given {
            order,
            life: state.number,
            at_ms: state.true_ms(),
            answer,
        };
        state.given.push(given);
    }
}

fn edited(call: &ToolCall) -> serde_json::Value {
    let mut arguments = arguments_of(&call.name, "edited by a person");
    if let Some(path) = call.arguments.get("path") {
        arguments["path"] = path.clone();
    }
    arguments
}

//! Two agents hand one piece of work to and fro, by questions and answers that the run carries.

use super::{Bounds, Told, does, ends_for, made, story};
use crate::world::{World, call, task, text};
use leadhand_protocol::coordination::{
    Asker, Obtained, Payload, QuestionId, Request, Told as Heard, WaitId,
};
use leadhand_protocol::{
    Action, AgentId, Answer, CallId, Event, Input, LoopRule, ModelFault, ModelReply, Plan,
    ToolOutput,
};
use serde_json::json;
use std::sync::Arc;

const ASKER: AgentId = AgentId(0);
const ANSWERER: AgentId = AgentId(1);

/// One asks the other to do it, and is told to do it.
struct Office {
    world: World,
    /// The call of the one that asks, while it waits for an answer.
    waits: Option<CallId>,
    asked: u64,
    answered: u64,
    pages: u32,
    calls: usize,
    turns: usize,
}

impl Office {
    fn reply(&mut self, agent: AgentId) -> Result<ModelReply, ModelFault> {
        if agent == ASKER {
            return call(
                "ask",
                json!({"work": "Check the totals of the March report."}),
            );
        }
        let mut journal = self.world.journal.iter();
        if journal.any(|event| matches!(event, Event::StopOrdered { .. })) {
            return text("The report was read.");
        }
        if self.answered < self.asked {
            return call(
                "answer",
                json!({"text": "Its totals are for you to check."}),
            );
        }
        self.pages += 1;
        call("view", json!({"page": self.pages}))
    }

    fn requests(&mut self, call: CallId, request: Request) {
        let wait = WaitId::of(call, 1).unwrap();
        let asker = Asker {
            party: call.agent,
            wait,
        };
        let request = Box::new(request);
        self.world.give(Input::Requested { asker, request });
    }

    fn finishes(&mut self, call: CallId, text: String) {
        let outcome = Ok(ToolOutput::text(text));
        self.world.give(Input::ToolFinished { call, outcome });
    }

    fn calls_tool(&mut self, call: CallId, tool: &str) {
        self.calls += 1;
        match tool {
            "ask" => {
                self.asked += 1;
                self.waits = Some(call);
                let payload = Payload::text("Check the totals of the March report.");
                self.requests(
                    call,
                    Request::Ask {
                        to: Some(ANSWERER),
                        payload,
                        deadline_ms: None,
                    },
                );
            }
            "answer" => {
                self.answered += 1;
                let question = QuestionId(self.answered);
                let payload = Payload::text("Its totals are for you to check.");
                self.requests(call, Request::Answer { question, payload });
                self.finishes(call, "answered".to_owned());
            }
            _ => self.finishes(call, format!("page {}", self.pages)),
        }
    }

    fn carry_out(&mut self, action: Action) {
        match action {
            Action::CallTool {
                call, tool_call, ..
            } => self.calls_tool(call, &tool_call.name),
            Action::Tell {
                asker,
                told: Ok(Heard::Obtained(Obtained::Answered { payload, .. })),
            } if asker.party == ASKER => {
                let call = self.waits.take().unwrap();
                self.finishes(call, payload.value.to_string());
            }
            Action::CallModel { agent, .. } => {
                self.turns += 1;
                let reply = self.reply(agent);
                self.world.replies.push_back(reply);
                let input = self.world.carry_out(action).unwrap();
                self.world.give(input);
            }
            other => {
                if let Some(input) = self.world.carry_out(other) {
                    self.world.give(input);
                }
            }
        }
    }
}

/// The one that asks is stopped; what the other is at comes to its end.
#[test]
fn delegation_to_and_fro() {
    let tools = ["ask", "answer", "view"].map(|tool| made(tool, json!({})));
    let turns = tools.into_iter().map(does);
    let mut start = story(turns).start;
    let tasks = ["a", "b"].map(|id| task(id, "worker")).into();
    start.plan = Some(Arc::new(Plan {
        tasks,
        answer: None,
    }));
    let mut world = World::new([]);
    world.answers.extend(vec![Answer::Allow; 100]);
    world.give(Input::Start(Arc::new(start)));
    let mut office = Office {
        world,
        waits: None,
        asked: 0,
        answered: 0,
        pages: 0,
        calls: 0,
        turns: 0,
    };
    while let Some(action) = office.world.pending.pop_front() {
        office.carry_out(action);
    }
    assert!(office.asked <= 4, "{} questions", office.asked);
    let told = Told {
        world: office.world,
        calls: office.calls,
        turns: office.turns,
    };
    let bounds = Bounds {
        rule: LoopRule::Cycle,
        calls_max: 14,
        turns_max: 16,
    };
    ends_for(&bounds, &told);
}

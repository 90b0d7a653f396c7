//! Serves a made-up run of many tasks and events, to see and to measure how the page takes it:
//! `cargo run -p leadhand-viewer --example large_run -- TASKS ROUNDS [live]`. With `live` its
//! second half comes bit by bit.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "an example for one's own use; it writes the address"
)]

use leadhand_protocol::{PersonInput, Record, RunId, Seq};
use leadhand_viewer::{Given, Later, OpenRunQuestion, RunLine, Runs, Server, Trouble};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::sync::mpsc::Sender;

/// Records that come at once of a live run.
const AT_ONCE: usize = 50;
/// Milliseconds between them.
const PAUSE_MS: u64 = 10;
/// Tasks of one column.
const COLUMN: usize = 100;

struct Large {
    records: Vec<Record>,
    live: bool,
}

#[tokio::main(flavor = "multi_thread")]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number =
        |at: usize, usual: usize| arguments.get(at).map_or(usual, |it| it.parse().unwrap());
    let events = events(number(0, 2_000), number(1, 12));
    let records = events.iter().enumerate().map(|(seq, event)| {
        let record =
            json!({"seq": seq, "at_ms": 1_790_000_000_000_u64 + 20 * seq as u64, "event": event});
        serde_json::from_value(record).unwrap()
    });
    let live = arguments.get(2).is_some_and(|it| it == "live");
    let large = Large {
        records: records.collect(),
        live,
    };
    println!("{} records", large.records.len());
    let server = Server::bind(large, 0).await.unwrap();
    println!("{}", server.url());
    server.serve(std::future::pending()).await.unwrap();
}

fn events(tasks: usize, rounds: usize) -> Vec<Value> {
    let planned: Vec<Value> = (0..tasks)
        .map(|at| {
            let before: Vec<String> = if at < COLUMN {
                Vec::new()
            } else {
                vec![format!("t{}", at - COLUMN), format!("t{}", at - at % COLUMN - 1)]
            };
            json!({"id": format!("t{at}"), "title": format!("Piece of work {at}"), "role": "analyst",
                "instruction": "Look into it.", "depends_on": before})
        })
        .collect();
    let mut events =
        vec![json!({"event": "plan_accepted", "revision": 0, "plan": {"tasks": planned}})];
    for agent in 0..tasks {
        let task = format!("t{agent}");
        events.push(json!({"event": "agent_started", "agent": agent, "role": "analyst", "purpose": {"task": task}, "attempt": 1, "opening": "Begin."}));
        for turn in 1..=rounds {
            let call = json!({"agent": agent, "turn": turn, "index": 0});
            let denied = (agent + turn).is_multiple_of(97);
            let decision = if denied { "deny" } else { "allow" };
            events.push(json!({"event": "turn_started", "agent": agent, "turn": turn}));
            events.push(json!({"event": "model_replied", "agent": agent, "turn": turn, "reply": {
                "text": format!("I look at part {turn}."), "tool_calls": [], "usage": {"input_tokens": 100, "output_tokens": 20},
                "finish": "stop", "model": "made-up"}}));
            events.push(json!({"event": "tool_called", "call": call, "origin": "model",
                "tool_call": {"id": "c", "name": "read_file", "arguments": {"path": format!("part{turn}.md")}},
                "verdict": {"decision": decision, "because": "the rule `deny part*`"}, "grants": []}));
            events.push(json!({"event": "tool_finished", "call": call, "outcome": {"ok": {"text": "Some words. ".repeat(20)}}}));
        }
        events.push(json!({"event": "agent_ended", "agent": agent, "failure": null}));
        if agent.is_multiple_of(50) {
            events.push(
                json!({"event": "task_failed", "task": task, "why": "the turns are used up"}),
            );
        } else {
            let artifact = json!({"hash": "0".repeat(64), "bytes": 5, "media_type": "text/plain"});
            events.push(json!({"event": "task_done", "task": task, "artifact": artifact, "content": "Done."}));
        }
    }
    events
}

impl Runs for Large {
    fn list(&self) -> Later<'_, Result<Vec<RunLine>, Trouble>> {
        let line = RunLine {
            run: RunId::new("large").unwrap(),
            state: "running".to_owned(),
            live: self.live,
            resumable: true,
            goal: "Look into many things".to_owned(),
            started_ms: 1_790_000_000_000,
            tasks: 0,
            tasks_done: 0,
            tokens: 0,
            micro_usd: 0,
            questions: 0,
            orders: true,
        };
        Box::pin(async { Ok(vec![line]) })
    }

    fn follow(&self, _: RunId, from: Seq, to: Sender<Given>) -> Later<'_, Result<(), Trouble>> {
        Box::pin(async move {
            let from = usize::try_from(from).unwrap();
            let half = if self.live {
                self.records.len() / 2
            } else {
                self.records.len()
            };
            for some in self.records[..half]
                .get(from..)
                .unwrap_or_default()
                .chunks(1_024)
            {
                if to.send(Given::Records(some.to_vec())).await.is_err() {
                    return Ok(());
                }
            }
            let _ = to.send(Given::AllSoFar).await;
            for some in self.records[half..].chunks(AT_ONCE) {
                tokio::time::sleep(Duration::from_millis(PAUSE_MS)).await;
                if to.send(Given::Records(some.to_vec())).await.is_err() {
                    return Ok(());
                }
            }
            Ok(())
        })
    }

    fn questions(&self, _: RunId) -> Later<'_, Result<Vec<OpenRunQuestion>, Trouble>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn order(&self, _: RunId, _: PersonInput) -> Later<'_, Result<bool, Trouble>> {
        Box::pin(async {
            Err(Trouble(
                "this run is made up; it takes no orders".to_owned(),
            ))
        })
    }
}

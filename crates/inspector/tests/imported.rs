//! Traces of others as records: sound, complete, and in an order that tells causes, whatever
//! spans there are.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on should stop, and says what it did not do"
)]

use leadhand_detectors::{Spans, Trace};
use leadhand_inspector::{Drawing, Imported, Progress, Step, Timeline, graph, imported, said, why};
use leadhand_protocol::{AgentId, CallId, Event, Finding, Purpose, RunId, Seq};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

fn timeline(imported: &Imported) -> Timeline {
    Timeline::of(&RunId::new("trace").unwrap(), &imported.records)
}

/// A span with these attributes; times are in milliseconds.
fn span(id: &str, parent: &str, [began, ended]: [u64; 2], of: &[(&str, Value)]) -> Value {
    let attributes = of.iter().map(|(key, value)| {
        let kind = if value.is_string() {
            "stringValue"
        } else {
            "intValue"
        };
        json!({"key": key, "value": {kind: value}})
    });
    json!({"traceId": "t", "spanId": id, "parentSpanId": parent, "name": format!("span {id}"),
        "startTimeUnixNano": (began * 1_000_000).to_string(),
        "endTimeUnixNano": (ended * 1_000_000).to_string(),
        "attributes": attributes.collect::<Vec<_>>()})
}

fn failed(mut span: Value, why: &str) -> Value {
    span["status"] = json!({"code": 2, "message": why});
    span
}

fn trace(spans: &[Value]) -> Trace {
    let document = json!({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]});
    let mut taken = Spans::default();
    taken.take(&document.to_string()).unwrap();
    taken.into_traces().remove(0)
}

fn agent(name: &str) -> Vec<(&'static str, Value)> {
    vec![
        ("gen_ai.operation.name", json!("invoke_agent")),
        ("gen_ai.agent.name", json!(name)),
    ]
}

fn model(told: &str, said: &str, wants: &[&str]) -> Vec<(&'static str, Value)> {
    let calls = wants
        .iter()
        .map(|tool| json!({"type": "tool_call", "name": tool, "arguments": {"at": 1}}));
    let text = json!({"type": "text", "content": said});
    let parts: Vec<Value> = [text].into_iter().chain(calls).collect();
    let asked = json!([{"role": "user", "parts": [{"type": "text", "content": told}]}]);
    vec![
        ("gen_ai.operation.name", json!("chat")),
        ("gen_ai.response.model", json!("m")),
        ("gen_ai.usage.input_tokens", json!(10)),
        ("gen_ai.input.messages", json!(asked.to_string())),
        (
            "gen_ai.output.messages",
            json!(json!([{"parts": parts}]).to_string()),
        ),
    ]
}

fn tool(name: &str) -> Vec<(&'static str, Value)> {
    vec![
        ("gen_ai.operation.name", json!("execute_tool")),
        ("gen_ai.tool.name", json!(name)),
        ("gen_ai.tool.call.arguments", json!("{\"at\":1}")),
        ("gen_ai.tool.call.result", json!("It is there.")),
    ]
}

/// A lead that has a scout look, which fails at the end.
fn two_agents() -> Trace {
    trace(&[
        span("lead", "", [1_000, 9_000], &agent("lead")),
        span(
            "ask",
            "lead",
            [1_100, 2_000],
            &model("Find it.", "I send one.", &["send"]),
        ),
        span("send", "lead", [2_100, 8_000], &tool("send")),
        // Nothing is known of what is around the tool's work but that it is there.
        span("frame", "send", [2_150, 7_950], &[]),
        failed(
            span("scout", "frame", [2_200, 7_900], &agent("scout")),
            "it gave up",
        ),
        span(
            "look",
            "scout",
            [2_300, 3_000],
            &model("Look.", "", &["see", "hear"]),
        ),
        // Both at once; the second ends before the first.
        span("see", "scout", [3_100, 6_000], &tool("see")),
        failed(span("hear", "scout", [3_200, 5_000], &tool("hear")), "deaf"),
        failed(
            span("again", "scout", [6_100, 7_000], &model("Look.", "", &[])),
            "too many requests",
        ),
    ])
}

#[test]
fn a_trace_tells_who_did_what_within_what_and_for_how_long() {
    let imported = imported(&two_agents());
    let text = timeline(&imported).to_text();
    let expected = "\
trace t
2 parts in 8.0 s, 3 turns, 3 tool calls, 20 tokens

p1 [lead] lead: ended in 8.0 s
  a1 lead: 1 turn, 1 tool call, 10 tokens, 8.0 s
    #2 turn 1: m 10+0 tokens, 0.9 s  I send one.
    #4 send {\"at\":1}: ok, 5.9 s  It is there.

p2 [scout] scout: failed in 5.7 s, within p1
  failed because: it gave up
  a2 scout: 2 turns, 2 tool calls, 10 tokens, 5.7 s
    #6 turn 1: m 10+0 tokens, 0.7 s
    #8 see {\"at\":1}: ok, 2.9 s  It is there.
    #9 hear {\"at\":1}: failed, 1.8 s: It is there.
    #12 turn 2: no model answered, 0.9 s
      fault: too many requests
    gave up: it gave up
";
    assert_eq!(text, expected);
    let openings = imported
        .records
        .iter()
        .filter_map(|record| match &*record.event {
            Event::AgentStarted { opening, .. } => opening.as_deref(),
            _ => None,
        });
    let openings: Vec<&str> = openings.collect();
    assert_eq!(openings, ["user: Find it.", "user: Look."]);
}

#[test]
fn causes_lead_from_one_part_to_the_one_around_it_and_end_at_the_trace() {
    let imported = imported(&two_agents());
    let fault = imported
        .records
        .iter()
        .find(|record| matches!(*record.event, Event::ModelFailed { .. }));
    let links = why(&imported.records, fault.unwrap().seq);
    let told: Vec<&str> = links.iter().map(|link| link.what.as_str()).collect();
    let places: Vec<Seq> = links.iter().map(|link| link.seq).collect();
    assert_eq!(places, [13, 12, 11, 8, 7, 6, 5, 4, 3, 2, 1, 0], "{told:#?}");
    assert_eq!(
        told[7],
        "a1 calls send {\"at\":1}: allowed, by what the trace does not say"
    );
    assert!(
        told[11].starts_with("a trace of others, with 2 parts"),
        "{told:#?}"
    );
}

#[test]
fn nodes_of_a_graph_are_parts_and_frames_around_them_are_not() {
    let chain = |id, parent, times| {
        span(
            id,
            parent,
            times,
            &[("openinference.span.kind", json!("CHAIN"))],
        )
    };
    let llm = |id, parent, times| {
        span(
            id,
            parent,
            times,
            &[
                ("openinference.span.kind", json!("LLM")),
                ("llm.input_messages.1.message.content", json!("Do it.")),
                ("llm.input_messages.1.message.role", json!("user")),
                (
                    "llm.input_messages.0.message.content",
                    json!("You are brief."),
                ),
                ("llm.input_messages.0.message.role", json!("system")),
                ("output.value", json!("Done.")),
            ],
        )
    };
    let imported = imported(&trace(&[
        span("server", "", [0, 99], &[]),
        chain("graph", "server", [1, 90]),
        chain("wrapper", "graph", [2, 30]),
        chain("node", "wrapper", [3, 20]),
        llm("model", "node", [4, 10]),
        chain("idle", "graph", [30, 31]),
    ]));
    let timeline = timeline(&imported);
    assert_eq!(
        graph::to_tree(&timeline),
        "■ p1 [span graph] span graph: ended\n└─ ■ p2 [span graph] span node: ended\n"
    );
    let Some(Event::AgentStarted { opening, .. }) = imported.records.get(2).map(|it| &*it.event)
    else {
        panic!("{:?}", imported.records)
    };
    assert_eq!(
        opening.as_deref(),
        Some("system: You are brief.\n\nuser: Do it.")
    );
}

#[test]
fn a_call_of_which_no_span_tells_is_not_over() {
    let imported = imported(&trace(&[span(
        "ask",
        "",
        [1, 2],
        &model("", "", &["look"]),
    )]));
    let timeline = timeline(&imported);
    let steps = &timeline.tasks[0].agents[0].steps;
    assert!(
        matches!(
            steps[1],
            Step::Call {
                result: None,
                took_ms: None,
                ..
            }
        ),
        "{steps:?}"
    );
}

#[test]
fn turns_of_one_agent_at_the_same_time_end_each_by_itself() {
    let imported = imported(&trace(&[
        span("agent", "", [0, 90], &agent("a")),
        span("x", "agent", [10, 50], &model("", "one", &[])),
        span("y", "agent", [20, 40], &model("", "two", &[])),
    ]));
    let timeline = timeline(&imported);
    let steps = timeline.tasks[0].agents[0]
        .steps
        .iter()
        .map(|step| match step {
            Step::Turn { text, took_ms, .. } => (text.as_str(), *took_ms),
            _ => panic!("{step:?}"),
        });
    assert_eq!(
        steps.collect::<Vec<_>>(),
        [("one", Some(40)), ("two", Some(20))]
    );
}

#[test]
fn lines_without_times_keep_their_order() {
    let line = json!({"id": "l", "steps": [
        {"agent": "a", "text": "I look.", "tool": "ls", "args": {"at": 1}, "observation": "x"},
        {"agent": "b", "text": "Hello.", "observation": "Yes?"},
        {"tool": "cat", "observation": "y"}, {}, {"agent": "a", "tool": "ls"}]});
    let imported = imported(&Trace::read(&line.to_string()).unwrap());
    assert_eq!(imported.steps, [2, 7, 12, 14, 17]);
    let text = timeline(&imported).to_text();
    let expected = "\
trace l
3 parts in 0.0 s, 3 turns, 3 tool calls, 0 tokens

p1 [a] a: ended in 0.0 s
  a1 a: 1 turn, 2 tool calls, 0 tokens, 0.0 s
    #2 turn 1: 0.0 s  I look.
    #4 ls {\"at\":1}: ok, 0.0 s  x
    #17 ls null: ok, 0.0 s

p2 [b] b: ended in 0.0 s
  a2 b: 1 turn, 0 tool calls, 0 tokens, 0.0 s
    #7 turn 1: 0.0 s  Hello.
    #9 told: Yes?

p3 [unnamed] unnamed: ended in 0.0 s
  a3 unnamed: 1 turn, 1 tool call, 0 tokens, 0.0 s
    #12 cat null: ok, 0.0 s  y
    #14 turn 2: 0.0 s
";
    assert_eq!(text, expected);
}

#[test]
fn what_the_detectors_see_stands_where_they_see_it_and_leads_to_where_it_began() {
    let step = json!({"agent": "a", "tool": "get_file", "args": {"at": 1}, "observation": "x"});
    let write = json!({"agent": "b", "tool": "write_file", "args": {"path": "b"}, "observation": "written"});
    let line = json!({
        "id": "l",
        "steps": [write, {"agent": "a", "text": "I look."}, step, step, step, step],
        "plan": [{"name": "write_file", "kwargs": {"path": "a"}}],
    });
    let imported = imported(&Trace::read(&line.to_string()).unwrap());
    let found: Vec<(Seq, &Finding)> = imported
        .records
        .iter()
        .filter_map(|record| match &*record.event {
            Event::Found(finding) => Some((record.seq, finding)),
            _ => None,
        })
        .collect();
    let [
        (_, Finding::Divergence(unplanned)),
        (at, Finding::Loop(circles)),
        (_, Finding::Divergence(missing)),
    ] = &found[..]
    else {
        panic!("{found:#?}")
    };
    let of = |step: usize| imported.steps[step];
    // The write is the work of b, whose part is the first.
    assert_eq!((unplanned.agent, unplanned.step), (AgentId(1), Some(of(0))));
    assert_eq!((circles.agent, circles.since), (AgentId(2), of(2)));
    assert!(of(4) < *at && *at < of(5), "{at} {:?}", imported.steps);
    assert_eq!(missing.step, None);
    let text = timeline(&imported).to_text();
    assert!(
        text.contains(&format!(
            "#{at}: a2 goes round in circles (cycle): 3 times by now"
        )),
        "{text}"
    );
}

/// Any spans: parents that are there, are not, are below, or are the span itself; times in any
/// order or none; names that come again.
fn any_spans() -> impl Strategy<Value = Vec<Value>> {
    let kind = prop_oneof![
        Just("chat"),
        Just("execute_tool"),
        Just("invoke_agent"),
        Just("chain"),
        Just("none")
    ];
    let one = (
        kind,
        0..16_u32,
        0..60_u64,
        0..60_u64,
        0..3_u8,
        any::<bool>(),
    );
    prop::collection::vec(one, 1..24).prop_map(|all| {
        let spans =
            all.into_iter()
                .enumerate()
                .map(|(at, (kind, parent, began, ended, name, fails))| {
                    let name = format!("n{name}");
                    let of = match kind {
                        "chat" => model("told", &name, &[&name]),
                        "execute_tool" => tool(&name),
                        "invoke_agent" => agent(&name),
                        "chain" => vec![("openinference.span.kind", json!("CHAIN"))],
                        _ => Vec::new(),
                    };
                    let span = span(&at.to_string(), &parent.to_string(), [began, ended], &of);
                    if fails { failed(span, "why") } else { span }
                });
        spans.collect()
    })
}

/// What has begun and is not over, and of what there was more than one.
#[derive(Default)]
struct Sound {
    began: BTreeSet<AgentId>,
    ended: BTreeSet<AgentId>,
    turns: BTreeMap<(AgentId, u32), bool>,
    calls: BTreeMap<CallId, bool>,
}

impl Sound {
    fn take(&mut self, event: &Event) {
        let at_work = |agent: &AgentId| {
            assert!(
                self.began.contains(agent) && !self.ended.contains(agent),
                "{event:?}"
            );
        };
        match event {
            Event::TraceImported { .. } => {}
            Event::AgentStarted { agent, purpose, .. } => {
                assert!(matches!(purpose, Purpose::Task(_)));
                assert!(self.began.insert(*agent), "{event:?}");
            }
            Event::AgentEnded { agent, .. } => {
                at_work(agent);
                self.ended.insert(*agent);
            }
            Event::TurnStarted { agent, turn, .. } => {
                at_work(agent);
                assert_eq!(self.turns.insert((*agent, *turn), false), None);
            }
            Event::ModelReplied { agent, turn, .. } | Event::ModelFailed { agent, turn, .. } => {
                at_work(agent);
                assert_eq!(self.turns.insert((*agent, *turn), true), Some(false));
            }
            Event::ToolCalled { call, .. } => {
                at_work(&call.agent);
                assert_eq!(self.calls.insert(*call, false), None);
            }
            Event::ToolFinished { call, .. } => {
                at_work(&call.agent);
                assert_eq!(self.calls.insert(*call, true), Some(false));
            }
            // Tools that fail all the time are called a loop.
            Event::Found(finding) => assert!(matches!(finding, Finding::Loop(_))),
            event => panic!("{event:?}"),
        }
    }
}

proptest! {
    #[test]
    fn records_of_any_spans_are_sound_and_nothing_is_lost(spans in any_spans()) {
        let trace = trace(&spans);
        let imported = imported(&trace);
        let mut sound = Sound::default();
        let mut progress = Progress::default();
        let mut last_ms = 0;
        for (at, record) in imported.records.iter().enumerate() {
            prop_assert_eq!(record.seq, at as Seq);
            prop_assert!(record.at_ms >= last_ms);
            last_ms = record.at_ms;
            sound.take(&record.event);
            progress.take(record);
            prop_assert!(!said(&record.event).is_empty());
            let links = why(&imported.records, record.seq);
            prop_assert_eq!(links.last().map(|link| link.seq), Some(0));
        }
        prop_assert_eq!(&sound.began, &sound.ended);
        prop_assert!(sound.turns.values().all(|over| *over));
        let of_kind = |kind: &str| spans.iter().filter(|span| span["attributes"][0]["value"]["stringValue"] == kind).count();
        prop_assert_eq!(sound.turns.len(), of_kind("chat"));
        prop_assert_eq!(sound.calls.values().filter(|over| **over).count(), of_kind("execute_tool"));
        // Each step leads to a record of its own agent.
        prop_assert_eq!(imported.steps.len(), trace.len());
        for seq in &imported.steps {
            let event = &*imported.records[usize::try_from(*seq).unwrap()].event;
            prop_assert!(matches!(event, Event::TurnStarted { .. } | Event::ToolCalled { .. }), "{:?}", event);
        }
        let timeline = timeline(&imported);
        prop_assert_eq!(timeline.spent.turns, of_kind("chat"));
        prop_assert_eq!(timeline.tasks.len(), trace.parts().len());
        prop_assert!(timeline.tasks.iter().all(|task| matches!(task.state, "ended" | "failed")));
        prop_assert_eq!(Drawing::of(&timeline).nodes.len(), timeline.tasks.len());
        let tree = graph::to_tree(&timeline);
        for task in &timeline.tasks {
            prop_assert_eq!(tree.matches(&format!(" {} [", task.id)).count(), 1, "{}", tree);
        }
    }
}

#[test]
fn shared_traces_are_shown_as_their_programs_worked() {
    let Some(folder) = std::env::var_os("LEADHAND_SHARED") else {
        println!("skipped: LEADHAND_SHARED does not name a folder with data/traces");
        return;
    };
    let folder = std::path::Path::new(&folder).join("data/traces");
    let shown = |name: &str| {
        let text = std::fs::read_to_string(folder.join(name)).unwrap();
        let mut spans = Spans::default();
        spans.take(&text).unwrap();
        timeline(&imported(&spans.into_traces()[0]))
    };
    let nodes = shown("langgraph_openinference.otlp.json");
    let titles: Vec<&str> = nodes.tasks.iter().map(|task| task.title.as_str()).collect();
    assert_eq!(titles, ["LangGraph", "plan", "a", "b", "c", "join"]);
    assert!(
        nodes.tasks[1..]
            .iter()
            .all(|task| task.depends_on.len() == 1)
    );
    let agents = shown("pydantic_ai_genai_v2.otlp.json");
    let of = |at: usize| {
        (
            agents.tasks[at].worker.as_str(),
            agents.tasks[at].spent.turns,
            agents.tasks[at].spent.tool_calls,
        )
    };
    assert_eq!([of(0), of(1)], [("manager", 2, 1), ("worker", 4, 3)]);
    assert_eq!(agents.spent.usage.total(), 477);
}

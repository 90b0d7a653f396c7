//! Decisions per second with 10 to 10,000 rules, and a walk over every rule beside it in the
//! same run: `cargo run --release -p leadhand-policy --example measure_rules`.
//!
//! The rules are of eight kinds in equal parts, as policies have them: folders, endings, files
//! by name, one tool's, one role's, hosts, domains, and names of variables. None of them but
//! the built-in ones is about the calls that are judged.

#![allow(clippy::print_stdout, reason = "it is what a measurement is for")]

use leadhand_policy::{Policy, Question, built_in_rules, root_grants};
use leadhand_protocol::{
    Access, Autonomy, Capability, Decision, Effect, Isolation, Label, Rule, ToolCall, ToolSpec,
};
use serde_json::{Value, json};
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long each figure is measured.
const MEASURED: Duration = Duration::from_millis(400);

fn main() {
    println!("rules  call                 judge ns  judge/s    walk ns   walk/judge");
    for rules in [10, 100, 1_000, 10_000] {
        measure(rules);
    }
}

fn measure(count: usize) {
    let mut rules = built_in_rules();
    rules.push(Rule {
        capability: Some(Capability::Net),
        resource: "GET https://*.example.org/docs/**".to_owned(),
        ..Rule::any(Decision::Allow)
    });
    rules.extend((rules.len()..count).map(rule));
    let policy = Policy::new(&rules).expect("the rules are sound");
    let walking = policy.clone().without_index();
    let grants = root_grants(&rules);
    for (tool, arguments) in calls() {
        let call = ToolCall {
            id: String::new(),
            name: tool.name.clone(),
            arguments,
        };
        let question = Question {
            tool: &tool,
            role: "coder",
            task: None,
            call: &call,
            grants: &grants,
            autonomy: Autonomy::L4,
            planned: false,
            label: &Label::default(),
            approvals: &[],
            now_ms: 1_000,
        };
        assert_eq!(policy.judge(&question).decision, Decision::Allow);
        let judged = nanoseconds(|| {
            black_box(policy.judge(black_box(&question)));
        });
        let walked = nanoseconds(|| {
            black_box(walking.judge(black_box(&question)));
        });
        println!(
            "{count:<6} {:<20} {judged:<9.0} {:<10.0} {walked:<9.0} {:.1}",
            tool.name,
            1e9 / judged,
            walked / judged
        );
    }
}

fn rule(place: usize) -> Rule {
    let decision = match place % 3 {
        0 => Decision::Deny,
        1 => Decision::Ask,
        _ => Decision::Allow,
    };
    let any = Rule::any(decision);
    let on = |capability, resource: String| Rule {
        capability: Some(capability),
        resource,
        ..Rule::any(decision)
    };
    match place % 8 {
        0 => on(Capability::FsRead, format!("part{place}/**")),
        1 => on(Capability::FsWrite, format!("**/*.ending{place}")),
        2 => Rule {
            resource: format!("**/name{place}.toml"),
            ..any
        },
        3 => Rule {
            tool: format!("tool_{place}"),
            ..any
        },
        4 => Rule {
            role: format!("role-{place}"),
            ..any
        },
        5 => on(
            Capability::Net,
            format!("GET https://host{place}.example.org"),
        ),
        6 => on(
            Capability::Net,
            format!("https://*.domain{place}.example/docs/**"),
        ),
        _ => on(Capability::Env, format!("VARIABLE_{place}")),
    }
}

fn calls() -> Vec<(ToolSpec, Value)> {
    let tool = |name: &str, effect, accesses| ToolSpec {
        name: name.to_owned(),
        description: String::new(),
        arguments: Arc::new(json!({})),
        result: None,
        effect,
        accesses,
        probe: None,
        undo: None,
        isolation: Isolation::Sandboxed,
        trusted: false,
        equal_by: Vec::new(),
        poll_every_ms: None,
    };
    let reading = Access::new(Capability::FsRead, Some("path"));
    let writing = Access::new(Capability::FsWrite, Some("to"));
    let mut getting = Access::new(Capability::Net, Some("url"));
    getting.methods = vec!["GET".to_owned()];
    vec![
        (
            tool("read_file", Effect::Pure, vec![reading.clone()]),
            json!({"path": "crates/policy/src/judge.rs"}),
        ),
        (
            tool("copy_file", Effect::Idempotent, vec![reading, writing]),
            json!({"path": "docs/permissions.md", "to": "docs/old/permissions.md"}),
        ),
        (
            tool("get_page", Effect::Pure, vec![getting]),
            json!({"url": "https://www.example.org/docs/guide/index.html?page=2"}),
        ),
        (
            tool("calculate", Effect::Pure, Vec::new()),
            json!({"of": "1 + 1"}),
        ),
    ]
}

/// Nanoseconds a turn: the lower quartile of many batches of about a millisecond, so that what
/// else the machine does meanwhile counts for little.
fn nanoseconds(mut turn: impl FnMut()) -> f64 {
    let mut batch = |turns: u32| {
        let started = Instant::now();
        for _ in 0..turns {
            turn();
        }
        started.elapsed().as_secs_f64() * 1e9 / f64::from(turns)
    };
    let mut turns = 1;
    while batch(turns) * f64::from(turns) < 1e6 {
        turns *= 2;
    }
    let started = Instant::now();
    let mut batches = Vec::new();
    while started.elapsed() < MEASURED || batches.len() < 8 {
        batches.push(batch(turns));
    }
    batches.sort_by(f64::total_cmp);
    batches[batches.len() / 4]
}

//! Measures what a call costs: bare wasmtime, our host, and our host with all that a run does
//! about a call (it is judged, permitted and journaled) side by side; then the start of a host,
//! and the first call of each standard component. Use the ratios; a machine that does other work
//! shows other times.
//!
//!     cargo run --release -p leadhand-sandbox --example measure_calls [COMPONENT.wasm …]
//!
//! Files named as arguments are components; of each the start is measured, and of a code runner
//! what a call costs that works out `1 + 1` in a fresh instance.
// An example prints, and one that cannot set up has nothing to say.
#![allow(clippy::print_stdout, clippy::unwrap_used)]

use leadhand_journal::{Journal, MemoryJournal, Writer};
use leadhand_policy::{Policy, Question, built_in_rules, root_grants};
use leadhand_protocol::{
    AgentId, Autonomy, CallId, Decision, Event, Grant, Label, Origin, Permit, Record, RunId,
    ToolCall, ToolLimits, ToolOutput, ToolSpec,
};
use leadhand_sandbox::{CallContext, ToolHost, Workspace};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use wasmtime::component::{Component, Linker};
use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Store,
    UpdateDeadline,
};

mod bindings {
    #![allow(missing_docs, unreachable_pub, clippy::wildcard_imports)]
    wasmtime::component::bindgen!({
        path: "../../sandbox/wit",
        world: "tool",
        exports: { default: async },
    });
}

/// A tool that imports nothing but the log, and what it is asked.
const CALCULATE: &[u8] = include_bytes!("../../../sandbox/tools/calculate/calculate.wasm");
const ARGUMENTS: &str = r#"{"expression":"1 + 1"}"#;
/// A tool of each standard component.
const ONE_OF_EACH: [&str; 6] = [
    "list_files",
    "query_json",
    "hash",
    "date",
    "fetch",
    "calculate",
];
/// Rounds of each measurement; the best round counts, since other work only makes it slower.
const ROUNDS: usize = 25;
const CALLS: usize = 500;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let bare = [bare(true), bare(false)];
    let (host, context) = ours();
    let mut judged = Judged::new(&host);
    let mut best = [Duration::MAX; 4];
    for _ in 0..ROUNDS {
        for (at, bare) in bare.iter().enumerate() {
            let took = runtime.block_on(bare_calls(bare));
            best[at] = best[at].min(took);
        }
        let took = runtime.block_on(our_calls(&host, &context));
        best[2] = best[2].min(took);
        let took = runtime.block_on(judged.calls(&host, &context));
        best[3] = best[3].min(took);
    }
    let names = [
        "bare, pooled",
        "bare, on demand",
        "our host",
        "judged, journaled",
    ];
    for (name, took) in names.iter().zip(best) {
        println!(
            "{name:17} {:6.2} µs a call, {:7.0} calls a second, {:.2} of bare pooled",
            micros(took),
            1_000_000.0 / micros(took),
            micros(took) / micros(best[0])
        );
    }
    start();
    runtime.block_on(first_calls(&context));
    for component in std::env::args_os().skip(1) {
        runtime.block_on(runner_calls(Path::new(&component), &context));
    }
}

async fn runner_calls(component: &Path, context: &CallContext) {
    let builder = ToolHost::builder().standard_tools(false);
    let host = builder.component_file(component).build().unwrap();
    let Some(spec) = host
        .specs()
        .iter()
        .find(|spec| spec.name.starts_with("run_"))
    else {
        return;
    };
    let call = ToolCall {
        id: "1".to_owned(),
        name: spec.name.clone(),
        arguments: serde_json::json!({ "code": "1 + 1" }),
    };
    let mut took: Vec<Duration> = Vec::new();
    for _ in 0..CALLS {
        let began = Instant::now();
        assert!(host.call(&call, context).await.unwrap().text.contains('2'));
        took.push(began.elapsed());
    }
    took.sort();
    println!(
        "{}: median {:.2} ms a call, best {:.2} ms",
        call.name,
        micros(took[CALLS / 2]) / 1_000.0,
        micros(took[0]) / 1_000.0
    );
}

fn micros(took: Duration) -> f64 {
    took.as_secs_f64() * 1_000_000.0
}

struct Bare {
    engine: Engine,
    pre: bindings::ToolPre<()>,
}

/// The least that has the guarantees of fuel and epochs: no files, no limits of memory, no result
/// checked.
fn bare(pooled: bool) -> Bare {
    let mut config = Config::new();
    config.consume_fuel(true).epoch_interruption(true);
    if pooled {
        let mut pool = PoolingAllocationConfig::default();
        pool.linear_memory_keep_resident(2 * 1024 * 1024)
            .pagemap_scan(Enabled::Auto);
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    }
    let engine = Engine::new(&config).unwrap();
    let component = Component::from_binary(&engine, CALCULATE).unwrap();
    let mut linker = Linker::new(&engine);
    linker.define_unknown_imports_as_traps(&component).unwrap();
    let pre = bindings::ToolPre::new(linker.instantiate_pre(&component).unwrap()).unwrap();
    Bare { engine, pre }
}

async fn bare_calls(bare: &Bare) -> Duration {
    let info = bindings::leadhand::tool::types::CallInfo {
        call_id: "call-1".to_owned(),
        agent: "measure".to_owned(),
        deadline_ms: 20_000,
        seed: 0,
    };
    let began = Instant::now();
    for _ in 0..CALLS {
        let mut store = Store::new(&bare.engine, ());
        store.set_fuel(5_000_000_000).unwrap();
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|_| Ok(UpdateDeadline::Yield(1)));
        let tool = bare.pre.instantiate_async(&mut store).await.unwrap();
        let given = tool
            .call_call(&mut store, &info, "calculate", ARGUMENTS)
            .await;
        assert_eq!(given.unwrap().unwrap().text, "2");
    }
    began.elapsed() / u32::try_from(CALLS).unwrap()
}

fn ours() -> (ToolHost, CallContext) {
    let context = CallContext {
        workspace: Arc::new(Workspace::open(".").unwrap()),
        permit: Permit::default(),
        limits: ToolLimits::default(),
        call_id: "call-1".to_owned(),
        agent: "measure".to_owned(),
        now_ms: 0,
        key: leadhand_protocol::ContentHash::of(b"call"),
        trace: None,
        seed: 0,
    };
    (ToolHost::builder().build().unwrap(), context)
}

/// What a run does about each call: policy judges it under rules and grants, the verdict and
/// the permit go into the journal before it runs, and the result after it.
struct Judged {
    policy: Policy,
    grants: Vec<Grant>,
    tool: ToolSpec,
    writer: Box<dyn Writer>,
}

impl Judged {
    fn new(host: &ToolHost) -> Self {
        let rules = built_in_rules();
        let tool = host.specs().iter().find(|spec| spec.name == "calculate");
        Self {
            policy: Policy::new(&rules).unwrap(),
            grants: root_grants(&rules),
            tool: tool.unwrap().clone(),
            writer: MemoryJournal::new()
                .create(&RunId::new("measure").unwrap())
                .unwrap(),
        }
    }

    async fn calls(&mut self, host: &ToolHost, context: &CallContext) -> Duration {
        let call = ToolCall {
            id: "1".to_owned(),
            name: "calculate".to_owned(),
            arguments: serde_json::from_str(ARGUMENTS).unwrap(),
        };
        let began = Instant::now();
        for _ in 0..CALLS {
            let output = self.call(host, context, &call).await;
            assert_eq!(output.text, "2");
        }
        began.elapsed() / u32::try_from(CALLS).unwrap()
    }

    async fn call(
        &mut self,
        host: &ToolHost,
        context: &CallContext,
        call: &ToolCall,
    ) -> ToolOutput {
        let question = Question {
            tool: &self.tool,
            role: "measurer",
            task: None,
            call,
            grants: &self.grants,
            autonomy: Autonomy::L4,
            planned: false,
            label: &Label::default(),
            approvals: &[],
            now_ms: 0,
        };
        let verdict = self.policy.judge(&question);
        assert_eq!(verdict.decision, Decision::Allow);
        let permit = self.policy.permit(&question);
        let id = CallId {
            agent: AgentId(0),
            turn: 1,
            index: 0,
        };
        let context = CallContext {
            permit: permit.clone(),
            ..context.clone()
        };
        self.record(Event::ToolCalled {
            call: id,
            origin: Origin::Model,
            tool_call: Arc::new(call.clone()),
            verdict,
            permit: Arc::new(permit),
        })
        .await;
        let outcome = host.call(call, &context).await;
        let output = outcome.clone().unwrap();
        self.record(Event::ToolFinished { call: id, outcome }).await;
        output
    }

    async fn record(&mut self, event: Event) {
        let record = Record {
            seq: self.writer.next_seq(),
            at_ms: 0,
            event: Arc::new(event),
        };
        self.writer.append(&[record]).unwrap().await.unwrap();
    }
}

async fn our_calls(host: &ToolHost, context: &CallContext) -> Duration {
    let call = ToolCall {
        id: "1".to_owned(),
        name: "calculate".to_owned(),
        arguments: serde_json::from_str(ARGUMENTS).unwrap(),
    };
    let began = Instant::now();
    for _ in 0..CALLS {
        assert_eq!(host.call(&call, context).await.unwrap().text, "2");
    }
    began.elapsed() / u32::try_from(CALLS).unwrap()
}

/// How long the first call of each component takes, which loads it: compiled, and read from the
/// cache. Without arguments each call is a fault at once.
async fn first_calls(context: &CallContext) {
    let cache = tempfile::tempdir().unwrap();
    for name in ONE_OF_EACH {
        let mut took = Vec::new();
        for _ in 0..=ROUNDS {
            let builder = ToolHost::builder().cache_dir(Some(cache.path().to_owned()));
            let host = builder.build().unwrap();
            let call = ToolCall {
                id: "1".to_owned(),
                name: name.to_owned(),
                arguments: serde_json::json!({}),
            };
            let began = Instant::now();
            let _ = host.call(&call, context).await;
            took.push(began.elapsed());
        }
        println!(
            "first call of {name}: compiled {:.0} ms, from the cache {:.2} ms",
            micros(took[0]) / 1_000.0,
            micros(*took[1..].iter().min().unwrap()) / 1_000.0
        );
    }
}

/// How long it takes until a host is there, the first time and when components of one's own lie
/// compiled in the cache.
fn start() {
    let cache = tempfile::tempdir().unwrap();
    let built = |components: &[PathBuf], standard: bool, cache: Option<&Path>| {
        let mut builder = ToolHost::builder()
            .cache_dir(cache.map(Path::to_owned))
            .standard_tools(standard);
        for component in components {
            builder = builder.component_file(component);
        }
        let began = Instant::now();
        drop(builder.build().unwrap());
        began.elapsed()
    };
    let own: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let measure = |name: &str, components: &[PathBuf], standard: bool| {
        let compiled = built(components, standard, Some(cache.path()));
        let cached = (0..ROUNDS).map(|_| built(components, standard, Some(cache.path())));
        println!(
            "start of {name}: first {:.1} ms, again {:.2} ms",
            micros(compiled) / 1_000.0,
            micros(cached.min().unwrap()) / 1_000.0
        );
    };
    measure("a host without tools", &[], false);
    measure("the standard tools", &[], true);
    for component in &own {
        measure(
            &component.display().to_string(),
            std::slice::from_ref(component),
            false,
        );
    }
}

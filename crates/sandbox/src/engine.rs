//! The wasmtime engine and its clock. Fuel bounds the work of a guest, epochs hand the thread
//! back to tokio every few milliseconds and end the guest when its time is over.

use crate::SandboxError;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

/// How long a guest may hold a thread before it is asked to yield.
const TICK: Duration = Duration::from_millis(10);
/// Core instances the pool keeps for each call: a component with imports is made of three.
const INSTANCES_PER_CALL: u32 = 8;
/// Memories and tables the pool keeps for each call.
const MEMORIES_PER_CALL: u32 = 2;
/// Memory a pool slot keeps between two calls instead of giving it back to the system.
const MEMORY_KEPT_BYTES: usize = 2 * 1024 * 1024;
/// Elements the pool has room for in one table.
const TABLE_ELEMENTS_MAX: usize = 100_000;

/// An engine with a pool of prepared instances. Where the system gives no address space for
/// that, instances are made on demand, which costs some ten microseconds a call.
pub(crate) fn engine(calls_max: u32) -> Result<Engine, SandboxError> {
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(calls_max)
        .total_core_instances(calls_max * INSTANCES_PER_CALL)
        .total_memories(calls_max * MEMORIES_PER_CALL)
        .total_tables(calls_max * MEMORIES_PER_CALL)
        .total_stacks(calls_max)
        .table_elements(TABLE_ELEMENTS_MAX)
        .linear_memory_keep_resident(MEMORY_KEPT_BYTES)
        .pagemap_scan(Enabled::Auto);
    let pooled = InstanceAllocationStrategy::Pooling(pool);
    with_allocation(pooled).or_else(|error| {
        tracing::debug!(%error, "no pool of instances: made on demand");
        with_allocation(InstanceAllocationStrategy::OnDemand).map_err(|error| {
            SandboxError::Engine {
                reason: error.to_string(),
            }
        })
    })
}

fn with_allocation(strategy: InstanceAllocationStrategy) -> wasmtime::Result<Engine> {
    let mut config = Config::new();
    config
        .consume_fuel(true)
        .epoch_interruption(true)
        .wasm_backtrace_max_frames(None)
        .allocation_strategy(strategy);
    Engine::new(&config)
}

/// Advances the engine's epoch while calls run, and sleeps while none does. The thread ends
/// when this is dropped.
#[derive(Debug)]
pub(crate) struct Ticker {
    shared: Arc<Shared>,
    thread: thread::Thread,
}

#[derive(Debug, Default)]
struct Shared {
    running: AtomicUsize,
    ended: AtomicBool,
}

/// Keeps the epoch advancing until it is dropped.
pub(crate) struct Running<'a>(&'a Shared);

impl Ticker {
    pub(crate) fn start(engine: &Engine) -> Result<Self, SandboxError> {
        let shared = Arc::new(Shared::default());
        let (engine, theirs) = (engine.clone(), Arc::clone(&shared));
        let handle = thread::Builder::new()
            .name("leadhand-epochs".to_owned())
            .spawn(move || {
                while !theirs.ended.load(Ordering::Acquire) {
                    if theirs.running.load(Ordering::Acquire) == 0 {
                        thread::park();
                    } else {
                        thread::sleep(TICK);
                        engine.increment_epoch();
                    }
                }
            })
            .map_err(|error| SandboxError::Engine {
                reason: error.to_string(),
            })?;
        Ok(Self {
            shared,
            thread: handle.thread().clone(),
        })
    }

    pub(crate) fn run(&self) -> Running<'_> {
        if self.shared.running.fetch_add(1, Ordering::AcqRel) == 0 {
            self.thread.unpark();
        }
        Running(&self.shared)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

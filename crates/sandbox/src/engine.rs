//! The wasmtime engine and its clock. Fuel bounds the work of a guest, epochs hand the thread
//! back to tokio every few milliseconds and end the guest when its time is over.

use crate::SandboxError;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;
use wasmtime::component::Component;
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

/// How long a guest may hold a thread before it is asked to yield.
const TICK: Duration = Duration::from_millis(10);
/// Memories and tables of one slot of the pool. Our tools have one of each; a component that has
/// more takes several slots.
const MEMORIES_PER_SLOT: u32 = 2;
const TABLES_PER_SLOT: u32 = 4;
/// Core instances for each slot: only counted, so there are many; each call is bounded by
/// `instances_max` of its own limits.
const INSTANCES_PER_SLOT: u32 = 100;
/// Slots there are at least, so that a large component can run on a small host.
const SLOTS_MIN: u32 = 16;
/// Memory a pool slot keeps between two calls instead of giving it back to the system.
const MEMORY_KEPT_BYTES: usize = 2 * 1024 * 1024;
/// Elements the pool has room for in one table.
const TABLE_ELEMENTS_MAX: usize = 100_000;
/// What wasmtime itself keeps of one instance. A Python has thousands of functions.
const INSTANCE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Stack of a guest. An interpreter in a guest ends its own recursion before this.
const GUEST_STACK_BYTES: usize = 1024 * 1024;
/// Stack on which a guest and the host functions it calls run: what the guest may use, and as
/// much again for the host.
const CALL_STACK_BYTES: usize = 2 * GUEST_STACK_BYTES;

/// An engine with a pool of prepared instances. Where the system gives no address space for
/// that, instances are made on demand, which costs some ten microseconds a call.
pub(crate) fn engine(calls_max: u32) -> Result<Engine, SandboxError> {
    let slots = calls_max.max(SLOTS_MIN);
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(slots)
        .total_core_instances(slots.saturating_mul(INSTANCES_PER_SLOT))
        .total_memories(slots.saturating_mul(MEMORIES_PER_SLOT))
        .total_tables(slots.saturating_mul(TABLES_PER_SLOT))
        .total_stacks(slots)
        .max_memories_per_module(MEMORIES_PER_SLOT)
        .max_tables_per_module(TABLES_PER_SLOT)
        .table_elements(TABLE_ELEMENTS_MAX)
        .max_component_instance_size(INSTANCE_BYTES_MAX)
        .max_core_instance_size(INSTANCE_BYTES_MAX)
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

/// Slots of the pool that an instance of a component takes.
pub(crate) fn slots_needed(component: &Component) -> u32 {
    // None is of components that import modules, which are refused.
    let needed = component.resources_required();
    needed.map_or(1, |needed| {
        let memories = needed.num_memories.div_ceil(MEMORIES_PER_SLOT);
        memories
            .max(needed.num_tables.div_ceil(TABLES_PER_SLOT))
            .max(1)
    })
}

fn with_allocation(strategy: InstanceAllocationStrategy) -> wasmtime::Result<Engine> {
    let mut config = Config::new();
    config
        .consume_fuel(true)
        .epoch_interruption(true)
        .wasm_backtrace_max_frames(None)
        .max_wasm_stack(GUEST_STACK_BYTES)
        .async_stack_size(CALL_STACK_BYTES)
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

//! A script is played: one process after the other carries out the run, until it is over. Each
//! process is a fresh runtime on a clock that jumps to the next thing that happens.

use crate::branch::play_branch;
use crate::mind::{MODEL, Mind, OTHER_MODEL};
use crate::script::{Life, Planted, Script};
use crate::service::tools;
use crate::start::start;
use crate::trace::{Again, Ended, Trace};
use crate::world::World;
use leadhand_model::{ModelSet, ModelTerms};
use leadhand_protocol::coordination::Want;
use leadhand_protocol::{
    Budget, Event, Grade, Outcome, OutcomeKind, PersonInput, PlanEdit, Record, RunId,
    SettingChange, ToolLimits,
};
use leadhand_runtime::{Control, Observation, Runtime, RuntimeError, Toolbox, control, rebuild};
use leadhand_sandbox::{ToolHost, Workspace};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Longer than anything takes that comes to an end.
const LIFE: Duration = Duration::from_secs(20 * 86_400);
/// Longer than the journal and a death are late.
const AFTERMATH: Duration = Duration::from_secs(5);
/// Lives without faults in which a run must come to its end.
const LIVES_TO_END: usize = 8;
/// Then it is cancelled, and has this many to end.
const LIVES_TO_CANCEL: usize = 3;
/// What a budget is raised to that was spent.
const RAISED: u64 = 1_000_000_000;
const JITTER_SEED: u64 = 11;

/// Why a world could not be made. Faults of the run are found by invariants, not told here.
#[derive(Debug, thiserror::Error)]
pub enum PlayError {
    /// A temporary folder could not be made.
    #[error("cannot make a temporary folder: {0}; make room on the disk")]
    Folder(#[from] std::io::Error),
    /// The runtime's parts could not be put together: a defect of the simulator.
    #[error("a simulated run cannot be put together: {0}; this is a defect of the simulator")]
    Parts(String),
}

impl PlayError {
    fn parts(why: &dyn std::error::Error) -> Self {
        Self::Parts(why.to_string())
    }
}

/// Plays a script to its end.
///
/// # Errors
/// [`PlayError`], which says nothing about the run.
pub fn play(script: &Script) -> Result<Trace, PlayError> {
    let run = RunId::new("simulated").map_err(|why| PlayError::parts(&why))?;
    let world = World::new(script.clone(), run)?;
    let lives = lives(&world)?;
    let again = resume_again(&world)?;
    let mut trace = trace(&world, lives, again);
    if let Some(fork) = &script.fork {
        trace.branch = play_branch(&world, &trace, fork)?;
    }
    Ok(trace)
}

/// The lives of a script, and as many more as it takes to bring the run to its end.
pub(crate) fn lives(world: &World) -> Result<Vec<Ended>, PlayError> {
    let scripted = world.script.lives.len().max(1);
    let mut lives = Vec::new();
    for number in 0..scripted + LIVES_TO_END + LIVES_TO_CANCEL {
        let life = match world.script.lives.get(number) {
            Some(life) => life.clone(),
            None if number < scripted + LIVES_TO_END => mending(world, lives.last()),
            None => Life {
                before: vec![cancel()],
                ..Life::default()
            },
        };
        let ended = live(world, number, life)?;
        let over = is_over(world) && number + 1 >= scripted;
        lives.push(ended);
        if over {
            break;
        }
    }
    Ok(lives)
}

pub(crate) fn trace(world: &World, lives: Vec<Ended>, again: Option<Again>) -> Trace {
    let state = world.state();
    let mut trace = Trace {
        script: Arc::clone(&world.script),
        run: world.run.clone(),
        records: state.store.records.clone(),
        promised: state.store.promised().to_vec(),
        begun: state.begun.clone(),
        seen: state.seen.clone(),
        seen_before_cut: state.seen_before_cut,
        deeds: state.deeds.clone(),
        given: state.given.clone(),
        asked: state.asked.clone(),
        written: state.written.clone(),
        lives,
        status: state.store.status.clone(),
        again,
        branch: None,
    };
    drop(state);
    crate::planted::plant(&mut trace);
    trace
}

fn last(world: &World) -> Option<Record> {
    world.state().store.records.last().cloned()
}

pub(crate) fn is_over(world: &World) -> bool {
    let exists = world.state().store.exists;
    match last(world) {
        Some(record) => matches!(*record.event, Event::RunEnded(_)),
        // It died before it began: nothing was promised.
        None => exists,
    }
}

pub(crate) fn cancel() -> PersonInput {
    PersonInput::Cancel {
        grade: Grade::Stop,
        why: "it takes too long".to_owned(),
    }
}

/// A life without faults that does what the run waits for.
pub(crate) fn mending(world: &World, before: Option<&Ended>) -> Life {
    let before = match before {
        Some(Ended::Outcome(OutcomeKind::BudgetSpent)) => vec![raise(world)],
        Some(Ended::Outcome(OutcomeKind::WaitingForPerson)) => release(world),
        _ => Vec::new(),
    };
    Life {
        before,
        ..Life::default()
    }
}

/// Raises every bound that there is.
fn raise(world: &World) -> PersonInput {
    let budget = world.script.terms.budget;
    let raised = |bound: Option<u64>| bound.map(|_| RAISED);
    let mut limits = world.script.terms.limits.clone();
    limits.run_seconds_max = 0;
    PersonInput::Change(Box::new(SettingChange {
        budget: Budget {
            tokens_max: raised(budget.tokens_max),
            micro_usd_max: raised(budget.micro_usd_max),
            tool_calls_max: raised(budget.tool_calls_max),
            seconds_max: raised(budget.seconds_max),
            turns_max: raised(budget.turns_max),
            agents_max: raised(budget.agents_max),
            revisions_max: raised(budget.revisions_max),
        },
        limits: Some(limits),
        ..SettingChange::default()
    }))
}

/// Lets every task go that may be held.
fn release(world: &World) -> Vec<PersonInput> {
    let state = world.state();
    let plan = state
        .store
        .records
        .iter()
        .rev()
        .find_map(|record| match &*record.event {
            Event::PlanAccepted { plan, .. } => plan.clone(),
            Event::RunStarted(start) => start.plan.clone(),
            _ => None,
        });
    let tasks = plan.into_iter().flat_map(|plan| plan.tasks.clone());
    tasks
        .map(|task| PersonInput::EditPlan {
            edits: vec![PlanEdit::Release { task: task.id }],
        })
        .collect()
}

/// A clock that jumps to the next thing that happens.
pub(crate) fn engine() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
}

/// One process, from its first to its last moment.
fn live(world: &World, number: usize, life: Life) -> Result<Ended, PlayError> {
    let engine = engine()?;
    let carried = engine.block_on(async {
        world.begin_life(number, life);
        let death = Arc::clone(&world.state().death);
        let (given, orders) = control();
        let runtime = runtime(world, given)?;
        let carrying = carry(world, &runtime, orders);
        let ended = tokio::select! {
            biased;
            () = death.notified() => Ended::Died,
            ended = tokio::time::timeout(LIFE, carrying) => ended.unwrap_or_else(|_| stuck(world)),
        };
        drop(runtime);
        // All that the run had in flight has ended by then; what is late is late no more.
        tokio::time::sleep(AFTERMATH).await;
        let alive = tokio::runtime::Handle::current()
            .metrics()
            .num_alive_tasks();
        // The clock that jumps is there as long as its runtime is.
        world.end_life(!matches!(ended, Ended::Outcome(_) | Ended::Over));
        Ok(match ended {
            Ended::Outcome(_) if alive > 0 => Ended::Alive(alive),
            ended => ended,
        })
    });
    drop(engine);
    carried
}

fn stuck(world: &World) -> Ended {
    let open = open_waits(world);
    let owed = world.state().owed;
    Ended::Stuck { owed, open }
}

/// Waits on record that no deadlock is ever found in, since anybody may end them.
fn open_waits(world: &World) -> u32 {
    let run = rebuild(&world.state().store.records);
    let room = run.coordination();
    let of_anybody = |want: &Want| match want {
        Want::Barrier { .. } | Want::Quorum(_) | Want::Change { .. } | Want::Message => true,
        Want::Answer { to, .. } => to.is_none(),
        Want::Join { latches, .. } => {
            let mut latches = latches.iter();
            latches.any(|name| room.latch_members(name).next().is_none())
        }
        Want::Locks(_) | Want::Upgrade(_) | Want::Permits { .. } => false,
    };
    let open = room.waits().filter(|(_, wait)| of_anybody(&wait.want));
    u32::try_from(open.count()).unwrap_or(u32::MAX)
}

pub(crate) async fn carry(
    world: &World,
    runtime: &Runtime,
    orders: leadhand_runtime::Orders,
) -> Ended {
    match Unwinding(Box::pin(carry_out(world, runtime, orders))).await {
        Ok(ended) => ended,
        Err(what) => Ended::Broken(format!("a panic: {what}")),
    }
}

/// A future whose panic is a value.
struct Unwinding<F>(std::pin::Pin<Box<F>>);

impl<F: Future> Future for Unwinding<F> {
    type Output = Result<F::Output, String>;

    fn poll(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Self::Output> {
        let polled = catch_unwind(AssertUnwindSafe(|| self.0.as_mut().poll(context)));
        match polled {
            Ok(poll) => poll.map(Ok),
            Err(panic) => {
                let text = panic.downcast_ref::<String>().cloned();
                let text = text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
                std::task::Poll::Ready(Err(text.unwrap_or_default()))
            }
        }
    }
}

/// What is ordered before is ordered, then the run begins or goes on.
async fn carry_out(world: &World, runtime: &Runtime, orders: leadhand_runtime::Orders) -> Ended {
    if !world.state().store.exists {
        return ended(runtime.run(start(&world.script, &world.run), orders).await);
    }
    let before = world.state().life.before.clone();
    let mut changes = Vec::new();
    for order in before {
        if matches!(order, PersonInput::Change(_)) {
            changes.push(order);
            continue;
        }
        match runtime.order(&world.run, order.clone()).await {
            Ok(outcome) => {
                world.note(order, Ok(()));
                if let Some(outcome) = outcome {
                    return Ended::Outcome(outcome.kind);
                }
            }
            Err(RuntimeError::Refused { why, .. }) => world.note(order, Err(why)),
            Err(error) => return ended(Err(error)),
        }
    }
    ended(runtime.resume_with(&world.run, changes, orders).await)
}

fn ended(carried: Result<Outcome, RuntimeError>) -> Ended {
    match carried {
        Ok(outcome) => Ended::Outcome(outcome.kind),
        Err(RuntimeError::Journal(
            leadhand_journal::JournalError::Unwritable { .. }
            | leadhand_journal::JournalError::Stopped { .. },
        )) => Ended::DiskFull,
        Err(RuntimeError::Refused { why, .. }) => Ended::Refused(why),
        Err(RuntimeError::Over { .. }) => Ended::Over,
        Err(error) => Ended::Broken(error.to_string()),
    }
}

pub(crate) fn runtime(world: &World, given: Control) -> Result<Runtime, PlayError> {
    // Compiling no tool still takes the host some time.
    static HOST: OnceLock<Result<Arc<ToolHost>, String>> = OnceLock::new();
    let host = HOST.get_or_init(|| {
        let host = ToolHost::builder().standard_tools(false).build();
        host.map(Arc::new).map_err(|error| error.to_string())
    });
    let host = host.clone().map_err(PlayError::Parts)?;
    let workspace = Workspace::open(world.folder()).map_err(|why| PlayError::parts(&why))?;
    let models = ModelSet::builder()
        .jitter_seed(JITTER_SEED)
        .limits(&world.script.terms.limits)
        .add_on_terms(MODEL, Arc::new(Mind(world.clone())), ModelTerms::default())
        .and_then(|set| {
            set.add_on_terms(
                OTHER_MODEL,
                Arc::new(Mind(world.clone())),
                ModelTerms::default(),
            )
        })
        .and_then(leadhand_model::ModelSetBuilder::build)
        .map_err(|why| PlayError::parts(&why))?;
    let tools = Toolbox::new(
        host,
        tools(world),
        Arc::new(workspace),
        ToolLimits::default(),
    );
    let tools = tools
        .map_err(|why| PlayError::parts(&why))?
        .looking_inline();
    let (watching, telling) = (world.clone(), world.clone());
    Ok(Runtime {
        models,
        tools,
        journal: Arc::new(world.clone()),
        approver: Arc::new(world.clone()),
        observer: Arc::new(move |seen| {
            if let Observation::Recorded(..) = seen {
                if watching.has(Planted::OnlookerPanics) {
                    std::panic::resume_unwind(Box::new("the script wants a panic"));
                }
                for order in watching.shown() {
                    watching.order(&given, order);
                }
            }
        }),
        clock: Arc::new(move || telling.now_ms()),
        traced: false,
        listen: false,
    })
}

/// Resumes a run that is over.
pub(crate) fn resume_again(world: &World) -> Result<Option<Again>, PlayError> {
    if last(world).is_none() || !is_over(world) {
        return Ok(None);
    }
    let before = world.state().store.records.len();
    let said = live(world, usize::MAX, Life::default())?;
    let mut state = world.state();
    if world.has(Planted::WrittenAfterEnd) {
        let more = state.store.records.last().cloned();
        state.store.records.extend(more);
    }
    Ok(Some(Again {
        said,
        before,
        after: state.store.records.len(),
    }))
}

//! One run of a soak: it is broken off now and then, taken up again, and held against its journal
//! when it is over.

use super::Shared;
use crate::chance::Chance;
use crate::expand::expand;
use crate::invariant::check;
use crate::play::{cancel, carry, is_over, mending, runtime, trace};
use crate::script::{Does, Life, Reply, Says, Script, Step};
use crate::trace::{Ended, Trace};
use crate::world::World;
use leadhand_journal::Journal;
use leadhand_protocol::{Record, RunId};
use leadhand_runtime::{Observation, control};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::JoinSet;

/// Lives in which a run is broken off at most.
const BROKEN_OFF_MAX: usize = 4;
/// A life that is broken off lasts less than this, in milliseconds.
const BROKEN_OFF_MS: u64 = 1_500;
/// Longer than a life takes that comes to its end.
const LIFE: Duration = Duration::from_secs(120);
/// Lives after which a run is cancelled, and after which it must have ended.
const LIVES_TO_CANCEL: usize = 12;
const LIVES_MAX: usize = 16;
/// The longest that a slow model or tool takes, in milliseconds.
const SLOW_MS: u64 = 300;
/// What only a simulated disk and clock can show.
const NOT_HERE: [&str; 4] = ["intent", "settled", "status", "goes_on"];

/// Has this many runs go on at once, one after the other in each place, until it is over.
pub(super) fn runs(shared: &Arc<Shared>, count: usize) {
    let engine = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    let Ok(engine) = engine else {
        shared
            .soaked()
            .faults
            .push("no runtime could be made".to_owned());
        return;
    };
    engine.block_on(async {
        let mut places = JoinSet::new();
        for _ in 0..count {
            let shared = Arc::clone(shared);
            places.spawn(async move {
                while !shared.over.load(Ordering::Relaxed) {
                    if let Err(fault) = one(&shared).await {
                        shared.soaked().faults.push(fault);
                    }
                }
            });
        }
        while let Some(ended) = places.join_next().await {
            if let Err(error) = ended {
                shared.soaked().faults.push(error.to_string());
            }
        }
    });
}

async fn one(shared: &Arc<Shared>) -> Result<(), String> {
    let seed = shared.next.fetch_add(1, Ordering::Relaxed);
    let run = RunId::new(format!("soak-{seed}")).map_err(|error| error.to_string())?;
    let world = World::new(tamed(expand(seed)), run.clone()).map_err(|error| error.to_string())?;
    let mut chance = Chance::new(!seed);
    let seen: Arc<Mutex<Vec<Record>>> = Arc::default();
    let mut lives: Vec<Ended> = Vec::new();
    while lives.is_empty() || (lives.len() < LIVES_MAX && !is_over(&world)) {
        let breaks_off = lives.len() < BROKEN_OFF_MAX && chance.hits(60);
        let lasts = Duration::from_millis(chance.below(BROKEN_OFF_MS));
        let life = next_life(&world, &lives);
        world.begin_life(lives.len(), life);
        let lasts = if breaks_off { lasts } else { LIFE };
        let ended = live(shared, &world, &seen, lasts).await?;
        if ended == Ended::Died {
            shared.soaked().died += 1;
        }
        lives.push(ended);
        world.end_life(false);
        // What the disk says is what the next life begins with.
        if let Ok(history) = shared.journal.read(&run) {
            let mut state = world.state();
            state.store.exists = true;
            state.store.records = history.records;
        }
    }
    let promised = seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let left = Trace {
        promised,
        begun: Vec::new(),
        // What was on record by then is known to a simulated disk alone.
        seen: Vec::new(),
        ..trace(&world, lives, None)
    };
    shared.soaked().ended += 1;
    // A service would keep the journals that somebody may want, and take the others away.
    let _ = std::fs::remove_dir_all(shared.root.join("runs").join(run.as_str()));
    if left.ended().is_none() && !left.records.is_empty() {
        return Err(format!(
            "seed {seed}: the run never ended: {:?}",
            left.lives
        ));
    }
    let broken = check(&left).into_iter();
    match broken
        .into_iter()
        .find(|broken| !NOT_HERE.contains(&broken.invariant))
    {
        Some(broken) => Err(format!(
            "seed {seed}: {}: {}",
            broken.invariant, broken.seen
        )),
        None => Ok(()),
    }
}

fn next_life(world: &World, lives: &[Ended]) -> Life {
    match world.script.lives.get(lives.len()) {
        Some(life) => life.clone(),
        None if lives.len() < LIVES_TO_CANCEL => mending(world, lives.last()),
        None => Life {
            before: vec![cancel()],
            ..Life::default()
        },
    }
}

async fn live(
    shared: &Shared,
    world: &World,
    seen: &Arc<Mutex<Vec<Record>>>,
    lasts: Duration,
) -> Result<Ended, String> {
    let (given, orders) = control();
    let mut runtime = runtime(world, given).map_err(|error| error.to_string())?;
    runtime.journal = Arc::clone(&shared.journal) as Arc<dyn Journal>;
    let (observer, seen) = (Arc::clone(&runtime.observer), Arc::clone(seen));
    runtime.observer = Arc::new(move |seeing| {
        if let Observation::Recorded(_, record) = seeing {
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.push((*record).clone());
        }
        observer(seeing);
    });
    let carried = tokio::time::timeout(lasts, carry(world, &runtime, orders)).await;
    Ok(carried.unwrap_or(Ended::Died))
}

/// Without what takes longer than a soak, and without faults of the simulated disk.
fn tamed(mut script: Script) -> Script {
    script.acts.retain(|act| act.does != Does::Hang);
    for act in &mut script.acts {
        if let Does::Slow { ms } = &mut act.does {
            *ms = SLOW_MS.min(*ms);
        }
    }
    for one in &mut script.moves {
        match &mut one.says {
            Says::Slow { ms } => *ms = SLOW_MS.min(*ms),
            Says::Fault { times, .. } => *times = 2.min(*times),
            _ => {}
        }
    }
    for step in script.tasks.iter_mut().flat_map(|task| &mut task.steps) {
        match step {
            Step::Work { ms } => *ms = SLOW_MS.min(*ms),
            Step::Ask { wait_ms, .. } => *wait_ms = Some(SLOW_MS.min(wait_ms.unwrap_or(SLOW_MS))),
            Step::LetGo
            | Step::Answer
            | Step::Write { .. }
            | Step::Flood { .. }
            | Step::Fail
            | Step::Panic => {}
        }
    }
    script
        .answers
        .retain(|answer| !matches!(answer.says, Reply::Silent | Reply::Slow { .. }));
    for life in &mut script.lives {
        life.death = None;
        life.disk_full_at = None;
        life.snapshot = None;
    }
    script
}

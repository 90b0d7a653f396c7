//! A run that is over is forked, and its branch carried out under the same faults, in the same
//! folder, with the same service.

use crate::planted::plant_in_branch;
use crate::play::{PlayError, engine, lives, resume_again, runtime, trace};
use crate::script::{Fork, Life, Script};
use crate::trace::{Branch, Forking, Trace};
use crate::world::World;
use leadhand_protocol::{Event, Record, RequestId, RunId, Seq};
use leadhand_runtime::{RuntimeError, control};

/// Forks the run that was played, and plays its branch to the end; none of a run that never began.
///
/// # Errors
/// [`PlayError`], as of the run itself.
pub(crate) fn play_branch(
    world: &World,
    played: &Trace,
    fork: &Fork,
) -> Result<Option<Forking>, PlayError> {
    let other = world.state().store.records.clone();
    if other.is_empty() {
        return Ok(None);
    }
    let script = Script {
        lives: fork.lives.clone(),
        fork: None,
        ..(*world.script).clone()
    };
    let run = RunId::new("branch").map_err(|why| PlayError::Parts(why.to_string()))?;
    let branch = world.branched(script, run);
    let wanted = fork.at as usize % other.len() + 1;
    let at = match made(&branch, world, wanted, fork)? {
        Ok(at) => at,
        Err(not_made) => return Ok(Some(not_made)),
    };
    knows(&branch, played, &other[..at]);
    let ends = lives(&branch)?;
    let again = resume_again(&branch)?;
    let mut branch = Branch {
        at,
        other,
        other_after: world.state().store.records.clone(),
        trace: trace(&branch, ends, again),
    };
    plant_in_branch(&mut branch, played);
    Ok(Some(Forking::Made(Box::new(branch))))
}

/// Makes the branch, in a process without faults; gives where it begins.
fn made(
    branch: &World,
    other: &World,
    at: usize,
    fork: &Fork,
) -> Result<Result<usize, Forking>, PlayError> {
    let made = engine()?.block_on(async {
        branch.begin_life(0, Life::default());
        let (given, _) = control();
        let changes = fork.changes.clone();
        let made = runtime(branch, given)?
            .fork(&other.run, Some(at as Seq), &branch.run, changes)
            .await;
        branch.end_life(false);
        Ok::<_, PlayError>(made)
    })?;
    let exists = branch.state().store.exists;
    Ok(match made {
        Ok(forked) => match usize::try_from(forked.at) {
            Ok(begins) if begins <= at => Ok(begins),
            _ => Err(Forking::Broken(format!(
                "it begins at {}, and was to begin at {at}",
                forked.at
            ))),
        },
        Err(error) if exists => Err(Forking::Broken(format!("it is there in spite of: {error}"))),
        Err(error @ (RuntimeError::Refused { .. } | RuntimeError::ForkAfterEnd { .. })) => {
            Err(Forking::Refused(error.to_string()))
        }
        Err(error) => Err(Forking::Broken(error.to_string())),
    })
}

/// What was ordered and asked before the branch counts for the branch as well. What the other run
/// ordered since does not.
fn knows(branch: &World, played: &Trace, before: &[Record]) {
    let was_asked = |request: RequestId| {
        let asks = |event: &Event| matches!(event, Event::PersonAsked { request: asked, .. } if *asked == request);
        before.iter().any(|record| asks(&record.event))
    };
    let asked = played.asked.iter().filter(|asked| was_asked(asked.request));
    let deeds = played.deeds.iter();
    let deeds = deeds.filter(|deed| deed.ordered.is_some_and(|place| place < before.len()));
    let mut state = branch.state();
    state.asked = asked.copied().collect();
    state.deeds = deeds.cloned().collect();
}

//! A run whose process died, found again by its goal: what `run --resume-on-crash` goes on with.

use crate::failure::Failure;
use crate::screen;
use crate::session::Session;
use leadhand::rooms::protocol::Start;
use leadhand::{Event, Goal, OutcomeKind, Plan, Run, RunEntry, Status};

/// The newest run of the same goal that died without an outcome, ready to go on; none where
/// there is none. With a plan of the user's own it is one of the same plan.
///
/// # Errors
/// When the runs cannot be listed.
pub(crate) fn take_up(
    session: &Session,
    goal: &Goal,
    plan: Option<&Plan>,
) -> Result<Option<Run>, Failure> {
    let journal = session.leadhand.journal();
    for entry in journal.runs()?.into_iter().filter(may_have_died) {
        // One that cannot be read cannot go on either, and is no reason not to begin anew.
        let Ok(history) = journal.read(&entry.run) else {
            continue;
        };
        let is_it = matches!(
            history.records.first().map(|record| &*record.event),
            Some(Event::RunStarted(start)) if is_same(start, goal, plan)
        );
        let is_dead = leadhand::rebuild(&history.records).outcome().is_none();
        if is_it && is_dead && history.damage.is_none() {
            screen::note(&format!("run {} died and is taken up", entry.run));
            session.watch.before(history.records);
            return Ok(Some(session.leadhand.resume(&entry.run)));
        }
    }
    Ok(None)
}

/// A summary can be older than the journal, which is read where it says that the run could go on.
fn may_have_died(entry: &RunEntry) -> bool {
    let status = entry.status.clone();
    let status = status.and_then(|status| serde_json::from_value::<Status>(status).ok());
    entry.live.is_none()
        && status
            .and_then(|status| status.outcome)
            .is_none_or(OutcomeKind::resumable)
}

fn is_same(start: &Start, goal: &Goal, plan: Option<&Plan>) -> bool {
    let known = &start.goal;
    known.text == goal.text
        && known.files == goal.files
        && known.acceptance == goal.acceptance
        && known.output_schema == goal.output_schema
        && plan.is_none_or(|plan| start.plan.as_deref() == Some(plan))
}

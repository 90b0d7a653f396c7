//! Ready tasks are handed out: most urgent first, as long as there are workers to be had. A task
//! begins with all of its locks or not at all, and no two at once that may write the same file.

use crate::run::Run;
use crate::{brief, coordination, permits};
use leadhand_protocol::{AgentId, Ask, Event, Purpose, RequestId, Task};
use leadhand_task_graph::TaskGraph;
use std::cell::OnceCell;

/// Ready tasks that cannot begin yet and are passed over for less urgent ones, at most: so that
/// handing out takes no longer the more tasks wait.
const PASSED_OVER_MAX: usize = 1_024;

/// Starts ready tasks.
pub(crate) fn start_ready(run: &Run, graph: &TaskGraph) -> Vec<Event> {
    let workers_max = run.started().start.limits.workers_max;
    let free = workers_max.saturating_sub(graph.running_count());
    let mut taken = Taken::of(run, graph);
    let mut events = Vec::new();
    let mut passed_over = 0;
    for task in graph.ready() {
        if run.plan.held.contains(&task.id) {
            continue;
        }
        if run.plan.breakpoints.contains(&task.id) {
            events.extend(ask_before(run, task));
            if events.is_empty() {
                continue;
            }
            return events;
        }
        if events.len() >= free || passed_over >= PASSED_OVER_MAX {
            break;
        }
        if !taken.leaves_room_for(task) {
            passed_over += 1;
            continue;
        }
        let agent = AgentId(next_agent(run, events.len()));
        if task.locks.is_empty() {
            events.push(begin(run, task, agent));
            taken.by(task);
        } else if let Some(granted) = coordination::locks_of(run, agent, task) {
            events.push(begin(run, task, agent));
            events.extend(granted);
            // What is granted next follows from what this one holds.
            return events;
        } else {
            passed_over += 1;
        }
    }
    events
}

/// The start of an agent for a task.
fn begin(run: &Run, task: &Task, agent: AgentId) -> Event {
    let attempt = run.task(&task.id).map_or(0, |record| record.attempts) + 1;
    Event::AgentStarted {
        agent,
        role: if task.call.is_some() {
            String::new()
        } else {
            task.role.clone()
        },
        purpose: Purpose::Task(task.id.clone()),
        attempt,
        opening: brief::opening(run, task, attempt),
    }
}

fn next_agent(run: &Run, begun: usize) -> u32 {
    let begun = u32::try_from(begun).unwrap_or(u32::MAX);
    run.agents_started.saturating_add(begun)
}

/// The question whether a task may begin; none when it is put already.
fn ask_before(run: &Run, task: &Task) -> Option<Event> {
    let about = |ask: &Ask| matches!(ask, Ask::Task { task: asked } if asked.id == task.id);
    if run.people.open.values().any(about) {
        return None;
    }
    Some(Event::PersonAsked {
        request: RequestId(run.people.asked),
        ask: Ask::Task {
            task: Box::new(task.clone()),
        },
    })
}

/// What tasks at work have taken. Looked for only when a task wants something of it.
struct Taken<'a> {
    run: &'a Run,
    graph: &'a TaskGraph,
    at_work: OnceCell<Vec<&'a Task>>,
    begun: Vec<&'a Task>,
}

impl<'a> Taken<'a> {
    fn of(run: &'a Run, graph: &'a TaskGraph) -> Self {
        Self {
            run,
            graph,
            at_work: OnceCell::new(),
            begun: Vec::new(),
        }
    }

    fn by(&mut self, task: &'a Task) {
        self.begun.push(task);
    }

    fn all(&self) -> impl Iterator<Item = &&'a Task> {
        let at_work = self.at_work.get_or_init(|| self.graph.running().collect());
        at_work.iter().chain(&self.begun)
    }

    fn leaves_room_for(&self, task: &Task) -> bool {
        if task.call.is_none() {
            let begun = self.begun.iter();
            let alike = begun.filter(|other| other.call.is_none() && other.role == task.role);
            if !permits::leave_room_for(self.run, &task.role, || alike.count()) {
                return false;
            }
        }
        let mut theirs = self.all().flat_map(|other| writes(other));
        writes(task).next().is_none()
            || !theirs.any(|theirs| writes(task).any(|own| may_overlap(own, theirs)))
    }
}

/// What a task may write, as globs.
fn writes(task: &Task) -> impl Iterator<Item = &str> {
    task.writes
        .iter()
        .chain(&task.output_file)
        .map(String::as_str)
}

/// Whether two globs can match one path: never misses an overlap, may see one too many.
fn may_overlap(one: &str, other: &str) -> bool {
    let literal = |glob: &str| -> (usize, bool) {
        let at = glob.find(['*', '?', '[', '{']);
        (at.unwrap_or(glob.len()), at.is_none())
    };
    let ((a, a_whole), (b, b_whole)) = (literal(one), literal(other));
    let (a, b) = (&one[..a], &other[..b]);
    match (a_whole, b_whole) {
        (true, true) => a == b,
        (false, true) => b.starts_with(a),
        (true, false) => a.starts_with(b),
        (false, false) => a.starts_with(b) || b.starts_with(a),
    }
}

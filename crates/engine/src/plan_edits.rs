//! A person changes the plan. What has begun or is done stays what it is: an edit that would
//! make it something else is refused, and so is a plan that could not be carried out.

use crate::agent::Agent;
use crate::decide::Refusal;
use crate::orders::budget_fault;
use crate::run::Run;
use crate::schedule;
use leadhand_protocol::{Event, Plan, PlanEdit, TaskId};
use leadhand_task_graph::{TaskState, validate};

/// The facts that follow from the edits: the plan as it is from now on, if it is another one,
/// and the end of agents whose task is no longer in it.
pub(crate) fn decide(run: &Run, edits: &[PlanEdit]) -> Result<Vec<Event>, Refusal> {
    let Some(graph) = run.graph() else {
        return Err(Refusal(
            "there is no plan yet that could be edited: wait until it is made".to_owned(),
        ));
    };
    let mut plan = graph.plan().clone();
    for edit in edits {
        make(run, &mut plan, edit)?;
    }
    if plan == *graph.plan() {
        return Ok(Vec::new());
    }
    let faults = validate(&plan, &schedule::known(run), &run.started().start.limits);
    if !faults.is_empty() {
        let faults: Vec<String> = faults
            .iter()
            .map(|fault| format!("{} {}", fault.at, fault.message))
            .collect();
        return Err(Refusal(format!(
            "the plan could not be carried out any more: {}",
            faults.join("; ")
        )));
    }
    let gone = |agent: &&Agent| {
        agent
            .task()
            .is_some_and(|id| !plan.tasks.iter().any(|task| task.id == *id))
    };
    let mut events: Vec<Event> = run
        .agents
        .values()
        .filter(gone)
        .map(|agent| Event::AgentEnded {
            agent: agent.id,
            failure: Some("a person took its task out of the plan".to_owned()),
        })
        .collect();
    events.push(Event::PlanAccepted {
        revision: run.plan.revision + 1,
        plan: Some(plan.into()),
    });
    Ok(events)
}

/// That there is such a task.
pub(crate) fn known(run: &Run, id: &TaskId) -> Result<TaskState, Refusal> {
    let state = run.graph().and_then(|graph| graph.state(id));
    state.ok_or_else(|| {
        let ids: Vec<&str> = run
            .graph()
            .iter()
            .flat_map(|graph| &graph.plan().tasks)
            .map(|task| task.id.as_str())
            .collect();
        Refusal(format!(
            "there is no task `{id}` in the plan: there is {}",
            ids.join(", ")
        ))
    })
}

fn make(run: &Run, plan: &mut Plan, edit: &PlanEdit) -> Result<(), Refusal> {
    let id = edit.task();
    if let PlanEdit::Add { task } = edit {
        if plan.tasks.iter().any(|known| known.id == task.id) {
            return Err(Refusal(format!(
                "there is a task `{id}` already: give the new one another id"
            )));
        }
        plan.tasks.push((**task).clone());
        return Ok(());
    }
    let Some(place) = plan.tasks.iter().position(|task| task.id == *id) else {
        return known(run, id).and(Err(Refusal(format!("`{id}` was dropped already"))));
    };
    // One that was added by an edit before has not begun either.
    let state = known(run, id).unwrap_or(TaskState::Waiting);
    let task = &mut plan.tasks[place];
    match edit {
        PlanEdit::Drop { .. } => {
            drop_task(run, plan, id, state)?;
        }
        PlanEdit::DependsOn { depends_on, .. } => {
            not_begun(id, state)?;
            task.depends_on.clone_from(depends_on);
        }
        PlanEdit::Role { role, .. } => {
            not_begun(id, state)?;
            task.role.clone_from(role);
        }
        PlanEdit::Instruction { instruction, .. } => {
            not_begun(id, state)?;
            task.instruction.clone_from(instruction);
        }
        PlanEdit::Budget { budget, .. } => {
            if let Some(fault) = budget_fault(budget) {
                return Err(Refusal(fault));
            }
            task.budget = *budget;
        }
        PlanEdit::Hold { .. } | PlanEdit::BreakBefore { .. } => {
            not_begun(id, state)?;
        }
        PlanEdit::Release { .. } => {
            if !run.plan.held.contains(id) && !run.plan.breakpoints.contains(id) {
                return Err(Refusal(format!("task `{id}` is not held")));
            }
        }
        PlanEdit::Add { .. } => {}
    }
    Ok(())
}

/// That a task has not begun, or has failed and may begin anew.
fn not_begun(id: &TaskId, state: TaskState) -> Result<(), Refusal> {
    match state {
        TaskState::Waiting | TaskState::Ready | TaskState::Failed => Ok(()),
        TaskState::Running => Err(Refusal(format!(
            "task `{id}` is at work: steer it, or drop it and add another one"
        ))),
        TaskState::Done => Err(Refusal(format!(
            "task `{id}` is done: add another task that builds on it"
        ))),
    }
}

fn drop_task(run: &Run, plan: &mut Plan, id: &TaskId, state: TaskState) -> Result<(), Refusal> {
    if state == TaskState::Done {
        return Err(Refusal(format!(
            "task `{id}` is done and stays in the plan"
        )));
    }
    let harmful = run
        .agents
        .values()
        .filter(|agent| agent.task() == Some(id))
        .find_map(|agent| run.harmful_call(agent));
    if let Some(call) = harmful {
        return Err(Refusal(format!(
            "task `{id}` is just calling `{}`, which cannot be taken back: wait until the call is \
             over",
            call.call.name
        )));
    }
    plan.tasks.retain(|task| task.id != *id);
    if plan.answer.as_ref() == Some(id) {
        plan.answer = None;
    }
    Ok(())
}

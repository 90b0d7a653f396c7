//! What becomes of the plan: it is accepted, edited, and keeps what is done.

use crate::agent::Agent;
use crate::run::{AnswerRecord, Measured, PlanRecord, Run};
use leadhand_protocol::{Action, Autonomy, Plan, PlanEdit, TaskId};
use leadhand_task_graph::{TaskGraph, kind_of};
use std::sync::Arc;

impl Run {
    pub(super) fn plan_accepted(&mut self, revision: u32, plan: Option<&Arc<Plan>>) -> Vec<Action> {
        let Some(plan) = plan.or(self.started().start.plan.as_ref()).cloned() else {
            return Vec::new();
        };
        let edited = std::mem::take(&mut self.plan.edited);
        let anew = self.plan.graph.is_none() || revision != self.plan.revision;
        if anew && self.plan.graph.is_some() && !edited {
            self.plan.revised += 1;
        }
        self.label_plan(&plan, edited);
        let mut graph = TaskGraph::new(plan);
        graph.weigh(self.plan.weighed.clone());
        let done = self
            .tasks
            .iter()
            .filter(|(_, record)| record.output.is_some());
        for (task, _) in done {
            graph.complete(task);
        }
        if edited {
            self.keep_failures(&mut graph);
        }
        for task in self.agents.values().filter_map(Agent::task) {
            graph.start(task);
        }
        if anew {
            let level = self.started().start.goal.autonomy;
            self.plan.approved = level > Autonomy::L2 || (edited && self.plan.approved);
            self.answer = AnswerRecord::default();
        }
        self.plan.revision = revision;
        self.plan.held.retain(|task| graph.task(task).is_some());
        self.plan
            .breakpoints
            .retain(|task| graph.task(task).is_some());
        self.plan.timed = {
            let mut tasks = graph.plan().tasks.iter();
            tasks.any(|task| task.budget.seconds_max.is_some())
        };
        self.plan.graph = Some(graph);
        self.notes_open_work();
        Vec::new()
    }

    /// A task that failed has failed, whatever a person changes about others; one that was itself
    /// changed begins anew.
    fn keep_failures(&mut self, graph: &mut TaskGraph) {
        let Some(before) = &self.plan.graph else {
            return;
        };
        for failed in before.failed() {
            if graph.task(&failed.id) == Some(failed) {
                graph.fail(&failed.id);
            } else if let Some(record) = self.tasks.get_mut(&failed.id) {
                record.attempts = 0;
            }
        }
    }

    pub(super) fn plan_edited(&mut self, edits: &[PlanEdit]) {
        self.plan.edited = true;
        self.plan.given_up = None;
        for edit in edits {
            match edit {
                PlanEdit::Hold { task } => {
                    self.plan.held.insert(task.clone());
                }
                PlanEdit::BreakBefore { task } => {
                    self.plan.breakpoints.insert(task.clone());
                }
                PlanEdit::Release { task } => {
                    self.plan.held.remove(task);
                    self.plan.breakpoints.remove(task);
                }
                PlanEdit::Add { .. }
                | PlanEdit::Drop { .. }
                | PlanEdit::DependsOn { .. }
                | PlanEdit::Role { .. }
                | PlanEdit::Instruction { .. }
                | PlanEdit::Budget { .. } => {}
            }
        }
    }
}

impl PlanRecord {
    /// Takes note of how long a task took. Critical paths are measured anew as often as what is
    /// known of tasks that are alike has doubled: each time all tasks are looked at.
    pub(super) fn measure(&mut self, task: &TaskId, took_ms: u64) {
        let Some(graph) = &mut self.graph else {
            return;
        };
        let Some(kind) = graph.task(task).map(kind_of) else {
            return;
        };
        if !self.measured.contains_key(kind) {
            self.measured.insert(kind.to_owned(), Measured::default());
        }
        let Some(measured) = self.measured.get_mut(kind) else {
            return;
        };
        measured.tasks += 1;
        measured.all_ms = measured.all_ms.saturating_add(took_ms);
        if measured.tasks.is_power_of_two() {
            let typical_ms = measured.all_ms / measured.tasks;
            self.weighed.insert(kind.to_owned(), typical_ms);
            graph.weigh(self.weighed.clone());
        }
    }
}

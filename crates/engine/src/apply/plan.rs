//! What becomes of the plan: it is accepted, edited, and keeps what is done.

use crate::agent::Agent;
use crate::run::{AnswerRecord, Run};
use leadhand_protocol::{Action, Autonomy, Plan, PlanEdit, TaskId};
use leadhand_task_graph::{TaskGraph, TaskState};
use std::collections::BTreeSet;

impl Run {
    pub(super) fn plan_accepted(&mut self, revision: u32, plan: Option<&Plan>) -> Vec<Action> {
        let Some(plan) = plan.or(self.started().start.plan.as_ref()).cloned() else {
            return Vec::new();
        };
        let edited = std::mem::take(&mut self.plan.edited);
        let anew = self.plan.graph.is_none() || revision != self.plan.revision;
        if anew && self.plan.graph.is_some() && !edited {
            self.plan.revised += 1;
        }
        self.label_plan(&plan, edited);
        let known: BTreeSet<TaskId> = plan.tasks.iter().map(|task| task.id.clone()).collect();
        let mut graph = TaskGraph::new(plan);
        for task in &known {
            let record = self.tasks.entry(task.clone()).or_default();
            if record.output.is_some() {
                graph.complete(task);
            }
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
        self.plan.graph = Some(graph);
        self.plan.revision = revision;
        self.plan.held.retain(|task| known.contains(task));
        self.plan.breakpoints.retain(|task| known.contains(task));
        Vec::new()
    }

    /// A task that failed has failed, whatever a person changes about others; one that was itself
    /// changed begins anew.
    fn keep_failures(&mut self, graph: &mut TaskGraph) {
        let Some(before) = &self.plan.graph else {
            return;
        };
        for failed in before.in_state(TaskState::Failed) {
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

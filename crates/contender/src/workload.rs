//! The workload as the comparison's generator writes it, and its check.

use crate::Failure;
use leadhand::{Event, Plan, Task, TaskId};
use serde::Deserialize;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

/// Tasks and what each waits for.
#[derive(Debug, Deserialize)]
pub(crate) struct Workload {
    tasks: Vec<Spec>,
    /// Messages after the prompt that a model is sent; 0 is all.
    #[serde(default)]
    history_window: u32,
}

#[derive(Debug, Deserialize)]
struct Spec {
    id: String,
    #[serde(default)]
    deps: Vec<String>,
    #[serde(default)]
    tool_rounds: u32,
}

impl Workload {
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        Ok(serde_json::from_slice(&std::fs::read(path)?)?)
    }

    pub(crate) fn tasks(&self) -> usize {
        self.tasks.len()
    }

    pub(crate) fn history_window(&self) -> u32 {
        self.history_window
    }

    /// Most tool calls that one task makes.
    pub(crate) fn tool_rounds_max(&self) -> u32 {
        let rounds = self.tasks.iter().map(|task| task.tool_rounds);
        rounds.max().unwrap_or(0)
    }

    /// The workload as a plan.
    pub(crate) fn plan(&self) -> Result<Plan, Failure> {
        let tasks: Vec<Task> = self
            .tasks
            .iter()
            .map(|spec| {
                let role = if spec.tool_rounds > 0 {
                    "clerk"
                } else {
                    "worker"
                };
                let instruction = format!("[[task:{0}]] Complete step {0}.", spec.id);
                let mut task = Task::new(TaskId::new(&*spec.id)?, role, instruction);
                let after = spec.deps.iter().map(|id| TaskId::new(&**id));
                task.depends_on = after.collect::<Result<_, _>>()?;
                Ok(task)
            })
            .collect::<Result<_, Failure>>()?;
        Ok(Plan {
            answer: tasks.last().map(|task| task.id.clone()),
            tasks,
        })
    }

    /// That each task gave its answer, going by the records of those that are done.
    pub(crate) fn check(&self, done: &[Arc<Event>]) -> Result<(), Failure> {
        let answers = done.iter().filter_map(|event| match &**event {
            Event::TaskDone { task, content, .. } => Some((task.clone(), content)),
            _ => None,
        });
        let answers: HashMap<_, _> = answers.collect();
        for spec in &self.tasks {
            let expected = format!("done {}", spec.id);
            let answer = answers.get(&TaskId::new(&*spec.id)?);
            if !answer.is_some_and(|answer| answer.contains(&expected)) {
                return Err(format!("{} gave {answer:?}", spec.id).into());
            }
        }
        Ok(())
    }
}

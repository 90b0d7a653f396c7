//! A part of a timeline: one task, one tool, or what came since.

use crate::timeline::{AgentLine, Step, Timeline};
use leadhand_protocol::Seq;

/// What of a timeline is wanted; all of it by default.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// Only this task.
    pub task: Option<String>,
    /// Only calls of this tool.
    pub tool: Option<String>,
    /// Only what began with this record or later.
    pub from: Seq,
}

impl Filter {
    /// Takes out of a timeline what is not wanted. What was spent stays as it is: it is that of
    /// the whole.
    pub fn keep(&self, timeline: &mut Timeline) {
        if *self == Self::default() {
            return;
        }
        let task = self.task.as_deref();
        let is_wanted = |id: Option<&str>| task.is_none() || id == task;
        timeline.tasks.retain(|own| is_wanted(Some(&own.id)));
        for own in &mut timeline.tasks {
            self.keep_steps(&mut own.agents);
        }
        if self.tool.is_some() || self.from > 0 {
            timeline.tasks.retain(|own| !own.agents.is_empty());
        }
        if task.is_some() {
            timeline.others.clear();
        }
        self.keep_steps(&mut timeline.others);
        let from = self.from;
        let of_tool = self.tool.is_some();
        timeline
            .notes
            .retain(|note| !of_tool && note.seq >= from && is_wanted(note.task.as_deref()));
    }

    fn keep_steps(&self, agents: &mut Vec<AgentLine>) {
        for agent in agents.iter_mut() {
            agent.steps.retain(|step| {
                let of_tool = match (&self.tool, step) {
                    (None, _) => true,
                    (Some(wanted), Step::Call { tool, .. }) => wanted == tool,
                    (Some(_), _) => false,
                };
                of_tool && step.seq() >= self.from
            });
        }
        if self.tool.is_some() || self.from > 0 {
            agents.retain(|agent| !agent.steps.is_empty());
        }
    }
}

//! The spans of a run while it goes on: each is there with the record that ends it.

use crate::span::{Content, Span, Spans};
use crate::timeline::{Step, Timeline};
use leadhand_protocol::{AgentId, Event, Record, RunId, RunTrace};
use std::collections::BTreeMap;

/// Takes the records of a run from its beginning on, and gives the spans that they end. Together
/// they are those of [`to_otlp`](crate::to_otlp), but for the span of a run that is gone on with,
/// which is given each time it stops.
#[derive(Debug)]
pub struct LiveSpans {
    timeline: Timeline,
    content: Content,
    trace: RunTrace,
    /// Steps of each agent at work that are not over, by their places.
    open: BTreeMap<AgentId, Vec<usize>>,
}

impl LiveSpans {
    /// For a run of which nothing is known yet.
    #[must_use]
    pub fn new(run: &RunId, content: Content) -> Self {
        Self {
            timeline: match content {
                Content::Left => Timeline::bare(run),
                Content::Sent => Timeline::new(run),
            },
            content,
            trace: RunTrace::new(run.as_str(), None),
            open: BTreeMap::new(),
        }
    }

    /// The trace that the spans are of.
    #[must_use]
    pub fn trace(&self) -> &RunTrace {
        &self.trace
    }

    /// Takes the next record.
    pub fn take(&mut self, record: &Record) -> Vec<Span> {
        self.timeline.take(record);
        match &*record.event {
            Event::RunStarted(_) => self.trace = self.timeline.trace(),
            Event::AgentStarted { agent, .. } => drop(self.open.insert(*agent, Vec::new())),
            Event::TurnStarted { agent, .. } => self.opened(*agent),
            Event::ToolCalled { call, .. } => self.opened(call.agent),
            Event::ModelReplied { agent, .. } | Event::ModelFailed { agent, .. } => {
                return self.over(*agent);
            }
            Event::ToolFinished { call, .. } => return self.over(call.agent),
            Event::AgentEnded { agent, .. } => return self.ended(*agent),
            Event::RunSuspended(_) => return vec![self.spans().run()],
            Event::RunEnded(_) => {
                let open: Vec<AgentId> = self.open.keys().copied().collect();
                let mut ended: Vec<Span> = open
                    .into_iter()
                    .flat_map(|agent| self.ended(agent))
                    .collect();
                ended.push(self.spans().run());
                return ended;
            }
            _ => {}
        }
        Vec::new()
    }

    fn spans(&self) -> Spans<'_> {
        Spans {
            timeline: &self.timeline,
            trace: &self.trace,
            content: self.content,
        }
    }

    /// The step that an agent began last is not over.
    fn opened(&mut self, agent: AgentId) {
        let line = self.timeline.agent_line(agent);
        let last = line.and_then(|(_, line)| line.steps.len().checked_sub(1));
        if let (Some(open), Some(last)) = (self.open.get_mut(&agent), last) {
            open.push(last);
        }
    }

    /// The spans of an agent's steps that are over now.
    fn over(&mut self, agent: AgentId) -> Vec<Span> {
        let Some((_, line)) = self.timeline.agent_line(agent) else {
            return Vec::new();
        };
        let steps = &line.steps;
        let is_over = |at: &mut usize| steps.get(*at).is_some_and(Step::is_over);
        let open = self.open.get_mut(&agent);
        let over: Vec<usize> =
            open.map_or_else(Vec::new, |open| open.extract_if(.., is_over).collect());
        let over = over.into_iter().filter_map(|at| steps.get(at));
        over.filter_map(|step| self.spans().step(line, step))
            .collect()
    }

    /// The span of an agent, after those of its steps that nothing ended.
    fn ended(&mut self, agent: AgentId) -> Vec<Span> {
        let open = self.open.remove(&agent).unwrap_or_default();
        let Some((task, line)) = self.timeline.agent_line(agent) else {
            return Vec::new();
        };
        let open = open.into_iter().filter_map(|at| line.steps.get(at));
        let mut ended: Vec<Span> = open
            .filter_map(|step| self.spans().step(line, step))
            .collect();
        ended.push(self.spans().agent(task, line));
        self.timeline.forget_steps(agent);
        ended
    }
}

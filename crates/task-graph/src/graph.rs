//! A sound plan and how far it has come: which tasks may start, in which order.

use leadhand_protocol::{Plan, Task, TaskId};
use petgraph::Direction;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::Topo;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// What a task is taken to last of which nothing is known, in milliseconds.
const UNKNOWN_MS: u64 = 1_000;

/// Where a task stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskState {
    /// A dependency is not done.
    Waiting,
    /// All dependencies are done.
    Ready,
    /// A worker has it.
    Running,
    /// It is done.
    Done,
    /// It failed for good.
    Failed,
}

#[derive(Debug, Clone)]
struct Node {
    state: TaskState,
    unmet: u32,
    /// Expected milliseconds from the start of this task to the end of the longest chain after
    /// it.
    path_ms: u64,
}

/// The place of a task among those that are ready: the longest path first, then the order of
/// the plan.
type Rank = (Reverse<u64>, usize);

/// The plan as a graph with the state of each task.
///
/// Ready tasks come in the order of their critical path, longest first, and among equals in
/// the order of the plan.
#[derive(Debug, Clone)]
pub struct TaskGraph {
    plan: Arc<Plan>,
    edges: DiGraph<(), ()>,
    nodes: Vec<Node>,
    index: HashMap<TaskId, usize>,
    ready: BTreeSet<Rank>,
    /// Ready tasks that are to be replaced by one task an item.
    templates: BTreeSet<Rank>,
    running: BTreeSet<usize>,
    failed: BTreeSet<usize>,
    open: usize,
    /// How long tasks last that have no estimate of their own, in milliseconds, by [`kind_of`].
    typical_ms: BTreeMap<String, u64>,
}

/// What tasks are alike that are taken to last alike: their role, or the tool that they call.
#[must_use]
pub fn kind_of(task: &Task) -> &str {
    let tool = task.call.as_ref().map(|call| call.tool.as_str());
    tool.unwrap_or(&task.role)
}

impl TaskGraph {
    /// Builds the graph of a plan in which [`crate::validate`] found no fault.
    ///
    /// # Panics
    /// When the plan has a dangling or circular dependency: it was not validated.
    #[must_use]
    pub fn new(plan: impl Into<Arc<Plan>>) -> Self {
        Self::build(plan.into(), BTreeMap::new())
            .expect("a plan is validated before its graph is built")
    }

    /// The same graph, its critical paths measured by how long tasks last that have no estimate
    /// of their own: in milliseconds, by [`kind_of`].
    pub fn weigh(&mut self, typical_ms: BTreeMap<String, u64>) {
        self.typical_ms = typical_ms;
        // The graph was in order when it was built, and its edges stay as they are.
        let _ = self.measure_paths();
        for set in [&mut self.ready, &mut self.templates] {
            *set = set
                .iter()
                .map(|(_, place)| (Reverse(self.nodes[*place].path_ms), *place))
                .collect();
        }
    }

    /// The graph of a plan; an error when a dependency is dangling or circular.
    fn build(plan: Arc<Plan>, typical_ms: BTreeMap<String, u64>) -> Result<Self, &'static str> {
        let index: HashMap<TaskId, usize> = plan
            .tasks
            .iter()
            .enumerate()
            .map(|(place, task)| (task.id.clone(), place))
            .collect();
        let mut edges = DiGraph::with_capacity(plan.tasks.len(), plan.tasks.len() * 2);
        for _ in &plan.tasks {
            edges.add_node(());
        }
        for (place, task) in plan.tasks.iter().enumerate() {
            for dependency in &task.depends_on {
                let from = index.get(dependency).ok_or("a dependency is dangling")?;
                edges.add_edge(NodeIndex::new(*from), NodeIndex::new(place), ());
            }
        }
        let nodes = plan
            .tasks
            .iter()
            .map(|task| Node {
                state: TaskState::Waiting,
                unmet: u32::try_from(task.depends_on.len()).unwrap_or(u32::MAX),
                path_ms: 0,
            })
            .collect();
        let open = plan.tasks.len();
        let mut graph = Self {
            plan,
            edges,
            nodes,
            index,
            ready: BTreeSet::new(),
            templates: BTreeSet::new(),
            running: BTreeSet::new(),
            failed: BTreeSet::new(),
            open,
            typical_ms,
        };
        graph.measure_paths()?;
        for place in 0..graph.nodes.len() {
            graph.settle(place);
        }
        Ok(graph)
    }

    fn measure_paths(&mut self) -> Result<(), &'static str> {
        let mut order = Vec::with_capacity(self.nodes.len());
        let mut walk = Topo::new(&self.edges);
        while let Some(node) = walk.next(&self.edges) {
            order.push(node);
        }
        if order.len() < self.nodes.len() {
            return Err("dependencies go round in a circle");
        }
        for node in order.into_iter().rev() {
            let after = self
                .edges
                .neighbors_directed(node, Direction::Outgoing)
                .map(|next| self.nodes[next.index()].path_ms)
                .max()
                .unwrap_or(0);
            let own = self.expected_ms(&self.plan.tasks[node.index()]);
            self.nodes[node.index()].path_ms = own.saturating_add(after);
        }
        Ok(())
    }

    fn expected_ms(&self, task: &Task) -> u64 {
        if task.estimate_seconds > 0 {
            return u64::from(task.estimate_seconds) * 1_000;
        }
        let typical = self.typical_ms.get(kind_of(task)).copied();
        typical.unwrap_or(UNKNOWN_MS).max(1)
    }

    fn settle(&mut self, place: usize) {
        let node = &mut self.nodes[place];
        if node.state == TaskState::Waiting && node.unmet == 0 {
            node.state = TaskState::Ready;
            let rank = (Reverse(node.path_ms), place);
            if self.plan.tasks[place].for_each.is_some() {
                self.templates.insert(rank);
            } else {
                self.ready.insert(rank);
            }
        }
    }

    /// The plan the graph was built from.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The task of this id.
    #[must_use]
    pub fn task(&self, id: &TaskId) -> Option<&Task> {
        self.index.get(id).map(|place| &self.plan.tasks[*place])
    }

    /// Where a task stands; `None` when it is not in the plan.
    #[must_use]
    pub fn state(&self, id: &TaskId) -> Option<TaskState> {
        self.index.get(id).map(|place| self.nodes[*place].state)
    }

    /// The plan, shared.
    #[must_use]
    pub fn shared_plan(&self) -> Arc<Plan> {
        Arc::clone(&self.plan)
    }

    /// The most urgent task that is to be replaced by one task an item, and can be by now.
    #[must_use]
    pub fn ready_template(&self) -> Option<&Task> {
        let (_, place) = self.templates.first()?;
        Some(&self.plan.tasks[*place])
    }

    /// Tasks that failed for good, in the order of the plan.
    pub fn failed(&self) -> impl Iterator<Item = &Task> {
        self.failed.iter().map(|place| &self.plan.tasks[*place])
    }

    /// How many tasks are done.
    #[must_use]
    pub fn done(&self) -> usize {
        self.nodes.len() - self.open - self.failed.len()
    }

    /// How many tasks workers have.
    #[must_use]
    pub fn running_count(&self) -> usize {
        self.running.len()
    }

    /// Tasks that may start now, most urgent first; none that is to be replaced.
    pub fn ready(&self) -> impl Iterator<Item = &Task> {
        self.ready.iter().map(|(_, place)| &self.plan.tasks[*place])
    }

    /// Tasks that workers have, in the order of the plan.
    pub fn running(&self) -> impl Iterator<Item = &Task> {
        self.running.iter().map(|place| &self.plan.tasks[*place])
    }

    /// How many tasks are neither done nor failed.
    #[must_use]
    pub fn open(&self) -> usize {
        self.open
    }

    /// Tasks that no other task depends on, in the order of the plan.
    pub fn sinks(&self) -> impl Iterator<Item = &Task> {
        let tasks = self.plan.tasks.iter().enumerate();
        tasks
            .filter(|(place, _)| {
                self.edges
                    .neighbors(NodeIndex::new(*place))
                    .next()
                    .is_none()
            })
            .map(|(_, task)| task)
    }

    /// A worker takes the task.
    pub fn start(&mut self, id: &TaskId) {
        if let Some(place) = self.index.get(id).copied() {
            let rank = (Reverse(self.nodes[place].path_ms), place);
            self.ready.remove(&rank);
            self.templates.remove(&rank);
            self.nodes[place].state = TaskState::Running;
            self.running.insert(place);
        }
    }

    /// A worker gives the task back, to be started again.
    pub fn give_back(&mut self, id: &TaskId) {
        if let Some(place) = self.index.get(id).copied()
            && self.nodes[place].state == TaskState::Running
        {
            self.running.remove(&place);
            self.nodes[place].state = TaskState::Waiting;
            self.settle(place);
        }
    }

    /// The task is done; tasks that waited only for it become ready.
    pub fn complete(&mut self, id: &TaskId) {
        let Some(place) = self.index.get(id).copied() else {
            return;
        };
        if matches!(self.nodes[place].state, TaskState::Done | TaskState::Failed) {
            return;
        }
        self.start(id);
        self.running.remove(&place);
        self.nodes[place].state = TaskState::Done;
        self.open -= 1;
        let followers: Vec<usize> = self
            .edges
            .neighbors(NodeIndex::new(place))
            .map(NodeIndex::index)
            .collect();
        for follower in followers {
            self.nodes[follower].unmet -= 1;
            self.settle(follower);
        }
    }

    /// The task failed for good; tasks that depend on it stay waiting.
    pub fn fail(&mut self, id: &TaskId) {
        let Some(place) = self.index.get(id).copied() else {
            return;
        };
        if !matches!(self.nodes[place].state, TaskState::Done | TaskState::Failed) {
            self.start(id);
            self.running.remove(&place);
            self.nodes[place].state = TaskState::Failed;
            self.failed.insert(place);
            self.open -= 1;
        }
    }
}

/// A graph is written as its plan and the states of the tasks, in the order of the plan.
#[derive(Serialize, Deserialize)]
struct Written<P, T> {
    plan: P,
    states: Vec<TaskState>,
    typical_ms: T,
}

impl Serialize for TaskGraph {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let states = self.nodes.iter().map(|node| node.state).collect();
        Written {
            plan: &self.plan,
            states,
            typical_ms: &self.typical_ms,
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for TaskGraph {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = Written::<Arc<Plan>, BTreeMap<String, u64>>::deserialize(deserializer)?;
        let Written {
            plan,
            states,
            typical_ms,
        } = written;
        if states.len() != plan.tasks.len() {
            return Err(de::Error::custom("the states are not those of the plan"));
        }
        let ids: Vec<TaskId> = plan.tasks.iter().map(|task| task.id.clone()).collect();
        let mut graph = Self::build(plan, typical_ms).map_err(de::Error::custom)?;
        // Those that are done first: they make others ready.
        for (id, state) in ids.iter().zip(&states) {
            match state {
                TaskState::Done => graph.complete(id),
                TaskState::Failed => graph.fail(id),
                TaskState::Waiting | TaskState::Ready | TaskState::Running => {}
            }
        }
        for (id, state) in ids.iter().zip(&states) {
            if *state == TaskState::Running {
                graph.start(id);
            }
        }
        Ok(graph)
    }
}

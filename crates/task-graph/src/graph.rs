//! A sound plan and how far it has come: which tasks may start, in which order.

use leadhand_protocol::{Plan, Task, TaskId};
use petgraph::Direction;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::Topo;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};

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
    unmet: usize,
    /// Expected seconds from the start of this task to the end of the longest chain after it.
    path_seconds: u64,
}

/// The plan as a graph with the state of each task.
///
/// Ready tasks come in the order of their critical path, longest first, and among equals in
/// the order of the plan.
#[derive(Debug, Clone)]
pub struct TaskGraph {
    plan: Plan,
    edges: DiGraph<(), ()>,
    nodes: Vec<Node>,
    index: HashMap<TaskId, usize>,
    ready: BTreeSet<(Reverse<u64>, usize)>,
    running: BTreeSet<usize>,
    open: usize,
}

impl TaskGraph {
    /// Builds the graph of a plan in which [`crate::validate`] found no fault.
    ///
    /// # Panics
    /// When the plan has a dangling or circular dependency: it was not validated.
    #[must_use]
    pub fn new(plan: Plan) -> Self {
        Self::build(plan).expect("a plan is validated before its graph is built")
    }

    /// The graph of a plan; an error when a dependency is dangling or circular.
    fn build(plan: Plan) -> Result<Self, &'static str> {
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
                unmet: task.depends_on.len(),
                path_seconds: 0,
            })
            .collect();
        let open = plan.tasks.len();
        let mut graph = Self {
            plan,
            edges,
            nodes,
            index,
            ready: BTreeSet::new(),
            running: BTreeSet::new(),
            open,
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
                .map(|next| self.nodes[next.index()].path_seconds)
                .max()
                .unwrap_or(0);
            let own = u64::from(self.plan.tasks[node.index()].estimate_seconds.max(1));
            self.nodes[node.index()].path_seconds = own.saturating_add(after);
        }
        Ok(())
    }

    fn settle(&mut self, place: usize) {
        let node = &mut self.nodes[place];
        if node.state == TaskState::Waiting && node.unmet == 0 {
            node.state = TaskState::Ready;
            self.ready.insert((Reverse(node.path_seconds), place));
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

    /// Tasks that may start now, most urgent first.
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

    /// Tasks of the plan in this state, in the order of the plan.
    pub fn in_state(&self, state: TaskState) -> impl Iterator<Item = &Task> {
        let nodes = self.nodes.iter().zip(&self.plan.tasks);
        nodes
            .filter(move |(node, _)| node.state == state)
            .map(|(_, task)| task)
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
            self.ready
                .remove(&(Reverse(self.nodes[place].path_seconds), place));
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
            self.open -= 1;
        }
    }
}

/// A graph is written as its plan and the states of the tasks, in the order of the plan.
#[derive(Serialize, Deserialize)]
struct Written<P> {
    plan: P,
    states: Vec<TaskState>,
}

impl Serialize for TaskGraph {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let states = self.nodes.iter().map(|node| node.state).collect();
        let plan = &self.plan;
        Written { plan, states }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for TaskGraph {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Written { plan, states } = Written::<Plan>::deserialize(deserializer)?;
        if states.len() != plan.tasks.len() {
            return Err(de::Error::custom("the states are not those of the plan"));
        }
        let ids: Vec<TaskId> = plan.tasks.iter().map(|task| task.id.clone()).collect();
        let mut graph = Self::build(plan).map_err(de::Error::custom)?;
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

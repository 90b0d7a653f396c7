//! Where the tasks of a plan are drawn: each in a column right of all that it waits for, in an
//! order within the column that keeps lines short.

use crate::timeline::Timeline;
use serde::Serialize;
use std::collections::BTreeMap;

/// How often the columns are put in order, each time by where the neighbours stand; more changes
/// little (Sugiyama's method, with the mean of neighbours as the measure).
const SWEEPS: usize = 4;

/// A layered drawing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Drawing {
    /// How many columns there are.
    pub columns: usize,
    /// How many rows the tallest column has.
    pub rows: usize,
    /// One for each task, in the order of the timeline's tasks.
    pub nodes: Vec<Node>,
    /// From which task to which, as places in `nodes`: the second waits for the first.
    pub edges: Vec<[usize; 2]>,
}

/// Where a task stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Node {
    /// Its column, from 0.
    pub column: usize,
    /// Its row within the column, from 0.
    pub row: usize,
}

impl Drawing {
    /// The drawing of a run's tasks. What waits for a task that is not there, or for itself by
    /// way of others, which no plan that was accepted has, stands as if it did not.
    #[must_use]
    pub fn of(timeline: &Timeline) -> Self {
        let tasks = &timeline.tasks;
        let by_id: BTreeMap<&str, usize> = tasks
            .iter()
            .enumerate()
            .map(|(at, task)| (task.id.as_str(), at))
            .collect();
        let waits = tasks.iter().enumerate().flat_map(|(to, task)| {
            let known = task.depends_on.iter();
            let known = known.filter_map(|id| by_id.get(id.as_str()));
            known.map(move |from| [*from, to])
        });
        let mut edges: Vec<[usize; 2]> = waits.collect();
        edges.sort_unstable();
        edges.dedup();
        let columns = layers(tasks.len(), &edges);
        let mut layered: Vec<Vec<usize>> = Vec::new();
        for (task, column) in columns.iter().enumerate() {
            if layered.len() <= *column {
                layered.resize(column + 1, Vec::new());
            }
            layered[*column].push(task);
        }
        order(&mut layered, &edges, tasks.len());
        let mut nodes = vec![Node { column: 0, row: 0 }; tasks.len()];
        for (column, layer) in layered.iter().enumerate() {
            for (row, task) in layer.iter().enumerate() {
                nodes[*task] = Node { column, row };
            }
        }
        Self {
            columns: layered.len(),
            rows: layered.iter().map(Vec::len).max().unwrap_or_default(),
            nodes,
            edges,
        }
    }
}

/// The longest way from a task that waits for nothing, for each task.
fn layers(tasks: usize, edges: &[[usize; 2]]) -> Vec<usize> {
    let mut waits_for = vec![0_usize; tasks];
    let mut next: Vec<Vec<usize>> = vec![Vec::new(); tasks];
    for [from, to] in edges {
        waits_for[*to] += 1;
        next[*from].push(*to);
    }
    let mut layer = vec![0; tasks];
    let mut ready: Vec<usize> = (0..tasks).filter(|task| waits_for[*task] == 0).collect();
    while let Some(from) = ready.pop() {
        for to in &next[from] {
            layer[*to] = layer[*to].max(layer[from] + 1);
            waits_for[*to] -= 1;
            if waits_for[*to] == 0 {
                ready.push(*to);
            }
        }
    }
    layer
}

fn order(layered: &mut [Vec<usize>], edges: &[[usize; 2]], tasks: usize) {
    let (mut before, mut after) = (vec![Vec::new(); tasks], vec![Vec::new(); tasks]);
    for [from, to] in edges {
        after[*from].push(*to);
        before[*to].push(*from);
    }
    let mut row = vec![0; tasks];
    for layer in layered.iter() {
        place(&mut row, layer);
    }
    for sweep in 0..SWEEPS {
        let forward = sweep % 2 == 0;
        let neighbours = if forward { &before } else { &after };
        let mut turn: Vec<usize> = (0..layered.len()).collect();
        if !forward {
            turn.reverse();
        }
        for at in turn {
            // In thousandths of a row, so that it is the same on all machines.
            layered[at].sort_by_key(|task| {
                let near = &neighbours[*task];
                let sum: usize = near.iter().map(|near| row[*near] * 1_000).sum();
                sum.checked_div(near.len()).unwrap_or(row[*task] * 1_000)
            });
            place(&mut row, &layered[at]);
        }
    }
}

fn place(row: &mut [usize], layer: &[usize]) {
    for (at, task) in layer.iter().enumerate() {
        row[*task] = at;
    }
}

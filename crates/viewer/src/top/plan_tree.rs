//! The task graph as an indented tree: each task below the one of those it waits for that comes
//! last, and beside it the others. It is made when the plan changes, not when it is drawn.

use leadhand_inspector::{TaskLine, Timeline};
use std::collections::{BTreeMap, VecDeque};

/// A row: a task, or an agent that works for the whole run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RowKey {
    /// Its place among the tasks of the timeline.
    Task(usize),
    /// Its place among the other agents.
    Other(usize),
}

/// One row of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TreeRow {
    pub(super) key: RowKey,
    /// How many tasks it stands below.
    pub(super) depth: usize,
    /// What it waits for beside the task it stands below.
    pub(super) also_after: Vec<usize>,
}

/// All rows: agents that worked before there were tasks, the tasks, the other agents.
pub(super) fn rows(timeline: &Timeline) -> Vec<TreeRow> {
    let other = |at| TreeRow {
        key: RowKey::Other(at),
        depth: 0,
        also_after: Vec::new(),
    };
    let began = timeline.tasks.iter().filter_map(|task| task.began_ms).min();
    let is_before = |at: usize| began.is_none_or(|began| timeline.others[at].began_ms < began);
    let (before, after): (Vec<usize>, Vec<usize>) =
        (0..timeline.others.len()).partition(|at| is_before(*at));
    let mut rows: Vec<TreeRow> = before.into_iter().map(other).collect();
    rows.extend(tree(&timeline.tasks));
    rows.extend(after.into_iter().map(other));
    rows
}

fn tree(tasks: &[TaskLine]) -> Vec<TreeRow> {
    let places: BTreeMap<&str, usize> = (0..)
        .zip(tasks)
        .map(|(at, task)| (task.id.as_str(), at))
        .collect();
    let after: Vec<Vec<usize>> = tasks
        .iter()
        .map(|task| {
            let known = task.depends_on.iter();
            known
                .filter_map(|id| places.get(id.as_str()).copied())
                .collect()
        })
        .collect();
    let layers = layers(&after);
    let mut below: Vec<Vec<usize>> = vec![Vec::new(); tasks.len()];
    let mut roots = Vec::new();
    let mut above = vec![None; tasks.len()];
    for (at, after) in after.iter().enumerate() {
        // What a damaged journal has wait in a circle stands by itself.
        let last = after
            .iter()
            .copied()
            .filter(|before| layers[*before] < layers[at])
            .max_by_key(|before| layers[*before]);
        above[at] = last;
        match last {
            Some(last) => below[last].push(at),
            None => roots.push(at),
        }
    }
    let mut rows = Vec::with_capacity(tasks.len());
    let mut left: Vec<(usize, usize)> = roots.into_iter().rev().map(|at| (at, 0)).collect();
    while let Some((at, depth)) = left.pop() {
        let also = after[at].iter().copied();
        rows.push(TreeRow {
            key: RowKey::Task(at),
            depth,
            also_after: also.filter(|before| Some(*before) != above[at]).collect(),
        });
        left.extend(below[at].iter().rev().map(|below| (*below, depth + 1)));
    }
    rows
}

/// How many tasks come before each, along the longest way.
fn layers(after: &[Vec<usize>]) -> Vec<usize> {
    let mut waits: Vec<usize> = after.iter().map(Vec::len).collect();
    let mut next: Vec<Vec<usize>> = vec![Vec::new(); after.len()];
    for (at, before) in after.iter().enumerate() {
        before.iter().for_each(|before| next[*before].push(at));
    }
    let mut layers = vec![0; after.len()];
    let mut free: VecDeque<usize> = (0..after.len()).filter(|at| waits[*at] == 0).collect();
    while let Some(at) = free.pop_front() {
        for later in &next[at] {
            layers[*later] = layers[*later].max(layers[at] + 1);
            waits[*later] -= 1;
            if waits[*later] == 0 {
                free.push_back(*later);
            }
        }
    }
    layers
}

#[cfg(test)]
mod tests {
    use super::*;
    use leadhand_protocol::TaskId;

    fn tasks(of: &[(&str, &[&str])]) -> Vec<TaskLine> {
        let task = |(id, after): &(&str, &[&str])| TaskLine {
            id: (*id).to_owned(),
            depends_on: after.iter().map(|id| TaskId::new(*id).unwrap()).collect(),
            ..TaskLine::default()
        };
        of.iter().map(task).collect()
    }

    fn drawn(of: &[(&str, &[&str])]) -> Vec<String> {
        let tasks = tasks(of);
        let row = |row: &TreeRow| {
            let RowKey::Task(at) = row.key else {
                return String::new();
            };
            let also: Vec<&str> = row
                .also_after
                .iter()
                .map(|at| tasks[*at].id.as_str())
                .collect();
            let indent = " ".repeat(row.depth);
            format!("{indent}{} {}", tasks[at].id, also.join(","))
                .trim_end()
                .to_owned()
        };
        tree(&tasks).iter().map(row).collect()
    }

    #[test]
    fn each_task_stands_below_the_last_that_it_waits_for() {
        let of: [(&str, &[&str]); 5] = [
            ("a", &[]),
            ("b", &["a"]),
            ("c", &["a"]),
            ("d", &["a", "b", "c"]),
            ("e", &[]),
        ];
        assert_eq!(drawn(&of), ["a", " b", " c", "  d a,b", "e"]);
    }

    #[test]
    fn what_is_planned_before_what_it_waits_for_or_in_a_circle_is_shown_all_the_same() {
        assert_eq!(drawn(&[("b", &["a"]), ("a", &[])]), ["a", " b"]);
        assert_eq!(
            drawn(&[("a", &["b"]), ("b", &["a"]), ("c", &["z"])]).len(),
            3
        );
    }

    #[test]
    fn a_chain_of_thousands_is_no_trouble() {
        let ids: Vec<String> = (0..3_000).map(|at| format!("t{at}")).collect();
        let chain = ids.iter().enumerate().map(|(at, id)| TaskLine {
            id: id.clone(),
            depends_on: (at > 0)
                .then(|| TaskId::new(&*ids[at - 1]).unwrap())
                .into_iter()
                .collect(),
            ..TaskLine::default()
        });
        let rows = tree(&chain.collect::<Vec<_>>());
        assert_eq!(rows.last().map(|row| row.depth), Some(2_999));
    }
}

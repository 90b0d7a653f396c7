//! Task graphs as they are drawn, also those that no plan would have.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use leadhand_inspector::{Drawing, Timeline, graph};
use leadhand_protocol::{Event, Plan, Record, RunId, Task, TaskId};
use proptest::prelude::*;
use std::sync::Arc;

/// A run whose plan has these tasks, each with the numbers of those that it waits for.
fn planned(waits: &[Vec<usize>], title: &str) -> Timeline {
    let id = |task: usize| TaskId::new(format!("t{task}")).unwrap();
    let tasks = waits.iter().enumerate().map(|(at, before)| {
        let mut task = Task::new(id(at), "writer", title);
        task.depends_on = before.iter().map(|before| id(*before)).collect();
        task
    });
    let plan = Plan {
        tasks: tasks.collect(),
        ..Plan::default()
    };
    let accepted = Event::PlanAccepted {
        revision: 0,
        plan: Some(Arc::new(plan)),
    };
    let record = Record {
        seq: 0,
        at_ms: 0,
        event: Arc::new(accepted),
    };
    Timeline::of(&RunId::new("r").unwrap(), &[record])
}

#[test]
fn a_task_stands_below_the_one_furthest_along() {
    let timeline = planned(&[vec![], vec![0], vec![0, 1], vec![]], "Write");
    let expected = "· t0 [writer] Write: waiting\n\
        ├─ · t1 [writer] Write: waiting\n\
        │  └─ · t2 [writer] Write: waiting\n\
        └─ ↳ t2\n\
        · t3 [writer] Write: waiting\n";
    assert_eq!(graph::to_tree(&timeline), expected);
}

#[test]
fn what_a_model_wrote_stays_text() {
    let timeline = planned(
        &[vec![]],
        "a\"]; <script>alert('1')</script> & \u{1b}[31m\\",
    );
    let svg = graph::to_svg(&timeline);
    assert!(!svg.contains("<script"), "{svg}");
    assert!(svg.contains("&lt;script&gt;alert(&#39;1&#39;)"), "{svg}");
    let dot = graph::to_dot(&timeline);
    assert!(dot.contains("a\\\"]; <script>"), "{dot}");
    for text in [svg, dot, graph::to_tree(&timeline)] {
        assert!(!text.contains('\u{1b}'), "{text}");
    }
}

proptest! {
    /// Whatever waits for whatever, cycles and unknown tasks among it: each task has a place of
    /// its own, stands right of what it waits for where there is no cycle, and is drawn.
    #[test]
    fn every_task_has_its_place(
        waits in prop::collection::vec(prop::collection::vec(0_usize..24, 0..4), 0..20),
        has_cycles: bool,
    ) {
        let mut waits = waits;
        if !has_cycles {
            for (at, before) in waits.iter_mut().enumerate() {
                before.retain(|before| *before < at);
            }
        }
        let timeline = planned(&waits, "Write");
        let drawing = Drawing::of(&timeline);
        let mut places: Vec<_> = drawing.nodes.iter().map(|node| (node.column, node.row)).collect();
        places.sort_unstable();
        places.dedup();
        prop_assert_eq!(places.len(), waits.len());
        prop_assert!(drawing.nodes.iter().all(|node| node.column < drawing.columns && node.row < drawing.rows));
        for [from, to] in drawing.edges.iter().filter(|_| !has_cycles) {
            prop_assert!(drawing.nodes[*from].column < drawing.nodes[*to].column);
        }
        let tree = graph::to_tree(&timeline);
        let whole = tree.lines().filter(|line| line.contains("[writer]")).count();
        prop_assert_eq!(whole, waits.len(), "{}", tree);
        let boxes = graph::to_svg(&timeline).matches("<g>").count();
        prop_assert_eq!(boxes, waits.len());
    }
}

//! Plans as text tables: one line a task, `id role <- dependencies`, and what comes of them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use leadhand_protocol::{ForEach, Limits, Lock, Plan, Task, TaskId};
use leadhand_task_graph::{Known, TaskGraph, TaskState, expand, revise, validate};
use std::collections::BTreeSet;

fn id(text: &str) -> TaskId {
    TaskId::new(text).unwrap()
}

fn plan(table: &str) -> Plan {
    let tasks = table
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(|line| {
            let (head, dependencies) = line.split_once("<-").unwrap_or((line, ""));
            let (name, role) = head.trim().split_once(' ').unwrap();
            let mut task = Task::new(id(name), role.trim(), "Do it.");
            task.depends_on = dependencies.split_whitespace().map(id).collect();
            task
        });
    Plan {
        tasks: tasks.collect(),
        answer: None,
    }
}

fn known() -> Known<'static> {
    Known {
        roles: BTreeSet::from(["writer", "coder"]),
        tools: BTreeSet::from(["write_file"]),
    }
}

fn faults(plan: &Plan) -> String {
    let faults = validate(plan, &known(), &Limits::default());
    faults
        .iter()
        .map(|fault| format!("{}: {}\n", fault.at, fault.message))
        .collect()
}

fn check(table: &str, expected: &str) {
    let expected: String = expected
        .lines()
        .map(str::trim)
        .filter(|l| !l.is_empty())
        .map(|l| format!("{l}\n"))
        .collect();
    assert_eq!(faults(&plan(table)), expected, "for the plan\n{table}");
}

#[test]
fn every_fault_is_named_at_once() {
    check("a writer\nb coder <- a", "");
    check("", "plan: has no tasks: give at least one");
    check(
        "a writer <- b\nb writer <- c\nc poet <- a d\nc writer <- c",
        "c: stands twice: give every task its own id
         c: has the role `poet`, which does not exist; roles: coder, writer
         c: depends on `d`, which is not in the plan
         c: depends on itself",
    );
    check(
        "a writer <- b\nb writer <- a",
        "a: is part of a circle of dependencies: a, b",
    );
    // In the same order each time, since a run is derived again and compared.
    for _ in 0..32 {
        check(
            "r writer\na writer <- r b\nb writer <- a\nc writer <- r d\nd writer <- c",
            "a: is part of a circle of dependencies: a, b
             c: is part of a circle of dependencies: c, d",
        );
    }
}

#[test]
fn paths_must_stay_in_the_workspace() {
    for path in [
        "/etc/passwd",
        "../x",
        "a/../../x",
        "C:/x",
        "\\\\server",
        "a\0b",
        "",
    ] {
        let mut plan = plan("a writer");
        plan.tasks[0].output_file = Some(path.to_owned());
        assert!(!faults(&plan).is_empty(), "{path:?} was accepted");
    }
    let mut plan = plan("a writer");
    plan.tasks[0].output_file = Some("docs/..x/ok.md".to_owned());
    assert_eq!(faults(&plan), "");
}

#[test]
fn locks_have_names_that_tell_them_apart() {
    let check = |names: &[&str], expected: &str| {
        let mut plan = plan("a writer");
        plan.tasks[0].locks = names
            .iter()
            .map(|name| Lock {
                name: (*name).to_owned(),
                shared: false,
            })
            .collect();
        let found = faults(&plan);
        let holds = found.contains(expected) && found.is_empty() == expected.is_empty();
        assert!(holds, "{names:?}: {found}");
    };
    check(&["the printer", "src/main.rs"], "");
    check(&[""], "a: wants a lock");
    check(&["a\u{200b}b"], "a: wants a lock");
    check(&["db", "db"], "a: names the lock `db` twice");
    let many: Vec<String> = (0..65).map(|it| it.to_string()).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    check(&many, "a: names 65 locks and 64 are allowed");
}

#[test]
fn a_long_chain_takes_no_stack() {
    let mut text = String::from("t0 writer");
    for place in 1..100_000 {
        text += &format!("\nt{place} writer <- t{}", place - 1);
    }
    let mut plan = plan(&text);
    let limits = Limits {
        tasks_max: plan.tasks.len(),
        ..Limits::default()
    };
    assert_eq!(validate(&plan, &known(), &limits), []);
    plan.tasks[0].depends_on.push(id("t99999"));
    let found = validate(&plan, &known(), &limits);
    assert!(found[0].message.starts_with("is part of a circle"));
}

#[test]
fn a_file_has_one_writer_or_each_builds_on_the_one_before() {
    let writing = |table: &str| {
        let mut plan = plan(table);
        for task in plan.tasks.iter_mut().filter(|task| task.id != id("m")) {
            task.output_file = Some("out.md".to_owned());
        }
        faults(&plan)
    };
    assert_eq!(
        writing("a writer\nb writer"),
        "b: writes its output to `out.md`, as `a` does: one would be lost\n"
    );
    assert_eq!(writing("a writer\nm writer <- a\nb writer <- m"), "");
}

fn ready(graph: &TaskGraph) -> Vec<&str> {
    graph.ready().map(|task| task.id.as_str()).collect()
}

#[test]
fn the_longest_path_goes_first_and_done_tasks_free_the_next() {
    let mut graph = TaskGraph::new(plan("a writer\nb writer\nc writer <- b\nd writer <- a c"));
    assert_eq!(ready(&graph), ["b", "a"]);
    graph.start(&id("b"));
    graph.complete(&id("b"));
    assert_eq!(ready(&graph), ["a", "c"]);
    graph.fail(&id("a"));
    graph.complete(&id("c"));
    assert_eq!(ready(&graph), Vec::<&str>::new());
    assert_eq!(graph.state(&id("d")), Some(TaskState::Waiting));
    assert_eq!(graph.open(), 1);
}

#[test]
fn a_revision_keeps_what_is_done_and_must_change_something() {
    let current = plan("a writer\nb writer <- a");
    let done = BTreeSet::from([id("a")]);
    let same = revise(&current, &done, plan("b writer <- a"));
    assert_eq!(
        same.unwrap_err().to_string().split(':').next(),
        Some("the revision changes nothing")
    );
    let other = revise(&current, &done, plan("b coder <- a")).unwrap();
    assert_eq!(faults(&other), "");
    assert_eq!(other.tasks.len(), 2);
    assert!(revise(&current, &done, plan("a coder\nb coder <- a")).is_err());
}

#[test]
fn a_template_becomes_one_task_an_item() {
    let mut template = plan("list writer\neach writer <- list\nend writer <- each");
    template.tasks[1].for_each = Some(ForEach {
        items_of: id("list"),
        items_max: 2,
    });
    let expanded = expand(&template, &id("each"), &["x".to_owned(), "y".to_owned()]).unwrap();
    let ids: Vec<&str> = expanded.tasks.iter().map(|task| task.id.as_str()).collect();
    assert_eq!(ids, ["list", "each-1", "each-2", "end"]);
    assert_eq!(expanded.tasks[3].depends_on, [id("each-1"), id("each-2")]);
    assert_eq!(faults(&expanded), "");
    assert!(expand(&template, &id("each"), &vec!["x".to_owned(); 3]).is_err());
}

#[test]
fn a_hundred_thousand_tasks_are_carried_out_in_order() {
    let mut tasks = Vec::new();
    for place in 0..100_000_u32 {
        let mut task = Task::new(id(&format!("t{place}")), "writer", "Do it.");
        if place > 0 {
            task.depends_on.push(id(&format!("t{}", place / 2)));
        }
        tasks.push(task);
    }
    let mut graph = TaskGraph::new(Plan {
        tasks,
        answer: None,
    });
    let mut done = 0;
    let first = |graph: &TaskGraph| graph.ready().next().map(|task| task.id.clone());
    while let Some(next) = first(&graph) {
        graph.complete(&next);
        done += 1;
    }
    assert_eq!((done, graph.open()), (100_000, 0));
}

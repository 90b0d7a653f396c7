//! Grants that are handed down, and what a call is kept from.

use crate::case::{grants, task};
use leadhand_policy::{
    Policy, attenuate, built_in_rules, parse_rules, root_grants, task_grants, workspace_grants,
};
use leadhand_protocol::{Capability, Role};

#[test]
fn a_task_changes_only_what_it_declares() {
    let run = workspace_grants();
    let mut task = task(|task| {
        task.writes = vec!["src/**".to_owned()];
        task.output_file = Some("out[1].md".to_owned());
    });
    let read = (Capability::FsRead, "**");
    assert_eq!(
        task_grants(&run, &Role::default(), &task),
        grants(&[
            read,
            (Capability::FsWrite, "src/**"),
            (Capability::FsWrite, "out\\[1\\].md")
        ])
    );
    let role = Role {
        grants: Some(grants(&[
            (Capability::FsRead, "src/**"),
            (Capability::FsWrite, "**/*.rs"),
        ])),
        ..Role::default()
    };
    assert_eq!(
        task_grants(&run, &role, &task),
        grants(&[
            (Capability::FsRead, "src/**"),
            (Capability::FsWrite, "src/**/*.rs")
        ])
    );
    let nothing = Role {
        grants: Some(Vec::new()),
        ..Role::default()
    };
    assert_eq!(task_grants(&run, &nothing, &task), []);
    task.writes.clear();
    task.output_file = None;
    assert_eq!(task_grants(&run, &Role::default(), &task), grants(&[read]));
}

#[test]
fn what_is_closed_is_told_to_whoever_carries_out_the_call() {
    let rules = r#"
        [[rules]]
        decision = "deny"
        capability = "fs.read"
        resource = "secret/**"
        tool = "search_*"
        [[rules]]
        decision = "deny"
        resource = "POST https://*.example.org"
        task = "t1"
        [[rules]]
        decision = "deny"
        resource = "AWS_*"
        until = 2026-12-31
    "#;
    let policy =
        Policy::new(&parse_rules("p.toml", rules).expect("it can be read")).expect("it is sound");
    let url = "POST https://*.example.org";
    let name = "AWS_*";
    let check = |tool: &str, task: &str, now_ms, expected: &[(Capability, &str)]| {
        let found = policy.closed(tool, "coder", task, now_ms);
        assert_eq!(found, grants(expected), "{tool} {task} {now_ms}");
    };
    let after = 1_798_675_200_000;
    check(
        "search_files",
        "",
        after,
        &[(Capability::FsRead, "secret/**")],
    );
    check("read_file", "", after, &[]);
    let net = [(Capability::Net, url), (Capability::NetInternal, url)];
    check("read_file", "t1", after, &net);
    let names = [
        (Capability::FsRead, name),
        (Capability::FsWrite, name),
        (Capability::Env, name),
        (Capability::Secret, name),
        (Capability::Spawn, name),
        (Capability::Model, name),
        (Capability::Delegate, name),
        (Capability::Memory, name),
        (Capability::Clock, name),
        (Capability::Random, name),
    ];
    check("read_file", "", after - 1, &names);
}

#[test]
fn a_run_may_touch_what_its_rules_allow_or_ask_about() {
    let rules = r#"
        [[rules]]
        decision = "allow"
        capability = "net"
        resource = "https://a.example"
        [[rules]]
        decision = "ask"
        resource = "http://localhost:*"
        [[rules]]
        decision = "deny"
        capability = "secret"
        resource = "KEY"
    "#;
    let mut all = built_in_rules();
    let of_built_in = [
        (Capability::FsRead, "**"),
        (Capability::FsWrite, "**"),
        (Capability::Clock, "**"),
        (Capability::Net, "**"),
    ];
    assert_eq!(root_grants(&all), grants(&of_built_in));
    all.extend(parse_rules("p.toml", rules).expect("it can be read"));
    let internal = [(Capability::NetInternal, "http://localhost:*")];
    assert_eq!(
        root_grants(&all),
        grants(&[&of_built_in[..], &internal].concat())
    );
    let only_own = parse_rules("p.toml", rules).expect("it can be read");
    assert_eq!(
        root_grants(&only_own),
        grants(&[
            (Capability::FsRead, "**"),
            (Capability::FsWrite, "**"),
            (Capability::Net, "https://a.example"),
            (Capability::Net, "http://localhost:*"),
            (Capability::NetInternal, "http://localhost:*"),
        ])
    );
}

#[test]
fn grants_of_every_capability_meet() {
    let parent = grants(&[
        (Capability::Net, "GET,POST https://*.example.org"),
        (Capability::NetInternal, "http://127.0.0.1:8080"),
        (Capability::Secret, "{A,B}_*"),
        (Capability::Env, "**"),
        (Capability::Clock, "**"),
    ]);
    let child = grants(&[
        (Capability::Net, "GET *://api.example.org:443/docs/**"),
        (Capability::Net, "http://127.0.0.1:8080"),
        (Capability::NetInternal, "**"),
        (Capability::Secret, "*_KEY"),
        (Capability::Env, "LANG"),
        (Capability::Env, ""),
        (Capability::Random, "**"),
    ]);
    assert_eq!(
        attenuate(&parent, &child),
        grants(&[
            (Capability::Net, "GET https://api.example.org/docs/**"),
            (Capability::NetInternal, "http://127.0.0.1:8080"),
            (Capability::Secret, "A_KEY"),
            (Capability::Secret, "A_*_KEY"),
            (Capability::Secret, "B_KEY"),
            (Capability::Secret, "B_*_KEY"),
            (Capability::Env, "LANG"),
        ])
    );
}

//! Grants and rules over the resources of a call.

use crate::case::{Case, check, fetch, grants, native, read_file, tool, write_file};
use leadhand_protocol::{Autonomy, Capability, Effect};
use serde_json::json;
use std::sync::Arc;

#[test]
fn the_workspace_is_open_as_far_as_grants_go() {
    let reads = |path: &str| Case::of(read_file(), json!({ "path": path }));
    check(
        &reads("docs/a.md"),
        "Allow: the rule `allow fs.read **` (built in) covers fs.read on `docs/a.md`",
    );
    check(
        &reads("./docs//a.md/"),
        "Allow: the rule `allow fs.read **` (built in) covers fs.read on `docs/a.md`",
    );
    let docs_only = grants(&[(Capability::FsRead, "docs/**")]);
    check(
        &Case {
            grants: docs_only.clone(),
            ..reads("src/a.rs")
        },
        "Deny: no grant of this agent covers fs.read on `src/a.rs`; it has fs.read on `docs/**`",
    );
    check(
        &Case {
            grants: docs_only,
            ..Case::of(write_file(), json!({"path": "docs/a.md"}))
        },
        "Deny: no grant of this agent covers fs.write on `docs/a.md`; it has none for fs.write",
    );
}

#[test]
fn paths_out_of_the_workspace_are_denied() {
    for (path, expected) in [
        (
            "/etc/passwd",
            "Deny: the path `/etc/passwd` is absolute; write it from the top of the workspace, without `/` in front",
        ),
        (
            "docs/../../x",
            "Deny: the path `docs/../../x` has `..`; write it from the top of the workspace",
        ),
        (
            "..\\x",
            "Deny: the path `..\\\\x` has a `\\`; separate folders with `/`",
        ),
        (
            "a\0b",
            "Deny: the path `a\\0b` has a character that cannot be seen",
        ),
        (
            ".g\u{200c}it/config",
            "Deny: the path `.g\\u{200c}it/config` has a character that cannot be seen",
        ),
    ] {
        check(&Case::of(read_file(), json!({ "path": path })), expected);
    }
    let odd = [
        (
            json!({"path": 1}),
            "the argument `path` of `read_file` must be a text",
        ),
        (
            json!("docs"),
            "the arguments of `read_file` must be a JSON object",
        ),
    ];
    for (arguments, expected) in odd {
        check(
            &Case::of(read_file(), arguments),
            &format!("Deny: {expected}"),
        );
    }
}

#[test]
fn version_control_and_the_runs_own_files_stay_closed() {
    for (path, rule) in [
        (".git/config", "**/.git/**"),
        ("sub/.GIT", "**/.git/**"),
        (".leadhand/runs/1", "**/.leadhand/**"),
    ] {
        let expected =
            format!("Deny: the rule `deny {rule}` (built in) covers fs.write on `{path}`");
        check(
            &Case {
                autonomy: Autonomy::L5,
                ..Case::of(write_file(), json!({ "path": path }))
            },
            &expected,
        );
    }
    check(
        &Case::of(write_file(), json!({"path": ".gitignore"})),
        "Allow: the rule `allow fs.write **` (built in) covers fs.write on `.gitignore`",
    );
}

#[test]
fn the_worst_of_several_resources_decides() {
    let copy = || {
        tool(
            "copy",
            Effect::Idempotent,
            &[
                (Capability::FsRead, Some("from")),
                (Capability::FsWrite, Some("to")),
            ],
        )
    };
    check(
        &Case::of(copy(), json!({"from": "a", "to": ".git/a"})),
        "Deny: the rule `deny **/.git/**` (built in) covers fs.write on `.git/a`",
    );
    check(
        &Case::of(copy(), json!({"from": ["a", ".git/b"], "to": "c"})),
        "Deny: the rule `deny **/.git/**` (built in) covers fs.read on `.git/b`",
    );
}

#[test]
fn an_argument_that_is_left_out_counts_as_its_default() {
    let mut run = tool(
        "run",
        Effect::Idempotent,
        &[(Capability::Net, Some("urls"))],
    );
    let denied = "Deny: no grant of this agent covers net on `**`; it has none for net";
    check(&Case::of(run.clone(), json!({})), denied);
    run.arguments = Arc::new(json!({"type": "object", "properties": {"urls": {"default": []}}}));
    let nothing = "Allow: `run` asks for no capability, so it needs no rule";
    for arguments in [json!({}), json!({"urls": null}), json!({"urls": []})] {
        check(&Case::of(run.clone(), arguments), nothing);
    }
}

#[test]
fn the_question_that_comes_with_a_tool_gives_way_to_an_allow() {
    let case = |rules, url: &str| Case {
        rules,
        ..Case::of(fetch(), json!({ "url": url })).granted(&[(Capability::Net, "**")])
    };
    let allow = "[[rules]]\ndecision = \"allow\"\ncapability = \"net\"\nresource = \"https://docs.example/**\"\n";
    let asked = "Ask: the rule `ask net ** by tool {fetch,send_request} unless allowed` (built in) covers net on `https://other.example/`";
    check(
        &case(allow, "https://docs.example/a"),
        "Allow: the rule `allow net https://docs.example/**` (p.toml:1) covers net on `https://docs.example/a`",
    );
    check(&case(allow, "https://other.example/"), asked);
    let ask = format!("{allow}\n[[rules]]\ndecision = \"ask\"\ncapability = \"net\"\n");
    check(
        &case(&ask, "https://docs.example/a"),
        "Ask: the rule `ask net` (p.toml:6) covers net on `https://docs.example/a`",
    );
}

#[test]
fn deny_wins_over_ask_and_ask_over_allow() {
    let rules = "[[rules]]\ndecision = \"ask\"\ntool = \"*_file\"\nresource = \"*.toml\"\n\n[[rules]]\ndecision = \"deny\"\nrole = \"cod*\"\ncapability = \"fs.write\"\nresource = \"{Cargo,deny}.toml\"\n";
    let case = |tool, path: &str| Case {
        rules,
        ..Case::of(tool, json!({ "path": path }))
    };
    check(
        &case(read_file(), "Cargo.toml"),
        "Ask: the rule `ask *.toml by tool *_file` (p.toml:1) covers fs.read on `Cargo.toml`",
    );
    check(
        &case(write_file(), "CARGO.toml"),
        "Deny: the rule `deny fs.write {Cargo,deny}.toml for role cod*` (p.toml:6) covers fs.write on `CARGO.toml`",
    );
    check(
        &Case {
            autonomy: Autonomy::L5,
            ..case(read_file(), "x.toml")
        },
        "Allow: autonomy L5 asks nobody; otherwise the rule `ask *.toml by tool *_file` (p.toml:1) covers fs.read on `x.toml`",
    );
}

#[test]
fn what_no_rule_allows_is_denied() {
    let get = || tool("get", Effect::Pure, &[(Capability::Net, Some("url"))]);
    let granted = grants(&[(Capability::Net, "**")]);
    let case = |rules, url: &str| Case {
        rules,
        grants: granted.clone(),
        ..Case::of(get(), json!({ "url": url }))
    };
    check(
        &case("", "https://a.example/"),
        "Deny: no rule allows net on `https://a.example/`",
    );
    let rules =
        "[[rules]]\ndecision = \"allow\"\ncapability = \"net\"\nresource = \"https://a.example/\"";
    check(
        &case(rules, "https://a.example/"),
        "Allow: the rule `allow net https://a.example/` (p.toml:1) covers net on `https://a.example/`",
    );
    check(
        &case(rules, "https://a.example/@evil"),
        "Deny: no rule allows net on `https://a.example/@evil`",
    );
    let calculate = tool("calculate", Effect::Pure, &[]);
    check(
        &Case::of(calculate, json!({})),
        "Allow: `calculate` asks for no capability, so it needs no rule",
    );
}

#[test]
fn a_sandboxed_tool_may_look_round_and_a_native_one_may_not() {
    let search = || {
        tool(
            "search",
            Effect::Pure,
            &[(Capability::FsRead, Some("path"))],
        )
    };
    let docs_only = grants(&[(Capability::FsRead, "docs/**")]);
    let case = |tool, path| Case {
        grants: docs_only.clone(),
        ..Case::of(tool, json!({ "path": path }))
    };
    check(
        &case(search(), json!(null)),
        "Allow: the rule `allow fs.read **` (built in) covers fs.read on `.`",
    );
    check(
        &case(native(search()), json!(null)),
        "Deny: no grant of this agent covers fs.read on `.`; it has fs.read on `docs/**`",
    );
    check(
        &case(search(), json!("src")),
        "Deny: no grant of this agent covers fs.read on `src`; it has fs.read on `docs/**`",
    );
    let wipe = tool("wipe", Effect::Once, &[(Capability::FsWrite, None)]);
    check(
        &Case {
            grants: grants(&[(Capability::FsWrite, "docs/**")]),
            ..Case::of(wipe, json!({}))
        },
        "Deny: no grant of this agent covers fs.write on `**`; it has fs.write on `docs/**`",
    );
}

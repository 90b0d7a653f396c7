//! What an agent may still do that has read untrusted content.

use crate::case::{Case, check, fetch, native, pay, read_file, task, tool, write_file};
use leadhand_protocol::{
    Autonomy, Capability, Decision, DeclaredCall, Effect, Source, Task, ToolSpec, ToolTemplate,
};
use serde_json::{Value, json};

fn declared(tool: &str, arguments: &Value) -> DeclaredCall {
    DeclaredCall {
        tool: tool.to_owned(),
        arguments: arguments.as_object().expect("it is an object").clone(),
    }
}

fn send() -> ToolSpec {
    native(tool("send", Effect::Once, &[]))
}

/// The decision at L4 and at L5, after reading a page.
fn decisions(tool: &ToolSpec, arguments: &Value, task: &Task, sources: &[Source]) -> String {
    let rules = r#"
[[rules]]
decision = "allow"
tool = "get"
capability = "net"
resource = "**"
"#;
    [Autonomy::L4, Autonomy::L5]
        .map(|autonomy| {
            let case = Case {
                rules,
                autonomy,
                task: Some(task.clone()),
                ..Case::of(tool.clone(), arguments.clone())
            };
            let case = case.after_reading(sources).granted(&[
                (Capability::FsRead, "**"),
                (Capability::FsWrite, "**"),
                (Capability::Net, "**"),
            ]);
            match case.verdict().decision {
                Decision::Allow => "allow",
                Decision::Ask => "ask",
                Decision::Deny => "deny",
            }
        })
        .join(" ")
}

#[test]
fn an_effect_that_was_not_declared_waits_for_a_person_at_every_level() {
    let writes = |path: &str| {
        let path = path.to_owned();
        task(|task| task.writes = vec![path])
    };
    let to = |path: &str| json!({ "path": path });
    let check = |tool: ToolSpec, arguments: Value, task: Task, expected: &str| {
        let said = format!("{} {arguments}", tool.name);
        for sources in [&[Source::Web][..], &[Source::Tool]] {
            let found = decisions(&tool, &arguments, &task, sources);
            assert_eq!(found, expected, "{said}");
        }
        let trusted = decisions(&tool, &arguments, &task, &[Source::User, Source::Workspace]);
        assert_eq!(trusted, "allow allow", "{said}");
    };
    check(read_file(), to("a"), task(|_| ()), "allow allow");
    check(write_file(), to("a"), task(|_| ()), "ask ask");
    check(write_file(), to("src/a"), writes("src/**"), "allow allow");
    check(write_file(), to("docs/a"), writes("src/**"), "ask ask");
    let output = task(|task| task.output_file = Some("./out[1].md".to_owned()));
    check(write_file(), to("out[1].md"), output.clone(), "allow allow");
    check(write_file(), to("out1.md"), output, "ask ask");
    check(send(), json!({"to": "a"}), task(|_| ()), "ask ask");
    let effects = |arguments: Value| task(|task| task.effects = vec![declared("send", &arguments)]);
    check(
        send(),
        json!({"to": "a"}),
        effects(json!({})),
        "allow allow",
    );
    check(
        send(),
        json!({"to": "a"}),
        effects(json!({"to": "a"})),
        "allow allow",
    );
    check(
        send(),
        json!({"to": "evil"}),
        effects(json!({"to": "a"})),
        "ask ask",
    );
    check(
        send(),
        json!({"to": "a*"}),
        effects(json!({"to": "a", "x": 1})),
        "ask ask",
    );
}

#[test]
fn a_declared_text_that_names_a_resource_is_a_pattern() {
    let get = ToolSpec {
        name: "get".to_owned(),
        ..fetch()
    };
    let check = |url: Value, expected: &str| {
        let pattern = json!({"url": "https://*.example.org/docs/**"});
        let task = task(|task| task.effects = vec![declared("get", &pattern)]);
        let found = decisions(&get, &json!({ "url": url }), &task, &[Source::Web]);
        assert_eq!(found, expected, "{url}");
    };
    check(json!("https://a.example.org/docs/x?q=1"), "allow allow");
    check(json!("https://a.example.org/other"), "ask ask");
    check(
        json!([
            "https://a.example.org/docs/x",
            "https://evil.example/docs/x"
        ]),
        "ask ask",
    );
}

#[test]
fn what_the_plan_itself_wants_is_declared_unless_outputs_chose_the_resource() {
    let template = |path: &str| {
        let call = ToolTemplate {
            tool: "write_file".to_owned(),
            arguments: json!({"path": path, "content": "{{a}}"}),
        };
        Case {
            planned: true,
            task: Some(task(|task| task.call = Some(call))),
            ..Case::of(write_file(), json!({"path": "x", "content": "y"}))
        }
        .after_reading(&[Source::Web])
    };
    check(
        &template("x"),
        "Allow: the rule `allow fs.write **` (built in) covers fs.write on `x`",
    );
    check(
        &template("{{a}}"),
        "Ask: this agent has read untrusted content, and its task did not declare this call of `write_file` beforehand; otherwise the rule `allow fs.write **` (built in) covers fs.write on `x`",
    );
}

#[test]
fn private_data_and_untrusted_content_close_the_ways_out_even_when_declared() {
    let both = [Source::Web, Source::Workspace];
    let task = task(|task| {
        task.effects = vec![declared("send", &json!({})), declared("get", &json!({}))];
        task.writes = vec!["**".to_owned()];
    });
    let get = ToolSpec {
        name: "get".to_owned(),
        ..fetch()
    };
    let url = json!({"url": "https://a.example/", "path": "a"});
    let check = |tool: ToolSpec, sources: &[Source], expected: &str| {
        let said = tool.name.clone();
        let found = decisions(&tool, &url, &task, sources);
        assert_eq!(found, expected, "{said} after {sources:?}");
    };
    check(get.clone(), &both, "ask ask");
    check(get.clone(), &[Source::Tool, Source::Secret], "ask ask");
    check(get.clone(), &[Source::Web, Source::Public], "allow allow");
    check(send(), &both, "ask ask");
    check(
        native(tool("lookup", Effect::Pure, &[])),
        &both,
        "allow allow",
    );
    check(write_file(), &both, "allow allow");
    let mut reading = get;
    reading.accesses.push(leadhand_protocol::Access::new(
        Capability::FsRead,
        Some("path"),
    ));
    check(reading, &[Source::Web], "ask ask");
}

#[test]
fn an_allow_for_untrusted_content_opens_what_it_covers() {
    let rules = r#"
[[rules]]
decision = "allow"
tool = "get"
capability = "net"
resource = "https://a.example"
untrusted = true
[[rules]]
decision = "allow"
tool = "pay"
untrusted = true
"#;
    let get = ToolSpec {
        name: "get".to_owned(),
        ..fetch()
    };
    let case = |tool: ToolSpec, url: &str| {
        let case = Case {
            rules,
            ..Case::of(tool, json!({ "url": url }))
        };
        case.after_reading(&[Source::Web, Source::Secret])
            .granted(&[(Capability::Net, "**")])
    };
    check(
        &case(get.clone(), "https://a.example/x"),
        "Allow: the rule `allow net https://a.example by tool get even when untrusted` (p.toml:2) covers net on `https://a.example/x`",
    );
    check(
        &case(get, "https://b.example/x"),
        "Deny: no rule allows net on `https://b.example/x`",
    );
    check(
        &case(pay(), ""),
        "Allow: `pay` asks for no capability, so it needs no rule",
    );
    check(
        &case(send(), ""),
        "Ask: this agent has read untrusted content and holds private data, and `send` is a way out; otherwise `send` asks for no capability, so it needs no rule",
    );
}

/// A worker that reads pages follows their links; with private data at hand it asks first.
#[test]
fn to_read_another_page_is_no_effect_and_still_a_way_out() {
    let rules = "[[rules]]\ndecision = \"allow\"\ncapability = \"net\"\n";
    let by = |methods: &[&str], sources: &[Source]| {
        let mut tool = fetch();
        tool.accesses[0].methods = methods.iter().map(ToString::to_string).collect();
        let case = Case {
            rules,
            ..Case::of(tool, json!({"url": "https://example.org/"}))
                .granted(&[(Capability::Net, "**")])
                .after_reading(sources)
        };
        case.verdict().decision
    };
    let page = [Source::User, Source::Web];
    assert_eq!(by(&["GET"], &page), Decision::Allow);
    assert_eq!(by(&["GET", "HEAD"], &page), Decision::Allow);
    assert_eq!(by(&["GET", "POST"], &page), Decision::Ask);
    assert_eq!(by(&[], &page), Decision::Ask);
    assert_eq!(
        by(&["GET"], &[Source::Web, Source::Workspace]),
        Decision::Ask
    );
}

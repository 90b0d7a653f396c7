//! What holds for every policy, every grant and every argument.

use leadhand_policy::{Policy, Question, attenuate, check, root_grants, task_grants};
use leadhand_protocol::{
    Access, Autonomy, Capability, Decision, Effect, Grant, Isolation, Label, Role, Rule, Task,
    TaskId, ToolCall, ToolSpec,
};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};
use proptest::{prop_assert, prop_assert_eq};
use serde_json::{Value, json};
use std::sync::Arc;

const LEVELS: [Autonomy; 6] = [
    Autonomy::L0,
    Autonomy::L1,
    Autonomy::L2,
    Autonomy::L3,
    Autonomy::L4,
    Autonomy::L5,
];

fn write_tool() -> ToolSpec {
    ToolSpec {
        name: "write".to_owned(),
        description: String::new(),
        arguments: Arc::new(json!({})),
        result: None,
        effect: Effect::Idempotent,
        accesses: vec![Access::new(Capability::FsWrite, Some("path"))],
        probe: None,
        undo: None,
        isolation: Isolation::Native,
        trusted: false,
        equal_by: Vec::new(),
        poll_every_ms: None,
    }
}

fn judge(rules: &[Rule], grants: &[Grant], arguments: Value, autonomy: Autonomy) -> Decision {
    let policy = Policy::new(rules).expect("the rules are sound");
    let call = ToolCall {
        id: String::new(),
        name: "write".to_owned(),
        arguments,
    };
    let tool = &write_tool();
    policy
        .judge(&Question {
            tool,
            role: "r",
            call: &call,
            grants,
            autonomy,
            planned: true,
            task: None,
            label: &Label::default(),
            approvals: &[],
            now_ms: 0,
        })
        .decision
}

fn rule(decision: Decision, resource: &str) -> Rule {
    Rule {
        resource: resource.to_owned(),
        ..Rule::any(decision)
    }
}

fn grant(resource: &str) -> Grant {
    Grant {
        capability: Capability::FsWrite,
        resource: resource.to_owned(),
    }
}

fn covers(grants: &[Grant], path: &str) -> bool {
    let everything = [rule(Decision::Allow, "**")];
    judge(&everything, grants, json!({ "path": path }), Autonomy::L5) == Decision::Allow
}

fn glob() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        6 => Just("**"),
        1 => Just("*"),
        1 => Just("a"),
        1 => Just("b"),
        1 => Just("a*"),
        1 => Just("*b"),
        1 => Just("?"),
        1 => Just("a*b"),
        1 => Just("*a*"),
        1 => Just("{a,bb}"),
        1 => Just("?*"),
    ];
    vec(name, 1..5).prop_map(|names| names.join("/"))
}

fn path() -> impl Strategy<Value = String> {
    vec("[ab]{1,3}", 0..5).prop_map(|names| names.join("/"))
}

/// All paths of up to three names out of `a`, `b`, `ab` and `bab`: enough to tell globs apart.
fn every_small_path() -> Vec<String> {
    let mut paths = vec![String::new()];
    let mut longest = paths.clone();
    for _ in 0..3 {
        longest = longest
            .iter()
            .flat_map(|folder| {
                ["a", "b", "ab", "bab"].map(|name| {
                    format!("{folder}/{name}")
                        .trim_start_matches('/')
                        .to_owned()
                })
            })
            .collect();
        paths.extend(longest.clone());
    }
    paths
}

/// What a call of a tool with one argument wants.
#[derive(Debug, Clone)]
struct Wish {
    capability: Capability,
    resource: String,
    methods: Vec<String>,
    tool: &'static str,
}

fn one_of(texts: &'static [&'static str]) -> impl Strategy<Value = String> {
    (0..texts.len()).prop_map(move |place| texts[place].to_owned())
}

fn capability() -> impl Strategy<Value = Capability> {
    (0..6_usize).prop_map(|place| {
        [
            Capability::FsRead,
            Capability::FsWrite,
            Capability::Net,
            Capability::NetInternal,
            Capability::Env,
            Capability::Secret,
        ][place]
    })
}

fn url_pattern() -> impl Strategy<Value = String> {
    let host = one_of(&[
        "*",
        "*.x.example",
        "x.example",
        "y.x.example",
        "10.0.0.1",
        "localhost",
    ]);
    let scheme = one_of(&["http", "https", "*", "GET https", "GET,PUT *"]);
    let end = one_of(&["", ":*", "/a/**", ":8080/A", "/**/b", "/*.pem", "/"]);
    (scheme, host, end).prop_map(|(scheme, host, end)| format!("{scheme}://{host}{end}"))
}

fn resource_of(capability: Capability) -> impl Strategy<Value = String> {
    match capability {
        Capability::FsRead | Capability::FsWrite => glob().boxed(),
        Capability::Net | Capability::NetInternal => {
            prop_oneof![6 => url_pattern(), 1 => Just("**".to_owned())].boxed()
        }
        _ => one_of(&["**", "A", "B", "A*", "?", "*_KEY", "{A,C}_KEY"]).boxed(),
    }
}

fn mixed_grant() -> impl Strategy<Value = Grant> {
    capability().prop_flat_map(|capability| {
        resource_of(capability).prop_map(move |resource| Grant {
            capability,
            resource,
        })
    })
}

fn mixed_rule() -> impl Strategy<Value = Rule> {
    let scope = (
        one_of(&["", "", "one", "two", "t*"]),
        any::<bool>(),
        decision(),
    );
    (mixed_grant(), scope).prop_map(|(grant, (tool, of_any, decision))| Rule {
        // Names without a capability would be read as paths.
        capability: Some(grant.capability).filter(|_| !of_any),
        resource: grant.resource,
        tool,
        ..Rule::any(decision)
    })
}

fn wish() -> impl Strategy<Value = Wish> {
    let resource = |capability| match capability {
        Capability::FsRead | Capability::FsWrite => {
            one_of(&["", "a", "A/b", "bab/a", "a/b/ab", "b/a.pem"]).boxed()
        }
        Capability::Net | Capability::NetInternal => one_of(&[
            "https://x.example/",
            "http://y.x.example/a/b",
            "https://y.x.example/A/../a/x.pem",
            "http://10.0.0.1:8080/a",
            "http://localhost/b",
            "https://x.example/q/..%2fa",
            "https://u@x.example/",
        ])
        .boxed(),
        _ => one_of(&["A", "B", "A_KEY", "C"]).boxed(),
    };
    let methods = prop_oneof![
        Just(Vec::new()),
        Just(vec!["GET".to_owned()]),
        Just(vec!["GET".to_owned(), "POST".to_owned()])
    ];
    (capability(), methods, any::<bool>()).prop_flat_map(move |(capability, methods, first)| {
        let tool = if first { "one" } else { "two" };
        resource(capability).prop_map(move |resource| Wish {
            capability,
            resource,
            methods: methods.clone(),
            tool,
        })
    })
}

/// The verdict on it, of a native tool: it may not look round.
fn judge_wish(rules: &[Rule], grants: &[Grant], wish: &Wish) -> Decision {
    let mut access = Access::new(wish.capability, Some("resource"));
    access.methods.clone_from(&wish.methods);
    let tool = &ToolSpec {
        name: wish.tool.to_owned(),
        accesses: vec![access],
        effect: Effect::Pure,
        ..write_tool()
    };
    let call = &ToolCall {
        id: String::new(),
        name: wish.tool.to_owned(),
        arguments: json!({ "resource": wish.resource }),
    };
    let policy = Policy::new(rules).expect("the rules are sound");
    let question = Question {
        tool,
        role: "r",
        call,
        grants,
        autonomy: Autonomy::L4,
        planned: true,
        task: None,
        label: &Label::default(),
        approvals: &[],
        now_ms: 0,
    };
    let verdict = policy.judge(&question);
    assert_eq!(policy.explain(&question).verdict, verdict);
    assert_eq!(policy.clone().without_index().judge(&question), verdict);
    verdict.decision
}

fn decision() -> impl Strategy<Value = Decision> {
    prop_oneof![
        Just(Decision::Allow),
        Just(Decision::Ask),
        Just(Decision::Deny)
    ]
}

fn rules() -> impl Strategy<Value = Vec<Rule>> {
    vec(
        (decision(), glob()).prop_map(|(decision, glob)| rule(decision, &glob)),
        0..5,
    )
}

fn level() -> impl Strategy<Value = Autonomy> {
    (0..LEVELS.len()).prop_map(|place| LEVELS[place])
}

proptest! {
    #[test]
    fn attenuation_gives_what_both_give_and_nothing_more(a in glob(), b in glob()) {
        let both = attenuate(&[grant(&a)], &[grant(&b)]);
        for path in every_small_path() {
            let expected = covers(&[grant(&a)], &path) && covers(&[grant(&b)], &path);
            prop_assert_eq!(covers(&both, &path), expected, "{} and {} give {:?} on {}", a, b, both, path);
        }
    }

    #[test]
    fn no_chain_of_attenuations_gives_more_than_its_root(chain in vec(vec(glob(), 1..3), 1..5), path in path()) {
        let all = |globs: &Vec<String>| globs.iter().map(|glob| grant(glob)).collect::<Vec<_>>();
        let mut grants = all(&chain[0]);
        for child in &chain[1..] {
            grants = attenuate(&grants, &all(child));
        }
        prop_assert!(!covers(&grants, &path) || covers(&all(&chain[0]), &path));
    }

    #[test]
    fn no_chain_over_all_capabilities_gives_more_than_its_root(chain in vec(vec(mixed_grant(), 1..4), 1..6), wish in wish()) {
        let mut grants = chain[0].clone();
        for (place, child) in chain[1..].iter().enumerate() {
            // Every other step is a task's, which also narrows what it writes.
            grants = if place % 2 == 0 {
                attenuate(&grants, child)
            } else {
                let role = Role { grants: Some(child.clone()), ..Role::default() };
                let mut task = Task::new(TaskId::new("t").expect("it is an id"), "r", "");
                task.writes = vec!["a/**".to_owned()];
                task_grants(&grants, &role, &task)
            };
        }
        let opened = |grants: &[Grant]| judge_wish(&[Rule::any(Decision::Allow)], grants, &wish) == Decision::Allow;
        prop_assert!(!opened(&grants) || opened(&chain[0]), "{:?} gives {:?} for {:?}", chain, grants, wish);
    }

    #[test]
    fn deny_always_wins_and_an_ask_more_never_opens(mut rules in vec(mixed_rule(), 0..12), added in mixed_rule(), wish in wish()) {
        let grants = root_grants(&[Rule::any(Decision::Allow)]);
        let before = judge_wish(&rules, &grants, &wish);
        let alone = judge_wish(&[added.clone(), Rule::any(Decision::Allow)], &grants, &wish);
        rules.push(added.clone());
        let after = judge_wish(&rules, &grants, &wish);
        match added.decision {
            Decision::Deny => {
                prop_assert!(after >= before);
                prop_assert!(alone != Decision::Deny || after == Decision::Deny, "{:?} {:?}", rules, wish);
            }
            // Of two rules for a call the stricter one counts; one that nothing spoke of is no
            // longer denied but asked about.
            Decision::Ask => prop_assert!(after >= before || (before == Decision::Deny && after == Decision::Ask)),
            Decision::Allow => {}
        }
    }

    #[test]
    fn several_rules_say_what_the_strictest_of_them_says_alone(rules in vec(mixed_rule(), 0..20), wish in wish()) {
        // Of several methods each may be another rule's.
        let wish = Wish { methods: wish.methods.into_iter().take(1).collect(), ..wish };
        let grants = root_grants(&[Rule::any(Decision::Allow)]);
        let each = |decision| {
            let mut of_decision = rules.iter().filter(|rule| rule.decision == decision);
            of_decision.any(|rule| {
                let alone = [rule.clone()];
                let rest = Rule::any(Decision::Allow);
                let found = match decision {
                    Decision::Allow => judge_wish(&alone, &grants, &wish),
                    Decision::Ask | Decision::Deny => judge_wish(&[rule.clone(), rest], &grants, &wish),
                };
                found == decision
            })
        };
        let expected = match (each(Decision::Deny), each(Decision::Ask), each(Decision::Allow)) {
            (false, true, _) => Decision::Ask,
            (false, false, true) => Decision::Allow,
            _ => Decision::Deny,
        };
        prop_assert_eq!(judge_wish(&rules, &grants, &wish), expected);
    }

    #[test]
    fn what_check_tells_of_changes_no_verdict(rules in vec(mixed_rule(), 1..8), wish in wish()) {
        let grants = root_grants(&[Rule::any(Decision::Allow)]);
        let numbered: Vec<Rule> = rules.iter().enumerate().map(|(place, rule)| Rule { source: place.to_string(), ..rule.clone() }).collect();
        if let Some(finding) = check(&numbered, 0).first() {
            let without: Vec<Rule> = numbered.iter().filter(|rule| rule.source != finding.source).cloned().collect();
            prop_assert_eq!(judge_wish(&numbered, &grants, &wish), judge_wish(&without, &grants, &wish), "{:?} {:?}", finding, numbered);
        }
    }

    #[test]
    fn attenuation_of_hostile_grants_never_gives_more(a in any::<String>(), b in any::<String>(), path in path()) {
        let both = attenuate(&[grant(&a)], &[grant(&b)]);
        prop_assert!(!covers(&both, &path) || (covers(&[grant(&a)], &path) && covers(&[grant(&b)], &path)));
    }

    #[test]
    fn a_deny_more_never_allows_more(mut rules in rules(), denied in glob(), path in path(), level in level()) {
        let arguments = json!({ "path": path });
        let before = judge(&rules, &[grant("**")], arguments.clone(), level);
        rules.push(rule(Decision::Deny, &denied));
        prop_assert!(judge(&rules, &[grant("**")], arguments, level) >= before);
    }

    #[test]
    fn a_grant_less_never_allows_more(rules in rules(), globs in vec(glob(), 1..4), path in path(), level in level()) {
        let grants: Vec<Grant> = globs.iter().map(|glob| grant(glob)).collect();
        let arguments = json!({ "path": path });
        let all = judge(&rules, &grants, arguments.clone(), level);
        prop_assert!(judge(&rules, &grants[1..], arguments, level) >= all);
    }

    #[test]
    fn a_higher_level_never_asks_more(rules in rules(), path in path()) {
        let at = |level| judge(&rules, &[grant("**")], json!({ "path": path }), level);
        let decisions = LEVELS.map(at);
        prop_assert!(decisions.is_sorted_by(|lower, higher| lower >= higher), "{decisions:?}");
    }

    #[test]
    fn every_text_is_judged_and_none_leaves_the_workspace(rules in rules(), path in any::<String>(), resource in any::<String>()) {
        let decision = judge(&rules, &[grant(&resource), grant("**")], json!({ "path": path }), Autonomy::L5);
        let leaves = path.starts_with('/') || path.split(['/', '\\']).any(|name| name == "..");
        prop_assert!(!leaves || decision == Decision::Deny);
    }

    #[test]
    fn every_policy_text_is_read_or_refused(text in any::<String>(), resource in any::<String>()) {
        let _ = leadhand_policy::parse_rules("p.toml", &text);
        let _ = Policy::new(&[rule(Decision::Deny, &resource)]);
    }
}

#[test]
fn escaped_characters_are_themselves() {
    let odd = "a [1] {x,y} !*?.md";
    let grants = attenuate(
        &[grant("**")],
        &[grant("a \\[1\\] \\{x\\,y\\} \\!\\*\\?.md")],
    );
    assert!(covers(&grants, odd));
    assert!(!covers(&grants, "a [1] {x,y} !zz.md"));
}

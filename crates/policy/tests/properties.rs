//! What holds for every policy, every grant and every argument.

use leadhand_policy::{Policy, Question, attenuate};
use leadhand_protocol::{
    Access, Autonomy, Capability, Decision, Effect, Grant, Isolation, Label, Rule, ToolCall,
    ToolSpec,
};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};
use proptest::{prop_assert, prop_assert_eq};
use serde_json::{Value, json};

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
        arguments: json!({}),
        result: None,
        effect: Effect::Idempotent,
        accesses: vec![Access::new(Capability::FsWrite, Some("path"))],
        isolation: Isolation::Native,
        trusted: false,
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

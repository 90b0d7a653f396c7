//! What a component could do: its imports in plain words, and what the rules say to the
//! capabilities that its tools want.

use leadhand::ToolSpec;
use leadhand::rooms::protocol::{Capability, Decision, Rule};
use serde::Serialize;

/// Interfaces by the beginning of their names, and what they are good for. The first that fits
/// counts.
const INTERFACES: [(&str, &str); 13] = [
    ("leadhand:tool/types@", ""),
    (
        "leadhand:tool/files@",
        "files of the workspace, as far as granted (fs.read, fs.write)",
    ),
    (
        "leadhand:tool/http@",
        "requests over HTTP, as far as granted (net, net.internal)",
    ),
    (
        "leadhand:tool/clock@",
        "the time of day, only when granted (clock)",
    ),
    (
        "leadhand:tool/random@",
        "chance that nobody can foresee, only when granted (random)",
    ),
    ("leadhand:tool/log@", "notes for whoever reads the trace"),
    (
        "wasi:filesystem/",
        "files of the workspace, as far as granted (fs.read, fs.write)",
    ),
    (
        "wasi:sockets/",
        "sockets, so that programs load: every use is refused",
    ),
    (
        "wasi:clocks/",
        "a clock that starts at 0, unless the real one is granted (clock)",
    ),
    (
        "wasi:random/",
        "chance made of the call's seed, unless real chance is granted (random)",
    ),
    (
        "wasi:cli/environment@",
        "variables of the environment, only those granted (env)",
    ),
    (
        "wasi:cli/",
        "what programs expect: no input, output that goes to the log",
    ),
    (
        "wasi:io/",
        "what programs expect: no input, output that goes to the log",
    ),
];
const UNKNOWN: &str = "not offered by this host: the component is refused when it is loaded";

/// Imports that are good for the same.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Power {
    pub(super) about: &'static str,
    pub(super) interfaces: Vec<String>,
}

/// The imports, grouped by what they are good for, in the order of [`INTERFACES`].
pub(super) fn powers(imports: &[String]) -> Vec<Power> {
    let about = |import: &str| {
        INTERFACES
            .iter()
            .find(|(start, _)| import.starts_with(start))
            .map_or(UNKNOWN, |(_, about)| *about)
    };
    let mut powers: Vec<Power> = Vec::new();
    let known = INTERFACES.iter().map(|(_, about)| *about);
    for group in known.chain([UNKNOWN]).filter(|about| !about.is_empty()) {
        if powers.iter().any(|power| power.about == group) {
            continue;
        }
        let of_group = imports.iter().filter(|import| about(import) == group);
        let interfaces: Vec<String> = of_group.cloned().collect();
        if !interfaces.is_empty() {
            powers.push(Power {
                about: group,
                interfaces,
            });
        }
    }
    powers
}

/// What the rules say to one capability of a tool, by resources.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Reach {
    pub(super) capability: Capability,
    pub(super) allow: Vec<String>,
    pub(super) ask: Vec<String>,
    pub(super) deny: Vec<String>,
}

/// The most that a tool could touch under these rules, whatever its arguments are.
pub(super) fn reaches(tool: &ToolSpec, rules: &[Rule]) -> Vec<Reach> {
    let mut capabilities: Vec<Capability> = Vec::new();
    for access in &tool.accesses {
        if !capabilities.contains(&access.capability) {
            capabilities.push(access.capability);
        }
    }
    let reach = |capability| {
        let of = |decision| {
            let resources = rules.iter().filter(|rule| {
                rule.decision == decision
                    && rule.capability.is_none_or(|of_rule| of_rule == capability)
                    && may_mean(&rule.tool, &tool.name)
            });
            let resources = resources.map(|rule| match rule.resource.as_str() {
                "" => "**".to_owned(),
                resource => resource.to_owned(),
            });
            resources.collect()
        };
        Reach {
            capability,
            allow: of(Decision::Allow),
            ask: of(Decision::Ask),
            deny: of(Decision::Deny),
        }
    };
    capabilities.into_iter().map(reach).collect()
}

/// Whether a glob over names of tools may be about this one; a glob counts as about all.
fn may_mean(glob: &str, tool: &str) -> bool {
    glob.is_empty() || glob == tool || glob.contains(['*', '?', '{'])
}

impl Reach {
    /// Such as "fs.read: allowed on `**`; denied on `**/.git/**`".
    pub(super) fn described(&self) -> String {
        let listed = |words: &str, resources: &[String]| {
            let named: Vec<String> = resources.iter().map(|it| format!("`{it}`")).collect();
            (!named.is_empty()).then(|| format!("{words} {}", named.join(", ")))
        };
        let parts = [
            listed("allowed on", &self.allow),
            listed("asked about on", &self.ask),
            listed("denied on", &self.deny),
        ];
        let said: Vec<String> = parts.into_iter().flatten().collect();
        let nothing = self.allow.is_empty() && self.ask.is_empty();
        if nothing {
            return format!("{}: denied, since no rule allows it", self.capability);
        }
        format!("{}: {}", self.capability, said.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use leadhand::rooms::protocol::{Access, Effect, Isolation};
    use std::sync::Arc;

    #[test]
    fn imports_are_told_in_plain_words() {
        let check = |imports: &[&str], expected: &[(&str, usize)]| {
            let imports: Vec<String> = imports.iter().map(ToString::to_string).collect();
            let powers = powers(&imports);
            let found: Vec<(&str, usize)> = powers
                .iter()
                .map(|power| (power.about, power.interfaces.len()))
                .collect();
            assert_eq!(found, expected, "{imports:?}");
        };
        check(&["leadhand:tool/types@0.2.0"], &[]);
        check(
            &[
                "wasi:io/streams@0.2.12",
                "leadhand:tool/log@0.2.0",
                "wasi:cli/exit@0.2.12",
            ],
            &[
                ("notes for whoever reads the trace", 1),
                (
                    "what programs expect: no input, output that goes to the log",
                    2,
                ),
            ],
        );
        check(&["evil:host/shell@1.0.0"], &[(UNKNOWN, 1)]);
    }

    #[test]
    fn the_reach_of_a_tool_is_what_rules_say() {
        let tool = |capability| ToolSpec {
            name: "t".to_owned(),
            description: String::new(),
            arguments: Arc::new(serde_json::json!({})),
            result: None,
            effect: Effect::Pure,
            accesses: vec![Access::new(capability, None)],
            probe: None,
            undo: None,
            isolation: Isolation::Sandboxed,
            trusted: false,
            equal_by: Vec::new(),
            poll_every_ms: None,
        };
        let check = |capability, expected: &str| {
            let rules = leadhand::built_in_rules();
            let reaches = reaches(&tool(capability), &rules);
            assert_eq!(reaches[0].described(), expected);
        };
        check(
            Capability::FsRead,
            "fs.read: allowed on `**`; denied on `**/.leadhand/**`, `**/.git/**`",
        );
        check(Capability::Env, "env: denied, since no rule allows it");
    }
}

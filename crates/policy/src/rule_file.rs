//! Rule files: TOML, one `[[rules]]` table a rule. Each rule remembers its file and line.

use crate::error::{PolicyError, PolicyFault};
use leadhand_protocol::{Capability, Decision, Rule};
use serde::Deserialize;
use toml::Spanned;

/// Largest rule file, in bytes.
pub const RULE_FILE_BYTES_MAX: usize = 1024 * 1024;
/// Most rules in one file.
pub const RULES_MAX: usize = 10_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    #[serde(default)]
    rules: Vec<Spanned<RuleTable>>,
}

/// A rule as people write it: unlike [`Rule`] it cannot say where it stands.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleTable {
    decision: Decision,
    #[serde(default)]
    tool: String,
    #[serde(default)]
    role: String,
    capability: Option<Capability>,
    #[serde(default)]
    resource: String,
}

/// Reads the text of a rule file. `file_name` is used in messages only.
///
/// ```
/// let text = "[[rules]]\ndecision = \"deny\"\nresource = \"secrets/**\"\n";
/// let rules = leadhand_policy::parse_rules("policy.toml", text)?;
/// assert_eq!(rules[0].source, "policy.toml:1");
/// # Ok::<(), leadhand_policy::PolicyError>(())
/// ```
///
/// # Errors
/// [`PolicyError`] with file and line: not TOML, an unknown key or word, a rule without a
/// decision, more than [`RULES_MAX`] rules or [`RULE_FILE_BYTES_MAX`] bytes.
pub fn parse_rules(file_name: &str, text: &str) -> Result<Vec<Rule>, PolicyError> {
    let fault = |line: usize, message: String| PolicyError {
        faults: vec![PolicyFault {
            source: format!("{file_name}:{line}"),
            message,
        }],
    };
    if text.len() > RULE_FILE_BYTES_MAX {
        return Err(fault(
            1,
            format!("the file is larger than {RULE_FILE_BYTES_MAX} bytes"),
        ));
    }
    let lines = Lines::new(text);
    let file: RuleFile = toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| lines.of(span.start));
        fault(line, error.message().to_owned())
    })?;
    if file.rules.len() > RULES_MAX {
        return Err(fault(
            1,
            format!("the file has more than {RULES_MAX} rules"),
        ));
    }
    let rules = file.rules.into_iter().map(|spanned| {
        let line = lines.of(spanned.span().start);
        let table = spanned.into_inner();
        Rule {
            tool: table.tool,
            role: table.role,
            capability: table.capability,
            resource: table.resource,
            source: format!("{file_name}:{line}"),
            ..Rule::any(table.decision)
        }
    });
    Ok(rules.collect())
}

/// Where each line begins, to find the line of a byte without counting from the start again.
struct Lines(Vec<usize>);

impl Lines {
    fn new(text: &str) -> Self {
        let behind_breaks = text.match_indices('\n').map(|(at, _)| at + 1);
        Self(std::iter::once(0).chain(behind_breaks).collect())
    }

    /// The line of a byte, from 1.
    fn of(&self, byte: usize) -> usize {
        self.0.partition_point(|start| *start <= byte)
    }
}

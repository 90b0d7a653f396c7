//! Rule files: TOML, one `[[rules]]` table a rule, one `[[approvals]]` table a standing yes.
//! Each remembers its file and line.

use crate::date;
use crate::error::{PolicyError, PolicyFault};
use crate::lines::Lines;
use leadhand_protocol::{Approval, Capability, Decision, Rule, TaskId};
use serde::Deserialize;
use toml::{Spanned, Value};

/// Largest rule file, in bytes.
pub const RULE_FILE_BYTES_MAX: usize = 1024 * 1024;
/// Most rules in one file, and most approvals.
pub const RULES_MAX: usize = 10_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    #[serde(default)]
    rules: Vec<Spanned<RuleTable>>,
    #[serde(default)]
    approvals: Vec<Spanned<ApprovalTable>>,
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
    #[serde(default)]
    task: String,
    until: Option<Spanned<Value>>,
    untrusted: Option<Spanned<bool>>,
    unless_allowed: Option<Spanned<bool>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ApprovalTable {
    tool: String,
    #[serde(default)]
    role: String,
    task: Option<TaskId>,
    until: Option<Spanned<Value>>,
}

/// Reads the rules of a rule file. `file_name` is used in messages only.
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
/// decision, an `until` that is no date, `untrusted` on anything but an `allow`,
/// `unless_allowed` on anything but an `ask`, more than [`RULES_MAX`] rules or [`RULE_FILE_BYTES_MAX`] bytes. Patterns are read by
/// [`crate::Policy::new`].
pub fn parse_rules(file_name: &str, text: &str) -> Result<Vec<Rule>, PolicyError> {
    let file = Reader::new(file_name, text)?;
    let tables = file.read::<RuleFile>()?.rules;
    file.each(tables, |table, source| {
        if let Some(untrusted) = table.untrusted.as_ref().filter(|it| *it.get_ref())
            && table.decision != Decision::Allow
        {
            let message = "`untrusted` is for `allow` only: `deny` and `ask` hold for all content";
            return Err(file.fault(untrusted.span().start, message.to_owned()));
        }
        if let Some(unless) = table.unless_allowed.as_ref().filter(|it| *it.get_ref())
            && table.decision != Decision::Ask
        {
            let message = "`unless_allowed` is for `ask` only: a `deny` never gives way";
            return Err(file.fault(unless.span().start, message.to_owned()));
        }
        Ok(Rule {
            tool: table.tool,
            role: table.role,
            capability: table.capability,
            resource: table.resource,
            task: table.task,
            until_ms: file.until(table.until)?,
            untrusted: table.untrusted.is_some_and(Spanned::into_inner),
            unless_allowed: table.unless_allowed.is_some_and(Spanned::into_inner),
            source,
            ..Rule::any(table.decision)
        })
    })
}

/// Reads the approvals of a rule file: what its owner has said yes to once and for all. Those
/// of a project are to be refused, as its `allow` rules are.
///
/// ```
/// let text = "[[approvals]]\ntool = \"fetch\"\nuntil = 2027-01-01\n";
/// let approvals = leadhand_policy::parse_approvals("policy.toml", text)?;
/// assert_eq!(approvals[0].until_ms, Some(1_798_761_600_000));
/// # Ok::<(), leadhand_policy::PolicyError>(())
/// ```
///
/// # Errors
/// As [`parse_rules`].
pub fn parse_approvals(file_name: &str, text: &str) -> Result<Vec<Approval>, PolicyError> {
    let file = Reader::new(file_name, text)?;
    let tables = file.read::<RuleFile>()?.approvals;
    file.each(tables, |table, source| {
        Ok(Approval {
            tool: table.tool,
            role: table.role,
            task: table.task,
            until_ms: file.until(table.until)?,
            source,
        })
    })
}

/// A file's text, with the name and lines that its faults are told by.
pub(crate) struct Reader<'a> {
    file_name: &'a str,
    text: &'a str,
    lines: Lines,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(file_name: &'a str, text: &'a str) -> Result<Self, PolicyError> {
        let reader = Self {
            file_name,
            text,
            lines: Lines::new(text),
        };
        if text.len() > RULE_FILE_BYTES_MAX {
            let message = format!("the file is larger than {RULE_FILE_BYTES_MAX} bytes");
            return Err(reader.fault(0, message));
        }
        Ok(reader)
    }

    pub(crate) fn read<T: serde::de::DeserializeOwned>(&self) -> Result<T, PolicyError> {
        toml::from_str(self.text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            self.fault(at, error.message().to_owned())
        })
    }

    /// Makes something of each table and the place where it stands.
    pub(crate) fn each<T, Made>(
        &self,
        tables: Vec<Spanned<T>>,
        make: impl Fn(T, String) -> Result<Made, PolicyError>,
    ) -> Result<Vec<Made>, PolicyError> {
        if tables.len() > RULES_MAX {
            let message = format!("the file has more than {RULES_MAX} tables of one kind");
            return Err(self.fault(0, message));
        }
        let tables = tables.into_iter().map(|table| {
            let source = self.source(table.span().start);
            make(table.into_inner(), source)
        });
        tables.collect()
    }

    pub(crate) fn until(
        &self,
        written: Option<Spanned<Value>>,
    ) -> Result<Option<u64>, PolicyError> {
        let Some(written) = written else {
            return Ok(None);
        };
        let milliseconds = match written.get_ref() {
            Value::Datetime(datetime) => date::milliseconds(datetime),
            _ => None,
        };
        milliseconds.map(Some).ok_or_else(|| {
            let message = "this is no date; write `2026-12-31` (it ends when that day begins, UTC) or `2026-12-31T18:00:00+01:00`, without quotes";
            self.fault(written.span().start, message.to_owned())
        })
    }

    pub(crate) fn fault(&self, byte: usize, message: String) -> PolicyError {
        PolicyError {
            faults: vec![PolicyFault {
                source: self.source(byte),
                message,
            }],
        }
    }

    fn source(&self, byte: usize) -> String {
        format!("{}:{}", self.file_name, self.lines.of(byte))
    }
}

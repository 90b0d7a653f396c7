//! Tables of cases: what a policy is expected to say of calls, as a TOML file beside it. Read
//! and run purely, so that a table tells the same on every machine.

use crate::error::PolicyError;
use crate::judge::Question;
use crate::policy::Policy;
use crate::rule_file::Reader;
use leadhand_protocol::{
    Autonomy, Decision, Grant, Label, Source, Task, TaskId, ToolCall, ToolSpec, Verdict,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use toml::Spanned;

/// One call, and what is expected of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// Where it stands: file and line.
    pub source: String,
    /// What it is to show, in a few words.
    pub name: String,
    /// The tool that is called.
    pub tool: String,
    /// Its arguments.
    pub arguments: Map<String, Value>,
    /// The role that calls it; empty for none.
    pub role: String,
    /// The task that it is called for; none for none.
    pub task: Option<TaskId>,
    /// The level that holds.
    pub autonomy: Autonomy,
    /// Where all that stands in the agent's context came from.
    pub label: Label,
    /// What is expected.
    pub expect: Decision,
    /// A text that the reason is expected to hold, such as a rule's file and line.
    pub rule: String,
}

/// What came of a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CaseResult {
    /// Where the case stands: file and line.
    pub source: String,
    /// The case's name.
    pub name: String,
    /// Whether it came out as expected.
    pub passed: bool,
    /// What was expected and what came of it, in a sentence.
    pub message: String,
    /// What the policy said; none when the tool is not known.
    pub verdict: Option<Verdict>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseFile {
    #[serde(default)]
    cases: Vec<Spanned<CaseTable>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseTable {
    name: String,
    tool: String,
    #[serde(default)]
    arguments: Map<String, Value>,
    #[serde(default)]
    role: String,
    task: Option<TaskId>,
    autonomy: Option<Autonomy>,
    #[serde(default)]
    label: Vec<Source>,
    expect: Decision,
    #[serde(default)]
    rule: String,
}

/// Reads a table of cases. Without `autonomy` a case is judged at L4, without `label` nothing
/// is in the agent's context.
///
/// ```
/// let text = "[[cases]]\nname = \"no history\"\ntool = \"read_file\"\narguments = { path = \".git/HEAD\" }\nexpect = \"deny\"\n";
/// let cases = leadhand_policy::parse_cases("cases.toml", text)?;
/// assert_eq!(cases[0].source, "cases.toml:1");
/// # Ok::<(), leadhand_policy::PolicyError>(())
/// ```
///
/// # Errors
/// [`PolicyError`] with file and line: not TOML, an unknown key or word, a case without name,
/// tool or expectation, or a file over the bounds of rule files.
pub fn parse_cases(file_name: &str, text: &str) -> Result<Vec<Case>, PolicyError> {
    let file = Reader::new(file_name, text)?;
    let tables = file.read::<CaseFile>()?.cases;
    file.each(tables, |table, source| {
        Ok(Case {
            source,
            name: table.name,
            tool: table.tool,
            arguments: table.arguments,
            role: table.role,
            task: table.task,
            autonomy: table.autonomy.unwrap_or(Autonomy::L4),
            label: table.label.into_iter().collect(),
            expect: table.expect,
            rule: table.rule,
        })
    })
}

/// Judges each case, with these grants and at this time.
#[must_use]
pub fn run_cases<'a>(
    policy: &Policy,
    cases: &[Case],
    grants: &[Grant],
    now_ms: u64,
    tool: impl Fn(&str) -> Option<&'a ToolSpec>,
) -> Vec<CaseResult> {
    let run = |case: &Case| match tool(&case.tool) {
        Some(tool) => judged(policy, case, grants, now_ms, tool),
        None => CaseResult {
            source: case.source.clone(),
            name: case.name.clone(),
            passed: false,
            message: format!("there is no tool `{}`", case.tool),
            verdict: None,
        },
    };
    cases.iter().map(run).collect()
}

fn judged(
    policy: &Policy,
    case: &Case,
    grants: &[Grant],
    now_ms: u64,
    tool: &ToolSpec,
) -> CaseResult {
    let call = ToolCall {
        id: String::new(),
        name: case.tool.clone(),
        arguments: Value::Object(case.arguments.clone()),
    };
    let task = case
        .task
        .as_ref()
        .map(|id| Task::new(id.clone(), case.role.clone(), ""));
    let verdict = policy.judge(&Question {
        tool,
        role: &case.role,
        task: task.as_ref(),
        call: &call,
        grants,
        autonomy: case.autonomy,
        planned: false,
        label: &case.label,
        approvals: &[],
        now_ms,
    });
    let (expected, found) = (word(case.expect), word(verdict.decision));
    let said = &verdict.because;
    let decided = case.expect == verdict.decision;
    let by_rule = verdict.because.contains(&case.rule);
    let message = if !decided {
        format!("expected {expected}, and it is {found}: {said}")
    } else if !by_rule {
        format!(
            "it is {found} as expected, but `{}` is not in: {said}",
            case.rule
        )
    } else {
        format!("{found}: {said}")
    };
    CaseResult {
        source: case.source.clone(),
        name: case.name.clone(),
        passed: decided && by_rule,
        message,
        verdict: Some(verdict),
    }
}

fn word(decision: Decision) -> &'static str {
    match decision {
        Decision::Allow => "allow",
        Decision::Ask => "ask",
        Decision::Deny => "deny",
    }
}

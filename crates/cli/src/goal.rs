//! The goal and the plan as the command line gives them: from an argument, a file, standard
//! input or a playbook.

use crate::failure::Failure;
use crate::files;
use crate::screen;
use clap::Args;
use leadhand::{Autonomy, Goal, Limits, Plan, PlanEdit};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

/// Largest text that is read before its characters are counted, in bytes.
const TEXT_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Largest plan or schema, in bytes.
const PLAN_BYTES_MAX: usize = 4 * 1024 * 1024;

/// What is to be achieved.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct GoalOptions {
    /// The goal in your words; `-` reads it from standard input
    #[arg(value_name = "GOAL", allow_hyphen_values = false)]
    pub(crate) goal: Option<String>,
    /// Read the goal from a file: text, or a .toml or .json with checks, budget and schema
    #[arg(long, value_name = "FILE", conflicts_with = "goal")]
    pub(crate) goal_file: Option<PathBuf>,
    /// JSON Schema that the answer must fit
    #[arg(long, value_name = "FILE")]
    pub(crate) output_schema: Option<PathBuf>,
}

/// What it may cost.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct BudgetOptions {
    /// Tokens that may be spent, in and out
    #[arg(long, value_name = "TOKENS")]
    pub(crate) budget_tokens: Option<u64>,
    /// Money that may be spent, in US dollars
    #[arg(long, value_name = "USD", value_parser = micro_usd, allow_negative_numbers = true)]
    pub(crate) budget_usd: Option<u64>,
    /// Seconds the run may take
    #[arg(long, value_name = "SECONDS")]
    pub(crate) max_seconds: Option<u64>,
}

/// Dollars as millionths of a dollar.
pub(crate) fn micro_usd(text: &str) -> Result<u64, String> {
    let usd: f64 = text
        .parse()
        .map_err(|_| "write dollars, such as 0.50".to_owned())?;
    let micro = usd * 1e6;
    if (0.0..=1e15).contains(&micro) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked above"
        )]
        return Ok(micro.round() as u64);
    }
    Err("write a number of dollars that is not negative, such as 0.50".to_owned())
}

impl GoalOptions {
    /// The goal, without what the budget options say; none when none is named.
    ///
    /// # Errors
    /// [`Failure::Usage`] when it cannot be read, is empty or too long.
    pub(crate) fn goal(&self, limits: &Limits, level: Autonomy) -> Result<Option<Goal>, Failure> {
        let mut goal = match (&self.goal, &self.goal_file) {
            (None, None) => return Ok(None),
            (Some(text), _) if text == "-" => Goal::new(from_stdin()?),
            (Some(text), _) => Goal::new(text.clone()),
            (None, Some(file)) => from_file(file)?,
        };
        let chars = goal.text.chars().count();
        if goal.text.trim().is_empty() {
            return Err(leadhand::Error::GoalEmpty.into());
        }
        if chars > limits.goal_chars_max {
            return Err(leadhand::Error::GoalTooLong {
                chars,
                chars_max: limits.goal_chars_max,
            }
            .into());
        }
        // A goal file is the user's own word; every other goal says nothing of levels.
        if !self.goal_file.as_deref().is_some_and(names_autonomy) {
            goal.autonomy = level;
        }
        if let Some(file) = &self.output_schema {
            goal.output_schema = Some(structured(file)?);
        }
        Ok(Some(goal))
    }
}

impl BudgetOptions {
    /// Lays these options over a goal's own budget.
    pub(crate) fn apply(&self, goal: &mut Goal) {
        let budget = &mut goal.budget;
        budget.tokens_max = self.budget_tokens.or(budget.tokens_max);
        budget.micro_usd_max = self.budget_usd.or(budget.micro_usd_max);
        budget.seconds_max = self.max_seconds.or(budget.seconds_max);
    }
}

fn from_stdin() -> Result<String, Failure> {
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        screen::note("type the goal, then Ctrl-D on a line of its own");
    }
    files::text_of(stdin.lock(), TEXT_BYTES_MAX).map_err(|what| {
        Failure::usage(
            format!("the goal on standard input: {what}"),
            "pipe in a text",
        )
    })
}

fn is_structured(file: &Path) -> bool {
    file.extension()
        .is_some_and(|extension| extension == "toml" || extension == "json")
}

fn names_autonomy(file: &Path) -> bool {
    is_structured(file)
        && structured::<serde_json::Value>(file).is_ok_and(|value| value.get("autonomy").is_some())
}

fn from_file(file: &Path) -> Result<Goal, Failure> {
    if is_structured(file) {
        structured(file)
    } else {
        files::read(file, TEXT_BYTES_MAX).map(Goal::new)
    }
}

/// A plan from a file.
///
/// # Errors
/// [`Failure::Usage`] with file and line.
pub(crate) fn plan_of(file: &Path) -> Result<Plan, Failure> {
    structured(file)
}

/// Changes of a plan, as they stand in a file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlanEdits {
    edits: Vec<PlanEdit>,
}

/// Changes of a plan from a file.
///
/// # Errors
/// [`Failure::Usage`] with file and line.
pub(crate) fn edits_of(file: &Path) -> Result<Vec<PlanEdit>, Failure> {
    structured::<PlanEdits>(file).map(|read| read.edits)
}

/// A value from a TOML or JSON file.
fn structured<T: DeserializeOwned>(file: &Path) -> Result<T, Failure> {
    let text = files::read(file, PLAN_BYTES_MAX)?;
    let is_toml = file
        .extension()
        .is_some_and(|extension| extension == "toml");
    let read = if is_toml {
        toml::from_str(&text).map_err(|error| files::toml_fault(file, &text, &error))
    } else {
        serde_json::from_str(&text)
            .map_err(|error| format!("{}:{}: {error}", file.display(), error.line()))
    };
    read.map_err(|what| {
        Failure::usage(
            what,
            "docs/cli.md shows what goes into it; `leadhand plan --json` writes a plan",
        )
    })
}

/// `--set key=value` as a table.
///
/// # Errors
/// [`Failure::Usage`] for what is no `key=value`.
pub(crate) fn values_of(set: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    let pair = |text: &String| {
        let (key, value) = text.split_once('=').ok_or_else(|| {
            Failure::usage(
                format!("--set {text}: this is no key=value"),
                "write --set key=value",
            )
        })?;
        Ok((key.trim().to_owned(), value.to_owned()))
    };
    set.iter().map(pair).collect()
}

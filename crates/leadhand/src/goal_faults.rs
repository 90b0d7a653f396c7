//! What keeps a goal from being checked, all of it at once: what cannot be read now could not
//! be read at the end of the run either. Whether a check holds is not decided here.

use leadhand_protocol::{Check, Goal};
use leadhand_task_graph::path_fault;
use serde_json::Value;

/// Characters of what is said of one schema.
const FAULT_CHARS_MAX: usize = 300;

/// Everything that is wrong with the goal's acceptance checks and its output schema.
pub(crate) fn goal_faults(goal: &Goal) -> Vec<String> {
    let of_checks = goal.acceptance.iter().flat_map(check_faults);
    let of_output = goal.output_schema.as_ref().and_then(schema_fault);
    let of_output = of_output.map(|why| format!("its output schema cannot be used: {why}"));
    of_checks.chain(of_output).collect()
}

fn check_faults(check: &Check) -> Vec<String> {
    let of_path = check.file().and_then(path_fault);
    let of_content = match check {
        Check::FileMatches { pattern, .. }
        | Check::FileLacks { pattern, .. }
        | Check::OutputMatches { pattern } => pattern_fault(pattern),
        Check::FileFits { path, schema } => {
            schema_fault(schema).map(|why| format!("the schema for `{path}` cannot be used: {why}"))
        }
        Check::ToolPasses { .. } => Some("a tool call can check a task, not the goal".to_owned()),
        Check::FileExists { .. }
        | Check::FileAbsent { .. }
        | Check::FileChanged { .. }
        | Check::FileUnchanged { .. }
        | Check::CitationsResolve
        | Check::Judged { .. } => None,
    };
    of_path.into_iter().chain(of_content).collect()
}

/// Read just as the check will read it, with the `regex` crate's own bound on size.
fn pattern_fault(pattern: &str) -> Option<String> {
    let error = regex::Regex::new(pattern).err()?.to_string();
    // The lines before the last one draw an arrow to the place.
    let why = error.lines().last().unwrap_or_default();
    let why = why.strip_prefix("error: ").unwrap_or(why);
    Some(format!("the pattern `{pattern}` cannot be read: {why}"))
}

fn schema_fault(schema: &Value) -> Option<String> {
    let error = jsonschema::validator_for(schema).err()?;
    // It repeats the part of the schema that is wrong.
    Some(error.to_string().chars().take(FAULT_CHARS_MAX).collect())
}

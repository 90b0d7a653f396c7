//! The examples themselves are the files in `examples/`, one for each concept. In here is only
//! what stands in for a real model in most of them: a script, so that none needs a key.

use leadhand::ScriptedModel;
use serde_json::{Value, json};
use std::error::Error;

/// A model that answers with these lines, each of which is used once unless it says otherwise;
/// see `ScriptedModel` for what a line can hold.
///
/// # Errors
/// When a line is none of a script.
pub fn script(lines: &[Value]) -> Result<ScriptedModel, Box<dyn Error>> {
    let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
    Ok(ScriptedModel::parse("script".as_ref(), &lines.join("\n"))?)
}

/// What a manager says to make a plan of one task.
#[must_use]
pub fn plan_of_one_task(role: &str, instruction: &str) -> Value {
    let plan = json!({
        "approach": "One worker can do it.",
        "tasks": [{
            "id": "t1", "title": "Do it", "role": role, "instruction": instruction,
            "files": [], "one_worker_per_file": false, "depends_on": [], "output_file": "", "changes_files": false,
        }],
    });
    json!({"reply": {"text": plan.to_string()}})
}

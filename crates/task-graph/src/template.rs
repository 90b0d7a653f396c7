//! `{{task-id}}` in the arguments of a tool template stands for that task's output;
//! `{{prefix*}}` for the outputs of all tasks whose id begins so, in plan order, separated by
//! blank lines. Nothing else is substituted, so outputs cannot smuggle placeholders in.

use serde_json::Value;

/// The placeholders in all texts of `arguments`, in order, without repetition.
///
/// ```
/// let arguments = serde_json::json!({"content": "# All\n{{part-*}}\n{{end}}"});
/// assert_eq!(leadhand_task_graph::placeholders(&arguments), ["part-*", "end"]);
/// ```
#[must_use]
pub fn placeholders(arguments: &Value) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    visit(arguments, &mut |text| {
        let mut rest = text;
        while let Some((_, name, after)) = next_placeholder(rest) {
            if !found.iter().any(|known| known == name) {
                found.push(name.to_owned());
            }
            rest = after;
        }
    });
    found
}

/// Replaces every placeholder by what `output_of` gives for it; unknown ones stay as they are.
#[must_use]
pub fn fill(arguments: &Value, output_of: &dyn Fn(&str) -> Option<String>) -> Value {
    match arguments {
        Value::String(text) => Value::String(fill_text(text, output_of)),
        Value::Array(items) => items.iter().map(|item| fill(item, output_of)).collect(),
        Value::Object(fields) => Value::Object(
            fields
                .iter()
                .map(|(key, value)| (key.clone(), fill(value, output_of)))
                .collect(),
        ),
        other => other.clone(),
    }
}

fn fill_text(text: &str, output_of: &dyn Fn(&str) -> Option<String>) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, name, after)) = next_placeholder(rest) {
        filled.push_str(before);
        match output_of(name) {
            Some(output) => filled.push_str(&output),
            None => {
                filled.push_str("{{");
                filled.push_str(name);
                filled.push_str("}}");
            }
        }
        rest = after;
    }
    filled.push_str(rest);
    filled
}

fn next_placeholder(text: &str) -> Option<(&str, &str, &str)> {
    let (before, opened) = text.split_once("{{")?;
    let (name, after) = opened.split_once("}}")?;
    Some((before, name.trim(), after))
}

fn visit(value: &Value, see: &mut dyn FnMut(&str)) {
    match value {
        Value::String(text) => see(text),
        Value::Array(items) => items.iter().for_each(|item| visit(item, see)),
        Value::Object(fields) => fields.values().for_each(|item| visit(item, see)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn outputs_are_filled_in_once_and_never_again() {
        let arguments = json!({"a": ["{{x}} and {{ y }}", 1], "b": "{{none}} {{ open"});
        let filled = fill(&arguments, &|name| match name {
            "x" => Some("{{y}}".to_owned()),
            "y" => Some("Y".to_owned()),
            _ => None,
        });
        assert_eq!(
            filled,
            json!({"a": ["{{y}} and Y", 1], "b": "{{none}} {{ open"})
        );
    }
}

//! `fill_template`: Jinja as the crate minijinja understands it, without includes and macros.
//! A name without a value is a fault, since an empty place in a text is seen by nobody.

use crate::refuse_longer;
use guest::{Arguments, ErrorKind, ToolError, fault};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Error, UndefinedBehavior, Value};

/// Longest text that a template may fill to, in bytes.
const FILLED_BYTES_MAX: usize = 100_000;
/// Steps of a template; a loop over a thousand things takes some ten thousand.
const STEPS_MAX: u64 = 1_000_000;
/// Longest line of a template that is shown, in characters.
const LINE_CHARS_MAX: usize = 120;
/// How deep calls and loops may be nested.
const DEPTH_MAX: usize = 60;
/// Brackets that may be open at the same place of a template.
const OPEN_BRACKETS_MAX: usize = 60;

pub(crate) fn fill_template(arguments: &Arguments) -> Result<String, ToolError> {
    let template = arguments.text("template");
    refuse_longer("template", template)?;
    let refuse = |message: String| Err(fault(ErrorKind::InvalidArguments, message));
    if open_brackets(template) > OPEN_BRACKETS_MAX {
        return refuse(format!(
            "the template has more than {OPEN_BRACKETS_MAX} brackets within each other."
        ));
    }
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_fuel(Some(STEPS_MAX));
    environment.set_recursion_limit(DEPTH_MAX);
    // A tag alone on its line leaves no empty line behind.
    match SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .keep_trailing_newline(true)
        .build()
    {
        Ok(syntax) => environment.set_syntax(syntax),
        Err(error) => return refuse(error.to_string()),
    }
    let values = arguments.object("values");
    match environment.render_named_str("template", template, Value::from(Serde(values))) {
        Ok(text) if text.len() > FILLED_BYTES_MAX => Err(fault(
            ErrorKind::LimitExceeded,
            format!("the filled template is longer than {FILLED_BYTES_MAX} bytes."),
        )),
        Ok(text) => Ok(text),
        Err(error) => {
            let names: Vec<String> = values
                .into_iter()
                .flat_map(|values| values.keys())
                .take(20)
                .map(|name| format!("`{name}`"))
                .collect();
            refuse(explain(&error, template, &names.join(", ")))
        }
    }
}

fn explain(error: &Error, template: &str, names: &str) -> String {
    let place = error.line().map_or_else(String::new, |number| {
        let line = template.lines().nth(number.saturating_sub(1)).unwrap_or("");
        let line: String = line.trim().chars().take(LINE_CHARS_MAX).collect();
        format!(" in line {number}, `{line}`")
    });
    let what = match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    };
    let names = if names.is_empty() { "nothing" } else { names };
    format!("the template cannot be filled{place}: {what}. `values` has {names}.")
}

/// The most brackets that are open at once: the parser calls itself for each.
fn open_brackets(template: &str) -> usize {
    let (mut open, mut most) = (0_usize, 0);
    for byte in template.bytes() {
        match byte {
            b'(' | b'[' | b'{' => open += 1,
            b')' | b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        most = most.max(open);
    }
    most
}

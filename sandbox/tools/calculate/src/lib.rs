//! `calculate`: decimal arithmetic for models, which are bad at it. Text becomes tokens, and
//! tokens a value; there is no tree in between.

mod function;
mod number;
mod parser;
mod token;

use guest::{Argument, Arguments, Effect, ErrorKind, Kind, Tool, ToolError, fault};

/// Longest expression, in bytes.
const EXPRESSION_BYTES_MAX: usize = 4_000;

guest::export_tools!(&[Tool {
    name: "calculate",
    description: "Work out an arithmetic expression exactly. Functions: sum, min, max, avg, \
                  round(x, digits), abs, floor, ceil, sqrt, log, ln, exp.",
    arguments: &[Argument::required(
        "expression",
        Kind::Text,
        "such as (12.5 + 3) * 4 / 7"
    )],
    effect: Effect::Pure,
    wants: &[],
    result: None,
    run: calculate,
}]);

fn calculate(arguments: &Arguments) -> Result<String, ToolError> {
    let expression = arguments.text("expression");
    if expression.len() > EXPRESSION_BYTES_MAX {
        let message = format!("the expression is longer than {EXPRESSION_BYTES_MAX} bytes.");
        return Err(fault(ErrorKind::LimitExceeded, message));
    }
    token::tokens(expression)
        .and_then(parser::value)
        .map(number::show)
        .map_err(|why| fault(ErrorKind::InvalidArguments, format!("{why}.")))
}

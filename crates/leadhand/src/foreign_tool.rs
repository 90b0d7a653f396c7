//! A tool out of somebody else's description of it and an async closure.

use crate::error::Error;
use crate::function_tool::{FunctionTool, spec};
use leadhand_schema::ForeignTool;
use serde_json::Value;
use std::sync::Arc;

/// A tool as it is described for another system (OpenAI, Anthropic, Gemini, MCP, BFCL, a pydantic
/// model), carried out by `function`. Type words such as `dict` and `float` are understood, and
/// objects are closed against arguments that nobody named; [`FunctionTool::notices`] tells all
/// that was read otherwise than it is written. Its name is changed where a model API would not
/// take it: `math.hypot` becomes `math__hypot`, and that is what roles name.
///
/// A call that does not fit is sent back to the model, with what to mend, and never reaches the
/// function. An `Err` goes back to the model as well, in its own words.
///
/// ```
/// # use serde_json::{Value, json};
/// let description = json!({
///     "name": "math.hypot",
///     "description": "Length of the vector (x, y).",
///     "parameters": {
///         "type": "dict",
///         "properties": {"x": {"type": "float"}, "y": {"type": "float"}},
///         "required": ["x", "y"],
///     },
/// });
/// let hypot = leadhand::foreign_tool(&description, |arguments: Value| async move {
///     let side = |name: &str| arguments[name].as_f64().unwrap_or_default();
///     Ok(side("x").hypot(side("y")).to_string())
/// })?;
/// assert_eq!(hypot.name(), "math__hypot");
/// assert_eq!(hypot.notices()[1].to_string(), "`x`: the type `float` was read as `number` (and in 1 more places)");
/// # Ok::<(), leadhand::Error>(())
/// ```
///
/// # Errors
/// [`Error::ForeignTool`] when it has no name, or its arguments are no object.
pub fn foreign_tool<Function, Output>(
    description: &Value,
    function: Function,
) -> Result<FunctionTool, Error>
where
    Function: Fn(Value) -> Output + Send + Sync + 'static,
    Output: Future<Output = Result<String, String>> + Send + 'static,
{
    let read = ForeignTool::read(description)?;
    let spec = spec(read.name, read.description, read.arguments);
    let function = move |arguments, _| function(arguments);
    Ok(FunctionTool::new(spec, read.notices, Arc::new(function)))
}

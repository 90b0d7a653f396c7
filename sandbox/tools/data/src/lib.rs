//! Tools for tables and trees of values, given as a file of the workspace or as text. They
//! import `files` to read the one file that a call names.

pub mod csv;
mod jq;
pub mod query;
pub mod table;

use guest::workspace::read_text;
use guest::{Argument, Arguments, Effect, ErrorKind, Kind, Tool, ToolError, Want, fault};

guest::export_tools!(&[
    Tool {
        name: "query_json",
        description: "Query JSON with a jq expression; gives one result a line.",
        arguments: &[
            Argument::required("query", Kind::Text, "such as .items[] | {name, price}"),
            Argument::replaceable("path", Kind::Text, "the JSON file"),
            Argument::optional("json", Kind::Text, "JSON text, instead of path"),
        ],
        effect: Effect::Pure,
        wants: &[Want::of("fs.read", "path")],
        result: None,
        run: |arguments| {
            let json = given(arguments, "json")?;
            query::query(&json, arguments.text("query"))
        },
    },
    Tool {
        name: "read_csv",
        description: "Read rows of CSV as JSON, some columns and rows if wanted.",
        arguments: &[
            Argument::replaceable("path", Kind::Text, "the CSV file"),
            Argument::optional("text", Kind::Text, "CSV text, instead of path"),
            Argument::optional("columns", Kind::Texts, "only these; default: all"),
            Argument::optional(
                "where",
                Kind::Object,
                "only rows with these values, such as {\"city\":\"Oslo\",\"age\":\">= 30\"}"
            ),
            Argument::optional("start_row", Kind::Count, "first row to give; default 1"),
            Argument::optional("delimiter", Kind::Text, "default: comma, semicolon or tab"),
            Argument::optional(
                "header",
                Kind::Flag,
                "whether the first line names columns; default true"
            ),
        ],
        effect: Effect::Pure,
        wants: &[Want::of("fs.read", "path")],
        result: Some(table::RESULT_SCHEMA),
        run: |arguments| {
            let text = given(arguments, "text")?;
            table::read(&text, arguments)
        },
    },
]);

/// The text that a call names by its path, or holds itself.
fn given(arguments: &Arguments, text: &str) -> Result<String, ToolError> {
    match (arguments.has("path"), arguments.has(text)) {
        (true, false) => read_text(arguments.text("path")),
        (false, true) => Ok(arguments.text(text).to_owned()),
        (true, true) | (false, false) => {
            let message = format!("Give either `path`, a file, or `{text}`, not both or neither.");
            Err(fault(ErrorKind::InvalidArguments, message))
        }
    }
}

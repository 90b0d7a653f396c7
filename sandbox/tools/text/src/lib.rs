//! Tools that make a text of texts. They import nothing, so whatever they are given stays here.

mod difference;
mod digest;
mod template;

use guest::{Argument, Effect, Kind, Tool};

/// Longest text that these tools take, in bytes.
const TEXT_BYTES_MAX: usize = 1024 * 1024;

guest::export_tools!(&[
    Tool {
        name: "diff_text",
        description: "Compare two texts by lines; gives a unified diff.",
        arguments: &[
            Argument::required("old", Kind::Text, "the first text"),
            Argument::required("new", Kind::Text, "the second text"),
            Argument::optional(
                "context",
                Kind::Integer(0, 20),
                "lines around a change; default 3"
            ),
        ],
        effect: Effect::Pure,
        wants: &[],
        result: None,
        run: difference::diff_text,
    },
    Tool {
        name: "hash",
        description: "Digest of a text, in hexadecimal.",
        arguments: &[
            Argument::required("text", Kind::Text, "the text, taken as UTF-8"),
            Argument::optional(
                "algorithm",
                Kind::Choice(&digest::ALGORITHMS),
                "default sha256"
            ),
        ],
        effect: Effect::Pure,
        wants: &[],
        result: None,
        run: digest::hash,
    },
    Tool {
        name: "fill_template",
        description: "Fill a Jinja template: {{ name }}, {% for x in list %}…{% endfor %}, \
                      {% if x %}…{% endif %}, filters such as upper, join, round.",
        arguments: &[
            Argument::required("template", Kind::Text, "the template"),
            Argument::required("values", Kind::Object, "a value for each name"),
        ],
        effect: Effect::Pure,
        wants: &[],
        result: None,
        run: template::fill_template,
    },
]);

fn refuse_longer(name: &str, text: &str) -> Result<(), guest::ToolError> {
    if text.len() <= TEXT_BYTES_MAX {
        return Ok(());
    }
    let message = format!("`{name}` is longer than {TEXT_BYTES_MAX} bytes.");
    Err(guest::fault(guest::ErrorKind::LimitExceeded, message))
}

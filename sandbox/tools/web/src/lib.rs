//! Tools that reach the network through the host, which judges each address and redirect. Two
//! tools, because they are two permissions: to read a page, and to make something happen.

pub mod charset;
mod exchange;
pub mod links;
pub mod markdown;
pub mod page;
mod table;
mod writer;

use guest::{Argument, Effect, Kind, Tool, Want};

guest::export_tools!(&[
    Tool {
        name: "fetch",
        description: "Get a web page as Markdown, or any text from a URL.",
        arguments: &[
            Argument::required("url", Kind::Text, "https://…"),
            Argument::optional(
                "as",
                Kind::Choice(&page::FORMS),
                "default markdown; text has no links, raw is unchanged"
            ),
            Argument::optional("start", Kind::Count, "first character to give; default 1"),
            Argument::optional(
                "max_chars",
                Kind::Integer(100, 100_000),
                "most characters to give; default 7000"
            ),
            Argument::optional("headers", Kind::Object, "headers of the request"),
        ],
        effect: Effect::Pure,
        wants: &[Want::net("url", &["GET"])],
        result: None,
        run: exchange::fetch,
    },
    Tool {
        name: "send_request",
        description: "Send data to a URL by HTTP; gives the answer.",
        arguments: &[
            Argument::required("url", Kind::Text, "https://…"),
            Argument::required("method", Kind::Choice(&exchange::SENDING), "HTTP method"),
            Argument::optional("body", Kind::Text, "what to send, such as JSON text"),
            Argument::optional("headers", Kind::Object, "headers of the request"),
        ],
        effect: Effect::Once,
        wants: &[Want::net("url", &exchange::SENDING)],
        result: None,
        run: exchange::send_request,
    },
]);

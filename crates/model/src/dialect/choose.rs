//! Which style suits which endpoint: a heuristic over its address, asked once.

use crate::ToolStyle;

/// Chooses a style: what was set wins; OpenAI's own service calls tools natively; a
/// llama.cpp server holds replies to a schema; anything else is tried natively, and its
/// replies are searched for calls in the text.
///
/// ```
/// use leadhand_model::{ToolStyle, choose_style};
/// assert_eq!(choose_style(None, "http://127.0.0.1:8080/v1", None), ToolStyle::Structured);
/// assert_eq!(choose_style(None, "https://api.openai.com/v1", None), ToolStyle::Native);
/// ```
#[must_use]
pub fn choose_style(
    set: Option<ToolStyle>,
    base_url: &str,
    server_header: Option<&str>,
) -> ToolStyle {
    if let Some(style) = set {
        return style;
    }
    if server_header.is_some_and(|name| name.to_ascii_lowercase().contains("llama.cpp")) {
        return ToolStyle::Structured;
    }
    let host_and_port = base_url.split("://").nth(1).unwrap_or(base_url);
    let host_and_port = host_and_port.split('/').next().unwrap_or_default();
    let is_loopback = ["127.0.0.1", "localhost", "[::1]"].iter().any(|host| {
        host_and_port
            .strip_prefix(host)
            .is_some_and(|rest| rest == ":8080")
    });
    if is_loopback {
        ToolStyle::Structured
    } else {
        ToolStyle::Native
    }
}

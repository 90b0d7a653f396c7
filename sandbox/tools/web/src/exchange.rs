//! `fetch` and `send_request`: a request through the host, and what its answer means.

use crate::page::{self, Page};
use guest::http::{self, ErrorCode, Request, Response};
use guest::{Arguments, ErrorKind, ToolError, fault};
use serde_json::Value;

/// Methods that may change something.
pub(crate) const SENDING: [&str; 4] = ["POST", "PUT", "PATCH", "DELETE"];
/// Characters of an answer that are told with a status that means failure.
const FAILURE_CHARS_MAX: usize = 500;
/// Characters that are given unless the call says otherwise.
const CHARS_DEFAULT: usize = 7_000;

pub(crate) fn fetch(arguments: &Arguments) -> Result<String, ToolError> {
    let mut headers = headers(arguments)?;
    let accept = "text/html, text/markdown, application/json, text/*;q=0.9, */*;q=0.5";
    default_header(&mut headers, "accept", accept);
    let response = send(arguments.text("url"), "GET", headers, Vec::new())?;
    let page = Page {
        asked: arguments.text("url"),
        url: &response.url,
        content_type: header(&response, "content-type"),
        body: &response.body,
        truncated: response.truncated,
    };
    let chars = arguments.count("max_chars").unwrap_or(CHARS_DEFAULT);
    page.show(
        arguments.text_or("as", page::FORMS[0]),
        arguments.count("start").unwrap_or(1),
        chars,
    )
    .map_err(|why| fault(ErrorKind::InvalidArguments, why))
}

pub(crate) fn send_request(arguments: &Arguments) -> Result<String, ToolError> {
    let mut headers = headers(arguments)?;
    let body = arguments.text("body");
    if !body.is_empty() {
        let json = serde_json::from_str::<Value>(body).is_ok_and(|body| !body.is_string());
        let kind = if json {
            "application/json"
        } else {
            "text/plain; charset=utf-8"
        };
        default_header(&mut headers, "content-type", kind);
    }
    let (url, method) = (arguments.text("url"), arguments.text("method"));
    let response = send(url, method, headers, body.as_bytes().to_vec())?;
    let text = body_text(url, &response, CHARS_DEFAULT);
    Ok(format!("{} from {}\n{text}", response.status, response.url)
        .trim_end()
        .to_owned())
}

/// The body as a model can read it.
fn body_text(asked: &str, response: &Response, chars_max: usize) -> String {
    if response.body.is_empty() {
        return String::new();
    }
    let page = Page {
        asked,
        url: &response.url,
        content_type: header(response, "content-type"),
        body: &response.body,
        truncated: response.truncated,
    };
    page.show("text", 1, chars_max).unwrap_or_default()
}

/// A request and its answer. A status that means failure is a fault.
fn send(
    url: &str,
    method: &str,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
) -> Result<Response, ToolError> {
    let request = Request {
        method: method.to_owned(),
        url: url.trim().to_owned(),
        headers,
        body,
    };
    let response = http::send(&request).map_err(|error| ToolError {
        kind: match error.code {
            ErrorCode::InvalidRequest => ErrorKind::InvalidArguments,
            ErrorCode::Denied => ErrorKind::Denied,
            ErrorCode::LimitExceeded => ErrorKind::LimitExceeded,
            ErrorCode::Unreachable | ErrorCode::TimedOut | ErrorCode::Failed => ErrorKind::Failed,
        },
        message: error.message,
        retryable: matches!(error.code, ErrorCode::Unreachable | ErrorCode::TimedOut),
    })?;
    if (200..300).contains(&response.status) {
        return Ok(response);
    }
    let said = body_text(url, &response, FAILURE_CHARS_MAX);
    let status = response.status;
    Err(ToolError {
        kind: match status {
            404 | 410 => ErrorKind::NotFound,
            _ => ErrorKind::Failed,
        },
        message: format!("{} answered {status}. {said}", response.url)
            .trim_end()
            .to_owned(),
        retryable: matches!(status, 429 | 502 | 503 | 504),
    })
}

fn headers(arguments: &Arguments) -> Result<Vec<(String, String)>, ToolError> {
    let given = arguments.object("headers").into_iter().flatten();
    given
        .map(|(name, value)| match value {
            Value::String(value) => Ok((name.to_ascii_lowercase(), value.clone())),
            Value::Number(_) | Value::Bool(_) => Ok((name.to_ascii_lowercase(), value.to_string())),
            Value::Null | Value::Array(_) | Value::Object(_) => {
                let message = format!("the header `{name}` must be a string, not {value}.");
                Err(fault(ErrorKind::InvalidArguments, message))
            }
        })
        .collect()
}

fn default_header(headers: &mut Vec<(String, String)>, name: &str, value: &str) {
    if !headers.iter().any(|(given, _)| given == name) {
        headers.push((name.to_owned(), value.to_owned()));
    }
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    let found = response.headers.iter().find(|(given, _)| given == name);
    found.map_or("", |(_, value)| value)
}

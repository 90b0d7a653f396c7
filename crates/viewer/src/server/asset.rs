//! The files of the page, which are part of the program.

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const IMAGE: &str = "image/svg+xml";
const PAGE: &str = "text/html; charset=utf-8";

/// Name, kind and text of each file.
const FILES: &[(&str, &str, &str)] = &[
    ("api.js", SCRIPT, include_str!("../page/api.js")),
    ("app.js", SCRIPT, include_str!("../page/app.js")),
    ("attention.js", SCRIPT, include_str!("../page/attention.js")),
    ("detail.js", SCRIPT, include_str!("../page/detail.js")),
    ("dom.js", SCRIPT, include_str!("../page/dom.js")),
    ("graph.js", SCRIPT, include_str!("../page/graph.js")),
    ("icon.svg", IMAGE, include_str!("../page/icon.svg")),
    ("lanes.js", SCRIPT, include_str!("../page/lanes.js")),
    ("list.js", SCRIPT, include_str!("../page/list.js")),
    ("orders.js", SCRIPT, include_str!("../page/orders.js")),
    ("people.js", SCRIPT, include_str!("../page/people.js")),
    ("plan_edit.js", SCRIPT, include_str!("../page/plan_edit.js")),
    ("run.js", SCRIPT, include_str!("../page/run.js")),
    ("runs.js", SCRIPT, include_str!("../page/runs.js")),
    ("spend.js", SCRIPT, include_str!("../page/spend.js")),
    ("style.css", STYLE, include_str!("../page/style.css")),
    ("text.js", SCRIPT, include_str!("../page/text.js")),
];

/// The page itself.
pub(super) async fn page() -> Response {
    (
        [(header::CONTENT_TYPE, PAGE)],
        include_str!("../page/index.html"),
    )
        .into_response()
}

/// A file of the page.
pub(super) async fn asset(Path(name): Path<String>) -> Response {
    match FILES.iter().find(|(called, _, _)| *called == name) {
        Some((_, kind, text)) => ([(header::CONTENT_TYPE, *kind)], *text).into_response(),
        None => (StatusCode::NOT_FOUND, "there is no such file of the page\n").into_response(),
    }
}

//! What the page asks for beside its stream. Everything that comes in a request is bounded, and
//! every answer is as well; what a person does is in `orders`.

use super::Shared;
use crate::book::{LanesAsked, Part, Sought};
use crate::watched::Watched;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use leadhand_protocol::{AgentId, RunId, Seq};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// Most rows of one answer.
const ROWS_MAX: usize = 300;
/// Longest words that are looked for, in characters.
const WORDS_CHARS_MAX: usize = 200;
/// Tasks that one search gives.
const TASKS_FOUND_MAX: usize = 200;
/// Bytes of one piece of a long text.
const PIECE_BYTES: usize = 64 * 1024;

/// An answer or what to say in place of it.
pub(super) type Answered = Result<Response, Refused>;

/// A refusal in words, as the page reads it.
pub(super) struct Refused {
    status: StatusCode,
    why: String,
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let body = json!({"trouble": self.why}).to_string();
        let kind = [(header::CONTENT_TYPE, "application/json")];
        (self.status, kind, body).into_response()
    }
}

pub(super) fn refused(status: StatusCode, why: impl Into<String>) -> Refused {
    Refused {
        status,
        why: why.into(),
    }
}

pub(super) fn answer(value: &Value) -> Response {
    (
        [(header::CONTENT_TYPE, "application/json")],
        value.to_string(),
    )
        .into_response()
}

pub(super) fn bad(why: impl Into<String>) -> Refused {
    refused(StatusCode::BAD_REQUEST, why)
}

fn missing(what: &str) -> Refused {
    refused(
        StatusCode::NOT_FOUND,
        format!("{what} is not in this run; look at the run again"),
    )
}

/// For what is asked that is not there.
pub(super) async fn nothing() -> Refused {
    refused(StatusCode::NOT_FOUND, "there is nothing of this name here")
}

pub(super) async fn opened(shared: &Shared, run: &str) -> Result<Arc<Watched>, Refused> {
    let run = named(run)?;
    let opened = shared.watching.open(&run).await;
    opened.map_err(|why| refused(StatusCode::NOT_FOUND, why.to_string()))
}

fn named(run: &str) -> Result<RunId, Refused> {
    RunId::new(run).map_err(|_| {
        refused(
            StatusCode::NOT_FOUND,
            "this is no name of a run; the list of runs shows them",
        )
    })
}

/// Which rows: so many from one on, or these.
#[derive(Deserialize)]
pub(super) struct RowsAsked {
    from: Option<usize>,
    count: Option<usize>,
    at: Option<String>,
}

pub(super) async fn rows(
    State(shared): State<Arc<Shared>>,
    Path(run): Path<String>,
    Query(asked): Query<RowsAsked>,
) -> Answered {
    let watched = opened(&shared, &run).await?;
    let book = watched.book();
    let rows = match asked.at {
        Some(list) => book.rows(numbers(&list)?.into_iter()),
        None => {
            let from = asked.from.unwrap_or_default().min(book.count());
            let count = asked.count.unwrap_or(ROWS_MAX).min(ROWS_MAX);
            book.rows(from..from + count)
        }
    };
    Ok(answer(&json!({"rows": rows, "of": book.count()})))
}

/// Numbers with commas between them, at most [`ROWS_MAX`].
fn numbers(list: &str) -> Result<Vec<usize>, Refused> {
    let parts = list.split(',').filter(|part| !part.is_empty());
    let numbers: Result<Vec<usize>, _> = parts.map(str::parse).collect();
    match numbers {
        Ok(numbers) if numbers.len() <= ROWS_MAX => Ok(numbers),
        Ok(_) => Err(bad("more rows were asked for than one answer holds")),
        Err(_) => Err(bad("rows are asked for by their numbers")),
    }
}

/// What is looked for.
#[derive(Deserialize)]
pub(super) struct FindAsked {
    #[serde(default)]
    words: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    task: String,
    agent: Option<u32>,
    #[serde(default)]
    trouble: bool,
}

pub(super) async fn find(
    State(shared): State<Arc<Shared>>,
    Path(run): Path<String>,
    Query(asked): Query<FindAsked>,
) -> Answered {
    if asked.words.chars().count() > WORDS_CHARS_MAX {
        return Err(bad(format!(
            "what is looked for has {WORDS_CHARS_MAX} characters at most"
        )));
    }
    let watched = opened(&shared, &run).await?;
    let sought = Sought {
        words: asked.words.trim().to_owned(),
        kind: asked.kind,
        task: asked.task,
        agent: asked.agent.map(AgentId),
        trouble: asked.trouble,
    };
    let looking = tokio::task::spawn_blocking(move || {
        let book = watched.book();
        let (places, more) = book.search(&sought);
        let tasks = match sought.words.as_str() {
            "" => Vec::new(),
            words => book.tasks_with(words, TASKS_FOUND_MAX),
        };
        json!({"places": places, "more": more, "tasks": tasks, "of": book.count()})
    });
    let found = looking.await;
    let found = found.map_err(|_| {
        refused(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the search broke off; try it again",
        )
    })?;
    Ok(answer(&found))
}

/// Which thing of the list, task or agent.
#[derive(Deserialize)]
pub(super) struct OneAsked {
    at: Option<usize>,
    id: Option<String>,
}

pub(super) async fn detail(
    State(shared): State<Arc<Shared>>,
    Path(run): Path<String>,
    Query(asked): Query<OneAsked>,
) -> Answered {
    let watched = opened(&shared, &run).await?;
    let found = asked.at.and_then(|at| watched.book().detail(at));
    found
        .map(|it| answer(&it))
        .ok_or_else(|| missing("what was asked for"))
}

pub(super) async fn task(
    State(shared): State<Arc<Shared>>,
    Path(run): Path<String>,
    Query(asked): Query<OneAsked>,
) -> Answered {
    let watched = opened(&shared, &run).await?;
    let found = asked.id.and_then(|id| watched.book().task(&id));
    found
        .map(|it| answer(&it))
        .ok_or_else(|| missing("this task"))
}

pub(super) async fn agent(
    State(shared): State<Arc<Shared>>,
    Path(run): Path<String>,
    Query(asked): Query<OneAsked>,
) -> Answered {
    let watched = opened(&shared, &run).await?;
    let id = asked.id.and_then(|id| id.parse().ok()).map(AgentId);
    let found = id.and_then(|id| watched.book().agent(id));
    found
        .map(|it| answer(&it))
        .ok_or_else(|| missing("this agent"))
}

/// Which lanes, by the numbers of their agents.
#[derive(Deserialize)]
pub(super) struct LanesQuery {
    agents: String,
    from_ms: u64,
    to_ms: u64,
    pixels: u64,
}

pub(super) async fn lanes(
    State(shared): State<Arc<Shared>>,
    Path(run): Path<String>,
    Query(asked): Query<LanesQuery>,
) -> Answered {
    let watched = opened(&shared, &run).await?;
    let agents = numbers(&asked.agents)?.into_iter();
    let asked = LanesAsked {
        agents: agents
            .filter_map(|id| u32::try_from(id).ok())
            .map(AgentId)
            .collect(),
        from_ms: asked.from_ms,
        to_ms: asked.to_ms,
        pixels: asked.pixels,
    };
    Ok(answer(&json!({"lanes": watched.book().lanes(&asked)})))
}

pub(super) async fn spend(State(shared): State<Arc<Shared>>, Path(run): Path<String>) -> Answered {
    let watched = opened(&shared, &run).await?;
    Ok(answer(&json!({"points": watched.book().spend()})))
}

/// Which text, and from which of its bytes on.
#[derive(Deserialize)]
pub(super) struct TextAsked {
    at: Option<usize>,
    agent: Option<u32>,
    part: Part,
    #[serde(default)]
    from: usize,
}

pub(super) async fn text(
    State(shared): State<Arc<Shared>>,
    Path(run): Path<String>,
    Query(asked): Query<TextAsked>,
) -> Answered {
    let watched = opened(&shared, &run).await?;
    let seq: Option<Seq> = {
        let book = watched.book();
        let of_agent = asked.agent.and_then(|agent| book.began(AgentId(agent)));
        of_agent.or_else(|| book.record_of(asked.at?, asked.part))
    };
    let seq = seq.ok_or_else(|| missing("this text"))?;
    let text = shared.watching.text(&watched, seq, asked.part).await;
    let text = text.map_err(|why| refused(StatusCode::CONFLICT, why.to_string()))?;
    let text = text.ok_or_else(|| missing("this text"))?;
    let from = text.floor_char_boundary(asked.from.min(text.len()));
    let to = text.floor_char_boundary((from + PIECE_BYTES).min(text.len()));
    Ok(answer(&json!({
        "text": &text[from..to], "from": from, "to": to, "of": text.len(),
    })))
}

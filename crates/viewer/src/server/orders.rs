//! What a person does from the page: answers questions, gives orders, has a run go on. Whatever was
//! begun is brought to its end, also when the page that asked is closed meanwhile.

use super::Shared;
use super::answers::{Answered, answer, bad, opened, refused};
use crate::order::Order;
use crate::watched::Watched;
use crate::{OpenRunQuestion, Resume, Trouble, Undoable};
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use std::future::Future;
use std::sync::Arc;

/// Calls to be undone that are shown one by one.
const UNDOABLE_MAX: usize = 200;
/// Characters of the arguments of one of them.
const ARGUMENTS_CHARS_MAX: usize = 2_000;
/// Longest name of a model, in characters.
const MODEL_CHARS_MAX: usize = 200;

pub(super) async fn questions(
    State(shared): State<Arc<Shared>>,
    Path(run): Path<String>,
) -> Answered {
    let watched = opened(&shared, &run).await?;
    let open = shared.watching.runs.questions(watched.run.clone()).await;
    let open = open.map_err(|why| refused(StatusCode::CONFLICT, why.to_string()))?;
    Ok(answer(&json!({"open": open})))
}

/// What rolling back would undo, and the digest of that.
pub(super) async fn undoable(
    State(shared): State<Arc<Shared>>,
    Path(run): Path<String>,
) -> Answered {
    let watched = opened(&shared, &run).await?;
    let all = shared.watching.runs.undoable(watched.run.clone()).await;
    let all = all.map_err(|why| refused(StatusCode::CONFLICT, why.to_string()))?;
    let shown: Vec<Value> = all.iter().take(UNDOABLE_MAX).map(to_undo).collect();
    Ok(answer(&json!({
        "calls": shown, "of": all.len(), "digest": Undoable::digest(&all),
    })))
}

fn to_undo(it: &Undoable) -> Value {
    let arguments = it.tool_call.arguments.to_string();
    let arguments: String = match arguments.char_indices().nth(ARGUMENTS_CHARS_MAX) {
        Some((at, _)) => format!("{}…", &arguments[..at]),
        None => arguments,
    };
    json!({"call": it.call, "tool": it.tool_call.name, "arguments": arguments, "undo": it.undo})
}

pub(super) async fn order(
    State(shared): State<Arc<Shared>>,
    Path(run): Path<String>,
    body: Bytes,
) -> Answered {
    let watched = opened(&shared, &run).await?;
    let order: Order =
        serde_json::from_slice(&body).map_err(|why| bad(format!("this is no order: {why}")))?;
    let live = to_its_end(ordered(Arc::clone(&shared), watched, order)).await;
    let live = live.map_err(|why| refused(StatusCode::CONFLICT, why.to_string()))?;
    Ok(answer(&json!({"live": live})))
}

async fn ordered(
    shared: Arc<Shared>,
    watched: Arc<Watched>,
    order: Order,
) -> Result<bool, Trouble> {
    let runs = &shared.watching.runs;
    let run = &watched.run;
    let mut open: Option<OpenRunQuestion> = None;
    if let Some((question, digest)) = order.answers() {
        let all = runs.questions(run.clone()).await?;
        let shown = |it: &OpenRunQuestion| it.question == question && it.digest == digest;
        open = all.into_iter().find(shown);
    }
    if let Some(shown) = order.undoes() {
        let now = Undoable::digest(&runs.undoable(run.clone()).await?);
        if now != shown {
            return Err(Trouble(
                "what would be undone is not what was shown any more; look again, then order it"
                    .to_owned(),
            ));
        }
    }
    let order = order.checked(open.as_ref())?;
    let live = runs.order(run.clone(), order).await?;
    // What a run that stands still is told is in its journal, which nobody follows.
    watched.follow(runs);
    Ok(live)
}

/// How a run is to go on.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ResumeAsked {
    #[serde(default)]
    model: String,
    tokens_added: Option<u64>,
    micro_usd_added: Option<u64>,
}

pub(super) async fn resume(
    State(shared): State<Arc<Shared>>,
    Path(run): Path<String>,
    body: Bytes,
) -> Answered {
    let watched = opened(&shared, &run).await?;
    let asked: ResumeAsked =
        serde_json::from_slice(&body).map_err(|why| bad(format!("this is no order: {why}")))?;
    let model = asked.model.trim();
    if model.chars().count() > MODEL_CHARS_MAX || model.chars().any(char::is_control) {
        return Err(bad("this is no name of a model"));
    }
    let how = Resume {
        model: Some(model.to_owned()).filter(|model| !model.is_empty()),
        tokens_added: asked.tokens_added,
        micro_usd_added: asked.micro_usd_added,
    };
    let said = to_its_end(async move {
        let runs = &shared.watching.runs;
        let said = runs.resume(watched.run.clone(), how).await;
        shared.watching.look().await;
        watched.follow(runs);
        said
    });
    let said = said.await;
    let said = said.map_err(|why| refused(StatusCode::CONFLICT, why.to_string()))?;
    Ok(answer(&json!({"said": said})))
}

/// Has something done even if nobody waits for it any more.
async fn to_its_end<T: Send + 'static>(
    what: impl Future<Output = Result<T, Trouble>> + Send + 'static,
) -> Result<T, Trouble> {
    tokio::spawn(what).await.unwrap_or_else(|_| {
        Err(Trouble(
            "it broke off, and nobody knows how far it came; look at the run again".to_owned(),
        ))
    })
}

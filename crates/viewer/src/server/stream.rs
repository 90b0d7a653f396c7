//! The stream of events of a page: the list of runs, and of those it shows what changed. One
//! stream does for all, since a browser keeps few connections to a host. Each message is all that
//! changed since the last one, so that a page that reads slowly gets fewer and not older ones.

use super::Shared;
use super::answers::{Refused, refused};
use crate::book::Known;
use crate::watched::{Listed, Watched};
use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::stream;
use leadhand_protocol::RunId;
use serde::Deserialize;
use serde_json::json;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// Most runs of one stream.
const RUNS_MAX: usize = 2;
/// Messages that wait to be sent.
const MESSAGES_MAX: usize = 4;
/// Milliseconds of silence after which a page is told that the stream is alive.
const ALIVE_MS: u64 = 10_000;
/// Milliseconds between two messages of a run, at least.
const GAP_MS: u64 = 200;

/// Which runs a page shows.
#[derive(Deserialize)]
pub(super) struct Shown {
    #[serde(default)]
    runs: String,
}

/// A run that a page shows, and what it knows of it.
struct View {
    watched: Arc<Watched>,
    news: watch::Receiver<u64>,
    known: Known,
    /// All that was new when the last piece was given was given.
    is_told: bool,
}

/// Answers with the stream.
pub(super) async fn events(
    State(shared): State<Arc<Shared>>,
    Query(shown): Query<Shown>,
) -> Result<Response, Refused> {
    let Ok(permit) = Arc::clone(&shared.streams).try_acquire_owned() else {
        let why = "too many pages look at this server; close one, then load this one again";
        return Err(refused(StatusCode::SERVICE_UNAVAILABLE, why));
    };
    let names: Vec<&str> = shown
        .runs
        .split(',')
        .filter(|name| !name.is_empty())
        .collect();
    if names.len() > RUNS_MAX {
        return Err(refused(
            StatusCode::BAD_REQUEST,
            "a page shows two runs at most",
        ));
    }
    let mut views = Vec::new();
    for name in names {
        let Ok(run) = RunId::new(name) else {
            return Err(refused(
                StatusCode::NOT_FOUND,
                "this is no name of a run; the list of runs shows them",
            ));
        };
        match shared.watching.open(&run).await {
            Ok(watched) => views.push(View {
                news: watched.news(),
                watched,
                known: Known::default(),
                is_told: false,
            }),
            Err(why) => return Err(refused(StatusCode::NOT_FOUND, why.to_string())),
        }
    }
    let (to, messages) = mpsc::channel(MESSAGES_MAX);
    tokio::spawn(async move {
        let _permit = permit;
        tell(&shared, views, &to).await;
    });
    let body = stream::unfold(messages, |mut messages| async move {
        let message = messages.recv().await?;
        Some((Ok::<Bytes, Infallible>(message), messages))
    });
    let kind = [(header::CONTENT_TYPE, "text/event-stream")];
    Ok((kind, Body::from_stream(body)).into_response())
}

/// Tells what is new until nobody listens.
async fn tell(shared: &Shared, mut views: Vec<View>, to: &mpsc::Sender<Bytes>) {
    shared.watching.look().await;
    let mut list = shared.watching.list();
    list.mark_changed();
    views.iter_mut().for_each(|view| view.news.mark_changed());
    loop {
        let mut is_silent = true;
        if list.has_changed().unwrap_or(false) {
            is_silent = false;
            let message = listed(&shared.watching.runs.title(), &list.borrow_and_update());
            if to.send(message).await.is_err() {
                return;
            }
        }
        let mut gap_ms = 0;
        for view in &mut views {
            if !view.news.has_changed().unwrap_or(false) {
                continue;
            }
            view.news.mark_unchanged();
            // Piece by piece: whoever reads slowly has few of them wait, however long the run is.
            while let Some(message) = view.some_news() {
                // The list comes once a second at most, and the first word of a run at once.
                (gap_ms, is_silent) = (GAP_MS, false);
                if to.send(message).await.is_err() {
                    return;
                }
            }
        }
        if is_silent && to.send(Bytes::from_static(b": alive\n\n")).await.is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(gap_ms)).await;
        let of_runs = views.iter_mut().map(|view| Box::pin(view.news.changed()));
        let of_runs: Vec<_> = of_runs.collect();
        tokio::select! {
            () = to.closed() => return,
            _ = list.changed() => list.mark_changed(),
            at = any(of_runs) => if let Some(view) = at.and_then(|at| views.get_mut(at)) {
                view.news.mark_changed();
            },
            () = tokio::time::sleep(Duration::from_millis(ALIVE_MS)) => {}
        }
    }
}

/// The first of these that is ready; never where there is none.
async fn any<F: Future + Unpin>(all: Vec<F>) -> Option<usize> {
    if all.is_empty() {
        return std::future::pending().await;
    }
    let (_, at, _) = futures::future::select_all(all).await;
    Some(at)
}

impl View {
    /// The next piece of what is new; none when all of it was given.
    fn some_news(&mut self) -> Option<Bytes> {
        let following = self.watched.following();
        let said = json!({
            "following": following.at_work, "complete": following.complete,
            "trouble": following.trouble,
        });
        let book = self.watched.book();
        // The page says that it waits until there is something.
        if book.is_empty() || std::mem::take(&mut self.is_told) {
            return None;
        }
        let (news, more) = book.news(&mut self.known, &self.watched.run, &said);
        self.is_told = !more;
        Some(message(&news))
    }
}

fn listed(title: &str, list: &Listed) -> Bytes {
    let runs = json!({"kind": "runs", "title": title, "runs": list.lines, "trouble": list.trouble});
    message(&runs.to_string())
}

/// A message as a stream of events has it; JSON has no line ends of its own.
fn message(json: &str) -> Bytes {
    Bytes::from(format!("data: {json}\n\n"))
}

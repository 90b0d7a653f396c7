//! The page's server: it listens on this machine alone, answers nobody without the secrets of
//! `guard`, and holds everything that is asked of it within bounds.

use crate::Runs;
use crate::watched::Watching;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::routing::{get, post};
use guard::Guard;
use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

mod answers;
mod asset;
mod bounded;
mod guard;
mod orders;
mod stream;

/// Longest body of a request, in bytes.
pub const BODY_BYTES_MAX: usize = 64 * 1024;
/// Longest address of a request with its query, in bytes.
pub const URI_BYTES_MAX: usize = 4 * 1024;
/// Most connections at once; who comes later waits until one is closed.
pub const CONNECTIONS_MAX: usize = 64;
/// Most streams of events at once.
pub const STREAMS_MAX: usize = 16;

/// A page that shows runs, on an address of this machine that only its user knows whole.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    shared: Arc<Shared>,
}

/// What all requests share.
pub(crate) struct Shared {
    guard: Guard,
    watching: Watching,
    streams: Arc<Semaphore>,
}

impl Server {
    /// Listens on 127.0.0.1; port 0 is any that is free.
    ///
    /// # Errors
    /// That the port cannot be had, or that the system gives no random numbers.
    pub async fn bind(runs: impl Runs, port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        let shared = Shared {
            guard: Guard::new(address.port())?,
            watching: Watching::new(Arc::new(runs)),
            streams: Arc::new(Semaphore::new(STREAMS_MAX)),
        };
        Ok(Self {
            listener,
            address,
            shared: Arc::new(shared),
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address of the page with the secret that opens it. Whoever knows it can look at the
    /// runs and give orders.
    #[must_use]
    pub fn url(&self) -> String {
        self.shared.guard.url()
    }

    /// Serves until `stopped` is.
    ///
    /// # Errors
    /// That the system takes the listener away.
    pub async fn serve(self, stopped: impl Future<Output = ()>) -> io::Result<()> {
        let shared = Arc::clone(&self.shared);
        let app = router(shared);
        let listener = bounded::Bounded::new(self.listener, CONNECTIONS_MAX);
        let keeping = self.shared.watching.keep_list();
        tokio::select! {
            served = axum::serve(listener, app) => served,
            () = keeping => Ok(()),
            () = stopped => Ok(()),
        }
    }
}

fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/", get(asset::page))
        .route("/enter", get(guard::enter))
        .route("/page/{name}", get(asset::asset))
        .route("/api/events", get(stream::events))
        .route("/api/runs/{run}/rows", get(answers::rows))
        .route("/api/runs/{run}/find", get(answers::find))
        .route("/api/runs/{run}/detail", get(answers::detail))
        .route("/api/runs/{run}/task", get(answers::task))
        .route("/api/runs/{run}/agent", get(answers::agent))
        .route("/api/runs/{run}/lanes", get(answers::lanes))
        .route("/api/runs/{run}/spend", get(answers::spend))
        .route("/api/runs/{run}/text", get(answers::text))
        .route("/api/runs/{run}/questions", get(orders::questions))
        .route("/api/runs/{run}/undoable", get(orders::undoable))
        .route("/api/runs/{run}/resume", post(orders::resume))
        .route("/api/runs/{run}/orders", post(orders::order))
        .fallback(answers::nothing)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(middleware::from_fn_with_state(
            Arc::clone(&shared),
            guard::guarded,
        ))
        .with_state(shared)
}

//! One request and its answer over a stream that is there: HTTP/1.1 by hyper, within bounds of
//! what is read and how. Nothing is spawned: the connection is driven by whoever waits for the
//! answer, and is gone with it.

use super::reach::Wire;
use super::redirect;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Longest head of an answer, in bytes.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Most headers of an answer.
const HEADERS_MAX: usize = 128;

/// What one call has sent and received, as its servers saw it before TLS.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    sent: AtomicU64,
    received: AtomicU64,
    received_max: u64,
}

impl Traffic {
    pub(super) fn new(received_max: u64) -> Self {
        Self {
            received_max,
            ..Self::default()
        }
    }

    pub(super) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    pub(super) fn receivable(&self) -> u64 {
        let received = self.received.load(Ordering::Relaxed);
        self.received_max.saturating_sub(received)
    }
}

/// An answer as it came.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    /// Empty for a redirect, whose body is not read.
    pub(super) body: Vec<u8>,
    /// Whether the body goes on, over what the call may receive.
    pub(super) cut: bool,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Broken {
    /// The call may receive no more, and the head of the answer was not through.
    Spent,
    /// It is not HTTP, is too large, or ended early.
    Wrong(String),
}

/// Sends a request and reads its answer.
pub(super) async fn exchange(
    wire: Box<dyn Wire>,
    request: Request<Full<Bytes>>,
    traffic: &Arc<Traffic>,
) -> Result<Answer, Broken> {
    let metered = Metered {
        wire,
        traffic: Arc::clone(traffic),
    };
    let head_only = request.method() == Method::HEAD;
    let broken = |error: &hyper::Error| match traffic.receivable() {
        0 => Broken::Spent,
        _ => Broken::Wrong(error.to_string()),
    };
    let (mut sender, connection) = http1::Builder::new()
        .max_header_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX)
        .handshake(TokioIo::new(metered))
        .await
        .map_err(|error| broken(&error))?;
    let answering = async {
        let response = sender.send_request(request).await;
        let (head, mut body) = response.map_err(|error| broken(&error))?.into_parts();
        let mut answer = Answer {
            status: head.status,
            headers: head.headers,
            body: Vec::new(),
            cut: false,
        };
        if answer.status == StatusCode::SWITCHING_PROTOCOLS {
            return Err(Broken::Wrong("it changes the protocol".to_owned()));
        }
        if head_only || redirect::leads_on(&answer) {
            return Ok(answer);
        }
        while let Some(frame) = body.frame().await {
            match frame.map_err(|error| broken(&error)) {
                Ok(frame) => {
                    let data = frame.into_data().unwrap_or_default();
                    answer.body.extend_from_slice(&data);
                }
                Err(Broken::Spent) => {
                    answer.cut = true;
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(answer)
    };
    beside(connection, answering).await
}

/// Waits for `work` and lets `connection` go on meanwhile.
async fn beside<T>(connection: impl Future, work: impl Future<Output = T>) -> T {
    let mut connection = pin!(connection);
    let mut work = pin!(work);
    let mut ended = false;
    poll_fn(|context| {
        // How it ended, whoever waits for the answer is told.
        ended = ended || connection.as_mut().poll(context).is_ready();
        work.as_mut().poll(context)
    })
    .await
}

/// A stream that counts, and gives no more than the call may receive.
struct Metered {
    wire: Box<dyn Wire>,
    traffic: Arc<Traffic>,
}

impl AsyncRead for Metered {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let receivable = usize::try_from(self.traffic.receivable()).unwrap_or(usize::MAX);
        let room = buffer.remaining().min(receivable);
        if room == 0 {
            return Poll::Ready(Err(io::ErrorKind::QuotaExceeded.into()));
        }
        let mut part = ReadBuf::new(buffer.initialize_unfilled_to(room));
        ready!(Pin::new(&mut self.wire).poll_read(context, &mut part))?;
        let read = part.filled().len();
        buffer.advance(read);
        self.traffic
            .received
            .fetch_add(read as u64, Ordering::Relaxed);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Metered {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.wire).poll_write(context, bytes))?;
        self.traffic
            .sent
            .fetch_add(written as u64, Ordering::Relaxed);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_shutdown(context)
    }
}

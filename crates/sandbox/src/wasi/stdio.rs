//! Standard output and error of a guest. What is over the limit is dropped without an error: a
//! full pipe would end a program that only wanted to say something.

use crate::contract::log::Level;
use crate::imports::note;
use crate::meter::Ledger;
use bytes::Bytes;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::AsyncWrite;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::pipe::MemoryOutputPipe;
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

/// Bytes a guest may hand over at once.
const WRITE_BYTES_MAX: usize = 64 * 1024;

/// Where the output of a guest goes.
pub(crate) enum Output {
    /// Into the log, under the name of the call.
    Log(String),
    /// To whoever runs the program: standard output, standard error.
    Capture(Capture, Capture),
}

impl Output {
    pub(super) fn streams(self, ledger: &Arc<Ledger>) -> (Stream, Stream) {
        match self {
            Self::Log(call) => {
                let call: Arc<str> = call.into();
                let to = |level| {
                    let (ledger, call) = (Arc::clone(ledger), Arc::clone(&call));
                    Stream(Sink::Log(ledger, call, level))
                };
                (to(Level::Info), to(Level::Warn))
            }
            Self::Capture(stdout, stderr) => {
                (Stream(Sink::Capture(stdout)), Stream(Sink::Capture(stderr)))
            }
        }
    }
}

/// Bytes that a program wrote, up to a limit.
#[derive(Debug, Clone)]
pub(crate) struct Capture {
    bytes: Arc<Mutex<Vec<u8>>>,
    bytes_max: usize,
}

impl Capture {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self {
            bytes: Arc::default(),
            bytes_max,
        }
    }

    pub(crate) fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.bytes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn add(&self, more: &[u8]) {
        let mut bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        let room = self.bytes_max.saturating_sub(bytes.len());
        bytes.extend_from_slice(&more[..more.len().min(room)]);
    }
}

#[derive(Clone)]
enum Sink {
    Log(Arc<Ledger>, Arc<str>, Level),
    Capture(Capture),
}

/// One of the two outputs of a program.
#[derive(Clone)]
pub(super) struct Stream(Sink);

impl IsTerminal for Stream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Stream {
    /// WASI 0.3 would write here; this host offers 0.2 only, so nothing does.
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        MemoryOutputPipe::new(0).async_stream()
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[async_trait]
impl Pollable for Stream {
    async fn ready(&mut self) {}
}

#[async_trait]
impl OutputStream for Stream {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        match &self.0 {
            Sink::Log(ledger, call, level) => {
                note(ledger, call, *level, &String::from_utf8_lossy(&bytes));
            }
            Sink::Capture(capture) => capture.add(&bytes),
        }
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(WRITE_BYTES_MAX)
    }
}

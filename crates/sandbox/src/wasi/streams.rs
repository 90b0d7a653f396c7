//! Streams over files that count what goes through them.

use super::Node;
use crate::files::FileAccess;
use crate::meter::Ledger;
use bytes::Bytes;
use std::io;
use std::sync::Arc;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::p2::{
    DynInputStream, DynOutputStream, InputStream, OutputStream, Pollable, StreamError, StreamResult,
};

/// What a stream says at the limit; told to the guest as `quota`.
fn quota() -> StreamError {
    StreamError::LastOperationFailed(io::Error::from(io::ErrorKind::QuotaExceeded).into())
}

/// Reads a file, as far as the call may read.
pub(super) struct CountedInput {
    pub(super) inner: DynInputStream,
    pub(super) ledger: Arc<Ledger>,
    /// Keeps the file counted as open.
    pub(super) _node: Node,
}

impl CountedInput {
    /// How much may be read now: one byte more than the rest would be an error, but a file that
    /// ends just there has only been read to its end.
    fn size(&self, wanted: usize) -> usize {
        let left = self.ledger.bytes_readable().saturating_add(1);
        wanted.min(usize::try_from(left).unwrap_or(usize::MAX))
    }

    fn counted(&self, read: StreamResult<Bytes>) -> StreamResult<Bytes> {
        let bytes = read?;
        let length = bytes.len() as u64;
        if length > self.ledger.bytes_readable() {
            self.ledger.read(u64::MAX);
            return Err(quota());
        }
        self.ledger.read(length);
        Ok(bytes)
    }
}

#[async_trait]
impl Pollable for CountedInput {
    async fn ready(&mut self) {
        self.inner.ready().await;
    }
}

#[async_trait]
impl InputStream for CountedInput {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        let read = self.inner.read(self.size(size));
        self.counted(read)
    }

    async fn blocking_read(&mut self, size: usize) -> StreamResult<Bytes> {
        let read = self.inner.blocking_read(self.size(size)).await;
        self.counted(read)
    }

    async fn cancel(&mut self) {
        self.inner.cancel().await;
    }
}

/// Writes a file, as far as the call may write.
pub(super) struct CountedOutput {
    pub(super) inner: DynOutputStream,
    pub(super) ledger: Arc<Ledger>,
    pub(super) files: Arc<FileAccess>,
    /// Names the file, and keeps it counted as open.
    pub(super) node: Node,
}

impl CountedOutput {
    /// Takes what is about to be written from what the call may write, and notes the change.
    fn count(&self, bytes: usize) -> StreamResult<()> {
        if !self.ledger.write(bytes as u64) {
            return Err(quota());
        }
        if bytes > 0 {
            self.files.changes().touched(&self.node.path, true);
        }
        Ok(())
    }
}

#[async_trait]
impl Pollable for CountedOutput {
    async fn ready(&mut self) {
        self.inner.ready().await;
    }
}

#[async_trait]
impl OutputStream for CountedOutput {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.count(bytes.len())?;
        self.inner.write(bytes)
    }

    fn flush(&mut self) -> StreamResult<()> {
        self.inner.flush()
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        self.inner.check_write()
    }

    async fn blocking_write_and_flush(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.count(bytes.len())?;
        self.inner.blocking_write_and_flush(bytes).await
    }

    async fn cancel(&mut self) {
        self.inner.cancel().await;
    }
}

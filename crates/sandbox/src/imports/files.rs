//! The files of the workspace: what a guest asks, counted, over [`FileAccess`].

use crate::contract::files::{Entry, Error, ErrorCode, Host, Metadata};
use crate::files::FileAccess;
use crate::path::fault;
use crate::state::CallState;
use std::sync::Arc;

impl CallState {
    async fn blocking<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&FileAccess) -> Result<T, Error> + Send + 'static,
    ) -> wasmtime::Result<Result<T, Error>> {
        self.meter.host_call()?;
        let Some(files) = self.files.as_ref().map(Arc::clone) else {
            return Ok(Err(fault(
                ErrorCode::Denied,
                "Files are closed to this call.",
            )));
        };
        Ok(tokio::task::spawn_blocking(move || work(&files)).await?)
    }

    /// As [`Self::blocking`], and until it is done the call has a change in doubt.
    async fn changing(
        &mut self,
        work: impl FnOnce(&FileAccess) -> Result<(), Error> + Send + 'static,
    ) -> wasmtime::Result<Result<(), Error>> {
        self.blocking(move |files| {
            files.changes().writes_pending += 1;
            let done = work(files);
            files.changes().writes_pending -= 1;
            done
        })
        .await
    }
}

impl Host for CallState {
    async fn list_folder(&mut self, path: String) -> wasmtime::Result<Result<Vec<Entry>, Error>> {
        let entries_max = self.meter.folder_entries_listable();
        let listed = self
            .blocking(move |files| files.list_folder(&path, entries_max))
            .await?;
        Ok(listed.map(|(entries, seen)| {
            self.meter.folder_entries += seen;
            entries
        }))
    }

    async fn stat(&mut self, path: String) -> wasmtime::Result<Result<Metadata, Error>> {
        self.blocking(move |files| files.stat(&path)).await
    }

    async fn read_range(
        &mut self,
        path: String,
        offset: u64,
        length: u32,
    ) -> wasmtime::Result<Result<Vec<u8>, Error>> {
        let bytes_max = self.meter.ledger.bytes_readable();
        let read = self
            .blocking(move |files| files.read_range(&path, offset, length, bytes_max))
            .await?;
        Ok(read.inspect(|content| self.meter.ledger.read(content.len() as u64)))
    }

    async fn write(
        &mut self,
        path: String,
        content: Vec<u8>,
    ) -> wasmtime::Result<Result<(), Error>> {
        let bytes = content.len() as u64;
        if !self.meter.ledger.write(bytes) {
            self.meter.host_call()?;
            let message =
                format!("`{path}`: {bytes} bytes are more than this call may still write.");
            return Ok(Err(fault(ErrorCode::LimitExceeded, message)));
        }
        self.changing(move |files| files.write(&path, &content))
            .await
    }

    async fn create_folder(&mut self, path: String) -> wasmtime::Result<Result<(), Error>> {
        self.changing(move |files| files.create_folder(&path)).await
    }

    async fn rename(&mut self, from: String, to: String) -> wasmtime::Result<Result<(), Error>> {
        self.changing(move |files| files.rename(&from, &to)).await
    }

    async fn remove(&mut self, path: String) -> wasmtime::Result<Result<(), Error>> {
        self.changing(move |files| files.remove(&path)).await
    }
}

//! What a guest may import: the `files` and `log` interfaces. Each call is counted first;
//! what blocks runs on tokio's blocking threads, so that a slow disk holds up its call alone.

use crate::call::CallState;
use crate::contract::files::{self, Entry, Error, ErrorCode, Metadata};
use crate::contract::{log, types};
use crate::files::FileAccess;
use crate::path::fault;
use std::sync::Arc;

impl types::Host for CallState {}

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

impl files::Host for CallState {
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
        let bytes_max = self.meter.file_bytes_readable();
        let read = self
            .blocking(move |files| files.read_range(&path, offset, length, bytes_max))
            .await?;
        Ok(read.inspect(|content| self.meter.file_bytes_read += content.len() as u64))
    }

    async fn write(
        &mut self,
        path: String,
        content: Vec<u8>,
    ) -> wasmtime::Result<Result<(), Error>> {
        let bytes = content.len() as u64;
        if bytes > self.meter.file_bytes_writable() {
            self.meter.host_call()?;
            let message =
                format!("`{path}`: {bytes} bytes are more than this call may still write.");
            return Ok(Err(fault(ErrorCode::LimitExceeded, message)));
        }
        self.meter.file_bytes_written += bytes;
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

impl log::Host for CallState {
    async fn write(&mut self, level: log::Level, message: String) -> wasmtime::Result<()> {
        self.meter.host_call()?;
        let granted = message.floor_char_boundary(self.meter.log(message.len()));
        if granted == 0 {
            return Ok(());
        }
        // Escaped: a guest must not draw on somebody's terminal.
        let (call, message) = (&self.call_id, message[..granted].escape_debug());
        match level {
            log::Level::Debug => tracing::debug!(target: "leadhand_sandbox::guest", call, %message),
            log::Level::Info => tracing::info!(target: "leadhand_sandbox::guest", call, %message),
            log::Level::Warn => tracing::warn!(target: "leadhand_sandbox::guest", call, %message),
        }
        Ok(())
    }
}

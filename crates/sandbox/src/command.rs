//! Programs of the world `wasi:cli/command`, run under the same grants and limits as tools.

use crate::call::{CallContext, within_limits};
use crate::component::{Loader, offered_imports};
use crate::fault::{lasting, stopped, with_changes};
use crate::source::Source;
use crate::wasi::{Capture, Output, Program};
use leadhand_protocol::{FileChange, ToolFault, ToolFaultKind};
use wasmtime::Store;
use wasmtime_wasi::I32Exit;
use wasmtime_wasi::p2::bindings::CommandPre;

/// A program and what it finds when it starts.
#[derive(Debug, Clone, Copy)]
pub struct Command<'a> {
    /// For messages.
    pub name: &'a str,
    /// A component of the world `wasi:cli/command`.
    pub component: &'a [u8],
    /// What it is called with; the first is by custom its name.
    pub arguments: &'a [String],
    /// Variables, whatever is granted.
    pub environment: &'a [(String, String)],
    /// Under which names it finds the workspace, for example `/`; only as far as it is granted.
    pub folders: &'a [&'a str],
}

/// What a program left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandOutput {
    /// 0 unless it said otherwise.
    pub exit_code: i32,
    /// At most as many bytes as a call may return; the rest is dropped.
    pub stdout: Vec<u8>,
    /// As `stdout`.
    pub stderr: Vec<u8>,
    /// Files it changed.
    pub files: Vec<FileChange>,
}

pub(crate) async fn run(
    loader: &Loader,
    command: &Command<'_>,
    context: &CallContext,
) -> Result<CommandOutput, ToolFault> {
    let source = Source::Bytes(command.component.to_vec());
    let unusable =
        |error: crate::SandboxError| lasting(ToolFaultKind::InvalidArguments, error.to_string());
    let component = loader.component(command.name, &source).map_err(unusable)?;
    let imports = offered_imports(command.name, &component, &loader.engine).map_err(unusable)?;
    let pre = loader
        .linker
        .instantiate_pre(&component)
        .and_then(CommandPre::new)
        .map_err(|error| {
            let reason = format!("{error:#}");
            unusable(crate::SandboxError::component(command.name, reason))
        })?;
    let program = Program {
        arguments: command.arguments,
        environment: command.environment,
        folders: command.folders,
    };
    let bytes_max = context.limits.output_bytes_max;
    let (stdout, stderr) = (Capture::new(bytes_max), Capture::new(bytes_max));
    let output = Output::Capture(stdout.clone(), stderr.clone());
    let state = context.state(imports.files, Some(program), output);
    let mut store = Store::new(&loader.engine, state);
    let ended = within_limits(&mut store, async |store| {
        let command = pre.instantiate_async(&mut *store).await?;
        command.wasi_cli_run().call_run(store).await
    })
    .await;
    let exit_code = match ended {
        Ok(Ok(())) => 0,
        Ok(Err(())) => 1,
        Err(error) => match error.downcast_ref() {
            Some(I32Exit(code)) => *code,
            None => {
                let fault = stopped(command.name, &error, &store.data().meter);
                return Err(with_changes(fault, store.data().files.as_deref()));
            }
        },
    };
    let files = match &store.data().files {
        Some(files) => files.take_changes().await,
        None => Vec::new(),
    };
    Ok(CommandOutput {
        exit_code,
        stdout: stdout.take(),
        stderr: stderr.take(),
        files,
    })
}

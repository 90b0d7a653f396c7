//! wasmtime with its own WASI, as its command line runs a program.

use crate::suite::{Outcome, Program};
use std::path::Path;
use std::sync::OnceLock;
use wasmtime::component::{Component, Linker, ResourceTable};
use wasmtime::{Engine, Store};
use wasmtime_wasi::p2::bindings::sync::Command;
use wasmtime_wasi::p2::pipe::MemoryOutputPipe;
use wasmtime_wasi::{FsPerms, I32Exit, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

/// Bytes of output that are kept.
const OUTPUT_BYTES_MAX: usize = 1024 * 1024;

struct State {
    wasi: WasiCtx,
    table: ResourceTable,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

pub(crate) fn run(program: &Program, component: &[u8], folder: &Path) -> Result<Outcome, String> {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    let engine = ENGINE.get_or_init(Engine::default);
    let stderr = MemoryOutputPipe::new(OUTPUT_BYTES_MAX);
    ran(engine, program, component, folder, &stderr).map_err(|why| {
        let said = String::from_utf8_lossy(&stderr.contents()).replace('\n', " ");
        format!("it stops: {}: {said}", why.root_cause())
    })
}

fn ran(
    engine: &Engine,
    program: &Program,
    component: &[u8],
    folder: &Path,
    stderr: &MemoryOutputPipe,
) -> wasmtime::Result<Outcome> {
    let component = Component::from_binary(engine, component)?;
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_sync(&mut linker)?;
    let stdout = MemoryOutputPipe::new(OUTPUT_BYTES_MAX);
    let mut wasi = WasiCtxBuilder::new();
    wasi.args(&program.arguments)
        .envs(&program.environment)
        .stdout(stdout.clone())
        .stderr(stderr.clone());
    if let Some((name, _)) = &program.folder {
        wasi.preopened_dir(folder, name, FsPerms::ReadWrite)?;
    }
    let state = State {
        wasi: wasi.build(),
        table: ResourceTable::new(),
    };
    let mut store = Store::new(engine, state);
    let command = Command::instantiate(&mut store, &component, &linker)?;
    let exit_code = match command.wasi_cli_run().call_run(&mut store) {
        Ok(Ok(())) => 0,
        Ok(Err(())) => 1,
        Err(error) => error.downcast::<I32Exit>()?.0,
    };
    drop(store);
    Ok(Outcome {
        exit_code,
        stdout: stdout.contents().to_vec(),
        stderr: stderr.contents().to_vec(),
    })
}

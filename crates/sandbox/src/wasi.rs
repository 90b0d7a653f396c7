//! The interfaces of WASI 0.2, for components that were built for them. They are linked to every
//! component, open nothing by themselves, and stay within the grants and limits of the call:
//! files are those of the workspace, clock and chance those of the call, output goes to the log,
//! input is empty, and sockets exist only so that programs load.
//!
//! What computes nothing of its own is wasmtime's; files and chance are ours.

mod filesystem;
mod lookup;
mod random;
mod stdio;
mod streams;
mod time;

use crate::meter::OpenFile;
use crate::state::CallState;
use std::collections::HashMap;
use std::sync::Arc;
pub(crate) use stdio::{Capture, Output};
use wasmtime::component::{HasSelf, Linker, ResourceTable};
use wasmtime_wasi::cli::{WasiCli, WasiCliView};
use wasmtime_wasi::clocks::{WasiClocks, WasiClocksView};
use wasmtime_wasi::p2::bindings as p2;
use wasmtime_wasi::sockets::{WasiSockets, WasiSocketsView};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_io::IoView;

/// Handles that a guest may hold at once, of every kind: what an embedded Python or JavaScript
/// needs is about a hundred. wasmtime's own bound is a million.
pub(crate) const HANDLES_MAX: usize = 1_000;

/// The interfaces of WASI that are offered, each in any version 0.2.
pub(crate) const OFFERED: [&str; 6] = [
    "wasi:io",
    "wasi:clocks",
    "wasi:random",
    "wasi:filesystem",
    "wasi:cli",
    "wasi:sockets",
];

/// Whether a component may import an interface of WASI; whether it exists is for the linker.
pub(crate) fn is_offered(import: &str) -> bool {
    import.split_once('/').is_some_and(|(package, interface)| {
        let version = interface.split_once('@').map_or("", |(_, version)| version);
        OFFERED.contains(&package) && version.starts_with("0.2.")
    })
}

/// What a call of a component that imports WASI holds.
pub(crate) struct WasiState {
    ctx: WasiCtx,
    table: ResourceTable,
    /// Open files and folders, by the number of their handle.
    nodes: HashMap<u32, Node>,
    /// The names under which the workspace is opened.
    folders: Vec<String>,
}

/// What is known of an open file or folder beside its handle.
#[derive(Debug, Clone)]
struct Node {
    /// From the root of the workspace: what grants are checked against.
    path: String,
    readable: bool,
    /// Counts as open as long as a handle or a stream of it lives.
    _open: Arc<OpenFile>,
}

/// What a program finds when it starts.
pub(crate) struct Program<'a> {
    pub(crate) arguments: &'a [String],
    pub(crate) environment: &'a [(String, String)],
    pub(crate) folders: &'a [&'a str],
}

impl<'a> Program<'a> {
    /// A tool has no arguments, and finds the workspace under absolute and relative paths.
    pub(crate) fn tool(environment: &'a [(String, String)]) -> Self {
        Self {
            arguments: &[],
            environment,
            folders: &["/", "."],
        }
    }
}

impl WasiState {
    pub(crate) fn new(program: &Program<'_>, state: &CallState, output: Output) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(HANDLES_MAX);
        let (stdout, stderr) = output.streams(&state.meter.ledger);
        let mut ctx = WasiCtx::builder();
        ctx.allow_tcp(false)
            .allow_udp(false)
            .allow_ip_name_lookup(false)
            .wall_clock(time::Clock(Arc::clone(&state.clock)))
            .monotonic_clock(time::Clock(Arc::clone(&state.clock)))
            .args(program.arguments)
            .envs(program.environment)
            .stdout(stdout)
            .stderr(stderr);
        Self {
            ctx: ctx.build(),
            table,
            nodes: HashMap::new(),
            folders: program.folders.iter().copied().map(str::to_owned).collect(),
        }
    }
}

impl CallState {
    fn wasi(&mut self) -> &mut WasiState {
        self.wasi
            .as_mut()
            .expect("a component that imports WASI is given its state")
    }
}

impl WasiView for CallState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        self.meter.count_host_call();
        let wasi = self.wasi();
        WasiCtxView {
            ctx: &mut wasi.ctx,
            table: &mut wasi.table,
        }
    }
}

impl IoView for CallState {
    fn table(&mut self) -> &mut ResourceTable {
        self.meter.count_host_call();
        &mut self.wasi().table
    }
}

pub(crate) fn add_to_linker(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    let l = linker;
    wasmtime_wasi_io::add_to_linker_async(l)?;
    p2::filesystem::types::add_to_linker::<_, HasSelf<CallState>>(l, |state| state)?;
    p2::filesystem::preopens::add_to_linker::<_, HasSelf<CallState>>(l, |state| state)?;
    p2::random::random::add_to_linker::<_, HasSelf<CallState>>(l, |state| state)?;
    p2::random::insecure::add_to_linker::<_, HasSelf<CallState>>(l, |state| state)?;
    p2::random::insecure_seed::add_to_linker::<_, HasSelf<CallState>>(l, |state| state)?;
    p2::clocks::wall_clock::add_to_linker::<_, WasiClocks>(l, CallState::clocks)?;
    p2::clocks::monotonic_clock::add_to_linker::<_, WasiClocks>(l, CallState::clocks)?;
    p2::cli::exit::add_to_linker::<_, WasiCli>(l, CallState::cli)?;
    p2::cli::environment::add_to_linker::<_, WasiCli>(l, CallState::cli)?;
    p2::cli::stdin::add_to_linker::<_, WasiCli>(l, CallState::cli)?;
    p2::cli::stdout::add_to_linker::<_, WasiCli>(l, CallState::cli)?;
    p2::cli::stderr::add_to_linker::<_, WasiCli>(l, CallState::cli)?;
    p2::cli::terminal_input::add_to_linker::<_, WasiCli>(l, CallState::cli)?;
    p2::cli::terminal_output::add_to_linker::<_, WasiCli>(l, CallState::cli)?;
    p2::cli::terminal_stdin::add_to_linker::<_, WasiCli>(l, CallState::cli)?;
    p2::cli::terminal_stdout::add_to_linker::<_, WasiCli>(l, CallState::cli)?;
    p2::cli::terminal_stderr::add_to_linker::<_, WasiCli>(l, CallState::cli)?;
    add_sockets(l)
}

fn add_sockets(l: &mut Linker<CallState>) -> wasmtime::Result<()> {
    let options = p2::LinkOptions::default();
    p2::sockets::network::add_to_linker::<_, WasiSockets>(
        l,
        &(&options).into(),
        CallState::sockets,
    )?;
    p2::sockets::instance_network::add_to_linker::<_, WasiSockets>(l, CallState::sockets)?;
    p2::sockets::ip_name_lookup::add_to_linker::<_, WasiSockets>(l, CallState::sockets)?;
    p2::sockets::tcp::add_to_linker::<_, WasiSockets>(l, CallState::sockets)?;
    p2::sockets::tcp_create_socket::add_to_linker::<_, WasiSockets>(l, CallState::sockets)?;
    p2::sockets::udp::add_to_linker::<_, WasiSockets>(l, CallState::sockets)?;
    p2::sockets::udp_create_socket::add_to_linker::<_, WasiSockets>(l, CallState::sockets)
}

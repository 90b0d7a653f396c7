//! Our host, with three things granted: to read and to write the program's folder, and the clock,
//! without which files have no times. Its chance is seeded, it has no network.

use crate::suite::{Outcome, Program};
use leadhand_protocol::{Capability, Grant, Permit, ToolLimits};
use leadhand_sandbox::{CallContext, Command, ToolHost, Workspace};
use std::path::Path;
use std::sync::{Arc, OnceLock};

/// Entries that are listed: one program lists a thousand files a few at a time, and WASI 0.1
/// begins anew for each few.
const ENTRIES_MAX: usize = 1_000_000;

pub(crate) fn run(program: &Program, component: &[u8], folder: &Path) -> Result<Outcome, String> {
    static HOST: OnceLock<ToolHost> = OnceLock::new();
    let host = HOST.get_or_init(|| ToolHost::builder().standard_tools(false).build().unwrap());
    let grant = |capability| Grant {
        capability,
        resource: "**".to_owned(),
    };
    let grants = match program.folder {
        Some(_) => vec![
            grant(Capability::FsRead),
            grant(Capability::FsWrite),
            grant(Capability::Clock),
        ],
        None => Vec::new(),
    };
    let limits = ToolLimits {
        folder_entries_max: ENTRIES_MAX,
        ..ToolLimits::default()
    };
    let context = CallContext {
        workspace: Arc::new(Workspace::open(folder).map_err(|why| why.to_string())?),
        permit: Permit {
            grants,
            closed: Vec::new(),
            listed: Vec::new(),
        },
        limits,
        call_id: "program".to_owned(),
        agent: "tester".to_owned(),
        now_ms: 1_700_000_000_000,
        seed: 1,
        key: leadhand_protocol::ContentHash::of(b"call"),
        trace: None,
    };
    let folders: Vec<&str> = program
        .folder
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    let command = Command {
        name: &program.name,
        component,
        arguments: &program.arguments,
        environment: &program.environment,
        folders: &folders,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let ran = runtime.block_on(host.run_command(&command, &context));
    runtime.shutdown_background();
    let output = ran.map_err(|fault| format!("it stops: {fault}"))?;
    Ok(Outcome {
        exit_code: output.exit_code,
        stdout: output.stdout,
        stderr: output.stderr,
    })
}

//! The loop: the only code that waits, and the only crate that spawns. In reading order:
//! [`Runtime`] is what a run is carried out with; `run_loop` takes inputs, has the engine
//! decide, journals, applies and carries out; `worker` is what stands behind an agent;
//! `toolbox` and `file_checks` are what actions come down to; `remote` lets other processes
//! at a live run. What happens next is never
//! decided in here.

mod cassette;
mod error;
mod file_checks;
mod fork;
mod made_again;
mod person;
mod recorder;
mod remote;
mod run_handle;
mod run_loop;
mod run_tools;
mod runtime;
mod status;
mod toolbox;
mod worker;

/// The target of the spans that name run, agent and task of what is logged within them. They say
/// nothing themselves: a filter that lets them pass adds the names to lines that it lets pass.
pub const IDS: &str = "leadhand_ids";

pub use cassette::cassette;
pub use error::RuntimeError;
pub use fork::Forked;
pub use person::{Absent, Approver, Control, OrderError, Orders, control};
pub use remote::{
    CLIENT_WAIT_MS, CONNECTIONS_MAX, FAREWELL_MS, OpenQuestion, PIECE_BYTES_MAX, READERS_MAX,
    REMOTE_VERSION, REQUEST_BYTES_MAX, REQUEST_GAP_MS, RemoteError, RemoteRecords, RemoteRun,
    StoredRecords, Told,
};
pub use run_handle::{RequestError, RunHandle};
pub use run_loop::{Observation, Observer};
pub use run_tools::{is_run_tool, run_tool_specs};
pub use runtime::{Clock, Runtime, rebuild, system_clock};
pub use status::{QuestionStatus, Status};
pub use toolbox::{CallInfo, NativeTool, Toolbox, ToolboxError};

//! The wasmtime host: runs tools as WebAssembly components under the grants it is handed.
//!
//! Everything is closed until a [`CallContext`] opens it: a call sees the workspace folder
//! only, in it only the paths its grants cover, and never `.leadhand` or `.git`. What may be
//! granted is decided elsewhere; here it is enforced. The contract with the guests is
//! `sandbox/wit/tool.wit`; components that import WASI 0.2 find it under the same grants and
//! limits. Calls need a tokio runtime with its timer, and with its IO when tools use the
//! network.
//!
//! ```
//! use leadhand_protocol::{Capability, Grant, Permit, ToolCall, ToolLimits};
//! use leadhand_sandbox::{CallContext, ToolHost, Workspace};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! std::fs::write(folder.path().join("a.md"), "Hello")?;
//! let host = ToolHost::builder().build()?;
//! let context = CallContext {
//!     workspace: Workspace::open(folder.path())?.into(),
//!     permit: Permit {
//!         grants: vec![Grant { capability: Capability::FsRead, resource: "**".into() }],
//!         ..Permit::default()
//!     },
//!     limits: ToolLimits::default(),
//!     call_id: "call-1".into(),
//!     agent: "researcher".into(),
//!     now_ms: 0,
//!     seed: 0,
//!     key: leadhand_protocol::ContentHash::of(b"call"),
//!     trace: None,
//! };
//! let arguments = serde_json::json!({ "path": "a.md" });
//! let call = ToolCall { id: "1".into(), name: "read_file".into(), arguments };
//! assert_eq!(host.call(&call, &context).await?.text, "Hello");
//! # Ok(())
//! # }
//! ```

mod broken_off;
mod cache;
mod call;
mod card;
mod chance;
mod changes;
mod command;
mod component;
mod contract;
mod engine;
mod error;
mod fault;
mod files;
mod grants;
mod host;
mod imports;
mod look;
mod meter;
mod named;
mod net;
mod path;
mod regular_file;
mod source;
mod standard;
mod state;
mod wasi;
mod workspace;

pub use call::CallContext;
pub use command::{Command, CommandOutput};
pub use error::SandboxError;
pub use host::{ToolHost, ToolHostBuilder};
pub use net::Secret;
pub use workspace::Workspace;

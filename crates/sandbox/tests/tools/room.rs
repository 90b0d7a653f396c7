//! A workspace, and the one way in which these tests call tools.

use leadhand_protocol::{Capability, Grant, Permit, ToolCall, ToolFaultKind, ToolLimits};
use leadhand_sandbox::{CallContext, ToolHost, Workspace};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use tempfile::TempDir;

/// A folder in which tools may read and write.
pub(crate) struct Room {
    folder: TempDir,
    grants: Vec<Grant>,
}

/// What a call gave: its text, or its fault.
pub(crate) type Given = Result<String, (ToolFaultKind, String)>;

fn host() -> &'static ToolHost {
    static HOST: OnceLock<ToolHost> = OnceLock::new();
    HOST.get_or_init(|| {
        let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled-tools");
        ToolHost::builder().cache_dir(Some(cache)).build().unwrap()
    })
}

impl Room {
    /// A workspace with these files.
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (path, content) in files {
            fs::write(folder.path().join(path), content).unwrap();
        }
        let grant = |capability| Grant {
            capability,
            resource: "**".to_owned(),
        };
        let grants = vec![grant(Capability::FsRead), grant(Capability::FsWrite)];
        Self { folder, grants }
    }

    /// The same with one more grant.
    pub(crate) fn granting(mut self, capability: Capability, resource: &str) -> Self {
        self.grants.push(Grant {
            capability,
            resource: resource.to_owned(),
        });
        self
    }

    /// The content of a file; none when it is not there.
    pub(crate) fn read(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.folder.path().join(path)).ok()
    }

    /// Calls a tool and waits for it.
    pub(crate) fn call(&self, tool: &str, arguments: Value) -> Given {
        let context = CallContext {
            workspace: Arc::new(Workspace::open(self.folder.path()).unwrap()),
            permit: Permit {
                grants: self.grants.clone(),
                closed: Vec::new(),
                listed: Vec::new(),
            },
            limits: ToolLimits::default(),
            call_id: "call-1".to_owned(),
            agent: "tester".to_owned(),
            now_ms: 1_700_000_000_000,
            seed: 7,
            key: leadhand_protocol::ContentHash::of(b"call"),
            trace: None,
        };
        let call = ToolCall {
            id: "1".to_owned(),
            name: tool.to_owned(),
            arguments,
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        let given = runtime.block_on(host().call(&call, &context));
        given
            .map(|output| output.text)
            .map_err(|fault| (fault.kind, fault.message))
    }

    /// Calls a tool and compares its whole answer.
    #[track_caller]
    pub(crate) fn check(&self, tool: &str, arguments: Value, expected: &str) {
        assert_eq!(self.call(tool, arguments), Ok(expected.to_owned()));
    }

    /// Calls a tool and compares the whole fault.
    #[track_caller]
    pub(crate) fn check_fault(
        &self,
        tool: &str,
        arguments: Value,
        kind: ToolFaultKind,
        message: &str,
    ) {
        assert_eq!(self.call(tool, arguments), Err((kind, message.to_owned())));
    }
}

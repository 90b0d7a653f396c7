//! A workspace with a host beside it, and the one way in which these tests call tools.

use leadhand_protocol::{
    Capability, FileChange, Grant, Permit, ToolCall, ToolFaultKind, ToolLimits,
};
use leadhand_sandbox::{CallContext, ToolHost, ToolHostBuilder, Workspace};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use tempfile::TempDir;

/// A folder, and what calls on it may do.
pub(crate) struct Room {
    pub(crate) folder: TempDir,
    pub(crate) grants: Vec<Grant>,
    pub(crate) limits: ToolLimits,
}

/// What a call gave: its text and changes, or its fault.
pub(crate) type Given = Result<(String, Vec<FileChange>), (ToolFaultKind, String)>;

/// A host with the standard tools, which are compiled once for all tests.
pub(crate) fn builder() -> ToolHostBuilder {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled-tools");
    ToolHost::builder().cache_dir(Some(cache))
}

/// The host of the standard tools, shared by all tests of this program.
pub(crate) fn standard() -> &'static ToolHost {
    static HOST: OnceLock<ToolHost> = OnceLock::new();
    HOST.get_or_init(|| builder().build().unwrap())
}

pub(crate) fn grant(capability: Capability, resource: &str) -> Grant {
    Grant {
        capability,
        resource: resource.to_owned(),
    }
}

impl Room {
    /// A workspace with these files, all of it granted.
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (path, content) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        let grants = vec![
            grant(Capability::FsRead, "**"),
            grant(Capability::FsWrite, "**"),
        ];
        Self {
            folder,
            grants,
            limits: ToolLimits::default(),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn read(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.path().join(path)).ok()
    }

    pub(crate) fn context(&self) -> CallContext {
        CallContext {
            workspace: Arc::new(Workspace::open(self.path()).unwrap()),
            permit: Permit {
                grants: self.grants.clone(),
                closed: Vec::new(),
                listed: Vec::new(),
            },
            limits: self.limits.clone(),
            call_id: "call-1".to_owned(),
            agent: "tester".to_owned(),
            now_ms: 1_700_000_000_000,
            seed: 7,
            key: leadhand_protocol::ContentHash::of(b"call"),
            trace: None,
        }
    }

    /// Calls a tool of `host` and waits for it.
    pub(crate) fn call_on(&self, host: &ToolHost, tool: &str, arguments: Value) -> Given {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        let call = ToolCall {
            id: "1".to_owned(),
            name: tool.to_owned(),
            arguments,
        };
        let given = runtime.block_on(host.call(&call, &self.context()));
        // A blocked file operation must not hold up the test as well.
        runtime.shutdown_background();
        given
            .map(|output| (output.text, output.files))
            .map_err(|fault| (fault.kind, fault.message))
    }

    pub(crate) fn call(&self, tool: &str, arguments: Value) -> Given {
        self.call_on(standard(), tool, arguments)
    }

    /// Calls a standard tool and compares the whole text of its answer.
    #[track_caller]
    pub(crate) fn check(&self, tool: &str, arguments: Value, expected: &str) {
        let given = self.call(tool, arguments).map(|(text, _)| text);
        assert_eq!(given, Ok(expected.to_owned()));
    }

    /// Calls a standard tool and compares the whole fault.
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

//! What keeps a host from being built. What goes wrong in a call is a
//! [`leadhand_protocol::ToolFault`] and no error.

use std::path::PathBuf;

/// A host, a component or a workspace that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// wasmtime cannot work on this machine.
    #[error("the WebAssembly engine cannot start: {reason}")]
    Engine {
        /// What wasmtime said.
        reason: String,
    },
    /// The bytes are no WebAssembly component, or none that wasmtime accepts.
    #[error(
        "`{component}` is not a usable WebAssembly component: {reason}. \
         Build it against sandbox/wit/tool.wit"
    )]
    Component {
        /// The name under which it was given.
        component: String,
        /// What wasmtime said.
        reason: String,
    },
    /// The file of a component cannot be read.
    #[error("the component `{}` cannot be read: {source}", path.display())]
    ComponentFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The component wants more than the host offers.
    #[error(
        "`{component}` imports `{import}`, which this host does not offer. It offers: {offered}"
    )]
    ImportRefused {
        /// The name under which it was given.
        component: String,
        /// The interface it imports.
        import: String,
        /// What a component may import.
        offered: String,
    },
    /// A component describes one of its tools in a way that cannot be used.
    #[error("tool `{tool}` of `{component}` describes itself wrongly: {reason}")]
    Spec {
        /// The name under which the component was given.
        component: String,
        /// The tool, as it names itself; cut off when it is long.
        tool: String,
        /// What is wrong.
        reason: String,
    },
    /// Two components hold tools of one name, or one component holds two.
    #[error("both `{first}` and `{second}` hold a tool `{tool}`: leave one of them out")]
    DuplicateTool {
        /// The name.
        tool: String,
        /// The component loaded first.
        first: String,
        /// The component that was refused.
        second: String,
    },
    /// A component that was known by its card is another one when it is loaded.
    #[error(
        "`{component}` is not what it was known to be: {difference}. If it was changed, start \
         again; if it is part of the program, write its card with `cargo xtask tool-cards`"
    )]
    Differs {
        /// The name under which it was given.
        component: String,
        /// In what.
        difference: String,
    },
    /// A secret cannot be placed or looked for.
    #[error("the secret `{name}` cannot be used: {reason}")]
    Secret {
        /// What it is called. Its value is told to nobody.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// The folder of a workspace cannot be opened.
    #[error("the workspace `{}` cannot be opened: {source}", path.display())]
    Workspace {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl SandboxError {
    pub(crate) fn component(component: &str, reason: impl Into<String>) -> Self {
        Self::Component {
            component: component.to_owned(),
            reason: reason.into(),
        }
    }
}

//! What every tool has in common: the bindings to `sandbox/wit`, the table that says which
//! tools a component holds, and checked arguments. What a tool does is in its own crate.
//! The standard library is that of a target without a system: it has collections and an
//! allocator, and no file, clock, thread or chance. A guest has what it imports.

pub mod arguments;
pub mod tool;
pub mod workspace;

#[doc(hidden)]
pub mod bindings {
    //! Generated from `sandbox/wit/tool.wit`.
    #![allow(missing_docs, clippy::too_many_arguments)]
    wit_bindgen::generate!({
        path: "../../wit",
        world: "tool",
        pub_export_macro: true,
        default_bindings_module: "guest::bindings",
    });
}

pub use arguments::Arguments;
pub use bindings::leadhand::tool::{
    clock, files, http,
    types::{Effect, ErrorKind, ToolError},
};
pub use tool::{ANSWER_BYTES_MAX, Argument, Kind, Tool, ToolTable, Want, fault};

/// Makes a component of a table of tools.
#[macro_export]
macro_rules! export_tools {
    ($tools:expr) => {
        struct Component;
        impl $crate::ToolTable for Component {
            const TOOLS: &'static [$crate::Tool] = $tools;
        }
        $crate::bindings::export!(Component);
    };
}

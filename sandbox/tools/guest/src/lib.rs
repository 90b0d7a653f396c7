//! What every tool has in common: the bindings to `sandbox/wit`, the table that says which
//! tools a component holds, and checked arguments. What a tool does is in its own crate.
//! There is no standard library here: a guest has an allocator and what it imports.
#![no_std]

extern crate alloc;

pub mod arguments;
pub mod tool;

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
    files,
    types::{Effect, ErrorKind, ToolError},
};
pub use tool::{Argument, Kind, Tool, ToolTable, fault};

#[cfg(target_arch = "wasm32")]
mod start {
    #[global_allocator]
    static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

    // The host reports the trap; the text of a panic would cost the formatting code.
    #[panic_handler]
    fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
        core::arch::wasm32::unreachable()
    }
}

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

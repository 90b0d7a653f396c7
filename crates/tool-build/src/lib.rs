//! Makes components of source: of anybody's folder with a crate, a `tool.js` or a `tool.py`,
//! and of the code runners, whose source is part of this library. The contract and the few
//! lines that turn a JavaScript or Python module into a component come from here as well.
//!
//! Compilers are programs of their own, run with the rights of whoever builds: what is built is
//! sandboxed, building is not. What has to be fetched for it lies in a folder of the caller's,
//! in versions that are pinned with their hashes. Nothing is printed: what goes on is told
//! through [`Workshop::say`].

mod command;
mod contract;
mod error;
mod javascript;
mod outline;
mod python;
mod runner;
mod rust;
mod rust_compiler;
mod source;
mod stage;
mod workshop;

pub use contract::{CONTRACT, CONTRACT_FILE};
pub use error::BuildError;
pub use outline::Outline;
pub use runner::{RUNNERS, Runner};
pub use rust_compiler::RustCompiler;
pub use source::{Language, language};
pub use workshop::{Built, Workshop};

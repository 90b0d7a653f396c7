//! What a tool can touch, and patterns over it: paths within the workspace, URLs, names.
//!
//! `policy` judges with these patterns and `sandbox` enforces with them, so that a grant means
//! the same to both. A pattern can **cover** a resource, which opens it, or **close** it, which
//! is wider in every doubt; two patterns can be **intersected**, exactly or to less, never to
//! more. Who may do what, and what a capability is, is not known here. Nor are links, races and
//! name resolution: text is all that is looked at.

mod alternatives;
mod internal;
mod intersect;
mod name_glob;
mod path;
mod path_glob;
mod pattern;
mod resource;
mod url_parse;
mod url_pattern;
mod url_resource;

pub use internal::is_internal;
pub use intersect::STEPS_MAX;
pub use name_glob::NameGlob;
pub use path::{PATH_BYTES_MAX, Path, fold};
pub use path_glob::PathGlob;
pub use pattern::{Kind, Pattern};
pub use resource::Resource;
pub use url_pattern::{Host, Port, Scheme, UrlPattern};
pub use url_resource::{URL_BYTES_MAX, UrlResource};

/// Longest pattern, in bytes.
pub const PATTERN_BYTES_MAX: usize = 1_024;

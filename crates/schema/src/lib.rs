//! What the arguments of a tool may be. Two things live here: [`ForeignTool`] turns the
//! description of somebody else's tool into a sound JSON Schema (draft 2020-12) and says what it
//! changed; [`Schema`] holds a value against a schema, compiled once, and puts what does not fit
//! into words by which a model can mend its call. Nothing is repaired in silence: what a model
//! must write otherwise, it is told.

mod check;
mod convert;
mod flatten;
mod foreign;
mod keywords;
mod mend;
mod name;
mod nearest;
mod notice;
mod plain;
mod structure;
mod values;
mod wanted;
mod wording;
mod words;

pub use check::Schema;
pub use foreign::{ForeignError, ForeignTool};
pub use name::{offered_name, original_name};
pub use nearest::{nearest, no_such_tool};
pub use notice::Notice;
pub use plain::plainly_fits;

//! The standard tools as tables: what a model gives and what it gets, through the real host.
//! What the sandbox itself holds is in `tests/sandbox`.
// A test that cannot set up its room has failed, in whatever function that happens.
#![allow(clippy::unwrap_used)]

mod csv;
mod date;
mod json;
mod patch;
mod room;
mod text;
mod web;

//! The sandbox from outside: the real guests through the real host, and guests and paths that
//! mean harm. One program, since linking wasmtime is what takes the time.
// A test that cannot set up its room has failed, in whatever function that happens.
#![allow(clippy::unwrap_used)]

mod calculate;
mod closed;
mod corpus;
mod first_call;
mod hostile_guests;
mod hostile_paths;
mod limits;
mod loading;
mod probe;
mod requests;
mod room;
mod standard_tools;
mod wasi_files;

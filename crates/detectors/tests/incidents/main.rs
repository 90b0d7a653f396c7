//! What has happened to people, told as steps: loops that must be called by a certain step, and
//! honest work that must be left alone. How the engine reacts is tested elsewhere.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod fire;
mod silent;
mod story;

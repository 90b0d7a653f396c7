//! The network from a guest's side: real requests over loopback to servers that mean harm, and
//! requests of which is recorded where they would have gone.
// A test that cannot set up its room has failed, in whatever function that happens.
#![allow(clippy::unwrap_used)]

mod bounds;
mod granted;
mod redirects;
mod requests;
mod room;
mod secrets;
mod server;
mod spellings;
mod tls;

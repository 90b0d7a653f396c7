//! The page's server as a browser, and as somebody who is none, meets it: over real connections.

#![allow(clippy::unwrap_used, reason = "what does not work in a test ends it")]

mod answers;
mod client;
mod made_up;
mod orders;
mod protections;
mod streams;

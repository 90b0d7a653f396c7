//! The program as people meet it: real processes in folders of their own, with scripted
//! models; exit code, standard output and standard error compared whole.

#![allow(clippy::unwrap_used, reason = "what does not work in a test ends it")]

mod attended;
mod bad_input;
mod browser;
mod cassette;
mod check;
mod foreign;
mod fork;
mod gc;
mod inspect;
mod orders_doubt;
mod orders_live;
mod orders_stopped;
mod place;
mod policy;
mod refuse;
mod replay;
mod run;
mod stop;
mod telemetry;
mod tools;
mod top;
mod ui;
mod verify;
mod watch;

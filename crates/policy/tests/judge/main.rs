//! Which rule decides about which call, and what is said about it.

mod access;
mod case;
mod check;
mod explain;
mod flow;
mod handed_down;
mod levels;
mod network;
mod rule_files;
mod scope;
mod tables;

//! The view without a terminal: what follows from keys and records, and what is drawn.

mod carried;
mod drawn;
mod hostile;
mod many;
mod orders;
mod updates;
mod world;

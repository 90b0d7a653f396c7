//! Crush: of the last ten steps, more than five are one call with one result. Until there are ten
//! steps it says nothing.

use super::{Call, Peer, call, is_call, push, result};
use crate::data::Row;

const WINDOW: usize = 10;
const TIMES_MAX: usize = 5;

/// The last ten steps; words alone are none.
#[derive(Default)]
pub(super) struct Crush {
    window: Vec<Option<(Call, String)>>,
}

impl Peer for Crush {
    fn calls(&mut self, row: &Row) -> bool {
        let seen = is_call(row).then(|| (call(row), result(row).to_owned()));
        push(&mut self.window, WINDOW, seen);
        let is_frequent = |one: &Option<_>| {
            one.is_some() && self.window.iter().filter(|it| *it == one).count() > TIMES_MAX
        };
        self.window.len() == WINDOW && self.window.iter().any(is_frequent)
    }
}

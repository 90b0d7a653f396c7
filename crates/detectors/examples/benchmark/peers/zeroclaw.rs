//! ZeroClaw, over its last 20 calls. The third equal call in a row is warned of and the fourth
//! refused; two tools that take turns are warned of after four rounds, with whatever arguments;
//! so is a tool that gives the same result five times to calls that are not all equal. For each,
//! one more is refused.

use super::{Peer, Rung, is_call, last, push, result};
use crate::data::Row;

const WINDOW: usize = 20;
const IN_A_ROW: usize = 3;
const ROUNDS: usize = 4;
const SAME_RESULT: usize = 5;

struct Seen {
    tool: String,
    args: String,
    result: String,
}

/// The last calls.
pub(super) struct ZeroClaw {
    /// How many more it takes than for a warning.
    more: usize,
    window: Vec<Seen>,
}

impl ZeroClaw {
    /// The rung that counts.
    pub(super) fn new(rung: Rung) -> Self {
        Self {
            more: match rung {
                Rung::Warn => 0,
                Rung::Stop => 1,
            },
            window: Vec::new(),
        }
    }

    fn repeats(&self, this: &Seen) -> bool {
        let equal = |it: &&Seen| it.tool == this.tool && it.args == this.args;
        self.window.iter().rev().take_while(equal).count() >= IN_A_ROW + self.more
    }

    fn takes_turns(&self) -> bool {
        let calls = 2 * (ROUNDS + self.more);
        let recent = last(&self.window, calls);
        recent.len() == calls
            && recent[0].tool != recent[1].tool
            && recent
                .windows(3)
                .all(|three| three[0].tool == three[2].tool)
    }

    fn same_result(&self, this: &Seen) -> bool {
        let same: Vec<&Seen> = self
            .window
            .iter()
            .filter(|it| it.tool == this.tool && it.result == this.result)
            .collect();
        same.len() >= SAME_RESULT + self.more && same.iter().any(|it| it.args != this.args)
    }
}

impl Peer for ZeroClaw {
    fn calls(&mut self, row: &Row) -> bool {
        if !is_call(row) {
            return false;
        }
        let seen = Seen {
            tool: row.tool.clone(),
            args: row.sorted_args.clone(),
            result: result(row).to_owned(),
        };
        push(&mut self.window, WINDOW, seen);
        let this = &self.window[self.window.len() - 1];
        self.repeats(this) || self.takes_turns() || self.same_result(this)
    }
}

//! `date` under a grant of the clock and without one. Its calendar is tested beside its source.

use crate::room::Room;
use leadhand_protocol::{Capability, ToolFaultKind::Denied};
use serde_json::json;

#[test]
fn the_clock_needs_a_grant_and_the_calendar_none() {
    let room = Room::with(&[]);
    room.check(
        "date",
        json!({ "start": "2024-01-31", "add": "1 month" }),
        "2024-02-29\nThursday, day 60 of 2024, ISO week 2024-W09",
    );
    let (kind, _) = room.call("date", json!({})).unwrap_err();
    assert_eq!(kind, Denied);
    // The call began at 1,700,000,000,000 ms; it may have taken a second.
    let granted = room.granting(Capability::Clock, "**");
    granted.check("date", json!({ "format": "%Y-%m-%dT%H" }), "2023-11-14T22");
}

//! `date`: what the time is, and what lies between or after times. The calendar is the Gregorian
//! one, extended to all years from -9999 to 9999. Zones are fixed offsets: a database of time
//! zones would be larger than all the rest, and old as soon as a country changes its mind.

pub mod answer;
pub mod moment;

use guest::{Argument, Arguments, Effect, ErrorKind, Kind, Tool, ToolError, Want, fault};

/// The tools of this component.
pub const TOOLS: &[Tool] = &[Tool {
    name: "date",
    description: "Current date and time, weekday of a date, date plus or minus a time, \
                  difference of two dates.",
    arguments: &[
        Argument::optional(
            "start",
            Kind::Text,
            "such as 2026-02-28 or 2026-02-28T10:00:00Z; default: now",
        ),
        Argument::optional(
            "add",
            Kind::Text,
            "such as 3 days, -2 months, 1 year 6 hours",
        ),
        Argument::optional("until", Kind::Text, "a second date: gives the difference"),
        Argument::optional(
            "offset",
            Kind::Text,
            "of the answer, such as +02:00; default Z",
        ),
        Argument::optional("format", Kind::Text, "of the answer, such as %d.%m.%Y"),
    ],
    effect: Effect::Pure,
    wants: &[Want::any("clock")],
    result: None,
    run: date,
}];
guest::export_tools!(TOOLS);

fn date(arguments: &Arguments) -> Result<String, ToolError> {
    let now_ms = || guest::clock::now_ms().map_err(|why| fault(ErrorKind::Denied, why));
    answer::answer(arguments, now_ms)
}

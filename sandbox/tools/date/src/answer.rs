//! What `date` answers to its arguments. The clock is asked only when they need it.

use crate::moment::Moment;
use guest::{Arguments, ErrorKind, ToolError, fault};

/// The answer to one call.
pub fn answer(
    arguments: &Arguments,
    now_ms: impl Fn() -> Result<u64, ToolError>,
) -> Result<String, ToolError> {
    let refuse = |why: String| fault(ErrorKind::InvalidArguments, format!("{why}."));
    let moment = |name: &str| match arguments.text(name).trim() {
        "" | "now" => now_ms().and_then(|now| Moment::at(now).map_err(refuse)),
        // `today` is a whole day, in UTC.
        "today" => {
            let now = now_ms().and_then(|now| Moment::at(now).map_err(refuse))?;
            let today = now.format("%Y-%m-%d").map_err(refuse)?;
            Moment::parse(&today).map_err(refuse)
        }
        text => Moment::parse(text).map_err(refuse),
    };
    let mut start = moment("start")?;
    if arguments.has("add") {
        start = start.plus(arguments.text("add")).map_err(refuse)?;
    }
    if arguments.has("offset") {
        start = start
            .with_offset(arguments.text("offset"))
            .map_err(refuse)?;
    }
    if arguments.has("format") {
        return start.format(arguments.text("format")).map_err(refuse);
    }
    let shown = start.show().map_err(refuse)?;
    if !arguments.has("until") {
        return Ok(format!("{shown}\n{}", start.account().map_err(refuse)?));
    }
    let end = moment("until")?;
    let between = start.until(&end).map_err(refuse)?;
    let end = end.show().map_err(refuse)?;
    Ok(format!("{between}\nfrom {shown} to {end}"))
}

//! `read_file`.

use guest::workspace::{is_binary, read};
use guest::{ANSWER_BYTES_MAX, Arguments, ErrorKind, ToolError, fault};

pub(crate) fn read_file(arguments: &Arguments) -> Result<String, ToolError> {
    let path = arguments.text("path");
    let content = read(path)?;
    if is_binary(&content) {
        let message = format!("`{path}` is not text ({} bytes).", content.len());
        return Err(fault(ErrorKind::InvalidArguments, message));
    }
    let text = String::from_utf8_lossy(&content);
    let lines = text.lines().count();
    let start = arguments.count("start_line").unwrap_or(1);
    let end = arguments.count("end_line").unwrap_or(lines).min(lines);
    if text.is_empty() {
        return Ok(format!("[`{path}` is empty]"));
    }
    if start > lines {
        let message = format!("`{path}` has {lines} lines; start_line {start} is behind its end.");
        return Err(fault(ErrorKind::InvalidArguments, message));
    }
    if end < start {
        let message = format!("end_line {end} is before start_line {start}.");
        return Err(fault(ErrorKind::InvalidArguments, message));
    }
    let mut answer = String::new();
    let mut last = start - 1;
    for line in text
        .split_inclusive('\n')
        .skip(start - 1)
        .take(end + 1 - start)
    {
        if answer.len() + line.len() > ANSWER_BYTES_MAX && last >= start {
            break;
        }
        answer.push_str(line);
        last += 1;
    }
    let line_bytes = answer.len();
    if line_bytes > ANSWER_BYTES_MAX {
        answer.truncate(answer.floor_char_boundary(ANSWER_BYTES_MAX));
        answer.push_str(&format!(
            "\n[line {last} is cut off: it has {line_bytes} bytes]"
        ));
    }
    if matches!(text, std::borrow::Cow::Owned(_)) {
        answer.push_str("\n[bytes that are not UTF-8 are shown as �]");
    }
    if last < end {
        let next = last + 1;
        answer.push_str(&format!(
            "\n[lines {start} to {last} of {lines}; read on with start_line {next}]"
        ));
    }
    Ok(answer)
}

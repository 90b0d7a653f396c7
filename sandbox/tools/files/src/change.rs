//! `write_file` and `move_file`.

use crate::workspace::{names, write};
use guest::files::{self, EntryKind, ErrorCode};
use guest::workspace::{explain, parent};
use guest::{Arguments, ErrorKind, ToolError, fault};

pub(crate) fn write_file(arguments: &Arguments) -> Result<String, ToolError> {
    let (path, content) = (arguments.text("path"), arguments.text("content"));
    let existed = files::stat(path).is_ok();
    write(path, content)?;
    let done = if existed { "Replaced" } else { "Created" };
    Ok(format!("{done} `{path}` ({} bytes).", content.len()))
}

pub(crate) fn move_file(arguments: &Arguments) -> Result<String, ToolError> {
    let (from, to) = (arguments.text("from"), arguments.text("to"));
    if let Err(error) = files::stat(from) {
        let mut fault = explain(from, &error);
        if error.code == ErrorCode::NotFound && files::stat(to).is_ok() {
            fault.message =
                format!("`{from}` does not exist, and `{to}` does: it may be moved already.");
        }
        return Err(fault);
    }
    // A rename by rule over a folder meets files that have the right name already.
    if names(from).eq(names(to)) {
        return Ok(format!("`{from}` has that path already; nothing changed."));
    }
    if let Ok(there) = files::stat(to) {
        let message = match there.kind {
            EntryKind::File => format!("`{to}` is there already; choose another path."),
            EntryKind::Folder => {
                let (to, name) = (to.trim_end_matches('/'), parent(from).1);
                format!("`{to}` is a folder; give the whole new path, such as `{to}/{name}`.")
            }
        };
        return Err(fault(ErrorKind::Failed, message));
    }
    files::create_folder(parent(to).0).map_err(|error| explain(to, &error))?;
    files::rename(from, to).map_err(|error| explain(to, &error))?;
    Ok(format!("Moved `{from}` to `{to}`."))
}

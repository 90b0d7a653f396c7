//! The components of a configuration: meant relative to the file that names them, and those of
//! the project added to those of the user.

use std::path::Path;
use toml::{Table, Value};

fn components(table: &mut Table) -> Option<&mut Vec<Value>> {
    table
        .get_mut("tools")?
        .as_table_mut()?
        .get_mut("components")?
        .as_array_mut()
}

/// Puts the folder of the file before each path.
pub(super) fn place(table: &mut Table, folder: &Path) {
    for file in components(table).into_iter().flatten() {
        if let Value::String(file) = file {
            *file = folder.join(&*file).display().to_string();
        }
    }
}

/// Puts the components of the user before those of the project, which otherwise would take
/// their place.
pub(super) fn join(user: &Table, project: &mut Table) {
    let Some(of_project) = components(project) else {
        return;
    };
    if let Some(of_user) = components(&mut user.clone()) {
        of_project.splice(0..0, of_user.drain(..));
    }
}

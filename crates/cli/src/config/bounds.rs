//! The bounds of a project, none of them wider than the user's.

use super::Config;
use crate::failure::Failure;
use toml::{Table, Value};

/// The one bound where 0 stands for none at all.
const NONE_AT_ZERO: &str = "run_seconds_max";

/// Lowers every bound of a project's table to that of the user, who has the usual ones where
/// the user's file names none.
///
/// # Errors
/// [`Failure::Internal`] when the user's bounds cannot be written as TOML.
pub(super) fn narrow(project: &mut Table, user: &Config) -> Result<(), Failure> {
    let fault = |error| Failure::internal(format!("the bounds cannot be compared: {error}"));
    let of_runs = Table::try_from(&user.limits).map_err(fault)?;
    let of_tools = Table::try_from(&user.tool_limits).map_err(fault)?;
    let of_permits = Table::try_from(&user.permits).map_err(fault)?;
    for (name, of_user) in [
        ("limits", of_runs),
        ("tool_limits", of_tools),
        ("permits", of_permits),
    ] {
        let Some(Value::Table(of_project)) = project.get_mut(name) else {
            continue;
        };
        for (key, bound) in of_project.iter_mut() {
            if let (Value::Integer(own), Some(Value::Integer(most))) = (bound, of_user.get(key)) {
                *own = lower(key, *own, *most);
            }
        }
    }
    Ok(())
}

fn lower(key: &str, own: i64, most: i64) -> i64 {
    match (own, most) {
        (0, bound) | (bound, 0) if key == NONE_AT_ZERO => bound,
        _ => own.min(most),
    }
}

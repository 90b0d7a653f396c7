//! The values of a playbook's parameters, and what becomes of them in file patterns.

use crate::placeholder;
use crate::playbook::Param;
use std::collections::BTreeMap;

/// Longest value of a parameter, in characters.
const VALUE_CHARS_MAX: usize = 20_000;

/// Given values over defaults. Everything that is wrong is added to `faults`.
pub(crate) fn resolve(
    params: &[Param],
    given: &BTreeMap<String, String>,
    faults: &mut Vec<String>,
) -> BTreeMap<String, String> {
    let known: Vec<&str> = params.iter().map(|param| param.name.as_str()).collect();
    for name in given.keys().filter(|name| !known.contains(&name.as_str())) {
        let known = if known.is_empty() {
            "none".to_owned()
        } else {
            known.join(", ")
        };
        faults.push(format!(
            "there is no parameter `{name}`; there are: {known}"
        ));
    }
    let mut values = BTreeMap::new();
    for Param {
        name,
        description,
        default,
        required,
    } in params
    {
        let value = given
            .get(name)
            .or(default.as_ref())
            .map_or("", |value| value.trim());
        if *required && value.is_empty() {
            faults.push(format!(
                "the parameter `{name}` is missing ({description}); give it with `--set {name}=…`"
            ));
        } else if value.chars().count() > VALUE_CHARS_MAX {
            faults.push(format!(
                "the parameter `{name}` is longer than {VALUE_CHARS_MAX} characters"
            ));
        } else if value.contains("{{") {
            faults.push(format!(
                "the parameter `{name}` holds `{{{{`, which stands for a placeholder"
            ));
        } else {
            values.insert(name.clone(), value.to_owned());
        }
    }
    values
}

/// A file pattern with its parameters filled in and `.` and doubled slashes taken out.
///
/// # Errors
/// What is wrong with it: a parameter without a value, or a path out of the workspace.
pub(crate) fn file_pattern(
    template: &str,
    values: &BTreeMap<String, String>,
) -> Result<String, String> {
    let filled = placeholder::fill(template, &|name| values.get(name).cloned());
    if let Some(name) = placeholder::names(&filled).first() {
        return Err(format!(
            "the pattern `{template}` needs a value for `{name}`"
        ));
    }
    // A parameter in front that is empty or `.` means the workspace, not the root of the disk.
    let empty_in_front = placeholder::first(template).is_some_and(|(before, name, _)| {
        before.is_empty() && values.get(name).is_some_and(String::is_empty)
    });
    if filled.starts_with('/') && !empty_in_front {
        return Err(format!(
            "`{filled}` is absolute; give a path within the workspace"
        ));
    }
    let names: Vec<&str> = filled
        .split('/')
        .filter(|name| !name.is_empty() && *name != ".")
        .collect();
    if names.contains(&"..") {
        return Err(format!("`{filled}` leaves the workspace with `..`"));
    }
    Ok(names.join("/"))
}

/// The items of a list that a person typed: one a line, or separated by commas.
pub(crate) fn items(list: &str) -> Vec<String> {
    let separator = if list.contains('\n') { '\n' } else { ',' };
    list.split(separator)
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .map(str::to_owned)
        .collect()
}

//! A playbook: a plan with parameters, for a known job that needs no planning. Its tasks are
//! kept as they are written; what becomes of them is in `instantiate`.

use crate::error::{PlaybookError, PlaybookFault};
use crate::instantiate;
use crate::params;
use leadhand_protocol::{Goal, Limits, Plan};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use toml::Spanned;

/// Largest playbook, in bytes.
pub const PLAYBOOK_BYTES_MAX: usize = 256 * 1024;

/// A ready plan with parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct Playbook {
    /// What it is called.
    pub name: String,
    /// What it does, in a line.
    pub description: String,
    /// What it needs to be told, in the order of the file.
    pub params: Vec<Param>,
    pub(crate) file: String,
    pub(crate) goal: String,
    pub(crate) answer: Option<String>,
    pub(crate) tasks: Vec<TaskTemplate>,
    pub(crate) acceptance: Vec<(usize, Value)>,
}

/// A parameter of a playbook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Param {
    /// What it is called: letters, digits, `-` and `_`.
    pub name: String,
    /// What it means, for people.
    pub description: String,
    /// What holds when it is not given.
    pub default: Option<String>,
    /// Whether it must have a value that is not empty.
    pub required: bool,
}

/// A task as it is written, and what it is multiplied over.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TaskTemplate {
    pub(crate) line: usize,
    pub(crate) over: Over,
    /// The fields of a task, placeholders and all.
    pub(crate) fields: Map<String, Value>,
}

/// What a task is multiplied over.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Over {
    Once,
    /// The files that match a pattern, but for these.
    Files {
        pattern: String,
        except: Vec<String>,
    },
    /// The items of a list.
    Items(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlaybookFile {
    name: String,
    description: String,
    goal: Option<String>,
    answer: Option<String>,
    #[serde(default)]
    params: toml::map::Map<String, toml::Value>,
    tasks: Vec<Spanned<Map<String, Value>>>,
    #[serde(default)]
    acceptance: Vec<Spanned<Value>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ParamTable {
    #[serde(default)]
    description: String,
    default: Option<String>,
    required: Option<bool>,
}

/// Reads the text of a playbook. `file_name` is used in messages only.
///
/// The tasks are tried out with made-up values, so that a misspelt field or a wrong check is
/// found now and not when somebody needs the playbook.
///
/// # Errors
/// [`PlaybookError`] with file and line: too large, not TOML, an unknown or missing field.
pub fn parse_playbook(file_name: &str, text: &str) -> Result<Playbook, PlaybookError> {
    let one_fault = |line: usize, text: String| PlaybookError {
        file: file_name.to_owned(),
        faults: vec![PlaybookFault {
            file: file_name.to_owned(),
            line,
            text,
        }],
    };
    if text.len() > PLAYBOOK_BYTES_MAX {
        return Err(one_fault(
            1,
            format!("it is larger than {PLAYBOOK_BYTES_MAX} bytes"),
        ));
    }
    let file: PlaybookFile = toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_at(text, span.start));
        one_fault(line, error.message().trim().to_owned())
    })?;
    let mut faults = Vec::new();
    let mut fault = |line, text| {
        faults.push(PlaybookFault {
            file: file_name.to_owned(),
            line,
            text,
        });
    };
    let params = file
        .params
        .into_iter()
        .filter_map(|(name, table)| param(name, table).map_err(|why| fault(0, why)).ok());
    let params: Vec<Param> = params.collect();
    let tasks = file.tasks.into_iter().filter_map(|task| {
        let line = line_at(text, task.span().start);
        task_template(line, task.into_inner())
            .map_err(|why| fault(line, why))
            .ok()
    });
    let playbook = Playbook {
        name: file.name,
        goal: file.goal.unwrap_or_else(|| file.description.clone()),
        description: file.description,
        params,
        file: file_name.to_owned(),
        answer: file.answer,
        tasks: tasks.collect(),
        acceptance: file
            .acceptance
            .into_iter()
            .map(|check| (line_at(text, check.span().start), check.into_inner()))
            .collect(),
    };
    if faults.is_empty()
        && let Err(error) = playbook.try_out()
    {
        faults = error.faults;
    }
    if faults.is_empty() {
        Ok(playbook)
    } else {
        Err(PlaybookError {
            file: file_name.to_owned(),
            faults,
        })
    }
}

impl Playbook {
    /// The file patterns whose files [`Playbook::instantiate`] must be given, with the
    /// parameters filled in. Patterns that lack a parameter are left out: `instantiate`
    /// reports what is missing.
    #[must_use]
    pub fn file_patterns(&self, given: &BTreeMap<String, String>) -> Vec<String> {
        let values = params::resolve(&self.params, given, &mut Vec::new());
        let patterns: BTreeSet<String> = self
            .tasks
            .iter()
            .filter_map(|task| match &task.over {
                Over::Files { pattern, .. } => params::file_pattern(pattern, &values).ok(),
                Over::Once | Over::Items(_) => None,
            })
            .collect();
        patterns.into_iter().collect()
    }

    /// Makes a goal and its plan. `files` holds, for each of [`Playbook::file_patterns`], the
    /// files that match, in the order in which their tasks shall stand.
    ///
    /// # Errors
    /// [`PlaybookError`] with everything that is wrong at once: parameters that are missing
    /// or unknown, a pattern without files, more tasks than `limits` allow, bad task ids.
    pub fn instantiate(
        &self,
        given: &BTreeMap<String, String>,
        files: &BTreeMap<String, Vec<String>>,
        limits: &Limits,
    ) -> Result<(Goal, Plan), PlaybookError> {
        instantiate::instantiate(self, given, files, limits)
    }

    /// Instantiates with made-up values.
    fn try_out(&self) -> Result<(Goal, Plan), PlaybookError> {
        let given: BTreeMap<String, String> = self
            .params
            .iter()
            .filter(|param| param.default.as_ref().is_none_or(String::is_empty))
            .map(|param| (param.name.clone(), "x".to_owned()))
            .collect();
        let patterns = self.file_patterns(&given).into_iter();
        let files = patterns
            .map(|pattern| (pattern, vec!["made-up.txt".to_owned()]))
            .collect();
        self.instantiate(&given, &files, &Limits::default())
    }
}

fn param(name: String, table: toml::Value) -> Result<Param, String> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let reserved = [
        "item",
        "item_name",
        "item_folder",
        "index",
        "task",
        "output",
        "end",
    ];
    if name.is_empty() || !name.chars().all(is_word) || reserved.contains(&name.as_str()) {
        return Err(format!(
            "`{name}` cannot be the name of a parameter: use letters, digits, `-` and `_`, and none of {}",
            reserved.join(", ")
        ));
    }
    let table: ParamTable = table
        .try_into()
        .map_err(|error: toml::de::Error| format!("params.{name}: {}", error.message().trim()))?;
    let required = table.required.unwrap_or(table.default.is_none());
    Ok(Param {
        name,
        description: table.description,
        default: table.default,
        required,
    })
}

fn task_template(line: usize, mut fields: Map<String, Value>) -> Result<TaskTemplate, String> {
    let mut text = |key: &str| match fields.remove(key) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(format!("`{key}` must be a text")),
    };
    let over = match (text("for_each_file")?, text("for_each_item")?) {
        (Some(_), Some(_)) => {
            return Err("a task has `for_each_file` or `for_each_item`, not both".to_owned());
        }
        (Some(pattern), None) => {
            let except = match fields.remove("except") {
                None => Vec::new(),
                Some(paths) => serde_json::from_value(paths)
                    .map_err(|_| "`except` must be a list of paths".to_owned())?,
            };
            Over::Files { pattern, except }
        }
        (None, Some(list)) => Over::Items(list),
        (None, None) => Over::Once,
    };
    Ok(TaskTemplate { line, over, fields })
}

fn line_at(text: &str, byte: usize) -> usize {
    text.bytes()
        .take(byte)
        .filter(|byte| *byte == b'\n')
        .count()
        + 1
}

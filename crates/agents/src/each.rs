//! `{{each NAME}}…{{end}}`: a part of a text, written once for each item of a list parameter
//! or for each fan-out task whose id fits a pattern. As a key of a table or as
//! an item of a list, `{{each NAME}}` alone makes one key or item of each.

use crate::placeholder::{self, written};
use serde_json::{Map, Value};

/// What a placeholder can stand for at one place.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'a> {
    /// The value of a plain placeholder.
    pub(crate) value_of: &'a dyn Fn(&str) -> Option<String>,
    /// What `each NAME` goes over; none when the name means nothing.
    pub(crate) rows_of: &'a dyn Fn(&str) -> Option<Vec<Row>>,
}

/// One of the things that `each` goes over.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    pub(crate) item: String,
    pub(crate) index: usize,
    /// The task that `{{task}}` names and whose output `{{output}}` stands for.
    pub(crate) task: Option<String>,
}

impl Row {
    /// What a placeholder stands for within `each`, and in the fields of a fan-out task.
    pub(crate) fn value_of(&self, name: &str) -> Option<String> {
        let (folder, file) = match self.item.rfind('/') {
            Some(at) => self.item.split_at(at + 1),
            None => ("", self.item.as_str()),
        };
        match name {
            "item" => Some(self.item.clone()),
            "item_name" => Some(file.to_owned()),
            "item_folder" => Some(folder.to_owned()),
            "index" => Some(self.index.to_string()),
            "task" => self.task.clone(),
            "output" => self.task.as_deref().map(written),
            _ => None,
        }
    }
}

/// Fills in all texts of a value, keys too.
pub(crate) fn fill(value: &Value, scope: Scope<'_>) -> Value {
    match value {
        Value::String(text) => Value::String(fill_text(text, scope)),
        Value::Array(items) => {
            let filled = items
                .iter()
                .flat_map(|item| match item.as_str().and_then(lone_each) {
                    Some(name) => rows(name, scope)
                        .into_iter()
                        .map(|row| row.item.into())
                        .collect(),
                    None => vec![fill(item, scope)],
                });
            filled.collect()
        }
        Value::Object(fields) => {
            let filled = fields.iter().flat_map(|(key, value)| match lone_each(key) {
                Some(name) => rows(name, scope)
                    .iter()
                    .map(|row| fill_field(row, value, scope))
                    .collect(),
                None => vec![(fill_text(key, scope), fill(value, scope))],
            });
            Value::Object(filled.collect::<Map<_, _>>())
        }
        other => other.clone(),
    }
}

fn fill_field(row: &Row, value: &Value, scope: Scope<'_>) -> (String, Value) {
    let value_of = |name: &str| row.value_of(name).or_else(|| (scope.value_of)(name));
    (
        row.item.clone(),
        fill(
            value,
            Scope {
                value_of: &value_of,
                ..scope
            },
        ),
    )
}

fn lone_each(text: &str) -> Option<&str> {
    match placeholder::first(text.trim()) {
        Some(("", name, "")) => name.strip_prefix("each ").map(str::trim),
        _ => None,
    }
}

fn rows(name: &str, scope: Scope<'_>) -> Vec<Row> {
    (scope.rows_of)(name).unwrap_or_default()
}

fn fill_text(text: &str, scope: Scope<'_>) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, body, name, after)) = first_section(rest) {
        filled.push_str(&placeholder::fill(before, scope.value_of));
        match (scope.rows_of)(name) {
            Some(rows) => rows.iter().for_each(|row| {
                let value_of = |name: &str| row.value_of(name).or_else(|| (scope.value_of)(name));
                filled.push_str(&placeholder::fill(body, &value_of));
            }),
            None => filled.push_str(&written(&format!("each {name}"))),
        }
        rest = after;
    }
    filled.push_str(&placeholder::fill(rest, scope.value_of));
    filled
}

/// What is before the first `{{each NAME}}`, its body, its name, and what is after its end.
fn first_section(text: &str) -> Option<(&str, &str, &str, &str)> {
    let mut searched = 0;
    while let Some((before, name, after)) = placeholder::first(&text[searched..]) {
        let opened = searched + before.len();
        let body_start = text.len() - after.len();
        if let Some(name) = name.strip_prefix("each ") {
            let mut rest = after;
            while let Some((_, inner, behind)) = placeholder::first(rest) {
                if inner == "end" {
                    let end = text.len() - behind.len();
                    let close = text[..end].rfind("{{")?;
                    return Some((
                        &text[..opened],
                        &text[body_start..close],
                        name.trim(),
                        behind,
                    ));
                }
                rest = behind;
            }
            return None;
        }
        searched = body_start;
    }
    None
}

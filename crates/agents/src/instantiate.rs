//! From a playbook to a plan: parameters are filled in, patterns in `depends_on` become the
//! tasks they gather, and every fault is collected. Fan-out is in `fan_out`.

use crate::each::{self, Row, Scope};
use crate::error::{PlaybookError, PlaybookFault};
use crate::fan_out::Instance;
use crate::glob::fits;
use crate::params;
use crate::placeholder;
use crate::playbook::Playbook;
use leadhand_protocol::{Check, Goal, Limits, Plan, Task, TaskId};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

pub(crate) struct Making<'a> {
    pub(crate) playbook: &'a Playbook,
    pub(crate) values: BTreeMap<String, String>,
    faults: Vec<PlaybookFault>,
}

pub(crate) fn instantiate(
    playbook: &Playbook,
    given: &BTreeMap<String, String>,
    files: &BTreeMap<String, Vec<String>>,
    limits: &Limits,
) -> Result<(Goal, Plan), PlaybookError> {
    let mut wrong = Vec::new();
    let values = params::resolve(&playbook.params, given, &mut wrong);
    let mut making = Making {
        playbook,
        values,
        faults: Vec::new(),
    };
    wrong.into_iter().for_each(|text| making.fault(0, text));
    if !making.faults.is_empty() {
        return Err(making.into_error());
    }
    let (instances, used_files) = making.multiply(files, limits);
    making.check_ids(&instances);
    if !making.faults.is_empty() {
        return Err(making.into_error());
    }
    let tasks: Vec<Task> = instances
        .iter()
        .filter_map(|instance| making.task(instance, &instances))
        .collect();
    let acceptance = making.acceptance();
    let answer = making.answer(&instances);
    let goal = Goal {
        files: used_files,
        acceptance,
        ..Goal::new(placeholder::fill(&playbook.goal, &|name| {
            making.values.get(name).cloned()
        }))
    };
    if making.faults.is_empty() {
        Ok((goal, Plan { tasks, answer }))
    } else {
        Err(making.into_error())
    }
}

impl<'a> Making<'a> {
    pub(crate) fn fault(&mut self, line: usize, text: impl Into<String>) {
        let fault = PlaybookFault {
            file: self.playbook.file.clone(),
            line,
            text: text.into(),
        };
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }

    fn into_error(self) -> PlaybookError {
        PlaybookError {
            file: self.playbook.file.clone(),
            faults: self.faults,
        }
    }

    fn task(&mut self, instance: &Instance<'a>, all: &[Instance<'a>]) -> Option<Task> {
        let line = instance.template.line;
        let depends_on = self.dependencies(instance, all);
        let mut fields = Map::new();
        for (key, value) in &instance.template.fields {
            let filled = match key.as_str() {
                "depends_on" => depends_on.iter().cloned().collect(),
                _ => self.fill(value, instance.row.as_ref(), all),
            };
            let known: &[String] = if key == "call" { &depends_on } else { &[] };
            self.check_placeholders(line, &filled, known);
            fields.insert(key.clone(), filled);
        }
        match serde_json::from_value(Value::Object(fields)) {
            Ok(task) => Some(task),
            Err(error) => {
                self.fault(
                    line,
                    format!("the task `{}` is not a task: {error}", instance.id),
                );
                None
            }
        }
    }

    /// The ids that `depends_on` names, its patterns replaced by the tasks they gather.
    fn dependencies(&mut self, instance: &Instance<'a>, all: &[Instance<'a>]) -> Vec<String> {
        let line = instance.template.line;
        let written: Vec<String> = match instance.template.fields.get("depends_on") {
            None => Vec::new(),
            Some(value) => match serde_json::from_value(value.clone()) {
                Ok(written) => written,
                Err(_) => {
                    self.fault(line, "`depends_on` must be a list of task ids");
                    Vec::new()
                }
            },
        };
        let mut ids: Vec<String> = Vec::new();
        for name in written {
            let name = placeholder::fill(&name, &|name| self.value_of(instance.row.as_ref(), name));
            let before = ids.len();
            for other in all.iter().filter(|other| fits(&name, &other.id)) {
                if other.id != instance.id && !ids.contains(&other.id) {
                    ids.push(other.id.clone());
                }
            }
            if ids.len() == before && !ids.iter().any(|id| fits(&name, id)) {
                self.fault(
                    line,
                    format!(
                        "`{}` depends on `{name}`, which no other task is called",
                        instance.id
                    ),
                );
            }
        }
        ids
    }

    fn acceptance(&mut self) -> Vec<Check> {
        let mut checks = Vec::new();
        for (line, value) in &self.playbook.acceptance {
            let filled = self.fill(value, None, &[]);
            self.check_placeholders(*line, &filled, &[]);
            match serde_json::from_value(filled) {
                Ok(check) => checks.push(check),
                Err(error) => self.fault(*line, format!("this is not a check: {error}")),
            }
        }
        checks
    }

    fn answer(&mut self, instances: &[Instance<'a>]) -> Option<TaskId> {
        let answer = self.fill_text(self.playbook.answer.as_deref()?);
        if !instances.iter().any(|instance| instance.id == answer) {
            self.fault(
                0,
                format!("the answer is to come from `{answer}`, which no task is called"),
            );
        }
        TaskId::new(answer).ok()
    }

    pub(crate) fn value_of(&self, row: Option<&Row>, name: &str) -> Option<String> {
        row.and_then(|row| row.value_of(name))
            .or_else(|| self.values.get(name).cloned())
    }

    pub(crate) fn fill_text(&self, text: &str) -> String {
        placeholder::fill(text, &|name| self.values.get(name).cloned())
    }

    fn fill(&self, value: &Value, row: Option<&Row>, all: &[Instance<'a>]) -> Value {
        let rows_of = |name: &str| {
            if let Some(list) = self.values.get(name) {
                let items = params::items(list).into_iter().enumerate();
                return Some(
                    items
                        .map(|(place, item)| Row {
                            item,
                            index: place + 1,
                            task: None,
                        })
                        .collect(),
                );
            }
            let fitting = all.iter().filter(|other| fits(name, &other.id));
            let rows: Vec<Row> = fitting
                .filter_map(|other| {
                    other.row.clone().map(|row| Row {
                        task: Some(other.id.clone()),
                        ..row
                    })
                })
                .collect();
            (!rows.is_empty()).then_some(rows)
        };
        let value_of = |name: &str| self.value_of(row, name);
        each::fill(
            value,
            Scope {
                value_of: &value_of,
                rows_of: &rows_of,
            },
        )
    }

    /// What is left must stand for the output of a task that this one depends on.
    fn check_placeholders(&mut self, line: usize, value: &Value, depends_on: &[String]) {
        match value {
            Value::String(text) => {
                for name in placeholder::names(text) {
                    if !depends_on.iter().any(|id| fits(name, id)) {
                        let text = format!(
                            "`{}` stands for nothing here: it is no parameter, and no task that this one depends on",
                            placeholder::written(name)
                        );
                        self.fault(line, text);
                    }
                }
            }
            Value::Array(items) => {
                items
                    .iter()
                    .for_each(|item| self.check_placeholders(line, item, depends_on));
            }
            Value::Object(fields) => {
                fields
                    .values()
                    .for_each(|field| self.check_placeholders(line, field, depends_on));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

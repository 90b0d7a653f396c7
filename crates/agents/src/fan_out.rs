//! Tasks multiplied over files and items, and the ids that come of it.

use crate::each::Row;
use crate::instantiate::Making;
use crate::params;
use crate::placeholder;
use crate::playbook::{Over, TaskTemplate};
use leadhand_protocol::{Limits, TaskId};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// A task of the plan to be: which template it comes from and what it is multiplied with.
pub(crate) struct Instance<'a> {
    pub(crate) template: &'a TaskTemplate,
    pub(crate) id: String,
    pub(crate) row: Option<Row>,
}

impl<'a> Making<'a> {
    /// One instance for each task of the plan, and the files they are about.
    pub(crate) fn multiply(
        &mut self,
        files: &BTreeMap<String, Vec<String>>,
        limits: &Limits,
    ) -> (Vec<Instance<'a>>, Vec<String>) {
        let mut instances = Vec::new();
        let mut used_files: Vec<String> = Vec::new();
        for template in &self.playbook.tasks {
            let items = match self.items(template, files) {
                Ok(items) => items,
                Err(why) => {
                    self.fault(template.line, why);
                    continue;
                }
            };
            let Some(items) = items else {
                instances.push(self.instance(template, None));
                continue;
            };
            for (place, item) in items.into_iter().enumerate() {
                if item.contains("{{") || item.chars().any(char::is_control) {
                    self.fault(
                        template.line,
                        format!(
                            "{item:?} cannot be an item: it holds `{{{{` or a control character"
                        ),
                    );
                    continue;
                }
                if matches!(template.over, Over::Files { .. }) && !used_files.contains(&item) {
                    used_files.push(item.clone());
                }
                instances.push(self.instance(template, Some((place + 1, item))));
            }
        }
        if instances.len() > limits.tasks_max {
            let text = format!(
                "it makes {} tasks, but a plan may have {}; choose fewer files or raise `tasks_max`",
                instances.len(),
                limits.tasks_max
            );
            self.fault(0, text);
        }
        (instances, used_files)
    }

    /// What a task is multiplied over; none for a task that stands once.
    fn items(
        &self,
        template: &TaskTemplate,
        files: &BTreeMap<String, Vec<String>>,
    ) -> Result<Option<Vec<String>>, String> {
        match &template.over {
            Over::Once => Ok(None),
            Over::Items(list) => {
                let items = params::items(&self.fill_text(list));
                if items.is_empty() {
                    return Err(format!("the list `{list}` is empty"));
                }
                Ok(Some(items))
            }
            Over::Files { pattern, except } => {
                let pattern = params::file_pattern(pattern, &self.values)?;
                let except: Vec<String> = except
                    .iter()
                    .filter_map(|path| params::file_pattern(path, &self.values).ok())
                    .collect();
                let mut matching = files.get(&pattern).cloned().unwrap_or_default();
                matching.retain(|path| !except.contains(path));
                if matching.is_empty() {
                    return Err(format!("no file matches `{pattern}`"));
                }
                Ok(Some(matching))
            }
        }
    }

    fn instance(&self, template: &'a TaskTemplate, item: Option<(usize, String)>) -> Instance<'a> {
        let row = item.map(|(index, item)| Row {
            item,
            index,
            task: None,
        });
        let written = template
            .fields
            .get("id")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let id = placeholder::fill(written, &|name| self.value_of(row.as_ref(), name));
        Instance { template, id, row }
    }

    pub(crate) fn check_ids(&mut self, instances: &[Instance<'a>]) {
        let mut seen = BTreeSet::new();
        for Instance { template, id, .. } in instances {
            if let Err(error) = TaskId::new(id) {
                self.fault(template.line, error.to_string());
            } else if !seen.insert(id) {
                let hint =
                    "a task that stands for several files or items needs `{{index}}` in its id";
                self.fault(
                    template.line,
                    format!("two tasks have the id `{id}`; {hint}"),
                );
            }
        }
    }
}

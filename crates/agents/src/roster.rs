//! The roles a run can use: the built-in ones, and over them the project's.

use crate::built_in;
use crate::error::{Notice, RoleError};
use crate::role_file::{self, RoleFile};
use leadhand_protocol::Role;
use std::collections::BTreeMap;

/// The role that plans, revises and answers; there is always one.
pub const MANAGER: &str = "manager";
/// Most roles of a roster.
pub const ROLES_MAX: usize = 200;

/// The roles of a run by name.
#[derive(Debug, Clone)]
pub struct Roster {
    manager: RoleFile,
    workers: BTreeMap<String, RoleFile>,
}

impl Roster {
    /// The roles that come with the program.
    ///
    /// ```
    /// let roster = leadhand_agents::Roster::built_in();
    /// assert_eq!(roster.manager().name, "manager");
    /// assert!(roster.get("researcher").is_some());
    /// ```
    #[must_use]
    pub fn built_in() -> Self {
        let (manager, workers) = built_in::roles();
        let by_name = workers
            .into_iter()
            .map(|file| (file.role.name.clone(), file));
        Self {
            manager,
            workers: by_name.collect(),
        }
    }

    /// Adds a role file of the project, in place of a built-in role of the same name.
    ///
    /// # Errors
    /// [`RoleError`] when the file cannot be read as a role, when another file of the project
    /// already defines the name, or when there are [`ROLES_MAX`] roles.
    pub fn add(&mut self, file_name: &str, text: &str) -> Result<Vec<Notice>, RoleError> {
        let mut read = role_file::read(file_name, text)?;
        let notices = std::mem::take(&mut read.notices);
        let name = read.role.name.clone();
        if let Some(first) = self.file_of(&name)
            && !built_in::is_built_in(first)
        {
            let (file, first) = (file_name.to_owned(), first.to_owned());
            return Err(RoleError::Duplicate { file, name, first });
        }
        if name == MANAGER {
            self.manager = read;
        } else if self.workers.len() + 1 < ROLES_MAX || self.workers.contains_key(&name) {
            self.workers.insert(name, read);
        } else {
            return Err(RoleError::TooMany {
                file: file_name.to_owned(),
                roles_max: ROLES_MAX,
            });
        }
        Ok(notices)
    }

    /// Holds every role against the tools and models there are. A tool or model that does not
    /// exist is taken off the role and reported; a role left without models uses the default.
    pub fn check(&mut self, known_tools: &[&str], known_models: &[&str]) -> Vec<Notice> {
        let files = std::iter::once(&mut self.manager).chain(self.workers.values_mut());
        files
            .flat_map(|file| check_file(file, known_tools, known_models))
            .collect()
    }

    /// The role that plans, revises and answers.
    #[must_use]
    pub fn manager(&self) -> &Role {
        &self.manager.role
    }

    /// The role of this name, the manager's too.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Role> {
        self.file(name).map(|file| &file.role)
    }

    /// The roles tasks can be given to, by name.
    pub fn workers(&self) -> impl Iterator<Item = &Role> {
        self.workers.values().map(|file| &file.role)
    }

    /// Every role, the manager first, the others by name.
    pub fn roles(&self) -> impl Iterator<Item = &Role> {
        std::iter::once(self.manager()).chain(self.workers())
    }

    /// The file a role comes from; `built in: …` for those that come with the program.
    #[must_use]
    pub fn file_of(&self, name: &str) -> Option<&str> {
        self.file(name).map(|file| file.file.as_str())
    }

    fn file(&self, name: &str) -> Option<&RoleFile> {
        if name == MANAGER {
            Some(&self.manager)
        } else {
            self.workers.get(name)
        }
    }
}

fn check_file(file: &mut RoleFile, known_tools: &[&str], known_models: &[&str]) -> Vec<Notice> {
    let mut notices = Vec::new();
    let mut notice = |line, text| {
        notices.push(Notice {
            file: file.file.clone(),
            line,
            text,
        });
    };
    file.role.tools.retain(|tool| {
        let known = known_tools.contains(&tool.as_str());
        if !known {
            notice(
                file.tools_line,
                format!("there is no tool `{tool}`; it is left out"),
            );
        }
        known
    });
    let had_models = !file.role.models.is_empty();
    file.role.models.retain(|model| {
        let known = known_models.contains(&model.as_str());
        if !known {
            notice(
                file.models_line,
                format!("there is no model `{model}` in the configuration; it is left out"),
            );
        }
        known
    });
    if had_models && file.role.models.is_empty() {
        notice(
            file.models_line,
            "the role uses the default model".to_owned(),
        );
    }
    notices
}

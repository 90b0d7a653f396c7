//! The project a command works in: its configuration, roles, playbooks, rules and
//! instructions, all read once, and the [`Leadhand`] that is built of them.

use crate::approvals;
use crate::components::{Components, host_builder};
use crate::config::{Config, SecretConfig};
use crate::failure::Failure;
use crate::files;
use crate::folders::Folders;
use crate::model_choice::{Choice, variable};
use crate::screen;
use clap::Args;
use leadhand::rooms::agents::{
    PLAYBOOK_BYTES_MAX, ROLE_FILE_BYTES_MAX, built_in_playbooks, parse_playbook,
};
use leadhand::rooms::policy::{
    PolicyError, RULE_FILE_BYTES_MAX, merge, parse_approvals, root_grants,
};
use leadhand::rooms::protocol::{Approval, Rule};
use leadhand::rooms::sandbox::{Secret, ToolHostBuilder};
use leadhand::{
    Autonomy, Builder, Durability, Leadhand, Playbook, PolicyChange, SledJournal, built_in_rules,
    parse_rules,
};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Folder of the journal, in the project.
const JOURNAL_FOLDER: &str = ".leadhand";
/// Name of rule files.
const RULES_FILE: &str = "policy.toml";
/// Name of the file with instructions for agents.
const INSTRUCTIONS_FILE: &str = "AGENTS.md";
/// Largest such file, in bytes.
const INSTRUCTIONS_BYTES_MAX: usize = 1024 * 1024;
/// Fewest characters of a secret that is looked for without being asked.
const SECRET_CHARS_MIN: usize = 8;
/// Characters of it that are used: it stands in every prompt.
const INSTRUCTIONS_CHARS_MAX: usize = 16_000;

/// Where the project is and what its configuration is overridden with. These options may stand
/// before the command and after it.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ProjectOptions {
    /// Work in this folder instead of the current one
    #[arg(short = 'C', long = "directory", value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Override a value of leadhand.toml, such as limits.workers_max=2
    #[arg(short = 'c', long = "config", value_name = "KEY=VALUE")]
    overrides: Vec<String>,
}

impl ProjectOptions {
    /// These options after those that stood before the command.
    pub(crate) fn after(&self, before: &Self) -> Self {
        Self {
            folder: self.folder.clone().or_else(|| before.folder.clone()),
            overrides: [before.overrides.as_slice(), &self.overrides].concat(),
        }
    }

    /// These options as another process of the program is given them.
    pub(crate) fn as_arguments(&self) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = vec!["-C".into(), self.folder().into()];
        for over in &self.overrides {
            arguments.extend(["-c".into(), over.into()]);
        }
        arguments
    }

    /// The project's folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.as_deref().unwrap_or(Path::new("."))
    }
}

/// What is read of a project.
pub(crate) struct Project {
    pub(crate) folder: PathBuf,
    pub(crate) folders: Folders,
    pub(crate) config: Config,
    rules: Vec<Rule>,
    approvals: Vec<Approval>,
    roles: Vec<(String, String)>,
    instructions: String,
}

impl Project {
    /// Reads everything but the playbooks.
    ///
    /// # Errors
    /// What is wrong with which file.
    pub(crate) fn open(options: &ProjectOptions) -> Result<Self, Failure> {
        let folder = options.folder().to_owned();
        if !folder.is_dir() {
            return Err(Failure::usage(
                format!("{}: there is no such folder", folder.display()),
                "name the project's folder with -C",
            ));
        }
        let folders = Folders::of_user()?;
        let usual = if screen::is_attended() {
            Autonomy::L2
        } else {
            Autonomy::L4
        };
        let config = Config::load(&folders.config, &folder, &options.overrides, usual)?;
        let (rules, mut approvals) = rules(&folders.config, &folder)?;
        approvals.extend(approvals::load(&folders.config, &folder)?);
        Ok(Self {
            rules,
            approvals,
            roles: roles(&folder)?,
            instructions: instructions(&folder)?,
            folder,
            folders,
            config,
        })
    }

    /// The playbooks of the project over the built-in ones, by name.
    ///
    /// # Errors
    /// What is wrong with a file.
    pub(crate) fn playbooks(&self) -> Result<Vec<Playbook>, Failure> {
        let mut playbooks = built_in_playbooks();
        for path in playbook_files(&self.folder) {
            let Some(text) = files::read_of_project(&self.folder, &path, PLAYBOOK_BYTES_MAX)?
            else {
                continue;
            };
            let playbook = parse_playbook(&self.named(&path), &text)
                .map_err(|error| Failure::Leadhand(error.into()))?;
            playbooks.retain(|known| known.name != playbook.name);
            playbooks.push(playbook);
        }
        playbooks.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(playbooks)
    }

    /// Names of the models that the project's role files may name.
    pub(crate) fn role_texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.roles
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_str()))
    }

    /// The runs of the project; nothing is made by looking.
    pub(crate) fn journal(&self) -> SledJournal {
        let durability = Durability::from(self.config.journal);
        SledJournal::open_root(self.journal_folder(), durability)
    }

    pub(crate) fn journal_folder(&self) -> PathBuf {
        self.folder.join(JOURNAL_FOLDER)
    }

    /// Makes the journal's folder, hidden from version control.
    ///
    /// # Errors
    /// [`Failure::Usage`] when the project's folder cannot be written.
    pub(crate) fn make_journal_folder(&self) -> Result<(), Failure> {
        let folder = self.journal_folder();
        let ignore = folder.join(".gitignore");
        let made = std::fs::create_dir_all(&folder).and_then(|()| {
            if ignore.exists() {
                Ok(())
            } else {
                std::fs::write(&ignore, "*\n")
            }
        });
        made.map_err(|error| {
            Failure::usage(
                format!(
                    "{} cannot be written: {error}; runs are recorded there",
                    folder.display()
                ),
                "make the folder writable, or name another project folder with -C",
            )
        })
    }

    /// Everything of the project and these models, ready for an approver and an observer.
    ///
    /// # Errors
    /// When the journal cannot be opened.
    pub(crate) fn builder(&self, choice: &Choice) -> Result<Builder, Failure> {
        let mut builder = Leadhand::builder()
            .workspace(&self.folder)
            .limits(self.config.limits.clone())
            .tool_limits(self.config.tool_limits.clone())
            .instructions(self.instructions.clone())
            .add_rules(self.rules.iter().cloned())
            .labels(self.config.labels.iter().cloned())
            .environment(variables())
            .approvals(self.approvals.iter().cloned())
            .cache_folder(&self.folders.tools)
            .journal(self.journal())
            .remote_control()
            .secrets(|name| std::env::var(name).ok())
            .model_folder(&self.folders.models);
        for (name, count) in &self.config.permits {
            builder = builder.permits(name.as_str(), *count);
        }
        for (name, config) in &choice.models {
            builder = builder.model_config(name, config);
        }
        for file in self.components().files() {
            builder = builder.component_file(file);
        }
        for secret in self.secrets() {
            builder = builder.tool_secret(secret);
        }
        builder = builder.default_model(&choice.name);
        Ok(self.with_roles(builder))
    }

    /// The values of all variables that are named as holding keys and secrets. One that is too
    /// short to be masked is no secret that could be kept.
    pub(crate) fn known_secrets(&self) -> Vec<String> {
        let config = &self.config;
        let secrets = config.secrets.values().map(|secret| secret.env.as_str());
        let models = config.models.values();
        let keys = models.filter_map(|model| model.api_key_env.as_deref());
        let known = secrets.chain(keys).chain(["OPENAI_API_KEY"]);
        let is_secret = |value: &String| value.chars().count() >= SECRET_CHARS_MIN;
        known.filter_map(variable).filter(is_secret).collect()
    }

    /// The builder with the project's roles.
    pub(crate) fn with_roles(&self, builder: Builder) -> Builder {
        self.role_texts().fold(builder, |builder, (name, text)| {
            builder.role_file(name, text)
        })
    }

    /// A host of tools that knows the user's secrets and variables; grants say who may use them.
    pub(crate) fn host_builder(&self) -> ToolHostBuilder {
        let builder = host_builder(&self.folders).env(variables());
        self.secrets()
            .into_iter()
            .fold(builder, ToolHostBuilder::secret)
    }

    /// The secrets whose variables are set.
    fn secrets(&self) -> Vec<Secret> {
        let read = |(name, config): (&String, &SecretConfig)| {
            let Ok(value) = std::env::var(&config.env) else {
                screen::note(&format!(
                    "the secret `{name}` cannot be used: the variable {} is not set",
                    config.env
                ));
                return None;
            };
            Some(Secret {
                name: name.clone(),
                origin: config.origin.clone(),
                header: config.header.clone(),
                prefix: config.prefix.clone(),
                value: value.into(),
            })
        };
        self.config.secrets.iter().filter_map(read).collect()
    }

    /// The tools beside the standard ones.
    pub(crate) fn components(&self) -> Components {
        Components::of(&self.config.tools.components, &self.folders)
    }

    /// The rules of user and project with those that are built in.
    pub(crate) fn all_rules(&self) -> Vec<Rule> {
        let mut rules = built_in_rules();
        rules.extend(self.rules.iter().cloned());
        rules
    }

    /// The policy with the rules of a file in the place of the user's.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub(crate) fn policy_with(&self, file: &Path) -> Result<PolicyChange, Failure> {
        let fault = |error: PolicyError| Failure::Leadhand(error.into());
        let text = files::read(file, RULE_FILE_BYTES_MAX)?;
        let named = parse_rules(&file.display().to_string(), &text).map_err(fault)?;
        let path = self.folder.join(RULES_FILE);
        let own = files::read_of_project(&self.folder, &path, RULE_FILE_BYTES_MAX)?;
        let own = parse_rules(RULES_FILE, &own.unwrap_or_default()).map_err(fault)?;
        let mut rules = built_in_rules();
        rules.extend(merge(named, own).map_err(fault)?);
        let grants = root_grants(&rules);
        Ok(PolicyChange { rules, grants })
    }

    fn named(&self, path: &Path) -> String {
        named(&self.folder, path)
    }
}

fn named(project: &Path, path: &Path) -> String {
    path.strip_prefix(project)
        .unwrap_or(path)
        .display()
        .to_string()
}

/// The variables of the environment that are text.
fn variables() -> impl Iterator<Item = (String, String)> {
    let text = |(name, value): (OsString, OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    std::env::vars_os().filter_map(text)
}

/// The rules of the user and the project, and what the user has approved beforehand. A project's
/// rules can ask and deny; what may be allowed is the user's to say.
fn rules(user_folder: &Path, project: &Path) -> Result<(Vec<Rule>, Vec<Approval>), Failure> {
    let fault = |error: PolicyError| Failure::Leadhand(error.into());
    let own = user_folder.join(RULES_FILE);
    let name = own.display().to_string();
    let text = files::read_if_there(&own, RULE_FILE_BYTES_MAX)?.unwrap_or_default();
    let of_user = parse_rules(&name, &text).map_err(fault)?;
    let approvals = parse_approvals(&name, &text).map_err(fault)?;
    let path = project.join(RULES_FILE);
    let text = files::read_of_project(project, &path, RULE_FILE_BYTES_MAX)?.unwrap_or_default();
    let of_project = parse_rules(RULES_FILE, &text).map_err(fault)?;
    if let Some(approval) = parse_approvals(RULES_FILE, &text).map_err(fault)?.first() {
        return Err(Failure::usage(
            format!("{}: a project cannot approve anything", approval.source),
            format!("put what you approve into {}", own.display()),
        ));
    }
    let rules = merge(of_user, of_project).map_err(fault)?;
    Ok((rules, approvals))
}

/// Where the role files of a project are.
pub(crate) fn role_files(project: &Path) -> Vec<PathBuf> {
    ["agents", "agents/workers"]
        .into_iter()
        .flat_map(|folder| files::with_extension(&project.join(folder), "md"))
        .filter(|path| !is_readme(path))
        .collect()
}

/// Whether a file is about those beside it: no role, wherever role files are looked for.
pub(crate) fn is_readme(path: &Path) -> bool {
    path.file_name()
        .is_some_and(|name| name.eq_ignore_ascii_case("readme.md"))
}

/// Where the playbooks of a project are.
pub(crate) fn playbook_files(project: &Path) -> Vec<PathBuf> {
    files::with_extension(&project.join("agents/playbooks"), "toml")
}

fn roles(project: &Path) -> Result<Vec<(String, String)>, Failure> {
    let mut roles = Vec::new();
    for path in role_files(project) {
        let text = files::read_of_project(project, &path, ROLE_FILE_BYTES_MAX)?;
        roles.extend(text.map(|text| (named(project, &path), text)));
    }
    Ok(roles)
}

fn instructions(project: &Path) -> Result<String, Failure> {
    let path = project.join(INSTRUCTIONS_FILE);
    let text = files::read_of_project(project, &path, INSTRUCTIONS_BYTES_MAX)?.unwrap_or_default();
    let cut: String = text.chars().take(INSTRUCTIONS_CHARS_MAX).collect();
    if cut.len() < text.len() {
        screen::note(&format!(
            "{INSTRUCTIONS_FILE}: only the first {INSTRUCTIONS_CHARS_MAX} characters are used, since it stands in every prompt"
        ));
    }
    Ok(cut)
}

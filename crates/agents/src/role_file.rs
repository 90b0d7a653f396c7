//! One role file: front matter and prompt, as people write it for this program or for another.

use crate::error::{Notice, RoleError};
use crate::foreign::{Meaning, STANDARD_TOOLS, meaning};
use crate::front_matter::{self, Entry};
use crate::values::{bound, count, grants, list, micro_usd, name, temperature_milli, text};
use leadhand_protocol::{Autonomy, Role};

/// Largest role file, in bytes: far more than a prompt should have.
pub const ROLE_FILE_BYTES_MAX: usize = 256 * 1024;
/// Longest name of a role, in characters.
pub const NAME_CHARS_MAX: usize = 64;

/// A role, and where in its file the names stand that the roster checks later.
#[derive(Debug, Clone)]
pub(crate) struct RoleFile {
    pub(crate) file: String,
    pub(crate) role: Role,
    pub(crate) notices: Vec<Notice>,
    pub(crate) tools_line: usize,
    pub(crate) models_line: usize,
}

/// Reads the text of a role file. `file_name` is used in messages only.
///
/// The keys are `name`, `description`, `model` (one or several; `inherit` is the default
/// model), `tools` (without it: [`STANDARD_TOOLS`]), `disallowedTools`, `grants`
/// (`fs.read docs/**`), `autonomy`, `turns`, `temperature`, `output_tokens`, and what one agent
/// may spend: `budget_tokens`, `budget_usd`, `budget_tool_calls`; every other key is reported and
/// ignored. Lists may be YAML lists or separated by commas.
///
/// ```
/// let text = "---\nname: poet\ndescription: Writes.\ntools: Read, Bash\ncolor: red\n---\nYou write poems.";
/// let (role, notices) = leadhand_agents::parse_role("poet.md", text)?;
/// assert_eq!((role.prompt.as_str(), role.tools), ("You write poems.", vec!["read_file".to_owned()]));
/// assert_eq!(notices.len(), 2);
/// # Ok::<(), leadhand_agents::RoleError>(())
/// ```
///
/// # Errors
/// [`RoleError`] with file and line: too large, no or unclosed front matter, not YAML, no
/// name, or a value of one of the keys above that makes no sense.
pub fn parse_role(file_name: &str, text: &str) -> Result<(Role, Vec<Notice>), RoleError> {
    read(file_name, text).map(|read| (read.role, read.notices))
}

pub(crate) fn read(file_name: &str, text: &str) -> Result<RoleFile, RoleError> {
    if text.len() > ROLE_FILE_BYTES_MAX {
        return Err(RoleError::TooLarge {
            file: file_name.to_owned(),
            bytes: text.len(),
            bytes_max: ROLE_FILE_BYTES_MAX,
        });
    }
    let front = front_matter::parse(file_name, text)?;
    let mut read = RoleFile {
        file: file_name.to_owned(),
        role: Role {
            prompt: front.body.to_owned(),
            ..Role::default()
        },
        notices: Vec::new(),
        tools_line: 0,
        models_line: 0,
    };
    for line in front.mended_lines {
        read.notice(
            line,
            "the text is not quoted as YAML wants it; it was read as it stands",
        );
    }
    let mut disallowed = Vec::new();
    for entry in &front.entries {
        read.take(entry, &mut disallowed)
            .map_err(|why| RoleError::BadValue {
                file: file_name.to_owned(),
                line: entry.line,
                key: entry.key.clone(),
                why,
            })?;
    }
    if read.role.name.is_empty() {
        return Err(RoleError::NoName {
            file: file_name.to_owned(),
        });
    }
    read.complete(&disallowed);
    Ok(read)
}

impl RoleFile {
    fn notice(&mut self, line: usize, text: impl Into<String>) {
        self.notices.push(Notice {
            file: self.file.clone(),
            line,
            text: text.into(),
        });
    }

    /// Takes one key; the error is what follows its name in the message.
    fn take(&mut self, entry: &Entry, disallowed: &mut Vec<String>) -> Result<(), String> {
        match entry.key.as_str() {
            "name" => self.role.name = name(&entry.node)?,
            "description" => {
                text(&entry.node)?
                    .split_whitespace()
                    .collect::<Vec<_>>()
                    .join(" ")
                    .clone_into(&mut self.role.description);
            }
            "model" | "models" => {
                self.models_line = entry.line;
                self.role.models = list(&entry.node)?;
                self.role
                    .models
                    .retain(|model| !matches!(model.as_str(), "inherit" | "default"));
            }
            "tools" => {
                self.tools_line = entry.line;
                self.take_tools(list(&entry.node)?);
            }
            "disallowedTools" => *disallowed = list(&entry.node)?,
            "grants" => self.role.grants = Some(grants(&entry.node)?),
            "autonomy" => self.role.autonomy = Some(text(&entry.node)?.parse::<Autonomy>()?),
            "turns" => self.role.turns_max = count(&entry.node)?,
            "history" => self.role.history_max = count(&entry.node)?,
            "workers" => self.role.workers_max = count(&entry.node)?,
            "output_tokens" => self.role.output_tokens_max = count(&entry.node)?,
            "budget_tokens" => self.role.budget.tokens_max = Some(bound(&entry.node)?),
            "budget_tool_calls" => self.role.budget.tool_calls_max = Some(bound(&entry.node)?),
            "budget_usd" => self.role.budget.micro_usd_max = Some(micro_usd(&entry.node)?),
            "temperature" => self.role.temperature_milli = temperature_milli(&entry.node)?,
            unknown => self.notice(entry.line, format!("the key `{unknown}` is not used here")),
        }
        Ok(())
    }

    fn take_tools(&mut self, names: Vec<String>) {
        for name in names {
            match meaning(&name) {
                Meaning::Tool(all) if all == "*" => {
                    STANDARD_TOOLS.iter().for_each(|tool| self.add_tool(tool));
                }
                Meaning::Tool(tool) => self.add_tool(&tool),
                Meaning::Nothing => {
                    let text = format!("the tool `{name}` has no equivalent here and is left out");
                    self.notice(self.tools_line, text);
                }
            }
        }
    }

    fn add_tool(&mut self, tool: &str) {
        if !self.role.tools.iter().any(|known| known == tool) {
            self.role.tools.push(tool.to_owned());
        }
    }

    fn complete(&mut self, disallowed: &[String]) {
        if self.tools_line == 0 {
            self.role.tools = STANDARD_TOOLS.map(str::to_owned).to_vec();
            self.notice(
                1,
                "no `tools` are listed, so its agents are offered all standard tools",
            );
        }
        for name in disallowed {
            if let Meaning::Tool(tool) = meaning(name) {
                self.role.tools.retain(|known| *known != tool);
            }
        }
        if self.role.prompt.is_empty() {
            self.notice(0, "there is no prompt after the front matter");
        }
        if self.role.description.is_empty() {
            self.notice(
                1,
                "there is no `description`, so the manager has only the name to go by",
            );
        }
    }
}

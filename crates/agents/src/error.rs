//! What can be wrong with a role file or a playbook, and what is only worth a word.

use std::fmt;

/// Something that does not hinder, but that the writer of a file should know.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Notice {
    /// The file, as it was named by whoever read it.
    pub file: String,
    /// The line, from 1; 0 for the file as a whole.
    pub line: usize,
    /// What was seen and what was made of it.
    pub text: String,
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", place(&self.file, self.line), self.text)
    }
}

/// Why a role file cannot be used. `file` is the name its reader gave it; lines count from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RoleError {
    /// The file is larger than any prompt.
    #[error("{file}: the role file has {bytes} bytes; at most {bytes_max} are read")]
    TooLarge {
        /// The file.
        file: String,
        /// Its size, in bytes.
        bytes: usize,
        /// The bound, in bytes.
        bytes_max: usize,
    },
    /// The file does not begin with front matter.
    #[error(
        "{file}:1: a role file begins with a line `---`, then `name:` and `description:`, then again `---`, then the prompt"
    )]
    NoFrontMatter {
        /// The file.
        file: String,
    },
    /// The front matter is never closed.
    #[error("{file}:1: the front matter has no closing line `---`")]
    Unclosed {
        /// The file.
        file: String,
    },
    /// The front matter is not YAML.
    #[error("{file}:{line}: the front matter cannot be read: {why}")]
    Yaml {
        /// The file.
        file: String,
        /// The line.
        line: usize,
        /// What the parser says.
        why: String,
    },
    /// The front matter gives no name.
    #[error("{file}:1: the role has no name; add a line `name: …` to its front matter")]
    NoName {
        /// The file.
        file: String,
    },
    /// A key has a value that makes no sense.
    #[error("{file}:{line}: `{key}` {why}")]
    BadValue {
        /// The file.
        file: String,
        /// The line.
        line: usize,
        /// The key.
        key: String,
        /// What is wrong, and what would be right.
        why: String,
    },
    /// Two files define one role.
    #[error("{file}: the role `{name}` is already defined by {first}; rename or remove one")]
    Duplicate {
        /// The later file.
        file: String,
        /// The name.
        name: String,
        /// The earlier file.
        first: String,
    },
    /// There are more roles than anybody could choose from.
    #[error("{file}: there are already {roles_max} roles; remove some")]
    TooMany {
        /// The file that was one too many.
        file: String,
        /// The bound.
        roles_max: usize,
    },
}

/// A playbook that cannot be used, with everything that is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the playbook {file} cannot be used:{}", listed(.faults))]
pub struct PlaybookError {
    /// The file, as it was named by whoever read it.
    pub file: String,
    /// The faults; never empty.
    pub faults: Vec<PlaybookFault>,
}

/// One thing that is wrong with a playbook or with what it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaybookFault {
    /// The file.
    pub file: String,
    /// The line, from 1; 0 where the fault is in a parameter or a file list.
    pub line: usize,
    /// What is wrong and what to do.
    pub text: String,
}

impl fmt::Display for PlaybookFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", place(&self.file, self.line), self.text)
    }
}

fn listed(faults: &[PlaybookFault]) -> String {
    faults.iter().map(|fault| format!("\n  {fault}")).collect()
}

fn place(file: &str, line: usize) -> String {
    if line == 0 {
        file.to_owned()
    } else {
        format!("{file}:{line}")
    }
}

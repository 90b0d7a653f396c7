//! Role files and playbooks, parsed and checked into a roster.
//!
//! Contents and names come in; nothing is read from a disk here. What the built-in roles and
//! playbooks say is in the folder `agents/`, not in Rust.

mod built_in;
mod each;
mod error;
mod fan_out;
mod foreign;
mod front_matter;
mod glob;
mod instantiate;
mod params;
mod placeholder;
mod playbook;
mod role_file;
mod roster;
mod values;

pub use built_in::built_in_playbooks;
pub use error::{Notice, PlaybookError, PlaybookFault, RoleError};
pub use foreign::STANDARD_TOOLS;
pub use playbook::{PLAYBOOK_BYTES_MAX, Param, Playbook, parse_playbook};
pub use role_file::{NAME_CHARS_MAX, ROLE_FILE_BYTES_MAX, parse_role};
pub use roster::{MANAGER, ROLES_MAX, Roster};

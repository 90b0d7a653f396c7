//! What was changed or left out while a description was read, for whoever offers the tool.

use std::fmt;

/// Most notices kept of one tool; a description that needs more is not worth more words.
const NOTICES_MAX: usize = 64;

/// One change. The same change in several places is one notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Where, as a path of arguments: `point.x`, `items[]`. Empty is the tool itself.
    pub at: String,
    /// What was read otherwise than it is written, or left out.
    pub what: String,
    /// In how many more places.
    pub more: usize,
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.at.is_empty() {
            write!(f, "`{}`: ", self.at)?;
        }
        f.write_str(&self.what)?;
        if self.more > 0 {
            write!(f, " (and in {} more places)", self.more)?;
        }
        Ok(())
    }
}

/// The notices of one tool.
#[derive(Debug, Default)]
pub(crate) struct Notices(Vec<Notice>);

impl Notices {
    pub(crate) fn add(&mut self, at: &str, what: impl Into<String>) {
        let what = what.into();
        if let Some(same) = self.0.iter_mut().find(|notice| notice.what == what) {
            same.more += 1;
        } else if self.0.len() < NOTICES_MAX {
            let at = at.to_owned();
            self.0.push(Notice { at, what, more: 0 });
        }
    }

    pub(crate) fn done(self) -> Vec<Notice> {
        self.0
    }
}

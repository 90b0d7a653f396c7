//! What somebody looks at: a run of the project, live or stopped, or a trace in a file.

use crate::failure::Failure;
use crate::project::ProjectOptions;
use crate::reach::Reach;
use crate::trace_file::TraceFile;
use leadhand::{Record, RunId};

/// A run, or a file.
pub(crate) enum Looked {
    /// Of the project.
    Run(Box<Reach>),
    /// Of others, or exported.
    File(TraceFile),
}

impl Looked {
    /// What a text names: a file where it looks like one, else a run.
    ///
    /// # Errors
    /// [`Failure::Usage`] when there is no such run, or more than one.
    pub(crate) fn open(
        name: &str,
        options: &ProjectOptions,
        before: &ProjectOptions,
    ) -> Result<Self, Failure> {
        match TraceFile::named(name) {
            Some(file) => Ok(Self::File(file)),
            None => Ok(Self::Run(Box::new(Reach::open(name, options, before)?))),
        }
    }

    /// Shows all records with the run's name as they are read; gives what is wrong with what
    /// comes after them.
    ///
    /// # Errors
    /// What the journal or the file says, or that the run cannot be reached.
    pub(crate) async fn scan(
        &self,
        mut see: impl FnMut(&RunId, Record),
    ) -> Result<Option<Failure>, Failure> {
        match self {
            Self::File(file) => file.scan(see).map(|()| None),
            Self::Run(reach) => {
                let damage = reach.scan(0, |record| see(&reach.id, record)).await?;
                Ok(reach.failed_at(damage))
            }
        }
    }
}

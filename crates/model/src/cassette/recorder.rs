//! A recorder around any model.

use super::line::{CassetteLine, RecordedAnswer};
use super::request_key;
use crate::model::fault;
use crate::{BoxFuture, Model, ModelError, ModelInfo, Pieces};
use leadhand_protocol::{ModelFault, ModelFaultKind, ModelReply, ModelRequest};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Passes calls on to a model and writes its answers to a cassette. An answer is on file,
/// though not yet on the disk, before the caller has it.
pub struct CassetteRecorder {
    path: PathBuf,
    file: Mutex<File>,
    model: Arc<dyn Model>,
}

impl CassetteRecorder {
    /// Records to a file, at its end if it exists.
    ///
    /// # Errors
    /// [`ModelError::File`].
    pub fn create(path: &Path, model: Arc<dyn Model>) -> Result<Self, ModelError> {
        let file = OpenOptions::new().create(true).append(true).open(path);
        let file = file.map_err(|source| ModelError::File {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self {
            path: path.to_owned(),
            file: Mutex::new(file),
            model,
        })
    }

    fn write(
        &self,
        request: &ModelRequest,
        answer: &Result<ModelReply, ModelFault>,
    ) -> Result<(), String> {
        let line = CassetteLine::Answer(Box::new(RecordedAnswer {
            key: request_key(request),
            by: None,
            asked: None,
            reply: answer.as_ref().ok().cloned(),
            fault: answer.as_ref().err().cloned(),
        }));
        let mut text = line.to_json().map_err(|why| why.to_string())?;
        text.push('\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(text.as_bytes())
            .map_err(|why| why.to_string())
    }
}

impl Model for CassetteRecorder {
    fn describe(&self) -> ModelInfo {
        self.model.describe()
    }

    fn call<'a>(
        &'a self,
        request: &'a ModelRequest,
        pieces: Pieces<'a>,
    ) -> BoxFuture<'a, Result<ModelReply, ModelFault>> {
        Box::pin(async move {
            let answer = self.model.call(request, pieces).await;
            self.write(request, &answer).map_err(|why| {
                let what = format!(
                    "{}: the answer cannot be recorded: {why}",
                    self.path.display()
                );
                fault(ModelFaultKind::Refused, what)
            })?;
            answer
        })
    }
}

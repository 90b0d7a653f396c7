//! A player of what models said.

use super::line::{AskedParts, CassetteLine, lines_of};
use super::request_key;
use super::unlike::{Asked, unlike};
use crate::model::fault;
use crate::{BoxFuture, Model, ModelError, ModelInfo, Pieces, Price, ToolStyle};
use leadhand_protocol::{ContentHash, ModelFault, ModelFaultKind, ModelReply, ModelRequest};
use serde_json::Value;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Answers from a cassette. Answers to equal requests come in the order they were recorded;
/// the last one then stays. A request that has none is told apart from the nearest that has,
/// where requests are on file.
#[derive(Debug)]
pub struct CassettePlayer {
    path: PathBuf,
    answers: HashMap<String, Vec<Result<ModelReply, ModelFault>>>,
    asked: Vec<Asked>,
    parts: HashMap<ContentHash, Value>,
    played: Mutex<HashMap<String, usize>>,
}

impl CassettePlayer {
    /// Reads a cassette.
    ///
    /// # Errors
    /// [`ModelError::File`], or [`ModelError::Line`] with the line that cannot be read.
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        let mut player = Self {
            path: path.to_owned(),
            answers: HashMap::new(),
            asked: Vec::new(),
            parts: HashMap::new(),
            played: Mutex::default(),
        };
        for (line, content) in lines_of(path)? {
            match content {
                CassetteLine::Answer(answer) => {
                    let answer = *answer;
                    if let Some(parts) = answer.asked {
                        let by = answer.by.unwrap_or_default();
                        player.asked.push(Asked { line, by, parts });
                    }
                    // Reading saw to it that there is one of the two.
                    let said = answer.reply.ok_or_else(|| {
                        let nothing = || fault(ModelFaultKind::BadAnswer, "neither of the two");
                        answer.fault.unwrap_or_else(nothing)
                    });
                    player.answers.entry(answer.key).or_default().push(said);
                }
                CassetteLine::Part(part) => {
                    player.parts.insert(part.part, part.value);
                }
                CassetteLine::Head(_)
                | CassetteLine::Call(_)
                | CassetteLine::Checks(_)
                | CassetteLine::Files(_) => {}
            }
        }
        Ok(player)
    }

    fn play(&self, request: &ModelRequest) -> Result<ModelReply, ModelFault> {
        let key = request_key(request);
        let Some(answers) = self.answers.get(&key) else {
            return Err(fault(ModelFaultKind::NotFound, self.missing(&key, request)));
        };
        let mut played = self.played.lock().unwrap_or_else(PoisonError::into_inner);
        let count = played.entry(key).or_default();
        let at = (*count).min(answers.len() - 1);
        *count += 1;
        answers[at].clone()
    }

    fn missing(&self, key: &str, request: &ModelRequest) -> String {
        let (now, parts) = AskedParts::of(request);
        let said = unlike(&self.asked, &self.parts, &now, &parts);
        let path = self.path.display();
        said.map_or_else(
            || {
                format!(
                    "{path}: no answer is recorded for request {key}; the prompt or the tools \
                     have changed since, so record again"
                )
            },
            |said| format!("{path}: no answer is recorded for what is asked now; {said}"),
        )
    }
}

impl Model for CassettePlayer {
    fn describe(&self) -> ModelInfo {
        ModelInfo {
            name: format!("cassette:{}", self.path.display()),
            provider: "cassette".to_owned(),
            context_tokens: None,
            tool_style: ToolStyle::Native,
            price: Price::default(),
        }
    }

    fn call<'a>(
        &'a self,
        request: &'a ModelRequest,
        pieces: Pieces<'a>,
    ) -> BoxFuture<'a, Result<ModelReply, ModelFault>> {
        Box::pin(async move {
            let reply = self.play(request)?;
            if !reply.text.is_empty() {
                pieces(&reply.text);
            }
            Ok(reply)
        })
    }
}

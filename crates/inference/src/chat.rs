//! Renders a conversation as tokens in the chat format of Qwen2.5 (ChatML). Each message
//! is tokenized by itself, so that equal beginnings of two conversations are equal tokens;
//! an answer of the model becomes exactly the tokens it generated, so that its part of the
//! key-value cache is found again.

use std::collections::VecDeque;

use super::error::InferenceError;
use super::request::{PromptMessage, PromptRole};
use super::vocabulary::Vocabulary;

/// Answers whose tokens are remembered.
const ANSWERS_MAX: usize = 128;

/// The tokens of the latest answers, by their text.
#[derive(Default)]
pub(crate) struct Answers {
    latest: VecDeque<(String, Vec<u32>)>,
}

impl Answers {
    /// Remembers an answer; the oldest one may be forgotten for it.
    pub(crate) fn remember(&mut self, text: &str, tokens: Vec<u32>) {
        self.latest.retain(|(known, _)| known != text);
        if self.latest.len() == ANSWERS_MAX {
            self.latest.pop_front();
        }
        self.latest.push_back((text.to_owned(), tokens));
    }

    fn tokens(&self, text: &str) -> Option<&[u32]> {
        let found = self.latest.iter().rev().find(|(known, _)| known == text);
        found.map(|(_, tokens)| tokens.as_slice())
    }
}

/// The tokens of `messages`, ending where the model's answer begins.
pub(crate) fn render(
    messages: &[PromptMessage],
    vocabulary: &Vocabulary,
    answers: &Answers,
) -> Result<Vec<u32>, InferenceError> {
    let mut prompt = Prompt {
        vocabulary,
        tokens: Vec::new(),
    };
    let is_tool = |message: Option<&PromptMessage>| {
        message.is_some_and(|message| message.role == PromptRole::Tool)
    };
    for (index, message) in messages.iter().enumerate() {
        match message.role {
            // Neighbouring tool results share one turn of the user.
            PromptRole::Tool => {
                if index == 0 || !is_tool(messages.get(index - 1)) {
                    prompt.open("user")?;
                } else {
                    prompt.text("\n")?;
                }
                prompt.text("<tool_response>\n")?;
                prompt.text(&message.text)?;
                prompt.text("\n</tool_response>")?;
                if !is_tool(messages.get(index + 1)) {
                    prompt.close()?;
                }
            }
            PromptRole::Assistant => {
                prompt.open("assistant")?;
                match answers.tokens(&message.text) {
                    Some(tokens) => prompt.tokens.extend_from_slice(tokens),
                    None => prompt.text(&message.text)?,
                }
                prompt.close()?;
            }
            PromptRole::System | PromptRole::User => {
                prompt.open(if message.role == PromptRole::System {
                    "system"
                } else {
                    "user"
                })?;
                prompt.text(&message.text)?;
                prompt.close()?;
            }
        }
    }
    prompt.open("assistant")?;
    Ok(prompt.tokens)
}

struct Prompt<'a> {
    vocabulary: &'a Vocabulary,
    tokens: Vec<u32>,
}

impl Prompt<'_> {
    fn open(&mut self, role: &str) -> Result<(), InferenceError> {
        self.tokens.push(self.vocabulary.message_start);
        self.text(role)?;
        self.text("\n")
    }

    fn close(&mut self) -> Result<(), InferenceError> {
        self.tokens.push(self.vocabulary.message_end);
        self.text("\n")
    }

    fn text(&mut self, text: &str) -> Result<(), InferenceError> {
        self.tokens.extend(self.vocabulary.encode(text)?);
        Ok(())
    }
}

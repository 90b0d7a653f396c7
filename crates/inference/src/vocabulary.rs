//! The tokens of a model: text to tokens, tokens to bytes. Text never becomes a control
//! token here, whatever it looks like; only `chat.rs` places those.

use std::collections::HashMap;
use std::sync::Arc;

use candle_core::quantized::gguf_file::{Content, Value};
use candle_core::quantized::tokenizer::TokenizerFromGguf;
use tokenizers::Tokenizer;
use toktrie::{TokEnv, TokRxInfo, TokTrie, TokenId, TokenizerEnv};

use super::error::InferenceError;

/// `llama_token_type` of ggml: 3 is control, 4 user-defined (has a text), 5 unused.
const CONTROL: u64 = 3;
const UNUSED: u64 = 5;

/// Tokens of a model and what they stand for.
pub(crate) struct Vocabulary {
    inner: Arc<Inner>,
    /// Opens a message.
    pub(crate) message_start: u32,
    /// Closes a message.
    pub(crate) message_end: u32,
    /// Tokens that end an answer, whichever of them comes.
    pub(crate) stops: Vec<u32>,
    /// Tokens that stand for no text and never belong into an answer.
    pub(crate) silent: Vec<u32>,
}

struct Inner {
    tokenizer: Tokenizer,
    /// The bytes of each token; control and unused tokens have none.
    texts: Vec<Vec<u8>>,
    trie: TokTrie,
}

impl Vocabulary {
    /// Takes the tokenizer out of a GGUF header. The error says what is wrong with it.
    pub(crate) fn from_gguf(content: &Content) -> Result<Self, String> {
        let names = strings(content, "tokenizer.ggml.tokens")?;
        let kinds: Vec<u64> = match content.metadata.get("tokenizer.ggml.token_type") {
            Some(Value::Array(kinds)) if kinds.len() == names.len() => {
                kinds.iter().map(kind_of).collect()
            }
            _ => return Err("it does not say of what kind each token is".to_owned()),
        };
        let mut tokenizer = Tokenizer::from_gguf(content)
            .map_err(|fault| format!("its tokenizer cannot be used: {fault}"))?;
        tokenizer.set_encode_special_tokens(true);
        let find = |name: &str| {
            let found = names.iter().position(|&candidate| candidate == name);
            found.map(|index| index as u32)
        };
        let need = |name: &str| find(name).ok_or_else(|| format!("the token {name} is missing"));
        let (message_start, message_end) = (need("<|im_start|>")?, need("<|im_end|>")?);
        let mut stops = vec![message_end, message_start];
        stops.extend(find("<|endoftext|>"));
        let byte_of = bytes_of_letters();
        let hidden = |index: usize| matches!(kinds[index], CONTROL | UNUSED);
        let texts: Vec<Vec<u8>> = names
            .iter()
            .enumerate()
            .map(|(index, name)| {
                if hidden(index) {
                    Vec::new()
                } else {
                    text_of(name, &byte_of)
                }
            })
            .collect();
        let words: Vec<Vec<u8>> = names
            .iter()
            .zip(&texts)
            .map(|(name, text)| {
                if text.is_empty() {
                    marked(name)
                } else {
                    text.clone()
                }
            })
            .collect();
        let silent = (0..names.len() as u32)
            .filter(|&token| texts[token as usize].is_empty() && !stops.contains(&token));
        let trie = TokTrie::from(&TokRxInfo::new(names.len() as u32, message_end), &words);
        Ok(Self {
            silent: silent.collect(),
            message_start,
            message_end,
            stops,
            inner: Arc::new(Inner {
                tokenizer,
                texts,
                trie,
            }),
        })
    }

    /// How many tokens there are.
    pub(crate) fn len(&self) -> usize {
        self.inner.texts.len()
    }

    /// The tokens of plain text.
    pub(crate) fn encode(&self, text: &str) -> Result<Vec<u32>, InferenceError> {
        self.inner.encode(text)
    }

    /// The bytes of a token; a character may be spread over several.
    pub(crate) fn bytes(&self, token: u32) -> &[u8] {
        self.inner
            .texts
            .get(token as usize)
            .map_or(&[], Vec::as_slice)
    }

    /// What the grammar engine needs to know about the tokens.
    pub(crate) fn environment(&self) -> TokEnv {
        self.inner.clone()
    }
}

impl Inner {
    fn encode(&self, text: &str) -> Result<Vec<u32>, InferenceError> {
        match self.tokenizer.encode_fast(text, false) {
            Ok(encoding) => Ok(encoding.get_ids().to_vec()),
            Err(fault) => Err(InferenceError::Tokenizer {
                bytes: text.len(),
                reason: fault.to_string(),
            }),
        }
    }
}

impl TokenizerEnv for Inner {
    fn tok_trie(&self) -> &TokTrie {
        &self.trie
    }

    fn tokenize_bytes(&self, bytes: &[u8]) -> Vec<TokenId> {
        self.trie.tokenize_with_greedy_fallback(bytes, |text| {
            self.encode(text)
                .unwrap_or_else(|_| self.trie.greedy_tokenize(text.as_bytes()))
        })
    }
}

fn strings<'a>(content: &'a Content, key: &str) -> Result<Vec<&'a str>, String> {
    let Some(Value::Array(values)) = content.metadata.get(key) else {
        return Err(format!("{key} is missing or no list"));
    };
    let strings = values.iter().map(|value| match value {
        Value::String(text) => Some(text.as_str()),
        _ => None,
    });
    strings
        .collect::<Option<_>>()
        .ok_or_else(|| format!("{key} holds something else than text"))
}

fn kind_of(value: &Value) -> u64 {
    match value {
        Value::I32(kind) => u64::try_from(*kind).unwrap_or(UNUSED),
        other => other.to_u64().unwrap_or(UNUSED),
    }
}

/// A special token, in the form the grammar engine knows them by.
fn marked(name: &str) -> Vec<u8> {
    let mut bytes = vec![TokTrie::SPECIAL_TOKEN_MARKER];
    bytes.extend_from_slice(name.as_bytes());
    bytes
}

/// Byte-level vocabularies write each byte as a printable letter: see OpenAI's GPT-2
/// `bytes_to_unicode`. Printable Latin-1 stands for itself, the rest follows U+0100.
pub(crate) fn bytes_of_letters() -> HashMap<char, u8> {
    let printable = |byte: u8| matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
    let mut next = 0x100;
    let mut letters = HashMap::with_capacity(256);
    for byte in 0..=u8::MAX {
        let letter = if printable(byte) {
            char::from(byte)
        } else {
            next += 1;
            char::from_u32(next - 1).expect("U+0100 to U+0143 are letters")
        };
        letters.insert(letter, byte);
    }
    letters
}

/// The bytes a token name stands for; names outside the scheme stand for themselves.
fn text_of(name: &str, byte_of: &HashMap<char, u8>) -> Vec<u8> {
    let bytes: Option<Vec<u8>> = name
        .chars()
        .map(|letter| byte_of.get(&letter).copied())
        .collect();
    bytes.unwrap_or_else(|| name.as_bytes().to_vec())
}

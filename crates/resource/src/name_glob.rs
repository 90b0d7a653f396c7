//! Globs over one name: `*` for any number of characters, `?` for one, `\` before a character
//! that is meant as it stands, `{a,b}` for alternatives. Character classes do not exist: `[` is
//! itself. `/` means nothing here.

use crate::PATTERN_BYTES_MAX;
use crate::alternatives::alternatives;
use crate::intersect::{Part, meet};
use std::fmt;

/// One character of a glob.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Token {
    Literal(char),
    One,
    Many,
}

/// A glob over a name, without alternatives.
///
/// ```
/// use leadhand_resource::NameGlob;
/// let globs = NameGlob::parse("{read,write}_*")?;
/// assert!(globs.iter().any(|glob| glob.covers("read_file")));
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NameGlob {
    tokens: Vec<Token>,
    /// The one name that it covers, when it covers but one: compared without a walk.
    literal: Option<Box<str>>,
}

impl NameGlob {
    /// Reads a glob into one or, where it has alternatives, several. `**` is `*`.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the text and what to write instead.
    pub fn parse(text: &str) -> Result<Vec<Self>, String> {
        if text.len() > PATTERN_BYTES_MAX {
            return Err(format!("a glob may have {PATTERN_BYTES_MAX} bytes"));
        }
        let plain = alternatives(text)?;
        plain.iter().map(|text| Self::parse_plain(text)).collect()
    }

    pub(crate) fn parse_plain(text: &str) -> Result<Self, String> {
        tokens(text).map(Self::of)
    }

    pub(crate) fn of(tokens: Vec<Token>) -> Self {
        let literal = tokens
            .iter()
            .map(|token| match token {
                Token::Literal(character) => Some(*character),
                Token::One | Token::Many => None,
            })
            .collect::<Option<String>>()
            .map(String::into_boxed_str);
        Self { tokens, literal }
    }

    pub(crate) fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// The one name that it covers, if it covers but one.
    #[must_use]
    pub fn literal(&self) -> Option<&str> {
        self.literal.as_deref()
    }

    /// What every name that it covers ends with, from the last `.` on: `.pem` of `*.pem`.
    #[must_use]
    pub fn ending(&self) -> Option<String> {
        let literal = |token: &&Token| matches!(token, Token::Literal(_));
        let tail = self.tokens.iter().rev().take_while(literal).count();
        let tail = &self.tokens[self.tokens.len() - tail..];
        let dot = tail
            .iter()
            .rposition(|token| *token == Token::Literal('.'))?;
        let characters = tail[dot..].iter().map(|token| match token {
            Token::Literal(character) => Some(*character),
            Token::One | Token::Many => None,
        });
        characters.collect()
    }

    /// Whether it covers every name.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.tokens == [Token::Many]
    }

    /// Whether it covers this name.
    ///
    /// Takes time `glob × name` at most: only the last `*` that was passed ever has to take
    /// more, since whatever an earlier one could take, the last one can too.
    #[must_use]
    pub fn covers(&self, name: &str) -> bool {
        if let Some(literal) = &self.literal {
            return **literal == *name;
        }
        let (mut at, mut rest) = (0, name);
        let mut last_many: Option<(usize, &str)> = None;
        while let Some(character) = rest.chars().next() {
            match self.tokens.get(at) {
                Some(Token::Many) => {
                    at += 1;
                    if at == self.tokens.len() {
                        return true;
                    }
                    last_many = Some((at, rest));
                }
                Some(Token::One) => {
                    at += 1;
                    rest = &rest[character.len_utf8()..];
                }
                Some(Token::Literal(literal)) if *literal == character => {
                    at += 1;
                    rest = &rest[character.len_utf8()..];
                }
                Some(Token::Literal(_)) | None => match &mut last_many {
                    Some((behind_many, taken_from)) => {
                        let mut shorter = taken_from.chars();
                        shorter.next();
                        *taken_from = shorter.as_str();
                        (at, rest) = (*behind_many, *taken_from);
                    }
                    None => return false,
                },
            }
        }
        self.tokens[at..].iter().all(|token| *token == Token::Many)
    }

    /// Globs that together cover only names which both cover; each step is taken off
    /// `steps_left`, and at none the rest is left out.
    #[must_use]
    pub fn intersect(&self, other: &Self, steps_left: &mut usize) -> Vec<Self> {
        let mut globs: Vec<Self> = meet(&self.tokens, &other.tokens, steps_left)
            .into_iter()
            .map(Self::of)
            .collect();
        globs.sort();
        globs.dedup();
        globs
    }

    /// The same glob over names in lower case.
    #[must_use]
    pub fn folded(&self) -> Self {
        let mut tokens = Vec::with_capacity(self.tokens.len());
        for token in &self.tokens {
            match token {
                Token::Literal(character) => {
                    tokens.extend(character.to_lowercase().map(Token::Literal));
                }
                Token::One | Token::Many => tokens.push(*token),
            }
        }
        Self::of(tokens)
    }
}

impl Part for Token {
    fn is_many(&self) -> bool {
        *self == Self::Many
    }

    fn common(&self, other: &Self, _: &mut usize) -> Vec<Self> {
        match (self, other) {
            (Self::One, one) | (one, Self::One) => vec![*one],
            (one, other) if one == other => vec![*one],
            _ => Vec::new(),
        }
    }
}

fn tokens(name: &str) -> Result<Vec<Token>, String> {
    if name.contains(char::is_control) {
        return Err(format!("{name:?} holds a control character"));
    }
    let mut tokens = Vec::new();
    let mut characters = name.chars();
    while let Some(character) = characters.next() {
        tokens.push(match character {
            '*' if tokens.last() == Some(&Token::Many) => continue,
            '*' => Token::Many,
            '?' => Token::One,
            '\\' => match characters.next() {
                Some(escaped) => Token::Literal(escaped),
                None => return Err(format!("`{name}` ends with a lone `\\`")),
            },
            literal => Token::Literal(literal),
        });
    }
    Ok(tokens)
}

impl fmt::Display for NameGlob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tokens.iter().try_for_each(|token| match token {
            Token::Many => f.write_str("*"),
            Token::One => f.write_str("?"),
            Token::Literal(c @ ('*' | '?' | '[' | ']' | '{' | '}' | '\\' | '!' | ',')) => {
                write!(f, "\\{c}")
            }
            Token::Literal(c) => write!(f, "{c}"),
        })
    }
}

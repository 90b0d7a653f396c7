//! Globs over workspace paths and names: `*` and `?` within one name, `**` for any number of
//! folders (none too, so `docs/**` covers `docs` itself), `{a,b}` for alternatives, `\` before
//! a character that is meant as it stands. Character classes do not exist: `[` is itself.
//!
//! Our own, because grants must be intersected, which no glob library can do.

use crate::alternatives::alternatives;
use std::fmt;

/// Longest glob, in bytes.
pub(crate) const GLOB_BYTES_MAX: usize = 1_024;

/// One character of a name's glob.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Token {
    Literal(char),
    One,
    Many,
}

/// One name of a path's glob.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Segment {
    Name(Vec<Token>),
    Folders,
}

/// A glob over a name such as a tool's, in which `/` means nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NameGlob(Vec<Token>);

/// A glob over paths within the workspace, without alternatives.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PathGlob(pub(crate) Vec<Segment>);

impl NameGlob {
    /// Reads a glob; an empty one is any name.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.len() > GLOB_BYTES_MAX {
            return Err(format!("a glob may have {GLOB_BYTES_MAX} bytes"));
        }
        if text.is_empty() {
            return Ok(Self(vec![Token::Many]));
        }
        tokens(text).map(Self)
    }

    pub(crate) fn matches(&self, name: &str) -> bool {
        let characters: Vec<char> = name.chars().collect();
        name_matches(&self.0, &characters)
    }
}

impl PathGlob {
    /// Reads a glob into one or, where it has alternatives, several.
    pub(crate) fn parse(text: &str) -> Result<Vec<Self>, String> {
        if text.len() > GLOB_BYTES_MAX {
            return Err(format!("a glob may have {GLOB_BYTES_MAX} bytes"));
        }
        alternatives(text)?
            .iter()
            .map(|text| Self::parse_plain(text))
            .collect()
    }

    fn parse_plain(text: &str) -> Result<Self, String> {
        if text.starts_with('/') {
            return Err(format!(
                "`{text}` is absolute; write it from the top of the workspace"
            ));
        }
        if text.starts_with('!') {
            return Err(format!(
                "`{text}` is a negation; write a `deny` rule instead"
            ));
        }
        let mut segments: Vec<Segment> = Vec::new();
        for name in text.split('/') {
            match name {
                "." => {}
                "" => return Err(format!("`{text}` has an empty name between its slashes")),
                ".." => {
                    return Err(format!(
                        "`{text}` has `..`, which would leave the workspace"
                    ));
                }
                "**" if segments.last() == Some(&Segment::Folders) => {}
                "**" => segments.push(Segment::Folders),
                name if name.contains("**") => {
                    return Err(format!(
                        "in `{text}` a `**` must stand alone between slashes"
                    ));
                }
                name => segments.push(Segment::Name(tokens(name)?)),
            }
        }
        Ok(Self(segments))
    }

    /// Whether the glob covers the path of these names; no names is the workspace itself.
    pub(crate) fn covers(&self, names: &[Vec<char>]) -> bool {
        segments_cover(&self.0, names)
    }

    /// Whether something below the path of these names may be covered.
    pub(crate) fn leads_through(&self, names: &[Vec<char>]) -> bool {
        (0..self.0.len()).any(|end| segments_cover(&self.0[..end], names))
    }

    /// Whether the glob covers every path.
    pub(crate) fn is_everything(&self) -> bool {
        self.0 == [Segment::Folders]
    }
}

fn segments_cover(segments: &[Segment], names: &[Vec<char>]) -> bool {
    wildcard_match(
        segments,
        names,
        |segment| *segment == Segment::Folders,
        |segment, name| match segment {
            Segment::Name(tokens) => name_matches(tokens, name),
            Segment::Folders => true,
        },
    )
}

fn name_matches(tokens: &[Token], name: &[char]) -> bool {
    wildcard_match(
        tokens,
        name,
        |token| *token == Token::Many,
        |token, character| match token {
            Token::Literal(literal) => literal == character,
            Token::One | Token::Many => true,
        },
    )
}

/// Matches in time `pattern × text` at most: only the last wildcard that was passed ever
/// has to take more, since whatever an earlier one could take, the last one can too.
fn wildcard_match<P, T>(
    pattern: &[P],
    text: &[T],
    is_many: impl Fn(&P) -> bool,
    matches_one: impl Fn(&P, &T) -> bool,
) -> bool {
    let (mut at_pattern, mut at_text) = (0, 0);
    let mut last_many: Option<(usize, usize)> = None;
    while at_text < text.len() {
        match pattern.get(at_pattern) {
            Some(part) if is_many(part) => {
                last_many = Some((at_pattern, at_text));
                at_pattern += 1;
            }
            Some(part) if matches_one(part, &text[at_text]) => {
                at_pattern += 1;
                at_text += 1;
            }
            _ => match &mut last_many {
                Some((many, taken_to)) => {
                    *taken_to += 1;
                    (at_pattern, at_text) = (*many + 1, *taken_to);
                }
                None => return false,
            },
        }
    }
    pattern[at_pattern..].iter().all(is_many)
}

fn tokens(name: &str) -> Result<Vec<Token>, String> {
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
            literal if literal.is_control() => {
                return Err(format!("{name:?} holds a control character"));
            }
            literal => Token::Literal(literal),
        });
    }
    Ok(tokens)
}

impl fmt::Display for PathGlob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str(".");
        }
        for (place, segment) in self.0.iter().enumerate() {
            if place > 0 {
                f.write_str("/")?;
            }
            match segment {
                Segment::Folders => f.write_str("**")?,
                Segment::Name(tokens) => {
                    tokens.iter().try_for_each(|token| write!(f, "{token}"))?;
                }
            }
        }
        Ok(())
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Many => f.write_str("*"),
            Self::One => f.write_str("?"),
            Self::Literal(c @ ('*' | '?' | '[' | ']' | '{' | '}' | '\\' | '!' | ',')) => {
                write!(f, "\\{c}")
            }
            Self::Literal(c) => write!(f, "{c}"),
        }
    }
}

//! Front matter: YAML between two lines `---`, then the body. Anchors and aliases are
//! refused. Where a line is not YAML only because its text was not quoted (a `: ` in a
//! description, say, which other tools let pass), it is read as text and reported.

use crate::error::RoleError;
use saphyr_parser::{Event, Parser, Span};

/// Deepest nesting of lists and maps.
const DEPTH_MAX: usize = 8;

/// A value of the front matter; numbers and truth values are left as text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node {
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key and its value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    /// In the file, from 1.
    pub(crate) line: usize,
    pub(crate) node: Node,
}

/// A file taken apart.
#[derive(Debug)]
pub(crate) struct FrontMatter<'a> {
    pub(crate) entries: Vec<Entry>,
    pub(crate) body: &'a str,
    /// Lines that were read as text though they are not YAML.
    pub(crate) mended_lines: Vec<usize>,
}

/// Takes a file apart.
pub(crate) fn parse<'a>(file: &str, text: &'a str) -> Result<FrontMatter<'a>, RoleError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (yaml, body) = split(file, text)?;
    let (parsed, mended_lines) = match read(yaml) {
        Ok(node) => (node, Vec::new()),
        Err(first) => {
            let (mended, lines) = mend(yaml);
            match read(&mended) {
                Ok(node) if !lines.is_empty() => (node, lines),
                _ => return Err(yaml_error(file, first)),
            }
        }
    };
    let entries = match parsed {
        Node::Map(entries) => entries,
        Node::Text(text) if text.is_empty() => Vec::new(),
        Node::Text(_) | Node::List(_) => {
            return Err(yaml_error(
                file,
                (2, "it must be lines of `key: value`".to_owned()),
            ));
        }
    };
    Ok(FrontMatter {
        entries,
        body: body.trim(),
        mended_lines,
    })
}

type Fault = (usize, String);

fn yaml_error(file: &str, (line, why): Fault) -> RoleError {
    RoleError::Yaml {
        file: file.to_owned(),
        line,
        why,
    }
}

fn split<'a>(file: &str, text: &'a str) -> Result<(&'a str, &'a str), RoleError> {
    let mut lines = text.split_inclusive('\n');
    let first = lines.next().unwrap_or_default();
    if first.trim_end() != "---" {
        return Err(RoleError::NoFrontMatter {
            file: file.to_owned(),
        });
    }
    let mut end = first.len();
    for line in lines {
        if line.trim_end() == "---" {
            return Ok((&text[first.len()..end], &text[end + line.len()..]));
        }
        end += line.len();
    }
    Err(RoleError::Unclosed {
        file: file.to_owned(),
    })
}

fn read(yaml: &str) -> Result<Node, Fault> {
    let mut reader = Reader {
        parser: Parser::new_from_str(yaml),
    };
    loop {
        match reader.next()? {
            (Event::StreamStart | Event::DocumentStart(_) | Event::Nothing, _) => {}
            (Event::StreamEnd, _) => return Ok(Node::Text(String::new())),
            (event, span) => return reader.node(event, span, 0),
        }
    }
}

struct Reader<'a> {
    parser: Parser<'a, saphyr_parser::StrInput<'a>>,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), Fault> {
        match self.parser.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => Err((error.marker().line() + 1, error.info().to_owned())),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Node, Fault> {
        let line = line_of(span);
        if depth > DEPTH_MAX {
            return Err((line, format!("it is nested deeper than {DEPTH_MAX} levels")));
        }
        match event {
            Event::Scalar(text, ..) => Ok(Node::Text(text.into_owned())),
            Event::SequenceStart(..) => self.list(depth),
            Event::MappingStart(..) => self.map(depth),
            Event::Alias(_) => Err((line, "aliases (`*name`) are not supported".to_owned())),
            _ => Err((line, "a value is missing".to_owned())),
        }
    }

    fn list(&mut self, depth: usize) -> Result<Node, Fault> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(Node::List(items)),
                (event, span) => items.push(self.node(event, span, depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Node, Fault> {
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let (event, span) = self.next()?;
            let line = line_of(span);
            let key = match event {
                Event::MappingEnd => return Ok(Node::Map(entries)),
                Event::Scalar(key, ..) => key.into_owned(),
                _ => return Err((line, "a key must be a word".to_owned())),
            };
            if entries.iter().any(|entry| entry.key == key) {
                return Err((line, format!("the key `{key}` is given twice")));
            }
            let (event, span) = self.next()?;
            let node = self.node(event, span, depth + 1)?;
            entries.push(Entry { key, line, node });
        }
    }
}

/// Lines in the file: the YAML begins in its second line.
fn line_of(span: Span) -> usize {
    span.start.line() + 1
}

/// Quotes the top-level values that only lack quotes; gives the text and the lines changed.
fn mend(yaml: &str) -> (String, Vec<usize>) {
    let mut lines = Vec::new();
    let mut mended = String::with_capacity(yaml.len() + 16);
    for (place, line) in yaml.lines().enumerate() {
        match line.split_once(": ") {
            Some((key, value)) if is_key(key) && lacks_quotes(value.trim()) => {
                let quoted = value.trim().replace('\'', "''");
                mended.push_str(&format!("{key}: '{quoted}'"));
                lines.push(place + 2);
            }
            _ => mended.push_str(line),
        }
        mended.push('\n');
    }
    (mended, lines)
}

fn is_key(key: &str) -> bool {
    !key.is_empty()
        && key
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
}

/// Prose that YAML would take for something else. A list or map that is not closed is none.
fn lacks_quotes(value: &str) -> bool {
    let goes_on_behind = |close| value.contains(close) && !value.ends_with(close);
    match value.chars().next() {
        None | Some('"' | '\'' | '|' | '>') => false,
        Some('[') => goes_on_behind(']'),
        Some('{') => goes_on_behind('}'),
        Some('@' | '`' | '%' | '*' | '&' | '!') => true,
        Some(_) => value.contains(": ") || value.ends_with(':'),
    }
}

//! CSV as RFC 4180 has it: fields between delimiters, in double quotes where they hold a
//! delimiter, a quote (doubled) or a line break. Lines may end in LF or CRLF. What breaks these
//! rules is named by its line.

/// One row and the line on which it begins.
#[derive(Debug, PartialEq, Eq)]
pub struct Row {
    /// From 1.
    pub line: usize,
    /// Its fields, without quotes.
    pub fields: Vec<String>,
}

/// Reads rows one after the other. Empty lines are no rows.
pub struct Rows<'a> {
    rest: &'a str,
    line: usize,
    delimiter: char,
}

impl<'a> Rows<'a> {
    /// Starts at the beginning of a text.
    pub fn of(text: &'a str, delimiter: char) -> Self {
        Self {
            rest: text.trim_start_matches('\u{feff}'),
            line: 1,
            delimiter,
        }
    }

    /// Takes the field that begins here. The text is behind it afterwards.
    fn field(&mut self) -> Result<String, String> {
        let Some(quoted) = self.rest.strip_prefix('"') else {
            let end = self
                .rest
                .find([self.delimiter, '\n'])
                .unwrap_or(self.rest.len());
            let (field, rest) = self.rest.split_at(end);
            self.rest = rest;
            let ended = rest.is_empty() || rest.starts_with('\n');
            let field = if ended {
                field.strip_suffix('\r').unwrap_or(field)
            } else {
                field
            };
            return Ok(field.to_owned());
        };
        let begun = self.line;
        let mut field = String::new();
        let mut rest = quoted;
        loop {
            let Some(quote) = rest.find('"') else {
                self.rest = "";
                return Err(format!(
                    "line {begun}: a field begins with a quote that is never closed"
                ));
            };
            field.push_str(&rest[..quote]);
            self.line += rest[..quote].matches('\n').count();
            rest = &rest[quote + 1..];
            match rest.strip_prefix('"') {
                Some(more) => {
                    field.push('"');
                    rest = more;
                }
                None => break,
            }
        }
        self.rest = rest
            .strip_prefix('\r')
            .filter(|rest| rest.starts_with('\n'))
            .unwrap_or(rest);
        if self.rest.is_empty() || self.rest.starts_with([self.delimiter, '\n']) {
            return Ok(field);
        }
        Err(format!(
            "line {}: text follows the closing quote of a field",
            self.line
        ))
    }
}

impl Iterator for Rows<'_> {
    /// A row, or what is wrong with it. Nothing follows a fault: where a quote is out of place,
    /// nobody knows what the rest means.
    type Item = Result<Row, String>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let stripped = self.rest.strip_prefix("\r\n");
            match stripped.or_else(|| self.rest.strip_prefix('\n')) {
                Some(rest) => self.rest = rest,
                None => break,
            }
            self.line += 1;
        }
        if self.rest.is_empty() {
            return None;
        }
        let line = self.line;
        let mut fields = Vec::new();
        loop {
            match self.field() {
                Ok(field) => fields.push(field),
                Err(fault) => {
                    self.rest = "";
                    return Some(Err(fault));
                }
            }
            let Some(rest) = self.rest.strip_prefix(self.delimiter) else {
                break;
            };
            self.rest = rest;
        }
        if let Some(rest) = self.rest.strip_prefix('\n') {
            self.rest = rest;
            self.line += 1;
        }
        Some(Ok(Row { line, fields }))
    }
}

/// The delimiter that a text is written with: the one that its first line has most of.
pub fn delimiter(text: &str) -> char {
    let first = text.lines().find(|line| !line.is_empty()).unwrap_or("");
    [',', ';', '\t']
        .into_iter()
        .rev()
        .max_by_key(|delimiter| first.matches(*delimiter).count())
        .unwrap_or(',')
}

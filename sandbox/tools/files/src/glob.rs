//! Name patterns: `*`, `?`, `[a-z]`, `{a,b}` and `**`, as a regular expression. A pattern
//! without `/` is matched against the name alone, one with it against the whole path.

use guest::{ErrorKind, ToolError, fault};
use regex::Regex;

pub(crate) struct Glob {
    regex: Regex,
    whole_path: bool,
}

impl Glob {
    pub(crate) fn parse(glob: &str) -> Result<Self, ToolError> {
        let wrong = |why: &str| {
            let message =
                format!("the glob `{glob}` {why}; write one such as *.md or src/**/*.rs.");
            fault(ErrorKind::InvalidArguments, message)
        };
        let pattern = glob.trim_start_matches("./").trim_start_matches('/');
        if pattern.is_empty() {
            return Err(wrong("is empty"));
        }
        let regex = translate(pattern).ok_or_else(|| wrong("has a bracket without its partner"))?;
        let regex = Regex::new(&regex).map_err(|_| wrong("cannot be understood"))?;
        Ok(Self {
            regex,
            whole_path: pattern.contains('/'),
        })
    }

    pub(crate) fn is_match(&self, path: &str) -> bool {
        let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
        self.regex
            .is_match(if self.whole_path { path } else { name })
    }
}

/// None when a bracket has no partner.
fn translate(glob: &str) -> Option<String> {
    let mut regex = String::from("^");
    let mut rest = glob;
    let mut braces = 0_u32;
    while let Some(character) = rest.chars().next() {
        let (piece, taken) = match character {
            '*' if rest.starts_with("**/") => ("(?:.*/)?", 3),
            '*' if rest.starts_with("**") => (".*", 2),
            '*' => ("[^/]*", 1),
            '?' => ("[^/]", 1),
            '[' => {
                let class = &rest[..=rest.find(']')?];
                regex.push_str(&translate_class(&class[1..class.len() - 1]));
                ("", class.len())
            }
            '{' => {
                braces += 1;
                ("(?:", 1)
            }
            '}' => {
                braces = braces.checked_sub(1)?;
                (")", 1)
            }
            ',' if braces > 0 => ("|", 1),
            _ => {
                regex.push_str(&regex::escape(character.encode_utf8(&mut [0; 4])));
                ("", character.len_utf8())
            }
        };
        regex.push_str(piece);
        rest = &rest[taken..];
    }
    regex.push('$');
    (braces == 0).then_some(regex)
}

/// What stands between brackets: `!` for all others, and ranges.
fn translate_class(inside: &str) -> String {
    let escaped = inside
        .replace('\\', r"\\")
        .replace('[', r"\[")
        .replace('&', r"\&");
    match escaped.strip_prefix('!') {
        Some(others) => format!("[^{others}]"),
        None => format!("[{escaped}]"),
    }
}

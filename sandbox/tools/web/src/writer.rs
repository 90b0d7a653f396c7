//! Writes Markdown. The words of the current block are gathered in `line` until the block ends;
//! then they get the prefix of the quotes and lists around them. Elements that mean something
//! to the form are kept on a stack of bounded height; deeper ones count as plain text. Emphasis and links are in `marks`, cells
//! in `tables`.

mod marks;
mod tables;

use crate::links;
use crate::table::Table;

/// Elements that may be open at once.
const OPEN_MAX: usize = 64;
/// Quotes and lists that indent a block.
const INDENTS_MAX: usize = 8;
/// Longest Markdown of a page, in bytes; pages are cut off behind it.
const MARKDOWN_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Longest title, in bytes.
const TITLE_BYTES_MAX: usize = 300;

/// What an open element means.
pub(crate) enum Role {
    /// `h1` to `h6`.
    Heading(usize),
    Quote,
    /// With the number of the next item when it is numbered.
    List {
        next: Option<u64>,
    },
    /// The marker stands until the first block is written.
    Item {
        marker: String,
        begun: bool,
    },
    Pre {
        language: String,
    },
    /// Inline ones say where in `line` their text begins.
    Code {
        start: usize,
    },
    Marked {
        start: usize,
        mark: &'static str,
    },
    Link {
        start: usize,
        url: Option<String>,
    },
    Table(Table),
}

struct Open {
    name: String,
    role: Role,
}

pub(crate) struct Writer {
    out: String,
    line: String,
    open: Vec<Open>,
    /// Elements that were not put on the full stack and are still open.
    untracked: u64,
    title: String,
    base: String,
    plain: bool,
    /// Whether the block written last belongs to a list.
    after_item: bool,
}

impl Writer {
    pub(crate) fn new(url: &str, plain: bool) -> Self {
        Self {
            out: String::new(),
            line: String::new(),
            open: Vec::new(),
            untracked: 0,
            title: String::new(),
            base: url.to_owned(),
            plain,
            after_item: false,
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.out.len() > MARKDOWN_BYTES_MAX
    }

    pub(crate) fn add_title(&mut self, text: &str) {
        if self.title.len() < TITLE_BYTES_MAX {
            self.title.push_str(text);
        }
    }

    pub(crate) fn set_base(&mut self, href: &str) {
        if let Some(base) = links::absolute(&self.base, href) {
            self.base = base;
        }
    }

    /// All that was written, under the title unless a heading repeats it at the beginning.
    pub(crate) fn finish(mut self) -> String {
        self.end_block();
        while let Some(open) = self.open.pop() {
            self.closed(open.role);
        }
        let title = self.title.split_whitespace().collect::<Vec<_>>().join(" ");
        let title = &title[..title.floor_char_boundary(TITLE_BYTES_MAX)];
        let first = self
            .out
            .lines()
            .next()
            .unwrap_or("")
            .trim_start_matches('#')
            .trim();
        let text = if title.is_empty() || first == title {
            self.out
        } else if self.plain {
            format!("{title}\n\n{}", self.out)
        } else {
            format!("# {title}\n\n{}", self.out)
        };
        text.trim_end().to_owned()
    }

    /// Words of the page. White space is one space, except in `pre`.
    pub(crate) fn text(&mut self, text: &str) {
        if self.is_in_pre() {
            self.line.push_str(text);
            return;
        }
        for character in text.chars() {
            if !character.is_whitespace() {
                self.line.push(character);
            } else if !self.line.is_empty() && !self.line.ends_with([' ', '\n']) {
                self.line.push(' ');
            }
        }
    }

    pub(crate) fn line_break(&mut self) {
        if self.is_in_pre() {
            self.line.push('\n');
            return;
        }
        let in_one_line = self
            .open
            .iter()
            .any(|open| matches!(open.role, Role::Heading(_)) || is_cell(&open.role));
        self.line.truncate(self.line.trim_end_matches(' ').len());
        if !self.line.is_empty() {
            self.line.push(if in_one_line { ' ' } else { '\n' });
        }
    }

    pub(crate) fn rule(&mut self) {
        self.end_block();
        if !self.is_in_cell() {
            self.write_block("---");
        }
    }

    /// Ends what was written so far and opens a block.
    pub(crate) fn open_block(&mut self, name: &str, role: Role) {
        // Nothing within `pre` or a heading is a block of its own but another heading.
        if matches!(role, Role::Heading(_)) {
            self.close_while(|role| matches!(role, Role::Heading(_)));
        }
        self.end_block();
        self.push(name, role);
    }

    pub(crate) fn set_language(&mut self, found: Option<String>) {
        let top = self.open.last_mut().map(|open| &mut open.role);
        if let (Some(Role::Pre { language }), Some(found)) = (top, found) {
            *language = found;
        }
    }

    /// An item ends the one before it in the same list.
    pub(crate) fn open_item(&mut self) {
        self.end_block();
        let list = self.position(|role| matches!(role, Role::List { .. } | Role::Table(_)));
        let item = self.position(|role| matches!(role, Role::Item { .. }));
        if item.is_some() && item > list {
            self.close("li");
        }
        let list = list.and_then(|at| match &mut self.open[at].role {
            Role::List { next: Some(next) } => {
                *next = next.saturating_add(1);
                Some(*next - 1)
            }
            _ => None,
        });
        let marker = list.map_or_else(|| "- ".to_owned(), |number| format!("{number}. "));
        let begun = false;
        self.push("li", Role::Item { marker, begun });
    }

    /// Ends the innermost element of this name and all that is open within it.
    pub(crate) fn close(&mut self, name: &str) {
        if self.untracked > 0 {
            self.untracked -= 1;
            return;
        }
        let table = self.position(|role| matches!(role, Role::Table(_)));
        let Some(at) = self.open.iter().rposition(|open| open.name == name) else {
            return;
        };
        // Nothing in a cell ends what is outside of its table.
        if Some(at) < table {
            return;
        }
        while self.open.len() > at {
            if let Some(open) = self.open.pop() {
                self.closed(open.role);
            }
        }
    }

    fn close_while(&mut self, wanted: impl Fn(&Role) -> bool) {
        while self.open.last().is_some_and(|open| wanted(&open.role)) {
            if let Some(open) = self.open.pop() {
                self.closed(open.role);
            }
        }
    }

    fn push(&mut self, name: &str, role: Role) {
        if self.open.len() < OPEN_MAX {
            let name = name.to_owned();
            self.open.push(Open { name, role });
        } else {
            self.untracked += 1;
        }
    }

    /// What the end of an element does; it is off the stack already.
    fn closed(&mut self, role: Role) {
        match role {
            Role::Heading(level) => {
                self.close_inline_marks();
                let text = std::mem::take(&mut self.line);
                let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
                let sign = if self.plain {
                    String::new()
                } else {
                    "#".repeat(level) + " "
                };
                if self.is_in_cell() {
                    self.line = text;
                } else if !text.is_empty() {
                    self.write_block(&format!("{sign}{text}"));
                }
            }
            Role::Pre { language } => self.close_pre(&language),
            Role::List { .. } => self.end_block(),
            Role::Quote | Role::Item { .. } => {
                // It is put back for as long as its last block is written.
                self.open.push(Open {
                    name: String::new(),
                    role,
                });
                self.end_block();
                self.open.pop();
            }
            Role::Code { .. } | Role::Marked { .. } | Role::Link { .. } => self.mark(&role),
            Role::Table(mut table) => {
                table.close_cell(&std::mem::take(&mut self.line));
                let text = table.written();
                if self.is_in_cell() {
                    self.line.push_str(&text.replace('\n', " "));
                } else {
                    self.write_block(&text);
                }
            }
        }
    }

    fn close_pre(&mut self, language: &str) {
        let text = std::mem::take(&mut self.line);
        let text = text.trim_matches('\n').trim_end();
        if text.is_empty() {
            return;
        }
        if self.is_in_cell() {
            self.line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        } else if self.plain {
            self.write_block(text);
        } else {
            let ticks = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
            let fence = "`".repeat((ticks + 1).max(3));
            self.write_block(&format!("{fence}{language}\n{text}\n{fence}"));
        }
    }

    /// Ends the paragraph that is being written, if there is one.
    pub(crate) fn end_block(&mut self) {
        if self.is_in_pre() {
            return;
        }
        if self.is_in_cell() || self.open.iter().any(|o| matches!(o.role, Role::Heading(_))) {
            if !self.line.is_empty() && !self.line.ends_with(' ') {
                self.line.push(' ');
            }
            return;
        }
        if !self.line.trim().is_empty() {
            self.close_inline_marks();
            let text = std::mem::take(&mut self.line);
            self.write_block(text.trim());
        } else {
            self.line.clear();
            self.close_inline_marks();
        }
    }

    /// Puts a finished block under what is written, with the prefix of its quotes and lists.
    fn write_block(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        let in_item = self
            .position(|role| matches!(role, Role::Item { .. }))
            .is_some();
        let (mut first, mut other) = (String::new(), String::new());
        let mut begins_item = false;
        let containers = self
            .open
            .iter_mut()
            .filter(|open| matches!(open.role, Role::Quote | Role::Item { .. }));
        for open in containers.take(INDENTS_MAX) {
            match &mut open.role {
                Role::Item { marker, begun } => {
                    let space = " ".repeat(marker.len());
                    first += if *begun { &space } else { marker.as_str() };
                    other += &space;
                    begins_item |= !*begun;
                    *begun = true;
                }
                _ => {
                    first += "> ";
                    other += "> ";
                }
            }
        }
        if !self.out.is_empty() {
            let tight = begins_item && self.after_item;
            self.out.push_str(if tight { "\n" } else { "\n\n" });
        }
        for (index, line) in text.lines().enumerate() {
            let prefix = if index == 0 { &first } else { &other };
            if index > 0 {
                self.out.push('\n');
            }
            self.out.push_str(prefix);
            self.out.push_str(line.trim_end());
        }
        self.after_item = in_item;
    }

    fn position(&self, wanted: impl Fn(&Role) -> bool) -> Option<usize> {
        self.open.iter().rposition(|open| wanted(&open.role))
    }

    fn is_in_pre(&self) -> bool {
        matches!(
            self.open.last().map(|open| &open.role),
            Some(Role::Pre { .. })
        )
    }
}

fn is_cell(role: &Role) -> bool {
    matches!(role, Role::Table(table) if table.is_in_cell())
}

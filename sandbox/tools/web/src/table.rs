//! A table of a page: cells until its end, then rows of Markdown. One that holds other tables
//! lays out the page; its cells are blocks of their own.

/// Columns that are kept.
const COLUMNS_MAX: usize = 40;
/// Longest table, in bytes; further rows are left out.
const TABLE_BYTES_MAX: usize = 1024 * 1024;

#[derive(Default)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
    bytes: usize,
    /// The columns of the open cell.
    cell: Option<usize>,
    layout: bool,
}

impl Table {
    pub(crate) fn is_layout(&self) -> bool {
        self.layout
    }

    pub(crate) fn is_in_cell(&self) -> bool {
        self.cell.is_some() && !self.layout
    }

    pub(crate) fn open_row(&mut self) {
        if !self.layout {
            self.rows.push(Vec::new());
        }
    }

    pub(crate) fn open_cell(&mut self, span: usize) {
        self.cell = Some(span.clamp(1, COLUMNS_MAX));
    }

    pub(crate) fn close_cell(&mut self, text: &str) {
        let Some(span) = self.cell.take().filter(|_| !self.layout) else {
            return;
        };
        if self.rows.is_empty() {
            self.rows.push(Vec::new());
        }
        let words: Vec<&str> = text.split_whitespace().collect();
        let text = words.join(" ").replace('|', "\\|");
        self.bytes += text.len() + 4 * span;
        if let Some(row) = self.rows.last_mut()
            && self.bytes < TABLE_BYTES_MAX
            && row.len() < COLUMNS_MAX
        {
            row.push(text);
            let width = row.len() + span - 1;
            row.resize(width.min(COLUMNS_MAX), String::new());
        }
    }

    /// From now on its cells are blocks; gives what was gathered until here.
    pub(crate) fn become_layout(&mut self) -> String {
        let written = self.written();
        *self = Self {
            layout: true,
            ..Self::default()
        };
        written
    }

    /// Rows of Markdown; a table of one column is lines of text.
    pub(crate) fn written(&self) -> String {
        let filled = |row: &&Vec<String>| row.iter().any(|cell| !cell.is_empty());
        let rows: Vec<&Vec<String>> = self.rows.iter().filter(filled).collect();
        let columns = rows.iter().map(|row| row.len()).max().unwrap_or(0);
        if columns < 2 {
            let cells: Vec<&str> = rows
                .iter()
                .flat_map(|row| row.iter())
                .map(String::as_str)
                .collect();
            return cells.join("\n\n");
        }
        let mut text = String::new();
        for (index, row) in rows.iter().enumerate() {
            if text.len() > TABLE_BYTES_MAX {
                break;
            }
            text.push('|');
            for column in 0..columns {
                let cell = row.get(column).map_or("", String::as_str);
                text += &format!(" {cell} |");
            }
            text.push('\n');
            if index == 0 {
                text += &format!("|{}\n", " --- |".repeat(columns));
            }
        }
        text.trim_end().to_owned()
    }
}

//! Tables while they are read: cells are gathered in the line, and end without an end tag when
//! the next one begins.

use super::{Role, Writer, is_cell};
use crate::table::Table;

impl Writer {
    pub(crate) fn open_table(&mut self) {
        self.end_block();
        // A table within a table: the outer one lays out the page and holds no data.
        if let Some(written) = self.table().map(Table::become_layout) {
            self.write_block(&written);
            self.line.clear();
        }
        self.push("table", Role::Table(Table::default()));
    }

    pub(crate) fn open_row(&mut self) {
        self.close_row();
        if let Some(table) = self.table() {
            table.open_row();
        }
    }

    pub(crate) fn close_row(&mut self) {
        self.close_cell();
        if self.table().is_none_or(|table| table.is_layout()) {
            self.end_block();
        }
    }

    pub(crate) fn open_cell(&mut self, span: usize) {
        self.close_cell();
        let written = self.line.trim().is_empty();
        if let Some(table) = self.table().filter(|table| !table.is_layout()) {
            table.open_cell(span);
            if written {
                self.line.clear();
            }
        }
    }

    pub(crate) fn close_cell(&mut self) {
        if !self.is_in_cell() {
            return self.end_block();
        }
        let table = self.position(is_cell);
        while self.open.len() > table.map_or(0, |at| at + 1) {
            if let Some(open) = self.open.pop() {
                self.closed(open.role);
            }
        }
        let text = std::mem::take(&mut self.line);
        if let Some(table) = self.table() {
            table.close_cell(&text);
        }
    }

    pub(super) fn table(&mut self) -> Option<&mut Table> {
        self.open
            .iter_mut()
            .rev()
            .find_map(|open| match &mut open.role {
                Role::Table(table) => Some(table),
                _ => None,
            })
    }

    pub(super) fn is_in_cell(&self) -> bool {
        let table = self.position(|role| matches!(role, Role::Table(_)));
        table.is_some_and(|at| is_cell(&self.open[at].role))
    }
}

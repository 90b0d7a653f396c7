//! Lines of a text, by the bytes that a parser names.

/// Where each line begins, to find the line of a byte without counting from the start again.
pub(crate) struct Lines(Vec<usize>);

impl Lines {
    pub(crate) fn new(text: &str) -> Self {
        let behind_breaks = text.match_indices('\n').map(|(at, _)| at + 1);
        Self(std::iter::once(0).chain(behind_breaks).collect())
    }

    /// The line of a byte, from 1.
    pub(crate) fn of(&self, byte: usize) -> usize {
        self.0.partition_point(|start| *start <= byte)
    }
}

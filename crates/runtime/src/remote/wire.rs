//! Lines of JSON over a connection, bounded both ways.

use serde::Serialize;
use std::io;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};

/// What is read at once, in bytes.
const PIECE_BYTES: usize = 16 * 1024;

/// The lines that come. What was read stays when [`Lines::next`] is given up half-way.
pub(super) struct Lines {
    from: OwnedReadHalf,
    buffer: Vec<u8>,
    /// Where in the buffer the next line begins.
    begin: usize,
    /// Bytes of the buffer that were looked through for an end of line.
    seen: usize,
    line_bytes_max: usize,
}

impl Lines {
    pub(super) fn new(from: OwnedReadHalf, line_bytes_max: usize) -> Self {
        Self {
            from,
            buffer: Vec::new(),
            begin: 0,
            seen: 0,
            line_bytes_max,
        }
    }

    /// The next line without its end; none when nothing comes any more. What stands before the
    /// end of a connection without an end of line is no line.
    ///
    /// # Errors
    /// `InvalidData` when the line is too long, and whatever the system says.
    pub(super) async fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            let new = &self.buffer[self.seen..];
            if let Some(length) = new.iter().position(|byte| *byte == b'\n') {
                let end = self.seen + length;
                let line = self.buffer[self.begin..end].to_vec();
                self.begin = end + 1;
                self.seen = self.begin;
                return Ok(Some(line));
            }
            self.buffer.drain(..self.begin);
            self.begin = 0;
            self.seen = self.buffer.len();
            if self.seen == 0 {
                // Room for a long line is not kept for short ones.
                self.buffer.shrink_to(PIECE_BYTES);
            }
            if self.seen > self.line_bytes_max {
                let what = format!("a line is longer than {} bytes", self.line_bytes_max);
                return Err(io::Error::new(io::ErrorKind::InvalidData, what));
            }
            self.buffer.reserve(PIECE_BYTES);
            if self.from.read_buf(&mut self.buffer).await? == 0 {
                return Ok(None);
            }
        }
    }
}

/// Writes one value as a line.
///
/// # Errors
/// Whatever the system says.
pub(super) async fn write(to: &mut OwnedWriteHalf, value: &impl Serialize) -> io::Result<()> {
    let mut line = Vec::new();
    push(&mut line, value)?;
    to.write_all(&line).await
}

/// Puts one value as a line behind others that are written with it.
///
/// # Errors
/// For a value that cannot be JSON.
pub(super) fn push(lines: &mut Vec<u8>, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *lines, value)?;
    lines.push(b'\n');
    Ok(())
}

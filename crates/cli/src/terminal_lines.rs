//! Lines that a person types. Nobody can stop a thread that waits for one, so there is one
//! thread, and a line that it waits for while a question is taken back is not lost to it:
//!
//! - A line that is sent off before the next question is shown is thrown away.
//! - One that was begun before and is not sent off yet is thrown away by the terminal.
//! - The next one is the answer to the next question.

use rustix::termios::{QueueSelector, tcflush};
use std::io::{BufRead, Read};
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Longest line that is read, in bytes.
const LINE_BYTES_MAX: u64 = 4_096;

/// The lines, and whether one is waited for.
pub(crate) struct TerminalLines {
    wanted: Sender<()>,
    lines: Receiver<Option<String>>,
    is_wanted: bool,
    /// Throws away what is typed and not sent off.
    flush: fn(),
}

impl TerminalLines {
    /// Those of standard input.
    pub(crate) fn of_stdin() -> Self {
        Self::of(std::io::BufReader::new(std::io::stdin()), || {
            // Refused only where there is no terminal.
            let _ = tcflush(std::io::stdin(), QueueSelector::IFlush);
        })
    }

    fn of(mut from: impl BufRead + Send + 'static, flush: fn()) -> Self {
        let (wanted, mut wants) = channel(1);
        let (sender, lines) = channel(1);
        std::thread::spawn(move || {
            while let Some(()) = wants.blocking_recv() {
                let mut line = String::new();
                let read = from.by_ref().take(LINE_BYTES_MAX).read_line(&mut line);
                let line = read.ok().filter(|bytes| *bytes > 0).map(|_| line);
                if sender.blocking_send(line).is_err() {
                    return;
                }
            }
        });
        Self {
            wanted,
            lines,
            is_wanted: false,
            flush,
        }
    }

    /// Throws away what was typed for a question that was taken back.
    pub(crate) fn forget(&mut self) {
        if !self.is_wanted {
            return;
        }
        (self.flush)();
        if self.lines.try_recv().is_ok() {
            self.is_wanted = false;
        }
    }

    /// The next line; none when the terminal is closed. One that is no longer waited for is
    /// read all the same, and is there for [`TerminalLines::forget`] or the next who waits.
    pub(crate) async fn next(&mut self) -> Option<String> {
        if !self.is_wanted {
            self.wanted.send(()).await.ok()?;
            self.is_wanted = true;
        }
        let line = self.lines.recv().await;
        self.is_wanted = false;
        line.flatten()
    }

    #[cfg(test)]
    async fn is_there(&self) {
        while self.lines.is_empty() {
            tokio::task::yield_now().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufReader, Write};
    use std::os::unix::net::UnixStream;
    use std::time::Duration;
    use tokio::time::timeout;

    /// Waits for a line of a question that is taken back meanwhile.
    async fn taken_back(lines: &mut TerminalLines) {
        lines.forget();
        let waited = timeout(Duration::from_millis(1), lines.next()).await;
        assert!(waited.is_err(), "nothing was typed");
    }

    #[tokio::test]
    async fn a_line_answers_the_question_that_is_shown_when_it_is_sent_off() {
        let (mut keyboard, screen) = UnixStream::pair().unwrap();
        let mut lines = TerminalLines::of(BufReader::new(screen), || ());
        // Taken back, and nothing typed: the next line is for the next question.
        taken_back(&mut lines).await;
        lines.forget();
        keyboard.write_all(b"second\n").unwrap();
        assert_eq!(lines.next().await.as_deref(), Some("second\n"));
        // Taken back, and the line comes before the next question is shown.
        taken_back(&mut lines).await;
        keyboard.write_all(b"late\n").unwrap();
        lines.is_there().await;
        lines.forget();
        keyboard.write_all(b"third\n").unwrap();
        assert_eq!(lines.next().await.as_deref(), Some("third\n"));
        drop(keyboard);
        assert_eq!(lines.next().await, None);
        assert_eq!(lines.next().await, None);
    }
}

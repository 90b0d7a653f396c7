//! `leadhand tool run --batch`: arguments as JSON lines in, results as JSON lines out, in the
//! order of the input. A line that is no call gets its error and ends nothing.

use super::outcome::{invalid_arguments, written};
use super::run::{ARGUMENTS_BYTES_MAX, Bench};
use crate::failure::Failure;
use crate::screen;
use leadhand::{Effect, ToolFault, ToolOutput};
use std::collections::VecDeque;
use std::io::{self, BufRead, Read};
use std::sync::Arc;
use tokio::sync::mpsc::{Receiver, channel};
use tokio::task::JoinHandle;

/// Calls under way at once, of a tool that changes nothing. Others are made one by one.
const CALLS_MAX: usize = 16;
/// Lines read ahead.
const LINES_AHEAD_MAX: usize = 16;

type Line = Result<String, String>;
type Outcome = Result<ToolOutput, ToolFault>;

pub(super) async fn run(bench: Arc<Bench>) -> Result<u8, Failure> {
    let mut lines = read_ahead()?;
    let at_once = match bench.tool.effect {
        Effect::Pure => CALLS_MAX,
        Effect::Idempotent | Effect::Once | Effect::Compensable => 1,
    };
    let mut under_way: VecDeque<JoinHandle<Outcome>> = VecDeque::new();
    let (mut number, mut ended) = (0, false);
    loop {
        let wants_more = !ended && under_way.len() < at_once;
        tokio::select! {
            line = lines.recv(), if wants_more => match line {
                Some(line) => {
                    let bench = Arc::clone(&bench);
                    under_way.push_back(tokio::spawn(async move { answer(&bench, line, number).await }));
                    number += 1;
                }
                None => ended = true,
            },
            Some(outcome) = first(&mut under_way) => {
                under_way.pop_front();
                screen::out_json(&written(&bench.tool, &outcome?));
            }
            else => return Ok(0),
        }
    }
}

/// The outcome of the oldest call; none when there is none.
async fn first(under_way: &mut VecDeque<JoinHandle<Outcome>>) -> Option<Result<Outcome, Failure>> {
    let outcome = under_way.front_mut()?.await;
    Some(outcome.map_err(|error| Failure::internal(format!("a call ended early: {error}"))))
}

async fn answer(bench: &Bench, line: Line, number: u64) -> Outcome {
    let text = line.map_err(invalid_arguments)?;
    let arguments = serde_json::from_str(&text)
        .map_err(|error| invalid_arguments(format!("the line is no JSON: {error}")))?;
    bench.call(arguments, number).await
}

/// Lines of standard input, read by a thread of their own: nobody else waits for them.
fn read_ahead() -> Result<Receiver<Line>, Failure> {
    let (sender, receiver) = channel(LINES_AHEAD_MAX);
    let reading = move || {
        let mut input = io::stdin().lock();
        while let Some(line) = next_line(&mut input) {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    };
    std::thread::Builder::new()
        .name("leadhand-lines".to_owned())
        .spawn(reading)
        .map_err(|error| Failure::internal(format!("no thread can be started: {error}")))?;
    Ok(receiver)
}

/// The next line; none at the end. What is over the bound is read and dropped.
fn next_line(input: &mut impl BufRead) -> Option<Line> {
    let mut bytes = Vec::new();
    let bound = ARGUMENTS_BYTES_MAX as u64 + 1;
    match input.by_ref().take(bound).read_until(b'\n', &mut bytes) {
        Ok(0) => return None,
        Ok(_) => {}
        Err(error) => return Some(Err(format!("the line cannot be read: {error}"))),
    }
    if bytes.len() > ARGUMENTS_BYTES_MAX && bytes.last() != Some(&b'\n') {
        let _ = skip_line(input);
        return Some(Err(format!(
            "the line is longer than {ARGUMENTS_BYTES_MAX} bytes"
        )));
    }
    Some(String::from_utf8(bytes).map_err(|_| "the line is no UTF-8 text".to_owned()))
}

fn skip_line(input: &mut impl BufRead) -> io::Result<()> {
    loop {
        let piece = input.fill_buf()?;
        if piece.is_empty() {
            return Ok(());
        }
        let end = piece.iter().position(|byte| *byte == b'\n');
        let length = piece.len();
        input.consume(end.map_or(length, |end| end + 1));
        if end.is_some() {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_bounded_and_the_next_one_is_read_all_the_same() {
        let long = "x".repeat(ARGUMENTS_BYTES_MAX + 10_000);
        let mut input = io::BufReader::new(io::Cursor::new(format!("a\n{long}\nb")));
        let mut lines = Vec::new();
        while let Some(line) = next_line(&mut input) {
            lines.push(line);
        }
        let expected = [
            Ok("a\n".to_owned()),
            Err("the line is longer than 4194304 bytes".to_owned()),
            Ok("b".to_owned()),
        ];
        assert_eq!(lines, expected);
    }
}

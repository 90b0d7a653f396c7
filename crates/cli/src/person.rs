//! The person at the terminal, who is shown a plan or a tool call exactly as it is and says
//! yes, no and why, or always.

use crate::escape;
use crate::watch::Voice;
use leadhand::rooms::model::BoxFuture;
use leadhand::rooms::protocol::RequestId;
use leadhand::{Answer, ApprovalScope, Approver, Ask, RunId, to_text};
use std::io::{BufRead, Read};
use tokio::sync::{Mutex, oneshot};

/// Longest answer that is read, in bytes.
const ANSWER_BYTES_MAX: u64 = 4_096;

/// Asks at the terminal, one question at a time.
pub(crate) struct AtTerminal {
    voice: Voice,
    one_at_a_time: Mutex<()>,
}

impl AtTerminal {
    pub(crate) fn new(voice: Voice) -> Self {
        Self {
            voice,
            one_at_a_time: Mutex::new(()),
        }
    }
}

impl Approver for AtTerminal {
    fn answer<'a>(
        &'a self,
        _: &'a RunId,
        _: RequestId,
        ask: &'a Ask,
    ) -> BoxFuture<'a, Option<Answer>> {
        Box::pin(async move {
            let _turn = self.one_at_a_time.lock().await;
            let mut question = question(ask);
            loop {
                self.voice.ask(question.clone());
                let line = read_line().await;
                if let Some(answer) = read(&line?, matches!(ask, Ask::Tool { .. })) {
                    self.voice.answered();
                    return Some(answer);
                }
                "Answer y, n or n with a reason:".clone_into(&mut question);
            }
        })
    }
}

fn question(ask: &Ask) -> String {
    match ask {
        Ask::Plan { plan } => {
            format!(
                "\nThe plan:\n{}May it be carried out? [y]es, [n]o with a reason:",
                to_text(plan)
            )
        }
        Ask::Tool {
            role,
            tool_call,
            because,
            ..
        } => {
            let arguments = serde_json::to_string_pretty(&tool_call.arguments)
                .unwrap_or_else(|_| tool_call.arguments.to_string());
            format!(
                "\n{} wants to call {}:\n{}\n{}\nMay it? [y]es, [n]o with a reason, this tool for the whole [t]ask or [a]lways in this run:",
                escape::line(role, 80),
                escape::line(&tool_call.name, 80),
                escape::lines(&arguments),
                escape::line(because, 300)
            )
        }
    }
}

/// A line of the terminal; none when it is closed. The thread waits as long as the person
/// does, and a question that is no longer open leaves it to the end of the process.
async fn read_line() -> Option<String> {
    let (sender, receiver) = oneshot::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        let read = std::io::stdin()
            .lock()
            .take(ANSWER_BYTES_MAX)
            .read_line(&mut line);
        let line = read.ok().filter(|bytes| *bytes > 0).map(|_| line);
        drop(sender.send(line));
    });
    receiver.await.ok().flatten()
}

/// What an answer means; none when it means nothing.
fn read(line: &str, is_tool: bool) -> Option<Answer> {
    let line = line.trim();
    let (word, rest) = line.split_once([' ', ',', ':']).unwrap_or((line, ""));
    match word.to_lowercase().as_str() {
        "y" | "yes" => Some(Answer::Allow),
        "a" | "always" if is_tool => Some(Answer::AllowFor {
            scope: ApprovalScope::Run,
            until_ms: None,
        }),
        "t" | "task" if is_tool => Some(Answer::AllowFor {
            scope: ApprovalScope::Task,
            until_ms: None,
        }),
        "n" | "no" => {
            let reason = rest.trim_start_matches([' ', ',', ':']).to_owned();
            let reason = if reason.is_empty() {
                "no reason was given".to_owned()
            } else {
                reason
            };
            Some(Answer::Deny { reason })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clear_answer_counts() {
        let check = |line: &str, is_tool: bool, expected: Option<Answer>| {
            assert_eq!(read(line, is_tool), expected, "{line}");
        };
        let deny = |reason: &str| {
            Some(Answer::Deny {
                reason: reason.to_owned(),
            })
        };
        check("y\n", true, Some(Answer::Allow));
        check("YES\n", false, Some(Answer::Allow));
        let allow = |scope| {
            Some(Answer::AllowFor {
                scope,
                until_ms: None,
            })
        };
        check("a\n", true, allow(ApprovalScope::Run));
        check("task", true, allow(ApprovalScope::Task));
        check("a\n", false, None);
        check(
            "n, use notes.md instead\n",
            true,
            deny("use notes.md instead"),
        );
        check("no\n", false, deny("no reason was given"));
        check("\n", true, None);
        check("yeah sure", true, None);
    }

    #[test]
    fn a_call_is_shown_as_it_is_and_moves_nothing_on_the_screen() {
        let tool_call = serde_json::from_value(serde_json::json!({
            "id": "1", "name": "write_file", "arguments": {"path": "a\u{1b}[2J.md", "text": "x\u{9b}y"},
        }));
        let call = serde_json::from_value(serde_json::json!({"agent": 1, "turn": 1, "index": 0}));
        let ask = Ask::Tool {
            call: call.unwrap(),
            role: "writer".to_owned(),
            tool_call: tool_call.unwrap(),
            because: "autonomy L2 asks".to_owned(),
        };
        assert_eq!(
            question(&ask),
            "\nwriter wants to call write_file:\n{\n  \"path\": \"a\\u001b[2J.md\",\n  \"text\": \"x\\u{9b}y\"\n}\n\
             autonomy L2 asks\nMay it? [y]es, [n]o with a reason, this tool for the whole [t]ask or [a]lways in this run:"
        );
    }
}

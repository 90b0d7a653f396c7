//! The person at the terminal, who is shown a plan or a tool call exactly as it is and says
//! yes, no and why, or always.

use crate::terminal_lines::TerminalLines;
use crate::watch::Voice;
use leadhand::rooms::model::BoxFuture;
use leadhand::rooms::protocol::RequestId;
use leadhand::{Answer, ApprovalScope, Approver, Ask, RunId};
use leadhand_viewer::asked;
use tokio::sync::Mutex;

/// Asks at the terminal, one question at a time. A question that is answered from another
/// terminal, or whose run ends, is no longer asked; see [`TerminalLines`] for what becomes of
/// what is being typed then.
pub(crate) struct AtTerminal {
    voice: Voice,
    /// Whoever asks has the lines.
    lines: Mutex<TerminalLines>,
}

impl AtTerminal {
    pub(crate) fn new(voice: Voice) -> Self {
        Self {
            voice,
            lines: Mutex::new(TerminalLines::of_stdin()),
        }
    }
}

impl Approver for AtTerminal {
    fn answer<'a>(
        &'a self,
        _: &'a RunId,
        request: RequestId,
        ask: &'a Ask,
    ) -> BoxFuture<'a, Option<Answer>> {
        Box::pin(async move {
            let mut lines = self.lines.lock().await;
            lines.forget();
            let asking = Asking {
                voice: &self.voice,
                request,
                answered: false,
            };
            let mut question = question(ask);
            loop {
                self.voice.ask(question.clone());
                let line = lines.next().await;
                match read(&line?, ask) {
                    Ok(answer) => {
                        asking.done();
                        return Some(answer);
                    }
                    Err(how) => question = how,
                }
            }
        })
    }
}

/// A question on the screen. One that is dropped before it was answered is taken back aloud.
struct Asking<'a> {
    voice: &'a Voice,
    request: RequestId,
    answered: bool,
}

impl Asking<'_> {
    fn done(mut self) {
        self.answered = true;
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        if !self.answered {
            self.voice.note(format!(
                "question {} is not asked here any more: it was answered from elsewhere, or the run stops; what is typed for it does not count",
                self.request
            ));
        }
        self.voice.answered();
    }
}

/// A question and how it is answered at once.
pub(crate) fn question(ask: &Ask) -> String {
    let how = match ask {
        Ask::Plan { .. } => "May it be carried out? [y]es, [n]o with a reason:",
        Ask::Tool { .. } => {
            "May it? [y]es, [n]o with a reason, this tool for the whole [t]ask or [a]lways in this run, [e]dited with other arguments:"
        }
        Ask::Outcome { .. } => {
            "Did it? [d]one with what it gave, [r]epeat it because it did not, [n]obody knows with a reason:"
        }
        Ask::Task { .. } => "May it begin? [y]es, [n]o with a reason:",
        Ask::Finding { .. } => {
            "May it go on? [y]es, [s]teer it with words, [n]o with a reason, which stops the run:"
        }
    };
    format!("\n{}\n{how}", asked(ask))
}

/// What an answer means, or how to answer when it means nothing.
fn read(line: &str, ask: &Ask) -> Result<Answer, String> {
    let line = line.trim();
    let (word, rest) = line.split_once([' ', ',', ':']).unwrap_or((line, ""));
    let rest = rest.trim_start_matches([' ', ',', ':']);
    let word = word.to_lowercase();
    let reason = || match rest {
        "" => "no reason was given".to_owned(),
        rest => rest.to_owned(),
    };
    let scope = |scope| Answer::AllowFor {
        scope,
        until_ms: None,
    };
    if matches!(word.as_str(), "n" | "no") {
        return Ok(Answer::Deny { reason: reason() });
    }
    match (ask, word.as_str()) {
        (Ask::Outcome { .. }, "d" | "done") => Ok(Answer::TookEffect {
            result: rest.to_owned(),
        }),
        (Ask::Outcome { .. }, "r" | "repeat") => Ok(Answer::Repeat),
        (Ask::Outcome { .. }, _) => {
            Err("Answer d with what it gave, r, or n with a reason:".to_owned())
        }
        (_, "y" | "yes") => Ok(Answer::Allow),
        (Ask::Finding { .. }, "s" | "steer") if !rest.is_empty() => Ok(Answer::Steer {
            text: rest.to_owned(),
        }),
        (Ask::Finding { .. }, _) => Err("Answer y, s with words, or n with a reason:".to_owned()),
        (Ask::Tool { .. }, "a" | "always") => Ok(scope(ApprovalScope::Run)),
        (Ask::Tool { .. }, "t" | "task") => Ok(scope(ApprovalScope::Task)),
        (Ask::Tool { .. }, "e" | "edit") => serde_json::from_str(rest)
            .map(|arguments| Answer::AllowEdited { arguments })
            .map_err(|error| format!("Answer e and all arguments as JSON ({error}):")),
        _ => Err("Answer y, n or n with a reason:".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use leadhand::{CallId, ToolCall};

    fn call(arguments: serde_json::Value) -> (CallId, ToolCall) {
        let id = serde_json::json!({"agent": 1, "turn": 1, "index": 0});
        let call = ToolCall {
            id: "1".to_owned(),
            name: "write_file".to_owned(),
            arguments,
        };
        (serde_json::from_value(id).unwrap(), call)
    }

    #[test]
    fn only_a_clear_answer_counts() {
        let (id, tool_call) = call(serde_json::json!({}));
        let tool = Ask::Tool {
            call: id,
            role: "writer".to_owned(),
            tool_call: tool_call.clone(),
            because: String::new(),
        };
        let doubt = Ask::Outcome {
            call: id,
            role: "writer".to_owned(),
            tool_call,
            evidence: Vec::new(),
        };
        let plan = Ask::Plan {
            plan: leadhand::Plan::default(),
            forecast: leadhand::Forecast::default(),
        };
        let check = |line: &str, ask: &Ask, expected: Option<Answer>| {
            assert_eq!(read(line, ask).ok(), expected, "{line}");
        };
        let deny = |reason: &str| {
            Some(Answer::Deny {
                reason: reason.to_owned(),
            })
        };
        check("y\n", &tool, Some(Answer::Allow));
        check("YES\n", &plan, Some(Answer::Allow));
        let allow = |scope| {
            Some(Answer::AllowFor {
                scope,
                until_ms: None,
            })
        };
        check("a\n", &tool, allow(ApprovalScope::Run));
        check("task", &tool, allow(ApprovalScope::Task));
        check("a\n", &plan, None);
        check(
            "n, use notes.md instead\n",
            &tool,
            deny("use notes.md instead"),
        );
        check("no\n", &plan, deny("no reason was given"));
        check("\n", &tool, None);
        check("yeah sure", &tool, None);
        let arguments = serde_json::json!({"path": "b.md"});
        check(
            "e {\"path\": \"b.md\"}",
            &tool,
            Some(Answer::AllowEdited { arguments }),
        );
        check("e b.md", &tool, None);
        check("y", &doubt, None);
        check("r", &doubt, Some(Answer::Repeat));
        let result = "receipt 7".to_owned();
        check(
            "done receipt 7",
            &doubt,
            Some(Answer::TookEffect { result }),
        );
    }

    #[test]
    fn what_was_found_is_answered_with_yes_with_no_or_with_words() {
        let found = Ask::Finding {
            role: "writer".to_owned(),
            task: None,
            finding: Box::new(leadhand::Finding::TurnsSpent {
                agent: leadhand::AgentId(0),
                turns: 4,
            }),
            done: Vec::new(),
        };
        let check = |line: &str, expected: Option<Answer>| {
            assert_eq!(read(line, &found).ok(), expected, "{line}");
        };
        check("y", Some(Answer::Allow));
        let text = "look at b".to_owned();
        check("s look at b", Some(Answer::Steer { text }));
        check("s", None);
        check("t", None);
        let reason = "enough".to_owned();
        check("n enough", Some(Answer::Deny { reason }));
    }

    #[test]
    fn a_call_is_shown_as_it_is_and_moves_nothing_on_the_screen() {
        let (id, tool_call) =
            call(serde_json::json!({"path": "a\u{1b}[2J.md", "text": "x\u{9b}y"}));
        let ask = Ask::Tool {
            call: id,
            role: "writer".to_owned(),
            tool_call,
            because: "autonomy L2 asks".to_owned(),
        };
        assert_eq!(
            question(&ask),
            "\nwriter wants to call write_file:\n{\n  \"path\": \"a\\u001b[2J.md\",\n  \"text\": \"x\\u{9b}y\"\n}\n\
             autonomy L2 asks\nMay it? [y]es, [n]o with a reason, this tool for the whole [t]ask or [a]lways in this run, [e]dited with other arguments:"
        );
    }
}

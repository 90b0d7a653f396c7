//! What a person is asked, in words: exactly what will be done, with nothing cut out of it.

use leadhand_inspector::{escape, words};
use leadhand_protocol::{Ask, ToolCall};
use leadhand_task_graph::to_text;

/// What is asked, exactly as it will be done; safe to be shown on a terminal.
#[must_use]
pub fn asked(ask: &Ask) -> String {
    match ask {
        Ask::Plan { plan, forecast } => {
            format!("The plan:\n{}{}", to_text(plan), words::forecast(forecast))
        }
        Ask::Tool {
            role,
            tool_call,
            because,
            ..
        } => format!(
            "{} wants to call {}:\n{}\n{}",
            escape::line(role, 80),
            escape::line(&tool_call.name, 80),
            arguments(tool_call),
            escape::line(because, 300)
        ),
        Ask::Outcome {
            role,
            tool_call,
            evidence,
            ..
        } => format!(
            "{} called {}, and nobody knows whether that took effect:\n{}\n{}",
            escape::line(role, 80),
            escape::line(&tool_call.name, 80),
            arguments(tool_call),
            escape::lines(&evidence.join("\n")),
        ),
        Ask::Finding {
            role,
            task,
            finding,
            done,
        } => {
            let at = task.as_ref().map(|task| format!(" at {task}"));
            let who = format!("{role}{}", at.unwrap_or_default());
            let mut text = escape::lines(&words::finding(finding, |_| who.clone()));
            for done in done {
                text.push_str(&format!("\n- {}", escape::line(done, 300)));
            }
            text
        }
        Ask::Task { task } => format!(
            "The task {} is next: {}",
            escape::line(task.id.as_str(), 80),
            escape::line(&task.instruction, 300)
        ),
    }
}

fn arguments(call: &ToolCall) -> String {
    let json = serde_json::to_string_pretty(&call.arguments);
    escape::lines(&json.unwrap_or_else(|_| call.arguments.to_string()))
}

//! Which calls write. The declared effect says so where one is known; of foreign tools there is
//! but the name, and the verb in it.

use super::words::name_words;
use leadhand_protocol::Effect;

/// Verbs that look and do not change, as tools are named with them. The list is closed and the
/// rest writes: a read taken for a write is told once and a person sees that it is none, while a
/// write taken for a read is never told of.
const READ_VERBS: [&str; 45] = [
    "analyze",
    "browse",
    "calculate",
    "check",
    "compare",
    "compute",
    "count",
    "describe",
    "diff",
    "estimate",
    "evaluate",
    "examine",
    "explain",
    "fetch",
    "filter",
    "find",
    "get",
    "grep",
    "has",
    "head",
    "inspect",
    "is",
    "list",
    "look",
    "lookup",
    "peek",
    "plan",
    "preview",
    "query",
    "read",
    "recall",
    "retrieve",
    "scan",
    "search",
    "show",
    "sleep",
    "stat",
    "summarize",
    "think",
    "track",
    "validate",
    "verify",
    "view",
    "wait",
    "reason",
];
/// Verbs that, at the end of a name, say what it does: `web_search`, `file_read`. Only those that
/// tools are named with that way; `user_list` or `stock_check` may be things.
const READ_VERBS_LAST: [&str; 4] = ["fetch", "lookup", "read", "search"];
/// Verbs that change something, where a name holds them beside one of those above:
/// `save_search`, `get_or_create_user`, `find_and_replace`.
const CHANGE_VERBS: [&str; 38] = [
    "add", "apply", "archive", "assign", "book", "buy", "cancel", "charge", "clear", "close",
    "create", "delete", "disable", "edit", "enable", "exchange", "insert", "issue", "mark",
    "modify", "move", "patch", "pay", "post", "put", "refund", "remove", "rename", "replace",
    "reserve", "return", "save", "send", "set", "submit", "update", "upsert", "write",
];
/// Names of which each is a whole: the agent speaks, or says that it is done.
const TALK: [&str; 6] = ["respond", "reply", "answer", "finish", "done", "noop"];
/// What money is transferred to. `transfer_to_savings` moves it, `transfer_to_human_agents` and
/// `transfer_to_billing_expert` hand over the conversation.
const MONEY: [&str; 6] = ["account", "bank", "card", "checking", "savings", "wallet"];

/// Whether a call of a tool changes something outside the conversation.
///
/// An effect that is declared decides. Without one a name that begins with a verb of reading
/// reads, one that hands the conversation to somebody changes nothing, and all others write.
///
/// ```
/// use leadhand_detectors::divergence::call_writes;
/// assert!(call_writes("modify_pending_order_items", None));
/// assert!(!call_writes("getUserDetails", None));
/// assert!(!call_writes("transfer_to_human_agents", None));
/// ```
#[must_use]
pub fn call_writes(tool: &str, declared: Option<Effect>) -> bool {
    match declared {
        Some(Effect::Pure) => false,
        Some(Effect::Idempotent | Effect::Once | Effect::Compensable) => true,
        None => {
            let words = name_words(tool);
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            !reads(&words) && !hands_over(&words)
        }
    }
}

fn reads(words: &[&str]) -> bool {
    match words {
        [] => false,
        [only] => READ_VERBS.contains(only) || TALK.contains(only),
        ["final", "answer"] | ["sequential", "thinking"] => true,
        // A passenger or a guest is checked in and out: that changes a booking.
        ["check", "in" | "out", ..] => false,
        [first, rest @ ..] if READ_VERBS.contains(first) => !rest.windows(2).any(also_changes),
        [first, .., last] => READ_VERBS_LAST.contains(last) && !CHANGE_VERBS.contains(first),
    }
}

fn also_changes(pair: &[&str]) -> bool {
    matches!(pair, ["and" | "or" | "then", verb] if CHANGE_VERBS.contains(verb))
}

fn hands_over(words: &[&str]) -> bool {
    match words {
        ["transfer", "to", to @ ..] => !to.iter().any(|it| MONEY.contains(it)),
        ["handoff" | "handover" | "delegate", ..]
        | ["hand", "off" | "over", ..]
        | ["escalate", "to", ..] => true,
        _ => false,
    }
}

//! Looking at runs, tools, roles and the set-up.

use crate::place::{Place, Seen, WRITES_NOTES};
use serde_json::Value;

#[test]
fn a_run_can_be_looked_into() {
    let place = Place::new(&[("script.jsonl", WRITES_NOTES)]);
    place.leadhand(&["run", "Write notes", "-m", "scripted:script.jsonl"]);
    let seen = place.leadhand(&["trace", "show", "last"]);
    let expected = "run   RUN\n\
        goal  Write notes\n\
        state done, autonomy L4, 19 events in TIME\n\
        \n\
        a0 manager (plan): 1 turn, 0 tool calls, TOKENS, TIME\n  \
          turn 1: scripted:script.jsonl TOKENS, TIME  {\"approach\":\"\",\"tasks\":[{\"id\":\"t1\",\"title\":\"Write notes\",\"role\":\"writer\",\"files\":[],\"one_worker_per_file\":false,\"instruction\":\"Write.\",\"depends_on\":[],\"output_file\":\"notes.md\",\"changes_files\":false}]}\n\
        \n\
        t1 [writer] Write notes: done, output HASH in notes.md\n  \
          a1 writer (task t1): 1 turn, 1 tool call, TOKENS, TIME\n    \
            turn 1: scripted:script.jsonl TOKENS, TIME  Hello.\n    \
            write_file (output file) {\"path\":\"notes.md\",\"content\":\"Hello.\\n\"}: ok, TIME  Created `notes.md` (7 bytes).\n      \
              created notes.md\n    \
            check holds: `notes.md` was written\n";
    assert_eq!(seen, Seen::new(0, expected, ""));
    let json = place.leadhand(&["trace", "show", "last", "--json"]);
    let timeline: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(timeline["tasks"][0]["state"], "done");
    assert_eq!(
        timeline["tasks"][0]["agents"][0]["steps"][1]["tool"],
        "write_file"
    );
    let events = place.leadhand(&["trace", "show", "last", "--events"]);
    assert_eq!(events.out.lines().count(), 19);
}

#[test]
fn a_run_that_failed_says_why() {
    let script = WRITES_NOTES.replace(
        r#"{"times": 0, "reply": {"text": "Hello."}}"#,
        r#"{"times": 0, "reply": {"fault": {"kind": "unauthorised", "message": "the key was refused"}}}"#,
    );
    let place = Place::new(&[("script.jsonl", &script)]);
    let seen = place.leadhand(&["run", "Write notes", "-m", "scripted:script.jsonl"]);
    assert_eq!(seen.code, 9, "{}", seen.err);
    assert!(
        seen.err.contains("why: the key was refused\n"),
        "{}",
        seen.err
    );
    let trace = place.leadhand(&["trace", "show", "last"]).out;
    assert!(
        trace.contains("turn 1: no model answered, TIME\n      fault: the key was refused\n"),
        "{trace}"
    );
    assert!(
        trace.contains("state model unreachable or not authorised"),
        "{trace}"
    );
}

#[test]
fn a_manager_that_makes_no_plan_is_told_of_in_words() {
    let replies = ["{}", "[]", "0"].map(|text| format!(r#"{{"reply": {{"text": "{text}"}}}}"#));
    let place = Place::new(&[("script.jsonl", &replies.join("\n"))]);
    let seen = place.leadhand(&["run", "Write notes", "-m", "scripted:script.jsonl"]);
    assert_eq!(seen.code, 3, "{}", seen.err);
    let trace = place.leadhand(&["trace", "show", "last"]).out;
    assert!(
        trace.contains(": a0: 3 unusable replies in a row\n"),
        "{trace}"
    );
}

#[test]
fn runs_are_listed() {
    let place = Place::new(&[("script.jsonl", WRITES_NOTES)]);
    assert_eq!(
        place.leadhand(&["ps"]),
        Seen::new(0, "", "there are no runs in this project\n")
    );
    place.leadhand(&["run", "Write notes", "-m", "scripted:script.jsonl"]);
    let seen = place.leadhand(&["ps"]);
    let words: Vec<&str> = seen.out.split_whitespace().collect();
    assert_eq!(
        words[..9],
        [
            "run", "state", "tasks", "tokens", "age", "goal", "RUN", "done", "1/1"
        ]
    );
    assert!(seen.out.ends_with("  Write notes\n"), "{}", seen.out);
}

#[test]
fn tools_roles_and_playbooks_are_listed() {
    let role =
        "---\nname: poet\ndescription: Writes poems.\ntools: Read, Bash\n---\nYou write poems.";
    let place = Place::new(&[("agents/poet.md", role)]);
    let tools = place.leadhand(&["tool", "list"]).out;
    assert!(
        tools.contains("write_file  (idempotent, sandboxed, wants fs.write `path`)\n"),
        "{tools}"
    );
    let roles = place.leadhand(&["agents", "list"]).out;
    assert!(
        roles.contains("  poet         Writes poems.\n               read_file; agents/poet.md\n"),
        "{roles}"
    );
    assert!(
        roles.contains("  compare-files      Compares two text files"),
        "{roles}"
    );
}

#[test]
fn role_files_are_checked() {
    let role =
        "---\nname: poet\ndescription: Writes poems.\ntools: Read, Bash\n---\nYou write poems.";
    let place = Place::new(&[("agents/poet.md", role)]);
    let expected = "agents/poet.md:4: the tool `Bash` has no equivalent here and is left out\n1 file checked, 0 cannot be used\n";
    assert_eq!(
        place.leadhand(&["agents", "check", "agents/poet.md"]),
        Seen::new(0, "", expected)
    );
    // A README is no role file, as for `run`.
    place.write("agents/README.md", "# About these roles\n");
    assert_eq!(
        place.leadhand(&["agents", "check"]).err,
        "./".to_owned() + expected
    );
    let named = ["agents", "check", "agents/README.md", "agents/poet.md"];
    let left_alone = "agents/README.md is no role and left alone\n".to_owned();
    assert_eq!(
        place.leadhand(&named),
        Seen::new(0, "", &(left_alone + expected))
    );
    place.write("agents/bad.md", "---\nname: poet\n");
    let seen = place.leadhand(&["agents", "check", "agents/bad.md"]);
    assert_eq!(seen.code, 2);
    assert!(
        seen.err.starts_with("error: agents/bad.md:1: "),
        "{}",
        seen.err
    );
    place.write("plan.json", "{}");
    let expected = "error: plan.json: the name of a role file ends in .md, that of a playbook in .toml\n1 file checked, 1 cannot be used\n";
    assert_eq!(
        place.leadhand(&["agents", "check", "plan.json"]),
        Seen::new(2, "", expected)
    );
    let expected = "there are no role files or playbooks in this project; `leadhand agents list` shows the built-in ones\n";
    assert_eq!(
        Place::new(&[]).leadhand(&["agents", "check"]),
        Seen::new(0, "", expected)
    );
}

#[test]
fn the_doctor_says_what_is_there_and_never_a_key() {
    let place = Place::new(&[]);
    let mut command = place.command(&["doctor", "--json"]);
    let seen = place.outcome_of(command.env("OPENAI_API_KEY", "sk-very-secret"));
    assert_eq!(seen.code, 0, "{}", seen.out);
    assert!(!seen.out.contains("very-secret"));
    let findings: Vec<Value> = serde_json::from_str(&seen.out).unwrap();
    let of = |what: &str| {
        findings
            .iter()
            .find(|finding| finding["what"] == what)
            .unwrap()
    };
    assert_eq!(of("environment")["seen"], "OPENAI_API_KEY set");
    assert_eq!(
        of("model")["seen"],
        "OPENAI_API_KEY is set, but no model is named; name one with -m openai:NAME or \
         OPENAI_MODEL, or as default_model in leadhand.toml"
    );
    assert_eq!(of("sandbox")["seen"], "17 tools; 6 * 7 is 42");
    assert_eq!(of("workspace")["state"], "ok");
    place.write_for_user("leadhand.toml", "wish = 1\n");
    let seen = place.leadhand(&["doctor"]);
    assert_eq!(seen.code, 2);
    assert!(
        seen.out
            .contains("FAULT  configuration   HOME/config/leadhand/leadhand.toml:1: "),
        "{}",
        seen.out
    );
}

#[test]
fn help_and_completion() {
    let place = Place::new(&[]);
    let seen = place.leadhand(&["--help"]);
    assert_eq!((seen.code, seen.err.as_str()), (0, ""));
    let commands = seen
        .out
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1);
    let names: Vec<&str> = commands
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(
        names,
        [
            "run",
            "plan",
            "ps",
            "top",
            "resume",
            "pause",
            "steer",
            "questions",
            "approve",
            "deny",
            "edit",
            "cancel",
            "rollback",
            "fork",
            "replay",
            "trace",
            "tool",
            "policy",
            "agents",
            "model",
            "check",
            "doctor",
            "completion",
            "help"
        ]
    );
    let seen = place.leadhand(&["completion", "bash"]);
    assert!(seen.code == 0 && seen.out.contains("complete -F _leadhand"));
}

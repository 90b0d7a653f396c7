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
        state done, autonomy L4, 1 of 1 task done\n\
        spent TIME, 19 events, 2 turns, 1 tool call, TOKENS\n\
        \n\
        a0 manager (plan): 1 turn, 0 tool calls, TOKENS, TIME\n  \
          #2 turn 1: scripted:script.jsonl TOKENS, TIME  {\"approach\":\"\",\"tasks\":[{\"id\":\"t1\",\"title\":\"Write notes\",\"role\":\"writer\",\"files\":[],\"one_worker_per_file\":false,\"instruction\":\"Write.\",\"depends_on\":[],\"output_file\":\"notes.md\",\"changes_files\":false}]}\n\
        \n\
        t1 [writer] Write notes: done in TIME, output HASH in notes.md\n  \
          a1 writer (task t1): 1 turn, 1 tool call, TOKENS, TIME\n    \
            #8 turn 1: scripted:script.jsonl TOKENS, TIME  Hello.\n    \
            #11 write_file (output file) {\"path\":\"notes.md\",\"content\":\"Hello.\\n\"}: ok, TIME  Created `notes.md` (7 bytes).\n      \
              created notes.md\n    \
            #14 check holds: `notes.md` was written\n";
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
    let events = place.leadhand(&["trace", "show", "last", "--events", "--since", "17"]);
    assert_eq!(events.out.lines().count(), 2);
    let parts = |more: &[&str]| {
        let seen = place.leadhand(&[&["trace", "show", "last"], more].concat());
        assert_eq!(seen.code, 0, "{}", seen.err);
        seen.out
    };
    let whole = parts(&["--since", "1h"]);
    assert_eq!(whole, seen.out);
    let of_tool = parts(&["--tool", "write_file"]);
    assert!(
        of_tool.contains("#11 write_file") && !of_tool.contains("#8 turn"),
        "{of_tool}"
    );
    let of_task = parts(&["--task", "t1", "--since", "9"]);
    assert!(
        !of_task.contains("manager") && of_task.contains("#14 check"),
        "{of_task}"
    );
    assert!(!of_task.contains("#8 turn"), "{of_task}");
    let seen = place.leadhand(&["trace", "show", "last", "--since", "soon"]);
    assert_eq!(seen.code, 2);
    assert!(seen.err.contains("such as 30d or 12h"), "{}", seen.err);
}

#[test]
fn a_run_is_drawn_and_each_event_tells_what_it_follows_from() {
    let place = Place::new(&[("script.jsonl", WRITES_NOTES)]);
    place.leadhand(&["run", "Write notes", "-m", "scripted:script.jsonl"]);
    let tree = place.leadhand(&["trace", "graph", "last"]);
    assert_eq!(tree, Seen::new(0, "✓ t1 [writer] Write notes: done\n", ""));
    let svg = place.leadhand(&["trace", "graph", "last", "--svg"]).out;
    assert!(
        svg.starts_with("<svg ") && svg.contains("✓ t1 (writer): done"),
        "{svg}"
    );
    let dot = place.leadhand(&["trace", "graph", "last", "--dot"]).out;
    assert!(dot.starts_with("digraph run {\n"), "{dot}");
    let why = place.leadhand(&["trace", "why", "last", "12"]);
    let expected = "#12 call a1.t1.c0 brings: Created `notes.md` (7 bytes).\n  \
          because #11 the output is written with write_file {\"path\":\"notes.md\",\"content\":\"Hello.\\n\"}: allowed, the rule `allow fs.write **` (built in) covers fs.write on `notes.md`\n  \
          because #10 a1 gives its output: Hello.\n  \
          because #9 a1 is answered: `Hello.`\n  \
          because #8 a1 asks its model, turn 1\n  \
          because #7 a1 (writer) begins: task t1\n  \
          because #5 the plan is accepted, 1 task\n";
    assert!(
        why.code == 0 && why.out.starts_with(expected),
        "{}",
        why.out
    );
    assert!(
        why.out.ends_with("because #0 the goal: Write notes\n"),
        "{}",
        why.out
    );
    let seen = place.leadhand(&["trace", "why", "last", "19"]);
    assert_eq!(seen.code, 2);
    assert!(
        seen.err.contains("has no event 19: it has 19 of them"),
        "{}",
        seen.err
    );
}

#[test]
fn a_run_leaves_as_spans_and_files_are_shown_like_runs() {
    let place = Place::new(&[("script.jsonl", WRITES_NOTES)]);
    place.leadhand(&["run", "Write notes", "-m", "scripted:script.jsonl"]);
    let export = |format: &[&str], name: &str| {
        let arguments = [&["trace", "export", "last", "--format"], format].concat();
        let written = place.command(&arguments).output().unwrap();
        assert!(written.status.success());
        std::fs::write(place.path(name), &written.stdout).unwrap();
        String::from_utf8(written.stdout).unwrap()
    };
    let spans = export(&["otlp"], "spans.json");
    assert!(!spans.contains("Hello."), "{spans}");
    assert!(export(&["otlp", "--content"], "content.json").contains("Hello."));
    let counts = "{\"spans\":6,\"traces\":1,\"error_spans\":0,\
        \"agents\":[\"leadhand\",\"manager\",\"writer\"],\"tools\":[\"write_file\"],\
        \"kinds\":{\"chat\":2,\"execute_tool\":1,\"invoke_agent\":1,\"invoke_workflow\":1,\"plan\":1}}\n";
    let seen = place.leadhand(&["trace", "import", "spans.json", "--json"]);
    assert_eq!(seen, Seen::new(0, counts, ""));
    let shown = place.leadhand(&["trace", "show", "content.json"]).out;
    assert!(
        shown.contains("write_file {\"path\":\"notes.md\""),
        "{shown}"
    );
    export(&["jsonl"], "run.jsonl");
    let of_file = place.leadhand(&["trace", "show", "run.jsonl"]);
    assert_eq!(of_file, place.leadhand(&["trace", "show", "last"]));
    place.write("lines.jsonl", "{\"steps\":[{\"tool\":\"t\"}]}\n");
    let seen = place.leadhand(&["trace", "import", "lines.jsonl"]);
    assert_eq!(seen.code, 2);
    assert!(
        seen.err
            .contains("holds no spans, but 1 trace in JSON lines"),
        "{}",
        seen.err
    );
    let shown = place.leadhand(&["trace", "show", "lines.jsonl"]);
    assert_eq!(shown.code, 0, "{}", shown.err);
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
            "ui",
            "tool",
            "policy",
            "agents",
            "model",
            "check",
            "gc",
            "doctor",
            "completion",
            "help"
        ]
    );
    let seen = place.leadhand(&["completion", "bash"]);
    assert!(seen.code == 0 && seen.out.contains("complete -F _leadhand"));
}

#[test]
fn lines_of_the_log_name_run_and_task() {
    let place = Place::new(&[("script.jsonl", WRITES_NOTES)]);
    let arguments = [
        "--log-format",
        "json",
        "run",
        "Write notes",
        "-m",
        "scripted:script.jsonl",
    ];
    let mut command = place.command(&arguments);
    let output = command
        .env("LEADHAND_LOG", "leadhand_sandbox=debug")
        .output()
        .unwrap();
    let lines = String::from_utf8(output.stderr).unwrap();
    let lines = lines
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let calls: Vec<Value> = lines
        .filter(|line| line["fields"]["tool"] == "write_file")
        .collect();
    assert!(!calls.is_empty());
    for line in calls {
        assert_eq!(line["span"]["task"], "t1", "{line}");
        assert!(line["span"]["run"].is_string(), "{line}");
    }
}

//! Runs from their goal to their answer.

use crate::place::{Place, Seen, WRITES_NOTES};
use serde_json::Value;

const SCRIPT: &str = "scripted:script.jsonl";

#[test]
fn a_goal_is_planned_carried_out_and_accounted_for() {
    let place = Place::new(&[("script.jsonl", WRITES_NOTES)]);
    let seen = place.leadhand(&["run", "Write notes", "-m", SCRIPT]);
    let expected = Seen::new(
        0,
        "`notes.md` is written (7 bytes):\n\nHello.\n",
        "goal Write notes\n\
         model scripted:script.jsonl\n\
         run RUN\n\
         plan started\n\
         plan: 1 task\n\
         t1 started: Write notes [writer]\n\
         t1: write_file {\"path\":\"notes.md\",\"content\":\"Hello.\\n\"}\n\
         t1 done in TIME, TOKENS, in notes.md\n\
         done: 1 task, 2 model calls, 1 tool call, TOKENS, TIME\n\
         the answer rests on\n  \
           t1     done    Write notes  HASH in notes.md\n\
         files changed\n  \
           created  notes.md  7 bytes\n\
         look into it with: leadhand trace show RUN\n",
    );
    assert_eq!(seen, expected);
    assert_eq!(place.read("notes.md"), "Hello.\n");
    assert_eq!(place.read(".leadhand/.gitignore"), "*\n");
}

#[test]
fn json_is_every_record_and_then_the_outcome() {
    let place = Place::new(&[("script.jsonl", WRITES_NOTES), ("goal.txt", "Write notes")]);
    let seen = place.leadhand(&["run", "--goal-file", "goal.txt", "-m", SCRIPT, "--json"]);
    assert_eq!(seen.code, 0);
    let lines: Vec<Value> = seen
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let (last, records) = lines.split_last().unwrap();
    assert_eq!(last["outcome"]["kind"], "done");
    assert!(lines.iter().all(|line| line["run"] == "RUN"));
    for (seq, record) in records.iter().enumerate() {
        assert_eq!(record["seq"], seq, "no record is missing");
    }
    let names: Vec<&str> = records
        .iter()
        .map(|line| line["event"]["event"].as_str().unwrap())
        .collect();
    assert_eq!(
        (names[0], *names.last().unwrap()),
        ("run_started", "run_ended")
    );
    assert_eq!(records[0]["event"]["goal"]["text"], "Write notes");
    assert_eq!(
        records[0]["event"]["goal"]["autonomy"], "L4",
        "there is no terminal"
    );
}

#[test]
fn a_goal_file_brings_checks_and_options_lie_over_it() {
    let goal = "text = \"Write notes\"\nautonomy = \"L5\"\nacceptance = [{ check = \"file_exists\", path = \"notes.md\" }]\n[budget]\ntokens_max = 5\n";
    let place = Place::new(&[("script.jsonl", WRITES_NOTES), ("goal.toml", goal)]);
    let run = |more: &[&str]| {
        let arguments = [
            &["run", "--goal-file", "goal.toml", "-m", SCRIPT, "--json"],
            more,
        ]
        .concat();
        let seen = place.leadhand(&arguments);
        let first: Value = serde_json::from_str(seen.out.lines().next().unwrap()).unwrap();
        (
            seen.code,
            first["event"]["goal"]["autonomy"].clone(),
            first["event"]["goal"]["budget"].clone(),
        )
    };
    let budget = |tokens: u64, micro_usd: Option<u64>| serde_json::json!({"tokens_max": tokens, "micro_usd_max": micro_usd, "tool_calls_max": null, "seconds_max": null, "turns_max": null, "agents_max": null, "revisions_max": null});
    assert_eq!(
        run(&[]),
        (5, "L5".into(), budget(5, None)),
        "the budget is spent"
    );
    let more = [
        "--budget-tokens",
        "90000",
        "--budget-usd",
        "0.5",
        "--autonomy",
        "L4",
    ];
    assert_eq!(run(&more), (0, "L4".into(), budget(90_000, Some(500_000))));
}

#[test]
fn a_plan_is_shown_written_and_carried_out() {
    let place = Place::new(&[("script.jsonl", WRITES_NOTES)]);
    let plan = |more: &[&str]| {
        let seen = place.leadhand(&[&["plan", "Write notes", "-m", SCRIPT], more].concat());
        assert_eq!(seen.code, 0, "{}", seen.err);
        seen.out
    };
    assert_eq!(plan(&[]), "t1  [writer]  Write notes  writes notes.md\n");
    assert_eq!(
        plan(&["--dot"]),
        "digraph plan {\n  rankdir=LR;\n  node [shape=box];\n  \"t1\" [label=\"t1\\nwriter\\nWrite notes\"];\n}\n"
    );
    assert!(
        !place.path("notes.md").exists(),
        "a plan carries nothing out"
    );
    place.write("plan.json", &plan(&["--json"]));
    let seen = place.leadhand(&[
        "run",
        "--plan",
        "plan.json",
        "-m",
        SCRIPT,
        "-o",
        "answer.txt",
    ]);
    assert_eq!((seen.code, seen.out.as_str()), (0, ""), "{}", seen.err);
    assert_eq!(
        place.read("answer.txt"),
        "`notes.md` is written (7 bytes):\n\nHello."
    );
}

#[test]
fn a_playbook_is_filled_in_and_carried_out() {
    let playbook = "name = \"greet\"\ndescription = \"Greets.\"\nanswer = \"greet\"\n[params.who]\n[[tasks]]\nid = \"greet\"\nrole = \"writer\"\ninstruction = \"Greet {{who}}.\"\n";
    let script = "{\"when\": {\"prompt_contains\": \"Greet Ada.\"}, \"reply\": {\"text\": \"Hello, Ada.\"}}\n";
    let place = Place::new(&[
        ("script.jsonl", script),
        ("agents/playbooks/greet.toml", playbook),
    ]);
    let seen = place.leadhand(&[
        "run",
        "--playbook",
        "greet",
        "--set",
        "who=Ada",
        "-m",
        SCRIPT,
    ]);
    assert_eq!(
        (seen.code, seen.out.as_str()),
        (0, "Hello, Ada.\n"),
        "{}",
        seen.err
    );
}

#[test]
fn the_configuration_names_the_model_and_roles_of_the_project_take_part() {
    let config = "default_model = \"script\"\n[models.script]\nprovider = \"scripted\"\nfile = \"script.jsonl\"\n";
    let role = "---\nname: poet\ndescription: Writes poems.\ntools: []\n---\nYou write poems.";
    let plan =
        r#"{"tasks": [{"id": "p", "role": "poet", "instruction": "Write."}], "answer": "p"}"#;
    let script =
        "{\"when\": {\"role_contains\": \"You write poems\"}, \"reply\": {\"text\": \"Roses.\"}}\n";
    let files = [
        ("leadhand.toml", config),
        ("agents/workers/poet.md", role),
        ("plan.json", plan),
        ("script.jsonl", script),
    ];
    let place = Place::new(&files);
    let seen = place.leadhand(&["run", "--plan", "plan.json"]);
    assert_eq!(
        (seen.code, seen.out.as_str()),
        (0, "Roses.\n"),
        "{}",
        seen.err
    );
}

#[test]
fn where_nobody_can_be_asked_a_run_that_asks_stops_and_can_be_taken_up() {
    let place = Place::new(&[("script.jsonl", WRITES_NOTES)]);
    let seen = place.leadhand(&["run", "Write notes", "-m", SCRIPT, "--autonomy", "L1"]);
    assert_eq!(seen.code, 4, "{}", seen.err);
    assert!(
        seen.err.ends_with("resume with: leadhand resume RUN\n"),
        "{}",
        seen.err
    );
    assert!(!place.path("notes.md").exists());
}

#[test]
fn a_run_that_has_spent_its_budget_goes_on_with_more() {
    let place = Place::new(&[("script.jsonl", WRITES_NOTES)]);
    let arguments = ["run", "Write notes", "-m", SCRIPT, "--budget-tokens", "1"];
    let seen = place.leadhand(&arguments);
    assert_eq!(seen.code, 5, "{}", seen.err);
    let end = "resume with more to spend: leadhand resume RUN --add-budget-tokens N (or \
               --add-budget-usd, --add-tool-calls, --add-seconds, --add-turns, --add-agents)\n\
               look into it with: leadhand trace show RUN\n";
    assert!(seen.err.ends_with(end), "{}", seen.err);
    let resume =
        |more: &[&str]| place.leadhand(&[&["resume", "last", "-m", SCRIPT], more].concat());
    assert_eq!(resume(&[]).code, 5);
    let check = |more: &[&str], what: &str| {
        let seen = resume(more);
        assert_eq!(seen.code, 2, "{}", seen.err);
        assert!(seen.err.contains(what), "{}", seen.err);
    };
    check(
        &["--add-budget-tokens", "0"],
        "error: --add-budget-tokens 0: nothing would be added\nwhat to do: give more than zero\n",
    );
    check(
        &["--add-budget-usd", "1"],
        "error: --add-budget-usd: the run has no bound of money that could be raised\n",
    );
    check(
        &["--add-budget-usd", "-1"],
        "write a number of dollars that is not negative",
    );
    let seen = resume(&["--add-budget-tokens", "100000"]);
    assert_eq!(seen.code, 0, "{}", seen.err);
    assert_eq!(place.read("notes.md"), "Hello.\n");
}

#[test]
fn a_run_that_has_used_up_its_turns_or_agents_goes_on_with_more() {
    let check = |bound: &str, why: &str, more: &[&str]| {
        let goal = format!("text = \"Write notes\"\n[budget]\n{bound} = 1\n");
        let place = Place::new(&[("script.jsonl", WRITES_NOTES), ("goal.toml", &goal)]);
        let seen = place.leadhand(&["run", "--goal-file", "goal.toml", "-m", SCRIPT]);
        assert_eq!(seen.code, 5, "{}", seen.err);
        assert!(seen.err.contains(why), "{}", seen.err);
        let resume =
            |more: &[&str]| place.leadhand(&[&["resume", "last", "-m", SCRIPT], more].concat());
        assert_eq!(resume(&[]).code, 5, "{bound}");
        let seen = resume(more);
        assert_eq!(seen.code, 0, "{}", seen.err);
        assert_eq!(place.read("notes.md"), "Hello.\n");
        assert_eq!(place.leadhand(&["replay", "last"]).code, 0);
    };
    check("turns_max", "1 turns are taken", &["--add-turns", "9"]);
    let agents = "1 agents were started, and another one is needed";
    let more = ["--add-agents", "9", "--add-revisions", "1"];
    check("agents_max", agents, &more);
}

#[test]
fn a_rule_of_the_project_refuses_what_the_goal_needs() {
    let rules =
        "[[rules]]\ndecision = \"deny\"\ncapability = \"fs.write\"\nresource = \"notes.md\"\n";
    let place = Place::new(&[("script.jsonl", WRITES_NOTES), ("policy.toml", rules)]);
    let seen = place.leadhand(&["run", "Write notes", "-m", SCRIPT]);
    assert_eq!(seen.code, 8, "{seen:?}");
    assert!(seen.err.contains("policy.toml:1"), "{}", seen.err);
    assert!(!place.path("notes.md").exists());
}

#[test]
fn hostile_text_moves_nothing_on_the_screen() {
    let script = WRITES_NOTES.replace("Write notes", "Write\\\\u001b[2J\\\\u202enotes");
    let place = Place::new(&[("script.jsonl", &script)]);
    let seen = place.leadhand(&["run", "Write \u{1b}[31mnotes", "-m", SCRIPT]);
    assert_eq!(seen.code, 0, "{}", seen.err);
    let trace = place.leadhand(&["trace", "show", "last"]);
    let is_harmful = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
    for text in [&seen.err, &trace.out] {
        assert!(!text.contains(is_harmful), "{text:?}");
        assert!(text.contains("\\u{1b}[2J\\u{202e}notes"), "{text}");
    }
}

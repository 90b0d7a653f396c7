//! Branches of runs.

use crate::place::{Place, WRITES_NOTES};
use crate::stop::{slow, started};
use serde_json::Value;

const SCRIPT: &str = "scripted:script.jsonl";

fn finished() -> Place {
    let place = Place::new(&[
        ("script.jsonl", WRITES_NOTES),
        ("other.jsonl", &WRITES_NOTES.replace("Hello.", "Good day.")),
    ]);
    assert_eq!(
        place.leadhand(&["run", "Write notes", "-m", SCRIPT]).code,
        0
    );
    place
}

/// The number of the first record of this name.
fn place_of(place: &Place, event: &str) -> String {
    let seen = place.leadhand(&["trace", "show", "last", "--events"]);
    let lines = seen
        .out
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let found = lines
        .into_iter()
        .find(|line| line["event"]["event"] == event);
    found.unwrap()["seq"].to_string()
}

#[test]
fn a_branch_goes_another_way_and_pays_only_for_that() {
    let place = finished();
    let at = place_of(&place, "plan_accepted");
    let arguments = [
        "fork",
        "last",
        "--at",
        &at,
        "-m",
        "scripted:other.jsonl",
        "--resume",
        "--json",
    ];
    let seen = place.leadhand(&arguments);
    assert_eq!(seen.code, 0, "{}", seen.err);
    let last: Value = serde_json::from_str(seen.out.lines().last().unwrap()).unwrap();
    assert_eq!(
        last["outcome"]["answer"],
        "`notes.md` is written (10 bytes):\n\nGood day."
    );
    assert_eq!(place.read("notes.md"), "Good day.\n");
    // The plan was paid for by the run that was branched.
    let asked = seen.out.matches("\"event\":\"model_replied\"").count();
    assert_eq!(asked, 1, "{}", seen.out);
    let replayed = place.leadhand(&["replay", "last"]);
    assert_eq!(replayed.code, 0, "{}", replayed.out);
}

#[test]
fn a_branch_is_made_with_all_its_changes_and_resumed_later() {
    let place = finished();
    let at = place_of(&place, "agent_ended");
    place.write("writer.md", "You write loudly.\n");
    place.write(
        "edits.toml",
        "[[edits]]\nedit = \"instruction\"\ntask = \"t1\"\ninstruction = \"Shout.\"\n",
    );
    place.write(
        "rules.toml",
        "[[rules]]\ndecision = \"deny\"\ntool = \"move_file\"\n",
    );
    let after: u64 = at.parse::<u64>().unwrap() + 1;
    let arguments = [
        "fork",
        "last",
        "--at",
        &after.to_string(),
        "-m",
        SCRIPT,
        "--prompt",
        "writer=writer.md",
        "--plan-edit",
        "edits.toml",
        "--policy",
        "rules.toml",
        "--steer",
        "Be quick.",
        "--budget-tokens",
        "99999",
        "--budget-usd",
        "2",
        "--autonomy",
        "L5",
    ];
    let seen = place.leadhand(&arguments);
    assert_eq!(seen.code, 0, "{}", seen.err);
    assert_eq!(
        (seen.out.as_str(), seen.err.as_str()),
        (
            "RUN\n",
            "resume with: leadhand resume RUN -m scripted:script.jsonl\n"
        )
    );
    let shown = place.leadhand(&["trace", "show", "last", "--events"]).out;
    let orders: Vec<Value> = shown
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|line| line["event"]["event"] == "person_ordered")
        .map(|line| line["event"]["order"].clone())
        .collect();
    assert_eq!(orders[0]["models"]["*"][0], SCRIPT);
    assert_eq!(orders[0]["prompts"]["writer"], "You write loudly.\n");
    assert_eq!(orders[0]["budget"]["tokens_max"], 99_999);
    assert_eq!(orders[0]["autonomy"], "L5");
    assert_eq!(orders[1]["edits"][0]["instruction"], "Shout.");
    assert!(shown.contains("\"event\":\"steered\""), "{shown}");
    // Nobody else is answered.
    place.write(
        "script.jsonl",
        r#"{"when": {"role_contains": "You write loudly."}, "reply": {"text": "Hello."}}"#,
    );
    let resumed = place.leadhand(&["resume", "last", "-m", SCRIPT, "--json"]);
    assert_eq!(resumed.code, 0, "{}", resumed.err);
    for told in ["Your task: Shout.", "Be quick."] {
        assert!(resumed.out.contains(told), "{told}: {}", resumed.out);
    }
    let diff = place.leadhand(&["trace", "diff", "last", "last"]);
    assert!(diff.out.contains("both are the same"), "{}", diff.out);
}

#[test]
fn branches_that_cannot_be_made_are_refused_and_leave_nothing() {
    let place = finished();
    let check = |more: &[&str], expected: &str| {
        let seen = place.leadhand(&[&["fork"], more].concat());
        assert_eq!(seen.code, 2, "{}", seen.err);
        assert!(seen.err.contains(expected), "{}", seen.err);
    };
    check(
        &["last", "--at", "20"],
        "cannot be forked at 20: it has records 0 to 18; give a number from 1 to 19",
    );
    check(&["last", "--at", "0"], "cannot be forked at 0");
    check(&["last"], "cannot be forked at 19: it was over there");
    check(&["nobody"], "there is no run `nobody` in this project");
    check(
        &["last", "--at", "3", "--prompt", "poet=script.jsonl"],
        "there is no role `poet` in this run",
    );
    check(
        &["last", "--at", "3", "--prompt", "writer"],
        "this is no ROLE=FILE",
    );
    check(
        &["last", "--at", "3", "--budget-tokens", "0"],
        "the budget of tokens is zero",
    );
    check(
        &["last", "--at", "3", "--plan-edit", "missing.toml"],
        "there is no such file",
    );
    place.write("edits.toml", "[[edits]]\nedit = \"drop\"\ntask = \"t9\"\n");
    check(&["last", "--at", "7", "--plan-edit", "edits.toml"], "t9");
    let runs: Value = serde_json::from_str(&place.leadhand(&["ps", "--json"]).out).unwrap();
    assert_eq!(runs.as_array().unwrap().len(), 1, "{runs}");
}

#[test]
fn a_branch_is_one_object_for_programs_and_says_where_it_really_begins() {
    let place = finished();
    let ended: u64 = place_of(&place, "agent_ended").parse().unwrap();
    let seen = place.leadhand(&["fork", "last", "--at", &ended.to_string(), "--json"]);
    assert_eq!(seen.code, 0, "{}", seen.err);
    let branch: Value = serde_json::from_str(&seen.out).unwrap();
    // That the planning agent ends is decided with its plan, so neither is in the branch.
    let begins = ended - 1;
    let expected = serde_json::json!({"run": "RUN", "from": "RUN", "at": begins, "made_since": []});
    assert_eq!(branch, expected);
    let shown = place.leadhand(&["trace", "show", "last", "--events"]).out;
    let last: Value = serde_json::from_str(shown.lines().last().unwrap()).unwrap();
    assert_eq!(last["event"]["event"], "forked");
    assert_eq!(last["seq"], begins);
}

#[test]
fn a_run_that_is_live_elsewhere_is_forked_once_it_stands_still() {
    let place = Place::new(&[("slow.jsonl", &slow()), ("script.jsonl", WRITES_NOTES)]);
    let (mut child, _err) = started(&place);
    let runs = || serde_json::from_str::<Value>(&place.leadhand(&["ps", "--json"]).out).unwrap();
    let entry = std::fs::read_dir(place.path(".leadhand/runs"))
        .unwrap()
        .next();
    let run = entry.unwrap().unwrap().file_name().into_string().unwrap();
    let events = || place.leadhand(&["trace", "show", &run, "--events"]).out;
    let before = events();
    let ways: [&[&str]; 3] = [
        &[],
        &["--at", "5"],
        &["--at", "5", "--resume", "-m", SCRIPT],
    ];
    for more in ways {
        let seen = place.leadhand(&[&["fork", &run], more].concat());
        let pid = child.id();
        let expected = format!(
            "error: run RUN is live in process {pid}, and a run is forked when it stands still\n\
             what to do: wait for its end, or let it stand still with `leadhand pause RUN`; once \
             it is forked, it goes on with `leadhand resume RUN`\n"
        );
        assert_eq!((seen.code, seen.err), (2, expected), "{more:?}");
    }
    assert_eq!(events(), before, "it is as it was");
    assert_eq!(runs().as_array().unwrap().len(), 1, "there is no branch");
    assert_eq!(place.leadhand(&["pause", &run]).code, 0);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let seen = place.leadhand(&["fork", &run, "--resume", "-m", SCRIPT]);
    assert_eq!(seen.code, 0, "{}", seen.err);
    assert_eq!(place.read("notes.md"), "Hello.\n");
    place.write("notes.md", "");
    let seen = place.leadhand(&["resume", &run, "-m", SCRIPT]);
    assert_eq!(seen.code, 0, "{}", seen.err);
    assert_eq!(place.read("notes.md"), "Hello.\n");
}

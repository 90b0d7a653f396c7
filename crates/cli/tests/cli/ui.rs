//! The page in a real browser: what a person who has never seen it finds, and what they can do.
//! Left out, with a word, where there is no browser.

use crate::attended::Terminal;
use crate::browser::Browser;
use crate::check::circling;
use crate::foreign::two_agents;
use crate::place::{Place, WRITES_NOTES};
use crate::stop::{slow, started};
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

/// Text that would do something if it were read as markup, and one that turns the direction.
const HOSTILE: &str = "<img src=x onerror=document.title='caught'> \u{202e}gpj <script>document.title='caught'</script>";

/// `leadhand ui` of a place, until this goes away.
struct Served {
    child: Child,
    url: String,
}

impl Served {
    fn of(place: &Place) -> Self {
        Self::with(place, &[])
    }

    fn with(place: &Place, more: &[&str]) -> Self {
        let mut child = place
            .command(&[&["ui", "--no-open"], more].concat())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut url)
            .unwrap();
        let url = url.trim().to_owned();
        assert!(url.starts_with("http://127.0.0.1:"), "{url}");
        Self { child, url }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A run in which a task is refused a call, goes round in circles, and fails.
pub(crate) fn bad_run() -> Place {
    let plan = r#"{"tasks": [
        {"id": "facts", "title": "Collect the facts", "role": "analyst", "instruction": "Collect."},
        {"id": "letter", "title": "Write the letter", "role": "coder", "instruction": "Write the letter to the fair.", "writes": ["letters/**", "secrets/**"], "depends_on": ["facts"]},
        {"id": "sums", "title": "Add up the costs", "role": "analyst", "instruction": "Add up."},
        {"id": "send", "title": "Check the letter", "role": "reviewer", "instruction": "Check.", "depends_on": ["letter", "sums"]}
    ]}"#;
    let hostile = HOSTILE.replace('"', "\\\"");
    let lines = [
        r#"{"when": {"contains": "Collect."}, "times": 0, "reply": {"text": "The fair is on Monday."}}"#.to_owned(),
        r#"{"when": {"contains": "Add up."}, "times": 0, "reply": {"text": "It costs 40."}}"#.to_owned(),
        r#"{"when": {"prompt_contains": "Write the letter"}, "times": 1, "reply": {"tool_calls": [{"name": "write_file", "arguments": {"path": "secrets/letter.md", "content": "Dear fair"}}]}}"#.to_owned(),
        format!(r#"{{"when": {{"prompt_contains": "Write the letter"}}, "times": 0, "reply": {{"text": "{hostile}", "tool_calls": [{{"name": "read_file", "arguments": {{"path": "notes.md"}}}}]}}}}"#),
    ];
    let rules = "[[rules]]\ndecision = \"deny\"\nresource = \"secrets/**\"\n";
    let place = Place::new(&[
        ("plan.json", plan),
        ("policy.toml", rules),
        ("notes.md", HOSTILE),
        ("script.jsonl", &lines.join("\n")),
    ]);
    let seen = place.leadhand(&[
        "run",
        "--plan",
        "plan.json",
        "--autonomy",
        "L5",
        "-m",
        "scripted:script.jsonl",
    ]);
    assert_eq!(seen.code, 6, "{}", seen.err);
    place
}

#[test]
fn in_a_bad_run_everything_that_went_wrong_is_found_from_the_page() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let place = bad_run();
    let served = Served::of(&place);
    browser.open(&served.url);
    browser.presses("a[data-run]", "");
    // Which task failed, and why.
    browser.shows(".attention h3", "Task letter failed");
    browser.presses(".graph .task[data-key=letter]", "");
    browser.shows(".detail h2", "letter");
    browser.shows(".detail h3", "Why it failed");
    // Which rule refused the call.
    browser.presses(".detail .happened", "refused");
    browser.shows(".detail h3", "What the rules say");
    browser.shows(".detail pre", "policy.toml:1");
    // Where the loop began.
    browser.presses(".attention button", "Where it began");
    browser.shows(".detail h3", "Here began what was found later");
    // What the model was told.
    browser.presses(".detail button", "What it was told at the beginning");
    browser.shows(".detail h2", "Agent a2 coder");
    browser.presses(".detail .whole button", "Show it");
    browser.shows(".detail .whole pre", "Write the letter to the fair.");
    browser.presses(".detail .happened", "was told");
    browser.shows(".detail h3", "What the model was told");
    browser.shows(".detail pre", "Your work goes round in circles");
    // Words of tools and models are shown as they are, and do nothing.
    browser.presses("[role=tab]", "Events");
    browser.waits("const it = document.querySelector('.events input[type=search]'); it.value = 'onerror'; it.dispatchEvent(new Event('input')); return true");
    browser.shows(".events .happened.m- .text", "<img src=x onerror");
    browser.shows(".events .happened .text", "\\u{202e}gpj");
    let title = browser.script("return document.title");
    assert!(title.as_str().unwrap().starts_with("Leadhand: "), "{title}");
    assert_eq!(
        browser.script("return document.querySelectorAll('main img, main script').length"),
        0
    );
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

/// A run that asks whether its plan may be carried out, on the terminal that it is asked on.
fn asking_run() -> (Place, Terminal) {
    let place = Place::new(&[("script.jsonl", WRITES_NOTES)]);
    let run = [
        "run",
        "Write notes",
        "-m",
        "scripted:script.jsonl",
        "--autonomy",
        "L2",
    ];
    let terminal = Terminal::start(&mut place.command(&run));
    terminal.shows("May it be carried out? [y]es");
    (place, terminal)
}

#[test]
fn a_question_is_answered_from_the_page_and_the_run_goes_on() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let (place, terminal) = asking_run();
    let served = Served::of(&place);
    browser.open(&served.url);
    browser.shows("td strong", "1 question");
    browser.presses("a[data-run]", "");
    browser.shows(".question h3", "May this plan be carried out?");
    browser.presses(".question button", "Approve");
    browser.shows(".question h3", "May this tool call be made?");
    browser.shows(".question pre", "notes.md");
    browser.presses(".question button", "Approve once");
    browser.shows(".run-head .badge", "done");
    browser.shows(".graph .task", "t1");
    assert_eq!(terminal.ends(), 0);
    assert_eq!(place.read("notes.md"), "Hello.\n");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn a_live_run_is_followed_steered_and_paused() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let place = Place::new(&[("slow.jsonl", &slow()), ("script.jsonl", WRITES_NOTES)]);
    let (mut child, _err) = started(&place);
    let served = Served::of(&place);
    browser.open(&served.url);
    browser.presses("a[data-run]", "");
    browser.shows(".run-head .badge", "running");
    browser.shows(".graph .task.s-running", "t1");
    browser.presses(".orders button", "Steer");
    browser.waits("const it = document.querySelector('.order-form textarea'); if (!it) return false; it.value = 'Use German.'; return true");
    browser.presses(".order-form button", "Tell them");
    browser.presses("[role=tab]", "Events");
    browser.shows(".events .happened .text", "steered: Use German.");
    browser.presses(".orders button", "Pause");
    browser.shows(".run-head .badge", "paused");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

/// Two tasks, of which the first is thought about for an hour when the model is slow.
fn two_tasks(delay_ms: u32) -> String {
    let lines = [
        format!(
            r#"{{"when": {{"contains": "Collect."}}, "delay_ms": {delay_ms}, "times": 0, "reply": {{"text": "The fair is on Monday."}}}}"#
        ),
        r#"{"when": {"contains": "Write it in German."}, "times": 0, "reply": {"text": "Liebe Messe"}}"#.to_owned(),
        r#"{"when": {"contains": "Count the words."}, "times": 0, "reply": {"text": "Two."}}"#.to_owned(),
    ];
    lines.join("\n")
}

/// Gives a field of an order its value, as typing does.
fn fill(browser: &Browser, label: &str, value: &str) {
    browser.waits(&format!(
        "const it = [...document.querySelectorAll('.orders [aria-label]')].find((it) => it.ariaLabel === {}); \
         if (!it || !it.checkVisibility()) return false; it.value = {}; it.dispatchEvent(new Event('change')); return true",
        serde_json::Value::from(label),
        serde_json::Value::from(value)
    ));
}

/// Another plan, shown before it is made.
fn changes_the_plan(browser: &Browser) {
    browser.presses(".graph .task[data-key=letter]", "");
    browser.presses(".detail button", "Change this task…");
    fill(browser, "What is to be done", "Write it in German.");
    browser.presses(".order-form button", "Show what it does");
    browser.shows(
        ".edits li",
        "letter is told to do this instead: Write it in German.",
    );
    fill(browser, "What is changed", "drop");
    fill(browser, "Which task", "facts");
    browser.presses(".order-form button", "Show what it does");
    browser.presses(".edits button", "Make 2 changes");
    browser.shows(
        ".orders .said",
        "the plan could not be carried out any more",
    );
    browser.presses(".edits li:nth-child(2) button", "Not this");
    fill(browser, "Which task", "stamp");
    browser.presses(".order-form button", "Show what it does");
    fill(browser, "What is changed", "add");
    fill(browser, "Which task", "count");
    fill(browser, "Role", "analyst");
    fill(browser, "What is to be done", "Count the words.");
    fill(
        browser,
        "Tasks that it waits for, with commas between them",
        "letter",
    );
    browser.presses(".order-form button", "Show what it does");
    browser.presses(".edits button", "Make 3 changes");
    browser.shows(".graph .task.s-waiting", "count");
    browser.shows(".graph .task.s-dropped", "stamp");
}

/// It goes on in a process of its own, which has it for itself.
fn is_resumed(browser: &Browser) {
    fill(browser, "Model", "scripted:slow.jsonl");
    browser.presses(".order-form button", "Go on with the run");
    browser.shows(".orders .said", "It goes on, in process");
    browser.shows(".run-head .badge", "running");
    let run = browser.script("return location.hash.split('/')[2]");
    browser.script(&format!(
        "import('/page/api.js').then((it) => it.resume({run}, {{ model: 'scripted:slow.jsonl' }})).catch((why) => {{ window.told = why.message; }})"
    ));
    browser.waits("return window.told.includes('is being written by process')");
    browser.presses(".orders button", "Pause");
    browser.shows(".run-head .badge", "paused");
    browser.presses(".orders button", "Resume…");
    fill(browser, "Model", "scripted:script.jsonl");
    browser.presses(".order-form button", "Go on with the run");
    browser.shows(".run-head .badge", "done");
}

#[test]
fn a_stopped_run_gets_another_plan_and_is_resumed_and_followed() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let plan = r#"{"tasks": [
        {"id": "facts", "title": "Collect the facts", "role": "analyst", "instruction": "Collect."},
        {"id": "letter", "title": "Write the letter", "role": "analyst", "instruction": "Write it.", "depends_on": ["facts"]},
        {"id": "stamp", "title": "Buy a stamp", "role": "analyst", "instruction": "Buy.", "depends_on": ["letter"]}
    ]}"#;
    let place = Place::new(&[
        ("plan.json", plan),
        ("slow.jsonl", &two_tasks(3_600_000)),
        ("script.jsonl", &two_tasks(0)),
    ]);
    let mut child = place
        .command(&["run", "--plan", "plan.json", "-m", "scripted:slow.jsonl"])
        .stderr(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let served = Served::of(&place);
    browser.open(&served.url);
    browser.presses("a[data-run]", "");
    browser.shows(".graph .task.s-running", "facts");
    browser.presses(".orders button", "Pause");
    browser.shows(".run-head .badge", "paused");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    changes_the_plan(&browser);
    // What cannot be done is said.
    browser.presses(".orders button", "Roll back…");
    browser.shows(
        ".undoing .trouble",
        "nothing that the run did can be undone",
    );
    browser.presses(".orders button", "Resume…");
    fill(&browser, "Model", "nobody:knows");
    browser.presses(".order-form button", "Go on with the run");
    browser.shows(".orders .said.trouble", "there is no model `nobody:knows`");
    is_resumed(&browser);
    browser.shows(".graph .task.s-done", "count");
    browser.presses(".graph .task[data-key=letter]", "");
    browser.shows(".detail pre", "Write it in German.");
    let complaints = browser.complaints();
    // The browser writes each refusal down as well.
    let refusals = complaints
        .iter()
        .filter(|line| line.contains("409 (Conflict)"))
        .count();
    assert_eq!((refusals, complaints.len()), (4, 4), "{complaints:?}");
}

#[test]
fn a_call_is_approved_with_other_arguments() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let (place, terminal) = asking_run();
    let served = Served::of(&place);
    browser.open(&served.url);
    browser.presses("a[data-run]", "");
    browser.presses(".question button", "Approve");
    browser.shows(".question h3", "May this tool call be made?");
    browser.waits("const it = document.querySelector('.otherwise textarea'); it.closest('details').open = true; it.value = it.value.replace('Hello.', 'Good day.'); return true");
    browser.presses(".question button", "Approve with these arguments");
    browser.shows(".run-head .badge", "done");
    assert_eq!(terminal.ends(), 0);
    assert_eq!(place.read("notes.md"), "Good day.\n");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn a_trace_of_others_is_looked_at_from_its_file() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let place = Place::new(&[("spans.json", &two_agents())]);
    let served = Served::with(&place, &["spans.json"]);
    browser.open(&served.url);
    // The only one there is is shown at once.
    browser.shows(".run-head h1", "a trace of others");
    browser.shows(".attention h3", "Task p2 failed");
    assert_eq!(
        browser.script("return document.querySelector('.orders').hidden"),
        true
    );
    browser.presses(".graph .task[data-key=p2]", "");
    browser.shows(".detail .why", "it gave up");
    browser.shows(".detail dt", "Within");
    browser.presses(".detail button", "a2 scout");
    browser.presses(".detail .whole button", "Show it");
    browser.shows(".detail .whole pre", "user: Look.");
    browser.presses(".detail .happened", "failed");
    browser.shows(".detail pre", "deaf");
    browser.presses("a[href='#/']", "");
    browser.shows("h1", "Traces of spans.json");
    assert_eq!(browser.complaints(), Vec::<String>::new());
    // Where what goes round in circles began.
    place.write("lines.jsonl", &(circling("a/1", 2) + &circling("a/2", 9)));
    let served = Served::with(&place, &["lines.jsonl"]);
    browser.open(&served.url);
    browser.presses("a[data-run=trace-2]", "a/2 scout");
    browser.presses(".attention button", "Where it began");
    browser.shows(".detail h3", "Here began what was found later");
    browser.shows(".detail .id", "record 2");
}

//! One project in which a goal is carried out, maybe killed, and resumed.

use crate::goals::Goal;
use crate::ledger::{Entry, Ledger};
use leadhand::{Ask, Durability, Event, Journal, OutcomeKind, Record, RunId, SledJournal, replay};
use leadhand_end_to_end::Desk;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// How often a run is taken up before that is held to be too often.
const RESUMES_MAX: usize = 8;

pub(crate) struct Life<'a> {
    desk: Desk,
    goal: &'a Goal,
    ledger: &'a Ledger,
    cache: &'a Path,
}

/// What a goal came to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reached {
    pub(crate) kind: OutcomeKind,
    pub(crate) answer: String,
    pub(crate) tasks: Vec<(String, String)>,
    pub(crate) files: BTreeMap<String, String>,
    /// The files that the account says were changed. After a crash it is not known any more
    /// whether the run made them or changed them.
    pub(crate) changed: Vec<(String, Option<String>)>,
    /// What the service did. Keys are a run's own, so only that there is one counts.
    pub(crate) booked: Vec<(String, bool)>,
    /// Answers of models on record: none was asked for twice.
    pub(crate) replies: usize,
    /// Results of tool calls by their arguments, for whoever is asked what a call gave.
    pub(crate) results: BTreeMap<String, String>,
    /// Durable records, each a line.
    pub(crate) lines: usize,
}

/// What it took to go on.
#[derive(Debug, Default)]
pub(crate) struct Recovered {
    pub(crate) was_over: bool,
    pub(crate) in_doubt: usize,
    pub(crate) made_again: usize,
}

impl<'a> Life<'a> {
    pub(crate) fn new(goal: &'a Goal, ledger: &'a Ledger, cache: &'a Path) -> Self {
        let files = goal.files(&ledger.origin());
        let files: Vec<(&str, &str)> = files
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str()))
            .collect();
        Self {
            desk: Desk::with(&files),
            goal,
            ledger,
            cache,
        }
    }

    /// The goal carried out and nobody killed.
    pub(crate) fn undisturbed(&self) -> Reached {
        self.run();
        self.reached()
    }

    /// Runs the goal and kills the program once so many lines are read and the moment is over.
    /// Gives the lines.
    pub(crate) fn killed(&self, lines: usize, moment: Duration) -> Vec<Value> {
        let mut child = self
            .leadhand(&self.goal.arguments())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let shown: Vec<Value> = out
            .lines()
            .take(lines)
            .map(|line| recorded(&serde_json::from_str(&line.unwrap()).unwrap()))
            .filter(|line| !line["event"].is_null())
            .collect();
        // Not to wait for something: the moment is what is tried.
        std::thread::sleep(moment);
        child.kill().unwrap();
        child.wait().unwrap();
        shown
    }

    /// Takes the run up until it has ended, saying of calls in doubt what the ledger says.
    pub(crate) fn recovered(&self, expected: &Reached, place: &str) -> Recovered {
        let mut recovered = Recovered {
            was_over: self.is_over(),
            ..Recovered::default()
        };
        for _ in 0..RESUMES_MAX {
            if self.is_over() {
                return recovered;
            }
            let Some(run) = self.begun() else {
                self.run();
                continue;
            };
            let output = self
                .leadhand(&[
                    "resume",
                    run.as_str(),
                    "-m",
                    "scripted:script.jsonl",
                    "--json",
                ])
                .output()
                .unwrap();
            match output.status.code() {
                Some(0) => {}
                Some(4) => self.answer(&run, expected, &mut recovered),
                code => panic!(
                    "{place}: resume ends with {code:?}: {}",
                    String::from_utf8_lossy(&output.stderr)
                ),
            }
        }
        panic!("{place}: it was resumed {RESUMES_MAX} times and has not ended");
    }

    /// A person who looks at the ledger, and answers from another terminal.
    fn answer(&self, run: &RunId, expected: &Reached, recovered: &mut Recovered) {
        let records = self.journal().read(run).unwrap().records;
        let open = leadhand::rebuild(&records).questions().clone();
        assert!(!open.is_empty(), "it waits for a person and asks nothing");
        for ask in open.into_values() {
            let Ask::Outcome { tool_call, .. } = &ask else {
                panic!("only what became of a call is asked for at L5: {ask:?}");
            };
            let body = tool_call.arguments["body"].as_str().unwrap();
            let is_booked = |entry: &Entry| entry.body == body;
            recovered.in_doubt += 1;
            let digest = ask.digest().to_string();
            let mut arguments = vec!["approve", run.as_str(), "--digest", &digest];
            if self.ledger.entries().iter().any(is_booked) {
                let result = &expected.results[&tool_call.arguments.to_string()];
                arguments.extend(["--took-effect", result]);
            } else {
                recovered.made_again += 1;
                arguments.push("--again");
            }
            leadhand_end_to_end::run(&mut self.leadhand(&arguments), 0);
        }
    }

    pub(crate) fn reached(&self) -> Reached {
        let run = self.begun().expect("it has begun");
        let records = self.journal().read(&run).unwrap().records;
        let derived = replay(&records);
        assert!(
            derived.is_ok(),
            "{}: {}",
            self.goal.name,
            derived.unwrap_err()
        );
        let outcome = records
            .iter()
            .rev()
            .find_map(|record| match &*record.event {
                Event::RunEnded(outcome) => Some((**outcome).clone()),
                _ => None,
            });
        let outcome = outcome.expect("it has ended");
        let replied = |record: &&Record| matches!(*record.event, Event::ModelReplied { .. });
        let tasks = outcome.tasks.iter();
        let entries = self.ledger.entries();
        for pair in entries.windows(2) {
            assert_ne!(
                pair[0].body, pair[1].body,
                "{}: it is booked twice",
                self.goal.name
            );
        }
        Reached {
            kind: outcome.kind,
            answer: outcome.answer.clone(),
            tasks: tasks
                .map(|task| (task.task.to_string(), task.state.clone()))
                .collect(),
            files: self.files(),
            changed: outcome
                .files
                .iter()
                .map(|file| (file.path.clone(), file.hash.map(|hash| hash.to_string())))
                .collect(),
            booked: entries
                .into_iter()
                .map(|entry| (entry.body, entry.key.len() == 64))
                .collect(),
            replies: records.iter().filter(replied).count(),
            results: results(&records),
            lines: records.len(),
        }
    }

    /// What is on record now, as `--json` shows it.
    pub(crate) fn records(&self) -> Vec<Value> {
        let Some(run) = self.begun() else {
            return Vec::new();
        };
        let records = self.journal().read(&run).unwrap().records;
        records
            .iter()
            .map(|record| recorded(&json!(record)))
            .collect()
    }

    /// The run that has begun, which is the one with something on record.
    fn begun(&self) -> Option<RunId> {
        let journal = self.journal();
        let runs = journal.runs().unwrap().into_iter().map(|entry| entry.run);
        let begun = |run: &RunId| {
            journal
                .read(run)
                .is_ok_and(|history| !history.records.is_empty())
        };
        let mut begun = runs.filter(begun);
        let run = begun.next();
        assert!(begun.next().is_none(), "a goal was begun twice");
        run
    }

    fn is_over(&self) -> bool {
        self.begun().is_some_and(|run| {
            let records = self.journal().read(&run).unwrap().records;
            records
                .iter()
                .any(|record| matches!(*record.event, Event::RunEnded(_)))
        })
    }

    fn run(&self) {
        leadhand_end_to_end::run(&mut self.leadhand(&self.goal.arguments()), 0);
    }

    /// The program; compiled tools are shared by all projects.
    fn leadhand(&self, arguments: &[&str]) -> Command {
        let mut command = self.desk.leadhand(arguments);
        command.env("XDG_CACHE_HOME", self.cache);
        command
    }

    fn journal(&self) -> SledJournal {
        let root = self.desk.project().join(".leadhand");
        SledJournal::open_root(root, Durability::Process)
    }

    fn files(&self) -> BTreeMap<String, String> {
        let mut files = BTreeMap::new();
        for entry in std::fs::read_dir(self.desk.project()).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                let text = std::fs::read_to_string(&path).unwrap();
                files.insert(name, text.replace(&self.ledger.origin(), "ORIGIN"));
            }
        }
        files
    }
}

/// A record without what a line says beside it.
fn recorded(line: &Value) -> Value {
    json!({"seq": line["seq"], "event": line["event"]})
}

/// What calls with an effect outside gave.
fn results(records: &[Record]) -> BTreeMap<String, String> {
    let mut calls = BTreeMap::new();
    let mut results = BTreeMap::new();
    for record in records {
        match &*record.event {
            Event::ToolCalled {
                call, tool_call, ..
            } if tool_call.name == "send_request" => {
                calls.insert(*call, tool_call.arguments.to_string());
            }
            Event::ToolFinished {
                call,
                outcome: Ok(output),
            } => {
                if let Some(arguments) = calls.get(call) {
                    results.insert(arguments.clone(), output.text.clone());
                }
            }
            _ => {}
        }
    }
    results
}

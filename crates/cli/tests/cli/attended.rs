//! The program at a terminal, while somebody else gives orders from another one.

use crate::place::{Place, WRITES_NOTES};
use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::Value;
use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// How long something that must be shown is waited for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Both ends of a new terminal: ours, and the program's.
pub(crate) fn pty() -> (File, File) {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let name = ptsname(&ours, Vec::new()).unwrap();
    let theirs = open(&name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
    (File::from(ours), File::from(theirs))
}

/// The command begun with this terminal.
pub(crate) fn spawned(command: &mut Command, theirs: &File) -> Child {
    let child = command
        .stdin(theirs.try_clone().unwrap())
        .stdout(theirs.try_clone().unwrap())
        .stderr(theirs.try_clone().unwrap())
        .spawn()
        .unwrap();
    // The command holds handles of the terminal until it is something else.
    command.stdin(Stdio::null());
    command.stdout(Stdio::null());
    command.stderr(Stdio::null());
    child
}

/// A terminal that a program runs in.
pub(crate) struct Terminal {
    keyboard: File,
    screen: Arc<(Mutex<String>, Condvar)>,
    child: Child,
}

impl Terminal {
    pub(crate) fn start(command: &mut Command) -> Self {
        let (keyboard, theirs) = pty();
        let child = spawned(command, &theirs);
        drop(theirs);
        let mut output = keyboard.try_clone().unwrap();
        let screen = Arc::new((Mutex::new(String::new()), Condvar::new()));
        let shown = Arc::clone(&screen);
        std::thread::spawn(move || {
            let mut piece = [0; 4_096];
            // It fails once the program is gone.
            while let Ok(bytes @ 1..) = output.read(&mut piece) {
                let text = String::from_utf8_lossy(&piece[..bytes]).into_owned();
                shown.0.lock().unwrap().push_str(&text);
                shown.1.notify_all();
            }
        });
        Self {
            keyboard,
            screen,
            child,
        }
    }

    /// Waits until the screen has shown a text.
    pub(crate) fn shows(&self, text: &str) {
        let screen = self.screen.0.lock().unwrap();
        let (screen, waited) = self
            .screen
            .1
            .wait_timeout_while(screen, PATIENCE, |screen| !screen.contains(text))
            .unwrap();
        assert!(!waited.timed_out(), "{text:?} was not shown: {screen}");
    }

    pub(crate) fn types(&mut self, text: &str) {
        self.keyboard.write_all(text.as_bytes()).unwrap();
    }

    pub(crate) fn ends(mut self) -> i32 {
        self.child.wait().unwrap().code().unwrap()
    }
}

#[test]
fn what_is_answered_elsewhere_is_not_asked_any_more_and_the_next_line_is_for_the_next_question() {
    let place = Place::new(&[("script.jsonl", WRITES_NOTES)]);
    let mut terminal = Terminal::start(&mut place.command(&[
        "run",
        "Write notes",
        "-m",
        "scripted:script.jsonl",
        "--autonomy",
        "L2",
    ]));
    terminal.shows("May it be carried out? [y]es");
    let shown = place.leadhand(&["questions", "last", "--json"]);
    let shown: Value = serde_json::from_str(&shown.out).unwrap();
    assert_eq!(shown["live"], true);
    let digest = shown["questions"][0]["digest"].as_str().unwrap();
    // Begun here, and not sent off: it answers nothing.
    terminal.types("n, never");
    let seen = place.leadhand(&["approve", "last", "--digest", digest]);
    assert_eq!(
        (seen.code, seen.out.as_str()),
        (0, "run RUN: question q0 is allowed\n"),
        "{}",
        seen.err
    );
    terminal.shows("question q0 is not asked here any more");
    terminal.shows("May it? [y]es");
    terminal.types("y\n");
    assert_eq!(terminal.ends(), 0);
    assert_eq!(place.read("notes.md"), "Hello.\n");
}

#[test]
fn at_a_terminal_a_question_is_shown_before_the_answer_counts() {
    let place = Place::new(&[("script.jsonl", WRITES_NOTES)]);
    let seen = place.leadhand(&[
        "run",
        "Write notes",
        "-m",
        "scripted:script.jsonl",
        "--autonomy",
        "L2",
    ]);
    assert_eq!(seen.code, 4, "{}", seen.err);
    let answer = |typed: &str| {
        let mut terminal = Terminal::start(&mut place.command(&["approve", "last"]));
        terminal.shows("The plan:");
        terminal.shows("Is this what you answer?");
        terminal.types(typed);
        terminal.ends()
    };
    let open = || {
        let seen = place.leadhand(&["questions", "last", "--json"]);
        let seen: Value = serde_json::from_str(&seen.out).unwrap();
        seen["questions"].as_array().unwrap().len()
    };
    assert_eq!((answer("maybe\n"), open()), (130, 1));
    assert_eq!((answer("y\n"), open()), (0, 0));
}

//! `leadhand top` on a real terminal: what it shows of a live run, what its keys order, and that
//! the terminal is as before when it is gone.

use crate::attended::{PATIENCE, Terminal, pty, spawned};
use crate::foreign::two_agents;
use crate::place::{Place, WRITES_NOTES};
use crate::stop::{signal, slow, started, state};
use rustix::termios::{Termios, Winsize, tcgetattr, tcsetwinsize};
use std::fs::File;
use std::io::{Read, Write};
use std::num::NonZero;
use std::process::Child;
use std::sync::{Arc, Condvar, Mutex};

/// What a terminal makes of the output, and the output itself.
struct Seen {
    parser: vt100::Parser,
    raw: Vec<u8>,
}

/// The view on a terminal.
struct View {
    keyboard: File,
    /// Held, so that the terminal outlives the program.
    theirs: File,
    seen: Arc<(Mutex<Seen>, Condvar)>,
    child: Child,
    before: Vec<String>,
}

impl View {
    fn open(place: &Place, size: (u16, u16), more: &[(&str, &str)]) -> Self {
        Self::with(place, &[], size, more)
    }

    fn with(
        place: &Place,
        arguments: &[&str],
        (columns, lines): (u16, u16),
        more: &[(&str, &str)],
    ) -> Self {
        let (keyboard, theirs) = pty();
        resize(&keyboard, (columns, lines));
        let before = modes(&tcgetattr(&theirs).unwrap());
        let mut command = place.command(&[&["top"], arguments].concat());
        command.env("TERM", "xterm-256color");
        command.envs(more.iter().copied());
        let child = spawned(&mut command, &theirs);
        let seen = Seen {
            parser: vt100::Parser::new(nonzero(lines), nonzero(columns), 0),
            raw: Vec::new(),
        };
        let seen = Arc::new((Mutex::new(seen), Condvar::new()));
        let mut output = keyboard.try_clone().unwrap();
        let shown = Arc::clone(&seen);
        std::thread::spawn(move || {
            let mut piece = [0; 4_096];
            while let Ok(bytes @ 1..) = output.read(&mut piece) {
                let mut seen = shown.0.lock().unwrap();
                seen.parser.process(&piece[..bytes]);
                seen.raw.extend(&piece[..bytes]);
                shown.1.notify_all();
            }
        });
        Self {
            keyboard,
            theirs,
            seen,
            child,
            before,
        }
    }

    /// Waits until the screen is so.
    fn waits(&self, what: &str, is_so: impl Fn(&vt100::Screen) -> bool) {
        let seen = self.seen.0.lock().unwrap();
        let (seen, waited) = self
            .seen
            .1
            .wait_timeout_while(seen, PATIENCE, |seen| !is_so(seen.parser.screen()))
            .unwrap();
        let screen = seen.parser.screen().contents();
        assert!(!waited.timed_out(), "{what:?} was not shown:\n{screen}");
    }

    fn shows(&self, text: &str) {
        self.waits(text, |screen| screen.contents().contains(text));
    }

    fn types(&mut self, text: &str) {
        self.keyboard.write_all(text.as_bytes()).unwrap();
    }

    /// Waits for the end; the terminal is as it was before.
    fn ends(mut self, code: i32) -> Vec<u8> {
        assert_eq!(self.child.wait().unwrap().code(), Some(code));
        assert_eq!(modes(&tcgetattr(&self.theirs).unwrap()), self.before);
        self.waits("the screen from before", |screen| {
            !screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste()
        });
        std::mem::take(&mut self.seen.0.lock().unwrap().raw)
    }
}

fn nonzero(number: u16) -> NonZero<u16> {
    NonZero::new(number).unwrap()
}

fn resize(terminal: &File, (columns, lines): (u16, u16)) {
    let size = Winsize {
        ws_row: lines,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(terminal, size).unwrap();
}

fn modes(terminal: &Termios) -> Vec<String> {
    vec![
        format!("{:?}", terminal.input_modes),
        format!("{:?}", terminal.output_modes),
        format!("{:?}", terminal.control_modes),
        format!("{:?}", terminal.local_modes),
    ]
}

#[test]
fn a_live_run_is_shown_a_question_is_answered_by_keys_and_the_run_paused() {
    let place = Place::new(&[("script.jsonl", WRITES_NOTES)]);
    let run = Terminal::start(&mut place.command(&[
        "run",
        "Write notes",
        "-m",
        "scripted:script.jsonl",
        "--autonomy",
        "L2",
    ]));
    run.shows("May it be carried out? [y]es");
    let mut view = View::open(&place, (80, 24), &[]);
    view.shows("1 open question (a or d shows it): The plan:");
    view.shows("> Write notes");
    view.types("a");
    view.shows("digest ");
    view.shows("May it be carried out? y yes; esc leaves it open");
    view.types("y");
    view.shows("question q0 is allowed");
    // The task has begun, and asks for its file.
    run.shows("question q0 is not asked here any more");
    run.shows("May it? [y]es");
    view.shows("writer wants to call write_file:");
    view.types("p");
    view.shows("y yes, any other key no");
    view.types("y");
    view.shows("paused");
    assert_eq!(run.ends(), 130);
    view.types("q");
    view.ends(0);
    assert_eq!(state(&place), ("interrupted".to_owned(), true));
}

#[test]
fn a_live_run_is_steered_and_a_signal_leaves_the_terminal_as_it_was() {
    let place = Place::new(&[("slow.jsonl", &slow()), ("script.jsonl", WRITES_NOTES)]);
    let (mut run, _err) = started(&place);
    let mut view = View::open(&place, (120, 40), &[("NO_COLOR", "1")]);
    view.shows("turn 1 …");
    view.types("\ts");
    view.shows("tell those at work on t1");
    view.types("Use German.\r");
    view.shows("those at work on t1 are told");
    view.shows("told: The person you work for says: Use");
    resize(&view.keyboard, (40, 12));
    view.seen
        .0
        .lock()
        .unwrap()
        .parser
        .screen_mut()
        .set_size(nonzero(12), nonzero(40));
    signal(&view.child, "-WINCH");
    view.shows("tab part  ? help  q quit");
    signal(&view.child, "-TERM");
    let raw = view.ends(130);
    let raw = String::from_utf8_lossy(&raw);
    let coloured = regex::Regex::new("\u{1b}\\[[0-9;]*(3[0-7]|9[0-7]|38;)[0-9;]*m").unwrap();
    assert_eq!(coloured.find(&raw).map(|found| found.as_str()), None);
    assert_eq!(place.leadhand(&["cancel", "last"]).code, 0);
    assert_eq!(run.wait().unwrap().code(), Some(130));
}

#[test]
fn ctrl_c_quits_and_what_a_model_wrote_does_nothing_to_the_terminal() {
    let hostile = r"\u001b]0;owned\u0007\u001b[31m\u009b2Jgpj.\u202eexe";
    let script = WRITES_NOTES.replace("Hello.", hostile);
    let place = Place::new(&[("script.jsonl", &script)]);
    place.leadhand(&["run", "Write notes", "-m", "scripted:script.jsonl"]);
    let mut view = View::open(&place, (120, 40), &[]);
    view.shows("\\u{1b}]0;owned\\u{7}\\u{1b}[31m");
    view.types("\u{3}");
    let raw = view.ends(130);
    let raw = String::from_utf8_lossy(&raw);
    for sequence in ["\u{1b}]0;owned", "\u{7}", "\u{9b}2J", "\u{202e}"] {
        assert!(!raw.contains(sequence), "{sequence:?}");
    }
}

#[test]
fn without_runs_it_says_so_and_without_a_terminal_it_is_refused() {
    let place = Place::new(&[]);
    let mut view = View::open(&place, (80, 24), &[]);
    view.shows("there are no runs in");
    view.types("?");
    view.shows("the keys");
    view.types("\u{1b}");
    view.shows("there are no runs in");
    view.types("q");
    view.ends(0);
    let seen = place.leadhand(&["top"]);
    assert_eq!((seen.code, seen.out.as_str()), (2, ""));
    assert!(
        seen.err.starts_with("error: `leadhand top` draws on a terminal, and standard input or output is none\nwhat to do: "),
        "{}",
        seen.err
    );
}

#[test]
fn a_trace_of_others_is_looked_at_from_its_file() {
    let place = Place::new(&[("spans.json", &two_agents())]);
    let mut view = View::with(&place, &["spans.json"], (120, 30), &[]);
    view.shows("■ lead");
    view.shows("trace 2 parts");
    view.shows("failed because: it gave up");
    view.shows("see {\"at\":1}");
    view.types("p");
    view.shows("what is read from a file takes no orders");
    view.types("q");
    view.ends(0);
}

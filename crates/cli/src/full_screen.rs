//! The whole terminal, as long as somebody has it: its modes are set when it is opened and taken
//! back when it is dropped, also on a panic. What is typed is read by a thread of its own, which
//! ends with the program.

use crate::failure::Failure;
use crate::screen;
use crossterm::event::{self, DisableBracketedPaste, EnableBracketedPaste};
use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen};
use crossterm::terminal::{disable_raw_mode, enable_raw_mode};
use crossterm::{cursor, execute};
use leadhand_viewer::top::{Key, Typed};
use std::io::{BufWriter, IsTerminal, Stdout, stdin, stdout};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Keys that may wait to be taken; what is typed waits in the terminal then.
const TYPED_MAX: usize = 64;

/// Whether the modes of the terminal are set, so that they are taken back once.
static IS_TAKEN: AtomicBool = AtomicBool::new(false);
static HOOK: Once = Once::new();

/// The terminal, taken.
pub(crate) struct FullScreen(());

impl FullScreen {
    /// Takes the terminal.
    ///
    /// # Errors
    /// [`Failure::Usage`] where there is no terminal, or logs would be written over it.
    pub(crate) fn open() -> Result<Self, Failure> {
        refuse_unfit()?;
        // A panic is told on the screen that was there before.
        HOOK.call_once(|| {
            let told = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                restore();
                told(panic);
            }));
        });
        let fault = |error: std::io::Error| {
            restore();
            Failure::internal(format!("the terminal cannot be taken: {error}"))
        };
        IS_TAKEN.store(true, Ordering::SeqCst);
        enable_raw_mode().map_err(fault)?;
        screen::hold_notes();
        let taken = Self(());
        execute!(
            stdout(),
            EnterAlternateScreen,
            EnableBracketedPaste,
            cursor::Hide
        )
        .map_err(fault)?;
        Ok(taken)
    }

    /// Where to draw.
    pub(crate) fn out(&self) -> BufWriter<Stdout> {
        BufWriter::new(stdout())
    }

    /// Columns and lines; zero where the terminal does not say.
    pub(crate) fn size(&self) -> (u16, u16) {
        size()
    }

    /// Whether colours are wanted (<https://no-color.org>).
    pub(crate) fn is_coloured(&self) -> bool {
        std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
    }

    /// What is typed, and signals that end the program.
    ///
    /// # Errors
    /// [`Failure::Internal`] where signals cannot be listened to.
    pub(crate) fn typed(&mut self) -> Result<Receiver<Typed>, Failure> {
        let (sender, typed) = channel(TYPED_MAX);
        for kind in [
            SignalKind::terminate(),
            SignalKind::interrupt(),
            SignalKind::hangup(),
        ] {
            let listened = signal(kind).map_err(|error| {
                Failure::internal(format!("signals cannot be listened to: {error}"))
            })?;
            tokio::spawn(signalled(listened, sender.clone()));
        }
        std::thread::spawn(move || read(&sender));
        Ok(typed)
    }
}

impl Drop for FullScreen {
    fn drop(&mut self) {
        restore();
        screen::release_notes();
    }
}

fn refuse_unfit() -> Result<(), Failure> {
    let look = "`leadhand ps` lists runs, `leadhand trace show RUN` and `leadhand trace tail RUN -f` look into one, with no need of a terminal";
    if !stdout().is_terminal() || !stdin().is_terminal() {
        return Err(Failure::usage(
            "`leadhand top` draws on a terminal, and standard input or output is none",
            look,
        ));
    }
    if std::env::var_os("TERM").is_some_and(|term| term == "dumb") {
        return Err(Failure::usage(
            "`leadhand top` draws on a terminal, and TERM=dumb says that this one cannot be drawn on",
            look,
        ));
    }
    if std::env::var_os("LEADHAND_LOG").is_some() && std::io::stderr().is_terminal() {
        return Err(Failure::usage(
            "LEADHAND_LOG is set, and its lines would be written over what `leadhand top` draws",
            "send them to a file: leadhand top 2> top.log",
        ));
    }
    Ok(())
}

fn size() -> (u16, u16) {
    let size = rustix::termios::tcgetwinsize(stdout());
    size.map_or((0, 0), |size| (size.ws_col, size.ws_row))
}

/// Takes the modes back; a terminal that is gone needs none.
fn restore() {
    if IS_TAKEN.swap(false, Ordering::SeqCst) {
        let _ = execute!(
            stdout(),
            DisableBracketedPaste,
            LeaveAlternateScreen,
            cursor::Show
        );
        let _ = disable_raw_mode();
    }
}

async fn signalled(mut signal: Signal, to: Sender<Typed>) {
    if signal.recv().await.is_some() {
        drop(to.send(Typed::End).await);
    }
}

/// Hands over what is typed, until nobody takes it or the terminal is gone.
fn read(to: &Sender<Typed>) {
    loop {
        let typed = match event::read() {
            Ok(event) => typed(event),
            Err(_) => Some(Typed::End),
        };
        let is_last = typed == Some(Typed::End);
        if typed.is_some_and(|typed| to.blocking_send(typed).is_err()) || is_last {
            return;
        }
    }
}

fn typed(event: Event) -> Option<Typed> {
    match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => of_key(key),
        Event::Paste(text) => Some(Typed::Paste(text)),
        // The size is asked of the terminal that is drawn on.
        Event::Resize(..) => Some(size())
            .filter(|size| size.0 > 0 && size.1 > 0)
            .map(|(columns, lines)| Typed::Size(columns, lines)),
        Event::Key(_) | Event::Mouse(_) | Event::FocusGained | Event::FocusLost => None,
    }
}

fn of_key(key: KeyEvent) -> Option<Typed> {
    let with = key.modifiers;
    if with.contains(KeyModifiers::CONTROL) {
        return match key.code {
            KeyCode::Char('c') => Some(Typed::End),
            KeyCode::Char('u') => Some(Typed::Key(Key::ClearLine)),
            _ => None,
        };
    }
    if with.intersects(KeyModifiers::ALT | KeyModifiers::SUPER | KeyModifiers::META) {
        return None;
    }
    let key = match key.code {
        KeyCode::Char(c) => Key::Char(c),
        KeyCode::Enter => Key::Enter,
        KeyCode::Esc => Key::Escape,
        KeyCode::Tab => Key::Tab,
        KeyCode::BackTab => Key::BackTab,
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::Left => Key::Left,
        KeyCode::Right => Key::Right,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        KeyCode::Home => Key::Home,
        KeyCode::End => Key::End,
        KeyCode::Backspace => Key::Backspace,
        KeyCode::Delete => Key::Delete,
        _ => return None,
    };
    Some(Typed::Key(key))
}

#[cfg(test)]
mod tests {
    use super::FullScreen;
    use rustix::fs::{Mode, OFlags, open};
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    use rustix::termios::tcgetattr;
    use std::fs::File;
    use std::io::Read;
    use std::process::{Command, Stdio};

    /// Set in the process that panics.
    const PANICS: &str = "LEADHAND_TEST_PANICS";

    /// Not a test of its own: with the variable in the environment it takes the terminal and panics.
    #[test]
    fn panics() {
        if std::env::var_os(PANICS).is_some() {
            let _taken = FullScreen::open().unwrap();
            panic!("a defect");
        }
    }

    #[test]
    fn a_panic_is_told_on_the_screen_from_before_and_the_terminal_is_as_it_was() {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&ours).unwrap();
        unlockpt(&ours).unwrap();
        let name = ptsname(&ours, Vec::new()).unwrap();
        let theirs = open(&name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
        let before = format!("{:?}", tcgetattr(&theirs).unwrap());
        let end = || Stdio::from(theirs.try_clone().unwrap());
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "full_screen::tests::panics", "--nocapture"])
            .env(PANICS, "1")
            .env("TERM", "xterm-256color")
            .env_remove("LEADHAND_LOG")
            .stdin(end())
            .stdout(end())
            .stderr(end())
            .spawn()
            .unwrap();
        let mut ours = File::from(ours);
        let reading = std::thread::spawn(move || {
            let (mut seen, mut piece) = (Vec::new(), [0; 4_096]);
            // It fails once nobody has the other end.
            while let Ok(bytes @ 1..) = ours.read(&mut piece) {
                seen.extend(&piece[..bytes]);
            }
            String::from_utf8_lossy(&seen).into_owned()
        });
        assert!(!child.wait().unwrap().success());
        assert_eq!(format!("{:?}", tcgetattr(&theirs).unwrap()), before);
        drop(theirs);
        let seen = reading.join().unwrap();
        let places = ["\u{1b}[?1049h", "\u{1b}[?1049l", "a defect"].map(|it| seen.find(it));
        assert!(
            places.iter().all(Option::is_some) && places.is_sorted(),
            "{seen:?}"
        );
    }
}

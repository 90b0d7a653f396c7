//! What the tests of the whole need: the program, a folder for it to work in, and llama.cpp's
//! server. What is expected of them is in `tests/`.

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Variables that would let the machine's own setup into a test.
const FOREIGN_VARIABLES: [&str; 4] = [
    "LEADHAND_MODEL",
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
    "OPENAI_MODEL",
];

/// Only one test at a time computes: two models on the same cores are slower than one after
/// the other.
static COMPUTING: Mutex<()> = Mutex::new(());

/// Waits for the turn to compute, which ends when the guard is dropped.
pub fn computing() -> MutexGuard<'static, ()> {
    COMPUTING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The value of a variable that a test depends on. Without one it says on the terminal that
/// the test was not run; the test's captured output would not be seen.
#[must_use]
pub fn given(variable: &str) -> Option<PathBuf> {
    let value = std::env::var_os(variable).map(PathBuf::from);
    if value.is_none() {
        let test = std::thread::current();
        let name = test.name().unwrap_or("a test");
        let _ = writeln!(io::stderr(), "NOT RUN: {name}: {variable} is not set");
    }
    value
}

/// A user and a project of their own, both gone when it is dropped.
pub struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    /// A desk with these files in its project.
    ///
    /// # Panics
    /// When the temporary folder cannot be written.
    #[must_use]
    pub fn with(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("there is a temporary folder");
        let desk = Self { folder };
        for (path, text) in files {
            let path = desk.project().join(path);
            let above = path.parent().expect("a file lies in a folder");
            fs::create_dir_all(above).expect("the temporary folder can be written");
            fs::write(path, text).expect("the temporary folder can be written");
        }
        desk
    }

    /// The folder that agents work in.
    #[must_use]
    pub fn project(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    /// The text of a file of the project; empty when it is not there.
    #[must_use]
    pub fn text(&self, path: &str) -> String {
        fs::read_to_string(self.project().join(path)).unwrap_or_default()
    }

    /// The program `leadhand`, at work in the project, knowing nothing of the machine's user.
    #[must_use]
    pub fn leadhand(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program());
        for variable in FOREIGN_VARIABLES {
            command.env_remove(variable);
        }
        for (variable, folder) in [
            ("HOME", "home"),
            ("XDG_CONFIG_HOME", "config"),
            ("XDG_CACHE_HOME", "cache"),
        ] {
            command.env(variable, self.folder.path().join(folder));
        }
        command
            .args(arguments)
            .current_dir(self.project())
            .stdin(Stdio::null());
        command
    }
}

/// Carries out a command to its end and holds it to its exit code.
///
/// # Panics
/// With everything it said, when it ends otherwise.
pub fn run(command: &mut Command, code: i32) -> Output {
    let output = command.output().expect("the program starts");
    let (out, err) = (&output.stdout, &output.stderr);
    assert_eq!(
        output.status.code(),
        Some(code),
        "{command:?}\n--- stdout\n{}\n--- stderr\n{}",
        String::from_utf8_lossy(out),
        String::from_utf8_lossy(err)
    );
    output
}

/// The program, as cargo built it beside the tests.
fn program() -> PathBuf {
    let own = std::env::current_exe().expect("a test knows where it is");
    let profile = own
        .ancestors()
        .nth(2)
        .expect("tests are built to target/PROFILE/deps");
    let program = profile
        .join("leadhand")
        .with_extension(std::env::consts::EXE_EXTENSION);
    assert!(
        program.is_file(),
        "{} is not built: run `cargo build -p leadhand-cli`, or all tests with `cargo xtask test`",
        program.display()
    );
    program
}

/// llama.cpp's server; ends when it is dropped.
pub struct LlamaServer {
    process: Child,
    base_url: String,
}

impl LlamaServer {
    /// Serves a model on a free port of this machine.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start(python: &Path, model: &Path) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .expect("a repository");
        let mut process = Command::new(python)
            .arg(root.join("scripts/llama-server.py"))
            .arg(model)
            .arg("--until-stdin-closes")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the server starts");
        // The server says its address once it answers, and nothing when it fails.
        let mut base_url = String::new();
        let stdout = process.stdout.take().expect("it is piped");
        let read = BufReader::new(stdout).read_line(&mut base_url);
        assert!(
            read.is_ok() && base_url.starts_with("http"),
            "the server failed: {base_url:?}"
        );
        Self {
            process,
            base_url: base_url.trim().to_owned(),
        }
    }

    /// What to set as base URL.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }
}

impl Drop for LlamaServer {
    fn drop(&mut self) {
        // Killed and waited for, so that nothing is left whatever state it is in.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

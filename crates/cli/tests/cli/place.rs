//! A project of its own for one test, and the program run in it.

use regex::Regex;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// A plan of one task, then its result, which is written to a file.
pub(crate) const WRITES_NOTES: &str = concat!(
    r#"{"when": {"role_contains": "You lead workers"}, "times": 0, "reply": {"text": "{\"approach\":\"\",\"tasks\":[{\"id\":\"t1\",\"title\":\"Write notes\",\"role\":\"writer\",\"files\":[],\"one_worker_per_file\":false,\"instruction\":\"Write.\",\"depends_on\":[],\"output_file\":\"notes.md\",\"changes_files\":false}]}"}}"#,
    "\n",
    r#"{"times": 0, "reply": {"text": "Hello."}}"#,
    "\n"
);

/// A project folder and a home folder.
pub(crate) struct Place {
    project: TempDir,
    home: TempDir,
}

/// What the program did, with names of runs, times, hashes and numbers of tokens made equal.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Place {
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let place = Self {
            project: tempfile::tempdir().unwrap(),
            home: tempfile::tempdir().unwrap(),
        };
        for (name, text) in files {
            place.write(name, text);
        }
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.project.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(crate) fn write_for_user(&self, name: &str, text: &str) {
        let folder = self.home.path().join("config/leadhand");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(name), text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// The program with these arguments, ready to be started. Compiled tools are shared by all
    /// tests: compiling them takes a second.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_leadhand"));
        command
            .args(arguments)
            .current_dir(self.project.path())
            .env_clear()
            .env("HOME", self.home.path())
            .env("XDG_CONFIG_HOME", self.home.path().join("config"))
            .env(
                "XDG_CACHE_HOME",
                Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache"),
            )
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn leadhand(&self, arguments: &[&str]) -> Seen {
        self.outcome_of(&mut self.command(arguments))
    }

    pub(crate) fn outcome_of(&self, command: &mut Command) -> Seen {
        let output = command.output().unwrap();
        Seen {
            code: output.status.code().unwrap_or(-1),
            out: self.evened(&String::from_utf8(output.stdout).unwrap()),
            err: self.evened(&String::from_utf8(output.stderr).unwrap()),
        }
    }

    /// A text with what differs from run to run made equal.
    pub(crate) fn evened(&self, text: &str) -> String {
        let text = text.replace(&self.home.path().display().to_string(), "HOME");
        [
            (r"\b1[0-9a-z]{8}-[0-9a-z]{4}\b", "RUN"),
            (r"\d+\.\d s\b", "TIME"),
            (r"\b[0-9a-f]{8}( in |$)", "HASH$1"),
            (r"[\d,]+ tokens in, [\d,]+ out", "TOKENS"),
            (r"[\d,]+(\+[\d,]+)? tokens", "TOKENS"),
        ]
        .iter()
        .fold(text, |text, (pattern, with)| {
            Regex::new(&format!("(?m){pattern}"))
                .unwrap()
                .replace_all(&text, *with)
                .into_owned()
        })
    }
}

impl Seen {
    pub(crate) fn new(code: i32, out: &str, err: &str) -> Self {
        Self {
            code,
            out: out.to_owned(),
            err: err.to_owned(),
        }
    }
}

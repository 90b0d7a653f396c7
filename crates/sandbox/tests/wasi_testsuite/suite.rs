//! The suite on disk: its programs, what each is called with, and when it passes. Read as
//! `doc/specification.md` of the suite says: a program is `NAME.wasm`, beside it may lie
//! `NAME.json`. Older programs find their folders by the names in `dirs`, newer ones find one as
//! `/`, by `root`.

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use wasi_preview1_component_adapter_provider as adapters;
use wit_component::ComponentEncoder;

/// The first bytes of a core module; those of a component differ in the last four.
const CORE_MODULE: &[u8] = b"\0asm\x01\0\0\0";

/// One program and how it is to be run.
pub(crate) struct Program {
    /// The part of the suite: the language it is written in.
    pub(crate) suite: String,
    pub(crate) name: String,
    pub(crate) module: Vec<u8>,
    pub(crate) arguments: Vec<String>,
    pub(crate) environment: Vec<(String, String)>,
    /// Under which name it finds its folder, and where that lies.
    pub(crate) folder: Option<(String, PathBuf)>,
    exit_code: i64,
    stdout: Option<String>,
}

/// What a program did.
pub(crate) struct Outcome {
    pub(crate) exit_code: i32,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
}

/// All programs of WASI 0.1 below the root of the suite, or in the folder itself, by name.
pub(crate) fn programs(root: &Path) -> Vec<Program> {
    let mut found = Vec::new();
    for suite in ["rust", "c", "assemblyscript"] {
        let folder = root.join("tests").join(suite).join("testsuite");
        let newer = folder.join("wasm32-wasip1");
        let folder = if newer.is_dir() { newer } else { folder };
        found.extend(programs_in(&folder, suite));
    }
    if found.is_empty() {
        let above: Vec<String> = root.iter().map(|it| it.to_string_lossy().into()).collect();
        let named = |suite: &&str| above.iter().any(|part| part == suite);
        let suite = ["c", "assemblyscript"].into_iter().find(named);
        found = programs_in(root, suite.unwrap_or("rust"));
    }
    found
}

fn programs_in(folder: &Path, suite: &str) -> Vec<Program> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> = paths
        .filter(|path| path.extension().is_some_and(|it| it == "wasm"))
        .collect();
    paths.sort();
    let read = paths.iter().map(|path| (path, fs::read(path).unwrap()));
    // Components are of other versions of WASI, and not what is compared here.
    read.filter(|(_, module)| module.starts_with(CORE_MODULE))
        .map(|(path, module)| program(path, module, suite))
        .collect()
}

fn program(path: &Path, module: Vec<u8>, suite: &str) -> Program {
    let name = path.file_stem().unwrap().to_string_lossy().into_owned();
    let specification = path.with_extension("json");
    let specification: Value = match fs::read_to_string(&specification) {
        Ok(text) => serde_json::from_str(&text)
            .unwrap_or_else(|why| panic!("{}: {why}", specification.display())),
        Err(_) => Value::Null,
    };
    let texts = |key: &str| -> Vec<String> {
        let values = specification[key].as_array().into_iter().flatten();
        values.map(|it| it.as_str().unwrap().to_owned()).collect()
    };
    let beside = |name: &str| path.with_file_name(name);
    let folder = match (specification["root"].as_str(), &texts("dirs")[..]) {
        (Some(root), _) => Some(("/".to_owned(), beside(root))),
        (None, []) => None,
        (None, [one]) => Some((one.clone(), beside(one))),
        (None, several) => panic!("{name}: no program of the suite has {several:?}"),
    };
    let mut arguments = vec![format!("{name}.wasm")];
    arguments.extend(texts("args"));
    let environment = specification["env"].as_object().into_iter().flatten();
    Program {
        suite: suite.to_owned(),
        module,
        arguments,
        environment: environment
            .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
            .collect(),
        folder,
        exit_code: specification["exit_code"].as_i64().unwrap_or(0),
        stdout: specification["stdout"].as_str().map(str::to_owned),
        name,
    }
}

impl Program {
    /// A copy of its folder, without what earlier runs of the suite left; empty without one.
    pub(crate) fn fresh_folder(&self) -> TempDir {
        let fresh = tempfile::tempdir().unwrap();
        if let Some((_, from)) = &self.folder {
            copy(from, fresh.path());
        }
        fresh
    }

    /// Whether what it did is what its specification says.
    pub(crate) fn judge(&self, outcome: &Outcome) -> Result<(), String> {
        let code = i64::from(outcome.exit_code);
        // WASI 0.2 tells success from failure, and no more: the adapter makes 1 of every failure.
        if (code == 0) != (self.exit_code == 0) {
            let said = String::from_utf8_lossy(&outcome.stderr);
            let said = said.trim().replace('\n', " ");
            let said = if said.is_empty() {
                said
            } else {
                format!(": {said}")
            };
            return Err(format!(
                "its exit code is {code}, not {}{said}",
                self.exit_code
            ));
        }
        match &self.stdout {
            Some(stdout) if stdout.as_bytes() != outcome.stdout => {
                let printed = String::from_utf8_lossy(&outcome.stdout);
                Err(format!("it prints {printed:?}, not {stdout:?}"))
            }
            _ => Ok(()),
        }
    }
}

fn copy(from: &Path, to: &Path) {
    let entries = fs::read_dir(from).unwrap_or_else(|why| panic!("{}: {why}", from.display()));
    for entry in entries.map(Result::unwrap) {
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().unwrap();
        if path.extension().is_some_and(|it| it == "cleanup") {
            continue;
        }
        if kind.is_dir() {
            fs::create_dir(&to).unwrap();
            copy(&path, &to);
        } else if kind.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(&path).unwrap(), &to).unwrap();
        } else {
            fs::copy(&path, &to).unwrap();
        }
    }
}

/// Makes a component of a program that imports WASI 0.1.
pub(crate) fn component(module: &[u8]) -> Result<Vec<u8>, String> {
    let encoded = ComponentEncoder::default()
        .module(module)
        .and_then(|encoder| {
            encoder.adapter(
                adapters::WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME,
                adapters::WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER,
            )
        })
        .and_then(|mut encoder| encoder.encode());
    encoded.map_err(|why| format!("it cannot be made a component: {why:#}"))
}

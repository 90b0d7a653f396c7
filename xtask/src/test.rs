//! `test` runs every test there is, and first fetches what some of them want: the small model,
//! and llama.cpp's server in a virtual environment of Python. Both are kept for the next time,
//! the model in the user's cache, the server in the target folder.

use anyhow::{Context, bail, ensure};
use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Names the GGUF file that tests of a real model use.
const MODEL_VARIABLE: &str = "LEADHAND_TEST_MODEL";
/// Names the Python that has the server's package.
const SERVER_VARIABLE: &str = "LEADHAND_TEST_SERVER_PYTHON";

/// `test [--offline] [ARGUMENTS]`: the arguments go to `cargo test` as they are.
pub(crate) fn run(args: &[String]) -> anyhow::Result<()> {
    let (fetches, args) = match args {
        [first, rest @ ..] if first == "--offline" => (false, rest),
        all => (true, all),
    };
    let root = root();
    // Everything is built at once: a second build of a part of the workspace would choose other
    // features of the libraries and build those again.
    done(cargo(&root).args(["test", "--no-run"]))?;
    let mut tests = cargo(&root);
    tests.arg("test").args(args);
    if fetches {
        let target = target_folder()?;
        tests.env(MODEL_VARIABLE, model(&target)?);
        tests.env(SERVER_VARIABLE, server_python(&root, &target)?);
    }
    done(&mut tests)
}

/// The small model, fetched by the program itself unless one is named.
fn model(target: &Path) -> anyhow::Result<PathBuf> {
    if let Some(named) = env::var_os(MODEL_VARIABLE) {
        return Ok(named.into());
    }
    let program = target
        .join("leadhand")
        .with_extension(env::consts::EXE_EXTENSION);
    let output = Command::new(&program)
        .args(["model", "pull", "small"])
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| program.display().to_string())?;
    let said = String::from_utf8_lossy(&output.stdout);
    let file = said
        .lines()
        .map(str::trim)
        .rfind(|line| Path::new(line).is_file());
    match file {
        Some(file) if output.status.success() => Ok(file.into()),
        _ => bail!(
            "the small model could not be fetched. Name a GGUF file of it in {MODEL_VARIABLE}, or \
             run `cargo xtask test --offline` to leave out the tests that want it"
        ),
    }
}

/// A Python in which llama.cpp's server can be imported.
fn server_python(root: &Path, target: &Path) -> anyhow::Result<PathBuf> {
    if let Some(named) = env::var_os(SERVER_VARIABLE) {
        return Ok(named.into());
    }
    let folder = target.with_file_name("llama-server");
    let python = folder.join("bin/python");
    let ready = || {
        let import = Command::new(&python)
            .args(["-c", "import xllamacpp"])
            .stderr(Stdio::null())
            .status();
        import.is_ok_and(|status| status.success())
    };
    if !ready() {
        let advice = "llama.cpp's server could not be set up, which takes a python3 of at least \
             3.10 with venv and pip. Run `cargo xtask test --offline` to leave out its tests";
        done(Command::new("python3").args(["-m", "venv"]).arg(&folder)).context(advice)?;
        let requirements = root.join("scripts/requirements.txt");
        let install = [
            "-m",
            "pip",
            "install",
            "--quiet",
            "--only-binary=:all:",
            "--requirement",
        ];
        done(Command::new(&python).args(install).arg(requirements)).context(advice)?;
        ensure!(ready(), advice);
    }
    Ok(python)
}

fn cargo(root: &Path) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root);
    cargo
}

fn done(command: &mut Command) -> anyhow::Result<()> {
    let status = command.status().with_context(|| format!("{command:?}"))?;
    ensure!(status.success(), "{command:?} failed");
    Ok(())
}

/// Where this program was built to, and the others with it: `target/debug`.
fn target_folder() -> anyhow::Result<PathBuf> {
    let own = env::current_exe()?;
    Ok(own
        .parent()
        .context("a program lies in a folder")?
        .to_owned())
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask lies in the repository")
        .to_owned()
}

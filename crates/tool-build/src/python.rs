//! Python: CPython with the module in it, put together by componentize-py. What a component can
//! import is what was imported while it was built.

use crate::command::{answer, told};
use crate::contract::narrowed;
use crate::error::BuildError;
use crate::stage::Stage;
use crate::workshop::Workshop;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What is fetched, with hashes, as pip reads it.
const REQUIREMENTS: &str = include_str!("../glue/python/requirements.txt");
const GLUE: &str = include_str!("../glue/python/leadhand_glue.py");
/// The library that a tool may import as `leadhand`.
const LIBRARY: [(&str, &str); 4] = [
    (
        "__init__.py",
        include_str!("../glue/python/leadhand/__init__.py"),
    ),
    ("error.py", include_str!("../glue/python/leadhand/error.py")),
    ("files.py", include_str!("../glue/python/leadhand/files.py")),
    ("http.py", include_str!("../glue/python/leadhand/http.py")),
];
/// Name in the cache: the version of componentize-py.
const FOLDER: &str = "python-0.25.1";
/// The oldest Python that componentize-py takes.
const PYTHON_MINOR_MIN: u32 = 10;
const INSTALL: &str = "from python.org, or on Debian `apt-get install python3-venv`, \
    on macOS `brew install python`";

pub(crate) fn build(workshop: &Workshop<'_>, folder: &Path) -> Result<Vec<u8>, BuildError> {
    componentize(workshop, &Stage::of(folder, "py")?)
}

/// All of our part of a component, by name.
pub(crate) fn glue() -> Vec<(&'static str, &'static str)> {
    let beside = [
        ("requirements.txt", REQUIREMENTS),
        ("leadhand_glue.py", GLUE),
    ];
    beside.into_iter().chain(LIBRARY).collect()
}

/// Builds what lies on a stage: `tool.py` and all that it imports.
pub(crate) fn componentize(workshop: &Workshop<'_>, stage: &Stage) -> Result<Vec<u8>, BuildError> {
    let compiler = compiler(workshop)?;
    stage.write("leadhand_glue.py", GLUE)?;
    for (name, text) in LIBRARY {
        stage.write(&format!("leadhand/{name}"), text)?;
    }
    let contract = narrowed(stage.sources.iter().map(String::as_str));
    stage.write("leadhand-wit/tool.wit", &contract)?;
    let output = stage.path().join("leadhand-tool.wasm");
    let mut python = Command::new(in_environment(&compiler));
    python
        .args(["-I", "-c", "from componentize_py import script; script()"])
        .args(["--quiet", "--wit-path"])
        .arg(stage.path().join("leadhand-wit"))
        .args(["--world", "tool", "componentize", "leadhand_glue"])
        .arg("--python-path")
        .arg(stage.path())
        .arg("--output")
        .arg(&output)
        // Otherwise the packages of whatever environment is active would come along.
        .env("VIRTUAL_ENV", &compiler)
        .current_dir(stage.path());
    (workshop.say)("putting the module and CPython together, some ten seconds");
    told("building the Python tool", &mut python, workshop.say)?;
    fs::read(&output).map_err(BuildError::at(output))
}

/// The virtual environment that componentize-py was installed into, from a wheel with this hash.
fn compiler(workshop: &Workshop<'_>) -> Result<PathBuf, BuildError> {
    let missing = |what: &str| BuildError::Missing {
        what: format!("a tool in Python is built by {what}, which is not here"),
        install: INSTALL.to_owned(),
    };
    let version = "import sys; print(sys.version_info[1])";
    let minor = answer(Command::new("python3").args(["-I", "-c", version]));
    let minor: Option<u32> = minor.and_then(|minor| minor.parse().ok());
    if minor.is_none_or(|minor| minor < PYTHON_MINOR_MIN) {
        return Err(missing("`python3` from 3.10 on"));
    }
    if answer(Command::new("python3").args(["-I", "-c", "import venv, ensurepip"])).is_none() {
        return Err(missing("the module `venv` of `python3`"));
    }
    workshop.prepared(FOLDER, |folder| {
        let requirements = folder.join("requirements.txt");
        fs::write(&requirements, REQUIREMENTS).map_err(BuildError::at(&requirements))?;
        (workshop.say)("fetching componentize-py 0.25.1 with pip, once");
        let mut venv = Command::new("python3");
        venv.args(["-I", "-m", "venv"]).arg(folder);
        told("making a virtual environment", &mut venv, workshop.say)?;
        let mut pip = Command::new(in_environment(folder));
        pip.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ])
        .args(["--no-deps", "--only-binary=:all:", "--require-hashes", "-r"])
        .arg(&requirements);
        told("fetching componentize-py with pip", &mut pip, workshop.say)
    })
}

fn in_environment(folder: &Path) -> PathBuf {
    folder.join("bin/python3")
}

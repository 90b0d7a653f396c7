//! JavaScript: QuickJS with the module in it, put together by componentize-qjs, which node runs.

use crate::command::{is_there, told};
use crate::contract::narrowed;
use crate::error::BuildError;
use crate::stage::Stage;
use crate::workshop::Workshop;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What is fetched, with hashes: a lock file in the format of npm.
const PACKAGE: &str = include_str!("../glue/javascript/package.json");
const PACKAGE_LOCK: &str = include_str!("../glue/javascript/package-lock.json");
const BUILD: &str = include_str!("../glue/javascript/build.mjs");
const GLUE: &str = include_str!("../glue/javascript/glue.js");
/// The library that a tool may import as `leadhand/…`.
const LIBRARY: [(&str, &str); 5] = [
    ("chance.js", include_str!("../glue/javascript/chance.js")),
    ("error.js", include_str!("../glue/javascript/error.js")),
    ("files.js", include_str!("../glue/javascript/files.js")),
    ("globals.js", include_str!("../glue/javascript/globals.js")),
    ("http.js", include_str!("../glue/javascript/http.js")),
];
const LIBRARY_PACKAGE: &str = r#"{"name": "leadhand", "version": "1.0.0", "type": "module"}"#;
/// Name in the cache: the version of componentize-qjs, and a number that grows with `BUILD`.
const FOLDER: &str = "javascript-0.4.5-1";
const INSTALL: &str = "from nodejs.org, or on Debian `apt-get install nodejs npm`, \
    on macOS `brew install node`";

pub(crate) fn build(workshop: &Workshop<'_>, folder: &Path) -> Result<Vec<u8>, BuildError> {
    componentize(workshop, &Stage::of(folder, "js")?)
}

/// All of our part of a component, by name.
pub(crate) fn glue() -> Vec<(&'static str, &'static str)> {
    let beside = [
        ("package-lock.json", PACKAGE_LOCK),
        ("build.mjs", BUILD),
        ("glue.js", GLUE),
    ];
    beside.into_iter().chain(LIBRARY).collect()
}

/// Builds what lies on a stage: `tool.js` and all that it imports.
pub(crate) fn componentize(workshop: &Workshop<'_>, stage: &Stage) -> Result<Vec<u8>, BuildError> {
    let compiler = compiler(workshop)?;
    stage.write("leadhand_glue.js", GLUE)?;
    for (name, text) in LIBRARY {
        stage.write(&format!("node_modules/leadhand/{name}"), text)?;
    }
    stage.write("node_modules/leadhand/package.json", LIBRARY_PACKAGE)?;
    let contract = narrowed(stage.sources.iter().map(String::as_str));
    stage.write("leadhand-wit/tool.wit", &contract)?;
    let output = stage.path().join("leadhand-tool.wasm");
    let mut node = Command::new("node");
    node.arg(compiler.join("build.mjs"))
        .arg(stage.path())
        .arg(&output)
        .env_remove("NODE_OPTIONS");
    (workshop.say)("putting the module and QuickJS together");
    told("building the JavaScript tool", &mut node, workshop.say)?;
    fs::read(&output).map_err(BuildError::at(output))
}

/// The folder that componentize-qjs was installed into; its own scripts are not run.
fn compiler(workshop: &Workshop<'_>) -> Result<PathBuf, BuildError> {
    for program in ["node", "npm"] {
        if !is_there(program) {
            return Err(BuildError::Missing {
                what: format!("a tool in JavaScript is built by `{program}`, which is not here"),
                install: INSTALL.to_owned(),
            });
        }
    }
    workshop.prepared(FOLDER, |folder| {
        for (name, text) in [
            ("package.json", PACKAGE),
            ("package-lock.json", PACKAGE_LOCK),
            ("build.mjs", BUILD),
        ] {
            let path = folder.join(name);
            fs::write(&path, text).map_err(BuildError::at(path))?;
        }
        (workshop.say)("fetching componentize-qjs 0.4.5 with npm, once");
        let mut npm = Command::new("npm");
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            .args(["--loglevel", "error", "--prefix"])
            .arg(folder)
            .current_dir(folder);
        told("fetching componentize-qjs with npm", &mut npm, workshop.say)
    })
}

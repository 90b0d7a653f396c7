//! Rust: a crate whose library is a `cdylib`, built by cargo.

use crate::command::answer;
use crate::contract::{CONTRACT, CONTRACT_FILE};
use crate::error::BuildError;
use crate::rust_compiler::RustCompiler;
use crate::workshop::Workshop;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;

pub(crate) fn build(workshop: &Workshop<'_>, folder: &Path) -> Result<Vec<u8>, BuildError> {
    let contract = folder.join(CONTRACT_FILE);
    if !contract.exists() {
        let parent = contract.parent().unwrap_or(folder);
        fs::create_dir_all(parent).map_err(BuildError::at(parent))?;
        fs::write(&contract, CONTRACT).map_err(BuildError::at(&contract))?;
        (workshop.say)(&format!(
            "wrote the contract between host and tool into {CONTRACT_FILE}"
        ));
    }
    let compiler = RustCompiler::find()?;
    let library = library(folder)?;
    compiler.build(folder, &workshop.cargo_home, workshop.say)?;
    let built = compiler.built(folder).join(format!("{library}.wasm"));
    fs::read(&built).map_err(BuildError::at(built))
}

/// The name of the crate's one library that can become a component.
fn library(folder: &Path) -> Result<String, BuildError> {
    let no_library = |said: &str| BuildError::Step {
        step: format!("looking for the library of {}", folder.display()),
        said: said.to_owned(),
    };
    let mut cargo = Command::new("cargo");
    cargo
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(folder);
    let text = answer(&mut cargo).ok_or_else(|| {
        no_library("`cargo metadata` fails there; run it in the folder to see why")
    })?;
    let metadata: Value = serde_json::from_str(&text).unwrap_or_default();
    let targets = metadata["packages"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|package| package["targets"].as_array())
        .flatten();
    let mut names = targets
        .filter(|target| {
            let kinds = target["crate_types"].as_array();
            kinds.is_some_and(|kinds| kinds.iter().any(|kind| kind == "cdylib"))
        })
        .filter_map(|target| target["name"].as_str());
    match (names.next(), names.next()) {
        (Some(name), None) => Ok(name.replace('-', "_")),
        (None, _) => Err(no_library(
            "no library is a cdylib: write `[lib]` and `crate-type = [\"cdylib\"]` into Cargo.toml",
        )),
        (Some(_), Some(_)) => Err(no_library(
            "the workspace has several libraries that are a cdylib: name the folder of one crate",
        )),
    }
}

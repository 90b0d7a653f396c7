//! `build-tools` makes the guests of `sandbox/tools` into components and records what they
//! were made from; `check-tools` holds the record against the folder, without a compiler. The
//! components are checked in, so that nobody needs a WebAssembly toolchain to build the host.
//! `tool-cards` writes what the host finds a component to be into the card beside it.

use anyhow::{Context, bail, ensure};
use leadhand_tool_build::RustCompiler;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// The crates of `sandbox/tools` that become components.
const TOOLS: [&str; 6] = ["calculate", "data", "date", "files", "text", "web"];

/// Builds every tool and records the digests. With `--check` nothing is written: the bytes are
/// compared with the recorded ones, which is possible where the recorded compiler is at hand.
pub(crate) fn run(args: &[String]) -> anyhow::Result<()> {
    let compare = match args {
        [] => false,
        [flag] if flag == "--check" => true,
        _ => bail!("build-tools takes nothing, or --check"),
    };
    let tools = tools_folder();
    let compiler = RustCompiler::find_bare()?;
    if compare {
        let recorded = recorded(&tools)?;
        ensure!(
            recorded.get("compiler") == Some(&compiler.version),
            "the tools were built by `{}`, here is `{}`: bytes cannot be compared",
            recorded.get("compiler").map_or("nobody", String::as_str),
            compiler.version,
        );
    }
    compiler.build(&tools, &cargo_home(), &|line| eprintln!("{line}"))?;
    let mut record = format!(
        "# Written by `cargo xtask build-tools`, held against the folder by `check-tools`.\n\
         compiler = \"{}\"\nsource = \"{}\"\n",
        compiler.version,
        source_digest(&tools)?,
    );
    for tool in TOOLS {
        let built = compiler.built(&tools).join(format!("{tool}.wasm"));
        let bytes = fs::read(&built).with_context(|| built.display().to_string())?;
        writeln!(record, "{tool} = \"{}\"", hex(&Sha256::digest(&bytes)))?;
        if !compare {
            fs::write(component(&tools, tool), &bytes)?;
        }
    }
    let file = tools.join("DIGESTS.toml");
    if compare {
        ensure!(
            fs::read_to_string(&file)? == record,
            "built otherwise than recorded:\n{record}"
        );
    } else {
        fs::write(file, record)?;
    }
    cards(args)
}

/// Writes the cards of the components, or with `--check` compares them. The host knows how, which
/// chores do without: it takes minutes to build.
pub(crate) fn cards(args: &[String]) -> anyhow::Result<()> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["run", "--quiet", "--package", "leadhand-sandbox"])
        .args(["--example", "tool_cards", "--"])
        .args(args)
        .status()?;
    ensure!(status.success(), "the cards of the tools are not right");
    Ok(())
}

/// Compares sources and components with their recorded digests.
pub(crate) fn check(args: &[String]) -> anyhow::Result<()> {
    ensure!(args.is_empty(), "check-tools takes nothing");
    let tools = tools_folder();
    let recorded = recorded(&tools)?;
    ensure!(
        recorded.get("source") == Some(&source_digest(&tools)?),
        "the sources in sandbox/tools or sandbox/wit are not those that the components were \
         built from: run `cargo xtask build-tools`"
    );
    for tool in TOOLS {
        let path = component(&tools, tool);
        let bytes = fs::read(&path).with_context(|| path.display().to_string())?;
        ensure!(
            recorded.get(tool) == Some(&hex(&Sha256::digest(&bytes))),
            "{tool}.wasm is not what was recorded: run `cargo xtask build-tools`"
        );
        let card = fs::read(path.with_extension("card.json"))?;
        let card: serde_json::Value = serde_json::from_slice(&card)?;
        ensure!(
            card["component"].as_str() == recorded.get(tool).map(String::as_str),
            "{tool}.card.json is of another component: run `cargo xtask tool-cards`"
        );
    }
    Ok(())
}

fn cargo_home() -> PathBuf {
    let home = env::home_dir().unwrap_or_default().join(".cargo");
    env::var_os("CARGO_HOME").map_or(home, PathBuf::from)
}

fn tools_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask lies in the repository")
        .join("sandbox/tools")
}

fn component(tools: &Path, tool: &str) -> PathBuf {
    tools.join(tool).join(format!("{tool}.wasm"))
}

fn recorded(tools: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    let text = fs::read_to_string(tools.join("DIGESTS.toml")).context("DIGESTS.toml")?;
    Ok(toml::from_str(&text)?)
}

/// One digest over everything that decides what the components do: each path and content.
fn source_digest(tools: &Path) -> anyhow::Result<String> {
    let sandbox = tools.parent().expect("tools lie in sandbox");
    let mut sources = BTreeMap::new();
    for folder in ["wit", "tools"] {
        collect(sandbox, &sandbox.join(folder), &mut sources)?;
    }
    let mut digest = Sha256::new();
    for (path, content) in sources {
        digest.update(format!("{path}\n{}\n", content.len()));
        digest.update(content);
    }
    Ok(hex(&digest.finalize()))
}

fn collect(
    root: &Path,
    folder: &Path,
    sources: &mut BTreeMap<String, Vec<u8>>,
) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if path.is_dir() {
            if !matches!(name.as_str(), "target" | "tests") {
                collect(root, &path, sources)?;
            }
        } else if ["rs", "wit"]
            .iter()
            .any(|kind| name.ends_with(&format!(".{kind}")))
            || matches!(name.as_str(), "Cargo.toml" | "Cargo.lock")
        {
            let relative = path
                .strip_prefix(root)?
                .to_string_lossy()
                .replace('\\', "/");
            sources.insert(relative, fs::read(&path)?);
        }
    }
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

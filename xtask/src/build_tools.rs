//! `build-tools` makes the guests of `sandbox/tools` into components and records what they
//! were made from; `check-tools` holds the record against the folder, without a compiler. The
//! components are checked in, so that nobody needs a WebAssembly toolchain to build the host.

use anyhow::{Context, bail, ensure};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// The crates of `sandbox/tools` that become components.
const TOOLS: [&str; 6] = ["calculate", "data", "date", "files", "text", "web"];
const TARGET: &str = "wasm32-unknown-unknown";
/// Where Debian's packages put their compiler and the source of the standard library.
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_LIBRARY: &str = "/usr/lib/rustlib/src/rust/library/core/Cargo.toml";
const INSTALL: &str = "There is no compiler here for wasm32-unknown-unknown. Install one: \
    `rustup target add wasm32-unknown-unknown`, or on Debian \
    `apt-get install rustc-web rust-web-src lld-22`.";

/// Builds every tool and records the digests. With `--check` nothing is written: the bytes are
/// compared with the recorded ones, which is possible where the recorded compiler is at hand.
pub(crate) fn run(args: &[String]) -> anyhow::Result<()> {
    let compare = match args {
        [] => false,
        [flag] if flag == "--check" => true,
        _ => bail!("build-tools takes nothing, or --check"),
    };
    let tools = tools_folder();
    let compiler = Compiler::find()?;
    if compare {
        let recorded = recorded(&tools)?;
        ensure!(
            recorded.get("compiler") == Some(&compiler.version),
            "the tools were built by `{}`, here is `{}`: bytes cannot be compared",
            recorded.get("compiler").map_or("nobody", String::as_str),
            compiler.version,
        );
    }
    compiler.build(&tools)?;
    let mut record = format!(
        "# Written by `cargo xtask build-tools`, held against the folder by `check-tools`.\n\
         compiler = \"{}\"\nsource = \"{}\"\n",
        compiler.version,
        source_digest(&tools)?,
    );
    for tool in TOOLS {
        let built = tools.join(format!("target/{TARGET}/release/{tool}.wasm"));
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
        return Ok(());
    }
    fs::write(file, record)?;
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
    }
    Ok(())
}

/// A compiler for the guests, and how to run it.
struct Compiler {
    /// What it says of itself; with the lock file it decides the bytes.
    version: String,
    /// The toolchain that rustup runs, or none for the Debian compiler.
    toolchain: Option<String>,
    /// Where the linker lies.
    linkers: PathBuf,
}

impl Compiler {
    /// The toolchain in use if it has the target, else any other that has, else Debian's.
    fn find() -> anyhow::Result<Self> {
        let listed = output(Command::new("rustup").args(["toolchain", "list", "--quiet"]));
        let own = env::var("RUSTUP_TOOLCHAIN").ok();
        let others = listed.unwrap_or_default();
        for toolchain in own.iter().map(String::as_str).chain(others.lines()) {
            let rustc = |args: &[&str]| {
                output(
                    Command::new("rustup")
                        .args(["run", toolchain, "rustc"])
                        .args(args),
                )
            };
            let Ok(sysroot) = rustc(&["--print", "sysroot"]) else {
                continue;
            };
            let sysroot = PathBuf::from(sysroot);
            if sysroot
                .join("lib/rustlib")
                .join(TARGET)
                .join("lib")
                .is_dir()
            {
                return Ok(Self {
                    version: rustc(&["--version"])?,
                    toolchain: Some(toolchain.to_owned()),
                    linkers: linkers(&sysroot)?,
                });
            }
        }
        if !Path::new(DEBIAN_LIBRARY).is_file() {
            bail!(INSTALL);
        }
        let version = output(Command::new(DEBIAN_RUSTC).arg("--version")).context(INSTALL)?;
        let sysroot = output(Command::new("rustc").args(["--print", "sysroot"]))?;
        Ok(Self {
            version,
            toolchain: None,
            linkers: linkers(Path::new(&sysroot))?,
        })
    }

    fn build(&self, tools: &Path) -> anyhow::Result<()> {
        let mut cargo = match &self.toolchain {
            Some(toolchain) => {
                let mut rustup = Command::new("rustup");
                rustup.args(["run", toolchain, "cargo"]).env_remove("RUSTC");
                rustup
            }
            None => {
                let mut cargo =
                    Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
                cargo.env("RUSTC", DEBIAN_RUSTC).env("RUSTC_BOOTSTRAP", "1");
                cargo
            }
        };
        // No path of this machine may get into the bytes.
        let flags = format!(
            "-Clink-arg=--wasm-ld-path={}\u{1f}--remap-path-prefix={}=/tools\u{1f}\
             --remap-path-prefix={}=/cargo",
            self.linkers.join("gcc-ld/wasm-ld").display(),
            tools.display(),
            cargo_home().display(),
        );
        cargo
            .args([
                "build",
                "--release",
                "--locked",
                "--target",
                TARGET,
                "--target-dir",
            ])
            .arg(tools.join("target"))
            .env_remove("RUSTFLAGS")
            .env("CARGO_ENCODED_RUSTFLAGS", flags)
            .env(
                "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER",
                self.linkers.join("wasm-component-ld"),
            )
            .current_dir(tools);
        if self.toolchain.is_none() {
            cargo.arg("-Zbuild-std=std,panic_abort");
        }
        ensure!(
            cargo.status()?.success(),
            "the tools do not build with {}",
            self.version
        );
        Ok(())
    }
}

/// The folder of a toolchain that holds `wasm-component-ld`, which turns what the linker gives
/// into a component.
fn linkers(sysroot: &Path) -> anyhow::Result<PathBuf> {
    let host = output(Command::new("rustc").arg("-vV"))?;
    let host = host
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .unwrap_or_default();
    let folder = sysroot.join("lib/rustlib").join(host).join("bin");
    ensure!(
        folder.join("wasm-component-ld").is_file(),
        "there is no wasm-component-ld in {}: the toolchain must be one of rustup's",
        folder.display()
    );
    Ok(folder)
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

fn output(command: &mut Command) -> anyhow::Result<String> {
    let output = command.output()?;
    ensure!(output.status.success(), "{command:?} failed");
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

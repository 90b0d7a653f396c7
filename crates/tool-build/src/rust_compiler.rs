//! A Rust compiler that makes components: one of rustup's with a target for WebAssembly, or
//! Debian's, which has no standard library for it and builds one along with the tool. The
//! linker that makes a component comes from rustup's toolchain in both cases.

use crate::command::{answer, told};
use crate::error::BuildError;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Targets, the better one first: on the first a tool imports nothing that it does not use.
const TARGETS: [&str; 2] = ["wasm32-unknown-unknown", "wasm32-wasip2"];
/// Where Debian's packages put their compiler and the source of the standard library.
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_LIBRARY: &str = "/usr/lib/rustlib/src/rust/library/core/Cargo.toml";
const INSTALL: &str = "`rustup target add wasm32-unknown-unknown`, or on Debian \
    `apt-get install rustc-web rust-web-src lld-22` beside rustup";

/// A compiler for tools, and how to run it.
#[derive(Debug, Clone)]
pub struct RustCompiler {
    /// What it says of itself; with the lock file it decides the bytes.
    pub version: String,
    /// What it compiles to.
    pub target: &'static str,
    /// The toolchain that rustup runs, or none for the Debian compiler.
    toolchain: Option<String>,
    /// Where the linker lies.
    linkers: PathBuf,
}

impl RustCompiler {
    /// The toolchain in use if it has a target for WebAssembly, else any other that has, else
    /// Debian's.
    ///
    /// # Errors
    /// [`BuildError::Missing`] when there is none, with the commands that install one.
    pub fn find() -> Result<Self, BuildError> {
        Self::with_target(&TARGETS)
    }

    /// The same for one target only: `wasm32-unknown-unknown`, which the standard tools need.
    ///
    /// # Errors
    /// As [`RustCompiler::find`].
    pub fn find_bare() -> Result<Self, BuildError> {
        Self::with_target(&TARGETS[..1])
    }

    fn with_target(targets: &[&'static str]) -> Result<Self, BuildError> {
        let listed = answer(Command::new("rustup").args(["toolchain", "list", "--quiet"]));
        let own = env::var("RUSTUP_TOOLCHAIN").ok();
        let others = listed.unwrap_or_default();
        let toolchains: Vec<&str> = own
            .iter()
            .map(String::as_str)
            .chain(others.lines())
            .collect();
        for &target in targets {
            for toolchain in &toolchains {
                if let Some(found) = Self::of_toolchain(toolchain, target) {
                    return Ok(found);
                }
            }
        }
        let missing = || BuildError::Missing {
            what: "there is no Rust compiler for WebAssembly here".to_owned(),
            install: INSTALL.to_owned(),
        };
        let there = Path::new(DEBIAN_LIBRARY).is_file();
        let version = answer(Command::new(DEBIAN_RUSTC).arg("--version")).filter(|_| there);
        let sysroot = answer(Command::new("rustc").args(["--print", "sysroot"]));
        let linkers = sysroot.and_then(|sysroot| linkers(Path::new(&sysroot)));
        Ok(Self {
            version: version.ok_or_else(missing)?,
            target: TARGETS[0],
            toolchain: None,
            linkers: linkers.ok_or_else(missing)?,
        })
    }

    fn of_toolchain(toolchain: &str, target: &'static str) -> Option<Self> {
        let rustc = |argument: &[&str]| {
            let run = ["run", toolchain, "rustc"];
            answer(Command::new("rustup").args(run).args(argument))
        };
        let sysroot = PathBuf::from(rustc(&["--print", "sysroot"])?);
        let library = sysroot.join("lib/rustlib").join(target).join("lib");
        if !library.is_dir() {
            return None;
        }
        Some(Self {
            version: rustc(&["--version"])?,
            target,
            toolchain: Some(toolchain.to_owned()),
            linkers: linkers(&sysroot)?,
        })
    }

    /// Builds a crate or a workspace for release, below its own folder `target`.
    /// `cargo_home` and the folder itself get into no byte of what is built.
    ///
    /// # Errors
    /// [`BuildError::Step`] with the end of what cargo said.
    pub fn build(
        &self,
        folder: &Path,
        cargo_home: &Path,
        say: &dyn Fn(&str),
    ) -> Result<(), BuildError> {
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
        let flags = format!(
            "-Clink-arg=--wasm-ld-path={}\u{1f}--remap-path-prefix={}=/tools\u{1f}\
             --remap-path-prefix={}=/cargo",
            self.linkers.join("gcc-ld/wasm-ld").display(),
            folder.display(),
            cargo_home.display(),
        );
        cargo
            .args(["build", "--release", "--target", self.target])
            .arg("--target-dir")
            .arg(folder.join("target"))
            .env_remove("RUSTFLAGS")
            .env("CARGO_ENCODED_RUSTFLAGS", flags)
            .current_dir(folder);
        for target in TARGETS {
            let name = target.to_uppercase().replace('-', "_");
            let linker = self.linkers.join("wasm-component-ld");
            cargo.env(format!("CARGO_TARGET_{name}_LINKER"), linker);
        }
        if folder.join("Cargo.lock").is_file() {
            cargo.arg("--locked");
        }
        if self.toolchain.is_none() {
            cargo.arg("-Zbuild-std=std,panic_abort");
        }
        let step = format!("building {} with {}", folder.display(), self.version);
        told(&step, &mut cargo, say)
    }

    /// Where cargo puts the components that it builds below a folder.
    #[must_use]
    pub fn built(&self, folder: &Path) -> PathBuf {
        folder.join("target").join(self.target).join("release")
    }
}

/// The folder of a toolchain that holds `wasm-component-ld`, which turns what the linker gives
/// into a component.
fn linkers(sysroot: &Path) -> Option<PathBuf> {
    let described = answer(Command::new("rustc").arg("-vV"))?;
    let host = described
        .lines()
        .find_map(|line| line.strip_prefix("host: "))?;
    let folder = sysroot.join("lib/rustlib").join(host).join("bin");
    folder.join("wasm-component-ld").is_file().then_some(folder)
}

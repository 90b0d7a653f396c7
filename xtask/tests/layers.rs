//! The two rules of the house, and its fences, held over `cargo metadata`: a crate depends only
//! on strictly lower layers, a pure crate only on pure crates, and each heavy dependency stays
//! in the one room it was let into. What the code of a room says is `text.rs`'s business.

use serde_json::Value;
use std::collections::BTreeMap;
use std::process::Command;

/// A dependency, by the beginning of its name, and the rooms that may have it.
const FENCES: [(&str, &[&str]); 21] = [
    ("anyhow", &[]),
    ("async-openai", &["model"]),
    ("axum", &["viewer"]),
    ("candle-", &["inference"]),
    ("cap-std", &["sandbox"]),
    ("clap", &["cli"]),
    ("console", &["cli"]),
    ("crossterm", &["cli"]),
    ("etcetera", &["cli"]),
    ("indicatif", &["cli"]),
    ("llguidance", &["inference"]),
    ("opentelemetry", &["telemetry"]),
    ("petgraph", &["task-graph"]),
    ("ratatui", &["viewer"]),
    ("redb", &["journal"]),
    ("reqwest", &["model", "telemetry"]),
    ("shuttle", &["channel"]),
    ("sled", &["journal"]),
    ("tokenizers", &["inference"]),
    ("tracing-subscriber", &["cli"]),
    ("wasmtime", &["sandbox"]),
];
/// What brings a clock, threads, files, sockets or chance with it: nothing for a pure room.
const IMPURE: [&str; 10] = [
    "fastrand",
    "futures",
    "getrandom",
    "rand",
    "rayon",
    "rustix",
    "tempfile",
    "time",
    "tokio",
    "tracing",
];

struct Room {
    layer: u64,
    pure: bool,
    /// Of normal and build dependencies: name, and whether it is one of ours.
    depends_on: Vec<(String, bool)>,
}

#[test]
fn crates_depend_only_on_lower_layers() {
    let rooms = rooms();
    let mut faults = Vec::new();
    for (name, room) in &rooms {
        for (dependency, _) in room.depends_on.iter().filter(|(_, ours)| *ours) {
            match rooms.get(dependency) {
                None => faults.push(format!("{name} depends on {dependency}, which is no room")),
                Some(lower) if lower.layer >= room.layer => faults.push(format!(
                    "{name} (layer {}) depends on {dependency} (layer {})",
                    room.layer, lower.layer
                )),
                Some(lower) if room.pure && !lower.pure => {
                    faults.push(format!(
                        "{name} is pure and depends on {dependency}, which is not"
                    ));
                }
                Some(_) => {}
            }
        }
    }
    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn pure_crates_depend_on_nothing_that_waits_or_reads_the_world() {
    let faults: Vec<String> = rooms()
        .iter()
        .filter(|(_, room)| room.pure)
        .flat_map(|(name, room)| {
            let impure = room
                .depends_on
                .iter()
                .filter(|(it, _)| IMPURE.contains(&it.as_str()));
            impure.map(move |(it, _)| format!("{name} is pure and depends on {it}"))
        })
        .collect();
    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn heavy_dependencies_stay_in_their_room() {
    let mut faults = Vec::new();
    for (name, room) in rooms() {
        for (dependency, _) in &room.depends_on {
            let fence = FENCES
                .iter()
                .find(|(fenced, _)| dependency.starts_with(fenced));
            if let Some((_, allowed)) = fence
                && !allowed.contains(&name.trim_start_matches("leadhand-"))
            {
                faults.push(format!(
                    "{name} depends on {dependency}, which is for {allowed:?}"
                ));
            }
        }
    }
    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn crates_are_named_after_their_folders_and_share_the_lints() {
    let mut faults = Vec::new();
    for package in packages().iter().filter(|package| in_crates(package)) {
        let name = text(package, "name");
        let manifest = text(package, "manifest_path");
        let folder = manifest.rsplit('/').nth(1).unwrap_or_default();
        if name != "leadhand" && name != format!("leadhand-{folder}") {
            faults.push(format!("the folder of {name} is {folder}"));
        }
        let toml = std::fs::read_to_string(&manifest).expect("cargo has just read it");
        if !toml.contains("[lints]\nworkspace = true") {
            faults.push(format!("{name} does not take the lints of the workspace"));
        }
    }
    assert_eq!(faults, Vec::<String>::new());
}

/// All crates of `crates/`; each says its layer and whether it is pure.
fn rooms() -> BTreeMap<String, Room> {
    let packages = packages();
    let rooms = packages
        .iter()
        .filter(|package| in_crates(package))
        .map(|package| {
            let name = text(package, "name");
            let said = &package["metadata"]["room"];
            let wants = "wants [package.metadata.room] with `layer` and `pure`";
            let room = Room {
                layer: said["layer"]
                    .as_u64()
                    .unwrap_or_else(|| panic!("{name} {wants}")),
                pure: said["pure"]
                    .as_bool()
                    .unwrap_or_else(|| panic!("{name} {wants}")),
                depends_on: dependencies(package),
            };
            (name, room)
        });
    rooms.collect()
}

/// Development dependencies are left out: tests may look down from anywhere.
fn dependencies(package: &Value) -> Vec<(String, bool)> {
    let all = package["dependencies"]
        .as_array()
        .expect("cargo lists dependencies");
    let shipped = all.iter().filter(|it| it["kind"] != "dev");
    shipped
        .map(|it| (text(it, "name"), it["path"].is_string()))
        .collect()
}

fn packages() -> Vec<Value> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args([
            "metadata",
            "--no-deps",
            "--offline",
            "--format-version",
            "1",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo writes JSON");
    metadata["packages"]
        .as_array()
        .expect("cargo lists packages")
        .clone()
}

fn in_crates(package: &Value) -> bool {
    text(package, "manifest_path")
        .replace('\\', "/")
        .contains("/crates/")
}

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_default().to_owned()
}

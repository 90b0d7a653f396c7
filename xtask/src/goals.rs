//! `cargo xtask goals`: carries out the goals of `examples/goals` on a model and prints the
//! table of `docs/goals.md`. What counts is the exit code of the program, which says done only
//! when every acceptance check of the goal held on evidence.

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// One line of the table.
struct Row {
    name: String,
    achieved: bool,
    why: String,
    tasks: usize,
    turns: u64,
    tool_calls: u64,
    tokens: (u64, u64),
    seconds: u64,
}

/// Runs `leadhand` for each goal in a copy of its files. `arguments` are names of goals to
/// restrict it to, then options handed to `leadhand run`, such as `--model-file FILE`.
///
/// # Errors
/// In words, when the program is not built or a goal's files cannot be copied.
pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let options_at = arguments
        .iter()
        .position(|argument| argument.starts_with('-'));
    let (names, options) = arguments.split_at(options_at.unwrap_or(arguments.len()));
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or(root.join("target"), PathBuf::from);
    let program = target.join("release/leadhand");
    if !program.exists() {
        return Err("leadhand is not built: run `cargo build --release --bin leadhand`".to_owned());
    }
    let mut goals: Vec<PathBuf> = listed(&root.join("examples/goals"))?;
    goals.retain(|goal| goal.join("goal.toml").exists());
    let mut rows = Vec::new();
    for goal in goals {
        let name = goal
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if names.is_empty() || names.contains(&name) {
            let row = carry_out(&program, &goal, &name, options)?;
            eprintln!("{name}: {}", if row.achieved { "done" } else { &row.why });
            rows.push(row);
        }
    }
    print_table(&rows);
    Ok(())
}

fn listed(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    Ok(paths)
}

fn carry_out(program: &Path, goal: &Path, name: &str, options: &[String]) -> Result<Row, String> {
    let workspace =
        std::env::temp_dir().join(format!("leadhand-goal-{}-{name}", std::process::id()));
    copy(&goal.join("files"), &workspace)?;
    let began = Instant::now();
    let output = Command::new(program)
        .args(["run", "--json", "--autonomy", "L4", "--goal-file"])
        .arg(goal.join("goal.toml"))
        .arg("-C")
        .arg(&workspace)
        .args(options)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("{}: {error}", program.display()))?;
    let seconds = began.elapsed().as_secs();
    let text = String::from_utf8_lossy(&output.stdout);
    let last: Value = text
        .lines()
        .last()
        .and_then(|line| serde_json::from_str(line).ok())
        .unwrap_or_default();
    let outcome = &last["outcome"];
    let number = |field: &str| outcome[field].as_u64().unwrap_or(0);
    let row = Row {
        name: name.to_owned(),
        achieved: output.status.success(),
        why: outcome["why"]
            .as_str()
            .unwrap_or("no outcome was printed")
            .to_owned(),
        tasks: outcome["tasks"].as_array().map_or(0, Vec::len),
        turns: number("turns"),
        tool_calls: number("tool_calls"),
        tokens: (
            outcome["usage"]["input_tokens"].as_u64().unwrap_or(0),
            outcome["usage"]["output_tokens"].as_u64().unwrap_or(0),
        ),
        seconds,
    };
    if row.achieved {
        fs::remove_dir_all(&workspace)
            .map_err(|error| format!("{}: {error}", workspace.display()))?;
    } else {
        eprintln!("{name}: what it left is in {}", workspace.display());
    }
    Ok(row)
}

fn copy(from: &Path, to: &Path) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{}: {error}", to.display());
    fs::create_dir_all(to).map_err(failed)?;
    for path in listed(from)? {
        let target = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            copy(&path, &target)?;
        } else {
            fs::copy(&path, &target).map_err(failed)?;
        }
    }
    Ok(())
}

fn print_table(rows: &[Row]) {
    println!("| goal | achieved | tasks | turns | tool calls | tokens in / out | seconds |");
    println!("|---|---|---|---|---|---|---|");
    for row in rows {
        let (input, output) = row.tokens;
        println!(
            "| {} | {} | {} | {} | {} | {input} / {output} | {} |",
            row.name,
            if row.achieved { "yes" } else { "no" },
            row.tasks,
            row.turns,
            row.tool_calls,
            row.seconds
        );
    }
    let achieved = rows.iter().filter(|row| row.achieved).count();
    println!("\n{achieved} of {} achieved.", rows.len());
    for row in rows.iter().filter(|row| !row.achieved) {
        println!("- {}: {}", row.name, row.why);
    }
}

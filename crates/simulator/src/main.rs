//! Plays seeds and scripts from the command line, for a night or for one failure.

use leadhand_simulator::invariant::{ALL, Broken, check};
use leadhand_simulator::script::Script;
use leadhand_simulator::shrink::shrink;
use leadhand_simulator::soak::{SoakSettings, soak};
use leadhand_simulator::sweep::{Swept, sweep};
use leadhand_simulator::trace::{Forking, Trace};
use leadhand_simulator::{expand, play};
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

const USAGE: &str = "\
Plays simulated runs and says what does not hold of them.

  --seeds N          plays N seeds, on all cores
  --from N           beginning with the seed N (0)
  --seed N           plays one seed, and shows its journal
  --script FILE      plays the script in FILE, and shows its journal
  --soak MINUTES     has 1000 runs at once on a real disk for so long, with faults
  --runs N           has so many in place of 1000
  --out FILE         where the shortest script of a failure goes (simulator-failure.json)
  --threads N        on so many threads (as many as there are cores)
";

/// Seeds between two lines of progress.
const STRIDE: u64 = 10_000;

/// What the command line asks for.
#[derive(Default)]
struct Wanted {
    seeds: Option<u64>,
    from: u64,
    seed: Option<u64>,
    script: Option<PathBuf>,
    soak_minutes: Option<u64>,
    runs: Option<usize>,
    out: Option<PathBuf>,
    threads: Option<usize>,
}

fn main() -> ExitCode {
    match wanted().and_then(|wanted| run(&wanted)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            say(&why);
            ExitCode::from(2)
        }
    }
}

/// Nobody is left to be told when standard output is closed.
fn say(line: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

fn wanted() -> Result<Wanted, String> {
    let mut wanted = Wanted::default();
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        if !matches!(
            name.as_str(),
            "--seeds"
                | "--from"
                | "--seed"
                | "--script"
                | "--soak"
                | "--out"
                | "--threads"
                | "--runs"
        ) {
            return Err(USAGE.to_owned());
        }
        let value = arguments
            .next()
            .ok_or_else(|| format!("{name} wants a value\n\n{USAGE}"))?;
        let number = || {
            value
                .parse::<u64>()
                .map_err(|error| format!("{name} {value}: {error}"))
        };
        match name.as_str() {
            "--seeds" => wanted.seeds = Some(number()?),
            "--from" => wanted.from = number()?,
            "--seed" => wanted.seed = Some(number()?),
            "--soak" => wanted.soak_minutes = Some(number()?),
            "--runs" => wanted.runs = usize::try_from(number()?).ok(),
            "--threads" => wanted.threads = usize::try_from(number()?).ok(),
            "--script" => wanted.script = Some(value.into()),
            _ => wanted.out = Some(value.into()),
        }
    }
    Ok(wanted)
}

/// Whether all holds.
fn run(wanted: &Wanted) -> Result<bool, String> {
    if let Some(minutes) = wanted.soak_minutes {
        let usual = SoakSettings::default();
        let settings = SoakSettings {
            time: Duration::from_secs(minutes.saturating_mul(60)),
            runs: wanted.runs.unwrap_or(usual.runs),
            threads: wanted.threads.unwrap_or(usual.threads),
        };
        let soaked = soak(&settings, &say).map_err(|error| error.to_string())?;
        return Ok(soaked.faults.is_empty());
    }
    if let Some(file) = &wanted.script {
        let json = std::fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
        let script: Script = serde_json::from_slice(&json)
            .map_err(|error| format!("{} is no script: {error}", file.display()))?;
        return show(&script);
    }
    if let Some(seed) = wanted.seed {
        let script = expand(seed);
        let holds = show(&script)?;
        if !holds {
            shorten(&script, wanted)?;
        }
        return Ok(holds);
    }
    match wanted.seeds {
        Some(seeds) => many(seeds, wanted),
        None => Err(USAGE.to_owned()),
    }
}

fn many(seeds: u64, wanted: &Wanted) -> Result<bool, String> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = wanted.threads.unwrap_or(cores);
    let end = wanted.from.saturating_add(seeds);
    let mut at = wanted.from;
    while at < end {
        let to = end.min(at.saturating_add(STRIDE));
        let swept = sweep(at..to, threads).map_err(|error| error.to_string())?;
        tell(&swept, at, to);
        if let Some((seed, _)) = swept.failures.first() {
            shorten(&expand(*seed), wanted)?;
            return Ok(false);
        }
        at = to;
    }
    Ok(true)
}

fn tell(swept: &Swept, from: u64, to: u64) {
    let seconds = swept.took.as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "it is shown with no decimals")]
    let rate = swept.seeds as f64 / seconds.max(0.001);
    say(&format!(
        "seeds {from} to {}: {rate:.0} a second, {} failures",
        to.saturating_sub(1),
        swept.failures.len()
    ));
    for (what, times) in &swept.seen {
        say(&format!("  {times:>9}  {what}"));
    }
    for (seed, broken) in &swept.failures {
        say(&format!("seed {seed}: {}", told(broken)));
    }
}

fn told(broken: &Broken) -> String {
    let mut all = ALL.iter();
    let says = all.find(|invariant| invariant.name == broken.invariant);
    format!(
        "`{}` does not hold ({}): {}",
        broken.invariant,
        says.map_or("", |invariant| invariant.says),
        broken.seen
    )
}

/// Plays one script and shows what came of it; gives whether all holds.
fn show(script: &Script) -> Result<bool, String> {
    let trace = play(script).map_err(|error| error.to_string())?;
    show_trace(&trace)?;
    match &trace.branch {
        None => {}
        Some(Forking::Refused(why)) => say(&format!("not forked: {why}")),
        Some(Forking::Broken(why)) => say(&format!("forking broke: {why}")),
        Some(Forking::Made(branch)) => {
            say(&format!("its branch from record {} on:", branch.at));
            show_trace(&branch.trace)?;
        }
    }
    let broken = check(&trace);
    for broken in &broken {
        say(&told(broken));
    }
    Ok(broken.is_empty())
}

fn show_trace(trace: &Trace) -> Result<(), String> {
    for record in &trace.records {
        let event = serde_json::to_string(&record.event).map_err(|error| error.to_string())?;
        say(&format!("{:>4} {} {event}", record.seq, record.at_ms));
    }
    for (life, ended) in trace.lives.iter().enumerate() {
        say(&format!("life {life}: {ended:?}"));
    }
    for given in &trace.given {
        say(&format!("ordered: {given:?}"));
    }
    for deed in &trace.deeds {
        say(&format!(
            "done: {} {} in life {}",
            deed.call, deed.tool, deed.life
        ));
    }
    Ok(())
}

/// Looks for the shortest script that breaks the same, and writes it to a file.
fn shorten(script: &Script, wanted: &Wanted) -> Result<(), String> {
    let trace = play(script).map_err(|error| error.to_string())?;
    let Some(broken) = check(&trace).into_iter().next() else {
        return Ok(());
    };
    let short = shrink(script, broken.invariant);
    let file = wanted.out.clone();
    let file = file.unwrap_or_else(|| "simulator-failure.json".into());
    std::fs::write(&file, short.to_json())
        .map_err(|error| format!("{}: {error}", file.display()))?;
    say(&format!(
        "shortest script that breaks `{}`: {} (run it again with --script)",
        broken.invariant,
        file.display()
    ));
    Ok(())
}

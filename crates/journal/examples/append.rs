//! How many durable appends a second, at both levels, with 1 and with 64 runs at once.
//!
//! Each of the writers has a run of its own and waits for each ticket before its next
//! append, as the loop does; the last column is one writer that waits for every 64th.
//! `cargo run -p leadhand-journal --example append [FOLDER]`

use leadhand_journal::{Durability, Journal, JournalError, SledJournal, Writer};
use leadhand_protocol::{AgentId, Event, Record, RunId, Seq};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long each figure is measured.
const SECONDS: u64 = 4;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args_os()
        .nth(1)
        .map_or_else(std::env::temp_dir, PathBuf::from);
    let root = folder.join(format!("leadhand-append-{}", std::process::id()));
    let mut out = std::io::stdout();
    writeln!(
        out,
        "level    writers  appends/s  median ms  p99 ms  KiB/append"
    )?;
    for durability in [Durability::Process, Durability::Disk] {
        for (writers, waits_every) in [(1, 1), (1, 64), (64, 1)] {
            let place = root.join(format!("{durability:?}-{writers}-{waits_every}"));
            let figures = measure(&place, durability, writers, waits_every)?;
            let note = if waits_every > 1 {
                "  waits for every 64th"
            } else {
                ""
            };
            writeln!(
                out,
                "{:8} {writers:7}  {figures}{note}",
                format!("{durability:?}")
            )?;
        }
    }
    std::fs::remove_dir_all(&root)?;
    Ok(())
}

fn measure(
    root: &Path,
    durability: Durability,
    writers: usize,
    waits_every: usize,
) -> Result<String, Box<dyn std::error::Error>> {
    let journal = SledJournal::open_root(root, durability);
    let mut runs = Vec::new();
    for number in 0..writers {
        runs.push(journal.create(&RunId::new(format!("run-{number}"))?)?);
    }
    let began = Instant::now();
    let until = began + Duration::from_secs(SECONDS);
    let threads: Vec<_> = runs
        .into_iter()
        .map(|writer| std::thread::spawn(move || write_until(writer, until, waits_every)))
        .collect();
    let mut waits = Vec::new();
    let mut appends = 0;
    for thread in threads {
        let (count, waited) = thread.join().map_err(|_| "a writer panicked")??;
        appends += count;
        waits.extend(waited);
    }
    let rate = appends as f64 / began.elapsed().as_secs_f64();
    waits.sort();
    let at = |part: f64| waits[((waits.len() - 1) as f64 * part) as usize].as_secs_f64() * 1e3;
    let kib = bytes_under(root)? as f64 / 1024.0 / appends as f64;
    Ok(format!(
        "{rate:9.0}  {:9.2}  {:6.2}  {kib:10.2}",
        at(0.5),
        at(0.99)
    ))
}

fn write_until(
    mut writer: Box<dyn Writer>,
    until: Instant,
    waits_every: usize,
) -> Result<(u64, Vec<Duration>), JournalError> {
    let mut waits = Vec::new();
    let mut tickets = Vec::new();
    while Instant::now() < until {
        let asked = Instant::now();
        tickets.push(writer.append(&[record(writer.next_seq())])?);
        if tickets.len() == waits_every {
            for ticket in tickets.drain(..) {
                ticket.wait()?;
            }
            waits.push(asked.elapsed());
        }
    }
    Ok((writer.next_seq(), waits))
}

/// About 256 bytes of JSON.
fn record(seq: Seq) -> Record {
    Record {
        seq,
        at_ms: 1_764_000_000_000,
        event: Event::OutputGiven {
            agent: AgentId(1),
            content: "x".repeat(160),
        }
        .into(),
    }
}

fn bytes_under(folder: &Path) -> std::io::Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        bytes += match entry.file_type()?.is_dir() {
            true => bytes_under(&entry.path())?,
            false => entry.metadata()?.len(),
        };
    }
    Ok(bytes)
}

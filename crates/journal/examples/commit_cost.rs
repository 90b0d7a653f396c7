//! What an append costs, measured against one group commit of sled alone: the same records, of
//! the same size, in the same groups, on the same disk, in turns.
//!
//! At level `Disk` the store alone inserts a batch, flushes and syncs its file; at level
//! `Process` it inserts and flushes.
//! `cargo run --release -p leadhand-journal --example commit_cost [FOLDER]`

use leadhand_journal::{Durability, Journal, SledJournal, Writer};
use leadhand_protocol::{AgentId, Event, Record, RunId, Seq};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Commits of each kind in a turn, and turns: short ones, so that both see the same machine, busy
/// or not.
const COMMITS_A_TURN: usize = 4;
const TURNS: usize = 500;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let folder = std::env::args_os()
        .nth(1)
        .map_or_else(std::env::temp_dir, PathBuf::from);
    let root = folder.join(format!("leadhand-commit-cost-{}", std::process::id()));
    let mut out = std::io::stdout();
    writeln!(
        out,
        "level    records a commit  bytes a record  store ms  append ms  ratio of medians  of means"
    )?;
    for durability in [Durability::Process, Durability::Disk] {
        for (records, bytes) in [(1, 160), (1, 800), (16, 160), (64, 160)] {
            let place = root.join(format!("{durability:?}-{records}-{bytes}"));
            let line = compare(&place, durability, records, bytes)?;
            writeln!(out, "{line}")?;
        }
    }
    std::fs::remove_dir_all(&root)?;
    Ok(())
}

fn compare(
    place: &Path,
    durability: Durability,
    records: usize,
    bytes: usize,
) -> Result<String, Failure> {
    let journal = SledJournal::open_root(place.join("journal"), durability);
    let mut writer = journal.create(&RunId::new("run-1")?)?;
    let alone = place.join("alone");
    let store = sled::Config::new()
        .path(&alone)
        .cache_capacity(leadhand_journal::CACHE_BYTES)
        .flush_every_ms(None)
        .open()?;
    let (mut of_store, mut of_journal) = (Vec::new(), Vec::new());
    let mut seq = 0;
    for _ in 0..TURNS {
        for _ in 0..COMMITS_A_TURN {
            let values = (seq..seq + records as Seq).map(|seq| value(seq, bytes));
            let values = values.collect::<Result<Vec<_>, _>>()?;
            seq += records as Seq;
            of_store.push(timed(|| commit(&store, &alone, values, durability))?);
        }
        for _ in 0..COMMITS_A_TURN {
            let begin = writer.next_seq();
            let group: Vec<_> = (begin..begin + records as Seq)
                .map(|seq| record(seq, bytes))
                .collect();
            of_journal.push(timed(|| append(writer.as_mut(), &group))?);
        }
    }
    writer.close()?;
    let value_bytes = value(0, bytes)?.1.len();
    let (store, journal) = (figures(of_store), figures(of_journal));
    Ok(format!(
        "{:8} {records:16}  {value_bytes:14}  {:8.3}  {:9.3}  {:16.2}  {:8.2}",
        format!("{durability:?}"),
        store.0,
        journal.0,
        journal.0 / store.0,
        journal.1 / store.1,
    ))
}

fn timed(work: impl FnOnce() -> Result<(), Failure>) -> Result<Duration, Failure> {
    let began = Instant::now();
    work()?;
    Ok(began.elapsed())
}

/// Median and mean, in milliseconds.
fn figures(mut took: Vec<Duration>) -> (f64, f64) {
    took.sort();
    let sum: Duration = took.iter().sum();
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    (ms(took[took.len() / 2]), ms(sum) / took.len() as f64)
}

fn append(writer: &mut dyn Writer, records: &[Record]) -> Result<(), Failure> {
    Ok(writer.append(records)?.wait()?)
}

fn commit(
    store: &sled::Db,
    folder: &Path,
    values: Vec<([u8; 8], Vec<u8>)>,
    durability: Durability,
) -> Result<(), Failure> {
    let mut batch = sled::Batch::default();
    for (key, value) in values {
        batch.insert(&key, value);
    }
    store.apply_batch(batch)?;
    store.flush()?;
    if durability == Durability::Disk {
        File::open(folder.join("db"))?.sync_data()?;
    }
    Ok(())
}

/// As long as what the journal stores of the record: six bytes and its JSON.
fn value(seq: Seq, bytes: usize) -> Result<([u8; 8], Vec<u8>), Failure> {
    let mut value = vec![0; 6];
    value.extend(serde_json::to_vec(&record(seq, bytes))?);
    Ok((seq.to_be_bytes(), value))
}

fn record(seq: Seq, bytes: usize) -> Record {
    Record {
        seq,
        at_ms: 1_764_000_000_000,
        event: Event::OutputGiven {
            agent: AgentId(1),
            content: "x".repeat(bytes),
        }
        .into(),
    }
}

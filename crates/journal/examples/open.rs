//! How long a run of 100,000 events takes to open for a resume: with a snapshot near its end,
//! and from its first record.
//!
//! `cargo run --release -p leadhand-journal --example open [FOLDER]`

use leadhand_journal::{Durability, Journal, JournalError, SledJournal};
use leadhand_protocol::{AgentId, Event, Record, RunId, Seq};
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

const RECORDS: Seq = 100_000;

/// How many records come after the snapshot.
const AFTER: Seq = 1_000;

/// The state of such a run, as a guess: half of its texts.
const STATE_BYTES: usize = 20_000_000;

const ROUNDS: usize = 7;

/// How long it took to open the writer, to unpack the snapshot and to read the records.
type Parts = [Duration; 3];

fn sum(parts: Parts) -> Duration {
    parts.iter().sum()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args_os()
        .nth(1)
        .map_or_else(std::env::temp_dir, PathBuf::from);
    let root = folder.join(format!("leadhand-open-{}", std::process::id()));
    let run = RunId::new("run-1")?;
    let mut out = std::io::stdout();
    let bytes = write(&root, &run)?;
    writeln!(out, "{RECORDS} records, {bytes} bytes of JSON")?;
    writeln!(
        out,
        "median ms                                 open  snapshot  records      sum"
    )?;
    let with_snapshot = median(|| resume(&root, &run, true))?;
    let from_0 = median(|| resume(&root, &run, false))?;
    for (what, took) in [
        ("with a snapshot before the last 1,000", with_snapshot),
        ("from the first record", from_0),
    ] {
        let [open, snapshot, records] = took.map(|it| it.as_secs_f64() * 1e3);
        let sum = sum(took).as_secs_f64() * 1e3;
        writeln!(
            out,
            "{what:38} {open:7.1}  {snapshot:8.1}  {records:7.1}  {sum:7.1}"
        )?;
    }
    let ratio = sum(from_0).as_secs_f64() / sum(with_snapshot).as_secs_f64();
    writeln!(out, "from the first record: {ratio:.1} times as long")?;
    std::fs::remove_dir_all(&root)?;
    Ok(())
}

fn write(root: &PathBuf, run: &RunId) -> Result<usize, JournalError> {
    let journal = SledJournal::open_root(root, Durability::Process);
    let mut writer = journal.create(run)?;
    let mut bytes = 0;
    while writer.next_seq() < RECORDS {
        let begin = writer.next_seq();
        let records: Vec<_> = (begin..begin + 100).map(record).collect();
        bytes += serde_json::to_vec(&records).map_or(0, |json| json.len());
        writer.append(&records)?.wait()?;
        if writer.next_seq() == RECORDS - AFTER {
            writer.set_snapshot(RECORDS - AFTER, "state 1", text(7, STATE_BYTES).as_bytes())?;
        }
    }
    writer.close()?;
    Ok(bytes)
}

/// What a resume does before the first decision, without what it makes of the records.
fn resume(root: &PathBuf, run: &RunId, with_snapshot: bool) -> Result<Parts, JournalError> {
    let began = Instant::now();
    let journal = SledJournal::open_root(root, Durability::Process);
    let writer = journal.open(run)?;
    let open = began.elapsed();
    let snapshot = match with_snapshot {
        true => journal.snapshot(run)?,
        false => None,
    };
    let unpacked = began.elapsed();
    let from = snapshot.as_ref().map_or(0, |snapshot| snapshot.next_seq);
    let history = journal.read_from(run, from)?;
    let read = began.elapsed();
    assert_eq!(from + history.records.len() as Seq, writer.next_seq());
    assert_eq!(snapshot.is_some(), with_snapshot);
    Ok([open, unpacked - open, read - unpacked])
}

/// The parts of a round with the median sum.
fn median(mut measure: impl FnMut() -> Result<Parts, JournalError>) -> Result<Parts, JournalError> {
    let mut took = (0..ROUNDS)
        .map(|_| measure())
        .collect::<Result<Vec<_>, _>>()?;
    took.sort_by_key(|parts| sum(*parts));
    Ok(took[ROUNDS / 2])
}

/// Of a hundred records 70 are small, 20 larger, 7 deflated and 3 in blobs.
fn record(seq: Seq) -> Record {
    let bytes = match seq % 100 {
        0..70 => 120,
        70..90 => 600,
        90..97 => 2_000,
        _ => 6_000,
    };
    Record {
        seq,
        at_ms: 1_764_000_000_000 + seq,
        event: Event::OutputGiven {
            agent: AgentId(1),
            content: text(seq, bytes),
        }
        .into(),
    }
}

/// Words that are not the same twice, with what JSON has to escape.
fn text(seed: u64, bytes: usize) -> String {
    let mut random = seed;
    let mut text = String::with_capacity(bytes + 16);
    while text.len() < bytes {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let word = (random >> 40) % 5_000;
        text.push_str(&format!("{word:x}"));
        text.push_str(if word.is_multiple_of(12) { "\n\"" } else { " " });
    }
    text
}

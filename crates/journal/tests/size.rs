//! What a run takes on disk, as the system counts it: whole blocks, and folders too.

#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]
#![allow(clippy::print_stdout, reason = "the figure is wanted")]

use flate2::read::MultiGzDecoder;
use leadhand_journal::{Durability, Journal, SledJournal, TAIL_BYTES_MAX};
use leadhand_protocol::{AgentId, CallId, Event, Record, RunId, ToolOutput};
use serde_json::{Value, json};
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

/// What 100 model calls may take.
const BYTES_MAX: u64 = 2_000_000;

/// Text without end for replies and results of tools.
struct Text {
    source: Vec<u8>,
    at: usize,
}

impl Text {
    /// Words in an order that no compressor foresees; more is saved on what agents write.
    fn made_up() -> Self {
        let mut random: u64 = 0x1EAD;
        let mut next = |below: u64| {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) % below
        };
        let words: Vec<String> = (0..3_000)
            .map(|_| {
                let letters = 2 + next(9);
                (0..letters)
                    .map(|_| (b'a' + next(26) as u8) as char)
                    .collect()
            })
            .collect();
        let mut source = String::new();
        while source.len() < 1_500_000 {
            source.push_str(&words[next(3_000) as usize]);
            source.push(if next(12) == 0 { '\n' } else { ' ' });
        }
        Self {
            source: source.into_bytes(),
            at: 0,
        }
    }

    /// What real agents read and wrote.
    fn real(file: &Path) -> Self {
        let mut lines = String::new();
        let file = File::open(file).unwrap();
        MultiGzDecoder::new(file)
            .read_to_string(&mut lines)
            .unwrap();
        let mut source = Vec::new();
        for line in lines.lines() {
            let run: Value = serde_json::from_str(line).unwrap();
            for step in run["steps"].as_array().into_iter().flatten() {
                for part in ["text", "observation"] {
                    source.extend(step[part].as_str().unwrap_or_default().bytes());
                }
            }
        }
        Self { source, at: 0 }
    }

    fn take(&mut self, bytes: usize) -> String {
        let from = self.at;
        self.at = (from + bytes) % self.source.len();
        let cycle = self.source.iter().cycle();
        let taken: Vec<u8> = cycle.skip(from).take(bytes).copied().collect();
        String::from_utf8_lossy(&taken).into_owned()
    }
}

/// What one run of 100 model calls appends: its beginning, and for each call an order, a reply
/// of 2 to 5 KB, an order of a tool and its result of 1 to 10 KB. The conversation grows to
/// 0.9 MB, and no record holds what another holds already.
fn records(text: &mut Text) -> Vec<Record> {
    let told = |text: String| Event::Told {
        agent: AgentId(1),
        fault: false,
        text,
    };
    let mut events = vec![told(text.take(40_000))];
    for turn in 0..100_u32 {
        events.push(told(text.take(60)));
        events.push(Event::OutputGiven {
            agent: AgentId(1),
            content: text.take(2_000 + turn as usize * 37 % 3_000),
        });
        events.push(told(text.take(400)));
        let call: CallId =
            serde_json::from_value(json!({"agent": 1, "turn": turn, "index": 0})).unwrap();
        events.push(Event::ToolFinished {
            call,
            outcome: Ok(ToolOutput::text(
                text.take(1_000 + turn as usize * 911 % 9_000),
            )),
        });
    }
    let place = |(seq, event)| Record {
        seq,
        at_ms: 1_764_000_000_000 + seq * 900,
        event: Arc::new(event),
    };
    (0..).zip(events).map(place).collect()
}

fn on_disk(path: &Path) -> (u64, u64) {
    let about = path.metadata().unwrap();
    let (mut bytes, mut files) = (about.blocks() * 512, 1);
    if about.is_dir() {
        for entry in path.read_dir().unwrap() {
            let (more_bytes, more_files) = on_disk(&entry.unwrap().path());
            bytes += more_bytes;
            files += more_files;
        }
    }
    (bytes, files)
}

fn check(name: &str, tail_bytes_max: u64, mut text: Text) {
    let root = tempfile::tempdir().unwrap();
    let journal = SledJournal::open_root(root.path(), Durability::Process)
        .with_tail_bytes_max(tail_bytes_max);
    let run = RunId::new("run-1").unwrap();
    let mut writer = journal.create(&run).unwrap();
    let records = records(&mut text);
    let plain = serde_json::to_vec(&records).unwrap().len();
    for record in &records {
        writer
            .append(std::slice::from_ref(record))
            .unwrap()
            .wait()
            .unwrap();
    }
    writer.close().unwrap();
    assert!(journal.read(&run).unwrap().records == records);
    let (bytes, files) = on_disk(root.path());
    let (blobs, _) = on_disk(&root.path().join("blobs"));
    println!(
        "{name}, {tail_bytes_max} bytes in the tail: {plain} bytes of records take {bytes} on disk, {blobs} of them blobs, {files} files and folders"
    );
    assert!(bytes < BYTES_MAX, "{name}: {bytes} bytes on disk");
}

#[test]
fn a_hundred_model_calls_take_less_than_two_megabytes() {
    let shared = std::env::var_os("LEADHAND_SHARED");
    if shared.is_none() {
        println!("LEADHAND_SHARED is not set: real texts were not tried");
    }
    // All in the tail, and all in the store.
    for tail_bytes_max in [TAIL_BYTES_MAX, 0] {
        check("made up", tail_bytes_max, Text::made_up());
        if let Some(shared) = &shared {
            let file = Path::new(shared).join("data/loops.jsonl.gz");
            check("real", tail_bytes_max, Text::real(&file));
        }
    }
}

/// The same result of a tool, of a megabyte, ten times in one run, and the answer that quotes it.
#[test]
fn a_result_that_comes_ten_times_is_stored_once_and_deflated() {
    let root = tempfile::tempdir().unwrap();
    let journal = SledJournal::open_root(root.path(), Durability::Process);
    let run = RunId::new("run-1").unwrap();
    let result = Text::made_up().take(1_000_000);
    let finished = |turn: u32| Event::ToolFinished {
        call: serde_json::from_value(json!({"agent": 1, "turn": turn, "index": 0})).unwrap(),
        outcome: Ok(ToolOutput::text(result.clone())),
    };
    let output = Event::OutputGiven {
        agent: AgentId(1),
        content: result.clone(),
    };
    let events = (0..10).map(finished).chain([output]);
    let place = |(seq, event)| Record {
        seq,
        at_ms: 1_764_000_000_000,
        event: Arc::new(event),
    };
    let records: Vec<Record> = (0..).zip(events).map(place).collect();
    let mut writer = journal.create(&run).unwrap();
    for record in &records {
        let one = std::slice::from_ref(record);
        writer.append(one).unwrap().wait().unwrap();
    }
    writer.close().unwrap();
    assert!(journal.read(&run).unwrap().records == records);
    let (bytes, _) = on_disk(root.path());
    let blobs = root.path().join("blobs").read_dir().unwrap().count();
    println!("11 times 1,000,000 bytes take {bytes} on disk, {blobs} payloads");
    assert_eq!(blobs, 1);
    assert!(bytes < 500_000, "{bytes} bytes on disk");
}

//! What every journal must do, run against each of them. One table with its cases: a journal
//! that passes this file is one.

#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]
#![allow(clippy::print_stdout, reason = "a failing case is named")]

use leadhand_journal::{
    Chain, Durability, Journal, JournalError, MemoryJournal, SNAPSHOT_BYTES_MAX, SledJournal,
    Snapshot, TAIL_BYTES_MAX, Verified, Writer,
};
use leadhand_protocol::{AgentId, ContentHash, Event, Record, RunId, Seq};
use serde_json::json;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

/// What must hold, and how it is seen in a journal without runs.
type Case = (&'static str, fn(&dyn Journal));

const CASES: &[Case] = &[
    ("records come back in order", records_come_back_in_order),
    (
        "an append out of order is refused",
        an_append_out_of_order_is_refused,
    ),
    ("a second create is refused", a_second_create_is_refused),
    ("a second writer is refused", a_second_writer_is_refused),
    (
        "a run goes on where it was left",
        a_run_goes_on_where_it_was_left,
    ),
    ("dropping a writer closes it", dropping_a_writer_closes_it),
    (
        "large records come back whole",
        large_records_come_back_whole,
    ),
    ("deep records come back whole", deep_records_come_back_whole),
    (
        "a live run can be read beside its writer",
        a_live_run_can_be_read_beside_its_writer,
    ),
    (
        "a status is shown as it was set",
        a_status_is_shown_as_it_was_set,
    ),
    (
        "runs are listed, the last opened first",
        runs_are_listed_the_last_opened_first,
    ),
    ("an unknown run is named", an_unknown_run_is_named),
    ("runs do not mix", runs_do_not_mix),
    ("what is synced is there", what_is_synced_is_there),
    (
        "records are read from any of them on",
        records_are_read_from_any_of_them_on,
    ),
    (
        "a scan gives one record after the other and ends where it is told",
        a_scan_gives_one_record_after_the_other_and_ends_where_it_is_told,
    ),
    (
        "the chain holds, and is made of the records alone",
        the_chain_holds_and_is_made_of_the_records_alone,
    ),
    ("the last snapshot is kept", the_last_snapshot_is_kept),
    (
        "a snapshot of what is not there is refused",
        a_snapshot_of_what_is_not_there_is_refused,
    ),
    (
        "a ticket wakes whoever awaits it",
        a_ticket_wakes_whoever_awaits_it,
    ),
];

fn check(journal: impl Fn() -> Box<dyn Journal>) {
    for (name, case) in CASES {
        println!("{name}");
        case(journal().as_ref());
    }
}

#[test]
fn memory() {
    check(|| Box::new(MemoryJournal::new()));
}

#[test]
fn sled_that_survives_its_process() {
    on_disk(Durability::Process);
}

#[test]
fn sled_that_survives_a_power_cut() {
    on_disk(Durability::Disk);
}

#[cfg(feature = "redb")]
#[test]
fn redb_behind_a_short_tail() {
    for durability in [Durability::Process, Durability::Disk] {
        with_roots(|root| {
            let journal = leadhand_journal::RedbJournal::open_root(root, durability);
            Box::new(journal.with_tail_bytes_max(1_000))
        });
    }
}

/// With all records in the tail, with all of them in the store, and with some in both.
fn on_disk(durability: Durability) {
    for tail_bytes_max in [TAIL_BYTES_MAX, 0, 1_000] {
        println!("with {tail_bytes_max} bytes in the tail");
        with_roots(|root| {
            let journal = SledJournal::open_root(root, durability);
            Box::new(journal.with_tail_bytes_max(tail_bytes_max))
        });
    }
}

/// Gives each case a root of its own.
fn with_roots(journal: impl Fn(PathBuf) -> Box<dyn Journal>) {
    let folders = tempfile::tempdir().unwrap();
    let count = std::cell::Cell::new(0);
    check(|| {
        count.set(count.get() + 1);
        journal(folders.path().join(count.get().to_string()))
    });
}

fn run(name: &str) -> RunId {
    RunId::new(name).unwrap()
}

fn record(seq: Seq, bytes: usize) -> Record {
    Record {
        seq,
        at_ms: 1_764_000_000_000 + seq,
        event: Event::OutputGiven {
            agent: AgentId(1),
            content: "ä\"\n".repeat(bytes.div_ceil(4)),
        }
        .into(),
    }
}

fn records(range: std::ops::Range<Seq>) -> Vec<Record> {
    range.map(|seq| record(seq, 10)).collect()
}

fn append(writer: &mut dyn Writer, records: &[Record]) {
    writer.append(records).unwrap().wait().unwrap();
}

fn stored(journal: &dyn Journal, run: &RunId) -> Vec<Record> {
    let history = journal.read(run).unwrap();
    assert_eq!(history.damage, None);
    history.records
}

fn records_come_back_in_order(journal: &dyn Journal) {
    let mut writer = journal.create(&run("a")).unwrap();
    let mut tickets = Vec::new();
    for seq in 0..600 {
        tickets.push(writer.append(&records(seq..seq + 1)).unwrap());
    }
    append(writer.as_mut(), &records(600..700));
    // Whoever was queued before has its answer before.
    for ticket in tickets {
        ticket.wait().unwrap();
    }
    writer.close().unwrap();
    assert_eq!(stored(journal, &run("a")), records(0..700));
}

fn an_append_out_of_order_is_refused(journal: &dyn Journal) {
    let mut writer = journal.create(&run("a")).unwrap();
    append(writer.as_mut(), &records(0..2));
    for (faulty, expected, found) in [
        (records(3..4), 2, 3),
        (records(1..2), 2, 1),
        ([records(2..4), records(3..4)].concat(), 4, 3),
    ] {
        match writer.append(&faulty) {
            Err(JournalError::Gap {
                run: named,
                expected: e,
                found: f,
            }) => assert_eq!((named, e, f), (run("a"), expected, found)),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(writer.next_seq(), 2);
    append(writer.as_mut(), &records(2..3));
    writer.close().unwrap();
    assert_eq!(stored(journal, &run("a")), records(0..3));
}

fn a_second_create_is_refused(journal: &dyn Journal) {
    let mut writer = journal.create(&run("a")).unwrap();
    append(writer.as_mut(), &records(0..1));
    let refused = |journal: &dyn Journal| match journal.create(&run("a")).map(drop) {
        Err(JournalError::RunExists { run: named }) => assert_eq!(named, run("a")),
        other => panic!("{other:?}"),
    };
    refused(journal);
    writer.close().unwrap();
    refused(journal);
    assert_eq!(stored(journal, &run("a")), records(0..1));
}

fn a_second_writer_is_refused(journal: &dyn Journal) {
    let writer = journal.create(&run("a")).unwrap();
    match journal.open(&run("a")).map(drop) {
        Err(JournalError::Locked { run: named, pid }) => {
            assert_eq!((named, pid), (run("a"), std::process::id()));
        }
        other => panic!("{other:?}"),
    }
    writer.close().unwrap();
    journal.open(&run("a")).unwrap().close().unwrap();
}

fn a_run_goes_on_where_it_was_left(journal: &dyn Journal) {
    let mut next_seq = 0;
    journal.create(&run("a")).unwrap().close().unwrap();
    for _ in 0..5 {
        let mut writer = journal.open(&run("a")).unwrap();
        assert_eq!(writer.next_seq(), next_seq);
        append(writer.as_mut(), &records(next_seq..next_seq + 40));
        next_seq += 40;
        assert_eq!(writer.next_seq(), next_seq);
        writer.close().unwrap();
    }
    assert_eq!(stored(journal, &run("a")), records(0..200));
}

fn dropping_a_writer_closes_it(journal: &dyn Journal) {
    let mut writer = journal.create(&run("a")).unwrap();
    drop(writer.append(&records(0..9)).unwrap());
    drop(writer);
    assert_eq!(journal.open(&run("a")).unwrap().next_seq(), 9);
    assert_eq!(stored(journal, &run("a")), records(0..9));
}

fn large_records_come_back_whole(journal: &dyn Journal) {
    let sizes = [
        0, 1_000, 3_900, 3_940, 4_000, 4_096, 5_000, 100_000, 3_000_000,
    ];
    let written: Vec<_> = (0..)
        .zip(sizes)
        .map(|(seq, bytes)| record(seq, bytes))
        .collect();
    let mut writer = journal.create(&run("a")).unwrap();
    append(writer.as_mut(), &written);
    writer.close().unwrap();
    assert_eq!(stored(journal, &run("a")), written);
}

fn deep_records_come_back_whole(journal: &dyn Journal) {
    // As deep as a model's arguments can be when they were parsed.
    let text = format!("{}1{}", "[".repeat(127), "]".repeat(127));
    let arguments = serde_json::from_str(&text).unwrap();
    let deep = Record {
        seq: 0,
        at_ms: 0,
        event: Event::ToolCalled {
            call: serde_json::from_value(json!({"agent": 0, "turn": 0, "index": 0})).unwrap(),
            origin: leadhand_protocol::Origin::Model,
            tool_call: leadhand_protocol::ToolCall {
                id: String::new(),
                name: "read".to_owned(),
                arguments,
            }
            .into(),
            verdict: leadhand_protocol::Verdict {
                decision: leadhand_protocol::Decision::Allow,
                because: String::new(),
            },
            permit: Arc::default(),
        }
        .into(),
    };
    let mut writer = journal.create(&run("a")).unwrap();
    append(writer.as_mut(), std::slice::from_ref(&deep));
    writer.close().unwrap();
    assert_eq!(stored(journal, &run("a")), [deep]);
}

fn a_live_run_can_be_read_beside_its_writer(journal: &dyn Journal) {
    let mut writer = journal.create(&run("a")).unwrap();
    for seq in 0..20 {
        append(writer.as_mut(), &records(seq..seq + 1));
        assert_eq!(stored(journal, &run("a")), records(0..seq + 1));
    }
}

fn a_status_is_shown_as_it_was_set(journal: &dyn Journal) {
    let mut writer = journal.create(&run("a")).unwrap();
    let status = |journal: &dyn Journal| journal.runs().unwrap().remove(0).status;
    assert_eq!(status(journal), None);
    for done in 0..3 {
        let set = json!({"state": "running", "tasks": {"done": done}});
        writer.set_status(&set).unwrap();
        assert_eq!(status(journal), Some(set));
    }
    match writer.set_status(&json!("x".repeat(70_000))) {
        Err(JournalError::StatusTooLarge { bytes, .. }) => assert_eq!(bytes, 70_002),
        other => panic!("{other:?}"),
    }
    writer.close().unwrap();
    let last = json!({"state": "running", "tasks": {"done": 2}});
    assert_eq!(status(journal), Some(last));
}

fn runs_are_listed_the_last_opened_first(journal: &dyn Journal) {
    let listed = |journal: &dyn Journal| -> Vec<(String, bool)> {
        let entries = journal.runs().unwrap().into_iter();
        entries
            .map(|entry| {
                assert!(entry.live.is_none_or(|pid| pid == std::process::id()));
                (entry.run.to_string(), entry.live.is_some())
            })
            .collect()
    };
    let expect = |pairs: &[(&str, bool)]| -> Vec<(String, bool)> {
        pairs
            .iter()
            .map(|(run, live)| ((*run).to_owned(), *live))
            .collect()
    };
    assert_eq!(listed(journal), []);
    journal.create(&run("b")).unwrap().close().unwrap();
    let live = journal.create(&run("c")).unwrap();
    journal.create(&run("a")).unwrap().close().unwrap();
    assert_eq!(
        listed(journal),
        expect(&[("a", false), ("c", true), ("b", false)])
    );
    let again = journal.open(&run("b")).unwrap();
    live.close().unwrap();
    assert_eq!(
        listed(journal),
        expect(&[("b", true), ("a", false), ("c", false)])
    );
    drop(again);
}

fn an_unknown_run_is_named(journal: &dyn Journal) {
    for outcome in [
        journal.open(&run("nobody")).map(drop),
        journal.read(&run("nobody")).map(drop),
    ] {
        match outcome {
            Err(JournalError::UnknownRun { run: named, .. }) => assert_eq!(named, run("nobody")),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(journal.runs().unwrap(), []);
}

fn runs_do_not_mix(journal: &dyn Journal) {
    let names: Vec<_> = (0..16).map(|number| run(&format!("r{number}"))).collect();
    std::thread::scope(|scope| {
        for name in &names {
            scope.spawn(move || {
                let mut writer = journal.create(name).unwrap();
                for seq in 0..50 {
                    append(writer.as_mut(), &[record(seq, name.as_str().len() * 3_000)]);
                }
                writer.close().unwrap();
            });
        }
    });
    for name in &names {
        let bytes = name.as_str().len() * 3_000;
        let expected: Vec<_> = (0..50).map(|seq| record(seq, bytes)).collect();
        assert_eq!(stored(journal, name), expected);
    }
}

fn what_is_synced_is_there(journal: &dyn Journal) {
    let mut writer = journal.create(&run("a")).unwrap();
    // Nothing to sync is no reason to wait for ever.
    writer.sync().unwrap().wait().unwrap();
    for seq in 0..10 {
        let appended = writer.append(&[record(seq, seq as usize * 900)]).unwrap();
        writer.sync().unwrap().wait().unwrap();
        appended.wait().unwrap();
        assert_eq!(stored(journal, &run("a")).len() as Seq, seq + 1);
    }
    writer.close().unwrap();
}

fn records_are_read_from_any_of_them_on(journal: &dyn Journal) {
    let read = |from: Seq| {
        let history = journal.read_from(&run("a"), from).unwrap();
        assert_eq!(history.damage, None, "from {from}");
        history.records
    };
    let check = || {
        for from in [0, 1, 17, 39] {
            assert_eq!(read(from), records(from..40));
        }
        for from in [40, 41, 1_000, Seq::MAX] {
            assert_eq!(read(from), []);
        }
    };
    let mut writer = journal.create(&run("a")).unwrap();
    append(writer.as_mut(), &records(0..40));
    check();
    writer.close().unwrap();
    check();
    match journal.read_from(&run("nobody"), 3).map(drop) {
        Err(JournalError::UnknownRun { run: named, .. }) => assert_eq!(named, run("nobody")),
        other => panic!("{other:?}"),
    }
}

fn a_scan_gives_one_record_after_the_other_and_ends_where_it_is_told(journal: &dyn Journal) {
    let check = || {
        for (from, end) in [(0, 1), (0, 17), (16, 17), (5, 40)] {
            let mut seen = Vec::new();
            let damage = journal.scan(&run("a"), from, &mut |record, _| {
                let is_last = record.seq + 1 == end;
                seen.push(record);
                match is_last {
                    true => ControlFlow::Break(()),
                    false => ControlFlow::Continue(()),
                }
            });
            assert_eq!((seen, damage.unwrap()), (records(from..end), None));
        }
    };
    let mut writer = journal.create(&run("a")).unwrap();
    append(writer.as_mut(), &records(0..40));
    check();
    writer.close().unwrap();
    check();
}

/// Links as the page on journals says they are made.
fn links(name: &RunId, records: &[Record]) -> Vec<ContentHash> {
    let begin = [b"leadhand run\n", name.as_str().as_bytes()].concat();
    let mut link = ContentHash::of(&begin);
    let next = |record: &Record| {
        let event = ContentHash::of(&serde_json::to_vec(&record.event).unwrap());
        let numbers = [record.seq.to_le_bytes(), record.at_ms.to_le_bytes()].concat();
        let (before, event) = (link.digest().to_vec(), event.digest().to_vec());
        let hashed = [b"leadhand record\n".to_vec(), before, numbers, event].concat();
        link = ContentHash::of(&hashed);
        link
    };
    records.iter().map(next).collect()
}

fn the_chain_holds_and_is_made_of_the_records_alone(journal: &dyn Journal) {
    let mut all = records(0..50);
    all.extend((50..56).map(|seq| record(seq, seq as usize * 700 - 34_900)));
    let links = links(&run("a"), &all);
    let holds = |records: usize, noted: Option<Seq>| Verified {
        records: records as Seq,
        unchained: 0,
        head: links[records - 1],
        noted,
        damage: None,
    };
    let verify = |noted| journal.verify(&run("a"), noted).unwrap();

    let mut writer = journal.create(&run("a")).unwrap();
    assert_eq!(verify(None).head, Chain::of(&run("a")).head());
    append(writer.as_mut(), &all[..20]);
    assert_eq!(verify(None), holds(20, None));
    writer.close().unwrap();
    assert_eq!(verify(Some(links[19])), holds(20, Some(19)));

    let mut writer = journal.open(&run("a")).unwrap();
    for some in all[20..].chunks(7) {
        append(writer.as_mut(), some);
    }
    assert_eq!(verify(Some(links[19])), holds(56, Some(19)));
    // What is refused leaves no trace in the chain.
    writer.append(&records(3..4)).unwrap_err();
    append(writer.as_mut(), &[]);
    writer.close().unwrap();
    assert_eq!(verify(Some(ContentHash::of(b"another"))), holds(56, None));

    // The same records in another run have a chain of their own.
    let mut fork = journal.create(&run("b")).unwrap();
    append(fork.as_mut(), &all);
    fork.close().unwrap();
    let forked = journal.verify(&run("b"), None).unwrap();
    assert_eq!((forked.records, forked.damage), (56, None));
    assert_ne!(forked.head, links[55]);
    match journal.verify(&run("nobody"), None) {
        Err(JournalError::UnknownRun { run: named, .. }) => assert_eq!(named, run("nobody")),
        other => panic!("{other:?}"),
    }
}

fn the_last_snapshot_is_kept(journal: &dyn Journal) {
    let snapshot = |next_seq: Seq, format: &str, bytes: &[u8]| Snapshot {
        next_seq,
        format: format.to_owned(),
        bytes: bytes.to_vec(),
    };
    let mut writer = journal.create(&run("a")).unwrap();
    assert_eq!(journal.snapshot(&run("a")).unwrap(), None);
    writer.set_snapshot(0, "state 1", b"").unwrap();
    append(writer.as_mut(), &records(0..40));
    drop(writer.append(&records(40..50)).unwrap());
    writer.set_snapshot(20, "state 1", b"at 20").unwrap();
    let state = "at 50 ".repeat(100_000);
    writer
        .set_snapshot(50, "state 1", state.as_bytes())
        .unwrap();
    writer.close().unwrap();
    let expected = snapshot(50, "state 1", state.as_bytes());
    assert_eq!(journal.snapshot(&run("a")).unwrap(), Some(expected.clone()));

    // It is still there for whoever goes on, and stays until there is another.
    let mut writer = journal.open(&run("a")).unwrap();
    assert_eq!(journal.snapshot(&run("a")).unwrap(), Some(expected.clone()));
    append(writer.as_mut(), &records(50..60));
    assert_eq!(journal.snapshot(&run("a")).unwrap(), Some(expected));
    writer.set_snapshot(60, "state 2", &[0, 255, 10]).unwrap();
    writer.close().unwrap();
    assert_eq!(
        journal.snapshot(&run("a")).unwrap(),
        Some(snapshot(60, "state 2", &[0, 255, 10]))
    );
    match journal.snapshot(&run("nobody")).map(drop) {
        Err(JournalError::UnknownRun { run: named, .. }) => assert_eq!(named, run("nobody")),
        other => panic!("{other:?}"),
    }
}

fn a_snapshot_of_what_is_not_there_is_refused(journal: &dyn Journal) {
    let mut writer = journal.create(&run("a")).unwrap();
    append(writer.as_mut(), &records(0..5));
    match writer.set_snapshot(6, "state 1", b"") {
        Err(JournalError::SnapshotAhead {
            run: named,
            next_seq,
            found,
        }) => assert_eq!((named, next_seq, found), (run("a"), 5, 6)),
        other => panic!("{other:?}"),
    }
    let too_many = vec![0; SNAPSHOT_BYTES_MAX + 1];
    for (format, bytes) in [("state 1", too_many.as_slice()), (&"x".repeat(300), b"")] {
        match writer.set_snapshot(5, format, bytes) {
            Err(JournalError::SnapshotTooLarge { bytes: found, .. }) => {
                assert_eq!(found, bytes.len());
            }
            other => panic!("{other:?}"),
        }
    }
    writer.close().unwrap();
    assert_eq!(journal.snapshot(&run("a")).unwrap(), None);
    assert_eq!(stored(journal, &run("a")), records(0..5));
}

fn a_ticket_wakes_whoever_awaits_it(journal: &dyn Journal) {
    struct Bell(std::sync::mpsc::Sender<()>);
    impl Wake for Bell {
        fn wake(self: Arc<Self>) {
            // The test may have had its answer without being woken.
            let _ = self.0.send(());
        }
    }
    let (bell, rung) = std::sync::mpsc::channel();
    let waker = Waker::from(Arc::new(Bell(bell)));
    let mut writer = journal.create(&run("a")).unwrap();
    let mut ticket = std::pin::pin!(writer.append(&records(0..1)).unwrap());
    loop {
        match ticket.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(outcome) => break outcome.unwrap(),
            Poll::Pending => rung.recv().unwrap(),
        }
    }
}

//! What an append becomes: the frames that go into the tail, made in one buffer.

use crate::format::{
    DEPTH_MAX, Deflated, EVENT_DEFLATED, EVENT_IN_BLOB, HEADER_BYTES, RECORD_BYTES_MAX, Reference,
    VALUE_BYTES_MAX, seal_in_place, too_deep,
};
use crate::pack::{self, MANY};
use crate::tail::{FRAME_BYTES_MAX, LENGTH_BYTES};
use crate::{JournalError, packed};
use leadhand_protocol::{ContentHash, Record, RunId, Seq};
use serde::Serialize;

/// From this size on a body's event is deflated, in bytes. With smaller ones the time would not be
/// repaid.
const DEFLATE_FROM_BYTES: usize = 1024;

/// What stands in the body of a record before its event, without the digits of `seq` and time.
const BEFORE_EVENT: &str = "{\"seq\":,\"at_ms\":,\"event\":";

/// Records ready to be stored.
#[derive(Debug, Default)]
pub(crate) struct Append {
    /// Whole frames.
    pub(crate) frames: Vec<u8>,
    /// How many records are in them.
    pub(crate) records: Seq,
    /// What must be stored by its hash before the frames are.
    pub(crate) blobs: Vec<(ContentHash, Vec<u8>)>,
}

impl Append {
    pub(crate) fn bytes(&self) -> usize {
        let blobs = self.blobs.iter().map(|(_, content)| content.len());
        self.frames.len() + blobs.sum::<usize>()
    }
}

/// Encodes records that follow on each other; `buffer` is used again for what becomes of them.
pub(crate) fn encode(
    run: &RunId,
    records: &[Record],
    buffer: Vec<u8>,
) -> Result<Append, JournalError> {
    let mut append = Append {
        frames: buffer,
        ..Append::default()
    };
    append.frames.clear();
    let Some(first) = records.first() else {
        return Ok(append);
    };
    let mut frame = open_frame(&mut append.frames, first.seq);
    for record in records {
        // Nearly always one frame holds all.
        if append.frames.len() - frame > FRAME_BYTES_MAX - 2 * VALUE_BYTES_MAX {
            close_frame(&mut append.frames, frame);
            frame = open_frame(&mut append.frames, record.seq);
        }
        let at = append.frames.len();
        append.frames.extend([0; pack::EACH_BYTES]);
        let blob = encode_value(run, record, &mut append.frames)?;
        append.blobs.extend(blob);
        let bytes = append.frames.len() - at - pack::EACH_BYTES;
        write_length(&mut append.frames[at..], bytes);
    }
    close_frame(&mut append.frames, frame);
    append.records = records.len() as Seq;
    Ok(append)
}

/// Begins a frame; gives where.
fn open_frame(frames: &mut Vec<u8>, begin: Seq) -> usize {
    let at = frames.len();
    frames.extend([0; LENGTH_BYTES + HEADER_BYTES]);
    frames.extend(begin.to_le_bytes());
    at
}

fn close_frame(frames: &mut [u8], at: usize) {
    let bytes = frames.len() - at - LENGTH_BYTES;
    write_length(&mut frames[at..], bytes);
    seal_in_place(MANY, &mut frames[at + LENGTH_BYTES..]);
}

fn write_length(at: &mut [u8], bytes: usize) {
    // Frames and values are far shorter than four bytes can say.
    let bytes = u32::try_from(bytes).unwrap_or(u32::MAX).to_le_bytes();
    at[..bytes.len()].copy_from_slice(&bytes);
}

/// Writes a record's value behind what stands in `out`; gives the blob that it refers to.
fn encode_value(
    run: &RunId,
    record: &Record,
    out: &mut Vec<u8>,
) -> Result<Option<(ContentHash, Vec<u8>)>, JournalError> {
    let at = out.len();
    write_body(run, record, record, out)?;
    let value = &out[at..];
    let digits = |number: u64| number.checked_ilog10().unwrap_or(0) as usize + 1;
    let begin = HEADER_BYTES + BEFORE_EVENT.len() + digits(record.seq) + digits(record.at_ms);
    debug_assert!(
        value
            .get(..begin)
            .is_some_and(|it| it.ends_with(b"\"event\":"))
    );
    // The body closes one brace behind the event.
    let event = value.get(begin..value.len() - 1).unwrap_or_default();
    if event.len() > RECORD_BYTES_MAX {
        return Err(JournalError::RecordTooLarge {
            run: run.clone(),
            seq: record.seq,
            bytes: event.len(),
            bytes_max: RECORD_BYTES_MAX,
        });
    }
    if too_deep(event) {
        let what = format!("it is nested more than {DEPTH_MAX} deep");
        return Err(unencodable(run, record, what));
    }
    if value.len() > VALUE_BYTES_MAX {
        let event = event.to_vec();
        let reference = Reference {
            seq: record.seq,
            at_ms: record.at_ms,
            event: ContentHash::of(&event),
            bytes: event.len() as u64,
        };
        out.truncate(at);
        write_body(run, record, &reference, out)?;
        seal_in_place(EVENT_IN_BLOB, &mut out[at..]);
        return Ok(Some((reference.event, event)));
    }
    if event.len() >= DEFLATE_FROM_BYTES
        && let (packed::DEFLATED, deflated) = packed::pack(event)
    {
        let about = Deflated {
            seq: record.seq,
            at_ms: record.at_ms,
            bytes: event.len(),
            deflated_bytes: deflated.len(),
        };
        let (deflated, plain_bytes) = (deflated.into_owned(), out.len());
        write_body(run, record, &about, out)?;
        out.extend(deflated);
        // The shorter of the two stays.
        if out.len() - plain_bytes < plain_bytes - at {
            out.drain(at..plain_bytes);
            seal_in_place(EVENT_DEFLATED, &mut out[at..]);
            return Ok(None);
        }
        out.truncate(plain_bytes);
    }
    seal_in_place(0, &mut out[at..]);
    Ok(None)
}

/// Room for a header, and a body behind it.
fn write_body(
    run: &RunId,
    record: &Record,
    body: &impl Serialize,
    out: &mut Vec<u8>,
) -> Result<(), JournalError> {
    out.extend([0; HEADER_BYTES]);
    serde_json::to_writer(out, body).map_err(|error| unencodable(run, record, error.to_string()))
}

fn unencodable(run: &RunId, record: &Record, what: String) -> JournalError {
    JournalError::Unencodable {
        run: run.clone(),
        seq: record.seq,
        what,
    }
}

//! What an append becomes: the frames that go into the tail, made in one buffer.

use crate::chain::Chain;
use crate::format::{
    BEFORE_BODY_BYTES, DEPTH_MAX, Deflated, EVENT_DEFLATED, EVENT_IN_BLOB, HEADER_BYTES,
    RECORD_BYTES_MAX, Reference, TEXTS_IN_BLOBS, VALUE_BYTES_MAX, plain, seal_in_place,
    seal_record, too_deep,
};
use crate::pack::{self, MANY};
use crate::shared::{Shared, Text, long_texts, rest};
use crate::tail::{FRAME_BYTES_MAX, LENGTH_BYTES};
use crate::{JournalError, packed};
use leadhand_protocol::{ContentHash, Record, RunId, Seq};
use serde::Serialize;

/// From this size on a body's event is deflated, in bytes. With smaller ones the time would not be
/// repaid.
const DEFLATE_FROM_BYTES: usize = 1024;

/// Records ready to be stored.
#[derive(Debug, Default)]
pub(crate) struct Append {
    /// Whole frames.
    pub(crate) frames: Vec<u8>,
    /// How many records are in them.
    pub(crate) records: Seq,
    /// The link of the last of them; none where there is none.
    pub(crate) link: Option<ContentHash>,
    /// What must be stored by its hash before the frames are.
    pub(crate) blobs: Vec<(ContentHash, Vec<u8>)>,
}

impl Append {
    pub(crate) fn bytes(&self) -> usize {
        let blobs = self.blobs.iter().map(|(_, content)| content.len());
        self.frames.len() + blobs.sum::<usize>()
    }
}

/// Encodes records that follow on each other and on the one with the link `before`; `buffer` is used
/// again for what becomes of them.
pub(crate) fn encode(
    run: &RunId,
    before: ContentHash,
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
    let mut chain = Chain::after(run, before);
    let mut frame = open_frame(&mut append.frames, first.seq);
    for record in records {
        // Nearly always one frame holds all.
        if append.frames.len() - frame > FRAME_BYTES_MAX - 2 * VALUE_BYTES_MAX {
            close_frame(&mut append.frames, frame);
            frame = open_frame(&mut append.frames, record.seq);
        }
        let at = append.frames.len();
        append.frames.extend([0; pack::EACH_BYTES]);
        let blobs = encode_value(run, record, &mut chain, &mut append.frames)?;
        append.blobs.extend(blobs);
        let bytes = append.frames.len() - at - pack::EACH_BYTES;
        write_length(&mut append.frames[at..], bytes);
    }
    close_frame(&mut append.frames, frame);
    append.records = records.len() as Seq;
    append.link = Some(chain.head());
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

/// Payloads, each by its hash.
type Blobs = Vec<(ContentHash, Vec<u8>)>;

/// Writes a record's value behind what stands in `out`; gives the blobs that it refers to.
fn encode_value(
    run: &RunId,
    record: &Record,
    chain: &mut Chain,
    out: &mut Vec<u8>,
) -> Result<Blobs, JournalError> {
    let at = out.len();
    write_body(run, record, record, out)?;
    let value = &out[at..];
    let (_, _, event) = plain(&value[BEFORE_BODY_BYTES..])
        .expect("the body of a record begins with what is looked for in it");
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
    let hash = ContentHash::of(event);
    let link = chain.next(record.seq, record.at_ms, hash);
    if value.len() > VALUE_BYTES_MAX {
        let event = event.to_vec();
        out.truncate(at);
        let (flags, blobs) = write_large(run, record, hash, event, out)?;
        seal_record(flags, link, &mut out[at..]);
        return Ok(blobs);
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
            seal_record(EVENT_DEFLATED, link, &mut out[at..]);
            return Ok(Blobs::new());
        }
        out.truncate(plain_bytes);
    }
    seal_record(0, link, &mut out[at..]);
    Ok(Blobs::new())
}

/// Writes a body that refers to blobs: to the event's long texts if the rest fits into the value,
/// else to the event as one. Gives its flags.
fn write_large(
    run: &RunId,
    record: &Record,
    hash: ContentHash,
    event: Vec<u8>,
    out: &mut Vec<u8>,
) -> Result<(u8, Blobs), JournalError> {
    let (seq, at_ms, at) = (record.seq, record.at_ms, out.len());
    let places = long_texts(&event);
    let blobs = places.iter().map(|place| {
        let text = event[place.clone()].to_vec();
        (ContentHash::of(&text), text)
    });
    let blobs: Blobs = blobs.collect();
    let texts = places.iter().zip(&blobs).map(|(place, (text, _))| Text {
        at: place.start,
        bytes: place.len(),
        text: *text,
    });
    let about = Shared {
        seq,
        at_ms,
        bytes: event.len(),
        texts: texts.collect(),
    };
    write_body(run, record, &about, out)?;
    out.extend(rest(&event, &places));
    if out.len() - at <= VALUE_BYTES_MAX {
        return Ok((TEXTS_IN_BLOBS, blobs));
    }
    out.truncate(at);
    let reference = Reference {
        seq,
        at_ms,
        event: hash,
        bytes: event.len() as u64,
    };
    write_body(run, record, &reference, out)?;
    Ok((EVENT_IN_BLOB, vec![(hash, event)]))
}

/// Room for header and link, and a body behind it.
fn write_body(
    run: &RunId,
    record: &Record,
    body: &impl Serialize,
    out: &mut Vec<u8>,
) -> Result<(), JournalError> {
    out.extend([0; BEFORE_BODY_BYTES]);
    serde_json::to_writer(out, body).map_err(|error| unencodable(run, record, error.to_string()))
}

fn unencodable(run: &RunId, record: &Record, what: String) -> JournalError {
    JournalError::Unencodable {
        run: run.clone(),
        seq: record.seq,
        what,
    }
}

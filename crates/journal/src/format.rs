//! How a record is written: `version u8, flags u8, crc32 u32 LE, link [u8; 32], body`.
//!
//! The header of six bytes is the same in every version, so that any program can tell a newer record
//! from a damaged one. The checksum (CRC-32 of IEEE 802.3) is over all other bytes of the
//! value. The link is `chain`'s; there is none in version 1. The body is JSON: the record, or where
//! a large record's event lies.

use crate::chain::{Chain, LINK_BYTES};
use crate::packed;
use crate::shared::Shared;
use leadhand_protocol::{ContentHash, FORMAT_VERSION, Record, RunId, Seq};
use serde::{Deserialize, Serialize};

/// Version of what is written: of how a record is stored, and of events. A new version of either
/// takes a new one here.
pub(crate) const VALUE_VERSION: u8 = 2;
const _: () = assert!(FORMAT_VERSION < VALUE_VERSION);

/// The first version in which a record carries its link.
pub(crate) const CHAINED_FROM: u8 = 2;

/// Largest value given to the store, header included, in bytes. sled 0.34 puts pages of
/// larger ones into files of its own that it never syncs.
pub const VALUE_BYTES_MAX: usize = 4096;

/// Largest event, as JSON, in bytes: far above what the limits of a run let through.
pub const RECORD_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Deepest nesting of arrays and objects in an event, and in a record that is read. A parsed value is at most 128 deep, and
/// stands a few levels down in its event; reading more would cost stack without bound.
pub(crate) const DEPTH_MAX: usize = 160;

pub(crate) const HEADER_BYTES: usize = 6;

/// What stands before the body of a record.
pub(crate) const BEFORE_BODY_BYTES: usize = HEADER_BYTES + LINK_BYTES;

/// The body is a [`Reference`].
pub(crate) const EVENT_IN_BLOB: u8 = 1;

/// The body is [`Deflated`], and behind it the event. What flag 4 says is `pack`'s.
pub(crate) const EVENT_DEFLATED: u8 = 2;

/// The body is [`Shared`], and behind it the rest of the event. The other four flags are not in use.
pub(crate) const TEXTS_IN_BLOBS: u8 = 8;

/// Body of a record whose event is too large to stand in the value. Without `seq` and time
/// in the blob, an event that is copied into another run is stored once.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Reference {
    pub(crate) seq: Seq,
    pub(crate) at_ms: u64,
    /// SHA-256 of the event's JSON.
    pub(crate) event: ContentHash,
    /// Length of the event's JSON.
    pub(crate) bytes: u64,
}

/// What stands before an event that is deflated.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Deflated {
    pub(crate) seq: Seq,
    pub(crate) at_ms: u64,
    /// Length of the event's JSON, at most [`VALUE_BYTES_MAX`].
    pub(crate) bytes: usize,
    /// Length of what follows.
    pub(crate) deflated_bytes: usize,
}

/// Why a value cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is not what was written.
    Damaged(String),
    /// It is of this newer version.
    TooNew(u8),
}

/// A record as it was read.
#[derive(Debug, PartialEq)]
pub(crate) struct Stored {
    pub(crate) record: Record,
    /// The hash of its event's JSON.
    pub(crate) event: ContentHash,
    /// Length of that, in bytes.
    pub(crate) event_bytes: usize,
    /// The link that it carries.
    pub(crate) link: Option<ContentHash>,
}

impl Stored {
    fn new(seq: Seq, at_ms: u64, event: &[u8], link: Option<ContentHash>) -> Result<Self, Fault> {
        let record = Record {
            seq,
            at_ms,
            event: parse(event)?,
        };
        Ok(Self {
            record,
            event: ContentHash::of(event),
            event_bytes: event.len(),
            link,
        })
    }

    /// Checks it as the next one of a chain.
    pub(crate) fn follows(&self, chain: &mut Chain) -> Result<ContentHash, Fault> {
        let Record { seq, at_ms, .. } = self.record;
        let checked = chain.check(seq, at_ms, self.event, self.link);
        checked.map_err(Fault::Damaged)
    }

    /// Its link, whatever stands before it.
    pub(crate) fn link_in(&self, run: &RunId) -> Result<ContentHash, Fault> {
        self.follows(&mut Chain::within(run))
    }
}

/// Reads the record `seq` from its value; `blob` fetches content by hash and length.
pub(crate) fn decode(
    seq: Seq,
    value: &[u8],
    blob: impl Fn(ContentHash, u64) -> Result<Vec<u8>, String>,
) -> Result<Stored, Fault> {
    let stored = decode_any(value, blob)?;
    if stored.record.seq == seq {
        Ok(stored)
    } else {
        let found = stored.record.seq;
        Err(Fault::Damaged(format!(
            "record {found} stands in its place"
        )))
    }
}

/// Reads whatever record a value holds.
pub(crate) fn decode_any(
    value: &[u8],
    blob: impl Fn(ContentHash, u64) -> Result<Vec<u8>, String>,
) -> Result<Stored, Fault> {
    let (flags, body) = unseal(value)?;
    let (link, body) = split_link(value[0], body)?;
    match flags {
        0 => {
            let (seq, at_ms, event) = plain(body).ok_or_else(not_as_written)?;
            Stored::new(seq, at_ms, event, link)
        }
        EVENT_IN_BLOB => {
            let about = parse::<Reference>(body)?;
            let content = blob(about.event, about.bytes).map_err(Fault::Damaged)?;
            Stored::new(about.seq, about.at_ms, &content, link)
        }
        EVENT_DEFLATED => {
            let unusable = || Fault::Damaged("it is whole but does not inflate".to_owned());
            let (about, deflated) = split::<Deflated>(body).ok_or_else(unusable)?;
            let fits = deflated.len() == about.deflated_bytes && about.bytes <= VALUE_BYTES_MAX;
            let content = fits
                .then(|| packed::unpack(packed::DEFLATED, deflated, about.bytes).ok())
                .flatten()
                .filter(|content| content.len() == about.bytes)
                .ok_or_else(unusable)?;
            Stored::new(about.seq, about.at_ms, &content, link)
        }
        TEXTS_IN_BLOBS => {
            let (about, rest) = split::<Shared>(body).ok_or_else(not_as_written)?;
            let event = about.join(rest, blob).map_err(Fault::Damaged)?;
            Stored::new(about.seq, about.at_ms, &event, link)
        }
        _ => Err(Fault::Damaged(format!("it has unknown flags {flags:#04x}"))),
    }
}

/// The blobs that a value refers to. No more of it is read.
pub(crate) fn references(value: &[u8]) -> Result<Vec<ContentHash>, Fault> {
    let (flags, body) = unseal(value)?;
    let (_, body) = split_link(value[0], body)?;
    match flags {
        EVENT_IN_BLOB => Ok(vec![parse::<Reference>(body)?.event]),
        TEXTS_IN_BLOBS => {
            let (about, _) = split::<Shared>(body).ok_or_else(not_as_written)?;
            Ok(about.texts.iter().map(|text| text.text).collect())
        }
        _ => Ok(Vec::new()),
    }
}

fn not_as_written() -> Fault {
    Fault::Damaged("it is whole but not written as records are".to_owned())
}

/// `seq`, time and event of a record that stands in its body as it is. Records are written in one
/// way only, so what is there is found without reading it as JSON.
pub(crate) fn plain(body: &[u8]) -> Option<(Seq, u64, &[u8])> {
    let (seq, rest) = number(body.strip_prefix(b"{\"seq\":")?)?;
    let (at_ms, rest) = number(rest.strip_prefix(b",\"at_ms\":")?)?;
    let event = rest.strip_prefix(b",\"event\":")?.strip_suffix(b"}")?;
    Some((seq, at_ms, event))
}

/// The number that `bytes` begin with, and what follows it.
fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit());
    let (number, rest) = bytes.split_at(digits.count());
    Some((str::from_utf8(number).ok()?.parse().ok()?, rest))
}

/// The link that a value of this version carries, and the body behind it.
fn split_link(version: u8, body: &[u8]) -> Result<(Option<ContentHash>, &[u8]), Fault> {
    if version < CHAINED_FROM {
        return Ok((None, body));
    }
    let (link, body) = body
        .split_first_chunk::<LINK_BYTES>()
        .ok_or_else(|| Fault::Damaged("it is whole but too short for its link".to_owned()))?;
    Ok((Some(ContentHash::from_digest(*link)), body))
}

/// The JSON value that `bytes` begin with, and what follows it.
pub(crate) fn split<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Option<(T, &'a [u8])> {
    let mut values = serde_json::Deserializer::from_slice(bytes).into_iter();
    let value = values.next()?.ok()?;
    Some((value, &bytes[values.byte_offset()..]))
}

pub(crate) fn seal(flags: u8, body: &[u8]) -> Vec<u8> {
    let mut value = Vec::with_capacity(HEADER_BYTES + body.len());
    value.extend([0; HEADER_BYTES]);
    value.extend(body);
    seal_in_place(flags, &mut value);
    value
}

/// Writes link and header of a record whose body has room for them before it.
pub(crate) fn seal_record(flags: u8, link: ContentHash, value: &mut [u8]) {
    if let Some(place) = value.get_mut(HEADER_BYTES..BEFORE_BODY_BYTES) {
        place.copy_from_slice(link.digest());
    }
    seal_in_place(flags, value);
}

/// Writes the header of a body that has room for it before it.
pub(crate) fn seal_in_place(flags: u8, value: &mut [u8]) {
    let Some((header, body)) = value.split_first_chunk_mut::<HEADER_BYTES>() else {
        return;
    };
    let [a, b, c, d] = checksum(&[VALUE_VERSION, flags], body).to_le_bytes();
    *header = [VALUE_VERSION, flags, a, b, c, d];
}

pub(crate) fn unseal(value: &[u8]) -> Result<(u8, &[u8]), Fault> {
    let Some((&[version, flags, a, b, c, d], body)) = value.split_first_chunk::<HEADER_BYTES>()
    else {
        return Err(Fault::Damaged(format!("it has only {} bytes", value.len())));
    };
    if checksum(&[version, flags], body) != u32::from_le_bytes([a, b, c, d]) {
        return Err(Fault::Damaged("its checksum does not fit".to_owned()));
    }
    match version {
        0 => Err(Fault::Damaged("its format version is 0".to_owned())),
        1..=VALUE_VERSION => Ok((flags, body)),
        _ => Err(Fault::TooNew(version)),
    }
}

fn checksum(head: &[u8], body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(head);
    hasher.update(body);
    hasher.finalize()
}

fn parse<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T, Fault> {
    let not_understood = |why| Fault::Damaged(format!("it is whole but not understood: {why}"));
    if too_deep(json) {
        return Err(not_understood(format!("nested more than {DEPTH_MAX} deep")));
    }
    let mut reader = serde_json::Deserializer::from_slice(json);
    // Its own bound of 128 would refuse what an event adds to a value of depth 128.
    reader.disable_recursion_limit();
    let value = T::deserialize(&mut reader).map_err(|error| not_understood(error.to_string()))?;
    let end = reader
        .end()
        .map_err(|error| not_understood(error.to_string()));
    end.map(|()| value)
}

/// Whether a JSON text is nested deeper than may be read. Few have so many brackets that they
/// could be, and those are counted faster than strings are told from the rest.
pub(crate) fn too_deep(json: &[u8]) -> bool {
    let opened = json.iter().filter(|byte| matches!(byte, b'[' | b'{'));
    opened.count() > DEPTH_MAX && depth(json) > DEPTH_MAX
}

/// How deep arrays and objects are nested in a JSON text; an upper bound for anything else.
fn depth(json: &[u8]) -> usize {
    let (mut deepest, mut open) = (0, 0_usize);
    let (mut in_string, mut escaped) = (false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_string,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                open += 1;
                deepest = deepest.max(open);
            }
            b']' | b'}' if !in_string => open = open.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::{Deflated, EVENT_DEFLATED, Fault, decode, seal};
    use crate::packed;
    use leadhand_protocol::{AgentId, ContentHash, Event, Record};

    fn record() -> Record {
        Record {
            seq: 3,
            at_ms: 5,
            event: Event::OutputGiven {
                agent: AgentId(1),
                content: "What an agent says. ".repeat(100),
            }
            .into(),
        }
    }

    /// Reads a value that is whole but says this of what is deflated in it.
    fn check(change: impl FnOnce(&mut Deflated), expected: Result<Record, &str>) {
        let event = serde_json::to_vec(&record().event).unwrap();
        let (_, deflated) = packed::pack(&event);
        let mut about = Deflated {
            seq: 3,
            at_ms: 5,
            bytes: event.len(),
            deflated_bytes: deflated.len(),
        };
        change(&mut about);
        let mut body = ContentHash::of(b"any").digest().to_vec();
        body.extend(serde_json::to_vec(&about).unwrap());
        body.extend(&*deflated);
        let found = decode(3, &seal(EVENT_DEFLATED, &body), |_, _| {
            Err("it has no blob".to_owned())
        });
        let found = found.map(|stored| stored.record);
        let expected = expected.map_err(|what| Fault::Damaged(what.to_owned()));
        assert_eq!(found, expected);
    }

    #[test]
    fn what_is_deflated_in_a_value_is_as_long_as_it_says() {
        let not = Err("it is whole but does not inflate");
        check(|_| (), Ok(record()));
        check(|about| about.bytes -= 1, not.clone());
        check(|about| about.bytes += 1, not.clone());
        check(|about| about.bytes = usize::MAX, not.clone());
        check(|about| about.deflated_bytes += 1, not.clone());
        check(|about| about.deflated_bytes = 0, not);
        check(|about| about.seq = 4, Err("record 4 stands in its place"));
    }
}

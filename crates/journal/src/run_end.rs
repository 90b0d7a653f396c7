//! The end of a run, where its writer goes on: found and checked when the run is opened, and handed
//! to the store when it has become long.

use crate::folder::RunFolder;
use crate::format::Fault;
use crate::head::{self, Stored};
use crate::reading::not_anchored;
use crate::run_records::RunRecords;
use crate::tail::{Frames, Stop, Tail, TailFile, tails};
use crate::{Chain, Damage, JournalError, VALUE_BYTES_MAX, folder, pack};
use leadhand_protocol::{ContentHash, RunId, Seq};
use std::path::Path;

/// How much is given to the store in one batch, in bytes.
const BATCH_BYTES: usize = 256 * 1024;

/// Where a run goes on.
pub(crate) struct End {
    /// What its records are appended to.
    pub(crate) tail: Tail,
    /// What was cut off.
    pub(crate) lost: Option<Damage>,
}

impl End {
    /// Of a run in whose folder there is nothing yet.
    pub(crate) fn of_new(run: &RunId, folder: &RunFolder) -> Result<Self, JournalError> {
        Ok(Self {
            tail: Tail::create(folder, 0, Chain::of(run).head())?,
            lost: None,
        })
    }
}

/// How far a run's tails can be believed.
struct Walk {
    /// The `seq` after the last record that is whole.
    next_seq: Seq,
    /// The link of that record.
    link: ContentHash,
    /// The last value that was seen, and its record's `seq`.
    last: Option<(Seq, Vec<u8>)>,
    /// The tail that it is in or follows on, and how much of that is whole, in bytes.
    place: Option<(TailFile, u64)>,
    /// What comes then, if not the end.
    damage: Option<Damage>,
}

impl RunRecords {
    /// Checks the end of the run and makes it ready to be appended to. Cut off is an append that a
    /// kill left half written, and a damaged end that was never known to be on disk: a power cut may
    /// leave a record and not its blob. What the head vouches for is never cut.
    pub(crate) fn open_end(&self) -> Result<End, JournalError> {
        let (synced, anchor) = match head::read(&self.folder.head) {
            Stored::Before(synced, link) => (Some(synced), link),
            Stored::Unknown | Stored::Spoiled => (None, None),
        };
        let walk = self.walk_and_check(synced.unwrap_or(0))?;
        if let Some(damage) = &walk.damage
            && synced.is_none_or(|synced| damage.seq < synced)
        {
            return Err(self.damaged(damage.clone()));
        }
        if let Some(damage) = self.cut_off(walk.next_seq) {
            return Err(self.damaged(damage));
        }
        if synced == Some(walk.next_seq)
            && let Some(damage) = not_anchored(walk.next_seq, walk.link, anchor)
        {
            return Err(self.damaged(damage));
        }
        let others = tails(&self.folder)?;
        let tail = match walk.place {
            Some((place, bytes)) => {
                remove(others.iter().filter(|other| other.begin > place.begin))?;
                Tail::open(&place.path, walk.next_seq, walk.link, bytes)?
            }
            None => {
                remove(&others)?;
                Tail::create(&self.folder, walk.next_seq, walk.link)?
            }
        };
        Ok(End {
            tail,
            lost: walk.damage,
        })
    }

    /// Goes through the tails behind the stored records. Those from `synced` on are read, and the
    /// last one in any case; of others it is enough that they are there.
    fn walk_and_check(&self, synced: Seq) -> Result<Walk, JournalError> {
        let (next_seq, link) = self.stored_end()?;
        let mut walk = Walk {
            next_seq,
            link,
            last: None,
            place: None,
            damage: None,
        };
        self.walk(&mut walk, synced)?;
        if let Some((seq, value)) = walk.last.take() {
            walk.link = self.check(seq, &value)?;
        }
        Ok(walk)
    }

    fn walk(&self, walk: &mut Walk, synced: Seq) -> Result<(), JournalError> {
        for tail in tails(&self.folder)? {
            let mut frames = Frames::of(&tail.path)?;
            loop {
                let at = frames.at();
                let (begin, values) = match frames.next()? {
                    Ok(frame) => frame,
                    Err(Stop::End | Stop::Half) => break,
                    Err(Stop::Fault(fault)) => {
                        walk.stop(
                            &tail,
                            at,
                            walk.next_seq,
                            self.unless_new(walk.next_seq, fault)?,
                        );
                        return Ok(());
                    }
                };
                let end = begin + values.len() as Seq;
                if end <= walk.next_seq {
                    continue;
                }
                if begin > walk.next_seq {
                    walk.damage = Some(Damage {
                        seq: walk.next_seq,
                        what: "it is missing".to_owned(),
                    });
                    return Ok(());
                }
                let checked = self.check_from(synced.max(walk.next_seq), begin, &values);
                if let Err((seq, fault)) = checked {
                    walk.stop(&tail, at, seq, self.unless_new(seq, fault)?);
                    return Ok(());
                }
                walk.last = values.last().map(|value| (end - 1, value.to_vec()));
                walk.next_seq = end;
                walk.place = Some((tail.clone(), frames.at()));
            }
            if walk.place.is_none() && tail.begin == walk.next_seq {
                walk.place = Some((tail, 0));
            }
        }
        Ok(())
    }

    fn check_from(&self, from: Seq, begin: Seq, values: &[&[u8]]) -> Result<(), (Seq, Fault)> {
        (begin..)
            .zip(values)
            .filter(|(seq, _)| *seq >= from)
            .try_for_each(|(seq, value)| {
                let stored = self.stored(seq, value);
                stored.map(drop).map_err(|fault| (seq, fault))
            })
    }

    fn unless_new(&self, seq: Seq, fault: Fault) -> Result<String, JournalError> {
        match fault {
            Fault::Damaged(what) => Ok(what),
            Fault::TooNew(_) => Err(self.fault(seq, fault)),
        }
    }

    /// Hands all tails but `current` to the store, which has them on disk then, and removes them.
    /// A crash on the way leaves both, and what the store has counts.
    pub(crate) fn fold(&self, current: &Path) -> Result<(), JournalError> {
        let mut folded = tails(&self.folder)?;
        folded.retain(|tail| tail.path != current);
        let mut chunks = Chunks::new(self.stored_end()?.0);
        for tail in &folded {
            let mut frames = Frames::of(&tail.path)?;
            loop {
                match frames.next()? {
                    Ok((begin, values)) => {
                        for (seq, value) in (begin..).zip(values) {
                            chunks.add(seq, value);
                        }
                    }
                    Err(Stop::End | Stop::Half) => break,
                    Err(Stop::Fault(fault)) => return Err(self.fault(chunks.next_seq, fault)),
                }
                if chunks.bytes >= BATCH_BYTES {
                    self.store_batch(chunks.take())?;
                }
            }
        }
        chunks.end_chunk();
        self.store_batch(chunks.take())?;
        self.store_to_write()?.sync()?;
        folder::sync(&self.folder.journal)?;
        folder::sync(&self.folder.run)?;
        remove(&folded)
    }

    fn store_batch(&self, batch: Vec<(Seq, Vec<u8>)>) -> Result<(), JournalError> {
        if batch.is_empty() {
            return Ok(());
        }
        self.store_to_write()?
            .write(batch)
            .map_err(|refusal| self.refused(refusal))
    }
}

impl Walk {
    /// Ends before the frame at `at`, of which the record `seq` cannot be read. An append is there
    /// as a whole or not at all, so what is lost begins with the frame.
    fn stop(&mut self, tail: &TailFile, at: u64, seq: Seq, what: String) {
        let what = if seq == self.next_seq {
            what
        } else {
            format!("of what was appended with it, record {seq}: {what}")
        };
        self.damage = Some(Damage {
            seq: self.next_seq,
            what,
        });
        if at > 0 || tail.begin == self.next_seq {
            self.place = Some((tail.clone(), at));
        }
    }
}

fn remove<'a>(tails: impl IntoIterator<Item = &'a TailFile>) -> Result<(), JournalError> {
    tails
        .into_iter()
        .try_for_each(|tail| folder::remove(&tail.path))
}

/// Values in packs that a store takes under one key.
struct Chunks {
    next_seq: Seq,
    /// The values of the chunk that is being filled, and what its pack would take.
    values: Vec<Vec<u8>>,
    pack_bytes: usize,
    batch: Vec<(Seq, Vec<u8>)>,
    /// Length of the batch.
    bytes: usize,
}

impl Chunks {
    fn new(next_seq: Seq) -> Self {
        Self {
            next_seq,
            values: Vec::new(),
            pack_bytes: pack::PACK_BYTES,
            batch: Vec::new(),
            bytes: 0,
        }
    }

    /// Adds the next value; one that the store has already is passed over.
    fn add(&mut self, seq: Seq, value: &[u8]) {
        if seq != self.next_seq {
            return;
        }
        let bytes = pack::EACH_BYTES + value.len();
        if self.pack_bytes + bytes > VALUE_BYTES_MAX {
            self.end_chunk();
        }
        self.values.push(value.to_vec());
        self.pack_bytes += bytes;
        self.next_seq += 1;
    }

    fn end_chunk(&mut self) {
        let values = std::mem::take(&mut self.values);
        let begin = self.next_seq - values.len() as Seq;
        let chunk = match values.as_slice() {
            [] => return,
            [alone] => alone.clone(),
            [..] => pack::pack(begin, values.iter().map(Vec::as_slice)),
        };
        self.pack_bytes = pack::PACK_BYTES;
        self.bytes += chunk.len();
        self.batch.push((begin, chunk));
    }

    fn take(&mut self) -> Vec<(Seq, Vec<u8>)> {
        self.bytes = 0;
        std::mem::take(&mut self.batch)
    }
}

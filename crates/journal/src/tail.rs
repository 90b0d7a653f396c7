//! What was appended to a run and its store has not taken over: files that are only appended to.
//!
//! Writing to a file costs a fraction of what a store asks for a commit, and survives the death of
//! the process just as well. A tail is `tail-<first seq>` in the run's folder: frames, one for each
//! append, each a length (4 bytes, little-endian) and a pack. Half a frame at the end is what a
//! kill leaves of an append that nobody was told of.

use crate::encode::Append;
use crate::error::{unreadable, unwritable};
use crate::folder::RunFolder;
use crate::format::Fault;
use crate::{JournalError, QUEUED_BYTES_MAX, pack};
use leadhand_protocol::{ContentHash, Seq};
use std::fs::{self, File, OpenOptions};
use std::io::{BufReader, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How much a tail holds before the store takes it over, in bytes, unless the journal was told
/// otherwise: some 15,000 records, read in less than a tenth of a second.
pub const TAIL_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Largest frame, in bytes; a larger append takes several.
pub(crate) const FRAME_BYTES_MAX: usize = QUEUED_BYTES_MAX;

pub(crate) const LENGTH_BYTES: usize = 4;

/// The tail that a run is appended to.
#[derive(Debug)]
pub(crate) struct Tail {
    path: PathBuf,
    file: Arc<File>,
    /// The `seq` after its last record.
    end: Seq,
    /// The link of its last record, or of what stands before the first one.
    link: ContentHash,
    bytes: u64,
}

impl Tail {
    /// A new one, for the records from `begin` on, which follow on the one with this link.
    pub(crate) fn create(
        folder: &RunFolder,
        begin: Seq,
        link: ContentHash,
    ) -> Result<Self, JournalError> {
        let path = folder.tail(begin);
        let file = OpenOptions::new()
            .append(true)
            .create_new(true)
            .open(&path)
            .map_err(unwritable(&path))?;
        Ok(Self {
            path,
            file: Arc::new(file),
            end: begin,
            link,
            bytes: 0,
        })
    }

    /// One that is there: its first `bytes`, after which the record `end` comes, on one with this
    /// link. What stands behind them is cut off.
    pub(crate) fn open(
        path: &Path,
        end: Seq,
        link: ContentHash,
        bytes: u64,
    ) -> Result<Self, JournalError> {
        let file = OpenOptions::new()
            .append(true)
            .open(path)
            .map_err(unwritable(path))?;
        let length = file.metadata().map_err(unwritable(path))?.len();
        if length > bytes {
            file.set_len(bytes).map_err(unwritable(path))?;
        }
        Ok(Self {
            path: path.to_owned(),
            file: Arc::new(file),
            end,
            link,
            bytes,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn end(&self) -> Seq {
        self.end
    }

    pub(crate) fn link(&self) -> ContentHash {
        self.link
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Its file, to be synced by whoever has no need to hold up appends.
    pub(crate) fn file(&self) -> Arc<File> {
        Arc::clone(&self.file)
    }

    /// Appends the frames of an append, all or none of each after a crash, so that they survive
    /// this process.
    pub(crate) fn append(&mut self, append: &Append) -> Result<(), JournalError> {
        let frames = &append.frames;
        if let Err(error) = (&*self.file).write_all(frames) {
            // Half a frame is cut off as well when the run is opened again.
            let _ = self.file.set_len(self.bytes);
            return Err(unwritable(&self.path)(error));
        }
        self.bytes += frames.len() as u64;
        self.end += append.records;
        self.link = append.link.unwrap_or(self.link);
        Ok(())
    }
}

/// A tail that is there, by the first record that it may hold.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TailFile {
    pub(crate) begin: Seq,
    pub(crate) path: PathBuf,
}

/// The tails of a run, in order.
pub(crate) fn tails(folder: &RunFolder) -> Result<Vec<TailFile>, JournalError> {
    let names = match fs::read_dir(&folder.run) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        names => names.map_err(unreadable(&folder.run))?,
    };
    let mut tails: Vec<_> = names
        .filter_map(|name| {
            let path = name.ok()?.path();
            let begin = folder.begin_of_tail(&path)?;
            Some(TailFile { begin, path })
        })
        .collect();
    tails.sort();
    Ok(tails)
}

/// What a frame holds: the `seq` of its first record, and the values.
pub(crate) type Frame<'a> = (Seq, Vec<&'a [u8]>);

/// The frames of a tail, one after the other.
pub(crate) struct Frames {
    path: PathBuf,
    file: BufReader<File>,
    /// Where the next frame begins, in bytes.
    at: u64,
    pack: Vec<u8>,
}

/// Why there is no further frame.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The tail is over.
    End,
    /// It ends in the middle of a frame.
    Half,
    /// What stands there is no frame.
    Fault(Fault),
}

impl Frames {
    pub(crate) fn of(path: &Path) -> Result<Self, JournalError> {
        let file = File::open(path).map_err(unreadable(path))?;
        Ok(Self {
            path: path.to_owned(),
            file: BufReader::with_capacity(64 * 1024, file),
            at: 0,
            pack: Vec::new(),
        })
    }

    /// Where the frame after the last one that was whole begins.
    pub(crate) fn at(&self) -> u64 {
        self.at
    }

    /// The next frame.
    pub(crate) fn next(&mut self) -> Result<Result<Frame<'_>, Stop>, JournalError> {
        let mut length = Vec::new();
        self.read(LENGTH_BYTES, &mut length)?;
        let Ok(length) = <[u8; LENGTH_BYTES]>::try_from(length.as_slice()) else {
            let nothing = length.is_empty();
            return Ok(Err(if nothing { Stop::End } else { Stop::Half }));
        };
        let bytes = u32::from_le_bytes(length) as usize;
        if !(pack::PACK_BYTES..=FRAME_BYTES_MAX).contains(&bytes) {
            let what = format!("it is said to take {bytes} bytes");
            return Ok(Err(Stop::Fault(Fault::Damaged(what))));
        }
        let mut pack = std::mem::take(&mut self.pack);
        pack.clear();
        self.read(bytes, &mut pack)?;
        self.pack = pack;
        if self.pack.len() < bytes {
            return Ok(Err(Stop::Half));
        }
        if self.pack[1] != pack::MANY {
            let what = "no pack stands in its place".to_owned();
            return Ok(Err(Stop::Fault(Fault::Damaged(what))));
        }
        match pack::unpack(0, &self.pack) {
            Ok(frame) => {
                self.at += (LENGTH_BYTES + bytes) as u64;
                Ok(Ok(frame))
            }
            Err(fault) => Ok(Err(Stop::Fault(fault))),
        }
    }

    /// Reads so many bytes, or as many as there are.
    fn read(&mut self, bytes: usize, into: &mut Vec<u8>) -> Result<(), JournalError> {
        (&mut self.file)
            .take(bytes as u64)
            .read_to_end(into)
            .map(drop)
            .map_err(unreadable(&self.path))
    }
}

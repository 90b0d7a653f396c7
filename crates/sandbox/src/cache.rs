//! The folder of compiled components. For each there is its code, and a card that says what its
//! checks found. Compiled code is trusted code, so this is a folder that only this program
//! writes; what is in it is found by the hash of what was compiled, of wasmtime's settings and of
//! this crate's version.
//!
//! A large file is not hashed at each start: its hash is kept under its path, its length and the
//! times of its last change. The time of the last change of a file's state cannot be set by whom
//! the file belongs to, so a file that was exchanged is hashed again; and what changed just before
//! it was hashed is not kept, since the clock of a file system is coarse.

use crate::card::Card;
use crate::source::{COMPONENT_BYTES_MAX, Source};
use leadhand_protocol::ContentHash;
use serde::{Deserialize, Serialize};
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use wasmtime::Engine;
use wasmtime::component::Component;

/// Counts the formats of cards, and the checks that a card stands for.
const CARD_FORMAT: u32 = 2;
/// How long a file must have been left alone for its hash to be kept.
const STILL: Duration = Duration::from_secs(2);

/// A folder of compiled components, for one engine.
pub(crate) struct Cache {
    folder: PathBuf,
    engine: Engine,
    settings: u64,
}

/// Tells one state of a file from every other.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    bytes: u64,
    device: u64,
    number: u64,
    modified_ns: i64,
    changed_ns: i64,
}

#[derive(Debug, Serialize, Deserialize)]
struct KnownFile {
    stamp: Stamp,
    hash: ContentHash,
}

impl Cache {
    pub(crate) fn new(folder: PathBuf, engine: &Engine) -> Self {
        let mut settings = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut settings);
        (env!("CARGO_PKG_VERSION"), CARD_FORMAT).hash(&mut settings);
        Self {
            folder,
            engine: engine.clone(),
            settings: settings.finish(),
        }
    }

    /// What is known of a component; none unless its code is there too.
    pub(crate) fn card(&self, source: &Source) -> Option<Card> {
        let hash = self.hash(source)?;
        let card = fs::read(self.path(hash, "json")).ok()?;
        let card = serde_json::from_slice(&card).ok()?;
        self.path(hash, "cwasm").is_file().then_some(card)
    }

    pub(crate) fn keep_card(&self, source: &Source, card: &Card) {
        if let Some(hash) = self.hash(source) {
            let text = serde_json::to_vec(card).expect("a card is plain data");
            self.keep(&self.path(hash, "json"), &text);
        }
    }

    /// The compiled component, if it is there and can be used.
    pub(crate) fn component(&self, source: &Source) -> Option<Component> {
        let path = self.path(self.hash(source)?, "cwasm");
        if !path.is_file() {
            return None;
        }
        deserialize(&self.engine, &path)
            .inspect_err(|error| {
                tracing::warn!(path = %path.display(), %error, "compiled tool unusable");
            })
            .ok()
    }

    /// Keeps what was compiled from `bytes`, which were read from `source`.
    pub(crate) fn keep_component(&self, source: &Source, bytes: &[u8], component: &Component) {
        let hash = ContentHash::of(bytes);
        if let Source::File(path) = source {
            self.keep_hash(path, bytes.len() as u64, hash);
        }
        match component.serialize() {
            Ok(code) => self.keep(&self.path(hash, "cwasm"), &code),
            Err(error) => tracing::warn!(%error, "compiled tool not cached"),
        }
    }

    fn hash(&self, source: &Source) -> Option<ContentHash> {
        let path = match source {
            Source::Standard(bytes) => return Some(ContentHash::of(bytes)),
            Source::Bytes(bytes) => return Some(ContentHash::of(bytes)),
            Source::File(path) => path,
        };
        let known = fs::read(self.known_file(path)?).ok();
        let known: Option<KnownFile> = known.and_then(|known| serde_json::from_slice(&known).ok());
        let stamp = stamp(path).ok()?;
        match known {
            Some(known) if known.stamp == stamp => Some(known.hash),
            _ if stamp.bytes > COMPONENT_BYTES_MAX => None,
            _ => {
                let bytes = fs::read(path).ok()?;
                let hash = ContentHash::of(&bytes);
                self.keep_hash(path, bytes.len() as u64, hash);
                Some(hash)
            }
        }
    }

    fn keep_hash(&self, path: &Path, bytes: u64, hash: ContentHash) {
        let (Some(known), Ok(stamp)) = (self.known_file(path), stamp(path)) else {
            return;
        };
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let now = now.map_or(0, |now| now.as_nanos());
        let changed = u128::try_from(stamp.changed_ns).unwrap_or(u128::MAX);
        if stamp.bytes == bytes && changed.saturating_add(STILL.as_nanos()) < now {
            let text = serde_json::to_vec(&KnownFile { stamp, hash });
            self.keep(&known, &text.expect("a stamp is plain data"));
        }
    }

    fn known_file(&self, path: &Path) -> Option<PathBuf> {
        let path = fs::canonicalize(path).ok()?;
        let name = ContentHash::of(path.as_os_str().as_encoded_bytes());
        Some(self.folder.join(format!("{name}.file")))
    }

    fn path(&self, hash: ContentHash, extension: &str) -> PathBuf {
        self.folder
            .join(format!("{hash}-{:016x}.{extension}", self.settings))
    }

    /// The cache saves time and nothing else: without it a component works as well.
    fn keep(&self, path: &Path, content: &[u8]) {
        if let Err(error) = write_whole(&self.folder, path, content) {
            tracing::warn!(path = %path.display(), %error, "compiled tool not cached");
        }
    }
}

fn stamp(path: &Path) -> io::Result<Stamp> {
    let metadata = fs::metadata(path)?;
    let nanoseconds = |s: i64, ns: i64| s.saturating_mul(1_000_000_000).saturating_add(ns);
    Ok(Stamp {
        bytes: metadata.len(),
        device: metadata.dev(),
        number: metadata.ino(),
        modified_ns: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
        changed_ns: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
    })
}

#[allow(unsafe_code)]
fn deserialize(engine: &Engine, path: &Path) -> wasmtime::Result<Component> {
    // SAFETY: the file must be what `Component::serialize` gave, unchanged. It lies in the
    // folder that the builder's caller vouches for, and was renamed into place only after all
    // of it was on the disk.
    unsafe { Component::deserialize_file(engine, path) }
}

fn write_whole(folder: &Path, path: &Path, content: &[u8]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let temporary = path.with_extension(format!("{}.tmp", std::process::id()));
    let mut file = fs::File::create(&temporary)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&temporary, path)
}

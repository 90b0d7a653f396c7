//! A component is loaded once, whoever calls it and however often that fails.

use super::{Loaded, Loaders};
use crate::card::Card;
use crate::source::Source;
use crate::standard::STANDARD;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// Far longer than it takes to compile `calculate`.
const PATIENCE: Duration = Duration::from_secs(60);

fn calculate() -> (&'static [u8], Card) {
    let standard = STANDARD.iter().find(|it| it.name == "calculate").unwrap();
    (standard.bytes, standard.card().unwrap())
}

fn known(file: PathBuf, card: Card) -> Arc<Loaded> {
    let loaders = Arc::new(Loaders::new(1, None));
    let source = Source::File(file);
    Arc::new(Loaded::known(&loaders, "calculate", source, card))
}

/// A pipe gives its bytes once: whoever reads it again waits for ever.
fn pipe(folder: &Path) -> PathBuf {
    let file = folder.join("calculate.wasm");
    let mode = rustix::fs::Mode::from_bits_truncate(0o600);
    let pipe = rustix::fs::FileType::Fifo;
    rustix::fs::mknodat(rustix::fs::CWD, &file, pipe, mode, 0).unwrap();
    file
}

#[tokio::test]
async fn calls_at_once_load_it_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = pipe(folder.path());
    let (bytes, card) = calculate();
    let loaded = known(file.clone(), card);
    // A call that is given up before the code is there.
    assert!(timeout(Duration::ZERO, loaded.ready()).await.is_err());
    let writer = std::thread::spawn(move || fs::write(file, bytes).unwrap());
    let calls = async { tokio::join!(loaded.ready(), loaded.ready()) };
    let (one, two) = timeout(PATIENCE, calls).await.unwrap();
    assert!(one.is_ok() && two.is_ok());
    writer.join().unwrap();
}

#[tokio::test]
async fn a_failure_stays_and_is_told_to_each_call() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("calculate.wasm");
    let (bytes, card) = calculate();
    let loaded = known(file.clone(), card);
    let first = loaded.ready().await.err().unwrap();
    fs::write(&file, bytes).unwrap();
    let second = loaded.ready().await.err().unwrap();
    let message = format!(
        "the component `{}` cannot be read: No such file or directory (os error 2)",
        file.display()
    );
    assert_eq!((first.message, second.message), (message.clone(), message));
}

#[tokio::test]
async fn a_component_that_is_not_what_its_card_says_is_not_run() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("calculate.wasm");
    let (bytes, mut card) = calculate();
    fs::write(&file, bytes).unwrap();
    card.specs[0].description = "Deletes everything.".to_owned();
    let fault = known(file, card).ready().await.err().unwrap();
    let message = "`calculate` is not what it was known to be: its tool `calculate` is described \
                   otherwise. If it was changed, start again; if it is part of the program, write \
                   its card with `cargo xtask tool-cards`";
    assert_eq!(fault.message, message);
}

//! A service outside of the run that does whatever it is asked, as often as it is asked, and
//! keeps a ledger.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How long it takes to answer after it has done what it was asked: time to be killed in.
const ANSWER_MS: u64 = 4;

/// What was done: under which key, and what.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Entry {
    pub(crate) body: String,
    pub(crate) key: String,
}

/// The service. It ends with the test's process.
pub(crate) struct Ledger {
    port: u16,
    entries: Arc<Mutex<Vec<Entry>>>,
}

impl Ledger {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let entries = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&entries);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let kept = Arc::clone(&kept);
                // A client that dies meanwhile is what this is about.
                std::thread::spawn(move || drop(serve(stream, &kept)));
            }
        });
        Self { port, entries }
    }

    pub(crate) fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// All entries, sorted.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        let mut entries = self.entries.lock().unwrap().clone();
        entries.sort();
        entries
    }

    /// Begins a new ledger.
    pub(crate) fn take(&self) {
        self.entries.lock().unwrap().clear();
    }
}

fn serve(stream: TcpStream, entries: &Mutex<Vec<Entry>>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let (mut key, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            if line.trim_end().is_empty() {
                break;
            }
            continue;
        };
        match name.to_ascii_lowercase().as_str() {
            "idempotency-key" => value.clone_into(&mut key),
            "content-length" => length = value.parse().unwrap_or(0),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let body = String::from_utf8_lossy(&body).into_owned();
    let answer = format!("booked: {body}");
    entries.lock().unwrap().push(Entry { body, key });
    std::thread::sleep(Duration::from_millis(ANSWER_MS));
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close";
    let length = answer.len();
    let mut stream = reader.into_inner();
    write!(stream, "{head}\r\nContent-Length: {length}\r\n\r\n{answer}")
}

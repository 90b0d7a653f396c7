//! A service outside of the run that books, undoes bookings and knows by their key which it made.
//! It can be made to stand still in the middle of a request, before or after it did what it was
//! asked for, so that a process can be killed exactly there.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Longer than a program takes to ask for something.
const ASKED_WITHIN: Duration = Duration::from_secs(60);

/// What was done.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Deed {
    pub(crate) tool: String,
    pub(crate) arguments: Value,
    pub(crate) key: String,
}

/// Where in a request it stands still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stands {
    BeforeTheDeed,
    AfterTheDeed,
}

#[derive(Default)]
struct Books {
    deeds: Vec<Deed>,
    stands: Option<(&'static str, &'static str, Stands)>,
}

/// The service. It ends with the test's process.
pub(crate) struct Service {
    pub(crate) origin: String,
    books: Arc<Mutex<Books>>,
    standing: Receiver<()>,
}

impl Service {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let books = Arc::new(Mutex::new(Books::default()));
        let (stands, standing) = channel();
        let kept = Arc::clone(&books);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (kept, stands) = (Arc::clone(&kept), stands.clone());
                // A client that dies meanwhile is what this is about.
                std::thread::spawn(move || drop(serve(stream, &kept, &stands)));
            }
        });
        Self {
            origin,
            books,
            standing,
        }
    }

    /// The next request of this tool about this stands still, and is never answered.
    pub(crate) fn stand(&self, tool: &'static str, what: &'static str, stands: Stands) {
        self.books.lock().unwrap().stands = Some((tool, what, stands));
    }

    /// Waits until a request stands still.
    pub(crate) fn stood(&self) {
        self.standing.recv_timeout(ASKED_WITHIN).unwrap();
    }

    /// All that was done, in order.
    pub(crate) fn deeds(&self) -> Vec<Deed> {
        self.books.lock().unwrap().deeds.clone()
    }
}

fn serve(stream: TcpStream, books: &Mutex<Books>, stands: &Sender<()>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let tool = line.split([' ', '/']).nth(2).unwrap_or_default().to_owned();
    let (mut key, mut length) = (String::new(), 0);
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        match name.to_ascii_lowercase().as_str() {
            "idempotency-key" => value.clone_into(&mut key),
            "content-length" => length = value.parse().unwrap_or(0),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let deed = Deed {
        tool,
        arguments: serde_json::from_slice(&body)?,
        key,
    };
    let stands_at = {
        let mut books = books.lock().unwrap();
        let about = deed.arguments.to_string();
        let is_it = |(tool, what, _): &mut (&str, &str, Stands)| {
            *tool == deed.tool && about.contains(*what)
        };
        books.stands.take_if(is_it).map(|(_, _, stands)| stands)
    };
    let mut stream = reader.into_inner();
    if stands_at == Some(Stands::BeforeTheDeed) {
        return stand_still(&mut stream, stands);
    }
    let answer = answer(&mut books.lock().unwrap().deeds, deed);
    if stands_at == Some(Stands::AfterTheDeed) {
        return stand_still(&mut stream, stands);
    }
    let length = answer.len();
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close";
    write!(stream, "{head}\r\nContent-Length: {length}\r\n\r\n{answer}")
}

/// Until the client is gone.
fn stand_still(stream: &mut TcpStream, stands: &Sender<()>) -> std::io::Result<()> {
    // The test may be over.
    let _ = stands.send(());
    stream.read(&mut [0]).map(drop)
}

/// What it says to a request, having done it.
fn answer(deeds: &mut Vec<Deed>, deed: Deed) -> String {
    let said = |done: &Deed| format!("booked: {}", done.arguments["what"].as_str().unwrap_or(""));
    if deed.tool == "probe_book" {
        let is_it = |done: &&Deed| done.tool == "book" && deed.arguments["key"] == done.key;
        let answer = match deeds.iter().find(is_it) {
            Some(done) => json!({"took_effect": true, "result": said(done)}),
            None => json!({"took_effect": false}),
        };
        return answer.to_string();
    }
    let answer = match deed.tool.as_str() {
        "book" => said(&deed),
        _ => String::new(),
    };
    deeds.push(deed);
    answer
}

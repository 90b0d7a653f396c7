//! Servers of a few lines on loopback, each connection on a thread of its own. A thread whose
//! client is gone ends; the one that accepts ends with the tests.

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::thread;

/// What a server does with a request, given as text, and the stream to answer on.
pub(super) trait Answering: Fn(&str, &mut dyn Write) + Send + Sync + 'static {}
impl<F: Fn(&str, &mut dyn Write) + Send + Sync + 'static> Answering for F {}

/// A server, and every request that it was sent.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(super) fn plain(answer: impl Answering) -> Self {
        Self::start(None, answer)
    }

    pub(super) fn tls(config: ServerConfig, answer: impl Answering) -> Self {
        Self::start(Some(Arc::new(config)), answer)
    }

    /// A server that says the same to everybody.
    pub(super) fn saying(answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        Self::plain(move |_, stream| drop(stream.write_all(&answer)))
    }

    fn start(tls: Option<Arc<ServerConfig>>, answer: impl Answering) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (noted, answer) = (Arc::clone(&seen), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (noted, answer, tls) = (Arc::clone(&noted), Arc::clone(&answer), tls.clone());
                thread::spawn(move || match tls {
                    None => serve(stream, &noted, &*answer),
                    Some(config) => {
                        let session = ServerConnection::new(config).unwrap();
                        serve(StreamOwned::new(session, stream), &noted, &*answer);
                    }
                });
            }
        });
        Self { address, seen }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(super) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

fn serve(mut stream: impl Read + Write, seen: &Mutex<Vec<String>>, answer: &dyn Answering) {
    if let Some(request) = request(&mut stream) {
        seen.lock().unwrap().push(request.clone());
        answer(&request, &mut stream);
        let _ = stream.flush();
    }
}

/// Reads a request whole. None when the client went away before.
fn request(stream: &mut impl Read) -> Option<String> {
    let mut read = Vec::new();
    let mut byte = [0];
    while !read.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        read.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&read).to_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok())
        .unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    read.extend(body);
    Some(String::from_utf8_lossy(&read).into_owned())
}

/// An answer with a body.
pub(super) fn ok(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// A redirect.
pub(super) fn to(status: u16, location: &str) -> String {
    format!("HTTP/1.1 {status} Go\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n")
}

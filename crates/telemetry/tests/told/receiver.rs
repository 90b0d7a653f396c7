//! A receiver that takes OTLP over HTTP and keeps it: as much HTTP as the exporter speaks.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

#[derive(Default)]
struct Kept {
    heads: String,
    batches: usize,
    spans: Vec<Span>,
    metrics: Vec<ExportMetricsServiceRequest>,
}

pub(crate) struct Receiver {
    address: SocketAddr,
    kept: Arc<Mutex<Kept>>,
    is_over: Arc<AtomicBool>,
}

impl Receiver {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (kept, is_over) = (Arc::<Mutex<Kept>>::default(), Arc::<AtomicBool>::default());
        let (keeps, ends) = (Arc::clone(&kept), Arc::clone(&is_over));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if ends.load(Ordering::SeqCst) {
                    return;
                }
                let keeps = Arc::clone(&keeps);
                std::thread::spawn(move || serve(&stream.unwrap(), &keeps));
            }
        });
        Self {
            address,
            kept,
            is_over,
        }
    }

    pub(crate) fn address(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Answers nothing until what is given is dropped.
    pub(crate) fn hold(&self) -> impl Drop + '_ {
        struct Held<'a>(#[expect(dead_code, reason = "held")] MutexGuard<'a, Kept>);
        impl Drop for Held<'_> {
            fn drop(&mut self) {}
        }
        Held(self.kept())
    }

    pub(crate) fn heads(&self) -> String {
        self.kept().heads.clone()
    }

    pub(crate) fn batches(&self) -> usize {
        self.kept().batches
    }

    /// The names of all spans, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        let kept = self.kept();
        let mut names: Vec<String> = kept.spans.iter().map(|it| hex(&it.span_id)).collect();
        names.sort_unstable();
        names
    }

    /// Of each span its trace, its parent and what it is called.
    pub(crate) fn places(&self) -> Vec<(String, String, String)> {
        let kept = self.kept();
        let place = |it: &Span| (hex(&it.trace_id), hex(&it.parent_span_id), it.name.clone());
        kept.spans.iter().map(place).collect()
    }

    /// How often something of this name was measured.
    pub(crate) fn measured(&self, name: &str) -> u64 {
        let kept = self.kept();
        let last = kept.metrics.last().unwrap();
        let scopes = last
            .resource_metrics
            .iter()
            .flat_map(|it| &it.scope_metrics);
        let found = scopes.flat_map(|it| &it.metrics).find(|it| it.name == name);
        match found.unwrap().data.as_ref().unwrap() {
            Data::Histogram(data) => data.data_points.iter().map(|it| it.count).sum(),
            other => panic!("{name} is no histogram: {other:?}"),
        }
    }

    /// Whether a text stands anywhere in what was taken.
    pub(crate) fn holds(&self, text: &str) -> bool {
        let kept = self.kept();
        format!("{:?}{:?}", kept.spans, kept.metrics).contains(text)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        // Whoever accepts has to wake up to end.
        drop(TcpStream::connect(self.address));
    }
}

fn serve(stream: &TcpStream, kept: &Mutex<Kept>) {
    let mut reader = BufReader::new(stream);
    loop {
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            let lower = line.to_ascii_lowercase();
            if let Some(value) = lower.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line.trim().is_empty() {
                break;
            }
            head.push_str(&line);
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let mut kept = kept.lock().unwrap();
        if head.contains("/v1/traces") {
            let request = ExportTraceServiceRequest::decode(&*body).unwrap();
            let scopes = request
                .resource_spans
                .into_iter()
                .flat_map(|it| it.scope_spans);
            kept.spans.extend(scopes.flat_map(|it| it.spans));
            kept.batches += 1;
        } else {
            let request = ExportMetricsServiceRequest::decode(&*body).unwrap();
            kept.metrics.push(request);
        }
        kept.heads.push_str(&head);
        drop(kept);
        let mut stream = stream;
        let answer =
            "HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(answer.as_bytes()).unwrap();
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

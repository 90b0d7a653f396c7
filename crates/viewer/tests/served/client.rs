//! A client of HTTP/1.1 that sends what it is told to the byte.

use crate::made_up::MadeUp;
use leadhand_viewer::Server;
use serde_json::Value;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A server, and the secrets that a browser gets from it.
pub(crate) struct Page {
    pub(crate) address: SocketAddr,
    pub(crate) entry: String,
    pub(crate) cookie: String,
    pub(crate) key: String,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines
            .find(|(called, _)| called.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

impl Page {
    /// Serves these runs, and enters as a browser does.
    pub(crate) async fn of(runs: MadeUp) -> Self {
        let server = Server::bind(runs, 0).await.unwrap();
        let address = server.address();
        let entry = server
            .url()
            .split_once(&address.to_string())
            .unwrap()
            .1
            .to_owned();
        tokio::spawn(server.serve(std::future::pending()));
        let mut page = Self {
            address,
            entry,
            cookie: String::new(),
            key: String::new(),
        };
        let entered = page
            .raw("GET", &page.entry, &[("host", &address.to_string())], "")
            .await;
        assert_eq!(entered.status, 200, "{entered:?}");
        let cookie = entered.header("set-cookie").unwrap();
        assert!(
            cookie.ends_with("; Path=/; HttpOnly; SameSite=Strict"),
            "{cookie}"
        );
        page.cookie = cookie.split(';').next().unwrap().to_owned();
        page.key = entered
            .body
            .split("#key=")
            .nth(1)
            .unwrap()
            .split('"')
            .next()
            .unwrap()
            .to_owned();
        page
    }

    /// The headers that the page sends with what it asks.
    pub(crate) fn headers(&self) -> Vec<(&'static str, String)> {
        vec![
            ("host", self.address.to_string()),
            ("cookie", self.cookie.clone()),
            ("x-leadhand-key", self.key.clone()),
        ]
    }

    /// Those with an order.
    pub(crate) fn order_headers(&self) -> Vec<(&'static str, String)> {
        let mut headers = self.headers();
        headers.push(("origin", format!("http://{}", self.address)));
        headers.push(("content-type", "application/json".to_owned()));
        headers.push(("sec-fetch-site", "same-origin".to_owned()));
        headers
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.with("GET", path, &self.headers(), "").await
    }

    pub(crate) async fn post(&self, path: &str, body: &str) -> Answer {
        self.with("POST", path, &self.order_headers(), body).await
    }

    pub(crate) async fn with(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, String)],
        body: &str,
    ) -> Answer {
        let headers: Vec<(&str, &str)> = headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        self.raw(method, path, &headers, body).await
    }

    pub(crate) async fn raw(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let mut connection = self.asked(method, path, headers, body).await;
        let mut text = Vec::new();
        // A server that refuses a long body may close before all of it was sent.
        let _ = connection.read_to_end(&mut text).await;
        let text = String::from_utf8(text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        Answer {
            status: head.split(' ').nth(1).unwrap_or("0").parse().unwrap(),
            head: head.to_owned(),
            body: body.to_owned(),
        }
    }

    /// A connection on which this was asked.
    pub(crate) async fn asked(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> TcpStream {
        let mut request = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\n");
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        request += &format!("content-length: {}\r\n\r\n{body}", body.len());
        let mut connection = TcpStream::connect(self.address).await.unwrap();
        let _ = connection.write_all(request.as_bytes()).await;
        connection
    }
}

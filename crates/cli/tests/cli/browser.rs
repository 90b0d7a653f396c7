//! A real browser, driven by WebDriver (W3C): only what the tests of the page need of it.

use serde_json::{Value, json};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

const CHROMIUM: &str = "/usr/bin/chromium";
const DRIVER: &str = "/usr/bin/chromedriver";
/// Milliseconds that something on a page is waited for.
const PATIENCE_MS: u64 = 30_000;
/// How often it is asked where the browser is, until it is where it was led to.
const LOOKS_MAX: u32 = 10_000;
/// What a script waits with: it looks until there is something, or there is no patience left.
const WAITING: &str = "const done = arguments[arguments.length - 1]; \
    const look = () => { let found = null; try { found = (() => { BODY })(); } catch (why) { found = null; } \
    if (found) done(found); else setTimeout(look, 50); }; look();";

/// A browser with one page, which ends with this.
pub(crate) struct Browser {
    driver: Child,
    port: u16,
    session: String,
    _profile: TempDir,
}

impl Browser {
    /// None where there is no browser on this machine, which is said.
    #[allow(clippy::print_stderr, reason = "a test that is left out says so")]
    pub(crate) fn start() -> Option<Self> {
        if ![CHROMIUM, DRIVER]
            .iter()
            .all(|file| Path::new(file).exists())
        {
            eprintln!(
                "left out: this needs {CHROMIUM} and {DRIVER} (apt-get install chromium chromium-driver)"
            );
            return None;
        }
        let mut driver = Command::new(DRIVER)
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = lines
            .by_ref()
            .map(Result::unwrap)
            .find_map(|line| {
                line.split("successfully on port ")
                    .nth(1)?
                    .trim_end_matches('.')
                    .parse()
                    .ok()
            })
            .expect("chromedriver says its port");
        std::thread::spawn(move || lines.for_each(drop));
        let profile = tempfile::tempdir().unwrap();
        let mut browser = Self {
            driver,
            port,
            session: String::new(),
            _profile: profile,
        };
        let folder = format!("--user-data-dir={}", browser._profile.path().display());
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=1280,900",
            &folder,
        ];
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "goog:chromeOptions": {"binary": CHROMIUM, "args": arguments},
            "goog:loggingPrefs": {"browser": "ALL"},
            "timeouts": {"script": PATIENCE_MS, "pageLoad": PATIENCE_MS},
        }}});
        let begun = browser.ask("POST", "/session", &wanted);
        browser.session = begun["sessionId"].as_str().unwrap().to_owned();
        Some(browser)
    }

    /// Opens the address that holds the secret, and waits until it has led to the page: a script
    /// that waits would be lost on the way.
    #[track_caller]
    pub(crate) fn open(&self, url: &str) {
        self.on_session("POST", "/url", &json!({"url": url}));
        let is_led = |_: &u32| {
            let now = self.on_session("GET", "/url", &json!({}));
            !now.as_str().unwrap().contains("/enter")
        };
        assert!((0..LOOKS_MAX).any(|look| is_led(&look)), "{url} leads on");
    }

    /// Runs a script of the page; gives what it returns.
    pub(crate) fn script(&self, body: &str) -> Value {
        self.on_session(
            "POST",
            "/execute/sync",
            &json!({"script": body, "args": []}),
        )
    }

    /// Waits until the script returns something; gives it.
    #[track_caller]
    pub(crate) fn waits(&self, body: &str) -> Value {
        let script = WAITING.replace("BODY", body);
        self.on_session(
            "POST",
            "/execute/async",
            &json!({"script": script, "args": []}),
        )
    }

    /// Waits until an element that fits the selector shows this text, and there is nothing left
    /// to be drawn of it.
    #[track_caller]
    pub(crate) fn shows(&self, selector: &str, text: &str) {
        self.waits(&format!(
            "return [...document.querySelectorAll({})].some((it) => it.checkVisibility() && it.textContent.includes({}))",
            Value::from(selector), Value::from(text)
        ));
    }

    /// Waits for the button of this text within an element, and presses it.
    #[track_caller]
    pub(crate) fn presses(&self, selector: &str, text: &str) {
        let script = format!(
            "const it = [...document.querySelectorAll({})].find((it) => it.checkVisibility() && it.textContent.includes({})); \
             if (!it) return false; it.scrollIntoView({{block: 'center'}}); \
             it.dispatchEvent(new MouseEvent('click', {{bubbles: true}})); return true;",
            Value::from(selector),
            Value::from(text)
        );
        self.waits(&script);
    }

    /// What the browser complained of, such as what the page's policy refused.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let log = self.on_session("POST", "/se/log", &json!({"type": "browser"}));
        let entries = log.as_array().unwrap().iter();
        entries
            .map(|entry| entry["message"].as_str().unwrap().to_owned())
            .collect()
    }

    #[track_caller]
    fn on_session(&self, method: &str, path: &str, body: &Value) -> Value {
        self.ask(method, &format!("/session/{}{path}", self.session), body)
    }

    #[track_caller]
    fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let (head, body) = self.send(method, path, body).unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{path}: {body}");
        let answer: Value = serde_json::from_str(&body).unwrap();
        answer["value"].clone()
    }

    /// Gives the head and the body of the answer.
    fn send(&self, method: &str, path: &str, body: &Value) -> io::Result<(String, String)> {
        let body = body.to_string();
        let port = self.port;
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut connection = TcpStream::connect(("127.0.0.1", port))?;
        connection.write_all(request.as_bytes())?;
        // The driver keeps the connection open, so it is read as far as it says.
        let mut answer = BufReader::new(connection);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if answer.read_line(&mut head)? == 0 {
                return Err(io::Error::other(format!("{path} ends early: {head}")));
            }
        }
        let lengths = head.lines().filter_map(|line| line.split_once(':'));
        let mut lengths = lengths.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        let length = lengths
            .next()
            .and_then(|(_, length)| length.trim().parse().ok());
        let mut body = vec![0; length.unwrap_or_default()];
        answer.read_exact(&mut body)?;
        Ok((head, String::from_utf8_lossy(&body).into_owned()))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Also after a test that failed: the browser would go on without its driver.
        let session = format!("/session/{}", self.session);
        let _ = self.send("DELETE", &session, &json!({}));
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

//! Who is refused, and that every answer says what a page may do.

use crate::client::Page;
use crate::made_up::MadeUp;
use leadhand_viewer::{BODY_BYTES_MAX, STREAMS_MAX, URI_BYTES_MAX};

const PAUSE: &str = r#"{"order":"pause"}"#;
const ORDERS: &str = "/api/runs/bad/orders";
const RESUME: &str = "/api/runs/bad/resume";

#[tokio::test]
async fn nothing_is_answered_without_the_secrets() {
    let page = Page::of(MadeUp::bad("")).await;
    let host = page.address.to_string();
    let check = async |path: &str, headers: &[(&str, &str)]| {
        let headers = [&[("host", host.as_str())], headers].concat();
        page.raw("GET", path, &headers, "").await.status
    };
    let (cookie, key) = (page.cookie.as_str(), page.key.as_str());
    let wrong = format!("{}0", &cookie[..cookie.len() - 1]);
    let (name, secret) = cookie.split_once('=').unwrap();
    let elsewhere = format!("other-{name}={secret}");
    for path in [
        "/",
        "/page/app.js",
        "/api/events",
        "/api/runs/bad/rows",
        "/nothing",
    ] {
        assert_eq!(check(path, &[]).await, 401, "{path}");
        assert_eq!(check(path, &[("x-leadhand-key", key)]).await, 401, "{path}");
    }
    if wrong != cookie {
        assert_eq!(check("/", &[("cookie", &wrong)]).await, 401);
    }
    assert_eq!(check("/", &[("cookie", &elsewhere)]).await, 401);
    assert_eq!(
        check("/", &[("cookie", &format!("a=b; {cookie}"))]).await,
        200
    );
    // The cookie goes to every port of this machine; what runs say needs the key as well.
    assert_eq!(
        check("/api/runs/bad/rows", &[("cookie", cookie)]).await,
        401
    );
    let both = [("cookie", cookie), ("x-leadhand-key", key)];
    assert_eq!(check("/api/runs/bad/rows", &both).await, 200);
    for entry in [
        "/enter",
        "/enter?token=",
        "/enter?token=00",
        "/enter?token=%00",
    ] {
        assert_eq!(check(entry, &[]).await, 401, "{entry}");
    }
}

#[tokio::test]
async fn a_name_that_leads_here_is_not_this_server() {
    let page = Page::of(MadeUp::bad("")).await;
    let port = page.address.port();
    let check = async |hosts: &[&str], path: &str| {
        let mut headers: Vec<(&str, String)> = page.headers();
        headers.remove(0);
        headers.extend(hosts.iter().map(|host| ("host", (*host).to_owned())));
        page.with("GET", path, &headers, "").await.status
    };
    let here = format!("127.0.0.1:{port}");
    assert_eq!(check(&[&here], "/").await, 200);
    assert_eq!(check(&[&format!("localhost:{port}")], "/").await, 200);
    for foreign in [
        "evil.example",
        "127.0.0.1",
        "127.0.0.1:1",
        &format!("evil.example:{port}"),
        &format!("[::1]:{port}"),
    ] {
        assert_eq!(check(&[foreign], "/").await, 421, "{foreign}");
        assert_eq!(check(&[foreign], &page.entry).await, 421, "{foreign}");
    }
    assert_eq!(check(&[&here, "evil.example"], "/").await, 421);
    assert_eq!(
        check(&[&here], &format!("http://evil.example:{port}/")).await,
        421
    );
}

#[tokio::test]
async fn orders_are_taken_from_the_page_only() {
    let runs = MadeUp::bad("");
    let page = Page::of(runs.clone()).await;
    let own = format!("http://{}", page.address);
    let check = async |origin: Option<&str>, site: Option<&str>, kind: &str| {
        let mut headers = page.headers();
        headers.push(("content-type", kind.to_owned()));
        headers.extend(origin.map(|it| ("origin", it.to_owned())));
        headers.extend(site.map(|it| ("sec-fetch-site", it.to_owned())));
        let resumed = page.with("POST", RESUME, &headers, "{}").await.status;
        let ordered = page.with("POST", ORDERS, &headers, PAUSE).await.status;
        // Of what both are told the first resume alone is obeyed.
        assert!(resumed == ordered || resumed == 409, "{resumed} {ordered}");
        ordered
    };
    let json = "application/json";
    for origin in [
        None,
        Some("null"),
        Some("http://evil.example"),
        Some("https://127.0.0.1"),
        Some("http://localhost:1"),
    ] {
        assert_eq!(check(origin, None, json).await, 403, "{origin:?}");
    }
    for site in ["cross-site", "same-site", "none"] {
        assert_eq!(check(Some(&own), Some(site), json).await, 403, "{site}");
    }
    assert_eq!(check(Some(&own), None, "text/plain").await, 403);
    assert!(runs.ordered.lock().unwrap().is_empty());
    assert!(runs.resumed.lock().unwrap().is_empty());
    assert_eq!(check(Some(&own), Some("same-origin"), json).await, 200);
    assert_eq!(check(Some(&own), None, json).await, 200);
    assert_eq!(runs.ordered.lock().unwrap().len(), 2);
    // What only looks is not shown to other pages either.
    let mut headers = page.headers();
    headers.push(("sec-fetch-site", "cross-site".to_owned()));
    assert_eq!(
        page.with("GET", "/api/runs/bad/rows", &headers, "")
            .await
            .status,
        403
    );
}

#[tokio::test]
async fn what_is_too_long_or_too_much_is_refused() {
    let page = Page::of(MadeUp::bad("")).await;
    let long = "a".repeat(BODY_BYTES_MAX + 1);
    assert_eq!(page.post(ORDERS, &long).await.status, 413);
    assert_eq!(page.post(RESUME, &long).await.status, 413);
    let steer = |chars: usize| format!(r#"{{"order":"steer","text":"{}"}}"#, "a".repeat(chars));
    assert_eq!(page.post(ORDERS, &steer(8_000)).await.status, 200);
    assert_eq!(page.post(ORDERS, &steer(8_001)).await.status, 409);
    let path = format!("/api/runs/bad/find?words={}", "a".repeat(URI_BYTES_MAX));
    assert_eq!(page.get(&path).await.status, 414);
    let path = format!("/api/runs/bad/find?words={}", "a".repeat(201));
    assert_eq!(page.get(&path).await.status, 400);
    let path = format!("/api/runs/bad/rows?at={}", vec!["0"; 301].join(","));
    assert_eq!(page.get(&path).await.status, 400);
    assert_eq!(
        page.get("/api/runs/bad/rows?count=99999999").await.status,
        200
    );
    assert_eq!(page.get("/api/runs/bad/rows?from=-1").await.status, 400);
    let headers = page.headers();
    let headers: Vec<(&str, &str)> = headers
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let mut streams = Vec::new();
    for _ in 0..STREAMS_MAX {
        let connection = page.asked("GET", "/api/events", &headers, "").await;
        connection.readable().await.unwrap();
        streams.push(connection);
    }
    assert_eq!(page.get("/api/events").await.status, 503);
}

#[tokio::test]
async fn every_answer_says_what_a_page_may_do() {
    let page = Page::of(MadeUp::bad("")).await;
    let host = page.address.to_string();
    let refused = page.raw("GET", "/", &[("host", &host)], "").await;
    let answers = [
        page.get("/").await,
        page.get("/page/app.js").await,
        page.get("/api/runs/bad/rows").await,
        page.get("/nothing").await,
        refused,
    ];
    for answer in answers {
        let policy = answer.header("content-security-policy").unwrap();
        assert_eq!(
            policy,
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
             img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        );
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("access-control-allow-origin"), None);
    }
    assert_eq!(page.get("/page/..%2f..%2fCargo.toml").await.status, 404);
    assert_eq!(page.get("/page/nothing.js").await.status, 404);
}

/// Foreign texts become text nodes; what would read them as markup, or as a script, is not used.
#[test]
fn no_file_of_the_page_reads_text_as_markup() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/page");
    let words = [
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "new Function",
        "DOMParser",
        "createContextualFragment",
        "srcdoc",
        "javascript:",
        "setAttribute(\"style\"",
        " style=\"",
        " onclick=",
        "https://",
    ];
    let mut faults = Vec::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let used = words.iter().filter(|word| text.contains(**word));
        faults.extend(used.map(|word| format!("{}: {word}", path.display())));
    }
    assert_eq!(faults, Vec::<String>::new());
}

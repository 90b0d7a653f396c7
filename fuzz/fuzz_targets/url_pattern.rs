//! Any two texts as URL patterns and a third as a URL: nothing panics, a pattern is read as it
//! is written, what it covers it closes, and what two have in common is covered by both.
#![no_main]

use leadhand_resource::{UrlPattern, UrlResource};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let mut lines = text.splitn(3, '\n');
    let mut next = || lines.next().unwrap_or_default();
    let (a, b, url) = (UrlPattern::parse(next()), UrlPattern::parse(next()), next());
    let url = UrlResource::parse(url);
    for pattern in a.iter().chain(&b).flatten() {
        let written = pattern.to_string();
        if written.len() <= leadhand_resource::PATTERN_BYTES_MAX {
            let again =
                UrlPattern::parse(&written).unwrap_or_else(|why| panic!("{written}: {why}"));
            assert_eq!(again, [pattern.clone()], "{written}");
        }
        if let Ok(url) = &url {
            for method in [None, Some("GET")] {
                let covers = pattern.covers_resource(method, url);
                let closes = pattern.closing().closes_resource(method, url);
                assert!(closes || !covers, "{written} on {url}");
            }
        }
    }
    let (Ok(a), Ok(b), Ok(url)) = (a, b, url) else {
        return;
    };
    let mut steps_left = 10_000;
    for (a, b) in a.iter().flat_map(|a| b.iter().map(move |b| (a, b))) {
        for both in a.intersect(b, &mut steps_left) {
            for method in [None, Some("GET"), Some("POST")] {
                if both.covers_resource(method, &url) {
                    assert!(a.covers_resource(method, &url), "{both} of {a} on {url}");
                    assert!(b.covers_resource(method, &url), "{both} of {b} on {url}");
                }
            }
        }
    }
});

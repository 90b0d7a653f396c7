//! What holds for every pattern and every resource.

use leadhand_resource::{Kind, Pattern, Resource, STEPS_MAX, UrlPattern};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};
use proptest::{prop_assert, prop_assert_eq};

fn path_pattern() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        6 => Just("**"), 1 => Just("*"), 1 => Just("a"), 1 => Just("b"), 1 => Just("a*"),
        1 => Just("*b"), 1 => Just("?"), 1 => Just("a*b"), 1 => Just("{a,bb}"), 1 => Just("?*"),
    ];
    vec(name, 1..5).prop_map(|names| names.join("/"))
}

fn one_of(texts: &'static [&'static str]) -> impl Strategy<Value = String> {
    (0..texts.len()).prop_map(move |place| texts[place].to_owned())
}

fn url_pattern() -> impl Strategy<Value = String> {
    let path = prop_oneof![
        Just(String::new()),
        Just("/".to_owned()),
        vec(one_of(&["**", "a", "*", "a*", "*b", "b", "a%2Ab"]), 1..4)
            .prop_map(|names| format!("/{}", names.join("/"))),
    ];
    let parts = (
        one_of(&["", "", "GET ", "GET,POST ", "POST "]),
        one_of(&["http", "https", "*"]),
        one_of(&[
            "*",
            "*.x.example",
            "x.example",
            "*.example",
            "y.x.example",
            "10.0.0.1",
            "[::1]",
        ]),
        one_of(&["", "", ":*", ":80", ":443", ":8080"]),
        path,
    );
    let address = parts.prop_map(|(methods, scheme, host, port, path)| {
        format!("{methods}{scheme}://{host}{port}{path}")
    });
    prop_oneof![8 => address, 1 => Just("**".to_owned()), 1 => Just("GET **".to_owned())]
}

fn every_small_path() -> Vec<Resource> {
    let mut paths = vec![String::new()];
    let mut longest = paths.clone();
    for _ in 0..3 {
        let longer = longest
            .iter()
            .flat_map(|folder| ["a", "b", "ab", "bab"].map(|name| format!("{folder}/{name}")));
        longest = longer.collect();
        paths.extend(longest.clone());
    }
    let read = |path: &String| Resource::parse(Kind::Path, path.trim_start_matches('/'));
    paths.iter().map(|path| read(path).expect(path)).collect()
}

fn every_small_url() -> Vec<Resource> {
    let mut urls = Vec::new();
    for scheme in ["http", "https"] {
        for host in ["x.example", "y.x.example", "example", "10.0.0.1", "[::1]"] {
            for port in ["", ":80", ":443", ":8080"] {
                for path in ["", "/a", "/b/a", "/a/ab/b", "/a*b", "/a%2fb"] {
                    let url = format!("{scheme}://{host}{port}{path}");
                    urls.push(Resource::parse(Kind::Url, &url).expect(&url));
                }
            }
        }
    }
    urls
}

fn covers_any(kind: Kind, patterns: &[String], resource: &Resource, method: Option<&str>) -> bool {
    let read = |text: &String| Pattern::parse(kind, text).expect("what was written can be read");
    patterns
        .iter()
        .any(|text| read(text).covers(resource, method))
}

proptest! {
    #[test]
    fn paths_intersect_to_what_both_cover(a in path_pattern(), b in path_pattern()) {
        let (of_a, of_b) = (Pattern::parse(Kind::Path, &a).unwrap(), Pattern::parse(Kind::Path, &b).unwrap());
        let mut steps_left = STEPS_MAX;
        let both = of_a.intersect(&of_b, &mut steps_left);
        for path in every_small_path() {
            let expected = of_a.covers(&path, None) && of_b.covers(&path, None);
            prop_assert_eq!(covers_any(Kind::Path, &both, &path, None), expected, "{} and {} give {:?} on {}", a, b, both, path);
        }
    }

    #[test]
    fn urls_intersect_to_what_both_cover(a in url_pattern(), b in url_pattern()) {
        let (of_a, of_b) = (Pattern::parse(Kind::Url, &a).unwrap(), Pattern::parse(Kind::Url, &b).unwrap());
        let mut steps_left = STEPS_MAX;
        let both = of_a.intersect(&of_b, &mut steps_left);
        let both: Vec<Pattern> = both.iter().map(|text| Pattern::parse(Kind::Url, text).unwrap()).collect();
        for url in every_small_url() {
            for method in [None, Some("GET"), Some("POST"), Some("PUT")] {
                let expected = of_a.covers(&url, method) && of_b.covers(&url, method);
                let found = both.iter().any(|it| it.covers(&url, method));
                prop_assert_eq!(found, expected, "{} and {} give {:?} on {:?} {}", a, b, both, method, url);
            }
        }
    }

    #[test]
    fn what_is_covered_is_closed_too(a in url_pattern(), b in path_pattern()) {
        let urls = Pattern::parse(Kind::Url, &a).unwrap();
        for url in every_small_url() {
            prop_assert!(!urls.covers(&url, Some("GET")) || urls.closing().closes(&url, Some("GET")), "{} on {}", a, url);
            prop_assert!(!urls.covers(&url, None) || urls.closing().closes(&url, None), "{} on {}", a, url);
        }
        let paths = Pattern::parse(Kind::Path, &b).unwrap();
        for path in every_small_path() {
            prop_assert!(!paths.covers(&path, None) || paths.closing().closes(&path, None), "{} on {}", b, path);
        }
    }

    #[test]
    fn a_pattern_that_includes_another_covers_all_it_covers(a in path_pattern(), b in path_pattern()) {
        let (of_a, of_b) = (Pattern::parse(Kind::Path, &a).unwrap(), Pattern::parse(Kind::Path, &b).unwrap());
        let mut steps_left = STEPS_MAX;
        if of_a.includes(&of_b, &mut steps_left) {
            for path in every_small_path() {
                prop_assert!(!of_b.covers(&path, None) || of_a.covers(&path, None), "{} includes {} on {}", a, b, path);
            }
        }
    }

    #[test]
    fn a_pattern_is_read_as_it_is_written(a in url_pattern()) {
        for pattern in UrlPattern::parse(&a).unwrap() {
            prop_assert_eq!(UrlPattern::parse(&pattern.to_string()), Ok(vec![pattern]));
        }
    }

    #[test]
    fn hostile_texts_are_read_or_refused_and_never_intersect_to_more(a in any::<String>(), b in any::<String>(), c in any::<String>()) {
        for kind in [Kind::Path, Kind::Url, Kind::Name] {
            let resource = Resource::parse(kind, &c);
            if let (Ok(of_a), Ok(of_b), Ok(resource)) = (Pattern::parse(kind, &a), Pattern::parse(kind, &b), resource) {
                let mut steps_left = 10_000;
                let both = of_a.intersect(&of_b, &mut steps_left);
                let in_both = of_a.covers(&resource, None) && of_b.covers(&resource, None);
                prop_assert!(in_both || !covers_any(kind, &both, &resource, None));
            }
        }
    }
}

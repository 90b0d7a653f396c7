//! Names that every model API takes, and back.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use leadhand_schema::{nearest, no_such_tool, offered_name, original_name};
use proptest::prelude::*;

fn check(name: &str, offered: &str) {
    assert_eq!(offered_name(name), offered);
    assert_eq!(original_name(offered).as_deref(), Some(name));
}

#[test]
fn names_are_offered_in_letters_that_every_api_takes() {
    check("read_file", "read_file");
    check("get-weather", "get-weather");
    check("GorillaFileSystem.ls", "GorillaFileSystem__ls");
    check("a.b.c", "a__b__c");
    check("a__b", "a__05f__b");
    check("_private", "_private");
    check("_.a", "__05f___a");
    check("v1.0", "v1__02e_0");
    check("3d", "__033_d");
    check("-x", "__02d_x");
    check("grüße", "gr__0fc___0df_e");
    check("files/read", "files__02f_read");
}

#[test]
fn a_name_that_is_too_long_is_cut_and_told_apart() {
    let long = |end: &str| format!("{}{end}", "a.".repeat(40));
    let (one, other) = (offered_name(&long("x")), offered_name(&long("y")));
    assert!(one.len() <= 64 && other.len() <= 64);
    assert_ne!(one, other);
    assert_eq!(original_name(&one), None);
}

proptest! {
    #[test]
    fn every_name_can_be_read_back(name in r"[a-zA-Z0-9_.\-é/ ]{1,10}") {
        let offered = offered_name(&name);
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        prop_assert!(offered.chars().all(plain) && offered.len() <= 64);
        prop_assert!(offered.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_'));
        match original_name(&offered) {
            Some(original) => prop_assert_eq!(original, name),
            // Only one that is too long is cut, and ends in a number of its own.
            None => prop_assert!(offered.contains("__0_") && offered.len() > 40),
        }
    }
}

#[test]
fn the_name_that_was_meant_is_found() {
    let check = |name, names: &[&'static str], meant| {
        assert_eq!(nearest(name, names.iter().copied()), meant, "{name}");
    };
    check("bse", &["base", "height"], Some("base"));
    check("Base_", &["base", "bass"], Some("base"));
    check("lat", &["longitude", "latitude"], Some("latitude"));
    check(
        "math.hypot",
        &["math__hypot", "math__sqrt"],
        Some("math__hypot"),
    );
    check("colour", &["size", "weight"], None);
    check("", &["a"], None);
    check("b", &["a"], None);
    assert_eq!(
        no_such_tool("fly", &[]),
        "There is no tool `fly`. Your tools: none."
    );
}

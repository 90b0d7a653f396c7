//! What policy says, asked on the command line.

use crate::place::{Place, Seen};

const RULES: &str = "[[rules]]\ndecision = \"deny\"\nresource = \"secrets/**\"\n";

#[test]
fn a_verdict_is_explained_by_file_and_line() {
    let place = Place::new(&[("policy.toml", RULES)]);
    let arguments = ["policy", "explain", "read_file", "--args"];
    let read = |path: &str| {
        let path = serde_json::json!({ "path": path }).to_string();
        place.leadhand(&[&arguments[..], &[path.as_str()]].concat())
    };
    let denied = "denied: the rule `deny secrets/**` (policy.toml:1) covers fs.read on `secrets/key`\n\n\
                  fs.read secrets/key\n  granted on **\n  matches    `allow fs.read **` (built in)\n  \
                  decides    `deny secrets/**` (policy.toml:1)\n\nautonomy L4\n";
    assert_eq!(read("secrets/key"), Seen::new(0, denied, ""));
    let allowed = "allowed: the rule `allow fs.read **` (built in) covers fs.read on `a.md`\n\n\
                   fs.read a.md\n  granted on **\n  decides    `allow fs.read **` (built in)\n\n\
                   autonomy L4\n";
    assert_eq!(read("a.md"), Seen::new(0, allowed, ""));
    let none = place.leadhand(&["policy", "explain", "fly"]);
    assert_eq!(none.code, 2);
}

#[test]
fn tables_of_cases_are_judged() {
    let cases = "[[cases]]\nname = \"keys are closed\"\ntool = \"read_file\"\n\
                 arguments = { path = \"secrets/key\" }\nexpect = \"deny\"\nrule = \"policy.toml:1\"\n\n\
                 [[cases]]\nname = \"pages are read\"\ntool = \"fetch\"\n\
                 arguments = { url = \"https://example.org/\" }\nexpect = \"allow\"\n";
    let place = Place::new(&[("policy.toml", RULES), ("cases.toml", cases)]);
    let seen = place.leadhand(&["policy", "test", "cases.toml"]);
    assert_eq!(seen.code, 3);
    let lines: Vec<&str> = seen.out.lines().collect();
    assert_eq!(lines[0], "ok      keys are closed");
    assert!(
        lines[1].starts_with("FAILED  pages are read (cases.toml:8): "),
        "{}",
        lines[1]
    );
    assert_eq!(seen.err, "1 case passed, 1 failed\n");
    let faulty = Place::new(&[("cases.toml", "[[cases]]\nnome = \"x\"\n")]);
    let seen = faulty.leadhand(&["policy", "test", "cases.toml"]);
    assert_eq!(seen.code, 2);
    assert!(seen.err.contains("cases.toml:2: "), "{}", seen.err);
}

#[test]
fn rules_that_do_nothing_are_found() {
    let rules = format!(
        "{RULES}\n[[rules]]\ndecision = \"ask\"\ncapability = \"fs.read\"\nresource = \"secrets/a.txt\"\n"
    );
    let place = Place::new(&[("policy.toml", &rules)]);
    let found = "policy.toml:5: never decides: the rule `deny secrets/**` (policy.toml:1) covers all \
                 that it is about\n";
    assert_eq!(
        place.leadhand(&["policy", "check"]),
        Seen::new(3, found, "8 rules, 1 finding\n")
    );
    let sound = Place::new(&[("policy.toml", RULES)]);
    assert_eq!(
        sound.leadhand(&["policy", "check"]),
        Seen::new(0, "", "7 rules, 0 findings\n")
    );
}

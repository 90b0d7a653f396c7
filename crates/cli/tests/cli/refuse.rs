//! What is refused: always with exit code, reason and what to do, never with a panic.

use crate::place::{Place, Seen, WRITES_NOTES};
use std::io::Write;
use std::process::Stdio;

fn check(place: &Place, arguments: &[&str], code: i32, err: &str) {
    let seen = place.leadhand(arguments);
    assert_eq!(seen, Seen::new(code, "", err), "{arguments:?}");
}

#[test]
fn goals_that_are_none() {
    let place = Place::new(&[
        ("wrong.toml", "text = \"x\"\nwish = 1\n"),
        ("latin.txt", ""),
    ]);
    let empty = "error: the goal is empty: say what is to be achieved\n\
                 what to do: for example: leadhand run \"Summarize the files in docs\"\n";
    check(&place, &["run", ""], 2, empty);
    check(&place, &["run", " \n\t"], 2, empty);
    check(&place, &["run", "-"], 2, empty);
    check(
        &place,
        &["run"],
        2,
        "error: there is no goal\nwhat to do: write leadhand run \"…\", or name a --goal-file, a --plan or a --playbook\n",
    );
    check(
        &place,
        &["run", "--goal-file", "none.txt"],
        2,
        "error: none.txt: there is no such file\nwhat to do: check the path; it counts from the current folder\n",
    );
    check(
        &place,
        &["run", "--goal-file", "wrong.toml"],
        2,
        "error: wrong.toml:2: unknown field `wish`, expected one of `text`, `files`, `acceptance`, `output_schema`, `autonomy`, `budget`, `trace_parent`\nwhat to do: docs/cli.md shows what goes into it; `leadhand plan --json` writes a plan\n",
    );
    place.write("script.jsonl", WRITES_NOTES);
    place.write("schema.json", r#"{"type": 5}"#);
    let model = ["-m", "scripted:script.jsonl"];
    let seen =
        place.leadhand(&[&["run", "x", "--output-schema", "schema.json"][..], &model].concat());
    assert_eq!(seen.code, 2, "{}", seen.err);
    assert!(
        seen.err.contains("its output schema cannot be used: "),
        "{}",
        seen.err
    );
    std::fs::write(place.path("latin.txt"), b"caf\xe9").unwrap();
    check(
        &place,
        &["run", "--goal-file", "latin.txt"],
        2,
        "error: latin.txt: it is no UTF-8 text: the first wrong byte is number 4\n",
    );
}

#[test]
fn a_million_characters() {
    let place = Place::new(&[]);
    let mut child = place
        .command(&["run", "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(&vec![b'a'; 1_000_000])
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "error: the goal has 1000000 characters and 200000 are allowed: put the material into files of the workspace and name them in the goal\n"
    );
}

#[test]
fn models_that_are_none() {
    let place = Place::new(&[("broken.jsonl", "{\"reply\": {}}\n")]);
    let check = |model: &str, code: i32, expected: &str| {
        let seen = place.leadhand(&["run", "Write notes", "-m", model]);
        assert_eq!(seen.code, code, "{}", seen.err);
        assert!(seen.err.contains(expected), "{}", seen.err);
    };
    check(
        "gpt",
        2,
        "error: there is no model `gpt`; there is: qwen2.5-coder-1.5b, qwen2.5-coder-0.5b\n",
    );
    check("scripted:none.jsonl", 2, "error: none.jsonl: ");
    check("scripted:none.jsonl", 2, "what to do: check the path: ");
    check("scripted:broken.jsonl", 2, "error: broken.jsonl:1: ");
    check(
        "embedded:none",
        2,
        "error: model `embedded:none`: the catalog has no such model",
    );
    place.write(
        "leadhand.toml",
        "[models.m]\nmodel = \"m\"\napi_key_env = \"OPENAI_API_KEY\"\n",
    );
    check("m", 9, "OPENAI_API_KEY");
}

#[test]
fn model_files_that_are_none() {
    let place = Place::new(&[("bad.gguf", "<html>404 Not Found</html>")]);
    let file = "cache/leadhand/models/qwen2.5-coder-0.5b-instruct-q4_k_m.gguf";
    place.write(file, "GGUF");
    let check = |arguments: &[&str], expected: &[&str]| {
        let arguments = [&["run", "Write notes"], arguments].concat();
        let mut command = place.command(&arguments);
        let seen = place.outcome_of(command.env("XDG_CACHE_HOME", place.path("cache")));
        assert_eq!((seen.code, seen.out.as_str()), (2, ""), "{}", seen.err);
        for text in expected {
            assert!(seen.err.contains(text), "{text} in {}", seen.err);
        }
    };
    check(
        &["--model-file", "bad.gguf"],
        &["error: model `bad`: the model file bad.gguf is not a usable GGUF file: "],
    );
    check(
        &["-m", "small"],
        &[
            &format!("/{file} is not a usable GGUF file: "),
            "; fetch it again and check its SHA-256: `leadhand model pull qwen2.5-coder-0.5b` does both\n",
        ],
    );
    let runs = place.leadhand(&["ps"]);
    assert_eq!(runs.err, "there are no runs in this project\n");
}

#[test]
fn an_endpoint_that_says_nothing_of_its_models() {
    let place = Place::new(&[]);
    // A port that was just free and is closed again.
    let address = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let url = format!("http://{address}/v1");
    let mut command = place.command(&["run", "Write notes"]);
    let seen = place.outcome_of(command.env("OPENAI_BASE_URL", &url));
    let expected = format!(
        "goal Write notes\n\
         error: the endpoint at OPENAI_BASE_URL ({url}) does not answer or lists no models\n\
         what to do: name the model with OPENAI_MODEL or -m openai:NAME; if that does not help, \
         look whether the server runs and the address is right, up to and with /v1\n"
    );
    assert_eq!(seen, Seen::new(9, "", &expected));
}

#[test]
fn configurations_with_faults() {
    let refused = |name: &str, text: &str, expected: &str| {
        let place = Place::new(&[("script.jsonl", WRITES_NOTES), (name, text)]);
        let seen = place.leadhand(&["run", "Write notes", "-m", "scripted:script.jsonl"]);
        assert_eq!((seen.code, seen.out.as_str()), (2, ""), "{}", seen.err);
        assert!(seen.err.contains(expected), "{}", seen.err);
        assert!(!place.path("notes.md").exists());
    };
    refused(
        "leadhand.toml",
        "[limits]\n\nworkers = 3\n",
        "leadhand.toml:3: unknown field `workers`",
    );
    refused("leadhand.toml", "autonomy = 7\n", "leadhand.toml:1: ");
    refused(
        "policy.toml",
        "\n[[rules]]\ndecision = \"perhaps\"\n",
        "policy.toml:3: ",
    );
    refused(
        "policy.toml",
        "[[rules]]\ndecision = \"allow\"\n",
        "policy.toml:1: a project's rules can only deny and ask",
    );
    refused(
        "policy.toml",
        "[[approvals]]\ntool = \"fetch\"\n",
        "policy.toml:1: a project cannot approve anything",
    );
    refused(
        "leadhand.toml",
        "[secrets.x]\norigin = \"https://a.example\"\nheader = \"x-key\"\nenv = \"HOME\"\n",
        "a project cannot say which secrets go where",
    );
    refused(
        "leadhand.toml",
        "[[labels]]\nresource = \"**\"\nsource = \"public\"\n",
        "a project cannot say that its files count as `public`",
    );
    refused("agents/poet.md", "no front matter", "agents/poet.md:1: ");
    refused(".leadhand", "a file in the way", "runs are recorded there");
}

#[test]
fn links_that_lead_out_of_the_project() {
    let place = Place::new(&[("script.jsonl", WRITES_NOTES)]);
    let outside = tempfile::NamedTempFile::new().unwrap();
    std::os::unix::fs::symlink(outside.path(), place.path("AGENTS.md")).unwrap();
    let seen = place.leadhand(&["run", "Write notes", "-m", "scripted:script.jsonl"]);
    assert_eq!(seen.code, 2);
    assert!(
        seen.err
            .contains("AGENTS.md: the link leads out of the project"),
        "{}",
        seen.err
    );
}

#[test]
fn a_clone_that_would_write_outside_of_itself() {
    let outside = tempfile::tempdir().unwrap();
    let config = |file: &str| {
        format!(
            "[models.script]\nprovider = \"scripted\"\nfile = \"script.jsonl\"\n\
             [models.tape]\nprovider = \"cassette\"\nrecord = \"script\"\nfile = \"{file}\"\n"
        )
    };
    let place = Place::new(&[("script.jsonl", WRITES_NOTES)]);
    let run = |file: &str| {
        place.write("leadhand.toml", &config(file));
        place.leadhand(&["run", "Write notes", "-m", "tape"])
    };
    let stray = outside.path().join("stray.jsonl");
    std::os::unix::fs::symlink(outside.path(), place.path("folder")).unwrap();
    std::os::unix::fs::symlink(&stray, place.path("nowhere.jsonl")).unwrap();
    for (file, why) in [
        ("../stray.jsonl", "leads out of the project"),
        (stray.to_str().unwrap(), "leads out of the project"),
        ("folder/stray.jsonl", "leads out of the project"),
        ("nowhere.jsonl", "is a link that leads nowhere"),
    ] {
        let seen = run(file);
        let expected = format!(
            "error: ./leadhand.toml:7: the file of the project's model `tape` {why}\n\
             what to do: name a file in the project; your own leadhand.toml and the command line may name any\n"
        );
        assert_eq!(seen, Seen::new(2, "", &expected), "{file}");
        assert!(!stray.exists() && !place.path("../stray.jsonl").exists());
    }
    assert_eq!(run("tape.jsonl").code, 0);
    assert!(place.read("tape.jsonl").contains("Hello."));
}

#[test]
fn plans_and_playbooks_with_faults() {
    let plan = r#"{"tasks": [{"id": "a", "role": "wizard", "depends_on": ["b"]}]}"#;
    let place = Place::new(&[
        ("script.jsonl", WRITES_NOTES),
        ("plan.json", plan),
        ("broken.json", "{\n  \"tasks\": 1\n}"),
    ]);
    let check = |arguments: &[&str], expected: &[&str]| {
        let seen = place.leadhand(&[arguments, &["-m", "scripted:script.jsonl"]].concat());
        assert_eq!((seen.code, seen.out.as_str()), (2, ""), "{}", seen.err);
        for text in expected {
            assert!(seen.err.contains(text), "{text} in {}", seen.err);
        }
    };
    check(&["run", "--plan", "plan.json"], &["wizard", "`b`"]);
    check(
        &["run", "--plan", "broken.json"],
        &["error: broken.json:2: invalid type"],
    );
    check(
        &["run", "--playbook", "none"],
        &[
            "there is no playbook `none`",
            "there are: answer-question, ",
        ],
    );
    check(
        &["run", "--playbook", "extract-json", "--set", "colour=red"],
        &[
            "there is no parameter `colour`",
            "the parameter `file` is missing",
            "the parameter `fields` is missing",
        ],
    );
    check(
        &["run", "--playbook", "extract-json", "--set", "file"],
        &["--set file: this is no key=value"],
    );
    check(
        &["run", "Write notes", "--set", "file=a"],
        &["--set is for a playbook, and none is named"],
    );
}

#[test]
fn other_arguments() {
    let place = Place::new(&[]);
    check(
        &place,
        &["-C", "nowhere", "ps"],
        2,
        "error: nowhere: there is no such folder\nwhat to do: name the project's folder with -C\n",
    );
    check(
        &place,
        &["trace", "show", "1abc"],
        2,
        "error: there is no run `1abc` in this project\nwhat to do: `leadhand ps` lists the runs there are; -C names another project\n",
    );
    check(
        &place,
        &["resume", ""],
        2,
        "error: there is no run `` in this project\nwhat to do: `leadhand ps` lists the runs there are; -C names another project\n",
    );
    check(
        &place,
        &["run", "x", "-o", "none/answer.txt"],
        2,
        "goal x\nerror: -o none/answer.txt: there is no such folder\nwhat to do: name a file\n",
    );
    for arguments in [
        &["run", "x", "--autonomy", "L9"][..],
        &["run", "x", "--budget-usd", "-1"],
        &["run", "x", "--wish"],
        // A plan carries out nothing, whatever the level.
        &["plan", "x", "--autonomy", "L5"],
        &[],
    ] {
        assert_eq!(place.leadhand(arguments).code, 2, "{arguments:?}");
    }
    // Options before the command and after it count alike.
    for arguments in [
        ["-c", "no=1", "ps", "-c", "autonomy=L1"],
        ["-c", "autonomy=L1", "ps", "-c", "no=1"],
    ] {
        let seen = place.leadhand(&arguments);
        assert_eq!(seen.code, 2);
        assert!(seen.err.contains("unknown field `no`"), "{}", seen.err);
    }
    assert!(!place.path(".leadhand").exists(), "looking makes nothing");
}

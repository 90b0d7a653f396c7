//! Tools by themselves: inspected, run, built from source.

use crate::place::{Place, Seen};
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn fed(command: &mut Command, input: &str) -> (i32, String) {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let code = output.status.code().unwrap();
    (code, String::from_utf8(output.stdout).unwrap())
}

#[test]
fn a_tool_runs_by_itself_and_its_exit_code_says_what_came_of_it() {
    let place = Place::new(&[("a.md", "Hello\n"), ("args.json", r#"{"path": "a.md"}"#)]);
    let check = |arguments: &[&str], expected: Seen| {
        let line = [&["tool", "run"], arguments].concat();
        assert_eq!(place.leadhand(&line), expected, "{arguments:?}");
    };
    let read = |path: &str| json!({ "path": path }).to_string();
    check(
        &["read_file", "--args", &read("a.md")],
        Seen::new(0, "Hello\n", ""),
    );
    check(
        &["read_file", "--args", "@args.json", "--json"],
        Seen::new(0, "{\"ok\":{\"text\":\"Hello\\n\"}}\n", ""),
    );
    check(
        &["read_file", "--args", &read(".git/config")],
        Seen::new(
            8,
            "",
            "error: read_file: refused by policy: the rule `deny **/.git/**` (built in) covers \
             fs.read on `.git/config`\n",
        ),
    );
    assert_eq!(
        place
            .leadhand(&["tool", "run", "read_file", "--args", &read("b.md")])
            .code,
        3
    );
    check(
        &["nothing", "--args", "{}"],
        Seen::new(
            2,
            "",
            "error: there is no tool `nothing`\nwhat to do: `leadhand tool list` shows the tools \
             there are; the file of a component ends in .wasm\n",
        ),
    );
    check(
        &["read_file", "--args", "{}", "--allow", "fly **"],
        Seen::new(
            2,
            "",
            "error: --allow 'fly **': there is no capability `fly`\nwhat to do: write a \
             capability and a resource, such as --allow 'fs.write out/**' or --allow 'net \
             https://example.org/**'\n",
        ),
    );
}

/// A disk of 64 KiB, in a mount namespace of its own, with the old file on it.
#[test]
fn a_full_disk_is_an_error_that_names_the_tool_and_the_file_and_leaves_the_file_as_it_was() {
    let arguments = json!({ "path": "disk/a.md", "content": "x".repeat(200_000) }).to_string();
    let place = Place::new(&[("disk/here", ""), ("args.json", &arguments)]);
    let on_a_full_disk = "mount -t tmpfs -o size=64k none disk && echo old > disk/a.md && \
        \"$0\" tool run write_file --allow 'fs.write **' --args @args.json; \
        code=$?; ls disk; cat disk/a.md; exit $code";
    let leadhand = place.command(&[]);
    let mut command = Command::new("unshare");
    command
        .args(["--map-root-user", "--mount", "sh", "-c", on_a_full_disk])
        .arg(leadhand.get_program())
        .current_dir(place.path(""))
        .envs(
            leadhand
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
    let may_mount = Command::new("unshare")
        .args([
            "--map-root-user",
            "--mount",
            "mount",
            "-t",
            "tmpfs",
            "none",
            "disk",
        ])
        .current_dir(place.path(""))
        .output();
    if !may_mount.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: a small disk needs `unshare` and namespaces of users");
        return;
    }
    assert_eq!(
        place.outcome_of(&mut command),
        Seen::new(
            3,
            "a.md\nold\n",
            "error: write_file: `disk/a.md`: the file system refuses: no storage space.\n",
        ),
    );
}

#[test]
fn rules_of_the_project_hold_for_a_tool_run_by_hand() {
    let rules = "[[rules]]\ndecision = \"deny\"\nresource = \"secrets/**\"\n\
        [[rules]]\ndecision = \"ask\"\ntool = \"write_file\"\n";
    let place = Place::new(&[("policy.toml", rules), ("secrets/key", "k")]);
    let secret = [
        "tool",
        "run",
        "read_file",
        "--args",
        r#"{"path": "secrets/key"}"#,
    ];
    assert_eq!(place.leadhand(&secret).code, 8);
    // Who runs a tool by hand has said yes to what would be asked, and opens no denial.
    let opened = [&secret[..], &["--allow", "fs.read secrets/**"]].concat();
    assert_eq!(place.leadhand(&opened).code, 8);
    let written = r#"{"path": "b.md", "content": "x"}"#;
    let seen = place.leadhand(&["tool", "run", "write_file", "--args", written]);
    assert_eq!((seen.code, place.read("b.md").as_str()), (0, "x"));
}

#[test]
fn a_batch_answers_every_line_in_order() {
    let place = Place::new(&[("a.md", "Hello\n")]);
    let mut input = String::new();
    for line in [
        r#"{"path": "a.md"}"#,
        "no JSON",
        r#"{"path": "b.md"}"#,
        "",
        r#"{"path": ".git/config"}"#,
        r#"{"path": "../x"}"#,
        r#"{"path": "a.md"}"#,
    ] {
        input.push_str(line);
        input.push('\n');
    }
    let mut command = place.command(&["tool", "run", "read_file", "--batch"]);
    let (code, out) = fed(&mut command, &input);
    let codes: Vec<Value> = lines(&out)
        .into_iter()
        .map(|line| match line.get("ok") {
            Some(ok) => ok["text"].clone(),
            None => line["error"]["code"].clone(),
        })
        .collect();
    let expected = json!([
        "Hello\n",
        "invalid_arguments",
        "not_found",
        "invalid_arguments",
        "denied",
        "denied",
        "Hello\n"
    ]);
    assert_eq!((code, Value::from(codes)), (0, expected));
}

#[test]
fn a_component_is_shown_before_it_is_trusted() {
    let place = Place::new(&[("core.wasm", "\0asm\u{1}\0\0\0")]);
    let seen = place.leadhand(&["tool", "inspect", "calculate"]);
    assert_eq!(seen.code, 0, "{}", seen.err);
    let imports = seen.out.lines().skip(2).take(3).collect::<Vec<_>>();
    let expected = [
        "imports",
        "  nothing: it can only compute",
        "exports specs, call",
    ];
    assert_eq!(imports, expected, "{}", seen.out);
    let seen = place.leadhand(&["tool", "inspect", "write_file", "--json"]);
    let shown: Value = serde_json::from_str(&seen.out).unwrap();
    let tools = shown["tools"].as_array().unwrap();
    let tool = tools.iter().find(|it| it["name"] == "write_file").unwrap();
    let deny: Vec<&str> = tool["at_most"][0]["deny"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert_eq!(deny, ["**/.leadhand/**", "**/.git/**"]);
    assert_eq!(
        place.leadhand(&["tool", "inspect", "core.wasm"]),
        Seen::new(
            2,
            "",
            "error: core.wasm: this is no component: it is a core module, or no WebAssembly at \
             all\n"
        )
    );
}

#[test]
fn what_cannot_be_built_is_said() {
    let place = Place::new(&[
        ("empty/a.txt", ""),
        ("two/tool.js", ""),
        ("two/tool.py", ""),
    ]);
    let check = |source: &str, expected: &str| {
        let seen = place.leadhand(&["tool", "build", source]);
        let err = seen.err.lines().next().unwrap_or_default();
        let told = err.rsplit_once(": ").map_or(err, |(_, told)| told);
        assert_eq!((seen.code, told), (2, expected), "{}", seen.err);
    };
    check("nowhere", "there is no such folder");
    check(
        "empty",
        "there is no Cargo.toml, tool.js or tool.py to make a tool of",
    );
    check("two", "move the others");
}

/// The environment that compilers are found and fetched by: the path, and the settings of npm,
/// pip and cargo, which lie in the home folder.
fn with_compilers(command: &mut Command) -> &mut Command {
    for (name, value) in std::env::vars() {
        if !name.starts_with("XDG_") && !name.starts_with("LEADHAND_") {
            command.env(name, value);
        }
    }
    command.env_remove("XDG_CONFIG_HOME")
}

/// Builds something and gives whether that was possible here; says so when it was not.
fn built(place: &Place, arguments: &[&str]) -> bool {
    let line = [&["tool", "build"], arguments].concat();
    let seen = place.outcome_of(with_compilers(&mut place.command(&line)));
    let lacks = seen.err.contains("Install it: ") || seen.err.contains("error: fetching ");
    if lacks {
        // Past the capture of the test's output, where nobody would see it.
        let _ = writeln!(
            std::io::stderr(),
            "NOT RUN: {arguments:?} cannot be built here: {}",
            seen.err
        );
        return false;
    }
    assert_eq!(seen.code, 0, "{}", seen.err);
    true
}

fn example(language: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../examples/tools")
        .join(language)
        .join("word_count")
}

fn check_example(language: &str, source: &Path) {
    let place = Place::new(&[("a.txt", "one two\nthree\n")]);
    let source = source.display().to_string();
    if !built(&place, &[&source, "-o", "word_count.wasm"]) {
        return;
    }
    let run = |path: &str| {
        let arguments = json!({ "path": path }).to_string();
        place.leadhand(&[
            "tool",
            "run",
            "word_count.wasm",
            "--args",
            &arguments,
            "--json",
        ])
    };
    let value = |seen: &Seen| serde_json::from_str::<Value>(&seen.out).unwrap();
    let seen = run("a.txt");
    let expected = json!({"lines": 2, "words": 3});
    assert_eq!(value(&seen)["ok"]["value"], expected, "{language}");
    assert_eq!(value(&run("b.txt"))["error"]["code"], "not_found");
    // Its imports are what its source names, beside what its language brings along.
    let seen = place.leadhand(&["tool", "inspect", "word_count.wasm"]);
    let own: Vec<&str> = seen
        .out
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with("leadhand:"))
        .collect();
    assert_eq!(own, ["leadhand:tool/files@0.2.0"], "{}", seen.out);
    // The project's own tools are tools of its runs.
    place.write(
        "leadhand.toml",
        "[tools]\ncomponents = [\"word_count.wasm\"]\n",
    );
    let listed = place.leadhand(&["tool", "list"]).out;
    assert!(
        listed.contains("word_count  (pure, sandboxed, wants fs.read `path`)\n"),
        "{listed}"
    );
}

#[test]
fn a_tool_in_javascript_is_built_and_runs() {
    check_example("javascript", &example("javascript"));
}

#[test]
fn a_tool_in_python_is_built_and_runs() {
    check_example("python", &example("python"));
}

/// Built in a folder that stays, so that cargo builds it once.
#[test]
fn a_tool_in_rust_is_built_and_runs() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("word_count");
    std::fs::create_dir_all(folder.join("src")).unwrap();
    for file in ["Cargo.toml", "Cargo.lock", "src/lib.rs"] {
        let text = std::fs::read(example("rust").join(file)).unwrap();
        if std::fs::read(folder.join(file)).is_ok_and(|there| there == text) {
            continue;
        }
        std::fs::write(folder.join(file), text).unwrap();
    }
    check_example("rust", &folder);
}

fn check_runner(tool: &str, cases: &[(Value, Value)]) {
    let place = Place::new(&[("a.txt", "hello\n")]);
    if !built(&place, &[tool]) {
        return;
    }
    let input: String = cases.iter().map(|(call, _)| format!("{call}\n")).collect();
    let (code, out) = fed(
        &mut place.command(&["tool", "run", tool, "--batch"]),
        &input,
    );
    assert_eq!(code, 0);
    let answers = lines(&out);
    assert_eq!(answers.len(), cases.len(), "{out}");
    for ((call, expected), answer) in cases.iter().zip(answers) {
        let found = match answer["ok"].get("value") {
            Some(value) => value.clone(),
            None => answer["error"]["code"].clone(),
        };
        assert_eq!(found, *expected, "{call}: {answer}");
    }
    assert!(!place.path("b.txt").exists());
    assert_eq!(place.read("c.txt"), "é");
}

#[test]
fn javascript_of_a_model_is_run_with_what_its_call_names_and_no_more() {
    let code = |code: &str| json!({ "code": code });
    check_runner(
        "run_javascript",
        &[
            (code("1 + 1"), json!({"value": 2})),
            (
                json!({"code": "console.log('x');\nreturn input.n * 2", "input": {"n": 21}}),
                json!({"value": 42, "printed": "x\n"}),
            ),
            (code("files.read('a.txt')"), json!({"value": "hello\n"})),
            (code("let x = ;"), json!("invalid_arguments")),
            (code("foo.bar"), json!("failed")),
            (code("files.write('b.txt', 'x')"), json!("denied")),
            (
                json!({"code": "files.write('c.txt', 'é')", "writes": ["c.txt"]}),
                json!({"value": null}),
            ),
            (
                json!({"code": "1", "urls": ["https://example.org/"]}),
                json!("denied"),
            ),
            (code("Date.now()"), json!({"value": 0})),
            (code("for (;;) {}"), json!("limit_exceeded")),
        ],
    );
}

#[test]
fn python_of_a_model_is_run_with_what_its_call_names_and_no_more() {
    let code = |code: &str| json!({ "code": code });
    check_runner(
        "run_python",
        &[
            (code("1 + 1"), json!({"value": 2})),
            (
                json!({"code": "print('x')\nreturn input['n'] * 2", "input": {"n": 21}}),
                json!({"value": 42, "printed": "x\n"}),
            ),
            (code("open('a.txt').read()"), json!({"value": "hello\n"})),
            (code("x = = 1"), json!("invalid_arguments")),
            (code("foo.bar"), json!("failed")),
            (code("open('b.txt', 'w').write('x')"), json!("denied")),
            // The runner's own check can be gone round; the host's cannot.
            (
                code("import wit_world.imports.files as f\nf.write('b.txt', b'x')"),
                json!("failed"),
            ),
            (
                json!({"code": "with open('c.txt', 'w') as f:\n  n = f.write('é')\nn", "writes": ["c.txt"]}),
                json!({"value": 1}),
            ),
            (
                code("import os\nos.environ.get('HOME')"),
                json!({"value": null}),
            ),
        ],
    );
}

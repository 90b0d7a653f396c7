//! Payloads from public lists of attacks, each tried as a path, a pattern and a text by tools and
//! by a program of WASI: nothing outside of the workspace is read or changed, and nothing is run.
#![cfg(unix)]
// A test that could not be carried out says so.
#![allow(clippy::print_stdout)]

use crate::probe::probe_component;
use crate::room::{Room, standard};
use flate2::read::GzDecoder;
use leadhand_protocol::ToolCall;
use leadhand_sandbox::{CallContext, Command};
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::sync::Arc;

const SECRET: &str = "the secret outside";

/// The payloads of a list, if the shared data is there.
fn payloads(name: &str) -> Option<Vec<String>> {
    let Ok(shared) = std::env::var("LEADHAND_SHARED") else {
        println!("skipped: LEADHAND_SHARED does not name a folder with data/{name}");
        return None;
    };
    let file = fs::File::open(Path::new(&shared).join("data").join(name)).unwrap();
    let lines = BufReader::new(GzDecoder::new(file)).lines();
    let payload = |line: String| {
        let line: Value = serde_json::from_str(&line).unwrap();
        line["payload"].as_str().unwrap().to_owned()
    };
    Some(lines.map(|line| payload(line.unwrap())).collect())
}

/// A workspace in a folder that holds a secret as well.
struct Place {
    folder: tempfile::TempDir,
    context: CallContext,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("secret"), SECRET).unwrap();
        let workspace = folder.path().join("workspace");
        fs::create_dir_all(workspace.join("docs")).unwrap();
        fs::write(workspace.join("docs/a.md"), "inside").unwrap();
        let mut context = Room::with(&[]).context();
        context.workspace = Arc::new(leadhand_sandbox::Workspace::open(workspace).unwrap());
        Self { folder, context }
    }

    /// A payload, with the secret's path in it as a list means it.
    fn variants(&self, payload: &str) -> Vec<String> {
        let absolute = self.folder.path().join("secret").display().to_string();
        if !payload.contains("{FILE}") {
            return vec![payload.to_owned()];
        }
        [absolute.as_str(), &absolute[1..], "secret"]
            .map(|file| payload.replace("{FILE}", file))
            .to_vec()
    }

    async fn call(&self, tool: &str, arguments: Value) -> String {
        let call = ToolCall {
            id: "1".into(),
            name: tool.into(),
            arguments,
        };
        match standard().call(&call, &self.context).await {
            Ok(output) => output.text,
            Err(fault) => fault.message,
        }
    }

    async fn probe(&self, operation: &str, path: &str, second: &str) -> String {
        let arguments = [operation, path, second, ""].map(str::to_owned);
        let command = Command {
            name: "probe",
            component: probe_component(),
            arguments: &arguments,
            environment: &[],
            folders: &["/"],
        };
        let ran = standard().run_command(&command, &self.context).await;
        String::from_utf8_lossy(&ran.unwrap().stdout).into_owned()
    }

    fn check_untouched(&self, payload: &str) {
        let secret = fs::read_to_string(self.folder.path().join("secret"));
        assert_eq!(secret.as_deref().unwrap(), SECRET, "{payload:?}");
        let names = fs::read_dir(self.folder.path()).unwrap().count();
        assert_eq!(names, 2, "{payload:?} made or took something outside");
    }
}

fn check_unread(payload: &str, given: &str) {
    let of_others = [SECRET, "root:x:", "root:0:", "uid="];
    for text in of_others {
        assert!(
            payload.contains(text) || !given.contains(text),
            "{payload:?}: {given}"
        );
    }
}

fn run(work: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(work);
}

#[test]
fn no_path_of_the_corpus_leads_out() {
    let Some(payloads) = payloads("paths.jsonl.gz") else {
        return;
    };
    let place = Place::new();
    run(async {
        for payload in &payloads {
            for path in place.variants(payload) {
                // Reading first: what could be read could be changed, and that is worse.
                for given in [
                    place.call("read_file", json!({ "path": path })).await,
                    place.call("list_files", json!({ "path": path })).await,
                    place.probe("r", &path, "").await,
                    place.probe("l", &path, "").await,
                ] {
                    check_unread(&path, &given);
                }
                let write = json!({ "path": path, "content": "changed" });
                place.call("write_file", write).await;
                let moved = json!({ "from": path, "to": "docs/moved" });
                place.call("move_file", moved).await;
                let away = json!({ "from": "docs/a.md", "to": path });
                place.call("move_file", away).await;
                let away = json!({ "from": path, "to": "docs/a.md" });
                place.call("move_file", away).await;
                place.probe("w", &path, "changed").await;
                place.probe("m", &path, "docs/moved").await;
                place.check_untouched(&path);
            }
        }
    });
}

#[test]
fn no_command_of_the_corpus_is_run() {
    let Some(payloads) = payloads("commands.jsonl.gz") else {
        return;
    };
    let place = Place::new();
    run(async {
        for payload in &payloads {
            for given in [
                place.call("read_file", json!({ "path": payload })).await,
                place.call("list_files", json!({ "path": payload })).await,
                place
                    .call("search_files", json!({ "pattern": payload }))
                    .await,
                place
                    .call("find_files", json!({ "pattern": payload }))
                    .await,
                place
                    .call("calculate", json!({ "expression": payload }))
                    .await,
                place
                    .call("write_file", json!({ "path": payload, "content": payload }))
                    .await,
                place
                    .call("no_such_tool", json!({ "command": payload }))
                    .await,
                place.call(payload, json!({ "command": payload })).await,
                place.probe("r", payload, payload).await,
                place.probe("w", payload, payload).await,
            ] {
                check_unread(payload, &given);
            }
            place.check_untouched(payload);
        }
    });
}

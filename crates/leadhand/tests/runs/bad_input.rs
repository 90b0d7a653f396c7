//! What cannot be carried out is refused before anything happens, in words one can act on.

use crate::office::{builder, id, model, plan, text};
use leadhand::{Check, Durability, Error, Goal, Leadhand, Plan, SledJournal, Task};
use serde_json::json;
use std::path::Path;

fn leadhand(workspace: &Path) -> Leadhand {
    builder(workspace, model(|_| async { text("done") }))
        .build()
        .unwrap()
}

fn refused(started: Result<leadhand::Run, Error>) -> String {
    match started {
        Ok(run) => panic!("{} was taken", run.id()),
        Err(error) => error.to_string(),
    }
}

#[test]
fn goals() {
    let folder = tempfile::tempdir().unwrap();
    let leadhand = leadhand(folder.path());
    let outside = Check::FileExists {
        path: "../secret".to_owned(),
    };
    let goals = [
        Goal::new(""),
        Goal::new(" \n\t"),
        Goal::new("x".repeat(1_000_000)),
        Goal {
            acceptance: vec![outside],
            ..Goal::new("Do it.")
        },
        Goal {
            files: vec!["gone.md".to_owned()],
            ..Goal::new("Do it.")
        },
    ];
    assert_eq!(
        goals.map(|goal| refused(leadhand.start(goal))),
        [
            "the goal is empty: say what is to be achieved",
            "the goal is empty: say what is to be achieved",
            "the goal has 1000000 characters and 200000 are allowed: put the material into files of the workspace and name them in the goal",
            "the goal cannot be checked: the path `../secret` leads out of the folder with `..`: use a path within the workspace",
            "the goal is about the file `gone.md`, which is not in the workspace; give its path from there, with `/` between folders",
        ]
    );
    assert!(
        leadhand.start("ä".repeat(200_000)).is_ok(),
        "characters are counted, not bytes"
    );
    assert_eq!(leadhand.journal().runs().unwrap(), []);
}

#[test]
fn a_goal_is_refused_with_every_check_that_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let matches = |pattern: &str| Check::OutputMatches {
        pattern: pattern.to_owned(),
    };
    let goal = Goal {
        acceptance: vec![
            matches("total: [0-9]+"),
            matches("(total"),
            matches("(\\w{100}){100}"),
            Check::FileMatches {
                path: "/etc/passwd".to_owned(),
                pattern: "*".to_owned(),
            },
            Check::FileFits {
                path: "a.json".to_owned(),
                schema: json!({"type": "objekt"}),
            },
        ],
        output_schema: Some(json!({"required": "all"})),
        ..Goal::new("Do it.")
    };
    let Err(Error::GoalUncheckable { faults }) = leadhand(folder.path()).start(goal) else {
        panic!("it cannot be checked");
    };
    assert_eq!(
        faults,
        [
            "the pattern `(total` cannot be read: unclosed group",
            "the pattern `(\\w{100}){100}` cannot be read: Compiled regex exceeds size limit of 10485760 bytes.",
            "the path `/etc/passwd` is absolute: use a path within the workspace",
            "the pattern `*` cannot be read: repetition operator missing expression",
            "the schema for `a.json` cannot be used: \"objekt\" is not valid under any of the schemas listed in the 'anyOf' keyword",
            "its output schema cannot be used: \"all\" is not of type \"array\"",
        ]
    );
}

#[test]
fn a_plan_is_refused_with_every_fault_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut faulty = plan(&[
        ("t1", "Do it.", &["t2"]),
        ("t2", "Do it.", &["t1", "t9"]),
        ("t3", "Do it.", &[]),
    ]);
    faulty.tasks[0].role = "wizard".to_owned();
    faulty.tasks[1].output_file = Some("/etc/passwd".to_owned());
    faulty.tasks.push(Task::new(id("t3"), "clerk", " "));
    faulty.answer = Some(id("t8"));
    let Err(Error::Plan { faults }) = leadhand(folder.path()).start_plan("", faulty) else {
        panic!("it has faults");
    };
    assert_eq!(
        faults,
        [
            "t3 stands twice: give every task its own id",
            "t1 has the role `wizard`, which does not exist; roles: analyst, clerk, coder, researcher, reviewer, writer",
            "t2 depends on `t9`, which is not in the plan",
            "t2 the path `/etc/passwd` is absolute: use a path within the workspace",
            "t3 has no instruction: say what is to be done",
            "t1 is part of a circle of dependencies: t1, t2",
            "answer names the task `t8`, which is not in the plan",
        ]
    );
    let Err(Error::Plan { faults }) = leadhand(folder.path()).start_plan("", Plan::default())
    else {
        panic!("it has no tasks");
    };
    assert_eq!(faults, ["plan has no tasks: give at least one"]);
}

#[test]
fn parts() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let answering = || model(|_| async { text("done") });
    let built = [
        Leadhand::builder().workspace(folder.path()).build(),
        builder(&missing, answering()).build(),
        builder(folder.path(), answering())
            .model("closure", answering())
            .build(),
        builder(folder.path(), answering())
            .role_file("poet", "You write poems.")
            .build(),
        builder(folder.path(), answering())
            .default_model("other")
            .build(),
        builder(folder.path(), answering()).permits("db", 1).build(),
        builder(folder.path(), answering())
            .permits("tool/a//b", 1)
            .build(),
    ];
    let place = missing.display().to_string();
    let refused = built.map(|built| match built {
        Ok(_) => "built".to_owned(),
        Err(error) => error.to_string().replace(&place, "MISSING"),
    });
    assert_eq!(
        refused,
        [
            "there is no model: give one with `Builder::model` or `Builder::model_config`",
            "the workspace `MISSING` cannot be opened: No such file or directory (os error 2)",
            "the model name `closure` is used twice; give one of them another name",
            "poet:1: a role file begins with a line `---`, then `name:` and `description:`, then again `---`, then the prompt",
            "there is no model `other`; there is: closure",
            "the permits cannot be kept: `db` is nothing that a run keeps permits for: write `model/NAME`, `role/NAME`, `tool/NAME` or `host/NAME`",
            "the permits cannot be kept: `tool/a//b` is no name for a lock, semaphore, barrier, latch, quorum, board entry, topic or message type: a part between its `/` is empty; leave the extra `/` out",
        ]
    );
}

#[tokio::test]
async fn a_journal_that_cannot_be_written_stops_the_run_before_it_begins() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "no folder").unwrap();
    let journal = SledJournal::open_root(&file, Durability::Process);
    let silent = model(|_| async { panic!("nothing may be called") });
    let leadhand = builder(folder.path(), silent)
        .journal(journal)
        .build()
        .unwrap();
    let error = leadhand
        .run("Do it.")
        .await
        .expect_err("the journal cannot be written");
    let told = error
        .to_string()
        .replace(&file.display().to_string(), "FILE");
    assert_eq!(
        told,
        "cannot write FILE/runs: Not a directory (os error 20); the journal needs a folder it may write to, with room on the disk"
    );
}

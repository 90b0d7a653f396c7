//! Playbooks: the built-in ones made into plans, and what is said about faulty ones.

use leadhand_agents::{Playbook, Roster, built_in_playbooks, parse_playbook};
use leadhand_protocol::{Check, Goal, Limits, Plan, TaskId, TaskInput, TaskSource};
use serde_json::json;
use std::collections::BTreeMap;

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn built_in(name: &str) -> Playbook {
    let playbooks = built_in_playbooks();
    playbooks
        .into_iter()
        .find(|playbook| playbook.name == name)
        .expect("it is built in")
}

/// Instantiates with the same files for every pattern.
fn make(
    playbook: &Playbook,
    given: &[(&str, &str)],
    files: &[&str],
) -> Result<(Goal, Plan), Vec<String>> {
    let given = map(given);
    let paths: Vec<String> = files.iter().map(|path| (*path).to_owned()).collect();
    let patterns = playbook.file_patterns(&given);
    let files = patterns
        .into_iter()
        .map(|pattern| (pattern, paths.clone()))
        .collect();
    playbook
        .instantiate(&given, &files, &Limits::default())
        .map_err(|error| error.faults.iter().map(ToString::to_string).collect())
}

fn ids(plan: &Plan) -> Vec<&str> {
    plan.tasks.iter().map(|task| task.id.as_str()).collect()
}

#[test]
fn summarize_folder_maps_and_reduces() {
    let playbook = built_in("summarize-folder");
    assert_eq!(playbook.file_patterns(&map(&[])), ["**/*.{md,txt}"]);
    assert_eq!(
        playbook.file_patterns(&map(&[("path", "./docs/")])),
        ["docs/**/*.{md,txt}"]
    );
    let (goal, plan) = make(
        &playbook,
        &[("path", "docs"), ("out", "docs/ALL.md")],
        &["docs/a.md", "docs/ALL.md", "docs/b c.txt"],
    )
    .expect("it is sound");
    assert_eq!(goal.files, ["docs/a.md", "docs/b c.txt"]);
    assert_eq!(
        goal.acceptance[0],
        Check::FileChanged {
            path: "docs/ALL.md".to_owned()
        }
    );
    assert_eq!(
        ids(&plan),
        ["summarize-1", "summarize-2", "topic-1", "topic-2", "write"]
    );
    assert_eq!(
        plan.tasks[1].inputs,
        [TaskInput {
            name: "docs/b c.txt".to_owned(),
            from: TaskSource::File("docs/b c.txt".to_owned()),
            schema: None,
        }]
    );
    assert_eq!(plan.tasks[3].depends_on, [plan.tasks[1].id.clone()]);
    let write = &plan.tasks[4];
    let gathered: Vec<TaskId> = plan.tasks[..4].iter().map(|task| task.id.clone()).collect();
    assert_eq!(
        (&write.depends_on, write.writes.as_slice()),
        (&gathered, &["docs/ALL.md".to_owned()][..])
    );
    let expected = "# Summary\n\n| File | Topic |\n|---|---|\n| docs/a.md | {{topic-1}} |\n| docs/b c.txt | {{topic-2}} |\n\n## docs/a.md\n\n{{summarize-1}}\n\n## docs/b c.txt\n\n{{summarize-2}}\n\n";
    let call = write.call.as_ref().expect("it is one tool call");
    assert_eq!(
        call.arguments,
        json!({"path": "docs/ALL.md", "content": expected})
    );
}

#[test]
fn extract_json_makes_a_schema_of_the_fields_in_their_order() {
    let given = [("file", "mail.txt"), ("fields", "sender, due date,amount")];
    let (goal, plan) = make(&built_in("extract-json"), &given, &[]).expect("it is sound");
    let schema = plan.tasks[0].output_schema.clone().expect("it has one");
    let text = json!({"type": "string", "maxLength": 400});
    assert_eq!(
        schema.to_string(),
        json!({
            "type": "object",
            "required": ["sender", "due date", "amount"],
            "additionalProperties": false,
            "properties": {"sender": text, "due date": text, "amount": text},
        })
        .to_string()
    );
    assert!(
        plan.tasks[0]
            .instruction
            .contains("\n- sender\n- due date\n- amount\n\nCopy")
    );
    assert_eq!(plan.tasks[0].output_file.as_deref(), Some("extracted.json"));
    assert_eq!(plan.answer, Some(plan.tasks[0].id.clone()));
    assert_eq!(
        goal.acceptance,
        [Check::FileFits {
            path: "extracted.json".to_owned(),
            schema: json!({"type": "object", "required": ["sender", "due date", "amount"]}),
        }]
    );
}

#[test]
fn answer_question_reduces_from_notes() {
    let given = [("question", "Who pays?")];
    let (goal, plan) =
        make(&built_in("answer-question"), &given, &["a.md", "b.md"]).expect("it is sound");
    assert_eq!(goal.text, "Answer from the files in `.`: Who pays?");
    assert_eq!(ids(&plan), ["read-1", "read-2", "answer"]);
    assert_eq!(
        plan.tasks[2].depends_on,
        [plan.tasks[0].id.clone(), plan.tasks[1].id.clone()]
    );
    assert!(
        plan.tasks[2]
            .instruction
            .contains("- read-1 is about `a.md`\n- read-2 is about `b.md`\n\nAnswer")
    );
}

#[test]
fn rename_by_rule_leaves_the_renaming_to_a_tool() {
    let given = [("path", "img"), ("files", "*.png"), ("rule", "lower case")];
    let playbook = built_in("rename-by-rule");
    assert_eq!(playbook.file_patterns(&map(&given)), ["img/*.png"]);
    let (_, plan) = make(&playbook, &given, &["img/A B.png", "img/C.png"]).expect("it is sound");
    assert_eq!(ids(&plan), ["name-1", "name-2", "move-1", "move-2"]);
    let call = plan.tasks[3].call.as_ref().expect("it is one tool call");
    assert_eq!(
        call.arguments,
        json!({"from": "img/C.png", "to": "img/{{name-2}}"})
    );
    assert_eq!(plan.tasks[3].writes, ["img/C.png", "img/*"]);
}

#[test]
fn the_other_playbooks_are_one_task_each() {
    let (_, plan) = make(&built_in("review-file"), &[("path", "a.rs")], &[]).expect("it is sound");
    assert!(
        plan.tasks[0]
            .instruction
            .contains("`a.rs`, which you are given. Look for bugs")
    );
    let given = [("a", "1.md"), ("b", "2.md")];
    let (_, plan) = make(&built_in("compare-files"), &given, &[]).expect("it is sound");
    assert_eq!(
        (ids(&plan), plan.tasks[0].inputs.len()),
        (vec!["compare"], 2)
    );
}

#[test]
fn built_in_playbooks_use_built_in_roles() {
    let roster = Roster::built_in();
    for playbook in built_in_playbooks() {
        let given: Vec<(&str, &str)> = playbook
            .params
            .iter()
            .filter(|param| param.required && param.default.is_none())
            .map(|param| (param.name.as_str(), "x"))
            .collect();
        let (_, plan) = make(&playbook, &given, &["a.md"]).expect("it is sound");
        for task in plan.tasks {
            let known = task.call.is_some() || roster.get(&task.role).is_some();
            assert!(
                known,
                "{}: {} has the role `{}`",
                playbook.name, task.id, task.role
            );
        }
    }
}

#[test]
fn every_fault_of_what_is_given_is_named_at_once() {
    let faults = |given: &[(&str, &str)], files: &[&str], name: &str| {
        make(&built_in(name), given, files).expect_err("it must be refused")
    };
    let file = "built in: playbooks/answer-question.toml";
    assert_eq!(
        faults(&[("pth", "x")], &[], "answer-question"),
        [
            format!("{file}: there is no parameter `pth`; there are: path, question"),
            format!(
                "{file}: the parameter `question` is missing (the question); give it with `--set question=…`"
            ),
        ]
    );
    let question = ("question", "Who?");
    for (given, files, expected) in [
        (vec![question], vec![], "no file matches `**/*.{md,txt}`"),
        (
            vec![question, ("path", "/etc")],
            vec!["a"],
            "`/etc/**/*.{md,txt}` is absolute",
        ),
        (
            vec![question, ("path", "../x")],
            vec!["a"],
            "leaves the workspace",
        ),
        (
            vec![("question", "{{path}}")],
            vec!["a"],
            "stands for a placeholder",
        ),
        (vec![question], vec!["a\n.md"], "cannot be an item"),
        (
            vec![question],
            vec!["a.md"; 200],
            "it makes 201 tasks, but a plan may have 200",
        ),
    ] {
        let found = faults(&given, &files, "answer-question");
        assert!(
            found.iter().any(|fault| fault.contains(expected)),
            "{found:?} lacks {expected}"
        );
    }
}

/// The faults of a playbook's text; lines count from that of `name`.
fn check(tasks: &str, expected: &[&str]) {
    let text = format!("name = \"p\"\ndescription = \"d\"\n{tasks}");
    let found = match parse_playbook("p.toml", &text) {
        Ok(_) => Vec::new(),
        Err(error) => error.faults.iter().map(ToString::to_string).collect(),
    };
    assert_eq!(found, expected, "{text}");
}

#[test]
fn faulty_playbooks_are_refused_with_file_and_line() {
    check("[[tasks]]\nid = \"a\"\nrole = \"writer\"\n", &[]);
    check(
        "taks = []\n",
        &[
            "p.toml:3: unknown field `taks`, expected one of `name`, `description`, `goal`, `answer`, `params`, `tasks`, `acceptance`",
        ],
    );
    check(
        "[[tasks]\n",
        &["p.toml:3: unclosed array table, expected `]`"],
    );
    check(
        "[[tasks]]\nid = \"a\"\n[[tasks]]\nid = \"a\"\n[[tasks]]\nid = \"-{{index}}\"\n",
        &[
            "p.toml:5: two tasks have the id `a`; a task that stands for several files or items needs `{{index}}` in its id",
            "p.toml:7: `-{{index}}` is not a valid task id: use 1 to 64 characters out of a-z, A-Z, 0-9, `-`, `_` and `.`, beginning with a letter or digit",
        ],
    );
    check(
        "answer = \"c\"\n[[tasks]]\nid = \"a\"\ninstruction = \"{{x}}\"\ndepends_on = [\"b-*\"]\n",
        &[
            "p.toml:4: `a` depends on `b-*`, which no other task is called",
            "p.toml:4: `{{x}}` stands for nothing here: it is no parameter, and no task that this one depends on",
            "p.toml: the answer is to come from `c`, which no task is called",
        ],
    );
    check(
        "[[tasks]]\nid = \"a\"\ninstructions = \"x\"\n[[acceptance]]\ncheck = \"file_exist\"\npath = \"a\"\n",
        &[
            "p.toml:3: the task `a` is not a task: unknown field `instructions`, expected one of `id`, `title`, `instruction`, `role`, `depends_on`, `inputs`, `output_schema`, `output_file`, `acceptance`, `writes`, `effects`, `locks`, `budget`, `attempts_max`, `estimate_seconds`, `call`, `for_each`",
            "p.toml:6: this is not a check: unknown variant `file_exist`, expected one of `file_exists`, `file_absent`, `file_changed`, `file_unchanged`, `file_matches`, `file_lacks`, `file_fits`, `output_matches`, `tool_passes`, `citations_resolve`, `judged`",
        ],
    );
    check(
        "[params.index]\n[params.b]\ndefault = 1\n[[tasks]]\nid = \"a\"\nfor_each_file = 3\n",
        &[
            "p.toml: `index` cannot be the name of a parameter: use letters, digits, `-` and `_`, and none of item, item_name, item_folder, index, task, output, end",
            "p.toml: params.b: invalid type: integer `1`, expected a string",
            "p.toml:6: `for_each_file` must be a text",
        ],
    );
}

#[test]
fn items_of_a_list_and_joins_in_a_template() {
    let text = r#"
name = "greet"
description = "d"
[params.names]
[[tasks]]
id = "greet-{{index}}"
role = "writer"
for_each_item = "{{names}}"
instruction = "Greet {{item}}."
[[tasks]]
id = "join"
depends_on = ["greet-*"]
writes = ["all.md"]
call = { tool = "write_file", arguments = { path = "all.md", content = "{{greet-*}} {{ greet-1 }} {{unclosed" } }
"#;
    let playbook = parse_playbook("greet.toml", text).expect("it is sound");
    let (_, plan) = make(&playbook, &[("names", "Ann, Bob\nCarol")], &[]).expect("it is sound");
    let told: Vec<&str> = plan
        .tasks
        .iter()
        .map(|task| task.instruction.as_str())
        .collect();
    assert_eq!(told, ["Greet Ann, Bob.", "Greet Carol.", ""]);
    let call = plan.tasks[2].call.as_ref().expect("it is one tool call");
    assert_eq!(
        call.arguments["content"],
        "{{greet-*}} {{greet-1}} {{unclosed"
    );
}

#[test]
fn the_playbook_of_the_documentation_is_sound() {
    let text = include_str!("../../../docs/roles-and-playbooks.md");
    let example = text
        .split("```toml\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next());
    let playbook = parse_playbook("docs", example.expect("there is one")).expect("it is sound");
    let given = [("language", "Latin"), ("path", "docs")];
    let (goal, plan) = make(
        &playbook,
        &given,
        &["docs/a.md", "docs/LICENSE.md", "docs/b.md"],
    )
    .expect("it is sound");
    assert_eq!(goal.text, "Translate `docs` into Latin.");
    assert_eq!(ids(&plan), ["translate-1", "translate-2", "index"]);
    let call = plan.tasks[2].call.as_ref().expect("it is one tool call");
    assert_eq!(call.arguments["content"], "- docs/a.md\n- docs/b.md\n");
}

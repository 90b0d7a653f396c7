//! Ten goals, and what their models say: always the same to the same prompt, so that it does not
//! matter how often the program was started.

use serde_json::{Value, json};

/// How long a model thinks, in milliseconds.
const THINKS_MS: u64 = 3;
/// A role that books things with a service.
const CLERK: &str = "---\nname: clerk\ndescription: Books.\ntools: send_request, read_file\n---\n\
    You book what you are told to.\n";

pub(crate) struct Goal {
    pub(crate) name: &'static str,
    /// None when the manager is to plan.
    plan: Option<Value>,
    script: Vec<Value>,
}

impl Goal {
    /// The files of the project, with the service at this origin.
    pub(crate) fn files(&self, origin: &str) -> Vec<(String, String)> {
        let at = |text: String| text.replace("ORIGIN", origin);
        let script: Vec<String> = self.script.iter().map(ToString::to_string).collect();
        let policy = "[[rules]]\ndecision = \"allow\"\ntool = \"send_request\"\n\
                      capability = \"net.internal\"\nresource = \"ORIGIN/**\"\n";
        let mut files = vec![
            ("script.jsonl", script.join("\n") + "\n"),
            ("list.txt", "one\ntwo\n".to_owned()),
            ("agents/workers/clerk.md", CLERK.to_owned()),
            ("../config/leadhand/policy.toml", policy.to_owned()),
        ];
        files.extend(
            self.plan
                .as_ref()
                .map(|plan| ("plan.json", plan.to_string())),
        );
        files
            .into_iter()
            .map(|(path, text)| (path.to_owned(), at(text)))
            .collect()
    }

    pub(crate) fn arguments(&self) -> Vec<&str> {
        let mut arguments = vec!["run", "Do what is asked for.", "--json"];
        if self.plan.is_some() {
            arguments.extend(["--plan", "plan.json"]);
        }
        arguments.extend(["-m", "scripted:script.jsonl", "--autonomy", "L5"]);
        arguments.extend(["-c", "limits.run_seconds_max=60"]);
        arguments
    }
}

fn planned(name: &'static str, tasks: &Value, answer: &str, script: Vec<Value>) -> Goal {
    Goal {
        name,
        plan: Some(json!({"tasks": tasks, "answer": answer})),
        script,
    }
}

/// A model that is told to do `task` says this.
fn says(task: &str, text: &str) -> Value {
    let task = format!("Your task: {task}");
    json!({"when": {"prompt_contains": task}, "times": 0, "delay_ms": THINKS_MS,
           "reply": {"text": text}})
}

/// A model that was just told `told` in its task says this.
fn says_to(task: &str, told: &str, text: &str) -> Value {
    let task = format!("Your task: {task}");
    json!({"when": {"prompt_contains": task, "contains": told}, "times": 0,
           "delay_ms": THINKS_MS, "reply": {"text": text}})
}

/// A model that was just told `told` in its task calls a tool.
fn calls(task: &str, told: &str, tool: &str, arguments: &Value) -> Value {
    let task = format!("Your task: {task}");
    json!({"when": {"prompt_contains": task, "contains": told}, "times": 0,
           "delay_ms": THINKS_MS,
           "reply": {"tool_calls": [{"name": tool, "arguments": arguments, "id": "c1"}]}})
}

fn booking(what: &str) -> Value {
    json!({"url": "ORIGIN/book", "method": "POST", "body": what})
}

fn task(id: &str, role: &str, depends_on: &[&str]) -> Value {
    json!({"id": id, "title": id, "role": role, "instruction": format!("Do {id}."),
           "depends_on": depends_on})
}

fn with(mut task: Value, more: &Value) -> Value {
    let fields = more.as_object().unwrap().clone();
    task.as_object_mut().unwrap().extend(fields);
    task
}

/// A task whose model books something and then says so.
fn books(id: &str, what: &str) -> [Value; 2] {
    let order = format!("Do {id}.");
    [
        calls(&order, &order, "send_request", &booking(what)),
        says(&order, &format!("Booked {what}.")),
    ]
}

pub(crate) fn goals() -> Vec<Goal> {
    vec![
        one_file(),
        chain(),
        fan_out(),
        manager_plans(),
        files_by_tools(),
        one_booking(),
        two_bookings_at_once(),
        failed_check(),
        wrong_shape(),
        booking_by_the_program(),
    ]
}

fn one_file() -> Goal {
    let tasks = json!([with(
        task("a", "writer", &[]),
        &json!({"output_file": "a.md"})
    )]);
    planned("one file", &tasks, "a", vec![says("Do a.", "Alpha.")])
}

fn chain() -> Goal {
    let tasks = json!([
        task("a", "writer", &[]),
        task("b", "writer", &["a"]),
        task("c", "writer", &["b"]),
        with(task("d", "writer", &["c"]), &json!({"output_file": "d.md"})),
    ]);
    let script = ["a", "b", "c", "d"].map(|id| says(&format!("Do {id}."), &format!("Did {id}.")));
    planned("a chain of four", &tasks, "d", script.into())
}

fn fan_out() -> Goal {
    let part = |id: &str| {
        let file = json!({"output_file": format!("{id}.md")});
        with(task(id, "researcher", &[]), &file)
    };
    let all = ["a", "b", "c", "d"];
    let mut tasks: Vec<Value> = all.map(part).into();
    tasks.push(with(
        task("e", "writer", &all),
        &json!({"output_file": "e.md"}),
    ));
    let mut script: Vec<Value> = all
        .map(|id| says(&format!("Do {id}."), &format!("Part {id}.")))
        .into();
    script.push(says("Do e.", "All parts."));
    planned("four at once and one after", &tasks.into(), "e", script)
}

fn manager_plans() -> Goal {
    let part = |id: &str, depends_on: &[&str], file: &str| {
        json!({"id": id, "title": id, "role": "writer", "files": [], "one_worker_per_file": false,
               "instruction": format!("Do {id}."), "depends_on": depends_on, "output_file": file,
               "changes_files": false})
    };
    let draft = json!({"approach": "", "tasks": [part("t1", &[], ""), part("t2", &[], "t2.md")]});
    let manager = |contains: &str, text: &str| {
        json!({"when": {"role_contains": "You lead workers", "contains": contains}, "times": 0,
               "delay_ms": THINKS_MS, "reply": {"text": text}})
    };
    Goal {
        name: "planned by the manager",
        plan: None,
        script: vec![
            manager("All tasks are done.", "Both are done [t1] [t2]."),
            manager("", &draft.to_string()),
            says("Do t1.", "First."),
            says("Do t2.", "Second."),
        ],
    }
}

fn files_by_tools() -> Goal {
    let tasks = json!([with(
        task("a", "coder", &[]),
        &json!({"writes": ["list.txt", "new.txt"]})
    )]);
    let edit = json!({"path": "list.txt", "old": "two", "new": "three"});
    let write = json!({"path": "new.txt", "content": "new\n"});
    let script = vec![
        calls("Do a.", "Do a.", "read_file", &json!({"path": "list.txt"})),
        calls("Do a.", "one", "edit_file", &edit),
        says_to("Do a.", "new.txt", "It is changed."),
        calls("Do a.", "", "write_file", &write),
    ];
    planned("files changed by tools", &tasks, "a", script)
}

fn one_booking() -> Goal {
    let tasks = json!([task("a", "clerk", &[])]);
    planned("one booking", &tasks, "a", books("a", "a room").into())
}

fn two_bookings_at_once() -> Goal {
    let tasks = json!([
        task("a", "clerk", &[]),
        task("b", "clerk", &[]),
        with(
            task("c", "writer", &["a", "b"]),
            &json!({"output_file": "c.md"})
        ),
    ]);
    let mut script: Vec<Value> = books("a", "a room").into();
    script.extend(books("b", "a flight"));
    script.push(says("Do c.", "Both are booked."));
    planned("two bookings at once", &tasks, "c", script)
}

fn failed_check() -> Goal {
    let wanted = json!({"output_file": "a.md",
                        "acceptance": [{"check": "file_matches", "path": "a.md", "pattern": "right"}]});
    let tasks = json!([with(task("a", "writer", &[]), &wanted)]);
    let script = vec![
        says_to("Do a.", "Do a.", "This is wrong."),
        says("Do a.", "This is right."),
    ];
    planned("a check that fails first", &tasks, "a", script)
}

fn wrong_shape() -> Goal {
    let schema =
        json!({"type": "object", "required": ["sum"], "properties": {"sum": {"type": "integer"}}});
    let wanted = json!({"output_schema": schema, "output_file": "a.json"});
    let tasks = json!([
        with(task("a", "analyst", &[]), &wanted),
        task("b", "writer", &["a"]),
    ]);
    let script = vec![
        says_to("Do a.", "Do a.", "The sum is three."),
        says("Do a.", "{\"sum\": 3}"),
        says("Do b.", "It is 3."),
    ];
    planned("an output of the wrong shape", &tasks, "b", script)
}

fn booking_by_the_program() -> Goal {
    let call = json!({"tool": "send_request", "arguments": booking("a table")});
    let tasks = json!([
        {"id": "a", "title": "a", "role": "", "instruction": "", "call": call},
        with(task("b", "writer", &["a"]), &json!({"output_file": "b.md"})),
    ]);
    planned(
        "a booking that is a task of its own",
        &tasks,
        "b",
        vec![says("Do b.", "Receipt.")],
    )
}

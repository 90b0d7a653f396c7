//! A plan of ten thousand tasks, carried out by at most 64 workers at once: a hundred sections of
//! a hundred pages each, and a summary when all are read. Which task begins first is decided by
//! what waits for it, and a role can have fewer workers than the run.

use leadhand::{
    BoxFuture, Event, Leadhand, Limits, Model, ModelFault, ModelInfo, ModelReply, ModelRequest,
    ModelTerms, Observation, Pieces, Plan, Price, Task, TaskId, ToolStyle,
};
use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};

const SECTIONS: usize = 100;
const PAGES: usize = 99;
const WORKERS: usize = 64;

const EDITOR: &str = "---
name: editor
description: Puts together what readers found.
workers: 4
---
You put together what readers found.";

/// Answers at once.
struct Reader;

impl Model for Reader {
    fn describe(&self) -> ModelInfo {
        ModelInfo {
            name: "reader".to_owned(),
            provider: "example".to_owned(),
            context_tokens: None,
            tool_style: ToolStyle::Native,
            price: Price::default(),
        }
    }

    fn call<'a>(
        &'a self,
        _: &'a ModelRequest,
        _: Pieces<'a>,
    ) -> BoxFuture<'a, Result<ModelReply, ModelFault>> {
        Box::pin(async {
            Ok(ModelReply {
                text: "Nothing new.".to_owned(),
                ..ModelReply::default()
            })
        })
    }
}

/// How many agents of each role are at work, and the most there were.
#[derive(Default)]
struct AtWork {
    roles: BTreeMap<u32, String>,
    now: BTreeMap<String, usize>,
    most: BTreeMap<String, usize>,
}

impl AtWork {
    fn see(&mut self, event: &Event) {
        match event {
            Event::AgentStarted { agent, role, .. } => {
                self.roles.insert(agent.0, role.clone());
                let now = self.now.entry(role.clone()).or_default();
                *now += 1;
                let most = self.most.entry(role.clone()).or_default();
                *most = (*most).max(*now);
            }
            Event::AgentEnded { agent, .. } => {
                let role = self.roles.remove(&agent.0).unwrap_or_default();
                if let Some(now) = self.now.get_mut(&role) {
                    *now -= 1;
                }
            }
            _ => {}
        }
    }
}

fn plan() -> Result<Plan, Box<dyn Error>> {
    let mut tasks = Vec::new();
    let mut sections = Vec::new();
    for section in 1..=SECTIONS {
        let mut pages = Vec::new();
        for page in 1..=PAGES {
            let id = TaskId::new(format!("page-{section}-{page}"))?;
            let instruction = format!("Read page {page} of section {section}.");
            tasks.push(Task::new(id.clone(), "analyst", instruction));
            pages.push(id);
        }
        let id = TaskId::new(format!("section-{section}"))?;
        let mut task = Task::new(id.clone(), "editor", "Put the pages together.");
        task.depends_on = pages;
        tasks.push(task);
        sections.push(id);
    }
    let mut summary = Task::new(TaskId::new("summary")?, "editor", "Put it all together.");
    summary.depends_on = sections;
    tasks.push(summary);
    Ok(Plan {
        tasks,
        answer: Some(TaskId::new("summary")?),
    })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let at_work = Arc::new(Mutex::new(AtWork::default()));
    let seen = Arc::clone(&at_work);
    let leadhand = Leadhand::builder()
        .workspace(folder.path())
        .limits(Limits {
            workers_max: WORKERS,
            tasks_max: 20_000,
            ..Limits::default()
        })
        .role_file("editor", EDITOR)
        .model_on_terms(
            "reader",
            Arc::new(Reader),
            ModelTerms {
                concurrency_max: WORKERS,
                ..ModelTerms::default()
            },
        )
        .observer(Arc::new(move |observation| {
            if let Observation::Recorded(_, record) = observation {
                let mut at_work = seen.lock().unwrap_or_else(PoisonError::into_inner);
                at_work.see(&record.event);
            }
        }))
        .build()?;
    let outcome = leadhand.start_plan("Read it all.", plan()?)?.await?;
    let done = outcome.tasks.iter().filter(|task| task.state == "done");
    println!(
        "{:?}: {} of {} tasks",
        outcome.kind,
        done.count(),
        outcome.tasks.len()
    );
    let at_work = at_work.lock().unwrap_or_else(PoisonError::into_inner);
    for (role, most) in &at_work.most {
        println!("{role}: at most {most} at once");
    }
    println!("{}", outcome.answer);
    Ok(())
}

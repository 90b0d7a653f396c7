//! What each of the tools does with the run.

use super::RunTool;
use crate::run_handle::RunHandle;
use leadhand_protocol::AgentId;
use leadhand_protocol::coordination::{
    Declaration, Electorate, LockHeld, LockMode, Payload, PrimitiveName, QuestionId,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// How long a request of a model waits unless it says otherwise, in seconds.
const WAIT_SECONDS: u64 = 120;
/// How long a request of a model may wait, in seconds.
pub(super) const WAIT_SECONDS_MAX: u64 = 3_600;

#[derive(Deserialize)]
struct Acquire {
    locks: Vec<String>,
    #[serde(default)]
    shared: bool,
    wait_seconds: Option<u64>,
}

#[derive(Deserialize)]
struct Release {
    locks: Vec<Held>,
}

#[derive(Deserialize)]
struct Held {
    lock: String,
    number: u64,
}

#[derive(Deserialize)]
struct Vote {
    vote: String,
    choice: String,
    voters: Option<u32>,
    threshold: Option<u32>,
}

#[derive(Deserialize)]
struct AwaitVote {
    vote: String,
    wait_seconds: Option<u64>,
}

#[derive(Deserialize)]
struct Entry {
    entry: String,
}

#[derive(Deserialize)]
struct Write {
    entry: String,
    version: u64,
    value: Value,
}

#[derive(Deserialize)]
struct Topic {
    topic: String,
    #[serde(default)]
    text: String,
}

#[derive(Deserialize)]
struct Ask {
    agent: Option<String>,
    text: String,
    wait_seconds: Option<u64>,
}

#[derive(Deserialize)]
struct Reply {
    question: u64,
    text: String,
}

impl RunTool {
    pub(super) async fn carry_out(
        self,
        arguments: &Value,
        run: &RunHandle,
    ) -> Result<String, String> {
        match self {
            Self::AcquireLocks => acquire(read(arguments)?, run).await,
            Self::ReleaseLocks => release(read(arguments)?, run).await,
            Self::Vote => vote(read(arguments)?, run).await,
            Self::AwaitVote => {
                let AwaitVote { vote, wait_seconds } = read(arguments)?;
                let choice = run.decision(&vote, wait(wait_seconds)).await?;
                Ok(format!("The vote is decided for {}.", plain(&choice)))
            }
            Self::ReadBoard => {
                let Entry { entry } = read(arguments)?;
                let (version, value) = run.read(&entry).await?;
                let value = value.map_or(Value::Null, Arc::unwrap_or_clone);
                Ok(json!({"version": version, "value": value}).to_string())
            }
            Self::WriteBoard => {
                let Write {
                    entry,
                    version,
                    value,
                } = read(arguments)?;
                run.write(&entry, version, value).await?;
                Ok(format!("`{entry}` is written."))
            }
            Self::Publish => {
                let Topic { topic, text } = read(arguments)?;
                let reached = run.publish(&topic, Payload::text(text)).await?;
                Ok(format!("It reaches {reached} of the other agents."))
            }
            Self::Subscribe => {
                let Topic { topic, .. } = read(arguments)?;
                run.subscribe(&topic).await?;
                Ok(format!("You are told what is published in `{topic}`."))
            }
            Self::Ask => ask(read(arguments)?, run).await,
            Self::Answer => {
                let Reply { question, text } = read(arguments)?;
                let question = QuestionId(question);
                run.answer(question, Payload::text(text)).await?;
                Ok(format!("Question {question} is answered."))
            }
        }
    }
}

async fn acquire(asked: Acquire, run: &RunHandle) -> Result<String, String> {
    let mode = if asked.shared {
        LockMode::Shared
    } else {
        LockMode::Exclusive
    };
    let locks: Vec<(&str, LockMode)> = asked.locks.iter().map(|it| (it.as_str(), mode)).collect();
    let held = run.acquire(&locks, wait(asked.wait_seconds)).await?;
    let one = |held: &LockHeld| format!("`{}` with number {}", held.lock, held.fence);
    let held: Vec<String> = held.iter().map(one).collect();
    Ok(format!("You hold {}.", held.join(", ")))
}

async fn release(asked: Release, run: &RunHandle) -> Result<String, String> {
    for Held { lock, number } in asked.locks {
        let lock = PrimitiveName::new(lock).map_err(|error| error.to_string())?;
        let held = LockHeld {
            lock,
            mode: LockMode::Exclusive,
            fence: number,
        };
        run.release(held).await?;
    }
    Ok("They are given back.".to_owned())
}

async fn vote(asked: Vote, run: &RunHandle) -> Result<String, String> {
    if let (Some(voters), Some(threshold)) = (asked.voters, asked.threshold) {
        let declaration = Declaration::Quorum {
            electorate: Electorate::Anyone(voters),
            threshold,
            choices: Vec::new(),
        };
        run.declare(&asked.vote, declaration).await?;
    }
    run.vote(&asked.vote, asked.choice).await?;
    Ok("Your vote counts.".to_owned())
}

async fn ask(asked: Ask, run: &RunHandle) -> Result<String, String> {
    let agent = asked.agent.as_deref().map(agent).transpose()?;
    let payload = Payload::text(asked.text);
    let answer = run.ask(agent, payload, wait(asked.wait_seconds)).await?;
    Ok(plain(&answer.value))
}

fn agent(id: &str) -> Result<AgentId, String> {
    let number = id.strip_prefix('a').unwrap_or(id);
    let number = number.parse().map(AgentId);
    number.map_err(|_| format!("`{id}` is no agent: give an id as `a3`"))
}

fn read<T: DeserializeOwned>(arguments: &Value) -> Result<T, String> {
    T::deserialize(arguments).map_err(|error| error.to_string())
}

fn wait(seconds: Option<u64>) -> Option<Duration> {
    let seconds = seconds.unwrap_or(WAIT_SECONDS).min(WAIT_SECONDS_MAX);
    Some(Duration::from_secs(seconds))
}

fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

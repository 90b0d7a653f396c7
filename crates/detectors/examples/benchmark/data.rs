//! Labelled traces of other people's agents, as `LEADHAND_SHARED` holds them: what an agent did,
//! step by step, and what people say of it. What is made of them is for `score.rs`.

use serde::Deserialize;
use serde_json::Value;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

/// The three sets, and what each is in a heading.
pub(crate) const SETS: [(&str, &str); 3] = [
    ("loops.jsonl.gz", "Real runs"),
    (
        "loops_spliced.jsonl.gz",
        "Long runs with a loop spliced in (semi-synthetic)",
    ),
    (
        "loops_multiagent.jsonl.gz",
        "Several agents, interleaved (semi-synthetic)",
    ),
];

/// One run, and what people say of it.
#[derive(Debug, Deserialize)]
pub(crate) struct Trace {
    /// Whose data it is: macro figures weigh each source alike.
    pub(crate) source: String,
    /// The run that it nearly is, where it would count twice.
    near_dup_of: Option<String>,
    /// What people say of it.
    pub(crate) label: Label,
    /// What was done.
    pub(crate) steps: Vec<Row>,
    /// The same, as our program reads it.
    #[serde(skip)]
    pub(crate) ours: Option<leadhand_detectors::Trace>,
}

/// What people say of a run.
#[derive(Debug, Deserialize)]
pub(crate) struct Label {
    /// None where they could not agree.
    #[serde(rename = "loop")]
    is_loop: Option<bool>,
    /// What sort of a case it is.
    pub(crate) tier: Option<Tier>,
    /// The same, finer.
    pub(crate) kind: String,
    /// The first step of the first round.
    loop_start: Option<usize>,
    /// The step at which an onlooker can first be sure.
    evident: Option<usize>,
    /// Steps of one round, where rounds are alike.
    period: Option<usize>,
    /// Who loops, where it is one of several.
    loop_agent: Option<String>,
}

/// What sort of a case a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Tier {
    /// A loop whose rounds are equal.
    Exact,
    /// A loop whose rounds are not.
    Semantic,
    /// A loop put into a long run.
    Spliced,
    /// A loop among several agents.
    Multiagent,
    /// No loop, though it repeats itself.
    HardNegative,
    /// No loop, and nothing like one.
    Clean,
}

/// One step of an agent.
#[derive(Debug, Deserialize)]
pub(crate) struct Row {
    /// Who.
    #[serde(default)]
    pub(crate) agent: String,
    /// Whether a tool was called, or something only said.
    pub(crate) kind: Kind,
    /// The tool; empty where something was only said.
    #[serde(default, deserialize_with = "text_or_nothing")]
    pub(crate) tool: String,
    /// With what.
    #[serde(default)]
    pub(crate) args: Value,
    /// What was said, or thought aloud.
    #[serde(default)]
    pub(crate) text: Option<String>,
    /// What came back; after something that was only said, what a person answered.
    #[serde(default)]
    pub(crate) observation: Option<String>,
    /// `args` with all keys in order, so that equal arguments are equal texts.
    #[serde(skip)]
    pub(crate) sorted_args: String,
}

/// What a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// A call.
    Tool,
    /// Words alone.
    Message,
}

/// What is true of a run, as far as it is scored.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Truth {
    /// It loops.
    Loop {
        /// The first step at which it is right to say so: one round is over.
        right_from: usize,
        /// The step at which an onlooker can be sure.
        evident: usize,
    },
    /// It does not, and looks as if.
    HardWork,
    /// It does not.
    CleanWork,
}

impl Trace {
    /// What is true of it; none for what is not scored, because people could not agree or it
    /// would count twice.
    pub(crate) fn truth(&self) -> Option<Truth> {
        let is_copy = self.near_dup_of.as_ref().is_some_and(|id| !id.is_empty());
        match self.label.is_loop {
            None => None,
            Some(_) if is_copy => None,
            // Without a period, a round is at least a step.
            Some(true) => Some(Truth::Loop {
                right_from: self.label.loop_start? + self.label.period.unwrap_or(1).max(1),
                evident: self.label.evident?,
            }),
            Some(false) if self.label.tier == Some(Tier::HardNegative) => Some(Truth::HardWork),
            Some(false) => Some(Truth::CleanWork),
        }
    }

    /// Who loops, where it is one of several.
    pub(crate) fn loop_agent(&self) -> Option<&str> {
        self.label.loop_agent.as_deref()
    }
}

/// The folder that `LEADHAND_SHARED` leads to; none where it is not set.
pub(crate) fn shared_folder() -> Option<PathBuf> {
    Some(Path::new(&std::env::var_os("LEADHAND_SHARED")?).join("data"))
}

/// The traces of a file that are scored.
///
/// # Errors
/// In words, where the file cannot be read or is not what its name says.
pub(crate) fn read(folder: &Path, name: &str) -> Result<Vec<Trace>, String> {
    let path = folder.join(name);
    let file = File::open(&path).map_err(|why| format!("{}: {why}", path.display()))?;
    let lines = BufReader::new(flate2::read::GzDecoder::new(file)).lines();
    let mut traces = Vec::new();
    for (number, line) in (1..).zip(lines) {
        let fault = |why: String| format!("{}, line {number}: {why}", path.display());
        let line = line.map_err(|why| fault(why.to_string()))?;
        let mut trace: Trace = serde_json::from_str(&line).map_err(|why| fault(why.to_string()))?;
        if trace.truth().is_none() {
            continue;
        }
        trace.ours = Some(leadhand_detectors::Trace::read(&line).map_err(fault)?);
        for row in &mut trace.steps {
            row.sorted_args = sorted_text(&row.args);
        }
        traces.push(trace);
    }
    Ok(traces)
}

/// A text as it is, anything else as JSON with its keys in order.
fn sorted_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            let mut sorted = value.clone();
            sorted.sort_all_objects();
            sorted.to_string()
        }
    }
}

fn text_or_nothing<'de, D: serde::Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    Ok(Option::<String>::deserialize(from)?.unwrap_or_default())
}

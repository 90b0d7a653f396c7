//! How near runs come to the shortest time that their plans allow.

use crate::Failure;
use crate::model::{Exact, Graph, Timed, leadhand};
use leadhand::{Goal, Model, OutcomeKind};
use serde::Deserialize;
use std::collections::HashMap;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

const WORKERS: [usize; 3] = [4, 16, 64];
/// Virtual milliseconds for each second that a real task took.
const MS_PER_SECOND: f64 = 1_000.0;
/// Virtual milliseconds for each second of an estimate: real tasks take less than a second, and
/// estimates are told in whole ones.
const MS_PER_ESTIMATED_SECOND: u64 = 10;

/// How long each task of the layered graph takes, in milliseconds, for how many workers, and how
/// often it is carried out by the clock.
const LAYERED_MS: u64 = 20;
const LAYERED_WORKERS: usize = 64;
const LAYERED_ROUNDS: usize = 7;

/// How short a plan can be, in milliseconds, for so many workers.
type Bound = fn(&Graph, usize) -> f64;

pub(crate) fn report(out: &mut impl Write) -> Result<(), Failure> {
    layered_report(out)?;
    let Some(graphs) = real()? else {
        writeln!(out, "LEADHAND_SHARED is not set: no real workflow graphs")?;
        return Ok(());
    };
    writeln!(out, "{} real workflow graphs, virtual time:", graphs.len())?;
    for workers in WORKERS {
        let mut times = Vec::new();
        for (name, graph) in &graphs {
            let model = Arc::new(Timed(graph.ms.clone()));
            let run = carry_out(graph, model, workers, MS_PER_ESTIMATED_SECOND);
            let took = block_on(true, run)?;
            times.push((took, graph, name.as_str()));
        }
        let bounds: [(&str, Bound); 2] = [
            ("longest chain or work shared", Graph::bound_ms),
            ("what can be reached at most", Graph::sharp_bound_ms),
        ];
        for (bound, of) in bounds {
            let ratios = times
                .iter()
                .map(|(took, graph, name)| (took / of(graph, workers), *name));
            let ratios: Vec<_> = ratios.collect();
            let logs: f64 = ratios.iter().map(|(ratio, _)| ratio.ln()).sum();
            let mean = (logs / ratios.len() as f64).exp();
            let worst = ratios.iter().max_by(|one, other| one.0.total_cmp(&other.0));
            let (worst, name) = worst.ok_or("there are no graphs")?;
            writeln!(
                out,
                "  {workers:>2} workers, {bound}: geometric mean {mean:.3}, worst {worst:.3} ({name})"
            )?;
        }
    }
    Ok(())
}

/// A graph with more tasks than workers, in real and in virtual time.
fn layered_report(out: &mut impl Write) -> Result<(), Failure> {
    let layered = layered();
    let bound = layered.bound_ms(LAYERED_WORKERS);
    writeln!(
        out,
        "layered graph, {} tasks of {LAYERED_MS} ms, {LAYERED_WORKERS} workers, bound {bound:.1} ms:",
        layered.ms.len()
    )?;
    let mut tell = |how: &str, mut took: Vec<f64>| {
        took.sort_by(f64::total_cmp);
        let (median, least) = (took[took.len() / 2], took[0]);
        let (by, by_least) = (median / bound, least / bound);
        writeln!(
            out,
            "  {how}: {median:.1} ms (least {least:.1}), ratio {by:.3} (least {by_least:.3})"
        )
    };
    let run = |model: Arc<dyn Model>| carry_out(&layered, model, LAYERED_WORKERS, 0);
    let exact = || run(Arc::new(Exact::taking(Duration::from_millis(LAYERED_MS))));
    let times = (0..LAYERED_ROUNDS).map(|_| block_on(false, exact()));
    tell("by the clock", times.collect::<Result<_, _>>()?)?;
    let virtual_ms = block_on(true, run(Arc::new(Timed(layered.ms.clone()))))?;
    tell("in virtual time", vec![virtual_ms])?;
    Ok(())
}

fn block_on<T>(virtual_time: bool, work: impl Future<Output = T>) -> T {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().start_paused(virtual_time).build();
    runtime.expect("tokio starts").block_on(work)
}

/// How long a run takes, in milliseconds.
async fn carry_out(
    graph: &Graph,
    model: Arc<dyn Model>,
    workers: usize,
    ms_per_second: u64,
) -> Result<f64, Failure> {
    let leadhand = leadhand(model, workers, graph.ms.len(), Arc::new(|_| ()))?;
    let began = tokio::time::Instant::now();
    let plan = graph.plan(ms_per_second)?;
    let outcome = leadhand.start_plan(Goal::default(), plan)?.await?;
    if outcome.kind != OutcomeKind::Done {
        return Err(outcome.why.into());
    }
    Ok(began.elapsed().as_secs_f64() * 1_000.0)
}

/// Ten layers of a hundred tasks; each waits for one to three of the layer before.
fn layered() -> Graph {
    let before = (0..1_000_usize).map(|place| match place / 100 {
        0 => Vec::new(),
        layer => {
            let first = (layer - 1) * 100;
            let wanted = 1 + place % 3;
            (0..wanted)
                .map(|turn| first + (place * 37 + turn * 41) % 100)
                .collect()
        }
    });
    Graph {
        before: before.collect(),
        ms: vec![LAYERED_MS; 1_000],
    }
}

#[derive(Deserialize)]
struct Workflow {
    goal: Option<String>,
    nodes: Vec<Node>,
    edges: Vec<(String, String)>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    runtime_s: Option<f64>,
}

/// The real workflows all of whose tasks have a measured time.
fn real() -> Result<Option<Vec<(String, Graph)>>, Failure> {
    let Some(shared) = std::env::var_os("LEADHAND_SHARED") else {
        return Ok(None);
    };
    let path = PathBuf::from(shared).join("data/dags.jsonl.gz");
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(std::fs::File::open(path)?).read_to_string(&mut text)?;
    let mut graphs = Vec::new();
    for line in text.lines() {
        let workflow: Workflow = serde_json::from_str(line)?;
        let ms = workflow
            .nodes
            .iter()
            .map(|node| Some(((node.runtime_s? * MS_PER_SECOND) as u64).max(1)))
            .collect::<Option<Vec<u64>>>();
        let Some(ms) = ms else { continue };
        let nodes = workflow.nodes.iter().zip(0..);
        let places: HashMap<&str, usize> = nodes.map(|(node, at)| (&*node.id, at)).collect();
        let mut before = vec![Vec::new(); ms.len()];
        for (from, to) in &workflow.edges {
            before[places[&**to]].push(places[&**from]);
        }
        graphs.push((workflow.goal.unwrap_or_default(), Graph { before, ms }));
    }
    Ok(Some(graphs))
}

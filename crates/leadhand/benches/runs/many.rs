//! How much memory many runs take that are at work in one process at once.

use crate::Failure;
use crate::measure::{apart, cpu_s, peak_bytes};
use crate::model::{Graph, info, leadhand};
use leadhand::{
    BoxFuture, Goal, Model, ModelFault, ModelInfo, ModelReply, ModelRequest, OutcomeKind, Pieces,
};
use std::io::Write;
use std::sync::Arc;
use tokio::sync::Barrier;

const RUNS: [usize; 3] = [100, 1_000, 10_000];

pub(crate) fn report(out: &mut impl Write) -> Result<(), Failure> {
    writeln!(
        out,
        "runs of three tasks in one process, all at work at once:"
    )?;
    for runs in RUNS {
        let numbers = apart(&["many", &runs.to_string()])?;
        let &[cpu_s, peak, base] = &numbers[..] else {
            return Err("three numbers were expected".into());
        };
        writeln!(
            out,
            "  {runs:>6} runs: peak {:>6.1} MB, {:>5.1} KB and {:>5.0} us CPU a run",
            peak / 1e6,
            (peak - base) / 1e3 / runs as f64,
            cpu_s * 1e6 / runs as f64
        )?;
    }
    Ok(())
}

/// Answers nobody before all have asked.
struct Together(Barrier);

impl Model for Together {
    fn describe(&self) -> ModelInfo {
        info("together")
    }

    fn call<'a>(
        &'a self,
        _: &'a ModelRequest,
        _: Pieces<'a>,
    ) -> BoxFuture<'a, Result<ModelReply, ModelFault>> {
        Box::pin(async {
            self.0.wait().await;
            Ok(ModelReply {
                text: "It is done.".to_owned(),
                ..ModelReply::default()
            })
        })
    }
}

/// Runs in a process of their own: seconds of CPU, peak of memory, and the peak before them.
pub(crate) fn one(out: &mut impl Write, runs: usize) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let chain = Graph {
            before: vec![Vec::new(), vec![0], vec![1]],
            ms: vec![0; 3],
        };
        let model = Arc::new(Together(Barrier::new(runs)));
        let leadhand = leadhand(model, 4, 3, Arc::new(|_| ()))?;
        let (cpu_before, base) = (cpu_s(), peak_bytes()?);
        let mut at_work = tokio::task::JoinSet::new();
        for _ in 0..runs {
            at_work.spawn(leadhand.start_plan(Goal::default(), chain.plan(0)?)?);
        }
        while let Some(outcome) = at_work.join_next().await {
            let outcome = outcome??;
            if outcome.kind != OutcomeKind::Done {
                return Err(Failure::from(outcome.why));
            }
        }
        writeln!(out, "{} {} {base}", cpu_s() - cpu_before, peak_bytes()?)?;
        Ok(())
    })
}

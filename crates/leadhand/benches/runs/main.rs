//! What the runtime itself costs: how near a run comes to the shortest time its plan allows, how
//! cost and memory grow with the number of tasks, and how many runs one process carries.
//!
//! `cargo bench -p leadhand --bench runs [-- makespan | growth | many]` prints what it compares.
//! Real workflow graphs are read from the folder that `LEADHAND_SHARED` names, if there is one.

mod bound;
mod growth;
mod makespan;
mod many;
mod measure;
mod model;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    // Cargo says so to whatever it runs as a benchmark.
    words.retain(|word| word != "--bench");
    let mut out = std::io::stdout();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => {
            makespan::report(&mut out)?;
            growth::report(&mut out)?;
            many::report(&mut out)
        }
        ["makespan"] => makespan::report(&mut out),
        ["growth"] => growth::report(&mut out),
        ["growth", tasks] => growth::one(&mut out, tasks.parse()?),
        ["many"] => many::report(&mut out),
        ["many", runs] => many::one(&mut out, runs.parse()?),
        _ => Err(format!("there is no benchmark {words:?}: makespan, growth, many").into()),
    }
}

//! The real program, killed with SIGKILL at one point after the other of ten different goals,
//! each time in a new project, and resumed: files, answer and what a service outside has on its
//! ledger must be what they are when nobody is killed, and no record that was shown is lost.
//!
//! Points are durable records: with `--json` each is a line, and the program is killed when a
//! line is read, at once and some moments later. `LEADHAND_CRASH_POINTS` is how many of all
//! points are tried, or `all`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on should stop"
)]

mod goals;
mod ledger;
mod life;

use goals::{Goal, goals};
use ledger::Ledger;
use life::{Life, Reached};
use std::io::Write;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Points that are tried unless the environment says how many.
const POINTS: usize = 80;
/// How long after a line the program is killed, in microseconds: while it takes the next step,
/// while a model thinks, while a service is asked.
const MOMENTS_US: [u64; 3] = [0, 2_000, 8_000];
/// As many as a small machine has cores.
const THREADS: usize = 2;

#[derive(Debug, Default)]
struct Figures {
    points: usize,
    before_its_beginning: usize,
    after_its_end: usize,
    in_doubt: usize,
    made_again: usize,
}

/// Where a goal is killed: after so many lines, and the moment.
#[derive(Debug, Clone, Copy)]
struct Point {
    lines: usize,
    moment: Duration,
}

fn points_of(lines: usize) -> impl Iterator<Item = Point> {
    (0..=lines).flat_map(|lines| {
        MOMENTS_US.map(|us| Point {
            lines,
            moment: Duration::from_micros(us),
        })
    })
}

/// Every how manieth point is tried, of this many. Never a multiple of the number of moments, so
/// that each of them has its turn.
fn stride(all: usize) -> usize {
    let wanted = std::env::var("LEADHAND_CRASH_POINTS").unwrap_or_default();
    let wanted = match wanted.as_str() {
        "" => POINTS,
        "all" => all,
        number => number.parse().expect("a number of points, or `all`"),
    };
    let stride = (all / wanted.max(1)).max(1);
    stride + usize::from(stride.is_multiple_of(MOMENTS_US.len()))
}

#[test]
fn a_program_killed_anywhere_ends_as_if_it_had_not_been() {
    let began = Instant::now();
    // Compiled tools are shared with other tests.
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache");
    let whole: Vec<(Goal, Ledger, Reached)> = goals()
        .into_iter()
        .map(|goal| {
            let ledger = Ledger::start();
            let reached = Life::new(&goal, &ledger, &cache).undisturbed();
            ledger.take();
            (goal, ledger, reached)
        })
        .collect();
    let all: usize = whole
        .iter()
        .map(|(_, _, reached)| points_of(reached.lines).count())
        .sum();
    let stride = stride(all);
    // Counted through all goals, so that each begins at another place.
    let numbered = whole.iter().flat_map(|one| {
        let points = points_of(one.2.lines);
        points.map(move |point| (one, point))
    });
    let points: Vec<_> = numbered.step_by(stride).collect();
    let (next, figures) = (AtomicUsize::new(0), Mutex::new(Figures::default()));
    std::thread::scope(|scope| {
        let work = || {
            // The ledger of a goal is for one at a time.
            while let Some((goal, ledger, expected)) =
                whole.get(next.fetch_add(1, Ordering::SeqCst))
            {
                let own = points.iter().filter(|(one, _)| one.0.name == goal.name);
                for (_, point) in own {
                    try_point(goal, ledger, expected, *point, &cache, &figures);
                }
            }
        };
        for _ in 0..THREADS {
            scope.spawn(work);
        }
    });
    let figures = figures.into_inner().unwrap();
    assert!(figures.points > 0);
    let _ = writeln!(
        std::io::stderr(),
        "{} goals, killed at {} of {all} points in {} s: {} before the run began, {} after its \
         end, {} calls in doubt, {} of them made again; none doubled, none lost",
        whole.len(),
        figures.points,
        began.elapsed().as_secs(),
        figures.before_its_beginning,
        figures.after_its_end,
        figures.in_doubt,
        figures.made_again,
    );
}

fn try_point(
    goal: &Goal,
    ledger: &Ledger,
    expected: &Reached,
    point: Point,
    cache: &Path,
    figures: &Mutex<Figures>,
) {
    let place = format!("goal `{}`, {point:?}", goal.name);
    let life = Life::new(goal, ledger, cache);
    let shown = life.killed(point.lines, point.moment);
    let died = life.records();
    for (line, record) in shown.iter().zip(&died) {
        assert_eq!(
            line, record,
            "{place}: a record that was shown is another one"
        );
    }
    assert!(
        shown.len() <= died.len(),
        "{place}: a record is lost that was shown"
    );
    let recovered = life.recovered(expected, &place);
    let mut now = life.reached();
    now.lines = expected.lines;
    now.results.clone_from(&expected.results);
    assert_eq!(&now, expected, "{place}");
    ledger.take();
    let mut figures = figures.lock().unwrap();
    figures.points += 1;
    figures.before_its_beginning += usize::from(died.is_empty());
    figures.after_its_end += usize::from(recovered.was_over);
    figures.in_doubt += recovered.in_doubt;
    figures.made_again += recovered.made_again;
}

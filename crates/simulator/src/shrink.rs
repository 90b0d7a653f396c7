//! A script that breaks an invariant becomes a short one that breaks the same: parts are taken out
//! as long as it still does.

use crate::invariant::check;
use crate::play::play;
use crate::script::{Fork, Life, Moment, Script, Step, Terms};
use leadhand_protocol::{Autonomy, Budget, Limits};

/// Most scripts that are tried: enough for every script that a seed makes.
const TRIES_MAX: usize = 4_000;

/// Whether a script breaks this invariant. One that cannot be played breaks nothing.
#[must_use]
pub fn breaks(script: &Script, invariant: &str) -> bool {
    play(script).is_ok_and(|trace| {
        let broken = check(&trace);
        broken.iter().any(|broken| broken.invariant == invariant)
    })
}

/// The shortest script that was found which breaks the invariant.
#[must_use]
pub fn shrink(script: &Script, invariant: &str) -> Script {
    let mut best = script.clone();
    let mut tries = 0;
    loop {
        let before = best.clone();
        let mut place = 0;
        // What follows on a step that was taken is tried before those that failed are again.
        while let Some(candidate) = simpler(&best).into_iter().nth(place) {
            tries += 1;
            if tries > TRIES_MAX {
                return best;
            }
            if breaks(&candidate, invariant) {
                best = candidate;
            } else {
                place += 1;
            }
        }
        if best == before {
            return best;
        }
    }
}

/// Scripts that are a step simpler, the larger steps first.
fn simpler(script: &Script) -> Vec<Script> {
    let mut all = Vec::new();
    let mut add = |change: &dyn Fn(&mut Script)| {
        let mut changed = script.clone();
        change(&mut changed);
        if changed != *script {
            all.push(changed);
        }
    };
    add(&|script| script.fork = None);
    fork(script.fork.as_ref(), &mut add);
    add(&|script| script.moves.clear());
    add(&|script| script.acts.clear());
    add(&|script| script.answers.clear());
    add(&|script| script.acceptance.clear());
    halves(script.moves.len(), &mut add, |script| &mut script.moves);
    halves(script.acts.len(), &mut add, |script| &mut script.acts);
    halves(script.answers.len(), &mut add, |script| &mut script.answers);
    for place in 0..script.lives.len() {
        add(&|script| {
            script.lives.remove(place);
        });
    }
    for place in 0..script.tasks.len() {
        if script.tasks.len() > 1 {
            add(&|script| without_task(script, place));
        }
    }
    for place in 0..script.moves.len() {
        add(&|script| {
            script.moves.remove(place);
        });
    }
    for place in 0..script.acts.len() {
        add(&|script| {
            script.acts.remove(place);
        });
    }
    for place in 0..script.answers.len() {
        add(&|script| {
            script.answers.remove(place);
        });
    }
    add(&|script| script.terms = Terms::default());
    add(&|script| script.terms.limits = Limits::default());
    add(&|script| script.terms.budget = Budget::default());
    add(&|script| script.terms.clerk_budget = Budget::default());
    add(&|script| script.terms.rules.clear());
    add(&|script| script.terms.permits.clear());
    add(&|script| script.terms.to_disk = false);
    add(&|script| script.terms.autonomy = Autonomy::L5);
    add(&|script| script.manager = false);
    for place in 0..script.lives.len() {
        life(place, &script.lives[place], &mut add);
    }
    for place in 0..script.tasks.len() {
        task(place, &mut add);
        steps(place, &script.tasks[place].steps, &mut add);
    }
    for place in 0..script.tools.len() {
        add(&|script| {
            script.tools.remove(place);
        });
        add(&|script| script.tools[place].probe = false);
        add(&|script| script.tools[place].undo = false);
        add(&|script| script.tools[place].trusted = true);
    }
    all
}

/// Takes a change of the script that makes it simpler.
type Add<'a> = &'a mut dyn FnMut(&dyn Fn(&mut Script));

/// Takes out either half of a list.
fn halves<T>(length: usize, add: Add<'_>, list: impl Fn(&mut Script) -> &mut Vec<T>) {
    if length > 3 {
        add(&|script| {
            list(script).drain(..length / 2);
        });
        add(&|script| list(script).truncate(length / 2));
    }
}

fn without_task(script: &mut Script, place: usize) {
    let gone = script.tasks.remove(place);
    for task in &mut script.tasks {
        task.after.retain(|id| *id != gone.id);
        if task.for_each.as_ref() == Some(&gone.id) {
            task.for_each = None;
        }
    }
}

fn life(place: usize, life: &Life, add: Add<'_>) {
    add(&|script| script.lives[place].snapshot = None);
    add(&|script| script.lives[place].late_ms = 0);
    add(&|script| script.lives[place].disk_full_at = None);
    add(&|script| script.lives[place].jumps.clear());
    add(&|script| script.lives[place].death = None);
    for order in 0..life.before.len() {
        add(&|script| {
            script.lives[place].before.remove(order);
        });
    }
    for order in 0..life.orders.len() {
        add(&|script| {
            script.lives[place].orders.remove(order);
        });
    }
    add(&|script| {
        if let Some(death) = &mut script.lives[place].death {
            death.power_cut = None;
        }
    });
    add(&|script| {
        if let Some(death) = &mut script.lives[place].death {
            death.moment = Moment::Stored;
        }
    });
}

fn fork(fork: Option<&Fork>, add: Add<'_>) {
    let Some(fork) = fork else { return };
    let mut less = |change: &dyn Fn(&mut Fork)| {
        add(&|script| script.fork.iter_mut().for_each(change));
    };
    less(&|fork| fork.lives.clear());
    for place in 0..fork.lives.len() {
        less(&|fork| {
            fork.lives.remove(place);
        });
    }
    for place in 0..fork.changes.len() {
        less(&|fork| {
            fork.changes.remove(place);
        });
    }
}

fn steps(place: usize, steps: &[Step], add: Add<'_>) {
    halves(steps.len(), add, |script| &mut script.tasks[place].steps);
    for step in 0..steps.len() {
        add(&|script| {
            script.tasks[place].steps.remove(step);
        });
    }
}

fn task(place: usize, add: Add<'_>) {
    add(&|script| script.tasks[place].uses.clear());
    add(&|script| {
        script.tasks[place].uses.pop();
    });
    add(&|script| {
        if !script.tasks[place].uses.is_empty() {
            script.tasks[place].uses.remove(0);
        }
    });
    add(&|script| script.tasks[place].together = false);
    add(&|script| script.tasks[place].template = false);
    add(&|script| script.tasks[place].declares = false);
    add(&|script| script.tasks[place].output_file = None);
    add(&|script| script.tasks[place].schema = false);
    add(&|script| script.tasks[place].lock = None);
    add(&|script| script.tasks[place].for_each = None);
    add(&|script| script.tasks[place].budget = Budget::default());
    add(&|script| script.tasks[place].attempts_max = 0);
    add(&|script| {
        script.tasks[place].checks.pop();
    });
    add(&|script| {
        script.tasks[place].after.pop();
    });
}

//! Every short sequence of what may happen at a gate, and long ones by seed: nobody too many is
//! inside, nobody waits beside a free permit, and no permit is lost, whoever goes when.

use super::turns::Turns;
use super::{Gate, Permit};
use futures::FutureExt;
use futures::future::BoxFuture;

/// Who is served as permits come back, when these runs have asked in this order.
fn check_order(asked: &[u64], expected: &[u64]) {
    let mut turns = Turns::new(1);
    assert!(turns.take_free());
    for run in asked {
        assert!(!turns.take_free());
        turns.wait(*run, *run);
    }
    let served = std::iter::from_fn(|| turns.leave()).collect::<Vec<_>>();
    assert_eq!(served, expected);
    assert!(turns.take_free(), "the last permit is free again");
}

#[test]
fn runs_take_turns() {
    check_order(&[], &[]);
    check_order(&[1, 1, 1, 2, 2, 3], &[1, 2, 3, 1, 2, 1]);
    check_order(&[2, 1, 1, 2], &[2, 1, 2, 1]);
}

#[test]
fn one_call_is_not_held_up_by_a_thousand() {
    let mut asked = vec![7; 1_000];
    asked.push(8);
    let mut expected = vec![7; 1_000];
    expected.insert(1, 8);
    check_order(&asked, &expected);
}

#[test]
fn who_goes_leaves_the_turn_to_the_next_of_the_run() {
    let mut turns = Turns::new(1);
    assert!(turns.take_free());
    let first = turns.wait(1, "a");
    turns.wait(2, "b");
    turns.wait(1, "c");
    let only = turns.wait(3, "d");
    assert_eq!(turns.give_up(1, first), Some("a"));
    assert_eq!(turns.give_up(3, only), Some("d"));
    assert_eq!(turns.give_up(3, only), None);
    assert_eq!(
        [turns.leave(), turns.leave(), turns.leave()],
        [Some("c"), Some("b"), None]
    );
}

enum Call {
    Waits(BoxFuture<'static, Permit>),
    Inside { _permit: Permit },
}

struct Scene {
    gate: Gate,
    permits: usize,
    calls: Vec<Call>,
}

impl Scene {
    fn new(permits: usize) -> Self {
        Self {
            gate: Gate::new(permits),
            permits,
            calls: Vec::new(),
        }
    }

    /// What can happen now: somebody asks for one of two runs; or somebody who waits looks
    /// whether it was let in, or goes; or somebody inside leaves.
    fn choices(&self) -> usize {
        2 + 2 * self.calls.len()
    }

    fn make(&mut self, choice: usize) {
        let Some(other) = choice.checked_sub(2) else {
            let gate = self.gate.clone();
            let asks = async move { gate.enter(choice as u64).await }.boxed();
            self.calls.push(Call::Waits(asks));
            return self.look(self.calls.len() - 1);
        };
        let at = other / 2;
        if other.is_multiple_of(2) {
            self.look(at);
        } else {
            drop(self.calls.remove(at));
        }
        assert!(self.inside() <= self.permits);
    }

    fn look(&mut self, at: usize) {
        if let Call::Waits(asks) = &mut self.calls[at]
            && let Some(permit) = asks.now_or_never()
        {
            self.calls[at] = Call::Inside { _permit: permit };
        }
    }

    fn inside(&self) -> usize {
        let inside = |call: &&Call| matches!(call, Call::Inside { .. });
        self.calls.iter().filter(inside).count()
    }

    /// Everybody looks, then leaves one after the other, and all are served.
    fn end(mut self) {
        while !self.calls.is_empty() {
            for at in 0..self.calls.len() {
                self.look(at);
            }
            assert_eq!(self.inside(), self.permits.min(self.calls.len()));
            let inside = |call: &Call| matches!(call, Call::Inside { .. });
            let at = self.calls.iter().position(inside);
            drop(self.calls.remove(at.expect("somebody is inside")));
        }
        let all = (0..self.permits).map(|_| self.gate.enter(0).now_or_never());
        let all = all
            .collect::<Option<Vec<_>>>()
            .expect("every permit is back");
        assert!(self.gate.enter(0).now_or_never().is_none());
        drop(all);
    }
}

/// Plays each sequence that begins so, up to a length.
fn play_all(permits: usize, begun: &mut Vec<usize>, length_max: usize) {
    let mut scene = Scene::new(permits);
    for choice in &*begun {
        scene.make(*choice);
    }
    let choices = scene.choices();
    scene.end();
    if begun.len() < length_max {
        for choice in 0..choices {
            begun.push(choice);
            play_all(permits, begun, length_max);
            begun.pop();
        }
    }
}

#[test]
fn no_short_sequence_loses_a_permit() {
    play_all(1, &mut Vec::new(), 7);
    play_all(2, &mut Vec::new(), 7);
}

#[test]
fn no_long_sequence_loses_a_permit() {
    for seed in 0..300_u64 {
        let permits = 1 + (seed % 3) as usize;
        let mut scene = Scene::new(permits);
        let mut state = seed;
        for _ in 0..120 {
            // A linear congruential generator (Knuth, MMIX).
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let random = (state >> 33) as usize;
            // Half of the time somebody asks, so that a queue comes about.
            let choice = if random.is_multiple_of(2) {
                random / 2 % 2
            } else {
                random / 2 % scene.choices()
            };
            scene.make(choice);
        }
        scene.end();
    }
}

/// Asks again and again from one thread, and goes before its turn every other time it must wait.
fn come_and_go(gate: &Gate, run: u64) {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.build().expect("a runtime without drivers");
    for round in 0..2_000_u32 {
        let is_patient = round.is_multiple_of(2);
        runtime.block_on(async {
            tokio::select! {
                biased;
                permit = gate.enter(run) => {
                    tokio::task::yield_now().await;
                    drop(permit);
                }
                () = tokio::task::yield_now(), if !is_patient => {}
            }
        });
    }
}

#[test]
fn no_permit_is_lost_between_threads() {
    let scene = Scene::new(2);
    std::thread::scope(|threads| {
        for run in 0..4 {
            let gate = &scene.gate;
            threads.spawn(move || come_and_go(gate, run));
        }
    });
    scene.end();
}

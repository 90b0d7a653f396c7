//! What every transport must do, run against each of them: the one in this process, and one whose
//! wire repeats and reorders, with what makes it fit. A networked transport is held to the same
//! suite: it gives a [`Subject`] and passes [`suite::holds`] over it.

#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

mod network;
mod orderly;
mod suite;

use futures::FutureExt;
use leadhand_channel::{Clock, InProcess};
use network::Network;
use std::panic::AssertUnwindSafe;
use suite::Subject;

struct Local;

impl Subject for Local {
    type Transport = InProcess;

    fn open(&self, inbox_messages_max: usize, clock: Clock) -> InProcess {
        InProcess::new(inbox_messages_max, clock)
    }
}

/// A network whose wire is at its worst by this seed.
struct Unreliable(u64);

impl Subject for Unreliable {
    type Transport = Network;

    fn open(&self, inbox_messages_max: usize, clock: Clock) -> Network {
        Network::new(inbox_messages_max, clock, self.0)
    }
}

#[tokio::test(start_paused = true)]
async fn the_transport_in_this_process_is_one() {
    suite::holds(&Local).await;
}

#[tokio::test(start_paused = true)]
async fn a_wire_that_repeats_and_reorders_is_made_one() {
    for seed in 1..=20 {
        suite::holds(&Unreliable(seed)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_million_messages_to_a_receiver_that_stopped_are_refused_one_by_one() {
    suite::a_stopped_receiver_is_sent(&Local, 1_000_000).await;
    suite::a_stopped_receiver_is_sent(&Unreliable(1), 1_000_000).await;
}

/// The suite is worth something only if it finds what it is there to find.
#[tokio::test(start_paused = true)]
async fn a_bare_wire_is_found_out() {
    struct Bare;
    impl Subject for Bare {
        type Transport = Network;
        fn open(&self, inbox_messages_max: usize, clock: Clock) -> Network {
            Network::new(inbox_messages_max, clock, 1).bare()
        }
    }
    let held = suite::each_sender_is_heard_in_its_order_and_once(&Bare);
    assert!(AssertUnwindSafe(held).catch_unwind().await.is_err());
}

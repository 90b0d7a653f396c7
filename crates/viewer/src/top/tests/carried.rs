//! The view as it is carried: what it asks of the runs, and what it shows in the end.

use super::world::{BEGAN_MS, line, run, that_failed};
use crate::top::Closed;
use crate::top::event_loop::carry;
use crate::top::input::{Key, Typed};
use crate::top::state::Top;
use crate::{Given, Later, OpenRunQuestion, RunLine, Runs, Trouble};
use leadhand_protocol::{PersonInput, RunId, Seq};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use std::sync::Arc;
use tokio::sync::mpsc::unbounded_channel;
use tokio::sync::mpsc::{Receiver, Sender, UnboundedReceiver, UnboundedSender, channel};

/// What was asked of the runs.
#[derive(Debug, PartialEq)]
enum Asked {
    List,
    Follow(RunId, Seq),
    Questions,
    Order(PersonInput),
}

/// One live run, whose records are given as one batch each.
struct OneRun {
    asked: UnboundedSender<Asked>,
    is_broken: bool,
}

impl Runs for OneRun {
    fn list(&self) -> Later<'_, Result<Vec<RunLine>, Trouble>> {
        drop(self.asked.send(Asked::List));
        Box::pin(async { Ok(vec![line(&run(), "running", true, "Write")]) })
    }

    fn follow(&self, run: RunId, from: Seq, to: Sender<Given>) -> Later<'_, Result<(), Trouble>> {
        assert!(!self.is_broken, "it is broken");
        drop(self.asked.send(Asked::Follow(run, from)));
        Box::pin(async move {
            for record in that_failed() {
                drop(to.send(Given::Records(vec![record])).await);
            }
            drop(to.send(Given::AllSoFar).await);
            to.closed().await;
            Ok(())
        })
    }

    fn questions(&self, _: RunId) -> Later<'_, Result<Vec<OpenRunQuestion>, Trouble>> {
        drop(self.asked.send(Asked::Questions));
        Box::pin(async { Ok(Vec::new()) })
    }

    fn order(&self, _: RunId, order: PersonInput) -> Later<'_, Result<bool, Trouble>> {
        drop(self.asked.send(Asked::Order(order)));
        Box::pin(async { Ok(true) })
    }
}

fn begun(is_broken: bool) -> (Arc<OneRun>, UnboundedReceiver<Asked>) {
    let (asked, told) = unbounded_channel();
    (Arc::new(OneRun { asked, is_broken }), told)
}

async fn carried(runs: Arc<OneRun>, typed: Receiver<Typed>) -> (Closed, String) {
    let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
    let top = Top::new((80, 24), true, BEGAN_MS);
    let closed = carry(runs, &mut terminal, top, typed).await.unwrap();
    (closed, terminal.backend().to_string())
}

async fn until(told: &mut UnboundedReceiver<Asked>, wanted: &Asked) {
    while told.recv().await.as_ref() != Some(wanted) {}
}

#[tokio::test]
async fn a_run_is_followed_and_an_order_given() {
    let (runs, mut told) = begun(false);
    let (keyboard, typed) = channel(8);
    let person = async move {
        assert_eq!(told.recv().await, Some(Asked::List));
        until(&mut told, &Asked::Follow(run(), 0)).await;
        // All is read by then.
        until(&mut told, &Asked::Questions).await;
        for key in [Key::Char('p'), Key::Char('y')] {
            keyboard.send(Typed::Key(key)).await.unwrap();
        }
        until(&mut told, &Asked::Order(PersonInput::Pause)).await;
        // It is looked again what became of the runs.
        until(&mut told, &Asked::List).await;
        until(&mut told, &Asked::List).await;
        keyboard.send(Typed::Key(Key::Char('q'))).await.unwrap();
    };
    let ((closed, screen), ()) = tokio::join!(carried(runs, typed), person);
    assert_eq!(closed, Closed::Quit);
    assert!(screen.contains("t2 [writer] failed"), "{screen}");
}

#[tokio::test]
async fn a_terminal_that_is_gone_ends_the_view() {
    let (runs, _told) = begun(false);
    let (keyboard, typed) = channel(1);
    drop(keyboard);
    assert_eq!(carried(runs, typed).await.0, Closed::Interrupted);
}

#[tokio::test]
#[should_panic(expected = "it is broken")]
async fn a_defect_in_what_is_looked_at_is_not_hidden() {
    let (runs, _told) = begun(true);
    let (_keyboard, typed) = channel(1);
    carried(runs, typed).await;
}

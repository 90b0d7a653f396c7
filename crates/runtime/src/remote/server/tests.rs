//! Clients that keep a connection and do nothing with it.

use super::*;
use leadhand_journal::MemoryJournal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A connection to a run whose loop answers nothing.
fn visited() -> (UnixStream, JoinSet<()>, mpsc::Receiver<Wish>) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let (wish, wishes) = mpsc::channel(1);
    let house = House {
        run: RunId::new("run").unwrap(),
        journal: Arc::new(MemoryJournal::new()),
        wish,
        told: broadcast::channel(1).0,
        // Nobody sends an end: the loop is at work.
        end: watch::channel(None).1,
        readers: Arc::new(Semaphore::new(1)),
    };
    let mut tasks = JoinSet::new();
    tasks.spawn(attend(theirs, house));
    (ours, tasks, wishes)
}

#[tokio::test(start_paused = true)]
async fn whoever_says_nothing_or_half_of_it_is_closed() {
    for said in ["", "{\"version\":1,"] {
        let (mut stream, mut tasks, _wishes) = visited();
        stream.write_all(said.as_bytes()).await.unwrap();
        let mut heard = String::new();
        stream.read_to_string(&mut heard).await.unwrap();
        assert_eq!(
            heard,
            "{\"reply\":\"fault\",\"fault\":\"unreadable\",\"why\":\"nothing was asked for 10000 ms\"}\n"
        );
        assert!(tasks.join_next().await.is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_does_not_read_is_closed() {
    let (mut stream, mut tasks, mut wishes) = visited();
    stream
        .write_all(b"{\"version\":1,\"request\":\"plan\"}\n")
        .await
        .unwrap();
    let Some(Wish::Plan(heard)) = wishes.recv().await else {
        panic!("a plan was asked for");
    };
    // More than the system keeps on the way.
    let mut plan = Plan::default();
    plan.tasks.push(leadhand_protocol::Task::new(
        leadhand_protocol::TaskId::new("t").unwrap(),
        "clerk",
        "x".repeat(4 * 1024 * 1024),
    ));
    heard.send(Some(plan)).unwrap();
    assert!(tasks.join_next().await.is_some());
    drop(stream);
}

//! Requests and their answers: who gets an answer, and what becomes of a request without one.

#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use futures::FutureExt;
use leadhand_channel::{
    ChannelError, Dispatch, Hub, Mailbox, Post, REQUESTS_OPEN_MAX, Thread, open,
};
use leadhand_protocol::coordination::{PrimitiveName, Request, Told, WaitId};
use leadhand_protocol::{Address, AgentId, Envelope, Label, Message, MessageKind, RunId, Source};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

const AGENT: AgentId = AgentId(1);

fn channel() -> (Hub, Post, Mailbox) {
    let began = Instant::now();
    let clock = Arc::new(move || u64::try_from(began.elapsed().as_millis()).unwrap());
    let (hub, post) = open(RunId::new("run").unwrap(), REQUESTS_OPEN_MAX * 2, clock);
    let mailbox = post.register(AGENT).unwrap();
    (hub, post, mailbox)
}

fn read() -> Message {
    Message::Request {
        wait: WaitId(1),
        request: Box::new(Request::Read {
            key: PrimitiveName::new("plan").unwrap(),
        }),
    }
}

fn granted(wait: u32) -> Message {
    Message::Granted {
        wait: WaitId(wait),
        told: Ok(Told::Done),
    }
}

/// Reads a mailbox as a worker does, and gives what nobody waited for.
fn reading(mut mailbox: Mailbox) -> tokio::task::JoinHandle<Vec<Envelope>> {
    tokio::spawn(async move {
        let mut read = Vec::new();
        while let Some(envelope) = mailbox.recv().await {
            read.push(envelope);
        }
        read
    })
}

#[tokio::test(start_paused = true)]
async fn an_answer_goes_to_whoever_asked_and_once() {
    let (mut hub, post, mailbox) = channel();
    let outbox = mailbox.outbox();
    let reading = reading(mailbox);
    let begun = post.send(AGENT, granted(0)).await.unwrap();
    let thread = Thread {
        correlation: begun,
        cause: begun,
    };
    let asking = tokio::spawn(async move {
        let question = Dispatch::from(read())
            .answering(thread)
            .labelled(Label::from(Source::Web));
        outbox.request(question).await
    });
    let request = hub.recv().await.unwrap();
    assert_eq!(
        (request.correlation, request.cause, request.label.clone()),
        (Some(begun), Some(begun), Label::from(Source::Web))
    );
    let answer = Dispatch::from(granted(1)).answering(Thread::of(&request));
    post.send(AGENT, answer.clone()).await.unwrap();
    let heard = asking.await.unwrap().unwrap();
    assert_eq!(
        (heard.correlation, heard.cause, heard.message),
        (Some(begun), Some(request.id), granted(1))
    );
    post.send(AGENT, answer).await.unwrap();
    post.close(AGENT);
    let rest: Vec<_> = reading
        .await
        .unwrap()
        .into_iter()
        .map(|it| it.cause)
        .collect();
    assert_eq!(
        rest,
        [None, Some(request.id)],
        "a second answer is read like any message"
    );
}

#[tokio::test(start_paused = true)]
async fn the_hub_can_ask_as_well() {
    let (mut hub, post, mut mailbox) = channel();
    let role = Address::Role("writer".to_owned());
    let mut writer = post
        .register_as(AgentId(2), std::slice::from_ref(&role))
        .unwrap();
    let asking = tokio::spawn({
        let post = post.clone();
        async move { post.request(role, Message::Cancel).await }
    });
    let read = tokio::spawn(async move { hub.recv().await });
    let asked = writer.recv().await.unwrap();
    let answer = Dispatch::from(granted(1)).answering(Thread::of(&asked));
    writer.send(answer).await.unwrap();
    assert_eq!(asking.await.unwrap().unwrap().message, granted(1));
    mailbox.send(granted(2)).await.unwrap();
    assert_eq!(read.await.unwrap().unwrap().message, granted(2));
    post.close(AGENT);
    assert_eq!(mailbox.recv().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_request_without_an_answer_ends_at_its_deadline() {
    let (mut hub, post, mailbox) = channel();
    let outbox = mailbox.outbox();
    let reading = reading(mailbox);
    let began = Instant::now();
    let refused = outbox.request(Dispatch::from(read()).until(700)).await;
    let expected = ChannelError::NoAnswer {
        to: Address::Hub,
        kind: MessageKind::Release,
        deadline_ms: 700,
    };
    assert_eq!(refused, Err(expected));
    assert_eq!(began.elapsed(), Duration::from_millis(700));
    // The request is past its deadline too, and the hub never sees it.
    outbox.send(granted(3)).await.unwrap();
    assert_eq!(hub.recv().await.map(|it| it.message), Some(granted(3)));
    assert_eq!(post.dead_letters().count, 1);
    post.close(AGENT);
    assert_eq!(reading.await.unwrap(), Vec::new());
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_an_answer_that_cannot_come() {
    let gone = ChannelError::Gone {
        to: Address::Hub,
        kind: MessageKind::Release,
    };
    let (_hub, post, mailbox) = channel();
    let outbox = mailbox.outbox();
    let asking = tokio::spawn(async move { outbox.request(read()).await });
    tokio::task::yield_now().await;
    post.close(AGENT);
    drop(mailbox);
    assert_eq!(
        asking.await.unwrap(),
        Err(gone.clone()),
        "its mailbox was dropped"
    );

    let (hub, _post, mailbox) = channel();
    drop(hub);
    let outbox = mailbox.outbox();
    assert_eq!(
        outbox.request(read()).await,
        Err(gone.clone()),
        "the hub is gone"
    );
    drop(mailbox);
    assert_eq!(outbox.request(read()).await, Err(gone), "both are gone");
}

#[tokio::test(start_paused = true)]
async fn open_requests_are_bounded_and_given_up_with_their_future() {
    let (_hub, _post, mailbox) = channel();
    let outbox = mailbox.outbox();
    let mut asking: Vec<_> = (0..REQUESTS_OPEN_MAX)
        .map(|_| Box::pin(outbox.request(read())))
        .collect();
    for asking in &mut asking {
        assert!(asking.now_or_never().is_none());
    }
    let open_max = REQUESTS_OPEN_MAX;
    let refused = outbox.request(read()).await;
    assert_eq!(refused, Err(ChannelError::TooManyRequests { open_max }));
    drop(asking);
    let again = outbox.request(Dispatch::from(read()).until(10)).await;
    assert!(
        matches!(again, Err(ChannelError::NoAnswer { .. })),
        "{again:?}"
    );
}

//! A live run and those who reach it from elsewhere: what they order and see, and that whoever
//! connects cannot hold the run up or keep others away.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod hostile;
mod house;

use house::{House, PATIENCE};
use leadhand_protocol::{
    Answer, Ask, Autonomy, CallState, ContentHash, Event, Grade, OutcomeKind, PersonInput,
    RequestId, TaskId,
};
use leadhand_runtime::{RemoteError, RemoteRun, Told};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::time::timeout;

fn answers(answer: Answer, shown: ContentHash) -> PersonInput {
    PersonInput::Answers {
        request: RequestId(0),
        answer,
        shown: Some(shown),
    }
}

#[tokio::test]
async fn a_question_is_answered_from_elsewhere_and_only_as_it_was_shown() {
    let house = House::new(Autonomy::L2);
    let life = house.begin();
    let mut remote = house.reach().await;
    let open = loop {
        let open = remote.questions().await.unwrap();
        if house.asked.load(Ordering::SeqCst) == 1 {
            break open;
        }
    };
    let [question] = &open[..] else {
        panic!("{open:?}");
    };
    assert!(matches!(question.ask, Ask::Plan { .. }), "{question:?}");
    assert_eq!(question.digest, question.ask.digest());
    let status = remote.status().await.unwrap();
    assert_eq!(status.goal, "Go.");
    assert_eq!(
        status.questions[0].about,
        "may the plan of 2 tasks be carried out"
    );
    let other = ContentHash::of(b"another plan");
    let refused = remote.order(answers(Answer::Allow, other)).await;
    assert_eq!(
        refused.unwrap_err().to_string(),
        "run house: question q0 is not what was shown any more: look at it again, then answer"
    );
    remote
        .order(answers(Answer::Allow, question.digest))
        .await
        .unwrap();
    // Whoever was asked here is not asked any more.
    while house.asked.load(Ordering::SeqCst) > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(remote.questions().await.unwrap(), []);
    assert_eq!(remote.plan().await.unwrap().unwrap().tasks.len(), 2);
    house.gate.add_permits(2);
    let told = remote.outcome().await.unwrap();
    // The run can be opened by others now: its lock is free.
    assert!(!house.socket().exists());
    let outcome = life.await.unwrap().unwrap();
    assert_eq!(outcome.kind, OutcomeKind::Done);
    assert_eq!(told, outcome);
}

#[tokio::test]
async fn a_live_run_is_followed_from_any_record_to_its_end() {
    let house = House::new(Autonomy::L5);
    let life = house.begin();
    let mut followers = Vec::new();
    for from in [0, 2] {
        let mut records = house.reach().await.follow(from as u64).await.unwrap();
        let mut seen = Vec::new();
        // It is followed from here on, and not only asked for.
        match records.next().await.unwrap() {
            Told::Record(record) => seen.push(*record),
            Told::Ended(outcome) => panic!("{outcome:?}"),
        }
        followers.push((from, records, seen));
    }
    let so_far = house.reach().await.records(1).await.unwrap();
    assert_eq!(so_far[..], house.records()[1..=so_far.len()]);
    house.gate.add_permits(2);
    let outcome = timeout(PATIENCE, life).await.unwrap().unwrap().unwrap();
    let all = house.records();
    for (from, mut records, mut seen) in followers {
        let told = loop {
            match records.next().await.unwrap() {
                Told::Record(record) => seen.push(*record),
                Told::Ended(outcome) => break *outcome,
            }
        };
        assert_eq!(seen[..], all[from..], "from {from}");
        assert_eq!(told, outcome);
    }
    assert!(house.is_settled());
}

#[tokio::test]
async fn a_live_run_is_ordered_about_from_elsewhere() {
    let house = House::new(Autonomy::L5);
    let life = house.begin();
    let mut remote = house.reach().await;
    let steer = |task: &str| PersonInput::Steer {
        task: Some(TaskId::new(task).unwrap()),
        text: "Be short.".to_owned(),
    };
    let refused = remote.order(steer("t9")).await;
    assert!(
        matches!(refused, Err(RemoteError::Refused { .. })),
        "{refused:?}"
    );
    remote.order(steer("t1")).await.unwrap();
    remote.order(PersonInput::Pause).await.unwrap();
    assert_eq!(
        remote.outcome().await.unwrap().kind,
        OutcomeKind::Interrupted
    );
    life.await.unwrap().unwrap();

    let life = house.resume();
    let cancel = PersonInput::Cancel {
        grade: Grade::Stop,
        why: "enough".to_owned(),
    };
    let mut remote = house.reach().await;
    remote.order(cancel).await.unwrap();
    assert_eq!(remote.outcome().await.unwrap().kind, OutcomeKind::Cancelled);
    life.await.unwrap().unwrap();
    let told: Vec<_> = house
        .records()
        .into_iter()
        .filter_map(|record| match Arc::unwrap_or_clone(record.event) {
            Event::Told { text, .. } => Some(text),
            _ => None,
        })
        .collect();
    assert_eq!(told, ["The person you work for says: Be short."]);
    let gone = RemoteRun::connect(&*house.journal, &house.id).await.err();
    assert!(
        matches!(gone, Some(RemoteError::NotListening { .. })),
        "{gone:?}"
    );
}

#[tokio::test]
async fn those_who_wait_are_told_when_the_run_dies_and_the_next_life_listens() {
    let house = House::new(Autonomy::L5);
    let life = house.begin();
    let waiting = tokio::spawn(house.reach().await.outcome());
    let mut following = house.reach().await.follow(0).await.unwrap();
    following.next().await.unwrap();
    life.abort();
    assert!(life.await.unwrap_err().is_cancelled());
    let told = waiting.await.unwrap();
    assert!(matches!(told, Err(RemoteError::Gone { .. })), "{told:?}");
    while following.next().await.is_ok() {}
    assert!(!house.socket().exists());
    let life = house.resume();
    let remote = house.reach().await;
    house.gate.add_permits(2);
    assert_eq!(remote.outcome().await.unwrap().kind, OutcomeKind::Done);
    life.await.unwrap().unwrap();
}

#[tokio::test]
async fn to_wrap_up_a_run_of_which_nothing_is_at_work_ends_it() {
    let house = House::new(Autonomy::L5);
    let life = house.begin();
    let mut remote = house.reach().await;
    remote.order(PersonInput::Pause).await.unwrap();
    life.await.unwrap().unwrap();
    let wrap_up = PersonInput::Cancel {
        grade: Grade::WrapUp,
        why: "enough".to_owned(),
    };
    let outcome = timeout(PATIENCE, house.order(wrap_up)).await.unwrap();
    assert_eq!(outcome.unwrap().kind, OutcomeKind::Cancelled);
}

#[tokio::test]
async fn a_live_run_is_rolled_back_from_elsewhere() {
    let mut house = House::new(Autonomy::L5);
    house.books = true;
    let life = house.begin();
    let mut remote = house.reach().await;
    let why = "wrong room".to_owned();
    let order = PersonInput::RollBack { why };
    // As long as nothing is booked nothing can be undone, and that is said.
    let ordered = async {
        while let Err(error) = remote.order(order.clone()).await {
            assert!(matches!(error, RemoteError::Refused { .. }), "{error}");
        }
    };
    timeout(PATIENCE, ordered).await.unwrap();
    let told = remote.outcome().await.unwrap();
    let outcome = life.await.unwrap().unwrap();
    assert_eq!(told, outcome);
    assert_eq!(outcome.kind, OutcomeKind::Cancelled);
    let undone: Vec<(CallState, &str)> = outcome
        .undone
        .iter()
        .map(|report| (report.state, report.what.as_str()))
        .collect();
    assert_eq!(undone, [(CallState::Undone, "receipt")]);
    assert_eq!(
        *house.called.lock().unwrap(),
        [
            r#"book {"room":7}"#,
            r#"undo_book {"arguments":{"room":7},"result":"receipt"}"#
        ]
    );
}

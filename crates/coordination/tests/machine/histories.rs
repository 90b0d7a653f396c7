//! Long histories of everything at once, made up by proptest: each step is held against the
//! oracle by [`World::apply`], and the facts from the beginning, written and read again, give
//! the same state as does the state itself, written and read again.

use crate::world::{NOW_MS, World, asker, name};
use leadhand_coordination::Coordination;
use leadhand_protocol::AgentId;
use leadhand_protocol::coordination::{
    Declaration, Elector, Electorate, Fact, LockAsk, LockMode, Need, Payload, PrimitiveName,
    QuestionId, Request, WaitId,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Just, ProptestConfig, Strategy, prop_oneof, proptest};
use serde_json::json;

const PARTIES: u32 = 6;

#[derive(Debug, Clone)]
enum Step {
    Ask(u32, u8, Request),
    /// Gives a lock back by the right number.
    Release(u32, usize),
    /// Gives permits back, as many as it has.
    GiveAll(u32, usize),
    /// Answers one of the open questions.
    Answer(u32, usize),
    /// Is given the oldest message without asking.
    Take(u32),
    End(u32),
    Late(u64),
}

const LOCKS: [&str; 4] = ["a", "b", "c", "d"];
const SEMAPHORES: [&str; 2] = ["s", "t"];

fn one_of(texts: &'static [&'static str]) -> impl Strategy<Value = PrimitiveName> {
    (0..texts.len()).prop_map(|place| name(texts[place]))
}

fn mode() -> impl Strategy<Value = LockMode> {
    prop_oneof![
        Just(LockMode::Shared),
        Just(LockMode::Upgradable),
        Just(LockMode::Exclusive)
    ]
}

fn deadline() -> impl Strategy<Value = Option<u64>> {
    option::weighted(0.2, NOW_MS..NOW_MS + 200)
}

fn lock_request() -> impl Strategy<Value = Request> {
    let ask = (one_of(&LOCKS), mode()).prop_map(|(lock, mode)| LockAsk { lock, mode });
    prop_oneof![
        6 => (vec(ask, 1..3), deadline())
            .prop_map(|(locks, deadline_ms)| Request::Acquire { locks, deadline_ms }),
        1 => (one_of(&LOCKS), deadline())
            .prop_map(|(lock, deadline_ms)| Request::Upgrade { lock, deadline_ms }),
        1 => (one_of(&LOCKS), 0..9_u64)
            .prop_map(|(lock, fence)| Request::Release { lock, fence }),
        4 => (one_of(&SEMAPHORES), 1..4_u32, deadline()).prop_map(
            |(semaphore, permits, deadline_ms)| Request::Take { semaphore, permits, deadline_ms }
        ),
        1 => (one_of(&SEMAPHORES), 1..3_u32)
            .prop_map(|(semaphore, permits)| Request::Give { semaphore, permits }),
        1 => (0..2_u32).prop_map(|wait| Request::CancelWait { wait: WaitId(wait) }),
    ]
}

const LATCHES: [&str; 5] = ["l", "m", "n", "o", "p"];

fn meeting_request() -> impl Strategy<Value = Request> {
    let need = prop_oneof![
        Just(Need::All),
        Just(Need::Any),
        (1..4_u32).prop_map(Need::KOf)
    ];
    let by = vec(0..PARTIES, 0..3).prop_map(|by| by.into_iter().map(AgentId).collect());
    prop_oneof![
        3 => (one_of(&LATCHES), 1..3_u32, by).prop_map(|(name, count, by)| Request::Declare {
            name,
            declaration: Declaration::Latch { count, by },
        }),
        2 => one_of(&LATCHES).prop_map(|latch| Request::CountDown { latch }),
        1 => one_of(&LATCHES).prop_map(|latch| Request::GiveUp { latch }),
        4 => (vec(one_of(&LATCHES), 1..4), need, deadline()).prop_map(
            |(latches, need, deadline_ms)| Request::Join { latches, need, deadline_ms }
        ),
        2 => (one_of(&["y", "z"]), deadline()).prop_map(|(barrier, deadline_ms)| {
            Request::Arrive { barrier, parties: 3, deadline_ms }
        }),
    ]
}

fn value_request() -> impl Strategy<Value = Request> {
    let electors = (0..PARTIES).map(|party| Elector {
        party: AgentId(party),
        weight: 1 + party % 2,
    });
    let electorate = prop_oneof![
        Just(Electorate::Named(electors.collect())),
        Just(Electorate::Anyone(4))
    ];
    let quorums = || one_of(&["q", "r"]);
    prop_oneof![
        1 => (quorums(), electorate, 2..6_u32).prop_map(|(name, electorate, threshold)| {
            let choices = Vec::new();
            Request::Declare {
                name,
                declaration: Declaration::Quorum { electorate, threshold, choices },
            }
        }),
        2 => (quorums(), 0..3_u32).prop_map(|(quorum, choice)| Request::Vote {
            quorum,
            choice: json!({ "choice": choice }).into(),
        }),
        2 => (quorums(), deadline())
            .prop_map(|(quorum, deadline_ms)| Request::AwaitQuorum { quorum, deadline_ms }),
        3 => (one_of(&["j", "k"]), 0..4_u64).prop_map(|(key, expected_version)| {
            Request::CompareAndSet { key, expected_version, value: json!(expected_version).into() }
        }),
        1 => (one_of(&["j", "k"]), 0..4_u64, deadline()).prop_map(
            |(key, after_version, deadline_ms)| Request::Watch { key, after_version, deadline_ms }
        ),
        1 => one_of(&["j", "k"]).prop_map(|key| Request::Read { key }),
    ]
}

fn letter_request() -> impl Strategy<Value = Request> {
    let topics = || one_of(&["t", "u"]);
    let payload = || (0..1_000_u32).prop_map(|it| Payload::text(it.to_string()));
    let to = option::weighted(0.8, (0..PARTIES).prop_map(AgentId));
    prop_oneof![
        2 => topics().prop_map(|topic| Request::Subscribe { topic }),
        1 => topics().prop_map(|topic| Request::Unsubscribe { topic }),
        4 => (topics(), payload()).prop_map(|(topic, payload)| Request::Publish { topic, payload }),
        3 => deadline().prop_map(|deadline_ms| Request::Receive { deadline_ms }),
        3 => (to, payload(), deadline()).prop_map(
            |(to, payload, deadline_ms)| Request::Ask { to, payload, deadline_ms }
        ),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let request = prop_oneof![
        6 => lock_request(),
        3 => meeting_request(),
        2 => value_request(),
        4 => letter_request(),
    ];
    prop_oneof![
        16 => (0..PARTIES, 0..3_u8, request).prop_map(|(party, priority, request)| {
            Step::Ask(party, priority, request)
        }),
        6 => (0..PARTIES, 0..LOCKS.len()).prop_map(|(party, it)| Step::Release(party, it)),
        3 => (0..PARTIES, 0..SEMAPHORES.len()).prop_map(|(party, it)| Step::GiveAll(party, it)),
        4 => (0..PARTIES, 0..4_usize).prop_map(|(party, it)| Step::Answer(party, it)),
        2 => (0..PARTIES).prop_map(Step::Take),
        1 => (0..PARTIES).prop_map(Step::End),
        1 => (0..200_u64).prop_map(Step::Late),
    ]
}

fn play(world: &mut World, step: &Step) {
    let mut ask = |party, priority, request: &Request| {
        let before = world.state.clone();
        if world.try_ask(party, 0, priority, request).is_err() {
            assert_eq!(world.state, before, "a refused request changed something");
        }
    };
    match step {
        Step::Ask(party, priority, request) => ask(*party, *priority, request),
        Step::Release(party, place) => {
            world.release(*party, LOCKS[*place]);
        }
        Step::GiveAll(party, place) => {
            let semaphore = name(SEMAPHORES[*place]);
            let view = world.state.semaphore(&semaphore).unwrap();
            let own = view.holders.iter().find(|it| it.0 == AgentId(*party));
            let permits = own.map_or(0, |it| it.1);
            world.ask(*party, &Request::Give { semaphore, permits });
        }
        Step::Answer(party, place) => {
            let open = world.state.questions().map(|(id, _)| id).nth(*place);
            let question = open.unwrap_or(QuestionId(1));
            let payload = Payload::text("because");
            world.ask(*party, &Request::Answer { question, payload });
        }
        Step::Take(party) => {
            let facts = world.state.take_message(AgentId(*party));
            world.apply(facts);
        }
        Step::End(party) => {
            world.end(*party);
        }
        Step::Late(later_ms) => {
            world.due(NOW_MS + later_ms);
        }
    }
}

fn check_again(world: &World) {
    let text = serde_json::to_string(&world.history).unwrap();
    let facts: Vec<Fact> = serde_json::from_str(&text).unwrap();
    assert_eq!(facts, world.history);
    let mut again = Coordination::default();
    for fact in &facts {
        again.apply(fact);
    }
    assert_eq!(again, world.state);
    let text = serde_json::to_string(&world.state).unwrap();
    assert_eq!(
        serde_json::from_str::<Coordination>(&text).unwrap(),
        world.state
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn everything_holds_over_long_histories(steps in vec(step(), 1..160)) {
        let mut world = World::default();
        for (semaphore, permits) in SEMAPHORES.iter().zip([2, 3]) {
            let declaration = Declaration::Semaphore { permits };
            let request = Request::Declare { name: name(semaphore), declaration };
            world.try_ask(0, 0, 0, &request).unwrap();
        }
        for step in &steps {
            play(&mut world, step);
        }
        check_again(&world);
        for party in 0..PARTIES {
            world.end(party);
        }
        // Nobody is left, so nothing is held, awaited or outstanding.
        assert_eq!(world.state.waits().count(), 0);
        assert_eq!(world.state.locks().count(), 0);
        assert_eq!(world.state.questions().count(), 0);
        assert_eq!(world.state.next_deadline_ms(), None);
        assert_eq!(world.state.effective_priority(asker(0, 0).party), 0);
        check_again(&world);
    }
}

//! Orders are given by a key and confirmed by another, and an answer is to what was shown.

use super::world::{line, live, looking, question, run, said, that_failed, types};
use crate::Trouble;
use crate::top::dialog::Dialog;
use crate::top::input::{Input, Order, Wish};
use crate::top::state::Top;
use leadhand_protocol::{Answer, Ask, Grade, PersonInput, RequestId, TaskId};

fn working() -> Top {
    live((80, 24), &that_failed()[..8])
}

fn ordered(wishes: &[Wish]) -> Option<&PersonInput> {
    match wishes {
        [] => None,
        [Wish::Order(order)] => Some(&order.order),
        other => panic!("{other:?}"),
    }
}

/// What is ordered by these keys, in a run that asks.
fn orders(keys: &str) -> Option<PersonInput> {
    let mut top = working();
    let open = vec![question(0, "a.md"), question(1, "b.md")];
    top.update(Input::Questions(run(), Ok(open)));
    ordered(&types(&mut top, keys)).cloned()
}

fn answered(number: u32, path: &str, answer: Answer) -> Option<PersonInput> {
    Some(PersonInput::Answers {
        request: RequestId(number),
        answer,
        shown: Some(question(number, path).digest),
    })
}

#[test]
fn an_answer_is_given_after_the_question_was_shown_and_names_its_digest() {
    assert_eq!(orders("a"), None);
    assert_eq!(orders("a\n"), None);
    assert_eq!(orders("ay"), answered(0, "a.md", Answer::Allow));
    assert_eq!(orders("a→y"), answered(1, "b.md", Answer::Allow));
    assert_eq!(orders("a\u{1b}y"), None);
    let deny = |reason: &str| {
        let reason = reason.to_owned();
        Answer::Deny { reason }
    };
    assert_eq!(orders("dy"), None);
    assert_eq!(
        orders("dynot this\n"),
        answered(0, "a.md", deny("not this"))
    );
    assert_eq!(
        orders("dy\n"),
        answered(0, "a.md", deny("no reason was given"))
    );
    assert_eq!(orders("dynot\u{1b}"), None);
}

#[test]
fn a_plain_yes_does_not_answer_what_became_of_a_call() {
    let Ask::Tool {
        call,
        role,
        tool_call,
        ..
    } = question(0, "a.md").ask
    else {
        panic!("it is another question");
    };
    let ask = Ask::Outcome {
        call,
        role,
        tool_call,
        evidence: vec!["it was cut off".to_owned()],
    };
    let check = |keys: &str, expected: Option<Answer>| {
        let mut top = working();
        let mut asked = question(0, "a.md");
        (asked.digest, asked.ask) = (ask.digest(), ask.clone());
        top.update(Input::Questions(run(), Ok(vec![asked])));
        let wishes = types(&mut top, keys);
        let answer = ordered(&wishes).map(|order| match order {
            PersonInput::Answers { answer, .. } => answer.clone(),
            other => panic!("{other:?}"),
        });
        assert_eq!(answer, expected, "{keys}");
    };
    check("ay", None);
    check("ar", Some(Answer::Repeat));
    let result = "receipt 7".to_owned();
    check("atreceipt 7\n", Some(Answer::TookEffect { result }));
}

#[test]
fn a_question_that_is_answered_elsewhere_takes_no_answer_here() {
    let mut top = working();
    top.update(Input::Questions(run(), Ok(vec![question(0, "a.md")])));
    types(&mut top, "a");
    // The same number, and something else is asked.
    top.update(Input::Questions(run(), Ok(vec![question(0, "b.md")])));
    assert!(top.dialog.is_none());
    assert!(said(&top).contains("question q0 is not open any more"));
    assert_eq!(types(&mut top, "y"), []);
}

#[test]
fn what_is_typed_goes_on_when_the_question_goes_away() {
    let mut top = working();
    top.update(Input::Questions(run(), Ok(vec![question(0, "a.md")])));
    types(&mut top, "dyno, ");
    top.update(Input::Questions(run(), Ok(Vec::new())));
    // Else these letters would be keys.
    assert_eq!(types(&mut top, "pyq"), []);
    assert!(matches!(top.dialog, Some(Dialog::Editor(_))));
}

#[test]
fn pausing_and_cancelling_are_confirmed() {
    let cancel = |grade| {
        let why = "cancelled by a person".to_owned();
        Some(PersonInput::Cancel { grade, why })
    };
    assert_eq!(orders("pn"), None);
    assert_eq!(orders("py"), Some(PersonInput::Pause));
    assert_eq!(orders("cy"), None);
    assert_eq!(orders("csn"), None);
    assert_eq!(orders("cwy"), cancel(Grade::WrapUp));
    assert_eq!(orders("csy"), cancel(Grade::Stop));
    assert_eq!(orders("cway"), cancel(Grade::Abort));
}

#[test]
fn steering_is_for_the_task_or_the_whole_run() {
    let steer = |task: Option<&str>, text: &str| {
        Some(PersonInput::Steer {
            task: task.map(|task| TaskId::new(task).unwrap()),
            text: text.to_owned(),
        })
    };
    assert_eq!(orders("sUse German.\n"), steer(None, "Use German."));
    assert_eq!(orders("s\tno\n"), steer(Some("t1"), "no"));
    assert_eq!(orders("\tsno\n"), steer(Some("t1"), "no"));
    assert_eq!(orders("\ts\tno\n"), steer(None, "no"));
    assert_eq!(orders("s  \n"), None);
    assert_eq!(orders("sno\u{1b}"), None);
}

#[test]
fn a_run_that_is_over_takes_no_orders_and_one_that_stands_still_is_not_paused() {
    let over = vec![line(&run(), "not_achieved", false, "Write")];
    let mut top = looking((80, 24), over, &that_failed());
    for keys in ["p", "s", "c"] {
        assert_eq!(types(&mut top, keys), []);
        assert!(top.dialog.is_none() && said(&top).contains("is over (not achieved)"));
    }
    assert_eq!(types(&mut top, "a"), []);
    assert!(said(&top).contains("no question of run 1m85e0mas-mrxz is open"));
    let still = vec![line(&run(), "interrupted", false, "Write")];
    let mut top = looking((80, 24), still, &that_failed()[..8]);
    assert_eq!(types(&mut top, "p"), []);
    assert!(said(&top).contains("it stands still already"));
    let wishes = types(&mut top, "sno\n");
    assert!(ordered(&wishes).is_some());
}

#[test]
fn one_order_at_a_time_and_what_came_of_it_is_said() {
    let mut top = working();
    let wishes = types(&mut top, "py");
    let [Wish::Order(order)] = &wishes[..] else {
        panic!("{wishes:?}");
    };
    assert_eq!(types(&mut top, "csy"), []);
    assert!(said(&top).contains("still being given"));
    assert_eq!(types(&mut top, "q"), [], "it would be cut off");
    let order: Order = order.clone();
    let refused = Trouble("the run stands still already".to_owned());
    top.update(Input::Ordered(order.clone(), Err(refused)));
    assert_eq!(said(&top), "the run stands still already");
    types(&mut top, "py");
    let wishes = top.update(Input::Ordered(order, Ok(false)));
    assert_eq!(wishes, [Wish::List, Wish::Questions(run())]);
    assert!(said(&top).contains("it counts when the run goes on: leadhand resume 1m85e0mas-mrxz"));
}

//! What people order becomes facts, or is refused with what to do instead. An order is looked at
//! as a whole before any of it counts.

use crate::agent::{Agent, CallStatus};
use crate::calls;
use crate::decide::{Refusal, stop};
use crate::plan_edits;
use crate::roll_back;
use crate::run::Run;
use crate::watch;
use leadhand_policy::Policy;
use leadhand_protocol::{
    Answer, Ask, Budget, Event, Grade, OutcomeKind, PersonInput, Purpose, RequestId, SettingChange,
    TaskId,
};

pub(crate) fn decide(run: &Run, order: &PersonInput) -> Result<Vec<Event>, Refusal> {
    let ordered = || Event::PersonOrdered {
        order: Box::new(order.clone()),
    };
    if let PersonInput::RollBack { why } = order {
        roll_back::may_be_ordered(run)?;
        let why = format!("rolled back: {why}");
        return Ok(vec![ordered(), stop(OutcomeKind::Cancelled, why)]);
    }
    if let Some(outcome) = run.outcome().filter(|outcome| !outcome.kind.resumable()) {
        return Err(Refusal(format!(
            "the run is over ({}): start a new run, or fork this one where it should have gone \
             another way",
            in_words(outcome.kind)
        )));
    }
    match order {
        PersonInput::Answers {
            request,
            answer,
            shown,
        } => {
            let ask = open(run, *request)?;
            if shown.is_some_and(|shown| shown != ask.digest()) {
                return Err(Refusal(format!(
                    "question {request} is not what was shown any more: look at it again, then \
                     answer"
                )));
            }
            let mut events = vec![Event::PersonAnswered {
                request: *request,
                answer: answer.clone(),
                shown: *shown,
            }];
            events.extend(fitting(run, *request, ask, answer)?);
            Ok(events)
        }
        PersonInput::Absent { request } => Ok(absent(run, *request, ordered())),
        PersonInput::Pause => match &run.stop {
            None if run.outcome().is_none() => Ok(vec![
                ordered(),
                stop(OutcomeKind::Interrupted, "paused by a person".into()),
            ]),
            _ => Err(Refusal(
                "the run stands still already, or is about to: resume it when it is to go on"
                    .to_owned(),
            )),
        },
        PersonInput::Cancel { grade, why } => cancel(run, *grade, why, ordered()),
        PersonInput::Steer { task, text } => steer(run, task.as_ref(), text),
        PersonInput::EditPlan { edits } => {
            let mut events = vec![ordered()];
            events.extend(plan_edits::decide(run, edits)?);
            Ok(events)
        }
        PersonInput::Change(change) => {
            check_change(run, change)?;
            Ok(vec![ordered()])
        }
        // Taken care of above, since it also holds for runs that are over.
        PersonInput::RollBack { .. } => Ok(Vec::new()),
    }
}

/// Nobody answers: the run waits, and where it would only wait for a word on what was found, it
/// stops for that.
fn absent(run: &Run, request: RequestId, ordered: Event) -> Vec<Event> {
    let mut events = vec![ordered];
    match run.people.open.get(&request) {
        // Whoever was asked may be gone when somebody else has answered.
        None => return Vec::new(),
        Some(Ask::Finding { finding, .. }) => {
            events.extend(watch::stop_for(
                run,
                finding,
                "Nobody is there to say more.",
            ));
        }
        Some(Ask::Plan { .. } | Ask::Tool { .. } | Ask::Outcome { .. } | Ask::Task { .. }) => {
            let why =
                format!("question {request} waits for a person and nobody is there to answer");
            events.push(stop(OutcomeKind::WaitingForPerson, why));
        }
    }
    events
}

pub(crate) fn in_words(kind: OutcomeKind) -> String {
    let name = serde_json::to_value(kind).unwrap_or_default();
    name.as_str().unwrap_or_default().replace('_', " ")
}

fn open(run: &Run, request: RequestId) -> Result<&Ask, Refusal> {
    run.people.open.get(&request).ok_or_else(|| {
        let open: Vec<String> = run.people.open.keys().map(ToString::to_string).collect();
        let open = if open.is_empty() {
            "no question is open".to_owned()
        } else {
            format!("open is {}", open.join(", "))
        };
        Refusal(format!(
            "question {request} is not open: it was answered, or what it was about is gone; {open}"
        ))
    })
}

/// What follows from an answer beside its being on record.
fn fitting(
    run: &Run,
    request: RequestId,
    ask: &Ask,
    answer: &Answer,
) -> Result<Vec<Event>, Refusal> {
    let unfit = |about: &str, fit: &str| {
        Err(Refusal(format!(
            "question {request} is {about}: it is answered with {fit}"
        )))
    };
    match (ask, answer) {
        (Ask::Tool { call, .. }, Answer::AllowEdited { arguments }) => {
            let agent = run.agents.get(&call.agent);
            let pending = agent
                .and_then(|agent| Some((agent, agent.calls().iter().find(|p| p.id == *call)?)));
            let Some((agent, pending)) = pending else {
                return Err(Refusal(format!("the call {call} is gone")));
            };
            calls::edited(run, agent, pending, arguments)
                .map(|event| vec![event])
                .map_err(|why| Refusal(format!("the call cannot be made so: {why}")))
        }
        (Ask::Tool { .. }, Answer::Allow | Answer::AllowFor { .. } | Answer::Deny { .. })
        | (Ask::Plan { .. } | Ask::Task { .. }, Answer::Allow | Answer::Deny { .. })
        | (Ask::Outcome { .. }, Answer::TookEffect { .. } | Answer::Repeat | Answer::Deny { .. }) => {
            Ok(Vec::new())
        }
        (Ask::Finding { .. }, Answer::Allow) => Ok(Vec::new()),
        (Ask::Finding { finding, .. }, Answer::Steer { text }) => {
            Ok(watch::steered(finding, text).into_iter().collect())
        }
        (Ask::Finding { finding, .. }, Answer::Deny { reason }) => {
            let because = format!("A person said no: {reason}");
            Ok(watch::stop_for(run, finding, &because))
        }
        (Ask::Finding { .. }, _) => unfit(
            "whether an agent may go on",
            "yes, with what it is to know, or with no",
        ),
        (Ask::Tool { .. }, _) => unfit("whether a call may be made", "yes or no"),
        (Ask::Plan { .. }, _) => unfit("whether a plan may be carried out", "yes or no"),
        (Ask::Task { .. }, _) => unfit("whether a task may begin", "yes or no"),
        (Ask::Outcome { .. }, _) => unfit(
            "whether a call took effect",
            "what it gave, with `again` if it did not, or with no if nobody knows",
        ),
    }
}

/// A person may tighten how a run is cancelled, not loosen it.
fn cancel(run: &Run, grade: Grade, why: &str, ordered: Event) -> Result<Vec<Event>, Refusal> {
    let already = run
        .stop
        .as_ref()
        .filter(|stop| stop.kind == OutcomeKind::Cancelled);
    if already.is_some_and(|stop| stop.grade >= grade) {
        return Err(Refusal("the run is being cancelled already".to_owned()));
    }
    Ok(vec![
        ordered,
        Event::StopOrdered {
            kind: OutcomeKind::Cancelled,
            why: why.to_owned(),
            grade,
        },
    ])
}

fn steer(run: &Run, task: Option<&TaskId>, text: &str) -> Result<Vec<Event>, Refusal> {
    if let Some(task) = task {
        plan_edits::known(run, task)?;
    }
    let mut events = vec![Event::Steered {
        task: task.cloned(),
        text: text.to_owned(),
    }];
    let concerned = run
        .agents
        .values()
        .filter(|agent| match (&agent.purpose, task) {
            (Purpose::Task(own), Some(task)) => own == task,
            (Purpose::RollBack, _) | (_, Some(_)) => false,
            (_, None) => true,
        });
    events.extend(concerned.map(|agent| Event::Told {
        agent: agent.id,
        fault: false,
        text: format!("The person you work for says: {text}"),
    }));
    Ok(events)
}

fn check_change(run: &Run, change: &SettingChange) -> Result<(), Refusal> {
    let start = &run.started().start;
    if let Some(fault) = budget_fault(&change.budget) {
        return Err(Refusal(fault));
    }
    let named = change.models.keys().chain(change.prompts.keys());
    for role in named.filter(|role| *role != "*") {
        if run.started().role(role).is_none() {
            let roles: Vec<&str> = start.roles.iter().map(|role| role.name.as_str()).collect();
            return Err(Refusal(format!(
                "there is no role `{role}` in this run: there is {}",
                roles.join(", ")
            )));
        }
    }
    if change.prompts.contains_key("*") {
        return Err(Refusal("a prompt is of one role: name the role".to_owned()));
    }
    if let Some(policy) = &change.policy {
        Policy::new(&policy.rules)
            .map_err(|error| Refusal(format!("the rules cannot be used: {error}")))?;
    }
    Ok(())
}

/// What is wrong with a budget: a bound of nothing is an oversight, not a wish.
pub(crate) fn budget_fault(budget: &Budget) -> Option<String> {
    let bounds = [
        ("tokens", budget.tokens_max),
        ("money", budget.micro_usd_max),
        ("tool calls", budget.tool_calls_max),
        ("seconds", budget.seconds_max),
        ("turns", budget.turns_max),
        ("agents", budget.agents_max),
    ];
    let (what, _) = bounds.into_iter().find(|(_, max)| *max == Some(0))?;
    Some(format!(
        "the budget of {what} is zero, with which nothing can be done: give one above zero, or none"
    ))
}

impl Run {
    /// Whether a call of this agent is one whose outcome a person is asked for.
    pub(crate) fn is_in_doubt(&self, status: &CallStatus) -> bool {
        match status {
            CallStatus::InDoubt { .. } | CallStatus::Probing { .. } => true,
            CallStatus::Asked(request) => {
                matches!(self.people.open.get(request), Some(Ask::Outcome { .. }))
            }
            _ => false,
        }
    }

    /// All calls in doubt.
    pub(crate) fn in_doubt(&self) -> impl Iterator<Item = &crate::agent::PendingCall> {
        self.agents
            .values()
            .flat_map(Agent::calls)
            .filter(|call| self.is_in_doubt(&call.status))
    }
}

//! What may be spent: set aside before a call, so that workers cannot overspend together; turns
//! that cost nothing, agents, tool calls and time.

use crate::world::{World, call, check, replays, start, task, text};
use leadhand_protocol::{
    Budget, Goal, Input, ModelFault, ModelReply, OutcomeKind, PersonInput, Plan, Price,
    SettingChange, Start, Task, Usage,
};
use serde_json::json;
use std::ops::Range;
use std::sync::Arc;

fn working(tasks: Vec<Task>, budget: Budget) -> Start {
    let mut goal = Goal::new("Go.");
    goal.budget = budget;
    let plan = Plan {
        answer: tasks.last().map(|task| task.id.clone()),
        tasks,
    };
    let mut start = start(goal, Some(plan), &[]);
    // A prompt of these roles has about 60 bytes, which are taken for 30 tokens and the frame.
    start.limits.output_tokens_per_turn_max = 1_000;
    start
}

fn costing(said: &str, input_tokens: u64, output_tokens: u64) -> Result<ModelReply, ModelFault> {
    text(said).map(|reply| ModelReply {
        usage: Usage {
            input_tokens,
            output_tokens,
            ..Usage::default()
        },
        ..reply
    })
}

fn tokens(max: u64) -> Budget {
    Budget {
        tokens_max: Some(max),
        ..Budget::default()
    }
}

#[test]
fn workers_at_once_cannot_overspend_together() {
    let mut world = World::new([costing("one", 40, 900), costing("two", 40, 200)]);
    let tasks = vec![task("t", "writer"), task("u", "writer")];
    world.give(Input::Start(Arc::new(working(tasks, tokens(1_300)))));
    let calls = |world: &World| format!("{:?}", world.pending).matches("CallModel").count();
    // Beside the first, too little is left for a reply; once it has cost less than was set
    // aside, there is enough.
    assert_eq!(calls(&world), 1, "only one of two workers may think");
    world.carry_on();
    assert_eq!(world.kind(), OutcomeKind::Done);
    assert_eq!(world.run.spent().usage.total(), 1_180);
}

#[test]
fn a_reply_is_kept_as_short_as_what_is_left() {
    let mut world = World::new([]);
    let mut start = working(vec![task("t", "writer")], Budget::default());
    start.goal.budget.micro_usd_max = Some(5_000);
    start.default_model = "m".into();
    let price = Price {
        input_micro_usd: 1_000_000,
        cached_micro_usd: None,
        output_micro_usd: 10_000_000,
    };
    start.prices.insert("m".into(), price);
    world.give(Input::Start(Arc::new(start)));
    let asked = world.pending.iter().find_map(|action| match action {
        leadhand_protocol::Action::CallModel { request, .. } => Some(request.output_tokens_max),
        _ => None,
    });
    let output = u64::from(asked.unwrap());
    assert!((400..500).contains(&output), "{output} tokens");
}

/// How long a reply may be that a run asks for again whose process died at its first turn, after
/// a change; and how many turns are counted.
fn asked_again(budget: Budget, change: SettingChange) -> (Vec<u32>, u64) {
    let mut world = World::new([]);
    let mut start = working(vec![task("t", "writer")], budget);
    start.default_model = "m".into();
    start.prices.insert("m".into(), writing(8_000_000));
    world.give(Input::Start(Arc::new(start)));
    world.order(PersonInput::Change(Box::new(change))).unwrap();
    world.crash_and_resume();
    replays(&world.journal);
    let calls = world.pending.iter().filter_map(|action| match action {
        leadhand_protocol::Action::CallModel { request, .. } => Some(request.output_tokens_max),
        _ => None,
    });
    (calls.collect(), world.run.spent().turns)
}

/// So much for a million tokens of replies.
fn writing(micro_usd: u64) -> Price {
    Price {
        output_micro_usd: micro_usd,
        ..Price::default()
    }
}

#[test]
fn a_turn_that_was_at_work_is_taken_again_at_the_prices_that_hold_now() {
    let priced = |name: &str, micro_usd: u64, default: Option<&str>| SettingChange {
        prices: [(name.to_owned(), writing(micro_usd))].into(),
        default_model: default.map(str::to_owned),
        ..SettingChange::default()
    };
    let nothing = SettingChange::default;
    let bounded = SettingChange {
        budget: tokens(500),
        ..nothing()
    };
    let money = Budget {
        micro_usd_max: Some(5_000),
        ..Budget::default()
    };
    let case = |budget: Budget, change: SettingChange, asked: Range<u32>, turns: u64| {
        let seen = asked_again(budget, change.clone());
        let fits = seen.0.iter().all(|tokens| asked.contains(tokens));
        let calls = usize::from(!asked.is_empty());
        assert!(fits && seen.0.len() == calls, "{change:?}: {seen:?}");
        assert_eq!(seen.1, turns, "{change:?}");
    };
    // Five thousandths of a dollar are 625 tokens, then 500, 312, or too few for a reply.
    case(money, nothing(), 600..626, 1);
    case(money, priced("m", 4_000_000, None), 600..626, 1);
    case(money, priced("n", 90_000_000, None), 600..626, 1);
    case(money, priced("m", 10_000_000, None), 450..501, 2);
    case(money, priced("n", 16_000_000, Some("n")), 280..313, 2);
    case(money, priced("m", 90_000_000, None), 0..0, 1);
    // Nothing was set aside where nothing was bounded.
    case(Budget::default(), nothing(), 1_000..1_001, 1);
    case(Budget::default(), bounded, 300..500, 2);
}

#[test]
fn what_does_not_fit_stops_the_run_which_goes_on_with_a_larger_budget() {
    let mut world = World::new([costing("one", 40, 900), costing("two", 40, 900)]);
    let mut second = task("u", "writer");
    second.depends_on = vec![task("t", "writer").id];
    let tasks = vec![task("t", "writer"), second];
    world = world.go(working(tasks, tokens(1_100)));
    check(
        &world,
        "
        plan 0: t u
        a0 writer starts: task t attempt 1
        t done
        a1 writer starts: task u attempt 1
        stop: BudgetSpent Stop
        suspended: BudgetSpent",
    );
    assert_eq!(world.outcome.as_ref().unwrap().usage.total(), 940);
    let change = SettingChange {
        budget: tokens(4_000),
        ..SettingChange::default()
    };
    world.order(PersonInput::Change(Box::new(change))).unwrap();
    world.crash_and_resume();
    world.carry_on();
    assert_eq!(world.kind(), OutcomeKind::Done);
}

#[test]
fn turns_that_cost_nothing_and_agents_count() {
    let case = |budget: Budget, why: &str, turns: u64| {
        let mut second = task("u", "writer");
        second.depends_on = vec![task("t", "writer").id];
        let tasks = vec![task("t", "writer"), second];
        let world = World::new([text("one"), text("two")]).go(working(tasks, budget));
        let outcome = world.outcome.unwrap();
        assert_eq!(
            (outcome.kind, outcome.why.as_str(), outcome.turns),
            (OutcomeKind::BudgetSpent, why, turns)
        );
    };
    let turns = Budget {
        turns_max: Some(1),
        ..Budget::default()
    };
    case(turns, "1 turns are taken", 1);
    let agents = Budget {
        agents_max: Some(1),
        ..Budget::default()
    };
    case(
        agents,
        "1 agents were started, and another one is needed",
        1,
    );
}

#[test]
fn a_tool_call_that_the_budget_does_not_allow_is_made_when_it_does() {
    let read = || call("read_file", json!({"path": "a"}));
    let mut world = World::new([read(), text("It says a.")]).file("a", "a");
    let budget = Budget {
        tool_calls_max: Some(1),
        ..Budget::default()
    };
    let mut start = working(vec![task("t", "writer")], budget);
    let plan = Arc::make_mut(start.plan.as_mut().unwrap());
    plan.tasks[0].inputs = vec![leadhand_protocol::TaskInput {
        name: "a".into(),
        from: leadhand_protocol::TaskSource::File("a".into()),
        schema: None,
    }];
    Arc::make_mut(&mut start.roles)[1].tools = vec!["read_file".into()];
    Arc::make_mut(start.plan.as_mut().unwrap()).tasks[0].writes = vec!["out/**".into()];
    world = world.go(start);
    assert_eq!(world.kind(), OutcomeKind::BudgetSpent);
    assert_eq!(world.run.spent().tool_calls, 1);
    let change = SettingChange {
        budget: Budget {
            tool_calls_max: Some(3),
            ..Budget::default()
        },
        ..SettingChange::default()
    };
    world.order(PersonInput::Change(Box::new(change))).unwrap();
    world.crash_and_resume();
    world.carry_on();
    assert_eq!(world.kind(), OutcomeKind::Done);
}

#[test]
fn only_time_at_work_counts_and_a_task_has_its_own() {
    let seconds = |max: u64| Budget {
        seconds_max: Some(max),
        ..Budget::default()
    };
    let mut slow = task("t", "writer");
    slow.budget = seconds(5);
    let mut world = World::new([text("late"), text("two")]);
    world.give(Input::Start(Arc::new(working(
        vec![slow, task("u", "writer")],
        seconds(60),
    ))));
    assert_eq!(world.run.left_ms(world.at_ms), Some(5_000));
    // The process is dead for an hour; what was begun is begun again.
    world.at_ms = 3_600_000;
    world.crash_and_resume();
    assert_eq!(world.run.left_ms(world.at_ms), Some(5_000));
    world.at_ms += 4_999;
    assert!(world.take(Input::TimeUp).is_empty(), "it is not up");
    assert_eq!(world.run.left_ms(world.at_ms), Some(1));
    world.at_ms += 1;
    world.give(Input::TimeUp);
    assert_eq!(world.run.left_ms(world.at_ms), Some(55_000));
    let why = world.run.task(&task("t", "writer").id).unwrap();
    assert_eq!(
        why.failure.as_deref(),
        Some("the 5 seconds that the task may take are over")
    );
    world.at_ms += 55_000;
    world.give(Input::TimeUp);
    world
        .pending
        .retain(|action| matches!(action, leadhand_protocol::Action::Finish(_)));
    world.carry_on();
    assert_eq!(world.kind(), OutcomeKind::BudgetSpent);
}

#[test]
fn a_person_is_shown_what_a_plan_may_cost() {
    let mut start = working(vec![task("t", "writer")], tokens(5_000));
    start.goal.autonomy = leadhand_protocol::Autonomy::L2;
    start.limits.turns_per_agent_max = 2;
    start.limits.task_attempts_max = 1;
    let mut world = World::new([]);
    world.give(Input::Start(Arc::new(start)));
    let forecast = world.run.questions().values().find_map(|ask| match ask {
        leadhand_protocol::Ask::Plan { forecast, .. } => Some(*forecast),
        _ => None,
    });
    let forecast = forecast.unwrap();
    assert_eq!((forecast.turns_min, forecast.turns_max), (1, 2));
    assert!((40..100).contains(&forecast.tokens_min), "{forecast:?}");
    assert_eq!(forecast.tokens_max, 5_000);
}

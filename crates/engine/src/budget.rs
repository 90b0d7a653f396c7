//! What may be spent, as a tree: the run, the task, the agent. A model call is made only when
//! what it may cost fits at every level beside what others have set aside; what it did cost takes
//! the place of that. Calls that cost nothing count as turns all the same.

use crate::agent::Agent;
use crate::brief;
use crate::decide::stop;
use crate::run::{Run, Spent};
use crate::turn::{fail_task, give_up};
use leadhand_protocol::{
    Budget, ChatMessage, Event, Forecast, OutcomeKind, Plan, Price, Purpose, Reservation, Task,
    TaskId, Usage,
};

/// Tokens that a byte of a prompt is taken for before any reply has told, in thousandths: more
/// than texts of most languages and code need.
const TOKENS_PER_BYTE_MILLI: u64 = 334;
/// By how much more than measured a byte is taken for from then on, in hundredths.
const MARGIN_PERCENT: u64 = 125;
/// A byte is never more than one token of the usual tokenizers.
const TOKENS_PER_BYTE_MILLI_MAX: u64 = 1_000;
/// Tokens that frame one entry of a prompt.
const TOKENS_PER_ENTRY: u64 = 16;
/// A reply that could not be this long is not asked for, in tokens.
const OUTPUT_TOKENS_MIN: u64 = 256;

/// Whether a turn may be taken.
pub(crate) enum Admission {
    /// It may; none where nothing bounds tokens or money.
    Granted(Option<Reservation>),
    /// Others have set aside what it would need, and may not need all of it.
    Wait,
    /// The budget of the agent is spent.
    AgentSpent(String),
    /// The budget of its task is spent.
    TaskSpent(TaskId, String),
    /// The budget of the run is spent.
    RunSpent(String),
}

impl Admission {
    /// What happens in place of what an agent wanted; `None` where it may have it.
    pub(crate) fn instead(self, run: &Run, agent: &Agent) -> Option<Vec<Event>> {
        Some(match self {
            Self::Granted(_) => return None,
            Self::Wait => Vec::new(),
            Self::RunSpent(why) => vec![stop(OutcomeKind::BudgetSpent, why)],
            Self::TaskSpent(task, why) => {
                let why = format!("the task's own budget does not allow more: {why}");
                if agent.task() == Some(&task) {
                    fail_task(agent, task, why)
                } else {
                    give_up(run, agent, &why)
                }
            }
            Self::AgentSpent(why) => {
                let why = format!("the budget of an agent of its role does not allow more: {why}");
                give_up(run, agent, &why)
            }
        })
    }
}

/// A level of the tree, as it bounds one agent's next turn.
struct Level<'a> {
    budget: &'a Budget,
    spent: Spent,
    /// What others below it have set aside.
    set_aside: Reservation,
    admission: Box<dyn Fn(String) -> Admission + 'a>,
}

/// Whether an agent may take its next turn, and what is set aside for it.
pub(crate) fn admit(run: &Run, agent: &Agent) -> Admission {
    if run.task_time_over(agent, run.at_work.ms).is_none() && is_free(run, agent) {
        return Admission::Granted(None);
    }
    let levels = levels(run, agent);
    for level in &levels {
        if let Some(why) = level.spent.over(level.budget) {
            return (level.admission)(why);
        }
    }
    if let Some((task, why)) = run.task_time_over(agent, run.at_work.ms) {
        return Admission::TaskSpent(task, why);
    }
    if levels.iter().all(|level| !is_bounded(level.budget)) {
        return Admission::Granted(None);
    }
    let input_bytes = prompt_bytes(agent);
    let input = tokens_of(run, input_bytes, agent.prompt().len());
    let price = run.dearest(&agent.equipment.models);
    let own = u64::from(agent.equipment.output_tokens_max);
    let mut output = own;
    for level in &levels {
        let room = room(level, input, &price);
        if room < OUTPUT_TOKENS_MIN.min(own) {
            if level.set_aside.tokens > 0 {
                return Admission::Wait;
            }
            let why = format!(
                "the next call of a model may take {input} tokens of prompt and more of reply, and \
                 so much is not left"
            );
            return (level.admission)(why);
        }
        output = output.min(room);
    }
    let usage = Usage {
        input_tokens: input,
        output_tokens: output,
        ..Usage::default()
    };
    Admission::Granted(Some(Reservation {
        input_bytes,
        tokens: usage.total(),
        micro_usd: price.of(usage),
        output_tokens_max: u32::try_from(output).unwrap_or(u32::MAX),
    }))
}

/// Whether what is set aside for the turn of an agent is all that the turn may cost, under the
/// budgets and prices that hold now.
pub(crate) fn is_covered(run: &Run, agent: &Agent) -> bool {
    let Some(reserved) = agent.reserved else {
        let levels = levels(run, agent);
        return levels.iter().all(|level| !is_bounded(level.budget));
    };
    let output = u64::from(reserved.output_tokens_max);
    let usage = Usage {
        input_tokens: reserved.tokens.saturating_sub(output),
        output_tokens: output,
        ..Usage::default()
    };
    run.dearest(&agent.equipment.models).of(usage) <= reserved.micro_usd
}

/// Whether nothing bounds what an agent may spend.
fn is_free(run: &Run, agent: &Agent) -> bool {
    let task = charged(&agent.purpose).and_then(|id| run.graph()?.task(id));
    let role = run.started().role(&agent.role);
    let of_task = task.map(|task| &task.budget);
    let mut budgets = [
        Some(&run.started().start.goal.budget),
        of_task,
        role.map(|role| &role.budget),
    ]
    .into_iter()
    .flatten();
    budgets.all(|budget| *budget == Budget::default())
}

fn levels<'a>(run: &'a Run, agent: &'a Agent) -> Vec<Level<'a>> {
    let mut levels = vec![Level {
        budget: &run.started().start.goal.budget,
        spent: run.spent,
        set_aside: run.set_aside(|_| true),
        admission: Box::new(Admission::RunSpent),
    }];
    if let Some(id) = charged(&agent.purpose)
        && let Some(task) = run.graph().and_then(|graph| graph.task(id))
    {
        levels.push(Level {
            budget: &task.budget,
            spent: run
                .task(id)
                .map_or_else(Spent::default, |record| record.spent),
            set_aside: run.set_aside(|other| charged(&other.purpose) == Some(id)),
            admission: Box::new(|why| Admission::TaskSpent(id.clone(), why)),
        });
    }
    if let Some(role) = run.started().role(&agent.role) {
        levels.push(Level {
            budget: &role.budget,
            spent: agent.spent,
            set_aside: Reservation::default(),
            admission: Box::new(Admission::AgentSpent),
        });
    }
    levels
}

/// The task that an agent's spending is charged to.
pub(crate) fn charged(purpose: &Purpose) -> Option<&TaskId> {
    match purpose {
        Purpose::Task(id)
        | Purpose::Judge { task: Some(id), .. }
        | Purpose::Drift { task: id, .. } => Some(id),
        Purpose::Plan
        | Purpose::Revise
        | Purpose::Judge { task: None, .. }
        | Purpose::Answer
        | Purpose::Reply { .. }
        | Purpose::RollBack => None,
    }
}

fn is_bounded(budget: &Budget) -> bool {
    budget.tokens_max.is_some() || budget.micro_usd_max.is_some()
}

/// How long a reply can be paid for at a level, in tokens, beside a prompt of `input` tokens.
fn room(level: &Level<'_>, input: u64, price: &Price) -> u64 {
    let left = |max: Option<u64>, spent: u64, set_aside: u64| {
        max.map(|max| max.saturating_sub(spent).saturating_sub(set_aside))
    };
    let spent = &level.spent;
    let tokens = left(
        level.budget.tokens_max,
        spent.usage.total(),
        level.set_aside.tokens,
    )
    .map_or(u64::MAX, |left| left.saturating_sub(input));
    let prompt = Usage {
        input_tokens: input,
        ..Usage::default()
    };
    let money = left(
        level.budget.micro_usd_max,
        spent.micro_usd,
        level.set_aside.micro_usd,
    )
    .map_or(u64::MAX, |left| {
        let left = left.saturating_sub(price.of(prompt));
        match u128::from(price.output_micro_usd) {
            0 if left == 0 && price.input_micro_usd > 0 => 0,
            0 => u64::MAX,
            each => u64::try_from(u128::from(left) * 1_000_000 / each).unwrap_or(u64::MAX),
        }
    });
    tokens.min(money)
}

/// Bytes of all that a model is sent.
fn prompt_bytes(agent: &Agent) -> u64 {
    let of_entry = |entry: &ChatMessage| {
        let calls = match entry {
            ChatMessage::Assistant { tool_calls, .. } => tool_calls.as_slice(),
            _ => &[],
        };
        let calls: usize = calls
            .iter()
            .map(|call| call.name.len() + call.arguments.to_string().len())
            .sum();
        entry.text().len() + calls
    };
    let entries: usize = agent.prompt().map(|entry| of_entry(entry)).sum();
    (entries + agent.equipment.tool_bytes()) as u64
}

fn tokens_of(run: &Run, bytes: u64, entries: usize) -> u64 {
    let milli = match run.tokens_per_byte_milli {
        0 => TOKENS_PER_BYTE_MILLI,
        measured => (measured * MARGIN_PERCENT)
            .div_ceil(100)
            .min(TOKENS_PER_BYTE_MILLI_MAX),
    };
    bytes.saturating_mul(milli).div_ceil(1_000) + entries as u64 * TOKENS_PER_ENTRY
}

/// Facts that would start more agents than the budget allows give way to stopping.
pub(crate) fn within_agents(run: &Run, events: Vec<Event>) -> Vec<Event> {
    let Some(max) = run.started().start.goal.budget.agents_max else {
        return events;
    };
    let starts = |event: &&Event| matches!(event, Event::AgentStarted { .. });
    let starting = events.iter().filter(starts).count() as u64;
    if starting == 0 || u64::from(run.agents_started) + starting <= max {
        return events;
    }
    let why = format!("{max} agents were started, and another one is needed");
    vec![stop(OutcomeKind::BudgetSpent, why)]
}

/// What happens in place of `count` more tool calls of an agent, when the budget does not allow
/// them: at the level of the run it stops, and makes them when it goes on with a larger budget.
pub(crate) fn instead_of_calls(run: &Run, agent: &Agent, count: usize) -> Option<Vec<Event>> {
    if is_free(run, agent) {
        return None;
    }
    let denied = levels(run, agent).iter().find_map(|level| {
        let max = level.budget.tool_calls_max?;
        let left = max.saturating_sub(level.spent.tool_calls);
        (left < count as u64).then(|| {
            let why = format!(
                "{} tool calls are made, {count} more are wanted and {max} are allowed",
                level.spent.tool_calls
            );
            (level.admission)(why)
        })
    })?;
    denied.instead(run, agent)
}

/// What a plan may cost, from one turn for each task to all that the bounds allow.
pub(crate) fn forecast(run: &Run, plan: &Plan) -> Forecast {
    let setting = run.started();
    let limits = &setting.start.limits;
    let mut whole = Forecast::default();
    for task in plan.tasks.iter().filter(|task| task.call.is_none()) {
        let Some(role) = setting.role(&task.role) else {
            continue;
        };
        let price = run.dearest(&role.models);
        let own =
            |value: u32, limit: u32| u64::from(if value == 0 { limit } else { value.min(limit) });
        let turns = own(role.turns_max, limits.turns_per_agent_max);
        let output = own(role.output_tokens_max, limits.output_tokens_per_turn_max);
        let first = tokens_of(run, opening_bytes(run, task), 2);
        // Each turn adds a reply and what its tools gave to the prompt of the next.
        let grown = output + tokens_of(run, limits.tool_result_chars_max as u64, 1);
        let attempts = u64::from(limits.task_attempts_max.max(1));
        let at_most = Usage {
            input_tokens: attempts * (turns * first + grown * turns * turns.saturating_sub(1) / 2),
            output_tokens: attempts * turns * output,
            ..Usage::default()
        };
        let at_least = Usage {
            input_tokens: first,
            ..Usage::default()
        };
        whole.turns_min += 1;
        whole.turns_max += attempts * turns;
        whole.tokens_min += at_least.total();
        whole.tokens_max += bounded(at_most.total(), task.budget.tokens_max);
        whole.micro_usd_min += price.of(at_least);
        whole.micro_usd_max += bounded(price.of(at_most), task.budget.micro_usd_max);
    }
    let budget = &setting.start.goal.budget;
    whole.tokens_max = bounded(whole.tokens_max, budget.tokens_max);
    whole.micro_usd_max = bounded(whole.micro_usd_max, budget.micro_usd_max);
    whole.turns_max = bounded(whole.turns_max, budget.turns_max);
    whole
}

fn bounded(amount: u64, max: Option<u64>) -> u64 {
    max.map_or(amount, |max| amount.min(max))
}

fn opening_bytes(run: &Run, task: &Task) -> u64 {
    let opening = brief::opening(run, task, 1).unwrap_or_default();
    let system = run.started().system(&task.role);
    (system.text().len() + opening.len()) as u64
}

impl Run {
    /// What agents at work have set aside.
    fn set_aside(&self, is_meant: impl Fn(&Agent) -> bool) -> Reservation {
        let mut sum = Reservation::default();
        let reserved = self
            .agents
            .values()
            .filter(|agent| is_meant(agent))
            .filter_map(|agent| agent.reserved);
        for one in reserved {
            sum.tokens = sum.tokens.saturating_add(one.tokens);
            sum.micro_usd = sum.micro_usd.saturating_add(one.micro_usd);
        }
        sum
    }

    /// The dearest of these models; the default where none is named.
    fn dearest(&self, models: &[String]) -> Price {
        let start = &self.started().start;
        let default = std::slice::from_ref(&start.default_model);
        let named = if models.is_empty() { default } else { models };
        let prices = named.iter().filter_map(|name| start.prices.get(name));
        prices.fold(Price::default(), |dearest, price| Price {
            input_micro_usd: dearest.input_micro_usd.max(price.input_micro_usd),
            cached_micro_usd: None,
            output_micro_usd: dearest.output_micro_usd.max(price.output_micro_usd),
        })
    }

    /// Counts what an agent spends, for itself, its task and the run.
    pub(crate) fn spend(&mut self, id: leadhand_protocol::AgentId, count: impl Fn(&mut Spent)) {
        count(&mut self.spent);
        let Some(agent) = self.agents.get_mut(&id) else {
            return;
        };
        count(&mut agent.spent);
        if let Some(task) = charged(&agent.purpose).cloned() {
            count(&mut self.tasks.entry(task).or_default().spent);
        }
    }

    /// Measures how many tokens a byte is for the models of this run.
    pub(crate) fn measure_tokens(&mut self, reserved: Option<Reservation>, usage: Usage) {
        if let Some(bytes) = reserved.map(|it| it.input_bytes).filter(|bytes| *bytes > 0) {
            let milli = usage.input_tokens.saturating_mul(1_000).div_ceil(bytes);
            self.tokens_per_byte_milli = self.tokens_per_byte_milli.max(milli);
        }
    }
}

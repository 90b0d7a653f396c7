//! The entry of the library: goals in, runs out. All that can be asked of it is in one file, with
//! its examples.

use crate::builder::Builder;
use crate::error::Error;
use crate::goal_faults::goal_faults;
use crate::listing::relevant;
use crate::run::{Run, Typed, publishing};
use crate::run_id::fresh;
use leadhand_agents::{Notice, Roster};
use leadhand_journal::Journal;
use leadhand_model::ModelSet;
use leadhand_protocol::coordination::PrimitiveName;
use leadhand_protocol::{
    Approval, Goal, Grant, Limits, Outcome, OutcomeKind, PathLabel, PersonInput, Plan, Price, Role,
    Rule, RunId, Seq, Start, ToolSpec,
};
use leadhand_runtime::{Control, Forked, Observer, Runtime, control, is_run_tool};
use leadhand_task_graph::{Known, validate};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

/// Characters of a wrong answer that an error shows.
const ANSWER_CHARS_SHOWN_MAX: usize = 300;

/// Files of the workspace that are looked at for a goal or a pattern.
pub(crate) const FILES_LOOKED_AT_MAX: usize = 50_000;

/// Carries out goals. Cheap to clone; runs of one `Leadhand` go on side by side.
#[derive(Clone)]
pub struct Leadhand {
    pub(crate) parts: Arc<Parts>,
    pub(crate) runtime: Runtime,
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Parts {
    pub(crate) workspace: PathBuf,
    pub(crate) instructions: String,
    pub(crate) message_types: Vec<leadhand_protocol::MessageType>,
    pub(crate) roster: Roster,
    pub(crate) notices: Vec<Notice>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) grants: Vec<Grant>,
    pub(crate) approvals: Vec<Approval>,
    pub(crate) labels: Vec<PathLabel>,
    pub(crate) limits: Limits,
    pub(crate) permits: BTreeMap<PrimitiveName, u32>,
    pub(crate) seed: u64,
    pub(crate) observer: Option<Observer>,
    #[cfg(feature = "telemetry")]
    pub(crate) telemetry: Option<Arc<leadhand_telemetry::Telemetry>>,
}

/// Lists that are the same for all runs, made for the first of them: thousands may be at work.
#[derive(Default)]
pub(crate) struct Shared {
    roles: OnceLock<Arc<Vec<Role>>>,
    /// The tools of runs whose plan names none of the run's own.
    tools: OnceLock<Arc<Vec<ToolSpec>>>,
}

impl Leadhand {
    /// Begins to put one together.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Carries out a goal to its outcome.
    ///
    /// # Errors
    /// See [`Leadhand::start`], and [`Error::Runtime`] when the journal fails.
    pub async fn run(&self, goal: impl Into<Goal>) -> Result<Outcome, Error> {
        self.start(goal)?.await
    }

    /// Carries out a goal whose answer is a value of your own type.
    ///
    /// ```no_run
    /// # async fn example(leadhand: leadhand::Leadhand) -> Result<(), leadhand::Error> {
    /// #[derive(serde::Deserialize, schemars::JsonSchema)]
    /// struct Invoice { number: String, total_cents: u64 }
    /// let invoice = leadhand.run_typed::<Invoice>("Read invoice.txt.").await?.value;
    /// println!("{}: {}", invoice.number, invoice.total_cents);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Leadhand::run`]; [`Error::NotAchieved`] with the outcome's reason, and
    /// [`Error::Untyped`] when the answer fits the schema but not the type.
    pub async fn run_typed<T: JsonSchema + DeserializeOwned>(
        &self,
        goal: impl Into<Goal>,
    ) -> Result<Typed<T>, Error> {
        let mut goal = goal.into();
        goal.output_schema = Some(schemars::schema_for!(T).to_value());
        let outcome = self.run(goal).await?;
        if outcome.kind != OutcomeKind::Done {
            return Err(Error::NotAchieved { why: outcome.why });
        }
        match serde_json::from_str(&outcome.answer) {
            Ok(value) => Ok(Typed { value, outcome }),
            Err(error) => Err(Error::Untyped {
                why: error.to_string(),
                answer: outcome
                    .answer
                    .chars()
                    .take(ANSWER_CHARS_SHOWN_MAX)
                    .collect(),
            }),
        }
    }

    /// Prepares a run of a goal, planned by the manager.
    ///
    /// # Errors
    /// [`Error::GoalEmpty`], [`Error::GoalTooLong`], [`Error::GoalUncheckable`],
    /// [`Error::GoalFileMissing`], [`Error::Listing`].
    pub fn start(&self, goal: impl Into<Goal>) -> Result<Run, Error> {
        self.prepare(goal.into(), None)
    }

    /// Prepares a run of a goal with a ready plan.
    ///
    /// # Errors
    /// As [`Leadhand::start`], and [`Error::Plan`] with all faults of the plan.
    pub fn start_plan(&self, goal: impl Into<Goal>, plan: Plan) -> Result<Run, Error> {
        let tools = self.tools();
        let known = Known {
            roles: self
                .parts
                .roster
                .workers()
                .map(|role| role.name.as_str())
                .collect(),
            tools: tools.iter().map(|tool| tool.name.as_str()).collect(),
        };
        let faults = validate(&plan, &known, self.limits());
        if faults.is_empty() {
            return self.prepare(goal.into(), Some(plan));
        }
        let faults = faults
            .into_iter()
            .map(|fault| format!("{} {}", fault.at, fault.message));
        Err(Error::Plan {
            faults: faults.collect(),
        })
    }

    /// Prepares to take up a run that stopped, from the journal. What the journal has against it
    /// comes when the run is awaited.
    pub fn resume(&self, id: &RunId) -> Run {
        self.resume_with(id, Vec::new())
    }

    /// As [`Leadhand::resume`], with orders that count before anything goes on, such as a larger
    /// budget.
    pub fn resume_with(&self, id: &RunId, before: Vec<PersonInput>) -> Run {
        let (runtime, orders, control, events) = self.wired();
        let run = id.clone();
        let driven = async move { Ok(runtime.resume_with(&run, before, orders).await?) };
        Run {
            id: id.clone(),
            control,
            events,
            driven: Box::pin(driven),
        }
    }

    /// Gives an order to a run that nobody carries out. It counts from the next
    /// [`Leadhand::resume`] on; to cancel and to roll back is carried out at once, and gives the
    /// outcome.
    ///
    /// # Errors
    /// [`Error::Runtime`]: the order cannot be followed, the run is live elsewhere, or what the
    /// journal says. The run is as it was.
    pub async fn order(&self, id: &RunId, order: PersonInput) -> Result<Option<Outcome>, Error> {
        Ok(self.runtime.order(id, order).await?)
    }

    /// Makes a branch of a run: its records before `at` (all of them for none), then `changes`.
    /// It goes on with [`Leadhand::resume`].
    ///
    /// # Errors
    /// [`Error::Runtime`]; nothing was made then.
    pub async fn fork(
        &self,
        from: &RunId,
        at: Option<Seq>,
        changes: Vec<PersonInput>,
    ) -> Result<Forked, Error> {
        let to = fresh((self.runtime.clock)());
        Ok(self.runtime.fork(from, at, &to, changes).await?)
    }

    fn prepare(&self, goal: Goal, plan: Option<Plan>) -> Result<Run, Error> {
        self.check_goal(&goal, plan.is_some())?;
        let (files, unseen) = self.files(FILES_LOOKED_AT_MAX)?;
        if let Some(path) = goal
            .files
            .iter()
            .find(|path| unseen == 0 && !files.contains(path))
        {
            let path = path.clone();
            return Err(Error::GoalFileMissing { path });
        }
        let files_max = self.limits().listed_files_max;
        let (files, left_out) = relevant(files, &goal, files_max);
        let id = fresh((self.runtime.clock)());
        let start = Start {
            run: id.clone(),
            goal,
            roles: self.roles(),
            tools: self.tools_of(plan.as_ref()),
            rules: self.parts.rules.clone(),
            grants: self.parts.grants.clone(),
            approvals: self.parts.approvals.clone(),
            labels: self.parts.labels.clone(),
            limits: self.limits().clone(),
            plan: plan.map(Arc::new),
            files,
            files_left_out: left_out.saturating_add(unseen),
            instructions: self.parts.instructions.clone(),
            seed: self.parts.seed,
            prices: self.prices(),
            message_types: self.parts.message_types.clone(),
            permits: self.parts.permits.clone(),
            default_model: self.runtime.models.default_name().to_owned(),
        };
        let (runtime, orders, control, events) = self.wired();
        let driven = async move { Ok(runtime.run(start, orders).await?) };
        Ok(Run {
            id,
            control,
            events,
            driven: Box::pin(driven),
        })
    }

    /// All roles, one list for all runs.
    fn roles(&self) -> Arc<Vec<Role>> {
        let roles = || self.parts.roster.roles().cloned().collect();
        Arc::clone(self.shared.roles.get_or_init(|| Arc::new(roles())))
    }

    /// The tools of a run, one list for all runs that have the same. Of the run's own tools it has
    /// those that a role or a task names.
    fn tools_of(&self, plan: Option<&Plan>) -> Arc<Vec<ToolSpec>> {
        let by_roles = self.shared.tools.get_or_init(|| {
            let named: Vec<&str> = self
                .parts
                .roster
                .roles()
                .flat_map(|role| role.tools.iter().map(String::as_str))
                .collect();
            let mut tools = self.tools();
            tools.retain(|tool| !is_run_tool(&tool.name) || named.contains(&tool.name.as_str()));
            Arc::new(tools)
        });
        let tasks = plan.into_iter().flat_map(|plan| &plan.tasks);
        let calls = tasks.filter_map(|task| task.call.as_ref());
        let called: BTreeSet<&str> = calls.map(|call| call.tool.as_str()).collect();
        let known = |name: &str| by_roles.iter().any(|tool| tool.name == name);
        if called.iter().all(|name| !is_run_tool(name) || known(name)) {
            return Arc::clone(by_roles);
        }
        let mut tools = self.tools();
        tools.retain(|tool| {
            let name = tool.name.as_str();
            !is_run_tool(name) || known(name) || called.contains(name)
        });
        Arc::new(tools)
    }

    /// What models cost that cost something.
    fn prices(&self) -> BTreeMap<String, Price> {
        let mut prices = self.runtime.models.prices();
        prices.retain(|_, price| *price != Price::default());
        prices
    }

    fn wired(&self) -> Wired {
        let (control, orders) = control();
        let (events, observer) = publishing(self.observers());
        (
            Runtime {
                observer,
                ..self.runtime.clone()
            },
            orders,
            control,
            events,
        )
    }

    /// The embedder's own observer, and the one that tells OpenTelemetry.
    #[cfg(not(feature = "telemetry"))]
    fn observers(&self) -> Option<Observer> {
        self.parts.observer.clone()
    }

    /// The embedder's own observer, and the one that tells OpenTelemetry.
    #[cfg(feature = "telemetry")]
    fn observers(&self) -> Option<Observer> {
        let own = self.parts.observer.clone();
        let Some(telemetry) = self.parts.telemetry.clone() else {
            return own;
        };
        // An observer is of one run.
        let name: OnceLock<Arc<RunId>> = OnceLock::new();
        Some(Arc::new(move |observation| {
            if let leadhand_runtime::Observation::Recorded(run, record) = observation {
                let run = name.get_or_init(|| Arc::new((*run).clone()));
                telemetry.take(run, record);
            }
            if let Some(own) = &own {
                own(observation);
            }
        }))
    }

    fn check_goal(&self, goal: &Goal, planned: bool) -> Result<(), Error> {
        if goal.text.trim().is_empty() && !planned {
            return Err(Error::GoalEmpty);
        }
        let (chars, chars_max) = (goal.text.chars().count(), self.limits().goal_chars_max);
        if chars > chars_max {
            return Err(Error::GoalTooLong { chars, chars_max });
        }
        let faults = goal_faults(goal);
        if faults.is_empty() {
            return Ok(());
        }
        Err(Error::GoalUncheckable { faults })
    }

    /// The files of the workspace, sorted, at most `files_max`, and how many more there are.
    ///
    /// # Errors
    /// [`Error::Listing`].
    pub fn files(&self, files_max: usize) -> Result<(Vec<String>, usize), Error> {
        let listed = self.runtime.tools.files(files_max);
        listed.map_err(|source| Error::Listing {
            path: self.parts.workspace.clone(),
            source,
        })
    }

    /// All tools, sandboxed ones first.
    #[must_use]
    pub fn tools(&self) -> Vec<ToolSpec> {
        self.runtime.tools.specs()
    }

    /// All roles.
    #[must_use]
    pub fn roster(&self) -> &Roster {
        &self.parts.roster
    }

    /// All models.
    #[must_use]
    pub fn models(&self) -> &ModelSet {
        &self.runtime.models
    }

    /// Where runs are recorded.
    #[must_use]
    pub fn journal(&self) -> &Arc<dyn Journal> {
        &self.runtime.journal
    }

    /// What tells runs to OpenTelemetry, if anything does: to have all sent that waits, and to
    /// learn what arrived.
    #[cfg(feature = "telemetry")]
    #[must_use]
    pub fn telemetry(&self) -> Option<&Arc<leadhand_telemetry::Telemetry>> {
        self.parts.telemetry.as_ref()
    }

    /// The bounds of runs.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.parts.limits
    }

    /// What was noticed about role files: unknown keys, tools and models.
    #[must_use]
    pub fn notices(&self) -> &[Notice] {
        &self.parts.notices
    }
}

type Wired = (
    Runtime,
    leadhand_runtime::Orders,
    Control,
    crate::run::Events,
);

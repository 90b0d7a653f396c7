//! How a [`Leadhand`] is put together. Every default is stated at the method that changes it, and
//! there are many of them: it is one file, although a long one.

use crate::error::Error;
use crate::message_type::{self, MessageType};
use crate::session::{Leadhand, Parts};
use leadhand_agents::{Notice, Roster};
use leadhand_engine::{PERMIT_NAMES_MAX, permit_fault};
use leadhand_journal::{Journal, MemoryJournal};
use leadhand_model::{Model, ModelConfig, ModelSet, ModelSetBuilder, ModelTerms, RecordedTools};
use leadhand_policy::{Policy, built_in_rules, root_grants};
use leadhand_protocol::coordination::PrimitiveName;
use leadhand_protocol::{Approval, Limits, PathLabel, Rule, ToolLimits};
use leadhand_runtime::{
    Absent, Approver, Clock, NativeTool, Observer, Runtime, Toolbox, system_clock,
};
use leadhand_sandbox::{Secret, ToolHost, ToolHostBuilder, Workspace};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

type Secrets = Box<dyn Fn(&str) -> Option<String>>;

/// Collects what a [`Leadhand`] is made of.
pub struct Builder {
    workspace: PathBuf,
    instructions: String,
    models: Option<ModelSetBuilder>,
    faults: Vec<Error>,
    secrets: Secrets,
    roster: Roster,
    notices: Vec<Notice>,
    tools: Vec<Arc<dyn NativeTool>>,
    recorded_tools: Option<RecordedTools>,
    message_types: Vec<leadhand_protocol::MessageType>,
    host: ToolHostBuilder,
    rules: Vec<Rule>,
    approvals: Vec<Approval>,
    labels: Vec<PathLabel>,
    limits: Limits,
    permits: BTreeMap<PrimitiveName, u32>,
    tool_limits: ToolLimits,
    cache_folder: Option<PathBuf>,
    journal: Arc<dyn Journal>,
    listen: bool,
    approver: Arc<dyn Approver>,
    observer: Option<Observer>,
    #[cfg(feature = "telemetry")]
    telemetry: Option<leadhand_telemetry::TelemetryOptions>,
    clock: Clock,
    seed: u64,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            workspace: PathBuf::from("."),
            instructions: String::new(),
            models: None,
            faults: Vec::new(),
            secrets: Box::new(|_| None),
            roster: Roster::built_in(),
            notices: Vec::new(),
            tools: Vec::new(),
            recorded_tools: None,
            message_types: Vec::new(),
            host: ToolHost::builder(),
            rules: built_in_rules(),
            approvals: Vec::new(),
            labels: Vec::new(),
            limits: Limits::default(),
            permits: BTreeMap::new(),
            tool_limits: ToolLimits::default(),
            cache_folder: None,
            journal: Arc::new(MemoryJournal::new()),
            listen: false,
            approver: Arc::new(Absent),
            observer: None,
            #[cfg(feature = "telemetry")]
            telemetry: None,
            clock: system_clock(),
            seed: 0,
        }
    }
}

impl Builder {
    /// The folder that agents work in and cannot leave; the current folder unless given.
    #[must_use]
    pub fn workspace(mut self, folder: impl AsRef<Path>) -> Self {
        folder.as_ref().clone_into(&mut self.workspace);
        self
    }

    /// Adds a model under a name that roles can use. The first one is the default.
    #[must_use]
    pub fn model(self, name: &str, model: impl Model) -> Self {
        self.with_models(|models| Ok(models.add(name, model)?))
    }

    /// As [`Builder::model`], on terms of your own: how many calls run at once, what a call that
    /// fails is worth, what it costs.
    #[must_use]
    pub fn model_on_terms(self, name: &str, model: Arc<dyn Model>, terms: ModelTerms) -> Self {
        self.with_models(|models| Ok(models.add_on_terms(name, model, terms)?))
    }

    /// Adds a model as a configuration describes it.
    #[must_use]
    pub fn model_config(mut self, name: &str, config: &ModelConfig) -> Self {
        let secrets = std::mem::replace(&mut self.secrets, Box::new(|_| None));
        let mut builder = self.with_models(|models| Ok(models.add_config(name, config, &secrets)?));
        builder.secrets = secrets;
        builder
    }

    /// The model for roles that name none; the first one added unless given.
    #[must_use]
    pub fn default_model(self, name: &str) -> Self {
        self.with_models(|models| Ok(models.default_model(name)))
    }

    /// The folder in which the files of embedded models lie. Comes before their configuration.
    #[must_use]
    pub fn model_folder(self, folder: impl Into<PathBuf>) -> Self {
        self.with_models(|models| Ok(models.model_folder(folder)))
    }

    /// Gives the values of the environment variables that model configurations name for keys;
    /// nothing reads the environment unless this does. Comes before the configurations.
    #[must_use]
    pub fn secrets(mut self, secrets: impl Fn(&str) -> Option<String> + 'static) -> Self {
        self.secrets = Box::new(secrets);
        self
    }

    /// Adds a role, or puts it in place of a built-in one, from the text of a role file.
    #[must_use]
    pub fn role_file(mut self, name: &str, text: &str) -> Self {
        match self.roster.add(name, text) {
            Ok(notices) => self.notices.extend(notices),
            Err(error) => self.faults.push(error.into()),
        }
        self
    }

    /// Adds a tool of your own; see [`crate::tool`].
    #[must_use]
    pub fn tool(mut self, tool: impl NativeTool) -> Self {
        self.tools.push(Arc::new(tool));
        self
    }

    /// Calls no tool and looks at no file: what comes of tool calls and checks is read from a
    /// cassette of a run, and so is the list of files. With a model that plays the same cassette
    /// the run is repeated with nothing of its world there.
    #[must_use]
    pub fn recorded_tools(mut self, recorded: RecordedTools) -> Self {
        self.recorded_tools = Some(recorded);
        self
    }

    /// Adds the tools of a component that fulfils `sandbox/wit/tool.wit`; they run in the
    /// sandbox. `name` is for messages.
    #[must_use]
    pub fn component(mut self, name: &str, bytes: impl Into<Vec<u8>>) -> Self {
        self.host = self.host.component(name, bytes);
        self
    }

    /// A secret that the host puts into requests of tools to one server, for calls that hold a
    /// grant of `secret` on its name. No tool, model, record or log sees its value.
    #[must_use]
    pub fn tool_secret(mut self, secret: Secret) -> Self {
        self.host = self.host.secret(secret);
        self
    }

    /// Variables that tools may read which hold a grant of `env` on their names; none unless
    /// given.
    #[must_use]
    pub fn environment(mut self, variables: impl IntoIterator<Item = (String, String)>) -> Self {
        self.host = self.host.env(variables);
        self
    }

    /// As [`Builder::component`], from a file.
    #[must_use]
    pub fn component_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.host = self.host.component_file(path);
        self
    }

    /// The rules, in place of the built-in ones (everything in the workspace may be read, what
    /// a task declares may be written, nothing else).
    #[must_use]
    pub fn rules(mut self, rules: Vec<Rule>) -> Self {
        self.rules = rules;
        self
    }

    /// Adds rules to those there are; `deny` wins over `ask`, `ask` over `allow`.
    #[must_use]
    pub fn add_rules(mut self, rules: impl IntoIterator<Item = Rule>) -> Self {
        self.rules.extend(rules);
        self
    }

    /// Adds what is approved beforehand: what policy would ask about is allowed without asking.
    #[must_use]
    pub fn approvals(mut self, approvals: impl IntoIterator<Item = Approval>) -> Self {
        self.approvals.extend(approvals);
        self
    }

    /// Says what files count as, where it is not simply the workspace: a folder of downloads is
    /// [`Source::Web`](leadhand_protocol::Source::Web), one that is published anyway
    /// [`Source::Public`](leadhand_protocol::Source::Public).
    #[must_use]
    pub fn labels(mut self, labels: impl IntoIterator<Item = PathLabel>) -> Self {
        self.labels.extend(labels);
        self
    }

    /// The bounds of runs; see [`Limits`] for what holds unless given.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Bounds how many go on at once in a run: turns that call a model (`model/NAME`), agents of
    /// a role that work on tasks (`role/NAME`), calls of a tool (`tool/NAME`), calls that may
    /// reach a host (`host/NAME`). The others wait, in the order in which they came. Nothing is
    /// bounded so unless given; a name that there is not in a run bounds nothing.
    #[must_use]
    pub fn permits(mut self, name: &str, count: u32) -> Self {
        let fault = match PrimitiveName::new(name) {
            Ok(name) => {
                let fault = permit_fault(&name, count);
                self.permits.insert(name, count);
                fault
            }
            Err(error) => Some(error.to_string()),
        };
        let fault = fault.or_else(|| {
            let many = self.permits.len() > PERMIT_NAMES_MAX;
            many.then(|| format!("permits of more than {PERMIT_NAMES_MAX} names: keep fewer"))
        });
        self.faults
            .extend(fault.map(|fault| Error::Permits { fault }));
        self
    }

    /// The bounds of tool calls; see [`ToolLimits`] for what holds unless given.
    #[must_use]
    pub fn tool_limits(mut self, limits: ToolLimits) -> Self {
        self.tool_limits = limits;
        self
    }

    /// Adds a type of messages that agents send each other, beside plain text.
    #[must_use]
    pub fn message_type<T: MessageType>(mut self) -> Self {
        match message_type::described::<T>() {
            Ok(described) => {
                self.message_types.retain(|it| it.name != described.name);
                self.message_types.push(described);
            }
            Err(error) => self.faults.push(error),
        }
        self
    }

    /// Keeps compiled tools in this folder. Unless given each process compiles them anew: the
    /// tools of the program when they are first called, components of yours in [`Builder::build`].
    #[must_use]
    pub fn cache_folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.cache_folder = Some(folder.into());
        self
    }

    /// Where runs are recorded; in memory unless given.
    #[must_use]
    pub fn journal(mut self, journal: impl Journal) -> Self {
        self.journal = Arc::new(journal);
        self
    }

    /// Lets other processes of the same user at live runs: with a journal on disk each run
    /// listens on a socket in its folder, which [`RemoteRun`](crate::RemoteRun) connects to.
    /// Wants a tokio runtime with its IO driver. Unless given, no run listens.
    #[must_use]
    pub fn remote_control(mut self) -> Self {
        self.listen = true;
        self
    }

    /// Who answers questions; unless given nobody does, and a run that asks stops, resumable.
    #[must_use]
    pub fn approver(mut self, approver: impl Approver) -> Self {
        self.approver = Arc::new(approver);
        self
    }

    /// Is shown every record and every piece of a reply, on the run's own task: be quick.
    #[must_use]
    pub fn observer(mut self, observer: Observer) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Tells runs to OpenTelemetry while they go on, and models and servers of tools what trace
    /// their calls are a part of; nobody unless given. A run never waits for it.
    #[cfg(feature = "telemetry")]
    #[must_use]
    pub fn telemetry(mut self, options: leadhand_telemetry::TelemetryOptions) -> Self {
        self.telemetry = Some(options);
        self
    }

    /// Instructions of the project that every agent is given, such as the text of `AGENTS.md`.
    #[must_use]
    pub fn instructions(mut self, text: impl Into<String>) -> Self {
        self.instructions = text.into();
        self
    }

    /// The clock; the machine's unless given.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Seed of all sampling; 0 unless given.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    fn with_models(
        mut self,
        change: impl FnOnce(ModelSetBuilder) -> Result<ModelSetBuilder, Error>,
    ) -> Self {
        let limits = &self.limits;
        let models = self
            .models
            .take()
            .unwrap_or_else(|| ModelSet::builder().limits(limits));
        match change(models) {
            Ok(models) => self.models = Some(models),
            Err(error) => self.faults.push(error),
        }
        self
    }

    /// Puts it together: opens the workspace, loads the components that were added, checks roles
    /// and rules.
    ///
    /// # Errors
    /// The first fault found; see [`Error`].
    pub fn build(mut self) -> Result<Leadhand, Error> {
        if let Some(error) = self.faults.into_iter().next() {
            return Err(error);
        }
        let models = self
            .models
            .ok_or(Error::NoModel)?
            .limits(&self.limits)
            .build()?;
        Policy::new(&self.rules)?;
        let workspace = Arc::new(Workspace::open(&self.workspace)?);
        let host = self.host.cache_dir(self.cache_folder).build()?;
        let mut tools = Toolbox::new(Arc::new(host), self.tools, workspace, self.tool_limits)?;
        if let Some(recorded) = self.recorded_tools {
            tools = tools.played_from(recorded);
        }
        let specs = tools.specs();
        let tool_names: Vec<&str> = specs.iter().map(|spec| spec.name.as_str()).collect();
        let model_names: Vec<&str> = models.names().collect();
        self.notices
            .extend(self.roster.check(&tool_names, &model_names));
        #[cfg(feature = "telemetry")]
        let telemetry = match &self.telemetry {
            Some(options) => {
                let journal = Arc::clone(&self.journal);
                let started = leadhand_telemetry::Telemetry::start(options, journal);
                Some(started.map_err(|why| Error::Telemetry {
                    why: why.to_string(),
                })?)
            }
            None => None,
        };
        #[cfg(feature = "telemetry")]
        let traced = telemetry.is_some();
        #[cfg(not(feature = "telemetry"))]
        let traced = false;
        Ok(Leadhand {
            parts: Arc::new(Parts {
                workspace: self.workspace,
                instructions: self.instructions,
                message_types: self.message_types,
                roster: self.roster,
                notices: self.notices,
                grants: root_grants(&self.rules),
                rules: self.rules,
                approvals: self.approvals,
                labels: self.labels,
                limits: self.limits,
                permits: self.permits,
                seed: self.seed,
                observer: self.observer,
                #[cfg(feature = "telemetry")]
                telemetry: telemetry.map(Arc::new),
            }),
            shared: Arc::default(),
            runtime: Runtime {
                models,
                tools,
                journal: self.journal,
                listen: self.listen,
                approver: self.approver,
                observer: Arc::new(|_| ()),
                clock: self.clock,
                traced,
            },
        })
    }
}

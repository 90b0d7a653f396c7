//! What becomes of requests: they are kept until their call is over, and what comes of each is
//! told to whoever asked, who knows from then on what it was told.

use crate::agent::CallStatus;
use crate::coordination::{Asked, OF_THE_RUN, is_counted};
use crate::labels;
use crate::run::Run;
use leadhand_protocol::coordination::{
    Asker, Declaration, Delivered, Fact, Notice, Obtained, PrimitiveKind, PrimitiveName, Request,
    Told,
};
use leadhand_protocol::{Action, AgentId, CallId, Label};

impl Run {
    pub(super) fn requested(&mut self, asker: Asker, request: &Request) -> Vec<Action> {
        let Some(agent) = self.agents.get(&asker.party) else {
            return Vec::new();
        };
        let is_counted = is_counted(agent, asker, request);
        let asked = self.coordination.asked(asker);
        let gone = asked.is_some_and(|asked| !self.coordination.has_still(asker.party, asked));
        let requests = self.coordination.asked.entry(asker.party).or_default();
        requests.count = requests.count.saturating_add(1);
        if !is_counted {
            return Vec::new();
        }
        let request = request.clone().with_deadline(None);
        match requests.of_calls.get(&asker.wait) {
            Some(asked) if asked.request == request && !gone => {
                let told = asked.told.clone();
                let tell = told.map(|told| Action::Tell { asker, told });
                tell.into_iter().collect()
            }
            Some(_) => Vec::new(),
            None => {
                let told = None;
                let asked = Asked { request, told };
                requests.of_calls.insert(asker.wait, asked);
                Vec::new()
            }
        }
    }

    pub(super) fn request_refused(&mut self, asker: Asker, why: &str) -> Vec<Action> {
        let told: Result<Told, String> = Err(why.to_owned());
        let waits = self.coordination.waits(asker);
        let requests = self.coordination.asked.get_mut(&asker.party);
        if let Some(asked) = requests.and_then(|it| it.of_calls.get_mut(&asker.wait))
            && !waits
        {
            asked.told.get_or_insert_with(|| told.clone());
        }
        vec![Action::Tell { asker, told }]
    }

    pub(super) fn coordinated(&mut self, fact: &Fact) -> Vec<Action> {
        self.label_fact(fact);
        let notices = self.coordination.room.apply(fact);
        match fact {
            Fact::PartyEnded { party } => {
                self.coordination.over.remove(party);
                self.coordination.asked.remove(party);
            }
            // What the run takes in an agent's place leaves the agent's own wait as it is.
            Fact::Granted { asker, .. } if asker.wait == OF_THE_RUN => {}
            Fact::Cancelled { asker, .. }
            | Fact::Granted { asker, .. }
            | Fact::WaitEnded { asker, .. }
            | Fact::DeadlockBroken { victim: asker, .. } => {
                if self.agents.contains_key(&asker.party) {
                    self.coordination.over.remove(&asker.party);
                }
            }
            Fact::Waiting { .. }
            | Fact::Released { .. }
            | Fact::Returned { .. }
            | Fact::Declared { .. }
            | Fact::CountedDown { .. }
            | Fact::GivenUp { .. }
            | Fact::Voted { .. }
            | Fact::Written { .. }
            | Fact::WasRead { .. }
            | Fact::Subscribed { .. }
            | Fact::Unsubscribed { .. }
            | Fact::Published { .. }
            | Fact::DeadLetter(_)
            | Fact::Received { .. }
            | Fact::Asked { .. }
            | Fact::Answered { .. }
            | Fact::Unchanged { .. } => {}
        }
        let tell = |notice| self.tell(notice);
        notices.into_iter().filter_map(tell).collect()
    }

    /// Tells an agent what came of its request, once. Nobody is told whose call is not at work:
    /// should it be made again, it asks anew.
    fn tell(&mut self, notice: Notice) -> Option<Action> {
        let Notice { asker, told } = notice;
        let agent = self.agents.get(&asker.party)?;
        let mut calls = agent.calls().iter();
        let at_work =
            calls.any(|call| asker.wait.is_of(call.id) && call.status == CallStatus::Running);
        let label = self.label_told(&told);
        let requests = self.coordination.asked.get_mut(&asker.party)?;
        if !at_work {
            requests.of_calls.remove(&asker.wait);
            return None;
        }
        let asked = requests.of_calls.get_mut(&asker.wait)?;
        if asked.told.is_some() {
            return None;
        }
        asked.told = Some(Ok(told.clone()));
        self.taints(asker.party, &label);
        let told = Ok(told);
        Some(Action::Tell { asker, told })
    }

    /// What an agent writes holds what the agent knew, and what its tool may know.
    fn label_fact(&mut self, fact: &Fact) {
        let (asker, kind, name) = match fact {
            Fact::Written { asker, key, .. } => (asker, PrimitiveKind::Board, key.clone()),
            Fact::Voted { asker, quorum, .. } => (asker, PrimitiveKind::Quorum, quorum.clone()),
            Fact::Declared {
                asker,
                name,
                declaration: Declaration::Quorum { .. },
            } => (asker, PrimitiveKind::Quorum, name.clone()),
            Fact::Published { asker, topic, .. } => (asker, PrimitiveKind::Topic, topic.clone()),
            Fact::Asked {
                asker, question, ..
            }
            | Fact::Answered { asker, question } => {
                (asker, PrimitiveKind::Question, (*question).into())
            }
            Fact::Received { party, message } => {
                let label = self.label_message(message);
                self.taints(*party, &label);
                return;
            }
            _ => return,
        };
        let label = self.label_by(*asker);
        let labels = self.coordination.labels.entry(kind).or_default();
        let own = labels.entry(name).or_default();
        *own = match kind {
            // An entry is written over whole.
            PrimitiveKind::Board => label,
            _ => std::mem::take(own).join(&label),
        };
    }

    /// Where that comes from what is told.
    fn label_told(&self, told: &Told) -> Label {
        match told {
            Told::Entry { key, .. } => self.label_of(PrimitiveKind::Board, key),
            Told::Obtained(obtained) => match obtained {
                Obtained::Decided { quorum, .. } => self.label_of(PrimitiveKind::Quorum, quorum),
                Obtained::Message(message) => self.label_message(message),
                Obtained::Answered { question, .. } => {
                    self.label_of(PrimitiveKind::Question, &(*question).into())
                }
                Obtained::Locks(_)
                | Obtained::Permits { .. }
                | Obtained::Passed { .. }
                | Obtained::Joined { .. }
                | Obtained::Changed { .. } => Label::default(),
            },
            Told::Done | Told::Published { .. } | Told::Ended(_) | Told::Deadlock(_) => {
                Label::default()
            }
        }
    }

    /// Of all that was published in the topic, since what is told of it stands beside the rest.
    fn label_message(&self, message: &Delivered) -> Label {
        match message {
            Delivered::Published { topic, .. } => self.label_of(PrimitiveKind::Topic, topic),
            Delivered::Question { question, .. } => {
                self.label_of(PrimitiveKind::Question, &(*question).into())
            }
        }
    }

    pub(crate) fn label_of(&self, kind: PrimitiveKind, name: &PrimitiveName) -> Label {
        let labels = self.coordination.labels.get(&kind);
        let label = labels.and_then(|labels| labels.get(name));
        label.cloned().unwrap_or_default()
    }

    /// Where that comes from what an agent says now: from all that it has read, and from whatever
    /// the tool that it says it with may have read.
    fn label_by(&self, asker: Asker) -> Label {
        let Some(agent) = self.agents.get(&asker.party) else {
            return Label::default().written_by(asker.party);
        };
        let mut calls = agent.calls().iter();
        let call = calls.find(|call| asker.wait.is_of(call.id));
        let of_tool = call.map(|call| labels::of_result(self, call));
        let label = agent.label().clone().join(&of_tool.unwrap_or_default());
        label.written_by(agent.id)
    }

    /// An agent is no more: what it holds and awaits is to go on to others.
    pub(super) fn party_over(&mut self, id: AgentId) {
        self.coordination.asked.remove(&id);
        if self.coordination.room.is_party(id) {
            self.coordination.over.insert(id);
        }
    }

    /// A call is over: nobody will ask again what it asked.
    pub(super) fn asks_no_more(&mut self, id: CallId) {
        self.waits_no_more(id);
        if let Some(requests) = self.coordination.asked.get_mut(&id.agent) {
            requests.of_calls.retain(|wait, _| !wait.is_of(id));
        }
    }

    /// A call is not at work any more: its wait is to end.
    pub(super) fn waits_no_more(&mut self, id: CallId) {
        let wait = self.coordination.room.wait_of(id.agent);
        if wait.is_some_and(|wait| wait.id.is_of(id)) {
            self.coordination.over.insert(id.agent);
        }
    }
}

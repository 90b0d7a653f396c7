//! What follows from what comes: the state changes, and wishes are given for all that is to be
//! done outside. No clock, no terminal, no run is touched here.

use super::dialog::Dialog;
use super::input::{Input, Order, Typed, Wish};
use super::keys;
use super::state::{Looked, Reading, Top};
use crate::{Given, OpenRunQuestion, RunLine, Trouble};
use leadhand_protocol::RunId;

/// How often a live run is drawn anew though nothing came, since its times move.
pub(super) const CLOCK_MS: u64 = 1_000;

impl Top {
    /// Takes what came; gives what is to be done.
    pub(super) fn update(&mut self, input: Input) -> Vec<Wish> {
        self.is_changed |= !matches!(input, Input::Clock(_) | Input::Listed(Ok(_)));
        match input {
            Input::Typed(Typed::End) => vec![Wish::Close { interrupted: true }],
            Input::Typed(Typed::Size(columns, lines)) => {
                self.size = (columns, lines);
                Vec::new()
            }
            Input::Typed(Typed::Paste(text)) => {
                if let Some(Dialog::Editor(editor)) = &mut self.dialog {
                    editor.insert(&text);
                }
                Vec::new()
            }
            Input::Typed(Typed::Key(key)) => keys::pressed(self, key),
            Input::Listed(Ok(runs)) => self.listed(runs),
            Input::Listed(Err(Trouble(why))) => {
                self.is_listed = true;
                self.list_trouble = Some(why);
                Vec::new()
            }
            Input::Given(given) => self.given(&given),
            Input::FollowEnded(how) => self.follow_ended(how),
            Input::Questions(run, questions) => {
                self.questions(&run, questions);
                Vec::new()
            }
            Input::Ordered(order, how) => self.ordered(&order, how),
            Input::Clock(now_ms) => {
                self.is_changed |= self.is_live();
                self.now_ms = now_ms;
                Vec::new()
            }
        }
    }

    fn listed(&mut self, runs: Vec<RunLine>) -> Vec<Wish> {
        self.is_changed |= !self.is_listed || self.list_trouble.is_some() || self.runs != runs;
        (self.is_listed, self.list_trouble) = (true, None);
        let was = self.line().cloned();
        self.runs = runs;
        let now = self.line().cloned();
        let (Some(looked), Some(now)) = (&mut self.looked, now) else {
            // Nothing was looked at, or it is gone.
            let first = self.runs.first().map(|line| line.run.clone());
            return first.map_or(Vec::new(), |run| vec![self.look_at(run)]);
        };
        let is_over = match looked.reading {
            Reading::Behind | Reading::UpToDate => false,
            Reading::Ended | Reading::Broken(_) => true,
        };
        // It goes on, or somebody has written into the journal of one that stands still.
        if is_over && (now.live || was.is_some_and(|was| was != now)) {
            return vec![looked.go_on()];
        }
        Vec::new()
    }

    /// Looks at a run; what was known of another one is dropped.
    pub(super) fn look_at(&mut self, run: RunId) -> Wish {
        self.looked = Some(Looked::new(run.clone()));
        Wish::Follow(run, 0)
    }

    fn given(&mut self, given: &Given) -> Vec<Wish> {
        let Some(looked) = &mut self.looked else {
            return Vec::new();
        };
        looked.take(given);
        // Of a run that is being caught up with, what is open is asked once it is.
        if looked.are_questions_old && looked.reading == Reading::UpToDate {
            looked.are_questions_old = false;
            return vec![Wish::Questions(looked.run.clone())];
        }
        Vec::new()
    }

    fn follow_ended(&mut self, how: Result<(), Trouble>) -> Vec<Wish> {
        let Some(looked) = &mut self.looked else {
            return Vec::new();
        };
        match how {
            Ok(()) => {
                looked.reading = Reading::Ended;
                vec![Wish::List, Wish::Questions(looked.run.clone())]
            }
            Err(Trouble(why)) => {
                looked.reading = Reading::Broken(why);
                vec![Wish::List]
            }
        }
    }

    fn questions(&mut self, run: &RunId, open: Result<Vec<OpenRunQuestion>, Trouble>) {
        let Some(looked) = self.looked.as_mut().filter(|looked| looked.run == *run) else {
            return;
        };
        match open {
            Ok(open) => looked.questions = open,
            // One of which nothing waits may just have ended, or be damaged, which is said.
            Err(Trouble(why)) => {
                if !looked.questions.is_empty() {
                    self.complain(why);
                }
                return;
            }
        }
        let Some(Dialog::Question(asked)) = &self.dialog else {
            return;
        };
        let same = |open: &OpenRunQuestion| {
            (open.question, open.digest) == (asked.question.question, asked.question.digest)
        };
        if asked.run == *run && !looked.questions.iter().any(same) {
            let number = asked.question.question;
            self.dialog = None;
            self.complain(format!(
                "question {number} is not open any more: it was answered from elsewhere, or the run has ended"
            ));
        }
    }

    fn ordered(&mut self, order: &Order, how: Result<bool, Trouble>) -> Vec<Wish> {
        self.is_ordering = false;
        let run = &order.run;
        let live = match how {
            Err(Trouble(why)) => {
                self.complain(why);
                return vec![Wish::List, Wish::Questions(run.clone())];
            }
            Ok(live) => live,
        };
        let mut said = format!("run {run}: {}", order.said);
        if !live {
            said += &format!("; it counts when the run goes on: leadhand resume {run}");
        }
        self.say(said);
        let mut wishes = vec![Wish::List, Wish::Questions(run.clone())];
        let looked = self.looked.as_mut().filter(|looked| looked.run == *run);
        if let Some(looked) = looked.filter(|looked| looked.reading == Reading::Ended) {
            wishes.push(looked.go_on());
        }
        wishes
    }

    /// Gives an order, unless another one is being given.
    pub(super) fn order(&mut self, order: Order) -> Vec<Wish> {
        if self.is_ordering {
            self.complain("the order before is still being given: wait for it, then give this one");
            return Vec::new();
        }
        self.is_ordering = true;
        vec![Wish::Order(order)]
    }
}

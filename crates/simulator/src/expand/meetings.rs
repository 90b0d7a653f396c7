//! What tools at work do with other agents, in some of the seeds: they share a few names, so that
//! they come into each other's way, and some of them lie.

use crate::chance::Chance;
use crate::script::{MEETING_TOOLS, Script, Step, TaskScript, ToolScript};
use leadhand_protocol::coordination::{
    Declaration, Electorate, LockAsk, LockMode, Need, Payload, PrimitiveName, QuestionId, Request,
    WaitId,
};
use leadhand_protocol::{AgentId, Effect};
use serde_json::Value;
use std::sync::Arc;

/// How many runs of a hundred have agents that deal with each other.
const MEETING_PERCENT: u64 = 20;
/// So many tasks at least are there then, most of which wait for no other.
const TASKS_MIN: u64 = 3;
const STEPS_OF_TASK: u64 = 3;
/// The first are also the names of locks that tasks declare.
const LOCKS: [&str; 3] = ["a", "b", "c"];

pub(super) fn meet(chance: &mut Chance, script: &mut Script) {
    if !chance.hits(MEETING_PERCENT) {
        return;
    }
    for (name, effect) in MEETING_TOOLS
        .into_iter()
        .zip([Effect::Idempotent, Effect::Once])
    {
        script.tools.push(ToolScript {
            name: name.to_owned(),
            effect,
            probe: !effect.is_repeatable() && chance.hits(50),
            undo: false,
            trusted: true,
        });
    }
    let wanted = chance.between(TASKS_MIN, TASKS_MIN + 2);
    for number in script.tasks.len() as u64 + 1..=wanted {
        script.tasks.push(TaskScript {
            id: format!("t{number}"),
            ..TaskScript::default()
        });
    }
    let patient = chance.pick(&[0, 30, 60]);
    let lies = chance.pick(&[0, 0, 30]);
    for task in &mut script.tasks {
        if chance.hits(20) {
            continue;
        }
        if task.for_each.is_none() && chance.hits(70) {
            task.after.clear();
        }
        let tool = if chance.hits(75) {
            MEETING_TOOLS[0]
        } else {
            MEETING_TOOLS[1]
        };
        let place = if chance.hits(60) { 0 } else { task.uses.len() };
        task.uses.insert(place, tool.to_owned());
        if !script.manager && chance.hits(20) {
            task.lock = Some(chance.pick(&LOCKS).to_owned());
        }
        let mut draw = Draw {
            chance,
            patient,
            steps: Vec::new(),
        };
        for _ in 0..draw.chance.between(1, STEPS_OF_TASK) {
            if draw.chance.hits(lies) {
                draw.lie();
            } else {
                draw.scene();
            }
        }
        task.steps = draw.steps;
    }
}

struct Draw<'a> {
    chance: &'a mut Chance,
    /// How many waits of a hundred have no deadline.
    patient: u64,
    steps: Vec<Step>,
}

fn name(of: &str) -> PrimitiveName {
    PrimitiveName::new(of).expect("it is made of letters and digits")
}

impl Draw<'_> {
    /// Something that agents do with each other.
    fn scene(&mut self) {
        match self.chance.below(13) {
            0..=2 => self.hold(),
            3..=5 => self.one_after_the_other(),
            6 => self.permits(),
            7 => self.together(),
            8 => self.votes(),
            9 => self.board(),
            10 => self.mail(),
            _ => self.question(),
        }
        if self.chance.hits(5) {
            let end = self.chance.pick(&[Step::Fail, Step::Panic]);
            self.steps.push(end);
        }
    }

    /// Asks for something that there may be nothing to wait for.
    fn does(&mut self, request: Request) {
        self.steps.push(Step::Ask {
            request: Box::new(request),
            wait_ms: None,
            again: None,
        });
    }

    /// Asks for something that may have to wait.
    fn waits(&mut self, request: Request) {
        let patient = self.chance.hits(self.patient);
        let wait_ms = self.chance.pick(&[0, 50, 400, 5_000, 60_000]);
        self.steps.push(Step::Ask {
            request: Box::new(request),
            wait_ms: (!patient).then_some(wait_ms),
            again: None,
        });
    }

    fn works(&mut self) {
        let ms = self.chance.pick(&[1, 20, 20, 300, 4_000]);
        self.steps.push(Step::Work { ms });
    }

    fn lets_go(&mut self) {
        if self.chance.hits(80) {
            self.steps.push(Step::LetGo);
        }
    }

    fn lock(&mut self) -> PrimitiveName {
        name(self.chance.pick(&LOCKS))
    }

    fn mode(&mut self) -> LockMode {
        self.chance.pick(&[
            LockMode::Exclusive,
            LockMode::Exclusive,
            LockMode::Shared,
            LockMode::Upgradable,
        ])
    }

    /// All that it needs in one request.
    fn hold(&mut self) {
        let mut locks: Vec<LockAsk> = Vec::new();
        for _ in 0..self.chance.between(1, 3) {
            let (lock, mode) = (self.lock(), self.mode());
            if locks.iter().all(|it| it.lock != lock) {
                locks.push(LockAsk { lock, mode });
            }
        }
        let upgradable = locks.iter().find(|it| it.mode == LockMode::Upgradable);
        let upgradable = upgradable.map(|it| it.lock.clone());
        let deadline_ms = None;
        self.waits(Request::Acquire { locks, deadline_ms });
        self.works();
        if let Some(lock) = upgradable {
            self.waits(Request::Upgrade { lock, deadline_ms });
            self.works();
        }
        self.lets_go();
    }

    /// One lock after the other, which is how a deadlock comes about.
    fn one_after_the_other(&mut self) {
        for _ in 0..self.chance.between(2, 3) {
            let (lock, mode) = (self.lock(), self.mode());
            let locks = vec![LockAsk { lock, mode }];
            let deadline_ms = None;
            self.waits(Request::Acquire { locks, deadline_ms });
            self.works();
        }
        self.lets_go();
    }

    fn permits(&mut self) {
        let declaration = Declaration::Semaphore { permits: 2 };
        let semaphore = name("s");
        let name = semaphore.clone();
        self.does(Request::Declare { name, declaration });
        for _ in 0..self.chance.between(1, 2) {
            let permits = self.chance.small(1, 2);
            self.waits(Request::Take {
                semaphore: semaphore.clone(),
                permits,
                deadline_ms: None,
            });
            self.works();
        }
        self.lets_go();
    }

    /// A barrier, or a latch and a join.
    fn together(&mut self) {
        if self.chance.hits(50) {
            self.waits(Request::Arrive {
                barrier: name("m"),
                parties: 2,
                deadline_ms: None,
            });
            return;
        }
        let by = self.chance.hits(30).then(|| self.agent());
        let latch = name(self.chance.pick(&["l", "l2"]));
        self.does(Request::Declare {
            name: latch.clone(),
            declaration: Declaration::Latch {
                count: 2,
                by: by.into_iter().collect(),
            },
        });
        match self.chance.below(4) {
            0 => self.does(Request::GiveUp { latch }),
            _ => self.does(Request::CountDown { latch }),
        }
        self.works();
        let need = self.chance.pick(&[Need::All, Need::Any, Need::KOf(1)]);
        self.waits(Request::Join {
            latches: vec![name("l"), name("l2")],
            need,
            deadline_ms: None,
        });
    }

    fn votes(&mut self) {
        let quorum = name("q");
        self.does(Request::Declare {
            name: quorum.clone(),
            declaration: Declaration::Quorum {
                electorate: Electorate::Anyone(3),
                threshold: 2,
                choices: Vec::new(),
            },
        });
        let choice = Arc::new(Value::from(self.chance.below(2)));
        self.does(Request::Vote {
            quorum: quorum.clone(),
            choice,
        });
        let deadline_ms = None;
        self.waits(Request::AwaitQuorum {
            quorum,
            deadline_ms,
        });
    }

    fn board(&mut self) {
        let key = name("k");
        self.steps.push(Step::Write { key: key.clone() });
        let after_version = self.chance.below(3);
        self.waits(Request::Watch {
            key,
            after_version,
            deadline_ms: None,
        });
    }

    fn mail(&mut self) {
        let topic = name(self.chance.pick(&["t", "u"]));
        self.does(Request::Subscribe {
            topic: topic.clone(),
        });
        self.works();
        for number in 0..self.chance.between(1, 3) {
            let payload = Payload::text(format!("message {number}"));
            let topic = topic.clone();
            self.does(Request::Publish { topic, payload });
        }
        for _ in 0..self.chance.below(4) {
            self.waits(Request::Receive { deadline_ms: None });
        }
        self.steps.push(Step::Answer);
        if self.chance.hits(30) {
            self.does(Request::Unsubscribe { topic });
        }
    }

    fn agent(&mut self) -> AgentId {
        AgentId(self.chance.small(0, 5))
    }

    /// It asks, or is there to answer.
    fn question(&mut self) {
        if self.chance.hits(50) {
            let to = self.chance.hits(80).then(|| self.agent());
            self.waits(Request::Ask {
                to,
                payload: Payload::text("why?"),
                deadline_ms: None,
            });
            return;
        }
        for _ in 0..self.chance.between(1, 2) {
            self.steps.push(Step::Ask {
                request: Box::new(Request::Receive { deadline_ms: None }),
                wait_ms: Some(20_000),
                again: None,
            });
            self.steps.push(Step::Answer);
        }
    }

    /// It gives back what it has not, speaks for others, asks for something else than before, or
    /// says more than anybody can read.
    fn lie(&mut self) {
        let (lock, fence) = (self.lock(), self.chance.between(0, 12));
        let semaphore = name("s");
        match self.chance.below(8) {
            0 | 1 => self.does(Request::Release { lock, fence }),
            2 => self.does(Request::Give {
                semaphore,
                permits: 9,
            }),
            3 => {
                let question = QuestionId(self.chance.between(0, 3));
                let payload = Payload::text("mine");
                let answer = Request::Answer { question, payload };
                self.does(answer.clone());
                self.does(answer);
            }
            4 => {
                for choice in 0..2 {
                    let (quorum, choice) = (name("q"), Arc::new(Value::from(choice)));
                    self.does(Request::Vote { quorum, choice });
                }
            }
            5 => {
                let locks = vec![LockAsk {
                    lock,
                    mode: LockMode::Exclusive,
                }];
                let deadline_ms = None;
                self.steps.push(Step::Ask {
                    request: Box::new(Request::Acquire { locks, deadline_ms }),
                    wait_ms: Some(5_000),
                    again: Some(Box::new(Request::Read { key: name("k") })),
                });
                self.works();
            }
            6 => {
                let wait = WaitId(self.chance.small(0, 9_000));
                self.does(Request::CancelWait { wait });
            }
            _ => {
                let topic = name(self.chance.pick(&["t", "u"]));
                let bytes = self.chance.pick(&[10, 60_000, 70_000]);
                let messages = self.chance.pick(&[3, 30]);
                self.steps.push(Step::Flood {
                    topic,
                    messages,
                    bytes,
                });
            }
        }
    }
}

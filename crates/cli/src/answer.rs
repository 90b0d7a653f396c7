//! Which question an answer from another terminal is to, and that it is to exactly what was
//! shown: what `approve` and `deny` have in common.

use crate::failure::Failure;
use crate::reach::Reach;
use crate::screen;
use clap::Args;
use leadhand::{Answer, OpenQuestion, PersonInput, RequestId, RunId};
use serde::Serialize;
use std::io::BufRead;

/// Digits of a digest that are shown, and enough to name a question.
pub(crate) const DIGEST_CHARS_SHOWN: usize = 12;
/// Fewest digits of a digest that name a question.
const DIGEST_CHARS_MIN: usize = 6;

/// Which question.
#[derive(Debug, Args)]
pub(crate) struct QuestionOptions {
    /// The run, its first letters, or `last`
    pub(crate) run: String,
    /// The number of the question; not needed when one alone is open
    question: Option<u32>,
    /// The digest of what was shown, as `questions` prints it, or its first letters
    #[arg(long, value_name = "DIGEST")]
    digest: Option<String>,
    /// Write one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Serialize)]
struct Given<'a> {
    run: &'a RunId,
    live: bool,
    order: &'a PersonInput,
}

impl QuestionOptions {
    /// The question that is meant, after it was shown where that is needed.
    ///
    /// # Errors
    /// [`Failure::Usage`]: none is open, several are, or it is not what was shown.
    pub(crate) async fn choose(&self, reach: &Reach) -> Result<Option<OpenQuestion>, Failure> {
        let (open, _) = reach.questions().await?;
        let look = format!("`leadhand questions {}` shows what is open", reach.id);
        if let Some(digest) = &self.digest {
            return by_digest(&open, digest, self.question, &look).map(Some);
        }
        let question = match (self.question, &open[..]) {
            (_, []) => return Err(nothing_open(reach)),
            (None, [one]) => one,
            (Some(number), _) => by_number(&open, number, &look)?,
            (None, several) => {
                let what = format!("{} questions are open: {}", several.len(), numbers(&open));
                return Err(Failure::usage(what, format!("name one; {look}")));
            }
        };
        if screen::is_attended() {
            screen::note(&leadhand_viewer::asked(&question.ask));
            return Ok(is_confirmed().then(|| question.clone()));
        }
        if open.len() > 1 {
            return Err(Failure::usage(
                format!(
                    "{} questions are open, and nobody has seen here what question {} asks",
                    open.len(),
                    question.question
                ),
                format!("say with --digest what was shown; {look} with its digest"),
            ));
        }
        Ok(Some(question.clone()))
    }

    /// Gives the answer to exactly this question. Gives whether the run is live.
    ///
    /// # Errors
    /// That it cannot be followed, with which the run is as it was.
    pub(crate) async fn give(
        &self,
        reach: &Reach,
        question: &OpenQuestion,
        answer: Answer,
        in_words: &str,
    ) -> Result<(), Failure> {
        let order = PersonInput::Answers {
            request: question.question,
            answer,
            shown: Some(question.digest),
        };
        let what = format!("question {} {in_words}", question.question);
        given(reach, order, self.json, &what).await
    }
}

/// Gives an order and says so.
///
/// # Errors
/// That it cannot be followed, with which the run is as it was.
pub(crate) async fn given(
    reach: &Reach,
    order: PersonInput,
    json: bool,
    what: &str,
) -> Result<(), Failure> {
    let live = reach.order(order.clone()).await?;
    if json {
        screen::out_json(&Given {
            run: &reach.id,
            live,
            order: &order,
        });
        return Ok(());
    }
    screen::out(&format!("run {}: {what}", reach.id));
    if !live {
        screen::note(&format!(
            "it counts when the run goes on; {}",
            reach.how_to_resume()
        ));
    }
    Ok(())
}

fn nothing_open(reach: &Reach) -> Failure {
    Failure::usage(
        format!("no question of run {} is open", reach.id),
        "`leadhand ps` shows which runs wait for a person",
    )
}

fn numbers(open: &[OpenQuestion]) -> String {
    let numbers: Vec<String> = open.iter().map(|one| one.question.to_string()).collect();
    numbers.join(", ")
}

fn by_number<'a>(
    open: &'a [OpenQuestion],
    number: u32,
    look: &str,
) -> Result<&'a OpenQuestion, Failure> {
    let found = open.iter().find(|one| one.question == RequestId(number));
    found.ok_or_else(|| {
        let what = format!(
            "question {number} is not open: it was answered, or what it was about is gone; open is {}",
            numbers(open)
        );
        Failure::usage(what, look)
    })
}

fn by_digest(
    open: &[OpenQuestion],
    digest: &str,
    number: Option<u32>,
    look: &str,
) -> Result<OpenQuestion, Failure> {
    let digest = digest.to_ascii_lowercase();
    let is_digest = digest.bytes().all(|byte| byte.is_ascii_hexdigit());
    if digest.len() < DIGEST_CHARS_MIN || !is_digest {
        return Err(Failure::usage(
            format!(
                "--digest {}: this begins no digest",
                leadhand::rooms::inspector::escape::line(&digest, 80)
            ),
            format!("give at least {DIGEST_CHARS_MIN} of its hexadecimal digits; {look}"),
        ));
    }
    let named = |one: &&OpenQuestion| {
        one.digest.to_string().starts_with(&digest)
            && number.is_none_or(|number| one.question == RequestId(number))
    };
    let found: Vec<&OpenQuestion> = open.iter().filter(named).collect();
    match found[..] {
        [one] => Ok(one.clone()),
        [] => Err(Failure::usage(
            match number {
                Some(number) => format!(
                    "question {number} is not open with the digest {digest}: it has changed since it was shown, or was answered"
                ),
                None => format!(
                    "no open question has the digest {digest}: it has changed since it was shown, or was answered"
                ),
            },
            format!("look again, then answer; {look}"),
        )),
        _ => Err(Failure::usage(
            format!(
                "{} open questions have digests that begin with {digest}",
                found.len()
            ),
            format!("give more of its digits, or the number too; {look}"),
        )),
    }
}

/// Whether the person at this terminal says yes.
fn is_confirmed() -> bool {
    screen::note("Is this what you answer? [y]es, anything else leaves it open:");
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line);
    let said = line.trim().to_lowercase();
    read.is_ok() && matches!(said.as_str(), "y" | "yes")
}

#[cfg(test)]
mod tests {
    use super::*;
    use leadhand::rooms::protocol::Forecast;
    use leadhand::{Ask, Plan, TaskId};

    fn open() -> Vec<OpenQuestion> {
        let plan = |answer: &str| Ask::Plan {
            plan: Plan {
                tasks: Vec::new(),
                answer: Some(TaskId::new(answer).unwrap()),
            },
            forecast: Forecast::default(),
        };
        let asks = [(RequestId(3), plan("a")), (RequestId(5), plan("b"))];
        OpenQuestion::of(asks.iter().map(|(request, ask)| (request, ask)))
    }

    #[test]
    fn a_digest_names_what_was_shown_and_nothing_else() {
        let open = open();
        let [first, second] = [0, 1].map(|at: usize| open[at].digest.to_string());
        let check = |digest: &str, number: Option<u32>, expected: Result<u32, &str>| {
            let found = by_digest(&open, digest, number, "look");
            match (found, expected) {
                (Ok(found), Ok(number)) => assert_eq!(found.question, RequestId(number)),
                (Err(error), Err(part)) => {
                    assert!(error.to_string().contains(part), "{error}");
                }
                (found, _) => panic!("{digest} {number:?}: {found:?}"),
            }
        };
        check(&first, None, Ok(3));
        check(&second[..8].to_uppercase(), None, Ok(5));
        check(&second[..8], Some(5), Ok(5));
        check(
            &second[..8],
            Some(3),
            Err("question 3 is not open with the digest"),
        );
        check(
            "000000000000",
            None,
            Err("no open question has the digest 000000000000"),
        );
        check(&first[..5], None, Err("this begins no digest"));
        check("nothing", None, Err("this begins no digest"));
    }
}

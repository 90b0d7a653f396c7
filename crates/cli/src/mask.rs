//! Texts that are not to be seen are taken out of a run, and what follows from the rest is
//! derived anew: the masked run is the one that would have happened had the world said the
//! masked texts, so that it can be replayed like any other.

use crate::failure::Failure;
use leadhand::rooms::engine::{Run, decide, settle};
use leadhand::rooms::inspector::forms_to_mask;
use leadhand::rooms::protocol::{Input, Timed};
use leadhand::{Event, Record};
use serde_json::Value;
use std::sync::Arc;

/// What stands in the place of a masked text.
const MASKED: &str = "[masked]";
/// Fewest characters of a text that is masked: a shorter one would be found everywhere.
const MASKED_CHARS_MIN: usize = 4;

/// Texts that are to be masked.
pub(crate) struct Mask(Vec<String>);

impl Mask {
    /// Masks these texts, also where they stand within JSON within a text.
    ///
    /// # Errors
    /// [`Failure::Usage`] for a text that is too short.
    pub(crate) fn new(texts: Vec<String>) -> Result<Self, Failure> {
        let is_short = |text: &String| text.chars().count() < MASKED_CHARS_MIN;
        if texts.iter().any(is_short) {
            return Err(Failure::usage(
                format!("a text of fewer than {MASKED_CHARS_MIN} characters is not masked"),
                "it would be found where it means something else; mask a longer one",
            ));
        }
        Ok(Self(forms_to_mask(texts)))
    }

    /// The records with everything masked; the very records where there is nothing to mask.
    ///
    /// # Errors
    /// [`Failure::Usage`] when masking would have had the run go another way.
    pub(crate) fn records(&self, records: Vec<Record>) -> Result<Vec<Record>, Failure> {
        if self.0.is_empty() {
            return Ok(records);
        }
        let mut found = false;
        for record in &records {
            found |= self.event(&record.event)? != *record.event;
        }
        if !found {
            return Ok(records);
        }
        let masked = self.derived(&records)?;
        // What the engine makes of what is left, such as a text put together of two.
        for record in &masked {
            if self.event(&record.event)? != *record.event {
                return Err(other_way(record.seq));
            }
        }
        Ok(masked)
    }

    /// Goes through the run twice at once: as it was, which says what was an input, and masked.
    fn derived(&self, records: &[Record]) -> Result<Vec<Record>, Failure> {
        let (mut was, mut now) = (Run::new(), Run::new());
        let mut masked: Vec<Record> = Vec::new();
        let mut left = records;
        while let Some(next) = left.first() {
            let follows = settle(&was);
            let mut same = in_common(&follows, left);
            let events = if same > 0 && (same == follows.len() || same == left.len()) {
                settle(&now)
            } else {
                let at_ms = next.at_ms;
                let taken = |run: &Run, event: &Event| {
                    let input = Input::of(event).ok_or_else(|| other_way(next.seq))?;
                    decide(run, &Timed { at_ms, input }).map_err(|_| other_way(next.seq))
                };
                same = in_common(&taken(&was, &next.event)?, left);
                taken(&now, &self.event(&next.event)?)?
            };
            if same == 0 || events.len() < same {
                return Err(other_way(next.seq));
            }
            let (taken, rest) = left.split_at(same);
            for (record, event) in taken.iter().zip(events) {
                if std::mem::discriminant(&event) != std::mem::discriminant(&*record.event) {
                    return Err(other_way(record.seq));
                }
                was.apply(record);
                let record = Record {
                    event: Arc::new(event),
                    ..record.clone()
                };
                now.apply(&record);
                masked.push(record);
            }
            left = rest;
        }
        Ok(masked)
    }

    fn event(&self, event: &Event) -> Result<Event, Failure> {
        let fault = |error: serde_json::Error| {
            Failure::usage(
                format!("an event cannot be masked: {error}"),
                "mask a text that is not also a word of the format",
            )
        };
        let mut value = serde_json::to_value(event).map_err(fault)?;
        self.value(&mut value);
        serde_json::from_value(value).map_err(fault)
    }

    fn value(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                for masked in self.0.iter().filter(|masked| !masked.is_empty()) {
                    if text.contains(masked.as_str()) {
                        *text = text.replace(masked.as_str(), MASKED);
                    }
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(item)),
            Value::Object(fields) => {
                let all = std::mem::take(fields);
                for (name, mut field) in all {
                    let mut name = Value::String(name);
                    self.value(&mut name);
                    self.value(&mut field);
                    fields.insert(name.as_str().unwrap_or_default().to_owned(), field);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

fn in_common(events: &[Event], records: &[Record]) -> usize {
    let both = events.iter().zip(records);
    both.take_while(|(event, record)| **event == *record.event)
        .count()
}

fn other_way(seq: u64) -> Failure {
    Failure::usage(
        format!("with these texts masked the run would have gone another way at record {seq}"),
        "mask less, or mask a longer text",
    )
}

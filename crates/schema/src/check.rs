//! A schema compiled once, and what keeps a value from fitting it.

use crate::wording::{Subject, said};
use jsonschema::Validator;
use serde_json::Value;
use std::fmt;

/// Most faults named at once; a model mends no more than these in one go.
const FAULTS_SHOWN_MAX: usize = 4;
/// Faults looked at, several of which can make one sentence.
const FAULTS_READ_MAX: usize = 32;
/// Characters of one fault.
const FAULT_CHARS_MAX: usize = 400;

/// A JSON Schema (draft 2020-12 unless it says otherwise), compiled.
pub struct Schema {
    source: Value,
    subject: Subject,
    /// The validator, or why there is none.
    compiled: Result<Validator, String>,
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Schema").field(&self.source).finish()
    }
}

impl Schema {
    /// The schema of a tool's arguments: faults speak of arguments.
    #[must_use]
    pub fn of_arguments(source: &Value) -> Self {
        Self::compile(source, Subject::Arguments)
    }

    /// The schema of any other value: faults speak of fields.
    #[must_use]
    pub fn of_value(source: &Value) -> Self {
        Self::compile(source, Subject::Value)
    }

    fn compile(source: &Value, subject: Subject) -> Self {
        let compiled = jsonschema::validator_for(source)
            .map_err(|error| cut(&format!("the schema itself cannot be used: {error}")));
        Self {
            source: source.clone(),
            subject,
            compiled,
        }
    }

    /// What keeps `value` from fitting, at most four faults in words for whoever wrote it: which
    /// argument, what was given, what is wanted, and what was probably meant. None means it
    /// fits. A schema that cannot be compiled is itself the fault.
    ///
    /// ```
    /// # use leadhand_schema::Schema;
    /// # use serde_json::json;
    /// let schema = Schema::of_arguments(&json!({
    ///     "type": "object",
    ///     "properties": {"base": {"type": "integer"}},
    ///     "required": ["base"],
    ///     "additionalProperties": false,
    /// }));
    /// assert_eq!(schema.faults(&json!({"base": 2})), Vec::<String>::new());
    /// assert_eq!(
    ///     schema.faults(&json!({"base": "2"})),
    ///     ["`base` must be an integer and is the text \"2\"; give 2"]
    /// );
    /// assert_eq!(
    ///     schema.faults(&json!({"bse": 2})),
    ///     [
    ///         "there is no argument `bse`; did you mean `base`?",
    ///         "the argument `base` (an integer) is missing",
    ///     ]
    /// );
    /// ```
    #[must_use]
    pub fn faults(&self, value: &Value) -> Vec<String> {
        let validator = match &self.compiled {
            Ok(validator) => validator,
            Err(why) => return vec![why.clone()],
        };
        if validator.is_valid(value) {
            return Vec::new();
        }
        let errors: Vec<_> = validator.iter_errors(value).take(FAULTS_READ_MAX).collect();
        let mut faults = said(&errors, &self.source, value, self.subject);
        let more = faults.len().saturating_sub(FAULTS_SHOWN_MAX);
        faults.truncate(FAULTS_SHOWN_MAX);
        let mut faults: Vec<String> = faults.iter().map(|fault| cut(fault)).collect();
        if let Some(last) = faults.last_mut().filter(|_| more > 0) {
            last.push_str(&format!("; and {more} more faults"));
        }
        faults
    }
}

fn cut(text: &str) -> String {
    text.chars().take(FAULT_CHARS_MAX).collect()
}

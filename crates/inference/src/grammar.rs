//! Keeps an answer within a JSON schema: says before each token which ones may come, and
//! which ones must (they need no choice). The work is llguidance's; here its limits are
//! set and its faults become errors.

use llguidance::api::TopLevelGrammar;
use llguidance::toktrie::{InferenceCapabilities, SimpleVob};
use llguidance::{Matcher, ParserFactory};
use serde_json::Value;

use super::error::InferenceError;
use super::vocabulary::Vocabulary;

/// Makes grammars for one vocabulary.
pub(crate) struct Grammars {
    factory: ParserFactory,
}

/// The state of one constrained answer.
pub(crate) struct Grammar {
    matcher: Matcher,
}

impl Grammars {
    /// Prepares the vocabulary; takes a fraction of a second, once per model.
    pub(crate) fn new(vocabulary: &Vocabulary) -> Result<Self, InferenceError> {
        let capabilities = InferenceCapabilities {
            ff_tokens: true,
            ..Default::default()
        };
        let slices = llguidance::earley::SlicedBiasComputer::json_slices();
        let factory = ParserFactory::new(&vocabulary.environment(), capabilities, &slices);
        let mut factory = factory.map_err(|fault| InferenceError::Schema {
            reason: fault.to_string(),
        })?;
        factory.quiet();
        factory.limits_mut().verbose_errors = false;
        Ok(Self { factory })
    }

    /// A grammar for answers that match `schema`, written without optional white space.
    pub(crate) fn compile(&self, schema: &Value) -> Result<Grammar, InferenceError> {
        let mut schema = schema.clone();
        if let Value::Object(fields) = &mut schema {
            let options = serde_json::json!({ "whitespace_flexible": false });
            fields.insert("x-guidance".to_owned(), options);
        }
        let parser = self
            .factory
            .create_parser(TopLevelGrammar::from_json_schema(schema));
        let matcher = Matcher::new(parser);
        match matcher.get_error() {
            Some(reason) => Err(InferenceError::Schema { reason }),
            None => Ok(Grammar { matcher }),
        }
    }
}

impl Grammar {
    /// Tokens that must come next, already counted as said.
    pub(crate) fn forced(&mut self) -> Vec<u32> {
        self.matcher.consume_ff_tokens()
    }

    /// Tokens that may come next.
    pub(crate) fn allowed(&mut self) -> Result<SimpleVob, String> {
        self.matcher
            .compute_mask_or_eos()
            .map_err(|fault| fault.to_string())
    }

    /// Counts `token` as said.
    pub(crate) fn accept(&mut self, token: u32) -> Result<(), String> {
        self.matcher
            .consume_token(token)
            .map_err(|fault| fault.to_string())
    }

    /// Whether the answer is complete and nothing may follow.
    pub(crate) fn complete(&self) -> bool {
        self.matcher.is_stopped()
    }
}

//! Messages of types of one's own between agents.

use crate::error::Error;
use leadhand_protocol::AgentId;
use leadhand_protocol::coordination::{Delivered, NameError, Payload, PrimitiveName, QuestionId};
use leadhand_runtime::{RequestError, RunHandle};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// A type of messages that agents send each other. Registered with
/// [`crate::Builder::message_type`], each message of it is held against its schema before it is
/// delivered.
///
/// ```
/// #[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
/// struct Offer { cents: u64 }
///
/// impl leadhand::MessageType for Offer {
///     const NAME: &'static str = "offer";
///     const VERSION: u32 = 1;
/// }
/// ```
pub trait MessageType: Serialize + DeserializeOwned + JsonSchema + Send + Sync {
    /// Its name, which no other type of the run has.
    const NAME: &'static str;
    /// Its version, from 1.
    const VERSION: u32;

    /// Makes a value of this version out of one of an older version.
    ///
    /// # Errors
    /// Why that cannot be done. Unless this is written there is no older version.
    fn upgrade(version: u32, _value: Value) -> Result<Value, String> {
        Err(format!(
            "there is no way from version {version} of `{}` to version {}",
            Self::NAME,
            Self::VERSION
        ))
    }
}

/// What a [`RunHandle`] does with messages of a type of one's own.
pub trait TypedMessages {
    /// Gives a message to all who have subscribed to a topic; gives how many that are.
    ///
    /// # Errors
    /// [`RequestError`].
    fn publish_typed<T: MessageType>(
        &self,
        topic: &str,
        message: &T,
    ) -> impl Future<Output = Result<u32, RequestError>> + Send;

    /// Waits for the next message of the inbox.
    ///
    /// # Errors
    /// [`RequestError`]; refused when it is of another type, and then it is taken out all the same.
    fn receive_typed<T: MessageType>(
        &self,
        wait: Option<Duration>,
    ) -> impl Future<Output = Result<Received<T>, RequestError>> + Send;

    /// Asks another agent, and waits for the answer.
    ///
    /// # Errors
    /// [`RequestError`]; refused when the answer is of another type.
    fn ask_typed<T: MessageType, Answer: MessageType>(
        &self,
        to: AgentId,
        question: &T,
        wait: Option<Duration>,
    ) -> impl Future<Output = Result<Answer, RequestError>> + Send;

    /// Answers a question that was put to this agent.
    ///
    /// # Errors
    /// [`RequestError`].
    fn answer_typed<T: MessageType>(
        &self,
        question: QuestionId,
        answer: &T,
    ) -> impl Future<Output = Result<(), RequestError>> + Send;
}

/// A message as it comes out of an inbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received<T> {
    /// Who sent it.
    pub from: AgentId,
    /// The question that waits for an answer, if it is one.
    pub question: Option<QuestionId>,
    /// What it says.
    pub message: T,
}

impl TypedMessages for RunHandle {
    async fn publish_typed<T: MessageType>(
        &self,
        topic: &str,
        message: &T,
    ) -> Result<u32, RequestError> {
        let payload = payload(message);
        self.publish(topic, payload?).await
    }

    async fn receive_typed<T: MessageType>(
        &self,
        wait: Option<Duration>,
    ) -> Result<Received<T>, RequestError> {
        let (from, question, payload) = match self.receive(wait).await? {
            Delivered::Published { from, payload, .. } => (from, None, payload),
            Delivered::Question {
                question,
                from,
                payload,
            } => (from, Some(question), payload),
        };
        Ok(Received {
            from,
            question,
            message: read(payload)?,
        })
    }

    async fn ask_typed<T: MessageType, Answer: MessageType>(
        &self,
        to: AgentId,
        question: &T,
        wait: Option<Duration>,
    ) -> Result<Answer, RequestError> {
        let payload = payload(question);
        read(self.ask(Some(to), payload?, wait).await?)
    }

    async fn answer_typed<T: MessageType>(
        &self,
        question: QuestionId,
        answer: &T,
    ) -> Result<(), RequestError> {
        let payload = payload(answer);
        self.answer(question, payload?).await
    }
}

fn payload<T: MessageType>(message: &T) -> Result<Payload, RequestError> {
    let value = serde_json::to_value(message).map_err(|error| unlike::<T>(&error.to_string()))?;
    Ok(Payload {
        kind: PrimitiveName::new(T::NAME)?,
        version: T::VERSION,
        value: Arc::new(value),
    })
}

/// The message that a payload holds; one of an older version is brought up to this one.
fn read<T: MessageType>(payload: Payload) -> Result<T, RequestError> {
    if payload.kind.as_str() != T::NAME || payload.version > T::VERSION {
        let found = format!("it is version {} of `{}`", payload.version, payload.kind);
        return Err(unlike::<T>(&found));
    }
    let value = Arc::unwrap_or_clone(payload.value);
    let value = match payload.version {
        version if version < T::VERSION => T::upgrade(version, value),
        _ => Ok(value),
    };
    let value = value.map_err(|why| unlike::<T>(&why))?;
    serde_json::from_value(value).map_err(|error| unlike::<T>(&error.to_string()))
}

fn unlike<T: MessageType>(why: &str) -> RequestError {
    let (name, version) = (T::NAME, T::VERSION);
    RequestError::Refused(format!(
        "no message of version {version} of `{name}`: {why}"
    ))
}

/// A type as the run knows it.
pub(crate) fn described<T: MessageType>() -> Result<leadhand_protocol::MessageType, Error> {
    let fault = |why: String| Error::MessageType {
        name: T::NAME.to_owned(),
        why,
    };
    PrimitiveName::new(T::NAME).map_err(|error: NameError| fault(error.fault))?;
    if T::NAME == Payload::TEXT {
        return Err(fault("this name is taken; give it another one".to_owned()));
    }
    if T::VERSION == 0 {
        return Err(fault("its version is 0; versions begin with 1".to_owned()));
    }
    Ok(leadhand_protocol::MessageType {
        name: T::NAME.to_owned(),
        version: T::VERSION,
        schema: schemars::schema_for!(T).to_value(),
    })
}

#[cfg(test)]
mod tests {
    use super::{MessageType, read};
    use leadhand_protocol::coordination::{Payload, PrimitiveName};
    use schemars::JsonSchema;
    use serde::{Deserialize, Serialize};
    use serde_json::{Value, json};
    use std::sync::Arc;

    #[derive(Serialize, Deserialize, JsonSchema)]
    struct Offer {
        cents: u64,
    }

    impl MessageType for Offer {
        const NAME: &'static str = "offer";
        const VERSION: u32 = 2;

        fn upgrade(_: u32, value: Value) -> Result<Value, String> {
            let euros = value["euros"].as_u64().ok_or("`euros` is no number")?;
            Ok(json!({ "cents": euros * 100 }))
        }
    }

    fn check(kind: &str, version: u32, value: Value, expected: Result<u64, &str>) {
        let payload = Payload {
            kind: PrimitiveName::new(kind).expect("it is a name"),
            version,
            value: Arc::new(value),
        };
        let found = read::<Offer>(payload).map(|offer| offer.cents);
        let found = found.map_err(|error| error.to_string());
        assert_eq!(found, expected.map_err(str::to_owned));
    }

    #[test]
    fn an_older_version_is_brought_up_and_nothing_else_is_taken_for_one() {
        check("offer", 2, json!({"cents": 7}), Ok(7));
        check("offer", 1, json!({"euros": 7}), Ok(700));
        check(
            "offer",
            1,
            json!({"cents": 7}),
            Err("no message of version 2 of `offer`: `euros` is no number"),
        );
        check(
            "offer",
            3,
            json!({"cents": 7}),
            Err("no message of version 2 of `offer`: it is version 3 of `offer`"),
        );
        check(
            "bid",
            1,
            json!({"cents": 7}),
            Err("no message of version 2 of `offer`: it is version 1 of `bid`"),
        );
    }
}

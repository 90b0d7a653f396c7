//! The tools that are part of the program: each is a component and its card, which lie beside each
//! other in `sandbox/tools`. The card says what the component was found to be when it was built,
//! so a host knows its tools without compiling it.

use crate::SandboxError;
use crate::card::{Card, Shipped};

/// A component of the program.
pub(crate) struct Standard {
    /// The folder it is built from.
    pub(crate) name: &'static str,
    pub(crate) bytes: &'static [u8],
    card: &'static str,
}

macro_rules! standard {
    ($name:literal) => {
        Standard {
            name: $name,
            bytes: include_bytes!(concat!(
                "../../../sandbox/tools/",
                $name,
                "/",
                $name,
                ".wasm"
            )),
            card: include_str!(concat!(
                "../../../sandbox/tools/",
                $name,
                "/",
                $name,
                ".card.json"
            )),
        }
    };
}

/// All of them, in the order of their tools.
pub(crate) static STANDARD: [Standard; 6] = [
    standard!("files"),
    standard!("data"),
    standard!("text"),
    standard!("date"),
    standard!("web"),
    standard!("calculate"),
];

impl Standard {
    /// What the card says, which is held against the component when that is loaded.
    pub(crate) fn card(&self) -> Result<Card, SandboxError> {
        match Shipped::read(self.card) {
            Ok(shipped) => Ok(shipped.card),
            Err(error) => Err(SandboxError::Differs {
                component: self.name.to_owned(),
                difference: format!("its card cannot be read: {error}"),
            }),
        }
    }
}

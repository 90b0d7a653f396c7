//! What is known of a component without its code: what its checks found. A card lies in the cache
//! beside compiled code, and in `sandbox/tools` beside each standard component.

use leadhand_protocol::{ContentHash, ToolSpec};
use serde::{Deserialize, Serialize};

/// What the checks of a component found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Card {
    pub(crate) specs: Vec<ToolSpec>,
    /// Whether it imports an interface to files, the one to the network, and one of WASI.
    pub(crate) files: bool,
    pub(crate) net: bool,
    pub(crate) wasi: bool,
    /// Slots of the pool that an instance takes.
    pub(crate) slots: u32,
}

/// The card of a standard component as it lies in a file, with the hash of the bytes it was made
/// from: `cargo xtask check-tools` sees by it that a card was forgotten.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Shipped {
    component: ContentHash,
    pub(crate) card: Card,
}

impl Shipped {
    pub(crate) fn read(text: &str) -> serde_json::Result<Self> {
        serde_json::from_str(text)
    }

    /// The text of the file, for a card that was made from these bytes.
    pub(crate) fn text(card: Card, bytes: &[u8]) -> String {
        let shipped = Self {
            component: ContentHash::of(bytes),
            card,
        };
        let text = serde_json::to_string_pretty(&shipped).expect("a card is plain data");
        text + "\n"
    }
}

impl Card {
    /// The first thing in which a component that was found differs from this card, in words.
    pub(crate) fn difference(&self, found: &Self) -> Option<String> {
        if self == found {
            return None;
        }
        for known in &self.specs {
            match found.specs.iter().find(|spec| spec.name == known.name) {
                None => return Some(format!("it has no tool `{}`", known.name)),
                Some(spec) if spec != known => {
                    return Some(format!("its tool `{}` is described otherwise", known.name));
                }
                Some(_) => {}
            }
        }
        let is_known = |spec: &&ToolSpec| self.specs.iter().any(|known| known.name == spec.name);
        if let Some(spec) = found.specs.iter().find(|spec| !is_known(spec)) {
            return Some(format!("it has one more tool, `{}`", spec.name));
        }
        let imports = |card: &Self| [card.files, card.net, card.wasi];
        if imports(self) != imports(found) {
            return Some("it imports something else".to_owned());
        }
        if self.slots != found.slots {
            let (known, found) = (self.slots, found.slots);
            return Some(format!(
                "an instance of it takes {found} slots, not {known}"
            ));
        }
        Some("its tools come in another order".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::Card;
    use crate::standard::STANDARD;
    use leadhand_protocol::Effect;

    #[track_caller]
    fn check(change: impl FnOnce(&mut Card), expected: Option<&str>) {
        let data = STANDARD.iter().find(|standard| standard.name == "data");
        let card = data.unwrap().card().unwrap();
        let mut found = card.clone();
        change(&mut found);
        assert_eq!(card.difference(&found).as_deref(), expected);
    }

    #[test]
    fn a_difference_is_said_in_words() {
        check(|_| (), None);
        check(
            |found| drop(found.specs.remove(0)),
            Some("it has no tool `query_json`"),
        );
        check(
            |found| found.specs[1].effect = Effect::Once,
            Some("its tool `read_csv` is described otherwise"),
        );
        check(
            |found| {
                let mut more = found.specs[0].clone();
                more.name = "write_csv".to_owned();
                found.specs.push(more);
            },
            Some("it has one more tool, `write_csv`"),
        );
        check(|found| found.net = true, Some("it imports something else"));
        check(
            |found| found.slots = 3,
            Some("an instance of it takes 3 slots, not 1"),
        );
        check(
            |found| found.specs.reverse(),
            Some("its tools come in another order"),
        );
    }
}

//! What the keys of a role file may hold. An error is what follows the key in the message.

use crate::front_matter::Node;
use crate::role_file::NAME_CHARS_MAX;
use leadhand_protocol::{Capability, Grant};
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::StrDeserializer;

/// Highest sampling temperature, in thousandths; what OpenAI-compatible endpoints take.
const TEMPERATURE_MILLI_MAX: u32 = 2_000;
/// Most money that a role may be bounded by, in millionths of a US dollar.
const MICRO_USD_MAX: f64 = 1e15;

pub(crate) fn text(node: &Node) -> Result<&str, String> {
    match node {
        Node::Text(text) => Ok(text.trim()),
        Node::List(_) | Node::Map(_) => Err("must be a text".to_owned()),
    }
}

pub(crate) fn name(node: &Node) -> Result<String, String> {
    let name = text(node)?;
    if name.chars().count() > NAME_CHARS_MAX || name.chars().any(char::is_control) {
        return Err(format!(
            "must have at most {NAME_CHARS_MAX} characters, and no control character among them"
        ));
    }
    Ok(name.to_owned())
}

pub(crate) fn list(node: &Node) -> Result<Vec<String>, String> {
    match node {
        Node::Text(text) => Ok(split_at_commas(text)),
        Node::List(items) => items
            .iter()
            .map(|item| text(item).map(str::to_owned))
            .collect(),
        Node::Map(_) => Err("must be a list, or names separated by commas".to_owned()),
    }
}

/// Commas within parentheses separate nothing: `Bash(git log:*, git diff:*), Read`.
fn split_at_commas(text: &str) -> Vec<String> {
    let mut depth = 0_usize;
    let separates = |character: char| {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        character == ',' && depth == 0
    };
    text.split(separates)
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

pub(crate) fn count(node: &Node) -> Result<u32, String> {
    let text = text(node)?;
    text.parse()
        .map_err(|_| format!("must be a whole number, not `{text}`"))
}

/// A bound of what may be spent: nothing at all would be an oversight.
pub(crate) fn bound(node: &Node) -> Result<u64, String> {
    let text = text(node)?;
    match text.parse() {
        Ok(0) | Err(_) => Err(format!("must be a whole number above zero, not `{text}`")),
        Ok(bound) => Ok(bound),
    }
}

/// Dollars as millionths of a dollar.
pub(crate) fn micro_usd(node: &Node) -> Result<u64, String> {
    let text = text(node)?;
    let micro = text.parse::<f64>().ok().map(|usd| (usd * 1e6).round());
    match micro {
        // Exact: the value is a whole number far below 2^53.
        Some(micro) if (1.0..=MICRO_USD_MAX).contains(&micro) => Ok(micro as u64),
        _ => Err(format!(
            "must be a number of dollars above zero, not `{text}`"
        )),
    }
}

pub(crate) fn temperature_milli(node: &Node) -> Result<u32, String> {
    let text = text(node)?;
    let milli = text
        .parse::<f64>()
        .ok()
        .map(|degrees| (degrees * 1_000.0).round());
    match milli {
        // Exact: the value is a whole number between 0 and 2,000.
        Some(milli) if (0.0..=f64::from(TEMPERATURE_MILLI_MAX)).contains(&milli) => {
            Ok(milli as u32)
        }
        _ => Err(format!("must be a number from 0 to 2, not `{text}`")),
    }
}

pub(crate) fn grants(node: &Node) -> Result<Vec<Grant>, String> {
    let Node::List(items) = node else {
        return Err("must be a list such as `[fs.read docs/**, fs.write docs/*.md]`".to_owned());
    };
    items.iter().map(grant).collect()
}

fn grant(node: &Node) -> Result<Grant, String> {
    let (capability, resource) = match node {
        Node::Text(text) => {
            let text = text.trim();
            text.split_once(' ')
                .map_or((text, "**"), |(name, resource)| (name, resource.trim()))
        }
        Node::Map(entries) => {
            let field = |key: &str| {
                let entry = entries.iter().find(|entry| entry.key == key);
                entry.map(|entry| text(&entry.node)).transpose()
            };
            if let Some(entry) = entries
                .iter()
                .find(|entry| !matches!(entry.key.as_str(), "capability" | "resource"))
            {
                return Err(format!("has a grant with the unknown key `{}`", entry.key));
            }
            (
                field("capability")?.unwrap_or_default(),
                field("resource")?.unwrap_or("**"),
            )
        }
        Node::List(_) => return Err("has a list where a grant should be".to_owned()),
    };
    let name: StrDeserializer<'_, serde::de::value::Error> = capability.into_deserializer();
    let capability = Capability::deserialize(name)
        .map_err(|_| format!("names the capability `{capability}`, which does not exist; write `fs.read` or `fs.write` and a glob"))?;
    Ok(Grant {
        capability,
        resource: resource.to_owned(),
    })
}

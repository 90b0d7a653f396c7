//! Links of a page made absolute (RFC 3986, 5.2).

use iri_string::types::{IriAbsoluteStr, IriReferenceStr};

/// Longest link that is kept, in bytes. Longer ones carry state, not places.
const LINK_BYTES_MAX: usize = 500;

/// What a link on a page leads to; none when it leads nowhere else or cannot be followed.
pub fn absolute(base: &str, link: &str) -> Option<String> {
    let link = link.trim();
    if link.is_empty() || link.starts_with('#') || link.len() > LINK_BYTES_MAX {
        return None;
    }
    // Browsers take these as they are; in Markdown they would end the link.
    let mut clean = String::with_capacity(link.len());
    for character in link.chars() {
        match character {
            '\t' | '\n' | '\r' => {}
            ' ' => clean.push_str("%20"),
            '(' => clean.push_str("%28"),
            ')' => clean.push_str("%29"),
            '\\' => clean.push('/'),
            '<' | '>' | '"' | '{' | '}' | '|' | '^' | '`' => {
                clean.push_str(&format!("%{:02X}", u32::from(character)));
            }
            _ => clean.push(character),
        }
    }
    let base = base.split('#').next().unwrap_or(base);
    let base = IriAbsoluteStr::new(base).ok()?;
    let reference = IriReferenceStr::new(&clean).ok()?;
    let whole = reference.resolve_against(base).to_string();
    let schemes = ["http:", "https:", "mailto:"];
    let lower = whole.to_ascii_lowercase();
    schemes
        .iter()
        .any(|scheme| lower.starts_with(scheme))
        .then_some(whole)
}

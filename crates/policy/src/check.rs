//! Rules that do nothing, or that contradict each other. What is told holds; of patterns that
//! cannot be compared within the bounds nothing is told.

use crate::date;
use crate::rule::{CompiledRule, Names, source};
use leadhand_protocol::{Capability, Decision, Rule};
use leadhand_resource::{Host, Pattern, UrlPattern, is_internal};
use serde::Serialize;

/// Steps for comparing two rules.
const STEPS_PER_PAIR_MAX: usize = 2_000;
/// Pairs of rules that are compared; of what is over nothing is told.
const PAIRS_MAX: usize = 4_000_000;

/// Something about a rule that its writer will want to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PolicyFinding {
    /// Where the rule stands: file and line.
    pub source: String,
    /// What is about it.
    pub kind: PolicyFindingKind,
    /// The same in a sentence, with the other rule if there is one.
    pub message: String,
}

/// What can be about a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PolicyFindingKind {
    /// It cannot be read.
    Unreadable,
    /// It says the opposite of another rule about the very same calls.
    Contradicted,
    /// A stronger rule covers all that it is about, so that it never decides.
    Shadowed,
    /// Another rule says the same about all of it and more.
    Redundant,
    /// There is nothing that it could ever be about.
    Empty,
    /// Its time is over.
    Expired,
}

/// Looks for rules that do nothing at this time, in the order of the rules.
///
/// ```
/// use leadhand_policy::{check, parse_rules};
/// let text = "[[rules]]\ndecision = \"deny\"\nresource = \"a/**\"\n[[rules]]\ndecision = \"allow\"\nresource = \"a/b\"\n";
/// let findings = check(&parse_rules("p.toml", text)?, 0);
/// assert_eq!(findings[0].message, "never decides: the rule `deny a/**` (p.toml:1) covers all that it is about");
/// # Ok::<(), leadhand_policy::PolicyError>(())
/// ```
#[must_use]
pub fn check(rules: &[Rule], now_ms: u64) -> Vec<PolicyFinding> {
    let compiled: Vec<Result<CompiledRule, String>> =
        rules.iter().map(CompiledRule::compile).collect();
    let mut pairs_left = PAIRS_MAX;
    let mut findings = Vec::new();
    for (place, rule) in compiled.iter().enumerate() {
        let found = match rule {
            Err(why) => Some((PolicyFindingKind::Unreadable, why.clone())),
            Ok(rule) => expired(rule, now_ms)
                .or_else(|| empty(rule))
                .or_else(|| overruled(&compiled, place, rule, now_ms, &mut pairs_left)),
        };
        if let Some((kind, message)) = found {
            findings.push(PolicyFinding {
                source: source(&rules[place]).to_owned(),
                kind,
                message,
            });
        }
    }
    findings
}

type Found = (PolicyFindingKind, String);

fn expired(rule: &CompiledRule, now_ms: u64) -> Option<Found> {
    let until_ms = rule.until_ms.filter(|_| !rule.counts_at(now_ms))?;
    let message = format!(
        "no longer counts: it held until {}",
        date::written(until_ms)
    );
    Some((PolicyFindingKind::Expired, message))
}

/// What a URL is judged as is said by its host where that is an address or `localhost`, so a
/// rule of the other capability never meets it.
fn empty(rule: &CompiledRule) -> Option<Found> {
    let wants_internal = match rule.capability {
        Some(Capability::Net) => false,
        Some(Capability::NetInternal) => true,
        _ => return None,
    };
    let mut urls = rule.patterns.iter().flatten().filter_map(|it| match it {
        Pattern::Urls(patterns) => Some(patterns),
        Pattern::Paths(_) | Pattern::Names(_) => None,
    });
    let is_other = |pattern: &UrlPattern| match pattern.host() {
        Host::Address(address) => is_internal(*address) != wants_internal,
        Host::Name(name) => !wants_internal && is_own(name),
        Host::Below(name) => !wants_internal && is_own(name),
        Host::Any => false,
    };
    let patterns = urls.next()?;
    if patterns.is_empty() || !patterns.iter().all(is_other) {
        return None;
    }
    let (wrong, right) = if wants_internal {
        ("a public", Capability::Net)
    } else {
        ("an internal", Capability::NetInternal)
    };
    let message = format!("never matches: {wrong} address is judged as `{right}`, so write that");
    Some((PolicyFindingKind::Empty, message))
}

fn is_own(name: &str) -> bool {
    name == "localhost" || name.ends_with(".localhost")
}

fn overruled(
    compiled: &[Result<CompiledRule, String>],
    place: usize,
    rule: &CompiledRule,
    now_ms: u64,
    pairs_left: &mut usize,
) -> Option<Found> {
    let mut redundant = None;
    for (other_place, other) in compiled.iter().enumerate() {
        let Ok(other) = other else { continue };
        let is_weaker = other.decision < rule.decision;
        let gives_way = other.unless_allowed && rule.decision == Decision::Allow;
        if other_place == place || is_weaker || gives_way || !other.counts_at(now_ms) {
            continue;
        }
        *pairs_left = pairs_left.checked_sub(1)?;
        if !includes(other, rule) {
            continue;
        }
        if other.decision == rule.decision {
            // Of two that say the same the later one is told of.
            let says_all = other.untrusted || !rule.untrusted;
            if says_all && (other_place < place || !includes(rule, other)) {
                redundant.get_or_insert(other);
            }
            continue;
        }
        return Some(if includes(rule, other) {
            let message =
                format!("never decides: the rule {other} says the opposite about the same calls");
            (PolicyFindingKind::Contradicted, message)
        } else {
            let message = format!("never decides: the rule {other} covers all that it is about");
            (PolicyFindingKind::Shadowed, message)
        });
    }
    redundant.map(|other| {
        let message = format!("adds nothing: the rule {other} says the same, and as much or more");
        (PolicyFindingKind::Redundant, message)
    })
}

/// Whether `wide` is about all that `narrow` is about, for at least as long.
fn includes(wide: &CompiledRule, narrow: &CompiledRule) -> bool {
    let capabilities = match (wide.capability, narrow.capability) {
        (None, _) => true,
        (Some(wide), Some(narrow)) => wide == narrow,
        (Some(_), None) => false,
    };
    let lasts = match (wide.until_ms, narrow.until_ms) {
        (None, _) => true,
        (Some(wide), Some(narrow)) => wide >= narrow,
        (Some(_), None) => false,
    };
    let mut steps_left = STEPS_PER_PAIR_MAX;
    let mut names = |wide: &Names, narrow: &Names| wide.include(narrow, &mut steps_left);
    capabilities
        && lasts
        && names(&wide.tool, &narrow.tool)
        && names(&wide.role, &narrow.role)
        && names(&wide.task, &narrow.task)
        && patterns_include(wide, narrow)
}

fn patterns_include(wide: &CompiledRule, narrow: &CompiledRule) -> bool {
    let (of_wide, of_narrow) = match (&wide.patterns, &narrow.patterns) {
        (None, _) => return true,
        (Some(_), None) => return false,
        (Some(wide), Some(narrow)) => (wide, narrow),
    };
    let mut steps_left = STEPS_PER_PAIR_MAX;
    of_narrow.iter().all(|narrow_pattern| {
        // What closes is held against lower case.
        let narrow_pattern = match wide.decision {
            Decision::Allow => narrow_pattern.clone(),
            Decision::Ask | Decision::Deny => narrow_pattern.folded(),
        };
        of_wide
            .iter()
            .any(|pattern| pattern.includes(&narrow_pattern, &mut steps_left))
    })
}

//! Finds the rules that can be about a call without looking at all of them. Each rule stands
//! under one word that everything it covers has: the name of its tool, a folder or an ending of
//! its path, a host. Where it has several, it stands under the one that fewest others have.
//! What is found this way is only a candidate; whether it covers is looked at afterwards.

use crate::rule::CompiledRule;
use leadhand_protocol::Capability;
use leadhand_resource::{Host, NameGlob, Pattern, Resource, UrlPattern};
use std::collections::BTreeMap;

/// A word with what it is a word of, as a number. Two that are equal by chance bring a
/// candidate too many.
type Key = u64;
pub(crate) type Keys = Vec<Key>;

#[derive(Clone, Copy)]
enum Of {
    Tool = 1,
    Role,
    Task,
    Capability,
    PathName,
    Ending,
    Host,
    Name,
}

/// Rules by their words.
#[derive(Debug, Clone, Default)]
pub(crate) struct Index {
    /// Sorted by word, then by the place of the rule.
    by_key: Vec<(Key, u32)>,
    /// Where in `by_key` the words begin that begin with these bits; one more for the end.
    starts: Vec<u32>,
    /// How far a word is shifted to leave these bits.
    shift: u32,
    /// Rules without any word, in order.
    others: Vec<u32>,
}

impl Index {
    pub(crate) fn new(rules: &[CompiledRule]) -> Self {
        let choices: Vec<Vec<Keys>> = rules.iter().map(choices).collect();
        let mut times: BTreeMap<Key, usize> = BTreeMap::new();
        for key in choices.iter().flatten().flatten() {
            *times.entry(*key).or_default() += 1;
        }
        let mut index = Self::default();
        for (place, choices) in (0_u32..).zip(&choices) {
            let total = |keys: &&Keys| keys.iter().map(|key| times[key]).sum::<usize>();
            match choices.iter().min_by_key(total) {
                Some(keys) => index.by_key.extend(keys.iter().map(|key| (*key, place))),
                None => index.others.push(place),
            }
        }
        index.by_key.sort_unstable();
        index.by_key.dedup();
        index.find_starts();
        index
    }

    /// As [`Index::new`], with no rule under any word.
    pub(crate) fn of_nothing(rules: &[CompiledRule]) -> Self {
        let mut index = Self {
            others: (0..).take(rules.len()).collect(),
            ..Self::default()
        };
        index.find_starts();
        index
    }

    /// About as many beginnings as there are words: then about one word has each.
    fn find_starts(&mut self) {
        let bits = self
            .by_key
            .len()
            .next_power_of_two()
            .trailing_zeros()
            .max(1);
        self.shift = Key::BITS - bits;
        let beginnings = 0..=(1_u64 << bits);
        let start = |beginning| {
            let before = |(key, _): &(Key, u32)| key >> self.shift < beginning;
            u32::try_from(self.by_key.partition_point(before)).unwrap_or(u32::MAX)
        };
        self.starts = beginnings.map(start).collect();
    }

    /// Places of rules under this word, in order.
    pub(crate) fn under(&self, key: Key) -> impl Iterator<Item = usize> + '_ {
        let beginning = usize::try_from(key >> self.shift).unwrap_or(usize::MAX);
        let place = |beginning: usize| self.starts.get(beginning).map_or(0, |at| *at as usize);
        let alike = &self.by_key[place(beginning)..place(beginning.saturating_add(1))];
        alike
            .iter()
            .filter(move |(other, _)| *other == key)
            .map(|(_, place)| *place as usize)
    }

    /// Places of rules that stand under no word, in order.
    pub(crate) fn others(&self) -> impl Iterator<Item = usize> + '_ {
        self.others.iter().map(|place| *place as usize)
    }
}

/// The words of who calls: tool, role and task.
pub(crate) fn caller_keys(tool: &str, role: &str, task: &str) -> [Key; 3] {
    [
        key(Of::Tool, tool),
        key(Of::Role, role),
        key(Of::Task, task),
    ]
}

fn capability_key(capability: Capability) -> Key {
    key(Of::Capability, capability.as_str())
}

/// All words of what is wanted under which a rule about it can stand.
pub(crate) fn resource_keys(capability: Capability, resource: &Resource) -> Keys {
    let mut keys = Vec::with_capacity(12);
    keys.push(capability_key(capability));
    match resource {
        Resource::Path(path) => {
            let names = path.folded().split('/');
            path_keys(&mut keys, names.filter(|name| !name.is_empty()));
        }
        Resource::Url(url) => {
            path_keys(&mut keys, url.folded_names());
            match url.host_name() {
                Some(name) => {
                    let mut name = name;
                    keys.push(key(Of::Host, name));
                    while let Some((_, above)) = name.split_once('.') {
                        keys.push(key(Of::Host, above));
                        name = above;
                    }
                }
                None => keys.push(key(Of::Host, &url.host().to_string())),
            }
        }
        Resource::Name(name) => keys.push(key(Of::Name, name)),
        Resource::All(_) => {}
    }
    keys
}

fn path_keys<'a>(keys: &mut Keys, names: impl Iterator<Item = &'a str>) {
    for name in names {
        keys.push(key(Of::PathName, name));
        if let Some(dot) = name.rfind('.') {
            keys.push(key(Of::Ending, &name[dot..]));
        }
    }
}

/// The ways to put a rule under words: whatever it covers has one word of each.
fn choices(rule: &CompiledRule) -> Vec<Keys> {
    let scopes = [
        (Of::Tool, &rule.tool),
        (Of::Role, &rule.role),
        (Of::Task, &rule.task),
    ];
    let mut choices: Vec<Keys> = Vec::new();
    for (of, names) in scopes {
        if let Some(literals) = names.literals() {
            choices.push(literals.iter().map(|name| key(of, name)).collect());
        }
    }
    if let Some(capability) = rule.capability {
        choices.push(vec![capability_key(capability)]);
    }
    if let Some(patterns) = &rule.patterns {
        let alternatives: Vec<Keys> = patterns.iter().flat_map(alternatives).collect();
        let longest = alternatives.iter().map(Vec::len).max().unwrap_or(0);
        if alternatives.iter().all(|words| !words.is_empty()) {
            // The first word of each alternative, the second of each, and so on.
            for nth in 0..longest {
                let nth = |words: &Keys| words[nth.min(words.len() - 1)];
                choices.push(alternatives.iter().map(nth).collect());
            }
        }
    }
    choices
}

/// For each alternative of a pattern the words that all it covers has.
fn alternatives(pattern: &Pattern) -> Vec<Keys> {
    match pattern {
        Pattern::Paths(globs) => globs
            .iter()
            .map(|glob| glob.names().filter_map(name_key).collect())
            .collect(),
        Pattern::Urls(patterns) => patterns.iter().map(url_keys).collect(),
        Pattern::Names(globs) => globs
            .iter()
            .map(|glob| {
                let literal = glob.literal();
                literal
                    .map(|name| key(Of::Name, name))
                    .into_iter()
                    .collect()
            })
            .collect(),
    }
}

fn url_keys(pattern: &UrlPattern) -> Keys {
    let host = match pattern.host() {
        Host::Any => None,
        Host::Name(name) | Host::Below(name) => Some(key(Of::Host, name)),
        host @ Host::Address(_) => Some(key(Of::Host, &host.to_string())),
    };
    let names = pattern
        .path()
        .into_iter()
        .flat_map(leadhand_resource::PathGlob::names);
    host.into_iter().chain(names.filter_map(name_key)).collect()
}

fn name_key(glob: &NameGlob) -> Option<Key> {
    let folded = glob.folded();
    match folded.literal() {
        Some(name) => Some(key(Of::PathName, name)),
        None => Some(key(Of::Ending, &folded.ending()?)),
    }
}

/// FNV-1a, 64 bits, and once more multiplied to spread the first bits.
fn key(of: Of, text: &str) -> Key {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325 ^ of as u64;
    for byte in text.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

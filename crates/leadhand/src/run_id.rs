//! Ids of new runs: the time, so that they sort, and chance, so that two at once differ.

use leadhand_protocol::RunId;
use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

fn written(mut number: u64, digits: usize) -> String {
    let mut text = vec![b'0'; digits];
    for place in text.iter_mut().rev() {
        *place = DIGITS[(number % 32) as usize];
        number /= 32;
    }
    text.into_iter().map(char::from).collect()
}

/// Thrown once and counted up: of a million runs that begin in one millisecond in one process no
/// two have one id. If each threw for itself, a thousand would be enough for two that do.
static CHANCE: LazyLock<AtomicU64> =
    LazyLock::new(|| AtomicU64::new(RandomState::new().hash_one(0)));

/// A fresh id: nine digits of time in milliseconds and four of chance, in base 32 without the
/// letters that look like others.
pub(crate) fn fresh(now_ms: u64) -> RunId {
    let chance = CHANCE.fetch_add(1, Ordering::Relaxed);
    let text = format!("{}-{}", written(now_ms, 9), written(chance, 4));
    RunId::new(text).expect("base-32 digits and a hyphen are a valid id")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn ids_sort_by_time() {
        let ids: Vec<RunId> = [1, 40, 1_700_000_000_000, 1_700_000_000_001]
            .map(fresh)
            .into();
        assert!(ids.is_sorted());
    }

    #[test]
    fn runs_that_begin_at_once_have_ids_of_their_own() {
        let ids: BTreeSet<RunId> = (0..100_000).map(|_| fresh(7)).collect();
        assert_eq!(ids.len(), 100_000);
    }
}

//! Chance and the clock as one call has them: the system's with a grant, and without one made of
//! the seed and of the number of readings, so that equal calls see equal values.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How far a clock that is not granted goes on with each reading: far enough that a guest which
/// waits for a second by reading it comes to an end.
const READING: Duration = Duration::from_millis(1);

/// Where random bytes come from.
#[derive(Debug)]
pub(crate) enum Chance {
    /// The system, which nobody can foresee.
    System,
    /// The state of `SplitMix64` (Steele, Lea, Flood: Fast splittable pseudorandom number
    /// generators, 2014), begun at the seed of the call.
    Seeded(u64),
}

impl Chance {
    pub(crate) fn bytes(&mut self, length: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        match self {
            Self::System => getrandom::fill(&mut bytes).map_err(io::Error::other)?,
            Self::Seeded(state) => {
                for chunk in bytes.chunks_mut(8) {
                    chunk.copy_from_slice(&split_mix(state).to_le_bytes()[..chunk.len()]);
                }
            }
        }
        Ok(bytes)
    }

    pub(crate) fn number(&mut self) -> io::Result<u64> {
        let bytes = self.bytes(8)?;
        Ok(bytes
            .iter()
            .fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }
}

fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// The time as one call sees it.
#[derive(Debug)]
pub(crate) enum CallClock {
    /// Granted: the time of day when the call began, and what has passed since.
    Real { start_ms: u64, began: Instant },
    /// Not granted: begins at 0 and goes on with each reading.
    Virtual { readings: AtomicU64 },
}

impl CallClock {
    pub(crate) fn new(granted: bool, start_ms: u64) -> Self {
        if granted {
            Self::Real {
                start_ms,
                began: Instant::now(),
            }
        } else {
            Self::Virtual {
                readings: AtomicU64::new(0),
            }
        }
    }

    /// Since the Unix epoch.
    pub(crate) fn time_of_day(&self) -> Duration {
        match self {
            Self::Real { start_ms, began } => Duration::from_millis(*start_ms) + began.elapsed(),
            Self::Virtual { readings } => Self::reading(readings),
        }
    }

    /// Since the call began.
    pub(crate) fn passed(&self) -> Duration {
        match self {
            Self::Real { began, .. } => began.elapsed(),
            Self::Virtual { readings } => Self::reading(readings),
        }
    }

    fn reading(readings: &AtomicU64) -> Duration {
        let before = readings.fetch_add(1, Ordering::Relaxed);
        READING * u32::try_from(before).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_seeds_give_equal_bytes() {
        let bytes = |seed, length| Chance::Seeded(seed).bytes(length).unwrap();
        assert_eq!(bytes(7, 20), bytes(7, 20));
        assert_eq!(bytes(7, 20)[..8], bytes(7, 8));
        assert_ne!(bytes(7, 20), bytes(8, 20));
        // The first outputs of the published generator for seed 1234567.
        let mut state = 1_234_567;
        let outputs = [split_mix(&mut state), split_mix(&mut state)];
        assert_eq!(
            outputs,
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]
        );
        assert_ne!(
            Chance::System.bytes(32).unwrap(),
            Chance::System.bytes(32).unwrap()
        );
    }

    #[test]
    fn a_clock_that_is_not_granted_counts_its_readings() {
        let clock = CallClock::new(false, 1_700_000_000_000);
        let read = [clock.time_of_day(), clock.passed(), clock.time_of_day()];
        assert_eq!(read, [0, 1, 2].map(Duration::from_millis));
        let clock = CallClock::new(true, 1_700_000_000_000);
        assert!(clock.time_of_day() >= Duration::from_millis(1_700_000_000_000));
    }
}

//! Numbers that look like chance and are not: the same seed gives the same numbers for ever, on
//! every machine. `SplitMix64` (Steele, Lea, Flood: Fast splittable pseudorandom number
//! generators, 2014), whose whole state is one number.

/// A source of numbers that are all decided by its seed.
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// The numbers of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number, any of all.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mixed(self.0)
    }

    /// A number from 0 to `bound - 1`; 0 for a bound of 0. The bias of the remainder does not
    /// matter for bounds this small.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.number() % bound.max(1)
    }

    /// A number from `from` to `to`, both of them possible.
    pub fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.below(to.saturating_sub(from) + 1)
    }

    /// As [`Chance::between`], for small numbers.
    pub fn small(&mut self, from: u32, to: u32) -> u32 {
        u32::try_from(self.between(u64::from(from), u64::from(to))).unwrap_or(to)
    }

    /// True this often in a hundred times.
    pub fn hits(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of several.
    ///
    /// # Panics
    /// When there is none: a choice out of nothing is a defect of the caller.
    pub fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        let at = usize::try_from(self.below(of.len() as u64)).expect("an index is small");
        of[at].clone()
    }
}

/// A number that depends on all of `of` and on nothing else.
#[must_use]
pub(crate) fn number_of(of: [u64; 3]) -> u64 {
    of.into_iter().fold(0, |sum, one| {
        mixed(sum.wrapping_add(one).wrapping_add(0x9E37_79B9_7F4A_7C15))
    })
}

fn mixed(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::Chance;

    /// Those that Vigna's reference implementation gives for the seed 1234567.
    #[test]
    fn a_seed_gives_the_numbers_that_the_reference_gives() {
        let mut chance = Chance::new(1_234_567);
        let numbers: Vec<u64> = (0..3).map(|_| chance.number()).collect();
        assert_eq!(
            numbers,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423
            ]
        );
    }
}

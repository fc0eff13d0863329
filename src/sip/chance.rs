//! Unpredictable identifiers from one seed, so that the core itself needs no randomness.

use std::fmt;

use sha2::{Digest as _, Sha256};

/// A stream of unpredictable values: SHA-256 of seed and counter. Two with equal seeds give equal values.
#[derive(Clone)]
pub struct Chance {
    seed: [u8; 32],
    counter: u64,
}

impl Chance {
    /// Starts a stream.
    #[must_use]
    pub const fn new(seed: [u8; 32]) -> Self {
        Self { seed, counter: 0 }
    }

    /// The next 128 bits.
    pub fn next_u128(&mut self) -> u128 {
        self.counter = self.counter.wrapping_add(1);
        let hash = Sha256::new().chain_update(self.seed).chain_update(self.counter.to_be_bytes()).finalize();
        hash.iter().take(16).fold(0, |sum, byte| (sum << 8) | u128::from(*byte))
    }

    /// A number below `bound`; 0 when `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        let value = self.next_u128() & u128::from(u64::MAX);
        u64::try_from((value * u128::from(bound)) >> 64).unwrap_or(0)
    }

    /// A token of 16 hex digits (64 bits; RFC 3261 19.3 asks for 32 at least).
    pub fn token(&mut self) -> String {
        format!("{:016x}", self.next_u128() >> 64)
    }

    /// A new Via branch with the cookie of RFC 3261 8.1.1.7.
    pub fn branch(&mut self) -> String {
        format!("z9hG4bK-{:016x}", self.next_u128() >> 64)
    }
}

impl fmt::Debug for Chance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Chance")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_seeds_give_equal_streams_and_values_do_not_repeat() {
        let mut one = Chance::new([7; 32]);
        let mut two = Chance::new([7; 32]);
        let first = one.token();
        assert_eq!(first, two.token());
        assert_ne!(first, one.token());
        assert_eq!(first.len(), 16);
    }

    #[test]
    fn below_stays_below() {
        let mut chance = Chance::new([1; 32]);
        assert!((0..1000).all(|_| chance.below(191) < 191));
        assert_eq!(chance.below(0), 0);
    }
}

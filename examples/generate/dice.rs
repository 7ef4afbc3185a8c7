//! Numbers that decide what a scenario looks like.

/// SplitMix64.
pub(crate) struct Dice(u64);

impl Dice {
    /// Those of a seed.
    pub(crate) fn new(seed: u64) -> Self {
        // Mixed first: those of neighbours would be the same, one step apart.
        let mixed = Self(seed ^ 0x5DEE_CE66_D1CE_4E5B).next();
        Self(mixed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ z >> 31
    }

    /// Below `n`.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    /// One of these.
    pub(crate) fn one<'w, T: ?Sized>(&mut self, words: &[&'w T]) -> &'w T {
        words[self.below(words.len())]
    }

    /// True so often in a hundred.
    pub(crate) fn percent(&mut self, n: usize) -> bool {
        self.below(100) < n
    }
}

//! A radix heap of base 64: the later a key, the coarser the bin it lies in.
//!
//! A bin is (level, digit): the level is that of the highest base-64 digit in which the key's time differs from the
//! `base`, and the digit is the key's own there. The first bin that is not empty therefore holds the first keys. When
//! its turn comes, the base moves up to its earliest key and the others in it fall to lower levels: at most eleven times
//! in the life of a key, in practice once or twice.

use super::key::Key;
use super::near::Near;
use crate::units::Time;

/// Bits of a digit.
const BITS: u32 = 6;
/// Digits at a level.
const DIGITS: usize = 1 << BITS;
/// Levels that 64 bits need.
const LEVELS: usize = 11;
/// How many keys are brought near at a time, if they come in small bins.
const SERVING: usize = 24;

/// Keys in bins. All are at or after the base.
#[derive(Clone, Debug)]
pub(super) struct Wheel {
    /// `LEVELS × DIGITS` bins.
    bins: Vec<Vec<Key>>,
    /// A bit for each bin that is not empty, a word for each level.
    taken: [u64; LEVELS],
    /// The time from which levels are counted. It moves only when nothing lies before the new one, and back never.
    base: u64,
}

impl Wheel {
    /// No keys.
    pub(super) fn new() -> Self {
        Self { bins: (0..LEVELS * DIGITS).map(|_| Vec::new()).collect(), taken: [0; LEVELS], base: 0 }
    }

    /// Whether there are no keys.
    pub(super) fn is_empty(&self) -> bool {
        self.taken.iter().all(|level| *level == 0)
    }

    /// How many keys there are.
    pub(super) fn len(&self) -> usize {
        self.bins.iter().map(Vec::len).sum()
    }

    /// Moves the base of an empty wheel to the time it is.
    pub(super) fn rebase(&mut self, now: Time) {
        debug_assert!(self.is_empty(), "the base of a wheel with keys in it would lose them");
        self.base = now.0;
    }

    /// Puts a key in its bin.
    #[inline]
    pub(super) fn put(&mut self, key: Key) {
        let time = key.time().0;
        debug_assert!(time >= self.base, "a key at {time} lies before the base {}", self.base);
        // With the lowest bit set, a time equal to the base has level 0 too.
        let level = ((time ^ self.base | 1).ilog2() / BITS) as usize;
        let digit = (time >> (level as u32 * BITS)) as usize % DIGITS;
        self.bins[level * DIGITS + digit].push(key);
        self.taken[level] |= 1 << digit;
    }

    /// The least key.
    pub(super) fn first(&self) -> Option<Key> {
        let (level, digit) = self.first_bin()?;
        self.bins[level * DIGITS + digit].iter().min().copied()
    }

    /// Brings the first keys near, where there are none; returns the bound below which none are left in the wheel.
    pub(super) fn serve(&mut self, near: &mut Near) -> Key {
        let Some((level, digit)) = self.descend() else { return Key::LAST };
        let bound = self.hand_over(level, digit, near);
        near.sort();
        if near.is_long() {
            // These are many events at one instant. More may be pushed at that instant: they had better go to the wheel,
            // where they lie in order anyway, than be put in their place past all those.
            return near.latest().map_or(bound, Key::next);
        }
        if self.is_empty() { Key::LAST } else { bound }
    }

    /// Breaks up the first bin until it is short or of one instant.
    fn descend(&mut self) -> Option<(usize, usize)> {
        loop {
            let (level, digit) = self.first_bin()?;
            let bin = level * DIGITS + digit;
            let first = self.bins[bin].iter().min()?.time().0;
            self.base = first;
            if level == 0 || self.bins[bin].len() <= SERVING {
                return Some((level, digit));
            }
            self.taken[level] &= !(1 << digit);
            let mut keys = std::mem::take(&mut self.bins[bin]);
            for key in keys.drain(..) {
                self.put(key);
            }
            // The bin gets its memory back; every key has gone to a lower level.
            self.bins[bin] = keys;
        }
    }

    /// Hands over a bin and those next to it while they are few; returns the bound.
    fn hand_over(&mut self, level: usize, digit: usize, near: &mut Near) -> Key {
        let mut digit = digit;
        loop {
            let bin = &mut self.bins[level * DIGITS + digit];
            near.gather(bin);
            bin.clear();
            self.taken[level] &= !(1 << digit);
            let end = self.end_of(level, digit);
            if self.taken[level] == 0 {
                return end;
            }
            digit = self.taken[level].trailing_zeros() as usize;
            if near.len() + self.bins[level * DIGITS + digit].len() > SERVING {
                return end;
            }
        }
    }

    /// The bound at the end of a bin under the base.
    fn end_of(&self, level: usize, digit: usize) -> Key {
        let shift = level as u32 * BITS;
        let above = self.base.checked_shr(shift + BITS).unwrap_or(0);
        let end = u128::from(above) << BITS | digit as u128;
        match u64::try_from((end + 1) << shift) {
            Ok(time) => Key::dawn(time),
            Err(_) => Key::LAST,
        }
    }

    /// The bin that holds the least key.
    fn first_bin(&self) -> Option<(usize, usize)> {
        let level = self.taken.iter().position(|level| *level != 0)?;
        Some((level, self.taken[level].trailing_zeros() as usize))
    }

    /// Takes all keys, in any order.
    pub(super) fn take(&mut self) -> Vec<Key> {
        self.taken = [0; LEVELS];
        self.bins.iter_mut().flat_map(std::mem::take).collect()
    }
}

//! The first pending keys, sorted: what is popped next is at hand, what is pushed soon is put in its place.

use super::key::Key;
use super::wheel::Wheel;

/// More keys than this and the later ones are spilled: moving them costs more than the wheel does.
const LONG: usize = 48;
/// How many keys stay after a spill.
const KEPT: usize = 16;

/// Keys in descending order, so that the first is at the end, where a pop costs nothing.
#[derive(Debug)]
pub(super) struct Near {
    keys: Vec<Key>,
}

impl Near {
    /// No keys.
    pub(super) fn new() -> Self {
        Self { keys: Vec::with_capacity(2 * LONG) }
    }

    /// Whether there are so many keys that [`spill`](Self::spill) is due.
    #[inline]
    pub(super) fn is_long(&self) -> bool {
        self.keys.len() > LONG
    }

    /// The first key.
    #[inline]
    pub(super) fn first(&self) -> Option<Key> {
        self.keys.last().copied()
    }

    /// Takes the first key.
    #[inline]
    pub(super) fn pop(&mut self) -> Option<Key> {
        self.keys.pop()
    }

    /// Puts a key in its place, walking from the first.
    #[inline]
    pub(super) fn insert(&mut self, key: Key) {
        self.keys.push(key);
        // As a slice: else every key that is moved would have the length looked up again.
        let keys = self.keys.as_mut_slice();
        let mut place = keys.len() - 1;
        while place > 0 && keys[place - 1] < key {
            keys[place] = keys[place - 1];
            place -= 1;
        }
        keys[place] = key;
    }

    /// Moves all but the first few keys to the wheel; returns the least key moved.
    pub(super) fn spill(&mut self, wheel: &mut Wheel) -> Key {
        let moved = self.keys.len() - KEPT;
        let bound = self.keys[moved - 1];
        for key in self.keys.drain(..moved).rev() {
            wheel.put(key);
        }
        bound
    }

    /// Takes in all of `keys`, in any order; to be followed by [`sort`](Self::sort).
    #[inline]
    pub(super) fn gather(&mut self, keys: &[Key]) {
        self.keys.extend_from_slice(keys);
    }

    /// Sorts what was gathered. It came in roughly ascending order, which is what the sort likes best.
    #[inline]
    pub(super) fn sort(&mut self) {
        self.keys.sort_unstable();
        self.keys.reverse();
    }

    /// How many keys there are.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// The latest key.
    #[inline]
    pub(super) fn latest(&self) -> Option<Key> {
        self.keys.first().copied()
    }

    /// Takes all keys, in any order.
    pub(super) fn take(&mut self) -> Vec<Key> {
        std::mem::take(&mut self.keys)
    }
}

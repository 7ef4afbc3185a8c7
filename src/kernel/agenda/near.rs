//! The first pending keys, sorted: what is popped next is at hand, what is pushed soon is put in its place.

use super::key::Key;
use super::wheel::Wheel;

/// More keys than this and the later ones are spilled: moving them costs more than the wheel does.
const LONG: usize = 48;
/// How many keys stay after a spill.
const KEPT: usize = 16;

/// Keys in descending order, so that the first is at the end, where a pop costs nothing.
///
/// The vector is longer than what it holds: what lies beyond `len` is of no account. A vector that ended there would be
/// asked for its capacity at each insertion.
#[derive(Clone, Debug)]
pub(super) struct Near {
    keys: Vec<Key>,
    len: usize,
}

impl Near {
    /// No keys.
    pub(super) fn new() -> Self {
        Self { keys: vec![Key::LAST; 2 * LONG], len: 0 }
    }

    /// Whether there are so many keys that [`spill`](Self::spill) is due.
    #[inline]
    pub(super) fn is_long(&self) -> bool {
        self.len > LONG
    }

    /// The first key.
    #[inline]
    pub(super) fn first(&self) -> Option<Key> {
        self.held().last().copied()
    }

    /// Takes the first key.
    #[inline]
    pub(super) fn pop(&mut self) -> Option<Key> {
        let last = self.len.checked_sub(1)?;
        self.len = last;
        self.keys.get(last).copied()
    }

    /// Puts a key in its place, walking from the first.
    #[inline]
    pub(super) fn insert(&mut self, key: Key) {
        let Some(keys) = self.keys.get_mut(..=self.len) else { return self.grow(key) };
        let mut later = keys;
        while let [rest @ .., before, place] = later {
            if *before >= key {
                break;
            }
            *place = *before;
            let shorter = rest.len() + 1;
            later = &mut later[..shorter];
        }
        if let [.., place] = later {
            *place = key;
        }
        self.len += 1;
    }

    /// Makes room, and puts a key in its place.
    #[cold]
    #[inline(never)]
    fn grow(&mut self, key: Key) {
        self.keys.resize(2 * self.len.max(LONG), Key::LAST);
        self.insert(key);
    }

    /// Moves all but the first few keys to the wheel; returns the least key moved.
    pub(super) fn spill(&mut self, wheel: &mut Wheel) -> Key {
        let moved = self.len - KEPT;
        let bound = self.keys[moved - 1];
        self.keys[..moved].iter().rev().for_each(|key| wheel.put(*key));
        self.keys.copy_within(moved..self.len, 0);
        self.len = KEPT;
        bound
    }

    /// Takes in all of `keys`, in any order; to be followed by [`sort`](Self::sort).
    #[inline]
    pub(super) fn gather(&mut self, keys: &[Key]) {
        let end = self.len + keys.len();
        if self.keys.len() < end {
            self.keys.resize(end, Key::LAST);
        }
        self.keys[self.len..end].copy_from_slice(keys);
        self.len = end;
    }

    /// Sorts what was gathered. It came in roughly ascending order, which is what the sort likes best.
    #[inline]
    pub(super) fn sort(&mut self) {
        let keys = &mut self.keys[..self.len];
        keys.sort_unstable();
        keys.reverse();
    }

    /// How many keys there are.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The latest key.
    #[inline]
    pub(super) fn latest(&self) -> Option<Key> {
        self.held().first().copied()
    }

    /// Takes all keys, in any order.
    pub(super) fn take(&mut self) -> Vec<Key> {
        let keys = self.held().to_vec();
        self.len = 0;
        keys
    }

    fn held(&self) -> &[Key] {
        &self.keys[..self.len]
    }
}

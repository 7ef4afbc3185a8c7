//! The first pending keys, sorted: what is popped next is at hand, what is pushed soon is put in its place.

use super::key::Key;
use super::wheel::Wheel;

/// More keys than this and the later ones are spilled: moving them costs more than the wheel does.
const LONG: usize = 48;
/// How many keys stay after a spill.
const KEPT: usize = 16;

/// The first key, and the others in descending order, so that the next is at their end, where taking it costs nothing.
///
/// The vector is longer than what it holds: what lies beyond `len` is of no account. A vector that ended there would be
/// asked for its capacity at each insertion.
#[derive(Clone, Debug)]
pub(super) struct Near {
    /// After every event while there is none.
    first: Key,
    others: Vec<Key>,
    len: usize,
}

impl Near {
    /// No keys.
    pub(super) fn new() -> Self {
        Self { first: Key::LAST, others: vec![Key::LAST; 2 * LONG], len: 0 }
    }

    /// Whether there are so many keys that [`spill`](Self::spill) is due.
    #[inline]
    pub(super) fn is_long(&self) -> bool {
        self.len >= LONG
    }

    /// The first key; after every event when there is none.
    #[inline(always)]
    pub(super) fn first(&self) -> Key {
        self.first
    }

    /// Takes the first key, which there must be.
    #[inline(always)]
    pub(super) fn pop(&mut self) -> Key {
        let next = self.held().last().copied();
        self.len -= usize::from(next.is_some());
        std::mem::replace(&mut self.first, next.unwrap_or(Key::LAST))
    }

    /// Puts a key in its place.
    #[inline]
    pub(super) fn insert(&mut self, key: Key) {
        let first = self.first;
        if key > first {
            return self.insert_among_others(key);
        }
        self.first = key;
        if !first.is_last() {
            // It comes before all others.
            match self.others.get_mut(self.len) {
                Some(place) => *place = first,
                None => return self.grow(first),
            }
            self.len += 1;
        }
    }

    /// Puts a key in its place among the others, walking from the first of them.
    #[inline(always)]
    fn insert_among_others(&mut self, key: Key) {
        let Some(keys) = self.others.get_mut(..=self.len) else { return self.grow(key) };
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
        self.others.resize(2 * self.len.max(LONG), Key::LAST);
        self.insert_among_others(key);
    }

    /// Moves all but the first few keys to the wheel; returns the least key moved.
    pub(super) fn spill(&mut self, wheel: &mut Wheel) -> Key {
        let moved = self.len - KEPT;
        let bound = self.others[moved - 1];
        self.others[..moved].iter().rev().for_each(|key| wheel.put(*key));
        self.others.copy_within(moved..self.len, 0);
        self.len = KEPT;
        bound
    }

    /// Takes in all of `keys`, in any order; to be followed by [`sort`](Self::sort).
    #[inline]
    pub(super) fn gather(&mut self, keys: &[Key]) {
        let end = self.len + keys.len();
        if self.others.len() < end {
            self.others.resize(end, Key::LAST);
        }
        self.others[self.len..end].copy_from_slice(keys);
        self.len = end;
    }

    /// Sorts what was gathered, where there was nothing before. It came in roughly ascending order, which is what the sort
    /// likes best.
    #[inline]
    pub(super) fn sort(&mut self) {
        let keys = &mut self.others[..self.len];
        keys.sort_unstable();
        keys.reverse();
        self.pop();
    }

    /// How many keys there are.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len + usize::from(!self.first.is_last())
    }

    /// The latest key.
    #[inline]
    pub(super) fn latest(&self) -> Option<Key> {
        self.held().first().copied().or_else(|| (!self.first.is_last()).then_some(self.first))
    }

    /// Takes all keys, in any order.
    pub(super) fn take(&mut self) -> Vec<Key> {
        let mut keys = self.held().to_vec();
        keys.extend((!self.first.is_last()).then_some(self.first));
        (self.first, self.len) = (Key::LAST, 0);
        keys
    }

    fn held(&self) -> &[Key] {
        &self.others[..self.len]
    }
}

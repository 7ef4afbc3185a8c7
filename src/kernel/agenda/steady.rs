//! Keys that were pushed in ascending order: events after a delay that is always the same, which come so by themselves.
//!
//! A ring: what is pushed goes to its end, what is popped is taken from its front, and nothing has to be put in its place.

use std::collections::VecDeque;

use super::key::Key;

/// Keys in ascending order.
#[derive(Clone, Debug)]
pub(super) struct Steady {
    keys: VecDeque<Key>,
    /// The first and the last; while there are none the first is after and the last before every event.
    first: Key,
    last: Key,
}

impl Steady {
    /// No keys.
    pub(super) fn new() -> Self {
        Self { keys: VecDeque::with_capacity(64), first: Key::LAST, last: Key::dawn(0) }
    }

    /// Takes a key, if it comes after all others.
    #[inline(always)]
    pub(super) fn take(&mut self, key: Key) -> bool {
        if key <= self.last {
            return false;
        }
        self.last = key;
        if self.first.is_last() {
            self.first = key;
        } else {
            self.keys.push_back(key);
        }
        true
    }

    /// The first key; after every event when there is none.
    #[inline(always)]
    pub(super) fn first(&self) -> Key {
        self.first
    }

    /// Takes the first key.
    #[inline(always)]
    pub(super) fn pop(&mut self) -> Key {
        let key = self.first;
        self.first = self.keys.pop_front().unwrap_or(Key::LAST);
        key
    }

    /// How many keys there are.
    pub(super) fn len(&self) -> usize {
        usize::from(!self.first.is_last()) + self.keys.len()
    }

    /// Takes all keys, in any order.
    pub(super) fn drain(&mut self) -> Vec<Key> {
        let first = (self.first != Key::LAST).then_some(self.first);
        let keys = first.into_iter().chain(self.keys.drain(..)).collect();
        *self = Self::new();
        keys
    }
}

//! What a cache knows: until when each key is fresh, and which was used longest ago.

use crate::units::Time;

use super::super::id::NONE;
use super::{Content, Keys};

/// The entries of a cache.
#[derive(Clone, Debug)]
pub struct Store {
    /// By key: until when it is fresh; the beginning of time: it is not there.
    fresh: Vec<Time>,
    /// By key, where not all fit: its neighbours in the order of use.
    order: Vec<[u32; 2]>,
    /// The key used longest ago, and the last one used.
    ends: [u32; 2],
    entries: u32,
}

/// The key used next longest ago, and the one used after it.
const OLDER: usize = 0;
const NEWER: usize = 1;

const ABSENT: Time = Time(0);

impl Store {
    /// An empty one.
    pub fn new(content: &Content) -> Self {
        let (count, bounded) = match content {
            Content::Rate(_) => (0, false),
            Content::Keys(keys) => (keys.count as usize, keys.capacity < keys.count),
        };
        let order = if bounded { vec![[NONE; 2]; count] } else { Vec::new() };
        Self { fresh: vec![ABSENT; count], order, ends: [NONE; 2], entries: 0 }
    }

    /// How much of what it can hold it lacks, 0 to 1; where hits are a share it lacks nothing.
    pub fn coldness(&self, content: &Content) -> f64 {
        match content {
            Content::Rate(_) => 0.0,
            Content::Keys(keys) => 1.0 - f64::from(self.entries) / f64::from(keys.capacity.min(keys.count).max(1)),
        }
    }

    /// Whether a key is there and fresh.
    pub fn look(&mut self, keys: &Keys, key: u32, now: Time) -> bool {
        let fresh = self.fresh[key as usize];
        if fresh == ABSENT {
            return false;
        }
        if fresh <= now {
            self.remove(key);
            return false;
        }
        if keys.from_access {
            self.fresh[key as usize] = until(keys, now);
        }
        self.unlink(key);
        self.link(key);
        true
    }

    /// A key is put in; the one used longest ago makes room.
    pub fn fill(&mut self, keys: &Keys, key: u32, now: Time) {
        if self.fresh[key as usize] == ABSENT {
            if self.entries >= keys.capacity {
                self.remove(self.ends[OLDER]);
            }
            self.entries += 1;
        } else {
            self.unlink(key);
        }
        self.fresh[key as usize] = until(keys, now);
        self.link(key);
    }

    /// Everything is forgotten.
    pub fn clear(&mut self) {
        self.fresh.fill(ABSENT);
        self.order.fill([NONE; 2]);
        self.ends = [NONE; 2];
        self.entries = 0;
    }

    /// Entries, those too old included.
    pub fn len(&self) -> u32 {
        self.entries
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.entries == 0
    }

    fn remove(&mut self, key: u32) {
        self.unlink(key);
        self.fresh[key as usize] = ABSENT;
        self.entries -= 1;
    }

    /// A key becomes the last one used.
    fn link(&mut self, key: u32) {
        if self.order.is_empty() {
            return;
        }
        let last = std::mem::replace(&mut self.ends[NEWER], key);
        self.order[key as usize] = [last, NONE];
        match self.order.get_mut(last as usize) {
            Some(entry) => entry[NEWER] = key,
            None => self.ends[OLDER] = key,
        }
    }

    /// A key leaves the order of use.
    fn unlink(&mut self, key: u32) {
        if self.order.is_empty() {
            return;
        }
        let [older, newer] = self.order[key as usize];
        match self.order.get_mut(older as usize) {
            Some(entry) => entry[NEWER] = newer,
            None => self.ends[OLDER] = newer,
        }
        match self.order.get_mut(newer as usize) {
            Some(entry) => entry[OLDER] = older,
            None => self.ends[NEWER] = older,
        }
    }
}

fn until(keys: &Keys, now: Time) -> Time {
    Time(now.0.saturating_add(keys.ttl.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Span;

    fn keys(ttl: Option<u64>, from_access: bool, capacity: Option<u32>) -> (Keys, Store) {
        let keys = Keys::new(5, 0.0, ttl.map(Span), from_access, capacity);
        let store = Store::new(&Content::Keys(keys.clone()));
        (keys, store)
    }

    #[test]
    fn an_entry_lasts_from_when_it_was_put_in_or_from_its_last_hit() {
        for (from_access, after) in [(false, false), (true, true)] {
            let (keys, mut store) = keys(Some(10), from_access, None);
            assert!(!store.look(&keys, 3, Time(1)), "nothing is there");
            store.fill(&keys, 3, Time(1));
            assert!(store.look(&keys, 3, Time(10)) && !store.look(&keys, 2, Time(10)));
            assert_eq!(store.look(&keys, 3, Time(11)), after);
            assert!(!store.look(&keys, 3, Time(21)));
            assert!(store.is_empty(), "what is too old goes when it is asked for");
        }
    }

    #[test]
    fn the_key_used_longest_ago_makes_room() {
        let (keys, mut store) = keys(None, false, Some(2));
        store.fill(&keys, 0, Time(1));
        store.fill(&keys, 1, Time(2));
        assert!(store.look(&keys, 0, Time(3)));
        store.fill(&keys, 4, Time(4));
        assert_eq!(store.len(), 2);
        assert!(store.look(&keys, 0, Time(5)) && store.look(&keys, 4, Time(5)) && !store.look(&keys, 1, Time(5)));
        store.fill(&keys, 0, Time(6));
        store.fill(&keys, 1, Time(7));
        assert!(store.look(&keys, 0, Time(8)) && !store.look(&keys, 4, Time(8)), "putting in is using, too");
        store.clear();
        assert!((0..5).all(|key| !store.look(&keys, key, Time(9))) && store.is_empty());
        (0..5).for_each(|key| store.fill(&keys, key, Time(10)));
        assert!(store.look(&keys, 3, Time(11)) && store.look(&keys, 4, Time(11)) && store.len() == 2);
    }
}

//! Slots that are used again, with ages: an id whose tenant has left finds nothing, even when another has moved in.

/// Where a tenant lives, and which tenant of that slot it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Id {
    /// The slot.
    pub index: u32,
    /// How many tenants the slot had before (modulo 2³²).
    pub age: u32,
}

/// A slot; its tenant stays as it was after leaving, until the next moves in.
#[derive(Clone, Copy, Debug)]
struct Slot<T> {
    age: u32,
    tenant: T,
}

/// Tenants in slots. A slot that is left is the next to be used, while it is still in the cache, so memory is that of
/// the most tenants there ever were at once.
#[derive(Clone, Debug)]
pub struct Arena<T> {
    slots: Vec<Slot<T>>,
    free: Vec<u32>,
}

impl<T: Copy> Arena<T> {
    /// An arena without slots.
    pub fn new() -> Self {
        Self { slots: Vec::new(), free: Vec::new() }
    }

    /// Gives a tenant a slot.
    #[inline]
    pub fn insert(&mut self, tenant: T) -> Id {
        if let Some(index) = self.free.pop() {
            let slot = &mut self.slots[index as usize];
            slot.tenant = tenant;
            return Id { index, age: slot.age };
        }
        self.build(tenant)
    }

    /// Gives a tenant a slot that was never used.
    #[cold]
    fn build(&mut self, tenant: T) -> Id {
        let index = u32::try_from(self.slots.len()).expect("an arena has at most 2^32 slots");
        self.slots.push(Slot { age: 0, tenant });
        Id { index, age: 0 }
    }

    /// The tenant, unless it has left.
    #[inline]
    pub fn get(&self, id: Id) -> Option<&T> {
        self.slots.get(id.index as usize).filter(|slot| slot.age == id.age).map(|slot| &slot.tenant)
    }

    /// The tenant to change, unless it has left.
    #[inline]
    pub fn get_mut(&mut self, id: Id) -> Option<&mut T> {
        self.slots.get_mut(id.index as usize).filter(|slot| slot.age == id.age).map(|slot| &mut slot.tenant)
    }

    /// Frees the slot of a tenant and returns it, unless it has left already.
    #[inline]
    pub fn remove(&mut self, id: Id) -> Option<T> {
        let slot = self.slots.get_mut(id.index as usize).filter(|slot| slot.age == id.age)?;
        // No one holds an id of the new age before the next tenant gets it.
        slot.age = slot.age.wrapping_add(1);
        self.free.push(id.index);
        Some(slot.tenant)
    }

    /// Whoever lives, or last lived, in a slot. Panics for a slot that was never used.
    #[inline]
    pub fn at(&self, index: u32) -> &T {
        &self.slots[index as usize].tenant
    }

    /// Whoever lives, or last lived, in a slot, to change. Panics for a slot that was never used.
    #[inline]
    pub fn at_mut(&mut self, index: u32) -> &mut T {
        &mut self.slots[index as usize].tenant
    }

    /// The age of whoever lives in a slot, or will live there next. Panics for a slot that was never used.
    #[inline]
    pub fn age(&self, index: u32) -> u32 {
        self.slots[index as usize].age
    }

    /// The slots that have a tenant, in order; for rare looks at all of them.
    pub fn live(&self) -> impl Iterator<Item = u32> {
        let mut used = vec![true; self.slots.len()];
        self.free.iter().for_each(|at| used[*at as usize] = false);
        (0..self.slots.len() as u32).filter(move |at| used[*at as usize])
    }

    /// How many tenants there are.
    #[inline]
    pub fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Whether there are none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The most tenants there ever were at once, which is how many slots there are.
    #[inline]
    pub fn peak(&self) -> usize {
        self.slots.len()
    }
}

impl<T: Copy> Default for Arena<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    #[test]
    fn a_stale_id_finds_nothing_even_when_another_has_moved_in() {
        let mut arena = Arena::new();
        let old = arena.insert('a');
        assert_eq!(arena.remove(old), Some('a'));
        assert_eq!(arena.remove(old), None);
        let new = arena.insert('b');
        assert_eq!(new.index, old.index);
        assert_ne!(new, old);
        assert_eq!((arena.get(old), arena.get(new)), (None, Some(&'b')));
        assert_eq!(arena.get_mut(old), None);
        assert_eq!(arena.remove(old), None);
        assert_eq!((*arena.at(new.index), arena.age(new.index)), ('b', new.age));
        *arena.at_mut(new.index) = 'c';
        assert_eq!(arena.get(new), Some(&'c'));
    }

    #[test]
    fn an_unknown_id_finds_nothing() {
        assert_eq!(Arena::<u8>::new().get(Id { index: 7, age: 0 }), None);
    }

    #[test]
    fn the_slot_most_lately_left_is_used_first() {
        let mut arena = Arena::new();
        let ids: Vec<Id> = (0..4).map(|n| arena.insert(n)).collect();
        arena.remove(ids[1]);
        arena.remove(ids[3]);
        assert_eq!([arena.insert(9).index, arena.insert(9).index], [3, 1]);
    }

    #[test]
    fn ages_run_over() {
        let mut arena = Arena::new();
        arena.insert('a');
        arena.slots[0].age = u32::MAX;
        let last = Id { index: 0, age: u32::MAX };
        assert_eq!(arena.remove(last), Some('a'));
        assert_eq!(arena.insert('b'), Id { index: 0, age: 0 });
        assert_eq!(arena.get(last), None);
    }

    proptest! {
        #[test]
        fn it_keeps_what_a_map_keeps_in_no_more_slots_than_needed(steps in prop::collection::vec(0..100u32, 0..400)) {
            let mut arena = Arena::new();
            let (mut kept, mut gone, mut most) = (HashMap::new(), Vec::new(), 0);
            for (n, step) in steps.into_iter().enumerate() {
                if step < 55 {
                    prop_assert!(kept.insert(arena.insert(n), n).is_none());
                    most = most.max(kept.len());
                } else if let Some(id) = kept.keys().min_by_key(|id| (id.index ^ step, id.age)).copied() {
                    prop_assert_eq!(arena.remove(id), kept.remove(&id));
                    gone.push(id);
                }
                prop_assert_eq!((arena.len(), arena.peak()), (kept.len(), most));
            }
            for id in gone {
                prop_assert_eq!(arena.get(id), None);
            }
            for (id, n) in kept {
                prop_assert_eq!(arena.get(id), Some(&n));
            }
        }
    }
}

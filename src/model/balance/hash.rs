//! The same key to the same replica: rendezvous hashing (Thaler and Ravishankar 1998), which moves 1/n of the keys when
//! one of n replicas goes, and only those.
//!
//! Envoy's `ring_hash` and ketama put each replica at many points of a ring, which moves 1/n of the keys as well. What a ring adds is that
//! it is uneven: of Envoy's 1,024 points (`minimum_ring_size`) a hundred are one of ten replicas', so that what they get spreads by a tenth
//! around a tenth. That is a matter of how long the ring is made, Maglev and longer rings have less of it, and nothing else that is
//! measured here depends on it: there is no word for a ring. Uneven keys are `keys`, few enough of them.
//!
//! Every call has a key of its own, and its retries go where the first try went; with `keys = 1000` calls share that
//! many keys, all alike.

use crate::random::{Draw, Lineage};

use super::Memory;

pub(super) fn pick(memory: &Memory, keys: u32, draw: &mut Draw) -> u32 {
    let key = if keys == u32::MAX { draw.bits() } else { Lineage::root(KEY, u64::from(draw.below(keys))).0 };
    let weight = |replica: &u32| Lineage::root(key, u64::from(*replica)).0;
    (0..memory.count()).map(|place| memory.at(place)).max_by_key(weight).unwrap_or(0)
}

/// Names the hashes of shared keys.
const KEY: u64 = 0x6861_7368_5f6b_6579;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Purpose;

    fn picks(view: &[u32], keys: u32) -> Vec<u32> {
        let memory = Memory { view: Some(view.into()), ..Memory::new(10) };
        let draw = |n| Draw::new(7, Lineage(n), Purpose::Balance, 0);
        (0..10_000).map(|n| pick(&memory, keys, &mut draw(n))).collect()
    }

    #[test]
    fn keys_spread_evenly_and_move_only_where_their_replica_goes() {
        let (all, fewer) =
            (picks(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], u32::MAX), picks(&[0, 1, 2, 4, 5, 6, 7, 8, 9], u32::MAX));
        for replica in 0..10 {
            let share = all.iter().filter(|r| **r == replica).count();
            assert!((900..1100).contains(&share), "{replica}: {share}");
        }
        let moved: Vec<u32> = all.iter().zip(&fewer).filter(|(a, b)| a != b).map(|(a, _)| *a).collect();
        assert!(!moved.is_empty() && moved.iter().all(|from| *from == 3));
    }

    #[test]
    fn one_key_has_one_replica() {
        let one = picks(&[0, 1, 2, 3, 4], 1);
        assert!(one.iter().all(|replica| *replica == one[0]));
    }
}

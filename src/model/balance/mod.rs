//! How a caller picks a replica: load balancing.
//!
//! State is kept per caller replica and callee node (a client library or proxy knows only its own requests): a cursor with a
//! random start, and the requests it has outstanding at each replica. `load_balancing = "round_robin"` (default),
//! `"random"`, `"least_request"` (with `choices = 2` distinct candidates, or `"all"`), `"pick_first"`.

mod least_request;
mod pick_first;
mod random;
mod round_robin;

use crate::random::Draw;

/// The rule as planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Balancer {
    /// One after the other, from a random start.
    RoundRobin,
    /// Uniformly at random.
    Random,
    /// The one with the fewest outstanding requests among `choices` distinct candidates.
    LeastRequest {
        /// Candidates; all for a number at or above the replicas.
        choices: u32,
    },
    /// The same one always, chosen at random once.
    PickFirst,
}

/// What a caller replica remembers of a callee.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// Next replica of round robin, the chosen one of pick first; `None` before the first call.
    pub cursor: Option<u32>,
    /// Requests outstanding at each replica.
    pub outstanding: Vec<u32>,
}

impl Memory {
    /// Nothing outstanding at any of `replicas`.
    pub fn new(replicas: u32) -> Self {
        Self { cursor: None, outstanding: vec![0; replicas as usize] }
    }
}

impl Balancer {
    /// The replica (0 ≤ index < number of replicas) that the next request goes to.
    #[inline]
    pub fn pick(self, memory: &mut Memory, draw: impl FnOnce() -> Draw) -> u32 {
        if memory.outstanding.len() == 1 {
            return 0;
        }
        match self {
            Self::RoundRobin => round_robin::pick(memory, draw),
            Self::Random => random::pick(memory, draw),
            Self::LeastRequest { choices } => least_request::pick(memory, choices, &mut draw()),
            Self::PickFirst => pick_first::pick(memory, draw),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Lineage, Purpose};

    fn draw(nth: u64) -> Draw {
        Draw::new(7, Lineage(3), Purpose::Balance, nth)
    }

    #[test]
    fn round_robin_visits_all_in_turn() {
        let mut memory = Memory::new(3);
        let picks: Vec<u32> = (0..6).map(|n| Balancer::RoundRobin.pick(&mut memory, || draw(n))).collect();
        assert_eq!(picks[..3], picks[3..]);
        let mut once = picks[..3].to_vec();
        once.sort_unstable();
        assert_eq!(once, [0, 1, 2]);
    }

    #[test]
    fn random_is_even() {
        let mut memory = Memory::new(4);
        let mut seen = [0u32; 4];
        for n in 0..40_000 {
            seen[Balancer::Random.pick(&mut memory, || draw(n)) as usize] += 1;
        }
        assert!(seen.iter().all(|s| (9_600..10_400).contains(s)), "{seen:?}");
    }

    #[test]
    fn least_request_never_takes_the_worse_of_its_candidates() {
        let mut memory = Memory::new(4);
        memory.outstanding = vec![5, 0, 5, 5];
        for n in 0..100 {
            assert_eq!(Balancer::LeastRequest { choices: 4 }.pick(&mut memory, || draw(n)), 1);
        }
        memory.outstanding = vec![9, 1];
        for n in 0..100 {
            assert_eq!(
                Balancer::LeastRequest { choices: 2 }.pick(&mut memory, || draw(n)),
                1,
                "two distinct candidates"
            );
        }
    }

    #[test]
    fn least_request_breaks_ties_evenly() {
        let mut memory = Memory::new(3);
        for choices in [2, 3] {
            let mut seen = [0u32; 3];
            for n in 0..30_000 {
                seen[Balancer::LeastRequest { choices }.pick(&mut memory, || draw(n)) as usize] += 1;
            }
            assert!(seen.iter().all(|s| (9_500..10_500).contains(s)), "{seen:?}");
        }
    }

    #[test]
    fn pick_first_stays() {
        let mut memory = Memory::new(5);
        let first = Balancer::PickFirst.pick(&mut memory, || draw(0));
        assert!((1..50).all(|n| Balancer::PickFirst.pick(&mut memory, || draw(n)) == first));
    }
}

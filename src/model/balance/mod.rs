//! How a caller picks a replica: load balancing.
//!
//! State is kept per caller replica and callee node (a client library or proxy knows only its own requests): a cursor with a
//! random start, the requests it has outstanding at each replica, and, where the set of replicas changes in a run, those it
//! may pick now (its view). `load_balancing = "round_robin"` (default), `"random"`, `"least_request"` (with `choices = 2`
//! candidates, or `"all"`), `"pick_first"`, `"p2c_ewma"`, `"prequal"`, `"hash"`. Before it come `locality` and `slow_start`, where the file has them.

mod hash;
mod least_request;
mod locality;
mod p2c_ewma;
mod pick_first;
mod prequal;
mod random;
mod round_robin;
mod slow_start;

use crate::random::Draw;
use crate::units::{Span, Time};

use super::discovery::Book;

pub use locality::{Around, Host, Locality, Rule, Way};
pub use p2c_ewma::Speed;
pub use prequal::{Busyness, Load};
pub use slow_start::SlowStart;

use prequal::Pool;
use slow_start::Turns;

/// The rule as planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Balancer {
    /// One after the other, from a random start.
    RoundRobin,
    /// Uniformly at random.
    Random,
    /// The one with the fewest outstanding requests among `choices` candidates.
    LeastRequest {
        /// Candidates; all for [`u32::MAX`].
        choices: u32,
        /// Whether they are different ones.
        distinct: bool,
    },
    /// The same one always, chosen at random once.
    PickFirst,
    /// The one of two that answers sooner, by what it did of late and has to do.
    P2cEwma,
    /// The quickest of those that were asked and are not hot.
    Prequal,
    /// The one that a key belongs to.
    Hash {
        /// Keys that calls share; each has its own for [`u32::MAX`].
        keys: u32,
    },
}

/// What a caller replica remembers of a callee.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// Next replica of round robin, the chosen one of pick first; `None` before the first call.
    pub cursor: Option<u32>,
    /// Requests outstanding at each replica.
    pub outstanding: Vec<u32>,
    /// The replicas that may be picked now, in ascending order; `None`: all.
    pub view: Option<Box<[u32]>>,
    /// How long tries at each replica took of late; only where the balancer looks at that, and then from the first one on.
    pub speeds: Vec<Speed>,
    /// The addresses behind the view; `None` where they never change and nobody is left out.
    pub book: Option<Box<Book>>,
    /// Whom the caller prefers; `None` where it prefers nobody.
    pub leanings: Option<Box<Leanings>>,
}

/// Whom a caller prefers beyond its balancer's rule.
#[derive(Clone, Debug, Default)]
pub struct Leanings {
    /// By zone or level; `None`: they have to be laid out (again), or zones do not matter.
    pub ways: Option<Vec<Way>>,
    /// Whose turn it is, while some replicas are new.
    turns: Turns,
    /// What replicas answered that were asked.
    pool: Pool,
}

/// What a caller could pick before some were left out for one pick.
#[derive(Debug)]
pub struct Before {
    view: Option<Box<[u32]>>,
    ways: Option<Vec<Way>>,
}

/// Which draw of a pick decides about the way.
const WAY: u64 = 1 << 8;

impl Memory {
    /// Nothing outstanding at any of `replicas`.
    pub fn new(replicas: u32) -> Self {
        Self { outstanding: vec![0; replicas as usize], ..Self::default() }
    }

    /// A try at a replica has ended after so long.
    pub fn learn(&mut self, replica: u32, took: Span, now: Time) {
        if self.speeds.is_empty() {
            self.speeds = vec![Speed::default(); self.outstanding.len()];
        }
        self.speeds[replica as usize].learn(took, now);
    }

    /// Leaves only some of the replicas that may be picked, for one pick; gives back what was in view before.
    pub fn narrow(&mut self, keep: impl Fn(u32) -> bool) -> Before {
        let view = (0..self.count()).map(|place| self.at(place)).filter(|replica| keep(*replica)).collect();
        let ways = self.leanings.as_mut().and_then(|leanings| {
            let left = locality::narrowed(leanings.ways.as_ref()?, &keep);
            leanings.ways.replace(left)
        });
        Before { view: self.view.replace(view), ways }
    }

    /// The end of that.
    pub fn widen(&mut self, before: Before) {
        self.view = before.view;
        if let Some(leanings) = &mut self.leanings {
            leanings.ways = before.ways;
        }
    }

    /// The book has changed: what is in view is what it says now, and whom the caller prefers has to be laid out again.
    pub fn look(&mut self) {
        self.view = self.book.as_ref().map(|book| book.view());
        if let Some(leanings) = &mut self.leanings {
            leanings.ways = None;
        }
    }

    /// Whom a request asks how busy they are.
    pub fn asked(&self, draw: &mut Draw) -> Vec<u32> {
        prequal::asked(self, draw)
    }

    /// A replica has answered.
    pub fn note_answer(&mut self, answer: Busyness) {
        if let Some(leanings) = &mut self.leanings {
            leanings.pool.hear(answer, self.outstanding.len());
        }
    }

    /// How many replicas may be picked.
    #[inline]
    pub fn count(&self) -> u32 {
        self.view.as_ref().map_or(self.outstanding.len(), |view| view.len()) as u32
    }

    /// The first replica that may be picked.
    pub fn first(&self) -> Option<u32> {
        (self.count() > 0).then(|| self.at(0))
    }

    /// The replica at a place among those that may be picked.
    #[inline]
    fn at(&self, place: u32) -> u32 {
        self.view.as_ref().map_or(place, |view| view[place as usize])
    }

    /// The place of the first replica from `replica` on, or of the first of all.
    fn place_from(&self, replica: u32) -> u32 {
        let Some(view) = &self.view else { return replica };
        let place = view.partition_point(|other| *other < replica);
        if place == view.len() { 0 } else { place as u32 }
    }
}

impl Balancer {
    /// Whether it looks at what is outstanding.
    pub fn looks(self) -> bool {
        matches!(self, Self::LeastRequest { .. } | Self::P2cEwma | Self::Prequal)
    }

    /// The replica (0 ≤ index < number of replicas) that the next request goes to; none where none may be picked.
    #[inline]
    pub fn pick(self, memory: &mut Memory, now: Time, draw: impl FnOnce() -> Draw) -> Option<u32> {
        match memory.count() {
            0 => return None,
            1 => return Some(memory.at(0)),
            _ => {}
        }
        Some(match self {
            Self::RoundRobin => round_robin::pick(memory, draw),
            // Where nobody has answered, anybody will do.
            Self::Random | Self::Prequal => random::pick(memory, draw),
            Self::LeastRequest { choices, distinct } => least_request::pick(memory, choices, distinct, &mut draw()),
            Self::PickFirst => pick_first::pick(memory, draw),
            Self::P2cEwma => p2c_ewma::pick(memory, now, &mut draw()),
            Self::Hash { keys } => hash::pick(memory, keys, &mut draw()),
        })
    }

    /// The same for a caller with leanings: the way first, then the replica among those of the way, by weight while some are new.
    pub fn pick_leaning(
        self,
        memory: &mut Memory,
        now: Time,
        ease: Option<&SlowStart>,
        draw: impl Fn(u64) -> Draw,
    ) -> Option<u32> {
        let mut leanings = memory.leanings.take()?;
        let Leanings { ways, turns, pool } = &mut *leanings;
        let pick = match ways {
            None => self.pick_asking(memory, (turns, pool), now, ease, &draw),
            Some(ways) => {
                let place = draw(WAY).unit();
                ways.iter_mut().find(|way| place < way.upto).and_then(|way| {
                    let members = std::mem::take(&mut way.members);
                    let (view, cursor) = (memory.view.replace(members), memory.cursor);
                    memory.cursor = way.cursor;
                    let pick = self.pick_asking(memory, (&mut way.turns, pool), now, ease, &draw);
                    way.members = std::mem::replace(&mut memory.view, view).unwrap_or_default();
                    way.cursor = std::mem::replace(&mut memory.cursor, cursor);
                    pick
                })
            }
        };
        memory.leanings = Some(leanings);
        pick
    }

    /// The replica that the next request goes to, by what was answered.
    fn pick_asking(
        self,
        memory: &mut Memory,
        (turns, pool): (&mut Turns, &mut Pool),
        now: Time,
        ease: Option<&SlowStart>,
        draw: impl Fn(u64) -> Draw,
    ) -> Option<u32> {
        if self == Self::Prequal && memory.count() > 1 {
            return Some(prequal::pick(pool, memory, now, &mut draw(0)));
        }
        self.pick_easing(memory, turns, now, ease, draw)
    }

    /// The replica that the next request goes to, by weight while some are new.
    fn pick_easing(
        self,
        memory: &mut Memory,
        turns: &mut Turns,
        now: Time,
        ease: Option<&SlowStart>,
        draw: impl Fn(u64) -> Draw,
    ) -> Option<u32> {
        let by_load = matches!(self, Self::LeastRequest { .. });
        let weighs = by_load || self == Self::RoundRobin;
        let book = memory.book.as_mut().filter(|_| weighs);
        let spec = ease.filter(|spec| book.is_some_and(|book| book.has_newcomers(spec.window, now)));
        let Some(spec) = spec else {
            *turns = Turns::default();
            return self.pick(memory, now, || draw(0));
        };
        let hosts: Vec<u32> = (0..memory.count()).map(|place| memory.at(place)).collect();
        if hosts.is_empty() {
            return None;
        }
        let (outstanding, book) = (&memory.outstanding, &memory.book);
        let weight = |host: u32| {
            let since = book.as_ref().and_then(|book| book.since(host));
            let own = since.map_or(1.0, |since| spec.weight(since, now));
            if by_load { own / f64::from(outstanding[host as usize] + 1) } else { own }
        };
        Some(turns.next(&hosts, weight, &mut draw(0)))
    }
}

#[cfg(test)]
mod properties;

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
        let picks: Vec<u32> =
            (0..6).map(|n| Balancer::RoundRobin.pick(&mut memory, Time(1), || draw(n)).unwrap()).collect();
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
            seen[Balancer::Random.pick(&mut memory, Time(1), || draw(n)).unwrap() as usize] += 1;
        }
        assert!(seen.iter().all(|s| (9_600..10_400).contains(s)), "{seen:?}");
    }

    #[test]
    fn least_request_never_takes_the_worse_of_its_candidates() {
        let mut memory = Memory::new(4);
        memory.outstanding = vec![5, 0, 5, 5];
        for n in 0..100 {
            assert_eq!(DISTINCT(4).pick(&mut memory, Time(1), || draw(n)), Some(1));
        }
        memory.outstanding = vec![9, 1];
        for n in 0..100 {
            assert_eq!(DISTINCT(2).pick(&mut memory, Time(1), || draw(n)), Some(1), "two distinct candidates");
        }
    }

    #[test]
    fn with_replacement_the_worse_of_two_gets_a_quarter() {
        let mut memory = Memory::new(2);
        memory.outstanding = vec![9, 1];
        for (choices, expected) in [(1, 0.5), (2, 0.25), (3, 0.125)] {
            let balancer = Balancer::LeastRequest { choices, distinct: false };
            let worse = (0..20_000).filter(|n| balancer.pick(&mut memory, Time(1), || draw(*n)) == Some(0)).count();
            assert!((worse as f64 / 2e4 - expected).abs() < 0.01, "{choices}: {worse}");
        }
    }

    #[test]
    fn least_request_breaks_ties_evenly() {
        let mut memory = Memory::new(3);
        for balancer in [DISTINCT(2), DISTINCT(3), Balancer::LeastRequest { choices: 2, distinct: false }] {
            let mut seen = [0u32; 3];
            for n in 0..30_000 {
                seen[balancer.pick(&mut memory, Time(1), || draw(n)).unwrap() as usize] += 1;
            }
            assert!(seen.iter().all(|s| (9_500..10_500).contains(s)), "{seen:?}");
        }
    }

    #[test]
    fn pick_first_stays() {
        let mut memory = Memory::new(5);
        let first = Balancer::PickFirst.pick(&mut memory, Time(1), || draw(0));
        assert!((1..50).all(|n| Balancer::PickFirst.pick(&mut memory, Time(1), || draw(n)) == first));
    }

    const DISTINCT: fn(u32) -> Balancer = |choices| Balancer::LeastRequest { choices, distinct: true };

    const ALL: [Balancer; 9] = [
        Balancer::Prequal,
        Balancer::RoundRobin,
        Balancer::Random,
        Balancer::LeastRequest { choices: 2, distinct: false },
        Balancer::LeastRequest { choices: 2, distinct: true },
        Balancer::LeastRequest { choices: u32::MAX, distinct: false },
        Balancer::PickFirst,
        Balancer::P2cEwma,
        Balancer::Hash { keys: 20 },
    ];

    #[test]
    fn only_what_is_in_view_is_picked_and_nothing_when_that_is_nothing() {
        for balancer in ALL {
            let mut memory = Memory::new(6);
            for (nth, view) in [vec![0, 2, 5], vec![2, 5], vec![4], vec![1, 3]].into_iter().enumerate() {
                memory.view = Some(view.clone().into());
                for n in 0..50 {
                    let pick = balancer.pick(&mut memory, Time(1), || draw(50 * nth as u64 + n));
                    assert!(pick.is_some_and(|pick| view.contains(&pick)), "{balancer:?} {view:?}: {pick:?}");
                }
            }
            memory.view = Some(Box::new([]));
            assert_eq!(balancer.pick(&mut memory, Time(1), || draw(1)), None);
        }
    }

    #[test]
    fn a_view_of_all_is_no_view() {
        for balancer in ALL {
            let (mut all, mut seen) = (Memory::new(4), Memory::new(4));
            seen.view = Some(Box::new([0, 1, 2, 3]));
            for n in 0..50 {
                let picks = [&mut all, &mut seen].map(|memory| balancer.pick(memory, Time(1), || draw(n)));
                assert_eq!(picks[0], picks[1], "{balancer:?}");
            }
        }
    }

    #[test]
    fn round_robin_goes_on_where_it_was_when_its_view_changes() {
        let mut memory = Memory::new(5);
        memory.cursor = Some(2);
        let mut next = |view: &[u32]| {
            memory.view = Some(view.into());
            Balancer::RoundRobin.pick(&mut memory, Time(1), || draw(0)).unwrap()
        };
        assert_eq!([next(&[0, 2, 4]), next(&[0, 2, 3, 4]), next(&[0, 2]), next(&[0, 2])], [2, 3, 0, 2]);
    }
}

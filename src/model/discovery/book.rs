//! What a caller replica knows of a callee's whereabouts.

use crate::units::{Span, Time};

use super::super::outcome::Outcome;
use super::{OutlierSpec, Outliers};

/// Where a replica was to be found: a replica that has moved has another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    /// Which of the node's replicas, from 0.
    pub replica: u32,
    /// How often it had moved.
    pub moves: u32,
    /// Whether it answers its probes, as far as those who publish it know. Who does not is not published, unless callers are to know
    /// how many do not (`locality`).
    pub ready: bool,
}

/// Addresses as a caller replica knows them, and those it leaves out.
#[derive(Clone, Debug)]
pub struct Book {
    known: Vec<Address>,
    /// Until when an answer of DNS holds.
    until: Time,
    /// When the name was looked up.
    pub asked: Time,
    outliers: Option<Outliers>,
    /// With a smaller share of those known than this in view, all are.
    panic: f64,
    /// Replicas that were not known before, and since when they are.
    newcomers: Vec<(u32, Time)>,
}

/// Whether so few of all are healthy that all are taken for that, as Envoy's `isHostSetInPanic` has it.
pub fn panics(threshold: f64, healthy: usize, all: usize) -> bool {
    (healthy as f64) < threshold * all as f64
}

/// Whether two addresses are of the same replica at the same place.
fn same(one: &Address, other: &Address) -> bool {
    (one.replica, one.moves) == (other.replica, other.moves)
}

impl Book {
    /// All of so many replicas where they were at first; with `phase`, outliers are looked for, unless with a smaller share
    /// than `panic` left nobody is left out.
    pub fn new(replicas: u32, phase: Option<Span>, panic: f64) -> Self {
        Self {
            known: (0..replicas).map(|replica| Address { replica, moves: 0, ready: true }).collect(),
            until: Time(0),
            asked: Time(0),
            outliers: phase.map(|phase| Outliers::new(replicas, phase)),
            panic,
            newcomers: Vec::new(),
        }
    }

    /// Learns where the replicas are. What is so from the beginning is not new.
    pub fn learn(&mut self, addresses: &[Address], now: Time) {
        if now > Time(0) {
            let is_known = |new: &Address| self.known.iter().any(|old| old.ready && same(old, new));
            let new = addresses.iter().filter(|new| new.ready && !is_known(new)).map(|new| (new.replica, now));
            let new: Vec<(u32, Time)> = new.collect();
            self.newcomers.retain(|(old, _)| !new.iter().any(|(replica, _)| replica == old));
            self.newcomers.extend(new);
        }
        self.known.clear();
        self.known.extend_from_slice(addresses);
    }

    /// Whether an answer of DNS no longer holds.
    #[inline]
    pub fn is_over(&self, now: Time) -> bool {
        now >= self.until
    }

    /// The answer at hand holds until then.
    pub fn keep(&mut self, until: Time) {
        self.until = until;
    }

    /// How often a replica had moved when the caller heard of it last.
    pub fn moves(&self, replica: u32) -> u32 {
        self.known.iter().find(|address| address.replica == replica).map_or(0, |address| address.moves)
    }

    /// The replicas that may be picked, in ascending order.
    pub fn view(&self) -> Box<[u32]> {
        let healthy: Box<[u32]> = self.hosts().filter(|(_, healthy)| *healthy).map(|(replica, _)| replica).collect();
        let panics = panics(self.panic, healthy.len(), self.known.len());
        if panics { self.known.iter().map(|address| address.replica).collect() } else { healthy }
    }

    /// All replicas it knows of, in ascending order, and whether they are healthy: ready, and not left out.
    pub fn hosts(&self) -> impl Iterator<Item = (u32, bool)> {
        let left_out = |replica: u32| self.outliers.as_ref().is_some_and(|outliers| outliers.is_out(replica));
        self.known.iter().map(move |address| (address.replica, address.ready && !left_out(address.replica)))
    }

    /// Whether some replica is new, which lasts for so long.
    pub fn has_newcomers(&mut self, window: Span, now: Time) -> bool {
        self.newcomers.retain(|(_, since)| now.since(*since) < window);
        !self.newcomers.is_empty()
    }

    /// Since when a replica is known that is new.
    pub fn since(&self, replica: u32) -> Option<Time> {
        self.newcomers.iter().find(|(new, _)| *new == replica).map(|(_, since)| *since)
    }

    /// Lets back in who may come back; says whether anybody did.
    #[inline]
    pub fn readmit(&mut self, spec: &OutlierSpec, now: Time) -> bool {
        self.outliers.as_mut().is_some_and(|outliers| outliers.is_due(now) && outliers.look(spec, now) > 0)
    }

    /// A try at a replica has ended; says whether the replica is left out from now on.
    pub fn judge(&mut self, spec: &OutlierSpec, replica: u32, outcome: Outcome, now: Time) -> bool {
        let listed = self.known.len() as u32;
        self.outliers.as_mut().is_some_and(|outliers| outliers.record(spec, replica, outcome, now, listed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_is_left_out_of_what_is_known() {
        let spec =
            OutlierSpec { consecutive: 1, interval: Span(10), base: Span(30), max_share: 1.0, always_one: false };
        let mut book = Book::new(4, Some(Span(5)), 0.0);
        assert_eq!(*book.view(), [0, 1, 2, 3]);
        assert!(book.judge(&spec, 2, Outcome::Error, Time(1)));
        book.learn(&[1, 2, 3].map(|replica| Address { replica, moves: 7, ready: true }), Time(1));
        assert_eq!((&*book.view(), book.moves(3), book.moves(0)), (&[1, 3][..], 7, 0));
        assert!(!book.readmit(&spec, Time(30)) && book.readmit(&spec, Time(35)));
        assert_eq!(*book.view(), [1, 2, 3]);
    }

    #[test]
    fn an_answer_holds_up_to_its_end() {
        let mut book = Book::new(1, None, 0.0);
        assert!(book.is_over(Time(0)));
        book.keep(Time(30));
        assert!(!book.is_over(Time(29)) && book.is_over(Time(30)));
    }

    #[test]
    fn below_half_all_are_in_view_again() {
        let spec =
            OutlierSpec { consecutive: 1, interval: Span(10), base: Span(30), max_share: 1.0, always_one: false };
        let mut book = Book::new(10, Some(Span(5)), 0.5);
        let mut left = Vec::new();
        for replica in 0..6 {
            assert!(book.judge(&spec, replica, Outcome::Error, Time(1)));
            left.push(book.view().len());
        }
        assert_eq!(left, [9, 8, 7, 6, 5, 10], "half is not below half");
    }
}

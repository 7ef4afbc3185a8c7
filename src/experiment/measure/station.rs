//! What happened at a node: levels over the measured time, and the visits that began in it.

use crate::model::plan::Node;
use crate::stats::{Occupancy, Recorder};
use crate::model::Outcome;
use crate::units::{Span, Time};

/// Levels of a node now, summed over its replicas.
#[derive(Clone, Copy, Debug, Default)]
struct Levels {
    in_system: u32,
    queue: u32,
    busy: u32,
    working: u32,
    full: u32,
    /// Thousandths of cores at work; only where cores are shared.
    cores: u32,
}

/// Levels times nanoseconds.
#[derive(Clone, Copy, Debug, Default)]
struct Areas {
    queue: u128,
    busy: u128,
    working: u128,
    full: u128,
    cores: u128,
}

/// The figures of one node in one replication.
#[derive(Clone, Debug)]
pub(crate) struct Station {
    now: Levels,
    last: Time,
    areas: Areas,
    /// Time at each number of requests in the system.
    pub(crate) in_system: Occupancy,
    pub(crate) arrivals: u64,
    pub(crate) refused: u64,
    limits: bool,
    shares: bool,
    frozen: Option<Box<Station>>,
}

impl Station {
    pub(super) fn new(node: &Node) -> Self {
        Self {
            now: Levels::default(),
            last: Time(0),
            areas: Areas::default(),
            in_system: Occupancy::default(),
            arrivals: 0,
            refused: 0,
            limits: node.queue_limit != crate::model::id::NONE,
            shares: node.cores.is_some(),
            frozen: None,
        }
    }

    /// Accounts for the time since the last change.
    #[inline]
    fn advance(&mut self, now: Time) {
        let elapsed = now.0 - self.last.0;
        if elapsed == 0 {
            return;
        }
        self.last = now;
        let area = |level: u32| u128::from(level) * u128::from(elapsed);
        self.in_system.add(self.now.in_system, elapsed);
        self.areas.queue += area(self.now.queue);
        self.areas.busy += area(self.now.busy);
        self.areas.working += area(self.now.working);
        if self.limits {
            self.areas.full += area(self.now.full);
        }
        if self.shares {
            self.areas.cores += area(self.now.cores);
        }
    }

    /// The measured time begins: levels stay, everything counted so far is thrown away.
    pub(super) fn open(&mut self, now: Time) {
        let fresh = Self { now: self.now, last: now, limits: self.limits, shares: self.shares, ..self.emptied() };
        *self = fresh;
    }

    fn emptied(&self) -> Self {
        Self {
            now: Levels::default(),
            last: Time(0),
            areas: Areas::default(),
            in_system: Occupancy::default(),
            arrivals: 0,
            refused: 0,
            limits: self.limits,
            shares: self.shares,
            frozen: None,
        }
    }

    /// The measured time is over: what was counted is kept aside, and what follows no longer counts.
    pub(super) fn close(&mut self, now: Time) {
        self.advance(now);
        let mut after = self.emptied();
        after.now = self.now;
        after.last = now;
        let closed = std::mem::replace(self, after);
        self.frozen = Some(Box::new(closed));
    }

    /// The figures of the measured time.
    pub(crate) fn measured(&self) -> &Station {
        self.frozen.as_deref().unwrap_or(self)
    }

    pub(super) fn area(&mut self, now: Time) -> u128 {
        self.advance(now);
        self.in_system.area()
    }

    #[inline]
    pub(super) fn reach(&mut self, now: Time) {
        self.advance(now);
        self.arrivals += 1;
        self.now.in_system += 1;
    }

    #[inline]
    pub(super) fn queue(&mut self, now: Time, joins: bool) {
        self.advance(now);
        step(&mut self.now.queue, joins, 1);
    }

    #[inline]
    pub(super) fn fill(&mut self, now: Time, full: bool) {
        self.advance(now);
        step(&mut self.now.full, full, 1);
    }

    #[inline]
    pub(super) fn hold(&mut self, now: Time, takes: bool) {
        self.advance(now);
        step(&mut self.now.busy, takes, 1);
    }

    #[inline]
    pub(super) fn work(&mut self, now: Time, starts: bool, cores: u32) {
        self.advance(now);
        step(&mut self.now.working, starts, 1);
        step(&mut self.now.cores, starts, cores);
    }

    #[inline]
    pub(super) fn reply(&mut self, now: Time) {
        self.advance(now);
        self.now.in_system -= 1;
    }

    /// Time averages over `duration`: queue, busy, working, full, cores.
    pub(crate) fn means(&self, duration: Span) -> Means {
        let mean = |area: u128| area as f64 / duration.0 as f64;
        Means {
            queue: mean(self.areas.queue),
            busy: mean(self.areas.busy),
            working: mean(self.areas.working),
            full: mean(self.areas.full),
            cores: mean(self.areas.cores) / 1e3,
        }
    }
}

/// Requests that arrived at a node in the measured time and had joined its line, followed to their answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Visits {
    pub(crate) replied: u64,
    /// Of these, left the line unserved.
    pub(crate) abandoned: u64,
    /// Of these, had to wait.
    pub(crate) waited: u64,
    /// Time in line.
    pub(crate) wait: Recorder,
}

impl Visits {
    #[inline]
    pub(super) fn end(&mut self, outcome: Outcome, waited: Span) {
        self.replied += 1;
        // Whoever joined the line and was not served in the end has left it.
        self.abandoned += u64::from(matches!(outcome, Outcome::Overloaded | Outcome::Canceled));
        self.waited += u64::from(waited.0 > 0);
        self.wait.record(waited.0);
    }
}

/// Time averages of a node's levels.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Means {
    pub(crate) queue: f64,
    pub(crate) busy: f64,
    pub(crate) working: f64,
    pub(crate) full: f64,
    pub(crate) cores: f64,
}

#[inline]
fn step(level: &mut u32, up: bool, by: u32) {
    if up {
        *level += by;
    } else {
        *level -= by;
    }
}

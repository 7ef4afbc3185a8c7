//! Controlled delay with adaptive LIFO: in an overload a short line of fresh requests instead of a long one of late ones.
//!
//! `queue_order = "codel"`, or `{ kind = "codel", target = "5ms", interval = "100ms" }`. While the line has not been empty for
//! `interval`, a newcomer waits for `target` at most and the newest is served first; otherwise a newcomer may wait for
//! `interval`, first come, first served. Whoever has waited that long leaves with `overloaded`. A burst that a service can
//! work off within the interval thus loses nothing, and an overload that lasts leaves no standing line: about as many are
//! served as the service can, and they have hardly waited. The line is a whole replica's.
//!
//! Source: Maurer, "Fail at Scale", ACM Queue 13(8), 2015 (Facebook's M = 5 ms, N = 100 ms), after Nichols and Jacobson,
//! "Controlling Queue Delay" (2012).

use crate::units::{Span, Time};

use super::{Links, List};

/// How long a newcomer may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delay {
    /// In a line that does not empty.
    pub target: Span,
    /// Otherwise; and how long a line is not empty before it counts as one that does not.
    pub interval: Span,
}

/// A line in order of arrival, and since when somebody is in it.
#[derive(Clone, Debug)]
pub(super) struct Codel {
    pub(super) list: List,
    delay: Delay,
    since: Time,
}

impl Codel {
    pub(super) fn new(delay: Delay) -> Self {
        Self { list: List::default(), delay, since: Time(0) }
    }

    /// Joins at the end; `first`: nobody else waits.
    pub(super) fn join(&mut self, frame: u32, first: bool, now: Time, links: &mut Links) {
        if first {
            self.since = now;
        }
        self.list.push_back(frame, links);
    }

    /// The oldest, or the newest in a line that does not empty.
    pub(super) fn next(&mut self, now: Time, links: &mut Links) -> Option<u32> {
        if self.stands(now) { self.list.pop_back(links) } else { self.list.pop_front(links) }
    }

    /// How long one that joins now may wait.
    pub(super) fn patience(&self, now: Time) -> Span {
        if self.stands(now) { self.delay.target } else { self.delay.interval }
    }

    fn stands(&self, now: Time) -> bool {
        now.since(self.since) > self.delay.interval
    }
}

//! What a run may not exceed: events, what is alive at once, events at one instant. Looked at between pulses, so that the
//! plain path pays nothing; what makes much at one event brings the next look nearer.

use crate::model::Probe;
use crate::units::Time;

use crate::machine::core::Core;

/// Events between two looks at most.
const PULSE: u64 = 1 << 16;

/// Events between two looks at least, however much there is to do at each.
const LEAST: u64 = 1 << 6;

/// Operations of a program that count as much as an event.
const OPS: u64 = 1 << 12;

/// Events at one instant before it is taken for one that never ends, and so many more for each frame there is.
const AT_ONCE: u64 = 1 << 24;

const AT_ONCE_EACH: u64 = 1 << 6;

/// What there may be too much of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alive {
    /// When clients' requests in flight are.
    Requests,
    /// When requests between nodes are, those included whose caller has given up.
    Tries,
    /// When branches of `parallel`s are.
    Branches,
    /// When messages in queues and with consumers are.
    Messages,
    /// When batches of records under way are.
    Batches,
    /// When records in the logs of topics are.
    Records,
    /// When pending events are.
    Events,
}

impl Alive {
    /// In the plural.
    pub fn text(self) -> &'static str {
        match self {
            Self::Requests => "requests in flight",
            Self::Tries => "requests between nodes alive, abandoned ones included",
            Self::Branches => "branches of `parallel` alive",
            Self::Messages => "messages in queues and with consumers",
            Self::Batches => "batches of records under way",
            Self::Records => "records in the logs of topics",
            Self::Events => "events pending",
        }
    }
}

/// An instant at which much happens.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Instant {
    at: Time,
    /// Events before it, as far as it is known.
    since: u64,
}

impl<P: Probe> Core<'_, P> {
    /// After how many events the watch is looked at again.
    pub(crate) fn pulse(&self) -> u64 {
        let longest = self.plan.ops.len() as u64 / OPS;
        (PULSE / (1 + longest)).max(LEAST)
    }

    /// One event has been so much work as others are in so many: the next look comes sooner.
    #[inline(never)]
    pub(crate) fn toil(&mut self, events: u64) {
        self.course.look_at =
            self.course.look_at.saturating_sub(events).max(self.course.events.min(self.course.look_at));
    }

    /// Whether more has happened at this instant than can be meant.
    pub(crate) fn never_ends(&mut self) -> bool {
        if self.course.instant.at != self.now {
            self.course.instant = Instant { at: self.now, since: self.course.events };
        }
        self.course.events - self.course.instant.since > AT_ONCE + AT_ONCE_EACH * self.frames.peak() as u64
    }
}

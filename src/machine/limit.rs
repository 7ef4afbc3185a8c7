//! What a run may not exceed: events, what is alive at once, events at one instant. Looked at between pulses, so that the
//! plain path pays nothing; what makes much at one event brings the next look nearer.

use crate::model::{Mark, Probe};
use crate::units::Time;

use super::frame::Origin;
use super::{Machine, Stop};

/// Events between two looks at most.
const PULSE: u64 = 1 << 16;

/// Events between two looks at least, however much there is to do at each.
const LEAST: u64 = 1 << 6;

/// Operations of a program that count as much as an event.
const OPS: u64 = 1 << 12;

/// Events that may be pending: half of what the agenda holds, for what comes between two looks.
const PENDING: usize = 1 << 24;

/// Events at one instant before it is taken for one that never ends, and so many more for each frame there is.
const AT_ONCE: u64 = 1 << 24;
const AT_ONCE_EACH: u64 = 1 << 6;

/// Records in the logs of topics weigh less than a request, and an outage of a consumer is no mistake.
const RECORDS: u64 = 8;

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
pub(super) struct Instant {
    at: Time,
    /// Events before it, as far as it is known.
    since: u64,
}

impl<P: Probe> Machine<'_, P> {
    /// After how many events the watch is looked at again.
    pub(super) fn pulse(&self) -> u64 {
        let longest = self.plan.ops.len() as u64 / OPS;
        (PULSE / (1 + longest)).max(LEAST)
    }

    /// One event has been so much work as others are in so many: the next look comes sooner.
    #[inline(never)]
    pub(super) fn toil(&mut self, events: u64) {
        self.look_at = self.look_at.saturating_sub(events).max(self.events.min(self.look_at));
    }

    /// Looks at the watch, and at what there is.
    #[cold]
    pub(super) fn look_up(&mut self, watch: &mut impl FnMut(Time) -> bool) {
        if !watch(self.now) {
            self.halt(Stop::Interrupted);
        } else if self.events >= self.plan.max_events {
            self.halt(Stop::Events);
        } else if let Some(kind) = self.crowd() {
            self.halt(Stop::TooMany(kind));
        } else if self.never_ends() {
            self.halt(Stop::Instant);
        }
    }

    /// What there is too much of.
    fn crowd(&self) -> Option<Alive> {
        let most = self.plan.max_in_flight;
        let messages = self.mail.alive() as u64;
        // Only where there are many frames is it worth telling them apart.
        let mut of = [0_u64; 2];
        if self.frames.live() as u64 - self.in_flight > most {
            for at in self.frames.live_slots() {
                match self.frames[at].origin {
                    Origin::Branch => of[1] += 1,
                    Origin::Root => {}
                    _ => of[0] += 1,
                }
            }
        }
        let found = [
            (Alive::Tries, of[0], most),
            (Alive::Branches, of[1], most),
            (Alive::Messages, messages, most),
            (Alive::Batches, self.streams.alive() as u64, most),
            (Alive::Records, self.streams.records(), most.saturating_mul(RECORDS)),
            (Alive::Events, self.agenda.len() as u64, PENDING as u64),
        ];
        found.into_iter().find(|(_, there, most)| there > most).map(|(kind, ..)| kind)
    }

    /// Whether more has happened at this instant than can be meant.
    fn never_ends(&mut self) -> bool {
        if self.instant.at != self.now {
            self.instant = Instant { at: self.now, since: self.events };
        }
        self.events - self.instant.since > AT_ONCE + AT_ONCE_EACH * self.frames.peak() as u64
    }

    /// Tells the boundaries that did not come to pass, so that what was measured is measured up to here.
    pub(super) fn close_early(&mut self) {
        if !self.opened {
            self.mark(Mark::Open);
        }
        if !self.closed {
            self.mark(Mark::Close);
        }
    }
}

//! The course of a run: what is measured, what it waits for, and why it stops.

use crate::kernel::Phase;
use crate::model::Probe;
use crate::model::id::NONE;
use crate::units::{Span, Time};

use super::limit::Instant;
use crate::machine::core::event::{Event, LINGER};
use crate::machine::core::frame::Frame;
use crate::machine::core::frame::Origin;
use crate::machine::core::limit::Alive;
use crate::machine::core::{Core, GONE};

/// Where a run stands.
#[derive(Clone, Debug, Default)]
pub(crate) struct Course {
    /// Client requests in flight: all, and those of the measured cohort.
    pub(crate) in_flight: u64,
    pub(crate) measured_open: u64,
    pub(crate) events: u64,
    /// After so many events the watch is looked at; 0 once the run stops.
    pub(crate) look_at: u64,
    pub(crate) opened: bool,
    pub(crate) closed: bool,
    /// How long the run has waited for calls and visits after its requests had ended; 0 before that.
    pub(crate) lingered: Span,
    pub(crate) stop: Option<Stop>,
    pub(crate) instant: Instant,
}

/// The first look at what is open once all measured requests have ended; each further one is twice as far away.
const FIRST_LOOK: Span = Span(1_000_000);

/// Why a run stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// When every measured request has ended.
    Ended,
    /// When measured requests were still under way as long after the measured time as the run waits.
    Patience,
    /// When the guard on events was hit.
    Events,
    /// When the guard on what is alive was hit.
    TooMany(Alive),
    /// When an instant did not end.
    Instant,
    /// When the watch said stop.
    Interrupted,
}

impl<P: Probe> Core<'_, P> {
    /// Something that the run waits for has ended.
    pub(crate) fn end_measured(&mut self) {
        self.course.measured_open -= 1;
        if self.course.measured_open == 0 && self.course.closed {
            self.linger();
        }
    }

    /// The run has waited for its requests as long as it may.
    #[cold]
    pub(crate) fn run_out_of_patience(&mut self) {
        if self.course.measured_open > 0 {
            self.halt(Stop::Patience);
        }
    }

    /// All measured requests have ended. What was done for them may go on for a moment, with nobody who waits for it, and it
    /// would be wrong to say of such calls and visits that they were never answered: the run waits for them, too, at most as
    /// long again as the measured time.
    #[cold]
    #[inline(never)]
    pub(crate) fn linger(&mut self) {
        let last = Time(self.plan.warmup.0) + self.plan.duration + self.plan.duration.max(self.plan.patience);
        if self.now >= last || !self.is_anything_open() {
            return self.halt(Stop::Ended);
        }
        let next = Span(self.course.lingered.0 * 2).max(FIRST_LOOK);
        self.course.lingered = next;
        self.agenda.push((self.now + next).min(last), Phase::Sample, Event::Mark(LINGER));
    }

    /// A look at what is open is no event.
    #[cold]
    pub(crate) fn look_again(&mut self) {
        self.course.events -= 1;
        self.linger();
    }

    /// Whether a call of a measured request, or a visit that began in the measured time, has not ended.
    fn is_anything_open(&self) -> bool {
        let window = Time(self.plan.warmup.0)..=Time(self.plan.warmup.0) + self.plan.duration;
        self.frames.live_slots().into_iter().any(|at| {
            let frame = &self.frames[at];
            let asked = frame.origin == Origin::Try;
            (asked && is_visit(frame) && window.contains(&frame.trip.arrived))
                || (frame.whose.measured
                    && matches!(frame.origin, Origin::Try | Origin::Guard)
                    && self.is_waited_for(at))
        })
    }

    /// Whether a frame stands for a call whose caller still waits.
    pub(crate) fn is_waited_for(&self, at: u32) -> bool {
        let frame = &self.frames[at];
        match frame.origin {
            Origin::Try => !frame.marks.abandoned && self.sites[frame.call as usize].guard == NONE,
            Origin::Guard | Origin::Message | Origin::Record => true,
            Origin::Root | Origin::Branch | Origin::Ahead => false,
        }
    }

    /// Whether it is measured time: after the warm-up, up to and with the last instant.
    #[inline(always)]
    pub(crate) fn is_measured(&self) -> bool {
        self.course.opened && !self.course.closed
    }

    /// The run stops after this event; the first reason counts.
    pub(crate) fn halt(&mut self, stop: Stop) {
        let whole = self.course.lingered > Span::ZERO && stop != Stop::Interrupted;
        self.course.stop.get_or_insert(if whole { Stop::Ended } else { stop });
        self.course.look_at = 0;
    }
}

/// Whether a frame has arrived at its node and not been answered there.
pub(crate) fn is_visit(frame: &Frame) -> bool {
    let visits = matches!(frame.origin, Origin::Try | Origin::Message | Origin::Record);
    visits && frame.pc != GONE && frame.trip.arrived > Time(0)
}

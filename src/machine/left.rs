//! When a run stops, and what is left: whatever has not ended is told, with the moment at which it began, so that nothing
//! vanishes from the figures. Nobody looks before the measured time is over, so that this costs a run nothing.

use crate::kernel::Phase;
use crate::model::id::NONE;
use crate::model::{CallId, ClientId, Fact, FlowId, Op, Open, Probe};
use crate::units::{Span, Time};

use super::event::{Event, LINGER};
use super::frame::{Frame, Origin, Pose};
use super::message::Whereabouts;
use super::walk::GONE;
use super::{Machine, Stop};

/// The first look at what is open once all measured requests have ended; each further one is twice as far away.
const FIRST_LOOK: Span = Span(1_000_000);

impl<P: Probe> Machine<'_, P> {
    /// The run has waited for its requests as long as it may.
    #[cold]
    pub(super) fn run_out_of_patience(&mut self) {
        if self.measured_open > 0 {
            self.halt(Stop::Patience);
        }
    }

    /// All measured requests have ended. What was done for them may go on for a moment, with nobody who waits for it, and it
    /// would be wrong to say of such calls and visits that they were never answered: the run waits for them, too, at most as
    /// long again as the measured time.
    #[cold]
    #[inline(never)]
    pub(super) fn linger(&mut self) {
        let last = Time(self.plan.warmup.0) + self.plan.duration + self.plan.duration.max(self.plan.patience);
        if self.now >= last || !self.is_anything_open() {
            return self.halt(Stop::Ended);
        }
        let next = Span(self.lingered.0 * 2).max(FIRST_LOOK);
        self.lingered = next;
        self.agenda.push((self.now + next).min(last), Phase::Sample, Event::Mark(LINGER));
    }

    /// A look at what is open is no event.
    #[cold]
    pub(super) fn look_again(&mut self) {
        self.events -= 1;
        self.linger();
    }

    /// Whether a call of a measured request, or a visit that began in the measured time, has not ended.
    fn is_anything_open(&self) -> bool {
        let window = Time(self.plan.warmup.0)..=Time(self.plan.warmup.0) + self.plan.duration;
        self.frames.live_slots().into_iter().any(|at| {
            let frame = &self.frames[at];
            let asked = frame.origin == Origin::Try;
            (asked && is_visit(frame) && window.contains(&frame.arrived))
                || (frame.measured && matches!(frame.origin, Origin::Try | Origin::Guard) && self.is_waited_for(at))
        })
    }

    /// Whether a frame stands for a call whose caller still waits.
    fn is_waited_for(&self, at: u32) -> bool {
        let frame = &self.frames[at];
        match frame.origin {
            Origin::Try => !frame.abandoned && self.sites[frame.call as usize].guard == NONE,
            Origin::Guard | Origin::Message | Origin::Record => true,
            Origin::Root | Origin::Branch | Origin::Ahead => false,
        }
    }

    /// Tells of everything that is still open.
    #[cold]
    pub(super) fn tell_what_is_left(&mut self) {
        for at in self.frames.live_slots() {
            let frame = self.frames[at];
            self.tell_open_call(at, &frame);
            if frame.measured && frame.origin == Origin::Root {
                self.tell_open(Open::Request(ClientId(u32::from(frame.client))), frame.arrived);
            }
            if is_visit(&frame) {
                self.tell_open(Open::Visit(self.plan.call(CallId(frame.call)).endpoint), frame.arrived);
            }
        }
        self.tell_open_flows();
        self.tell_open_messages();
        self.unread().into_iter().for_each(|(group, since)| self.tell_open(Open::Record(group), since));
    }

    fn tell_open(&mut self, what: Open, since: Time) {
        self.tell(Fact::LeftOpen(what, since));
    }

    /// The calls of measured requests that a frame stands for, or has under way within itself.
    fn tell_open_call(&mut self, at: u32, frame: &Frame) {
        if !frame.measured {
            return;
        }
        let scopes: Vec<_> = self.frames.scopes(at).iter().map(|scope| (scope.edge, scope.since)).collect();
        scopes.into_iter().for_each(|(edge, since)| self.tell_open(Open::Call(edge), since));
        if self.is_waited_for(at) {
            self.tell_open(Open::Call(self.plan.call(CallId(frame.call)).edge), frame.sent);
        }
        if frame.pose == Pose::Publishing {
            match self.plan.ops[frame.pc as usize] {
                Op::Publish { post, .. } => self.tell_open(Open::Call(self.plan.post(post).edge), frame.since),
                Op::Produce { producer, .. } => {
                    self.tell_open(Open::Call(self.plan.producers[producer.index()].edge), frame.since);
                }
                _ => {}
            }
        }
    }

    /// Flows whose requests were measured and that are neither done nor lost.
    fn tell_open_flows(&mut self) {
        for (client, intended, reached) in self.roots.open() {
            let own = (0..).map(FlowId).zip(&self.plan.flows).filter(|(_, flow)| flow.client == client);
            let open: Vec<FlowId> = own.filter(|(_, f)| reached & f.goals != f.goals).map(|(id, _)| id).collect();
            open.into_iter().for_each(|flow| self.tell_open(Open::Flow(flow), intended));
        }
    }

    /// Messages that count and are in their queues or with consumers.
    fn tell_open_messages(&mut self) {
        let there = |place| matches!(place, Whereabouts::Ready | Whereabouts::Delivered);
        let all = self.mail.messages.iter().filter(|m| m.counted && there(m.place));
        let all: Vec<_> = all.map(|m| (m.queue, m.published)).collect();
        all.into_iter().for_each(|(queue, since)| self.tell_open(Open::Message(queue), since));
    }
}

/// Whether a frame has arrived at its node and not been answered there.
fn is_visit(frame: &Frame) -> bool {
    let visits = matches!(frame.origin, Origin::Try | Origin::Message | Origin::Record);
    visits && frame.pc != GONE && frame.arrived > Time(0)
}

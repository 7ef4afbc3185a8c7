//! When a run stops, and what is left: whatever has not ended is told, with the moment at which it began, so that nothing
//! vanishes from the figures. Nobody looks before the measured time is over, so that this costs a run nothing.
//!
//! Marks: the boundaries of the measured time, and those between its stretches.

use crate::kernel::Phase;
use crate::model::plan::STRETCHES;
use crate::model::{CallId, ClientId, Fact, FlowId, Mark, Op, Open, Probe};
use crate::units::Time;

use crate::machine::Machine;
use crate::machine::core::course::is_visit;
use crate::machine::core::event::Event;
use crate::machine::core::frame::{Frame, Origin, Pose};
use crate::machine::mail::Whereabouts;

/// The number of the mark at the end of the first stretch of the measured time; the others follow.
pub(crate) const STRETCH: u32 = Mark::ALL.len() as u32;

impl<P: Probe> Machine<'_, P> {
    /// Tells of everything that is still open.
    #[cold]
    pub(crate) fn tell_what_is_left(&mut self) {
        for at in self.core.frames.live_slots() {
            let frame = self.core.frames[at];
            self.tell_open_call(at, &frame);
            if frame.whose.measured && frame.origin == Origin::Root {
                self.tell_open(Open::Request(ClientId(u32::from(frame.whose.client))), frame.trip.arrived);
            }
            if is_visit(&frame) {
                self.tell_open(Open::Visit(self.core.plan.call(CallId(frame.call)).endpoint), frame.trip.arrived);
            }
        }
        self.tell_open_flows();
        self.tell_open_messages();
        self.streams
            .unread(&self.core)
            .into_iter()
            .for_each(|(group, since)| self.tell_open(Open::Record(group), since));
    }

    fn tell_open(&mut self, what: Open, since: Time) {
        self.core.tell(Fact::LeftOpen(what, since));
    }

    /// The calls of measured requests that a frame stands for, or has under way within itself.
    fn tell_open_call(&mut self, at: u32, frame: &Frame) {
        if !frame.whose.measured {
            return;
        }
        let scopes: Vec<_> = self.core.frames.scopes(at).iter().map(|scope| (scope.edge, scope.since)).collect();
        scopes.into_iter().for_each(|(edge, since)| self.tell_open(Open::Call(edge), since));
        if self.core.is_waited_for(at) {
            self.tell_open(Open::Call(self.core.plan.call(CallId(frame.call)).edge), frame.trip.sent);
        }
        if frame.state.pose == Pose::Publishing {
            match self.core.plan.ops[frame.pc as usize] {
                Op::Publish { post, .. } => {
                    self.tell_open(Open::Call(self.core.plan.post(post).edge), frame.wait.since);
                }
                Op::Produce { producer, .. } => {
                    self.tell_open(Open::Call(self.core.plan.producers[producer.index()].edge), frame.wait.since);
                }
                _ => {}
            }
        }
    }

    /// Flows whose requests were measured and that are neither done nor lost.
    fn tell_open_flows(&mut self) {
        for (client, intended, reached) in self.core.roots.open() {
            let own = (0..).map(FlowId).zip(&self.core.plan.flows).filter(|(_, flow)| flow.client == client);
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

    /// Tells the boundaries that did not come to pass, so that what was measured is measured up to here.
    pub(crate) fn close_early(&mut self) {
        if !self.core.course.opened {
            self.mark(Mark::Open);
        }
        if !self.core.course.closed {
            self.mark(Mark::Close);
        }
    }

    /// A boundary passes: one that every run has, or that of a stretch of time that somebody wants to look at.
    #[cold]
    pub(crate) fn pass_mark(&mut self, nth: u32) {
        let Some(stretch) = nth.checked_sub(STRETCH) else { return self.mark(Mark::ALL[nth as usize]) };
        // A look at the world is no event in it.
        self.core.course.events -= 1;
        self.mark(Mark::Stretch);
        if stretch + 2 < STRETCHES {
            self.core.agenda.push_after(self.core.plan.stretch(), Phase::Sample, Event::Mark(nth + 1));
        }
    }

    /// A boundary that every run has passes.
    pub(crate) fn mark(&mut self, mark: Mark) {
        if mark != Mark::Half {
            self.calls.read_breakers(&mut self.core);
        }
        self.core.tell(Fact::Marked(mark));
        self.core.course.opened |= mark == Mark::Open;
        if mark == Mark::Close {
            self.core.course.closed = true;
            if self.core.course.measured_open == 0 {
                self.core.linger();
            }
        }
    }
}

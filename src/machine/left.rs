//! What is left when a run stops: whatever has not ended is told, with the moment at which it began, so that nothing
//! vanishes from the figures. The run has stopped by then, so that this costs a run nothing.

use crate::model::id::NONE;
use crate::model::{CallId, ClientId, Fact, FlowId, Op, Open, Probe};
use crate::units::Time;

use super::Machine;
use super::frame::{Frame, Origin, Pose};
use super::message::Whereabouts;
use super::walk::GONE;

impl<P: Probe> Machine<'_, P> {
    /// Tells of everything that is still open.
    #[cold]
    pub(super) fn tell_what_is_left(&mut self) {
        for at in self.frames.live_slots() {
            let frame = self.frames[at];
            self.tell_open_call(at, &frame);
            if frame.measured && frame.origin == Origin::Root {
                self.tell_open(Open::Request(ClientId(u32::from(frame.client))), frame.arrived);
            }
            let visits = matches!(frame.origin, Origin::Try | Origin::Message | Origin::Record);
            if visits && frame.pc != GONE && frame.arrived > Time(0) {
                self.tell_open(Open::Visit(self.plan.call(CallId(frame.call)).endpoint), frame.arrived);
            }
        }
        self.tell_open_flows();
        self.tell_open_messages();
        self.unread().into_iter().for_each(|(group, since)| self.tell_open(Open::Record(group), since));
    }

    fn tell_open(&mut self, what: Open, since: Time) {
        self.tell(Fact::LeftOpen { what, since });
    }

    /// The calls of measured requests that a frame stands for, or has under way within itself.
    fn tell_open_call(&mut self, at: u32, frame: &Frame) {
        if !frame.measured {
            return;
        }
        let scopes: Vec<_> = self.frames.scopes(at).iter().map(|scope| (scope.edge, scope.since)).collect();
        scopes.into_iter().for_each(|(edge, since)| self.tell_open(Open::Call(edge), since));
        let waited_for = match frame.origin {
            Origin::Try => !frame.abandoned && self.sites[frame.call as usize].guard == NONE,
            Origin::Guard => self.guarded[at as usize].police != NONE,
            Origin::Message | Origin::Record => true,
            Origin::Root | Origin::Branch => false,
        };
        if waited_for {
            self.tell_open(Open::Call(self.plan.call(CallId(frame.call)).edge), frame.sent);
        }
        if frame.pose == Pose::Publishing {
            match self.plan.ops[frame.pc as usize] {
                Op::Publish { post, .. } => self.tell_open(Open::Call(self.plan.post(post).edge), frame.since),
                Op::Produce(id) => self.tell_open(Open::Call(self.plan.producers[id.index()].edge), frame.since),
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

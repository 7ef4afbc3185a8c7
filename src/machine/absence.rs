//! Consumers that can no longer consume: their replica, or their broker, is down, and what they have goes back.

use crate::model::{Fact, Outcome, Probe, QueueId};

use super::Machine;
use super::message::Verdict;

impl<P: Probe> Machine<'_, P> {
    /// The consumers of a replica, or of a broker, can no longer consume: what they have goes back.
    #[cold]
    pub(super) fn lose_consumers(&mut self, replica: u32, crashed: bool) {
        self.lose_streams(replica, crashed);
        self.switch_broker(self.replicas[replica as usize].node, true);
        let own = self.members_of(replica);
        for member in &own {
            self.mail.members[*member as usize].down = true;
        }
        self.take_back(&own);
    }

    /// They can again.
    #[cold]
    pub(super) fn regain_consumers(&mut self, replica: u32) {
        self.regain_streams(replica);
        self.switch_broker(self.replicas[replica as usize].node, false);
        for member in self.members_of(replica) {
            self.mail.members[member as usize].down = false;
            self.start_consumer(member);
            let crew = self.mail.members[member as usize].crew;
            let queue = self.plan.crews[crew as usize].queue;
            self.dispatch(queue);
            self.make_room(queue);
        }
    }

    fn members_of(&self, replica: u32) -> Vec<u32> {
        let all = (0..).zip(&self.mail.members);
        all.filter(|(_, member)| member.replica == replica).map(|(at, _)| at).collect()
    }

    /// The connections between some consumers and their brokers are reset: messages of which nothing was said go back, the
    /// last first, so that they stand in their old order; what no consumer has begun with falls. SQS knows of no consumers:
    /// there a message shows up again when its time is over.
    #[cold]
    pub(super) fn take_back(&mut self, members: &[u32]) {
        let crew = |m: &u32| &self.plan.crews[self.mail.members[*m as usize].crew as usize];
        let queues: std::collections::BTreeSet<QueueId> = members.iter().map(|m| crew(m).queue).collect();
        queues.iter().for_each(|queue| self.mail.queues[queue.index()].hushed = true);
        let waiting: Vec<u32> =
            members.iter().flat_map(|m| std::mem::take(&mut self.mail.members[*m as usize].waiting)).collect();
        let mut all: Vec<u32> = self.mail.deliveries.live().collect();
        all.retain(|at| members.contains(&self.mail.deliveries.at(*at).member));
        all.sort_by_key(|at| std::cmp::Reverse(self.mail.ready_since(self.mail.deliveries.at(*at).message)));
        for at in all {
            let delivery = self.mail.deliveries.at_mut(at);
            delivery.reset = true;
            let (silent, message) = (!delivery.void && delivery.verdict == Verdict::None, delivery.message);
            let queue = self.mail.message(message).queue;
            if silent && !self.plan.queue(queue).rules.hide() {
                self.take_from(at);
            }
        }
        for at in waiting {
            let frame = &mut self.frames[at];
            frame.waited += self.now.since(frame.since).0;
            let node = self.replicas[frame.replica as usize].node;
            self.tell(Fact::Dequeued { node });
            self.let_fall(at);
        }
        for queue in queues {
            self.mail.queues[queue.index()].hushed = false;
            self.dispatch(queue);
            self.make_room(queue);
        }
    }

    /// Whether a consumer is at work on a delivery: it dies with its replica.
    pub(super) fn is_handled(&self, at: u32) -> bool {
        self.mail.deliveries.at(self.frames[at].caller).begun
    }

    /// A consumer dies at work on a message. That goes back when the broker finds the connection gone: see
    /// [`lose_consumers`](Self::lose_consumers), which follows.
    #[cold]
    pub(super) fn die_handling(&mut self, at: u32) {
        let member = self.mail.deliveries.at(self.frames[at].caller).member;
        let replica = self.frames[at].replica;
        let node = self.replicas[replica as usize].node;
        self.tell_load(replica, Fact::Left { node });
        self.mail.members[member as usize].busy = false;
        self.part_with(at, Outcome::Reset);
    }
}

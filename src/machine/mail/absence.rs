//! Consumers that can no longer consume: their replica, or their broker, is down, and what they have goes back.

use std::collections::{BTreeSet, VecDeque};

use crate::model::{Fact, Outcome, Probe, QueueId};

use crate::machine::core::Core;
use crate::machine::mail::{Mail, Verdict};

impl Mail {
    /// The consumers of a replica, or of a broker, can no longer consume: what they have goes back.
    pub(crate) fn lose_consumers<P: Probe>(&mut self, core: &mut Core<'_, P>, replica: u32) {
        let node = core.node_of(replica);
        self.switch_broker(core, node, true);
        let own = self.members_of(replica);
        for member in &own {
            self.members[*member as usize].down = true;
        }
        self.take_back(core, &own, None);
    }

    /// They can again.
    pub(crate) fn regain_consumers<P: Probe>(&mut self, core: &mut Core<'_, P>, replica: u32) {
        let node = core.node_of(replica);
        self.switch_broker(core, node, false);
        for member in self.members_of(replica) {
            self.members[member as usize].down = false;
            self.start_consumer(core, member);
            let crew = self.members[member as usize].crew;
            for duty in &core.plan.crews[crew as usize].duties {
                self.dispatch(core, duty.queue);
                self.make_room(core, duty.queue);
            }
        }
    }

    pub(crate) fn members_of(&self, replica: u32) -> Vec<u32> {
        let all = (0..).zip(&self.members);
        all.filter(|(_, member)| member.replica == replica).map(|(at, _)| at).collect()
    }

    /// The connections between some consumers and their brokers, or one broker, are reset: messages of which nothing was said go
    /// back, the last first, so that they stand in their old order; what no consumer has begun with falls. SQS knows of no
    /// consumers: there a message shows up again when its time is over.
    #[cold]
    pub(crate) fn take_back<P: Probe>(&mut self, core: &mut Core<'_, P>, members: &[u32], only: Option<QueueId>) {
        let duties = |m: &u32| core.plan.crews[self.members[*m as usize].crew as usize].duties.iter();
        let queues: BTreeSet<QueueId> = members.iter().flat_map(duties).map(|duty| duty.queue).collect();
        queues.iter().for_each(|queue| self.queues[queue.index()].hushed = true);
        members.iter().for_each(|member| self.fall_silent(core, *member, only));
        let mut waiting = Vec::new();
        for member in members {
            let all = std::mem::take(&mut self.members[*member as usize].waiting);
            let (lost, kept) = all.into_iter().partition(|at| self.is_from(core.frames[*at].caller, only));
            self.members[*member as usize].waiting = kept;
            waiting.extend::<VecDeque<u32>>(lost);
        }
        let mut all: Vec<u32> = self.deliveries.live().collect();
        all.retain(|at| members.contains(&self.deliveries.at(*at).member) && self.is_from(*at, only));
        all.sort_by_key(|at| std::cmp::Reverse(self.ready_since(self.deliveries.at(*at).message)));
        for at in all {
            let delivery = self.deliveries.at_mut(at);
            delivery.reset = true;
            let (silent, message) = (!delivery.void && delivery.verdict == Verdict::None, delivery.message);
            let queue = self.message(message).queue;
            if silent && !core.plan.queue(queue).rules.hide() {
                self.take_from(core, at);
            }
        }
        for at in waiting {
            let frame = &mut core.frames[at];
            frame.wait.waited += core.now.since(frame.wait.since).0;
            let replica = frame.replica;
            let node = core.node_of(replica);
            core.tell(Fact::Dequeued { node });
            self.let_fall(core, at);
        }
        for queue in queues {
            self.queues[queue.index()].hushed = false;
            self.dispatch(core, queue);
            self.make_room(core, queue);
        }
    }

    /// Whether a delivery is from a queue, where it is asked for one.
    pub(crate) fn is_from(&self, at: u32, only: Option<QueueId>) -> bool {
        only.is_none_or(|queue| self.messages[self.deliveries.at(at).message as usize].queue == queue)
    }

    /// Whether a consumer is at work on a delivery: it dies with its replica.
    pub(crate) fn is_handled<P: Probe>(&self, core: &Core<'_, P>, at: u32) -> bool {
        self.deliveries.at(core.frames[at].caller).begun
    }

    /// A consumer dies at work on a message. That goes back when the broker finds the connection gone: see
    /// [`lose_consumers`](Self::lose_consumers), which follows.
    #[cold]
    pub(crate) fn die_handling<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        let member = self.deliveries.at(core.frames[at].caller).member;
        let replica = core.frames[at].replica;
        let node = core.node_of(replica);
        core.tell_load(replica, || Fact::Left { node });
        self.members[member as usize].busy = false;
        self.part_with(core, at, Outcome::Reset);
    }
}

//! A publisher and its record: it is filed if its producer has room for it, and whoever waits for the broker hears of it.

use crate::model::id::NONE;
use crate::model::stream::{Acks, Filed, Producer};
use crate::model::{CallId, Cause, Fact, NodeId, Op, Outcome, Probe, ProducerId, TopicId, Trace};
use crate::random::Lineage;
use crate::units::{Span, Time};

use crate::machine::core::frame::Pose;
use crate::machine::core::{Core, Flow};
use crate::machine::streams::beat::Beat;
use crate::machine::streams::state::Streams;
use crate::machine::streams::state::{Batch, Outgoing, Record, Stage};

impl Streams {
    /// A frame publishes; it goes on at once, or when its record is safe, or when its producer has room for it.
    #[inline(never)]
    pub(crate) fn produce<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, id: ProducerId) -> Flow {
        let post = core.plan.producers[id.index()];
        let plan = &core.plan.topics[post.topic as usize];
        let (replica, measured) = (core.frames[at].replica, core.frames[at].whose.measured);
        let edge = post.edge;
        core.tell(Fact::Called { edge, measured });
        if core.is_troubled() && core.is_turned_away(edge, core.frames[at].lineage.child(post.site, 0)) {
            core.tell(Fact::Settled { edge, outcome: Outcome::Error, latency: Span::ZERO, measured });
            return core.fail_step(at, Outcome::Error);
        }
        let outlet = self.brokers[post.topic as usize].first_outlet + replica;
        let producer = &self.outlets[outlet as usize];
        if producer.buffered >= plan.buffer || !producer.blocked.is_empty() {
            return self.wait_for_room(core, at, outlet, plan.max_block);
        }
        if self.file_record(core, at, &post, core.now) {
            let frame = &mut core.frames[at];
            frame.wait.since = core.now;
            frame.state.pose = Pose::Publishing;
            return Flow::Stay;
        }
        core.tell(Fact::Settled { edge, outcome: Outcome::Succeeded, latency: Span::ZERO, measured });
        core.frames[at].pc += 1;
        Flow::On
    }

    /// A record goes to its batch; says whether its frame waits until it is safe.
    pub(crate) fn file_record<P: Probe>(
        &mut self,
        core: &mut Core<'_, P>,
        at: u32,
        post: &Producer,
        published: Time,
    ) -> bool {
        let topic = post.topic;
        let plan = &core.plan.topics[topic as usize];
        let frame = &core.frames[at];
        let (replica, lineage) = (frame.replica, frame.lineage);
        let record = Record {
            published,
            lineage: lineage.child(post.site, 0),
            root: core.root_of(at),
            whose: frame.whose,
            poisoned: false,
        };
        let keyed = core.plan.spreads[post.spread as usize].partition(core.seed, lineage, plan.partitions);
        let broker = &mut self.brokers[topic as usize];
        let partition = keyed.unwrap_or(broker.turns[replica as usize]);
        let batcher = broker.first_batcher + replica * plan.partitions + partition;
        let outlet = broker.first_outlet + replica;
        let waits = post.waits && plan.acks != Acks::None;
        let waiter = if waits { at } else { NONE };
        if !plan.groups.is_empty() {
            core.trace(|now| Trace::Sent { frame: at, message: record.lineage, node: plan.node, at: now });
        }
        (0..plan.groups.len()).for_each(|_| core.join_root(record.root));
        core.tell(Fact::Produced { topic: TopicId(topic) });
        let open = &mut self.batchers[batcher as usize];
        let opens = open.is_empty();
        let outgoing = Outgoing { record, waiter, back: post.back, filed: core.now };
        let filed = open.file(outgoing, core.now, plan.linger, plan.batch);
        if keyed.is_none() && open.len() as u64 == u64::from(plan.batch) {
            self.turn_partition(core, topic, replica, partition);
        }
        let producer = &mut self.outlets[outlet as usize];
        producer.buffered += 1;
        if opens {
            producer.open.push(partition);
        }
        match filed {
            Filed::Opened(due) => core.beat_at(due, Beat::Linger(batcher)),
            Filed::Joined => {}
            Filed::Complete => self.press(core, topic, outlet, post.there),
        }
        waits
    }

    /// A copy of a record that failed (in the hands of a frame) goes on to another topic: into the partition of the same number.
    pub(crate) fn hand_on<P: Probe>(
        &mut self,
        core: &mut Core<'_, P>,
        frame: u32,
        topic: u32,
        (lineage, way, poisoned): (Lineage, Span, bool),
    ) {
        let (member, root) = (core.frames[frame].caller, core.root_of(frame));
        let plan = &core.plan.topics[topic as usize];
        let partition = self.members[member as usize].record.partition % plan.partitions;
        if !plan.groups.is_empty() {
            core.trace(|at| Trace::Sent { frame, message: lineage, node: plan.node, at });
        }
        (0..plan.groups.len()).for_each(|_| core.join_root(root));
        core.tell(Fact::Produced { topic: TopicId(topic) });
        let record = Record { published: core.now, lineage, root, whose: core.frames[frame].whose, poisoned };
        let back = core.plan.call(CallId(core.frames[frame].call)).back;
        let outlet = self.brokers[topic as usize].first_outlet + core.frames[frame].replica;
        let records = vec![Outgoing { record, waiter: NONE, back, filed: core.now }];
        let slot = self.stow(Batch {
            topic,
            partition,
            outlet,
            request: NONE,
            stage: Stage::Sent,
            records,
            ..Batch::default()
        });
        if way == Span::ZERO {
            return self.append_batch(core, slot);
        }
        core.beat_at(core.now + way, Beat::Append(slot));
    }

    /// Whoever has no key turns to the next partition.
    pub(crate) fn turn_partition<P: Probe>(
        &mut self,
        core: &mut Core<'_, P>,
        topic: u32,
        replica: u32,
        partition: u32,
    ) {
        let partitions = core.plan.topics[topic as usize].partitions;
        let turn = &mut self.brokers[topic as usize].turns[replica as usize];
        if *turn == partition {
            *turn = (partition + 1) % partitions;
        }
    }

    /// All publishers that wait for a batch are told.
    pub(crate) fn confirm_all<P: Probe>(&mut self, core: &mut Core<'_, P>, slot: u32) {
        for at in 0..self.batches[slot as usize].records.len() {
            let batch = &mut self.batches[slot as usize];
            let (topic, outgoing) = (batch.topic, &mut batch.records[at]);
            let waiter = std::mem::replace(&mut outgoing.waiter, NONE);
            let (lineage, back) = (outgoing.record.lineage, outgoing.back);
            if waiter != NONE {
                let back = core.vary(back, lineage, crate::random::Purpose::Back, 0);
                core.tell_publisher(topic, waiter, Outcome::Succeeded, back);
            }
        }
    }
}

impl<P: Probe> Core<'_, P> {
    /// A publisher, if there is one, will hear what became of its record.
    pub(crate) fn tell_publisher(&mut self, topic: u32, waiter: u32, outcome: Outcome, back: Span) {
        if waiter == NONE {
            return;
        }
        self.charge_stay(waiter, self.plan.topics[topic as usize].node, Cause::Broker);
        let due = self.now + back;
        let frame = &mut self.frames[waiter];
        (frame.state.outcome, frame.due) = (outcome, due);
        self.beat_at(due, Beat::Confirmed(waiter));
    }

    /// A publisher hears what became of its record, and goes on.
    pub(crate) fn confirm_record(&mut self, at: u32) {
        let frame = &self.frames[at];
        if frame.due != self.now || frame.state.pose != Pose::Publishing {
            return;
        }
        let Op::Produce { producer, .. } = self.plan.ops[frame.pc as usize] else { return };
        let outcome = frame.state.outcome;
        self.charge_stay(at, self.broker_of(producer), Cause::Network);
        self.hear_of_record(at, producer, outcome);
    }

    /// A publisher no longer waits.
    pub(crate) fn hear_of_record(&mut self, at: u32, producer: ProducerId, outcome: Outcome) {
        let frame = &mut self.frames[at];
        frame.due = Time::NEVER;
        frame.state.pose = Pose::Idle;
        let (since, measured) = (frame.wait.since, frame.whose.measured);
        let edge = self.plan.producers[producer.index()].edge;
        self.tell(Fact::Settled { edge, outcome, latency: self.now.since(since), measured });
        if outcome.is_good() {
            self.frames[at].pc += 1;
        } else {
            self.fail_step(at, outcome);
        }
        self.ready.push_back(at);
    }

    /// Charges what a publisher waits for to the broker.
    pub(crate) fn charge_stay(&mut self, at: u32, node: NodeId, cause: Cause) {
        if self.probe.accounts() {
            let elapsed = self.now.since(self.frames[at].account.until);
            self.charge_at(at, node, cause, elapsed);
        }
    }
}

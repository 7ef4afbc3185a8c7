//! Records that are too old are deleted, and groups that had not come to them pass over them.

use crate::model::{Fact, GroupId, Probe};
use crate::units::{Span, Time};

use super::{Beat, Machine};

/// When a broker looks for the first time (`log.initial.task.delay.ms` of Kafka: 30 s after its start).
pub(super) const FIRST: Time = Time(30_000_000_000);

/// From one look to the next (`log.retention.check.interval.ms` of Kafka).
const CHECK: Span = Span(300_000_000_000);

impl<P: Probe> Machine<'_, P> {
    /// The broker of a topic looks for segments that are too old. Groups that had not come to their records never will.
    pub(super) fn retain_records(&mut self, topic: u32) {
        let plan = &self.plan.topics[topic as usize];
        for partition in 0..plan.partitions {
            let log = &mut self.streams.brokers[topic as usize].logs[partition as usize];
            let below = log.outdated(self.now, plan.retention);
            loop {
                let log = &mut self.streams.brokers[topic as usize].logs[partition as usize];
                let Some((offset, record)) = log.delete_below(below) else { break };
                for group in plan.groups.clone() {
                    if !self.streams.crews[group as usize].places[partition as usize].cursor.has_seen(offset) {
                        self.leave_root(record.root);
                    }
                }
            }
        }
        let due = self.now + CHECK;
        self.beat_at(due, Beat::Retain(topic));
    }

    /// Records were deleted before the group came to them: it goes on with the oldest that is left, or with what is new, and
    /// then what lies between is lost to it as well.
    pub(super) fn skip_deleted(&mut self, at: u32, group: u32, partition: u32) {
        let from_start = self.seat_of(at).from_start;
        let topic = self.topic_of(group);
        let log = &self.streams.brokers[topic as usize].logs[partition as usize];
        let to = if from_start { log.start() } else { log.watermark() };
        let place = &mut self.streams.crews[group as usize].places[partition as usize];
        let (before, unseen) = (place.cursor.position(), place.cursor.unseen());
        let missed = place.cursor.skip_to(to);
        let records = to.saturating_sub(before);
        place.retries = false;
        let more = place.stock > to;
        place.stocked = more;
        if more {
            self.streams.members[at as usize].stocked.push_back(partition);
        }
        for offset in unseen.max(log.start())..to {
            if let Some(record) = self.streams.brokers[topic as usize].logs[partition as usize].read(offset) {
                self.leave_root(record.root);
            }
        }
        self.tell(Fact::Skipped { group: GroupId(group), records, missed });
    }
}

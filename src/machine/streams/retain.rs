//! Records that are too old are deleted, and groups that had not come to them pass over them.

use crate::model::{Fact, GroupId, Probe};
use crate::units::{Span, Time};

use crate::machine::core::Core;
use crate::machine::streams::beat::Beat;
use crate::machine::streams::state::Streams;

/// When a broker looks for the first time (`log.initial.task.delay.ms` of Kafka: 30 s after its start).
pub(crate) const FIRST: Time = Time(30_000_000_000);

/// From one look to the next (`log.retention.check.interval.ms` of Kafka).
const CHECK: Span = Span(300_000_000_000);

impl Streams {
    /// The broker of a topic looks for segments that are too old. Groups that had not come to their records never will.
    pub(crate) fn retain_records<P: Probe>(&mut self, core: &mut Core<'_, P>, topic: u32) {
        let plan = &core.plan.topics[topic as usize];
        for partition in 0..plan.partitions {
            let log = &mut self.brokers[topic as usize].logs[partition as usize];
            let below = log.outdated(core.now, plan.retention);
            loop {
                let log = &mut self.brokers[topic as usize].logs[partition as usize];
                let Some((offset, record)) = log.delete_below(below) else { break };
                for group in plan.groups.clone() {
                    if !self.crews[group as usize].places[partition as usize].cursor.has_seen(offset) {
                        core.leave_root(record.root);
                    }
                }
            }
        }
        let due = core.now + CHECK;
        core.beat_at(due, Beat::Retain(topic));
    }

    /// Records were deleted before the group came to them: it goes on with the oldest that is left, or with what is new, and
    /// then what lies between is lost to it as well.
    pub(crate) fn skip_deleted<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, group: u32, partition: u32) {
        let from_start = self.seat_of(core, at).from_start;
        let topic = core.topic_of(group);
        let log = &self.brokers[topic as usize].logs[partition as usize];
        let to = if from_start { log.start() } else { log.watermark() };
        let place = &mut self.crews[group as usize].places[partition as usize];
        let (before, unseen) = (place.cursor.position(), place.cursor.unseen());
        let missed = place.cursor.skip_to(to);
        let records = to.saturating_sub(before);
        place.retries = false;
        let more = place.stock > to;
        place.stocked = more;
        if more {
            self.members[at as usize].known.stocked.push_back(partition);
        }
        for offset in unseen.max(log.start())..to {
            if let Some(record) = self.brokers[topic as usize].logs[partition as usize].read(offset) {
                core.leave_root(record.root);
            }
        }
        core.tell(Fact::Skipped { group: GroupId(group), records, missed });
    }
}

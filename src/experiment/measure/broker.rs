//! What is heard of brokers: records of topics and those who read them, messages of queues.

use crate::model::{Fact, Outcome};
use crate::units::Time;

use super::Measure;
use super::aftermath::Whose;

impl Measure {
    /// What happened to records.
    #[inline(never)]
    pub(super) fn hear_of_streams(&mut self, now: Time, fact: Fact) {
        let (open, one) = (self.open, u64::from(self.open));
        match fact {
            Fact::Produced { topic } => {
                self.feeds[topic.index()].published += one;
                if self.faulted {
                    self.groups[topic.index()]
                        .clone()
                        .for_each(|g| self.aftermath.set_out(Whose::Group(g as usize), now));
                }
            }
            Fact::Appended { topic, records } => {
                let feed = &mut self.feeds[topic.index()];
                feed.batches += one;
                feed.batched += one * u64::from(records);
            }
            Fact::Exposed { topic, records } => {
                let groups = self.groups[topic.index()].clone();
                let groups = &mut self.readings[groups.start as usize..groups.end as usize];
                groups.iter_mut().for_each(|r| r.rise(now, u64::from(records), open));
            }
            Fact::Forfeited { topic, records } => self.feeds[topic.index()].lost += one * u64::from(records),
            Fact::Passed { group, published, stale, repeats } => {
                let counts = !repeats && self.counts(published);
                let (reading, delay) = (&mut self.readings[group.index()], now.since(published));
                if counts {
                    reading.delay.record(delay.0);
                }
                if !stale {
                    reading.fall(now, 1, open);
                }
                *(if repeats { &mut reading.duplicates } else { &mut reading.consumed }) += one;
                if counts && self.faulted {
                    self.aftermath.arrive(Whose::Group(group.index()), published, Outcome::Succeeded, delay);
                }
            }
            Fact::Rewound { group, records } => self.readings[group.index()].rise(now, records, open),
            Fact::Skipped { group, records, missed } => {
                let reading = &mut self.readings[group.index()];
                reading.fall(now, records, open);
                reading.skipped += one * missed;
            }
            Fact::Rebalanced { group } => self.readings[group.index()].rebalances += one,
            _ => {}
        }
    }

    /// Something happens to a message.
    pub(super) fn mail(&mut self, now: Time, fact: Fact) {
        let open = self.open;
        if self.faulted {
            self.note_mail(now, fact);
        }
        match fact {
            Fact::Published { queue, counted } => self.queues[queue.index()].publish(counted),
            Fact::Rejected { queue } => self.queues[queue.index()].rejected += u64::from(open),
            Fact::Blocked { queue, up } => self.queues[queue.index()].hold(now, up, open),
            Fact::Lost { queue } => self.queues[queue.index()].lost += u64::from(open),
            Fact::Depth { queue, up } => self.queues[queue.index()].rise(now, up, open),
            Fact::Delivered { queue, again, counted } => self.queues[queue.index()].deliver(now, again, counted),
            Fact::Taken { queue, waited, counted: true } => self.queues[queue.index()].wait.record(waited.0),
            Fact::Returned { queue, counted } => self.queues[queue.index()].come_back(now, counted),
            Fact::Disposed { queue, fate, ready, counted } => {
                self.queues[queue.index()].end(now, fate, ready, counted);
            }
            _ => {}
        }
    }

    /// How the messages of a queue fare while things go wrong.
    fn note_mail(&mut self, now: Time, fact: Fact) {
        match fact {
            Fact::Published { queue, .. } => self.aftermath.set_out(Whose::Queue(queue.index()), now),
            Fact::Taken { queue, waited, .. } => {
                let since = Time(now.0.saturating_sub(waited.0));
                self.aftermath.arrive(Whose::Queue(queue.index()), since, Outcome::Succeeded, waited);
            }
            _ => {}
        }
    }
}

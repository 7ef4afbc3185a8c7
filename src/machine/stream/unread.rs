//! Records that groups are not past when a run stops.

use crate::model::{GroupId, Probe};
use crate::units::Time;

use super::Machine;

impl<P: Probe> Machine<'_, P> {
    /// Records that are safe and that a group is not past: whose they are, and when they were published.
    pub(in crate::machine) fn unread(&self) -> Vec<(GroupId, Time)> {
        let mut all = Vec::new();
        for (group, crew) in self.streams.crews.iter().enumerate() {
            let group = group as u32;
            let logs = &self.streams.brokers[self.topic_of(group) as usize].logs;
            for (log, place) in logs.iter().zip(&crew.places) {
                let open = (place.cursor.position()..log.watermark()).filter_map(|offset| log.read(offset));
                all.extend(open.map(|record| (GroupId(group), record.published)));
            }
        }
        all
    }
}

//! Records that groups are not past when a run stops.

use crate::model::{GroupId, Probe};
use crate::units::Time;

use crate::machine::core::Core;
use crate::machine::streams::state::Streams;

impl Streams {
    /// Records that are safe and that a group is not past: whose they are, and when they were published.
    pub(crate) fn unread<P: Probe>(&self, core: &Core<'_, P>) -> Vec<(GroupId, Time)> {
        let mut all = Vec::new();
        for (group, crew) in self.crews.iter().enumerate() {
            let group = group as u32;
            let logs = &self.brokers[core.topic_of(group) as usize].logs;
            for (log, place) in logs.iter().zip(&crew.places) {
                let open = (place.cursor.position()..log.watermark()).filter_map(|offset| log.read(offset));
                all.extend(open.map(|record| (GroupId(group), record.published)));
            }
        }
        all
    }
}

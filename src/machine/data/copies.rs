//! `replication_lag`: the replicas of a database show a write so long after its primary has it, and reads there may be stale.
//!
//! A write is done at the primary when its query has done its work (its transaction is not waited for). On every other replica it
//! shows after a lag of its own, never before an earlier write: the primary's log is replayed in order. A read is stale if the
//! replica that answers it does not show, when the query has done its work, all writes to its table that were done by then; one that
//! names no table is stale if it misses any write. What is counted is what the data could have shown, not whether the answer
//! would have been another. Reads of a transaction that writes, and those with `read_from = "primary"`, see everything;
//! `read_from = "replica"` keeps them off the primary as long as there is another. A replica that takes over has missed nothing.
//!
//! The lag is that of asynchronous replication (PostgreSQL's `replay_lag`, `Seconds_Behind_Source` of `MySQL`, `ReplicaLag` of a
//! read replica in RDS), and takes no work here. Where readers are sent is a read preference of `MongoDB`, a role of Rails.

use std::collections::BTreeMap;

use crate::model::{Fact, LawId, Pc, Probe};
use crate::random::Purpose;
use crate::units::Time;

use crate::machine::core::{Core, Flow};
use crate::machine::data::Data;

/// Names the draws of how long a write takes to show elsewhere.
const LAG: u32 = 1 << 24;

/// When writes show on the replicas of a database.
#[derive(Clone, Debug, Default)]
pub(crate) struct Copies {
    /// By replica: when the newest write shows.
    newest: Vec<Time>,
    /// The same by table, as far as any was written to.
    tables: BTreeMap<u64, Vec<Time>>,
}

impl Copies {
    /// A write to a table, of which replica `nth` has it then.
    fn write(&mut self, table: u64, shows: impl Fn(u32) -> Time, replicas: u32) {
        self.newest.resize(replicas as usize, Time(0));
        let of_table = self.tables.entry(table).or_default();
        of_table.resize(replicas as usize, Time(0));
        for (nth, (newest, own)) in (0..).zip(self.newest.iter_mut().zip(of_table)) {
            *newest = (*newest).max(shows(nth));
            *own = *newest;
        }
    }

    /// Whether a replica does not show all writes to a table; 0: to any.
    fn is_behind(&self, table: u64, nth: u32, now: Time) -> bool {
        let late = |all: &Vec<Time>| all.get(nth as usize).is_some_and(|shows| *shows > now);
        if table == 0 {
            return late(&self.newest);
        }
        [0, table].iter().filter_map(|table| self.tables.get(table)).any(late)
    }
}

impl Data {
    /// A query has done its work: a write sets out for the other replicas, a read was stale or not.
    #[inline(never)]
    pub(crate) fn replicate<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, lag: LawId, next: Pc) -> Flow {
        let frame = core.frames[at];
        let call = core.plan.call(crate::model::CallId(frame.call));
        let node = core.node_of(frame.replica);
        let planned = core.plan.node(node);
        let (own, replicas, now) = (frame.replica - planned.first_replica, planned.replicas, core.now);
        let (table, changes) = (call.table, call.changes);
        let copies = self.copies.entry(node).or_default();
        if changes {
            let takes = |nth: u32| core.vary(lag, frame.lineage, Purpose::Back, LAG + nth);
            let shows = |nth: u32| if nth == own { now } else { now + takes(nth) };
            copies.write(table, shows, replicas);
        } else {
            let stale = copies.is_behind(table, own, now);
            core.tell(Fact::Looked { node, hit: !stale });
        }
        core.jump(at, next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_show_in_order_and_by_table() {
        let mut copies = Copies::default();
        assert!(!copies.is_behind(7, 1, Time(0)));
        copies.write(7, |nth| Time(if nth == 0 { 10 } else { 60 }), 2);
        assert!(copies.is_behind(7, 1, Time(59)) && !copies.is_behind(7, 1, Time(60)));
        assert!(!copies.is_behind(7, 0, Time(10)), "the primary has it");
        assert!(!copies.is_behind(8, 1, Time(20)) && copies.is_behind(0, 1, Time(20)), "another table, and any");
        // A later write that would be quicker waits for the one before it.
        copies.write(8, |nth| Time(if nth == 0 { 20 } else { 30 }), 2);
        assert!(copies.is_behind(8, 1, Time(59)) && !copies.is_behind(8, 1, Time(60)));
    }
}

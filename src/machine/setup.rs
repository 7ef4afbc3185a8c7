//! What a machine begins with.

use crate::kernel::Lanes;
use crate::model::Plan;
use crate::model::plan::Lender;
use crate::model::transport::Channel;
use crate::random::Lineage;

use super::lend::Purse;
use super::pool::Pool;

/// All pools of connections, empty.
pub(super) fn pools(plan: &Plan) -> Vec<Pool> {
    let callers = |c: &Channel| plan.node(plan.link(c.link).from).replicas;
    let all: u32 = plan.channels.iter().map(|c| callers(c) * c.pools_per_caller).sum();
    (0..all).map(|_| Pool::default()).collect()
}

/// All purses of database connections, empty.
pub(super) fn purses(plan: &Plan) -> Vec<Purse> {
    let end = |l: &Lender| {
        let caller = plan.nodes.iter().find(|n| n.first_replica == l.first_caller && n.replicas > 0);
        l.first_purse + caller.map_or(0, |n| n.replicas)
    };
    (0..plan.lenders.iter().map(end).max().unwrap_or(0)).map(|_| Purse::default()).collect()
}

/// One lane per distinct timeout, numbered as in the plan.
pub(super) fn lanes(plan: &Plan) -> Lanes {
    let mut lanes = Lanes::new();
    for (at, timeout) in plan.lanes.iter().enumerate() {
        let lane = lanes.open(*timeout);
        debug_assert_eq!(lane as usize, at, "distinct timeouts get lanes in order");
    }
    lanes
}

/// The seed of one replication.
pub fn replication_seed(seed: u64, replication: u32) -> u64 {
    Lineage::root(seed, u64::from(replication)).0
}

//! How many cores a file has, so that every way out of it has as many: what is tried is not to win by machines.

use crate::experiment::summary::Summary;
use crate::scenario::written::{Node, NodeKind};
use crate::scenario::{Checked, processes};

/// Of one service or gateway: replicas × its `cores`; where it does not say them, replicas × what its workers are seen to need,
/// the mean of those at work and three times its root (as of Poisson arrivals), in whole cores, and no more than there are
/// workers. `None` where nothing was seen of it.
pub(super) fn of(name: &str, node: &Node, seen: &Summary) -> Option<f64> {
    let replicas = f64::from(node.replicas.value);
    if let Some(cores) = node.cores.value {
        return Some(replicas * cores);
    }
    let working = seen.nodes.get(name)?.mean_working.value? / replicas;
    let needed = (working + 3.0 * working.sqrt()).ceil();
    Some(replicas * node.concurrency.value.map_or(needed, |workers| needed.min(f64::from(workers))))
}

/// Of all services and gateways, by what was seen of the file as it is, without its faults: the same work is done by the same machines.
/// Of what that has not, by what was seen of it where it is.
pub(super) fn all(checked: &Checked, as_it_is: &Summary, itself: &Summary) -> Option<f64> {
    let own = |(_, node): &(&str, &Node)| matches!(node.kind, NodeKind::Service | NodeKind::Gateway);
    let seen = |name: &str| if as_it_is.nodes.contains_key(name) { as_it_is } else { itself };
    processes(&checked.scenario).filter(own).map(|(name, node)| of(name, node, seen(name))).sum()
}

//! Where replicas stand.

use super::super::id::{LawId, NodeId};

/// Zones by number; 0 stands for nowhere, which is near to all. Empty in a plan where no node stands in several and nobody
/// looks where one stands.
#[derive(Clone, Debug, Default)]
pub struct Zones {
    /// By replica, as in the world's array: its zone.
    of: Vec<u16>,
    /// By zone, and from there to each zone: 0 the same, 1 in one region, 2 in another.
    near: Vec<Vec<u8>>,
    /// By node, its weights by zone.
    weights: Vec<Vec<f64>>,
}

impl Zones {
    /// Zones by replica, how near they are to each other, and weights by node.
    pub fn new(of: Vec<u16>, near: Vec<Vec<u8>>, weights: Vec<Vec<f64>>) -> Self {
        Self { of, near, weights }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.near.len()
    }

    /// The zone of a replica.
    #[inline]
    pub fn of(&self, replica: u32) -> u16 {
        self.of.get(replica as usize).copied().unwrap_or(0)
    }

    /// How near all zones are to one.
    pub fn near(&self, zone: u16) -> &[u8] {
        &self.near[usize::from(zone)]
    }

    /// What zones weigh for who calls a node.
    pub fn weights(&self, node: NodeId) -> &[f64] {
        &self.weights[node.index()]
    }
}

/// One-way latencies of a link by the zones of its ends.
#[derive(Clone, Debug)]
pub struct Reach {
    /// From zone to zone, row by row.
    laws: Vec<LawId>,
    zones: usize,
}

impl Reach {
    /// Of so many zones.
    pub fn new(zones: usize, laws: Vec<LawId>) -> Self {
        Self { laws, zones }
    }

    /// The latency between two zones.
    #[inline]
    pub fn law(&self, from: u16, to: u16) -> LawId {
        self.laws[usize::from(from) * self.zones + usize::from(to)]
    }
}

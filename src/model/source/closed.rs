//! A closed population: each user waits for the answer, thinks, and sends again. A slow system slows its users, which is
//! why closed load never shows the collapse that open load shows (Schroeder, Wierman, Harchol-Balter 2006).

use crate::random::dist::Dist;
use crate::random::{Draw, Lineage, Purpose};

use super::Naming;

/// Users who wait and think.
#[derive(Clone, Debug)]
pub struct Closed {
    /// How many.
    pub users: u32,
    /// Between an answer and the next request, ns.
    pub think: Dist,
}

impl Closed {
    /// How long `user` thinks before round `round`, ns.
    pub fn think(&self, user: u32, round: u64, naming: Naming) -> u64 {
        let lineage = Lineage(naming.source).child(u64::from(user), 0);
        self.think.sample(&mut Draw::new(naming.seed, lineage, Purpose::Think, round))
    }
}

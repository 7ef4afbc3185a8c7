//! What faults do to a replica from within: it knows when they are on, as the file says.

use hoptax::model::Plan;
use hoptax::model::fault::{Effect, Fault, When};
use hoptax::random::Lineage;

use super::Site;

/// When a fault is on, ns since time zero.
pub(crate) fn times(fault: &Fault) -> (u64, u64) {
    match fault.when {
        When::Once { from, until } => (from.0, until.0),
        When::Random { .. } => (u64::MAX, u64::MAX),
    }
}

/// The faults that a replica has at some time.
fn of(plan: &Plan, replica: u32) -> impl Iterator<Item = &Fault> {
    plan.faults.iter().filter(move |fault| fault.replicas.contains(&replica))
}

/// How many times as long work takes at a moment, infinitely while it stands still, and up to when that holds.
fn pace(plan: &Plan, replica: u32, now: u64) -> (f64, u64) {
    let (mut factor, mut holds) = (1.0, u64::MAX);
    for fault in of(plan, replica) {
        let (from, until) = times(fault);
        let slows = match fault.effect {
            Effect::Slow { factor } => factor,
            Effect::Freeze => f64::INFINITY,
            _ => continue,
        };
        if (from..until).contains(&now) {
            factor *= slows;
            holds = holds.min(until);
        } else if from > now {
            holds = holds.min(from);
        }
    }
    (factor, holds)
}

/// When an amount of work, ns, that is begun at a moment is done.
pub(crate) fn end_of_work(plan: &Plan, replica: u32, from: u64, amount: f64) -> u64 {
    let (mut now, mut left) = (from, amount);
    loop {
        let (factor, holds) = pace(plan, replica, now);
        let done = if factor.is_finite() { now as f64 + left * factor } else { f64::INFINITY };
        if done <= holds as f64 || holds == u64::MAX {
            return done.round() as u64;
        }
        left -= if factor.is_finite() { (holds - now) as f64 / factor } else { 0.0 };
        now = holds;
    }
}

/// Whether a request that arrives now fails at once.
pub(crate) fn fails(site: &Site, lineage: Lineage) -> bool {
    let now = site.now();
    let on = |fault: &&Fault| (times(fault).0..times(fault).1).contains(&now);
    of(&site.plan, site.replica).filter(on).any(|fault| fault.effect.fails(fault.hash, site.seed(), lineage))
}

/// When a replica is out in some way that its own process can show: the times of each such outage.
pub(crate) fn outages(plan: &Plan, replica: u32, mode: hoptax::model::fault::Mode) -> Vec<(u64, u64)> {
    let is = |fault: &&Fault| fault.effect == Effect::Outage { mode };
    of(plan, replica).filter(is).map(times).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hoptax::units::Time;

    fn plan(effects: &[(Effect, u64, u64)]) -> Plan {
        let fault = |(effect, from, until): &(Effect, u64, u64)| Fault {
            name: String::new(),
            hash: 0,
            when: When::Once { from: Time(*from), until: Time(*until) },
            effect: *effect,
            replicas: vec![3],
            links: Vec::new(),
            ways: Vec::new(),
            edges: Vec::new(),
            inside: Vec::new(),
        };
        Plan { faults: effects.iter().map(fault).collect(), ..Plan::default() }
    }

    #[test]
    fn work_is_stretched_where_it_overlaps_a_fault() {
        let slow = plan(&[(Effect::Slow { factor: 10.0 }, 100, 200)]);
        assert_eq!(end_of_work(&slow, 3, 0, 50.0), 50, "done before");
        assert_eq!(end_of_work(&slow, 3, 50, 55.0), 150, "50 before, 5 in it");
        assert_eq!(end_of_work(&slow, 3, 190, 11.0), 210, "1 in it, 10 after");
        assert_eq!(end_of_work(&slow, 4, 100, 50.0), 150, "another replica");
        let frozen = plan(&[(Effect::Freeze, 100, 200)]);
        assert_eq!(end_of_work(&frozen, 3, 90, 20.0), 210, "it goes on where it was");
    }
}

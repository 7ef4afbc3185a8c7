//! `locality` of `[discovery]`: whether a caller prefers replicas that stand near it, and what the others get.
//!
//! `zones = ["eu/a", "eu/b"]` of a node says where its replicas stand, by turns. By itself that decides how far a message goes
//! and what the outage of a zone takes. `locality = { kind = … }` sends by it, with `kind = "mesh"` as Envoy does:
//!
//! - `"zone_aware"`: into the caller's own zone as much as keeps the load of all replicas equal. Where a smaller share of the
//!   callers than of the replicas stands there, all; otherwise the quotient of the two, and the rest to zones with replicas to
//!   spare, by how many. Not with fewer than `min_cluster_size` healthy replicas, nor in a zone without any.
//! - `"failover"`: replicas of the own zone come first, then those of the region, then all others (Istio's). A level keeps its
//!   requests while the healthy among its replicas times `overprovisioning` are 100 %; below, the rest goes to the next level.
//! - `"weighted"`: each zone gets by the `zone_weights` of the callee, times its health with `overprovisioning`, 100 % at most.
//! - `"same_zone"`: the own zone's replicas as long as there is one, whatever the load (Kubernetes' `trafficDistribution`).
//!
//! Health counts in whole per cent. Where all levels together are not healthy enough (their sum is below 100 %), a level with a
//! smaller share of healthy ones than `panic_threshold` sends to all of its own, and if that is so of all levels each gets by its
//! size. Unhealthy is who is left out as an outlier and, with `kind = "mesh"`, who does not answer its probes; a replica that is
//! no longer in the list does not count at all.
//!
//! Sources: Envoy, *Priority levels*, *Locality weighted load balancing*, *Zone aware routing*, *Panic threshold*,
//! `load_balancer_impl.cc`; Istio, *Locality failover*; kubernetes.io, *Traffic distribution*.

use super::super::discovery::panics;
use super::slow_start::Turns;

/// How zones are preferred, as planned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Locality {
    /// By which rule.
    pub rule: Rule,
    /// How many times as much as its share a replica may get before others have to help.
    pub overprovisioning: f64,
    /// With a smaller share of healthy replicas a level sends to all of its own; 0: never.
    pub panic: f64,
    /// `zone_aware`: with fewer healthy replicas zones do not matter.
    pub least: u32,
}

/// By which rule zones are preferred.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// When the own zone gets what keeps all replicas equally busy.
    ZoneAware,
    /// When what is further away gets what nearer ones cannot take.
    Failover,
    /// When zones have weights.
    Weighted,
    /// When the own zone gets all while anybody is there.
    SameZone,
}

/// A replica of a callee as one of its callers sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Host {
    /// Which, from 0.
    pub replica: u32,
    /// Its zone's number.
    pub zone: u16,
    /// Whether it is healthy.
    pub healthy: bool,
}

/// What a caller knows beside the replicas of its callee.
#[derive(Clone, Copy, Debug)]
pub struct Around<'a> {
    /// Its zone's number; 0: it stands nowhere, and is near to all.
    pub own: u16,
    /// By zone: how far it is: 0 the same zone, 1 the same region, 2 another.
    pub near: &'a [u8],
    /// By zone: its weight.
    pub weights: &'a [f64],
    /// By zone: the callers that are there, itself included, and how many of them are healthy.
    pub callers: &'a [[u32; 2]],
}

/// Replicas that get a share of the requests.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Way {
    /// Its share and those of the ways before it.
    pub upto: f64,
    /// The replicas, in ascending order; none: its requests fail.
    pub members: Box<[u32]>,
    /// Where the balancer is with them.
    pub cursor: Option<u32>,
    /// Whose turn it is, while some are new.
    pub(super) turns: Turns,
}

impl Way {
    fn new(upto: f64, members: Box<[u32]>) -> Self {
        Self { upto, members, cursor: None, turns: Turns::default() }
    }
}

/// A level's share, and whether it sends to all of its own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Level {
    /// Share of the requests.
    pub share: f64,
    /// Whether it panics.
    pub panics: bool,
}

/// Health of so many out of all, in whole per cent.
fn health(healthy: u32, all: u32, overprovisioning: f64) -> u32 {
    if all == 0 {
        return 0;
    }
    let share = 100.0 * overprovisioning * f64::from(healthy) / f64::from(all);
    (share + 1e-9).min(100.0) as u32
}

/// What levels of so many healthy ones of all get, the nearest first.
fn levels(sizes: &[[u32; 2]], overprovisioning: f64, panic: f64) -> Vec<Level> {
    let healths: Vec<u32> = sizes.iter().map(|[healthy, all]| health(*healthy, *all, overprovisioning)).collect();
    let total = healths.iter().sum::<u32>().min(100);
    let worried = |[healthy, all]: &[u32; 2]| total < 100 && panics(panic, *healthy as usize, *all as usize);
    if !sizes.is_empty() && sizes.iter().all(worried) {
        let all: u32 = sizes.iter().map(|[_, all]| all).sum();
        let share = |[_, own]: &[u32; 2]| Level { share: f64::from(*own) / f64::from(all.max(1)), panics: true };
        return sizes.iter().map(share).collect();
    }
    let mut left = 1.0;
    let mut take = |health: u32| {
        let share = (f64::from(health) / f64::from(total.max(1))).min(left);
        left -= share;
        share
    };
    let level = |(size, health): (&[u32; 2], u32)| Level { share: take(health), panics: worried(size) };
    sizes.iter().zip(healths).map(level).collect()
}

/// What zones get by their weights and healths.
fn weighted(sizes: &[[u32; 2]], weights: &[f64], overprovisioning: f64) -> Vec<f64> {
    let own = |([healthy, all], weight): (&[u32; 2], &f64)| {
        weight * f64::from(health(*healthy, *all, overprovisioning)) / 100.0
    };
    let effective: Vec<f64> = sizes.iter().zip(weights).map(own).collect();
    let sum: f64 = effective.iter().sum();
    effective.into_iter().map(|one| if sum > 0.0 { one / sum } else { 0.0 }).collect()
}

/// What zones get from a caller in the `own` one: of callers and of replicas the numbers by zone.
fn aware(callers: &[u32], replicas: &[u32], own: usize) -> Vec<f64> {
    let share = |of: &[u32], at: usize| f64::from(of[at]) / f64::from(of.iter().sum::<u32>().max(1));
    let (ours, theirs) = (share(callers, own), share(replicas, own));
    let mut all = vec![0.0; replicas.len()];
    all[own] = if theirs >= ours { 1.0 } else { theirs / ours };
    let spare = |at: usize| if at == own { 0.0 } else { (share(replicas, at) - share(callers, at)).max(0.0) };
    let spares: f64 = (0..replicas.len()).map(spare).sum();
    let rest = 1.0 - all[own];
    for at in (0..replicas.len()).filter(|at| *at != own && spares > 0.0) {
        all[at] = rest * spare(at) / spares;
    }
    all
}

impl Locality {
    /// The ways that a caller's requests go.
    pub fn ways(&self, hosts: &[Host], around: Around<'_>) -> Vec<Way> {
        let by_zone = |healthy: bool, zone: u16| -> Box<[u32]> {
            let here = hosts.iter().filter(|host| host.zone == zone && (host.healthy || !healthy));
            here.map(|host| host.replica).collect()
        };
        let all = |healthy: bool| -> Box<[u32]> {
            hosts.iter().filter(|host| host.healthy || !healthy).map(|host| host.replica).collect()
        };
        let zones = around.near.len() as u16;
        let sizes: Vec<[u32; 2]> =
            (0..zones).map(|zone| [by_zone(true, zone).len() as u32, by_zone(false, zone).len() as u32]).collect();
        if self.rule == Rule::Failover {
            return self.failover(hosts, around.near);
        }
        if panics(self.panic, all(true).len(), hosts.len()) {
            return vec![Way::new(1.0, all(false))];
        }
        let healthy: Vec<u32> = sizes.iter().map(|[healthy, _]| *healthy).collect();
        let shares = match self.rule {
            Rule::Weighted => weighted(&sizes, around.weights, self.overprovisioning),
            Rule::ZoneAware if self.is_aware(around, &healthy) => {
                let callers: Vec<u32> = around.callers.iter().map(|[healthy, _]| *healthy).collect();
                aware(&callers, &healthy, usize::from(around.own))
            }
            Rule::SameZone if around.own > 0 && healthy[usize::from(around.own)] > 0 => {
                (0..zones).map(|zone| f64::from(u8::from(zone == around.own))).collect()
            }
            Rule::ZoneAware | Rule::SameZone | Rule::Failover => {
                return vec![Way::new(1.0, all(true))];
            }
        };
        added(shares.into_iter().zip((0..zones).map(|zone| by_zone(true, zone))))
    }

    /// Whether zones matter to `zone_aware`: there are several, the own is one of them, they are large enough and the callers
    /// themselves not in panic.
    fn is_aware(&self, around: Around<'_>, healthy: &[u32]) -> bool {
        let [well, all] = around.callers.iter().fold([0, 0], |[a, b], [c, d]| [a + c, b + d]);
        around.own > 0
            && healthy[usize::from(around.own)] > 0
            && healthy.iter().filter(|count| **count > 0).count() > 1
            && healthy.iter().sum::<u32>() >= self.least
            && around.callers[usize::from(around.own)][0] > 0
            && !panics(self.panic, well as usize, all as usize)
    }

    /// Level by level; one without any replica is none.
    fn failover(&self, hosts: &[Host], near: &[u8]) -> Vec<Way> {
        let of = |level: u8| hosts.iter().filter(move |host| near[usize::from(host.zone)] == level);
        let there: Vec<u8> = (0..=2).filter(|level| of(*level).next().is_some()).collect();
        let size = |level: &u8| [of(*level).filter(|host| host.healthy).count() as u32, of(*level).count() as u32];
        let sizes: Vec<[u32; 2]> = there.iter().map(size).collect();
        let levels = levels(&sizes, self.overprovisioning, self.panic);
        let members = |(level, of_it): (&u8, &Level)| {
            of(*level).filter(|host| host.healthy || of_it.panics).map(|host| host.replica).collect()
        };
        let members: Vec<Box<[u32]>> = there.iter().zip(&levels).map(members).collect();
        added(levels.iter().map(|level| level.share).zip(members))
    }
}

/// Shares, added up; those of nobody are left out.
fn added(all: impl Iterator<Item = (f64, Box<[u32]>)>) -> Vec<Way> {
    let mut upto = 0.0;
    let mut ways: Vec<Way> = Vec::new();
    for (share, members) in all.filter(|(share, members)| *share > 0.0 && !members.is_empty()) {
        upto += share;
        ways.push(Way::new(upto, members));
    }
    // What is lost to rounding goes to the last.
    for way in &mut ways {
        way.upto /= upto;
    }
    ways
}

/// The ways that are left when some replicas do not come into question.
pub(super) fn narrowed(ways: &[Way], keep: impl Fn(u32) -> bool) -> Vec<Way> {
    let mut before = 0.0;
    let shares = ways.iter().map(|way| {
        let share = way.upto - before;
        before = way.upto;
        (share, way.members.iter().copied().filter(|replica| keep(*replica)).collect())
    });
    added(shares)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Envoy's tables print whole per cent; the last column is what is left.
    fn printed(shares: &[f64]) -> Vec<u32> {
        let mut all: Vec<u32> = shares.iter().map(|share| (100.0 * share).round() as u32).collect();
        let last = all.len() - 1;
        all[last] = 100 - all[..last].iter().sum::<u32>();
        all
    }

    fn shares(healthy: &[u32], panic: f64) -> Vec<Level> {
        let sizes: Vec<[u32; 2]> = healthy.iter().map(|share| [*share, 100]).collect();
        levels(&sizes, 1.4, panic)
    }

    fn by_priority(healthy: &[u32], panic: f64) -> Vec<u32> {
        printed(&shares(healthy, panic).iter().map(|level| level.share).collect::<Vec<f64>>())
    }

    /// Envoy, *Priority levels*: all three tables, in which nobody panics.
    #[test]
    fn levels_get_what_envoy_gives_them() {
        for (healthy, expected) in [(100, 100), (72, 100), (71, 99), (50, 70), (25, 35), (0, 0)] {
            assert_eq!(by_priority(&[healthy, 100], 0.0), [expected, 100 - expected], "P0 {healthy} %");
        }
        for (healthy, expected) in [
            ([72, 72], [100, 0]),
            ([71, 71], [99, 1]),
            ([50, 50], [70, 30]),
            ([25, 100], [35, 65]),
            ([25, 25], [50, 50]),
        ] {
            assert_eq!(by_priority(&healthy, 0.0), expected, "{healthy:?}");
        }
        assert_eq!(by_priority(&[25, 25, 100], 0.0), [35, 35, 30]);
        assert_eq!(by_priority(&[25, 25, 20], 0.0), [36, 36, 28]);
    }

    /// Envoy, *Locality weighted load balancing*: X with weight 1, Y with weight 2 and whole.
    #[test]
    fn localities_get_what_envoy_gives_them() {
        for (healthy, expected) in [(100, 33), (70, 33), (69, 32), (50, 26), (25, 15), (0, 0)] {
            let shares = weighted(&[[healthy, 100], [100, 100]], &[1.0, 2.0], 1.4);
            assert_eq!(printed(&shares), [expected, 100 - expected], "X {healthy} %");
        }
    }

    /// Envoy, *Panic threshold*, at 50 %: all six rows. Two of them (50/60 as 50/50, 25/100 as 25/75) are printed without the
    /// overprovisioning that the rest of the table, the page on priorities and the code have: they are 70/30 and 35/65, and
    /// digit by digit what is printed with a factor of 1.
    #[test]
    fn levels_panic_where_envoys_do() {
        let rows = [
            ([72, 72], [100, 0], [false, false]),
            ([71, 71], [99, 1], [false, false]),
            ([50, 60], [70, 30], [false, false]),
            ([25, 100], [35, 65], [false, false]),
            ([25, 25], [50, 50], [true, true]),
            ([5, 65], [7, 93], [true, false]),
        ];
        for (healthy, expected, panicking) in rows {
            let levels = shares(&healthy, 0.5);
            let panics: Vec<bool> = levels.iter().map(|level| level.panics).collect();
            assert_eq!((by_priority(&healthy, 0.5), panics), (expected.to_vec(), panicking.to_vec()), "{healthy:?}");
        }
        for (healthy, printed_so) in [([50, 60], [50, 50]), ([25, 100], [25, 75])] {
            let plain = levels(&healthy.map(|share| [share, 100]), 1.0, 0.5);
            assert_eq!(printed(&plain.iter().map(|level| level.share).collect::<Vec<f64>>()), printed_so);
            assert!(plain.iter().all(|level| !level.panics), "{healthy:?}");
        }
        let total = |healthy: [u32; 2]| healthy.iter().map(|h| health(*h, 100, 1.4)).sum::<u32>().min(100);
        assert_eq!([total([72, 72]), total([25, 25]), total([5, 65])], [100, 70, 98]);
        // Without a threshold nobody panics, and who has nobody healthy has nobody.
        assert_eq!(shares(&[0, 0], 0.0), [Level { share: 0.0, panics: false }; 2]);
    }

    /// The example of Envoy's source: callers 40, 40 and 20 %, replicas 25, 50 and 25 %.
    #[test]
    fn zone_aware_routing_keeps_all_replicas_equally_busy() {
        let (callers, replicas) = ([4, 4, 2], [25, 50, 25]);
        let near = |left: &[f64], right: &[f64]| left.iter().zip(right).all(|(a, b)| (a - b).abs() < 1e-9);
        assert!(near(&aware(&callers, &replicas, 0), &[0.625, 0.25, 0.125]));
        let mut loads = [0.0; 3];
        for zone in 0..3 {
            let shares = aware(&callers, &replicas, zone);
            assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            loads.iter_mut().zip(shares).for_each(|(load, share)| *load += f64::from(callers[zone]) / 10.0 * share);
        }
        assert!(near(&loads, &[0.25, 0.5, 0.25]), "{loads:?}");
    }

    /// Two zones of three replicas and one far away; zone 0 is nowhere.
    fn hosts(healthy: impl Fn(u32) -> bool) -> Vec<Host> {
        (0..7)
            .map(|replica| Host { replica, zone: [1, 1, 1, 2, 2, 2, 3][replica as usize], healthy: healthy(replica) })
            .collect()
    }

    const AROUND: Around<'_> = Around {
        own: 1,
        near: &[0, 0, 1, 2],
        weights: &[0.0, 1.0, 2.0, 0.0],
        callers: &[[0, 0], [2, 2], [1, 1], [0, 0]],
    };

    fn told(rule: Rule, healthy: impl Fn(u32) -> bool) -> Vec<(u32, Vec<u32>)> {
        let spec = Locality { rule, overprovisioning: 1.4, panic: 0.5, least: 6 };
        let ways = spec.ways(&hosts(healthy), AROUND);
        ways.iter().map(|way| ((100.0 * way.upto).round() as u32, way.members.to_vec())).collect()
    }

    #[test]
    fn nearer_ones_come_first_and_others_get_what_they_cannot_take() {
        assert_eq!(told(Rule::Failover, |_| true), [(100, vec![0, 1, 2])]);
        // One of three is 46 %, two of three 93 %: enough with the next level.
        assert_eq!(told(Rule::Failover, |r| r > 1), [(46, vec![2]), (100, vec![3, 4, 5])]);
        assert_eq!(told(Rule::Failover, |r| r > 2), [(100, vec![3, 4, 5])]);
        assert_eq!(told(Rule::Failover, |r| r > 5), [(100, vec![6])]);
        // 46, 0 and 100 %: there is enough, so that nobody panics.
        let few = told(Rule::Failover, |r| r == 2 || r == 6);
        assert_eq!(few, [(46, vec![2]), (100, vec![6])]);
    }

    #[test]
    fn each_rule_has_its_ways() {
        assert_eq!(told(Rule::SameZone, |_| true), [(100, vec![0, 1, 2])]);
        assert_eq!(told(Rule::SameZone, |r| r > 2), [(100, vec![3, 4, 5, 6])]);
        assert_eq!(told(Rule::Weighted, |_| true), [(33, vec![0, 1, 2]), (100, vec![3, 4, 5])]);
        // Two thirds of the callers, three sevenths of the replicas: 64 % stay, and 1/7 is free in the third zone, 2/21 in the second.
        let aware = told(Rule::ZoneAware, |_| true);
        assert_eq!(aware, [(64, vec![0, 1, 2]), (79, vec![3, 4, 5]), (100, vec![6])]);
        // Five are too few, three of seven a panic.
        assert_eq!(told(Rule::ZoneAware, |r| r > 1), [(100, vec![2, 3, 4, 5, 6])]);
        assert_eq!(told(Rule::ZoneAware, |r| r > 3), [(100, (0..7).collect())]);
    }
}

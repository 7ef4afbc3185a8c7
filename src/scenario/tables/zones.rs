//! `zones` of nodes and `locality` of `[discovery]`: where replicas stand, and whether callers look at that.
//!
//! With `zones = ["eu/a", "eu/b", "eu/c"]` the n-th replica of a node stands in the n-th of these zones, counted around, as a
//! scheduler spreads them; those that a rollout or an autoscaler starts, too. How far a message goes is then a matter of the two
//! replicas it goes between. A fault of `zone:eu/a` happens to the replicas that stand there, `replicas = 2` to the first two of
//! each node that do. To and from brokers it is as far as from the first zone, and a partition of a zone parts a publisher from its
//! broker as if all of it stood in the first; a link of `[network.links]` is as long whoever stands at its ends.

use std::collections::BTreeMap;

use super::super::check::few;
use super::super::declare::{Count, Kind, Must, Number, Or, Told, table, words};
use super::super::lower::Lowering;
use super::super::print;
use super::super::read::{self, Desk, Value};
use super::super::vocab::Shape;
use super::super::written::{Given, Node, Scenario, Zone, on};
use crate::diag::{Complaint, code};
use crate::model::balance::{self, Rule};
use crate::model::id::NONE;
use crate::model::plan::{self, Reach};
use crate::model::{LawId, NodeId};

/// Zones, one after the other.
pub(crate) enum Sites {}

impl Kind for Sites {
    type Value = Vec<Zone>;
    const SHAPE: Shape = Shape::List(&Shape::Zone);
    fn read(desk: &mut Desk<'_>, key: &str, value: &Value<'_>) -> Option<Vec<Zone>> {
        Some(read::array(desk, key, value)?.iter().filter_map(|item| read::zone(desk, key, item)).collect())
    }
    fn print(zones: &Vec<Zone>) -> String {
        format!("[{}]", zones.iter().map(print::zone).collect::<Vec<_>>().join(", "))
    }
}

/// Numbers, one after the other.
pub(crate) enum Numbers {}

impl Kind for Numbers {
    type Value = Vec<f64>;
    const SHAPE: Shape = Shape::List(&Shape::Number);
    fn read(desk: &mut Desk<'_>, key: &str, value: &Value<'_>) -> Option<Vec<f64>> {
        Some(read::array(desk, key, value)?.iter().filter_map(|item| read::number(desk, key, item)).collect())
    }
    fn print(numbers: &Vec<f64>) -> String {
        format!("[{}]", numbers.iter().map(|x| format!("{x:?}")).collect::<Vec<_>>().join(", "))
    }
}

table! {
    /// Where the replicas of a node stand, if not all in one zone.
    pub struct Spread: "[services.*]", "Where replicas stand that do not all stand in one zone.", meant Self::meant {
        zones: Given<Vec<Zone>> as Or<Sites> = "[]",
            "Where its replicas stand, by turns: the first in the first zone, the second in the second. Instead of `zone`.";
        zone_weights: Given<Vec<f64>> as Or<Numbers> = "[]",
            "locality = { kind = \"weighted\" }: what each of the `zones` weighs. Default: as many as replicas stand there.";
    }
}

words! {
    for Rule {
        ZoneAware = "zone_aware", "The own zone gets as much as leaves all replicas equally busy (Envoy).";
        Failover = "failover", "The own zone first, then the region, then all: what one cannot take goes to the next (Istio).";
        Weighted = "weighted", "Zones get by their weights and how much of them is healthy (Envoy).";
        SameZone = "same_zone", "The own zone while any replica is there, whatever the load (Kubernetes).";
    }
}

table! {
    /// `locality`.
    pub struct Locality: "locality", "Callers prefer replicas that stand near them.",
    needs "write for example { kind = \"zone_aware\" }" {
        kind: Given<Rule> as Must<Rule>, "By which rule.";
        overprovisioning: Given<f64> as Or<Number> = "1.4",
            "failover, weighted: a level or zone with healthy replicas for so much less keeps its requests. Envoy's factor.";
        min_cluster_size: Given<u32> as Or<Count> = "6",
            "zone_aware: with fewer healthy replicas zones do not matter. Envoy's default.";
    }
}

impl Spread {
    /// In one zone, or none.
    pub(in crate::scenario) fn nowhere() -> Self {
        Self { zones: Given::default(Vec::new()), zone_weights: Given::default(Vec::new()) }
    }

    /// What the canonical form says.
    fn meant(_: &Self, mut all: Vec<Told>) -> Vec<Told> {
        all.retain(|told| !told.default);
        all
    }
}

impl Locality {
    fn lowered(&self, panic: f64) -> balance::Locality {
        let (rule, overprovisioning) = (self.kind.value, self.overprovisioning.value);
        balance::Locality { rule, overprovisioning, panic, least: self.min_cluster_size.value }
    }
}

impl Node {
    /// The zones in which its replicas stand, by turns; none where nothing is said.
    pub fn sites(&self) -> &[Zone] {
        if self.spread.zones.value.is_empty() { self.zone.value.as_slice() } else { &self.spread.zones.value }
    }

    /// Where one of its replicas stands.
    pub fn site(&self, replica: u32) -> Option<&Zone> {
        let sites = self.sites();
        sites.get(replica as usize % sites.len().max(1))
    }
}

impl Scenario {
    /// The zones of a node, broker or client, by turns of its replicas.
    pub fn sites(&self, name: &str) -> &[Zone] {
        match self.nodes.get(name) {
            Some(node) => node.sites(),
            None => self.zone(name).map_or(&[], std::slice::from_ref),
        }
    }

    /// Whether it, or some replica of it, stands in the zone of that name, or in part of it.
    pub fn stands_in(&self, name: &str, zone: &str) -> bool {
        self.sites(name).iter().any(|site| site.lies_in(zone))
    }

    /// Whether somebody stands in several zones, or looks where one stands.
    fn minds_zones(&self) -> bool {
        on(&self.discovery.locality).is_some() || self.nodes.values().any(|node| node.sites().len() > 1)
    }
}

/// How near two zones are to each other: 0 the same, 1 in one region, 2 not.
fn nearness(one: Option<&Zone>, other: Option<&Zone>) -> u8 {
    match (one, other) {
        (Some(x), Some(y)) if x.region != y.region => 2,
        (Some(x), Some(y)) if x.zone != y.zone => 1,
        _ => 0,
    }
}

impl Lowering<'_> {
    /// How callers prefer zones.
    pub(in crate::scenario) fn locality(&self) -> Option<balance::Locality> {
        let discovery = &self.scenario.discovery;
        on(&discovery.locality).map(|locality| locality.lowered(discovery.panic_threshold.value))
    }

    /// Where all replicas stand, once all are known.
    pub(in crate::scenario) fn zones(&mut self) {
        let scenario = self.scenario;
        if !scenario.minds_zones() {
            return;
        }
        let (mut sites, mut of): (Vec<Option<&Zone>>, Vec<u16>) = (vec![None], Vec::new());
        let mut known: BTreeMap<String, u16> = BTreeMap::new();
        for node in &self.plan.nodes {
            let own = scenario.sites(&node.name);
            for replica in 0..node.replicas as usize {
                let site = own.get(replica % own.len().max(1));
                of.push(site.map_or(0, |site| {
                    *known.entry(print::zone(site)).or_insert_with(|| {
                        sites.push(Some(site));
                        sites.len() as u16 - 1
                    })
                }));
            }
        }
        let near = sites.iter().map(|from| sites.iter().map(|to| nearness(*from, *to)).collect()).collect();
        let weights = self.plan.nodes.iter().map(|node| self.weights(node, &known, &of, sites.len())).collect();
        self.plan.zones = plan::Zones::new(of, near, weights);
        self.sites = sites.into_iter().map(Option::<&Zone>::cloned).collect();
    }

    /// What zones weigh for who calls a node: as the file says, or as many as its replicas there.
    fn weights(&self, node: &plan::Node, known: &BTreeMap<String, u16>, of: &[u16], zones: usize) -> Vec<f64> {
        let mut all = vec![0.0; zones];
        let spread = self.scenario.nodes.get(&node.name).map(|node| &node.spread);
        match spread.filter(|spread| !spread.zone_weights.value.is_empty()) {
            Some(spread) => {
                for (site, weight) in spread.zones.value.iter().zip(&spread.zone_weights.value) {
                    // With fewer replicas than zones nobody stands in some of them.
                    known.get(&print::zone(site)).into_iter().for_each(|at| all[usize::from(*at)] += weight);
                }
            }
            None => (0..node.replicas).for_each(|nth| all[usize::from(of[(node.first_replica + nth) as usize])] += 1.0),
        }
        all
    }

    /// The latencies between the replicas of two nodes, where they are not all the same.
    pub(in crate::scenario) fn reach(&mut self, from: NodeId, to: NodeId) -> u32 {
        if let Some(known) = self.reaches.get(&(from, to)) {
            return *known;
        }
        let reach = self.new_reach(from, to);
        self.reaches.insert((from, to), reach);
        reach
    }

    fn new_reach(&mut self, from: NodeId, to: NodeId) -> u32 {
        let scenario = self.scenario;
        let [caller, callee] = [from, to].map(|id| self.plan.node(id).name.clone());
        let spread = scenario.sites(&caller).len() > 1 || scenario.sites(&callee).len() > 1;
        if !spread || scenario.has_own_latency(&caller, &callee) {
            return NONE;
        }
        let sites = self.sites.clone();
        let pairs = sites.iter().flat_map(|one| sites.iter().map(move |other| (one.as_ref(), other.as_ref())));
        let laws: Vec<LawId> = pairs.map(|(one, other)| self.law(scenario.network.between(one, other))).collect();
        self.plan.reaches.push(Reach::new(sites.len(), laws));
        self.plan.reaches.len() as u32 - 1
    }
}

/// Complains about zones that cannot be.
pub(in crate::scenario) fn ranges(scenario: &Scenario, complaints: &mut Vec<Complaint>) {
    for node in scenario.nodes.values() {
        let Spread { zones, zone_weights } = &node.spread;
        let place = zone_weights.place.clone();
        if let (Some(_), false) = (&node.zone.value, zones.value.is_empty()) {
            let message = format!("`{}` has a `zone` and `zones`", node.name.value);
            let complaint = Complaint::error(code::CONTRADICTION, message).at(zones.place.clone());
            complaints.push(complaint.help("`zones` alone: the replicas stand there by turns"));
        }
        if place.is_none() {
            continue;
        }
        let (weights, sites) = (zone_weights.value.len(), zones.value.len());
        if weights != sites {
            let message = format!("`zone_weights` has {weights} numbers for {sites} zones");
            complaints.push(Complaint::error(code::CONTRADICTION, message).at(place));
        } else if zone_weights.value.iter().any(|weight| *weight < 0.0) || zone_weights.value.iter().sum::<f64>() <= 0.0
        {
            let message = "`zone_weights`: no number may be negative, nor all be zero".to_owned();
            complaints.push(Complaint::error(code::OUT_OF_RANGE, message).at(place));
        }
    }
    let Some(locality) = on(&scenario.discovery.locality) else { return };
    if locality.overprovisioning.value < 1.0 {
        let message = "`overprovisioning` below 1: whole zones would send requests away";
        complaints.push(Complaint::error(code::OUT_OF_RANGE, message).at(locality.overprovisioning.place.clone()));
    }
}

/// What runs but looks wrong.
pub(in crate::scenario) fn look(scenario: &Scenario, complaints: &mut Vec<Complaint>) {
    let weighs = on(&scenario.discovery.locality).is_some_and(|locality| locality.kind.value == Rule::Weighted);
    for node in scenario.nodes.values() {
        let Spread { zones, zone_weights } = &node.spread;
        let sites = zones.value.len();
        if sites > node.most_replicas() as usize {
            let idle: Vec<String> = zones.value.iter().skip(node.most_replicas() as usize).map(print::zone).collect();
            let message = format!("`{}` has {} replicas for {sites} zones", node.name.value, node.most_replicas());
            let complaint = Complaint::warning(code::UNUSED, message).at(zones.place.clone());
            complaints.push(complaint.label(format!("nobody stands in {}", few(&idle))));
        }
        if let (Some(place), false) = (&zone_weights.place, weighs) {
            let message = "`zone_weights` means something for locality = { kind = \"weighted\" } only".to_owned();
            complaints.push(Complaint::warning(code::UNUSED, message).at(Some(place.clone())));
        }
    }
    let Some(rule) = scenario.discovery.locality.as_ref().filter(|rule| rule.value.is_some()) else { return };
    if scenario.nodes.values().all(|node| node.sites().len() < 2) {
        let message = "`locality` where no node stands in several zones";
        let complaint = Complaint::warning(code::NO_EFFECT, message).at(rule.place.clone());
        complaints.push(complaint.help("say where replicas stand: zones = [\"eu/a\", \"eu/b\"] of a service"));
    } else if scenario.discovery.is_by_connection() {
        let message = "`locality` where connections are balanced: it decides when one is opened, and requests follow";
        complaints.push(Complaint::note(code::NO_EFFECT, message).at(rule.place.clone()));
    }
}

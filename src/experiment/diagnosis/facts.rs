//! What binds services to each other, pair by pair.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::ONE;
use super::change::Fact;
use super::data::{Tables, Used, tables};
use super::falls::{Down, Falls};
use crate::experiment::summary::Estimate;
use crate::scenario::written::{Given, Holds, Node, NodeKind, OnError, Place, Scenario};
use crate::scenario::{Hosts, forecast};

/// One of the four parts of a bond.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Part {
    /// From 0 to 1; `None`: the file does not say it.
    pub share: Option<f64>,
    /// Its interval, where it was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub between: Option<(f64, f64)>,
    /// By what.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub by: String,
}

impl Part {
    /// What the file says.
    fn said(share: Option<f64>, by: String) -> Self {
        Self { share, between: None, by }
    }

    /// Both ends; of what the file says they are what it says.
    fn ends(&self) -> (f64, f64) {
        let share = self.share.unwrap_or(0.0);
        self.between.unwrap_or((share, share))
    }
}

/// Two services, and what binds them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pair {
    /// One, the first of the two by name.
    pub one: String,
    /// The other.
    pub other: String,
    /// Whether they are released together.
    pub deploy: Part,
    /// Whether they share a table that one of them writes.
    pub data: Part,
    /// The larger share of a caller's requests that is lost while the other is down.
    pub loss: Part,
    /// Whether they share a library with rules of the business.
    pub logic: Part,
    /// All four together.
    pub bond: f64,
    /// Its interval, where one of the four was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub between: Option<(f64, f64)>,
}

impl Pair {
    /// The four parts with their names, in order.
    pub fn parts(&self) -> [(&'static str, &Part); 4] {
        [
            ("deploy units", &self.deploy),
            ("tables", &self.data),
            ("requests lost", &self.loss),
            ("libraries", &self.logic),
        ]
    }
}

/// Databases and tables that a service uses, and whether it writes there.
type Uses = BTreeMap<(String, String), bool>;

/// What is known.
pub(super) struct Facts<'s> {
    pub(super) scenario: &'s Scenario,
    /// Those that have a process of their own, by their names, in order.
    pub(super) services: Vec<&'s str>,
    hosts: Hosts<'s>,
    pub(super) tables: Tables,
    /// By service: what it uses.
    uses: Vec<Uses>,
    /// By service: the first name of all that are released with it.
    release: Vec<usize>,
    /// By caller and what is down: the share that is lost.
    lost: Vec<Vec<Lost>>,
    library: Option<Elsewhere<'s>>,
}

/// The share of a caller's requests that is lost: what the file says, without an interval, or what was measured; no value where the
/// file does not say it.
pub(super) type Lost = Estimate;

/// One fact of a file that does not count as it stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Instead<'o> {
    /// Which.
    pub(super) fact: &'o Fact,
    /// The file that says it; `None`: it is left out.
    pub(super) as_in: Option<&'o Scenario>,
}

/// A library that does not count as the file says it.
struct Elsewhere<'o> {
    name: &'o str,
    /// Who has it instead, and as what.
    held: BTreeMap<&'o str, Holds>,
}

impl<'o> Elsewhere<'o> {
    fn of(instead: Instead<'o>) -> Option<Self> {
        let Fact::Library { name } = instead.fact else { return None };
        let other = instead.as_in.map(|scenario| Facts::of(scenario, None));
        let each = other.iter().flat_map(|facts| {
            let of = |(at, service): (usize, &&'o str)| Some((*service, *facts.libraries(at)?.get(name.as_str())?));
            facts.services.iter().enumerate().filter_map(of).collect::<Vec<_>>()
        });
        Some(Self { name, held: each.collect() })
    }
}

impl<'s> Facts<'s> {
    /// Of a file; one fact may be left out, or be as another file says it.
    pub(super) fn of(scenario: &'s Scenario, instead: Option<Instead<'s>>) -> Self {
        let hosts = Hosts::of(scenario);
        let services = services(scenario, &hosts);
        let mut all = by_process(tables(scenario), &hosts);
        if let Some(Instead { fact: Fact::Table { database, table }, as_in }) = instead {
            let key = (database.clone(), table.clone());
            let other = as_in.and_then(|other| by_process(tables(other), &Hosts::of(other)).remove(&key));
            all.remove(&key);
            all.extend(other.map(|used| (key, used)));
        }
        let release = releases(scenario, (&services, &hosts), instead.map(|instead| instead.fact));
        let lost = lost(scenario, &services, instead);
        let uses = services.iter().map(|name| uses(&all, name)).collect();
        Self { scenario, services, hosts, tables: all, uses, release, lost, library: instead.and_then(Elsewhere::of) }
    }

    /// Of a file and of runs: what was lost of a caller's requests when its calls were refused.
    pub(super) fn measured(scenario: &'s Scenario, lost: &[(String, String, Lost)]) -> Self {
        let mut all = Self::of(scenario, None);
        let find = |name: &str, services: &[&str]| services.iter().position(|known| *known == name);
        for (caller, callee, share) in lost {
            if let (Some(caller), Some(callee)) = (find(caller, &all.services), find(callee, &all.services)) {
                all.lost[caller][callee] = *share;
            }
        }
        all
    }

    fn node(&self, at: usize) -> &'s Node {
        &self.scenario.nodes[self.services[at]]
    }

    /// A service and all that is built into its process.
    fn parts(&self, at: usize) -> impl Iterator<Item = &'s Node> {
        let within = self.hosts.within(self.services[at]).map(|name| &self.scenario.nodes[name]);
        std::iter::once(self.node(at)).chain(within)
    }

    /// The libraries of all that is in its process, those with rules of the business as such; `None` where nobody says any.
    fn libraries(&self, at: usize) -> Option<BTreeMap<&'s str, Holds>> {
        let mut all: Option<BTreeMap<&str, Holds>> = None;
        for said in self.parts(at).filter_map(|node| node.owned.libraries.value.as_ref()) {
            let all = all.get_or_insert_default();
            for (name, holds) in said {
                let known = all.entry(name).or_insert(holds.value);
                if holds.value == Holds::Logic {
                    *known = Holds::Logic;
                }
            }
        }
        all
    }

    /// A service that both have within them: rules of the business in two processes, as a library has them.
    fn copied(&self, a: usize, b: usize) -> Option<&'s str> {
        let other: BTreeSet<&str> = self.hosts.within(self.services[b]).collect();
        self.hosts.within(self.services[a]).find(|name| other.contains(name))
    }

    /// `n² ÷ Σ b`.
    pub(super) fn n_eff(&self, pairs: &[Pair]) -> Option<f64> {
        let n = self.services.len() as f64;
        let bonds: f64 = pairs.iter().map(|pair| pair.bond).sum();
        (n > 0.0).then(|| n * n / (n + 2.0 * bonds))
    }

    /// Its interval, where anything was measured: all bonds at their ends at once, which is wide rather than narrow.
    pub(super) fn n_eff_between(&self, pairs: &[Pair]) -> Option<(f64, f64)> {
        let n = self.services.len() as f64;
        let of = |sum: f64| n * n / (n + 2.0 * sum);
        let sum = |of: &dyn Fn((f64, f64)) -> f64| -> f64 {
            pairs.iter().map(|pair| pair.between.map_or(pair.bond, of)).sum()
        };
        let measured = n > 0.0 && pairs.iter().any(|pair| pair.between.is_some());
        measured.then(|| (of(sum(&|ends| ends.1)), of(sum(&|ends| ends.0))))
    }

    /// Every two services.
    pub(super) fn pairs(&self) -> Vec<Pair> {
        let n = self.services.len();
        (0..n).flat_map(|a| (a + 1..n).map(move |b| (a, b))).map(|(a, b)| self.pair(a, b)).collect()
    }

    fn pair(&self, a: usize, b: usize) -> Pair {
        let parts = [self.deploy(a, b), self.data(a, b), self.loss(a, b), self.logic(a, b)];
        let all = |of: &dyn Fn(&Part) -> f64| 1.0 - parts.iter().map(|part| 1.0 - of(part)).product::<f64>();
        let bond = all(&|part| part.share.unwrap_or(0.0));
        let measured = parts.iter().any(|part| part.between.is_some());
        let between = measured.then(|| (all(&|part| part.ends().0), all(&|part| part.ends().1)));
        let [deploy, data, loss, logic] = parts;
        Pair {
            one: self.services[a].to_owned(),
            other: self.services[b].to_owned(),
            deploy,
            data,
            loss,
            logic,
            bond,
            between,
        }
    }

    /// Who says nothing of releases may still be named by others.
    fn deploy(&self, a: usize, b: usize) -> Part {
        if self.release[a] == self.release[b] {
            return Part::said(Some(1.0), "one release".into());
        }
        let says = |at: usize| self.parts(at).any(|node| node.owned.deploys_with.value.is_some());
        Part::said((says(a) || says(b)).then_some(0.0), String::new())
    }

    fn data(&self, a: usize, b: usize) -> Part {
        let (one, other) = (&self.uses[a], &self.uses[b]);
        let binds = |(key, writes): &(&(String, String), &bool)| {
            !key.1.is_empty() && other.get(*key).is_some_and(|theirs| **writes || *theirs)
        };
        if let Some(((database, table), _)) = one.iter().find(binds) {
            return Part::said(Some(1.0), format!("{database}.{table}"));
        }
        // On one database without saying which tables: nobody knows.
        let silent = |own: &Uses, theirs: &Uses| {
            let of = |key: &(String, String)| theirs.keys().any(|(database, _)| *database == key.0);
            own.keys().any(|key| key.1.is_empty() && of(key))
        };
        let known = !silent(one, other) && !silent(other, one);
        Part::said(known.then_some(0.0), String::new())
    }

    fn loss(&self, a: usize, b: usize) -> Part {
        let (there, back) = (self.lost[a][b], self.lost[b][a]);
        let (lost, caller, callee) = if there.value >= back.value { (there, a, b) } else { (back, b, a) };
        // What is not known of one way may be more than what is known of the other, unless that is all.
        let known = there.value.is_some() && back.value.is_some() || lost.value == Some(1.0);
        let by = format!("{} down: {} fails", self.services[callee], self.services[caller]);
        let share = lost.value.filter(|_| known);
        let between = lost.ends().filter(|_| known);
        Part { share, between, by: if share.is_some_and(|share| share > 0.0) { by } else { String::new() } }
    }

    fn logic(&self, a: usize, b: usize) -> Part {
        if let Some(copied) = self.copied(a, b) {
            return Part::said(Some(1.0), copied.to_owned());
        }
        let [one, other] = [a, b].map(|at| self.libraries(at));
        let both = |one: Option<&Holds>, other: Option<&Holds>| {
            one.zip(other).is_some_and(|(one, other)| [one, other].contains(&&Holds::Logic))
        };
        let apart = self.library.as_ref();
        if let (Some(one), Some(other)) = (&one, &other) {
            let as_said = |name: &&str| apart.is_none_or(|apart| apart.name != *name);
            let logic = one.keys().copied().filter(as_said).filter(|name| both(one.get(name), other.get(name)));
            let elsewhere =
                apart.filter(|apart| both(apart.held.get(self.services[a]), apart.held.get(self.services[b])));
            let names: Vec<&str> = logic.chain(elsewhere.map(|apart| apart.name)).collect();
            return Part::said(Some(if names.is_empty() { 0.0 } else { 1.0 }), names.join(", "));
        }
        let none = [one, other].iter().flatten().any(BTreeMap::is_empty);
        Part::said(none.then_some(0.0), String::new())
    }

    /// What is built into which services.
    pub(super) fn built_in(&self) -> BTreeMap<String, Vec<String>> {
        let owned = |hosts: Vec<&str>| hosts.into_iter().map(str::to_owned).collect();
        let parts = self.scenario.nodes.keys().filter(|name| self.hosts.is_inside(name));
        parts.map(|name| (name.clone(), owned(self.hosts.around(name)))).collect()
    }

    /// What of each service may be in others, too: its libraries and those of what is built into it, and what is built into
    /// several, which is one; nothing of a service that says it has none.
    pub(super) fn shared_code(&self) -> Vec<(&'s str, Option<&'s str>, Holds, Option<Place>)> {
        let mut all = Vec::new();
        for (at, service) in self.services.iter().enumerate() {
            for said in self.parts(at).filter_map(|node| node.owned.libraries.value.as_ref()) {
                all.push((*service, None, Holds::Utility, None));
                let named = |(name, holds): (&'s String, &Given<Holds>)| {
                    (*service, Some(name.as_str()), holds.value, holds.place.clone())
                };
                all.extend(said.iter().map(named));
            }
            let copied = self.hosts.within(service).filter(|name| self.hosts.around(name).len() > 1);
            let place = |name: &str| self.scenario.nodes[name].name.place.clone();
            all.extend(copied.map(|name| (*service, Some(name), Holds::Logic, place(name))));
        }
        all
    }

    /// Services that are one in fact, with those alone left out; the largest first.
    pub(super) fn units(&self, pairs: &[Pair]) -> Vec<Vec<String>> {
        let at: BTreeMap<&str, usize> = self.services.iter().zip(0..).map(|(name, at)| (*name, at)).collect();
        let bound = pairs.iter().filter(|pair| pair.bond >= ONE);
        let part = joined(self.services.len(), bound.map(|pair| (at[pair.one.as_str()], at[pair.other.as_str()])));
        let mut units: BTreeMap<usize, Vec<String>> = BTreeMap::new();
        for (name, part) in self.services.iter().zip(part) {
            units.entry(part).or_default().push((*name).to_owned());
        }
        let mut units: Vec<Vec<String>> = units.into_values().filter(|unit| unit.len() > 1).collect();
        units.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        units
    }

    /// Databases of several services, those of most first.
    pub(super) fn shared_databases(&self) -> Vec<&str> {
        let mut users: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for ((database, _), used) in &self.tables {
            users.entry(database).or_default().extend(used.all());
        }
        let mut shared: Vec<(&str, usize)> =
            users.into_iter().map(|(database, users)| (database, users.len())).collect();
        shared.retain(|(_, users)| *users > 1);
        shared.sort_by_key(|(_, users)| std::cmp::Reverse(*users));
        shared.into_iter().map(|(database, _)| database).collect()
    }

    /// Releases of several services.
    pub(super) fn releases(&self) -> Vec<Vec<&'s str>> {
        let mut all: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
        for (name, release) in self.services.iter().zip(&self.release) {
            all.entry(*release).or_default().push(name);
        }
        all.into_values().filter(|release| release.len() > 1).collect()
    }

    /// Teams and what they own; `None` where nobody says anything.
    pub(super) fn teams(&self) -> Option<BTreeMap<&'s str, Vec<&'s str>>> {
        let mut all: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (at, name) in self.services.iter().enumerate() {
            if let Some(team) = &self.node(at).owned.team.value {
                all.entry(team).or_default().push(name);
            }
        }
        (!all.is_empty()).then_some(all)
    }
}

/// Parts that are missing for any pair.
pub(super) fn missing(pairs: &[Pair]) -> Vec<String> {
    let silent = pairs.iter().flat_map(Pair::parts).filter(|(_, part)| part.share.is_none());
    let names: BTreeSet<&str> = silent.map(|(name, _)| name).collect();
    names.into_iter().map(str::to_owned).collect()
}

/// The services of a file that have a process of their own.
pub(super) fn services<'s>(scenario: &'s Scenario, hosts: &Hosts<'_>) -> Vec<&'s str> {
    let own = scenario.nodes.iter().filter(|(name, node)| node.kind == NodeKind::Service && !hosts.is_inside(name));
    own.map(|(name, _)| name.as_str()).collect()
}

/// Tables by the processes that use them: what is built into a service is the service.
fn by_process(tables: Tables, hosts: &Hosts<'_>) -> Tables {
    let whose = |users: BTreeMap<String, Place>| -> BTreeMap<String, Place> {
        let mut all = BTreeMap::new();
        for (name, place) in users {
            for host in hosts.around(&name) {
                all.entry(host.to_owned()).or_insert_with(|| place.clone());
            }
        }
        all
    };
    let used = |used: Used| Used { readers: whose(used.readers), writers: whose(used.writers) };
    tables.into_iter().map(|(key, one)| (key, used(one))).collect()
}

/// What a service uses.
fn uses(tables: &Tables, name: &str) -> Uses {
    let used = tables.iter().filter(|(_, used)| used.readers.contains_key(name) || used.writers.contains_key(name));
    used.map(|(key, used)| (key.clone(), used.writers.contains_key(name))).collect()
}

/// By vertex the least of all that it is joined with.
fn joined(n: usize, pairs: impl Iterator<Item = (usize, usize)>) -> Vec<usize> {
    let mut part: Vec<usize> = (0..n).collect();
    let root = |part: &[usize], mut at: usize| {
        while part[at] != at {
            at = part[at];
        }
        at
    };
    for (a, b) in pairs {
        let (a, b) = (root(&part, a), root(&part, b));
        part[a.max(b)] = a.min(b);
    }
    (0..n).map(|at| root(&part, at)).collect()
}

/// Who is released with whom: what is said of one holds for both, and of a chain all are one.
fn releases(scenario: &Scenario, (services, hosts): (&[&str], &Hosts<'_>), without: Option<&Fact>) -> Vec<usize> {
    let at: BTreeMap<&str, usize> = services.iter().zip(0..).map(|(name, at)| (*name, at)).collect();
    let said = scenario.nodes.iter().flat_map(|(name, node)| {
        let with = node.owned.deploys_with.value.iter().flatten();
        with.map(move |other| (name.as_str(), other.value.as_str()))
    });
    let counts = |(one, other): &(&str, &str)| !without.is_some_and(|fact| fact.is_together(one, other));
    let around =
        |name: &str| -> Vec<usize> { hosts.around(name).iter().filter_map(|host| at.get(host).copied()).collect() };
    let pairs = said.filter(counts).flat_map(|(one, other)| {
        let (ones, others) = (around(one), around(other));
        ones.into_iter().flat_map(move |a| others.clone().into_iter().map(move |b| (a, b)))
    });
    joined(services.len(), pairs)
}

/// By caller and what is down: the share of the caller's requests that is lost, its endpoints as often as clients lead there. Where
/// that hangs on how much a cache has, which no file says, it has no value.
fn lost(scenario: &Scenario, services: &[&str], instead: Option<Instead<'_>>) -> Vec<Vec<Lost>> {
    let warm = lost_with(&Falls::of(scenario), scenario, services, instead);
    let cold = Falls::cold(scenario).map(|falls| lost_with(&falls, scenario, services, instead));
    let same = |caller: usize, down: usize, share: f64| {
        cold.as_ref().is_none_or(|cold| (cold[caller][down] - share).abs() < 1e-9)
    };
    let of = |(caller, down, share)| if same(caller, down, share) { Lost::point(share) } else { Lost::NONE };
    let row = |(caller, row): (usize, Vec<f64>)| {
        row.into_iter().enumerate().map(|(down, share)| of((caller, down, share))).collect()
    };
    warm.into_iter().enumerate().map(row).collect()
}

fn lost_with(falls: &Falls<'_>, scenario: &Scenario, services: &[&str], instead: Option<Instead<'_>>) -> Vec<Vec<f64>> {
    let rates: BTreeMap<(String, String), f64> =
        forecast(scenario).programs.into_iter().map(|(node, endpoint, rate)| ((node, endpoint), rate)).collect();
    let shares = |node: &'_ str| weights(scenario, node, &rates, falls);
    let weights: Vec<Vec<(usize, f64)>> = services.iter().map(|name| shares(name)).collect();
    let mut lost = vec![vec![0.0; services.len()]; services.len()];
    let edge = instead.and_then(|instead| instead.fact.call().map(|(from, to)| (from, to, instead.as_in)));
    for (down, name) in services.iter().enumerate() {
        let fails = falls.shares(Down { node: name, edge });
        for (caller, weights) in weights.iter().enumerate().filter(|(caller, _)| *caller != down) {
            lost[caller][down] = weights.iter().map(|(at, weight)| fails[*at] * weight).sum();
        }
    }
    lost
}

/// The programs of a service whose failure is a loss, each with its share of what comes to the service.
fn weights(
    scenario: &Scenario,
    node: &str,
    rates: &BTreeMap<(String, String), f64>,
    falls: &Falls<'_>,
) -> Vec<(usize, f64)> {
    let own = &scenario.nodes[node];
    // What fails in handling a message goes back to its broker, unless it is given up there.
    let kept = own.consumes.iter().filter(|consumer| consumer.on_error.value == OnError::Retry);
    let kept: Vec<&str> = kept.map(|consumer| consumer.program.name.value.as_str()).collect();
    let of = |name: &str| rates.get(&(node.to_owned(), name.to_owned())).copied().unwrap_or(0.0);
    let all: Vec<(&str, f64)> = own.programs().map(|p| p.name.value.as_str()).map(|name| (name, of(name))).collect();
    let sum: f64 = all.iter().map(|(_, rate)| rate).sum();
    // Where nobody comes, all of its endpoints count alike.
    let share = |rate: f64| if sum > 0.0 { rate / sum } else { 1.0 / all.len() as f64 };
    let counted = all.iter().filter(|(name, _)| !kept.contains(name));
    counted.filter_map(|(name, rate)| Some((falls.find(node, name)?, share(*rate)))).collect()
}

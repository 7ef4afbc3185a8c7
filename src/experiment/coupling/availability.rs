//! How available everything is, where the file says how often what fails: random faults, with `mtbf` and `mttr`.
//!
//! A fault is on for `U = mttr ÷ (mtbf + mttr)` of the time. Nobody waits months for two of them to meet: what success there is
//! while none, one or two are on is simulated, and weighed by how likely that is:
//! `A ≈ Σ P(S) · success(S)` over none, each one, and pairs in the order of their probability, until what is left is less likely
//! than one in a million; what is left counts as anything between nothing and all. Faults strike independently of one another;
//! one that hits a zone hits all of it at once.
//!
//! A repair takes hours where a run takes minutes: what is on stays on to the end of the run, so that nobody is saved by its end
//! who would have had to wait for hours; and those are asked who come when it has been on for a while. What fails when it is over
//! (its aftermath) is not in it, and told.
//!
//! Beside it stands the [product](super::product) of textbooks, and which of its conditions do not hold: that, and in which
//! direction, is why the two differ.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::column::weighted;
use super::product::{Ways, product, ways};
use super::screen::Screen;
use super::study::{Bench, Stand};
use super::{Party, Roll, Tally, share, tally};
use crate::experiment::estimate::CONFIDENCE;
use crate::experiment::parallel;
use crate::experiment::study::Trouble;
use crate::experiment::summary::Estimate;
use crate::graph::{Arrow, End};
use crate::model::fault::{Effect, When};
use crate::model::{FaultId, Plan};
use crate::scenario::Checked;
use crate::scenario::written::{Load, Node, Scenario, Verb};
use crate::stats::proportion;
use crate::units::{Span, Time};

/// What is less likely than this is not simulated.
pub(super) const BOUND: f64 = 1e-6;

/// A latency is small beside a repair that takes so many times as long.
const QUICK: f64 = 100.0;

/// A difference of less than this is none.
const SMALL: f64 = 0.005;

/// How available everything is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Availability {
    /// What fails at random.
    pub faults: Vec<Unavailable>,
    /// Below which probability what is left is not simulated.
    pub bound: f64,
    /// How likely what is left is: more than two faults at once, and pairs that were not simulated.
    pub left: f64,
    /// Pairs of faults that were simulated.
    pub pairs: u32,
    /// Pairs that there are.
    pub all_pairs: u32,
    /// By client.
    pub clients: BTreeMap<String, Available>,
}

/// What fails at random, and for how much of the time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Unavailable {
    /// The fault.
    pub fault: String,
    /// What it strikes.
    pub target: String,
    /// From the end of one to the start of the next, mean, s.
    pub mtbf_s: f64,
    /// How long each is on, mean, s.
    pub mttr_s: f64,
    /// Share of the time in which it is on.
    pub unavailability: f64,
    /// Whether it strikes only some of its target's replicas, or slows or fails a part: what the whole costs says nothing of that.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partly: bool,
    /// Share of all traffic that is lost while it is on, clients by their weight.
    #[serde(default)]
    pub loss: Estimate,
}

/// How available everything is to one client.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Available {
    /// The product of textbooks; `None` where its ways are too many to multiply out.
    pub product: Option<f64>,
    /// As simulated; the interval includes what is left.
    pub simulated: Estimate,
    /// Success while nothing is down.
    pub healthy: Estimate,
    /// Success while one fault is on.
    pub given: BTreeMap<String, Estimate>,
    /// Conditions of the product that do not hold.
    pub broken: Vec<Broken>,
}

/// A condition of the product that does not hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Broken {
    /// Which, in a word or two.
    pub condition: String,
    /// On which side of the product the truth lies because of it.
    pub truth: Side,
    /// Where it does not hold.
    pub at: Vec<String>,
}

/// On which side something lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Above.
    Above,
    /// Below.
    Below,
    /// On either.
    Either,
}

/// The plan in which random faults come only when called and stay until then, and which these are; empty where there are none.
pub(super) fn called(mut plan: Plan, until: Time) -> (Plan, Vec<(FaultId, Unavailable)>) {
    let mut all = Vec::new();
    for nth in 0..plan.faults.len() {
        let When::Random { mtbf, mttr, .. } = plan.faults[nth].when else { continue };
        let [mtbf_s, mttr_s] = [mtbf, mttr].map(|law| plan.law(law).mean() / 1e9);
        let unavailability = mttr_s / (mtbf_s + mttr_s);
        if !(unavailability > 0.0 && unavailability < 1.0) {
            continue;
        }
        let fault = &mut plan.faults[nth];
        fault.when = When::Once { from: Time::NEVER, until };
        let told = Unavailable {
            fault: fault.name.clone(),
            target: String::new(),
            mtbf_s,
            mttr_s,
            unavailability,
            partly: !takes_down(&fault.effect),
            loss: Estimate::NONE,
        };
        all.push((FaultId(nth as u32), told));
    }
    (plan, all)
}

/// Whether nobody is served by what it strikes while it is on.
fn takes_down(effect: &Effect) -> bool {
    match effect {
        Effect::Outage { .. } | Effect::Crash { .. } | Effect::Freeze | Effect::Partition => true,
        Effect::Errors { share } => *share >= 1.0,
        _ => false,
    }
}

/// Share of all traffic that is served while nothing is on and lost with this, clients by their weight.
fn loss(stand: &Stand<'_>, with: &[Roll]) -> Estimate {
    let clients = stand.whose.iter().filter(|(who, _)| !who.flow && who.served > 0);
    let lost = clients.map(|(who, party)| {
        let tallies: Vec<Tally> =
            stand.rolls.iter().zip(with).map(|(a, b)| tally(a, b, *party, Span(u64::MAX / 2))).collect();
        (who.weight, share(&tallies, |tally| tally.lost))
    });
    weighted(&lost.collect::<Vec<_>>())
}

/// Sets of faults: none, each one, and pairs, the likeliest first, until what is left is less likely than the bound.
fn sets(faults: &[(FaultId, Unavailable)]) -> (Vec<(Vec<usize>, f64)>, f64) {
    let odds: Vec<f64> = faults.iter().map(|(_, f)| f.unavailability / (1.0 - f.unavailability)).collect();
    let none: f64 = faults.iter().map(|(_, f)| 1.0 - f.unavailability).product();
    let mut all = vec![(Vec::new(), none)];
    all.extend((0..odds.len()).map(|at| (vec![at], none * odds[at])));
    let pairs = (0..odds.len()).flat_map(|a| (a + 1..odds.len()).map(move |b| (a, b)));
    let mut pairs: Vec<(Vec<usize>, f64)> = pairs.map(|(a, b)| (vec![a, b], none * odds[a] * odds[b])).collect();
    pairs.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let mut left = 1.0 - all.iter().map(|set| set.1).sum::<f64>();
    for pair in pairs {
        if left < BOUND {
            break;
        }
        left -= pair.1;
        all.push(pair);
    }
    (all, left.max(0.0))
}

impl<'b> Bench<'b> {
    /// How available everything is to whom.
    ///
    /// `ended` is the same bench, on which what is on ends with the window.
    pub(super) fn availability(
        &self,
        ended: &Self,
        mut faults: Vec<(FaultId, Unavailable)>,
        screen: &Screen,
    ) -> Result<Availability, Trouble> {
        for (_, fault) in &mut faults {
            let written = self.checked.scenario.faults.iter().find(|written| written.name.value == fault.fault);
            fault.target = written.map_or_else(String::new, |written| written.target.value.clone());
            let all = self.checked.scenario.nodes.get(&fault.target).map(Node::most_replicas);
            let some = written.and_then(|written| written.replicas.value);
            fault.partly |= some.zip(all).is_some_and(|(some, all)| some < all);
        }
        let (stand, short) = (self.stand(false)?, ended.stand(false)?);
        let (sets, left) = sets(&faults);
        let mut rolls: Vec<Vec<Roll>> = Vec::new();
        let mut ends: Vec<Vec<Roll>> = Vec::new();
        for (set, _) in &sets {
            let down: Vec<FaultId> = set.iter().map(|at| faults[*at].0).collect();
            rolls.push(self.with(&stand, &down).ok_or(Trouble::Interrupted)?);
            let mut over = Vec::new();
            if let [one] = set.as_slice() {
                faults[*one].1.loss = loss(&stand, &rolls[rolls.len() - 1]);
                over = ended.with(&short, &down).ok_or(Trouble::Interrupted)?;
            }
            ends.push(over);
        }
        let n = faults.len() as u32;
        let clients = stand.whose.iter().filter(|(who, _)| !who.flow);
        let scene = Scene { checked: self.checked, plan: self.plan, screen, faults: &faults };
        let of = |(who, party): &(super::Whose, Party)| {
            let success: Vec<Estimate> = rolls.iter().map(|with| success(&stand.rolls, with, *party)).collect();
            let after: Vec<f64> = ends.iter().map(|with| aftermath(&short.rolls, with, *party)).collect();
            let p50_s = who.p50_ms.unwrap_or_default() / 1e3;
            (who.name.clone(), scene.available(&who.name, (&sets, left), (&success, &after), p50_s))
        };
        Ok(Availability {
            bound: BOUND,
            left,
            pairs: sets.len() as u32 - 1 - n,
            all_pairs: n * n.saturating_sub(1) / 2,
            clients: clients.map(of).collect(),
            faults: faults.iter().map(|(_, fault)| fault.clone()).collect(),
        })
    }

    /// Every replication with these down.
    fn with(&self, stand: &Stand<'b>, down: &[FaultId]) -> Option<Vec<Roll>> {
        let each = |index: u32| {
            let mut machine = stand.plain[index as usize].clone();
            down.iter().for_each(|fault| machine.call_down(*fault, self.begins()));
            self.end(machine).map(|(roll, _)| roll)
        };
        parallel::each(self.replications(), self.threads, each).into_iter().collect()
    }
}

/// Share of what arrives in the window that ends well.
fn success(without: &[Roll], with: &[Roll], party: Party) -> Estimate {
    let count = |roll: &Roll| roll.ends(party).map(|(_, ends)| ends.len() as u64).sum::<u64>();
    let good = |roll: &Roll| roll.ends(party).flat_map(|(_, ends)| ends).filter(|end| end.0).count() as u64;
    // Who is still waiting when the run stops is not on the roll, and did arrive.
    let parts: Vec<(u64, u64)> = without.iter().zip(with).map(|(a, b)| (good(b), count(a).max(count(b)))).collect();
    proportion(&parts, CONFIDENCE)
}

/// Failures after the window that there are not without, per arrival in it.
fn aftermath(without: &[Roll], with: &[Roll], party: Party) -> f64 {
    let served = |roll: &Roll| {
        let (all, at) = match party {
            Party::Client(at) => (&roll.served[0], at),
            Party::Flow(at) => (&roll.served[1], at),
        };
        all.get(&at).map_or(0, |served| served[0]) as f64
    };
    let inside = |roll: &Roll| roll.ends(party).flat_map(|(_, ends)| ends).filter(|end| end.0).count() as f64;
    let pairs = || without.iter().zip(with);
    let arrived: usize = pairs().flat_map(|(a, _)| a.ends(party)).map(|(_, ends)| ends.len()).sum();
    let after = |roll: &Roll| served(roll) - inside(roll);
    let missing: f64 = pairs().map(|(a, b)| after(a) - after(b)).sum();
    missing / (arrived.max(1) as f64)
}

/// What the product and its conditions are read off.
struct Scene<'s> {
    checked: &'s Checked,
    plan: &'s Plan,
    screen: &'s Screen,
    faults: &'s [(FaultId, Unavailable)],
}

impl<'s> Scene<'s> {
    fn scenario(&self) -> &'s Scenario {
        &self.checked.scenario
    }

    fn available(
        &self,
        client: &str,
        (sets, left): (&[(Vec<usize>, f64)], f64),
        (success, after): (&[Estimate], &[f64]),
        p50_s: f64,
    ) -> Available {
        let sum = |of: fn(&Estimate) -> Option<f64>| {
            sets.iter().zip(success).map(|((_, p), s)| Some(p * of(s)?)).sum::<Option<f64>>()
        };
        let (low, high) = (sum(|s| s.low), sum(|s| s.high).map(|high| (high + left).min(1.0)));
        let value = sum(|s| s.value).map(|value| value + left / 2.0);
        let ways = ways(self.scenario(), client);
        let up = self.up();
        let all = sets.iter().zip(success).zip(after);
        let singles: Vec<(usize, Estimate, f64)> = all
            .filter_map(|(((set, _), s), after)| match set.as_slice() {
                [one] => Some((*one, *s, *after)),
                _ => None,
            })
            .collect();
        let name = |at: usize| self.faults[at].1.fault.clone();
        let given = singles.iter().map(|(at, s, _)| (name(*at), *s)).collect();
        let mut broken = self.by_structure(client, p50_s);
        let healthy = success.first().copied().unwrap_or(Estimate::NONE);
        if let Some(ways) = &ways {
            let spills = singles.iter().filter(|(at, s, _)| self.spills(ways, *at, (healthy, *s)));
            let names = spills.map(|(at, ..)| name(*at)).collect();
            note(&mut broken, "spare capacity: requests fail that need nothing of what is down", Side::Below, names);
        }
        let late = singles.iter().filter(|(.., after)| *after > 4.0 * SMALL).map(|(at, ..)| name(*at)).collect();
        note(&mut broken, "no aftermath: failures go on when what was down is back", Side::Below, late);
        let product = ways.map(|ways| product(&ways, &up));
        let simulated = Estimate { value, low, high, ..Estimate::NONE };
        Available { product, simulated, healthy, given, broken }
    }

    /// How likely each node is up: all faults that strike any of its replicas are not on.
    fn up(&self) -> BTreeMap<&'s str, f64> {
        let mut up: BTreeMap<&str, f64> = BTreeMap::new();
        for (id, fault) in self.faults {
            for node in self.struck(*id) {
                *up.entry(node).or_insert(1.0) *= 1.0 - fault.unavailability;
            }
        }
        up
    }

    /// The nodes that a fault strikes, whole or in part; what cuts off strikes those that it cuts off.
    fn struck(&self, fault: FaultId) -> BTreeSet<&'s str> {
        if let Some((_, told)) = self.faults.iter().find(|(id, _)| *id == fault)
            && matches!(self.plan.faults[fault.index()].effect, Effect::Partition)
        {
            return self.cut_off(&told.target);
        }
        let fault = &self.plan.faults[fault.index()];
        let name = |replica: &u32| {
            let at = |node: &&crate::model::plan::Node| {
                (node.first_replica..node.first_replica + node.replicas).contains(replica)
            };
            let name = &self.plan.nodes.iter().find(at)?.name;
            self.scenario().nodes.get_key_value(name).map(|(name, _)| name.as_str())
        };
        fault.replicas.iter().filter_map(name).collect()
    }

    /// The node, or those of a zone, that a partition stands around.
    fn cut_off(&self, target: &str) -> BTreeSet<&'s str> {
        let nodes = &self.scenario().nodes;
        match target.strip_prefix("zone:") {
            Some(zone) => {
                let inside = |name: &&String| self.scenario().stands_in(name, zone);
                nodes.keys().filter(inside).map(String::as_str).collect()
            }
            None => nodes.get_key_value(target).map(|(name, _)| name.as_str()).into_iter().collect(),
        }
    }

    /// Whether fewer end well while a fault is on than those that need nothing of what it strikes.
    fn spills(&self, ways: &Ways<'_>, fault: usize, (healthy, given): (Estimate, Estimate)) -> bool {
        let struck = self.struck(self.faults[fault].0);
        // Of what strikes an edge the product knows nothing.
        if struck.is_empty() {
            return false;
        }
        let beside: f64 = ways.iter().filter(|(nodes, _)| nodes.is_disjoint(&struck)).map(|(_, weight)| weight).sum();
        let all: f64 = ways.values().sum();
        match (given.high, healthy.value) {
            (Some(high), Some(healthy)) if all > 0.0 => high + SMALL < healthy * beside / all,
            _ => false,
        }
    }

    /// Conditions that the file breaks, on whatever the client's requests may come to.
    fn by_structure(&self, client: &str, p50_s: f64) -> Vec<Broken> {
        let mut broken = Vec::new();
        let reached: BTreeSet<&str> = self.screen.reached(client).into_iter().map(String::as_str).collect();
        self.by_rules(&reached, &mut broken);
        self.by_steps(&reached, &mut broken);
        let fault = |is: &dyn Fn(FaultId, &Unavailable) -> bool| -> Vec<String> {
            self.faults.iter().filter(|(id, f)| is(*id, f)).map(|(_, f)| f.fault.clone()).collect()
        };
        let met = |id: FaultId| self.struck(id).into_iter().filter(|node| reached.contains(node)).count();
        note(
            &mut broken,
            "independent nodes: a fault strikes several at once",
            Side::Above,
            fault(&|id, _| met(id) > 1),
        );
        let part = |id: FaultId| {
            let own =
                |node: &&str| self.plan.nodes.iter().find(|n| n.name == **node).map_or(0, |n| n.replicas as usize);
            let all: usize = self.struck(id).iter().map(own).sum();
            met(id) > 0 && self.plan.faults[id.index()].replicas.len() < all
        };
        note(&mut broken, "no spare replicas: a fault strikes some of a node's", Side::Above, fault(&|id, _| part(id)));
        let whole = |id: FaultId| takes_down(&self.plan.faults[id.index()].effect);
        note(
            &mut broken,
            "up or down: a fault slows, or fails a part of what comes",
            Side::Above,
            fault(&|id, _| met(id) > 0 && !whole(id)),
        );
        let quick = |f: &Unavailable| f.mttr_s < QUICK * p50_s;
        note(
            &mut broken,
            "latency far below the time to repair",
            Side::Either,
            fault(&|id, f| met(id) > 0 && quick(f)),
        );
        let closed = self.scenario().clients.get(client).is_some_and(|c| matches!(c.load, Load::Closed { .. }));
        note(
            &mut broken,
            "arrivals that do not wait for answers",
            Side::Either,
            closed.then(|| client.to_owned()).into_iter().collect(),
        );
        broken
    }

    fn by_rules(&self, reached: &BTreeSet<&str>, broken: &mut Vec<Broken>) {
        let plan = self.plan;
        let calls = |is: fn(&crate::model::policy::Rules) -> bool| -> Vec<String> {
            let guarded = plan.calls.iter().filter(|call| call.guard != crate::model::id::NONE);
            let own = guarded.filter(|call| is(&plan.rules[plan.guards[call.guard as usize].rules as usize]));
            let names: BTreeSet<String> = own.map(|call| plan.edge_name(plan.edges[call.edge.index()])).collect();
            let from = |edge: &String| Arrow::of(edge).is_some_and(|a| reached.contains(End::of(a.from).node));
            names.into_iter().filter(from).collect()
        };
        note(broken, "no retries or hedges", Side::Above, calls(|r| r.retry.is_some() || r.hedge.is_some()));
        note(broken, "no timeouts", Side::Either, calls(|r| r.timeout.is_some() || r.deadline.is_some()));
        note(broken, "nothing refuses: circuit breakers", Side::Below, calls(|r| r.breaker.is_some()));
        let limits =
            calls(|r| r.bulkhead.is_some() || r.rate_limit.is_some() || r.throttle.is_some() || r.limit.is_some());
        note(broken, "nothing refuses: limits", Side::Below, limits);
    }

    fn by_steps(&self, reached: &BTreeSet<&str>, broken: &mut Vec<Broken>) {
        let steps = |is: &dyn Fn(&Verb) -> bool| -> Vec<String> {
            let has = |name: &&&str| {
                let mut any = false;
                let programs = self.scenario().nodes.get(**name).into_iter().flat_map(|node| node.endpoints.values());
                programs.for_each(|p| crate::scenario::each_step(&p.steps, &mut |step| any |= is(&step.verb)));
                any
            };
            reached.iter().filter(has).map(|name| (*name).to_owned()).collect()
        };
        let falls_back = |verb: &Verb| matches!(verb, Verb::Call(c) | Verb::Query(c) if c.fallback.is_some());
        note(broken, "no fallbacks", Side::Above, steps(&falls_back));
        note(
            broken,
            "no caches",
            Side::Above,
            steps(&|verb| matches!(verb, Verb::Cache { .. } | Verb::Remember { .. })),
        );
        let optional = |verb: &Verb| match verb {
            Verb::Parallel { branches, wait_for } => {
                wait_for.value.is_some_and(|k| (k as usize) < branches.len())
                    || branches.iter().any(|b| b.optional.value)
            }
            _ => false,
        };
        note(broken, "every branch is needed", Side::Above, steps(&optional));
        note(broken, "no queues between", Side::Above, steps(&|verb| matches!(verb, Verb::Publish(_))));
    }
}

fn note(broken: &mut Vec<Broken>, condition: &str, truth: Side, at: Vec<String>) {
    if !at.is_empty() {
        broken.push(Broken { condition: condition.to_owned(), truth, at });
    }
}

//! What a change did to `N_eff`, and by which of its facts: each fact that is new, gone or different is left out alone.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::facts::{Facts, Instead};
use super::falls::Falls;
use crate::scenario::programs::programs;
use crate::scenario::written::{Call, Holds, NodeKind, Scenario};
use crate::scenario::{Checked, Hosts, transport_of};

/// Something that may bind services.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fact {
    /// Calls from one service to another.
    Call { from: String, to: String },
    /// A table.
    Table { database: String, table: String },
    /// That two are released together; the first by name first.
    Together { one: String, other: String },
    /// A library with rules of the business.
    Library { name: String },
}

impl Fact {
    /// The ends of a call.
    pub(super) fn call(&self) -> Option<(&str, &str)> {
        match self {
            Self::Call { from, to } => Some((from, to)),
            _ => None,
        }
    }

    /// Whether it says that these are released together.
    pub(super) fn is_together(&self, one: &str, other: &str) -> bool {
        matches!(self, Self::Together { one: a, other: b } if (a == one && b == other) || (a == other && b == one))
    }

    /// In words.
    fn told(&self) -> String {
        match self {
            Self::Call { from, to } => format!("edge {from} -> {to}"),
            Self::Table { database, table } => format!("table {database}.{table}"),
            Self::Together { one, other } => format!("release of {one} with {other}"),
            Self::Library { name } => format!("library {name}"),
        }
    }
}

/// What became of `N_eff`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// Services before.
    pub services_before: usize,
    /// `N_eff` before; `None` without services.
    pub before: Option<f64>,
    /// `N_eff` now.
    pub after: Option<f64>,
    /// What did it, the largest effect first.
    pub causes: Vec<Cause>,
    /// Services that are new.
    pub new: Vec<String>,
    /// Services that are gone.
    pub gone: Vec<String>,
}

/// A fact that is new, gone or different.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cause {
    /// Which.
    pub fact: String,
    /// Whether it is `new`, `gone` or `different`.
    pub how: &'static str,
    /// What it does to `N_eff` by itself: with it less without it, or of one that is different as it is now less as it was, all
    /// else as it is now.
    pub effect: f64,
}

/// Holds a file against an older one.
pub fn change(old: &Checked, new: &Checked) -> Change {
    let (before, after) = (facts(&old.scenario), facts(&new.scenario));
    let all: BTreeSet<&Fact> = before.keys().chain(after.keys()).collect();
    let changed = all.into_iter().filter(|fact| before.get(*fact) != after.get(*fact));
    let (then, now) = (&old.scenario, &new.scenario);
    let (was, is) = (here(then, None), here(now, None));
    let less = |a: Option<f64>, b: Option<f64>| a.zip(b).map_or(0.0, |(a, b)| a - b);
    let cause = |fact: &Fact| {
        let said = |as_in| here(now, Some(Instead { fact, as_in: Some(as_in) }));
        let none = |scenario| here(scenario, Some(Instead { fact, as_in: None }));
        let (how, effect) = match (before.contains_key(fact), after.contains_key(fact)) {
            (true, true) => ("different", less(said(now), said(then))),
            (true, false) => ("gone", less(none(then), was)),
            _ => ("new", less(is, none(now))),
        };
        Cause { fact: fact.told(), how, effect }
    };
    let mut causes: Vec<Cause> = changed.map(cause).collect();
    causes.sort_by(|a, b| b.effect.abs().total_cmp(&a.effect.abs()).then_with(|| a.fact.cmp(&b.fact)));
    let (then, now) = (services(&old.scenario), services(&new.scenario));
    let less = |a: &BTreeSet<&str>, b: &BTreeSet<&str>| a.difference(b).map(|name| (*name).to_owned()).collect();
    Change {
        services_before: then.len(),
        before: was,
        after: is,
        causes,
        new: less(&now, &then),
        gone: less(&then, &now),
    }
}

/// `N_eff` of a file, of which one fact may be left out, or be as another file says it.
fn here(scenario: &Scenario, instead: Option<Instead<'_>>) -> Option<f64> {
    let facts = Facts::of(scenario, instead);
    facts.n_eff(&facts.pairs())
}

fn services(scenario: &Scenario) -> BTreeSet<&str> {
    super::facts::services(scenario, &Hosts::of(scenario)).into_iter().collect()
}

/// All facts of a file, and what each says: a call how often it is expected, with what fallback and what fails by it, a table who reads and writes.
fn facts(scenario: &Scenario) -> BTreeMap<Fact, String> {
    let mut all: BTreeMap<Fact, String> = BTreeMap::new();
    let service = |name: &str| scenario.nodes.get(name).is_some_and(|node| node.kind == NodeKind::Service);
    // A function call binds nothing that is not one already.
    let binds = |call: &Call| !transport_of(scenario, call).is_in_process();
    let falls = Falls::of(scenario);
    for (from, to, hop) in programs(scenario).arrows() {
        let call = hop.call().filter(|call| service(from.0) && service(to.0) && binds(call));
        let Some(call) = call else { continue };
        let fact = Fact::Call { from: from.0.to_owned(), to: to.0.to_owned() };
        // Whether it is waited for, and what fails with it, is said around it.
        let fails = falls.by_calls(from.0, from.1, to.0);
        let said = format!("{} {:?} {} {fails:.6};", from.1, hop.times, call.fallback.is_some());
        *all.entry(fact).or_default() += &said;
    }
    for ((database, table), used) in super::data::tables(scenario) {
        if !table.is_empty() && used.is_shared() {
            let said = format!("{:?} {:?}", used.readers.keys(), used.writers.keys());
            all.insert(Fact::Table { database, table }, said);
        }
    }
    for (name, node) in &scenario.nodes {
        for other in node.owned.deploys_with.value.iter().flatten() {
            let (one, other) = (name.min(&other.value).clone(), name.max(&other.value).clone());
            all.insert(Fact::Together { one, other }, String::new());
        }
        let logic = node.owned.libraries.value.iter().flatten().filter(|(_, holds)| holds.value == Holds::Logic);
        for (library, _) in logic {
            *all.entry(Fact::Library { name: library.clone() }).or_default() += &format!("{name} ");
        }
    }
    all
}

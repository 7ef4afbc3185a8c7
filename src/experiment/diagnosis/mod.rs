//! Separate in the diagram, one in fact: how many services are these, really?
//!
//! Two services are bound by four things: they are released together (`deploys_with`), share a table that one of them writes,
//! lose requests when the other is down, or share a library with rules of the business. Each part is a share s, the bond
//! `b = 1 − Π(1 − s)`, and `N_eff = n² ÷ Σ b` over all pairs, each service with itself included: n where nothing is bound, 1 where
//! all is. A fact that the file does not say is "not assessed" and left out of the product, so that `N_eff` is then an upper bound.
//! Gateways, brokers and sidecars are no services here, and a service that is only ever called as a function is none either: it is
//! a part of whoever calls it, with its tables, libraries and releases; built into several, it binds them as a library does.
//!
//! What a caller loses is read off the file: its requests that would come to what is down, fallbacks, optional branches and
//! what waits for some of several taken into account. That no work arrives is no loss, and a message is kept by its broker.
//! Steps of one request are taken to fail independently. `hoptax diagnose` runs it: of services that call each other the share that was
//! lost in the run replaces the one read off, and each sign gets what the runs showed of it.

mod change;
pub(super) mod data;
mod facts;
mod falls;
mod paths;
mod proof;
mod signs;
mod trial;

pub use change::{Cause, Change, change};
pub use facts::{Pair, Part};
pub use paths::{AVAILABLE, Path};
pub use proof::{Proof, prove};
pub use signs::{Evidence, Severity, Sign};
pub use trial::{Breaking, Ends, Rollout};

use std::collections::BTreeMap;

use serde::Serialize;

use self::facts::Facts;
use super::brief::Brief;
use super::coupling::Coupling;
use super::study::Head;
use crate::scenario::Checked;

/// From this bond on two services are one unit in fact.
pub const ONE: f64 = 0.5;

/// What was found.
#[derive(Clone, Debug, Serialize)]
pub struct Diagnosis {
    /// Who made it, of what, and how.
    #[serde(flatten)]
    pub head: Head,
    /// Whether its runs were interrupted: of what they show a part is missing.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub interrupted: bool,
    /// Where the file would have taken too long: how much of it was run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shortened: Option<Brief>,
    /// Replications of what was tried of a sign, where anything was: no more than the file has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trial_replications: Option<u32>,
    /// How many services there are.
    pub services: usize,
    /// How many these are in effect; `None` without any.
    pub n_eff: Option<f64>,
    /// Its interval, where losses were measured: with all of them at their ends at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n_eff_between: Option<(f64, f64)>,
    /// Services that are only ever called as functions, each with those in whose processes they run.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub built_in: BTreeMap<String, Vec<String>>,
    /// Parts that are missing for some pair or for all, for which `n_eff` is an upper bound.
    pub not_assessed: Vec<String>,
    /// Teams that own anything; `None`: not assessed.
    pub teams: Option<usize>,
    /// Services that are one in fact, those of several alone, the largest first.
    pub units: Vec<Vec<String>>,
    /// The five signs.
    pub signs: Vec<Sign>,
    /// What clients go through.
    pub paths: Vec<Path>,
    /// Pairs with any bond, the strongest first.
    pub pairs: Vec<Pair>,
    /// What a change did, where there is something to hold it against.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<Change>,
    /// Who falls when something falls, where that was simulated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coupling: Option<Coupling>,
}

impl Diagnosis {
    /// How many there are when what is one in fact counts as one: a merge of what is one already leaves it as it is.
    pub fn apart(&self) -> usize {
        self.services - self.units.iter().map(|unit| unit.len() - 1).sum::<usize>()
    }
}

/// Reads it off the file; nothing is simulated.
///
/// ```
/// use hoptax::experiment::diagnosis::diagnose;
/// use hoptax::experiment::study::{Options, load};
/// use hoptax::scenario::Source;
///
/// let text = r#"
/// version = 1
/// [clients.shoppers]
/// calls = "orders"
/// rate = "10/s"
/// [services.orders]
/// steps = [{ call = "users" }, { call = "stock", fallback = [] }]
/// [services.users]
/// [services.stock]
/// "#;
/// let found = diagnose(&load(&Source::text("shop", text), None, &Options::default()).unwrap());
/// // orders cannot do without users, but without stock: two units of three services, 9 ÷ (3 + 2).
/// assert!((found.n_eff.unwrap() - 1.8).abs() < 1e-9);
/// assert_eq!(found.units, [["orders", "users"]]);
/// ```
pub fn diagnose(checked: &Checked) -> Diagnosis {
    diagnosis(checked, &Facts::of(&checked.scenario, None))
}

/// By what is known.
fn diagnosis(checked: &Checked, facts: &Facts<'_>) -> Diagnosis {
    let pairs = facts.pairs();
    let units = facts.units(&pairs);
    let paths = paths::paths(&checked.scenario);
    let (n_eff, n_eff_between) = (facts.n_eff(&pairs), facts.n_eff_between(&pairs));
    let signs = signs::signs(checked, facts, (&pairs, n_eff), &units, &paths);
    let not_assessed = facts::missing(&pairs);
    let mut shown: Vec<Pair> = pairs.into_iter().filter(|pair| pair.bond > 0.0).collect();
    shown.sort_by(|a, b| b.bond.total_cmp(&a.bond).then_with(|| (&a.one, &a.other).cmp(&(&b.one, &b.other))));
    Diagnosis {
        head: Head::of(checked, "read off the file, not simulated"),
        services: facts.services.len(),
        n_eff,
        n_eff_between,
        built_in: facts.built_in(),
        not_assessed,
        teams: facts.teams().map(|teams| teams.len()),
        units,
        signs,
        paths,
        pairs: shown,
        interrupted: false,
        shortened: None,
        trial_replications: None,
        change: None,
        coupling: None,
    }
}

#[cfg(test)]
mod tests;

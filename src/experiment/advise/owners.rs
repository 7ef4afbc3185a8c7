//! Who owns what of a database that several services use.

use std::collections::{BTreeMap, BTreeSet};

use crate::experiment::diagnosis::data::{Used, tables};
use crate::experiment::summary::Summary;
use crate::graph::Arrow;
use crate::scenario::Hosts;
use crate::scenario::edit::Owners;
use crate::scenario::written::Scenario;

/// Whether it can be taken apart.
pub(super) enum Owned {
    /// One service alone uses it.
    Alone,
    /// Several do, and each table has one writer; and what is lost by that.
    Shared(Owners, Vec<String>),
    /// Several do, and who owns what is to be decided first.
    Undecided(String),
}

/// Who owns what: the only writer of a table.
pub(super) fn owned(scenario: &Scenario, summary: Option<&Summary>, database: &str) -> Owned {
    let all = tables(scenario);
    let own: BTreeMap<&str, &Used> =
        all.iter().filter(|((of, _), _)| of == database).map(|((_, table), used)| (table.as_str(), used)).collect();
    let users: BTreeSet<&str> = own.values().flat_map(|used| used.all()).collect();
    let hosts = Hosts::of(scenario);
    let processes: BTreeSet<&str> = users.iter().flat_map(|name| hosts.around(name)).collect();
    if processes.len() < 2 {
        return Owned::Alone;
    }
    if let Some(part) = users.iter().find(|name| hosts.is_inside(name)) {
        let whole = hosts.around(part).join(", ");
        return Owned::Undecided(format!(
            "`{database}` is not taken apart: `{part}`, which uses it, is a part of {whole}"
        ));
    }
    let named = || own.iter().filter(|(table, _)| !table.is_empty());
    if let Some((table, used)) = named().find(|(_, used)| used.writers.len() > 1) {
        let writers: Vec<&str> = used.writers.keys().map(String::as_str).collect();
        let writers = writers.join(", ");
        return Owned::Undecided(format!(
            "`{database}` cannot be taken apart: {writers} all write `{table}`; decide who owns it first"
        ));
    }
    let mut owners = Owners { shares: shares(scenario, summary, database, &users), ..Owners::default() };
    let mut notes = Vec::new();
    for (table, used) in named() {
        let Some(owner) = used.writers.keys().next() else { continue };
        let others: Vec<String> = used.readers.keys().filter(|reader| *reader != owner).cloned().collect();
        if !others.is_empty() {
            let readers = others.join(", ");
            notes.push(format!(
                "{readers} read `{table}` of `{owner}` from a copy that its events keep: as old as these are"
            ));
            owners.read_by_others.insert((*table).to_owned(), (owner.clone(), others));
        }
    }
    if let Some(untold) = own.get("") {
        let names: Vec<&str> = untold.all().into_iter().collect();
        notes.push(format!("{}: which table is asked is not said; taken for their own", names.join(", ")));
    }
    let shares: Vec<String> = owners.shares.iter().map(|(user, share)| format!("{user} {share}")).collect();
    notes.push(format!(
        "of its workers, by how often each asks: {}; what one has to spare helps no other",
        shares.join(", ")
    ));
    Owned::Shared(owners, notes)
}

/// The workers of a database, by the load of each of its users; one each at least.
fn shares(
    scenario: &Scenario,
    summary: Option<&Summary>,
    database: &str,
    users: &BTreeSet<&str>,
) -> BTreeMap<String, u32> {
    let workers = scenario.nodes.get(database).and_then(|node| node.concurrency.value).unwrap_or(WORKERS);
    let load = |user: &str| {
        let edge = Arrow { from: user, to: database }.to_string();
        summary.and_then(|summary| summary.edges.get(&edge)).map_or(0.0, |stats| stats.arrived as f64)
    };
    let total: f64 = users.iter().map(|user| load(user)).sum();
    let spare = workers.saturating_sub(users.len() as u32);
    let part = |user: &str| if total > 0.0 { load(user) / total } else { 1.0 / users.len() as f64 };
    let share = |user: &str| 1 + (f64::from(spare) * part(user)).round() as u32;
    users.iter().map(|user| ((*user).to_owned(), share(user))).collect()
}

/// As many as a database without a limit is given to be shared.
const WORKERS: u32 = 100;

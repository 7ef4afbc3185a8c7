//! The signs shown rather than read off: everything down in turn (the study of `coupling`, run once), and what is released
//! together rolled out.

use std::collections::BTreeSet;

use serde::Serialize;

use super::Diagnosis;
use super::facts::Facts;
use super::signs::breaking;
use super::trial::{Bench, Breaking, Ends, Locked};
use crate::experiment::brief::Brief;
use crate::experiment::compare::Difference;
use crate::experiment::coupling::{self, Coupling, Kind, Shelf, Wanted, targets};
use crate::experiment::run::Watch;
use crate::experiment::study::{Head, Stretch, Trouble};
use crate::experiment::summary::Estimate;
use crate::graph::Arrow;
use crate::scenario::written::{NodeKind, Scenario};
use crate::scenario::{Checked, Link, Topology};

/// What a run showed of a sign.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// A node was down: the share of all clients' traffic that is lost meanwhile.
    Down {
        /// The node.
        node: String,
        /// The share.
        lost: Estimate,
    },
    /// Calls from one service to another were refused: the share of the caller's requests that cross there and are lost.
    Refused {
        /// The edge, as `orders -> users`.
        edge: String,
        /// The share.
        lost: Estimate,
    },
    /// A node was slower: how much of that comes through to a client's p99, and by what factor a promise breaks.
    Slower {
        /// The node.
        node: String,
        /// The client.
        client: String,
        /// Coupling in slowness, see `coupling`.
        epsilon: Estimate,
        /// The slow-down at which the first promise of the client's breaks.
        breaks_at: Option<f64>,
        /// Between which two that is for certain.
        #[serde(skip_serializing_if = "Option::is_none")]
        breaks_between: Option<Ends>,
    },
    /// A node was ten times slower.
    TenTimes {
        /// The node.
        node: String,
        /// The client.
        client: String,
        /// Its p99 over all that arrive, before and with it, ms; nothing where more than a hundredth is never served.
        p99_ms: [Option<f64>; 2],
        /// Between which ends each of these is known.
        p99_between_ms: [Option<Ends>; 2],
        /// The share of its requests that is served, before and with it.
        served: [Option<f64>; 2],
        /// Between which ends each of these is known.
        served_between: [Option<Ends>; 2],
    },
    /// A client's requests were taken away: how much slower others are with them, on a database that both need.
    Beside {
        /// The database.
        database: String,
        /// Whose requests.
        client: String,
        /// Who is slower.
        other: String,
        /// Its p99 without them, and with them, as the file has it.
        p99_ms: Box<Difference>,
    },
    /// A migration had a table for itself.
    Locked {
        /// The table, as `db.orders`.
        table: String,
        /// How long, s.
        held_s: f64,
        /// How long all requests together would have had to fail, s.
        lost_s: f64,
        /// Between which ends that is known.
        lost_between_s: Option<Ends>,
        /// The client whose p99 grew most.
        client: String,
        /// Its p99, before and with it, ms.
        p99_ms: [Option<f64>; 2],
        /// Between which ends each of these is known.
        p99_between_ms: [Option<Ends>; 2],
    },
    /// A library with rules of the business was released.
    Library {
        /// Which.
        library: String,
        /// Services that have it.
        services: Vec<String>,
        /// How long all requests together would have had to fail while one of them is rolled out, and all, s.
        lost_s: [f64; 2],
        /// Between which ends each of these is known.
        lost_between_s: [Option<Ends>; 2],
    },
    /// A release that changes what a service says, which others of the same release call.
    Breaking(Breaking),
    /// Services were rolled out in the middle of the run.
    Release {
        /// Which.
        services: Vec<String>,
        /// Share of all requests served when the first of them is rolled out alone.
        alone: Estimate,
        /// The same with all of them at the same time.
        together: Estimate,
    },
}

/// Shows the signs by runs. The matrix of `coupling` is handed back with the diagnosis; an interruption leaves what is finished,
/// what is read off the file at least, and says that it is not all. A file that runs long is run shorter ([`Brief`]).
pub fn prove(
    checked: &Checked,
    jobs: Option<usize>,
    watch: &dyn Watch,
    shelf: &dyn Shelf,
) -> Result<(Diagnosis, bool), Trouble> {
    let brief = Brief::of(checked, 0.0, runs(checked)?);
    let short = brief.map(|brief| brief.calm(checked)).transpose()?;
    let (run, wanted) = (short.as_ref().unwrap_or(checked), Wanted { slow: true, ..Wanted::default() });
    let matrix = Stretch { whole: watch, from: 0.0, to: MATRIX };
    let study = match coupling::study(run, &wanted, jobs, &matrix, shelf) {
        Err(Trouble::Interrupted) => return Ok((Diagnosis { shortened: brief, ..super::diagnose(checked) }, false)),
        study => study?,
    };
    let mut lost = lost_by_edge(&checked.scenario, &study.coupling);
    lost.extend(lost_at_entries(&checked.scenario, &study.coupling));
    let facts = Facts::measured(&checked.scenario, &lost);
    let mut found = super::diagnosis(checked, &facts);
    found.head = Head { scenario: found.head.scenario, ..Head::of(run, &study.coupling.run.note) };
    found.shortened = brief;
    found.signs[1].proofs = shared(&facts, &study.coupling);
    found.signs[2].proofs = chained(&found, &study.coupling);
    found.signs[4].not_simulated = Some("who owns what changes nothing in a run".into());
    found.coupling = Some(study.coupling);
    let room = OF_TRIALS * runs(checked)?;
    let tried = match Bench::of(run, jobs, room, &Stretch { whole: watch, from: MATRIX, to: 1.0 }) {
        Ok(bench) => {
            found.trial_replications = Some(bench.replications());
            tried(&mut found, &facts, &bench)
        }
        Err(trouble) => Err(trouble),
    };
    match tried {
        Ok(()) => Ok((found, study.whole)),
        Err(Trouble::Interrupted) => Ok((found, false)),
        Err(trouble) => Err(trouble),
    }
}

/// The matrix takes about so much of all the time.
const MATRIX: f64 = 0.85;

/// Runs of all replications that the matrix takes, roughly: of each of its outages the part from there on, and of each slower
/// node one, or some until a promise breaks.
fn runs(checked: &Checked) -> Result<f64, Trouble> {
    let outages = targets(checked, &[], false).map_err(Trouble::Absent)?.len() as f64;
    let slower =
        checked.scenario.nodes.len() as f64 * if checked.scenario.slos.is_empty() { 1.0 } else { UNTIL_IT_BREAKS };
    Ok((AFTER * outages + slower) / MATRIX)
}

/// Trials may take so much of the runs that the matrix is thought to take: many of these are not made, because nothing could
/// differ. Of the gallery's thirty services (all signs, 3 replications) 2 replications of each trial are 1.19 times the matrix.
const OF_TRIALS: f64 = 0.05;

/// An outage begins when so much of a run is to come.
const AFTER: f64 = 0.7;

/// A node is slowed down so often, on average, until it is known when a promise breaks.
const UNTIL_IT_BREAKS: f64 = 5.0;

/// Of so many shared databases it is tried who slows whom down there, those of most services first: each takes some runs.
const DATABASES: usize = 2;

/// What takes a run of its own, sign by sign.
fn tried(found: &mut Diagnosis, facts: &Facts<'_>, bench: &Bench<'_>) -> Result<(), Trouble> {
    let released_together = facts.releases().into_iter().max_by_key(Vec::len);
    // Who says nothing of releases may have one in the file that takes others with it.
    let broken = || {
        let all = breaking(facts.scenario).into_iter().filter(|broken| !broken.apart.is_empty());
        all.max_by_key(|broken| broken.apart.len())
            .map(|broken| std::iter::once(broken.callee).chain(broken.apart).collect())
    };
    if let Some(release) = released_together.or_else(broken) {
        let proof = match bench.breaking(&release)? {
            Some(breaking) => Proof::Breaking(breaking),
            None => released(bench, &release)?,
        };
        found.signs[0].proofs.push(proof);
    }
    for database in facts.shared_databases().into_iter().take(DATABASES) {
        if let Some((client, other, p99_ms)) = bench.beside(database, &found.paths)? {
            let (database, p99_ms) = (database.to_owned(), Box::new(p99_ms));
            found.signs[1].proofs.push(Proof::Beside { database, client, other, p99_ms });
        }
    }
    let shared = facts.tables.iter().filter(|((_, table), used)| !table.is_empty() && used.is_shared());
    if let Some(((database, table), _)) = shared.max_by_key(|(_, used)| used.all().len())
        && let Some(Locked { held_s, lost_s, client, p99_ms }) = bench.locked(database, table)?
    {
        found.signs[1].proofs.push(Proof::Locked {
            table: format!("{database}.{table}"),
            held_s,
            lost_s: lost_s.value.unwrap_or(0.0),
            lost_between_s: lost_s.ends(),
            client,
            p99_ms: p99_ms.map(|e| e.value),
            p99_between_ms: p99_ms.map(Estimate::ends),
        });
    }
    if let Some(path) = found.paths.iter().max_by_key(|path| path.longest.len())
        && let (Some(node), client) = (path.longest.last().filter(|_| path.longest.len() > 1), &path.client)
    {
        let (p99_ms, served) = bench.slower(node, client)?;
        found.signs[2].proofs.push(Proof::TenTimes {
            node: node.clone(),
            client: client.clone(),
            p99_ms: p99_ms.map(|e| e.value),
            p99_between_ms: p99_ms.map(Estimate::ends),
            served: served.map(|e| e.value),
            served_between: served.map(Estimate::ends),
        });
    }
    if let Some((library, services)) = Bench::library(facts) {
        let names: Vec<&str> = services.iter().map(String::as_str).collect();
        let rolled = bench.rolled(&names)?;
        let (lost_s, lost_between_s) = (rolled.map(|one| one.lost_s), rolled.map(|one| one.lost_between_s));
        found.signs[3].proofs.push(Proof::Library { library, services, lost_s, lost_between_s });
    }
    Ok(())
}

/// By caller and callee: the share of what the caller receives that is lost while the calls are refused. That is what it loses
/// while the callee is down only where it does not come to it by others, too; then what is read off the file stays. Requests that
/// never came, because somebody above gave up sending them, are none.
fn lost_by_edge(scenario: &Scenario, coupling: &Coupling) -> Vec<(String, String, Estimate)> {
    let links = Topology::of(scenario).links;
    let edges = coupling.columns.iter().filter(|column| column.target.kind == Kind::Edge && !column.target.hangs);
    let share = |column: &coupling::Column| {
        let (arrow, index) = (Arrow::of(&column.target.name)?, column.index?);
        if comes_by_others(&links, arrow.from, arrow.to) {
            return None;
        }
        let [crossing, beside, absent] = [index.crossing, index.beside, index.absent].map(|count| count as f64);
        let came = crossing + beside - absent;
        let all = |of: fn(&Estimate) -> Option<f64>| {
            let lost = of(&index.lost)? * crossing - absent + of(&index.spill_over).unwrap_or(0.0) * beside;
            (came > 0.0).then(|| (lost / came).clamp(0.0, 1.0))
        };
        let lost = Estimate { low: all(|e| e.low), high: all(|e| e.high), ..Estimate::point(all(|e| e.value)?) };
        Some((arrow.from.to_owned(), arrow.to.to_owned(), lost))
    };
    edges.filter_map(share).collect()
}

/// Of services that get all that their clients send, and nothing else, what they lose is what these lose: whatever is down, however
/// far away.
fn lost_at_entries(scenario: &Scenario, coupling: &Coupling) -> Vec<(String, String, Estimate)> {
    let mut all = Vec::new();
    for (name, clients) in entries(scenario) {
        let down = coupling.columns.iter().filter(|column| column.target.kind == Kind::Node && !column.target.hangs);
        for column in down.filter(|column| column.target.name != name) {
            let cells: Vec<_> = clients.iter().filter_map(|client| column.clients.get(*client)).collect();
            let served: u64 = cells.iter().map(|cell| cell.served).sum();
            let sum = |of: fn(&Estimate) -> Option<f64>| -> Option<f64> {
                let lost: Option<f64> = cells.iter().map(|cell| Some(of(&cell.lost)? * cell.served as f64)).sum();
                lost.map(|lost| lost / served as f64)
            };
            // What nothing leads to loses nothing by it, and the file says so.
            if served > 0
                && let Some(value) = sum(|e| e.value)
            {
                let lost = Estimate { low: sum(|e| e.low), high: sum(|e| e.high), ..Estimate::point(value) };
                all.push((name.to_owned(), column.target.name.clone(), lost));
            }
        }
    }
    all
}

/// Services that clients alone ask, each with these, who ask nobody else.
fn entries(scenario: &Scenario) -> Vec<(&str, Vec<&str>)> {
    let called: BTreeSet<&str> = Topology::of(scenario)
        .links
        .iter()
        .filter(|link| scenario.nodes.contains_key(&link.from))
        .filter_map(|link| scenario.nodes.get_key_value(&link.to).map(|(name, _)| name.as_str()))
        .collect();
    let own = |name: &&String| !called.contains(name.as_str()) && scenario.nodes[*name].consumes.is_empty();
    let of = |name: &'_ String| {
        let asks = |client: &&crate::scenario::written::Client| {
            client.calls.iter().any(|call| call.target.value.node == *name)
        };
        let clients = scenario.clients.values().filter(asks);
        let alone = clients.clone().all(|client| client.calls.iter().all(|call| call.target.value.node == *name));
        alone.then(|| clients.map(|client| client.name.value.as_str()).collect::<Vec<_>>())
    };
    let services = scenario.nodes.iter().filter(|(_, node)| node.kind == NodeKind::Service).map(|(name, _)| name);
    services.filter(own).filter_map(|name| Some((name.as_str(), of(name)?))).filter(|(_, c)| !c.is_empty()).collect()
}

/// Whether calls lead from one to the other besides those from the one itself.
fn comes_by_others(links: &[Link], from: &str, to: &str) -> bool {
    let (mut seen, mut open) = (BTreeSet::from([from]), vec![from]);
    while let Some(at) = open.pop() {
        for link in links.iter().filter(|link| !link.message && link.from == at) {
            if link.to == to && at != from {
                return true;
            }
            if link.to != to && seen.insert(&link.to) {
                open.push(&link.to);
            }
        }
    }
    false
}

/// What several services keep their data in, down.
fn shared(facts: &Facts<'_>, coupling: &Coupling) -> Vec<Proof> {
    let databases = facts.shared_databases();
    let down = coupling.columns.iter().filter(|column| column.target.kind == Kind::Node);
    let of = down.filter(|column| databases.iter().any(|database| *database == column.target.name));
    of.map(|column| Proof::Down { node: column.target.name.clone(), lost: column.blast }).collect()
}

/// The calls of the longest chain refused, and its last node slower.
fn chained(found: &Diagnosis, coupling: &Coupling) -> Vec<Proof> {
    let Some(path) = found.paths.iter().max_by_key(|path| path.longest.len()) else { return Vec::new() };
    let mut all = Vec::new();
    for pair in path.longest.windows(2) {
        let name = Arrow { from: &pair[0], to: &pair[1] }.to_string();
        let column = coupling.columns.iter().find(|column| column.target.name == name && !column.target.hangs);
        if let Some(index) = column.and_then(|column| column.index) {
            all.push(Proof::Refused { edge: name, lost: index.lost });
        }
    }
    let last = path.longest.last();
    let slow = coupling.slowness.iter().find(|slow| Some(&slow.node) == last);
    if let Some((slow, slowed)) = slow.and_then(|slow| Some((slow, slow.clients.get(&path.client)?))) {
        let breaks = slowed.breaks_at.values().map(|breaks| breaks.factor).filter(|factor| factor.value.is_some());
        let first = breaks.min_by(|a, b| a.value.unwrap_or(0.0).total_cmp(&b.value.unwrap_or(0.0)));
        let (breaks_at, breaks_between) = first.map_or((None, None), |factor| (factor.value, factor.ends()));
        let (node, client) = (slow.node.clone(), path.client.clone());
        all.push(Proof::Slower { node, client, epsilon: slowed.epsilon, breaks_at, breaks_between });
    }
    all
}

/// The first of a release rolled out alone, and all of it at the same time, under the same draws.
fn released(bench: &Bench<'_>, release: &[&str]) -> Result<Proof, Trouble> {
    let [alone, together] = bench.rolled(release)?.map(|rollout| bench.served(&rollout));
    Ok(Proof::Release { services: release.iter().map(|name| (*name).to_owned()).collect(), alone, together })
}

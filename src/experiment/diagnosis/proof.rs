//! The signs shown rather than read off: everything down in turn (the study of `coupling`, run once), and what is released
//! together rolled out.

use serde::Serialize;

use super::Diagnosis;
use super::facts::Facts;
use crate::experiment::coupling::{self, Coupling, Kind, Shelf, Wanted};
use crate::experiment::run::{Watch, run};
use crate::experiment::study::Trouble;
use crate::experiment::summary::Estimate;
use crate::graph::Arrow;
use crate::scenario::edit::with_tables;
use crate::scenario::{self, Checked};

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
    },
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
/// and says that it is not all.
pub fn prove(
    checked: &Checked,
    jobs: Option<usize>,
    watch: &dyn Watch,
    shelf: &dyn Shelf,
) -> Result<(Diagnosis, bool), Trouble> {
    let wanted = Wanted { slow: true, ..Wanted::default() };
    let study = coupling::study(checked, &wanted, jobs, watch, shelf)?;
    let facts = Facts::measured(&checked.scenario, &lost_by_edge(&study.coupling));
    let mut found = super::diagnosis(checked, &facts);
    found.note.clone_from(&study.coupling.run.note);
    if let Some(release) = facts.releases().into_iter().max_by_key(Vec::len) {
        found.signs[0].proofs.push(released(checked, &release, jobs, watch)?);
    }
    found.signs[1].proofs = shared(&facts, &study.coupling);
    found.signs[2].proofs = chained(&found, &study.coupling);
    found.coupling = Some(study.coupling);
    Ok((found, study.whole))
}

/// By caller and callee: the share of what the caller receives that is lost while the calls are refused.
fn lost_by_edge(coupling: &Coupling) -> Vec<(String, String, f64)> {
    let edges = coupling.columns.iter().filter(|column| column.target.kind == Kind::Edge && !column.target.hangs);
    let share = |column: &coupling::Column| {
        let (arrow, index) = (Arrow::of(&column.target.name)?, column.index?);
        let beside = index.spill_over.value.unwrap_or(0.0) * index.beside as f64;
        let lost = index.lost.value? * index.crossing as f64 + beside;
        let all = (index.crossing + index.beside) as f64;
        Some((arrow.from.to_owned(), arrow.to.to_owned(), lost / all))
    };
    edges.filter_map(share).collect()
}

/// What several services keep their data in, down.
fn shared(facts: &Facts<'_>, coupling: &Coupling) -> Vec<Proof> {
    let databases = facts.shared_databases();
    let down = coupling.columns.iter().filter(|column| column.target.kind == Kind::Node);
    let of = down.filter(|column| databases.contains(&column.target.name.as_str()));
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
        let breaks_at = slowed.breaks_at.values().filter_map(|breaks| breaks.factor.value).reduce(f64::min);
        let (node, client) = (slow.node.clone(), path.client.clone());
        all.push(Proof::Slower { node, client, epsilon: slowed.epsilon, breaks_at });
    }
    all
}

/// The first of a release rolled out alone, and all of it at the same time, under the same draws.
fn released(checked: &Checked, release: &[&str], jobs: Option<usize>, watch: &dyn Watch) -> Result<Proof, Trouble> {
    let window = coupling::Window::of(checked.scenario.sim.duration.value.as_secs_f64());
    let [at, length] = [window.at_s, window.for_s].map(|s| format!("{}ns", (s * 1e9).round()));
    let served = |services: &[&str]| -> Result<Estimate, Trouble> {
        let deploy = |service: &&str| {
            vec![
                ("name", format!("release of {service}")),
                ("kind", "deploy".into()),
                ("target", (*service).to_owned()),
                ("at", at.clone()),
                ("duration", length.clone()),
            ]
        };
        let tables: Vec<_> = services.iter().map(deploy).collect();
        let summary = run(&scenario::load(&with_tables(&checked.source, "faults", &tables), &[])?, jobs, watch)?;
        let [arrived, succeeded] = summary
            .clients
            .values()
            .fold([0, 0], |[arrived, good], stats| [arrived + stats.arrived, good + stats.succeeded]);
        // Of several clients together there is no interval.
        let only = summary.clients.values().next().filter(|_| summary.clients.len() == 1).map(|s| s.success_rate);
        Ok(only.unwrap_or_else(|| Estimate::point(succeeded as f64 / (arrived as f64).max(1.0))))
    };
    let (alone, together) = (served(&release[..1])?, served(release)?);
    Ok(Proof::Release { services: release.iter().map(|name| (*name).to_owned()).collect(), alone, together })
}

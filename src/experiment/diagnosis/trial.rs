//! A sign tried: the file run once more with one thing changed, beside the file without its faults, under the same draws. These
//! runs are few, and of fewer replications where the matrix of a small file takes no longer than they do: they show that something
//! happens and how much of it, not the last digit.

use std::cell::Cell;
use std::fmt::Write as _;

use serde::Serialize;

use super::data::tables;
use super::facts::Facts;
use super::paths::Path;
use crate::diag::Source;
use crate::experiment::compare::{Difference, compare};
use crate::experiment::coupling::Window;
use crate::experiment::estimate::CONFIDENCE;
use crate::experiment::run::{Watch, run};
use crate::experiment::study::{Part, Trouble};
use crate::experiment::summary::{Estimate, Stats, Summary};
use crate::scenario::edit::{bound, grown, struck};
use crate::scenario::written::{Fault, FaultKind, Holds};
use crate::scenario::{self, Checked, callers_of};
use crate::stats::ratio;
use crate::units::Span;

/// No fewer replications than this are run of a trial.
const FEW: u32 = 2;

/// Clients that are taken away in turn.
const CLIENTS: usize = 3;

/// How many times slower a node is.
const SLOWER: f64 = 10.0;

/// A stretch is disturbed that serves so much less than without.
const DISTURBED: f64 = 0.01;

/// What a release does to the clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Rollout {
    /// How long all requests together would have had to fail, s: the share that does × the measured time.
    pub lost_s: f64,
    /// Between which ends that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lost_between_s: Option<Ends>,
    /// From the first to the last stretch of the measured time with failures that are not there without, s.
    pub failing_s: f64,
    /// Whether that is the end of the run.
    pub to_the_end: bool,
}

/// A release that changes what a service says.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Breaking {
    /// Whose contract changes.
    pub callee: String,
    /// Who calls it, over a transport that no build looks at.
    pub callers: Vec<String>,
    /// How long a rollout takes, s.
    pub rollout_s: f64,
    /// Of the callee alone.
    pub alone: Rollout,
    /// Of callee and callers at the same time.
    pub lockstep: Rollout,
    /// Of the callee alone, where old and new understand each other.
    pub compatible: Rollout,
}

/// The file, its figures without faults, and who watches.
pub(super) struct Bench<'b> {
    checked: Checked,
    base: Summary,
    jobs: Option<usize>,
    watch: &'b dyn Watch,
    /// Runs that have been begun.
    begun: Cell<usize>,
}

/// About so many runs are made of a file that has all signs.
const RUNS: usize = 14;

/// The two ends of an interval.
pub type Ends = (f64, f64);

/// The share of all requests that is lost beyond what is lost without, replication by replication under the same draws.
fn lost(base: &Summary, other: &Summary) -> Estimate {
    let (mut all, mut lost) = (0.0, 0.0);
    let mut parts: Vec<(f64, f64)> = Vec::new();
    for (name, before) in &base.clients {
        let Some(after) = other.clients.get(name) else { continue };
        let rate = |stats: &Stats| stats.success_rate.value;
        let Some((was, is)) = rate(before).zip(rate(after)) else { continue };
        all += before.arrived as f64;
        lost += before.arrived as f64 * (was - is);
        parts.resize(parts.len().max(before.each.len()), (0.0, 0.0));
        for (part, (before, after)) in parts.iter_mut().zip(before.each.iter().zip(&after.each)) {
            let arrived = before.arrived as f64;
            part.0 += before.succeeded as f64 - arrived * after.succeeded as f64 / after.arrived.max(1) as f64;
            part.1 += arrived;
        }
    }
    let value = if all > 0.0 { (lost / all).max(0.0) } else { 0.0 };
    let half = ratio(&parts, CONFIDENCE).half_width().unwrap_or(f64::NAN);
    Estimate::around(value, half).clamped(0.0, 1.0)
}

impl<'b> Bench<'b> {
    /// The file without its faults, run once; with so many replications that all trials take about as long as so many runs of all.
    pub(super) fn of(checked: &Checked, jobs: Option<usize>, room: f64, watch: &'b dyn Watch) -> Result<Self, Trouble> {
        let mut checked = struck(checked, Vec::new());
        let all = checked.scenario.sim.replications.value;
        let few = (room * f64::from(all) / RUNS as f64) as u32;
        checked.scenario.sim.replications.value = few.clamp(FEW.min(all), all);
        let base = whole(run(&checked, jobs, &Part { whole: watch, at: 0, of: RUNS })?)?;
        Ok(Self { checked, base, jobs, watch, begun: Cell::new(1) })
    }

    /// Replications of each trial.
    pub(super) fn replications(&self) -> u32 {
        self.checked.scenario.sim.replications.value
    }

    fn duration_s(&self) -> f64 {
        self.checked.scenario.sim.duration.value.as_secs_f64()
    }

    fn run(&self, other: &Checked) -> Result<Summary, Trouble> {
        let at = self.begun.replace(self.begun.get() + 1).min(RUNS - 1);
        whole(run(other, self.jobs, &Part { whole: self.watch, at, of: RUNS })?)
    }

    /// With some faults.
    fn with(&self, faults: Vec<Fault>) -> Result<Summary, Trouble> {
        self.run(&struck(&self.checked, faults))
    }

    /// Services rolled out at the same time, from a third of the measured time on.
    fn deploys(&self, services: &[&str], breaking: Option<&str>) -> Vec<Fault> {
        let window = Window::of(self.duration_s());
        let [at, length] = [window.at_s, window.for_s].map(Span::from_secs_f64);
        let deploy = |name: &&str| {
            let mut fault = Fault::once(FaultKind::Deploy, name, at, Some(length));
            fault.breaking.value = breaking == Some(*name);
            fault
        };
        services.iter().map(deploy).collect()
    }

    fn rollout(&self, faults: Vec<Fault>) -> Result<Rollout, Trouble> {
        let summary = self.with(faults)?;
        let lost = lost(&self.base, &summary).scaled(self.duration_s());
        let (lost_s, lost_between_s) = (lost.value.unwrap_or(0.0), lost.ends());
        let lost_only = Rollout { lost_s, lost_between_s, ..Rollout::default() };
        let Some(timeline) = &summary.timeline else { return Ok(lost_only) };
        let mut failing = Vec::new();
        for (name, course) in &timeline.clients {
            let before = self.base.clients.get(name).and_then(|stats| stats.success_rate.value).unwrap_or(1.0);
            let fails = |(at, share): (usize, &Option<f64>)| share.filter(|s| *s < before - DISTURBED).map(|_| at);
            failing.extend(course.success_rate.iter().enumerate().filter_map(fails));
        }
        let stretches = timeline.clients.values().map(|course| course.success_rate.len()).max().unwrap_or(0);
        let (first, last) = (failing.iter().min().copied(), failing.iter().max().copied());
        let failing_s = first.zip(last).map_or(0.0, |(first, last)| (last + 1 - first) as f64 * timeline.width_s);
        Ok(Rollout { failing_s, to_the_end: last.is_some_and(|last| last + 1 == stretches), ..lost_only })
    }

    /// Of services that are released together: one that others of them call changes what it says.
    pub(super) fn breaking(&self, release: &[&str]) -> Result<Option<Breaking>, Trouble> {
        let within = |callee: &&&str| -> Vec<String> {
            let (all, built) = callers_of(&self.checked.scenario, callee);
            let apart = all.difference(&built).filter(|caller| release.contains(caller));
            apart.map(|caller| (*caller).to_owned()).collect()
        };
        let Some(callee) = release.iter().max_by_key(|callee| (within(callee).len(), std::cmp::Reverse(**callee)))
        else {
            return Ok(None);
        };
        let callers = within(&callee);
        if callers.is_empty() {
            return Ok(None);
        }
        let together: Vec<&str> = std::iter::once(*callee).chain(callers.iter().map(String::as_str)).collect();
        Ok(Some(Breaking {
            callee: (*callee).to_owned(),
            rollout_s: Window::of(self.duration_s()).for_s,
            alone: self.rollout(self.deploys(&[*callee], Some(callee)))?,
            lockstep: self.rollout(self.deploys(&together, Some(callee)))?,
            compatible: self.rollout(self.deploys(&[*callee], None))?,
            callers,
        }))
    }

    /// The share of all requests that is lost while some services are rolled out, one alone and all at the same time, as
    /// seconds' worth of them.
    pub(super) fn rolled(&self, services: &[&str]) -> Result<[Rollout; 2], Trouble> {
        let alone = self.rollout(self.deploys(&services[..1], None))?;
        let together = self.rollout(self.deploys(services, None))?;
        Ok([alone, together])
    }

    /// The share of all requests that is served, where so much is lost beyond what is lost anyway.
    pub(super) fn served(&self, rollout: &Rollout) -> Estimate {
        let clients = || self.base.clients.values();
        let arrived: f64 = clients().map(|stats| stats.arrived as f64).sum();
        let good: f64 = clients().map(|stats| stats.succeeded as f64).sum();
        let left = |lost_s: f64| (good / arrived.max(1.0) - lost_s / self.duration_s()).max(0.0);
        let ends = rollout.lost_between_s.map(|(low, high)| (left(high), left(low)));
        Estimate { low: ends.map(|e| e.0), high: ends.map(|e| e.1), ..Estimate::point(left(rollout.lost_s)) }
    }

    /// The client without which another is quickest, of those whose requests meet in a database: who slows whom down.
    pub(super) fn beside(
        &self,
        database: &str,
        paths: &[Path],
    ) -> Result<Option<(String, String, Difference)>, Trouble> {
        let needs = |path: &&Path| path.needs.iter().any(|(node, _)| node == database);
        let mut users: Vec<&Path> = paths.iter().filter(needs).collect();
        users.sort_by(|a, b| b.queries.total_cmp(&a.queries).then_with(|| a.client.cmp(&b.client)));
        let open = |client: &str| bound(&self.checked.scenario.clients[client].load).is_none();
        let mut worst: Option<(String, String, Difference)> = None;
        if users.len() < 2 {
            return Ok(None);
        }
        for path in users.iter().filter(|path| open(&path.client)).take(CLIENTS) {
            let without = self.run(&grown(&self.checked, std::slice::from_ref(&path.client), NOBODY))?;
            let mut comparison = compare(&without, std::slice::from_ref(&self.base), Vec::new(), Vec::new());
            let Some(versus) = comparison.others.pop() else { continue };
            for (other, figures) in versus.clients {
                let met = other != path.client && users.iter().any(|user| user.client == other);
                let slower = figures.p99_ms.relative.filter(|_| met && figures.p99_ms.is_significant());
                let before = worst.as_ref().and_then(|(.., worst)| worst.relative).unwrap_or(WORTH);
                if slower.is_some_and(|slower| slower > before) {
                    worst = Some((path.client.clone(), other, figures.p99_ms));
                }
            }
        }
        Ok(worst)
    }

    /// A migration that has a table for itself: what is lost by it, in seconds' worth of all requests, and whose p99 becomes what.
    pub(super) fn locked(&self, database: &str, table: &str) -> Result<Option<Locked>, Trouble> {
        let window = Window::of(self.duration_s());
        let text = self.migration(database, table, window);
        let Ok(mut other) = scenario::load(&text, &[]) else { return Ok(None) };
        other.scenario.faults = Vec::new();
        other.scenario.sim = self.checked.scenario.sim.clone();
        let summary = self.run(&Checked { ceiling: self.checked.ceiling, ..other })?;
        let lost_s = lost(&self.base, &summary).scaled(self.duration_s());
        Ok(self.slowest(&summary).map(|(client, p99_ms)| Locked { held_s: window.for_s, lost_s, client, p99_ms }))
    }

    /// The file with a service that changes a table, once.
    fn migration(&self, database: &str, table: &str, window: Window) -> Source {
        let described = &self.checked.scenario.nodes[database].tables;
        // Where a database describes its tables it describes all, so all that are named become described.
        let named = tables(&self.checked.scenario).into_keys().filter(|(of, name)| of == database && !name.is_empty());
        let mut tables = String::new();
        if !described.contains_key(table) {
            for (_, name) in named {
                let _ = writeln!(tables, "[databases.{database}.tables.{name}]\nwriters = 1000");
            }
        }
        let warmup = self.checked.scenario.sim.warmup.value.span().as_secs_f64();
        let text = format!(
            "{}\n{tables}[clients.{MIGRATION}-runs]\ncalls = \"{MIGRATION}\"\narrivals = \"constant\"\n\
             phases = [{{ duration = \"{:.0}ms\", rate = \"{:.9}/s\" }}, {{ duration = \"1s\", rate = \"0.000001/s\" }}]\n\
             [services.{MIGRATION}]\nsteps = [{{ transaction = \"{database}\", steps = [{{ query = \"{database}\", table = \"{table}\", \
             mode = \"exclusive\" }}, {{ wait = \"{:.0}ms\" }}] }}]\n",
            scenario::edit::without(&self.checked.source, "variants").text,
            (window.at_s + 0.001) * 1e3,
            1.0 / (warmup + window.at_s),
            window.for_s * 1e3,
        );
        Source { text, ..self.checked.source.clone() }
    }

    /// The client whose p99 grows most, and what it was.
    fn slowest(&self, other: &Summary) -> Option<(String, Both)> {
        let p99 = |summary: &Summary, name: &str| {
            summary.clients.get(name).map_or(Estimate::NONE, |stats| stats.latency_arrived_ms.p99)
        };
        let growth = |name: &&String| {
            let (before, after) = (p99(&self.base, name).value, p99(other, name).value);
            after.unwrap_or(f64::MAX) / before.unwrap_or(0.0).max(1e-6)
        };
        let known = self.base.clients.keys().filter(|name| p99(&self.base, name).value.is_some());
        let most = known.max_by(|a, b| growth(a).total_cmp(&growth(b)).then_with(|| b.cmp(a)))?;
        Some((most.clone(), [p99(&self.base, most), p99(other, most)]))
    }

    /// A node ten times slower for all of the measured time: the p99 of a client and the share of its requests that is served,
    /// before and with it.
    pub(super) fn slower(&self, node: &str, client: &str) -> Result<(Both, Both), Trouble> {
        let mut fault = Fault::once(FaultKind::Slow, node, Span::ZERO, None);
        fault.factor.value = Some(SLOWER);
        let other = self.with(vec![fault])?;
        let both = [&self.base, &other].map(|summary| summary.clients.get(client));
        let of = |figure: fn(&Stats) -> Estimate| both.map(|stats| stats.map_or(Estimate::NONE, figure));
        Ok((of(|stats| stats.latency_arrived_ms.p99), of(|stats| stats.success_rate)))
    }

    /// The library with rules of the business in most services.
    pub(super) fn library(facts: &Facts<'_>) -> Option<(String, Vec<String>)> {
        let mut all: std::collections::BTreeMap<&str, Vec<String>> = std::collections::BTreeMap::new();
        for service in &facts.services {
            let libraries = facts.scenario.nodes[*service].owned.libraries.value.iter().flatten();
            for (library, _) in libraries.filter(|(_, holds)| holds.value == Holds::Logic) {
                all.entry(library).or_default().push((*service).to_owned());
            }
        }
        let shared = all.into_iter().filter(|(_, users)| users.len() > 1);
        shared.max_by_key(|(_, users)| users.len()).map(|(library, users)| (library.to_owned(), users))
    }
}

/// A figure before and with something.
type Both = [Estimate; 2];

/// A table that somebody had for himself.
pub(super) struct Locked {
    /// How long, s.
    pub(super) held_s: f64,
    /// What was lost by it, in seconds' worth of all requests.
    pub(super) lost_s: Estimate,
    /// Whose p99 grew most.
    pub(super) client: String,
    /// That p99, ms.
    pub(super) p99_ms: Both,
}

/// As good as no arrivals.
const NOBODY: f64 = 1e-9;

/// By how much of itself a p99 has to be higher to be told of.
const WORTH: f64 = 0.05;

/// What the migration is called that is added to the file.
const MIGRATION: &str = "hoptax-migration";

fn whole(summary: Summary) -> Result<Summary, Trouble> {
    if summary.run.partial { Err(Trouble::Interrupted) } else { Ok(summary) }
}

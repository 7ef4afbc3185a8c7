//! What it costs whom when one thing is down: a column of the matrix.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::availability::Availability;
use super::cast::{Kind, Target};
use super::study::Whose;
use super::visits::Crossing;
use super::{Party, Roll, Tally, share, tally};
use crate::experiment::estimate::CONFIDENCE;
use crate::experiment::summary::Estimate;
use crate::graph::Arrow;
use crate::stats::{proportion, ratio};
use crate::units::Span;

/// What an outage costs one client, or one flow.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// Share of the requests that are served without it and fail with it.
    pub lost: Estimate,
    /// Share of them that are served with it, but later by more than the bound.
    pub late: Estimate,
    /// By how much these are later on average, s.
    pub late_by_s: Estimate,
    /// How long the load of so many failures takes to arrive, those of the aftermath included, s.
    pub cost_s: Estimate,
    /// Whether the last tenth of the measured time is as good as without; otherwise the cost is a lower bound.
    pub recovered: bool,
    /// Requests that arrive in the outage and are served without it, over all replications.
    pub served: u64,
    /// Of these, still waiting with it when the runs stopped; they count as lost.
    pub unanswered: u64,
    /// The first broker that every way from there to what is down goes through: it keeps what is sent meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sheltered_by: Option<String>,
    /// Whether nothing can differ, because nothing leads from one to the other; then nothing was run.
    pub by_structure: bool,
    /// Why a figure has no value, or no interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
}

impl Cell {
    /// Of whoever has nothing to do with it.
    fn apart() -> Self {
        let none = Estimate::between(0.0, 0.0, 0.0);
        Self { lost: none, late: none, cost_s: none, recovered: true, by_structure: true, ..Self::default() }
    }
}

/// Coupling in time of a caller to its callee, by the caller's own requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Index {
    /// Share of the requests that cross the edge without the outage, and are lost with it.
    pub lost: Estimate,
    /// How many there were of them.
    pub crossing: u64,
    /// How many of the lost ones never came to the caller, because somebody above had given up sending them.
    #[serde(default, skip_serializing_if = "crate::experiment::summary::nothing")]
    pub absent: u64,
    /// The same of the caller's requests that do not cross it and come in both runs: what a shared pool passes on.
    pub spill_over: Estimate,
    /// How many there were of those.
    pub beside: u64,
}

/// Why an edge has no index.
const APART: &str = "no client's requests, and nothing that comes of them, can get there";
const NO_CROSSING: &str = "no request of the caller's goes there in the outage and is served without it";

/// One thing down: what it costs everybody.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// What is down.
    #[serde(flatten)]
    pub target: Target,
    /// Whether a client calls it itself: that everything is lost with it goes without saying.
    pub entry: bool,
    /// Share of all traffic that is lost with it, clients by their weight.
    pub blast: Estimate,
    /// Share of the time in which it is down, where random faults say so that take down all of it and nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unavailability: Option<f64>,
    /// Share of all traffic that is to be expected lost with it: of each of these faults `unavailability × loss`, as it is down
    /// by it and for as long as a repair takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_loss: Option<Estimate>,
    /// By client.
    pub clients: BTreeMap<String, Cell>,
    /// By flow.
    pub flows: BTreeMap<String, Cell>,
    /// Of an edge: its caller's own requests, or the messages that it handles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<Index>,
    /// Why an edge has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index_because: Option<String>,
}

impl Column {
    /// With what is to be expected of it, where random faults that strike it say how often it is down.
    pub(super) fn weigh(&mut self, availability: Option<&Availability>) {
        let meant = |target: &str| Arrow::of(target).map_or_else(|| target.to_owned(), |arrow| arrow.to_string());
        let own = availability.into_iter().flat_map(|all| &all.faults);
        let own: Vec<_> = own.filter(|fault| !fault.partly && meant(&fault.target) == self.target.name).collect();
        if !own.is_empty() {
            self.unavailability = Some(1.0 - own.iter().map(|fault| 1.0 - fault.unavailability).product::<f64>());
            let parts: Vec<(f64, Estimate)> = own.iter().map(|fault| (fault.unavailability, fault.loss)).collect();
            self.expected_loss = Some(weighted(&parts));
        }
    }
}

/// What one pair of runs says of one party.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pair {
    tally: Tally,
    /// Successes that are missing from the outage on, and how many arrive in it.
    missing: (f64, f64),
    /// Successes in the last tenth, without and with.
    tail: [u64; 2],
    /// Whether these users wait for their answers, so that none can be paired with itself and called late.
    closed: bool,
}

impl Pair {
    pub(super) fn of(without: &Roll, with: &Roll, who: Party, theta: Span) -> Self {
        let served = |roll: &Roll| {
            let (all, at) = match who {
                Party::Client(at) => (&roll.served[0], at),
                Party::Flow(at) => (&roll.served[1], at),
            };
            all.get(&at).copied().unwrap_or_default()
        };
        let (before, after) = (served(without), served(with));
        // Of a flow most requests may never be meant to reach the end: those that do count.
        let counts = |end: &&(bool, Span)| end.0 || matches!(who, Party::Client(_));
        let arrived: usize = without.ends(who).map(|(_, ends)| ends.iter().filter(counts).count()).sum();
        Self {
            tally: tally(without, with, who, theta),
            missing: (before[0] as f64 - after[0] as f64, arrived as f64),
            tail: [before[1], after[1]],
            closed: without.is_closed(who),
        }
    }
}

/// A run that lacks less than this share of its successes at the end has come back.
const BACK: f64 = 0.01;

fn cell(pairs: &[Pair], outage_s: f64) -> Cell {
    let tallies: Vec<Tally> = pairs.iter().map(|pair| pair.tally).collect();
    let all: Tally = tallies.iter().copied().sum();
    let late: Vec<(f64, f64)> = tallies.iter().map(|tally| (tally.late_by_s, tally.late as f64)).collect();
    let rates: Vec<(f64, f64)> = pairs.iter().map(|pair| (pair.missing.0, pair.missing.1 / outage_s)).collect();
    let tail = pairs.iter().fold([0.0; 2], |sum, pair| [sum[0] + pair.tail[0] as f64, sum[1] + pair.tail[1] as f64]);
    let closed = pairs.iter().any(|pair| pair.closed);
    Cell {
        lost: share(&tallies, |tally| tally.lost),
        late: if closed { Estimate::NONE } else { share(&tallies, |tally| tally.late) },
        late_by_s: if all.late > 0 { ratio(&late, CONFIDENCE) } else { Estimate::NONE },
        cost_s: ratio(&rates, CONFIDENCE),
        recovered: tail[0] > 0.0 && tail[1] >= tail[0] * (1.0 - BACK),
        served: all.served,
        unanswered: all.open,
        because: if closed { Some(CLOSED.to_owned()) } else { because(&tallies, &all) },
        ..Cell::default()
    }
}

/// Of whoever waits for answers.
const CLOSED: &str = "late: these users wait for their answers, so their requests are others once something is down";

/// Why a cell lacks a figure.
fn because(tallies: &[Tally], all: &Tally) -> Option<String> {
    let late = tallies.iter().filter(|tally| tally.late > 0).count();
    let why = match (tallies.len(), all.served, late) {
        (0 | 1, ..) => "one replication has no intervals",
        (_, 0, _) => "nobody arrives in the outage who is served without it",
        (.., 0) => "late_by_s: none is late",
        (.., 1) => "late_by_s: in one replication alone is anybody late",
        _ => return None,
    };
    Some(why.to_owned())
}

/// What replications say of one thing down: for each of `whose`, a pair of every replication, or nothing where nothing can
/// differ.
pub(super) fn column(
    target: &Target,
    whose: &[(Whose, Party)],
    pairs: &[Option<Vec<Pair>>],
    crossings: Option<&[Crossing]>,
    outage_s: f64,
) -> Column {
    let (mut clients, mut flows) = (BTreeMap::new(), BTreeMap::new());
    for ((who, party), pairs) in whose.iter().zip(pairs) {
        let cell = pairs.as_ref().map_or_else(Cell::apart, |pairs| cell(pairs, outage_s));
        let all = if matches!(party, Party::Client(_)) { &mut clients } else { &mut flows };
        all.insert(who.name.clone(), cell);
    }
    let blast = blast(whose, &clients);
    let index = crossings.and_then(index);
    let why = if crossings.is_some() { NO_CROSSING } else { APART };
    let lacks = target.kind == Kind::Edge && index.is_none();
    Column {
        target: target.clone(),
        entry: false,
        blast,
        unavailability: None,
        expected_loss: None,
        clients,
        flows,
        index,
        index_because: lacks.then(|| why.to_owned()),
    }
}

/// The weighted share of all traffic.
fn blast(whose: &[(Whose, Party)], clients: &BTreeMap<String, Cell>) -> Estimate {
    let parts: Option<Vec<(f64, Estimate)>> = whose
        .iter()
        .filter(|(_, party)| matches!(party, Party::Client(_)))
        .map(|(who, _)| {
            let lost = clients.get(&who.name)?.lost;
            // Who sends nothing in the outage loses nothing.
            Some((who.weight, if who.served == 0 { Estimate::between(0.0, 0.0, 0.0) } else { lost }))
        })
        .collect();
    parts.map_or(Estimate::NONE, |parts| weighted(&parts))
}

/// The sum of shares by their weights, and of their ends, which is wide rather than narrow.
pub(super) fn weighted(parts: &[(f64, Estimate)]) -> Estimate {
    let sum = |of: fn(Estimate) -> Option<f64>| parts.iter().map(|(w, e)| Some(w * of(*e)?)).sum::<Option<f64>>();
    Estimate { value: sum(|e| e.value), low: sum(|e| e.low), high: sum(|e| e.high), ..Estimate::NONE }
}

fn index(crossings: &[Crossing]) -> Option<Index> {
    let sum = |of: fn(&Crossing) -> (u64, u64)| crossings.iter().map(|crossing| of(crossing).0).sum::<u64>();
    let share = |of: fn(&Crossing) -> (u64, u64)| {
        let parts: Vec<(u64, u64)> = crossings.iter().map(of).map(|(served, lost)| (lost, served)).collect();
        proportion(&parts, CONFIDENCE)
    };
    let (crossing, beside) = (sum(|crossing| crossing.across), sum(|crossing| crossing.beside));
    (crossing > 0).then(|| Index {
        lost: share(|crossing| crossing.across),
        crossing,
        absent: crossings.iter().map(|crossing| crossing.absent).sum(),
        spill_over: share(|crossing| crossing.beside),
        beside,
    })
}

//! Why a request took as long as it did, or failed: what it waited for, who held that, what these waited for, down to the node
//! whose own work, fault or line began it.
//!
//! The request is followed as [`trace`](mod@super::trace) does, to find what its time went into beyond the usual (what requests of
//! the same client in the middle spend there), or what it failed of. Then
//! the run is stopped in the middle of that, and it is looked at who had what it waited for ([`sight`]): the workers
//! of a replica, the connections of a pool, a lock, the consumers of a queue; what most of these were at; and so on. The
//! replication is run three times, which is the same run by construction.
//!
//! Of many requests the chains that are alike are told together.

mod chain;
mod clue;

pub use chain::{Began, Blamed, Link, Root, Saw, Wanted};

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::run::Watch;
use super::study::{Part, Trouble};
use super::summary::{ScenarioRef, Tool};
use super::trace::find::{Finder, Found};
use super::trace::follow::{Follower, topics};
use super::trace::{Pick, Sought, missing};
use crate::machine::{Machine, Stop, sight};
use crate::model::Answer;
use crate::model::{Aside, Cell, ClientId, Fact, Hear, Opening, Outcome, Plan, Probe, Trace as Moment};
use crate::scenario::{Checked, lower};
use crate::units::{Span, Time};
use chain::{Scene, Watcher};
use clue::{Clue, Usual};

/// So many of a client's requests tell what is usual.
const USUAL: usize = 20;

/// So many requests are asked why.
pub const MOST: usize = 100;

/// Why requests took long or failed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Why {
    /// Version of this shape.
    pub schema_version: u32,
    /// Who made it.
    pub tool: Tool,
    /// What was simulated.
    pub scenario: ScenarioRef,
    /// Seed of the first replication.
    pub seed: u64,
    /// Sought replication it was, from 1.
    #[serde(default = "first")]
    pub replication: u32,
    /// What kind of figures these are.
    pub note: String,
    /// Sought requests were asked for: `p99`, `failed`, `slowest`, a number.
    pub request: String,
    /// How many requests were measured, of the client that was named or of all.
    #[serde(default)]
    pub measured: u64,
    /// How many of those that were asked for there are.
    pub there_are: u64,
    /// How many of these were asked.
    pub asked: u64,
    /// How many more would have been, had the study not been stopped.
    #[serde(skip_serializing_if = "crate::experiment::summary::nothing", default)]
    pub missing: u64,
    /// Whether it was stopped before all of it was known.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub partial: bool,
    /// Where it was stopped while requests were looked for: how much had been measured by then, s. There may be more of them.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub looked_s: Option<f64>,
    /// Alike chains together; the largest group first.
    pub groups: Vec<Group>,
}

/// Where nothing is said it was the first.
fn first() -> u32 {
    1
}

/// What was found, and whether that is all of it.
#[derive(Clone, Debug)]
pub struct Study {
    /// The chains.
    pub why: Why,
    /// Whether all that were to be asked were.
    pub whole: bool,
}

/// Requests whose chains are alike.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Group {
    /// How many.
    pub requests: u64,
    /// Whose they are.
    pub client: String,
    /// One of them: which of its client's measured requests, from 1. What is said below is said of it.
    pub such_as: u64,
    /// How it ended; `None`: it had not when the run stopped.
    pub outcome: Option<String>,
    /// When it was meant to set out, s from the start of the measured time.
    pub began_s: f64,
    /// Until its client knew, ms.
    pub latency_ms: f64,
    /// Of all of them: least, median and most, ms.
    pub latencies_ms: [f64; 3],
    /// Of its latency, what was spent on that; 0 where it is no matter of time, ms.
    pub spent_ms: f64,
    /// How much of that is usual: what its client's requests in the middle spend there, ms.
    #[serde(default)]
    pub usual_ms: f64,
    /// In how many calls of the same kind it was spent, one after the other or at once.
    #[serde(default, skip_serializing_if = "crate::experiment::summary::nothing")]
    pub calls: u64,
    /// Of all of them: the median, ms.
    pub spent_median_ms: f64,
    /// From what it waited for to what began it.
    pub chain: Vec<Link>,
    /// What began it.
    pub began: Root,
    /// The same of a message of it that was dealt with later than the request took, if it spent more than that on one thing.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub afterwards: Option<Afterwards>,
}

/// What a message of a request waited for, at its broker, its consumer or in what that called.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Afterwards {
    /// How long, ms.
    pub spent_ms: f64,
    /// From what it waited for to what began it.
    pub chain: Vec<Link>,
    /// What began it.
    pub began: Root,
}

/// Asks requests why. Where a percentile is asked for it is whatever took longer, where failures are, all of the client with
/// most of them; of more than [`MOST`], as many spread evenly. An interruption leaves those that were asked by then; before
/// any was, how many there are.
///
/// ```
/// use hoptax::experiment::study::{Options, load};
/// use hoptax::experiment::trace::{Pick, Sought};
/// use hoptax::experiment::why::{Wanted, study};
/// use hoptax::scenario::Source;
///
/// let text = r#"
/// version = 1
/// sim = { duration = "20s", warmup = "0s", replications = 1 }
/// [clients.users]
/// calls = "shop"
/// rate = "90/s"
/// [services.shop]
/// concurrency = 2
/// work = { mean = "20ms" }
/// "#;
/// let checked = load(&Source::text("shop", text), None, &Options::default()).unwrap();
/// let why = study(&checked, Sought::first(Pick::Quantile(0.9)), "p90", &()).unwrap().why;
/// // Both workers are nine tenths busy: who is slow has waited for one of them.
/// assert_eq!(why.groups[0].chain[0].wanted, Wanted::Worker);
/// ```
pub fn study(checked: &Checked, which: Sought<'_>, named: &str, watch: &dyn Watch) -> Result<Study, Trouble> {
    let run = Run { plan: &lower(checked), seed: which.seed(checked).map_err(Trouble::Absent)? };
    let plan = run.plan;
    let mut finder = Finder::of(plan);
    let (stop, at) = run.watched(&mut finder, (watch, FIND));
    let stopped = stop == Stop::Interrupted;
    if stopped {
        finder.forget_open();
    }
    let measured = finder.measured_of(plan, which.client).map_err(Trouble::Absent)?;
    let found = finder.several(plan, (which.pick, which.client, MOST));
    if stopped && found.is_err() {
        return Err(Trouble::Interrupted);
    }
    // That none failed is an answer.
    let found = if matches!(which.pick, Pick::Failed) { found.or(Ok((Vec::new(), 0))) } else { found };
    let (found, there_are) = found.map_err(|why| Trouble::Absent(missing(&why, checked)))?;
    let looked_s = stopped.then(|| at.since(Time(plan.warmup.0)).as_secs_f64());
    let told = if stopped || found.is_empty() { Vec::new() } else { ask(checked, run, (&found, &finder), watch) };
    let missing = (found.len() - told.len()) as u64;
    let why = Why {
        schema_version: 1,
        tool: Tool::this(),
        scenario: ScenarioRef::of(checked),
        seed: plan.seed,
        replication: which.replication,
        note: "simulated, not measured".into(),
        request: named.to_owned(),
        measured,
        there_are: there_are as u64,
        asked: told.len() as u64,
        missing,
        partial: missing > 0,
        looked_s,
        groups: group(plan, told),
    };
    Ok(Study { whole: missing == 0, why })
}

/// Of three runs, the one that looks for requests, that follows them, and that stops at each.
const FIND: usize = 0;
const FOLLOW: usize = 1;
const LOOK: usize = 2;

/// The replication that is asked about.
#[derive(Clone, Copy)]
struct Run<'p> {
    plan: &'p Plan,
    seed: u64,
}

impl Run<'_> {
    /// It with somebody who listens: why it stopped, and when.
    fn watched(self, probe: &mut dyn Hear, (watch, at): (&dyn Watch, usize)) -> (Stop, Time) {
        let part = Part { whole: watch, at, of: LOOK + 1 };
        let finished = Machine::new(self.plan, self.seed, Aside(probe)).run(|now| tell(&part, self.plan, now));
        (finished.stop, finished.at)
    }
}

/// Says how far a run has come; whether it is to go on.
fn tell(watch: &dyn Watch, plan: &Plan, now: Time) -> bool {
    let length = (plan.warmup + plan.duration).0.max(1);
    watch.advanced(now.0.min(length) as f64 / length as f64);
    !watch.stopped()
}

/// Follows the requests that were found, and looks at each; those that were looked at.
fn ask(checked: &Checked, run: Run<'_>, (found, finder): (&[Found], &Finder), watch: &dyn Watch) -> Vec<Told> {
    let whose: BTreeSet<u32> = found.iter().map(|found| found.client.0).collect();
    let usual = whose.iter().flat_map(|client| finder.usual(ClientId(*client), USUAL));
    let asked: BTreeSet<(u32, u64)> = found.iter().map(|found| (found.client.0, found.nth)).collect();
    let usual: Vec<Found> = usual.filter(|usual| !asked.contains(&(usual.client.0, usual.nth))).collect();
    let mut followers = Followers::of(found.iter().chain(&usual), run.plan);
    if run.watched(&mut followers, (watch, FOLLOW)).0 == Stop::Interrupted {
        return Vec::new();
    }
    let mut ends = followers.end();
    let middle = ends.split_off(found.len());
    let usual: BTreeMap<u32, Usual> = whose
        .into_iter()
        .map(|client| {
            let own = usual.iter().zip(&middle).filter(|(found, _)| found.client.0 == client);
            (client, Usual::of(run.plan, &own.map(|(_, (follower, _))| follower.spans.as_slice()).collect::<Vec<_>>()))
        })
        .collect();
    let case = |(found, end): (&Found, _)| Case::of(found, end, usual.get(&found.client.0)?);
    let cases: Vec<Case> = found.iter().zip(ends).filter_map(case).collect();
    look(checked, run, cases, &Part { whole: watch, at: LOOK, of: LOOK + 1 })
}

/// Several requests followed in one run.
#[derive(Debug)]
struct Followers {
    all: Vec<Follower>,
    /// By client and number: which of them.
    wanted: BTreeMap<(u32, u64), usize>,
    /// Frames and messages under way: whose.
    frames: BTreeMap<u32, usize>,
    letters: BTreeMap<crate::random::Lineage, usize>,
}

impl Followers {
    fn of<'f>(found: impl Iterator<Item = &'f Found> + Clone, plan: &Plan) -> Self {
        let topics = topics(plan);
        Self {
            all: found.clone().map(|f| Follower::of(f.client, f.nth, &topics)).collect(),
            wanted: found.zip(0..).map(|(f, at)| ((f.client.0, f.nth), at)).collect(),
            frames: BTreeMap::new(),
            letters: BTreeMap::new(),
        }
    }

    /// Each, with an end for what had none.
    fn end(self) -> Vec<(Follower, Vec<usize>)> {
        let close = |mut follower: Follower| {
            let open = follower.close();
            (follower, open)
        };
        self.all.into_iter().map(close).collect()
    }

    /// Whose moment it is.
    fn whose(&mut self, moment: &Moment) -> Option<usize> {
        let of = |frame: &u32| self.frames.get(frame).copied();
        match moment {
            Moment::Opened { frame, opening, .. } => {
                let whose = match opening {
                    Opening::Root { client, nth, .. } => self.wanted.get(&(client.0, *nth)).copied(),
                    Opening::Call { parent, .. } | Opening::Branch { parent } => of(parent),
                    Opening::Message { message, .. } => self.letters.get(message).copied(),
                };
                match whose {
                    Some(whose) => self.frames.insert(*frame, whose),
                    None => self.frames.remove(frame),
                };
                whose
            }
            Moment::Segment { frame, .. } | Moment::Abandoned { frame, .. } | Moment::Spurned { frame, .. } => {
                of(frame)
            }
            Moment::Closed { frame, .. } => self.frames.remove(frame),
            Moment::Sent { frame, message, .. } => {
                let whose = of(frame)?;
                self.letters.insert(*message, whose);
                Some(whose)
            }
            Moment::Moved { from, message, .. } => {
                let whose = self.letters.get(from).copied()?;
                self.letters.insert(*message, whose);
                Some(whose)
            }
            Moment::Gone { message, .. } => self.letters.get(message).copied(),
        }
    }
}

impl Probe for Followers {
    fn accounts(&self) -> bool {
        true
    }

    fn traces(&self) -> bool {
        true
    }

    fn on(&mut self, _: Time, _: Fact) {}

    fn account(&mut self, _: Answer, _: impl Iterator<Item = (Cell, Span)> + Clone) {}

    fn trace(&mut self, moment: Moment) {
        if let Some(whose) = self.whose(&moment) {
            self.all[whose].trace(moment);
        }
    }
}

/// A request, and what is known of it before anybody looks.
struct Case {
    client: u32,
    measured: u64,
    outcome: Option<Outcome>,
    began: Time,
    latency: u64,
    clues: [Option<Clue>; 2],
}

impl Case {
    fn of(found: &Found, (follower, open): (Follower, Vec<usize>), usual: &Usual) -> Option<Self> {
        let spans = &follower.spans;
        let root = spans.first()?;
        let ended = !open.contains(&0);
        let failed = ended && !root.outcome.is_good();
        let first = if failed { clue::of_failure(spans, usual) } else { clue::of_time(spans, usual) };
        Some(Self {
            client: found.client.0,
            measured: found.measured,
            outcome: ended.then_some(root.outcome),
            began: follower.began,
            latency: root.to.since(root.from).0,
            clues: [first, clue::of_mail(spans, usual)],
        })
    }
}

/// What was found for a case.
type Told = (Case, Vec<Link>, Root, Option<Afterwards>);

/// Runs on from moment to moment, and looks at each; those that were looked at when it was stopped.
fn look(checked: &Checked, Run { plan, seed }: Run<'_>, cases: Vec<Case>, watch: &dyn Watch) -> Vec<Told> {
    let kinds = checked.scenario.faults.iter();
    let kinds: BTreeMap<String, String> =
        kinds.map(|fault| (fault.name.value.clone(), fault.kind.value.as_written().to_owned())).collect();
    let clues =
        |(case, of): (usize, &Case)| of.clues.into_iter().zip(0..).filter_map(move |(c, nth)| Some((c?, case, nth)));
    let mut moments: Vec<(Clue, usize, usize)> =
        cases.iter().enumerate().flat_map(|(at, case)| clues((at, case))).collect();
    moments.sort_by_key(|(clue, case, nth)| (clue.at, *case, *nth));
    let watcher = RefCell::new(Watcher::of(plan));
    let mut ear = &watcher;
    let mut machine = Machine::new(plan, seed, Aside(&mut ear));
    let mut found: BTreeMap<(usize, usize), (Vec<Link>, Root)> = BTreeMap::new();
    for (clue, case, nth) in moments {
        machine.run_watched_to(clue.at, |now| tell(watch, plan, now));
        if watch.stopped() {
            break;
        }
        let sight = sight(&machine);
        let watcher = watcher.borrow();
        let scene = Scene::of(plan, &sight, &watcher, &kinds, clue.at);
        found.insert((case, nth), scene.chain(&clue));
    }
    let told = |(at, case): (usize, Case)| {
        let (chain, root) = found.get(&(at, 0))?.clone();
        let afterwards = found.get(&(at, 1)).cloned().zip(case.clues[1]);
        let afterwards = afterwards.map(|((chain, began), clue)| Afterwards { spent_ms: ms(clue.spent), chain, began });
        Some((case, chain, root, afterwards))
    };
    cases.into_iter().enumerate().filter_map(told).collect()
}

/// What two requests have in common whose chains are alike.
fn key((case, chain, root, _): &Told) -> String {
    let links: Vec<String> =
        chain.iter().map(|link| format!("{:?} {} {:?}", link.wanted, link.node, link.to)).collect();
    let faults: Vec<&str> = root.faults.iter().map(|fault| fault.name.as_str()).collect();
    format!("{} {:?} {links:?} {:?} {} {faults:?}", case.client, case.outcome, root.began, root.node)
}

/// Alike chains together.
fn group(plan: &Plan, told: Vec<Told>) -> Vec<Group> {
    let mut by: BTreeMap<String, Vec<Told>> = BTreeMap::new();
    for one in told {
        by.entry(key(&one)).or_default().push(one);
    }
    let mut groups: Vec<Group> = by.into_values().filter_map(|alike| of_alike(plan, alike)).collect();
    groups.sort_by(|a, b| b.requests.cmp(&a.requests).then(b.latency_ms.total_cmp(&a.latency_ms)));
    groups
}

/// The one in the middle speaks for all.
fn of_alike(plan: &Plan, mut alike: Vec<Told>) -> Option<Group> {
    alike.sort_by_key(|one| (one.0.latency, one.0.measured));
    let requests = alike.len();
    let spent = |one: &Told| one.0.clues[0].map_or(0.0, |clue| ms(clue.spent));
    let mut spents: Vec<f64> = alike.iter().map(spent).collect();
    spents.sort_by(f64::total_cmp);
    let latencies_ms = [0, requests / 2, requests - 1].map(|at| ms(alike[at].0.latency));
    let one = alike.into_iter().nth(requests / 2)?;
    let spent_ms = spent(&one);
    let (case, chain, began, afterwards) = one;
    Some(Group {
        requests: requests as u64,
        client: plan.node(plan.clients[case.client as usize].node).name.clone(),
        such_as: case.measured,
        outcome: case.outcome.map(|outcome| outcome.word().to_owned()),
        began_s: (case.began.0 as f64 - plan.warmup.0 as f64) / 1e9,
        latency_ms: ms(case.latency),
        latencies_ms,
        spent_ms,
        usual_ms: case.clues[0].map_or(0.0, |clue| ms(clue.usual)),
        calls: case.clues[0].map_or(0, |clue| clue.calls),
        spent_median_ms: spents[requests / 2],
        chain,
        began,
        afterwards,
    })
}

fn ms(ns: u64) -> f64 {
    ns as f64 / 1e6
}

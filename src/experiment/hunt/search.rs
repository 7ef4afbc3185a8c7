//! The search: one candidate after the other, none larger than the smallest so far.

use serde::Serialize;

use super::cast::Candidate;
use super::found::{Broken, Found, broken, ends_too_soon};
use super::{FIRST_LOOK, Promised};
use crate::experiment::run::{Watch, run};
use crate::experiment::summary::{Estimate, Outcome, Summary};
use crate::scenario::Checked;
use crate::scenario::edit::{recovers, reproducer, struck};
use crate::units::Span;

/// What became of one candidate.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Tried {
    /// What goes wrong.
    #[serde(flatten)]
    pub candidate: Candidate,
    /// When, s from the start of the measured time.
    pub at_s: f64,
    /// The longest that was tried and whose outcome could be seen, s: longer, it would be larger than what was known already, or
    /// the run would end before anybody could have recovered.
    pub up_to_s: f64,
    /// The shortest that breaks something on the seeds of the search, s.
    pub breaks_s: Option<f64>,
    /// Replica-seconds of that.
    pub size: Option<f64>,
    /// What it breaks.
    pub breaks: Option<Broken>,
    /// Whether this is what fresh seeds say of it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub fresh: bool,
}

/// The shortest fault that is tried, s.
pub(super) const LEAST_S: f64 = 0.01;

/// A fault is only looked for where it is smaller than the smallest so far by so much.
const NEWS: f64 = 0.98;

/// Lengths are halved until the shortest that breaks is at most so many times the longest that does not.
const STEP: f64 = 1.06;

/// What is made of a fault to see whether a smaller one does.
const SMALLER: f64 = 0.9;

/// Rungs to a tenth less.
const RUNGS: u32 = 4;

/// So many of those that were found are held to fresh seeds, at most.
const SECONDS: usize = 3;

/// How often the smallest is made longer, or shorter, on fresh seeds.
const MOVES: u32 = 12;

/// Who hunts.
pub(super) struct Hunter<'h> {
    calm: &'h Checked,
    /// Promises that hold without any fault.
    promises: Vec<String>,
    never_recovers: bool,
    jobs: Option<usize>,
    watch: &'h dyn Watch,
    pub(super) tried: Vec<Tried>,
}

/// Only asks whether to stop: progress is told by candidate.
struct Quiet<'h>(&'h dyn Watch);

impl Watch for Quiet<'_> {
    fn advanced(&self, _: f64) {}
    fn stopped(&self) -> bool {
        self.0.stopped()
    }
}

impl<'h> Hunter<'h> {
    pub(super) fn of(
        calm: &'h Checked,
        promises: &[Promised],
        never_recovers: bool,
        (jobs, watch): (Option<usize>, &'h dyn Watch),
    ) -> Self {
        let holds = |promised: &&Promised| promised.verdict == Outcome::Met;
        let promises = promises.iter().filter(holds).map(|promised| promised.name.clone()).collect();
        Self { calm, promises, never_recovers, jobs, watch, tried: Vec::new() }
    }

    /// Whether there is anything that could be broken.
    fn is_idle(&self) -> bool {
        self.promises.is_empty() && !self.never_recovers
    }

    /// The seed that had no part in the search.
    pub(super) fn fresh_seed(&self) -> u64 {
        self.calm.scenario.sim.seed.value.wrapping_add(1)
    }

    /// Tries all candidates at all times; those that were not because the study was stopped.
    pub(super) fn search(&mut self, all: &[Candidate], at_s: &[f64], up_to_s: f64) -> Vec<Candidate> {
        let mut missing = Vec::new();
        if self.is_idle() {
            return missing;
        }
        let steps = (all.len() * at_s.len() + 2) as f64;
        for (nth, candidate) in all.iter().enumerate() {
            for (moment, at) in at_s.iter().enumerate() {
                self.watch.advanced((nth * at_s.len() + moment + 1) as f64 / steps);
                match self.shortest(candidate, *at, up_to_s) {
                    Some(tried) => self.tried.push(tried),
                    None => missing.push(candidate.clone()),
                }
            }
        }
        missing
    }

    /// The smallest size so far.
    fn smallest(&self) -> Option<&Tried> {
        let sized = self.tried.iter().filter_map(|tried| Some((tried.size?, tried)));
        sized.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, tried)| tried)
    }

    /// The shortest time of one candidate that breaks something; `None` where it was stopped.
    fn shortest(&self, candidate: &Candidate, at_s: f64, up_to_s: f64) -> Option<Tried> {
        let news = self.smallest().and_then(|tried| tried.size).map(|size| NEWS * size / candidate.per_second());
        let most = millis(news.map_or(up_to_s, |news| news.min(up_to_s)));
        let mut tried = Tried {
            candidate: candidate.clone(),
            at_s,
            up_to_s: most,
            breaks_s: None,
            size: None,
            breaks: None,
            fresh: false,
        };
        if most < LEAST_S {
            return Some(tried);
        }
        let seed = self.calm.scenario.sim.seed.value;
        if self.surely_holds(candidate, (at_s, most), seed)? {
            return Some(tried);
        }
        let (mut holds, mut breaks, mut next) = (0.0, None, most);
        loop {
            let summary = self.run(candidate, (at_s, next), seed)?;
            match broken(&summary, &self.promises) {
                Some(what) => breaks = Some((next, what)),
                None if breaks.is_none() && self.promises.is_empty() && ends_too_soon(&summary) => {
                    next = millis(next / 2.0);
                    tried.up_to_s = next;
                    if next < LEAST_S {
                        return Some(tried);
                    }
                    continue;
                }
                None => holds = next,
            }
            let Some((shortest, _)) = &breaks else { break };
            // By quarters until one of them breaks nothing, then by halves.
            next = millis(if holds == 0.0 { shortest / 4.0 } else { (shortest * holds).sqrt() });
            if next < LEAST_S || holds > 0.0 && shortest / holds <= STEP || next >= *shortest || next <= holds {
                break;
            }
        }
        if let Some((length, what)) = breaks {
            tried.breaks_s = Some(length);
            tried.size = Some(length * candidate.per_second());
            tried.breaks = Some(what);
        }
        Some(tried)
    }

    /// Whether the first few runs meet every promise that could be broken, and none of them stays down; `None` where it was
    /// stopped.
    fn surely_holds(&self, candidate: &Candidate, when: (f64, f64), seed: u64) -> Option<bool> {
        if self.promises.is_empty() {
            return Some(false);
        }
        let summary = self.run_some(candidate, when, (seed, FIRST_LOOK))?;
        let met = |name: &String| summary.slos.iter().any(|slo| slo.name == *name && slo.verdict == Outcome::Met);
        let back = summary
            .faults
            .iter()
            .flat_map(|fault| fault.recovery_s.values())
            .all(|recovery| recovery.share_recovered.is_none_or(|share| share >= 1.0));
        Some(back && self.promises.iter().all(met))
    }

    /// What a fault breaks; `None` where it was stopped.
    #[allow(clippy::option_option, reason = "stopped, or breaks nothing")]
    fn breaks(&self, candidate: &Candidate, when: (f64, f64), seed: u64) -> Option<Option<Broken>> {
        let summary = self.run(candidate, when, seed)?;
        Some(broken(&summary, &self.promises))
    }

    fn run(&self, candidate: &Candidate, when: (f64, f64), seed: u64) -> Option<Summary> {
        self.run_some(candidate, when, (seed, self.calm.scenario.sim.replications.value))
    }

    /// So many runs.
    fn run_some(
        &self,
        candidate: &Candidate,
        (at_s, length_s): (f64, f64),
        (seed, replications): (u64, u32),
    ) -> Option<Summary> {
        if self.watch.stopped() {
            return None;
        }
        let fault = candidate.fault(Span::from_secs_f64(at_s), Span::from_secs_f64(length_s));
        let mut with = struck(self.calm, vec![fault]);
        with.scenario.sim.seed.value = seed;
        with.scenario.sim.replications.value = replications;
        run(&with, self.jobs, &Quiet(self.watch)).ok().filter(|summary| !summary.run.partial)
    }

    /// The smallest on fresh seeds. Where that is larger than it was on those of the search, what was tried only up to less is tried
    /// again: the others may lie between.
    pub(super) fn settle(&mut self, up_to_s: f64) -> Option<Found> {
        let mut found = self.confirm(up_to_s);
        for _ in 0..SECONDS {
            let Some(one) = found.as_ref().filter(|found| found.confirmed).cloned() else { break };
            if self.again(&one, up_to_s)? == 0 {
                break;
            }
            found = self.confirm(up_to_s);
        }
        found
    }

    /// What was tried says what fresh seeds say of it.
    fn amend(&mut self, found: &Found) {
        let own = |tried: &&mut Tried| tried.at_s == found.at_s && tried.candidate.is_that_of(&found.candidate);
        if let Some(tried) = self.tried.iter_mut().find(own) {
            tried.candidate = found.candidate.clone();
            (tried.breaks_s, tried.size, tried.fresh) = (Some(found.length_s), Some(found.size), true);
            (tried.breaks, tried.up_to_s) = (Some(found.breaks.clone()), tried.up_to_s.max(found.length_s));
        }
    }

    /// Tries again what broke nothing up to a size below that of what was found; how many did now. `None` where it was stopped.
    fn again(&mut self, found: &Found, up_to_s: f64) -> Option<usize> {
        let mut news = 0;
        for at in 0..self.tried.len() {
            let tried = &self.tried[at];
            let more = millis((NEWS * found.size / tried.candidate.per_second()).min(up_to_s));
            if tried.size.is_some() || more <= tried.up_to_s {
                continue;
            }
            let (candidate, at_s) = (tried.candidate.clone(), tried.at_s);
            self.tried[at] = self.shortest(&candidate, at_s, up_to_s)?;
            news += usize::from(self.tried[at].size.is_some());
        }
        Some(news)
    }

    /// The smallest on fresh seeds; where it does not hold there at any length, the next. Whatever was held to them says from
    /// then on what they say of it.
    fn confirm(&mut self, up_to_s: f64) -> Option<Found> {
        let mut sized: Vec<(f64, Tried)> =
            self.tried.iter().filter_map(|tried| Some((tried.size?, tried.clone()))).collect();
        sized.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut best: Option<Found> = None;
        for (size, tried) in sized.into_iter().take(SECONDS) {
            let known = best.as_ref().filter(|found| found.confirmed);
            if known.is_some_and(|found| found.size <= size) {
                break;
            }
            let found = self.held(&tried, up_to_s)?;
            if found.confirmed {
                self.amend(&found);
            }
            let known = best.as_ref().filter(|found| found.confirmed);
            let smaller = known.is_none_or(|known| found.size < known.size);
            if best.is_none() || found.confirmed && smaller {
                best = Some(found);
            }
        }
        best
    }

    /// On fresh seeds: longer until it breaks something there, then shorter while a tenth less still does, then with fewer replicas
    /// while one less still does.
    fn held(&self, smallest: &Tried, up_to_s: f64) -> Option<Found> {
        let seed = self.fresh_seed();
        let mut found = Found {
            candidate: smallest.candidate.clone(),
            at_s: smallest.at_s,
            length_s: smallest.breaks_s?,
            size: smallest.size?,
            breaks: smallest.breaks.clone()?,
            smaller: None,
            smaller_measured: None,
            fewer: None,
            confirmed: false,
        };
        self.hold(&mut found, up_to_s, seed);
        for _ in 0..MOVES {
            let Some(other) = found.candidate.with_one_less().filter(|_| found.confirmed) else { break };
            if self.spare(&mut found, other, up_to_s, seed) != Some(true) {
                break;
            }
        }
        found.size = found.length_s * found.candidate.per_second();
        Some(found)
    }

    /// The same for as long with one replica less: whether that still does; then it is held to be as short as it can be.
    /// `None` where it was stopped.
    fn spare(&self, found: &mut Found, other: Candidate, up_to_s: f64, seed: u64) -> Option<bool> {
        found.confirmed = false;
        let summary = self.run(&other, (found.at_s, found.length_s), seed)?;
        found.confirmed = true;
        let Some(broken) = broken(&summary, &self.promises) else {
            found.fewer = Some(outcome(&summary, &found.breaks).0);
            return Some(false);
        };
        (found.candidate, found.breaks) = (other, broken);
        (found.smaller, found.smaller_measured) = (None, None);
        found.confirmed = false;
        self.hold(found, up_to_s, seed)?;
        Some(true)
    }

    /// Moves the length until it breaks something and nine tenths of it do not; `None` where it was stopped, or where no length
    /// will do. What lies between the two is tried, too, rung by rung downwards.
    fn hold(&self, found: &mut Found, up_to_s: f64, seed: u64) -> Option<()> {
        let at = |length: f64| (found.at_s, length);
        let candidate = found.candidate.clone();
        let mut length = rung(found.length_s, up_to_s);
        let mut breaks = self.breaks(&candidate, at(length), seed)?;
        for _ in 0..MOVES {
            if breaks.is_some() || length >= up_to_s {
                break;
            }
            length = rung(length / SMALLER, up_to_s);
            breaks = self.breaks(&candidate, at(length), seed)?;
        }
        let (mut what, mut holds, mut fine) = (breaks?, None, false);
        for _ in 0..MOVES {
            let less = rung(length * SMALLER, up_to_s);
            if less < LEAST_S {
                break;
            }
            let summary = self.run(&candidate, at(less), seed)?;
            if let Some(broken) = broken(&summary, &self.promises) {
                (length, what, holds) = (less, broken, None);
                continue;
            }
            holds = Some(outcome(&summary, &what));
            // Once it is known to within a tenth: the shortest rung that breaks before the first that does not.
            let longest = length;
            for rungs in (1..RUNGS).take_while(|_| !fine) {
                let less = rung(longest * libm::pow(SMALLER, f64::from(rungs) / f64::from(RUNGS)), up_to_s);
                match self.breaks(&candidate, at(less), seed)? {
                    Some(broken) => (length, what) = (less, broken),
                    None => break,
                }
            }
            if fine || length == longest {
                break;
            }
            fine = true;
        }
        (found.length_s, found.breaks, found.confirmed) = (length, what, holds.is_some());
        (found.smaller, found.smaller_measured) = holds.unzip();
        Some(())
    }

    /// The file that shows it.
    pub(super) fn reproducer(&self, checked: &Checked, found: &Found) -> Option<String> {
        let fault = found.fault();
        let sim = &self.calm.scenario.sim;
        let promise = match &found.breaks.promise {
            Some(name) => self.calm.scenario.slos.iter().find(|slo| slo.name.value == *name)?.clone(),
            None => recovers(&found.breaks.of, sim.duration.value, &fault.name.value),
        };
        let head = [
            format!(
                "{} for {} from {}: the smallest fault that was found to break the promise below.",
                found.candidate.told(),
                seconds(found.length_s),
                seconds(found.at_s)
            ),
            format!(
                "Found by hoptax hunt in `{}`, scenario {}.",
                checked.scenario.name.value,
                checked.hash.get(..8).unwrap_or_default()
            ),
            "hoptax run FILE exits with 99.".to_owned(),
        ];
        Some(reproducer(&checked.source, &fault, &promise, (self.fresh_seed(), sim.replications.value), &head))
    }
}

/// What becomes of the same promise in another run that breaks none.
fn outcome(summary: &Summary, what: &Broken) -> (Outcome, Estimate) {
    let own = summary.slos.iter().find(|slo| Some(&slo.name) == what.promise.as_ref());
    own.map_or((Outcome::Met, Estimate::NONE), |slo| (slo.verdict, slo.measured))
}

fn seconds(s: f64) -> Span {
    Span::from_secs_f64(s)
}

/// The nearest of the lengths that are held to fresh seeds, four of them to nine tenths, down from the longest: whatever the search
/// came from, it is these that are compared.
fn rung(length_s: f64, up_to_s: f64) -> f64 {
    let fine = libm::log(SMALLER) / f64::from(RUNGS);
    let steps = (libm::log(length_s / up_to_s) / fine).round().max(0.0);
    millis(up_to_s * libm::exp(steps * fine))
}

/// To the millisecond.
fn millis(s: f64) -> f64 {
    (s * 1e3).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::super::cast::Way;
    use super::*;
    use crate::diag::Source;
    use crate::experiment::coupling::Kind;
    use crate::experiment::study::{Options, load};

    /// Replicas take over from each other.
    const TEXT: &str = r#"
version = 1
sim = { duration = "30s", warmup = "0s", replications = 20 }
defaults = { transport = "free" }
[clients.users]
calls = "shop"
rate = "150/s"
arrivals = "constant"
[services.shop]
io = "async"
concurrency = "unlimited"
steps = [{ call = "store", timeout = "10s", retries = { max = 8, on = ["connect_failed"], backoff = "1ms" } }]
[services.store]
replicas = 5
concurrency = 1
work = "10ms"
[[slos]]
of = "users"
expect = "p90 < 200ms"
"#;

    #[test]
    fn no_more_replicas_are_taken_than_it_needs() {
        let checked = load(&Source::text("hunt", TEXT), None, &Options::default()).unwrap();
        let name = checked.scenario.slos[0].name.value.clone();
        let promises = [Promised { name: name.clone(), verdict: Outcome::Met }];
        let mut hunter = Hunter::of(&checked, &promises, false, (None, &()));
        let candidate =
            Candidate { kind: Kind::Node, target: "store".into(), way: Way::Refuses, replicas: 5, of: 5, share: 1.0 };
        let breaks = Some(Broken { of: "users".into(), promise: Some(name), expect: None, measured: Estimate::NONE });
        let (breaks_s, size) = (Some(4.0), Some(20.0));
        hunter.tried.push(Tried { candidate, at_s: 9.0, up_to_s: 20.0, breaks_s, size, breaks, fresh: false });
        let found = hunter.settle(20.0).unwrap();
        // One less on the same seeds breaks nothing, and neither does a tenth less of the time.
        let holds = |outcome: Option<Outcome>| outcome.is_some_and(|outcome| outcome != Outcome::Failed);
        assert!(found.confirmed && holds(found.fewer) && holds(found.smaller), "{found:?}");
        assert!(found.size < 20.0, "{found:?}");
    }
}

//! Multilevel splitting: a run that has come nearer to a collapse than most is copied, and the copies go on under other seeds.
//!
//! With a fixed effort for each level (Garvels, "The splitting method in rare event simulation", 2000): so many runs from the
//! start; whoever comes to the first level leaves a copy of the machine there; as many runs go on from these copies, in
//! turn, to the second; and so on. The product of the shares that arrive is the probability of the last level, without bias
//! whatever the levels are. A run that is down at its end without having come to the next level counts with the probability
//! of the level that it set out from, so that nothing is missed for which the levels are the wrong ones; how much of the
//! estimate that is, is told apart.
//!
//! What a copy draws from there on is its own: a draw is a function of seed, name and number, and work is drawn when it
//! begins, so that whoever waits in line has work of its own in each copy.

use super::pulse::Pulse;
use crate::experiment::coupling::Roll;
use crate::experiment::ear::Ear;
use crate::experiment::run::Watch;
use crate::machine::{Machine, Stop};
use crate::model::{ClientId, Plan};
use crate::random::Lineage;
use crate::units::{Span, Time};

/// A machine on its way, and up to when it was run.
#[derive(Clone)]
struct Entry<'p> {
    machine: Machine<'p, Ear<'p>>,
    at: Time,
}

/// What is split, and who may have had enough.
#[derive(Clone, Copy)]
pub(super) struct Course<'p> {
    pub(super) plan: &'p Plan,
    pub(super) client: ClientId,
    pub(super) watch: &'p dyn Watch,
}

/// How one run, or copy, went on.
struct Leg<'p> {
    /// The machine where it came to the next level; `None`: it did not.
    there: Option<Entry<'p>>,
    /// The most that it came to.
    most: f64,
    /// Whether it was down at its end.
    down: bool,
    events: u64,
}

/// So often a run is looked at; what is between two looks is not seen, which makes a level one of what is seen.
const LOOKS: u64 = 2_000;

/// Runs from each level.
pub(super) const EFFORT: u32 = 100;

/// Levels at most.
const MOST_LEVELS: usize = 60;

/// A level is where so many of the pilot's runs come to.
const ARRIVE: f64 = 0.25;

/// From where so many are down at their end no further level is needed.
const ENOUGH: f64 = 0.25;

/// What one splitting run says.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Split {
    /// The probability of being down at the end.
    pub(super) probability: f64,
    /// How much of that is of runs that had not come to the next level.
    pub(super) aside: f64,
    /// The relative variance of it, if the runs from a level had nothing in common.
    pub(super) within: f64,
    pub(super) events: u64,
}

/// Levels as a pilot found them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Levels {
    pub(super) at: Vec<f64>,
    /// Whether enough of those who come to the last one are down at their end.
    pub(super) lead: bool,
    /// Events of a run from the start to the end.
    pub(super) events_of_a_run: f64,
    pub(super) events: u64,
}

impl<'p> Course<'p> {
    fn ear(&self) -> Ear<'p> {
        (Roll::default(), (None, Some(Pulse::of(self.plan, self.client))))
    }

    /// A run from the start, up to the measured time.
    fn start(&self, seed: u64) -> Entry<'p> {
        let at = Time(self.plan.warmup.0);
        let mut machine = Machine::new(self.plan, seed, self.ear());
        machine.run_watched_to(at, |_| !self.watch.stopped());
        Entry { machine, at }
    }

    /// One of as many runs as are made from each level: from the start, or from those that came there, in turn; and the events
    /// it has behind it that nobody has counted.
    fn set_out(&self, from: Option<&[Entry<'p>]>, seed: u64, nth: u32) -> (Entry<'p>, u64) {
        match from {
            None => {
                let entry = self.start(seed);
                let events = entry.machine.events();
                (entry, events)
            }
            Some(entries) => {
                let entry = &entries[nth as usize % entries.len()];
                (Entry { machine: entry.machine.fork(seed), at: entry.at }, 0)
            }
        }
    }

    /// Goes on until a level is reached, or to the end; `None` where it was stopped.
    fn go(&self, entry: Entry<'p>, level: f64) -> Option<Leg<'p>> {
        let Entry { mut machine, mut at } = entry;
        let end = Time(self.plan.warmup.0) + self.plan.duration;
        let step = Span((self.plan.duration.0 / LOOKS).max(1));
        let (before, mut most) = (machine.events(), 0.0_f64);
        while at < end {
            at = (at + step).min(end);
            machine.run_watched_to(at, |_| !self.watch.stopped());
            if self.watch.stopped() {
                return None;
            }
            most = most.max(machine.strain());
            if most >= level {
                let events = machine.events() - before;
                return Some(Leg { there: Some(Entry { machine, at }), most, down: false, events });
            }
        }
        let finished = machine.run(|_| !self.watch.stopped());
        if finished.stop == Stop::Interrupted {
            return None;
        }
        // What no guard lets go on is not up.
        let guarded = !matches!(finished.stop, Stop::Ended | Stop::Patience);
        let pulse = finished.probe.1.1.as_ref();
        Some(Leg {
            there: None,
            most,
            down: guarded || pulse.is_some_and(Pulse::ended_down),
            events: finished.events - before,
        })
    }

    /// All runs from one level to the next.
    fn legs(&self, from: Option<&[Entry<'p>]>, level: f64, seed: u64) -> Option<Vec<Leg<'p>>> {
        let one = |nth: u32| {
            let (entry, events) = self.set_out(from, Lineage::root(seed, u64::from(nth)).0, nth);
            self.go(entry, level).map(|leg| Leg { events: leg.events + events, ..leg })
        };
        (0..EFFORT).map(one).collect()
    }

    /// Levels that a quarter of the runs from the one before come to, until enough of them are down at their end.
    pub(super) fn pilot(&self, seed: u64) -> Option<Levels> {
        let mut levels = Levels::default();
        let mut from: Option<Vec<Entry<'p>>> = None;
        while levels.at.len() < MOST_LEVELS {
            let seed = Lineage::root(seed, levels.at.len() as u64).0;
            let legs = self.legs(from.as_deref(), f64::INFINITY, seed)?;
            let events: u64 = legs.iter().map(|leg| leg.events).sum();
            levels.events += events;
            if from.is_none() {
                levels.events_of_a_run = events as f64 / f64::from(EFFORT);
            }
            let down = legs.iter().filter(|leg| leg.down).count();
            if down as f64 >= ENOUGH * legs.len() as f64 {
                levels.lead = true;
                return Some(levels);
            }
            let Some(next) = next_level(&legs, levels.at.last().copied()) else { return Some(levels) };
            let there = self.legs(from.as_deref(), next, seed)?;
            levels.events += there.iter().map(|leg| leg.events).sum::<u64>();
            from = Some(there.into_iter().filter_map(|leg| leg.there).collect());
            levels.at.push(next);
        }
        Some(levels)
    }

    /// One splitting run; `None` where it was stopped.
    pub(super) fn split(&self, levels: &[f64], seed: u64) -> Option<Split> {
        let mut found = Split::default();
        let (mut weight, mut from): (f64, Option<Vec<Entry<'p>>>) = (1.0, None);
        for stage in 0..=levels.len() {
            let level = levels.get(stage).copied().unwrap_or(f64::INFINITY);
            let legs = self.legs(from.as_deref(), level, Lineage::root(seed, stage as u64).0)?;
            found.events += legs.iter().map(|leg| leg.events).sum::<u64>();
            let runs = legs.len() as f64;
            let down = legs.iter().filter(|leg| leg.down).count() as f64 / runs;
            found.probability += weight * down;
            let there: Vec<Entry<'p>> = legs.into_iter().filter_map(|leg| leg.there).collect();
            let last = stage == levels.len();
            let share = if last { down } else { there.len() as f64 / runs };
            found.aside += if last { 0.0 } else { weight * down };
            if share <= 0.0 {
                break;
            }
            found.within += (1.0 - share) / (share * runs);
            weight *= share;
            from = Some(there);
        }
        Some(found)
    }
}

/// Where the next level is: what a quarter comes to; above the last one, if anybody gets there.
fn next_level(legs: &[Leg<'_>], last: Option<f64>) -> Option<f64> {
    let mut most: Vec<f64> = legs.iter().map(|leg| leg.most).collect();
    most.sort_by(f64::total_cmp);
    let at = ((1.0 - ARRIVE) * most.len() as f64) as usize;
    let higher = |level: &&f64| last.is_none_or(|last| **level > last);
    most[at..].iter().find(higher).copied()
}

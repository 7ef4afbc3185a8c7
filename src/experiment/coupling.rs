//! Coupling in time: what an outage costs, request by request. Both runs have the same requests, so each that arrives in
//! the outage is asked twice: was it served without, and is it with?
//!
//! `lost = 1 − Σ S₀S_X ÷ Σ S₀` over the requests that arrive in the outage, S the success without and with it;
//! `late = Σ S₀S_X·1[L_X − L₀ > θ] ÷ Σ S₀`, L the latencies. Clients that wait for their answers send other requests once
//! something is down: of these, successes are counted, not paired, and none is called late. Who is still waiting when the run
//! stops was not served: that is lost, and told.
//!
//! [`study()`] takes everything down in turn: nodes, brokers, edges and zones.

mod availability;
mod cast;
mod column;
mod product;
mod screen;
mod slow;
mod study;
mod visits;

pub use availability::{Availability, Available, Broken, Side, Unavailable};
pub(super) use cast::targets;
pub use cast::{Kind, Target};
pub use column::{Cell, Column, Index};
pub use screen::Screen;
pub use slow::{Breaks, Slowed, Slowness};
pub use study::{Conditions, Coupling, NoShelf, Shelf, SinglePoint, Study, Wanted, Whose, study};
pub(super) use visits::Visits;

use std::collections::BTreeMap;

use super::ear::Ear;
use super::estimate::CONFIDENCE;
use super::run::{Failure, Watch};
use super::summary::Estimate;
use crate::machine::{Machine, Stop, replication_seed};
use crate::model::source::Source;
use crate::model::{ClientId, Fact, Plan, Probe};
use crate::scenario::{Checked, lower};
use crate::stats::proportion;
use crate::units::{Span, Time};

/// Requests that were meant to set out between two moments, and what became of them.
#[derive(Clone, Debug, Default)]
pub struct Roll {
    window: (Time, Time),
    /// By client and moment (several at one moment in the order of their ends): success and latency.
    answers: BTreeMap<(u32, Time), Vec<(bool, Span)>>,
    /// By flow and moment.
    effects: BTreeMap<(u32, Time), Vec<(bool, Span)>>,
    /// Clients, and flows, whose next request waits for the last answer.
    closed: [Vec<u32>; 2],
    /// From here on a run is asked whether it is as well off as without the outage.
    tail: Time,
    /// By client, and by flow: successes among what was meant to set out from the window's beginning on, and of these from
    /// `tail` on.
    served: [BTreeMap<u32, [u64; 2]>; 2],
}

impl Probe for Roll {
    fn on(&mut self, now: Time, fact: Fact) {
        let (at, roll, key, end) = match fact {
            Fact::Answered { client, outcome, intended, measured: true } => {
                (0, &mut self.answers, (client.0, intended), (outcome.is_good(), now.since(intended)))
            }
            Fact::Ended { flow, outcome, intended, measured: true, .. } => {
                (1, &mut self.effects, (flow.0, intended), (outcome.is_good(), now.since(intended)))
            }
            _ => return,
        };
        if end.0 && key.1 >= self.window.0 {
            let served = self.served[at].entry(key.0).or_default();
            served[0] += 1;
            served[1] += u64::from(key.1 >= self.tail);
        }
        if key.1 >= self.window.0 && key.1 < self.window.1 {
            roll.entry(key).or_default().push(end);
        }
    }
}

/// When the outage is, from the start of the measured time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    /// Its beginning, s.
    pub at_s: f64,
    /// How long it is, s.
    pub for_s: f64,
}

impl Window {
    /// The middle of a run: from 30 % of the measured time, a fifth of it, at most 30 s.
    pub fn of(duration_s: f64) -> Self {
        let round = |s: f64| (s * 1e3).round() / 1e3;
        Self { at_s: round(0.3 * duration_s), for_s: round((0.2 * duration_s).min(30.0)) }
    }
}

/// The requests of all replications that arrive in the window.
pub fn rolls(checked: &Checked, window: Window, jobs: Option<usize>, watch: &dyn Watch) -> Result<Vec<Roll>, Failure> {
    let plan = lower(checked);
    let replications = checked.scenario.sim.replications.value;
    let rolls = super::parallel::each(replications, super::run::threads(checked, jobs), |index| {
        call_roll(&plan, window, index, watch)
    });
    let rolls: Option<Vec<Roll>> = rolls.into_iter().collect();
    rolls.ok_or(Failure::Interrupted)
}

/// The last so much of the measured time tells whether a run has come back.
const TAIL: f64 = 0.1;

impl Roll {
    /// Nobody yet.
    fn of(plan: &Plan, window: Window) -> Self {
        let at = plan.warmup + Span::from_secs_f64(window.at_s);
        let window = (Time(at.0), Time((at + Span::from_secs_f64(window.for_s)).0));
        let tail = plan.warmup.0 + (plan.duration.0 as f64 * (1.0 - TAIL)) as u64;
        Self { window, closed: closed(plan), tail: Time(tail.max(window.1.0)), ..Self::default() }
    }
}

fn call_roll(plan: &Plan, window: Window, index: u32, watch: &dyn Watch) -> Option<Roll> {
    let ear: Ear = (Roll::of(plan, window), (None, None));
    let finished = Machine::new(plan, replication_seed(plan.seed, index), ear).run(|_| !watch.stopped());
    (finished.stop != Stop::Interrupted).then_some(finished.probe.0)
}

fn closed(plan: &Plan) -> [Vec<u32>; 2] {
    let waits = |client: ClientId| matches!(plan.clients[client.index()].source, Source::Closed(_));
    let clients = (0..plan.clients.len() as u32).filter(|client| waits(ClientId(*client)));
    let flows = plan.flows.iter().zip(0..).filter(|(flow, _)| waits(flow.client)).map(|(_, at)| at);
    [clients.collect(), flows.collect()]
}

/// What an outage costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize)]
pub struct Toll {
    /// Share of the callers' requests that are served without the outage and fail with it.
    pub lost: Estimate,
    /// Share of the callers' requests that are served with it, but later by more than the bound: they waited it out.
    pub late: Estimate,
    /// Share of the effects that happen without the outage and never with it.
    pub effects_lost: Estimate,
    /// Share of the effects that happen later by more than the bound.
    pub effects_late: Estimate,
}

/// By how much later an answer, and an effect, is late.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Late {
    /// For whoever called.
    pub answer: Span,
    /// For what is to happen.
    pub effect: Span,
}

/// What became of the same requests with an outage.
pub fn toll(without: &[Roll], with: &[Roll], late: Late) -> Toll {
    let of = |party: fn(u32) -> Party, theta: Span| -> Vec<Tally> {
        let pairs = without.iter().zip(with);
        pairs.map(|(a, b)| a.all(party).map(|who| tally(a, b, who, theta)).sum()).collect()
    };
    let (answers, effects) = (of(Party::Client, late.answer), of(Party::Flow, late.effect));
    Toll {
        lost: share(&answers, |tally| tally.lost),
        late: share(&answers, |tally| tally.late),
        effects_lost: share(&effects, |tally| tally.lost),
        effects_late: share(&effects, |tally| tally.late),
    }
}

/// Whose requests or effects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Party {
    /// A client's requests.
    Client(u32),
    /// A flow's effects.
    Flow(u32),
}

/// What became of somebody's requests in one pair of runs.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Tally {
    /// Served without the outage.
    served: u64,
    /// Of these, not with it.
    lost: u64,
    /// Of these, still waiting when the run stopped.
    open: u64,
    /// Served with it, but late.
    late: u64,
    /// By how much these, s.
    late_by_s: f64,
}

impl std::iter::Sum for Tally {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |a, b| Self {
            served: a.served + b.served,
            lost: a.lost + b.lost,
            open: a.open + b.open,
            late: a.late + b.late,
            late_by_s: a.late_by_s + b.late_by_s,
        })
    }
}

/// A share of what was served without the outage, over replications.
fn share(tallies: &[Tally], of: fn(&Tally) -> u64) -> Estimate {
    proportion(&tallies.iter().map(|tally| (of(tally), tally.served)).collect::<Vec<_>>(), CONFIDENCE)
}

impl Roll {
    /// How somebody's requests in the window ended.
    fn ends(&self, who: Party) -> impl Iterator<Item = (&(u32, Time), &Vec<(bool, Span)>)> {
        let (ends, at) = match who {
            Party::Client(at) => (&self.answers, at),
            Party::Flow(at) => (&self.effects, at),
        };
        ends.range((at, Time(0))..=(at, Time(u64::MAX)))
    }

    /// All that have any.
    fn all(&self, party: fn(u32) -> Party) -> impl Iterator<Item = Party> {
        let ends = match party(0) {
            Party::Client(_) => &self.answers,
            Party::Flow(_) => &self.effects,
        };
        let mut all: Vec<u32> = ends.keys().map(|key| key.0).collect();
        all.dedup();
        all.into_iter().map(party)
    }

    fn is_closed(&self, who: Party) -> bool {
        match who {
            Party::Client(at) => self.closed[0].contains(&at),
            Party::Flow(at) => self.closed[1].contains(&at),
        }
    }
}

fn tally(without: &Roll, with: &Roll, who: Party, theta: Span) -> Tally {
    let mut sum = Tally::default();
    if without.is_closed(who) {
        let served = |roll: &Roll| roll.ends(who).flat_map(|(_, ends)| ends).filter(|end| end.0).count() as u64;
        let before = served(without);
        return Tally { served: before, lost: before.saturating_sub(served(with)), ..sum };
    }
    let mut then = with.ends(who).peekable();
    for (key, before) in without.ends(who) {
        while then.next_if(|(other, _)| *other < key).is_some() {}
        let after = then.peek().filter(|(other, _)| *other == key).map_or(&[][..], |(_, ends)| ends.as_slice());
        for (at, (_, latency)) in before.iter().enumerate().filter(|(_, end)| end.0) {
            sum.served += 1;
            match after.get(at) {
                Some((true, then)) if then.0 > latency.0 + theta.0 => {
                    sum.late += 1;
                    sum.late_by_s += Span(then.0 - latency.0).as_secs_f64();
                }
                Some((true, _)) => {}
                other => {
                    sum.lost += 1;
                    sum.open += u64::from(other.is_none());
                }
            }
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roll(ends: &[(u64, bool, u64)]) -> Roll {
        let mut roll = Roll::default();
        for (at, good, latency) in ends {
            roll.answers.entry((0, Time(*at))).or_default().push((*good, Span(*latency)));
            roll.effects.entry((0, Time(*at))).or_default().push((*good, Span(*latency)));
        }
        roll
    }

    #[test]
    fn each_request_is_asked_twice() {
        let without = roll(&[(1, true, 10), (2, true, 10), (3, false, 10), (4, true, 10)]);
        let with = roll(&[(1, true, 10), (2, false, 10), (3, true, 10), (4, true, 25)]);
        let toll = toll(&[without], &[with], Late { answer: Span(14), effect: Span(15) });
        // Three were served; one of them is lost and one late. What failed anyway is nobody's loss.
        assert_eq!(toll.lost.value, Some(1.0 / 3.0));
        assert_eq!(toll.late.value, Some(1.0 / 3.0));
        assert_eq!((toll.effects_lost.value, toll.effects_late.value), (Some(1.0 / 3.0), Some(0.0)));
    }

    #[test]
    fn of_users_who_wait_for_answers_successes_are_counted() {
        // The same three users at other moments, and one answer less.
        let without = Roll { closed: [vec![0], vec![0]], ..roll(&[(1, true, 10), (5, true, 10), (9, true, 10)]) };
        let with = Roll { closed: without.closed.clone(), ..roll(&[(1, true, 10), (3, false, 1), (4, true, 10)]) };
        let toll = toll(&[without], &[with], Late::default());
        assert_eq!((toll.lost.value, toll.late.value), (Some(1.0 / 3.0), Some(0.0)));
    }

    #[test]
    fn what_never_ended_is_lost() {
        let toll = toll(&[roll(&[(1, true, 10)])], &[roll(&[])], Late::default());
        assert_eq!(toll.lost.value, Some(1.0));
    }

    #[test]
    fn the_outage_lies_within_the_run() {
        assert_eq!(Window::of(60.0), Window { at_s: 18.0, for_s: 12.0 });
        assert_eq!(Window::of(600.0).for_s, 30.0);
    }
}

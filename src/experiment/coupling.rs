//! Coupling in time: what an outage costs, request by request. Both runs have the same requests, so each that arrives in
//! the outage is asked twice: was it served without, and is it with?
//!
//! `lost = 1 − Σ S₀S_X ÷ Σ S₀` over the requests that arrive in the outage, S the success without and with it;
//! `late = Σ S₀S_X·1[L_X − L₀ > θ] ÷ Σ S₀`, L the latencies. Clients that wait for their answers send other requests once
//! something is down: of these, successes are counted, not paired, and none is called late.

use std::collections::BTreeMap;

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
}

impl Probe for Roll {
    fn on(&mut self, now: Time, fact: Fact) {
        let (roll, key, end) = match fact {
            Fact::Answered { client, outcome, intended, measured: true } => {
                (&mut self.answers, (client.0, intended), (outcome.is_good(), now.since(intended)))
            }
            Fact::Ended { flow, outcome, intended, measured: true } => {
                (&mut self.effects, (flow.0, intended), (outcome.is_good(), now.since(intended)))
            }
            _ => return,
        };
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

fn call_roll(plan: &Plan, window: Window, index: u32, watch: &dyn Watch) -> Option<Roll> {
    let at = plan.warmup + Span::from_secs_f64(window.at_s);
    let window = (Time(at.0), Time((at + Span::from_secs_f64(window.for_s)).0));
    let roll = Roll { window, closed: closed(plan), ..Roll::default() };
    let finished = Machine::new(plan, replication_seed(plan.seed, index), roll).run(|_| !watch.stopped());
    (finished.stop != Stop::Interrupted).then_some(finished.probe)
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

/// How requests ended, by client and the moment they were meant to set out.
type Ends = BTreeMap<(u32, Time), Vec<(bool, Span)>>;

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
    let shares = |of: fn(&Roll) -> &Ends, at: usize, theta: Span| -> Vec<[u64; 3]> {
        without.iter().zip(with).map(|(a, b)| tally(of(a), of(b), &a.closed[at], theta)).collect()
    };
    let estimate = |parts: &[[u64; 3]], at: usize| {
        proportion(&parts.iter().map(|part| (part[at], part[0])).collect::<Vec<_>>(), CONFIDENCE)
    };
    let answers = shares(|roll| &roll.answers, 0, late.answer);
    let effects = shares(|roll| &roll.effects, 1, late.effect);
    Toll {
        lost: estimate(&answers, 1),
        late: estimate(&answers, 2),
        effects_lost: estimate(&effects, 1),
        effects_late: estimate(&effects, 2),
    }
}

/// Served without; of these, not with; of these, late with.
fn tally(without: &Ends, with: &Ends, closed: &[u32], theta: Span) -> [u64; 3] {
    let mut sum = [0; 3];
    for (key, before) in without.iter().filter(|(key, _)| !closed.contains(&key.0)) {
        let after = with.get(key).map_or(&[][..], Vec::as_slice);
        for (at, (_, latency)) in before.iter().enumerate().filter(|(_, end)| end.0) {
            sum[0] += 1;
            match after.get(at) {
                Some((true, then)) => sum[2] += u64::from(then.0 > latency.0 + theta.0),
                _ => sum[1] += 1,
            }
        }
    }
    for client in closed {
        let served = |ends: &Ends| {
            let own = ends.range((*client, Time(0))..=(*client, Time(u64::MAX)));
            own.map(|(_, ends)| ends.iter().filter(|end| end.0).count() as u64).sum::<u64>()
        };
        let before = served(without);
        sum[0] += before;
        sum[1] += before.saturating_sub(served(with));
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

//! How one client fares, second by second, around a trigger: the least that has to be heard to say whether it comes back.

use crate::experiment::measure::Window;
use crate::experiment::recovery::{Band, Seen, after};
use crate::experiment::run::Watch;
use crate::machine::{Machine, Stop};
use crate::model::{Aside, ClientId, Fact, Open, Plan, Probe};
use crate::units::{Span, Time};

/// Width of a window, ns.
const SECOND: u64 = 1_000_000_000;

/// So many seconds are asked whether somebody is down, more where traffic is thin.
const ASKED: usize = 3;

/// So many requests, on average, tell that.
const TELLING: u32 = 20;

/// Who loses more than this share before the trigger is down already.
const MOST: f64 = 0.5;

/// One client's requests by the second in which they set out, and when the trigger was on.
#[derive(Clone, Debug)]
pub(in crate::experiment) struct Pulse {
    client: ClientId,
    start: Time,
    windows: Vec<Window>,
    /// From when to when it was on.
    on: Option<(Time, Option<Time>)>,
    /// Since when whatever set out was under way when the trigger came.
    touched: Time,
    /// How much was under way at the end of each second.
    crowd: Vec<u64>,
    /// Whether a guard ended the run.
    guarded: bool,
}

impl Probe for Pulse {
    fn on(&mut self, now: Time, fact: Fact) {
        match fact {
            Fact::Offered { client, measured: true } if client == self.client => {
                if let Some(window) = self.window(now) {
                    window.arrived += 1;
                }
            }
            Fact::Answered { client, outcome, intended, measured: true } if client == self.client => {
                self.touch(intended);
                if let Some(window) = self.window(intended) {
                    window.ended += 1;
                    window.failed += u32::from(!outcome.is_good());
                    window.latency += now.since(intended).0;
                }
            }
            Fact::LeftOpen(Open::Request(client), since) if client == self.client => self.touch(since),
            Fact::Struck { on: true, .. } => _ = self.on.get_or_insert((now, None)),
            Fact::Struck { on: false, .. } => {
                if let Some((_, until)) = &mut self.on {
                    *until = Some(now);
                }
            }
            _ => {}
        }
    }
}

impl Pulse {
    pub(super) fn of(plan: &Plan, client: ClientId) -> Self {
        let seconds = plan.duration.0.div_ceil(SECOND) as usize;
        let windows = vec![Window::default(); seconds];
        Self {
            client,
            start: Time(plan.warmup.0),
            windows,
            on: None,
            touched: Time::NEVER,
            crowd: Vec::new(),
            guarded: false,
        }
    }

    /// One run of a plan under a seed; `None` where it was stopped.
    pub(in crate::experiment) fn take(plan: &Plan, client: ClientId, seed: u64, watch: &dyn Watch) -> Option<Self> {
        let mut pulse = Self::of(plan, client);
        let mut machine = Machine::new(plan, seed, Aside(&mut pulse));
        let mut crowd = Vec::new();
        for second in 0..plan.duration.0.div_ceil(SECOND) {
            machine.run_watched_to(Time(plan.warmup.0 + (second + 1) * SECOND), |_| !watch.stopped());
            crowd.push(machine.under_way());
        }
        let finished = machine.run(|_| !watch.stopped());
        let guarded = !matches!(finished.stop, Stop::Ended | Stop::Patience);
        (finished.stop != Stop::Interrupted).then_some(Self { crowd, guarded, ..pulse })
    }

    fn window(&mut self, at: Time) -> Option<&mut Window> {
        let second = at.0.checked_sub(self.start.0)? / SECOND;
        self.windows.get_mut(second as usize)
    }

    fn touch(&mut self, intended: Time) {
        if self.on.is_some_and(|(from, _)| intended < from) {
            self.touched = self.touched.min(intended);
        }
    }

    fn second(&self, at: Time) -> f64 {
        at.0.saturating_sub(self.start.0) as f64 / SECOND as f64
    }

    /// The seconds before the trigger whose requests had ended when it came.
    fn healthy(&self) -> &[Window] {
        let first = self.on.map_or(Time::NEVER, |(from, _)| from).min(self.touched);
        let end = if first == Time::NEVER { self.windows.len() } else { self.second(first) as usize };
        &self.windows[..end.min(self.windows.len())]
    }

    /// Stretches of time that are long enough to tell whether somebody is down.
    fn stretches(windows: &[Window]) -> impl DoubleEndedIterator<Item = &[Window]> {
        let all: u32 = windows.iter().map(|window| window.arrived).sum();
        let thin = (f64::from(TELLING) * windows.len() as f64 / f64::from(all.max(1))).ceil() as usize;
        windows.rchunks(ASKED.max(thin))
    }

    /// Whether most of what set out right before the trigger was lost.
    fn was_down(&self) -> bool {
        Self::stretches(self.healthy()).next().is_some_and(lost)
    }

    /// Whether most was lost at any time before the trigger: then what was usual cannot be read off this run.
    fn stumbled(&self) -> bool {
        Self::stretches(self.healthy()).any(lost)
    }

    /// Whether most of what set out in the last seconds of the run was lost.
    pub(super) fn ended_down(&self) -> bool {
        Self::stretches(&self.windows).next().is_some_and(lost)
    }

    /// Whether less and less is under way after a moment, s: then a line only takes its time, though nobody in it is served.
    fn thins_from(&self, moment: f64) -> bool {
        thins(&self.crowd[(moment.ceil() as usize).min(self.crowd.len())..])
    }
}

/// Less is under way when the last quarter has less than so much of the first.
const THINNER: f64 = 0.9;

/// What falls by more than so many times what chance alone would move it falls.
const FALLS: f64 = 0.5;

/// Whether a crowd gets smaller, second by second: markedly, or by more than a walk of its steps would by chance.
fn thins(crowd: &[u64]) -> bool {
    let quarter = crowd.len() / 4;
    if quarter == 0 {
        return false;
    }
    let sum = |part: &[u64]| part.iter().sum::<u64>() as f64;
    let steps: Vec<f64> = crowd.windows(2).map(|pair| pair[1] as f64 - pair[0] as f64).collect();
    let (n, all) = (steps.len() as f64, steps.iter().sum::<f64>());
    let variance = steps.iter().map(|step| (step - all / n) * (step - all / n)).sum::<f64>() / n;
    sum(&crowd[crowd.len() - quarter..]) < THINNER * sum(&crowd[..quarter]) || all < -FALLS * (variance * n).sqrt()
}

/// Whether more than half of what set out was lost.
fn lost(windows: &[Window]) -> bool {
    let sum = windows.iter().fold(Window::default(), Window::plus);
    f64::from(sum.ended - sum.failed) < (1.0 - MOST) * f64::from(sum.arrived)
}

/// What became of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::experiment) enum Fate {
    /// When it was as before so many seconds after the trigger's end.
    Back(f64),
    /// When it was not, for long enough to say so, and what is under way does not become less.
    Down,
    /// When it was down before the trigger came.
    Before,
    /// When it could not be seen, and why.
    Unseen(&'static str),
}

const TOO_LITTLE: &str = "too little is known of the time before the trigger";
const NO_END: &str = "the run ends first";
const GUARD: &str = "a guard ends the run (max_events, max_in_flight)";

/// What became of runs with the same plan: what is usual is read off those that were well all the time before the trigger.
pub(in crate::experiment) fn fates(pulses: &[Pulse]) -> Vec<Fate> {
    let before: Vec<bool> = pulses.iter().map(Pulse::was_down).collect();
    let healthy: Vec<&[Window]> = pulses.iter().filter(|pulse| !pulse.stumbled()).map(Pulse::healthy).collect();
    let band = Band::of(&healthy).ok_or(TOO_LITTLE).and_then(Band::telling);
    let fate = |(pulse, down): (&Pulse, &bool)| match (down, band, pulse.on) {
        _ if pulse.guarded => Fate::Unseen(GUARD),
        (true, ..) => Fate::Before,
        (false, Err(why), _) => Fate::Unseen(why),
        (false, _, None | Some((_, None))) => Fate::Unseen(NO_END),
        (false, Ok(band), Some((from, Some(until)))) => {
            match after(&pulse.windows, (pulse.second(from), pulse.second(until)), band) {
                Seen::Back(s) => Fate::Back(s),
                Seen::Not if pulse.thins_from(pulse.second(until)) => Fate::Unseen(NO_END),
                Seen::Not => Fate::Down,
                Seen::Nothing(why) => Fate::Unseen(why),
            }
        }
    };
    pulses.iter().zip(&before).map(fate).collect()
}

/// A length of time on the plan's clock.
pub(super) fn span(seconds: f64) -> Span {
    Span((seconds * 1e9).round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_served_slowly_gets_less() {
        let of = |slope: i64| (0..60_i64).map(|s| (900 + slope * s + 40 * (s % 3 - 1)) as u64).collect::<Vec<u64>>();
        assert!(thins(&of(-12)) && thins(&of(-6)));
        assert!(!thins(&of(0)) && !thins(&of(12)) && !thins(&[5, 4, 3]));
    }
}

//! How one client fares, second by second, around a trigger: the least that has to be heard to say whether it comes back.

use crate::experiment::measure::Window;
use crate::experiment::recovery::{Band, Seen, after};
use crate::experiment::run::Watch;
use crate::machine::{Machine, Stop};
use crate::model::{Aside, ClientId, Fact, Open, Plan, Probe};
use crate::units::{Span, Time};

/// Width of a window, ns.
const SECOND: u64 = 1_000_000_000;

/// So many seconds before the trigger are asked whether somebody is down already.
const BEFORE: usize = 10;

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
    fn of(plan: &Plan, client: ClientId) -> Self {
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

    /// Whether most of what set out before the trigger was lost.
    fn was_down(&self) -> bool {
        let healthy = self.healthy();
        let last = &healthy[healthy.len().saturating_sub(BEFORE)..];
        let sum = last.iter().fold(Window::default(), Window::plus);
        let good = sum.ended - sum.failed;
        f64::from(good) < (1.0 - MOST) * f64::from(sum.arrived)
    }

    /// Whether less and less is under way after a moment, s: then a line only takes its time, though nobody in it is served.
    fn thins_from(&self, moment: f64) -> bool {
        let after = &self.crowd[(moment.ceil() as usize).min(self.crowd.len())..];
        let quarter = after.len() / 4;
        let sum = |part: &[u64]| part.iter().sum::<u64>() as f64;
        quarter > 0 && sum(&after[after.len() - quarter..]) < THINNER * sum(&after[..quarter])
    }
}

/// Less is under way when it is less than so much of what was.
const THINNER: f64 = 0.9;

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

/// What became of runs with the same plan: what is usual is read off all of them that were not down before.
pub(in crate::experiment) fn fates(pulses: &[Pulse]) -> Vec<Fate> {
    let before: Vec<bool> = pulses.iter().map(Pulse::was_down).collect();
    let well = pulses.iter().zip(&before).filter(|(_, down)| !**down);
    let healthy: Vec<&[Window]> = well.map(|(pulse, _)| pulse.healthy()).collect();
    let band = Band::of(&healthy);
    let fate = |(pulse, down): (&Pulse, &bool)| match (down, band, pulse.on) {
        _ if pulse.guarded => Fate::Unseen(GUARD),
        (true, ..) => Fate::Before,
        (false, None, _) => Fate::Unseen(TOO_LITTLE),
        (false, _, None | Some((_, None))) => Fate::Unseen(NO_END),
        (false, Some(band), Some((from, Some(until)))) => {
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

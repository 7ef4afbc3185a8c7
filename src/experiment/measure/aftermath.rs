//! What faults leave behind: when they were on, and how each client fared second by second.

use crate::model::fault::When;
use crate::model::plan::Plan;
use crate::model::{FaultId, Outcome};
use crate::units::{Span, Time};

/// Width of a window, ns.
const WINDOW: u64 = 1_000_000_000;

/// Longer runs have no windows: nobody waits for seconds there.
const MOST: u64 = 1_000_000;

/// A client's requests that set out in one second.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Window {
    pub(crate) arrived: u32,
    pub(crate) ended: u32,
    pub(crate) failed: u32,
    /// Of all that ended, ns.
    pub(crate) latency: u64,
}

/// One time that a fault was on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spell {
    pub(crate) fault: FaultId,
    pub(crate) from: Time,
    /// `None` while it is on.
    pub(crate) until: Option<Time>,
}

/// Of one replication; empty in a plan without faults.
#[derive(Clone, Debug, Default)]
pub(crate) struct Aftermath {
    start: Time,
    /// By client.
    pub(crate) windows: Vec<Vec<Window>>,
    pub(crate) spells: Vec<Spell>,
}

impl Aftermath {
    pub(super) fn new(plan: &Plan) -> Self {
        let seconds = plan.duration.0.div_ceil(WINDOW);
        let wanted = !plan.faults.is_empty() && seconds <= MOST;
        let clients = if wanted { plan.clients.len() } else { 0 };
        Self {
            start: Time(plan.warmup.0),
            windows: vec![vec![Window::default(); seconds as usize]; clients],
            spells: Vec::new(),
        }
    }

    #[inline]
    fn window(&mut self, client: usize, at: Time) -> Option<&mut Window> {
        let second = at.0.checked_sub(self.start.0)? / WINDOW;
        self.windows.get_mut(client)?.get_mut(second as usize)
    }

    #[inline]
    pub(super) fn offer(&mut self, client: usize, at: Time) {
        if let Some(window) = self.window(client, at) {
            window.arrived += 1;
        }
    }

    #[inline]
    pub(super) fn answer(&mut self, client: usize, intended: Time, outcome: Outcome, latency: Span) {
        if let Some(window) = self.window(client, intended) {
            window.ended += 1;
            window.failed += u32::from(!outcome.is_good());
            window.latency += latency.0;
        }
    }

    pub(super) fn strike(&mut self, fault: FaultId, on: bool, now: Time) {
        if on {
            self.spells.push(Spell { fault, from: now, until: None });
        } else if let Some(spell) = self.spells.iter_mut().rev().find(|s| s.fault == fault && s.until.is_none()) {
            spell.until = Some(now);
        }
    }

    /// A time as seconds from the start of the measured time, which may have been before it.
    pub(crate) fn second(&self, at: Time) -> f64 {
        (at.0 as f64 - self.start.0 as f64) / WINDOW as f64
    }
}

/// When a fault is on once, in seconds from the start of the measured time: its beginning, and how long, if it ends.
pub(crate) fn planned(plan: &Plan, when: When) -> (Option<f64>, Option<f64>) {
    match when {
        When::Once { from, until } => {
            let length = (until != Time::NEVER).then(|| until.since(from).as_secs_f64());
            (Some(from.since(Time(plan.warmup.0)).as_secs_f64()), length)
        }
        When::Random { .. } => (None, None),
    }
}

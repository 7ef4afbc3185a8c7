//! Faults strike and end: replicas go down, die, stand still, and come back.
//!
//! A message asks how its replica is when it arrives and when its answer leaves; nothing else on the way of a request looks
//! at faults, and a plan without any pays one predictable branch for that. The onset of a fault is rare, so it may look
//! through all requests in flight.

use crate::kernel::Phase;
use crate::model::fault::{Effect, Mode, When};
use crate::model::{Cause, Fact, FaultId, Outcome, Probe};
use crate::random::{Lineage, Purpose};
use crate::units::{Span, Time};

use super::Machine;
use super::event::Event;
use super::frame::{Cut, Origin};
use super::walk::{DIAL, GONE};

/// Names the draw of a reset's way to the caller.
const RESET: u32 = 1 << 21;

/// How often an idle machine that wears out by running is looked at, at least.
const LOOK: Span = Span(1_000_000);

/// What faults do to a replica now. They overlap, so each is counted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plight {
    /// Faults that take it down.
    pub(super) down: u32,
    /// Of these, those that make messages vanish, and of these, those whose kernel goes on.
    pub(super) holes: u32,
    pub(super) hangs: u32,
    /// Faults that cut it off its network.
    pub(super) cuts: u32,
    /// Faults that make it stand still.
    pub(super) frozen: u32,
    /// Since when it stands still.
    pub(super) since: Time,
    /// How many times as long work takes.
    pub(super) slow: f64,
}

impl Default for Plight {
    fn default() -> Self {
        Self { down: 0, holes: 0, hangs: 0, cuts: 0, frozen: 0, since: Time(0), slow: 1.0 }
    }
}

/// Where a fault stands.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Strike {
    on: bool,
    /// How often it has ended.
    nth: u64,
    /// Work until it strikes next, for one that counts only that, and how much had been done when that was said.
    left: Span,
    mark: Span,
    /// Works under way on its target, since when there is one, and time with any before that.
    working: u32,
    since: Time,
    worked: Span,
    /// Of a deploy: how often the next replicas took their turn.
    pub(super) wave: u64,
}

/// What faults do now, and what waits for their end.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    /// By replica; empty in a plan without faults.
    pub(super) plights: Vec<Plight>,
    pub(super) strikes: Vec<Strike>,
    /// Faults that are on, by replica and by link, as far as these only remember them.
    pub(super) on_replica: Vec<Vec<u32>>,
    pub(super) on_link: Vec<Vec<u32>>,
    /// By frame: what the replica's clock had lost when its work began.
    pub(super) lost: Vec<Span>,
    /// Messages that the network drops.
    pub(super) dropped: super::resend::Dropped,
    /// Frames that go on when their replica thaws.
    pub(super) parked: Vec<u32>,
    /// Timers of a replica that stands still: they ring when it thaws.
    pub(super) ringing: Vec<(Event, u32, Time)>,
    /// Tries that timed out while their caller (a replica) stood still, and what they were.
    pub(super) overdue: Vec<(u32, u32, Lineage)>,
}

impl<P: Probe> Machine<'_, P> {
    /// Puts the first onset of every fault on the agenda.
    pub(super) fn expect_faults(&mut self) {
        let plan = self.plan;
        if !self.faulted {
            return;
        }
        self.trouble.plights = vec![Plight::default(); self.replicas.len()];
        self.trouble.strikes = vec![Strike::default(); plan.faults.len()];
        self.trouble.on_replica = vec![Vec::new(); self.replicas.len()];
        self.trouble.on_link = vec![Vec::new(); plan.links.len()];
        for (at, fault) in (0..).zip(&plan.faults) {
            let first = match fault.when {
                When::Once { from, .. } => from,
                When::Random { .. } => self.now + self.wait_for(at),
            };
            self.agenda.push(first, Phase::Recovery, Event::Fault(at));
        }
    }

    /// The time from now to the next onset of a fault at random, as far as it is known now.
    fn wait_for(&mut self, at: u32) -> Span {
        let strike = &mut self.trouble.strikes[at as usize];
        strike.left = self.plan.faults[at as usize].span(self.plan, self.seed, strike.nth, false);
        strike.mark = strike.done(self.now);
        strike.left
    }

    /// A fault begins or ends.
    pub(super) fn strike(&mut self, at: u32) {
        let fault = &self.plan.faults[at as usize];
        self.toil((self.frames.peak() / 16 + fault.replicas.len() + fault.links.len()) as u64);
        if let Effect::Deploy { at_once } = fault.effect {
            return self.roll(at, at_once);
        }
        match fault.effect {
            Effect::Move { hole } => return self.relocate(at, hole),
            Effect::Cold | Effect::Poison => return self.spoil(at),
            _ => {}
        }
        let (on, nth) = (!self.trouble.strikes[at as usize].on, self.trouble.strikes[at as usize].nth);
        if on && self.is_spared(at) {
            return;
        }
        self.trouble.strikes[at as usize].on = on;
        if fault.effect == Effect::Blackout {
            self.darken(&fault.replicas, on);
        } else {
            fault.replicas.iter().for_each(|replica| self.turn(*replica, at, on));
        }
        self.turn_links(at, on);
        if !on {
            self.unpark();
            self.deliver_kept();
        }
        let next = match fault.when {
            When::Once { until, .. } => {
                if on {
                    until
                } else {
                    Time::NEVER
                }
            }
            When::Random { .. } if on => self.now + fault.span(self.plan, self.seed, nth, true),
            When::Random { .. } => self.strikes_next(at),
        };
        if next != Time::NEVER {
            self.agenda.push(next, Phase::Recovery, Event::Fault(at));
        }
        self.tell(Fact::Struck { fault: FaultId(at), on });
    }

    /// When a fault at random that has ended strikes again.
    pub(super) fn strikes_next(&mut self, at: u32) -> Time {
        self.trouble.strikes[at as usize].nth += 1;
        self.now + self.wait_for(at)
    }

    /// A deploy goes on.
    fn roll(&mut self, at: u32, at_once: u32) {
        let first = self.trouble.strikes[at as usize].wave == 0;
        let next = self.deploy(at, at_once);
        if let Some(next) = next {
            self.agenda.push(next, Phase::Recovery, Event::Fault(at));
        }
        if first || next.is_none() {
            self.tell(Fact::Struck { fault: FaultId(at), on: first });
        }
    }

    /// Whether a fault that counts only work has to wait for more of it.
    pub(super) fn is_spared(&mut self, at: u32) -> bool {
        let When::Random { busy_only: true, .. } = self.plan.faults[at as usize].when else { return false };
        let strike = &self.trouble.strikes[at as usize];
        let left = Span(strike.left.0.saturating_sub(strike.done(self.now).0 - strike.mark.0));
        if left == Span::ZERO {
            return false;
        }
        let wait = if strike.working == 0 { left.max(LOOK) } else { left };
        self.agenda.push(self.now + wait, Phase::Recovery, Event::Fault(at));
        true
    }

    /// Work begins or ends on a replica: faults that count it hear of it.
    #[inline(never)]
    pub(super) fn wear(&mut self, replica: u32, begins: bool) {
        let now = self.now;
        for (fault, strike) in self.plan.faults.iter().zip(&mut self.trouble.strikes) {
            if !matches!(fault.when, When::Random { busy_only: true, .. }) || !fault.replicas.contains(&replica) {
                continue;
            }
            strike.worked = strike.done(now);
            strike.since = now;
            strike.working = if begins { strike.working + 1 } else { strike.working - 1 };
        }
    }

    /// A fault begins or ends on one replica.
    fn turn(&mut self, replica: u32, fault: u32, on: bool) {
        let (hole, crash) = match self.plan.faults[fault as usize].effect {
            Effect::Outage { mode: Mode::Drop } => return self.cut_off(replica, on),
            Effect::Outage { mode } => {
                let hangs = &mut self.trouble.plights[replica as usize].hangs;
                let hang = u32::from(mode == Mode::Hang);
                *hangs = if on { *hangs + hang } else { *hangs - hang };
                (mode == Mode::Hang, false)
            }
            Effect::Crash { hole } => (hole, true),
            Effect::Freeze => {
                if on {
                    self.freeze(replica);
                } else {
                    self.thaw(replica);
                }
                return self.watch(replica);
            }
            _ => return self.enlist_on(replica, fault, on),
        };
        if on { self.take_down(replica, hole, crash) } else { self.bring_up(replica, hole, crash) }
    }

    /// Whether a replica takes requests.
    pub(super) fn is_up(&self, replica: u32) -> bool {
        self.trouble.plights.get(replica as usize).is_none_or(|plight| plight.down == 0)
    }

    /// Whether nothing cuts a replica off its network.
    pub(super) fn is_connected(&self, replica: u32) -> bool {
        self.trouble.plights.get(replica as usize).is_none_or(|plight| plight.cuts == 0)
    }

    /// Whether a replica stands still.
    #[inline]
    pub(super) fn is_frozen(&self, replica: u32) -> bool {
        self.trouble.plights.get(replica as usize).is_some_and(|plight| plight.frozen > 0)
    }

    fn take_down(&mut self, replica: u32, hole: bool, crash: bool) {
        let was_up = self.is_up(replica);
        let plight = &mut self.trouble.plights[replica as usize];
        plight.down += 1;
        plight.holes += u32::from(hole);
        let silent = plight.holes > 0;
        if crash {
            self.kill(replica, silent);
        }
        if !silent {
            self.sever(replica);
        }
        if crash || !silent {
            self.reset_connections(replica);
        }
        if was_up || crash {
            self.lose_consumers(replica, crash);
        }
        self.watch(replica);
        self.recount(self.replicas[replica as usize].node);
    }

    /// A fault that took a replica down is over; what restarts has to get ready.
    pub(super) fn bring_up(&mut self, replica: u32, hole: bool, restarts: bool) {
        if restarts {
            self.restart(replica);
        }
        let plight = &mut self.trouble.plights[replica as usize];
        plight.down -= 1;
        plight.holes -= u32::from(hole);
        if self.is_ready(replica) {
            self.regain_consumers(replica);
        }
        self.watch(replica);
        self.recount(self.replicas[replica as usize].node);
    }

    /// Callers of whatever is in flight to a replica, or in progress there, are to hear that it is lost; the work goes on.
    pub(super) fn sever(&mut self, replica: u32) {
        for at in self.frames.live_slots() {
            let frame = &self.frames[at];
            let here = frame.replica == replica && frame.origin == Origin::Try;
            if !here || frame.pc == GONE || frame.abandoned || frame.cut != Cut::Whole || !self.is_sent(at) {
                continue;
            }
            self.frames[at].cut = Cut::Severed;
            if self.frames[at].pc != DIAL.0 {
                let (lineage, back) = (self.frames[at].lineage, self.plan.calls[self.frames[at].call as usize].back);
                let back = self.vary(back, lineage, Purpose::Back, RESET);
                self.schedule(back, Event::Return(at));
            }
        }
    }

    /// A request arrives: says whether its replica, being down, does not take it.
    #[inline(never)]
    pub(super) fn turns_away(&mut self, at: u32) -> bool {
        let frame = &self.frames[at];
        // A broker knows of its consumers, and tells them apart itself.
        if frame.origin == Origin::Message {
            return false;
        }
        let plight = self.trouble.plights[frame.replica as usize];
        if frame.cut == Cut::Dead {
            self.pass_away(at);
            return true;
        }
        if self.is_dropped(at, false) {
            return true;
        }
        let frame = &self.frames[at];
        let silent = plight.holes > 0 || self.is_unheard(at);
        if plight.down == 0 && frame.cut == Cut::Whole && !silent {
            return self.fails_at_once(at);
        }
        let outcome = if frame.cut == Cut::Severed { Outcome::Reset } else { Outcome::ConnectFailed };
        self.charge(at, Cause::Network);
        self.turn_back(at, outcome, silent);
        true
    }

    /// A try comes back with nothing but how it failed; or, where messages vanish, does not come back.
    pub(super) fn turn_back(&mut self, at: u32, outcome: Outcome, vanishes: bool) {
        let frame = &mut self.frames[at];
        frame.pc = GONE;
        frame.outcome = outcome;
        frame.cut = Cut::Whole;
        if frame.abandoned {
            return self.pass_away(at);
        }
        if vanishes {
            frame.cut = Cut::Void;
            return;
        }
        let (lineage, back) = (frame.lineage, self.plan.calls[frame.call as usize].back);
        let back = self.vary(back, lineage, Purpose::Back, RESET);
        self.schedule(back, Event::Return(at));
    }

    /// An answer leaves: says whether it goes nowhere.
    #[inline(never)]
    pub(super) fn is_lost(&mut self, at: u32) -> bool {
        let frame = &mut self.frames[at];
        let plight = self.trouble.plights[frame.replica as usize];
        if frame.cut == Cut::Severed {
            frame.answered = true;
            return true;
        }
        if plight.down == 0 || plight.holes == 0 && !frame.abandoned {
            return false;
        }
        self.vanish(at);
        true
    }

    /// An answer arrives: says whether it is none, or is not to arrive.
    #[inline(never)]
    pub(super) fn intercept(&mut self, at: u32) -> bool {
        let frame = &mut self.frames[at];
        match frame.cut {
            Cut::Severed => {
                frame.cut = Cut::Whole;
                self.hear_reset(at);
                return true;
            }
            Cut::Dead => {
                self.pass_away(at);
                return true;
            }
            Cut::Unsent if frame.abandoned => {
                self.pass_away(at);
                return true;
            }
            Cut::Unsent => return false,
            Cut::Whole | Cut::Void | Cut::Astray => {}
        }
        if self.is_dropped(at, true) {
            return true;
        }
        let lost = self.trouble.plights[self.frames[at].replica as usize].holes > 0;
        if lost {
            self.vanish(at);
        }
        lost
    }
}

impl Strike {
    /// Time with work under way so far.
    fn done(&self, now: Time) -> Span {
        if self.working == 0 { self.worked } else { self.worked + now.since(self.since) }
    }
}

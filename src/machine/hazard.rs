//! Faults that do not take a replica down: work that takes longer, requests that fail, messages that are late or vanish,
//! replicas that restart in turn.

use crate::model::fault::Effect;
use crate::model::{Cause, Fact, Outcome, Probe};
use crate::units::{Span, Time};

use super::Machine;
use super::channel::Stage;
use super::frame::{Cut, Pose};
use super::outage::Trouble;
use super::relocate::SYN_PATIENCE;
use super::walk::{DIAL, Flow};

impl<P: Probe> Machine<'_, P> {
    /// A fault begins or ends on the links it happens to.
    pub(super) fn turn_links(&mut self, fault: u32, on: bool) {
        for link in &self.plan.faults[fault as usize].links {
            enlist(&mut self.trouble.on_link[*link as usize], fault, on);
        }
    }

    /// A fault that its replicas only remember begins or ends.
    pub(super) fn enlist_on(&mut self, replica: u32, fault: u32, on: bool) {
        let before = self.slowness(replica);
        enlist(&mut self.trouble.on_replica[replica as usize], fault, on);
        let after = self.slowness(replica);
        if before.to_bits() != after.to_bits() {
            self.change_pace(replica, after / before, after);
        }
    }

    /// How many times as long work takes on a replica.
    pub(super) fn slowness(&self, replica: u32) -> f64 {
        let factor = |fault: &u32| match self.plan.faults[*fault as usize].effect {
            Effect::Slow { factor } => factor,
            _ => 1.0,
        };
        let slowed: f64 = self.trouble.on_replica[replica as usize].iter().map(factor).product();
        slowed * self.coldness(replica)
    }

    /// Work in progress on a replica takes `ratio` times as long from now on.
    pub(super) fn change_pace(&mut self, replica: u32, ratio: f64, factor: f64) {
        self.trouble.plights[replica as usize].slow = factor;
        if self.set_clock(replica, factor) {
            return;
        }
        let plight = self.trouble.plights[replica as usize];
        let from = if plight.frozen > 0 { plight.since } else { self.now };
        for at in self.frames.live_slots() {
            let frame = &mut self.frames[at];
            if frame.replica == replica && frame.pose == Pose::Working {
                frame.due = from + stretch(frame.due.since(from), ratio);
                let due = frame.due;
                if plight.frozen == 0 {
                    self.agenda.push(due, crate::kernel::Phase::Arrival, super::event::Event::Done(at));
                }
            }
        }
    }

    /// How long work takes on a replica where each worker has its own core.
    #[inline(never)]
    pub(super) fn stretched(&self, replica: u32, work: u64) -> Span {
        stretch(Span(work), self.trouble.plights[replica as usize].slow)
    }

    /// How much work the rest of a stretch of time is.
    pub(super) fn unstretched(&self, replica: u32, left: Span) -> u64 {
        stretch(left, 1.0 / self.trouble.plights[replica as usize].slow).0
    }

    /// The time that faults add to a message on its way there or back, charged to them.
    #[inline(never)]
    pub(super) fn delay(&mut self, at: u32, back: bool) -> Span {
        let (call, lineage) = (self.frames[at].call, self.frames[at].lineage);
        let link = self.plan.calls[call as usize].link;
        let on = self.trouble.on_link[link.index()].iter().map(|fault| &self.plan.faults[*fault as usize]);
        let on = on.filter(|fault| fault.hits(link.0, back));
        let added = Span(on.map(|fault| fault.effect.delay(fault.hash, self.seed, lineage, back).0).sum());
        self.charge_for(at, Cause::Fault, added);
        added
    }

    /// A request arrives: says whether a fault fails it at once.
    pub(super) fn fails_at_once(&mut self, at: u32) -> bool {
        let frame = &self.frames[at];
        let (lineage, replica) = (frame.lineage, frame.replica);
        let link = self.plan.calls[frame.call as usize].link.index();
        let on = self.trouble.on_link[link].iter().chain(&self.trouble.on_replica[replica as usize]);
        let hit = |fault: &u32| {
            let fault = &self.plan.faults[*fault as usize];
            fault.effect.fails(fault.hash, self.seed, lineage)
        };
        if !on.into_iter().any(hit) {
            return false;
        }
        self.reach(at);
        let node = self.replicas[replica as usize].node;
        self.tell(Fact::Refused { node });
        self.reply(at, Outcome::Error, false);
        true
    }

    /// Whether a handshake gets no answer.
    #[inline(never)]
    pub(super) fn is_refused(&self, at: u32) -> bool {
        let frame = &self.frames[at];
        let plight = self.trouble.plights[frame.replica as usize];
        let accepted = plight.hangs > 0 && plight.hangs == plight.down;
        frame.cut == Cut::Astray || self.is_stuck(at) || self.is_unanswered(at) || plight.down > 0 && !accepted
    }

    /// Whether nobody answers a handshake, not even a kernel.
    pub(super) fn is_unanswered(&self, at: u32) -> bool {
        let plight = self.trouble.plights[self.frames[at].replica as usize];
        plight.holes > plight.hangs || self.is_cut(at)
    }

    /// A handshake finds that its replica is down or out of reach: it fails, or hears nothing until messages pass again.
    #[inline(never)]
    pub(super) fn hang(&mut self, at: u32) -> Flow {
        if self.is_unheard(at) && self.holds[at as usize].stage == Stage::Dialling(1) {
            self.holds[at as usize].stage = Stage::Dialling(2);
            self.sleep(at, SYN_PATIENCE);
            return Flow::Stay;
        }
        if self.frames[at].cut != Cut::Astray && self.is_unanswered(at) {
            return self.dial_again(at);
        }
        if !self.is_stuck(at) || self.frames[at].cut == Cut::Astray {
            return self.fail_dial(at);
        }
        self.trouble.parked.push(at);
        Flow::Stay
    }

    /// Whether a frame has to wait for the end of a fault.
    pub(super) fn is_stuck(&self, at: u32) -> bool {
        let frame = &self.frames[at];
        let plight = self.trouble.plights[frame.replica as usize];
        plight.frozen > 0 || frame.pc == DIAL.0 && plight.hangs > 0 && self.is_wired(at) && self.is_encrypting(at)
    }

    /// Frames that waited for the end of a fault go on.
    pub(super) fn unpark(&mut self) {
        for at in std::mem::take(&mut self.trouble.parked) {
            if self.is_stuck(at) {
                self.trouble.parked.push(at);
            } else {
                self.charge(at, Cause::Fault);
                self.ready.push_back(at);
            }
        }
    }

    /// A message of a try is lost for good: without a timeout its caller waits for ever.
    pub(super) fn vanish(&mut self, at: u32) {
        if self.frames[at].abandoned {
            self.pass_away(at);
        } else {
            self.frames[at].cut = Cut::Void;
        }
    }

    /// The next replicas of a deploy restart, those before them are back; says when it goes on, if it does.
    pub(super) fn deploy(&mut self, fault: u32, at_once: u32) -> Option<Time> {
        let plan = &self.plan.faults[fault as usize];
        let crate::model::fault::When::Once { from, until } = plan.when else { return None };
        let waves = (plan.replicas.len() as u64).div_ceil(u64::from(at_once)).max(1);
        let wave = self.trouble.strikes[fault as usize].wave;
        self.trouble.strikes[fault as usize].wave += 1;
        let of = |wave: u64| plan.replicas.iter().skip((wave * u64::from(at_once)) as usize).take(at_once as usize);
        if let Some(last) = wave.checked_sub(1) {
            of(last).for_each(|replica| self.bring_up(*replica, false, true));
        }
        if wave == waves {
            return None;
        }
        for replica in of(wave) {
            self.retire(*replica);
        }
        Some(from + Span((u128::from(until.since(from).0) * u128::from(wave + 1) / u128::from(waves)) as u64))
    }

    /// A replica restarts: it takes no new work, ends what it has, and closes its connections.
    fn retire(&mut self, replica: u32) {
        let was_up = self.is_up(replica);
        self.trouble.plights[replica as usize].down += 1;
        self.withdraw(replica);
        self.watch(replica);
        self.reset_connections(replica);
        if was_up {
            self.lose_consumers(replica, false);
        }
        self.recount(self.replicas[replica as usize].node);
    }
}

impl Trouble {
    /// Notes what a replica's clock had lost when a work began.
    pub(super) fn note_lost(&mut self, at: u32, lost: Span) {
        if self.lost.len() <= at as usize {
            self.lost.resize(at as usize + 1, Span::ZERO);
        }
        self.lost[at as usize] = lost;
    }
}

fn enlist(list: &mut Vec<u32>, fault: u32, on: bool) {
    if on {
        list.push(fault);
    } else {
        list.retain(|f| *f != fault);
    }
}

/// Time that is `factor` times as long.
fn stretch(span: Span, factor: f64) -> Span {
    if factor.to_bits() == 1.0f64.to_bits() { span } else { Span((span.0 as f64 * factor).round() as u64) }
}

//! CPU work: on a worker's own core, or on cores that all work of a replica shares (processor sharing).
//!
//! Completions are predictions. On its own core a work's end is known when it starts. On shared cores work is measured in
//! the replica's own clock, which runs at min(1, cores ÷ running) of real time: a work that needs d is complete when that
//! clock has advanced by d. One agenda entry per replica stands for the work that is complete first; popped too early, it is
//! armed again.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::model::{Cause, Fact, Probe};
use crate::units::{Span, Time};

use super::Machine;
use super::event::Event;
use super::frame::{Origin, Pose};
use super::walk::{DIAL, Flow};

/// Ticks of the replica's clock per nanosecond of work, so that slow clocks lose nothing to rounding.
const FINE: u128 = 1 << 10;

/// Cores are counted in thousandths.
const MILLI: u128 = 1_000;

/// A processor that all work on a replica shares.
#[derive(Debug)]
pub(super) struct SharedCpu {
    cores: u128,
    clock: u128,
    last: Time,
    running: u32,
    /// (complete at this clock, how many came before, frame), soonest first.
    works: BinaryHeap<Reverse<(u128, u64, u32)>>,
    begun: u64,
    /// When the live agenda entry is; any other is stale.
    armed: Time,
    /// Whether the clock stands still.
    stopped: bool,
    /// How many times as slowly it runs.
    slow: f64,
    /// Time that faults have taken from all work here so far.
    lost: Span,
}

impl SharedCpu {
    /// An idle processor.
    pub(super) fn new(cores: f64) -> Self {
        Self {
            cores: (cores * MILLI as f64).round().max(1.0) as u128,
            clock: 0,
            last: Time(0),
            running: 0,
            works: BinaryHeap::new(),
            begun: 0,
            armed: Time::NEVER,
            stopped: false,
            slow: 1.0,
            lost: Span::ZERO,
        }
    }

    /// Whether nothing runs.
    pub(super) fn is_idle(&self) -> bool {
        self.running == 0 && self.works.is_empty()
    }

    /// One more work runs; says how many thousandths of cores it sets to work.
    fn take_core(&mut self) -> u32 {
        let before = self.busy();
        self.running += 1;
        (self.busy() - before) as u32
    }

    /// One work fewer runs; says how many thousandths of cores fall idle.
    fn free_core(&mut self) -> u32 {
        let before = self.busy();
        self.running -= 1;
        (before - self.busy()) as u32
    }

    /// Thousandths of cores at work.
    fn busy(&self) -> u128 {
        (u128::from(self.running) * MILLI).min(self.cores)
    }

    fn load(&self) -> u128 {
        (u128::from(self.running) * MILLI).max(self.cores)
    }

    /// Brings the clock to `now`.
    fn advance(&mut self, now: Time) {
        let elapsed = u128::from(self.useful(now.since(self.last)).0);
        if self.running > 0 {
            self.clock += elapsed * FINE * self.cores / self.load();
        }
        self.last = now;
    }

    /// What faults leave of a stretch of time.
    #[inline]
    fn useful(&mut self, elapsed: Span) -> Span {
        if !self.stopped && self.slow <= 1.0 && self.slow >= 1.0 {
            return elapsed;
        }
        let useful = if self.stopped { Span::ZERO } else { Span((elapsed.0 as f64 / self.slow).round() as u64) };
        self.lost += Span(elapsed.0.saturating_sub(useful.0));
        useful
    }

    /// When the first work is complete if nothing changes.
    fn soonest(&self, now: Time) -> Option<Time> {
        if self.stopped {
            return None;
        }
        let Reverse((due, ..)) = self.works.peek()?;
        let left = due.saturating_sub(self.clock);
        let wait = (left * self.load()).div_ceil(self.cores * FINE) as u64;
        let slow = self.slow != 1.0;
        Some(now + Span(if slow { (wait as f64 * self.slow).ceil() as u64 + 1 } else { wait }))
    }
}

impl<P: Probe> Machine<'_, P> {
    /// CPU work of `work` ns begins, to be charged as `cause`; none takes no time at all.
    #[inline(always)]
    pub(super) fn start(&mut self, at: u32, work: u64, cause: Cause) -> Flow {
        if work == 0 {
            return Flow::On;
        }
        let frame = &mut self.frames[at];
        frame.doing = cause;
        frame.work = work;
        let index = frame.replica;
        let takes = if self.faulted { self.stretched(index, work) } else { Span(work) };
        let frame = &mut self.frames[at];
        frame.due = self.now + takes;
        frame.pose = Pose::Working;
        let replica = &mut self.replicas[index as usize];
        let node = replica.node;
        let mut cores = 0;
        // Cryptography has no worker that could be taken from it.
        let worker = cause != Cause::Connect;
        if replica.preemptive && worker && self.frames[at].origin != Origin::Ahead {
            replica.running.push(at);
        }
        if let Some(cpu) = &mut replica.cpu {
            cpu.advance(self.now);
            cores = cpu.take_core();
            cpu.begun += 1;
            cpu.works.push(Reverse((cpu.clock + u128::from(work) * FINE, cpu.begun, at)));
            // Nothing that is pending for a request that died in this slot is about this work.
            self.frames[at].due = Time::NEVER;
            if self.faulted {
                let lost = cpu.lost;
                self.trouble.note_lost(at, lost);
            }
            self.arm(index);
        } else {
            self.schedule(takes, Event::Done(at));
        }
        if self.wears {
            self.wear(index, true);
        }
        self.tell_load(index, Fact::Started { node, cores, worker });
        Flow::Stay
    }

    /// Work as long as it takes among the others at its replica, ns.
    #[inline(never)]
    pub(super) fn contended(&self, at: u32, work: u64) -> u64 {
        let replica = &self.replicas[self.frames[at].replica as usize];
        let rule = self.plan.node(replica.node).contention;
        rule.map_or(work, |rule| rule.stretch(Span(work), replica.busy).0)
    }

    /// Work on a worker's own core ends.
    #[inline]
    pub(super) fn finish(&mut self, at: u32) -> Option<u32> {
        let frame = &self.frames[at];
        if frame.due != self.now || frame.pose != Pose::Working || self.faulted && self.is_frozen(frame.replica) {
            return None;
        }
        self.complete(at);
        Some(at)
    }

    /// Work is done: it is counted, and what was pending for it is void.
    #[inline(always)]
    fn complete(&mut self, at: u32) {
        self.charge_work(at, self.frames[at].work);
        let frame = &mut self.frames[at];
        frame.due = Time::NEVER;
        frame.pose = Pose::Idle;
        frame.spent += frame.work;
        let (index, worker) = (frame.replica, frame.doing != Cause::Connect);
        let replica = &mut self.replicas[index as usize];
        if !replica.running.is_empty() {
            replica.running.retain(|f| *f != at);
        }
        let cores = replica.cpu.as_mut().map_or(0, |cpu| cpu.free_core());
        let node = replica.node;
        if self.wears {
            self.wear(index, false);
        }
        self.tell_load(index, Fact::Stopped { node, cores, worker });
    }

    /// Charges work done, and to the cores' other work what it took longer than that.
    #[inline(always)]
    fn charge_work(&mut self, at: u32, work: u64) {
        let frame = &mut self.frames[at];
        let (cause, coding, replica) = (frame.doing, frame.coding, frame.replica);
        if !P::ACCOUNTS || frame.pc == DIAL.0 {
            return;
        }
        if self.faulted {
            return self.charge_troubled_work(at, work);
        }
        if coding > 0 {
            frame.coding = coding.saturating_sub(work);
            self.charge_for(at, Cause::Encode, Span(coding.min(work)));
        }
        if self.replicas[replica as usize].cpu.is_none() {
            return self.charge(at, cause);
        }
        self.charge_shared_work(at, cause, work.saturating_sub(coding));
    }

    /// Charges work that a fault may have made slower, or quicker: then it has taken less time than it is worth.
    #[inline(never)]
    fn charge_troubled_work(&mut self, at: u32, work: u64) {
        let frame = &mut self.frames[at];
        let (cause, coding, replica) = (frame.doing, frame.coding, frame.replica);
        frame.coding = coding.saturating_sub(work);
        let work = work.min(self.now.since(frame.until).0);
        if coding > 0 {
            self.charge_for(at, Cause::Encode, Span(coding.min(work)));
        }
        if self.replicas[replica as usize].cpu.is_none() {
            self.charge_for(at, cause, Span(work.saturating_sub(coding)));
            return self.charge(at, Cause::Fault);
        }
        self.charge_shared_work(at, cause, work.saturating_sub(coding));
    }

    #[inline(never)]
    fn charge_shared_work(&mut self, at: u32, cause: Cause, work: u64) {
        self.charge_for(at, cause, Span(work));
        if self.faulted {
            self.charge_fault(at);
        }
        self.charge(at, Cause::CpuWait);
    }

    /// Takes work from its worker and says how much of it is left, ns.
    pub(super) fn interrupt(&mut self, at: u32) -> u64 {
        let frame = self.frames[at];
        let replica = &mut self.replicas[frame.replica as usize];
        let left = if let Some(cpu) = &mut replica.cpu {
            cpu.advance(self.now);
            let entry = cpu.works.iter().find(|w| w.0.2 == at).map(|w| w.0.0);
            cpu.works.retain(|w| w.0.2 != at);
            (entry.unwrap_or(0).saturating_sub(cpu.clock)).div_ceil(FINE) as u64
        } else {
            let left = frame.due.since(self.now);
            if self.faulted { self.unstretched(frame.replica, left) } else { left.0 }
        };
        // What is done by now is all of this work; the rest begins anew.
        self.frames[at].work -= left.min(frame.work);
        self.complete(at);
        if self.replicas[frame.replica as usize].cpu.is_some() {
            self.arm(frame.replica);
        }
        left
    }

    /// The shared processor of a replica may have completed something.
    pub(super) fn tick(&mut self, index: u32) {
        let now = self.now;
        let Some(cpu) = &mut self.replicas[index as usize].cpu else {
            return;
        };
        if cpu.armed != now {
            return;
        }
        cpu.armed = Time::NEVER;
        if cpu.stopped {
            return;
        }
        cpu.advance(now);
        while let Some(cpu) = &mut self.replicas[index as usize].cpu
            && let Some(Reverse((due, _, at))) = cpu.works.peek().copied()
            && due <= cpu.clock
        {
            cpu.works.pop();
            self.complete(at);
            self.ready.push_back(at);
        }
        self.arm(index);
    }

    /// The clock of a replica with shared cores runs so many times as slowly; says whether it has one.
    pub(super) fn set_clock(&mut self, index: u32, slow: f64) -> bool {
        let Some(cpu) = &mut self.replicas[index as usize].cpu else { return false };
        cpu.advance(self.now);
        cpu.slow = slow;
        cpu.armed = Time::NEVER;
        self.arm(index);
        true
    }

    /// Charges what faults took from the shared cores since a work began.
    fn charge_fault(&mut self, at: u32) {
        let frame = &self.frames[at];
        let lost = self.replicas[frame.replica as usize].cpu.as_ref().map_or(Span::ZERO, |cpu| cpu.lost);
        let since = self.trouble.lost.get(at as usize).copied().unwrap_or_default();
        let left = self.now.since(frame.until);
        self.charge_for(at, Cause::Fault, Span(lost.0.saturating_sub(since.0)).min(left));
    }

    /// The clock of a replica that stands still stops.
    pub(super) fn stop_clock(&mut self, index: u32) {
        if let Some(cpu) = &mut self.replicas[index as usize].cpu {
            cpu.advance(self.now);
            cpu.stopped = true;
        }
    }

    /// The clock of a replica goes on.
    pub(super) fn start_clock(&mut self, index: u32) {
        if let Some(cpu) = &mut self.replicas[index as usize].cpu {
            cpu.advance(self.now);
            cpu.stopped = false;
            cpu.armed = Time::NEVER;
            self.arm(index);
        }
    }

    /// Keeps one agenda entry at or before the first completion.
    fn arm(&mut self, index: u32) {
        let Some(cpu) = &mut self.replicas[index as usize].cpu else {
            return;
        };
        let Some(soonest) = cpu.soonest(self.now) else {
            return;
        };
        if soonest < cpu.armed {
            cpu.armed = soonest;
            self.schedule(soonest.since(self.now), Event::Tick(index));
        }
    }
}

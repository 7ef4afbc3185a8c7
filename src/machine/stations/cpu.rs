//! CPU work: on a worker's own core, or on cores that all work of a replica shares (processor sharing).
//!
//! Completions are predictions. On its own core a work's end is known when it starts. On shared cores work is measured in
//! the replica's own clock, which runs at min(1, cores ÷ running) of real time: a work that needs d is complete when that
//! clock has advanced by d. One agenda entry per replica stands for the work that is complete first; popped too early, it is
//! armed again.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::kernel::Phase;
use crate::model::{Cause, Fact, Probe};
use crate::units::{Span, Time};

use crate::machine::core::event::Event;
use crate::machine::core::frame::{Frame, Load, Origin, Pose};
use crate::machine::core::{Core, Cursor, DIAL, Flow};
use crate::machine::stations::Stations;

/// Ticks of the replica's clock per nanosecond of work, so that slow clocks lose nothing to rounding.
const FINE: u128 = 1 << 10;

/// Cores are counted in thousandths.
const MILLI: u128 = 1_000;

/// A processor that all work on a replica shares.
#[derive(Clone, Debug)]
pub(crate) struct SharedCpu {
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
    pub(crate) fn new(cores: f64) -> Self {
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
    pub(crate) fn is_idle(&self) -> bool {
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

impl Stations {
    /// Cryptography, on the cores of a replica where work shares them; elsewhere it merely takes its time.
    pub(crate) fn encrypt<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, replica: u32, work: Span) -> Flow {
        if work == Span::ZERO {
            return Flow::On;
        }
        if self.replicas[replica as usize].cpu.is_some() {
            core.frames[at].replica = replica;
            return self.start(core, at, work.0, Cause::Connect);
        }
        core.sleep(at, work);
        Flow::Stay
    }

    /// CPU work of `work` ns begins, to be charged as `cause`; none takes no time at all.
    #[inline(always)]
    pub(crate) fn start<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, work: u64, cause: Cause) -> Flow {
        if work == 0 {
            return Flow::On;
        }
        self.start_amending(core, at, work, cause, |_| ())
    }

    /// The same for some work, with what else changes in its frame: which is looked up once.
    #[inline(always)]
    pub(crate) fn start_amending<P: Probe>(
        &mut self,
        core: &mut Core<'_, P>,
        at: u32,
        work: u64,
        cause: Cause,
        amend: impl FnOnce(&mut Frame),
    ) -> Flow {
        let troubled = core.is_troubled();
        let frame = &mut core.frames[at];
        amend(frame);
        frame.state.doing = cause;
        frame.load.work = work;
        frame.state.pose = Pose::Working;
        let index = frame.replica;
        let replica = &self.replicas[index as usize];
        let node = replica.node;
        // Cryptography has no worker that could be taken from it.
        let worker = cause != Cause::Connect;
        let cores = if replica.simple && !troubled {
            frame.due = core.now + Span(work);
            core.agenda.push_often(Span(work), Phase::Arrival, Event::Done(at));
            0
        } else {
            self.start_among_others(core, at, worker)
        };
        if !P::CALM && core.trouble.wears {
            core.wear(index, true);
        }
        core.tell_load(index, || Fact::Started { node, cores, worker });
        Flow::Stay
    }

    /// Work begins that others or faults may interfere with; says how many thousandths of shared cores it sets to work.
    #[inline(never)]
    fn start_among_others<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, worker: bool) -> u32 {
        let Frame { replica: index, load: Load { work, .. }, origin, .. } = core.frames[at];
        let takes = if core.is_troubled() { core.stretched(index, work) } else { Span(work) };
        let replica = &mut self.replicas[index as usize];
        if replica.preemptive && worker && origin != Origin::Ahead {
            replica.running.push(at);
        }
        let Some(cpu) = &mut replica.cpu else {
            core.frames[at].due = core.now + takes;
            core.schedule(takes, Event::Done(at));
            return 0;
        };
        cpu.advance(core.now);
        let cores = cpu.take_core();
        cpu.begun += 1;
        cpu.works.push(Reverse((cpu.clock + u128::from(work) * FINE, cpu.begun, at)));
        // Nothing that is pending for a request that died in this slot is about this work.
        core.frames[at].due = Time::NEVER;
        if core.is_troubled() {
            let lost = cpu.lost;
            core.trouble.note_lost(at, lost);
        }
        self.arm(core, index);
        cores
    }

    /// Work as long as it takes among the others at its replica, ns.
    #[inline(never)]
    pub(crate) fn contended<P: Probe>(&self, core: &Core<'_, P>, at: u32, work: u64) -> u64 {
        let replica = &self.replicas[core.frames[at].replica as usize];
        let rule = core.plan.node(replica.node).contention;
        rule.map_or(work, |rule| rule.stretch(Span(work), replica.busy).0)
    }

    /// Work on a worker's own core ends.
    #[inline]
    pub(crate) fn finish<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) -> Option<Cursor> {
        let frame = &core.frames[at];
        let cursor = Cursor { at, pc: frame.pc, replica: frame.replica };
        if frame.due != core.now
            || frame.state.pose != Pose::Working
            || core.is_troubled() && core.is_frozen(frame.replica)
        {
            return None;
        }
        self.complete(core, at);
        Some(cursor)
    }

    /// Work is done: it is counted, and what was pending for it is void.
    #[inline(always)]
    fn complete<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        let troubled = core.is_troubled();
        let frame = &mut core.frames[at];
        frame.due = Time::NEVER;
        frame.state.pose = Pose::Idle;
        frame.load.spent += frame.load.work;
        let (index, worker) = (frame.replica, frame.state.doing != Cause::Connect);
        let replica = &self.replicas[index as usize];
        let (node, simple) = (replica.node, replica.simple);
        if simple && worker && !troubled {
            let (cause, coding) = (frame.state.doing, frame.load.coding.min(frame.load.work));
            if coding > 0 {
                frame.load.coding -= coding;
                let coded = frame.account.until + Span(coding);
                core.ledger.charge(&mut core.probe, (at, frame), Cause::Encode, coded);
            }
            core.ledger.charge(&mut core.probe, (at, frame), cause, core.now);
        } else {
            self.charge_work(core, at, core.frames[at].load.work);
        }
        let cores = if simple { 0 } else { self.end_among_others(at, index) };
        if !P::CALM && core.trouble.wears {
            core.wear(index, false);
        }
        core.tell_load(index, || Fact::Stopped { node, cores, worker });
    }

    /// Work ends that others could have interfered with; says how many thousandths of shared cores fall idle.
    #[inline(never)]
    fn end_among_others(&mut self, at: u32, index: u32) -> u32 {
        let replica = &mut self.replicas[index as usize];
        replica.running.retain(|f| *f != at);
        replica.cpu.as_mut().map_or(0, |cpu| cpu.free_core())
    }

    /// Charges work done, and to the cores' other work what it took longer than that.
    #[inline(never)]
    fn charge_work<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, work: u64) {
        let troubled = core.is_troubled();
        let frame = &mut core.frames[at];
        let (cause, coding, replica) = (frame.state.doing, frame.load.coding, frame.replica);
        if !core.probe.accounts() || frame.pc == DIAL.0 {
            return;
        }
        if troubled {
            return self.charge_troubled_work(core, at, work);
        }
        if coding > 0 {
            frame.load.coding = coding.saturating_sub(work);
            core.charge_for(at, Cause::Encode, Span(coding.min(work)));
        }
        if self.replicas[replica as usize].cpu.is_none() {
            return core.charge(at, cause);
        }
        self.charge_shared_work(core, at, cause, work.saturating_sub(coding));
    }

    /// Charges work that a fault may have made slower, or quicker: then it has taken less time than it is worth.
    #[inline(never)]
    fn charge_troubled_work<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, work: u64) {
        let frame = &mut core.frames[at];
        let (cause, coding, replica) = (frame.state.doing, frame.load.coding, frame.replica);
        frame.load.coding = coding.saturating_sub(work);
        let work = work.min(core.now.since(frame.account.until).0);
        if coding > 0 {
            core.charge_for(at, Cause::Encode, Span(coding.min(work)));
        }
        if self.replicas[replica as usize].cpu.is_none() {
            core.charge_for(at, cause, Span(work.saturating_sub(coding)));
            return core.charge(at, Cause::Fault);
        }
        self.charge_shared_work(core, at, cause, work.saturating_sub(coding));
    }

    #[inline(never)]
    fn charge_shared_work<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, cause: Cause, work: u64) {
        core.charge_for(at, cause, Span(work));
        if core.is_troubled() {
            self.charge_fault(core, at);
        }
        core.charge(at, Cause::CpuWait);
    }

    /// Takes work from its worker and says how much of it is left, ns.
    pub(crate) fn interrupt<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) -> u64 {
        let frame = core.frames[at];
        let replica = &mut self.replicas[frame.replica as usize];
        let left = if let Some(cpu) = &mut replica.cpu {
            cpu.advance(core.now);
            let entry = cpu.works.iter().find(|w| w.0.2 == at).map(|w| w.0.0);
            cpu.works.retain(|w| w.0.2 != at);
            (entry.unwrap_or(0).saturating_sub(cpu.clock)).div_ceil(FINE) as u64
        } else {
            let left = frame.due.since(core.now);
            if core.is_troubled() { core.unstretched(frame.replica, left) } else { left.0 }
        };
        // What is done by now is all of this work; the rest begins anew.
        core.frames[at].load.work -= left.min(frame.load.work);
        self.complete(core, at);
        if self.replicas[frame.replica as usize].cpu.is_some() {
            self.arm(core, frame.replica);
        }
        left
    }

    /// A frame leaves its work or its sleep in the middle; says whether it was at either. One that others have taken the worker
    /// from has nothing left to do when it has one again.
    pub(crate) fn break_off<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) -> bool {
        let frame = &mut core.frames[at];
        match frame.state.pose {
            Pose::Working => _ = self.interrupt(core, at),
            Pose::Asleep => core.rouse(at),
            Pose::Idle | Pose::Publishing => {
                if frame.marks.preempted {
                    frame.load.work = 0;
                }
                return false;
            }
        }
        true
    }

    /// The shared processor of a replica may have completed something.
    pub(crate) fn tick<P: Probe>(&mut self, core: &mut Core<'_, P>, index: u32) {
        let now = core.now;
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
            self.complete(core, at);
            core.ready.push_back(at);
        }
        self.arm(core, index);
    }

    /// The clock of a replica with shared cores runs so many times as slowly; says whether it has one.
    pub(crate) fn set_clock<P: Probe>(&mut self, core: &mut Core<'_, P>, index: u32, slow: f64) -> bool {
        let Some(cpu) = &mut self.replicas[index as usize].cpu else { return false };
        cpu.advance(core.now);
        cpu.slow = slow;
        cpu.armed = Time::NEVER;
        self.arm(core, index);
        true
    }

    /// Charges what faults took from the shared cores since a work began.
    fn charge_fault<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        let frame = &core.frames[at];
        let lost = self.replicas[frame.replica as usize].cpu.as_ref().map_or(Span::ZERO, |cpu| cpu.lost);
        let since = *core.trouble.lost.get(at);
        let left = core.now.since(frame.account.until);
        core.charge_for(at, Cause::Fault, Span(lost.0.saturating_sub(since.0)).min(left));
    }

    /// The clock of a replica that stands still stops.
    pub(crate) fn stop_clock<P: Probe>(&mut self, core: &mut Core<'_, P>, index: u32) {
        if let Some(cpu) = &mut self.replicas[index as usize].cpu {
            cpu.advance(core.now);
            cpu.stopped = true;
        }
    }

    /// The clock of a replica goes on.
    pub(crate) fn start_clock<P: Probe>(&mut self, core: &mut Core<'_, P>, index: u32) {
        if let Some(cpu) = &mut self.replicas[index as usize].cpu {
            cpu.advance(core.now);
            cpu.stopped = false;
            cpu.armed = Time::NEVER;
            self.arm(core, index);
        }
    }

    /// Keeps one agenda entry at or before the first completion.
    fn arm<P: Probe>(&mut self, core: &mut Core<'_, P>, index: u32) {
        let Some(cpu) = &mut self.replicas[index as usize].cpu else {
            return;
        };
        let Some(soonest) = cpu.soonest(core.now) else {
            return;
        };
        if soonest < cpu.armed {
            cpu.armed = soonest;
            core.schedule(soonest.since(core.now), Event::Tick(index));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A processor of two cores with three works of 10, 20 and 30 ns.
    fn loaded() -> SharedCpu {
        let mut cpu = SharedCpu::new(2.0);
        for (at, work) in [(0, 10), (1, 20), (2, 30)] {
            cpu.take_core();
            cpu.works.push(Reverse((u128::from(work * FINE as u64), u64::from(at), at)));
        }
        cpu
    }

    #[test]
    fn three_works_share_two_cores() {
        let mut cpu = loaded();
        assert_eq!(cpu.soonest(Time(0)), Some(Time(15)), "10 ns of work at two thirds of the speed");
        cpu.advance(Time(15));
        cpu.works.pop();
        assert_eq!(cpu.free_core(), 0, "two are left, and keep both cores at work");
        assert_eq!(cpu.soonest(Time(15)), Some(Time(25)), "the other 10 ns of the second at full speed");
    }

    #[test]
    fn what_stands_still_loses_time_and_completes_nothing() {
        let mut cpu = loaded();
        cpu.stopped = true;
        cpu.advance(Time(7));
        assert_eq!((cpu.soonest(Time(7)), cpu.lost), (None, Span(7)));
        (cpu.stopped, cpu.slow) = (false, 2.0);
        cpu.advance(Time(17));
        assert_eq!(cpu.lost, Span(12), "half of the ten");
    }
}

//! `parallel`: branches set out together; the k-th success lets the parent go on, and the rest run on for nobody.
//!
//! Under blocking io branches have no workers of their own: their CPU takes turns on the parent's. When the parent goes on
//! before the last branch, whoever has the turn keeps it until it waits or ends, then the parent has its worker for itself
//! and the stragglers ask for workers like anybody who comes back.

use std::collections::VecDeque;

use crate::model::id::NONE;
use crate::model::{Cause, ClientId, Fact, ForkId, Op, Opening, Outcome, Probe};

use crate::machine::core::frame::Trip;
use crate::machine::core::frame::{Frame, Origin};
use crate::machine::core::{Core, Flow};
use crate::machine::stations::Stations;

/// An open `parallel`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Join {
    /// Who waits; `NONE` once it went on.
    parent: u32,
    fork: ForkId,
    /// Ends that count towards `need`.
    good: u32,
    /// Ends that do not.
    lost: u32,
    /// Branches that chance left out.
    absent: u32,
    /// Branches and nested joins that still refer to this one.
    open: u32,
    /// The outermost join of this request at this replica, whose turns all its branches share.
    base: u32,
    /// Whether some branch has the parent's worker.
    turn: bool,
    /// Who waits for the turn: branches, or the parent before it goes on.
    waiting: VecDeque<u32>,
}

/// The slots of all joins.
#[derive(Clone, Debug, Default)]
pub(crate) struct Joins {
    slots: Vec<Join>,
    free: Vec<u32>,
}

impl Joins {
    fn insert(&mut self, join: Join) -> u32 {
        if let Some(at) = self.free.pop() {
            self.slots[at as usize] = join;
            return at;
        }
        self.slots.push(join);
        self.slots.len() as u32 - 1
    }

    /// Slots in use.
    pub(crate) fn live(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// The open join that a frame waits for.
    pub(crate) fn waited_for_by(&self, parent: u32) -> Option<u32> {
        self.slots.iter().position(|join| join.parent == parent).map(|at| at as u32)
    }

    /// Who waits for a join, if anybody still does.
    pub(crate) fn parent_of(&self, join: u32) -> Option<u32> {
        self.slots.get(join as usize).map(|join| join.parent).filter(|parent| *parent != NONE)
    }

    /// One reference fewer; the last one frees the slot, and lets go of the base.
    fn release(&mut self, at: u32) {
        let join = &mut self.slots[at as usize];
        join.open -= 1;
        if join.open == 0 {
            let base = join.base;
            self.free.push(at);
            if base != at {
                self.release(base);
            }
        }
    }
}

impl Stations {
    /// Branches set out; the frame waits at this operation.
    pub(crate) fn fork<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, id: ForkId) -> Flow {
        let fork = core.plan.fork(id);
        let parent = core.frames[at];
        let join = self.joins.insert(Join {
            parent: at,
            fork: id,
            open: fork.branches.len() as u32,
            base: NONE,
            ..Join::default()
        });
        let base = if parent.origin == Origin::Branch { self.joins.slots[parent.caller as usize].base } else { join };
        self.joins.slots[join as usize].base = base;
        if base != join {
            self.joins.slots[base as usize].open += 1;
        }
        if fork.branches.len() > 64 {
            core.toil(fork.branches.len() as u64);
        }
        for branch in &fork.branches {
            let lineage =
                if branch.copy == 0 { parent.lineage } else { parent.lineage.child(branch.site, branch.copy) };
            let frame = core.frames.insert(Frame {
                trip: Trip { arrived: parent.trip.arrived, sent: core.now },
                caller: join,
                pc: branch.entry.0,
                replica: parent.replica,
                call: u32::from(branch.optional),
                origin: Origin::Branch,
                ..Frame::new(lineage, core.now, parent.whose)
            });
            core.inherit_root(frame, at);
            if core.plan.propagates {
                core.inherit_deadline(frame, core.deadline_of(at));
            }
            core.open_account(frame, || Opening::Branch { parent: at });
            core.ready.push_back(frame);
        }
        Flow::Stay
    }

    /// A branch is over; with no outcome it was left out, and is neither waited for nor missed.
    pub(crate) fn end_branch<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, end: Option<Outcome>) -> Flow {
        let outcome = end.unwrap_or(Outcome::Succeeded);
        let frame = core.frames[at];
        let join = &mut self.joins.slots[frame.caller as usize];
        let optional = frame.call == 1;
        if join.parent == NONE {
            let (client, wasted) = (ClientId(u32::from(frame.whose.client)), core.waste(at));
            core.tell(Fact::Wasted { client, wasted });
        } else {
            match end {
                None => join.absent += 1,
                Some(_) if outcome.is_good() || optional => join.good += 1,
                Some(_) => join.lost += 1,
            }
            let (good, lost, absent, parent) = (join.good, join.lost, join.absent, join.parent);
            if optional && !outcome.is_good() {
                self.miss(core, parent);
            }
            let join = &self.joins.slots[frame.caller as usize];
            let fork = core.plan.fork(join.fork);
            core.frames[parent].load.spent += frame.load.spent;
            let present = fork.branches.len() as u32 - absent;
            let need = fork.need.min(present);
            let met = good >= need;
            if met || present - lost < need {
                core.pass_on(parent, at);
                self.go_on(core, frame.caller, met, outcome);
            }
        }
        // Whoever looks for the branches of a join will not find what is left of this one.
        core.frames[at].caller = NONE;
        core.close(at, outcome);
        self.joins.release(frame.caller);
        Flow::Stay
    }

    /// A part of an answer is missing: the request knows, in whichever of its branches it was to be had.
    #[cold]
    fn miss<P: Probe>(&self, core: &mut Core<'_, P>, mut at: u32) {
        while core.frames[at].origin == Origin::Branch {
            let Some(parent) = self.joins.parent_of(core.frames[at].caller) else { return };
            at = parent;
        }
        core.frames[at].marks.partial = true;
    }

    /// A branch died; so do its parent and the others.
    pub(crate) fn leave_join(&mut self, join: u32) {
        let slot = &mut self.joins.slots[join as usize];
        slot.parent = NONE;
        slot.turn = false;
        slot.waiting.clear();
        self.joins.release(join);
    }

    /// The parent of a join goes on, as soon as no branch has its worker.
    pub(crate) fn go_on<P: Probe>(&mut self, core: &mut Core<'_, P>, join: u32, good: bool, outcome: Outcome) {
        let slot = &mut self.joins.slots[join as usize];
        let parent = std::mem::replace(&mut slot.parent, NONE);
        let is_base = slot.base == join;
        let frame = &mut core.frames[parent];
        if good {
            frame.pc += 1;
        } else {
            frame.state.outcome = outcome;
            if let Op::Fork { fail, .. } = core.plan.ops[frame.pc as usize] {
                frame.pc = fail.0;
            }
        }
        if is_base && slot.turn {
            slot.waiting.push_front(parent);
            return;
        }
        if is_base {
            self.dismiss(core, join);
        }
        core.ready.push_back(parent);
    }

    /// Stragglers that waited for the turn ask for workers of their own.
    fn dismiss<P: Probe>(&mut self, core: &mut Core<'_, P>, join: u32) {
        while let Some(straggler) = self.joins.slots[join as usize].waiting.pop_front() {
            core.frames[straggler].marks.own_worker = true;
            if self.resume(core, straggler) == Flow::On {
                core.charge(straggler, Cause::Queue);
                core.ready.push_back(straggler);
            }
        }
    }

    /// The join whose turns a branch takes, or what decodes a stream for it.
    fn base_of<P: Probe>(&self, core: &Core<'_, P>, at: u32) -> u32 {
        let frame = &core.frames[at];
        let branch = if frame.origin == Origin::Ahead { &core.frames[frame.caller] } else { frame };
        self.joins.slots[branch.caller as usize].base
    }

    /// Whoever waits for the turn does so no longer; says whether it did.
    pub(crate) fn leave_turn_line<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) -> bool {
        let base = self.base_of(core, at);
        let waiting = &mut self.joins.slots[base as usize].waiting;
        let before = waiting.len();
        waiting.retain(|other| *other != at);
        waiting.len() < before
    }

    /// A branch needs CPU: the parent's worker, when no other branch has it.
    pub(crate) fn take_turn<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) -> Flow {
        let base = self.base_of(core, at);
        let join = &mut self.joins.slots[base as usize];
        if join.parent == NONE {
            core.frames[at].marks.own_worker = true;
            return self.resume(core, at);
        }
        if join.turn {
            join.waiting.push_back(at);
            return Flow::Stay;
        }
        join.turn = true;
        Flow::On
    }

    /// A branch lets the next one have the parent's worker.
    pub(crate) fn give_turn<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) -> Flow {
        if std::mem::take(&mut core.frames[at].marks.own_worker) {
            self.leave(core, core.frames[at].replica);
            return Flow::On;
        }
        let base = self.base_of(core, at);
        let join = &mut self.joins.slots[base as usize];
        let Some(next) = join.waiting.pop_front() else {
            join.turn = false;
            return Flow::On;
        };
        let parent_is_next = join.parent == NONE;
        core.charge(next, Cause::Queue);
        core.ready.push_back(next);
        let join = &mut self.joins.slots[base as usize];
        if parent_is_next {
            // The next one was the parent: its worker is its own again.
            join.turn = false;
            self.dismiss(core, base);
        }
        Flow::On
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_reference_frees_a_join_and_its_base() {
        let mut joins = Joins::default();
        let outer = joins.insert(Join { open: 1, parent: 9, ..Join::default() });
        joins.slots[outer as usize].base = outer;
        let inner = joins.insert(Join { open: 2, parent: 5, base: outer, ..Join::default() });
        joins.slots[outer as usize].open += 1;
        assert_eq!((joins.live(), joins.waited_for_by(5)), (2, Some(inner)));
        joins.release(inner);
        joins.release(outer);
        assert_eq!(joins.live(), 2, "a branch of the inner one is still out");
        joins.release(inner);
        assert_eq!(joins.live(), 0);
    }
}

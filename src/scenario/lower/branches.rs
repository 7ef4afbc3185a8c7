//! `parallel` and `split` become operations, and where the worker is after them.

use crate::model::plan::{self, Branch, Split};
use crate::model::{ForkId, Op, Outcome, Pc, SplitId};
use crate::units::Span;

use super::super::written::{self, Arm, Call, Step, Verb};
use super::Lowering;
use super::program::{Code, Place, Sites, is_nothing, label};
use super::wire::Wire;

impl<'s> Lowering<'s> {
    pub(super) fn parallel(
        &mut self,
        code: &mut Code<'s>,
        sites: &mut Sites,
        branches: &'s [written::Branch],
        wait_for: Option<u32>,
    ) {
        self.release(code);
        let id = ForkId(self.plan.forks.len() as u32);
        self.plan.forks.push(plan::Fork { branches: Vec::new(), need: 0 });
        let at = self.emit(Op::Fork { fork: id, fail: Pc::default() });
        code.fails.push((at, code.held));
        let over = self.emit(Op::Jump(Pc::default()));
        let mut planned = Vec::new();
        for branch in branches {
            let entry = self.here();
            // Only a join that waits for all can tell a missing branch from an ended one.
            let optional = branch.optional.value && wait_for.is_none();
            let site = sites.next(&format!("copies {}", label(&branch.step.verb)));
            planned.extend((0..branch.step.times.value).map(|copy| Branch { entry, copy, site, optional }));
            self.branch((code.place, code.stops), sites, &branch.step, wait_for.is_some());
        }
        let need = wait_for.unwrap_or(planned.len() as u32);
        self.plan.forks[id.index()] = plan::Fork { branches: planned, need };
        let here = self.here();
        self.land(over, here);
    }

    /// One branch: it holds nothing at its start and nothing at its end. Where the first few are enough (`some`), one that
    /// its `probability` leaves out is none of them. It is one step, and goes to its end where only the next one is not begun.
    fn branch(&mut self, (place, stops): (Place<'s>, plan::Cancels), sites: &mut Sites, step: &'s Step, some: bool) {
        let turns = place.turns || !place.releases;
        let place = Place { releases: true, turns, ..place };
        let stops = if stops == plan::Cancels::AtOnce { stops } else { plan::Cancels::No };
        let mut code = Code { stops, ..Code::new(place, false) };
        let skip = (some && step.probability.value < 1.0).then(|| self.chance(sites, step));
        match skip {
            Some(_) => self.verb(&mut code, sites, &step.verb),
            None => self.step(&mut code, sites, step, 1),
        }
        self.release(&mut code);
        self.emit(Op::End(Outcome::Succeeded));
        if let Some(skip) = skip {
            let here = self.here();
            self.land(skip, here);
            self.emit(Op::Absent);
        }
        for held in [true, false] {
            let fails: Vec<usize> = code.fails.iter().filter(|f| f.1 == held).map(|f| f.0).collect();
            if fails.is_empty() {
                continue;
            }
            let to = self.here();
            fails.into_iter().for_each(|at| self.land(at, to));
            if held {
                self.emit(if turns { Op::GiveTurn } else { Op::Leave });
            }
            self.emit(Op::End(Outcome::Error));
        }
    }

    /// A call or query, and what is done instead where it fails.
    pub(super) fn or_fallback(
        &mut self,
        code: &mut Code<'s>,
        sites: &mut Sites,
        call: &'s Call,
        lower: impl FnOnce(&mut Self, &mut Code<'s>, &mut Sites, &'s Call),
    ) {
        let before = code.fails.len();
        lower(self, code, sites, call);
        let Some(fallback) = &call.fallback else { return };
        let fails = code.fails.split_off(before);
        self.release(code);
        let mut overs = vec![self.emit(Op::Jump(Pc::default()))];
        let after = code.held;
        for held in [true, false] {
            let ways: Vec<usize> = fails.iter().filter(|fail| fail.1 == held).map(|fail| fail.0).collect();
            if ways.is_empty() {
                continue;
            }
            let here = self.here();
            ways.into_iter().for_each(|at| self.land(at, here));
            code.held = held;
            for step in &fallback.value {
                self.step(code, sites, step, step.times.value);
            }
            self.release(code);
            overs.push(self.emit(Op::Jump(Pc::default())));
        }
        code.held = after;
        let here = self.here();
        overs.into_iter().for_each(|at| self.land(at, here));
    }

    pub(super) fn split(&mut self, code: &mut Code<'s>, sites: &mut Sites, arms: &'s [Arm]) {
        let after = arms.iter().all(|arm| self.steps_held(code.place, &arm.steps, code.held));
        let id = SplitId(self.plan.splits.len() as u32);
        self.plan.splits.push(Split { ways: Vec::new() });
        let site = sites.short("split");
        self.emit(Op::Split { split: id, site });
        let total: f64 = arms.iter().map(|a| a.weight.value).sum();
        let (mut sum, mut ways, mut ends) = (0.0, Vec::new(), Vec::new());
        let before = code.held;
        for arm in arms {
            sum += arm.weight.value / total;
            ways.push((sum, self.here()));
            code.held = before;
            for step in &arm.steps {
                self.step(code, sites, step, step.times.value);
            }
            if !after {
                self.release(code);
            }
            ends.push(self.emit(Op::Jump(Pc::default())));
        }
        code.held = after;
        self.plan.splits[id.index()].ways = ways;
        let here = self.here();
        ends.into_iter().for_each(|at| self.land(at, here));
    }

    /// Whether the worker is held after `steps`, given whether it was before.
    pub(super) fn steps_held(&self, place: Place<'s>, steps: &'s [Step], held: bool) -> bool {
        steps.iter().fold(held, |held, step| {
            let after = self.verb_held(place, &step.verb, held);
            if step.probability.value < 1.0 { after && held } else { after }
        })
    }

    pub(super) fn verb_held(&self, place: Place<'s>, verb: &'s Verb, held: bool) -> bool {
        match verb {
            Verb::Work(law) => held || !is_nothing(law),
            Verb::Publish(publish) => held && !(place.releases && self.may_wait(publish)),
            _ if !place.releases => held,
            Verb::Wait(law) => held && is_nothing(law),
            Verb::Parallel { .. } | Verb::Cache { .. } | Verb::Meter(_) => false,
            Verb::Split(arms) => arms.iter().all(|arm| self.steps_held(place, &arm.steps, held)),
            Verb::Remember { .. } => held,
            Verb::Transaction { steps, .. } => self.steps_held(place, steps, false),
            // Where a call may end in two ways, both end without the worker.
            Verb::Call(call) | Verb::Query(call) if call.fallback.is_some() => false,
            Verb::Call(call) | Verb::Query(call) => {
                if let Some(wire) = Wire::of(self, call) {
                    return wire.codec().decode > Span::ZERO;
                }
                let target = &call.target.value;
                let endpoint = &self.scenario.nodes[&target.node].endpoints[&target.endpoint];
                let held = held || endpoint.work.value.as_ref().is_some_and(|law| !is_nothing(law));
                let held = held && endpoint.wait.value.as_ref().is_none_or(is_nothing);
                self.steps_held(place, &endpoint.steps, held)
            }
        }
    }
}

//! The tries of a guarded call: one sets out, beside others or after them, and ends.

use crate::model::policy::uses::{BACKOFF, WAIT, try_lineage};
use crate::model::policy::{Backoff, Stage};
use crate::model::{CallId, Cause, ClientId, Fact, Opening, Outcome, Probe};
use crate::random::{Lineage, Purpose};
use crate::units::Time;

use crate::machine::calls::Calls;
use crate::machine::calls::guard::Try;
use crate::machine::core::Core;
use crate::machine::core::frame::{Frame, Origin};
use crate::machine::stations::Stations;

impl Calls {
    /// A try sets out.
    pub(crate) fn launch<P: Probe>(&mut self, core: &mut Core<'_, P>, stations: &mut Stations, guard: u32) {
        let (plan, now) = (core.plan, core.now);
        let Frame { call, lineage, whose, caller, .. } = core.frames[guard];
        let id = CallId(call);
        let guarded = &mut self.guarded[guard];
        let (nth, rules) = (guarded.again, &plan.rules[guarded.rules as usize]);
        let (frame, new) = core.frames.fresh();
        new.lineage = try_lineage(lineage, nth);
        new.trip.sent = now;
        new.account.until = now;
        new.caller = guard;
        new.replica = core.sites[id.index()].first;
        new.call = call;
        new.origin = Origin::Try;
        new.whose = whose;
        guarded.pending = false;
        let dues = std::mem::take(&mut guarded.dues);
        let due = std::mem::replace(&mut guarded.alarms.timer_at, Time::NEVER);
        let (deadline, inherited, begun) = (guarded.alarms.deadline, guarded.inherited, guarded.begun);
        guarded.open.push(Try { frame, nth, dues, due });
        guarded.alarms.hedge_at = match rules.hedge {
            Some(hedge) if nth < hedge.max => {
                now + core.vary(hedge.after, lineage, Purpose::Jitter, nth << 8 | WAIT as u32)
            }
            _ => Time::NEVER,
        };
        if plan.propagates {
            core.inherit_deadline(frame, if rules.propagate { deadline } else { inherited });
        }
        if plan.call(id).effect {
            self.note_effect(core, frame, guard);
        }
        core.inherit_root(frame, guard);
        core.open_account(frame, || Opening::Call { parent: guard, call: id });
        if nth > 0 {
            let hedge = self.guarded[guard].open.len() > 1;
            let own = core.frames[caller].origin == Origin::Root;
            let (measured, client) = (whose.measured, ClientId(u32::from(whose.client)));
            core.tell(Fact::TriedAgain { edge: plan.call(id).edge, client, own, hedge, measured });
        }
        self.set_off(core, stations, frame, id);
        if begun != Time::NEVER {
            self.send_word(core, frame, begun);
        }
    }

    /// Names the draws of the next try.
    pub(crate) fn try_lineage<P: Probe>(&self, core: &Core<'_, P>, guard: u32) -> Lineage {
        try_lineage(core.frames[guard].lineage, self.guarded[guard].again)
    }

    /// A try has ended, well or badly: the answer came, or nobody waits for it any more (`answered` tells which).
    pub(crate) fn end_try<P: Probe>(
        &mut self,
        core: &mut Core<'_, P>,
        stations: &mut Stations,
        at: u32,
        outcome: Outcome,
        answered: bool,
    ) {
        let guard = core.frames[at].caller;
        let guarded = &mut self.guarded[guard];
        let Some(place) = guarded.open.iter().position(|t| t.frame == at) else { return };
        // Mostly it is the only one.
        let ended = if guarded.open.len() == 1 { guarded.open.swap_remove(0) } else { guarded.open.remove(place) };
        let last = guarded.open.is_empty();
        if last || outcome.is_good() {
            // A hedge that still waits for room is no longer wanted.
            self.leave_bulkhead_line(guard);
        }
        if outcome == Outcome::Canceled && core.is_tied(core.frames[at].call) {
            return self.end_unbegun(core, stations, guard, ended, last, answered);
        }
        let dues = if answered { ended.dues } else { self.stay_inside(core, guard, ended) };
        self.settle_dues(core, stations, guard, dues, outcome);
        self.tell_budget(core, guard, ended.nth, outcome);
        if outcome.is_good() {
            return self.conclude_call(core, stations, guard, outcome, Some(at));
        }
        stations.stop_decoding_for(core, at);
        self.guarded[guard].cause = outcome;
        if last {
            self.try_again(core, stations, guard, outcome, answered.then_some(at));
        } else if self.rules(core, guard).hedge.is_some() && self.guarded[guard].alarms.hedge_at != Time::NEVER {
            // A failure sends the next hedge at once (gRPC proposal A6).
            self.hedge(core, stations, guard);
        }
        self.set_alarm(core, guard);
    }

    /// A try was dropped because another had been begun: nothing is to be learned from that.
    fn end_unbegun<P: Probe>(
        &mut self,
        core: &mut Core<'_, P>,
        stations: &mut Stations,
        guard: u32,
        ended: Try,
        last: bool,
        answered: bool,
    ) {
        self.withdraw_dues(core, stations, guard, ended.dues);
        if let Some(budget) = &mut self.state(guard).budget {
            budget.on_abandoned(ended.nth);
        }
        if last {
            let cause = self.guarded[guard].cause;
            self.try_again(core, stations, guard, cause, answered.then_some(ended.frame));
        }
        self.set_alarm(core, guard);
    }

    /// All tries so far have failed: another one after a wait, or the call fails.
    pub(crate) fn try_again<P: Probe>(
        &mut self,
        core: &mut Core<'_, P>,
        stations: &mut Stations,
        guard: u32,
        outcome: Outcome,
        answered: Option<u32>,
    ) {
        let rules = self.rules(core, guard);
        let (now, again) = (core.now, self.guarded[guard].again);
        let begun = rules.stages.iter().position(|s| *s == Stage::Retry).unwrap_or(0) as u32;
        let retry = rules.retry.as_ref().filter(|r| again < r.max && r.on.contains(outcome));
        let Some(retry) = retry.filter(|_| self.guarded[guard].stage > begun) else {
            return self.conclude_call(core, stations, guard, outcome, answered);
        };
        if let Some(budget) = &mut self.state(guard).budget
            && !budget.withdraw(now, outcome)
        {
            let (edge, measured) = (core.edge_of(guard), core.frames[guard].whose.measured);
            core.tell(Fact::OutOfBudget { edge, measured });
            return self.conclude_call(core, stations, guard, outcome, answered);
        }
        let wait = match retry.backoff {
            Backoff::Exponential(growing) => {
                growing.wait(again, self.guarded[guard].backoff, self.uniform(core, guard, BACKOFF))
            }
            Backoff::Law(law) => core.vary(law, core.frames[guard].lineage, Purpose::Jitter, again << 8 | WAIT as u32),
        };
        core.charge(guard, Cause::FailedTries);
        let guarded = &mut self.guarded[guard];
        guarded.again += 1;
        guarded.pending = true;
        guarded.backoff = wait;
        guarded.stage = begun + 1;
        guarded.alarms.resume_at = now + wait;
    }

    /// One more try beside those that are out.
    pub(crate) fn hedge<P: Probe>(&mut self, core: &mut Core<'_, P>, stations: &mut Stations, guard: u32) {
        let begun = self.rules(core, guard).stages.iter().position(|s| *s == Stage::Retry).unwrap_or(0) as u32;
        let guarded = &mut self.guarded[guard];
        guarded.alarms.hedge_at = Time::NEVER;
        guarded.again += 1;
        guarded.stage = begun + 1;
        self.pass_stages(core, stations, guard);
    }

    /// The answer of a try is there.
    #[inline(never)]
    pub(crate) fn end_answered_try<P: Probe>(
        &mut self,
        core: &mut Core<'_, P>,
        stations: &mut Stations,
        at: u32,
        outcome: Outcome,
    ) {
        self.wire.uncount(core, at, Some(outcome));
        self.end_try(core, stations, at, outcome, true);
        core.close(at, outcome);
    }

    /// A try is given up: nobody waits for it any more, and its guard goes on.
    pub(crate) fn give_up_try<P: Probe>(
        &mut self,
        core: &mut Core<'_, P>,
        stations: &mut Stations,
        at: u32,
        outcome: Outcome,
    ) {
        self.wire.uncount(core, at, Some(outcome));
        self.end_try(core, stations, at, outcome, false);
        self.let_go(core, stations, at, outcome);
    }
}

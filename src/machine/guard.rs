//! Guarded calls: policies between a caller and its tries.
//!
//! A call whose site has rules is a frame of its own, the *guard*, at the caller's replica. It waits for its tries as a
//! caller waits for a call, decides what comes after each, and settles once: a caller sees one call, a callee sees
//! requests, and nothing else knows of policies. The guard's account is charged with failed tries, the waits between them
//! and the time that the first try had before a hedge won; the row of the try that ends the call is passed on.

use crate::model::id::NONE;
use crate::model::policy::{Backoff, Stage};
use crate::model::{CallId, Cause, ClientId, Fact, Opening, Outcome, Probe};
use crate::random::{Draw, Purpose};
use crate::units::{Span, Time};

use super::Machine;
use super::event::Event;
use super::frame::{Frame, Origin};
use super::police::Dues;

/// Names the lineage of tries after the first.
const AGAIN: u64 = 0x7472_795f_6167_6169;

/// Name the draws of a guard.
const BACKOFF: u64 = 1;
pub(super) const THROTTLE: u64 = 2;
pub(super) const LIMIT: u64 = 4;
const HEDGE: u32 = 3;

/// A guarded call under way, beside its frame.
#[derive(Debug)]
pub(super) struct Guarded {
    /// Which of the world's [`Police`] it is under.
    pub(super) police: u32,
    /// Where it is on its way through the stages; at the end, its tries are out.
    pub(super) stage: u32,
    /// Tries after the first that were asked for, retries and hedges.
    pub(super) again: u32,
    /// Tries under way, oldest first.
    pub(super) open: Vec<Try>,
    /// What the stages passed on the way to the next try are owed when it ends.
    pub(super) dues: Dues,
    /// What those passed once, for the whole call, are owed.
    pub(super) call_dues: Dues,
    /// The wait before the last retry.
    backoff: Span,
    /// How the last try failed.
    pub(super) cause: Outcome,
    /// When it gives up whatever happens.
    deadline: Time,
    /// When the next hedge is due.
    hedge_at: Time,
    /// When it goes on after a wait: a backoff, a rate limit, the end of its patience in a bulkhead's line.
    pub(super) resume_at: Time,
    /// Whether it is in the line of a bulkhead.
    pub(super) in_line: bool,
    /// Whether a try is on its way through the stages that a budget counts as under way.
    pub(super) pending: bool,
}

impl Default for Guarded {
    fn default() -> Self {
        Self {
            police: 0,
            stage: 0,
            again: 0,
            open: Vec::new(),
            dues: Dues::default(),
            call_dues: Dues::default(),
            backoff: Span::ZERO,
            cause: Outcome::Error,
            deadline: Time::NEVER,
            hedge_at: Time::NEVER,
            resume_at: Time::NEVER,
            in_line: false,
            pending: false,
        }
    }
}

/// A try under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Try {
    pub(super) frame: u32,
    /// Which of the call's tries it is, from 0.
    pub(super) nth: u32,
    pub(super) dues: Dues,
}

impl<P: Probe> Machine<'_, P> {
    /// A call of a site with rules sets out; its caller waits for the guard.
    #[inline(never)]
    pub(super) fn guard(&mut self, at: u32, id: CallId) {
        let (plan, now) = (self.plan, self.now);
        let call = plan.call(id);
        let caller = &self.frames[at];
        let guard = &plan.guards[call.guard as usize];
        let police = guard.first + caller.replica - plan.link(guard.link).first_caller;
        let frame = Frame {
            lineage: caller.lineage.child(call.site, 0),
            sent: now,
            until: now,
            caller: at,
            replica: caller.replica,
            call: id.0,
            client: caller.client,
            priority: caller.priority,
            origin: Origin::Guard,
            measured: caller.measured,
            child: NONE,
            due: Time::NEVER,
            ..Frame::default()
        };
        let (measured, edge) = (frame.measured, call.edge);
        let inherited = self.deadline_of(at);
        let frame = self.frames.insert(frame);
        self.frames[at].child = frame;
        self.inherit_root(frame, at);
        self.open_account(frame, || Opening::Call { parent: at, call: id });
        self.tell(Fact::Called { edge, measured });
        if self.guarded.len() <= frame as usize {
            self.guarded.resize_with(self.frames.peak(), Guarded::default);
        }
        let own = plan.rules[guard.rules as usize].deadline.map_or(Time::NEVER, |lane| now + plan.lanes[lane.index()]);
        let guarded = &mut self.guarded[frame as usize];
        let open = std::mem::take(&mut guarded.open);
        *guarded = Guarded { police, open, deadline: own.min(inherited), ..Guarded::default() };
        if inherited <= now {
            return self.conclude_call(frame, Outcome::Deadline, None);
        }
        self.guarded[frame as usize].pending = true;
        if let Some(budget) = &mut self.state(frame).budget {
            budget.on_call(now);
        }
        self.pass_stages(frame);
        self.set_alarm(frame);
    }

    /// A number in [0, 1) for a rule's `purpose`, new for each try.
    pub(super) fn uniform(&self, guard: u32, purpose: u64) -> f64 {
        let nth = u64::from(self.guarded[guard as usize].again) << 8 | purpose;
        Draw::new(self.seed, self.frames[guard].lineage, Purpose::Jitter, nth).unit()
    }

    /// A try sets out.
    pub(super) fn launch(&mut self, guard: u32) {
        let (plan, now) = (self.plan, self.now);
        let parent = &self.frames[guard];
        let id = CallId(parent.call);
        let guarded = &mut self.guarded[guard as usize];
        guarded.pending = false;
        let nth = guarded.again;
        let lineage = if nth == 0 { parent.lineage } else { parent.lineage.child(AGAIN, nth) };
        let frame = Frame {
            lineage,
            sent: now,
            until: now,
            caller: guard,
            replica: plan.link(plan.call(id).link).first,
            call: id.0,
            client: parent.client,
            priority: parent.priority,
            origin: Origin::Try,
            measured: parent.measured,
            child: NONE,
            ..Frame::default()
        };
        let (measured, client) = (frame.measured, ClientId(u32::from(frame.client)));
        let frame = self.frames.insert(frame);
        let dues = std::mem::take(&mut guarded.dues);
        guarded.open.push(Try { frame, nth, dues });
        let (hedged, deadline) = (self.next_hedge(guard), self.guarded[guard as usize].deadline);
        self.guarded[guard as usize].hedge_at = hedged;
        if self.rules(guard).propagate {
            self.inherit_deadline(frame, deadline);
        }
        self.inherit_root(frame, guard);
        self.open_account(frame, || Opening::Call { parent: guard, call: id });
        if nth > 0 {
            let hedge = self.guarded[guard as usize].open.len() > 1;
            let own = self.frames[self.frames[guard].caller].origin == Origin::Root;
            self.tell(Fact::TriedAgain { edge: plan.call(id).edge, client, own, hedge, measured });
        }
        self.set_off(frame, id);
    }

    /// When the next hedge is due.
    fn next_hedge(&self, guard: u32) -> Time {
        let again = self.guarded[guard as usize].again;
        match self.rules(guard).hedge {
            Some(hedge) if again < hedge.max => {
                self.now + self.vary(hedge.after, self.frames[guard].lineage, Purpose::Jitter, again << 8 | HEDGE)
            }
            _ => Time::NEVER,
        }
    }

    /// A try has ended, well or badly: the answer came, or nobody waits for it any more (`answered` tells which).
    pub(super) fn end_try(&mut self, at: u32, outcome: Outcome, answered: bool) {
        let guard = self.frames[at].caller;
        let guarded = &mut self.guarded[guard as usize];
        let Some(place) = guarded.open.iter().position(|t| t.frame == at) else { return };
        let ended = guarded.open.remove(place);
        let last = guarded.open.is_empty();
        if last || outcome.is_good() {
            // A hedge that still waits for room is no longer wanted.
            self.leave_bulkhead_line(guard);
        }
        self.settle_dues(guard, ended.dues, outcome);
        self.tell_budget(guard, ended.nth, outcome);
        if outcome.is_good() {
            return self.conclude_call(guard, outcome, Some(at));
        }
        self.guarded[guard as usize].cause = outcome;
        if last {
            self.try_again(guard, outcome, answered.then_some(at));
        } else if self.rules(guard).hedge.is_some() && self.guarded[guard as usize].hedge_at != Time::NEVER {
            // A failure sends the next hedge at once (gRPC proposal A6).
            self.hedge(guard);
        }
        self.set_alarm(guard);
    }

    /// All tries so far have failed: another one after a wait, or the call fails.
    pub(super) fn try_again(&mut self, guard: u32, outcome: Outcome, answered: Option<u32>) {
        let rules = self.rules(guard);
        let (now, again) = (self.now, self.guarded[guard as usize].again);
        let begun = rules.stages.iter().position(|s| *s == Stage::Retry).unwrap_or(0) as u32;
        let retry = rules.retry.as_ref().filter(|r| again < r.max && r.on.contains(outcome));
        let Some(retry) = retry.filter(|_| self.guarded[guard as usize].stage > begun) else {
            return self.conclude_call(guard, outcome, answered);
        };
        if let Some(budget) = &mut self.state(guard).budget
            && !budget.withdraw(now, outcome)
        {
            let (edge, measured) = (self.edge_of(guard), self.frames[guard].measured);
            self.tell(Fact::OutOfBudget { edge, measured });
            return self.conclude_call(guard, outcome, answered);
        }
        let wait = match retry.backoff {
            Backoff::Exponential(growing) => {
                growing.wait(again, self.guarded[guard as usize].backoff, self.uniform(guard, BACKOFF))
            }
            Backoff::Law(law) => self.vary(law, self.frames[guard].lineage, Purpose::Jitter, again << 8 | HEDGE),
        };
        self.charge(guard, Cause::FailedTries);
        let guarded = &mut self.guarded[guard as usize];
        guarded.again += 1;
        guarded.pending = true;
        guarded.backoff = wait;
        guarded.stage = begun + 1;
        guarded.resume_at = now + wait;
    }

    /// One more try beside those that are out.
    fn hedge(&mut self, guard: u32) {
        let begun = self.rules(guard).stages.iter().position(|s| *s == Stage::Retry).unwrap_or(0) as u32;
        let guarded = &mut self.guarded[guard as usize];
        guarded.hedge_at = Time::NEVER;
        guarded.again += 1;
        guarded.stage = begun + 1;
        self.pass_stages(guard);
    }

    /// The alarm of a guard goes off: a wait is over, a hedge or the deadline is due.
    pub(super) fn wake_guard(&mut self, guard: u32) {
        let frame = &mut self.frames[guard];
        if frame.origin != Origin::Guard || frame.due != self.now {
            return;
        }
        if self.faulted && self.mutes(Event::Alarm(guard), guard) {
            return;
        }
        self.frames[guard].due = Time::NEVER;
        let now = self.now;
        let guarded = &mut self.guarded[guard as usize];
        if guarded.deadline <= now {
            return self.run_out(guard);
        }
        if guarded.resume_at <= now {
            guarded.resume_at = Time::NEVER;
            self.charge_wait(guard);
            if self.leave_bulkhead_line(guard) {
                self.refuse(guard, Outcome::BulkheadFull);
            } else {
                self.pass_stages(guard);
            }
        } else if guarded.hedge_at <= now {
            self.hedge(guard);
        }
        self.set_alarm(guard);
    }

    /// Time without a try under way was waiting for the next one.
    pub(super) fn charge_wait(&mut self, guard: u32) {
        if self.guarded[guard as usize].open.is_empty() {
            self.charge(guard, Cause::RetryWait);
        }
    }

    /// Arms the one alarm of a guard for what comes next.
    pub(super) fn set_alarm(&mut self, guard: u32) {
        let (frame, guarded) = (&self.frames[guard], &self.guarded[guard as usize]);
        if guarded.police == NONE {
            return;
        }
        let next = guarded.deadline.min(guarded.hedge_at).min(guarded.resume_at);
        if next != frame.due {
            self.frames[guard].due = next;
            if next != Time::NEVER {
                self.agenda.push(next, crate::kernel::Phase::Arrival, Event::Alarm(guard));
            }
        }
    }

    /// The deadline has passed: whatever is under way is given up.
    fn run_out(&mut self, guard: u32) {
        self.charge(
            guard,
            if self.guarded[guard as usize].open.is_empty() { Cause::RetryWait } else { Cause::FailedTries },
        );
        self.conclude_call(guard, Outcome::Deadline, None);
    }

    /// The call is over: its caller goes on, whatever tries are still out are given up.
    fn conclude_call(&mut self, guard: u32, outcome: Outcome, by: Option<u32>) {
        self.dissolve(guard, outcome);
        let (caller, spent) = (self.frames[guard].caller, self.frames[guard].spent);
        if let Some(by) = by {
            self.frames[caller].spent += self.frames[by].spent;
            // What the first try had before this one, a hedge, was sent.
            let before = self.frames[by].sent.since(self.frames[guard].until);
            self.charge_for(guard, Cause::HedgeWait, before);
            self.pass_on(guard, by);
        } else {
            self.charge(guard, Cause::FailedTries);
        }
        self.frames[caller].spent += spent;
        self.pass_on(caller, guard);
        self.settle(guard, outcome);
        self.close(guard, outcome);
        self.guarded[guard as usize].police = NONE;
        self.ready.push_back(caller);
    }

    /// The answer of a try is there.
    #[inline(never)]
    pub(super) fn end_answered_try(&mut self, at: u32, outcome: Outcome) {
        self.uncount(at, Some(outcome));
        self.end_try(at, outcome, true);
        self.close(at, outcome);
    }

    /// A try no longer counts as outstanding, where somebody looks at that.
    fn uncount(&mut self, at: u32, outcome: Option<Outcome>) {
        if self.sites[self.frames[at].call as usize].tracks {
            self.untrack(at, outcome);
        }
    }

    /// A try is given up: nobody waits for it any more, and its guard goes on.
    pub(super) fn give_up_try(&mut self, at: u32, outcome: Outcome) {
        self.uncount(at, Some(outcome));
        self.end_try(at, outcome, false);
        self.let_go(at);
    }

    /// The frame that waits for a guard goes on without it.
    pub(super) fn drop_guard(&mut self, guard: u32) {
        self.dissolve(guard, Outcome::Canceled);
        self.settle(guard, Outcome::Canceled);
        self.close(guard, Outcome::Canceled);
        self.guarded[guard as usize].police = NONE;
    }

    /// A guard lets go of everything it has: its tries, its place in line, what it owes its stages.
    pub(super) fn dissolve(&mut self, guard: u32, outcome: Outcome) {
        self.leave_bulkhead_line(guard);
        while let Some(other) = self.guarded[guard as usize].open.pop() {
            self.withdraw_dues(guard, other.dues);
            if let Some(budget) = &mut self.state(guard).budget {
                budget.on_abandoned(other.nth);
            }
            self.uncount(other.frame, None);
            self.lanes.disarm(other.frame);
            self.let_go(other.frame);
        }
        let guarded = &mut self.guarded[guard as usize];
        let (pending, again) = (std::mem::take(&mut guarded.pending), guarded.again);
        if pending && let Some(budget) = &mut self.state(guard).budget {
            budget.on_abandoned(again);
        }
        let guarded = &mut self.guarded[guard as usize];
        let (left, dues) = (std::mem::take(&mut guarded.dues), std::mem::take(&mut guarded.call_dues));
        self.withdraw_dues(guard, left);
        self.settle_dues(guard, dues, outcome);
        self.frames[guard].due = Time::NEVER;
    }
}

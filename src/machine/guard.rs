//! Guarded calls: policies between a caller and its tries.
//!
//! A call whose site has rules is a frame of its own, the *guard*, at the caller's replica. It waits for its tries as a
//! caller waits for a call, decides what comes after each, and settles once: a caller sees one call, a callee sees
//! requests, and nothing else knows of policies. The guard's account is charged with failed tries, the waits between them
//! and the time that the first try had before a hedge won; the row of the try that ends the call is passed on.

use crate::model::id::NONE;
use crate::model::policy::Rules;
use crate::model::{CallId, Cause, Fact, Opening, Outcome, Probe, plan};
use crate::random::{Draw, Purpose};
use crate::units::{Span, Time};

use super::Machine;
use super::event::Event;
use super::frame::{Frame, Origin};
use super::police::Dues;

/// Name the draws of a guard; its tries have more.
pub(super) const THROTTLE: u64 = 2;
pub(super) const LIMIT: u64 = 4;

/// A guarded call under way, beside its frame.
#[derive(Debug)]
pub(super) struct Guarded {
    /// Which of the world's [`Police`] it is under.
    pub(super) police: u32,
    /// Where it is on its way through the stages; at the end, its tries are out.
    pub(super) stage: u32,
    /// The rules of that, of `Plan::rules`.
    rules: u32,
    /// Tries after the first that were asked for, retries and hedges.
    pub(super) again: u32,
    /// Tries under way, oldest first.
    pub(super) open: Vec<Try>,
    /// What the stages passed on the way to the next try are owed when it ends.
    pub(super) dues: Dues,
    /// What those passed once, for the whole call, are owed.
    pub(super) call_dues: Dues,
    /// The wait before the last retry.
    pub(super) backoff: Span,
    /// How the last try failed.
    pub(super) cause: Outcome,
    /// When it gives up whatever happens.
    pub(super) deadline: Time,
    /// When the next hedge is due.
    pub(super) hedge_at: Time,
    /// When it goes on after a wait: a backoff, a rate limit, the end of its patience in a bulkhead's line.
    pub(super) resume_at: Time,
    /// Whether it is in the line of a bulkhead.
    pub(super) in_line: bool,
    /// Whether a try is on its way through the stages that a budget counts as under way.
    pub(super) pending: bool,
    /// When the next try, whose timer runs already, has timed out.
    pub(super) timer_at: Time,
    /// The deadline its caller inherited.
    pub(super) inherited: Time,
    /// The replica that the next try goes to, where a breaker has let that through.
    pub(super) aim: Option<u32>,
    /// When the first of its tries was begun, where they are tied.
    pub(super) begun: Time,
}

impl Default for Guarded {
    fn default() -> Self {
        Self {
            police: 0,
            stage: 0,
            rules: 0,
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
            timer_at: Time::NEVER,
            inherited: Time::NEVER,
            aim: None,
            begun: Time::NEVER,
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
    /// When its guard times it out, where its timer ran before it set out.
    pub(super) due: Time,
}

impl<'p, P: Probe> Machine<'p, P> {
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
        let (rules, deadline) = (guard.rules, own.min(inherited));
        *guarded = Guarded { police, rules, open, deadline, inherited, ..Guarded::default() };
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

    pub(super) fn rules(&self, guard: u32) -> &'p Rules {
        let plan: &'p plan::Plan = self.plan;
        &plan.rules[self.guarded[guard as usize].rules as usize]
    }

    /// A number in [0, 1) for a rule's `purpose`, new for each try.
    pub(super) fn uniform(&self, guard: u32, purpose: u64) -> f64 {
        let nth = u64::from(self.guarded[guard as usize].again) << 8 | purpose;
        Draw::new(self.seed, self.frames[guard].lineage, Purpose::Jitter, nth).unit()
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
        if guarded.timer_at <= now {
            self.time_out_unsent(guard);
        } else if let Some(late) = guarded.open.iter().find(|other| other.due <= now).copied() {
            self.give_up_try(late.frame, Outcome::Timeout);
        } else if guarded.resume_at <= now {
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
        let timers = guarded.open.iter().map(|other| other.due).fold(guarded.timer_at, Time::min);
        let next = guarded.deadline.min(guarded.hedge_at).min(guarded.resume_at).min(timers);
        // What came due while its replica stood still is due now.
        let next = next.max(self.now);
        if next != frame.due {
            self.frames[guard].due = next;
            if next != Time::NEVER {
                self.agenda.push(next, crate::kernel::Phase::Arrival, Event::Alarm(guard));
            }
        }
    }

    /// The time of a try is over before it has set out.
    fn time_out_unsent(&mut self, guard: u32) {
        let guarded = &mut self.guarded[guard as usize];
        guarded.timer_at = Time::NEVER;
        guarded.resume_at = Time::NEVER;
        self.charge_wait(guard);
        self.leave_bulkhead_line(guard);
        self.refuse(guard, Outcome::Timeout);
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
    pub(super) fn conclude_call(&mut self, guard: u32, outcome: Outcome, by: Option<u32>) {
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
        if self.plan.calls[self.frames[guard].call as usize].effect {
            self.settle_effect(guard);
        }
        self.pass_on(caller, guard);
        self.settle(guard, outcome);
        self.close(guard, outcome);
        self.guarded[guard as usize].police = NONE;
        self.ready.push_back(caller);
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
            let dues = self.stay_inside(guard, other);
            self.withdraw_dues(guard, dues);
            if let Some(budget) = &mut self.state(guard).budget {
                budget.on_abandoned(other.nth);
            }
            self.uncount(other.frame, None);
            self.lanes.disarm(other.frame);
            self.let_go(other.frame, outcome);
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

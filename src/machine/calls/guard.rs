//! Guarded calls: policies between a caller and its tries.
//!
//! A call whose site has rules is a frame of its own, the *guard*, at the caller's replica. It waits for its tries as a
//! caller waits for a call, decides what comes after each, and settles once: a caller sees one call, a callee sees
//! requests, and nothing else knows of policies. The guard's account is charged with failed tries, the waits between them
//! and the time that the first try had before a hedge won; the row of the try that ends the call is passed on.

use crate::model::id::NONE;
use crate::model::policy::Rules;
use crate::model::policy::uses::nth_use;
use crate::model::{CallId, Cause, Fact, Opening, Outcome, Probe, plan};
use crate::random::{Draw, Purpose};
use crate::units::{Span, Time};

use crate::machine::calls::aim::Aim;
use crate::machine::calls::police::Dues;
use crate::machine::calls::{Calls, Ending};
use crate::machine::core::Core;
use crate::machine::core::event::Event;
use crate::machine::core::frame::{Frame, Origin};
use crate::machine::stations::Stations;

/// When a guard has something to do; never, where nothing is due.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Alarms {
    /// When it gives up whatever happens.
    pub(crate) deadline: Time,
    /// When the next hedge is due.
    pub(crate) hedge_at: Time,
    /// When it goes on after a wait: a backoff, a rate limit, the end of its patience in a bulkhead's line.
    pub(crate) resume_at: Time,
    /// When the next try, whose timer runs already, has timed out.
    pub(crate) timer_at: Time,
}

impl Default for Alarms {
    fn default() -> Self {
        Self { deadline: Time::NEVER, hedge_at: Time::NEVER, resume_at: Time::NEVER, timer_at: Time::NEVER }
    }
}

/// A guarded call under way, beside its frame.
#[derive(Clone, Debug)]
pub(crate) struct Guarded {
    /// Which of the world's [`Police`] it is under.
    pub(crate) police: u32,
    /// Where it is on its way through the stages; at the end, its tries are out.
    pub(crate) stage: u32,
    /// The rules of that, of `Plan::rules`.
    pub(crate) rules: u32,
    /// Tries after the first that were asked for, retries and hedges.
    pub(crate) again: u32,
    /// Tries under way, oldest first.
    pub(crate) open: Vec<Try>,
    /// What the stages passed on the way to the next try are owed when it ends.
    pub(crate) dues: Dues,
    /// What those passed once, for the whole call, are owed.
    pub(crate) call_dues: Dues,
    /// The wait before the last retry.
    pub(crate) backoff: Span,
    /// How the last try failed.
    pub(crate) cause: Outcome,
    pub(crate) alarms: Alarms,
    /// Whether it is in the line of a bulkhead.
    pub(crate) in_line: bool,
    /// Whether a try is on its way through the stages that a budget counts as under way.
    pub(crate) pending: bool,
    /// The deadline its caller inherited.
    pub(crate) inherited: Time,
    /// Where its tries go.
    pub(crate) aim: Aim,
    /// When the first of its tries was begun, where they are tied.
    pub(crate) begun: Time,
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
            alarms: Alarms::default(),
            in_line: false,
            pending: false,
            inherited: Time::NEVER,
            aim: Aim::default(),
            begun: Time::NEVER,
        }
    }
}

/// A try under way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Try {
    pub(crate) frame: u32,
    /// Which of the call's tries it is, from 0.
    pub(crate) nth: u32,
    pub(crate) dues: Dues,
    /// When its guard times it out, where its timer ran before it set out.
    pub(crate) due: Time,
}

impl Calls {
    /// A call of a site with rules sets out; its caller waits for the guard.
    #[inline(never)]
    pub(crate) fn guard<P: Probe>(&mut self, core: &mut Core<'_, P>, stations: &mut Stations, at: u32, id: CallId) {
        let (plan, now) = (core.plan, core.now);
        let call = plan.call(id);
        let Frame { lineage, replica, whose, .. } = core.frames[at];
        let guard = &plan.guards[call.guard as usize];
        let police = guard.first + replica - plan.link(guard.link).first_caller;
        let (measured, edge) = (whose.measured, call.edge);
        let inherited = if plan.propagates { core.deadline_of(at) } else { Time::NEVER };
        let (frame, new) = core.frames.fresh();
        new.lineage = lineage.child(call.site, 0);
        new.trip.sent = now;
        new.account.until = now;
        new.caller = at;
        new.replica = replica;
        new.call = id.0;
        new.origin = Origin::Guard;
        new.whose = whose;
        new.due = Time::NEVER;
        core.frames[at].child = frame;
        core.inherit_root(frame, at);
        core.open_account(frame, || Opening::Call { parent: at, call: id });
        core.tell(Fact::Called { edge, measured });
        self.guarded.grow(frame);
        let own = plan.rules[guard.rules as usize].deadline.map_or(Time::NEVER, |lane| now + plan.lanes[lane.index()]);
        let guarded = &mut self.guarded[frame];
        let open = std::mem::take(&mut guarded.open);
        let (rules, deadline) = (guard.rules, own.min(inherited));
        let alarms = Alarms { deadline, ..Alarms::default() };
        let pending = inherited > now;
        *guarded = Guarded { police, rules, open, alarms, pending, inherited, ..Guarded::default() };
        if !pending {
            return self.conclude_call(core, stations, frame, Outcome::Deadline, None);
        }
        if let Some(budget) = &mut self.police[police as usize].state.budget {
            budget.on_call(now);
        }
        self.pass_stages(core, stations, frame);
        self.set_alarm(core, frame);
    }

    pub(crate) fn rules<'p, P: Probe>(&self, core: &Core<'p, P>, guard: u32) -> &'p Rules {
        let plan: &'p plan::Plan = core.plan;
        &plan.rules[self.guarded[guard].rules as usize]
    }

    /// A number in [0, 1) for a rule's `purpose`, new for each try.
    pub(crate) fn uniform<P: Probe>(&self, core: &Core<'_, P>, guard: u32, purpose: u64) -> f64 {
        let nth = nth_use(self.guarded[guard].again, purpose);
        Draw::new(core.seed, core.frames[guard].lineage, Purpose::Jitter, nth).unit()
    }

    /// The alarm of a guard goes off: a wait is over, a hedge or the deadline is due.
    pub(crate) fn wake_guard<P: Probe>(&mut self, core: &mut Core<'_, P>, stations: &mut Stations, guard: u32) {
        let frame = &mut core.frames[guard];
        if frame.origin != Origin::Guard || frame.due != core.now {
            return;
        }
        if core.is_troubled() && core.mutes(Event::Alarm(guard), guard) {
            return;
        }
        core.frames[guard].due = Time::NEVER;
        let now = core.now;
        let guarded = &mut self.guarded[guard];
        if guarded.alarms.deadline <= now {
            return self.run_out(core, stations, guard);
        }
        if guarded.alarms.timer_at <= now {
            self.time_out_unsent(core, stations, guard);
        } else if let Some(late) = guarded.open.iter().find(|other| other.due <= now).copied() {
            self.give_up_try(core, stations, late.frame, Outcome::Timeout);
        } else if guarded.alarms.resume_at <= now {
            guarded.alarms.resume_at = Time::NEVER;
            self.charge_wait(core, guard);
            if self.leave_bulkhead_line(guard) {
                self.refuse(core, stations, guard, Outcome::BulkheadFull);
            } else {
                self.pass_stages(core, stations, guard);
            }
        } else if guarded.alarms.hedge_at <= now {
            self.hedge(core, stations, guard);
        }
        self.set_alarm(core, guard);
    }

    /// Time without a try under way was waiting for the next one.
    pub(crate) fn charge_wait<P: Probe>(&mut self, core: &mut Core<'_, P>, guard: u32) {
        if self.guarded[guard].open.is_empty() {
            core.charge(guard, Cause::RetryWait);
        }
    }

    /// Arms the one alarm of a guard for what comes next.
    pub(crate) fn set_alarm<P: Probe>(&mut self, core: &mut Core<'_, P>, guard: u32) {
        let (frame, guarded) = (&core.frames[guard], &self.guarded[guard]);
        if guarded.police == NONE {
            return;
        }
        let timers = guarded.open.iter().map(|other| other.due).fold(guarded.alarms.timer_at, Time::min);
        let next = guarded.alarms.deadline.min(guarded.alarms.hedge_at).min(guarded.alarms.resume_at).min(timers);
        // What came due while its replica stood still is due now.
        let next = next.max(core.now);
        if next != frame.due {
            core.frames[guard].due = next;
            if next != Time::NEVER {
                core.agenda.push(next, crate::kernel::Phase::Arrival, Event::Alarm(guard));
            }
        }
    }

    /// The time of a try is over before it has set out.
    fn time_out_unsent<P: Probe>(&mut self, core: &mut Core<'_, P>, stations: &mut Stations, guard: u32) {
        let guarded = &mut self.guarded[guard];
        guarded.alarms.timer_at = Time::NEVER;
        guarded.alarms.resume_at = Time::NEVER;
        self.charge_wait(core, guard);
        self.leave_bulkhead_line(guard);
        self.refuse(core, stations, guard, Outcome::Timeout);
    }

    /// The deadline has passed: whatever is under way is given up.
    fn run_out<P: Probe>(&mut self, core: &mut Core<'_, P>, stations: &mut Stations, guard: u32) {
        core.charge(guard, if self.guarded[guard].open.is_empty() { Cause::RetryWait } else { Cause::FailedTries });
        self.conclude_call(core, stations, guard, Outcome::Deadline, None);
    }

    /// The call is over: its caller goes on, whatever tries are still out are given up.
    pub(crate) fn conclude_call<P: Probe>(
        &mut self,
        core: &mut Core<'_, P>,
        stations: &mut Stations,
        guard: u32,
        outcome: Outcome,
        by: Option<u32>,
    ) {
        self.dissolve(core, stations, guard, outcome);
        let spent = by.map_or(0, |by| core.frames[by].load.spent);
        let frame = &mut core.frames[guard];
        frame.load.spent += spent;
        let (caller, id) = (frame.caller, frame.call);
        match by {
            Some(by) => core.take_answer(guard, by),
            None => core.charge(guard, Cause::FailedTries),
        }
        if core.plan.calls[id as usize].effect {
            self.settle_effect(core, guard);
        }
        let ending = Ending { outcome, ..core.ending(guard) };
        self.hand_back(core, stations, ending);
        self.guarded[guard].police = NONE;
        core.ready.push_back(caller);
    }

    /// The frame that waits for a guard goes on without it.
    pub(crate) fn drop_guard<P: Probe>(&mut self, core: &mut Core<'_, P>, stations: &mut Stations, guard: u32) {
        self.dissolve(core, stations, guard, Outcome::Canceled);
        self.settle(core, stations, guard, Outcome::Canceled);
        core.close(guard, Outcome::Canceled);
        self.guarded[guard].police = NONE;
    }

    /// A guard lets go of everything it has: its tries, its place in line, what it owes its stages.
    pub(crate) fn dissolve<P: Probe>(
        &mut self,
        core: &mut Core<'_, P>,
        stations: &mut Stations,
        guard: u32,
        outcome: Outcome,
    ) {
        self.leave_bulkhead_line(guard);
        while let Some(other) = self.guarded[guard].open.pop() {
            self.abandon_try(core, stations, guard, other, outcome);
        }
        let guarded = &mut self.guarded[guard];
        if std::mem::take(&mut guarded.pending)
            && let Some(budget) = &mut self.police[guarded.police as usize].state.budget
        {
            budget.on_abandoned(guarded.again);
        }
        let (left, dues) = (std::mem::take(&mut guarded.dues), std::mem::take(&mut guarded.call_dues));
        self.withdraw_dues(core, stations, guard, left);
        self.settle_dues(core, stations, guard, dues, outcome);
        core.frames[guard].due = Time::NEVER;
    }

    /// A guard that is over gives up a try of its own.
    #[inline(never)]
    fn abandon_try<P: Probe>(
        &mut self,
        core: &mut Core<'_, P>,
        stations: &mut Stations,
        guard: u32,
        other: Try,
        outcome: Outcome,
    ) {
        let dues = self.stay_inside(core, guard, other);
        self.withdraw_dues(core, stations, guard, dues);
        if let Some(budget) = &mut self.state(guard).budget {
            budget.on_abandoned(other.nth);
        }
        self.wire.uncount(core, other.frame, None);
        self.lanes.disarm(other.frame);
        self.let_go(core, stations, other.frame, outcome);
    }
}

impl<P: Probe> Core<'_, P> {
    /// The answer of a try is that of the call: what the first try had before this one, a hedge, was sent, and its own time.
    #[inline]
    fn take_answer(&mut self, guard: u32, by: u32) {
        let before = self.frames[by].trip.sent.since(self.frames[guard].account.until);
        if before > Span::ZERO {
            self.charge_for(guard, Cause::HedgeWait, before);
        }
        self.pass_on(guard, by);
    }
}

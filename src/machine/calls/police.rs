//! The stages that policies put before each try: what they are asked, what they are owed.
//!
//! Order (unless a preset has its own): deadline → retry or hedge → per try: rate limit → bulkhead → breaker → throttle →
//! concurrency limit → the try's own timer → discovery, balancing, connection, link. What refuses a try fails it at once.

use std::collections::VecDeque;

use crate::model::policy::uses::{LIMIT, THROTTLE};
use crate::model::policy::{Bulkhead, Rules, Stage, State, Verdict};
use crate::model::{Fact, Outcome, Probe, plan};
use crate::units::{Span, Time};

use crate::machine::calls::Calls;
use crate::machine::calls::guard::Try;
use crate::machine::core::Core;
use crate::machine::stations::Stations;

/// Which stages let something in, and are to be told of its end; and when that was.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Dues {
    stages: u8,
    /// Whether it probes a half-open breaker.
    pub(crate) probe: bool,
    /// Which of the policy's breakers it passed.
    pub(crate) breaker: u32,
    pub(crate) since: Time,
}

impl Dues {
    pub(crate) fn owe(&mut self, stage: Stage, now: Time) {
        self.stages |= 1 << stage as u8;
        self.since = now;
    }

    /// The same, but that one stage has heard of it.
    fn without(self, stage: Stage) -> Self {
        Self { stages: self.stages & !(1 << stage as u8), ..self }
    }

    fn is_settled(self) -> bool {
        self.stages == 0
    }

    pub(crate) fn owes(self, stage: Stage) -> bool {
        self.stages & 1 << stage as u8 != 0
    }
}

/// The state of a policy between one caller replica and a callee, and who waits for room in its bulkhead.
#[derive(Clone, Debug, Default)]
pub(crate) struct Police {
    pub(crate) state: State,
    pub(crate) line: VecDeque<u32>,
}

/// All states of a plan, at rest.
pub(crate) fn police(plan: &plan::Plan) -> Vec<Police> {
    let callers = |g: &plan::Guard| plan.node(plan.link(g.link).from).replicas;
    let of = |g: &plan::Guard| {
        let (rules, replicas) = (&plan.rules[g.rules as usize], plan.node(plan.link(g.link).to).replicas);
        (0..callers(g))
            .map(|_| Police { state: State::new(rules, replicas), line: VecDeque::new() })
            .collect::<Vec<_>>()
    };
    plan.guards.iter().flat_map(of).collect()
}

impl Calls {
    pub(crate) fn state(&mut self, guard: u32) -> &mut State {
        &mut self.police[self.guarded[guard].police as usize].state
    }

    /// A call under way passes the stages up to its next try, or waits at one, or is refused by one.
    pub(crate) fn pass_stages<P: Probe>(&mut self, core: &mut Core<'_, P>, stations: &mut Stations, guard: u32) {
        let rules = self.rules(core, guard);
        let mut stage = self.guarded[guard].stage;
        while let Some(next) = rules.stages.get(stage as usize) {
            let verdict = self.ask(core, guard, rules, *next);
            if verdict != Verdict::Go {
                self.guarded[guard].stage = stage;
                return match verdict {
                    Verdict::Refuse(outcome) => self.refuse(core, stations, guard, outcome),
                    Verdict::Wait(span) => self.wait_at(core, guard, *next, span),
                    Verdict::Go => {}
                };
            }
            stage += 1;
        }
        self.guarded[guard].stage = stage;
        self.launch(core, stations, guard);
    }

    /// Asks one stage; what it lets in is noted, so that it hears of the end.
    #[inline(always)]
    fn ask<P: Probe>(&mut self, core: &mut Core<'_, P>, guard: u32, rules: &Rules, stage: Stage) -> Verdict {
        match stage {
            Stage::Retry => {
                let guarded = &mut self.guarded[guard];
                guarded.call_dues = std::mem::take(&mut guarded.dues);
                Verdict::Go
            }
            Stage::Timer => {
                if rules.early
                    && let Some(lane) = rules.timeout
                {
                    self.guarded[guard].alarms.timer_at = core.now + core.plan.lanes[lane.index()];
                }
                Verdict::Go
            }
            Stage::Breaker if rules.breaker.is_some_and(|breaker| breaker.per_replica) => {
                self.ask_replicas(core, guard)
            }
            Stage::Breaker => self.ask_breaker(core, guard),
            _ => self.ask_rule(core, guard, stage),
        }
    }

    /// Asks the one breaker of a callee.
    #[inline]
    fn ask_breaker<P: Probe>(&mut self, core: &Core<'_, P>, guard: u32) -> Verdict {
        let guarded = &mut self.guarded[guard];
        let state = &mut self.police[guarded.police as usize].state;
        let Some(breaker) = state.breakers.first_mut() else { return Verdict::Go };
        let verdict = breaker.admit(core.now);
        if verdict == Verdict::Go {
            guarded.dues.probe |= breaker.is_half_open();
            guarded.dues.owe(Stage::Breaker, core.now);
        }
        verdict
    }

    /// Asks the rule of a stage that has one state for the whole callee.
    #[inline(never)]
    fn ask_rule<P: Probe>(&mut self, core: &mut Core<'_, P>, guard: u32, stage: Stage) -> Verdict {
        let now = core.now;
        let u = if stage == Stage::Throttle { self.uniform(core, guard, THROTTLE) } else { 0.0 };
        let priority = core.frames[guard].whose.priority;
        let state = self.state(guard);
        let verdict = match stage {
            Stage::Retry | Stage::Timer | Stage::Breaker => Verdict::Go,
            Stage::RateLimit => return state.rate_limit.as_mut().map_or(Verdict::Go, |limit| limit.admit(now)),
            Stage::Bulkhead => state.bulkhead.as_mut().map_or(Verdict::Go, Bulkhead::admit),
            Stage::Throttle => state.throttle.as_mut().map_or(Verdict::Go, |throttle| throttle.admit(now, u)),
            Stage::Limit => state.limit.as_mut().map_or(Verdict::Go, |limit| limit.admit(priority)),
        };
        if verdict == Verdict::Go {
            self.guarded[guard].dues.owe(stage, now);
        }
        verdict
    }

    /// The way on is open only after a while: a rate limit lets it go on then, a bulkhead lets it stand in line so long.
    fn wait_at<P: Probe>(&mut self, core: &mut Core<'_, P>, guard: u32, stage: Stage, span: Span) {
        let resume_at = core.now + span;
        let guarded = &mut self.guarded[guard];
        guarded.alarms.resume_at = resume_at;
        if stage == Stage::Bulkhead {
            guarded.in_line = true;
            let police = guarded.police;
            self.police[police as usize].line.push_back(guard);
        } else {
            guarded.stage += 1;
        }
    }

    /// A stage refuses the next try.
    pub(crate) fn refuse<P: Probe>(
        &mut self,
        core: &mut Core<'_, P>,
        stations: &mut Stations,
        guard: u32,
        outcome: Outcome,
    ) {
        let guarded = &mut self.guarded[guard];
        guarded.pending = false;
        guarded.aim.next = None;
        guarded.alarms.timer_at = Time::NEVER;
        let (dues, nth, edge) = (std::mem::take(&mut guarded.dues), guarded.again, core.edge_of(guard));
        core.tell(Fact::Limited { edge, by: outcome, first: nth == 0, measured: core.frames[guard].whose.measured });
        let dues = self.tell_breaker(core, guard, dues, outcome);
        self.withdraw_dues(core, stations, guard, dues);
        self.tell_budget(core, guard, nth, outcome);
        let guarded = &mut self.guarded[guard];
        if guarded.open.is_empty() {
            guarded.cause = outcome;
            self.try_again(core, stations, guard, outcome, None);
        }
    }

    /// A guard leaves the line of its bulkhead; says whether it was in it.
    #[inline]
    pub(crate) fn leave_bulkhead_line(&mut self, guard: u32) -> bool {
        if !self.guarded[guard].in_line {
            return false;
        }
        self.step_out_of_bulkhead_line(guard);
        true
    }

    #[inline(never)]
    fn step_out_of_bulkhead_line(&mut self, guard: u32) {
        let guarded = &mut self.guarded[guard];
        guarded.in_line = false;
        let police = guarded.police as usize;
        self.police[police].line.retain(|g| *g != guard);
    }

    /// What a stage behind the breaker refuses is a failure to it, as Spring's aspects nest them and Hystrix counts.
    fn tell_breaker<P: Probe>(&mut self, core: &mut Core<'_, P>, guard: u32, dues: Dues, outcome: Outcome) -> Dues {
        let now = core.now;
        if dues.owes(Stage::Breaker)
            && let Some(breaker) = self.state(guard).breakers.get_mut(dues.breaker as usize)
        {
            breaker.record(now, !breaker.counts(outcome), false, dues.probe);
        }
        dues.without(Stage::Breaker)
    }

    /// Stages hear how what they let in has ended.
    #[inline]
    pub(crate) fn settle_dues<P: Probe>(
        &mut self,
        core: &mut Core<'_, P>,
        stations: &mut Stations,
        guard: u32,
        dues: Dues,
        outcome: Outcome,
    ) {
        let now = core.now;
        if dues.owes(Stage::Breaker)
            && let Some(breaker) = self.state(guard).breakers.get_mut(dues.breaker as usize)
        {
            let slow = breaker.is_slow(now.since(dues.since));
            breaker.record(now, !breaker.counts(outcome), slow, dues.probe);
        }
        let others = dues.without(Stage::Breaker);
        if !others.is_settled() {
            self.settle_others(core, stations, guard, others, outcome);
        }
    }

    /// The same for all stages but the breaker.
    #[inline(never)]
    fn settle_others<P: Probe>(
        &mut self,
        core: &mut Core<'_, P>,
        stations: &mut Stations,
        guard: u32,
        dues: Dues,
        outcome: Outcome,
    ) {
        let now = core.now;
        let u = if dues.owes(Stage::Limit) { self.uniform(core, guard, LIMIT) } else { 0.0 };
        let (latency, priority) = (now.since(dues.since), core.frames[guard].whose.priority);
        let state = self.state(guard);
        if dues.owes(Stage::Throttle)
            && let Some(throttle) = &mut state.throttle
        {
            throttle.record(now, outcome);
        }
        if dues.owes(Stage::Limit)
            && let Some(limit) = &mut state.limit
        {
            limit.release(priority, latency, outcome, u);
        }
        self.leave_bulkhead(core, stations, guard, dues);
    }

    /// Stages hear that what they let in was not sent, or is no longer waited for.
    #[inline]
    pub(crate) fn withdraw_dues<P: Probe>(
        &mut self,
        core: &mut Core<'_, P>,
        stations: &mut Stations,
        guard: u32,
        dues: Dues,
    ) {
        if !dues.is_settled() {
            self.withdraw_owed(core, stations, guard, dues);
        }
    }

    /// The same where there are any.
    #[inline(never)]
    fn withdraw_owed<P: Probe>(&mut self, core: &mut Core<'_, P>, stations: &mut Stations, guard: u32, dues: Dues) {
        let (now, priority) = (core.now, core.frames[guard].whose.priority);
        let state = self.state(guard);
        if dues.owes(Stage::Breaker)
            && let Some(breaker) = state.breakers.get_mut(dues.breaker as usize)
        {
            breaker.forget(now, dues.probe);
        }
        if dues.owes(Stage::Limit)
            && let Some(limit) = &mut state.limit
        {
            // An error says nothing about the load.
            limit.release(priority, Span::ZERO, Outcome::Error, 1.0);
        }
        self.leave_bulkhead(core, stations, guard, dues);
    }

    /// A try leaves its bulkhead, where it passed one.
    fn leave_bulkhead<P: Probe>(&mut self, core: &mut Core<'_, P>, stations: &mut Stations, guard: u32, dues: Dues) {
        if dues.owes(Stage::Bulkhead) {
            self.free_place(core, stations, self.guarded[guard].police);
        }
    }

    /// A try that is given up stays in its bulkhead until its frame is closed, where that is the rule. What it then owes.
    pub(crate) fn stay_inside<P: Probe>(&mut self, core: &mut Core<'_, P>, guard: u32, ended: Try) -> Dues {
        let stays = self.rules(core, guard).bulkhead.is_some_and(|bulkhead| bulkhead.until_answered);
        if !stays || !ended.dues.owes(Stage::Bulkhead) {
            return ended.dues;
        }
        self.lingering.insert(ended.frame, self.guarded[guard].police);
        ended.dues.without(Stage::Bulkhead)
    }

    /// A try that nobody waits for is over: its slot is free, and the place in a bulkhead that it may have kept.
    #[inline]
    pub(crate) fn close_try<P: Probe>(
        &mut self,
        core: &mut Core<'_, P>,
        stations: &mut Stations,
        at: u32,
        outcome: Outcome,
    ) {
        core.close(at, outcome);
        if !self.lingering.is_empty() {
            self.stop_lingering(core, stations, at);
        }
    }

    /// A try that stayed in its bulkhead is over.
    #[cold]
    fn stop_lingering<P: Probe>(&mut self, core: &mut Core<'_, P>, stations: &mut Stations, at: u32) {
        if let Some(police) = self.lingering.remove(&at) {
            self.free_place(core, stations, police);
        }
    }

    /// Room in a bulkhead: whoever leads its line goes on.
    fn free_place<P: Probe>(&mut self, core: &mut Core<'_, P>, stations: &mut Stations, police: u32) {
        let police = police as usize;
        if let Some(bulkhead) = &mut self.police[police].state.bulkhead {
            bulkhead.release();
        }
        if let Some(next) = self.police[police].line.pop_front() {
            let guarded = &mut self.guarded[next];
            guarded.in_line = false;
            guarded.alarms.resume_at = Time::NEVER;
            self.charge_wait(core, next);
            self.pass_stages(core, stations, next);
            self.set_alarm(core, next);
        }
    }

    #[inline]
    pub(crate) fn tell_budget<P: Probe>(&mut self, core: &mut Core<'_, P>, guard: u32, nth: u32, outcome: Outcome) {
        let guarded = &self.guarded[guard];
        if let Some(budget) = &mut self.police[guarded.police as usize].state.budget {
            let (rules, cause) = (&core.plan.rules[guarded.rules as usize], guarded.cause);
            let retryable = rules.retry.as_ref().is_some_and(|retry| retry.on.contains(outcome));
            if outcome.is_good() { budget.on_success(nth, cause) } else { budget.on_failure(nth, retryable) }
        }
    }

    /// All policies of a caller's replica that died begin anew.
    #[cold]
    pub(crate) fn forget_policies<P: Probe>(&mut self, core: &mut Core<'_, P>, replica: u32) {
        let plan = core.plan;
        for guard in &plan.guards {
            let from = plan.node(plan.link(guard.link).from);
            if (from.first_replica..from.first_replica + from.replicas).contains(&replica) {
                let at = guard.first + replica - from.first_replica;
                let callee = plan.node(plan.link(guard.link).to);
                let state = State::new(&plan.rules[guard.rules as usize], callee.replicas);
                self.police[at as usize] = Police { state, line: VecDeque::new() };
                self.lingering.retain(|_, police| *police != at);
            }
        }
    }

    /// At a boundary of the measured time, what every circuit breaker has done so far.
    pub(crate) fn read_breakers<P: Probe>(&mut self, core: &mut Core<'_, P>) {
        let plan = core.plan;
        for (index, guard) in (0..).zip(&plan.guards) {
            let replicas = plan.node(plan.link(guard.link).from).replicas;
            for at in guard.first..guard.first + replicas {
                for breaker in 0..self.police[at as usize].state.breakers.len() {
                    let read = self.police[at as usize].state.breakers[breaker].tally(core.now);
                    let (opened, open, half_open) = (read.opened as u32, read.open, read.half_open);
                    core.tell(Fact::BreakerRead { guard: index, opened, open, half_open });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_is_owed_until_it_has_heard() {
        let mut dues = Dues::default();
        assert!(dues.is_settled());
        dues.owe(Stage::Breaker, Time(1));
        dues.owe(Stage::Bulkhead, Time(2));
        assert!(dues.owes(Stage::Breaker) && !dues.owes(Stage::Limit) && dues.since == Time(2));
        let dues = dues.without(Stage::Breaker);
        assert!(!dues.owes(Stage::Breaker) && !dues.is_settled() && dues.without(Stage::Bulkhead).is_settled());
    }
}

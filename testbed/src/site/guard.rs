//! A call under rules: its deadline, its retries or hedges, and what each try has to pass, as a client library nests them.

use std::cell::RefCell;
use std::future::pending;
use std::rc::Rc;

use hoptax::model::policy::uses::{BACKOFF, WAIT, nth_use, try_lineage};
use hoptax::model::policy::{Backoff, Retry, Rules, Stage};
use hoptax::model::{CallId, Outcome};
use hoptax::random::{Lineage, Purpose};
use hoptax::units::Span;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::Site;
use super::call::attempt;
use super::frame::Whose;
use crate::policy::{Passed, Police};
use crate::wire::Request;

/// A call under rules, while it is under way.
struct Guard {
    site: Rc<Site>,
    police: Rc<Police>,
    rules: Rules,
    call: CallId,
    lineage: Lineage,
    /// What its tries pass on.
    whose: Whose,
    /// Replicas that it has tried.
    tried: RefCell<Vec<u32>>,
}

/// A task that ends when nobody waits for it any more.
struct Mine(AbortHandle);

impl Drop for Mine {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A try that a budget counts as under way.
struct Counted<'a>(&'a Police, u32, bool);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        if !self.2 {
            self.0.budget(|budget| budget.on_abandoned(self.1));
        }
    }
}

/// Makes a call under its rules.
pub(crate) async fn guarded(site: &Rc<Site>, lineage: Lineage, whose: Whose, id: CallId) -> Outcome {
    let planned = site.plan.call(id);
    let rules = site.plan.rules[site.plan.guards[planned.guard as usize].rules as usize].clone();
    let own = rules.deadline.map_or(u64::MAX, |lane| site.now().saturating_add(site.plan.lanes[lane.index()].0));
    let deadline = own.min(whose.deadline);
    if deadline <= site.now() {
        return Outcome::Deadline;
    }
    let passed_on = if rules.propagate { deadline } else { whose.deadline };
    let police = site.police(planned.guard);
    police.budget(|budget| budget.on_call(site.now()));
    let guard = Rc::new(Guard {
        site: Rc::clone(site),
        police,
        rules,
        call: id,
        lineage,
        whose: Whose { deadline: passed_on, ..whose },
        tried: RefCell::default(),
    });
    tokio::select! {
        outcome = Rc::clone(&guard).all_tries() => outcome,
        () = site.until(deadline) => Outcome::Deadline,
    }
}

impl Guard {
    /// What stands before the tries, once; then the tries.
    async fn all_tries(self: Rc<Self>) -> Outcome {
        let mut passed = Passed::default();
        if let Err(outcome) = self.pass(self.rules.per_call(), &mut passed).await {
            passed.refused(outcome, self.site.now());
            self.police.budget(|budget| budget.on_abandoned(0));
            return outcome;
        }
        let outcome = match self.rules.hedge {
            Some(hedge) => Rc::clone(&self).hedged(hedge.after, hedge.max).await,
            None => self.retried().await,
        };
        passed.ended(outcome, self.site.now());
        outcome
    }

    /// One try after the other.
    async fn retried(&self) -> Outcome {
        let (mut nth, mut before, mut cause) = (0, Span::ZERO, Outcome::Error);
        loop {
            let outcome = self.one_try(nth, cause).await;
            let again = self.rules.retry.as_ref().filter(|retry| nth < retry.max && retry.on.contains(outcome));
            let Some(retry) = again else { return outcome };
            if !self.police.budget(|budget| budget.withdraw(self.site.now(), outcome)).unwrap_or(true) {
                return outcome;
            }
            before = self.backoff(retry, nth, before);
            cause = outcome;
            nth += 1;
            let counted = Counted(&self.police, nth, false);
            self.site.until(self.site.now() + before.0).await;
            std::mem::forget(counted);
        }
    }

    /// The wait before the retry after the `nth` try.
    fn backoff(&self, retry: &Retry, nth: u32, before: Span) -> Span {
        match retry.backoff {
            Backoff::Exponential(growing) => {
                let u = self.site.draw(self.lineage, Purpose::Jitter, nth_use(nth, BACKOFF)).unit();
                growing.wait(nth, before, u)
            }
            Backoff::Law(law) => Span(self.site.vary(law, self.lineage, Purpose::Jitter, nth_use(nth, WAIT))),
        }
    }

    /// One try beside the other: the first good answer counts, the last bad one if there is none.
    async fn hedged(self: Rc<Self>, after: hoptax::model::LawId, max: u32) -> Outcome {
        let (tell, mut ends) = mpsc::unbounded_channel();
        let (mut tasks, mut open, mut nth) = (Vec::new(), 0, 0);
        let mut due = self.launch(0, &tell, &mut tasks, after, max);
        open += 1;
        loop {
            let next = tokio::select! {
                end = ends.recv() => end,
                () = self.site.until(due) => None,
            };
            if let Some(outcome) = next {
                open -= 1;
                let outcome: Outcome = outcome;
                if outcome.is_good() || open == 0 {
                    return outcome;
                }
                if due == u64::MAX {
                    continue;
                }
            }
            // It is time, or a failure sends the next one at once.
            nth += 1;
            due = self.launch(nth, &tell, &mut tasks, after, max);
            open += 1;
        }
    }

    /// Sends a hedge; when the next one is due.
    fn launch(
        self: &Rc<Self>,
        nth: u32,
        tell: &mpsc::UnboundedSender<Outcome>,
        tasks: &mut Vec<Mine>,
        after: hoptax::model::LawId,
        max: u32,
    ) -> u64 {
        let (guard, tell) = (Rc::clone(self), tell.clone());
        let task = tokio::task::spawn_local(async move { _ = tell.send(guard.one_try(nth, Outcome::Error).await) });
        tasks.push(Mine(task.abort_handle()));
        if nth >= max {
            return u64::MAX;
        }
        self.site.now() + self.site.vary(after, self.lineage, Purpose::Jitter, nth_use(nth, WAIT))
    }

    /// One try, if what stands before it lets it go.
    async fn one_try(&self, nth: u32, cause: Outcome) -> Outcome {
        let mut counted = Counted(&self.police, nth, false);
        let mut passed = Passed::default();
        let due = match self.pass(self.rules.per_try(), &mut passed).await {
            Ok(due) => due,
            Err(outcome) => {
                passed.refused(outcome, self.site.now());
                self.tell_budget(&mut counted, nth, outcome, cause);
                return outcome;
            }
        };
        let lineage = try_lineage(self.lineage, nth);
        let request = Request { call: self.call, lineage, whose: self.whose };
        let elsewhere = self.rules.hedge.is_some() || self.rules.retry.as_ref().is_some_and(|r| r.other_replica);
        let mut tried = if elsewhere { self.tried.borrow().clone() } else { Vec::new() };
        let to = tried.len();
        let outcome = {
            let trying = attempt(&self.site, request, due, &mut tried);
            trying.await
        };
        self.tried.borrow_mut().extend(tried.drain(to..));
        passed.ended(outcome, self.site.now());
        self.tell_budget(&mut counted, nth, outcome, cause);
        outcome
    }

    fn tell_budget(&self, counted: &mut Counted<'_>, nth: u32, outcome: Outcome, cause: Outcome) {
        counted.2 = true;
        let retryable = self.rules.retry.as_ref().is_some_and(|retry| retry.on.contains(outcome));
        self.police.budget(|budget| {
            if outcome.is_good() { budget.on_success(nth, cause) } else { budget.on_failure(nth, retryable) }
        });
    }

    /// Passes stages, or is refused by one. When the try has to be over, ns since time zero.
    async fn pass(&self, stages: &[Stage], passed: &mut Passed) -> Result<u64, Outcome> {
        let mut due = u64::MAX;
        for stage in stages {
            if *stage == Stage::Timer {
                let lane = self.rules.timeout.or(self.site.plan.call(self.call).timeout);
                due = lane.map_or(u64::MAX, |lane| self.site.now() + self.site.plan.lanes[lane.index()].0);
                continue;
            }
            let asks = self.police.ask(*stage, &self.site, passed);
            tokio::select! {
                answer = asks => answer?,
                () = async { if due == u64::MAX { pending().await } else { self.site.until(due).await } } => {
                    return Err(Outcome::Timeout);
                }
            }
        }
        Ok(due)
    }
}

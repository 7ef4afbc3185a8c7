//! What a client library keeps between one caller and a callee: written anew here, as those libraries do it, so that the
//! simulator's own rules are held against something else than themselves.

mod breaker;
mod budget;
mod bulkhead;
mod rate;
mod trail;

use std::cell::RefCell;
use std::rc::Rc;

use hoptax::model::Outcome;
use hoptax::model::policy::{Rules, Stage};

use self::breaker::Breaker;
use self::budget::Budget;
use self::bulkhead::{Bulkhead, Place};
use self::rate::Rate;
use crate::site::Site;

/// The state of one policy between this replica and a callee.
pub(crate) struct Police {
    budget: Option<RefCell<Budget>>,
    rate: Option<RefCell<Rate>>,
    bulkhead: Option<Rc<Bulkhead>>,
    breaker: Option<Rc<RefCell<Breaker>>>,
}

/// What a try or a call has passed, and what hears of its end.
#[derive(Default)]
pub(crate) struct Passed {
    breaker: Option<Ticket>,
    place: Option<Place>,
}

/// Who was let through by a breaker; one that is never told of its end makes room for another probe.
struct Ticket {
    breaker: Rc<RefCell<Breaker>>,
    probe: bool,
    since: u64,
    told: bool,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if !self.told {
            self.breaker.borrow_mut().forget(self.probe);
        }
    }
}

impl Passed {
    /// It has ended.
    pub(crate) fn ended(&mut self, outcome: Outcome, now: u64) {
        if let Some(mut ticket) = self.breaker.take() {
            ticket.told = true;
            ticket.breaker.borrow_mut().record(now, outcome, now.saturating_sub(ticket.since), ticket.probe);
        }
        self.place = None;
    }

    /// A stage behind has refused it: a failure to the breaker, as Spring's aspects nest them and Hystrix counts.
    pub(crate) fn refused(&mut self, outcome: Outcome, now: u64) {
        if let Some(ticket) = &mut self.breaker {
            ticket.since = now;
        }
        self.ended(outcome, now);
    }
}

impl Police {
    /// As before the first call.
    pub(crate) fn new(rules: &Rules) -> Self {
        Self {
            budget: rules.retry.as_ref().and_then(|retry| retry.budget).map(|spec| RefCell::new(Budget::new(spec))),
            rate: rules.rate_limit.map(|spec| RefCell::new(Rate::new(spec))),
            bulkhead: rules.bulkhead.map(Bulkhead::new),
            breaker: rules.breaker.map(|spec| Rc::new(RefCell::new(Breaker::new(spec)))),
        }
    }

    /// Something to do with the budget, if there is one.
    pub(crate) fn budget<T>(&self, act: impl FnOnce(&mut Budget) -> T) -> Option<T> {
        self.budget.as_ref().map(|budget| act(&mut budget.borrow_mut()))
    }

    /// Asks a stage: it lets the try go, perhaps after a wait, or refuses it.
    pub(crate) async fn ask(&self, stage: Stage, site: &Site, passed: &mut Passed) -> Result<(), Outcome> {
        match stage {
            Stage::RateLimit => {
                let wait = self.rate.as_ref().map(|rate| rate.borrow_mut().ask(site.now()));
                match wait {
                    Some(None) => Err(Outcome::RateLimited),
                    Some(Some(wait)) if wait > 0 => {
                        site.until(site.now() + wait).await;
                        Ok(())
                    }
                    _ => Ok(()),
                }
            }
            Stage::Bulkhead => match &self.bulkhead {
                Some(bulkhead) => {
                    passed.place = Some(bulkhead.enter(site).await.ok_or(Outcome::BulkheadFull)?);
                    Ok(())
                }
                None => Ok(()),
            },
            Stage::Breaker => match &self.breaker {
                Some(breaker) => {
                    let probe = breaker.borrow_mut().admit(site.now()).ok_or(Outcome::CircuitOpen)?;
                    passed.breaker =
                        Some(Ticket { breaker: Rc::clone(breaker), probe, since: site.now(), told: false });
                    Ok(())
                }
                None => Ok(()),
            },
            Stage::Retry | Stage::Timer | Stage::Throttle | Stage::Limit => Ok(()),
        }
    }
}

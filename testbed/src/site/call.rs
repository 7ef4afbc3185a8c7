//! A call to another process, as it leaves its caller: with a timeout, or under rules.

use std::rc::Rc;

use hoptax::model::id::NONE;
use hoptax::model::{CallId, Outcome};
use hoptax::random::Lineage;

use super::Site;
use super::frame::Whose;
use super::guard;
use crate::wire::{self, Request};

/// A call of a request, and how it ended for it.
pub(crate) async fn call(site: &Rc<Site>, caller: Lineage, whose: Whose, id: CallId) -> Outcome {
    let call = site.plan.call(id);
    let lineage = caller.child(call.site, 0);
    if call.guard != NONE {
        return guard::guarded(site, lineage, whose, id).await;
    }
    let due = call.timeout.map_or(u64::MAX, |lane| site.now() + site.plan.lanes[lane.index()].0);
    attempt(site, Request { call: id, lineage, whose }, due, &mut Vec::new()).await
}

/// One try, given up when it is due. Where it goes is added to those that were tried.
pub(crate) async fn attempt(site: &Rc<Site>, request: Request, due: u64, tried: &mut Vec<u32>) -> Outcome {
    tokio::select! {
        outcome = wire::send(site, request, tried) => outcome,
        () = site.until(due) => Outcome::Timeout,
    }
}

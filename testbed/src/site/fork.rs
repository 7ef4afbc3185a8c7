//! Branches of a `parallel`: tasks of their own that take turns on their parent's worker where it keeps that, and go on for nobody
//! when enough others have succeeded.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use hoptax::model::{ForkId, Outcome};
use tokio::sync::{Mutex, mpsc};

use super::Site;
use super::frame::Frame;
use super::walk;

/// The worker of a request that its branches share.
pub(crate) struct Turns {
    turn: Arc<Mutex<()>>,
    /// Whether the request itself has gone on: stragglers need workers of their own.
    over: Cell<bool>,
}

/// How a branch has ended; `None`: chance left it out.
pub(crate) type End = Option<Outcome>;

/// Branches set out; how it ended, as soon as enough have succeeded or that cannot be.
pub(crate) async fn fork(site: &Rc<Site>, frame: &mut Frame, id: ForkId) -> Outcome {
    let fork = site.plan.fork(id).clone();
    let is_base = frame.turns.is_none();
    let turns = frame.turns.get_or_insert_with(|| Rc::new(Turns { turn: Arc::default(), over: Cell::new(false) }));
    let turns = Rc::clone(turns);
    let (tell, mut ends) = mpsc::unbounded_channel();
    for branch in &fork.branches {
        let copy = branch.copy;
        let lineage = if copy == 0 { frame.lineage } else { frame.lineage.child(branch.site, copy) };
        let mut own = Frame::new(lineage, frame.whose, frame.made_by, Rc::clone(&frame.stop));
        own.turns = Some(Rc::clone(&turns));
        let (site, entry, optional, tell) = (Rc::clone(site), branch.entry.0, branch.optional, tell.clone());
        tokio::task::spawn_local(async move {
            let end = branch_walk(site, own, entry).await;
            _ = tell.send((end, optional));
        });
    }
    drop(tell);
    let outcome = join(fork.branches.len() as u32, fork.need, &mut ends, frame).await;
    if is_base {
        // Whoever has the turn keeps it until it waits or ends.
        let mine = Arc::clone(&turns.turn).lock_owned().await;
        turns.over.set(true);
        drop(mine);
        frame.turns = None;
    }
    outcome
}

/// The same as [`walk::walk`], on the heap: a branch may fork again.
fn branch_walk(site: Rc<Site>, mut frame: Frame, entry: u32) -> Pin<Box<dyn Future<Output = End>>> {
    Box::pin(async move { walk::walk(&site, &mut frame, entry).await })
}

async fn join(all: u32, need: u32, ends: &mut mpsc::UnboundedReceiver<(End, bool)>, frame: &Frame) -> Outcome {
    let (mut good, mut lost, mut absent) = (0, 0, 0);
    loop {
        let end = tokio::select! {
            end = ends.recv() => end,
            () = frame.stop.wait() => return Outcome::Canceled,
        };
        // A branch that was dropped with its process tells nothing.
        let Some((end, optional)) = end else { return Outcome::Error };
        match end {
            None => absent += 1,
            Some(outcome) if outcome.is_good() || optional => good += 1,
            Some(_) => lost += 1,
        }
        let present = all - absent;
        if good >= need.min(present) {
            return Outcome::Succeeded;
        }
        if present - lost < need.min(present) {
            return end.unwrap_or(Outcome::Error);
        }
    }
}

/// A branch needs CPU: the worker of its parent, when no other branch has it; one of its own when its parent has gone on.
pub(crate) async fn take_turn(site: &Rc<Site>, frame: &mut Frame) {
    let Some(turns) = frame.turns.clone() else { return };
    if !turns.over.get() {
        let turn = Arc::clone(&turns.turn).lock_owned().await;
        if !turns.over.get() {
            frame.turn = Some(turn);
            return;
        }
    }
    frame.permit = site.workers.resume(frame.whose.priority).await;
}

/// A branch lets the next one have the worker.
pub(crate) fn give_turn(frame: &mut Frame) {
    frame.turn = None;
    frame.permit = None;
}

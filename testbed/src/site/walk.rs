//! The interpreter: a request walks the plan's program until its answer. What takes time is awaited.

use std::rc::Rc;

use hoptax::model::{Op, Outcome, Pc};
use hoptax::random::Purpose;

use super::Site;
use super::fork::{self, End};
use super::frame::Frame;
use super::workers::Entry;
use super::{call, fault};

/// What comes after an operation.
enum Next {
    /// The next operation.
    On,
    /// Another one.
    To(Pc),
    /// Nothing: the program is over.
    Over(End),
}

/// Walks a program from an operation to its end.
pub(crate) async fn walk(site: &Rc<Site>, frame: &mut Frame, entry: u32) -> End {
    let mut pc = entry;
    loop {
        let op = site.plan.ops[pc as usize];
        match step(site, frame, op, &mut pc).await {
            Next::On => pc += 1,
            Next::To(to) => pc = to.0,
            Next::Over(end) => return end,
        }
    }
}

/// One operation. Work that follows work is one stretch: `pc` is moved to its last operation.
async fn step(site: &Rc<Site>, frame: &mut Frame, op: Op, pc: &mut u32) -> Next {
    match op {
        Op::Enter => enter(site, frame).await,
        Op::Begin { drops: true } if frame.whose.deadline <= site.now() => {
            frame.permit = None;
            Next::Over(Some(Outcome::Deadline))
        }
        Op::Leave => {
            frame.permit = None;
            Next::On
        }
        Op::Resume => {
            frame.permit = site.workers.resume(frame.whose.priority).await;
            Next::On
        }
        Op::Turn => {
            fork::take_turn(site, frame).await;
            Next::On
        }
        Op::GiveTurn => {
            fork::give_turn(frame);
            Next::On
        }
        Op::Work { .. } => {
            let amount = stretch(site, frame, pc);
            site.work(amount).await;
            Next::On
        }
        Op::Wait { law, site: name } => {
            let wait = site.vary(law, frame.lineage, Purpose::Work, name.into());
            site.until(site.now() + wait).await;
            Next::On
        }
        Op::Call { call, fail } => {
            let outcome = tokio::select! {
                outcome = call::call(site, frame.lineage, frame.whose, call) => outcome,
                () = frame.stop.wait() => Outcome::Canceled,
            };
            after(frame, outcome, fail)
        }
        Op::Fork { fork, fail } => {
            let outcome = fork::fork(site, frame, fork).await;
            after(frame, outcome, fail)
        }
        Op::Publish { post, fail } => {
            let post = site.plan.post(post);
            let outcome = tokio::select! {
                outcome = site.mailer.publish(site, post, frame.lineage, frame.whose) => outcome,
                () = frame.stop.wait() => Outcome::Canceled,
            };
            after(frame, outcome, fail)
        }
        Op::Reply(outcome) | Op::Handled(outcome) | Op::End(outcome) => Next::Over(Some(outcome)),
        Op::Conclude => Next::Over(Some(frame.outcome)),
        Op::Absent => Next::Over(None),
        op => go(site, frame, op),
    }
}

/// An operation that takes no time.
fn go(site: &Site, frame: &mut Frame, op: Op) -> Next {
    let toss = |purpose, name: u32| site.draw(frame.lineage, purpose, name.into()).unit();
    match op {
        Op::Jump(to) => Next::To(to),
        Op::Chance { share, site: name, skip } if toss(Purpose::Branch, name) >= f64::from(share) => Next::To(skip),
        Op::Fails { share, site: name, fail } if toss(Purpose::Failure, name) < f64::from(share) => {
            frame.outcome = Outcome::Error;
            Next::To(fail)
        }
        Op::Check { fail } if frame.stop.is_told() => Next::To(fail),
        Op::Split { split, site: name } => {
            let u = toss(Purpose::Branch, name);
            let ways = &site.plan.split(split).ways;
            ways.iter().find(|way| u < way.0).or(ways.last()).map_or(Next::On, |way| Next::To(way.1))
        }
        Op::Descend { call } => {
            frame.scopes.push(frame.lineage);
            frame.lineage = frame.lineage.child(site.plan.call(call).site, 0);
            Next::On
        }
        Op::Ascend { outcome, .. } => {
            frame.lineage = frame.scopes.pop().unwrap_or(frame.lineage);
            frame.outcome = outcome;
            Next::On
        }
        // Messages are really encoded and decoded where they are sent and received.
        _ => Next::On,
    }
}

/// A request asks for a worker: it has one, waits for it, or is refused.
async fn enter(site: &Rc<Site>, frame: &mut Frame) -> Next {
    if frame.stop.is_told() {
        return Next::Over(Some(Outcome::Canceled));
    }
    let waits = match site.workers.enter(frame.whose.priority) {
        Entry::Goes(permit) => {
            frame.permit = Some(permit);
            return Next::On;
        }
        Entry::Full => {
            site.note_refusal();
            return Next::Over(Some(Outcome::Overloaded));
        }
        Entry::Waits(waits) => waits,
    };
    let patience = site.node().queue_timeout.map(|law| site.vary(law, frame.lineage, Purpose::Patience, 0));
    let leaves = patience.map_or(u64::MAX, |patience| site.now() + patience);
    let turn = tokio::select! {
        turn = waits => turn.ok(),
        () = site.until(leaves) => None,
        () = frame.stop.wait() => return Next::Over(Some(Outcome::Canceled)),
    };
    frame.permit = turn;
    if frame.permit.is_some() { Next::On } else { Next::Over(Some(Outcome::Overloaded)) }
}

/// How much work the operations from here to the next that is none ask for, ns; `pc` is left at the last of them.
fn stretch(site: &Site, frame: &Frame, pc: &mut u32) -> u64 {
    let mut amount = 0;
    loop {
        if let Op::Work { law, site: name } = site.plan.ops[*pc as usize] {
            amount += site.vary(law, frame.lineage, Purpose::Work, name.into());
        }
        let next = site.plan.ops[*pc as usize + 1];
        if !matches!(next, Op::Work { .. } | Op::Encode(_) | Op::Receive | Op::Answer | Op::Decode(_)) {
            return amount;
        }
        *pc += 1;
    }
}

/// Where a request goes on after something that may have failed.
fn after(frame: &mut Frame, outcome: Outcome, fail: Pc) -> Next {
    frame.outcome = outcome;
    if outcome.is_good() { Next::On } else { Next::To(fail) }
}

/// A request that has arrived: it fails at once by a fault, or walks its endpoint's program.
pub(crate) async fn serve(site: &Rc<Site>, frame: &mut Frame) -> Outcome {
    site.note_arrival();
    if fault::fails(site, frame.lineage) {
        return Outcome::Error;
    }
    let Some(call) = frame.made_by else { return Outcome::Error };
    let entry = site.plan.endpoint(site.plan.call(call).endpoint).entry;
    walk(site, frame, entry.0).await.unwrap_or(Outcome::Error)
}

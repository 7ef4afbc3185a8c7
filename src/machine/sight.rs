//! A look at a machine that stands still: what everybody under way is at, who waits for whom, and who holds what others wait
//! for. Nothing of it is kept while a machine runs; it is read off the parts when somebody asks.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::fault::drop;
use crate::model::id::NONE;
use crate::model::{CallId, LenderId, NodeId, Op, Probe};
use crate::units::Time;

use super::Machine;
use super::core::frame::{Frame, Origin, Pose};
use super::core::{DIAL, GONE};
use super::wire::lend::Loan;
use super::wire::{Hold, Stage};

/// What somebody is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum At {
    /// When it is in line for a worker; a message, beside its consumer.
    Line,
    /// When it works, or waits for cores that others have.
    Work,
    /// When time has to pass that needs no CPU.
    Wait,
    /// When it waits for a database connection of its caller's pool.
    Pool(LenderId),
    /// When it waits for any connection to its callee.
    Connection,
    /// When the handshake of a connection to its callee was lost, and is not sent again yet.
    Handshake,
    /// When it waits for a lock of a table.
    Lock,
    /// When it waits for the worker that the branches of one request share.
    Turn,
    /// When it waits for a broker to say that a message is safe.
    Broker(NodeId),
    /// When a message of it is on its way, or a connection is opened for it.
    Way,
    /// When it waits for what it has called.
    Calls,
    /// When it has called and no try is out: it waits before the next one, or for room.
    Between,
}

/// Somebody under way.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// Where it is: a try that has not arrived, at its callee.
    pub node: NodeId,
    /// On which replica, of all replicas.
    pub replica: u32,
    /// Who waits for it.
    pub waits: Option<u32>,
    /// The call it is a try of, or stands around the tries of.
    pub call: Option<CallId>,
    /// The broker its message came by, if it is one.
    pub broker: Option<NodeId>,
    /// What it is at.
    pub at: At,
    /// Whether it stands at its node: it has arrived, and its answer has not left.
    pub inside: bool,
    /// The pool whose connection it has, and of which replica.
    pub loan: Option<(LenderId, u32)>,
}

/// Everybody at a moment.
#[derive(Clone, Debug)]
pub struct Sight {
    /// By slot.
    pub all: BTreeMap<u32, Seen>,
    /// By replica: workers held, and those there are.
    pub workers: Vec<(u32, u32)>,
    /// By node: in line for a worker.
    pub lines: Vec<u32>,
    /// Who holds a lock, by the query that waits for it.
    pub locks: BTreeMap<u32, Vec<u32>>,
}

/// Looks at a machine.
pub fn sight<P: Probe>(machine: &Machine<'_, P>) -> Sight {
    let locks = machine.data.waits_for_locks(&machine.core);
    let (connecting, dialling) = connecting(machine);
    let eye = Eye { machine, connecting, dialling, locking: locks.keys().copied().collect() };
    let slots = machine.core.frames.live_slots();
    let all: BTreeMap<u32, Seen> = slots.into_iter().filter_map(|at| Some((at, eye.seen(at)?))).collect();
    let mut lines = vec![0; machine.core.plan.nodes.len()];
    all.values().filter(|seen| seen.at == At::Line).for_each(|seen| lines[seen.node.index()] += 1);
    let workers = machine.stations.replicas.iter().map(super::stations::Replica::taken).collect();
    Sight { all, workers, lines, locks }
}

/// Tries that wait for a connection of a pool, and those whose connection's handshake was lost.
fn connecting<P: Probe>(machine: &Machine<'_, P>) -> (BTreeSet<u32>, BTreeSet<u32>) {
    let wire = &machine.calls.wire;
    let wired = if machine.core.is_troubled() { wire.wired_tries(&machine.core) } else { Vec::new() };
    let lost = wired.iter().filter(|(_, hold)| hold.asked == drop::SWALLOWED).map(|(_, hold)| (hold.pool, hold.conn));
    let lost: BTreeSet<(u32, u32)> = lost.collect();
    let stuck = |(_, hold): &&(u32, Hold)| hold.stage != Stage::Sent && lost.contains(&(hold.pool, hold.conn));
    let waiting = wire.pools.iter().flat_map(|pool| pool.waiting.iter().copied());
    (waiting.collect(), wired.iter().filter(stuck).map(|(at, _)| *at).collect())
}

/// What is looked up often.
struct Eye<'m, 'p, P> {
    machine: &'m Machine<'p, P>,
    connecting: BTreeSet<u32>,
    dialling: BTreeSet<u32>,
    locking: BTreeSet<u32>,
}

impl<P: Probe> Eye<'_, '_, P> {
    fn seen(&self, at: u32) -> Option<Seen> {
        let core = &self.machine.core;
        let frame = &core.frames[at];
        let call = matches!(frame.origin, Origin::Try | Origin::Guard).then_some(CallId(frame.call));
        let waits = match frame.origin {
            Origin::Try | Origin::Guard => (!frame.marks.abandoned && !frame.marks.answered).then_some(frame.caller),
            Origin::Branch => self.machine.stations.joins.parent_of(frame.caller),
            Origin::Root | Origin::Record | Origin::Message => None,
            Origin::Ahead => return None,
        };
        let doing = self.doing(at, frame);
        // Until it arrives, a try stands nowhere: what it has of a pool it asks for at its caller's.
        let node = match (frame.origin, doing) {
            (Origin::Try, At::Pool(_)) | (Origin::Guard, _) => core.node_of(frame.replica),
            (Origin::Try, _) => core.plan.endpoint(core.plan.call(CallId(frame.call)).endpoint).node,
            _ => core.node_of(frame.replica),
        };
        let arrived = frame.origin != Origin::Try || frame.trip.arrived > Time(0);
        let inside = arrived && frame.pc != GONE && !matches!(frame.origin, Origin::Guard | Origin::Root);
        let loan = self.loan(frame);
        Some(Seen { node, replica: frame.replica, waits, call, broker: self.broker(frame), at: doing, inside, loan })
    }

    fn doing(&self, at: u32, frame: &Frame) -> At {
        let core = &self.machine.core;
        let is_try = frame.origin == Origin::Try;
        if is_try && frame.state.loan.is_wanting() && frame.state.loan != Loan::Denied {
            let own = LenderId(core.plan.calls[frame.call as usize].lender);
            let seeks = matches!(frame.state.loan, Loan::Seeks | Loan::Found);
            return At::Pool(if seeks { LenderId(core.plan.lenders[own.index()].behind) } else { own });
        }
        if self.connecting.contains(&at) {
            return At::Connection;
        }
        if self.dialling.contains(&at) {
            return At::Handshake;
        }
        let under_way = is_try && frame.trip.arrived == Time(0);
        if frame.origin == Origin::Guard {
            let open = !self.machine.calls.guarded.get(at).open.is_empty();
            return if open { At::Calls } else { At::Between };
        }
        if under_way || frame.pc == GONE || frame.pc == DIAL.0 {
            return At::Way;
        }
        if frame.marks.waiting || self.is_beside_its_consumer(frame) {
            return At::Line;
        }
        if self.locking.contains(&at) {
            return At::Lock;
        }
        let op = core.ops[frame.pc as usize];
        match (frame.state.pose, op) {
            (Pose::Working, _) => At::Work,
            (Pose::Asleep, _) => At::Wait,
            (Pose::Publishing, Op::Publish { post, .. }) => {
                At::Broker(core.plan.queue(core.plan.post(post).queue).node)
            }
            (Pose::Publishing, Op::Produce { producer, .. }) => At::Broker(core.broker_of(producer)),
            (_, Op::Borrow { lender, .. }) if frame.state.loan == Loan::Stands => At::Pool(lender),
            (_, Op::Call { .. } | Op::Fork { .. }) => At::Calls,
            _ if frame.pc > 0 && core.ops[frame.pc as usize - 1] == Op::Turn => At::Turn,
            _ => At::Work,
        }
    }

    /// A message that was delivered while its consumer has another in hand.
    fn is_beside_its_consumer(&self, frame: &Frame) -> bool {
        let begun = || self.machine.mail.deliveries.at(frame.caller).begun;
        frame.origin == Origin::Message && frame.trip.arrived > Time(0) && !begun()
    }

    fn broker(&self, frame: &Frame) -> Option<NodeId> {
        let (core, mail, streams) = (&self.machine.core, &self.machine.mail, &self.machine.streams);
        match frame.origin {
            Origin::Message => {
                let message = mail.deliveries.at(frame.caller).message;
                Some(core.plan.queue(mail.messages[message as usize].queue).node)
            }
            Origin::Record => {
                let group = streams.members[frame.caller as usize].who.group;
                Some(core.plan.topics[core.plan.groups[group as usize].topic as usize].node)
            }
            _ => None,
        }
    }

    /// What a frame has of a pool: a query its connection, a transaction one for all its steps.
    fn loan(&self, frame: &Frame) -> Option<(LenderId, u32)> {
        let core = &self.machine.core;
        if frame.origin == Origin::Try && frame.state.loan == Loan::Has {
            let lender = LenderId(core.plan.calls[frame.call as usize].lender);
            return (frame.caller != NONE).then(|| (lender, core.frames[frame.caller].replica));
        }
        if frame.pc == GONE || core.plan.lenders.is_empty() {
            return None;
        }
        // Of the operations before, the last that says whether it is inside a transaction.
        let before = core.ops[..frame.pc as usize].iter().rev();
        let said = before.take_while(|op| !matches!(op, Op::Enter | Op::Reply(_))).find_map(|op| match op {
            Op::Borrow { lender, .. } => Some(Some(*lender)),
            Op::GiveBack(_) => Some(None),
            _ => None,
        });
        said.flatten().map(|lender| (lender, frame.replica))
    }
}

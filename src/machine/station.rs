//! Stations: replicas with workers and a line. A request takes a worker, waits for one, or is refused.

use crate::model::id::NONE;
use crate::model::line::{Line, Order};
use crate::model::plan::Node;
use crate::model::{Cause, Fact, NodeId, Outcome, Probe};
use crate::random::{Draw, Lineage, Purpose};
use crate::units::Time;

use super::cpu::SharedCpu;
use super::event::Event;
use super::walk::Flow;
use super::{Machine, Replica};

/// What becomes of a request that asks for a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// When it has one.
    Goes,
    /// When it stands in line.
    Waits,
    /// When there is no room in line.
    Refused,
}

impl Replica {
    /// A replica at rest.
    pub(super) fn new(id: NodeId, node: &Node) -> Self {
        Self {
            node: id,
            busy: 0,
            workers: node.workers,
            limit: node.queue_limit,
            preemptive: node.preemptive,
            own: match node.kind {
                "database" => Some(Cause::Database),
                "gateway" => Some(Cause::Gateway),
                _ => None,
            },
            line: Line::new(node.order),
            full: false,
            running: Vec::new(),
            cpu: node.cores.map(|cores| Box::new(SharedCpu::new(cores))),
            served: 0,
        }
    }
}

impl<P: Probe> Machine<'_, P> {
    /// A request that has just arrived asks for a worker.
    #[inline(always)]
    pub(super) fn enter(&mut self, at: u32) -> Entry {
        if self.take_worker(at) {
            return Entry::Goes;
        }
        self.enter_line(at)
    }

    /// A request that has just arrived joins the line, if there is room.
    #[inline(never)]
    fn enter_line(&mut self, at: u32) -> Entry {
        let replica = &self.replicas[self.frames[at].replica as usize];
        let node = replica.node;
        let plan = self.plan.node(node);
        if replica.line.len() >= replica.limit {
            self.tell(Fact::Refused { node });
            return Entry::Refused;
        }
        self.queue(at);
        let own = plan.queue_timeout.map(|law| self.vary(law, self.frames[at].lineage, Purpose::Patience, 0));
        let bound = self.replicas[self.frames[at].replica as usize].line.patience(self.now);
        if let Some(patience) = own.into_iter().chain(bound).min() {
            self.frames[at].due = self.now + patience;
            self.schedule(patience, Event::Patience(at));
        }
        Entry::Waits
    }

    /// A request that gave its worker up asks for one again; it is never refused.
    #[inline(never)]
    pub(super) fn resume(&mut self, at: u32) -> Flow {
        if self.take_worker(at) {
            return Flow::On;
        }
        self.queue(at);
        Flow::Stay
    }

    /// A worker, if one is free or may be taken from somebody.
    #[inline(always)]
    fn take_worker(&mut self, at: u32) -> bool {
        let index = self.frames[at].replica;
        let replica = &mut self.replicas[index as usize];
        let node = replica.node;
        if replica.busy < replica.workers {
            replica.busy += 1;
            let limited = replica.limit != NONE;
            self.tell_load(index, Fact::Entered { node });
            if limited {
                self.watch_limit(index);
            }
            return true;
        }
        if replica.preemptive
            && let Some(victim) = self.victim(index, self.frames[at].priority, self.plan.node(node).order)
        {
            self.preempt(victim);
            self.tell_load(index, Fact::Entered { node });
            return true;
        }
        false
    }

    #[inline(never)]
    fn queue(&mut self, at: u32) {
        let frame = &mut self.frames[at];
        frame.since = self.now;
        frame.waiting = true;
        let index = frame.replica;
        let priority = frame.priority;
        let peak = self.frames.peak();
        if self.links.len() < peak {
            self.links.resize(peak, Default::default());
        }
        let replica = &mut self.replicas[index as usize];
        replica.line.join(at, priority, self.now, &mut self.links);
        let node = replica.node;
        self.tell(Fact::Queued { node });
        self.watch_limit(index);
    }

    /// A worker becomes free; the line moves on.
    #[inline(always)]
    pub(super) fn leave(&mut self, at: u32) {
        let index = self.frames[at].replica;
        let node = self.replicas[index as usize].node;
        self.tell_load(index, Fact::Left { node });
        let replica = &mut self.replicas[index as usize];
        if replica.line.is_empty() {
            replica.busy -= 1;
            if replica.limit != NONE {
                self.watch_limit(index);
            }
        } else {
            self.serve(index);
        }
    }

    /// The next in line takes the worker that has just become free.
    #[inline(never)]
    fn serve(&mut self, index: u32) {
        let replica = &mut self.replicas[index as usize];
        replica.served += 1;
        let (seed, nth) = (self.seed, replica.served);
        let plan = self.plan.node(replica.node);
        let draw =
            || Draw::new(seed, Lineage(plan.hash).child(u64::from(index - plan.first_replica), 0), Purpose::Line, nth);
        let Some(next) = replica.line.next(self.now, &mut self.links, draw) else {
            return;
        };
        let node = replica.node;
        self.tell(Fact::Dequeued { node });
        self.tell_load(index, Fact::Entered { node });
        self.watch_limit(index);
        self.charge(next, Cause::Queue);
        let frame = &mut self.frames[next];
        frame.waited += self.now.since(frame.since).0;
        frame.due = Time::NEVER;
        frame.waiting = false;
        if frame.preempted {
            frame.preempted = false;
            let (left, cause) = (frame.work, frame.doing);
            // It may have lost its worker at the very instant its work was done.
            if self.start(next, left, cause) == Flow::On {
                self.ready.push_back(next);
            }
        } else {
            self.ready.push_back(next);
        }
    }

    /// A request has been in line as long as it stays.
    pub(super) fn lose_patience(&mut self, at: u32) {
        if self.faulted && self.mutes(Event::Patience(at), at) {
            return;
        }
        let frame = &mut self.frames[at];
        if frame.due != self.now || !frame.waiting {
            return;
        }
        self.leave_line(at);
        self.unlock(at);
        self.reply(at, Outcome::Overloaded, true);
    }

    /// A request leaves the line unserved.
    pub(super) fn leave_line(&mut self, at: u32) {
        self.step_out(at);
        let node = self.replicas[self.frames[at].replica as usize].node;
        self.tell(Fact::Abandoned { node });
    }

    /// A frame is no longer in line.
    pub(super) fn step_out(&mut self, at: u32) {
        let frame = &mut self.frames[at];
        frame.due = Time::NEVER;
        frame.waiting = false;
        frame.waited += self.now.since(frame.since).0;
        let (index, priority) = (frame.replica, frame.priority);
        self.charge(at, Cause::Queue);
        let replica = &mut self.replicas[index as usize];
        replica.line.leave(at, priority, &mut self.links);
        let node = replica.node;
        self.tell(Fact::Dequeued { node });
        self.watch_limit(index);
    }

    /// Tells when a replica's line reaches or leaves its limit.
    #[inline(never)]
    pub(super) fn watch_limit(&mut self, index: u32) {
        let replica = &mut self.replicas[index as usize];
        if replica.limit == NONE {
            return;
        }
        let full = replica.busy >= replica.workers && replica.line.len() >= replica.limit;
        if full != replica.full {
            replica.full = full;
            let node = replica.node;
            self.tell(Fact::Full { node, full });
        }
    }

    /// Whose worker a newcomer takes: under lifo the longest at work, under priority the latest of the least important.
    fn victim(&self, index: u32, priority: u8, order: Order) -> Option<u32> {
        let running = &self.replicas[index as usize].running;
        if order == Order::Lifo {
            return running.first().copied();
        }
        let worst = running.iter().rev().copied().max_by_key(|f| self.frames[*f].priority)?;
        let worst_priority = self.frames[worst].priority;
        let latest = running.iter().rev().copied().find(|f| self.frames[*f].priority == worst_priority)?;
        (worst_priority > priority).then_some(latest)
    }

    /// A running request loses its worker and goes back to the line; it will resume where it was.
    fn preempt(&mut self, victim: u32) {
        let index = self.frames[victim].replica;
        let left = self.interrupt(victim);
        let frame = &mut self.frames[victim];
        frame.work = left;
        frame.preempted = true;
        frame.waiting = true;
        frame.since = self.now;
        let priority = frame.priority;
        let peak = self.frames.peak();
        if self.links.len() < peak {
            self.links.resize(peak, Default::default());
        }
        let replica = &mut self.replicas[index as usize];
        replica.line.rejoin(victim, priority, self.now, &mut self.links);
        let node = replica.node;
        self.tell_load(index, Fact::Left { node });
        self.tell(Fact::Queued { node });
        self.watch_limit(index);
    }
}

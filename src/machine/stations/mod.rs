//! Stations: replicas with workers and a line. A request takes a worker, waits for one, or is refused.

pub(crate) mod ahead;
pub(crate) mod cpu;
pub(crate) mod door;
pub(crate) mod fork;

use crate::model::id::NONE;
use crate::model::line::{Line, Order};
use crate::model::plan::Node;
use crate::model::{Cause, Fact, NodeId, Op, Probe};
use crate::random::{Draw, Lineage, Purpose};
use crate::units::Time;

use super::stations::ahead::Aheads;
use super::stations::fork::Joins;
use crate::machine::core::event::Event;
use crate::machine::core::frame::{Frame, Whose};
use crate::machine::core::{Core, Flow};
use crate::machine::stations::cpu::SharedCpu;
use crate::model::line::Links;
use crate::model::plan::Plan;
use crate::model::policy::Intake;

/// All replicas at work, and whatever takes turns on their workers.
#[derive(Clone, Debug)]
pub(crate) struct Stations {
    pub(crate) replicas: Vec<Replica>,
    pub(crate) links: Links,
    /// What replicas refuse at their doors; empty where none does.
    pub(crate) doors: Vec<Option<Intake>>,
    pub(crate) joins: Joins,
    /// What callers decode of streams while these come, by caller.
    pub(crate) aheads: Aheads,
    /// Whether requests at one replica slow each other down anywhere.
    pub(crate) contends: bool,
}

impl Stations {
    /// All replicas at rest.
    pub(crate) fn new(plan: &Plan) -> Self {
        let of = |(id, node): (NodeId, &Node)| (0..node.replicas).map(|_| Replica::new(id, node)).collect::<Vec<_>>();
        Self {
            replicas: (0..).map(NodeId).zip(&plan.nodes).flat_map(of).collect(),
            links: Links::new(),
            doors: door::intakes(plan),
            joins: Joins::default(),
            aheads: Aheads::new(),
            contends: plan.nodes.iter().any(|node| node.contention.is_some()),
        }
    }

    /// Whether no worker is held, nobody stands in line or at a door, and no branches are open.
    pub(crate) fn are_idle(&self) -> bool {
        let idle = |r: &Replica| r.busy == 0 && r.line.is_empty() && r.running.is_empty();
        self.joins.live() == 0
            && self.replicas.iter().all(|r| idle(r) && r.cpu.as_ref().is_none_or(|cpu| cpu.is_idle()))
            && self.doors.iter().flatten().all(Intake::is_idle)
    }
}

/// A replica of a node.
#[derive(Clone, Debug)]
pub(crate) struct Replica {
    node: NodeId,
    pub(crate) busy: u32,
    workers: u32,
    /// Waiting requests its line holds.
    limit: u32,
    preemptive: bool,
    /// Whether a work here has a core of its own that nobody takes from it.
    simple: bool,
    pub(crate) line: Line,
    /// Whether its line is at the limit.
    full: bool,
    /// Frames at work, kept only where newcomers may take their workers.
    pub(crate) running: Vec<u32>,
    /// The processor all its work shares, if it does.
    pub(crate) cpu: Option<Box<SharedCpu>>,
    /// Requests served from the line; names the draws of a random line.
    served: u64,
}

impl Replica {
    /// A replica at rest.
    pub(crate) fn new(id: NodeId, node: &Node) -> Self {
        Self {
            node: id,
            busy: 0,
            workers: node.workers,
            limit: node.queue_limit,
            preemptive: node.preemptive,
            simple: !node.preemptive && node.cores.is_none(),
            line: Line::new(node.order),
            full: false,
            running: Vec::new(),
            cpu: node.cores.map(|cores| Box::new(SharedCpu::new(cores))),
            served: 0,
        }
    }
}

impl Replica {
    /// Workers held, and those there are.
    pub(crate) fn taken(&self) -> (u32, u32) {
        (self.busy, self.workers)
    }
}

impl Stations {
    /// Whether a replica has a worker for whoever comes now.
    pub(crate) fn has_room(&self, replica: u32) -> bool {
        let replica = &self.replicas[replica as usize];
        replica.busy < replica.workers
    }

    /// Whether nobody waits any more who stood in a replica's line at a moment.
    pub(crate) fn has_served<P: Probe>(&self, core: &Core<'_, P>, replica: u32, at: Time) -> bool {
        let oldest = self.replicas[replica as usize].line.oldest(u8::MAX, |frame| core.frames[frame].wait.since);
        oldest.is_none_or(|since| since > at)
    }

    /// All workers of a replica are free.
    pub(crate) fn empty<P: Probe>(&mut self, core: &mut Core<'_, P>, index: u32) {
        let replica = &mut self.replicas[index as usize];
        let (node, busy) = (replica.node, std::mem::take(&mut replica.busy));
        replica.running.clear();
        for _ in 0..busy {
            core.tell(Fact::Left { node });
        }
        self.watch_limit(core, index);
    }

    /// A request that has just arrived joins the line, if there is room.
    pub(crate) fn enter_line<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) -> bool {
        let replica = &self.replicas[core.frames[at].replica as usize];
        let room = replica.line.len() < replica.limit;
        if room {
            self.wait_in_line(core, at);
        }
        room
    }

    /// A request finds the line full: one that matters less leaves it and is told, or it is refused itself and `None`.
    #[cold]
    pub(crate) fn make_room<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) -> Option<u32> {
        let Whose { priority, .. } = core.frames[at].whose;
        let replica = &self.replicas[core.frames[at].replica as usize];
        let unbegun = |frame: u32| {
            let Frame { pc, marks, .. } = core.frames[frame];
            !marks.preempted && core.ops[pc as usize - 1] == Op::Enter
        };
        let Some(victim) = replica.line.displaced(priority, &self.links, unbegun) else {
            core.tell(Fact::Refused { node: replica.node });
            return None;
        };
        self.leave_line(core, victim);
        self.wait_in_line(core, at);
        Some(victim)
    }

    /// A request joins the line, for as long as it will stay.
    fn wait_in_line<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        self.stand_in_line(core, at);
        let plan = core.plan.node(self.replicas[core.frames[at].replica as usize].node);
        let own = plan.queue_timeout.map(|law| core.vary(law, core.frames[at].lineage, Purpose::Patience, 0));
        let bound = self.replicas[core.frames[at].replica as usize].line.patience(core.now);
        if let Some(patience) = own.into_iter().chain(bound).min() {
            core.frames[at].due = core.now + patience;
            core.schedule(patience, Event::Patience(at));
        }
    }

    /// A request that gave its worker up asks for one again; it is never refused.
    #[inline(never)]
    pub(crate) fn resume<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) -> Flow {
        if self.take_worker(core, at, core.frames[at].replica) {
            return Flow::On;
        }
        self.stand_in_line(core, at);
        Flow::Stay
    }

    /// A worker of its replica, if one is free or may be taken from somebody.
    #[inline(always)]
    pub(crate) fn take_worker<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, index: u32) -> bool {
        let replica = &mut self.replicas[index as usize];
        let node = replica.node;
        if replica.busy < replica.workers {
            replica.busy += 1;
            let limited = replica.limit != NONE;
            core.tell_load(index, || Fact::Entered { node });
            if limited {
                self.watch_limit(core, index);
            }
            return true;
        }
        if replica.preemptive
            && let Some(victim) = self.victim(core, index, core.frames[at].whose.priority, core.plan.node(node).order)
        {
            self.preempt(core, victim);
            core.tell_load(index, || Fact::Entered { node });
            return true;
        }
        false
    }

    #[inline(never)]
    fn stand_in_line<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        let frame = &mut core.frames[at];
        frame.wait.since = core.now;
        frame.marks.waiting = true;
        let index = frame.replica;
        let priority = frame.whose.priority;
        let peak = core.frames.peak();
        if self.links.len() < peak {
            self.links.resize(peak, Default::default());
        }
        let replica = &mut self.replicas[index as usize];
        replica.line.join(at, priority, core.now, &mut self.links);
        let node = replica.node;
        core.tell(Fact::Queued { node });
        self.watch_limit(core, index);
    }

    /// A worker of a replica becomes free; the line moves on.
    #[inline(always)]
    pub(crate) fn leave<P: Probe>(&mut self, core: &mut Core<'_, P>, index: u32) {
        let replica = &mut self.replicas[index as usize];
        let (node, limited, alone) = (replica.node, replica.limit != NONE, replica.line.is_empty());
        replica.busy -= u32::from(alone);
        core.tell_load(index, || Fact::Left { node });
        if !alone {
            self.serve(core, index);
        } else if limited {
            self.watch_limit(core, index);
        }
    }

    /// The next in line takes the worker that has just become free.
    #[inline(never)]
    fn serve<P: Probe>(&mut self, core: &mut Core<'_, P>, index: u32) {
        let replica = &mut self.replicas[index as usize];
        replica.served += 1;
        let (seed, nth) = (core.seed, replica.served);
        let plan = core.plan.node(replica.node);
        let draw =
            || Draw::new(seed, Lineage(plan.hash).child(u64::from(index - plan.first_replica), 0), Purpose::Line, nth);
        let Some(next) = replica.line.next(core.now, &mut self.links, draw) else {
            return;
        };
        let node = replica.node;
        core.tell(Fact::Dequeued { node });
        core.tell_load(index, || Fact::Entered { node });
        self.watch_limit(core, index);
        core.charge(next, Cause::Queue);
        let frame = &mut core.frames[next];
        frame.wait.waited += core.now.since(frame.wait.since).0;
        frame.due = Time::NEVER;
        frame.marks.waiting = false;
        if frame.marks.preempted {
            frame.marks.preempted = false;
            let (left, cause) = (frame.load.work, frame.state.doing);
            // It may have lost its worker at the very instant its work was done.
            if self.start(core, next, left, cause) == Flow::On {
                core.ready.push_back(next);
            }
        } else {
            core.ready.push_back(next);
        }
    }

    /// A request leaves the line unserved.
    pub(crate) fn leave_line<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        self.step_out(core, at);
        let node = self.replicas[core.frames[at].replica as usize].node;
        core.tell(Fact::Abandoned { node });
    }

    /// A frame is no longer in line.
    pub(crate) fn step_out<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        let frame = &mut core.frames[at];
        frame.due = Time::NEVER;
        frame.marks.waiting = false;
        frame.wait.waited += core.now.since(frame.wait.since).0;
        let (index, priority) = (frame.replica, frame.whose.priority);
        core.charge(at, Cause::Queue);
        let replica = &mut self.replicas[index as usize];
        replica.line.leave(at, priority, &mut self.links);
        let node = replica.node;
        core.tell(Fact::Dequeued { node });
        self.watch_limit(core, index);
    }

    /// Tells when a replica's line reaches or leaves its limit.
    #[inline(never)]
    pub(crate) fn watch_limit<P: Probe>(&mut self, core: &mut Core<'_, P>, index: u32) {
        let replica = &mut self.replicas[index as usize];
        if replica.limit == NONE {
            return;
        }
        let full = replica.busy >= replica.workers && replica.line.len() >= replica.limit;
        if full != replica.full {
            replica.full = full;
            let node = replica.node;
            core.tell(Fact::Full { node, full });
        }
    }

    /// Whose worker a newcomer takes: under lifo the longest at work, under priority the latest of the least important.
    fn victim<P: Probe>(&self, core: &Core<'_, P>, index: u32, priority: u8, order: Order) -> Option<u32> {
        let running = &self.replicas[index as usize].running;
        if order == Order::Lifo {
            return running.first().copied();
        }
        let worst = running.iter().rev().copied().max_by_key(|f| core.frames[*f].whose.priority)?;
        let worst_priority = core.frames[worst].whose.priority;
        let latest = running.iter().rev().copied().find(|f| core.frames[*f].whose.priority == worst_priority)?;
        (worst_priority > priority).then_some(latest)
    }

    /// A running request loses its worker and goes back to the line; it will resume where it was.
    fn preempt<P: Probe>(&mut self, core: &mut Core<'_, P>, victim: u32) {
        let index = core.frames[victim].replica;
        let left = self.interrupt(core, victim);
        let frame = &mut core.frames[victim];
        frame.load.work = left;
        frame.marks.preempted = true;
        frame.marks.waiting = true;
        frame.wait.since = core.now;
        let priority = frame.whose.priority;
        let peak = core.frames.peak();
        if self.links.len() < peak {
            self.links.resize(peak, Default::default());
        }
        let replica = &mut self.replicas[index as usize];
        replica.line.rejoin(victim, priority, core.now, &mut self.links);
        let node = replica.node;
        core.tell_load(index, || Fact::Left { node });
        core.tell(Fact::Queued { node });
        self.watch_limit(core, index);
    }
}

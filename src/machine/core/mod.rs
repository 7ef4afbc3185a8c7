//! What all parts of a machine stand on: the plan, the clock, the agenda, the frames and their ledger, and who listens.
//!
//! A part owns its state and borrows the core for as long as one of its verbs takes. The core knows of no part.

pub(crate) mod course;
pub(crate) mod event;
pub(crate) mod frame;
pub(crate) mod gauge;
pub(crate) mod ledger;
pub(crate) mod limit;
pub(crate) mod proxies;
pub(crate) mod reach;
pub(crate) mod root;
pub(crate) mod side;
pub(crate) mod site;
pub(crate) mod told;
pub(crate) mod trouble;

use crate::kernel::Phase;
use crate::model::{Cause, Fact, LawId, Op, Outcome, Pc, Probe};
use crate::random::dist::Dist;
use crate::random::{Draw, Lineage, Purpose};
use crate::units::{Span, Time};

use crate::kernel::Agenda;
use crate::machine::core::event::Event;
use crate::machine::core::frame::{Pose, Scope};
use crate::model::NodeId;
use crate::model::plan::{Node, Plan};
use course::Course;
use frame::Frames;
use gauge::Gauges;
use ledger::Ledger;
use proxies::Proxies;
use root::Roots;
use site::Site;
use std::collections::VecDeque;
use trouble::Trouble;

/// What never belongs to one part alone.
#[derive(Clone, Debug)]
pub(crate) struct Core<'p, P> {
    pub(crate) plan: &'p Plan,
    /// The plan's programs, at hand.
    pub(crate) ops: &'p [Op],
    pub(crate) sites: Vec<Site>,
    pub(crate) seed: u64,
    pub(crate) now: Time,
    pub(crate) agenda: Agenda<Event>,
    pub(crate) frames: Frames,
    pub(crate) ledger: Ledger,
    /// Proxies, and how far messages that pass them have come.
    pub(crate) proxies: Proxies,
    /// Frames that go on at this very instant, first come first.
    pub(crate) ready: VecDeque<u32>,
    /// What belongs to one request, where flows follow it.
    pub(crate) roots: Roots,
    /// Who wants to know what which replica does.
    pub(crate) gauges: Gauges,
    /// What faults do now.
    pub(crate) trouble: Trouble,
    pub(crate) course: Course,
    /// Whoever listens.
    pub(crate) probe: P,
}

/// Where a replica belongs, and what its time is charged as.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Home {
    pub(crate) node: NodeId,
    /// By cause: itself, or the node's own.
    pub(crate) charged: [Cause; Cause::ALL.len()],
}

impl Home {
    /// The homes of all replicas of a plan.
    fn all(plan: &Plan) -> Vec<Self> {
        let own = |kind| match kind {
            "database" => Some(Cause::Database),
            "gateway" => Some(Cause::Gateway),
            "waypoint" => Some(Cause::Proxy),
            _ => None,
        };
        let of = |(id, node): (NodeId, &Node)| {
            let own = own(node.kind);
            // The messages of a gateway that translates are its work.
            let work = |cause| cause <= Cause::Queue || node.translates && cause == Cause::Encode;
            let charged = Cause::ALL.map(|cause| own.filter(|_| work(cause)).unwrap_or(cause));
            vec![Self { node: id, charged }; node.replicas as usize]
        };
        (0..).map(NodeId).zip(&plan.nodes).flat_map(of).collect()
    }
}

impl<'p, P: Probe> Core<'p, P> {
    /// Time zero.
    pub(crate) fn new(plan: &'p Plan, seed: u64, probe: P) -> Self {
        Self {
            plan,
            ops: &plan.ops,
            sites: Site::all(plan),
            seed,
            now: Time(0),
            agenda: Agenda::new(),
            frames: Frames::new(),
            ledger: Ledger::new(Home::all(plan)),
            proxies: Proxies::new(plan),
            ready: VecDeque::with_capacity(64),
            roots: Roots::new(plan),
            gauges: Gauges::new(plan),
            trouble: Trouble::new(plan),
            course: Course::default(),
            probe,
        }
    }

    /// Whether anything may go wrong at all.
    #[inline(always)]
    pub(crate) fn is_troubled(&self) -> bool {
        !P::CALM && self.trouble.possible
    }

    /// Whether it is followed what belongs to one request.
    #[inline(always)]
    pub(crate) fn follows_roots(&self) -> bool {
        !P::CALM && self.roots.follows
    }

    /// The node that a replica belongs to.
    #[inline]
    pub(crate) fn node_of(&self, replica: u32) -> NodeId {
        self.ledger.homes[replica as usize].node
    }
}

/// The program that opens a connection: its one operation stands first in every plan.
pub(crate) const DIAL: Pc = Pc(0);

/// Where a try is whose answer has left, or which was turned back: at the end of all programs.
pub(crate) const GONE: u32 = crate::model::id::NONE;

/// A frame that is about to go on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor {
    pub(crate) at: u32,
    /// Its next operation.
    pub(crate) pc: u32,
    /// Where it runs.
    pub(crate) replica: u32,
}

/// Whether a frame goes on at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    /// When there is nothing to wait for.
    On,
    /// When something else will wake the frame, or it is gone.
    Stay,
}

impl<P: Probe> Core<'_, P> {
    /// A request arrives at its replica, where its program begins.
    #[inline(always)]
    pub(crate) fn reach(&mut self, at: u32) -> Cursor {
        let (now, frame) = (self.now, &mut self.frames[at]);
        let (replica, site) = (frame.replica, &self.sites[frame.call as usize]);
        frame.trip.arrived = now;
        frame.pc = site.entry.0;
        debug_assert_eq!(
            self.ledger.homes[replica as usize].node, site.node,
            "a request reaches a replica of its callee"
        );
        self.ledger.charge_to(&mut self.probe, (at, frame), (site.node, Cause::Network), now);
        let (node, endpoint, entry) = (site.node, site.endpoint, site.entry);
        self.tell_load(replica, || Fact::Reached { node, endpoint });
        Cursor { at, pc: entry.0, replica }
    }

    /// Where a frame stands.
    #[inline]
    pub(crate) fn cursor(&self, at: u32) -> Cursor {
        let frame = &self.frames[at];
        Cursor { at, pc: frame.pc, replica: frame.replica }
    }

    /// Who goes on at this very instant, first come first.
    #[inline(always)]
    pub(crate) fn next_ready(&mut self) -> Option<Cursor> {
        self.ready.pop_front().map(|at| self.cursor(at))
    }

    /// A wait without CPU is over, or a stage of a handshake.
    pub(crate) fn wake(&mut self, at: u32) -> Option<u32> {
        let frame = &mut self.frames[at];
        if frame.due != self.now || frame.state.pose != Pose::Asleep {
            return None;
        }
        self.rouse(at);
        Some(at)
    }

    /// A frame sleeps no more.
    #[inline]
    pub(crate) fn rouse(&mut self, at: u32) {
        let frame = &mut self.frames[at];
        frame.state.pose = Pose::Idle;
        frame.due = Time::NEVER;
        if frame.pc != DIAL.0 {
            self.charge(at, Cause::Wait);
        }
    }

    /// A frame waits for time to pass.
    pub(crate) fn sleep(&mut self, at: u32, span: Span) {
        let frame = &mut self.frames[at];
        frame.state.pose = Pose::Asleep;
        frame.due = self.now + span;
        self.schedule(span, Event::Wake(at));
    }

    #[inline(always)]
    pub(crate) fn tell(&mut self, fact: Fact) {
        self.probe.on(self.now, fact);
    }

    #[inline(always)]
    pub(crate) fn schedule(&mut self, after: Span, event: Event) {
        self.agenda.push_after(after, Phase::Arrival, event);
    }

    /// The same for delays that many have.
    #[inline(always)]
    pub(crate) fn schedule_steadily(&mut self, after: Span, event: Event) {
        self.agenda.push_steadily(after, Phase::Arrival, event);
    }

    /// A value of a law; constants draw nothing.
    #[inline]
    pub(crate) fn vary(&self, law: LawId, lineage: Lineage, purpose: Purpose, nth: u32) -> Span {
        match self.plan.law(law) {
            Dist::Constant(value) => Span(value.rounded()),
            law => Span(law.sample(&mut Draw::new(self.seed, lineage, purpose, u64::from(nth)))),
        }
    }

    #[inline]
    pub(crate) fn jump(&mut self, at: u32, to: Pc) -> Flow {
        self.frames[at].pc = to.0;
        Flow::On
    }

    /// A step of a frame has failed: it goes on where its operation sends failures.
    #[inline(never)]
    pub(crate) fn fail_step(&mut self, at: u32, outcome: Outcome) -> Flow {
        let frame = &mut self.frames[at];
        frame.state.outcome = outcome;
        let op = self.plan.ops[frame.pc as usize];
        if self.probe.traces() {
            self.spurn(at, op, outcome);
        }
        let frame = &mut self.frames[at];
        if let Op::Call { fail, .. }
        | Op::Fork { fail, .. }
        | Op::Borrow { fail, .. }
        | Op::Publish { fail, .. }
        | Op::Produce { fail, .. }
        | Op::Fetch { fail, .. }
        | Op::Check { fail } = op
        {
            frame.pc = fail.0;
        }
        Flow::On
    }

    /// Entry into a function call.
    #[inline(never)]
    pub(crate) fn descend(&mut self, at: u32, call: crate::model::CallId, next: Pc) -> Flow {
        let plan = self.plan.call(call);
        let (lineage, measured) = (self.frames[at].lineage, self.frames[at].whose.measured);
        let since = self.now;
        self.frames.scopes(at).push(Scope { lineage, since, edge: plan.edge });
        self.frames[at].lineage = lineage.child(plan.site, 0);
        self.tell(Fact::Called { edge: plan.edge, measured });
        self.jump(at, next)
    }

    /// Return from a function call.
    #[inline(never)]
    pub(crate) fn ascend(
        &mut self,
        at: u32,
        call: crate::model::CallId,
        outcome: crate::model::Outcome,
        next: Pc,
    ) -> Flow {
        let (edge, endpoint) = (self.plan.call(call).edge, self.plan.call(call).endpoint);
        let measured = self.frames[at].whose.measured;
        if self.follows_roots() && outcome.is_good() {
            self.reach_goal(at, endpoint);
        }
        if let Some(scope) = self.frames.scopes(at).pop() {
            self.frames[at].lineage = scope.lineage;
            let latency = self.now.since(scope.since);
            self.tell(Fact::Settled { edge, outcome, latency, measured });
        }
        self.jump(at, next)
    }

    /// Replicas that are not there at time zero.
    pub(crate) fn absent(&self) -> Vec<u32> {
        (0..self.ledger.homes.len() as u32).filter(|replica| !self.is_up(*replica)).collect()
    }

    /// Whether there is no frame, and no client waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.frames.live() == 0 && self.course.in_flight == 0
    }

    /// Frames that died do not go on, now or when a fault ends.
    pub(crate) fn bury_all(&mut self, victims: &[u32]) {
        let dies = |at: &u32| victims.contains(at);
        self.trouble.parked.retain(|at| !dies(at));
        self.trouble.ringing.retain(|(_, at, _)| !dies(at));
        self.ready.retain(|at| !dies(at));
    }
}

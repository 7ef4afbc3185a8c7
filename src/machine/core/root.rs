//! Roots: what one client request caused, frames and messages alike, so that a flow is known to be done, or lost.

use crate::model::id::NONE;
use crate::model::{ClientId, EndpointId, Fact, FlowId, Outcome, Plan, Probe};
use crate::units::Time;

use crate::machine::core::Core;
use crate::machine::core::side::Side;

/// A request that begins flows.
#[derive(Clone, Copy, Debug)]
struct Root {
    /// When it was meant to set out.
    intended: Time,
    client: ClientId,
    measured: bool,
    /// How the client's own request ended.
    outcome: Outcome,
    /// When it did.
    answered: Time,
    /// Frames and messages that belong to it.
    open: u32,
    /// Ends reached so far, as bits.
    reached: u64,
}

/// The slots of all roots.
#[derive(Clone, Debug)]
pub(crate) struct Roots {
    /// Whether any flow is to be followed; otherwise nothing is kept.
    pub(crate) follows: bool,
    /// By frame: its root, beside the frames because only flows need it.
    of: Side<u32>,
    slots: Vec<Root>,
    free: Vec<u32>,
}

impl Roots {
    /// No roots.
    pub(crate) fn new(plan: &Plan) -> Self {
        Self { follows: !plan.flows.is_empty(), of: Side::new(NONE), slots: Vec::new(), free: Vec::new() }
    }
}

impl Roots {
    /// Measured requests whose flows may not all be done: their client, when they were meant to set out, the ends reached.
    pub(crate) fn open(&self) -> Vec<(ClientId, Time, u64)> {
        let mut used = vec![true; self.slots.len()];
        self.free.iter().for_each(|at| used[*at as usize] = false);
        let open = self.slots.iter().zip(used).filter(|(root, used)| *used && root.measured);
        open.map(|(root, _)| (root.client, root.intended, root.reached)).collect()
    }
}

impl<P: Probe> Core<'_, P> {
    /// The root of a frame.
    pub(crate) fn root_of(&self, at: u32) -> u32 {
        *self.roots.of.get(at)
    }

    /// A frame is made on behalf of another.
    #[inline(always)]
    pub(crate) fn inherit_root(&mut self, at: u32, from: u32) {
        if self.follows_roots() {
            let root = self.root_of(from);
            self.assign_root(at, root);
        }
    }

    /// A frame belongs to a root, or to none.
    #[inline(never)]
    pub(crate) fn assign_root(&mut self, at: u32, root: u32) {
        self.roots.of.put(at, root);
        self.join_root(root);
    }

    /// A client's request sets out that begins flows, if any of them are its.
    #[inline(never)]
    pub(crate) fn begin_flows(&mut self, at: u32, client: ClientId) {
        let plan = self.plan;
        let mut own = (0..).map(FlowId).zip(&plan.flows).filter(|(_, flow)| flow.client == client).peekable();
        if own.peek().is_none() {
            return self.assign_root(at, NONE);
        }
        let frame = &self.frames[at];
        let (intended, measured) = (frame.trip.arrived, frame.whose.measured);
        let root = Root {
            intended,
            client,
            measured,
            outcome: Outcome::default(),
            answered: Time::NEVER,
            open: 0,
            reached: 0,
        };
        let slot = self.roots.free.pop().unwrap_or_else(|| {
            self.roots.slots.push(root);
            self.roots.slots.len() as u32 - 1
        });
        self.roots.slots[slot as usize] = root;
        self.assign_root(at, slot);
        for (flow, _) in own {
            self.course.measured_open += u64::from(measured);
            self.tell(Fact::Began { flow, measured });
        }
    }

    /// One more frame or message belongs to a root.
    #[inline(always)]
    pub(crate) fn join_root(&mut self, root: u32) {
        if root != NONE {
            self.roots.slots[root as usize].open += 1;
        }
    }

    /// One fewer; when nothing is left, what is not done will not be.
    #[inline(always)]
    pub(crate) fn leave_root(&mut self, root: u32) {
        if root != NONE {
            self.part_from_root(root);
        }
    }

    #[inline(never)]
    fn part_from_root(&mut self, at: u32) {
        let root = &mut self.roots.slots[at as usize];
        root.open -= 1;
        if root.open > 0 {
            return;
        }
        let root = *root;
        let outcome = if root.outcome.is_good() { Outcome::Error } else { root.outcome };
        let plan = self.plan;
        let own = (0..).map(FlowId).zip(&plan.flows).filter(|(_, flow)| flow.client == root.client);
        for (flow, planned) in own {
            if root.reached & planned.goals != planned.goals {
                self.end_flow(flow, outcome, &root);
            }
        }
        self.roots.free.push(at);
    }

    /// A client knows how its request ended.
    #[inline(always)]
    pub(crate) fn answer_root(&mut self, at: u32, outcome: Outcome) {
        if self.follows_roots() {
            let root = self.root_of(at);
            if root != NONE {
                let now = self.now;
                let root = &mut self.roots.slots[root as usize];
                (root.outcome, root.answered) = (outcome, now);
            }
        }
    }

    /// A frame has succeeded at an endpoint, or with a message.
    #[inline(never)]
    pub(crate) fn reach_goal(&mut self, at: u32, endpoint: EndpointId) {
        let root = self.root_of(at);
        if root == NONE {
            return;
        }
        let goals = self.plan.endpoint(endpoint).goals;
        let before = self.roots.slots[root as usize].reached;
        if goals == 0 {
            return;
        }
        let now = before | goals;
        self.roots.slots[root as usize].reached = now;
        let (plan, root) = (self.plan, self.roots.slots[root as usize]);
        let own = (0..).map(FlowId).zip(&plan.flows).filter(|(_, flow)| flow.client == root.client);
        for (flow, planned) in own {
            let all = planned.goals;
            if now & all == all && before & all != all {
                self.end_flow(flow, Outcome::Succeeded, &root);
            } else if before & goals & all != 0 {
                self.tell(Fact::Again { flow, measured: root.measured });
            }
        }
    }

    fn end_flow(&mut self, flow: FlowId, outcome: Outcome, root: &Root) {
        let (intended, measured) = (root.intended, root.measured);
        let promised = (root.outcome.is_good() && root.answered < Time::NEVER).then(|| self.now.since(root.answered));
        self.tell(Fact::Ended { flow, outcome, intended, measured, promised });
        if measured {
            self.end_measured();
        }
    }
}

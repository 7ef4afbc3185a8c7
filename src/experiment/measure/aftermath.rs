//! What faults leave behind: when they were on, and how clients, flows, groups and queues fared second by second.

use crate::model::fault::{Scope, When};
use crate::model::id::NONE;
use crate::model::plan::{Edge, Plan};
use crate::model::{ClientId, EdgeId, FaultId, NodeId, Outcome};
use crate::units::{Span, Time};

use super::cohort::{Cohort, TIMELINE_BINS};
use super::crowd::Crowds;

/// Width of a window, ns.
const WINDOW: u64 = 1_000_000_000;

/// Longer runs have no windows: nobody waits for seconds there.
const MOST: u64 = 1_000_000;

/// A client's requests that set out in one second, or what else does: flows, records, messages.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Window {
    pub(crate) arrived: u32,
    pub(crate) ended: u32,
    pub(crate) failed: u32,
    /// Of all that ended, ns.
    pub(crate) latency: u64,
}

impl Window {
    /// Both together.
    pub(crate) fn plus(self, other: &Self) -> Self {
        Self {
            arrived: self.arrived + other.arrived,
            ended: self.ended + other.ended,
            failed: self.failed + other.failed,
            latency: self.latency + other.latency,
        }
    }
}

/// Whose window it is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Whose {
    /// Of a flow.
    Flow(usize),
    /// Of a group.
    Group(usize),
    /// Of a queue.
    Queue(usize),
}

/// One time that a fault was on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spell {
    pub(crate) fault: FaultId,
    pub(crate) from: Time,
    /// `None` while it is on.
    pub(crate) until: Option<Time>,
}

/// Of one replication; empty in a plan without faults.
#[derive(Clone, Debug, Default)]
pub(crate) struct Aftermath {
    start: Time,
    /// By client, by flow, by group, by queue.
    pub(crate) windows: Vec<Vec<Window>>,
    /// By the same: since when whatever set out was under way when something went wrong for the first time.
    pub(crate) touched: Vec<Time>,
    /// Where the windows of flows, groups and queues begin.
    firsts: [usize; 3],
    pub(crate) spells: Vec<Spell>,
    /// What promises that hold at some times are judged by.
    pub(crate) scoped: Vec<Cohort>,
    /// By node: how callers fared with it, over time.
    pub(crate) lanes: Vec<Vec<Tried>>,
    /// By node: its workers.
    pub(crate) crowds: Crowds,
    /// By edge: its callee; `NONE` where nobody waits for one.
    callees: Vec<u32>,
    /// Width of the lanes' bins, ns.
    width: u64,
}

/// Calls to a node that ended in a stretch of time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tried {
    pub(crate) ended: u32,
    pub(crate) failed: u32,
}

impl Aftermath {
    pub(super) fn new(plan: &Plan) -> Self {
        let seconds = plan.duration.0.div_ceil(WINDOW);
        let wanted = !plan.faults.is_empty() && seconds <= MOST;
        let flows = plan.clients.len();
        let groups = flows + plan.flows.len();
        let queues = groups + plan.groups.len();
        let all = if wanted { queues + plan.queues.len() } else { 0 };
        let nodes = if plan.faults.is_empty() { 0 } else { plan.nodes.len() - plan.clients.len() };
        Self {
            start: Time(plan.warmup.0),
            windows: (0..all).map(|_| vec![Window::default(); seconds as usize]).collect(),
            touched: vec![Time::NEVER; all],
            firsts: [flows, groups, queues],
            spells: Vec::new(),
            scoped: vec![Cohort::default(); plan.scoped.len()],
            lanes: vec![vec![Tried::default(); TIMELINE_BINS as usize]; nodes],
            crowds: Crowds::new(plan),
            callees: callees(plan),
            width: super::bin_width(plan.duration),
        }
    }

    fn place(&self, whose: Whose) -> usize {
        match whose {
            Whose::Flow(at) => self.firsts[0] + at,
            Whose::Group(at) => self.firsts[1] + at,
            Whose::Queue(at) => self.firsts[2] + at,
        }
    }

    /// A flow, a record or a message sets out.
    pub(super) fn set_out(&mut self, whose: Whose, at: Time) {
        self.offer(self.place(whose), at);
    }

    /// A flow, a record or a message that set out then has got where it was to get.
    pub(super) fn arrive(&mut self, whose: Whose, from: Time, outcome: Outcome, latency: Span) {
        self.answer(self.place(whose), from, outcome, latency);
    }

    #[inline]
    fn window(&mut self, client: usize, at: Time) -> Option<&mut Window> {
        let second = at.0.checked_sub(self.start.0)? / WINDOW;
        self.windows.get_mut(client)?.get_mut(second as usize)
    }

    #[inline]
    pub(super) fn offer(&mut self, client: usize, at: Time) {
        if let Some(window) = self.window(client, at) {
            window.arrived += 1;
        }
    }

    #[inline]
    pub(super) fn answer(&mut self, client: usize, intended: Time, outcome: Outcome, latency: Span) {
        if let (Some(first), Some(touched)) = (self.spells.first(), self.touched.get_mut(client))
            && intended < first.from
        {
            *touched = intended.min(*touched);
        }
        if let Some(window) = self.window(client, intended) {
            window.ended += 1;
            window.failed += u32::from(!outcome.is_good());
            window.latency += latency.0;
        }
    }

    /// A call never ended: it failed when it set out, or when something went wrong for the first time while it was under way.
    pub(super) fn give_up(&mut self, edge: EdgeId, since: Time) {
        let first = self.spells.first().map_or(since, |spell| spell.from);
        self.settle(edge, Outcome::Timeout, since.max(first));
    }

    /// A call to a node has ended.
    #[inline(never)]
    pub(super) fn settle(&mut self, edge: EdgeId, outcome: Outcome, at: Time) {
        let Some(since) = at.0.checked_sub(self.start.0) else { return };
        let lane = self.lanes.get_mut(self.callees[edge.index()] as usize);
        if let Some(bin) = lane.and_then(|lane| lane.get_mut((since / self.width) as usize)) {
            bin.ended += 1;
            bin.failed += u32::from(!outcome.is_good());
        }
    }

    /// A worker of a node is taken or free again.
    #[inline(never)]
    pub(super) fn hold(&mut self, node: NodeId, takes: bool, now: Time) {
        self.crowds.hold(node, takes, now, !self.spells.is_empty());
    }

    /// When all workers of a node were held for the first time under a fault, in seconds from the start.
    pub(crate) fn full(&self, node: usize) -> Option<f64> {
        self.crowds.full(node).map(|at| self.second(at))
    }

    /// Whether a request that set out then belongs to a scope.
    fn lies_in(&self, scope: Scope, at: Time) -> bool {
        let on = |s: &Spell| s.from <= at && s.until.is_none_or(|until| at < until);
        match scope {
            Scope::Outside => !self.spells.iter().any(on),
            Scope::During(fault) => self.spells.iter().any(|s| s.fault == fault && on(s)),
            Scope::After(fault) => {
                let last = self.spells.iter().rev().find(|s| s.fault == fault && s.from <= at);
                last.and_then(|s| s.until).is_some_and(|until| until <= at)
            }
        }
    }

    /// A client's request that belongs to some promises' times sets out, or ends with an outcome and a latency.
    pub(super) fn judge(
        &mut self,
        plan: &[(ClientId, Scope)],
        client: ClientId,
        at: Time,
        end: Option<(Outcome, Span)>,
    ) {
        for (nth, (of, scope)) in plan.iter().enumerate() {
            if *of != client || !self.lies_in(*scope, at) {
                continue;
            }
            match end {
                None => self.scoped[nth].arrived += 1,
                Some((outcome, latency)) => self.scoped[nth].end(outcome, latency, true, false),
            }
        }
    }

    /// A client's request had not ended when the run stopped.
    pub(super) fn leave_open(&mut self, plan: &[(ClientId, Scope)], client: ClientId, since: Time, age: Span) {
        for (nth, (of, scope)) in plan.iter().enumerate() {
            if *of == client && self.lies_in(*scope, since) {
                self.scoped[nth].open.record(age.0);
            }
        }
    }

    pub(super) fn strike(&mut self, fault: FaultId, on: bool, now: Time) {
        self.crowds.strike(fault, on, now);
        if on {
            self.spells.push(Spell { fault, from: now, until: None });
        } else if let Some(spell) = self.spells.iter_mut().rev().find(|s| s.fault == fault && s.until.is_none()) {
            spell.until = Some(now);
        }
    }

    /// A time as seconds from the start of the measured time, which may have been before it.
    pub(crate) fn second(&self, at: Time) -> f64 {
        (at.0 as f64 - self.start.0 as f64) / WINDOW as f64
    }
}

/// By edge: the node that is called, or the broker that is sent to.
fn callees(plan: &Plan) -> Vec<u32> {
    // Nobody waits for a delivery: it ends where its message does.
    let delivers = |from: NodeId| matches!(plan.node(from).kind, "queue" | "topic");
    let callee = |edge: &Edge| if delivers(edge.from) { NONE } else { plan.callee(*edge).0 };
    plan.edges.iter().map(callee).collect()
}

/// When a fault is on once, in seconds from the start of the measured time: its beginning, and how long, if it ends.
pub(crate) fn planned(plan: &Plan, when: When) -> (Option<f64>, Option<f64>) {
    match when {
        When::Once { from, until } => {
            let length = (until != Time::NEVER).then(|| until.since(from).as_secs_f64());
            (Some(from.since(Time(plan.warmup.0)).as_secs_f64()), length)
        }
        When::Random { .. } => (None, None),
    }
}

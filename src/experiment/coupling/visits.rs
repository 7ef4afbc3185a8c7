//! The requests of callers, and which of them cross an edge: request by request over both runs, whoever sent them.
//!
//! A request is known by what led to it: its client's number, then each call-site and which time it was called from there; a
//! message by its own name, and who handles it. Both runs agree on these names where the same things happen. A message that
//! is delivered again is the same one: it is served when one of its deliveries is.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{CallId, EndpointId, Fact, NodeId, Opening, Outcome, Plan, Probe, Trace};
use crate::random::Lineage;
use crate::units::Time;

/// What a frame under way belongs to.
#[derive(Clone, Copy, Debug)]
struct Place {
    /// The request, of all, if that is followed.
    visit: Option<u32>,
    /// The request around it: what a call under rules belongs to.
    outer: Option<u32>,
    /// The node whose request it is.
    node: NodeId,
    /// The node around it.
    outer_node: NodeId,
    /// The call it is.
    call: Option<CallId>,
    /// Whether the request ends with it; a branch only is a part.
    whole: bool,
}

/// A frame under way.
#[derive(Clone, Debug)]
struct Open {
    /// Its name.
    key: u64,
    place: Place,
    /// What it called so far: call-site and how often before.
    called: Vec<(u32, u32)>,
}

/// A request that a node had.
#[derive(Clone, Copy, Debug)]
struct Visit {
    node: NodeId,
    key: u64,
    /// Whether it came in the window.
    inside: bool,
    /// How it ended; `None`: not yet.
    good: Option<bool>,
}

/// Hears of the requests that arrive in a window at those who call others.
#[derive(Clone, Debug)]
pub(in crate::experiment) struct Visits<'p> {
    plan: &'p Plan,
    /// The outage.
    window: (Time, Time),
    /// Until when they are followed.
    until: Time,
    /// Whose requests alone, where not all are asked for.
    only: Option<NodeId>,
    open: Vec<Option<Open>>,
    all: Vec<Visit>,
    /// By caller and callee: which requests of the caller's went there.
    crossed: BTreeMap<(NodeId, NodeId), BTreeSet<u32>>,
}

/// The name of what is made of another.
fn child(key: u64, what: u64, nth: u64) -> u64 {
    let mut mixed = key ^ what.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ nth.wrapping_mul(0xd1b5_4a32_d192_ed03);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// What stands for the call-site of a branch.
const BRANCH: u32 = u32::MAX;

impl<'p> Visits<'p> {
    pub(super) fn of(plan: &'p Plan, window: (Time, Time)) -> Self {
        Self { plan, window, until: window.1, only: None, open: Vec::new(), all: Vec::new(), crossed: BTreeMap::new() }
    }

    /// From now on only the requests of one caller are followed, whenever they come.
    pub(super) fn follow(&mut self, node: NodeId) {
        (self.only, self.until) = (Some(node), Time::NEVER);
    }

    fn begin(&mut self, frame: u32, key: u64, place: Place) {
        let at = frame as usize;
        if self.open.len() <= at {
            self.open.resize_with(at + 1, || None);
        }
        self.open[at] = Some(Open { key, place, called: Vec::new() });
    }

    /// A request at a node that is followed, if it arrives in time.
    fn visit(&mut self, node: NodeId, key: u64, at: Time) -> Option<u32> {
        let followed = at >= self.window.0 && at < self.until && self.only.is_none_or(|only| only == node);
        followed.then(|| {
            self.all.push(Visit { node, key, inside: at < self.window.1, good: None });
            self.all.len() as u32 - 1
        })
    }

    fn opened(&mut self, frame: u32, opening: Opening, at: Time) {
        match opening {
            Opening::Root { client, nth, .. } => {
                let node = self.plan.clients[client.index()].node;
                let key = child(u64::from(node.0), 1, nth);
                let visit = self.visit(node, key, at);
                let place = Place { visit, outer: None, node, outer_node: node, call: None, whole: true };
                self.begin(frame, key, place);
            }
            Opening::Message { message, endpoint } => self.delivered(frame, (message, endpoint), at),
            Opening::Branch { parent } => {
                let Some((key, up)) = self.descend(parent, BRANCH) else { return };
                self.begin(frame, key, Place { call: None, whole: false, ..up });
            }
            Opening::Call { parent, call } => self.called(frame, parent, call, at),
        }
    }

    /// A message comes to whoever handles it.
    fn delivered(&mut self, frame: u32, (message, endpoint): (Lineage, EndpointId), at: Time) {
        let node = self.plan.endpoint(endpoint).node;
        let key = child(message.0, 0, u64::from(endpoint.0));
        let visit = self.visit(node, key, at);
        self.begin(frame, key, Place { visit, outer: None, node, outer_node: node, call: None, whole: true });
    }

    /// A request publishes: it crosses the edge to the broker.
    fn sent(&mut self, frame: u32, broker: NodeId) {
        let open = self.open.get(frame as usize).and_then(Option::as_ref);
        if let Some((visit, node)) = open.and_then(|open| Some((open.place.visit?, open.place.node))) {
            self.crossed.entry((node, broker)).or_default().insert(visit);
        }
    }

    /// The name of the next thing a frame makes at a place, and what the frame belongs to.
    fn descend(&mut self, parent: u32, site: u32) -> Option<(u64, Place)> {
        let open = self.open.get_mut(parent as usize)?.as_mut()?;
        let known = open.called.iter_mut().find(|(called, _)| *called == site);
        let nth = known.map_or(0, |(_, times)| {
            *times += 1;
            *times
        });
        if nth == 0 {
            open.called.push((site, 0));
        }
        Some((child(open.key, u64::from(site) + 2, u64::from(nth)), open.place))
    }

    fn called(&mut self, frame: u32, parent: u32, call: CallId, at: Time) {
        let Some((key, up)) = self.descend(parent, call.0) else { return };
        // A call around its own tries belongs to its caller's request, and so do they.
        let own_try = up.call == Some(call);
        let (caller, from) = if own_try { (up.outer, up.outer_node) } else { (up.visit, up.node) };
        let node = self.plan.endpoint(self.plan.call(call).endpoint).node;
        if let Some(caller) = caller {
            self.crossed.entry((from, node)).or_default().insert(caller);
        }
        if own_try && let Some(guard) = self.open.get_mut(parent as usize).and_then(Option::as_mut) {
            // What was taken for a request at the callee is none.
            if let Some(none) = guard.place.visit.take() {
                self.all[none as usize].node = NodeId(u32::MAX);
            }
        }
        let visit = self.visit(node, key, at);
        let place = Place { visit, outer: caller, node, outer_node: from, call: Some(call), whole: true };
        self.begin(frame, key, place);
    }

    /// A request has ended for whoever waits for it; the first word counts.
    fn settle(&mut self, frame: u32, outcome: Outcome) {
        let Some(open) = self.open.get(frame as usize).and_then(Option::as_ref) else { return };
        if let Some(visit) = open.place.visit.filter(|_| open.place.whole) {
            self.all[visit as usize].good.get_or_insert(outcome.is_good());
        }
    }

    /// The requests of one caller: by name, whether they ended well, a message at any of its deliveries.
    fn at(&self, node: NodeId) -> BTreeMap<u64, bool> {
        let mut all = BTreeMap::new();
        for visit in self.all.iter().filter(|visit| visit.node == node) {
            *all.entry(visit.key).or_default() |= visit.good == Some(true);
        }
        all
    }
}

impl Visits<'_> {
    /// How many of a caller's requests of the window ended well: of those that crossed an edge, and of those that did not.
    fn served(&self, (from, to): (NodeId, NodeId)) -> [u64; 2] {
        let crossed = self.crossed.get(&(from, to));
        let across = |nth: u32| crossed.is_some_and(|all| all.contains(&nth));
        let own = (0..).zip(&self.all).filter(|(_, visit)| visit.node == from && visit.inside);
        let good = own.filter(|(_, visit)| visit.good == Some(true));
        let mut keys = [BTreeSet::new(), BTreeSet::new()];
        for (nth, visit) in good {
            keys[usize::from(!across(nth))].insert(visit.key);
        }
        keys.map(|keys| keys.len() as u64)
    }
}

/// Requests of a caller that were served without the outage of one of its calls, and how many of them are not with it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Crossing {
    /// Of those that cross the edge.
    pub(super) across: (u64, u64),
    /// Of the lost ones those that never came, because somebody above had given up sending them.
    pub(super) absent: u64,
    /// Of those that do not.
    pub(super) beside: (u64, u64),
}

/// An edge, and whether users who wait for their answers stand behind it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ends {
    pub(super) from: NodeId,
    pub(super) to: NodeId,
    pub(super) closed: bool,
}

/// What became of the same requests of a caller when one of its calls is down. Where users wait for their answers there are
/// other requests, and fewer: then successes in the window are counted.
pub(super) fn crossing(without: &Visits<'_>, with: &Visits<'_>, Ends { from, to, closed }: Ends) -> Crossing {
    let after = with.at(from);
    let crossed = without.crossed.get(&(from, to));
    let (mut sum, mut counted) = (Crossing::default(), BTreeSet::new());
    for (nth, visit) in (0..).zip(&without.all) {
        if visit.node != from || visit.good != Some(true) || !counted.insert(visit.key) {
            continue;
        }
        let across = crossed.is_some_and(|all| all.contains(&nth));
        let then = after.get(&visit.key);
        // Who never comes, because the request behind it failed somewhere else, was not turned away here.
        if !across && then.is_none() {
            continue;
        }
        sum.absent += u64::from(then.is_none());
        let kind = if across { &mut sum.across } else { &mut sum.beside };
        kind.0 += 1;
        kind.1 += u64::from(then != Some(&true));
    }
    if closed {
        let [before, after] = [without, with].map(|visits| visits.served((from, to)));
        let [across, beside] = [0, 1].map(|kind| (before[kind], before[kind].saturating_sub(after[kind])));
        sum = Crossing { across, beside, absent: 0 };
    }
    sum
}

impl Probe for Visits<'_> {
    fn traces(&self) -> bool {
        true
    }

    fn on(&mut self, _: Time, _: Fact) {}

    fn trace(&mut self, moment: Trace) {
        match moment {
            Trace::Opened { frame, opening, at } => {
                if let Some(slot) = self.open.get_mut(frame as usize) {
                    *slot = None;
                }
                self.opened(frame, opening, at);
            }
            Trace::Abandoned { frame, .. } => self.settle(frame, Outcome::Abandoned),
            Trace::Closed { frame, outcome, .. } => {
                self.settle(frame, outcome);
                if let Some(slot) = self.open.get_mut(frame as usize) {
                    *slot = None;
                }
            }
            Trace::Sent { frame, node, .. } => self.sent(frame, node),
            Trace::Segment { .. } | Trace::Spurned { .. } | Trace::Moved { .. } | Trace::Gone { .. } => {}
        }
    }
}

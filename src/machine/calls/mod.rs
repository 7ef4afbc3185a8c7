//! Calls: a try sets out, reaches a replica, is answered, and settles or comes too late.

pub(crate) mod aim;
pub(crate) mod answer;
pub(crate) mod connect;
pub(crate) mod effect;
pub(crate) mod give_up;
pub(crate) mod guard;
pub(crate) mod loss;
pub(crate) mod naming;
pub(crate) mod pass;
pub(crate) mod police;
pub(crate) mod tied;
pub(crate) mod tries;

use crate::kernel::Lanes;
use crate::model::id::NONE;
use crate::model::plan::{Call, Plan};
use crate::model::{CallId, ClientId, EdgeId, Fact, LenderId, Opening, Outcome, Probe};
use crate::units::{Span, Time};

use crate::machine::core::event::Event;
use crate::machine::core::frame::{Cut, Frame, Origin};
use crate::machine::core::ledger::{Ledger, Row};
use crate::machine::core::side::Side;
use crate::machine::core::site::Site;
use crate::machine::core::{Core, Cursor, Flow, GONE};
use crate::machine::stations::Stations;
use crate::machine::wire::Wire;
use effect::Effects;
use guard::Guarded;
use police::Police;
use std::collections::BTreeMap;
use tied::Words;

/// Calls under way: what guards them, and the wire they go by.
#[derive(Clone, Debug)]
pub(crate) struct Calls {
    /// Timeouts.
    pub(crate) lanes: Lanes,
    /// Guarded calls under way, beside their frames, and the states of all policies.
    pub(crate) guarded: Side<Guarded>,
    pub(crate) police: Vec<Police>,
    /// Tries that were given up and keep their place in a bulkhead, and the [`Police`] that it belongs to.
    pub(crate) lingering: BTreeMap<u32, u32>,
    /// Between tries that are tied.
    pub(crate) words: Words,
    pub(crate) effects: Effects,
    pub(crate) wire: Wire,
}

impl Calls {
    /// Nobody calls.
    pub(crate) fn new(plan: &Plan, seed: u64) -> Self {
        Self {
            lanes: lanes(plan),
            guarded: Side::default(),
            police: police::police(plan),
            lingering: BTreeMap::new(),
            words: Words::default(),
            effects: Effects::new(),
            wire: Wire::new(plan, seed),
        }
    }

    /// Whether nobody is inside a bulkhead or a limit, or waits for that.
    pub(crate) fn are_settled(&self) -> bool {
        self.police.iter().all(|police| police.line.is_empty() && police.state.is_idle())
    }
}

/// How a call ends: what its caller learns, and takes over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ending {
    at: u32,
    caller: u32,
    edge: EdgeId,
    outcome: Outcome,
    latency: Span,
    measured: bool,
    /// Whether a balancer is to hear of it.
    tracks: bool,
    /// What was done for it, ns, and where its time went.
    spent: u64,
    row: Row,
}

impl Ending {
    #[inline(always)]
    fn new(at: u32, frame: &Frame, site: &Site, now: Time) -> Self {
        Self {
            at,
            caller: frame.caller,
            edge: site.edge,
            outcome: frame.state.outcome,
            latency: now.since(frame.trip.sent),
            measured: frame.whose.measured,
            tracks: site.tracks,
            spent: frame.load.spent,
            row: frame.account.row,
        }
    }
}

impl<P: Probe> Core<'_, P> {
    /// How the call of a frame ends, as that stands.
    pub(crate) fn ending(&self, at: u32) -> Ending {
        let frame = &self.frames[at];
        Ending::new(at, frame, &self.sites[frame.call as usize], self.now)
    }
}

/// One lane per distinct timeout, numbered as in the plan.
pub(crate) fn lanes(plan: &Plan) -> Lanes {
    let mut lanes = Lanes::new();
    for (at, timeout) in plan.lanes.iter().enumerate() {
        let lane = lanes.open(*timeout);
        debug_assert_eq!(lane as usize, at, "distinct timeouts get lanes in order");
    }
    lanes
}

impl Calls {
    /// A call sets out; its frame waits at this operation until the call is settled.
    #[inline(always)]
    pub(crate) fn place<P: Probe>(
        &mut self,
        core: &mut Core<'_, P>,
        stations: &mut Stations,
        at: u32,
        id: CallId,
    ) -> Flow {
        let site = &core.sites[id.index()];
        let (edge, plain, there) = (site.edge, site.plain, site.ways.there);
        let caller = &core.frames[at];
        if caller.marks.canceled {
            return core.fail_step(at, Outcome::Canceled);
        }
        if site.guard != NONE {
            self.guard(core, stations, at, id);
            return Flow::Stay;
        }
        let (lineage, replica, now) = (caller.lineage.child(site.name, 0), site.first, core.now);
        let whose = caller.whose;
        let measured = whose.measured;
        let frame = core.frames.take_slot();
        core.frames[at].child = frame;
        let new = core.frames.begin_in(frame);
        new.lineage = lineage;
        new.trip.sent = now;
        new.account.until = now;
        new.caller = at;
        new.replica = replica;
        new.call = id.0;
        new.origin = Origin::Try;
        new.whose = whose;
        core.inherit_root(frame, at);
        core.open_account(frame, || Opening::Call { parent: at, call: id });
        core.tell(Fact::Called { edge, measured });
        if plain {
            core.schedule_steadily(there, Event::Reach(frame));
        } else {
            self.set_off(core, stations, frame, id);
        }
        Flow::Stay
    }

    /// A try sets off from a call-site that has more to it than a latency.
    #[inline(never)]
    pub(crate) fn set_off<P: Probe>(&mut self, core: &mut Core<'_, P>, stations: &mut Stations, at: u32, id: CallId) {
        let site = &core.sites[id.index()];
        let (lane, bare) = (site.lane, site.bare);
        if lane != NONE {
            let patience = core.plan.lanes[lane as usize];
            if self.lanes.arm(lane, at, core.now + patience) {
                core.schedule(patience, Event::Lane(lane));
            }
        }
        if bare && !core.is_troubled() {
            return self.wire.send(core, at);
        }
        let call = core.plan.call(id);
        if call.lender == NONE || self.is_prepared(core, at, call) {
            self.head_for(core, stations, at, id);
        }
    }

    /// Whether a try that needs something of its caller's first has that, and goes to a replica itself.
    fn is_prepared<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, call: &Call) -> bool {
        if call.hands_over() {
            core.hand_over(at, call);
            return false;
        }
        self.wire.lend(core, at, LenderId(call.lender))
    }

    /// A try that has what it needs of its caller's goes to a replica.
    #[inline(always)]
    pub(crate) fn head_for<P: Probe>(&mut self, core: &mut Core<'_, P>, stations: &mut Stations, at: u32, id: CallId) {
        let plan = core.plan;
        let call = plan.call(id);
        if plan.link(call.link).choice {
            let frame = &core.frames[at];
            let (caller, lineage) = (core.frames[frame.caller].replica, core.call_lineage(at));
            let guarded = call.guard != NONE && !call.primary;
            let pick = if guarded {
                self.aim(core, at, call)
            } else {
                self.wire.names.destination(core, call, caller, lineage)
            };
            let Some(replica) = pick else {
                return self.set_off_nowhere(core, at, id);
            };
            core.frames[at].replica = replica;
        }
        if core.is_troubled() && call.channel == NONE && self.wire.names.is_outdated(core, at, call.link) {
            core.frames[at].state.cut = Cut::Astray;
        }
        if call.channel == NONE {
            self.wire.send(core, at);
        } else {
            self.connect(core, stations, at);
        }
    }

    /// The answer leaves the node; its door hears of it.
    #[inline(always)]
    pub(crate) fn reply<P: Probe>(
        &mut self,
        core: &mut Core<'_, P>,
        stations: &mut Stations,
        at: u32,
        outcome: Outcome,
        joined: bool,
    ) -> Flow {
        if !P::CALM && !stations.doors.is_empty() {
            stations.tell_intake(core, at, outcome, joined);
        }
        self.answer(core, stations, at, outcome, joined)
    }

    /// The answer leaves the node.
    #[inline(always)]
    pub(crate) fn answer<P: Probe>(
        &mut self,
        core: &mut Core<'_, P>,
        stations: &mut Stations,
        at: u32,
        outcome: Outcome,
        joined: bool,
    ) -> Flow {
        let frame = &mut core.frames[at];
        frame.state.outcome = outcome;
        frame.pc = GONE;
        let (waited, replica) = (Span(frame.wait.waited), frame.replica);
        let sojourn = core.now.since(frame.trip.arrived);
        let site = &core.sites[frame.call as usize];
        let (node, endpoint, ways) = (site.node, site.endpoint, site.ways);
        if core.follows_roots() && outcome.is_good() {
            core.reach_goal(at, endpoint);
        }
        core.tell_load(replica, || Fact::Replied { node, endpoint, outcome, joined, sojourn, waited });
        if core.is_troubled() && self.is_lost(core, stations, at) {
            return Flow::Stay;
        }
        if ways.straight {
            core.schedule_steadily(ways.back, Event::Return(at));
        } else {
            self.wire.set_out_back(core, at);
        }
        Flow::Stay
    }

    /// An answer arrives at the caller: it settles the call, or nobody waits for it any more.
    #[inline(always)]
    pub(crate) fn come_back<P: Probe>(
        &mut self,
        core: &mut Core<'_, P>,
        stations: &mut Stations,
        at: u32,
    ) -> Option<Cursor> {
        if core.is_troubled() && self.intercept(core, stations, at) {
            return None;
        }
        let (now, frame) = (core.now, &mut core.frames[at]);
        core.ledger.charge_return(&mut core.probe, (at, frame), now);
        if frame.marks.abandoned {
            self.come_late(core, stations, at);
            return None;
        }
        let site = &core.sites[frame.call as usize];
        if site.loose {
            let ending = Ending::new(at, frame, site, now);
            return Some(self.hand_back(core, stations, ending));
        }
        self.come_loose(core, stations, at)
    }

    /// An answer that somebody waits for lets go of all that its call held; its caller goes on, unless a guard waits for it.
    #[inline(never)]
    fn come_loose<P: Probe>(&mut self, core: &mut Core<'_, P>, stations: &mut Stations, at: u32) -> Option<Cursor> {
        let id = core.frames[at].call as usize;
        let (site, call) = (&core.sites[id], &core.plan.calls[id]);
        let (timed, guarded) = (site.lane != NONE, site.guard != NONE);
        let wired = call.channel != NONE || call.lender != NONE;
        if timed {
            self.lanes.disarm(at);
        }
        if wired {
            self.wire.disconnect(core, at);
        }
        if guarded {
            let outcome = core.frames[at].state.outcome;
            self.end_answered_try(core, stations, at, outcome);
            return None;
        }
        let ending = core.ending(at);
        Some(self.hand_back(core, stations, ending))
    }

    /// What was called for ends with its call: what its time was spent on is its caller's from now on, who goes on.
    #[inline(always)]
    pub(crate) fn hand_back<P: Probe>(
        &mut self,
        core: &mut Core<'_, P>,
        stations: &mut Stations,
        ending: Ending,
    ) -> Cursor {
        let (now, accounts) = (core.now, core.probe.accounts());
        let caller = self.settle_amending(core, stations, ending, |ledger, waiting| {
            waiting.load.spent += ending.spent;
            if accounts {
                waiting.account.until = now;
                ledger.append(&mut waiting.account.row, ending.row);
            }
        });
        core.close_kept(ending.at, ending.outcome);
        caller
    }

    /// An answer comes that nobody waits for.
    #[inline(never)]
    pub(crate) fn come_late<P: Probe>(&mut self, core: &mut Core<'_, P>, stations: &mut Stations, at: u32) {
        if core.frames[at].state.cut == Cut::Unsent {
            // It never left, and at this very instant was given up.
            return self.pass_away(core, stations, at);
        }
        let frame = &mut core.frames[at];
        frame.marks.answered = true;
        let (client, outcome, hears) =
            (ClientId(u32::from(frame.whose.client)), frame.state.outcome, frame.marks.hears);
        let edge = core.plan.calls[frame.call as usize].edge;
        let wasted = core.waste(at);
        core.tell(Fact::LateReply { edge, client, wasted });
        if !hears {
            self.close_try(core, stations, at, outcome);
        }
    }

    /// The caller learns how its call ended and goes on after it, or where failures go.
    #[inline(always)]
    pub(crate) fn settle<P: Probe>(
        &mut self,
        core: &mut Core<'_, P>,
        stations: &mut Stations,
        at: u32,
        outcome: Outcome,
    ) {
        let ending = Ending { outcome, ..core.ending(at) };
        self.settle_amending(core, stations, ending, |_, _| ());
    }

    /// The same, with what else changes in the caller's frame, which is looked up once; where that stands then.
    #[inline(always)]
    fn settle_amending<P: Probe>(
        &mut self,
        core: &mut Core<'_, P>,
        stations: &mut Stations,
        ending: Ending,
        amend: impl FnOnce(&mut Ledger, &mut Frame),
    ) -> Cursor {
        let Ending { at, caller, edge, outcome, latency, measured, .. } = ending;
        if ending.tracks {
            self.wire.untrack(core, at, Some(outcome));
        }
        let waiting = &mut core.frames[caller];
        amend(&mut core.ledger, waiting);
        waiting.child = NONE;
        let mut cursor = Cursor { at: caller, pc: waiting.pc + 1, replica: waiting.replica };
        if outcome.is_good() {
            waiting.pc = cursor.pc;
        } else {
            stations.stop_decoding_for(core, at);
            core.fail_step(caller, outcome);
            cursor = core.cursor(caller);
        }
        core.tell(Fact::Settled { edge, outcome, latency, measured });
        cursor
    }
}

//! Calls become operations: across the network, or on the caller's own worker.

use crate::model::id::NONE;
use crate::model::plan::{self, Callee, Codec};
use crate::model::{CallId, Op, Outcome, Pc};
use crate::random::draw::name_hash;
use crate::units::Span;

use super::super::tables::transports::is_compiled_in;
use super::super::written::{Call, Fault, Guards, Mode, ReadFrom, Target};
use super::Lowering;
use super::program::{Code, Place, Sites};
use super::wire::Wire;

impl<'s> Lowering<'s> {
    /// A call: the request is encoded, the worker perhaps given up, the answer decoded.
    pub(super) fn call(&mut self, code: &mut Code<'s>, sites: &mut Sites, call: &'s Call) {
        let wire = Wire::of(self, call);
        let guards = self.scenario.guards(call);
        let id = self.site_to(code.place, sites, &call.target.value, &guards, wire.as_ref());
        let Some(wire) = wire else {
            return self.function_call(code, call, id);
        };
        let (writes, compares, lender) = (self.writes(call), self.compares(call), self.lender_of(code, call));
        let grip = self.grip(call);
        let planned = &mut self.plan.calls[id.index()];
        (planned.writes, planned.compares, planned.grip) = (writes, compares, grip);
        planned.lock_timeout = call.lock_timeout.value;
        if !planned.hands_over() {
            planned.lender = lender.map_or(NONE, |lender| lender.0);
        }
        planned.effect = !call.idempotent.value;
        planned.in_transaction = code.transaction == Some(call.target.value.node.as_str());
        planned.changes = call.mode.value != Mode::Read;
        planned.primary =
            planned.changes || code.writes && planned.in_transaction || call.read_from.value == ReadFrom::Primary;
        planned.spares_primary = call.read_from.value == ReadFrom::Replica && !planned.primary;
        planned.table = call.table.as_ref().map_or(0, |table| name_hash(&table.value));
        planned.row = call.row.as_ref().map_or(0, |row| name_hash(&row.value));
        let codec = wire.codec();
        if codec.encode > Span::ZERO {
            self.acquire(code);
            self.emit(Op::Encode(id));
        }
        self.release(code);
        let at = self.emit(Op::Call { call: id, fail: Pc::default() });
        code.fails.push((at, code.held));
        if codec.decode > Span::ZERO {
            self.decode(code, &codec, id);
        }
    }

    /// The answer is decoded; a stream while it comes, on the worker held, or on one taken for that.
    pub(super) fn decode(&mut self, code: &mut Code<'s>, codec: &Codec, id: CallId) {
        if codec.messages == 1 {
            self.acquire(code);
            self.emit(Op::Decode(id));
            return;
        }
        self.emit(Op::Gather(id));
        let over = self.emit(Op::Jump(Pc::default()));
        self.plan.calls[id.index()].ahead = self.here();
        let mut ahead = Code::new(code.place, code.held);
        self.acquire(&mut ahead);
        self.emit(Op::DecodeAhead(id));
        self.release(&mut ahead);
        self.emit(Op::DecodedAhead);
        let here = self.here();
        self.land(over, here);
        self.acquire(code);
        self.emit(Op::DecodeRest(id));
    }

    /// A call-site.
    pub(super) fn site_to(
        &mut self,
        place: Place<'s>,
        sites: &mut Sites,
        target: &Target,
        guards: &Guards,
        wire: Option<&Wire<'s>>,
    ) -> CallId {
        let callee = self.nodes[target.node.as_str()];
        let endpoint = self.endpoints[&(callee, target.endpoint.as_str())];
        let link = self.link(place.host, callee);
        // A link's latency holds for both directions of the calls over it.
        let (way, reach) = (self.latency(place.host, callee), self.reach(place.host, callee));
        // A function call has no policies.
        let rules = if wire.is_some() { self.rules(guards) } else { NONE };
        // Where its timer runs before a try sets out, its guard keeps it.
        let early = self.plan.rules.get(rules as usize).is_some_and(|rules| rules.early);
        let timeout = guards.timeout.as_ref().filter(|_| !early).map(|timeout| self.lane(timeout.value));
        let route = if wire.is_some() { self.route(place.host, callee) } else { NONE };
        let mut planned = plan::Call {
            edge: self.edge(self.nodes[place.caller], Callee::Endpoint(endpoint)),
            link,
            endpoint,
            site: sites.next(&target.to_string()),
            there: way,
            back: way,
            reach,
            timeout,
            rules,
            channel: wire.map_or(NONE, |w| self.channel(link, w.spec)),
            codec: wire.map_or(NONE, |w| self.codec(w)),
            ahead: Pc::default(),
            bytes: wire.map_or([0; 2], Wire::bytes),
            segments: wire.map_or([0; 2], Wire::segments),
            proxy: wire.and_then(|w| self.proxy(w)),
            route,
            inner: Pc::default(),
            cancels: wire.map_or(plan::Cancels::No, |w| w.cancels(guards)),
            versioned: wire.is_some_and(|wire| self.is_versioned(place, &target.node, wire)),
            effect: false,
            guard: NONE,
            writes: None,
            grip: None,
            lock_timeout: None,
            compares: None,
            lender: NONE,
            in_transaction: false,
            primary: false,
            spares_primary: false,
            changes: false,
            table: 0,
            row: 0,
        };
        let whole = wire.filter(|wire| wire.codec().messages == 1);
        if let Some(id) = whole.and_then(|wire| self.by_waypoint((place.host, callee), &planned, wire.spec)) {
            return id;
        }
        if let Some(own) = self.policy_of_proxy(place.host, &target.node, wire) {
            self.put_below(place.host, &mut planned, &own);
        }
        self.plan.calls.push(planned);
        CallId(self.plan.calls.len() as u32 - 1)
    }

    /// Whether versions of caller and callee may misunderstand each other: clients are no part of any release.
    fn is_versioned(&self, place: Place<'s>, callee: &str, wire: &Wire<'_>) -> bool {
        let breaks = |fault: &Fault| fault.breaking.value && fault.nodes(self.scenario).contains(&callee);
        let builds = is_compiled_in(self.scenario, wire.spec);
        !builds && !self.scenario.clients.contains_key(place.caller) && self.scenario.faults.iter().any(breaks)
    }

    /// The callee's program on the caller's worker.
    fn function_call(&mut self, code: &mut Code<'s>, call: &'s Call, id: CallId) {
        self.emit(Op::Descend { call: id });
        let target = &call.target.value;
        let Some((name, node)) = self.scenario.nodes.get_key_value(&target.node) else { return };
        let place = Place { caller: name, ..code.place };
        let mut inner = Code {
            stops: code.stops,
            transaction: code.transaction,
            writes: code.writes,
            ..Code::new(place, code.held)
        };
        self.body(&mut inner, &mut Sites::default(), &node.endpoints[&target.endpoint]);
        self.emit(Op::Ascend { call: id, outcome: Outcome::Succeeded });
        code.held = inner.held;
        if inner.fails.is_empty() {
            return;
        }
        let over = self.emit(Op::Jump(Pc::default()));
        for held in [true, false] {
            let fails: Vec<usize> = inner.fails.iter().filter(|f| f.1 == held).map(|f| f.0).collect();
            if fails.is_empty() {
                continue;
            }
            let to = self.here();
            fails.into_iter().for_each(|at| self.land(at, to));
            self.emit(Op::Ascend { call: id, outcome: Outcome::Error });
            let at = self.emit(Op::Jump(Pc::default()));
            code.fails.push((at, held));
        }
        let here = self.here();
        self.land(over, here);
    }
}

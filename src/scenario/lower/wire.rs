//! What a call needs on its way: connections, encoding, bytes, bandwidth.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::LawId;
use crate::model::id::NONE;
use crate::model::plan::{self, Codec};
use crate::model::transport::{FIRST_FLIGHT, segments};
use crate::random::dist::Law;
use crate::units::Span;

use super::super::guarded::{of_client, propagates};
use super::super::walk;
use super::super::written::{
    Call, Cancels, Client, ClientCall, Cost, Guards, How, Mode, Node, Protocol, TransportSpec, on,
};
use super::super::{client_transport, transport_of};
use super::Lowering;

/// Work of the proxy between a browser and gRPC: that of a sidecar, see `[mesh]`.
const PROXY: [(f64, f64); 2] = [(0.5, 0.3e6), (0.99, 1.2e6)];

/// What is written about the messages of one call.
#[derive(Clone, Copy)]
pub(in crate::scenario) struct Wire<'s> {
    pub(super) spec: &'s TransportSpec,
    request: u64,
    response: u64,
    /// Messages of the answer.
    messages: u32,
    /// Whether it comes from a browser.
    browser: bool,
}

/// What endpoints must be ready for, because somebody calls them that way.
#[derive(Debug, Default)]
pub(super) struct Callers {
    /// Endpoints whose messages cost something.
    pub(super) coded: BTreeSet<(String, String)>,
    /// Endpoints that answer in streams.
    pub(super) streamed: BTreeSet<(String, String)>,
    /// Endpoints whose callers tell them that they gave up, and the most that any of these stops.
    pub(super) canceled: BTreeMap<(String, String), plan::Cancels>,
    /// Databases that somebody writes to on a condition.
    pub(super) compared: BTreeSet<String>,
    /// By database: tables that some query wants for itself alone.
    pub(super) gripped: BTreeMap<String, BTreeSet<String>>,
    /// Endpoints that some call must not have done twice.
    pub(super) effects: BTreeSet<(String, String)>,
    /// Endpoints that tries come to which are tied to each other.
    pub(super) tied: BTreeSet<(String, String)>,
    /// Whether deadlines travel with requests.
    pub(super) hurried: bool,
}

impl<'s> Wire<'s> {
    /// The wire of a call; `None` for a function call.
    pub(super) fn of(lowering: &Lowering<'s>, call: &Call) -> Option<Self> {
        let How::Over(spec) = transport_of(lowering.scenario, call) else {
            return None;
        };
        let (request, response) = (call.request.value, call.response.value);
        let messages = call.stream.value.unwrap_or(1);
        Some(Self { spec, request, response, messages, browser: false })
    }

    /// The wire of a client's call.
    pub(super) fn of_client(lowering: &Lowering<'s>, client: &Client, call: &ClientCall) -> Self {
        let spec = client_transport(lowering.scenario, client);
        let (request, response) = (call.request.value, call.response.value);
        let messages = call.stream.value.unwrap_or(1);
        Self { spec, request, response, messages, browser: client.browser.value }
    }

    /// Messages of the answer as they travel: over HTTP/1.1 a stream is one body unless it is sent in chunks.
    fn parts(&self) -> (u32, u64) {
        let all = u64::from(self.messages);
        if self.spec.by_message() { (self.messages, self.response) } else { (1, self.response * all) }
    }

    fn on_wire(&self, bytes: u64) -> u64 {
        (bytes as f64 * self.spec.size_factor.value).round() as u64
    }

    /// Bytes on the wire: request, whole answer.
    pub(super) fn bytes(&self) -> [u64; 2] {
        let (messages, each) = self.parts();
        [self.on_wire(self.request), self.on_wire(each) * u64::from(messages)]
    }

    /// Segments of request and answer, over connections.
    pub(super) fn segments(&self) -> [u32; 2] {
        if self.spec.connections.is_some() { self.bytes().map(segments) } else { [0; 2] }
    }

    /// What its messages cost.
    pub(in crate::scenario) fn codec(&self) -> Codec {
        let cost = |cost: &Cost, bytes: u64| {
            let nanos = cost.per_byte.value * self.on_wire(bytes) as f64 / 1e3;
            cost.per_message.value + Span(nanos.round() as u64)
        };
        let (messages, each) = self.parts();
        Codec {
            encode: cost(&self.spec.encode, self.request),
            receive: cost(&self.spec.decode, self.request),
            answer: cost(&self.spec.encode, each),
            decode: cost(&self.spec.decode, each),
            messages,
        }
    }

    /// Whether its messages cost anything.
    pub(super) fn costs(&self) -> bool {
        let codec = self.codec();
        codec.encode + codec.receive + codec.answer + codec.decode > Span::ZERO
    }

    /// What a callee stops whose caller gave up: as its policy says, or its transport does.
    pub(super) fn cancels(&self, guards: &Guards) -> plan::Cancels {
        match guards.cancels.as_ref().map_or(self.spec.cancels.value, |given| given.value) {
            Cancels::No => plan::Cancels::No,
            Cancels::Queued => plan::Cancels::Queued,
            Cancels::AtOnce => plan::Cancels::AtOnce,
        }
    }

    /// Whether a browser needs a proxy to speak it.
    pub(super) fn needs_proxy(&self) -> bool {
        self.browser && self.spec.protocol.value == Protocol::Http2
    }
}

impl Lowering<'_> {
    /// What endpoints must be ready for.
    pub(super) fn callers(&mut self) {
        let mut callers = Callers { hurried: propagates(self.scenario), ..Callers::default() };
        let mut note = |target: &super::super::written::Target, wire: &Wire<'_>, guards: &Guards| {
            let key = || (target.node.clone(), target.endpoint.clone());
            if wire.costs() {
                callers.coded.insert(key());
            }
            if wire.parts().0 > 1 {
                callers.streamed.insert(key());
            }
            let most = callers.canceled.entry(key()).or_default();
            *most = wire.cancels(guards).max(*most);
            if on(&guards.hedge).is_some_and(|hedge| hedge.tied.value) {
                callers.tied.insert(key());
            }
        };
        let mut compared = BTreeSet::new();
        let mut gripped: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for node in self.scenario.nodes.values() {
            for call in node.programs().flat_map(walk::calls) {
                if let (Mode::Exclusive, Some(table)) = (call.mode.value, &call.table) {
                    gripped.entry(call.target.value.node.clone()).or_default().insert(table.value.clone());
                }
                if call.mode.value == Mode::ConditionalWrite {
                    compared.insert(call.target.value.node.clone());
                }
                if let Some(wire) = Wire::of(self, call) {
                    note(&call.target.value, &wire, &self.scenario.guards(call));
                }
            }
        }
        for client in self.scenario.clients.values() {
            let guards = of_client(self.scenario, client);
            for call in &client.calls {
                note(&call.target.value, &Wire::of_client(self, client, call), &guards);
            }
        }
        let all = self.scenario.nodes.values().flat_map(Node::programs).flat_map(walk::calls);
        let once = all.filter(|call| !call.idempotent.value).map(|call| &call.target.value);
        callers.effects = once.map(|target| (target.node.clone(), target.endpoint.clone())).collect();
        self.callers = Callers { compared, gripped, ..callers };
    }

    /// Nobody counts segments on connections whose first flight is enough for every message.
    pub(super) fn windows(&mut self) {
        let big = |call: &plan::Call| call.segments.iter().any(|segments| *segments > FIRST_FLIGHT);
        let big: BTreeSet<u32> = self.plan.calls.iter().filter(|call| big(call)).map(|call| call.channel).collect();
        for call in self.plan.calls.iter_mut().filter(|call| !big.contains(&call.channel)) {
            call.segments = [0; 2];
        }
    }

    /// The codec of a call's messages; `NONE` where they cost nothing.
    pub(super) fn codec(&mut self, wire: &Wire<'_>) -> u32 {
        if !wire.costs() && wire.parts().0 == 1 {
            return NONE;
        }
        self.plan.codecs.push(wire.codec());
        self.plan.codecs.len() as u32 - 1
    }

    /// The proxy between a browser and gRPC: it stands in the zone of those that it speaks to, however far the browser is.
    pub(super) fn proxy(&mut self, wire: &Wire<'_>) -> Option<[LawId; 2]> {
        let hop = &self.scenario.network.same_zone.value;
        wire.needs_proxy().then(|| [self.law(&Law::Percentiles(PROXY.to_vec())), self.law(hop)])
    }
}

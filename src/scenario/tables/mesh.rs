//! `[mesh]`: proxies beside services, and what they do on behalf of these.
//!
//! A call between two services of a mesh passes two proxies on its way there and the same two on its way back: the caller's,
//! which balances it over all replicas of the callee and may try it again, and that of the replica it is sent to. A database,
//! a cache, a third party or a service that is not in the mesh has none: only the caller's proxy is passed; and of what comes
//! from outside, from a client or a service without a proxy, only the callee's. Each replica of a service has a sidecar of its
//! own, with `concurrency` workers and one line for requests, answers and handshakes of either direction, in which a message
//! is forwarded in the time of `work`. With kind = "ambient" the replicas on a host share one proxy, and a call on one host
//! passes it once. Istio's is called ztunnel, and works on connections alone: it neither balances requests nor has the `policy`.
//!
//! What knows of requests there is a `waypoint`: one for all services that have it, or one for each, with replicas and workers of
//! its own, on hosts of its own. Whoever in the mesh calls such a service sends to the waypoint, past its own host's proxy; the
//! waypoint works on the request, picks a replica, calls it under the `policy` past the proxy of that host, and works on the
//! answer. So its tries begin there, and an application's tries each go there. Who calls from outside of the mesh goes straight to
//! the service, and so do streams. From caller to waypoint the way is as far as it would be to the service, and from there it
//! is one within a zone. The connection between a host's proxy and a waypoint is one between proxies. (Istio's *Ambient data
//! plane* and *Configure waypoint proxies*; a waypoint of a namespace has all of a file's services, which know no namespaces.)
//!
//! The time at proxies, their lines included, is `proxy` in the ledger, never `work`; the way between a service and its
//! proxy is that within a host. A proxy chooses the replica when the request is sent to it. Connections between proxies are
//! theirs: with `mtls` a new one costs TLS 1.3 and the cryptography of both ends on their workers, where the transport has
//! connections at all; that from a service to its own proxy is taken to be open. What passes a proxy whole is forwarded
//! whole: a stream is one message to it.
//!
//! A broker has no proxy, so what goes there or comes from there passes that of the publisher or the consumer alone: a message
//! to a queue, the word that it is safe if somebody waits for that, a delivery and its acknowledgement; of a topic, each
//! request with records and each answer with some (its acknowledgements and requests for more pass none, and nor does the
//! poll of a queue that finds nothing). While a proxy is down whoever it stands beside reaches no broker: its consumers have
//! lost theirs, what is sent to a queue fails, and records wait for the proxy with their producer.

use std::collections::BTreeMap;

use toml::de::DeValue;

use super::super::analytic::NodeForecast;
use super::super::check::zero;
use super::super::declare::{
    Always, Count, Duration, Flag, Inner, Kind, Maybe, Must, Or, Record, Ruled, Said, Spoken as _, Text, Varying,
    table, words,
};
use super::super::guarded::tries;
use super::super::lower::{Lowering, Wire};
use super::super::print::quoted;
use super::super::read::{self, Desk, Value, suggest};
use super::super::vocab::{Shape, Word, word};
use super::super::walk;
use super::super::written::{Call, Given, Guards, Node, NodeKind, Rule, Scenario, Target, TransportSpec, on};
use crate::diag::{Complaint, code};
use crate::model::discovery::Kind as Found;
use crate::model::id::NONE;
use crate::model::line::Order;
use crate::model::plan::{self, Codec, End, Route, Stop};
use crate::model::policy;
use crate::model::transport::{HANDSHAKE_CALLEE, HANDSHAKE_CALLER};
use crate::model::{CallId, EndpointId, LaneId, LawId, LinkId, NodeId, Op, Pc};
use crate::random::dist::Law;
use crate::random::draw::name_hash;
use crate::units::Span;

words! {
    /// Where proxies stand.
    #[derive(Default)]
    pub enum MeshKind {
        #[default]
        Sidecar = "sidecar", "One beside each replica of each service.";
        Ambient = "ambient", "One on each host, for all replicas there.";
    }
}

table! {
    /// `[mesh]`.
    pub struct Mesh: "[mesh]",
    "Proxies beside services: they balance, retry and encrypt for these, at the price of their work on every message and answer." {
        services: Given<Members> as Or<Members> = "\"all\"", "Which services and gateways have one.";
        exclude: Given<Vec<Given<String>>> as Or<Past> = "[]",
            "Databases, caches, brokers and third parties that are talked to past the proxies (Istio's `excludeOutboundPorts`).";
        kind: Given<MeshKind> as Or<MeshKind> = "\"sidecar\"", "Where the proxies stand.";
        proxy: Forwarding as Always<Forwarding>, "What a proxy is.";
        mtls: Given<bool> as Or<Flag> = "true",
            "Whether proxies encrypt between each other: handshakes of TLS 1.3 on their new connections.";
        policy: Option<Given<String>> as Said<Text>,
            "The policy that a caller's proxy, or the waypoint, has for calls to services, below that of the application: a second chain, inside the first. \"none\" is the default.";
        rules: Option<Given<Vec<HostRule>>> as Said<Rules>,
            "Other policies for calls to some services, as Istio's DestinationRule has them by host.";
        push_delay: Given<Span> as Or<Duration> = "\"100ms\"",
            "From a change of endpoints until the proxies know of it: the control plane's.";
        hosts: Given<Option<u32>> as Maybe<Count>,
            "ambient: on so many hosts the replicas stand whose zone names no host, the n-th on the n-th. Default: as many as the service with the most replicas has.";
        waypoint: Rule<Waypoint> as Ruled<Waypoint>,
            "ambient: a proxy on the way to services that knows of requests and has the policies. Default: none.";
    }
}

table! {
    /// A policy for the calls to one service.
    pub struct HostRule: "rules", "The policy for calls to one service instead of the mesh's.",
    needs "write { host = \"payments\", policy = \"once\" }" {
        host: Given<String> as Must<Text>, "The service or gateway that is called.";
        policy: Given<String> as Must<Text>, "The [policies.*] for it; \"none\": none.";
    }
}

table! {
    /// A proxy that knows of requests.
    pub struct Waypoint: "waypoint", "A proxy on the way to services that knows of requests: it balances them, and has the policies." {
        services: Given<Members> as Or<Members> = "\"all\"", "To which services and gateways the way is by it.";
        per: Given<Per> as Or<Per> = "\"namespace\"", "Whether there is one for all of these, or one for each.";
        replicas: Given<u32> as Or<Count> = "1", "How many there are of it.";
        work: Given<Law> as Or<Varying> = "{ p50 = \"0.3ms\", p99 = \"1.2ms\" }", "CPU time for a message.";
        concurrency: Given<u32> as Or<Count> = "2", "Workers of each, with a core of its own.";
    }
}

words! {
    /// For whom a waypoint is.
    #[derive(Default)]
    pub enum Per {
        #[default]
        Namespace = "namespace", "One for all services that have it.";
        Service = "service", "One for each service.";
    }
}

table! {
    /// What a proxy is.
    pub struct Forwarding: "proxy", "A proxy: its workers, and what a message costs them." {
        work: Given<Law> as Or<Varying> = "{ p50 = \"0.3ms\", p99 = \"1.2ms\" }", "CPU time for a message.";
        telemetry: Given<Law> as Or<Varying> = "\"0s\"",
            "CPU time for a message after it has gone on: what is written of it keeps a worker, but not the message.";
        concurrency: Given<u32> as Or<Count> = "2", "Its workers, each with a core of its own; Istio's sidecar has two.";
    }
}

/// All services, or those that are named.
#[derive(Clone, Debug, PartialEq)]
pub enum Members {
    /// All.
    All,
    /// These.
    Named(Vec<Given<String>>),
}

const ALL: &[Word] = &[word("all", "All services and gateways.")];

impl Kind for Members {
    type Value = Self;
    const SHAPE: Shape = Shape::Or(&[Shape::Choice(ALL), Shape::List(&Shape::Name)]);
    fn read(desk: &mut Desk<'_>, key: &str, value: &Value<'_>) -> Option<Self> {
        let DeValue::Array(items) = value.get_ref() else {
            let word = read::text(desk, key, value)?;
            if word != ALL[0].word {
                read::bad(desk, key, value, "write \"all\", or a list of services");
                return None;
            }
            return Some(Self::All);
        };
        let mut all = Vec::new();
        for item in items {
            all.extend(read::text(desk, key, item).map(|one| Given::at(one, item.span())));
        }
        Some(Self::Named(all))
    }
    fn print(members: &Self) -> String {
        match members {
            Self::All => quoted(ALL[0].word),
            Self::Named(names) => list(names),
        }
    }
}

/// Names in brackets.
fn list(names: &[Given<String>]) -> String {
    format!("[{}]", names.iter().map(|name| quoted(&name.value)).collect::<Vec<_>>().join(", "))
}

/// Names of what is talked to past the proxies.
pub(crate) enum Past {}

impl Kind for Past {
    type Value = Vec<Given<String>>;
    const SHAPE: Shape = Shape::List(&Shape::Name);
    fn read(desk: &mut Desk<'_>, key: &str, value: &Value<'_>) -> Option<Vec<Given<String>>> {
        let DeValue::Array(items) = value.get_ref() else {
            read::bad(desk, key, value, "write a list of names");
            return None;
        };
        let one =
            |item: &Value<'_>, desk: &mut Desk<'_>| read::text(desk, key, item).map(|one| Given::at(one, item.span()));
        Some(items.iter().filter_map(|item| one(item, desk)).collect())
    }
    fn print(names: &Vec<Given<String>>) -> String {
        list(names)
    }
}

/// Policies by host.
pub(crate) enum Rules {}

impl Kind for Rules {
    type Value = Vec<HostRule>;
    const SHAPE: Shape = Shape::Tables(HostRule::TABLE);
    fn read(desk: &mut Desk<'_>, key: &str, value: &Value<'_>) -> Option<Vec<HostRule>> {
        let items = read::array(desk, key, value)?;
        Some(items.iter().filter_map(|item| Inner::<HostRule>::read(desk, key, item)).collect())
    }
    fn print(rules: &Self::Value) -> String {
        format!("[{}]", rules.iter().map(Record::inline).collect::<Vec<_>>().join(", "))
    }
}

impl Members {
    /// Those that are named.
    fn named(&self) -> &[Given<String>] {
        match self {
            Self::All => &[],
            Self::Named(names) => names,
        }
    }

    /// Whether a service of that name is one of them.
    fn have(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Named(names) => names.iter().any(|member| member.value == name),
        }
    }
}

impl Scenario {
    /// Whether a node has a proxy.
    pub fn is_meshed(&self, node: &Node) -> bool {
        let Some(mesh) = &self.mesh else { return false };
        let may = matches!(node.kind, NodeKind::Service | NodeKind::Gateway);
        may && mesh.services.value.have(&node.name.value)
    }

    /// The waypoint by which the way from the mesh to a node is, and what it is called.
    pub(in crate::scenario) fn waypoint_of(&self, node: &Node) -> Option<(&Waypoint, String)> {
        let mesh = self.mesh.as_ref().filter(|mesh| mesh.kind.value == MeshKind::Ambient)?;
        let waypoint = on(&mesh.waypoint).filter(|waypoint| waypoint.services.value.have(&node.name.value))?;
        let name = match waypoint.per.value {
            Per::Namespace => "waypoint".to_owned(),
            Per::Service => format!("waypoint:{}", node.name.value),
        };
        self.is_meshed(node).then_some((waypoint, name))
    }

    /// Whether anything has a proxy.
    pub fn has_mesh(&self) -> bool {
        self.nodes.values().any(|node| self.is_meshed(node))
    }
}

impl Mesh {
    /// The policies that it names, and none where it says so.
    pub(in crate::scenario) fn policies(&self) -> impl Iterator<Item = &Given<String>> {
        self.policy.iter().chain(self.rules.iter().flat_map(|rules| &rules.value).map(|rule| &rule.policy))
    }

    /// The policy of the mesh for calls to a host.
    fn policy_for(&self, host: &str) -> Option<&Given<String>> {
        let own = self.rules.iter().flat_map(|rules| &rules.value).find(|rule| rule.host.value == host);
        own.map(|rule| &rule.policy).or(self.policy.as_ref()).filter(|policy| policy.value != NO_POLICY)
    }

    /// Whether whatever is called so is talked to past the proxies.
    pub(in crate::scenario) fn excludes(&self, name: &str) -> bool {
        self.exclude.value.iter().any(|excluded| excluded.value == name)
    }

    /// What the proxy beside a node is called.
    pub fn proxy_of(&self, node: &Node) -> String {
        match self.kind.value {
            MeshKind::Sidecar => format!("sidecar:{}", node.name.value),
            MeshKind::Ambient => {
                let host = node.zone.value.as_ref().and_then(|zone| zone.host.as_ref());
                host.map_or("ztunnel".into(), |host| format!("ztunnel:{host}"))
            }
        }
    }

    /// How many there are of it.
    pub fn replicas_of(&self, scenario: &Scenario, node: &Node) -> u32 {
        if self.kind.value == MeshKind::Sidecar {
            return node.most_replicas();
        }
        if node.zone.value.as_ref().is_some_and(|zone| zone.host.is_some()) {
            return 1;
        }
        let most = scenario.nodes.values().filter(|node| scenario.is_meshed(node)).map(Node::most_replicas).max();
        self.hosts.value.or(most).unwrap_or(1).max(1)
    }
}

/// What the proxies of a plan are, while it is made.
#[derive(Debug, Default)]
pub(in crate::scenario) struct Meshed {
    /// By node: its proxy.
    proxies: BTreeMap<NodeId, u32>,
    /// By ends of a call: the way.
    routes: BTreeMap<(NodeId, NodeId), u32>,
    /// The way within a host.
    near: Option<LawId>,
    work: Option<LawId>,
    telemetry: Option<LawId>,
    /// Call-sites whose tries hand over, and to which.
    handed: Vec<(CallId, CallId)>,
    /// By service: the waypoint on the way to it.
    waypoints: BTreeMap<NodeId, Way>,
    /// Links to waypoints, by caller and service.
    ways: BTreeMap<(NodeId, NodeId), LinkId>,
    /// Call-sites by waypoints, and those from there on.
    relayed: Vec<(CallId, CallId, Way)>,
}

/// A waypoint in the plan.
#[derive(Clone, Copy, Debug)]
struct Way {
    node: NodeId,
    endpoint: EndpointId,
    work: LawId,
}

/// Stands for no policy.
const NO_POLICY: &str = "none";

impl<'s> Lowering<'s> {
    /// The proxies: nodes after those of the file.
    pub(in crate::scenario) fn sidecars(&mut self) {
        let scenario = self.scenario;
        let Some(mesh) = scenario.mesh.as_ref().filter(|_| scenario.has_mesh()) else { return };
        self.meshed.near = Some(self.law(&scenario.network.same_host.value));
        self.meshed.work = Some(self.law(&mesh.proxy.work.value));
        let telemetry = &mesh.proxy.telemetry.value;
        let telemetry = self.law(telemetry);
        self.meshed.telemetry = Some(telemetry).filter(|law| !self.plan.law(*law).is_zero());
        for (name, node) in scenario.nodes.iter().filter(|(_, node)| scenario.is_meshed(node)) {
            let of = self.nodes[name.as_str()];
            // One beside each place where a replica may be, in a rollout too.
            let replicas = match mesh.kind.value {
                MeshKind::Sidecar => self.plan.node(of).replicas,
                MeshKind::Ambient => mesh.replicas_of(scenario, node),
            };
            let proxy = self.proxy_node(mesh, mesh.proxy_of(node), replicas, of);
            self.meshed.proxies.insert(of, proxy);
            if let Some((waypoint, name)) = scenario.waypoint_of(node) {
                self.waypoint(waypoint, name, of);
            }
        }
    }

    /// A proxy of that name, for one node more.
    fn proxy_node(&mut self, mesh: &Mesh, name: String, replicas: u32, of: NodeId) -> u32 {
        let known = self.plan.proxies.iter().position(|proxy| self.plan.node(proxy.node).name == name);
        if let Some(known) = known {
            self.plan.proxies[known].of.push(of);
            return known as u32;
        }
        let (node, endpoint) = self.forwarder(name, "sidecar", (replicas, mesh.proxy.concurrency.value));
        let first = self.plan.node(node).first_replica;
        let (workers, work) = (mesh.proxy.concurrency.value, self.meshed.work.unwrap_or_default());
        let seals = mesh.mtls.value.then_some([HANDSHAKE_CALLER, HANDSHAKE_CALLEE]);
        let telemetry = self.meshed.telemetry;
        let proxy = plan::Proxy { node, of: vec![of], endpoint, first, replicas, workers, work, telemetry, seals };
        self.plan.proxies.push(proxy);
        self.plan.proxies.len() as u32 - 1
    }

    /// A node of a mesh, with so many replicas of so many workers, and the endpoint that its messages are counted under.
    fn forwarder(&mut self, name: String, kind: &'static str, (replicas, workers): (u32, u32)) -> (NodeId, EndpointId) {
        let node = NodeId(self.plan.nodes.len() as u32);
        let endpoint = EndpointId(self.plan.endpoints.len() as u32);
        self.plan.endpoints.push(plan::Endpoint {
            name: name.clone(),
            node,
            entry: Pc::default(),
            consumer: false,
            goals: 0,
        });
        self.plan.nodes.push(plan::Node {
            hash: name_hash(&name),
            name,
            kind,
            first_replica: self.plan.replicas(),
            replicas,
            life: None,
            workers,
            consumers: 0,
            called: true,
            cores: None,
            queue_limit: NONE,
            order: Order::Fifo,
            preemptive: false,
            queue_timeout: None,
            intake: None,
            contention: None,
            translates: false,
        });
        (node, endpoint)
    }

    /// The waypoint of that name, on the way to one service more.
    fn waypoint(&mut self, written: &Waypoint, name: String, of: NodeId) {
        let known = self.meshed.waypoints.values().find(|way| self.plan.node(way.node).name == name).copied();
        let way = known.unwrap_or_else(|| {
            let (node, endpoint) =
                self.forwarder(name, "waypoint", (written.replicas.value, written.concurrency.value));
            Way { node, endpoint, work: self.law(&written.work.value) }
        });
        self.meshed.waypoints.insert(of, way);
    }

    /// What tries that hand over do: they make the call inside, and end with it. What waypoints do: they work on the request,
    /// make the call from there on, and work on the answer.
    pub(in crate::scenario) fn handed_over(&mut self) {
        for (outer, inner, way) in std::mem::take(&mut self.meshed.relayed) {
            let plan::Call { effect, rules, .. } = self.plan.calls[outer.index()];
            self.plan.calls[inner.index()].effect = effect;
            if effect && rules != NONE && self.plan.calls[inner.index()].rules == NONE {
                // Which of the application's tries it is of must be known to whom it is done.
                self.plan.calls[inner.index()].rules = self.bare_rules();
            }
            self.plan.calls[outer.index()].inner = self.here();
            self.emit(Op::Enter);
            self.forward(way.work, "there");
            let next = Pc(self.here().0 + 1);
            self.emit(Op::Call { call: inner, fail: next });
            self.emit(Op::Resume);
            self.forward(way.work, "back");
            self.emit(Op::Relay);
        }
        for (outer, inner) in std::mem::take(&mut self.meshed.handed) {
            self.plan.calls[inner.index()].effect = self.plan.calls[outer.index()].effect;
            self.plan.calls[outer.index()].inner = self.here();
            let next = Pc(self.here().0 + 1);
            self.emit(Op::Call { call: inner, fail: next });
            self.emit(Op::Relay);
        }
    }

    /// A worker of a waypoint works on a message, and is free.
    fn forward(&mut self, work: LawId, way: &str) {
        if !self.plan.law(work).is_zero() {
            self.emit(Op::Work { law: work, site: name_hash(way) as u32 });
        }
        self.emit(Op::Leave);
    }

    /// A call whose way is by a waypoint, if it is: the call-site of its first half, which ends there.
    pub(in crate::scenario) fn by_waypoint(
        &mut self,
        (from, to): (NodeId, NodeId),
        call: &plan::Call,
        spec: &'s TransportSpec,
    ) -> Option<CallId> {
        let way = *self.meshed.waypoints.get(&to).filter(|_| self.meshed.proxies.contains_key(&from))?;
        let (link, hop) = (self.link(way.node, to), self.latency(way.node, to));
        let own = self.mesh_policy(&self.plan.node(to).name).cloned();
        let (rules, timeout) = own.map_or((NONE, None), |guards| self.chain(&guards));
        let second = plan::Call {
            edge: self.edge(way.node, plan::Callee::Endpoint(call.endpoint)),
            link,
            site: name_hash("waypoint") ^ call.site,
            there: hop,
            back: hop,
            reach: NONE,
            timeout,
            rules,
            channel: self.channel(link, spec),
            codec: self.half(call, |whole| Codec { encode: Span::ZERO, decode: Span::ZERO, ..whole }),
            route: self.route(way.node, to),
            ..call.clone()
        };
        let link = self.way(from, to, way);
        let first = plan::Call {
            link,
            endpoint: way.endpoint,
            reach: NONE,
            channel: self.channel(link, spec),
            codec: self.half(call, |whole| Codec { receive: Span::ZERO, answer: Span::ZERO, ..whole }),
            route: self.route(from, way.node),
            ..call.clone()
        };
        self.plan.calls.extend([second, first]);
        let first = CallId(self.plan.calls.len() as u32 - 1);
        self.meshed.relayed.push((first, CallId(first.0 - 1), way));
        Some(first)
    }

    /// What one end of a call pays for its messages.
    fn half(&mut self, call: &plan::Call, of: impl Fn(Codec) -> Codec) -> u32 {
        let Some(whole) = self.plan.codecs.get(call.codec as usize).copied() else { return NONE };
        self.plan.codecs.push(of(whole));
        self.plan.codecs.len() as u32 - 1
    }

    /// The link from a caller to the waypoint of a service: one for each service, so that a fault can happen to its calls alone.
    fn way(&mut self, from: NodeId, to: NodeId, way: Way) -> LinkId {
        if let Some(known) = self.meshed.ways.get(&(from, to)) {
            return *known;
        }
        let pipe = self.pipe(&self.plan.node(from).name, &self.plan.node(to).name);
        let known = self.link(from, way.node);
        let link = plan::Link { pipe, ..self.plan.link(known).clone() };
        self.plan.links.push(link);
        let link = LinkId(self.plan.links.len() as u32 - 1);
        self.meshed.ways.insert((from, to), link);
        link
    }

    /// The ends of a link as the file knows them: one to a waypoint stands for the calls to the service behind it.
    pub(in crate::scenario) fn ends(&self, link: LinkId) -> (NodeId, NodeId) {
        let behind = self.meshed.ways.iter().find(|(_, way)| **way == link).map(|(ends, _)| *ends);
        behind.unwrap_or((self.plan.link(link).from, self.plan.link(link).to))
    }

    /// The way of the calls from one node to another by the proxies beside both; `NONE` where there is none.
    pub(in crate::scenario) fn route(&mut self, from: NodeId, to: NodeId) -> u32 {
        let (Some(near), beside) = (self.meshed.near, |node| self.meshed.proxies.get(&node).copied()) else {
            return NONE;
        };
        if let Some(known) = self.meshed.routes.get(&(from, to)) {
            return *known;
        }
        let (caller, callee) = (beside(from), beside(to));
        let mut stops: Vec<Stop> = Vec::new();
        stops.extend(caller.map(|proxy| Stop { proxy, beside: End::Caller }));
        // Who stands on one host with its callee passes their proxy once.
        let shared = caller == callee && caller.is_some_and(|proxy| self.plan.proxies[proxy as usize].replicas == 1);
        stops.extend(callee.filter(|_| !shared).map(|proxy| Stop { proxy, beside: End::Callee }));
        let past =
            |node: NodeId| self.scenario.mesh.as_ref().is_some_and(|mesh| mesh.excludes(&self.plan.node(node).name));
        let route = if stops.is_empty() || past(from) || past(to) {
            NONE
        } else {
            let sealed = stops.len() == 2 || self.is_waypoint(from) || self.is_waypoint(to);
            self.plan.routes.push(Route { stops, far: u32::from(caller.is_some()), near, sealed });
            self.plan.routes.len() as u32 - 1
        };
        self.meshed.routes.insert((from, to), route);
        route
    }

    /// Whether the calls from one node to another are balanced by a proxy: not those to databases and caches, whose messages
    /// it does not understand.
    pub(in crate::scenario) fn balances(&self, from: NodeId, to: NodeId) -> bool {
        if self.is_ambient() {
            return self.is_waypoint(from);
        }
        let kind = self.plan.node(to).kind;
        let past = self.scenario.mesh.as_ref().is_some_and(|mesh| mesh.excludes(&self.plan.node(to).name));
        !past && self.meshed.proxies.contains_key(&from) && (kind == NodeKind::External.word() || may_have_proxy(kind))
    }

    /// Whether the connections from one node to another end in a proxy that knows nothing of requests.
    pub(in crate::scenario) fn tunnels(&self, from: NodeId, to: NodeId) -> bool {
        let both = self.meshed.proxies.contains_key(&to) || self.is_waypoint(to);
        self.is_ambient() && self.meshed.proxies.contains_key(&from) && both
    }

    fn is_waypoint(&self, node: NodeId) -> bool {
        self.meshed.waypoints.values().any(|way| way.node == node)
    }

    /// Whether connections from one node to another are encrypted by the proxies of both.
    pub(in crate::scenario) fn seals(&self, from: NodeId, to: NodeId) -> bool {
        let both = [from, to].iter().all(|node| self.meshed.proxies.contains_key(node) || self.is_waypoint(*node));
        both && self.scenario.mesh.as_ref().is_some_and(|mesh| mesh.mtls.value)
    }

    /// The policy that the proxy of a caller has for a call, if it has one: not for streams, of which it cannot take anything
    /// back.
    pub(in crate::scenario) fn policy_of_proxy(
        &self,
        from: NodeId,
        to: &str,
        wire: Option<&Wire<'s>>,
    ) -> Option<Guards> {
        let whole = wire.is_some_and(|wire| wire.codec().messages == 1);
        let talks = may_have_proxy(self.scenario.nodes.get(to)?.kind.word());
        let fits = whole && talks && self.meshed.proxies.contains_key(&from) && !self.is_ambient();
        self.mesh_policy(to).filter(|_| fits).cloned()
    }

    /// Whether the proxies are those of hosts.
    fn is_ambient(&self) -> bool {
        self.scenario.mesh.as_ref().is_some_and(|mesh| mesh.kind.value == MeshKind::Ambient)
    }

    /// The policy of the mesh for calls to a host.
    fn mesh_policy(&self, host: &str) -> Option<&'s Guards> {
        let policy = self.scenario.mesh.as_ref()?.policy_for(host)?;
        self.scenario.policies.get(&policy.value).map(|policy| &policy.guards)
    }

    /// The rules of a policy, and the lane of its timeout where no rule keeps that.
    fn chain(&mut self, own: &Guards) -> (u32, Option<LaneId>) {
        let rules = self.rules(own);
        let early = self.plan.rules.get(rules as usize).is_some_and(|rules| rules.early);
        let timeout = own.timeout.as_ref().filter(|_| !early).map(|timeout| self.lane(timeout.value));
        (rules, timeout)
    }

    /// Puts a chain of rules below a call: alone, where the call has none of its own; else inside its tries, which then hand
    /// over to a call-site with these rules.
    pub(in crate::scenario) fn put_below(&mut self, host: NodeId, call: &mut plan::Call, own: &Guards) {
        let (rules, timeout) = self.chain(own);
        if call.rules == NONE && call.timeout.is_none() {
            (call.rules, call.timeout) = (rules, timeout);
            return;
        }
        if rules == NONE && timeout.is_none() {
            return;
        }
        let proxy = self.plan.proxies[self.meshed.proxies[&host] as usize].node;
        let edge = self.edge(proxy, plan::Callee::Endpoint(call.endpoint));
        let site = name_hash("proxy") ^ call.site;
        self.plan.calls.push(plan::Call { edge, site, rules, timeout, codec: call.codec, ..call.clone() });
        let inner = CallId(self.plan.calls.len() as u32 - 1);
        if call.rules == NONE {
            call.rules = self.bare_rules();
        }
        let zero = self.law(&Law::Constant { value: 0.0 });
        (call.there, call.back, call.reach, call.route, call.channel) = (zero, zero, NONE, NONE, NONE);
        (call.segments, call.lender, call.cancels) = ([0; 2], plan::HANDS_OVER, plan::Cancels::Queued);
        self.meshed.handed.push((CallId(inner.0 + 1), inner));
    }

    /// The rules of a call that has none but is to be guarded.
    fn bare_rules(&mut self) -> u32 {
        let plan = &mut self.plan;
        *self.rules.entry("bare".into()).or_insert_with(|| {
            plan.rules.push(policy::Rules::bare());
            plan.rules.len() as u32 - 1
        })
    }

    /// The proxy's node of a service, by the name that it has in the plan.
    pub(in crate::scenario) fn proxy_called(&self, name: &str) -> Option<NodeId> {
        let ways = self.meshed.waypoints.values().map(|way| way.node);
        let mut all = self.plan.proxies.iter().map(|proxy| proxy.node).chain(ways);
        all.find(|node| self.plan.node(*node).name == name)
    }
}

/// Whether nodes of a kind, by its word, have proxies in a mesh.
fn may_have_proxy(kind: &str) -> bool {
    kind == NodeKind::Service.word() || kind == NodeKind::Gateway.word()
}

/// The names of the proxies.
pub(in crate::scenario) fn proxies(scenario: &Scenario) -> Vec<String> {
    let Some(mesh) = &scenario.mesh else { return Vec::new() };
    let meshed = scenario.nodes.values().filter(|node| scenario.is_meshed(node));
    let mut all: Vec<String> = meshed.map(|node| mesh.proxy_of(node)).collect();
    all.sort();
    all.dedup();
    all
}

/// The names of the waypoints.
pub(in crate::scenario) fn waypoints(scenario: &Scenario) -> Vec<String> {
    let mut all: Vec<String> = scenario.nodes.values().filter_map(|node| Some(scenario.waypoint_of(node)?.1)).collect();
    all.sort();
    all.dedup();
    all
}

/// Complains about proxies of nobody.
pub(in crate::scenario) fn ranges(scenario: &Scenario, complaints: &mut Vec<Complaint>) {
    let Some(mesh) = &scenario.mesh else { return };
    let mut counts = vec![("concurrency", &mesh.proxy.concurrency)];
    if let Some(waypoint) = on(&mesh.waypoint) {
        counts.extend([("replicas", &waypoint.replicas), ("concurrency", &waypoint.concurrency)]);
    }
    for (key, count) in counts {
        zero(count.value == 0, key, count.place.as_ref(), "no message would ever be forwarded", complaints);
    }
}

/// Complains about names that are no services, and about a policy that is none.
pub(in crate::scenario) fn names(scenario: &Scenario, refused: &[String], complaints: &mut Vec<Complaint>) {
    let Some(mesh) = &scenario.mesh else { return };
    let hosts = mesh.rules.iter().flat_map(|rules| &rules.value);
    let by_waypoint = on(&mesh.waypoint).map(|waypoint| &waypoint.services.value);
    let listed = [Some(&mesh.services.value), by_waypoint].into_iter().flatten().flat_map(Members::named);
    let members = listed.chain(hosts.map(|rule| &rule.host)).filter(|name| !refused.contains(&name.value));
    members.for_each(|name| member(scenario, name, complaints));
    mesh.exclude.value.iter().for_each(|name| excluded(scenario, name, complaints));
    let unknown = |policy: &&Given<String>| policy.value != NO_POLICY && !scenario.policies.contains_key(&policy.value);
    for policy in mesh.policies().filter(unknown) {
        let complaint = Complaint::error(code::UNKNOWN_NAME, format!("no policy is called `{}`", policy.value));
        let complaint = complaint.at(policy.place.clone());
        complaints.push(match suggest(&policy.value, scenario.policies.keys().map(String::as_str)) {
            Some(meant) => complaint.label(format!("did you mean `{meant}`?")),
            None => complaint.help(format!("write [policies.{}]", policy.value)),
        });
    }
}

/// Warns of proxies that cannot do what is asked of them, of tries that multiply, and of what a mesh decides instead of others.
pub(in crate::scenario) fn look(scenario: &Scenario, proxies: &[NodeForecast], complaints: &mut Vec<Complaint>) {
    let Some(mesh) = &scenario.mesh else { return };
    if !scenario.has_mesh() {
        let complaint = Complaint::warning(code::UNUSED, "`[mesh]` without services: nothing has a proxy");
        complaints.push(complaint.at(mesh.services.place.clone()));
        return;
    }
    overloaded(mesh, proxies, complaints);
    multiplied(scenario, mesh, complaints);
    let kind = &scenario.discovery.kind;
    if kind.value != Found::Mesh && kind.place.is_some() {
        let message = format!(
            "with [mesh] its proxies find and balance: discovery.kind = \"{}\" has no effect on them",
            kind.value.word()
        );
        let complaint = Complaint::warning(code::NO_EFFECT, message).at(kind.place.clone());
        complaints.push(complaint.help("write kind = \"mesh\", or leave it out"));
    }
    let tunnels = mesh.kind.value == MeshKind::Ambient && waypoints(scenario).is_empty();
    if let Some(policy) = mesh.policy.as_ref().filter(|policy| tunnels && policy.value != NO_POLICY) {
        let message = "a ztunnel forwards connections and knows nothing of requests: the `policy` has no effect";
        let complaint = Complaint::warning(code::NO_EFFECT, message).at(policy.place.clone());
        complaints.push(complaint.help("give the mesh a proxy that does: waypoint = {}"));
    }
    if let Some(place) = mesh.waypoint.as_ref().filter(|_| mesh.kind.value == MeshKind::Sidecar).map(|way| &way.place) {
        let message = "`waypoint` means something for kind = \"ambient\" only: sidecars know of requests themselves";
        complaints.push(Complaint::warning(code::UNUSED, message).at(place.clone()));
    }
    let hosts = &mesh.hosts;
    if hosts.value.is_some() && mesh.kind.value == MeshKind::Sidecar {
        let message = "`hosts` means something for kind = \"ambient\" only";
        complaints.push(Complaint::warning(code::UNUSED, message).at(hosts.place.clone()));
    }
}

/// The first proxy that is asked for more than it can do, and how many more there are.
fn overloaded(mesh: &Mesh, proxies: &[NodeForecast], complaints: &mut Vec<Complaint>) {
    let load = |proxy: &NodeForecast| proxy.utilization.max(proxy.peak_utilization);
    let over: Vec<&NodeForecast> = proxies.iter().filter(|proxy| load(proxy) > 1.0 + 1e-9).collect();
    let Some(worst) = over.iter().max_by(|a, b| load(a).total_cmp(&load(b))) else { return };
    let others = if over.len() > 1 { format!(" (and {} more)", over.len() - 1) } else { String::new() };
    let message = format!(
        "`{}` is asked for {:.0} % of what it can do{others}: {:.0} messages/s of {} on average, by {} workers",
        worst.name,
        load(worst) * 100.0,
        worst.peak_rate.max(worst.rate),
        Span((worst.work_ms * 1e6) as u64),
        worst.workers.unwrap_or(0.0)
    );
    let place = mesh.proxy.concurrency.place.clone().or(mesh.services.place.clone());
    let help = "its line grows as long as that lasts: more `concurrency` or replicas, or less `work`";
    complaints.push(Complaint::warning(code::OVERLOADED, message).at(place).help(help));
}

/// Tries of the application, each of which the proxy tries again.
fn multiplied(scenario: &Scenario, mesh: &Mesh, complaints: &mut Vec<Complaint>) {
    let mut worst: Option<([u64; 2], &str, &Given<Target>)> = None;
    for node in scenario.nodes.values().filter(|node| scenario.is_meshed(node)) {
        for call in node.programs().flat_map(walk::calls) {
            let Some(below) = scenario.below(node, call).map(tries) else { continue };
            let own = tries(&scenario.guards(call));
            if own > 1 && below > 1 && worst.is_none_or(|(most, ..)| own * below > most[0] * most[1]) {
                worst = Some(([own, below], &node.name.value, &call.target));
            }
        }
    }
    let Some(([own, below], caller, target)) = worst else { return };
    let who = if mesh.kind.value == MeshKind::Ambient { "the waypoint" } else { "its proxy" };
    let message = format!(
        "`{caller}` calls `{}` up to {own} times, and {who} each of them up to {below}: {} tries",
        target.value.node,
        own * below
    );
    let help = "let one of the two try again: the proxy, which knows other replicas, or the application, which knows what \
                may be done twice";
    complaints.push(Complaint::warning(code::MULTIPLIED, message).at(target.place.clone()).help(help));
}

impl Scenario {
    /// What the proxy of a caller has for a call, if it has anything: for calls of services and gateways by services that
    /// are in the mesh.
    pub(in crate::scenario) fn below(&self, caller: &Node, call: &Call) -> Option<&Guards> {
        let callee = self.nodes.get(&call.target.value.node)?;
        let mesh = self.mesh.as_ref()?;
        let policy = mesh.policy_for(&callee.name.value)?;
        let knows = mesh.kind.value == MeshKind::Sidecar || self.waypoint_of(callee).is_some();
        let talks = matches!(callee.kind, NodeKind::Service | NodeKind::Gateway);
        let remote = !walk::transport_of(self, call).is_in_process();
        let fits = knows && talks && remote && call.stream.value.is_none() && self.is_meshed(caller);
        self.policies.get(&policy.value).filter(|_| fits).map(|policy| &policy.guards)
    }
}

/// Only what has no proxy of its own can be talked to past those of its callers.
fn excluded(scenario: &Scenario, name: &Given<String>, complaints: &mut Vec<Complaint>) {
    let broker = scenario.queues.contains_key(&name.value) || scenario.topics.contains_key(&name.value);
    let complaint = match scenario.nodes.get(&name.value) {
        Some(node) if may_have_proxy(node.kind.word()) => {
            let message = format!("`{}` has a proxy of its own in the mesh", name.value);
            Complaint::error(code::WRONG_TARGET, message).help("leave it out of `services` instead")
        }
        Some(_) => return,
        None if broker => return,
        None => {
            let known = scenario.nodes.keys().chain(scenario.queues.keys()).chain(scenario.topics.keys());
            let complaint = Complaint::error(code::UNKNOWN_NAME, format!("nothing is called `{}`", name.value));
            match suggest(&name.value, known.map(String::as_str)) {
                Some(meant) => complaint.label(format!("did you mean `{meant}`?")),
                None => complaint,
            }
        }
    };
    complaints.push(complaint.at(name.place.clone()));
}

/// Only what runs among one's own services has a proxy.
fn member(scenario: &Scenario, name: &Given<String>, complaints: &mut Vec<Complaint>) {
    let wrong = |why: String| Complaint::error(code::WRONG_TARGET, why).at(name.place.clone());
    let callers = "its callers' proxies are passed on the way there; leave it out";
    let complaint = match scenario.nodes.get(&name.value).map(|node| node.kind) {
        Some(NodeKind::Service | NodeKind::Gateway) => return,
        Some(NodeKind::External) => {
            wrong(format!("`{}` is a third party's: it has no proxy of this mesh", name.value)).help(callers)
        }
        Some(kind) => wrong(format!("`{}` is a {}: it has no proxy beside it", name.value, kind.word())).help(callers),
        None if scenario.queues.contains_key(&name.value) || scenario.topics.contains_key(&name.value) => {
            wrong(format!("`{}` is a broker: it has no proxy beside it", name.value)).help("leave it out")
        }
        None if scenario.clients.contains_key(&name.value) => {
            wrong(format!("`{}` is a client, outside of the mesh", name.value)).help("leave it out")
        }
        None => {
            let complaint = Complaint::error(code::UNKNOWN_NAME, format!("no service is called `{}`", name.value));
            let complaint = complaint.at(name.place.clone());
            let known =
                scenario.nodes.values().filter(|node| matches!(node.kind, NodeKind::Service | NodeKind::Gateway));
            match suggest(&name.value, known.map(|node| node.name.value.as_str())) {
                Some(meant) => complaint.label(format!("did you mean `{meant}`?")),
                None => complaint,
            }
        }
    };
    complaints.push(complaint);
}

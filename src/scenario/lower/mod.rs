//! From the scenario as written to the plan as run: names become ids, units nanoseconds, steps operations.
//!
//! Lowering cannot fail: it takes what the check let through.

mod branches;
mod caches;
mod calls;
mod messages;
mod program;
mod queries;
mod wire;

pub(super) use wire::Wire;

use std::collections::{BTreeMap, BTreeSet};

use crate::model::id::NONE;
use crate::model::line::Order;
use crate::model::plan::{self, Callee, Plan};
use crate::model::policy::Rules;
use crate::model::{EdgeId, EndpointId, LaneId, LawId, LenderId, LinkId, MeterId, NodeId, Op, QueueId};
use crate::random::dist::{Dist, Law};
use crate::random::draw::name_hash;
use crate::units::Span;

use super::Checked;
use super::guarded::{longest, of_client};
use super::tables::mesh::Meshed;
use super::walk::fed;
use super::written::{Metric, Scenario, Slo, Zone};

/// The plan of a checked scenario.
pub fn lower(checked: &Checked) -> Plan {
    let mut lowering = Lowering::new(&checked.scenario);
    lowering.discovery();
    lowering.nodes();
    lowering.sidecars();
    lowering.queues();
    lowering.topic_nodes();
    lowering.clients();
    lowering.zones();
    lowering.callers();
    lowering.consumers();
    lowering.programs();
    lowering.windows();
    lowering.streams();
    lowering.flows();
    lowering.guards();
    lowering.faults();
    lowering.promises();
    lowering.plan
}

/// A lowering under way.
pub(super) struct Lowering<'s> {
    pub(super) scenario: &'s Scenario,
    pub(super) plan: Plan,
    pub(super) nodes: BTreeMap<&'s str, NodeId>,
    pub(super) endpoints: BTreeMap<(NodeId, &'s str), EndpointId>,
    pub(super) edges: BTreeMap<plan::Edge, EdgeId>,
    pub(super) links: BTreeMap<(NodeId, NodeId), LinkId>,
    pub(super) latencies: BTreeMap<(NodeId, NodeId), LawId>,
    pub(super) queues: BTreeMap<&'s str, QueueId>,
    callers: wire::Callers,
    pub(super) channels: BTreeMap<(LinkId, &'s str), u32>,
    /// Pools of connections so far.
    pub(super) pools: u32,
    pub(super) lenders: BTreeMap<(NodeId, &'s str), Option<LenderId>>,
    /// Poolers' pools so far, by their databases.
    pub(super) poolers: BTreeMap<&'s str, LenderId>,
    /// Purses of database connections so far.
    pub(super) purses: u32,
    /// (database, table) by `TableId`.
    pub(super) tables: Vec<(&'s str, &'s str)>,
    /// Distinct timeouts so far.
    pub(super) lanes: BTreeMap<Span, u32>,
    /// Laws of rules so far, by what they say.
    pub(super) rule_laws: BTreeMap<String, LawId>,
    /// Rules so far, by what they say.
    pub(super) rules: BTreeMap<String, u32>,
    /// The proxies of a mesh.
    pub(super) meshed: Meshed,
    /// Queues and topics that something may come to.
    pub(super) fed: BTreeSet<&'s str>,
    /// What the replicas of a node remember, by its name: which cache of the plan.
    pub(super) memories: BTreeMap<(NodeId, &'s str), u32>,
    /// The counts that the replicas of a node share.
    pub(super) meters: BTreeMap<NodeId, MeterId>,
    /// Where something stands, by the number of its zone.
    pub(super) sites: Vec<Option<Zone>>,
    /// By the ends of a call: the latencies between zones.
    pub(super) reaches: BTreeMap<(NodeId, NodeId), u32>,
}

impl<'s> Lowering<'s> {
    fn new(scenario: &'s Scenario) -> Self {
        let sim = &scenario.sim;
        let plan = Plan {
            seed: sim.seed.value,
            warmup: sim.warmup.value.span(),
            duration: sim.duration.value,
            patience: patience(scenario),
            max_events: sim.max_events.value,
            max_in_flight: sim.max_in_flight.value,
            ..Plan::default()
        };
        Self {
            scenario,
            plan,
            nodes: BTreeMap::new(),
            endpoints: BTreeMap::new(),
            edges: BTreeMap::new(),
            links: BTreeMap::new(),
            latencies: BTreeMap::new(),
            queues: BTreeMap::new(),
            callers: wire::Callers::default(),
            channels: BTreeMap::new(),
            pools: 0,
            lenders: BTreeMap::new(),
            poolers: BTreeMap::new(),
            purses: 0,
            tables: Vec::new(),
            lanes: BTreeMap::new(),
            rule_laws: BTreeMap::new(),
            rules: BTreeMap::new(),
            meshed: Meshed::default(),
            fed: fed(scenario),
            memories: BTreeMap::new(),
            meters: BTreeMap::new(),
            sites: Vec::new(),
            reaches: BTreeMap::new(),
        }
    }

    pub(super) fn push_node(&mut self, name: &'s str, node: plan::Node) -> NodeId {
        let id = NodeId(self.plan.nodes.len() as u32);
        self.plan.nodes.push(node);
        self.nodes.insert(name, id);
        id
    }

    /// A pseudo-node, of a client or a broker: one replica without workers.
    pub(super) fn bare_node(&mut self, name: &'s str, kind: &'static str) -> NodeId {
        let node = plan::Node {
            name: name.into(),
            hash: name_hash(name),
            kind,
            consumers: 0,
            called: true,
            first_replica: self.plan.replicas(),
            replicas: 1,
            life: None,
            workers: NONE,
            cores: None,
            queue_limit: NONE,
            order: Order::Fifo,
            preemptive: false,
            queue_timeout: None,
            intake: None,
            contention: None,
            translates: false,
        };
        self.push_node(name, node)
    }

    /// The state that policies need: one for each replica of a caller, callee and policy.
    fn guards(&mut self) {
        let plan = &mut self.plan;
        plan.propagates = plan.rules.iter().any(|rules| rules.propagate);
        if plan.propagates {
            // Whoever inherits a deadline heeds it and passes it on, with or without a policy of its own.
            let bare = plan.rules.len() as u32;
            plan.rules.push(Rules::bare());
            for op in &plan.ops {
                if let Op::Call { call, .. } = op
                    && plan.calls[call.index()].rules == NONE
                {
                    plan.calls[call.index()].rules = bare;
                }
            }
        }
        let mut known: BTreeMap<(u32, LinkId), u32> = BTreeMap::new();
        let mut states = 0;
        for call in plan.calls.iter_mut().filter(|call| call.rules != NONE) {
            call.guard = *known.entry((call.rules, call.link)).or_insert_with(|| {
                plan.guards.push(plan::Guard { rules: call.rules, link: call.link, first: states });
                states += plan.nodes[plan.links[call.link.index()].from.index()].replicas;
                plan.guards.len() as u32 - 1
            });
        }
    }

    pub(super) fn law(&mut self, law: &Law) -> LawId {
        // The check has built every law once, so this cannot fail.
        let dist = Dist::new(law).unwrap_or_else(|why| unreachable!("checked law: {why}"));
        self.plan.laws.push(dist);
        LawId(self.plan.laws.len() as u32 - 1)
    }

    pub(super) fn lane(&mut self, timeout: Span) -> LaneId {
        let plan = &mut self.plan;
        let at = *self.lanes.entry(timeout).or_insert_with(|| {
            plan.lanes.push(timeout);
            plan.lanes.len() as u32 - 1
        });
        LaneId(at)
    }

    /// The edge from a node as written.
    pub(super) fn edge(&mut self, from: NodeId, to: Callee) -> EdgeId {
        let (edge, edges) = (plan::Edge { from, to }, &mut self.plan.edges);
        *self.edges.entry(edge).or_insert_with(|| {
            edges.push(edge);
            EdgeId(edges.len() as u32 - 1)
        })
    }

    /// The link between two nodes.
    pub(super) fn link(&mut self, from: NodeId, to: NodeId) -> LinkId {
        if let Some(link) = self.links.get(&(from, to)) {
            return *link;
        }
        let balancer = self.balancer();
        let (leaves_out, leans) = (self.leaves_out(to), self.leans(to));
        let book = leans || leaves_out || self.asks_for_names(from) || self.is_unsteady(&self.plan.node(to).name);
        let pipe = self.pipe(&self.plan.node(from).name, &self.plan.node(to).name);
        let plan = &mut self.plan;
        *self.links.entry((from, to)).or_insert_with(|| {
            let (caller, callee) = (&plan.nodes[from.index()], &plan.nodes[to.index()]);
            let choice = callee.replicas > 1 || book;
            plan.links.push(plan::Link {
                from,
                to,
                balancer,
                first: callee.first_replica,
                first_caller: caller.first_replica,
                choice,
                pipe,
                book,
                leans,
                tracks: choice && (leaves_out || balancer.looks()),
            });
            LinkId(plan.links.len() as u32 - 1)
        })
    }
}

/// How long the run goes on for its last requests: the longest a client waits if each has a timeout, else the measured
/// time again, as for flows, which no timeout ends; and longer than any promise asks about.
fn patience(scenario: &Scenario) -> Span {
    let timeouts: Option<Vec<Span>> =
        scenario.clients.values().map(|client| longest(&of_client(scenario, client))).collect();
    let longest = timeouts.filter(|_| scenario.flows.is_empty()).and_then(|t| t.into_iter().max());
    longest.unwrap_or(scenario.sim.duration.value).max(asked_about(scenario)) + Span(1)
}

/// The longest time that a promise about requests asks about.
fn asked_about(scenario: &Scenario) -> Span {
    let bound = |slo: &Slo| match slo.promise.metric {
        Metric::Good(within) => within,
        Metric::Percentile(_) | Metric::Mean | Metric::Max => slo.promise.bound,
        _ => 0.0,
    };
    Span((scenario.slos.iter().map(bound).fold(0.0, f64::max) * 1e6) as u64)
}

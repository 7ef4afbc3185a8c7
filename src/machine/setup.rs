//! What a machine begins with.

use std::collections::BTreeMap;

use crate::kernel::{Agenda, Lanes, Phase};
use crate::model::balance::Memory;
use crate::model::fault::When;
use crate::model::line::Links;
use crate::model::plan::{Lender, Plan};
use crate::model::transport::Channel;
use crate::model::{Mark, NodeId, Probe};
use crate::random::Lineage;
use crate::units::{Span, Time};

use super::begin::Words;
use super::cache::Caches;
use super::effect::Effects;
use super::event::{EXHAUSTED, Event};
use super::fork::Joins;
use super::frame::Frames;
use super::ledger::Ledger;
use super::lend::Purse;
use super::limit::Instant;
use super::lock::Table;
use super::mark::STRETCH;
use super::message::Mailroom;
use super::names::{self, Names};
use super::outage::Trouble;
use super::pool::Pool;
use super::root::Roots;
use super::site::Site;
use super::stream::Streams;
use super::{Machine, Replica, Sender, intake, police};

impl<'p, P: Probe> Machine<'p, P> {
    /// A run of `plan` at time zero.
    pub fn new(plan: &'p Plan, seed: u64, probe: P) -> Self {
        let mut memory_base = Vec::with_capacity(plan.links.len());
        let mut memories = Vec::new();
        for link in &plan.links {
            memory_base.push(memories.len() as u32);
            let callees = plan.node(link.to).replicas;
            let memory = |caller| Memory { book: names::book(plan, seed, link, caller), ..Memory::new(callees) };
            memories.extend((0..plan.node(link.from).replicas).map(memory));
        }
        let replicas = (0..)
            .map(NodeId)
            .zip(&plan.nodes)
            .flat_map(|(id, node)| (0..node.replicas).map(move |_| Replica::new(id, node)))
            .collect();
        let mut machine = Self {
            plan,
            ops: &plan.ops,
            sites: Site::all(plan),
            seed,
            now: Time(0),
            agenda: Agenda::new(),
            frames: Frames::default(),
            ledger: Ledger::default(),
            links: Links::new(),
            ready: std::collections::VecDeque::with_capacity(64),
            replicas,
            joins: Joins::default(),
            aheads: super::ahead::Aheads::new(),
            lingering: std::collections::BTreeMap::new(),
            memories,
            memory_base,
            endpoints: vec![None; plan.nodes.len()],
            names: Names::new(plan),
            beings: Vec::new(),
            scaled: Vec::new(),
            lanes: lanes(plan),
            pools: pools(plan),
            holds: Vec::new(),
            guarded: Vec::new(),
            police: police::police(plan),
            intakes: intake::intakes(plan),
            deadlines: Vec::new(),
            words: Words::default(),
            effects: Effects::default(),
            pipes: vec![[Time(0); 2]; plan.links.len()],
            purses: purses(plan),
            connections: vec![0; plan.nodes.len()],
            blocked: BTreeMap::new(),
            tables: plan.tables.iter().map(|_| Table::default()).collect(),
            caches: Caches::new(plan),
            streams: Streams::new(plan, seed),
            mail: Mailroom::new(plan),
            roots: Roots::new(plan),
            faulted: !plan.faults.is_empty() || plan.nodes.iter().any(|node| node.life.is_some()),
            contends: plan.nodes.iter().any(|node| node.contention.is_some()),
            wears: plan.faults.iter().any(|f| matches!(f.when, When::Random { busy_only: true, .. })),
            trouble: Trouble::default(),
            sources: plan.clients.iter().map(|_| Sender::default()).collect(),
            users: Vec::new(),
            in_flight: 0,
            measured_open: 0,
            events: 0,
            look_at: 0,
            opened: false,
            closed: false,
            lingered: Span::ZERO,
            stop: None,
            instant: Instant::default(),
            probe,
        };
        machine.begin();
        machine
    }

    /// Puts the boundaries and every client's first arrival on the agenda.
    fn begin(&mut self) {
        let (open, length) = (Time(self.plan.warmup.0), self.plan.duration);
        let close = open + length;
        // It has its last instant and not its first: n equal stretches have as many arrivals each. Nothing comes before time zero.
        let first = if open > Time(0) { Phase::Sample } else { Phase::Recovery };
        self.agenda.push(open, first, Event::Mark(Mark::Open as u32));
        self.agenda.push(open + Span(length.0 / 2), Phase::Sample, Event::Mark(Mark::Half as u32));
        self.agenda.push(close, Phase::Sample, Event::Mark(Mark::Close as u32));
        self.agenda.push(close + self.plan.patience, Phase::Sample, Event::Mark(EXHAUSTED));
        if self.plan.is_eventful() {
            self.agenda.push(open + self.plan.stretch(), Phase::Sample, Event::Mark(STRETCH));
        }
        self.start_consumers();
        self.expect_faults();
        self.start_replicas();
        self.start_clients();
        self.start_streams();
    }
}

/// All pools of connections, empty.
pub(super) fn pools(plan: &Plan) -> Vec<Pool> {
    let callers = |c: &Channel| plan.node(plan.link(c.link).from).replicas;
    let all: u32 = plan.channels.iter().map(|c| callers(c) * c.pools_per_caller).sum();
    (0..all).map(|_| Pool::default()).collect()
}

/// All purses of database connections, empty.
pub(super) fn purses(plan: &Plan) -> Vec<Purse> {
    let end = |l: &Lender| {
        let caller = plan.nodes.iter().find(|n| n.first_replica == l.first_caller && n.replicas > 0);
        l.first_purse + caller.map_or(0, |n| n.replicas)
    };
    (0..plan.lenders.iter().map(end).max().unwrap_or(0)).map(|_| Purse::default()).collect()
}

/// One lane per distinct timeout, numbered as in the plan.
pub(super) fn lanes(plan: &Plan) -> Lanes {
    let mut lanes = Lanes::new();
    for (at, timeout) in plan.lanes.iter().enumerate() {
        let lane = lanes.open(*timeout);
        debug_assert_eq!(lane as usize, at, "distinct timeouts get lanes in order");
    }
    lanes
}

/// The seed of one replication.
pub fn replication_seed(seed: u64, replication: u32) -> u64 {
    Lineage::root(seed, u64::from(replication)).0
}

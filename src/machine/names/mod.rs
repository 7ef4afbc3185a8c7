//! Changes of endpoints on their way to callers, lookups, and who a caller leaves out. See
//! [`discovery`](crate::model::discovery).
//!
//! What would be published now stands in `endpoints`, `moves` and `unready`; what DNS answers, or callers were told
//! last, in `answers`; what a caller replica believes, in the book of its [`Memory`](crate::model::balance::Memory).
//! Only links whose callee may change have books.

pub(crate) mod health;
pub(crate) mod pick;
pub(crate) mod probing;
pub(crate) mod question;

use std::collections::VecDeque;

use crate::kernel::Phase;
use crate::model::discovery::{Address, Book, Kind, panics};
use crate::model::plan::{Call, Link, Plan};
use crate::model::{LinkId, NodeId, Probe};
use crate::random::draw::name_hash;
use crate::random::{Draw, Lineage, Purpose};
use crate::units::{Span, Time};

use crate::machine::core::Core;
use crate::machine::core::event::Rare;
use crate::machine::names::health::Asked;
use crate::machine::names::probing::Probing;
use crate::machine::names::question::Questions;
use crate::model::balance::Memory;

/// Addresses, and what is on its way to those who use them.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    /// Balancing state: per link and caller replica.
    pub(crate) memories: Vec<Memory>,
    /// Where a link's memories begin.
    pub(crate) memory_base: Vec<u32>,
    /// By node: the replicas, counted from its first, that would be published now; `None`: all of them, always.
    pub(crate) endpoints: Vec<Option<Vec<u32>>>,
    /// By replica: how often it has moved; empty in a plan without moves.
    pub(crate) moves: Vec<u32>,
    /// By replica: whether nothing answers at its old addresses.
    pub(crate) silent: Vec<bool>,
    /// By replica: whether it is out of the list because it does not answer its probes.
    pub(crate) unready: Vec<bool>,
    /// By replica: whether it works as far as its probes can see, and since when.
    pub(crate) health: Vec<(bool, Time)>,
    /// By node: what DNS answers, and what callers were told last; `None`: as in the beginning.
    answers: Vec<Option<Vec<Address>>>,
    /// By node: changes under way, the oldest first, and when they can be seen.
    changes: Vec<VecDeque<(Time, Vec<Address>)>>,
    /// By node: outages of discovery that are on.
    pub(crate) dark: Vec<u32>,
    /// By replica, two for each: how its readiness and its liveness are asked for; empty where no probe stands in line.
    pub(crate) asked: Vec<Asked>,
    /// By link: whether its name is looked up again when a connection breaks, and not before.
    lasting: Vec<bool>,
    pub(crate) questions: Questions,
    /// Balancers that ask.
    pub(crate) probing: Probing,
}

impl Names {
    pub(crate) fn new(plan: &Plan, seed: u64) -> Self {
        let mut memory_base = Vec::with_capacity(plan.links.len());
        let (mut memories, mut lasting) = (Vec::new(), Vec::new());
        for link in &plan.links {
            memory_base.push(memories.len() as u32);
            let callees = plan.node(link.to).replicas;
            let last = lasts(plan, LinkId(memory_base.len() as u32 - 1));
            lasting.push(last);
            let memory = |caller| {
                let mut book = book(plan, seed, link, caller);
                if let Some(book) = book.as_mut().filter(|_| last) {
                    book.keep(Time::NEVER);
                }
                let leanings = link.leans.then(Box::default);
                Memory { book, leanings, ..Memory::new(callees) }
            };
            memories.extend((0..plan.node(link.from).replicas).map(memory));
        }
        let (replicas, nodes) = (plan.replicas() as usize, plan.nodes.len());
        let moving = plan.faults.iter().any(|fault| fault.effect.moves());
        Self {
            questions: Questions::new(plan, memories.len(), &lasting),
            memories,
            memory_base,
            endpoints: vec![None; nodes],
            moves: if moving { vec![0; replicas] } else { Vec::new() },
            silent: vec![false; if moving { replicas } else { 0 }],
            unready: vec![false; replicas],
            health: vec![(true, Time(0)); replicas],
            answers: vec![None; nodes],
            changes: vec![VecDeque::new(); nodes],
            dark: vec![0; nodes],
            asked: vec![Asked::default(); if plan.discovery.asks() { 2 * replicas } else { 0 }],
            lasting,
            probing: Probing::new(plan),
        }
    }
}

/// How often gRPC's resolver asks at most (`MinResolutionInterval`).
const RESOLVES: Span = Span(30_000_000_000);

/// Whether an answer of DNS is kept until a connection breaks: where requests are balanced over connections that carry many.
fn lasts(plan: &Plan, link: LinkId) -> bool {
    let multiplexed = |call: &Call| {
        let channel = plan.channels.get(call.channel as usize);
        channel.is_some_and(|channel| channel.per_request && channel.streams > 1)
    };
    let mut calls = plan.calls.iter().filter(|call| call.link == link).peekable();
    plan.discovery.kind == Kind::Dns && calls.peek().is_some() && calls.all(multiplexed)
}

/// What one replica of a caller knows of a callee at first, where that may change.
pub(crate) fn book(plan: &Plan, seed: u64, link: &Link, caller: u32) -> Option<Box<Book>> {
    let (from, to) = (plan.node(link.from), plan.node(link.to));
    let lineage = Lineage::root(from.hash ^ to.hash.rotate_left(1), u64::from(caller));
    let part = |of: Span, what: &str| {
        let phase = Draw::new(seed, lineage, Purpose::Probe, name_hash(what)).unit();
        Span((of.0 as f64 * phase) as u64)
    };
    link.book.then(|| {
        let phase = plan.discovery.outliers.map(|spec| part(spec.interval, "outliers"));
        let mut book = Book::new(to.replicas, phase, plan.discovery.panic);
        // Callers did not all look the name up at time zero.
        book.keep(Time(0) + part(plan.discovery.ttl, "dns"));
        Box::new(book)
    })
}

impl Names {
    /// The replicas of a node that take requests, or their addresses, have changed: its callers hear of it as discovery has it.
    pub(crate) fn publish_endpoints<P: Probe>(&mut self, core: &mut Core<'_, P>, node: NodeId) {
        let addresses = self.addresses(core, node);
        let discovery = &core.plan.discovery;
        if discovery.kind == Kind::Static {
            return self.tell_callers(core, node, &addresses);
        }
        // What is so from the beginning everybody knows.
        let begins = core.now == Time(0);
        let due = if begins { core.now } else { core.now + discovery.propagation };
        self.changes[node.index()].push_back((due, addresses));
        if due == core.now {
            self.spread(core, node);
        } else {
            core.agenda.push(due, Phase::Recovery, Rare::Change(node.0).event());
        }
    }

    /// Where the replicas of a node are that would be published now. A list that never changes names the first addresses.
    fn addresses<P: Probe>(&self, core: &Core<'_, P>, node: NodeId) -> Vec<Address> {
        let plan = core.plan.node(node);
        let fixed = core.plan.discovery.kind == Kind::Static;
        let address = |replica: u32| {
            let at = (plan.first_replica + replica) as usize;
            let moves = if fixed { 0 } else { self.moves.get(at).copied().unwrap_or(0) };
            let ready = !self.unready[at];
            Address { replica, moves, ready }
        };
        let listed: Vec<u32> = match &self.endpoints[node.index()] {
            Some(set) => set.clone(),
            None => (0..plan.replicas).collect(),
        };
        let answers = |replica: &u32| !self.unready[(plan.first_replica + replica) as usize];
        let healthy = listed.iter().filter(|replica| answers(replica)).count();
        let meshed = core.plan.discovery.kind == Kind::Mesh;
        let panics = meshed && panics(core.plan.discovery.panic, healthy, listed.len());
        // Who prefers zones panics zone by zone, and has to know how many do not answer.
        if meshed && core.plan.discovery.locality.is_some() {
            return listed.into_iter().map(address).collect();
        }
        let published = listed.into_iter().filter(|replica| panics || answers(replica));
        published.map(|replica| Address { ready: true, ..address(replica) }).collect()
    }

    /// Changes of a node that can be seen by now are seen, unless discovery is out.
    pub(crate) fn spread<P: Probe>(&mut self, core: &mut Core<'_, P>, node: NodeId) {
        let at = node.index();
        let mut newest = None;
        while self.dark[at] == 0 && self.changes[at].front().is_some_and(|(due, _)| *due <= core.now) {
            newest = self.changes[at].pop_front().map(|(_, addresses)| addresses);
        }
        let Some(addresses) = newest else { return };
        if core.plan.discovery.kind != Kind::Dns || core.now == Time(0) {
            self.tell_callers(core, node, &addresses);
        }
        self.answers[at] = Some(addresses);
    }

    /// All callers of a node hear where its replicas are; and these themselves, where it matters how many they are in a zone.
    fn tell_callers<P: Probe>(&mut self, core: &mut Core<'_, P>, node: NodeId, addresses: &[Address]) {
        let plan = core.plan;
        let hears = |link: &Link| link.to == node || link.leans && link.from == node;
        for (link, base) in plan.links.iter().zip(&self.memory_base).filter(|(link, _)| hears(link)) {
            let callers = plan.node(link.from).replicas;
            for memory in &mut self.memories[*base as usize..(base + callers) as usize] {
                match &mut memory.book {
                    Some(book) if link.to == node => {
                        book.learn(addresses, core.now);
                        memory.look();
                    }
                    Some(_) => memory.look(),
                    None => memory.view = Some(addresses.iter().map(|address| address.replica).collect()),
                }
            }
        }
    }

    /// A caller looks up who it may pick; says whether it knows at all, and need not ask.
    #[inline(never)]
    pub(crate) fn consult<P: Probe>(&mut self, core: &mut Core<'_, P>, link: LinkId, memory: usize) -> bool {
        let (now, discovery) = (core.now, &core.plan.discovery);
        let callee = core.plan.link(link).to;
        if self.has_to_ask(link, memory, now) {
            return false;
        }
        let lasts = discovery.kind == Kind::Dns && self.is_lasting(memory);
        let memory = &mut self.memories[memory];
        let Some(book) = &mut memory.book else { return true };
        let mut changed = false;
        if discovery.kind == Kind::Dns && book.is_over(now) {
            if self.dark[callee.index()] > 0 {
                return false;
            }
            if let Some(addresses) = &self.answers[callee.index()] {
                book.learn(addresses, now);
                changed = true;
            }
            book.keep(if lasts { Time::NEVER } else { now + discovery.ttl });
            book.asked = now;
        }
        if let Some(spec) = &discovery.outliers {
            changed |= book.readmit(spec, now);
        }
        if changed {
            memory.look();
        }
        true
    }

    /// Whether a memory is of a link whose name is looked up when a connection breaks.
    fn is_lasting(&self, memory: usize) -> bool {
        let link = self.memory_base.partition_point(|base| *base as usize <= memory) - 1;
        self.lasting[link]
    }

    /// A connection of a caller's replica broke, came of age or could not be opened: where nothing else makes it look, it looks
    /// its callee's name up again.
    #[cold]
    pub(crate) fn hear_of_break<P: Probe>(&mut self, core: &Core<'_, P>, link: LinkId, caller: u32) {
        if !self.lasting[link.index()] {
            return;
        }
        let memory = self.memory_of(core, link, caller);
        if let Some(book) = &mut self.memories[memory].book {
            let lineage = Lineage::root(u64::from(link.0), u64::from(caller)).child(core.now.0, 0);
            book.keep(core.now.max(book.asked + RESOLVES) + Self::resolves_in(core, lineage));
        }
    }

    /// Whether a caller's try, or handshake, goes to an address that its replica has left.
    #[inline]
    pub(crate) fn is_outdated<P: Probe>(&self, core: &Core<'_, P>, at: u32, link: LinkId) -> bool {
        let frame = &core.frames[at];
        let Some(moves) = self.moves.get(frame.replica as usize) else { return false };
        let book = self.memories[self.memory(core, link, frame.caller)].book.as_ref();
        book.map_or(0, |book| book.moves(frame.replica - core.plan.link(link).first)) != *moves
    }

    /// A caller's replica that died knows what it is told when it is back, and nothing of its own.
    #[cold]
    pub(crate) fn forget_books<P: Probe>(&mut self, core: &mut Core<'_, P>, replica: u32) {
        let (plan, node) = (core.plan, core.node_of(replica));
        for (link, base) in plan.links.iter().zip(&self.memory_base).filter(|(link, _)| link.from == node && link.book)
        {
            let caller = replica - link.first_caller;
            self.questions.bury(base + caller);
            let memory = &mut self.memories[(base + caller) as usize];
            let mut book = book(plan, core.seed, link, caller);
            if let Some(book) = &mut book {
                book.keep(core.now);
                self.answers[link.to.index()].iter().for_each(|addresses| book.learn(addresses, Time(0)));
            }
            memory.book = book;
            memory.look();
        }
    }

    /// An outage of discovery begins or ends for the nodes of some replicas.
    pub(crate) fn darken<P: Probe>(&mut self, core: &mut Core<'_, P>, replicas: &[u32], on: bool) {
        for node in core.nodes_of(replicas) {
            let dark = &mut self.dark[node.index()];
            *dark = if on { *dark + 1 } else { *dark - 1 };
            self.spread(core, node);
        }
    }
}

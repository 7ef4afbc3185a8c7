//! Changes of endpoints on their way to callers, lookups, and who a caller leaves out. See
//! [`discovery`](crate::model::discovery).
//!
//! What would be published now stands in `endpoints`, `moves` and `unready`; what DNS answers, or callers were told
//! last, in `answers`; what a caller replica believes, in the book of its [`Memory`](crate::model::balance::Memory).
//! Only links whose callee may change have books.

use std::collections::VecDeque;

use crate::kernel::Phase;
use crate::model::discovery::{Address, Book, Kind};
use crate::model::plan::{Link, Plan};
use crate::model::{Fact, LinkId, NodeId, Outcome, Probe};
use crate::random::draw::name_hash;
use crate::random::{Draw, Lineage, Purpose};
use crate::units::{Span, Time};

use super::Machine;
use super::channel::Stage;
use super::event::Rare;

/// Addresses, and what is on its way to those who use them.
#[derive(Debug)]
pub(super) struct Names {
    /// By replica: how often it has moved; empty in a plan without moves.
    pub(super) moves: Vec<u32>,
    /// By replica: whether nothing answers at its old addresses.
    pub(super) silent: Vec<bool>,
    /// By replica: whether it is out of the list because it does not answer its probes.
    pub(super) unready: Vec<bool>,
    /// By replica: whether it works as far as its probes can see, and since when.
    pub(super) health: Vec<(bool, Time)>,
    /// By node: what DNS answers, and what callers were told last; `None`: as in the beginning.
    answers: Vec<Option<Vec<Address>>>,
    /// By node: changes under way, the oldest first, and when they can be seen.
    changes: Vec<VecDeque<(Time, Vec<Address>)>>,
    /// By node: outages of discovery that are on.
    pub(super) dark: Vec<u32>,
}

impl Names {
    pub(super) fn new(plan: &Plan) -> Self {
        let (replicas, nodes) = (plan.replicas() as usize, plan.nodes.len());
        let moving = plan.faults.iter().any(|fault| fault.effect.moves());
        Self {
            moves: if moving { vec![0; replicas] } else { Vec::new() },
            silent: vec![false; if moving { replicas } else { 0 }],
            unready: vec![false; replicas],
            health: vec![(true, Time(0)); replicas],
            answers: vec![None; nodes],
            changes: vec![VecDeque::new(); nodes],
            dark: vec![0; nodes],
        }
    }
}

/// What one replica of a caller knows of a callee at first, where that may change.
pub(super) fn book(plan: &Plan, seed: u64, link: &Link, caller: u32) -> Option<Box<Book>> {
    let (from, to) = (plan.node(link.from), plan.node(link.to));
    let lineage = Lineage::root(from.hash ^ to.hash.rotate_left(1), u64::from(caller));
    let part = |of: Span, what: &str| {
        let phase = Draw::new(seed, lineage, Purpose::Probe, name_hash(what)).unit();
        Span((of.0 as f64 * phase) as u64)
    };
    link.book.then(|| {
        let phase = plan.discovery.outliers.map(|spec| part(spec.interval, "outliers"));
        let mut book = Book::new(to.replicas, phase);
        // Callers did not all look the name up at time zero.
        book.keep(Time(0) + part(plan.discovery.ttl, "dns"));
        Box::new(book)
    })
}

impl<P: Probe> Machine<'_, P> {
    /// The replicas of a node that take requests, or their addresses, have changed: its callers hear of it as discovery has it.
    pub(super) fn publish_endpoints(&mut self, node: NodeId) {
        let addresses = self.addresses(node);
        let discovery = &self.plan.discovery;
        if discovery.kind == Kind::Static {
            return self.tell_callers(node, &addresses);
        }
        // What is so from the beginning everybody knows.
        let begins = self.now == Time(0);
        let due = if begins { self.now } else { self.now + discovery.propagation };
        self.names.changes[node.index()].push_back((due, addresses));
        if due == self.now {
            self.spread(node);
        } else {
            self.agenda.push(due, Phase::Recovery, Rare::Change(node.0).event());
        }
    }

    /// Where the replicas of a node are that would be published now. A list that never changes names the first addresses.
    fn addresses(&self, node: NodeId) -> Vec<Address> {
        let plan = self.plan.node(node);
        let fixed = self.plan.discovery.kind == Kind::Static;
        let address = |replica: u32| {
            let at = (plan.first_replica + replica) as usize;
            let moves = if fixed { 0 } else { self.names.moves.get(at).copied().unwrap_or(0) };
            (!self.names.unready[at]).then_some(Address { replica, moves })
        };
        match &self.endpoints[node.index()] {
            Some(set) => set.iter().copied().filter_map(address).collect(),
            None => (0..plan.replicas).filter_map(address).collect(),
        }
    }

    /// Changes of a node that can be seen by now are seen, unless discovery is out.
    pub(super) fn spread(&mut self, node: NodeId) {
        let at = node.index();
        let mut newest = None;
        while self.names.dark[at] == 0 && self.names.changes[at].front().is_some_and(|(due, _)| *due <= self.now) {
            newest = self.names.changes[at].pop_front().map(|(_, addresses)| addresses);
        }
        let Some(addresses) = newest else { return };
        if self.plan.discovery.kind != Kind::Dns || self.now == Time(0) {
            self.tell_callers(node, &addresses);
        }
        self.names.answers[at] = Some(addresses);
    }

    /// All callers of a node hear where its replicas are.
    fn tell_callers(&mut self, node: NodeId, addresses: &[Address]) {
        let plan = self.plan;
        for (link, base) in plan.links.iter().zip(&self.memory_base).filter(|(link, _)| link.to == node) {
            let callers = plan.node(link.from).replicas;
            for memory in &mut self.memories[*base as usize..(base + callers) as usize] {
                memory.view = Some(match &mut memory.book {
                    Some(book) => {
                        book.learn(addresses);
                        book.view()
                    }
                    None => addresses.iter().map(|address| address.replica).collect(),
                });
            }
        }
    }

    /// A caller looks up who it may pick; says whether it knows at all.
    #[inline(never)]
    pub(super) fn consult(&mut self, callee: NodeId, memory: usize) -> bool {
        let (now, discovery) = (self.now, &self.plan.discovery);
        let memory = &mut self.memories[memory];
        let Some(book) = &mut memory.book else { return true };
        let mut changed = false;
        if discovery.kind == Kind::Dns && book.is_over(now) {
            if self.names.dark[callee.index()] > 0 {
                return false;
            }
            if let Some(addresses) = &self.names.answers[callee.index()] {
                book.learn(addresses);
                changed = true;
            }
            book.keep(now + discovery.ttl);
        }
        if let Some(spec) = &discovery.outliers {
            changed |= book.readmit(spec, now);
        }
        if changed {
            memory.view = Some(book.view());
        }
        true
    }

    /// Whether a caller's try, or handshake, goes to an address that its replica has left.
    #[inline]
    pub(super) fn is_outdated(&self, at: u32, link: LinkId) -> bool {
        let frame = &self.frames[at];
        let Some(moves) = self.names.moves.get(frame.replica as usize) else { return false };
        let book = self.memories[self.memory(link, frame.caller)].book.as_ref();
        book.map_or(0, |book| book.moves(frame.replica - self.plan.link(link).first)) != *moves
    }

    /// A try has ended: its caller may leave the replica out from now on.
    pub(super) fn judge(&mut self, at: u32, outcome: Outcome) {
        let Some(spec) = &self.plan.discovery.outliers else { return };
        let frame = &self.frames[at];
        let (link, edge) = (self.plan.calls[frame.call as usize].link, self.plan.calls[frame.call as usize].edge);
        let measured = frame.measured;
        let alone = frame.loan.is_wanting();
        if alone || self.is_wired(at) && self.holds.get(at as usize).is_some_and(|hold| hold.stage == Stage::Waiting) {
            // It waited for a connection of its own pool: no replica had a part in that.
            return;
        }
        let replica = self.callee_of(at) - self.plan.link(link).first;
        let memory = self.memory(link, frame.caller);
        let memory = &mut self.memories[memory];
        if let Some(book) = &mut memory.book
            && book.judge(spec, replica, outcome, self.now)
        {
            memory.view = Some(book.view());
            self.tell(Fact::LeftOut { edge, measured });
        }
    }

    /// A caller's replica that died knows what it is told when it is back, and nothing of its own.
    #[cold]
    pub(super) fn forget_books(&mut self, replica: u32) {
        let (plan, node) = (self.plan, self.replicas[replica as usize].node);
        for (link, base) in plan.links.iter().zip(&self.memory_base).filter(|(link, _)| link.from == node && link.book)
        {
            let caller = replica - link.first_caller;
            let memory = &mut self.memories[(base + caller) as usize];
            let mut book = book(plan, self.seed, link, caller);
            if let Some(book) = &mut book {
                book.keep(self.now);
                self.names.answers[link.to.index()].iter().for_each(|addresses| book.learn(addresses));
            }
            memory.view = book.as_ref().map(|book| book.view());
            memory.book = book;
        }
    }

    /// An outage of discovery begins or ends for the nodes of some replicas.
    pub(super) fn darken(&mut self, replicas: &[u32], on: bool) {
        for node in self.nodes_of(replicas) {
            let dark = &mut self.names.dark[node.index()];
            *dark = if on { *dark + 1 } else { *dark - 1 };
            self.spread(node);
        }
    }

    /// The nodes of some replicas, each once.
    pub(super) fn nodes_of(&self, replicas: &[u32]) -> Vec<NodeId> {
        let mut nodes: Vec<NodeId> = replicas.iter().map(|replica| self.replicas[*replica as usize].node).collect();
        nodes.dedup();
        nodes
    }
}

//! Who stood in whose way at a moment: from somebody who waits to whoever holds what it waits for, and so on, down to the node
//! whose own work, fault or line began it. Where several hold it, it is asked what most of them were at.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::clue::{Clue, Start};
use crate::experiment::trace::blame::{self, Spell};
use crate::machine::{At, Seen, Sight};
use crate::model::fault::Fault;
use crate::model::plan::Call;
use crate::model::queue::Crew;
use crate::model::{CallId, EdgeId, Fact, LenderId, NodeId, Outcome, Plan, Probe};
use crate::units::{Span, Time};

/// What somebody waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wanted {
    /// A worker of `node`.
    Worker,
    /// A place in the line of `node`, which was full.
    Room,
    /// One of the connections of `node` to the database `to`.
    DatabaseConnection,
    /// One of the connections of `node` to `to`.
    Connection,
    /// A lock of the database `node`.
    Lock,
    /// The turn among the branches of a request at `node`.
    Turn,
    /// A consumer of `node`, for a message that `to` had.
    Consumer,
    /// An answer that `node` awaited from `to`.
    Answer,
    /// Leave of a policy that `node` has for its calls to `to`.
    Leave,
}

/// One step of the way to what began it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Link {
    /// What was waited for.
    pub wanted: Wanted,
    /// Whose it is, or who waited for it.
    pub node: String,
    /// The other end, where there is one.
    pub to: Option<String>,
    /// Those who waited for it: one request, or those who held what was waited for before.
    pub waited: u64,
    /// Of how many who held that.
    pub of: u64,
    /// Of a policy: the word with which it refused.
    pub word: Option<String>,
    /// Since when it refused, s from the start of the measured time.
    pub since_s: Option<f64>,
    /// Of a circuit breaker: the failures that it had seen.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub saw: Option<Saw>,
}

/// Failures of a callee, each within ten seconds of the one before, the last of them not long before it was refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Saw {
    /// How many calls failed, those of all replicas of the caller.
    pub calls: u64,
    /// How most of them failed.
    pub word: String,
    /// The first of them, s from the start of the measured time.
    pub from_s: f64,
    /// The last of them.
    pub until_s: f64,
    /// Faults that were on at the callee, or on the way there, in that time.
    pub faults: Vec<Blamed>,
}

/// What began it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Began {
    /// The node's own work.
    Work,
    /// Time that passes there without CPU.
    Wait,
    /// Messages on their way to `to` and back.
    Network,
    /// Handshakes with the node that were lost and are sent again later.
    Handshake,
    /// A wait before the next try, or for room in a bulkhead.
    Between,
    /// A broker that had not said yet that a message is safe.
    Broker,
    /// A failure of its own.
    Failure,
    /// A policy of the caller's.
    Policy,
    /// What nobody was seen to hold.
    Unknown,
}

/// A fault that was on there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Blamed {
    /// Its name.
    pub name: String,
    /// Its kind, as in the file.
    pub kind: String,
    /// Since when it was on, s from the start of the measured time.
    pub since_s: f64,
    /// Until when, where it is over by then.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub until_s: Option<f64>,
}

/// The end of the way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Root {
    /// What it is.
    pub began: Began,
    /// Where.
    pub node: String,
    /// The other end, where it is between two.
    pub to: Option<String>,
    /// Those who were at it, of those who held what was waited for.
    pub at_it: u64,
    /// Of how many.
    pub of: u64,
    /// How it failed, if it did.
    pub word: Option<String>,
    /// Faults that were on there then.
    pub faults: Vec<Blamed>,
    /// In line for a worker there.
    pub in_line: u64,
    /// Since when that line had not been empty, s from the start of the measured time.
    pub line_since_s: Option<f64>,
}

/// Hears since when what is as it is.
#[derive(Debug)]
pub(super) struct Watcher {
    spells: Vec<Spell>,
    /// By node: how many are in line, and since when somebody is.
    lines: Vec<(u64, Time)>,
    /// Edges whose calls are refused by their callers' policies: since when, and the last time.
    refusing: BTreeMap<EdgeId, (Time, Time)>,
    /// Edges whose calls failed.
    failing: BTreeMap<EdgeId, Ills>,
    /// Edges from a node with one replica: who gets through to the callee shows that nothing refuses.
    alone: BTreeSet<EdgeId>,
}

/// Calls over an edge that failed.
#[derive(Debug)]
struct Ills {
    from: Time,
    until: Time,
    by: BTreeMap<Outcome, u64>,
}

/// What lies further apart than this has nothing to do with each other.
const APART: Span = Span(10_000_000_000);

/// A handshake that was lost longer ago than this has been sent again: so Linux's last but one try.
const RETRIED: Span = Span(64_000_000_000);

impl Watcher {
    pub(super) fn of(plan: &Plan) -> Self {
        let single = |call: &&Call| {
            let caller = plan.link(call.link).first_caller;
            plan.nodes.iter().any(|node| node.first_replica == caller && node.replicas == 1)
        };
        Self {
            spells: Vec::new(),
            lines: vec![(0, Time(0)); plan.nodes.len()],
            refusing: BTreeMap::new(),
            failing: BTreeMap::new(),
            alone: plan.calls.iter().filter(single).map(|call| call.edge).collect(),
        }
    }

    /// A policy refuses a call.
    fn refused(&mut self, edge: EdgeId, now: Time) {
        let spell = self.refusing.entry(edge).or_insert((now, now));
        if now.since(spell.1) > APART {
            spell.0 = now;
        }
        spell.1 = now;
    }

    /// A call has ended.
    fn settled(&mut self, edge: EdgeId, outcome: Outcome, now: Time) {
        match outcome {
            Outcome::Succeeded => {
                if self.alone.contains(&edge) {
                    self.refusing.remove(&edge);
                }
            }
            // What the caller refused itself says nothing of the callee.
            Outcome::CircuitOpen | Outcome::BulkheadFull | Outcome::RateLimited | Outcome::Abandoned => {}
            bad => {
                let ills =
                    self.failing.entry(edge).or_insert_with(|| Ills { from: now, until: now, by: BTreeMap::new() });
                if now.since(ills.until) > APART {
                    (ills.from, ills.by) = (now, BTreeMap::new());
                }
                ills.until = now;
                *ills.by.entry(bad).or_default() += 1;
            }
        }
    }
}

impl Probe for Watcher {
    fn on(&mut self, now: Time, fact: Fact) {
        match fact {
            Fact::Struck { fault, on } => blame::strike(&mut self.spells, fault, on, now),
            Fact::Queued { node } => {
                let line = &mut self.lines[node.index()];
                if line.0 == 0 {
                    line.1 = now;
                }
                line.0 += 1;
            }
            Fact::Dequeued { node } => self.lines[node.index()].0 = self.lines[node.index()].0.saturating_sub(1),
            Fact::Limited { edge, .. } => self.refused(edge, now),
            Fact::Settled { edge, outcome, .. } => self.settled(edge, outcome, now),
            _ => {}
        }
    }
}

/// A moment at which somebody looks.
pub(super) struct Scene<'s> {
    plan: &'s Plan,
    sight: &'s Sight,
    watcher: &'s Watcher,
    kinds: &'s BTreeMap<String, String>,
    now: Time,
    /// By who is waited for: who waits.
    called: BTreeMap<u32, Vec<u32>>,
}

/// What most of several are at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Doing {
    /// Something of their own.
    Own(At),
    /// Waiting for an answer of a node, whose frame for it is there.
    Asking(NodeId),
    /// Waiting for an answer on its way to or from a node.
    Way(NodeId),
    /// A try of theirs waits for a connection to a node.
    Connecting(NodeId),
    /// The handshake of a connection to a node was lost.
    Dialling(NodeId),
    /// A try of theirs waits for a database connection.
    Borrowing(LenderId),
    /// No try is out.
    Between(NodeId),
}

/// So long may a chain be.
const LONG: usize = 12;

impl<'s> Scene<'s> {
    pub(super) fn of(
        plan: &'s Plan,
        sight: &'s Sight,
        watcher: &'s Watcher,
        kinds: &'s BTreeMap<String, String>,
        now: Time,
    ) -> Self {
        let mut called: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for (at, seen) in &sight.all {
            if let Some(caller) = seen.waits {
                called.entry(caller).or_default().push(*at);
            }
        }
        Self { plan, sight, watcher, kinds, now, called }
    }

    /// From what is known of a request to what began it.
    pub(super) fn chain(&self, clue: &Clue) -> (Vec<Link>, Root) {
        let mut links = Vec::new();
        let root = match clue.start {
            Start::Frame(frame) => self.descend(vec![frame], &mut links),
            Start::Full(node, replica) => {
                links.push(link(Wanted::Room, self.name(node), None, (1, 1)));
                let replica = self.plan.node(node).first_replica + replica;
                self.descend(self.holders(replica), &mut links)
            }
            Start::Letter(broker, endpoint) => {
                self.letter(broker, endpoint.map(|id| self.plan.endpoint(id).node), &mut links)
            }
            Start::Policy(call, word) => self.refused(call, word, &mut links),
            Start::Failed(node, call, word) => {
                let node = call.map_or(node, |call| self.ends(call).1);
                let over = call.map(|call| self.plan.call(call).link.0);
                let root = self.root(Began::Failure, (node, over), (1, 1));
                Root { word: Some(word.word().into()), ..root }
            }
        };
        (links, root)
    }

    /// What a policy of the caller's refused for: a breaker for the failures it had seen, a bulkhead for the calls under way.
    fn refused(&self, call: CallId, word: Outcome, links: &mut Vec<Link>) -> Root {
        let ((from, to), edge) = (self.ends(call), self.plan.call(call).edge);
        let since_s = self.watcher.refusing.get(&edge).map(|spell| self.seconds(spell.0));
        let saw = (word == Outcome::CircuitOpen).then(|| self.saw(call)).flatten();
        let told = link(Wanted::Leave, self.name(from), Some(self.name(to)), (1, 1));
        links.push(Link { word: Some(word.word().into()), since_s, saw, ..told });
        let under_way = |(_, seen): &(&u32, &Seen)| {
            let over = seen.call.is_some_and(|own| self.plan.call(own).edge == edge);
            over && seen.waits.is_some() && !matches!(seen.at, At::Between | At::Calls | At::Handshake)
        };
        let group: Vec<u32> = self.sight.all.iter().filter(under_way).map(|(at, _)| *at).collect();
        if word == Outcome::BulkheadFull && !group.is_empty() {
            return self.descend(group, links);
        }
        self.root(Began::Policy, (to, Some(self.plan.call(call).link.0)), (1, 1))
    }

    /// The failures of a callee that a breaker had seen.
    fn saw(&self, call: CallId) -> Option<Saw> {
        let ills = self.watcher.failing.get(&self.plan.call(call).edge)?;
        let (word, _) = ills.by.iter().max_by_key(|(word, calls)| (**calls, std::cmp::Reverse(**word)))?;
        Some(Saw {
            calls: ills.by.values().sum(),
            word: word.word().into(),
            from_s: self.seconds(ills.from),
            until_s: self.seconds(ills.until),
            faults: self.blamed((self.ends(call).1, Some(self.plan.call(call).link.0)), (ills.from, ills.until)),
        })
    }

    /// Consumers of a broker that have a message in hand, from it or from another queue that they take from as well; of one node, or one
    /// replica, where that is known.
    fn consumers(&self, broker: NodeId, at: impl Fn(&Seen) -> bool) -> Vec<u32> {
        let theirs =
            |seen: &Seen| seen.broker.is_some_and(|other| other == broker || self.share(seen.node, other, broker));
        let takes = |seen: &Seen| theirs(seen) && seen.at != At::Line && at(seen);
        self.sight.all.iter().filter(|(_, seen)| takes(seen)).map(|(at, _)| *at).collect()
    }

    /// Whether the same workers of a node take from both queues.
    fn share(&self, node: NodeId, one: NodeId, other: NodeId) -> bool {
        let takes = |crew: &Crew, from: NodeId| crew.duties.iter().any(|duty| self.plan.queue(duty.queue).node == from);
        self.plan.crews.iter().any(|crew| crew.node == node && takes(crew, one) && takes(crew, other))
    }

    /// What a message lay for: the consumers of its broker, and what these were at.
    fn letter(&self, broker: NodeId, to: Option<NodeId>, links: &mut Vec<Link>) -> Root {
        let busy = self.consumers(broker, |seen| to.is_none_or(|to| seen.node == to));
        let consumer = to.or_else(|| busy.first().map(|at| self.sight.all[at].node));
        let Some(consumer) = consumer else { return self.root(Began::Broker, (broker, None), (1, 1)) };
        links.push(link(Wanted::Consumer, self.name(consumer), Some(self.name(broker)), (1, 1)));
        let troubled = |node: NodeId| !self.faults(node, None).is_empty();
        match busy.is_empty() {
            true if troubled(consumer) => self.root(Began::Unknown, (consumer, None), (0, 0)),
            true => self.root(Began::Broker, (broker, None), (0, 0)),
            false => self.descend(busy, links),
        }
    }

    /// From those who hold what was waited for to what began it.
    fn descend(&self, mut group: Vec<u32>, links: &mut Vec<Link>) -> Root {
        let mut seen: BTreeSet<(NodeId, Doing)> = BTreeSet::new();
        loop {
            let Some((node, doing, those)) = self.most(&group) else {
                let node = links.last().map_or_else(NodeId::default, |last| self.plan_node(held_at(last)));
                return self.root(Began::Unknown, (node, None), (0, group.len()));
            };
            let share = (those.len(), group.len());
            if links.len() >= LONG || !seen.insert((node, doing)) {
                return self.root(Began::Unknown, (node, None), share);
            }
            let push = |links: &mut Vec<Link>, wanted, to: Option<NodeId>| {
                links.push(link(wanted, self.name(node), to.map(|to| self.name(to)), share));
            };
            group = match doing {
                Doing::Own(At::Line) if self.sight.all[&those[0]].broker.is_some() => {
                    let (broker, replica) = (self.sight.all[&those[0]].broker, self.sight.all[&those[0]].replica);
                    push(links, Wanted::Consumer, broker);
                    broker.map_or_else(Vec::new, |broker| self.consumers(broker, |seen| seen.replica == replica))
                }
                Doing::Own(At::Line) => {
                    push(links, Wanted::Worker, None);
                    self.holders(self.sight.all[&those[0]].replica)
                }
                Doing::Own(At::Lock) => {
                    push(links, Wanted::Lock, None);
                    self.sight.locks.get(&those[0]).cloned().unwrap_or_default()
                }
                Doing::Own(At::Pool(lender)) | Doing::Borrowing(lender) => {
                    push(links, Wanted::DatabaseConnection, Some(self.plan.lenders[lender.index()].database));
                    self.borrowers(lender, self.sight.all[&those[0]].replica)
                }
                Doing::Connecting(to) | Doing::Dialling(to) => {
                    // A try that waits for a connection stands nowhere: it is its caller's.
                    let call = those.iter().find_map(|at| self.sight.all[&self.leaf(*at)].call);
                    let from = call.map_or(node, |call| self.ends(call).0);
                    links.push(link(Wanted::Connection, self.name(from), Some(self.name(to)), share));
                    if let Doing::Dialling(_) = doing {
                        let over = call.map(|call| self.plan.call(call).link.0);
                        let lost = (Time(self.now.0.saturating_sub(RETRIED.0)), self.now);
                        let root = self.root(Began::Handshake, (to, over), share);
                        return Root { faults: self.blamed((to, over), lost), ..root };
                    }
                    self.connected(&those, to)
                }
                Doing::Asking(to) => {
                    push(links, Wanted::Answer, Some(to));
                    those.iter().filter_map(|at| self.asked(*at)).collect()
                }
                Doing::Way(to) => {
                    let over = those.iter().find_map(|at| self.sight.all[&self.leaf(*at)].call);
                    let root = self.root(Began::Network, (to, over.map(|call| self.plan.call(call).link.0)), share);
                    // A try on its way stands nowhere: it is its caller's.
                    let from = over.map_or(node, |call| self.ends(call).0);
                    return Root { node: self.name(from), to: Some(self.name(to)), ..root };
                }
                Doing::Between(to) => {
                    let root = self.root(Began::Between, (to, None), share);
                    return Root { node: self.name(node), to: Some(self.name(to)), ..root };
                }
                Doing::Own(At::Broker(broker)) => return self.root(Began::Broker, (broker, None), share),
                Doing::Own(At::Wait) => return self.root(Began::Wait, (node, None), share),
                Doing::Own(_) => return self.root(Began::Work, (node, None), share),
            };
        }
    }

    /// What most of a group are at, where that is, and who they are. Of equally many, the first in order.
    fn most(&self, group: &[u32]) -> Option<(NodeId, Doing, Vec<u32>)> {
        let mut by: BTreeMap<(NodeId, Doing), Vec<u32>> = BTreeMap::new();
        for at in group.iter().filter(|at| self.sight.all.contains_key(at)) {
            by.entry((self.sight.all[at].node, self.doing(*at))).or_default().push(*at);
        }
        let most = by.values().map(Vec::len).max()?;
        by.into_iter().find(|(_, those)| those.len() == most).map(|((node, doing), those)| (node, doing, those))
    }

    /// What a frame is at, seen from where it stands.
    fn doing(&self, at: u32) -> Doing {
        let leaf = self.leaf(at);
        let (own, seen) = (&self.sight.all[&at], &self.sight.all[&leaf]);
        let callee = || seen.call.map_or(seen.node, |call| self.ends(call).1);
        let stands = leaf == at;
        match seen.at {
            At::Way => Doing::Way(callee()),
            At::Connection => Doing::Connecting(callee()),
            At::Handshake => Doing::Dialling(callee()),
            At::Pool(lender) if !stands => Doing::Borrowing(lender),
            At::Between => Doing::Between(callee()),
            _ if stands || seen.node == own.node && seen.call.is_none() => Doing::Own(seen.at),
            _ => Doing::Asking(seen.node),
        }
    }

    /// The frame that a frame's own waiting ends at: past branches and whatever stands around tries, down to one callee.
    fn leaf(&self, at: u32) -> u32 {
        let mut leaf = at;
        // A call under rules, its try, a branch between: no more stand between a frame and its callee's.
        for _ in 0..LONG {
            if self.sight.all[&leaf].at != At::Calls {
                return leaf;
            }
            let Some(next) =
                self.called.get(&leaf).and_then(|all| all.iter().max_by_key(|at| self.sight.all[*at].at == At::Calls))
            else {
                return leaf;
            };
            leaf = *next;
            let seen = &self.sight.all[&leaf];
            if seen.inside && seen.call.is_some() {
                return leaf;
            }
        }
        leaf
    }

    /// The frame at the callee that a frame waits for.
    fn asked(&self, at: u32) -> Option<u32> {
        let leaf = self.leaf(at);
        (leaf != at).then_some(leaf)
    }

    /// Who has the workers of a replica.
    fn holders(&self, replica: u32) -> Vec<u32> {
        let here = |seen: &Seen| {
            let worker = seen.inside && seen.broker.is_none() && seen.replica == replica && seen.call.is_some();
            worker && seen.at != At::Line
        };
        let inside: Vec<u32> = self.sight.all.iter().filter(|(_, seen)| here(seen)).map(|(at, _)| *at).collect();
        let (busy, _) = self.sight.workers[replica as usize];
        if inside.len() as u64 <= u64::from(busy) {
            return inside;
        }
        // Some gave theirs up while they wait.
        let works = |at: &u32| matches!(self.sight.all[at].at, At::Work | At::Lock);
        inside.into_iter().filter(works).collect()
    }

    /// Who has the connections of a replica's pool.
    fn borrowers(&self, lender: LenderId, replica: u32) -> Vec<u32> {
        // Of a pooler's connections anybody may have one, beside one of its own.
        let all = &self.plan.lenders;
        let shared = |own: LenderId| own == lender || all[own.index()].behind == lender.0;
        let has = |seen: &Seen| match seen.loan {
            Some((own, _)) if all[lender.index()].shared => shared(own),
            // Who has one of the pooler's in a transaction has one of its own, too.
            Some((own, of)) => of == replica && (own == lender || all[lender.index()].behind == own.0),
            None => false,
        };
        self.sight.all.iter().filter(|(_, seen)| has(seen)).map(|(at, _)| *at).collect()
    }

    /// Who is on the connections of these frames' replica to a callee.
    fn connected(&self, those: &[u32], to: NodeId) -> Vec<u32> {
        let caller =
            |at: &u32| self.sight.all[at].waits.and_then(|caller| self.sight.all.get(&caller)).map(|c| c.replica);
        let own = those.first().and_then(|at| caller(&self.leaf(*at)));
        let on = |(at, seen): &(&u32, &Seen)| {
            seen.call.is_some_and(|call| self.ends(call).1 == to)
                && !matches!(seen.at, At::Connection | At::Handshake)
                && caller(at) == own
        };
        self.sight.all.iter().filter(on).map(|(at, _)| *at).collect()
    }

    fn root(&self, began: Began, (node, over): (NodeId, Option<u32>), (at_it, of): (usize, usize)) -> Root {
        let in_line = u64::from(self.sight.lines[node.index()]);
        Root {
            began,
            node: self.name(node),
            to: None,
            at_it: at_it as u64,
            of: of as u64,
            word: None,
            faults: self.faults(node, over),
            in_line,
            line_since_s: (in_line > 0).then(|| self.seconds(self.watcher.lines[node.index()].1)),
        }
    }

    /// Faults that are on at a node, or on the way there.
    fn faults(&self, node: NodeId, over: Option<u32>) -> Vec<Blamed> {
        self.blamed((node, over), (self.now, self.now))
    }

    /// Faults that were on at a node, or on the way there, at some time between two moments.
    fn blamed(&self, (node, over): (NodeId, Option<u32>), time: (Time, Time)) -> Vec<Blamed> {
        let node = self.plan.node(node);
        let own = node.first_replica..node.first_replica + node.replicas;
        let hits = |fault: &Fault| {
            fault.replicas.iter().any(|replica| own.contains(replica))
                || over.is_some_and(|link| fault.links.contains(&link))
        };
        let mut all: Vec<Blamed> = Vec::new();
        for spell in self.watcher.spells.iter().filter(|spell| spell.overlaps(time)) {
            let fault = &self.plan.faults[spell.fault.index()];
            if hits(fault) && !all.iter().any(|blamed| blamed.name == fault.name) {
                let kind = self.kinds.get(&fault.name).cloned().unwrap_or_default();
                let until_s = (spell.until <= self.now).then(|| self.seconds(spell.until));
                all.push(Blamed { name: fault.name.clone(), kind, since_s: self.seconds(spell.from), until_s });
            }
        }
        all
    }

    fn ends(&self, call: CallId) -> (NodeId, NodeId) {
        let call = self.plan.call(call);
        let link = self.plan.link(call.link);
        let caller = self.plan.nodes.iter().position(|n| n.first_replica == link.first_caller && n.replicas > 0);
        (NodeId(caller.unwrap_or(0) as u32), self.plan.endpoint(call.endpoint).node)
    }

    fn plan_node(&self, name: &str) -> NodeId {
        NodeId(self.plan.nodes.iter().position(|node| node.name == name).unwrap_or(0) as u32)
    }

    fn name(&self, node: NodeId) -> String {
        self.plan.node(node).name.clone()
    }

    fn seconds(&self, at: Time) -> f64 {
        (at.0 as f64 - self.plan.warmup.0 as f64) / 1e9
    }
}

/// Where what was waited for is, whoever holds it.
fn held_at(link: &Link) -> &str {
    match (link.wanted, &link.to) {
        (Wanted::Connection | Wanted::DatabaseConnection | Wanted::Answer, Some(to)) => to,
        _ => &link.node,
    }
}

fn link(wanted: Wanted, node: String, to: Option<String>, (waited, of): (usize, usize)) -> Link {
    Link { wanted, node, to, waited: waited as u64, of: of as u64, word: None, since_s: None, saw: None }
}

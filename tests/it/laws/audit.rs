//! A listener that believes nothing: it keeps its own count of everything and compares after every instant.

use hoptax::model::id::NONE;
use hoptax::model::{Fact, Op, Outcome, Plan, Probe};
use hoptax::units::Time;

/// What one node was seen to do.
#[derive(Clone, Debug, Default)]
struct Seen {
    here: u64,
    queue: u64,
    busy: u64,
    working: u64,
    /// Handshakes whose cryptography is under way.
    shaking: u64,
    cores: u64,
    full: u64,
    reached: u64,
    replied: u64,
    refused: u64,
    unjoined: u64,
    abandoned: u64,
    /// Requests × nanoseconds at the node, and the sum of the sojourns that the node told.
    stay: u128,
    sojourns: u128,
    /// The same in line.
    line: u128,
    waits: u128,
}

/// What one edge was seen to do.
#[derive(Clone, Debug, Default)]
struct Talk {
    called: u64,
    settled: u64,
    given_up: u64,
    late: u64,
}

/// Counts of everything.
#[derive(Debug)]
pub(super) struct Audit<'p> {
    plan: &'p Plan,
    now: Time,
    nodes: Vec<Seen>,
    edges: Vec<Talk>,
    /// By node: whether its requests take several workers one after the other, or several at once.
    comes_back: Vec<bool>,
    forks: Vec<bool>,
    pub(super) offered: u64,
    pub(super) answered: u64,
    pub(super) late: u64,
    pub(super) wasted: u64,
    pub(super) strikes: u64,
}

/// The operations that an endpoint's node runs.
fn programs(plan: &Plan, node: usize) -> impl Iterator<Item = Op> {
    let entries = plan.endpoints.iter().map(|e| (e.node.index(), e.entry.index()));
    let entries = entries.chain(plan.clients.iter().map(|c| (c.node.index(), c.entry.index())));
    let mut entries: Vec<(usize, usize)> = entries.collect();
    entries.sort_by_key(|e| e.1);
    let ends: Vec<usize> = entries.iter().skip(1).map(|e| e.1).chain([plan.ops.len()]).collect();
    let own = entries.into_iter().zip(ends).filter(move |(entry, _)| entry.0 == node);
    own.flat_map(|(entry, end)| plan.ops[entry.1..end].to_vec()).collect::<Vec<_>>().into_iter()
}

impl<'p> Audit<'p> {
    pub(super) fn new(plan: &'p Plan) -> Self {
        let comes_back = |n| programs(plan, n).any(|op| matches!(op, Op::Resume | Op::Turn));
        let forks = |n| programs(plan, n).any(|op| matches!(op, Op::Fork { .. }));
        Self {
            plan,
            now: Time(0),
            nodes: vec![Seen::default(); plan.nodes.len()],
            edges: vec![Talk::default(); plan.edges.len()],
            comes_back: (0..plan.nodes.len()).map(comes_back).collect(),
            forks: (0..plan.nodes.len()).map(forks).collect(),
            offered: 0,
            answered: 0,
            late: 0,
            wasted: 0,
            strikes: 0,
        }
    }

    pub(super) fn refused(&self) -> u64 {
        self.nodes.iter().map(|n| n.refused).sum()
    }

    pub(super) fn abandoned(&self) -> u64 {
        self.nodes.iter().map(|n| n.abandoned).sum()
    }

    /// An instant is over: levels must fit, and hold until `now`.
    fn pass(&mut self, now: Time) {
        assert!(now > self.now, "the clock runs back from {:?} to {now:?}", self.now);
        let elapsed = u128::from(now.0 - self.now.0);
        self.now = now;
        for (at, node) in self.plan.nodes.iter().enumerate() {
            let seen = &mut self.nodes[at];
            seen.stay += elapsed * u128::from(seen.here);
            seen.line += elapsed * u128::from(seen.queue);
            let name = &node.name;
            // Clients encode and decode without workers.
            let outside = self.plan.clients.iter().any(|c| c.node.index() == at);
            assert!(outside || seen.working <= seen.busy, "{name}: {seen:?} works without a worker");
            let (replicas, limit) = (u64::from(node.replicas), u64::from(node.queue_limit));
            if node.workers != NONE {
                let workers = u64::from(node.workers);
                assert!(seen.busy <= workers * replicas, "{name}: {seen:?} of {workers} workers");
                let idle = if replicas == 1 { seen.busy < workers } else { seen.busy == 0 };
                assert!(seen.queue == 0 || !idle, "{name}: {seen:?}, somebody waits while a worker is free");
                if node.queue_limit != NONE && replicas == 1 {
                    let full = seen.busy >= workers && seen.queue >= limit;
                    assert_eq!(seen.full, u64::from(full), "{name}: {seen:?}, the limit is {limit}");
                }
            }
            if node.queue_limit != NONE && !node.preemptive && !self.comes_back[at] {
                assert!(seen.queue <= limit * replicas, "{name}: {seen:?}, the limit is {limit}");
            }
            if let Some(cores) = node.cores {
                let cores = (cores * 1e3).round() as u64;
                let wanted = (seen.working + seen.shaking) * 1_000;
                assert!(seen.cores <= cores * replicas && seen.cores <= wanted, "{name}: {seen:?}");
                if replicas == 1 {
                    assert_eq!(seen.cores, cores.min(wanted), "{name}: {seen:?}");
                }
            }
        }
    }

    /// The run is over and nothing is left.
    pub(super) fn close(&self) {
        assert_eq!(self.offered, self.answered);
        for ((seen, node), forks) in self.nodes.iter().zip(&self.plan.nodes).zip(&self.forks) {
            let name = &node.name;
            let left = [seen.here, seen.queue, seen.busy, seen.working, seen.cores, seen.full];
            assert_eq!(left, [0; 6], "{name}: {seen:?}");
            assert_eq!(seen.reached, seen.replied, "{name}");
            assert_eq!(seen.refused, seen.unjoined, "{name}");
            assert_eq!(seen.stay, seen.sojourns, "{name}: L = λW, exactly");
            // A branch that outlives its parent's wait stands in line for nobody.
            assert!(if *forks { seen.line >= seen.waits } else { seen.line == seen.waits }, "{name}: {seen:?}");
        }
        for (talk, edge) in self.edges.iter().zip(&self.plan.edges) {
            assert_eq!(talk.called, talk.settled, "{}", self.plan.edge_name(*edge));
            // Who gave up while waiting for a connection had sent nothing; faults lose late answers; under a policy each
            // of several tries may be late.
            let any = self.strikes > 0 || !self.plan.guards.is_empty();
            let (late, loose) = (talk.late, !self.plan.channels.is_empty());
            let all = any || if loose { late <= talk.given_up } else { late == talk.given_up };
            assert!(all, "{}: every answer that was given up comes late: {talk:?}", self.plan.edge_name(*edge));
        }
    }
}

/// One up or down.
fn step(level: &mut u64, up: bool) {
    *level = if up { *level + 1 } else { level.checked_sub(1).expect("a level below zero") };
}

impl Probe for Audit<'_> {
    fn on(&mut self, now: Time, fact: Fact) {
        if now != self.now {
            self.pass(now);
        }
        match fact {
            Fact::Struck { .. } => self.strikes += 1,
            Fact::Offered { .. } => self.offered += 1,
            Fact::Answered { intended, .. } => {
                assert!(intended <= now);
                self.answered += 1;
            }
            Fact::Called { edge, .. } => self.edges[edge.index()].called += 1,
            Fact::Settled { edge, outcome, latency, .. } => {
                assert!(latency.0 <= now.0);
                let talk = &mut self.edges[edge.index()];
                talk.settled += 1;
                talk.given_up += u64::from(matches!(outcome, Outcome::Timeout | Outcome::Canceled));
            }
            Fact::LateReply { edge, .. } => {
                self.edges[edge.index()].late += 1;
                self.late += 1;
            }
            Fact::Wasted { .. } => self.wasted += 1,
            Fact::Reached { node, endpoint } => {
                assert_eq!(self.plan.endpoint(endpoint).node, node);
                let seen = &mut self.nodes[node.index()];
                seen.reached += 1;
                seen.here += 1;
            }
            Fact::Refused { node } => self.nodes[node.index()].refused += 1,
            Fact::Abandoned { node } => self.nodes[node.index()].abandoned += 1,
            Fact::Queued { node } => step(&mut self.nodes[node.index()].queue, true),
            Fact::Dequeued { node } => step(&mut self.nodes[node.index()].queue, false),
            Fact::Full { node, full } => step(&mut self.nodes[node.index()].full, full),
            Fact::Entered { node } => step(&mut self.nodes[node.index()].busy, true),
            Fact::Left { node } => step(&mut self.nodes[node.index()].busy, false),
            Fact::Started { node, cores, worker } => {
                let seen = &mut self.nodes[node.index()];
                step(if worker { &mut seen.working } else { &mut seen.shaking }, true);
                seen.cores += u64::from(cores);
            }
            Fact::Stopped { node, cores, worker } => {
                let seen = &mut self.nodes[node.index()];
                step(if worker { &mut seen.working } else { &mut seen.shaking }, false);
                seen.cores = seen.cores.checked_sub(u64::from(cores)).expect("cores below zero");
            }
            Fact::Replied { node, joined, sojourn, waited, .. } => {
                assert!(waited <= sojourn, "{waited:?} of {sojourn:?} in line");
                let seen = &mut self.nodes[node.index()];
                step(&mut seen.here, false);
                seen.replied += 1;
                seen.unjoined += u64::from(!joined);
                seen.sojourns += u128::from(sojourn.0);
                seen.waits += u128::from(waited.0);
            }
            // Messages, records and flows have laws of their own; the rest tells of nothing that is conserved.
            _ => {}
        }
    }
}

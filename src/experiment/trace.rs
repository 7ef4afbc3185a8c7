//! One request, followed: every call it caused, and on what each instant was spent.

use std::collections::BTreeMap;

use crate::machine::{Machine, replication_seed};
use crate::model::{CallId, Cause, ClientId, Fact, NodeId, Opening, Outcome, Plan, Probe, Trace as Moment};
use crate::scenario::{Checked, lower};
use crate::units::Time;

/// Which request to follow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pick {
    /// The slowest success of the measured time.
    Slowest,
    /// The success at a quantile of latency, such as 0.99.
    Quantile(f64),
    /// The n-th request of the measured time, from 1.
    Nth(u64),
    /// Of the requests that failed the way most of them did, the first.
    Failed,
}

/// A request that was followed, from the moment its client meant to send it. Times are nanoseconds from that moment.
#[derive(Clone, Debug)]
pub struct Trace {
    /// The scenario's name.
    pub scenario: String,
    /// The variant that was run, if any.
    pub variant: Option<String>,
    /// Hash of the scenario's checked form, as in a summary.
    pub hash: String,
    /// The seed.
    pub seed: u64,
    /// The client that sent it.
    pub client: String,
    /// Which of the client's measured requests it is, from 1.
    pub nth: u64,
    /// When it was meant to set out, nanoseconds from the start of the measured time.
    pub began: u64,
    /// How it ended for the client.
    pub outcome: Outcome,
    /// Until the client knew.
    pub latency: u64,
    /// The client's own span first; parents before children, otherwise by beginning.
    pub spans: Vec<Span>,
}

/// What made a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// When it is the client's request.
    Client,
    /// When it is a call, from the caller's point of view: network and connection there and back included.
    Call,
    /// When it is a branch of `parallel`.
    Branch,
}

/// A try or a branch: the time in which somebody waited for it or it worked on for nobody.
#[derive(Clone, Debug)]
pub struct Span {
    /// The span that made it.
    pub parent: Option<usize>,
    /// What made it.
    pub kind: Kind,
    /// The endpoint called (`orders.create`), or the client's name, or `branch`.
    pub name: String,
    /// The node it ran on.
    pub node: String,
    /// Which replica of the node, from 0.
    pub replica: u32,
    /// Its beginning.
    pub from: u64,
    /// Its end.
    pub to: u64,
    /// How it ended.
    pub outcome: Outcome,
    /// From when on nobody waited for it, if so.
    pub abandoned: Option<u64>,
    /// Whether it had no end when the run stopped: its `to` is the last that was heard of it, or of its client.
    pub open: bool,
    /// Its own time, in order, gaps filled by children: on what each stretch was spent.
    pub segments: Vec<Segment>,
}

/// A stretch of a span's own time.
#[derive(Clone, Debug)]
pub struct Segment {
    /// On what.
    pub cause: Cause,
    /// Its beginning.
    pub from: u64,
    /// Its end.
    pub to: u64,
}

/// Follows one request of a scenario. The first replication is run twice: once to find the request, once to follow it, which
/// is the same run by construction.
///
/// The error is a fragment that says why there is no such request.
pub fn trace(checked: &Checked, pick: Pick, client: Option<&str>) -> Result<Trace, String> {
    let plan = lower(checked);
    let seed = replication_seed(plan.seed, 0);
    let at = client_at(&plan, client)?;
    let finder = Finder { client: at, sent: Vec::new(), open: BTreeMap::new() };
    let found = Machine::new(&plan, seed, finder).run(|_| true).probe.choose(pick)?;
    let follower = Follower { client: at, nth: found.0, ..Follower::default() };
    let follower = Machine::new(&plan, seed, follower).run(|_| true).probe;
    Ok(follower.tell(checked, &plan, found.1))
}

fn client_at(plan: &Plan, client: Option<&str>) -> Result<ClientId, String> {
    let names: Vec<&str> = plan.clients.iter().map(|c| plan.node(c.node).name.as_str()).collect();
    let Some(name) = client else {
        return Ok(ClientId(0));
    };
    let at = names.iter().position(|n| *n == name);
    at.map(|at| ClientId(at as u32)).ok_or_else(|| format!("no client `{name}`; there are {}", names.join(", ")))
}

/// A measured request of the client: which of its requests, how long it took, whether it ended well.
#[derive(Clone, Copy, Debug)]
struct Sent {
    nth: u64,
    latency: Option<u64>,
    failed: Option<Outcome>,
}

/// Hears of all measured requests of a client.
struct Finder {
    client: ClientId,
    sent: Vec<Sent>,
    /// Frames of requests under way: where in `sent`, and since when.
    open: BTreeMap<u32, (usize, Time)>,
}

impl Finder {
    /// The request that was asked for: which of the client's requests, and which of the measured ones from 1.
    fn choose(self, pick: Pick) -> Result<(u64, u64), String> {
        let mut good: Vec<(u64, usize)> =
            self.sent.iter().enumerate().filter_map(|(at, s)| Some((s.latency?, at))).collect();
        good.sort_unstable();
        let at = match pick {
            Pick::Slowest => good.last().map(|g| g.1),
            Pick::Quantile(q) => {
                let rank = (q * good.len() as f64).ceil() as usize;
                good.get(rank.clamp(1, good.len().max(1)) - 1).map(|g| g.1)
            }
            Pick::Nth(n) => (n as usize).checked_sub(1).filter(|at| *at < self.sent.len()),
            Pick::Failed => self.failed(),
        };
        let all = self.sent.len();
        let told = || format!("{all} were measured, {} of them ended well, {} failed", good.len(), all - good.len());
        let at = at.ok_or_else(|| format!("no such request; {}", told()))?;
        Ok((self.sent[at].nth, at as u64 + 1))
    }

    /// The first of those that failed as most did.
    fn failed(&self) -> Option<usize> {
        // What never ended is a way to fail of its own.
        let mut ways: BTreeMap<Option<Outcome>, (u64, usize)> = BTreeMap::new();
        for (at, sent) in self.sent.iter().enumerate().filter(|(_, sent)| sent.latency.is_none()) {
            ways.entry(sent.failed).or_insert((0, at)).0 += 1;
        }
        ways.into_values().max_by_key(|(count, first)| (*count, std::cmp::Reverse(*first))).map(|(_, first)| first)
    }
}

impl Probe for Finder {
    const TRACES: bool = true;

    fn on(&mut self, _: Time, _: Fact) {}

    fn trace(&mut self, moment: Moment) {
        match moment {
            Moment::Opened { frame, opening: Opening::Root { client, nth, measured: true }, at }
                if client == self.client =>
            {
                self.open.insert(frame, (self.sent.len(), at));
                self.sent.push(Sent { nth, latency: None, failed: None });
            }
            Moment::Closed { frame, outcome, at, .. } => {
                if let Some((sent, since)) = self.open.remove(&frame) {
                    let good = outcome.is_good();
                    self.sent[sent].latency = good.then(|| at.since(since).0);
                    self.sent[sent].failed = (!good).then_some(outcome);
                }
            }
            _ => {}
        }
    }
}

/// Follows one request and everything it causes.
#[derive(Debug, Default)]
struct Follower {
    client: ClientId,
    nth: u64,
    began: Time,
    /// When anything was heard last.
    last: Time,
    /// Frames of the request under way, by slot: which span.
    open: BTreeMap<u32, usize>,
    spans: Vec<Followed>,
}

/// A span under way, in simulated time.
#[derive(Debug)]
struct Followed {
    parent: Option<usize>,
    call: Option<CallId>,
    from: Time,
    to: Time,
    node: NodeId,
    replica: u32,
    outcome: Outcome,
    abandoned: Option<Time>,
    segments: Vec<(Cause, Time, Time)>,
}

impl Follower {
    fn open(&mut self, frame: u32, parent: Option<usize>, call: Option<CallId>, at: Time) {
        self.open.insert(frame, self.spans.len());
        self.spans.push(Followed {
            parent,
            call,
            from: at,
            to: at,
            node: NodeId::default(),
            replica: 0,
            outcome: Outcome::default(),
            abandoned: None,
            segments: Vec::new(),
        });
    }

    fn opened(&mut self, frame: u32, opening: Opening, at: Time) {
        match opening {
            Opening::Root { client, nth, .. } if client == self.client && nth == self.nth => {
                self.began = at;
                self.open(frame, None, None, at);
            }
            Opening::Root { .. } | Opening::Record { .. } => {}
            Opening::Call { parent, call } => {
                if let Some(parent) = self.open.get(&parent).copied() {
                    self.open(frame, Some(parent), Some(call), at);
                }
            }
            Opening::Branch { parent } => {
                if let Some(parent) = self.open.get(&parent).copied() {
                    self.open(frame, Some(parent), None, at);
                }
            }
        }
    }

    /// What was followed, in nanoseconds from the moment the request was meant to set out.
    fn tell(mut self, checked: &Checked, plan: &Plan, nth: u64) -> Trace {
        let open: Vec<usize> = self.open.values().copied().collect();
        // Parents were opened first, so the client's own span has its end when its callees are asked.
        let until = match self.spans.first() {
            Some(root) if !open.contains(&0) => root.to,
            _ => self.last,
        };
        for at in &open {
            let span = &mut self.spans[*at];
            let heard = span.segments.last().map_or(span.from, |segment| segment.2).max(span.from);
            span.to = heard.max(span.abandoned.unwrap_or(heard)).max(until);
        }
        let node_name = |id: NodeId| plan.node(id).name.clone();
        let client = node_name(plan.clients[self.client.index()].node);
        let since = |at: Time| at.since(self.began).0;
        let span = |(at, s): (usize, &Followed)| Span {
            open: open.contains(&at),
            parent: s.parent,
            kind: match (s.parent, s.call) {
                (None, _) => Kind::Client,
                (_, Some(_)) => Kind::Call,
                (_, None) => Kind::Branch,
            },
            name: match (s.parent, s.call) {
                (None, _) => client.clone(),
                (_, Some(call)) => plan.endpoint(plan.call(call).endpoint).name.clone(),
                (_, None) => "branch".into(),
            },
            node: node_name(s.node),
            replica: s.replica,
            from: since(s.from),
            to: since(s.to),
            outcome: s.outcome,
            abandoned: s.abandoned.map(since),
            segments: s
                .segments
                .iter()
                .map(|(cause, from, to)| Segment { cause: *cause, from: since(*from), to: since(*to) })
                .collect(),
        };
        let spans: Vec<Span> = self.spans.iter().enumerate().map(span).collect();
        Trace {
            scenario: checked.scenario.name.value.clone(),
            variant: checked.variant.clone(),
            hash: checked.hash.clone(),
            seed: plan.seed,
            nth,
            began: self.began.0.saturating_sub(plan.warmup.0),
            outcome: spans.first().map_or(Outcome::default(), |s| s.outcome),
            latency: spans.first().map_or(0, |s| s.to),
            client,
            spans,
        }
    }
}

impl Probe for Follower {
    const ACCOUNTS: bool = true;
    const TRACES: bool = true;

    fn on(&mut self, _: Time, _: Fact) {}

    fn trace(&mut self, moment: Moment) {
        if let Moment::Opened { at, .. } | Moment::Closed { at, .. } = moment {
            self.last = self.last.max(at);
        }
        match moment {
            Moment::Opened { frame, opening, at } => self.opened(frame, opening, at),
            Moment::Segment { frame, cause, from, to, .. } => {
                if let Some(span) = self.open.get(&frame) {
                    self.spans[*span].segments.push((cause, from, to));
                }
            }
            Moment::Abandoned { frame, at } => {
                if let Some(span) = self.open.get(&frame) {
                    self.spans[*span].abandoned = Some(at);
                }
            }
            Moment::Closed { frame, node, replica, outcome, at } => {
                if let Some(span) = self.open.remove(&frame) {
                    let span = &mut self.spans[span];
                    (span.node, span.replica, span.outcome, span.to) = (node, replica, outcome, at);
                }
            }
        }
    }
}

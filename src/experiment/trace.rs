//! One request, followed: every call it caused, and on what each instant was spent.

mod blame;
mod find;

use std::collections::BTreeMap;

use crate::machine::{Machine, replication_seed};
use crate::model::{CallId, Cause, ClientId, Fact, NodeId, Opening, Outcome, Plan, Probe, Trace as Moment};
use crate::scenario::{Checked, lower};
use crate::units::Time;

use blame::Spell;
use find::Finder;

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
    /// Among which requests it was chosen, where there are several clients and none was named.
    pub among: Option<String>,
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
    /// How it ended; where the connection under it was reset, that, whatever became of the work.
    pub outcome: Outcome,
    /// From when on nobody waited for it, if so.
    pub abandoned: Option<u64>,
    /// What it was, if so, for whoever had waited.
    pub gone: Option<Outcome>,
    /// Whether it stands around the tries of a call, which are spans below it.
    pub guard: bool,
    /// What refused it last that is no span: a broker that did not take its message, a pool without a connection.
    pub spurned: Option<Spurned>,
    /// Faults that were on where it went, while somebody waited for it.
    pub faults: Vec<String>,
    /// Whether it had no end when the run stopped: its `to` is the last that was heard of it, or of its client.
    pub open: bool,
    /// Its own time, in order, gaps filled by children: on what each stretch was spent.
    pub segments: Vec<Segment>,
}

/// A refusal that is no span.
#[derive(Clone, Debug)]
pub struct Spurned {
    /// By whom: a broker, a database.
    pub node: String,
    /// How.
    pub outcome: Outcome,
    /// When.
    pub at: u64,
    /// Faults that were on there then.
    pub faults: Vec<String>,
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
    let found = Machine::new(&plan, seed, Finder::of(&plan)).run(|_| true).probe.choose(&plan, pick, client)?;
    let follower = Follower { client: found.client, nth: found.nth, ..Follower::default() };
    let follower = Machine::new(&plan, seed, follower).run(|_| true).probe;
    Ok(Trace { among: found.among, ..follower.tell(checked, &plan, found.measured) })
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
    spells: Vec<Spell>,
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
    abandoned: Option<(Outcome, Time)>,
    spurned: Option<(NodeId, Outcome, Time)>,
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
            spurned: None,
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
        let open = self.close();
        let guards = self.guards();
        let told = |(at, s): (usize, &Followed)| {
            let (open, guard) = (open.contains(&at), guards[at]);
            Span { guard, open, ..self.told(plan, s, guard || open) }
        };
        let spans: Vec<Span> = self.spans.iter().enumerate().map(told).collect();
        Trace {
            scenario: checked.scenario.name.value.clone(),
            variant: checked.variant.clone(),
            hash: checked.hash.clone(),
            seed: plan.seed,
            nth,
            began: self.began.0.saturating_sub(plan.warmup.0),
            outcome: spans.first().map_or(Outcome::default(), |s| s.outcome),
            latency: spans.first().map_or(0, |s| s.to),
            client: plan.node(plan.clients[self.client.index()].node).name.clone(),
            among: None,
            spans,
        }
    }

    /// Spans that have no end get the last moment at which they were heard of; which those are.
    fn close(&mut self) -> Vec<usize> {
        let open: Vec<usize> = self.open.values().copied().collect();
        // Parents were opened first, so the client's own span has its end when its callees are asked.
        let until = match self.spans.first() {
            Some(root) if !open.contains(&0) => root.to,
            _ => self.last,
        };
        for at in &open {
            let span = &mut self.spans[*at];
            let heard = span.segments.last().map_or(span.from, |segment| segment.2).max(span.from);
            span.to = heard.max(span.abandoned.map_or(heard, |gone| gone.1)).max(until);
        }
        open
    }

    /// A span; `above`: what it was blamed for lies above its own tries.
    fn told(&self, plan: &Plan, s: &Followed, above: bool) -> Span {
        let since = |at: Time| at.since(self.began).0;
        let node_name = |id: NodeId| plan.node(id).name.clone();
        let spurned = |(node, outcome, at): (NodeId, Outcome, Time)| Spurned {
            node: node_name(node),
            outcome,
            at: since(at),
            faults: blame::at_node(&self.spells, plan, node, (at, at)),
        };
        let (kind, name) = match (s.parent, s.call) {
            (None, _) => (Kind::Client, node_name(plan.clients[self.client.index()].node)),
            (_, Some(call)) => (Kind::Call, plan.endpoint(plan.call(call).endpoint).name.clone()),
            (_, None) => (Kind::Branch, "branch".into()),
        };
        let segment =
            |(cause, from, to): &(Cause, Time, Time)| Segment { cause: *cause, from: since(*from), to: since(*to) };
        Span {
            open: false,
            parent: s.parent,
            kind,
            name,
            node: node_name(s.node),
            replica: s.replica,
            from: since(s.from),
            to: since(s.to),
            outcome: s.outcome_heard(),
            abandoned: s.abandoned.map(|gone| since(gone.1)),
            gone: s.abandoned.map(|gone| gone.0),
            guard: false,
            spurned: s.spurned.map(spurned),
            faults: blame::of_call(&self.spells, plan, s, above),
            segments: s.segments.iter().map(segment).collect(),
        }
    }

    /// Of every span, whether it stands around tries: a call whose children are the same call.
    fn guards(&self) -> Vec<bool> {
        let mut guards = vec![false; self.spans.len()];
        for span in &self.spans {
            if let (Some(parent), Some(call)) = (span.parent, span.call) {
                guards[parent] |= self.spans[parent].call == Some(call);
            }
        }
        guards
    }
}

impl Followed {
    /// How it ended; a reset is one, though the callee's work may go on and end well.
    fn outcome_heard(&self) -> Outcome {
        match self.abandoned {
            Some((Outcome::Reset, _)) => Outcome::Reset,
            _ => self.outcome,
        }
    }
}

impl Probe for Follower {
    const ACCOUNTS: bool = true;
    const TRACES: bool = true;

    fn on(&mut self, now: Time, fact: Fact) {
        if let Fact::Struck { fault, on } = fact {
            blame::strike(&mut self.spells, fault, on, now);
        }
    }

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
            Moment::Abandoned { frame, outcome, at } => {
                if let Some(span) = self.open.get(&frame) {
                    self.spans[*span].abandoned = Some((outcome, at));
                }
            }
            Moment::Spurned { frame, node, outcome, at } => {
                if let Some(span) = self.open.get(&frame) {
                    self.spans[*span].spurned = Some((node, outcome, at));
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

//! Follows requests: a span for whatever is done on their behalf, past brokers too.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::model::id::NONE;
use crate::model::{CallId, Cause, ClientId, EndpointId, Fact, NodeId, Opening, Outcome, Plan, Probe, Trace as Moment};
use crate::random::Lineage;
use crate::scenario::Checked;
use crate::scenario::written::NodeKind;
use crate::units::Time;

use super::blame::{self, Spell};
use super::{Kind, Mail, Segment, Span, Spurned, Trace};

/// Follows one request and everything it causes.
#[derive(Debug, Default)]
pub(in crate::experiment) struct Follower {
    client: ClientId,
    nth: u64,
    pub(in crate::experiment) began: Time,
    /// When anything was heard last.
    last: Time,
    /// Frames of the request under way, by slot: which span.
    open: BTreeMap<u32, usize>,
    pub(in crate::experiment) spans: Vec<Followed>,
    /// Messages that it sent and that are not gone.
    letters: BTreeMap<Lineage, Letter>,
    /// Brokers that keep what was read: each reader waits for a record on its own.
    topics: Rc<[NodeId]>,
    /// When a reader of a topic was done with a record, to be given it again.
    reread: BTreeMap<(Lineage, EndpointId), Time>,
    spells: Vec<Spell>,
}

/// A message on its way, or at its broker.
#[derive(Clone, Copy, Debug)]
struct Letter {
    /// The span that sent it.
    sender: usize,
    broker: NodeId,
    sent: Time,
    moved: bool,
    /// Since when nobody has it but its broker.
    since: Time,
    /// Whether any consumer ever had it.
    taken: bool,
}

/// What made a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::experiment) enum Made {
    /// A client.
    Client,
    /// A call.
    Call(CallId),
    /// A fork.
    Branch,
    /// A message: which, by which broker, and what is done with it, once a consumer has it.
    Message(Lineage, NodeId, Option<EndpointId>),
}

/// The brokers of a plan that keep what was read.
pub(in crate::experiment) fn topics(plan: &Plan) -> Rc<[NodeId]> {
    plan.topics.iter().map(|topic| topic.node).collect()
}

/// A span under way, in simulated time.
#[derive(Clone, Debug)]
pub(in crate::experiment) struct Followed {
    /// Its frame's slot, as long as it was not over.
    pub(in crate::experiment) frame: u32,
    pub(in crate::experiment) parent: Option<usize>,
    pub(in crate::experiment) made: Made,
    pub(in crate::experiment) from: Time,
    pub(in crate::experiment) to: Time,
    /// Whether it has ended.
    over: bool,
    pub(in crate::experiment) node: NodeId,
    pub(in crate::experiment) replica: u32,
    pub(in crate::experiment) outcome: Outcome,
    pub(in crate::experiment) abandoned: Option<(Outcome, Time)>,
    pub(in crate::experiment) spurned: Option<(NodeId, Outcome, Time)>,
    pub(in crate::experiment) segments: Vec<(Cause, Time, Time)>,
    /// Of a message, when it was sent or moved to its broker, and whether moved.
    mail: Option<(Time, bool)>,
}

impl Followed {
    /// The call it is, if it is one.
    pub(in crate::experiment) fn call(&self) -> Option<CallId> {
        match self.made {
            Made::Call(call) => Some(call),
            _ => None,
        }
    }
}

impl Follower {
    /// Nothing heard yet of a client's `nth` request.
    pub(in crate::experiment) fn of(client: ClientId, nth: u64, topics: &Rc<[NodeId]>) -> Self {
        Self { client, nth, topics: Rc::clone(topics), ..Self::default() }
    }

    fn open(&mut self, frame: u32, parent: Option<usize>, made: Made, at: Time) {
        self.open.insert(frame, self.spans.len());
        self.spans.push(Followed {
            frame,
            parent,
            made,
            from: at,
            to: at,
            over: false,
            node: NodeId::default(),
            replica: 0,
            outcome: Outcome::default(),
            abandoned: None,
            spurned: None,
            segments: Vec::new(),
            mail: None,
        });
    }

    fn opened(&mut self, frame: u32, opening: Opening, at: Time) {
        let under = |parent: u32| self.open.get(&parent).copied();
        match opening {
            Opening::Root { client, nth, .. } if client == self.client && nth == self.nth => {
                self.began = at;
                self.open(frame, None, Made::Client, at);
            }
            Opening::Root { .. } => {}
            Opening::Call { parent, call } => {
                if let Some(parent) = under(parent) {
                    self.open(frame, Some(parent), Made::Call(call), at);
                }
            }
            Opening::Branch { parent } => {
                if let Some(parent) = under(parent) {
                    self.open(frame, Some(parent), Made::Branch, at);
                }
            }
            Opening::Message { message, endpoint } => self.taken(frame, message, endpoint, at),
        }
    }

    /// A message leaves for a consumer: what went before, its broker had it.
    fn taken(&mut self, frame: u32, message: Lineage, endpoint: EndpointId, at: Time) {
        let Some(letter) = self.letters.get_mut(&message) else { return };
        letter.taken = true;
        let letter = *letter;
        let since = self.reread.get(&(message, endpoint)).copied().unwrap_or(letter.since);
        self.open(frame, Some(letter.sender), Made::Message(message, letter.broker, Some(endpoint)), since);
        if let Some(span) = self.spans.last_mut() {
            span.mail = Some((letter.sent, letter.moved));
            span.segments.extend((at > since).then_some((Cause::Broker, since, at)));
        }
    }

    /// A message is gone: one that no consumer ever had is a span all the same.
    fn gone(&mut self, message: Lineage, outcome: Outcome, at: Time) {
        if let Some(letter) = self.letters.remove(&message).filter(|letter| !letter.taken) {
            self.lie(message, letter, outcome, at);
        }
    }

    /// A message that its broker had, and nobody else.
    fn lie(&mut self, message: Lineage, letter: Letter, outcome: Outcome, until: Time) {
        self.open(NONE, Some(letter.sender), Made::Message(message, letter.broker, None), letter.since);
        self.open.remove(&NONE);
        if let Some(span) = self.spans.last_mut() {
            (span.node, span.outcome, span.to) = (letter.broker, outcome, until);
            span.mail = Some((letter.sent, letter.moved));
            span.segments.push((Cause::Broker, letter.since, until));
        }
    }

    /// A span is over; a message may come again.
    fn closed(&mut self, frame: u32, (node, replica): (NodeId, u32), outcome: Outcome, at: Time) {
        let Some(span) = self.open.remove(&frame) else { return };
        let span = &mut self.spans[span];
        (span.node, span.replica, span.outcome, span.to, span.over) = (node, replica, outcome, at, true);
        let Made::Message(message, broker, endpoint) = span.made else { return };
        match (self.letters.get_mut(&message), endpoint) {
            (Some(_), Some(endpoint)) if self.topics.contains(&broker) => {
                self.reread.insert((message, endpoint), at);
            }
            (Some(letter), _) => letter.since = at,
            (None, _) => {}
        }
    }

    /// A message is on its way.
    fn sent(&mut self, sender: Option<usize>, (message, broker): (Lineage, NodeId), moved: bool, at: Time) {
        if let Some(sender) = sender {
            self.letters.insert(message, Letter { sender, broker, sent: at, moved, since: at, taken: false });
        }
    }

    /// What was followed, in nanoseconds from the moment the request was meant to set out.
    pub(super) fn tell(mut self, checked: &Checked, plan: &Plan, nth: u64) -> Trace {
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
            replication: 1,
            nth,
            began: self.began.0.saturating_sub(plan.warmup.0),
            outcome: spans.first().map_or(Outcome::default(), |s| s.outcome),
            latency: spans.first().map_or(0, |s| s.to),
            client: plan.node(plan.clients[self.client.index()].node).name.clone(),
            among: None,
            databases: databases(checked),
            spans,
        }
    }

    /// Spans that have no end get the last moment at which they were heard of; which those are. Messages that lie at their
    /// brokers are among them, where anybody would have taken them.
    pub(in crate::experiment) fn close(&mut self) -> Vec<usize> {
        let mut open: Vec<usize> = self.open.values().copied().collect();
        for (message, letter) in std::mem::take(&mut self.letters).into_iter().filter(|(_, letter)| !letter.taken) {
            self.lie(message, letter, Outcome::default(), self.last);
            open.push(self.spans.len() - 1);
        }
        // Parents were opened first, so the client's own span has its end when its callees are asked.
        let until = match self.spans.first() {
            Some(root) if !open.contains(&0) => root.to,
            _ => self.last,
        };
        for at in &open {
            let until = if self.is_mailed(*at) { self.last } else { until };
            let span = &mut self.spans[*at];
            let heard = span.segments.last().map_or(span.from, |segment| segment.2).max(span.from);
            span.to = heard.max(span.abandoned.map_or(heard, |gone| gone.1)).max(until);
        }
        open
    }

    /// Whether a span came of a message: its client's answer is not its end.
    pub(in crate::experiment) fn is_mailed(&self, span: usize) -> bool {
        let mut next = Some(span);
        while let Some(at) = next {
            if matches!(self.spans[at].made, Made::Message(..)) {
                return true;
            }
            next = self.spans[at].parent;
        }
        false
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
        let endpoint = |id: EndpointId| plan.endpoint(id).name.clone();
        let (kind, name) = match s.made {
            Made::Client => (Kind::Client, node_name(plan.clients[self.client.index()].node)),
            Made::Call(call) => (Kind::Call, endpoint(plan.call(call).endpoint)),
            Made::Branch => (Kind::Branch, "branch".into()),
            Made::Message(_, _, Some(id)) => (Kind::Message, endpoint(id)),
            Made::Message(_, broker, None) => (Kind::Message, node_name(broker)),
        };
        let mail = |(sent, moved): (Time, bool)| match s.made {
            Made::Message(message, broker, _) => {
                let stream = self.topics.contains(&broker);
                Some(Mail { broker: node_name(broker), stream, message: message.0, sent: since(sent), moved })
            }
            _ => None,
        };
        let segment =
            |(cause, from, to): &(Cause, Time, Time)| Segment { cause: *cause, from: since(*from), to: since(*to) };
        Span {
            open: false,
            parent: s.parent,
            kind,
            name,
            node: node_name(s.place(plan)),
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
            mail: s.mail.and_then(mail),
        }
    }

    /// Of every span, whether it stands around tries: a call whose children are the same call.
    fn guards(&self) -> Vec<bool> {
        let mut guards = vec![false; self.spans.len()];
        for span in &self.spans {
            if let (Some(parent), Some(call)) = (span.parent, span.call()) {
                guards[parent] |= self.spans[parent].call() == Some(call);
            }
        }
        guards
    }
}

impl Followed {
    /// Where it is: what is not over is where it was to go.
    fn place(&self, plan: &Plan) -> NodeId {
        match self.made {
            _ if self.over => self.node,
            Made::Call(call) => plan.endpoint(plan.call(call).endpoint).node,
            Made::Message(_, _, Some(endpoint)) => plan.endpoint(endpoint).node,
            Made::Client | Made::Branch | Made::Message(..) => self.node,
        }
    }

    /// How it ended; a reset is one, though the callee's work may go on and end well.
    fn outcome_heard(&self) -> Outcome {
        match self.abandoned {
            Some((Outcome::Reset, _)) => Outcome::Reset,
            _ => self.outcome,
        }
    }
}

impl Probe for Follower {
    fn accounts(&self) -> bool {
        true
    }

    fn traces(&self) -> bool {
        true
    }

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
            Moment::Sent { frame, message, node, at } => {
                self.sent(self.open.get(&frame).copied(), (message, node), false, at);
            }
            Moment::Moved { from, message, node, at } => {
                let sender = self.letters.get(&from).map(|letter| letter.sender);
                self.sent(sender, (message, node), true, at);
            }
            Moment::Gone { message, outcome, at } => self.gone(message, outcome, at),
            Moment::Closed { frame, node, replica, outcome, at } => self.closed(frame, (node, replica), outcome, at),
        }
    }
}
/// The databases of a scenario, by name.
fn databases(checked: &Checked) -> Vec<String> {
    let nodes = checked.scenario.nodes.iter();
    nodes.filter(|(_, node)| node.kind == NodeKind::Database).map(|(name, _)| name.clone()).collect()
}

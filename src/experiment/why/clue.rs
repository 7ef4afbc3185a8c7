//! Where a request's time went, or what it failed of: the place at which to look for who stood in its way.

use std::collections::BTreeMap;

use crate::experiment::trace::follow::{Followed, Made};
use crate::model::{CallId, Cause, EndpointId, NodeId, Outcome};
use crate::units::Time;

/// Where to look.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Start {
    /// At a frame of the request.
    Frame(u32),
    /// At a message that lay at its broker, and whoever was to take it.
    Letter(NodeId, Option<EndpointId>),
    /// At a replica (of its node) that had no room in its line.
    Full(NodeId, u32),
    /// At a call that a policy of the caller's refused.
    Policy(CallId, Outcome),
    /// At a node that failed it, asked by a call if by one.
    Failed(NodeId, Option<CallId>, Outcome),
}

/// What is known of a request before anybody looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Clue {
    pub(super) start: Start,
    /// The moment to look at.
    pub(super) at: Time,
    /// How much of its time that is, ns.
    pub(super) spent: u64,
}

/// What most of the time of an answered request was spent on.
pub(super) fn of_time(spans: &[Followed]) -> Option<Clue> {
    let root = spans.first()?;
    Some(longest(spans, 0, root.to))
}

/// What a request failed of: the last thing that failed, as deep as it goes; where somebody gave up, what it waited for.
pub(super) fn of_failure(spans: &[Followed]) -> Option<Clue> {
    let mut at = 0;
    spans.first()?;
    loop {
        let failed = |span: &Followed| !span.outcome.is_good() || span.abandoned.is_some();
        let below = spans.iter().enumerate().filter(|(_, s)| s.parent == Some(at) && !is_mail(s) && failed(s));
        let Some((next, span)) = below.max_by_key(|(nth, span)| (ended(span), *nth)) else { break };
        match span.abandoned {
            Some((Outcome::Timeout | Outcome::Deadline | Outcome::Canceled, then)) => {
                return Some(longest(spans, next, then));
            }
            _ => at = next,
        }
    }
    Some(of_leaf(spans, at))
}

/// What the deepest span that failed failed of.
fn of_leaf(spans: &[Followed], at: usize) -> Clue {
    let span = &spans[at];
    let during = |cause: Cause| span.segments.iter().rfind(|s| s.0 == cause && s.2 > s.1);
    let clue = |start, at: Time| Clue { start, at, spent: 0 };
    let quiet = Time(span.to.0.saturating_sub(1).max(span.from.0));
    if let Some((node, outcome, then)) = span.spurned {
        return match during(Cause::ConnectionWait).filter(|s| s.2 == then && outcome == Outcome::PoolTimeout) {
            Some(s) => Clue { start: Start::Frame(span.frame), at: middle(s.1, s.2), spent: s.2.0 - s.1.0 },
            None => clue(Start::Failed(node, None, outcome), then),
        };
    }
    let arrived = span.segments.iter().find(|s| s.0 == Cause::Network).map_or(span.from, |s| s.2);
    match span.outcome {
        Outcome::Overloaded => match during(Cause::Queue) {
            Some(s) => Clue { start: Start::Frame(span.frame), at: middle(s.1, s.2), spent: s.2.0 - s.1.0 },
            None => clue(Start::Full(span.node, span.replica), arrived),
        },
        Outcome::PoolTimeout => match during(Cause::ConnectionWait) {
            Some(s) => Clue { start: Start::Frame(span.frame), at: middle(s.1, s.2), spent: s.2.0 - s.1.0 },
            None => clue(Start::Failed(span.node, span.call(), span.outcome), quiet),
        },
        Outcome::CircuitOpen | Outcome::BulkheadFull | Outcome::RateLimited => match span.call() {
            Some(call) => clue(Start::Policy(call, span.outcome), quiet),
            None => clue(Start::Failed(span.node, None, span.outcome), quiet),
        },
        Outcome::Timeout | Outcome::Deadline => longest(spans, at, span.to),
        outcome => clue(Start::Failed(span.node, span.call(), outcome), middle(span.from, span.to)),
    }
}

/// The message of a request that lay longest at its broker, if it did so for longer than the request took.
pub(super) fn of_mail(spans: &[Followed]) -> Option<Clue> {
    let took = spans.first().map_or(0, |root| root.to.0.saturating_sub(root.from.0));
    let lain = spans.iter().filter_map(|span| match (span.made, span.segments.first()) {
        (Made::Message(_, broker, endpoint), Some((Cause::Broker, from, to))) => Some((broker, endpoint, *from, *to)),
        _ => None,
    });
    let (broker, endpoint, from, to) = lain.max_by_key(|(_, _, from, to)| to.since(*from))?;
    let spent = to.0 - from.0;
    (spent > took).then(|| Clue { start: Start::Letter(broker, endpoint), at: middle(from, to), spent })
}

/// Of what a span was spent on up to a moment, the most: its own time by cause, its calls by callee, or what it still waited
/// for then.
fn longest(spans: &[Followed], at: usize, until: Time) -> Clue {
    let span = &spans[at];
    let clip = |from: Time, to: Time| to.min(until).since(from.min(until)).0;
    let mut own: BTreeMap<Cause, u64> = BTreeMap::new();
    // What a caller lost with a try is told by the try.
    let told = |cause: Cause| matches!(cause, Cause::FailedTries | Cause::HedgeWait);
    for (cause, from, to) in span.segments.iter().filter(|s| !told(s.0)) {
        *own.entry(*cause).or_default() += clip(*from, *to);
    }
    let mut below: BTreeMap<Option<u32>, (u64, Vec<usize>)> = BTreeMap::new();
    for (nth, child) in spans.iter().enumerate().filter(|(_, s)| s.parent == Some(at) && !is_mail(s)) {
        let group = below.entry(child.call().map(|call| call.0)).or_default();
        group.0 += clip(child.from, ended(child));
        group.1.push(nth);
    }
    let spent = own.values().sum::<u64>() + below.values().map(|group| group.0).sum::<u64>();
    let rest = clip(span.from, until).saturating_sub(spent);
    let (cause, most) = own.into_iter().max_by_key(|(_, spent)| *spent).unwrap_or_default();
    let child = below.into_values().max_by_key(|(spent, _)| *spent);
    match child {
        Some((spent, group)) if spent >= most && spent >= rest => {
            let took = |nth: &usize| clip(spans[*nth].from, ended(&spans[*nth]));
            let next = group.into_iter().max_by_key(took).unwrap_or(at);
            longest(spans, next, ended(&spans[next]).min(until))
        }
        _ if rest > most => {
            let last = span.segments.iter().map(|s| s.2).filter(|to| *to < until).max().unwrap_or(span.from);
            Clue { start: Start::Frame(span.frame), at: middle(last, until), spent: rest }
        }
        _ => {
            let own = span.segments.iter().filter(|s| s.0 == cause);
            let (from, to) = own
                .map(|s| (s.1, s.2.min(until).max(s.1)))
                .max_by_key(|s| s.1.since(s.0))
                .unwrap_or((span.from, until));
            Clue { start: Start::Frame(span.frame), at: middle(from, to), spent: most }
        }
    }
}

fn middle(from: Time, to: Time) -> Time {
    Time(from.0 + to.0.saturating_sub(from.0) / 2)
}

fn is_mail(span: &Followed) -> bool {
    matches!(span.made, Made::Message(..))
}

/// When whoever waited for a span went on.
fn ended(span: &Followed) -> Time {
    span.abandoned.map_or(span.to, |gone| gone.1)
}

//! A call as its caller sees it and as its callee sees it.
//!
//! A span of a trace is one try from the caller's point of view. Where its own time shows a message under way at both ends,
//! the callee's part is what lies between; else the whole span counts as the callee's.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::experiment::trace::{Kind, Mail, Segment, Span, Trace};
use crate::model::{Cause, Outcome};

/// From where a span is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// When it is neither: a client's request, a branch.
    Internal,
    /// When it is the callee's part.
    Server,
    /// When it is the caller's part.
    Client,
    /// When it hands a message to a broker: until that has it for sure, where the sender waits for that.
    Producer,
    /// When a broker has a message.
    Broker,
    /// When a consumer has it.
    Consumer,
}

/// A span as viewers know it.
#[derive(Clone, Debug)]
pub struct Side<'a> {
    /// The side around it.
    pub parent: Option<usize>,
    /// From where it is seen.
    pub role: Role,
    /// Its name.
    pub name: &'a str,
    /// Where it happened.
    pub node: &'a str,
    /// On which replica.
    pub replica: u32,
    /// Its beginning, ns.
    pub from: u64,
    /// Its end, ns.
    pub to: u64,
    /// How the try ended.
    pub outcome: Outcome,
    /// From when on nobody waited, if so.
    pub abandoned: Option<u64>,
    /// Whether it had no end.
    pub open: bool,
    /// Its own time.
    pub segments: Vec<Segment>,
    /// Of a message, whether its broker keeps streams.
    pub stream: Option<bool>,
}

/// All sides; parents before children.
pub fn sides(trace: &Trace) -> Vec<Side<'_>> {
    let mut sides: Vec<Side> = Vec::new();
    // Where the children of each span hang: on the callee's side, where there is one.
    let mut inner: Vec<usize> = Vec::new();
    let mut handed: BTreeMap<u64, usize> = BTreeMap::new();
    for span in &trace.spans {
        let parent = span.parent.and_then(|at| inner.get(at).copied());
        let caller = parent.map(|at| (sides[at].node, sides[at].replica));
        if let Some(mail) = &span.mail {
            let sender = parent.filter(|_| !mail.moved);
            let hand = |from: usize| *handed.entry(mail.message).or_insert_with(|| hand(&mut sides, span, mail, from));
            let above = sender.map(hand).or(parent);
            mailed(&mut sides, span, &mail.broker, above);
            inner.push(sides.len() - 1);
            continue;
        }
        match (caller, callee(span)) {
            (Some(caller), Some((from, to))) => {
                let within = |s: &&Segment| s.from >= from && s.to <= to;
                let (own, rest): (Vec<&Segment>, Vec<&Segment>) = span.segments.iter().partition(within);
                let until = span.abandoned.map_or(span.to, |since| since.clamp(span.from, span.to));
                // What is under way after the caller gave up is none of its business any more.
                let rest = rest.into_iter().filter(|s| s.from < until);
                let segments = rest.map(|s| Segment { to: s.to.min(until), ..s.clone() }).collect();
                let at = Side { node: caller.0, replica: caller.1, to: until, ..side(span, parent, Role::Client) };
                sides.push(Side { segments, ..at });
                let own = own.into_iter().cloned().collect();
                let parent = Some(sides.len() - 1);
                sides.push(Side { from, to, segments: own, ..side(span, parent, Role::Server) });
            }
            (Some((node, replica)), None) if never_there(span) => {
                let segments = span.segments.clone();
                sides.push(Side { node, replica, segments, ..side(span, parent, Role::Client) });
            }
            _ => sides.push(Side {
                segments: span.segments.clone(),
                ..side(span, parent, if span.kind == Kind::Call { Role::Server } else { Role::Internal })
            }),
        }
        inner.push(sides.len() - 1);
    }
    sides
}

/// A sender hands a message over: once, whoever reads it. What it waits for that is taken out of its other time. Semantic
/// conventions of messaging: a span of kind producer, above those of its consumers.
fn hand<'t>(sides: &mut Vec<Side<'t>>, span: &'t Span, mail: &'t Mail, sender: usize) -> usize {
    let (node, replica) = (sides[sender].node, sides[sender].replica);
    let waited = acknowledged(&sides[sender].segments, mail.sent);
    let segments: Vec<Segment> = sides[sender].segments.drain(waited).collect();
    let to = segments.last().map_or(mail.sent, |s| s.to);
    let at = side(span, Some(sender), Role::Producer);
    sides.push(Side {
        name: &mail.broker,
        node,
        replica,
        from: mail.sent,
        to,
        outcome: Outcome::Succeeded,
        abandoned: None,
        open: false,
        segments,
        ..at
    });
    sides.len() - 1
}

/// Of a sender's own time, that in which it waits for a broker to have what it sent then: what is in transit from then on, the
/// broker's part, and the way of its word for it. None where it goes on at once.
fn acknowledged(own: &[Segment], sent: u64) -> Range<usize> {
    let from = own.iter().position(|s| s.from == sent && s.to > sent).unwrap_or(own.len());
    let way = run(own[from..].iter(), sent, |s| (s.from, s.to));
    let there = own[from..from + way].last().map_or(sent, |s| s.to);
    let Some(kept) = own.get(from + way).filter(|s| s.cause == Cause::Broker && s.from == there) else {
        return own.len()..own.len();
    };
    let back = own[from + way + 1..].first().is_some_and(|s| s.cause == Cause::Network && s.from == kept.to);
    from..from + way + 1 + usize::from(back)
}

/// A message has two sides besides: its broker's, and its consumer's once one has it.
fn mailed<'t>(sides: &mut Vec<Side<'t>>, span: &'t Span, broker: &'t str, parent: Option<usize>) {
    let lay = |s: &&Segment| s.cause == Cause::Broker;
    let taken = span.segments.iter().take_while(lay).map(|s| s.to).last().unwrap_or(span.from);
    let (lain, rest): (Vec<Segment>, Vec<Segment>) = span.segments.iter().cloned().partition(|s| s.to <= taken);
    let at = Side { name: broker, node: broker, replica: 0, to: taken, ..side(span, parent, Role::Broker) };
    if span.node == broker {
        return sides.push(Side { segments: lain, ..at });
    }
    sides.push(Side { segments: lain, outcome: Outcome::Succeeded, open: false, ..at });
    let parent = Some(sides.len() - 1);
    sides.push(Side { from: taken, segments: rest, ..side(span, parent, Role::Consumer) });
}

fn side(span: &Span, parent: Option<usize>, role: Role) -> Side<'_> {
    Side {
        parent,
        role,
        name: &span.name,
        node: &span.node,
        replica: span.replica,
        from: span.from,
        to: span.to,
        outcome: span.outcome,
        abandoned: span.abandoned,
        open: span.open,
        segments: Vec::new(),
        stream: span.mail.as_ref().map(|mail| mail.stream),
    }
}

/// What may happen to a message before it arrives.
fn in_transit(cause: Cause) -> bool {
    matches!(
        cause,
        Cause::ConnectionWait
            | Cause::Connect
            | Cause::Discovery
            | Cause::Encode
            | Cause::CpuWait
            | Cause::Network
            | Cause::Proxy
            | Cause::Fault
    )
}

/// Whether a try failed before its callee had it: nobody there has a span of it.
fn never_there(span: &Span) -> bool {
    let on_the_way = matches!(
        span.outcome,
        Outcome::ConnectFailed
            | Outcome::PoolTimeout
            | Outcome::Reset
            | Outcome::RateLimited
            | Outcome::CircuitOpen
            | Outcome::BulkheadFull
            | Outcome::NoEndpoint
    );
    let own = || span.segments.iter().filter(|s| s.to > s.from);
    span.kind == Kind::Call && on_the_way && own().all(|s| in_transit(s.cause))
}

/// When the call was at its callee, if its time tells. Decoding belongs to the callee: it comes after the network.
fn callee(span: &Span) -> Option<(u64, u64)> {
    if span.kind != Kind::Call {
        return None;
    }
    let own: Vec<&Segment> = span.segments.iter().filter(|s| s.to > s.from).collect();
    let under_way = |s: &&&Segment| matches!(s.cause, Cause::Network | Cause::Proxy);
    let mut there = run(own.iter().copied(), span.from, |s| (s.from, s.to));
    // What the callee decodes ends the way there: what is in transit after that is on a way of the callee's own.
    let way = own[..there].iter().position(|s| under_way(&s))?;
    there = own[way..there].iter().position(|s| s.cause == Cause::Encode).map_or(there, |at| way + at);
    let from = own[..there].iter().rfind(under_way)?.to;
    if span.abandoned.is_some_and(|since| since < span.to) {
        // The answer found nobody: there may be none.
        return (from <= span.to).then_some((from, span.to));
    }
    let mut back = run(own.iter().rev().copied(), span.to, |s| (s.to, s.from));
    // What the callee encodes comes before the way back: what is in transit before that was on a way of the callee's own.
    let way = own[own.len() - back..].iter().rposition(|s| under_way(&s))?;
    let encoded = own[own.len() - back..][..way].iter().rposition(|s| s.cause == Cause::Encode);
    back -= encoded.map_or(0, |at| at + 1);
    let to = own[own.len() - back..].iter().find(under_way)?.from;
    // If the way there runs into the way back, nothing tells where it turned.
    (there + back <= own.len() && from <= to).then_some((from, to))
}

/// How many segments from one end on follow each other without a gap and are in transit.
fn run<'a>(own: impl Iterator<Item = &'a Segment>, end: u64, ends: impl Fn(&Segment) -> (u64, u64)) -> usize {
    let mut at = end;
    own.take_while(|s| {
        let (near, far) = ends(s);
        let follows = near == at && in_transit(s.cause);
        at = far;
        follows
    })
    .count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample_trace;

    fn found<'a>(sides: &'a [Side<'a>], role: Role, name: &str) -> Vec<&'a Side<'a>> {
        sides.iter().filter(|side| side.role == role && side.name == name).collect()
    }

    #[test]
    fn a_call_has_two_sides_where_its_time_tells() {
        let trace = sample_trace::trace();
        let sides = sides(&trace);
        let (caller, callee) =
            (found(&sides, Role::Client, "orders.create"), found(&sides, Role::Server, "orders.create"));
        assert_eq!((caller[0].node, caller[0].from, caller[0].to), ("shoppers", 0, 46_000_000));
        assert_eq!((callee[0].node, callee[0].from, callee[0].to), ("orders", 1_200_000, 44_200_000));
        assert_eq!(sides[callee[0].parent.unwrap()].role, Role::Client);
        let causes: Vec<Cause> = caller[0].segments.iter().map(|s| s.cause).collect();
        assert_eq!(causes, [Cause::Encode, Cause::Network, Cause::Network, Cause::Encode]);
    }

    #[test]
    fn a_try_that_is_given_up_works_on_at_the_callee() {
        let trace = sample_trace::trace();
        let sides = sides(&trace);
        let (caller, callee) =
            (found(&sides, Role::Client, "payments.charge"), found(&sides, Role::Server, "payments.charge"));
        assert_eq!((caller[0].to, callee[0].to), (22_200_000, 33_000_000));
        assert_eq!((caller[1].node, callee[1].replica), ("orders", 1));
    }

    /// A connection that was reset on the way there leaves no span at the callee, whose failure it was not.
    #[test]
    fn a_try_that_never_came_has_its_callers_side_alone() {
        let mut trace = sample_trace::trace();
        let before = found(&sides(&trace), Role::Server, "payments.charge").len();
        let span = trace.spans.iter_mut().rfind(|span| span.name == "payments.charge").unwrap();
        span.outcome = Outcome::Reset;
        span.abandoned = None;
        span.segments.retain(|s| s.cause == Cause::Network);
        span.segments.truncate(1);
        let sides = sides(&trace);
        let callers = found(&sides, Role::Client, "payments.charge");
        assert_eq!(found(&sides, Role::Server, "payments.charge").len(), before - 1);
        assert!(callers.iter().any(|side| (side.node, side.outcome) == ("orders", Outcome::Reset)));
    }

    #[test]
    fn without_a_network_there_is_one_side() {
        let mut trace = sample_trace::trace();
        for span in &mut trace.spans {
            span.segments.retain(|s| s.cause != Cause::Network);
        }
        let sides = sides(&trace);
        assert_eq!(sides.len(), trace.spans.len());
        assert!(sides.iter().all(|side| side.role != Role::Client));
    }

    #[test]
    fn no_time_is_lost_and_none_is_counted_twice() {
        let trace = sample_trace::trace();
        let sum = |segments: &[Segment]| segments.iter().map(|s| s.to - s.from).sum::<u64>();
        let before: u64 = trace.spans.iter().map(|span| sum(&span.segments)).sum();
        let after: u64 = sides(&trace).iter().map(|side| sum(&side.segments)).sum();
        assert_eq!(before, after);
    }

    /// Own time and the time in which children were waited for cover a side, for each of the hand-made trace.
    #[test]
    fn times_add_up() {
        let trace = sample_trace::trace();
        let sides = sides(&trace);
        for (at, side) in sides.iter().enumerate() {
            let own: u64 = side.segments.iter().map(|s| s.to - s.from).sum();
            let mut waited: Vec<(u64, u64)> = sides
                .iter()
                .filter(|child| child.parent == Some(at))
                .map(|child| (child.from, child.abandoned.unwrap_or(child.to).min(child.to).min(side.to)))
                .collect();
            waited.sort_unstable();
            let (mut covered, mut until) = (0, 0);
            for (from, to) in waited {
                covered += to.saturating_sub(from.max(until));
                until = until.max(to);
            }
            assert_eq!(own + covered, side.to - side.from, "{} {:?}", side.name, side.role);
        }
    }
}

//! Where a request's time went, or what it failed of: the place at which to look for who stood in its way.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::experiment::trace::follow::{Followed, Made};
use crate::model::{CallId, Cause, EndpointId, NodeId, Outcome, Plan};
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
    /// How much of that is usual, ns.
    pub(super) usual: u64,
    /// In how many calls of the same kind it was spent.
    pub(super) calls: u64,
}

/// What the time of an answered request was spent on, most beyond what is usual.
pub(super) fn of_time(spans: &[Followed], usual: &Usual) -> Option<Clue> {
    let root = spans.first()?;
    Some(longest(spans, 0, root.to, usual))
}

/// What a request failed of: the last thing that failed, as deep as it goes; where somebody gave up, what it waited for.
pub(super) fn of_failure(spans: &[Followed], usual: &Usual) -> Option<Clue> {
    let mut at = 0;
    spans.first()?;
    loop {
        let failed = |span: &Followed| !span.outcome.is_good() || span.abandoned.is_some();
        let below = spans.iter().enumerate().filter(|(_, s)| s.parent == Some(at) && !is_mail(s) && failed(s));
        let Some((next, span)) = below.max_by_key(|(nth, span)| (ended(span), *nth)) else { break };
        match span.abandoned {
            Some((Outcome::Timeout | Outcome::Deadline | Outcome::Canceled, then)) => {
                return Some(longest(spans, next, then, usual));
            }
            _ => at = next,
        }
    }
    Some(of_leaf(spans, at, usual))
}

/// What the deepest span that failed failed of.
fn of_leaf(spans: &[Followed], at: usize, usual: &Usual) -> Clue {
    let span = &spans[at];
    let during = |cause: Cause| span.segments.iter().rfind(|s| s.0 == cause && s.2 > s.1);
    let clue = |start, at: Time| Clue { start, at, spent: 0, usual: 0, calls: 1 };
    let quiet = Time(span.to.0.saturating_sub(1).max(span.from.0));
    if let Some((node, outcome, then)) = span.spurned {
        return match during(Cause::ConnectionWait).filter(|s| s.2 == then && outcome == Outcome::PoolTimeout) {
            Some(s) => {
                Clue { start: Start::Frame(span.frame), at: middle(s.1, s.2), spent: s.2.0 - s.1.0, usual: 0, calls: 1 }
            }
            None => clue(Start::Failed(node, None, outcome), then),
        };
    }
    let arrived = span.segments.iter().find(|s| s.0 == Cause::Network).map_or(span.from, |s| s.2);
    match span.outcome {
        Outcome::Overloaded => match during(Cause::Queue) {
            Some(s) => {
                Clue { start: Start::Frame(span.frame), at: middle(s.1, s.2), spent: s.2.0 - s.1.0, usual: 0, calls: 1 }
            }
            None => clue(Start::Full(span.node, span.replica), arrived),
        },
        Outcome::PoolTimeout => match during(Cause::ConnectionWait) {
            Some(s) => {
                Clue { start: Start::Frame(span.frame), at: middle(s.1, s.2), spent: s.2.0 - s.1.0, usual: 0, calls: 1 }
            }
            None => clue(Start::Failed(span.node, span.call(), span.outcome), quiet),
        },
        Outcome::CircuitOpen | Outcome::BulkheadFull | Outcome::RateLimited => match span.call() {
            Some(call) => clue(Start::Policy(call, span.outcome), quiet),
            None => clue(Start::Failed(span.node, None, span.outcome), quiet),
        },
        Outcome::Timeout | Outcome::Deadline => longest(spans, at, span.to, usual),
        outcome => clue(Start::Failed(span.node, span.call(), outcome), middle(span.from, span.to)),
    }
}

/// Of the message of a request that took longest from its sending until it was dealt with, what that time was spent on, if
/// that is more than the request took: its time at the broker, at its consumer, or in what that called.
pub(super) fn of_mail(spans: &[Followed], usual: &Usual) -> Option<Clue> {
    let took = spans.first().map_or(0, |root| root.to.0.saturating_sub(root.from.0));
    let mails = spans.iter().enumerate().filter(|(_, span)| is_mail(span));
    let (at, span) = mails.max_by_key(|(at, span)| (span.to.since(span.from), usize::MAX - at))?;
    let path = &mut vec![Some(u32::MAX)];
    let clue = deepest(spans, &[(at, span.to)], (usual, path));
    let lay = span.segments.first().filter(|s| s.0 == Cause::Broker && clue.spent == s.2.since(s.1).0);
    let clue = match (span.made, lay) {
        (Made::Message(_, broker, endpoint), Some((_, from, to))) => {
            Clue { start: Start::Letter(broker, endpoint), at: middle(*from, *to), ..clue }
        }
        _ => clue,
    };
    (clue.spent > took).then_some(clue)
}

/// The calls that lead to some spans, from the request on; of a branch none.
type Path = Vec<Option<u32>>;

/// What requests that are neither quick nor slow spend: by the calls that lead there, ns on average.
#[derive(Debug, Default)]
pub(super) struct Usual {
    by: BTreeMap<(Path, Part), f64>,
    /// By call: its edge. Calls over one edge are alike, wherever in a program they stand.
    edges: Rc<[u32]>,
}

/// A part of the time of spans that the same calls led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    /// Their own time by cause.
    Own(Cause),
    /// In what they called.
    Below(Option<u32>),
    /// What they were charged with nothing for: they wait.
    Rest,
}

/// A part, how much of it there is, and where.
struct Spent {
    part: Part,
    all: u64,
    /// The spans that it is in, each up to a moment.
    at: Vec<(usize, Time)>,
    /// Of a part of their own: when, and by which frame.
    pieces: Vec<(Time, Time, u32)>,
}

impl Usual {
    /// Of these requests.
    pub(super) fn of(plan: &Plan, requests: &[&[Followed]]) -> Self {
        let edges = plan.calls.iter().map(|call| call.edge.0).collect();
        let mut usual = Self { by: BTreeMap::new(), edges };
        for spans in requests {
            let until = spans.first().map_or(Time(0), |root| root.to);
            usual.add(spans, &[(0, until)], &mut Vec::new(), 1.0 / requests.len() as f64);
        }
        usual
    }

    fn add(&mut self, spans: &[Followed], group: &[(usize, Time)], path: &mut Path, weight: f64) {
        for Spent { part, all, at, .. } in parts(spans, group, &Rc::clone(&self.edges)) {
            *self.by.entry((path.clone(), part)).or_default() += all as f64 * weight;
            if let Part::Below(call) = part {
                path.push(call);
                self.add(spans, &at, path, weight);
                path.pop();
            }
        }
    }

    fn at(&self, path: &Path, part: Part) -> f64 {
        self.by.get(&(path.clone(), part)).copied().unwrap_or(0.0)
    }
}

/// What some spans were spent on up to a moment each: their own time by cause, the calls they waited for by edge, and what they
/// were charged with nothing for.
fn parts(spans: &[Followed], group: &[(usize, Time)], edges: &[u32]) -> Vec<Spent> {
    let mut all: BTreeMap<Part, Spent> = BTreeMap::new();
    for (at, until) in group {
        for (kind, from, to, whose) in backwards(spans, *at, *until) {
            let part = match kind {
                Kind::Own(cause) => Part::Own(cause),
                Kind::Below => Part::Below(over(&spans[whose], edges)),
                Kind::Rest => Part::Rest,
            };
            let none = Spent { part, all: 0, at: Vec::new(), pieces: Vec::new() };
            let spent = all.entry(part).or_insert(none);
            spent.all += to.since(from).0;
            spent.at.push((whose, to));
            if kind != Kind::Below {
                spent.pieces.push((from, to, spans[whose].frame));
            }
        }
    }
    all.into_values().collect()
}

/// What a piece of a span's time was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Its own.
    Own(Cause),
    /// Waiting for a span below it.
    Below,
    /// Neither.
    Rest,
}

/// A span's time, walked backwards from when whoever waited for it went on, so that each moment belongs to one thing: of branches
/// that ran at once to the one whose end was waited for, and what ran on for nobody is not in it.
fn backwards(spans: &[Followed], at: usize, until: Time) -> Vec<(Kind, Time, Time, usize)> {
    let span = &spans[at];
    // What a caller lost with a try is told by the try.
    let told = |cause: Cause| matches!(cause, Cause::FailedTries | Cause::HedgeWait);
    let own: Vec<&(Cause, Time, Time)> = span.segments.iter().filter(|s| !told(s.0) && s.2 > s.1).collect();
    let below = spans.iter().enumerate().filter(|(_, s)| s.parent == Some(at) && !is_mail(s) && ended(s) > s.from);
    let below: Vec<(usize, &Followed)> = below.collect();
    let mut now = ended(span).min(until);
    let mut gave_up = span.abandoned.is_some() || until < ended(span);
    let mut all = Vec::new();
    while now > span.from {
        let (kind, from, whose) = if let Some(s) = own.iter().filter(|s| s.1 < now && s.2 >= now).max_by_key(|s| s.1) {
            (Kind::Own(s.0), s.1, at)
        } else if let Some((nth, child)) = awaited(&below, now, gave_up) {
            (Kind::Below, child.from, nth)
        } else {
            let before = own.iter().map(|s| s.2).chain(below.iter().map(|(_, child)| ended(child)));
            (Kind::Rest, before.filter(|to| *to < now).fold(span.from, Time::max), at)
        };
        let from = from.max(span.from);
        all.push((kind, from, now, whose));
        (now, gave_up) = (from, false);
    }
    all
}

/// The span that whoever stands above was waiting for up to a moment: one that ended then; else, of a caller that gave up, the
/// one that it had waited for the longest; else a try that was abandoned later, beside which another was sent out then.
fn awaited<'f>(below: &[(usize, &'f Followed)], now: Time, gave_up: bool) -> Option<(usize, &'f Followed)> {
    let begun = || below.iter().filter(|(_, span)| span.from < now);
    let here = begun().filter(|(_, span)| ended(span) == now);
    let here = here.max_by_key(|(_, span)| (span.abandoned.is_none(), Reverse(span.from)));
    let running = || begun().filter(|(_, span)| ended(span) > now && (gave_up || span.abandoned.is_some()));
    here.or_else(|| running().min_by_key(|(_, span)| span.from)).copied()
}

/// The edge that a span is a call over.
fn over(span: &Followed, edges: &[u32]) -> Option<u32> {
    span.call().and_then(|call| edges.get(call.index()).copied())
}

/// Of what a span was spent on up to a moment, what is most beyond the usual; where nothing is, the most.
fn longest(spans: &[Followed], at: usize, until: Time, usual: &Usual) -> Clue {
    let whole = until.since(spans[at].from).0;
    let clue = deepest(spans, &[(at, until)], (usual, &mut path_to(spans, at, &usual.edges)));
    Clue { spent: clue.spent.min(whole), ..clue }
}

/// The calls that lead to a span.
fn path_to(spans: &[Followed], at: usize, edges: &[u32]) -> Path {
    let up = |at: &usize| spans[*at].parent;
    let chain = std::iter::successors(Some(at), up).filter(|at| spans[*at].parent.is_some());
    let mut path: Path = chain.map(|at| over(&spans[at], edges)).collect();
    path.reverse();
    path
}

fn deepest(spans: &[Followed], group: &[(usize, Time)], (usual, path): (&Usual, &mut Path)) -> Clue {
    let all = parts(spans, group, &usual.edges);
    let beyond = |spent: &Spent| spent.all as f64 - usual.at(path, spent.part);
    let most = |of: &dyn Fn(&Spent) -> f64| {
        // Where parts are alike it is a call, then its own time.
        let rank = |part: Part| match part {
            Part::Below(_) => 2,
            Part::Own(_) => 1,
            Part::Rest => 0,
        };
        all.iter().max_by(|a, b| of(a).total_cmp(&of(b)).then(rank(a.part).cmp(&rank(b.part))))
    };
    let unusual = most(&beyond).filter(|spent| beyond(spent) > 0.0);
    let none = Usual { by: BTreeMap::new(), edges: Rc::clone(&usual.edges) };
    let (most, usual) = match unusual {
        Some(found) => (Some(found), usual),
        None => (most(&|spent| spent.all as f64), &none),
    };
    let Some(most) = most else {
        let (span, until) = (&spans[group[0].0], group[0].1);
        return Clue { start: Start::Frame(span.frame), at: middle(span.from, until), spent: 0, usual: 0, calls: 1 };
    };
    if let Part::Below(call) = most.part {
        path.push(call);
        return deepest(spans, &most.at, (usual, path));
    }
    let calls = most.at.iter().map(|(at, _)| at).collect::<BTreeSet<_>>().len() as u64;
    let (frame, at) = halfway(most).unwrap_or((spans[most.at[0].0].frame, most.at[0].1));
    Clue { start: Start::Frame(frame), at, spent: most.all, usual: usual.at(path, most.part) as u64, calls }
}

/// The frame, and the moment, at which to look for a part: when half of it has been spent.
fn halfway(of: &Spent) -> Option<(u32, Time)> {
    let mut pieces = of.pieces.clone();
    pieces.sort_unstable();
    let mut left = of.all / 2;
    for (from, to, frame) in pieces {
        let length = to.since(from).0;
        if left < length {
            return Some((frame, Time(from.0 + left)));
        }
        left -= length;
    }
    None
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

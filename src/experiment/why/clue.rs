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
    /// How much of that is usual, ns.
    pub(super) usual: u64,
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
    let clue = |start, at: Time| Clue { start, at, spent: 0, usual: 0 };
    let quiet = Time(span.to.0.saturating_sub(1).max(span.from.0));
    if let Some((node, outcome, then)) = span.spurned {
        return match during(Cause::ConnectionWait).filter(|s| s.2 == then && outcome == Outcome::PoolTimeout) {
            Some(s) => Clue { start: Start::Frame(span.frame), at: middle(s.1, s.2), spent: s.2.0 - s.1.0, usual: 0 },
            None => clue(Start::Failed(node, None, outcome), then),
        };
    }
    let arrived = span.segments.iter().find(|s| s.0 == Cause::Network).map_or(span.from, |s| s.2);
    match span.outcome {
        Outcome::Overloaded => match during(Cause::Queue) {
            Some(s) => Clue { start: Start::Frame(span.frame), at: middle(s.1, s.2), spent: s.2.0 - s.1.0, usual: 0 },
            None => clue(Start::Full(span.node, span.replica), arrived),
        },
        Outcome::PoolTimeout => match during(Cause::ConnectionWait) {
            Some(s) => Clue { start: Start::Frame(span.frame), at: middle(s.1, s.2), spent: s.2.0 - s.1.0, usual: 0 },
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

/// The message of a request that lay longest at its broker, if it did so for longer than the request took.
pub(super) fn of_mail(spans: &[Followed]) -> Option<Clue> {
    let took = spans.first().map_or(0, |root| root.to.0.saturating_sub(root.from.0));
    let lain = spans.iter().filter_map(|span| match (span.made, span.segments.first()) {
        (Made::Message(_, broker, endpoint), Some((Cause::Broker, from, to))) => Some((broker, endpoint, *from, *to)),
        _ => None,
    });
    let (broker, endpoint, from, to) = lain.max_by_key(|(_, _, from, to)| to.since(*from))?;
    let spent = to.0 - from.0;
    (spent > took).then(|| Clue { start: Start::Letter(broker, endpoint), at: middle(from, to), spent, usual: 0 })
}

/// The calls that lead to some spans, from the request on; of a branch none.
type Path = Vec<Option<u32>>;

/// What requests that are neither quick nor slow spend: by the calls that lead there, ns on average.
#[derive(Debug, Default)]
pub(super) struct Usual(BTreeMap<(Path, Part), f64>);

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

/// A part, how much of it there is, and the spans that it is in.
struct Spent {
    part: Part,
    all: u64,
    at: Vec<usize>,
}

impl Usual {
    /// Of these requests.
    pub(super) fn of(requests: &[&[Followed]]) -> Self {
        let mut usual = Self::default();
        for spans in requests {
            let until = spans.first().map_or(Time(0), |root| root.to);
            usual.add(spans, (&[0], until), &mut Vec::new(), 1.0 / requests.len() as f64);
        }
        usual
    }

    fn add(&mut self, spans: &[Followed], (group, until): (&[usize], Time), path: &mut Path, weight: f64) {
        for Spent { part, all, at } in parts(spans, group, until) {
            *self.0.entry((path.clone(), part)).or_default() += all as f64 * weight;
            if let Part::Below(call) = part {
                path.push(call);
                self.add(spans, (&at, until), path, weight);
                path.pop();
            }
        }
    }

    fn at(&self, path: &Path, part: Part) -> f64 {
        self.0.get(&(path.clone(), part)).copied().unwrap_or(0.0)
    }
}

/// What some spans were spent on up to a moment: their own time by cause, their calls by callee, and what they still waited for.
fn parts(spans: &[Followed], group: &[usize], until: Time) -> Vec<Spent> {
    let mut all: BTreeMap<Part, (u64, Vec<usize>)> = BTreeMap::new();
    let mut add = |part: Part, spent: u64, at: usize| {
        let (sum, places) = all.entry(part).or_default();
        *sum += spent;
        places.push(at);
    };
    // What a caller lost with a try is told by the try.
    let told = |cause: Cause| matches!(cause, Cause::FailedTries | Cause::HedgeWait);
    for at in group {
        let span = &spans[*at];
        let end = ended(span).min(until);
        let clip = |from: Time, to: Time| to.min(end).since(from.min(end)).0;
        let mut charged = 0;
        for (cause, from, to) in span.segments.iter().filter(|s| !told(s.0)) {
            charged += clip(*from, *to);
            add(Part::Own(*cause), clip(*from, *to), *at);
        }
        for (nth, child) in spans.iter().enumerate().filter(|(_, s)| s.parent == Some(*at) && !is_mail(s)) {
            charged += clip(child.from, ended(child));
            add(Part::Below(child.call().map(|call| call.0)), clip(child.from, ended(child)), nth);
        }
        add(Part::Rest, clip(span.from, end).saturating_sub(charged), *at);
    }
    all.into_iter().map(|(part, (all, at))| Spent { part, all, at }).collect()
}

/// Of what a span was spent on up to a moment, what is most beyond the usual; where nothing is, the most.
fn longest(spans: &[Followed], at: usize, until: Time, usual: &Usual) -> Clue {
    let whole = until.since(spans[at].from).0;
    let clue = deepest(spans, (&[at], until), (usual, &mut path_to(spans, at)));
    Clue { spent: clue.spent.min(whole), ..clue }
}

/// The calls that lead to a span.
fn path_to(spans: &[Followed], at: usize) -> Path {
    let up = |at: &usize| spans[*at].parent;
    let chain = std::iter::successors(Some(at), up).filter(|at| spans[*at].parent.is_some());
    let mut path: Path = chain.map(|at| spans[at].call().map(|call| call.0)).collect();
    path.reverse();
    path
}

fn deepest(spans: &[Followed], (group, until): (&[usize], Time), (usual, path): (&Usual, &mut Path)) -> Clue {
    let all = parts(spans, group, until);
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
    let none = Usual::default();
    let (most, usual) = match unusual {
        Some(found) => (Some(found), usual),
        None => (most(&|spent| spent.all as f64), &none),
    };
    let Some(most) = most else {
        let span = &spans[group[0]];
        return Clue { start: Start::Frame(span.frame), at: middle(span.from, until), spent: 0, usual: 0 };
    };
    if let Part::Below(call) = most.part {
        path.push(call);
        return deepest(spans, (&most.at, until), (usual, path));
    }
    let (frame, at) = representative(spans, most, until);
    Clue { start: Start::Frame(frame), at, spent: most.all, usual: usual.at(path, most.part) as u64 }
}

/// The frame, and the moment, at which to look for a part: in the middle of the longest stretch of it.
fn representative(spans: &[Followed], of: &Spent, until: Time) -> (u32, Time) {
    let stretches = of.at.iter().flat_map(|at| {
        let span = &spans[*at];
        let end = ended(span).min(until);
        let own = span.segments.iter().filter(move |s| of.part == Part::Own(s.0));
        let own = own.map(move |s| (s.1, s.2.min(end).max(s.1), span.frame));
        let last = span.segments.iter().map(|s| s.2).filter(|to| *to < end).max().unwrap_or(span.from);
        own.chain((of.part == Part::Rest).then_some((last, end, span.frame)))
    });
    let longest = stretches.max_by_key(|(from, to, _)| to.since(*from));
    longest.map_or((spans[of.at[0]].frame, until), |(from, to, frame)| (frame, middle(from, to)))
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

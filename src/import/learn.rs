//! What traces say of a system: a tree for each, an invocation for each time that work at a service begins, and of each endpoint
//! what its invocations have in common.
//!
//! After motel's import (parse, group by trace, tree, statistics of each operation, parallel or one after the other by a vote),
//! with own time instead of durations, tries told from calls, and messages past brokers.

use std::collections::{BTreeMap, VecDeque};

use super::spans::{Name, Names, Side, Span};

/// Spans under way at most; older traces are looked at as they are. A span takes some 150 bytes.
const UNDER_WAY: usize = 400_000;

/// Samples of a time that are kept: beyond that every second is thinned out.
const KEPT: usize = 20_000;

/// Longer than this, ns, nothing is under way: such a length is a mistake, and no length. Ten days.
const LONGEST: u64 = 864_000 * 1_000_000_000;

/// Deeper than this a trace is looked at no further.
const DEEPEST: usize = 400;

/// Somebody's endpoint.
pub(super) type Op = (Name, Name);

/// Where a step leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Target {
    /// A call.
    Call(Op),
    /// A message to a broker.
    Message(Name),
}

/// Times, thinned out evenly where they are many.
#[derive(Clone, Debug)]
pub(super) struct Times {
    pub(super) kept: Vec<f64>,
    pub(super) seen: u64,
    every: u64,
}

impl Default for Times {
    fn default() -> Self {
        Self { kept: Vec::new(), seen: 0, every: 1 }
    }
}

impl Times {
    fn add(&mut self, nanos: u64) {
        if self.seen.is_multiple_of(self.every) {
            if self.kept.len() == KEPT {
                let mut nth = 0;
                self.kept.retain(|_| {
                    nth += 1;
                    nth % 2 == 1
                });
                self.every *= 2;
            }
            self.kept.push(nanos as f64);
        }
        self.seen += 1;
    }
}

/// What an endpoint's invocations have in common.
#[derive(Debug, Default)]
pub(super) struct Learned {
    pub(super) invocations: u64,
    /// Those that failed although the last try of each of their calls was answered, and well; and how many of these had called anybody.
    pub(super) failed_alone: u64,
    pub(super) failed_late: u64,
    /// Those with a call that had failed when all was tried, by whom these were to: how many failed, and how many went well.
    endings: BTreeMap<Vec<Target>, [u64; 2]>,
    /// Own time: without that in which it waited for others.
    pub(super) own: Times,
    /// All of its time, that of its calls too, ns.
    pub(super) held: f64,
    /// Those without anybody above.
    pub(super) roots: u64,
    /// Those that were somebody's call.
    pub(super) served: u64,
    /// The broker whose messages it works on.
    pub(super) consumes: Option<Name>,
    pub(super) calls: BTreeMap<Target, Calls>,
    /// Those that failed with the last of their calls, by whom that was to: what would have come after it is not known.
    pub(super) cut: BTreeMap<Target, u64>,
    /// Pairs of targets: how often both were called, and how often at the same time.
    pub(super) pairs: BTreeMap<(Target, Target), (u64, u64)>,
    pub(super) database: bool,
    /// Seen only from the caller's side.
    pub(super) outside: bool,
}

/// What is known of the calls of an endpoint to one target.
#[derive(Debug, Default)]
pub(super) struct Calls {
    /// How many invocations made how many; of those that failed alone, how many besides.
    pub(super) counts: BTreeMap<u32, u64>,
    pub(super) counts_alone: BTreeMap<u32, u64>,
    /// Sum of the places among all steps, for their order, and of how many calls.
    place: f64,
    placed: u64,
    /// Of the invocations that failed with a call to somebody else, those that had made this one.
    despite: BTreeMap<Target, u64>,
    /// Several of one invocation: how often, and how often at the same time.
    pub(super) again: (u64, u64),
    /// Tries after a failure, the most in a row, and the pauses before the first of a call and before its second.
    pub(super) retries: u64,
    pub(super) most_retries: u32,
    pub(super) pauses: [Times; 2],
    /// Calls that ended before the callee did: how long the caller waited.
    pub(super) given_up: Times,
    /// Both ways together: the caller's time without the callee's.
    pub(super) ways: Times,
}

/// Learns from spans, trace by trace.
#[derive(Debug, Default)]
pub(super) struct Learner {
    pub(super) names: Names,
    open: BTreeMap<u128, Vec<Span>>,
    order: VecDeque<u128>,
    held: usize,
    pub(super) traces: u64,
    pub(super) spans: u64,
    pub(super) ops: BTreeMap<Op, Learned>,
    /// Instances by service.
    pub(super) instances: BTreeMap<Name, BTreeMap<Name, u64>>,
    /// Whether a broker keeps streams.
    pub(super) brokers: BTreeMap<Name, bool>,
    /// Pairs of services whose clocks differ: how often, and by how much at most, ns.
    pub(super) skewed: BTreeMap<(Name, Name), (u64, u64)>,
    /// Tries that never came to whom they were for.
    pub(super) lost: BTreeMap<Op, u64>,
    pub(super) orphans: u64,
    pub(super) timeless: u64,
    /// First and last beginning of a request, ns.
    pub(super) window: Option<(u64, u64)>,
    /// How many requests each trace stands for, at most.
    pub(super) stands_for: u32,
    pub(super) cut: bool,
}

impl Learner {
    /// Takes in spans, in any order.
    pub(super) fn hear(&mut self, spans: Vec<Span>) {
        for span in spans {
            let span = if span.long() > LONGEST { Span { to: span.from, ..span } } else { span };
            self.spans += 1;
            self.held += 1;
            self.stands_for = self.stands_for.max(span.stands_for);
            let trace = span.trace;
            let of = self.open.entry(trace).or_default();
            if of.is_empty() {
                self.order.push_back(trace);
            }
            of.push(span);
        }
        while self.held > UNDER_WAY {
            self.cut = true;
            if !self.next() {
                break;
            }
        }
    }

    /// Looks at all that is left.
    pub(super) fn finish(&mut self) {
        while self.next() {}
    }

    fn next(&mut self) -> bool {
        let Some(trace) = self.order.pop_front() else { return false };
        if let Some(spans) = self.open.remove(&trace) {
            self.held -= spans.len();
            self.look(spans);
        }
        true
    }

    fn look(&mut self, spans: Vec<Span>) {
        self.traces += 1;
        let tree = Tree::of(spans);
        self.orphans += tree.orphans;
        for at in tree.entries() {
            match tree.handlers(at).as_slice() {
                [] => self.invocation(&tree, at, at),
                handlers => handlers.iter().for_each(|handler| self.invocation(&tree, at, *handler)),
            }
        }
    }

    /// Work that begins with a span, and is done in it or, of messages that it only fetches, in a `handler` of one of them.
    fn invocation(&mut self, tree: &Tree, at: usize, handler: usize) {
        let span = &tree.spans[handler];
        if let Some(instance) = span.instance {
            *self.instances.entry(span.service).or_default().entry(instance).or_default() += 1;
        }
        let goes = self.goes(tree, handler);
        let root = tree.parent[at].is_none();
        if root && span.from > 0 {
            let (first, last) = self.window.unwrap_or((span.from, span.from));
            self.window = Some((first.min(span.from), last.max(span.from)));
        }
        let consumes = (tree.spans[at].side == Side::Consumer).then(|| tree.source(at)).flatten();
        let mut op = (span.service, span.name);
        if let Some((broker, stream)) = consumes {
            *self.brokers.entry(broker).or_default() |= stream;
            // A service reads a broker in one way, whatever it calls what it does with each message.
            let name = format!("messages of {}", self.names.name(broker));
            op.1 = self.names.of(&name);
        }
        self.timeless += u64::from(span.to == span.from);
        let learned = self.ops.entry(op).or_default();
        learned.invocations += 1;
        learned.held += span.long() as f64;
        learned.roots += u64::from(root);
        learned.served += u64::from(span.side == Side::Server || !root);
        learned.consumes = learned.consumes.or(consumes.map(|(broker, _)| broker));
        learned.database |= span.database && span.side == Side::Server;
        let made = calls_of(goes);
        if span.to > span.from {
            learned.own.add(own_time(span, &made));
        }
        learned.take(&made, span.failed);
    }

    /// Who is called, and who is sent something, by an invocation; what is done within the service is looked through.
    fn goes(&mut self, tree: &Tree, at: usize) -> Vec<Going> {
        let mut goes = Vec::new();
        let mut next: Vec<(usize, usize)> = tree.children[at].iter().map(|child| (*child, 0)).collect();
        while let Some((child, deep)) = next.pop() {
            match self.going(tree, at, child) {
                Some(going) => goes.push(going),
                None if deep < DEEPEST => next.extend(tree.children[child].iter().map(|inner| (*inner, deep + 1))),
                None => {}
            }
        }
        goes.sort_by_key(|going| (going.from, going.to));
        goes
    }

    /// Where a span below an invocation leads; `None`: it stays within the service.
    fn going(&mut self, tree: &Tree, at: usize, child: usize) -> Option<Going> {
        let (span, caller) = (&tree.spans[child], &tree.spans[at]);
        let go = |to: Target| Going { failed: span.failed, ..Going::of(to, span) };
        if let Some((broker, stream)) = tree.mailed(child) {
            *self.brokers.entry(broker).or_default() |= stream;
            return Some(Going { message: true, ..go(Target::Message(broker)) });
        }
        if span.side != Side::Client || span.service != caller.service {
            // A callee without a span of its caller's: the whole of it was waited for, unless it is a message that came.
            let came = (span.side == Side::Consumer).then(|| tree.source(child)).flatten();
            return tree.enters(child).then(|| match came {
                Some((broker, _)) => Going { message: true, ..go(Target::Message(broker)) },
                None => go(Target::Call((span.service, span.name))),
            });
        }
        let callee = tree.children[child].iter().copied().find(|inner| tree.enters(*inner));
        if let Some(callee) = callee {
            let inner = &tree.spans[callee];
            self.clocks(span, inner);
            let whole = inner.to <= span.to;
            let way = whole.then(|| span.long().saturating_sub(inner.long()));
            let to = Target::Call((inner.service, inner.name));
            return Some(Going { to_end: (!whole).then_some(span.long()), way, ..go(to) });
        }
        if tree.children[child].iter().any(|inner| tree.spans[*inner].side == Side::Client) {
            return None;
        }
        let peer = span.peer.filter(|peer| *peer != caller.service)?;
        if let Some(op) = self.never_came(tree, at, child, peer) {
            *self.lost.entry(op).or_default() += 1;
            return Some(go(Target::Call(op)));
        }
        // Of databases and of whoever is outside, all statements are one.
        let learned = self.ops.entry((peer, peer)).or_default();
        learned.invocations += 1;
        learned.held += span.long() as f64;
        learned.database |= span.database;
        learned.outside = true;
        learned.failed_alone += u64::from(span.failed);
        if span.to > span.from {
            learned.own.add(span.long());
        }
        Some(go(Target::Call((peer, peer))))
    }

    /// Whom a failed call was for that has left no span at a callee who has others: it never came there. Who has spans is told by
    /// further tries beside it, and by earlier traces.
    fn never_came(&self, tree: &Tree, at: usize, child: usize, peer: Name) -> Option<Op> {
        let span = &tree.spans[child];
        let alike = |other: &&usize| tree.spans[**other].name == span.name && tree.spans[**other].side == Side::Client;
        let beside = tree.children[at].iter().filter(alike).flat_map(|other| &tree.children[*other]);
        let mut beside = beside.filter(|inner| tree.enters(**inner)).map(|inner| &tree.spans[*inner]);
        let there = beside.find(|inner| inner.service == peer).map(|inner| (inner.service, inner.name));
        let known = |op: &Op| self.ops.get(op).is_some_and(|learned| !learned.outside);
        there.or(Some((peer, span.name)).filter(known)).filter(|_| span.failed)
    }

    /// Whether a callee's span lies within its caller's; if not although it is no longer, their clocks differ.
    fn clocks(&mut self, caller: &Span, callee: &Span) {
        let before = caller.from.saturating_sub(callee.from);
        let after = callee.to.saturating_sub(caller.to);
        let apart = if callee.long() <= caller.long() { before.max(after) } else { before };
        if apart > 0 && caller.service != callee.service && callee.from > 0 {
            let (times, most) = self.skewed.entry((caller.service, callee.service)).or_default();
            *times += 1;
            *most = (*most).max(apart);
        }
    }
}

/// Something that an invocation had done by somebody else.
#[derive(Clone, Debug)]
struct Going {
    to: Target,
    from: u64,
    until: u64,
    failed: bool,
    message: bool,
    /// Where the caller gave up: after how long.
    to_end: Option<u64>,
    /// Both ways together.
    way: Option<u64>,
}

impl Going {
    fn of(to: Target, span: &Span) -> Self {
        Self { to, from: span.from, until: span.to, failed: false, message: false, to_end: None, way: None }
    }
}

/// A span's time without that in which it waited for others, or for a moment to ask again. A message is not waited for.
fn own_time(span: &Span, made: &[Made]) -> u64 {
    let (mut covered, mut until) = (0, span.from);
    for made in made.iter().filter(|made| !made.first.message) {
        let (from, to) = (made.first.from.max(until), made.last.until.min(span.to));
        if to > from {
            covered += to - from;
            until = to;
        }
    }
    span.long().saturating_sub(covered)
}

/// A call with its tries.
struct Made {
    first: Going,
    last: Going,
    retries: u32,
    pauses: Vec<u64>,
    tries: Vec<Going>,
}

/// Tries are told from calls: the same target again after a failure, one after the other, is another try.
fn calls_of(goes: Vec<Going>) -> Vec<Made> {
    let mut made: Vec<Made> = Vec::new();
    for going in goes {
        let before = made.iter_mut().rev().find(|made| made.last.to == going.to);
        match before {
            Some(made)
                if (made.last.failed || made.last.to_end.is_some())
                    && !made.last.message
                    && going.from >= made.last.until =>
            {
                made.pauses.push(going.from - made.last.until);
                made.retries += 1;
                made.tries.push(going.clone());
                made.last = going;
            }
            _ => made.push(Made {
                first: going.clone(),
                last: going.clone(),
                retries: 0,
                pauses: Vec::new(),
                tries: vec![going],
            }),
        }
    }
    made
}

impl Learned {
    /// Takes in the calls of an invocation, and how it ended.
    fn take(&mut self, made: &[Made], failed: bool) {
        let alone = self.ended(made, failed);
        let mut counts: BTreeMap<Target, u32> = BTreeMap::new();
        let places = made.len().max(1) as f64;
        for (place, one) in made.iter().enumerate() {
            *counts.entry(one.first.to).or_default() += 1;
            let calls = self.calls.entry(one.first.to).or_default();
            calls.place += place as f64 / places;
            calls.placed += 1;
            calls.note(one);
        }
        let last = made.last().filter(|made| failed && (made.last.failed || made.last.to_end.is_some()));
        if let Some(last) = last.map(|last| last.first.to) {
            *self.cut.entry(last).or_default() += 1;
            for to in counts.keys() {
                *self.calls.entry(*to).or_default().despite.entry(last).or_default() += 1;
            }
        }
        for (to, count) in counts {
            let calls = self.calls.entry(to).or_default();
            let counts = if alone { &mut calls.counts_alone } else { &mut calls.counts };
            *counts.entry(count).or_default() += 1;
        }
        for (at, one) in made.iter().enumerate() {
            for other in made[at + 1..].iter().take(PAIRS) {
                let together = u64::from(other.first.from < one.last.until);
                self.met(one.first.to, other.first.to, together);
            }
        }
    }

    /// Notes how an invocation ended, and with which of its calls failed; whether it failed although none had.
    fn ended(&mut self, made: &[Made], failed: bool) -> bool {
        // Whoever waits no longer fails for that, whatever the call's own span says; but not each that ended early was given up.
        let lost = |made: &&Made| made.last.failed || (failed && made.last.to_end.is_some());
        let lost = made.iter().filter(|made| !made.last.message).filter(lost).map(|made| made.last.to);
        let mut lost: Vec<Target> = lost.collect();
        lost.sort_unstable();
        lost.dedup();
        let alone = failed && lost.is_empty();
        self.failed_alone += u64::from(alone);
        self.failed_late += u64::from(alone && !made.is_empty());
        if !lost.is_empty() && (self.endings.len() < ENDINGS || self.endings.contains_key(&lost)) {
            self.endings.entry(lost).or_default()[usize::from(!failed)] += 1;
        }
        alone
    }

    /// After how many failures of a call its caller failed, and after how many it went on. Where nothing else had failed, nothing else
    /// can be why.
    pub(super) fn after(&self, to: Target) -> [u64; 2] {
        let sum = |of: &dyn Fn(&[Target]) -> bool| {
            let counted = self.endings.iter().filter(|(lost, _)| of(lost)).map(|(_, ended)| *ended);
            counted.fold([0, 0], |all, ended| [all[0] + ended[0], all[1] + ended[1]])
        };
        let alone = sum(&|lost| lost == [to]);
        if alone == [0, 0] { sum(&|lost| lost.contains(&to)) } else { alone }
    }

    /// Whether its caller goes on when a call has failed, as it does most of the time.
    pub(super) fn tolerates(&self, to: Target) -> bool {
        let [failed, went_on] = self.after(to);
        went_on > failed
    }

    /// How many failed by themselves: no call had failed, or only such as they live with.
    pub(super) fn own_errors(&self) -> u64 {
        self.failed_alone + self.despite_tolerated()
    }

    fn despite_tolerated(&self) -> u64 {
        let lived = |lost: &[Target]| lost.iter().all(|to| self.tolerates(*to));
        self.endings.iter().filter(|(lost, _)| lived(lost)).map(|(_, [failed, _])| failed).sum()
    }

    /// Whether those that failed by themselves mostly did when they had called others.
    pub(super) fn fails_late(&self) -> bool {
        2 * (self.failed_late + self.despite_tolerated()) > self.own_errors()
    }

    /// How many failed with a call that failed.
    pub(super) fn failed_below(&self) -> u64 {
        self.endings.values().map(|[failed, _]| failed).sum::<u64>() - self.despite_tolerated()
    }

    fn met(&mut self, one: Target, other: Target, together: u64) {
        let (all, at_once) = if one == other {
            &mut self.calls.entry(one).or_default().again
        } else {
            self.pairs.entry((one.min(other), one.max(other))).or_default()
        };
        *all += 1;
        *at_once += together;
    }

    /// How many invocations had failed before their turn to call somebody came: these say nothing of how likely it is.
    pub(super) fn cut_before(&self, to: Target) -> u64 {
        let Some(calls) = self.calls.get(&to) else { return 0 };
        let earlier = self.cut.iter().filter(|(by, _)| **by != to && self.place(**by) < self.place(to));
        let earlier = earlier.filter(|(by, _)| !self.tolerates(**by));
        earlier.map(|(by, cut)| cut - calls.despite.get(by).copied().unwrap_or(0)).sum()
    }

    /// Where among all steps a call stands, on average.
    pub(super) fn place(&self, to: Target) -> f64 {
        self.calls.get(&to).map_or(0.0, |calls| calls.place / calls.placed.max(1) as f64)
    }

    /// How many invocations made how many calls; without those that failed alone before they had made theirs, where most did.
    pub(super) fn counts(&self, to: Target) -> BTreeMap<u32, u64> {
        let Some(calls) = self.calls.get(&to) else { return BTreeMap::new() };
        let mut counts = calls.counts.clone();
        for (count, n) in calls.counts_alone.iter().filter(|_| self.fails_late()) {
            *counts.entry(*count).or_default() += n;
        }
        counts
    }

    /// How many calls there were.
    pub(super) fn made(&self, to: Target) -> u64 {
        self.calls.get(&to).map_or(0, |calls| calls.placed)
    }
}

/// Ways of failing that are told apart.
const ENDINGS: usize = 200;

/// Pairs that are looked at for each call, so that a hundred calls are not five thousand pairs.
const PAIRS: usize = 24;

impl Calls {
    fn note(&mut self, made: &Made) {
        self.retries += u64::from(made.retries);
        self.most_retries = self.most_retries.max(made.retries);
        for (pauses, pause) in self.pauses.iter_mut().zip(&made.pauses) {
            pauses.add(*pause);
        }
        for going in &made.tries {
            if let Some(after) = going.to_end {
                self.given_up.add(after);
            }
            if let Some(way) = going.way {
                self.ways.add(way);
            }
        }
    }
}

/// A trace with who is above whom.
struct Tree {
    spans: Vec<Span>,
    parent: Vec<Option<usize>>,
    children: Vec<Vec<usize>>,
    orphans: u64,
}

impl Tree {
    fn of(mut spans: Vec<Span>) -> Self {
        // The same span twice is one; a client's and a server's may share an id.
        let mut seen = std::collections::BTreeSet::new();
        spans.retain(|span| seen.insert((span.id, span.side.enters())));
        let mut by_id: BTreeMap<(u64, bool), usize> = BTreeMap::new();
        for (at, span) in spans.iter().enumerate() {
            by_id.insert((span.id, span.side.enters()), at);
        }
        let mut orphans = 0;
        let above = |at: usize, span: &Span| {
            // A server that shares its id hangs below the client's span of that id.
            let shared = span.side.enters().then(|| by_id.get(&(span.id, false))).flatten();
            let parent = |id: u64| by_id.get(&(id, true)).or_else(|| by_id.get(&(id, false)));
            let own = |id: u64| {
                if span.side.enters() { by_id.get(&(id, false)).or_else(|| by_id.get(&(id, true))) } else { parent(id) }
            };
            shared.or_else(|| span.parent.and_then(own)).copied().filter(|parent| *parent != at)
        };
        let parent: Vec<Option<usize>> = spans.iter().enumerate().map(|(at, span)| above(at, span)).collect();
        orphans +=
            spans.iter().zip(&parent).filter(|(span, above)| above.is_none() && span.parent.is_some()).count() as u64;
        let mut tree = Self { children: vec![Vec::new(); spans.len()], spans, parent, orphans };
        tree.unknot();
        for (at, parent) in tree.parent.iter().enumerate() {
            if let Some(parent) = parent {
                tree.children[*parent].push(at);
            }
        }
        tree
    }

    /// Spans that are above themselves by a roundabout way have nobody above: a file may say anything.
    fn unknot(&mut self) {
        let mut good = vec![false; self.spans.len()];
        for start in 0..self.spans.len() {
            let (mut way, mut at) = (Vec::new(), start);
            let mut on = std::collections::BTreeSet::new();
            while !good[at] && on.insert(at) {
                way.push(at);
                match self.parent[at] {
                    Some(next) if on.contains(&next) => self.parent[at] = None,
                    Some(next) => at = next,
                    None => break,
                }
            }
            way.into_iter().for_each(|at| good[at] = true);
        }
    }

    /// Whether work at a service begins with a span: it says so, or whoever is above is another service.
    fn enters(&self, at: usize) -> bool {
        let span = &self.spans[at];
        let other = |parent: usize| self.spans[parent].service != span.service;
        match (span.side, self.parent[at]) {
            // A server within a server of the same service is one piece of work: what stands around the tries of a call.
            (Side::Server, Some(parent)) => other(parent) || self.spans[parent].side != Side::Server,
            // So is a message that a consumer has fetched, and then works on.
            (Side::Consumer, Some(parent)) => other(parent) || self.spans[parent].side != Side::Consumer,
            (Side::Server | Side::Consumer, _) | (Side::Client | Side::Producer, None) => true,
            (Side::Within, None) => self.mailed(at).is_none(),
            (Side::Within, Some(parent)) => other(parent) && self.mailed(at).is_none(),
            (Side::Client | Side::Producer, Some(parent)) => other(parent) && !self.is_broker(parent),
        }
    }

    fn entries(&self) -> Vec<usize> {
        (0..self.spans.len()).filter(|at| self.enters(*at)).collect()
    }

    /// Where the messages that a consumer fetched are worked on: in consumers' spans below its own, or in what is mostly done when it is over
    /// (OpenTelemetry's `receive` and `process`; Brave's `poll` and `on-message`). None where that is the consumer's own span.
    fn handlers(&self, at: usize) -> Vec<usize> {
        let span = &self.spans[at];
        if span.side != Side::Consumer {
            return Vec::new();
        }
        let handles = |child: &&usize| {
            let child = &self.spans[**child];
            let outside = child.to.saturating_sub(child.from.max(span.to));
            let after = child.side == Side::Within && 2 * outside > child.long();
            child.service == span.service && (child.side == Side::Consumer || after)
        };
        self.children[at].iter().filter(handles).copied().collect()
    }

    /// The broker that a span hands a message to: it says so, or is what lies between a sender and a consumer.
    fn mailed(&self, at: usize) -> Option<(Name, bool)> {
        let span = &self.spans[at];
        let taken = || self.children[at].iter().any(|child| self.spans[*child].side == Side::Consumer);
        match span.side {
            Side::Producer => {
                let read = || self.children[at].iter().find_map(|child| self.spans[*child].broker);
                span.broker.or_else(read).or(span.peer.map(|peer| (peer, false)))
            }
            Side::Within if span.broker.is_some() && (taken() || span.name == span.service) => span.broker,
            _ => None,
        }
    }

    fn is_broker(&self, at: usize) -> bool {
        self.mailed(at).is_some()
    }

    /// The broker whose message a consumer works on.
    fn source(&self, at: usize) -> Option<(Name, bool)> {
        let span = &self.spans[at];
        // What its sender names is where it was sent, which is the same.
        let sent = self.parent[at].and_then(|parent| self.mailed(parent));
        sent.or(span.broker).or(span.peer.map(|peer| (peer, false)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(id: u64, parent: u64, side: Side, service: Name, times: (u64, u64)) -> Span {
        let parent = (parent > 0).then_some(parent);
        Span { trace: 1, id, parent, side, service, name: service, from: times.0, to: times.1, ..Span::default() }
    }

    #[test]
    fn own_time_is_what_nobody_else_took_and_tries_are_one_call() {
        let mut learner = Learner::default();
        let [web, db] = ["web", "db"].map(|name| learner.names.of(name));
        let mut first = span(2, 1, Side::Client, web, (20, 50));
        first.failed = true;
        let callee = |id, above, times| span(id, above, Side::Server, db, times);
        learner.hear(vec![
            span(1, 0, Side::Server, web, (10, 110)),
            first,
            callee(3, 2, (25, 45)),
            span(4, 1, Side::Client, web, (60, 100)),
            callee(5, 4, (65, 90)),
        ]);
        learner.finish();
        let found = &learner.ops[&(web, web)];
        assert_eq!((found.invocations, found.roots, found.own.kept.as_slice()), (1, 1, &[20.0][..]));
        let calls = &found.calls[&Target::Call((db, db))];
        assert_eq!((calls.retries, calls.pauses[0].kept.as_slice(), calls.counts.get(&1)), (1, &[10.0][..], Some(&1)));
        assert_eq!(calls.ways.kept, [10.0, 15.0]);
        assert_eq!(learner.ops[&(db, db)].invocations, 2);
    }

    /// Whoever waits no longer fails for that, whatever the call's own span says of how it ended.
    #[test]
    fn a_call_that_never_had_its_turn_was_not_left_out_by_chance() {
        let mut learner = Learner::default();
        let [web, stock, mail] = ["web", "stock", "mail"].map(|name| learner.names.of(name));
        let mut request = |at: u64, fails: bool, mails: bool| {
            let failing = |mut one: Span| {
                one.failed = fails;
                one
            };
            let mut spans = vec![
                failing(span(at, 0, Side::Server, web, (at, at + 100))),
                failing(span(at + 1, at, Side::Client, web, (at + 10, at + 30))),
                span(at + 2, at + 1, Side::Server, stock, (at + 15, at + 25)),
            ];
            if mails {
                spans.push(span(at + 3, at, Side::Client, web, (at + 40, at + 60)));
                spans.push(span(at + 4, at + 3, Side::Server, mail, (at + 45, at + 55)));
            }
            learner.hear(spans);
        };
        // Four are mailed, two are not, and two failed before.
        (0..8).for_each(|n| request(1_000 * (n + 1), n > 5, n < 4));
        learner.finish();
        let found = &learner.ops[&(web, web)];
        let [stock, mail] = [stock, mail].map(|name| Target::Call((name, name)));
        assert_eq!((found.invocations, found.made(mail), found.cut_before(mail)), (8, 4, 2), "four of six");
        assert_eq!((found.made(stock), found.cut_before(stock)), (8, 0));
    }

    #[test]
    fn a_call_that_was_given_up_is_no_failure_of_its_caller_alone() {
        let mut learner = Learner::default();
        let [web, db] = ["web", "db"].map(|name| learner.names.of(name));
        let mut root = span(1, 0, Side::Server, web, (10, 60));
        root.failed = true;
        learner.hear(vec![root, span(2, 1, Side::Client, web, (20, 50)), span(3, 2, Side::Server, db, (25, 90))]);
        learner.finish();
        let found = &learner.ops[&(web, web)];
        assert_eq!((found.own_errors(), found.held), (0, 50.0));
        assert_eq!(found.calls[&Target::Call((db, db))].given_up.kept, [30.0]);
    }

    /// A try that left no span at a callee who has others is none of the callee's failures.
    #[test]
    fn a_try_that_never_came_is_no_failure_of_its_callee() {
        let mut learner = Learner::default();
        let [web, db] = ["web", "db"].map(|name| learner.names.of(name));
        let client = |id, times| Span { name: db, peer: Some(db), ..span(id, 1, Side::Client, web, times) };
        let lost = Span { failed: true, ..client(2, (20, 30)) };
        let root = span(1, 0, Side::Server, web, (10, 110));
        learner.hear(vec![root, lost, client(3, (40, 90)), span(4, 3, Side::Server, db, (45, 85))]);
        learner.finish();
        let found = &learner.ops[&(db, db)];
        assert_eq!((found.invocations, found.failed_alone, found.outside, learner.lost[&(db, db)]), (1, 0, false, 1));
        assert_eq!(learner.ops[&(web, web)].calls[&Target::Call((db, db))].retries, 1);
    }

    /// Whoever fails before it calls anybody says nothing of how often it calls, and whoever has called everybody does.
    #[test]
    fn own_failures_are_told_from_those_of_calls() {
        let mut learner = Learner::default();
        let [web, db] = ["web", "db"].map(|name| learner.names.of(name));
        let mut request = |at: u64, fails: bool, call: Option<bool>| {
            let mut spans = vec![Span { failed: fails, ..span(at, 0, Side::Server, web, (at, at + 100)) }];
            spans.extend(call.map(|failed| Span { failed, ..span(at + 1, at, Side::Server, db, (at + 10, at + 20)) }));
            learner.hear(spans);
        };
        // Five went well, two of them although a call had failed; one failed with a call, two before they called.
        (0..3).for_each(|n| request(1_000 * (n + 1), false, Some(false)));
        (3..5).for_each(|n| request(1_000 * (n + 1), false, Some(true)));
        request(6_000, true, Some(true));
        (6..8).for_each(|n| request(1_000 * (n + 1), true, None));
        learner.finish();
        let found = &learner.ops[&(web, web)];
        let to = Target::Call((db, db));
        assert_eq!((found.after(to), found.tolerates(to)), ([1, 2], true));
        // Whoever lives with it has failed by itself.
        assert_eq!((found.own_errors(), found.failed_below(), found.fails_late()), (3, 0, false));
        assert_eq!(found.counts(to), BTreeMap::from([(1, 6)]));
    }

    #[test]
    fn circles_and_deep_chains_end() {
        let mut learner = Learner::default();
        let a = learner.names.of("a");
        learner.hear(vec![
            span(1, 2, Side::Server, a, (1, 2)),
            span(2, 1, Side::Server, a, (1, 2)),
            span(3, 3, Side::Server, a, (1, 2)),
        ]);
        learner.hear((10..20_000).map(|id| Span { trace: 2, ..span(id, id - 1, Side::Within, a, (1, 5)) }).collect());
        learner.finish();
        assert_eq!(learner.traces, 2);
    }

    #[test]
    fn times_are_thinned_out_evenly() {
        let mut times = Times::default();
        (0..100_000).for_each(|n| times.add(n));
        assert!(times.kept.len() <= KEPT && times.seen == 100_000);
        let mean = times.kept.iter().sum::<f64>() / times.kept.len() as f64;
        assert!((mean / 50_000.0 - 1.0).abs() < 0.01, "{mean}");
    }
}

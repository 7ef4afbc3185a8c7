//! The standard probe: what every run measures.
//!
//! Clients and edges count by cohort: requests that were meant to set out in the measured time, followed to their end.
//! Endpoints (and waits and sojourns of nodes) count the visits that began in the measured time, levels of nodes the time
//! itself. Throughput is successes that ended in it.

mod aftermath;
mod book;
mod breaker;
mod broker;
mod cohort;
mod course;
mod crowd;
mod halves;
mod left;
mod mail;
mod replicas;
mod station;
mod stream;
mod tally;
mod waste;

pub(crate) use aftermath::{Aftermath, Spell, Tried, Window, planned};
pub(crate) use book::Book;
pub(crate) use breaker::BreakerTime;
pub(crate) use cohort::{Bin, Cohort, TIMELINE_BINS, Timeline, bin_width};
pub(crate) use course::{Course, Growth};
pub(crate) use halves::Halves;
pub(crate) use mail::Postbox;
pub(crate) use replicas::Fleet;
use station::Level;
pub(crate) use station::{Station, Visits};
pub(crate) use stream::{Feed, Reading};
pub(crate) use tally::Tally;

use aftermath::Whose;

use crate::model::fault::Scope;
use crate::model::plan::{Node, Plan};
use crate::model::{Answer, Cell, ClientId, EdgeId, EndpointId, Fact, Mark, NodeId, Outcome, Probe};
use crate::units::{Span, Time};

/// Everything that one replication measures.
#[derive(Clone, Debug)]
pub(crate) struct Measure {
    /// By node, clients' pseudo-nodes included.
    pub(crate) stations: Vec<Station>,
    /// By replica, where some node has several.
    pub(crate) tallies: Vec<Tally>,
    /// By node, where something scales it.
    pub(crate) fleets: Vec<Option<Fleet>>,
    /// By node: visits that began in the measured time.
    pub(crate) visits: Vec<Visits>,
    /// By client.
    pub(crate) clients: Vec<Cohort>,
    /// By client, over time.
    pub(crate) timelines: Vec<Timeline>,
    /// By client: where the time of successes went, and of failures.
    pub(crate) books: Vec<[Book; 2]>,
    /// What faults leave behind.
    pub(crate) aftermath: Aftermath,
    /// Whether anything may go wrong.
    faulted: bool,
    scopes: Vec<(ClientId, Scope)>,
    /// By endpoint.
    pub(crate) endpoints: Vec<Cohort>,
    /// By endpoint: its node.
    homes: Vec<NodeId>,
    /// By edge.
    pub(crate) edges: Vec<Cohort>,
    /// By topic.
    pub(crate) feeds: Vec<Feed>,
    /// By group.
    pub(crate) readings: Vec<Reading>,
    /// Where the groups of each topic are.
    groups: Vec<std::ops::Range<u32>>,
    /// By queue.
    pub(crate) queues: Vec<Postbox>,
    /// By flow.
    pub(crate) flows: Vec<Cohort>,
    /// By flow: the client whose requests begin it.
    starts: Vec<ClientId>,
    /// By policy and link: what their circuit breakers did in the measured time.
    pub(crate) breakers: Vec<BreakerTime>,
    /// By node: work done for nobody in the measured time, ns.
    pub(crate) wasted: Vec<f64>,
    /// How levels went over time, where they may change.
    pub(crate) course: Option<Box<Course>>,
    /// By client: its requests under way.
    under_way: Vec<Level>,
    /// What was in the system in the first and in the second half.
    pub(crate) halves: Halves,
    open: bool,
    window: (Time, Time),
    /// How long that is, ns.
    span: u64,
}

impl Measure {
    /// Before the first event of a run of `plan`.
    pub(crate) fn new(plan: &Plan) -> Self {
        let start = Time(plan.warmup.0);
        let scales =
            |node: &Node| node.life.is_some_and(|life| life.autoscale.is_some() || life.initial < node.replicas);
        Self {
            fleets: plan.nodes.iter().map(|n| scales(n).then(|| Fleet::new(start, plan.duration))).collect(),
            stations: plan.nodes.iter().map(|_| Station::new()).collect(),
            tallies: Tally::all(plan),
            visits: plan.nodes.iter().map(|_| Visits::default()).collect(),
            clients: plan.clients.iter().map(|_| Cohort::default()).collect(),
            timelines: plan.clients.iter().map(|_| Timeline::new(start, plan.duration)).collect(),
            books: plan.clients.iter().map(|_| Default::default()).collect(),
            aftermath: Aftermath::new(plan),
            faulted: !plan.faults.is_empty(),
            scopes: plan.scoped.clone(),
            endpoints: plan.endpoints.iter().map(|_| Cohort::default()).collect(),
            homes: plan.endpoints.iter().map(|endpoint| endpoint.node).collect(),
            edges: plan.edges.iter().map(|_| Cohort::default()).collect(),
            feeds: plan.topics.iter().map(|_| Feed::default()).collect(),
            readings: plan.groups.iter().map(|_| Reading::new(start, plan.duration)).collect(),
            groups: plan.topics.iter().map(|t| t.groups.clone()).collect(),
            queues: plan.queues.iter().map(|q| Postbox::new(start, plan.duration, q.consumed)).collect(),
            flows: plan.flows.iter().map(|_| Cohort::default()).collect(),
            starts: plan.flows.iter().map(|flow| flow.client).collect(),
            breakers: vec![BreakerTime::default(); plan.guards.len()],
            wasted: vec![0.0; plan.nodes.len()],
            course: Course::new(plan),
            under_way: vec![Level::default(); plan.clients.len()],
            halves: Halves::default(),
            open: false,
            window: (start, start + plan.duration),
            span: plan.duration.0,
        }
    }

    /// After the run: what was put off until its figures are asked for.
    pub(crate) fn finished(mut self) -> Self {
        let mut replied = vec![0; self.visits.len()];
        for (cohort, node) in self.endpoints.iter().zip(&self.homes) {
            replied[node.index()] += cohort.ends() - cohort.refused;
        }
        self.visits.iter_mut().zip(replied).for_each(|(visits, replied)| visits.finish(replied));
        self
    }

    #[cold]
    fn mark(&mut self, now: Time, mark: Mark) {
        if mark != Mark::Half {
            self.breakers.iter_mut().for_each(|b| b.look(mark == Mark::Open));
        }
        if mark == Mark::Close {
            self.look(now, false);
        }
        match mark {
            Mark::Open => {
                self.open = true;
                self.stations.iter_mut().for_each(|s| s.open(now));
                self.tallies.iter_mut().for_each(|tally| tally.open(now));
                self.fleets.iter_mut().flatten().for_each(|f| f.open(now));
                self.readings.iter_mut().for_each(|r| r.open(now));
                self.queues.iter_mut().for_each(|q| q.open(now));
                self.under_way.iter_mut().for_each(|level| *level = level.since(now));
                self.look(now, true);
            }
            Mark::Stretch => self.look(now, false),
            Mark::Half => {
                let areas = self.areas(now);
                self.halves.fold(areas);
            }
            Mark::Close => {
                let areas = self.areas(now);
                self.halves.close(areas);
                self.open = false;
                self.stations.iter_mut().for_each(|s| s.close(now));
                self.tallies.iter_mut().for_each(|tally| tally.close(now));
                self.fleets.iter_mut().flatten().for_each(|f| f.close(now));
                self.aftermath.crowds.close(now);
                self.readings.iter_mut().for_each(|r| r.close(now));
                let span = now.since(self.window.0);
                self.queues.iter_mut().for_each(|q| q.close(now, span));
            }
        }
    }

    /// A message comes to a proxy.
    fn forward(&mut self, now: Time, node: NodeId, endpoint: EndpointId, waited: Span, work: Span) {
        let counts = self.counts(now);
        self.stations[node.index()].forward(now, (waited, work), self.window);
        let cohort = &mut self.endpoints[endpoint.index()];
        cohort.arrived += u64::from(counts);
        cohort.end(Outcome::Succeeded, waited + work, counts, self.open);
        if counts && Visits::tells(Outcome::Succeeded, waited) {
            self.visits[node.index()].note(Outcome::Succeeded, waited);
        }
    }

    /// Levels over time: a stretch of the measured time is over, or the first begins.
    fn look(&mut self, now: Time, begins: bool) {
        if let Some(course) = &mut self.course
            && self.open
        {
            course.look(now, begins, (&mut self.stations, &self.edges, &self.breakers, &self.clients));
        }
    }

    /// Replicas come or go, or an autoscaler looks.
    #[cold]
    fn scale(&mut self, now: Time, fact: Fact) {
        let (Fact::Replicas { node, .. } | Fact::Weighed { node, .. }) = fact else { return };
        if let Fact::Replicas { ready, .. } = fact {
            self.aftermath.crowds.recount(node, ready, now);
        }
        let Some(fleet) = &mut self.fleets[node.index()] else { return };
        match fact {
            Fact::Replicas { there, ready, .. } => fleet.change(now, there, ready, self.open),
            Fact::Weighed { metric, .. } => fleet.see(now, metric),
            _ => {}
        }
    }

    /// Something has its effect once more: for its client and the flows that begin there, where it happens, and over the call
    /// or delivery that it came by.
    #[cold]
    fn repeat(&mut self, client: ClientId, endpoint: EndpointId, edge: EdgeId) {
        self.clients[client.index()].duplicates += 1;
        self.endpoints[endpoint.index()].duplicates += 1;
        self.edges[edge.index()].duplicates += 1;
        let own = self.flows.iter_mut().zip(&self.starts).filter(|(_, start)| **start == client);
        own.for_each(|(flow, _)| flow.duplicates += 1);
    }

    /// A worker is taken or free again.
    #[inline]
    fn hold(&mut self, now: Time, node: NodeId, takes: bool) {
        self.stations[node.index()].hold(now, takes);
        if self.faulted {
            self.aftermath.hold(node, takes, now);
        }
    }

    /// Whether a visit that began then counts: after the window begins, up to and with its end.
    #[inline]
    fn counts(&self, began: Time) -> bool {
        began.0.wrapping_sub(self.window.0.0 + 1) < self.span || began == Time(0)
    }

    /// Level × nanoseconds since the measured time began: requests at each node, ready messages of each queue, lag of each
    /// group, requests under way of each client.
    fn areas(&mut self, now: Time) -> Vec<u128> {
        let nodes = self.stations.iter_mut().map(|s| s.area(now));
        let queues = self.queues.iter().map(|q| q.area(now));
        let lags = self.readings.iter_mut().map(|r| r.area(now));
        nodes.chain(queues).chain(lags).chain(self.under_way.iter().map(|level| level.area(now))).collect()
    }
}

impl Probe for Measure {
    fn accounts(&self) -> bool {
        true
    }

    #[inline(always)]
    fn account(&mut self, answer: Answer, parts: impl Iterator<Item = (Cell, Span)> + Clone) {
        if answer.measured {
            let failed = usize::from(!answer.outcome.is_good());
            self.books[answer.client.index()][failed].enter(answer.latency, parts);
        }
    }

    fn waste(&mut self, wasted: Span, parts: impl Iterator<Item = (Cell, Span)> + Clone) {
        if self.open {
            waste::spread(wasted, parts, |node, nanos| self.wasted[node.index()] += nanos);
        }
    }

    #[inline(always)]
    fn load(&mut self, now: Time, replica: u32, fact: Fact) {
        if !self.tallies.is_empty() {
            let (from, to) = self.window;
            let counts = |began: Time| (began > from || began == Time(0)) && began <= to;
            self.tallies[replica as usize].hear(now, fact, counts);
        }
    }

    #[inline(always)]
    #[expect(clippy::too_many_lines, reason = "one arm for each fact")]
    fn on(&mut self, now: Time, fact: Fact) {
        match fact {
            Fact::Marked(mark) => self.mark(now, mark),
            Fact::Struck { fault, on } => self.aftermath.strike(fault, on, now),
            Fact::Offered { client, measured } => {
                self.clients[client.index()].arrive(measured);
                self.under_way[client.index()].step(now, true);
                if measured {
                    self.timelines[client.index()].offer(now);
                    if self.faulted {
                        self.aftermath.offer(client.index(), now);
                    }
                    if !self.scopes.is_empty() {
                        self.aftermath.judge(&self.scopes, client, now, None);
                    }
                }
            }
            Fact::Answered { client, outcome, intended, measured } => {
                let latency = now.since(intended);
                self.clients[client.index()].end(outcome, latency, measured, self.open);
                self.under_way[client.index()].step(now, false);
                if measured {
                    self.timelines[client.index()].answer(intended, outcome, latency);
                    if self.faulted {
                        self.aftermath.answer(client.index(), intended, outcome, latency);
                    }
                    if !self.scopes.is_empty() {
                        self.aftermath.judge(&self.scopes, client, intended, Some((outcome, latency)));
                    }
                }
            }
            Fact::Called { edge, measured } => self.edges[edge.index()].arrive(measured),
            Fact::Settled { edge, outcome, latency, measured } => {
                self.edges[edge.index()].end(outcome, latency, measured, self.open);
                if self.faulted {
                    self.aftermath.settle(edge, outcome, now);
                }
            }
            Fact::TriedAgain { edge, client, own, hedge, measured } => {
                self.edges[edge.index()].try_again(hedge, measured);
                if own {
                    self.clients[client.index()].try_again(hedge, measured);
                }
            }
            Fact::Limited { edge, first, measured, .. } => self.edges[edge.index()].limit(first, measured),
            Fact::OutOfBudget { edge, measured } => self.edges[edge.index()].budget_refused += u64::from(measured),
            Fact::LeftOut { edge, measured } => self.edges[edge.index()].ejections += u64::from(measured),
            Fact::BreakerRead { guard, opened, open, half_open } => {
                self.breakers[guard as usize].read(opened, open, half_open);
            }
            Fact::Streamed { edge, latency, measured } => {
                if measured {
                    self.edges[edge.index()].first.record(latency.0);
                }
            }
            // How long a run goes on after the measured time depends on its slowest request: only what came before counts.
            Fact::LateReply { edge, client, wasted } if self.open => {
                self.edges[edge.index()].late(wasted);
                self.clients[client.index()].late(wasted);
            }
            Fact::Wasted { client, wasted } if self.open => self.clients[client.index()].wasted += wasted,
            Fact::Reached { node, endpoint } => {
                self.endpoints[endpoint.index()].arrived += u64::from(self.counts(now));
                self.stations[node.index()].reach(now);
            }
            Fact::Forwarded { node, endpoint, waited, work } => self.forward(now, node, endpoint, waited, work),
            Fact::Recorded { node, after, work } => {
                self.stations[node.index()].labour((now + after, now + after + work), self.window);
            }
            Fact::Gathered { endpoint, partial, sojourn } => {
                if self.counts(Time(now.0 - sojourn.0)) {
                    self.endpoints[endpoint.index()].gather(partial);
                }
            }
            Fact::Looked { node, hit } => self.stations[node.index()].look(hit),
            Fact::Replicas { .. } | Fact::Weighed { .. } => self.scale(now, fact),
            Fact::Refused { node } => self.stations[node.index()].refused += 1,
            Fact::Queued { node } => self.stations[node.index()].queue(now, true),
            Fact::Dequeued { node } => self.stations[node.index()].queue(now, false),
            Fact::Full { node, full } => self.stations[node.index()].fill(now, full),
            Fact::Entered { node } => self.hold(now, node, true),
            Fact::Left { node } => self.hold(now, node, false),
            Fact::Began { flow, measured } => {
                self.flows[flow.index()].arrived += u64::from(measured);
                if self.faulted {
                    self.aftermath.set_out(Whose::Flow(flow.index()), now);
                }
            }
            Fact::Ended { flow, outcome, intended, measured, .. } => {
                let latency = now.since(intended);
                self.flows[flow.index()].end(outcome, latency, measured, self.open);
                if self.faulted {
                    self.aftermath.arrive(Whose::Flow(flow.index()), intended, outcome, latency);
                }
            }
            Fact::Duplicate { client, endpoint, edge, measured: true } => self.repeat(client, endpoint, edge),
            Fact::Published { .. }
            | Fact::Rejected { .. }
            | Fact::Blocked { .. }
            | Fact::Lost { .. }
            | Fact::Depth { .. }
            | Fact::Delivered { .. }
            | Fact::Taken { .. }
            | Fact::Returned { .. }
            | Fact::Disposed { .. } => self.mail(now, fact),
            Fact::Started { node, cores, worker } => self.stations[node.index()].work(now, true, cores, worker),
            Fact::Stopped { node, cores, worker } => self.stations[node.index()].work(now, false, cores, worker),
            Fact::LateReply { .. }
            | Fact::Wasted { .. }
            | Fact::Abandoned { .. }
            | Fact::Duplicate { .. }
            | Fact::Again { .. } => {}
            Fact::Replied { node, endpoint, outcome, joined, sojourn, waited } => {
                self.stations[node.index()].reply(now);
                let counts = self.counts(Time(now.0 - sojourn.0));
                if joined {
                    self.endpoints[endpoint.index()].end(outcome, sojourn, counts, self.open);
                } else if counts {
                    self.endpoints[endpoint.index()].refuse(outcome);
                }
                if joined && counts && Visits::tells(outcome, waited) {
                    self.visits[node.index()].note(outcome, waited);
                }
            }
            Fact::Produced { .. }
            | Fact::Appended { .. }
            | Fact::Exposed { .. }
            | Fact::Forfeited { .. }
            | Fact::Read { .. }
            | Fact::Passed { .. }
            | Fact::Rewound { .. }
            | Fact::Skipped { .. }
            | Fact::Rebalanced { .. } => self.hear_of_streams(now, fact),
            Fact::LeftOpen(what, since) => self.leave_open(now, what, since),
        }
    }
}

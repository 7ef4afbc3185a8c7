//! The standard probe: what every run measures.
//!
//! Clients and edges count by cohort: requests that were meant to set out in the measured time, followed to their end.
//! Endpoints (and waits and sojourns of nodes) count the visits that began in the measured time, levels of nodes the time
//! itself. Throughput is successes that ended in it.

mod aftermath;
mod book;
mod breaker;
mod cohort;
mod course;
mod left;
mod mail;
mod replicas;
mod station;
mod stream;
mod waste;

pub(crate) use aftermath::{Aftermath, Spell, Tried, Window, planned};
pub(crate) use book::Book;
pub(crate) use breaker::BreakerTime;
pub(crate) use cohort::{Bin, Cohort, TIMELINE_BINS, Timeline, bin_width};
pub(crate) use course::{Course, Growth};
pub(crate) use mail::Postbox;
pub(crate) use replicas::Fleet;
pub(crate) use station::{Station, Visits};
pub(crate) use stream::{Feed, Reading};

use crate::model::fault::Scope;
use crate::model::plan::{Node, Plan};
use crate::model::{Answer, Cell, ClientId, Fact, Mark, NodeId, Probe};
use crate::units::{Span, Time};

/// Everything that one replication measures.
#[derive(Clone, Debug)]
pub(crate) struct Measure {
    /// By node, clients' pseudo-nodes included.
    pub(crate) stations: Vec<Station>,
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
    /// By policy and link: what their circuit breakers did in the measured time.
    pub(crate) breakers: Vec<BreakerTime>,
    /// By node: work done for nobody in the measured time, ns.
    pub(crate) wasted: Vec<f64>,
    /// How levels went over time, where they may change.
    pub(crate) course: Option<Box<Course>>,
    /// Requests at all nodes, time average over the first and the second half.
    pub(crate) halves: [f64; 2],
    half_area: u128,
    open: bool,
    window: (Time, Time),
}

impl Measure {
    /// Before the first event of a run of `plan`.
    pub(crate) fn new(plan: &Plan) -> Self {
        let start = Time(plan.warmup.0);
        let scales = |node: &Node| node.life.is_some_and(|life| life.autoscale.is_some());
        Self {
            fleets: plan.nodes.iter().map(|n| scales(n).then(|| Fleet::new(start, plan.duration))).collect(),
            stations: plan.nodes.iter().map(|_| Station::new()).collect(),
            visits: plan.nodes.iter().map(|_| Visits::default()).collect(),
            clients: plan.clients.iter().map(|_| Cohort::default()).collect(),
            timelines: plan.clients.iter().map(|_| Timeline::new(start, plan.duration)).collect(),
            books: plan.clients.iter().map(|_| Default::default()).collect(),
            aftermath: Aftermath::new(plan),
            faulted: !plan.faults.is_empty(),
            scopes: plan.scoped.clone(),
            endpoints: plan.endpoints.iter().map(|_| Cohort::default()).collect(),
            edges: plan.edges.iter().map(|_| Cohort::default()).collect(),
            feeds: plan.topics.iter().map(|_| Feed::default()).collect(),
            readings: plan.groups.iter().map(|_| Reading::new(start, plan.duration)).collect(),
            groups: plan.topics.iter().map(|t| t.groups.clone()).collect(),
            queues: plan.queues.iter().map(|q| Postbox::new(start, plan.duration, q.consumed)).collect(),
            flows: plan.flows.iter().map(|_| Cohort::default()).collect(),
            breakers: vec![BreakerTime::default(); plan.guards.len()],
            wasted: vec![0.0; plan.nodes.len()],
            course: Course::new(plan),
            halves: [0.0; 2],
            half_area: 0,
            open: false,
            window: (start, start + plan.duration),
        }
    }

    /// After the run: what was put off until its figures are asked for.
    pub(crate) fn finished(mut self) -> Self {
        self.visits.iter_mut().for_each(Visits::finish);
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
                self.fleets.iter_mut().flatten().for_each(|f| f.open(now));
                self.readings.iter_mut().for_each(|r| r.open(now));
                self.queues.iter_mut().for_each(|q| q.open(now));
                self.look(now, true);
            }
            Mark::Stretch => self.look(now, false),
            Mark::Half => self.half_area = self.area(now),
            Mark::Close => {
                let area = self.area(now);
                self.halves = [self.half_area as f64, (area - self.half_area) as f64];
                self.open = false;
                self.stations.iter_mut().for_each(|s| s.close(now));
                self.fleets.iter_mut().flatten().for_each(|f| f.close(now));
                self.readings.iter_mut().for_each(|r| r.close(now));
                let span = now.since(self.window.0);
                self.queues.iter_mut().for_each(|q| q.close(now, span));
            }
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

    /// What happened to records.
    #[inline(never)]
    fn hear_of_streams(&mut self, now: Time, fact: Fact) {
        let (open, one) = (self.open, u64::from(self.open));
        match fact {
            Fact::Produced { topic } => self.feeds[topic.index()].published += one,
            Fact::Appended { topic, records } => {
                let feed = &mut self.feeds[topic.index()];
                feed.batches += one;
                feed.batched += one * u64::from(records);
            }
            Fact::Exposed { topic, records } => {
                let groups = self.groups[topic.index()].clone();
                let groups = &mut self.readings[groups.start as usize..groups.end as usize];
                groups.iter_mut().for_each(|r| r.rise(now, u64::from(records), open));
            }
            Fact::Forfeited { topic, records } => self.feeds[topic.index()].lost += one * u64::from(records),
            Fact::Passed { group, published, stale, repeats } => {
                let counts = !repeats && self.counts(published);
                let reading = &mut self.readings[group.index()];
                if counts {
                    reading.delay.record(now.since(published).0);
                }
                if !stale {
                    reading.fall(now, 1, open);
                }
                *(if repeats { &mut reading.duplicates } else { &mut reading.consumed }) += one;
            }
            Fact::Rewound { group, records } => self.readings[group.index()].rise(now, records, open),
            Fact::Skipped { group, records, missed } => {
                let reading = &mut self.readings[group.index()];
                reading.fall(now, records, open);
                reading.skipped += one * missed;
            }
            Fact::Rebalanced { group } => self.readings[group.index()].rebalances += one,
            _ => {}
        }
    }

    /// Something happens to a message.
    fn mail(&mut self, now: Time, fact: Fact) {
        let open = self.open;
        match fact {
            Fact::Published { queue, counted } => self.queues[queue.index()].publish(counted),
            Fact::Rejected { queue } => self.queues[queue.index()].rejected += u64::from(open),
            Fact::Blocked { queue, up } => self.queues[queue.index()].hold(now, up, open),
            Fact::Lost { queue } => self.queues[queue.index()].lost += u64::from(open),
            Fact::Depth { queue, up } => self.queues[queue.index()].rise(now, up, open),
            Fact::Delivered { queue, again, counted } => self.queues[queue.index()].deliver(now, again, counted),
            Fact::Taken { queue, waited, counted: true } => self.queues[queue.index()].wait.record(waited.0),
            Fact::Returned { queue, counted } => self.queues[queue.index()].come_back(now, counted),
            Fact::Disposed { queue, fate, ready, counted } => {
                self.queues[queue.index()].end(now, fate, ready, counted);
            }
            _ => {}
        }
    }

    /// Replicas come or go, or an autoscaler looks.
    #[cold]
    fn scale(&mut self, now: Time, fact: Fact) {
        let (Fact::Replicas { node, .. } | Fact::Weighed { node, .. }) = fact else { return };
        let Some(fleet) = &mut self.fleets[node.index()] else { return };
        match fact {
            Fact::Replicas { there, ready, .. } => fleet.change(now, there, ready, self.open),
            Fact::Weighed { metric, .. } => fleet.see(now, metric),
            _ => {}
        }
    }

    /// A worker is taken or free again.
    #[inline]
    fn hold(&mut self, now: Time, node: NodeId, takes: bool) {
        self.stations[node.index()].hold(now, takes);
        if self.faulted {
            self.aftermath.hold(node, takes, now);
        }
    }

    /// Whether a visit that began then counts.
    #[inline]
    fn counts(&self, began: Time) -> bool {
        (began > self.window.0 || began == Time(0)) && began <= self.window.1
    }

    /// Request-nanoseconds spent at all nodes and in queues since the measured time began.
    fn area(&mut self, now: Time) -> u128 {
        let ready: u128 = self.queues.iter().map(|q| q.area(now)).sum();
        self.stations.iter_mut().map(|s| s.area(now)).sum::<u128>() + ready
    }
}

impl Probe for Measure {
    const ACCOUNTS: bool = true;

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
    #[expect(clippy::too_many_lines, reason = "one arm for each fact")]
    fn on(&mut self, now: Time, fact: Fact) {
        match fact {
            Fact::Marked(mark) => self.mark(now, mark),
            Fact::Struck { fault, on } => self.aftermath.strike(fault, on, now),
            Fact::Offered { client, measured } => {
                self.clients[client.index()].arrive(measured);
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
            Fact::Looked { node, hit } => self.stations[node.index()].look(hit),
            Fact::Replicas { .. } | Fact::Weighed { .. } => self.scale(now, fact),
            Fact::Refused { node } => self.stations[node.index()].refused += 1,
            Fact::Queued { node } => self.stations[node.index()].queue(now, true),
            Fact::Dequeued { node } => self.stations[node.index()].queue(now, false),
            Fact::Full { node, full } => self.stations[node.index()].fill(now, full),
            Fact::Entered { node } => self.hold(now, node, true),
            Fact::Left { node } => self.hold(now, node, false),
            Fact::Began { flow, measured } => self.flows[flow.index()].arrived += u64::from(measured),
            Fact::Ended { flow, outcome, intended, measured } => {
                self.flows[flow.index()].end(outcome, now.since(intended), measured, self.open);
            }
            Fact::Duplicate { client, measured } => {
                self.clients[client.index()].duplicates += u64::from(measured);
            }
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
            Fact::LateReply { .. } | Fact::Wasted { .. } | Fact::Abandoned { .. } => {}
            Fact::Replied { node, endpoint, outcome, joined, sojourn, waited } => {
                self.stations[node.index()].reply(now);
                let counts = self.counts(Time(now.0 - sojourn.0));
                if joined {
                    self.endpoints[endpoint.index()].end(outcome, sojourn, counts, self.open);
                } else if counts {
                    self.endpoints[endpoint.index()].refuse(outcome);
                }
                if joined && counts {
                    self.visits[node.index()].end(outcome, waited);
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

//! From replications to figures: pooled points, intervals over replications.

mod arrived;
mod course;
mod ledger;
mod rare;
mod replicas;
mod streams;
mod visits;

use std::collections::BTreeMap;

use crate::model::{Outcome, Plan};
use crate::stats::{
    Clusters, Ends, Exported, Interval, Occupancy, Recorder, batch_means, clustered, mean_of, mean_time,
    pooled_quantile, proportion, ratio,
};
use crate::units::Span;

use super::measure::{Cohort, Measure, Postbox, Station, Timeline, Visits};
use rare::fate;

use super::summary::{
    BreakerFigures, CacheFigures, Depth, Distribution, InSystem, Moment, Node, Partial, Policing, Queue, Replicate,
    ReplicationFigures, Stats,
};

pub(crate) use arrived::{beyond_in, quantile as arrived_quantile};
pub(crate) use course::timeline;
pub(crate) use ledger::ledger;
pub(crate) use streams::topics;

/// Confidence of all intervals.
pub(crate) const CONFIDENCE: f64 = 0.95;

/// One replication that ended: what it measured over how long.
#[derive(Debug)]
pub(crate) struct Replication {
    pub(crate) measure: Measure,
    /// The measured time; shorter than planned if a guard stopped the run.
    pub(crate) span: Span,
    /// Its own seed.
    pub(crate) seed: u64,
}

/// Times of one kind from all replications, ns, as a distribution in ms. `open` samples are still to come: a quantile they
/// could move is not given.
fn distribution(each: &[&Recorder], open: u64) -> Distribution {
    let mut pooled = Recorder::default();
    each.iter().for_each(|r| pooled.merge(r));
    let count = pooled.count();
    let sums: Vec<(f64, f64)> = each.iter().map(|r| (r.tally().sum() as f64, r.count() as f64)).collect();
    let vars: Vec<f64> = each.iter().filter_map(|r| r.tally().var()).collect();
    let var = pooled.tally().var().map_or(Interval::NONE, |v| {
        let half =
            mean_of(&vars, CONFIDENCE).ends().map(|(_, high)| high - vars.iter().sum::<f64>() / vars.len() as f64);
        half.map_or(Interval::point(v), |half| Interval::around(v, half)).clamped(0.0, f64::INFINITY)
    });
    let quantile = |q: f64| {
        let known = count as f64 / (count + open).max(1) as f64;
        if count == 0 || q > known {
            return Interval::NONE;
        }
        let single: Vec<Ends<'_>> = each.iter().map(|r| Ends::all(r)).collect();
        pooled_quantile(&Ends::all(&pooled), &single, q, CONFIDENCE).in_units_of(1e6)
    };
    Distribution {
        count,
        mean: match mean_time(&sums, CONFIDENCE).in_units_of(1e6) {
            _ if count == 0 => Interval::NONE,
            // The mean of those that got through says nothing of the others, however many got through.
            Interval { value: Some(mean), .. } if open > 0 => Interval::point(mean),
            mean => mean,
        },
        var: var.in_units_of(1e12),
        p50: quantile(0.5),
        p90: quantile(0.9),
        p95: quantile(0.95),
        p99: quantile(0.99),
        p999: quantile(0.999),
        max: pooled.tally().max().map(|m| m as f64 / 1e6),
        at_least_ms: BTreeMap::new(),
        histogram: Some(Exported::new(pooled.into_histogram())),
    }
}

/// What became of the requests of one client, endpoint or edge.
pub(crate) fn stats(each: &[(&Cohort, Span)]) -> Stats {
    let mut all = Cohort::default();
    each.iter().for_each(|(c, _)| all.merge(c));
    let good = |c: &Cohort| c.ended[Outcome::Succeeded as usize];
    let open = all.unanswered();
    let rates: Vec<f64> = each.iter().map(|(c, span)| c.in_window as f64 / span.as_secs_f64()).collect();
    let shares: Vec<(u64, u64)> = each.iter().map(|(c, _)| (good(c), c.arrived)).collect();
    let tries: Vec<(f64, f64)> = each.iter().map(|(c, _)| (c.tries() as f64, c.arrived as f64)).collect();
    let partial = each.iter().map(|(c, _)| (c.gathered[1] as f64, c.gathered[0] as f64)).collect::<Vec<_>>();
    let goods: Vec<&Recorder> = each.iter().map(|(c, _)| &c.good).collect();
    let latency_ms = distribution(&goods, open);
    Stats {
        arrived: all.arrived,
        succeeded: good(&all),
        failed: arrived::failed(&all),
        in_flight_at_end: open,
        unanswered: open,
        oldest_unanswered_s: all.open.tally().max().map(|nanos| nanos as f64 / 1e9),
        throughput_per_s: mean_of(&rates, CONFIDENCE),
        success_rate: clustered(&shares, Clusters { windows: &[], persistence: fate(&all.good, &goods) }, CONFIDENCE),
        attempts_per_request: if all.arrived == 0 { Interval::NONE } else { ratio(&tries, CONFIDENCE) },
        late_replies: all.late_replies,
        wasted_work_s: all.wasted.as_secs_f64(),
        duplicate_effects: all.duplicates,
        latency_all_ms: of_all(each, open).unwrap_or_else(|| latency_ms.clone()),
        latency_arrived_ms: arrived::distribution(&each.iter().map(|(c, _)| *c).collect::<Vec<_>>(), &all, &latency_ms),
        latency_ms,
        first_message_ms: first_message(&each.iter().map(|(c, _)| &c.first).collect::<Vec<_>>()),
        policing: None,
        partial: (all.gathered[0] > 0)
            .then(|| Partial { partial_answers: all.gathered[1], partial_share: ratio(&partial, CONFIDENCE) }),
        timeline: Vec::new(),
        each: each.iter().map(|(c, span)| replicate(c, *span)).collect(),
    }
}

/// Latencies of all that ended, the turned away at zero; `None` where all of these succeeded.
fn of_all(each: &[(&Cohort, Span)], open: u64) -> Option<Distribution> {
    if each.iter().all(|(c, _)| c.bad.count() + c.refused == 0) {
        return None;
    }
    let both = |(cohort, _): &(&Cohort, Span)| {
        let mut both = cohort.good.clone();
        both.merge(&cohort.bad);
        both.record_n(0, cohort.refused);
        both
    };
    let both: Vec<Recorder> = each.iter().map(both).collect();
    Some(distribution(&both.iter().collect::<Vec<_>>(), open))
}

/// What one replication adds, for comparisons pair by pair.
pub(crate) fn replicate(cohort: &Cohort, span: Span) -> Replicate {
    let quantile = |q: f64| arrived::single_ms(cohort, q);
    Replicate {
        sum_ms: cohort.good.tally().sum() as f64 / 1e6,
        succeeded: cohort.good.count(),
        arrived: cohort.arrived,
        unanswered: cohort.unanswered(),
        p50_ms: quantile(0.5),
        p99_ms: quantile(0.99),
        in_window: cohort.in_window,
        span_s: span.as_secs_f64(),
    }
}

/// An edge's figures: those of its calls, and what its policies did.
pub(crate) fn edge(replications: &[Replication], at: usize, plan: &Plan, calls: &[u32]) -> Stats {
    let each: Vec<(&Cohort, Span)> = replications.iter().map(|r| (&r.measure.edges[at], r.span)).collect();
    let mut figures = stats(&each);
    let own = || calls.iter().map(|call| &plan.calls[*call as usize]);
    let mut guards: Vec<u32> = own().filter(|c| plan.is_guarded(c)).map(|c| c.guard).collect();
    guards.sort_unstable();
    guards.dedup();
    let watched = plan.discovery.outliers.is_some() && own().any(|c| plan.link(c.link).book);
    if !guards.is_empty() || watched {
        let sum = |of: fn(&Cohort) -> u64| each.iter().map(|(c, _)| of(c)).sum();
        figures.policing = Some(Policing {
            breaker: breakers(replications, &guards),
            retries: sum(|c| c.again[0]),
            hedges: sum(|c| c.again[1]),
            budget_refused: sum(|c| c.budget_refused),
            limited: sum(|c| c.limited[0]),
            ejections: sum(|c| c.ejections),
        });
    }
    figures
}

/// What the circuit breakers of some policies did.
fn breakers(replications: &[Replication], guards: &[u32]) -> Option<BreakerFigures> {
    let mut figures = BreakerFigures::default();
    let (mut trips, mut open, mut half_open) = (Vec::new(), Vec::new(), Vec::new());
    for replication in replications {
        let of = guards.iter().map(|guard| &replication.measure.breakers[*guard as usize]);
        let (count, opened, spans) = of.fold((0u32, 0, [Span::ZERO; 2]), |(count, opened, spans), breaker| {
            let told = breaker.told();
            (count + breaker.breakers, opened + told.0, [spans[0] + told.1, spans[1] + told.2])
        });
        if count == 0 {
            return None;
        }
        let seconds = replication.span.as_secs_f64();
        figures.opened += opened;
        trips.push(opened as f64 / seconds);
        open.push(spans[0].as_secs_f64() / seconds / f64::from(count));
        half_open.push(spans[1].as_secs_f64() / seconds / f64::from(count));
    }
    figures.trips_per_s = mean_of(&trips, CONFIDENCE);
    figures.open_share = mean_of(&open, CONFIDENCE).clamped(0.0, 1.0);
    figures.half_open_share = mean_of(&half_open, CONFIDENCE).clamped(0.0, 1.0);
    Some(figures)
}

/// Until the first message of streamed answers, where there are any.
fn first_message(each: &[&Recorder]) -> Option<Distribution> {
    each.iter().any(|r| r.count() > 0).then(|| distribution(each, 0))
}

/// A client's figures: those of its requests, and latency over time.
pub(crate) fn client(replications: &[Replication], at: usize, plan: &Plan, stationary: bool) -> Stats {
    let each: Vec<(&Cohort, Span)> = replications.iter().map(|r| (&r.measure.clients[at], r.span)).collect();
    let mut figures = stats(&each);
    let mut timeline = replications[0].measure.timelines[at].clone();
    replications[1..].iter().for_each(|r| timeline.merge(&r.measure.timelines[at]));
    figures.timeline = moments(&timeline, plan);
    figures.success_rate = rare::success(replications, at, plan).unwrap_or(figures.success_rate);
    figures.timeline.iter_mut().zip(course::in_flight(replications, at)).for_each(|(m, n)| m.in_flight = Some(n));
    if replications.len() == 1 && stationary {
        figures.latency_ms.mean = single_mean(&timeline, figures.latency_ms.mean);
    }
    figures
}

/// The mean of one long run, by batch means over a tenth of the timeline's bins each.
fn single_mean(timeline: &Timeline, mean: Interval) -> Interval {
    let batches: Vec<f64> = timeline
        .bins
        .chunks(timeline.bins.len().div_ceil(20))
        .filter_map(|bins| {
            let sum: f64 = bins.iter().filter_map(|b| Some(b.good.mean()? * b.good.count() as f64)).sum();
            let count: u64 = bins.iter().map(|b| b.good.count()).sum();
            (count > 0).then(|| sum / count as f64 / 1e6)
        })
        .collect();
    match (mean.value, batch_means(&batches, CONFIDENCE).half_width()) {
        (Some(value), Some(half)) => Interval::around(value, half).clamped(0.0, f64::INFINITY),
        _ => mean,
    }
}

fn moments(timeline: &Timeline, plan: &Plan) -> Vec<Moment> {
    let width = super::measure::bin_width(plan.duration) as f64 / 1e9;
    let millis = |nanos: Option<u64>| nanos.map(|n| n as f64 / 1e6);
    let moment = |(at, bin): (usize, &super::measure::Bin)| Moment {
        from_s: at as f64 * width,
        width_s: width,
        arrived: bin.arrived,
        succeeded: bin.good.count(),
        failed: bin.failed,
        p50_ms: millis(bin.good.quantile(0.5)),
        p99_ms: millis(bin.good.quantile(0.99)),
        mean_ms: bin.good.mean().map(|m| m / 1e6),
        in_flight: None,
    };
    timeline.bins.iter().enumerate().map(moment).collect()
}

/// What the replications saw of one node.
struct Seen<'a> {
    node: &'a crate::model::plan::Node,
    each: Vec<(&'a Station, Span)>,
    fleet: replicas::Counted,
}

impl Seen<'_> {
    fn level(&self, f: impl Fn(&Station, Span) -> f64) -> Interval {
        mean_of(&self.each.iter().map(|(s, span)| f(s, *span)).collect::<Vec<f64>>(), CONFIDENCE)
    }

    fn count(&self, f: impl Fn(&Station) -> u64) -> u64 {
        self.each.iter().map(|(s, _)| f(s)).sum()
    }

    /// Of a node that is scaled, a level is held against the replicas that were there. Those that leave still end what they
    /// have: they are in use, whatever is said of the others.
    fn whole(&self) -> f64 {
        if self.node.life.is_some() { 1.0 } else { f64::INFINITY }
    }

    fn share(&self, f: impl Fn(&Station, Span) -> f64, per: f64) -> Interval {
        let of = |((s, span), replicas): (&(&Station, Span), &f64)| (f(s, *span) / (per * replicas)).min(self.whole());
        // More than all of it is never in use, whatever the samples leave open.
        mean_of(&self.each.iter().zip(&self.fleet.means).map(of).collect::<Vec<f64>>(), CONFIDENCE).clamped(0.0, 1.0)
    }

    fn utilization(&self) -> Interval {
        match (self.node.cores, self.node.capacity()) {
            (Some(cores), _) => self.share(|s, span| s.means(span).cores, cores),
            (None, Some(own)) => self.share(|s, span| s.means(span).busy, own as f64),
            (None, None) => Interval::NONE,
        }
    }

    /// How much of its scarcest is in use: workers held or cores, of which both may be limited.
    fn in_use(&self) -> Option<f64> {
        let held = self.node.capacity().map(|own| self.share(|s, span| s.means(span).busy, own as f64));
        let cores = self.node.cores.map(|cores| self.share(|s, span| s.means(span).cores, cores));
        [held, cores].into_iter().flatten().filter_map(|share| share.value).filter(|x| x.is_finite()).reduce(f64::max)
    }

    /// Work for nobody, ns by replication. What is found to be wasted may have been done before the measured time; in it no
    /// more was wasted than done.
    fn wasted(&self, replications: &[Replication], at: usize) -> Vec<f64> {
        let done = |s: &Station, span: Span| match self.node.cores {
            Some(_) => s.means(span).cores * span.0 as f64,
            None => s.means(span).working * span.0 as f64,
        };
        replications.iter().zip(&self.each).map(|(r, (s, span))| r.measure.wasted[at].min(done(s, *span))).collect()
    }

    fn wasted_share(&self, replications: &[Replication], wasted: &[f64]) -> Interval {
        let capacity = self.node.cores.or(self.node.capacity().map(|own| own as f64));
        let Some(capacity) = capacity else { return Interval::NONE };
        let share = |((r, nanos), replicas): ((&Replication, &f64), &f64)| {
            (nanos / r.span.0 as f64 / (capacity * replicas)).min(self.whole())
        };
        mean_of(&replications.iter().zip(wasted).zip(&self.fleet.means).map(share).collect::<Vec<f64>>(), CONFIDENCE)
    }

    fn cache(&self) -> CacheFigures {
        let hits: Vec<(u64, u64)> = self.each.iter().map(|(s, _)| (s.hits, s.hits + s.misses)).collect();
        CacheFigures {
            hits: self.count(|s| s.hits),
            misses: self.count(|s| s.misses),
            hit_rate: proportion(&hits, CONFIDENCE),
        }
    }

    /// What reads of a database saw whose replicas lag; nothing of any other node.
    fn replication(&self) -> Option<ReplicationFigures> {
        let stale: Vec<(u64, u64)> = self.each.iter().map(|(s, _)| (s.misses, s.hits + s.misses)).collect();
        (self.node.kind == "database" && stale.iter().any(|reads| reads.1 > 0)).then(|| ReplicationFigures {
            reads: self.count(|s| s.hits + s.misses),
            stale_reads: self.count(|s| s.misses),
            stale_share: proportion(&stale, CONFIDENCE),
        })
    }
}

/// What the replications saw of a node.
fn seen<'a>(replications: &'a [Replication], at: usize, plan: &'a Plan) -> Seen<'a> {
    let each = replications.iter().map(|r| (r.measure.stations[at].measured(), r.span)).collect();
    Seen { node: &plan.nodes[at], each, fleet: replicas::replicas(replications, at, plan) }
}

/// How much of what is scarcest of a node was in use, 0 to 1: workers held, or cores; `None` where neither is limited.
pub(crate) fn in_use(replications: &[Replication], at: usize, plan: &Plan) -> Option<f64> {
    seen(replications, at, plan).in_use()
}

/// What happened at one node.
pub(crate) fn node(replications: &[Replication], at: usize, plan: &Plan, behind: &[usize]) -> Node {
    let seen = seen(replications, at, plan);
    let wasted = seen.wasted(replications, at);
    let visits: Vec<&Visits> = replications.iter().map(|r| &r.measure.visits[at]).collect();
    let shares: Vec<(u64, u64)> = visits.iter().map(|v| (v.waited, v.replied)).collect();
    let abandoned = visits.iter().map(|v| v.abandoned).sum();
    let workers = |own: u64, of: f64| (own as f64 * of).round() as u64;
    Node {
        arrivals: seen.count(|s| s.arrivals),
        completed: visits.iter().map(|v| v.replied).sum::<u64>() - abandoned,
        refused: seen.count(|s| s.refused),
        abandoned,
        utilization: seen.utilization(),
        tries_per_request: amplification(replications, at, behind),
        wasted_work_s: wasted.iter().sum::<f64>() / 1e9,
        wasted_share: seen.wasted_share(replications, &wasted),
        mean_busy: seen.level(|s, span| s.means(span).busy),
        mean_working: seen.level(|s, span| s.means(span).working),
        mean_in_system: seen.level(|s, span| s.in_system.area() as f64 / span.0 as f64),
        mean_queue: seen.level(|s, span| s.means(span).queue),
        p_wait: proportion(&shares, CONFIDENCE),
        p_full: seen.share(|s, span| s.means(span).full, 1.0),
        max_in_system: seen.each.iter().map(|(s, _)| u64::from(s.in_system.max())).max().unwrap_or(0),
        in_system: in_system(&seen.each),
        wait_ms: visits::waits(replications, at, plan),
        sojourn_ms: visits::sojourns(replications, at, plan),
        cache: plan.caches.iter().any(|cache| cache.node.index() == at).then(|| seen.cache()),
        replication: seen.replication(),
        workers: seen.node.capacity().map(|own| workers(own, seen.fleet.told.mean.value.unwrap_or(0.0))),
        replicas: seen.fleet.told,
        kind: seen.node.kind.into(),
    }
}

/// Requests that reached a node per request of these clients.
pub(crate) fn amplification(replications: &[Replication], node: usize, clients: &[usize]) -> Interval {
    let sent = |r: &Replication| clients.iter().map(|at| r.measure.clients[*at].arrived).sum::<u64>() as f64;
    let parts: Vec<(f64, f64)> =
        replications.iter().map(|r| (r.measure.stations[node].measured().arrivals as f64, sent(r))).collect();
    if parts.iter().all(|p| p.1 == 0.0) { Interval::NONE } else { ratio(&parts, CONFIDENCE) }
}

/// How many requests were there, over time.
fn in_system(each: &[(&Station, Span)]) -> InSystem {
    let mut pooled = Occupancy::default();
    each.iter().for_each(|(s, _)| pooled.merge(&s.in_system));
    let vars: Vec<f64> = each.iter().filter_map(|(s, _)| s.in_system.var()).collect();
    let single: Vec<&Occupancy> = each.iter().map(|(s, _)| &s.in_system).collect();
    let quantile = |q: f64| pooled_quantile(&&pooled, &single, q, CONFIDENCE);
    InSystem {
        var: mean_of(&vars, CONFIDENCE),
        p50: quantile(0.5),
        p95: quantile(0.95),
        p99: quantile(0.99),
        p999: quantile(0.999),
    }
}

/// The age of the oldest of what had not ended, s.
fn oldest<'a>(each: impl Iterator<Item = &'a Recorder>) -> Option<f64> {
    each.filter_map(|open| open.tally().max()).max().map(|nanos| nanos as f64 / 1e9)
}

/// What happened to the messages of one queue.
pub(crate) fn queue(replications: &[Replication], at: usize, plan: &Plan) -> Queue {
    let each: Vec<&Postbox> = replications.iter().map(|r| &r.measure.queues[at]).collect();
    let sum = |f: &dyn Fn(&Postbox) -> u64| each.iter().map(|q| f(q)).sum::<u64>();
    let mean = |f: &dyn Fn(&Postbox) -> f64| mean_of(&each.iter().map(|q| f(q)).collect::<Vec<f64>>(), CONFIDENCE);
    let still = sum(&|q| q.ready);
    let width = super::measure::bin_width(plan.duration) as f64 / 1e9;
    let mut depths = vec![0.0; each.first().map_or(0, |q| q.tide.areas.len())];
    for one in &each {
        depths.iter_mut().zip(one.tide.means()).for_each(|(all, mean)| *all += mean / each.len() as f64);
    }
    let depth = |(at, depth): (usize, f64)| Depth { from_s: at as f64 * width, width_s: width, ready: depth };
    Queue {
        published: sum(&|q| q.published),
        delivered: sum(&|q| q.delivered),
        acked: sum(&|q| q.acked),
        redelivered: sum(&|q| q.redelivered),
        dead_lettered: sum(&|q| q.dead_lettered),
        dropped: sum(&|q| q.dropped),
        rejected: sum(&|q| q.rejected),
        lost: sum(&|q| q.lost),
        expired: sum(&|q| q.expired),
        ready_at_end: still,
        unacked_at_end: sum(&|q| q.unacked),
        unanswered: still + sum(&|q| q.unacked),
        oldest_unanswered_s: oldest(each.iter().map(|q| &q.open)),
        blocked_at_end: sum(&|q| q.blocked()),
        mean_blocked: mean(&|q| q.means[2]),
        max_blocked: each.iter().map(|q| q.max_blocked).max().unwrap_or(0),
        mean_depth: mean(&|q| q.means[0]),
        mean_unacked: mean(&|q| q.means[1]),
        max_depth: each.iter().map(|q| q.max_depth).max().unwrap_or(0),
        wait_ms: distribution(&each.iter().map(|q| &q.wait).collect::<Vec<_>>(), still),
        timeline: depths.into_iter().enumerate().map(depth).collect(),
    }
}

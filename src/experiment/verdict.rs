//! SLO verdicts: met, failed, undecided, no data.

use crate::graph;
use crate::model::Plan;
use crate::scenario::written::{Metric, Promise, Scope, Slo};
use crate::stats::{Interval, Recorder, proportion};
use crate::units::Span;

use super::estimate::{self, CONFIDENCE, Replication};
use super::measure::Cohort;
use super::summary::{Outcome, Over, Stats, Verdict};

/// What an SLO is about.
enum Target<'a> {
    /// Requests of a client, an endpoint or an edge.
    Requests(Requests<'a>),
    /// A node.
    Node(usize),
    /// A queue.
    Queue(usize),
    /// What a group has of a topic.
    Group(Box<super::summary::Group>),
}

/// Requests of a client (the `nth`), an endpoint or an edge.
struct Requests<'a> {
    each: Vec<(&'a Cohort, Span)>,
    client: Option<usize>,
}

/// What the verdicts are read off: the replications alone. A figure is made when a promise asks for it, so that a run of a
/// sweep, of which nothing else is told, costs no more than its promises.
#[derive(Clone, Copy)]
pub(crate) struct Evidence<'a> {
    /// What was run.
    pub(crate) plan: &'a Plan,
    /// What each measured.
    pub(crate) replications: &'a [Replication],
    /// Promises are decided by intervals so many times as wide as those that are told.
    pub(crate) wider: f64,
}

/// The verdicts on all SLOs.
pub(crate) fn verdicts(slos: &[Slo], evidence: Evidence<'_>) -> Vec<Verdict> {
    let (mut scoped, mut all) = (0, Vec::new());
    for slo in slos {
        let nth = scoped;
        scoped += usize::from(slo.scope.is_some());
        all.push(evidence.judge(slo, nth));
    }
    all
}

impl<'a> Evidence<'a> {
    /// The verdict on one SLO, the `nth` of those that hold at some times only if it is one.
    fn judge(self, slo: &Slo, nth: usize) -> Verdict {
        let found = match (slo.promise.metric, &slo.scope) {
            (Metric::RecoveryTime, scope) => self.recovery(slo, scope.as_ref().map(|s| &s.value)),
            (Metric::Amplification, _) => self.amplification(slo).into(),
            (_, Some(_)) => {
                let scoped = self.requests(|r| &r.measure.aftermath.scoped, nth);
                self.figure(&Target::Requests(scoped), slo.promise)
            }
            (_, None) => self.target(slo).map_or(Finding::default(), |target| self.figure(&target, slo.promise)),
        };
        let measured = found.measured;
        Verdict {
            name: slo.name.value.clone(),
            of: slo.of.value.clone(),
            expect: slo.expect.value.clone(),
            scope: slo.scope.as_ref().map(|scope| words(&scope.value)),
            measured,
            over: found.over,
            reason: found.at_least.map(|_| "beyond".into()),
            at_least: found.at_least.filter(|least| least.is_finite()),
            burn_rate: burn_rate(slo.promise, measured),
            verdict: decide(slo.promise, &Finding { measured: measured.stretched(self.wider), ..found }),
        }
    }

    /// The median time to recover, ms: from one fault, or the longest of all; and between what it lies, where some of it was
    /// not seen.
    fn recovery(self, slo: &Slo, scope: Option<&Scope>) -> Finding {
        let faults = super::recovery::faults(self.replications, self.plan);
        let ours = |fault: &&super::summary::Fault| match scope {
            Some(Scope::AfterFault(name)) => fault.name == *name,
            _ => true,
        };
        let each = || faults.iter().filter(ours).filter_map(|f| f.recovery_s.get(&slo.of.value));
        // Who did not recover has no time to recover, however fast the others were: never is a figure, too.
        let times = each().filter(|r| r.share_recovered.is_some()).map(|r| r.median.unwrap_or(f64::INFINITY));
        let longest = times.reduce(f64::max);
        let measured = longest.map_or(Interval::NONE, |s| Interval { value: Some(s * 1e3), ..Interval::NONE });
        let between = each().filter_map(|r| r.between).reduce(|a, b| (a.0.max(b.0), a.1.max(b.1)));
        Finding { between: between.map(|(low, high)| (low * 1e3, high * 1e3)), ..measured.into() }
    }

    /// Requests that reached a node per request of the clients behind them.
    fn amplification(self, slo: &Slo) -> Interval {
        let Some(node) = self.plan.nodes.iter().position(|n| n.name == slo.of.value) else { return Interval::NONE };
        estimate::amplification(self.replications, node, &self.plan.clients_behind()[node])
    }

    fn requests(self, pick: fn(&'a Replication) -> &'a Vec<Cohort>, at: usize) -> Requests<'a> {
        Requests { each: self.replications.iter().map(|r| (&pick(r)[at], r.span)).collect(), client: None }
    }

    /// Clients first, then flows, edges and endpoints (unless the figure is a node's own), then nodes and queues. What
    /// consumers do is told of the edge from their broker, not of an endpoint.
    fn target(self, slo: &Slo) -> Option<Target<'a>> {
        let (plan, of) = (self.plan, slo.of.value.as_str());
        let node = || plan.nodes[..plan.servers()].iter().position(|n| n.name == of).map(Target::Node);
        if slo.promise.metric == Metric::Utilization {
            return node();
        }
        let client = plan.clients.iter().position(|c| plan.node(c.node).name == of);
        let flow = || plan.flows.iter().position(|f| f.name == of);
        let edge = || plan.edges.iter().position(|edge| plan.edge_name(*edge) == of);
        let endpoint = || plan.endpoints.iter().position(|e| !e.consumer && e.name == of);
        client
            .map(|at| Requests { client, ..self.requests(|r| &r.measure.clients, at) })
            .or_else(|| Some(self.requests(|r| &r.measure.flows, flow()?)))
            .or_else(|| Some(self.requests(|r| &r.measure.edges, edge()?)))
            .or_else(|| Some(self.requests(|r| &r.measure.endpoints, endpoint()?)))
            .map(Target::Requests)
            .or_else(node)
            .or_else(|| plan.queues.iter().position(|q| plan.node(q.node).name == of).map(Target::Queue))
            .or_else(|| self.group(of))
    }

    /// What a group has of a topic.
    fn group(self, of: &str) -> Option<Target<'a>> {
        let (topic, group) = graph::group(of)?;
        let mut topics = estimate::topics(self.replications, self.plan);
        Some(Target::Group(Box::new(topics.get_mut(topic)?.groups.remove(group)?)))
    }

    /// What became of requests.
    fn stats(self, requests: &Requests<'_>) -> Stats {
        match requests.client {
            Some(at) => estimate::client(self.replications, at, self.plan, self.plan.is_stationary()),
            None => estimate::stats(&requests.each),
        }
    }

    /// Requests are looked at over all that arrived: what failed or was never answered is slower than everything.
    fn figure(self, target: &Target<'_>, promise: Promise) -> Finding {
        let metric = promise.metric;
        let Target::Requests(requests) = target else { return self.of_others(target, metric).into() };
        let cohorts: Vec<&Cohort> = requests.each.iter().map(|e| e.0).collect();
        let arrived = |measured: Interval| Finding { over: Some(Over::Arrived), ..measured.into() };
        match metric {
            Metric::Percentile(q) => {
                let (measured, at_least) = estimate::arrived_quantile(&cohorts, q);
                let beyond = estimate::beyond_in(&cohorts, q);
                // Where it lies beyond everything for the sake of some replications only, the others have a say, too.
                let withheld = measured.ends().is_none() && (measured.value.is_some() || beyond < cohorts.len());
                let between = if withheld { by_share(&cohorts, q, promise.bound, self.wider) } else { None };
                Finding { at_least, missing: beyond > 0, between, ..arrived(measured) }
            }
            Metric::Mean | Metric::Max => of_answered(&self.stats(requests), metric),
            Metric::SuccessRate => arrived(self.stats(requests).success_rate),
            Metric::ErrorRate => arrived(self.stats(requests).success_rate.complement()),
            Metric::Good(within_ms) => arrived(good(&cohorts, Span((within_ms * 1e6) as u64))),
            Metric::Throughput => self.stats(requests).throughput_per_s.into(),
            // These are not about one target's requests.
            _ => Interval::NONE.into(),
        }
    }

    /// What is no request of somebody.
    fn of_others(self, target: &Target<'_>, metric: Metric) -> Interval {
        match target {
            Target::Requests(_) => Interval::NONE,
            Target::Node(at) => {
                let behind = &self.plan.clients_behind()[*at];
                let node = estimate::node(self.replications, *at, self.plan, behind);
                if metric == Metric::Utilization { node.utilization } else { of_times(&node.sojourn_ms, metric) }
            }
            Target::Queue(at) => of_times(&estimate::queue(self.replications, *at, self.plan).wait_ms, metric),
            Target::Group(group) => match metric {
                Metric::Lag => group.mean_lag,
                Metric::MaxLag => Interval::point(group.max_lag as f64),
                _ => of_times(&group.delay_ms, metric),
            },
        }
    }
}

fn words(scope: &Scope) -> String {
    match scope {
        Scope::OutsideFaults => "outside faults".into(),
        Scope::During(fault) => format!("during {fault}"),
        Scope::AfterFault(fault) => format!("after {fault}"),
    }
}

/// What was found of what a promise is about.
#[derive(Clone, Copy, Debug, Default)]
struct Finding {
    measured: Interval,
    over: Option<Over>,
    /// Where nothing was measured because some have no end: what it is at least; infinite where it never comes.
    at_least: Option<f64>,
    /// Whether single replications have no such figure, because it lies among those without an end.
    missing: bool,
    /// Between what it lies, where a part of it was not seen; this decides, then.
    between: Option<(f64, f64)>,
}

impl From<Interval> for Finding {
    fn from(measured: Interval) -> Self {
        Self { measured, ..Self::default() }
    }
}

/// The mean and the longest latency have no value where something failed: they are those of the answered, and at least so
/// much where something is still under way.
fn of_answered(stats: &Stats, metric: Metric) -> Finding {
    let oldest = stats.oldest_unanswered_s.map(|s| s * 1e3);
    let latency = &stats.latency_ms;
    let (measured, least) = if metric == Metric::Mean {
        (latency.mean, stats.latency_arrived_ms.at_least_ms.get("mean").copied())
    } else {
        (
            latency.max.map_or(Interval::NONE, |m| Interval::between(m, m, m)),
            oldest.map(|s| s.max(latency.max.unwrap_or(s))),
        )
    };
    let at_least = if stats.unanswered > 0 { least.or(measured.value) } else { None };
    let measured = if at_least.is_some() { Interval::NONE } else { measured };
    Finding { over: Some(Over::Answered), at_least, ..measured.into() }
}

/// Of times of one kind; the other figures are about requests, or not about one target's.
fn of_times(times: &super::summary::Distribution, metric: Metric) -> Interval {
    match metric {
        Metric::Percentile(q) => quantile(times, q),
        Metric::Mean => times.mean,
        Metric::Max => times.max.map_or(Interval::NONE, |m| Interval::between(m, m, m)),
        _ => Interval::NONE,
    }
}

fn quantile(latency: &super::summary::Distribution, q: f64) -> Interval {
    let known =
        [(0.5, latency.p50), (0.9, latency.p90), (0.95, latency.p95), (0.99, latency.p99), (0.999, latency.p999)];
    known.into_iter().find(|k| (k.0 - q).abs() < 1e-9).map_or(Interval::NONE, |k| k.1)
}

/// Share of all that arrived which ended well and in time. What has not ended is not good once it is older than that; what is
/// younger, because the run was cut short, may become either and does not count.
fn good(cohorts: &[&Cohort], within: Span) -> Interval {
    let fast = |times: &Recorder| times.histogram().count_at_or_below(within.0);
    let part = |c: &&Cohort| (fast(&c.good), c.arrived.saturating_sub(fast(&c.open)));
    proportion(&cohorts.iter().map(part).collect::<Vec<_>>(), CONFIDENCE)
}

/// Between what the `q`-quantile of all that arrived lies, as far as counting those on both sides of a bound (ms) tells: it is
/// below the bound where the share that ends in time is above `q`. For quantiles too far out for an interval of their own.
fn by_share(cohorts: &[&Cohort], q: f64, bound_ms: f64, wider: f64) -> Option<(f64, f64)> {
    let (low, high) = good(cohorts, Span((bound_ms * 1e6) as u64)).stretched(wider).clamped(0.0, 1.0).ends()?;
    let (below, above) = (bound_ms * (1.0 - f64::EPSILON), bound_ms * (1.0 + f64::EPSILON));
    Some((if high < q { above } else { 0.0 }, if low >= q { below } else { f64::INFINITY }))
}

/// How many times as fast as allowed a promise about a share of requests uses its error budget.
fn burn_rate(promise: Promise, measured: Interval) -> Option<Interval> {
    let (bad, budget) = match promise.metric {
        Metric::Good(_) | Metric::SuccessRate => (measured.complement(), 1.0 - promise.bound),
        Metric::ErrorRate => (measured, promise.bound),
        _ => return None,
    };
    (budget > 0.0 && bad.value.is_some()).then(|| bad.scaled(1.0 / budget))
}

/// On the good side, on the bad side, or across; without an interval the value alone decides. Of what is only known to be at
/// least so much, the other end is infinite.
fn decide(promise: Promise, found: &Finding) -> Outcome {
    let keeps = |x: f64| promise.keeps(x);
    let (low, high) = match (found.between, found.measured.value, found.at_least) {
        (Some(bounds), ..) => bounds,
        (None, Some(value), _) => found.measured.ends().unwrap_or((value, value)),
        (None, None, Some(least)) => (least, f64::INFINITY),
        (None, None, None) => return Outcome::NoData,
    };
    // What single runs show beyond all bounds does not keep any promise for certain.
    let high = if found.missing { f64::INFINITY } else { high };
    match (keeps(low), keeps(high)) {
        (true, true) => Outcome::Met,
        (false, false) => Outcome::Failed,
        _ => Outcome::Undecided,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::written::Sense;

    #[test]
    fn an_interval_across_the_bound_decides_nothing() {
        let promise = Promise { metric: Metric::Mean, sense: Sense::Below, bound: 10.0 };
        let decide = |measured: Interval| decide(promise, &measured.into());
        assert_eq!(decide(Interval::between(8.0, 7.0, 9.0)), Outcome::Met);
        assert_eq!(decide(Interval::between(9.5, 8.0, 11.0)), Outcome::Undecided);
        assert_eq!(decide(Interval::between(12.0, 11.0, 13.0)), Outcome::Failed);
        assert_eq!(decide(Interval::NONE), Outcome::NoData);
        assert_eq!(decide(Interval::point(9.0)), Outcome::Met);
    }

    #[test]
    fn where_a_quantile_has_no_interval_the_shares_on_both_sides_decide() {
        let ms = |ms: u64| ms * 1_000_000;
        let cohorts: Vec<Cohort> = (0..4)
            .map(|run| {
                let mut cohort = Cohort { arrived: 100, ..Cohort::default() };
                (0..100).for_each(|n| cohort.good.record(ms(if n < 2 + run % 2 { 50 } else { 5 })));
                cohort
            })
            .collect();
        let all: Vec<&Cohort> = cohorts.iter().collect();
        let outcome = |q, bound| {
            let promise = Promise { metric: Metric::Percentile(q), sense: Sense::Below, bound };
            decide(promise, &Finding { between: by_share(&all, q, bound, 1.0), ..Interval::point(20.0).into() })
        };
        assert_eq!(outcome(0.9, 10.0), Outcome::Met, "97.5 % end within 10 ms");
        assert_eq!(outcome(0.995, 10.0), Outcome::Failed);
        assert_eq!(outcome(0.975, 10.0), Outcome::Undecided);
        assert_eq!(outcome(0.9999, 100.0), Outcome::Undecided, "none of 400 was later, which does not say that much");
    }

    #[test]
    fn what_has_no_end_keeps_no_promise() {
        let promise = Promise { metric: Metric::Percentile(0.99), sense: Sense::Below, bound: 10.0 };
        let found = |at_least, measured| Finding { measured, at_least, ..Finding::default() };
        assert_eq!(decide(promise, &found(Some(f64::INFINITY), Interval::NONE)), Outcome::Failed);
        assert_eq!(decide(promise, &found(Some(11.0), Interval::NONE)), Outcome::Failed);
        // Only a run that was cut short has requests that are younger than what is asked.
        assert_eq!(decide(promise, &found(Some(9.0), Interval::NONE)), Outcome::Undecided);
        let split = Finding { missing: true, ..found(None, Interval::point(8.0)) };
        assert_eq!(decide(promise, &split), Outcome::Undecided);
        assert_eq!(decide(promise, &Finding { missing: true, ..Interval::point(12.0).into() }), Outcome::Failed);
    }

    #[test]
    fn a_budget_burns_as_fast_as_bad_requests_come() {
        let promise = |metric, bound| Promise { metric, sense: Sense::AtLeast, bound };
        let burn = burn_rate(promise(Metric::Good(400.0), 0.99), Interval::between(0.97, 0.96, 0.98)).unwrap();
        let near = |of: Option<f64>, to: f64| of.is_some_and(|of| (of - to).abs() < 1e-9);
        assert!(near(burn.value, 3.0) && near(burn.low, 2.0) && near(burn.high, 4.0), "{burn:?}");
        let errors = burn_rate(promise(Metric::ErrorRate, 0.01), Interval::point(0.005)).unwrap();
        assert!(near(errors.value, 0.5));
        assert_eq!(burn_rate(promise(Metric::SuccessRate, 1.0), Interval::point(0.5)), None);
        assert_eq!(burn_rate(promise(Metric::Mean, 9.0), Interval::point(0.5)), None);
    }
}

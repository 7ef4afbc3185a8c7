//! What was predicted beside what was measured: figures of each client, request by request where the draws are shared, of nodes,
//! and around faults.

use std::collections::BTreeMap;

use hoptax::experiment::roots::Root;
use hoptax::model::fault::Fault;
use hoptax::model::id::NONE;
use hoptax::model::source::Source;
use hoptax::model::{Outcome, Plan};
use serde::{Deserialize, Serialize};

use crate::harness::Measured;
use crate::harness::quality::Quality;
use crate::load::Sent;
use crate::prepare::Prepared;
use crate::site::fault::times;

/// Requests that are looked at together where it is asked whether a client is as it was before a fault.
const BATCH: usize = 20;

/// A request, whichever way it went; times in ns since time zero.
#[derive(Clone, Copy, Debug)]
struct Trip {
    nth: u64,
    intended: u64,
    /// When it ended, and how; `None`: it was left open.
    ended: Option<(u64, Outcome)>,
}

impl Trip {
    /// How long it took, ms, if it went well.
    fn took(&self) -> Option<f64> {
        self.ended.filter(|(_, outcome)| outcome.is_good()).map(|(at, _)| (at - self.intended) as f64 / 1e6)
    }
}

/// Figures of a client's requests: how many, how many went well, and how long those took.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Figures {
    /// Requests that were meant to set out in the measured time.
    pub(crate) count: u64,
    /// Share of them that succeeded; not a number (`null`) where there are none.
    pub(crate) success: f64,
    /// Mean latency of those, ms; not a number where none did, and so the quantiles.
    pub(crate) mean_ms: f64,
    /// Quantiles of it, ms.
    pub(crate) p50_ms: f64,
    /// 90 %.
    pub(crate) p90_ms: f64,
    /// 99 %.
    pub(crate) p99_ms: f64,
}

/// The names of the figures that are compared.
pub(crate) const NAMES: [&str; 5] = ["success", "mean", "p50", "p90", "p99"];

impl Figures {
    fn of(trips: &[Trip]) -> Self {
        let mut took: Vec<f64> = trips.iter().filter_map(Trip::took).collect();
        took.sort_unstable_by(f64::total_cmp);
        let count = trips.len() as u64;
        let mean_ms = took.iter().sum::<f64>() / took.len() as f64;
        Self {
            count,
            success: took.len() as f64 / count as f64,
            mean_ms,
            p50_ms: quantile(&took, 0.5),
            p90_ms: quantile(&took, 0.9),
            p99_ms: quantile(&took, 0.99),
        }
    }

    /// In the order of their names.
    pub(crate) fn values(&self) -> [f64; 5] {
        [self.success, self.mean_ms, self.p50_ms, self.p90_ms, self.p99_ms]
    }
}

/// The quantile of sorted values; not a number where there are none.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(at.saturating_sub(1)).copied().unwrap_or(f64::NAN)
}

/// How near a measured figure is to the predicted one: 1 − |measured − predicted| ÷ predicted. Not a number where neither is
/// known, 0 where one is not.
pub(crate) fn accuracy(predicted: f64, measured: f64) -> f64 {
    if predicted == measured {
        return 1.0;
    }
    if predicted.is_nan() || measured.is_nan() {
        return if predicted.is_nan() && measured.is_nan() { f64::NAN } else { 0.0 };
    }
    if predicted == 0.0 { 0.0 } else { (1.0 - (measured - predicted).abs() / predicted).max(0.0) }
}

/// Request by request.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Paired {
    /// Requests that both have.
    pub(crate) pairs: u64,
    /// Share of them that ended the same way.
    pub(crate) same_end: f64,
    /// Measured less predicted of those that succeeded in both, ms: 5 %, half, 95 %.
    pub(crate) difference_ms: [f64; 3],
}

/// A client.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ClientRow {
    pub(crate) name: String,
    pub(crate) predicted: Figures,
    pub(crate) measured: Figures,
    /// By figure, in the order of [`NAMES`].
    pub(crate) accuracy: [f64; 5],
    /// Request by request, where it is an open client under the same draws.
    pub(crate) paired: Option<Paired>,
    /// By figure: the range in which 95 % of single runs lie, where the runs are independent.
    pub(crate) one_run: Option<[[f64; 2]; 5]>,
}

/// A node.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct NodeRow {
    pub(crate) name: String,
    /// Requests that arrived: predicted, measured.
    pub(crate) arrivals: [u64; 2],
    /// Workers held on average.
    pub(crate) busy: [f64; 2],
    /// Requests in line on average.
    pub(crate) queued: [f64; 2],
}

/// What a fault did to a client.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct FaultRow {
    pub(crate) name: String,
    pub(crate) client: String,
    /// Share of the requests that set out while it was on that succeeded: predicted, measured; not a number where none did set out.
    pub(crate) success: [f64; 2],
    /// From its end until the client was as before it, s; `None`: never, or it cannot be told.
    pub(crate) recovery_s: [Option<f64>; 2],
    /// Whether there were requests before it, and enough after it, to tell.
    pub(crate) recovery_known: [bool; 2],
}

/// A run beside its prediction.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Comparison {
    /// Of this format.
    pub(crate) schema_version: u32,
    pub(crate) scenario: String,
    /// Of the draws that both share; `None`: they are independent.
    pub(crate) shared_seed: Option<u64>,
    pub(crate) duration_s: f64,
    pub(crate) quality: Quality,
    pub(crate) clients: Vec<ClientRow>,
    pub(crate) nodes: Vec<NodeRow>,
    pub(crate) faults: Vec<FaultRow>,
    /// What is a stand-in, or not compared, and why.
    pub(crate) notes: Vec<String>,
}

impl ClientRow {
    /// The least accuracy of success, p50 and p99, of those that are known; 0 where none is.
    pub(crate) fn least(&self) -> f64 {
        let least = self.accuracy[0].min(self.accuracy[2]).min(self.accuracy[4]);
        if least.is_nan() { 0.0 } else { least }
    }
}

impl Comparison {
    /// The same over all clients.
    pub(crate) fn least(&self) -> f64 {
        self.clients.iter().map(ClientRow::least).fold(1.0, f64::min)
    }
}

/// A paired run beside its prediction.
pub(crate) fn paired(prepared: &Prepared, measured: &Measured) -> Comparison {
    let plan = &prepared.plan;
    let predicted = of_roots(plan, &prepared.roots(0));
    let real = of_sent(plan, &measured.sent);
    let clients = (0..plan.clients.len()).map(|at| client_row(plan, at, &predicted[at], &real[at])).collect();
    Comparison {
        shared_seed: Some(plan.seed),
        nodes: node_rows(prepared, measured),
        faults: fault_rows(plan, &predicted, &real),
        ..skeleton(prepared, measured, clients)
    }
}

/// A run beside the range of single runs with other draws.
pub(crate) fn independent(prepared: &Prepared, measured: &Measured, runs: u32) -> Comparison {
    let plan = &prepared.plan;
    let real = of_sent(plan, &measured.sent);
    let mut all: Vec<Vec<Figures>> = vec![Vec::new(); plan.clients.len()];
    for replication in 0..runs {
        let trips = of_roots(plan, &prepared.roots(replication));
        all.iter_mut().zip(&trips).for_each(|(own, trips)| own.push(Figures::of(trips)));
    }
    let row = |at: usize| {
        let (predicted, ranges) = middle_and_range(&all[at]);
        let measured = Figures::of(&real[at]);
        ClientRow { one_run: Some(ranges), ..row_of(plan, at, predicted, measured, None) }
    };
    let clients = (0..plan.clients.len()).map(row).collect();
    skeleton(prepared, measured, clients)
}

fn skeleton(prepared: &Prepared, measured: &Measured, clients: Vec<ClientRow>) -> Comparison {
    Comparison {
        schema_version: 1,
        scenario: prepared.name.clone(),
        shared_seed: None,
        duration_s: prepared.plan.duration.as_secs_f64(),
        quality: measured.quality,
        clients,
        nodes: Vec::new(),
        faults: Vec::new(),
        notes: notes(prepared),
    }
}

/// What is to be said of any run of this plan.
fn notes(prepared: &Prepared) -> Vec<String> {
    use hoptax::model::fault::{Effect, Mode};
    let plan = &prepared.plan;
    let network = if prepared.calibrated {
        "the network of the file is not emulated: the prediction takes it for what was calibrated here, without TLS"
    } else {
        "the network of the file is not emulated: the prediction runs with this machine's loopback, without TLS"
    };
    let mut all = vec![network.to_owned()];
    let has = |is: fn(Effect) -> bool| plan.faults.iter().any(|fault| is(fault.effect));
    if has(|effect| matches!(effect, Effect::Outage { mode: Mode::Hang })) {
        all.push("a hang is a stand-in: the process reads requests and answers nothing".to_owned());
    }
    if has(|effect| matches!(effect, Effect::Crash { .. })) {
        all.push("a process that was killed has lost its counts: its node's figures are of what came after".to_owned());
    }
    if !plan.queues.is_empty() {
        all.push(
            "queues are RabbitMQ's; what it takes is in the prediction as constants, its worst per cent is not"
                .to_owned(),
        );
    }
    if plan.queues.iter().any(|queue| queue.max_deliveries != NONE) {
        all.push(
            "a queue with `max_deliveries` is a quorum queue: what comes back to it may be overtaken, and is not in the prediction"
                .to_owned(),
        );
    }
    if plan.clients.iter().any(|client| matches!(client.source, Source::Closed(_))) {
        all.push("requests of closed clients are not paired: when one sets out depends on all before".to_owned());
    }
    all
}

/// The medians of figures, and the ranges of 95 % of them.
fn middle_and_range(all: &[Figures]) -> (Figures, [[f64; 2]; 5]) {
    let sorted = |at: usize| {
        let mut values: Vec<f64> = all.iter().map(|figures| figures.values()[at]).collect();
        values.sort_unstable_by(f64::total_cmp);
        values
    };
    let middle = |at: usize| quantile(&sorted(at), 0.5);
    let range = |at: usize| [quantile(&sorted(at), 0.025), quantile(&sorted(at), 0.975)];
    let count = all.iter().map(|figures| figures.count).sum::<u64>() / (all.len() as u64).max(1);
    let figures = Figures {
        count,
        success: middle(0),
        mean_ms: middle(1),
        p50_ms: middle(2),
        p90_ms: middle(3),
        p99_ms: middle(4),
    };
    (figures, std::array::from_fn(range))
}

fn of_roots(plan: &Plan, roots: &[Root]) -> Vec<Vec<Trip>> {
    let mut all = vec![Vec::new(); plan.clients.len()];
    for root in roots.iter().filter(|root| root.measured) {
        let ended = root.ended.map(|(at, outcome)| (at.0, outcome));
        all[root.client.index()].push(Trip { nth: root.nth, intended: root.intended.0, ended });
    }
    all
}

fn of_sent(plan: &Plan, sent: &[Sent]) -> Vec<Vec<Trip>> {
    let mut all = vec![Vec::new(); plan.clients.len()];
    for one in sent {
        let ended = one.how().map(|outcome| (one.ended.max(one.intended), outcome));
        all[one.client as usize].push(Trip { nth: one.nth, intended: one.intended, ended });
    }
    all.iter_mut().for_each(|trips| trips.sort_by_key(|trip: &Trip| (trip.intended, trip.nth)));
    all
}

fn row_of(plan: &Plan, at: usize, predicted: Figures, measured: Figures, paired: Option<Paired>) -> ClientRow {
    let (before, after) = (predicted.values(), measured.values());
    ClientRow {
        name: plan.node(plan.clients[at].node).name.clone(),
        predicted,
        measured,
        accuracy: std::array::from_fn(|figure| accuracy(before[figure], after[figure])),
        paired,
        one_run: None,
    }
}

fn client_row(plan: &Plan, at: usize, predicted: &[Trip], real: &[Trip]) -> ClientRow {
    let open = !matches!(plan.clients[at].source, Source::Closed(_));
    let pairs = open.then(|| pair(predicted, real));
    row_of(plan, at, Figures::of(predicted), Figures::of(real), pairs)
}

/// The same requests, one way and the other.
fn pair(predicted: &[Trip], real: &[Trip]) -> Paired {
    let by_number: BTreeMap<u64, &Trip> = real.iter().map(|trip| (trip.nth, trip)).collect();
    let pairs: Vec<(&Trip, &Trip)> =
        predicted.iter().filter_map(|trip| Some((trip, *by_number.get(&trip.nth)?))).collect();
    let how = |trip: &Trip| trip.ended.map(|(_, outcome)| outcome);
    let same = pairs.iter().filter(|(one, other)| how(one) == how(other)).count();
    let mut differences: Vec<f64> = pairs.iter().filter_map(|(one, other)| Some(other.took()? - one.took()?)).collect();
    differences.sort_unstable_by(f64::total_cmp);
    Paired {
        pairs: pairs.len() as u64,
        same_end: same as f64 / pairs.len() as f64,
        difference_ms: [0.05, 0.5, 0.95].map(|share| quantile(&differences, share)),
    }
}

fn node_rows(prepared: &Prepared, measured: &Measured) -> Vec<NodeRow> {
    let Some(summary) = prepared.summary() else { return Vec::new() };
    let length = prepared.plan.duration.0 as f64;
    let row = |(name, own): (&String, &hoptax::Node)| {
        let tally = measured.nodes.get(name)?;
        let mean = |estimate: &hoptax::Estimate| estimate.value.unwrap_or(0.0);
        Some(NodeRow {
            name: name.clone(),
            arrivals: [own.arrivals, tally.arrivals],
            busy: [mean(&own.mean_busy), tally.busy / length],
            queued: [mean(&own.mean_queue), tally.queued / length],
        })
    };
    summary.nodes.iter().filter_map(row).collect()
}

fn fault_rows(plan: &Plan, predicted: &[Vec<Trip>], real: &[Vec<Trip>]) -> Vec<FaultRow> {
    let row = |fault: &Fault, at: usize| {
        let both = [&predicted[at], &real[at]];
        FaultRow {
            name: fault.name.clone(),
            client: plan.node(plan.clients[at].node).name.clone(),
            success: both.map(|trips| during(trips, times(fault))),
            recovery_s: both.map(|trips| recovery(trips, times(fault))),
            recovery_known: both.map(|trips| is_known(trips, times(fault))),
        }
    };
    plan.faults.iter().flat_map(|fault| (0..plan.clients.len()).map(move |at| row(fault, at))).collect()
}

/// The share of the requests that set out meanwhile that succeeded.
fn during(trips: &[Trip], (from, until): (u64, u64)) -> f64 {
    let own: Vec<Trip> = trips.iter().filter(|trip| (from..until).contains(&trip.intended)).copied().collect();
    Figures::of(&own).success
}

/// From the end of a fault until the first requests in a row that succeed as often as before it and take no longer in the middle
/// than a quarter more, s.
fn recovery(trips: &[Trip], (from, until): (u64, u64)) -> Option<f64> {
    let before: Vec<Trip> = trips.iter().filter(|trip| trip.intended < from).copied().collect();
    let usual = Figures::of(&before);
    let after: Vec<Trip> = trips.iter().filter(|trip| trip.intended >= until).copied().collect();
    let at = after.windows(BATCH).position(|batch| {
        let now = Figures::of(batch);
        now.success >= usual.success - 0.05 && now.p50_ms <= 1.25 * usual.p50_ms
    })?;
    // Who is well from the first request on has not waited for that one.
    Some(if at == 0 { 0.0 } else { (after[at].intended - until) as f64 / 1e9 })
}

/// Whether some requests set out before a fault, and a batch of them after it.
fn is_known(trips: &[Trip], (from, until): (u64, u64)) -> bool {
    trips.iter().any(|trip| trip.intended < from && trip.took().is_some())
        && trips.iter().filter(|trip| trip.intended >= until).count() >= BATCH
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trip(nth: u64, took: u64) -> Trip {
        Trip { nth, intended: nth, ended: (took > 0).then_some((nth + took, Outcome::Succeeded)) }
    }

    #[test]
    fn requests_are_paired_by_their_number() {
        let ms = 1_000_000;
        let predicted = [trip(0, 10 * ms), trip(1, 20 * ms), trip(2, 0)];
        let real = [trip(2, 5 * ms), trip(1, 23 * ms), trip(0, 11 * ms)];
        let paired = pair(&predicted, &real);
        assert_eq!((paired.pairs, paired.difference_ms), (3, [1.0, 1.0, 3.0]));
        assert!((paired.same_end - 2.0 / 3.0).abs() < 1e-9);
    }

    #[test]
    fn accuracy_is_a_share_of_what_was_predicted() {
        assert!((accuracy(200.0, 190.0) - 0.95).abs() < 1e-12);
        assert_eq!((accuracy(0.0, 0.0), accuracy(0.0, 1.0), accuracy(1.0, 3.0)), (1.0, 0.0, 0.0));
        assert_eq!((accuracy(f64::NAN, 1.0), accuracy(1.0, f64::NAN)), (0.0, 0.0), "one side knows nothing");
    }

    #[test]
    fn what_is_left_open_is_lost_and_nothing_is_not_all() {
        let figures = Figures::of(&[trip(0, 1_000_000), trip(1, 0)]);
        assert_eq!((figures.count, figures.success, figures.p50_ms), (2, 0.5, 1.0));
        let lost = Figures::of(&[trip(0, 0)]);
        assert!(lost.success == 0.0 && lost.mean_ms.is_nan() && lost.p99_ms.is_nan(), "{lost:?}");
        assert!(Figures::of(&[]).success.is_nan());
        assert!(accuracy(f64::NAN, f64::NAN).is_nan(), "who knows nothing agrees with nobody");
    }

    #[test]
    fn a_fault_that_nobody_saw_is_not_judged() {
        let ms = 1_000_000;
        let one = |nth| Trip { nth, intended: nth * ms, ended: Some(((nth + 1) * ms, Outcome::Succeeded)) };
        let trips: Vec<Trip> = (0..40).map(one).collect();
        let of = |from, until| (is_known(&trips, (from * ms, until * ms)), recovery(&trips, (from * ms, until * ms)));
        assert!(of(5, 6).0);
        assert!(!of(0, 6).0, "nothing before it");
        assert!(!of(5, 25).0, "too little after it");
        assert!(during(&trips, (100 * ms, 200 * ms)).is_nan());
    }
}

//! One station: a client, a line, some workers.

use serde::Deserialize;

use super::figure::{Figure, Mode, Part, Reading, Seen, equal, percentiles};
use super::record::Model;
use super::sheet::{Asked, Law, Sheet, UNLIMITED, exponential, poisson, rate, span, work};

/// `callers` at the given load, one `station`.
pub(super) fn station(asked: &Asked<'_>, per_second: f64, load: &str, workers: u32, lines: &str) -> Sheet {
    Sheet::new(asked, per_second, 1.0).client("callers", "station", load).service("station", workers, lines)
}

/// A station under Poisson load.
fn plain(asked: &Asked<'_>, lambda: f64, workers: u32, lines: &str) -> Sheet {
    station(asked, lambda, &poisson(lambda), workers, lines)
}

/// What a station answers, by the names theory uses.
pub(super) fn answers(seen: &Seen<'_>) -> Vec<Reading> {
    let mut all = vec![
        equal("utilization", seen.utilization("station")),
        equal("p_wait", seen.share("station", |n| &n.p_wait)),
        equal("mean_wait", seen.wait("station", Part::Mean)),
        equal("var_wait", seen.wait("station", Part::Var)),
        equal("mean_sojourn", seen.sojourn("station", Part::Mean)),
        equal("var_sojourn", seen.sojourn("station", Part::Var)),
        equal("mean_in_system", seen.level("station", |n| &n.mean_in_system)),
        equal("mean_queue_len", seen.level("station", |n| &n.mean_queue)),
    ];
    all.extend(percentiles("wait_", |part| seen.wait("station", part)));
    all.extend(percentiles("sojourn_", |part| seen.sojourn("station", part)));
    all
}

#[derive(Debug, Deserialize)]
pub(super) struct Mm1 {
    lambda: f64,
    mu: f64,
}

impl Model for Mm1 {
    fn scenario(&self, asked: &Asked<'_>) -> Sheet {
        plain(asked, self.lambda, 1, &work(&exponential(self.mu)))
    }

    fn readings(&self, seen: &Seen<'_>) -> Vec<Reading> {
        answers(seen)
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Mmc {
    lambda: f64,
    mu: f64,
    servers: u32,
}

impl Model for Mmc {
    fn scenario(&self, asked: &Asked<'_>) -> Sheet {
        plain(asked, self.lambda, self.servers, &work(&exponential(self.mu)))
    }

    fn readings(&self, seen: &Seen<'_>) -> Vec<Reading> {
        answers(seen)
    }
}

/// At most `capacity` requests at the station, in line or served.
#[derive(Debug, Deserialize)]
pub(super) struct Mmck {
    lambda: f64,
    mu: f64,
    servers: u32,
    capacity: u32,
}

impl Model for Mmck {
    fn scenario(&self, asked: &Asked<'_>) -> Sheet {
        let lines = format!("queue_limit = {}\n{}", self.capacity - self.servers, work(&exponential(self.mu)));
        plain(asked, self.lambda, self.servers, &lines)
    }

    fn readings(&self, seen: &Seen<'_>) -> Vec<Reading> {
        let mut all = answers(seen);
        all.retain(|(metric, ..)| metric != "mean_sojourn");
        all.extend([
            equal("mean_sojourn", seen.latency("callers", Part::Mean)),
            equal("p_loss", seen.failure("callers")),
            equal("throughput", seen.throughput("callers")),
            equal("p_wait_accepted", seen.share("station", |n| &n.p_wait)),
        ]);
        all
    }
}

/// No line at all.
#[derive(Debug, Deserialize)]
pub(super) struct ErlangB {
    lambda: f64,
    service: Law,
    servers: u32,
}

impl Model for ErlangB {
    fn scenario(&self, asked: &Asked<'_>) -> Sheet {
        plain(asked, self.lambda, self.servers, &format!("queue_limit = 0\n{}", work(&self.service)))
    }

    fn readings(&self, seen: &Seen<'_>) -> Vec<Reading> {
        vec![
            equal("p_loss", seen.failure("callers")),
            equal("mean_busy", seen.level("station", |n| &n.mean_busy)),
            equal("throughput", seen.throughput("callers")),
        ]
    }
}

/// A worker for everyone.
#[derive(Debug, Deserialize)]
pub(super) struct Mminf {
    lambda: f64,
    service: Law,
}

impl Model for Mminf {
    fn scenario(&self, asked: &Asked<'_>) -> Sheet {
        plain(asked, self.lambda, UNLIMITED, &work(&self.service))
    }

    /// Percentiles of a number of requests are whole numbers: one off is near enough.
    fn readings(&self, seen: &Seen<'_>) -> Vec<Reading> {
        let whole = |metric: &str, figure: Figure| (metric.to_owned(), figure, Mode::Within(1.0));
        vec![
            equal("mean_in_flight", seen.level("station", |n| &n.mean_in_system)),
            equal("var_in_flight", seen.level("station", |n| &n.in_system.var)),
            whole("inflight_p50", seen.level("station", |n| &n.in_system.p50)),
            whole("inflight_p95", seen.level("station", |n| &n.in_system.p95)),
            whole("inflight_p99", seen.level("station", |n| &n.in_system.p99)),
            whole("inflight_p999", seen.level("station", |n| &n.in_system.p999)),
        ]
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Mg1 {
    lambda: f64,
    service: Law,
}

impl Model for Mg1 {
    fn scenario(&self, asked: &Asked<'_>) -> Sheet {
        plain(asked, self.lambda, 1, &work(&self.service))
    }

    fn readings(&self, seen: &Seen<'_>) -> Vec<Reading> {
        answers(seen)
    }

    fn is_heavy(&self) -> bool {
        self.service.is_heavy()
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Mdc {
    lambda: f64,
    service_time: f64,
    servers: u32,
}

impl Model for Mdc {
    fn scenario(&self, asked: &Asked<'_>) -> Sheet {
        plain(asked, self.lambda, self.servers, &work(&Law::Constant { mean: self.service_time }))
    }

    fn readings(&self, seen: &Seen<'_>) -> Vec<Reading> {
        answers(seen)
    }
}

/// Arrivals `gaps` apart.
fn spaced(asked: &Asked<'_>, gaps: &Law, lines: &str) -> Sheet {
    let per_second = 1.0 / gaps.mean();
    let load = match gaps {
        Law::Constant { .. } => format!("arrivals = \"constant\"\nrate = \"{}\"", rate(per_second)),
        _ => format!("arrivals = {}", gaps.written()),
    };
    station(asked, per_second, &load, 1, lines)
}

#[derive(Debug, Deserialize)]
pub(super) struct Gim1 {
    gaps: Law,
    mu: f64,
}

impl Model for Gim1 {
    fn scenario(&self, asked: &Asked<'_>) -> Sheet {
        spaced(asked, &self.gaps, &work(&exponential(self.mu)))
    }

    fn readings(&self, seen: &Seen<'_>) -> Vec<Reading> {
        answers(seen)
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Gg1 {
    gaps: Law,
    service: Law,
}

impl Model for Gg1 {
    fn scenario(&self, asked: &Asked<'_>) -> Sheet {
        spaced(asked, &self.gaps, &work(&self.service))
    }

    fn readings(&self, seen: &Seen<'_>) -> Vec<Reading> {
        let wait = seen.wait("station", Part::Mean);
        let mut all = answers(seen);
        all.push(("mean_wait_upper".into(), wait, Mode::AtMost(0.0)));
        all.push(("mean_wait_lower".into(), wait, Mode::AtLeast(0.0)));
        all.push(("mean_wait_klb_approx".into(), wait, Mode::Near(0.15)));
        all
    }
}

/// One core, shared by everyone there.
#[derive(Debug, Deserialize)]
pub(super) struct Mg1Ps {
    lambda: f64,
    service: Law,
}

impl Model for Mg1Ps {
    fn scenario(&self, asked: &Asked<'_>) -> Sheet {
        plain(asked, self.lambda, UNLIMITED, &format!("cores = 1\n{}", work(&self.service)))
    }

    fn readings(&self, seen: &Seen<'_>) -> Vec<Reading> {
        answers(seen)
    }
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Order {
    LastFirst,
    LastFirstPreemptive,
    Random,
}

#[derive(Debug, Deserialize)]
pub(super) struct Mg1Lifo {
    lambda: f64,
    service: Law,
    order: Order,
}

impl Model for Mg1Lifo {
    fn scenario(&self, asked: &Asked<'_>) -> Sheet {
        let order = match self.order {
            Order::LastFirst => "queue_order = \"lifo\"",
            Order::LastFirstPreemptive => "queue_order = \"lifo\"\npreemptive = true",
            Order::Random => "queue_order = \"random\"",
        };
        plain(asked, self.lambda, 1, &format!("{order}\n{}", work(&self.service)))
    }

    fn readings(&self, seen: &Seen<'_>) -> Vec<Reading> {
        answers(seen)
    }
}

#[derive(Debug, Deserialize)]
struct Class {
    lambda: f64,
    service: Law,
}

/// A client and an endpoint for every class; class 0 goes first.
#[derive(Debug, Deserialize)]
pub(super) struct Mg1Priority {
    classes: Vec<Class>,
    preemptive: bool,
}

impl Model for Mg1Priority {
    fn scenario(&self, asked: &Asked<'_>) -> Sheet {
        let all = self.classes.iter().map(|c| c.lambda).sum();
        let lines = format!("queue_order = \"priority\"\npreemptive = {}", self.preemptive);
        let sheet = Sheet::new(asked, all, 1.0).service("station", 1, &lines);
        self.classes.iter().enumerate().fold(sheet, |sheet, (i, class)| {
            let load = format!("{}\npriority = {i}", poisson(class.lambda));
            sheet
                .client(&format!("class{i}"), &format!("station.class{i}"), &load)
                .table(&format!("services.station.endpoints.class{i}"), &work(&class.service))
        })
    }

    fn readings(&self, seen: &Seen<'_>) -> Vec<Reading> {
        let each = self.classes.iter().enumerate().map(|(i, class)| {
            let sojourn = seen.latency(&format!("class{i}"), Part::Mean);
            let wait = sojourn - Figure::sure(class.service.mean());
            [equal(format!("mean_sojourn_{i}"), sojourn), equal(format!("mean_wait_{i}"), wait)]
        });
        each.flatten().collect()
    }
}

/// Several arrive at once.
#[derive(Debug, Deserialize)]
pub(super) struct BatchMm1 {
    batches: f64,
    batch: u32,
    geometric: bool,
    mu: f64,
}

impl Model for BatchMm1 {
    fn scenario(&self, asked: &Asked<'_>) -> Sheet {
        let batch = self.batch;
        let law =
            if self.geometric { format!("{{ dist = \"geometric\", mean = {batch} }}") } else { batch.to_string() };
        let load = format!("{}\nbatch = {law}", poisson(self.batches));
        station(asked, self.batches * f64::from(batch), &load, 1, &work(&exponential(self.mu)))
    }

    fn readings(&self, seen: &Seen<'_>) -> Vec<Reading> {
        answers(seen)
    }
}

/// Poisson arrivals whose rate jumps between two levels.
#[derive(Debug, Deserialize)]
pub(super) struct MmppM1 {
    low: f64,
    high: f64,
    leave_low: f64,
    leave_high: f64,
    mu: f64,
}

impl Model for MmppM1 {
    fn scenario(&self, asked: &Asked<'_>) -> Sheet {
        let load = format!(
            "arrivals = \"bursty\"\nbursty = {{ low = \"{}\", high = \"{}\", stay_low = \"{}\", stay_high = \"{}\" }}",
            rate(self.low),
            rate(self.high),
            span(1.0 / self.leave_low),
            span(1.0 / self.leave_high)
        );
        let mean = (self.low * self.leave_high + self.high * self.leave_low) / (self.leave_low + self.leave_high);
        station(asked, mean, &load, 1, &work(&exponential(self.mu)))
    }

    fn readings(&self, seen: &Seen<'_>) -> Vec<Reading> {
        let mut all = answers(seen);
        all.push(equal("mean_rate", seen.throughput("callers")));
        all
    }
}

/// Who waits too long leaves.
#[derive(Debug, Deserialize)]
pub(super) struct ErlangA {
    lambda: f64,
    mu: f64,
    theta: f64,
    servers: u32,
}

impl Model for ErlangA {
    fn scenario(&self, asked: &Asked<'_>) -> Sheet {
        let patience = exponential(self.theta).written();
        let lines = format!("queue_timeout = {patience}\n{}", work(&exponential(self.mu)));
        plain(asked, self.lambda, self.servers, &lines)
    }

    /// The wait of all, of those who left too, by Little's law.
    fn readings(&self, seen: &Seen<'_>) -> Vec<Reading> {
        vec![
            equal("p_abandon", seen.failure("callers")),
            equal("mean_wait_all", seen.level("station", |n| &n.mean_queue) * (1.0 / self.lambda)),
            equal("p_wait", seen.share("station", |n| &n.p_wait)),
            equal("utilization", seen.utilization("station")),
        ]
    }
}

/// What arrivals see and what a clock sees.
#[derive(Debug, Deserialize)]
pub(super) struct Pasta {
    lambda: f64,
    mu: f64,
    capacity: u32,
}

impl Model for Pasta {
    fn scenario(&self, asked: &Asked<'_>) -> Sheet {
        let lines = format!("queue_limit = {}\n{}", self.capacity - 1, work(&exponential(self.mu)));
        plain(asked, self.lambda, 1, &lines)
    }

    fn readings(&self, seen: &Seen<'_>) -> Vec<Reading> {
        vec![
            equal("arrival_p_full", seen.failure("callers")),
            equal("time_p_full", seen.share("station", |n| &n.p_full)),
            equal("time_p_empty", seen.utilization("station").complement()),
        ]
    }
}

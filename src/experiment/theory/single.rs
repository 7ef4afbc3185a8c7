//! One station: a client, a line, some workers.

use serde::Deserialize;

use super::figure::{Figure, Mode, Part, Reading, Seen, equal, percentiles};
use super::record::Model;
use super::sheet::{Asked, Law, Sheet, UNLIMITED, exponential, poisson, work};

/// `callers` at the given load, one `station`.
pub(super) fn station(asked: &Asked<'_>, per_second: f64, load: &str, workers: u32, lines: &str) -> Sheet {
    Sheet::new(asked, per_second, 1.0).client("callers", "station", load).service("station", workers, lines)
}

/// A station under Poisson load.
pub(super) fn plain(asked: &Asked<'_>, lambda: f64, workers: u32, lines: &str) -> Sheet {
    station(asked, lambda, &poisson(lambda), workers, lines)
}

/// What a station answers, by the names theory uses.
pub(super) fn answers(seen: Seen<'_>) -> Vec<Reading> {
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

    fn readings(&self, seen: Seen<'_>) -> Vec<Reading> {
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

    fn readings(&self, seen: Seen<'_>) -> Vec<Reading> {
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

    fn readings(&self, seen: Seen<'_>) -> Vec<Reading> {
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

    fn readings(&self, seen: Seen<'_>) -> Vec<Reading> {
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
    fn readings(&self, seen: Seen<'_>) -> Vec<Reading> {
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

    fn readings(&self, seen: Seen<'_>) -> Vec<Reading> {
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

    fn readings(&self, seen: Seen<'_>) -> Vec<Reading> {
        answers(seen)
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

    fn readings(&self, seen: Seen<'_>) -> Vec<Reading> {
        vec![
            equal("arrival_p_full", seen.failure("callers")),
            equal("time_p_full", seen.share("station", |n| &n.p_full)),
            equal("time_p_empty", seen.utilization("station").complement()),
        ]
    }
}

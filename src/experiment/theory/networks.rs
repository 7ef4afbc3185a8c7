//! Several stations. A hub that holds nothing walks from one to the next.

use serde::Deserialize;

use super::figure::{Figure, Mode, Part, Reading, Seen, equal, percentiles};
use super::record::Model;
use super::sheet::{Asked, Law, Sheet, UNLIMITED, exponential, poisson, rate, rest, work};

/// `"s0", "s1", …`.
fn names(count: usize) -> String {
    (0..count).map(|i| format!("\"s{i}\"")).collect::<Vec<_>>().join(", ")
}

/// A hub that calls stations `s0`, `s1`, … in turn, under the given load.
pub(super) fn line(asked: &Asked<'_>, per_second: f64, load: &str, stations: &[(u32, Law)]) -> Sheet {
    let sheet = Sheet::new(asked, per_second, stations.len() as f64).client("callers", "hub", load);
    with_stations(sheet.hub(&names(stations.len())), stations)
}

fn with_stations(sheet: Sheet, stations: &[(u32, Law)]) -> Sheet {
    stations
        .iter()
        .enumerate()
        .fold(sheet, |sheet, (i, (workers, law))| sheet.service(&format!("s{i}"), *workers, &work(law)))
}

#[derive(Debug, Deserialize)]
pub(super) struct TandemMm1 {
    lambda: f64,
    mus: Vec<f64>,
}

impl Model for TandemMm1 {
    fn scenario(&self, asked: &Asked<'_>) -> Sheet {
        let stations: Vec<_> = self.mus.iter().map(|mu| (1, exponential(*mu))).collect();
        line(asked, self.lambda, &poisson(self.lambda), &stations)
    }

    fn readings(&self, seen: Seen<'_>) -> Vec<Reading> {
        let mut all = vec![
            equal("mean_sojourn", seen.latency("callers", Part::Mean)),
            equal("var_sojourn", seen.latency("callers", Part::Var)),
        ];
        all.extend(percentiles("sojourn_", |part| seen.latency("callers", part)));
        let waits =
            (0..self.mus.len()).map(|i| equal(format!("mean_wait_{i}"), seen.wait(&format!("s{i}"), Part::Mean)));
        all.extend(waits);
        all
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct TandemDet {
    lambda: f64,
    service_times: Vec<f64>,
}

impl Model for TandemDet {
    fn scenario(&self, asked: &Asked<'_>) -> Sheet {
        let stations: Vec<_> = self.service_times.iter().map(|&mean| (1, Law::Constant { mean })).collect();
        line(asked, self.lambda, &poisson(self.lambda), &stations)
    }

    fn readings(&self, seen: Seen<'_>) -> Vec<Reading> {
        let sojourn = seen.latency("callers", Part::Mean);
        let service = Figure::sure(self.service_times.iter().sum());
        vec![equal("mean_sojourn", sojourn), equal("total_mean_wait", sojourn - service)]
    }
}

/// Endpoint `at<i>` of the hub visits station `i`, then goes on as the routing says, or ends.
#[derive(Debug, Deserialize)]
pub(super) struct Jackson {
    arrivals: Vec<f64>,
    routing: Vec<Vec<f64>>,
    mus: Vec<f64>,
    servers: Vec<u32>,
}

impl Jackson {
    fn entered(&self) -> impl Iterator<Item = (usize, f64)> {
        self.arrivals.iter().copied().enumerate().filter(|(_, per_second)| *per_second > 0.0)
    }

    fn steps(&self, i: usize) -> String {
        let go = self.routing[i].iter().enumerate().filter(|(_, weight)| **weight > 0.0);
        let mut arms: Vec<_> =
            go.map(|(j, weight)| format!("{{ weight = {weight}, steps = [\"hub.at{j}\"] }}")).collect();
        if arms.is_empty() {
            return format!("\"s{i}\"");
        }
        let end = rest(self.routing[i].iter().sum());
        if end > 0.0 {
            arms.push(format!("{{ weight = {end}, steps = [] }}"));
        }
        format!("\"s{i}\", {{ split = [{}] }}", arms.join(", "))
    }
}

impl Model for Jackson {
    fn scenario(&self, asked: &Asked<'_>) -> Sheet {
        let mut sheet = Sheet::new(asked, self.arrivals.iter().sum(), 8.0).service("hub", UNLIMITED, "io = \"async\"");
        for (i, per_second) in self.entered() {
            sheet = sheet.client(&format!("callers{i}"), &format!("hub.at{i}"), &poisson(per_second));
        }
        for i in 0..self.mus.len() {
            let lines = format!("work = \"0ns\"\nsteps = [{}]", self.steps(i));
            sheet = sheet.table(&format!("services.hub.endpoints.at{i}"), &lines);
        }
        let stations: Vec<_> = self.servers.iter().copied().zip(self.mus.iter().map(|mu| exponential(*mu))).collect();
        with_stations(sheet, &stations)
    }

    fn readings(&self, seen: Seen<'_>) -> Vec<Reading> {
        let total: f64 = self.arrivals.iter().sum();
        let each = self.entered().map(|(i, x)| seen.latency(&format!("callers{i}"), Part::Mean) * (x / total));
        let mut all = vec![equal("mean_total_sojourn", each.sum())];
        for i in 0..self.mus.len() {
            let station = format!("s{i}");
            all.push(equal(format!("mean_in_system_{i}"), seen.level(&station, |n| &n.mean_in_system)));
            all.push(equal(format!("arrival_rate_{i}"), seen.arrival_rate(&station)));
        }
        all
    }
}

/// A fixed number of users who think, then pass through all stations.
#[derive(Debug, Deserialize)]
pub(super) struct Closed {
    users: u32,
    think: f64,
    service_means: Vec<f64>,
    servers: Vec<u32>,
}

impl Model for Closed {
    fn scenario(&self, asked: &Asked<'_>) -> Sheet {
        let think = Law::Exponential { mean: self.think }.written();
        let load = format!("users = {}\nthink_time = {think}", self.users);
        let laws = self.service_means.iter().map(|&mean| Law::Exponential { mean });
        let stations: Vec<_> = self.servers.iter().copied().zip(laws).collect();
        line(asked, asked.expected["throughput"], &load, &stations)
    }

    fn readings(&self, seen: Seen<'_>) -> Vec<Reading> {
        let throughput = seen.throughput("callers");
        let mut all = vec![
            equal("throughput", throughput),
            equal("mean_response", seen.latency("callers", Part::Mean)),
            ("asymptotic_bound_X".into(), throughput, Mode::AtMost(0.01)),
        ];
        for i in 0..self.servers.len() {
            let station = format!("s{i}");
            all.push(equal(format!("residence_{i}"), seen.sojourn(&station, Part::Mean)));
            all.push(equal(format!("utilization_{i}"), seen.utilization(&station)));
        }
        all
    }
}

/// All stations at once; the slowest decides.
#[derive(Debug, Deserialize)]
pub(super) struct ForkJoin {
    lambda: f64,
    mu: f64,
    branches: usize,
}

impl Model for ForkJoin {
    fn scenario(&self, asked: &Asked<'_>) -> Sheet {
        let branches: Vec<_> = (0..self.branches).map(|i| format!("{{ call = \"s{i}\" }}")).collect();
        let sheet = Sheet::new(asked, self.lambda, self.branches as f64)
            .client("callers", "hub", &poisson(self.lambda))
            .hub(&format!("{{ parallel = [{}] }}", branches.join(", ")));
        with_stations(sheet, &vec![(1, exponential(self.mu)); self.branches])
    }

    fn readings(&self, seen: Seen<'_>) -> Vec<Reading> {
        let response = seen.latency("callers", Part::Mean);
        vec![
            equal("mean_response", response),
            ("mean_response_approx".into(), response, Mode::Equal(Some(0.05))),
            ("upper_bound_independent".into(), response, Mode::AtMost(0.01)),
        ]
    }
}

/// Constant arrivals and spans: a station of `servers`, then the rest of the response elsewhere.
#[derive(Debug, Deserialize)]
pub(super) struct Little {
    lambda: f64,
    response: f64,
    service: f64,
    servers: u32,
}

impl Model for Little {
    fn scenario(&self, asked: &Asked<'_>) -> Sheet {
        let load = format!("arrivals = \"constant\"\nrate = \"{}\"", rate(self.lambda));
        let constant = |mean| Law::Constant { mean };
        let stations = [(self.servers, constant(self.service)), (UNLIMITED, constant(self.response - self.service))];
        line(asked, self.lambda, &load, &stations)
    }

    fn readings(&self, seen: Seen<'_>) -> Vec<Reading> {
        let there = |station| seen.level(station, |n| &n.mean_in_system);
        vec![equal("L", there("s0") + there("s1")), equal("U", seen.utilization("s0"))]
    }
}

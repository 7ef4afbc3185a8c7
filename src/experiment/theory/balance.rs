//! Several replicas: who gets the next request.

use serde::Deserialize;

use super::figure::{Mode, Part, Reading, Seen, equal};
use super::record::Model;
use super::sheet::{Asked, Sheet, exponential, poisson, work};
use super::single::{answers, station};

/// A station of replicas with `workers` each, under Poisson load that keeps them busy for the share `rho` of the time.
fn replicated(asked: &Asked<'_>, rho: f64, mu: f64, (replicas, workers): (u32, u32), balancing: &str) -> Sheet {
    let lambda = rho * mu * f64::from(replicas * workers);
    let lines = format!("replicas = {replicas}\n{}", work(&exponential(mu)));
    station(asked, lambda, &poisson(lambda), workers, &lines)
        .discovery(&format!("load_balancing = {balancing}\nbalance_per = \"request\""))
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Policy {
    Random,
    RoundRobin,
    Central,
}

/// Random, round robin, or one line for all.
#[derive(Debug, Deserialize)]
pub(super) struct LbCompare {
    rho: f64,
    mu: f64,
    replicas: u32,
    policy: Policy,
}

impl Model for LbCompare {
    fn scenario(&self, asked: &Asked<'_>) -> Sheet {
        let (shape, balancing) = match self.policy {
            Policy::Random => ((self.replicas, 1), "\"random\""),
            Policy::RoundRobin => ((self.replicas, 1), "\"round_robin\""),
            Policy::Central => ((1, self.replicas), "\"round_robin\""),
        };
        replicated(asked, self.rho, self.mu, shape, balancing)
    }

    fn readings(&self, seen: Seen<'_>) -> Vec<Reading> {
        answers(seen)
    }
}

/// The shortest of a few lines, drawn anew for every request.
#[derive(Debug, Deserialize)]
pub(super) struct PowerOfD {
    rho: f64,
    mu: f64,
    choices: u32,
    replicas: u32,
}

impl Model for PowerOfD {
    /// Three times as many arrivals: they are spread over hundreds of replicas.
    fn scenario(&self, asked: &Asked<'_>) -> Sheet {
        let more = Asked { arrivals: 3 * asked.arrivals, ..*asked };
        let balancing = format!("\"least_request\"\nchoices = {}", self.choices);
        replicated(&more, self.rho, self.mu, (self.replicas, 1), &balancing)
    }

    /// Few replicas are further from the limit.
    fn readings(&self, seen: Seen<'_>) -> Vec<Reading> {
        let floor = if self.replicas >= 500 { 0.01 } else { 0.02 };
        vec![
            ("mean_sojourn".into(), seen.sojourn("station", Part::Mean), Mode::Equal(Some(floor))),
            equal("frac_servers_ge_1", seen.utilization("station")),
        ]
    }
}

/// The shorter of two lines.
#[derive(Debug, Deserialize)]
pub(super) struct Jsq2 {
    rho: f64,
    mu: f64,
}

impl Model for Jsq2 {
    fn scenario(&self, asked: &Asked<'_>) -> Sheet {
        replicated(asked, self.rho, self.mu, (2, 1), "\"least_request\"\nchoices = \"all\"")
    }

    fn readings(&self, seen: Seen<'_>) -> Vec<Reading> {
        answers(seen)
    }
}

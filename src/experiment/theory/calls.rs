//! Calls: callers that hold their worker while they wait, and what becomes of spans that are added or raced.

use serde::Deserialize;

use super::figure::{Mode, Part, Reading, Seen, equal, percentiles};
use super::networks::line;
use super::record::Model;
use super::sheet::{Asked, Law, Sheet, UNLIMITED, exponential, poisson, span, work};

/// Requests per second where nothing queues.
const EASY: f64 = 100.0;

/// Blocking services `<tag>0`, `<tag>1`, …: each does its work, calls the next, and does the work `after` that.
fn chain(sheet: Sheet, tag: &str, workers: &[u32], before: &[Law], after: &[Law]) -> Sheet {
    workers.iter().enumerate().fold(sheet, |sheet, (i, count)| {
        let mut steps = Vec::new();
        if i + 1 < workers.len() {
            steps.push(format!("\"{tag}{}\"", i + 1));
        }
        if let Some(law) = after.get(i) {
            steps.push(format!("{{ {} }}", work(law)));
        }
        let lines = format!("io = \"blocking\"\n{}\nsteps = [{}]", work(&before[i]), steps.join(", "));
        sheet.service(&format!("{tag}{i}"), *count, &lines)
    })
}

/// What the tiers answer.
fn tiers(seen: Seen<'_>, count: usize) -> Vec<Reading> {
    let each = (0..count).flat_map(|i| {
        let tier = format!("tier{i}");
        [
            equal(format!("mean_workers_busy_{i}"), seen.level(&tier, |n| &n.mean_busy)),
            equal(format!("mean_queue_{i}"), seen.level(&tier, |n| &n.mean_queue)),
            equal(format!("mean_wait_{i}"), seen.wait(&tier, Part::Mean)),
            equal(format!("mean_sojourn_{i}"), seen.sojourn(&tier, Part::Mean)),
        ]
    });
    each.chain([equal("mean_sojourn", seen.sojourn("tier0", Part::Mean))]).collect()
}

/// A second copy of the chain, with more users than its first tier has workers, shows what it can do at most.
#[derive(Debug, Deserialize)]
pub(super) struct NestedExp {
    lambda: f64,
    workers: Vec<u32>,
    mus: Vec<f64>,
}

impl Model for NestedExp {
    fn scenario(&self, asked: &Asked<'_>) -> Sheet {
        let before: Vec<_> = self.mus.iter().map(|mu| exponential(*mu)).collect();
        let crowd = format!("users = {}\nthink_time = \"0ns\"", 2 * self.workers[0] + 10);
        let sheet = Sheet::new(asked, self.lambda, 3.0 * self.workers.len() as f64)
            .client("callers", "tier0", &poisson(self.lambda))
            .client("crowd", "full0", &crowd);
        let sheet = chain(sheet, "tier", &self.workers, &before, &[]);
        chain(sheet, "full", &self.workers, &before, &[])
    }

    fn readings(&self, seen: Seen<'_>) -> Vec<Reading> {
        let most = seen.throughput("crowd");
        let mut all = tiers(seen, self.workers.len());
        all.push(equal("throughput", seen.throughput("callers")));
        all.push(equal("max_throughput", most));
        all.push(("naive_bound_min_c_over_hold".into(), most, Mode::AtMost(0.0)));
        all
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct NestedGeneral {
    lambda: f64,
    workers: Vec<u32>,
    before: Vec<Law>,
    after: Vec<Law>,
}

impl Model for NestedGeneral {
    fn scenario(&self, asked: &Asked<'_>) -> Sheet {
        let sheet = Sheet::new(asked, self.lambda, self.workers.len() as f64);
        let sheet = sheet.client("callers", "tier0", &poisson(self.lambda));
        chain(sheet, "tier", &self.workers, &self.before, &self.after)
    }

    fn readings(&self, seen: Seen<'_>) -> Vec<Reading> {
        let mut all = tiers(seen, self.workers.len());
        all.extend(percentiles("sojourn_", |part| seen.sojourn("tier0", part)));
        all
    }
}

/// A hub that calls a leaf which never queues.
fn spread(asked: &Asked<'_>, leaf: &Law, calls: f64, steps: &str) -> Sheet {
    Sheet::new(asked, EASY, calls).client("callers", "hub", &poisson(EASY)).hub(steps).service(
        "leaf",
        UNLIMITED,
        &work(leaf),
    )
}

/// A second client gives up at the leaf's p99: its failures are the requests with a leaf slower than that.
#[derive(Debug, Deserialize)]
pub(super) struct FanoutMax {
    leaf: Law,
    leaves: u32,
}

impl Model for FanoutMax {
    fn scenario(&self, asked: &Asked<'_>) -> Sheet {
        let steps = format!("{{ parallel = [{{ call = \"leaf\", times = {} }}] }}", self.leaves);
        let strict = format!("{}\ntimeout = \"{}\"", poisson(EASY), span(asked.expected["leaf_p99"]));
        spread(asked, &self.leaf, 2.0 * f64::from(self.leaves), &steps).client("strict", "hub", &strict)
    }

    fn readings(&self, seen: Seen<'_>) -> Vec<Reading> {
        let mut all = vec![
            equal("mean_max", seen.latency("callers", Part::Mean)),
            equal("leaf_p99", seen.sojourn("leaf", Part::P99)),
            equal("p_any_above_leaf_p99", seen.failure("strict")),
        ];
        all.extend(percentiles("max_", |part| seen.latency("callers", part)));
        all
    }

    fn is_heavy(&self) -> bool {
        self.leaf.is_heavy()
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Quorum {
    leaf: Law,
    leaves: usize,
    needed: u32,
}

impl Model for Quorum {
    fn scenario(&self, asked: &Asked<'_>) -> Sheet {
        let branches = vec!["{ call = \"leaf\" }"; self.leaves].join(", ");
        let steps = format!("{{ parallel = [{branches}], wait_for = {} }}", self.needed);
        spread(asked, &self.leaf, self.leaves as f64, &steps)
    }

    fn readings(&self, seen: Seen<'_>) -> Vec<Reading> {
        let mut all = vec![equal("mean", seen.latency("callers", Part::Mean))];
        all.extend(percentiles("lat_", |part| seen.latency("callers", part)));
        all
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct SerialSum {
    hops: Vec<Law>,
}

impl Model for SerialSum {
    fn scenario(&self, asked: &Asked<'_>) -> Sheet {
        let stations: Vec<_> = self.hops.iter().map(|law| (UNLIMITED, law.clone())).collect();
        line(asked, EASY, &poisson(EASY), &stations)
    }

    fn readings(&self, seen: Seen<'_>) -> Vec<Reading> {
        let mut all =
            vec![equal("mean", seen.latency("callers", Part::Mean)), equal("var", seen.latency("callers", Part::Var))];
        all.extend(percentiles("", |part| seen.latency("callers", part)));
        all
    }
}

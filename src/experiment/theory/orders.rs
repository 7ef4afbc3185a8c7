//! One station whose line is not first come, first served: shared, last come first, by chance, by rank, impatient.

use serde::Deserialize;

use super::figure::{Figure, Part, Reading, Seen, equal};
use super::record::Model;
use super::sheet::{Asked, Law, Sheet, UNLIMITED, exponential, poisson, work};
use super::single::{answers, plain};

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

    fn readings(&self, seen: Seen<'_>) -> Vec<Reading> {
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

    fn readings(&self, seen: Seen<'_>) -> Vec<Reading> {
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

    fn readings(&self, seen: Seen<'_>) -> Vec<Reading> {
        let each = self.classes.iter().enumerate().map(|(i, class)| {
            let sojourn = seen.latency(&format!("class{i}"), Part::Mean);
            let wait = sojourn - Figure::sure(class.service.mean());
            [equal(format!("mean_sojourn_{i}"), sojourn), equal(format!("mean_wait_{i}"), wait)]
        });
        each.flatten().collect()
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
    fn readings(&self, seen: Seen<'_>) -> Vec<Reading> {
        vec![
            equal("p_abandon", seen.failure("callers")),
            equal("mean_wait_all", seen.level("station", |n| &n.mean_queue) * (1.0 / self.lambda)),
            equal("p_wait", seen.share("station", |n| &n.p_wait)),
            equal("utilization", seen.utilization("station")),
        ]
    }
}

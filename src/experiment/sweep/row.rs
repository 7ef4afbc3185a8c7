//! What one run leaves: a line of figures, from which all that is told of a sweep comes.

use serde::{Deserialize, Serialize};

use super::Manifest;
use crate::experiment::estimate::{Replication, in_use, replicate};
use crate::experiment::run::promises;
use crate::experiment::summary::Outcome;
use crate::model::Plan;
use crate::random::draw::name_hash;
use crate::scenario::Checked;

/// The figures of one run, in the order of the manifest.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Its number.
    pub run: u64,
    /// Events.
    pub events: u64,
    /// The guard that stopped it, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guard: Option<String>,
    /// By client.
    pub clients: Vec<Requests>,
    /// By node: how much of what is scarcest is in use; `None` where nothing is limited.
    pub nodes: Vec<Option<f64>>,
    /// By promise: what was measured, and whether it was kept; `None` where the run had too little to tell.
    pub promises: Vec<(Option<f64>, Option<bool>)>,
}

/// What became of a client's requests in one run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Requests {
    /// Those that arrived in the measured time.
    pub arrived: u64,
    /// Of these, ended well.
    pub succeeded: u64,
    /// Successes per second of measured time.
    pub throughput_per_s: f64,
    /// Mean latency of the successes, ms.
    pub mean_ms: Option<f64>,
    /// Median over all that arrived, ms; `None` where it lies among the failed.
    pub p50_ms: Option<f64>,
    /// 99th percentile, as the median.
    pub p99_ms: Option<f64>,
}

impl Row {
    /// What a run showed; its number, events and guard are not known here.
    pub(super) fn of(checked: &Checked, plan: &Plan, replication: &Replication, manifest: &Manifest) -> Self {
        let requests = |name: &String| {
            let at = plan.clients.iter().position(|client| plan.node(client.node).name == *name)?;
            let one = replicate(&replication.measure.clients[at], replication.span);
            Some(Requests {
                arrived: one.arrived,
                succeeded: one.succeeded,
                throughput_per_s: one.in_window as f64 / one.span_s,
                mean_ms: (one.succeeded > 0).then(|| one.sum_ms / one.succeeded as f64),
                p50_ms: one.p50_ms,
                p99_ms: one.p99_ms,
            })
        };
        let node = |name: &String| {
            let at = plan.nodes.iter().take(plan.servers()).position(|node| node.name == *name)?;
            in_use(std::slice::from_ref(replication), at, plan)
        };
        let kept = promises(checked, plan, replication);
        let kept = kept.iter().zip(&checked.scenario.slos).map(|(verdict, slo)| {
            let measured = verdict.measured.value.filter(|x| x.is_finite());
            let seen = match verdict.verdict {
                Outcome::Met => Some(true),
                Outcome::Failed => Some(false),
                Outcome::Undecided | Outcome::NoData => None,
            };
            (measured, measured.map(|x| slo.promise.keeps(x)).or(seen))
        });
        Self {
            clients: manifest.clients.iter().map(|name| requests(name).unwrap_or_default()).collect(),
            nodes: manifest.nodes.iter().map(node).collect(),
            promises: kept.collect(),
            ..Self::default()
        }
    }

    /// As a line, without its end: its figures, then its seal.
    pub(super) fn text(&self, manifest: &Manifest) -> String {
        let mut line = serde_json::to_string(self).unwrap_or_default();
        let seal = seal(manifest, self.run, &line);
        line.truncate(line.len().saturating_sub(1));
        line + &seal
    }

    /// A row that was kept; `None` where a line is not whole.
    pub(super) fn read(line: &str) -> Option<Self> {
        serde_json::from_str(line).ok()
    }

    /// Whether a line is as it was kept, and of a run of this sweep: not changed since, not of another scenario or seed.
    pub(super) fn is_sealed(&self, line: &str, manifest: &Manifest) -> bool {
        let Some((figures, _)) = line.rsplit_once(SEAL) else { return false };
        line.trim_end().ends_with(&seal(manifest, self.run, &format!("{figures}}}")))
    }
}

/// What stands before the seal of a row.
const SEAL: &str = ",\"seal\":\"";

/// What closes the line of a run: a hash of what it shows, of its scenario and of its seed. How many runs there are is not in it.
fn seal(manifest: &Manifest, run: u64, figures: &str) -> String {
    let at = manifest.points[manifest.point(run) as usize].at.join(" ");
    let all = name_hash(&format!("{} {at} {} {run} {figures}", manifest.core, manifest.head.seed));
    format!("{SEAL}{all:016x}\"}}")
}

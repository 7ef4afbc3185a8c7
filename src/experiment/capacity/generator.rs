//! The generator's view: what a load test at the capacity needs, drops, and reports.

use serde::Serialize;

use super::limit::Search;
use crate::diag::Source;
use crate::experiment::run::{Watch, run};
use crate::experiment::study::Part;
use crate::experiment::summary::{Distribution, Estimate, Summary};
use crate::scenario::edit::{Rig, grown, with_generator};
use crate::scenario::{Checked, canonical, load};

/// A load test at the capacity, of one client's requests.
#[derive(Clone, Debug, Serialize)]
pub struct Generator {
    /// Whose requests it sends.
    pub client: String,
    /// How many, per second.
    pub per_s: f64,
    /// Virtual users that are busy, time average, where there are as many as it takes.
    pub busy: Estimate,
    /// The most that were busy at once in any run: with so many it neither drops nor is late.
    pub most: u64,
    /// With how many the following was run.
    pub users: u32,
    /// Share of requests that a generator drops that sends only what finds a free one.
    pub dropped_share: Estimate,
    /// What one reports that sends late.
    pub late: Late,
}

/// What is reported where requests are sent late.
#[derive(Clone, Debug, Serialize)]
pub struct Late {
    /// Latency of successes from when they should have been sent, ms: p50, p99, p99.9.
    pub corrected_ms: [Estimate; 3],
    /// From when they were sent.
    pub uncorrected_ms: [Estimate; 3],
}

/// A load test of this client at the capacity; `None` where there is none, or the watch stopped it.
pub(super) fn seen(
    search: &Search<'_>,
    checked: &Checked,
    times: f64,
    client: &str,
    users: Option<u32>,
) -> Option<Generator> {
    let part = Part { whole: search.watch, at: search.at, of: search.of };
    generated(&grown(checked, search.grown, times), client, users, search.jobs, &part)
}

/// A load test of a client's requests at the load of the file, by so many virtual users, or as many as are busy on average.
/// `None` where the client's load cannot be sent by a generator, or the watch stopped it.
pub fn generated(
    checked: &Checked,
    client: &str,
    users: Option<u32>,
    jobs: Option<usize>,
    watch: &dyn Watch,
) -> Option<Generator> {
    let tested = |at, users, drops| tested(checked, client, (users, drops), jobs, &Third { whole: watch, at });
    let (enough, rig) = tested(0, None, false)?;
    let node = enough.nodes.get(&rig.generator)?;
    let (busy, most) = (node.mean_in_system, node.max_in_system);
    let users = users.unwrap_or_else(|| busy.value.map_or(1.0, f64::ceil).max(1.0) as u32);
    let (drops, rig) = tested(1, Some(users), true)?;
    let (late, _) = tested(2, Some(users), false)?;
    let turned = drops.nodes.get(&rig.generator)?;
    let three = |all: &Distribution| [all.p50, all.p99, all.p999];
    Some(Generator {
        client: client.to_owned(),
        per_s: super::today(checked, &[client.to_owned()]),
        busy,
        most,
        users,
        dropped_share: Estimate::point(turned.refused as f64 / turned.arrivals.max(1) as f64),
        late: Late {
            corrected_ms: three(&late.clients.get(client)?.latency_ms),
            uncorrected_ms: three(&late.edges.get(&rig.sends)?.latency_ms),
        },
    })
}

/// The run of a scenario through a generator.
fn tested(
    checked: &Checked,
    client: &str,
    (users, drops): (Option<u32>, bool),
    jobs: Option<usize>,
    watch: &dyn Watch,
) -> Option<(Summary, Rig)> {
    let source = Source { text: canonical(&checked.scenario), ..checked.source.clone() };
    let rig = with_generator(&source, client, users, drops)?;
    let tested = load(&rig.source, &[]).ok()?;
    let found = run(&tested, jobs, watch).ok().filter(|found| !found.run.partial)?;
    Some((found, rig))
}

/// One of the three runs of a load test; what it shows meanwhile is not what was asked.
struct Third<'w> {
    whole: &'w dyn Watch,
    at: u32,
}

impl Watch for Third<'_> {
    fn advanced(&self, share_done: f64) {
        self.whole.advanced((f64::from(self.at) + share_done) / 3.0);
    }
    fn stopped(&self) -> bool {
        self.whole.stopped()
    }
}

//! A scenario made ready for the testbed: the loopback's network in it, without what is not spoken here, and refused where it uses
//! what the testbed does not do.

use std::collections::BTreeSet;
use std::path::Path;

use hoptax::Scenario;
use hoptax::experiment::{self, roots};
use hoptax::machine::replication_seed;
use hoptax::model::Plan;
use hoptax::model::id::NONE;
use hoptax::model::queue::Crew;
use hoptax::scenario::{self, Checked, Edit, OpenError, Source};

use crate::refuse;

/// One way through the loopback and the kernel on both ends, where processes have been idle for some ms: measured by chains without
/// work at 30 requests a second, and near enough for works of a millisecond and more. `hoptax calibrate` measures the machine at hand.
const LOOPBACK: &str = "95us";

/// What RabbitMQ takes besides the loopback.
struct Broker {
    /// Until a message is on its way to a consumer.
    delivers: &'static str,
    /// Until it is written down, and its sender is told so.
    confirms: &'static str,
    /// From it to a consumer, and an acknowledgement back: half of what passes between two messages of a line, one at a time.
    link: &'static str,
}

/// Its usual queue, and a quorum queue, as `max_deliveries` needs. `hoptax calibrate` measures them here.
const CLASSIC: Broker = Broker { delivers: "0.32ms", confirms: "1.1ms", link: "222us" };
const QUORUM: Broker = Broker { delivers: "0.62ms", confirms: "1ms", link: "460us" };

/// The classes of latency that a file may have; all are the loopback.
const CLASSES: [&str; 4] = ["same_host", "same_zone", "cross_zone", "cross_region"];

/// A scenario that is ready.
pub(crate) struct Prepared {
    /// Its name.
    pub(crate) name: String,
    /// As run.
    pub(crate) plan: Plan,
    /// As all processes read it.
    pub(crate) text: String,
    /// Whether the network of the file is what was calibrated here.
    pub(crate) calibrated: bool,
    /// A number that is this scenario's, below 2^28.
    own: u32,
}

/// Why a scenario does not run here.
pub(crate) enum Trouble {
    /// When it cannot be read.
    File(String),
    /// When it is wrong, or uses what the testbed does not do.
    Invalid(String),
}

/// Reads a scenario and makes it ready, with changes.
pub(crate) fn prepare(file: &Path, set: &[String], calibrated: bool) -> Result<Prepared, Trouble> {
    let source = Source::open(file).map_err(|error| match error {
        OpenError::Io { path, error } => Trouble::File(format!("{path}: {error}")),
        OpenError::Invalid { source, complaint } => {
            Trouble::Invalid(hoptax::diag::render(&[*complaint], &source, false))
        }
    })?;
    let invalid = |rejected: scenario::Rejected| Trouble::Invalid(rejected.to_string());
    let own = set.iter().map(|text| Edit::parse(text)).collect::<Result<Vec<Edit>, String>>();
    let own = own.map_err(|error| Trouble::Invalid(format!("error: --set: {error}\n")))?;
    if let Some(edit) = own.iter().find(|edit| edit.path.starts_with("network") && !calibrated) {
        let cure = "the prediction runs with this machine's loopback; say --calibrated if it is as you set it";
        return Err(Trouble::Invalid(format!("error: --set {}: {cure}\n", edit.path)));
    }
    let written = scenario::load(&source, &own).map_err(invalid)?;
    if !written.scenario().network.links.is_empty() {
        let why = "the network is this machine's loopback; leave `[network.links]` out";
        return Err(Trouble::Invalid(format!("error: {}: links of its own: {why}\n", file.display())));
    }
    let edits: Vec<Edit> = edits(&written, calibrated).into_iter().chain(own).collect();
    let checked = scenario::load(&source, &edits).map_err(invalid)?;
    let plan = scenario::lower(&checked);
    let reasons = refuse::reasons(&plan);
    if !reasons.is_empty() {
        let told = format!("  {}\n", reasons.join("\n  "));
        let head = format!("error: {}: the testbed does not do what this scenario uses\n", file.display());
        let cure = "  leave it out for the testbed: `hoptax run` does all of it\n";
        return Err(Trouble::Invalid(head + &told + cure));
    }
    let text = scenario::canonical(checked.scenario());
    let name = file.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    let own = u32::from_str_radix(&checked.hash()[..7], 16).unwrap_or(0);
    Ok(Prepared { name, plan, text, calibrated, own })
}

fn edit(path: String, value: &str) -> Edit {
    Edit { path, value: value.to_owned(), origin: "testbed".to_owned() }
}

/// What RabbitMQ takes: in its queues, and on the links to who consumes them.
fn broker_edits(plan: &Plan) -> Vec<Edit> {
    let mut all = Vec::new();
    for queue in &plan.queues {
        let name = &plan.node(queue.node).name;
        let broker = if queue.max_deliveries == NONE { CLASSIC } else { QUORUM };
        let confirms = plan.posts.iter().any(|post| post.waits && plan.queue(post.queue).node == queue.node);
        let latency = if confirms { broker.confirms } else { broker.delivers };
        all.push(edit(format!("queues.{name}.publish_latency"), &format!("\"{latency}\"")));
        let takes = |crew: &&Crew| crew.duties.iter().any(|duty| plan.queue(duty.queue).node == queue.node);
        let takers = plan.crews.iter().filter(takes).map(|crew| plan.node(crew.node).name.as_str());
        let takers: BTreeSet<&str> = takers.collect();
        let latency = format!("\"{}\"", broker.link);
        all.extend(takers.iter().map(|to| edit(format!("network.links.\"{name} -> {to}\".latency"), &latency)));
    }
    all
}

/// What is changed about every file: its network is the loopback, and nobody speaks TLS here.
fn edits(written: &Checked, calibrated: bool) -> Vec<Edit> {
    let classes = CLASSES.iter().filter(|_| !calibrated);
    let mut all: Vec<Edit> =
        classes.map(|class| edit(format!("network.{class}"), &format!("\"{LOOPBACK}\""))).collect();
    if !calibrated {
        all.extend(broker_edits(&scenario::lower(written)));
    }
    let own = written.scenario().transports.iter().filter(|(_, spec)| spec.connections.is_some());
    all.extend(own.map(|(name, _)| edit(format!("transports.{name}.connections.tls"), "\"none\"")));
    all
}

impl Prepared {
    /// The seed of one replication.
    pub(crate) fn seed(&self, replication: u32) -> u64 {
        replication_seed(self.plan.seed, replication)
    }

    /// A replication that is none of the first so many, and another in every scenario: scenarios whose nodes share their names would
    /// share the luck of one, and be no samples of their own.
    pub(crate) fn apart(&self, runs: u32) -> u32 {
        runs.saturating_add(self.own)
    }

    /// All requests of one replication, as predicted.
    pub(crate) fn roots(&self, replication: u32) -> Vec<roots::Root> {
        roots::roots(&self.plan, self.seed(replication))
    }

    /// One replication's figures of nodes, as predicted.
    pub(crate) fn summary(&self) -> Option<experiment::summary::Summary> {
        let one = Scenario::read(&Source::text(&self.name, self.text.as_str())).ok()?;
        one.with("sim.replications", 1).ok()?.run().ok()
    }
}

//! What all studies share: how a text becomes a scenario that can be run, how several runs are watched as one, and why there
//! may be nothing to show. A study takes what it needs and hands back figures; it reads no file and shows nothing.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::estimate::CONFIDENCE;
use super::run::{Failure, SoFar, Watch, run};
use super::summary::{ScenarioRef, Summary, Tool};
use crate::diag::Source;
use crate::scenario::edit::{Bound, bound};
use crate::scenario::{self, CEILING, Checked, Edit, Rejected};

/// How a study is done.
#[derive(Clone, Debug)]
pub struct Options {
    /// Changes to every scenario, as `--set` makes them.
    pub edits: Vec<Edit>,
    /// Memory that a run may need, bytes.
    pub ceiling: u64,
    /// Threads; `None`: all cores. The figures are the same for any number.
    pub jobs: Option<usize>,
    /// Whether a file without clients will do, in which nothing would happen.
    pub idle: bool,
    /// Whether pilot runs find a warm-up that the file leaves to them; without, it is taken as 10 s.
    pub pilots: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { edits: Vec::new(), ceiling: CEILING, jobs: None, idle: false, pilots: true }
    }
}

/// Why a study has nothing to show.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Trouble {
    /// When the watch stopped it before there was anything.
    Interrupted,
    /// When a text is no scenario, or none that may be run.
    Rejected(Box<Rejected>),
    /// When what was asked for is not there, in words.
    Absent(String),
    /// When what is kept beside the study cannot be read, written or gone on with, in words.
    Kept(String),
    /// When the system does not come to rest in the time that it has, in words.
    Unsettled(String),
}

impl From<Failure> for Trouble {
    fn from(Failure::Interrupted: Failure) -> Self {
        Self::Interrupted
    }
}

impl From<Rejected> for Trouble {
    fn from(rejected: Rejected) -> Self {
        Self::Rejected(Box::new(rejected))
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interrupted => f.write_str("interrupted"),
            Self::Rejected(rejected) => {
                f.write_str(&crate::diag::render(&rejected.complaints, &rejected.source, false))
            }
            Self::Absent(why) | Self::Kept(why) | Self::Unsettled(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Trouble {}

/// A text, or one of its variants, with the changes that the options make.
pub fn load(source: &Source, variant: Option<&str>, options: &Options) -> Result<Checked, Trouble> {
    let mut edits = Vec::new();
    if let Some(name) = variant {
        let plain = scenario::load_for(source, &[], options.idle)?;
        edits = scenario::variant_edits(&plain.scenario, name).ok_or_else(|| no_variant(source, name))?;
    }
    edits.extend(options.edits.iter().cloned());
    let checked =
        scenario::load_for(source, &edits, options.idle).and_then(|checked| checked.within(options.ceiling))?;
    if options.pilots { super::warmup::found(checked, options) } else { Ok(checked) }
}

fn no_variant(source: &Source, name: &str) -> Trouble {
    let known = scenario::variants(source).join(", ");
    let known = if known.is_empty() { "it has none".into() } else { format!("it has {known}") };
    Trouble::Absent(format!("{}: no variant `{name}`; {known}", source.name))
}

/// What every study says first: who made it, of what, and how.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Head {
    /// Version of this shape.
    pub schema_version: u32,
    /// Who made it.
    pub tool: Tool,
    /// What was looked at.
    pub scenario: ScenarioRef,
    /// Seed of the first replication, the same for all.
    pub seed: u64,
    /// Independent runs of each.
    pub replications: u32,
    /// Measured time, s.
    pub duration_s: f64,
    /// Confidence of the intervals.
    pub confidence: f64,
    /// What kind of figures these are.
    pub note: String,
}

impl Head {
    /// Of a scenario as it would be run, or was.
    pub(super) fn of(checked: &Checked, note: &str) -> Self {
        let sim = &checked.scenario.sim;
        Self {
            schema_version: 1,
            tool: Tool::this(),
            scenario: ScenarioRef::of(checked),
            seed: sim.seed.value,
            replications: sim.replications.value,
            duration_s: sim.duration.value.as_secs_f64(),
            confidence: CONFIDENCE,
            note: note.to_owned(),
        }
    }
}

/// The client that a study is about: the one that is named, else the one with most requests, of several the first by name.
pub(super) fn client(base: &Summary, named: Option<&str>) -> Result<String, Trouble> {
    let names: Vec<&str> = base.clients.keys().map(String::as_str).collect();
    match named {
        Some(name) if base.clients.contains_key(name) => Ok(name.to_owned()),
        Some(name) => Err(Trouble::Absent(format!("no client `{name}`; there are {}", names.join(", ")))),
        None => {
            let most = base.clients.iter().max_by(|a, b| a.1.arrived.cmp(&b.1.arrived).then_with(|| b.0.cmp(a.0)));
            most.map(|(name, _)| name.clone()).ok_or_else(|| Trouble::Absent("there is no client".into()))
        }
    }
}

/// The client that is asked about: as named, else the one with most requests.
pub(super) fn judged(checked: &Checked, name: Option<&str>) -> Result<String, Trouble> {
    let clients = &checked.scenario.clients;
    if let Some(name) = name {
        return clients.get_key_value(name).map(|(name, _)| name.clone()).ok_or_else(|| no_client(checked, name));
    }
    let most = scenario::forecast(&checked.scenario)
        .clients
        .into_iter()
        .max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)));
    most.map(|(name, _)| name).ok_or_else(|| Trouble::Absent("there is no client".into()))
}

fn no_client(checked: &Checked, name: &str) -> Trouble {
    let names: Vec<&str> = checked.scenario.clients.keys().map(String::as_str).collect();
    let help = match scenario::suggest(name, names.iter().copied()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("there are {}", names.join(", ")),
    };
    Trouble::Absent(format!("no client `{name}`; {help}"))
}

/// Whose load grows; refused where it cannot.
pub(super) fn growing(checked: &Checked, named: &[String]) -> Result<Vec<String>, Trouble> {
    let clients = &checked.scenario.clients;
    if let Some(name) = named.iter().find(|name| !clients.contains_key(*name)) {
        return Err(no_client(checked, name));
    }
    let all: Vec<String> = if named.is_empty() { clients.keys().cloned().collect() } else { named.to_vec() };
    for name in &all {
        let why = match bound(&clients[name].load) {
            None => continue,
            Some(Bound::Closed) => {
                "is closed: its users wait for their answers, so that its load cannot be made to grow"
            }
            Some(Bound::Replay) => "replays recorded arrivals, which cannot be made to grow",
        };
        let cure = "give it a `rate`, or say whose load is to grow: --grow NAME";
        return Err(Trouble::Absent(format!("client `{name}` {why}; {cure}")));
    }
    Ok(all)
}

/// One of several runs of which one progress is shown.
pub struct Part<'a> {
    /// Who watches all of them.
    pub whole: &'a dyn Watch,
    /// How many were before it.
    pub at: usize,
    /// How many there are.
    pub of: usize,
}

impl Watch for Part<'_> {
    fn advanced(&self, share_done: f64) {
        self.whole.advanced((self.at as f64 + share_done) / self.of as f64);
    }
    fn stopped(&self) -> bool {
        self.whole.stopped()
    }
    fn curious(&self) -> bool {
        self.whole.curious()
    }
    fn hear(&self, so_far: &SoFar) {
        self.whole.hear(so_far);
    }
}

/// What takes a stretch of the time of all.
pub struct Stretch<'a> {
    /// Who watches all of it.
    pub whole: &'a dyn Watch,
    /// How much of all is done when it begins, 0 to 1.
    pub from: f64,
    /// And when it is over.
    pub to: f64,
}

impl Watch for Stretch<'_> {
    fn advanced(&self, share_done: f64) {
        self.whole.advanced(self.from + share_done * (self.to - self.from));
    }
    fn stopped(&self) -> bool {
        self.whole.stopped()
    }
}

/// What became of several scenarios, one after the other.
#[derive(Clone, Debug)]
pub struct Series {
    /// The figures of those that were run.
    pub summaries: Vec<Summary>,
    /// Whether that are all of them.
    pub whole: bool,
}

/// Runs one scenario after the other, the first of so many runs; what had ended before an interruption is kept.
pub fn each(scenarios: &[Checked], jobs: Option<usize>, watch: &dyn Watch, of: usize) -> Result<Series, Trouble> {
    let mut summaries = Vec::new();
    for (at, scenario) in scenarios.iter().enumerate() {
        match run(scenario, jobs, &Part { whole: watch, at, of }) {
            Err(Failure::Interrupted) if !summaries.is_empty() => return Ok(Series { summaries, whole: false }),
            other => summaries.push(other?),
        }
    }
    Ok(Series { summaries, whole: true })
}

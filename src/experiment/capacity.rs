//! The largest load that keeps its promises: as many times today's as that a run of the file's length keeps all of them with a
//! probability of at least 95 % (or what is asked), at it and at every load tried below.
//!
//! The same seeds are run at every load. Of each seed it is known up to which load its run keeps everything and from which on it
//! does not: loads are tried from below, up to what the busiest node can do by the forecast and beyond (with all seeds until
//! so many have broken something that the answer is among them, then with sixteen), then the seeds that
//! break first are looked at more closely, until the step is a hundredth. What so many of the seeds reach is the capacity: an
//! order statistic, and its interval is one, too, without any assumption on how thresholds are distributed (Hahn, Meeker,
//! "Statistical Intervals", 5.2). Near what a node can do lines take long to come to their height, in time as 1 ÷ (1 − ρ)²
//! (Whitt, "Planning queueing simulations", 1989): where nothing else changes in a run, its warm-up grows to four times what the slowest
//! station takes to forget its beginning.
//!
//! Loads at which a run has too few requests for a percentile that is promised to a client are not tried.
//!
//! Where of two neighbouring loads surely more runs keep everything at the larger, that is told: more is then not always worse.
//!
//! Up and back are two limits. What was not down when a spike of traffic came may stay down after it, at loads that are carried
//! as long as nothing happens: the load from which on half of the runs do is that of `hoptax recover` with a spike as its
//! trigger, tried up to the capacity, in runs three times as long as the file's (of 20 s at least), so that there is time to see.
//!
//! Without one (N−1): the same with one replica gone, of the node that is busiest then, and with each zone gone in turn: all that
//! stands in it refuses from the beginning of the measured time to its end. For a load that is wanted: the replicas that
//! have no node busier than the busiest is at the capacity, one by one taken back as long as enough runs keep the promises;
//! those with most cores first.
//!
//! The generator's view is of a load test at the capacity. Its virtual users stand between the client and the system, each
//! busy with a request until its answer is there. How many are busy on average, and the most at once, is measured with as many as it
//! takes. With fewer (`--users`; by default as many as are busy on average) a generator either drops what finds no free one,
//! as k6 does at a constant rate of arrivals, or sends it late, as wrk2 does: then the corrected latency counts from when a request
//! should have been sent, the uncorrected one from when it was, and hides what the system did to those that waited.

mod back;
mod generator;
mod gone;
mod limit;
mod order;
mod toward;

pub use back::Back;
pub use generator::{Generator, Late, generated};
pub use gone::{Gone, Without};
pub use limit::{Limit, SCOUTS};
pub use toward::{Added, Toward};

use serde::Serialize;

use super::run::Watch;
use super::study::{Head, Trouble, growing, judged};
use crate::scenario::{Checked, forecast};
use limit::Search;

/// What is asked.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Whose load grows; none: everybody's.
    pub grow: Vec<String>,
    /// With which probability a run is to keep all promises.
    pub confidence: f64,
    /// A load that is wanted, requests per second of all that grow together.
    pub target_per_s: Option<f64>,
    /// Virtual users of a load test; `None`: as many as are busy on average.
    pub users: Option<u32>,
}

impl Default for Wanted {
    fn default() -> Self {
        Self { grow: Vec::new(), confidence: 0.95, target_per_s: None, users: None }
    }
}

/// How much load a scenario carries.
#[derive(Clone, Debug, Serialize)]
pub struct Capacity {
    /// Who made it, of what, and how.
    #[serde(flatten)]
    pub head: Head,
    /// Whose load grows.
    pub grown: Vec<String>,
    /// Requests per second of theirs, as the file says.
    pub today_per_s: f64,
    /// With which probability a run is to keep all promises.
    pub probability: f64,
    /// Runs of each load that was tried with all seeds.
    pub seeds: u32,
    /// The capacity.
    pub limit: Limit,
    /// Up to which load it comes back after a spike; `None` where its runs are too short to see, or nothing can spike.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub back: Option<Back>,
    /// With one replica gone, and with each zone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub without: Vec<Without>,
    /// What to add for the load that is wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub toward: Option<Toward>,
    /// What a load test at the capacity needs, and shows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generator: Option<Generator>,
    /// Whether it was stopped before everything was run.
    pub partial: bool,
    /// What is not known for that, in words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
}

/// What was found, and whether that is all of it.
#[derive(Clone, Debug)]
pub struct Study {
    /// The figures.
    pub capacity: Capacity,
    /// Whether everything was run.
    pub whole: bool,
}

/// Finds the capacity, that with a part gone, that after a spike, and what a wanted load takes. An interruption leaves what is
/// known: a load that was not refined yet is a lower bound.
///
/// ```
/// use hoptax::experiment::capacity::{Wanted, study};
/// use hoptax::experiment::study::{Options, load};
/// use hoptax::scenario::Source;
///
/// let text = r#"
/// version = 1
/// sim = { duration = "8s", warmup = "1s" }
/// network = { same_zone = "0ms" }
/// [clients.users]
/// calls = "desk"
/// rate = "20/s"
/// transport = "free"
/// [services.desk]
/// concurrency = 1
/// work = "10ms"
/// [[slos]]
/// of = "users"
/// expect = "mean < 30ms"
/// "#;
/// let checked = load(&Source::text("desk", text), None, &Options::default()).unwrap();
/// let found = study(&checked, &Wanted::default(), None, &()).unwrap().capacity;
/// // M/D/1: 10 ms + 10 ms · ρ ÷ 2(1 − ρ) is 30 ms at ρ = 0.8; short runs scatter, so fewer are carried with 95 %.
/// let per_s = found.limit.per_s.value.unwrap();
/// assert!(per_s > 60.0 && per_s < 80.0, "{per_s}");
/// ```
pub fn study(checked: &Checked, wanted: &Wanted, jobs: Option<usize>, watch: &dyn Watch) -> Result<Study, Trouble> {
    let grown = asked(checked, wanted)?;
    let today = today(checked, &grown);
    let ranks = order::Ranks::of(wanted.confidence, checked.scenario.sim.replications.value);
    let gone = gone::all(checked);
    // The capacity, what is gone, the way back, the generator, and a load that is wanted.
    let later = 1 + gone.len();
    let parts = later + 2 + usize::from(wanted.target_per_s.is_some());
    let search = |at: usize| Search { grown: &grown, today, ranks, jobs, watch, at, of: parts };
    let limit = search(0).limit(checked).ok_or(Trouble::Interrupted)?;
    let mut missing = Missing { watch, words: Vec::new() };
    missing.unless(false, "where between the loads that were tried it turns");
    let whole = gone.len();
    let mut without = Vec::new();
    for (at, (gone, less)) in gone.into_iter().enumerate().take_while(|_| !watch.stopped()) {
        let limit = less.as_ref().and_then(|less| search(1 + at).limit(less));
        if limit.is_some() || less.is_none() {
            without.push(Without { gone, limit });
        }
    }
    missing.unless(without.len() == whole, "what is left with something gone");
    let going = || !watch.stopped();
    let back = going().then(|| back::back(&search(later), checked, &limit)).flatten();
    missing.unless(back.is_some(), "the way back from a spike");
    let client = judged(checked, grown.first().map(String::as_str))?;
    let at = limit.times.value.filter(|_| going());
    let generator = at.and_then(|times| generator::seen(&search(later + 1), checked, times, &client, wanted.users));
    missing.unless(generator.is_some(), "what a load test needs");
    let target = wanted.target_per_s.filter(|_| going());
    let toward = target.and_then(|target| toward::toward(&search(later + 2), checked, target, &limit));
    missing.unless(toward.is_some() || wanted.target_per_s.is_none(), "what the wanted load takes");
    let whole = going();
    let capacity = Capacity {
        head: Head::of(checked, "simulated, not measured"),
        grown,
        today_per_s: today,
        probability: wanted.confidence,
        seeds: ranks.seeds,
        limit,
        back,
        without,
        toward,
        generator,
        partial: !whole,
        missing: missing.words,
    };
    Ok(Study { capacity, whole })
}

/// What an interruption leaves out.
struct Missing<'w> {
    watch: &'w dyn Watch,
    words: Vec<String>,
}

impl Missing<'_> {
    /// Notes what is not known, where the watch has stopped what would have found it.
    fn unless(&mut self, found: bool, what: &str) {
        if !found && self.watch.stopped() {
            self.words.push(what.to_owned());
        }
    }
}

/// Whose load grows; refused where there is nothing to keep, or what is asked for is no probability or no load.
fn asked(checked: &Checked, wanted: &Wanted) -> Result<Vec<String>, Trouble> {
    let absent = |why: String| Err(Trouble::Absent(why));
    if checked.scenario.slos.is_empty() {
        let cure = "say what is promised under [[slos]], such as expect = \"p99 < 400ms\"";
        return absent(format!("there is no promise to keep; {cure}"));
    }
    if !(0.5..=0.999 + 1e-9).contains(&wanted.confidence) {
        let given = format!("{}%", (wanted.confidence * 1e8).round() / 1e6);
        return absent(format!("--confidence {given}: a probability from 50% to 99.9% can be shown, such as 95%"));
    }
    if let Some(bad) = wanted.target_per_s.filter(|target| !(target.is_finite() && *target > 0.0)) {
        return absent(format!("--target {bad}/s is no load; write for example 500/s"));
    }
    growing(checked, &wanted.grow)
}

/// Requests per second of these clients, as the file says.
fn today(checked: &Checked, grown: &[String]) -> f64 {
    forecast(&checked.scenario).clients.iter().filter(|(name, _)| grown.contains(name)).map(|(_, rate)| rate).sum()
}

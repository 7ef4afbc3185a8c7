//! One interaction in several patterns: `compare FILE --edge "orders -> payments" --patterns rest,queue`.

use std::path::PathBuf;

use super::args::Setting;
use super::engine::{self, Checked, Patterns, Watch};
use super::exit::Failure;
use super::progress::Progress;
use super::run::Part;
use crate::experiment::summary::Summary;

/// The patterns of the lesson.
const ALL: [&str; 4] = ["rest", "grpc", "queue", "stream"];

/// Which interaction, and as what.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct Interaction {
    /// Flip this interaction, such as "orders -> payments", through several patterns
    #[arg(long, value_name = "EDGE")]
    pub(super) edge: Option<String>,
    /// The patterns, the first to compare with: transports, `queue`, `stream`
    #[arg(long, value_name = "LIST", value_delimiter = ',', requires = "edge", default_values = ALL, hide_default_value = true)]
    pub(super) patterns: Vec<String>,
    /// How long a broker takes until a message is safe, such as 2ms; nothing unless said
    #[arg(long, value_name = "TIME", requires = "edge")]
    pub(super) publish_latency: Option<String>,
    /// Write every scenario that is compared as a file of its own into this folder
    #[arg(long, value_name = "DIR")]
    pub(super) save: Option<PathBuf>,
}

/// The patterns as scenarios, each with its name, and what is to be known of them.
pub(super) struct Flipped {
    pub(super) scenarios: Vec<(String, Checked)>,
    pub(super) notes: Vec<String>,
}

/// Flips the edge through all patterns.
pub(super) fn flipped(
    args: &Interaction,
    edge: &str,
    source: &engine::Source,
    settings: &[Setting],
    colour: bool,
) -> Result<Flipped, Failure> {
    let written = engine::check(source, None, settings, colour)?;
    let mut flipped = Flipped { scenarios: Vec::new(), notes: Vec::new() };
    for pattern in &args.patterns {
        let latency = args.publish_latency.as_deref();
        let (checked, lost) = engine::in_pattern(source, edge, pattern, latency, &written, settings, colour)?;
        flipped.notes.extend(lost);
        flipped.scenarios.push((pattern.clone(), checked));
    }
    if flipped.scenarios.len() < 2 {
        return Err(Failure::Usage("one pattern alone is compared with nothing; name two, such as rest,queue".into()));
    }
    Ok(flipped)
}

/// Runs that the table needs beside those of the comparison, for each pattern: none down, callee refusing, callee hanging,
/// broker down.
pub(super) const RUNS: usize = 4;

/// The table, from the runs that there were and runs with outages.
pub(super) fn table(
    edge: &str,
    scenarios: &[(String, Checked)],
    summaries: &[Summary],
    jobs: Option<usize>,
    (progress, done, of): (&Progress, usize, usize),
) -> Result<Patterns, Failure> {
    let part = |at: usize| Part { whole: progress, at: done + at, of };
    let parts: Vec<Part<'_>> = (0..scenarios.len() * RUNS).map(part).collect();
    let watches: Vec<&dyn Watch> = parts.iter().map(|part| part as &dyn Watch).collect();
    engine::patterns(edge, scenarios, summaries, jobs, &watches)
}

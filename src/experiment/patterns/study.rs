//! One interaction as one pattern or another: the scenarios, and the runs with outages that the table needs.

use super::{Patterns, Row, Words, broker_of, effects, ends, free, late_after, latencies, table, written};
use crate::diag::Source;
use crate::experiment::compare::Cast;
use crate::experiment::coupling::{Late, Roll, Toll, Window, rolls, toll};
use crate::experiment::run::Watch;
use crate::experiment::study::{Options, Part, Trouble, load};
use crate::experiment::summary::Summary;
use crate::scenario::edit::with_table;
use crate::scenario::{self, Checked, Rejected};

/// Runs that the table needs beside those of the comparison, for each pattern: none down, callee refusing, callee hanging,
/// broker down.
pub const RUNS: usize = 4;

/// Which interaction, and as what.
#[derive(Clone, Debug)]
pub struct Interaction {
    /// Caller and callee: `orders -> payments`.
    pub edge: String,
    /// The patterns, the first to compare with: transports, `queue`, `stream`.
    pub patterns: Vec<String>,
    /// How long a broker takes until a message is safe, such as `2ms`; nothing unless said.
    pub publish_latency: Option<String>,
}

/// Flips an interaction through its patterns.
pub fn cast(source: &Source, interaction: &Interaction, options: &Options) -> Result<Cast, Trouble> {
    let as_written = load(source, None, options)?;
    let mut cast = Cast { edge: Some(interaction.edge.clone()), ..Cast::default() };
    for pattern in &interaction.patterns {
        let (checked, lost) = flipped(source, interaction, pattern, &as_written, options)?;
        cast.notes.extend(lost);
        cast.scenarios.push((pattern.clone(), checked));
    }
    if cast.scenarios.len() < 2 {
        let why = "one pattern alone is compared with nothing; name two, such as rest,queue";
        return Err(Trouble::Absent(why.into()));
    }
    Ok(cast)
}

/// One edge in a pattern, with flows to its callee and the draws of the file as written; and what its caller loses.
fn flipped(
    source: &Source,
    interaction: &Interaction,
    pattern: &str,
    as_written: &Checked,
    options: &Options,
) -> Result<(Checked, Vec<String>), Trouble> {
    let edge = interaction.edge.as_str();
    let refused = |complaints| Rejected { complaints, source: source.clone() };
    let latency = interaction.publish_latency.as_deref();
    let (mut text, lost) = scenario::edit::in_pattern(source, edge, pattern, latency).map_err(refused)?;
    let (_, callee) = ends(edge).unwrap_or_default();
    for effect in effects(as_written, edge).iter().filter(|effect| !effect.written) {
        let keys = [("name", effect.name.as_str()), ("starts", effect.client.as_str()), ("ends", callee)];
        text = with_table(&text, "flows", &keys);
    }
    Ok((load(&text, None, options)?, lost.into_iter().map(|complaint| complaint.message).collect()))
}

/// The pattern table: figures of the runs there were, tolls of outages that are injected, parts counted as written. Its runs
/// are so many of all, the first after those that were.
pub fn assess(
    edge: &str,
    scenarios: &[(String, Checked)],
    summaries: &[Summary],
    jobs: Option<usize>,
    (watch, done, of): (&dyn Watch, usize, usize),
) -> Result<Patterns, Trouble> {
    let flows: Vec<String> = effects(&scenarios[0].1, edge).into_iter().map(|effect| effect.name).collect();
    let window = Window::of(summaries[0].run.duration_s);
    let late = late_after(&summaries[0], &flows);
    let mut rows = Vec::new();
    for (at, ((name, checked), summary)) in scenarios.iter().zip(summaries).enumerate() {
        let part = |nth: usize| Part { whole: watch, at: done + at * RUNS + nth, of };
        let outages = Outages { checked, window, late, jobs, part: &part };
        let (caller_ms, effect_ms) = latencies(summary, &flows);
        rows.push(Row { pattern: name.clone(), caller_ms, effect_ms, ..outages.row(edge)? });
    }
    Ok(table(edge, window, late, rows))
}

/// A scenario that is run again with something down.
struct Outages<'a> {
    checked: &'a Checked,
    window: Window,
    late: Late,
    jobs: Option<usize>,
    part: &'a dyn Fn(usize) -> Part<'a>,
}

impl Outages<'_> {
    /// What outages cost, and what is read off the scenario as written.
    fn row(&self, edge: &str) -> Result<Row, Trouble> {
        let without = self.rolls(self.checked, 0)?;
        let (_, callee) = ends(edge).unwrap_or_default();
        let broker = broker_of(self.checked, edge);
        let (spatial, replayable, parts) = written(self.checked, edge);
        Ok(Row {
            pattern: String::new(),
            caller_ms: Default::default(),
            effect_ms: Default::default(),
            callee_down: self.toll(&without, &self.broken(callee, "refuse")?, 1)?,
            callee_hangs: self.toll(&without, &self.broken(callee, "black_hole")?, 2)?,
            // Where this version cannot take the broker down, that stays not assessed.
            broker_down: match broker.as_ref().and_then(|broker| self.broken(broker, "refuse").ok()) {
                Some(down) => Some(self.toll(&without, &down, 3)?),
                None => None,
            },
            has_broker: broker.is_some(),
            spatial,
            replayable,
            parts,
            words: Words::default(),
        })
    }

    fn rolls(&self, checked: &Checked, nth: usize) -> Result<Vec<Roll>, Trouble> {
        Ok(rolls(checked, self.window, self.jobs, &(self.part)(nth))?)
    }

    fn toll(&self, without: &[Roll], down: &Checked, nth: usize) -> Result<Toll, Trouble> {
        Ok(toll(without, &self.rolls(down, nth)?, self.late))
    }

    /// The scenario with a node down.
    fn broken(&self, target: &str, mode: &str) -> Result<Checked, Trouble> {
        let [at, duration] = [self.window.at_s, self.window.for_s].map(|s| format!("{}ms", s * 1e3));
        let faults = &self.checked.scenario.faults;
        let name = free(&format!("{target} down"), |name| faults.iter().any(|fault| fault.name.value == name));
        let keys = [
            ("name", name.as_str()),
            ("kind", "outage"),
            ("target", target),
            ("at", at.as_str()),
            ("duration", duration.as_str()),
            ("mode", mode),
        ];
        Ok(scenario::load(&with_table(&self.checked.source, "faults", &keys), &[])?)
    }
}

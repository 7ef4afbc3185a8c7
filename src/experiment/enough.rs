//! Enough and not more: runs are added until a figure is as precise as asked, or until every promise is decided.
//!
//! The first look is at ten runs, then at half as many again each time (10, 15, 23, 34 …), ten times at most (384 runs).
//! Whoever looks ten times has ten chances to stop by luck, so each look may be wrong only one tenth as often as the whole (α-spending in
//! equal parts, Bonferroni): its intervals are wider than those of a run of so many, by the quotient of Student's quantiles.
//! Where runs end for that they are precise enough, the interval that is told is this one; it holds with the confidence of all
//! intervals although nobody knew beforehand how many runs there would be. All other figures have their usual ones.
//!
//! Where they end for that the promises are decided, only verdicts are told of the promises, and no intervals: runs that stopped
//! when an interval left a bound have drawn it away from there.

use serde::{Deserialize, Serialize};

use super::estimate::CONFIDENCE;
use super::run::{Failure, Ran, Watch};
use super::study::{Part, Series, Trouble, judged};
use super::summary::{Estimate, Outcome, Stats, Summary};
use crate::scenario::{Checked, lower};
use crate::stats::t_quantile;

/// Runs at the first look.
const FIRST: u32 = 10;

/// Looks, at most.
const LOOKS: u32 = 10;

/// What is to be known.
#[derive(Clone, Debug, PartialEq)]
pub enum Goal {
    /// A figure of a client (the one with most requests where nobody is named), up to a share of it.
    Precise {
        /// Which.
        figure: Aim,
        /// Half of the interval's width ÷ the value.
        within: f64,
        /// Whose.
        client: Option<String>,
    },
    /// Whether each promise is kept.
    Decided,
}

/// A figure that is to be precise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aim {
    /// Median of all that arrive.
    P50,
    /// 90th percentile.
    P90,
    /// 95th percentile.
    P95,
    /// 99th percentile.
    P99,
    /// 99.9th percentile.
    P999,
    /// Mean of the answered.
    Mean,
    /// Successes per second.
    Throughput,
}

impl Aim {
    /// All of them.
    const ALL: [Self; 7] = [Self::P50, Self::P90, Self::P95, Self::P99, Self::P999, Self::Mean, Self::Throughput];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::P50 => "p50",
            Self::P90 => "p90",
            Self::P95 => "p95",
            Self::P99 => "p99",
            Self::P999 => "p99.9",
            Self::Mean => "mean",
            Self::Throughput => "throughput",
        }
    }

    fn unit(self) -> &'static str {
        if self == Self::Throughput { "/s" } else { "ms" }
    }

    fn of(self, stats: &Stats) -> Estimate {
        let arrived = &stats.latency_arrived_ms;
        match self {
            Self::P50 => arrived.p50,
            Self::P90 => arrived.p90,
            Self::P95 => arrived.p95,
            Self::P99 => arrived.p99,
            Self::P999 => arrived.p999,
            Self::Mean => stats.latency_ms.mean,
            Self::Throughput => stats.throughput_per_s,
        }
    }
}

impl Goal {
    /// Reads `p99=2%`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a figure and how precise it is to be; write for example p99=2%");
        let (word, share) = text.split_once('=').ok_or_else(wrong)?;
        let figure = Aim::ALL.into_iter().find(|aim| aim.word() == word.trim());
        let names = || Aim::ALL.map(Aim::word).join(", ");
        let figure = figure.ok_or_else(|| format!("`{}` is no such figure; there are {}", word.trim(), names()))?;
        let within = crate::units::parse_share(share.trim()).map_err(|_| wrong())?;
        if within < 0.000_1 {
            return Err(format!("`{text}`: 0.01% is the least that can be asked"));
        }
        Ok(Self::Precise { figure, within, client: None })
    }
}

/// What was asked, and whether it was reached.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Enough {
    /// What was asked, such as `p99 of users within 2 %`, or `every promise decided`.
    pub goal: String,
    /// Whether it was reached; where not, after the most runs that are made.
    pub reached: bool,
    /// Looks that it took.
    pub looks: u32,
    /// The figure, with the interval that holds however many runs it took. Of a verdict there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured: Option<Estimate>,
    /// Its unit: `ms` or `/s`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub unit: String,
}

/// Runs at the `nth` look, from 0.
fn runs_at(nth: u32) -> u32 {
    libm::round(f64::from(FIRST) * libm::pow(1.5, f64::from(nth))) as u32
}

/// By how much an interval of so many runs has to be wider, so that all looks together err as rarely as one should.
fn wider(runs: u32) -> f64 {
    let degrees = f64::from(runs) - 1.0;
    let tail = 0.5 * (1.0 - CONFIDENCE);
    t_quantile(1.0 - tail / f64::from(LOOKS), degrees) / t_quantile(1.0 - tail, degrees)
}

/// Runs as many replications as it takes; the file's number does not count. What was run before an interruption is kept.
pub fn enough(checked: &Checked, goal: &Goal, jobs: Option<usize>, watch: &dyn Watch) -> Result<Summary, Trouble> {
    let client = match goal {
        Goal::Precise { client, .. } => judged(checked, client.as_deref())?,
        Goal::Decided if checked.scenario.slos.is_empty() => {
            let cure = "say what is promised under [[slos]], such as expect = \"p99 < 400ms\"";
            return Err(Trouble::Absent(format!("there is no promise to decide; {cure}")));
        }
        Goal::Decided => String::new(),
    };
    let plan = lower(checked);
    let mut ran = Ran::default();
    for look in 0..LOOKS {
        let runs = runs_at(look);
        ran.add(checked, &plan, runs, jobs, &Upto { watch, look, most: LOOKS });
        if ran.is_empty() {
            return Err(Failure::Interrupted.into());
        }
        let last = ran.interrupted() || look + 1 == LOOKS;
        let summary = ran.summary(checked, &plan, wider(ran.runs().max(2)));
        let (told, reached) = judge(goal, &client, &summary, wider(ran.runs().max(2)));
        if last || reached {
            return Ok(settled(summary, Enough { looks: look + 1, ..told }, goal));
        }
    }
    Err(Failure::Interrupted.into())
}

/// The same of several scenarios, one after the other; what had ended before an interruption is kept.
pub fn each(scenarios: &[Checked], goal: &Goal, jobs: Option<usize>, watch: &dyn Watch) -> Result<Series, Trouble> {
    let mut summaries: Vec<Summary> = Vec::new();
    for (at, scenario) in scenarios.iter().enumerate() {
        match enough(scenario, goal, jobs, &Part { whole: watch, at, of: scenarios.len() }) {
            Err(Trouble::Interrupted) if !summaries.is_empty() => return Ok(Series { summaries, whole: false }),
            other => summaries.push(other?),
        }
    }
    Ok(Series { summaries, whole: true })
}

/// What the runs so far say, and whether that is enough.
fn judge(goal: &Goal, client: &str, summary: &Summary, wider: f64) -> (Enough, bool) {
    let (goal, reached, measured, unit) = match goal {
        Goal::Decided => {
            let open = |verdict: &super::summary::Verdict| verdict.verdict == Outcome::Undecided;
            ("every promise decided".to_owned(), !summary.slos.iter().any(open), None, "")
        }
        Goal::Precise { figure, within, .. } => {
            let found = summary.clients.get(client).map_or(Estimate::NONE, |stats| figure.of(stats)).stretched(wider);
            let half = found.half_width().zip(found.value.filter(|value| *value > 0.0));
            let near = half.is_some_and(|(half, value)| half <= within * value);
            (format!("{} of {client} within {} %", figure.word(), within * 100.0), near, Some(found), figure.unit())
        }
    };
    (Enough { goal, reached, looks: 0, measured, unit: unit.to_owned() }, reached)
}

/// The summary with what was asked; of promises that decided when to stop no interval is told.
fn settled(mut summary: Summary, enough: Enough, goal: &Goal) -> Summary {
    if *goal == Goal::Decided {
        for verdict in &mut summary.slos {
            verdict.measured = verdict.measured.value.map_or(Estimate::NONE, Estimate::point);
            verdict.burn_rate = verdict.burn_rate.and_then(|rate| rate.value).map(Estimate::point);
        }
    }
    summary.run.enough = Some(enough);
    summary
}

/// One look of many: how far all of it is, nobody knows.
struct Upto<'w> {
    watch: &'w dyn Watch,
    look: u32,
    most: u32,
}

impl Watch for Upto<'_> {
    fn advanced(&self, share_done: f64) {
        self.watch.advanced((f64::from(self.look) + share_done) / f64::from(self.most));
    }
    fn stopped(&self) -> bool {
        self.watch.stopped()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_are_fixed_and_spend_what_there_is() {
        let all: Vec<u32> = (0..LOOKS).map(runs_at).collect();
        assert_eq!(all, [10, 15, 23, 34, 51, 76, 114, 171, 256, 384]);
        // Student's 99.75 % quantile at 9 degrees is 3.690, the 97.5 % one 2.262.
        assert!((wider(10) - 3.690 / 2.262).abs() < 0.001, "{}", wider(10));
    }

    #[test]
    fn a_goal_is_a_figure_and_a_share() {
        let read = |text| Goal::parse(text);
        assert_eq!(read("p99=2%"), Ok(Goal::Precise { figure: Aim::P99, within: 0.02, client: None }));
        assert!(read("p98=2%").unwrap_err().contains("p99.9"));
        for wrong in ["p99", "p99=", "p99=0%", "p99=much"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}

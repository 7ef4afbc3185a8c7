//! Scenario texts for the cases: free calls, no network, static addresses, and the tables of one model.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Deserialize;

/// Workers that are never all busy.
pub(super) const UNLIMITED: u32 = 1_000_000;

/// What is wanted of a scenario.
pub(super) struct Asked<'a> {
    pub(super) id: &'a str,
    pub(super) expected: &'a BTreeMap<String, f64>,
    pub(super) arrivals: u64,
    pub(super) seed: u64,
}

/// A scenario text in the making.
pub(super) struct Sheet {
    head: String,
    discovery: String,
    tables: String,
}

impl Sheet {
    /// About so many arrivals as asked at `rate` per second (fewer where each means many calls), after a warm-up of 8 %.
    pub(super) fn new(asked: &Asked<'_>, rate: f64, calls: f64) -> Self {
        let duration = (asked.arrivals as f64 / (calls / 4.0).max(1.0) / rate).ceil().max(20.0);
        let warmup = (0.08 * duration).ceil().max(1.0);
        let head = format!(
            "version = 1\nname = \"{}\"\n\n[sim]\nduration = \"{duration}s\"\nwarmup = \"{warmup}s\"\nseed = {}\n\
             replications = 10\n\n[defaults]\ntransport = \"free\"\n\n[network]\nsame_host = \"0ns\"\nsame_zone = \"0ns\"\n\
             cross_zone = \"0ns\"\ncross_region = \"0ns\"\n",
            asked.id.replace('/', "-"),
            asked.seed
        );
        Self { head, discovery: "kind = \"static\"\n".into(), tables: String::new() }
    }

    /// Adds lines to `[discovery]`.
    pub(super) fn discovery(mut self, lines: &str) -> Self {
        let _ = writeln!(self.discovery, "{lines}");
        self
    }

    /// Adds a table.
    pub(super) fn table(mut self, name: &str, lines: &str) -> Self {
        let _ = writeln!(self.tables, "\n[{name}]\n{lines}");
        self
    }

    /// Adds `[clients.<name>]`.
    pub(super) fn client(self, name: &str, calls: &str, load: &str) -> Self {
        self.table(&format!("clients.{name}"), &format!("calls = \"{calls}\"\n{load}"))
    }

    /// Adds `[services.<name>]`, one replica unless `lines` says otherwise.
    pub(super) fn service(self, name: &str, workers: u32, lines: &str) -> Self {
        self.table(&format!("services.{name}"), &format!("concurrency = {workers}\n{lines}"))
    }

    /// Adds a service without work that holds nothing while its steps wait.
    pub(super) fn hub(self, steps: &str) -> Self {
        self.service("hub", UNLIMITED, &format!("io = \"async\"\nwork = \"0ns\"\nsteps = [{steps}]"))
    }

    /// The text.
    pub(super) fn text(self) -> String {
        format!("{}\n[discovery]\n{}{}", self.head, self.discovery, self.tables)
    }
}

/// A span of seconds as a scenario writes it, without the quotes.
pub(super) fn span(seconds: f64) -> String {
    let nanos = (seconds * 1e9).round() as u64;
    let units = [("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000), ("ns", 1)];
    let (unit, size) =
        units.into_iter().find(|(_, size)| nanos > 0 && nanos.is_multiple_of(*size)).unwrap_or(("ns", 1));
    format!("{}{unit}", nanos / size)
}

/// A rate per second as a scenario writes it, without the quotes; twelve digits.
pub(super) fn rate(per_second: f64) -> String {
    let rounded: f64 = format!("{per_second:.11e}").parse().unwrap_or(per_second);
    format!("{rounded}/s")
}

/// Poisson arrivals.
pub(super) fn poisson(per_second: f64) -> String {
    format!("arrivals = \"poisson\"\nrate = \"{}\"", rate(per_second))
}

/// `work = …`.
pub(super) fn work(law: &Law) -> String {
    format!("work = {}", law.written())
}

/// Exponential with `rate` per second.
pub(super) fn exponential(rate: f64) -> Law {
    Law::Exponential { mean: 1.0 / rate }
}

/// A law of times in seconds.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "dist", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Law {
    Constant { mean: f64 },
    Exponential { mean: f64 },
    Lognormal { mean: f64, cv: f64 },
    Erlang { mean: f64, k: u32 },
    Uniform { min: f64, max: f64 },
    TwoExponentials { share: f64, mean: f64, other: f64 },
    Pareto { min: f64, max: f64, alpha: f64 },
}

impl Law {
    /// As a scenario writes it.
    pub(super) fn written(&self) -> String {
        match *self {
            Self::Constant { mean } => format!("\"{}\"", span(mean)),
            Self::Exponential { mean } => format!("{{ mean = \"{}\" }}", span(mean)),
            Self::Lognormal { mean, cv } => {
                format!("{{ dist = \"lognormal\", mean = \"{}\", cv = {cv} }}", span(mean))
            }
            Self::Erlang { mean, k } => format!("{{ dist = \"erlang\", mean = \"{}\", k = {k} }}", span(mean)),
            Self::Uniform { min, max } => {
                format!("{{ dist = \"uniform\", min = \"{}\", max = \"{}\" }}", span(min), span(max))
            }
            Self::TwoExponentials { share, mean, other } => format!(
                "{{ mix = [{{ share = {share}, mean = \"{}\" }}, {{ share = {}, mean = \"{}\" }}] }}",
                span(mean),
                rest(share),
                span(other)
            ),
            Self::Pareto { min, max, alpha } => {
                format!("{{ dist = \"pareto\", min = \"{}\", max = \"{}\", alpha = {alpha} }}", span(min), span(max))
            }
        }
    }

    /// Its mean in seconds. Pareto laws stand for work only, whose mean no scenario needs.
    pub(super) fn mean(&self) -> f64 {
        match *self {
            Self::Constant { mean }
            | Self::Exponential { mean }
            | Self::Lognormal { mean, .. }
            | Self::Erlang { mean, .. } => mean,
            Self::Uniform { min, max } => f64::midpoint(min, max),
            Self::TwoExponentials { share, mean, other } => share * mean + (1.0 - share) * other,
            Self::Pareto { .. } => f64::NAN,
        }
    }

    /// Whether estimates over it settle slowly.
    pub(super) fn is_heavy(&self) -> bool {
        matches!(self, Self::Pareto { .. })
    }
}

/// What is left of 1, without the dust of binary fractions.
pub(super) fn rest(share: f64) -> f64 {
    ((1.0 - share) * 1e12).round() / 1e12
}

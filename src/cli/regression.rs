//! What became worse against a result that was kept, and whether that fails.

use std::path::Path;

use super::engine::{self, Comparison, Regression};
use super::exit::{Exit, Failure};
use super::output;
use super::run::Format;
use crate::experiment::summary::Summary;
use crate::report::compare;
use crate::report::number::plain;
use crate::report::table::Style;

/// When a comparison fails.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub(super) struct Gate {
    /// Exit with 99 where a figure is worse by more than this, beyond noise: latencies, successes, throughput of every client
    /// and flow
    #[arg(long, value_name = "SHARE", value_parser = share)]
    fail_on_regression: Option<f64>,
}

/// What was found at the gate.
pub(super) struct Judged {
    allowed: f64,
    base: String,
    found: Vec<Regression>,
    /// Clients and flows that were not judged, for want of an interval.
    unjudged: Vec<String>,
    /// Clients and flows of one of the two alone.
    unmatched: Vec<String>,
    /// Whether any client or flow is in both.
    common: bool,
}

impl Gate {
    /// What is worse than allowed; `None` where nothing was said of that.
    pub(super) fn judge(self, comparison: &Comparison) -> Option<Judged> {
        let allowed = self.fail_on_regression?;
        let others = || comparison.others.iter();
        Some(Judged {
            allowed,
            base: comparison.base.name.clone(),
            found: engine::regressions(comparison, allowed),
            unjudged: engine::unjudged(comparison),
            unmatched: others().flat_map(|versus| versus.unmatched.clone()).collect(),
            common: others().all(|versus| versus.all().next().is_some()),
        })
    }

    /// Nothing is worse than nothing: where there is no base, a gate is a mistake.
    pub(super) fn needs_base(self, base: Option<&Path>) -> Result<(), Failure> {
        if self.fail_on_regression.is_some() && base.is_none() {
            let cure = "--fail-on-regression is against a result that was kept: add --baseline RESULT.json";
            return Err(Failure::Usage(cure.into()));
        }
        Ok(())
    }
}

impl Judged {
    /// What could not be judged has not passed, as a promise without data has not.
    pub(super) fn exit(&self) -> Exit {
        let judged = self.common && self.unjudged.is_empty();
        if judged && self.found.is_empty() { Exit::Done } else { Exit::SloFailed }
    }

    pub(super) fn sentence(&self) -> String {
        let (allowed, base) = (plain(self.allowed * 100.0), &self.base);
        let found: Vec<String> = self.found.iter().map(ToString::to_string).collect();
        let mut all = Vec::new();
        if !self.common {
            all.push(format!("nothing was judged: no client in common with {base}"));
        } else if !found.is_empty() {
            all.push(format!("worse than in {base} by more than {allowed} %, beyond noise: {}", found.join("; ")));
        } else if self.unjudged.is_empty() {
            all.push(format!("no figure is worse than in {base} by more than {allowed} %, beyond noise"));
        }
        if !self.unjudged.is_empty() {
            let cure = "no difference has an interval (run more replications)";
            all.push(format!("not judged: {}: {cure}", self.unjudged.join(", ")));
        }
        if !self.unmatched.is_empty() {
            all.push(format!("only in one of the two: {}", self.unmatched.join(", ")));
        }
        all.join("; ")
    }
}

/// A run held against what was kept.
pub(super) struct Against {
    comparison: Comparison,
    judged: Option<Judged>,
}

/// The result that a run is to be held against, called by its file.
pub(super) fn baseline(path: &Path) -> Result<Summary, Failure> {
    let mut all = engine::kept(path)?;
    let several = all.len();
    if let Some(mut base) = all.pop().filter(|_| several == 1) {
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        base.scenario.variant = stem.or(base.scenario.variant);
        Ok(base)
    } else {
        let path = output::shown(path);
        Err(Failure::Usage(format!("--baseline {path}: it holds {several} results, and a run is held against one")))
    }
}

/// A run against what was kept.
pub(super) fn against(base: &Summary, runs: &[Summary], gate: Gate) -> Result<Against, Failure> {
    let [run] = runs else {
        return Err(Failure::Usage("--baseline is for one run; several variants are run".into()));
    };
    let comparison = engine::stored(base, std::slice::from_ref(run));
    let judged = gate.judge(&comparison);
    Ok(Against { comparison, judged })
}

impl Against {
    pub(super) fn exit(&self) -> Exit {
        self.judged.as_ref().map_or(Exit::Done, Judged::exit)
    }

    /// How the run stands: what is worse where that was asked for, else the total.
    pub(super) fn sentence(&self) -> String {
        self.judged.as_ref().map_or_else(|| compare::total(&self.comparison), Judged::sentence)
    }

    /// A run's text with the sentence before it and the comparison after it.
    pub(super) fn around(&self, text: &str, format: Format, style: Style) -> String {
        let sentence = crate::report::text::clean(&self.sentence());
        match format {
            Format::Table => format!("{sentence}\n\n{text}\n{}", compare::table(&self.comparison, &[], style)),
            Format::Md => {
                let text = format!("**{}**\n\n{text}", compare::escaped(&sentence));
                let folded = compare::folded(&self.comparison, &text);
                text + &folded
            }
            Format::Json | Format::Csv => text.to_owned(),
        }
    }
}

/// Reads `5%` or `0.05`.
fn share(text: &str) -> Result<f64, String> {
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|n| n.is_finite() && *n >= 0.0);
    let found = match text.trim().strip_suffix('%') {
        Some(percent) => number(percent).map(|n| n / 100.0),
        None => number(text).filter(|n| *n <= 1.0),
    };
    found.ok_or_else(|| "not a share such as `5%` or `0.05`".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_has_a_sign_or_lies_below_one() {
        assert_eq!(share("5%"), Ok(0.05));
        assert_eq!(share("0.05"), Ok(0.05));
        assert_eq!(share("0 %"), Ok(0.0));
        for wrong in ["5", "-1%", "x", "", "NaN", "inf%"] {
            assert!(share(wrong).is_err(), "{wrong}");
        }
    }
}

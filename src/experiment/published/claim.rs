//! What a publication says, and whether a run says the same.

use crate::experiment::figure::{Figure, Seen};
use crate::experiment::summary::Summary;

/// A publication.
#[derive(Debug)]
pub struct Publication {
    /// One word, for the command line.
    pub name: &'static str,
    /// Who, what, where, when.
    pub source: &'static str,
    /// What was tried after it.
    pub experiments: &'static [Experiment],
}

/// A scenario with what is claimed of it.
#[derive(Debug)]
pub struct Experiment {
    /// The name of the scenario and of its file.
    pub name: &'static str,
    /// Where their figures come from.
    pub kind: Kind,
    /// Its text.
    pub text: &'static str,
    /// What is run of it; the empty name is the scenario as written.
    pub variants: &'static [&'static str],
    /// What is claimed.
    pub claims: &'static [Claim],
    /// Whether it takes so little that every test run can afford it.
    pub short: bool,
}

/// Where figures that others published come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// When a real system was measured.
    Measured,
    /// When they follow from a rule, or from theory.
    Rule,
    /// When another program simulated them.
    Simulated,
}

/// A figure of a publication.
pub struct Claim {
    /// What it is, in a few words.
    pub what: &'static str,
    /// Their figure.
    pub theirs: f64,
    /// Of what.
    pub unit: Unit,
    /// How far apart the two may be.
    pub tolerance: Tolerance,
    /// Where ours stands.
    pub(super) ours: fn(&Runs<'_>) -> Figure,
}

impl std::fmt::Debug for Claim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Claim").field("what", &self.what).field("theirs", &self.theirs).finish_non_exhaustive()
    }
}

/// How a figure is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// When it is a time, s.
    Seconds,
    /// When it is a share of one.
    Share,
    /// When it is a rate, per second.
    PerSecond,
    /// When it is a factor.
    Times,
    /// When it is a count.
    Count,
}

/// How far our figure may be from theirs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Tolerance {
    /// When it may be off by this share of theirs.
    Near(f64),
    /// When it may be off by this much.
    Within(f64),
    /// When theirs has this standard error: three of both together.
    Errors(f64),
    /// When all that is claimed is that it is not above this.
    AtMost(f64),
    /// When all that is claimed is that it is not below this.
    AtLeast(f64),
}

/// Whether we say the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// When the figures agree.
    Agrees,
    /// When no more than a tendency was published, and it is there.
    ShapeAgrees,
    /// When they do not.
    Differs,
}

/// What was found of one claim.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The publication's name.
    pub publication: &'static str,
    /// Where its figures come from.
    pub kind: Kind,
    /// What is claimed.
    pub what: &'static str,
    /// Their figure.
    pub theirs: f64,
    /// What they claim at least, or at most, where that is all.
    pub bound: Option<Tolerance>,
    /// Ours; not a number where the run says nothing.
    pub ours: f64,
    /// Half of the width of its 95 % interval; 0 where it has none.
    pub half: f64,
    /// How far ours may be from theirs; `None` where only a bound is claimed.
    pub allowed: Option<f64>,
    /// Of all.
    pub unit: Unit,
    /// Whether they agree.
    pub verdict: Verdict,
}

impl Claim {
    /// Compares.
    pub(super) fn judge(&self, (publication, kind): (&Publication, Kind), runs: &Runs<'_>) -> Finding {
        let Figure { value, half } = (self.ours)(runs);
        let allowed = match self.tolerance {
            Tolerance::Near(share) => Some(share * self.theirs.abs()),
            Tolerance::Within(much) => Some(much),
            Tolerance::Errors(theirs) => Some(3.0 * theirs.hypot(half / T)),
            Tolerance::AtMost(_) | Tolerance::AtLeast(_) => None,
        };
        let one_sided = allowed.is_none();
        let holds = match (self.tolerance, allowed) {
            (_, Some(allowed)) => (value - self.theirs).abs() <= allowed,
            (Tolerance::AtMost(bound), None) => value <= bound,
            (Tolerance::AtLeast(bound), None) => value >= bound,
            (_, None) => false,
        };
        let verdict = match (holds, one_sided) {
            (false, _) => Verdict::Differs,
            (true, false) => Verdict::Agrees,
            (true, true) => Verdict::ShapeAgrees,
        };
        Finding {
            publication: publication.name,
            kind,
            what: self.what,
            theirs: self.theirs,
            bound: one_sided.then_some(self.tolerance),
            ours: value,
            half,
            allowed,
            unit: self.unit,
            verdict,
        }
    }
}

/// What turns half of an interval over ten replications into a standard error: Student's t with nine degrees of freedom.
const T: f64 = 2.262;

/// The runs of an experiment by variant.
pub(super) struct Runs<'a>(pub(super) &'a [(&'static str, Summary)]);

impl Runs<'_> {
    /// The scenario as written.
    pub(super) fn plain(&self) -> Seen<'_> {
        self.of("")
    }

    /// A variant. Claims name those that their experiment runs.
    pub(super) fn of(&self, variant: &str) -> Seen<'_> {
        let found = self.0.iter().find(|run| run.0 == variant);
        Seen(&found.unwrap_or_else(|| unreachable!("`{variant}` is not run")).1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOWHERE: Publication = Publication { name: "nowhere", source: "", experiments: &[] };

    fn verdict(tolerance: Tolerance, theirs: f64, ours: fn(&Runs<'_>) -> Figure) -> Verdict {
        Claim { what: "", theirs, unit: Unit::Count, tolerance, ours }.judge((&NOWHERE, Kind::Rule), &Runs(&[])).verdict
    }

    #[test]
    fn figures_agree_within_their_tolerance_and_no_further() {
        let ten: fn(&Runs<'_>) -> Figure = |_| Figure { value: 10.0, half: T };
        assert_eq!(verdict(Tolerance::Near(0.1), 11.0, ten), Verdict::Agrees);
        assert_eq!(verdict(Tolerance::Near(0.05), 11.0, ten), Verdict::Differs);
        assert_eq!(verdict(Tolerance::Within(1.0), 9.0, ten), Verdict::Agrees);
        assert_eq!(verdict(Tolerance::Within(0.9), 9.0, ten), Verdict::Differs);
        assert_eq!(verdict(Tolerance::Errors(0.0), 12.9, ten), Verdict::Agrees, "three standard errors of ours");
        assert_eq!(verdict(Tolerance::Errors(0.0), 13.1, ten), Verdict::Differs);
        assert_eq!(verdict(Tolerance::Errors(1.0), 14.2, ten), Verdict::Agrees, "3 √2 of both");
    }

    #[test]
    fn a_tendency_is_not_a_figure() {
        let ten: fn(&Runs<'_>) -> Figure = |_| Figure::sure(10.0);
        assert_eq!(verdict(Tolerance::AtMost(10.0), 3.0, ten), Verdict::ShapeAgrees);
        assert_eq!(verdict(Tolerance::AtMost(9.0), 3.0, ten), Verdict::Differs);
        assert_eq!(verdict(Tolerance::AtLeast(10.0), 30.0, ten), Verdict::ShapeAgrees);
        assert_eq!(verdict(Tolerance::AtLeast(11.0), 30.0, ten), Verdict::Differs);
        let none: fn(&Runs<'_>) -> Figure = |_| Figure::MISSING;
        assert_eq!(verdict(Tolerance::AtMost(9.0), 3.0, none), Verdict::Differs, "no figure is no agreement");
        assert_eq!(verdict(Tolerance::Near(9.0), 3.0, none), Verdict::Differs);
    }
}

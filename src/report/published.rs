//! The simulator against published results, claim by claim.

use super::number::{NONE, plain, time};
use super::sheet::{Cell, Sheet, Tone};
use super::table::Style;
use super::text::{clean, cut, wrapped};
use crate::experiment::published::{self, Finding, Kind, Tolerance, Verdict};

const MEASURED: &str = "measured";

/// A publication and what became of its claims.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Publication {
    /// Who, what, where, when.
    pub source: String,
    /// Its claims.
    pub claims: Vec<Claim>,
}

/// A claim and what a run says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Claim {
    /// What it is.
    pub what: String,
    /// Where it comes from: a system that was `measured`, a `rule`, another program that `simulated` it.
    pub kind: &'static str,
    /// Their figure.
    pub theirs: Amount,
    /// Where only a tendency was published: `≤` or `≥`, and what.
    pub bound: Option<(char, Amount)>,
    /// Ours.
    pub ours: Amount,
    /// Half of the width of the interval of ours; `None` where it has none.
    pub half: Option<Amount>,
    /// How far ours may be from theirs; `None` where only a tendency was published.
    pub allowed: Option<Amount>,
    /// Whether the two agree; where only a tendency was published, whether it is there.
    pub agrees: bool,
}

/// A figure with its unit.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Amount {
    /// How much; seconds for times.
    pub value: f64,
    /// Of what.
    pub unit: Unit,
}

/// What a figure counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unit {
    /// When it counts things.
    #[default]
    Count,
    /// When it is a time.
    Seconds,
    /// When it is a share.
    Share,
    /// When it is a rate.
    PerSecond,
    /// When it is a factor.
    Times,
}

/// What was found of the claims of publications.
pub fn told(found: &[(&published::Publication, Vec<Finding>)]) -> Vec<Publication> {
    let one = |(publication, claims): &(&published::Publication, Vec<Finding>)| Publication {
        source: publication.source.into(),
        claims: claims.iter().map(claim).collect(),
    };
    found.iter().map(one).collect()
}

fn claim(finding: &Finding) -> Claim {
    let unit = match finding.unit {
        published::Unit::Count => Unit::Count,
        published::Unit::Seconds => Unit::Seconds,
        published::Unit::Share => Unit::Share,
        published::Unit::PerSecond => Unit::PerSecond,
        published::Unit::Times => Unit::Times,
    };
    let amount = |value| Amount { value, unit };
    let bound = match finding.bound {
        Some(Tolerance::AtMost(bound)) => Some(('≤', bound)),
        Some(Tolerance::AtLeast(bound)) => Some(('≥', bound)),
        _ => None,
    };
    let kind = match finding.kind {
        Kind::Measured => MEASURED,
        Kind::Rule => "rule",
        Kind::Simulated => "simulated",
    };
    Claim {
        what: finding.what.into(),
        kind,
        theirs: amount(finding.theirs),
        bound: bound.map(|(sign, bound)| (sign, amount(bound))),
        ours: amount(finding.ours),
        half: (finding.half > 0.0).then(|| amount(finding.half)),
        allowed: finding.allowed.map(amount),
        agrees: finding.verdict != Verdict::Differs,
    }
}

impl Amount {
    /// As half of an interval: small, so three digits.
    fn spread(self) -> String {
        match self.unit {
            Unit::Count | Unit::PerSecond | Unit::Times => plain(self.value),
            Unit::Seconds => self.text(),
            // Percentage points: of a share in per cent it is not so many per cent.
            Unit::Share => format!("{} pp", self.text().trim_end_matches(" %")),
        }
    }

    fn text(self) -> String {
        let Self { value, unit } = self;
        if !value.is_finite() {
            return NONE.into();
        }
        match unit {
            Unit::Count => four(value),
            Unit::Seconds if value >= 1.0 => format!("{} s", four(value)),
            Unit::Seconds => time(value * 1e3),
            Unit::Share => format!("{} %", plain(100.0 * value)),
            Unit::PerSecond => format!("{}/s", four(value)),
            Unit::Times => format!("{} ×", four(value)),
        }
    }
}

/// Four significant digits; theirs and ours often agree in three.
fn four(value: f64) -> String {
    let size = value.abs();
    let decimals = [1e3, 1e2, 1e1].iter().position(|from| size >= *from).unwrap_or(3);
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// How far off ours are of figures that somebody measured: the distribution of errors, in a sentence. `None` where there are none.
fn accuracy(all: &[Publication]) -> Option<String> {
    let measured = all.iter().flat_map(|p| p.claims.iter().map(move |claim| (p, claim)));
    let measured = measured.filter(|(_, claim)| claim.kind == MEASURED && claim.bound.is_none());
    // A yes or no is no figure that could be a little off.
    let measured = measured.filter(|(_, Claim { theirs, .. })| theirs.unit != Unit::Share || theirs.value % 1.0 != 0.0);
    let (shares, others): (Vec<_>, Vec<_>) = measured.partition(|(_, claim)| claim.theirs.unit == Unit::Share);
    let parts = [("times, rates and counts", &others, "%"), ("shares", &shares, "pp")];
    let parts = parts.into_iter().filter(|(_, claims, _)| !claims.is_empty()).map(|(what, claims, unit)| {
        let mut errors: Vec<(f64, String)> = claims.iter().map(|(p, claim)| (claim.error(), named(p, claim))).collect();
        errors.sort_by(|one, other| one.0.total_cmp(&other.0));
        let within = |share: f64| plain(errors[((errors.len() as f64 * share).ceil() as usize).max(1) - 1].0);
        let worst = &errors[errors.len() - 1].1;
        format!(
            "of {} {what} half are within {} {unit}, nine in ten within {} {unit}, all within {} {unit} ({worst})",
            errors.len(),
            within(0.5),
            within(0.9),
            within(1.0)
        )
    });
    let parts: Vec<String> = parts.collect();
    (!parts.is_empty()).then(|| format!("Against what others measured: {}.", parts.join("; ")))
}

/// Who published it, and where their figures come from: `Gunther: fits to SPEC SDM91 · measured`.
fn heading(publication: &Publication, width: usize) -> String {
    let mut kinds: Vec<&str> = publication.claims.iter().map(|claim| claim.kind).collect();
    kinds.dedup();
    let kinds = format!(" · {}", kinds.join(", "));
    cut(&clean(&publication.source), width.saturating_sub(kinds.chars().count())) + &kinds
}

/// `Gunther: scripts an hour, 1 user`.
fn named(publication: &Publication, claim: &Claim) -> String {
    format!("{}: {}", publication.source.split([':', ',']).next().unwrap_or_default(), claim.what)
}

/// The answer, the table, what could not be reproduced, and a last line with the sum.
pub fn render(all: &[Publication], absent: &[(&str, &str)], style: Style) -> String {
    let mut sheet =
        Sheet::new(&[("claim", 9), ("published", 7), ("ours", 8), ("±", 1), ("allowed", 3), ("verdict", 6)]);
    for claim in all.iter().flat_map(|p| &p.claims) {
        sheet.push(&format!("  {}", claim.what), cells(claim));
    }
    let mut rows = sheet.lines(style.width, style.color).into_iter();
    let answer = accuracy(all).map(|answer| wrapped(&answer, style.width)).unwrap_or_default();
    let gap = (!answer.is_empty()).then(String::new);
    let mut lines: Vec<String> = answer.into_iter().chain(gap).chain(rows.by_ref().take(2)).collect();
    for publication in all {
        lines.push(Tone::Strong.paint(&heading(publication, style.width), style.color));
        lines.extend(rows.by_ref().take(publication.claims.len()));
    }
    if !absent.is_empty() {
        lines.extend([String::new(), Tone::Strong.paint("Not reproduced", style.color)]);
        lines.extend(absent.iter().flat_map(|(what, why)| [format!("  {what}"), format!("      {why}")]));
    }
    let claims: Vec<&Claim> = all.iter().flat_map(|p| &p.claims).collect();
    let agree = |tendency| claims.iter().filter(|c| c.agrees && c.bound.is_some() == tendency).count();
    let (figures, shapes) = (agree(false), agree(true));
    lines.push(String::new());
    lines.push(format!(
        "{} of {} claims of {} sources are met: {figures} figures, {shapes} tendencies",
        figures + shapes,
        claims.len(),
        all.len()
    ));
    lines.join("\n") + "\n"
}

impl Claim {
    /// How far ours is from theirs: per cent of theirs, of a share points.
    fn error(&self) -> f64 {
        let off = 100.0 * (self.ours.value - self.theirs.value).abs();
        if self.theirs.unit == Unit::Share { off } else { off / self.theirs.value.abs() }
    }
}

fn cells(claim: &Claim) -> [Cell; 5] {
    let verdict = match (claim.agrees, claim.bound.is_some()) {
        (true, false) => Cell::toned("✓ agrees", Tone::Good),
        (true, true) => Cell::toned("≈ shape", Tone::Good),
        (false, _) => Cell::toned("✗ differs", Tone::Bad),
    };
    let theirs = claim.bound.map_or_else(|| claim.theirs.text(), |(sign, bound)| format!("{sign} {}", bound.text()));
    [
        theirs.into(),
        claim.ours.text().into(),
        claim.half.map_or_else(|| NONE.to_owned(), Amount::spread).into(),
        claim.allowed.map_or_else(|| NONE.to_owned(), |allowed| format!("±{}", allowed.spread())).into(),
        verdict,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(value: f64, unit: Unit) -> Amount {
        Amount { value, unit }
    }

    #[test]
    fn theirs_and_ours_stand_side_by_side() {
        let claim = |what: &str, theirs, ours, unit| Claim {
            what: what.into(),
            kind: MEASURED,
            theirs: amount(theirs, unit),
            ours: amount(ours, unit),
            half: None,
            allowed: None,
            agrees: true,
            bound: None,
        };
        let (half, allowed) = (Some(amount(0.004, Unit::Share)), Some(amount(0.005, Unit::Share)));
        let good = Claim { half, allowed, ..claim("slow", 0.634, 0.6347, Unit::Share) };
        let shape =
            Claim { bound: Some(('≥', amount(10.0, Unit::Times))), ..claim("falls", 24.3, 28.0, Unit::Times) };
        let bad = Claim { agrees: false, ..claim("calls", 1_860.08, 2_000.0, Unit::Count) };
        let one = Publication { source: "Dean, 2013".into(), claims: vec![good, shape] };
        let other = Publication { source: "Brooker, 2015".into(), claims: vec![bad] };
        let text = render(&[one, other], &[("MiSim", "plots without figures")], Style::default());
        let answer =
            "Against what others measured: of 1 times, rates and counts half are within 7.52 %, nine in ten within";
        assert!(text.replace('\n', " ").starts_with(answer), "{text}");
        assert!(
            text.replace('\n', " ").contains("; of 1 shares half are within 0.07 pp, nine in ten within 0.07 pp"),
            "{text}"
        );
        let lines: Vec<&str> = text.lines().skip_while(|line| !line.starts_with("claim")).collect();
        assert_eq!(lines[0], "claim    published    ours       ±  allowed    verdict");
        assert_eq!(
            lines[2..6],
            [
                "Dean, 2013 · measured",
                "  slow      63.4 %  63.5 %  0.4 pp  ±0.5 pp   ✓ agrees",
                "  falls     ≥ 10 ×    28 ×       –        –    ≈ shape",
                "Brooker, 2015 · measured",
            ]
        );
        assert!(lines[6].starts_with("  calls       1860    2000"), "{text}");
        assert!(text.contains("✗ differs"), "{text}");
        assert!(text.contains("  MiSim\n      plots without figures\n"), "{text}");
        assert!(text.ends_with("2 of 3 claims of 2 sources are met: 1 figures, 1 tendencies\n"), "{text}");
    }

    #[test]
    fn figures_have_four_digits_at_most() {
        let text = |value, unit| amount(value, unit).text();
        assert_eq!(text(1_860.08, Unit::Count), "1860");
        assert_eq!(text(795.72, Unit::Count), "795.7");
        assert_eq!(text(1.1071, Unit::Times), "1.107 ×");
        assert_eq!(text(63.798, Unit::Seconds), "63.8 s");
        assert_eq!(text(0.0121, Unit::Seconds), "12.1 ms");
        assert_eq!(text(180_180.18, Unit::PerSecond), "180180/s");
        assert_eq!(text(f64::NAN, Unit::Share), NONE);
    }
}

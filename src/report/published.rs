//! The simulator against published results, claim by claim.

use super::number::{NONE, plain, time};
use super::sheet::{Cell, Sheet, Tone};
use super::table::Style;
use super::text::{clean, cut};
use crate::experiment::published::{self, Finding, Tolerance, Verdict};

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
    Claim {
        what: finding.what.into(),
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

/// The table, what could not be reproduced, and a last line with the sum.
pub fn render(all: &[Publication], absent: &[(&str, &str)], style: Style) -> String {
    let mut sheet =
        Sheet::new(&[("claim", 9), ("published", 7), ("ours", 8), ("±", 1), ("allowed", 5), ("verdict", 6)]);
    for claim in all.iter().flat_map(|p| &p.claims) {
        sheet.push(&format!("  {}", claim.what), cells(claim));
    }
    let mut rows = sheet.lines(style.width, style.color).into_iter();
    let mut lines: Vec<String> = rows.by_ref().take(2).collect();
    for publication in all {
        lines.push(Tone::Strong.paint(&cut(&clean(&publication.source), style.width), style.color));
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
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "claim    published    ours       ±  allowed    verdict");
        assert_eq!(
            lines[2..6],
            [
                "Dean, 2013",
                "  slow      63.4 %  63.5 %  0.4 pp  ±0.5 pp   ✓ agrees",
                "  falls     ≥ 10 ×    28 ×       –        –    ≈ shape",
                "Brooker, 2015",
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

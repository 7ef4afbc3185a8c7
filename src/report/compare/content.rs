//! What a comparison says, before it has a shape.

use crate::experiment::compare::{Comparison, Difference, Figures, Verdict, Versus};
use crate::experiment::summary::Estimate;
use crate::report::number::{NONE, count, half, percent, plain, seconds, short, time};
use crate::report::sheet::{Cell, Sheet, Tone};
use crate::report::text::clean;

/// What was compared and how, in parts.
pub fn heading(comparison: &Comparison) -> Vec<String> {
    let (run, base) = (&comparison.run, &comparison.base);
    let of = match comparison.others.len() {
        1 => clean(&comparison.others[0].side.name),
        n => format!("{n} others"),
    };
    vec![
        format!("{}: {of} against {}", clean(&base.scenario), clean(&base.name)),
        format!("{} {}", comparison.tool.name, comparison.tool.version),
        run.note.to_string(),
        format!("seed {}", run.seed),
        format!("{} × {}", run.replications, seconds(run.duration_s)),
        format!("{} % intervals", plain(run.confidence * 100.0)),
        run.pairing.to_owned(),
    ]
}

/// What a reader must know about how it was compared.
pub fn notes(comparison: &Comparison) -> Vec<String> {
    let mut notes = comparison.run.notes.clone();
    let closed: Vec<String> = comparison.run.closed_clients.iter().map(|name| clean(name)).collect();
    if !closed.is_empty() {
        let one = if closed.len() == 1 { "a closed client" } else { "closed clients" };
        notes.push(format!(
            "{}: {one}, whose next request waits for the last answer: requests are not the same ones in both runs, only \
             replications are paired",
            closed.join(", ")
        ));
    }
    let all = || comparison.others.iter().flat_map(Versus::all).map(|(_, _, figures)| &figures.success_rate);
    if all().any(|rate| [rate.base, rate.other].iter().any(|share| share.value.is_some_and(|share| share < 1.0))) {
        notes.push("p50 and p99 are over all that arrived (never: among the failed), means are of the answered".into());
    }
    for versus in &comparison.others {
        notes.extend(versus.all().filter_map(|(_, name, figures)| unanswered(comparison, versus, name, figures)));
    }
    notes
}

/// How many requests were left unanswered on both sides, where any were: a mean of the answered says nothing of them.
fn unanswered(comparison: &Comparison, versus: &Versus, name: &str, figures: &Figures) -> Option<String> {
    let side = |at: usize, of: &str| {
        let oldest = figures.oldest_unanswered_s[at].map_or(String::new(), |s| format!(", the oldest {}", seconds(s)));
        format!("{} in {}{oldest}", count(figures.unanswered[at]), clean(of))
    };
    let sides = format!("{}; {}", side(0, &comparison.base.name), side(1, &versus.side.name));
    (figures.unanswered != [0, 0]).then(|| {
        format!(
            "{}: unanswered {sides}; nobody knows how long those would have taken, so means are not compared (≥: with \
             their ages)",
            clean(name)
        )
    })
}

/// All tables of a comparison under their titles.
pub fn sheets(comparison: &Comparison) -> Vec<(String, Sheet)> {
    let of = |versus: &Versus| -> Vec<(String, Sheet)> {
        versus.all().map(|(what, name, figures)| (against(comparison, versus, what, name), sheet(figures))).collect()
    };
    comparison.others.iter().flat_map(of).collect()
}

/// The figures of a client in both.
pub(super) fn sheet(figures: &Figures) -> Sheet {
    let columns = [("figure", 9), ("base", 8), ("other", 8), ("difference", 9), ("change", 7)];
    let mut sheet = Sheet::new(&columns);
    let times = [("mean", &figures.mean_ms), ("p50", &figures.p50_ms), ("p99", &figures.p99_ms)];
    for (name, d) in times {
        sheet.push(name, cells(d, time, &apart_ms));
    }
    sheet.push("success", cells(&figures.success_rate, percent, &apart_share));
    let rate = |value: f64| format!("{}/s", plain(value));
    sheet.push("throughput", cells(&figures.throughput_per_s, rate, &apart_rate));
    let gains: Vec<String> =
        times.iter().filter_map(|(name, d)| Some(format!("{name} {}", gain(d.variance_gain?)))).collect();
    sheet.note = (!gains.is_empty()).then(|| format!("variance gained by pairing: {}", gains.join(", ")));
    sheet
}

/// What pairing gained; where nearly all is common, what is left is the dust of floats and no figure.
fn gain(times: f64) -> String {
    if times > 1e4 { "more than ×10000".into() } else { format!("×{}", plain(times)) }
}

fn cells(d: &Difference, show: impl Fn(f64) -> String, apart: &dyn Fn(Estimate) -> String) -> [Cell; 4] {
    let [base, other] = [0, 1].map(|at| side(d, at, &show));
    [base, other, apart(d.difference).into(), change(d)]
}

/// The figure of one side: a value, at least so much, or never; as `run` tells it.
fn side(d: &Difference, at: usize, show: impl Fn(f64) -> String) -> Cell {
    match d.at_least[at] {
        Some(least) => Cell::toned(format!("≥ {}", show(least)), Tone::Odd),
        None if d.never[at] => Cell::toned("never", Tone::Odd),
        None => Cell::figure([d.base, d.other][at], show),
    }
}

/// The change in per cent, or why there is none to speak of.
fn change(d: &Difference) -> Cell {
    match d.verdict {
        Verdict::Same => "the same".into(),
        Verdict::NoSignificantDifference => Cell::toned("no significant difference", Tone::Faint),
        Verdict::NotComparable => Cell::toned("not comparable", Tone::Odd),
        Verdict::Unknown if d.difference.value.is_none() => NONE.into(),
        Verdict::Unknown => Cell::toned("no interval", Tone::Odd),
        Verdict::Lower | Verdict::Higher => {
            d.relative.map_or_else(|| NONE.into(), |share| signed(share * 100.0, "%")).into()
        }
    }
}

/// A figure with its sign.
pub(super) fn signed(value: f64, unit: &str) -> String {
    format!("{}{} {unit}", sign(value), plain(value.abs()))
}

fn sign(value: f64) -> &'static str {
    match value {
        v if v < 0.0 => "−",
        v if v > 0.0 => "+",
        _ => "",
    }
}

/// A difference of times with the half width of its interval, in one unit.
pub(in crate::report) fn apart_ms(e: Estimate) -> String {
    let Some(value) = e.value.filter(|v| v.is_finite()) else { return NONE.into() };
    let size = value.abs().max(half(e).unwrap_or(0.0));
    let (of, name) = match size {
        s if s >= 1e3 => (1e3, "s"),
        s if s >= 0.01 || s == 0.0 => (1.0, "ms"),
        s if s >= 1e-5 => (1e-3, "µs"),
        _ => (1e-6, "ns"),
    };
    within(value / of, half(e).map(|h| h / of), &format!(" {name}"))
}

/// A difference of shares in percentage points.
pub(in crate::report) fn apart_share(e: Estimate) -> String {
    e.value.map_or_else(|| NONE.into(), |value| within(value * 100.0, half(e).map(|h| h * 100.0), " pp"))
}

pub(in crate::report) fn apart_rate(e: Estimate) -> String {
    e.value.map_or_else(|| NONE.into(), |value| within(value, half(e), "/s"))
}

fn within(value: f64, half: Option<f64>, unit: &str) -> String {
    let tight = |h: f64| if h > 0.0 && h < 0.01 { plain_short(h) } else { short(h) };
    // Nothing apart in any replication needs no interval around it.
    // What floats add to or take from equal differences is no interval.
    let half = half.map(|h| if h < 1e-9 * value.abs() { 0.0 } else { h });
    let half = half.filter(|h| *h > 0.0 || value != 0.0).map_or_else(String::new, |h| format!(" ±{}", tight(h)));
    format!("{}{}{half}{unit}", sign(value), plain(value.abs()))
}

/// One significant digit of what is far below one.
fn plain_short(value: f64) -> String {
    let text = format!("{value:.1e}");
    text.parse::<f64>().map_or(text, plain)
}

/// The heading of one of the others, for a client or a flow.
pub(super) fn against(comparison: &Comparison, versus: &Versus, what: &str, name: &str) -> String {
    let of = match what {
        "flows" => format!(", flow {}", clean(name)),
        _ if versus.all().count() > 1 => format!(", {}", clean(name)),
        _ => String::new(),
    };
    let twin = if versus.side.hash == comparison.base.hash { " (the same scenario)" } else { "" };
    format!("{} (other) against {} (base){of}{twin}", clean(&versus.side.name), clean(&comparison.base.name))
}

/// What only one of the two has.
pub(super) fn unmatched(versus: &Versus) -> Option<String> {
    let names: Vec<String> = versus.unmatched.iter().map(|name| clean(name)).collect();
    (!names.is_empty()).then(|| format!("only in one of the two, not compared: {}", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn e(value: f64, half: f64) -> Estimate {
        Estimate::around(value, half)
    }

    #[test]
    fn a_difference_has_a_sign_and_one_unit() {
        assert_eq!(apart_ms(e(-0.15, 0.012)), "−0.15 ±0.01 ms");
        assert_eq!(apart_ms(e(1_240.0, 30.0)), "+1.24 ±0.03 s");
        assert_eq!(apart_ms(e(-0.164, 1.8e-14)), "−0.164 ±0 ms");
        assert_eq!(apart_ms(e(0.001, 0.4)), "+0.001 ±0.40 ms");
        assert_eq!(apart_ms(Estimate::point(3.0)), "+3 ms");
        assert_eq!(apart_ms(Estimate::default()), "–");
        assert_eq!(apart_share(e(-0.02, 0.004)), "−2 ±0.40 pp");
        assert_eq!(apart_share(e(-0.0002, 0.00004)), "−0.02 ±0.004 pp");
        assert_eq!(apart_rate(e(3.0, 0.5)), "+3 ±0.50/s");
    }

    #[test]
    fn dust_is_no_gain() {
        assert_eq!((gain(2.5).as_str(), gain(1.9e27).as_str()), ("×2.5", "more than ×10000"));
    }
}

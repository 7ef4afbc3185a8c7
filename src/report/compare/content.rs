//! What a comparison says, before it has a shape.

use crate::experiment::compare::{Comparison, Difference, Figures, Overall, Verdict, Versus};
use crate::experiment::summary::Estimate;
use crate::report::number::{NONE, count, half, or_none, percent, plain, seconds, short, time};
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
        run.note.to_owned(),
        format!("seed {}", run.seed),
        format!("{} × {}", run.replications, seconds(run.duration_s)),
        format!("{} % intervals", plain(run.confidence * 100.0)),
        run.pairing.to_owned(),
    ]
}

/// What a reader must know about how it was compared.
pub(super) fn notes(comparison: &Comparison) -> Vec<String> {
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
            "{}: unanswered {sides}; p50 and p99 are over all that arrived, the mean is of the answered",
            clean(name)
        )
    })
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
    [or_none(d.base, &show).into(), or_none(d.other, &show).into(), apart(d.difference).into(), change(d)]
}

/// The change in per cent, or why there is none to speak of.
fn change(d: &Difference) -> Cell {
    match d.verdict {
        Verdict::Same => "the same".into(),
        Verdict::NoSignificantDifference => Cell::toned("no significant difference", Tone::Faint),
        Verdict::Unknown if d.difference.value.is_none() => NONE.into(),
        Verdict::Unknown => Cell::toned("no interval", Tone::Odd),
        Verdict::Lower | Verdict::Higher => {
            d.relative.map_or_else(|| NONE.into(), |share| signed(share * 100.0, "%")).into()
        }
    }
}

/// A figure with its sign.
fn signed(value: f64, unit: &str) -> String {
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
fn apart_share(e: Estimate) -> String {
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

/// The one line that sums it up.
pub fn total(comparison: &Comparison) -> String {
    let base = clean(&comparison.base.name);
    match comparison.total.others.as_slice() {
        [] => "total: nothing to compare".into(),
        [one] => format!("total: {}{}", single(one, &base), flows(comparison, &one.name)),
        all => format!("total: {}", several(comparison, all, &base)),
    }
}

fn single(one: &Overall, base: &str) -> String {
    let name = clean(&one.name);
    let d = &one.mean_ms;
    if d.base.value.is_none() || d.other.value.is_none() {
        return format!("{name} and {base} have no client in common whose requests succeed in both");
    }
    let fails = failing(&one.success_rate);
    match d.verdict {
        Verdict::Same => format!("{name} and {base} answer in exactly the same time{fails}"),
        Verdict::Lower | Verdict::Higher => {
            format!("{name} is {} than {base} over all requests: {}{fails}", quicker(d), mean(d))
        }
        Verdict::NoSignificantDifference => {
            format!("no significant difference between {name} and {base} over all requests: {}{fails}", mean(d))
        }
        Verdict::Unknown => format!("{name} against {base}: {}; run more replications for an interval{fails}", mean(d)),
    }
}

fn several(comparison: &Comparison, all: &[Overall], base: &str) -> String {
    let better = |o: &&Overall| o.stands && o.mean_ms.verdict == Verdict::Lower;
    let failing: Vec<String> = all
        .iter()
        .filter(better)
        .filter(|o| o.success_rate.verdict == Verdict::Lower)
        .map(|o| format!("; {} is quicker only because more of its requests fail", clean(&o.name)))
        .collect();
    let found = comparison.total.quickest.as_ref().and_then(|name| all.iter().find(|o| o.name == *name));
    let Some(best) = found else {
        // Who is not quicker may still fail less, or do later what was promised.
        let served = |o: &Overall| {
            let (rate, word) =
                (&o.success_rate, if o.success_rate.verdict == Verdict::Higher { "more" } else { "fewer" });
            let told = || {
                let (other, base) = (or_none(rate.other, percent), or_none(rate.base, percent));
                format!("; {}: {word} requests succeed ({other} instead of {base})", clean(&o.name))
            };
            // Those that are quicker because they fail more are told below.
            let known = better(&o) && rate.verdict == Verdict::Lower;
            (rate.is_significant() && !known).then(told).unwrap_or_default()
        };
        let beside: String = all.iter().map(|one| served(one) + &flows(comparison, &one.name)).collect();
        return format!("none of the {} is significantly quicker than {base}{}{beside}", all.len(), failing.concat());
    };
    let again = comparison.total.confirmed.map_or_else(String::new, |c| {
        let said = if c.mean_ms.verdict == Verdict::Lower { "holds" } else { "does not hold" };
        format!("; that {said} on fresh seeds ({} with seed {})", apart_ms(c.mean_ms.difference), c.seed)
    });
    let d = &best.mean_ms;
    let ties: Vec<String> = comparison.total.ties.iter().map(|name| clean(name)).collect();
    let first = match ties.as_slice() {
        [] => format!("{} is the quickest of {}", clean(&best.name), all.len()),
        _ => format!(
            "{} and {} are the quickest of {} (no significant difference between them); {} is",
            clean(&best.name),
            ties.join(", "),
            all.len(),
            clean(&best.name)
        ),
    };
    let comma = if ties.is_empty() { "," } else { "" };
    format!(
        "{first}{comma} {} than {base} over all requests: {}{again}{}{}",
        quicker(d),
        mean(d),
        failing.concat(),
        flows(comparison, &best.name)
    )
}

/// What became of effects: an answer that comes as soon says nothing about what was promised by it.
fn flows(comparison: &Comparison, name: &str) -> String {
    let Some(versus) = comparison.others.iter().find(|versus| versus.side.name == name) else { return String::new() };
    let told = |(flow, figures): (&String, &Figures)| {
        let done = &figures.mean_ms;
        let word = if done.verdict == Verdict::Lower { "sooner" } else { "later" };
        let later = done.is_significant().then(|| {
            let by = done.difference.value.map_or_else(|| NONE.into(), |v| time(v.abs()));
            let share = done.relative.map_or_else(String::new, |r| format!(" ({})", signed(r * 100.0, "%")));
            format!("done {by} {word}{share}")
        });
        let rate = &figures.success_rate;
        let fewer = rate.is_significant().then(|| {
            format!("{} of them are done instead of {}", or_none(rate.other, percent), or_none(rate.base, percent))
        });
        let parts: Vec<String> = later.into_iter().chain(fewer).collect();
        (!parts.is_empty()).then(|| format!("; flow {} over {}: {}", clean(flow), clean(name), parts.join(", ")))
    };
    versus.flows.iter().filter_map(told).collect()
}

/// `0.15 ms quicker`.
fn quicker(d: &Difference) -> String {
    let word = if d.verdict == Verdict::Lower { "quicker" } else { "slower" };
    format!("{} {word}", d.difference.value.map_or_else(|| NONE.into(), |v| time(v.abs())))
}

/// `mean 59.0 instead of 59.2 ms (−0.3 %)`.
fn mean(d: &Difference) -> String {
    let share = d
        .relative
        .filter(|_| d.is_significant())
        .map_or_else(String::new, |r| format!(" ({})", signed(r * 100.0, "%")));
    format!("mean {} instead of {}{share}", or_none(d.other, time), or_none(d.base, time))
}

fn failing(d: &Difference) -> String {
    let word = match d.verdict {
        Verdict::Lower => "more",
        Verdict::Higher => "fewer",
        _ => return String::new(),
    };
    format!(
        "; {word} of its requests fail ({} succeed instead of {})",
        or_none(d.other, percent),
        or_none(d.base, percent)
    )
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
    fn the_total_names_the_quickest_and_says_no_more_than_is_known() {
        let mut comparison = super::super::sample::comparison();
        let line = total(&comparison);
        assert!(line.starts_with("total: grpc is the quickest of 2, "), "{line}");
        assert!(!line.contains("fresh seeds"), "{line}");
        comparison.total.ties = vec!["twin".into()];
        let line = total(&comparison);
        assert!(line.starts_with("total: grpc and twin are the quickest of 2 (no significant"), "{line}");
        comparison.total.quickest = None;
        assert_eq!(total(&comparison), "total: none of the 2 is significantly quicker than as written");
        comparison.total.others.remove(0);
        assert_eq!(total(&comparison), "total: twin and as written answer in exactly the same time");
    }

    #[test]
    fn the_same_answer_does_not_hide_another_effect() {
        let mut comparison = super::super::sample::comparison();
        comparison.total.quickest = None;
        comparison.total.others.remove(0);
        let later = Difference {
            base: e(10.0, 0.1),
            other: e(1000.0, 5.0),
            difference: e(990.0, 5.0),
            relative: Some(99.0),
            verdict: Verdict::Higher,
            ..Difference::default()
        };
        let figures = Figures { mean_ms: later, ..Figures::default() };
        comparison.others[1].flows.insert("order shipped".into(), figures);
        let line = total(&comparison);
        assert!(
            line.ends_with("in exactly the same time; flow order shipped over twin: done 990 ms later (+9900 %)"),
            "{line}"
        );
    }

    #[test]
    fn dust_is_no_gain() {
        assert_eq!((gain(2.5).as_str(), gain(1.9e27).as_str()), ("×2.5", "more than ×10000"));
    }
}

//! The line in which a comparison ends. Where more or fewer requests succeed, that is said before who is quick: means are of
//! the answered, and those are then not the same requests.

use super::content::{apart_ms, signed};
use crate::experiment::compare::{Comparison, Difference, Figures, Overall, Verdict, Versus};
use crate::experiment::summary::Estimate;
use crate::report::number::{count, or_none, percent, share_within, time, time_within};
use crate::report::text::clean;

/// Names in a row at most.
const NAMES: usize = 4;

/// The one line that sums it up.
pub fn total(comparison: &Comparison) -> String {
    match comparison.total.others.as_slice() {
        [] => "total: nothing to compare".into(),
        [one] => format!("total: {}", single(comparison, one)),
        all => format!("total: {}", several(comparison, all)),
    }
}

fn single(comparison: &Comparison, one: &Overall) -> String {
    let (name, base, d) = (clean(&one.name), clean(&comparison.base.name), &one.mean_ms);
    let beside = format!("{}{}", losers(comparison, &one.name), flows(comparison, &one.name));
    let lead = served(comparison, std::slice::from_ref(one));
    if (d.base.value.is_none() || d.other.value.is_none()) && lead.is_none() && d.verdict != Verdict::NotComparable {
        return format!("{name} and {base} have no client in common whose requests succeed in both");
    }
    let lead = lead.map_or_else(String::new, |lead| format!("{lead}; "));
    let whom = whom(one, &base);
    let speed = match d.verdict {
        Verdict::Same => format!("{name} and {base} answer in exactly the same time"),
        Verdict::Lower | Verdict::Higher => format!("{name} is {} than {base} {whom}: {}", quicker(d), mean(d)),
        Verdict::NoSignificantDifference => {
            format!("no significant difference between {name} and {base} {whom}: {}", mean(d))
        }
        Verdict::NotComparable => format!("how quick they are is not comparable{}", unanswered(comparison, one)),
        Verdict::Unknown => format!("{name} against {base}: {}; run more replications for an interval", mean(d)),
    };
    format!("{lead}{speed}{beside}")
}

fn several(comparison: &Comparison, all: &[Overall]) -> String {
    let base = clean(&comparison.base.name);
    let lead = served(comparison, all);
    let found = comparison.total.quickest.as_ref().and_then(|name| all.iter().find(|o| o.name == *name));
    let speed = found.map_or_else(|| none_is_quicker(comparison, all, &base), |best| quickest(comparison, best, &base));
    // What matters of those that are named for something; where nobody is, of all.
    let named = |o: &&Overall| found.is_none_or(|best| best.name == o.name);
    let most = |o: &&Overall| comparison.total.serves_most.first() == Some(&o.name);
    let told = all.iter().filter(|o| named(o) || most(o));
    let lost: String = told.map(|o| losers(comparison, &o.name)).collect();
    let effects: String = all.iter().filter(named).map(|o| flows(comparison, &o.name)).collect();
    let fewer: String =
        all.iter().filter(|o| better(o) && o.success_rate.verdict == Verdict::Lower).map(only).collect();
    match lead {
        Some(lead) => format!("{lead}; {speed}{fewer}{lost}{effects}"),
        // Answers are as quick and as many: what became of effects is all there is to tell.
        None if found.is_none() && !effects.is_empty() => format!("{}; {speed}{fewer}{lost}", &effects[2..]),
        None => format!("{speed}{fewer}{lost}{effects}"),
    }
}

/// Whether it is quicker than the base, whoever was answered.
fn better(o: &Overall) -> bool {
    o.stands && o.mean_ms.verdict == Verdict::Lower
}

fn only(o: &Overall) -> String {
    format!("; {} is quicker, but fewer of its requests are answered", clean(&o.name))
}

/// Whose requests succeed more or less often than the base's; `None`: nobody's, beyond chance.
fn served(comparison: &Comparison, all: &[Overall]) -> Option<String> {
    let base = clean(&comparison.base.name);
    let most = |o: &&Overall| comparison.total.serves_most.contains(&o.name);
    let of = |verdict: Verdict| all.iter().filter(move |o| o.success_rate.verdict == verdict);
    let first: Vec<&Overall> = of(Verdict::Higher).filter(most).collect();
    let more: Vec<&Overall> = of(Verdict::Higher).filter(|o| !most(o)).collect();
    let fewer: Vec<&Overall> = of(Verdict::Lower).collect();
    let share = share_within(first.first().or(fewer.first())?.success_rate.base);
    let word = if all.len() > 1 { "most" } else { "more" };
    let parts = [
        (!first.is_empty()).then(|| format!("{word} requests succeed with {}, with {base} {share}", shares(&first))),
        (!more.is_empty()).then(|| format!("more also with {}", shares(&more))),
        (!fewer.is_empty() && !first.is_empty()).then(|| format!("fewer with {}", shares(&fewer))),
        (!fewer.is_empty() && first.is_empty())
            .then(|| format!("fewer requests succeed with {}, with {base} {share}", shares(&fewer))),
    ];
    Some(parts.into_iter().flatten().collect::<Vec<_>>().join("; "))
}

/// `codel (99.9 % ±0.10), limit (76.4 % ±0.3)`.
fn shares(all: &[&Overall]) -> String {
    let told = |o: &&Overall| format!("{} ({})", clean(&o.name), share_within(o.success_rate.other));
    let mut names: Vec<String> = all.iter().take(NAMES).map(told).collect();
    if all.len() > NAMES {
        names.push(format!("{} others", all.len() - NAMES));
    }
    names.join(", ")
}

fn quickest(comparison: &Comparison, best: &Overall, base: &str) -> String {
    let again = comparison.total.confirmed.map_or_else(String::new, |c| {
        let said = if c.mean_ms.verdict == Verdict::Lower { "holds" } else { "does not hold" };
        format!("; that {said} on fresh seeds ({} with seed {})", apart_ms(c.mean_ms.difference), c.seed)
    });
    let (d, of, name) = (&best.mean_ms, comparison.total.others.len(), clean(&best.name));
    let ties: Vec<String> = comparison.total.ties.iter().map(|name| clean(name)).collect();
    let first = if ties.is_empty() {
        format!("{name} is the quickest of {of},")
    } else {
        let all = ties.join(", ");
        format!("{name} and {all} are the quickest of {of} ({}); {name} is", why_tied(comparison, best))
    };
    format!("{first} {} than {base} {}: {}{again}", quicker(d), whom(best, base), mean(d))
}

/// Why none of several is the quickest alone.
fn why_tied(comparison: &Comparison, best: &Overall) -> &'static str {
    let total = &comparison.total;
    let shown = |o: &Overall| or_none(o.mean_ms.other, time);
    let tied = || total.others.iter().filter(|o| total.ties.contains(&o.name));
    match tied().filter(|o| shown(o) == shown(best)).count() {
        0 => "no significant difference between them",
        n if n == tied().count() => "alike in three digits",
        _ => "alike in three digits, or no significant difference between them",
    }
}

fn none_is_quicker(comparison: &Comparison, all: &[Overall], base: &str) -> String {
    let open: Vec<&Overall> = all.iter().filter(|o| o.mean_ms.verdict == Verdict::NotComparable).collect();
    match open.first() {
        // Where the base has no mean, nobody is quicker than it, or slower.
        Some(one) if one.unanswered[0] > 0 => {
            let left = count(one.unanswered[0]);
            format!("how quick they are is not comparable with {base}, which left {left} unanswered")
        }
        _ => {
            let told = |o: &&Overall| format!("; {} is not comparable{}", clean(&o.name), unanswered(comparison, o));
            let untold: String = open.iter().map(told).collect();
            format!("none of the {} is significantly quicker than {base}{untold}", all.len())
        }
    }
}

/// `: 4120 requests unanswered in as written`.
fn unanswered(comparison: &Comparison, one: &Overall) -> String {
    let names = [&comparison.base.name, &one.name].map(|name| clean(name));
    let side = |at: usize| (one.unanswered[at] > 0).then(|| format!("{} in {}", count(one.unanswered[at]), names[at]));
    let sides: Vec<String> = [0, 1].into_iter().filter_map(side).collect();
    if sides.is_empty() { String::new() } else { format!(": unanswered {}", sides.join(", ")) }
}

/// Over whom a mean is: where not all succeeded, over how many on either side.
fn whom(o: &Overall, base: &str) -> String {
    let (other, of_base) = (o.success_rate.other, o.success_rate.base);
    if [other, of_base].iter().all(|share| share.value == Some(1.0)) {
        return "over all requests".into();
    }
    let (ours, theirs) = (share_within(other), share_within(of_base));
    if or_none(other, percent) == or_none(of_base, percent) {
        return format!("over the answered ({ours} of all)");
    }
    format!("over the answered ({ours} of all, with {base} {theirs})")
}

/// Clients that are served less often, where there are several.
fn losers(comparison: &Comparison, name: &str) -> String {
    let Some(versus) = versus(comparison, name).filter(|versus| versus.clients.len() > 1) else { return String::new() };
    let told = |(client, figures): (&String, &Figures)| {
        let rate = &figures.success_rate;
        (rate.verdict == Verdict::Lower).then(|| {
            let (ours, theirs) = (share_within(rate.other), share_within(rate.base));
            format!("; with {} fewer of {} succeed ({ours} instead of {theirs})", clean(name), clean(client))
        })
    };
    versus.clients.iter().filter_map(told).collect()
}

fn versus<'c>(comparison: &'c Comparison, name: &str) -> Option<&'c Versus> {
    comparison.others.iter().find(|versus| versus.side.name == name)
}

/// What became of effects: an answer that comes as soon says nothing about what was promised by it.
fn flows(comparison: &Comparison, name: &str) -> String {
    let Some(versus) = versus(comparison, name) else { return String::new() };
    let told = |(flow, figures): (&String, &Figures)| {
        let done = &figures.mean_ms;
        let word = if done.verdict == Verdict::Lower { "sooner" } else { "later" };
        let later = done.is_significant().then(|| {
            let by = time_within(size(done.difference));
            let share = done.relative.map_or_else(String::new, |r| format!(" ({})", signed(r * 100.0, "%")));
            format!("done {by} {word}{share}")
        });
        let rate = &figures.success_rate;
        let fewer = rate
            .is_significant()
            .then(|| format!("{} of them are done instead of {}", share_within(rate.other), share_within(rate.base)));
        // How long it takes is told of those that are done.
        let later = later.map(|later| if fewer.is_some() { format!("those {later}") } else { later });
        let parts: Vec<String> = fewer.into_iter().chain(later).collect();
        (!parts.is_empty()).then(|| format!("; flow {} over {}: {}", clean(flow), clean(name), parts.join(", ")))
    };
    versus.flows.iter().filter_map(told).collect()
}

/// `0.150 ±0.004 ms quicker`.
fn quicker(d: &Difference) -> String {
    let word = if d.verdict == Verdict::Lower { "quicker" } else { "slower" };
    format!("{} {word}", time_within(size(d.difference)))
}

/// How much it is, whichever way.
fn size(difference: Estimate) -> Estimate {
    if difference.value.is_none_or(|value| value >= 0.0) {
        return difference;
    }
    let Estimate { low, high, .. } = difference.scaled(-1.0);
    Estimate { low: high, high: low, ..difference.scaled(-1.0) }
}

/// `mean 59.0 ±0.2 ms instead of 59.2 ±0.2 ms (−0.3 %)`.
fn mean(d: &Difference) -> String {
    let share = d
        .relative
        .filter(|_| d.is_significant())
        .map_or_else(String::new, |r| format!(" ({})", signed(r * 100.0, "%")));
    format!("mean {} instead of {}{share}", time_within(d.other), time_within(d.base))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn e(value: f64, half: f64) -> Estimate {
        Estimate::around(value, half)
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
            line.ends_with("in exactly the same time; flow order shipped over twin: done 990 ±5.0 ms later (+9900 %)"),
            "{line}"
        );
    }

    #[test]
    fn success_is_told_before_speed() {
        let mut comparison = super::super::sample::comparison();
        let rate = Difference {
            base: e(0.148, 0.001),
            other: e(0.764, 0.001),
            difference: e(0.616, 0.001),
            verdict: Verdict::Higher,
            ..Difference::default()
        };
        comparison.total.others[0].success_rate = rate;
        comparison.total.serves_most = vec!["grpc".into()];
        let line = total(&comparison);
        let lead = "total: most requests succeed with grpc (76.4 % ±0.10), with as written 14.8 % ±0.10; grpc is the quickest of 2, ";
        assert!(line.starts_with(lead), "{line}");
        assert!(
            line.contains(" over the answered (76.4 % ±0.10 of all, with as written 14.8 % ±0.10): mean "),
            "{line}"
        );
        comparison.total.others[0].mean_ms =
            Difference { verdict: Verdict::NotComparable, ..comparison.total.others[0].mean_ms };
        comparison.total.others[0].unanswered = [4_120, 0];
        comparison.total.quickest = None;
        let line = total(&comparison);
        assert!(line.ends_with("is not comparable with as written, which left 4120 unanswered"), "{line}");
        comparison.total.others.pop();
        let line = total(&comparison);
        assert!(line.contains("more requests succeed with grpc") && line.contains("4120 in as written"), "{line}");
    }

    #[test]
    fn what_prints_alike_is_called_alike() {
        let mut comparison = super::super::sample::comparison();
        comparison.total.ties = vec!["twin".into()];
        comparison.total.others[1].mean_ms.other = comparison.total.others[0].mean_ms.other;
        let line = total(&comparison);
        assert!(
            line.starts_with("total: grpc and twin are the quickest of 2 (alike in three digits); grpc is"),
            "{line}"
        );
    }
}

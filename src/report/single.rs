//! What one run will show, beside what all of them show on average: camps, ranges, and how much longer a run must be.

use std::collections::BTreeMap;

use super::number::{percent, plain, time, time_between};
use super::text::clean;
use crate::experiment::summary::{Camp, Estimate, Run, Stats};
use crate::stats::times_longer;

/// With more clients than this, ranges are in the JSON only.
const FEW: usize = 4;

/// That replications fall into two camps, a line for each client or flow that shows it.
pub fn camps(run: &Run) -> Vec<String> {
    run.camps.chunks_exact(2).map(|pair| two_camps(&pair[0], &pair[1], run.replications)).collect()
}

fn two_camps(low: &Camp, high: &Camp, replications: u32) -> String {
    let (figure, show): (_, fn(f64) -> String) =
        if low.figure == "success_rate" { ("success", percent) } else { ("mean latency", time) };
    let mean = low.share * low.value + high.share * high.value;
    format!(
        "two camps: in {} of {replications} replications the {figure} of {} is about {}, in the others about {}; their \
         mean, {}, is what no single run shows",
        low.replications,
        clean(&low.of),
        show(low.value),
        show(high.value),
        show(mean),
    )
}

/// Between what a single run will lie, a line for each of a few clients.
pub fn ranges(all: &BTreeMap<String, Stats>, confidence: f64) -> Vec<String> {
    let some = all.iter().filter(|_| all.len() <= FEW);
    some.filter_map(|(name, stats)| {
        let level = level(stats.latency_ms.mean, confidence)?;
        let d = &stats.latency_ms;
        // Beside a percentile over all that arrived, which may be "never".
        let p99 = if stats.succeeded == stats.arrived { "p99" } else { "p99 answered" };
        let times = [("mean", d.mean), (p99, d.p99)].map(|(what, e)| Some((what, times(e)?)));
        let success = shares(stats.success_rate).map(|text| ("success", text));
        let parts: Vec<String> =
            times.into_iter().chain([success]).flatten().map(|(what, text)| format!("{what} {text}")).collect();
        (!parts.is_empty()).then(|| format!("one run, {level}: {}: {}", clean(name), parts.join(", ")))
    })
    .collect()
}

/// How often a single run lies within: `95 %`, or `9 of 11` where so few runs do not reach that.
fn level(of: Estimate, confidence: f64) -> Option<String> {
    let level = of.run_level?;
    if level + 1e-9 >= confidence {
        return Some(format!("{} %", plain(confidence * 100.0)));
    }
    // (n − 1) ÷ (n + 1).
    let all = libm::round(2.0 / (1.0 - level));
    Some(format!("{} of {}", plain(all - 2.0), plain(all)))
}

fn times(e: Estimate) -> Option<String> {
    Some(time_between(e.run_low?, e.run_high?))
}

/// Between which shares, where they differ.
fn shares(e: Estimate) -> Option<String> {
    let (low, high) = (percent(e.run_low?), percent(e.run_high?));
    (low != high).then(|| format!("{}–{high}", low.trim_end_matches(" %")))
}

/// Percentiles that have no interval, and how much longer a run must be for one; those that lack the same together.
pub fn longer(all: &BTreeMap<String, Stats>) -> Vec<String> {
    const TAILS: [(&str, f64); 2] = [("p99", 0.99), ("p99.9", 0.999)];
    let mut alike: BTreeMap<[bool; 2], (Vec<&str>, [Range; 2])> = BTreeMap::new();
    for (name, stats) in all {
        let short = TAILS.map(|(_, q)| times_longer(stats.latency_ms.count, q));
        let (names, ranges) = alike.entry(short.map(|times| times.is_some())).or_default();
        names.push(name);
        ranges.iter_mut().zip(short).for_each(|(range, times)| range.extend(times));
    }
    let told = |(names, ranges): &(Vec<&str>, [Range; 2])| {
        let needs = TAILS
            .iter()
            .zip(ranges)
            .filter_map(|((what, _), range)| Some(format!("{what} needs a run {} times longer", range.text()?)));
        let needs: Vec<String> = needs.collect();
        (!needs.is_empty()).then(|| format!("no interval: {}: {}", listed(names), needs.join(", ")))
    };
    // Those that lack the most first.
    alike.values().rev().filter_map(told).collect()
}

/// How many names a sentence lists.
const NAMED: usize = 3;

/// A few names, and how many more there are.
fn listed(names: &[&str]) -> String {
    let shown = names.iter().take(NAMED).map(|name| clean(name)).collect::<Vec<_>>().join(", ");
    let more = names.len().saturating_sub(NAMED);
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}

/// The smallest and the largest of a few counts.
#[derive(Default)]
struct Range(Option<(u64, u64)>);

impl Range {
    fn extend(&mut self, more: Option<u64>) {
        let Some(more) = more else { return };
        let (low, high) = self.0.unwrap_or((more, more));
        self.0 = Some((low.min(more), high.max(more)));
    }

    fn text(&self) -> Option<String> {
        let (low, high) = self.0?;
        Some(if low == high { low.to_string() } else { format!("{low} to {high}") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn ran(value: f64, low: f64, high: f64, level: f64) -> Estimate {
        Estimate { run_low: Some(low), run_high: Some(high), run_level: Some(level), ..Estimate::point(value) }
    }

    #[test]
    fn a_range_says_how_often_it_holds() {
        let mut stats = Stats { arrived: 100, succeeded: 90, ..Stats::default() };
        stats.latency_ms.mean = ran(34.0, 31.25, 38.0, 9.0 / 11.0);
        stats.latency_ms.p99 = ran(900.0, 812.0, 1_100.0, 9.0 / 11.0);
        stats.success_rate = ran(0.9, 0.85, 0.921, 9.0 / 11.0);
        let all: BTreeMap<String, Stats> = [("c".to_owned(), stats.clone())].into();
        let text = "one run, 9 of 11: c: mean 31.2–38.0 ms, p99 answered 0.81–1.10 s, success 85.0–92.1 %";
        assert_eq!(ranges(&all, 0.95), [text]);
        stats.latency_ms.mean = ran(34.0, 31.0, 38.0, 0.95);
        stats.success_rate = ran(1.0, 1.0, 1.0, 0.95);
        stats.succeeded = 100;
        let all: BTreeMap<String, Stats> = [("c".to_owned(), stats.clone())].into();
        assert_eq!(ranges(&all, 0.95), ["one run, 95 %: c: mean 31.0–38.0 ms, p99 0.81–1.10 s"]);
        let many: BTreeMap<String, Stats> = (0..5).map(|i| (format!("c{i}"), stats.clone())).collect();
        assert!(ranges(&many, 0.95).is_empty());
    }

    #[test]
    fn camps_are_told_with_what_no_run_shows() {
        let camp = |replications, value| Camp {
            of: "shoppers".into(),
            figure: "success_rate".into(),
            share: f64::from(replications) / 40.0,
            replications: replications as usize,
            value,
        };
        let run = Run { replications: 40, camps: vec![camp(17_u32, 0.1), camp(23, 1.0)], ..sample::summary().run };
        assert_eq!(
            camps(&run),
            [
                "two camps: in 17 of 40 replications the success of shoppers is about 10.0 %, in the others about 100 %; their \
              mean, 61.7 %, is what no single run shows"
            ]
        );
    }

    #[test]
    fn too_few_samples_say_how_many_more() {
        let mut stats = Stats::default();
        stats.latency_ms.count = 1_250;
        let all: BTreeMap<String, Stats> = [("c".to_owned(), stats)].into();
        assert_eq!(longer(&all), ["no interval: c: p99.9 needs a run 8 times longer"]);
    }

    #[test]
    fn those_that_lack_the_same_are_told_of_together() {
        let of = |count| {
            let mut stats = Stats::default();
            stats.latency_ms.count = count;
            stats
        };
        let all = [("a", 1_250), ("b", 2_500), ("c", 1_250), ("d", 1_250), ("e", 500)];
        let all: BTreeMap<String, Stats> = all.map(|(name, count)| (name.to_owned(), of(count))).into();
        let told = [
            "no interval: e: p99 needs a run 2 times longer, p99.9 needs a run 20 times longer",
            "no interval: a, b, c and 1 more: p99.9 needs a run 4 to 8 times longer",
        ];
        assert_eq!(longer(&all), told);
    }
}

//! The answer before any table: which promises hold, what was lost while something was down, what calls over a network cost, and
//! who is the bottleneck. The same sentences open a report on a terminal, in Markdown and on a page.

use std::collections::BTreeSet;

use super::cause;
use super::content::{self, HOT};
use super::number::{level_within, seconds, share_within, time_within};
use super::text::{agree, clean};
use crate::diag::nouns;
use crate::experiment::summary::{ClientCourse, Estimate, Fault, Node, Outcome, Stats, Summary, Timeline, Verdict};
use crate::graph::Arrow;
use crate::model::Cause;

/// Clients, faults and promises that have a sentence, or a place in one; the tables have them all.
const TOLD: usize = 3;

/// Of what is not work, what is named: a fiftieth of the mean.
const NAMED: f64 = 0.02;

/// Waiting for others of one's kind, not for anybody's work.
const LINES: [Cause; 4] = [Cause::Queue, Cause::CpuWait, Cause::ConnectionWait, Cause::Proxy];

/// From this share of the mean on, a line is what one should look at.
const MUCH: f64 = 0.3;

/// The sentences in one; `several`: of which variant they are stands before them.
pub fn paragraph(summary: &Summary, several: bool) -> String {
    let whose = if several { format!("{}: ", content::variant(summary)) } else { String::new() };
    format!("{whose}{}", sentences(summary).join(" "))
}

/// The sentences.
pub fn sentences(summary: &Summary) -> Vec<String> {
    let mut all: Vec<String> = promises(&summary.slos).into_iter().collect();
    all.extend(summary.faults.iter().filter_map(|fault| lost(summary.timeline.as_ref()?, fault)).take(TOLD));
    all.extend(clients(summary).into_iter().take(TOLD).map(|(name, stats)| served(summary, name, stats)));
    all.extend(bottleneck(summary));
    all.into_iter().map(|sentence| format!("{sentence}.")).collect()
}

/// How many promises are kept, and which are not.
fn promises(slos: &[Verdict]) -> Option<String> {
    let of = |wanted: Outcome| slos.iter().filter(|slo| slo.verdict == wanted).count();
    let broken: Vec<String> = slos
        .iter()
        .filter(|slo| matches!(slo.verdict, Outcome::Failed | Outcome::NoData))
        .map(|slo| format!("{} {}", clean(&slo.of), slo.expect))
        .collect();
    let more = broken.len().saturating_sub(TOLD);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let broken = if broken.is_empty() {
        "none broken".into()
    } else {
        format!("broken: {}{more}", broken[..broken.len().min(TOLD)].join("; "))
    };
    let open = of(Outcome::Undecided);
    let open = if open > 0 { format!(", {open} undecided") } else { String::new() };
    let (all, kept) = (slos.len(), of(Outcome::Met));
    (all > 0).then(|| format!("{kept} of {all} {} kept{open}, {broken}", nouns(all as u64, "promise")))
}

/// What clients lost while a fault was there: `payments down 10 s: web loses 100 %`.
fn lost(over: &Timeline, fault: &Fault) -> Option<String> {
    let (at, lasts) = (fault.at_s?, fault.duration_s.filter(|s| *s > 0.0)?);
    // What was kept before there were intervals of it is read off what was told over time.
    let told = |(name, course)| Some((name, Estimate::point(lost_share(over.width_s, course, at, at + lasts)?)));
    let mut lost: Vec<(&String, Estimate)> = if fault.lost.is_empty() {
        over.clients.iter().filter_map(told).collect()
    } else {
        fault.lost.iter().map(|(name, share)| (name, *share)).collect()
    };
    let value = |share: &Estimate| share.value.unwrap_or(0.0);
    lost.sort_by(|a, b| value(&b.1).total_cmp(&value(&a.1)).then(a.0.cmp(b.0)));
    let felt = lost.iter().take(TOLD).filter(|(_, share)| value(share) > 0.0);
    let felt: Vec<String> = felt
        .map(|(name, share)| format!("{} {} {}", clean(name), agree(name, "loses", "lose"), share_within(*share)))
        .collect();
    let felt = if felt.is_empty() { "no client loses a request".to_owned() } else { felt.join(", ") };
    (!lost.is_empty()).then(|| format!("{} for {}: {felt}", clean(&fault.name), seconds(lasts)))
}

/// The share of requests that failed, of those that set out within a time; `None` where no stretch lies within.
fn lost_share(width: f64, course: &ClientCourse, from: f64, until: f64) -> Option<f64> {
    // A stretch belongs to the time in which its middle lies.
    let within = |nth: usize| (from..until).contains(&((nth as f64 + 0.5) * width));
    let each = course.offered_per_s.iter().zip(&course.success_rate).enumerate().filter(|(nth, _)| within(*nth));
    let each = each.filter_map(|(_, (offered, success))| Some((*offered, (*success)?)));
    let (all, lost) =
        each.fold((0.0, 0.0), |(all, lost), (offered, success)| (all + offered, lost + offered * (1.0 - success)));
    (all > 0.0).then(|| lost / all)
}

/// Clients, those of whom most fails first, then those who ask the most.
fn clients(summary: &Summary) -> Vec<(&String, &Stats)> {
    let mut all: Vec<(&String, &Stats)> = summary.clients.iter().collect();
    let well = |stats: &Stats| stats.success_rate.value.unwrap_or(0.0);
    // What does not show in a figure does not make an order.
    let order = |stats: &Stats| (well(stats) * 1e3) as i64;
    all.sort_by(|a, b| order(a.1).cmp(&order(b.1)).then(b.1.arrived.cmp(&a.1.arrived)).then(a.0.cmp(b.0)));
    all
}

/// What a client got: `shoppers: 99.9 % answered well; the tax is 2 ms, 35 % of the mean of 5.7 ±0.1 ms: network 1.3 ms, encode
/// 0.4 ms`. Percentiles stand in the table below.
fn served(summary: &Summary, name: &str, stats: &Stats) -> String {
    let well = stats.success_rate;
    let share = well.value.map_or("no request".into(), |_| format!("{} answered well", share_within(well)));
    format!("{}: {share}{}", clean(name), tax(summary, name, stats).unwrap_or_default())
}

/// What of the mean is not work, and what it is instead.
fn tax(summary: &Summary, name: &str, stats: &Stats) -> Option<String> {
    let ledger = summary.ledger.get(name).filter(|ledger| ledger.count > 0)?;
    let mean = &ledger.total.mean_ms;
    let (all, rest) = (mean.sum(), mean.sum() - mean.of(Cause::Work));
    if all <= 0.0 || rest <= 0.0 {
        return None;
    }
    let mut parts: Vec<(Cause, f64)> =
        Cause::ALL.iter().filter(|c| **c != Cause::Work).map(|c| (*c, mean.of(*c))).collect();
    parts.sort_by(|a, b| b.1.total_cmp(&a.1));
    let named = parts.iter().take(TOLD).filter(|(_, ms)| *ms >= NAMED * all);
    let halves = ledger.within.as_ref().and_then(|within| within.mean_ms).map(|halves| halves.0);
    let known =
        |of: Cause, ms: f64| halves.map_or_else(|| Estimate::point(ms), |halves| Estimate::around(ms, halves.of(of)));
    let named: Vec<String> =
        named.map(|(of, ms)| format!("{} {}", cause::name(*of), time_within(known(*of, *ms)))).collect();
    let named = if named.is_empty() { String::new() } else { format!(": {}", named.join(", ")) };
    let of = time_within(stats.latency_ms.mean);
    let within = ledger.within.as_ref();
    let around = |value: f64, half: Option<f64>| {
        half.map_or_else(|| Estimate::point(value), |half| Estimate::around(value, half))
    };
    let tax = time_within(around(rest, within.and_then(|within| within.tax_ms)));
    let share = around(rest / all, within.and_then(|within| within.tax_share)).clamped(0.0, 1.0);
    Some(format!("; the tax is {tax}, {} of the mean of {of}{named}", share_within(share)))
}

/// What gives way first as load grows: what is offered more than it can do; else, of the nodes whose workers are nearly all taken,
/// the one that waits for no other such node; else the line in which much of the time is spent. Where there is none of these, that
/// is said, and who is used the most.
fn bottleneck(summary: &Summary) -> Option<String> {
    if let Some(first) = summary.run.overloaded.first() {
        return Some(format!("bottleneck: {}", clean(first)));
    }
    let used = |node: &Node| node.utilization.value.unwrap_or(0.0);
    let mut all: Vec<(&str, &Node)> = summary.nodes.iter().map(|(name, node)| (name.as_str(), node)).collect();
    all.retain(|(_, node)| node.utilization.value.is_some_and(|share| share > 0.0));
    all.sort_by(|a, b| used(b.1).total_cmp(&used(a.1)).then(a.0.cmp(b.0)));
    let most = *all.first()?;
    let hot: Vec<(&str, &Node)> = all.into_iter().filter(|(_, node)| used(node) >= HOT).collect();
    let waits = waiting(summary, &hot);
    let last = hot.iter().copied().find(|(name, _)| !waits.contains(name));
    let told = |(name, node): (&str, &Node)| format!("{}, {} used", clean(name), share_within(node.utilization));
    Some(match last.or(hot.first().copied()) {
        Some(node) => format!("bottleneck: {}{}", told(node), held(node.1)),
        None => match line(summary) {
            Some(line) => format!("bottleneck: {line}; the busiest is {}", told(most)),
            None => gave_way(summary).unwrap_or_else(|| format!("no bottleneck: the busiest is {}", told(most))),
        },
    })
}

/// Who was full first while something was wrong: an average over a whole run does not show that.
fn gave_way(summary: &Summary) -> Option<String> {
    let first = summary.failing.iter().find(|node| node.saturated_s.is_some())?;
    let since = seconds(first.saturated_s?);
    Some(format!("first to give way: {}, all its workers held from {since}", clean(&first.node)))
}

/// The line in which most of a client's time is spent, where that is much: `connection wait at orders, 14.6 ±0.3 ms of the mean of
/// 20.9 ±0.4 ms of shoppers`.
fn line(summary: &Summary) -> Option<String> {
    let mut most: Option<(f64, String)> = None;
    for (client, ledger) in summary.ledger.iter().filter(|(_, ledger)| ledger.count > 0) {
        let all = ledger.total.mean_ms.sum();
        for (node, columns) in &ledger.by_node {
            for cause in LINES {
                let share = columns.mean_ms.of(cause) / all;
                if share >= MUCH && most.as_ref().is_none_or(|(other, _)| share > *other) {
                    let ms = columns.mean_ms.of(cause);
                    let half = ledger
                        .within_by_node
                        .get(node)
                        .and_then(|within| within.mean_ms)
                        .map(|halves| halves.0.of(cause));
                    let own = time_within(half.map_or_else(|| Estimate::point(ms), |half| Estimate::around(ms, half)));
                    let mean = summary.clients.get(client).map_or(Estimate::NONE, |stats| stats.latency_ms.mean);
                    let told = format!(
                        "{} at {}, {own} of the mean of {}",
                        cause::name(cause),
                        clean(node),
                        time_within(mean)
                    );
                    most = Some((share, format!("{told} of {}", clean(client))));
                }
            }
        }
    }
    most.map(|(_, told)| told)
}

/// Who of these calls another of these, and so waits for it.
fn waiting<'s>(summary: &'s Summary, these: &[(&str, &Node)]) -> BTreeSet<&'s str> {
    let these: BTreeSet<&str> = these.iter().map(|(name, _)| *name).collect();
    let arrows = summary.edges.keys().filter_map(|edge| Arrow::of(edge));
    let among = arrows.filter(|arrow| arrow.from != arrow.end().node && these.contains(arrow.end().node));
    among.map(|arrow| arrow.from).collect()
}

/// That workers wait more than they work.
fn held(node: &Node) -> String {
    match (node.mean_busy.value, node.mean_working.value) {
        (Some(busy), Some(working)) if busy > 0.0 && working < busy / 2.0 => {
            format!(", {} workers held of which {} work", level_within(node.mean_busy), level_within(node.mean_working))
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn promises_are_counted_and_the_broken_named() {
        let told = promises(&sample::summary().slos).unwrap();
        assert!(told.starts_with("1 of 4 promises kept, 1 undecided, broken: "), "{told}");
        assert_eq!(promises(&[]), None);
    }

    #[test]
    fn what_a_fault_took_is_a_share_of_what_set_out_meanwhile() {
        let course = |success: [f64; 4]| ClientCourse {
            offered_per_s: vec![10.0, 10.0, 30.0, 10.0],
            success_rate: success.map(Some).into(),
            ..ClientCourse::default()
        };
        let over = Timeline {
            width_s: 5.0,
            clients: [
                ("web".to_owned(), course([1.0, 0.0, 1.0, 1.0])),
                ("apps".to_owned(), course([0.0, 1.0, 1.0, 0.0])),
            ]
            .into(),
            ..Timeline::default()
        };
        let fault = |at_s, duration_s| Fault {
            name: "payments down".into(),
            at_s,
            duration_s,
            took_s: None,
            struck: 1,
            recovery_s: Default::default(),
            lost: Default::default(),
            clients: Vec::new(),
        };
        let told = |at, lasts| lost(&over, &fault(at, lasts));
        assert_eq!(told(Some(5.0), Some(10.0)).unwrap(), "payments down for 10 s: web loses 25.0 %");
        assert_eq!(told(Some(10.0), Some(5.0)).unwrap(), "payments down for 5 s: no client loses a request");
        assert_eq!(told(Some(0.0), Some(5.0)).unwrap(), "payments down for 5 s: apps lose 100 %");
        assert_eq!((told(None, Some(5.0)), told(Some(0.0), None), told(Some(90.0), Some(5.0))), (None, None, None));
    }

    /// What replications say of how far a share is known stands behind it.
    #[test]
    fn what_a_fault_took_has_an_interval() {
        let over = Timeline {
            width_s: 5.0,
            clients: [("web".to_owned(), ClientCourse::default())].into(),
            ..Timeline::default()
        };
        let fault = Fault {
            name: "payments down".into(),
            at_s: Some(5.0),
            duration_s: Some(10.0),
            took_s: None,
            struck: 1,
            recovery_s: Default::default(),
            lost: [
                ("web".to_owned(), Estimate::between(0.25, 0.2, 0.3)),
                ("apps".to_owned(), Estimate::between(1.0, 0.99, 1.0)),
            ]
            .into(),
            clients: Vec::new(),
        };
        let told = lost(&over, &fault).unwrap();
        assert_eq!(told, "payments down for 10 s: apps lose 100 % ≥99.0, web loses 25.0 % ±5.0");
    }

    #[test]
    fn the_bottleneck_is_the_one_that_waits_for_none() {
        let mut summary = sample::summary();
        summary.nodes.clear();
        summary.edges.clear();
        let mut works = sample::node(0.99, 8);
        works.utilization = Estimate::between(0.99, 0.986, 0.994);
        works.mean_working = works.mean_busy;
        summary.nodes.insert("a".into(), works);
        let mut held = sample::node(0.4, 8);
        (held.mean_busy, held.mean_working) = (Estimate::point(8.0), Estimate::point(2.0));
        summary.nodes.insert("b".into(), held);
        assert_eq!(bottleneck(&summary).unwrap(), "bottleneck: a, 99.0 % ±0.40 used");
        summary.nodes.get_mut("b").unwrap().utilization = Estimate::point(0.9);
        let call = Stats::default();
        summary.edges.insert("a -> b.read".into(), call);
        assert_eq!(bottleneck(&summary).unwrap(), "bottleneck: b, 90.0 % used, 8.00 workers held of which 2.00 work");
        summary.nodes.values_mut().for_each(|node| node.utilization = Estimate::point(0.2));
        summary.ledger.values_mut().for_each(|ledger| ledger.by_node.clear());
        assert_eq!(bottleneck(&summary).unwrap(), "no bottleneck: the busiest is a, 20.0 % used");
        let parts = sample::parts(&[(Cause::Work, 5.0), (Cause::ConnectionWait, 5.0)]);
        let ledger = summary.ledger.get_mut("function calls").unwrap();
        ledger.by_node.entry("b".into()).or_default().mean_ms = parts;
        ledger.total.mean_ms = parts;
        let mean = time_within(summary.clients["function calls"].latency_ms.mean);
        assert_eq!(
            bottleneck(&summary).unwrap(),
            format!(
                "bottleneck: connection wait at b, 5.00 ms of the mean of {mean} of function calls; the busiest is a, 20.0 % used"
            )
        );
        summary.run.overloaded = vec!["c: 1.3 × what it can do".into()];
        assert_eq!(bottleneck(&summary).unwrap(), "bottleneck: c: 1.3 × what it can do");
        summary.run.overloaded.clear();
        summary.nodes.clear();
        assert_eq!(bottleneck(&summary), None);
    }

    #[test]
    fn the_tax_is_told_of_who_has_a_ledger() {
        let summary = sample::summary();
        let told = sentences(&summary);
        assert!(told.iter().any(|line| line.contains("; the tax is ")), "{told:#?}");
        assert!(told.iter().all(|line| line.ends_with('.')), "{told:#?}");
        assert!(
            paragraph(&summary, true).starts_with("as written: ") && !paragraph(&summary, false).contains("written")
        );
    }
}

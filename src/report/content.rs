//! What a summary says to a person, before it has a shape: headings, warnings and sheets. The terminal and Markdown lay
//! the same content out.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::number::{NONE, count, level, or_none, percent, plain, seconds, short, time};
use super::sheet::{Cell, Sheet, Tone};
use super::sidecars::Sidecars;
use super::single;
use super::text::{clean, grouped};
use crate::diag::nouns;
use crate::experiment::summary::{Enough, Estimate, Node, Outcome, Queue, State, Stats, Summary, Verdict};
use crate::graph::Arrow;

use super::requests;
pub use super::requests::{answered, side_by_side, stats, streamed};

/// Nodes and the like beyond this many are counted instead of listed, unless all are asked for.
const MANY: usize = 12;

/// A utilisation from which on a line grows steeply.
pub(super) const HOT: f64 = 0.85;

/// By which gateway all comes in that clients ask: its outage is theirs.
pub fn entries(summary: &Summary) -> Vec<String> {
    let mut by: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for client in summary.clients.keys() {
        let called = summary.edges.keys().filter_map(|edge| Arrow::of(edge)).filter(|arrow| arrow.from == client);
        let mut called: Vec<&str> = called.map(|arrow| arrow.end().node).collect();
        called.dedup();
        if let [only] = called[..]
            && summary.nodes.get(only).is_some_and(|node| node.kind == "gateway")
        {
            by.entry(only).or_default().push(client);
        }
    }
    let told = |(gateway, who): (&str, Vec<&str>)| {
        let (all, gateway) = (who.len() == summary.clients.len(), clean(gateway));
        let asks = if who.len() == 1 && !all { "asks" } else { "ask" };
        let who = if all { "clients".into() } else { who.into_iter().map(clean).collect::<Vec<_>>().join(", ") };
        format!("all that {who} {asks} comes in by {gateway}, a single point of failure: its outage is theirs")
    };
    by.into_iter().map(told).collect()
}

/// What was run and how, in parts.
pub fn heading(summary: &Summary) -> Vec<String> {
    let mut parts = vec![clean(&summary.scenario.name)];
    parts.extend(summary.scenario.variant.iter().map(|name| format!("variant {}", clean(name))));
    let hash: String = summary.scenario.hash.chars().take(12).collect();
    parts.extend([hash, format!("{} {}", summary.tool.name, summary.tool.version), summary.run.note.to_string()]);
    parts
}

/// How it was run, in parts.
pub fn conditions(summary: &Summary) -> Vec<String> {
    let run = &summary.run;
    let warmup = if run.warmup_s > 0.0 { format!(" after {} warm-up", seconds(run.warmup_s)) } else { String::new() };
    let mut parts = vec![
        format!("seed {}", run.seed),
        format!("{} × {}{warmup}", run.replications, seconds(run.duration_s)),
        format!("{} {}", count(run.events), nouns(run.events, "event")),
        format!("{} % intervals", plain(run.confidence * 100.0)),
    ];
    parts.extend(run.enough.as_ref().filter(|enough| enough.reached).map(enough));
    parts
}

/// What runs were added for, and what came of it: `p99 of users within 2 %: 41.2 ms [40.5, 42]`.
fn enough(enough: &Enough) -> String {
    let found = enough.measured.and_then(|found| Some((found.value?, found.ends()?)));
    let unit = if enough.unit == "ms" { " ms" } else { &enough.unit };
    let interval = found
        .map_or_else(String::new, |(x, (low, high))| format!(": {}{unit} [{}, {}]", plain(x), plain(low), plain(high)));
    format!("{}{interval}", clean(&enough.goal))
}

/// One line for the foot of a picture.
pub fn caption(summary: &Summary) -> String {
    let run = &summary.run;
    let span = format!("{} × {}", run.replications, seconds(run.duration_s));
    let open = if run.state == Some(State::Undecided) && run.settled.is_none() {
        " · not certain that it settled"
    } else {
        ""
    };
    format!("seed {} · {span} · {}{open}", run.seed, run.note)
}

/// What must be read before any figure: first whether the mean is of two camps, then overload.
pub fn warnings(summary: &Summary) -> Vec<String> {
    let run = &summary.run;
    let mut lines = single::camps(run);
    lines.extend(grouped("overloaded: ", run.overloaded.iter().map(|what| clean(what)).collect()));
    if run.partial {
        lines.push(match run.replications {
            n if run.unfinished_s.is_some() => {
                let far = seconds(run.unfinished_s.unwrap_or_default());
                format!("interrupted before any replication had ended: these are {n} of them as far as {far} of measured time")
            }
            1 => "interrupted: this is the one replication that had ended".to_owned(),
            n => format!("interrupted: these are the {n} replications that had ended"),
        });
    }
    lines.extend(run.guard.iter().map(|what| format!("stopped by a guard: {}", clean(what))));
    lines.extend(run.enough.as_ref().filter(|enough| !enough.reached && !run.partial).map(|one| {
        let runs = run.replications;
        format!("not reached with {runs} runs: {}; a longer `duration` helps more than further runs", enough(one))
    }));
    if run.settled == Some(false) {
        let what = if run.state == Some(State::Diverging) {
            "diverging: more and more piles up"
        } else {
            "did not settle: the level was still falling at the end"
        };
        lines.push(format!("{what}, so figures depend on the duration"));
        lines.extend(grouped("rising: ", run.rising.iter().map(|what| clean(what)).collect()));
    }
    if !summary.conservation.holds {
        let c = summary.conservation;
        let (out, left) = (c.succeeded + c.failed, c.in_flight_at_end);
        lines.push(format!("requests do not add up: {} arrived, {out} ended, {left} under way", c.arrived));
    }
    lines
}

/// The promises and what became of them.
pub fn slos(verdicts: &[Verdict]) -> Sheet {
    let mut sheet = Sheet::new(&[("promise", 9), ("found", 5), ("interval", 1), ("burn", 4), ("verdict", 8)]);
    for slo in verdicts {
        let (mark, word, tone) = match slo.verdict {
            Outcome::Met => ("✓", "met", Tone::Good),
            Outcome::Failed => ("✗", "failed", Tone::Bad),
            Outcome::Undecided => ("?", "undecided", Tone::Odd),
            Outcome::NoData => ("✗", "no data", Tone::Bad),
        };
        let show = |value: f64| figure(&slo.expect, value);
        let interval = match (slo.measured.low, slo.measured.high) {
            // Nothing that is promised can be below nothing, however little is known of it.
            (Some(low), Some(high)) => format!("{} … {}", show(low.max(0.0)), show(high)),
            _ => NONE.into(),
        };
        let measured = told(slo);
        let name = format!("{mark} {}", promise(slo));
        let burn = slo.burn_rate.map_or(NONE.into(), |burn| Cell::figure(burn, |times| format!("{} ×", short(times))));
        sheet.push(&name, [measured.into(), interval.into(), burn.into(), Cell::toned(word, tone)]);
        if let Some(cell) = sheet.rows.last_mut().and_then(|row| row.first_mut()) {
            cell.tone = tone;
        }
    }
    // A budget that lasts is no news.
    let burns = |slo: &Verdict| slo.burn_rate.and_then(|burn| burn.value).is_some_and(|times| times > 1.0);
    let calm = !verdicts.iter().any(burns);
    sheet.without_idle("burn", |_| calm)
}

/// A promise in words, and what was measured.
pub fn judged(slo: &Verdict) -> (String, String) {
    (clean(&promise(slo)), told(slo))
}

/// What was measured; where it lies among what has no end, that.
fn told(slo: &Verdict) -> String {
    let show = |value: f64| figure(&slo.expect, value);
    match (&slo.reason, slo.at_least) {
        (Some(_), Some(least)) => format!("≥ {}", show(least)),
        (Some(_), None) => "never".into(),
        _ => or_none(slo.measured, show),
    }
}

/// The promise in its own words, and its name before them where it has one.
fn promise(slo: &Verdict) -> String {
    let words = format!("{} {}", slo.of, slo.expect);
    let own = slo.name != words;
    let words = slo.scope.iter().fold(words, |words, scope| format!("{words}, {scope}"));
    if own { format!("{}: {words}", slo.name) } else { words }
}

/// A measured figure in the unit of the expression it answers.
pub(super) fn figure(expect: &str, value: f64) -> String {
    if value.is_infinite() {
        return "never".into();
    }
    let metric: String = expect.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    match metric.as_str() {
        "good" | "success_rate" | "error_rate" | "utilization" => percent(value),
        "throughput" => format!("{}/s", plain(value)),
        "mean" | "max" | "recovery_time" => time(value),
        p if p.starts_with('p') && p[1..].starts_with(|c: char| c.is_ascii_digit()) => time(value),
        _ => plain(value),
    }
}

/// Why requests failed, whose most fail first.
/// What was left unanswered is counted over all `runs`, as everything is; the age is that of one.
pub fn failures(all: &BTreeMap<String, Stats>, runs: u32) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, stats) in requests::worst_first(all) {
        let mut causes: Vec<(&String, u64)> =
            stats.failed.iter().map(|(why, n)| (why, *n)).filter(|c| c.1 > 0).collect();
        causes.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        let age = |why: &str| stats.oldest_unanswered_s.filter(|_| why == "unanswered");
        let told = |why: &String, n: u64| match age(why) {
            Some(age) => open(why, n, age, runs),
            None => format!("{why} {}", count(n)),
        };
        let causes: Vec<String> = causes.iter().map(|(why, n)| told(why, *n)).collect();
        if !causes.is_empty() {
            lines.push(format!("{}: {}", clean(name), causes.join(", ")));
        }
    }
    grouped("failed: ", lines)
}

/// How many have no end, in how many runs, and the age of the oldest: `unanswered 81.0 k in 10 runs, the oldest 120 s`.
pub(super) fn open(word: &str, n: u64, oldest_s: f64, runs: u32) -> String {
    let within = if runs > 1 { format!(" in {runs} runs") } else { String::new() };
    format!("{word} {}{within}, the oldest {}", count(n), seconds(oldest_s))
}

/// Messages and records that were not done with when the runs stopped, of each queue and group that has some.
pub fn not_done(summary: &Summary) -> Vec<String> {
    let queues = summary.queues.iter().map(|(name, q)| (clean(name), q.unanswered, q.oldest_unanswered_s));
    let groups = summary.topics.iter().flat_map(|(topic, t)| {
        t.groups.iter().map(move |(group, g)| (clean(&format!("{topic}/{group}")), g.unanswered, g.oldest_unanswered_s))
    });
    let some = queues.chain(groups).filter_map(|(name, n, oldest)| Some((name, n, oldest?)));
    let told = some.map(|(name, n, oldest)| open(&format!("{name}:"), n, oldest, summary.run.replications));
    grouped("not done: ", told.collect())
}

/// The notes of a sheet in one; nothing where there are none.
pub(super) fn noted<const N: usize>(notes: [Option<String>; N]) -> Option<String> {
    let notes: Vec<String> = notes.into_iter().flatten().collect();
    (!notes.is_empty()).then(|| notes.join("; "))
}

/// What counts and levels are of, where there are several runs: nobody may compare a sum with the most of one run.
pub(super) fn sums(runs: u32, means: &str) -> Option<String> {
    (runs > 1).then(|| format!("counts: sums over {runs} runs; {means}: their means; most: in one run"))
}

/// Nodes; where there are too many for a screen, the busiest, first.
pub fn nodes(all: &BTreeMap<String, Node>, every: bool) -> Sheet {
    let columns = [
        ("node", 9),
        ("used", 8),
        ("busy", 4),
        ("working", 5),
        ("queue", 3),
        ("wait p99", 6),
        ("p50", 2),
        ("p99", 7),
        ("refused", 1),
    ];
    let mut sheet = Sheet::new(&columns);
    let mut nodes: Vec<(&String, &Node)> = all.iter().collect();
    let sidecars = Sidecars::take(&mut nodes, every);
    let (there, shown) = (nodes.len(), listed(nodes.len(), every));
    let used = |one: &(&String, &Node)| [one.1.utilization.value.unwrap_or(0.0)];
    for (name, node) in worst_first(nodes, used).into_iter().take(shown) {
        sheet.push(name, figures(node));
    }
    if let Some(sidecars) = &sidecars {
        sheet.push(&sidecars.name(), sidecars.figures());
    }
    let left = (shown < there).then(|| {
        let left = (there - shown) as u64;
        format!("{left} less used {} not shown; all with -v", nouns(left, "node"))
    });
    sheet.note = noted([sidecars.map(|sidecars| sidecars.note("busy, working, queue")), left]);
    sheet.without_idle("refused", |cell| cell.text == "0")
}

/// Rows in the order of what is wrong with them, the worst first, where there are so many that nobody reads them all; a few stay
/// in the order of their names.
pub(super) fn worst_first<T, const N: usize>(mut rows: Vec<T>, wrong: impl Fn(&T) -> [f64; N]) -> Vec<T> {
    if rows.len() > MANY {
        rows.sort_by(|a, b| {
            let pairs = wrong(b).into_iter().zip(wrong(a));
            pairs.map(|(b, a)| b.total_cmp(&a)).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
        });
    }
    rows
}

/// Queues: how deep they were, how long messages waited, and what became of them.
pub fn queues(all: &BTreeMap<String, Queue>, shown: usize, runs: u32) -> Sheet {
    let columns = [
        ("queue", 9),
        ("published", 8),
        ("ready", 5),
        ("most", 6),
        ("unacked", 3),
        ("wait p50", 2),
        ("wait p99", 7),
        ("again", 4),
        ("dead", 4),
        ("lost", 4),
        ("left", 5),
        ("blocked", 5),
    ];
    let mut sheet = Sheet::new(&columns);
    let gone = |q: &Queue| q.dropped + q.expired + q.rejected + q.lost + q.dead_lettered;
    let wrong = |one: &(&String, &Queue)| [gone(one.1) as f64, one.1.mean_depth.value.unwrap_or(0.0)];
    for (name, queue) in worst_first(all.iter().collect(), wrong).into_iter().take(shown) {
        sheet.push(name, messages(queue));
    }
    sheet.note = noted([left_out(all.len(), shown), sums(runs, "ready, unacked")]);
    let idle = |cell: &Cell| cell.text == "0";
    sheet
        .without_idle("again", idle)
        .without_idle("dead", idle)
        .without_idle("lost", idle)
        .without_idle("blocked", idle)
}

fn messages(queue: &Queue) -> [Cell; 11] {
    let level = |e: Estimate| Cell::figure(e, level);
    let span = |e: Estimate| Cell::figure(e, time);
    let gone = queue.dropped + queue.expired + queue.rejected + queue.lost;
    let odd = |n: u64| Cell::toned(count(n), if n > 0 { Tone::Odd } else { Tone::Plain });
    [
        count(queue.published).into(),
        level(queue.mean_depth),
        count(queue.max_depth).into(),
        level(queue.mean_unacked),
        span(queue.wait_ms.p50),
        span(queue.wait_ms.p99),
        odd(queue.redelivered),
        odd(queue.dead_lettered),
        odd(gone),
        count(queue.ready_at_end + queue.unacked_at_end).into(),
        odd(queue.blocked_at_end),
    ]
}

/// Effects that happened more than once, by the clients behind them.
pub fn duplicates(all: &BTreeMap<String, Stats>) -> Vec<String> {
    let some = all.iter().filter(|(_, stats)| stats.duplicate_effects > 0);
    let told = some.map(|(name, stats)| {
        let twice = stats.duplicate_effects;
        format!("{}: {} {}", clean(name), count(twice), nouns(twice, "effect"))
    });
    grouped("done twice: ", told.collect())
}

/// Answers without some of their parts, of each endpoint that gathers some it may do without.
pub fn partial(all: &BTreeMap<String, Stats>) -> Vec<String> {
    let some =
        all.iter().filter_map(|(name, stats)| Some((name, stats.partial.filter(|told| told.partial_answers > 0)?)));
    let told = some.map(|(name, told)| {
        let share = or_none(told.partial_share, percent);
        format!("{}: {share} of its answers ({}) are without some part", clean(name), count(told.partial_answers))
    });
    grouped("partial: ", told.collect())
}

/// Reads that missed what was written, of each database that had any.
pub fn stale(all: &BTreeMap<String, Node>) -> Vec<String> {
    let some =
        all.iter().filter_map(|(name, node)| Some((name, node.replication.filter(|told| told.stale_reads > 0)?)));
    let told = some.map(|(name, told)| {
        let share = or_none(told.stale_share, percent);
        format!("{}: {share} of the reads ({}) missed what was written", clean(name), count(told.stale_reads))
    });
    grouped("stale: ", told.collect())
}

fn figures(node: &Node) -> [Cell; 8] {
    let level = |e: Estimate| Cell::figure(e, level);
    let span = |e: Estimate| Cell::figure(e, time);
    [
        used(node),
        level(node.mean_busy),
        level(node.mean_working),
        level(node.mean_queue),
        span(node.wait_ms.p99),
        span(node.sojourn_ms.p50),
        span(node.sojourn_ms.p99),
        count(node.refused).into(),
    ]
}

pub(super) fn used(node: &Node) -> Cell {
    let hot = node.utilization.value.is_some_and(|share| share >= HOT);
    Cell::figure(node.utilization, percent).meaning(if hot { Tone::Odd } else { Tone::Plain })
}

pub(super) fn left_out(all: usize, shown: usize) -> Option<String> {
    (shown < all).then(|| format!("{} more not shown; all with -v", all - shown))
}

/// How many clients and the like are listed.
pub fn listed(all: usize, every: bool) -> usize {
    if every || all <= MANY { all } else { MANY - 2 }
}

/// The name of a summary's variant.
pub fn variant(summary: &Summary) -> String {
    clean(summary.scenario.variant.as_deref().unwrap_or("as written"))
}

/// The name of a client or node among `summaries`: with its variant where there are several, and that alone where it tells
/// enough because there is only one such thing (`siblings`) in each.
pub fn named(summaries: &[Summary], of: &Summary, name: &str, siblings: usize) -> String {
    let variant = variant(of);
    clean(&match (summaries.len() > 1, siblings > 1) {
        (false, _) => name.to_owned(),
        (true, true) => format!("{variant} · {name}"),
        (true, false) => variant,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn a_figure_takes_the_unit_of_its_promise() {
        assert_eq!(figure("p99.9 < 400ms", 312.0), "312 ms");
        assert_eq!(figure("mean < 1s", 1_240.0), "1.24 s");
        assert_eq!(figure("success_rate >= 99.9%", 0.9995), "99.95 %");
        assert_eq!(figure("good(400ms) >= 99%", 0.5), "50.0 %");
        assert_eq!(figure("throughput > 100/s", 196.7), "197/s");
        assert_eq!(figure("max_lag < 100", 12.0), "12");
    }

    #[test]
    fn overload_is_said_first() {
        let mut summary = sample::summary();
        summary.run.partial = true;
        summary.run.settled = Some(false);
        summary.run.overloaded = vec!["orders: 1.3 × what it can do".into()];
        let lines = warnings(&summary);
        assert!(lines[0].starts_with("overloaded: orders"), "{lines:?}");
        assert_eq!(lines.len(), 3);
    }

    #[test]
    fn many_nodes_are_cut_to_the_busiest() {
        let all: BTreeMap<String, Node> =
            (0..100).map(|i| (format!("n{i:03}"), sample::node(f64::from(i) / 100.0, 8))).collect();
        let sheet = nodes(&all, false);
        assert_eq!(sheet.rows.len(), 10);
        assert_eq!(sheet.rows[0][0].text, "n099");
        assert_eq!(sheet.note.as_deref(), Some("90 less used nodes not shown; all with -v"));
        assert_eq!(nodes(&all, true).rows.len(), 100);
    }

    #[test]
    fn a_promise_is_marked_and_named() {
        let sheet = slos(&sample::summary().slos);
        let names: Vec<&str> = sheet.rows.iter().map(|row| row[0].text.as_str()).collect();
        assert_eq!(names[0], "✓ calls are quick: function calls p99 < 60ms");
        assert!(names[1].starts_with('✗') && names[2].starts_with('?') && names[3].starts_with('✗'));
        assert_eq!(sheet.rows[3][1].text, "–");
    }

    #[test]
    fn failures_name_their_causes_largest_first() {
        let mut summary = sample::summary();
        let client = summary.clients.get_mut("function calls").unwrap();
        client.failed.insert("overloaded".into(), 30_000);
        assert_eq!(failures(&summary.clients, 9), ["failed: function calls: overloaded 30.0 k, timeout 120"]);
        let client = summary.clients.get_mut("function calls").unwrap();
        client.failed = [("unanswered".to_owned(), 38_900)].into();
        client.oldest_unanswered_s = Some(52.0);
        let open = |runs| failures(&summary.clients, runs).remove(0);
        assert_eq!(open(10), "failed: function calls: unanswered 38.9 k in 10 runs, the oldest 52 s");
        assert_eq!(open(1), "failed: function calls: unanswered 38.9 k, the oldest 52 s");
    }
}

//! Where the time of a client's requests went: bars for the terminal at a glance, sheets for those who want every figure.

use super::cause::{bar, by_size, in_bar, legend, name, present, share};
use super::content::variant;
use super::number::{NONE, between, count, percent, time};
use super::sheet::{Cell, Sheet, Tone};
use super::text::{clean, cut, cut_name, width};
use crate::experiment::summary::{Columns, Estimate, Ledger, Parts, Stats, Summary, Within};
use crate::model::Cause;

/// Columns of a bar.
const BAR: usize = 24;

/// Columns of a client's name beside its bars, where there are not many columns in all.
const NAME: usize = 20;

/// The longest rule: rows are seldom longer, however many columns there are.
const RULE: usize = 100;

/// A ledger under the name that it is shown with.
pub struct Entry<'a> {
    /// What stands above it and its neighbours: the client, where several clients have several variants each.
    pub group: String,
    /// What tells it from its neighbours: the variant where there are several, else the client.
    pub name: String,
    /// The client.
    pub client: &'a str,
    /// The share of its requests that the ledger is about: those that were answered well.
    pub share: Option<f64>,
    /// Its ledger.
    pub ledger: &'a Ledger,
}

/// The ledgers of one summary, or of several variants, of which there is anything to show. A client's variants stand
/// together: they are what is compared.
pub fn entries(summaries: &[Summary]) -> Vec<Entry<'_>> {
    let mut entries = Vec::new();
    for summary in summaries {
        for (client, ledger) in summary.ledger.iter().filter(|(_, l)| l.count > 0 && l.total.mean_ms.sum() > 0.0) {
            let (group, name) = match (summaries.len() > 1, summary.ledger.len() > 1) {
                (false, _) => (String::new(), clean(client)),
                (true, false) => (String::new(), variant(summary)),
                (true, true) => (clean(client), variant(summary)),
            };
            let share = summary.clients.get(client).and_then(|stats| stats.success_rate.value);
            entries.push(Entry { group, name, client, share, ledger });
        }
    }
    entries.sort_by(|a, b| a.group.cmp(&b.group));
    entries
}

/// The ledgers at a glance, group by group: bars of the mean requests, then bars of those around the 99th percentile, each
/// on a scale of their own, since a tail may be a hundred times as long.
pub fn bars(entries: &[Entry], room: usize, color: bool) -> Vec<String> {
    let mut lines = Vec::new();
    for all in entries.chunk_by(|a, b| a.group == b.group) {
        let whose = if all[0].group.is_empty() { String::new() } else { format!(" of {}", all[0].group) };
        let mean: Vec<_> = all.iter().map(|e| (&e.name, &e.ledger.total.mean_ms)).collect();
        let tail = all.iter().filter(|e| e.ledger.p99_count > 0);
        let tail: Vec<_> = tail.map(|e| (&e.name, &e.ledger.total.p99_ms)).collect();
        if !lines.is_empty() {
            lines.push(String::new());
        }
        let mut seen = Vec::new();
        let head = format!("where the time went: the mean {}{whose}", which(all));
        lines.extend(group(&head, &mean, room, color, &mut seen));
        lines.insert(lines.len() - mean.len(), Tone::Faint.paint(&"─".repeat(room.min(RULE)), color));
        let among = if all.iter().all(is_whole) { "" } else { " of these" };
        let head = format!("requests around p99{among}{whose}, on a scale of their own");
        lines.extend(group(&head, &tail, room, color, &mut seen));
        seen.sort_unstable();
        seen.dedup();
        lines.extend(legend_lines(&seen, room, color));
    }
    lines
}

/// Whether it is about all requests.
fn is_whole(entry: &Entry) -> bool {
    entry.share.is_none_or(|share| share >= 1.0)
}

/// Of which request bars are the mean: where some failed or were never answered, of the successful ones, and how many of
/// all those are.
pub fn which(entries: &[Entry]) -> String {
    if entries.iter().all(is_whole) {
        return "request".into();
    }
    let shares = || entries.iter().map(|entry| entry.share.unwrap_or(1.0));
    let (least, most) = (percent(shares().fold(1.0, f64::min)), percent(shares().fold(0.0, f64::max)));
    if least == most {
        return format!("successful request, {least} of all");
    }
    format!("successful request, {} to {most} of all", least.trim_end_matches(" %"))
}

/// A heading and a bar for each, all on one scale; the causes that are seen are added to `seen`.
fn group(head: &str, all: &[(&String, &Parts)], room: usize, color: bool, seen: &mut Vec<Cause>) -> Vec<String> {
    let most = all.iter().map(|(_, parts)| parts.sum()).fold(0.0, f64::max);
    if most <= 0.0 {
        return Vec::new();
    }
    let names = all.iter().map(|(name, _)| width(name)).fold(0, usize::max).min(NAME.max(room / 4));
    let mut lines = vec![Tone::Faint.paint(&cut(head, room), color)];
    for (name, parts) in all {
        let name = cut_name(name, names);
        let front = format!("{name}{}  {:>7}  ", pad(&name, names), time(parts.sum()));
        seen.extend(in_bar(parts, most / BAR as f64));
        let gap = " ".repeat(BAR - columns(parts, most / BAR as f64).min(BAR));
        let words = parts_in_words(parts, room.saturating_sub(width(&front) + BAR + 2));
        let bar = bar(parts, most / BAR as f64, color);
        lines.push(format!("{front}{bar}{gap}  {words}").trim_end().to_owned());
    }
    lines
}

fn columns(parts: &Parts, per_column: f64) -> usize {
    width(&bar(parts, per_column, false))
}

fn pad(text: &str, wide: usize) -> String {
    " ".repeat(wide.saturating_sub(width(text)))
}

/// The largest parts in words, as many as fit: `work 62 % · queue 20 % …`.
fn parts_in_words(parts: &Parts, room: usize) -> String {
    let mut text = String::new();
    for cause in by_size(parts) {
        let gap = if text.is_empty() { "" } else { " · " };
        let more = format!("{gap}{} {}", name(cause), share(parts.of(cause), parts.sum()));
        if width(&text) + width(&more) > room {
            break;
        }
        text.push_str(&more);
    }
    text
}

/// The legend, broken into lines.
pub fn legend_lines(causes: &[Cause], room: usize, color: bool) -> Vec<String> {
    let mut lines: Vec<(String, usize)> = Vec::new();
    for (entry, wide) in legend(causes, color) {
        match lines.last_mut() {
            Some((line, used)) if *used + 3 + wide <= room => {
                line.push_str("   ");
                line.push_str(&entry);
                *used += 3 + wide;
            }
            _ => lines.push((entry, wide)),
        }
    }
    lines.into_iter().map(|(line, _)| line).collect()
}

/// Every figure of a ledger: by cause, and by node and cause. Each sheet has a title.
pub fn sheets(entry: &Entry, stats: Option<&Stats>) -> Vec<(String, Sheet)> {
    let (called, ledger) = (clean(entry.client), entry.ledger);
    let of = if is_whole(entry) { String::new() } else { format!(", {}", which(std::slice::from_ref(entry))) };
    let mut sheets = vec![(format!("where the time went: {called}{of}"), causes(ledger, stats))];
    if ledger.by_node.len() > 1 {
        sheets.push((format!("where the time went, by node: {called}{of}"), nodes(ledger)));
    }
    if let Some(failed) = ledger.failed.as_deref().filter(|failed| failed.count > 0) {
        sheets.push((format!("where the time of failed requests went: {called}"), causes(failed, None)));
    }
    sheets
}

fn sheet(head: &'static str) -> Sheet {
    Sheet::new(&[(head, 9), ("mean", 8), ("share", 4), ("p50", 5), ("share", 2), ("p99", 7), ("share", 3)])
}

/// A row per cause, the largest first, then their sum, and the latency that the sum explains.
fn causes(ledger: &Ledger, stats: Option<&Stats>) -> Sheet {
    let mut sheet = sheet("cause");
    let within = ledger.within.as_deref();
    for cause in ranked(&ledger.total) {
        sheet.push(&name(cause), cells(&ledger.total, &ledger.total, within, |parts| parts.of(cause)));
    }
    let mut sum = cells(&ledger.total, &ledger.total, None, Parts::sum).map(|cell| cell.meaning(Tone::Strong));
    let columns = [&ledger.total.mean_ms, &ledger.total.p50_ms, &ledger.total.p99_ms].map(Parts::sum);
    for (at, half) in within.into_iter().flat_map(|within| within.sum_ms).enumerate() {
        // A column of times stands before each of shares.
        sum[2 * at].ends =
            half.and_then(|half| between(Estimate::around(columns[at], half).clamped(0.0, f64::INFINITY), time));
    }
    sheet.push("sum", sum);
    if let Some(d) = stats.map(|stats| &stats.latency_ms) {
        let [mean, p50, p99] = [d.mean, d.p50, d.p99].map(|e| Cell::figure(e, time));
        let none = || Cell::from("");
        sheet.push("latency", [mean, none(), p50, none(), p99, none()]);
    }
    sheet.note = Some(bands(ledger));
    sheet
}

/// What the columns are means of.
fn bands(ledger: &Ledger) -> String {
    let (all, middle, tail) = (count(ledger.count), count(ledger.p50_count), count(ledger.p99_count));
    format!("means: of all {all}, of {middle} at ranks 48–52 %, of {tail} at 98.5–99.5 %")
}

/// A row per node and cause; the node with the most time first.
fn nodes(ledger: &Ledger) -> Sheet {
    let mut sheet = sheet("node · cause");
    let mut nodes: Vec<(&String, &Columns)> = ledger.by_node.iter().collect();
    nodes.sort_by(|a, b| b.1.mean_ms.sum().total_cmp(&a.1.mean_ms.sum()).then(a.0.cmp(b.0)));
    for (node, columns) in nodes {
        for cause in ranked(columns) {
            let within = ledger.within_by_node.get(node);
            let cells = cells(columns, &ledger.total, within, |parts| parts.of(cause));
            sheet.push(&format!("{node} · {}", name(cause)), cells);
        }
    }
    sheet
}

/// Causes of which any column has something, by the mean.
fn ranked(columns: &Columns) -> Vec<Cause> {
    let mut causes = present([&columns.mean_ms, &columns.p50_ms, &columns.p99_ms]);
    causes.sort_by(|a, b| columns.mean_ms.of(*b).total_cmp(&columns.mean_ms.of(*a)));
    causes
}

/// Time and share of the whole, for each of the three columns; a time with its interval.
fn cells(of: &Columns, whole: &Columns, within: Option<&Within>, part: impl Fn(&Parts) -> f64) -> [Cell; 6] {
    let halves = within.map_or([None; 3], Within::columns);
    let pair = |of: &Parts, whole: &Parts, halves: Option<&Parts>| {
        let ms = part(of);
        let around = halves.map(|halves| Estimate::around(ms, part(halves)).clamped(0.0, f64::INFINITY));
        if whole.sum() <= 0.0 {
            return [Cell::from(NONE), Cell::from("")];
        }
        [Cell::figure(around.unwrap_or_else(|| Estimate::point(ms)), time), Cell::from(share(ms, whole.sum()))]
    };
    let [mean, mean_share] = pair(&of.mean_ms, &whole.mean_ms, halves[0]);
    let [p50, p50_share] = pair(&of.p50_ms, &whole.p50_ms, halves[1]);
    let [p99, p99_share] = pair(&of.p99_ms, &whole.p99_ms, halves[2]);
    [mean, mean_share, p50, p50_share, p99, p99_share]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::cause::mark;
    use crate::report::sample;

    #[test]
    fn bars_share_a_scale_and_name_the_largest_parts() {
        let summary = sample::summary();
        let lines = bars(&entries(&[summary]), 80, false);
        assert!(lines.iter().all(|line| width(line) <= 80), "{lines:#?}");
        assert_eq!(lines.len(), 8, "{lines:#?}");
        assert!(lines[2].starts_with("function calls  9.72 ms  ███"), "{lines:#?}");
        assert!(lines[2].ends_with("work 82 % · queue 10 %"), "{lines:#?}");
        let filled = |line: &str| Cause::ALL.iter().map(|cause| line.matches(mark(*cause)).count()).sum::<usize>();
        assert!(filled(&lines[3]) > filled(&lines[2]) && filled(&lines[3]) == BAR, "{lines:#?}");
        assert_eq!(lines[7], "█ work   ░ queue   ─ network   ▒ encode");
    }

    #[test]
    fn the_variants_of_a_client_stand_together() {
        let mut other = sample::summary();
        other.scenario.variant = Some("grpc".into());
        let lines = bars(&entries(&[sample::summary(), other]), 80, false).join("\n");
        let heads: Vec<&str> = lines.lines().filter(|line| line.starts_with("where")).collect();
        assert_eq!(heads[1], "where the time went: the mean request of network calls", "{lines}");
        assert!(lines.contains("\nas written  9.72 ms") && lines.contains("\ngrpc        9.72 ms"), "{lines}");
        let one = entries(&sample::tax()).iter().map(|e| format!("{}{}", e.group, e.name)).collect::<Vec<_>>();
        assert_eq!(one[..2], ["in-process", "three hops"]);
    }

    #[test]
    fn the_sum_is_the_latency() {
        let summary = sample::summary();
        let all = entries(std::slice::from_ref(&summary));
        let sheets = sheets(&all[1], summary.clients.get("network calls"));
        let rows: Vec<Vec<&str>> =
            sheets[0].1.rows.iter().map(|r| r.iter().map(|c| c.text.as_str()).collect()).collect();
        let sum = rows.iter().find(|row| row[0] == "sum").unwrap();
        let latency = rows.iter().find(|row| row[0] == "latency").unwrap();
        assert_eq!((sum[1], sum[2]), (latency[1], "100 %"), "{rows:#?}");
        assert!(sheets[0].1.note.as_deref().unwrap().contains("98.5–99.5 %"));
        assert!(sheets[1].1.rows.iter().any(|row| row[0].text == "d · queue"), "{:#?}", sheets[1].1);
    }

    #[test]
    fn the_mean_of_the_successful_is_called_that() {
        let mut summary = sample::summary();
        for (client, share) in [("function calls", 0.22), ("network calls", 1.0)] {
            summary.clients.get_mut(client).unwrap().success_rate.value = Some(share);
        }
        let all = entries(std::slice::from_ref(&summary));
        assert_eq!(which(&all), "successful request, 22.0 to 100 % of all");
        assert_eq!(
            (which(&all[..1]), which(&all[1..])),
            ("successful request, 22.0 % of all".into(), "request".into())
        );
        assert!(bars(&all[..1], 80, false)[0].ends_with("the mean successful request, 22.0 % of all"));
        let titles: Vec<String> = all.iter().flat_map(|e| sheets(e, None)).map(|(title, _)| title).collect();
        assert_eq!(titles[0], "where the time went: function calls, successful request, 22.0 % of all");
        assert_eq!(titles.last().unwrap(), "where the time went, by node: network calls");
    }

    #[test]
    fn an_empty_ledger_is_not_shown() {
        let mut summary = sample::summary();
        for ledger in summary.ledger.values_mut() {
            *ledger = Ledger::default();
        }
        assert!(entries(std::slice::from_ref(&summary)).is_empty());
        assert!(bars(&[], 80, false).is_empty());
    }
}

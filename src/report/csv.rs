//! CSV in long form: one figure a row, `section,name,metric,unit,value,low,high,count,variant`, quoted as RFC 4180 says.
//!
//! The rows are read off the JSON contract, so a figure that is added there is here, under the same name. Histograms stay out.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::text::clean;
use crate::experiment::summary::{ClientSeries, Series, Strength, Summary};

/// The columns.
pub const HEADER: &str = "section,name,metric,unit,value,low,high,count,variant";

/// All figures of one or several summaries.
pub fn render(summaries: &[Summary]) -> String {
    let mut text = String::from(HEADER);
    text.push('\n');
    for summary in summaries {
        let variant = summary.scenario.variant.as_deref().unwrap_or("");
        if let Ok(Value::Object(sections)) = serde_json::to_value(summary) {
            // What goes over time has a table of its own.
            let sections = sections.iter().filter(|(section, _)| !matches!(section.as_str(), "timeline" | "series"));
            sections.for_each(|(section, value)| Rows { text: &mut text, section, variant }.section(value));
        }
    }
    text
}

/// The columns of what goes over time.
pub const TIMELINE_HEADER: &str = "section,name,metric,unit,from_s,value,variant";

/// What went over time in one or several summaries, a row for each stretch: clients, queues, readers of topics, replicas, and
/// nodes and edges where something changes. Nothing where there is none of these.
pub fn timeline(summaries: &[Summary]) -> Option<String> {
    let mut text = String::from(TIMELINE_HEADER);
    text.push('\n');
    let before = text.len();
    courses(&mut text, summaries);
    for summary in summaries {
        let variant = summary.scenario.variant.as_deref().unwrap_or("");
        let mut rows = Stretches { text: &mut text, variant };
        let Series { clients, queues, lags, .. } = Series::of(summary);
        // Where something changes, clients stand among what does.
        for (name, series) in clients.iter().filter(|_| summary.timeline.is_none()) {
            rows.client(name, series);
        }
        for (section, metric, levels) in [("queues", "ready", queues), ("groups", "lag", lags)] {
            for (name, series) in &levels {
                let values = series.level.iter().map(|level| Some(*level));
                rows.column([section, name, metric, "1"], series.from_s.iter().copied().zip(values));
            }
        }
        for (name, node) in &summary.nodes {
            let Some(told) = &node.replicas.autoscale else { continue };
            let of = |value: fn(&Strength) -> Option<f64>| told.timeline.iter().map(move |s| (s.from_s, value(s)));
            rows.column(["replicas", name, "replicas", "1"], of(|s| Some(s.replicas)));
            rows.column(["replicas", name, "ready", "1"], of(|s| Some(s.ready)));
            rows.column(["replicas", name, &told.metric, "1"], of(|s| s.metric));
        }
    }
    (text.len() > before).then_some(text)
}

/// Writes what goes over time column by column.
struct Stretches<'a> {
    text: &'a mut String,
    variant: &'a str,
}

impl Stretches<'_> {
    fn client(&mut self, name: &str, series: &ClientSeries) {
        let from = || series.from_s.iter().copied();
        let counts = |all: &[u64]| all.iter().map(|n| Some(*n as f64)).collect::<Vec<_>>();
        for (metric, all) in
            [("arrived", &series.arrived), ("succeeded", &series.succeeded), ("failed", &series.failed)]
        {
            self.column(["clients", name, metric, "1"], from().zip(counts(all)));
        }
        for (metric, all) in [("p50_ms", &series.p50_ms), ("p99_ms", &series.p99_ms), ("mean_ms", &series.mean_ms)] {
            self.column(["clients", name, metric, "ms"], from().zip(all.iter().copied()));
        }
        if series.in_flight.iter().any(Option::is_some) {
            self.column(["clients", name, "in_flight", "1"], from().zip(series.in_flight.iter().copied()));
        }
    }

    fn column(&mut self, [section, name, metric, unit]: [&str; 4], values: impl Iterator<Item = (f64, Option<f64>)>) {
        for (from, value) in values {
            let from = (from * 1e6).round() / 1e6;
            let value = value.map(|value| value.to_string()).unwrap_or_default();
            let cells = [section, name, metric, unit, &from.to_string(), &value, self.variant];
            let _ = writeln!(self.text, "{}", cells.map(quote).join(","));
        }
    }
}

/// Clients, nodes and edges of runs in which something changes.
fn courses(text: &mut String, summaries: &[Summary]) {
    for (summary, timeline) in summaries.iter().filter_map(|s| Some((s, s.timeline.as_ref()?))) {
        let variant = summary.scenario.variant.as_deref().unwrap_or("");
        let told = serde_json::to_value(timeline).unwrap_or_default();
        let sections = told.as_object().into_iter().flatten();
        for (section, things) in sections.filter_map(|(section, things)| Some((section, things.as_object()?))) {
            for (name, courses) in things {
                for (metric, course) in courses.as_object().into_iter().flatten() {
                    let values = course.as_array().into_iter().flatten();
                    for (at, value) in values.enumerate() {
                        let from = (at as f64 * timeline.width_s * 1e6).round() / 1e6;
                        let unit = unit(section, metric);
                        let cells = [section, name, metric, unit, &from.to_string(), &cell(value), variant];
                        let _ = writeln!(text, "{}", cells.map(quote).join(","));
                    }
                }
            }
        }
    }
}

/// Rows of one section of one summary.
struct Rows<'a> {
    text: &'a mut String,
    section: &'a str,
    variant: &'a str,
}

impl Rows<'_> {
    /// Sections hold named things (`clients`), a list (`slos`), or are a thing themselves (`run`).
    fn section(&mut self, value: &Value) {
        match value {
            Value::Object(things) if things.values().all(Value::is_object) => {
                for (name, thing) in things {
                    self.figures(name, "", thing, None);
                }
            }
            Value::Array(things) => {
                for thing in things {
                    let name = thing.get("name").and_then(Value::as_str).unwrap_or("");
                    self.figures(name, "", thing, None);
                }
            }
            other => self.figures("", "", other, None),
        }
    }

    fn figures(&mut self, name: &str, metric: &str, value: &Value, count: Option<&Value>) {
        match value {
            Value::Object(fields) if is_estimate(fields) => {
                self.row(name, metric, [&fields["value"], &fields["low"], &fields["high"]], count);
                for key in ["run_low", "run_high", "run_level"].into_iter().filter(|key| fields.contains_key(*key)) {
                    self.row(name, &join(metric, key), [&fields[key], &Value::Null, &Value::Null], count);
                }
            }
            Value::Object(fields) => {
                let count = fields.get("count").or(count);
                for (key, value) in fields.iter().filter(|(key, _)| *key != "hdr" && *key != "name") {
                    self.figures(name, &join(metric, key), value, count);
                }
            }
            Value::Array(items) => {
                for item in items {
                    self.figures(name, metric, item, count);
                }
            }
            plain => {
                let metric = if metric.is_empty() { self.section.to_owned() } else { metric.to_owned() };
                self.row(name, &metric, [plain, &Value::Null, &Value::Null], count);
            }
        }
    }

    fn row(&mut self, name: &str, metric: &str, figures: [&Value; 3], count: Option<&Value>) {
        // Most of the cells of nodes by causes are empty: what is not there is zero.
        if self.section == "ledger" && metric.contains("by_node.") && figures[0].as_f64() == Some(0.0) {
            return;
        }
        let [value, low, high] = figures.map(cell);
        let count = count.map(cell).unwrap_or_default();
        let cells = [self.section, name, metric, unit(self.section, metric), &value, &low, &high, &count, self.variant];
        let _ = writeln!(self.text, "{}", cells.map(quote).join(","));
    }
}

fn is_estimate(fields: &Map<String, Value>) -> bool {
    ["value", "low", "high"].iter().all(|key| fields.contains_key(*key))
}

fn join(metric: &str, key: &str) -> String {
    if metric.is_empty() { key.to_owned() } else { format!("{metric}.{key}") }
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The unit, told from the name of the figure as the contract promises.
fn unit(section: &str, metric: &str) -> &'static str {
    // The range of single runs is in the unit of the figure.
    let metric = metric.strip_suffix(".run_low").or(metric.strip_suffix(".run_high")).unwrap_or(metric);
    let mut from_end = metric.rsplit('.');
    let last = from_end.next().unwrap_or(metric);
    // A ledger has its unit on the level above the causes, whatever nodes are called.
    if section == "ledger" {
        return if from_end.next().is_some_and(|group| group.ends_with("_ms")) { "ms" } else { "1" };
    }
    let first = metric.split('.').next().unwrap_or(metric);
    match (first, last) {
        (_, "count") => "1",
        (group, "var") if group.ends_with("_ms") => "ms^2",
        (group, _) if group.ends_with("_ms") => "ms",
        (_, leaf) if leaf.ends_with("_per_s") => "1/s",
        (_, leaf) if leaf.ends_with("_share") => "share",
        (_, leaf) if leaf.ends_with("_s") => "s",
        (_, "success_rate" | "utilization" | "p_wait" | "p_full" | "confidence" | "run_level") => "share",
        (
            _,
            "hash" | "version" | "note" | "of" | "expect" | "verdict" | "measured" | "guard" | "holds" | "settled"
            | "state",
        ) => "",
        _ => "1",
    }
}

/// A cell as a table of others' programs may have it. A text is made harmless: what would move a cursor is replaced, and
/// what a spreadsheet would take for a formula (`=`, `+`, `-`, `@` in front) gets an apostrophe, as OWASP's page on CSV
/// injection says. Numbers stay as they are.
pub(super) fn quote(cell: &str) -> String {
    let mut cell = clean(cell);
    if cell.starts_with(['=', '+', '-', '@']) && cell.parse::<f64>().is_err() {
        cell.insert(0, '\'');
    }
    if cell.contains([',', '"']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn hostile_names_are_quoted() {
        assert_eq!(quote("a,b"), "\"a,b\"");
        assert_eq!(quote("say \"hi\""), "\"say \"\"hi\"\"\"");
        assert_eq!(quote("two\nlines"), "two�lines");
        assert_eq!(quote("plain"), "plain");
        assert_eq!(quote("=1+1"), "'=1+1");
        assert_eq!(quote("@SUM(A1,A2)"), "\"'@SUM(A1,A2)\"");
        assert_eq!(quote("\u{9}=1\u{202e}"), "�=1�");
        assert_eq!(["-5", "-1.5e-7", "+3", "-"].map(quote), ["-5", "-1.5e-7", "+3", "'-"]);
    }

    #[test]
    fn estimates_and_counts_become_rows() {
        let text = render(&[sample::summary()]);
        assert!(text.starts_with(HEADER));
        assert!(text.contains("\nrun,,seed,1,1,,,,\n"), "{text}");
        assert!(text.contains("\nclients,function calls,latency_ms.p50,ms,8.1,8.0,8.2,118000,\n"), "{text}");
        assert!(text.contains("\nclients,function calls,failed.timeout,1,120,,,,\n"), "{text}");
        assert!(text.contains("\nnodes,d,utilization,share,0.62,"), "{text}");
        assert!(text.contains("\nslos,calls are quick,verdict,,met,,,,\n"), "{text}");
        assert!(!text.contains("hdr"));
    }

    #[test]
    fn the_range_of_single_runs_does_not_split_a_figure() {
        let mut summary = sample::summary();
        let stats = summary.clients.get_mut("function calls").unwrap();
        stats.throughput_per_s = crate::stats::Interval {
            run_low: Some(1.5),
            run_high: Some(2.5),
            run_level: Some(0.95),
            ..crate::stats::Interval::between(2.0, 1.9, 2.1)
        };
        let text = render(&[summary]);
        for row in [
            "throughput_per_s,1/s,2.0,1.9,2.1,",
            "throughput_per_s.run_low,1/s,1.5,,,",
            "throughput_per_s.run_level,share,0.95,,,",
        ] {
            assert!(text.contains(&format!("\nclients,function calls,{row}")), "{row}\n{text}");
        }
        assert!(!text.contains("throughput_per_s.value"));
    }

    #[test]
    fn a_ledger_becomes_rows() {
        let text = render(&[sample::summary()]);
        assert!(text.contains("\nledger,network calls,mean_ms.work,ms,8.0,,,118000,\n"), "{text}");
        assert!(text.contains("\nledger,network calls,mean_ms.fault,ms,0.0,,,118000,\n"), "{text}");
        assert!(text.contains("\nledger,network calls,by_node.d.p99_ms.queue,ms,"), "{text}");
        assert!(!text.contains("by_node.d.mean_ms.fault"));
        assert!(text.contains("\nledger,network calls,p99_count,1,1180,,,118000,\n"), "{text}");
    }

    #[test]
    fn stretches_become_rows() {
        let mut summary = sample::summary();
        // Where nothing changes there are clients over time still, and nothing where no request set out.
        let text = timeline(&[summary.clone()]).unwrap();
        assert!(text.contains("\nclients,network calls,arrived,1,25,1000,\n"), "{text}");
        summary.clients.values_mut().for_each(|stats| stats.timeline.clear());
        assert_eq!(timeline(&[summary.clone()]), None);
        summary.timeline = Some(sample::course());
        let text = timeline(&[summary.clone()]).unwrap();
        assert!(text.starts_with(TIMELINE_HEADER));
        assert!(text.contains("\nnodes,b,busy,1,25,"), "{text}");
        assert!(text.contains("\nedges,a -> b,open_share,share,30,0.9,\n"), "{text}");
        assert!(text.lines().all(|line| line.split(',').count() == 7));
        assert!(!render(&[summary]).contains("open_share,share,30"));
    }

    #[test]
    fn every_row_has_nine_cells() {
        for line in render(&[sample::summary()]).lines().filter(|line| !line.contains('"')) {
            assert_eq!(line.split(',').count(), 9, "{line}");
        }
    }
}

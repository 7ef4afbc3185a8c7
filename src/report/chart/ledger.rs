//! Where the time went: a stacked bar for each client or variant, the mean request beside those around the 99th percentile.

use super::Title;
use super::axis::{Scale, reach, time_of_tick};
use super::frame::{Area, Canvas, Type, WIDTH, picture, room, size};
use super::key::Key;
use super::palette::{FAINT, PAPER, fill, hair};
use crate::experiment::summary::{Columns, Parts};
use crate::model::Cause;
use crate::report::cause::{name, visible};
use crate::report::ledger::{Entry, which};
use crate::report::number::{percent, time};
use crate::report::text::{cut, wrapped};

/// Bars below each other at most.
const ROWS: usize = 14;

/// Longest line of a name beside a bar, letters.
const LABEL: usize = 20;

/// Between two groups.
const PAUSE: f64 = 14.0;

/// From one line of a name to the next.
const LINE: f64 = 19.0;

/// Where the panels begin and how far they stand apart; between panels and key.
const TOP: f64 = 126.0;
const APART: f64 = 40.0;
const FOOT: f64 = 46.0;

/// What an end of a bar needs for its sum.
const SUM: f64 = 66.0;

/// The least share of the longest bar that can be seen: half a point.
const SEEN: f64 = 0.002;

/// A bar this high has room for two lines.
const TWO_LINES: f64 = 38.0;

/// A tail that is at most this much longer than the mean shares its scale.
const FAR: f64 = 2.6;

/// One column of bars.
struct Panel {
    area: Area,
    scale: Scale,
    head: Vec<String>,
    tail: bool,
}

/// Where everything stands.
struct Plan {
    /// Each row: its name in lines, its group where that begins, the top and the bottom of its bar.
    rows: Vec<(Vec<String>, String, f64, f64)>,
    /// Where names begin, behind the names of groups, and where bars begin.
    names: f64,
    left: f64,
    bottom: f64,
}

impl Plan {
    fn of(shown: &[Entry]) -> Self {
        let height = row_height(shown.len());
        let (mut rows, mut top) = (Vec::new(), TOP);
        for (i, entry) in shown.iter().enumerate() {
            let first = i == 0 || shown[i - 1].group != entry.group;
            top += if first && i > 0 { PAUSE } else { 0.0 };
            let group = if first { cut(&entry.group, LABEL) } else { String::new() };
            rows.push((lines(&entry.name, height), group, top + height * 0.16, top + height * 0.84));
            top += height;
        }
        let widest = |words: Vec<&String>| words.into_iter().map(|w| room(w, size::LABEL)).fold(0.0, f64::max);
        let groups = widest(rows.iter().map(|row| &row.1).collect());
        let names = 32.0 + if groups > 0.0 { groups + 14.0 } else { 0.0 };
        let left = names + widest(rows.iter().flat_map(|row| &row.0).collect()).max(40.0) + 14.0;
        Self { rows, names, left, bottom: top }
    }
}

/// Draws the bars.
pub fn ledger(title: &Title, entries: &[Entry]) -> String {
    let (shown, hidden) = entries.split_at(entries.len().min(ROWS));
    let means: Vec<&Parts> = shown.iter().map(|e| &e.ledger.total.mean_ms).collect();
    let tails: Vec<&Parts> = shown.iter().map(|e| &e.ledger.total.p99_ms).collect();
    let mut seen = [visible(&means, SEEN), visible(&tails, SEEN)].concat();
    seen.sort_unstable();
    seen.dedup();
    let key = Key::of(&seen, &[], 32.0, WIDTH - 32.0);
    let plan = Plan::of(shown);
    picture(title, plan.bottom + FOOT + key.height + 24.0, |canvas| {
        for panel in panels(shown, plan.left, plan.bottom) {
            panel.frame(canvas);
            for (entry, (_, _, top, bottom)) in shown.iter().zip(&plan.rows) {
                let total = &entry.ledger.total;
                let whose = [entry.group.as_str(), &entry.name].join(" ");
                let parts = if panel.tail { &total.p99_ms } else { &total.mean_ms };
                panel.bar(canvas, whose.trim(), parts, (*top, *bottom));
            }
        }
        names(canvas, &plan);
        key.draw(canvas, plan.bottom + FOOT);
        if !hidden.is_empty() {
            let note = format!("{} more not drawn", hidden.len());
            canvas.text(&note, (WIDTH - 32.0, 65.0), Type::of(size::SMALL).faint().ending());
        }
    })
}

/// What the bars are called; a name below a group steps back.
fn names(canvas: &Canvas, plan: &Plan) {
    let (bold, grouped) = (Type::of(size::LABEL).bold(), plan.names > 32.0);
    for (lines, group, top, bottom) in &plan.rows {
        let middle = f64::midpoint(*top, *bottom);
        canvas.text(group, (32.0, middle), bold);
        let first = middle - (lines.len() as f64 - 1.0) * LINE / 2.0;
        for (at, line) in lines.iter().enumerate() {
            let set = if grouped { Type::of(size::LABEL) } else { bold };
            canvas.text(line, (plan.names, first + at as f64 * LINE), set);
        }
    }
}

/// A name in one line, or in two where its row has room for them.
fn lines(name: &str, height: f64) -> Vec<String> {
    let mut lines = wrapped(name, LABEL);
    if lines.len() > 1 && height < 2.0 * LINE {
        return vec![cut(name, LABEL)];
    }
    if lines.len() > 2 {
        let rest = lines.split_off(1).join(" ");
        lines.push(cut(&rest, LABEL));
    }
    lines
}

/// Few bars are thick, many are thin.
fn row_height(rows: usize) -> f64 {
    (330.0 / rows.max(1) as f64).clamp(34.0, 84.0)
}

/// The two columns: on one scale, and as wide as that asks for, unless the tail is so long that nothing would be seen of
/// the mean.
fn panels(entries: &[Entry], left: f64, bottom: f64) -> Vec<Panel> {
    let most = |of: fn(&Columns) -> f64| reach(entries.iter().map(|e| of(&e.ledger.total)));
    let (mean, tail) = (most(|total| total.mean_ms.sum()), most(|total| total.p99_ms.sum()));
    let right = WIDTH - 32.0;
    let panel = |head: &str, left: f64, right: f64, most: f64| {
        let area = Area { left, top: TOP, right: right - SUM, bottom };
        // As many letters as fit; a heading too long for its panel has a second line.
        let letters = (head.chars().count() as f64 * (right - left) / room(head, size::LABEL)) as usize;
        // Rather after the comma than within a figure.
        let fits = head.chars().count() <= letters;
        let lines = if fits {
            vec![head.to_owned()]
        } else {
            head.split(", ").flat_map(|part| wrapped(part, letters)).collect()
        };
        Panel { area, scale: Scale::exact(0.0, most, area.left, area.right), head: lines, tail: head.contains("p99") }
    };
    let first = format!("the mean {}", which(entries));
    if tail <= 0.0 {
        return vec![panel(&first, left, right, mean)];
    }
    let wide = right - left - APART - 2.0 * SUM;
    let shared = tail / mean <= FAR;
    let share = if shared { mean / (mean + tail) } else { 0.45 };
    let middle = left + wide * share + SUM;
    let among = if first.contains("successful") { " of these" } else { "" };
    let scale = if shared { "" } else { ", on a scale of their own" };
    let head = format!("requests around p99{among}{scale}");
    vec![panel(&first, left, middle, mean), panel(&head, middle + APART, right, tail)]
}

impl Panel {
    fn frame(&self, canvas: &Canvas) {
        for (at, line) in self.head.iter().rev().enumerate() {
            canvas.text(line, (self.area.left, TOP - 20.0 - at as f64 * LINE), Type::of(size::LABEL).faint());
        }
        canvas.abscissa(self.area, &self.scale, true, time_of_tick);
        canvas.line(&[(self.area.left, TOP - 6.0), (self.area.left, self.area.bottom)], hair(FAINT));
    }

    fn bar(&self, canvas: &Canvas, whose: &str, parts: &Parts, (top, bottom): (f64, f64)) {
        let (mut sum, all) = (0.0, parts.sum());
        for cause in Cause::ALL.into_iter().filter(|cause| parts.of(*cause) > 0.0) {
            let left = self.scale.at(sum);
            sum += parts.of(cause);
            let area = Area { left, top, right: self.scale.at(sum), bottom };
            if left >= self.area.right {
                break;
            }
            canvas.filled(area, fill(cause));
            let label = label(cause, parts.of(cause), area.right - area.left - 8.0, bottom - top);
            canvas.upon(&label, area, fill(cause), size::SMALL);
            let told = format!("{} ({} of {})", time(parts.of(cause)), percent(parts.of(cause) / all), time(all));
            let right = area.right.max(area.left + 1.0);
            canvas.says(Area { right, ..area }, &format!("{whose}: {} {told}", name(cause)));
        }
        if self.scale.is_beyond(all) {
            canvas.broken(self.area.right, (top, bottom), PAPER);
        }
        let total = if sum > 0.0 { time(sum) } else { String::new() };
        canvas.beside(&total, (self.scale.at(sum), f64::midpoint(top, bottom)), Type::of(size::LABEL).bold());
    }
}

/// As much as fits of name and time, in one line or two.
fn label(cause: Cause, ms: f64, wide: f64, tall: f64) -> Vec<String> {
    let (name, time) = (name(cause), time(ms));
    let one = format!("{name} {time}");
    let fits = |line: &String| room(line, size::SMALL) <= wide;
    let two = vec![name.clone(), time];
    match () {
        () if fits(&one) => vec![one],
        () if tall >= TWO_LINES && two.iter().all(fits) => two,
        () if fits(&name) => vec![name],
        () => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::ledger::entries;
    use crate::report::sample;

    fn title() -> Title {
        Title { title: "chain: where the time went".into(), subtitle: "seed 1".into() }
    }

    #[test]
    fn bars_name_their_clients_sums_and_largest_parts() {
        let svg = ledger(&title(), &entries(&[sample::summary()]));
        for word in ["function calls", "network calls", "9.72 ms", "17.9 ms", "work 8.00 ms", "around p99", "encode"] {
            assert!(svg.contains(word), "{word}");
        }
        assert!(!svg.contains("database") && !svg.contains("not drawn"));
        let of_share = |share| {
            let mut summary = sample::summary();
            summary.clients.values_mut().for_each(|stats| stats.success_rate.value = Some(share));
            ledger(&title(), &entries(&[summary]))
        };
        assert!(of_share(1.0).contains("the mean request"));
        assert!(of_share(0.22).contains("the mean successful") && of_share(0.22).contains("22.0 %"));
    }

    #[test]
    fn labels_fit_or_are_left_out() {
        let lines = |wide, tall| label(Cause::Queue, 5.0, wide, tall).join("|");
        assert_eq!(lines(200.0, 50.0), "queue 5.00 ms");
        assert_eq!(lines(70.0, 50.0), "queue|5.00 ms");
        assert_eq!(lines(70.0, 20.0), "queue");
        assert_eq!(lines(20.0, 50.0), "");
    }

    #[test]
    fn a_long_tail_gets_a_scale_of_its_own() {
        let far = ledger(&title(), &entries(&[sample::every_cause()]));
        assert!(far.contains("on a scale of their own"));
        let near = ledger(&title(), &entries(&sample::tax()[..1]));
        assert!(near.contains("around p99") && !near.contains("on a scale of their own"));
    }

    #[test]
    fn more_than_fit_are_counted() {
        let many: Vec<_> = (0..4).flat_map(|_| sample::tax()).collect();
        assert!(ledger(&title(), &entries(&many)).contains("6 more not drawn"));
    }
}

//! One request as a waterfall: a bar per span, its own time in the looks of its causes.

use super::Title;
use super::axis::{Scale, time_of_tick};
use super::frame::{Area, Canvas, Type, WIDTH, picture, room, size};
use super::key::Key;
use super::palette::{FAILED, FAINT, PAPER, Pen, fill, hair};
use crate::experiment::trace::{Span, Trace};
use crate::model::Cause;
use crate::report::cause::name;
use crate::report::number::time;
use crate::report::text::{clean, cut};
use crate::report::waterfall::{Row, causes, end, facts, ms, remark, rows, title};

/// Spans drawn at most.
const ROWS: usize = 36;

/// Longest name of a span, letters; how far a child is set in, and the deepest at most.
const LABEL: usize = 26;
const INDENT: f64 = 14.0;
const DEEPEST: f64 = 112.0;

/// Where the bars begin; below them axis and key.
const TOP: f64 = 96.0;
const FOOT: f64 = 46.0;

/// Height of a row, and of the bar in it.
const ROW: f64 = 26.0;
const BAR: f64 = 16.0;

/// Room for a duration behind its bar.
const TOOK: f64 = 70.0;

/// Draws the trace.
pub fn waterfall(trace: &Trace) -> String {
    let (rows, left_out) = rows(trace, ROWS);
    let heading = Title { title: title(trace), subtitle: facts(trace).join(" · ") };
    let bottom = TOP + ROW * rows.len() as f64;
    let key = Key::of(&causes(trace), &[], 32.0, WIDTH - 32.0);
    picture(&heading, bottom + FOOT + key.height + 48.0, |canvas| {
        let wide = |row: &Row| 32.0 + indent(row, &rows) + room(&called(trace, row), size::SMALL);
        let left = rows.iter().map(wide).fold(120.0, f64::max) + 14.0;
        let behind = rows.iter().map(|row| room(&took(&trace.spans[row.span]), size::SMALL) * 1.1 + 12.0);
        let area = Area { left, top: TOP, right: WIDTH - 32.0 - behind.fold(TOOK, f64::max), bottom };
        let scale = Scale::exact(0.0, ms(end(trace)), area.left, area.right);
        canvas.abscissa(area, &scale, true, time_of_tick);
        answer(canvas, trace, area, &scale);
        for (i, row) in rows.iter().enumerate() {
            let top = TOP + ROW * i as f64 + (ROW - BAR) / 2.0;
            let name = (32.0 + indent(row, &rows), top + BAR / 2.0);
            canvas.text(&called(trace, row), name, Type::of(size::SMALL));
            span(canvas, &trace.spans[row.span], &scale, (top, top + BAR));
            let whole = Area { left: 32.0, right: WIDTH - 32.0, top, bottom: top + BAR };
            canvas.says(whole, &told(&trace.spans[row.span]));
        }
        key.draw(canvas, bottom + FOOT);
        canvas.text(&notes(trace, left_out), (32.0, bottom + FOOT + key.height + 16.0), Type::of(size::SMALL).faint());
    })
}

/// A span in words: when it began, how long it was, and on what its own time went.
fn told(span: &Span) -> String {
    let mut own: Vec<(Cause, u64)> = Vec::new();
    for s in &span.segments {
        match own.iter_mut().find(|(cause, _)| *cause == s.cause) {
            Some((_, ns)) => *ns += s.to - s.from,
            None => own.push((s.cause, s.to - s.from)),
        }
    }
    let own = own.into_iter().filter(|(_, ns)| *ns > 0).map(|(cause, ns)| format!("{} {}", name(cause), time(ms(ns))));
    let own: Vec<String> = own.collect();
    let own = if own.is_empty() { String::new() } else { format!("; its own: {}", own.join(", ")) };
    format!("{}: begins at {}, takes {}{own}", clean(&span.name), time(ms(span.from)), time(ms(span.to - span.from)))
}

/// What the key leaves unsaid.
fn notes(trace: &Trace, left_out: usize) -> String {
    let late = trace.spans.iter().any(|span| span.abandoned.is_some());
    let mut notes = vec!["thin line: a callee has it".to_owned()];
    notes.extend(late.then(|| "pale: nobody waits for it any more".to_owned()));
    notes.extend((left_out > 0).then(|| format!("{left_out} shorter spans not drawn")));
    notes.join(" · ")
}

/// How far a name is set in, so that even a deep tree leaves room for its bars.
fn indent(row: &Row, rows: &[Row]) -> f64 {
    let deepest = rows.iter().map(|row| row.depth).max().unwrap_or(0).max(1);
    INDENT.min(DEEPEST / deepest as f64) * row.depth as f64
}

fn called(trace: &Trace, row: &Row) -> String {
    cut(&clean(&trace.spans[row.span].name), LABEL)
}

/// Marks when the client had its answer, where work went on after that.
fn answer(canvas: &Canvas, trace: &Trace, area: Area, scale: &Scale) {
    if end(trace) > trace.latency {
        let x = scale.at(ms(trace.latency));
        canvas.line(&[(x, area.top), (x, area.bottom)], Pen { dash: &[4.0, 3.0], ..hair(FAINT) });
    }
}

fn span(canvas: &Canvas, span: &Span, scale: &Scale, (top, bottom): (f64, f64)) {
    let middle = f64::midpoint(top, bottom);
    let place = |ns: u64| scale.at(ms(ns));
    // However short it is, it is seen.
    let right = place(span.to).max(place(span.from) + 1.5);
    for (from, to) in gaps(span) {
        canvas.rectangle(
            Area { left: place(from), right: place(to), top: middle - 1.5, bottom: middle + 1.5 },
            FAINT,
            0.5,
        );
    }
    for s in span.segments.iter().filter(|s| s.to > s.from) {
        canvas.filled(
            Area { left: place(s.from), right: place(s.to).max(place(s.from) + 1.0), top, bottom },
            fill(s.cause),
        );
    }
    if let Some(since) = span.abandoned.filter(|since| *since < span.to) {
        canvas.rectangle(Area { left: place(since), right: right + 1.0, top, bottom }, PAPER, 0.72);
        canvas.line(&[(place(since), top - 3.0), (place(since), bottom + 3.0)], Pen { width: 2.0, ..hair(FAILED) });
    }
    let set = Type::of(size::SMALL);
    let plain = remark(span.outcome, span.abandoned, span.open).is_none();
    canvas.beside(&took(span), (right, middle), if plain { set.faint() } else { set.bold() });
}

/// How long a span took, and how it ended where that was not well.
fn took(span: &Span) -> String {
    let took = time(ms(span.to - span.from));
    let remark = remark(span.outcome, span.abandoned, span.open);
    remark.map_or_else(|| took.clone(), |remark| format!("{took} {remark}"))
}

/// The stretches that are not a span's own: callees have it.
fn gaps(span: &Span) -> Vec<(u64, u64)> {
    let mut gaps = Vec::new();
    let mut until = span.from;
    for s in &span.segments {
        if s.from > until {
            gaps.push((until, s.from));
        }
        until = until.max(s.to);
    }
    if span.to > until {
        gaps.push((until, span.to));
    }
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample_trace;

    #[test]
    fn spans_are_named_and_failures_told() {
        let svg = waterfall(&sample_trace::trace());
        for word in
            ["request 4712 of shoppers", "orders.create", "25.8 ms timeout", "database", "answered after 46.0 ms"]
        {
            assert!(svg.contains(word), "{word}");
        }
        assert!(!svg.contains("not drawn"));
    }

    #[test]
    fn what_is_not_own_time_is_a_gap() {
        let trace = sample_trace::trace();
        assert_eq!(gaps(&trace.spans[1]), [(7_200_000, 41_000_000)]);
        assert_eq!(gaps(&trace.spans[0]), [(0, 46_000_000)]);
        assert!(gaps(&trace.spans[7]).is_empty());
    }

    #[test]
    fn a_long_trace_is_cut() {
        assert!(waterfall(&sample_trace::long(150)).contains("115 shorter spans not drawn"));
    }
}

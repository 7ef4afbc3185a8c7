//! One request as a waterfall: a line per span below its parent, its bar where it was in time and what that was spent on.

use std::cmp::Reverse;

use super::cause::{mark, paint};
use super::ledger::legend_lines;
use super::number::{count, seconds, time};
use super::sheet::Tone;
use super::text::{clean, cut, joined, width, wrapped};
use super::why::why;
use crate::experiment::trace::{Kind, Span, Trace};
use crate::model::{Cause, Outcome};

/// Spans that are listed, unless all are asked for.
const MANY: usize = 40;

/// Columns of a span's name, of a time, of what is between columns.
const NAME: usize = 26;
const TIME: usize = 7;
const GAP: usize = 2;

/// A tree deeper than this is set in by one column a level instead of two.
const DEEP: usize = 6;

/// In a bar: a callee works; nobody waits for this any more.
const CALLEE: char = '·';
const LATE: char = '×';

/// A span that is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Which one.
    pub span: usize,
    /// How many spans it stands below.
    pub depth: usize,
}

/// The spans in the order of a tree, parents above their children, children by their beginning; at most `most`, the
/// longest and their parents. Says how many were left out.
pub fn rows(trace: &Trace, most: usize) -> (Vec<Row>, usize) {
    let spans = &trace.spans;
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); spans.len()];
    let mut waiting: Vec<Row> = Vec::new();
    for (at, span) in spans.iter().enumerate() {
        match span.parent.filter(|parent| *parent < at) {
            Some(parent) => children[parent].push(at),
            None => waiting.push(Row { span: at, depth: 0 }),
        }
    }
    let mere = |at: usize| is_mere_frame(&spans[at], children[at].as_slice());
    let shown: Vec<usize> = (0..spans.len()).filter(|at| !mere(*at)).collect();
    let kept = longest(spans, &shown, most);
    waiting.reverse();
    let mut rows = Vec::new();
    while let Some(row) = waiting.pop() {
        let depth = row.depth + usize::from(!mere(row.span));
        let mut below = children[row.span].clone();
        below.sort_by_key(|at| Reverse((spans[*at].from, *at)));
        waiting.extend(below.into_iter().map(|span| Row { span, depth }));
        rows.extend(kept[row.span].then_some(row));
    }
    let left = shown.len() - rows.len();
    (rows, left)
}

/// Whether a span is a branch that is nothing but the one call in it: a line for each would say everything twice.
fn is_mere_frame(span: &Span, children: &[usize]) -> bool {
    span.kind == Kind::Branch && children.len() == 1 && span.segments.iter().all(|s| s.to == s.from)
}

/// Marks the `most` of the `shown` spans that took longest; with each its parents, so that none hangs in the air.
fn longest(spans: &[Span], shown: &[usize], most: usize) -> Vec<bool> {
    let mut listed = vec![false; spans.len()];
    for at in shown {
        listed[*at] = true;
    }
    if shown.len() <= most {
        return listed;
    }
    let mut kept = vec![false; spans.len()];
    let mut order = shown.to_vec();
    order.sort_by_key(|at| (Reverse(spans[*at].to - spans[*at].from), *at));
    let mut room = most;
    for at in order {
        let mut line = Vec::new();
        let mut next = Some(at);
        while let Some(at) = next.filter(|at| !kept[*at]) {
            line.extend(listed[at].then_some(at));
            next = spans[at].parent.filter(|parent| *parent < at);
        }
        if line.len() <= room {
            room -= line.len();
            for at in line {
                kept[at] = true;
            }
        }
    }
    kept
}

/// What a trace is about, for a title.
pub fn title(trace: &Trace) -> String {
    let variant = trace.variant.as_ref().map_or_else(String::new, |name| format!(", variant {}", clean(name)));
    let among = trace.among.as_ref().map_or_else(String::new, |among| format!(" ({among})"));
    format!("{}{variant}: request {} of {}{among}", clean(&trace.scenario), trace.nth, clean(&trace.client))
}

/// How it went and how it came about, in parts.
pub fn facts(trace: &Trace) -> Vec<String> {
    let open = trace.spans.first().is_some_and(|root| root.open);
    let ended = match trace.outcome.is_good() {
        _ if open => "no answer".into(),
        true => "answered".into(),
        false => format!("failed ({})", trace.outcome.word()),
    };
    let hash: String = trace.hash.chars().take(12).collect();
    vec![
        format!("{ended} after {}", time(ms(trace.latency))),
        format!("set out at {}", seconds(trace.began as f64 / 1e9)),
        of_seed(trace.seed, trace.replication),
        hash,
        format!("hoptax {}", env!("CARGO_PKG_VERSION")),
        "simulated, not measured".into(),
    ]
}

/// The seed, and which of its runs where it is not the first.
pub(super) fn of_seed(seed: u64, replication: u32) -> String {
    if replication == 1 { format!("seed {seed}") } else { format!("seed {seed}, replication {replication}") }
}

/// What is special about a span: that it failed, or that nobody waited for its end.
pub fn remark(outcome: Outcome, abandoned: Option<u64>, open: bool) -> Option<&'static str> {
    match (outcome.is_good(), abandoned.is_some()) {
        _ if open => Some("no end"),
        (true, false) => None,
        (true, true) => Some("late"),
        (false, _) => Some(outcome.word()),
    }
}

/// The end of the picture: the answer, or the end of work that nobody waited for.
pub fn end(trace: &Trace) -> u64 {
    trace.spans.iter().map(|span| span.to).fold(trace.latency, u64::max).max(1)
}

/// Causes that occur.
pub fn causes(trace: &Trace) -> Vec<Cause> {
    let segments = || trace.spans.iter().flat_map(|span| &span.segments).filter(|s| s.to > s.from);
    Cause::ALL.into_iter().filter(|cause| segments().any(|s| s.cause == *cause)).collect()
}

/// Nanoseconds as milliseconds.
pub fn ms(ns: u64) -> f64 {
    ns as f64 / 1e6
}

/// The waterfall for a terminal of `room` columns.
pub fn render(trace: &Trace, room: usize, all: bool, color: bool) -> String {
    let (rows, left) = rows(trace, if all { usize::MAX } else { MANY });
    let deepest = rows.iter().map(|row| row.depth).max().unwrap_or(0);
    let step = if deepest > DEEP { 1 } else { 2 };
    let called = |row: &Row| name(&trace.spans[row.span], row.depth, step);
    let names = rows.iter().map(|row| width(&called(row))).fold(4, usize::max).min(NAME.max(room / 3));
    let wide = room - names - 2 * (TIME + GAP) - GAP;
    let mut lines = vec![Tone::Strong.paint(&cut(&title(trace), room), color)];
    lines.extend(joined(&facts(trace), room).into_iter().map(|line| Tone::Faint.paint(&line, color)));
    lines.extend(why(trace).into_iter().flat_map(|why| wrapped(&why, room)).map(|line| Tone::Bad.paint(&line, color)));
    lines.push(String::new());
    let last = time(ms(end(trace)));
    let head = format!("{:<names$}  {:>TIME$}  {:>TIME$}  0{last:>rest$}", "span", "start", "took", rest = wide - 1);
    lines.push(Tone::Faint.paint(&head, color));
    lines.push(Tone::Faint.paint(&"─".repeat(room), color));
    for row in &rows {
        let span = &trace.spans[row.span];
        let name = cut(&called(row), names);
        let pad = " ".repeat(names - width(&name));
        let tone = if remark(span.outcome, span.abandoned, span.open).is_some() { Tone::Bad } else { Tone::Plain };
        let (from, took) = (time(ms(span.from)), time(ms(span.to - span.from)));
        let bar = bar(trace, row.span, wide, color);
        lines.push(
            format!("{}{pad}  {from:>TIME$}  {took:>TIME$}  {bar}", tone.paint(&name, color)).trim_end().to_owned(),
        );
    }
    lines
        .extend((left > 0).then(|| {
            Tone::Faint.paint(&format!("{} shorter spans not shown; all with -v", count(left as u64)), color)
        }));
    lines.push(String::new());
    lines.extend(legend(trace, room, color));
    lines.join("\n") + "\n"
}

/// A name below its parents, with its remark before it: a name may be cut, a remark must not.
fn name(span: &Span, depth: usize, step: usize) -> String {
    let indent =
        if depth == 0 { String::new() } else { format!("{}└ ", " ".repeat(step * (depth - 1).min(12 / step))) };
    let mark = if span.outcome.is_good() && !span.open { "" } else { "✗ " };
    let remark =
        remark(span.outcome, span.abandoned, span.open).map_or_else(String::new, |remark| format!("{mark}{remark}: "));
    format!("{indent}{remark}{}", clean(&span.name))
}

fn legend(trace: &Trace, room: usize, color: bool) -> Vec<String> {
    let mut lines = legend_lines(&causes(trace), room, color);
    let calls = trace.spans.iter().any(|span| matches!(span.kind, Kind::Call | Kind::Branch));
    let late = trace.spans.iter().any(|span| span.abandoned.is_some());
    let mut marks: Vec<String> = Vec::new();
    marks.extend(calls.then(|| format!("{CALLEE} a callee has it")));
    marks.extend(late.then(|| format!("{LATE} nobody waits for it any more")));
    lines.push(marks.join("   "));
    lines
}

/// What fills most of a column.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fill {
    Nothing,
    Own(Cause),
    Callee,
    Late,
}

/// The bar of a span on a scale of `wide` columns for the whole trace.
fn bar(trace: &Trace, at: usize, wide: usize, color: bool) -> String {
    let (span, end) = (&trace.spans[at], end(trace));
    let edge = |column: usize| (u128::from(end) * column as u128 / wide as u128) as u64;
    let column = |at: u64| (u128::from(at) * wide as u128 / u128::from(end)) as usize;
    // However short it is, it is seen.
    let (first, last) = (column(span.from).min(wide - 1), column(span.to.saturating_sub(1)).min(wide - 1));
    let mut text = " ".repeat(first);
    for at in first..=last.max(first) {
        let (from, to) = (edge(at).max(span.from), edge(at + 1).min(span.to));
        match most(span, from, to) {
            Fill::Nothing => text.push(' '),
            Fill::Callee => text.push_str(&Tone::Faint.paint(&CALLEE.to_string(), color)),
            Fill::Late => text.push_str(&Tone::Bad.paint(&LATE.to_string(), color)),
            Fill::Own(cause) => text.push_str(&paint(cause, &mark(cause).to_string(), color)),
        }
    }
    text
}

/// What most of the time between `from` and `to` went into.
fn most(span: &Span, from: u64, to: u64) -> Fill {
    if to <= from && span.to > span.from {
        return Fill::Nothing;
    }
    let late = span.abandoned.map_or(0, |since| to.saturating_sub(since.max(from)));
    let until = to.min(span.abandoned.unwrap_or(to));
    let mut own = [0u64; Cause::ALL.len()];
    for s in &span.segments {
        own[s.cause as usize] += s.to.min(until).saturating_sub(s.from.max(from));
    }
    let spent: u64 = own.iter().sum();
    let largest = Cause::ALL.into_iter().max_by_key(|cause| (own[*cause as usize], Reverse(*cause)));
    let own = largest.map_or((Fill::Nothing, 0), |cause| (Fill::Own(cause), own[cause as usize]));
    let callee = (Fill::Callee, until.saturating_sub(from).saturating_sub(spent));
    // Where it is even, one's own time is told before that of a callee, whose line tells it too.
    [callee, (Fill::Late, late), own].into_iter().max_by_key(|(_, time)| *time).map_or(Fill::Nothing, |(fill, _)| fill)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample_trace;

    #[test]
    fn a_waterfall_fits_a_terminal_and_marks_what_went_wrong() {
        let text = render(&sample_trace::trace(), 80, false, false);
        assert!(text.lines().all(|line| width(line) <= 80), "{text}");
        assert!(
            text.starts_with("orders: request 4712 of shoppers\nanswered after 46.0 ms · set out at 12.3 s · seed 42"),
            "{text}"
        );
        let line = |start: &str| text.lines().find(|l| l.trim_start().starts_with(start)).unwrap_or("").to_owned();
        let lost = line("└ ✗ timeout: paym");
        assert!(lost.contains("7.20 ms  25.8 ms") && lost.trim_end().ends_with("××××××"), "{text}");
        assert!(line("└ orders.create").contains("█·"), "{text}");
        assert!(text.contains("· a callee has it   × nobody waits for it any more"), "{text}");
    }

    #[test]
    fn children_stand_below_their_parents_by_beginning() {
        let trace = sample_trace::trace();
        let (rows, left) = rows(&trace, 100);
        let order: Vec<(usize, usize)> = rows.iter().map(|row| (row.span, row.depth)).collect();
        assert_eq!(order, [(0, 0), (1, 1), (4, 2), (6, 3), (3, 2), (5, 3), (7, 3)]);
        assert_eq!(left, 0);
    }

    #[test]
    fn a_branch_that_is_nothing_but_a_call_is_not_listed() {
        let mut trace = sample_trace::trace();
        let shown = |trace: &Trace| rows(trace, 100).0.iter().map(|row| (row.span, row.depth)).collect::<Vec<_>>();
        assert_eq!(shown(&trace)[..5], [(0, 0), (1, 1), (4, 2), (6, 3), (3, 2)], "span 2 only frames span 4");
        trace.spans[2].segments = vec![crate::experiment::trace::Segment { cause: Cause::Wait, from: 0, to: 1 }];
        assert!(shown(&trace).contains(&(2, 2)));
    }

    #[test]
    fn a_long_trace_keeps_the_longest_spans() {
        let trace = sample_trace::long(150);
        let text = render(&trace, 80, false, false);
        assert!(text.contains("111 shorter spans not shown; all with -v"), "{text}");
        for i in (0..150).step_by(10) {
            assert!(text.contains(&format!("part-{i}.default")), "{i}\n{text}");
        }
        assert_eq!(render(&trace, 80, true, false).matches("└ part-").count(), 150);
    }

    #[test]
    fn colours_change_nothing_but_colour() {
        let trace = sample_trace::trace();
        let painted = render(&trace, 80, false, true);
        let mut bare = String::new();
        for (i, part) in painted.split("\x1b[").enumerate() {
            bare.push_str(if i == 0 { part } else { part.split_once('m').unwrap().1 });
        }
        assert_eq!(bare, render(&trace, 80, false, false));
    }
}

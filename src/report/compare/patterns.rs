//! The pattern table: every cell carries the number that its word follows from.

use crate::diag::nouns;
use crate::experiment::coupling::Toll;
use crate::experiment::patterns::{Patterns, RULES, Row};
use crate::experiment::summary::Estimate;
use crate::graph::Arrow;
use crate::report::number::{NONE, or_none, percent, seconds, time};
use crate::report::sheet::{Cell, Sheet};
use crate::report::text::clean;

/// The tables with their titles.
pub(super) fn sheets(patterns: &Patterns) -> Vec<(String, Sheet)> {
    let edge = clean(&patterns.edge);
    let outage = format!("{} down for {}", callee(&edge), seconds(patterns.outage_for_s));
    let (late, answer) = (time(patterns.late_after_ms), time(patterns.answer_late_after_ms));
    vec![
        (format!("{edge} as one pattern or another"), plain_sheet(patterns)),
        (format!("coupling: requests lost or late (by {answer}) with {outage}"), coupling(patterns)),
        (format!("reliability: effects lost or late (by {late}) with {outage}"), reliability(patterns)),
    ]
}

fn callee(edge: &str) -> &str {
    Arrow::of(edge).map_or(edge, |arrow| arrow.to)
}

fn plain_sheet(patterns: &Patterns) -> Sheet {
    let columns = [("pattern", 9), ("to the caller", 8), ("to the effect", 8), ("complexity", 7)];
    filled(&columns, patterns, |row| {
        let latency = |e: Estimate, word: &str| Cell::from(format!("{word}: {}", or_none(e, time)));
        vec![
            latency(row.caller_ms, row.words.latency),
            latency(row.effect_ms, row.words.effect),
            {
                let parts = row.parts.len() as u64;
                format!("{}: {parts} {}", row.words.complexity, nouns(parts, "part"))
            }
            .into(),
        ]
    })
}

fn coupling(patterns: &Patterns) -> Sheet {
    let columns = [
        ("pattern", 9),
        ("coupling", 9),
        ("refusing", 8),
        ("hanging", 7),
        ("broker down", 8),
        ("edits: move", 5),
        ("add", 6),
    ];
    filled(&columns, patterns, |row| {
        let broker = broker(row, lost_or_late);
        let figures = [row.callee_down, row.callee_hangs].map(|toll| Cell::from(lost_or_late(&toll)));
        let [first, second] = figures;
        let edits = row.spatial.map(|n| Cell::from(n.to_string()));
        let [to_move, to_add] = edits;
        vec![row.words.coupling.clone().into(), first, second, broker.into(), to_move, to_add]
    })
}

fn reliability(patterns: &Patterns) -> Sheet {
    let columns = [
        ("pattern", 9),
        ("reliability", 9),
        ("lost, refusing", 8),
        ("late", 7),
        ("lost, hanging", 6),
        ("lost, broker down", 5),
    ];
    filled(&columns, patterns, |row| {
        let share = |e: Estimate| Cell::figure(e, percent);
        let broker = broker(row, |toll| or_none(toll.effects_lost, percent));
        vec![
            row.words.reliability.clone().into(),
            share(row.callee_down.effects_lost),
            share(row.callee_down.effects_late),
            share(row.callee_hangs.effects_lost),
            broker.into(),
        ]
    })
}

/// How many fail, and how many wait it out where there are such.
fn lost_or_late(toll: &Toll) -> String {
    let lost = or_none(toll.lost, percent);
    match toll.late.value {
        Some(late) if late >= 0.005 => format!("{lost}, late {}", percent(late)),
        _ => lost,
    }
}

/// What is told with the broker down; a missing fact is not a zero.
fn broker(row: &Row, of: fn(&Toll) -> String) -> String {
    match &row.broker_down {
        Some(toll) => of(toll),
        None if row.has_broker => "not assessed".into(),
        None => NONE.into(),
    }
}

fn filled(columns: &[(&'static str, u8)], patterns: &Patterns, cells: impl Fn(&Row) -> Vec<Cell>) -> Sheet {
    let mut sheet = Sheet::new(columns);
    patterns.rows.iter().for_each(|row| sheet.push(&row.pattern, cells(row)));
    sheet
}

/// What the words mean, and which parts were counted.
pub(super) fn lines(patterns: &Patterns) -> Vec<String> {
    let parts = |row: &Row| format!("{}: {}", clean(&row.pattern), clean(&row.parts.join(", ")));
    let counted: Vec<String> = patterns.rows.iter().map(parts).collect();
    let outage = format!(
        "outages are injected {} into the measured time, one per run; each request that arrives in one is paired with \
         itself in the run without",
        seconds(patterns.outage_at_s)
    );
    let mut lines: Vec<String> = RULES.iter().map(|rule| (*rule).to_owned()).collect();
    lines.push(format!("parts: {}", counted.join("; ")));
    lines.push(outage);
    lines
}

/// The numbers of a row with their names and units.
pub(super) fn figures(row: &Row) -> Vec<(&'static str, &'static str, Estimate)> {
    let count = |n: usize| Estimate::point(n as f64);
    let broker = row.broker_down.unwrap_or_default();
    vec![
        ("caller_ms", "ms", row.caller_ms),
        ("effect_ms", "ms", row.effect_ms),
        ("callee_down.lost", "share", row.callee_down.lost),
        ("callee_down.late", "share", row.callee_down.late),
        ("callee_down.effects_lost", "share", row.callee_down.effects_lost),
        ("callee_down.effects_late", "share", row.callee_down.effects_late),
        ("callee_hangs.lost", "share", row.callee_hangs.lost),
        ("callee_hangs.late", "share", row.callee_hangs.late),
        ("callee_hangs.effects_lost", "share", row.callee_hangs.effects_lost),
        ("broker_down.lost", "share", broker.lost),
        ("broker_down.late", "share", broker.late),
        ("broker_down.effects_lost", "share", broker.effects_lost),
        ("edits_to_move", "1", count(row.spatial[0] as usize)),
        ("edits_to_add", "1", count(row.spatial[1] as usize)),
        ("parts", "1", count(row.parts.len())),
    ]
}

/// The one line that sums it up.
pub(super) fn summed(patterns: &Patterns) -> Option<String> {
    // The quickest, and whatever cannot be told from it in the figures shown.
    let first = |of: fn(&Row) -> Estimate| {
        let ms = patterns.rows.iter().filter_map(|row| of(row).value).reduce(f64::min)?;
        let quick = patterns.rows.iter().filter(|row| or_none(of(row), time) == time(ms));
        let names: Vec<&str> = quick.map(|row| row.pattern.as_str()).collect();
        Some(format!("{} ({})", clean(&names.join(", ")), time(ms)))
    };
    let caller = first(|row| row.caller_ms)?;
    let effect = first(|row| row.effect_ms)?;
    let spared: Vec<&str> = patterns
        .rows
        .iter()
        .filter(|row| row.words.reliability.starts_with("survives"))
        .map(|row| row.pattern.as_str())
        .collect();
    let spared = if spared.is_empty() { "none".to_owned() } else { clean(&spared.join(", ")) };
    Some(format!(
        "the caller is answered first over {caller}, the effect is there first over {effect}; outages of the callee are \
         survived by: {spared}"
    ))
}

//! What would change if one thing were a little otherwise: the best in a sentence, one table.

use crate::experiment::compare::{Difference, Figures, Verdict};
use crate::experiment::study::Head;
use crate::experiment::whatif::{Change, Of, WhatIf, is_gain};
use crate::report::compare::{apart_ms, apart_share};
use crate::report::number::{NONE, or_none, percent, time};
#[cfg(feature = "charts")]
use crate::report::number::{plain, seconds};
use crate::report::page::{Figure, Page, how, of_what};
use crate::report::sheet::{Cell, Sheet, Tone};
use crate::report::text::{agree, clean};

/// Rows of a table for a screen.
const ROWS: usize = 24;

/// The page; `every`: all rows.
pub fn page(whatif: &WhatIf, every: bool) -> Page {
    let mut page = Page {
        answer: answer(whatif),
        heading: heading(whatif),
        warnings: warnings(whatif),
        tables: vec![(format!("{}: one thing turned by a notch", clean(&whatif.client)), sheet(whatif, every))],
        notes: notes(whatif),
        figures: Vec::new(),
    };
    for change in &whatif.changes {
        for (metric, difference) in change.figures.all() {
            let unit = if metric.ends_with("_ms") { "ms" } else { "1" };
            let name = format!("{} {}", change.what, change.by);
            let value = difference.difference;
            page.figures.push(Figure { section: "changes", name, metric: metric.into(), unit, value, count: None });
        }
    }
    page
}

/// A change in words: `payments −10 %`.
pub fn told(change: &Change) -> String {
    clean(&format!("{} {}", change.what, change.by))
}

/// A difference in the unit of its figure.
pub fn apart(of: Of, difference: &Difference) -> String {
    if difference.never != [false; 2] {
        return "never".into();
    }
    match of {
        Of::SuccessRate => apart_share(difference.difference),
        Of::P99 | Of::P50 | Of::Mean => apart_ms(difference.difference),
    }
}

/// Where to spend the next week.
pub fn answer(whatif: &WhatIf) -> String {
    let of = whatif.of;
    let client = clean(&whatif.client);
    let gains: Vec<&Change> = whatif.changes.iter().filter(|change| is_gain(change, of)).collect();
    let figure = |change: &Change| {
        let difference = of.of(&change.figures);
        let relative = difference.relative.map(|share| format!(" ({})", signed(share))).unwrap_or_default();
        format!(
            "{}: {} {}{}",
            told(change),
            of.word(),
            apart(of, difference),
            if of.rises() { String::new() } else { relative }
        )
    };
    let so_far = if whatif.missing.is_empty() { "" } else { " of what was run until it was interrupted" };
    let Some(best) = gains.first() else {
        let anything = if so_far.is_empty() { " on anything" } else { so_far };
        return format!("no notch{anything} makes {} of {client} better by more than chance", of.word());
    };
    let then: Vec<String> = gains.iter().skip(1).take(2).map(|change| figure(change)).collect();
    let then = if then.is_empty() {
        format!("; nothing else{so_far} helps beyond chance")
    } else {
        format!("; then {}{so_far}", then.join(", "))
    };
    format!("{client} {} most by {}{then}", agree(&client, "gains", "gain"), figure(best))
}

fn signed(share: f64) -> String {
    format!("{}{}", if share < 0.0 { "−" } else { "+" }, percent(share.abs()))
}

fn heading(whatif: &WhatIf) -> Vec<String> {
    let Head { scenario, tool, note, .. } = &whatif.head;
    let mut all = of_what(scenario, tool, note);
    all.extend(how(&whatif.head));
    all.push("common random numbers, replication by replication".into());
    all
}

fn warnings(whatif: &WhatIf) -> Vec<String> {
    let mut all = Vec::new();
    if !whatif.missing.is_empty() {
        let n = whatif.missing.len();
        all.push(format!("interrupted: {n} not run, such as {}", clean(&whatif.missing[0])));
    }
    if whatif.head.replications < 2 {
        all.push("one replication has no intervals: run at least two".into());
    }
    all
}

fn sheet(whatif: &WhatIf, every: bool) -> Sheet {
    let mut sheet = Sheet::new(&[("turned", 9), ("p99", 8), ("p50", 5), ("mean", 7), ("success", 6), ("", 4)]);
    let (moved, still): (Vec<&Change>, Vec<&Change>) = whatif.changes.iter().partition(|change| every || moves(change));
    for change in moved {
        let Figures { mean_ms, p50_ms, p99_ms, success_rate, .. } = &change.figures;
        let word = match (change.by_structure, change.stands, is_gain(change, whatif.of)) {
            (true, ..) => Cell::toned("apart", Tone::Faint),
            (_, true, true) => Cell::toned("better", Tone::Good),
            (_, true, false) => Cell::toned("worse", Tone::Bad),
            _ => Cell::toned("", Tone::Faint),
        };
        let row = vec![
            cell(Of::P99, p99_ms),
            cell(Of::P50, p50_ms),
            cell(Of::Mean, mean_ms),
            cell(Of::SuccessRate, success_rate),
            word,
        ];
        sheet.push(&told(change), row);
    }
    let left = sheet.rows.len().saturating_sub(if every { usize::MAX } else { ROWS });
    sheet.rows.truncate(sheet.rows.len() - left);
    let told = |n: usize, what: &str| (n > 0).then(|| format!("{n} {what}"));
    let notes: Vec<String> =
        [told(left, "more not shown"), told(still.len(), "change nothing")].into_iter().flatten().collect();
    sheet.note = (!notes.is_empty()).then(|| format!("{}; all with -v", notes.join(", ")));
    sheet
}

/// Whether anything of it differs in any replication.
fn moves(change: &Change) -> bool {
    let figures = &change.figures;
    let same =
        |difference: &Difference| difference.verdict == Verdict::Same || difference.difference.value == Some(0.0);
    ![figures.mean_ms, figures.p50_ms, figures.p99_ms, figures.success_rate].iter().all(same)
}

fn cell(of: Of, difference: &Difference) -> Cell {
    match difference.verdict {
        Verdict::Same => Cell::toned("same", Tone::Faint),
        Verdict::NotComparable => Cell::toned(NONE, Tone::Faint),
        Verdict::Lower | Verdict::Higher => apart(of, difference).into(),
        Verdict::NoSignificantDifference | Verdict::Unknown => Cell::toned(apart(of, difference), Tone::Faint),
    }
}

fn notes(whatif: &WhatIf) -> Vec<String> {
    let base = whatif.changes.first().map(|change| {
        let Figures { mean_ms, p50_ms, p99_ms, success_rate, .. } = &change.figures;
        format!(
            "as it is: p99 {}, p50 {}, mean {}, success {}",
            or_none(p99_ms.base, time),
            or_none(p50_ms.base, time),
            or_none(mean_ms.base, time),
            or_none(success_rate.base, percent)
        )
    });
    let mut all: Vec<String> = base.into_iter().collect();
    all.push(format!(
        "a notch: a tenth, of whole numbers at least one; timeouts a quarter. better, worse: by {}, beyond chance among all {} that change it (Holm)",
        whatif.of.word(),
        whatif.changes.iter().filter(|change| whatif.of.of(&change.figures).verdict != Verdict::Same).count()
    ));
    if let Some(again) = &whatif.again {
        all.push(format!(
            "on fresh seeds (from {}) {} {}: {}",
            again.seed,
            clean(&again.what),
            again.by,
            apart(whatif.of, &again.difference)
        ));
    }
    if whatif.closed {
        all.push(format!(
            "{}: closed: requests are not the same in both runs, only replications are paired",
            clean(&whatif.client)
        ));
    }
    all
}

/// The tornado.
#[cfg(feature = "charts")]
pub fn picture(whatif: &WhatIf) -> String {
    use crate::report::chart::{Title, tornado};
    let title = format!(
        "{}: what a notch does to {} of {}",
        clean(&whatif.head.scenario.name),
        whatif.of.word(),
        clean(&whatif.client)
    );
    let subtitle = format!(
        "seed {} · {} × {} · {} % intervals of paired replications · {}",
        whatif.head.seed,
        whatif.head.replications,
        seconds(whatif.head.duration_s),
        plain(whatif.head.confidence * 100.0),
        whatif.head.note
    );
    tornado(&Title { title, subtitle }, whatif)
}

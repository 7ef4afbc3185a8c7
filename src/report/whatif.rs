//! What would change if one thing were a little otherwise: the best in a sentence, one table.

use crate::experiment::compare::{Difference, Figures, Verdict};
use crate::experiment::study::Head;
use crate::experiment::summary::Estimate;
use crate::experiment::whatif::{self, Again, AsItIs, Change, Of, WhatIf, is_gain, is_open, judged};
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
    match (difference.never, difference.base.value, difference.other.value) {
        ([true, true], ..) => return "never".into(),
        ([true, false], _, Some(then)) => return format!("never → {}", time(then)),
        ([true, false], ..) => return "never → some".into(),
        ([false, true], Some(now), _) => return format!("{} → never", time(now)),
        ([false, true], ..) => return "→ never".into(),
        _ => {}
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
    let figure = |change: &Change| figure(change, of);
    let so_far = if whatif.missing.is_empty() { "" } else { " of what was run until it was interrupted" };
    if whatif.changes.is_empty() && !whatif.missing.is_empty() {
        return format!(
            "{client}: interrupted before anything was turned{}",
            as_it_is(whatif).map(|now| format!("; {now}")).unwrap_or_default()
        );
    }
    if whatif.head.replications < 2 {
        return format!("what a notch does to {} of {client} cannot be told from chance by one run: -n 10", of.word());
    }
    let open: Vec<&Change> = whatif.changes.iter().filter(|change| is_open(change, of)).collect();
    let more = format!("-n {} tells more", (4 * whatif.head.replications).max(20));
    let Some(best) = gains.first() else {
        let anything = if so_far.is_empty() { " on anything" } else { so_far };
        return match open.first() {
            None => format!("no notch{anything} makes {} of {client} better by more than chance", of.word()),
            Some(best) => format!(
                "no notch{anything} is shown to make {} of {client} better; most likely does {}, which would be beyond chance alone, but not as one of {}: {more}",
                of.word(),
                figure(best),
                looked_at(whatif)
            ),
        };
    };
    let then: Vec<String> = gains.iter().skip(1).take(2).map(|change| figure(change)).collect();
    let then = match (then.is_empty(), open.first()) {
        (false, _) => format!("; then {}{so_far}", then.join(", ")),
        (true, None) => format!("; nothing else{so_far} helps beyond chance"),
        (true, Some(next)) => {
            format!("; perhaps by {}, which is not shown among {}{so_far}: {more}", figure(next), looked_at(whatif))
        }
    };
    format!("{client} {} most by {}{then}", agree(&client, "gains", "gain"), figure(best))
}

/// How many changes do anything to what they are judged by.
fn looked_at(whatif: &WhatIf) -> usize {
    whatif.changes.iter().filter(|change| judged(&change.figures, whatif.of).1.verdict != Verdict::Same).count()
}

/// The figures with nothing turned.
fn as_it_is(whatif: &WhatIf) -> Option<String> {
    let AsItIs { p99_ms, p50_ms, mean_ms, success_rate, replications } = whatif.as_it_is?;
    let quantile = |of: Estimate| match of.value {
        Some(value) => time(value),
        None => "never".into(),
    };
    let some = if replications < whatif.head.replications {
        format!(" in {replications} of {} replications", whatif.head.replications)
    } else {
        String::new()
    };
    Some(format!(
        "as it is{some}: p99 {}, p50 {}, mean {}, success {}",
        quantile(p99_ms),
        quantile(p50_ms),
        or_none(mean_ms, time),
        or_none(success_rate, percent)
    ))
}

/// A change and what it does to the ranked figure; to the success, where that figure is never there.
fn figure(change: &Change, of: Of) -> String {
    let (figure, difference) = whatif::told(&change.figures, of);
    let relative = difference.relative.filter(|_| !figure.rises()).map(|share| format!(" ({})", signed(share)));
    let still = if figure == of { String::new() } else { format!(", though {} stays at never", of.word()) };
    format!("{}: {} {}{}{still}", told(change), figure.word(), apart(figure, difference), relative.unwrap_or_default())
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
    } else if whatif.partial {
        all.push("interrupted: the best were not run again on fresh seeds".into());
    }
    if whatif.head.replications < 2 {
        all.push("one replication has no intervals: run at least two".into());
    }
    all
}

fn sheet(whatif: &WhatIf, every: bool) -> Sheet {
    let mut sheet = Sheet::new(&[("turned", 9), ("p99", 8), ("p50", 5), ("mean", 7), ("success", 6), ("verdict", 9)]);
    let (moved, still): (Vec<&Change>, Vec<&Change>) = whatif.changes.iter().partition(|change| every || moves(change));
    for change in moved {
        let Figures { mean_ms, p50_ms, p99_ms, success_rate, .. } = &change.figures;
        let word = match (change.by_structure, change.stands, is_gain(change, whatif.of)) {
            (true, ..) => Cell::toned("apart", Tone::Faint),
            (_, true, true) => Cell::toned("better", Tone::Good),
            (_, true, false) => Cell::toned("worse", Tone::Bad),
            _ if change.stands_alone => Cell::toned("perhaps", Tone::Odd),
            _ => Cell::toned("chance", Tone::Faint),
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
    let mut all: Vec<String> = as_it_is(whatif).into_iter().collect();
    if whatif.changes.is_empty() {
        return all;
    }
    all.push(format!(
        "a notch: a tenth, of whole numbers at least one; timeouts a quarter. better, worse: by {}, beyond chance among all {} that change it (Holm), or on fresh seeds; perhaps: beyond chance if it were alone",
        whatif.of.word(),
        looked_at(whatif)
    ));
    if whatif.changes.iter().any(|change| whatif.of.of(&change.figures).never[0]) {
        all.push(format!(
            "never: so many are not served that {} lies among them; what stays there is judged by the success",
            whatif.of.word()
        ));
    }
    let again: Vec<String> = whatif.again.iter().chain(&whatif.also_again).map(|again| run_again(again)).collect();
    if let Some(first) = whatif.again.as_ref() {
        all.push(format!("again on fresh seeds (from {}): {}", first.seed, again.join("; ")));
    }
    if whatif.closed {
        all.push(format!(
            "{}: closed: requests are not the same in both runs, only replications are paired",
            clean(&whatif.client)
        ));
    }
    all
}

/// What a change did on fresh seeds.
fn run_again(again: &Again) -> String {
    let holds = if again.holds { "" } else { ", not beyond chance there" };
    format!(
        "{} {}: {} {}{holds}",
        clean(&again.what),
        again.by,
        again.figure.word(),
        apart(again.figure, &again.difference)
    )
}

/// The tornado.
#[cfg(feature = "charts")]
pub fn picture(whatif: &WhatIf) -> String {
    use crate::report::chart::{Title, tornado};
    let title = format!(
        "{}: what a notch does to {} of {}",
        clean(&whatif.head.scenario.name),
        whatif.drawn().word(),
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

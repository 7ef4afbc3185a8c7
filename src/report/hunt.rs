//! The smallest fault that breaks a promise: what it is in a sentence, what was tried, the file that shows it.

use crate::diag::nouns;
use crate::experiment::hunt::{Broken, Found, Hunt, Tried};
use crate::experiment::summary::{Estimate, Outcome};
use crate::report::number::{NONE, percent, plain, seconds};
use crate::report::page::{Figure, Page, of_what};
use crate::report::sheet::{Cell, Sheet, Tone};
use crate::report::text::clean;

/// Rows of a table for a screen.
const ROWS: usize = 24;

/// The page; `every`: all that was tried.
pub fn page(hunt: &Hunt, every: bool) -> Page {
    let mut page = Page {
        answer: answer(hunt),
        heading: heading(hunt),
        warnings: warnings(hunt),
        tables: vec![("what was tried".into(), tried(hunt, every))],
        notes: notes(hunt),
        figures: Vec::new(),
    };
    for tried in &hunt.tried {
        let value = tried.size.map_or(Estimate::NONE, Estimate::point);
        let name = tried.candidate.told();
        page.figures.push(Figure {
            section: "tried",
            name,
            metric: "size".into(),
            unit: "replica-s",
            value,
            count: None,
        });
    }
    page
}

/// The smallest fault, or that there is none.
pub fn answer(hunt: &Hunt) -> String {
    let Some(found) = &hunt.found else {
        let holds = hunt.promises.iter().any(|promised| promised.verdict == Outcome::Met);
        return if hunt.promises.is_empty() || holds {
            let what = if hunt.promises.is_empty() { "is never recovered from" } else { "breaks a promise" };
            let seen = hunt.tried.iter().map(|tried| tried.up_to_s).fold(hunt.run.up_to_s, f64::min);
            let longer = if seen < hunt.run.up_to_s { "; of longer ones the run does not show it" } else { "" };
            format!("no fault up to {} that was tried {what}{longer}", seconds(seen))
        } else {
            "no promise holds without any fault, so none is needed to break one".into()
        };
    };
    let smaller = found.smaller.map_or_else(String::new, |shorter| {
        let or = if found.fewer.is_some() { " or with one replica less" } else { "" };
        let met = [Some(shorter), found.fewer].into_iter().flatten().all(|outcome| outcome == Outcome::Met);
        format!("; a tenth shorter{or}, {}", if met { "it holds" } else { "it does not fail" })
    });
    let what = clean(&found.candidate.told());
    format!(
        "{what} for {} ({} replica-seconds) {}{smaller}",
        seconds(found.length_s),
        plain(found.size),
        breaks(&found.breaks)
    )
}

fn breaks(broken: &Broken) -> String {
    match &broken.promise {
        Some(name) => format!("breaks `{}`", clean(name)),
        None => format!("is something that {} never recovers from", clean(&broken.of)),
    }
}

fn heading(hunt: &Hunt) -> Vec<String> {
    let run = &hunt.run;
    let mut all = of_what(&hunt.scenario, &hunt.tool, &run.note);
    all.extend([
        format!("seed {}, then {}", run.seed, run.fresh_seed),
        format!(
            "{} × {} for each fault ({} where they meet all promises)",
            run.replications,
            seconds(run.duration_s),
            run.first_look
        ),
        format!("{} % intervals", plain(run.confidence * 100.0)),
        format!("faults from {} for up to {}", starts(hunt), seconds(run.up_to_s)),
    ]);
    all
}

fn starts(hunt: &Hunt) -> String {
    hunt.run.at_s.iter().map(|at| seconds(*at)).collect::<Vec<_>>().join(", ")
}

fn warnings(hunt: &Hunt) -> Vec<String> {
    let mut all = Vec::new();
    if !hunt.missing.is_empty() {
        let n = hunt.missing.len() as u64;
        all.push(format!(
            "interrupted: {n} {} not tried, such as {}",
            nouns(n, "fault"),
            clean(&hunt.missing[0].told())
        ));
    }
    if let Some(found) = hunt.found.as_ref().filter(|found| !found.confirmed) {
        all.push(format!("{} was not held to fresh seeds to the end", clean(&found.candidate.told())));
    }
    for promised in hunt.promises.iter().filter(|promised| promised.verdict != Outcome::Met) {
        let word = match promised.verdict {
            Outcome::Failed => "fails",
            Outcome::Undecided => "is undecided",
            _ => "has no data",
        };
        all.push(format!("`{}` {word} without any fault and is not hunted for", clean(&promised.name)));
    }
    all
}

fn tried(hunt: &Hunt, every: bool) -> Sheet {
    let columns =
        [("what", 9), ("from", 4), ("breaks from", 8), ("size", 7), ("tried up to", 6), ("what it breaks", 5)];
    let mut sheet = Sheet::new(&columns);
    let mut rows: Vec<&Tried> = hunt.tried.iter().collect();
    let size = |tried: &Tried| tried.size.unwrap_or(f64::INFINITY);
    rows.sort_by(|a, b| size(a).total_cmp(&size(b)));
    for tried in &rows {
        let figure = |value: Option<f64>, show: fn(f64) -> String| value.map_or_else(|| NONE.to_owned(), show);
        let what = tried.breaks.as_ref().map_or_else(
            || NONE.to_owned(),
            |broken| match &broken.promise {
                Some(name) => name.clone(),
                None => format!("{} stays down", broken.of),
            },
        );
        let tone = if tried.size.is_some() { Tone::Bad } else { Tone::Faint };
        sheet.push(
            &tried.candidate.told(),
            [
                seconds(tried.at_s).into(),
                Cell::toned(figure(tried.breaks_s, seconds), tone),
                figure(tried.size, plain).into(),
                seconds(tried.up_to_s).into(),
                what.into(),
            ],
        );
    }
    let left = sheet.rows.len().saturating_sub(if every { usize::MAX } else { ROWS });
    sheet.rows.truncate(sheet.rows.len() - left);
    sheet.note = (left > 0).then(|| format!("{left} more not shown; all with -v"));
    sheet
}

fn notes(hunt: &Hunt) -> Vec<String> {
    let mut all = vec![
        "size: replica-seconds taken away, of what takes f times as long 1 − 1/f of them, of an edge its share of the callee's; a promise breaks when its whole \
         interval does; each was tried up to the size that would still have been news, a longer fault being taken to do no less harm"
            .to_owned(),
    ];
    if !hunt.left_out.is_empty() {
        let names: Vec<String> = hunt.left_out.iter().map(|name| format!("`{}`", clean(name))).collect();
        let (own, are) = if names.len() == 1 { ("fault", "is") } else { ("faults", "are") };
        all.push(format!("the file's own {own} {} {are} left out: each fault was tried alone", names.join(", ")));
    }
    if let Some(found) = &hunt.found {
        all.push(confirmed(found, hunt));
    }
    all
}

fn confirmed(found: &Found, hunt: &Hunt) -> String {
    let e = found.breaks.measured;
    let told = |x: f64| if found.breaks.promise.is_none() { percent(x) } else { plain(x) };
    let measured = match (e.value, e.ends()) {
        (Some(value), Some((low, high))) => format!("{} [{}, {}]", told(value), told(low), told(high)),
        (Some(value), None) => told(value),
        _ => "beyond all that was answered".into(),
    };
    let seeds = if found.confirmed {
        format!("on fresh seeds (from {})", hunt.run.fresh_seed)
    } else {
        "on the seeds of the search".into()
    };
    format!("{seeds}: {measured}; -o repro.toml writes the file that shows it (`hoptax run repro.toml` exits with 99)")
}

//! The smallest fault that breaks a promise: what it is in a sentence, what was tried, the file that shows it.

use crate::diag::nouns;
use crate::experiment::hunt::{Broken, Found, Hunt, Tried};
use crate::experiment::summary::{Estimate, Outcome};
use crate::report::content::figure;
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
    let mut add = |section, name: &str, metric: &str, unit, value: Estimate| {
        page.figures.push(Figure { section, name: name.into(), metric: metric.into(), unit, value, count: None });
    };
    let point = |value: Option<f64>| value.map_or(Estimate::NONE, Estimate::point);
    for tried in &hunt.tried {
        let name = tried.candidate.told();
        add("tried", &name, "size", "replica-s", point(tried.size));
        add("tried", &name, "breaks_s", "s", point(tried.breaks_s));
        add("tried", &name, "up_to_s", "s", point(Some(tried.up_to_s)));
    }
    if let Some(found) = &hunt.found {
        let name = found.candidate.told();
        add("found", &name, "size", "replica-s", Estimate::point(found.size));
        add("found", &name, "length_s", "s", Estimate::point(found.length_s));
        add("found", &name, "measured", "of the promise", found.breaks.measured);
    }
    page
}

/// The smallest fault, or that there is none.
pub fn answer(hunt: &Hunt) -> String {
    let Some(found) = &hunt.found else {
        if hunt.tried.is_empty() && !hunt.missing.is_empty() {
            return "interrupted before any fault was tried".into();
        }
        let holds = hunt.promises.iter().any(|promised| promised.verdict == Outcome::Met);
        return if hunt.promises.is_empty() || holds {
            let what = if hunt.promises.is_empty() { "is never recovered from" } else { "breaks a promise" };
            let seen = hunt.tried.iter().map(|tried| tried.up_to_s).fold(hunt.run.up_to_s, f64::min);
            let longer = if seen < hunt.run.up_to_s { "; of longer ones the run does not show it" } else { "" };
            format!("no fault up to {} that was tried {what}{longer}", seconds(seen))
        } else if hunt.promises.iter().any(|promised| promised.verdict == Outcome::Undecided) {
            "no promise surely holds without any fault, so nothing was hunted for".into()
        } else {
            "no promise holds without any fault, so none is needed to break one".into()
        };
    };
    let what = clean(&found.candidate.told());
    format!(
        "{what} for {} ({} replica-seconds) {}{}{}",
        seconds(found.length_s),
        plain(found.size),
        breaks(&found.breaks),
        smaller(found),
        alike(hunt, found)
    )
}

/// What becomes of the same promise with a tenth less of it, on the same seeds.
fn smaller(found: &Found) -> String {
    let Some(shorter) = found.smaller else { return String::new() };
    let or = if found.fewer.is_some() { " or with one replica less" } else { "" };
    if [Some(shorter), found.fewer].into_iter().flatten().all(|outcome| outcome == Outcome::Met) {
        return format!("; a tenth shorter{or}, it holds");
    }
    let (then, now) = (found.smaller_measured.unwrap_or(Estimate::NONE), found.breaks.measured);
    let meet = then.ends().zip(now.ends()).is_some_and(|(a, b)| a.0 <= b.1 && b.0 <= a.1);
    let apart = if meet { "; the two intervals meet: between them chance decides" } else { "" };
    let why = then.ends().map_or_else(String::new, |_| format!(" ({})", measured(&found.breaks, then)));
    format!("; a tenth shorter{or}, it does not fail by its whole interval{why}{apart}")
}

/// Others that are no more than a tenth larger, which is as far as sizes are told apart.
fn alike(hunt: &Hunt, found: &Found) -> String {
    let near = |tried: &&Tried| {
        tried.size.is_some_and(|size| size <= found.size * 1.1)
            && !(tried.candidate == found.candidate && tried.at_s == found.at_s)
    };
    let names: Vec<String> = hunt.tried.iter().filter(near).map(|tried| clean(&tried.candidate.told())).collect();
    match names.as_slice() {
        [] => String::new(),
        [one] => format!("; {one} takes about as much"),
        [one, rest @ ..] => format!(
            "; {one} and {} take about as much",
            match rest {
                [other] => other.clone(),
                _ => format!("{} others", rest.len()),
            }
        ),
    }
}

/// A figure of a promise with its interval, in its unit.
fn measured(broken: &Broken, e: Estimate) -> String {
    let told = |x: f64| broken.expect.as_ref().map_or_else(|| percent(x), |expect| figure(expect, x));
    let name: String = broken
        .expect
        .iter()
        .flat_map(|expect| expect.split_whitespace().next())
        .map(|word| format!("{word} "))
        .collect();
    match (e.value, e.ends()) {
        (Some(value), Some((low, high))) => format!("{name}{} [{}, {}]", told(value), told(low), told(high)),
        (Some(value), None) => format!("{name}{}", told(value)),
        _ => format!("{name}beyond all that was answered"),
    }
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
    let columns = [
        ("what", 9),
        ("from", 4),
        ("breaks from", 8),
        ("size", 7),
        ("tried up to", 6),
        ("what it breaks", 5),
        ("seeds", 3),
    ];
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
                Cell::toned(
                    if tried.size.is_none() {
                        NONE
                    } else if tried.fresh {
                        "fresh"
                    } else {
                        "search"
                    },
                    Tone::Faint,
                ),
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
         interval does; each was tried up to the size that would still have been news, a longer fault being taken to do no less harm; seeds: search, where only the smallest were held to fresh ones: sizes within a tenth of each other are not told apart"
            .to_owned(),
    ];
    if !hunt.about_faults.is_empty() {
        let names: Vec<String> = hunt.about_faults.iter().map(|name| format!("`{}`", clean(name))).collect();
        all.push(format!("promises about the time of a fault of the file are not hunted for: {}", names.join(", ")));
    }
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
    let measured = measured(&found.breaks, found.breaks.measured);
    let seeds = if found.confirmed {
        format!("on fresh seeds (from {})", hunt.run.fresh_seed)
    } else {
        "on the seeds of the search".into()
    };
    format!("{seeds}: {measured}; -o repro.toml writes the file that shows it (`hoptax run repro.toml` exits with 99)")
}

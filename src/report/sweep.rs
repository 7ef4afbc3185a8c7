//! One value over several: as far as the promise holds in a sentence, a table for each client, the table of promises.

#[cfg(feature = "parquet")]
mod parquet;
mod runs;

#[cfg(feature = "parquet")]
pub use parquet::Table;
pub use runs::run;

use crate::experiment::summary::Estimate;
use crate::experiment::sweep::{Border, Figures, Holds, Parameter, Point, Reach, Sweep};
#[cfg(feature = "charts")]
use crate::report::number::seconds;
use crate::report::number::{NONE, count, level, or_none, percent, plain, share_within, time, time_within};
use crate::report::page::{Figure, Page, how, of_what};
use crate::report::sheet::{Cell, Sheet, Tone};
use crate::report::text::clean;

/// Why a promise cannot be told.
const FEW: &str = "no run has requests enough for it; let them be longer";

/// Clients that have a table on a screen.
const CLIENTS: usize = 3;

/// The page; `every`: all clients.
pub fn page(sweep: &Sweep, every: bool) -> Page {
    let mut names: Vec<&String> = sweep.points.iter().flat_map(|point| point.clients.keys()).collect();
    names.sort();
    names.dedup();
    names.sort_by_key(|name| **name != sweep.client);
    let shown = if every { usize::MAX } else { CLIENTS };
    let mut tables: Vec<(String, Sheet)> = Vec::new();
    for name in names.iter().take(shown) {
        tables.push((format!("{} over {}", clean(name), swept(&sweep.parameters)), sheet(sweep, name)));
    }
    tables.push(("promises: what is measured, and the share of runs that keep it".into(), promises(sweep)));
    if let Some(first) = sweep.border.first() {
        let title = format!("as far as promises hold along {}", clean(&first.along));
        tables.push((title, border(sweep)));
    }
    let mut page = Page {
        answer: answer(sweep),
        heading: of_what(&sweep.head.scenario, &sweep.head.tool, &sweep.head.note),
        warnings: warnings(sweep),
        tables,
        notes: notes(sweep),
        figures: figures(sweep),
    };
    page.heading.extend(how(&sweep.head));
    page.heading.push("the same seeds at every point".into());
    if names.len() > shown {
        page.notes.push(format!("{} more clients with -v", names.len() - shown));
    }
    page
}

fn swept(parameters: &[Parameter]) -> String {
    parameters.iter().map(|parameter| clean(&parameter.path)).collect::<Vec<_>>().join(" and ")
}

/// `143/s`.
pub fn valued(parameter: &Parameter, x: f64) -> String {
    clean(&format!("{}{}", plain(x), parameter.unit))
}

/// `143/s [139, 146]`; an end that lies at no point stands as it is.
fn within(parameter: &Parameter, at: Estimate) -> String {
    let value = at.value.map_or_else(|| NONE.to_owned(), |x| valued(parameter, x));
    match (at.low, at.high) {
        (Some(low), Some(high)) => format!("{value} [{}, {}]", plain(low), plain(high)),
        (Some(low), None) => format!("{value} [{}, …]", plain(low)),
        (None, Some(high)) => format!("{value} […, {}]", plain(high)),
        (None, None) => value,
    }
}

/// As far as a promise holds: `up to 143/s [139, 146]`; with the points between which it was read off where these are farther apart
/// than the interval tells; of what there is only in whole numbers, the last or first number that was tried.
fn far(parameter: &Parameter, holds: &Holds) -> String {
    let (before, after) = if holds.reach == Reach::From { ("from", " on") } else { ("up to", "") };
    let Some([a, b]) = holds.between else { return format!("{before} {}{after}", within(parameter, holds.at)) };
    if parameter.unit.is_empty() && parameter.numbers.iter().all(|x| x.fract() == 0.0) {
        let good = if holds.reach == Reach::From { b } else { a };
        return format!("{before} {}{after}", valued(parameter, good));
    }
    let known = holds.at.low.zip(holds.at.high).map_or(0.0, |(low, high)| high - low);
    let read = if (b - a).abs() > known {
        format!(", read off between {} and {}", valued(parameter, a), valued(parameter, b))
    } else {
        String::new()
    };
    format!("{before} {}{after}{read}", within(parameter, holds.at))
}

/// As far as the promises hold, who is scarce there, where the knee is.
pub fn answer(sweep: &Sweep) -> String {
    let [parameter] = sweep.parameters.as_slice() else { return of_grid(sweep) };
    if parameter.numbers.is_empty() {
        return of_grid(sweep);
    }
    let mut all = Vec::new();
    let rank = |holds: &&Holds| match holds.reach {
        Reach::Nowhere => (0, 0.0),
        Reach::Mixed => (1, 0.0),
        Reach::Unknown => (4, 0.0),
        Reach::UpTo => (2, holds.at.value.unwrap_or(0.0)),
        Reach::From => (2, -holds.at.value.unwrap_or(0.0)),
        Reach::Everywhere => (3, 0.0),
    };
    let weakest =
        sweep.promises.iter().min_by(|a, b| rank(a).partial_cmp(&rank(b)).unwrap_or(std::cmp::Ordering::Equal));
    if let Some(holds) = weakest {
        let which = format!("{} {}", clean(&holds.of), clean(&holds.expect));
        let others = if sweep.promises.len() > 1 { ", the first of the promises to break" } else { "" };
        all.push(match holds.reach {
            Reach::UpTo => format!("on average the promise {which} holds {}{others}", far(parameter, holds)),
            Reach::From => format!("on average the promise {which} holds {}", far(parameter, holds)),
            Reach::Everywhere if sweep.promises.iter().any(|other| other.reach == Reach::Unknown) => {
                format!("on average every promise that can be told holds at every point, up to {}", last(parameter))
            }
            Reach::Everywhere => {
                format!("on average every promise holds at every point, up to {}", last(parameter))
            }
            Reach::Unknown => format!("whether the promise {which} holds cannot be told: {FEW}"),
            Reach::Nowhere => {
                format!("the promise {which} holds at no point, not even at {}", clean(&parameter.values[0]))
            }
            Reach::Mixed => format!(
                "the promise {which} breaks at {} and holds again farther on: more is not always worse",
                within(parameter, holds.at)
            ),
        });
        all.extend(holds.at.value.and_then(|x| scarce(sweep, parameter, x)));
    }
    all.extend(sweep.knee.as_ref().map(|knee| {
        let there = knee.at.value.filter(|_| weakest.is_none());
        let busiest = there.and_then(|x| nearest(sweep, parameter, x)?.bottleneck());
        let busy = busiest
            .map_or_else(String::new, |(name, used)| format!(", with {} {} in use", clean(name), share_within(used)));
        format!("the knee of {} is at {}{busy}", clean(&sweep.client), within(parameter, knee.at))
    }));
    if all.is_empty() {
        return plainly(sweep, parameter);
    }
    all.join("; ")
}

fn last(parameter: &Parameter) -> String {
    clean(parameter.values.last().map_or(NONE, String::as_str))
}

/// Who is busiest at the point nearest to a value.
fn scarce(sweep: &Sweep, parameter: &Parameter, x: f64) -> Option<String> {
    let nearest = nearest(sweep, parameter, x)?;
    let (name, used) = nearest.bottleneck()?;
    let at = clean(&nearest.at.join(" "));
    Some(format!("the busiest at {at} is {}, {} in use", clean(name), share_within(used)))
}

/// The point nearest to a value.
fn nearest<'s>(sweep: &'s Sweep, parameter: &Parameter, x: f64) -> Option<&'s Point> {
    let apart = |point: &Point| (parameter.numbers[point.point as usize] - x).abs();
    sweep.points.iter().min_by(|a, b| apart(a).total_cmp(&apart(b)))
}

/// Without promises and without a knee: from where to where the p99 goes.
fn plainly(sweep: &Sweep, parameter: &Parameter) -> String {
    let of = |point: &Point| point.clients.get(&sweep.client).map_or_else(|| NONE.to_owned(), p99);
    let client = clean(&sweep.client);
    match (sweep.points.first(), sweep.points.last()) {
        (Some(first), Some(last)) => format!(
            "p99 of {client} goes from {} at {} to {} at {}; there is no knee between them",
            of(first),
            clean(&first.at[0]),
            of(last),
            clean(&last.at[0])
        ),
        _ => format!("nothing is known over {}", clean(&parameter.path)),
    }
}

/// Of a grid: how much of it is good.
fn of_grid(sweep: &Sweep) -> String {
    let name = |point: &Point| clean(&point.at.join(", "));
    if sweep.points.iter().any(|point| point.all_kept.is_some()) {
        let good = |point: &&Point| point.all_kept.and_then(|kept| kept.value).is_some_and(|share| share >= 0.5);
        let kept: Vec<&Point> = sweep.points.iter().filter(good).collect();
        let kept = format!("most runs keep every promise at {} of {} points", kept.len(), sweep.points.len());
        return std::iter::once(kept).chain(lines(sweep)).collect::<Vec<_>>().join("; ");
    }
    let value = |point: &&Point| point.clients.get(&sweep.client).and_then(|figures| figures.p99_ms.value);
    let all = || sweep.points.iter().filter(|point| value(point).is_some());
    let order = |a: &&Point, b: &&Point| value(a).unwrap_or(0.0).total_cmp(&value(b).unwrap_or(0.0));
    match (all().min_by(order), all().max_by(order)) {
        (Some(best), Some(worst)) => format!(
            "p99 of {} is least at {} ({}) and most at {} ({})",
            clean(&sweep.client),
            name(best),
            or_none(best.clients[&sweep.client].p99_ms, time),
            name(worst),
            or_none(worst.clients[&sweep.client].p99_ms, time)
        ),
        _ => format!("{}: nothing was answered", clean(&sweep.client)),
    }
}

/// Rows of the border that are told in the answer; the table has all of them.
const ROWS: usize = 4;

/// The border of a field in words, of the first promise that does not hold everywhere.
fn lines(sweep: &Sweep) -> Option<String> {
    let first = sweep.border.iter().find(|one| one.holds.reach != Reach::Everywhere)?;
    let along = sweep.parameters.iter().find(|parameter| parameter.path == first.along)?;
    let own = sweep.border.iter().filter(|one| one.holds.name == first.holds.name);
    let (whole, rows): (Vec<&Border>, Vec<&Border>) = own.partition(|one| one.holds.reach == Reach::Everywhere);
    let each = rows.iter().take(ROWS).map(|one| {
        let [reach, _] = told(along, &one.holds);
        format!("with {} {} {}", ending(&one.by), clean(&one.value), reach.text)
    });
    let each = each.collect::<Vec<_>>().join(", ");
    let more = if rows.len() > ROWS { ", …" } else { "" };
    let others = match whole.as_slice() {
        [] => String::new(),
        [one] => format!(", with {} {} everywhere", ending(&one.by), clean(&one.value)),
        several => format!(", with {} others everywhere", several.len()),
    };
    let which = format!("{} {}", clean(&first.holds.of), clean(&first.holds.expect));
    Some(format!("on average the promise {which} holds {each}{more}{others}"))
}

fn p99(figures: &Figures) -> String {
    if figures.p99_never_in > 0 { "never".into() } else { or_none(figures.p99_ms, time) }
}

fn warnings(sweep: &Sweep) -> Vec<String> {
    let mut all = Vec::new();
    if sweep.missing > 0 {
        all.push(format!("interrupted: {} runs are missing", count(sweep.missing)));
    }
    if sweep.head.replications < 2 {
        all.push("one replication has no intervals: run at least two".into());
    }
    if let Some((point, guard)) = sweep.points.iter().find_map(|point| Some((point, point.guard.as_ref()?))) {
        all.push(format!("at {}: {}", clean(&point.at.join(", ")), clean(guard)));
    }
    for holds in sweep.promises.iter().filter(|holds| holds.reach == Reach::Mixed) {
        all.push(format!("{} {}: broken at some points and kept again beyond", clean(&holds.of), clean(&holds.expect)));
    }
    for holds in sweep.promises.iter().filter(|holds| holds.reach == Reach::Unknown) {
        all.push(format!("{} {}: {FEW}", clean(&holds.of), clean(&holds.expect)));
    }
    all
}

fn sheet(sweep: &Sweep, client: &str) -> Sheet {
    let columns = [
        ("", 9),
        ("per s", 6),
        ("success", 5),
        ("mean", 4),
        ("p50", 3),
        ("p99", 8),
        ("busiest", 2),
        ("in use", 7),
        ("cores", 1),
        ("kept", 7),
        ("", 7),
    ];
    let mut sheet = Sheet::new(&columns).keyed(heads(&sweep.parameters));
    for point in &sweep.points {
        let Some(figures) = point.clients.get(client) else { continue };
        let (name, used) = point.bottleneck().map_or((NONE, None), |(name, used)| (name, Some(used)));
        let kept = point.all_kept.and_then(|kept| kept.value);
        let [name_of_row, others @ ..] = point.at.as_slice() else { continue };
        let mark = mark(sweep, point);
        let row = [
            Cell::figure(figures.throughput_per_s, level),
            Cell::figure(figures.success_rate, percent),
            Cell::figure(figures.mean_ms, time),
            Cell::figure(figures.p50_ms, time),
            latency(figures),
            Cell::toned(name, Tone::Faint),
            used.map_or_else(|| Cell::from(NONE), |used| Cell::figure(used, percent)),
            point.cores.map_or(NONE.to_owned(), plain).into(),
            share(kept),
            Cell::toned(mark, if mark == OVERLOADED { Tone::Bad } else { Tone::Odd }),
        ];
        sheet.push(&clean(name_of_row), others.iter().map(|value| clean(value).into()).chain(row));
    }
    let same = |sheet: &Sheet, head: &str| {
        let at = sheet.columns.iter().position(|column| column.head == head);
        at.is_none_or(|at| sheet.rows.windows(2).all(|pair| pair[0][at].text == pair[1][at].text))
    };
    let still = same(&sheet, "cores");
    let none = |cell: &Cell| cell.text == NONE;
    sheet
        .without_idle("", |cell| cell.text.is_empty())
        .without_idle("cores", move |_| still)
        .without_idle("kept", none)
        .without_idle("in use", none)
        .without_idle("busiest", none)
}

/// What parameters are called above their values: by the word of their path, from its end, that no other has there. The title has the whole.
fn heads(parameters: &[Parameter]) -> Vec<String> {
    let word = |path: &str, nth: usize| path.rsplit('.').nth(nth).map(str::to_owned);
    let head = |one: &Parameter| {
        let others = || parameters.iter().filter(|other| other.path != one.path);
        let alone = |nth: &usize| others().all(|other| word(&other.path, *nth) != word(&one.path, *nth));
        (0..one.path.split('.').count()).find(alone).and_then(|nth| word(&one.path, nth)).unwrap_or(one.path.clone())
    };
    parameters.iter().map(head).collect()
}

/// Who is offered too much.
const OVERLOADED: &str = "overloaded";

/// What is said of a point: that somebody is offered too much, or that the knee is there.
fn mark(sweep: &Sweep, point: &Point) -> &'static str {
    let knee = sweep.knee.as_ref().is_some_and(|knee| knee.point == point.point);
    match (point.overloaded.is_empty(), knee) {
        (false, _) => OVERLOADED,
        (true, true) => "knee",
        (true, false) => "",
    }
}

fn latency(figures: &Figures) -> Cell {
    if figures.p99_never_in > 0 { Cell::toned("never", Tone::Bad) } else { time_within(figures.p99_ms).into() }
}

fn share(kept: Option<f64>) -> Cell {
    match kept {
        None => NONE.into(),
        Some(1.0) => Cell::toned("all", Tone::Good),
        Some(0.0) => Cell::toned("none", Tone::Bad),
        Some(share) => Cell::toned(percent(share), Tone::Odd),
    }
}

fn promises(sweep: &Sweep) -> Sheet {
    let mut sheet = Sheet::new(&[("", 9), ("holds", 8), ("between", 5)]);
    let [parameter] = sweep.parameters.as_slice() else { return sheet };
    for holds in &sweep.promises {
        sheet.push(&format!("{} {}", clean(&holds.of), clean(&holds.expect)), told(parameter, holds));
    }
    sheet
}

/// As far as a promise holds, and between which points that lies.
fn told(parameter: &Parameter, holds: &Holds) -> [Cell; 2] {
    let reach = match holds.reach {
        Reach::Everywhere => Cell::toned("everywhere", Tone::Good),
        Reach::Nowhere => Cell::toned("nowhere", Tone::Bad),
        Reach::Unknown => Cell::toned("unknown", Tone::Odd),
        Reach::UpTo | Reach::From => {
            let (before, after) = if holds.reach == Reach::From { ("from", " on") } else { ("up to", "") };
            format!("{before} {}{after}", within(parameter, holds.at)).into()
        }
        Reach::Mixed => Cell::toned(format!("not always beyond {}", within(parameter, holds.at)), Tone::Odd),
    };
    let between = holds
        .between
        .map_or(NONE.to_owned(), |[from, to]| format!("{} and {}", valued(parameter, from), valued(parameter, to)));
    [reach, between.into()]
}

/// Of two parameters: how far along the one, at each value of the other.
fn border(sweep: &Sweep) -> Sheet {
    let columns = [("", 9), ("holds", 8), ("between", 5)];
    let Some(first) = sweep.border.first() else { return Sheet::new(&columns) };
    let mut sheet = Sheet::new(&columns).keyed(vec!["promise".into(), ending(&first.by)]);
    for one in &sweep.border {
        let Some(along) = sweep.parameters.iter().find(|parameter| parameter.path == one.along) else { continue };
        let name = format!("{} {}", clean(&one.holds.of), clean(&one.holds.expect));
        let value = Cell::from(clean(&one.value));
        sheet.push(&name, std::iter::once(value).chain(told(along, &one.holds)));
    }
    sheet
}

/// The last word of a path.
fn ending(path: &str) -> String {
    path.rsplit('.').next().unwrap_or(path).to_owned()
}

fn notes(sweep: &Sweep) -> Vec<String> {
    let mut all = vec![
        "p50, p99: over all that arrived, mean over the runs; never: in some run it lies among those that failed"
            .to_owned(),
        "in use: of the busiest node, workers held or cores, whichever is scarcer".to_owned(),
    ];
    if !sweep.promises.is_empty() || !sweep.border.is_empty() {
        let sure = plain(sweep.head.confidence * 100.0);
        all.push(format!(
            "holds: the figure over all runs is on the good side of its bound; single runs may not be (kept). Up to: where it crosses the bound between two points (a time by its reciprocal); in brackets where the ends of its {sure} % interval do, as far as the points beside leave it open"
        ));
    }
    if sweep.knee.is_some() {
        all.push(
            "knee: throughput ÷ mean latency is greatest (Kleinrock's power); beyond it more costs more than it brings"
                .into(),
        );
    }
    all
}

fn figures(sweep: &Sweep) -> Vec<Figure> {
    let mut all = Vec::new();
    let mut add = |section, name: String, metric: &str, unit, value, count| {
        all.push(Figure { section, name, metric: metric.to_owned(), unit, value, count });
    };
    for point in &sweep.points {
        let at = point.at.join(" ");
        for (client, found) in &point.clients {
            let name = format!("{at} {client}");
            let each = [
                ("throughput_per_s", "1/s", found.throughput_per_s),
                ("success_rate", "share", found.success_rate),
                ("mean_ms", "ms", found.mean_ms),
                ("p50_ms", "ms", found.p50_ms),
                ("p99_ms", "ms", found.p99_ms),
            ];
            each.into_iter().for_each(|(metric, unit, value)| {
                add("points", name.clone(), metric, unit, value, Some(found.arrived));
            });
        }
        for (node, used) in &point.nodes {
            add("points", format!("{at} {node}"), "in_use", "share", *used, Some(point.runs));
        }
        for (holds, kept) in sweep.promises.iter().zip(&point.promises) {
            add("points", format!("{at} {}", holds.name), "kept", "share", kept.kept, Some(point.runs));
        }
    }
    for holds in &sweep.promises {
        add("promises", holds.name.clone(), "holds_at", "1", holds.at, None);
    }
    for one in &sweep.border {
        add("border", format!("{} {}", one.value, one.holds.name), "holds_at", "1", one.holds.at, None);
    }
    if let Some(knee) = &sweep.knee {
        add("knee", sweep.client.clone(), "at", "1", knee.at, None);
    }
    all
}

/// The hockey stick of one number, a heat map of two, one below the other for more.
#[cfg(feature = "charts")]
pub fn picture(sweep: &Sweep) -> String {
    use crate::report::chart::{Title, field, hockey};
    let title =
        format!("{}: {} over {}", clean(&sweep.head.scenario.name), clean(&sweep.client), swept(&sweep.parameters));
    let subtitle = format!(
        "seed {} · {} × {} · {} % intervals · {}",
        sweep.head.seed,
        sweep.head.replications,
        seconds(sweep.head.duration_s),
        plain(sweep.head.confidence * 100.0),
        sweep.head.note
    );
    let title = Title { title, subtitle };
    if sweep.parameters.len() == 1 { hockey(&title, sweep) } else { field(&title, sweep) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_below_the_end_of_their_path() {
        let of = |paths: &[&str]| {
            let parameter = |path: &&str| Parameter {
                path: (*path).to_owned(),
                values: Vec::new(),
                numbers: Vec::new(),
                unit: String::new(),
            };
            heads(&paths.iter().map(parameter).collect::<Vec<_>>())
        };
        assert_eq!(of(&["clients.web.rate"]), ["rate"]);
        assert_eq!(of(&["a.x.cores", "a.y.cores", "clients.web.rate"]), ["x", "y", "rate"]);
        assert_eq!(of(&["a.x.cores", "a.x.replicas"]), ["cores", "replicas"]);
        assert_eq!(of(&["a.x.cores", "x.cores"]), ["a", "x.cores"], "nothing of the second is its own");
    }
}

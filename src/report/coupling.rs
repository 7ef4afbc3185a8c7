//! Who falls when something falls: the answer in a sentence, the matrix, the index of every edge, single points of failure.

use std::collections::{BTreeMap, BTreeSet};

use crate::diag::nouns;
use crate::experiment::coupling::{Breaks, Cell as Cost, Column, Coupling, Index, Kind, Side, Whose};
use crate::experiment::summary::Estimate;
use crate::graph::Arrow;
use crate::report::number::{NONE, count, or_none, percent, plain, seconds, share_within, short, time, time_within};
use crate::report::page::{Figure, Page, of_what};
use crate::report::sheet::{Cell, Sheet, Tone};
use crate::report::text::{agree, clean};

/// Below this share nobody is said to lose anything.
const SAID: f64 = 0.005;

/// Rows of a table for a screen.
const ROWS: usize = 24;

/// Names in a sentence.
const NAMES: usize = 3;

/// The page; `every`: all rows.
pub fn page(coupling: &Coupling, every: bool) -> Page {
    let mut page = Page {
        answer: answer(coupling),
        heading: heading(coupling),
        warnings: warnings(coupling),
        tables: vec![
            ("what it costs when one thing is down".to_owned(), matrix(coupling, every)),
            ("coupling in time of callers to callees".to_owned(), edges(coupling, every)),
            ("coupling in slowness, and how slow a node may be".to_owned(), slow(coupling, every)),
            ("single points of failure".to_owned(), points(coupling, every)),
            ("what is to be expected to be lost".to_owned(), expected(coupling, every)),
            ("availability".to_owned(), available(coupling)),
            ("where the product of textbooks does not hold".to_owned(), broken(coupling)),
        ],
        notes: notes(coupling, every),
        figures: Vec::new(),
    };
    coupling.columns.iter().for_each(|column| figures(column, &mut page.figures));
    for (client, of) in coupling.availability.iter().flat_map(|all| &all.clients) {
        let mut add = |metric: &str, value| {
            let (name, metric) = (client.clone(), metric.to_owned());
            page.figures.push(Figure { section: "availability", name, metric, unit: "1", value, count: None });
        };
        add("simulated", of.simulated);
        of.product.into_iter().for_each(|product| add("product", Estimate::point(product)));
    }
    for slow in &coupling.slowness {
        for (client, slowed) in &slow.clients {
            let mut add = |metric: String, value| {
                let name = slow.node.clone();
                page.figures.push(Figure { section: "slowness", name, metric, unit: "1", value, count: None });
            };
            add(format!("{client}.epsilon"), slowed.epsilon);
            slowed.breaks_at.iter().for_each(|(promise, at)| add(format!("{client}.{promise}.breaks_at"), at.factor));
        }
    }
    page
}

/// The heat map.
#[cfg(feature = "charts")]
pub fn picture(coupling: &Coupling) -> String {
    let run = &coupling.run;
    let outage = format!("from {} for {}", seconds(run.outage_at_s), seconds(run.outage_for_s));
    let subtitle = format!(
        "down {outage} · seed {} · {} × {} · {}",
        run.seed,
        run.replications,
        seconds(run.duration_s),
        run.note
    );
    let title = format!("{}: who falls when something falls", clean(&coupling.scenario.name));
    crate::report::chart::heat(&crate::report::chart::Title { title, subtitle }, coupling)
}

/// The answer in a sentence: of the node that costs most, those left out that clients call themselves, where there is another.
pub fn answer(coupling: &Coupling) -> String {
    let felt = || coupling.columns.iter().filter(|column| is_felt(column));
    let node = |column: &&Column| column.target.kind == Kind::Node;
    let inner = felt().find(|column| node(column) && !column.entry);
    match inner.or_else(|| felt().find(node)).or_else(|| felt().next()) {
        Some(column) => {
            let told = sentence(column, coupling);
            format!("{told}{}{}{}", hanging(column, coupling), tightest(coupling), costliest(coupling))
        }
        None if coupling.whose.iter().all(|who| who.served == 0) => format!(
            "not assessed: of what arrives from {} for {} nothing is served with nothing down; --at and --for ask about another time",
            seconds(coupling.run.outage_at_s),
            seconds(coupling.run.outage_for_s)
        ),
        None => format!(
            "nothing that was taken down for {} costs anybody anything that is seen",
            seconds(coupling.run.outage_for_s)
        ),
    }
}

/// Who is unharmed while something refuses, and loses once a call to it hangs: what it holds meanwhile is theirs, too.
fn hanging(column: &Column, coupling: &Coupling) -> String {
    let to = |other: &&Column| {
        let arrow = Arrow::of(&other.target.name);
        other.target.hangs && !column.target.hangs && arrow.is_some_and(|arrow| arrow.to == column.target.name)
    };
    let known = |column: &Column, name: &String| column.clients.get(name).map_or(Estimate::NONE, |cell| cell.lost);
    let lost = |column: &Column, name: &String| known(column, name).value.unwrap_or(0.0);
    let edges = coupling.columns.iter().filter(to);
    let all = edges.flat_map(|edge| edge.clients.keys().map(move |name| (lost(edge, name), name, edge)));
    let spilt = all.filter(|(share, name, _)| *share >= SPILT && lost(column, name) < SAID);
    let worst = spilt.max_by(|a, b| a.0.total_cmp(&b.0).then_with(|| b.1.cmp(a.1)));
    worst.map_or_else(String::new, |(_, name, edge)| {
        let (who, share) = (clean(name), share_within(known(edge, name)));
        let lose = agree(&who, "loses", "lose");
        format!("; where {} hangs instead, {who} {lose} {share}", clean(&edge.target.name))
    })
}

/// What spills over to somebody is said from this share on.
const SPILT: f64 = 0.05;

/// The node that may be slower by the least before a promise breaks.
fn tightest(coupling: &Coupling) -> String {
    let all = coupling.slowness.iter().flat_map(|slow| {
        let clients = slow.clients.iter();
        clients.flat_map(move |(client, slowed)| {
            let breaks = slowed.breaks_at.iter();
            breaks
                .filter_map(move |(promise, breaks)| Some((breaks.factor.value?, breaks, &slow.node, client, promise)))
        })
    });
    let least = all.min_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.2.cmp(b.2)));
    least.map_or_else(String::new, |(factor, breaks, node, client, promise)| {
        let between = breaks.factor.ends().map(|(low, high)| format!(" ({} to {})", plain(low), plain(high)));
        let between = between.unwrap_or_default();
        let (node, client, promise) = (clean(node), clean(client), clean(promise));
        format!("; {node} may be {}{between} times slower until {promise} of {client} breaks", plain(factor))
    })
}

/// Something that is down, or a fault that is on, for a share of the time.
struct Expected {
    what: String,
    /// What it is then, in a word.
    is: &'static str,
    of_the_time: f64,
    blast: Estimate,
    loss: Estimate,
}

/// What says how often it is down, and faults that take nothing down as a whole; what is to be expected to cost most first.
fn ranked(coupling: &Coupling) -> Vec<Expected> {
    let known = coupling.columns.iter().filter(|column| !column.target.hangs || column.target.kind != Kind::Edge);
    let whole = known.filter_map(|column| {
        let (of_the_time, loss) = (column.unavailability?, column.expected_loss?);
        Some(Expected { what: down(column), is: "down", of_the_time, blast: column.blast, loss })
    });
    let partly = coupling.availability.iter().flat_map(|all| &all.faults).filter(|fault| fault.partly).map(|fault| {
        let (of_the_time, blast) = (fault.unavailability, fault.loss);
        Expected { what: fault.fault.clone(), is: "on", of_the_time, blast, loss: blast.scaled(of_the_time) }
    });
    let mut all: Vec<Expected> = whole.chain(partly).collect();
    let value = |one: &Expected| one.loss.value.unwrap_or(0.0);
    all.sort_by(|a, b| value(b).total_cmp(&value(a)).then_with(|| a.what.cmp(&b.what)));
    all
}

/// What is to be expected to cost most, with how often it is down taken into account; all that cannot be told apart from it.
fn costliest(coupling: &Coupling) -> String {
    let all = ranked(coupling);
    let Some(most) = all.first().filter(|one| one.loss.value.is_some_and(|v| v > 0.0)) else {
        return String::new();
    };
    let least = most.loss.low.or(most.loss.value).unwrap_or(0.0);
    let alike: Vec<&Expected> = all.iter().take_while(|one| one.loss.high.is_some_and(|high| high > least)).collect();
    if alike.len() > 1 {
        let named = |one: &&Expected| format!("{} ({})", clean(&one.what), share_within(one.loss));
        let names: Vec<String> = alike.iter().take(NAMES).map(named).collect();
        let more = alike.len().saturating_sub(NAMES);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        return format!(
            "; to be expected to cost most of all requests, not to be told apart: {}{more}",
            names.join(", ")
        );
    }
    format!(
        "; {} is to be expected to cost most: {} of all requests, for it is {} {} of the time",
        clean(&most.what),
        share_within(most.loss),
        most.is,
        percent(most.of_the_time)
    )
}

fn expected(coupling: &Coupling, every: bool) -> Sheet {
    let columns = [
        ("down, or on", 9),
        ("of the time", 8),
        ("blast radius", 5),
        ("lost while down", 7),
        ("expected loss", 8),
        ("a month", 6),
    ];
    let mut sheet = Sheet::new(&columns);
    for one in ranked(coupling) {
        let month = one.loss.value.map_or_else(|| NONE.to_owned(), |share| time(share * MONTH_MS));
        let whole = if one.is == "down" { share(one.blast) } else { NONE.into() };
        let row: [Cell; 5] = [
            percent(one.of_the_time).into(),
            whole,
            share(one.loss.scaled(1.0 / one.of_the_time)),
            share(one.loss),
            month.into(),
        ];
        sheet.push(&one.what, row);
    }
    let left = sheet.rows.len().saturating_sub(if every { usize::MAX } else { ROWS });
    sheet.rows.truncate(sheet.rows.len() - left);
    let mut notes = vec![format!(
        "blast radius: lost in an outage of {}; lost while down: for as long as a repair takes, of what comes when it has been down for a while; expected loss: that by the share of the time, of each alone (two at once: availability)",
        seconds(coupling.run.outage_for_s)
    )];
    notes.extend((left > 0).then(|| format!("{left} more not shown; all with -v")));
    sheet.note = Some(notes.join("; "));
    sheet
}

/// 30 days, ms.
const MONTH_MS: f64 = 30.0 * 86_400.0 * 1e3;

fn available(coupling: &Coupling) -> Sheet {
    let mut sheet = Sheet::new(&[
        ("whose", 9),
        ("product", 8),
        ("simulated", 9),
        ("between", 7),
        ("none down", 5),
        ("down a month", 6),
    ]);
    for (name, of) in coupling.availability.iter().flat_map(|all| &all.clients) {
        let ends = of
            .simulated
            .ends()
            .map_or_else(|| NONE.to_owned(), |(low, high)| format!("{} and {}", nines(low), nines(high)));
        let row: [Cell; 5] = [
            of.product.map_or_else(|| NONE.to_owned(), nines).into(),
            Cell::figure(of.simulated, nines),
            ends.into(),
            healthy(of.healthy).into(),
            of.simulated.value.map_or_else(|| NONE.to_owned(), |a| time((1.0 - a) * MONTH_MS)).into(),
        ];
        sheet.push(name, row);
    }
    if let Some(all) = coupling.availability.as_ref() {
        sheet.note = Some(format!(
            "none, each of {} faults and {} of {} pairs of them on; what is left has probability {:.1e} and counts as anything between nothing and all",
            all.faults.len(),
            all.pairs,
            all.all_pairs,
            all.left
        ));
    }
    sheet
}

/// What is served while nothing is down.
fn healthy(served: Estimate) -> String {
    let value = or_none(served, nines);
    match served.ends() {
        Some((low, high)) if high > low => {
            format!("{value} [{}, {}]", nines(low).trim_end_matches(" %"), nines(high).trim_end_matches(" %"))
        }
        _ => value,
    }
}

/// A share close to all: as many digits as there are nines, and two more.
fn nines(share: f64) -> String {
    let digits = if share >= 1.0 { 1 } else { (-(1.0 - share).log10()).floor().clamp(0.0, 8.0) as usize };
    format!("{:.*} %", digits.max(1), share * 100.0)
}

fn broken(coupling: &Coupling) -> Sheet {
    let mut sheet = Sheet::new(&[("condition that does not hold", 9), ("whose", 8), ("the truth lies", 7), ("at", 6)]);
    for (name, of) in coupling.availability.iter().flat_map(|all| &all.clients) {
        for broken in &of.broken {
            let side = match broken.truth {
                Side::Above => "above",
                Side::Below => "below",
                Side::Either => "on either side",
            };
            let more = broken.at.len().saturating_sub(NAMES);
            let at = broken.at.iter().take(NAMES).cloned().collect::<Vec<_>>().join(", ");
            let at = if more > 0 { format!("{at} and {more} more") } else { at };
            let row: [Cell; 3] = [name.as_str().into(), side.into(), at.into()];
            sheet.push(&broken.condition, row);
        }
    }
    sheet
}

/// Whether anybody feels it.
fn is_felt(column: &Column) -> bool {
    cells(column).any(|(_, cell)| above(cell.lost) || above(cell.late))
}

fn above(e: Estimate) -> bool {
    e.value.is_some_and(|share| share >= SAID)
}

fn cells(column: &Column) -> impl Iterator<Item = (&String, &Cost)> {
    column.clients.iter().chain(&column.flows)
}

/// What one column says: who loses what, who waits, who is unharmed.
pub fn sentence(column: &Column, coupling: &Coupling) -> String {
    let mut felt: Vec<(f64, String)> = Vec::new();
    let mut unharmed: Vec<String> = Vec::new();
    let of = share_within;
    for (name, cell) in cells(column).filter(|(_, cell)| cell.served > 0 || cell.by_structure) {
        let name = clean(name);
        let (lost, late) = (cell.lost.value.unwrap_or(0.0), cell.late.value.unwrap_or(0.0));
        match (lost >= SAID, late >= SAID) {
            (true, true) => {
                let (loses, is) = (agree(&name, "loses", "lose"), agree(&name, "is", "are"));
                felt.push((lost, format!("{name} {loses} {}, and {} {is} late", of(cell.lost), of(cell.late))));
            }
            (true, false) => {
                felt.push((lost, format!("{name} {} {}", agree(&name, "loses", "lose"), of(cell.lost))));
            }
            (false, true) => felt.push((late / 2.0, waits(&name, cell))),
            (false, false) => unharmed.push(name),
        }
    }
    felt.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    let more = felt.len().saturating_sub(NAMES);
    let mut parts: Vec<String> = felt.into_iter().take(NAMES).map(|(_, text)| text).collect();
    if more > 0 {
        parts.push(format!("{more} more feel it"));
    }
    parts.extend(spared(&unharmed));
    let how = if column.target.hangs { "hanging" } else { "down" };
    let outage = seconds(coupling.run.outage_for_s);
    format!("{} {how} for {outage}: {}", clean(&column.target.name), parts.join(", "))
}

/// Who waits it out, and what keeps the work meanwhile.
fn waits(name: &str, cell: &Cost) -> String {
    let by = time_within(cell.late_by_s.scaled(1e3));
    let late = share_within(cell.late);
    let is = agree(name, "is", "are");
    match &cell.sheltered_by {
        Some(broker) => format!("{} saves {name}, of which {late} {is} {by} late", clean(broker)),
        None => format!("{late} of {name} {is} {by} late"),
    }
}

fn spared(names: &[String]) -> Option<String> {
    match names {
        [] => None,
        [one] => Some(format!("{one} {} unharmed", agree(one, "is", "are"))),
        [one, other] => Some(format!("{one} and {other} are unharmed")),
        [one, rest @ ..] => Some(format!("{one} and {} others are unharmed", rest.len())),
    }
}

fn heading(coupling: &Coupling) -> Vec<String> {
    let run = &coupling.run;
    let mut all = of_what(&coupling.scenario, &coupling.tool, &run.note);
    all.extend([
        format!("seed {}", run.seed),
        format!("{} × {}", run.replications, seconds(run.duration_s)),
        format!("{} % intervals", plain(run.confidence * 100.0)),
        format!("outages from {} for {}", seconds(run.outage_at_s), seconds(run.outage_for_s)),
    ]);
    all
}

fn warnings(coupling: &Coupling) -> Vec<String> {
    let mut all = Vec::new();
    if !coupling.missing.is_empty() {
        let n = coupling.missing.len() as u64;
        let names: Vec<&str> = coupling.missing.iter().take(NAMES).map(|target| target.name.as_str()).collect();
        all.push(format!("interrupted: {n} {} not run, such as {}", nouns(n, "outage"), names.join(", ")));
    }
    if !coupling.not_slowed.is_empty() {
        all.push(format!("interrupted: {} nodes not slowed down", coupling.not_slowed.len()));
    }
    if !coupling.own_faults.is_empty() {
        let names: Vec<String> = coupling.own_faults.iter().map(|name| format!("`{}`", clean(name))).collect();
        all.push(format!(
            "{} of the file is on meanwhile, with the outage and without: what fails of it is not counted; a variant with faults = [] leaves it out",
            names.join(", ")
        ));
    }
    if coupling.run.replications < 2 {
        all.push("one replication has no intervals: run at least two".into());
    }
    all
}

/// A share with half of its interval in points; where it is all or none, how far the interval goes.
fn share(e: Estimate) -> Cell {
    let Some(value) = e.value else { return NONE.into() };
    let tone = match value {
        bad if bad >= 0.5 => Tone::Bad,
        odd if odd >= SAID => Tone::Odd,
        _ => Tone::Plain,
    };
    Cell::toned(share_within(e), tone)
}

pub(super) fn matrix(coupling: &Coupling, every: bool) -> Sheet {
    let columns = [("down", 9), ("whose", 9), ("lost", 8), ("late", 7), ("by", 5), ("cost", 6), ("requests", 4)];
    let mut sheet = Sheet::new(&columns);
    let mut quiet = 0;
    for column in coupling.columns.iter().filter(|column| every || column.target.kind != Kind::Edge) {
        for (name, cell) in cells(column) {
            if every || above(cell.lost) || above(cell.late) {
                sheet.push(&down(column), row(name, cell));
            } else {
                quiet += 1;
            }
        }
    }
    let cut = sheet.rows.len().saturating_sub(if every { usize::MAX } else { ROWS });
    sheet.rows.truncate(sheet.rows.len() - cut);
    let told = |n: usize, what: &str| (n > 0).then(|| format!("{n} {what}"));
    let left = [told(cut, "more not shown"), told(quiet, "pairs without a loss")];
    let left: Vec<String> = left.into_iter().flatten().collect();
    sheet.note = (!left.is_empty()).then(|| format!("{}; all with -v", left.join(", ")));
    sheet
}

fn down(column: &Column) -> String {
    let how = if column.target.hangs { " (hangs)" } else { "" };
    format!("{}{how}", column.target.name)
}

fn row(name: &str, cell: &Cost) -> Vec<Cell> {
    let cost = |s: f64| format!("{}{}", if cell.recovered { "" } else { "≥ " }, tenths(s));
    let requests = if cell.by_structure { "apart".to_owned() } else { count(cell.served) };
    vec![
        name.into(),
        share(cell.lost),
        share(cell.late),
        Cell::figure(cell.late_by_s, |s| time(s * 1e3)),
        Cell::figure(cell.cost_s, cost),
        requests.into(),
    ]
}

/// Seconds as far as they are told apart.
fn tenths(s: f64) -> String {
    if s.abs() < 0.05 { "0 s".into() } else { time(s * 1e3) }
}

fn edges(coupling: &Coupling, every: bool) -> Sheet {
    let columns = [
        ("edge", 9),
        ("refusing", 8),
        ("hanging", 8),
        ("requests", 4),
        ("spills refusing", 6),
        ("spills hanging", 7),
        ("beside", 3),
    ];
    let mut sheet = Sheet::new(&columns);
    let all = || coupling.columns.iter().filter(|column| column.target.kind == Kind::Edge);
    for column in all().filter(|column| !column.target.hangs) {
        let hangs = all().find(|other| other.target.hangs && other.target.name == column.target.name);
        let index = |of: fn(&Index) -> Estimate, column: Option<&Column>| {
            column.and_then(|column| column.index.as_ref()).map_or_else(|| NONE.into(), |index| share(of(index)))
        };
        let counted =
            |of: fn(&Index) -> u64| column.index.as_ref().map_or_else(|| NONE.into(), |i| count(of(i)).into());
        sheet.push(
            &column.target.name,
            vec![
                index(|i| i.lost, Some(column)),
                index(|i| i.lost, hangs),
                counted(|i| i.crossing),
                index(|i| i.spill_over, Some(column)),
                index(|i| i.spill_over, hangs),
                counted(|i| i.beside),
            ],
        );
    }
    let left = sheet.rows.len().saturating_sub(if every { usize::MAX } else { ROWS });
    sheet.rows.truncate(sheet.rows.len() - left);
    sheet.note = (left > 0).then(|| format!("{left} more not shown; all with -v"));
    sheet
}

fn slow(coupling: &Coupling, every: bool) -> Sheet {
    let mut sheet =
        Sheet::new(&[("slower", 9), ("whose", 9), ("ε", 8), ("p99 now", 5), ("breaks at", 8), ("promise", 7)]);
    let (mut quiet, mut unknown) = (0, BTreeMap::new());
    for slow in &coupling.slowness {
        for (client, slowed) in &slow.clients {
            let epsilon = slowed.epsilon;
            let told = match (epsilon.value, epsilon.half_width()) {
                (Some(value), Some(half)) => format!("{value:.2} ±{}", short(half)),
                (Some(value), None) => format!("{value:.2}"),
                (None, _) => NONE.into(),
            };
            let none = if slowed.because.is_some() { "never" } else { NONE };
            let p99 = slowed.p99_ms.map_or_else(|| none.into(), |ms| Cell::figure(Estimate::point(ms), time));
            let none = (Breaks::default(), String::new());
            let mut promises: Vec<(&Breaks, &str)> =
                slowed.breaks_at.iter().map(|(promise, breaks)| (breaks, promise.as_str())).collect();
            let plain_one = promises.is_empty();
            if plain_one {
                promises.push((&none.0, &none.1));
            }
            let chance = epsilon.ends().is_some_and(|(low, high)| low <= 0.0 && high >= 0.0);
            let felt = !chance && epsilon.value.is_some_and(|e| e.abs() >= 0.005)
                || promises.iter().any(|p| p.0.factor.value.is_some());
            let why = slowed.because.as_ref().filter(|_| epsilon.value.is_none());
            why.into_iter().for_each(|why| *unknown.entry(why.as_str()).or_insert(0) += 1);
            if !every && !felt {
                quiet += usize::from(why.is_none());
                continue;
            }
            for (breaks, promise) in promises {
                let at = if plain_one { NONE.to_owned() } else { breaks_at(breaks) };
                let row: [Cell; 5] =
                    [client.as_str().into(), told.clone().into(), p99.clone(), at.into(), promise.into()];
                sheet.push(&slow.node, row);
            }
        }
    }
    let left = sheet.rows.len().saturating_sub(if every { usize::MAX } else { ROWS });
    sheet.rows.truncate(sheet.rows.len() - left);
    let told = |n: usize, what: &str| (n > 0).then(|| format!("{n} {what}; all with -v"));
    let mut notes: Vec<String> =
        [told(left, "more not shown"), told(quiet, "that nobody notices")].into_iter().flatten().collect();
    notes.extend(unknown.iter().map(|(why, n)| format!("{n} of which nothing is known: {why}")));
    sheet.note = (!notes.is_empty()).then(|| notes.join("; "));
    sheet
}

/// Why promises have no slow-down at which they break, where that takes more than a few words.
fn unbroken(coupling: &Coupling) -> Vec<String> {
    let all = coupling.slowness.iter().flat_map(|slow| slow.clients.values()).flat_map(|slowed| &slowed.breaks_at);
    let long = all.filter_map(|(promise, breaks)| {
        let why = breaks.because.as_ref().filter(|why| breaks.factor.value.is_none() && why.len() > BRIEF)?;
        Some(format!("`{}`: {why}", clean(promise)))
    });
    let names: BTreeSet<String> = long.collect();
    names.into_iter().collect()
}

/// Letters of a reason that fits into a cell.
const BRIEF: usize = 30;

/// A slow-down with its ends, or why there is none.
fn breaks_at(breaks: &Breaks) -> String {
    match (breaks.factor.value, breaks.factor.ends()) {
        (Some(_), Some((low, high))) => format!("{}–{} ×", plain(low), plain(high)),
        (Some(value), None) => format!("{} ×", plain(value)),
        (None, _) => breaks.because.clone().filter(|why| why.len() <= BRIEF).unwrap_or_else(|| NONE.into()),
    }
}

fn points(coupling: &Coupling, every: bool) -> Sheet {
    let mut sheet = Sheet::new(&[("single point", 9), ("of", 9), ("lost", 8), ("the only way to", 7)]);
    for point in &coupling.single_points {
        let ways = match point.only_way_to.as_slice() {
            [] if point.by_run_alone => "shown by the run alone".to_owned(),
            [] => "itself".to_owned(),
            few @ ([_] | [_, _]) => few.join(", "),
            [first, rest @ ..] => format!("{first} and {} others", rest.len()),
        };
        sheet.push(&point.target, [point.of.as_str().into(), share(point.lost), ways.into()]);
    }
    let left = sheet.rows.len().saturating_sub(if every { usize::MAX } else { ROWS });
    sheet.rows.truncate(sheet.rows.len() - left);
    sheet.note = (left > 0).then(|| format!("{left} more not shown; all with -v"));
    sheet
}

fn notes(coupling: &Coupling, every: bool) -> Vec<String> {
    let late = |who: &Whose| {
        let why = if who.promised { " as promised" } else { "" };
        format!("{} {}{why}", clean(&who.name), time(who.late_after_ms))
    };
    let late: Vec<String> = coupling.whose.iter().take(8).map(late).collect();
    let mut notes = vec![
        format!(
            "lost: served without the outage and not with it, of the same requests; late: served, but later by more than {}",
            late.join(", ")
        ),
        "cost: how long the load of all extra failures takes to arrive, the aftermath's included; ≥ where the run ends \
         before it is as good as without"
            .into(),
        "an edge's index counts its caller's own requests, or the messages it handles, that cross it; spill-over those that do not and come all the \
         same; hanging is a partition: \
         what a network drops comes after its end, so that who has no timeout is late, not lost; a node that hangs never answers what came meanwhile"
            .into(),
        "ε: how much of a slow-down by a tenth arrives in the p99 (0: nothing, 1: in proportion); breaks at: from the largest slow-down that keeps the promise for certain to the smallest that breaks it"
            .into(),
        "single point: at least half is lost, by the whole interval".into(),
    ];
    let lacks =
        coupling.columns.iter().filter_map(|column| Some((&column.target.name, column.index_because.as_ref()?)));
    let mut lacks: Vec<(&String, &String)> = lacks.collect();
    lacks.sort_by_key(|(name, why)| (*why, *name));
    lacks.dedup();
    for some in lacks.chunk_by(|a, b| a.1 == b.1) {
        let more = some.len().saturating_sub(NAMES);
        let names: Vec<String> = some.iter().take(NAMES).map(|(name, _)| clean(name)).collect();
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        notes.push(format!("no index of {}{more}: {}", names.join(", "), some[0].1));
    }
    let slowness = slow(coupling, every);
    if let Some(note) = slowness.note.filter(|_| slowness.rows.is_empty()) {
        notes.push(format!("slowed down, {note}"));
    }
    notes.extend(unbroken(coupling).into_iter().map(|why| format!("breaks at: {why}")));
    if !coupling.slowness.is_empty()
        && coupling.slowness.iter().all(|slow| slow.clients.values().all(|s| s.breaks_at.is_empty()))
    {
        notes.push("no promise about the whole run: a [[slos]] tells how much slower a node may be".into());
    }
    if !coupling.left_out.is_empty() {
        let names: Vec<String> =
            coupling.left_out.iter().take(NAMES).map(|name| format!("`{}`", clean(name))).collect();
        let more = coupling.left_out.len().saturating_sub(NAMES);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        notes.push(format!(
            "what the file lets fail at random ({}{more}) is left out of all but the availability: each thing is down alone",
            names.join(", ")
        ));
    }
    if !coupling.run.closed_clients.is_empty() {
        notes.push(format!(
            "{}: closed, so that successes are counted and none is called late",
            clean(&coupling.run.closed_clients.join(", "))
        ));
    }
    notes
}

fn figures(column: &Column, all: &mut Vec<Figure>) {
    let name = down(column);
    let mut add = |section, metric: String, unit, value, count| {
        all.push(Figure { section, name: name.clone(), metric, unit, value, count });
    };
    add("columns", "blast".into(), "share", column.blast, None);
    for (who, cell) in cells(column) {
        let served = Some(cell.served);
        add("columns", format!("{who}.lost"), "share", cell.lost, served);
        add("columns", format!("{who}.late"), "share", cell.late, served);
        add("columns", format!("{who}.late_by_s"), "s", cell.late_by_s, None);
        add("columns", format!("{who}.cost_s"), "s", cell.cost_s, None);
    }
    if let Some(index) = &column.index {
        add("columns", "index.lost".into(), "share", index.lost, Some(index.crossing));
        add("columns", "index.spill_over".into(), "share", index.spill_over, Some(index.beside));
    }
}

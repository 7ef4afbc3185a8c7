//! Where a system stays down: the distance to the edge in a sentence, the edge for each length of the trigger, the loads.

use crate::experiment::recover::{Cell as Run, Edge, Recover};
use crate::experiment::summary::Estimate;
use crate::report::number::{NONE, percent, plain, seconds};
use crate::report::page::{Figure, Page, of_what};
use crate::report::sheet::{Cell, Sheet, Tone};
use crate::report::text::clean;

/// The page; `every`: all lengths and all loads.
pub fn page(recover: &Recover, every: bool) -> Page {
    let mut page = Page {
        answer: answer(recover),
        heading: heading(recover),
        warnings: warnings(recover),
        tables: vec![
            ("how rarely it collapses by itself, at today's load".into(), by_itself(recover)),
            (format!("from which load on {} stays down", clean(&recover.client)), edges(recover)),
            (title(recover, every), runs(recover, every)),
        ],
        notes: notes(recover),
        figures: Vec::new(),
    };
    let mut add = |section, name, metric: &str, unit, value, count| {
        page.figures.push(Figure { section, name, metric: metric.into(), unit, value, count });
    };
    for cell in &recover.cells {
        let name = format!("{} s at {}", plain(cell.length_s), plain(cell.load));
        add("cells", name, "probability", "share", cell.probability, Some(cell.runs));
    }
    if let Some(rare) = &recover.rare {
        let count = Some(u64::from(rare.runs));
        add("rare", recover.client.clone(), "probability", "share", rare.probability, count);
        add("rare", recover.client.clone(), "per_hour", "1/h", rare.per_hour, count);
    }
    for edge in &recover.edges {
        add("edges", format!("{} s", plain(edge.length_s)), "load", "1", edge.load, None);
    }
    page
}

/// How rarely it collapses without any trigger, where that was asked, and how far it is from today's load to the edge.
pub fn answer(recover: &Recover) -> String {
    let Some(rare) = &recover.rare else { return distance(recover) };
    let trust = if rare.not_trusted.is_empty() { "" } else { ", which is not to be trusted" };
    let client = clean(&recover.client);
    match rare.per_hour.value {
        Some(_) => format!("by itself {client} collapses {}{trust}; {}", an_hour(rare.per_hour), distance(recover)),
        None if rare.runs == 0 => {
            format!("how rarely {client} collapses by itself was not asked to the end; {}", distance(recover))
        }
        None => format!("how rarely {client} collapses by itself was not seen; {}", distance(recover)),
    }
}

/// `3.1e-6 times an hour (1.2e-6 to 5e-6)`.
fn an_hour(e: Estimate) -> String {
    let ends = e.ends().map(|(low, high)| format!(" ({} to {})", tiny(low), tiny(high))).unwrap_or_default();
    format!("{} times an hour{ends}", e.value.map_or_else(|| NONE.to_owned(), tiny))
}

/// A figure that may be very small.
fn tiny(x: f64) -> String {
    if x == 0.0 || x >= 0.001 { plain(x) } else { format!("{x:.1e}") }
}

fn by_itself(recover: &Recover) -> Sheet {
    let mut sheet = Sheet::new(&[("", 9), ("value", 8), ("interval", 7), ("from", 6)]);
    let Some(rare) = recover.rare.as_ref().filter(|rare| rare.runs > 0) else { return sheet };
    let ends =
        |e: Estimate| e.ends().map_or_else(|| NONE.to_owned(), |(low, high)| format!("{} – {}", tiny(low), tiny(high)));
    let value = |e: Estimate| e.value.map_or_else(|| NONE.to_owned(), tiny);
    let runs = format!("{} of {} splitting runs", rare.seen_in, rare.runs);
    let levels = format!("{} levels × {} runs", rare.levels.len(), rare.effort);
    let run = format!("down after {}", seconds(recover.run.duration_s));
    sheet.push(&run, [value(rare.probability).into(), ends(rare.probability).into(), runs.into()]);
    sheet.push("collapses an hour", [value(rare.per_hour).into(), ends(rare.per_hour).into(), levels.into()]);
    let figure = |x: Option<f64>| x.map_or_else(|| NONE.to_owned(), plain);
    sheet
        .push("spread between runs ÷ within", [figure(rare.spread).into(), NONE.into(), "above 3: not trusted".into()]);
    sheet.push("cheaper than plain runs", [figure(rare.gain).into(), NONE.into(), "times, by events".into()]);
    sheet
}

/// How far it is from today's load to the edge.
fn distance(recover: &Recover) -> String {
    let client = clean(&recover.client);
    let after = after(recover);
    let cells = || recover.cells.iter().filter(|cell| cell.length_s == nominal(recover));
    let today = cells().find(|cell| cell.load == 1.0);
    let told = today.map(|cell| format!("; at today's load {}", share_of(cell))).unwrap_or_default();
    let Some(edge) = recover.edges.iter().find(|edge| edge.length_s == nominal(recover)) else {
        return format!("{client}: nothing was run{told}");
    };
    let alone = edge.by_itself.map(|load| format!("; from {} on it needs no trigger", times(load))).unwrap_or_default();
    let told = format!("{alone}{told}");
    match edge.load.value {
        Some(load) => format!("{client} stays down {after} from {}{told}", from(edge, load)),
        None if edge.unseen_between.is_some() => {
            let [low, high] = edge.unseen_between.unwrap_or_default();
            let begins = format!("begins to stay down {after} somewhere between {} and {}", plain(low), times(high));
            format!("{client} {begins}: it was not seen where{told}")
        }
        None if edge.always => {
            let least = cells().map(|cell| cell.load).fold(f64::INFINITY, f64::min);
            format!("{client} stays down {after} at every load that was run, from {} on{told}", times(least))
        }
        None => match cells().filter(|cell| up(cell, edge)).map(|cell| cell.load).reduce(f64::max) {
            Some(most) => format!("{client} {}{told}", gets_up(cells().filter(|cell| up(cell, edge)), &after, most)),
            None => format!("{client}: whether it gets up again {after} was not seen{told}"),
        },
    }
}

/// That no load was run at which half of the runs stay down: how many do, or may.
fn gets_up<'r>(cells: impl Iterator<Item = &'r Run>, after: &str, most: f64) -> String {
    let all: Vec<&Run> = cells.collect();
    let worst = all
        .iter()
        .copied()
        .max_by(|a, b| a.probability.value.unwrap_or(0.0).total_cmp(&b.probability.value.unwrap_or(0.0)));
    match worst.filter(|cell| cell.down + cell.before > 0) {
        None => {
            let high = all.iter().filter_map(|cell| cell.probability.high).fold(0.0, f64::max);
            format!(
                "gets up again {after} in all runs at every load up to {} (at most {} stay down)",
                times(most),
                percent(high)
            )
        }
        Some(worst) => format!(
            "gets up again {after} in most runs at every load up to {}; at {} times {}",
            times(most),
            plain(worst.load),
            share_of(worst)
        ),
    }
}

/// Whether a load was run at which it gets up again.
fn up(cell: &Run, edge: &Edge) -> bool {
    cell.probability.value.is_some() && edge.by_itself.is_none_or(|load| cell.load < load)
}

/// The length that the file says, or the nearest that was run.
fn nominal(recover: &Recover) -> f64 {
    let apart = |length: f64| (length - recover.trigger.length_s).abs();
    let all = recover.edges.iter().map(|edge| edge.length_s);
    all.min_by(|a, b| apart(*a).total_cmp(&apart(*b))).unwrap_or(recover.trigger.length_s)
}

fn after(recover: &Recover) -> String {
    let name = clean(&recover.trigger.name);
    if recover.trigger.lasts {
        format!("after {} of {name}", seconds(nominal(recover)))
    } else {
        format!("after {name}")
    }
}

fn times(load: f64) -> String {
    format!("{} times today's load", plain(load))
}

/// `1.4 times today's load (between 1.3 and 1.5) on`.
fn from(edge: &Edge, load: f64) -> String {
    let between = match (edge.load.low, edge.load.high) {
        (Some(low), Some(high)) => format!(" (between {} and {})", plain(low), plain(high)),
        (Some(low), None) => format!(" (surely fewer than half of the runs up to {})", plain(low)),
        (None, Some(high)) => format!(" (surely more than half of the runs from {})", plain(high)),
        (None, None) => String::new(),
    };
    format!("{}{between} on", times(load))
}

/// `3 of 20 runs stay down (3.2 % to 38 %)`.
fn share_of(cell: &Run) -> String {
    if !cell.overloaded.is_empty() {
        return format!("it needs no trigger: {}", clean(&cell.overloaded[0]));
    }
    let down = cell.down + cell.before;
    let seen = cell.runs - cell.not_seen;
    let unseen = if cell.not_seen > 0 { format!(", of {} it was not seen", cell.not_seen) } else { String::new() };
    match (down, cell.probability.ends()) {
        _ if seen == 0 => format!("it was not seen: {}", cell.because.as_deref().unwrap_or(NONE)),
        (0, Some((_, high))) => format!("none of {seen} runs stays down (at most {}){unseen}", percent(high)),
        (_, Some((low, high))) => {
            format!("{down} of {seen} runs {} ({} to {}){unseen}", stay(down), percent(low), percent(high))
        }
        _ => format!("{down} of {seen} runs {}{unseen}", stay(down)),
    }
}

fn stay(runs: u64) -> &'static str {
    if runs == 1 { "stays down" } else { "stay down" }
}

fn heading(recover: &Recover) -> Vec<String> {
    let run = &recover.run;
    let mut all = of_what(&recover.scenario, &recover.tool, &run.note);
    all.extend([
        format!("seed {}", run.seed),
        format!("{} × {} for each load and length", run.replications, seconds(run.duration_s)),
        format!("{} % intervals", plain(run.confidence * 100.0)),
    ]);
    all
}

fn warnings(recover: &Recover) -> Vec<String> {
    let mut all = Vec::new();
    if recover.missing > 0 {
        all.push(format!("interrupted: {} loads and lengths not run", recover.missing));
    }
    let why = recover.rare.iter().flat_map(|rare| &rare.not_trusted);
    all.extend(why.map(|why| format!("how rarely it collapses by itself is not trusted: {}", clean(why))));
    let unseen: u64 = recover.cells.iter().map(|cell| cell.not_seen).sum();
    let runs: u64 = recover.cells.iter().map(|cell| cell.runs).sum();
    if unseen > 0 {
        let why = recover.cells.iter().find_map(|cell| cell.because.as_deref()).unwrap_or(NONE);
        all.push(format!("{unseen} of {runs} runs: not seen: {why}; {}", longer(recover)));
    }
    if recover.run.replications < 20 {
        let n = recover.run.replications;
        all.push(format!("{n} runs for each load and length tell shares coarsely; -n 50 or more tells them finely"));
    }
    all
}

/// How long the run would have to be: who comes back stays for ten seconds, who does not is given as long as the trigger was on.
fn longer(recover: &Recover) -> String {
    let longest = recover.cells.iter().map(|cell| cell.length_s).fold(0.0, f64::max);
    let least = (recover.trigger.at_s + longest + 10.0 + longest.max(10.0)).ceil();
    if least > recover.run.duration_s {
        format!("it takes a sim.duration of {} at least", seconds(least))
    } else {
        "a longer sim.duration shows more".into()
    }
}

fn edges(recover: &Recover) -> Sheet {
    let mut sheet = Sheet::new(&[("trigger on for", 9), ("edge", 8), ("between", 7), ("today", 6), ("room", 8)]);
    for edge in &recover.edges {
        let cells = || recover.cells.iter().filter(|cell| cell.length_s == edge.length_s);
        let today = cells().find(|cell| cell.load == 1.0);
        let load = |load: Option<f64>| load.map(|load| format!("{} ×", plain(load)));
        let none = match edge {
            Edge { always: true, .. } => "below all",
            Edge { unseen_between: Some(_), .. } => "not seen",
            Edge { by_itself: Some(_), .. } => "by itself",
            _ => "none",
        };
        let at = load(edge.load.value).unwrap_or_else(|| none.into());
        let ends = edge.unseen_between.map_or((edge.load.low, edge.load.high), |[low, high]| (Some(low), Some(high)));
        let between = match (load(ends.0), load(ends.1)) {
            (None, None) if edge.by_itself.is_some() => format!("from {}", load(edge.by_itself).unwrap_or_default()),
            (Some(low), Some(high)) => format!("{low} – {high}"),
            (Some(low), None) => format!("above {low}"),
            (None, Some(high)) => format!("below {high}"),
            (None, None) => NONE.into(),
        };
        let room = match edge.load.value {
            Some(load) if load >= 1.0 => Cell::toned(format!("{} more", percent(load - 1.0)), Tone::Good),
            Some(load) => Cell::toned(format!("{} too much", percent(1.0 - load)), Tone::Bad),
            None => NONE.into(),
        };
        let today = today.map_or_else(|| NONE.into(), share);
        sheet.push(&length(recover, edge.length_s), [at.into(), between.into(), today, room]);
    }
    sheet
}

fn length(recover: &Recover, length_s: f64) -> String {
    if recover.trigger.lasts { seconds(length_s) } else { "as it is".into() }
}

fn share(cell: &Run) -> Cell {
    let Some(value) = cell.probability.value else {
        let why = if cell.overloaded.is_empty() { "not seen" } else { "overloaded" };
        return Cell::toned(format!("{why} {}", ends(cell.probability)).trim_end(), Tone::Faint);
    };
    let tone = match value {
        half if half >= 0.5 => Tone::Bad,
        some if some > 0.0 => Tone::Odd,
        _ => Tone::Plain,
    };
    Cell::toned(format!("{} {}", percent(value), ends(cell.probability)), tone)
}

fn ends(e: Estimate) -> String {
    e.ends().map_or_else(String::new, |(low, high)| {
        let percent = |share| percent(share).trim_end_matches(" %").to_owned();
        format!("[{}, {}]", percent(low), percent(high))
    })
}

/// A time that may be none.
fn time(s: f64) -> String {
    if s > 0.0 { seconds(s) } else { "0 s".into() }
}

fn title(recover: &Recover, every: bool) -> String {
    if every || !recover.trigger.lasts { "every load and length".into() } else { format!("loads, {}", after(recover)) }
}

fn runs(recover: &Recover, every: bool) -> Sheet {
    let columns = [
        ("load", 9),
        ("per second", 3),
        ("stay down", 8),
        ("runs", 5),
        ("down before", 6),
        ("not seen", 4),
        ("back after", 7),
    ];
    let mut sheet = Sheet::new(&columns);
    let shown = |cell: &&Run| every || cell.length_s == nominal(recover);
    for cell in recover.cells.iter().filter(shown) {
        let on = if every && recover.trigger.lasts { format!(", {}", seconds(cell.length_s)) } else { String::new() };
        let name = format!("{} ×{on}{}", plain(cell.load), if cell.load == 1.0 { " (today)" } else { "" });
        let rate = plain(cell.load * recover.today_per_s);
        let back = match (cell.back_s, cell.back_between_s) {
            (Some(0.0), Some([_, 0.0]) | None) => "at once".to_owned(),
            (Some(s), Some([low, high])) => format!("{} [{}, {}]", time(s), plain(low), plain(high)),
            (Some(s), None) => time(s),
            (None, _) => NONE.to_owned(),
        };
        let counts = [cell.runs, cell.before, cell.not_seen].map(|n| if n > 0 { n.to_string() } else { "0".into() });
        let [runs, before, unseen] = counts.map(Cell::from);
        sheet.push(&name, [rate.into(), share(cell), runs, before, unseen, back.into()]);
    }
    let others = recover.cells.iter().any(|cell| cell.length_s != nominal(recover));
    sheet.note = (!every && recover.trigger.lasts && others).then(|| "the other lengths with -v".into());
    sheet.without_idle("down before", |cell| cell.text == "0").without_idle("not seen", |cell| cell.text == "0")
}

fn notes(recover: &Recover) -> Vec<String> {
    let trigger = &recover.trigger;
    let (name, at) = (clean(&trigger.name), seconds(trigger.at_s));
    let chosen = if trigger.by_default { " (chosen by itself: another with --trigger NAME)" } else { "" };
    let mut all = vec![
        format!("trigger: {name}, from {at}{chosen}; nothing else goes wrong"),
        format!(
            "load: that of {}, in times of what the file says ({}/s of {})",
            clean(&recover.grown.join(", ")),
            plain(recover.today_per_s),
            clean(&recover.client)
        ),
        "stays down: not back in the band of what was usual before the trigger for ten seconds on end, though the run goes on for as long as \
         the trigger was on and ten seconds more, and nothing gets better (what fails, what is under way); or most was lost before the trigger came"
            .into(),
        "edge: where half of the runs that were well when the trigger came stay down; by itself: from where half are down before it; between: from the largest load up to which surely fewer do to the smallest \
         from which surely more do"
            .into(),
    ];
    if let Some(busiest) = &recover.busiest {
        let (node, used) = (clean(&busiest.node), percent(busiest.utilization));
        all.push(format!(
            "{node} limits the load: today's takes {used} of what it can do; from {} times today's on it needs no trigger",
            plain(1.0 / busiest.utilization)
        ));
    }
    all
}

/// The map.
#[cfg(feature = "charts")]
pub fn picture(recover: &Recover) -> String {
    use crate::report::chart::{Title, boundary};
    let title =
        format!("{}: where {} stays down {}", clean(&recover.scenario.name), clean(&recover.client), after(recover));
    let run = &recover.run;
    let subtitle = format!(
        "seed {} · {} × {} for each load and length · {} % intervals · {}",
        run.seed,
        run.replications,
        seconds(run.duration_s),
        plain(run.confidence * 100.0),
        run.note
    );
    boundary(&Title { title, subtitle }, recover)
}

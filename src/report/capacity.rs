//! How much load is carried: the capacity in a sentence, every load that was tried, what a wanted load takes.

use crate::experiment::capacity::{Capacity, Limit, Toward};
use crate::experiment::summary::Estimate;
use crate::report::number::{NONE, percent, plain};
use crate::report::page::{Figure, Page, of_what};
use crate::report::sheet::{Cell, Sheet, Tone};
use crate::report::text::clean;

/// The page.
pub fn page(capacity: &Capacity) -> Page {
    let mut page = Page {
        answer: answer(capacity),
        heading: of_what(&capacity.head.scenario, &capacity.head.tool, &capacity.head.note),
        warnings: warnings(capacity),
        tables: vec![("loads that were tried, from below".into(), tried(capacity))],
        notes: notes(capacity),
        figures: figures(capacity),
    };
    page.heading.push(format!("seed {}", capacity.head.seed));
    page.heading.push(format!("{} runs at each load", capacity.seeds));
    if let Some(toward) = &capacity.toward {
        page.tables.push((format!("what {}/s take", plain(toward.per_s)), added(toward)));
    }
    page
}

/// `143/s [139, 146]`.
fn within(per_s: Estimate) -> String {
    let value = per_s.value.map_or_else(|| NONE.to_owned(), |x| format!("{}/s", plain(x)));
    match per_s.ends() {
        Some((low, high)) => format!("{value} [{}, {}]", plain(low), plain(high)),
        None => value,
    }
}

/// As much as it carries, who limits it, what a replica less leaves.
pub fn answer(capacity: &Capacity) -> String {
    let who = capacity.grown.iter().map(|name| clean(name)).collect::<Vec<_>>().join(", ");
    let limit = &capacity.limit;
    let sure = percent(capacity.probability);
    let mut all = vec![match (limit.per_s.value, limit.at_least) {
        (None, _) => format!("{who}: no load that was tried keeps the promises in {sure} of runs"),
        (Some(x), true) => format!("{who}: at least {}/s, the largest load that was tried", plain(x)),
        (Some(_), false) => {
            let times = limit.times.value.map(|times| format!(", {} times today's", plain(times)));
            format!(
                "{who}: up to {}{} a run keeps its promises with {sure}",
                within(limit.per_s),
                times.unwrap_or_default()
            )
        }
    }];
    all.extend(limit.breaks.as_ref().map(|promise| format!("{} breaks first", clean(promise))));
    if let (Some(name), Some(used)) = (&limit.busiest, limit.utilization) {
        all.push(format!("the busiest there is {}, {} by the forecast", clean(name), percent(used.min(1.0))));
    }
    if let Some(without) = &capacity.without {
        let name = clean(&without.node);
        all.push(match &without.limit {
            None => format!("{name} has one replica only, and without it nothing is carried"),
            Some(less) => format!("with a replica of {name} gone {}", carried(less)),
        });
    }
    all.extend(capacity.toward.as_ref().map(told));
    all.join("; ")
}

fn carried(limit: &Limit) -> String {
    match limit.per_s.value {
        Some(_) if limit.at_least => format!("at least {}", within(limit.per_s)),
        Some(_) => format!("up to {}", within(limit.per_s)),
        None => "no load that was tried".into(),
    }
}

fn told(toward: &Toward) -> String {
    let wanted = format!("{}/s", plain(toward.per_s));
    let add: Vec<String> =
        toward.add.iter().map(|one| format!("{} {} → {}", clean(&one.node), one.from, one.to)).collect();
    match (toward.enough, add.is_empty()) {
        (true, true) => format!("{wanted} are carried as it is"),
        (true, false) => format!("{wanted} take more replicas: {}", add.join(", ")),
        (false, _) => format!("{wanted} are not carried with more replicas alone"),
    }
}

fn warnings(capacity: &Capacity) -> Vec<String> {
    let mut all = Vec::new();
    if capacity.limit.again > 0 {
        all.push(format!(
            "not monotone: {} of {} seeds broke a promise and kept all again at a larger load",
            capacity.limit.again, capacity.seeds
        ));
    }
    if capacity.limit.per_s.value.is_some_and(|x| x < capacity.today_per_s) {
        all.push(format!("today's load is {}/s, more than that", plain(capacity.today_per_s)));
    }
    all
}

fn tried(capacity: &Capacity) -> Sheet {
    let mut sheet = Sheet::new(&[("", 9), ("per s", 8), ("runs that keep all", 7), ("interval", 5)]);
    for (times, kept) in &capacity.limit.tried {
        let share = kept.value.unwrap_or(0.0);
        let tone = if share >= capacity.probability { Tone::Good } else { Tone::Bad };
        let ends = kept.ends().map_or(NONE.to_owned(), |(low, high)| format!("{} – {}", percent(low), percent(high)));
        let rate = plain(times * capacity.today_per_s);
        sheet
            .push(&format!("{} × today", plain(*times)), [rate.into(), Cell::toned(percent(share), tone), ends.into()]);
    }
    sheet
}

fn added(toward: &Toward) -> Sheet {
    let mut sheet = Sheet::new(&[("", 9), ("replicas", 8), ("cores each", 6)]);
    for one in &toward.add {
        let cores = one.cores_each.map_or(NONE.to_owned(), plain);
        sheet.push(&clean(&one.node), [format!("{} → {}", one.from, one.to).into(), cores.into()]);
    }
    sheet.note = Some(format!("then {} of runs keep all promises", toward.kept.value.map_or(NONE.to_owned(), percent)));
    sheet
}

fn notes(capacity: &Capacity) -> Vec<String> {
    let mut all = vec![format!(
        "the capacity: as far as {} of the runs keep all promises, at it and at every load tried below; the same seeds at every load",
        percent(capacity.probability)
    )];
    if let Some(users) = capacity.users {
        all.push(format!(
            "a load test of so much keeps {} requests under way (rate × mean latency): it takes more virtual users than that",
            plain(users)
        ));
    }
    all
}

fn figures(capacity: &Capacity) -> Vec<Figure> {
    let mut all = Vec::new();
    let mut add = |section, name: String, metric: &str, unit, value, count| {
        all.push(Figure { section, name, metric: metric.to_owned(), unit, value, count });
    };
    let runs = Some(u64::from(capacity.seeds));
    add("limit", capacity.grown.join(" "), "per_s", "1/s", capacity.limit.per_s, runs);
    for (times, kept) in &capacity.limit.tried {
        add("tried", plain(*times), "kept", "share", *kept, runs);
    }
    if let Some((without, limit)) = capacity.without.as_ref().and_then(|one| Some((one, one.limit.as_ref()?))) {
        add("without", without.node.clone(), "per_s", "1/s", limit.per_s, runs);
    }
    for one in capacity.toward.iter().flat_map(|toward| &toward.add) {
        add("toward", one.node.clone(), "replicas", "1", Estimate::point(f64::from(one.to)), None);
    }
    all
}

//! How much load is carried: the capacity in a sentence, every load that was tried, what a wanted load takes.

use crate::experiment::capacity::{Back, Capacity, Generator, Gone, Limit, SCOUTS, Toward, Without};
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
    page.heading.push(runs(capacity));
    if let Some(test) = &capacity.generator {
        let title = format!("latency in a load test of {}/s by {} virtual users, ms", plain(test.per_s), test.users);
        page.tables.push((title, tested(test)));
    }
    if let Some(toward) = &capacity.toward {
        page.tables.push((format!("what {}/s take", plain(toward.per_s)), added(toward)));
    }
    page
}

/// How many runs a load had, and why more than were asked for.
fn runs(capacity: &Capacity) -> String {
    let (seeds, asked) = (capacity.seeds, capacity.head.replications);
    let beyond =
        if seeds > SCOUTS && !capacity.limit.at_least { format!(", {SCOUTS} beyond the limit") } else { String::new() };
    if seeds > asked {
        let sure = percent(capacity.probability);
        return format!("{seeds} runs at each load{beyond}; not {asked}: fewer have no interval of what {sure} keep");
    }
    format!("{seeds} runs at each load{beyond}")
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
        (None, _) => {
            let least = limit.tried.first().map_or(0.0, |(times, _)| times * capacity.today_per_s);
            format!(
                "{who}: not even the least load that was tried, {}/s, keeps the promises in {sure} of runs",
                plain(least)
            )
        }
        (Some(x), true) => format!("{who}: at least {}/s, the largest load that was tried", plain(x)),
        (Some(_), false) => {
            let times = limit.times.value.map(|times| format!(", {} times today's", plain(times)));
            format!(
                "{who}: up to {}{}, a run keeps its promises with {sure}",
                within(limit.per_s),
                times.unwrap_or_default()
            )
        }
    }];
    all.extend(limit.breaks.as_ref().map(|promise| format!("{} breaks first", clean(promise))));
    if let (Some(name), Some(used)) = (&limit.busiest, limit.utilization) {
        all.push(format!("the busiest there is {}, {} by the forecast", clean(name), percent(used.min(1.0))));
    }
    all.extend(capacity.back.as_ref().and_then(told_back));
    all.extend(capacity.without.iter().map(without));
    all.extend(capacity.toward.as_ref().map(told));
    all.join("; ")
}

/// The way back, where it is another than the way up.
fn told_back(back: &Back) -> Option<String> {
    if back.never {
        return Some("after a spike most runs stay down at every load that was tried".into());
    }
    match (back.per_s.value, back.per_s.low, back.per_s.high) {
        (Some(_), ..) => Some(format!("after a spike half of the runs stay down from {} on", within(back.per_s))),
        (None, Some(low), Some(high)) => {
            let (low, high) = (plain(low), plain(high));
            Some(format!("after a spike it comes back up to {low}/s, and from {high}/s on most runs stay down"))
        }
        (None, None, Some(high)) => Some(format!("after a spike most runs stay down from {}/s on", plain(high))),
        _ => None,
    }
}

fn without(without: &Without) -> String {
    match (&without.gone, &without.limit) {
        (Gone::ReplicaOf(node), None) => {
            format!("{} has one replica only, and without it nothing is carried", clean(node))
        }
        (Gone::ReplicaOf(node), Some(less)) => format!("with a replica of {} gone {}", clean(node), carried(less)),
        (Gone::Zone(zone), less) => {
            let left = less.as_ref().map_or_else(|| NONE.to_owned(), carried);
            format!("with zone {} gone {left}", clean(zone))
        }
    }
}

fn carried(limit: &Limit) -> String {
    match limit.per_s.value {
        Some(_) if limit.at_least => format!("at least {}", within(limit.per_s)),
        Some(_) => format!("up to {}", within(limit.per_s)),
        None => "no load that was tried is carried".into(),
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
    if capacity.partial {
        let missing = &capacity.missing;
        let missing = if missing.is_empty() { String::new() } else { format!("; not known: {}", missing.join(", ")) };
        all.push(format!("stopped before everything was run: what is told is what was known{missing}"));
    }
    let rate = |times: f64| format!("{}/s", plain(times * capacity.today_per_s));
    all.extend(capacity.limit.rises.iter().map(|[below, above]| {
        let (below, above) = (rate(*below), rate(*above));
        format!("not monotone: more runs keep all promises at {above} than at {below}")
    }));
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

const PERCENTILES: [&str; 3] = ["p50", "p99", "p99.9"];

fn tested(test: &Generator) -> Sheet {
    let mut sheet = Sheet::new(&[("", 9), ("p50", 8), ("p99", 8), ("p99.9", 7)]);
    let told = |one: &Estimate| Cell::from(one.value.map_or_else(|| NONE.to_owned(), plain));
    sheet.push("since it should have been sent", test.late.corrected_ms.iter().map(told));
    sheet.push("since it was sent", test.late.uncorrected_ms.iter().map(told));
    sheet.note = Some(format!(
        "{} virtual users are busy on average, at most {} at once; with {} a generator that drops what finds none drops {}, and one that sends it late shows this",
        test.busy.value.map_or_else(|| NONE.to_owned(), plain),
        test.most,
        test.users,
        test.dropped_share.value.map_or_else(|| NONE.to_owned(), percent)
    ));
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
    if let Some(back) = &capacity.back {
        let spike = format!("{} for {} s, then the load as before", clean(&back.spike), plain(back.length_s));
        all.push(match told_back(back) {
            Some(_) => format!("the spike: {spike}; stays down: as `hoptax recover` says it"),
            None => format!("after a spike ({spike}) most runs come back at every load up to that"),
        });
    }
    all.extend(capacity.generator.as_ref().map(|_| {
        "the load test: a virtual user is busy with a request until its answer is there; uncorrected latencies count from when a request was sent, not from when it should have been".into()
    }));
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
    for (without, limit) in capacity.without.iter().filter_map(|one| Some((one, one.limit.as_ref()?))) {
        let (Gone::ReplicaOf(name) | Gone::Zone(name)) = &without.gone;
        add("without", name.clone(), "per_s", "1/s", limit.per_s, runs);
    }
    if let Some(back) = &capacity.back {
        add("back", back.spike.clone(), "per_s", "1/s", back.per_s, None);
    }
    if let Some(test) = &capacity.generator {
        add("generator", test.client.clone(), "busy", "1", test.busy, None);
        add("generator", test.client.clone(), "dropped_share", "share", test.dropped_share, None);
        for (nth, name) in PERCENTILES.iter().enumerate() {
            add("generator", format!("corrected {name}"), "latency_ms", "ms", test.late.corrected_ms[nth], None);
            add("generator", format!("uncorrected {name}"), "latency_ms", "ms", test.late.uncorrected_ms[nth], None);
        }
    }
    for one in capacity.toward.iter().flat_map(|toward| &toward.add) {
        add("toward", one.node.clone(), "replicas", "1", Estimate::point(f64::from(one.to)), None);
    }
    all
}

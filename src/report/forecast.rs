//! The forecast that `check` prints: what is offered to each node, before anything runs.

use super::number::{count, percent, plain, time};
use super::sheet::{Cell, Sheet, Tone};
use super::table::Style;
use super::text::clean;
use crate::diag::nouns;
use crate::scenario::{ConsumerForecast, Forecast, NodeForecast, Shared, SharedKind};

/// A row per node: requests, work, utilisation, workers held, and the least an answer takes.
pub fn render(forecast: &Forecast, style: Style) -> String {
    let mut sheet = Sheet::new(&[
        ("forecast", 9),
        ("req/s", 8),
        ("work", 7),
        ("erlangs", 4),
        ("workers", 5),
        ("utilised", 9),
        ("held", 6),
        ("answer ≥", 6),
        ("tries ≤", 3),
    ]);
    for node in &forecast.nodes {
        sheet.push(&node.name, cells(node));
    }
    let mut lines = sheet.lines(style.width, style.color);
    let sentences = lines.len();
    lines.push(String::new());
    for (client, rate) in &forecast.clients {
        lines.push(format!("{client} offers {} requests/s on average", plain(*rate)));
    }
    lines.extend(forecast.consumers.iter().map(consumer));
    for (database, pooled, takes) in &forecast.databases {
        let pools: Vec<String> = forecast.shared.iter().filter(|s| s.to == *database).filter_map(pool).collect();
        let takes = takes.map_or_else(String::new, |takes| format!("; it takes {}", count(u64::from(takes))));
        lines.push(format!("{database}: {} pooled connections{takes} ({})", count(*pooled), pools.join(", ")));
    }
    lines.extend(forecast.shared.iter().filter_map(narrow));
    lines.push(format!("about {} events per replication", count(forecast.events as u64)));
    lines[sentences..].iter_mut().for_each(|line| *line = clean(line));
    lines.join("\n") + "\n"
}

/// Consumers: what comes, and how busy that keeps them.
fn consumer(consumer: &ConsumerForecast) -> String {
    let ConsumerForecast { from, group, service, rate, pool, members, partitions, peak_utilization, .. } = consumer;
    let group = group.as_ref().map_or_else(String::new, |group| format!("/{group}"));
    let of = partitions
        .map_or_else(String::new, |p| format!(" for {} {}", count(u64::from(p)), nouns(u64::from(p), "partition")));
    let rate = plain(*rate);
    let members = match pool {
        Some(pool) => format!("the {} {} of {pool}", count(*members), nouns(*members, "worker")),
        None => format!("{} {}", count(*members), nouns(*members, "consumer")),
    };
    format!(
        "{service} handles {rate} messages/s of {from}{group} with {members}{of}, {} busy",
        percent(*peak_utilization)
    )
}

/// A caller's pool, and how much of it is in use.
fn pool(shared: &Shared) -> Option<String> {
    let told = || format!("{}: {}, {} in use", shared.from, plain(shared.room), percent(shared.used / shared.room));
    (shared.kind == SharedKind::Pool).then(told)
}

/// A link, or connections that may run short.
fn narrow(shared: &Shared) -> Option<String> {
    let Shared { kind, from, to, room, used, peak } = shared;
    let full = if used > room { "more than all".to_owned() } else { percent(used / room) };
    match kind {
        SharedKind::Link => Some(format!("{from} -> {to}: {full} of its bandwidth in use")),
        SharedKind::Connections(transport) if *peak > room / 2.0 => {
            let connections = nouns(room.round() as u64, "connection");
            Some(format!("{from} -> {to}: {full} of its {} {transport} {connections} in use", plain(*room)))
        }
        _ => None,
    }
}

fn cells(node: &NodeForecast) -> [Cell; 8] {
    let full = |share: f64| {
        let text = if share == 0.0 { "–".to_owned() } else { percent(share) };
        Cell::toned(
            text,
            if share >= 1.0 {
                Tone::Bad
            } else if share >= 0.8 {
                Tone::Odd
            } else {
                Tone::Plain
            },
        )
    };
    [
        plain(node.rate).into(),
        time(node.work_ms).into(),
        plain(node.offered).into(),
        node.workers.map_or_else(|| "∞".to_owned(), |w| count(w as u64)).into(),
        full(node.peak_utilization),
        full(node.held),
        time(node.response_ms).into(),
        node.worst_attempts.to_string().into(),
    ]
}

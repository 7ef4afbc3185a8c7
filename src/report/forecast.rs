//! The forecast that `check` prints: what is offered to each node, before anything runs.

use super::number::{count, percent, plain, time};
use super::sheet::{Cell, Sheet, Tone};
use super::table::{Style, WIDTH};
use crate::scenario::{Forecast, NodeForecast};

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
    let mut lines = sheet.lines(WIDTH, style.color);
    lines.push(String::new());
    for (client, rate) in &forecast.clients {
        lines.push(format!("{client} offers {} requests/s on average", plain(*rate)));
    }
    lines.push(format!("about {} events per replication", count(forecast.events as u64)));
    lines.join("\n") + "\n"
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

//! What autoscalers did: a row for each node that has one.

use std::collections::BTreeMap;

use super::content::{left_out, worst_first};
use super::number::{level, percent, plain};
use super::sheet::{Cell, Sheet};
use crate::experiment::summary::{Autoscaled, Node};

/// Nodes that were scaled: replicas on average and at most, and what the autoscaler saw, on average and at most.
pub(super) fn sheet(nodes: &BTreeMap<String, Node>, shown: usize) -> Sheet {
    let columns =
        [("autoscaled", 9), ("replicas", 8), ("most", 7), ("metric", 6), ("target", 5), ("seen", 4), ("peak", 3)];
    let mut sheet = Sheet::new(&columns);
    let scaled: Vec<_> =
        nodes.iter().filter_map(|(name, node)| Some((name, node, node.replicas.autoscale.as_ref()?))).collect();
    sheet.note = left_out(scaled.len(), shown);
    let over = |one: &(&String, &Node, &Autoscaled)| [seen(one.2).1.unwrap_or(0.0) / one.2.target];
    for (name, node, told) in worst_first(scaled, over).into_iter().take(shown) {
        let value = |value: f64| if matches!(&*told.metric, "cpu" | "workers") { percent(value) } else { plain(value) };
        let (mean, peak) = seen(told);
        let replicas = [Cell::figure(node.replicas.mean, level), node.replicas.max.to_string().into()];
        let figure = |figure: Option<f64>| figure.map_or_else(|| "–".to_owned(), value);
        let [replicas, most] = replicas;
        let seen = [told.metric.to_string(), value(told.target), figure(mean), figure(peak)];
        sheet.push(name, [replicas, most].into_iter().chain(seen.map(Into::into)));
    }
    sheet
}

/// What an autoscaler saw: on average over its looks, and the highest mean of a stretch.
fn seen(told: &Autoscaled) -> (Option<f64>, Option<f64>) {
    let all: Vec<f64> = told.timeline.iter().filter_map(|strength| strength.metric).collect();
    let mean = (!all.is_empty()).then(|| all.iter().sum::<f64>() / all.len() as f64);
    (mean, all.into_iter().reduce(f64::max))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::summary::{Estimate, Replicas, Strength};
    use crate::report::text::width;

    #[test]
    fn only_nodes_that_were_scaled_have_a_row() {
        let strength = |metric| Strength { metric, ..Strength::default() };
        let timeline = vec![strength(Some(0.5)), strength(None), strength(Some(0.9))];
        let told = Autoscaled { metric: "workers".into(), target: 0.6, timeline };
        let replicas = Replicas { mean: Estimate::point(3.5), max: 5, autoscale: Some(told), apart: None };
        let mut nodes = BTreeMap::from([("stock".to_owned(), Node::default())]);
        assert!(sheet(&nodes, 9).rows.is_empty());
        nodes.insert("orders".into(), Node { replicas, ..Node::default() });
        let sheet = sheet(&nodes, 9);
        let row: Vec<&str> = sheet.rows[0].iter().map(|cell| cell.text.as_str()).collect();
        assert_eq!(row, ["orders", "3.50", "5", "workers", "60.0 %", "70.0 %", "90.0 %"]);
        assert!(sheet.lines(80, false).iter().all(|line| width(line) <= 80));
    }
}

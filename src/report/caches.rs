//! What looks into caches found: a row for each cache.

use std::collections::BTreeMap;

use super::content::{left_out, worst_first};
use super::number::{count, percent};
use super::sheet::{Cell, Sheet};
use crate::experiment::summary::{CacheFigures, Node};

/// All caches among the nodes.
pub fn sheet(nodes: &BTreeMap<String, Node>, shown: usize) -> Sheet {
    let mut sheet = Sheet::new(&[("caches", 9), ("looks", 6), ("hits", 8), ("misses", 8), ("hit rate", 9)]);
    let all: Vec<_> = nodes.iter().filter_map(|(name, node)| Some((name, node.cache?))).collect();
    sheet.note = left_out(all.len(), shown);
    let missed = |one: &(&String, CacheFigures)| [one.1.misses as f64];
    for (name, cache) in worst_first(all, missed).into_iter().take(shown) {
        let (looks, rate) = (count(cache.hits + cache.misses), Cell::figure(cache.hit_rate, percent));
        sheet.push(name, [looks.into(), count(cache.hits).into(), count(cache.misses).into(), rate]);
    }
    sheet
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::summary::Estimate;

    #[test]
    fn caches_have_rows_and_other_nodes_have_none() {
        let mut nodes: BTreeMap<String, Node> = BTreeMap::new();
        nodes.insert("orders".into(), Node::default());
        assert!(sheet(&nodes, 9).rows.is_empty());
        let cache = CacheFigures { hits: 30, misses: 10, hit_rate: Estimate::between(0.75, 0.7, 0.8) };
        nodes.insert("prices".into(), Node { cache: Some(cache), ..Node::default() });
        let told = sheet(&nodes, 9);
        let texts: Vec<&str> = told.rows[0].iter().map(|cell| cell.text.as_str()).collect();
        assert_eq!(texts[..4], ["prices", "40", "30", "10"]);
        assert!(texts[4].starts_with("75"), "{texts:?}");
    }
}

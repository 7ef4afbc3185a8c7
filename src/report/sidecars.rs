//! The sidecars of a mesh in one row: there are as many as services, and one is much like the other.

use super::content::used;
use super::number::{NONE, count, level, percent, time};
use super::sheet::{Cell, Tone};
use crate::experiment::summary::{Estimate, Node};

/// Fewer than this many have a row each.
const SEVERAL: usize = 4;

/// Sidecars that are told together.
pub(super) struct Sidecars<'s> {
    all: Vec<(&'s String, &'s Node)>,
}

impl<'s> Sidecars<'s> {
    /// Takes the sidecars out of `nodes`, if they are several; whoever asks for `every` node has them one by one.
    pub(super) fn take(nodes: &mut Vec<(&'s String, &'s Node)>, every: bool) -> Option<Self> {
        let is = |(name, _): &(&String, &Node)| {
            name.starts_with("sidecar:") || *name == "ztunnel" || name.starts_with("ztunnel:")
        };
        let all: Vec<_> = nodes.iter().copied().filter(is).collect();
        if every || all.len() < SEVERAL {
            return None;
        }
        nodes.retain(|node| !is(node));
        Some(Self { all })
    }

    /// What they are called together.
    pub(super) fn name(&self) -> String {
        format!("{} sidecars", self.all.len())
    }

    /// What their row says, for under the table.
    pub(super) fn note(&self, sums: &str) -> String {
        format!("{}: {sums} of all, the rest of {}, the most used", self.name(), self.busiest().0)
    }

    /// Their row among the nodes.
    pub(super) fn figures(&self) -> [Cell; 8] {
        let busiest = self.busiest().1;
        let span = |e: Estimate| Cell::figure(e, time);
        let sum = |of: fn(&Node) -> Estimate| Cell::from(level(self.sum(|node| of(node).value.unwrap_or(0.0))));
        [
            used(busiest),
            sum(|node| node.mean_busy),
            sum(|node| node.mean_working),
            sum(|node| node.mean_queue),
            span(busiest.wait_ms.p99),
            span(busiest.sojourn_ms.p50),
            span(busiest.sojourn_ms.p99),
            count(self.all.iter().map(|(_, node)| node.refused).sum()).into(),
        ]
    }

    /// Their row among the layers, in so many seconds of measured time.
    pub(super) fn layer(&self, time: f64) -> [Cell; 4] {
        let wasted = self.sum(|node| node.wasted_work_s);
        let share = self.all.iter().filter_map(|(_, node)| node.wasted_share.value).fold(0.0, f64::max);
        let arrivals: u64 = self.all.iter().map(|(_, node)| node.arrivals).sum();
        let none = |told: String, some: bool| if some { told } else { NONE.into() };
        [
            count(arrivals).into(),
            NONE.into(),
            none(level(wasted / time), wasted > 0.0).into(),
            Cell::toned(none(percent(share), share > 0.0), Tone::Plain),
        ]
    }

    fn sum(&self, of: impl Fn(&Node) -> f64) -> f64 {
        self.all.iter().map(|(_, node)| of(node)).sum()
    }

    fn busiest(&self) -> (&'s String, &'s Node) {
        let used = |node: &Node| node.utilization.value.unwrap_or(0.0);
        let mut all = self.all.iter().copied();
        let Some(first) = all.next() else { unreachable!("there are several") };
        all.fold(first, |most, node| if used(node.1) > used(most.1) { node } else { most })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::report::content::nodes;
    use crate::report::sample;

    #[test]
    fn sidecars_have_one_row_that_names_the_busiest() {
        let named = |name: String, used: f64| (name, sample::node(used, 2));
        let mut all: BTreeMap<String, Node> = (0..25)
            .map(|i| named(format!("sidecar:n{i:02}"), f64::from(i) / 100.0))
            .chain((0..5).map(|i| named(format!("n{i}"), 0.01)))
            .collect();
        let sheet = nodes(&all, false);
        let names: Vec<&str> = sheet.rows.iter().map(|row| row[0].text.as_str()).collect();
        assert_eq!(names, ["n0", "n1", "n2", "n3", "n4", "25 sidecars"]);
        assert_eq!(sheet.rows[5][1].text, "24.0 %");
        assert!(sheet.note.unwrap().contains("sidecar:n24, the most used"));
        assert_eq!(nodes(&all, true).rows.len(), 30, "all are there for who asks");
        all.retain(|name, _| !name.starts_with("sidecar") || name.as_str() < "sidecar:n03");
        assert_eq!(nodes(&all, false).rows.len(), 8, "three are told one by one");
    }
}

//! Work done for nobody, by node.
//!
//! A request knows how much work was done for it in all, and its ledger where its time went. `work` and `encode` are work
//! to the nanosecond; a database's or a gateway's time is not told apart further, so they share what is left of the work.
//! Branches that the ledger does not follow count as those it does.

use crate::model::{Cause, Cell, NodeId};
use crate::units::Span;

/// Tells how much of the `wasted` work was done by whom.
pub(super) fn spread(
    wasted: Span,
    parts: impl Iterator<Item = (Cell, Span)> + Clone,
    mut tell: impl FnMut(NodeId, f64),
) {
    let is_work = |cell: Cell| matches!(cell.cause(), Cause::Work | Cause::Encode);
    let may_be = |cell: Cell| matches!(cell.cause(), Cause::Database | Cause::Gateway);
    let sum = |of: &dyn Fn(Cell) -> bool| parts.clone().filter(|p| of(p.0)).map(|p| p.1.0 as f64).sum::<f64>();
    let (all, sure, unsure) = (wasted.0 as f64, sum(&is_work), sum(&may_be));
    let (surely, perhaps) = match (sure, unsure) {
        (sure, unsure) if unsure > 0.0 && all > sure => (1.0, (all - sure) / unsure),
        (sure, _) if sure > 0.0 => (all / sure, 0.0),
        _ => return,
    };
    for (cell, span) in parts {
        let share = if is_work(cell) { surely } else { perhaps * f64::from(u8::from(may_be(cell))) };
        if share > 0.0 {
            tell(cell.node(), span.0 as f64 * share);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(wasted: u64, parts: &[(u32, Cause, u64)]) -> Vec<(u32, f64)> {
        let parts = parts.iter().map(|(node, cause, nanos)| (Cell::new(NodeId(*node), *cause), Span(*nanos)));
        let mut told = Vec::new();
        spread(Span(wasted), parts, |node, nanos| told.push((node.0, nanos)));
        told
    }

    #[test]
    fn work_is_told_by_node() {
        let row = [(0, Cause::Work, 5), (1, Cause::Queue, 90), (1, Cause::Work, 7), (0, Cause::Network, 9)];
        assert_eq!(told(12, &row), [(0, 5.0), (1, 7.0)]);
    }

    #[test]
    fn a_database_has_what_is_left() {
        assert_eq!(told(8, &[(0, Cause::Work, 5), (1, Cause::Database, 100)]), [(0, 5.0), (1, 3.0)]);
    }

    #[test]
    fn branches_off_the_ledger_count_as_those_on_it() {
        assert_eq!(told(30, &[(0, Cause::Work, 5), (1, Cause::Work, 10)]), [(0, 10.0), (1, 20.0)]);
        assert!(told(0, &[(0, Cause::Queue, 5)]).is_empty());
    }
}

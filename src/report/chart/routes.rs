//! How arrows go from box to box: across a layer straight, between two layers in a curve, so that none runs behind a box.
//!
//! Boxes stand in columns. Where an arrow passes a column that is not its own it does so at the height that the layout kept free
//! for it; what turns does it in the paper between columns, where no box stands. Arrows that meet at one side of a box share its
//! height.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::layers::{At, Placed, Wanted};

/// How far from the ends of a side the first and the last arrow meet it.
const CORNER: f64 = 9.0;

/// An arrow's line.
#[derive(Clone, Debug, Default)]
pub(super) struct Route {
    /// Places it goes through, each straight to the next or, where the next is of another height, in a curve.
    pub(super) points: Vec<At>,
}

impl Route {
    /// Where it ends, and whether it comes from the left (1) or the right (−1).
    pub(super) fn end(&self) -> Option<(At, f64)> {
        let [.., before, end] = self.points[..] else { return None };
        Some((end, if end.0 >= before.0 { 1.0 } else { -1.0 }))
    }

    /// As a path that ends so much before its end.
    pub(super) fn path(&self, short: f64) -> String {
        let (Some((end, way)), Some(first)) = (self.end(), self.points.first()) else { return String::new() };
        let mut path = format!("M{:.1} {:.1}", first.0, first.1);
        for pair in self.points.windows(2) {
            let ((x, y), (mut to, down)) = (pair[0], pair[1]);
            if pair[1] == end {
                to -= way * short;
            }
            if (y - down).abs() < 0.05 {
                let _ = write!(path, "L{to:.1} {down:.1}");
            } else {
                let middle = f64::midpoint(x, to);
                let _ = write!(path, "C{middle:.1} {y:.1} {middle:.1} {down:.1} {to:.1} {down:.1}");
            }
        }
        path
    }
}

/// Left and right of a column of boxes.
type Column = (f64, f64);

/// By arrow its line. `inset` says of a box how far its outline stands back from its side, at a height from its middle.
pub(super) fn routes(wanted: &Wanted, placed: &Placed, inset: impl Fn(usize, f64) -> f64) -> Vec<Route> {
    let columns = columns(wanted, placed);
    let ports = ports(wanted, placed);
    let route = |(nth, (from, to, label)): (usize, &(usize, usize, At))| {
        let (points, place) = &placed.arrows[nth];
        let (start, end) = (placed.boxes[*from], placed.boxes[*to]);
        let way = if end.0 >= start.0 { 1.0 } else { -1.0 };
        let mut all = Vec::new();
        let [leaves, comes] = ports[nth];
        let side = |at: usize, down: f64, way: f64| {
            let ((x, y), (wide, _)) = (placed.boxes[at], wanted.boxes[at]);
            (x + way * (wide / 2.0 - inset(at, down)), y + down)
        };
        // It begins beneath its box, whatever the outline of that.
        let (x, y) = side(*from, leaves, way);
        all.push((x - way * 4.0, y));
        let own = |at: usize| column(&columns, placed.boxes[at].0);
        all.extend(own(*from).map(|(left, right)| (if way > 0.0 { right } else { left }, y)));
        for (x, y) in points.iter().skip(1).take(points.len().saturating_sub(2)) {
            let label =
                place.filter(|place| (place.0 - x).abs() < 1.0 && (place.1 - y).abs() < 1.0).map(|_| label.0 / 2.0);
            let beside = label.map(|half| (x - half, x + half));
            let passes = |at: usize| (placed.boxes[at].0 - x).abs() >= 1.0;
            let through = column(&columns, *x).filter(|_| passes(*from) && passes(*to));
            // A label may stand where boxes do: then it is passed as they are.
            let both = |a: Column, b: Column| (a.0.min(b.0), a.1.max(b.1));
            let span = beside.zip(through).map(|(a, b)| both(a, b)).or(beside).or(through);
            if let Some((left, right)) = span {
                let (near, far) = if way > 0.0 { (left, right) } else { (right, left) };
                all.extend([(near, *y), (far, *y)]);
            }
        }
        let last = side(*to, comes, -way);
        all.extend(own(*to).map(|(left, right)| (if way > 0.0 { left } else { right }, last.1)));
        all.push(last);
        Route { points: forward(all, way) }
    };
    wanted.arrows.iter().enumerate().map(route).collect()
}

/// Without steps back, which labels wider than the paper between columns would ask for.
fn forward(points: Vec<At>, way: f64) -> Vec<At> {
    let mut all: Vec<At> = Vec::new();
    for (x, y) in points {
        let x = all.last().map_or(x, |last| if way > 0.0 { last.0.max(x) } else { last.0.min(x) });
        all.push((x, y));
    }
    all
}

/// The columns of boxes, by their middles.
fn columns(wanted: &Wanted, placed: &Placed) -> BTreeMap<i64, Column> {
    let mut all: BTreeMap<i64, Column> = BTreeMap::new();
    for ((x, _), (wide, _)) in placed.boxes.iter().zip(&wanted.boxes) {
        let (left, right) = (x - wide / 2.0 - CORNER, x + wide / 2.0 + CORNER);
        let column = all.entry(x.round() as i64).or_insert((left, right));
        *column = (column.0.min(left), column.1.max(right));
    }
    all
}

/// The column whose middle is there.
fn column(columns: &BTreeMap<i64, Column>, x: f64) -> Option<Column> {
    let at = x.round() as i64;
    columns.range(at - 1..=at + 1).next().map(|(_, column)| *column)
}

/// A box, and whether its right side is meant.
type Side = (usize, bool);

/// By arrow: how far from the middle of its box it leaves, and how far from the middle of the other it comes in. At each side in
/// the order of where arrows come from or go to.
fn ports(wanted: &Wanted, placed: &Placed) -> Vec<[f64; 2]> {
    let mut sides: BTreeMap<Side, Vec<(f64, usize, usize)>> = BTreeMap::new();
    for (nth, (from, to, _)) in wanted.arrows.iter().enumerate() {
        let right = placed.boxes[*to].0 >= placed.boxes[*from].0;
        let inner = &placed.arrows[nth].0;
        let towards = |at: Option<&At>, other: usize| at.map_or(placed.boxes[other].1, |point| point.1);
        let (after, before) = (inner.get(1), inner.len().checked_sub(2).and_then(|at| inner.get(at)));
        sides.entry((*from, right)).or_default().push((towards(after, *to), nth, 0));
        sides.entry((*to, !right)).or_default().push((towards(before, *from), nth, 1));
    }
    let mut all = vec![[0.0; 2]; wanted.arrows.len()];
    for ((at, _), mut met) in sides {
        met.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let high = (wanted.boxes[at].1 - 2.0 * CORNER).max(0.0);
        let each = high / met.len() as f64;
        for (place, (_, nth, end)) in met.iter().enumerate() {
            all[*nth][*end] = each * (place as f64 + 0.5) - high / 2.0;
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::super::layers::place;
    use super::*;

    fn wanted() -> Wanted {
        let pairs = (0..40usize).flat_map(|at| [at * 2 + 1, at * 3 + 5, at + 7].map(|to| (at, to)));
        let mut arrows: Vec<(usize, usize, At)> =
            pairs.filter(|(_, to)| *to < 40).map(|(from, to)| (from, to, (40.0, 14.0))).collect();
        arrows.push((39, 0, (0.0, 0.0)));
        let wide = |at: usize| 80.0 + 40.0 * (at % 4) as f64;
        Wanted { boxes: (0..40).map(|at| (wide(at), 40.0)).collect(), regions: vec![vec![1, 2, 5]], arrows }
    }

    /// Forty boxes of many widths, a hundred arrows and a circle: no line is within a box that it does not lead to.
    #[test]
    fn no_arrow_runs_behind_a_box() {
        let wanted = wanted();
        let placed = place(&wanted);
        let routes = routes(&wanted, &placed, |_, _| 0.0);
        for (route, (from, to, _)) in routes.iter().zip(&wanted.arrows) {
            for pair in route.points.windows(2) {
                let (left, right) = (pair[0].0.min(pair[1].0), pair[0].0.max(pair[1].0));
                let (top, bottom) = (pair[0].1.min(pair[1].1), pair[0].1.max(pair[1].1));
                for (at, ((x, y), (wide, high))) in placed.boxes.iter().zip(&wanted.boxes).enumerate() {
                    // Straight lines must keep off; what turns must be where no column is.
                    let beside = right <= x - wide / 2.0 + 0.1 || left >= x + wide / 2.0 - 0.1;
                    let off = bottom <= y - high / 2.0 + 0.1 || top >= y + high / 2.0 - 0.1;
                    assert!(at == *from || at == *to || beside || off, "{from} -> {to} behind {at}: {pair:?}");
                }
            }
        }
    }

    #[test]
    fn arrows_that_meet_share_a_side() {
        let arrows = vec![(0, 3, (0.0, 0.0)), (1, 3, (0.0, 0.0)), (2, 3, (0.0, 0.0))];
        let wanted = Wanted { boxes: vec![(80.0, 40.0); 4], regions: Vec::new(), arrows };
        let placed = place(&wanted);
        let mut ends: Vec<f64> =
            routes(&wanted, &placed, |_, _| 0.0).iter().filter_map(|route| Some(route.end()?.0.1)).collect();
        ends.sort_by(f64::total_cmp);
        assert!(ends.windows(2).all(|pair| pair[1] - pair[0] > 5.0), "{ends:?}");
    }

    #[test]
    fn a_line_begins_and_ends_where_it_should() {
        let route = Route { points: vec![(0.0, 0.0), (10.0, 0.0), (30.0, 8.0), (40.0, 8.0)] };
        assert_eq!(route.path(9.0), "M0.0 0.0L10.0 0.0C20.0 0.0 20.0 8.0 30.0 8.0L31.0 8.0");
        assert_eq!(route.end(), Some(((40.0, 8.0), 1.0)));
    }
}

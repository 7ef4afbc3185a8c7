//! Where things stand in a picture of what leads to what: in layers from left to right, by Sugiyama's method.
//!
//! The method is dagre's (<https://github.com/dagrejs/dagre>), which lays out Mermaid's diagrams too: layers by network simplex,
//! few crossings by barycentres, places by Brandes and Köpf; regions and room for labels included. Nothing here knows what a
//! service is.

use dagre::graph::{Graph, GraphOptions};
use dagre::{EdgeLabel, LayoutOptions, NodeLabel, RankDir, layout};

/// A place, points.
pub(super) type At = (f64, f64);

/// What is to be placed.
#[derive(Clone, Debug, Default)]
pub(super) struct Wanted {
    /// Width and height of each box.
    pub(super) boxes: Vec<(f64, f64)>,
    /// Boxes that stand in a region each, by their positions; no box in two.
    pub(super) regions: Vec<Vec<usize>>,
    /// From box to box, and the size of what stands at the arrow.
    pub(super) arrows: Vec<(usize, usize, (f64, f64))>,
}

/// Where it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Placed {
    /// Centres of the boxes.
    pub(super) boxes: Vec<At>,
    /// Centre and size of each region.
    pub(super) regions: Vec<(At, (f64, f64))>,
    /// The points that each arrow goes by, and where its label stands.
    pub(super) arrows: Vec<(Vec<At>, Option<At>)>,
}

/// Places everything, the first layer on the left, the least coordinate near zero. Where regions go through many layers, dagre
/// 0.1.2 may forget boxes: constraints between regions that form a circle leave whom they hold without a place. Another order of
/// the regions has no such circle, of some hundred graphs of up to sixty boxes one of the first seven always; where none
/// stands, there are no regions.
pub(super) fn place(wanted: &Wanted) -> Placed {
    let turns = 0..if wanted.regions.is_empty() { 1 } else { TURNS };
    let found = turns.map(|turn| attempt(wanted, turn)).find(|placed| stands(wanted, placed));
    found.unwrap_or_else(|| attempt(&Wanted { regions: Vec::new(), ..wanted.clone() }, 0))
}

/// Orders of the regions that are tried.
const TURNS: usize = 8;

/// Whether no box lies on another, every region holds its own and nothing else, and no region lies on another.
fn stands(wanted: &Wanted, placed: &Placed) -> bool {
    let all: Vec<(At, At)> = placed.boxes.iter().copied().zip(wanted.boxes.iter().copied()).collect();
    let holds = |(own, region): (&Vec<usize>, &(At, At))| {
        (0..all.len()).all(|at| if own.contains(&at) { contains(*region, all[at]) } else { apart(*region, all[at]) })
    };
    let each_apart = |all: &[(At, At)]| (0..all.len()).all(|at| all[..at].iter().all(|other| apart(all[at], *other)));
    each_apart(&all) && each_apart(&placed.regions) && wanted.regions.iter().zip(&placed.regions).all(holds)
}

/// What is not told apart, points.
const NOTHING: f64 = 0.1;

/// Whether two do not overlap, each with its centre and size.
fn apart((a, size): (At, At), (b, other): (At, At)) -> bool {
    let far = |a: f64, b: f64, one: f64, other: f64| (a - b).abs() >= f64::midpoint(one, other) - NOTHING;
    far(a.0, b.0, size.0, other.0) || far(a.1, b.1, size.1, other.1)
}

/// Whether the second lies within the first.
fn contains((a, size): (At, At), (b, other): (At, At)) -> bool {
    (a.0 - b.0).abs() <= (size.0 - other.0) / 2.0 + NOTHING && (a.1 - b.1).abs() <= (size.1 - other.1) / 2.0 + NOTHING
}

/// Places everything with the regions in one of several orders: turned, and every other time from behind.
fn attempt(wanted: &Wanted, turn: usize) -> Placed {
    let mut graph = Graph::with_options(GraphOptions { directed: true, multigraph: true, compound: true });
    for (at, (width, height)) in wanted.boxes.iter().enumerate() {
        let label = NodeLabel { width: *width, height: *height, ..NodeLabel::default() };
        graph.set_node(format!("n{at}"), Some(label));
    }
    let mut regions: Vec<usize> = (0..wanted.regions.len()).collect();
    regions.rotate_left((turn / 2) % wanted.regions.len().max(1));
    if turn % 2 == 1 {
        regions.reverse();
    }
    for nth in regions {
        let name = format!("r{nth}");
        graph.set_node(name.clone(), Some(NodeLabel::default()));
        for at in &wanted.regions[nth] {
            graph.set_parent(&format!("n{at}"), Some(&name));
        }
    }
    for (nth, (from, to, (width, height))) in wanted.arrows.iter().enumerate() {
        let label = EdgeLabel { width: *width, height: *height, labelpos: Default::default(), ..EdgeLabel::default() };
        let name = format!("e{nth}");
        graph.set_edge(format!("n{from}"), format!("n{to}"), Some(label), Some(&name));
    }
    // Arrows turn between layers: beside what stands at them there must be room for that.
    let labelled = wanted.arrows.iter().any(|(.., (wide, _))| *wide > 0.0);
    let ranksep = if labelled { 112.0 } else { 64.0 };
    let options =
        LayoutOptions { rankdir: RankDir::LR, nodesep: 18.0, edgesep: 12.0, ranksep, ..LayoutOptions::default() };
    layout(&mut graph, Some(options));
    read(wanted, &graph)
}

fn read(wanted: &Wanted, graph: &Graph<NodeLabel, EdgeLabel>) -> Placed {
    let at = |name: &str| graph.node(name).map_or((0.0, 0.0), |node| (node.x.unwrap_or(0.0), node.y.unwrap_or(0.0)));
    let size = |name: &str| graph.node(name).map_or((0.0, 0.0), |node| (node.width, node.height));
    let arrow = |(nth, (from, to, label)): (usize, &(usize, usize, (f64, f64)))| {
        let edge = graph.edge(&format!("n{from}"), &format!("n{to}"), Some(&format!("e{nth}")));
        let points = edge.map(|edge| edge.points.iter().map(|point| (point.x, point.y)).collect());
        let place = edge.filter(|_| label.0 > 0.0).and_then(|edge| Some((edge.x?, edge.y?)));
        (points.unwrap_or_default(), place)
    };
    Placed {
        boxes: (0..wanted.boxes.len()).map(|nth| at(&format!("n{nth}"))).collect(),
        regions: (0..wanted.regions.len()).map(|nth| format!("r{nth}")).map(|name| (at(&name), size(&name))).collect(),
        arrows: wanted.arrows.iter().enumerate().map(arrow).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(boxes: usize, arrows: &[(usize, usize)]) -> Wanted {
        let arrows = arrows.iter().map(|(from, to)| (*from, *to, (40.0, 14.0))).collect();
        Wanted { boxes: vec![(100.0, 30.0); boxes], regions: Vec::new(), arrows }
    }

    /// Forty boxes, each leading to three others, and a circle.
    fn many() -> Wanted {
        let arrows: Vec<(usize, usize)> = (0..40)
            .flat_map(|at| [at * 2 + 1, at * 3 + 5, at + 7].map(|to| (at, to)))
            .filter(|(_, to)| *to < 40)
            .collect();
        wanted(40, &[&arrows[..], &[(39, 0)]].concat())
    }

    #[test]
    fn callers_stand_left_of_callees() {
        let placed = place(&wanted(4, &[(0, 1), (1, 2), (0, 2), (2, 3)]));
        assert!(placed.boxes.windows(2).all(|pair| pair[0].0 + 100.0 < pair[1].0), "{placed:?}");
        assert!(placed.arrows.iter().all(|(points, label)| points.len() > 1 && label.is_some()));
    }

    #[test]
    fn no_two_boxes_overlap() {
        let placed = place(&many());
        for (at, (x, y)) in placed.boxes.iter().enumerate() {
            let apart = |(ox, oy): &At| (x - ox).abs() >= 99.9 || (y - oy).abs() >= 29.9;
            assert!(placed.boxes[..at].iter().all(apart), "{at}: {placed:?}");
        }
    }

    /// Teams whose services are spread over all layers, each leading some services further: at 40 the first order of the
    /// regions leaves ten boxes in a corner, on each other.
    #[test]
    fn regions_through_all_layers_hold_their_own() {
        for (boxes, teams) in [(15, 3), (32, 6), (40, 6)] {
            let arrows: Vec<(usize, usize)> =
                (0..boxes).flat_map(|at| [at + 2 + at * 7 % 5, at + 3 + at * 11 % 7].map(|to| (at, to))).collect();
            let arrows: Vec<(usize, usize)> = arrows.into_iter().filter(|(_, to)| *to < boxes).collect();
            let mut wanted = wanted(boxes, &arrows);
            wanted.regions = (0..teams).map(|team| (1..boxes).filter(|at| at % teams == team).collect()).collect();
            let placed = place(&wanted);
            assert!(stands(&wanted, &placed) && placed.regions.len() == teams, "{boxes} {teams}");
        }
    }

    /// A layout that is not one is seen as such: a box on another, one beside its region, a stranger within it.
    #[test]
    fn what_lies_on_another_is_seen() {
        let wanted = Wanted { regions: vec![vec![1, 2]], ..wanted(4, &[(0, 1), (1, 2), (0, 3)]) };
        let placed = place(&wanted);
        assert!(stands(&wanted, &placed));
        let moved = |from: usize, to: At| {
            let mut other = placed.clone();
            other.boxes[from] = to;
            stands(&wanted, &other)
        };
        assert!(
            !moved(0, placed.boxes[3])
                && !moved(1, (9_999.0, 0.0))
                && !moved(3, (placed.regions[0].0.0, placed.regions[0].0.1))
        );
    }

    #[test]
    fn the_same_stands_where_it_stood() {
        let placed = place(&many());
        assert!((0..4).all(|_| place(&many()) == placed));
    }

    #[test]
    fn a_region_holds_its_own() {
        let wanted = Wanted { regions: vec![vec![1, 2]], ..wanted(5, &[(0, 1), (1, 2), (0, 3), (3, 4)]) };
        let placed = place(&wanted);
        let ((x, y), (wide, high)) = placed.regions[0];
        let inside = |at: usize| {
            let (bx, by) = placed.boxes[at];
            (bx - x).abs() + 50.0 <= wide / 2.0 + 0.1 && (by - y).abs() + 15.0 <= high / 2.0 + 0.1
        };
        assert!(inside(1) && inside(2) && !inside(3) && !inside(4), "{placed:?}");
    }
}

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

/// Places everything, the first layer on the left, the least coordinate near zero.
pub(super) fn place(wanted: &Wanted) -> Placed {
    let mut graph = Graph::with_options(GraphOptions { directed: true, multigraph: true, compound: true });
    for (at, (width, height)) in wanted.boxes.iter().enumerate() {
        let label = NodeLabel { width: *width, height: *height, ..NodeLabel::default() };
        graph.set_node(format!("n{at}"), Some(label));
    }
    for (nth, inside) in wanted.regions.iter().enumerate() {
        let name = format!("r{nth}");
        graph.set_node(name.clone(), Some(NodeLabel::default()));
        for at in inside {
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

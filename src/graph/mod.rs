//! Who depends on whom: vertices with names, arrows with what is known of them, and the walks over both that everybody shares.
//!
//! The walks are petgraph's, chosen among those that need no recursion, because a chain of calls may be ten thousand long.
//! Vertices keep the order in which they came, and so do the arrows that leave one: what is told of a graph follows the file.
//!
//! ```
//! use hoptax::graph::Graph;
//!
//! let mut calls = Graph::new();
//! for (from, to) in [("users", "web"), ("web", "orders"), ("web", "stock"), ("orders", "db"), ("stock", "db")] {
//!     calls.connect(from, to, ());
//! }
//! // What every way from the users to the database goes through: a single point of failure.
//! assert_eq!(calls.dominators(&"users", &"db"), [&"web"]);
//! assert_eq!(calls.depths([&"users"])[&"db"], 3);
//! ```

mod name;

pub use name::{Arrow, End, group};

use std::collections::{BTreeMap, BTreeSet};

use petgraph::Direction;
use petgraph::algo::{dominators::simple_fast, kosaraju_scc};
use petgraph::graph::{DiGraph, EdgeIndex, NodeIndex};
use petgraph::visit::{Bfs, DfsPostOrder, EdgeFiltered, EdgeRef, IntoNeighbors, Reversed};

/// Vertices by name, and arrows from one to another; several may lead from one vertex to the same other.
#[derive(Clone, Debug)]
pub struct Graph<V, E> {
    inner: DiGraph<V, E>,
    at: BTreeMap<V, NodeIndex>,
    /// By vertex: its arrows in the order in which they came. petgraph has them the other way round.
    out: Vec<Vec<EdgeIndex>>,
}

/// A way that comes back to where it began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Circle<'g, V, E> {
    /// The vertices in order, the first again at the end.
    pub path: Vec<&'g V>,
    /// The arrow that closes it.
    pub closes: &'g E,
}

impl<V, E> Default for Graph<V, E> {
    fn default() -> Self {
        Self { inner: DiGraph::new(), at: BTreeMap::new(), out: Vec::new() }
    }
}

impl<V: Ord + Clone, E> Graph<V, E> {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The vertex of that name, from now on if there was none: the number of those that came before it.
    pub fn add(&mut self, name: V) -> usize {
        let Self { inner, at, out } = self;
        let index = *at.entry(name).or_insert_with_key(|name| {
            out.push(Vec::new());
            inner.add_node(name.clone())
        });
        index.index()
    }

    /// An arrow, after those that leave the same vertex already.
    pub fn connect(&mut self, from: V, to: V, edge: E) {
        let [from, to] = [from, to].map(|name| self.add(name));
        let edge = self.inner.add_edge(NodeIndex::new(from), NodeIndex::new(to), edge);
        self.out[from].push(edge);
    }

    /// How many vertices there are.
    pub fn len(&self) -> usize {
        self.out.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    /// The number of a vertex.
    pub fn find(&self, name: &V) -> Option<usize> {
        self.at.get(name).map(|index| index.index())
    }

    /// The name of a vertex.
    pub fn name(&self, vertex: usize) -> &V {
        &self.inner[NodeIndex::new(vertex)]
    }

    /// The vertices in the order of their names, from one on.
    pub fn named_from(&self, first: V) -> impl Iterator<Item = (&V, usize)> {
        self.at.range(first..).map(|(name, index)| (name, index.index()))
    }

    /// Where the arrows of a vertex lead, in their order.
    pub fn leaving(&self, vertex: usize) -> impl Iterator<Item = (usize, &E)> {
        (0..self.out[vertex].len()).filter_map(move |nth| self.arrow(vertex, nth))
    }

    fn arrow(&self, vertex: usize, nth: usize) -> Option<(usize, &E)> {
        let edge = *self.out[vertex].get(nth)?;
        let (_, to) = self.inner.edge_endpoints(edge)?;
        Some((to.index(), &self.inner[edge]))
    }

    /// All arrows with their ends, in the order in which they came.
    pub fn arrows(&self) -> impl Iterator<Item = (&V, &V, &E)> {
        self.inner.edge_indices().filter_map(|edge| {
            let (from, to) = self.inner.edge_endpoints(edge)?;
            Some((&self.inner[from], &self.inner[to], &self.inner[edge]))
        })
    }

    /// Every vertex after those that its arrows lead to, as far as circles allow. `counts` says which arrows do.
    pub fn callees_first(&self, counts: impl Fn(&E) -> bool) -> Vec<usize> {
        let counted = EdgeFiltered::from_fn(&self.inner, |edge| counts(edge.weight()));
        let mut walk = DfsPostOrder::empty(&counted);
        let mut order = Vec::with_capacity(self.len());
        for start in self.inner.node_indices() {
            walk.move_to(start);
            while let Some(vertex) = walk.next(&counted) {
                order.push(vertex.index());
            }
        }
        order
    }

    /// How many arrows it takes at least from one of the first to each vertex that can be reached.
    pub fn depths<'v>(&self, first: impl IntoIterator<Item = &'v V>) -> BTreeMap<&V, u32>
    where
        V: 'v,
    {
        let mut here: Vec<NodeIndex> = first.into_iter().filter_map(|name| self.at.get(name).copied()).collect();
        let mut depths: BTreeMap<&V, u32> = here.iter().map(|at| (&self.inner[*at], 0)).collect();
        let mut depth = 0;
        while !here.is_empty() {
            depth += 1;
            let next = here.iter().flat_map(|at| self.inner.neighbors(*at)).collect::<BTreeSet<_>>();
            here = next.into_iter().filter(|at| !depths.contains_key(&self.inner[*at])).collect();
            depths.extend(here.iter().map(|at| (&self.inner[*at], depth)));
        }
        depths
    }

    /// What can be reached from a vertex, itself included: what it depends on.
    pub fn reached_from(&self, name: &V) -> BTreeSet<&V> {
        let Some(start) = self.at.get(name) else { return BTreeSet::new() };
        let mut walk = Bfs::new(&self.inner, *start);
        std::iter::from_fn(|| walk.next(&self.inner)).map(|at| &self.inner[at]).collect()
    }

    /// From what a vertex can be reached, itself included: what depends on it.
    pub fn reaching(&self, name: &V) -> BTreeSet<&V> {
        let Some(start) = self.at.get(name) else { return BTreeSet::new() };
        let back = Reversed(&self.inner);
        let mut walk = Bfs::new(back, *start);
        std::iter::from_fn(|| walk.next(back)).map(|at| &self.inner[at]).collect()
    }

    /// What every way from one vertex to another goes through, in its order and without the two: without any of them the
    /// other cannot be reached. Empty where it cannot be reached at all.
    pub fn dominators(&self, from: &V, to: &V) -> Vec<&V> {
        let (Some(from), Some(to)) = (self.at.get(from), self.at.get(to)) else { return Vec::new() };
        let tree = simple_fast(&self.inner, *from);
        let above = tree.strict_dominators(*to).into_iter().flatten();
        let mut all: Vec<&V> = above.filter(|at| at != from).map(|at| &self.inner[at]).collect();
        all.reverse();
        all
    }

    /// Vertices that no arrow leads to, in their order.
    pub fn sources(&self) -> Vec<&V> {
        self.inner.externals(Direction::Incoming).map(|at| &self.inner[at]).collect()
    }

    /// Circles among the arrows that count, one for each arrow that closes one. `counts` is asked with both ends.
    pub fn circles(&self, counts: impl Fn(&V, &V, &E) -> bool) -> Vec<Circle<'_, V, E>> {
        if self.is_round(&counts) { self.closing(&counts) } else { Vec::new() }
    }

    /// Whether any vertices can be reached from one another.
    fn is_round(&self, counts: &impl Fn(&V, &V, &E) -> bool) -> bool {
        let counted = EdgeFiltered::from_fn(&self.inner, |edge| {
            counts(&self.inner[edge.source()], &self.inner[edge.target()], edge.weight())
        });
        let own = |at: NodeIndex| counted.neighbors(at).any(|to| to == at);
        kosaraju_scc(&counted).iter().any(|part| part.len() > 1 || own(part[0]))
    }

    /// Depth first in the order of the vertices: an arrow back to where the way came from closes a circle.
    fn closing(&self, counts: &impl Fn(&V, &V, &E) -> bool) -> Vec<Circle<'_, V, E>> {
        let mut found = Vec::new();
        let (mut seen, mut on_path) = (vec![false; self.len()], vec![false; self.len()]);
        for start in 0..self.len() {
            // A way of vertices, each with how many of its arrows were followed.
            let mut path: Vec<(usize, usize)> = Vec::new();
            let mut next = Some(start);
            loop {
                if let Some(at) = next.take().filter(|at| !std::mem::replace(&mut seen[*at], true)) {
                    path.push((at, 0));
                    on_path[at] = true;
                }
                let Some((at, followed)) = path.last_mut() else { break };
                let Some((to, edge)) = self.arrow(*at, *followed) else {
                    on_path[*at] = false;
                    path.pop();
                    continue;
                };
                *followed += 1;
                if !counts(self.name(*at), self.name(to), edge) {
                    continue;
                }
                if on_path[to] {
                    let circle = path.iter().map(|(at, _)| *at).skip_while(|at| *at != to).chain([to]);
                    found.push(Circle { path: circle.map(|at| self.name(at)).collect(), closes: edge });
                } else {
                    next = Some(to);
                }
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn graph(arrows: &[(u8, u8)]) -> Graph<u8, usize> {
        let mut graph = Graph::new();
        arrows.iter().enumerate().for_each(|(nth, (from, to))| graph.connect(*from, *to, nth));
        graph
    }

    #[test]
    fn arrows_leave_in_the_order_in_which_they_came() {
        let graph = graph(&[(1, 3), (1, 2), (1, 3), (0, 1)]);
        let leaving: Vec<(u8, usize)> = graph.leaving(0).map(|(to, nth)| (*graph.name(to), *nth)).collect();
        assert_eq!(leaving, [(3, 0), (2, 1), (3, 2)]);
        assert_eq!((graph.len(), graph.find(&0), graph.find(&9)), (4, Some(3), None));
        assert_eq!(graph.arrows().map(|(from, to, _)| (*from, *to)).last(), Some((0, 1)));
        assert_eq!(graph.sources(), [&0]);
    }

    #[test]
    fn a_diamond_has_two_ways_and_a_bridge_one() {
        // 0 → 1 → {2, 3} → 4 → 5
        let graph = graph(&[(0, 1), (1, 2), (1, 3), (2, 4), (3, 4), (4, 5)]);
        assert_eq!(graph.dominators(&0, &5), [&1, &4]);
        assert_eq!(graph.dominators(&0, &4), [&1]);
        assert!(graph.dominators(&0, &1).is_empty() && graph.dominators(&5, &0).is_empty());
        assert!(graph.dominators(&0, &9).is_empty() && graph.dominators(&0, &0).is_empty());
        assert_eq!(graph.depths([&0])[&5], 4);
        assert_eq!(graph.depths([&2, &3]), BTreeMap::from([(&2, 0), (&3, 0), (&4, 1), (&5, 2)]));
        assert_eq!(graph.reached_from(&2), BTreeSet::from([&2, &4, &5]));
        assert_eq!(graph.reaching(&2), BTreeSet::from([&0, &1, &2]));
    }

    #[test]
    fn each_circle_is_told_once_with_the_arrow_that_closes_it() {
        let graph = graph(&[(0, 1), (1, 2), (2, 0), (2, 2), (2, 3), (3, 4)]);
        let circles = graph.circles(|_, _, _| true);
        let told: Vec<(Vec<u8>, usize)> =
            circles.iter().map(|c| (c.path.iter().map(|at| **at).collect(), *c.closes)).collect();
        assert_eq!(told, [(vec![0, 1, 2, 0], 2), (vec![2, 2], 3)]);
        assert!(graph.circles(|from, to, _| from < to).is_empty());
        assert_eq!(graph.circles(|_, to, _| *to != 0).len(), 1);
    }

    #[test]
    fn a_long_chain_needs_no_stack() {
        let mut graph = Graph::new();
        (0..200_000).for_each(|at| graph.connect(at, at + 1, ()));
        assert_eq!(graph.callees_first(|()| true)[0], 200_000);
        assert_eq!(graph.depths([&0])[&200_000], 200_000);
        assert_eq!(graph.dominators(&0, &200_000).len(), 199_999);
        graph.connect(200_000, 0, ());
        assert_eq!(graph.circles(|_, _, ()| true)[0].path.len(), 200_002);
    }

    proptest! {
        /// Against what the words mean, by brute force.
        #[test]
        fn the_walks_are_what_they_say(arrows in proptest::collection::vec((0_u8..8, 0_u8..8), 1..24)) {
            let graph = graph(&arrows);
            let reach = |from: u8, without: Option<u8>| {
                let mut all = BTreeSet::from([from]);
                for _ in 0..8 {
                    let more: Vec<u8> = arrows.iter().filter(|(a, _)| all.contains(a)).map(|(_, b)| *b).collect();
                    all.extend(more.into_iter().filter(|at| Some(*at) != without));
                }
                all
            };
            let names: Vec<u8> = (0..graph.len()).map(|at| *graph.name(at)).collect();
            for from in &names {
                let reached = reach(*from, None);
                prop_assert_eq!(graph.reached_from(from).into_iter().copied().collect::<BTreeSet<_>>(), reached.clone());
                for to in &names {
                    prop_assert_eq!(graph.reaching(to).contains(from), reached.contains(to));
                    let cut = |at: &&u8| *at != from && *at != to && !reach(*from, Some(**at)).contains(to);
                    let cuts: BTreeSet<&u8> = names.iter().filter(cut).collect();
                    let said: BTreeSet<&u8> = graph.dominators(from, to).into_iter().collect();
                    let reached = reached.contains(to) && from != to;
                    prop_assert_eq!(said, if reached { cuts } else { BTreeSet::new() });
                }
            }
            let round = arrows.iter().any(|(a, b)| reach(*b, None).contains(a));
            let circles = graph.circles(|_, _, _| true);
            prop_assert_eq!(circles.is_empty(), !round);
            for circle in &circles {
                prop_assert!(circle.path.windows(2).all(|pair| arrows.contains(&(*pair[0], *pair[1]))));
                prop_assert_eq!(circle.path.first(), circle.path.last());
            }
            let order = graph.callees_first(|_| true);
            prop_assert_eq!(order.iter().collect::<BTreeSet<_>>().len(), graph.len());
            let place = |name: &u8| order.iter().position(|at| graph.name(*at) == name);
            if !round {
                prop_assert!(arrows.iter().all(|(from, to)| place(to) < place(from)));
            }
        }
    }
}

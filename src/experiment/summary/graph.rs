//! Who called whom, as the edges of a summary say.

use super::Summary;
use crate::graph::{Arrow, Graph};

impl Summary {
    /// Clients and nodes by their names, and the calls between them. A message is no call: nobody waits behind a broker.
    pub fn graph(&self) -> Graph<&str, ()> {
        let mut graph = Graph::new();
        for client in self.clients.keys() {
            graph.add(client.as_str());
        }
        for arrow in self.edges.keys().filter_map(|edge| Arrow::of(edge)) {
            if let Some((to, _)) = self.nodes.get_key_value(arrow.end().node) {
                graph.connect(arrow.from, to.as_str(), ());
            }
        }
        graph
    }
}

//! `errors`: requests fail at once, each with the `probability`, before they take a worker.
//!
//! The target is a node, a zone, or an edge; then only the calls over that edge fail, and
//! where it leads to a queue or a topic ("orders -> emails"), the broker turns away what its caller publishes there. Because failing is fast, a balancer that
//! looks at requests in flight sends more and more to a replica that fails.

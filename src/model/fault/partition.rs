//! `partition`: messages between two sides are dropped, in both directions, and nobody is told.
//!
//! The target is an edge (the calls from one node to another), a node (all calls to and from it), or a zone (all calls that
//! cross its border). TCP sends again what was dropped, so that it arrives some time after the partition is over.
//! An edge to a queue or a topic ("orders -> emails") is what its caller publishes there: a message to a queue, and the word
//! that it is safe, come some time after the end; records wait with their producer, but for what is under way already. A node or a zone that is cut off publishes as little, to
//! brokers on the other side, and who consumes from nowhere else gets nothing until it is over.

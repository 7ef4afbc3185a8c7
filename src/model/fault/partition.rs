//! `partition`: messages between two sides are dropped, in both directions, and nobody is told.
//!
//! The target is an edge (the calls from one node to another), a node (all calls to and from it), or a zone (all calls that
//! cross its border). TCP sends again what was dropped, so that it arrives some time after the partition is over.

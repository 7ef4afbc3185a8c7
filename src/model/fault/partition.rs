//! `partition`: messages between two sides vanish, in both directions, and nobody is told.
//!
//! The target is an edge (the calls from one node to another), a node (all calls to and from it), or a zone (all calls that
//! cross its border). A caller without a timeout waits for ever; a handshake hears nothing until the partition is over.

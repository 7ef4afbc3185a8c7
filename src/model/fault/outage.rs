//! `outage`: replicas take no new work, and connections to them break.
//!
//! New work is refused (`mode = "refuse"`): its caller hears `connect_failed` after the network there and back. What was in
//! flight is reset: its caller hears `reset` after the network back, once, and the connection is closed, so that handshakes
//! are paid again afterwards. The work itself goes on and ends, for nobody. With `mode = "hang"` nothing is said at all: the
//! process stands still for good, its kernel goes on taking connections and requests, and answers, those on the way too, are
//! lost; a caller without a timeout waits for ever. With `mode = "drop"` the network to and from it drops messages, and TCP sends
//! them again. `"black_hole"` means `"hang"` here.

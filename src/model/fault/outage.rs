//! `outage`: replicas take no new work, and connections to them break.
//!
//! New work is refused (`mode = "refuse"`): its caller hears `connect_failed` after the network there and back. What was in
//! flight is reset: its caller hears `reset` after the network back, once, and the connection is closed, so that handshakes
//! are paid again afterwards. The work itself goes on and ends, for nobody. With `mode = "black_hole"` nothing is said at all:
//! requests that arrive vanish, answers that leave or are on the way vanish, and a caller without a timeout waits for ever.

//! `move`: a node gets a new address, as when it is scheduled elsewhere. It happens at `at`, or again and again with
//! `mtbf` alone.
//!
//! At the moment of the move what is in flight to it is reset, connections to it are closed, and work in progress goes
//! on for nobody. From then on nobody is at the old address: who goes there hears `connect_failed` after the network
//! there and back, or, with `mode = "black_hole"`, nothing (a handshake ends with the patience of the try that began
//! it, or after 127 s, Linux' seven SYNs). When callers learn the new address is a matter of `[discovery]`: by the next
//! lookup, after the `propagation`, or never. `replicas = 2` moves two of them only.

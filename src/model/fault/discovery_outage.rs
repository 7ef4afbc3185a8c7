//! `discovery_outage`: DNS, or the control plane, is out. Nothing new is learned of addresses; what is known goes on
//! being used.
//!
//! With `kind = "dns"` every lookup fails at once: an answer at hand is used until its `ttl` is over, then calls fail
//! with `no_endpoint`. With `kubernetes` and `mesh` callers keep the list they have, with replicas that are down and
//! without those that came. When it is over, everything that changed is seen at once. The target is a node or a zone
//! (their names); by default every name.

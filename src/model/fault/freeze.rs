//! `freeze`: replicas stand still and lose nothing, as in a long pause of a garbage collector or of a virtual machine.
//!
//! Work in progress ends later by the time of the pause, which the ledger calls `fault`. Requests and answers arrive and wait; nobody
//! is told anything. What a timer of the replica's own would have done (a `queue_timeout`, the `wait` of a pool) happens when it
//! thaws; callers elsewhere run out of patience as ever.

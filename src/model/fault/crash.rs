//! `crash`: replicas die, with everything that is in progress there.
//!
//! To callers it looks like an `outage`. Inside, requests in line and at work are gone, workers, locks and database
//! connections are free, calls that were open are abandoned (their callees work on for nobody), and connections to
//! others are closed. When it is over the replicas are back, empty.

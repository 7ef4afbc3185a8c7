//! `poison_message`: the next message of a queue or topic is one that nobody can work on.
//!
//! From `at` on, the next message that the broker takes (with `mtbf`: the next after each stroke) fails every time that it is
//! handled, after the work. What comes of that is up to the consumers: a queue delivers it again and again, or until
//! `max_deliveries`; a partition of a topic stands still behind it for as long as `on_error = "retry"` lets it. In the dead letters
//! it is as poisonous as before.

//! What guards a call.

use super::tables::{Key, Shape, Table, key, later};

/// What a policy may say; a call may say the same inline.
pub(super) const RULES: &[Key] = &[
    key(
        "timeout",
        Shape::Duration,
        "Per try; the caller gives up, the callee works on and its answer is late. Default: none.",
    ),
    later("deadline", "Spans all tries of a call."),
    later("propagate_deadline", "Hands the deadline to the callee."),
    later("retries", "Tries again after a failure: { max, on, backoff, backoff_max, backoff_factor, jitter, budget }."),
    later("circuit_breaker", "Stops calling a callee that fails."),
    later("bulkhead", "So many calls at once, the others wait or fail."),
    later("rate_limit", "So many calls per time, the others fail."),
    later("hedge", "A second try when the first is slow; the first answer counts."),
    later("concurrency_limit", "An adaptive limit on calls in flight."),
    later("shed", "Refuses work when the line is too long."),
    later("adaptive_throttle", "Refuses calls at the caller as the callee fails them."),
    later("cancels", "What a caller that timed out stops: no, queued."),
];

/// `[policies.*]`.
pub static POLICY: Table = Table {
    name: "[policies.*]",
    doc: "Rules that guard calls, by name. A call names one by `policy`, or says the same keys inline; nothing guards \
          a call unless something says so.",
    keys: &[RULES, &[later("like", "Starts from a library's preset.")]],
};

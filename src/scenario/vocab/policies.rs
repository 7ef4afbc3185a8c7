//! What guards a call.

use super::libraries::LIBRARY_WORDS;
use super::tables::{Key, Shape, Table, Word, key, word};
use super::transports::CANCELS;

/// What switches a rule off that a policy or preset brings.
pub(crate) const NONE: &[Word] = &[word("none", "Without it, whatever the policy or the preset says.")];

/// How a call fails, as `on` says it.
pub static FAILURES: &[Word] = &[
    word("error", "The callee failed."),
    word("overloaded", "The callee's line was full, or the request left it unserved."),
    word("timeout", "No answer came in time."),
    word("connect_failed", "No connection could be opened."),
    word("pool_timeout", "The pool to a database lent no connection in time."),
    word("canceled", "The callee stopped because the caller had given up."),
    word("reset", "The connection was reset."),
    word("deadline", "The deadline over all tries had passed."),
    word("rate_limited", "A rate limit or an adaptive throttle refused it."),
    word("circuit_open", "A circuit breaker was open."),
    word("bulkhead_full", "A bulkhead, or an adaptive limit, had no room."),
    word("no_endpoint", "No replica was known."),
    word("abandoned", "The one who asked went away."),
    word("deadlock", "The callee's transaction was the victim of a deadlock. `error` includes it."),
];

/// What a policy may say; a call may say the same inline.
pub(super) const RULES: &[Key] = &[
    key(
        "timeout",
        Shape::Duration,
        "Per try, its waits for a connection included; the caller gives up, the callee works on and its answer is late. \
         Default: none.",
    ),
    key("deadline", Shape::Duration, "Spans all tries of a call and the waits between them. Default: none."),
    key("propagate_deadline", Shape::Flag, "Whether the callee's own calls inherit what is left of it.").or("false"),
    key("retries", Shape::OneOr(&RETRIES, NONE), "Tries again after a failure. Default: none."),
    key(
        "circuit_breaker",
        Shape::OneOr(&CIRCUIT_BREAKER, NONE),
        "Stops calling a callee that fails, and asks carefully whether it works again. Default: none.",
    ),
    key("bulkhead", Shape::OneOr(&BULKHEAD, NONE), "So many calls at once, the others wait or fail. Default: none."),
    key("rate_limit", Shape::OneOr(&RATE_LIMIT, NONE), "So many calls per time, the others fail. Default: none."),
    key(
        "hedge",
        Shape::OneOr(&HEDGE, NONE),
        "A second try before the first has failed; the first answer counts. Default: none.",
    ),
    key(
        "concurrency_limit",
        Shape::OneOr(&CONCURRENCY_LIMIT, LIMITS),
        "An adaptive limit on how many are out at once. Default: none.",
    ),
    key(
        "adaptive_throttle",
        Shape::OneOr(&ADAPTIVE_THROTTLE, NONE),
        "Refuses at the caller as many as the callee would. Default: none.",
    ),
    key("cancels", Shape::Choice(CANCELS), "What a caller that gave up stops. Default: what its transport stops."),
];

/// The guards of a chain.
pub static STAGES: &[Word] = &[
    word("retries", "Tries begin: what stands before guards the whole call, what stands behind each try."),
    word("rate_limit", "The rate limit is asked."),
    word("bulkhead", "The bulkhead is asked."),
    word("circuit_breaker", "The breaker is asked."),
    word("adaptive_throttle", "The throttle is asked."),
    word("concurrency_limit", "The adaptive limit is asked."),
    word("timeout", "The timer of the try starts: what stands behind counts against it."),
];

/// `[policies.*]`.
pub static POLICY: Table = Table {
    name: "[policies.*]",
    doc: "Rules that guard calls, by name. A call names one by `policy`, or says the same keys inline; nothing guards \
          a call unless something says so.",
    keys: &[
        &[key(
            "like",
            Shape::TextOr(LIBRARY_WORDS),
            "A library whose rules, defaults and order it starts from. Default: none.",
        )],
        RULES,
        &[key("order", Shape::Words(STAGES), "The chain that a try passes, outermost first.").or(
            r#"["retries", "rate_limit", "bulkhead", "circuit_breaker", "adaptive_throttle", "concurrency_limit", "timeout"]"#,
        )],
    ],
};

const JITTERS: &[Word] = &[
    word("none", "Exactly the wait."),
    word("full", "Between nothing and the wait."),
    word("equal", "Between half of the wait and all of it."),
    word("decorrelated", "Between `backoff` and three times the wait before."),
    word("envoy", "Between nothing and `backoff` × 2ⁿ, n from 0: full jitter of a wait that doubles."),
];

/// `retries`.
pub static RETRIES: Table = Table {
    name: "retries",
    doc: "Tries again after a failure that `on` names, after a wait. Envoy's waits are the defaults: 25 ms, doubled up \
          to ten times that.",
    keys: &[&[
        key("max", Shape::Whole, "Tries after the first. Envoy's default.").or("1"),
        key("on", Shape::Words(FAILURES), "Failures that are tried again.")
            .or(r#"["error", "overloaded", "timeout", "connect_failed", "pool_timeout", "reset", "no_endpoint"]"#),
        key(
            "backoff",
            Shape::Law,
            "The first wait, doubled before each further retry; a law that varies is drawn alike each time.",
        )
        .or("\"25ms\""),
        key("backoff_max", Shape::Duration, "The longest wait. Default: ten times `backoff`."),
        key("backoff_factor", Shape::Number, "How much longer each wait is than the one before.").or("2.0"),
        key("jitter", Shape::WordOrShare(JITTERS), "How waits are spread; \"20%\": so much less or more.")
            .or("\"full\""),
        key("budget", Shape::ShareOr(&BUDGET), "What the retries of all calls together may be. Default: no limit."),
    ]],
};

const PER: &[Word] =
    &[word("success", "Every good try puts in the deposit."), word("call", "Every call puts in the deposit.")];

/// `budget`.
pub static BUDGET: Table = Table {
    name: "budget",
    doc: "One of five forms: Linkerd's share of the calls of late, a bucket of tokens, gRPC's tokens, no retries while too \
          much fails, Envoy's share of what is in flight.",
    keys: &[
        &[
            key("share", Shape::Share, "Linkerd's: retries per call of the last `ttl`."),
            key("min_per_second", Shape::Number, "Retries per second that are always allowed.").or("0.0"),
            key("ttl", Shape::Duration, "How long a call pays for retries.").or("\"10s\""),
        ],
        &[
            key("deposit", Shape::Number, "Tokens: so many are put in."),
            key("per", Shape::Choice(PER), "What puts them in.").or("\"success\""),
            key("cap", Shape::Number, "Tokens at most, and at the start."),
            key("cost", Shape::Number, "Tokens a retry takes.").or("1.0"),
            key("timeout_cost", Shape::Number, "Tokens a retry after a timeout takes. Default: `cost`."),
            key("refund", Shape::Flag, "Whether a retry that succeeds gives back what it took (AWS SDK).").or("false"),
        ],
        &[
            key("max_tokens", Shape::Number, "gRPC's: tokens at most, and at the start; a failed try takes one."),
            key("token_ratio", Shape::Number, "Tokens a good try puts back. Retries need more than half."),
        ],
        &[key("failure_rate", Shape::Share, "No retries while more tries than this share of the calls have failed.")],
        &[
            key("budget_percent", Shape::Share, "Envoy's: retries at once per try in flight."),
            key("min_retry_concurrency", Shape::Whole, "Retries at once that are always allowed.").or("3"),
        ],
    ],
};

const COUNTS: &[Word] = &[
    word("tries", "Inside the retries: every try counts."),
    word("calls", "Outside the retries: a call counts once, with all its tries."),
];

const BREAKS: &[Word] = &[
    word("callee", "One for the callee."),
    word("replica", "One for each of its replicas; one that is open is not picked."),
];

const PROBING: &[Word] = &[
    word("rate", "The rates of all its probes, held against the thresholds (Resilience4j)."),
    word("first_failure", "The first failed probe trips it; all must succeed (Hystrix, Polly, Linkerd)."),
];

/// `circuit_breaker`.
pub(super) static CIRCUIT_BREAKER: Table = Table {
    name: "circuit_breaker",
    doc: "Closed, it counts; open, it refuses everything; half-open, it lets a few probes through. It looks at a time \
          window, at `window_calls`, or at `consecutive` failures. Hystrix's numbers are the defaults.",
    keys: &[&[
        key("failure_rate", Shape::Share, "The share of failures that trips it.").or("0.5"),
        key("slow_call", Shape::Duration, "A try that takes longer is slow. Default: none is."),
        key("slow_rate", Shape::Share, "The share of slow tries that trips it.").or("1.0"),
        key("window", Shape::Duration, "How late a try must have ended to count.").or("\"10s\""),
        key("window_calls", Shape::Whole, "Instead of a time: the last so many tries count."),
        key("consecutive", Shape::Whole, "Instead of a rate: so many failures in a row trip it."),
        key("min_calls", Shape::Whole, "With fewer in the window it does not judge.").or("20"),
        key("open_for", Shape::Duration, "How long it stays open.").or("\"5s\""),
        key(
            "open_for_max",
            Shape::Duration,
            "Failed probes double `open_for` up to this. Default: it always is the same.",
        ),
        key("half_open_calls", Shape::Whole, "Probes that are let through before it closes or trips again.").or("1"),
        key(
            "half_open",
            Shape::Choice(PROBING),
            "What decides about a half-open breaker. Default: rate; with `consecutive` first_failure.",
        ),
        key("on", Shape::Words(FAILURES), "Failures that count. Default: all."),
        key("counts", Shape::Choice(COUNTS), "Inside or outside the retries. Default: as `order` says."),
        key("per", Shape::Choice(BREAKS), "What has a breaker of its own.").or("\"callee\""),
    ]],
};

const HELD: &[Word] = &[
    word("given_up", "Its caller has the answer, or gives up."),
    word("answered", "Its callee has answered, as a thread that cannot be stopped (Hystrix)."),
];

/// `bulkhead`.
pub(super) static BULKHEAD: Table = Table {
    name: "bulkhead",
    doc: "So many at once, per replica of the caller and callee. Resilience4j's numbers are the defaults.",
    keys: &[&[
        key("max_concurrent", Shape::Whole, "At most so many inside.").or("25"),
        key("max_wait", Shape::Duration, "How long one waits for room, first come first served.").or("\"0s\""),
        key("held_until", Shape::Choice(HELD), "Until when a try is inside.").or("\"given_up\""),
    ]],
};

const ALGORITHMS: &[Word] = &[
    word("token_bucket", "Tokens come back at the rate, up to `burst`."),
    word("fixed_window", "Counts from boundary to boundary: twice the limit may pass around one."),
    word("sliding_window", "Counts what passed within the last window."),
];

const REFILLS: &[Word] =
    &[word("continuous", "Bit by bit."), word("discrete", "One at a time, at multiples of 1 ÷ rate.")];

const RATE: &[Key] = &[
    key("rate", Shape::Rate, "How many per time."),
    key("algorithm", Shape::Choice(ALGORITHMS), "How it is measured.").or("\"token_bucket\""),
    key("burst", Shape::Number, "Tokens at most, and at the start. Default: what one second brings, at least 1."),
    key("refill", Shape::Choice(REFILLS), "How tokens come back.").or("\"continuous\""),
    key("window", Shape::Duration, "Of the window algorithms.").or("\"1s\""),
];

/// `rate_limit` of a policy.
pub(super) static RATE_LIMIT: Table = Table {
    name: "rate_limit",
    doc: "So many per time, per replica of the caller and callee; the rest fails with `rate_limited`.",
    keys: &[
        RATE,
        &[key("max_wait", Shape::Duration, "How long one waits for its turn, which is kept for it.").or("\"0s\"")],
    ],
};

const DOORS: &[Word] = &[
    word("replica", "All that comes to a replica."),
    word("client", "What comes to a replica on behalf of each client."),
];

/// `rate_limit` of a node.
pub(super) static INTAKE: Table = Table {
    name: "rate_limit of a node",
    doc: "So many per time and replica; the rest is refused with `rate_limited`, before it costs anything.",
    keys: &[RATE, &[key("per", Shape::Choice(DOORS), "What is counted together.").or("\"replica\"")]],
};

/// `hedge`.
pub(super) static HEDGE: Table = Table {
    name: "hedge",
    doc: "More tries before the first has failed; the first good answer counts.",
    keys: &[&[
        key("after", Shape::Law, "From one try to the next."),
        key("max", Shape::Whole, "Tries after the first.").or("1"),
        key("tied", Shape::Flag, "Whether the first that is begun takes the others from their lines.").or("false"),
    ]],
};

pub(super) const LIMITS: &[Word] = &[
    word("gradient", "Follows the ratio of long-term to present latency (Netflix Gradient2)."),
    word("vegas", "Estimates the callee's line from the shortest latency (TCP Vegas)."),
    word("aimd", "Grows by one, shrinks by a tenth when something is dropped."),
    word("none", "Without it, whatever the policy or the preset says."),
];

const KINDS: &[Word] = &[
    word("gradient", "Follows the ratio of long-term to present latency (Netflix Gradient2)."),
    word("vegas", "Estimates the callee's line from the shortest latency (TCP Vegas)."),
    word("aimd", "Grows by one, shrinks by a tenth when something is dropped."),
];

/// `concurrency_limit`.
pub static CONCURRENCY_LIMIT: Table = Table {
    name: "concurrency_limit",
    doc: "So many at once as the latency allows; numbers of Netflix's concurrency-limits.",
    keys: &[&[
        key("kind", Shape::Choice(KINDS), "How it adapts.").or("\"gradient\""),
        key("initial", Shape::Whole, "At the start.").or("20"),
        key("min", Shape::Whole, "At least. Default: 20; vegas: 1."),
        key("max", Shape::Whole, "At most. Default: 200; vegas: 1000."),
    ]],
};

/// `adaptive_throttle`.
pub(super) static ADAPTIVE_THROTTLE: Table = Table {
    name: "adaptive_throttle",
    doc: "Refuses with probability (requests − k × accepts) ÷ (requests + 1), over the last window (Google SRE).",
    keys: &[&[
        key("k", Shape::Number, "Requests per accept that are always let through.").or("2.0"),
        key("window", Shape::Duration, "How long requests are remembered.").or("\"2m\""),
    ]],
};

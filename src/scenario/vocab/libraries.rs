//! Libraries and proxies whose rules a policy may start from.
//!
//! `like = "resilience4j"` gives a policy that library's rules, defaults and order; what the policy writes itself comes
//! first, key by key, and `retries = "none"` leaves a rule out. `explain` prints each as what one would write instead.

use super::tables::{Word, word};

/// The words of `like`.
pub(crate) const LIBRARY_WORDS: &[Word] = &[
    word("resilience4j", "Retry around breaker around time limiter around bulkhead, as Spring's aspects nest them."),
    word("hystrix", "A breaker, a timeout of 1 s and a bulkhead of 10; no retries."),
    word("polly", "Retry around breaker around timeout, with Polly 8's defaults."),
    word("envoy", "A route timeout of 15 s, one retry with Envoy's waits, so many requests and retries at once."),
    word("istio", "Two retries of what never reached the application."),
    word("linkerd", "One retry of what the callee failed, and a breaker of seven failures in a row."),
    word("grpc", "The retry policy and throttle that gRPC's proposal A6 gives as its example."),
    word("aws-sdk", "The standard retry mode: two retries, full jitter, 500 tokens."),
];

/// A library as a policy.
#[derive(Debug)]
pub struct Library {
    /// Its word.
    pub name: &'static str,
    /// The policy, as one would write it.
    pub toml: &'static str,
    /// Where the numbers come from, and what is left out.
    pub source: &'static str,
}

/// All libraries.
pub static LIBRARIES: &[Library] = &[
    Library {
        name: "resilience4j",
        toml: r#"timeout = "1s"
retries = { max = 2, backoff = "500ms", backoff_factor = 1.0, jitter = "none", on = ["error", "overloaded", "timeout", "connect_failed", "pool_timeout", "reset", "no_endpoint", "rate_limited", "circuit_open", "bulkhead_full"] }
circuit_breaker = { window_calls = 100, min_calls = 100, failure_rate = 0.5, slow_call = "60s", slow_rate = 1.0, open_for = "60s", half_open_calls = 10, half_open = "rate" }
bulkhead = { max_concurrent = 25, max_wait = "0s", held_until = "answered" }
order = ["retries", "circuit_breaker", "rate_limit", "timeout", "bulkhead"]"#,
        source: "Defaults of CircuitBreakerConfig, RetryConfig, TimeLimiterConfig and BulkheadConfig; the order is that of \
                 Spring's aspects, so the breaker counts what the bulkhead refuses, and retries repeat it. maxAttempts = 3 \
                 counts the first try. A future that the time limiter has ended is still in its bulkhead until it completes. The \
                 rate limiter is left out: 50 per 500 ns limits nothing.",
    },
    Library {
        name: "hystrix",
        toml: r#"timeout = "1s"
circuit_breaker = { window = "10s", min_calls = 20, failure_rate = 0.5, open_for = "5s", half_open_calls = 1, half_open = "first_failure" }
bulkhead = { max_concurrent = 10, max_wait = "0s", held_until = "answered" }
order = ["retries", "circuit_breaker", "bulkhead", "timeout"]"#,
        source: "Netflix/Hystrix configuration (in maintenance): a pool of 10 threads without a line, a window of ten buckets; \
                 a thread whose command has timed out is taken until its callee answers. It looks at its window every 500 ms, \
                 here after each try.",
    },
    Library {
        name: "polly",
        toml: r#"timeout = "30s"
retries = { max = 3, backoff = "2s", backoff_factor = 1.0, jitter = "none", on = ["error", "overloaded", "timeout", "connect_failed", "pool_timeout", "reset", "no_endpoint", "rate_limited", "circuit_open", "bulkhead_full"] }
circuit_breaker = { window = "30s", min_calls = 100, failure_rate = 0.1, open_for = "5s", half_open_calls = 1, half_open = "first_failure" }
order = ["retries", "circuit_breaker", "timeout"]"#,
        source: "Defaults of Polly 8's strategies; the order of its standard resilience pipeline. MaxRetryAttempts counts \
                 retries only, and an open breaker's refusal is an exception that is retried too. Its hedging (1 more after 2 s) is a strategy of its own: hedge = { after = \"2s\" }.",
    },
    Library {
        name: "envoy",
        toml: r#"deadline = "15s"
retries = { max = 1, on = ["error", "overloaded", "connect_failed", "reset", "timeout"], backoff = "25ms", backoff_max = "250ms", jitter = "envoy", budget = { budget_percent = 0.0, min_retry_concurrency = 3 } }
bulkhead = { max_concurrent = 1024, max_wait = "0s" }
order = ["retries", "bulkhead", "timeout"]"#,
        source: "A route with retry_on = \"5xx\"; without it Envoy retries nothing. The route timeout spans all tries. Envoy's \
                 circuit breaker is a limit: max_requests 1024, max_retries 3 at once; over HTTP/1.1 another 1024 could wait.",
    },
    Library {
        name: "istio",
        toml: r#"retries = { max = 2, on = ["connect_failed", "overloaded", "canceled"], backoff = "25ms", backoff_max = "250ms", jitter = "envoy", other_replica = true }
order = ["retries", "timeout"]"#,
        source: "The default HTTP retry policy of pilot (connect-failure, refused-stream, unavailable, cancelled; 503 over HTTP \
                 until 1.23 only), with the host predicate previous_hosts and five draws more where a host was tried. Where no endpoint is left Envoy answers 503 by itself and retries nothing. No \
                 timeout, and limits of 2^32 - 1, unless a rule says otherwise.",
    },
    Library {
        name: "linkerd",
        toml: r#"retries = { max = 1, on = ["error", "overloaded", "timeout"], backoff = { dist = "uniform", min = "25ms", max = "50ms" } }
circuit_breaker = { consecutive = 7, open_for = "1s", open_for_max = "60s", half_open_calls = 1, half_open = "first_failure" }
order = ["retries", "circuit_breaker", "timeout"]"#,
        source: "Annotated with retry.linkerd.io/http = 5xx and failure accrual; unannotated, Linkerd does neither. Lost \
                 connections are not retried. The budget of a ServiceProfile instead: budget = { share = 0.2, \
                 min_per_second = 10, ttl = \"10s\" }, without a wait. Linkerd's \
                 breakers are per endpoint and jitter their penalty by up to 50 %; here one is for the callee, without jitter.",
    },
    Library {
        name: "grpc",
        toml: r#"retries = { max = 3, on = ["connect_failed", "reset", "overloaded", "no_endpoint"], backoff = "100ms", backoff_max = "1s", backoff_factor = 2.0, jitter = 0.2, budget = { max_tokens = 10.0, token_ratio = 0.1 } }
order = ["retries", "timeout"]"#,
        source: "gRPC proposal A6: its example of maxAttempts = 4 on UNAVAILABLE, waits of ± 20 %, retryThrottling 10 and 0.1. \
                 Without a service config gRPC retries only what never left the client.",
    },
    Library {
        name: "aws-sdk",
        toml: r#"retries = { max = 2, on = ["error", "overloaded", "timeout", "connect_failed", "reset", "rate_limited"], backoff = "2s", backoff_max = "20s", jitter = "full", budget = { deposit = 1.0, per = "success", cap = 500.0, cost = 5.0, timeout_cost = 10.0, refund = true } }
order = ["retries", "timeout"]"#,
        source: "aws-sdk-go-v2 aws/retry, standard mode: maxAttempts = 3 counts the first try; the n-th retry waits up to 2ⁿ s, \
                 since attempts are counted from 1.",
    },
];

/// The library of that name.
pub fn library(name: &str) -> Option<&'static Library> {
    LIBRARIES.iter().find(|library| library.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_has_its_library() {
        assert_eq!(LIBRARY_WORDS.len(), LIBRARIES.len());
        assert!(LIBRARY_WORDS.iter().all(|word| library(word.word).is_some()));
    }
}

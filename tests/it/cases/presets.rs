//! Presets against the documentation of what they are named after: every value that `like = …` brings, where it comes from,
//! and whether that source was read ("verified") or the value is what is commonly published ("unconfirmed").

use toml::{Table, Value};

use crate::bench::checked;

/// A preset, a key of it, its value, its source, and whether that was read.
type Row = (&'static str, &'static str, &'static str, &'static str, bool);

const R4J_BREAKER: &str = "resilience4j CircuitBreakerConfig.java, DEFAULT_…";
const R4J_STATE: &str = "resilience4j CircuitBreakerStateMachine.java, HalfOpenState";
const HYSTRIX: &str = "Netflix/Hystrix HystrixCommandProperties.java, default_…";
const POLLY: &str = "App-vNext/Polly CircuitBreakerConstants.cs, RetryConstants.cs";
const POLLY_ON: &str =
    "App-vNext/Polly DefaultPredicates.cs: every exception but cancellation, BrokenCircuitException among them";
const ROUTER: &str = "envoy router_filter.rst, timeouts.rst";
const ENVOY_BACKOFF: &str =
    "envoy backoff_strategy.cc, JitteredExponentialBackOffStrategy: random() % (base · 2^n), capped";
const ENVOY_LIMITS: &str = "envoy circuit_breaker.proto";
const PILOT: &str = "istio pilot retry.go, DefaultPolicy";
const LINKERD_RETRY: &str = "linkerd2 policy-controller outbound/http.rs, linkerd2-proxy policy/route/retry.rs";
const LINKERD_ACCRUAL: &str = "linkerd.io reference/circuit-breaking; linkerd2-proxy breaker/consecutive_failures.rs";
const A6: &str = "grpc/proposal A6-client-retries.md";
const AWS: &str = "aws-sdk-go-v2 aws/retry/standard.go";
const AWS_BACKOFF: &str = "aws-sdk-go-v2 aws/retry/jitter_backoff.go and middleware.go: attempts count from 1";

const EVERY_EXCEPTION: &str = r#"["error", "overloaded", "timeout", "connect_failed", "pool_timeout", "reset", "no_endpoint", "rate_limited", "circuit_open", "bulkhead_full"]"#;

const ROWS: &[Row] = &[
    ("resilience4j", "timeout", r#""1s""#, "resilience4j TimeLimiterConfig.java", true),
    ("resilience4j", "retries.max", "2", "resilience4j RetryConfig.java: maxAttempts 3 with the first", true),
    ("resilience4j", "retries.backoff", r#""500ms""#, "resilience4j RetryConfig.java: DEFAULT_WAIT_DURATION", true),
    ("resilience4j", "retries.backoff_factor", "1.0", "resilience4j RetryConfig.java: a fixed interval", true),
    ("resilience4j", "retries.jitter", r#""none""#, "resilience4j RetryConfig.java: a fixed interval", true),
    ("resilience4j", "retries.on", EVERY_EXCEPTION, "resilience4j RetryConfig.java: throwable -> true", true),
    ("resilience4j", "circuit_breaker.window_calls", "100", R4J_BREAKER, true),
    ("resilience4j", "circuit_breaker.min_calls", "100", R4J_BREAKER, true),
    ("resilience4j", "circuit_breaker.failure_rate", "0.5", R4J_BREAKER, true),
    ("resilience4j", "circuit_breaker.slow_call", r#""1m""#, R4J_BREAKER, true),
    ("resilience4j", "circuit_breaker.slow_rate", "1.0", R4J_BREAKER, true),
    ("resilience4j", "circuit_breaker.open_for", r#""1m""#, R4J_BREAKER, true),
    ("resilience4j", "circuit_breaker.half_open_calls", "10", R4J_BREAKER, true),
    ("resilience4j", "circuit_breaker.half_open", r#""rate""#, R4J_STATE, true),
    ("resilience4j", "bulkhead.max_concurrent", "25", "resilience4j BulkheadConfig.java", true),
    ("resilience4j", "bulkhead.max_wait", r#""0s""#, "resilience4j BulkheadConfig.java", true),
    (
        "resilience4j",
        "bulkhead.held_until",
        r#""answered""#,
        "resilience4j Bulkhead.java, decorateCompletionStage",
        true,
    ),
    (
        "resilience4j",
        "order",
        r#"["retries", "circuit_breaker", "rate_limit", "timeout", "bulkhead"]"#,
        "resilience4j-spring6 …ConfigurationProperties.java: aspect orders",
        true,
    ),
    ("hystrix", "timeout", r#""1s""#, HYSTRIX, true),
    ("hystrix", "circuit_breaker.window", r#""10s""#, HYSTRIX, true),
    ("hystrix", "circuit_breaker.min_calls", "20", HYSTRIX, true),
    ("hystrix", "circuit_breaker.failure_rate", "0.5", HYSTRIX, true),
    ("hystrix", "circuit_breaker.open_for", r#""5s""#, HYSTRIX, true),
    ("hystrix", "circuit_breaker.half_open_calls", "1", "HystrixCircuitBreaker.java, attemptExecution", true),
    ("hystrix", "circuit_breaker.half_open", r#""first_failure""#, "HystrixCircuitBreaker.java, markNonSuccess", true),
    ("hystrix", "bulkhead.max_concurrent", "10", "HystrixThreadPoolProperties.java, default_coreSize", true),
    ("hystrix", "bulkhead.max_wait", r#""0s""#, "HystrixThreadPoolProperties.java: no queue (maxQueueSize -1)", true),
    (
        "hystrix",
        "bulkhead.held_until",
        r#""answered""#,
        "Hystrix wiki, How it works: thread isolation and timeouts",
        false,
    ),
    ("polly", "timeout", r#""30s""#, "App-vNext/Polly docs/strategies/timeout.md", true),
    ("polly", "retries.max", "3", POLLY, true),
    ("polly", "retries.backoff", r#""2s""#, POLLY, true),
    ("polly", "retries.backoff_factor", "1.0", "App-vNext/Polly docs/strategies/retry.md: constant", true),
    ("polly", "retries.jitter", r#""none""#, "App-vNext/Polly docs/strategies/retry.md: UseJitter false", true),
    ("polly", "retries.on", EVERY_EXCEPTION, POLLY_ON, true),
    ("polly", "circuit_breaker.window", r#""30s""#, POLLY, true),
    ("polly", "circuit_breaker.min_calls", "100", POLLY, true),
    ("polly", "circuit_breaker.failure_rate", "0.1", POLLY, true),
    ("polly", "circuit_breaker.open_for", r#""5s""#, POLLY, true),
    ("polly", "circuit_breaker.half_open_calls", "1", "App-vNext/Polly CircuitStateController.cs", true),
    ("polly", "circuit_breaker.half_open", r#""first_failure""#, "App-vNext/Polly CircuitStateController.cs", true),
    (
        "polly",
        "order",
        r#"["retries", "circuit_breaker", "timeout"]"#,
        "Microsoft.Extensions.Http.Resilience, standard pipeline",
        false,
    ),
    ("envoy", "deadline", r#""15s""#, ROUTER, true),
    ("envoy", "retries.max", "1", ROUTER, true),
    ("envoy", "retries.on", r#"["error", "overloaded", "connect_failed", "reset", "timeout"]"#, ROUTER, true),
    ("envoy", "retries.backoff", r#""25ms""#, ROUTER, true),
    ("envoy", "retries.backoff_max", r#""250ms""#, ROUTER, true),
    ("envoy", "retries.jitter", r#""envoy""#, ENVOY_BACKOFF, true),
    ("envoy", "retries.budget.budget_percent", "0.0", ENVOY_LIMITS, true),
    ("envoy", "retries.budget.min_retry_concurrency", "3", ENVOY_LIMITS, true),
    ("envoy", "bulkhead.max_concurrent", "1024", ENVOY_LIMITS, true),
    ("istio", "retries.max", "2", PILOT, true),
    ("istio", "retries.on", r#"["connect_failed", "overloaded", "canceled"]"#, PILOT, true),
    ("istio", "retries.backoff", r#""25ms""#, ROUTER, true),
    ("istio", "retries.backoff_max", r#""250ms""#, ROUTER, true),
    (
        "istio",
        "retries.other_replica",
        "true",
        "istio pilot retry.go, DefaultPolicy: previous_hosts, 5 draws more",
        true,
    ),
    ("istio", "retries.jitter", r#""envoy""#, ENVOY_BACKOFF, true),
    ("linkerd", "retries.max", "1", "linkerd.io reference/retries: retry.linkerd.io/limit", true),
    ("linkerd", "retries.on", r#"["error", "overloaded", "timeout"]"#, LINKERD_RETRY, true),
    ("linkerd", "retries.backoff.min", r#""25ms""#, LINKERD_RETRY, true),
    ("linkerd", "retries.backoff.max", r#""50ms""#, LINKERD_RETRY, true),
    ("linkerd", "circuit_breaker.consecutive", "7", LINKERD_ACCRUAL, true),
    ("linkerd", "circuit_breaker.open_for", r#""1s""#, LINKERD_ACCRUAL, true),
    ("linkerd", "circuit_breaker.open_for_max", r#""1m""#, LINKERD_ACCRUAL, true),
    ("linkerd", "circuit_breaker.half_open_calls", "1", LINKERD_ACCRUAL, true),
    ("grpc", "retries.max", "3", A6, true),
    ("grpc", "retries.on", r#"["connect_failed", "reset", "overloaded", "no_endpoint"]"#, A6, true),
    ("grpc", "retries.backoff", r#""100ms""#, A6, true),
    ("grpc", "retries.backoff_max", r#""1s""#, A6, true),
    ("grpc", "retries.backoff_factor", "2.0", A6, true),
    ("grpc", "retries.jitter", "0.2", "grpc-go stream.go: 0.8 + 0.4 · random", true),
    ("grpc", "retries.budget.max_tokens", "10.0", A6, true),
    ("grpc", "retries.budget.token_ratio", "0.1", A6, true),
    ("aws-sdk", "retries.max", "2", AWS, true),
    ("aws-sdk", "retries.backoff", r#""2s""#, AWS_BACKOFF, true),
    ("aws-sdk", "retries.backoff_max", r#""20s""#, AWS, true),
    ("aws-sdk", "retries.jitter", r#""full""#, AWS_BACKOFF, true),
    ("aws-sdk", "retries.budget.cap", "500.0", AWS, true),
    ("aws-sdk", "retries.budget.cost", "5.0", AWS, true),
    ("aws-sdk", "retries.budget.timeout_cost", "10.0", AWS, true),
    ("aws-sdk", "retries.budget.deposit", "1.0", AWS, true),
    ("aws-sdk", "retries.budget.refund", "true", AWS, true),
];

/// The policy that a preset stands for, as `check` prints it.
fn policy(like: &str) -> Value {
    let text = format!(
        "version = 1\n[clients.c]\ncalls = \"a\"\nrate = \"1/s\"\n[services.a]\nsteps = [{{ call = \"b\", policy = \"p\" }}]\n\
         [services.b]\n[policies.p]\nlike = \"{like}\"\n"
    );
    let printed = hoptax::scenario::canonical(checked(&text).scenario());
    let table: Table = printed.parse().unwrap();
    table["policies"]["p"].clone()
}

#[test]
fn every_preset_says_what_its_source_says() {
    for (like, key, value, source, verified) in ROWS {
        let said = key.split('.').try_fold(&policy(like), |table, key| table.get(key)).cloned();
        let expected = format!("x = {value}").parse::<Table>().unwrap()["x"].clone();
        let trust = if *verified { "verified" } else { "unconfirmed" };
        assert_eq!(said, Some(expected), "{like}: {key} ({source}, {trust})");
    }
}

/// What a preset sets and the table does not know is not checked by anybody.
#[test]
fn every_number_of_a_preset_stands_in_the_table() {
    let libraries = ["resilience4j", "hystrix", "polly", "envoy", "istio", "linkerd", "grpc", "aws-sdk"];
    for like in libraries {
        let rules = policy(like);
        for rule in ["timeout", "deadline", "retries", "circuit_breaker", "bulkhead"] {
            let told = ROWS.iter().any(|row| row.0 == like && row.1.split('.').next() == Some(rule));
            assert_eq!(rules.get(rule).is_some(), told, "{like}: {rule}");
        }
    }
}

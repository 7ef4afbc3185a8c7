//! Calls, links, policies, autoscaling.

use hoptax::experiment::summary::Summary;

use crate::bench::run;

fn success(summary: &Summary, client: &str) -> f64 {
    summary.clients[client].success_rate.value.unwrap()
}

/// One link has one latency, both ways (`explain links`): 100 ms twice, and 1 ms twice to the client.
#[test]
fn a_link_is_as_long_on_the_way_back() {
    let summary = run(include_str!("link-latency.toml"));
    let latency = &summary.clients["c"].latency_ms;
    assert_eq!([latency.mean.value.unwrap(), latency.max.unwrap()].map(f64::round), [202.0, 202.0]);
}

/// A link to a node and a link from it are two links, each for the calls that set out over it.
#[test]
fn calls_the_other_way_have_their_own_link() {
    let other = include_str!("link-latency.toml").replace("\"a -> b\"", "\"b -> a\"");
    assert_eq!(run(&other).clients["c"].latency_ms.max.unwrap().round(), 4.0);
}

/// Envoy draws two candidates with replacement (`least_request_lb.cc`, `unweightedHostPickNChoices`), grpc-go too
/// (`balancer/leastrequest`). The replica that fails at once never has anything to do, so it gets all calls but those that
/// draw the other one twice: a quarter.
#[test]
fn of_two_replicas_the_busier_still_gets_a_quarter() {
    let text = include_str!("least-request-two.toml");
    let drawn = success(&run(text), "users");
    assert!((0.24..0.28).contains(&drawn), "{drawn}");
    let distinct = text.replace("\"least_request\"", "\"least_request\"\ndistinct = true");
    let drawn = success(&run(&distinct), "users");
    assert!((0.05..0.08).contains(&drawn), "{drawn}");
}

/// grpc-go `csAttempt.shouldRetry` asks its throttle only once the code is one of the retryable ones. Four workers and one
/// offered erlang refuse 1.54 %, and what they refuse comes again; the 30 % that fail otherwise take no token.
#[test]
fn only_retryable_codes_take_tokens_from_grpc() {
    let summary = run(include_str!("grpc-throttle.toml"));
    let edge = &summary.edges["a -> b"];
    let policing = edge.policing.as_ref().unwrap();
    let share = |count: u64| count as f64 / summary.clients["c"].arrived as f64;
    assert!((0.0145..0.0175).contains(&share(policing.retries)), "{}", policing.retries);
    assert!(share(policing.budget_refused) < 0.001, "{}", policing.budget_refused);
}

/// Resilience4j `CircuitBreakerStateMachine.HalfOpenState`: the failure rate of the ten permitted calls against 50 %. After the
/// outage one in ten fails: more than half of ten do in 0.16 % of all rounds, so that the first one closes the breaker: trip at
/// about 21 s, 60 s open.
#[test]
fn a_half_open_breaker_looks_at_the_rate_of_its_probes() {
    let text = include_str!("half-open-rate.toml");
    let summary = run(text);
    let recovery = summary.faults[0].recovery_s["users"].median.unwrap();
    assert!((48.0..56.0).contains(&recovery), "{recovery}");
    let after = summary.slos[0].measured.value.unwrap();
    assert!((0.76..0.79).contains(&after), "{after}");
    let strict = text.replace("retries = \"none\"", "retries = \"none\"\ncircuit_breaker = { half_open = \"first_failure\" }");
    let strict = run(&strict).slos[0].measured.value.unwrap();
    assert!(strict < 0.7, "{strict}: ten probes in a row succeed in 35 % of all rounds");
}

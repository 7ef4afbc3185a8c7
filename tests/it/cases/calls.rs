//! Calls, links, policies, autoscaling.

use hoptax::experiment::summary::Summary;
use hoptax::model::Cause;

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
    let strict =
        text.replace("retries = \"none\"", "retries = \"none\"\ncircuit_breaker = { half_open = \"first_failure\" }");
    let strict = run(&strict).slos[0].measured.value.unwrap();
    assert!(strict < 0.7, "{strict}: ten probes in a row succeed in 35 % of all rounds");
}

/// What a replica's work and its autoscaler were told at each look.
fn looks(summary: &Summary, node: &str) -> Vec<f64> {
    let told = summary.nodes[node].replicas.autoscale.as_ref().unwrap();
    told.timeline.iter().filter_map(|strength| strength.metric).collect()
}

/// Kubernetes: utilization is usage ÷ request. A replica has one core, so that is all it uses, whatever waits for it.
#[test]
fn a_replica_uses_no_more_cpu_than_it_has() {
    let text = include_str!("autoscaler-cpu.toml");
    let most = |text: &str| looks(&run(text), "api").into_iter().fold(0.0, f64::max);
    assert!((most(text) - 1.0).abs() < 1e-3, "{}", most(text));
    // Half a core asked for and one there: twice what was asked for.
    let asked = text.replace("metric = \"cpu\"", "metric = \"cpu\", request = 0.5");
    assert!((most(&asked) - 2.0).abs() < 1e-3, "{}", most(&asked));
    // From two replicas, 100 % against 70 % asks for three and never for four.
    let grows = run(&text.replace("max = 2,", "max = 10,"));
    let told = grows.nodes["api"].replicas.autoscale.as_ref().unwrap();
    let sizes: Vec<f64> = told.timeline.iter().map(|strength| strength.replicas).collect();
    assert_eq!(sizes.iter().find(|size| **size > 2.0), Some(&3.0), "{sizes:?}");
}

/// `replica_calculator.go`, `groupPods`: pods with a deletion timestamp are left out. At 10 s seven of eight are let go; the one
/// that stays has 5 requests and gets 40 more by 20 s, 25 on average: two replicas for 20 each, whatever the others still do.
#[test]
fn pods_that_are_leaving_are_not_averaged() {
    let seen = run(include_str!("autoscaler-draining.toml"));
    let metric = looks(&seen, "a");
    assert!((metric[1] - 25.0).abs() < 1.0, "{metric:?}");
    let told = seen.nodes["a"].replicas.autoscale.as_ref().unwrap();
    assert_eq!(told.timeline[50].replicas, 2.0, "at 25 s");
}

fn small(rest: &str) -> String {
    format!(
        "version = 1\n[sim]\nduration = \"60s\"\nwarmup = \"0s\"\nreplications = 1\n[defaults]\ntransport = \"free\"\n\
         [network]\nsame_zone = \"0ms\"\n[clients.c]\ncalls = \"a\"\narrivals = \"constant\"\nrate = \"20/s\"\n{rest}"
    )
}

/// Hystrix: the thread of a command that has timed out is taken until its callee answers. Ten threads of 10 s each take one
/// call a second; a bulkhead that is left at the timeout of 1 s takes ten.
#[test]
fn a_hystrix_thread_is_held_until_the_callee_answers() {
    let limited = |more: &str| {
        let text = small(&format!(
            "[services.a]\nconcurrency = \"unlimited\"\nsteps = [{{ call = \"b\", policy = \"h\" }}]\n[policies.h]\n\
             like = \"hystrix\"\ncircuit_breaker = \"none\"\n{more}\n[services.b]\nconcurrency = \"unlimited\"\nwait = \"10s\"\n"
        ));
        run(&text).edges["a -> b"].policing.as_ref().unwrap().limited
    };
    assert_eq!(limited(""), 1140, "of 1200");
    assert_eq!(limited("bulkhead = { held_until = \"given_up\" }"), 600);
}

/// A branch that chance leaves out is not the first to succeed: the others are waited for.
#[test]
fn nobody_is_answered_by_a_branch_that_was_left_out() {
    let mean = |parallel: &str| {
        let text = small(&format!(
            "[services.a]\nconcurrency = \"unlimited\"\nsteps = [{{ parallel = {parallel} }}]\n\
             [services.quick]\nconcurrency = \"unlimited\"\nwait = \"10ms\"\n[services.slow]\nconcurrency = \"unlimited\"\nwait = \"100ms\"\n"
        ));
        run(&text).clients["c"].latency_ms.mean.value.unwrap()
    };
    let either = mean("[{ call = \"quick\", probability = 0.5 }, { call = \"slow\" }], wait_for = \"any\"");
    assert!((either - 55.0).abs() < 3.0, "{either}: half of them wait for the slow one");
    let neither =
        mean("[{ call = \"quick\", probability = 1e-9 }, { call = \"slow\", probability = 1e-9 }], wait_for = \"any\"");
    assert_eq!(neither, 0.0, "nothing is there to wait for");
    let two =
        mean("[{ call = \"quick\" }, { call = \"quick\" }, { call = \"slow\", probability = 1e-9 }], wait_for = 2");
    assert_eq!(two, 10.0);
}

/// `explain faults`: the probability of a fault is 1 unless it is said.
#[test]
fn a_fault_hits_everybody_unless_it_says_whom() {
    let faulty =
        small("[services.a]\n[[faults]]\nkind = \"errors\"\ntarget = \"a\"\nat = \"30s\"\nduration = \"15s\"\n");
    assert!((success(&run(&faulty), "c") - 0.75).abs() < 0.01);
}

/// MEASURES: what a fault adds is the fault's. A broker that is down for 10 s of 60 makes its publishers wait.
#[test]
fn a_broker_that_is_down_is_not_a_long_way() {
    let down = small(
        "[services.a]\nconcurrency = \"unlimited\"\nsteps = [{ publish = \"t\", wait_for_ack = true }]\n[topics.t]\n\
         publish_latency = \"5ms\"\n[services.b]\nconsumes = [{ from = \"t\", group = \"g\" }]\n\
         [[faults]]\nkind = \"outage\"\ntarget = \"t\"\nat = \"20s\"\nduration = \"10s\"\n",
    );
    let ledger = run(&down).ledger["c"].total.mean_ms;
    let fault = ledger.of(Cause::Fault);
    assert!((fault - 1e4 * 10.0 / 60.0 / 2.0).abs() < 20.0, "{fault}");
    // Five requests are held by the broker; what gathered behind them, a sixth of all, has to wait for their turn as well.
    let (network, broker) = (ledger.of(Cause::Network), ledger.of(Cause::Broker));
    assert!(network == 0.0 && (broker - (5.0 + 5.0 / 6.0)).abs() < 0.1, "{network} {broker}");
}

/// The wait for a pool's connection is in a try's timeout and in a deadline: Go's `DB.conn` waits for a connection or for
/// `ctx.Done()`, and takes itself out of the line. An independent model (three connections, the timer from before the line,
/// the connection back at the timeout) has 69.5 % successes, 16.47 ms on average, 15.8 ms in the middle, 31.5 ms at p99; with
/// a timer that starts with the loan it is 61.9 ms there.
#[test]
fn the_wait_for_a_database_pool_is_in_the_timeout() {
    let text = include_str!("pool-in-timeout.toml");
    for (words, failure) in [("timeout = \"30ms\"", "timeout"), ("deadline = \"30ms\"", "deadline")] {
        let summary = run(&text.replace("timeout = \"30ms\"", words));
        let (good, latency) = (success(&summary, "u"), &summary.clients["u"].latency_ms);
        assert!((0.687..0.703).contains(&good), "{good}");
        let near = |found: f64, right: f64| assert!((found - right).abs() < 0.25, "{found} is not {right}");
        near(latency.mean.value.unwrap(), 16.47);
        near(latency.p50.value.unwrap(), 15.8);
        near(latency.p99.value.unwrap(), 31.54);
        assert!(latency.max.unwrap() <= 32.0);
        let edge = &summary.edges["a -> db"];
        assert_eq!(edge.failed.keys().collect::<Vec<_>>(), [failure]);
    }
}

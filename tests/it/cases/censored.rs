//! What never ended counts: as a failure of its own word, in percentiles, promises and means.

use hoptax::experiment::compare::{Verdict, compare};
use hoptax::experiment::summary::{Outcome, Over, Summary};

use crate::bench::run;

fn near(found: Option<f64>, expected: f64, allowed: f64) {
    assert!(found.is_some_and(|f| (f - expected).abs() <= allowed), "{found:?} is not {expected} ± {allowed}");
}

/// The verdict on the promise that begins like this.
fn promised<'a>(summary: &'a Summary, begins: &str) -> &'a hoptax::experiment::summary::Verdict {
    summary.slos.iter().find(|slo| slo.expect.starts_with(begins)).unwrap()
}

#[test]
fn a_request_that_hangs_until_the_end_has_not_succeeded() {
    // A callee that is stopped after a third of the run and never answers again.
    let summary = run(include_str!("censored-success.toml"));
    let shop = &summary.clients["shop"];
    near(shop.success_rate.value, 1.0 / 3.0, 0.03);
    assert_eq!(shop.arrived, shop.succeeded + shop.unanswered);
    assert_eq!(shop.failed["unanswered"], shop.unanswered);
    // It came just after the twentieth second, and the run waits as long again as it measures.
    near(shop.oldest_unanswered_s, 100.0, 1.0);
    for promise in ["good(1s)", "success_rate"] {
        let slo = promised(&summary, promise);
        assert_eq!((slo.verdict, slo.over), (Outcome::Failed, Some(Over::Arrived)), "{promise}");
        near(slo.measured.value, 1.0 / 3.0, 0.03);
    }
    assert!(summary.conservation.holds && summary.conservation.failed == 0);
    let edge = &summary.edges["shop -> orders"];
    assert_eq!((edge.unanswered, edge.success_rate.value), (shop.unanswered, shop.success_rate.value));
}

#[test]
fn a_percentile_is_over_all_that_set_out() {
    // 55 % are answered after an exponential time of 10 ms, the others never: the median of all is the quantile of the
    // answered at 0.5 ÷ 0.55, 10 ms · ln 11; 0.55 · (1 − e⁻²) are good within 20 ms.
    let summary = run(include_str!("never-answered.toml"));
    let c = &summary.clients["c"];
    near(c.success_rate.value, 0.55, 0.01);
    near(c.latency_arrived_ms.p50.value, 10.0 * 11f64.ln(), 1.0);
    near(c.latency_ms.p50.value, 10.0 * 2f64.ln(), 0.3);
    assert_eq!(c.latency_arrived_ms.count, c.arrived);
    assert_eq!(c.latency_arrived_ms.p90.value, None, "nine of ten are not answered");
    assert!(c.latency_arrived_ms.at_least_ms["p90"] >= 60_000.0, "the run has waited for a minute");
    assert!(c.latency_arrived_ms.at_least_ms["mean"] > 20_000.0 && c.latency_arrived_ms.mean.value.is_none());
    assert_eq!(c.latency_ms.mean.ends(), None, "a mean of those that got through has no narrow interval");
    near(promised(&summary, "good(20ms)").measured.value, 0.55 * (1.0 - (-2f64).exp()), 0.01);
    assert!(summary.slos.iter().all(|slo| slo.verdict == Outcome::Failed), "{:?}", summary.slos);
}

/// One of ten hangs; with a timeout it fails instead.
fn hanging(timeout: &str) -> Summary {
    run(&format!(
        "version = 1\n[sim]\nduration = \"30s\"\nwarmup = \"0s\"\nreplications = 3\n[defaults]\ntransport = \"free\"\n\
         [network]\nsame_zone = \"0ms\"\n[clients.c]\ncalls = \"a\"\nrate = \"50/s\"\n{timeout}[services.a]\n\
         concurrency = \"unlimited\"\nwork = \"10ms\"\n\
         steps = [{{ split = [{{ weight = \"10%\", steps = [{{ wait = \"1d\" }}] }}, {{ weight = \"90%\" }}] }}]\n\
         [[slos]]\nof = \"c\"\nexpect = \"p99 < 1s\"\n[[slos]]\nof = \"c\"\nexpect = \"p50 < 1s\"\n\
         [[slos]]\nof = \"c\"\nexpect = \"mean < 1s\"\n"
    ))
}

#[test]
fn a_timeout_does_not_mend_a_percentile() {
    let (hangs, fails) = (hanging(""), hanging("timeout = \"2s\"\n"));
    for summary in [&hangs, &fails] {
        let slo = promised(summary, "p99");
        assert_eq!((slo.verdict, slo.reason.as_deref()), (Outcome::Failed, Some("beyond")));
        assert_eq!((slo.measured.value, slo.over), (None, Some(Over::Arrived)));
        assert_eq!(promised(summary, "p50").verdict, Outcome::Met);
    }
    // A lower bound where something is still under way, nothing where it failed.
    assert!(promised(&hangs, "p99").at_least.unwrap() >= 30_000.0 && promised(&fails, "p99").at_least.is_none());
    assert_eq!(promised(&hangs, "mean").verdict, Outcome::Failed, "a tenth has waited for more than half a minute");
    assert_eq!(promised(&fails, "mean").over, Some(Over::Answered));
    assert_eq!((fails.clients["c"].unanswered, hangs.clients["c"].failed.len()), (0, 1));
}

#[test]
fn the_run_waits_longer_than_a_promise_asks() {
    let text = include_str!("censored-success.toml").replace("good(1s)", "good(150s)");
    let summary = run(&text.replace("duration = \"10m\"", "duration = \"60s\""));
    let youngest = promised(&summary, "good(150s)");
    // Two thirds hang for ever; the youngest of them is older than 150 s when the run stops.
    near(youngest.measured.value, 1.0 / 3.0, 0.03);
    assert!(summary.clients["shop"].oldest_unanswered_s.unwrap() > 150.0 + 39.0);
}

#[test]
fn visits_that_somebody_gave_up_are_waited_for_too() {
    // Every call is given up after 10 ms and every visit takes 50: none of them was left unanswered by its callee.
    let summary = run(
        "version = 1\n[sim]\nduration = \"10s\"\nwarmup = \"0s\"\nreplications = 2\n[defaults]\ntransport = \"free\"\n\
         [clients.c]\ncalls = \"a\"\nrate = \"100/s\"\ntimeout = \"10ms\"\n[services.a]\nconcurrency = \"unlimited\"\n\
         work = \"50ms\"\n",
    );
    let a = &summary.endpoints["a"];
    assert_eq!((a.unanswered, a.success_rate.value), (0, Some(1.0)));
    assert_eq!(summary.clients["c"].success_rate.value, Some(0.0));
}

#[test]
fn messages_and_flows_that_are_not_done_are_counted_with_their_age() {
    let summary = run(
        "version = 1\n[sim]\nduration = \"20s\"\nwarmup = \"0s\"\nreplications = 2\n[defaults]\ntransport = \"free\"\n\
         [clients.c]\ncalls = \"a\"\narrivals = \"constant\"\nrate = \"10/s\"\n[services.a]\nsteps = [{ publish = \"q\" }]\n\
         [queues.q]\n[services.b]\nconsumes = [{ from = \"q\", concurrency = 1 }]\nwork = \"10m\"\n\
         [[flows]]\nname = \"done\"\nstarts = \"c\"\nends = \"b\"\n",
    );
    let (flow, queue) = (&summary.flows["done"], &summary.queues["q"]);
    assert_eq!((flow.success_rate.value, flow.unanswered), (Some(0.0), flow.arrived));
    assert_eq!(queue.unanswered, queue.ready_at_end + queue.unacked_at_end);
    near(queue.oldest_unanswered_s, 40.0, 0.2);
    assert_eq!(flow.latency_arrived_ms.p50.value, None);
}

#[test]
fn a_constant_rate_has_as_many_arrivals_as_it_says() {
    let summary = run(
        "version = 1\n[sim]\nduration = \"100s\"\nwarmup = \"10s\"\nreplications = 1\n[defaults]\ntransport = \"free\"\n\
         [clients.c]\ncalls = \"a\"\narrivals = \"constant\"\nrate = \"1/s\"\n[services.a]\nwork = \"1ms\"\n",
    );
    let c = &summary.clients["c"];
    assert_eq!((c.arrived, summary.nodes["a"].arrivals, summary.endpoints["a"].arrived), (100, 100, 100));
    assert_eq!(c.timeline.iter().map(|m| m.arrived).sum::<u64>(), 100);
}

#[test]
fn a_comparison_is_over_all_that_arrived() {
    let (hangs, fails) = (hanging(""), hanging("timeout = \"2s\"\n"));
    let comparison = compare(&hangs, &[fails], Vec::new(), Vec::new());
    let figures = &comparison.others[0].clients["c"];
    assert_eq!(figures.p99_ms.verdict, Verdict::Unknown, "neither has one: {:?}", figures.p99_ms);
    assert_eq!((figures.unanswered[1], figures.unanswered[0] > 0), (0, true));
    assert!(matches!(figures.success_rate.verdict, Verdict::Same | Verdict::NoSignificantDifference));
    assert!(comparison.total.quickest.is_none());
}

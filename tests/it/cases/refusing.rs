//! Who is refused when not all can be served.

use hoptax::experiment::summary::Summary;

use crate::bench::run;

/// A play API for 1,000 requests/s gets 400/s of users and twelve times its 100/s of prefetches for half a minute.
fn prefetch(service: &str) -> Summary {
    run(&format!(
        "version = 1\n[sim]\nduration = \"60s\"\nwarmup = \"10s\"\nreplications = 2\n[defaults]\ntransport = \"free\"\n\
         [clients.users]\ncalls = \"play\"\nrate = \"400/s\"\npriority = 0\ntimeout = \"1s\"\n\
         [clients.prefetch]\ncalls = \"play\"\nrate = \"100/s\"\npriority = 1\ntimeout = \"1s\"\n\
         [services.play]\nconcurrency = 20\nwork = {{ mean = \"20ms\" }}\nqueue_order = \"priority\"\n{service}\n\
         [[faults]]\nname = \"spike\"\nkind = \"traffic\"\ntarget = \"prefetch\"\nfactor = 12\nat = \"20s\"\nduration = \"30s\"\n\
         [[slos]]\nof = \"users\"\nexpect = \"success_rate >= 99.4%\"\nduring = \"spike\"\n\
         [[slos]]\nof = \"prefetch\"\nexpect = \"success_rate >= 20%\"\nduring = \"spike\"\n"
    ))
}

/// What users and prefetches had of it in the spike.
fn shares(summary: &Summary) -> [f64; 2] {
    [0, 1].map(|slo| summary.slos[slo].measured.value.unwrap())
}

/// Netflix, "Enhancing Netflix Reliability with Service-Level Prioritized Load Shedding" (2024): in a twelve-fold spike of
/// prefetches, users' requests stay above 99.4 % and prefetches fall to 20 %. Here what users leave of 1,000/s is 600 of 1,200.
#[test]
fn the_less_important_are_refused_first() {
    for refuses in [
        "queue_limit = 40",
        "shed = { queue_longer_than = \"50ms\" }",
        "concurrency_limit = { kind = \"gradient\", initial = 40, min = 20, max = 200 }",
    ] {
        let [users, prefetches] = shares(&prefetch(refuses));
        assert!(users > 0.994 && (0.2..0.52).contains(&prefetches), "{refuses}: {users} {prefetches}");
    }
}

/// Who stands in a line in order of arrival is not asked how important it is: both lose alike.
#[test]
fn a_line_in_order_of_arrival_knows_nobody() {
    let summary = run(
        "version = 1\n[sim]\nduration = \"20s\"\nwarmup = \"0s\"\nreplications = 1\n[defaults]\ntransport = \"free\"\n\
         [clients.a]\ncalls = \"s\"\nrate = \"800/s\"\npriority = 0\n[clients.b]\ncalls = \"s\"\nrate = \"800/s\"\npriority = 1\n\
         [services.s]\nconcurrency = 20\nwork = { mean = \"20ms\" }\nqueue_limit = 40\n",
    );
    let [a, b] = ["a", "b"].map(|client| summary.clients[client].success_rate.value.unwrap());
    assert!((a - b).abs() < 0.03 && (0.58..0.68).contains(&a), "{a} {b}");
}

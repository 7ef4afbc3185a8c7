//! Intervals are honest: of the 95 % intervals that are printed, nearly as many hold the truth.

use hoptax::experiment::summary::{Estimate, Summary};

use crate::bench::run_on;

const SEEDS: u64 = 200;

/// M/M/1 at 80 %: ten replications of 8,000 requests, about a hundred relaxation times.
fn one_queue(seed: u64) -> Summary {
    run_on(
        2,
        &format!(
            r#"
version = 1
name = "one-queue"
[sim]
duration = "100s"
warmup = "10s"
replications = 10
seed = {seed}
[defaults]
transport = "free"
[network]
same_zone = "0s"
[clients.c]
calls = "desk"
rate = "80/s"
[services.desk]
concurrency = 1
work = {{ mean = "10ms" }}
"#
        ),
    )
}

/// How many intervals there were, and how many of them held the truth.
struct Tally {
    what: &'static str,
    truth: f64,
    printed: u64,
    held: u64,
}

impl Tally {
    fn of(what: &'static str, truth: f64) -> Self {
        Self { what, truth, printed: 0, held: 0 }
    }

    fn add(&mut self, estimate: Estimate) {
        if let Some(holds) = estimate.contains(self.truth) {
            self.printed += 1;
            self.held += u64::from(holds);
        }
    }

    fn judge(&self) {
        let Self { what, truth, printed, held } = self;
        let told = format!("{what}: {held} of {printed} intervals hold {truth}");
        assert_eq!(
            *printed, SEEDS,
            "{told}: whether it is printed depends on the number of samples, not on what they say"
        );
        assert!(held * 100 >= printed * 90, "{told}: too narrow");
        // At 95 % it would be strange luck if all did.
        assert!(held < printed, "{told}: too wide");
        println!("{told}");
    }
}

#[test]
fn they_hold_the_truth_as_often_as_they_say() {
    // Sojourn is exponential with mean 1 ÷ (100 − 80) s.
    let truths =
        [("mean", 50.0), ("p50", 50.0 * 2_f64.ln()), ("p99", 50.0 * 100_f64.ln()), ("p99.9", 50.0 * 1_000_f64.ln())];
    let mut tallies = truths.map(|(what, truth)| Tally::of(what, truth));
    let mut busy = Tally::of("utilization", 0.8);
    let mut wait = Tally::of("p_wait", 0.8);
    for seed in 1..=SEEDS {
        let summary = one_queue(seed);
        let latency = &summary.clients["c"].latency_ms;
        tallies
            .iter_mut()
            .zip([latency.mean, latency.p50, latency.p99, latency.p999])
            .for_each(|(tally, e)| tally.add(e));
        busy.add(summary.nodes["desk"].utilization);
        wait.add(summary.nodes["desk"].p_wait);
    }
    tallies.iter().chain([&busy, &wait]).for_each(Tally::judge);
}

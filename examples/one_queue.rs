//! One queue in forty lines: a desk with one worker, and what queueing theory says about it.
//!
//! `cargo run --release --example one_queue`

use hoptax::experiment;
use hoptax::scenario::{Source, load};

const DESK: &str = r#"
version = 1
name = "desk"

[sim]
duration = "500s"
warmup = "20s"

[defaults]
transport = "free"

[network]
same_zone = "0s"

[clients.people]
calls = "desk"
rate = "80/s"

[services.desk]
concurrency = 1
work = { mean = "10ms" }
"#;

fn main() {
    // A scenario that is wrong says so here, every mistake with its place.
    let desk = load(&Source::text("desk", DESK), &[]).expect("a scenario without mistakes");
    let figures = experiment::run(&desk, None, &()).expect("nobody interrupts");
    let latency = &figures.clients["people"].latency_ms;
    let rho: f64 = 0.8;
    println!("M/M/1 at 80 %          simulated   theory");
    println!("mean latency, ms       {:9.2} {:8.2}", latency.mean.value.unwrap_or(f64::NAN), 10.0 / (1.0 - rho));
    println!("99th percentile, ms    {:9.2} {:8.2}", latency.p99.value.unwrap_or(f64::NAN), 50.0 * 100_f64.ln());
    let busy = figures.nodes["desk"].utilization.value.unwrap_or(f64::NAN);
    println!("busy                   {busy:9.3} {rho:8.3}");
}

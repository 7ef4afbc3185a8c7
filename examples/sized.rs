//! Scenarios of a size, to see how long a study takes: layers of services that call the next layer, two calls each, a database
//! each, a queue for every ten.
//!
//! `cargo run --example sized -- 30 > thirty.toml`; `hoptax coupling thirty.toml`.

use std::env;
use std::process::ExitCode;

/// Services that clients call.
const LAYERS: usize = 5;

fn main() -> ExitCode {
    match env::args().nth(1).map(|n| n.parse()) {
        Some(Ok(n)) if n >= LAYERS => print!("{}", scenario(n)),
        _ => {
            eprintln!("usage: sized N, the number of services, from {LAYERS}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// `n` services; 50 requests a second in all up to a hundred services, 10 beyond.
fn scenario(n: usize) -> String {
    let rate = if n <= 100 { 50 } else { 10 };
    let mut text = format!(
        "# {n} services in {LAYERS} layers, made by examples/sized.rs.\nversion = 1\nname = \"sized-{n}\"\n\n[sim]\n\
         duration = \"60s\"\nwarmup = \"5s\"\nreplications = 10\n\n[defaults]\npolicy = \"usual\"\n\n\
         [policies.usual]\ntimeout = \"1s\"\n"
    );
    let wide = n / LAYERS;
    let name = |at: usize| format!("s{at:03}");
    for (client, share) in [("web", 6), ("app", 4)] {
        let calls: Vec<String> =
            (0..wide).map(|at| format!("{{ to = \"{}\", share = {} }}", name(at), 1.0 / wide as f64)).collect();
        text += &format!(
            "\n[clients.{client}]\nrate = \"{}/s\"\ntimeout = \"2s\"\ncalls = [{}]\n",
            rate * share / 10,
            calls.join(", ")
        );
    }
    for at in 0..n {
        let layer = (at / wide).min(LAYERS - 1);
        let mut steps = vec![format!("{{ query = \"db-{}\" }}", name(at))];
        if layer + 1 < LAYERS {
            let first = (layer + 1) * wide;
            let room = if layer + 2 == LAYERS { n - first } else { wide };
            for way in [at * 2, at * 3 + 1] {
                steps.push(format!("{{ call = \"{}\", probability = \"60%\" }}", name(first + way % room)));
            }
        }
        if at % 10 == 4 {
            steps.push(format!("{{ send = \"q{:02}\", probability = \"20%\" }}", at / 10));
        }
        text += &format!("\n[services.{}]\nreplicas = 2\nconcurrency = 50\nwork = {{ mean = \"2ms\" }}\n", name(at));
        text += &format!("steps = [{}]\n", steps.join(", "));
        if at % 10 == 9 {
            text += &format!("consumes = [{{ from = \"q{:02}\", concurrency = 4, work = \"5ms\" }}]\n", at / 10);
        }
        text += &format!("\n[databases.db-{}]\nconcurrency = 20\nwork = {{ mean = \"1ms\" }}\n", name(at));
    }
    for queue in 0..(n + 5) / 10 {
        text += &format!("\n[queues.q{queue:02}]\n");
    }
    text + "\n[[slos]]\nof = \"web\"\nexpect = \"p99 < 300ms\"\n"
}

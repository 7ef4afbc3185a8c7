//! Held workers: when the last hop slows down, callers that keep their workers run out of them up the whole chain, though
//! hardly one of them works; callers that give theirs up do not notice.

use hoptax::experiment::summary::{Node, Summary};

use crate::bench::run;

const WORKERS: f64 = 10.0;

/// a → b → c → d at 100 requests per second, and a bystander who needs `a` alone.
fn chain(io: &str, last: &str) -> Summary {
    let caller = |name: &str, next: &str| {
        format!(
            "[services.{name}]\nconcurrency = {WORKERS}\nio = \"{io}\"\n\
             [services.{name}.endpoints.go]\nwork = {{ mean = \"1ms\" }}\nsteps = [\"{next}\"]\n"
        )
    };
    run(&format!(
        r#"
version = 1
name = "held"
[sim]
duration = "60s"
warmup = "5s"
replications = 4
[defaults]
transport = "free"
[network]
same_zone = "0.2ms"
[clients.callers]
calls = "a.go"
rate = "100/s"
timeout = "2s"
[clients.bystanders]
calls = "a.look"
rate = "50/s"
timeout = "2s"
{}{}{}
[services.a.endpoints.look]
work = {{ mean = "1ms" }}
[services.d]
concurrency = "unlimited"
work = {{ mean = "{last}" }}
"#,
        caller("a", "b.go").replace("io =", "queue_limit = 20\nio ="),
        caller("b", "c.go"),
        caller("c", "d")
    ))
}

fn busy(node: &Node) -> f64 {
    node.mean_busy.value.unwrap()
}

fn working(node: &Node) -> f64 {
    node.mean_working.value.unwrap()
}

#[test]
fn blocking_callers_of_a_slow_hop_are_busy_and_do_not_work() {
    let slow = chain("blocking", "200ms");
    for name in ["a", "b", "c"] {
        let node = &slow.nodes[name];
        assert!(busy(node) > 0.9 * WORKERS && busy(node) <= WORKERS, "{name}: {} busy", busy(node));
        assert!(working(node) < 0.05 * WORKERS, "{name}: {} working", working(node));
        assert!(node.utilization.value.unwrap() > 0.9);
    }
    let d = &slow.nodes["d"];
    assert!((working(d) - busy(d)).abs() < 1e-9, "the last hop waits for nobody");
    assert!(slow.clients["bystanders"].success_rate.value.unwrap() < 0.7, "no worker is left for the bystanders");
    assert!(slow.nodes["a"].refused > 0);
}

#[test]
fn blocking_callers_of_a_quick_hop_have_workers_to_spare() {
    let quick = chain("blocking", "20ms");
    for (name, below) in [("a", 23.2), ("b", 21.8), ("c", 20.4)] {
        // Little: 100 per second, each for its own 1 ms and everything below; a bystander adds 50 × 1 ms at `a`.
        let held = 0.1 * (1.0 + below) + if name == "a" { 0.05 } else { 0.0 };
        let node = &quick.nodes[name];
        assert!((busy(node) / held - 1.0).abs() < 0.03, "{name}: {} busy, not {held}", busy(node));
        assert!(working(node) < 0.2);
    }
    assert!(quick.clients["bystanders"].success_rate.value.unwrap() > 0.999);
}

#[test]
fn async_callers_do_not_notice() {
    let (slow, quick) = (chain("async", "200ms"), chain("async", "20ms"));
    for name in ["a", "b", "c"] {
        let node = &slow.nodes[name];
        assert!((working(node) - busy(node)).abs() < 1e-9, "{name} holds a worker that does not work");
        assert!(busy(node) < 0.03 * WORKERS, "{name}: {} busy", busy(node));
        assert!((busy(node) / busy(&quick.nodes[name]) - 1.0).abs() < 0.02);
    }
    let p99 = |s: &Summary| s.clients["bystanders"].latency_ms.p99.value.unwrap();
    assert!((p99(&slow) / p99(&quick) - 1.0).abs() < 0.02, "{} {}", p99(&slow), p99(&quick));
    assert!(slow.clients["bystanders"].success_rate.value.unwrap() > 0.999);
    assert!(slow.clients["callers"].latency_ms.mean.value.unwrap() > 200.0, "waiting is no less for being cheap");
}

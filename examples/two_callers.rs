//! Two callers compared: what does a slow database do to a shop that waits with its worker in hand, and to one that does
//! not? One scenario, changed by edits as `--set` would change it; the same seed, so that both see the same requests.
//!
//! `cargo run --release --example two_callers`

use hoptax::experiment::{self, summary::Summary};
use hoptax::scenario::{Edit, Source, load};

const SHOP: &str = r#"
version = 1
name = "two callers"

[sim]
duration = "60s"
warmup = "5s"

[defaults]
transport = "free"

[clients.buyers]
calls = "shop.buy"
rate = "100/s"
timeout = "1s"

[clients.browsers]
calls = "shop.browse"
rate = "200/s"
timeout = "1s"

[services.shop]
concurrency = 16
io = "blocking"

[services.shop.endpoints.buy]
work = { mean = "2ms" }
steps = [{ query = "orders" }]

[services.shop.endpoints.browse]
work = { mean = "2ms" }

[databases.orders]
concurrency = 200
work = { mean = "10ms" }
"#;

/// The figures of the scenario with these changes.
fn figures(changes: &[String]) -> Summary {
    let edits: Vec<Edit> = changes.iter().map(|c| Edit::parse(c).expect("path=value")).collect();
    let checked = load(&Source::text("two callers", SHOP), &edits).expect("a scenario without mistakes");
    experiment::run(&checked, None, &()).expect("nobody interrupts")
}

fn main() {
    println!(
        "{:<9} {:>8}  {:>14} {:>8} {:>8} {:>13}",
        "io", "database", "browsers' p99", "success", "busy", "of them work"
    );
    for io in ["blocking", "async"] {
        for work in ["10ms", "140ms"] {
            let changes = [format!("services.shop.io={io}"), format!("databases.orders.work={{ mean = \"{work}\" }}")];
            let summary = figures(&changes);
            let (browsers, shop) = (&summary.clients["browsers"], &summary.nodes["shop"]);
            let value = |estimate: experiment::summary::Estimate| estimate.value.unwrap_or(f64::NAN);
            println!(
                "{io:<9} {work:>8}  {:>11.1} ms {:>6.1} % {:>5.1}/16 {:>13.1}",
                value(browsers.latency_all_ms.p99),
                100.0 * value(browsers.success_rate),
                value(shop.mean_busy),
                value(shop.mean_working),
            );
        }
    }
}

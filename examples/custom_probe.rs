//! A probe of your own: it hears every fact of a run, in order, and keeps what it cares about.
//!
//! This one asks a question that the standard figures do not answer: how often, and for how long, is every worker of a
//! node busy? Averages do not tell; a pool that is busy for 60 % of the time on average may well be exhausted ten times a
//! second.
//!
//! `cargo run --release --example custom_probe`

use hoptax::machine::Machine;
use hoptax::model::{Fact, NodeId, Plan, Probe};
use hoptax::scenario::{Source, load, lower};
use hoptax::units::{Span, Time};

const SHOP: &str = r#"
version = 1
name = "shop"

[sim]
duration = "60s"
warmup = "0s"

[defaults]
transport = "free"

[clients.shoppers]
calls = "shop"
rate = "300/s"

[services.shop]
concurrency = 8
work = { mean = "2ms" }
steps = [{ query = "stock" }]

[databases.stock]
concurrency = 4
work = { p50 = "6ms", p99 = "40ms" }
"#;

/// Stretches of time in which all workers of one node are busy.
struct Exhaustion {
    node: NodeId,
    workers: u32,
    busy: u32,
    /// The last stretch: when it began, and when a worker became free again.
    last: Option<(Time, Time)>,
    stretches: Vec<Span>,
}

impl Exhaustion {
    /// Listens to the node of this name.
    fn of(plan: &Plan, name: &str) -> Option<Self> {
        let at = plan.nodes.iter().position(|node| node.name == name)?;
        let workers = plan.nodes[at].workers * plan.nodes[at].replicas;
        Some(Self { node: NodeId(at as u32), workers, busy: 0, last: None, stretches: Vec::new() })
    }

    /// The last free worker is taken.
    fn exhausted(&mut self, now: Time) {
        match self.last {
            // Whoever is next in line takes a worker at the instant it becomes free: that is no pause.
            Some((_, freed)) if freed == now => {}
            last => {
                self.stretches.extend(last.map(|(since, freed)| freed.since(since)));
                self.last = Some((now, now));
            }
        }
    }

    fn report(&mut self, name: &str, duration: Span) {
        self.stretches.sort_unstable();
        let all = self.stretches.iter().fold(Span::ZERO, |sum, stretch| sum + *stretch);
        let longest = self.stretches.last().copied().unwrap_or_default();
        println!(
            "{name:<6} all {} workers busy {:5.1} times a second, {:4.1} % of the time, for {:.1} ms at the longest",
            self.workers,
            self.stretches.len() as f64 / duration.as_secs_f64(),
            100.0 * all.as_secs_f64() / duration.as_secs_f64(),
            longest.as_millis_f64(),
        );
    }
}

impl Probe for Exhaustion {
    fn on(&mut self, now: Time, fact: Fact) {
        match fact {
            Fact::Entered { node } if node == self.node => {
                self.busy += 1;
                if self.busy == self.workers {
                    self.exhausted(now);
                }
            }
            Fact::Left { node } if node == self.node => {
                self.busy -= 1;
                if let Some((_, freed)) = &mut self.last
                    && self.busy + 1 == self.workers
                {
                    *freed = now;
                }
            }
            _ => {}
        }
    }
}

fn main() {
    let checked = load(&Source::text("shop", SHOP), &[]).expect("a scenario without mistakes");
    let plan = lower(&checked);
    let listen = |name| Exhaustion::of(&plan, name).expect("a node of that name");
    // Probes compose as tuples; `()` hears nothing and costs nothing.
    let probes = (listen("shop"), listen("stock"));
    let finished = Machine::new(&plan, plan.seed, probes).run(|_| true);
    let (mut shop, mut stock) = finished.probe;
    shop.report("shop", plan.duration);
    stock.report("stock", plan.duration);
}

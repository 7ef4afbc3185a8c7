//! A chain of four blocking services, from the text of a scenario to all figures: what a request costs.

use divan::Bencher;
use divan::counter::ItemsCount;
use hoptax::experiment;
use hoptax::scenario::{self, Source};

fn main() {
    divan::main();
}

/// Simulated seconds; a hundred requests each.
const SECONDS: u64 = 2_000;

/// Poisson 100/s → a → b → c → d, 4 workers each, exponential work of 5 ms, 0.5 ms each way between them.
fn chain(transport: &str) -> Source {
    let tier = |name: &str, next: &str| {
        format!("[services.{name}]\nconcurrency = 4\nwork = {{ mean = \"5ms\" }}\nsteps = [{next}]\n")
    };
    let text = [
        "version = 1\nname = \"chain4\"\n".to_owned(),
        format!("[sim]\nduration = \"{SECONDS}s\"\nwarmup = \"1s\"\nreplications = 1\n"),
        format!("[defaults]\ntransport = \"{transport}\"\n[network]\nsame_zone = \"0.5ms\"\n"),
        "[clients.c]\ncalls = \"a\"\narrivals = \"poisson\"\nrate = \"100/s\"\n".to_owned(),
        tier("a", "\"b\""),
        tier("b", "\"c-svc\""),
        tier("c-svc", "\"d\""),
        tier("d", ""),
    ];
    Source::text("chain4.toml", text.concat())
}

#[divan::bench(args = ["free"], sample_count = 10)]
fn chain4(bencher: Bencher, transport: &str) {
    let source = chain(transport);
    let checked = scenario::load(&source, &[]).expect("the scenario is right");
    bencher
        .counter(ItemsCount::new(SECONDS * 100))
        .bench_local(|| experiment::run(&checked, Some(1), &()).expect("nobody interrupts"));
}

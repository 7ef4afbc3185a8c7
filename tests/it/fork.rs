//! A machine can be copied in the middle of a run: the copy goes on as the original does, or under another seed.

use hoptax::machine::Machine;
use hoptax::model::{Fact, Plan, Probe};
use hoptax::units::{Span, Time};

use crate::bench::plan;

/// Hears everything.
#[derive(Clone, Debug, Default, PartialEq)]
struct Heard(Vec<String>);

impl Probe for Heard {
    fn on(&mut self, now: Time, fact: Fact) {
        self.0.push(format!("{now:?} {fact:?}"));
    }
}

/// Scenarios that together have of everything some.
const GALLERY: [&str; 9] = [
    "10-a-fetch-without-timeout",
    "11-a-transaction-across-a-call",
    "16-when-handling-fails",
    "21-replay-after-a-bug",
    "33-a-retry-storm",
    "34-autoscaling-a-service-that-waits",
    "38-a-moved-service-and-dns",
    "40-hedging-the-tail",
    "42-a-cold-cache",
];

/// A plan of the gallery, cut to a few seconds.
fn short(name: &str) -> Plan {
    let path = format!("{}/scenarios/{name}.toml", env!("CARGO_MANIFEST_DIR"));
    let mut plan = plan(&std::fs::read_to_string(path).unwrap());
    plan.warmup = Span(500_000_000);
    plan.duration = Span(1_500_000_000);
    plan.patience = Span(1_000_000_000);
    plan
}

/// What is heard of a run that is copied after a second, by the original and by the copy that goes on under a seed.
fn heard(plan: &Plan, seed: Option<u64>) -> (usize, Heard, Heard) {
    let mut machine = Machine::new(plan, 7, Heard::default());
    machine.run_to(Time(1_000_000_000));
    let copy = seed.map_or_else(|| machine.clone(), |seed| machine.fork(seed));
    let copy = copy.run(|_| true).probe;
    let before = machine.probe().0.len();
    (before, machine.run(|_| true).probe, copy)
}

#[test]
fn a_copy_goes_on_as_the_original_does() {
    for name in GALLERY {
        let plan = short(name);
        let (before, original, copy) = heard(&plan, None);
        assert!(before > 100 && original.0.len() > before, "{name}: {before} of {}", original.0.len());
        assert!(original == copy, "{name}: the copy went another way");
        let whole = Machine::new(&plan, 7, Heard::default()).run(|_| true).probe;
        assert!(original == whole, "{name}: stopping on the way changes something");
    }
}

#[test]
fn under_another_seed_only_what_is_drawn_later_differs() {
    for name in GALLERY {
        let (before, original, copy) = heard(&short(name), Some(8));
        assert!(original.0[..before] == copy.0[..before], "{name}: the past changed");
        assert!(original.0[before..] != copy.0[before..], "{name}: the future did not");
    }
}

/// Work that has not begun is drawn anew in each copy, also that of those who wait in line already.
#[test]
fn who_waits_in_line_has_work_of_its_own_in_each_copy() {
    let mut plan = plan(
        "version = 1\nsim = { duration = \"1s\", warmup = \"0s\", replications = 1 }\ndefaults = { transport = \"free\" }\nnetwork = { same_zone = \"0s\" }\n\
         [clients.users]\ncalls = \"desk\"\narrivals = \"constant\"\nrate = \"100/s\"\n\
         [services.desk]\nconcurrency = 1\nwork = { mean = \"50ms\" }\n",
    );
    plan.patience = Span(60_000_000_000);
    let mut machine = Machine::new(&plan, 1, Heard::default());
    machine.run_to(Time(1_000_000_000));
    let answers = |heard: &Heard| -> Vec<String> {
        heard
            .0
            .iter()
            .filter(|fact| fact.contains("Answered"))
            .map(|fact| fact.split(' ').next().unwrap().to_owned())
            .collect()
    };
    let before = answers(machine.probe()).len();
    let of = |seed| answers(&machine.fork(seed).run(|_| true).probe)[before..].to_vec();
    let (one, other) = (of(2), of(3));
    assert!(before < 40 && one.len() > 60 && one.len() == other.len(), "{before} {}", one.len());
    // Whoever is at work has its end already; nobody in line leaves at the same moment in both.
    assert!(one[0] == other[0] && one[1..].iter().zip(&other[1..]).all(|(a, b)| a != b));
}

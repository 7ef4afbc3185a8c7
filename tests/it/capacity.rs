//! The largest load that keeps its promises, against theory.

use hoptax::experiment::capacity::{Capacity, Wanted, study};
use hoptax::experiment::study::{Options, load};
use hoptax::scenario::Source;

fn of(text: &str, wanted: &Wanted) -> Capacity {
    let checked =
        load(&Source::text("capacity", text), None, &Options::default()).unwrap_or_else(|why| panic!("{why}"));
    let found = study(&checked, wanted, None, &()).unwrap_or_else(|why| panic!("{why}"));
    assert!(found.whole);
    found.capacity
}

fn one(sim: &str, node: &str, promise: &str) -> String {
    format!(
        r#"
version = 1
sim = {{ {sim}, replications = 2 }}
network = {{ same_zone = "0ms" }}
[clients.users]
calls = "desk"
rate = "20/s"
transport = "free"
[services.desk]
{node}
[[slos]]
of = "users"
expect = "{promise}"
"#
    )
}

/// A run keeps `max` of its arrivals only if it has few enough: with a promise on throughput alone, nothing queues, and the number
/// of Poisson arrivals of a run decides: it is at most so many with a probability that is known.
#[test]
fn of_arrivals_alone_the_probability_is_known() {
    let text =
        one("duration = \"20s\", warmup = \"0s\"", "concurrency = \"unlimited\"\nwork = \"1ms\"", "throughput <= 50/s");
    let found = of(&text, &Wanted::default());
    // P(Poisson(20 λ) ≤ 1000) = 95 % at 20 λ = 949.5 (of a normal 1000.5 = m + 1.645 √m, and the skewness).
    let per_s = found.limit.per_s;
    let exact = 47.48;
    let (low, high) = per_s.ends().unwrap();
    assert!(low < exact * 1.01 && exact * 0.99 < high, "{per_s:?}, not {exact}");
    assert!(high / low < 1.12, "{per_s:?}");
    assert!(found.limit.tried.iter().any(|(_, kept)| kept.value == Some(1.0)));
}

/// M/M/c: in a run that is long, the mean is that of Erlang's formula, so the promise breaks where that is its bound.
#[test]
fn many_servers_carry_what_erlang_says() {
    let node = "concurrency = 4\nwork = { mean = \"10ms\" }";
    let found = of(&one("duration = \"40s\", warmup = \"5s\"", node, "mean < 20ms"), &Wanted::default());
    let mean = |rate: f64| {
        let (load, c) = (rate * 0.01, 4.0);
        let terms: Vec<f64> = (0..4).map(|k| load.powi(k) / (1..=k).map(f64::from).product::<f64>()).collect();
        let all = load.powi(4) / 24.0 * c / (c - load);
        let wait = all / (terms.iter().sum::<f64>() + all);
        0.01 + wait * 0.01 / (c - load)
    };
    let exact = (1..4000).map(|tenth| f64::from(tenth) / 10.0).find(|rate| mean(*rate) > 0.02).unwrap();
    // A run of 40 s scatters around that: 95 % of runs keep it a little below, and none far beyond.
    let limit = found.limit.per_s.value.unwrap();
    assert!(limit < exact && limit > 0.9 * exact, "{:?}, and Erlang says {exact}", found.limit.per_s);
    assert_eq!(found.limit.busiest.as_deref(), Some("desk"));
    assert!(found.without.unwrap().limit.is_none(), "it has one replica");
}

/// A replica less of two that are balanced well carries about half; twice the load takes about twice the replicas.
#[test]
fn a_replica_less_and_a_load_that_is_wanted() {
    let node = "replicas = 2\nconcurrency = 1\nwork = \"10ms\"";
    let text = one("duration = \"20s\", warmup = \"2s\"", node, "p99 < 100ms");
    let found = of(&text, &Wanted { target_per_s: Some(300.0), ..Wanted::default() });
    let limit = found.limit.per_s.value.unwrap();
    let less = found.without.as_ref().unwrap().limit.as_ref().unwrap().per_s.value.unwrap();
    assert!(less < 0.65 * limit && less > 0.35 * limit, "{less} of {limit}");
    let toward = found.toward.unwrap();
    assert!(toward.enough, "{toward:?}");
    let added = &toward.add[0];
    let each = limit / 2.0;
    let needed = 300.0 / each;
    assert!((f64::from(added.to) - needed).abs() < 1.5, "{added:?}, and each carries {each}");
}

#[test]
fn without_a_promise_there_is_none() {
    let text = one("duration = \"1s\", warmup = \"0s\"", "work = \"1ms\"", "mean < 1s");
    let text = text.split("[[slos]]").next().unwrap();
    let checked = load(&Source::text("capacity", text), None, &Options::default()).unwrap();
    let told = study(&checked, &Wanted::default(), None, &()).unwrap_err().to_string();
    assert!(told.contains("[[slos]]"), "{told}");
}

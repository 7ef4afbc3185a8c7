//! The largest load that keeps its promises, against theory.

use hoptax::experiment::SoFar;
use hoptax::experiment::capacity::{Capacity, Gone, Wanted, generated, study};
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

/// Half of the runs keep a promise on the mean up to where theory has the mean at its bound: they are long enough that the median
/// of a run's mean is hardly less than the mean.
fn half(text: &str, exact: f64) -> Capacity {
    let found = of(text, &Wanted { confidence: 0.5, ..Wanted::default() });
    let (low, high) = found.limit.per_s.ends().unwrap();
    assert!(low <= exact && exact <= high, "{:?}, and theory says {exact}", found.limit.per_s);
    assert!(high / low < 1.15, "{:?}", found.limit.per_s);
    found
}

/// The least rate, in tenths, at which a mean is beyond a bound.
fn crossing(mean: impl Fn(f64) -> f64, bound: f64) -> f64 {
    (1..40_000).map(|tenth| f64::from(tenth) / 10.0).find(|rate| !(0.0..bound).contains(&mean(*rate))).unwrap()
}

/// Erlang's mean sojourn with so many servers.
fn erlang(servers: u32, work: f64, rate: f64) -> f64 {
    let (load, c) = (rate * work, f64::from(servers));
    if load >= c {
        return f64::INFINITY;
    }
    let term = |k: u32| load.powf(f64::from(k)) / (1..=k).map(f64::from).product::<f64>();
    let all = term(servers) * c / (c - load);
    work + all / ((0..servers).map(term).sum::<f64>() + all) * work / (c - load)
}

const LONG: &str = "duration = \"100s\", warmup = \"10s\"";

/// M/M/c.
#[test]
fn many_servers_carry_what_erlang_says() {
    let node = "concurrency = 4\nwork = { mean = \"10ms\" }";
    let text = one(LONG, node, "mean < 16ms").replace("replications = 2", "replications = 12");
    let found = half(&text, crossing(|rate| erlang(4, 0.01, rate), 0.016));
    assert_eq!((found.limit.busiest.as_deref(), &found.limit.rises[..]), (Some("desk"), &[][..]));
    assert!(found.without[0].limit.is_none(), "it has one replica");
}

/// M/G/1-PS: the mean is that of M/M/1 whatever the law.
#[test]
fn a_shared_processor_carries_what_its_mean_says() {
    let node = "concurrency = \"unlimited\"\ncores = 1\nwork = { dist = \"lognormal\", mean = \"10ms\", cv = 1.5 }";
    let text = one(LONG, node, "mean < 25ms").replace("replications = 2", "replications = 12");
    half(&text, crossing(|rate| if rate < 100.0 { 0.01 / (1.0 - rate * 0.01) } else { f64::INFINITY }, 0.025));
}

/// A blocking chain: the front's workers are held as long as the back works, which has room for everybody.
#[test]
fn a_blocking_chain_carries_what_its_held_workers_do() {
    let node = "concurrency = 3\nwork = \"0s\"\nsteps = [{ call = \"back\", transport = \"free\" }]\n\
                [services.back]\nconcurrency = \"unlimited\"\nwork = { mean = \"50ms\" }";
    let text = one(LONG, node, "mean < 80ms").replace("replications = 2", "replications = 12");
    let found = half(&text, crossing(|rate| erlang(3, 0.05, rate), 0.08));
    assert_eq!(found.limit.busiest.as_deref(), Some("desk"), "its workers wait, and are what lacks");
}

/// A retry storm on M/M/1. Up: it is carried as long as hardly any call times out. Back: after a spike every call is made
/// four times, which is more than can be done from a quarter of 100/s on.
#[test]
fn a_storm_has_two_limits() {
    let node = "io = \"async\"\nconcurrency = \"unlimited\"\nsteps = [{ call = \"back\", transport = \"free\", \
                timeout = \"500ms\", retries = { max = 3 } }]\n\
                [services.back]\nconcurrency = 1\nwork = { mean = \"10ms\" }";
    let text = one("duration = \"60s\", warmup = \"5s\"", node, "success_rate > 99%");
    let found = of(&text.replace("replications = 2", "replications = 10"), &Wanted::default());
    let up = found.limit.per_s.value.unwrap();
    assert!(up > 60.0 && up < 92.0, "{:?}", found.limit);
    let back = found.back.as_ref().unwrap();
    let (low, high) = back.per_s.ends().unwrap();
    assert!(low <= 26.0 && high >= 25.0 && low > 15.0 && high < 0.5 * up, "{back:?}");
}

/// Stops once so many loads were told.
struct Impatient(std::sync::Mutex<(u32, Vec<f64>)>);

impl hoptax::experiment::Watch for Impatient {
    fn advanced(&self, _: f64) {}
    fn stopped(&self) -> bool {
        self.0.lock().unwrap().0 == 0
    }
    fn curious(&self) -> bool {
        true
    }
    fn hear(&self, so_far: &SoFar) {
        let SoFar::Load { per_s, .. } = so_far else { return };
        let mut heard = self.0.lock().unwrap();
        heard.0 = heard.0.saturating_sub(1);
        heard.1.push(*per_s);
    }
}

/// Whoever stops it is told what was known, and what is not.
#[test]
fn an_interruption_says_what_is_not_known() {
    let text = one("duration = \"30s\", warmup = \"1s\"", "concurrency = 1\nwork = \"10ms\"", "p99 < 100ms");
    let checked = load(&Source::text("capacity", text), None, &Options::default()).unwrap();
    let watch = Impatient(std::sync::Mutex::new((3, Vec::new())));
    let found = study(&checked, &Wanted { target_per_s: Some(300.0), ..Wanted::default() }, Some(1), &watch).unwrap();
    assert!(!found.whole && found.capacity.back.is_none() && found.capacity.generator.is_none());
    let heard = watch.0.into_inner().unwrap().1;
    let tried: Vec<f64> = found.capacity.limit.tried.iter().map(|tried| tried.0 * 20.0).collect();
    assert_eq!(heard, tried, "what is heard is what is tried");
    let page = hoptax::report::capacity::page(&found.capacity);
    let told = page.warnings.join("\n");
    assert!(told.contains("not known: ") && told.contains("the way back from a spike"), "{told}");
    assert!(!page.notes.join("\n").contains("spike"), "{:?}", page.notes);
    assert!(page.heading.iter().any(|part| part.starts_with("72 runs at each load; not 2: ")), "{:?}", page.heading);
}

/// What is worse with less load is told: messages that wait for company are late at low loads.
#[test]
fn what_is_not_monotone_is_told() {
    let node = "concurrency = 1\nwork = \"10ms\"";
    let text = one("duration = \"10s\", warmup = \"1s\"", node, "throughput > 20/s");
    let found = of(&text, &Wanted::default());
    assert_eq!(found.limit.per_s.value, None, "{:?}", found.limit.tried);
    assert!(!found.limit.rises.is_empty(), "every seed keeps it at larger loads: {:?}", found.limit.tried);
}

/// A run of ninety requests has no 99th percentile, which says nothing against so little load.
#[test]
fn loads_with_too_few_requests_are_not_tried() {
    let text = one("duration = \"6s\", warmup = \"1s\"", "concurrency = 1\nwork = \"10ms\"", "p99 < 100ms");
    let found = of(&text, &Wanted::default());
    assert!(found.limit.tried[0].0 * 20.0 >= 140.0 / 6.0, "{:?}", found.limit.tried);
    assert!(found.limit.per_s.value.is_some_and(|per_s| per_s > 50.0), "{:?}", found.limit);
}

/// A zone gone takes what stands in it, and what needs that.
#[test]
fn a_zone_gone() {
    let text = r#"
version = 1
sim = { duration = "10s", warmup = "1s", replications = 2 }
network = { same_zone = "0ms", cross_zone = "0ms" }
[clients.users]
calls = "edge"
rate = "20/s"
transport = "free"
[services.edge]
io = "async"
concurrency = "unlimited"
steps = [{ call = "a", transport = "free", fallback = [{ call = "b", transport = "free" }] }]
[services.a]
zone = "eu/a"
concurrency = 1
work = "5ms"
[services.b]
zone = "eu/b"
concurrency = 1
work = "10ms"
[[slos]]
of = "users"
expect = "p99 < 100ms"
"#;
    let found = of(text, &Wanted::default());
    let left = |zone: &str| {
        let one = found.without.iter().find(|one| one.gone == Gone::Zone(zone.into())).unwrap();
        one.limit.as_ref().unwrap().per_s.value.unwrap()
    };
    let whole = found.limit.per_s.value.unwrap();
    assert!(
        left("eu/a") > 0.35 * whole && left("eu/a") < 0.65 * whole,
        "b alone does half: {} of {whole}",
        left("eu/a")
    );
    assert!(left("eu/b") > 0.9 * whole, "nobody asks b: {} of {whole}", left("eu/b"));
}

/// The second example of wrk2's README: a hundred connections, 2000/s, and the server stopped for 1.4 s of the twenty that are
/// recorded. wrk2 shows a 99th percentile of 1.27 s, and "200 x" less where only the time since sending is looked at.
#[test]
fn a_stall_hides_from_a_generator_that_waits() {
    let text = r#"
version = 1
sim = { duration = "20s", warmup = "1s", replications = 4 }
network = { same_zone = "0ms" }
[clients.wrk]
calls = "apache"
rate = "2000/s"
arrivals = "constant"
transport = "free"
[services.apache]
concurrency = 16
work = { p50 = "2.7ms", p99 = "5.43ms" }
[[faults]]
kind = "freeze"
target = "apache"
at = "10s"
duration = "1.4s"
[[slos]]
of = "wrk"
expect = "success_rate > 99%"
"#;
    let checked = load(&Source::text("wrk2", text), None, &Options::default()).unwrap_or_else(|why| panic!("{why}"));
    let test = generated(&checked, "wrk", Some(100), None, &()).unwrap();
    let [_, corrected, _] = test.late.corrected_ms.map(|one| one.value.unwrap());
    let [_, uncorrected, rarest] = test.late.uncorrected_ms.map(|one| one.value.unwrap());
    assert!((1180.0..1330.0).contains(&corrected), "{test:?}");
    assert!(uncorrected < 20.0, "a hundred of 40,000 see the stall: {test:?}");
    assert!((1300.0..1450.0).contains(&rarest), "and they are one in 400: {test:?}");
    // Of 2,800 that should be sent in the stall, and as long as the line is worked off, a hundred find a user.
    let dropped = test.dropped_share.value.unwrap();
    assert!((0.065..0.07).contains(&dropped), "{dropped}");
}

/// A replica less of two that are balanced well carries about half; twice the load takes about twice the replicas.
#[test]
fn a_replica_less_and_a_load_that_is_wanted() {
    let node = "replicas = 2\nconcurrency = 1\nwork = \"10ms\"";
    let text = one("duration = \"20s\", warmup = \"2s\"", node, "p99 < 100ms");
    let found = of(&text, &Wanted { target_per_s: Some(300.0), ..Wanted::default() });
    let limit = found.limit.per_s.value.unwrap();
    let less = found.without[0].limit.as_ref().unwrap().per_s.value.unwrap();
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

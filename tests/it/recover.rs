//! Where a system stays down: against the fluid limit of retries, a published trigger, and the least fault that theory knows.

use hoptax::experiment::hunt::{self, Hunt};
use hoptax::experiment::recover::{Cell, Recover, Wanted, study};
use hoptax::experiment::study::{Options, Trouble, load};
use hoptax::experiment::summary::Outcome;
use hoptax::scenario::{Checked, Source};

fn checked(text: &str) -> Checked {
    load(&Source::text("recover", text), None, &Options::default()).unwrap_or_else(|why| panic!("{why}"))
}

fn map(text: &str, wanted: &Wanted) -> Recover {
    let found = study(&checked(text), wanted, None, &()).unwrap_or_else(|why| panic!("{why}"));
    assert!(found.whole);
    found.recover
}

/// A server that does 100 requests a second, callers that give up after a second and send again at once, `retries` times;
/// at 20 s the server stands still for 10 s.
fn storm(rate: f64, retries: u32, replications: u32) -> String {
    format!(
        r#"
version = 1
sim = {{ duration = "100s", warmup = "5s", replications = {replications} }}
defaults = {{ transport = "free" }}
network = {{ same_zone = "0s" }}
[clients.users]
calls = "front"
rate = "{rate}/s"
[services.front]
io = "async"
concurrency = "unlimited"
steps = [{{ call = "desk", timeout = "1s", retries = {{ max = {retries}, on = ["timeout"] }} }}]
[services.desk]
concurrency = 1
work = {{ mean = "10ms" }}
[[faults]]
kind = "freeze"
target = "desk"
at = "20s"
duration = "10s"
"#
    )
}

fn only(loads: &[f64]) -> Wanted {
    Wanted { loads: loads.to_vec(), lengths_s: vec![10.0], ..Wanted::default() }
}

fn cell(recover: &Recover, load: f64, length_s: f64) -> &Cell {
    let found = recover.cells.iter().find(|cell| cell.load == load && cell.length_s == length_s);
    found.unwrap_or_else(|| panic!("nothing was run at {load} for {length_s} s"))
}

/// Once everybody times out, every request comes r + 1 times: that keeps a server that does μ busy from μ ÷ (r + 1) on,
/// and below μ it can do without.
#[test]
fn retries_keep_a_server_down_within_the_band_and_not_below() {
    // r = 3: from 25/s on.
    let below = map(&storm(20.0, 3, 300), &only(&[1.0]));
    let found = cell(&below, 1.0, 10.0);
    assert_eq!((found.runs, found.down, found.not_seen), (300, 0, 0), "{found:?}");
    assert!(found.probability.high.is_some_and(|high| high <= 0.01), "{found:?}");
    let inside = map(&storm(20.0, 3, 20), &only(&[1.0, 2.0]));
    let found = cell(&inside, 2.0, 10.0);
    assert!(found.down == 20 && found.probability.low.is_some_and(|low| low > 0.8), "{found:?}");
    let edge = inside.edges[0].load;
    let critical = 25.0 / 20.0;
    assert!(edge.low.is_some_and(|low| low < critical) && edge.high.is_some_and(|high| high > critical), "{edge:?}");
    assert!(edge.value.is_some_and(|load| (load / critical - 1.0).abs() < 0.2), "{edge:?}");
    // r = 1: from 50/s on.
    let other = map(&storm(80.0, 1, 20), &only(&[1.0]));
    assert_eq!(cell(&other, 1.0, 10.0).probability.value, Some(1.0));
    // 110/s are more than the server can do whatever happens: it is told, and nothing is run.
    let over = map(&storm(110.0, 2, 20), &only(&[1.0]));
    let found = cell(&over, 1.0, 10.0);
    assert!(
        found.runs == 0 && found.probability.value.is_none() && found.overloaded[0].starts_with("desk"),
        "{found:?}"
    );
}

/// Where nine of ten workers are busy retries may begin to feed on each other without any trigger. What is usual is then read off
/// those runs that were well all the time before it.
#[test]
fn near_saturation_what_is_usual_is_that_of_the_runs_that_were_well() {
    for rate in [90.0, 93.0, 96.0] {
        let recover = map(&storm(rate, 3, 20), &only(&[1.0]));
        let found = cell(&recover, 1.0, 10.0);
        assert_eq!((found.down + found.before, found.not_seen, found.back_s), (20, 0, None), "{rate}: {found:?}");
        assert!(found.probability.low.is_some_and(|low| low > 0.8), "{rate}: {found:?}");
    }
    // As busy, and nobody tries again: the line of half a second is gone after five more, and nothing stays down.
    let text = storm(90.0, 0, 20).replace("timeout = \"1s\"", "timeout = \"3s\"").replace("\"10s\"", "\"500ms\"");
    let recover = map(&text, &Wanted { loads: vec![1.0], lengths_s: vec![0.5], ..Wanted::default() });
    let found = cell(&recover, 1.0, 0.5);
    assert_eq!((found.down, found.before, found.not_seen), (0, 0, 0), "{found:?}");
}

/// A line that is served slowly is no failure that stays: whether it comes back is not seen.
#[test]
fn what_only_takes_its_time_is_not_called_down() {
    // 22/s come four times, 88 of 100: what gathers in ten seconds takes about a minute, and ten seconds more to tell.
    let found = map(&storm(22.0, 3, 20).replace("100s", "75s"), &only(&[1.0]));
    let found = cell(&found, 1.0, 10.0);
    assert!(found.down == 0 && found.not_seen > 0, "{found:?}");
    assert_eq!(found.because.as_deref(), Some("the run ends first"));
    assert!(found.probability.high.is_none_or(|high| high > 0.5), "{found:?}");
}

/// Huang et al., OSDI 2022: of four triggers the second leaves a failure behind (scenarios/published/retry-trigger.toml).
#[test]
fn the_published_triggers_are_told_apart() {
    let path = format!("{}/scenarios/published/retry-trigger.toml", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap().replace("replications = 10", "replications = 3");
    let of = |variant: Option<&str>, loads: &[f64], length_s: f64| {
        let checked = load(&Source::text("osdi", &text), variant, &Options::default()).unwrap();
        let wanted = Wanted { loads: loads.to_vec(), lengths_s: vec![length_s], ..Wanted::default() };
        study(&checked, &wanted, None, &()).unwrap().recover
    };
    let down = |recover: &Recover, load| {
        let found = recover.cells.iter().find(|cell| cell.load == load).unwrap();
        assert_eq!(found.not_seen, 0, "{found:?}");
        found.probability.value.unwrap()
    };
    assert_eq!(down(&of(None, &[1.0], 10.0), 1.0), 0.0, "(a) 0.45 CPU for 10 s: recovers");
    assert_eq!(down(&of(Some("b"), &[1.0], 10.0), 1.0), 1.0, "(b) 0.40 CPU for 10 s: stays down");
    assert_eq!(down(&of(Some("b"), &[1.0], 9.0), 1.0), 0.0, "(c) 0.40 CPU for 9 s: recovers");
    assert_eq!(down(&of(Some("b"), &[0.75], 10.0), 0.75), 0.0, "(d) as (b), 75 % load: recovers");
}

#[test]
fn a_spike_is_the_trigger_where_nothing_goes_wrong_in_the_file() {
    let text = storm(20.0, 3, 4);
    let text = text.split("[[faults]]").next().unwrap();
    let found = map(text, &Wanted { loads: vec![0.25, 2.5], lengths_s: vec![8.0], ..Wanted::default() });
    assert_eq!(found.trigger.name, "10 × the traffic of users");
    assert!(found.trigger.by_default && found.trigger.lasts);
    assert_eq!(cell(&found, 0.25, 8.0).down, 0);
    assert_eq!(cell(&found, 2.5, 8.0).down, 4);
}

#[test]
fn what_cannot_grow_or_end_is_refused_by_name() {
    let why = |text: &str, wanted: &Wanted| match study(&checked(text), wanted, None, &()) {
        Err(Trouble::Absent(why)) => why,
        other => panic!("{other:?}"),
    };
    let closed = storm(20.0, 3, 4).replace("rate = \"20/s\"", "users = 5\nthink_time = \"1s\"");
    let told = why(&closed, &Wanted::default());
    assert!(told.contains("`users` is closed") && told.contains("give it a `rate`"), "{told}");
    let random = storm(20.0, 3, 4).replace("at = \"20s\"\nduration = \"10s\"", "mtbf = \"1h\"\nmttr = \"1s\"");
    let told = why(&random, &Wanted { trigger: Some("freeze desk".into()), ..Wanted::default() });
    assert!(told.contains("comes at random"), "{told}");
    let told = why(&random, &Wanted { trigger: Some("quake".into()), ..Wanted::default() });
    assert!(told.contains("no fault `quake`") && told.contains("`freeze desk`"), "{told}");
}

fn found(text: &str, wanted: &hunt::Wanted) -> Hunt {
    let found = hunt::study(&checked(text), wanted, None, &()).unwrap_or_else(|why| panic!("{why}"));
    assert!(found.whole);
    found.hunt
}

/// Three replicas of which each answers a third of the requests, a promise that one of ten may fail. Who got no answer gives its
/// connection up in time: otherwise a hundred that hang are all there are.
const SHOP: &str = r#"
version = 1
sim = { duration = "30s", warmup = "0s", replications = 20 }
[clients.users]
calls = "shop"
rate = "60/s"
timeout = "1s"
[services.shop]
work = "1ms"
steps = [{ call = "stock", timeout = "500ms" }]
[services.stock]
replicas = 3
work = "2ms"
[services.idle]
work = "1ms"
[[slos]]
of = "users"
expect = "success_rate >= 90%"
[[slos]]
of = "users"
expect = "good(100ms) >= 80%"
"#;

/// A tenth of 30 s is 3 s of a node with one replica, or of all three: 3 replica-seconds are the least.
#[test]
fn the_smallest_fault_is_found_and_a_smaller_one_breaks_nothing() {
    let hunt = found(SHOP, &hunt::Wanted::default());
    let smallest = hunt.found.as_ref().unwrap();
    assert_eq!((smallest.candidate.target.as_str(), smallest.candidate.replicas), ("shop", 1));
    assert!((2.9..3.6).contains(&smallest.size) && smallest.size == smallest.length_s, "{smallest:?}");
    assert_eq!(smallest.breaks.promise.as_deref(), Some("users success_rate >= 90%"));
    assert!(smallest.confirmed && smallest.smaller.is_some());
    assert!(hunt.tried.iter().all(|tried| tried.candidate.target != "idle" || tried.size.is_none()));
    // The file that shows it says so by itself, and a tenth less of it does not.
    let text = hunt.reproducer.as_ref().unwrap();
    let verdict = |text: &str| {
        let summary = hoptax::experiment::run(&checked(text), None, &()).unwrap();
        assert_eq!((summary.slos.len(), summary.faults.len(), summary.run.seed), (1, 1, hunt.run.fresh_seed));
        summary.slos[0].verdict
    };
    assert_eq!(verdict(text), Outcome::Failed);
    let length = hoptax::units::Span::from_secs_f64(smallest.length_s);
    let less = hoptax::units::Span::from_secs_f64(0.9 * smallest.length_s);
    let smaller = text.replace(&format!("duration = \"{length}\""), &format!("duration = \"{less}\""));
    assert_ne!(*text, smaller);
    assert_ne!(verdict(&smaller), Outcome::Failed);
}

#[test]
fn where_nothing_breaks_or_nothing_is_promised_it_is_said() {
    let loose = SHOP.replace("90%", "2%").replace("80%", "2%");
    let hunt = found(&loose, &hunt::Wanted { up_to_s: Some(2.0), ..hunt::Wanted::default() });
    assert!(hunt.found.is_none() && hunt.reproducer.is_none() && !hunt.tried.is_empty());
    let none = SHOP.split("[[slos]]").next().unwrap();
    let refused = hunt::study(&checked(none), &hunt::Wanted::default(), None, &());
    assert!(matches!(&refused, Err(Trouble::Absent(why)) if why.contains("[[slos]]")), "{refused:?}");
}

/// Half a second is enough for what keeps itself down.
#[test]
fn what_is_never_recovered_from_needs_no_promise() {
    let text = storm(60.0, 3, 20);
    let text = text.split("[[faults]]").next().unwrap().replace("100s", "50s");
    let targets = vec!["desk".into()];
    let hunt =
        found(&text, &hunt::Wanted { never_recovers: true, targets, up_to_s: Some(8.0), ..hunt::Wanted::default() });
    let smallest = hunt.found.as_ref().unwrap();
    assert!(smallest.breaks.promise.is_none() && smallest.size < 4.0, "{smallest:?}");
    let summary = hoptax::experiment::run(&checked(hunt.reproducer.as_ref().unwrap()), None, &()).unwrap();
    assert_eq!(summary.slos[0].verdict, Outcome::Failed);
}

/// Where a run ends before anybody could come back, shorter faults are tried, and it is said up to which.
#[test]
fn what_the_run_ends_too_soon_for_is_not_called_harmless() {
    let text = storm(20.0, 0, 20).replace("100s", "40s");
    let text = text.split("[[faults]]").next().unwrap();
    let targets = vec!["desk".into()];
    let wanted = hunt::Wanted { never_recovers: true, targets, up_to_s: Some(28.0), ..hunt::Wanted::default() };
    let hunt = found(text, &wanted);
    assert!(hunt.found.is_none() && !hunt.tried.is_empty(), "{:?}", hunt.found);
    let down = hunt.tried.iter().find(|tried| tried.candidate.way == hunt::Way::Refuses).unwrap();
    assert!(down.up_to_s < 28.0 && down.up_to_s > 1.0, "{down:?}");
    let told = hoptax::report::hunt::answer(&hunt);
    assert!(told.contains("of longer ones the run does not show it"), "{told}");
}

/// A file's own fault is no part of what is hunted for, and that is said.
#[test]
fn a_file_s_own_faults_are_left_out_and_named() {
    let own =
        "[[faults]]\nname = \"shop down\"\nkind = \"outage\"\ntarget = \"shop\"\nat = \"5s\"\nduration = \"20s\"\n";
    let wanted = hunt::Wanted { targets: vec!["shop".into()], ..hunt::Wanted::default() };
    let hunt = found(&format!("{SHOP}{own}"), &wanted);
    assert_eq!(hunt.left_out, ["shop down"]);
    assert!(hunt.found.is_some_and(|found| (2.9..3.6).contains(&found.size)), "as without it");
}

/// The verdict on the only promise of a text.
fn verdict(text: &str) -> Outcome {
    hoptax::experiment::run(&checked(text), None, &()).unwrap().slos[0].verdict
}

/// Two shops ask one store; a tenth of its calls are those of the shop that promises something.
const TWO: &str = r#"
version = 1
sim = { duration = "30s", warmup = "0s", replications = 20 }
[clients.few]
calls = "kiosk"
rate = "10/s"
zone = "eu-west/b"
[clients.many]
calls = "mall"
rate = "90/s"
[services.kiosk]
zone = "eu-west/a"
work = "1ms"
steps = ["store", { publish = "sold" }]
[services.mall]
work = "1ms"
steps = ["store"]
[services.store]
replicas = 4
work = "2ms"
[queues.sold]
[services.books]
consumes = [{ from = "sold", work = "1ms" }]
[[slos]]
of = "few"
expect = "success_rate >= 90%"
"#;

/// 4 replicas for a tenth of their calls are 0.4 replicas; a node takes away one at least.
#[test]
fn an_edge_may_break_with_less_than_a_node() {
    let hunt = found(TWO, &hunt::Wanted::default());
    let smallest = hunt.found.as_ref().unwrap();
    assert_eq!((smallest.candidate.target.as_str(), smallest.candidate.of), ("kiosk -> store", 4), "{smallest:?}");
    assert!((0.08..0.12).contains(&smallest.candidate.share), "{smallest:?}");
    // Somewhat more than 3 of 30 s, because the whole interval is to break it.
    assert!((1.1..1.6).contains(&smallest.size) && smallest.confirmed, "{smallest:?}");
    let text = hunt.reproducer.as_ref().unwrap();
    assert!(text.contains("kind = \"errors\"") && text.contains("target = \"kiosk -> store\""), "{text}");
    assert_eq!(verdict(text), Outcome::Failed);
    // Everything was tried that there is.
    let tried = |name: &str| hunt.tried.iter().any(|tried| tried.candidate.target == name);
    for name in ["store", "sold", "zone:eu-west/a", "few -> kiosk", "kiosk -> sold"] {
        assert!(tried(name), "{name}");
    }
}

#[test]
fn a_zone_and_a_cut_off_edge_are_hunted_by_name_and_shown_by_the_file() {
    let of = |name: &str| {
        let hunt = found(TWO, &hunt::Wanted { targets: vec![name.into()], ..hunt::Wanted::default() });
        let smallest = hunt.found.clone().unwrap_or_else(|| panic!("{name}: {:?}", hunt.tried));
        assert!(smallest.confirmed && smallest.candidate.target == name, "{smallest:?}");
        assert_eq!(verdict(hunt.reproducer.as_ref().unwrap()), Outcome::Failed, "{name}");
        (smallest, hunt)
    };
    let (zone, _) = of("zone:eu-west/a");
    assert!((2.9..4.0).contains(&zone.size) && zone.candidate.replicas == 1, "{zone:?}");
    let (sold, hunt) = of("kiosk -> sold");
    assert!((2.9..4.0).contains(&sold.size), "{sold:?}");
    // What it publishes and does not wait for may be cut off for as long as it takes.
    assert!(hunt.tried.iter().any(|tried| tried.candidate.way == hunt::Way::CutOff && tried.size.is_none()));
}

//! A notch on anything, against theory.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use hoptax::experiment::Watch;
use hoptax::experiment::coupling::{NoShelf, Shelf};
use hoptax::experiment::study::{Options, Trouble, load};
use hoptax::experiment::whatif::{Change, Of, Wanted, WhatIf, is_gain, study};
use hoptax::scenario::Source;

fn of(text: &str, of: Of) -> WhatIf {
    let checked = load(&Source::text("whatif", text), None, &Options::default()).unwrap_or_else(|why| panic!("{why}"));
    let found =
        study(&checked, &Wanted { of, ..Wanted::default() }, None, &(), &NoShelf).unwrap_or_else(|why| panic!("{why}"));
    assert!(found.whole);
    found.whatif
}

fn change<'w>(whatif: &'w WhatIf, what: &str, way: &str) -> &'w Change {
    let found = whatif.changes.iter().find(|change| change.what == what && change.way == way);
    found.unwrap_or_else(|| panic!("nothing turned {what} {way}"))
}

/// M/M/1 at 70 %: T = S ÷ (1 − λS), so a tenth less work takes 33.3 to 24.3 ms, and a tenth more to 47.8 ms.
#[test]
fn a_queue_gains_what_theory_says() {
    let whatif = of(
        r#"
version = 1
sim = { duration = "200s", warmup = "20s", replications = 10 }
network = { same_zone = "0ms" }
[clients.users]
calls = "desk"
rate = "70/s"
transport = "free"
[services.desk]
concurrency = 1
work = { mean = "10ms" }
"#,
        Of::Mean,
    );
    let sojourn = |work: f64| 1e3 * work / (1.0 - 70.0 * work);
    for (way, work) in [("down", 0.009), ("up", 0.011)] {
        let found = change(&whatif, "desk", way).figures.mean_ms.difference;
        let expected = sojourn(work) - sojourn(0.010);
        assert_eq!(found.contains(expected), Some(true), "{way}: {found:?}, not {expected}");
        // Under common random numbers the interval is far narrower than the difference.
        assert!(found.half_width().unwrap() < 0.35 * expected.abs(), "{way}: {found:?} of {expected}");
    }
    assert!(change(&whatif, "desk", "down").stands && change(&whatif, "desk", "up").stands);
    // A second worker is worth more than any tenth, and the study is told of it on fresh seeds.
    let best = &whatif.changes[0];
    assert_eq!((best.what.as_str(), best.by.as_str()), ("desk concurrency", "1 → 2"));
    let again = whatif.again.as_ref().unwrap();
    assert!(again.difference.difference.high.unwrap() < 0.0 && again.seed == whatif.head.seed + 1);
}

#[test]
fn the_slower_station_dominates_and_what_is_not_asked_changes_nothing() {
    let whatif = of(
        r#"
version = 1
sim = { duration = "60s", warmup = "5s", replications = 6 }
[clients.users]
calls = "first"
rate = "70/s"
[clients.others]
calls = "alone"
rate = "5/s"
[services.first]
io = "async"
concurrency = 1
work = { mean = "5ms" }
steps = ["second"]
[services.second]
concurrency = 1
work = { mean = "11ms" }
[services.alone]
work = "5ms"
"#,
        Of::Mean,
    );
    let gain = |what: &str| change(&whatif, what, "down").figures.mean_ms.difference.value.unwrap();
    assert!(gain("second") < 3.0 * gain("first") && gain("first") < 0.0, "{} {}", gain("second"), gain("first"));
    let alone = change(&whatif, "alone", "up");
    assert!(alone.by_structure && !alone.stands && alone.figures.mean_ms.difference.value == Some(0.0));
    assert!(gain("users -> first") < 0.0);
}

#[test]
fn a_notch_is_a_tenth_and_retries_are_turned_off() {
    let text = r#"
version = 1
sim = { duration = "10s", warmup = "1s", replications = 6 }
[clients.users]
calls = "shop"
rate = "40/s"
timeout = "2s"
[services.shop]
replicas = 3
concurrency = 24
steps = [{ call = "stock", policy = "careful" }, { query = "db" }]
[services.shop.pools]
db = { connections = 10 }
[services.stock]
error_rate = "20%"
work = "2ms"
[databases.db]
work = "1ms"
[policies.careful]
timeout = "400ms"
retries = { max = 2, backoff = "10ms" }
"#;
    let whatif = of(text, Of::SuccessRate);
    let by = |what: &str, way: &str| change(&whatif, what, way).by.clone();
    assert_eq!((by("shop replicas", "up"), by("shop replicas", "down")), ("3 → 4".into(), "3 → 2".into()));
    assert_eq!((by("shop concurrency", "up"), by("shop pool to db", "up")), ("24 → 26".into(), "10 → 11".into()));
    assert_eq!(
        (by("users timeout", "down"), by("policy careful timeout", "up")),
        ("2s → 1.5s".into(), "400ms → 500ms".into())
    );
    assert_eq!(by("stock", "down"), "−10 %");
    // One replica of the store cannot be turned down.
    assert!(!whatif.changes.iter().any(|change| change.what == "stock replicas" && change.way == "down"));
    // 0.2³ fail with two retries, 0.2 with none.
    let off = change(&whatif, "policy careful retries", "down");
    let lost = off.figures.success_rate.difference;
    assert!(off.by == "off" && lost.contains(-0.192) == Some(true), "{lost:?}");
    assert!(off.stands && whatif.again.is_none(), "nothing helps here");
}

#[test]
fn a_client_that_is_not_there_is_named() {
    let text = "version = 1\n[clients.users]\ncalls = \"web\"\nrate = \"5/s\"\n[services.web]\nwork = \"1ms\"\n";
    let checked = load(&Source::text("whatif", text), None, &Options::default()).unwrap();
    let wanted = Wanted { client: Some("user".into()), ..Wanted::default() };
    let Err(Trouble::Absent(why)) = study(&checked, &wanted, None, &(), &NoShelf) else { panic!("it was found") };
    assert!(why.contains("`user`") && why.contains("users"), "{why}");
}

/// A shelf in memory, and how often something was put on it.
#[derive(Default)]
struct Memory(RefCell<BTreeMap<String, String>>, Cell<usize>);

impl Shelf for Memory {
    fn take(&self, key: &str) -> Option<String> {
        self.0.borrow().get(key).cloned()
    }
    fn keep(&self, key: &str, text: &str) {
        self.1.set(self.1.get() + 1);
        self.0.borrow_mut().insert(key.into(), text.into());
    }
}

/// Has had enough when so much of all is done.
struct Until(f64, std::sync::atomic::AtomicBool);

impl Watch for Until {
    fn advanced(&self, share_done: f64) {
        self.1.fetch_or(share_done >= self.0, std::sync::atomic::Ordering::Relaxed);
    }
    fn stopped(&self) -> bool {
        self.1.load(std::sync::atomic::Ordering::Relaxed)
    }
}

/// What was finished before it was stopped is not run again, and all of it says the same as in one go.
#[test]
fn a_study_that_was_stopped_is_resumed() {
    let text = r#"
version = 1
sim = { duration = "20s", warmup = "1s", replications = 4 }
[clients.users]
calls = "first"
rate = "60/s"
[services.first]
io = "async"
concurrency = 1
work = { mean = "5ms" }
steps = ["second"]
[services.second]
concurrency = 1
work = { mean = "9ms" }
"#;
    let of = |text: &str| load(&Source::text("whatif", text), None, &Options::default()).unwrap();
    let (checked, wanted, shelf) = (of(text), Wanted { of: Of::Mean, ..Wanted::default() }, Memory::default());
    let whole = study(&checked, &wanted, None, &(), &NoShelf).unwrap().whatif;
    let half = study(&checked, &wanted, Some(1), &Until(0.5, false.into()), &shelf).unwrap();
    let (kept, changes) = (shelf.1.get(), whole.changes.len());
    assert!(!half.whole && kept == half.whatif.changes.len() && kept > 1 && kept < changes, "{kept} of {changes}");
    let resumed = study(&checked, &wanted, None, &(), &shelf).unwrap();
    assert!(resumed.whole && shelf.1.get() == changes, "{} of {changes} were run", shelf.1.get());
    let json = |whatif: &WhatIf| hoptax::report::json::pretty(whatif);
    assert_eq!(json(&resumed.whatif), json(&whole));
    // Another seed is another scenario: nothing of it is taken.
    let other = of(&text.replace("replications = 4", "replications = 4, seed = 2"));
    let other = study(&other, &wanted, None, &(), &shelf).unwrap().whatif;
    assert_eq!(shelf.1.get(), 2 * changes);
    assert_ne!(json(&other), json(&whole));
}

/// What stands inline on a step, or at a client, can be turned as well as what a policy says.
#[test]
fn rules_on_a_step_are_turned_too() {
    let whatif = of(
        r#"
version = 1
sim = { duration = "10s", warmup = "0s", replications = 2 }
[clients.users]
calls = "front"
rate = "50/s"
timeout = "2s"
retries = { max = 1 }
[services.front]
pools = { db = { connections = 3, wait = "100ms" } }
steps = [{ call = "desk", timeout = "60ms", retries = { max = 2 }, bulkhead = { max_concurrent = 6 } }, { query = "db" }]
[services.desk]
concurrency = 2
work = { mean = "30ms" }
[databases.db]
work = "1ms"
"#,
        Of::Mean,
    );
    for (what, by) in [
        ("front -> desk retries", "off"),
        ("front -> desk bulkhead", "6 → 7"),
        ("front -> desk timeout", "60ms → 45ms"),
        ("front wait for db", "100ms → 75ms"),
        ("users retries", "off"),
    ] {
        assert!(
            whatif.changes.iter().any(|change| change.what == what && change.by == by),
            "{what} {by}: {:?}",
            whatif.changes.iter().map(|c| format!("{} {}", c.what, c.by)).collect::<Vec<_>>()
        );
    }
}

/// Where more than one in a hundred is refused there is no p99; a change that makes one is the best there is, and says so.
#[test]
fn what_makes_a_p99_out_of_never_is_told_first() {
    let whatif = of(
        r#"
version = 1
sim = { duration = "30s", warmup = "2s", replications = 5 }
defaults = { transport = "free" }
[clients.users]
calls = "desk"
rate = "160/s"
[services.desk]
replicas = 2
concurrency = 3
queue_limit = 6
work = { mean = "30ms" }
"#,
        Of::P99,
    );
    let best = &whatif.changes[0];
    assert!(best.stands && best.figures.p99_ms.never == [true, false], "{best:?}");
    let answer = hoptax::report::whatif::answer(&whatif);
    assert!(answer.starts_with("users gain most by desk") && answer.contains("p99 never → "), "{answer}");
    // What stays at never is judged by its success, which is lower with one worker less.
    let worse = change(&whatif, "desk replicas", "down");
    assert!(worse.stands && worse.figures.p99_ms.never == [true, true] && !is_gain(worse, Of::P99), "{worse:?}");
    // The best few were run again on seeds that had no part in choosing them.
    let again = whatif.again.as_ref().unwrap();
    assert!(again.holds && again.what == best.what && !whatif.also_again.is_empty(), "{again:?}");
    let page = hoptax::report::whatif::page(&whatif, false).table(hoptax::report::table::Style::default());
    assert!(page.contains("verdict") && page.contains("better") && page.contains("p99 never, p50"), "{page}");
}

/// Stopped before anything was turned: what is known of the file as it is, and all that was not turned.
#[test]
fn stopped_before_anything_was_turned_it_tells_what_is_known() {
    let text = "version = 1\nsim = { duration = \"100s\", warmup = \"0s\", replications = 4 }\n[clients.users]\ncalls = \"web\"\nrate = \"500/s\"\n[services.web]\nwork = \"1ms\"\n";
    let checked = load(&Source::text("whatif", text), None, &Options::default()).unwrap();
    let stopped = |share: f64, now: bool| {
        study(&checked, &Wanted::default(), Some(1), &Until(share, now.into()), &NoShelf).unwrap()
    };
    let at_once = stopped(0.0, true);
    let missing = at_once.whatif.missing.len();
    assert!(!at_once.whole && at_once.whatif.partial && at_once.whatif.changes.is_empty() && missing > 3);
    let page = hoptax::report::whatif::page(&at_once.whatif, false);
    assert!(page.answer.contains("interrupted before anything was turned"), "{}", page.answer);
    assert!(page.warnings[0].starts_with(&format!("interrupted: {missing} not run")), "{:?}", page.warnings);
    // After half of the replications of the file as it is: their figures.
    let early = stopped(0.5 / (missing as f64 + 5.0), false);
    let known = early.whatif.as_it_is.unwrap();
    assert!(known.replications < 4 && known.p50_ms.value.is_some_and(|ms| ms > 1.0), "{known:?}");
    let answer = hoptax::report::whatif::answer(&early.whatif);
    assert!(answer.contains(&format!("as it is in {} of 4 replications: p99", known.replications)), "{answer}");
}

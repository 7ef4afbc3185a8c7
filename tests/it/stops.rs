//! Runs that stop early: guards, and whoever watches.

use std::sync::atomic::{AtomicBool, Ordering};

use hoptax::experiment::coupling::NoShelf;
use hoptax::experiment::{self, Watch, advise, coupling, diagnosis, hunt, recover, whatif};
use hoptax::machine::{Alive, Machine, Stop};
use hoptax::model::Aside;
use hoptax::report;
use hoptax::report::page::Page;
use hoptax::units::Time;

use crate::bench::{checked, ended, plan};

/// A million events in four replications.
const TEXT: &str = r#"
version = 1
name = "stops"
[sim]
duration = "100s"
warmup = "0s"
replications = 4
[defaults]
transport = "free"
[clients.people]
calls = "desk"
rate = "1000/s"
[services.desk]
concurrency = 9
work = { mean = "5ms" }
"#;

#[test]
fn the_guard_on_events_stops_a_run() {
    let mut plan = plan(TEXT);
    plan.max_events = 100_000;
    let finished = ended(&plan, 1, ());
    assert_eq!(finished.stop, Stop::Events);
    assert!((100_000..200_000).contains(&finished.events), "{}", finished.events);
    assert!(!finished.at_rest);
}

#[test]
fn the_guard_on_requests_in_flight_stops_a_run() {
    let mut plan = plan(TEXT);
    plan.max_in_flight = 12;
    let finished = ended(&plan, 1, ());
    assert_eq!(finished.stop, Stop::TooMany(Alive::Requests));
    assert!(finished.at < Time(100_000_000_000));
}

#[test]
fn a_watch_that_has_enough_stops_a_run() {
    let plan = plan(TEXT);
    let mut last = Time(0);
    let mut nobody = ();
    let finished = Machine::new(&plan, 1, Aside(&mut nobody)).run(|now| {
        assert!(now > last);
        last = now;
        now < Time(50_000_000_000)
    });
    assert_eq!(finished.stop, Stop::Interrupted);
    assert!(finished.at > Time(50_000_000_000) && finished.at < Time(100_000_000_000));
}

/// Has enough when so much of all replications is done.
struct Until(f64, AtomicBool);

impl Watch for Until {
    fn advanced(&self, share_done: f64) {
        if share_done >= self.0 {
            self.1.store(true, Ordering::Relaxed);
        }
    }
    fn stopped(&self) -> bool {
        self.1.load(Ordering::Relaxed)
    }
}

#[test]
fn an_interrupted_run_keeps_the_replications_that_had_ended() {
    let (checked, until) = (checked(TEXT), |share| Until(share, AtomicBool::new(false)));
    let some = experiment::run(&checked, Some(1), &until(0.6)).unwrap();
    assert!(some.run.partial && some.run.replications == 2, "{:?}", some.run);
    assert!(some.conservation.holds && some.clients["people"].arrived > 150_000);
    let one = experiment::run(&checked, Some(1), &until(0.1)).unwrap();
    assert!(one.run.partial && one.run.replications == 1, "what was measured up to then: {:?}", one.run);
    // That none had ended is told, and how far it had come.
    assert!(some.run.unfinished_s.is_none() && one.run.unfinished_s.is_some_and(|s| s < one.run.duration_s));
    let whole = experiment::run(&checked, Some(1), &until(2.0)).unwrap();
    assert!(!whole.run.partial && whole.run.replications == 4);
}

/// A small system, a promise, a trigger.
const SMALL: &str = r#"
version = 1
sim = { duration = "30s", warmup = "0s", replications = 2 }
defaults = { transport = "free" }
[clients.people]
calls = "front"
rate = "20/s"
[services.front]
work = "1ms"
steps = ["desk"]
[services.desk]
work = { mean = "5ms" }
[[faults]]
kind = "freeze"
target = "desk"
at = "12s"
duration = "1s"
[[slos]]
of = "people"
expect = "good(200ms) >= 80%"
"#;

/// What is finished when a study is stopped is told, what is missing is named, and neither is taken for all of it.
#[test]
fn a_study_that_is_stopped_tells_what_is_finished() {
    let (checked, until) = (checked(SMALL), || Until(0.6, AtomicBool::new(false)));
    let wanted = coupling::Wanted::default();
    let part = coupling::study(&checked, &wanted, Some(1), &until(), &NoShelf).unwrap();
    let (columns, missing) = (part.coupling.columns.len(), part.coupling.missing.len());
    assert!(!part.whole && columns > 0 && missing > 0, "{columns} {missing}");
    says(&report::coupling::page(&part.coupling, false), &format!("interrupted: {missing} outage"));
    assert!(report::json::pretty(&part.coupling).contains("\"partial\": true"));
    let part = recover::study(&checked, &recover::Wanted::default(), Some(1), &until()).unwrap();
    assert!(!part.whole && !part.recover.cells.is_empty() && part.recover.missing > 0, "{:?}", part.recover);
    assert!(part.recover.partial);
    let missing = format!("interrupted: {} loads and lengths not run", part.recover.missing);
    says(&report::recover::page(&part.recover, false), &missing);
    // What lies to the right of a stopped search was not tried, and a find was not held to fresh seeds.
    let part = hunt::study(&checked, &hunt::Wanted::default(), Some(1), &until()).unwrap();
    assert!(!part.whole && !part.hunt.tried.is_empty() && !part.hunt.missing.is_empty(), "{:?}", part.hunt.missing);
    assert!(part.hunt.found.as_ref().is_none_or(|found| !found.confirmed) && part.hunt.reproducer.is_none());
    assert!(part.hunt.partial);
    let missing = format!("interrupted: {} fault", part.hunt.missing.len());
    says(&report::hunt::page(&part.hunt, false), &missing);
    let part = whatif::study(&checked, &whatif::Wanted::default(), Some(1), &until(), &NoShelf).unwrap();
    assert!(!part.whole && !part.whatif.changes.is_empty() && !part.whatif.missing.is_empty());
    assert!(part.whatif.again.is_none());
    let missing = format!("interrupted: {} not run, such as", part.whatif.missing.len());
    says(&report::whatif::page(&part.whatif, false), &missing);
    assert!(report::whatif::answer(&part.whatif).contains("of what was run until it was interrupted"));
    // Ways that were not tried are named, and none of those that were is taken for the best of all.
    let wanted = advise::Wanted { tries: true, ..advise::Wanted::default() };
    let part = advise::study(&checked, &wanted, Some(1), &until()).unwrap();
    assert!(!part.whole && part.advice.ways.len() > 1 && !part.advice.missing.is_empty(), "{:?}", part.advice.missing);
    assert!(part.advice.again.is_none());
    // A part of the matrix was there when it was stopped: the signs rest on that part, and it names what it lacks.
    let early = Until(0.3, AtomicBool::new(false));
    let (found, whole) = diagnosis::prove(&checked, Some(1), &early, &NoShelf).unwrap();
    let matrix = found.coupling.unwrap();
    assert!(!whole && !matrix.columns.is_empty() && !matrix.missing.is_empty(), "{:?}", matrix.missing);
    // Before anything was there: what the file says is told all the same, and that it is no more.
    let at_once = || Until(0.0, AtomicBool::new(true));
    let (mut found, whole) = diagnosis::prove(&checked, Some(1), &at_once(), &NoShelf).unwrap();
    assert!(!whole && found.coupling.is_none() && found.n_eff == diagnosis::diagnose(&checked).n_eff);
    found.interrupted = !whole;
    let told = report::diagnosis::markdown(&found);
    assert!(told.contains("2 services, effectively 1.0") && told.contains("interrupted before anything"), "{told}");
    let part = advise::study(&checked, &wanted, Some(1), &at_once()).unwrap();
    assert!(!part.whole && part.advice.ways.is_empty() && !part.advice.interactions.is_empty());
    assert_eq!(part.advice.missing[0], "leave it as it is");
    says(&report::advise::page(&part.advice, false), "interrupted:");
}

/// A page warns in these words.
fn says(page: &Page, words: &str) {
    assert!(page.warnings.iter().any(|warning| warning.starts_with(words)), "{words}: {:?}", page.warnings);
}

/// Hears what has ended.
#[derive(Default)]
struct Curious(std::sync::Mutex<Vec<experiment::SoFar>>);

impl Watch for Curious {
    fn advanced(&self, _: f64) {}
    fn stopped(&self) -> bool {
        false
    }
    fn curious(&self) -> bool {
        true
    }
    fn hear(&self, so_far: &experiment::SoFar) {
        self.0.lock().unwrap().push(so_far.clone());
    }
}

#[test]
fn whoever_is_curious_hears_of_each_run_that_has_ended() {
    let checked = checked(TEXT);
    let curious = Curious::default();
    let summary = experiment::run(&checked, Some(2), &curious).unwrap();
    let heard = curious.0.into_inner().unwrap();
    let counts = |so_far: &experiment::SoFar| match so_far {
        experiment::SoFar::Runs { ended, of, .. } => Some((*ended, *of)),
        experiment::SoFar::Within { .. } => None,
        other => panic!("{other:?}"),
    };
    assert_eq!(heard.iter().filter_map(counts).collect::<Vec<_>>(), [(1, 4), (2, 4), (3, 4), (4, 4)]);
    let people = &summary.clients["people"];
    let clients = vec![("people".to_owned(), 1.0, people.latency_arrived_ms.p99.value)];
    let whole = experiment::SoFar::Runs { ended: 4, of: 4, clients };
    assert_eq!(heard.last(), Some(&whole), "the last is the answer");
    let alone = experiment::run(&checked, Some(1), &()).unwrap();
    assert_eq!(report::json::one(&summary), report::json::one(&alone), "nothing of it reaches a result");
}

#[test]
fn whoever_is_curious_hears_of_a_long_run_before_it_has_ended() {
    let long = TEXT.replace("100s", "600s").replace("replications = 4", "replications = 1");
    let checked = checked(&long);
    let curious = Curious::default();
    experiment::run(&checked, Some(1), &curious).unwrap();
    let heard = curious.0.into_inner().unwrap();
    let (last, within) = heard.split_last().unwrap();
    assert!(matches!(last, experiment::SoFar::Runs { ended: 1, of: 1, .. }), "{last:?}");
    let after = |so_far: &experiment::SoFar| match so_far {
        experiment::SoFar::Within { measured_s, clients } => {
            assert_eq!((clients[0].0.as_str(), clients[0].1), ("people", 1.0), "who is under way is not lost");
            *measured_s
        }
        other => panic!("{other:?}"),
    };
    let after: Vec<f64> = within.iter().map(after).collect();
    assert!(after.len() > 2, "{after:?}");
    assert!(after.windows(2).all(|pair| pair[1] > 2.0 * pair[0]), "not more often: {after:?}");
}

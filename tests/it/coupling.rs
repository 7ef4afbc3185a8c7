//! Coupling in time against what must come out: closed forms, sharing, screens, resuming.

use std::cell::RefCell;
use std::collections::BTreeMap;

use hoptax::experiment::coupling::{Cell, Column, Coupling, NoShelf, Shelf, Wanted, Window, study};
use hoptax::experiment::study::{Options, Trouble, load};
use hoptax::experiment::{Watch, run};
use hoptax::scenario::{Checked, Source};

fn checked(text: &str) -> Checked {
    load(&Source::text("coupling", text), None, &Options::default()).unwrap_or_else(|why| panic!("{why}"))
}

/// A file with its beginning: 20 s measured, four replications, two workers of the machine at most.
fn with(rest: &str) -> Checked {
    checked(&format!("version = 1\nsim = {{ duration = \"20s\", warmup = \"1s\", replications = 4 }}\n{rest}"))
}

fn of(checked: &Checked, wanted: &Wanted) -> Coupling {
    study(checked, wanted, None, &(), &NoShelf).unwrap_or_else(|why| panic!("{why}")).coupling
}

fn column<'c>(coupling: &'c Coupling, name: &str, hangs: bool) -> &'c Column {
    let found = coupling.columns.iter().find(|c| c.target.name == name && c.target.hangs == hangs);
    found.unwrap_or_else(|| panic!("no column {name}"))
}

fn value(e: hoptax::stats::Interval) -> f64 {
    e.value.unwrap()
}

/// A chain of calls; `buy` (30 %) goes to payments, `look` does not.
const SHOP: &str = r#"
[clients.users]
calls = [{ to = "web.buy", share = "30%" }, { to = "web.look", share = "70%" }]
rate = "60/s"
[services.web.endpoints.buy]
work = "1ms"
steps = ["payments"]
[services.web.endpoints.look]
work = "1ms"
[services.payments]
work = "2ms"
steps = [{ query = "ledger" }]
[databases.ledger]
work = "1ms"
"#;

#[test]
fn a_chain_loses_what_crosses_the_node_and_nothing_is_late() {
    let coupling = of(&with(SHOP), &Wanted::default());
    for node in ["payments", "ledger"] {
        let Cell { lost, late, cost_s, recovered, served, .. } =
            column(&coupling, node, false).clients["users"].clone();
        assert!(served > 800 && lost.contains(0.3) == Some(true), "{node}: {lost:?} of {served}");
        assert!(lost.half_width().unwrap() < 0.05, "{lost:?}");
        assert_eq!(value(late), 0.0);
        // 4 s down and 30 % lost cost as much as 1.2 s of the load; nothing comes after.
        assert!(recovered && (value(cost_s) - 4.0 * value(lost)).abs() < 0.02, "{cost_s:?}");
    }
    assert_eq!(value(column(&coupling, "web", false).clients["users"].lost), 1.0);
    assert!(column(&coupling, "web", false).entry && !column(&coupling, "ledger", false).entry);
    let index = column(&coupling, "web -> payments", false).index.unwrap();
    assert_eq!((value(index.lost), value(index.spill_over)), (1.0, 0.0));
    assert!(index.crossing > 200 && index.beside > 500, "{index:?}");
    // The database stands at the end of the only way; so does each before it.
    let points: Vec<&str> = coupling.single_points.iter().map(|point| point.target.as_str()).collect();
    assert_eq!(points, ["web"]);
    assert_eq!(coupling.single_points[0].only_way_to, ["ledger", "payments"]);
}

#[test]
fn a_queue_loses_nothing_and_is_late_while_the_outage_outlasts_the_bound() {
    let coupling = of(
        &with(
            r#"
[clients.users]
calls = "web"
rate = "20/s"
[services.web]
work = "1ms"
steps = [{ send = "mails", wait_for_ack = true }]
[queues.mails]
[services.mailer]
work = "5ms"
consumes = [{ from = "mails", concurrency = 4 }]
[[flows]]
name = "mailed"
starts = "users"
ends = "mailer"
[[slos]]
of = "mailed"
expect = "p99 < 200ms"
"#,
        ),
        &Wanted::default(),
    );
    let down = column(&coupling, "mailer", false);
    assert_eq!((value(down.clients["users"].lost), value(down.clients["users"].late)), (0.0, 0.0));
    let mailed = &down.flows["mailed"];
    assert_eq!(value(mailed.lost), 0.0);
    // Whoever comes within the last 0.2 s is not late: 3.8 of 4 s, less the backlog's own time.
    assert!(value(mailed.late) > 0.93 && mailed.sheltered_by.as_deref() == Some("mails"), "{mailed:?}");
    // On average half the outage, for those late: (4 + 0.2) / 2.
    assert!((value(mailed.late_by_s) - 2.1).abs() < 0.25, "{mailed:?}");
    let who = coupling.whose.iter().find(|who| who.name == "mailed").unwrap();
    assert!(who.promised && (who.late_after_ms - 200.0).abs() < 1e-9 && who.flow);
    // Without its broker the caller hears of it at once.
    assert_eq!(value(column(&coupling, "mails", false).flows["mailed"].lost), 1.0);
}

#[test]
fn a_fallback_takes_lost_to_nothing() {
    let shop = SHOP.replace("steps = [\"payments\"]", "steps = [{ call = \"payments\", fallback = [] }]");
    let coupling = of(&with(&shop), &Wanted { only: vec!["payments".into()], ..Wanted::default() });
    let lost = coupling.columns[0].clients["users"].lost;
    assert_eq!((value(lost), coupling.columns.len()), (0.0, 1));
    assert!(lost.high.unwrap() > 0.0 && lost.high.unwrap() < 0.01, "{lost:?}");
}

#[test]
fn who_shares_a_pool_fails_with_those_who_cross() {
    let shop = |guard: &str| {
        SHOP.replace("steps = [\"payments\"]", &format!("steps = [{{ call = \"payments\"{guard} }}]"))
            .replace("rate = \"60/s\"", "rate = \"60/s\"\ntimeout = \"500ms\"")
            .replace("[services.web.endpoints.buy]", "[services.web]\nconcurrency = 8\n[services.web.endpoints.buy]")
    };
    let only = Wanted { only: vec!["web -> payments".into()], ..Wanted::default() };
    let spill = |guard: &str| {
        let coupling = of(&with(&shop(guard)), &only);
        let index = |hangs| column(&coupling, "web -> payments", hangs).index.unwrap();
        (value(index(false).spill_over), value(index(true).spill_over), value(index(true).lost))
    };
    // 18 a second that hang hold eight workers within half a second; refused ones hold none.
    let (refusing, hanging, lost) = spill("");
    assert!(refusing == 0.0 && hanging > 0.5 && lost > 0.95, "{refusing} {hanging} {lost}");
    // Where at most two may hang, six workers are left for the others.
    let (refusing, hanging, lost) = spill(", bulkhead = { max_concurrent = 2 }");
    assert!(refusing == 0.0 && hanging == 0.0 && lost > 0.95, "{refusing} {hanging} {lost}");
}

#[test]
fn what_nothing_leads_to_is_not_run() {
    let two = format!("{SHOP}[clients.others]\ncalls = \"alone\"\nrate = \"5/s\"\n[services.alone]\nwork = \"1ms\"\n");
    let coupling = of(&with(&two), &Wanted::default());
    let apart = &column(&coupling, "payments", false).clients["others"];
    assert!(apart.by_structure && apart.lost == hoptax::stats::Interval::between(0.0, 0.0, 0.0), "{apart:?}");
    assert!(!column(&coupling, "payments", false).clients["users"].by_structure);
}

/// Who publishes, and who handles what was published, has an index like whoever calls.
#[test]
fn publishers_and_consumers_have_an_index() {
    let mailed = |broker: &str, consumer: &str| {
        format!(
            r#"
[clients.users]
calls = [{{ to = "web.buy", share = "50%" }}, {{ to = "web.look", share = "50%" }}]
rate = "20/s"
[services.web.endpoints.buy]
work = "1ms"
steps = [{{ publish = "mails", wait_for_ack = true }}]
[services.web.endpoints.look]
work = "1ms"
{broker}
[services.mailer]
consumes = [{{ from = "mails", {consumer}, steps = [{{ call = "smtp", probability = "50%" }}] }}]
[services.smtp]
work = "2ms"
"#
        )
    };
    let queue = mailed("[queues.mails]\nmax_deliveries = 1", "concurrency = 4");
    let topic = mailed("[topics.mails]\npartitions = 4", "group = \"mailers\", on_error = \"skip\"");
    for text in [queue, topic] {
        let coupling = of(&with(&text), &Wanted::default());
        let index = |edge: &str, hangs| {
            let column = column(&coupling, edge, hangs);
            column.index.unwrap_or_else(|| panic!("{edge}: {:?}", column.index_because))
        };
        // 10 a second for 4 s in each of four replications, and as many beside; the broker turns them away.
        let refused = index("web -> mails", false);
        assert_eq!((value(refused.lost), value(refused.spill_over)), (1.0, 0.0), "{refused:?}");
        assert!(refused.crossing > 110 && refused.beside > 110, "{refused:?}");
        assert!(refused.lost.low.is_some_and(|low| low > 0.9), "{refused:?}");
        // What the network drops comes later: the publisher waits, and nothing is lost.
        let cut = index("web -> mails", true);
        assert_eq!((value(cut.lost), value(cut.spill_over)), (0.0, 0.0), "{cut:?}");
        let users = &column(&coupling, "web -> mails", true).clients["users"];
        assert!(value(users.lost) == 0.0 && value(users.late) > 0.35, "{users:?}");
        // Half of the messages need the mail server.
        let handled = index("mailer -> smtp", false);
        assert_eq!((value(handled.lost), value(handled.spill_over)), (1.0, 0.0), "{handled:?}");
        assert!(handled.crossing > 40 && handled.beside > 40, "{handled:?}");
        assert_eq!(value(index("mailer -> smtp", true).lost), 0.0);
        // Their clients are not asked to wait for that.
        assert_eq!(value(column(&coupling, "mailer -> smtp", false).clients["users"].lost), 0.0);
        assert!(coupling.columns.iter().all(|column| column.index.is_some() == column.target.name.contains("->")));
    }
}

/// Runs that share what was before the outage are those in which the fault stands in the file.
#[test]
fn shared_runs_are_those_of_the_file() {
    let text = format!("version = 1\nsim = {{ duration = \"20s\", warmup = \"1s\", replications = 4 }}\n{SHOP}");
    let fault = "[[faults]]\nkind = \"outage\"\ntarget = \"ledger\"\nat = \"6s\"\nduration = \"4s\"\n";
    let summary = |text: &str| run(&checked(text), None, &()).unwrap_or_else(|why| panic!("{why}"));
    let (without, with) = (summary(&text), summary(&format!("{text}{fault}")));
    let missing = without.clients["users"].succeeded - with.clients["users"].succeeded;
    let coupling = of(&checked(&text), &Wanted { only: vec!["ledger".into()], ..Wanted::default() });
    let cell = &coupling.columns[0].clients["users"];
    assert_eq!((coupling.run.outage_at_s, coupling.run.outage_for_s), (6.0, 4.0));
    assert_eq!((value(cell.lost) * cell.served as f64).round() as u64, missing);
}

/// A shelf in memory.
#[derive(Default)]
struct Memory(RefCell<BTreeMap<String, String>>);

impl Shelf for Memory {
    fn take(&self, key: &str) -> Option<String> {
        self.0.borrow().get(key).cloned()
    }
    fn keep(&self, key: &str, text: &str) {
        self.0.borrow_mut().insert(key.into(), text.into());
    }
}

/// Has had enough at once.
struct Enough;

impl Watch for Enough {
    fn advanced(&self, _: f64) {}
    fn stopped(&self) -> bool {
        true
    }
}

#[test]
fn finished_columns_are_not_run_again_and_say_the_same() {
    let (file, shelf) = (with(SHOP), Memory::default());
    let json = |found: &Coupling| hoptax::report::json::pretty(found);
    let first = study(&file, &Wanted::default(), None, &(), &shelf).unwrap();
    assert!(first.whole && shelf.0.borrow().len() == first.coupling.columns.len());
    shelf.0.borrow_mut().retain(|key, _| key.starts_with("ledger"));
    let second = study(&file, &Wanted::default(), Some(1), &(), &shelf).unwrap();
    assert_eq!(json(&first.coupling), json(&second.coupling));
    // Another seed is another study.
    let other = checked(&format!(
        "version = 1\nsim = {{ duration = \"20s\", warmup = \"1s\", replications = 4, seed = 2 }}\n{SHOP}"
    ));
    let other = study(&other, &Wanted::default(), None, &(), &shelf).unwrap();
    assert_ne!(json(&first.coupling), json(&other.coupling));
    assert!(matches!(study(&file, &Wanted::default(), None, &Enough, &NoShelf), Err(Trouble::Interrupted)));
}

#[test]
fn what_is_not_there_is_named() {
    let file = with(SHOP);
    let refused = |wanted: Wanted| match study(&file, &wanted, None, &(), &NoShelf) {
        Err(Trouble::Absent(why)) => why,
        other => panic!("{:?}", other.map(|found| found.whole)),
    };
    let why = refused(Wanted { only: vec!["paymets".into()], ..Wanted::default() });
    assert!(why.contains("`paymets`") && why.contains("did you mean `payments`"), "{why}");
    let window = Some(Window { at_s: 18.0, for_s: 4.0 });
    assert!(refused(Wanted { window, ..Wanted::default() }).contains("20 s"));
}

/// M/M/1 at 50 %: p99 = ln 100 ÷ (μ − λ), so ε = ln((μ − λ) ÷ (μ/1.1 − λ)) ÷ ln 1.1 = 2.11; a promise of twice the p99 breaks
/// where μ/f − λ is half as much: f* = 4/3.
#[test]
fn slowness_of_a_queue_is_what_theory_says() {
    let file = checked(
        "version = 1\nsim = { duration = \"150s\", warmup = \"10s\", replications = 10 }\nnetwork = { same_zone = \"0ms\" }\n\
         [clients.users]\ncalls = \"desk\"\nrate = \"50/s\"\ntransport = \"free\"\n\
         [clients.others]\ncalls = \"alone\"\nrate = \"5/s\"\ntransport = \"free\"\n\
         [services.desk]\nconcurrency = 1\nwork = { mean = \"10ms\" }\n\
         [services.alone]\nwork = \"10ms\"\n\
         [[slos]]\nof = \"users\"\nexpect = \"p99 < 184.2ms\"\n",
    );
    let wanted = Wanted { only: vec!["desk".into(), "alone".into()], slow: true, ..Wanted::default() };
    let coupling = of(&file, &wanted);
    let slow = |node: &str| coupling.slowness.iter().find(|slow| slow.node == node).unwrap();
    let users = &slow("desk").clients["users"];
    let expected = (50.0_f64 / (100.0 / 1.1 - 50.0)).ln() / 1.1_f64.ln();
    assert_eq!(users.epsilon.contains(expected), Some(true), "{:?}, not {expected}", users.epsilon);
    let breaks = &users.breaks_at["p99 < 184.2ms"];
    assert_eq!(breaks.factor.contains(4.0 / 3.0), Some(true), "{breaks:?}");
    // Nobody shares anything with the other: it is not even run. A constant alone is passed on as it is.
    assert!(!slow("desk").clients.contains_key("others"));
    assert!((value(slow("alone").clients["others"].epsilon) - 1.0).abs() < 0.02, "{:?}", slow("alone"));
}

#[test]
fn every_promise_has_its_slow_down_or_says_why_not() {
    let slos =
        "[[slos]]\nof = \"users\"\nexpect = \"mean < 10ms\"\n[[slos]]\nof = \"users\"\nexpect = \"throughput > 1/s\"\n";
    let coupling = of(&with(&format!("{SHOP}{slos}")), &Wanted { slow: true, ..Wanted::default() });
    let slow = coupling.slowness.iter().find(|slow| slow.node == "payments").unwrap();
    let breaks = &slow.clients["users"].breaks_at;
    assert!(breaks["mean < 10ms"].factor.value.is_some_and(|factor| factor > 1.0), "{breaks:?}");
    assert!(breaks["throughput > 1/s"].because.is_some(), "{breaks:?}");
}

/// A file's own fault is on with the outage and without it, so that what fails of it counts for nothing: that is said.
#[test]
fn a_file_s_own_fault_that_is_on_meanwhile_is_named() {
    let own = |at: &str, window: Option<Window>| {
        let fault = "[[faults]]\nname = \"ledger gone\"\nkind = \"outage\"\ntarget = \"ledger\"\nduration = \"6s\"";
        let file = with(&format!("{SHOP}{fault}\nat = \"{at}\"\n"));
        let wanted = Wanted { only: vec!["payments".into()], window, ..Wanted::default() };
        of(&file, &wanted)
    };
    let usual = Some(Window { at_s: 6.0, for_s: 4.0 });
    let (meanwhile, before) = (own("5s", usual), own("0s", None));
    assert_eq!(meanwhile.own_faults, ["ledger gone"]);
    assert!(before.own_faults.is_empty());
    let lost = |coupling: &Coupling| value(column(coupling, "payments", false).clients["users"].lost);
    assert!(lost(&meanwhile) == 0.0 && lost(&before) > 0.25, "{} {}", lost(&meanwhile), lost(&before));
    let page = hoptax::report::coupling::page(&meanwhile, false);
    assert!(page.warnings.iter().any(|told| told.starts_with("`ledger gone` of the file is on meanwhile")));
    // Where nobody says when, it is asked about a time without it, and where nobody is served anyhow nothing is assessed.
    let apart = own("5s", None);
    assert!(apart.own_faults.is_empty() && apart.run.outage_at_s >= 11.0 && lost(&apart) > 0.25, "{:?}", apart.run);
    let all = of(
        &with(&format!("{SHOP}[[faults]]\nkind = \"outage\"\ntarget = \"web\"\nat = \"0s\"\nduration = \"20s\"\n")),
        &Wanted::default(),
    );
    assert!(
        hoptax::report::coupling::answer(&all).starts_with("not assessed"),
        "{}",
        hoptax::report::coupling::answer(&all)
    );
}

/// Who has no weight has that of its share of the traffic: four fifths against three.
#[test]
fn a_weight_is_held_against_shares_of_the_traffic() {
    let text = "[clients.web]\ncalls = \"gate\"\nrate = \"40/s\"\n[clients.app]\ncalls = \"api\"\nrate = \"10/s\"\nweight = 3\n\
                [services.gate]\nwork = \"1ms\"\n[services.api]\nwork = \"1ms\"\n";
    let coupling = of(&with(text), &Wanted::default());
    let blast = value(column(&coupling, "api", false).blast);
    assert!((blast - 3.0 / 3.8).abs() < 0.02, "{blast}");
    assert!((value(column(&coupling, "gate", false).blast) + blast - 1.0).abs() < 0.01);
}

/// What no client's request can get to is not run, wherever its own calls lead; a topic's dead letters get somewhere.
#[test]
fn what_nobody_gets_to_is_not_run_and_dead_letters_are_followed() {
    let idle = "[services.idle]\nwork = \"1ms\"\nsteps = [\"payments\"]\n";
    let coupling = of(&with(&format!("{SHOP}{idle}")), &Wanted { slow: true, ..Wanted::default() });
    for edge in ["idle", "idle -> payments"] {
        assert!(column(&coupling, edge, false).clients["users"].by_structure, "{edge}");
    }
    assert!(!column(&coupling, "payments", false).clients["users"].by_structure);
    assert!(coupling.slowness.iter().all(|slow| slow.node != "idle"));
    let dead = "[clients.users]\ncalls = \"web\"\nrate = \"20/s\"\n[services.web]\nwork = \"1ms\"\nsteps = [{ publish = \"mails\" }]\n\
                [topics.mails]\n[queues.failed]\n[services.mailer]\nconsumes = [{ from = \"mails\", group = \"g\", error_rate = 0.5, \
                on_error = \"dead_letter\", dead_letter = \"failed\" }]\n[services.desk]\nconsumes = [{ from = \"failed\", work = \"1ms\" }]\n\
                [[flows]]\nname = \"looked at\"\nstarts = \"users\"\nends = \"desk\"\n";
    let coupling = of(&with(dead), &Wanted::default());
    let flow = &column(&coupling, "desk", false).flows["looked at"];
    assert!(!flow.by_structure && value(flow.late) > 0.9 && flow.sheltered_by.as_deref() == Some("mails"), "{flow:?}");
}

/// Two users who wait for their answers: what hangs holds both, and hardly any request is served meanwhile. None of them is the
/// same with and without, so none is called late.
#[test]
fn of_users_who_wait_successes_are_counted_at_an_edge_too() {
    let text = "[clients.users]\ncalls = \"web\"\nusers = 2\nthink_time = \"20ms\"\n[services.web]\nwork = \"1ms\"\nsteps = [\"payments\"]\n\
                [services.payments]\nwork = \"2ms\"\n";
    let coupling = of(&with(text), &Wanted::default());
    let hangs = column(&coupling, "web -> payments", true);
    let lost = value(hangs.index.unwrap().lost);
    let cell = &hangs.clients["users"];
    assert!(lost > 0.95 && (lost - value(cell.lost)).abs() < 0.02, "{lost} {cell:?}");
    assert!(cell.late.value.is_none() && cell.because.is_some(), "{cell:?}");
}

/// Users who wait for their answers hang with those of their requests that cross: the others are fewer, too.
#[test]
fn of_users_who_wait_those_that_do_not_cross_are_counted_too() {
    let text = r#"
[clients.c]
calls = "a"
users = 10
think_time = "100ms"
[services.a]
work = "1ms"
steps = [{ call = "b", probability = "50%" }]
[services.b]
work = "1ms"
"#;
    let coupling = of(&with(text), &Wanted::default());
    let [refuses, hangs] = [false, true].map(|hangs| column(&coupling, "a -> b", hangs).index.unwrap());
    // Nothing shared is full: who is refused comes again all the sooner, who hangs does not come again.
    assert_eq!(value(refuses.spill_over), 0.0, "{refuses:?}");
    let client = value(column(&coupling, "a -> b", true).clients["c"].lost);
    assert!((value(hangs.spill_over) - client).abs() < 0.02 && client > 0.9, "{hangs:?} of {client}");
}

/// What the file lets fail at random is on in no run of the matrix: a request that fails of it anyway would be nobody's loss.
#[test]
fn a_random_fault_of_the_file_is_left_out_of_the_matrix() {
    let text = r#"
[clients.c]
calls = "a"
rate = "60/s"
[services.a]
work = "1ms"
steps = [{ call = "b", probability = "50%" }]
[services.b]
work = "1ms"
[[faults]]
name = "b fails often"
kind = "outage"
target = "b"
mtbf = "5s"
mttr = "20s"
"#;
    let coupling = of(&with(text), &Wanted { slow: true, ..Wanted::default() });
    let b = column(&coupling, "b", false);
    assert!(b.blast.contains(0.5) == Some(true) && (value(b.blast) - 0.5).abs() < 0.06, "{:?}", b.blast);
    assert_eq!(coupling.left_out, ["b fails often"]);
    // It is down for four fifths of the time, and half of the requests cross.
    assert!((value(b.expected_loss.unwrap()) - 0.4).abs() < 0.05, "{:?}", b.expected_loss);
    // Nor does it hide what is slower.
    assert!(coupling.slowness.iter().all(|slow| slow.clients["c"].p99_ms.is_some()), "{:?}", coupling.slowness);
    let page = hoptax::report::coupling::page(&coupling, false).table(hoptax::report::table::Style::default());
    assert!(page.contains("(`b fails often`) is left out") && page.contains("lost while down"), "{page}");
}

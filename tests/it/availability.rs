//! Availability: the product where it holds, and on which side the truth lies where it does not.

use hoptax::experiment::coupling::{Availability, Available, Coupling, NoShelf, Side, Wanted, study};
use hoptax::experiment::study::{Options, load};
use hoptax::scenario::Source;

fn of(rest: &str) -> Coupling {
    let text = format!("version = 1\nsim = {{ duration = \"20s\", warmup = \"1s\", replications = 4 }}\n{rest}");
    let checked =
        load(&Source::text("availability", &text), None, &Options::default()).unwrap_or_else(|why| panic!("{why}"));
    study(&checked, &Wanted::default(), None, &(), &NoShelf).unwrap_or_else(|why| panic!("{why}")).coupling
}

fn users(coupling: &Coupling) -> (&Availability, &Available) {
    let all = coupling.availability.as_ref().expect("faults at random");
    (all, &all.clients["users"])
}

/// A fault at random that is on for one percent of the time.
fn fails(target: &str, more: &str) -> String {
    format!("[[faults]]\nkind = \"outage\"\ntarget = \"{target}\"\nmtbf = \"990s\"\nmttr = \"10s\"\n{more}")
}

const CHAIN: &str = r#"
[clients.users]
calls = "web"
rate = "60/s"
[services.web]
concurrency = 40
work = "1ms"
steps = [{ call = "a", probability = "50%" }, "b"]
[services.a]
work = "1ms"
[services.b]
error_rate = "2%"
work = "1ms"
"#;

#[test]
fn in_series_the_product_is_what_is_simulated() {
    let coupling = of(&format!("{CHAIN}{}{}", fails("a", ""), fails("b", "")));
    let (all, users) = users(&coupling);
    let product = 0.98 * 0.99 * (1.0 - 0.5 * 0.01);
    assert!((users.product.unwrap() - product).abs() < 1e-12, "{users:?}");
    // All pairs of two faults are run: nothing is left.
    assert_eq!((all.pairs, all.all_pairs), (1, 1));
    assert!(all.left.abs() < 1e-12 && users.simulated.contains(product) == Some(true), "{users:?}");
    assert!((users.simulated.value.unwrap() - product).abs() < 0.01);
    assert!(users.broken.is_empty(), "{:?}", users.broken);
    // B is asked by all, a by half of them.
    let loss = |name: &str| {
        let column = coupling.columns.iter().find(|c| c.target.name == name && !c.target.hangs).unwrap();
        (column.unavailability, column.expected_loss.and_then(|e| e.value))
    };
    assert!((loss("b").0.unwrap() - 0.01).abs() < 1e-12 && (loss("b").1.unwrap() - 0.01).abs() < 1e-4);
    assert!((loss("a").1.unwrap() - 0.005).abs() < 0.001 && loss("web") == (None, None));
}

#[test]
fn what_stands_in_for_another_puts_the_truth_above_the_product() {
    let fallback = CHAIN.replace(r#", "b"]"#, r#", { call = "b", fallback = [{ work = "1ms" }] }]"#);
    let pair =
        CHAIN.replace(r#"[{ call = "a", probability = "50%" }, "b"]"#, r#"[{ parallel = ["a", "b"], wait_for = 1 }]"#);
    for (text, condition) in [(fallback, "no fallbacks"), (pair, "every branch is needed")] {
        let coupling = of(&format!("{text}{}{}", fails("a", ""), fails("b", "")));
        let (_, users) = users(&coupling);
        let broken = users.broken.iter().find(|broken| broken.condition == condition).unwrap();
        assert_eq!((broken.truth, broken.at.as_slice()), (Side::Above, &["web".to_owned()][..]));
        assert!(users.simulated.low.unwrap() > users.product.unwrap(), "{condition}: {users:?}");
    }
}

#[test]
fn one_of_two_fails_with_both() {
    let text = CHAIN
        .replace("error_rate = \"2%\"\n", "")
        .replace(r#"[{ call = "a", probability = "50%" }, "b"]"#, r#"[{ parallel = ["a", "b"], wait_for = 1 }]"#);
    let coupling = of(&format!("{text}{}{}", fails("a", ""), fails("b", "")));
    let (_, users) = users(&coupling);
    assert!((users.simulated.value.unwrap() - (1.0 - 1e-4)).abs() < 2e-6, "{users:?}");
}

#[test]
fn a_zone_that_fails_at_once_fails_once() {
    let text = CHAIN.replace("[services.a]\n", "[services.a]\nzone = \"eu/a\"\n");
    let text =
        text.replace("[services.b]\n", "[services.b]\nzone = \"eu/a\"\n").replace("probability = \"50%\"", "times = 1");
    let coupling = of(&format!("{text}{}", fails("zone:eu/a", "")));
    let (_, users) = users(&coupling);
    let broken = users.broken.iter().find(|broken| broken.condition.starts_with("independent nodes")).unwrap();
    assert_eq!(broken.truth, Side::Above);
    assert!((users.product.unwrap() - 0.98 * 0.99 * 0.99).abs() < 1e-12);
    assert!((users.simulated.value.unwrap() - 0.98 * 0.99).abs() < 0.01);
}

#[test]
fn a_shared_pool_puts_the_truth_below_the_product() {
    let text = r#"
[clients.users]
calls = [{ to = "api.order", share = "80%" }, { to = "api.report", share = "20%" }]
rate = "100/s"
timeout = "1s"
[services.api]
concurrency = 15
[services.api.endpoints.order]
work = "1ms"
[services.api.endpoints.report]
work = "1ms"
steps = [{ call = "warehouse", timeout = "2s" }]
[services.warehouse]
work = "10ms"
"#;
    let coupling = of(&format!("{text}{}", fails("warehouse", "mode = \"hang\"\n")));
    let (_, users) = users(&coupling);
    let broken = users.broken.iter().find(|broken| broken.condition.starts_with("spare capacity")).unwrap();
    assert_eq!(broken.truth, Side::Below);
    assert!((users.product.unwrap() - (1.0 - 0.2 * 0.01)).abs() < 1e-12);
    assert!(users.simulated.high.unwrap() < users.product.unwrap(), "{users:?}");
}

#[test]
fn what_is_left_counts_as_anything() {
    let many = [fails("a", ""), fails("b", ""), fails("web", "name = \"w\"\n")].concat();
    let coupling = of(&format!("{CHAIN}{many}"));
    let (all, users) = users(&coupling);
    // All three at once.
    assert!((all.left - 1e-6).abs() < 1e-12 && (all.pairs, all.all_pairs) == (3, 3), "{all:?}");
    assert!(users.simulated.high.unwrap() - users.simulated.low.unwrap() > all.left);
}

#[test]
fn a_fault_of_some_replicas_says_nothing_of_the_whole_node() {
    let text = CHAIN.replace("[services.a]\n", "[services.a]\nreplicas = 4\n");
    let down = |replicas: u32| {
        let coupling = of(&format!("{text}{}", fails("a", &format!("replicas = {replicas}\n"))));
        let column = coupling.columns.iter().find(|column| column.target.name == "a").unwrap();
        (column.unavailability.is_some(), column.expected_loss.is_some())
    };
    assert_eq!((down(4), down(1)), ((true, true), (false, false)));
}

/// What is only slow, or fails a part, is not down: it costs what is lost while it is on.
#[test]
fn what_slows_or_fails_a_part_is_not_down() {
    let on =
        |kind: &str| format!("[[faults]]\nname = \"f\"\ntarget = \"b\"\nmtbf = \"990s\"\nmttr = \"10s\"\n{kind}\n");
    let chain = CHAIN.replace("error_rate = \"2%\"\n", "");
    let lost = |kind: &str| {
        let coupling = of(&format!("{chain}{}", on(kind)));
        let (all, users) = users(&coupling);
        let column = coupling.columns.iter().find(|c| c.target.name == "b" && !c.target.hangs).unwrap();
        assert!(all.faults[0].partly && column.unavailability.is_none() && column.expected_loss.is_none(), "{all:?}");
        assert!(users.broken.iter().any(|broken| broken.condition.starts_with("up or down")), "{users:?}");
        all.faults[0].loss.value.unwrap()
    };
    assert_eq!(lost("kind = \"slow\"\nfactor = 5"), 0.0);
    let half = lost("kind = \"errors\"\nprobability = \"50%\"");
    assert!((half - 0.5).abs() < 0.06, "{half}");
}

/// A repair takes hours: who tries again for seconds, or waits, is not saved by the end of an outage that was run for seconds.
#[test]
fn nobody_is_saved_by_the_end_of_an_outage_that_lasts_for_hours() {
    let text = CHAIN
        .replace("error_rate = \"2%\"\n", "")
        .replace(r#""b"]"#, r#"{ call = "b", timeout = "5s", retries = { max = 3, backoff = "2s" } }]"#);
    for fault in [fails("b", ""), fails("b", "").replace("outage", "partition")] {
        let coupling = of(&format!("{text}{fault}"));
        let (all, users) = users(&coupling);
        assert!(all.faults[0].loss.value.is_some_and(|lost| lost > 0.99), "{fault}{:?}", all.faults);
        assert!((users.simulated.value.unwrap() - 0.99).abs() < 1e-3, "{users:?}");
        assert!((users.product.unwrap() - 0.99).abs() < 1e-9, "{users:?}");
    }
}

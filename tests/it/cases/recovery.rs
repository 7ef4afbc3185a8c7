//! Coming back, or not being seen to; settling, or not.

use hoptax::experiment::summary::{Outcome, Recovery, State, Summary};
use hoptax::scenario::forecast;

use crate::bench::{checked, run};

/// Six partitions over four members: two of them have two partitions each, and with these a third of all records.
fn six_over_four(rate: &str) -> String {
    format!(
        r#"
version = 1
name = "six partitions over four members"
[sim]
duration = "200s"
warmup = "20s"
replications = 3
[clients.shop]
calls = "orders"
rate = "{rate}/s"
[services.orders]
steps = [{{ publish = "order-created" }}]
[topics.order-created]
partitions = 6
[services.billing]
consumes = [{{ from = "order-created", group = "billing", concurrency = 4, work = "40ms" }}]
"#
    )
}

/// By hand: 80.7/s over six partitions are 13.45/s each; a member with two is offered 26.9/s and can do 25/s at 40 ms a record.
/// All four together could do 100/s, so nothing on the whole is overloaded.
#[test]
fn members_with_one_partition_too_many_are_told_before_and_after() {
    let text = six_over_four("80.7");
    let checked = checked(&text);
    let busiest = forecast(checked.scenario()).consumers[0].busiest.unwrap();
    assert!((busiest.rate - 26.9).abs() < 1e-9 && (busiest.can - 25.0).abs() < 1e-9, "{busiest:?}");
    assert_eq!((busiest.over, busiest.partitions), (2, 2));
    let told = checked.warnings().iter().find(|w| w.message.contains("order-created/billing")).unwrap();
    assert_eq!(told.code.number, "W402");
    for word in ["2 of 4 members", "26.9", "25.0/s"] {
        assert!(told.message.contains(word), "{}", told.message);
    }
    assert_eq!(checked.overloaded(), ["2 of 4 members of order-created/billing in billing: 1.08 × what each can do"]);
    let summary = run(&text);
    assert_eq!((summary.run.state, summary.run.settled), (Some(State::Diverging), Some(false)));
    assert!(
        summary.run.rising.iter().any(|what| what.contains("the lag of order-created/billing")),
        "{:?}",
        summary.run
    );
    // 2 × 1.9/s grow by 3.8/s: 266 on average in the first half (20 to 120 s), 646 in the second, give or take chance.
    let told = summary.run.rising.iter().find(|what| what.contains("the lag of")).unwrap();
    let figures: Vec<f64> = told.split([' ', ',']).filter_map(|word| word.parse().ok()).collect();
    assert!((150.0..400.0).contains(&figures[0]) && (450.0..850.0).contains(&figures[1]), "{told}");
    // 2 × 1.9/s over 220 s.
    let lag = summary.topics["order-created"].groups["billing"].lag_at_end as f64 / 3.0;
    assert!((lag - 1.9 * 2.0 * 220.0).abs() < 300.0, "{lag}");
}

#[test]
fn one_replication_is_enough_where_the_forecast_knows_too() {
    let summary = run(&six_over_four("80.7").replace("replications = 3", "replications = 1"));
    assert_eq!((summary.run.state, summary.run.settled), (Some(State::Diverging), Some(false)));
}

#[test]
fn members_that_can_do_what_they_are_offered_are_not_told() {
    let checked = checked(&six_over_four("60"));
    assert!(checked.overloaded().is_empty() && checked.warnings().iter().all(|w| w.code.number != "W402"));
}

/// Messages that come faster than they are handled.
#[test]
fn an_ever_growing_queue_never_settles() {
    let text = r#"
version = 1
name = "queue"
[sim]
duration = "100s"
warmup = "10s"
replications = 3
[clients.shop]
calls = "orders"
rate = "60/s"
[services.orders]
steps = [{ publish = "emails" }]
[queues.emails]
[services.mailer]
consumes = [{ from = "emails", concurrency = 2, work = "40ms" }]
"#;
    let summary = run(text);
    assert_eq!((summary.run.state, summary.run.settled), (Some(State::Diverging), Some(false)));
    assert!(summary.run.rising.iter().any(|what| what.contains("messages in emails")), "{:?}", summary.run.rising);
}

/// A line with an end refuses what is too much: offered 1.5 times what it can do, it settles all the same. An M/M/1/5 at
/// ρ = 1.5 holds 3.4 requests on average, whenever one looks.
#[test]
fn a_line_with_an_end_settles_in_any_load() {
    let text = |line: &str| {
        format!(
            r#"
version = 1
name = "line"
[sim]
duration = "200s"
warmup = "5s"
replications = 4
[defaults]
transport = "free"
[clients.people]
calls = "desk"
rate = "150/s"
[services.desk]
concurrency = 1
work = {{ dist = "exponential", mean = "10ms" }}
{line}
"#
        )
    };
    let bounded = run(&text("queue_limit = 4"));
    assert_eq!((bounded.run.state, bounded.run.settled), (Some(State::Settled), Some(true)));
    let endless = run(&text(""));
    assert_eq!((endless.run.state, endless.run.settled), (Some(State::Diverging), Some(false)));
}

/// Where chance moves the level by more than 5 %, a run that was too short is neither settled nor diverging.
#[test]
fn what_is_not_certain_is_undecided() {
    let text = r#"
version = 1
name = "short"
[sim]
duration = "5s"
warmup = "5s"
replications = 2
[clients.people]
calls = "desk"
rate = "80/s"
[services.desk]
concurrency = 1
work = { dist = "exponential", mean = "10ms" }
"#;
    let summary = run(text);
    assert_eq!((summary.run.state, summary.run.settled), (Some(State::Undecided), None));
}

/// `../shared` row `recovered`, and where its fault lies earlier.
fn blip(fault: &str, extra: &str) -> String {
    format!(
        r#"
version = 1
name = "recovered"
[sim]
duration = "60s"
warmup = "5s"
replications = 20
[defaults]
transport = "free"
[clients.users]
calls = "api"
rate = "50/s"
[services.api]
concurrency = 10
work = {{ mean = "50ms" }}
[[faults]]
name = "blip"
kind = "errors"
target = "api"
probability = "100%"
{fault}
[[slos]]
of = "users"
expect = "recovery_time < 2s"
after_fault = "blip"
{extra}
"#
    )
}

fn of(summary: &Summary, fault: usize, who: &str) -> Recovery {
    summary.faults[fault].recovery_s[who].clone()
}

/// A fault that ends 9 s before the run, which ten seconds of healthy windows do not fit into: 0.1.0 said "recovered 0 %" and failed
/// the promise.
#[test]
fn a_recovery_that_the_run_is_too_short_for_is_not_seen() {
    let summary = run(&blip("at = \"50s\"\nduration = \"1s\"", ""));
    let users = of(&summary, 0, "users");
    assert_eq!((users.share_recovered, users.median, users.not_seen), (None, None, Some(1.0)));
    assert_eq!(users.reason.as_deref(), Some("the run ends first"));
    assert_eq!(summary.slos[0].verdict, Outcome::Undecided);
    let early = run(&blip("at = \"20s\"\nduration = \"1s\"", ""));
    let users = of(&early, 0, "users");
    assert_eq!((users.share_recovered, users.not_seen, users.reason.as_deref()), (Some(1.0), Some(0.0), None));
    assert!(users.median.is_some_and(|s| s <= 1.0), "{users:?}");
    assert_eq!(early.slos[0].verdict, Outcome::Met);
}

/// Five seconds before the fault are five windows, too few for a band in one replication; twenty replications have a hundred.
#[test]
fn a_band_from_too_few_windows_is_none() {
    let early = blip("at = \"5s\"\nduration = \"1s\"", "");
    let one = run(&early.replace("replications = 20", "replications = 1"));
    let users = of(&one, 0, "users");
    assert_eq!((users.share_recovered, users.not_seen), (None, Some(1.0)));
    assert!(users.reason.as_deref().is_some_and(|why| why.contains("before the first fault")), "{users:?}");
    assert_eq!(one.slos[0].verdict, Outcome::Undecided);
    assert_eq!(of(&run(&early), 0, "users").share_recovered, Some(1.0));
}

/// The second fault strikes 3 s after the first: whatever comes then may be its effect.
#[test]
fn a_fault_is_not_blamed_for_the_next_one() {
    let next = r#"[[faults]]
name = "next"
kind = "errors"
target = "api"
probability = "100%"
at = "24s"
duration = "4s""#;
    let summary = run(&blip("at = \"20s\"\nduration = \"1s\"", next));
    let first = of(&summary, 0, "users");
    assert_eq!((first.share_recovered, first.not_seen), (None, Some(1.0)), "its own ten seconds are not there");
    assert_eq!(first.reason.as_deref(), Some("another fault strikes first"));
    assert_eq!(of(&summary, 1, "users").share_recovered, Some(1.0));
    assert_eq!(summary.slos[0].verdict, Outcome::Undecided);
}

/// What never comes back though there is time enough is said to: 170/s for ten workers of 40 ms (250/s) are fine until all are
/// tried four times.
#[test]
fn who_stays_away_for_long_has_not_recovered() {
    let text = r#"
version = 1
name = "storm"
[sim]
duration = "120s"
warmup = "5s"
replications = 3
[defaults]
transport = "free"
[clients.people]
calls = "shop"
rate = "170/s"
[services.shop]
io = "async"
concurrency = "unlimited"
work = "1ms"
steps = [{ call = "desk", policy = "again" }]
[services.desk]
concurrency = 10
work = { mean = "40ms" }
[policies.again]
timeout = "300ms"
retries = { max = 3, backoff = "20ms" }
[[faults]]
name = "pause"
kind = "freeze"
target = "desk"
at = "30s"
duration = "4s"
[[slos]]
of = "people"
expect = "recovery_time < 30s"
"#;
    let summary = run(text);
    let people = of(&summary, 0, "people");
    assert_eq!((people.share_recovered, people.not_seen), (Some(0.0), Some(0.0)));
    assert_eq!(summary.slos[0].verdict, Outcome::Failed);
}

/// A consumer that is down for four minutes: shoppers do not notice, what they ordered does. 40/s for 240 s are 9,600 messages; four
/// consumers of 50 ms do 80/s, so 40/s more than come: the backlog is gone 240 s later. The same with a topic.
fn mail(how: &str, broker: &str, consumes: &str) -> String {
    format!(
        r#"
version = 1
name = "down"
[sim]
duration = "600s"
warmup = "5s"
replications = 2
[clients.shoppers]
calls = "orders"
rate = "40/s"
[services.orders]
steps = [{{ publish = "{how}" }}]
{broker}
[services.mailer]
consumes = [{{ from = "{how}", concurrency = 4, work = "50ms"{consumes} }}]
[[flows]]
name = "mail sent"
starts = "shoppers"
ends = "mailer"
[[faults]]
name = "down"
kind = "crash"
target = "mailer"
at = "60s"
duration = "240s"
[[slos]]
of = "{how}{group}"
expect = "recovery_time < 300s"
[[slos]]
of = "mail sent"
expect = "recovery_time < 60s"
after_fault = "down"
"#,
        group = if consumes.is_empty() { "" } else { "/mail" }
    )
}

#[test]
fn flows_queues_and_groups_recover_too() {
    let queue = run(&mail("emails", "[queues.emails]", ""));
    let topic =
        run(&mail("mails", "[topics.mails]\npartitions = 4", ", group = \"mail\", rebalance = \"cooperative\""));
    for (summary, broker) in [(&queue, "emails"), (&topic, "mails/mail")] {
        assert_eq!(of(summary, 0, "shoppers").median, Some(0.0));
        for who in [broker, "mail sent"] {
            let recovery = of(summary, 0, who);
            assert_eq!(recovery.share_recovered, Some(1.0), "{who}");
            assert!(recovery.median.is_some_and(|s| (225.0..=260.0).contains(&s)), "{who}: {recovery:?}");
        }
        assert_eq!(summary.slos.iter().map(|s| s.verdict).collect::<Vec<_>>(), [Outcome::Met, Outcome::Failed]);
    }
}

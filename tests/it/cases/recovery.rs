//! Coming back, or not being seen to; settling, or not.

use hoptax::experiment::summary::State;
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
    let busiest = forecast(&checked.scenario).consumers[0].busiest.unwrap();
    assert!((busiest.rate - 26.9).abs() < 1e-9 && (busiest.can - 25.0).abs() < 1e-9, "{busiest:?}");
    assert_eq!((busiest.over, busiest.partitions), (2, 2));
    let told = checked.warnings.iter().find(|w| w.message.contains("order-created/billing")).unwrap();
    assert_eq!(told.code.number, "W402");
    for word in ["2 of 4 members", "26.9", "25.0/s"] {
        assert!(told.message.contains(word), "{}", told.message);
    }
    assert_eq!(checked.overloaded, ["2 of 4 members of order-created/billing in billing: 1.08 × what each can do"]);
    let summary = run(&text);
    assert_eq!((summary.run.state, summary.run.settled), (Some(State::Diverging), Some(false)));
    assert!(
        summary.run.rising.iter().any(|what| what.contains("the lag of order-created/billing")),
        "{:?}",
        summary.run
    );
    // 2 × 1.9/s over 200 s.
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
    assert!(checked.overloaded.is_empty() && checked.warnings.iter().all(|w| w.code.number != "W402"));
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

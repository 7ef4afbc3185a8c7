//! What is seen over time agrees with what is said in all: levels, tries, breakers, work for nobody.

use hoptax::experiment::summary::{Estimate, Summary, Timeline};

use crate::bench::run;

const GUARDED: &str = include_str!("guarded.toml");

fn guarded() -> (Summary, Timeline) {
    let summary = run(GUARDED);
    let timeline = summary.timeline.clone().expect("there are policies");
    (summary, timeline)
}

#[track_caller]
fn near(found: f64, told: Estimate, what: &str) {
    let told = told.value.unwrap();
    assert!((found - told).abs() <= 1e-3 * told.abs() + 1e-6, "{what}: {found} over time, {told} in all");
}

fn mean(course: &[f64]) -> f64 {
    course.iter().sum::<f64>() / course.len() as f64
}

#[test]
fn stretches_add_up_to_the_measured_time() {
    let (summary, timeline) = guarded();
    for (name, node) in &timeline.nodes {
        let all = &summary.nodes[name];
        assert_eq!(node.busy.len(), 120, "{name}");
        near(mean(&node.busy), all.mean_busy, name);
        near(mean(&node.working), all.mean_working, name);
        near(mean(&node.queue), all.mean_queue, name);
        near(mean(&node.in_system), all.mean_in_system, name);
        near(mean(&node.arrivals_per_s) * 120.0 * 2.0, Estimate::point(all.arrivals as f64), name);
    }
    let edge = &timeline.edges["a -> d"];
    let told = summary.edges["a -> d"].policing.as_ref().unwrap();
    assert!(told.retries > 100, "{}", told.retries);
    // Requests of the last moment are still tried again when the measured time is over.
    let retries = mean(&edge.retries_per_s) * 120.0 * 2.0;
    assert!((retries / told.retries as f64 - 1.0).abs() < 0.01, "{retries} and {}", told.retries);
    near(mean(&edge.open_share), told.breaker.unwrap().open_share, "open");
    near(mean(&edge.half_open_share), told.breaker.unwrap().half_open_share, "half-open");
}

#[test]
fn nothing_is_looked_at_where_nothing_changes() {
    let calm = "version = 1\n[sim]\nduration = \"10s\"\nreplications = 2\n[clients.c]\ncalls = \"a\"\nrate = \"9/s\"\n\
                [services.a]\nwork = \"1ms\"\n";
    assert!(run(calm).timeline.is_none());
    let phases =
        calm.replace("rate = \"9/s\"", "phases = [{ rate = \"9/s\", duration = \"5s\" }, { rate = \"20/s\" }]");
    let timeline = run(&phases).timeline.unwrap();
    let arrivals = &timeline.nodes["a"].arrivals_per_s;
    let [early, late] = [&arrivals[..60], &arrivals[60..]].map(mean);
    assert!((early - 9.0).abs() < 3.0 && (late - 20.0).abs() < 4.0, "{early} {late}");
}

#[test]
fn looking_is_no_event() {
    // The same load, once in one phase and once in two: only the second is looked at.
    let text = |phases: &str| {
        format!(
            "version = 1\n[sim]\nduration = \"10s\"\nreplications = 1\n[clients.c]\ncalls = \"a\"\narrivals = \"constant\"\n\
             {phases}\n[services.a]\nwork = \"1ms\"\n"
        )
    };
    let plain = run(&text("rate = \"10/s\""));
    let looked = run(&text("phases = [{ rate = \"10/s\", duration = \"5s\" }, { rate = \"10.000001/s\" }]"));
    assert!(plain.timeline.is_none() && looked.timeline.is_some());
    assert_eq!(plain.run.events, looked.run.events);
}

#[test]
fn work_for_nobody_is_told_by_node() {
    let (summary, _) = guarded();
    let clients: f64 = summary.clients.values().map(|c| c.wasted_work_s).sum();
    let nodes: f64 = summary.nodes.values().map(|n| n.wasted_work_s).sum();
    assert!(clients > 10.0 && (nodes / clients - 1.0).abs() < 1e-6, "{nodes} at nodes, {clients} of clients");
    for (name, node) in &summary.nodes {
        let share = node.wasted_share.value;
        assert!(share.is_none_or(|share| share <= node.utilization.value.unwrap() + 1e-9), "{name}: {share:?}");
    }
}

#[test]
fn a_hung_tail_is_wasted_where_it_was_worked_on() {
    // Everybody gives up after 10 ms: a works 2 ms of 1 s each second for nobody, b 30 ms.
    let summary = run("version = 1\n[sim]\nduration = \"100s\"\nreplications = 1\n[defaults]\ntransport = \"free\"\n\
         [network]\nsame_zone = \"0ms\"\n\
         [clients.c]\ncalls = \"a\"\narrivals = \"constant\"\nrate = \"1/s\"\ntimeout = \"10ms\"\n\
         [services.a]\nconcurrency = 1\nwork = \"2ms\"\nsteps = [\"b\"]\n[services.b]\nconcurrency = 2\nwork = \"30ms\"\n");
    near(0.002, summary.nodes["a"].wasted_share, "a");
    near(0.015, summary.nodes["b"].wasted_share, "b");
    let tries = summary.nodes["b"].tries_per_request.value.unwrap();
    assert!((tries - 1.0).abs() < 0.011, "but for the first or the last: {tries}");
}

#[test]
fn tries_are_told_per_request_of_the_clients_behind_them() {
    let summary = run("version = 1\n[sim]\nduration = \"100s\"\nreplications = 1\n[defaults]\ntransport = \"free\"\n\
         [clients.c]\ncalls = \"a\"\narrivals = \"constant\"\nrate = \"1/s\"\n\
         [clients.others]\ncalls = \"far\"\narrivals = \"constant\"\nrate = \"7/s\"\n[services.far]\nwork = \"1ms\"\n\
         [services.a]\nwork = \"1ms\"\nsteps = [{ call = \"b\", retries = { max = 3, backoff = \"1ms\" } }]\n\
         [services.b]\nwork = \"1ms\"\nerror_rate = \"100%\"\n");
    let tries = |node: &str| summary.nodes[node].tries_per_request.value.unwrap();
    for (node, expected) in [("a", 1.0), ("b", 4.0), ("far", 1.0)] {
        assert!((tries(node) / expected - 1.0).abs() < 0.011, "{node}: {}", tries(node));
    }
}

//! Replicas come and go: how many there are, who is served meanwhile, and that nothing is lost on the way.

use std::cell::Cell;

use hoptax::experiment::summary::Summary;
use hoptax::machine::Stop;
use hoptax::model::plan::{Life, Warmup};
use hoptax::model::policy::{Autoscale, Metric, Pace};
use hoptax::model::{Cause, Fact, LawId, Plan, Probe};
use hoptax::random::dist::{Dist, Law};
use hoptax::units::{Span, Time};

use crate::bench::{ended, plan, run};
use crate::laws::{always, finite, scenario};

/// A client calls `s` 300 times a second; 10 ms of work each, 1 ms one way.
fn service(rest: &str) -> String {
    format!(
        "version = 1\nname = \"scale\"\n[sim]\nduration = \"60s\"\nwarmup = \"0s\"\nreplications = 2\n\
         [defaults]\ntransport = \"free\"\n[network]\nsame_zone = \"1ms\"\n\
         [clients.c]\ncalls = \"s\"\narrivals = \"constant\"\nphases = [{{ duration = \"40s\", rate = \"300/s\" }}, {{ rate = \"20/s\" }}]\n\
         [services.s]\nconcurrency = 50\nwork = \"10ms\"\n{rest}"
    )
}

fn fleet(summary: &Summary, node: &str) -> (f64, u32) {
    let replicas = &summary.nodes[node].replicas;
    (replicas.mean.value.unwrap(), replicas.max)
}

#[test]
fn it_grows_as_the_rule_says_and_counts_what_starts() {
    let scaled = service("autoscale = { max = 20, metric = \"rps\", target = 50 }");
    let summary = run(&scaled);
    // 1 replica for 15 s; 300/s ask for 6, of which 4 more are allowed; 6 from 30 s on, when the five are not ready yet.
    let (mean, most) = fleet(&summary, "s");
    assert!((mean - 4.5).abs() < 1e-9, "{mean}");
    assert_eq!(most, 6);
    assert_eq!(summary.clients["c"].failed.values().sum::<u64>(), 0);
    let told = summary.nodes["s"].replicas.autoscale.as_ref().unwrap();
    let (first, at_20_s, last) = (told.timeline[0], told.timeline[40], told.timeline[119]);
    assert_eq!([first.replicas, at_20_s.replicas, last.replicas], [1.0, 5.0, 6.0]);
    assert_eq!([first.ready, at_20_s.ready, last.ready], [1.0, 1.0, 6.0], "ready 20 s after the start");
    let seen: Vec<f64> = told.timeline.iter().filter_map(|strength| strength.metric).collect();
    assert!((seen[0] - 300.0).abs() < 0.1 && (seen[1] - 300.0).abs() < 0.1, "{seen:?}");
    let fixed = run(&service("replicas = 6"));
    assert_eq!(fixed.nodes["s"].replicas.autoscale, None);
    assert_eq!(fleet(&fixed, "s"), (6.0, 6));
}

#[test]
fn it_shrinks_without_losing_a_request() {
    let shrinks =
        "autoscale = { min = 2, max = 8, metric = \"rps\", target = 50, stabilization = \"5s\" }\nreplicas = 6";
    for transport in ["free", "rest"] {
        let summary = run(&service(shrinks).replace("60s", "80s").replace("\"free\"", &format!("\"{transport}\"")));
        let told = summary.nodes["s"].replicas.autoscale.as_ref().unwrap();
        assert_eq!([told.timeline[60].replicas, told.timeline[119].replicas], [6.0, 2.0]);
        assert_eq!(summary.clients["c"].failed.values().sum::<u64>(), 0, "{transport}");
    }
}

#[test]
fn a_waiting_service_is_scaled_by_what_it_runs_out_of() {
    let waits = |metric: &str, target: &str| {
        let scale = format!("autoscale = {{ max = 9, metric = \"{metric}\", target = {target} }}");
        let text = service(&scale).replace("work = \"10ms\"", "wait = \"200ms\"");
        fleet(&run(&text), "s").1
    };
    // 60 requests wait at once, on 50 workers.
    assert_eq!(waits("cpu", "\"50%\""), 1);
    assert_eq!(waits("workers", "\"50%\""), 3, "ceil(60 ÷ 25)");
    assert_eq!(waits("in_flight", "10"), 9, "more wait than that while there are few workers");
}

#[test]
fn consumers_follow_what_waits_for_them() {
    let mail = |consume: &str, broker: &str, group: &str| {
        format!(
            "version = 1\nname = \"lag\"\n[sim]\nduration = \"3m\"\nwarmup = \"0s\"\nreplications = 1\n\
             [defaults]\ntransport = \"free\"\n[clients.c]\ncalls = \"front\"\narrivals = \"constant\"\n\
             phases = [{{ duration = \"90s\", rate = \"40/s\" }}, {{ rate = \"1/s\" }}]\n\
             [services.front]\nsteps = [{{ {consume} = \"jobs\" }}]\n{broker}\n\
             [services.s]\nready_after = \"5s\"\nautoscale = {{ max = 6, metric = \"lag\", target = 50, stabilization = \"10s\" }}\n\
             consumes = [{{ from = \"jobs\"{group}, work = \"100ms\" }}]\n"
        )
    };
    let topic = ("publish", "[topics.jobs]\npartitions = 12", ", group = \"g\"");
    for (consume, broker, group) in [("send", "[queues.jobs]", ""), topic] {
        let summary = run(&mail(consume, broker, group));
        let (_, most) = fleet(&summary, "s");
        assert!((4..=6).contains(&most), "{consume}: at most {most}; 40/s ask for 4");
        let told = summary.nodes["s"].replicas.autoscale.as_ref().unwrap();
        assert_eq!(told.timeline[119].replicas, 1.0, "{consume}: nothing waits any more");
        let left = summary.queues.values().map(|q| q.ready_at_end).sum::<u64>()
            + summary.topics.values().flat_map(|t| t.groups.values()).map(|g| g.lag_at_end).sum::<u64>();
        assert!(left <= 2, "{consume}: {left} left");
    }
}

/// A fault from 20 s on for 2 s.
fn fault(kind: &str, service_says: &str) -> Summary {
    fault_for("2s", kind, service_says)
}

fn fault_for(duration: &str, kind: &str, service_says: &str) -> Summary {
    let text = service(service_says)
        .replace("phases = [{ duration = \"40s\", rate = \"300/s\" }, { rate = \"20/s\" }]", "rate = \"100/s\"");
    run(&format!("{text}[[faults]]\nkind = \"{kind}\"\ntarget = \"s\"\nat = \"20005ms\"\nduration = \"{duration}\"\n"))
}

#[test]
fn what_restarts_has_to_get_ready() {
    let lost = |summary: &Summary| summary.edges["c -> s"].failed.get("connect_failed").copied().unwrap_or(0) / 2;
    assert_eq!(lost(&fault("crash", "")), 200);
    assert_eq!(lost(&fault("crash", "ready_after = \"3s\"\n")), 500);
    // A deploy in less time than its replica needs to get ready is a contradiction.
    assert_eq!(lost(&fault_for("3s", "deploy", "ready_after = \"3s\"\n")), 600);
    assert_eq!(lost(&fault("outage", "ready_after = \"3s\"\n")), 200, "nothing restarts");
}

#[test]
fn what_has_restarted_is_slow_at_first() {
    let mean = |says: &str, kind: &str| {
        let summary = fault(kind, says);
        summary.ledger["c"].by_node["s"].mean_ms.of(Cause::Fault) * summary.ledger["c"].count as f64
    };
    // 1,000 requests of 10 ms in the 10 s of the warm-up, three times as long at first, so twice on average.
    for cores in ["", "cores = 50\n"] {
        let added = mean(&format!("{cores}warmup = {{ factor = 3, over = \"10s\" }}\n"), "crash") / 2.0;
        assert!((added - 10_000.0).abs() < 200.0, "{cores}{added} ms");
        assert!(mean(&format!("{cores}warmup = \"none\"\n"), "crash") < 1.0);
    }
}

/// Watches that there are never more replicas than may be, or fewer.
#[derive(Debug)]
struct Bounds<'p> {
    plan: &'p Plan,
    answered: u64,
    looks: u64,
    changes: u64,
    last: Vec<u32>,
}

impl Probe for Bounds<'_> {
    fn on(&mut self, _now: Time, fact: Fact) {
        match fact {
            Fact::Answered { .. } => self.answered += 1,
            Fact::Weighed { .. } => self.looks += 1,
            Fact::Replicas { node, there, ready } => {
                let rule = self.plan.node(node).life.and_then(|life| life.autoscale).unwrap();
                assert!((rule.min..=rule.max).contains(&there) && ready <= there, "{there}, {ready} ready: {rule:?}");
                self.changes += u64::from(std::mem::replace(&mut self.last[node.index()], there) != there);
            }
            _ => {}
        }
    }
}

/// Lets the replicas of every node with several come and go, as often as can be.
fn restless(plan: &mut Plan) {
    plan.duration = Span::from_secs_f64(100.0);
    let millis = |ms: u64| Span(ms * 1_000_000);
    plan.laws.push(Dist::new(&Law::Uniform { min: 0.0, max: 9e6 }).unwrap());
    let ready_after = LawId(plan.laws.len() as u32 - 1);
    for (nth, node) in plan.nodes.iter_mut().enumerate().filter(|(_, node)| node.replicas > 1) {
        let metric = [Metric::InFlight, Metric::Cpu, Metric::Workers, Metric::Rps][nth % 4];
        let metric = if node.workers == hoptax::model::id::NONE { Metric::InFlight } else { metric };
        let (max, every) = (node.replicas, millis(5));
        let autoscale = Autoscale {
            min: 1,
            max,
            metric,
            target: 0.2,
            every,
            request: None,
            stabilization: millis(7),
            patience: Span::ZERO,
            up: Pace::UP,
            down: Pace::DOWN,
            metric_lag: Span::ZERO,
            useful: u32::MAX,
        };
        let warmup = (nth % 2 == 0).then_some(Warmup { factor: 4.0, over: millis(40) });
        node.life = Some(Life { initial: 1, ready_after, warmup, autoscale: Some(autoscale), drain: None });
    }
}

#[test]
fn whatever_comes_goes_though_replicas_come_and_go() {
    let (looks, changes) = (Cell::new(0), Cell::new(0));
    let all = (scenario::scenario(), scenario::sendings(), scenario::faults(), proptest::bool::ANY);
    always(128, &all, |(scenario::Text(text), sendings, faults, wired)| {
        let text = crate::laws::with_faults(&text, &faults);
        let text = if wired { text.replacen("\"free\"", "\"rest\"", 1) } else { text };
        let mut plan = finite(&text, &sendings);
        restless(&mut plan);
        let sent: u64 = sendings.iter().take(plan.clients.len()).map(|s| s.len() as u64).sum();
        let last = vec![0; plan.nodes.len()];
        let bounds = Bounds { plan: &plan, answered: 0, looks: 0, changes: 0, last };
        let finished = ended(&plan, 7, bounds);
        assert!(finished.stop == Stop::Ended && finished.at_rest, "{:?}, something is left:\n{text}", finished.stop);
        assert_eq!(finished.probe.answered, sent);
        looks.set(looks.get() + finished.probe.looks);
        changes.set(changes.get() + finished.probe.changes);
    });
    let (looks, changes) = (looks.get(), changes.get());
    assert!(looks > 10_000 && changes > 500, "{looks} looks, {changes} changes: the scenarios show too little");
}

#[test]
fn a_plan_says_when_replicas_come_and_go() {
    let life = |rest: &str| plan(&service(rest)).nodes.iter().find(|node| node.name == "s").unwrap().life;
    assert!(life("").is_none(), "the hot path is spared");
    let scaled = life("autoscale = { min = 3, max = 9, target = \"70%\" }").unwrap();
    assert_eq!((scaled.initial, scaled.autoscale.unwrap().every), (3, Span(15_000_000_000)));
    assert!(life("ready_after = \"1s\"").unwrap().autoscale.is_none());
}

//! Rollouts that wait for their replicas, and replicas that go. Kubernetes: Deployments, Pod Lifecycle.

use hoptax::experiment::summary::Summary;
use hoptax::scenario::{Source, load};

use crate::bench::run;

/// Four replicas that need a minute to get ready, at 100/s.
fn app(deploy: &str) -> String {
    format!(
        "version = 1\n[sim]\nduration = \"4m\"\nwarmup = \"5s\"\nreplications = 1\n[defaults]\ntransport = \"free\"\n\
         [discovery]\nkind = \"mesh\"\n[clients.users]\ncalls = \"app\"\nrate = \"100/s\"\n\
         [services.app]\nreplicas = 4\nio = \"async\"\nwork = \"1ms\"\nready_after = \"60s\"\n\
         [[faults]]\nname = \"rollout\"\nkind = \"deploy\"\ntarget = \"app\"\nat = \"30s\"\n{deploy}\n"
    )
}

fn success(summary: &Summary) -> f64 {
    summary.clients["users"].success_rate.value.unwrap()
}

fn took(summary: &Summary) -> f64 {
    summary.faults[0].took_s.as_ref().unwrap().value.unwrap()
}

/// Four replicas, one more and one fewer allowed: two start at once, and two more when these are ready. One at a time takes
/// twice as long; all at once, with four more, a minute.
#[test]
fn a_rollout_takes_as_long_as_its_replicas_need() {
    for (bounds, seconds, most) in [
        ("", 120.0, 5),
        ("max_surge = 1\nmax_unavailable = 0", 240.0, 5),
        ("max_surge = \"100%\"\nmax_unavailable = 0", 60.0, 8),
        ("max_surge = 0\nmax_unavailable = 2", 120.0, 4),
    ] {
        let text = app(bounds).replace("\"4m\"", "\"6m\"");
        let summary = run(&text);
        assert_eq!(took(&summary), seconds, "{bounds}");
        assert_eq!(summary.nodes["app"].replicas.max, most, "{bounds}");
        // Without a pause before they stop, what is on its way to those that go is lost: within 100 ms of four departures.
        assert!(success(&summary) > 0.998, "{bounds}: {}", success(&summary));
    }
}

/// A duration that is too short for replicas that start is a contradiction, and so is one beside the bounds of a rollout.
#[test]
fn how_long_it_takes_is_an_outcome() {
    let refused = |deploy: &str| {
        let rejected = load(&Source::text("t.toml", app(deploy)), &[]).unwrap_err();
        rejected.complaints.iter().map(|complaint| complaint.message.clone()).collect::<Vec<_>>().join("; ")
    };
    assert!(refused("duration = \"40s\"").contains("needs 4m for 4 replicas"), "{}", refused("duration = \"40s\""));
    assert!(refused("duration = \"5m\"\nmax_surge = 1").contains("an outcome"));
    assert!(refused("replicas = 2").contains("waits for its replicas"));
    assert!(refused("max_surge = 0\nmax_unavailable = 0").contains("no replica could come or go"));
}

/// A gateway with 200 callers in front of four replicas of 45 ms each: about 4,200/s, as bombardier measured.
fn behind_a_balancer(drain: &str, propagation: &str) -> Summary {
    run(&format!(
        "version = 1\n[sim]\nduration = \"150s\"\nwarmup = \"5s\"\nreplications = 1\n[discovery]\nkind = \"mesh\"\n{propagation}\n\
         [transports.rest]\nconnections = {{ max = 400, max_idle = 400, idle_timeout = \"60s\", tls = \"none\" }}\n\
         [clients.users]\ncalls = \"alb\"\nusers = 200\ntransport = \"free\"\n\
         [gateways.alb]\nconcurrency = \"unlimited\"\nwork = \"0.1ms\"\nsteps = [\"app\"]\n\
         [services.app]\nreplicas = 4\nconcurrency = 200\nio = \"async\"\nwork = \"0.2ms\"\nwait = {{ mean = \"45ms\" }}\nready_after = \"20s\"\n{drain}\n\
         [[faults]]\nname = \"rollout\"\nkind = \"deploy\"\ntarget = \"app\"\nat = \"30s\"\n"
    ))
}

fn failed(summary: &Summary) -> u64 {
    let users = &summary.clients["users"];
    users.arrived - users.succeeded - users.in_flight_at_end
}

/// dingyu.dev, "Kubernetes zero downtime deployment": of 753,060 requests during a rolling restart 12 fail with a readiness
/// probe alone, 3 with a sleep of 40 s before the process stops, and none once the grace period of 50 s outlasts the sleep.
#[test]
fn a_pause_before_it_stops_loses_nothing() {
    let quick = "propagation = \"2ms\"";
    let [none, pause, grace] =
        ["", "drain = { pre_stop = \"40s\" }", "drain = { pre_stop = \"40s\", grace = \"50s\" }"]
            .map(|drain| failed(&behind_a_balancer(drain, quick)));
    assert!((5..=60).contains(&none), "{none} {pause} {grace}");
    assert_eq!([pause, grace], [0, 0], "nothing is sent to it any more when the pause is over");
    // Where the news takes longer than nothing, all that is sent meanwhile fails.
    let late = failed(&behind_a_balancer("", "propagation = \"1s\""));
    assert!(late > 1_000, "{late}");
}

/// What is not ended in the grace period is killed with the process.
#[test]
fn what_takes_longer_than_the_grace_period_is_killed() {
    let slow = |drain: &str| {
        run(&format!(
            "version = 1\n[sim]\nduration = \"3m\"\nwarmup = \"0s\"\nreplications = 1\n[defaults]\ntransport = \"free\"\n[network]\nsame_zone = \"0s\"\n\
             [discovery]\nkind = \"mesh\"\npropagation = \"0s\"\n[clients.users]\ncalls = \"app\"\narrivals = \"constant\"\nrate = \"1/s\"\n\
             [services.app]\nreplicas = 2\nwait = \"50s\"\nready_after = \"1s\"\n{drain}\n\
             [[faults]]\nkind = \"deploy\"\ntarget = \"app\"\nat = \"60s\"\nmax_surge = 0\nmax_unavailable = 1\n"
        ))
    };
    // Of the 25 in progress on each when it is told to stop ten have more than 30 s to go.
    let usual = slow("");
    let reset = failed(&usual);
    assert!((18..=21).contains(&reset), "{reset}");
    assert_eq!(failed(&slow("drain = { grace = \"60s\" }")), 0);
}

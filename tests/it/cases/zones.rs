//! Replicas in several zones: how far messages go, what the loss of a zone takes, whom callers prefer, and how new replicas
//! are brought in.

use hoptax::experiment::summary::Summary;

use crate::bench::run;

/// One caller in zone a, and replicas by turns in zones a and b; 1 ms within a zone, 5 ms between two.
fn across(discovery: &str, back: &str, faults: &str) -> Summary {
    run(&format!(
        "version = 1\n[sim]\nduration = \"300s\"\nwarmup = \"5s\"\nreplications = 1\n[defaults]\ntransport = \"free\"\n\
         [network]\nsame_zone = \"1ms\"\ncross_zone = \"5ms\"\n\
         [discovery]\nkind = \"mesh\"\nreadiness = {{ every = \"1s\", failures = 1 }}\n{discovery}\n\
         [clients.users]\ncalls = \"front\"\nrate = \"200/s\"\nzone = \"eu/a\"\n\
         [services.front]\nzone = \"eu/a\"\nio = \"async\"\nconcurrency = \"unlimited\"\nsteps = [\"back\"]\n\
         [services.back]\n{back}\n{faults}"
    ))
}

/// What share of the visits of `back` came to the first of every two replicas.
fn near(summary: &Summary) -> f64 {
    let each = &summary.nodes["back"].replicas.apart.as_ref().unwrap().each;
    let visits: Vec<u64> = each.iter().map(|one| one.arrivals).collect();
    visits.iter().step_by(2).sum::<u64>() as f64 / visits.iter().sum::<u64>() as f64
}

const SPREAD: &str = "replicas = 8\nzones = [\"eu/a\", \"eu/b\"]";

fn mean(summary: &Summary) -> f64 {
    summary.clients["users"].latency_ms.mean.value.unwrap()
}

#[test]
fn a_message_goes_as_far_as_the_zones_of_its_replicas_are_apart() {
    // The front in the same zone: 2 ms. Half of the calls go 2 ms further, half 10.
    let blind = across("", SPREAD, "");
    assert!((near(&blind) - 0.5).abs() < 0.001 && (mean(&blind) - 8.0).abs() < 0.01, "{}", mean(&blind));
    for kind in ["failover", "same_zone"] {
        let aware = across(&format!("locality = {{ kind = \"{kind}\" }}"), SPREAD, "");
        assert!(near(&aware) == 1.0 && (mean(&aware) - 4.0).abs() < 1e-6, "{kind}: {} {}", near(&aware), mean(&aware));
    }
    // All callers are in one zone, so that half of what they send has to go to the other for all replicas to be alike.
    let aware = across("locality = { kind = \"zone_aware\" }", SPREAD, "");
    assert!((near(&aware) - 0.5).abs() < 0.01, "{}", near(&aware));
    // A link with a latency of its own is as long whoever stands at its ends.
    let own = across("", SPREAD, "[network.links.\"front -> back\"]\nlatency = \"3ms\"\n");
    assert!((mean(&own) - 8.0).abs() < 1e-6, "{}", mean(&own));
}

fn down(zone: &str, replicas: u32) -> String {
    format!(
        "[[faults]]\nname = \"down\"\nkind = \"outage\"\ntarget = \"zone:eu/{zone}\"\nreplicas = {replicas}\nat = \"0s\"\nduration = \"300s\"\n\
         [[slos]]\nof = \"users\"\nexpect = \"success_rate >= 1%\"\nduring = \"down\"\n"
    )
}

/// Envoy, *Priority levels* with the factor of 1.4: P0 100, 75, 50, 25 and 0 % healthy of four. The first second, before the probes
/// have failed, is three in a thousand.
#[test]
fn levels_share_as_envoys_table_says() {
    for (out, expected) in [(1, 1.0), (2, 0.7), (3, 0.35), (4, 0.0)] {
        // Zone b stands in front of the caller's: the front itself must not be hit.
        let faults = down("a", out).replace("zone:eu/a\"", "back\"");
        let order =
            "replicas = 8\nzones = [\"eu/a\", \"eu/a\", \"eu/a\", \"eu/a\", \"eu/b\", \"eu/b\", \"eu/b\", \"eu/b\"]";
        let summary = across("locality = { kind = \"failover\" }", order, &faults);
        let each = &summary.nodes["back"].replicas.apart.as_ref().unwrap().each;
        let share = each[..4].iter().map(|one| one.arrivals).sum::<u64>() as f64
            / each.iter().map(|one| one.arrivals).sum::<u64>() as f64;
        assert!((share - expected).abs() < 0.012, "{out} of four out: {share} for {expected}");
    }
}

/// Envoy, *Locality weighted load balancing*: X weighs 1 and Y 2; X 100, 75 (as 100), 50, 25 and 0 % healthy of four.
#[test]
fn zones_share_by_weight_and_health_as_envoys_table_says() {
    let weighed = format!("{SPREAD}\nzone_weights = [2, 1]");
    for (out, expected) in [(0, 0.333), (1, 0.333), (2, 0.259), (3, 0.149), (4, 0.0)] {
        let faults = if out == 0 { String::new() } else { down("b", out) };
        let summary = across("locality = { kind = \"weighted\" }", &weighed, &faults);
        let far = 1.0 - near(&summary);
        assert!((far - expected).abs() < 0.012, "{out} of four out: {far} for {expected}");
    }
}

/// Envoy, *Panic threshold*: one of four healthy in both levels is 70 % in all, and both panic: three of four requests fail. Without
/// a threshold the two that are left get half each.
#[test]
fn levels_panic_together() {
    // The first five of eight are three of zone a and two of zone b; the third of b goes by its zone.
    let most = "[[faults]]\nkind = \"outage\"\ntarget = \"back\"\nreplicas = 5\nat = \"0s\"\nduration = \"300s\"\n";
    let faults = format!("{most}{}", down("b", 3));
    let during = |discovery: &str| {
        let summary = across(&format!("locality = {{ kind = \"failover\" }}\n{discovery}"), SPREAD, &faults);
        (summary.slos[0].measured.value.unwrap(), near(&summary))
    };
    let (success, share) = during("panic_threshold = \"50%\"");
    assert!((success - 0.25).abs() < 0.02 && (share - 0.5).abs() < 0.01, "{success} {share}");
    let (success, share) = during("panic_threshold = \"0%\"");
    assert!(success > 0.99 && (share - 0.5).abs() < 0.02, "{success} {share}");
}

/// Envoy's example: callers 40, 40 and 20 %, replicas 25, 50 and 25 % in three zones. All replicas are equally busy, and as much as
/// that allows stays in its zone: of 40 % with 25 % there fifteen per cent cross.
#[test]
fn zone_aware_routing_fills_all_replicas_alike() {
    let run = |discovery: &str| {
        run(&format!(
            "version = 1\n[sim]\nduration = \"300s\"\nwarmup = \"5s\"\nreplications = 1\n[defaults]\ntransport = \"free\"\n\
             [network]\nsame_zone = \"1ms\"\ncross_zone = \"5ms\"\n[discovery]\nkind = \"mesh\"\n{discovery}\n\
             [clients.users]\ncalls = \"front\"\nrate = \"200/s\"\n\
             [services.front]\nreplicas = 10\nzones = [\"eu/a\", \"eu/b\", \"eu/a\", \"eu/b\", \"eu/c\"]\nsteps = [\"back\"]\n\
             [services.back]\nreplicas = 8\nzones = [\"eu/a\", \"eu/b\", \"eu/c\", \"eu/b\"]\n"
        ))
    };
    // The callers' own requests come from nowhere, which is near to all: 2 ms.
    let blind = run("");
    let expected = 2.0 + 2.0 * (0.4 * 0.25 + 0.4 * 0.5 + 0.2 * 0.25) + 10.0 * (1.0 - 0.35);
    assert!((mean(&blind) - expected).abs() < 0.06, "{} for {expected}", mean(&blind));
    let aware = run("locality = { kind = \"zone_aware\" }");
    assert!((mean(&aware) - (2.0 + 0.85 * 2.0 + 0.15 * 10.0)).abs() < 0.06, "{}", mean(&aware));
    let each = &aware.nodes["back"].replicas.apart.as_ref().unwrap().each;
    let all: u64 = each.iter().map(|one| one.arrivals).sum();
    assert!(each.iter().all(|one| (one.arrivals as f64 / all as f64 - 0.125).abs() < 0.005), "{each:?}");
    // Too few for zones to matter.
    let few = run("locality = { kind = \"zone_aware\", min_cluster_size = 9 }");
    assert!((mean(&few) - mean(&blind)).abs() < 0.06);
}

#[test]
fn a_zone_that_is_cut_off_takes_what_crosses_its_border() {
    let cut = "[[faults]]\nname = \"cut\"\nkind = \"partition\"\ntarget = \"zone:eu/b\"\nat = \"50s\"\nduration = \"200s\"\n\
               [[slos]]\nof = \"users\"\nexpect = \"success_rate >= 1%\"\nduring = \"cut\"\n";
    let lost = |discovery: &str, calls: &str| {
        let summary = run(&format!(
            "version = 1\n[sim]\nduration = \"300s\"\nwarmup = \"5s\"\nreplications = 1\n[defaults]\ntransport = \"free\"\n\
             [discovery]\n{discovery}\n[clients.users]\ncalls = \"front\"\nrate = \"100/s\"\nzone = \"eu/a\"\n\
             [services.front]\nzone = \"eu/a\"\nio = \"async\"\nconcurrency = \"unlimited\"\nsteps = [{{ call = \"back\", timeout = \"1s\" }}]\n\
             [services.back]\n{SPREAD}\n{calls}{cut}"
        ));
        1.0 - summary.slos[0].measured.value.unwrap()
    };
    let blind = lost("", "");
    assert!((blind - 0.5).abs() < 0.01, "{blind}");
    assert_eq!(lost("locality = { kind = \"same_zone\" }", ""), 0.0);
    // What is behind them stands on their side of the border, or it does not.
    let behind = "steps = [{ call = \"deep\", timeout = \"500ms\" }]\n[services.deep]\nreplicas = 2\nzones = [\"eu/a\", \"eu/b\"]\n";
    let chain = lost("", behind);
    assert!((chain - 0.75).abs() < 0.02, "{chain}");
}

/// One of four is away until the tenth second, and new from then on for a minute: its part grows with the time from a tenth.
#[test]
fn a_replica_that_comes_back_gets_its_part_by_and_by() {
    let share = |discovery: &str| {
        let away = "[[faults]]\nname = \"away\"\nkind = \"outage\"\ntarget = \"back\"\nreplicas = 1\nat = \"0s\"\nduration = \"10s\"\n";
        let summary = across(discovery, "replicas = 4", away);
        let each = &summary.nodes["back"].replicas.apart.as_ref().unwrap().each;
        each[0].arrivals as f64 / each.iter().map(|one| one.arrivals).sum::<u64>() as f64
    };
    // Hundredths of seconds after it came into the list, which is at the next probe and 100 ms later.
    let eased = |aggression: f64| {
        let weight = |t: f64| (t.max(1.0) / 60.0).powf(1.0 / aggression).clamp(0.1, 1.0);
        (0..28_900).map(|at| weight(f64::from(at) / 100.0)).map(|w| w / (3.0 + w) / 100.0).sum::<f64>() / 300.0
    };
    let plain = share("");
    assert!((plain - 289.0 / 4.0 / 300.0).abs() < 0.003, "{plain}");
    for aggression in [1.0, 2.0] {
        let found = share(&format!("slow_start = {{ window = \"60s\", aggression = {aggression:.1} }}"));
        let expected = eased(aggression);
        assert!((found - expected).abs() < 0.003, "aggression {aggression}: {found} for {expected}");
        assert!(expected < plain - 0.015, "it would not show");
    }
    // By load, too; no other balancer knows weights.
    let by_load = share("load_balancing = \"least_request\"\nslow_start = { window = \"60s\" }");
    assert!((by_load - eased(1.0)).abs() < 0.006, "{by_load}");
}

/// With fewer replicas than zones nobody stands in some of them; what these weigh is nobody's.
#[test]
fn zones_without_a_replica_weigh_nothing() {
    let summary = run("version = 1\n[sim]\nduration = \"20s\"\nwarmup = \"0s\"\nreplications = 1\n\
         [discovery]\nlocality = { kind = \"weighted\" }\n[clients.c]\ncalls = \"front\"\nrate = \"50/s\"\n\
         [services.front]\nsteps = [\"back\"]\n\
         [services.back]\nwork = \"1ms\"\nzones = [\"eu/a\", \"eu/b\"]\nzone_weights = [1, 2]\n");
    assert_eq!(summary.clients["c"].failed.values().sum::<u64>(), 0);
    assert!(summary.nodes["back"].arrivals > 800);
}

//! Autoscalers that follow a lag, or come late.

use hoptax::experiment::summary::Summary;

use crate::bench::run;

/// Records of twenty keys, most of them of one, over eight partitions; members take 25 ms for each.
fn hot(rate: &str, scale: &str) -> String {
    format!(
        "version = 1\n[sim]\nduration = \"20m\"\nwarmup = \"0s\"\nreplications = 1\n[defaults]\ntransport = \"free\"\n\
         [clients.src]\ncalls = \"api\"\n{rate}\n[services.api]\nwork = \"1ms\"\nsteps = [{{ publish = \"t\" }}]\n\
         [topics.t]\npartitions = 8\nkey = {{ name = \"k\", keys = 20, skew = 3 }}\n\
         [services.worker]\nconsumes = [{{ from = \"t\", group = \"g\", work = \"25ms\", batch = 50 }}]\n\
         autoscale = {{ metric = \"lag\", target = 100, every = \"30s\", {scale} }}\n"
    )
}

fn sizes(summary: &Summary) -> Vec<f64> {
    let told = summary.nodes["worker"].replicas.autoscale.as_ref().unwrap();
    told.timeline.iter().map(|strength| strength.replicas).collect()
}

/// kedacore/keda#3997, `kafka_scaler.go`: a lag asks for no more replicas than there are partitions, unless `allowIdleConsumers`.
/// One partition has nearly all records and one member at most, so the lag only grows.
#[test]
fn nobody_is_started_who_would_have_no_partition() {
    let most = |more: &str| {
        let all = sizes(&run(&hot("rate = \"60/s\"", more)));
        all.into_iter().fold(0.0, f64::max)
    };
    assert_eq!(most("min = 1, max = 20"), 8.0);
    assert_eq!(most("min = 1, max = 20, allow_idle_consumers = true"), 20.0);
}

/// KEDA starts the first replica when a message waits, and takes the last one away after its cooldown of 300 s.
#[test]
fn a_lag_is_worked_off_from_none_and_to_none() {
    let rate = "phases = [{ duration = \"4m\", rate = \"0.0001/s\" }, { duration = \"2m\", rate = \"20/s\" }, { duration = \"14m\", rate = \"0.00001/s\" }]";
    let summary = run(&hot(rate, "min = 0, max = 20"));
    let sizes = sizes(&summary);
    // 120 marks over twenty minutes: ten seconds each.
    let at = |minute: f64| sizes[(minute * 6.0) as usize];
    assert_eq!((at(3.9), at(16.0)), (0.0, 0.0), "{sizes:?}");
    assert!((4.0..8.1).contains(&at(6.5)), "{sizes:?}");
    let group = &summary.topics["t"].groups["g"];
    assert!(group.consumed > 2_200 && group.lag_at_end == 0, "{group:?}");
}

#[test]
fn only_a_lag_can_be_seen_by_nobody() {
    let text = hot("rate = \"60/s\"", "min = 0, max = 20").replace("metric = \"lag\"", "metric = \"cpu\"");
    let rejected = hoptax::scenario::load(&hoptax::scenario::Source::text("t.toml", &text), &[]).unwrap_err();
    assert!(
        rejected.complaints.iter().any(|complaint| complaint.message.contains("`min`")),
        "{:?}",
        rejected.complaints
    );
}

/// 100/s become 400/s after two minutes: four cores' worth on two replicas of one core each, which grow at 70 %.
fn spike(scale: &str) -> Vec<f64> {
    let text = format!(
        "version = 1\n[sim]\nduration = \"10m\"\nwarmup = \"0s\"\nreplications = 1\n[defaults]\ntransport = \"free\"\n\
         [discovery]\nkind = \"mesh\"\nload_balancing = \"least_request\"\n\
         [clients.users]\ncalls = \"api\"\nphases = [{{ duration = \"2m\", rate = \"100/s\" }}, {{ rate = \"400/s\" }}]\ntimeout = \"5s\"\n\
         [services.api]\ncores = 1\nconcurrency = 200\nqueue_limit = 200\nwork = {{ mean = \"10ms\" }}\nready_after = \"60s\"\n\
         autoscale = {{ min = 2, max = 10, metric = \"cpu\", target = \"70%\"{scale} }}\n"
    );
    let told = run(&text).nodes["api"].replicas.autoscale.clone().unwrap();
    told.timeline.iter().map(|strength| strength.replicas).collect()
}

/// Reported of Kubernetes (two to ten replicas, 70 % CPU): after a spike p99 climbs for three to four minutes. Metrics are half a
/// minute old, the controller looks every 15 s, and what it sees is 100 % at most: it asks for one more, then for two, and each
/// time waits a minute until they are ready. Without the lag of the metric that takes 165 s, with it 255 s.
#[test]
fn late_metrics_make_a_spike_last_for_minutes() {
    // Five seconds between two marks.
    let enough = |sizes: &[f64]| sizes.iter().position(|size| *size >= 6.0).unwrap() * 5 - 120;
    let (at_once, late) = (spike(""), spike(", metric_lag = \"30s\""));
    let slow = spike(", metric_lag = \"30s\", scale_up = { pods = 1, percent = \"0%\", period = \"60s\" }");
    let [at_once, late, slow] = [enough(&at_once), enough(&late), enough(&slow)];
    assert!((160..=175).contains(&at_once) && (250..=265).contains(&late), "{at_once} {late}");
    assert!(slow >= late + 60, "{slow}");
}

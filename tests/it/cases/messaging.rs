//! Groups of messages, delayed retries, requests and replies over queues; reads from replicas that lag.

use hoptax::experiment::summary::Summary;
use hoptax::scenario::{Source, load};

use crate::bench::run;

/// One message a minute that takes 50 s, for five consumers.
fn fifo(key: &str) -> Summary {
    run(&format!(
        "version = 1\n[sim]\nduration = \"10m\"\nwarmup = \"0s\"\nreplications = 1\n[defaults]\ntransport = \"free\"\n\
         [clients.src]\ncalls = \"api\"\narrivals = \"constant\"\nrate = \"3/min\"\n\
         [services.api]\nwork = \"1ms\"\nsteps = [{{ send = \"fifo\" }}]\n\
         [queues.fifo]\nkind = \"fifo\"\nvisibility_timeout = \"60s\"\n{key}\n\
         [services.w]\nconsumes = [{{ from = \"fifo\", concurrency = 5, poll = \"1s\", work = \"50s\" }}]\n"
    ))
}

/// localstack/localstack#8724, Amazon SQS FIFO delivery logic: of one message group one message is in flight, however many
/// consumers there are: twelve of thirty in ten minutes. Groups of their own go side by side.
#[test]
fn of_one_group_one_message_is_in_flight() {
    let one = &fifo("key = { name = \"group\", keys = 1 }").queues["fifo"];
    assert!((11..=12).contains(&one.acked) && one.redelivered == 0, "{one:?}");
    for key in ["", "key = \"order\""] {
        let apart = &fifo(key).queues["fifo"];
        assert!(apart.acked >= 26, "{key}: {apart:?}");
    }
}

/// Messages of a hundred groups, four consumers with a prefetch: nobody waits for ever, and all are handled once.
#[test]
fn groups_are_worked_off_side_by_side() {
    let summary = run(
        "version = 1\n[sim]\nduration = \"60s\"\nwarmup = \"0s\"\nreplications = 1\n[defaults]\ntransport = \"free\"\n\
         [clients.src]\ncalls = \"api\"\nrate = \"100/s\"\n[services.api]\nsteps = [{ send = \"q\" }]\n\
         [queues.q]\nkey = { name = \"customer\", keys = 100, skew = 1.0 }\n\
         [services.w]\nwork = { mean = \"20ms\" }\nconsumes = [{ from = \"q\", concurrency = 4, prefetch = 5 }]\n",
    );
    let queue = &summary.queues["q"];
    assert!(queue.published > 5_500 && queue.published - queue.acked < 60 && queue.redelivered == 0, "{queue:?}");
}

/// The usual delayed retry of RabbitMQ: what a consumer rejects waits in a queue without consumers and comes back.
fn retries(on_error: &str) -> String {
    format!(
        "version = 1\n[sim]\nduration = \"60s\"\nwarmup = \"0s\"\nreplications = 1\n[defaults]\ntransport = \"free\"\n\
         [clients.src]\ncalls = \"api\"\narrivals = \"constant\"\nrate = \"10/s\"\n[services.api]\nwork = \"1ms\"\nsteps = [{{ send = \"jobs\" }}]\n\
         [queues.jobs]\nmax_deliveries = 1\ndead_letter = \"jobs-retry\"\n\
         [queues.jobs-retry]\nmessage_ttl = \"5s\"\ndead_letter = \"jobs\"\n\
         [services.worker]\nwork = \"5ms\"\nerror_rate = \"10%\"\nconsumes = [{{ from = \"jobs\", concurrency = 4, prefetch = 1, {on_error} }}]\n\
         [[flows]]\nname = \"job\"\nstarts = \"src\"\nends = \"worker\"\n"
    )
}

/// rabbitmq/rabbitmq-server#11174: a cycle of dead letters is dropped only if nobody rejected a message on it. One in ten is
/// late by 5 s, one in a hundred by 10 s.
#[test]
fn a_circle_of_dead_letters_with_a_rejection_is_a_delayed_retry() {
    let summary = run(&retries("on_error = \"dead_letter\""));
    let job = &summary.flows["job"];
    assert!(job.success_rate.value.unwrap() > 0.9999, "{:?}", job.failed);
    let p = |q: &hoptax::experiment::summary::Estimate| q.value.unwrap();
    let latency = &job.latency_ms;
    assert!(p(&latency.p50) < 10.0 && (5_000.0..5_100.0).contains(&p(&latency.p95)), "{latency:?}");
    let mean = p(&latency.mean);
    assert!((400.0..720.0).contains(&mean), "{mean}: 5 s · 1/9");
    let (jobs, late) = (&summary.queues["jobs"], &summary.queues["jobs-retry"]);
    assert!(jobs.dead_lettered.abs_diff(late.published) <= 3, "{jobs:?} {late:?}");
}

/// Without a rejection on it the circle would never end.
#[test]
fn a_circle_without_a_rejection_is_refused() {
    let rejected = load(&Source::text("t.toml", retries("on_error = \"retry\"")), &[]).unwrap_err();
    assert!(rejected.complaints[0].message.contains("round in a circle"), "{:?}", rejected.complaints);
}

/// One caller after the other; 200 us each way to the broker, 50 us of work.
fn rpc(more: &str, consumer: &str) -> Summary {
    run(&format!(
        "version = 1\n[sim]\nduration = \"10s\"\nwarmup = \"1s\"\nreplications = 1\n[defaults]\ntransport = \"free\"\n[network]\nsame_zone = \"200us\"\n\
         [network.links.\"c -> caller\"]\nlatency = \"0s\"\n\
         [clients.c]\ncalls = \"caller\"\nusers = 1\n[services.caller]\nwork = \"10us\"\nsteps = [{{ send = \"rpc\", wait_for_reply = true, {more} }}]\n\
         [queues.rpc]\n[services.server]\nconsumes = [{{ from = \"rpc\", {consumer} }}]\n"
    ))
}

/// rabbitmq/rabbitmq-java-client#263: 1,000 calls over RabbitMQ, one after the other, in 905 ms. Here a call is four ways and
/// 60 us of work: 860 ms for 1,000.
#[test]
fn a_reply_comes_back_over_the_broker() {
    let summary = rpc("timeout = \"5s\"", "work = \"50us\"");
    let client = &summary.clients["c"];
    assert!((client.latency_ms.mean.value.unwrap() - 0.86).abs() < 0.001, "{:?}", client.latency_ms.mean);
    assert_eq!(client.succeeded, client.arrived - client.in_flight_at_end);
    let edge = &summary.edges["caller -> rpc"];
    assert!((edge.latency_ms.mean.value.unwrap() - 0.85).abs() < 0.001);
}

/// What a consumer gives up is not replied to.
#[test]
fn who_gets_no_reply_waits_for_its_timeout() {
    let summary = rpc("timeout = \"100ms\"", "work = \"50us\", error_rate = \"100%\", on_error = \"skip\"");
    let client = &summary.clients["c"];
    assert_eq!(client.succeeded, 0);
    assert!(client.arrived > 95, "{client:?}");
    let edge = &summary.edges["caller -> rpc"];
    assert_eq!(edge.failed.keys().collect::<Vec<_>>(), ["timeout"]);
    // Later than it waits, a reply finds nobody, and nothing else goes wrong.
    let late = rpc("timeout = \"1ms\"", "work = \"2ms\"");
    assert_eq!(late.clients["c"].succeeded, 0);
    assert!(late.conservation.holds);
}

/// A write and a read in one request, 10 requests a second, a primary and a replica that is 200 ms behind.
fn lagging(read: &str, replicas: u32) -> Summary {
    run(&format!(
        "version = 1\n[sim]\nduration = \"60s\"\nreplications = 1\n[clients.c]\ncalls = \"s\"\narrivals = \"constant\"\nrate = \"1/s\"\n\
         [services.s]\nwork = \"1ms\"\nsteps = [{{ query = \"db\", mode = \"write\", table = \"t\" }}, {{ query = \"db\", {read} }}]\n\
         [databases.db]\nwork = \"2ms\"\nreplicas = {replicas}\nreplication_lag = \"200ms\"\ntables.t = {{ writers = 1 }}\ntables.u = {{ writers = 1 }}\n"
    ))
}

/// Asynchronous replication: who reads its own write from a replica does not find it. Half of the reads of two go there, two
/// thirds of three, all that ask for one, and none that ask for the primary or for what nobody has written.
#[test]
fn a_read_from_a_lagging_replica_misses_what_was_just_written() {
    for (read, replicas, expected) in [
        ("table = \"t\"", 2, 0.5),
        ("mode = \"read\"", 3, 2.0 / 3.0),
        ("read_from = \"replica\"", 3, 1.0),
        ("read_from = \"primary\"", 3, 0.0),
        ("table = \"u\"", 3, 0.0),
    ] {
        let told = lagging(read, replicas).nodes["db"].replication.unwrap();
        let share = told.stale_reads as f64 / told.reads as f64;
        assert!(told.reads >= 59 && (share - expected).abs() < 0.03, "{read}: {told:?}");
    }
}

/// One that comes later than the lag finds all.
#[test]
fn after_the_lag_nothing_is_stale() {
    let text = "version = 1\n[sim]\nduration = \"30s\"\nreplications = 1\n[clients.c]\ncalls = \"s\"\narrivals = \"constant\"\nrate = \"1/s\"\n\
        [services.s]\nsteps = [{ query = \"db\", mode = \"write\" }, { wait = \"250ms\" }, { query = \"db\" }]\n\
        [databases.db]\nwork = \"2ms\"\nreplicas = 2\nreplication_lag = \"200ms\"\n";
    assert_eq!(run(text).nodes["db"].replication.unwrap().stale_reads, 0);
}

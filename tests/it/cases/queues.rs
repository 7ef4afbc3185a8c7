//! Queues and what their brokers do; databases.

use hoptax::experiment::summary::Summary;

use crate::bench::run;

/// The scenario of a report, with so many replications.
fn report(text: &str, replications: u32) -> Summary {
    let text = text.replacen("[sim]\n", &format!("[sim]\nreplications = {replications}\n"), 1);
    let mut sims = 0;
    let once = |line: &&str| {
        sims += u32::from(line.starts_with("replications"));
        !line.starts_with("replications") || sims == 1
    };
    run(&text.lines().filter(once).collect::<Vec<_>>().join("\n"))
}

/// Amazon SQS API reference, `DeleteMessage`: the handle of the most recent receipt deletes. `aws/aws-sdk-js#1279`: on a FIFO
/// queue it has expired with the visibility timeout.
#[test]
fn who_received_a_message_last_may_delete_it_late() {
    let text = include_str!("late-delete.toml");
    let standard = report(text, 1);
    let jobs = &standard.queues["jobs"];
    assert_eq!(
        (jobs.redelivered, jobs.dead_lettered, standard.clients["src"].duplicate_effects),
        (0, 0, 0),
        "{jobs:?}"
    );
    assert!(jobs.published >= 59 && jobs.published - jobs.acked <= 1, "{jobs:?}");
    let fifo = report(&text.replace("visibility_timeout", "kind = \"fifo\"\nvisibility_timeout"), 1);
    let jobs = &fifo.queues["jobs"];
    // Every delete comes ten seconds late, for ever.
    assert!(jobs.acked == 0 && jobs.redelivered > 50, "{jobs:?}");
    assert!(fifo.clients["src"].duplicate_effects > 50);
}

/// A second consumer receives what has shown up again: then the first one's receipt is not the last.
#[test]
fn an_old_receipt_deletes_nothing() {
    let text = include_str!("late-delete.toml").replace("concurrency = 1", "concurrency = 2");
    let jobs = &report(&text, 1).queues["jobs"];
    assert!(jobs.redelivered > 20, "{jobs:?}");
}

/// SQS knows nothing of consumers: what a dead one had shows up when its time is over, not before. `RabbitMQ` sees the
/// connection go (Consumer Acknowledgements, automatic requeueing).
#[test]
fn what_a_dead_consumer_had_shows_up_when_its_time_is_over() {
    let run_with = |timeout: &str| {
        run(&format!(
            "version = 1\n[sim]\nduration = \"60s\"\nwarmup = \"0s\"\nreplications = 1\n[network]\nsame_zone = \"1ms\"\n\
             [defaults]\ntransport = \"free\"\n[clients.c]\ncalls = \"p\"\narrivals = \"constant\"\nphases = [{{ duration = \"1s\", rate = \"1/s\" }}, {{ duration = \"59s\", rate = \"0.0001/s\" }}]\n\
             [services.p]\nsteps = [{{ send = \"q\" }}]\n[queues.q]\n{timeout} = \"30s\"\n\
             [services.w]\nwork = \"5s\"\nconsumes = [{{ from = \"q\", poll = \"10ms\" }}]\n\
             [[flows]]\nname = \"done\"\nstarts = \"c\"\nends = \"w\"\n\
             [[faults]]\nkind = \"crash\"\ntarget = \"w\"\nat = \"2s\"\nduration = \"1s\"\n"
        ))
        .flows["done"]
            .latency_ms
            .max
            .unwrap_or(f64::INFINITY)
    };
    let (hidden, seen) = (run_with("visibility_timeout"), run_with("ack_timeout"));
    assert!((34_900.0..35_200.0).contains(&hidden), "{hidden}");
    assert!((6_900.0..8_200.0).contains(&seen), "{seen}");
}

/// `RabbitMQ`, Consumers, delivery acknowledgement timeout: the channel is closed, and all its deliveries are requeued.
#[test]
fn a_late_consumer_loses_all_it_has() {
    let summary = run(
        "version = 1\n[sim]\nduration = \"20s\"\nwarmup = \"0s\"\nreplications = 1\n[network]\nsame_zone = \"1ms\"\n\
         [defaults]\ntransport = \"free\"\n[clients.c]\ncalls = \"p\"\narrivals = \"constant\"\n\
         phases = [{ duration = \"1s\", rate = \"4/s\" }, { duration = \"19s\", rate = \"0.0001/s\" }]\n\
         [services.p]\nsteps = [{ send = \"q\" }]\n[queues.q]\nack_timeout = \"2s\"\n\
         [services.w]\nwork = \"3s\"\nconsumes = [{ from = \"q\", prefetch = 10 }]\n",
    );
    let queue = &summary.queues["q"];
    // Two seconds after the first delivery all four go back, and so on: none is ever done in time.
    assert!(queue.acked == 0 && queue.redelivered >= 8, "{queue:?}");
}

/// By hand: ten points at random on a circle of one second leave a random instant 1/11 s before the next. Those that find
/// something move on a little and so come to stand closer: a tenth more over ten minutes.
#[test]
fn independent_pollers_do_not_march_in_step() {
    let text = include_str!("pollers-in-step.toml").replace("\"10m\"", "\"60s\"");
    let mean = |summary: &Summary| summary.queues["q"].wait_ms.mean.value.unwrap();
    let ten = mean(&report(&text, 80));
    assert!((80.0..110.0).contains(&ten), "{ten}");
    let one = mean(&report(&text.replace("replicas = 10", "replicas = 1"), 20));
    assert!((430.0..570.0).contains(&one), "{one}");
}

/// Writes go to the primary (PostgreSQL, High Availability, streaming replication; `MySQL`, Replication).
#[test]
fn writes_go_to_the_primary() {
    let text = include_str!("primary-writes.toml");
    let of = |text: &str| report(text, 1);
    let (three, one) = (of(text), of(&text.replace("replicas = 3", "replicas = 1")));
    let mean = |summary: &Summary| summary.clients["c"].latency_ms.mean.value.unwrap();
    assert!(
        mean(&three) > 1_000.0 && (mean(&three) / mean(&one) - 1.0).abs() < 0.05,
        "{} {}",
        mean(&three),
        mean(&one)
    );
    assert!(!three.run.overloaded.is_empty(), "it says so first");
    // Reads are shared; a transaction with a write in it is not.
    let reads = of(&text.replace("mode = \"write\"", "mode = \"read\""));
    assert!(mean(&reads) < 50.0, "{}", mean(&reads));
    let step = "{ query = \"db\", mode = \"write\", table = \"t\" }";
    let inside = |mode: &str| {
        let steps = format!(
            "{{ transaction = \"db\", steps = [{{ query = \"db\" }}, {{ query = \"db\", mode = \"{mode}\", probability = \"1%\", table = \"t\" }}] }}"
        );
        mean(&of(&text.replace(step, &steps)))
    };
    assert!(inside("write") > 1_000.0 && inside("read") < 50.0);
}

/// A bounded queue within a process, or AMQP flow control (`php-amqplib#743`: writes stall while the broker is blocked).
/// By hand: 1 message a second goes, 100 fit, and 50 workers each wait with one more.
#[test]
fn a_full_queue_that_blocks_holds_its_senders() {
    let summary = report(include_str!("block-when-full.toml"), 1);
    let (jobs, php) = (&summary.queues["jobs"], &summary.nodes["php"]);
    assert!((215..=223).contains(&jobs.published), "{jobs:?}");
    assert_eq!((jobs.max_depth, jobs.blocked_at_end, jobs.max_blocked), (100, 50, 50), "{jobs:?}");
    assert_eq!((jobs.rejected, jobs.lost, jobs.dropped), (0, 0, 0));
    let ends = jobs.acked + jobs.ready_at_end + jobs.unacked_at_end;
    assert_eq!(jobs.published, ends, "{jobs:?}");
    assert!(php.mean_busy.value.unwrap() > 45.0, "its workers wait: {:?}", php.mean_busy);
    // With room for all nobody waits.
    let wide = report(&include_str!("block-when-full.toml").replace("capacity = 100", "capacity = 10000"), 1);
    assert_eq!((wide.queues["jobs"].max_blocked, wide.clients["web"].failed.len()), (0, 0));
    assert!(wide.clients["web"].latency_ms.p50.value.unwrap() < 30.0);
}

/// `RabbitMQ`, Queue Length Limit: `reject-publish-dlx` also dead-letters what it refuses; a nack is seen with confirms only.
#[test]
fn refused_messages_may_go_to_the_dead_letters() {
    let of = |word: &str, confirms: bool| {
        run(&format!(
            "version = 1\n[sim]\nduration = \"10s\"\nwarmup = \"0s\"\nreplications = 1\n[network]\nsame_zone = \"1ms\"\n\
             [defaults]\ntransport = \"free\"\n[clients.c]\ncalls = \"p\"\narrivals = \"constant\"\nrate = \"20/s\"\n\
             [services.p]\nsteps = [{{ send = \"q\" }}]\n[queues.dead]\n\
             [queues.q]\ncapacity = 5\nwhen_full = \"{word}\"\ndead_letter = \"dead\"\nconfirms = {confirms}\n\
             [services.w]\nwork = \"1s\"\nconsumes = [{{ from = \"q\", prefetch = 1 }}]\n"
        ))
    };
    let buried = of("dead_letter", true);
    let (queue, dead) = (&buried.queues["q"], &buried.queues["dead"]);
    assert!(queue.rejected > 150 && queue.rejected == dead.published && queue.dead_lettered == 0, "{queue:?} {dead:?}");
    assert!(buried.clients["c"].failed["error"].abs_diff(queue.rejected) <= 1, "one may arrive when the time is over");
    assert!(of("dead_letter", false).clients["c"].failed.is_empty());
    let rejected = of("reject", true);
    assert_eq!((rejected.queues["dead"].published, rejected.queues["q"].rejected), (0, queue.rejected));
    // What gives way at the head was published, and is dead-lettered.
    let dropped = of("drop_oldest", true);
    assert!(dropped.queues["q"].dead_lettered > 150 && dropped.clients["c"].failed.is_empty());
}

/// PostgreSQL, Lock Management: `deadlock_timeout`; `zammad/zammad#2114`. By hand: two of 0.5/s each that hold their first table for
/// 24 ms meet in 1.2 % of all; what queues up meanwhile meets again.
#[test]
fn a_deadlock_has_a_victim() {
    let text = include_str!("deadlock.toml").replace("\"60s\"", "\"600s\"");
    let summary = report(&text, 6);
    let clients = summary.clients.values();
    let (mut victims, mut arrived) = (0, 0);
    for stats in clients {
        assert_eq!(stats.failed.keys().collect::<Vec<_>>(), ["deadlock"], "{:?}", stats.failed);
        victims += stats.failed["deadlock"];
        arrived += stats.arrived;
    }
    let share = victims as f64 / arrived as f64;
    assert!((0.01..0.02).contains(&share), "{share}");
    // The victim has waited a second.
    assert!(summary.clients["ab"].latency_ms.p99.value.unwrap() > 1_000.0);
    // In the same order there are none.
    let ordered = text.replace(
        "{ query = \"db\", table = \"b\", mode = \"write\" }, { wait = \"20ms\" }, { query = \"db\", table = \"a\", mode = \"write\" }",
        "{ query = \"db\", table = \"a\", mode = \"write\" }, { wait = \"20ms\" }, { query = \"db\", table = \"b\", mode = \"write\" }",
    );
    assert!(report(&ordered, 2).clients.values().all(|stats| stats.failed.is_empty()));
    // Who tries again succeeds; a word for another failure is not meant.
    let rarely = text.replace("\"0.5/s\"", "\"0.2/s\"").replace("\"600s\"", "\"3000s\"");
    let again = |on: &str| {
        let retry = format!("calls = \"app.ab\"\nretries = {{ max = 3, on = [\"{on}\"], backoff = \"1ms\" }}");
        let summary = report(&rarely.replace("calls = \"app.ab\"", &retry), 2);
        summary.clients["ab"].failed.values().sum::<u64>()
    };
    assert!(again("deadlock") == 0 && again("error") == 0 && again("reset") > 0);
    // One that looks at once makes nobody wait.
    let at_once = report(&text.replace("[databases.db]", "[databases.db]\ndeadlock_timeout = \"0s\""), 2);
    assert!(at_once.clients.values().all(|stats| stats.latency_ms.max.unwrap() < 500.0));
}

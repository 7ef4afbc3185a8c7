//! Brokers whose memory fills, and consumers that poll patiently or acknowledge many at once.

use hoptax::experiment::summary::Summary;
use hoptax::scenario::{Source, load};

use crate::bench::{checked, run};

/// Messages that come by themselves to `q` and are handled by one consumer in no time.
fn queue(duration: &str, client: &str, queue: &str, consumer: &str, more: &str) -> String {
    format!(
        "version = 1\n[sim]\nduration = \"{duration}\"\nwarmup = \"0s\"\nreplications = 1\n[network]\nsame_zone = \"0ms\"\n\
         [defaults]\ntransport = \"free\"\n[clients.c]\ncalls = \"p\"\n{client}\n[services.p]\nsteps = [{{ send = \"q\" }}]\n\
         [queues.q]\n{queue}\n[services.w]\nconsumes = [{{ from = \"q\", work = \"1ms\", {consumer} }}]\n{more}"
    )
}

fn wait(summary: &Summary) -> [f64; 2] {
    let wait = &summary.queues["q"].wait_ms;
    [wait.mean.value.unwrap(), wait.p50.value.unwrap_or_default()]
}

/// The trigger of Azure's storage queues: each poll that finds nothing waits twice as long as the one before, up to
/// `maxPollingInterval`. After 13 s without a message that is 10 s here, and a message waits half of it; where there always is one the
/// first sleep is the only one.
#[test]
fn a_poller_that_finds_nothing_looks_ever_more_seldom() {
    let waits = |rate: &str, poll: &str| {
        wait(&run(&queue("20h", &format!("rate = \"{rate}\""), "", &format!("poll = \"100ms\"{poll}"), "")))[0]
    };
    let (same, seldom) = (waits("1/min", ""), waits("1/min", ", poll_max = \"10s\""));
    assert!((same - 50.0).abs() < 4.0, "{same}");
    // One in five comes within the 13 s that it takes to get there.
    assert!((3_700.0..4_700.0).contains(&seldom), "{seldom}");
    let busy = wait(&run(&queue(
        "5m",
        "arrivals = \"constant\"\nrate = \"100/s\"",
        "",
        "poll = \"100ms\", poll_max = \"10s\"",
        "",
    )));
    assert!(busy[0] < 100.0, "{busy:?}");
}

/// Amazon SQS, short and long polling: a long poll is answered as soon as there is a message. After 20 s without one the consumer sleeps
/// for 1 s: with one a minute by chance in e^(-1/3) of all rounds, which take 60 · (1 - e^(-1/3)) s without it, so for 4.04 % of the
/// time; what comes then waits half a second, 20.2 ms on average over all.
#[test]
fn a_long_poll_is_answered_as_soon_as_there_is_something() {
    let text = |poll: &str| {
        queue("20h", "rate = \"1/min\"", "", &format!("poll = \"1s\"{poll}"), "")
            .replace("replications = 1", "replications = 20")
    };
    let (short, long) = (wait(&run(&text(""))), wait(&run(&text(", poll_wait = \"20s\""))));
    assert!((short[0] - 500.0).abs() < 12.0, "{short:?}");
    assert!((long[0] - 20.2).abs() < 2.5 && long[1] == 0.0, "{long:?}");
}

/// One consumer dies a hundred times at odd moments, for 10 ms each; 100 messages a second. How many are delivered again each time.
fn again(consumer: &str) -> f64 {
    let crash = |n: u64| {
        let at = 7_000 * n + 13 * n * n % 997;
        format!(
            "[[faults]]\nname = \"crash {n}\"\nkind = \"crash\"\ntarget = \"w\"\nat = \"{at}ms\"\nduration = \"10ms\"\n"
        )
    };
    let crashes = (1..=100).map(crash).collect::<Vec<_>>().concat();
    let summary = run(&queue("720s", "arrivals = \"constant\"\nrate = \"100/s\"", "", consumer, &crashes));
    let queue = &summary.queues["q"];
    assert_eq!(queue.acked + queue.ready_at_end + queue.unacked_at_end, queue.published, "{queue:?}");
    queue.redelivered as f64 / 100.0
}

/// `RabbitMQ`, Consumer Acknowledgements: until the channel's word what was delivered belongs to it, and is requeued when it closes.
/// Of 50 that are acknowledged at once between none and 49 are handled by then, 24.5 on average; of those that are acknowledged a tenth
/// of a second late at most, five. One by one hardly ever is any.
#[test]
fn a_crash_brings_back_what_was_handled_and_not_acknowledged() {
    let (single, batch, time) =
        (again("prefetch = 250"), again("ack_every = 50"), again("ack_every = 50, ack_within = \"100ms\""));
    assert!(single < 1.0, "{single}");
    assert!((22.5..27.0).contains(&batch), "{batch}");
    assert!((4.0..6.5).contains(&time), "{time}");
}

/// Who may have ten messages and acknowledges fifty at once gets no eleventh until the time is over: ten in 20 s.
#[test]
fn who_may_have_fewer_than_it_acknowledges_stands_still() {
    let text = queue("10m", "arrivals = \"constant\"\nrate = \"2/s\"", "", "prefetch = 10, ack_every = 50", "");
    let summary = run(&text);
    assert!((290..=310).contains(&summary.queues["q"].acked), "{:?}", summary.queues["q"]);
    let warned = checked(&text);
    assert!(
        warned.warnings().iter().any(|c| c.message.contains("it stands still until 20s")),
        "{:?}",
        warned.warnings()
    );
}

/// Two services publish 50 messages a second each; nobody can keep up with those of the second, which takes 20 a second.
fn two(alarm: [&str; 2]) -> Summary {
    run(&format!(
        "version = 1\n[sim]\nduration = \"100s\"\nwarmup = \"0s\"\nreplications = 1\n[network]\nsame_zone = \"0ms\"\n[defaults]\ntransport = \"free\"\n\
         [clients.a]\ncalls = \"pa\"\nusers = 1\nthink_time = \"20ms\"\n[clients.b]\ncalls = \"pb\"\nusers = 1\nthink_time = \"20ms\"\n\
         [services.pa]\nsteps = [{{ send = \"qa\" }}]\n[services.pb]\nsteps = [{{ send = \"qb\" }}]\n\
         [queues.qa]\n{}\n[queues.qb]\n{}\n\
         [services.wa]\nconsumes = [{{ from = \"qa\", prefetch = 1, work = \"1ms\" }}]\n\
         [services.wb]\nconsumes = [{{ from = \"qb\", prefetch = 1, work = \"50ms\" }}]\n",
        alarm[0], alarm[1]
    ))
}

/// `RabbitMQ`, Memory and Disk Alarms: connections that publish are blocked, all of them, consumers go on. The line at `qb` grows by 30
/// a second and is 100 after 3.4 s, seen with the fourth second at 120. From then on all wait until 20 are gone, a second, and publish for
/// one: what comes in is what goes out, and `qa`, at which nothing waits, gets as little.
#[test]
fn an_alarm_stops_whoever_publishes_to_any_queue_of_the_broker() {
    let [apart, alone, together] =
        [two(["", ""]), two(["", "alarm = 100"]), two(["broker = \"rabbit\"", "broker = \"rabbit\"\nalarm = 100"])];
    let published = |summary: &Summary| [summary.queues["qa"].published, summary.queues["qb"].published];
    assert!(published(&apart).iter().all(|n| (4_900..=5_001).contains(n)), "{:?}", published(&apart));
    let [free, held] = published(&alone);
    assert!(free > 4_900 && (2_000..2_200).contains(&held), "{free} {held}");
    let [stopped, both] = published(&together);
    assert!((2_000..2_200).contains(&both) && stopped.abs_diff(both) < 20, "{stopped} {both}");
    // Nothing waits at `qa` itself, and nothing is lost.
    assert!(together.queues["qa"].wait_ms.p99.value.unwrap() < 1.0);
    assert!(together.queues["qb"].max_depth < 160, "{:?}", together.queues["qb"].max_depth);
    let longest = together.clients["a"].latency_ms.max.unwrap();
    assert!((900.0..2_100.0).contains(&longest), "{longest}");
}

#[test]
fn one_broker_has_one_alarm() {
    let text = "version = 1\n[clients.c]\ncalls = \"p\"\nrate = \"1/s\"\n[services.p]\nsteps = [{ send = \"a\" }, { send = \"b\" }]\n\
                [queues.a]\nbroker = \"r\"\nalarm = 10\n[queues.b]\nbroker = \"r\"\nalarm = 20\n\
                [services.w]\nconsumes = [{ from = \"a\" }, { from = \"b\" }]\nwork = \"1ms\"\n";
    let rejected = load(&Source::text("t.toml", text.to_owned()), &[]).unwrap_err();
    assert!(rejected.complaints[0].message.contains("`r` has one `alarm`"), "{:?}", rejected.complaints);
}

//! Messages: conserved, to one consumer each, never lost or never doubled as the acknowledgement says, and the rules of a
//! queue one by one.

use hoptax::experiment::summary::{Queue, Summary};
use hoptax::model::queue::Fate;
use hoptax::model::source::{Replay, Source};
use hoptax::model::{Fact, Probe};
use hoptax::units::{Span, Time};
use proptest::prelude::*;

use crate::bench::{checked, ended, plan, run};
use crate::laws::always;

/// Published = what became of them, and what is left.
#[track_caller]
fn conserved(queue: &Queue, what: &str) {
    let ends = queue.acked + queue.dead_lettered + queue.dropped + queue.expired;
    assert_eq!(queue.published, ends + queue.ready_at_end + queue.unacked_at_end, "{what}\n{queue:?}");
}

/// Counts deliveries, beginnings and ends of the messages of all queues.
#[derive(Debug, Default)]
struct Counts {
    published: u64,
    delivered: u64,
    again: u64,
    taken: u64,
    acked: u64,
    gone: u64,
    duplicates: u64,
    lost: u64,
    returned: u64,
    /// Acknowledged when the message had already been taken back.
    late: u64,
    rejected: u64,
    depth: i64,
    blocked: i64,
}

impl Probe for Counts {
    fn on(&mut self, _: Time, fact: Fact) {
        match fact {
            Fact::Published { .. } => self.published += 1,
            Fact::Delivered { again, .. } => {
                self.delivered += 1;
                self.again += u64::from(again);
            }
            Fact::Taken { .. } => self.taken += 1,
            Fact::Disposed { fate: Fate::Acked, ready, .. } => {
                self.acked += 1;
                self.late += u64::from(ready);
            }
            Fact::Disposed { .. } => self.gone += 1,
            Fact::Duplicate { .. } => self.duplicates += 1,
            Fact::Lost { .. } => self.lost += 1,
            Fact::Returned { .. } => self.returned += 1,
            Fact::Rejected { .. } => self.rejected += 1,
            Fact::Blocked { up, .. } => {
                self.blocked += if up { 1 } else { -1 };
                assert!(self.blocked >= 0);
            }
            Fact::Depth { up, .. } => {
                self.depth += if up { 1 } else { -1 };
                assert!(self.depth >= 0);
            }
            _ => {}
        }
    }
}

/// A queue and its consumers, drawn at random.
#[derive(Clone, Debug)]
struct Drawn {
    /// What stands in `[queues.q]`.
    queue: String,
    /// How its consumers ask for messages.
    how: String,
    /// What else stands in the entry of `consumes`.
    consumer: String,
    /// In which order its consumers look at it and at another queue, where they share their workers; else empty.
    order: String,
    error_rate: f64,
    waits: bool,
    zero_network: bool,
    /// What goes wrong.
    faults: String,
}

impl Drawn {
    fn text(&self) -> String {
        let network = if self.zero_network { "0ms" } else { "1ms" };
        let Self { how, consumer, order, .. } = self;
        let (own, others) = if order.is_empty() {
            (format!("concurrency = 2, {how}, {consumer}"), "]".to_owned())
        } else {
            let pool = format!("concurrency = 2\norder = \"{order}\"\n{}", how.replace(", ", "\n"));
            let ack = if consumer.contains("\"before\"") { "before" } else { "after" };
            let second =
                format!("{{ from = \"r\", worker_pool = \"both\", ack = \"{ack}\", work = {{ mean = \"3ms\" }} }}");
            let sends = "[queues.r]\n[clients.d]\ncalls = \"o\"\nrate = \"60/s\"\n[services.o]\nsteps = [{ send = \"r\" }]\n";
            (
                format!("worker_pool = \"both\", {consumer}"),
                format!(", {second}]\n[services.w.worker_pools.both]\n{pool}\n{sends}"),
            )
        };
        format!(
            "version = 1\n[sim]\nduration = \"2s\"\nwarmup = \"100ms\"\nreplications = 2\n\
             [network]\nsame_zone = \"{network}\"\n[defaults]\ntransport = \"free\"\n\
             [clients.c]\ncalls = \"p\"\nrate = \"300/s\"\n\
             [services.p]\nsteps = [{{ send = \"q\", wait_for_ack = {} }}]\n\
             [queues.q]\npublish_latency = \"1ms\"\n{}\n[queues.dead]\n\
             [services.w]\nreplicas = 2\nwork = {{ mean = \"8ms\" }}\nerror_rate = {:?}\n\
             consumes = [{{ from = \"q\", {own} }}{others}\n\
             [[flows]]\nname = \"done\"\nstarts = \"c\"\nends = \"w\"\n{}",
            self.waits, self.queue, self.error_rate, self.faults
        )
    }
}

fn pick(words: &'static [&'static str]) -> impl Strategy<Value = String> {
    proptest::sample::select(words).prop_map(str::to_owned)
}

/// Nothing, consumers that die, consumers that are cut off, brokers that are, and proxies by which either side talks to them.
fn faults() -> impl Strategy<Value = String> {
    pick(&[
        "",
        "[[faults]]\nkind = \"crash\"\ntarget = \"w\"\nreplicas = 1\nmtbf = \"150ms\"\nmttr = \"40ms\"\n",
        "[[faults]]\nkind = \"crash\"\ntarget = \"w\"\nmtbf = \"300ms\"\nmttr = \"100ms\"\n",
        "[[faults]]\nkind = \"outage\"\ntarget = \"w\"\nreplicas = 1\nmtbf = \"90ms\"\nmttr = \"20ms\"\n",
        "[[faults]]\nkind = \"outage\"\ntarget = \"q\"\nmtbf = \"250ms\"\nmttr = \"50ms\"\n\
         [[faults]]\nkind = \"crash\"\ntarget = \"w\"\nreplicas = 1\nmtbf = \"150ms\"\nmttr = \"40ms\"\n",
        "[mesh]\nproxy = { work = { mean = \"1ms\" } }\n\
         [[faults]]\nkind = \"outage\"\ntarget = \"sidecar:w\"\nreplicas = 1\nmtbf = \"90ms\"\nmttr = \"20ms\"\n\
         [[faults]]\nkind = \"crash\"\ntarget = \"w\"\nreplicas = 1\nmtbf = \"150ms\"\nmttr = \"40ms\"\n",
        "[mesh]\nproxy = { work = { mean = \"1ms\" }, concurrency = 1 }\n\
         [[faults]]\nkind = \"crash\"\ntarget = \"sidecar:w\"\nmtbf = \"150ms\"\nmttr = \"30ms\"\n",
    ])
}

/// Any settings at all.
fn anything() -> impl Strategy<Value = Drawn> {
    let limits = pick(&[
        "",
        "capacity = 3\nwhen_full = \"reject\"\n",
        "capacity = 3\nwhen_full = \"dead_letter\"\ndead_letter = \"dead\"\n",
        "capacity = 5\nwhen_full = \"block\"\n",
        "capacity = 4\nwhen_full = \"drop_oldest\"\n",
        "alarm = 4\n",
        "alarm = 6\ncapacity = 5\nwhen_full = \"reject\"\n",
    ]);
    let times = pick(&[
        "",
        "message_ttl = \"20ms\"\n",
        "ack_timeout = \"15ms\"\n",
        "message_ttl = \"30ms\"\nack_timeout = \"9ms\"\n",
        "visibility_timeout = \"15ms\"\n",
        "message_ttl = \"40ms\"\nvisibility_timeout = \"9ms\"\nkind = \"fifo\"\n",
    ]);
    let ends =
        pick(&["dead_letter = \"dead\"\n", "max_deliveries = 2\n", "max_deliveries = 3\ndead_letter = \"dead\"\n"]);
    let how = pick(&[
        "prefetch = 1",
        "prefetch = 7",
        "prefetch = \"unlimited\"",
        "poll = \"5ms\", batch = 3",
        "poll = { mean = \"20ms\" }",
        "poll = \"2ms\", poll_max = \"40ms\", batch = 2",
        "poll = \"5ms\", poll_wait = \"30ms\"",
        "prefetch = 7, ack_every = 3, ack_within = \"20ms\"",
        "poll = \"5ms\", batch = 3, ack_every = 5, ack_within = \"8ms\"",
    ]);
    let errors = pick(&["retry", "skip", "dead_letter", "never_ack"]);
    let ack = pick(&["after", "before"]);
    let switches = (0..3u8, any::<bool>(), any::<bool>(), orders());
    (limits, times, ends, how, errors, ack, switches, faults()).prop_map(
        |(limits, times, ends, how, errors, ack, (fails, waits, zero_network, order), faults)| Drawn {
            queue: format!(
                "{limits}{times}{}",
                if limits.contains("dead_letter = ") { ends.replace("dead_letter = \"dead\"\n", "") } else { ends }
            ),
            how,
            consumer: format!("on_error = \"{errors}\", ack = \"{ack}\""),
            order,
            error_rate: f64::from(fails) * 0.3,
            waits,
            zero_network,
            faults,
        },
    )
}

/// Consumers alone, or such as share their workers with those of another queue.
fn orders() -> impl Strategy<Value = String> {
    pick(&["", "", "turns", "strict", "weighted"])
}

/// So many messages of each client a few milliseconds apart, and then nothing: what the queues are at the very end, and how
/// many messages there were.
fn run_dry(drawn: &Drawn, n: u64) -> (Counts, u64) {
    let mut plan = plan(&drawn.text());
    plan.duration = Span::from_secs_f64(60.0);
    for client in &mut plan.clients {
        let times = (0..n).map(|i| Time((120 + 2 * i) * 1_000_000)).collect();
        client.source = Source::Replay(Replay { times });
    }
    plan.flows.clear();
    (ended(&plan, 11, Counts::default()).probe, n * plan.clients.len() as u64)
}

#[test]
fn messages_are_conserved_whatever_the_settings() {
    always(96, &anything(), |drawn| {
        let summary = run(&drawn.text());
        assert!(summary.conservation.holds);
        let (queue, dead) = (&summary.queues["q"], &summary.queues["dead"]);
        // A queue that blocks for consumers that never acknowledge takes little.
        assert!(queue.published + queue.rejected + queue.lost > 4, "{drawn:?}");
        conserved(queue, &drawn.text());
        conserved(dead, &drawn.text());
        summary.queues.get("r").into_iter().for_each(|other| conserved(other, &drawn.text()));
        assert!(queue.delivered >= queue.acked);
        let flow = &summary.flows["done"];
        let failed: u64 = flow.failed.values().sum();
        assert_eq!(flow.arrived, flow.succeeded + failed, "{}", drawn.text());
        assert_eq!(queue.unanswered > 0, queue.oldest_unanswered_s.is_some());
    });
}

#[test]
fn acknowledged_before_it_is_handled_nothing_is_done_twice() {
    let before =
        anything().prop_map(|drawn| Drawn { consumer: drawn.consumer.replace("\"after\"", "\"before\""), ..drawn });
    // SQS shows a message again when the word that deletes it finds nobody; RabbitMQ has the word when it comes back.
    let before = before.prop_map(|drawn| {
        let queue = drawn.queue.replace("visibility_timeout", "ack_timeout").replace("kind = \"fifo\"\n", "");
        Drawn { queue, ..drawn }
    });
    always(48, &before, |drawn| {
        let (counts, _) = run_dry(&drawn, 150);
        assert_eq!(counts.duplicates, 0, "{}", drawn.text());
        assert!(counts.acked <= counts.taken, "{}", drawn.text());
    });
}

#[test]
fn acknowledged_after_it_is_handled_nothing_is_lost() {
    let how = pick(&[
        "prefetch = 1",
        "prefetch = 7",
        "prefetch = \"unlimited\"",
        "poll = \"5ms\", batch = 3",
        "poll = \"5ms\", poll_wait = \"30ms\", poll_max = \"1s\"",
        "prefetch = 7, ack_every = 3, ack_within = \"20ms\"",
    ]);
    let slow = pick(&[
        "",
        "ack_timeout = \"15ms\"\n",
        "ack_timeout = \"300ms\"\npriorities = true\n",
        "visibility_timeout = \"15ms\"\n",
        "visibility_timeout = \"300ms\"\npriorities = true\n",
        "visibility_timeout = \"300ms\"\nkind = \"fifo\"\n",
    ]);
    let all = (how, slow, 0..3u8, any::<bool>(), faults(), orders());
    always(96, &all, |(how, queue, fails, zero_network, faults, order)| {
        let (consumer, error_rate) = ("on_error = \"retry\"".to_owned(), f64::from(fails) * 0.3);
        let drawn = Drawn { queue, how, consumer, order, error_rate, waits: false, zero_network, faults };
        let (counts, all) = run_dry(&drawn, 150);
        assert_eq!(counts.published + counts.lost, all, "{}", drawn.text());
        // Nothing is given up; what is not acknowledged is still there.
        let unacked = counts.delivered + counts.late - counts.returned - counts.acked;
        assert_eq!(counts.published, counts.acked + counts.depth as u64 + unacked, "{}", drawn.text());
        assert_eq!(counts.gone, 0);
        // A consumer that holds more than it can handle in time may go round for ever with what was taken from it.
        let holds = drawn.how.contains("prefetch = 7") || drawn.how.contains("unlimited");
        if !holds || !drawn.queue.contains("_timeout") {
            assert_eq!(counts.acked, counts.published, "{}", drawn.text());
        }
        // Each delivery is handled by one consumer, and with neither timeout nor fault one after the other.
        assert!(counts.taken <= counts.delivered);
        if !drawn.queue.contains("_timeout") && drawn.faults.is_empty() {
            assert_eq!(counts.duplicates, 0, "{}", drawn.text());
            assert_eq!(counts.delivered, counts.published + counts.again);
        }
    });
}

/// What goes wrong with senders: they die, stand still, or their broker goes, each while some of them wait for room.
fn hardships() -> impl Strategy<Value = String> {
    pick(&[
        "",
        "[[faults]]\nkind = \"outage\"\ntarget = \"q\"\nmtbf = \"90ms\"\nmttr = \"20ms\"\n",
        "[[faults]]\nkind = \"crash\"\ntarget = \"p\"\nmtbf = \"70ms\"\nmttr = \"20ms\"\n",
        "[[faults]]\nkind = \"freeze\"\ntarget = \"p\"\nmtbf = \"70ms\"\nmttr = \"20ms\"\n",
        "[[faults]]\nkind = \"freeze\"\ntarget = \"w\"\nmtbf = \"70ms\"\nmttr = \"20ms\"\n\
         [[faults]]\nkind = \"crash\"\ntarget = \"p\"\nmtbf = \"90ms\"\nmttr = \"20ms\"\n",
        "[[faults]]\nkind = \"outage\"\ntarget = \"q\"\nmtbf = \"150ms\"\nmttr = \"50ms\"\n\
         [[faults]]\nkind = \"freeze\"\ntarget = \"p\"\nmtbf = \"90ms\"\nmttr = \"20ms\"\n",
    ])
}

#[test]
fn a_queue_that_blocks_counts_every_message_once() {
    let how = pick(&["prefetch = 1", "prefetch = 7", "poll = \"5ms\", batch = 3"]);
    let room = pick(&[
        "capacity = 1\n",
        "capacity = 4\n",
        "capacity = 4\nalarm = 3\n",
        "capacity = 4\nack_timeout = \"15ms\"\n",
    ]);
    let ways = pick(&[
        "",
        ", timeout = \"30ms\"",
        ", timeout = \"30ms\", cancels = \"queued\"",
        ", timeout = \"30ms\", cancels = \"at_once\"",
    ]);
    always(64, &(how, room, hardships(), any::<bool>(), any::<bool>(), ways), |(how, room, faults, waits, io, way)| {
        let queue = format!("{room}when_full = \"block\"\n");
        let (consumer, order) = ("on_error = \"retry\"".to_owned(), String::new());
        let drawn = Drawn { queue, how, consumer, order, error_rate: 0.1, waits, zero_network: false, faults };
        let io = if io { "async" } else { "blocking" };
        let text = drawn.text().replace("[services.p]\n", &format!("[services.p]\nio = \"{io}\"\nconcurrency = 20\n"));
        let text = text.replace("calls = \"p\"\n", "calls = [{ to = \"g\" }]\n");
        let text = format!("{text}[services.g]\nconcurrency = 1000\nsteps = [{{ call = \"p\"{way} }}]\n");
        let mut plan = plan(&text);
        plan.duration = Span::from_secs_f64(60.0);
        let times = (0..150).map(|i| Time((120 + 2 * i) * 1_000_000)).collect();
        plan.clients[0].source = Source::Replay(Replay { times });
        plan.flows.clear();
        let counts = ended(&plan, 11, Counts::default()).probe;
        assert_eq!((counts.blocked, counts.rejected, counts.gone), (0, 0, 0), "somebody waits for ever\n{text}");
        assert!(counts.published + counts.lost <= 150, "{text}");
        let calm = !drawn.faults.contains("target = \"p\"") && way.is_empty();
        if calm {
            assert_eq!(counts.published + counts.lost, 150, "{text}");
        }
        if !drawn.queue.contains("ack_timeout") || drawn.how.contains("prefetch = 1") {
            assert_eq!(counts.acked, counts.published, "{text}");
        }
    });
}

/// A scenario whose every time is constant: one message each 10 ms from a publisher to one consumer.
fn steady(queue: &str, consumer: &str, service: &str, more: &str) -> String {
    format!(
        "version = 1\n[sim]\nduration = \"1s\"\nwarmup = \"0s\"\nreplications = 1\n[network]\nsame_zone = \"1ms\"\n\
         [defaults]\ntransport = \"free\"\n[clients.c]\ncalls = \"p\"\narrivals = \"constant\"\nrate = \"100/s\"\n\
         [services.p]\nsteps = [{{ send = \"q\" }}]\n[queues.q]\n{queue}\n\
         [services.w]\n{service}\nconsumes = [{{ from = \"q\", {consumer} }}]\n\
         [[flows]]\nname = \"done\"\nstarts = \"c\"\nends = \"w\"\n{more}"
    )
}

fn mean(summary: &Summary, flow: &str) -> f64 {
    summary.flows[flow].latency_ms.mean.value.unwrap()
}

#[test]
fn a_message_takes_three_hops_and_the_broker() {
    let text = steady("publish_latency = \"3ms\"", "prefetch = 1", "work = \"2ms\"", "");
    let summary = run(&text);
    // client → publisher, publisher → broker, broker → consumer, each 1 ms; 3 ms until safe; 2 ms of work.
    assert!((mean(&summary, "done") - 8.0).abs() < 1e-6);
    assert!((summary.clients["c"].latency_ms.mean.value.unwrap() - 2.0).abs() < 1e-6);
    assert!((summary.queues["q"].wait_ms.mean.value.unwrap() - 1.0).abs() < 1e-6);
    let waiting = run(&text.replace("{ send = \"q\" }", "{ send = \"q\", wait_for_ack = true }"));
    // And for who waits: one hop there, 3 ms, one hop back.
    assert!((waiting.clients["c"].latency_ms.mean.value.unwrap() - 7.0).abs() < 1e-6);
    let parts = &waiting.ledger["c"].by_node["q"].mean_ms;
    assert_eq!(parts.of(hoptax::model::Cause::Broker).round(), 3.0);
    assert_eq!(parts.of(hoptax::model::Cause::Network).round(), 2.0);
    let confirmed = run(&text.replace("publish_latency", "confirms = true\npublish_latency"));
    assert!((confirmed.clients["c"].latency_ms.mean.value.unwrap() - 7.0).abs() < 1e-6);
}

#[test]
fn prefetch_bounds_what_a_consumer_has() {
    let slow = |prefetch: &str| run(&steady("", &format!("prefetch = {prefetch}"), "work = \"40ms\"", ""));
    let (one, many) = (slow("1"), slow("\"unlimited\""));
    // 100 come, 25 a second go; with one at a time the backlog is in the queue, otherwise with the consumer.
    assert!(one.queues["q"].max_depth > 60 && one.queues["q"].mean_unacked.value.unwrap() <= 1.0);
    assert!(many.queues["q"].max_depth <= 1 && many.queues["q"].mean_unacked.value.unwrap() > 30.0);
    // A consumer that never acknowledges stalls when its prefetch is full.
    let stalled = run(&steady("", "prefetch = 10, on_error = \"never_ack\"", "work = \"1ms\"\nerror_rate = 1.0", ""));
    let queue = &stalled.queues["q"];
    assert_eq!((queue.delivered, queue.acked, queue.unacked_at_end), (10, 0, 10));
    assert_eq!(queue.ready_at_end, queue.published - 10);
}

#[test]
fn a_slow_consumer_makes_duplicates_unless_it_is_idempotent() {
    let slow = |idempotent: bool| {
        let consumer = format!("prefetch = 1, concurrency = 20, idempotent = {idempotent}");
        run(&steady("ack_timeout = \"20ms\"\nmax_deliveries = 2", &consumer, "work = \"30ms\"", ""))
    };
    let twice = slow(false);
    assert!(twice.queues["q"].redelivered > 80, "{:?}", twice.queues["q"]);
    assert!(twice.clients["c"].duplicate_effects > 80);
    assert_eq!(slow(true).clients["c"].duplicate_effects, 0);
    let patient = run(&steady("ack_timeout = \"40ms\"", "prefetch = 1, concurrency = 20", "work = \"30ms\"", ""));
    assert_eq!((patient.queues["q"].redelivered, patient.clients["c"].duplicate_effects), (0, 0));
}

#[test]
fn poison_goes_to_the_dead_letters_after_so_many_deliveries() {
    let text = steady(
        "max_deliveries = 3\ndead_letter = \"dead\"",
        "prefetch = 1",
        "work = \"1ms\"\nerror_rate = 1.0",
        "[queues.dead]\n",
    );
    let summary = run(&text);
    let (queue, dead) = (&summary.queues["q"], &summary.queues["dead"]);
    assert_eq!((queue.dead_lettered, queue.acked), (queue.published, 0), "{queue:?}");
    assert_eq!(queue.delivered, 3 * queue.published);
    assert_eq!(dead.ready_at_end, dead.published);
    let flow = &summary.flows["done"];
    assert_eq!((flow.succeeded, flow.failed["error"]), (0, flow.arrived));
}

#[test]
fn a_poison_message_fails_every_delivery_and_no_other_does() {
    let fault = |when: &str| format!("[[faults]]\nkind = \"poison_message\"\ntarget = \"q\"\n{when}\n[queues.dead]\n");
    let queue = "max_deliveries = 3\ndead_letter = \"dead\"";
    let once = run(&steady(queue, "prefetch = 1", "work = \"1ms\"", &fault("at = \"505ms\"")));
    let runs = u64::from(once.run.replications);
    assert_eq!((once.queues["q"].dead_lettered, once.queues["dead"].published), (runs, runs));
    assert_eq!(once.queues["q"].redelivered, 2 * runs);
    let often = run(&steady(queue, "prefetch = 1", "work = \"1ms\"", &fault("mtbf = { value = \"100ms\" }")));
    assert!(often.queues["q"].dead_lettered >= 5 * runs, "{:?}", often.queues["q"]);
    assert_eq!(often.queues["q"].redelivered, 2 * often.queues["q"].dead_lettered);
}

#[test]
fn a_full_queue_rejects_blocks_or_drops() {
    let full = |what: &str| {
        let queue = format!("capacity = 5\nwhen_full = \"{what}\"\nconfirms = true");
        run(&steady(&queue, "prefetch = 1", "work = \"50ms\"", ""))
    };
    let (rejects, blocks, drops) = (full("reject"), full("block"), full("drop_oldest"));
    assert_eq!(rejects.clients["c"].failed["error"], rejects.queues["q"].rejected);
    assert!(rejects.queues["q"].rejected > 60 && rejects.queues["q"].max_depth == 5);
    assert!(drops.queues["q"].dropped > 60 && drops.clients["c"].failed.is_empty());
    assert!(drops.queues["q"].dropped == drops.flows["done"].failed["error"]);
    // Whoever is blocked waits as long as the consumer takes.
    assert!(blocks.clients["c"].latency_ms.max.unwrap() > 500.0 && blocks.queues["q"].rejected == 0);
    assert_eq!(blocks.queues["q"].dropped, 0);
}

#[test]
fn old_messages_expire_and_urgent_ones_overtake() {
    let old = run(&steady("message_ttl = \"100ms\"", "prefetch = 1", "work = \"40ms\"", ""));
    let queue = &old.queues["q"];
    assert!(queue.expired > 50 && queue.wait_ms.max.unwrap() <= 101.1, "{queue:?}");
    // The last message may come to the queue when the measured time is over.
    assert!(old.flows["done"].failed["error"].abs_diff(queue.expired) <= 1);
    let two = |priorities: bool| {
        let more = "[clients.urgent]\ncalls = \"p\"\narrivals = \"constant\"\nrate = \"10/s\"\npriority = 0\n\
                    [[flows]]\nname = \"urgent\"\nstarts = \"urgent\"\nends = \"q\"\n";
        let text = steady(&format!("priorities = {priorities}"), "prefetch = 1", "work = \"20ms\"", more);
        run(&text.replace(
            "calls = \"p\"\narrivals = \"constant\"\nrate = \"100/s\"",
            "calls = \"p\"\nrate = \"60/s\"\npriority = 5",
        ))
    };
    assert!(mean(&two(true), "urgent") < 60.0 && mean(&two(false), "urgent") > 150.0);
}

#[test]
fn a_queue_keeps_what_its_consumer_misses() {
    let down = "[[faults]]\nkind = \"outage\"\ntarget = \"w\"\nat = \"200ms\"\nduration = \"300ms\"\n";
    let summary = run(&steady("", "prefetch = 1", "work = \"2ms\"", down));
    let queue = &summary.queues["q"];
    assert!((29..=31).contains(&queue.max_depth), "{queue:?}");
    assert_eq!((queue.acked, queue.lost), (queue.published, 0));
    assert!(summary.clients["c"].failed.is_empty() && summary.flows["done"].failed.is_empty());
    let max = summary.flows["done"].latency_ms.max.unwrap();
    assert!((295.0..=306.0).contains(&max), "{max}");
    // A broker that is down is another matter: who waits for it is told, who does not loses the message.
    let broker = down.replace("\"w\"", "\"q\"");
    let (trusting, waiting) = (
        run(&steady("", "prefetch = 1", "work = \"2ms\"", &broker)),
        run(&steady("confirms = true", "prefetch = 1", "work = \"2ms\"", &broker)),
    );
    assert!(trusting.clients["c"].failed.is_empty());
    assert_eq!(trusting.flows["done"].failed["error"], trusting.queues["q"].lost);
    assert!((29..=31).contains(&waiting.queues["q"].lost));
    assert_eq!(waiting.clients["c"].failed["error"], waiting.queues["q"].lost);
}

#[test]
fn a_flow_ends_with_the_last_of_its_ends() {
    let more = "[queues.r]\n[services.v]\nwork = \"30ms\"\nconsumes = [{ from = \"r\", concurrency = 10 }]\n\
                [[flows]]\nname = \"both\"\nstarts = \"c\"\nends = [\"w\", \"v\"]\n\
                [[flows]]\nname = \"served\"\nstarts = \"c\"\nends = \"p\"\n";
    let text = steady("", "prefetch = 1", "work = \"2ms\"", more);
    let summary = run(&text.replace("{ send = \"q\" }", "{ send = \"q\" }, { send = \"r\" }"));
    assert!((mean(&summary, "done") - 5.0).abs() < 1e-6);
    assert!((mean(&summary, "both") - 33.0).abs() < 1e-6);
    assert!((mean(&summary, "served") - 1.0).abs() < 1e-6);
}

#[test]
fn a_message_draws_what_the_call_in_its_place_would_draw() {
    let call = "version = 1\n[sim]\nduration = \"20s\"\nwarmup = \"0s\"\nreplications = 1\n[network]\nsame_zone = \"1ms\"\n\
                [defaults]\ntransport = \"free\"\n[clients.c]\ncalls = \"p\"\nrate = \"20/s\"\n\
                [services.p]\nsteps = [{ call = \"w\" }]\n[services.w]\nconcurrency = 1000\nwork = { mean = \"5ms\" }\n\
                [[flows]]\nname = \"done\"\nstarts = \"c\"\nends = \"w\"\n";
    let send = call
        .replace("{ call = \"w\" }", "{ send = \"q\" }")
        .replace("concurrency = 1000\n", "consumes = [{ from = \"q\", concurrency = 1000 }]\n")
        + "[queues.q]\n";
    let (call, send) = (run(call), run(&send));
    // The same requests, the same work: only the hop to the broker is more.
    assert_eq!(call.flows["done"].arrived, send.flows["done"].arrived);
    assert!((mean(&send, "done") - mean(&call, "done") - 1.0).abs() < 1e-6);
    let busy = |summary: &Summary| summary.nodes["w"].mean_busy.value.unwrap();
    assert!((busy(&send) / busy(&call) - 1.0).abs() < 0.005, "{} and {}", busy(&send), busy(&call));
}

#[test]
fn what_is_printed_about_messages_loads_to_the_same() {
    let text = steady(
        "capacity = 7\nwhen_full = \"dead_letter\"\nkind = \"fifo\"\nvisibility_timeout = \"30s\"\nmax_deliveries = 5\ndead_letter = \"dead\"\n\
         message_ttl = \"1h\"\npriorities = true\nconfirms = true\nzone = \"eu/a\"\npublish_latency = { p50 = \"1ms\", p99 = \"9ms\" }",
        "concurrency = 3, prefetch = \"unlimited\", ack = \"before\", on_error = \"skip\", idempotent = true, work = \"1ms\", \
         steps = [{ publish = \"dead\", wait_for_ack = false }, { send = \"dead\", times = 2 }]",
        "work = \"2ms\"",
        "[queues.dead]\n[services.x]\nwork = \"3ms\"\nconsumes = [{ from = \"dead\", poll = { mean = \"5ms\" }, batch = 10, error_rate = 0.25 }]\n\
         [[flows]]\nname = \"all\"\nstarts = \"c\"\nends = [\"x\", \"dead\"]\n",
    );
    let first = checked(&text);
    let printed = hoptax::scenario::canonical(first.scenario());
    let second = checked(&printed);
    assert_eq!(first.hash(), second.hash(), "{printed}");
    assert_eq!(first.scenario().nodes["x"].consumes[0].program.error_rate.value, 0.25);
    assert_eq!(second.scenario().nodes["w"].consumes[0].program.steps.len(), 2);
}

//! Workers that several queues share: the formulas of one line for all, an independent model where there is none, and what a
//! worker of several queues may not do.

use hoptax::experiment::summary::Summary;
use hoptax::scenario::{Source, forecast, load};

use crate::bench::{checked, run};

/// Two clients, each by way of a queue of its own, and a pool that takes from both; nothing takes time that is not written here.
fn two(rates: [u32; 2], pool: &str, entries: [&str; 2]) -> String {
    let mut text = "version = 1\n[sim]\nduration = \"400s\"\nwarmup = \"20s\"\nreplications = 8\nseed = 3\n\
                    [network]\nsame_zone = \"0ms\"\n[defaults]\ntransport = \"free\"\n"
        .to_owned();
    for (queue, rate) in ["a", "b"].iter().zip(rates) {
        text += &format!(
            "[clients.c{queue}]\ncalls = \"p{queue}\"\nrate = \"{rate}/s\"\n\
             [services.p{queue}]\nconcurrency = \"unlimited\"\nsteps = [{{ send = \"{queue}\" }}]\n[queues.{queue}]\n"
        );
    }
    text + &format!(
        "[services.w]\nconsumes = [{{ from = \"a\", worker_pool = \"jobs\", {} }}, {{ from = \"b\", worker_pool = \"jobs\", {} }}]\n\
         [services.w.worker_pools.jobs]\n{pool}\n",
        entries[0], entries[1]
    )
}

/// Mean waits of both queues at these rates, ms, each with its interval: by Little's law, from how many wait, those that have not yet
/// got through included.
fn waits(summary: &Summary, rates: [u32; 2]) -> [[f64; 3]; 2] {
    [("a", rates[0]), ("b", rates[1])].map(|(queue, rate)| {
        let depth = summary.queues[queue].mean_depth;
        [depth.low, depth.value, depth.high].map(|depth| depth.unwrap() / f64::from(rate) * 1e3)
    })
}

#[track_caller]
fn holds([low, value, high]: [f64; 3], exact: f64) {
    assert!(low <= exact && exact <= high, "{value} in {low}..{high}, and {exact} is right");
    assert!(high - low < 0.2 * exact, "too wide to say anything: {low}..{high}");
}

/// Erlang C: the probability of a wait with so many workers and so much load.
fn erlang_c(workers: u32, load: f64) -> f64 {
    let term = |k: u32| load.powf(f64::from(k)) / (1..=k).map(f64::from).product::<f64>();
    let full = term(workers) * f64::from(workers) / (f64::from(workers) - load);
    full / ((0..workers).map(term).sum::<f64>() + full)
}

const TEN: &str = "work = { mean = \"10ms\" }";

/// M/M/c of the summed rate: whoever is served first, the mean over all messages is that of one line, and half the wait of
/// two lines with half of the workers each. Without turns the queues would be alike only in a line for both.
#[test]
fn a_pool_is_one_line_for_all_its_queues() {
    let (load, workers) = (1.6, 2);
    let exact = 1e3 * erlang_c(workers, load) / (f64::from(workers) / 0.01 - 160.0);
    for order in ["turns", "strict", "weighted"] {
        let pool = format!("concurrency = 2\nprefetch = 1\norder = \"{order}\"");
        let summary = run(&two([60, 100], &pool, [TEN, TEN]));
        let [a, b] = waits(&summary, [60, 100]);
        holds([0, 1, 2].map(|at| (60.0 * a[at] + 100.0 * b[at]) / 160.0), exact);
        assert!((summary.nodes["w"].utilization.value.unwrap() - 0.8).abs() < 0.01, "{:?}", summary.nodes["w"]);
    }
}

/// Non-preemptive priority: Cobham 1954 with one worker and works that differ; with several and one exponential law for all, Kella
/// and Yechiali 1985.
#[test]
fn a_strict_order_is_a_priority_without_preemption() {
    let strict = |workers: u32| format!("concurrency = {workers}\nprefetch = 1\norder = \"strict\"");
    let one = run(&slow_two(&strict(1)));
    // What is left of the message in hand, ms: Σ λ E[S²] / 2, and E[S²] is twice the square of the mean.
    let rest = (20.0 * 1e-4 + 30.0 * 4e-4) * 1e3;
    let [a, b] = waits(&one, [20, 30]);
    holds(a, rest / 0.8);
    holds(b, rest / (0.8 * 0.2));
    let two = run(&two([60, 100], &strict(2), [TEN, TEN]));
    let [a, b] = waits(&two, [60, 100]);
    let rest = 1e3 * erlang_c(2, 1.6) / 200.0;
    holds(a, rest / 0.7);
    holds(b, rest / (0.7 * 0.2));
}

/// No formula: the means of an independent model of 3.2 million messages (Python; the worker's bag of queues is shuffled, as Sidekiq
/// does it), each within 1.5 %.
#[test]
fn turns_and_weights_are_those_of_another_model() {
    let pool = |order: &str| format!("concurrency = 2\nprefetch = 1\norder = \"{order}\"");
    for (order, entry, exact) in [("turns", "", [10.73, 21.66]), ("weighted", ", weight = 3", [7.35, 23.95])] {
        let summary = run(&two([60, 100], &pool(order), [&format!("{TEN}{entry}"), TEN]));
        let [a, b] = waits(&summary, [60, 100]);
        holds(a, exact[0]);
        holds(b, exact[1]);
    }
}

/// Two queues and one worker, whose messages are of two kinds; long enough for 80 % of use.
fn slow_two(pool: &str) -> String {
    two([20, 30], pool, [TEN, "work = { mean = \"20ms\" }"]).replace("400s", "3000s")
}

/// One who asks, and waits at all its queues, finds what one who is pushed to is given: the same messages at the same time.
#[test]
fn a_worker_that_polls_asks_all_its_queues() {
    let [asks, given] = ["poll = \"1ms\"\npoll_wait = \"2s\"", "prefetch = 1"]
        .map(|how| waits(&run(&slow_two(&format!("concurrency = 1\norder = \"strict\"\n{how}"))), [20, 30]));
    assert_eq!(asks, given);
}

/// A batch is of one queue, and a worker has one message in hand, from whichever.
#[test]
fn one_worker_handles_one_message_at_a_time() {
    for how in ["prefetch = 1", "prefetch = 20", "poll = \"1ms\"\nbatch = 5", "poll = \"1ms\"\npoll_wait = \"1s\""] {
        let summary = run(&two([200, 200], &format!("concurrency = 3\n{how}"), [TEN, TEN]));
        let (node, queues) = (&summary.nodes["w"], ["a", "b"].map(|queue| &summary.queues[queue]));
        let acked: u64 = queues.iter().map(|queue| queue.acked).sum();
        // 400 come a second, three workers do 300.
        let done = acked as f64 / 8.0 / 400.0;
        assert!((done - 300.0).abs() < 6.0, "{how}: {done}");
        assert!(node.utilization.value.unwrap() > 0.98 && node.utilization.value.unwrap() <= 1.0 + 1e-9, "{how}");
        for queue in queues {
            let ends = queue.acked + queue.dead_lettered + queue.dropped + queue.expired;
            assert_eq!(queue.published, ends + queue.ready_at_end + queue.unacked_at_end, "{how}");
            assert!((queue.acked as f64 / acked as f64 - 0.5).abs() < 0.02, "{how}: by turns each has half");
        }
    }
}

/// One queue of slow messages keeps the workers of a pool from the other; with workers of their own the other waits for nobody.
#[test]
fn slow_messages_of_one_queue_hold_up_the_other() {
    let slow = "work = \"900ms\"";
    let pooled = two([2, 20], "concurrency = 2\nprefetch = 1", [slow, "work = \"1ms\""]);
    let apart = pooled.replace("worker_pool = \"jobs\"", "prefetch = 1");
    let [_, held] = waits(&run(&pooled), [2, 20]);
    let [_, free] = waits(&run(&apart), [2, 20]);
    assert!(held[0] > 50.0 && free[2] < 0.1, "{held:?} {free:?}");
}

/// What is asked counts over all queues of a pool, and the forecast says so: how busy they all are together.
#[test]
fn the_forecast_is_of_the_whole_pool() {
    let text = two([60, 120], "concurrency = 2", [TEN, TEN]);
    let forecast = forecast(checked(&text).scenario());
    let [a, b] = &forecast.consumers[..] else { panic!("{:?}", forecast.consumers) };
    assert!((a.utilization - 0.9).abs() < 1e-9 && a.utilization == b.utilization, "{a:?} {b:?}");
    assert_eq!((a.members, b.members, a.pool.as_deref()), (2, 2, Some("jobs")));
    let node = &forecast.nodes.iter().find(|node| node.name == "w").unwrap();
    assert!((node.workers.unwrap() - 2.0).abs() < 1e-9 && (node.utilization - 0.9).abs() < 1e-9, "{node:?}");
    let over = checked(&text.replace("120/s", "190/s"));
    let behind = over.warnings().iter().filter(|c| c.message.contains("the 2 workers of `jobs`")).count();
    assert_eq!(behind, 1, "{:?}", over.warnings());
}

/// What cannot be, with a place and a way out; all at once.
#[test]
fn what_a_pool_cannot_be_is_said() {
    let refused = |text: &str| match load(&Source::text("pool.toml", text), &[]) {
        Ok(_) => panic!("{text}"),
        Err(rejected) => rejected.complaints,
    };
    let text = two([1, 1], "concurrency = 2\npoll = \"0s\"", ["concurrency = 3", "weight = 0"]);
    let text = text.replace("from = \"b\", worker_pool = \"jobs\"", "from = \"b\", worker_pool = \"job\"");
    let all = refused(&text);
    let says = |what: &str| all.iter().any(|c| c.message.contains(what) && c.place.is_some());
    assert!(says("`concurrency` belongs to the pool `jobs`"), "{all:?}");
    assert!(says("`w` has no worker pool `job`") && says("`weight` is zero") && says("`poll` is zero"), "{all:?}");
    let stream = two([1, 1], "concurrency = 2", ["group = \"g\"", "batch = 2"]).replace("[queues.a]", "[topics.a]");
    let all = refused(&stream);
    assert!(all.iter().any(|c| c.message.contains("`a` is a topic")), "{all:?}");
    assert!(all.iter().any(|c| c.message.contains("`batch` belongs to the pool")), "{all:?}");
    let twice = two([1, 1], "concurrency = 2", ["", ""]).replace("from = \"b\"", "from = \"a\"");
    assert!(refused(&twice).iter().any(|c| c.message.contains("takes from `a` twice")));
}

/// What a worker has of another queue lies before a message, too; and what is acknowledged beforehand is kept by nobody.
#[test]
fn what_lies_beside_a_worker_is_of_all_its_queues() {
    let said = |pool: &str, entries: [&str; 2]| {
        let text = two([1, 1], pool, entries).replace("[queues.a]", "[queues.a]\nack_timeout = \"300ms\"");
        let found = load(&Source::text("pool", &text), &[]).unwrap();
        found.warnings().iter().map(|warning| warning.message.clone()).collect::<Vec<_>>().join("; ")
    };
    let works = ["work = \"20ms\"", "work = \"100ms\""];
    assert!(said("concurrency = 3\nprefetch = 10", works).contains("delivered twice"));
    assert!(!said("concurrency = 3\nprefetch = 1", works).contains("delivered twice"));
    let before = works.map(|work| format!("{work}, ack = \"before\""));
    let before = [before[0].as_str(), before[1].as_str()];
    let pool = "concurrency = 3\nprefetch = 1\nack_every = 1";
    assert_eq!(said(pool, before).matches("`ack_every` means nothing").count(), 1, "{}", said(pool, before));
    assert!(!said(pool, [before[0], works[1]]).contains("`ack_every` means nothing"));
}

//! What holds in every scenario. Scenarios are drawn at random and run to their last event; the times in them are mostly
//! whole milliseconds, so that much happens at the same instant.
//!
//! `HOPTAX_LAWS=5000 cargo test --release laws` draws more of them.

mod audit;
pub(crate) mod guarded;
mod locks;
mod moving;
pub(crate) mod scenario;
mod wired;

use std::cell::Cell;

use hoptax::experiment::compare::compare;
use hoptax::experiment::summary::{Distribution, Estimate, Node, Stats, Summary};
use hoptax::machine::Stop;
use hoptax::model::source::{Replay, Source};
use hoptax::model::{ClientId, Fact, Outcome, Plan, Probe};
use hoptax::units::{Span, Time};
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::bench::{ended, plan, run};
use crate::ledger::Sums;
use audit::Audit;
use scenario::Text;

/// Draws scenarios, the same ones every time, and holds each against a law.
pub(crate) fn always<S: Strategy>(cases: u32, of: &S, law: impl Fn(S::Value)) {
    let more = std::env::var("HOPTAX_LAWS").ok().and_then(|n| n.parse().ok());
    let config = Config { cases: more.unwrap_or(cases), failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let held = runner.run(of, |drawn| {
        law(drawn);
        Ok(())
    });
    held.unwrap_or_else(|broken| panic!("{broken}"));
}

/// The plan of a scenario whose clients send at these times (ms) and never again.
pub(crate) fn finite(text: &str, sendings: &[Vec<u64>]) -> Plan {
    let mut plan = plan(text);
    plan.warmup = Span(20_000_000);
    plan.duration = Span::from_secs_f64(100_000.0);
    for (client, sending) in plan.clients.iter_mut().zip(sendings) {
        let mut times: Vec<Time> = sending.iter().map(|ms| Time(ms * 1_000_000)).collect();
        times.sort_unstable();
        client.source = Source::Replay(Replay { times });
    }
    plan
}

#[test]
fn whatever_comes_goes() {
    let all = (scenario::scenario(), scenario::sendings());
    let (refused, late, wasted, abandoned) = (Cell::new(0), Cell::new(0), Cell::new(0), Cell::new(0));
    let add = |to: &Cell<u64>, n: u64| to.set(to.get() + n);
    always(256, &all, |(Text(text), sendings)| {
        let plan = finite(&text, &sendings);
        let finished = ended(&plan, 7, Audit::new(&plan));
        assert_eq!(finished.stop, Stop::Ended);
        assert!(finished.at_rest, "something is left:\n{text}");
        let sent: u64 = sendings.iter().take(plan.clients.len()).map(|s| s.len() as u64).sum();
        let audit = finished.probe;
        audit.close();
        assert_eq!(audit.answered, sent);
        add(&refused, audit.refused());
        add(&late, audit.late);
        add(&wasted, audit.wasted);
        add(&abandoned, audit.abandoned());
    });
    for (what, n) in [("refused", refused), ("late", late), ("wasted", wasted), ("abandoned", abandoned)] {
        assert!(n.get() > 200, "only {} {what}: the scenarios show too little", n.get());
    }
}

/// A scenario with these faults, as far as their nodes are there.
pub(crate) fn with_faults(text: &str, faults: &[(&str, usize, String)]) -> String {
    let there = |node: &usize| text.contains(&format!(".n{node}]"));
    let faults = faults.iter().enumerate().filter(|(_, (_, node, _))| there(node));
    let tables = faults.map(|(nth, (kind, node, rest))| {
        // Messages do no work and have no replicas.
        let messages = kind.starts_with("latency");
        let rest = if messages { rest.replace("\nreplicas = 1", "").replace("true", "false") } else { rest.clone() };
        format!("[[faults]]\nname = \"f{nth}\"\nkind = \"{kind}\ntarget = \"n{node}\"\n{rest}\n")
    });
    format!("{text}{}", tables.collect::<String>())
}

/// A scenario runs to its last event, nothing is left, and every request is answered; over connections it is only run.
/// Says how many faults struck.
fn goes(text: &str, sendings: &[Vec<u64>], wired: bool) -> u64 {
    // Handshakes work without a worker, which the audit does not know.
    let text = &if wired { text.replacen("\"free\"", "\"rest\"", 1) } else { text.to_owned() };
    let mut plan = finite(text, sendings);
    plan.duration = Span::from_secs_f64(100.0);
    if wired {
        let finished = ended(&plan, 7, ());
        assert!(finished.stop == Stop::Ended && finished.at_rest, "{:?}:\n{text}", finished.stop);
        return 0;
    }
    let finished = ended(&plan, 7, Audit::new(&plan));
    assert!(finished.stop == Stop::Ended && finished.at_rest, "{:?}, something is left:\n{text}", finished.stop);
    let audit = finished.probe;
    audit.close();
    let sent: u64 = sendings.iter().take(plan.clients.len()).map(|s| s.len() as u64).sum();
    assert_eq!(audit.answered, sent);
    audit.strikes
}

#[test]
fn whatever_comes_goes_though_everything_fails() {
    let all = (scenario::scenario(), scenario::sendings(), scenario::faults(), proptest::bool::ANY);
    let struck = Cell::new(0);
    always(256, &all, |(Text(text), sendings, faults, wired)| {
        let text = with_faults(&text, &faults);
        struck.set(struck.get() + goes(&text, &sendings, wired));
    });
    assert!(struck.get() > 200, "only {} faults: the scenarios show too little", struck.get());
}

#[test]
fn whatever_comes_goes_whoever_guards_it_and_whatever_fails() {
    let all = (scenario::scenario(), scenario::sendings(), guarded::layer());
    let (struck, again, limited) = (Cell::new(0), Cell::new(0), Cell::new(0));
    always(192, &all, |(Text(text), sendings, layer)| {
        let text = layer.over(&text, true);
        let mut plan = finite(&text, &sendings);
        plan.duration = Span::from_secs_f64(100.0);
        let sent: u64 = sendings.iter().take(plan.clients.len()).map(|s| s.len() as u64).sum();
        let probe = (Audit::new(&plan), (Guards::default(), Sums::default()));
        let finished = ended(&plan, 7, probe);
        assert!(finished.stop == Stop::Ended && finished.at_rest, "{:?}, something is left:\n{text}", finished.stop);
        let (audit, (guards, sums)) = finished.probe;
        audit.close();
        assert_eq!(sums.requests, sent, "{text}");
        assert!(sums.wrong.is_none(), "{:?}\n{text}", sums.wrong);
        assert_eq!(guards.published, guards.disposed, "messages are conserved\n{text}");
        for (sum, n) in [(&struck, guards.struck), (&again, guards.again), (&limited, guards.limited)] {
            sum.set(sum.get() + n);
        }
    });
    for (what, n) in [("faults", struck), ("retries", again), ("refusals", limited)] {
        assert!(n.get() > 200, "only {} {what}: the scenarios show too little", n.get());
    }
}

/// When each client had its answers, and which.
#[derive(Debug, Default, PartialEq)]
struct Answers(Vec<(Time, ClientId, Outcome, Time)>);

impl Probe for Answers {
    fn on(&mut self, now: Time, fact: Fact) {
        if let Fact::Answered { client, outcome, intended, .. } = fact {
            self.0.push((now, client, outcome, intended));
        }
    }
}

#[test]
fn policies_with_nothing_to_do_change_nothing() {
    always(128, &(scenario::scenario(), scenario::sendings()), |(Text(text), sendings)| {
        // Who comes first where two come at once is a matter of the order of events, and a guard has events of its own.
        let apart = ["1ms", "2ms", "3ms", "5ms"].iter().flat_map(|t| [("work", t), ("wait", t)]);
        let text = apart.fold(text, |text, (verb, t)| {
            text.replace(&format!("{verb} = \"{t}\""), &format!("{verb} = {{ mean = \"{t}\" }}"))
        });
        let answers = |text: &str| ended(&finite(text, &sendings), 7, Answers::default()).probe;
        let plain = answers(&text);
        assert_eq!(plain, answers(&text), "the same seed, the same run\n{text}");
        assert_eq!(plain, answers(&guarded::idle(&text)), "{text}");
    });
}

/// Counts what guards do, and messages.
#[derive(Debug, Default)]
struct Guards {
    struck: u64,
    again: u64,
    limited: u64,
    published: u64,
    disposed: u64,
}

impl Probe for Guards {
    fn on(&mut self, _: Time, fact: Fact) {
        match fact {
            Fact::Struck { .. } => self.struck += 1,
            Fact::TriedAgain { .. } => self.again += 1,
            Fact::Limited { .. } => self.limited += 1,
            Fact::Published { .. } => self.published += 1,
            Fact::Disposed { .. } => self.disposed += 1,
            _ => {}
        }
    }
}

#[test]
fn levels_hold_under_load_that_never_ends() {
    always(64, &scenario::scenario(), |Text(text)| {
        let mut plan = plan(&text);
        plan.duration = Span::from_secs_f64(1.0);
        let finished = ended(&plan, 3, Audit::new(&plan));
        let audit = finished.probe;
        assert!(audit.offered >= audit.answered);
    });
}

/// An interval around its value.
fn sound(e: Estimate, what: &str) {
    if let (Some(value), Some((low, high))) = (e.value, e.ends()) {
        assert!(low <= value + 1e-9 && value <= high + 1e-9, "{what}: {e:?}");
    }
}

fn ordered(d: &Distribution, what: &str) {
    [d.mean, d.var, d.p50, d.p90, d.p95, d.p99, d.p999].into_iter().for_each(|e| sound(e, what));
    let steps: Vec<f64> = [d.p50, d.p90, d.p95, d.p99, d.p999].iter().filter_map(|e| e.value).collect();
    assert!(steps.is_sorted(), "{what}: {steps:?}");
    // A percentile stands for its bucket, which is a thousandth wide.
    let beyond = |max: f64| steps.iter().any(|s| *s > max * 1.001 + 1e-6);
    assert!(!d.max.is_some_and(beyond), "{what}: {steps:?} above {:?}", d.max);
    assert_eq!(d.count == 0, d.max.is_none(), "{what}");
}

fn conserved(s: &Stats, what: &str) {
    let failed: u64 = s.failed.values().sum();
    assert_eq!(s.arrived, s.succeeded + failed, "{what}");
    assert_eq!(s.failed.get("unanswered").copied().unwrap_or(0), s.in_flight_at_end, "{what}");
    assert_eq!((s.unanswered, s.oldest_unanswered_s.is_some()), (s.in_flight_at_end, s.unanswered > 0), "{what}");
    assert_eq!(s.latency_ms.count, s.succeeded, "{what}");
    assert_eq!(s.latency_all_ms.count + s.unanswered, s.succeeded + failed, "{what}");
    assert_eq!(s.latency_arrived_ms.count, s.arrived, "{what}");
    ordered(&s.latency_ms, what);
    ordered(&s.latency_all_ms, what);
    sound(s.success_rate, what);
    sound(s.throughput_per_s, what);
}

fn within(e: Estimate, most: f64, what: &str) {
    sound(e, what);
    assert!(e.value.is_none_or(|v| v > -1e-9 && v <= most + 1e-9), "{what}: {e:?} above {most}");
}

/// `forks`: several branches of one request may stand in line.
fn node(n: &Node, summary: &Summary, forks: bool, what: &str) {
    let workers = n.workers.map_or(f64::INFINITY, |w| w as f64);
    within(n.mean_busy, workers, what);
    within(n.mean_working, n.mean_busy.value.unwrap(), what);
    if !forks {
        within(n.mean_queue, n.mean_in_system.value.unwrap(), what);
    }
    [n.utilization, n.p_wait, n.p_full].into_iter().for_each(|e| within(e, 1.0, what));
    within(n.mean_in_system, n.max_in_system as f64, what);
    ordered(&n.wait_ms, what);
    ordered(&n.sojourn_ms, what);
    assert_eq!(n.completed + n.abandoned, n.wait_ms.count, "{what}");
    assert!(n.completed + n.abandoned + n.refused <= n.arrivals, "{what}");
    // Little, from a start with an empty system: what is missing at the end are the stays after it.
    if n.arrivals == n.refused + n.sojourn_ms.count && n.sojourn_ms.count > 0 {
        let runs = f64::from(summary.run.replications);
        let level = n.mean_in_system.value.unwrap() * summary.run.duration_s * runs;
        let stays = n.sojourn_ms.count as f64 * n.sojourn_ms.mean.value.unwrap() / 1e3;
        let edge = n.max_in_system as f64 * n.sojourn_ms.max.unwrap() / 1e3 * runs;
        assert!(level <= stays + 1e-6 && stays <= level + edge + 1e-6, "{what}: {level} s of stay, not {stays} s");
    }
}

#[test]
fn nothing_differs_from_itself() {
    always(32, &scenario::scenario(), |Text(text)| {
        let (one, twin) = (run(&text), run(&text));
        let comparison = compare(&one, &[twin], Vec::new(), Vec::new());
        assert_eq!(comparison.others[0].clients.len(), one.clients.len());
        for (client, figures) in &comparison.others[0].clients {
            for (metric, d) in figures.all() {
                assert!(d.difference.value.is_none_or(|v| v == 0.0), "{client} {metric}: {d:?}\n{text}");
                assert!(!d.is_significant(), "{client} {metric}: {d:?}\n{text}");
                // A share that never failed keeps the doubt of the rule of three.
                let exact = d.difference.ends().is_none_or(|ends| ends == (0.0, 0.0));
                assert!(exact || metric == "success_rate", "{client} {metric}: {d:?}\n{text}");
            }
        }
        assert_eq!(comparison.total.quickest, None);
    });
}

#[test]
fn figures_agree_with_each_other() {
    always(64, &scenario::scenario(), |Text(text)| {
        let summary = run(&text);
        assert!(summary.conservation.holds, "{:?}", summary.conservation);
        assert_eq!(summary.clients.values().map(|c| c.arrived).sum::<u64>(), summary.conservation.arrived);
        for map in [&summary.clients, &summary.endpoints, &summary.edges] {
            map.iter().for_each(|(name, stats)| conserved(stats, name));
        }
        summary.nodes.iter().for_each(|(name, n)| node(n, &summary, text.contains("parallel"), name));
    });
}

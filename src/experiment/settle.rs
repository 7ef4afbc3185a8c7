//! Whether a run settled: whether the level at its end is that of its beginning.
//!
//! What there is in the system (requests at nodes, messages in queues, records that groups are not past; and requests under way,
//! which may be at none) is averaged over both
//! halves of the measured time. It has settled where the whole interval of the difference lies within ±5 % of the first
//! half's mean, and nothing that is offered more than it can do moves. It diverges where a part of it certainly rises by more, or
//! where what is offered more than it can do seems to. Anything else is undecided: a longer run, or more replications,
//! would tell. Runs in which load or replicas change are not asked. Of one with faults nothing is said but that it diverges:
//! where what is offered more than it can do without any fault certainly rises.

use std::collections::BTreeSet;

use crate::graph::Arrow;
use crate::model::Plan;
use crate::scenario::Forecast;
use crate::stats::{Drift, drift, mean_of, seems_to_rise};

use super::estimate::{CONFIDENCE, Replication};
use super::summary::State;

/// What became of a run, and which of its parts rise, in words.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Settling {
    pub(crate) state: Option<State>,
    /// Whether it has settled, as far as that is certain.
    pub(crate) settled: Option<bool>,
    pub(crate) rising: Vec<String>,
}

/// A level that may rise by itself.
struct Part {
    name: String,
    words: String,
    halves: Vec<(f64, f64)>,
    /// Requests of a client, wherever they are: at nodes or before these, for example waiting for a connection.
    outside: bool,
}

/// Says whether a run settled; nothing where load or replicas change in it, or where a guard stopped it.
pub(crate) fn settling(replications: &[Replication], plan: &Plan, forecast: &Forecast) -> Settling {
    let closed = replications.iter().all(|r| r.measure.halves.is_closed());
    if !plan.has_constant_load() || !closed {
        return Settling::default();
    }
    let too_much = offered_too_much(forecast);
    if !plan.is_stationary() {
        return despite_faults(parts(replications, plan), &too_much);
    }
    let parts = parts(replications, plan);
    let within = parts.iter().filter(|part| !part.outside).count();
    let whole: Vec<(f64, f64)> = replications.iter().map(|r| r.measure.halves.whole(within)).collect();
    judge(drift(&whole, CONFIDENCE), &parts, &too_much)
}

/// What is said of a run with faults: their aftermath moves levels, but not for ever.
fn despite_faults(mut parts: Vec<Part>, too_much: &BTreeSet<String>) -> Settling {
    parts.retain(|part| too_much.contains(&part.name));
    let confidence = 1.0 - (1.0 - CONFIDENCE) / parts.len().max(1) as f64;
    let rises = |part: &&Part| drift(&part.halves, confidence) == Drift::Rises;
    let rising: Vec<String> = parts.iter().filter(rises).map(Part::told).collect();
    if rising.is_empty() {
        return Settling::default();
    }
    Settling { state: Some(State::Diverging), settled: Some(false), rising }
}

fn judge(whole: Drift, parts: &[Part], too_much: &BTreeSet<String>) -> Settling {
    // So many looks are so many chances to be wrong.
    let confidence = 1.0 - (1.0 - CONFIDENCE) / parts.len().max(1) as f64;
    let drifts: Vec<Drift> = parts.iter().map(|part| drift(&part.halves, confidence)).collect();
    let cannot = |part: &Part| too_much.contains(&part.name);
    let rises = |(part, drift): &(&Part, &Drift)| {
        **drift == Drift::Rises || cannot(part) && **drift != Drift::Stays && seems_to_rise(&part.halves)
    };
    let (mut rising, mut clients) = (Vec::new(), Vec::new());
    for (part, _) in parts.iter().zip(&drifts).filter(rises) {
        if part.outside { &mut clients } else { &mut rising }.push(part.told());
    }
    // What rises somewhere rises at who asks for it, too.
    let rising = if rising.is_empty() { clients } else { rising };
    let moves = parts.iter().zip(&drifts).any(|(part, drift)| cannot(part) && *drift != Drift::Stays);
    let elsewhere = too_much.iter().any(|name| parts.iter().all(|part| part.name != *name));
    let (state, settled) = if whole == Drift::Rises || !rising.is_empty() {
        (State::Diverging, Some(false))
    } else if whole == Drift::Falls {
        (State::Undecided, Some(false))
    } else if whole == Drift::Stays && !moves && !elsewhere {
        (State::Settled, Some(true))
    } else {
        (State::Undecided, None)
    };
    Settling { state: Some(state), settled, rising }
}

/// Nodes, queues, groups and clients; in the order in which halves are kept.
fn parts(replications: &[Replication], plan: &Plan) -> Vec<Part> {
    let half = (plan.duration.0 as f64 / 2.0).max(1.0);
    let nodes = plan.nodes.iter().map(|node| (node.name.clone(), format!("requests at {}", node.name)));
    let queues = plan.queues.iter().map(|queue| {
        let name = &plan.node(queue.node).name;
        (name.clone(), format!("messages in {name}"))
    });
    let groups = plan.groups.iter().map(|group| (group.name.clone(), format!("the lag of {}", group.name)));
    let within = plan.nodes.len() + plan.queues.len() + plan.groups.len();
    let clients = plan.clients.iter().map(|client| {
        let name = &plan.node(client.node).name;
        (name.clone(), format!("requests of {name} under way"))
    });
    let part = |(at, (name, words)): (usize, (String, String))| {
        let mean = |r: &Replication| {
            let (first, second) = r.measure.halves.part(at);
            (first / half, second / half)
        };
        let halves = replications.iter().map(mean).collect();
        Part { name, words, halves, outside: at >= within }
    };
    nodes.chain(queues).chain(groups).chain(clients).enumerate().map(part).collect()
}

/// What is offered more than it can do on average, by name; a group by topic and group.
fn offered_too_much(forecast: &Forecast) -> BTreeSet<String> {
    let nodes = forecast.nodes.iter().filter(|node| node.utilization.max(node.held) > FULL).map(|n| n.name.clone());
    let busy = |c: &&crate::scenario::ConsumerForecast| {
        c.utilization > FULL || c.busiest.is_some_and(|busiest| busiest.rate > FULL * busiest.can)
    };
    let consumers = forecast.consumers.iter().filter(busy).map(|c| match &c.group {
        Some(group) => format!("{}/{group}", c.from),
        None => c.from.clone(),
    });
    let shared = forecast.shared.iter().filter(|shared| shared.room > 0.0 && shared.used > FULL * shared.room);
    nodes
        .chain(consumers)
        .chain(shared.map(|shared| Arrow { from: &shared.from, to: &shared.to }.to_string()))
        .collect()
}

/// What rounding may add to a share of 1.
const FULL: f64 = 1.0 + 1e-9;

impl Part {
    /// `the lag of orders/billing: 480 in the first half, 1430 in the second`.
    fn told(&self) -> String {
        let mean = |of: fn(&(f64, f64)) -> f64| {
            mean_of(&self.halves.iter().map(of).collect::<Vec<_>>(), CONFIDENCE).value.unwrap_or(0.0)
        };
        let (first, second) = (mean(|half| half.0), mean(|half| half.1));
        let digits = usize::from(second < 10.0);
        format!("{}: {first:.digits$} on average in the first half, {second:.digits$} in the second", self.words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(name: &str, halves: &[(f64, f64)]) -> Part {
        Part { name: name.into(), words: format!("requests at {name}"), halves: halves.to_vec(), outside: false }
    }

    #[test]
    fn faults_hide_no_overload() {
        let grows = || part("b", &[(10.0, 40.0), (11.0, 43.0), (9.0, 39.0), (10.0, 41.0)]);
        let too_much = BTreeSet::from(["b".to_owned()]);
        assert_eq!(despite_faults(vec![grows()], &too_much).state, Some(State::Diverging));
        assert_eq!(despite_faults(vec![grows()], &BTreeSet::new()), Settling::default(), "an aftermath is none");
        let shrinks = part("b", &[(40.0, 10.0), (43.0, 11.0)]);
        assert_eq!(despite_faults(vec![shrinks], &too_much), Settling::default());
    }

    fn of(whole: Drift, parts: &[Part], too_much: &[&str]) -> (Option<State>, Option<bool>) {
        let found = judge(whole, parts, &too_much.iter().map(|name| (*name).to_owned()).collect());
        (found.state, found.settled)
    }

    #[test]
    fn what_certainly_rises_diverges_wherever_it_hides() {
        let still = part("a", &[(1e3, 1e3), (1e3, 1e3), (1e3, 1e3)]);
        let grows = part("b", &[(1.0, 3.0), (1.1, 3.1), (1.0, 3.2)]);
        assert_eq!(of(Drift::Stays, &[still, grows], &[]), (Some(State::Diverging), Some(false)));
    }

    #[test]
    fn what_cannot_keep_up_has_not_settled_unless_it_stays() {
        let one = || part("a", &[(100.0, 300.0)]);
        assert_eq!(
            of(Drift::Unknown, &[one()], &["a"]),
            (Some(State::Diverging), Some(false)),
            "one replication shows it"
        );
        assert_eq!(of(Drift::Unknown, &[one()], &[]), (Some(State::Undecided), None), "there it may be chance");
        let bounded = || part("a", &[(9.0, 9.0), (9.0, 9.0)]);
        assert_eq!(of(Drift::Stays, &[bounded()], &["a"]), (Some(State::Settled), Some(true)), "a line with an end");
        assert_eq!(of(Drift::Stays, &[bounded()], &["a -> b"]), (Some(State::Undecided), None), "a link is no part");
    }

    #[test]
    fn a_level_that_falls_has_not_settled_and_does_not_diverge() {
        assert_eq!(of(Drift::Falls, &[], &[]), (Some(State::Undecided), Some(false)));
    }
}

//! Calls that go round in a circle.

use std::collections::{BTreeMap, BTreeSet};

use super::walk;
use crate::diag::{Complaint, code};
use crate::scenario::written::{Call, Endpoint, Place, Scenario, Step, Target, Verb};

type Ends<'s> = BTreeMap<(&'s str, &'s str), bool>;

/// Complains about circles that cannot end, and about circles of function calls.
pub(super) fn check(scenario: &Scenario, complaints: &mut Vec<Complaint>) {
    let ends = ending(scenario);
    circles(
        scenario,
        &|key, call| !ends.get(&key).unwrap_or(&true) && !ends.get(&target(call)).unwrap_or(&true),
        &mut |path, call| {
            let message = format!("calls that can never end: {path}");
            let help =
                "a circle must be able to end: give one of the calls a probability below 100 %, or put it into a split";
            complaints.push(
                Complaint::error(code::ENDLESS, message)
                    .at(call.target.place.clone())
                    .label("closes the circle")
                    .help(help),
            );
        },
    );
    let in_process = |_, call: &Call| walk::transport_of(scenario, call).is_in_process();
    circles(scenario, &in_process, &mut |path, call| {
        let message = format!("in-process calls in a circle: {path}");
        let help = "a function that calls itself through others has no end of its own here; let one of the calls cross the network";
        complaints.push(
            Complaint::error(code::ENDLESS, message)
                .at(call.target.place.clone())
                .label("closes the circle")
                .help(help),
        );
    });
}

/// A circle of calls, if there is one: its path and the call that closes it.
pub(super) fn any(scenario: &Scenario) -> Option<(String, Option<Place>)> {
    let mut first = None;
    circles(scenario, &|_, _| true, &mut |path, call| {
        first.get_or_insert((path, call.target.place.clone()));
    });
    first
}

/// Which endpoints end: those with some way through their steps whose calls all end. What is never reached by that rule
/// goes round for ever.
fn ending(scenario: &Scenario) -> Ends<'_> {
    let mut ends: Ends<'_> = endpoints(scenario).map(|(key, _)| (key, false)).collect();
    let mut callers: BTreeMap<(&str, &str), Vec<(&str, &str)>> = BTreeMap::new();
    for (key, endpoint) in endpoints(scenario) {
        for call in walk::calls(endpoint) {
            callers.entry(target(call)).or_default().push(key);
        }
    }
    let mut open: Vec<_> = ends.keys().copied().collect();
    while let Some(key) = open.pop() {
        let Some(endpoint) = scenario.nodes.get(key.0).and_then(|node| node.endpoints.get(key.1)) else { continue };
        if !ends[&key] && all_end(&endpoint.steps, &ends) {
            ends.insert(key, true);
            open.extend(callers.get(&key).into_iter().flatten());
        }
    }
    ends
}

fn endpoints(scenario: &Scenario) -> impl Iterator<Item = ((&str, &str), &Endpoint)> {
    scenario
        .nodes
        .iter()
        .flat_map(|(n, node)| node.endpoints.iter().map(move |(e, endpoint)| ((n.as_str(), e.as_str()), endpoint)))
}

fn target(call: &Call) -> (&str, &str) {
    let Target { node, endpoint } = &call.target.value;
    (node, endpoint)
}

fn all_end(steps: &[Step], ends: &Ends<'_>) -> bool {
    steps.iter().all(|step| step.probability.value < 1.0 || step_ends(step, ends))
}

fn step_ends(step: &Step, ends: &Ends<'_>) -> bool {
    match &step.verb {
        Verb::Call(call) | Verb::Query(call) => *ends.get(&target(call)).unwrap_or(&true),
        Verb::Parallel { branches, .. } => branches.iter().all(|b| all_end(std::slice::from_ref(&b.step), ends)),
        Verb::Split(arms) => arms.iter().any(|arm| arm.weight.value > 0.0 && all_end(&arm.steps, ends)),
        Verb::Transaction { steps, .. } => all_end(steps, ends),
        Verb::Work(_) | Verb::Wait(_) => true,
    }
}

/// Finds circles among the calls that count, each once, and tells the path and the call that closes it.
fn circles<'s>(
    scenario: &'s Scenario,
    counts: &dyn Fn((&'s str, &'s str), &'s Call) -> bool,
    found: &mut dyn FnMut(String, &'s Call),
) {
    let mut done: BTreeSet<(&str, &str)> = BTreeSet::new();
    for (start, _) in endpoints(scenario) {
        // A path of endpoints, each with its calls and how many of them were followed.
        let mut path: Vec<((&str, &str), Vec<&Call>, usize)> = Vec::new();
        let mut on_path: BTreeSet<(&str, &str)> = BTreeSet::new();
        let mut next = Some(start);
        loop {
            if let Some(key) = next.take().filter(|key| done.insert(*key)) {
                let endpoint = scenario.nodes.get(key.0).and_then(|node| node.endpoints.get(key.1));
                let calls = endpoint.map(walk::calls).unwrap_or_default();
                path.push((key, calls.into_iter().filter(|call| counts(key, call)).collect(), 0));
                on_path.insert(key);
            }
            let Some((key, calls, followed)) = path.last_mut() else { break };
            let Some(call) = calls.get(*followed).copied() else {
                on_path.remove(key);
                path.pop();
                continue;
            };
            *followed += 1;
            let to = target(call);
            if on_path.contains(&to) {
                let circle = path.iter().map(|(key, ..)| *key).skip_while(|key| *key != to).chain([to]);
                found(told(&circle.collect::<Vec<_>>()), call);
            } else {
                next = Some(to);
            }
        }
    }
}

/// `a → b → a`, shortened where it is long.
fn told(circle: &[(&str, &str)]) -> String {
    let name = |(node, endpoint): &(&str, &str)| {
        if endpoint.is_empty() { (*node).to_owned() } else { format!("{node}.{endpoint}") }
    };
    let names: Vec<String> = circle.iter().map(name).collect();
    if names.len() > 12 {
        return format!("{} → … ({} more) → {}", names[..6].join(" → "), names.len() - 7, names[names.len() - 1]);
    }
    names.join(" → ")
}

//! Calls that go round in a circle.

use std::collections::{BTreeMap, BTreeSet};

use super::walk;
use crate::diag::{Complaint, code};
use crate::scenario::written::{Call, Endpoint, Place, Scenario, Step, Target, Verb};

type Key<'s> = (&'s str, &'s str);

/// From one program to another: by a call, or by a message and its consumer.
#[derive(Clone)]
struct Hop<'s> {
    to: Key<'s>,
    call: Option<&'s Call>,
    place: Option<Place>,
}

type Ends<'s> = BTreeMap<(&'s str, &'s str), bool>;

/// Complains about circles that cannot end, and about circles of function calls.
pub(super) fn check(scenario: &Scenario, complaints: &mut Vec<Complaint>) {
    let ends = ending(scenario);
    circles(
        scenario,
        &|key, hop| !ends.get(&key).unwrap_or(&true) && !ends.get(&hop.to).unwrap_or(&true),
        &mut |path, hop| {
            let message = format!("calls that can never end: {path}");
            let help =
                "a circle must be able to end: give one of the calls a probability below 100 %, or put it into a split";
            complaints.push(
                Complaint::error(code::ENDLESS, message).at(hop.place.clone()).label("closes the circle").help(help),
            );
        },
    );
    let in_process = |_, hop: &Hop<'_>| hop.call.is_some_and(|call| walk::transport_of(scenario, call).is_in_process());
    circles(scenario, &in_process, &mut |path, hop| {
        let message = format!("in-process calls in a circle: {path}");
        let help = "a function that calls itself through others has no end of its own here; let one of the calls cross the network";
        complaints
            .push(Complaint::error(code::ENDLESS, message).at(hop.place.clone()).label("closes the circle").help(help));
    });
}

/// A circle of calls, if there is one: its path and the call that closes it.
pub(super) fn any(scenario: &Scenario) -> Option<(String, Option<Place>)> {
    let mut first = None;
    circles(scenario, &|_, _| true, &mut |path, hop| {
        first.get_or_insert((path, hop.place.clone()));
    });
    first
}

/// Which endpoints end: those with some way through their steps whose calls all end. What is never reached by that rule
/// goes round for ever.
fn ending(scenario: &Scenario) -> Ends<'_> {
    let mut ends: Ends<'_> = endpoints(scenario).map(|(key, _)| (key, false)).collect();
    let mut callers: BTreeMap<(&str, &str), Vec<(&str, &str)>> = BTreeMap::new();
    for (key, endpoint) in endpoints(scenario) {
        for hop in hops(scenario, endpoint) {
            callers.entry(hop.to).or_default().push(key);
        }
    }
    let mut open: Vec<_> = ends.keys().copied().collect();
    while let Some(key) = open.pop() {
        let Some(endpoint) = program(scenario, key) else { continue };
        if !ends[&key] && all_end(scenario, &endpoint.steps, &ends) {
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
        .flat_map(|(n, node)| node.programs().map(move |program| ((n.as_str(), program.name.value.as_str()), program)))
}

fn program<'s>(scenario: &'s Scenario, key: Key<'_>) -> Option<&'s Endpoint> {
    let node = scenario.nodes.get(key.0)?;
    let consumers = || node.consumes.iter().map(|consumer| &consumer.program);
    node.endpoints.get(key.1).or_else(|| consumers().find(|program| program.name.value == key.1))
}

/// Where a program leads, in the order of its steps.
fn hops<'s>(scenario: &'s Scenario, endpoint: &'s Endpoint) -> Vec<Hop<'s>> {
    let mut all = Vec::new();
    walk::steps(&endpoint.steps, &mut |step| match &step.verb {
        Verb::Call(call) | Verb::Query(call) | Verb::Cache { call, .. } => {
            all.push(Hop { to: target(call), call: Some(call), place: call.target.place.clone() });
        }
        Verb::Publish(publish) => {
            let to = consumers(scenario, &publish.to.value).into_iter();
            all.extend(to.map(|to| Hop { to, call: None, place: publish.to.place.clone() }));
        }
        _ => {}
    });
    all
}

/// The programs of a broker's consumers.
fn consumers<'s>(scenario: &'s Scenario, broker: &str) -> Vec<Key<'s>> {
    let all = walk::consumers(scenario, broker).into_iter();
    all.map(|(node, consumer)| (node.name.value.as_str(), consumer.program.name.value.as_str())).collect()
}

fn target(call: &Call) -> (&str, &str) {
    let Target { node, endpoint } = &call.target.value;
    (node, endpoint)
}

fn all_end(scenario: &Scenario, steps: &[Step], ends: &Ends<'_>) -> bool {
    steps.iter().all(|step| step.probability.value < 1.0 || step_ends(scenario, step, ends))
}

fn step_ends(scenario: &Scenario, step: &Step, ends: &Ends<'_>) -> bool {
    match &step.verb {
        // Whether it is a miss is chance.
        Verb::Call(call) | Verb::Query(call) | Verb::Cache { call, .. } => *ends.get(&target(call)).unwrap_or(&true),
        Verb::Parallel { branches, .. } => {
            branches.iter().all(|b| all_end(scenario, std::slice::from_ref(&b.step), ends))
        }
        Verb::Split(arms) => arms.iter().any(|arm| arm.weight.value > 0.0 && all_end(scenario, &arm.steps, ends)),
        Verb::Transaction { steps, .. } => all_end(scenario, steps, ends),
        // A message to nobody ends where it is.
        Verb::Publish(publish) => {
            consumers(scenario, &publish.to.value).iter().all(|key| *ends.get(key).unwrap_or(&true))
        }
        Verb::Work(_) | Verb::Wait(_) => true,
    }
}

/// Finds circles among the hops that count, each once, and tells the path and the hop that closes it.
fn circles<'s>(
    scenario: &'s Scenario,
    counts: &dyn Fn(Key<'s>, &Hop<'s>) -> bool,
    found: &mut dyn FnMut(String, &Hop<'s>),
) {
    let mut done: BTreeSet<Key<'s>> = BTreeSet::new();
    for (start, _) in endpoints(scenario) {
        // A path of programs, each with its hops and how many of them were followed.
        let mut path: Vec<(Key<'s>, Vec<Hop<'s>>, usize)> = Vec::new();
        let mut on_path: BTreeSet<Key<'s>> = BTreeSet::new();
        let mut next = Some(start);
        loop {
            if let Some(key) = next.take().filter(|key| done.insert(*key)) {
                let hops = program(scenario, key).map(|program| hops(scenario, program)).unwrap_or_default();
                path.push((key, hops.into_iter().filter(|hop| counts(key, hop)).collect(), 0));
                on_path.insert(key);
            }
            let Some((key, hops, followed)) = path.last_mut() else { break };
            let Some(hop) = hops.get(*followed).cloned() else {
                on_path.remove(key);
                path.pop();
                continue;
            };
            *followed += 1;
            if on_path.contains(&hop.to) {
                let circle = path.iter().map(|(key, ..)| *key).skip_while(|key| *key != hop.to).chain([hop.to]);
                found(told(&circle.collect::<Vec<_>>()), &hop);
            } else {
                next = Some(hop.to);
            }
        }
    }
}

/// `a → b → a`, shortened where it is long.
fn told(circle: &[(&str, &str)]) -> String {
    let name = |(node, endpoint): &(&str, &str)| match endpoint.strip_prefix("from ") {
        Some(from) => format!("{node} (from {from})"),
        None if endpoint.is_empty() => (*node).to_owned(),
        None => format!("{node}.{endpoint}"),
    };
    let names: Vec<String> = circle.iter().map(name).collect();
    if names.len() > 12 {
        return format!("{} → … ({} more) → {}", names[..6].join(" → "), names.len() - 7, names[names.len() - 1]);
    }
    names.join(" → ")
}

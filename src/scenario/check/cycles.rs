//! Calls that go round in a circle.

use std::collections::BTreeMap;

use super::walk;
use crate::diag::{Complaint, code};
use crate::graph::{Circle, End};
use crate::scenario::programs::{Hop, Program, Programs, called, consuming, program, programs};
use crate::scenario::written::{Place, Scenario, Step, Verb};

type Ends<'s> = BTreeMap<Program<'s>, bool>;

/// Complains about circles that cannot end, and about circles of function calls.
pub(super) fn check(scenario: &Scenario, complaints: &mut Vec<Complaint>) {
    let graph = programs(scenario);
    let ends = ending(scenario, &graph);
    for circle in graph.circles(|from, to, _| !ends[from] && !ends[to]) {
        let message = format!("calls that can never end: {}", told(&circle));
        let help =
            "a circle must be able to end: give one of the calls a probability below 100 %, or put it into a split";
        complaints.push(closed(&circle, message, help));
    }
    let in_process = |hop: &Hop<'_>| hop.call().is_some_and(|call| walk::transport_of(scenario, call).is_in_process());
    for circle in graph.circles(|_, _, hop| in_process(hop)) {
        let message = format!("in-process calls in a circle: {}", told(&circle));
        let help = "a function that calls itself through others has no end of its own here; let one of the calls cross the network";
        complaints.push(closed(&circle, message, help));
    }
}

fn closed(circle: &Circle<'_, Program<'_>, Hop<'_>>, message: String, help: &str) -> Complaint {
    Complaint::error(code::ENDLESS, message).at(circle.closes.place()).label("closes the circle").help(help)
}

/// A circle of calls, if there is one: its path and the call that closes it.
pub(super) fn any(scenario: &Scenario) -> Option<(String, Option<Place>)> {
    let graph = programs(scenario);
    graph.circles(|_, _, _| true).first().map(|circle| (told(circle), circle.closes.place()))
}

/// Which programs end: those with some way through their steps whose calls all end. What is never reached by that rule
/// goes round for ever.
fn ending<'s>(scenario: &'s Scenario, graph: &Programs<'s>) -> Ends<'s> {
    let mut ends: Ends<'_> = (0..graph.len()).map(|at| (*graph.name(at), false)).collect();
    let mut callers: BTreeMap<Program<'_>, Vec<Program<'_>>> = BTreeMap::new();
    for (from, to, _) in graph.arrows() {
        callers.entry(*to).or_default().push(*from);
    }
    let mut open: Vec<_> = ends.keys().copied().collect();
    while let Some(key) = open.pop() {
        let Some(program) = program(scenario, key) else { continue };
        if !ends[&key] && all_end(scenario, &program.steps, &ends) {
            ends.insert(key, true);
            open.extend(callers.get(&key).into_iter().flatten());
        }
    }
    ends
}

fn all_end(scenario: &Scenario, steps: &[Step], ends: &Ends<'_>) -> bool {
    steps.iter().all(|step| step.probability.value < 1.0 || step_ends(scenario, step, ends))
}

fn step_ends(scenario: &Scenario, step: &Step, ends: &Ends<'_>) -> bool {
    match &step.verb {
        // Whether it is a miss is chance.
        Verb::Call(call) | Verb::Query(call) | Verb::Cache { call, .. } | Verb::Meter(call) => {
            *ends.get(&called(call)).unwrap_or(&true)
        }
        Verb::Parallel { branches, .. } => {
            branches.iter().all(|b| all_end(scenario, std::slice::from_ref(&b.step), ends))
        }
        Verb::Split(arms) => arms.iter().any(|arm| arm.weight.value > 0.0 && all_end(scenario, &arm.steps, ends)),
        Verb::Transaction { steps, .. } => all_end(scenario, steps, ends),
        // A message to nobody ends where it is.
        Verb::Publish(publish) => {
            consuming(scenario, &publish.to.value).iter().all(|key| *ends.get(key).unwrap_or(&true))
        }
        Verb::Work(_) | Verb::Wait(_) | Verb::Remember { .. } => true,
    }
}

/// `a → b → a`, shortened where it is long.
fn told(circle: &Circle<'_, Program<'_>, Hop<'_>>) -> String {
    let name = |(node, program): &Program<'_>| match program.strip_prefix("from ") {
        Some(from) => format!("{node} (from {from})"),
        None => End::named(node, program).to_string(),
    };
    let names: Vec<String> = circle.path.iter().map(|program| name(program)).collect();
    if names.len() > 12 {
        return format!("{} → … ({} more) → {}", names[..6].join(" → "), names.len() - 7, names[names.len() - 1]);
    }
    names.join(" → ")
}

//! How large programs become when `times`, fallbacks and in-process calls are written out: a function call's program is
//! part of its caller's, so that few lines can become more steps than there is memory for.

use std::collections::BTreeMap;

use super::super::analytic::power;
use super::walk;
use crate::diag::{Complaint, code};
use crate::graph::End;
use crate::scenario::written::{Call, Endpoint, Node, Scenario, Step, Verb};

/// Steps of all programs together, everything written out.
const MOST: f64 = 1e6;

/// Function calls inside function calls.
const DEEPEST: u32 = 256;

type Key<'s> = (&'s str, &'s str);

/// A program with everything in it.
#[derive(Clone, Copy, Debug, Default)]
struct Size {
    steps: f64,
    /// Function calls inside each other.
    depth: u32,
}

/// Complains about programs that become too large. In-process calls must not go round in a circle.
pub(super) fn check(scenario: &Scenario, complaints: &mut Vec<Complaint>) {
    let sizes = sizes(scenario);
    let all: f64 = sizes.values().map(|size| size.steps).sum();
    let place = |key: &Key<'_>| endpoint(scenario, *key).and_then(|e| Some(e.steps.first()?.place.clone()));
    let name = |key: &Key<'_>| End::named(key.0, key.1).to_string();
    if let Some((key, size)) = sizes.iter().max_by(|a, b| a.1.steps.total_cmp(&b.1.steps)).filter(|_| all > MOST) {
        let message = format!(
            "the steps of all programs, `times` and in-process calls written out, are {}; at most {MOST:.0}",
            power(all)
        );
        let complaint = Complaint::error(code::TOO_MANY_STEPS, message).at(place(key));
        let largest = format!("`{}` alone has {}", name(key), power(size.steps));
        complaints.push(complaint.label(largest).help("let some of these calls cross the network, or do less often"));
    }
    if let Some((key, size)) = sizes.iter().max_by_key(|(_, size)| size.depth).filter(|(_, s)| s.depth > DEEPEST) {
        let message = format!("in-process calls {} deep; at most {DEEPEST}", size.depth);
        let complaint = Complaint::error(code::TOO_MANY_STEPS, message).at(place(key));
        complaints.push(complaint.help("let some of these calls cross the network"));
    }
}

/// The sizes of all programs, callees before callers.
fn sizes(scenario: &Scenario) -> BTreeMap<Key<'_>, Size> {
    let mut known: BTreeMap<Key<'_>, Size> = BTreeMap::new();
    let mut open: Vec<(Key<'_>, &Endpoint)> = scenario
        .nodes
        .iter()
        .flat_map(|(name, node)| node.programs().map(move |e| ((name.as_str(), e.name.value.as_str()), e)))
        .collect();
    while let Some((key, endpoint)) = open.last().copied() {
        if known.contains_key(&key) {
            open.pop();
            continue;
        }
        let before = open.len();
        let mut callees = Vec::new();
        walk::steps(&endpoint.steps, &mut |step| callees.extend(inside(scenario, walk::call(step))));
        open.extend(callees.iter().filter(|(callee, _)| !known.contains_key(callee)));
        if open.len() == before {
            let size = of_steps(scenario, &endpoint.steps, &known);
            known.insert(key, Size { steps: 1.0 + size.steps, ..size });
            open.pop();
        }
    }
    known
}

/// The program that a call brings into its caller's.
fn inside<'s>(scenario: &'s Scenario, call: Option<&'s Call>) -> Option<(Key<'s>, &'s Endpoint)> {
    let call = call.filter(|call| walk::transport_of(scenario, call).is_in_process())?;
    let key = (call.target.value.node.as_str(), call.target.value.endpoint.as_str());
    Some((key, endpoint(scenario, key)?))
}

fn endpoint<'s>(scenario: &'s Scenario, key: Key<'_>) -> Option<&'s Endpoint> {
    let node: &Node = scenario.nodes.get(key.0)?;
    node.programs().find(|program| program.name.value == key.1)
}

fn of_steps(scenario: &Scenario, steps: &[Step], known: &BTreeMap<Key<'_>, Size>) -> Size {
    let each = steps.iter().map(|step| {
        let inner = of_verb(scenario, &step.verb, known);
        Size { steps: f64::from(step.times.value) * (1.0 + inner.steps), ..inner }
    });
    each.fold(Size::default(), Size::beside)
}

fn of_verb(scenario: &Scenario, verb: &Verb, known: &BTreeMap<Key<'_>, Size>) -> Size {
    let of = |steps: &[Step]| of_steps(scenario, steps, known);
    match verb {
        Verb::Parallel { branches, .. } => {
            branches.iter().map(|b| of(std::slice::from_ref(&b.step))).fold(Size::default(), Size::beside)
        }
        Verb::Split(arms) => arms.iter().map(|arm| of(&arm.steps)).fold(Size::default(), Size::beside),
        Verb::Transaction { steps, .. } | Verb::Cache { on_miss: steps, .. } | Verb::Remember { steps, .. } => {
            of(steps)
        }
        Verb::Call(call) | Verb::Query(call) => {
            let callee = inside(scenario, Some(call)).and_then(|(key, _)| known.get(&key).copied());
            let callee = callee.map_or(Size::default(), |size| Size { depth: size.depth + 1, ..size });
            // What is done instead is written twice: with the worker held, and without.
            let instead = call.fallback.as_ref().map_or(Size::default(), |fallback| of(&fallback.value));
            callee.beside(Size { steps: 2.0 * instead.steps, ..instead })
        }
        Verb::Work(_) | Verb::Wait(_) | Verb::Publish(_) | Verb::Meter(_) => Size::default(),
    }
}

impl Size {
    fn beside(self, other: Self) -> Self {
        Self { steps: self.steps + other.steps, depth: self.depth.max(other.depth) }
    }
}

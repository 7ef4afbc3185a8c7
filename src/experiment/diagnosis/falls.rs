//! What fails where when one node is down, as the file says.

use crate::scenario::programs::{Programs, called, forgotten, misses, program, programs};
use crate::scenario::transport_of;
use crate::scenario::written::{Branch, Call, Endpoint, Scenario, Step, Verb};

/// Rounds after which shares that go round in circles are near enough.
const ROUNDS: usize = 60;

/// All programs of a file, callees before callers.
pub(super) struct Falls<'s> {
    scenario: &'s Scenario,
    programs: Programs<'s>,
    bodies: Vec<Option<&'s Endpoint>>,
    order: Vec<usize>,
    round: bool,
    /// Whether caches whose hits come of what is asked are taken to have nothing.
    cold: bool,
}

/// What is down, and whether the calls of one edge count.
#[derive(Clone, Copy, Debug)]
pub(super) struct Down<'d> {
    pub(super) node: &'d str,
    /// Caller and callee of an edge that is left out, or made as another file says it; `None`: all count as they stand.
    pub(super) edge: Option<(&'d str, &'d str, Option<&'d Scenario>)>,
}

/// Which calls of a program may fail.
#[derive(Clone, Copy, Debug)]
enum Calls<'d> {
    All,
    /// All but those of one callee.
    But(&'d str),
    /// Those of one callee alone.
    Only(&'d str),
}

impl Calls<'_> {
    fn count(self, to: &str) -> bool {
        match self {
            Self::All => true,
            Self::But(other) => to != other,
            Self::Only(one) => to == one,
        }
    }
}

impl<'s> Falls<'s> {
    pub(super) fn of(scenario: &'s Scenario) -> Self {
        let programs = programs(scenario);
        let bodies = (0..programs.len()).map(|at| program(scenario, *programs.name(at))).collect();
        let order = programs.callees_first(|hop| hop.call().is_some());
        let round = !programs.circles(|_, _, hop| hop.call().is_some()).is_empty();
        Self { scenario, programs, bodies, order, round, cold: false }
    }

    /// The same with caches that have nothing, those whose hits come of what is asked; `None` where there is no such cache.
    pub(super) fn cold(scenario: &'s Scenario) -> Option<Self> {
        let unsure =
            scenario.nodes.values().any(|node| node.cache.as_ref().is_some_and(|c| c.hit_rate.value.is_none()));
        unsure.then(|| Self { cold: true, ..Self::of(scenario) })
    }

    /// The number of a program, by its node and the name of its endpoint.
    pub(super) fn find(&self, node: &str, endpoint: &str) -> Option<usize> {
        self.programs.find(&(node, endpoint))
    }

    /// Of each program the share of its requests that fail because of what is down.
    pub(super) fn shares(&self, down: Down<'_>) -> Vec<f64> {
        let mut fails = vec![0.0; self.bodies.len()];
        for _ in 0..if self.round { ROUNDS } else { 1 } {
            let mut change: f64 = 0.0;
            for &at in &self.order {
                let share = self.share(at, down, &fails);
                change = change.max(share - fails[at]);
                fails[at] = share;
            }
            if change < 1e-9 {
                break;
            }
        }
        fails
    }

    /// Of one program, with what is known of the others. An edge as another file says it stands beside all else that the program
    /// does: steps fail independently.
    fn share(&self, at: usize, down: Down<'_>, fails: &[f64]) -> f64 {
        let key = *self.programs.name(at);
        let Some(body) = self.bodies[at] else { return 0.0 };
        let eyes = |scenario, calls| Eyes { of: self, scenario, down: down.node, calls, fails };
        let Some((_, to, as_in)) = down.edge.filter(|edge| edge.0 == key.0) else {
            return eyes(self.scenario, Calls::All).all(&body.steps);
        };
        let rest = eyes(self.scenario, Calls::But(to)).all(&body.steps);
        let said = as_in.and_then(|other| Some((other, program(other, key)?)));
        let edge = said.map_or(0.0, |(other, body)| eyes(other, Calls::Only(to)).all(&body.steps));
        1.0 - (1.0 - rest) * (1.0 - edge)
    }

    /// What fails of a program when nothing but its calls of one callee fails.
    pub(super) fn by_calls(&self, node: &str, endpoint: &str, to: &str) -> f64 {
        let body = self.find(node, endpoint).and_then(|at| self.bodies[at]);
        let none = vec![0.0; self.bodies.len()];
        let eyes = Eyes { of: self, scenario: self.scenario, down: to, calls: Calls::Only(to), fails: &none };
        body.map_or(0.0, |body| eyes.all(&body.steps))
    }
}

/// Looks at the steps of one program.
struct Eyes<'e, 's> {
    of: &'e Falls<'s>,
    /// The file that says them.
    scenario: &'e Scenario,
    down: &'e str,
    calls: Calls<'e>,
    fails: &'e [f64],
}

impl Eyes<'_, '_> {
    /// Steps in a row: all must go well.
    fn all(&self, steps: &[Step]) -> f64 {
        1.0 - steps.iter().map(|step| 1.0 - self.step(step)).product::<f64>()
    }

    fn step(&self, step: &Step) -> f64 {
        // Whether it is done is drawn each time.
        let once = step.probability.value * self.verb(&step.verb);
        1.0 - (1.0 - once).powi(i32::try_from(step.times.value).unwrap_or(i32::MAX))
    }

    fn verb(&self, verb: &Verb) -> f64 {
        match verb {
            Verb::Call(call) | Verb::Query(call) => self.call(call),
            // A cache that does not answer is asked for nothing: it counts as a miss, which is on the way here already.
            Verb::Cache { call, on_miss } => {
                let misses = if self.is_down(call) { 1.0 } else { self.misses(call) };
                misses * self.all(on_miss)
            }
            Verb::Transaction { steps, .. } => self.all(steps),
            Verb::Parallel { branches, wait_for } => self.branches(branches, wait_for.value),
            Verb::Split(arms) => {
                let sum: f64 = arms.iter().map(|arm| arm.weight.value).sum();
                arms.iter().map(|arm| arm.weight.value / sum * self.all(&arm.steps)).sum()
            }
            Verb::Remember { memory, steps } => forgotten(self.scenario, memory) * self.all(steps),
            Verb::Publish(_) | Verb::Meter(_) | Verb::Work(_) | Verb::Wait(_) => 0.0,
        }
    }

    fn misses(&self, call: &Call) -> f64 {
        let cache = self.scenario.nodes.get(&call.target.value.node).and_then(|node| node.cache.as_ref());
        let unsure = cache.is_some_and(|cache| cache.hit_rate.value.is_none());
        if self.of.cold && unsure { 1.0 } else { misses(self.scenario, call) }
    }

    fn is_down(&self, call: &Call) -> bool {
        let to = call.target.value.node.as_str();
        self.down == to && self.calls.count(to)
    }

    fn call(&self, call: &Call) -> f64 {
        if !self.calls.count(&call.target.value.node) {
            return 0.0;
        }
        // A function cannot be down by itself; what it calls can.
        let function = transport_of(self.scenario, call).is_in_process();
        let below = self.of.programs.find(&called(call)).map_or(0.0, |at| self.fails[at]);
        let fails = if self.is_down(call) && !function { 1.0 } else { below };
        call.fallback.as_ref().map_or(fails, |fallback| fails * self.all(&fallback.value))
    }

    /// Branches that wait together: all that are not optional, or so many of them.
    fn branches(&self, branches: &[Branch], wait_for: Option<u32>) -> f64 {
        let needed = branches.iter().filter(|branch| wait_for.is_some() || !branch.optional.value);
        let fails: Vec<f64> = needed.flat_map(|branch| self.copies(&branch.step)).collect();
        let Some(wanted) = wait_for else { return 1.0 - fails.iter().map(|fails| 1.0 - fails).product::<f64>() };
        // How likely it is that exactly so many went well.
        let mut well = vec![1.0];
        for fails in fails {
            well.push(0.0);
            for at in (0..well.len()).rev() {
                let before = if at > 0 { well[at - 1] } else { 0.0 };
                well[at] = well[at] * fails + before * (1.0 - fails);
            }
        }
        well.iter().take(wanted as usize).sum()
    }

    /// What is done several times within a branch is done at once.
    fn copies(&self, step: &Step) -> Vec<f64> {
        let once = step.probability.value * self.verb(&step.verb);
        vec![once; step.times.value.min(1_000) as usize]
    }
}

//! The availability product of a client: `E[Π over distinct nodes a_v · Π over visits (1 − e)]`, from the file alone. It is what
//! textbooks multiply, and holds for nodes in series that fail independently and whose callers have nothing else to do.
//!
//! What a request may visit is kept as sets of nodes with the probability of each, times the probability that no visit fails by
//! itself: a node that is visited twice is up or down for both.

use std::collections::{BTreeMap, BTreeSet};

use crate::scenario::written::{Scenario, Step, Verb};

/// Sets of nodes that a request visits: how likely, and that no visit fails by itself.
pub(super) type Ways<'s> = BTreeMap<BTreeSet<&'s str>, f64>;

/// More sets than this are not multiplied out.
const MANY: usize = 4_096;

/// Nor is a chain of more calls, or a circle of them.
const DEEP: usize = 64;

/// What a client's requests visit; `None` where that is too much to multiply out.
pub(super) fn ways<'s>(scenario: &'s Scenario, client: &str) -> Option<Ways<'s>> {
    let mut all = Ways::new();
    for call in &scenario.clients.get(client)?.calls {
        let target = &call.target.value;
        let one = visit(scenario, &target.node, &target.endpoint, DEEP)?;
        add(&mut all, repeated(&one, call.times.value)?, call.share);
    }
    Some(all)
}

/// How likely it is that a request ends well: each of its nodes is there with a probability of its own.
pub(super) fn product(ways: &Ways<'_>, up: &BTreeMap<&str, f64>) -> f64 {
    let there = |nodes: &BTreeSet<&str>| nodes.iter().map(|node| up.get(node).copied().unwrap_or(1.0)).product::<f64>();
    ways.iter().map(|(nodes, weight)| weight * there(nodes)).sum()
}

fn nothing<'s>() -> Ways<'s> {
    BTreeMap::from([(BTreeSet::new(), 1.0)])
}

fn add<'s>(to: &mut Ways<'s>, ways: Ways<'s>, share: f64) {
    for (nodes, weight) in ways {
        *to.entry(nodes).or_default() += weight * share;
    }
}

/// One after the other.
fn then<'s>(first: &Ways<'s>, next: &Ways<'s>) -> Option<Ways<'s>> {
    let mut all = Ways::new();
    for (a, p) in first {
        for (b, q) in next {
            *all.entry(a | b).or_default() += p * q;
        }
    }
    (all.len() <= MANY).then_some(all)
}

fn repeated<'s>(ways: &Ways<'s>, times: u32) -> Option<Ways<'s>> {
    let mut all = nothing();
    for _ in 0..times {
        all = then(&all, ways)?;
    }
    Some(all)
}

fn visit<'s>(scenario: &'s Scenario, node: &str, endpoint: &str, deep: usize) -> Option<Ways<'s>> {
    let (name, inner) = scenario.nodes.get_key_value(node)?;
    let program = inner.endpoints.get(endpoint).or_else(|| inner.endpoints.values().next());
    let error = program.map_or(0.0, |program| program.error_rate.value);
    let here = BTreeMap::from([(BTreeSet::from([name.as_str()]), 1.0 - error)]);
    let steps = program.map_or(&[][..], |program| program.steps.as_slice());
    then(&here, &sequence(scenario, steps, deep.checked_sub(1)?)?)
}

fn sequence<'s>(scenario: &'s Scenario, steps: &'s [Step], deep: usize) -> Option<Ways<'s>> {
    steps.iter().try_fold(nothing(), |all, step| then(&all, &one(scenario, step, deep)?))
}

/// A step, how often and how likely it is: as if there were no fallback, and every branch were needed.
fn one<'s>(scenario: &'s Scenario, step: &'s Step, deep: usize) -> Option<Ways<'s>> {
    let call = |call: &crate::scenario::written::Call| {
        visit(scenario, &call.target.value.node, &call.target.value.endpoint, deep)
    };
    let ways = match &step.verb {
        Verb::Work(_) | Verb::Wait(_) | Verb::Publish(_) => nothing(),
        Verb::Call(to) | Verb::Query(to) | Verb::Meter(to) => call(to)?,
        Verb::Cache { call: to, on_miss } => then(&call(to)?, &sequence(scenario, on_miss, deep)?)?,
        Verb::Transaction { database, steps } => {
            let (name, _) = scenario.nodes.get_key_value(&database.value)?;
            then(&BTreeMap::from([(BTreeSet::from([name.as_str()]), 1.0)]), &sequence(scenario, steps, deep)?)?
        }
        Verb::Remember { steps, .. } => sequence(scenario, steps, deep)?,
        Verb::Parallel { branches, .. } => {
            branches.iter().try_fold(nothing(), |all, branch| then(&all, &one(scenario, &branch.step, deep)?))?
        }
        Verb::Split(arms) => {
            let sum: f64 = arms.iter().map(|arm| arm.weight.value).sum();
            let mut all = Ways::new();
            for arm in arms {
                add(&mut all, sequence(scenario, &arm.steps, deep)?, arm.weight.value / sum);
            }
            all
        }
    };
    let ways = repeated(&ways, step.times.value)?;
    let likely = step.probability.value;
    if likely >= 1.0 {
        return Some(ways);
    }
    let mut all = Ways::new();
    add(&mut all, nothing(), 1.0 - likely);
    add(&mut all, ways, likely);
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Source, load};

    #[test]
    fn a_node_that_is_visited_twice_is_up_or_down_for_both() {
        let text = r#"
            version = 1
            [clients.users]
            calls = "web"
            rate = "1/s"
            [services.web]
            steps = [{ call = "pay", probability = "50%" }, "stock", { split = [{ weight = 1, steps = ["stock"] }, { weight = 3, steps = [] }] }]
            [services.pay]
            error_rate = "10%"
            [services.stock]
            steps = [{ parallel = [{ call = "pay" }, { query = "db" }] }]
            [databases.db]
        "#;
        let checked = load(&Source::text("product", text), &[]).unwrap();
        let ways = ways(&checked.scenario, "users").unwrap();
        let all = BTreeSet::from(["web", "pay", "stock", "db"]);
        // Everything is visited by every request; pay once, twice or three times.
        assert_eq!(ways.keys().collect::<Vec<_>>(), [&all]);
        let error_free = 0.5 * 1.9 * 0.9 * (0.25 * 0.9 + 0.75);
        assert!((ways[&all] - error_free).abs() < 1e-12, "{ways:?}");
        let up = BTreeMap::from([("db", 0.9), ("pay", 0.5)]);
        assert!((product(&ways, &up) - error_free * 0.45).abs() < 1e-12);
    }
}

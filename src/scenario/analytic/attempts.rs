//! Worst-case attempts: when the bottom fails, every layer above it that retries multiplies the tries.

use std::collections::BTreeMap;

use super::super::guarded::{of_client, tries};
use super::super::walk;
use crate::scenario::written::Scenario;

/// Rounds after which a circle of calls is given up; longer chains are rare.
const ROUNDS: usize = 64;

/// Tries of one client request at each node, at worst, over the path with most of them.
pub(super) fn worst(scenario: &Scenario) -> BTreeMap<&str, u64> {
    let mut at: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for client in scenario.clients.values() {
        let tries = tries(&of_client(scenario, client));
        for call in &client.calls {
            raise(&mut at, (&call.target.value.node, &call.target.value.endpoint), tries);
        }
    }
    for _ in 0..ROUNDS {
        let mut changed = false;
        for (name, node) in &scenario.nodes {
            for (endpoint, inner) in &node.endpoints {
                let Some(here) = at.get(&(name.as_str(), endpoint.as_str())).copied() else { continue };
                for call in walk::calls(inner) {
                    let plain = walk::transport_of(scenario, call).is_in_process();
                    let below = scenario.below(node, call).map_or(1, tries);
                    let each = if plain { 1 } else { tries(&scenario.guards(call)).saturating_mul(below) };
                    let target = &call.target.value;
                    changed |= raise(&mut at, (&target.node, &target.endpoint), here.saturating_mul(each));
                }
            }
        }
        if !changed {
            break;
        }
    }
    let mut nodes = BTreeMap::new();
    for ((node, _), tries) in at {
        let most = nodes.entry(node).or_insert(1);
        *most = tries.max(*most);
    }
    nodes
}

fn raise<'s>(at: &mut BTreeMap<(&'s str, &'s str), u64>, to: (&'s str, &'s str), tries: u64) -> bool {
    let known = at.entry(to).or_insert(0);
    let more = tries > *known;
    *known = tries.max(*known);
    more
}

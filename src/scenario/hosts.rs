//! Whose process a service runs in.
//!
//! A service that is only ever called as a function (`transport = "in-process"`) is a part of whoever calls it: it is built into
//! their process, released with them, and cannot be down without them. Where several call it so, each has a copy.

use std::collections::{BTreeMap, BTreeSet};

use super::walk::{calls, transport_of};
use super::written::{Node, NodeKind, Scenario};

/// Services, and those whose process they run in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hosts<'s> {
    /// By service that is a part of others: these.
    inside: BTreeMap<&'s str, BTreeSet<&'s str>>,
}

impl<'s> Hosts<'s> {
    /// Of a file.
    pub(crate) fn of(scenario: &'s Scenario) -> Self {
        let callers = functions(scenario);
        let hosts = callers.keys().map(|name| (*name, above(&callers, name)));
        // Without anybody around them they are nobody's part: functions that call each other alone.
        Self { inside: hosts.filter(|(_, hosts)| !hosts.is_empty()).collect() }
    }

    /// Whether it is a part of others, and no process of its own.
    pub(crate) fn is_inside(&self, name: &str) -> bool {
        self.inside.contains_key(name)
    }

    /// The services in whose processes something runs: itself, or those that it is a part of.
    pub(crate) fn around<'a>(&'a self, name: &'a str) -> Vec<&'a str> {
        self.inside.get(name).map_or_else(|| vec![name], |hosts| hosts.iter().copied().collect())
    }

    /// What a service has within its process besides itself.
    pub(crate) fn within(&self, host: &str) -> impl Iterator<Item = &'s str> {
        self.inside.iter().filter(move |(_, hosts)| hosts.contains(host)).map(|(name, _)| *name)
    }
}

/// Services that are called as functions and in no other way, each with its callers. Who is called by a client or over the network,
/// or takes messages, has a process of its own; and so has what a gateway calls, which is no service.
fn functions(scenario: &Scenario) -> BTreeMap<&str, BTreeSet<&str>> {
    let service = |name: &str| scenario.nodes.get(name).is_some_and(|node| node.kind == NodeKind::Service);
    let mut callers: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let clients = scenario.clients.values().flat_map(|client| &client.calls);
    let mut apart: BTreeSet<&str> = clients.map(|call| call.target.value.node.as_str()).collect();
    apart.extend(scenario.nodes.iter().filter(|(_, node)| !node.consumes.is_empty()).map(|(name, _)| name.as_str()));
    for (from, node) in &scenario.nodes {
        for call in node.programs().flat_map(calls).filter(|call| call.target.value.node != *from) {
            let to = call.target.value.node.as_str();
            if transport_of(scenario, call).is_in_process() && service(from) && service(to) {
                callers.entry(to).or_default().insert(from);
            } else {
                apart.insert(to);
            }
        }
    }
    callers.retain(|name, _| !apart.contains(name));
    callers
}

/// Who has a function in the end: its callers, and of those that are functions themselves whoever has them.
fn above<'s>(callers: &BTreeMap<&'s str, BTreeSet<&'s str>>, name: &str) -> BTreeSet<&'s str> {
    let (mut hosts, mut seen) = (BTreeSet::new(), BTreeSet::new());
    let mut open: Vec<&'s str> = callers[name].iter().copied().collect();
    while let Some(one) = open.pop() {
        match callers.get(one) {
            Some(more) if seen.insert(one) => open.extend(more),
            Some(_) => {}
            None => drop(hosts.insert(one)),
        }
    }
    hosts
}

/// Services and gateways and what else is a process of its own: all nodes but those that are parts of others, and third parties.
pub(crate) fn processes(scenario: &Scenario) -> impl Iterator<Item = (&str, &Node)> {
    let hosts = Hosts::of(scenario);
    let own = move |(name, node): &(&str, &Node)| node.kind != NodeKind::External && !hosts.is_inside(name);
    scenario.nodes.iter().map(|(name, node)| (name.as_str(), node)).filter(own)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Source;
    use crate::scenario::load;

    fn inside(steps: &[(&str, &str)]) -> Vec<(String, Vec<String>)> {
        let mut text = String::from("version = 1\n[clients.users]\ncalls = \"a\"\nrate = \"1/s\"\n");
        for (name, steps) in steps {
            text += &format!("[services.{name}]\nsteps = [{steps}]\n");
        }
        let checked = load(&Source::text("shop", &text), &[]).unwrap_or_else(|rejected| panic!("{rejected}"));
        let owned = |all: &BTreeSet<&str>| all.iter().map(|name| (*name).to_owned()).collect();
        Hosts::of(&checked.scenario).inside.iter().map(|(name, hosts)| ((*name).to_owned(), owned(hosts))).collect()
    }

    #[test]
    fn what_is_called_as_a_function_alone_is_a_part_of_its_callers() {
        let call = |to: &str| format!("{{ call = \"{to}\", transport = \"in-process\" }}");
        let (b, c) = (call("b"), call("c"));
        // Of a caller, and of whoever has the caller.
        let part =
            |name: &str, hosts: &[&str]| (name.to_owned(), hosts.iter().map(|host| (*host).to_owned()).collect());
        assert_eq!(inside(&[("a", &b), ("b", &c), ("c", "")]), [part("b", &["a"]), part("c", &["a"])]);
        // A copy each.
        assert_eq!(inside(&[("a", &format!("{b}, \"d\"")), ("d", &b), ("b", "")]), [part("b", &["a", "d"])]);
        // Over the network, too: a process of its own.
        assert!(inside(&[("a", &format!("{b}, \"b\"")), ("b", "")]).is_empty());
    }
}

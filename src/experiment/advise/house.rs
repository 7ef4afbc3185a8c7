//! The file as a whole held against the rules: how services find each other, whether a mesh earns its keep, who is the entry.

use std::collections::BTreeSet;

use serde::Serialize;

use super::Fit;
use crate::model::discovery::Kind as Found;
use crate::scenario::written::{Call, How, Node, NodeKind, Scenario, Tls, on};
use crate::scenario::{Checked, each_call, transport_of};

/// What a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// How services find each other, and what stands beside them.
    Discovery,
    /// How clients come in.
    Entry,
}

/// What a rule says of the whole file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Whole {
    /// What it is about.
    pub subject: Subject,
    /// What is there.
    pub there: String,
    /// What fits.
    pub pattern: &'static str,
    /// Whether that is what is there.
    pub fit: Fit,
    /// By which rule.
    pub why: String,
}

/// Below so many services, names and retries in the application do.
const FEW: usize = 10;

/// From more than so many on, a mesh is worth its price where calls between services are to be encrypted.
const MANY: usize = 20;

/// What is said of the whole file.
pub(super) fn whole(checked: &Checked) -> Vec<Whole> {
    let scenario = &checked.scenario;
    let mut all = vec![discovery(scenario)];
    all.extend(entry(scenario));
    all
}

fn services(scenario: &Scenario) -> usize {
    scenario.nodes.values().filter(|node| node.kind == NodeKind::Service).count()
}

/// Whether calls between services are encrypted, or are to be: by the mesh, or by the transport of any of them.
fn is_sealed(scenario: &Scenario) -> bool {
    let mesh = scenario.mesh.as_ref().is_some_and(|mesh| mesh.mtls.value && !mesh.mtls.is_default());
    let sealed = |call: &&Call| match transport_of(scenario, call) {
        How::Over(spec) => {
            spec.connections.as_ref().is_some_and(|all| all.tls.value != Tls::None && !all.tls.is_default())
        }
        How::InProcess => false,
    };
    let programs = scenario.nodes.values().flat_map(Node::programs);
    mesh || programs.flat_map(each_call).any(|call| sealed(&call))
}

/// Whether a mesh is what fits.
pub(super) fn wants_mesh(scenario: &Scenario) -> bool {
    services(scenario) > MANY && is_sealed(scenario)
}

fn discovery(scenario: &Scenario) -> Whole {
    let (n, sealed) = (services(scenario), is_sealed(scenario));
    let meshed = scenario.mesh.is_some() || scenario.discovery.kind.value == Found::Mesh;
    let fixed = scenario.discovery.kind.value == Found::Static;
    let there = match scenario.discovery.kind.value {
        _ if scenario.mesh.is_some() => "a mesh",
        Found::Static => "fixed addresses",
        Found::Dns => "DNS",
        Found::Kubernetes => "a virtual address each",
        Found::Mesh => "every caller has the list",
    };
    let told =
        |pattern, fit, why: String| Whole { subject: Subject::Discovery, there: there.into(), pattern, fit, why };
    let few = format!("{n} service{}", if n == 1 { "" } else { "s" });
    match (n > MANY, n < FEW) {
        (true, _) if sealed => {
            let fit = if meshed { Fit::Fits } else { Fit::Change };
            told("a mesh", fit, format!("{few} that are to encrypt what they say to each other"))
        }
        (_, true) if meshed => {
            told("DNS", Fit::MoreThanNeeded, format!("{few}: names and retries in the application do"))
        }
        (true, _) if meshed => told(
            "DNS",
            Fit::Either,
            format!("{few}, of which no call is said to be encrypted: a mesh pays by what else it does"),
        ),
        (_, true) if fixed => {
            told("DNS", Fit::Either, format!("{few}: fixed addresses do as long as none of them moves"))
        }
        _ if fixed => told("DNS", Fit::Change, format!("{few}: fixed addresses are too many to be kept by hand")),
        _ if meshed => told("DNS or a mesh", Fit::Either, format!("{few}: a matter of taste, and of who runs it")),
        _ => told("DNS", Fit::Fits, format!("{few}: names, and retries in the application, do")),
    }
}

/// How clients come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Door<'s> {
    /// They know one service alone.
    One,
    /// They know so many services.
    Several(usize),
    /// By a gateway that stands before several, verifies, translates or limits.
    Gateway(&'s str),
    /// By a gateway that does nothing, before one service.
    Needless(&'s str),
}

/// How clients come in; nothing where they call no service.
pub(super) fn door(scenario: &Scenario) -> Option<Door<'_>> {
    let calls = scenario.clients.values().flat_map(|client| &client.calls);
    let called: BTreeSet<&str> = calls.map(|call| call.target.value.node.as_str()).collect();
    let kind = |name: &&&str| scenario.nodes.get(**name).map(|node| node.kind);
    let gateways: Vec<&&str> = called.iter().filter(|name| kind(name) == Some(NodeKind::Gateway)).collect();
    let services = called.iter().filter(|name| kind(name) == Some(NodeKind::Service)).count();
    match (gateways.first(), services) {
        (None, 0) => None,
        (None, 1) => Some(Door::One),
        (None, n) => Some(Door::Several(n)),
        (Some(name), n) if behind(scenario, name) > 1 || n > 0 || does_something(scenario, name) => {
            Some(Door::Gateway(name))
        }
        (Some(name), _) => Some(Door::Needless(name)),
    }
}

/// Whether there are so many services with fixed addresses that nobody keeps these by hand.
pub(super) fn are_many_addresses(scenario: &Scenario) -> bool {
    services(scenario) >= FEW
}

fn entry(scenario: &Scenario) -> Option<Whole> {
    let told = |there: String, pattern, fit, why: String| Whole { subject: Subject::Entry, there, pattern, fit, why };
    let gateway = |name: &str| if name.contains("gateway") { name.to_owned() } else { format!("gateway {name}") };
    Some(match door(scenario)? {
        Door::One => told("one service".into(), "none", Fit::Fits, "clients know one service alone".into()),
        Door::Several(n) => {
            let why =
                format!("clients know {n} services: one address for all, and what is asked of everybody asked once");
            told(format!("{n} services"), "a gateway", Fit::Change, why)
        }
        Door::Gateway(name) => {
            let why = "one address for all clients, and what is asked of everybody asked once".into();
            told(gateway(name), "a gateway", Fit::Fits, why)
        }
        Door::Needless(name) => {
            let why = "one service alone stands behind it, and it neither verifies nor limits: a hop that buys nothing";
            told(gateway(name), "none", Fit::MoreThanNeeded, why.into())
        }
    })
}

/// How many services a gateway leads to.
fn behind(scenario: &Scenario, gateway: &str) -> usize {
    let programs = scenario.nodes.get(gateway).into_iter().flat_map(Node::programs);
    let called: BTreeSet<&str> = programs.flat_map(each_call).map(|call| call.target.value.node.as_str()).collect();
    called.len()
}

/// Whether a gateway verifies, translates or limits.
fn does_something(scenario: &Scenario, gateway: &str) -> bool {
    let Some(node) = scenario.nodes.get(gateway) else { return false };
    let edge = node.gate.as_ref().and_then(|gate| gate.edge.as_ref());
    edge.is_some_and(|edge| on(&edge.auth).is_some() || edge.inside.is_some()) || on(&node.door.rate_limit).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Source;
    use crate::scenario::load;

    fn told(services: usize, more: &str) -> Vec<(Subject, &'static str, Fit)> {
        let mut text = String::from("version = 1\n[clients.users]\ncalls = \"s0\"\nrate = \"1/s\"\n");
        for at in 0..services {
            text += &format!("[services.s{at}]\nwork = \"1ms\"\n");
            if at + 1 < services {
                text += &format!("steps = [\"s{}\"]\n", at + 1);
            }
        }
        let checked = load(&Source::text("shop", &(text + more)), &[]).unwrap_or_else(|rejected| panic!("{rejected}"));
        whole(&checked).into_iter().map(|one| (one.subject, one.pattern, one.fit)).collect()
    }

    #[test]
    fn a_mesh_is_for_many_that_encrypt() {
        let dns = "[discovery]\nkind = \"dns\"\n";
        assert_eq!(told(5, dns)[0], (Subject::Discovery, "DNS", Fit::Fits));
        assert_eq!(told(5, "[mesh]\n")[0].2, Fit::MoreThanNeeded);
        assert_eq!(told(25, "[mesh]\nmtls = true\n")[0], (Subject::Discovery, "a mesh", Fit::Fits));
        assert_eq!(told(25, "[mesh]\n")[0].2, Fit::Either);
        assert_eq!(told(25, dns)[0].2, Fit::Fits);
        assert_eq!(told(3, "")[0].2, Fit::Either);
        assert_eq!(told(30, "")[0], (Subject::Discovery, "DNS", Fit::Change));
    }

    #[test]
    fn several_services_that_clients_know_want_a_gateway() {
        assert_eq!(told(2, "")[1], (Subject::Entry, "none", Fit::Fits));
        let more = "[clients.others]\ncalls = \"s1\"\nrate = \"1/s\"\n";
        assert_eq!(told(2, more)[1], (Subject::Entry, "a gateway", Fit::Change));
    }
}

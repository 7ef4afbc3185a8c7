//! Ways about the file as a whole: who stands before it, how services find each other, and one event for what several queues carry.

use std::collections::{BTreeMap, BTreeSet};

use super::house::{self, Door};
use super::way::{Finder, Kind};
use crate::model::discovery::Kind as Found;
use crate::scenario::edit::{Edit, apply, sends_as_one_event, with_gateway, without, without_gateway};
use crate::scenario::written::{Endpoint, Node, NodeKind, Tls, Verb, Zone};
use crate::scenario::{each_call, each_step};

impl Finder<'_> {
    /// A gateway where clients know several services, and none where it leads to one alone and does nothing.
    pub(super) fn doors(&mut self) {
        match house::door(self.scenario()) {
            Some(Door::Several(_)) => self.gateway(),
            Some(Door::Needless(name)) => {
                let name = name.to_owned();
                self.no_gateway(&name);
            }
            _ => {}
        }
    }

    fn gateway(&mut self) {
        let scenario = self.scenario();
        let service = |name: &str| scenario.nodes.get(name).filter(|node| node.kind == NodeKind::Service);
        let called = scenario.clients.values().flat_map(|client| &client.calls).map(|call| &call.target.value);
        let targets: BTreeSet<String> =
            called.filter(|target| service(&target.node).is_some()).map(ToString::to_string).collect();
        let targets: Vec<String> = targets.into_iter().collect();
        // Where all of them stand in one place it stands there, too.
        let text = |zone: &Zone| {
            let parts = [Some(&zone.region), zone.zone.as_ref(), zone.host.as_ref()];
            parts.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join("/")
        };
        let zones: BTreeSet<Option<String>> = targets
            .iter()
            .filter_map(|target| service(crate::graph::End::of(target).node))
            .map(|node| node.zone.value.as_ref().map(text))
            .collect();
        let zone = zones.iter().next().cloned().flatten().filter(|_| zones.len() == 1);
        let text = with_gateway(&without(&self.checked.source, "variants"), &targets, zone.as_deref());
        let Some((text, name)) = text else { return };
        let notes = vec![
            format!(
                "`{name}` leads on and does nothing else: verifying, limiting and gathering answers are said there"
            ),
            "a replica more to be run, whose cores are told; its outage is everybody's".into(),
        ];
        self.add(format!("gateway before {} services", targets.len()), Kind::Gateway, None, notes, text);
    }

    fn no_gateway(&mut self, gateway: &str) {
        let scenario = self.scenario();
        let mut leads = BTreeMap::new();
        for (name, client) in &scenario.clients {
            for (at, call) in client.calls.iter().enumerate().filter(|(_, call)| call.target.value.node == gateway) {
                let program =
                    scenario.nodes[gateway].programs().find(|one| one.name.value == call.target.value.endpoint);
                let Some(target) = program.and_then(led_to) else {
                    self.refused.push(format!("no {gateway}: what `{}` does is more than a call", call.target.value));
                    return;
                };
                leads.insert((name.clone(), at), target);
            }
        }
        let text = without_gateway(&without(&self.checked.source, "variants"), gateway, &leads);
        let Some(text) = text else { return };
        let notes =
            vec!["clients know the service by its own address; timeouts and retries of its call go with it".into()];
        self.add(format!("no {gateway}"), Kind::NoGateway, None, notes, text);
    }

    /// Names where there are too many fixed addresses.
    pub(super) fn names(&mut self) {
        let scenario = self.scenario();
        let fixed = scenario.discovery.kind.value == Found::Static && scenario.mesh.is_none();
        if !fixed || !house::are_many_addresses(scenario) {
            return;
        }
        let moves = self.most_called();
        if let Some(text) = self.edited(&[("discovery.kind", "dns")]) {
            let notes = vec!["an answer is kept for 30s, as long as nobody says another ttl".into()];
            self.add("DNS for fixed addresses".into(), Kind::Names, None, notes, text);
            self.ways.last_mut().into_iter().for_each(|way| way.moves.clone_from(&moves));
        }
    }

    /// A mesh where many encrypt what they say by themselves.
    pub(super) fn mesh(&mut self) {
        let scenario = self.scenario();
        if scenario.mesh.is_some() || scenario.discovery.kind.value == Found::Mesh || !house::wants_mesh(scenario) {
            return;
        }
        let services = scenario.nodes.values().filter(|node| node.kind == NodeKind::Service).count();
        let sealed = |spec: &crate::scenario::written::TransportSpec| {
            spec.connections.as_ref().is_some_and(|all| all.tls.value != Tls::None && !all.tls.is_default())
        };
        let bare: Vec<String> = scenario
            .transports
            .iter()
            .filter(|(_, spec)| sealed(spec))
            .map(|(name, _)| format!("transports.{name}.connections.tls"))
            .collect();
        let mut edits = vec![("mesh.mtls", "true")];
        edits.extend(bare.iter().map(|path| (path.as_str(), "none")));
        if let Some(text) = self.edited(&edits) {
            let notes = vec![format!(
                "certificates are renewed, and who may call whom is said, in one place instead of in {services} services: no run \
                 shows that"
            )];
            self.add("a mesh that encrypts".into(), Kind::Mesh, None, notes, text);
        }
    }

    fn edited(&self, edits: &[(&str, &str)]) -> Option<crate::diag::Source> {
        let edit = |(path, value): &(&str, &str)| Edit {
            path: (*path).into(),
            value: (*value).into(),
            origin: "way out".into(),
        };
        let edits: Vec<Edit> = edits.iter().map(edit).collect();
        apply(&without(&self.checked.source, "variants"), &edits).ok().map(|edited| edited.0)
    }

    /// The service that most others call.
    fn most_called(&self) -> Option<String> {
        let scenario = self.scenario();
        let mut callers: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (from, node) in &scenario.nodes {
            for call in node.programs().flat_map(each_call) {
                let to = call.target.value.node.as_str();
                let service = scenario.nodes.get(to).is_some_and(|node| node.kind == NodeKind::Service);
                if service && to != from {
                    callers.entry(to).or_default().insert(from);
                }
            }
        }
        let most = callers.iter().max_by(|a, b| a.1.len().cmp(&b.1.len()).then_with(|| b.0.cmp(a.0)));
        most.map(|(name, _)| (*name).to_owned())
    }

    /// What a service sends to several queues, each program of it to all of them, as one event.
    pub(super) fn one_event(&mut self) {
        let senders: Vec<String> = self.scenario().nodes.keys().cloned().collect();
        for from in senders {
            let Some(queues) = self.told_alike(&from) else { continue };
            let scenario = self.scenario();
            let taken = |node: &Node| {
                node.crowd(|one| queues.contains(&one.from.value)) * u64::from(node.replicas.value)
            };
            // As many partitions as the widest of those who read has consumers.
            let most = scenario.nodes.values().map(taken).max().unwrap_or(1).max(1);
            let partitions = u32::try_from(most).unwrap_or(u32::MAX);
            let names: Vec<&str> = queues.iter().map(String::as_str).collect();
            let text = sends_as_one_event(&self.checked.source, &from, &names, partitions);
            let Some((text, topic)) = text else { continue };
            let notes = vec![
                format!("takes it that all of them are told the same; each reads `{topic}` by itself"),
                "what a queue said of redelivery, capacity and dead letters is to be said of each reader".into(),
            ];
            self.add(format!("one stream: {from} -> {}", names.join(", ")), Kind::Stream, None, notes, text);
            self.all_of(&from, names.iter().copied());
        }
    }

    /// Queues of one sender, two and more, that every program of it tells together, each read by one other service.
    fn told_alike(&self, from: &str) -> Option<Vec<String>> {
        let scenario = self.scenario();
        let sent = |program: &Endpoint| {
            let mut all = BTreeSet::new();
            each_step(&program.steps, &mut |step| match &step.verb {
                Verb::Publish(publish) if scenario.queues.contains_key(&publish.to.value) => {
                    all.insert(publish.to.value.clone());
                }
                _ => {}
            });
            all
        };
        let of = |name: &str| -> Vec<BTreeSet<String>> {
            scenario.nodes[name].programs().map(sent).filter(|all| !all.is_empty()).collect()
        };
        let own = of(from);
        let queues = own.first().filter(|first| first.len() > 1 && own.iter().all(|one| one == *first))?;
        let others = scenario.nodes.keys().filter(|name| *name != from).flat_map(|name| of(name));
        let apart = others.flatten().all(|queue| !queues.contains(&queue));
        let reads = |node: &Node, queue: &String| node.consumes.iter().any(|one| one.from.value == *queue);
        let readers = |queue: &String| -> Vec<&String> {
            scenario.nodes.iter().filter(|(_, node)| reads(node, queue)).map(|(name, _)| name).collect()
        };
        let each: BTreeSet<&String> = queues.iter().flat_map(readers).collect();
        let once = queues.iter().all(|queue| readers(queue).len() == 1) && each.len() == queues.len();
        (apart && once).then(|| queues.iter().cloned().collect())
    }
}

/// Whom a program leads to, where it does nothing else for certain.
fn led_to(program: &Endpoint) -> Option<String> {
    let calls = each_call(program);
    let [call] = calls[..] else { return None };
    (program.steps.len() == 1).then(|| call.target.value.to_string())
}

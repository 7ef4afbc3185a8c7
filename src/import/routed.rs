//! Where requests for a name go: a name is one workload or several, by the labels of their pods and the weights of a mesh; and what a
//! mesh does to requests on purpose.
//!
//! What others found out about a name, traces above all, is true of each of the workloads behind it as far as anybody can tell. A
//! service's own pods share its requests alike, so that of several workloads each has as many as it has replicas.

use std::collections::{BTreeMap, BTreeSet};

use super::draft::share;
use super::found::{Client, Found, From, Go, Node, Split, Step};
use super::names::node_name;
use super::often::Often;

/// What pods are called by.
pub(super) type Labels = BTreeMap<String, String>;

/// One of those that a name stands for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct To {
    pub(super) host: String,
    pub(super) subset: Option<String>,
    pub(super) weight: f64,
}

/// What happens to requests on purpose: a delay and its share of them, and the share that fails.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Injected {
    pub(super) delay: Option<(String, f64)>,
    pub(super) abort: Option<f64>,
}

/// Nodes behind a name, each with its weight.
type Ways = Vec<(String, f64)>;

/// What is known of names.
#[derive(Debug, Default)]
pub(super) struct Routing {
    /// Workloads by the labels of their pods.
    workloads: BTreeMap<String, Labels>,
    /// Services: which pods they are.
    selectors: BTreeMap<String, Labels>,
    subsets: BTreeMap<(String, String), Labels>,
    routes: BTreeMap<String, From<Vec<To>>>,
    injected: BTreeMap<String, From<Injected>>,
}

impl Routing {
    /// A workload and its pods' labels.
    pub(super) fn runs(&mut self, workload: &str, labels: &Labels) {
        self.workloads.insert(workload.to_owned(), labels.clone());
    }

    /// A service is all pods with these labels.
    pub(super) fn selects(&mut self, service: String, labels: Labels) {
        if !labels.is_empty() {
            self.selectors.insert(service, labels);
        }
    }

    /// A part of a service is its pods that have these labels, too.
    pub(super) fn divides(&mut self, host: String, subset: String, labels: Labels) {
        self.subsets.insert((host, subset), labels);
    }

    /// Requests for a name go there; of several rules the first counts.
    pub(super) fn sends(&mut self, host: String, to: From<Vec<To>>) {
        self.routes.entry(host).or_insert(to);
    }

    /// Requests for a name meet that.
    pub(super) fn injects(&mut self, host: String, injected: From<Injected>) {
        self.injected.entry(host).or_insert(injected);
    }
}

impl Found {
    /// Whether rules are about anybody.
    pub(super) fn has_hosts(&self) -> bool {
        !(self.routing.routes.is_empty() && self.routing.injected.is_empty() && self.policies.is_empty())
    }

    /// The names that rules are about, and those of several workloads, where nothing else was found. As long as nobody is known to call
    /// anybody, users call these; else nobody does, and what is said of them does nothing.
    pub(super) fn hosts(&mut self) {
        let routing = &self.routing;
        let ruled: BTreeSet<String> = routing
            .routes
            .keys()
            .chain(routing.injected.keys())
            .chain(self.policies.keys())
            .filter(|host| !self.nodes.contains_key(*host))
            .cloned()
            .collect();
        let served = routing.selectors.iter().filter(|(host, labels)| {
            let own = self.behind(host, None, 1.0, labels);
            !self.nodes.contains_key(*host) && own.iter().any(|(node, _)| node != *host)
        });
        let served: BTreeSet<String> = served.map(|(host, _)| host.clone()).collect();
        if self.clients.values().any(|client| !client.calls.is_empty()) {
            for host in ruled {
                self.flag(format!("nobody in the input calls {host}: what rules of the mesh say of it is left out"));
            }
            return;
        }
        for host in ruled.union(&served) {
            self.node(host);
        }
    }

    /// Whoever stands behind a name that is not only themselves, and where that is said.
    pub(super) fn ways(&self) -> BTreeMap<String, From<Ways>> {
        let routing = &self.routing;
        let mut all = BTreeMap::new();
        for (host, labels) in &routing.selectors {
            let ways = self.behind(host, None, 1.0, labels);
            all.insert(host.clone(), From::new(ways, format!("Service {host}, as many as each has replicas")));
        }
        for (host, route) in &routing.routes {
            let mut ways: Ways = Vec::new();
            for to in &route.value {
                let none = Labels::new();
                let labels = routing.selectors.get(&to.host).unwrap_or(&none);
                ways.extend(self.behind(&to.host, to.subset.as_deref(), to.weight, labels));
            }
            all.insert(host.clone(), From::new(ways, route.origin.clone()));
        }
        let itself = |host: &String, ways: &Ways| ways.iter().all(|(node, _)| node == host);
        all.retain(|host, ways| self.nodes.contains_key(host) && !itself(host, &ways.value));
        all
    }

    /// The workloads that a host's pods belong to, or a part of them; a part that no workload has is a node of its own.
    fn behind(&self, host: &str, subset: Option<&str>, weight: f64, selector: &Labels) -> Ways {
        let routing = &self.routing;
        let part = subset.and_then(|subset| routing.subsets.get(&(host.to_owned(), subset.to_owned())));
        let mut wanted = selector.clone();
        if wanted.is_empty() {
            wanted.insert("app".into(), host.to_owned());
        }
        wanted.extend(part.cloned().unwrap_or_default());
        let has = |labels: &Labels| wanted.iter().all(|(key, value)| labels.get(key) == Some(value));
        let known = subset.is_none() || part.is_some();
        let pods = routing.workloads.iter().filter(|(_, labels)| known && has(labels)).map(|(name, _)| name);
        let pods: Vec<(String, f64)> = pods.map(|name| (name.clone(), self.replicas_of(name))).collect();
        let all: f64 = pods.iter().map(|(_, replicas)| replicas).sum();
        if pods.is_empty() {
            let name = subset.map_or(host.to_owned(), |subset| node_name(&format!("{host}-{subset}")));
            return vec![(name, weight)];
        }
        pods.into_iter().map(|(name, replicas)| (name, weight * replicas / all)).collect()
    }

    fn replicas_of(&self, name: &str) -> f64 {
        self.nodes.get(name).and_then(|node| node.replicas.as_ref()).map_or(1.0, |replicas| replicas.value as f64)
    }

    /// Sends everybody where the names lead, and says what happens on the way.
    pub(super) fn route(&mut self, ways: &BTreeMap<String, From<Ways>>) {
        for (host, to) in ways {
            self.divide(host, to);
        }
        let injected = std::mem::take(&mut self.routing.injected);
        for (host, what) in injected {
            let to = ways
                .get(&host)
                .map_or(vec![host.clone()], |to| to.value.iter().map(|(node, _)| node.clone()).collect());
            let edges: Vec<String> = to
                .iter()
                .flat_map(|to| self.callers(to).into_iter().map(move |from| format!("{from} -> {to}")))
                .collect();
            if edges.is_empty() {
                self.flag(format!("{}: nobody in the input calls {host}, so its faults are left out", what.origin));
            }
            self.faults.extend(
                edges.iter().flat_map(|edge| what.value.faults(edge)).map(|text| From::new(text, what.origin.clone())),
            );
        }
    }

    /// A name becomes those behind it: they do what was found of it, and whoever called it calls them.
    fn divide(&mut self, host: &str, to: &From<Ways>) {
        let kept = to.value.iter().any(|(node, _)| node == host);
        if let Some(whole) = self.nodes.remove(host) {
            let most = to.value.iter().max_by(|a, b| a.1.total_cmp(&b.1)).map(|(node, _)| node.clone());
            for (node, _) in &to.value {
                let own = self.nodes.entry(node.clone()).or_default();
                own.take_after(&whole, most.as_ref() == Some(node));
            }
        }
        self.readdress(host, to);
        let names = || to.value.iter().map(|(node, _)| node.clone());
        if let Some(policy) = if kept { self.policies.get(host).cloned() } else { self.policies.remove(host) } {
            for node in names() {
                self.policies.entry(node).or_insert_with(|| policy.clone());
            }
        }
        let links: Vec<((String, String), From<String>)> = self
            .links
            .iter()
            .filter(|((from, into), _)| from == host || into == host)
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect();
        for ((from, into), law) in links {
            for node in names() {
                let name = |own: &String| if own == host { node.clone() } else { own.clone() };
                self.links.entry((name(&from), name(&into))).or_insert_with(|| law.clone());
            }
        }
    }

    /// Steps and clients that lead to a name lead to those behind it.
    fn readdress(&mut self, host: &str, to: &From<Ways>) {
        for node in self.nodes.values_mut() {
            for endpoint in node.endpoints.values_mut().chain(node.consumes.values_mut()) {
                endpoint.steps.iter_mut().for_each(|step| step.readdress(host, to));
            }
        }
        let all: f64 = to.value.iter().map(|(_, weight)| weight).sum();
        for Client { calls, .. } in self.clients.values_mut() {
            let old = std::mem::take(calls);
            for (node, endpoint, part) in old {
                if node == host {
                    calls.extend(
                        to.value.iter().map(|(to, weight)| (to.clone(), endpoint.clone(), part * weight / all)),
                    );
                } else {
                    calls.push((node, endpoint, part));
                }
            }
        }
    }

    /// Whoever calls a node.
    fn callers(&self, to: &str) -> Vec<String> {
        let calls = |step: &Step| step.goes().iter().any(|go| !go.message && go.node == to);
        let of =
            |node: &Node| node.endpoints.values().chain(node.consumes.values()).flat_map(|own| &own.steps).any(calls);
        let clients = self.clients.iter().filter(|(_, client)| client.calls.iter().any(|(node, ..)| node == to));
        let mut all: Vec<String> = clients.map(|(name, _)| name.clone()).collect();
        all.extend(
            self.nodes.iter().filter(|(name, node)| name.as_str() != to && of(node)).map(|(name, _)| name.clone()),
        );
        all
    }
}

impl Injected {
    /// Faults of an edge, as tables of a scenario.
    fn faults(&self, edge: &str) -> Vec<String> {
        let table = |kind: &str, keys: String| format!("kind = \"{kind}\"\ntarget = \"{edge}\"\nat = \"0s\"\n{keys}");
        let delay = self
            .delay
            .iter()
            .map(|(long, part)| table("latency", format!("add = \"{long}\"\nprobability = {}\n", share(*part))));
        let abort = self.abort.iter().map(|part| table("errors", format!("probability = {}\n", share(*part))));
        delay.chain(abort).collect()
    }
}

impl Node {
    /// Does what another does, where it has nothing of its own; messages are read by one alone.
    fn take_after(&mut self, whole: &Self, reads: bool) {
        self.kind = whole.kind;
        for (name, own) in &whole.endpoints {
            self.endpoints.entry(name.clone()).or_insert_with(|| own.clone());
        }
        if reads {
            self.consumes.extend(whole.consumes.iter().map(|(from, own)| (from.clone(), own.clone())));
        }
        self.replicas = self.replicas.take().or_else(|| whole.replicas.clone());
        self.cores = self.cores.take().or_else(|| whole.cores.clone());
        self.autoscale = self.autoscale.take().or_else(|| whole.autoscale.clone());
        self.requested = self.requested.or(whole.requested);
        self.ready_after = self.ready_after.take().or_else(|| whole.ready_after.clone());
    }
}

impl Step {
    fn readdress(&mut self, host: &str, to: &From<Ways>) {
        match self {
            Self::Go(go) if !go.message && go.node == host => match to.value.as_slice() {
                [(only, _)] => only.clone_into(&mut go.node),
                ways => *self = Self::Split(Split::of(go, ways, &to.origin)),
            },
            Self::Parallel(all) => all.iter_mut().for_each(|step| step.readdress(host, to)),
            Self::Split(split) => split.ways.iter_mut().for_each(|(_, go)| {
                if let ([(only, _)], true) = (to.value.as_slice(), go.node == host) {
                    only.clone_into(&mut go.node);
                }
            }),
            Self::Go(_) | Self::Wait(_) => {}
        }
    }
}

impl Split {
    /// A call that goes to one of several.
    fn of(go: &Go, ways: &[(String, f64)], origin: &str) -> Self {
        let one =
            |node: &String| Go { node: node.clone(), often: Often::default(), origin: String::new(), ..go.clone() };
        Self {
            ways: ways.iter().map(|(node, weight)| (*weight, one(node))).collect(),
            often: go.often.clone(),
            origin: [go.origin.as_str(), origin]
                .into_iter()
                .filter(|text| !text.is_empty())
                .collect::<Vec<_>>()
                .join("; "),
        }
    }
}

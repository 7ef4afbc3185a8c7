//! Compose files: which services there are. Who calls whom they do not say: `depends_on` is about the order of starting.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::draft::OPEN;
use super::found::{COUNTLESS, Found, From, Go, Kind, Step, circles};
use super::names::node_name;

#[derive(Debug, Deserialize)]
struct File {
    services: BTreeMap<String, Option<Service>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Service {
    image: Option<String>,
    depends_on: Depends,
    deploy: Option<Deploy>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Depends {
    List(Vec<String>),
    Map(BTreeMap<String, serde_json::Value>),
}

impl Default for Depends {
    fn default() -> Self {
        Self::List(Vec::new())
    }
}

impl Depends {
    fn names(&self) -> Vec<&String> {
        match self {
            Self::List(names) => names.iter().collect(),
            Self::Map(names) => names.keys().collect(),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Deploy {
    replicas: Option<u64>,
    resources: Resources,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Resources {
    limits: Limits,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Limits {
    cpus: Option<super::kubernetes::Amount>,
}

/// Words by which an image of a store is known, and of a broker.
const STORES: [&str; 11] = [
    "mongo",
    "mysql",
    "mariadb",
    "postgres",
    "cassandra",
    "redis",
    "memcached",
    "elasticsearch",
    "cockroach",
    "valkey",
    "etcd",
];
const BROKERS: [&str; 5] = ["rabbitmq", "kafka", "nats", "activemq", "pulsar"];

/// Reads a file.
pub(super) fn read(text: &str, found: &mut Found) -> Result<(), String> {
    let file: File = serde_saphyr::from_str(text).map_err(|error| super::kind::yaml(&error))?;
    let image = |service: &Option<Service>| service.as_ref().and_then(|own| own.image.clone()).unwrap_or_default();
    let named = |service: &Option<Service>, words: &[&str]| words.iter().any(|word| image(service).contains(word));
    let known: BTreeSet<String> = file.services.keys().map(|name| node_name(name)).collect();
    for (name, service) in &file.services {
        let name = node_name(name);
        if named(service, &BROKERS) {
            found.flag(format!(
                "{name} is a broker by its image: who sends and who reads what is not in a compose file"
            ));
            continue;
        }
        let node = found.node(&name);
        if named(service, &STORES) {
            node.kind = Kind::Database;
        }
        let deploy = service.as_ref().and_then(|own| own.deploy.as_ref());
        if let Some(replicas) = deploy.and_then(|deploy| deploy.replicas).filter(|n| *n > 0) {
            node.replicas = Some(From::new(replicas.min(COUNTLESS), "deploy.replicas"));
        }
        if let Some(cores) =
            deploy.and_then(|deploy| deploy.resources.limits.cpus.as_ref()).and_then(super::kubernetes::cores)
        {
            node.cores.get_or_insert(cores);
        }
    }
    let mut arrows: Vec<(String, String)> = Vec::new();
    for (name, service) in
        file.services.iter().filter(|(_, service)| !named(service, &BROKERS) && !named(service, &STORES))
    {
        let names = service.iter().flat_map(|own| own.depends_on.names()).map(|on| node_name(on));
        arrows.extend(names.filter(|on| known.contains(on)).map(|on| (node_name(name), on)));
    }
    let closing = circles(arrows.iter());
    for (from, to) in arrows {
        if !found.nodes.contains_key(&to) || closing.contains(&(from.clone(), to.clone())) {
            continue;
        }
        let origin = format!("{} it depends_on this to start; does it call it?", OPEN.trim_start_matches("# "));
        let go = Go { node: to, endpoint: Some(String::new()), origin, ..Go::default() };
        let steps = &mut found.endpoint(&from, "").steps;
        if !steps.iter().any(|step| matches!(step, Step::Go(other) if other.node == go.node)) {
            steps.push(Step::Go(go));
        }
    }
    found.flag("a compose file says who starts after whom, not who calls whom: every call below is a question");
    Ok(())
}

//! Graphs of isotope, Istio's generator of test topologies: services with a script of calls, sleeps, and lists of what is done at
//! the same time.
//!
//! Format: istio/tools, `isotope/README.md`.

use serde::Deserialize;

use super::found::{COUNTLESS, Client, Found, From, Go, Step};
use super::names::node_name;
use super::often::Often;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Graph {
    #[serde(default)]
    defaults: Service,
    services: Vec<Service>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Service {
    name: String,
    is_entrypoint: bool,
    num_replicas: Option<u64>,
    error_rate: Option<Loose>,
    script: Option<Vec<Command>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Command {
    Together(Vec<Command>),
    One(One),
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct One {
    call: Option<Call>,
    sleep: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Call {
    Name(String),
    Full {
        service: String,
        #[serde(default)]
        probability: Option<f64>,
    },
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Loose {
    Number(f64),
    Text(String),
}

/// Reads a graph.
pub(super) fn read(text: &str, found: &mut Found) -> Result<(), String> {
    let graph: Graph = serde_saphyr::from_str(text).map_err(|error| super::kind::yaml(&error))?;
    let all = &graph.services;
    let defaults = &graph.defaults;
    for service in all {
        let name = node_name(&service.name);
        let node = found.node(&name);
        let (replicas, origin) = match service.num_replicas {
            Some(own) => (Some(own), "numReplicas"),
            None => (defaults.num_replicas, "defaults.numReplicas"),
        };
        let replicas = replicas.filter(|n| *n > 0).map_or((1, "isotope's default"), |n| (n.min(COUNTLESS), origin));
        if node.replicas.is_none() {
            node.replicas = Some(From::new(replicas.0, replicas.1));
        }
        let script = service.script.as_ref().or(defaults.script.as_ref());
        let steps = script.into_iter().flatten().filter_map(step).collect();
        let error = service.error_rate.as_ref().or(defaults.error_rate.as_ref()).and_then(share);
        let endpoint = found.endpoint(&name, "");
        endpoint.steps = steps;
        endpoint.error_rate = error.filter(|share| *share > 0.0).map(|share| From::new(share, "errorRate"));
    }
    let entries: Vec<&Service> = all.iter().filter(|service| service.is_entrypoint).collect();
    if !entries.is_empty() {
        let share = 1.0 / entries.len() as f64;
        let calls = entries.iter().map(|one| (node_name(&one.name), String::new(), share)).collect();
        found.clients.insert("users".into(), Client { calls, rate: None, origin: "isEntrypoint".into() });
    }
    Ok(())
}

fn step(command: &Command) -> Option<Step> {
    match command {
        Command::Together(all) => {
            let mut steps: Vec<Step> = all.iter().filter_map(step).collect();
            // What stands in a list by itself is as if it stood outside.
            if steps.len() == 1 { steps.pop() } else { Some(Step::Parallel(steps)).filter(|_| !all.is_empty()) }
        }
        Command::One(One { call: Some(call), .. }) => {
            let (node, probability) = match call {
                Call::Name(name) => (name, None),
                // In per cent; nothing, or nought, is always.
                Call::Full { service, probability } => {
                    (service, probability.filter(|p| *p > 1e-4 && *p < 100.0).map(|p| p / 100.0))
                }
            };
            let endpoint = Some(String::new());
            Some(Step::Go(Go { node: node_name(node), endpoint, often: Often::once(probability), ..Go::default() }))
        }
        Command::One(One { sleep: Some(time), .. }) => {
            let nanos = crate::units::parse_nanos(time).ok().filter(|nanos| (0.0..1e16).contains(nanos));
            nanos.map(|_| Step::Wait(toml_edit::Value::from(time.as_str()).to_string()))
        }
        Command::One(_) => None,
    }
}

fn share(value: &Loose) -> Option<f64> {
    match value {
        Loose::Number(number) => Some(*number),
        Loose::Text(text) => {
            let text = text.trim();
            text.strip_suffix('%')
                .map_or_else(|| text.parse().ok(), |percent| Some(percent.trim().parse::<f64>().ok()? / 100.0))
        }
    }
    .filter(|share| (0.0..=1.0).contains(share))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_in_a_script_is_done_at_the_same_time() {
        let mut found = Found::default();
        let text = "services:\n- name: d\n  isEntrypoint: true\n  script:\n  - - call: a\n    - call: {service: c, probability: 20}\n  - call: b\n  - sleep: 10ms\n- name: a\n  errorRate: 0.1%\n- name: b\n- name: c\n";
        read(text, &mut found).unwrap();
        let steps = &found.nodes["d"].endpoints[""].steps;
        let Step::Parallel(both) = &steps[0] else { panic!("{steps:?}") };
        let Step::Go(c) = &both[1] else { panic!("{both:?}") };
        assert_eq!((both.len(), c.node.as_str(), c.often.clone()), (2, "c", Often::once(Some(0.2))));
        assert_eq!(steps[2], Step::Wait("\"10ms\"".into()));
        assert_eq!(found.nodes["a"].endpoints[""].error_rate.as_ref().unwrap().value, 0.001);
        assert_eq!(found.clients["users"].calls[0].0, "d");
        assert!(read("services: [", &mut found).is_err());
    }
}

//! Objects of Kubernetes: replicas, cores, autoscaling, probes, which pods a service's name stands for; and those of Istio.
//!
//! What a template leaves open (Helm) must be rendered first.

use std::collections::BTreeMap;

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

use super::found::{COUNTLESS, Found, From, Scaler};
use super::istio::{self, Http, Subset, TrafficPolicy};
use super::names::node_name;
use super::routed::Labels;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Object {
    kind: String,
    metadata: Metadata,
    spec: Spec,
    items: Vec<Object>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Metadata {
    name: String,
    #[serde(deserialize_with = "labels")]
    labels: Labels,
}

/// Labels, whatever stands behind them: what is no text is what it looks like.
pub(super) fn labels<'de, D: Deserializer<'de>>(from: D) -> Result<Labels, D::Error> {
    let all = Option::<BTreeMap<String, serde_json::Value>>::deserialize(from)?;
    let text = |value: serde_json::Value| value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
    Ok(all.unwrap_or_default().into_iter().map(|(key, value)| (key, text(value))).collect())
}

/// What the kinds say that matters here, taken together.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Spec {
    replicas: Option<u64>,
    template: Template,
    scale_target_ref: Metadata,
    min_replicas: Option<u64>,
    max_replicas: Option<u64>,
    metrics: Vec<Metric>,
    #[serde(rename = "targetCPUUtilizationPercentage")]
    target_cpu: Option<f64>,
    behavior: Behavior,
    selector: Selector,
    hosts: Vec<String>,
    gateways: Vec<String>,
    http: Vec<Http>,
    tcp: Option<IgnoredAny>,
    tls: Option<IgnoredAny>,
    host: String,
    traffic_policy: TrafficPolicy,
    subsets: Vec<Subset>,
}

/// Labels that pods must have: of a Service as they are; of a workload one level deeper, where nobody looks.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Selector {
    Labels(Labels),
    Other(IgnoredAny),
}

impl Default for Selector {
    fn default() -> Self {
        Self::Labels(Labels::new())
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Template {
    metadata: Metadata,
    spec: Pod,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Pod {
    containers: Vec<Container>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Container {
    name: String,
    resources: Resources,
    readiness_probe: Option<Probe>,
    liveness_probe: Option<Probe>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Resources {
    requests: Amounts,
    limits: Amounts,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Amounts {
    cpu: Option<Amount>,
}

/// An amount of processors: `2`, `"0.5"` or `"500m"`.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Amount {
    Number(f64),
    Text(String),
}

impl Amount {
    /// Processors, and as it was written; `None` where it is no amount.
    fn number(&self) -> Option<(f64, String)> {
        let (number, said) = match self {
            Self::Number(number) => (*number, number.to_string()),
            Self::Text(text) => {
                let milli = text.strip_suffix('m').and_then(|text| Some(text.parse::<f64>().ok()? / 1e3));
                (milli.or_else(|| text.parse().ok())?, text.clone())
            }
        };
        (number > 0.0 && number < 1e4).then_some((number, said))
    }
}

/// Whole cores of an amount, with what it was.
pub(super) fn cores(amount: &Amount) -> Option<From<u64>> {
    let (number, said) = amount.number()?;
    let whole = number.ceil().max(1.0);
    let rounded = if whole == number { "" } else { ", rounded up: cores are whole here" };
    Some(From::new(whole as u64, format!("CPU limit {said}{rounded}")))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Probe {
    initial_delay_seconds: f64,
    period_seconds: Option<f64>,
    timeout_seconds: Option<f64>,
    success_threshold: Option<f64>,
    failure_threshold: Option<u64>,
    http_get: Option<IgnoredAny>,
    grpc: Option<IgnoredAny>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Metric {
    resource: Option<Resource>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Resource {
    name: String,
    target: Target,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Target {
    average_utilization: Option<f64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Behavior {
    scale_down: Down,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Down {
    stabilization_window_seconds: Option<f64>,
}

/// Reads all objects of a text.
pub(super) fn read(text: &str, found: &mut Found) -> Result<(), String> {
    if text.contains("{{") {
        return Err("it is a template: render it first (`helm template …`)".into());
    }
    let objects: Vec<Object> = serde_saphyr::from_multiple(text).map_err(|error| super::kind::yaml(&error))?;
    let mut skipped: Vec<String> = Vec::new();
    for object in objects.into_iter().flat_map(|mut object| {
        let inner = std::mem::take(&mut object.items);
        std::iter::once(object).chain(inner)
    }) {
        take(object, found, &mut skipped);
    }
    skipped.sort();
    skipped.dedup();
    if !skipped.is_empty() {
        found.flag(format!("nothing is read from {}", skipped.join(", ")));
    }
    Ok(())
}

fn take(object: Object, found: &mut Found, skipped: &mut Vec<String>) {
    let Object { kind, metadata, spec, .. } = object;
    let name = node_name(&metadata.name);
    match kind.as_str() {
        "Deployment" | "StatefulSet" | "ReplicaSet" | "Rollout" => workload(&kind, &name, &spec, found),
        "HorizontalPodAutoscaler" => scaler(&spec, found),
        "VirtualService" => {
            if spec.tcp.is_some() || spec.tls.is_some() {
                found.flag(format!("VirtualService {}: its routes of TCP and TLS are left out", metadata.name));
            }
            istio::service(
                &metadata.name,
                &istio::Asked { hosts: &spec.hosts, gateways: &spec.gateways },
                &spec.http,
                found,
            );
        }
        "DestinationRule" => istio::rule(&metadata.name, &spec.host, &spec.traffic_policy, spec.subsets, found),
        "Service" => {
            if let Selector::Labels(labels) = spec.selector {
                found.routing.selects(name, labels);
            }
        }
        "List" | "" => {}
        other => skipped.push(other.to_owned()),
    }
}

fn workload(kind: &str, name: &str, spec: &Spec, found: &mut Found) {
    found.routing.runs(name, &spec.template.metadata.labels);
    let node = found.node(name);
    let replicas = spec.replicas.map_or((1, "Kubernetes' default"), |n| (n.clamp(1, COUNTLESS), "spec.replicas"));
    node.replicas = Some(From::new(replicas.0, format!("{kind}, {}", replicas.1)));
    let sidecar = |container: &&Container| container.name != "istio-proxy";
    let main = spec.template.spec.containers.iter().find(sidecar);
    if let Some(cores) = main.and_then(|own| own.resources.limits.cpu.as_ref()).and_then(cores) {
        node.cores = Some(cores);
    }
    // Kubernetes takes the limit for the request where only that is said.
    let asked = main.and_then(|own| own.resources.requests.cpu.as_ref().or(own.resources.limits.cpu.as_ref()));
    node.requested = asked.and_then(Amount::number).map(|(cores, _)| cores);
    if let Some(probe) = main.and_then(|own| own.readiness_probe.as_ref()) {
        let period = probe.period_seconds.unwrap_or(10.0) * probe.success_threshold.unwrap_or(1.0);
        let seconds = probe.initial_delay_seconds + period;
        if (1e-3..1e6).contains(&seconds) {
            node.ready_after = Some(From::new(
                format!("\"{seconds}s\""),
                "readiness probe: its delay and one period; how long it starts besides is not said",
            ));
        }
    }
    let probes = main.map(|own| [("readiness", &own.readiness_probe), ("liveness", &own.liveness_probe)]);
    for (which, probe) in probes.into_iter().flatten() {
        probe.iter().for_each(|probe| probed(kind, name, which, probe, found));
    }
}

/// How replicas are probed: the same for all here, so that of several workloads the first counts.
fn probed(kind: &str, name: &str, which: &'static str, probe: &Probe, found: &mut Found) {
    let positive = |given: Option<f64>, usual: f64| given.filter(|s| (1e-3..1e6).contains(s)).unwrap_or(usual);
    let depth = if probe.http_get.is_some() || probe.grpc.is_some() { "shallow" } else { "process" };
    let text = format!(
        "{{ every = \"{}s\", failures = {}, timeout = \"{}s\", probe = \"{depth}\" }}",
        positive(probe.period_seconds, 10.0),
        probe.failure_threshold.filter(|n| (1..1_000).contains(n)).unwrap_or(3),
        positive(probe.timeout_seconds, 1.0),
    );
    match found.probes.get(which) {
        Some(other) if other.value != text => {
            found.flag(format!("{name}: {which} probes of its own, {text}; here they are the same for all"));
        }
        Some(_) => {}
        None => {
            let origin = format!("{kind} {name}; asked over HTTP or gRPC it stands in line, else the process answers");
            found.probes.insert(which, From::new(text, origin));
        }
    }
}

fn scaler(spec: &Spec, found: &mut Found) {
    let cpu = spec.metrics.iter().filter_map(|metric| metric.resource.as_ref()).find(|resource| resource.name == "cpu");
    let target = cpu.and_then(|resource| resource.target.average_utilization).or(spec.target_cpu);
    let name = node_name(&spec.scale_target_ref.name);
    let (Some(target), Some(most)) = (target, spec.max_replicas) else {
        return found.flag(format!("{name}: its autoscaler follows something else than CPU, which is left out"));
    };
    let least = spec.min_replicas.unwrap_or(1).clamp(1, COUNTLESS);
    let long = |seconds: &f64| (0.0..1e6).contains(seconds);
    let stabilization = spec.behavior.scale_down.stabilization_window_seconds.filter(long).unwrap_or(300.0);
    if !(0.01..1e5).contains(&target) {
        return found.flag(format!("{name}: an autoscaler cannot aim at {target} % of CPU; it is left out"));
    }
    let scaler = Scaler { least, most: most.clamp(least, COUNTLESS), target, stabilization };
    found.node(&name).autoscale = Some(From::new(scaler, "HorizontalPodAutoscaler; every 15 s is Kubernetes' default"));
}

//! Objects of Kubernetes and Istio: replicas, cores, autoscaling, probes; timeouts, retries and outlier detection.
//!
//! What a template leaves open (Helm) must be rendered first. Istio's `timeout` of a route spans all tries; `attempts` are retries;
//! without `retries` Istio still tries twice more, which is said and not written.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::found::{Found, From};
use super::names::node_name;

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
    hosts: Vec<String>,
    http: Vec<Http>,
    host: String,
    traffic_policy: TrafficPolicy,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Template {
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

/// Whole cores of an amount, with what it was.
pub(super) fn cores(amount: &Amount) -> Option<From<u64>> {
    let (number, said) = match amount {
        Amount::Number(number) => (*number, number.to_string()),
        Amount::Text(text) => {
            let milli = text.strip_suffix('m').and_then(|text| Some(text.parse::<f64>().ok()? / 1e3));
            (milli.or_else(|| text.parse().ok())?, text.clone())
        }
    };
    let whole = number.ceil().max(1.0);
    let rounded = if whole == number { "" } else { ", rounded up: cores are whole here" };
    (number > 0.0 && number < 1e4).then(|| From::new(whole as u64, format!("CPU limit {said}{rounded}")))
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

/// What a proxy does to requests on purpose.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct OnPurpose {
    delay: Option<IgnoredAny>,
    abort: Option<IgnoredAny>,
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

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Http {
    route: Vec<Route>,
    timeout: Option<String>,
    retries: Option<Retries>,
    fault: OnPurpose,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Route {
    destination: Destination,
    weight: Option<f64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Destination {
    host: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Retries {
    attempts: Option<u64>,
    per_try_timeout: Option<String>,
    retry_on: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct TrafficPolicy {
    connection_pool: Pools,
    outlier_detection: Option<Outliers>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Pools {
    http: HttpPool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct HttpPool {
    http2_max_requests: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Outliers {
    #[serde(rename = "consecutive5xxErrors")]
    consecutive: Option<u64>,
    interval: Option<String>,
    base_ejection_time: Option<String>,
    max_ejection_percent: Option<f64>,
}

/// Reads all objects of a text.
pub(super) fn read(text: &str, found: &mut Found) -> Result<(), String> {
    if text.contains("{{") {
        return Err("it is a template: render it first (`helm template …`)".into());
    }
    let objects: Vec<Object> = serde_saphyr::from_multiple(text).map_err(|error| error.to_string())?;
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
        "VirtualService" => spec.http.iter().for_each(|http| route(&metadata.name, &spec.hosts, http, found)),
        "DestinationRule" => rule(&metadata.name, &spec, found),
        "Service" | "List" | "" => {}
        other => skipped.push(other.to_owned()),
    }
}

fn workload(kind: &str, name: &str, spec: &Spec, found: &mut Found) {
    let node = found.node(name);
    let replicas = spec.replicas.map_or((1, "Kubernetes' default"), |n| (n.max(1), "spec.replicas"));
    node.replicas = Some(From::new(replicas.0, format!("{kind}, {}", replicas.1)));
    let sidecar = |container: &&Container| container.name != "istio-proxy";
    let main = spec.template.spec.containers.iter().find(sidecar);
    if let Some(cores) = main.and_then(|own| own.resources.limits.cpu.as_ref()).and_then(cores) {
        node.cores = Some(cores);
    }
    if let Some(probe) = main.and_then(|own| own.readiness_probe.as_ref()) {
        let period = probe.period_seconds.unwrap_or(10.0) * probe.success_threshold.unwrap_or(1.0);
        let seconds = probe.initial_delay_seconds + period;
        if seconds > 0.0 && seconds < 1e6 {
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
    let positive = |given: Option<f64>, usual: f64| given.filter(|s| *s > 0.0 && *s < 1e6).unwrap_or(usual);
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
    let stabilization = spec.behavior.scale_down.stabilization_window_seconds.unwrap_or(300.0);
    let least = spec.min_replicas.unwrap_or(1).max(1);
    let text = format!(
        "{{ min = {least}, max = {}, metric = \"cpu\", target = \"{target}%\", every = \"15s\", stabilization = \"{stabilization}s\" }}",
        most.max(least)
    );
    found.node(&name).autoscale = Some(From::new(text, "HorizontalPodAutoscaler; every 15 s is Kubernetes' default"));
}

/// The name of a host within its namespace.
fn host(host: &str) -> String {
    node_name(host.split('.').next().unwrap_or(host))
}

fn route(name: &str, hosts: &[String], http: &Http, found: &mut Found) {
    if http.fault.delay.is_some() || http.fault.abort.is_some() {
        found.flag(format!("VirtualService {name}: faults on purpose are left out; [[faults]] says them"));
    }
    if http.route.iter().filter(|route| route.weight.is_some_and(|weight| weight > 0.0)).count() > 1 {
        found.flag(format!("VirtualService {name}: weights of several destinations are left out"));
    }
    let mut keys = Vec::new();
    let mut unset = Vec::new();
    if let Some(timeout) = http.timeout.as_ref().filter(|time| plain(time)) {
        keys.push(format!("deadline = \"{timeout}\"             # the route's timeout, which spans all tries"));
    }
    match &http.retries {
        Some(Retries { attempts: Some(attempts), per_try_timeout, retry_on }) if *attempts > 0 => {
            if let Some(timeout) = per_try_timeout.as_ref().filter(|time| plain(time)) {
                keys.push(format!("timeout = \"{timeout}\"              # perTryTimeout"));
            }
            let on = conditions(retry_on.as_deref().unwrap_or("connect-failure,refused-stream,unavailable,cancelled"));
            keys.push(format!("retries = {{ max = {attempts}, on = [{on}], backoff = \"25ms\" }}   # attempts are retries; 25 ms is Envoy's backoff"));
        }
        Some(_) => {}
        None => unset.push("Istio's own two retries are not written here"),
    }
    if keys.is_empty() {
        return;
    }
    let mut destinations: Vec<String> = http.route.iter().map(|route| host(&route.destination.host)).collect();
    if destinations.is_empty() {
        destinations.extend(hosts.iter().map(|name| host(name)));
    }
    destinations.dedup();
    let origin =
        [&[format!("VirtualService {name}")][..], &unset.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>()]
            .concat()
            .join("; ");
    for to in destinations {
        let policy = found.policies.entry(to).or_insert_with(|| From::new(Vec::new(), origin.clone()));
        keys.iter().for_each(|line| add(&mut policy.value, line));
    }
}

/// A key is said once: of several routes to a host the first counts.
fn add(keys: &mut Vec<String>, line: &str) {
    let key = |line: &str| line.split('=').next().unwrap_or_default().trim().to_owned();
    if !keys.iter().any(|other| key(other) == key(line)) {
        keys.push(line.to_owned());
    }
}

/// Istio's conditions in the words of a policy.
fn conditions(on: &str) -> String {
    let mut words: Vec<&str> = Vec::new();
    for one in on.split(',').map(str::trim) {
        let found: &[&str] = match one {
            "5xx" => &["error", "overloaded", "reset", "connect_failed", "timeout"],
            "gateway-error" | "unavailable" | "retriable-status-codes" | "refused-stream" | "503" => &["overloaded"],
            "reset" | "reset-before-request" => &["reset"],
            "connect-failure" => &["connect_failed"],
            "internal" => &["error"],
            "deadline-exceeded" => &["timeout"],
            _ => &[],
        };
        words.extend(found);
    }
    words.sort_unstable();
    words.dedup();
    if words.is_empty() {
        words.push("connect_failed");
    }
    words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ")
}

/// Whether a duration can be written as it is: digits and units.
fn plain(time: &str) -> bool {
    crate::units::parse_nanos(time).is_ok_and(|nanos| nanos > 0.0)
}

fn rule(name: &str, spec: &Spec, found: &mut Found) {
    let to = host(&spec.host);
    if let Some(most) = spec.traffic_policy.connection_pool.http.http2_max_requests.filter(|n| *n > 0) {
        let origin = format!("DestinationRule {name}");
        let policy = found.policies.entry(to.clone()).or_insert_with(|| From::new(Vec::new(), origin));
        add(
            &mut policy.value,
            &format!("bulkhead = {{ max_concurrent = {most}, max_wait = \"0s\" }}   # http2MaxRequests"),
        );
    }
    let Some(outliers) = &spec.traffic_policy.outlier_detection else { return };
    let time = |own: &Option<String>, default: &str| {
        own.as_ref().filter(|time| plain(time)).map_or(default.to_owned(), Clone::clone)
    };
    let text = format!(
        "{{ consecutive_errors = {}, interval = \"{}\", base_ejection = \"{}\", max_ejected = \"{}%\" }}",
        outliers.consecutive.filter(|n| *n > 0).unwrap_or(5),
        time(&outliers.interval, "10s"),
        time(&outliers.base_ejection_time, "30s"),
        outliers.max_ejection_percent.filter(|n| *n > 0.0 && *n <= 100.0).unwrap_or(10.0),
    );
    match &found.outliers {
        Some(other) if other.value != text => {
            found.flag(format!("{to}: outlier detection of its own, {text}; here it is the same for all"));
        }
        Some(_) => {}
        None => found.outliers = Some(From::new(text, format!("DestinationRule {name}"))),
    }
}

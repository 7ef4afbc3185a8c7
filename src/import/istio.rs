//! Objects of Istio: what the callers' proxies do about failures, where they send which share of the requests, and what they do to
//! them on purpose.
//!
//! A route's `timeout` spans all tries; `attempts` are retries; without `retries` Istio still tries twice more, which is said and not
//! written. Faults on purpose are the caller's proxy's: "timeouts or retries will not be enabled when faults are enabled on the client
//! side" (istio/api, `virtual_service.proto`), so of a route with faults neither is written; a delay and an abort are independent of each
//! other, and without a percentage there is none. A route with a condition is for so many requests as meet it, which no input says: the
//! first route without one counts for shares and faults.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::found::{COUNTLESS, Found, From};
use super::names::node_name;
use super::routed::{Injected, Labels, To};

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Http {
    #[serde(rename = "match")]
    conditions: Vec<serde_json::Value>,
    route: Vec<Route>,
    timeout: Option<String>,
    retries: Option<Retries>,
    fault: OnPurpose,
    mirror: Option<IgnoredAny>,
    mirrors: Option<IgnoredAny>,
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
    subset: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Retries {
    attempts: Option<u64>,
    per_try_timeout: Option<String>,
    retry_on: Option<String>,
}

/// What a proxy does to requests on purpose.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct OnPurpose {
    delay: Option<Delay>,
    abort: Option<Abort>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Delay {
    #[serde(rename = "fixedDelay")]
    fixed: Option<String>,
    percentage: Option<Percent>,
    /// As it was written before there were parts of a percent.
    percent: Option<f64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Abort {
    percentage: Option<Percent>,
    percent: Option<f64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Percent {
    value: f64,
}

/// The share of requests that are hit; nothing where no percentage stands.
fn hit(percentage: Option<&Percent>, percent: Option<f64>) -> f64 {
    let percent = percentage.map(|share| share.value).or(percent).unwrap_or(0.0);
    if percent.is_finite() { percent.clamp(0.0, 100.0) / 100.0 } else { 0.0 }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct TrafficPolicy {
    connection_pool: Pools,
    load_balancer: Balancer,
    outlier_detection: Option<Outliers>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Balancer {
    simple: Option<String>,
    consistent_hash: Option<IgnoredAny>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Pools {
    http: HttpPool,
    tcp: TcpPool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct HttpPool {
    http1_max_pending_requests: Option<IgnoredAny>,
    http2_max_requests: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct TcpPool {
    max_connections: Option<IgnoredAny>,
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

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Subset {
    name: String,
    #[serde(deserialize_with = "super::kubernetes::labels")]
    labels: Labels,
    traffic_policy: Option<IgnoredAny>,
}

/// What a virtual service is asked by: names, and gateways at which.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    pub(super) hosts: &'a [String],
    pub(super) gateways: &'a [String],
}

/// The name of a host within its namespace.
fn host(host: &str) -> String {
    node_name(host.split('.').next().unwrap_or(host))
}

impl Asked<'_> {
    /// Whom callers mean: the hosts, or, where only a gateway asks by names of the world outside, whoever is behind it.
    fn names(self, http: &Http) -> Vec<String> {
        let outside = !self.gateways.is_empty() && self.gateways.iter().all(|gateway| gateway != "mesh");
        let behind: Vec<String> = http.route.iter().map(|route| host(&route.destination.host)).collect();
        let mut all = match behind.first() {
            Some(first)
                if (outside || self.hosts.iter().any(|name| name.contains('*')))
                    && behind.iter().all(|to| to == first) =>
            {
                vec![first.clone()]
            }
            _ => self.hosts.iter().map(|name| host(name)).collect(),
        };
        all.dedup();
        all
    }
}

impl Http {
    /// Whether it is for some requests only.
    fn is_conditional(&self) -> bool {
        let everything = serde_json::json!({ "uri": { "prefix": "/" } });
        !self.conditions.is_empty() && self.conditions.iter().all(|condition| *condition != everything)
    }

    /// What happens on purpose, if anything does.
    fn injected(&self) -> Option<Injected> {
        let delay = self.fault.delay.as_ref().and_then(|delay| {
            let long = delay.fixed.clone().filter(|time| plain(time))?;
            Some((long, hit(delay.percentage.as_ref(), delay.percent)))
        });
        let delay = delay.filter(|(_, share)| *share > 0.0);
        let abort = self.fault.abort.as_ref().map(|abort| hit(abort.percentage.as_ref(), abort.percent));
        let abort = abort.filter(|share| *share > 0.0);
        (delay.is_some() || abort.is_some()).then_some(Injected { delay, abort })
    }
}

/// Reads the routes of a virtual service.
pub(super) fn service(name: &str, asked: &Asked<'_>, routes: &[Http], found: &mut Found) {
    let (some, all): (Vec<&Http>, Vec<&Http>) = routes.iter().partition(|http| http.is_conditional());
    let Some(main) = all.first().or(some.first()).copied() else { return };
    if !some.is_empty() && routes.len() > 1 {
        let which = if all.is_empty() {
            "the first route is taken for all requests"
        } else {
            "only what is for all requests counts"
        };
        found.flag(format!(
            "VirtualService {name}: how many requests meet a route's condition no input says; for shares and faults {which}"
        ));
    }
    if routes.iter().any(|http| http.mirror.is_some() || http.mirrors.is_some()) {
        found.flag(format!("VirtualService {name}: mirrored requests are left out"));
    }
    for asked in asked.names(main) {
        shares(name, &asked, main, found);
        if let Some(injected) = main.injected() {
            found.flag(format!(
                "VirtualService {name}: where a proxy injects faults Istio has neither timeout nor retries; what stands there is left out"
            ));
            found.routing.injects(asked, From::new(injected, format!("VirtualService {name}")));
        }
    }
    for http in all.iter().chain(&some).filter(|http| http.injected().is_none()) {
        rules(name, asked, http, found);
    }
}

/// Where requests go, by weight; a route without any has one destination for all.
fn shares(name: &str, asked: &str, http: &Http, found: &mut Found) {
    let alone = http.route.len() == 1;
    let weights = http.route.iter().map(|route| (route, route.weight.unwrap_or(if alone { 100.0 } else { 0.0 })));
    let to: Vec<To> = weights
        .filter(|(_, weight)| *weight > 0.0 && *weight < 1e9)
        .map(|(route, weight)| To {
            host: host(&route.destination.host),
            subset: route.destination.subset.clone(),
            weight,
        })
        .collect();
    if !to.is_empty() {
        found.routing.sends(asked.to_owned(), From::new(to, format!("VirtualService {name}")));
    }
}

/// Timeouts and retries of a route.
fn rules(name: &str, asked: &Asked<'_>, http: &Http, found: &mut Found) {
    let mut keys = Vec::new();
    let mut origin = format!("VirtualService {name}");
    if let Some(timeout) = http.timeout.as_ref().filter(|time| plain(time)) {
        keys.push(format!("deadline = \"{timeout}\"             # the route's timeout, which spans all tries"));
    }
    match &http.retries {
        Some(Retries { attempts: Some(attempts), per_try_timeout, retry_on }) if *attempts > 0 => {
            if let Some(timeout) = per_try_timeout.as_ref().filter(|time| plain(time)) {
                keys.push(format!("timeout = \"{timeout}\"              # perTryTimeout"));
            }
            let attempts = attempts.min(&COUNTLESS);
            let on = conditions(retry_on.as_deref().unwrap_or("connect-failure,refused-stream,unavailable,cancelled"));
            keys.push(format!("retries = {{ max = {attempts}, on = [{on}], backoff = \"25ms\" }}   # attempts are retries; 25 ms is Envoy's backoff"));
        }
        Some(_) => {}
        None => origin += "; Istio's own two retries are not written here",
    }
    if keys.is_empty() {
        return;
    }
    let mut all: Vec<String> = http.route.iter().map(|route| host(&route.destination.host)).collect();
    if all.is_empty() {
        all.extend(asked.hosts.iter().map(|name| host(name)));
    }
    all.dedup();
    for to in all {
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

/// Reads a rule about whoever a host is.
pub(super) fn rule(name: &str, of: &str, policy: &TrafficPolicy, subsets: Vec<Subset>, found: &mut Found) {
    let to = host(of);
    let origin = || format!("DestinationRule {name}");
    for subset in subsets {
        if subset.traffic_policy.is_some() {
            found.flag(format!("{}: what its subset {} has of its own is left out", origin(), subset.name));
        }
        found.routing.divides(to.clone(), subset.name, subset.labels);
    }
    let pool = &policy.connection_pool;
    if let Some(most) = pool.http.http2_max_requests.filter(|n| *n > 0) {
        let policy = found.policies.entry(to.clone()).or_insert_with(|| From::new(Vec::new(), origin()));
        add(
            &mut policy.value,
            &format!("bulkhead = {{ max_concurrent = {most}, max_wait = \"0s\" }}   # http2MaxRequests"),
        );
    }
    if pool.tcp.max_connections.is_some() || pool.http.http1_max_pending_requests.is_some() {
        found.flag(format!("{}: limits of HTTP/1.1 connections are left out", origin()));
    }
    balance(&origin(), &policy.load_balancer, found);
    if let Some(outliers) = &policy.outlier_detection {
        let text = outliers.text();
        match &found.outliers {
            Some(other) if other.value != text => {
                found.flag(format!("{to}: outlier detection of its own, {text}; here it is the same for all"));
            }
            Some(_) => {}
            None => found.outliers = Some(From::new(text, origin())),
        }
    }
}

impl Outliers {
    /// In the words of a scenario, with Istio's defaults.
    fn text(&self) -> String {
        let time = |own: &Option<String>, default: &str| {
            own.as_ref().filter(|time| plain(time)).map_or(default.to_owned(), Clone::clone)
        };
        format!(
            "{{ consecutive_errors = {}, interval = \"{}\", base_ejection = \"{}\", max_ejected = \"{}%\" }}",
            self.consecutive.filter(|n| (1..=COUNTLESS).contains(n)).unwrap_or(5),
            time(&self.interval, "10s"),
            time(&self.base_ejection_time, "30s"),
            self.max_ejection_percent.filter(|n| *n > 0.0 && *n <= 100.0).unwrap_or(10.0),
        )
    }
}

/// How callers pick a replica: the same for all here, so that of several rules the first counts.
fn balance(origin: &str, balancer: &Balancer, found: &mut Found) {
    if balancer.consistent_hash.is_some() {
        found.flag(format!("{origin}: by which key requests keep to a replica is left out"));
    }
    let Some(simple) = &balancer.simple else { return };
    let word = match simple.as_str() {
        "ROUND_ROBIN" => "round_robin",
        "LEAST_REQUEST" | "LEAST_CONN" => "least_request",
        "RANDOM" => "random",
        other => return found.flag(format!("{origin}: load balancing {other} is left out")),
    };
    match &found.balancer {
        Some(known) if known.value != word => {
            found.flag(format!("{origin}: load balancing of its own, {word}; here it is the same for all"));
        }
        Some(_) => {}
        None => found.balancer = Some(From::new(word.to_owned(), origin.to_owned())),
    }
}

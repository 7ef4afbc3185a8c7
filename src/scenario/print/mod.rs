//! The scenario as understood, as TOML: everything that nobody wrote filled in and marked. What it prints loads to the
//! same scenario.

mod brokers;
mod caches;
mod faults;
mod law;
mod policies;
mod steps;
mod transports;

use std::fmt::Write as _;

use super::declare::{Record as _, Told};
use super::written::{
    Arrivals, Client, ClientCall, Endpoint, Given, Io, Load, Node, NodeKind, Phase, QueueOrder, Scenario, Scope, Slo,
    Zone,
};
use crate::diag::is_harmless;
use crate::units::{Span, size_text};
pub(in crate::scenario) use law::law;
use law::{count_law, span};
use steps::{sizes, steps, target};

/// Lines of TOML; each may be marked as a default.
#[derive(Default)]
struct Page {
    lines: Vec<(String, bool)>,
}

impl Page {
    fn header(&mut self, name: &str) {
        if !self.lines.is_empty() {
            self.lines.push((String::new(), false));
        }
        self.lines.push((name.to_owned(), false));
    }

    fn line(&mut self, key: &str, value: impl AsRef<str>, default: bool) {
        self.lines.push((format!("{key} = {}", value.as_ref()), default));
    }

    fn given<T>(&mut self, key: &str, given: &Given<T>, told: impl Fn(&T) -> String) {
        self.line(key, told(&given.value), given.is_default());
    }

    /// A key that stands for nothing when absent is left out, and named in one comment per table.
    fn maybe<T>(&mut self, key: &str, given: &Given<Option<T>>, none: &mut Vec<String>, told: impl Fn(&T) -> String) {
        match &given.value {
            Some(value) => self.line(key, told(value), given.is_default()),
            None => none.push(key.to_owned()),
        }
    }

    /// The same for a key that nobody wrote at all.
    fn perhaps<T>(&mut self, key: &str, given: Option<&Given<T>>, none: &mut Vec<String>, told: impl Fn(&T) -> String) {
        match given {
            Some(given) => self.given(key, given, told),
            None => none.push(key.to_owned()),
        }
    }

    /// The keys of a table.
    fn told(&mut self, all: impl IntoIterator<Item = Told>, none: &mut Vec<String>) {
        for told in all {
            match told.value {
                Some(value) => self.line(told.key, value, told.default),
                None => none.push(told.key.to_owned()),
            }
        }
    }

    fn none(&mut self, none: &[String]) {
        if !none.is_empty() {
            self.lines.push((format!("# default: no {}", none.join(", no ")), false));
        }
    }

    fn text(&self) -> String {
        let mut out = String::new();
        for (line, default) in &self.lines {
            let _ = writeln!(out, "{line}{}", if *default { "  # default" } else { "" });
        }
        out
    }
}

/// The canonical scenario, defaults filled in and marked.
pub fn canonical(scenario: &Scenario) -> String {
    let mut page = Page::default();
    page.line("version", "1", false);
    page.given("name", &scenario.name, |s| quoted(s));
    page.given("description", &scenario.description, |s| quoted(s));
    meaning(scenario, &mut page);
    for variant in &scenario.variants {
        page.header(&format!("[variants.{}]", key(&variant.name.value)));
        for (path, value) in &variant.edits {
            page.line(&quoted(path), value, false);
        }
    }
    page.text()
}

/// 16 hex digits that name what a scenario means. Its name, its description and its variants change nothing about the
/// run, so they do not count; the contents of the files it names do.
pub fn hash(scenario: &Scenario) -> String {
    let mut page = Page::default();
    meaning(scenario, &mut page);
    let mut state: u64 = 0xcbf2_9ce4_8422_2325;
    for (line, _) in page.lines.iter().filter(|(line, _)| !line.starts_with('#')) {
        state = fnv(state, line.as_bytes());
        state = fnv(state, b"\n");
    }
    for number in law::numbers_of_files(scenario) {
        state = fnv(state, &number.to_bits().to_le_bytes());
    }
    format!("{state:016x}")
}

/// FNV-1a, 64 bits: stable over versions and machines, unlike the standard library's.
fn fnv(state: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(state, |state, byte| (state ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

fn meaning(scenario: &Scenario, page: &mut Page) {
    let mut none = Vec::new();
    page.header("[sim]");
    page.told(scenario.sim.told(), &mut none);
    page.header("[defaults]");
    page.told(scenario.defaults.told(), &mut none);
    page.none(&none);
    transports::transports(scenario, page);
    network(scenario, page);
    page.header("[discovery]");
    page.told(scenario.discovery.meant(), &mut Vec::new());
    scenario.clients.values().for_each(|c| client(c, page));
    let hurried = super::check::propagates(scenario);
    scenario.nodes.values().for_each(|n| node(n, hurried, page));
    brokers::brokers(scenario, page);
    scenario.flows.iter().for_each(|f| brokers::flow(f, page));
    policies::policies(scenario, page);
    scenario.faults.iter().for_each(|f| faults::fault(f, page));
    scenario.slos.iter().for_each(|s| slo(s, page));
}

fn network(scenario: &Scenario, page: &mut Page) {
    let network = &scenario.network;
    page.header("[network]");
    page.given("same_host", &network.same_host, law);
    page.given("same_zone", &network.same_zone, law);
    page.given("cross_zone", &network.cross_zone, law);
    page.given("cross_region", &network.cross_region, law);
    let mut links: Vec<_> = network.links.iter().collect();
    links.sort_by_key(|link| (&link.from.value, &link.to.value));
    for link in links {
        page.header(&format!("[network.links.{}]", quoted(&format!("{} -> {}", link.from.value, link.to.value))));
        let mut none = Vec::new();
        page.perhaps("latency", link.latency.as_ref(), &mut none, law);
        page.perhaps("bandwidth", link.bandwidth.as_ref(), &mut none, |b| bandwidth(*b));
        page.given("loss", &link.loss, |l| format!("{l:?}"));
        page.none(&none);
    }
}

fn client(client: &Client, page: &mut Page) {
    page.header(&format!("[clients.{}]", key(&client.name.value)));
    match client.calls.as_slice() {
        [one] if sizes(&one.request, &one.response).is_empty() => page.given("calls", &one.target, target),
        all => page.line("calls", format!("[{}]", all.iter().map(client_call).collect::<Vec<_>>().join(", ")), false),
    }
    let mut none = Vec::new();
    page.perhaps("transport", client.transport.as_ref(), &mut none, |t| quoted(t));
    page.given("browser", &client.browser, bool::to_string);
    load(&client.load, page, &mut none);
    page.maybe("timeout", &client.timeout, &mut none, time);
    page.perhaps("policy", client.policy.as_ref(), &mut none, |p| quoted(p));
    match policies::rule(&client.retries, policies::retries) {
        Some((value, default)) => page.line("retries", value, default),
        None => none.push("retries".into()),
    }
    page.given("priority", &client.priority, u32::to_string);
    page.maybe("zone", &client.zone, &mut none, zone);
    page.maybe("weight", &client.weight, &mut none, |w| format!("{w:?}"));
    page.none(&none);
}

fn client_call(call: &ClientCall) -> String {
    let mut parts = vec![format!("to = {}", target(&call.target.value)), format!("share = {:?}", call.share)];
    parts.extend(sizes(&call.request, &call.response));
    format!("{{ {} }}", parts.join(", "))
}

fn load(load: &Load, page: &mut Page, none: &mut Vec<String>) {
    match load {
        Load::Closed { users, think_time } => {
            page.given("users", users, u32::to_string);
            page.given("think_time", think_time, law);
        }
        Load::Open { arrivals, phases: stretches, batch } => {
            arrival_pattern(arrivals, page);
            phases(stretches, page);
            page.maybe("batch", batch, none, count_law);
        }
    }
}

fn arrival_pattern(arrivals: &Given<Arrivals>, page: &mut Page) {
    let default = arrivals.is_default();
    match &arrivals.value {
        Arrivals::Poisson => page.line("arrivals", "\"poisson\"", default),
        Arrivals::Constant => page.line("arrivals", "\"constant\"", default),
        Arrivals::Gaps(gaps) => page.line("arrivals", law::table(gaps), default),
        Arrivals::Replay { path, .. } => page.line("replay", quoted(path), default),
        Arrivals::Bursty { low, high, stay_low, stay_high } => {
            page.line("arrivals", "\"bursty\"", default);
            let rates = format!("low = \"{low}\", high = \"{high}\"");
            let stays = format!("stay_low = {}, stay_high = {}", time(stay_low), time(stay_high));
            page.line("bursty", format!("{{ {rates}, {stays} }}"), default);
        }
    }
}

fn phases(phases: &[Phase], page: &mut Page) {
    match phases {
        [] => {}
        [Phase { duration: None, rate, ramp_to: None }] => page.given("rate", rate, |r| format!("\"{r}\"")),
        all => {
            let each: Vec<_> = all.iter().map(phase).collect();
            page.line("phases", format!("[\n  {},\n]", each.join(",\n  ")), false);
        }
    }
}

fn phase(phase: &Phase) -> String {
    let mut parts = Vec::new();
    parts.extend(phase.duration.as_ref().map(|d| format!("duration = {}", time(&d.value))));
    parts.push(format!("rate = \"{}\"", phase.rate.value));
    parts.extend(phase.ramp_to.as_ref().map(|r| format!("ramp_to = \"{}\"", r.value)));
    format!("{{ {} }}", parts.join(", "))
}

fn node(node: &Node, hurried: bool, page: &mut Page) {
    let table = match node.kind {
        NodeKind::Service => "services",
        NodeKind::Gateway => "gateways",
        NodeKind::Database => "databases",
        NodeKind::External => "externals",
        NodeKind::Cache => "caches",
    };
    let header = format!("{table}.{}", key(&node.name.value));
    page.header(&format!("[{header}]"));
    let mut none = Vec::new();
    if node.kind != NodeKind::Cache {
        page.given("replicas", &node.replicas, u32::to_string);
    }
    if node.kind == NodeKind::Service {
        page.told(node.coming.told(), &mut none);
    }
    page.given("concurrency", &node.concurrency, |c| c.map_or("\"unlimited\"".into(), |n| n.to_string()));
    page.maybe("cores", &node.cores, &mut none, |c| format!("{c:?}"));
    page.given("contention", &node.contention, |c| format!("{c:?}"));
    page.given("coherency", &node.coherency, |c| format!("{c:?}"));
    if matches!(node.kind, NodeKind::Service | NodeKind::Gateway) {
        policies::door(node, page, &mut none);
        page.given("io", &node.io, |io| quoted(if *io == Io::Blocking { "blocking" } else { "async" }));
    }
    page.maybe("queue_limit", &node.queue_limit, &mut none, u32::to_string);
    page.given("queue_order", &node.queue_order, |o| order(*o));
    page.given("preemptive", &node.preemptive, bool::to_string);
    page.maybe("queue_timeout", &node.queue_timeout, &mut none, law);
    // Said where it can matter: where no deadline travels, none is past.
    if hurried || !node.drop_expired.is_default() {
        page.given("drop_expired", &node.drop_expired, bool::to_string);
    }
    page.maybe("zone", &node.zone, &mut none, zone);
    if node.kind == NodeKind::Database {
        page.maybe("max_connections", &node.max_connections, &mut none, u32::to_string);
        // Said where it can matter: where nothing is locked, nothing is waited for.
        if !node.tables.is_empty() || !node.deadlock_timeout.is_default() {
            page.given("deadlock_timeout", &node.deadlock_timeout, time);
        }
    }
    if let Some(own) = &node.cache {
        caches::cache(own, page, &mut none);
    }
    let named = node.endpoints.len() > usize::from(node.endpoints.contains_key(""));
    if let Some(own) = node.endpoints.get("") {
        endpoint(own, page, &mut none, named);
    }
    page.none(&none);
    for (name, pool) in &node.pools {
        page.header(&format!("[{header}.pools.{}]", key(name)));
        page.given("connections", &pool.connections, u32::to_string);
        page.given("wait", &pool.wait, time);
    }
    for (name, writers) in &node.tables {
        page.header(&format!("[{header}.tables.{}]", key(name)));
        page.given("writers", writers, u32::to_string);
    }
    node.consumes.iter().for_each(|c| brokers::consumer(&header, c, page));
    for (name, inner) in node.endpoints.iter().filter(|(name, _)| !name.is_empty()) {
        page.header(&format!("[{header}.endpoints.{}]", key(name)));
        let mut none = Vec::new();
        endpoint(inner, page, &mut none, false);
        page.none(&none);
    }
}

/// A default endpoint beside others is there because something was said about it, which must still be said.
fn endpoint(endpoint: &Endpoint, page: &mut Page, none: &mut Vec<String>, beside: bool) {
    page.maybe("work", &endpoint.work, none, law);
    page.maybe("wait", &endpoint.wait, none, law);
    page.given("error_rate", &endpoint.error_rate, |e| format!("{e:?}"));
    if endpoint.steps.is_empty() {
        if beside && endpoint.work.value.is_none() && endpoint.wait.value.is_none() {
            page.line("steps", "[]", false);
        } else {
            none.push("steps".into());
        }
    } else {
        page.line("steps", format!("[\n  {},\n]", steps(&endpoint.steps).join(",\n  ")), false);
    }
}

fn slo(slo: &Slo, page: &mut Page) {
    page.header("[[slos]]");
    page.given("name", &slo.name, |s| quoted(s));
    page.given("of", &slo.of, |s| quoted(s));
    page.given("expect", &slo.expect, |s| quoted(s));
    if let Some(scope) = &slo.scope {
        let (word, value) = match &scope.value {
            Scope::OutsideFaults => ("outside_faults", "true".to_owned()),
            Scope::During(fault) => ("during", quoted(fault)),
            Scope::AfterFault(fault) => ("after_fault", quoted(fault)),
        };
        page.line(word, value, scope.is_default());
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "it tells a `Given`, which hands out references")]
pub(super) fn time(t: &Span) -> String {
    span(t.0 as f64)
}

fn zone(zone: &Zone) -> String {
    let parts: Vec<&str> =
        [Some(zone.region.as_str()), zone.zone.as_deref(), zone.host.as_deref()].into_iter().flatten().collect();
    quoted(&parts.join("/"))
}

/// A bandwidth in quotes, in the form that reads back to the very same number.
fn bandwidth(bytes: f64) -> String {
    let whole = if bytes.fract() == 0.0 { size_text(bytes as u64) } else { format!("{bytes}B") };
    quoted(&format!("{whole}/s"))
}

fn order(order: QueueOrder) -> String {
    match order {
        QueueOrder::Fifo => quoted("fifo"),
        QueueOrder::Lifo => quoted("lifo"),
        QueueOrder::Random => quoted("random"),
        QueueOrder::Priority => quoted("priority"),
        QueueOrder::Codel { target, interval } => {
            format!("{{ kind = \"codel\", target = {}, interval = {} }}", time(&target), time(&interval))
        }
    }
}

/// A key, in quotes where it must be.
fn key(name: &str) -> String {
    let bare = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if bare { name.to_owned() } else { quoted(name) }
}

/// A basic TOML string.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            // The text is read on terminals, too.
            c if !is_harmless(c) && u32::from(c) > 0xFFFF => {
                let _ = write!(out, "\\U{:08X}", u32::from(c));
            }
            c if !is_harmless(c) => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

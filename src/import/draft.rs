//! The scenario as a text: every number with where it comes from, every question that the input leaves open with the default
//! that stands there meanwhile.

use std::fmt::Write as _;

use super::fit::{short, time};
use super::found::{Broker, Client, Endpoint, Found, From, Go, Kind, Node, Scaler, Split, Step, workers};

/// The mark of a question that the input leaves open.
pub const OPEN: &str = "# OPEN:";

/// The text. `inputs` are said at its top.
pub(super) fn draft(found: &Found, name: &str, inputs: &[String]) -> String {
    let mut text = String::new();
    head(&mut text, found, name, inputs);
    found.clients.iter().for_each(|(name, client)| self::client(&mut text, found, name, client));
    for (name, node) in &found.nodes {
        self::node(&mut text, found, name, node);
    }
    found.brokers.iter().for_each(|(name, broker)| self::broker(&mut text, found, name, broker));
    wire(&mut text, found);
    text
}

fn head(text: &mut String, found: &Found, name: &str, inputs: &[String]) {
    let _ = writeln!(text, "# Imported from {}.", comment(&inputs.join(", ")));
    let _ = writeln!(
        text,
        "# Behind every number stands where it comes from. What the input does not say is marked OPEN: a question,"
    );
    let _ = writeln!(text, "# with a default for an answer. `hoptax check` lists all of them.");
    if found.traced {
        let _ = writeln!(
            text,
            "#\n# Work is what an endpoint's spans leave when the time of its calls is taken out. That time contains waiting for a"
        );
        let _ = writeln!(
            text,
            "# worker, a core, a lock or the collector: it is near the truth at low load and too much at high load, and all of"
        );
        let _ = writeln!(
            text,
            "# it comes before the first step here. Shares of calls are taken as independent of each other."
        );
        let _ = writeln!(
            text,
            "#\n# What was wrong meanwhile does not come back as what it was: an outage, a slow spell or a deploy stands here as a\n\
             # share of failures and as longer times, spread over all of the time; what autoscalers and breakers did, as what they\n\
             # did on average. To see them again, write [[faults]], `autoscale` and policies, and import calm traces."
        );
    }
    for flag in &found.flags {
        let _ = writeln!(text, "# - {}", comment(flag));
    }
    let _ = writeln!(text, "\nversion = 1\nname = {}\n\n[sim]\nduration = {}\n", quoted(name), duration(found));
    let _ = writeln!(
        text,
        "[defaults]\ntransport = \"free\"     # encoding is in the measured times already; a real one shows what it costs besides\n"
    );
}

/// As long as the phases, else a minute.
fn duration(found: &Found) -> String {
    let long: f64 = found.phases.iter().flat_map(|phases| &phases.value).map(|(long, _)| long).sum();
    if long > 0.0 { format!("\"{}s\"", short(long)) } else { "\"60s\"".into() }
}

fn client(text: &mut String, found: &Found, name: &str, client: &Client) {
    let _ = writeln!(text, "[clients.{}]                  # {}", key(name), comment(&client.origin));
    let to = |(node, endpoint, _): &(String, String, f64)| target(node, Some(endpoint));
    match client.calls.as_slice() {
        [one] => text.push_str(&format!("calls = {}\n", quoted(&to(one)))),
        all => {
            let _ = writeln!(text, "calls = [");
            for (at, one) in all.iter().enumerate() {
                // Rounded shares might not add up: the last takes the rest.
                let own = if at + 1 < all.len() { format!(", share = {}", part(one.2)) } else { String::new() };
                let _ = writeln!(text, "  {{ to = {}{own} }},", quoted(&to(one)));
            }
            let _ = writeln!(text, "]");
        }
    }
    if let Some(policy) = entry_policy(found, client) {
        let _ = writeln!(text, "policy = {}", quoted(policy));
    }
    let lone = found.clients.len() == 1;
    match (found.phases.as_ref().filter(|_| lone), &client.rate) {
        (Some(phases), _) => {
            let _ = writeln!(text, "phases = [                          # {}", comment(&phases.origin));
            for (long, rate) in &phases.value {
                let _ = writeln!(text, "  {{ duration = \"{}s\", rate = \"{}/s\" }},", short(*long), rate_text(*rate));
            }
            let _ = writeln!(text, "]");
        }
        (None, Some(rate)) => {
            text.push_str(&format!(
                "rate = \"{}/s\"                  # {}\n",
                rate_text(rate.value),
                comment(&rate.origin)
            ));
        }
        (None, None) => text.push_str(&format!("rate = \"1/s\"                     {OPEN} not in the input\n")),
    }
    text.push('\n');
}

/// A rate that is not nothing, for a client needs one, and no more than a file may have.
fn rate_text(rate: f64) -> String {
    if rate >= 1e-3 { short(rate.min(1e9)) } else { "0.001".into() }
}

/// The rules of a mesh for all that a client calls, where they are the same: its entry keeps them, too.
fn entry_policy<'a>(found: &'a Found, client: &'a Client) -> Option<&'a str> {
    let (first, ..) = client.calls.first()?;
    let own = found.policies.get(first)?;
    let same = |(node, ..): &(String, String, f64)| found.policies.get(node).is_some_and(|p| p.value == own.value);
    client.calls.iter().all(same).then_some(first)
}

fn node(text: &mut String, found: &Found, name: &str, node: &Node) {
    let table = match node.kind {
        Kind::Service => "services",
        Kind::Database => "databases",
        Kind::External => "externals",
    };
    let _ = writeln!(text, "[{table}.{}]", key(name));
    if node.kind == Kind::Service {
        said(text, "replicas", node.begins().as_ref(), ToString::to_string);
        if node.replicas.is_none() {
            let _ = writeln!(text, "replicas = 1                        {OPEN} how many are there?");
        }
        concurrency(text, node.at_once(), 200, "workers of a replica");
        said(text, "cores", node.cores.as_ref(), ToString::to_string);
        said(text, "ready_after", node.ready_after.as_ref(), Clone::clone);
        scaler(text, node);
    }
    if node.kind == Kind::Database {
        concurrency(text, node.at_once(), 16, "queries at once");
    }
    let default = node.endpoints.get("");
    let alone = node.endpoints.is_empty() && node.consumes.is_empty();
    let ends = |called: &str| {
        let mut own = if called.is_empty() { "ends".to_owned() } else { format!("{called}-ends") };
        while node.endpoints.contains_key(&own) {
            own += "-ends";
        }
        own
    };
    if let Some(own) = default {
        endpoint(text, found, own, &target(name, Some(&ends(""))));
    } else if alone {
        let _ = writeln!(text, "work = \"1ms\"                        {OPEN} how long does it work?");
    }
    for (called, own) in node.endpoints.iter().filter(|(called, _)| !called.is_empty()) {
        let _ = writeln!(text, "\n[{table}.{}.endpoints.{}]", key(name), key(called));
        endpoint(text, found, own, &target(name, Some(&ends(called))));
    }
    for (called, own) in node.endpoints.iter().chain(&node.consumes) {
        if own.fails_last.is_some() {
            let _ = writeln!(text, "\n[{table}.{}.endpoints.{}]\nwork = \"0ms\"", key(name), key(&ends(called)));
            said(text, "error_rate", own.fails_last.as_ref(), |rate| share(*rate));
        }
    }
    for (from, own) in &node.consumes {
        let _ = writeln!(text, "\n[[{table}.{}.consumes]]\nfrom = {}", key(name), quoted(from));
        if found.brokers.get(from).is_some_and(|broker| broker.stream) {
            let _ = writeln!(text, "group = {}", quoted(name));
        }
        concurrency(text, own.at_once, 1, "messages at once of a replica");
        endpoint(text, found, own, &target(name, Some(&ends(from))));
    }
    text.push('\n');
}

/// The autoscaler. Kubernetes' per cent are of what a replica asks for; where that is not said, of all that it has.
fn scaler(text: &mut String, node: &Node) {
    let Some(From { value: Scaler { least, most, target, stabilization }, origin }) = &node.autoscale else { return };
    // A replica cannot use more than it has: a target beyond that is never met.
    let cores = node.cores.as_ref().map(|cores| cores.value as f64);
    let request = node.requested.filter(|_| cores.is_some());
    let highest = request.zip(cores).map_or(100.0, |(request, cores)| 100.0 * cores / request);
    let asked = request.map(|request| format!(", request = {}", short(request))).unwrap_or_default();
    let keys =
        format!("min = {least}, max = {most}, metric = \"cpu\", target = \"{}%\"{asked}", short(target.min(highest)));
    let line = format!("autoscale = {{ {keys}, every = \"15s\", stabilization = \"{stabilization}s\" }}");
    let open = if request.is_none() { format!("{OPEN} of how much CPU? No request is said; ") } else { "# ".into() };
    let _ = writeln!(text, "{line} {open}{}", comment(origin));
}

/// How many at once, which no input says: as many as usual, or as carry those that were seen in hand.
fn concurrency(text: &mut String, at_once: Option<f64>, usual: u64, what: &str) {
    let seen = at_once.map(|at_once| format!("; {} on average", short(at_once))).unwrap_or_default();
    let line = format!("concurrency = {}", workers(at_once, usual));
    let _ = writeln!(text, "{line:<35} {OPEN} {what}; no input says{seen}");
}

/// What an endpoint does. `ends` is what it calls last where it fails behind its calls: a file has failures before the first step.
fn endpoint(text: &mut String, found: &Found, own: &Endpoint, ends: &str) {
    said(text, "work", own.work.as_ref(), Clone::clone);
    if own.work.is_none() {
        let _ = writeln!(text, "work = \"1ms\"                        {OPEN} how long does it work?");
    }
    said(text, "error_rate", own.error_rate.as_ref(), |rate| share(*rate));
    if own.steps.is_empty() {
        return;
    }
    let _ = writeln!(text, "steps = [");
    for one in &own.steps {
        step(text, found, one, "  ");
    }
    if own.fails_last.is_some() {
        let _ = writeln!(
            text,
            "  {{ call = {}, transport = \"in-process\" }},   # what fails when these are done",
            quoted(ends)
        );
    }
    let _ = writeln!(text, "]");
}

fn step(text: &mut String, found: &Found, step: &Step, indent: &str) {
    match step {
        Step::Go(go) => text.push_str(&format!("{indent}{},{}\n", call(found, go, false), behind(&go.origin))),
        Step::Split(split) => {
            text.push_str(&format!("{indent}{},{}\n", divided(found, split, false), behind(&split.origin)));
        }
        Step::Wait(time) => text.push_str(&format!("{indent}{{ wait = {time} }},\n")),
        // A table within a line may not be spread over several lines: TOML 1.0.
        Step::Parallel(all) => {
            let mut origins: Vec<&str> = Vec::new();
            let mut inner: Vec<String> = Vec::new();
            for one in all {
                match one {
                    Step::Go(go) => {
                        inner.push(call(found, go, true));
                        origins.extend(Some(go.origin.as_str()).filter(|origin| !origin.is_empty()));
                    }
                    Step::Split(split) => {
                        inner.push(divided(found, split, true));
                        origins.extend(Some(split.origin.as_str()).filter(|origin| !origin.is_empty()));
                    }
                    Step::Wait(time) => inner.push(format!("{{ wait = {time} }}")),
                    Step::Parallel(_) => {}
                }
            }
            let origin =
                if origins.is_empty() { String::new() } else { format!("at the same time; {}", origins.join("; ")) };
            let _ = writeln!(text, "{indent}{{ parallel = [{}] }},{}", inner.join(", "), behind(&origin));
        }
    }
}

fn behind(origin: &str) -> String {
    if origin.is_empty() { String::new() } else { format!("   # {}", comment(origin)) }
}

/// A call or a message, `within` a `parallel` or not.
fn call(found: &Found, go: &Go, within: bool) -> String {
    let database = found.nodes.get(&go.node).is_some_and(|node| node.kind == Kind::Database);
    let verb = match (go.message, database) {
        (true, _) => "publish",
        (false, true) => "query",
        (false, false) => "call",
    };
    let mut keys = vec![format!("{verb} = {}", quoted(&target(&go.node, go.endpoint.as_ref())))];
    keys.extend(go.tolerated.then(|| "fallback = []".to_owned()));
    if !go.message && !database {
        keys.extend(go.keys.iter().cloned());
        let policy = found.policies.contains_key(&go.node) && go.keys.is_empty();
        keys.extend(policy.then(|| format!("policy = {}", quoted(&go.node))));
    }
    go.often.told(within, |taken| match &go.besides {
        None => table(&[&keys[..1], taken, &keys[1..]].concat()),
        // Two steps that are one: a way that is always taken.
        Some(besides) => {
            let both = format!("split = [{{ steps = [{{ wait = {besides} }}, {}] }}]", table(&keys));
            table(&[&[both], taken].concat())
        }
    })
}

/// A table within a line.
fn table(keys: &[String]) -> String {
    format!("{{ {} }}", keys.join(", "))
}

/// A call to one of several.
fn divided(found: &Found, split: &Split, within: bool) -> String {
    let way =
        |(weight, go): &(f64, Go)| format!("{{ weight = {}, steps = [{}] }}", short(*weight), call(found, go, false));
    let ways = format!("split = [{}]", split.ways.iter().map(way).collect::<Vec<_>>().join(", "));
    split.often.told(within, |taken| table(&[std::slice::from_ref(&ways), taken].concat()))
}

fn target(node: &str, endpoint: Option<&String>) -> String {
    match endpoint.filter(|endpoint| !endpoint.is_empty()) {
        Some(endpoint) => format!("{node}.{endpoint}"),
        None => node.to_owned(),
    }
}

/// A topic has at least as many partitions as its readers need to read at once: a partition is read by one at a time.
fn broker(text: &mut String, found: &Found, name: &str, broker: &Broker) {
    let kind = if broker.stream { "topics" } else { "queues" };
    let _ = writeln!(text, "[{kind}.{}]                  # {}", key(name), comment(&broker.origin));
    if broker.stream {
        let readers = found.nodes.values().filter_map(|node| Some((node, node.consumes.get(name)?)));
        let at_once =
            readers.map(|(node, own)| node.replicas.as_ref().map_or(1, |n| n.value) * workers(own.at_once, 1));
        let line = format!("partitions = {}", at_once.max().unwrap_or(1).max(1));
        let _ = writeln!(text, "{line:<35} {OPEN} how many are there? A reader for each");
    } else {
        let _ = writeln!(text, "publish_latency = \"0ms\"             {OPEN} how long does the broker take?");
    }
    text.push('\n');
}

fn wire(text: &mut String, found: &Found) {
    let called = found.called();
    let used = |name: &String| called.contains(name.as_str());
    for (host, keys) in found.policies.iter().filter(|(host, _)| used(host)) {
        let _ = writeln!(text, "[policies.{}]                  # {}", key(host), comment(&keys.origin));
        for one in &keys.value {
            let _ = writeln!(text, "{one}");
        }
        text.push('\n');
    }
    discovery(text, found);
    for fault in &found.faults {
        let _ = writeln!(text, "[[faults]]                  # {}\n{}", comment(&fault.origin), fault.value);
    }
    let known = |name: &String| found.nodes.contains_key(name) || found.clients.contains_key(name);
    for ((from, to), law) in found.links.iter().filter(|((from, to), _)| known(from) && known(to)) {
        let _ = writeln!(text, "[network.links.{}]", quoted(&format!("{from} -> {to}")));
        let _ = writeln!(
            text,
            "latency = {}   # half of what callers wait beyond their callees: {}\n",
            law.value,
            comment(&law.origin)
        );
    }
    if found.links.is_empty() {
        let _ = writeln!(text, "[network]\nsame_zone = {}                 {OPEN} one way, each way\n", time(250_000.0));
    }
}

/// How replicas are watched: by whoever calls them, and by probes. Kubernetes' probes take a replica out of the list of
/// endpoints, so that there must be one.
fn discovery(text: &mut String, found: &Found) {
    if found.outliers.is_none() && found.probes.is_empty() && found.balancer.is_none() {
        return;
    }
    text.push_str("[discovery]\n");
    if found.probes.contains_key("readiness") {
        let kind = if found.outliers.is_some() { "mesh" } else { "kubernetes" };
        let _ = writeln!(text, "kind = \"{kind}\"   # probes take replicas out of the list of endpoints");
    }
    if let Some(balancer) = &found.balancer {
        let _ = writeln!(text, "load_balancing = {}   # {}", quoted(&balancer.value), comment(&balancer.origin));
    }
    if let Some(outliers) = &found.outliers {
        let _ = writeln!(text, "outlier_detection = {}   # {}", outliers.value, comment(&outliers.origin));
    }
    for (which, probe) in &found.probes {
        let _ = writeln!(text, "{which} = {}   # {}", probe.value, comment(&probe.origin));
    }
    text.push('\n');
}

/// A key that was found, with its origin.
fn said<T>(text: &mut String, key: &str, found: Option<&From<T>>, show: impl Fn(&T) -> String) {
    if let Some(From { value, origin }) = found {
        let line = format!("{key} = {}", show(value));
        let _ = writeln!(text, "{line:<35} # {}", comment(origin));
    }
}

/// A share in digits.
pub(super) fn share(share: f64) -> String {
    let text = short((share * 1e6).round() / 1e6);
    if text.contains('.') { text } else { format!("{text}.0") }
}

/// A share of several, rounded down so that no sum of them is more than all.
fn part(share: f64) -> String {
    format!("{:.6}", (share * 1e6).floor().clamp(1.0, 1e6) / 1e6)
}

/// What stands in a comment cannot end it.
fn comment(text: &str) -> String {
    crate::diag::clean(text).replace('\n', " ")
}

fn key(name: &str) -> String {
    let bare = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if bare { name.to_owned() } else { quoted(name) }
}

fn quoted(text: &str) -> String {
    toml_edit::Value::from(text).to_string()
}

/// The questions that a text leaves open: their lines, from 1, and what stands there.
pub fn open_lines(text: &str) -> Vec<(usize, &str)> {
    let marked = text.lines().enumerate().filter_map(|(at, line)| {
        let (before, question) = line.split_once(OPEN)?;
        Some((at + 1, if before.trim().is_empty() { question.trim() } else { line.trim() }))
    });
    marked.filter(|(_, line)| !line.is_empty()).collect()
}

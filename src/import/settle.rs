//! From what traces have in common to services, endpoints and steps.

use std::collections::{BTreeMap, BTreeSet};

use super::fit::{fit, short, time};
use super::found::{Broker, Client, Found, From, Go, Kind, Step, carried};
use super::learn::{Calls, Learned, Learner, Op, Target, Times};
use super::names::{apart, distinct, endpoint_name, node_name};
use super::often::Often;
use super::spans::Name;
use crate::diag::nouns;

/// Puts what was learned into what was found. `origin` is the file, or how many.
pub(super) fn settle(learner: &Learner, found: &mut Found, origin: &str) {
    if learner.spans == 0 {
        return;
    }
    let mut settling = Settling {
        learner,
        origin,
        merged: BTreeSet::new(),
        nodes: BTreeMap::new(),
        brokers: BTreeMap::new(),
        endpoints: BTreeMap::new(),
        quickest: BTreeMap::new(),
    };
    let services: BTreeSet<Name> = learner.ops.keys().map(|op| op.0).collect();
    settling.merged =
        services.iter().copied().filter(|name| settling.of(*name).all(|learned| learned.outside)).collect();
    settling.christen(&services, found);
    settling.quickest = settling.quickest();
    found.traced = true;
    settling.said(found);
    let populations = settling.populations();
    for (op, learned) in &learner.ops {
        if !populations.contains(&op.0) {
            settling.endpoint(found, *op, learned);
        }
    }
    settling.nodes(found);
    settling.links(found);
    for population in &populations {
        settling.population(found, *population);
    }
    settling.users(found, &populations);
}

struct Settling<'a> {
    learner: &'a Learner,
    origin: &'a str,
    /// Nodes without endpoints of their own.
    merged: BTreeSet<Name>,
    /// The names that are written.
    nodes: BTreeMap<Name, String>,
    brokers: BTreeMap<Name, String>,
    endpoints: BTreeMap<Op, String>,
    /// What the quickest call-site of each link takes for both ways, and how many calls tell.
    quickest: BTreeMap<(String, String), (Way, u64)>,
}

impl Settling<'_> {
    /// Gives everything a name of its own, also where two come out alike.
    fn christen(&mut self, services: &BTreeSet<Name>, found: &mut Found) {
        let learner = self.learner;
        let text = |name: &Name| learner.names.name(*name);
        let nodes = distinct(services.iter().map(text), found);
        self.nodes = services.iter().map(|name| (*name, nodes[text(name)].clone())).collect();
        let brokers = distinct(learner.brokers.keys().map(text), found);
        self.brokers = learner.brokers.keys().map(|name| (*name, brokers[text(name)].clone())).collect();
        for service in services.difference(&self.merged) {
            let [first, last] = Name::ENDS;
            let ops = || learner.ops.range((*service, first)..=(*service, last));
            let called = ops().filter(|(_, learned)| learned.consumes.is_none()).map(|(op, _)| text(&op.1));
            let node = &self.nodes[service];
            let (names, numbered) = apart(called, |name| endpoint_name(text(service), name), node);
            for (name, written) in numbered {
                found.flag(format!("{node}: `{name}` is written {written}: another name comes out the same"));
            }
            for (op, _) in ops() {
                if let Some(name) = names.get(text(&op.1)) {
                    self.endpoints.insert(*op, name.clone());
                }
            }
        }
    }

    fn name(&self, name: Name) -> String {
        self.nodes.get(&name).cloned().unwrap_or_else(|| node_name(self.learner.names.name(name)))
    }

    fn broker_name(&self, name: Name) -> String {
        self.brokers.get(&name).cloned().unwrap_or_else(|| node_name(self.learner.names.name(name)))
    }

    /// The endpoint of an operation; empty for the default one.
    fn endpoint_of(&self, op: Op) -> String {
        self.endpoints.get(&op).cloned().unwrap_or_default()
    }

    /// Whether a node has no endpoints of its own: nobody but its callers tells of it.
    fn is_merged(&self, service: Name) -> bool {
        self.merged.contains(&service)
    }

    fn of(&self, service: Name) -> impl Iterator<Item = &Learned> {
        let [first, last] = Name::ENDS;
        self.learner.ops.range((service, first)..=(service, last)).map(|(_, learned)| learned)
    }

    /// Who only ever begins: nobody calls them, and they say of nothing that it was served.
    fn populations(&self) -> Vec<Name> {
        let mut services: Vec<Name> = self.learner.ops.keys().map(|op| op.0).collect();
        services.dedup();
        let begins = |learned: &Learned| {
            learned.served == 0
                && learned.consumes.is_none()
                && !learned.outside
                && learned.roots == learned.invocations
        };
        let calls = |learned: &Learned| learned.calls.keys().any(|to| matches!(to, Target::Call(_)));
        services.retain(|service| self.of(*service).all(begins) && self.of(*service).any(calls));
        services
    }

    /// What a reader must know of the traces as a whole.
    fn said(&self, found: &mut Found) {
        let learner = self.learner;
        found.flag(format!("{}: {} of {}", self.origin, carried(learner.traces, "trace"), spans(learner.spans)));
        for ((caller, callee), (times, most)) in &learner.skewed {
            let (caller, callee) = (self.name(*caller), self.name(*callee));
            found.flag(format!(
                "clock skew: {} of {callee} outside of {caller}'s that called it, by up to {}; nothing was corrected",
                spans(*times),
                time(*most as f64).trim_matches('"')
            ));
        }
        for (op, tries) in &learner.lost {
            let name = self.name(op.0);
            found.flag(format!(
                "{} to {name} failed on the way, for {name} has no span of them: they are no failures of it, and are left out",
                carried(*tries, "call")
            ));
        }
        if learner.orphans > 0 {
            found.flag(format!(
                "{} below a parent that is not in the input: whatever was above is missing",
                spans(learner.orphans)
            ));
        }
        if learner.timeless > 0 {
            found.flag(format!("{} without a length, of which no time was read", spans(learner.timeless)));
        }
        if learner.cut {
            found.flag("more spans were under way at once than are kept: a trace that is spread over the file may have been cut");
        }
        if let Some((first, last)) = learner.window.filter(|(first, last)| last > first) {
            found.window_s = Some((last - first) as f64 / 1e9);
        }
    }

    fn endpoint(&self, found: &mut Found, op: Op, learned: &Learned) {
        let (node, endpoint) = (self.name(op.0), self.endpoint_of(op));
        let steps = if self.is_merged(op.0) { Vec::new() } else { self.steps(op.0, learned) };
        let own = if learned.consumes.is_some() {
            let broker = self.broker_name(learned.consumes.unwrap_or_default());
            found.node(&node).consumes.entry(broker).or_default()
        } else {
            found.endpoint(&node, &endpoint)
        };
        if own.work.is_none() {
            own.work = law(&learned.own, learned.outside);
            own.at_once = self.at_once(op, learned);
        }
        let failed = learned.own_errors();
        if failed > 0 && learned.fails_late() {
            // Those that had failed with a call do not come so far.
            let came = learned.invocations - learned.failed_below();
            let origin = format!("{failed} of {} that came so far", carried(came, "invocation"));
            own.fails_last = Some(From::new(failed as f64 / came.max(1) as f64, origin));
        } else if failed > 0 {
            let origin = format!("{failed} of {}", carried(learned.invocations, "invocation"));
            own.error_rate = Some(From::new(failed as f64 / learned.invocations as f64, origin));
        }
        if own.steps.is_empty() {
            own.steps = steps;
        }
    }

    /// How many a replica has in hand at a time, on average: as many as come, times how long each takes (Little 1961).
    fn at_once(&self, op: Op, learned: &Learned) -> Option<f64> {
        let (first, last) = self.learner.window.filter(|(first, last)| last > first)?;
        let replicas = self.learner.instances.get(&op.0).map_or(1, |all| all.len().max(1));
        let every = f64::from(self.learner.stands_for.max(1));
        Some(learned.held * every / (last - first) as f64 / replicas as f64)
    }

    /// The steps of an endpoint in their order; those that mostly overlap are one `parallel`.
    fn steps(&self, caller: Name, learned: &Learned) -> Vec<Step> {
        let mut targets: Vec<(Target, f64)> = learned.calls.keys().map(|to| (*to, learned.place(*to))).collect();
        targets.sort_by(|a, b| a.1.total_cmp(&b.1));
        let together = |a: Target, b: Target| {
            let (all, at_once) = learned.pairs.get(&(a.min(b), a.max(b))).copied().unwrap_or_default();
            2 * at_once > all
        };
        let mut groups: Vec<Vec<Target>> = Vec::new();
        for (to, _) in targets {
            match groups.last_mut().filter(|group| group.iter().any(|other| together(*other, to))) {
                Some(group) => group.push(to),
                None => groups.push(vec![to]),
            }
        }
        groups.into_iter().map(|group| self.step(caller, learned, &group)).collect()
    }

    fn step(&self, caller: Name, learned: &Learned, group: &[Target]) -> Step {
        let mut all: Vec<Go> = group.iter().map(|to| self.go(caller, learned, *to)).collect();
        // Copies at once that vary in their number stand in a `parallel` of their own.
        let alone = |go: &Go| !go.often.at_once || !go.often.is_certain() || go.often.alike().is_none();
        if all.len() == 1 && alone(&all[0]) {
            return Step::Go(all.remove(0));
        }
        Step::Parallel(all.into_iter().map(Step::Go).collect())
    }

    fn go(&self, caller: Name, learned: &Learned, to: Target) -> Go {
        let (node, endpoint) = match to {
            Target::Call(op) => (self.name(op.0), Some(self.endpoint_of(op))),
            Target::Message(broker) => (self.broker_name(broker), None),
        };
        let (often, mut origin) = often(learned, to);
        let [failed, went_on] = learned.after(to);
        let tolerated = learned.tolerates(to);
        match (tolerated, failed) {
            (true, 0) => origin += &format!("; {went_on} failed and its caller went on"),
            (true, _) => origin += &format!("; {went_on} failed and its caller went on, with {failed} it failed"),
            (false, _) if went_on > 0 => {
                origin += &format!("; with {failed} its caller failed, after {went_on} it went on");
            }
            (false, _) => {}
        }
        Go {
            node,
            endpoint,
            message: matches!(to, Target::Message(_)),
            often,
            tolerated,
            besides: learned.calls.get(&to).and_then(|calls| self.besides((caller, to), &calls.ways)),
            keys: learned.calls.get(&to).map(rules).unwrap_or_default(),
            origin,
        }
    }

    /// What kind of nodes they are, their replicas, and their brokers.
    fn nodes(&self, found: &mut Found) {
        let names: BTreeSet<Name> = self.learner.ops.keys().map(|op| op.0).collect();
        for service in names {
            let name = self.name(service);
            let Some(node) = found.nodes.get_mut(&name) else { continue };
            // A database calls nobody.
            let database = |op: &Learned| op.database && op.calls.is_empty() && op.consumes.is_none();
            node.kind = match (self.of(service).all(database), self.of(service).all(|op| op.outside)) {
                (true, _) => Kind::Database,
                (false, true) => Kind::External,
                _ => Kind::Service,
            };
            let seen = self.learner.instances.get(&service).map_or(0, BTreeMap::len);
            if seen > 0 && node.replicas.is_none() {
                node.replicas = Some(From::new(seen as u64, "instances that had spans; there may be more"));
            }
        }
        for (broker, stream) in &self.learner.brokers {
            let name = self.broker_name(*broker);
            let readers = found.nodes.values().filter(|node| node.consumes.contains_key(&name)).count();
            let stream = *stream || readers > 1;
            let origin =
                if readers > 1 { format!("{readers} services read it") } else { "spans of messages".to_owned() };
            found.brokers.entry(name).or_insert(Broker { stream, origin });
        }
    }

    /// The network, as far as callers' and callees' spans tell: both ways are half each. A link takes what the quickest of its
    /// call-sites takes; what others take beyond that (a larger answer, a connection that is made first) they wait besides.
    fn links(&self, found: &mut Found) {
        for ((from, to), (Way { mean, var }, calls)) in self.quickest.clone() {
            let cv = 2f64.sqrt() * var.sqrt() / mean.max(1.0);
            // Two independent ways that come to this mean and variance.
            let one = if cv < 0.01 {
                time(mean / 2.0)
            } else {
                format!("{{ dist = \"lognormal\", mean = {}, cv = {} }}", time(mean / 2.0), short(cv))
            };
            if mean >= 1.0 {
                found.links.entry((from, to)).or_insert(From::new(one, carried(calls, "call")));
            }
        }
    }

    /// By caller and callee: what the call-site takes that is the quickest on average, of those that enough samples carry.
    fn quickest(&self) -> BTreeMap<(String, String), (Way, u64)> {
        let mut quickest: BTreeMap<(String, String), (Way, u64)> = BTreeMap::new();
        for (op, learned) in &self.learner.ops {
            for (to, calls) in &learned.calls {
                let (Target::Call(callee), Some(way)) = (to, Way::of(&calls.ways)) else { continue };
                let link = (self.name(op.0), self.name(callee.0));
                let seen = calls.ways.seen;
                let best = quickest.entry(link).or_insert((way, seen));
                let weak = |seen: u64| seen < super::found::WEAK;
                if (weak(best.1) && seen > best.1) || (!weak(seen) && way.mean < best.0.mean) {
                    *best = (way, seen);
                }
            }
        }
        quickest
    }

    /// What a call-site waits for the network beyond what the quickest on its link does; `None` where that is next to nothing.
    fn besides(&self, (from, to): (Name, Target), ways: &Times) -> Option<String> {
        let (Target::Call(callee), Some(own)) = (to, Way::of(ways)) else { return None };
        let (link, _) = self.quickest.get(&(self.name(from), self.name(callee.0)))?;
        let (mean, var) = (own.mean - link.mean, (own.var - link.var).max(0.0));
        let counts = ways.seen >= super::found::WEAK && mean > 0.1 * link.mean && mean > 20e3;
        counts.then(|| {
            let cv = var.sqrt() / mean;
            if cv < 0.01 {
                time(mean)
            } else {
                format!("{{ dist = \"lognormal\", mean = {}, cv = {} }}", time(mean), short(cv))
            }
        })
    }

    fn rate(&self, requests: u64) -> Option<From<f64>> {
        let (first, last) = self.learner.window.filter(|(first, last)| last > first)?;
        let every = u64::from(self.learner.stands_for.max(1));
        let seconds = (last - first) as f64 / 1e9;
        let told = if every > 1 { format!(", one of {every} kept") } else { String::new() };
        let rate = (requests * every) as f64 / seconds;
        Some(From::new(rate, format!("{} in {} s{told}", carried(requests, "request"), short(seconds))))
    }

    /// Somebody who only sends: a client.
    fn population(&self, found: &mut Found, service: Name) {
        let mut calls: BTreeMap<(String, String), u64> = BTreeMap::new();
        let mut requests = 0;
        for learned in self.of(service) {
            requests += learned.roots;
            for to in learned.calls.keys() {
                if let Target::Call(op) = to {
                    *calls.entry((self.name(op.0), self.endpoint_of(*op))).or_default() += learned.made(*to);
                }
            }
        }
        let all: u64 = calls.values().sum();
        let calls =
            calls.into_iter().map(|((node, endpoint), n)| (node, endpoint, n as f64 / all.max(1) as f64)).collect();
        let origin = "begins requests and serves none".to_owned();
        found.clients.insert(self.name(service), Client { calls, rate: self.rate(requests), origin });
    }

    /// Messages that more of came than anybody in the input has sent: a service stands for whoever sent them, for a client cannot.
    fn senders(&self, found: &mut Found) -> BTreeMap<String, u64> {
        let mut missing: BTreeMap<Name, u64> = BTreeMap::new();
        for learned in self.learner.ops.values().filter(|learned| learned.roots > 0) {
            let Some(broker) = learned.consumes else { continue };
            let sent: u64 = self.learner.ops.values().map(|other| other.made(Target::Message(broker))).sum();
            let most = missing.entry(broker).or_default();
            *most = (*most).max(learned.invocations.saturating_sub(sent).min(learned.roots));
        }
        let mut senders = BTreeMap::new();
        for (broker, n) in missing.into_iter().filter(|(_, n)| *n > 0) {
            let broker = self.broker_name(broker);
            let mut name = format!("{broker}-sender");
            while found.nodes.contains_key(&name) {
                name += "-2";
            }
            found.flag(format!(
                "{} by {broker} that nobody in the input sent: {name} stands for whoever did",
                carried(n, "message")
            ));
            let own = found.endpoint(&name, "");
            own.work = Some(From::new("\"0ms\"".to_owned(), "it stands for a sender that is not in the input"));
            let origin = format!("{} that nobody else sent", carried(n, "message"));
            own.steps.push(Step::Go(Go { node: broker, message: true, origin, ..Go::default() }));
            senders.insert(name, n);
        }
        senders
    }

    /// Requests whose sender has no spans come from users.
    fn users(&self, found: &mut Found, populations: &[Name]) {
        let roots = |(_, learned): &(&Op, &Learned)| learned.roots > 0 && learned.consumes.is_none();
        let senders = self.senders(found);
        let own = |(op, _): &(&Op, &Learned)| !populations.contains(&op.0);
        let begun: Vec<(&Op, &Learned)> = self.learner.ops.iter().filter(roots).filter(own).collect();
        let all: u64 = begun.iter().map(|(_, learned)| learned.roots).chain(senders.values().copied()).sum();
        if all == 0 {
            return;
        }
        let call = |(op, learned): (&Op, &Learned)| {
            (self.name(op.0), self.endpoint_of(*op), learned.roots as f64 / all as f64)
        };
        let sent = senders.iter().map(|(name, n)| (name.clone(), String::new(), *n as f64 / all as f64));
        let calls = begun.into_iter().map(call).chain(sent).collect();
        let origin = "whoever sent the requests that nobody in the input sent".to_owned();
        found.clients.insert("users".into(), Client { calls, rate: self.rate(all), origin });
    }
}

/// How often a call is made, and what tells.
fn often(learned: &Learned, to: Target) -> (Often, String) {
    // One that had failed before does not say that it would not have called.
    let alone = if learned.fails_late() { 0 } else { learned.failed_alone };
    let before = learned.cut_before(to) + alone;
    let asked = learned.invocations.saturating_sub(before);
    let counts = learned.counts(to);
    let who: u64 = counts.values().sum();
    let mut origin = format!("in {who} of {}", carried(asked, "invocation"));
    if before > 0 {
        origin += &format!(", {before} had failed before");
    }
    if let (Some((least, _)), Some((most, _))) = (counts.first_key_value(), counts.last_key_value())
        && least < most
    {
        origin += &format!(", {least} to {most} times each");
    }
    let (again, at_once) = learned.calls.get(&to).map(|calls| calls.again).unwrap_or_default();
    (Often::counted(counts, asked).together(2 * at_once > again), origin)
}

/// How long both ways together take.
#[derive(Clone, Copy, Debug)]
struct Way {
    mean: f64,
    var: f64,
}

impl Way {
    fn of(ways: &Times) -> Option<Self> {
        let n = ways.kept.len() as f64;
        let mean = ways.kept.iter().sum::<f64>() / n;
        let var = ways.kept.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n;
        (n > 0.0).then_some(Self { mean, var })
    }
}

/// So many spans.
fn spans(n: u64) -> String {
    format!("{n} {}", nouns(n, "span"))
}

/// The law of times, with what carries it: of many every so-many-th.
fn law(times: &Times, outside: bool) -> Option<From<String>> {
    let (law, _) = fit(&times.kept)?;
    let exact = law.distance.is_nan() || law.distance == 0.0;
    let far = if exact { String::new() } else { format!(", distance {:.3}", law.distance) };
    let kept = times.kept.len() as u64;
    let some = if kept < times.seen { format!("{kept} of ") } else { String::new() };
    let (what, seen) = if outside { ("call", ", as callers saw them") } else { ("invocation", "") };
    Some(From::new(law.toml, format!("{some}{}{seen}: {}{far}", carried(times.seen, what), law.family)))
}

/// Waits before further tries, told by how the first ones are spread (a uniform law over all of the wait has a coefficient of
/// variation of 0.58, over its upper half of 0.19) and by how the second ones are longer. What is spread more is a law of its own,
/// and then every wait is drawn alike.
fn waits_of([first, second]: &[Times; 2]) -> String {
    let mean = |times: &Times| times.kept.iter().sum::<f64>() / times.kept.len() as f64;
    let usual = mean(first);
    if first.kept.is_empty() || usual < 1.0 {
        return ", backoff = \"0ms\"".into();
    }
    let spread = first.kept.iter().map(|pause| (pause - usual).powi(2)).sum::<f64>() / first.kept.len() as f64;
    let (whole, jitter) = match spread.sqrt() / usual {
        cv if cv < 0.1 => (usual, "none"),
        cv if cv < 0.35 => (usual / 0.75, "equal"),
        cv if cv < 0.75 => (2.0 * usual, "full"),
        _ => match fit(&first.kept) {
            Some((law, _)) => return format!(", backoff = {}, jitter = \"none\"", law.toml),
            None => (usual, "none"),
        },
    };
    let factor = (mean(second) / usual).max(1.0);
    let grows = if second.kept.is_empty() { String::new() } else { format!(", backoff_factor = {}", short(factor)) };
    format!(", backoff = {}, jitter = \"{jitter}\"{grows}", time(whole))
}

/// What callers do about failures, as far as it shows.
fn rules(calls: &Calls) -> Vec<String> {
    let mut keys = Vec::new();
    let mut waits = calls.given_up.kept.clone();
    waits.sort_by(f64::total_cmp);
    let timeout = waits.get(waits.len() / 2).copied();
    // Whoever gives up by a timeout always waits as long.
    let alike = |wait: &f64| waits.first().zip(waits.last()).is_some_and(|(least, most)| most - least < 0.1 * wait);
    if let Some(wait) = timeout.filter(|wait| *wait > 0.0 && waits.len() > 2 && alike(wait)) {
        keys.push(format!("timeout = {}", time(wait)));
    }
    if calls.retries > 0 {
        let on = if waits.is_empty() { "\"error\", \"overloaded\", \"reset\"" } else { "\"timeout\", \"error\"" };
        keys.push(format!("retries = {{ max = {}, on = [{on}]{} }}", calls.most_retries, waits_of(&calls.pauses)));
    }
    keys
}

//! From what traces have in common to services, endpoints and steps.

use std::collections::{BTreeMap, BTreeSet};

use super::fit::{fit, short, time};
use super::found::{Broker, Client, Found, From, Go, Kind, Step, carried};
use super::learn::{Calls, Learned, Learner, Op, Target, Times};
use super::names::{endpoint_name, node_name};
use super::spans::Name;

/// Puts what was learned into what was found. `origin` is the file, or how many.
pub(super) fn settle(learner: &Learner, found: &mut Found, origin: &str) {
    if learner.spans == 0 {
        return;
    }
    let mut settling = Settling { learner, origin, merged: BTreeSet::new(), quickest: BTreeMap::new() };
    let services: BTreeSet<Name> = learner.ops.keys().map(|op| op.0).collect();
    settling.merged = services.into_iter().filter(|name| settling.of(*name).all(|learned| learned.outside)).collect();
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
    /// What the quickest call-site of each link takes for both ways, and how many calls tell.
    quickest: BTreeMap<(String, String), (Way, u64)>,
}

impl Settling<'_> {
    fn name(&self, name: Name) -> String {
        node_name(self.learner.names.name(name))
    }

    /// The endpoint of an operation; empty for the default one.
    fn endpoint_of(&self, op: Op) -> String {
        let (service, name) = (self.learner.names.name(op.0), self.learner.names.name(op.1));
        if self.is_merged(op.0) { String::new() } else { endpoint_name(service, name) }
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
        found.flag(format!(
            "{}: {} of {} spans",
            self.origin,
            carried(learner.traces, if learner.traces == 1 { "trace" } else { "traces" }),
            learner.spans
        ));
        for ((caller, callee), (times, most)) in &learner.skewed {
            let (caller, callee) = (self.name(*caller), self.name(*callee));
            found.flag(format!(
                "clock skew: {times} spans of {callee} lie outside of those of {caller}, by up to {}; nothing was corrected",
                time(*most as f64).trim_matches('"')
            ));
        }
        if learner.orphans > 0 {
            found.flag(format!(
                "{} spans name a parent that is not in the input: whatever was above them is missing",
                learner.orphans
            ));
        }
        if learner.timeless > 0 {
            found.flag(format!("{} spans have no length; no time was read off them", learner.timeless));
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
        let what = if learned.outside { "calls, as their callers saw them" } else { "invocations" };
        let steps = if self.is_merged(op.0) { Vec::new() } else { self.steps(op.0, learned) };
        let own = if learned.consumes.is_some() {
            let broker = self.name(learned.consumes.unwrap_or_default());
            found.node(&node).consumes.entry(broker).or_default()
        } else {
            found.endpoint(&node, &endpoint)
        };
        if own.work.is_none() {
            own.work = law(&learned.own, what);
            own.at_once = self.at_once(op, learned);
        }
        if learned.own_errors > 0 {
            let share = learned.own_errors as f64 / learned.invocations as f64;
            own.error_rate = Some(From::new(
                share,
                format!("{} of {}", learned.own_errors, carried(learned.invocations, "invocations")),
            ));
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
        let mut targets: Vec<(Target, f64)> =
            learned.calls.iter().map(|(to, calls)| (*to, calls.place / learned.called(*to).1.max(1) as f64)).collect();
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
        let mut all: Vec<Step> = group.iter().map(|to| Step::Go(self.go(caller, learned, *to))).collect();
        let copies = |to: &Target| {
            let (all, at_once) = learned.calls.get(to).map(|calls| calls.again).unwrap_or_default();
            2 * at_once > all
        };
        if all.len() == 1 && !group.iter().any(copies) {
            return all.remove(0);
        }
        Step::Parallel(all)
    }

    fn go(&self, caller: Name, learned: &Learned, to: Target) -> Go {
        let (who, calls) = learned.called(to);
        let times = ((calls as f64 / who.max(1) as f64).round() as u32).max(1);
        // One that had failed before does not say that it would not have called.
        let cut = learned.cut_before(to);
        let asked = learned.invocations - cut;
        let share = calls as f64 / (f64::from(times) * asked.max(1) as f64);
        let counts = learned.calls.get(&to).map(|calls| &calls.counts);
        let varies = counts.and_then(|counts| Some((*counts.keys().next()?, *counts.keys().next_back()?)));
        let varies = varies.filter(|(least, most)| least < most);
        let mut origin = format!("in {who} of {}", carried(asked, "invocations"));
        if cut > 0 {
            origin += &format!(", {cut} had failed before");
        }
        if let Some((least, most)) = varies {
            origin += &format!(", {least} to {most} times each");
        }
        let (node, endpoint) = match to {
            Target::Call(op) => (self.name(op.0), Some(self.endpoint_of(op))),
            Target::Message(broker) => (self.name(broker), None),
        };
        let keys = learned.calls.get(&to).map(rules).unwrap_or_default();
        Go {
            node,
            endpoint,
            message: matches!(to, Target::Message(_)),
            times,
            probability: (share < 0.999_95).then_some(share),
            besides: learned.calls.get(&to).and_then(|calls| self.besides((caller, to), &calls.ways)),
            keys,
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
            let name = self.name(*broker);
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
                found.links.entry((from, to)).or_insert(From::new(one, carried(calls, "calls")));
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
        Some(From::new(rate, format!("{} in {} s{told}", carried(requests, "requests"), short(seconds))))
    }

    /// Somebody who only sends: a client.
    fn population(&self, found: &mut Found, service: Name) {
        let mut calls: BTreeMap<(String, String), u64> = BTreeMap::new();
        let mut requests = 0;
        for learned in self.of(service) {
            requests += learned.roots;
            for to in learned.calls.keys() {
                if let Target::Call(op) = to {
                    *calls.entry((self.name(op.0), self.endpoint_of(*op))).or_default() += learned.called(*to).1;
                }
            }
        }
        let all: u64 = calls.values().sum();
        let calls =
            calls.into_iter().map(|((node, endpoint), n)| (node, endpoint, n as f64 / all.max(1) as f64)).collect();
        let origin = "begins requests and serves none".to_owned();
        found.clients.insert(self.name(service), Client { calls, rate: self.rate(requests), origin });
    }

    /// Requests whose sender has no spans come from users.
    fn users(&self, found: &mut Found, populations: &[Name]) {
        let roots = |(_, learned): &(&Op, &Learned)| learned.roots > 0 && learned.consumes.is_none();
        let own = |(op, _): &(&Op, &Learned)| !populations.contains(&op.0);
        let begun: Vec<(&Op, &Learned)> = self.learner.ops.iter().filter(roots).filter(own).collect();
        let all: u64 = begun.iter().map(|(_, learned)| learned.roots).sum();
        if all == 0 {
            return;
        }
        let call = |(op, learned): (&Op, &Learned)| {
            (self.name(op.0), self.endpoint_of(*op), learned.roots as f64 / all as f64)
        };
        let calls = begun.into_iter().map(call).collect();
        let origin = "whoever sent the requests that nobody in the input sent".to_owned();
        found.clients.insert("users".into(), Client { calls, rate: self.rate(all), origin });
    }
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

/// The law of times, with what carries it.
fn law(times: &Times, what: &str) -> Option<From<String>> {
    let (law, _) = fit(&times.kept)?;
    let far = if law.distance.is_nan() { String::new() } else { format!(", distance {:.3}", law.distance) };
    Some(From::new(law.toml, format!("{}: {}{far}", carried(times.seen, what), law.family)))
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

//! Gateways: one entry for all clients.
//!
//! `[gateways.edge]` is a service (`io = "async"`) that leads paths to services: `routes = [{ path = "/orders/*", to =
//! "orders.create" }]`, the first that fits. A client names a path, `calls = "edge:/orders/42"`, or the `name` of a route,
//! `calls = "edge.checkout"`; `calls = "edge"` is the path `/`, or the only route there is. A route leads `to` a service (`times =
//! 20` of it: what a GraphQL resolver without batching makes of one question), or has `steps` of its own: a `parallel` whose
//! branches may be `optional` aggregates several answers into one, and answers without those that are missing. `work` and
//! `error_rate` of the gateway hold for each of its routes.
//!
//! What comes in is asked for in this order: the limits at the door, a count that is shared, `auth`, what is remembered of the
//! answer, then the route. A limit before `auth` protects it, too; Envoy's usual chain has it the other way round.
//!
//! `auth = { call = "auth.verify", cache_ttl = "60s" }` asks once per request, at the edge, and remembers for `cache_ttl` who may
//! come in: each request brings one of `keys` credentials (sessions, tokens), and each replica remembers for itself. Where the
//! answer is no, or nobody answers, the request fails (closed, not open): an outage of `auth` takes with it what is not
//! remembered, which grows by what expires. Without `cache_ttl` every request asks. A route with `auth = false` is open to all.
//!
//! `cache = { ttl = "10s" }` of a route remembers whole answers in the same way. What is fetched by a request that fails is not
//! remembered. A replica that restarts has forgotten everything.
//!
//! `rate_limit` counts per replica, all that comes or (`per = "client"`) each client by itself; with `counter = "limits"` all
//! replicas share one count that a cache or service keeps, and every request pays the call there. It is counted when the answer is back; where
//! nobody answers, the request comes in, as with Envoy's `failure_mode_deny = false`
//! (<https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/rate_limit_filter>).
//!
//! `inside = "grpc"` is how the gateway calls those behind it. Decoding and encoding both ways is then what the translation
//! costs, and the ledger has it under `gateway`. A stream from inside is gathered before the answer leaves.

use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue};

use super::super::check::{few, zero};
use super::super::declare::{
    Count, Duration, Flag, Maybe, Must, Number, Or, Record as _, Ruled, Said, Text, To, Told, table,
};
use super::super::print::Page;
use super::super::read::{Desk, View, check_name};
use super::super::vocab::{Key, Shape, key};
use super::super::written::{
    Call, Client, DoorRules, Given, Guards, Memory, Node, NodeKind, Rule, Scenario, Step, Target, Verb, on,
};
use super::nodes::Endpoint;
use super::paths::{Path, Pattern};
use super::sim::TransportName;
use super::steps::{Calling, Program, Sizes};
use crate::diag::{Complaint, code};
use crate::units::Span;

table! {
    /// Who checks requests at the edge.
    pub struct Auth: "auth", "Who says whether a request may come in: asked once, at the edge.",
    needs "write auth = { call = \"auth.verify\", cache_ttl = \"60s\" }" {
        call: Given<Target> as Must<To>, "Who is asked.";
        cache_ttl: Given<Option<Span>> as Maybe<Duration>,
            "How long each replica remembers who may come in. Default: it asks for every request.";
        keys: Given<u32> as Or<Count> = "1000",
            "How many credentials (users, sessions, tokens) the requests bring; each brings one of them.";
        skew: Given<f64> as Or<Number> = "0.0", "Zipf exponent: the k-th most active has weight k^-skew. 0: all alike.";
        single_flight: Given<bool> as Or<Flag> = "false",
            "Whether those that bring the same credential wait for the first to be verified.";
        transport: Option<Given<String>> as Said<TransportName>, "How it is asked. Default: as those inside are.";
        policy: Option<Given<String>> as Said<Text>,
            "The [policies.*] that guards the call; default: the one of [defaults], if any.";
        & sizes: Sizes;
        & guards: Guards;
    }
}

table! {
    /// Answers that a gateway remembers.
    pub struct Kept: "cache of a route", "Whole answers that each replica of the gateway remembers.",
    needs "write cache = { ttl = \"10s\", keys = 500 }" {
        ttl: Given<Span> as Must<Duration>, "How long an answer is good.";
        keys: Given<u32> as Or<Count> = "1000", "How many different answers are asked for.";
        skew: Given<f64> as Or<Number> = "0.0", "Zipf exponent: the k-th most popular has weight k^-skew. 0: all alike.";
        capacity: Given<Option<u32>> as Maybe<Count>,
            "Answers at most; the one used longest ago makes room. Default: all.";
        single_flight: Given<bool> as Or<Flag> = "false",
            "Whether those that miss the same answer wait for the first to fetch it (nginx: `proxy_cache_lock`).";
    }
}

table! {
    /// Where paths lead.
    pub struct Route: "a route", "Where the paths of a pattern lead; the first route that fits is taken.",
    needs "write { path = \"/orders/*\", to = \"orders\" }", meant Self::meant {
        path: Given<Pattern> as Must<Path>,
            "The pattern: `{id}`, `:id` or `*` is one segment, a `*` at the end all that follows.";
        name: Option<Given<String>> as Said<Text>, "What it is called in calls and figures. Default: its pattern.";
        to: Option<Given<Target>> as Said<To>, "Whom it leads to. What is said of the call holds for this one.";
        times: Given<u32> as Or<Count> = "1", "So many calls, one after the other (N+1).";
        steps: Option<Given<Vec<Step>>> as Said<Program>,
            "Or what it does, step by step; `parallel` gathers several answers, and those of optional branches may be missing.";
        auth: Given<bool> as Or<Flag> = "true", "false: open to all, where the gateway has `auth`.";
        cache: Rule<Kept> as Ruled<Kept>, "Answers that are remembered. Default: none.";
        transport: Option<Given<String>> as Said<TransportName>, "How the call travels. Default: as those inside do.";
        stream: Given<Option<u32>> as Maybe<Count>,
            "Server streaming: so many messages in the answer, each of the size of `response`. Default: one body.";
        & sizes: Sizes;
        & calling: Calling;
        & guards: Guards;
    }
}

table! {
    /// What a gateway does for all that it leads on.
    pub struct Edge: "[gateways.*]", "What a gateway does for all that it leads on." {
        auth: Rule<Auth> as Ruled<Auth>, "Who checks a request, once, at the edge. Default: nobody.";
        inside: Option<Given<String>> as Said<TransportName>,
            "How it calls those behind it; what translating costs is the ledger's `gateway`. Default: as anybody calls.";
    }
}

/// The key of the routes, which are many tables.
pub(in crate::scenario) const ROUTES: &[Key] = &[key(
    "routes",
    Shape::Tables(Route::TABLE),
    "Paths and where they lead; the first that fits. Default: `steps`, for all.",
)];

/// What makes a service a gateway.
#[derive(Clone, Debug, Default)]
pub struct Gate {
    /// Where paths lead, in order; without a place: nobody said.
    pub routes: Option<Given<Vec<Route>>>,
    /// What it does for all of them.
    pub edge: Option<Edge>,
    /// What it does beside leading on: work and the like, which hold for each route.
    own: Option<Endpoint>,
    /// The steps of its endpoints as written.
    said: BTreeMap<String, Vec<Step>>,
}

/// The routes of all gateways, before anything else is read: their patterns and what they are called.
#[derive(Debug, Default)]
pub(in crate::scenario) struct Posted(BTreeMap<String, Vec<(Pattern, String)>>);

impl Posted {
    /// Those of a file, as far as they can be understood; complaints come when they are read.
    pub(in crate::scenario) fn of(file: &DeTable<'_>) -> Self {
        let gateways = file.get(NodeKind::Gateway.family()).and_then(|all| all.get_ref().as_table());
        let of = |gateway: &DeValue<'_>| -> Option<Vec<(Pattern, String)>> {
            let routes = gateway.as_table()?.get(ROUTES[0].name)?.get_ref().as_array()?;
            Some(routes.iter().filter_map(|route| posted(route.get_ref())).collect())
        };
        let each = gateways.into_iter().flatten();
        Self(each.filter_map(|(name, gateway)| Some((name.get_ref().to_string(), of(gateway.get_ref())?))).collect())
    }

    /// What the route is called that takes what is asked of a gateway: a path, or nothing in particular.
    pub(in crate::scenario) fn route(&self, node: &str, asked: &str) -> Option<&str> {
        let routes = self.0.get(node)?;
        let path = match (asked, routes.as_slice()) {
            ("", [(_, only)]) => return Some(only),
            ("", _) => "/",
            (path, _) => path.strip_prefix('/').map(|_| path)?,
        };
        let itself = routes.iter().find(|(pattern, _)| pattern.text() == path);
        itself.or_else(|| routes.iter().find(|(pattern, _)| pattern.takes(path))).map(|(_, name)| name.as_str())
    }
}

fn posted(route: &DeValue<'_>) -> Option<(Pattern, String)> {
    let text = |key: &Key| route.as_table()?.get(key.name)?.get_ref().as_str().map(str::to_owned);
    let pattern = Pattern::of(&text(&Route::KEYS[0])?).ok()?;
    let name = text(&Route::KEYS[1]).unwrap_or_else(|| pattern.text().to_owned());
    Some((pattern, name))
}

impl Route {
    /// What it is called.
    pub fn called(&self) -> &str {
        self.name.as_ref().map_or(self.path.value.text(), |name| &name.value)
    }

    /// What is done for a request that takes it, before the gateway adds its own.
    fn program(&self, gateway: &str) -> Vec<Step> {
        let steps = match (&self.to, &self.steps) {
            (Some(to), _) => vec![self.call(to)],
            (None, steps) => steps.as_ref().map(|steps| steps.value.clone()).unwrap_or_default(),
        };
        let Some(kept) = on(&self.cache) else { return steps };
        let memory = Memory {
            node: gateway.to_owned(),
            // Apart from `auth`, which a route may be called.
            name: format!("answers of {}", self.called()),
            keys: kept.keys.value,
            skew: kept.skew.value,
            ttl: kept.ttl.value,
            capacity: kept.capacity.value,
            single_flight: kept.single_flight.value,
        };
        vec![step(self.path.place.clone(), Verb::Remember { memory, steps })]
    }

    fn call(&self, to: &Given<Target>) -> Step {
        let Self { transport, stream, guards, sizes, calling, .. } = self.clone();
        let call = Call { transport, guards, stream, ..Call::to(to.clone()) };
        let verb = Verb::Call(call.sized(sizes).failing(calling));
        Step { times: self.times.clone(), ..step(to.place.clone(), verb) }
    }

    /// Without `to` there is no call of which something could be said.
    fn meant(&self, mut all: Vec<Told>) -> Vec<Told> {
        if self.to.is_none() {
            all.retain(|told| !says_of_call(told.key) || told.value.is_some() && !told.default);
        }
        all
    }
}

impl Auth {
    fn step(&self, gateway: &str) -> Step {
        let Self { call, transport, policy, sizes, guards, .. } = self.clone();
        let place = call.place.clone();
        let asks = Call { transport, policy, guards, ..Call::to(call) }.sized(sizes);
        let asks = step(place.clone(), Verb::Call(asks));
        let Some(ttl) = self.cache_ttl.value else { return asks };
        let memory = Memory {
            node: gateway.to_owned(),
            name: "auth".to_owned(),
            keys: self.keys.value,
            skew: self.skew.value,
            ttl,
            capacity: None,
            single_flight: self.single_flight.value,
        };
        step(place, Verb::Remember { memory, steps: vec![asks] })
    }
}

/// Whether a key of a route is about the call of `to`.
fn says_of_call(key: &str) -> bool {
    !["path", "name", "to", "steps", "auth", "cache"].contains(&key)
}

fn step(place: Option<std::ops::Range<usize>>, verb: Verb) -> Step {
    Step { place: place.unwrap_or_default(), times: Given::default(1), probability: Given::default(1.0), verb }
}

impl Gate {
    /// What makes a service of these endpoints a gateway; they do what it wants then.
    pub(in crate::scenario) fn of(
        desk: &mut Desk<'_>,
        view: &View<'_>,
        (name, door): (&str, &DoorRules),
        endpoints: &mut BTreeMap<String, Box<Endpoint>>,
    ) -> Self {
        let edge = Edge::read(desk, view);
        let mut gate = Self { edge, ..Self::default() };
        let mut open = Vec::new();
        if view.has(ROUTES[0].name) {
            let all = view.list(desk, ROUTES[0].name);
            let routes: Vec<Route> = all.iter().filter_map(|inner| Route::read(desk, inner)).collect();
            gate.own = endpoints.remove("").map(|own| *own);
            for route in &routes {
                route.name.iter().for_each(|name| check_name(desk, name));
                if !route.auth.value {
                    open.push(route.called().to_owned());
                }
                gate.post(desk, name, route, endpoints);
            }
            gate.routes = Some(Given { value: routes, place: view.place_of(ROUTES[0].name) });
        }
        for (called, endpoint) in endpoints {
            let before = gate.before(name, door, !open.contains(called));
            gate.said.insert(called.clone(), endpoint.steps.clone());
            endpoint.steps.splice(0..0, before);
            if let Some(inside) = gate.edge.as_ref().and_then(|edge| edge.inside.as_ref()) {
                speak(&mut endpoint.steps, inside);
            }
        }
        gate
    }

    /// A route is an endpoint that does what the gateway itself does, and then leads on.
    fn post(&self, desk: &mut Desk<'_>, gateway: &str, route: &Route, endpoints: &mut BTreeMap<String, Box<Endpoint>>) {
        let called = Given { value: route.called().to_owned(), place: route.path.place.clone() };
        if endpoints.contains_key(&called.value) {
            let message = format!("`{gateway}` has `{}` twice", called.value);
            let place = route.name.as_ref().and_then(|name| name.place.clone()).or(called.place);
            desk.push(Complaint::error(code::NAME_TWICE, message).at(place).help("give one of them another name"));
            return;
        }
        let own = self.own.as_ref();
        let endpoint = Endpoint {
            name: called.clone(),
            work: own.map_or(Given::default(None), |own| own.work.clone()),
            wait: own.map_or(Given::default(None), |own| own.wait.clone()),
            error_rate: own.map_or(Given::default(0.0), |own| own.error_rate.clone()),
            steps: route.program(gateway),
        };
        endpoints.insert(called.value, Box::new(endpoint));
    }

    /// What is asked before a request is led on.
    fn before(&self, gateway: &str, door: &DoorRules, closed: bool) -> Vec<Step> {
        let counter = on(&door.rate_limit).and_then(|limit| limit.counter.clone());
        let counts = counter.map(|to| step(to.place.clone(), Verb::Meter(Call::to(to))));
        let auth = self.edge.as_ref().and_then(|edge| on(&edge.auth)).filter(|_| closed);
        counts.into_iter().chain(auth.map(|auth| auth.step(gateway))).collect()
    }

    /// Whether its messages are its own business, because it speaks another way inside.
    pub(in crate::scenario) fn translates(&self) -> bool {
        self.edge.as_ref().is_some_and(|edge| edge.inside.is_some())
    }

    /// The steps of an endpoint as written.
    pub(in crate::scenario) fn said<'g>(&'g self, endpoint: &'g Endpoint) -> &'g Vec<Step> {
        self.said.get(&endpoint.name.value).unwrap_or(&endpoint.steps)
    }

    /// What it does itself where it has routes.
    pub(in crate::scenario) fn own(&self) -> Option<&Endpoint> {
        self.own.as_ref()
    }

    /// Whether an endpoint is one of its routes.
    pub(in crate::scenario) fn leads(&self, endpoint: &str) -> bool {
        self.routes.iter().flat_map(|routes| &routes.value).any(|route| route.called() == endpoint)
    }

    /// Tells what makes it a gateway, beside its routes.
    pub(in crate::scenario) fn tell(&self, page: &mut Page, none: &mut Vec<String>) {
        if let Some(edge) = &self.edge {
            page.told(edge.told(), none);
        }
        match &self.routes {
            Some(routes) if routes.value.is_empty() => page.line(ROUTES[0].name, "[]", false),
            Some(_) => {}
            None => none.push(ROUTES[0].name.to_owned()),
        }
    }

    /// Tells its routes.
    pub(in crate::scenario) fn tell_routes(&self, header: &str, page: &mut Page) {
        for route in self.routes.iter().flat_map(|routes| &routes.value) {
            page.whole(&format!("[[{header}.{}]]", ROUTES[0].name), route.told());
        }
    }
}

/// Calls that say nothing of how they travel go the way that those inside do.
fn speak(steps: &mut [Step], inside: &Given<String>) {
    for step in steps {
        match &mut step.verb {
            Verb::Call(call) => {
                call.transport.get_or_insert_with(|| inside.clone());
                call.fallback.iter_mut().for_each(|fallback| speak(&mut fallback.value, inside));
            }
            Verb::Query(call) => call.fallback.iter_mut().for_each(|fallback| speak(&mut fallback.value, inside)),
            Verb::Parallel { branches, .. } => {
                branches.iter_mut().for_each(|b| speak(std::slice::from_mut(&mut b.step), inside));
            }
            Verb::Split(arms) => arms.iter_mut().for_each(|arm| speak(&mut arm.steps, inside)),
            Verb::Cache { on_miss: inner, .. }
            | Verb::Remember { steps: inner, .. }
            | Verb::Transaction { steps: inner, .. } => speak(inner, inside),
            Verb::Work(_) | Verb::Wait(_) | Verb::Publish(_) | Verb::Meter(_) => {}
        }
    }
}

/// Complains about gateways that lead nowhere, and about routes that nobody can take.
pub(in crate::scenario) fn check(scenario: &Scenario, complaints: &mut Vec<Complaint>) {
    for node in scenario.nodes.values() {
        counters(node, complaints);
        let Some(gate) = &node.gate else { continue };
        match &gate.routes {
            Some(routes) => {
                nowhere(node, routes, complaints);
                routes.value.iter().for_each(|route| one(route, complaints));
                shadowed(&routes.value, complaints);
                beside(gate, complaints);
            }
            None if does_nothing(node) => complaints.push(leads_nowhere(node, &node.name)),
            None => {}
        }
        if let Some(auth) = gate.edge.as_ref().and_then(|edge| on(&edge.auth)) {
            zero(auth.keys.value == 0, "keys", auth.keys.place.as_ref(), "nobody could come in", complaints);
            let ttl = &auth.cache_ttl;
            let none = ttl.value == Some(Span::ZERO);
            zero(none, "cache_ttl", ttl.place.as_ref(), "leave it out to ask for every request", complaints);
            skew(&auth.skew, complaints);
        }
    }
}

/// A gateway of which nothing is said that it could do.
fn does_nothing(node: &Node) -> bool {
    let idle = |endpoint: &Endpoint| {
        endpoint.steps.is_empty() && endpoint.work.place.is_none() && endpoint.wait.place.is_none()
    };
    node.kind == NodeKind::Gateway
        && *node.door == DoorRules::default()
        && node.endpoints.values().map(AsRef::as_ref).all(idle)
}

fn leads_nowhere<T>(node: &Node, at: &Given<T>) -> Complaint {
    let message = format!("`{}` routes to nothing", node.name.value);
    let help = "write routes = [{ path = \"/orders/*\", to = \"orders\" }], or steps for all that comes";
    Complaint::error(code::NO_ROUTE, message).at(at.place.clone()).help(help)
}

fn nowhere(node: &Node, routes: &Given<Vec<Route>>, complaints: &mut Vec<Complaint>) {
    if routes.value.is_empty() {
        complaints.push(leads_nowhere(node, routes));
    }
}

/// One route by itself.
fn one(route: &Route, complaints: &mut Vec<Complaint>) {
    let path = &route.path;
    match (&route.to, &route.steps) {
        (Some(to), Some(_)) => {
            let message = format!("`{}` leads `to` one and has `steps`, too", path.value);
            let complaint = Complaint::error(code::CONTRADICTION, message).at(to.place.clone());
            complaints.push(complaint.help("keep one; a call can be a step"));
        }
        (None, steps) if steps.as_ref().is_none_or(|steps| steps.value.is_empty()) => {
            let complaint = Complaint::error(code::NO_ROUTE, format!("`{}` leads nowhere", path.value));
            complaints.push(complaint.at(path.place.clone()).help("write to = \"orders\", or steps"));
        }
        (None, _) => {
            let said = |told: &Told| says_of_call(told.key) && told.value.is_some() && !told.default;
            if let Some(Told { key, .. }) = route.told().into_iter().find(said) {
                let message = format!("`{key}` is said of the call of `to`, and `{}` has none", path.value);
                let complaint = Complaint::error(code::MISPLACED, message).at(path.place.clone());
                complaints.push(complaint.help("write it in the step that it is about"));
            }
        }
        _ => {}
    }
    zero(route.times.value == 0, "times", route.times.place.as_ref(), "leave the route out instead", complaints);
    if let Some(kept) = on(&route.cache) {
        zero(kept.keys.value == 0, "keys", kept.keys.place.as_ref(), "nothing could be asked for", complaints);
        zero(kept.ttl.value == Span::ZERO, "ttl", kept.ttl.place.as_ref(), "nothing would be kept", complaints);
        let capacity = &kept.capacity;
        zero(capacity.value == Some(0), "capacity", capacity.place.as_ref(), "nothing could be kept", complaints);
        skew(&kept.skew, complaints);
    }
}

fn skew(skew: &Given<f64>, complaints: &mut Vec<Complaint>) {
    if skew.value < 0.0 {
        let message = format!("`skew` is {}: the most popular would be the least popular", skew.value);
        complaints.push(Complaint::error(code::OUT_OF_RANGE, message).at(skew.place.clone()));
    }
}

/// Routes of which nothing is left when those before have taken theirs.
fn shadowed(routes: &[Route], complaints: &mut Vec<Complaint>) {
    for (at, route) in routes.iter().enumerate() {
        let earlier: Vec<&Pattern> = routes[..at].iter().map(|route| &route.path.value).collect();
        let by = route.path.value.shadowed_by(&earlier);
        if by.is_empty() {
            continue;
        }
        let takers: Vec<String> = by.iter().map(|pattern| format!("`{pattern}`")).collect();
        let (last, first) = takers.split_last().map_or((String::new(), &[][..]), |(last, first)| (last.clone(), first));
        let takers = if first.is_empty() { last } else { format!("{} and {last}", first.join(", ")) };
        let take = if by.len() == 1 { "takes" } else { "take" };
        let message =
            format!("nobody can take the route `{}`: {takers} before it {take} all of its paths", route.path.value);
        let complaint = Complaint::error(code::SHADOWED, message).at(route.path.place.clone());
        complaints
            .push(complaint.help("the first route that fits is taken: put the narrower one first, or leave it out"));
    }
}

/// What is said of all that comes beside routes.
fn beside(gate: &Gate, complaints: &mut Vec<Complaint>) {
    if let Some(first) = gate.own.as_ref().and_then(|own| own.steps.first()) {
        let complaint = Complaint::error(code::CONTRADICTION, "`steps` beside `routes`: every path takes a route");
        complaints
            .push(complaint.at(first.place.clone()).help("put them into a route: { path = \"/*\", steps = [...] }"));
    }
}

/// A shared count is asked for by gateways, and counts more than one replica.
fn counters(node: &Node, complaints: &mut Vec<Complaint>) {
    let counter = on(&node.door.rate_limit).and_then(|limit| limit.counter.as_ref());
    if let (Some(counter), None) = (counter, &node.gate) {
        let complaint = Complaint::error(code::MISPLACED, "`counter` belongs on the rate_limit of a gateway");
        complaints.push(complaint.at(counter.place.clone()).help("a service counts for each of its replicas"));
    }
}

/// Says by which gateway all comes in that a client asks.
pub(in crate::scenario) fn look(scenario: &Scenario, complaints: &mut Vec<Complaint>) {
    for node in scenario.nodes.values().filter(|node| node.gate.is_some()) {
        let name = &node.name.value;
        let behind = |client: &&Client| client.calls.iter().all(|call| call.target.value.node == *name);
        let behind: Vec<String> =
            scenario.clients.values().filter(behind).map(|c| format!("`{}`", c.name.value)).collect();
        if behind.is_empty() {
            continue;
        }
        let all = behind.len() == scenario.clients.len();
        let asks = if behind.len() == 1 && !all { "asks" } else { "ask" };
        let who = if all { "clients".to_owned() } else { few(&behind) };
        let message =
            format!("all that {who} {asks} comes in by `{name}`, a single point of failure: its outage is theirs");
        let replicas = match node.most_replicas() {
            1 => "there is one replica of it: even its restart is an outage".to_owned(),
            n => format!(
                "its {n} replicas help where one of them is lost, not against a release or a configuration that is wrong for all"
            ),
        };
        let help = format!("{replicas}; see what it takes with it: [[faults]] kind = \"outage\", target = \"{name}\"");
        complaints.push(Complaint::note(code::SINGLE_POINT, message).at(node.name.place.clone()).help(help));
    }
}

//! Services, gateways, databases, externals.

use std::collections::BTreeMap;

use super::Desk;
use super::law::law;
use super::policy::{concurrency_limit, rate_limit, rule, shed};
use super::step::steps;
use super::value::{count, count_or, duration, flag, number, share, text, zone};
use super::view::{View, unknown_word};
use crate::scenario::vocab::{self, Shape};
use crate::scenario::written::{Cache, Coming, Endpoint, Given, Io, Node, NodeKind, Pool, QueueOrder, TtlFrom};
use crate::units::Span;

const IO: [(&str, Io); 2] = [("blocking", Io::Blocking), ("async", Io::Async)];

const ORDER: [(&str, QueueOrder); 4] = [
    ("fifo", QueueOrder::Fifo),
    ("lifo", QueueOrder::Lifo),
    ("random", QueueOrder::Random),
    ("priority", QueueOrder::Priority),
];

/// One node.
pub(super) fn node(desk: &mut Desk<'_>, kind: NodeKind, name: Given<String>, view: &View<'_>) -> Node {
    let (service, database) = (kind == NodeKind::Service, kind == NodeKind::Database);
    let door = service || kind == NodeKind::Gateway;
    let limit =
        |desk: &mut Desk<'_>, key: &str| view.read(desk, key, count_or("unlimited")).unwrap_or(Given::default(None));
    let several = view.vocab.find("replicas").is_some();
    let replicas = if several { view.or_default(desk, "replicas", count) } else { Given::default(1) };
    let coming = if service { Coming::of(desk, view) } else { Coming::never() };
    Node {
        kind,
        replicas: coming.begins(replicas),
        coming,
        concurrency: view.or_default(desk, "concurrency", count_or("unlimited")),
        cores: view.maybe(desk, "cores", number),
        contention: view.or_default(desk, "contention", share),
        coherency: view.or_default(desk, "coherency", share),
        io: if door { view.choice(desk, "io", &IO) } else { Given::default(Io::Blocking) },
        queue_limit: limit(desk, "queue_limit"),
        queue_order: queue_order(desk, view),
        preemptive: view.or_default(desk, "preemptive", flag),
        queue_timeout: view.maybe(desk, "queue_timeout", law),
        drop_expired: view.or_default(desk, "drop_expired", flag),
        rate_limit: if door { rule(desk, view, "rate_limit", rate_limit) } else { None },
        shed: if door { rule(desk, view, "shed", shed) } else { None },
        concurrency_limit: if door { concurrency_limit(desk, view) } else { None },
        zone: view.maybe(desk, "zone", zone),
        pools: if service { pools(desk, view) } else { BTreeMap::new() },
        max_connections: if database { limit(desk, "max_connections") } else { Given::default(None) },
        deadlock_timeout: if database {
            view.or_default(desk, "deadlock_timeout", duration)
        } else {
            Given::default(Span::ZERO)
        },
        tables: if database { tables(desk, view) } else { BTreeMap::new() },
        cache: (kind == NodeKind::Cache).then(|| cache(desk, view)),
        endpoints: endpoints(desk, &name, view),
        consumes: Vec::new(),
        name,
    }
}

const TTL_FROM: [(&str, TtlFrom); 2] = [("fill", TtlFrom::Fill), ("access", TtlFrom::Access)];

fn cache(desk: &mut Desk<'_>, view: &View<'_>) -> Cache {
    Cache {
        hit_rate: view.maybe(desk, "hit_rate", share),
        keys: view.maybe(desk, "keys", count),
        skew: view.or_default(desk, "skew", number),
        ttl: view.maybe(desk, "ttl", duration),
        ttl_from: view.choice(desk, "ttl_from", &TTL_FROM),
        capacity: view.maybe(desk, "capacity", count),
        single_flight: view.or_default(desk, "single_flight", flag),
    }
}

/// A word, or the table of an order that has numbers.
fn queue_order(desk: &mut Desk<'_>, view: &View<'_>) -> Given<QueueOrder> {
    let name = "queue_order";
    if let Some(value) = view.get(name).filter(|value| value.get_ref().is_table())
        && let Some(inner) = view.rule(desk, name, value)
    {
        inner.choice(desk, "kind", &[("codel", ())]);
        return Given { value: codel(desk, &inner), place: view.place_if_own(name, value) };
    }
    view.or_default(desk, name, |desk, key, value| {
        let word = text(desk, key, value)?;
        if word == "codel" {
            return Some(codel(desk, &View::absent(&vocab::QUEUE_ORDER)));
        }
        let known = ORDER.iter().find(|(known, _)| *known == word);
        if let (None, Some(Shape::OneOr(_, words))) = (known, view.vocab.find(key).map(|key| key.shape)) {
            unknown_word(desk, key, value, &word, words);
        }
        known.map(|(_, order)| *order)
    })
}

fn codel(desk: &mut Desk<'_>, view: &View<'_>) -> QueueOrder {
    let mut time = |key| view.or_default(desk, key, duration).value;
    QueueOrder::Codel { target: time("target"), interval: time("interval") }
}

fn pools(desk: &mut Desk<'_>, view: &View<'_>) -> BTreeMap<String, Pool> {
    let mut all = BTreeMap::new();
    for (name, inner) in view.named(desk, "pools") {
        let (connections, wait) =
            (inner.or_default(desk, "connections", count), inner.or_default(desk, "wait", duration));
        all.insert(name.value.clone(), Pool { name, connections, wait });
    }
    all
}

fn tables(desk: &mut Desk<'_>, view: &View<'_>) -> BTreeMap<String, Given<u32>> {
    let mut all = BTreeMap::new();
    for (name, inner) in view.named(desk, "tables") {
        super::file::check_name(desk, &name);
        all.insert(name.value, inner.or_default(desk, "writers", count));
    }
    all
}

/// The default endpoint is there when anything about it is written, or when there is no other.
fn endpoints(desk: &mut Desk<'_>, node: &Given<String>, view: &View<'_>) -> BTreeMap<String, Endpoint> {
    let mut all = BTreeMap::new();
    let others = if view.vocab.find("endpoints").is_some() { view.named(desk, "endpoints") } else { Vec::new() };
    for (name, inner) in others {
        super::file::check_name(desk, &name);
        let mut one = endpoint(desk, name.clone(), &inner);
        // What is said about the whole node holds for each of its endpoints that says nothing else.
        if one.error_rate.is_default() && view.has("error_rate") {
            one.error_rate = view.or_default(desk, "error_rate", share);
        }
        all.insert(name.value.clone(), one);
    }
    let own = ["work", "wait", "steps"].iter().any(|key| view.vocab.find(key).is_some() && view.has(key));
    if own || all.is_empty() {
        let name = Given { value: String::new(), place: node.place.clone() };
        all.insert(String::new(), endpoint(desk, name, view));
    }
    all
}

fn endpoint(desk: &mut Desk<'_>, name: Given<String>, view: &View<'_>) -> Endpoint {
    let has_steps = view.vocab.find("steps").is_some();
    Endpoint {
        name,
        work: view.maybe(desk, "work", law),
        wait: view.maybe(desk, "wait", law),
        error_rate: view.or_default(desk, "error_rate", share),
        steps: if has_steps {
            view.read(desk, "steps", steps).map(|s| s.value).unwrap_or_default()
        } else {
            Vec::new()
        },
    }
}

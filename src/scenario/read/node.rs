//! Services, gateways, databases, externals.

use std::collections::BTreeMap;

use super::Desk;
use super::law;
use super::value::{count, count_or, duration, flag, number, share, zone};
use super::view::View;
use crate::scenario::declare::{Kind as _, Record as _};
use crate::scenario::tables::orders::Served;
use crate::scenario::tables::steps::Steps;
use crate::scenario::written::{Cache, Coming, DoorRules, Endpoint, Given, Io, Node, NodeKind, Pool};
use crate::units::Span;

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
        io: if door { view.or_default(desk, "io", Io::read) } else { Given::default(Io::Blocking) },
        queue_limit: limit(desk, "queue_limit"),
        queue_order: view.or_default(desk, "queue_order", Served::read),
        preemptive: view.or_default(desk, "preemptive", flag),
        queue_timeout: view.maybe(desk, "queue_timeout", law),
        drop_expired: view.or_default(desk, "drop_expired", flag),
        door: if door { DoorRules::read(desk, view).unwrap_or_default() } else { DoorRules::default() },
        zone: view.maybe(desk, "zone", zone),
        pools: if service { Pool::all(desk, view) } else { BTreeMap::new() },
        max_connections: if database { limit(desk, "max_connections") } else { Given::default(None) },
        deadlock_timeout: if database {
            view.or_default(desk, "deadlock_timeout", duration)
        } else {
            Given::default(Span::ZERO)
        },
        tables: if database { super::file::named(desk, view, "tables") } else { BTreeMap::new() },
        cache: (kind == NodeKind::Cache).then(|| Cache::read(desk, view)).flatten(),
        endpoints: endpoints(desk, &name, view),
        consumes: Vec::new(),
        name,
    }
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
            view.read(desk, "steps", Steps::read).map(|s| s.value).unwrap_or_default()
        } else {
            Vec::new()
        },
    }
}

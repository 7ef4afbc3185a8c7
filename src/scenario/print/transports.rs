//! Transports as TOML.

use super::law::span;
use super::{Page, key, quoted, time};
use crate::scenario::check::transports_used;
use crate::scenario::declare::Kind as _;
use crate::scenario::written::{Cancels, Connections, Cost, FREE, Given, Protocol, Scenario, Tls, TransportSpec};

/// The transports that something uses or that the file describes. Nothing can be said about `free`.
pub(super) fn transports(scenario: &Scenario, page: &mut Page) {
    let used = transports_used(scenario);
    for (name, spec) in scenario.transports.iter().filter(|(name, _)| *name != FREE) {
        if spec.name.place.is_some() || used.contains(name.as_str()) {
            page.header(&format!("[transports.{}]", key(name)));
            transport(spec, page);
        }
    }
}

fn transport(spec: &TransportSpec, page: &mut Page) {
    if let Some(like) = &spec.like {
        page.given("like", like, |l| quoted(l));
    }
    for (key, each) in [("encode", &spec.encode), ("decode", &spec.decode)] {
        page.line(key, cost(each), each.per_message.is_default() && each.per_byte_ps.is_default());
    }
    page.given("size_factor", &spec.size_factor, |f| format!("{f:?}"));
    page.given("protocol", &spec.protocol, |p| quoted(if *p == Protocol::Http1 { "http1" } else { "http2" }));
    page.given("streams", &spec.streams, u32::to_string);
    match &spec.connections {
        Some(inner) => page.line("connections", connections(inner), all_defaults(inner)),
        None => page.none(&["connections".into()]),
    }
    page.given("cancels", &spec.cancels, Cancels::print);
}

fn cost(cost: &Cost) -> String {
    format!("{{ per_message = {}, per_byte = {} }}", time(&cost.per_message.value), span(cost.per_byte_ps.value / 1e3))
}

fn connections(all: &Connections) -> String {
    let Connections { max, max_idle, idle_timeout, tls } = all;
    let (idle, tls) = (time(&idle_timeout.value), quoted(version(tls)));
    format!("{{ max = {}, max_idle = {}, idle_timeout = {idle}, tls = {tls} }}", max.value, max_idle.value)
}

fn all_defaults(all: &Connections) -> bool {
    all.max.is_default() && all.max_idle.is_default() && all.idle_timeout.is_default() && all.tls.is_default()
}

fn version(tls: &Given<Tls>) -> &'static str {
    match tls.value {
        Tls::None => "none",
        Tls::V12 => "1.2",
        Tls::V13 => "1.3",
    }
}

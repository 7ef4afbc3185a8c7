//! `[discovery]` as TOML.

use super::{Page, policies, quoted, time};
use crate::model::discovery::Kind;
use crate::scenario::written::{BalancePer, Balancing, Discovery, KINDS, OutlierDetection, Probes};

pub(super) fn discovery(discovery: &Discovery, page: &mut Page) {
    page.header("[discovery]");
    page.given("kind", &discovery.kind, |kind| word(&KINDS, kind));
    let kind = discovery.kind.value;
    if kind == Kind::Dns {
        page.given("ttl", &discovery.ttl, time);
    }
    if kind != Kind::Static {
        page.given("propagation", &discovery.propagation, time);
    }
    if discovery.is_watched() {
        page.given("readiness", &discovery.readiness, |probes| {
            probes.as_ref().map_or_else(|| quoted("none"), readiness)
        });
    }
    page.given("load_balancing", &discovery.load_balancing, |b| word(&Balancing::WORDS, b));
    page.given("choices", &discovery.choices, |c| c.map_or("\"all\"".into(), |n| n.to_string()));
    if discovery.load_balancing.value == Balancing::LeastRequest {
        page.given("distinct", &discovery.distinct, bool::to_string);
    }
    if discovery.load_balancing.value == Balancing::Hash {
        page.given("keys", &discovery.keys, |k| k.map_or("\"calls\"".into(), |n| n.to_string()));
    }
    page.given("balance_per", &discovery.balance_per, |b| word(&BalancePer::WORDS, b));
    if let Some((value, default)) = policies::rule(&discovery.outlier_detection, outliers) {
        page.line("outlier_detection", value, default);
    }
}

/// The word for a value, in quotes.
fn word<T: PartialEq>(words: &[(&str, T)], value: &T) -> String {
    quoted(words.iter().find(|(_, known)| known == value).map_or("", |(word, _)| word))
}

fn readiness(probes: &Probes) -> String {
    format!("{{ every = {}, failures = {} }}", time(&probes.every.value), probes.failures.value)
}

fn outliers(rule: &OutlierDetection) -> Vec<String> {
    vec![
        format!("consecutive_errors = {}", rule.consecutive_errors.value),
        format!("interval = {}", time(&rule.interval.value)),
        format!("base_ejection = {}", time(&rule.base_ejection.value)),
        format!("max_ejected = {:?}", rule.max_ejected.value),
        format!("always_eject_one = {}", rule.always_eject_one.value),
    ]
}

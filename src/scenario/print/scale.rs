//! Replicas that come and go, as TOML.

use super::law::law;
use super::policies::rule;
use super::{Page, quoted, time};
use crate::scenario::written::{Autoscale, Node, Warmup};

/// What a service says of the life of its replicas.
pub(super) fn coming_and_going(node: &Node, page: &mut Page, none: &mut Vec<String>) {
    page.maybe("ready_after", &node.ready_after, none, law);
    for (key, said) in [("warmup", rule(&node.warmup, warmup)), ("autoscale", rule(&node.autoscale, autoscale))] {
        match said {
            Some((value, default)) => page.line(key, value, default),
            None => none.push(key.to_owned()),
        }
    }
}

fn warmup(warmup: &Warmup) -> Vec<String> {
    vec![format!("factor = {:?}", warmup.factor.value), format!("over = {}", time(&warmup.over.value))]
}

fn autoscale(scale: &Autoscale) -> Vec<String> {
    let mut parts = vec![
        format!("min = {}", scale.min.value),
        format!("max = {}", scale.max.value),
        format!("metric = {}", quoted(scale.metric.value.word())),
        format!("target = {:?}", scale.target.value),
    ];
    parts.extend(scale.request.value.map(|cores| format!("request = {cores:?}")));
    parts.push(format!("every = {}", time(&scale.every.value)));
    parts.push(format!("stabilization = {}", time(&scale.stabilization.value)));
    parts
}

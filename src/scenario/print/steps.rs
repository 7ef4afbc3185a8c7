//! Steps as TOML, one line each.

use super::law::law;
use super::quoted;
use crate::scenario::written::{Call, Given, Mode, PAYLOAD, Publish, Step, Target, Verb};
use crate::units::size_text;

/// Each step on a line; defaults of steps are left out, there would be more of them than of anything else.
pub(in crate::scenario) fn steps(all: &[Step]) -> String {
    if all.is_empty() { "[]".into() } else { format!("[\n  {},\n]", lines(all).join(",\n  ")) }
}

/// Each step by itself.
fn lines(all: &[Step]) -> Vec<String> {
    all.iter().map(|step| one(step, false)).collect()
}

fn one(step: &Step, optional: bool) -> String {
    let mut parts = verb(&step.verb);
    if step.times.value != 1 {
        parts.push(format!("times = {}", step.times.value));
    }
    if step.probability.value != 1.0 {
        parts.push(format!("probability = {:?}", step.probability.value));
    }
    if optional {
        parts.push("optional = true".into());
    }
    format!("{{ {} }}", parts.join(", "))
}

fn verb(verb: &Verb) -> Vec<String> {
    match verb {
        Verb::Work(time) => vec![format!("work = {}", law(time))],
        Verb::Wait(time) => vec![format!("wait = {}", law(time))],
        Verb::Call(to) => call("call", to),
        Verb::Query(to) => call("query", to),
        Verb::Cache { call: to, on_miss } => {
            let mut parts = call("cache", to);
            parts.extend((!on_miss.is_empty()).then(|| format!("on_miss = [{}]", lines(on_miss).join(", "))));
            parts
        }
        Verb::Transaction { database, steps: inner } => {
            vec![format!("transaction = {}", quoted(&database.value)), format!("steps = [{}]", lines(inner).join(", "))]
        }
        Verb::Publish(to) => publish(to),
        Verb::Parallel { branches, wait_for } => {
            let inner: Vec<_> = branches.iter().map(|b| one(&b.step, b.optional.value)).collect();
            let mut parts = vec![format!("parallel = [{}]", inner.join(", "))];
            parts.extend(wait_for.value.map(|k| format!("wait_for = {k}")));
            parts
        }
        Verb::Split(arms) => {
            let arm = |arm: &crate::scenario::written::Arm| {
                format!("{{ weight = {:?}, steps = [{}] }}", arm.weight.value, lines(&arm.steps).join(", "))
            };
            vec![format!("split = [{}]", arms.iter().map(arm).collect::<Vec<_>>().join(", "))]
        }
    }
}

fn publish(publish: &Publish) -> Vec<String> {
    let mut parts = vec![format!("{} = {}", if publish.send { "send" } else { "publish" }, quoted(&publish.to.value))];
    parts.extend(publish.key.as_ref().map(|k| format!("key = {}", quoted(&k.value))));
    parts.extend(publish.wait_for_ack.value.map(|wait| format!("wait_for_ack = {wait}")));
    parts
}

fn call(verb: &str, call: &Call) -> Vec<String> {
    let mut parts = vec![format!("{verb} = {}", target(&call.target.value))];
    parts.extend(call.transport.as_ref().map(|t| format!("transport = {}", quoted(&t.value))));
    parts.extend(call.stream.value.map(|n| format!("stream = {n}")));
    parts.extend(call.table.as_ref().map(|t| format!("table = {}", quoted(&t.value))));
    parts.extend(match call.mode.value {
        Mode::Read => None,
        Mode::Write => Some("mode = \"write\"".to_owned()),
        Mode::ConditionalWrite => Some("mode = \"conditional_write\"".to_owned()),
    });
    parts.extend(sizes(&call.request, &call.response));
    parts.extend((!call.uses_reply.value).then(|| "uses_reply = false".to_owned()));
    parts.extend((!call.idempotent.value).then(|| "idempotent = false".to_owned()));
    parts.extend(call.policy.as_ref().map(|p| format!("policy = {}", quoted(&p.value))));
    parts.extend(super::policies::inline(&call.guards));
    parts.extend(call.fallback.as_ref().map(|f| format!("fallback = [{}]", lines(&f.value).join(", "))));
    parts
}

/// The sizes of a call that are not what they are by default.
pub(super) fn sizes(request: &Given<u64>, response: &Given<u64>) -> Vec<String> {
    let told = [("request", request), ("response", response)].into_iter().filter(|(_, size)| size.value != PAYLOAD);
    told.map(|(key, size)| format!("{key} = \"{}\"", size_text(size.value))).collect()
}

/// A target in quotes.
pub(super) fn target(target: &Target) -> String {
    let dot = if target.endpoint.is_empty() { "" } else { "." };
    quoted(&format!("{}{dot}{}", target.node, target.endpoint))
}

//! Replicas that come and go.

use super::Desk;
use super::policy::rule;
use super::value::{count, duration, number, weight};
use super::view::View;
use crate::model::policy::Metric;
use crate::random::dist::Law;
use crate::scenario::written::{Autoscale, Given, Rule, Warmup, on};

pub(in crate::scenario) const METRICS: [(&str, Metric); 5] = [
    ("cpu", Metric::Cpu),
    ("workers", Metric::Workers),
    ("in_flight", Metric::InFlight),
    ("rps", Metric::Rps),
    ("lag", Metric::Lag),
];

/// From start to ready where replicas come and nobody says how long it takes, ns: an image that is there already, a process
/// that starts, and the first readiness probe.
const STARTS: f64 = 20e9;

/// How replicas come and go: `replicas`, `ready_after`, `warmup`, `autoscale`.
pub(super) type Coming = (Given<u32>, Given<Option<Law>>, Rule<Warmup>, Rule<Autoscale>);

/// Reads all four: what one does not say depends on another.
pub(super) fn coming(desk: &mut Desk<'_>, view: &View<'_>, service: bool) -> Coming {
    let several = view.vocab.find("replicas").is_some();
    let replicas = if several { view.or_default(desk, "replicas", count) } else { Given::default(1) };
    if !service {
        return (replicas, Given::default(None), None, None);
    }
    let autoscale = rule(desk, view, "autoscale", autoscale);
    let warmup = rule(desk, view, "warmup", warmup);
    let mut ready_after = view.maybe(desk, "ready_after", super::law::law);
    let scaled = on(&autoscale);
    if scaled.is_some() && ready_after.is_default() {
        ready_after.value = Some(Law::Constant { value: STARTS });
    }
    let replicas = match scaled {
        Some(scale) if replicas.is_default() => Given::default(scale.min.value),
        _ => replicas,
    };
    (replicas, ready_after, warmup, autoscale)
}

#[expect(clippy::unnecessary_wraps, reason = "read as rules that may be wrong are")]
fn warmup(desk: &mut Desk<'_>, view: &View<'_>) -> Option<Warmup> {
    Some(Warmup { factor: view.or_default(desk, "factor", number), over: view.or_default(desk, "over", duration) })
}

fn autoscale(desk: &mut Desk<'_>, view: &View<'_>) -> Option<Autoscale> {
    for key in ["max", "target"] {
        if !view.has(key) {
            view.missing(desk, key, "write for example autoscale = { min = 2, max = 12, target = \"70%\" }");
        }
    }
    Some(Autoscale {
        min: view.or_default(desk, "min", count),
        metric: view.choice(desk, "metric", &METRICS),
        request: view.maybe(desk, "request", number),
        every: view.or_default(desk, "every", duration),
        stabilization: view.or_default(desk, "stabilization", duration),
        max: view.read(desk, "max", count)?,
        target: view.read(desk, "target", weight)?,
    })
}

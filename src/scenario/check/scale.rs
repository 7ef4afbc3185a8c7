//! Replicas that come and go: bounds that can be, a metric that says something, a start that somebody sees.

use super::ranges::zero;
use crate::diag::{Complaint, code, nouns};
use crate::model::policy::Metric;
use crate::scenario::written::{Autoscale, FaultKind, Node, Scenario, Warmup, on};
use crate::units::Span;

/// Complains about numbers that cannot be.
pub(super) fn ranges(scenario: &Scenario, complaints: &mut Vec<Complaint>) {
    for node in scenario.nodes.values() {
        if let Some(warmup) = on(&node.warmup) {
            slow_start(warmup, complaints);
        }
        if let Some(scale) = on(&node.autoscale) {
            bounds(node, scale, complaints);
            target(node, scale, complaints);
            zero(
                scale.every.value == Span::ZERO,
                "every",
                scale.every.place.as_ref(),
                "it would do nothing but look",
                complaints,
            );
        }
    }
}

fn slow_start(warmup: &Warmup, complaints: &mut Vec<Complaint>) {
    if warmup.factor.value < 1.0 {
        let message = format!("`factor`: {} would make a cold replica quicker than a warm one", warmup.factor.value);
        complaints.push(Complaint::error(code::OUT_OF_RANGE, message).at(warmup.factor.place.clone()));
    }
    let why = "leave the warm-up out instead";
    zero(warmup.over.value == Span::ZERO, "over", warmup.over.place.as_ref(), why, complaints);
}

fn bounds(node: &Node, scale: &Autoscale, complaints: &mut Vec<Complaint>) {
    let (min, max, start) = (scale.min.value, scale.max.value, node.replicas.value);
    zero(min == 0, "min", scale.min.place.as_ref(), "nobody would serve, nor be asked to", complaints);
    if min > max {
        let message = format!("`min` ({min}) is above `max` ({max})");
        let place = scale.min.place.clone().or(scale.max.place.clone());
        complaints.push(Complaint::error(code::OUT_OF_RANGE, message).at(place));
    } else if !(min..=max).contains(&start) {
        let message = format!(
            "`{}` begins with {start} {}, outside {min} to {max}",
            node.name.value,
            nouns(start.into(), "replica")
        );
        let complaint = Complaint::error(code::OUT_OF_RANGE, message).at(node.replicas.place.clone());
        complaints.push(complaint.help("leave `replicas` out to begin with `min`"));
    }
}

fn target(node: &Node, scale: &Autoscale, complaints: &mut Vec<Complaint>) {
    let (metric, word) = (scale.metric.value, scale.metric.value.word());
    let place = scale.target.place.as_ref();
    zero(scale.target.value <= 0.0, "target", place, "no number of replicas would be enough", complaints);
    request(scale, complaints);
    let most = match (metric, scale.request.value) {
        (Metric::Cpu, Some(request)) => node.cores.value.map_or(f64::INFINITY, |cores| cores / request),
        _ => 1.0,
    };
    if metric.is_share() && scale.target.value > most {
        let message = format!("`target`: {} of a replica's {word} is more than all of it", scale.target.value);
        let complaint = Complaint::error(code::OUT_OF_RANGE, message).at(place.cloned());
        complaints.push(complaint.help(format!("write a share: target = \"{}%\"", scale.target.value)));
    }
    let endless = node.concurrency.value.is_none();
    let nothing = match metric {
        Metric::Lag if node.consumes.is_empty() => "it consumes nothing, so nothing lags",
        Metric::Cpu if node.cores.value.is_none() && endless => "it has neither `cores` nor a number of workers",
        Metric::Workers if endless => "it has as many workers as come",
        _ => return,
    };
    let message = format!("`{}` cannot be scaled by {word}: {nothing}", node.name.value);
    let place = scale.metric.place.clone().or(scale.target.place.clone());
    complaints.push(
        Complaint::error(code::OUT_OF_RANGE, message)
            .at(place)
            .help("choose another metric: in_flight and rps always work"),
    );
}

/// The cores that a replica asks for.
fn request(scale: &Autoscale, complaints: &mut Vec<Complaint>) {
    let (Some(cores), place) = (scale.request.value, scale.request.place.as_ref()) else { return };
    zero(cores <= 0.0, "request", place, "there would be nothing to measure by", complaints);
    if scale.metric.value != Metric::Cpu {
        let message = format!("`request` means something for metric = \"cpu\" only, not {}", scale.metric.value.word());
        complaints.push(Complaint::warning(code::UNUSED, message).at(place.cloned()));
    }
}

/// What merely looks wrong, and what is assumed.
pub(super) fn look(scenario: &Scenario, complaints: &mut Vec<Complaint>) {
    for node in scenario.nodes.values() {
        match on(&node.autoscale) {
            Some(scale) => scaled(scenario, node, scale, complaints),
            None => restarts(scenario, node, complaints),
        }
    }
}

fn scaled(scenario: &Scenario, node: &Node, scale: &Autoscale, complaints: &mut Vec<Complaint>) {
    let sim = &scenario.sim;
    let name = &node.name.value;
    let run = sim.warmup.value + sim.duration.value;
    if scale.every.value >= run {
        let message = format!("the run ends before `{name}` is looked at: every {}, the run {run}", scale.every.value);
        complaints.push(Complaint::warning(code::NO_EFFECT, message).at(scale.every.place.clone()));
    }
    let place = node.autoscale.as_ref().and_then(|given| given.place.clone());
    let (start, max) = (node.replicas.value, scale.max.value);
    let message = format!(
        "`{name}` begins with {start} of {max} replicas, ready and warm; forecasts are for all {max}, which it may never reach"
    );
    complaints.push(Complaint::note(code::AUTOSCALED, message).at(place));
}

/// Without an autoscaler replicas start only after a crash or in a deploy.
fn restarts(scenario: &Scenario, node: &Node, complaints: &mut Vec<Complaint>) {
    let restarts = |kind: FaultKind| matches!(kind, FaultKind::Crash | FaultKind::Deploy);
    let mut faults = scenario.faults.iter().filter(|fault| restarts(fault.kind.value));
    if faults.any(|fault| fault.nodes(scenario).contains(&node.name.value.as_str())) {
        return;
    }
    let warmup = on(&node.warmup).is_some().then(|| node.warmup.as_ref().and_then(|given| given.place.clone()));
    let ready = node.ready_after.value.is_some().then(|| node.ready_after.place.clone());
    for (key, place) in [("ready_after", ready), ("warmup", warmup)] {
        let Some(place) = place else { continue };
        let message = format!("`{key}`: no replica of `{}` starts in this run", node.name.value);
        let complaint = Complaint::warning(code::UNUSED, message).at(place);
        complaints.push(complaint.help("replicas start with `autoscale`, after a `crash` and in a `deploy`"));
    }
}

//! Replicas that come and go: `warmup`, `autoscale` and what goes with them.

use super::super::check::zero;
use super::super::declare::{
    Count, Duration, Maybe, Must, Number, Or, Record as _, Ruled, Varying, Weight, table, words,
};
use super::super::lower::Lowering;
use super::super::read::{Desk, View};
use super::super::written::{FaultKind, Given, Node, Rule, Scenario, on};
use crate::diag::{Complaint, code, nouns};
use crate::model::plan::{self, Life};
use crate::model::policy::{self, Metric};
use crate::random::dist::Law;
use crate::units::Span;

words! {
    for Metric {
        Cpu = Metric::Cpu.word(),
            "Cores at work ÷ `request`; unless that is said ÷ `cores`, or ÷ workers where every worker has its own.";
        Workers = Metric::Workers.word(), "Workers held, waiting for a callee or not, ÷ workers.";
        InFlight = Metric::InFlight.word(), "Requests there.";
        Rps = Metric::Rps.word(), "Requests that arrive per second.";
        Lag = Metric::Lag.word(), "Messages and records that wait for its consumers.";
    }
}

table! {
    /// Replicas that have just become ready are slow.
    pub struct Warmup: "warmup",
    "Work on a replica that has just become ready takes longer: cold caches, code that is not compiled yet." {
        factor: Given<f64> as Or<Number> = "3.0", "So many times as long at first, then linearly down to 1.";
        over: Given<Span> as Or<Duration> = "\"30s\"", "How long that takes.";
    }
}

table! {
    /// Replicas that follow the load.
    pub struct Autoscale: "autoscale",
    "Replicas that follow the load, as the horizontal pod autoscaler of Kubernetes decides.",
    needs "write for example autoscale = { min = 2, max = 12, target = \"70%\" }" {
        min: Given<u32> as Or<Count> = "1",
            "Fewest replicas; so many at the beginning, unless `replicas` says more.";
        max: Given<u32> as Must<Count>, "Most replicas.";
        metric: Given<Metric> as Or<Metric> = "\"cpu\"",
            "What is held against the target, as an average over replicas.";
        target: Given<f64> as Must<Weight>,
            "What the metric should be on each replica: a share (cpu, workers) or a number (in_flight, rps, lag).";
        request: Given<Option<f64>> as Maybe<Number>,
            "cpu: the cores that each replica asks for (`resources.requests.cpu`). Default: as many as it has.";
        every: Given<Span> as Or<Duration> = "\"15s\"", "From one look to the next.";
        stabilization: Given<Span> as Or<Duration> = "\"300s\"",
            "It shrinks to the most replicas that were desired within this time.";
    }
}

table! {
    /// How replicas of a service come and go.
    pub struct Coming: "[services.*]", "How replicas come and go." {
        ready_after: Given<Option<Law>> as Maybe<Varying>,
            "From the start of a replica until it takes requests: of a new one, and of one that restarts after a crash or in a deploy. Default: 20 s with `autoscale`, else none.";
        warmup: Rule<Warmup> as Ruled<Warmup>, "Replicas that have just become ready are slow. Default: none.";
        autoscale: Rule<Autoscale> as Ruled<Autoscale>, "Replicas that follow the load. Default: none.";
    }
}

/// From start to ready where replicas come and nobody says how long it takes, ns: an image that is there already, a process
/// that starts, and the first readiness probe.
const STARTS: f64 = 20e9;

impl Coming {
    /// Replicas that neither come nor go.
    pub(in crate::scenario) fn never() -> Self {
        Self { ready_after: Given::default(None), warmup: None, autoscale: None }
    }

    /// Of a service: where replicas come, they take a while.
    pub(in crate::scenario) fn of(desk: &mut Desk<'_>, view: &View<'_>) -> Self {
        let mut coming = Self::read(desk, view).unwrap_or_else(Self::never);
        if on(&coming.autoscale).is_some() && coming.ready_after.is_default() {
            coming.ready_after.value = Some(Law::Constant { value: STARTS });
        }
        coming
    }

    /// How many there are at the beginning: with an autoscaler its fewest, unless the file says how many.
    pub(in crate::scenario) fn begins(&self, replicas: Given<u32>) -> Given<u32> {
        match on(&self.autoscale) {
            Some(scale) if replicas.is_default() => Given::default(scale.min.value),
            _ => replicas,
        }
    }
}

impl Node {
    /// The most replicas there may be.
    pub fn most_replicas(&self) -> u32 {
        on(&self.coming.autoscale).map_or(self.replicas.value, |scale| scale.max.value.max(self.replicas.value))
    }
}

impl Lowering<'_> {
    /// How the replicas of a node come and go, if they do.
    pub(in crate::scenario) fn life(&mut self, node: &Node) -> Option<Life> {
        let Coming { ready_after, warmup, autoscale } = &node.coming;
        let (warmup, autoscale) = (on(warmup), on(autoscale));
        if ready_after.value.is_none() && warmup.is_none() && autoscale.is_none() {
            return None;
        }
        Some(Life {
            initial: node.replicas.value,
            ready_after: self.law(ready_after.value.as_ref().unwrap_or(&Law::Constant { value: 0.0 })),
            warmup: warmup.map(|warmup| plan::Warmup { factor: warmup.factor.value, over: warmup.over.value }),
            autoscale: autoscale.map(Autoscale::lowered),
        })
    }
}

impl Autoscale {
    fn lowered(&self) -> policy::Autoscale {
        policy::Autoscale {
            min: self.min.value,
            max: self.max.value,
            metric: self.metric.value,
            target: self.target.value,
            every: self.every.value,
            request: self.request.value,
            stabilization: self.stabilization.value,
        }
    }
}

/// Complains about numbers that cannot be.
pub(in crate::scenario) fn ranges(scenario: &Scenario, complaints: &mut Vec<Complaint>) {
    for node in scenario.nodes.values() {
        if let Some(warmup) = on(&node.coming.warmup) {
            slow_start(warmup, complaints);
        }
        if let Some(scale) = on(&node.coming.autoscale) {
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
pub(in crate::scenario) fn look(scenario: &Scenario, complaints: &mut Vec<Complaint>) {
    for node in scenario.nodes.values() {
        match on(&node.coming.autoscale) {
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
    let place = node.coming.autoscale.as_ref().and_then(|given| given.place.clone());
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
    let warmup =
        on(&node.coming.warmup).is_some().then(|| node.coming.warmup.as_ref().and_then(|given| given.place.clone()));
    let ready = node.coming.ready_after.value.is_some().then(|| node.coming.ready_after.place.clone());
    for (key, place) in [("ready_after", ready), ("warmup", warmup)] {
        let Some(place) = place else { continue };
        let message = format!("`{key}`: no replica of `{}` starts in this run", node.name.value);
        let complaint = Complaint::warning(code::UNUSED, message).at(place);
        complaints.push(complaint.help("replicas start with `autoscale`, after a `crash` and in a `deploy`"));
    }
}

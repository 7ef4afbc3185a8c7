//! Replicas that come and go: `warmup`, `autoscale` and what goes with them.

use super::super::check::zero;
use super::super::declare::{
    Count, Duration, Flag, Maybe, Must, Number, Or, Perhaps, Record as _, Ruled, Share, Told, Varying, Weight, table,
    words,
};
use super::super::lower::Lowering;
use super::super::read::{Desk, View};
use super::super::written::{FaultKind, Given, Node, Rule, Scenario, on};
use super::faults::is_rolled;
use crate::diag::{Complaint, code, nouns};
use crate::model::fault;
use crate::model::plan::{self, Life};
use crate::model::policy::{self, Metric, Pace, Select};
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

words! {
    for Select {
        Max = "max", "The one that allows more.";
        Min = "min", "The one that allows less.";
        Disabled = "disabled", "Neither: no way at all.";
    }
}

table! {
    /// How quickly replicas come.
    pub struct ScaleUp: "scale_up", "How quickly an autoscaler adds replicas: Kubernetes' `behavior.scaleUp`." {
        pods: Given<u32> as Or<Count> = "4", "So many within the period; 0: no such rule.";
        percent: Given<f64> as Or<Share> = "1.0", "Such a share of them within the period, rounded up; 0: no such rule.";
        period: Given<Span> as Or<Duration> = "\"15s\"", "What both are counted over.";
        select: Given<Select> as Or<Select> = "\"max\"", "Which of the two counts.";
        stabilization: Given<Span> as Or<Duration> = "\"0s\"", "How long a wish for more has to last.";
    }
}

table! {
    /// How quickly replicas go.
    pub struct ScaleDown: "scale_down", "How quickly an autoscaler takes replicas away: Kubernetes' `behavior.scaleDown`; its window is `stabilization`." {
        pods: Given<u32> as Or<Count> = "0", "So many within the period; 0: no such rule.";
        percent: Given<f64> as Or<Share> = "1.0", "Such a share of them within the period, rounded up; 0: no such rule.";
        period: Given<Span> as Or<Duration> = "\"15s\"", "What both are counted over.";
        select: Given<Select> as Or<Select> = "\"max\"", "Which of the two counts.";
    }
}

table! {
    /// Replicas that follow the load.
    pub struct Autoscale: "autoscale",
    "Replicas that follow the load, as the horizontal pod autoscaler of Kubernetes decides.",
    needs "write for example autoscale = { min = 2, max = 12, target = \"70%\" }",
    meant Autoscale::meant {
        min: Given<u32> as Or<Count> = "1",
            "Fewest replicas; so many at the beginning, unless `replicas` says more. With metric = \"lag\" none may be enough: 0.";
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
        metric_lag: Given<Span> as Or<Duration> = "\"0s\"", "How old the metric is when the autoscaler sees it.";
        scale_up: Option<ScaleUp> as Perhaps<ScaleUp>, "How quickly replicas come. Default: four or all of them again in 15 s.";
        scale_down: Option<ScaleDown> as Perhaps<ScaleDown>, "How quickly replicas go. Default: at once, after `stabilization`.";
        allow_idle_consumers: Given<bool> as Or<Flag> = "false",
            "lag: whether there may be more replicas than the topics they consume have partitions.";
    }
}

table! {
    /// How a replica goes.
    pub struct Drain: "drain",
    "How a replica goes that is to go, in a rollout or because an autoscaler wants fewer: what Kubernetes does to a pod." {
        pre_stop: Given<Span> as Or<Duration> = "\"0s\"", "How long it goes on as before, while callers hear of it: a sleep in the preStop hook.";
        grace: Given<Span> as Or<Duration> = "\"30s\"",
            "When what it has not ended is killed, the pause included: terminationGracePeriodSeconds.";
    }
}

table! {
    /// How replicas of a service come and go.
    pub struct Coming: "[services.*]", "How replicas come and go.", meant Coming::meant {
        ready_after: Given<Option<Law>> as Maybe<Varying>,
            "From the start of a replica until it takes requests: of a new one, and of one that restarts after a crash or in a deploy. Default: 20 s with `autoscale`, else none.";
        warmup: Rule<Warmup> as Ruled<Warmup>, "Replicas that have just become ready are slow. Default: none.";
        autoscale: Rule<Autoscale> as Ruled<Autoscale>, "Replicas that follow the load. Default: none.";
        drain: Option<Drain> as Perhaps<Drain>,
            "How one goes that is to go. Default: in a rollout no pause and 30 s, scaling down a pause of 5 s and no end.";
    }
}

/// From start to ready where replicas come and nobody says how long it takes, ns: an image that is there already, a process
/// that starts, and the first readiness probe.
const STARTS: f64 = 20e9;

impl Coming {
    /// Replicas that neither come nor go.
    pub(in crate::scenario) fn never() -> Self {
        Self { ready_after: Given::default(None), warmup: None, autoscale: None, drain: None }
    }

    /// What the canonical form says: nothing of a drain that nobody wrote.
    fn meant(&self, all: Vec<Told>) -> Vec<Told> {
        all.into_iter().filter(|told| told.key != "drain" || self.drain.is_some()).collect()
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
    /// Replicas of a node that may be there at once, those included that still go while others have taken their place.
    pub(in crate::scenario) fn places(&self, node: &Node) -> u32 {
        node.most_replicas() * if is_rolled(self.scenario, node) { 2 } else { 1 }
    }

    /// How the replicas of a node come and go, if they do.
    pub(in crate::scenario) fn life(&mut self, node: &Node) -> Option<Life> {
        let Coming { ready_after, warmup, autoscale, drain } = &*node.coming;
        let (warmup, autoscale) = (on(warmup), on(autoscale));
        let rolled = is_rolled(self.scenario, node);
        if ready_after.value.is_none() && warmup.is_none() && autoscale.is_none() && !rolled {
            return None;
        }
        Some(Life {
            initial: node.replicas.value,
            ready_after: self.law(ready_after.value.as_ref().unwrap_or(&Law::Constant { value: 0.0 })),
            warmup: warmup.map(|warmup| plan::Warmup { factor: warmup.factor.value, over: warmup.over.value }),
            autoscale: autoscale.map(|scale| scale.lowered(useful(self.scenario, node, scale))),
            drain: drain
                .as_ref()
                .map(|drain| fault::rollout::Drain { pre_stop: drain.pre_stop.value, grace: drain.grace.value }),
        })
    }
}

impl ScaleUp {
    fn lowered(&self) -> Pace {
        pace(&self.pods, &self.percent, &self.period, &self.select)
    }
}

impl ScaleDown {
    fn lowered(&self) -> Pace {
        pace(&self.pods, &self.percent, &self.period, &self.select)
    }
}

/// As run; a rule of nothing is none.
fn pace(pods: &Given<u32>, percent: &Given<f64>, period: &Given<Span>, select: &Given<Select>) -> Pace {
    Pace {
        pods: Some(pods.value).filter(|pods| *pods > 0),
        share: Some(percent.value).filter(|share| *share > 0.0),
        period: period.value,
        select: select.value,
    }
}

impl Autoscale {
    /// What the canonical form says: what nobody wrote of late words is as it always was.
    fn meant(_: &Self, all: Vec<Told>) -> Vec<Told> {
        let late = ["metric_lag", "scale_up", "scale_down", "allow_idle_consumers"];
        all.into_iter().filter(|told| !(told.default && late.contains(&told.key))).collect()
    }

    /// As run, where so many replicas could have something to do.
    fn lowered(&self, useful: u32) -> policy::Autoscale {
        policy::Autoscale {
            min: self.min.value,
            max: self.max.value,
            metric: self.metric.value,
            target: self.target.value,
            every: self.every.value,
            request: self.request.value,
            stabilization: self.stabilization.value,
            patience: self.scale_up.as_ref().map_or(Span::ZERO, |up| up.stabilization.value),
            up: self.scale_up.as_ref().map_or(Pace::UP, ScaleUp::lowered),
            down: self.scale_down.as_ref().map_or(Pace::DOWN, ScaleDown::lowered),
            metric_lag: self.metric_lag.value,
            useful,
        }
    }
}

/// How many replicas of a node could have something to do: those that consume topics alone, as many as these have partitions.
fn useful(scenario: &Scenario, node: &Node, scale: &Autoscale) -> u32 {
    let topics: Option<Vec<u32>> = node
        .consumes
        .iter()
        .map(|consumer| scenario.topics.get(&consumer.from.value).map(|topic| topic.partitions.value))
        .collect();
    let bounded = scale.metric.value == Metric::Lag && !scale.allow_idle_consumers.value;
    topics.filter(|topics| bounded && !topics.is_empty()).map_or(u32::MAX, |topics| topics.iter().sum())
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
    let lag = scale.metric.value == Metric::Lag;
    let why = "nobody would serve, nor be asked to; only metric = \"lag\" sees what waits for nobody";
    zero(min == 0 && !lag, "min", scale.min.place.as_ref(), why, complaints);
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
    let run = sim.warmup.value.span() + sim.duration.value;
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
    let asked = on(&scenario.discovery.liveness).is_some();
    if asked || faults.any(|fault| fault.nodes(scenario).contains(&node.name.value.as_str())) {
        return;
    }
    if let Some(drain) = &node.coming.drain {
        let message = format!("`drain`: no replica of `{}` goes in this run", node.name.value);
        let complaint =
            Complaint::warning(code::UNUSED, message).at(drain.grace.place.clone().or(drain.pre_stop.place.clone()));
        complaints.push(complaint.help("replicas go with `autoscale`, and in a `deploy` without `duration`"));
    }
    let warmup =
        on(&node.coming.warmup).is_some().then(|| node.coming.warmup.as_ref().and_then(|given| given.place.clone()));
    let ready = node.coming.ready_after.value.is_some().then(|| node.coming.ready_after.place.clone());
    for (key, place) in [("ready_after", ready), ("warmup", warmup)] {
        let Some(place) = place else { continue };
        let message = format!("`{key}`: no replica of `{}` starts in this run", node.name.value);
        let complaint = Complaint::warning(code::UNUSED, message).at(place);
        complaints.push(complaint.help(
            "replicas start with `autoscale`, after a `crash`, in a `deploy` and where `liveness` restarts them",
        ));
    }
}

//! Numbers that cannot be.

use super::walk;
use crate::diag::{Complaint, code};
use crate::random::dist::Law;
use crate::scenario::law_mean::mean;
use crate::scenario::written::{Arrivals, Client, Given, Load, Node, Place, QueueOrder, Scenario, Step, Verb};
use crate::units::Span;

/// Complains about every number that cannot be.
pub(super) fn check(scenario: &Scenario, complaints: &mut Vec<Complaint>) {
    scenario.sim.ranges(complaints);
    crate::scenario::tables::discovery::ranges(&scenario.discovery, complaints);
    for node in scenario.nodes.values() {
        one_node(node, complaints);
    }
    for client in scenario.clients.values() {
        one_client(client, scenario.sim.duration.value, complaints);
    }
    many(scenario, complaints);
}

/// Clients of one scenario at most: a request remembers its client in 16 bits.
const CLIENTS: usize = u16::MAX as usize;

/// Users of all closed clients together at most: each is pending at once.
const USERS: u64 = 10_000_000;

/// Promises, and faults, at most.
const LISTED: usize = 2_000;

/// The least share of a core that can be given to a container
/// (<https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/>).
const MILLICORE: f64 = 0.001;

/// Complains about more than one run can have.
fn many(scenario: &Scenario, complaints: &mut Vec<Complaint>) {
    let mut more = |there: u64, most: u64, what: &str, place: Option<Place>| {
        if there > most {
            let message = format!("{there} {what}; at most {most}");
            complaints.push(Complaint::error(code::TOO_MANY, message).at(place));
        }
    };
    let last = scenario.clients.values().max_by_key(|client| client.name.place.as_ref().map(|place| place.start));
    more(scenario.clients.len() as u64, CLIENTS as u64, "clients", last.and_then(|c| c.name.place.clone()));
    let users = scenario.clients.values().filter_map(|client| match &client.load {
        Load::Closed { users, .. } => Some(users),
        Load::Open { .. } => None,
    });
    let most = users.clone().max_by_key(|users| users.value);
    let all = users.map(|users| u64::from(users.value)).sum();
    more(all, USERS, "users", most.and_then(|users| users.place.clone()));
    let slo = scenario.slos.last().and_then(|slo| slo.of.place.clone());
    more(scenario.slos.len() as u64, LISTED as u64, "promises", slo);
    let fault = scenario.faults.last().and_then(|fault| fault.place.clone());
    more(scenario.faults.len() as u64, LISTED as u64, "faults", fault);
}

pub(in crate::scenario) fn zero(
    is: bool,
    key: &str,
    place: Option<&Place>,
    why: &str,
    complaints: &mut Vec<Complaint>,
) {
    if is {
        complaints.push(Complaint::error(code::OUT_OF_RANGE, format!("`{key}` is zero: {why}")).at(place.cloned()));
    }
}

fn timeout(given: &Given<Option<Span>>, complaints: &mut Vec<Complaint>) {
    zero(given.value == Some(Span::ZERO), "timeout", given.place.as_ref(), "every call would fail at once", complaints);
}

fn one_node(node: &Node, complaints: &mut Vec<Complaint>) {
    let nobody = "nobody would serve";
    zero(node.replicas.value == 0, "replicas", node.replicas.place.as_ref(), nobody, complaints);
    zero(node.concurrency.value == Some(0), "concurrency", node.concurrency.place.as_ref(), nobody, complaints);
    if let Some(cores) = node.cores.value.filter(|cores| *cores < MILLICORE) {
        let message = format!("`cores` is {cores}; the least is {MILLICORE}");
        let complaint = Complaint::error(code::OUT_OF_RANGE, message).at(node.cores.place.clone());
        complaints.push(complaint.help("Kubernetes knows nothing smaller than a thousandth of a core, either"));
    }
    if let QueueOrder::Codel { target, interval } = node.queue_order.value
        && (target == Span::ZERO || target >= interval)
    {
        let message = format!("`target` ({target}) is not between zero and `interval` ({interval})");
        let complaint = Complaint::error(code::OUT_OF_RANGE, message).at(node.queue_order.place.clone());
        complaints.push(complaint.help("in a line that does not empty nobody should wait as long as in one that does"));
    }
    let takes = matches!(node.queue_order.value, QueueOrder::Lifo | QueueOrder::Priority);
    if node.preemptive.value && !takes {
        let message = "`preemptive` with a line where nobody is more urgent than who is being served";
        let complaint = Complaint::error(code::PREEMPTION, message).at(node.preemptive.place.clone());
        complaints.push(complaint.help("it means something for queue_order = \"lifo\" and \"priority\""));
    }
    for endpoint in node.programs() {
        walk::steps(&endpoint.steps, &mut |step| one_step(step, complaints));
        let unrolled = unrolled(&endpoint.steps);
        if unrolled > 100_000.0 {
            let message = format!("the steps, `times` multiplied out, are {unrolled:.0}; at most 100000");
            complaints.push(
                Complaint::error(code::TOO_MANY_STEPS, message).at(endpoint.steps.first().map(|s| s.place.clone())),
            );
        }
    }
}

/// How many steps there are when every `times` is written out.
pub(super) fn unrolled(steps: &[Step]) -> f64 {
    steps
        .iter()
        .map(|step| {
            let inner = match &step.verb {
                Verb::Parallel { branches, .. } => {
                    branches.iter().map(|b| unrolled(std::slice::from_ref(&b.step))).sum()
                }
                Verb::Split(arms) => arms.iter().map(|arm| unrolled(&arm.steps)).sum(),
                Verb::Transaction { steps, .. } | Verb::Cache { on_miss: steps, .. } => unrolled(steps),
                Verb::Call(call) | Verb::Query(call) => {
                    call.fallback.as_ref().map_or(0.0, |fallback| unrolled(&fallback.value))
                }
                _ => 0.0,
            };
            f64::from(step.times.value) * (1.0 + inner)
        })
        .sum()
}

fn one_step(step: &Step, complaints: &mut Vec<Complaint>) {
    zero(step.times.value == 0, "times", step.times.place.as_ref(), "leave the step out instead", complaints);
    match &step.verb {
        Verb::Parallel { branches, wait_for } => {
            let copies: u64 = branches.iter().map(|b| u64::from(b.step.times.value)).sum();
            zero(
                wait_for.value == Some(0),
                "wait_for",
                wait_for.place.as_ref(),
                "leave the parallel out instead",
                complaints,
            );
            if let Some(k) = wait_for.value.filter(|k| u64::from(*k) > copies) {
                let message = match copies {
                    1 => format!("wait_for = {k}, but there is only one branch"),
                    _ => format!("wait_for = {k}, but there are only {copies} branches"),
                };
                let complaint = Complaint::error(code::WAIT_FOR, message).at(wait_for.place.clone());
                complaints.push(complaint.help("it could never be met; wait for fewer, or for \"all\""));
            }
        }
        Verb::Split(arms) if arms.iter().map(|arm| arm.weight.value).sum::<f64>() <= 0.0 => {
            let why = if arms.is_empty() { "a split without ways" } else { "the weights of a split are all zero" };
            let complaint = Complaint::error(code::SHARES, why).at(step.place.clone());
            complaints.push(complaint.help("give at least one way a weight above zero"));
        }
        _ => {}
    }
}

fn one_client(client: &Client, run: Span, complaints: &mut Vec<Complaint>) {
    timeout(&client.timeout, complaints);
    match &client.load {
        Load::Closed { users, .. } => {
            zero(users.value == 0, "users", users.place.as_ref(), "nobody would call", complaints);
        }
        Load::Open { arrivals, phases, batch } => {
            pattern(arrivals, complaints);
            let never =
                phases.iter().all(|p| p.rate.value.0 <= 0.0 && p.ramp_to.as_ref().is_none_or(|r| r.value.0 <= 0.0));
            if let (Some(first), true) = (phases.first(), never && phases.iter().all(|p| !p.rate.is_default())) {
                zero(true, "rate", first.rate.place.as_ref(), "nobody would call", complaints);
            }
            one_batch(batch, complaints);
            phases_cover(phases, run, complaints);
        }
    }
}

fn pattern(arrivals: &Given<Arrivals>, complaints: &mut Vec<Complaint>) {
    match &arrivals.value {
        Arrivals::Bursty { low, high, stay_low, stay_high } => {
            zero(high.0 <= 0.0, "high", arrivals.place.as_ref(), "nobody would call", complaints);
            zero(
                *stay_low == Span::ZERO,
                "stay_low",
                arrivals.place.as_ref(),
                "leave the burst out instead",
                complaints,
            );
            zero(
                *stay_high == Span::ZERO,
                "stay_high",
                arrivals.place.as_ref(),
                "leave the burst out instead",
                complaints,
            );
            if low.0 > high.0 {
                let message = format!("bursty: low ({low}) is above high ({high})");
                complaints.push(Complaint::error(code::OUT_OF_RANGE, message).at(arrivals.place.clone()));
            }
        }
        Arrivals::Gaps(law) => {
            zero(
                mean(law) <= 0.0,
                "arrivals",
                arrivals.place.as_ref(),
                "endless requests would come at one instant",
                complaints,
            );
        }
        _ => {}
    }
}

fn one_batch(batch: &Given<Option<Law>>, complaints: &mut Vec<Complaint>) {
    let Some(law) = &batch.value else { return };
    let mean = mean(law);
    zero(mean <= 0.0, "batch", batch.place.as_ref(), "nobody would call", complaints);
    if let Law::Constant { value } = law
        && value.fract() != 0.0
    {
        let complaint = Complaint::error(code::OUT_OF_RANGE, format!("`batch`: {value} is not a whole number"));
        complaints.push(complaint.at(batch.place.clone()));
    }
    if mean > 1e6 {
        let complaint = Complaint::error(code::OUT_OF_RANGE, format!("`batch`: {mean} at once; at most a million"));
        complaints.push(complaint.at(batch.place.clone()));
    }
}

fn phases_cover(phases: &[crate::scenario::written::Phase], run: Span, complaints: &mut Vec<Complaint>) {
    let Some(durations) = phases.iter().map(|p| p.duration.as_ref().map(|d| d.value)).collect::<Option<Vec<_>>>()
    else {
        return;
    };
    let sum = durations.into_iter().fold(Span::ZERO, |a, b| a + b);
    if let (Some(last), true) = (phases.last(), sum < run) {
        let held = last.ramp_to.as_ref().map_or(last.rate.value, |r| r.value);
        let message = format!("the phases last {sum}, the run {run}; the last rate, {held}, holds to the end");
        let complaint = Complaint::warning(code::PHASES_SHORT, message);
        complaints
            .push(complaint.at(last.rate.place.clone()).help("leave out the last phase's duration if that is meant"));
    }
}

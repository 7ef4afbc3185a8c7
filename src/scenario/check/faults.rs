//! Faults happen to something that exists, and to which they can happen.

use std::collections::BTreeSet;

use super::super::analytic::power;
use super::names::known_names;
use super::ranges::zero;
use super::walk;
use crate::diag::{Complaint, code, nouns};
use crate::scenario::law_mean::mean;
use crate::scenario::read::suggest;
use crate::scenario::written::{Aim, Arrivals, Fault, FaultKind, Load, Node, Scenario, Unavailable, When};
use crate::units::Span;

/// Complains about faults that cannot be.
pub(super) fn check(scenario: &Scenario, refused: &[String], complaints: &mut Vec<Complaint>) {
    let mut names = BTreeSet::new();
    for fault in &scenario.faults {
        target(scenario, fault, refused, complaints);
        times(fault, complaints);
        strikes(fault, scenario, complaints);
        replicas(scenario, fault, complaints);
        mode(fault, complaints);
        if !names.insert(fault.name.value.as_str()) {
            let message = format!("two faults are called `{}`", fault.name.value);
            let place = fault.name.place.clone().or(fault.place.clone());
            complaints
                .push(Complaint::error(code::NAME_TWICE, message).at(place).help("give one of them another `name`"));
        }
    }
}

fn wrong(fault: &Fault, message: String) -> Complaint {
    Complaint::error(code::FAULT_TARGET, message).at(fault.target.place.clone())
}

fn target(scenario: &Scenario, fault: &Fault, refused: &[String], complaints: &mut Vec<Complaint>) {
    let kind = fault.kind.value;
    let word = kind.word();
    match fault.aim() {
        Aim::Edge(..) | Aim::Zone(_) if kind == FaultKind::Traffic => {
            complaints.push(wrong(fault, "traffic comes from a client".into()).help("name one client"));
        }
        Aim::Edge(..) if !kind.fits_edge() => {
            let complaint = wrong(fault, format!("an edge has no {word}: that happens to a node"));
            complaints.push(complaint.help("name the node, or one of its zones"));
        }
        Aim::Edge(from, to) => edge(scenario, fault, (from, to), complaints),
        Aim::Zone(_) if matches!(kind, FaultKind::ColdCache | FaultKind::PoisonMessage) => {
            let complaint = wrong(fault, format!("a {word} happens to one thing, not to a zone"));
            complaints.push(complaint.help("name the cache, or the queue or topic"));
        }
        Aim::Zone(zone) => {
            if fault.nodes(scenario).is_empty() {
                complaints.push(no_zone(scenario, fault, zone));
            }
        }
        Aim::Node("") => {}
        Aim::Node(name) if kind == FaultKind::ColdCache => cold(scenario, fault, name, refused, complaints),
        Aim::Node(name) if kind == FaultKind::PoisonMessage => poison(scenario, fault, name, refused, complaints),
        Aim::Node(name) if kind == FaultKind::Traffic => traffic(scenario, fault, name, complaints),
        Aim::Node(name) => node(scenario, fault, name, refused, complaints),
    }
}

/// An edge has somebody who calls over it.
fn edge(scenario: &Scenario, fault: &Fault, (from, to): (&str, &str), complaints: &mut Vec<Complaint>) {
    let client = scenario.clients.get(from).map(|c| c.calls.iter().any(|call| call.target.value.node == to));
    let calls = |node: &Node| node.endpoints.values().flat_map(walk::calls).any(|call| call.target.value.node == to);
    if client.or(scenario.nodes.get(from).map(calls)) != Some(true) {
        let complaint = wrong(fault, format!("`{from}` does not call `{to}`, so nothing would happen"));
        complaints.push(complaint.help("an edge is \"caller -> callee\", by the names of nodes"));
    }
}

/// More traffic comes from a client with a rate.
fn traffic(scenario: &Scenario, fault: &Fault, name: &str, complaints: &mut Vec<Complaint>) {
    let Some(client) = scenario.clients.get(name) else {
        let complaint = wrong(fault, format!("traffic comes from a client, and `{name}` is none"));
        let names: Vec<String> = scenario.clients.keys().map(|name| format!("`{name}`")).collect();
        return complaints.push(complaint.help(format!("the clients are {}", super::names::few(&names))));
    };
    let paced = matches!(&client.load, Load::Open { arrivals, .. } if matches!(arrivals.value, Arrivals::Poisson | Arrivals::Constant));
    if !paced {
        let complaint = wrong(fault, format!("`{name}` has no rate that could be multiplied"));
        complaints.push(complaint.help("it works on clients with arrivals = \"poisson\" or \"constant\""));
    }
}

/// What can be cold is a cache that knows something.
fn cold(scenario: &Scenario, fault: &Fault, name: &str, refused: &[String], complaints: &mut Vec<Complaint>) {
    let Some(node) = scenario.nodes.get(name) else { return node(scenario, fault, name, refused, complaints) };
    match &node.cache {
        None => {
            let complaint = wrong(fault, format!("`{name}` is no cache: it knows nothing that it could lose"));
            complaints.push(complaint.help("name one of [caches.*]"));
        }
        Some(cache) if cache.hit_rate.value.is_some() => {
            let complaint =
                wrong(fault, format!("the share of hits of `{name}` is fixed: it knows nothing that it could lose"));
            complaints.push(complaint.help("give it keys instead of a hit_rate"));
        }
        Some(_) => {}
    }
}

/// What can be poisoned is a message.
fn poison(scenario: &Scenario, fault: &Fault, name: &str, refused: &[String], complaints: &mut Vec<Complaint>) {
    if scenario.queues.contains_key(name) || scenario.topics.contains_key(name) {
        return;
    }
    if !scenario.nodes.contains_key(name) {
        return node(scenario, fault, name, refused, complaints);
    }
    let complaint = wrong(fault, format!("no message comes to `{name}`: it is neither a queue nor a topic"));
    complaints.push(complaint.help("name one of [queues.*] or [topics.*]"));
}

fn node(scenario: &Scenario, fault: &Fault, name: &str, refused: &[String], complaints: &mut Vec<Complaint>) {
    if scenario.nodes.contains_key(name) || refused.iter().any(|r| r == name) {
        return;
    }
    let fails = matches!(fault.kind.value, FaultKind::Outage | FaultKind::Crash);
    if scenario.topics.contains_key(name) && fails
        || scenario.queues.contains_key(name) && fails && fault.mode.value == Unavailable::Refuse
    {
        return;
    }
    if scenario.queues.contains_key(name) || scenario.topics.contains_key(name) {
        complaints.push(of_broker(fault, name));
        return;
    }
    if scenario.clients.contains_key(name) {
        let complaint = wrong(fault, format!("`{name}` is a client: it has nothing that could fail this way"));
        complaints.push(complaint.help("name a service, a database or an external that it calls"));
        return;
    }
    let complaint = wrong(fault, format!("the fault happens to `{name}`, which nothing is called"));
    let known = known_names(scenario);
    complaints.push(match suggest(name, known.iter().map(String::as_str)) {
        Some(meant) => complaint.label(format!("did you mean `{meant}`?")),
        None if name.contains('.') => complaint.help("a fault happens to a whole node, not to one of its endpoints"),
        None => complaint.help("a target is a node, \"zone:eu-west/a\" or an edge \"orders -> billing\""),
    });
}

/// Why a fault cannot happen to a broker, or not yet.
fn of_broker(fault: &Fault, name: &str) -> Complaint {
    let word = fault.kind.value.word();
    let (why, help) = match fault.kind.value {
        FaultKind::Slow | FaultKind::Errors => (
            format!("a broker does no work that could be hit by `{word}`"),
            "raise its publish_latency, or name its consumers",
        ),
        FaultKind::ReplicasLost | FaultKind::Deploy => (
            format!("the copies of `{name}` are its `replication`, not replicas"),
            "an outage or a crash takes the broker down",
        ),
        FaultKind::Move => (format!("clients of `{name}` are not told its address by discovery"), "use an outage"),
        _ => {
            let message = format!("not supported yet: a fault of the broker `{name}`");
            return Complaint::error(code::NOT_YET, message)
                .at(fault.target.place.clone())
                .help("an outage or a crash of a queue can be run; or name the service that consumes");
        }
    };
    wrong(fault, why).help(help)
}

fn no_zone(scenario: &Scenario, fault: &Fault, zone: &str) -> Complaint {
    let complaint = wrong(fault, format!("no node is in the zone `{zone}`"));
    let mut zones: Vec<String> = Vec::new();
    for zone in scenario.nodes.values().filter_map(|node| node.zone.value.as_ref()) {
        let mut name = zone.region.clone();
        for part in [None, zone.zone.as_deref(), zone.host.as_deref()] {
            if let Some(part) = part {
                name = format!("{name}/{part}");
            }
            if !zones.contains(&name) {
                zones.push(name.clone());
            }
        }
    }
    if zones.is_empty() {
        return complaint.help("give nodes a zone: zone = \"eu-west/a\"");
    }
    match suggest(zone, zones.iter().map(String::as_str)) {
        Some(meant) => complaint.label(format!("did you mean `zone:{meant}`?")),
        None => complaint.help(format!("the zones are {}", super::names::few(&zones))),
    }
}

fn times(fault: &Fault, complaints: &mut Vec<Complaint>) {
    match &fault.when {
        When::At { duration, .. } => {
            let never = duration.value == Some(Span::ZERO);
            zero(never, "duration", duration.place.as_ref(), "the fault would be over at once", complaints);
            let (factor, place) = (fault.factor.value, fault.factor.place.as_ref());
            zero(
                factor == Some(0.0),
                "factor",
                place,
                "nothing would ever be done; use an outage or a freeze",
                complaints,
            );
        }
        When::Random { mtbf, mttr, busy_only } => {
            let kind = fault.kind.value;
            if kind.is_planned() {
                let message = format!("a fault of kind `{}` does not come at random", kind.word());
                let complaint = Complaint::error(code::FAULT_TIME, message).at(mtbf.place.clone());
                complaints.push(complaint.help("say when: at = \"60s\" and duration = \"30s\""));
            }
            if busy_only.value && (kind.is_between() || kind == FaultKind::PoisonMessage) {
                let message = "`busy_only` counts work, and messages do none";
                complaints.push(Complaint::error(code::FAULT_WORDS, message).at(busy_only.place.clone()));
            }
            for (key, law) in [("mtbf", mtbf), ("mttr", mttr)].into_iter().take(if kind.is_instant() { 1 } else { 2 }) {
                // Shorter than a microsecond on average, a run would do nothing else.
                let complaint = Complaint::error(code::OUT_OF_RANGE, format!("`{key}` is below 1 us on average"));
                if mean(&law.value) < 1e3 {
                    complaints.push(complaint.at(law.place.clone()));
                }
            }
        }
    }
}

/// Times that a fault at random is on in one run at most: each is looked at by itself.
const STRIKES: f64 = 100_000.0;

/// Complains about faults that come too often.
fn strikes(fault: &Fault, scenario: &Scenario, complaints: &mut Vec<Complaint>) {
    let When::Random { mtbf, mttr, .. } = &fault.when else { return };
    let run = scenario.sim.warmup.value + scenario.sim.duration.value;
    let on = if fault.kind.value.is_instant() { 0.0 } else { mean(&mttr.value) };
    let times = run.0 as f64 / (mean(&mtbf.value) + on).max(1.0);
    if times > STRIKES {
        let message = format!(
            "the fault `{}` would come about {} times in a run; at most {STRIKES:.0}",
            fault.name.value,
            power(times)
        );
        let complaint = Complaint::error(code::OUT_OF_RANGE, message).at(mtbf.place.clone());
        complaints.push(complaint.help("give it more time between: a longer mtbf"));
    }
}

fn replicas(scenario: &Scenario, fault: &Fault, complaints: &mut Vec<Complaint>) {
    let Some(wanted) = fault.replicas.value else { return };
    zero(wanted == 0, "replicas", fault.replicas.place.as_ref(), "the fault would happen to nobody", complaints);
    for node in fault.nodes(scenario).iter().filter_map(|name| scenario.nodes.get(*name)) {
        let there = node.most_replicas();
        if wanted > there {
            let message =
                format!("{wanted} {} of `{}`, which has {there}", nouns(wanted.into(), "replica"), node.name.value);
            complaints.push(Complaint::error(code::OUT_OF_RANGE, message).at(fault.replicas.place.clone()));
        }
    }
}

/// A partition drops; what a crash lost does not come back.
fn mode(fault: &Fault, complaints: &mut Vec<Complaint>) {
    let Some(place) = &fault.mode.place else { return };
    let (message, help) = match (fault.kind.value, fault.mode.value) {
        (FaultKind::Partition, Unavailable::Refuse | Unavailable::Hang) => {
            ("a partition is of the network, which drops", "an outage can refuse or hang; leave `mode` out here")
        }
        (FaultKind::Crash | FaultKind::ReplicasLost | FaultKind::Move, Unavailable::Drop) => {
            ("nothing is there any more to which TCP could send again", "an outage can drop; here use \"hang\"")
        }
        _ => return,
    };
    complaints.push(Complaint::error(code::FAULT_WORDS, message).at(Some(place.clone())).help(help));
}

/// Says what a black hole is here.
fn black_hole(fault: &Fault, complaints: &mut Vec<Complaint>) {
    let Some(place) = fault.mode.place.clone().filter(|_| fault.mode.value == Unavailable::BlackHole) else { return };
    let (word, means) = match fault.kind.value {
        FaultKind::Partition => {
            ("drop", "TCP sends again what the network drops, so that it arrives after the fault's end")
        }
        FaultKind::Outage => {
            ("hang", "answers are lost for good; for a network that drops, and loses nothing, write \"drop\"")
        }
        _ => return,
    };
    let message = format!("`black_hole` means `{word}` for a fault of kind `{}`", fault.kind.value.word());
    complaints.push(Complaint::note(code::BLACK_HOLE, message).at(Some(place)).help(means));
}

/// Warns of faults that change nothing.
pub(super) fn look(scenario: &Scenario, complaints: &mut Vec<Complaint>) {
    for fault in &scenario.faults {
        black_hole(fault, complaints);
        if fault.at().is_some_and(|at| at >= scenario.sim.duration.value) {
            let message = format!("the fault `{}` begins after the measured time", fault.name.value);
            let place = match &fault.when {
                When::At { at, .. } => at.place.clone(),
                When::Random { .. } => fault.place.clone(),
            };
            let length = scenario.sim.duration.value;
            let complaint = Complaint::warning(code::LATE_FAULT, message).at(place);
            complaints.push(complaint.help(format!("it changes nothing; sim.duration is {length}")));
        }
    }
}

//! A scenario under more load, and with one fault instead of its own: what is asked of a study that looks for limits.

use std::collections::{BTreeMap, BTreeSet};

use super::super::written::{Arrivals, Fault, FaultKind, Load, Node, Phase, Scenario, Scope, WarmUp, Zone};
use super::super::{Checked, check, forecast, hash, slowest};
use crate::units::Span;

/// Why a client's load cannot be made larger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// Its users wait for their answers.
    Closed,
    /// Its arrivals are recorded.
    Replay,
}

/// Whether a client's load can be multiplied; `None`: it can.
pub fn bound(load: &Load) -> Option<Bound> {
    match load {
        Load::Closed { .. } => Some(Bound::Closed),
        Load::Open { arrivals, .. } => matches!(arrivals.value, Arrivals::Replay { .. }).then_some(Bound::Replay),
    }
}

/// The scenario with the arrivals of some clients so many times as many. What cannot be multiplied ([`bound`]) stays.
pub fn grown(checked: &Checked, clients: &[String], factor: f64) -> Checked {
    let mut scenario = checked.scenario.clone();
    for name in clients {
        if let Some(client) = scenario.clients.get_mut(name) {
            grow(&mut client.load, factor);
        }
    }
    let overloaded = check::overloaded(&forecast(&scenario));
    Checked { hash: hash(&scenario), overloaded, scenario, ..checked.clone() }
}

fn grow(load: &mut Load, factor: f64) {
    let Load::Open { arrivals, phases, .. } = load else { return };
    match &mut arrivals.value {
        Arrivals::Bursty { low, high, .. } => {
            low.0 *= factor;
            high.0 *= factor;
        }
        Arrivals::Gaps(law) => *law = law.times(1.0 / factor),
        Arrivals::Poisson | Arrivals::Constant | Arrivals::Replay { .. } => {}
    }
    for Phase { rate, ramp_to, .. } in phases {
        rate.value.0 *= factor;
        if let Some(end) = ramp_to {
            end.value.0 *= factor;
        }
    }
}

/// How much longer a warm-up may become.
const LONGEST: f64 = 20.0;

/// So many times as long as its slowest station takes to forget its beginning is a warm-up after which nothing is left of that: e⁻⁴ of
/// what falls slowest.
const FORGOTTEN: f64 = 4.0;

/// The scenario with a warm-up that is as long as another one needs, the same at a larger load: as many times longer as lines take
/// longer to come to their height, which grows as 1 ÷ (1 − ρ)² ([`slowest`]). Where nobody says how busy it is, it is taken as the file's where half is
/// in use. Where something changes in a run nothing is done: what comes before would change with it.
pub fn warmed(checked: &Checked, like: &Checked) -> Checked {
    let mut scenario = checked.scenario.clone();
    let changes = !scenario.faults.is_empty() || scenario.clients.values().any(|client| changes(&client.load));
    let warmup = scenario.sim.warmup.value.span().as_secs_f64();
    let longer = match slowest(&like.scenario).filter(|_| like.overloaded.is_empty()) {
        Some(slowest) => FORGOTTEN * slowest.takes.as_secs_f64() / warmup,
        None => 0.25 / libm::pow((1.0 - busiest(&like.scenario)).max(1e-3), 2.0),
    };
    let longer = longer.clamp(1.0, LONGEST);
    if changes || longer == 1.0 || warmup == 0.0 {
        return checked.clone();
    }
    scenario.sim.warmup.value = WarmUp::For(Span::from_secs_f64(warmup * longer));
    Checked { hash: hash(&scenario), scenario, ..checked.clone() }
}

/// How busy the busiest node is, by the forecast.
fn busiest(scenario: &Scenario) -> f64 {
    let used = forecast(scenario).nodes.into_iter();
    used.map(|node| node.utilization.max(node.held).max(node.peak_utilization)).fold(0.0, f64::max)
}

fn changes(load: &Load) -> bool {
    matches!(load, Load::Open { phases, .. } if phases.len() > 1 || phases.iter().any(|phase| phase.ramp_to.is_some()))
}

/// The node that is busiest when it has a replica less, by the forecast, and the scenario then; no scenario where it has only
/// one. `None` where no node is busy at all.
pub fn one_less(checked: &Checked) -> Option<(String, Option<Checked>)> {
    let used = |checked: &Checked, name: &str| {
        let nodes = forecast(&checked.scenario).nodes;
        let node = nodes.into_iter().find(|node| node.name == name);
        node.map_or(0.0, |node| node.utilization.max(node.held).max(node.peak_utilization))
    };
    let mut most: Option<(f64, String, Option<Checked>)> = None;
    for (name, node) in &checked.scenario.nodes {
        let now = used(checked, name);
        if now <= 0.0 || node.most_replicas() != node.replicas.value {
            continue;
        }
        let fewer = (node.replicas.value > 1)
            .then(|| with_replicas(checked, &[(name.clone(), node.replicas.value - 1)].into_iter().collect()));
        let then = fewer.as_ref().map_or(f64::INFINITY, |fewer| used(fewer, name));
        // Of those that have only one, the busiest.
        let key = if then.is_finite() { then } else { now };
        let better = most.as_ref().is_none_or(|(best, _, less)| match (less.is_some(), fewer.is_some()) {
            (true, false) => false,
            (false, true) => true,
            _ => key > *best,
        });
        if better {
            most = Some((key, name.clone(), fewer));
        }
    }
    most.map(|(_, name, less)| (name, less))
}

/// The scenario with so many replicas of these nodes.
pub fn with_replicas(checked: &Checked, replicas: &BTreeMap<String, u32>) -> Checked {
    let mut scenario = checked.scenario.clone();
    for (name, count) in replicas {
        if let Some(node) = scenario.nodes.get_mut(name) {
            node.replicas.value = *count;
        }
    }
    let overloaded = check::overloaded(&forecast(&scenario));
    Checked { hash: hash(&scenario), overloaded, scenario, ..checked.clone() }
}

/// The zones in which something stands that serves, by name: `region/zone`, or `region` where no more is said.
pub fn zones(checked: &Checked) -> Vec<String> {
    let name = |zone: &Zone| match &zone.zone {
        Some(zone_of) => format!("{}/{zone_of}", zone.region),
        None => zone.region.clone(),
    };
    let served = checked.scenario.nodes.values().flat_map(Node::sites);
    served.map(name).collect::<BTreeSet<String>>().into_iter().collect()
}

/// The scenario in which all that stands in a zone refuses for the whole measured time. Promises about the time outside of faults are
/// about all of it.
pub fn without_zone(checked: &Checked, zone: &str) -> Checked {
    let mut scenario = checked.scenario.clone();
    scenario.faults.push(Fault::once(FaultKind::Outage, &format!("zone:{zone}"), Span::ZERO, None));
    for slo in &mut scenario.slos {
        slo.scope = slo.scope.take().filter(|scope| scope.value != Scope::OutsideFaults);
    }
    Checked { hash: hash(&scenario), scenario, ..checked.clone() }
}

/// The scenario with these faults and no other. Promises about the time of a fault that is gone go with it.
pub fn struck(checked: &Checked, faults: Vec<Fault>) -> Checked {
    let mut scenario = checked.scenario.clone();
    let kept = |name: &str| faults.iter().any(|fault| fault.name.value == name);
    scenario.slos.retain(|slo| slo.scope.as_ref().and_then(|scope| scope.value.fault()).is_none_or(kept));
    scenario.faults = faults;
    Checked { hash: hash(&scenario), scenario, ..checked.clone() }
}

/// A fault of the file that comes once and has a length, with another length.
#[must_use]
pub fn lengthened(fault: &Fault, length: Span) -> Fault {
    let mut other = fault.clone();
    other.duration.value = Some(length);
    other
}

/// Whether a fault can be on for longer or shorter: it comes once, and is neither over at once nor as long as it takes.
pub fn has_length(fault: &Fault) -> bool {
    fault.at().is_some() && !fault.kind.value.is_instant() && fault.kind.value != FaultKind::Deploy
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Source;
    use crate::scenario::load;

    /// M/M/1 of 100/s with a warm-up of 1 s takes 0.12 s to forget its beginning at 50/s, 3.8 s at 90/s and 398 s at 99/s: four times that, but no less
    /// than the file's and no more than twenty times it. What is fuller than it can be has twenty times, and what changes or has none keeps its own.
    #[test]
    fn a_warm_up_is_as_long_as_the_load_needs() {
        let text = "version = 1\nsim = { duration = \"10s\", warmup = \"1s\" }\n[clients.users]\ncalls = \"desk\"\nrate = \"50/s\"\n\
                    transport = \"free\"\n[services.desk]\nconcurrency = 1\nwork = { mean = \"10ms\" }\n";
        let after = |text: &str, times: f64| {
            let checked = load(&Source::text("warm", text), &[]).unwrap_or_else(|rejected| panic!("{rejected}"));
            let more = warmed(&checked, &grown(&checked, &["users".to_owned()], times));
            more.scenario.sim.warmup.value.span().as_secs_f64()
        };
        assert_eq!((after(text, 1.0), after(text, 1.98), after(text, 2.4)), (1.0, 20.0, 20.0));
        assert!((after(text, 1.8) - 15.19).abs() < 0.01, "{}", after(text, 1.8));
        assert_eq!(after(&text.replace("\"1s\"", "\"0s\""), 1.8), 0.0);
        let fault = "[[faults]]\nkind = \"outage\"\ntarget = \"desk\"\nat = \"2s\"\nduration = \"1s\"\n";
        assert_eq!(after(&format!("{text}{fault}"), 1.8), 1.0);
    }
}

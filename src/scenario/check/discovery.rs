//! Finding and picking a replica: numbers that can be, and words that mean something together.

use super::ranges::zero;
use crate::diag::{Code, Complaint, code};
use crate::model::discovery::Kind;
use crate::scenario::lower::outlier_spec;
use crate::scenario::written::{BalancePer, Balancing, Discovery, FaultKind, Given, Node, Place, Scenario};
use crate::units::Span;

/// Complains about numbers that cannot be, and about words beside which others mean nothing.
pub(super) fn ranges(discovery: &Discovery, complaints: &mut Vec<Complaint>) {
    let never = |given: &Given<Span>| (given.value == Span::ZERO, given.place.clone());
    let none = |given: &Given<u32>| (given.value == 0, given.place.clone());
    let mut all = vec![
        (
            "choices",
            (discovery.choices.value == Some(0), discovery.choices.place.clone()),
            "there would be nobody to pick",
        ),
        ("keys", (discovery.keys.value == Some(0), discovery.keys.place.clone()), "no call would have a key"),
        ("ttl", never(&discovery.ttl), "every call would look the name up; a cache of \"1ms\" is close to none"),
    ];
    if let Some(probes) = &discovery.readiness.value {
        all.push(("every", never(&probes.every), "nothing else would ever happen"));
        all.push(("failures", none(&probes.failures), "every replica would be out at once"));
    }
    if let Some(rule) = discovery.outlier_detection.as_ref().and_then(|rule| rule.value.as_ref()) {
        all.push(("consecutive_errors", none(&rule.consecutive_errors), "every replica would be out at once"));
        all.push(("interval", never(&rule.interval), "nothing else would ever happen"));
        all.push(("base_ejection", never(&rule.base_ejection), "a replica would be back at once"));
    }
    for (key, (is, place), why) in all {
        zero(is, key, place.as_ref(), why, complaints);
    }
    unused(discovery, complaints);
}

/// Words that mean nothing beside the others.
fn unused(discovery: &Discovery, complaints: &mut Vec<Complaint>) {
    let kind = discovery.kind.value;
    let picks = |balancing: Balancing| discovery.load_balancing.value == balancing;
    let said = [
        (!picks(Balancing::LeastRequest), "choices", &discovery.choices.place, "for least_request only"),
        (!picks(Balancing::LeastRequest), "distinct", &discovery.distinct.place, "for least_request only"),
        (!picks(Balancing::Hash), "keys", &discovery.keys.place, "for hash only"),
        (kind != Kind::Dns, "ttl", &discovery.ttl.place, "for kind = \"dns\" only"),
        (
            kind == Kind::Static,
            "propagation",
            &discovery.propagation.place,
            "where changes are heard of: not for static",
        ),
        (!discovery.is_watched(), "readiness", &discovery.readiness.place, "for kubernetes and mesh only"),
    ];
    for (idle, key, place, what) in said {
        if idle && place.is_some() {
            complaints.push(warning(code::UNUSED, format!("`{key}` means something {what}"), place.as_ref()));
        }
    }
}

fn warning(code: Code, message: String, place: Option<&Place>) -> Complaint {
    Complaint::warning(code, message).at(place.cloned())
}

/// What runs but looks wrong.
pub(super) fn look(scenario: &Scenario, complaints: &mut Vec<Complaint>) {
    let discovery = &scenario.discovery;
    if let Some(rule) = discovery.outlier_detection.as_ref().filter(|rule| rule.value.is_some())
        && discovery.balance_per.value == BalancePer::Connection
        && super::walk::transports_used(scenario).iter().any(|name| scenario.transports[*name].connections.is_some())
    {
        let message =
            "`outlier_detection` where connections are balanced: those that are open go on to a replica that is out";
        let complaint = warning(code::NO_EFFECT, message.into(), rule.place.as_ref());
        complaints.push(complaint.help("balance requests: balance_per = \"request\", or kind = \"mesh\""));
    }
    ejects_nobody(scenario, complaints);
    if discovery.kind.value != Kind::Static {
        return;
    }
    for fault in &scenario.faults {
        let place = fault.kind.place.as_ref();
        match fault.kind.value {
            FaultKind::Move => {
                let message =
                    format!("nobody learns where `{}` has moved to: its addresses are fixed", fault.target.value);
                let complaint = warning(code::MOVED_FOR_GOOD, message, place);
                complaints
                    .push(complaint.help("find it by name: [discovery] kind = \"dns\", \"kubernetes\" or \"mesh\""));
            }
            FaultKind::DiscoveryOutage => {
                let message = "an outage of discovery changes nothing where addresses are fixed";
                let complaint = warning(code::UNUSED, message.into(), place);
                complaints.push(complaint.help("[discovery] kind = \"dns\", \"kubernetes\" or \"mesh\" can fail"));
            }
            _ => {}
        }
    }
}

/// Outlier detection may be allowed to leave out a share of the replicas that is less than one of them.
fn ejects_nobody(scenario: &Scenario, complaints: &mut Vec<Complaint>) {
    let Some(rule) = scenario.discovery.outlier_detection.as_ref().and_then(|rule| rule.value.as_ref()) else { return };
    let spec = outlier_spec(rule);
    let several = scenario.nodes.values().map(Node::most_replicas).filter(|replicas| *replicas > 1).max();
    if let Some(most) = several.filter(|most| spec.most(*most) == 0) {
        let share = 100.0 * rule.max_ejected.value;
        let message = format!("`outlier_detection` leaves nobody out: {share} % of {most} replicas are none");
        let place = rule.max_ejected.place.as_ref();
        let place = place.or(scenario.discovery.outlier_detection.as_ref().and_then(|given| given.place.as_ref()));
        let help = format!(
            "say max_ejected = \"{}%\", or always_eject_one = true (Envoy before 1.31)",
            100_u32.div_ceil(most)
        );
        complaints.push(warning(code::NO_EFFECT, message, place).help(help));
    }
}

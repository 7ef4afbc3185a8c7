//! A scenario under more load, and with one fault instead of its own: what is asked of a study that looks for limits.

use super::super::written::{Arrivals, Fault, FaultKind, Load, Phase};
use super::super::{Checked, check, forecast, hash};
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

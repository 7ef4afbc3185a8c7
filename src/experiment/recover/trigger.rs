//! What pushes a system over: a fault of the file, or a spike of traffic.

use serde::Serialize;

use super::Busiest;
use crate::experiment::study::Trouble;
use crate::scenario::Checked;
use crate::scenario::edit::has_length;
use crate::scenario::written::{Fault, FaultKind, Given};
use crate::units::Span;

/// What a spike of traffic is called.
pub const SPIKE: &str = "spike";

/// What goes wrong once in each run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Trigger {
    /// The fault's name, or what the spike is, such as `5 × the traffic of shoppers`.
    pub name: String,
    /// Whether nobody asked for it: the file's first fault that has a length, or else a spike.
    pub by_default: bool,
    /// When it begins, s from the start of the measured time.
    pub at_s: f64,
    /// How long the file says it is on, s; of a spike a tenth of the time, at most 10 s.
    pub length_s: f64,
    /// Whether it can be longer or shorter.
    pub lasts: bool,
    /// Measured time, s.
    #[serde(skip)]
    duration_s: f64,
}

/// The trigger that was asked for, or the usual one, and the faults that it is: a spike is one of each client.
pub(super) fn pick(
    checked: &Checked,
    name: Option<&str>,
    grown: &[String],
    busiest: Option<&Busiest>,
) -> Result<(Trigger, Vec<Fault>), Trouble> {
    let faults = &checked.scenario.faults;
    let of_file = match name {
        Some(name) => faults.iter().find(|fault| fault.name.value == name),
        None => faults.iter().find(|fault| has_length(fault)),
    };
    match (of_file, name) {
        (Some(fault), _) => of(checked, fault, name.is_none()),
        (None, None | Some(SPIKE)) => spike(checked, grown, busiest, name.is_none()),
        (None, Some(name)) => {
            let names: Vec<String> = faults.iter().map(|fault| format!("`{}`", fault.name.value)).collect();
            let known = if names.is_empty() { "it has none".into() } else { format!("it has {}", names.join(", ")) };
            Err(Trouble::Absent(format!("no fault `{name}`; {known}; `{SPIKE}` is a spike of traffic")))
        }
    }
}

fn of(checked: &Checked, fault: &Fault, by_default: bool) -> Result<(Trigger, Vec<Fault>), Trouble> {
    let name = &fault.name.value;
    let Some(at) = fault.at() else {
        let why = format!("the fault `{name}` comes at random, so there is no end of it to recover from");
        return Err(Trouble::Absent(format!("{why}; give it at = \"20s\" and duration = \"10s\"")));
    };
    let duration_s = checked.scenario.sim.duration.value.as_secs_f64();
    let at_s = at.as_secs_f64();
    if at_s >= duration_s {
        return Err(Trouble::Absent(format!(
            "the fault `{name}` begins at {at_s} s, after the measured time, which is {duration_s} s"
        )));
    }
    let said = fault.duration.value.map(Span::as_secs_f64);
    let instant = fault.kind.value.is_instant();
    let length_s = if instant { 0.0 } else { said.unwrap_or_else(|| usual(duration_s)) };
    let trigger = Trigger { name: name.clone(), by_default, at_s, length_s, lasts: has_length(fault), duration_s };
    Ok((trigger, vec![fault.clone()]))
}

/// How long what has no length of its own is on.
fn usual(duration_s: f64) -> f64 {
    (duration_s / 10.0).min(10.0)
}

/// A spike of more than so many times the traffic is none that anybody has seen.
const STEEPEST: f64 = 10.0;

/// Twice what the busiest node can do: at least twice of what there is, and ten times at most.
fn spike(
    checked: &Checked,
    grown: &[String],
    busiest: Option<&Busiest>,
    by_default: bool,
) -> Result<(Trigger, Vec<Fault>), Trouble> {
    let factor = busiest.map_or(5.0, |busiest| (2.0 / busiest.utilization).ceil().clamp(2.0, STEEPEST));
    let duration_s = checked.scenario.sim.duration.value.as_secs_f64();
    let (at_s, length_s) = (duration_s / 4.0, usual(duration_s));
    let surge = |client: &String| Fault {
        factor: Given::default(Some(factor)),
        ..Fault::once(FaultKind::Traffic, client, Span::from_secs_f64(at_s), Some(Span::from_secs_f64(length_s)))
    };
    let clients = &checked.scenario.clients;
    let faults: Vec<Fault> = grown.iter().filter(|name| clients[*name].load.is_paced()).map(surge).collect();
    if faults.is_empty() {
        let why = "no client has a rate that a spike could multiply (arrivals = \"poisson\" or \"constant\")";
        return Err(Trouble::Absent(format!("{why}; write a fault that is to be the trigger")));
    }
    let who = if faults.len() == 1 { faults[0].target.value.clone() } else { "everybody".into() };
    let name = format!("{factor} × the traffic of {who}");
    Ok((Trigger { name, by_default, at_s, length_s, lasts: true, duration_s }, faults))
}

/// Lengths, in times of what the file says.
const LENGTHS: [f64; 5] = [0.25, 0.5, 1.0, 2.0, 4.0];

impl Trigger {
    /// The lengths that are run, s: those asked for, or the usual ones that leave time to see what comes of them.
    pub(super) fn lengths(&self, asked: &[f64]) -> Result<Vec<f64>, Trouble> {
        if !self.lasts {
            let why = format!("the trigger `{}` is as long as it is; leave out --length", self.name);
            return if asked.is_empty() { Ok(vec![self.length_s]) } else { Err(Trouble::Absent(why)) };
        }
        if let Some(bad) = asked.iter().find(|length| !(length.is_finite() && **length > 0.0)) {
            return Err(Trouble::Absent(format!("a trigger of {bad} s is none; write for example 10s")));
        }
        let mut all = asked.to_vec();
        if all.is_empty() {
            let seen = |length: &f64| {
                *length == self.length_s
                    || self.at_s + length + super::super::recovery::patience(*length) < self.duration_s
            };
            all = LENGTHS.iter().map(|times| times * self.length_s).filter(seen).collect();
        }
        all.sort_by(f64::total_cmp);
        all.dedup();
        Ok(all)
    }
}

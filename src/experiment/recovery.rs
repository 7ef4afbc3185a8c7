//! Recovery: how long after a fault's end somebody is as well off as before the first one.
//!
//! Clients and flows are looked at by their requests, groups and queues by their messages, each by the second in which it
//! set out. A window holds about forty of them (thirty at least), so it is a second, or several where traffic is thin. The
//! windows before the first fault, of all replications, give a band: mean latency and the share that gets no good answer,
//! each with so much room that ten healthy windows stay inside with 95 % (10 % and one point at least); below twenty windows
//! there is none, and none where most fail anyhow or where all of a window's failing would be usual. Somebody has recovered at the first second from which ten seconds of windows lie in the band.
//!
//! Recovery that cannot be seen is neither: the run ends first, or another fault strikes first, whose effect it may
//! be. "Not recovered" is said only where the run goes on for as long as the fault was on, and for ten seconds more, and things
//! do not get better meanwhile.

use std::collections::BTreeMap;

use crate::model::fault::Effect;
use crate::model::{FaultId, Plan};
use crate::stats::{Interval, mean_of, proportion};

use super::estimate::{CONFIDENCE, Replication};
use super::measure::{Aftermath, Spell, Window, planned};
use super::summary::{Fault, Recovery};

mod band;

pub(super) use band::Band;
use band::{STAY, mends};

/// Who may recover: whose windows, and whether the run waits for all of its requests.
struct Patient {
    name: String,
    at: usize,
    awaited: bool,
}

/// What was seen after a fault's end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Seen {
    /// When it was as before after so many seconds.
    Back(f64),
    /// When it was not, for long enough to say so.
    Not,
    /// When it could not be seen, and why.
    Nothing(&'static str),
}

const RUN_ENDS: &str = "the run ends first";
const STRIKES: &str = "another fault strikes first";
const IS_ON: &str = "another fault is on";
const UNKNOWN: &str = "too little is known of the time before the first fault";
/// What is said of each fault.
pub(crate) fn faults(replications: &[Replication], plan: &Plan) -> Vec<Fault> {
    let patients = patients(plan);
    let bands: Vec<Result<Band, &str>> = patients.iter().map(|patient| baseline(replications, patient.at)).collect();
    let one = |(id, fault): (FaultId, &crate::model::fault::Fault)| {
        let (at_s, duration_s) = planned(plan, fault.when);
        let spells = replications.iter().map(|r| own(&r.measure.aftermath, id).count() as u64).sum();
        let recovery = |(patient, band): (&Patient, &Result<Band, &'static str>)| {
            (patient.name.clone(), told(&looks(replications, id, patient, *band)))
        };
        Fault {
            name: fault.name.clone(),
            at_s,
            duration_s,
            took_s: took(replications, id, fault),
            struck: spells,
            // Whoever comes first keeps a name that is used twice: clients.
            recovery_s: patients.iter().zip(&bands).rev().map(recovery).collect::<BTreeMap<_, _>>(),
            lost: lost(replications, plan, at_s, duration_s),
            clients: plan.clients.iter().map(|client| plan.node(client.node).name.clone()).collect(),
        }
    };
    (0..).map(FaultId).zip(&plan.faults).map(one).collect()
}

/// By client: what share of the requests that set out in a fault's planned time failed or had no answer when the run ended.
fn lost(
    replications: &[Replication],
    plan: &Plan,
    at_s: Option<f64>,
    lasts_s: Option<f64>,
) -> BTreeMap<String, Interval> {
    let Some((from, lasts)) = at_s.zip(lasts_s).filter(|(_, lasts)| *lasts > 0.0) else { return BTreeMap::new() };
    // A window is a second; it belongs to the time in which its middle lies.
    let within = |second: usize| (from..from + lasts).contains(&(second as f64 + 0.5));
    let mut all = BTreeMap::new();
    for (at, client) in plan.clients.iter().enumerate() {
        let of = |r: &Replication| {
            let windows = r.measure.aftermath.windows.get(at).into_iter().flatten().enumerate();
            let during =
                windows.filter(|(second, _)| within(*second)).fold(Window::default(), |sum, (_, own)| sum.plus(own));
            let unanswered = during.arrived.saturating_sub(during.ended);
            (u64::from(during.failed + unanswered), u64::from(during.arrived))
        };
        let parts: Vec<(u64, u64)> = replications.iter().map(of).collect();
        let share = proportion(&parts, CONFIDENCE);
        if share.value.is_some() {
            all.insert(plan.node(client.node).name.clone(), share);
        }
    }
    all
}

/// How long a rollout took, over the replications; nothing where it did not end in one of them.
fn took(replications: &[Replication], id: FaultId, fault: &crate::model::fault::Fault) -> Option<Interval> {
    let Effect::Rollout(_) = fault.effect else { return None };
    let length = |spell: &Spell| Some(spell.until?.since(spell.from).as_secs_f64());
    let all: Option<Vec<f64>> = replications.iter().flat_map(|r| own(&r.measure.aftermath, id)).map(length).collect();
    all.filter(|all| !all.is_empty()).map(|all| mean_of(&all, CONFIDENCE))
}

/// Clients, flows, groups and queues, in the order of their windows.
fn patients(plan: &Plan) -> Vec<Patient> {
    let clients = plan.clients.iter().map(|client| (plan.node(client.node).name.clone(), true, true));
    let flows = plan.flows.iter().map(|flow| (flow.name.clone(), false, true));
    let groups = plan.groups.iter().map(|group| (group.name.clone(), false, true));
    let queues = plan.queues.iter().map(|queue| (plan.node(queue.node).name.clone(), false, queue.consumed));
    let all = clients.chain(flows).chain(groups).chain(queues).enumerate();
    all.filter(|(_, (.., looked_at))| *looked_at)
        .map(|(at, (name, awaited, _))| Patient { name, at, awaited })
        .collect()
}

/// The times that a fault was on in the measured time.
fn own(aftermath: &Aftermath, fault: FaultId) -> impl Iterator<Item = &Spell> {
    aftermath.spells.iter().filter(move |s| s.fault == fault && aftermath.second(s.from) >= 0.0)
}

/// What is usual before anything goes wrong.
fn baseline(replications: &[Replication], at: usize) -> Result<Band, &'static str> {
    let before: Vec<&[Window]> = replications.iter().map(|r| healthy(&r.measure.aftermath, at)).collect();
    let band = Band::of(&before).ok_or(UNKNOWN)?;
    band.telling()
}

/// The seconds before the first fault whose requests had ended when it struck.
fn healthy(aftermath: &Aftermath, at: usize) -> &[Window] {
    let Some(windows) = aftermath.windows.get(at) else { return &[] };
    let first = aftermath.spells.iter().map(|s| aftermath.second(s.from)).fold(f64::INFINITY, f64::min);
    let end = first.min(aftermath.second(aftermath.touched[at])).max(0.0) as usize;
    let mut windows = &windows[..end.min(windows.len())];
    // Some of the last may never have ended at all.
    let least = windows.len() - windows.len() / 4;
    while let [rest @ .., last] = windows
        && rest.len() >= least
        && last.ended < last.arrived
    {
        windows = rest;
    }
    windows
}

/// What was seen after each time that a fault was on.
fn looks(
    replications: &[Replication],
    fault: FaultId,
    patient: &Patient,
    band: Result<Band, &'static str>,
) -> Vec<Seen> {
    let mut all = Vec::new();
    for aftermath in replications.iter().map(|r| &r.measure.aftermath) {
        let Some(windows) = aftermath.windows.get(patient.at) else { continue };
        for spell in own(aftermath, fault) {
            all.push(band.map_or_else(Seen::Nothing, |band| {
                // What comes to a group or a queue at the very end is still there when the run is over.
                let still = if patient.awaited { 0 } else { (band.latency / 1e9).ceil() as usize };
                look(&windows[..windows.len().saturating_sub(still)], aftermath, spell, band)
            }));
        }
    }
    all
}

fn look(seconds: &[Window], aftermath: &Aftermath, spell: &Spell, band: Band) -> Seen {
    let ends = spell.until.map(|until| (until, aftermath.second(until)));
    let Some((until, end)) = ends.filter(|(_, end)| *end < seconds.len() as f64) else {
        return Seen::Nothing(RUN_ENDS);
    };
    let others = || aftermath.spells.iter().filter(|other| *other != spell);
    let next = others().map(|s| s.from).filter(|from| *from >= until).min().map(|from| aftermath.second(from));
    let limit = next.map_or(seconds.len(), |next| next.ceil() as usize);
    if let Some(at) = band.back(seconds, end as usize, limit) {
        return Seen::Back((at as f64 - end).max(0.0));
    }
    if next.is_some_and(|next| next < seconds.len() as f64) {
        return Seen::Nothing(STRIKES);
    }
    if others().any(|s| s.from <= until && s.until.is_none_or(|other| other > until)) {
        return Seen::Nothing(IS_ON);
    }
    lasting(seconds, (end, until.since(spell.from).as_secs_f64()), band)
}

/// How long a run has to go on after the end of a fault that was on for so long, so that "not recovered" can be said, s.
pub(super) fn patience(length_s: f64) -> f64 {
    STAY as f64 + length_s.max(STAY as f64)
}

/// What is said of somebody who never came back after a fault that ended then and was on for so long, s.
fn lasting(seconds: &[Window], (end, length_s): (f64, f64), band: Band) -> Seen {
    let out = (0..=seconds.len()).rev().find(|at| band.is_out_at(seconds, *at)).unwrap_or(0);
    let after = &seconds[(end as usize).min(seconds.len())..];
    if out as f64 - end >= patience(length_s) && !mends(after) { Seen::Not } else { Seen::Nothing(RUN_ENDS) }
}

/// What was seen after a fault that was on between two moments, in seconds from the first window, where nothing else
/// interferes.
pub(super) fn after(seconds: &[Window], (from, until): (f64, f64), band: Band) -> Seen {
    if until >= seconds.len() as f64 {
        return Seen::Nothing(RUN_ENDS);
    }
    match band.back(seconds, until as usize, seconds.len()) {
        Some(at) => Seen::Back((at as f64 - until).max(0.0)),
        None => lasting(seconds, (until, until - from), band),
    }
}

/// Shares, the median, and between what it would be had the rest been seen.
fn told(looks: &[Seen]) -> Recovery {
    let sorted = |unseen: Option<f64>| {
        let time = |look: &Seen| match look {
            Seen::Back(after) => Some(*after),
            Seen::Not => Some(f64::INFINITY),
            Seen::Nothing(_) => unseen,
        };
        let mut all: Vec<f64> = looks.iter().filter_map(time).collect();
        all.sort_unstable_by(f64::total_cmp);
        all
    };
    let seen = sorted(None);
    let share = |n: usize, of: usize| (of > 0).then(|| n as f64 / of as f64);
    // What was not seen is ranked last: where it reaches the middle, the middle was not seen.
    let last = middle(&sorted(Some(f64::INFINITY)));
    let reason = looks.iter().find_map(|look| match look {
        Seen::Nothing(why) => Some(*why),
        _ => None,
    });
    Recovery {
        share_recovered: share(seen.iter().filter(|t| t.is_finite()).count(), seen.len()),
        median: last.filter(|t| t.is_finite()),
        not_seen: share(looks.len() - seen.len(), looks.len()),
        reason: reason.map(Into::into),
        between: middle(&sorted(Some(0.0))).zip(last),
    }
}

/// The median of sorted values.
pub(super) fn middle(sorted: &[f64]) -> Option<f64> {
    let n = sorted.len();
    (n > 0).then(|| f64::midpoint(sorted[(n - 1) / 2], sorted[n / 2]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_those_that_never_recover_is_never() {
        assert_eq!(middle(&[1.0, 2.0, f64::INFINITY]), Some(2.0));
        assert!(middle(&[1.0, f64::INFINITY, f64::INFINITY]).is_some_and(f64::is_infinite));
        assert_eq!(middle(&[]), None);
    }

    #[test]
    fn what_was_not_seen_leaves_the_middle_open() {
        let all = told(&[Seen::Back(1.0), Seen::Back(3.0), Seen::Nothing(RUN_ENDS)]);
        assert_eq!((all.share_recovered, all.median), (Some(1.0), Some(3.0)));
        let most = told(&[Seen::Back(1.0), Seen::Nothing(RUN_ENDS), Seen::Nothing(RUN_ENDS)]);
        assert_eq!((most.share_recovered, most.median), (Some(1.0), None));
        assert_eq!((all.between, all.reason.as_deref()), (Some((1.0, 3.0)), Some(RUN_ENDS)));
        let none = told(&[Seen::Nothing(RUN_ENDS)]);
        assert_eq!((none.share_recovered, none.median, none.not_seen), (None, None, Some(1.0)));
        assert_eq!(none.between, Some((0.0, f64::INFINITY)));
        let half = told(&[Seen::Back(1.0), Seen::Not]);
        assert_eq!((half.share_recovered, half.median, half.not_seen), (Some(0.5), None, Some(0.0)));
        assert_eq!(told(&[]), Recovery::default());
    }
}

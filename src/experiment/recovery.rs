//! Recovery: how long after a fault's end a client is as well off as before the first one.
//!
//! A client's requests are looked at in windows of one second, by the time they set out. The windows before the first fault
//! give a band: mean latency at most the baseline's plus three standard deviations (10 % at least), share without success
//! at most the baseline's plus three standard deviations (one point at least). A client has recovered at the first moment
//! from which ten windows in a row lie in the band, be it after another fault that came meanwhile: only the same fault's
//! next time ends the search.

use std::collections::BTreeMap;

use crate::model::id::NONE;
use crate::model::{FaultId, Plan};

use super::estimate::Replication;
use super::measure::{Aftermath, Spell, Tried, Window, bin_width, planned};
use super::summary::{Failing, Fault, Recovery};

/// Windows in a row that are back in the band.
const STAY: usize = 10;

/// Windows that make a baseline.
const BASE: usize = 3;

/// What is said of each fault.
pub(crate) fn faults(replications: &[Replication], plan: &Plan) -> Vec<Fault> {
    let one = |(id, fault): (FaultId, &crate::model::fault::Fault)| {
        let (at_s, duration_s) = planned(plan, fault.when);
        let spells = replications.iter().map(|r| own(&r.measure.aftermath, id).count() as u64).sum();
        let recovery = |at: usize| (plan.node(plan.clients[at].node).name.clone(), recovery(replications, id, at));
        Fault {
            name: fault.name.clone(),
            at_s,
            duration_s,
            struck: spells,
            recovery_s: (0..plan.clients.len()).map(recovery).collect::<BTreeMap<_, _>>(),
        }
    };
    (0..).map(FaultId).zip(&plan.faults).map(one).collect()
}

/// Calls to a node that fail make it a failing one from this share on.
const FAILS: f64 = 0.05;

/// Who failed, in the order in which that began.
pub(crate) fn failing(replications: &[Replication], plan: &Plan) -> Vec<Failing> {
    if plan.faults.is_empty() {
        return Vec::new();
    }
    let width_s = bin_width(plan.duration) as f64 / 1e9;
    let mut all: Vec<Failing> = (0..plan.servers()).map(|node| one_node(replications, plan, node, width_s)).collect();
    all.retain(|f| f.failing_s.is_some() || f.saturated_s.is_some());
    let first = |f: &Failing| f.saturated_s.unwrap_or(f64::INFINITY).min(f.failing_s.unwrap_or(f64::INFINITY));
    all.sort_by(|a, b| first(a).total_cmp(&first(b)));
    all
}

fn one_node(replications: &[Replication], plan: &Plan, node: usize, width_s: f64) -> Failing {
    let lanes = || replications.iter().map(|r| &r.measure.aftermath.lanes[node]);
    let bins = lanes().next().map_or(0, Vec::len);
    let sum = |bin: usize, of: fn(&Tried) -> u32| lanes().map(|lane| u64::from(of(&lane[bin]))).sum::<u64>();
    let share = |bin: usize| {
        let (ended, failed) = (sum(bin, |t| t.ended), sum(bin, |t| t.failed));
        (ended > 0).then(|| failed as f64 / ended as f64)
    };
    let lane: Vec<Option<f64>> = (0..bins).map(share).collect();
    let mut full: Vec<f64> =
        replications.iter().map(|r| r.measure.aftermath.full(node).unwrap_or(f64::INFINITY)).collect();
    full.sort_unstable_by(f64::total_cmp);
    Failing {
        node: plan.nodes[node].name.clone(),
        saturated_s: middle(&full).filter(|s| s.is_finite()),
        saturated_for_s: saturated_for(replications, plan, node),
        failing_s: lane.iter().position(|s| s.is_some_and(|s| s >= FAILS)).map(|bin| from(bin, width_s, plan)),
        worst_share: lane.iter().flatten().copied().fold(0.0, f64::max),
        lane,
        width_s,
    }
}

/// Workers held make a node a saturated one from this share on.
const HELD: f64 = 0.99;

/// How long nearly all workers of a node were held: stretches of the measured time, mean over replications, s.
fn saturated_for(replications: &[Replication], plan: &Plan, node: usize) -> f64 {
    let planned = &plan.nodes[node];
    if planned.workers == NONE {
        return 0.0;
    }
    let workers = HELD * f64::from(planned.workers);
    let full = |r: &Replication| {
        let (Some(course), fleet) = (r.measure.course.as_deref(), r.measure.fleets[node].as_ref()) else { return 0 };
        let mut ready = fleet.map(|fleet| fleet.tides[1].means());
        let all = f64::from(planned.replicas);
        let is_full = |[_, _, busy, ..]: &&[f64; 5]| {
            let replicas = ready.as_mut().map_or(all, |ready| ready.next().unwrap_or(all));
            *busy >= workers * replicas
        };
        course.nodes[node].stretches.iter().filter(is_full).count()
    };
    let sum: usize = replications.iter().map(full).sum();
    sum as f64 * plan.stretch().as_secs_f64() / replications.len().max(1) as f64
}

/// When a stretch of time begins; not before the first fault, if that begins in it.
fn from(bin: usize, width_s: f64, plan: &Plan) -> f64 {
    let (begin, end) = (bin as f64 * width_s, (bin + 1) as f64 * width_s);
    let onsets = plan.faults.iter().filter_map(|fault| planned(plan, fault.when).0);
    onsets.filter(|at| (begin..end).contains(at)).reduce(f64::min).unwrap_or(begin)
}

/// The times that a fault was on in the measured time.
fn own(aftermath: &Aftermath, fault: FaultId) -> impl Iterator<Item = &Spell> {
    aftermath.spells.iter().filter(move |s| s.fault == fault && aftermath.second(s.from) >= 0.0)
}

fn recovery(replications: &[Replication], fault: FaultId, client: usize) -> Recovery {
    let mut times: Vec<f64> = Vec::new();
    for replication in replications {
        let aftermath = &replication.measure.aftermath;
        let Some(windows) = aftermath.windows.get(client) else { continue };
        let Some(band) = baseline(aftermath, windows) else { continue };
        let all: Vec<&Spell> = own(aftermath, fault).collect();
        for (nth, spell) in all.iter().enumerate() {
            // They come one after the other.
            let next = all[nth + 1..].iter().map(|s| s.from).find(|from| *from > spell.from);
            let limit = next.map_or(windows.len(), |next| (aftermath.second(next) as usize).min(windows.len()));
            if let Some(end) =
                spell.until.map(|until| aftermath.second(until)).filter(|end| *end < windows.len() as f64)
            {
                times.push(back(&windows[..limit], band, end).unwrap_or(f64::INFINITY));
            }
        }
    }
    times.sort_unstable_by(f64::total_cmp);
    let recovered = times.iter().filter(|t| t.is_finite()).count();
    let share = (!times.is_empty()).then(|| recovered as f64 / times.len() as f64);
    Recovery { share_recovered: share, median: middle(&times).filter(|t| t.is_finite()) }
}

fn middle(sorted: &[f64]) -> Option<f64> {
    let n = sorted.len();
    (n > 0).then(|| f64::midpoint(sorted[(n - 1) / 2], sorted[n / 2]))
}

/// What is usual: the most a window's mean latency may be, ns, and the largest share without success.
type Band = (f64, f64);

fn baseline(aftermath: &Aftermath, windows: &[Window]) -> Option<Band> {
    let first = aftermath.spells.iter().map(|s| aftermath.second(s.from)).fold(f64::INFINITY, f64::min);
    let before: Vec<&Window> = windows.iter().take(first.max(0.0) as usize).filter(|w| w.arrived > 0).collect();
    if before.len() < BASE {
        return None;
    }
    let band = |value: &dyn Fn(&Window) -> f64, least: &dyn Fn(f64) -> f64| {
        let n = before.len() as f64;
        let mean = before.iter().map(|w| value(w)).sum::<f64>() / n;
        let var = before.iter().map(|w| (value(w) - mean).powi(2)).sum::<f64>() / (n - 1.0);
        mean + (3.0 * var.sqrt()).max(least(mean))
    };
    Some((band(&latency, &|mean| 0.1 * mean), band(&lost, &|_| 0.01)))
}

fn latency(window: &Window) -> f64 {
    window.latency as f64 / f64::from(window.ended.max(1))
}

fn lost(window: &Window) -> f64 {
    let good = window.ended - window.failed;
    f64::from(window.arrived.saturating_sub(good)) / f64::from(window.arrived.max(1))
}

/// Seconds from `end` until the client is back in the band and stays there.
fn back(windows: &[Window], band: Band, end: f64) -> Option<f64> {
    let usual = |w: &Window| w.arrived == 0 || latency(w) <= band.0 && lost(w) <= band.1;
    let mut run = 0;
    for (at, window) in windows.iter().enumerate().skip(end.max(0.0) as usize) {
        run = if usual(window) { run + 1 } else { 0 };
        if run == STAY {
            return Some(((at + 1 - STAY) as f64 - end).max(0.0));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn windows(latencies: &[u64]) -> Vec<Window> {
        latencies.iter().map(|l| Window { arrived: 10, ended: 10, failed: 0, latency: 10 * l }).collect()
    }

    #[test]
    fn recovered_is_where_ten_windows_stay_in_the_band() {
        let mut all = vec![9; 4];
        all.extend([5; 3]);
        all.push(20);
        all.extend([5; 10]);
        assert_eq!(back(&windows(&all), (10.0, 0.0), 2.0), Some(6.0), "one window out of the band starts it anew");
        assert_eq!(back(&windows(&all), (10.0, 0.0), 9.0), None, "too short a time is left to tell");
        assert_eq!(back(&windows(&all[8..]), (10.0, 0.0), 0.0), Some(0.0));
    }

    #[test]
    fn whoever_gets_no_answer_has_not_recovered() {
        let mut all = windows(&[5; 12]);
        all[1].ended = 5;
        assert_eq!(back(&all, (10.0, 0.1), 0.0), Some(2.0));
    }

    #[test]
    fn the_middle_of_those_that_never_recover_is_never() {
        assert_eq!(middle(&[1.0, 2.0, f64::INFINITY]), Some(2.0));
        assert!(middle(&[1.0, f64::INFINITY, f64::INFINITY]).is_some_and(f64::is_infinite));
        assert_eq!(middle(&[]), None);
    }
}

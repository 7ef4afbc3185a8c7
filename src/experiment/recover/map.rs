//! The map: each load with each length of the trigger, and between loads where the outcome turns.

use serde::Serialize;

use super::edge::turn;
use super::pulse::{Fate, Pulse, fates, span};
use crate::experiment::estimate::CONFIDENCE;
use crate::experiment::parallel;
use crate::experiment::run::{Watch, threads};
use crate::experiment::summary::Estimate;
use crate::machine::replication_seed;
use crate::model::{ClientId, Plan};
use crate::scenario::edit::{grown, lengthened, struck};
use crate::scenario::written::Fault;
use crate::scenario::{Checked, lower};
use crate::stats::share_of_windows;

/// One load with one length of the trigger.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Cell {
    /// The load, in times of what the file says.
    pub load: f64,
    /// How long the trigger is on, s.
    pub length_s: f64,
    /// Share of the runs that stay down; without a value where most were not seen.
    pub probability: Estimate,
    /// Runs.
    pub runs: u64,
    /// Of these, down for good after the trigger.
    pub down: u64,
    /// Of these, down before it.
    pub before: u64,
    /// Of these, neither back nor surely down when the run ends.
    pub not_seen: u64,
    /// Why these were not seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// Median time to recover of those that do, s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub back_s: Option<f64>,
    /// Between which times that median lies, with the confidence of all intervals: two of them, by their order; `None` where they
    /// are fewer than six.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub back_between_s: Option<[f64; 2]>,
    /// Who is offered more than it can do without any trigger; then nothing was run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub overloaded: Vec<String>,
    /// Whether it was run to find the edge, between two loads of the map.
    pub between: bool,
}

impl Cell {
    /// What runs of one load and length come to.
    fn of(load: f64, length_s: f64, fates: &[Fate]) -> Self {
        let count = |is: fn(&Fate) -> bool| fates.iter().filter(|fate| is(fate)).count() as u64;
        let (down, before) = (count(|f| *f == Fate::Down), count(|f| *f == Fate::Before));
        let not_seen = count(|f| matches!(f, Fate::Unseen(_)));
        let because = fates.iter().find_map(|fate| match fate {
            Fate::Unseen(why) => Some((*why).to_owned()),
            _ => None,
        });
        let mut back: Vec<f64> =
            fates.iter().filter_map(|f| if let Fate::Back(s) = f { Some(*s) } else { None }).collect();
        back.sort_by(f64::total_cmp);
        let runs = fates.len() as u64;
        Self {
            load,
            length_s,
            probability: probability(down + before, not_seen, runs),
            runs,
            down,
            before,
            not_seen,
            because,
            back_s: crate::experiment::recovery::middle(&back),
            back_between_s: around_the_middle(&back),
            ..Self::default()
        }
    }
}

/// A share whose unseen part may be either: the ends are those of none and of all of it. Where most are unseen there is no more
/// than these.
pub(super) fn probability(down: u64, not_seen: u64, runs: u64) -> Estimate {
    let seen = runs - not_seen;
    if seen == 0 {
        return Estimate::NONE;
    }
    let [least, most] = [down, down + not_seen].map(|down| share_of_windows(down, runs, CONFIDENCE));
    let value = (seen >= not_seen).then(|| down as f64 / seen as f64);
    Estimate { value, low: least.low, high: most.high, ..Estimate::NONE }
}

/// Two of many values, by their order, between which the median lies: whether each value lies below it is the toss of a coin.
fn around_the_middle(sorted: &[f64]) -> Option<[f64; 2]> {
    let n = sorted.len();
    let (mut tail, mut chance, mut rank) = (0.0, libm::exp2(-(n as f64)), 0);
    // The chance that no more than so many lie below it.
    while rank < n / 2 && 2.0 * (tail + chance) <= 1.0 - CONFIDENCE {
        tail += chance;
        chance *= (n - rank) as f64 / (rank + 1) as f64;
        rank += 1;
    }
    (rank > 0).then(|| [sorted[rank - 1], sorted[n - rank]])
}

/// How often what lies between two loads is halved.
const HALVINGS: u32 = 3;

/// Everything that is run.
pub(super) struct Map<'m> {
    pub(super) checked: &'m Checked,
    /// The trigger.
    pub(super) fault: Vec<Fault>,
    pub(super) grown: &'m [String],
    pub(super) client: &'m str,
    pub(super) jobs: Option<usize>,
    pub(super) watch: &'m dyn Watch,
    pub(super) cells: Vec<Cell>,
    pub(super) missing: usize,
}

impl Map<'_> {
    /// Each load with each length.
    pub(super) fn survey(&mut self, loads: &[f64], lengths: &[f64]) {
        let all = (loads.len() * lengths.len()) as f64;
        let whole = all + f64::from(HALVINGS) * lengths.len() as f64;
        for length in lengths {
            for load in loads {
                self.watch.advanced((self.cells.len() + self.missing) as f64 / whole);
                match self.cell(*load, *length) {
                    Some(cell) => self.cells.push(cell),
                    None => self.missing += 1,
                }
            }
        }
    }

    /// Between the loads where the outcome turns, for each length.
    pub(super) fn refine(&mut self, lengths: &[f64]) {
        let begun = self.cells.len() + self.missing;
        let steps = f64::from(HALVINGS) * lengths.len() as f64;
        for (nth, length) in lengths.iter().enumerate() {
            for halving in 0..HALVINGS {
                let step = nth as f64 * f64::from(HALVINGS) + f64::from(halving);
                self.watch.advanced((begun as f64 + step) / (begun as f64 + steps));
                let Some((below, above)) = turn(&self.cells, *length) else { break };
                let Some(cell) = self.cell(f64::midpoint(below, above), *length) else {
                    self.missing += 1;
                    break;
                };
                self.cells.push(Cell { between: true, ..cell });
            }
        }
        self.cells.sort_by(|a, b| a.length_s.total_cmp(&b.length_s).then(a.load.total_cmp(&b.load)));
    }

    /// One load and length; `None` where it was stopped.
    fn cell(&self, load: f64, length_s: f64) -> Option<Cell> {
        if self.watch.stopped() {
            return None;
        }
        let more = grown(self.checked, self.grown, load);
        if !more.overloaded.is_empty() {
            return Some(Cell { load, length_s, overloaded: more.overloaded, ..Cell::default() });
        }
        let plan = lower(&struck(&more, self.faults(length_s)));
        let pulses = pulses(&more, &plan, self.client, self.jobs, self.watch)?;
        Some(Cell::of(load, length_s, &fates(&pulses)))
    }

    fn faults(&self, length_s: f64) -> Vec<Fault> {
        let one = |fault: &Fault| if length_s > 0.0 { lengthened(fault, span(length_s)) } else { fault.clone() };
        self.fault.iter().map(one).collect()
    }
}

/// How a client fares in each replication of a plan; `None` where it was stopped.
pub(in crate::experiment) fn pulses(
    checked: &Checked,
    plan: &Plan,
    client: &str,
    jobs: Option<usize>,
    watch: &dyn Watch,
) -> Option<Vec<Pulse>> {
    let client = plan.clients.iter().position(|own| plan.node(own.node).name == client)?;
    let one = |index: u32| Pulse::take(plan, ClientId(client as u32), replication_seed(plan.seed, index), watch);
    let replications = checked.scenario.sim.replications.value;
    parallel::each(replications, threads(checked, jobs), one).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_lies_between_two_of_many() {
        let of = |n: u32| around_the_middle(&(1..=n).map(f64::from).collect::<Vec<_>>());
        // Tables of the sign test: the 1st and last of 6, the 3rd and 10th of 12, the 6th and 15th of 20.
        assert_eq!((of(5), of(6)), (None, Some([1.0, 6.0])));
        assert_eq!((of(12), of(20)), (Some([3.0, 10.0]), Some([6.0, 15.0])));
    }

    #[test]
    fn what_was_not_seen_may_be_either() {
        let all = probability(2, 0, 10);
        let part = probability(2, 4, 10);
        assert_eq!((all.value, part.value), (Some(0.2), Some(2.0 / 6.0)));
        // The lower end is that of 2 of 10, the upper that of 6 of 10.
        assert_eq!(part.low, all.low);
        assert_eq!(part.high, probability(6, 0, 10).high);
        assert_eq!(probability(0, 10, 10), Estimate::NONE);
        let most = probability(3, 7, 10);
        assert!(most.value.is_none() && most.low == probability(3, 0, 10).low && most.high == Some(1.0), "{most:?}");
        // The bound that is promised below the band: at most 1 % after 300 runs without a collapse.
        assert!(probability(0, 0, 300).high.is_some_and(|high| high <= 0.01 && high > 0.0099));
    }
}

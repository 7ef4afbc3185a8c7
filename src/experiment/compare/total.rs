//! All requests of all clients: which of the others serves the most, and which is the quickest.

use serde::Serialize;

use super::{Difference, Pairing, Verdict, apart, name, success, sums, together};
use crate::experiment::estimate::CONFIDENCE;
use crate::experiment::summary::{Replicate, Summary};
use crate::stats::{holm, paired_ratio};

/// Over all requests of all clients.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Total {
    /// The others in order.
    pub others: Vec<Overall>,
    /// The one that is quickest by mean and neither by chance nor by failing more; `None`: none beats the base.
    pub quickest: Option<String>,
    /// Those of whose requests more succeed than of the base's, and than which none of the others serves more.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub serves_most: Vec<String>,
    /// Others that beat the base too and whose difference from the quickest is no more than chance, or does not show in
    /// three digits.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ties: Vec<String>,
    /// The winner again, on seeds that did not choose it; only where there were several to choose from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirmed: Option<Confirmed>,
}

/// One of the others over all requests.
#[derive(Clone, Debug, Serialize)]
pub struct Overall {
    /// Which one.
    pub name: String,
    /// Mean latency of successes, ms; not compared where requests of either had no end.
    pub mean_ms: Difference,
    /// Successes ÷ arrived.
    pub success_rate: Difference,
    /// Requests without an end when the runs stopped: in the base, in this one, over all replications.
    pub unanswered: [u64; 2],
    /// Whether the difference of the means stands although several were looked at (Holm).
    pub stands: bool,
}

/// The winner against the base on fresh seeds.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Confirmed {
    /// The seed.
    pub seed: u64,
    /// Mean latency of successes, ms.
    pub mean_ms: Difference,
    /// Successes ÷ arrived.
    pub success_rate: Difference,
}

/// All of the others against the base, and which of them is ahead.
pub(super) fn of(base: &Summary, others: &[Summary], pairing: Pairing) -> Total {
    let overall = |base: &Summary, other: &Summary| match pairing {
        Pairing::Replications => overall(base, other),
        Pairing::None => apart::overall(base, other),
    };
    let mut all: Vec<Overall> = others.iter().map(|other| overall(base, other)).collect();
    let stand = holm(&all.iter().map(|one| one.mean_ms.chance).collect::<Vec<_>>(), CONFIDENCE);
    all.iter_mut().zip(stand).for_each(|(one, stands)| one.stands &= stands);
    let best = quickest(&all);
    let tied = |best: usize| {
        let as_quick = |at: &usize| {
            *at != best
                && honest(&all[*at])
                && (alike(&all[best], &all[*at])
                    || overall(&others[best], &others[*at]).mean_ms.verdict != Verdict::Higher)
        };
        (0..all.len()).filter(as_quick).map(|at| all[at].name.clone()).collect()
    };
    Total {
        quickest: best.map(|at| all[at].name.clone()),
        serves_most: serves_most(others, &all, &overall),
        ties: best.map_or_else(Vec::new, tied),
        others: all,
        confirmed: None,
    }
}

/// Those of whose requests the most succeed, if that is more than of the base's.
fn serves_most(summaries: &[Summary], all: &[Overall], overall: &dyn Fn(&Summary, &Summary) -> Overall) -> Vec<String> {
    let share = |at: usize| all[at].success_rate.other.value.unwrap_or(0.0);
    let more = || (0..all.len()).filter(|at| all[*at].success_rate.verdict == Verdict::Higher);
    // Of equals the first: `max_by` would take the last.
    let Some(best) = more().reduce(|best, at| if share(at) > share(best) { at } else { best }) else {
        return Vec::new();
    };
    let as_many =
        |at: &usize| *at == best || overall(&summaries[best], &summaries[*at]).success_rate.verdict != Verdict::Lower;
    more().filter(as_many).map(|at| all[at].name.clone()).collect()
}

/// Whether their means are the same in the three digits in which they are shown.
fn alike(one: &Overall, other: &Overall) -> bool {
    let shown = |o: &Overall| o.mean_ms.other.value.map(|ms| format!("{ms:.2e}"));
    shown(one) == shown(other)
}

/// The winner against the base on seeds that did not choose it.
pub fn confirm(base: &Summary, winner: &Summary) -> Confirmed {
    let Overall { mean_ms, success_rate, .. } = overall(base, winner);
    Confirmed { seed: base.run.seed, mean_ms, success_rate }
}

/// Mean latency and success rate over the requests of all clients that both have.
fn overall(base: &Summary, other: &Summary) -> Overall {
    let shared = |of: &Summary, with: &Summary| {
        let all = of.clients.iter().filter(|(name, _)| with.clients.contains_key(*name)).map(|(_, stats)| &stats.each);
        together(all)
    };
    let (a, b) = (shared(base, other), shared(other, base));
    let mean = |each: &[Replicate]| crate::stats::ratio(&sums(each), CONFIDENCE);
    let rate = |each: &[Replicate]| {
        crate::stats::proportion(&each.iter().map(|r| (r.succeeded, r.arrived)).collect::<Vec<_>>(), CONFIDENCE)
    };
    let paired = paired_ratio(&sums(&a), &sums(&b), CONFIDENCE);
    let unanswered = [&a, &b].map(|each| each.iter().map(|r| r.unanswered).sum());
    let mean_ms = Difference::of(mean(&a), mean(&b), paired).incomparable(unanswered != [0, 0]);
    let success_rate = success(rate(&a), rate(&b), &a, &b);
    Overall { name: name(other), mean_ms, success_rate, unanswered, stands: mean_ms.is_significant() }
}

/// Whether it is quicker than the base beyond chance and does not fail more.
fn honest(o: &Overall) -> bool {
    o.stands && o.mean_ms.verdict == Verdict::Lower && o.success_rate.verdict != Verdict::Lower
}

/// The one with the lowest mean among those that are honestly quicker.
fn quickest(all: &[Overall]) -> Option<usize> {
    let gain = |at: &usize| all[*at].mean_ms.difference.value.unwrap_or(0.0);
    (0..all.len()).filter(|at| honest(&all[*at])).min_by(|a, b| gain(a).total_cmp(&gain(b)))
}

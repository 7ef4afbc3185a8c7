//! Why a way is much worse than the file as it is: what its own runs say, and not what one would think.

use crate::experiment::compare::Figures;
use crate::experiment::summary::{Stats, Summary};
use crate::model::Cause;

/// Success that is less by so much, and a p99 that is longer by such a share of itself, want a reason.
const FEWER: f64 = 0.01;
const LONGER: f64 = 0.25;

/// A fault is come back from where this share of its times was.
const MOST: f64 = 0.5;

/// A call that fails because one below it did says nothing of why.
const PASSED_ON: &str = "error";

/// The file as it is and a way out of it.
pub(super) type Both<'s> = [&'s Summary; 2];

/// Why a client is served less, and slower; nothing where it is not, or not by much. Its success is that of `runs`, its p99 that of
/// `p99_of`.
pub(super) fn reasons(runs: Both<'_>, p99_of: Both<'_>, client: &str, figures: &Figures) -> Vec<String> {
    let mut all = Vec::new();
    let success = &figures.success_rate;
    if success.is_significant() && success.difference.value.is_some_and(|apart| apart <= -FEWER) {
        all.extend(fails(runs));
        all.extend(stays(runs, client));
    }
    let p99 = &figures.p99_ms;
    if p99.is_significant() && p99.relative.is_some_and(|share| share >= LONGER) {
        all.extend(waits(p99_of, client));
    }
    all
}

/// Where calls fail by themselves that did not before, by far most of them.
fn fails([base, other]: Both<'_>) -> Option<String> {
    let rate = |summary: &Summary, stats: &Stats, word: &str| {
        let time = summary.run.duration_s * f64::from(summary.run.replications);
        stats.failed.get(word).copied().unwrap_or(0) as f64 / time
    };
    let more = |(edge, stats): (&String, &Stats), word: &String| {
        let before = base.edges.get(edge).map_or(0.0, |stats| rate(base, stats, word));
        (rate(other, stats, word) - before, edge.clone(), word.clone())
    };
    let each = other.edges.iter().flat_map(|edge| edge.1.failed.keys().map(move |word| more(edge, word)));
    let (per_s, edge, word) =
        each.filter(|(_, _, word)| word != PASSED_ON).max_by(|a, b| a.0.total_cmp(&b.0).then_with(|| b.1.cmp(&a.1)))?;
    (per_s > 0.0)
        .then(|| format!("most of what fails more: `{edge}` by {word}, {per_s:.1} a second more than as it is"))
}

/// A fault that the file as it is comes back from, and the way does not.
fn stays([base, other]: Both<'_>, client: &str) -> Option<String> {
    let back = |summary: &Summary, fault: &str| {
        let fault = summary.faults.iter().find(|one| one.name == fault)?;
        fault.recovery_s.get(client)?.share_recovered
    };
    other.faults.iter().find_map(|fault| {
        let (before, after) = (back(base, &fault.name)?, back(other, &fault.name)?);
        (before >= MOST && after < MOST).then(|| {
            format!(
                "after `{}` it does not come back by itself before the run ends, as it does without the change",
                fault.name
            )
        })
    })
}

/// Where the slowest hundredth waits longer, by far most of that.
fn waits([base, other]: Both<'_>, client: &str) -> Option<String> {
    let (before, after) = (base.ledger.get(client)?, other.ledger.get(client)?);
    let cells = after.by_node.iter().flat_map(|(node, columns)| {
        let was = before.by_node.get(node);
        Cause::ALL.iter().map(move |cause| {
            let was = was.map_or(0.0, |columns| columns.p99_ms.of(*cause));
            (columns.p99_ms.of(*cause) - was, node, cause.word())
        })
    });
    let (more, node, cause) = cells.max_by(|a, b| a.0.total_cmp(&b.0))?;
    (more > 0.0).then(|| format!("most of the longer p99: {more:.0} ms more at `{node}`, by {cause}"))
}

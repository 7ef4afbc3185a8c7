//! The least loaded of `choices` candidates, as far as this caller knows: the power of two choices (Mitzenmacher 2001).
//!
//! Candidates are drawn with replacement, so that one may be drawn twice: of two replicas the worse one still gets a quarter
//! of the calls. The first of the least loaded is taken. That is Envoy's `LEAST_REQUEST` (`unweightedHostPickNChoices`), and
//! gRPC's. With `distinct = true` candidates are different ones, and of two replicas the less loaded gets all. With
//! `choices = "all"` every replica is looked at, and ties are broken at random (Envoy's full scan).

use crate::random::Draw;

use super::Memory;

pub(super) fn pick(memory: &Memory, choices: u32, distinct: bool, draw: &mut Draw) -> u32 {
    let replicas = memory.count();
    if choices == u32::MAX || distinct && choices >= replicas {
        // The first of the least loaded from a random start would favour those behind a run of loaded ones, so ties are
        // counted (reservoir of one).
        return least(memory, 0..replicas, draw);
    }
    if !distinct {
        return first_of_least(memory, (0..choices).map(|_| draw.below(replicas)));
    }
    if choices == 2 {
        let first = draw.below(replicas);
        let second = (first + 1 + draw.below(replicas - 1)) % replicas;
        // Which of the two comes first is itself random, so the first may keep a tie.
        return first_of_least(memory, [first, second].into_iter());
    }
    // Floyd's sampling of distinct candidates (1987).
    let mut chosen: Vec<u32> = Vec::with_capacity(choices as usize);
    for top in replicas - choices.max(1)..replicas {
        let candidate = draw.below(top + 1);
        chosen.push(if chosen.contains(&candidate) { top } else { candidate });
    }
    least(memory, chosen.into_iter(), draw)
}

/// The first candidate that none of the others has less to do than.
fn first_of_least(memory: &Memory, candidates: impl Iterator<Item = u32>) -> u32 {
    let candidates = candidates.map(|place| memory.at(place));
    candidates.min_by_key(|candidate| memory.outstanding[*candidate as usize]).unwrap_or(0)
}

fn least(memory: &Memory, candidates: impl Iterator<Item = u32>, draw: &mut Draw) -> u32 {
    let (mut best, mut load, mut ties) = (0, u32::MAX, 0);
    for candidate in candidates.map(|place| memory.at(place)) {
        let its = memory.outstanding[candidate as usize];
        if its < load {
            (best, load, ties) = (candidate, its, 1);
        } else if its == load {
            ties += 1;
            if draw.below(ties) == 0 {
                best = candidate;
            }
        }
    }
    best
}

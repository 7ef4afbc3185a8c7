//! The least loaded of `choices` distinct candidates, as far as this caller knows: Envoy's `LEAST_REQUEST`, the power of two
//! choices (Mitzenmacher 2001). Ties are broken at random.

use crate::random::Draw;

use super::Memory;

pub(super) fn pick(memory: &Memory, choices: u32, draw: &mut Draw) -> u32 {
    let replicas = memory.count();
    if choices >= replicas {
        // The first of the least loaded from a random start would favour those behind a run of loaded ones, so ties are
        // counted (reservoir of one).
        return least(memory, 0..replicas, draw);
    }
    if choices == 2 {
        let first = draw.below(replicas);
        let second = (first + 1 + draw.below(replicas - 1)) % replicas;
        let (first, second) = (memory.at(first), memory.at(second));
        // Which of the two comes first is itself random, so the first may keep a tie.
        let better = memory.outstanding[second as usize] < memory.outstanding[first as usize];
        return if better { second } else { first };
    }
    // Floyd's sampling of distinct candidates (1987).
    let mut chosen: Vec<u32> = Vec::with_capacity(choices as usize);
    for top in replicas - choices.max(1)..replicas {
        let candidate = draw.below(top + 1);
        chosen.push(if chosen.contains(&candidate) { top } else { candidate });
    }
    least(memory, chosen.into_iter(), draw)
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

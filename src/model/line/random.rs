//! Anyone is next: service in random order, as when workers race for a lock.

use crate::random::Draw;

use super::Links;

/// Joins anywhere; the position stands where other lines keep neighbours.
pub(super) fn join(all: &mut Vec<u32>, frame: u32, links: &mut Links) {
    links[frame as usize].before = all.len() as u32;
    all.push(frame);
}

/// Takes a uniformly chosen one.
pub(super) fn next(all: &mut Vec<u32>, links: &mut Links, draw: impl FnOnce() -> Draw) -> Option<u32> {
    if all.is_empty() {
        return None;
    }
    let at = if all.len() == 1 { 0 } else { draw().below(all.len() as u32) };
    let frame = all[at as usize];
    leave(all, frame, links);
    Some(frame)
}

/// Leaves; the last one takes its place.
pub(super) fn leave(all: &mut Vec<u32>, frame: u32, links: &mut Links) {
    let at = links[frame as usize].before as usize;
    all.swap_remove(at);
    if let Some(moved) = all.get(at) {
        links[*moved as usize].before = at as u32;
    }
}

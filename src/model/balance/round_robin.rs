//! One after the other, from a random start: callers that start together do not all begin with the same replica.

use crate::random::Draw;

use super::Memory;

pub(super) fn pick(memory: &mut Memory, draw: impl FnOnce() -> Draw) -> u32 {
    let replicas = memory.count();
    let place = memory.cursor.map_or_else(|| draw().below(replicas), |next| memory.place_from(next));
    let pick = memory.at(place);
    // The next one from there, whatever the view is by then.
    memory.cursor = Some(if place + 1 == replicas { 0 } else { pick + 1 });
    pick
}

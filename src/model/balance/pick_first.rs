//! One replica, chosen once, and again when it is no longer in view: gRPC's default policy, and what a single HTTP/2 connection behind a layer-4 balancer amounts to.

use crate::random::Draw;

use super::Memory;

pub(super) fn pick(memory: &mut Memory, draw: impl FnOnce() -> Draw) -> u32 {
    let chosen = memory.cursor.filter(|chosen| memory.at(memory.place_from(*chosen)) == *chosen);
    let pick = chosen.unwrap_or_else(|| memory.at(draw().below(memory.count())));
    memory.cursor = Some(pick);
    pick
}

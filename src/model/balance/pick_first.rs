//! One replica, chosen once: gRPC's default policy, and what a single HTTP/2 connection behind a layer-4 balancer amounts to.

use crate::random::Draw;

use super::Memory;

pub(super) fn pick(memory: &mut Memory, draw: impl FnOnce() -> Draw) -> u32 {
    let replicas = memory.outstanding.len() as u32;
    *memory.cursor.get_or_insert_with(|| draw().below(replicas))
}

//! One after the other, from a random start: callers that start together do not all begin with the same replica.

use crate::random::Draw;

use super::Memory;

pub(super) fn pick(memory: &mut Memory, draw: impl FnOnce() -> Draw) -> u32 {
    let replicas = memory.outstanding.len() as u32;
    let at = memory.cursor.unwrap_or_else(|| draw().below(replicas));
    memory.cursor = Some(if at + 1 == replicas { 0 } else { at + 1 });
    at
}

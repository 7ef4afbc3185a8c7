//! Uniformly at random: what kube-proxy does for each connection. N queues fed so are N independent M/M/1.

use crate::random::Draw;

use super::Memory;

pub(super) fn pick(memory: &Memory, draw: impl FnOnce() -> Draw) -> u32 {
    memory.at(draw().below(memory.count()))
}

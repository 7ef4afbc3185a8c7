//! Consumers of a replica that stops or starts being able to consume.

use crate::model::Probe;

use super::Machine;

#[allow(clippy::unused_self, reason = "queues bring consumers")]
impl<P: Probe> Machine<'_, P> {
    /// A replica went down.
    pub(super) fn lose_consumers(&mut self, _replica: u32, _crashed: bool) {}

    /// A replica came back.
    pub(super) fn regain_consumers(&mut self, _replica: u32) {}
}

//! Queues, consumers and messages become plan and operations.

use super::super::written::Publish;
use super::Lowering;
use super::program::{Code, Sites};

impl<'s> Lowering<'s> {
    /// Whether a publisher waits until the broker has its message safe.
    pub(super) fn waits_for_ack(&self, publish: &Publish) -> bool {
        let queue = self.scenario.queues.get(&publish.to.value);
        publish.wait_for_ack.value.unwrap_or(queue.is_some_and(|queue| queue.confirms.value))
    }

    /// A message leaves.
    pub(super) fn publish(&mut self, _code: &mut Code<'s>, _sites: &mut Sites, _publish: &'s Publish) {}
}

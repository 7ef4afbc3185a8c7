//! Queues, consumers and messages become plan and operations.

use super::super::written::{Endpoint, Publish};
use super::Lowering;
use super::program::{Code, Place, Sites};
use crate::model::{Op, Outcome, Pc, Post, PostId};

impl<'s> Lowering<'s> {
    /// Whether a publisher waits until the broker has its message safe.
    pub(super) fn waits_for_ack(&self, publish: &Publish) -> bool {
        let queue = self.scenario.queues.get(&publish.to.value);
        publish.wait_for_ack.value.unwrap_or(queue.is_some_and(|queue| queue.confirms.value))
    }

    /// A message leaves.
    pub(super) fn publish(&mut self, code: &mut Code<'s>, sites: &mut Sites, publish: &'s Publish) {
        let (from, to) = (code.place.host, self.nodes[publish.to.value.as_str()]);
        let latency = self.latency(from, to);
        let waits = self.waits_for_ack(publish);
        if waits {
            self.release(code);
        }
        let topic = self.scenario.topics.keys().position(|t| *t == publish.to.value).unwrap_or_default() as u32;
        let spread = self.spread(publish);
        let site = sites.next(&publish.to.value);
        let id = PostId(self.plan.posts.len() as u32);
        self.plan.posts.push(Post { from, to, site, there: latency, back: latency, waits, topic, spread });
        let at = self.emit(Op::Publish { post: id, fail: Pc::default() });
        code.fails.push((at, code.held));
    }

    /// Brokers are nodes.
    pub(super) fn brokers(&mut self) {
        for name in self.scenario.topics.keys() {
            self.client_node(name);
            self.plan.nodes.last_mut().expect("just pushed").kind = "topic";
        }
    }

    pub(super) fn consumer_program(&mut self, place: Place<'s>, endpoint: &'s Endpoint) {
        let mut code = Code::new(place, true);
        self.body(&mut code, &mut Sites::default(), endpoint);
        self.emit(Op::Handled(Outcome::Succeeded));
        if !code.fails.is_empty() {
            let to = self.here();
            code.fails.iter().for_each(|f| self.land(f.0, to));
            self.emit(Op::Handled(Outcome::Error));
        }
    }
}

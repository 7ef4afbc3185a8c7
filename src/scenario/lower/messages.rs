//! Messages become operations: they leave for a broker, and are delivered to those who consume them.

use crate::model::id::NONE;
use crate::model::plan::{self, Callee};
use crate::model::queue::Post;
use crate::model::stream::{Producer, Spread};
use crate::model::{CallId, EndpointId, NodeId, Op, Outcome, Pc, PostId, ProducerId};
use crate::random::draw::name_hash;

use super::super::tables::queues::may_alarm;
use super::super::walk;
use super::super::written::{Consumer, Keyed, Publish, WhenFull};
use super::Lowering;
use super::program::{Code, Place, Sites};

impl<'s> Lowering<'s> {
    /// A delivery is a call of the broker that costs the network alone.
    pub(in crate::scenario) fn delivery(&mut self, broker: NodeId, host: NodeId, program: EndpointId) -> CallId {
        let edge = self.edge(broker, Callee::Node(host));
        let name = self.plan.edge_name(plan::Edge { from: broker, to: Callee::Node(host) });
        let call = plan::Call {
            edge,
            link: self.link(broker, host),
            endpoint: program,
            site: name_hash(&name),
            there: self.latency(broker, host),
            back: self.latency(host, broker),
            reach: NONE,
            timeout: None,
            channel: NONE,
            ahead: Pc::default(),
            codec: NONE,
            bytes: [0; 2],
            segments: [0, 0],
            proxy: None,
            route: self.route(broker, host),
            inner: Pc::default(),
            cancels: plan::Cancels::No,
            versioned: false,
            effect: false,
            rules: NONE,
            guard: NONE,
            writes: None,
            grip: None,
            lock_timeout: None,
            compares: None,
            lender: NONE,
            in_transaction: false,
            primary: false,
            spares_primary: false,
            changes: false,
            table: 0,
            row: 0,
        };
        self.plan.calls.push(call);
        CallId(self.plan.calls.len() as u32 - 1)
    }

    /// What a consumer does with a message. It is a worker of its own, and holds itself while it waits.
    pub(super) fn consumer_program(&mut self, host: NodeId, service: &'s str, consumer: &'s Consumer) {
        let id = self.endpoints[&(host, consumer.program.name.value.as_str())];
        self.plan.endpoints[id.index()].entry = self.here();
        let queue = self.queues.contains_key(consumer.from.value.as_str());
        if queue {
            self.emit(Op::Take);
        }
        let end = if queue { Op::Handled } else { Op::Pass };
        let place = Place { host, caller: service, releases: false, turns: false };
        let mut code = Code::new(place, true);
        self.body(&mut code, &mut Sites::default(), &consumer.program);
        self.emit(end(Outcome::Succeeded));
        if !code.fails.is_empty() {
            let to = self.here();
            code.fails.iter().for_each(|f| self.land(f.0, to));
            self.emit(end(Outcome::Error));
        }
    }

    /// Whether a publisher waits until the broker has its message safe.
    pub(super) fn waits_for_ack(&self, publish: &Publish) -> bool {
        let queue = self.scenario.queues.get(&publish.to.value);
        publish.wait_for_ack.value.unwrap_or(queue.is_some_and(|queue| queue.confirms.value))
    }

    /// Whether whoever publishes may have to wait: for word that it is safe, or where a full queue holds its senders, which may
    /// begin at any message.
    pub(super) fn may_wait(&self, publish: &Publish) -> bool {
        let queue = self.scenario.queues.get(&publish.to.value);
        self.waits_for_ack(publish)
            || publish.wait_for_reply.value
            || queue.is_some_and(|queue| queue.when_full.value == WhenFull::Block || may_alarm(self.scenario, queue))
    }

    /// A message leaves.
    pub(super) fn publish(&mut self, code: &mut Code<'s>, sites: &mut Sites, publish: &'s Publish) {
        let Some(to) = self.queues.get(publish.to.value.as_str()).copied() else {
            return self.produce(code, sites, publish);
        };
        let (host, broker) = (code.place.host, self.plan.queue(to).node);
        let edge = self.edge(self.nodes[code.place.caller], Callee::Node(broker));
        // A message to a single service draws what a call in its place would draw.
        let consumers = walk::consumers(self.scenario, &publish.to.value);
        let label = if let [(only, _)] = consumers.as_slice() { only.name.value.as_str() } else { &publish.to.value };
        let waits = self.waits_for_ack(publish);
        let post = Post {
            edge,
            queue: to,
            site: sites.next(label),
            there: self.latency(host, broker),
            back: self.latency(broker, host),
            waits,
            replies: publish.wait_for_reply.value,
            timeout: publish.timeout.value,
            route: self.route(host, broker),
        };
        self.plan.posts.push(post);
        if self.may_wait(publish) {
            self.release(code);
        }
        let post = PostId(self.plan.posts.len() as u32 - 1);
        let at = self.emit(Op::Publish { post, fail: Pc::default() });
        code.fails.push((at, code.held));
    }

    /// A record leaves.
    pub(super) fn produce(&mut self, code: &mut Code<'s>, sites: &mut Sites, publish: &'s Publish) {
        let to = publish.to.value.as_str();
        let (host, broker) = (code.place.host, self.nodes[to]);
        let topic = self.scenario.topics.keys().position(|name| name == to).unwrap_or_default() as u32;
        // A record for a single service draws what a call in its place would draw.
        let consumers = walk::consumers(self.scenario, to);
        let label = if let [(only, _)] = consumers.as_slice() { only.name.value.as_str() } else { to };
        let waits = self.waits_for_ack(publish);
        let producer = Producer {
            edge: self.edge(self.nodes[code.place.caller], Callee::Node(broker)),
            topic,
            from: host,
            site: sites.next(label),
            there: self.latency(host, broker),
            back: self.latency(broker, host),
            waits,
            spread: self.spread(publish),
            route: self.route(host, broker),
        };
        self.plan.producers.push(producer);
        if waits {
            self.release(code);
        }
        let producer = ProducerId(self.plan.producers.len() as u32 - 1);
        let at = self.emit(Op::Produce { producer, fail: Pc::default() });
        code.fails.push((at, code.held));
    }

    /// How what a step publishes is spread over the partitions of its topic.
    pub(super) fn spread(&mut self, publish: &'s Publish) -> u32 {
        let topic = &self.scenario.topics[&publish.to.value];
        let spread = match (&publish.key, &topic.key) {
            (Some(own), _) => Spread::Own(name_hash(&own.value)),
            (None, Some(key)) => match &key.value {
                Keyed::Own(name) => Spread::Own(name_hash(name)),
                Keyed::Shared(key) => {
                    Spread::shared(&key.name.value, key.keys.value, key.skew.value, topic.partitions.value)
                }
            },
            (None, None) => Spread::Turns,
        };
        self.plan.spreads.push(spread);
        self.plan.spreads.len() as u32 - 1
    }
}

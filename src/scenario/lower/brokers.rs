//! Queues, consumers, messages and flows become plan and operations.

use crate::graph::End;
use crate::model::id::NONE;
use crate::model::plan::{self, Callee};
use crate::model::queue::{self, Crew, Post};
use crate::model::{CallId, EndpointId, NodeId, Op, Outcome, Pc, PostId, QueueId};
use crate::random::draw::name_hash;

use super::super::walk;
use super::super::written::{Ack, Consumer, OnError, Publish, QueueKind, WhenFull};
use super::Lowering;
use super::program::{Code, Place, Sites};

impl<'s> Lowering<'s> {
    /// Queues in name order.
    pub(super) fn brokers(&mut self) {
        let scenario = self.scenario;
        for name in scenario.queues.keys() {
            self.queues.insert(name, QueueId(self.queues.len() as u32));
        }
        for (name, queue) in &scenario.queues {
            let planned = queue::Queue {
                node: self.bare_node(name, "queue"),
                publish_latency: self.law(&queue.publish_latency.value),
                capacity: queue.capacity.value.unwrap_or(NONE),
                when_full: match queue.when_full.value {
                    WhenFull::DropOldest => queue::WhenFull::DropOldest,
                    WhenFull::Reject => queue::WhenFull::Reject,
                    WhenFull::DeadLetter => queue::WhenFull::DeadLetter,
                    WhenFull::Block => queue::WhenFull::Block,
                },
                ack_timeout: queue.ack_timeout.value,
                rules: match (queue.hides, queue.kind.value) {
                    (false, _) => queue::Rules::Amqp,
                    (true, QueueKind::Standard) => queue::Rules::Standard,
                    (true, QueueKind::Fifo) => queue::Rules::Fifo,
                },
                max_deliveries: queue.max_deliveries.value.unwrap_or(NONE),
                dead_letter: queue.dead_letter.as_ref().map(|dead| self.queues[dead.value.as_str()]),
                ttl: queue.message_ttl.value,
                priorities: queue.priorities.value,
                consumed: !walk::consumers(scenario, name).is_empty(),
            };
            self.plan.queues.push(planned);
        }
        self.topic_nodes();
    }

    /// Consumers in the order of their services.
    pub(super) fn consumers(&mut self) {
        let scenario = self.scenario;
        let mut first_member = 0;
        for (name, node) in &scenario.nodes {
            let host = self.nodes[name.as_str()];
            for consumer in &node.consumes {
                let Some(queue) = self.queues.get(consumer.from.value.as_str()).copied() else {
                    self.reader(name, host, consumer);
                    continue;
                };
                let program = EndpointId(self.plan.endpoints.len() as u32);
                let from = consumer.program.name.value.as_str();
                self.plan.endpoints.push(plan::Endpoint {
                    name: format!("{name} {from}"),
                    node: host,
                    entry: Pc::default(),
                    consumer: true,
                    goals: 0,
                });
                self.endpoints.insert((host, from), program);
                let crew = self.crew(queue, host, program, consumer, first_member);
                first_member += crew.members * node.most_replicas();
                self.plan.crews.push(crew);
            }
        }
    }

    fn crew(&mut self, queue: QueueId, host: NodeId, program: EndpointId, consumer: &Consumer, first: u32) -> Crew {
        let name = self.plan.node(host).name.clone();
        Crew {
            queue,
            node: host,
            call: self.delivery(self.plan.queue(queue).node, host, program),
            members: consumer.concurrency.value,
            first_member: first,
            prefetch: consumer.prefetch.value.unwrap_or(NONE),
            batch: consumer.batch.value.unwrap_or(NONE),
            poll: consumer.poll.value.as_ref().map(|law| self.law(law)),
            ack_before: consumer.ack.value == Ack::Before,
            on_error: match consumer.on_error.value {
                OnError::Retry => queue::OnError::Retry,
                OnError::Skip => queue::OnError::Skip,
                OnError::DeadLetter => queue::OnError::DeadLetter,
                OnError::NeverAck => queue::OnError::NeverAck,
            },
            idempotent: consumer.idempotent.value,
            hash: name_hash(&format!("{} -> {name}", consumer.program.name.value)),
        }
    }

    /// A delivery is a call of the broker that costs the network alone.
    pub(super) fn delivery(&mut self, broker: NodeId, host: NodeId, program: EndpointId) -> CallId {
        let edge = self.edge(broker, Callee::Node(host));
        let name = self.plan.edge_name(plan::Edge { from: broker, to: Callee::Node(host) });
        let call = plan::Call {
            edge,
            link: self.link(broker, host),
            endpoint: program,
            site: name_hash(&name),
            there: self.latency(broker, host),
            back: self.latency(host, broker),
            timeout: None,
            channel: NONE,
            ahead: Pc::default(),
            codec: NONE,
            bytes: [0; 2],
            flights: [0, 0],
            proxy: None,
            cancels: false,
            effect: false,
            rules: NONE,
            guard: NONE,
            writes: None,
            compares: None,
            lender: NONE,
            in_transaction: false,
            primary: false,
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
        self.waits_for_ack(publish) || queue.is_some_and(|queue| queue.when_full.value == WhenFull::Block)
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
        };
        self.plan.posts.push(post);
        if self.may_wait(publish) {
            self.release(code);
        }
        let post = PostId(self.plan.posts.len() as u32 - 1);
        let at = self.emit(Op::Publish { post, fail: Pc::default() });
        code.fails.push((at, code.held));
    }

    /// Flows: every end is a bit, which the endpoints carry that reach it.
    pub(super) fn flows(&mut self) {
        let mut bit = 0;
        for flow in &self.scenario.flows {
            let mut goals = 0;
            for end in &flow.ends {
                let mask = 1 << bit;
                bit += 1;
                goals |= mask;
                for id in self.end(&end.value) {
                    self.plan.endpoints[id.index()].goals |= mask;
                }
            }
            let node = self.nodes[flow.starts.value.as_str()];
            let client = (0..).map(crate::model::ClientId).zip(&self.plan.clients).find(|(_, c)| c.node == node);
            if let Some((client, _)) = client {
                self.plan.flows.push(plan::Flow { name: flow.name.value.clone(), client, goals });
            }
        }
    }

    /// The endpoints whose success is the end of a flow: all of a service, one of them, or all that consume from a broker.
    fn end(&self, end: &str) -> Vec<EndpointId> {
        let End { node, endpoint } = End::of(end);
        let from = format!("from {end}");
        let named = |at: EndpointId| self.plan.endpoint(at).name == end;
        let fits = |(host, name): (NodeId, &str), at: EndpointId| {
            let own = self.plan.node(host).name == node && (endpoint.is_none_or(str::is_empty) || named(at));
            own || name == from || name.strip_prefix(&from).is_some_and(|rest| rest.starts_with(' '))
        };
        self.endpoints.iter().filter(|(key, at)| fits(**key, **at)).map(|(_, at)| *at).collect()
    }
}

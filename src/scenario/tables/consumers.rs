//! `[[services.*.consumes]]`: who takes messages from a queue or a topic.

use std::collections::{BTreeMap, BTreeSet};

use super::super::check::zero;
use super::super::declare::{
    Count, CountOr, Duration, Flag, Inner, Maybe, Must, Or, Record as _, Said, Share, Text, Told, Varying, table, words,
};
use super::super::law_mean::mean;
use super::super::lower::Lowering;
use super::super::read::{Desk, View, suggest};
use super::super::walk;
use super::super::written::{Endpoint, Given, Node, Place, Scenario, Step};
use super::queues::{Queue, Unlimited, nowhere};
use super::redelivery::{self, Redelivery};
use super::steps::Program;
use super::worker_pools;
use crate::diag::{Complaint, code};
use crate::graph;
use crate::model::id::NONE;
use crate::model::queue::{Crew, Duty, Turns};
use crate::model::stream::{Grave, Letter, OnError as OnEventError, Protocol, Seat};
use crate::model::{EndpointId, NodeId, Pc, QueueId, plan};
use crate::random::dist::Law;
use crate::random::draw::name_hash;
use crate::units::Span;

pub use crate::model::queue::OnError;

words! {
    for Protocol {
        Eager = "eager", "Every member gives up all its partitions first: the whole group pauses.";
        Cooperative = "cooperative",
            "Members keep what does not move and work on; what moves pauses for two rounds.";
    }
}

words! {
    /// Who a consumer is when it comes back.
    pub enum Membership {
        Dynamic = "dynamic",
            "A new member: the group waits until the session of the one it was is over, unless that left.";
        Static = "static", "The old member, as long as its session lasts; it does not leave when it stops.";
    }
}

words! {
    /// When a message is acknowledged.
    pub enum Ack {
        After = "after", "When it has been handled: a message may be handled twice, but is not lost.";
        Before = "before", "When a consumer begins with it: a message may be lost, but is not handled twice.";
    }
}

words! {
    for OnError {
        Retry = "retry", "It goes back, near the head, and is delivered again.";
        Skip = "skip", "It is acknowledged all the same.";
        DeadLetter = "dead_letter",
            "It goes to the queue's `dead_letter` (of a topic: the consumer's own), or is dropped.";
        NeverAck = "never_ack", "Queues: nothing is said: it stays with the consumer, whose prefetch fills.";
    }
}

table! {
    /// A group goes back once; times from the start of the measured time.
    pub struct Replay: "replay = { … }",
    "The group goes back in its topic, as after a bug that has been mended. Times count from the start of the measured time; records are kept from `from` on.",
    needs "say when: replay = { at = \"5m\", from = \"1m\" }" {
        at: Given<Span> as Must<Duration>, "When it goes back.";
        from: Given<Span> as Or<Duration> = "\"0s\"", "To what was published from then on.";
    }
}

table! {
    /// One entry of `consumes`.
    pub struct Consumer: "[[services.*.consumes]]",
    "Messages a service takes from a queue or a topic. A consumer handles one message at a time and is a worker of its own beside the service's, but shares the replica's `cores`. What it does is its own `work` and `steps`; what it does not say is that of the service's default endpoint.",
    needs "name the queue or topic: consumes = [{ from = \"emails\" }]",
    meant Self::meant {
        from: Given<String> as Must<Text>, "The queue or topic.";
        group: Option<Given<String>> as Said<Text>,
            "Topics, where it is needed: the group whose members share the events.";
        concurrency: Given<u32> as Or<Count> = "1", "Consumers of each replica. The default is Spring's.";
        prefetch: Given<Option<u32>> as Or<CountOr<Unlimited>> = "250",
            "Queues: deliveries without acknowledgement that one consumer may have. The default is Spring AMQP's.";
        batch: Given<Option<u32>> as Or<CountOr<Unlimited>> = "1",
            "Messages that one poll takes at most; handled one after the other.";
        ack: Given<Ack> as Or<Ack> = "\"after\"", "When a message is acknowledged.";
        commit_every: Given<Option<Span>> as Maybe<Duration>,
            "Topics: the offset is stored so often. Default: after every batch.";
        poll: Given<Option<Law>> as Maybe<Varying>,
            "Asks for messages, and sleeps so long when it found none. Default: the broker of a queue pushes.";
        poll_max: Given<Option<Span>> as Maybe<Duration>,
            "Queues, with `poll`: each sleep after a poll that found nothing is twice as long as the one before, up to this. Default: all are `poll`.";
        poll_wait: Given<Option<Span>> as Maybe<Duration>,
            "Queues, with `poll`: a poll that finds nothing waits at the broker for so long (SQS's `WaitTimeSeconds`, 20 s at most). Default: not at all.";
        ack_every: Given<Option<u32>> as Maybe<Count>,
            "Queues: acknowledges so many messages at once, when they are handled (RabbitMQ's `multiple`). Default: each by itself.";
        ack_within: Given<Option<Span>> as Maybe<Duration>,
            "Queues, with `ack_every`: and so long after the first of them at the latest. Default: 20 s, Spring AMQP's.";
        from_start: Given<bool> as Or<Flag> = "false",
            "Topics: when events it had not read were deleted (`retention`), goes on with the oldest left, not the newest.";
        ordered: Given<bool> as Or<Flag> = "true", "Topics: events of a partition one after the other.";
        on_error: Given<OnError> as Or<OnError> = "\"retry\"", "What becomes of a message whose handling fails.";
        idempotent: Given<bool> as Or<Flag> = "false", "Whether handling a message twice is no second effect.";
        error_rate: Option<Given<f64>> as Said<Share>,
            "Fails so many messages after their work. Default: the service's, unless work or steps are said here.";
        work: Given<Option<Law>> as Maybe<Varying>, "CPU time of a message. Default: the service's.";
        steps: Option<Given<Vec<Step>>> as Said<Program>,
            "What is done with a message after its work. Default: what the service does.";
        rebalance: Given<Protocol> as Or<Protocol> = "\"eager\"",
            "Topics: how partitions change hands when members come and go. The default is Kafka's.";
        member: Given<Membership> as Or<Membership> = "\"dynamic\"",
            "Topics: who a consumer is when it comes back. The default is Kafka's (no `group.instance.id`).";
        session_timeout: Given<Span> as Or<Duration> = "\"45s\"",
            "Topics: a member that crashed is given up so long after its last heartbeat. The default is Kafka's.";
        max_poll_interval: Given<Span> as Or<Duration> = "\"5m\"",
            "Topics: a member that works longer on a batch is given up by its group. The default is Kafka's.";
        replay: Given<Option<Replay>> as Maybe<Inner<Replay>>, "Topics: the group goes back once. Default: never.";
        dead_letter: Option<Given<String>> as Said<Text>,
            "Topics: the queue or topic that gets events that fail under on_error = \"dead_letter\".";
        retries: Given<Option<Redelivery>> as Maybe<Inner<Redelivery>>,
            "Topics: an event that fails is tried again where it stands, and then `on_error` holds. Default: `on_error` alone.";
        delay: Given<Option<Span>> as Maybe<Duration>,
            "Topics: an event is let alone until it was published so long ago, as in a retry topic. Default: not at all.";
        worker_pool: Option<Given<String>> as Said<Text>,
            "Queues: the pool of the service whose workers it shares with others. Default: it has `concurrency` of its own.";
        weight: Given<u32> as Or<Count> = "1",
            "Queues, in a pool with order = \"weighted\": how often this one is looked at first. The default is Sidekiq's.";
        + /// The whole entry in the text.
        place: Place = |_: &mut Desk<'_>, view: &View<'_>| view.place.clone().unwrap_or_default();
        + /// What is done with a message: its own, and for the rest the service's. Its name, `from emails` or `from order-created/billing`, is one that no endpoint can have.
        program: Endpoint = nothing;
    }
}

/// A program that does nothing, until its service is known.
fn nothing(_: &mut Desk<'_>, _: &View<'_>) -> Endpoint {
    Endpoint {
        name: Given::default(String::new()),
        work: Given::default(None),
        wait: Given::default(None),
        error_rate: Given::default(0.0),
        steps: Vec::new(),
    }
}

impl Consumer {
    /// What a service consumes; `node` is the service without it.
    pub(in crate::scenario) fn all(desk: &mut Desk<'_>, view: &View<'_>, node: &Node) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        for entry in view.list(desk, "consumes") {
            let Some(mut one) = Self::read(desk, &entry) else { continue };
            // Two entries for one queue are told apart.
            let same = all.iter().filter(|other| other.from.value == one.from.value).count();
            one.program = one.does(node, same);
            all.push(one);
        }
        all
    }

    /// What is done with a message: what is said here, and for the rest what the service's default endpoint does. So many
    /// `others` before it take from the same.
    fn does(&self, node: &Node, others: usize) -> Endpoint {
        let from = &self.from.value;
        let group = self.group.as_ref().map_or(String::new(), |group| format!("/{}", group.value));
        let nth = if others > 0 { format!(" {}", others + 1) } else { String::new() };
        let default = node.endpoints.get("");
        let (work, steps) = (&self.work, &self.steps);
        let inherited = default.filter(|_| work.value.is_none() && steps.is_none()).map(|d| d.error_rate.clone());
        Endpoint {
            name: Given { value: format!("from {from}{group}{nth}"), place: self.from.place.clone() },
            work: match default {
                Some(default) if work.value.is_none() => default.work.clone(),
                _ => work.clone(),
            },
            wait: default.filter(|_| work.value.is_none()).map_or(Given::default(None), |d| d.wait.clone()),
            error_rate: self.error_rate.clone().or(inherited).unwrap_or(Given::default(0.0)),
            steps: match (steps, default) {
                (Some(steps), _) => steps.value.clone(),
                (None, default) => default.map(|d| d.steps.clone()).unwrap_or_default(),
            },
        }
    }

    /// When its group goes back, and to what was published from when on.
    fn goes_back(&self) -> Option<(Span, Span)> {
        self.replay.value.as_ref().map(|replay| (replay.at.value, replay.from.value))
    }

    /// What the canonical form says, what it does at the end: what is the service's stays so when that is changed.
    fn meant(&self, mut all: Vec<Told>) -> Vec<Told> {
        let place = |key: &str| match key {
            "rebalance" | "member" | "session_timeout" | "max_poll_interval" | "replay" | "dead_letter" | "retries"
            | "delay" => 1,
            "error_rate" | "work" | "steps" => 2,
            _ => 0,
        };
        let (grouped, fails) = (self.group.is_some(), self.error_rate.is_some());
        let shares = self.worker_pool.is_some();
        all.retain(|told| match told.key {
            "worker_pool" | "weight" => shares,
            key => !(shares && Self::is_of_pool(key)),
        });
        all.retain(|told| (grouped || place(told.key) != 1) && (fails || told.key != "error_rate"));
        all.sort_by_key(|told| place(told.key));
        all
    }
}

impl<'s> Lowering<'s> {
    /// Consumers in the order of their services.
    pub(in crate::scenario) fn consumers(&mut self) {
        let scenario = self.scenario;
        let mut first_member = 0;
        for (name, node) in &scenario.nodes {
            let host = self.nodes[name.as_str()];
            let mut pooled: BTreeMap<&str, usize> = BTreeMap::new();
            for consumer in &node.consumes {
                let program = self.handler(name, host, consumer);
                let Some(queue) = self.queues.get(consumer.from.value.as_str()).copied() else { continue };
                let duty = self.duty(queue, host, program, consumer);
                let pool = node.pool_of(consumer).map(|pool| pool.name.value.as_str());
                if let Some(crew) = pool.and_then(|pool| pooled.get(pool)) {
                    self.plan.crews[*crew].duties.push(duty);
                    continue;
                }
                let crew = self.crew(node, host, consumer, duty, first_member);
                first_member += crew.members * self.plan.node(host).replicas;
                pooled.extend(pool.map(|pool| (pool, self.plan.crews.len())));
                self.plan.crews.push(crew);
            }
        }
    }

    /// What a service does with messages is an endpoint of its own.
    fn handler(&mut self, service: &str, host: NodeId, consumer: &'s Consumer) -> EndpointId {
        let id = EndpointId(self.plan.endpoints.len() as u32);
        let from = consumer.program.name.value.as_str();
        self.plan.endpoints.push(plan::Endpoint {
            name: format!("{service} {from}"),
            node: host,
            entry: Pc::default(),
            consumer: true,
            goals: 0,
        });
        self.endpoints.insert((host, from), id);
        id
    }

    fn duty(&mut self, queue: QueueId, host: NodeId, program: EndpointId, consumer: &Consumer) -> Duty {
        Duty {
            queue,
            call: self.delivery(self.plan.queue(queue).node, host, program),
            weight: consumer.weight.value,
            ack_before: consumer.ack.value == Ack::Before,
            on_error: consumer.on_error.value,
            idempotent: consumer.idempotent.value,
        }
    }

    /// A consumer's own crew, or the one of its pool, with its duty as the first.
    fn crew(&mut self, node: &Node, host: NodeId, consumer: &Consumer, duty: Duty, first: u32) -> Crew {
        let name = self.plan.node(host).name.clone();
        let (asks, pool) = (node.asks(consumer), node.pool_of(consumer));
        let called = pool.map_or(&consumer.program.name.value, |pool| &pool.name.value);
        Crew {
            node: host,
            duties: vec![duty],
            turns: pool.map_or(Turns::Even, |pool| pool.order.value),
            members: asks.concurrency.value,
            first_member: first,
            prefetch: asks.prefetch.value.unwrap_or(NONE),
            batch: asks.batch.value.unwrap_or(NONE),
            poll: asks.poll.value.as_ref().map(|law| self.law(law)),
            poll_max: asks.poll_max.value,
            poll_wait: asks.poll_wait.value,
            ack_every: asks.ack_every.value.unwrap_or(1),
            ack_within: asks.ack_within.value.unwrap_or(ACK_WITHIN),
            hash: name_hash(&format!("{called} -> {name}")),
        }
    }

    pub(in crate::scenario) fn seat(&mut self, service: &str, from: &str, consumer: &'s Consumer) -> Seat {
        let (host, broker) = (self.nodes[service], self.nodes[from]);
        let endpoint = self.endpoints[&(host, consumer.program.name.value.as_str())];
        let call = self.delivery(broker, host, endpoint);
        let node = self.plan.node(host);
        Seat {
            first_replica: node.first_replica,
            replicas: node.replicas,
            concurrency: consumer.concurrency.value,
            entry: self.plan.endpoints[endpoint.index()].entry,
            endpoint,
            call,
            batch: consumer.batch.value.unwrap_or(NONE),
            poll: consumer.poll.value.as_ref().map(|law| self.law(law)),
            ack_before: consumer.ack.value == Ack::Before,
            commit_every: consumer.commit_every.value,
            from_start: consumer.from_start.value,
            idempotent: consumer.idempotent.value,
            on_error: match consumer.on_error.value {
                OnError::Retry | OnError::NeverAck => OnEventError::Retry,
                OnError::Skip => OnEventError::Skip,
                OnError::DeadLetter => {
                    let letter = consumer.dead_letter.as_ref().and_then(|dead| self.letter(host, &dead.value));
                    letter.map_or(OnEventError::Skip, OnEventError::DeadLetter)
                }
            },
            retries: consumer.retries.value.as_ref().map(|rule| self.redelivery(rule)),
            delay: consumer.delay.value.unwrap_or(Span::ZERO),
        }
    }

    /// How dead letters of a service come to the queue or topic of that name.
    fn letter(&mut self, host: NodeId, name: &str) -> Option<Letter> {
        let (to, safe) = if let Some(queue) = self.queues.get(name) {
            (Grave::Queue(*queue), self.plan.queue(*queue).publish_latency)
        } else {
            let scenario = self.scenario;
            let topic = (0..).zip(&scenario.topics).find(|(_, (topic, _))| *topic == name);
            let (at, (_, topic)) = topic?;
            (Grave::Topic(at), self.law(&topic.publish_latency.value))
        };
        let broker = *self.nodes.get(name)?;
        Some(Letter { to, there: self.latency(host, broker), safe, back: self.latency(broker, host) })
    }
}

/// How long an acknowledgement waits for others, where nobody says: `ackTimeout` of Spring's `DirectMessageListenerContainer`.
const ACK_WITHIN: Span = Span(20_000_000_000);

/// Complains about names that lead nowhere.
pub(in crate::scenario) fn names(scenario: &Scenario, refused: &[String], complaints: &mut Vec<Complaint>) {
    for consumer in scenario.nodes.values().flat_map(|node| &node.consumes) {
        consuming(scenario, consumer, refused, complaints);
    }
}

fn consuming(scenario: &Scenario, consumer: &Consumer, refused: &[String], complaints: &mut Vec<Complaint>) {
    let from = &consumer.from;
    if scenario.topics.contains_key(&from.value) {
        if consumer.group.is_none() {
            let message = format!("a consumer of the topic `{}` without a `group`", from.value);
            let complaint = Complaint::error(code::MISSING_KEY, message).at(from.place.clone());
            complaints
                .push(complaint.help("every group gets every event, its members share them: group = \"billing\""));
        }
    } else if !scenario.queues.contains_key(&from.value) {
        let why = if scenario.nodes.contains_key(&from.value) { "messages come from a queue or a topic" } else { "" };
        nowhere(scenario, from, why, true, refused, complaints);
    }
}

/// All groups, as `topic/group`.
pub(in crate::scenario) fn groups(scenario: &Scenario) -> BTreeSet<String> {
    let all = scenario.nodes.values().flat_map(|node| &node.consumes);
    all.filter_map(|c| Some(format!("{}/{}", c.from.value, c.group.as_ref()?.value))).collect()
}

/// Complains about numbers that cannot be, what a topic cannot do, and members that disagree.
pub(in crate::scenario) fn ranges(scenario: &Scenario, complaints: &mut Vec<Complaint>) {
    for node in scenario.nodes.values() {
        let alone = |one: &&Consumer| node.pool_of(one).is_none();
        node.consumes.iter().filter(alone).for_each(|one| node.asks(one).ranges(complaints));
        worker_pools::ranges(scenario, node, complaints);
        if let (Some(consumer), true) = (node.consumes.first(), node.preemptive.value) {
            let message = format!("`{}` consumes messages and is preemptive", node.name.value);
            let complaint = Complaint::error(code::PREEMPTION, message).at(consumer.from.place.clone());
            complaints
                .push(complaint.help(
                    "consumers are workers of their own, which no request can take; let another service consume",
                ));
        }
    }
    for topic in scenario.topics.keys() {
        for (_, consumer) in walk::consumers(scenario, topic) {
            times(consumer, complaints);
            refused(consumer, complaints);
            dead_letter(scenario, consumer, complaints);
            redelivery::ranges(consumer, complaints);
        }
    }
    for group in groups(scenario) {
        let (topic, group) = graph::group(&group).unwrap_or((&group, ""));
        if scenario.topics.contains_key(topic) {
            agreement(scenario, topic, group, complaints);
        }
    }
}

/// The times of a group.
fn times(consumer: &Consumer, complaints: &mut Vec<Complaint>) {
    let never = "the group would never have a member";
    for (key, given) in
        [("session_timeout", &consumer.session_timeout), ("max_poll_interval", &consumer.max_poll_interval)]
    {
        zero(given.value == Span::ZERO, key, given.place.as_ref(), never, complaints);
    }
    let commit = &consumer.commit_every;
    zero(
        commit.value == Some(Span::ZERO),
        "commit_every",
        commit.place.as_ref(),
        "it would commit forever",
        complaints,
    );
    if let Some(replay) = consumer.replay.value.as_ref().filter(|r| r.from.value >= r.at.value) {
        let message =
            format!("a replay at {} from {}: there is nothing to go back to", replay.at.value, replay.from.value);
        let complaint = Complaint::error(code::OUT_OF_RANGE, message).at(consumer.replay.place.clone());
        complaints.push(complaint.help("`from` must lie before `at`"));
    }
}

/// What a topic cannot do.
fn refused(consumer: &Consumer, complaints: &mut Vec<Complaint>) {
    if !consumer.ordered.value {
        let complaint = Complaint::error(code::NOT_YET, "not supported yet: ordered = false for a topic");
        complaints.push(
            complaint
                .at(consumer.ordered.place.clone())
                .help("more `partitions` let more records be worked on at once"),
        );
    }
    if consumer.on_error.value == OnError::NeverAck {
        let complaint = Complaint::error(code::MISPLACED, "a topic knows no acknowledgement of single records");
        complaints.push(
            complaint
                .at(consumer.on_error.place.clone())
                .help("retry blocks the partition, skip and dead_letter pass on"),
        );
    }
}

fn dead_letter(scenario: &Scenario, consumer: &Consumer, complaints: &mut Vec<Complaint>) {
    let wants = consumer.on_error.value == OnError::DeadLetter;
    match &consumer.dead_letter {
        None if wants => {
            let complaint =
                Complaint::error(code::MISSING_KEY, "dead letters of a topic need a queue or a topic to go to");
            let complaint = complaint.at(consumer.on_error.place.clone());
            complaints.push(complaint.help("name one beside it: dead_letter = \"failed\", and define [queues.failed]"));
        }
        Some(queue) if !scenario.queues.contains_key(&queue.value) && !scenario.topics.contains_key(&queue.value) => {
            let message = format!("no queue or topic is called `{}`", queue.value);
            let complaint = Complaint::error(code::UNKNOWN_NAME, message).at(queue.place.clone());
            let known = scenario.queues.keys().chain(scenario.topics.keys()).map(String::as_str);
            complaints.push(match suggest(&queue.value, known) {
                Some(meant) => complaint.label(format!("did you mean `{meant}`?")),
                None => complaint.help(format!("define it: [queues.{}]", queue.value)),
            });
        }
        Some(queue) if !wants => {
            let complaint =
                Complaint::warning(code::UNUSED, "`dead_letter` means something only with on_error = \"dead_letter\"");
            complaints.push(complaint.at(queue.place.clone()));
        }
        _ => {}
    }
}

/// What belongs to a group is the same for all its members.
fn agreement(scenario: &Scenario, topic: &str, group: &str, complaints: &mut Vec<Complaint>) {
    let members = walk::members(scenario, topic, group);
    let Some((_, first)) = members.first() else { return };
    let mut differ = |key: &str, same: bool, place: Option<Place>| {
        if !same {
            let message = format!("the members of `{topic}/{group}` disagree on `{key}`");
            let complaint = Complaint::error(code::BAD_VALUE, message).at(place);
            complaints.push(complaint.help("it belongs to the group: say the same in every service"));
        }
    };
    for (_, other) in &members[1..] {
        differ("rebalance", same(&first.rebalance, &other.rebalance), other.from.place.clone());
        differ("member", same(&first.member, &other.member), other.from.place.clone());
        differ("session_timeout", same(&first.session_timeout, &other.session_timeout), other.from.place.clone());
        differ("max_poll_interval", same(&first.max_poll_interval, &other.max_poll_interval), other.from.place.clone());
        differ("replay", first.goes_back() == other.goes_back(), other.from.place.clone());
    }
}

fn same<T: PartialEq>(a: &Given<T>, b: &Given<T>) -> bool {
    a.value == b.value
}

/// What runs but looks wrong.
pub(in crate::scenario) fn look(scenario: &Scenario, complaints: &mut Vec<Complaint>) {
    idle_members(scenario, complaints);
    shared_messages(scenario, complaints);
    redelivery::circles(scenario, complaints);
    for node in scenario.nodes.values() {
        worker_pools::look(node, complaints);
        for consumer in &node.consumes {
            if let Some(queue) = scenario.queues.get(&consumer.from.value) {
                of_queue(node, queue, consumer, complaints);
            } else if scenario.topics.contains_key(&consumer.from.value) {
                of_topic(scenario, consumer, complaints);
            }
        }
    }
}

/// Services that take the messages of one queue from each other: meant where they do the same, a mistake where each is to have all.
fn shared_messages(scenario: &Scenario, complaints: &mut Vec<Complaint>) {
    for name in scenario.queues.keys() {
        let takes = |node: &&Node| node.consumes.iter().any(|consumer| consumer.from.value == *name);
        let all: Vec<&Node> = scenario.nodes.values().filter(takes).collect();
        let [first, second, ..] = all[..] else { continue };
        let place = second.consumes.iter().find(|consumer| consumer.from.value == *name);
        let message = format!(
            "each message of `{name}` goes to one of {}: `{}` does not see what `{}` takes",
            all.len(),
            second.name.value,
            first.name.value
        );
        let complaint = Complaint::note(code::SHARED_MESSAGES, message);
        let complaint = complaint.at(place.and_then(|consumer| consumer.from.place.clone()));
        complaints
            .push(complaint.help(format!("where each is to have all of them: a queue for each, or [topics.{name}]")));
    }
}

/// A member of a group without a partition has nothing to do.
fn idle_members(scenario: &Scenario, complaints: &mut Vec<Complaint>) {
    for topic in scenario.topics.values() {
        let consumers = walk::consumers(scenario, &topic.name.value);
        let mut groups: BTreeMap<&str, Vec<(&Node, &Consumer)>> = BTreeMap::new();
        for (node, consumer) in consumers {
            let Some(group) = &consumer.group else { continue };
            groups.entry(&group.value).or_default().push((node, consumer));
        }
        for (group, own) in groups {
            let members: u64 =
                own.iter().map(|(node, c)| u64::from(node.most_replicas()) * u64::from(c.concurrency.value)).sum();
            let (partitions, place) = (topic.partitions.value, own.first().and_then(|(_, c)| c.from.place.clone()));
            if members > u64::from(partitions) {
                let message = format!(
                    "{} of the {members} members of `{}/{group}` are idle: {partitions} partitions",
                    members - u64::from(partitions),
                    topic.name.value
                );
                let complaint = Complaint::warning(code::IDLE_MEMBERS, message).at(place);
                complaints
                    .push(complaint.help("one partition is read by one member; members are replicas × concurrency"));
            }
        }
    }
}

/// What one consumer of a queue says that means nothing, or that will not do.
fn of_queue(node: &Node, queue: &Queue, consumer: &Consumer, complaints: &mut Vec<Complaint>) {
    let places = [
        ("group", consumer.group.as_ref().and_then(|g| g.place.clone())),
        ("commit_every", consumer.commit_every.place.clone()),
        ("from_start", consumer.from_start.place.clone()),
        ("ordered", consumer.ordered.place.clone()),
        ("rebalance", consumer.rebalance.place.clone()),
        ("member", consumer.member.place.clone()),
        ("session_timeout", consumer.session_timeout.place.clone()),
        ("max_poll_interval", consumer.max_poll_interval.place.clone()),
        ("replay", consumer.replay.place.clone()),
        ("dead_letter", consumer.dead_letter.as_ref().and_then(|d| d.place.clone())),
        ("retries", consumer.retries.place.clone()),
        ("delay", consumer.delay.place.clone()),
    ];
    for (key, place) in places.into_iter().filter(|(_, place)| place.is_some()) {
        let complaint = Complaint::warning(code::UNUSED, format!("`{key}` means something for topics only"));
        complaints.push(complaint.at(place));
    }
    let asks = node.asks(consumer);
    if node.pool_of(consumer).is_none() {
        asks.look(complaints);
    }
    outlasts(node, queue, consumer, complaints);
    kept(node, queue, consumer, complaints);
}

/// What waits with its consumer longer than the queue waits for its acknowledgement is delivered again; a worker of several queues may
/// have those before it that take longest.
fn outlasts(node: &Node, queue: &Queue, consumer: &Consumer, complaints: &mut Vec<Complaint>) {
    let Some(timeout) = queue.redelivers().value else { return };
    let asks = node.asks(consumer);
    let held = if asks.poll.value.is_some() { asks.batch.value } else { asks.prefetch.value };
    let works = node.beside(consumer).map(|one| one.program.work.value.as_ref().map_or(0.0, mean));
    let each = works.fold(0.0, f64::max);
    let whole = held.map_or(f64::INFINITY, f64::from) * each;
    if each > 0.0 && whole > timeout.0 as f64 && consumer.ack.value == Ack::After {
        let name = &queue.name.value;
        let held = held.map_or("without limit".to_owned(), |n| format!("{n} at once"));
        let message = format!(
            "messages of `{name}` may be delivered twice: a consumer takes {held}, and the last of them waits longer than {timeout}"
        );
        let complaint = Complaint::warning(code::DELIVERED_TWICE, message).at(consumer.from.place.clone());
        let [few, long] = if queue.hides() { ["batch", "visibility_timeout"] } else { ["prefetch", "ack_timeout"] };
        complaints.push(complaint.help(format!("lower its {few}, or lengthen the queue's {long}")));
    }
}

/// What belongs to queues, and to polls of them.
fn queue_only(consumer: &Consumer) -> [(&'static str, Option<Place>); 4] {
    [
        ("poll_max", consumer.poll_max.place.clone()),
        ("poll_wait", consumer.poll_wait.place.clone()),
        ("ack_every", consumer.ack_every.place.clone()),
        ("ack_within", consumer.ack_within.place.clone()),
    ]
}

/// Acknowledgements that are kept for others, and what that leads to.
fn kept(node: &Node, queue: &Queue, consumer: &Consumer, complaints: &mut Vec<Complaint>) {
    let asks = node.asks(consumer);
    if consumer.ack.value == Ack::Before {
        // Of those who share it, the first says it, where none keeps anything.
        let first = node.beside(consumer).next().is_some_and(|one| std::ptr::eq(one, consumer));
        let nobody = node.beside(consumer).all(|one| one.ack.value == Ack::Before);
        if let Some(place) = asks.ack_every.place.as_ref().filter(|_| first && nobody) {
            let complaint = Complaint::warning(code::UNUSED, "`ack_every` means nothing beside ack = \"before\"");
            complaints.push(complaint.at(place.clone()));
        }
        return;
    }
    let Some(every) = asks.ack_every.value.filter(|every| *every > 1) else { return };
    let within = asks.ack_within.value.unwrap_or(ACK_WITHIN);
    let has = if asks.poll.value.is_some() { None } else { asks.prefetch.value };
    if let Some(prefetch) = has.filter(|prefetch| *prefetch < every) {
        let message = format!(
            "a consumer has {prefetch} messages at most and acknowledges {every} at once: it stands still until {within} are over"
        );
        let complaint = Complaint::warning(code::NO_EFFECT, message).at(asks.ack_every.place.clone());
        complaints.push(complaint.help(format!("raise `prefetch` to {every} or more, or lower `ack_every`")));
    }
    if let Some(timeout) = queue.redelivers().value.filter(|timeout| *timeout <= within) {
        let message = format!("messages are delivered again after {timeout}, and acknowledged {within} late");
        let complaint = Complaint::warning(code::DELIVERED_TWICE, message).at(asks.ack_every.place.clone());
        complaints.push(complaint.help("lower `ack_within`"));
    }
}

fn of_topic(scenario: &Scenario, consumer: &Consumer, complaints: &mut Vec<Complaint>) {
    for (key, place) in queue_only(consumer).into_iter().filter(|(_, place)| place.is_some()) {
        let complaint = Complaint::warning(code::UNUSED, format!("`{key}` means something for queues only"));
        complaints.push(complaint.at(place));
    }
    if !consumer.prefetch.is_default() {
        let complaint = Complaint::warning(code::UNUSED, "`prefetch` means something for queues only");
        complaints.push(complaint.at(consumer.prefetch.place.clone()).help("members of a group ask: see `batch`"));
    }
    redelivery::look(consumer, complaints);
    if consumer.ack.value == Ack::Before && consumer.commit_every.value.is_some() {
        let complaint = Complaint::warning(code::UNUSED, "`commit_every` means nothing beside ack = \"before\"");
        complaints.push(complaint.at(consumer.commit_every.place.clone()));
    }
    if let Some(replay) = consumer.replay.value.as_ref().filter(|r| r.at.value >= scenario.sim.duration.value) {
        let message = format!("the replay at {} comes after the run", replay.at.value);
        complaints.push(Complaint::warning(code::UNUSED, message).at(consumer.replay.place.clone()));
    }
}

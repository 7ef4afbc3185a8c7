//! `[services.*.worker_pools.*]`: workers that several `consumes` share.

use std::collections::BTreeSet;

use super::super::check::{few, zero};
use super::super::declare::{Count, CountOr, Duration, Maybe, Or, Varying, table, words};
use super::super::law_mean::mean;
use super::super::read::{View, suggest};
use super::super::written::{Consumer, Given, Node, Place, Scenario};
use super::queues::Unlimited;
use crate::diag::{Complaint, code};
use crate::model::queue::{MOST_QUEUES, Turns};
use crate::random::dist::Law;
use crate::units::Span;

words! {
    for Turns {
        Even = "turns", "By turns, behind the one that it had a message from last; what it has is handled as it came.";
        Strict = "strict", "In the order of `consumes`: each when those before it have nothing.";
        Weighted = "weighted", "In an order that is drawn each time, by the `weight` of each.";
    }
}

table! {
    /// Workers of one replica that several entries of `consumes` share.
    pub struct WorkerPool: "[services.*.worker_pools.*]",
    "Workers of each replica that several entries of `consumes` share, each of which says `worker_pool`: whichever queue a message comes from, one of them handles it. What is asked for and acknowledged counts over all its queues." {
        concurrency: Given<u32> as Or<Count> = "1", "Workers of each replica. The default is Spring's.";
        order: Given<Turns> as Or<Turns> = "\"turns\"", "Which of its queues a worker looks at first.";
        prefetch: Given<Option<u32>> as Or<CountOr<Unlimited>> = "250",
            "Deliveries without acknowledgement that one worker may have, of all its queues together. The default is Spring AMQP's, of each queue.";
        batch: Given<Option<u32>> as Or<CountOr<Unlimited>> = "1",
            "Messages that one poll takes at most, of one queue; handled one after the other.";
        poll: Given<Option<Law>> as Maybe<Varying>,
            "Asks for messages, and sleeps so long when there were none in any queue. Default: the brokers push.";
        poll_max: Given<Option<Span>> as Maybe<Duration>,
            "With `poll`: each sleep after a poll that found nothing is twice as long as the one before, up to this. Default: all are `poll`.";
        poll_wait: Given<Option<Span>> as Maybe<Duration>,
            "With `poll`: a poll that finds nothing waits at all its queues for so long (Sidekiq: 2 s). Default: not at all.";
        ack_every: Given<Option<u32>> as Maybe<Count>,
            "Acknowledges so many messages at once, when they are handled (RabbitMQ's `multiple`). Default: each by itself.";
        ack_within: Given<Option<Span>> as Maybe<Duration>,
            "With `ack_every`: and so long after the first of them at the latest. Default: 20 s, Spring AMQP's.";
        + /// As named.
        name: Given<String> = View::title;
    }
}

/// How many workers there are and how they ask for messages and acknowledge them: said by a consumer, or by the pool that it shares.
pub(in crate::scenario) struct Asks<'n> {
    pub(in crate::scenario) concurrency: &'n Given<u32>,
    pub(in crate::scenario) prefetch: &'n Given<Option<u32>>,
    pub(in crate::scenario) batch: &'n Given<Option<u32>>,
    pub(in crate::scenario) poll: &'n Given<Option<Law>>,
    pub(in crate::scenario) poll_max: &'n Given<Option<Span>>,
    pub(in crate::scenario) poll_wait: &'n Given<Option<Span>>,
    pub(in crate::scenario) ack_every: &'n Given<Option<u32>>,
    pub(in crate::scenario) ack_within: &'n Given<Option<Span>>,
}

/// What an [`Asks`] says, of whatever has these keys.
macro_rules! asks {
    ($of:expr) => {{
        let of = $of;
        Asks {
            concurrency: &of.concurrency,
            prefetch: &of.prefetch,
            batch: &of.batch,
            poll: &of.poll,
            poll_max: &of.poll_max,
            poll_wait: &of.poll_wait,
            ack_every: &of.ack_every,
            ack_within: &of.ack_within,
        }
    }};
}

impl Asks<'_> {
    /// Its keys, and where they are written.
    fn places(&self) -> [(&'static str, &Option<Place>); 8] {
        [
            ("concurrency", &self.concurrency.place),
            ("prefetch", &self.prefetch.place),
            ("batch", &self.batch.place),
            ("poll", &self.poll.place),
            ("poll_max", &self.poll_max.place),
            ("poll_wait", &self.poll_wait.place),
            ("ack_every", &self.ack_every.place),
            ("ack_within", &self.ack_within.place),
        ]
    }

    /// Complains about numbers that cannot be.
    pub(super) fn ranges(&self, complaints: &mut Vec<Complaint>) {
        let Self { concurrency, prefetch, batch, poll, poll_max, poll_wait, ack_every, ack_within } = self;
        let mut none = |is, key, place: &Option<_>, why| zero(is, key, place.as_ref(), why, complaints);
        let at_once = "endless polls would come at one instant";
        none(concurrency.value == 0, "concurrency", &concurrency.place, "nobody would consume");
        none(prefetch.value == Some(0), "prefetch", &prefetch.place, "nothing would be delivered");
        none(batch.value == Some(0), "batch", &batch.place, "nothing would be taken");
        none(poll.value.as_ref().is_some_and(|law| mean(law) <= 0.0), "poll", &poll.place, at_once);
        none(poll_max.value == Some(Span::ZERO), "poll_max", &poll_max.place, at_once);
        none(poll_wait.value == Some(Span::ZERO), "poll_wait", &poll_wait.place, "that is no waiting: leave it out");
        none(ack_every.value == Some(0), "ack_every", &ack_every.place, "nothing would be said");
        none(ack_within.value == Some(Span::ZERO), "ack_within", &ack_within.place, "that is `ack_every = 1`");
    }

    /// Warns of keys that mean nothing beside the others.
    pub(super) fn look(&self, complaints: &mut Vec<Complaint>) {
        let mut unused = |key: &str, place: &Option<Place>, why: &str| {
            if place.is_some() {
                let complaint = Complaint::warning(code::UNUSED, format!("`{key}` means nothing {why}"));
                complaints.push(complaint.at(place.clone()));
            }
        };
        let polls = self.poll.value.is_some();
        let (key, given, why) = if polls {
            ("prefetch", self.prefetch, "here: a consumer that polls takes a `batch`")
        } else {
            ("batch", self.batch, "here: the broker pushes: `prefetch` says how many")
        };
        if given.value != Some(1) {
            unused(key, &given.place, why);
        }
        if !polls {
            unused("poll_max", &self.poll_max.place, "without `poll`");
            unused("poll_wait", &self.poll_wait.place, "without `poll`");
        }
        if self.ack_every.value.is_none() {
            unused("ack_within", &self.ack_within.place, "without `ack_every`");
        }
    }
}

impl Consumer {
    /// Whether a key of it belongs to the pool that it shares.
    pub(super) fn is_of_pool(key: &str) -> bool {
        let of = ["concurrency", "prefetch", "batch", "poll", "poll_max", "poll_wait", "ack_every", "ack_within"];
        of.contains(&key)
    }
}

impl Node {
    /// The pool whose workers a consumer shares.
    pub(in crate::scenario) fn pool_of(&self, consumer: &Consumer) -> Option<&WorkerPool> {
        self.worker_pools.get(&consumer.worker_pool.as_ref()?.value)
    }

    /// How a consumer asks for messages: as it says, or as its pool does.
    pub(in crate::scenario) fn asks<'n>(&'n self, consumer: &'n Consumer) -> Asks<'n> {
        self.pool_of(consumer).map_or_else(|| asks!(consumer), |pool| asks!(pool))
    }

    /// Who works on the messages of some consumers in one replica: a pool counts once.
    pub(crate) fn crowd(&self, which: impl Fn(&Consumer) -> bool) -> u64 {
        let mut pools = BTreeSet::new();
        let counts =
            |one: &&Consumer| which(one) && self.pool_of(one).is_none_or(|pool| pools.insert(&pool.name.value));
        self.consumes.iter().filter(counts).map(|one| u64::from(self.asks(one).concurrency.value)).sum()
    }

    /// The consumers that share workers with one, itself among them.
    pub(in crate::scenario) fn beside<'n>(&'n self, consumer: &'n Consumer) -> impl Iterator<Item = &'n Consumer> {
        let pool = |one: &Consumer| self.pool_of(one).map(|pool| &pool.name.value);
        let own = pool(consumer);
        self.consumes.iter().filter(move |one| std::ptr::eq(*one, consumer) || own.is_some() && pool(one) == own)
    }
}

/// The largest weight: the sum of those of a pool has to be a number.
const MOST: u32 = 1_000_000;

/// Complains about pools that are not there, what is said twice, and numbers that cannot be.
pub(super) fn ranges(scenario: &Scenario, node: &Node, complaints: &mut Vec<Complaint>) {
    node.worker_pools.values().for_each(|pool| asks!(pool).ranges(complaints));
    let mut seen = BTreeSet::new();
    for consumer in &node.consumes {
        let (weight, most) = (&consumer.weight, "its queue would never be looked at");
        zero(weight.value == 0, "weight", weight.place.as_ref(), most, complaints);
        if weight.value > MOST {
            let complaint =
                Complaint::error(code::OUT_OF_RANGE, format!("`weight` is {}; at most {MOST}", weight.value));
            complaints.push(complaint.at(weight.place.clone()).help("weights count relative to each other"));
        }
        let Some(name) = &consumer.worker_pool else { continue };
        let Some(pool) = node.worker_pools.get(&name.value) else {
            complaints.push(unknown(node, name));
            continue;
        };
        shares(scenario, (node, consumer), pool, complaints);
        if !seen.insert((&name.value, &consumer.from.value)) {
            let message = format!("the pool `{}` takes from `{}` twice", name.value, consumer.from.value);
            let complaint = Complaint::error(code::CONTRADICTION, message).at(consumer.from.place.clone());
            complaints.push(complaint.help("one entry for each of its queues"));
        }
    }
    for pool in node.worker_pools.values() {
        let all = node.consumes.iter().filter(|one| node.pool_of(one).is_some_and(|own| own.name == pool.name)).count();
        if all > MOST_QUEUES {
            let message = format!("`{}` takes from {all} queues; at most {MOST_QUEUES}", pool.name.value);
            complaints.push(Complaint::error(code::OUT_OF_RANGE, message).at(pool.name.place.clone()));
        }
    }
}

/// A pool that nobody defines.
fn unknown(node: &Node, name: &Given<String>) -> Complaint {
    let message = format!("`{}` has no worker pool `{}`", node.name.value, name.value);
    let complaint = Complaint::error(code::UNKNOWN_NAME, message).at(name.place.clone());
    let names: Vec<String> = node.worker_pools.keys().map(|name| format!("`{name}`")).collect();
    match suggest(&name.value, node.worker_pools.keys().map(String::as_str)) {
        Some(meant) => complaint.label(format!("did you mean `{meant}`?")),
        None if names.is_empty() => {
            let within = &node.name.value;
            complaint
                .help(format!("define it in [services.{within}]: worker_pools.{} = {{ concurrency = 8 }}", name.value))
        }
        None => complaint.help(format!("its pools: {}", few(&names))),
    }
}

/// Complains about a consumer that says what belongs to its pool, or that cannot be in one.
fn shares(
    scenario: &Scenario,
    (node, consumer): (&Node, &Consumer),
    pool: &WorkerPool,
    complaints: &mut Vec<Complaint>,
) {
    for (key, place) in asks!(consumer).places().into_iter().filter(|(_, place)| place.is_some()) {
        let message = format!("`{key}` belongs to the pool `{}`, whose workers this consumer shares", pool.name.value);
        let complaint = Complaint::error(code::MISPLACED, message).at(place.clone());
        complaints
            .push(complaint.help(format!("say it in [services.{}.worker_pools.{}]", node.name.value, pool.name.value)));
    }
    if scenario.topics.contains_key(&consumer.from.value) {
        let message = format!("not supported yet: `{}` is a topic, and workers share queues only", consumer.from.value);
        let place = consumer.worker_pool.as_ref().and_then(|name| name.place.clone());
        let help =
            "members of a group own partitions, not workers: say `concurrency` for each topic; `cores` are shared";
        complaints.push(Complaint::error(code::NOT_YET, message).at(place).help(help));
    }
}

/// What runs but looks wrong.
pub(super) fn look(node: &Node, complaints: &mut Vec<Complaint>) {
    for pool in node.worker_pools.values() {
        asks!(pool).look(complaints);
        if !node.consumes.iter().any(|one| node.pool_of(one).is_some_and(|own| own.name == pool.name)) {
            let message = format!("no consumer shares the workers of `{}`", pool.name.value);
            let complaint = Complaint::warning(code::UNUSED, message).at(pool.name.place.clone());
            complaints.push(complaint.help(format!("say so in `consumes`: worker_pool = \"{}\"", pool.name.value)));
        }
    }
    for consumer in &node.consumes {
        let drawn = node.pool_of(consumer).is_some_and(|pool| pool.order.value == Turns::Weighted);
        if !drawn && !consumer.weight.is_default() {
            let complaint = Complaint::warning(
                code::UNUSED,
                "`weight` means something only in a worker pool with order = \"weighted\"",
            );
            complaints.push(complaint.at(consumer.weight.place.clone()));
        }
    }
}

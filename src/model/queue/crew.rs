//! Workers that take from several queues.
//!
//! `[services.jobs.worker_pools.all] concurrency = 8` are eight workers of each replica; entries of `consumes` that say
//! `worker_pool = "all"` are what they take from: threads of one process that are subscribed to several queues. A worker handles one
//! message at a time, from whichever queue it comes, so that a busy queue has all of them while the others are quiet, and
//! one queue of slow messages keeps them from all the others. What is done with a message, and what becomes of one that fails, is said
//! in the entry of its queue; how messages are asked for and acknowledged (`prefetch` or `poll`, `batch`, `ack_every`) in the pool, and
//! counts over all its queues. `order` says which queue is next:
//!
//! - `turns`: with room for a message, a worker looks at its queues by turns, behind the one that it had a message from last. What
//!   was delivered and waits beside it is handled as it came. (kombu's `round_robin_cycle`, from which Celery's workers fetch;
//!   Spring AMQP's `SimpleMessageListenerContainer` with several queues: all deliveries wait in one line.)
//! - `strict`: a queue is looked at when those before it in `consumes` have nothing. (Sidekiq's strict order, Shoryuken's `StrictPriority`.) As long
//!   as the first has enough for all workers, the others starve.
//! - `weighted`: the order is drawn anew each time, each queue by its `weight` among those that are left (Sidekiq's weights: the queues, each as often as its
//!   weight, are shuffled, and the first of each counts). A queue of weight 3 is looked at before one of weight 1 three times in four.
//!
//! `prefetch` is what one worker has without acknowledgement of all its queues together (RabbitMQ's `basic.qos` with `global`; Celery's
//! `worker_prefetch_multiplier`); a client that says it for each queue has as many again of each. With more than 1 the
//! order of what a worker already has is its own, and not that of what comes meanwhile: for the order to hold, `prefetch = 1`, or `poll`. With
//! `poll` a worker asks for up to `batch` messages of the first queue that has any, and waits (`poll_wait`) at all of them (Redis' BRPOP
//! over several lists). A channel that is closed for an acknowledgement that is late loses what it has of all queues.
//!
//! Sources: Sidekiq `fetch.rb` (`queues_cmd`), kombu `transport/virtual/base.py` and `utils/scheduling.py`, Spring AMQP
//! `BlockingQueueConsumer`, RabbitMQ documentation "Consumer Prefetch".

use crate::model::id::{CallId, LawId, NodeId, QueueId};
use crate::random::Draw;
use crate::units::Span;

use super::OnError;

/// The consumers of one service that take from the same queues, and share the work on what comes.
#[derive(Clone, Debug)]
pub struct Crew {
    /// The service.
    pub node: NodeId,
    /// What they take, in the order of `consumes`; one where no others share them.
    pub duties: Vec<Duty>,
    /// Which queue they look at first.
    pub turns: Turns,
    /// Consumers of one replica.
    pub members: u32,
    /// The first of all its members in the world's array.
    pub first_member: u32,
    /// Deliveries without acknowledgement of one consumer; `NONE`: no limit.
    pub prefetch: u32,
    /// Messages of one poll.
    pub batch: u32,
    /// Sleep after a poll that found nothing; `None`: the broker pushes.
    pub poll: Option<LawId>,
    /// The longest sleep, where each is twice the one before; `None`: all are alike.
    pub poll_max: Option<Span>,
    /// How long a poll that finds nothing waits at the broker for something.
    pub poll_wait: Option<Span>,
    /// How many messages are acknowledged at once.
    pub ack_every: u32,
    /// And how long after the first of them was handled at the latest.
    pub ack_within: Span,
    /// Names the draws of its polls.
    pub hash: u64,
}

/// What a crew does with the messages of one queue.
#[derive(Clone, Debug)]
pub struct Duty {
    /// The queue.
    pub queue: QueueId,
    /// Its deliveries, as calls of the broker.
    pub call: CallId,
    /// How often it is looked at first, among others.
    pub weight: u32,
    /// Whether a message is acknowledged before it is handled.
    pub ack_before: bool,
    /// What becomes of a message whose handling fails.
    pub on_error: OnError,
    /// Whether handling a message twice is no second effect.
    pub idempotent: bool,
}

/// Which of its queues a worker looks at first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turns {
    /// When each has its turn.
    Even,
    /// When those before it have nothing.
    Strict,
    /// When it is drawn, by weights.
    Weighted,
}

/// Queues that one crew takes from at most: a worker notes in a word in which lines it stands.
pub const MOST_QUEUES: usize = 64;

impl Crew {
    /// Whether it takes from several queues.
    pub fn shares(&self) -> bool {
        self.duties.len() > 1
    }

    /// Which of its duties is about a queue.
    pub fn duty(&self, queue: QueueId) -> Option<u32> {
        (0..).zip(&self.duties).find(|(_, duty)| duty.queue == queue).map(|(at, _)| at)
    }

    /// The duties in the order in which a worker looks at their queues: `turn` is the one that would be next by turns.
    pub fn order(&self, turn: u32, mut draw: Draw) -> Vec<u32> {
        let all = self.duties.len() as u32;
        match self.turns {
            Turns::Even => (0..all).map(|nth| (turn + nth) % all).collect(),
            Turns::Strict => (0..all).collect(),
            Turns::Weighted => {
                let mut left: Vec<u32> = (0..all).collect();
                let next = |_| {
                    let weight = |at: &u32| self.duties[*at as usize].weight;
                    let mut drawn = draw.below(left.iter().map(weight).sum());
                    let found = left.iter().position(|at| {
                        let own = drawn < weight(at);
                        drawn = drawn.saturating_sub(weight(at));
                        own
                    });
                    left.remove(found.unwrap_or(0))
                };
                (0..all).map(next).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::id::NONE;
    use crate::random::{Lineage, Purpose};

    fn crew(turns: Turns, weights: &[u32]) -> Crew {
        let duty = |(at, weight): (u32, &u32)| Duty {
            queue: QueueId(at),
            call: CallId(0),
            weight: *weight,
            ack_before: false,
            on_error: OnError::Retry,
            idempotent: false,
        };
        Crew {
            node: NodeId(0),
            duties: (0..).zip(weights).map(duty).collect(),
            turns,
            members: 1,
            first_member: 0,
            prefetch: 1,
            batch: NONE,
            poll: None,
            poll_max: None,
            poll_wait: None,
            ack_every: 1,
            ack_within: Span::ZERO,
            hash: 7,
        }
    }

    fn draw(nth: u64) -> Draw {
        Draw::new(1, Lineage(5), Purpose::Turn, nth)
    }

    #[test]
    fn turns_go_round_and_a_strict_order_does_not() {
        let (even, strict) = (crew(Turns::Even, &[1, 1, 1]), crew(Turns::Strict, &[1, 1, 1]));
        assert_eq!([even.order(0, draw(0)), even.order(2, draw(0))], [vec![0, 1, 2], vec![2, 0, 1]]);
        assert_eq!(strict.order(2, draw(0)), [0, 1, 2]);
        assert_eq!((even.duty(QueueId(2)), even.duty(QueueId(3))), (Some(2), None));
    }

    /// Sidekiq's way: `[a, a, a, b, b, c].shuffle.uniq`. The first is `a` with 3/6; with `a` gone, `b` is next with 2/3.
    #[test]
    fn weights_are_those_of_a_shuffled_list() {
        let crew = crew(Turns::Weighted, &[3, 2, 1]);
        let (n, mut counts) = (60_000, std::collections::BTreeMap::new());
        for nth in 0..n {
            *counts.entry(crew.order(0, draw(nth))).or_insert(0) += 1;
        }
        let share = |order: [u32; 3]| f64::from(counts[&order.to_vec()]) / n as f64;
        let expected = [([0, 1, 2], 1.0 / 3.0), ([0, 2, 1], 1.0 / 6.0), ([1, 0, 2], 0.25), ([2, 1, 0], 1.0 / 15.0)];
        for (order, p) in expected {
            let off = (share(order) - p) / (p * (1.0 - p) / n as f64).sqrt();
            assert!(off.abs() < 4.0, "{order:?}: {} for {p}", share(order));
        }
        assert_eq!(counts.len(), 6);
    }
}

//! Steps as written.

use std::fmt;

use crate::graph::End;
use crate::random::dist::Law;

use super::{Given, Guards, Place};

/// One step of an endpoint.
#[derive(Clone, Debug)]
pub struct Step {
    /// The whole step in the text.
    pub place: Place,
    /// How often, one after the other (inside `parallel`: at once); default 1.
    pub times: Given<u32>,
    /// How likely; default 1.
    pub probability: Given<f64>,
    /// What.
    pub verb: Verb,
}

/// What a step does.
#[derive(Clone, Debug)]
pub enum Verb {
    /// CPU time.
    Work(Law),
    /// Time without CPU.
    Wait(Law),
    /// A call to a service or external.
    Call(Call),
    /// A call to a database.
    Query(Call),
    /// A look into a cache, and what a miss takes.
    Cache {
        /// The call to the cache.
        call: Call,
        /// In order.
        on_miss: Vec<Step>,
    },
    /// Steps during which one connection of the pool to a database is held, and the tables written to stay locked.
    Transaction {
        /// The database.
        database: Given<String>,
        /// In order.
        steps: Vec<Step>,
    },
    /// A message to a queue, or an event to a topic.
    Publish(Publish),
    /// Branches that wait together.
    Parallel {
        /// The branches; each may be optional.
        branches: Vec<Branch>,
        /// How many must succeed; `None`: all.
        wait_for: Given<Option<u32>>,
    },
    /// One of several ways, by weight.
    Split(Vec<Arm>),
}

/// A branch of `parallel`.
#[derive(Clone, Debug)]
pub struct Branch {
    /// What it does.
    pub step: Step,
    /// Whether it may be missing.
    pub optional: Given<bool>,
}

/// One way of a `split`.
#[derive(Clone, Debug)]
pub struct Arm {
    /// Relative to the sum of all weights.
    pub weight: Given<f64>,
    /// In order; may be empty.
    pub steps: Vec<Step>,
}

/// A node and one of its endpoints, as named.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// The node.
    pub node: String,
    /// The endpoint; empty: the default one.
    pub endpoint: String,
}

impl Target {
    /// The same, borrowed: it is written as an end is.
    pub fn end(&self) -> End<'_> {
        End::named(&self.node, &self.endpoint)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.end().fmt(f)
    }
}

/// What a call carries each way if nobody says: 1 KB.
pub const PAYLOAD: u64 = 1_000;

/// A call as written.
#[derive(Clone, Debug)]
pub struct Call {
    /// Who is called.
    pub target: Given<Target>,
    /// How; `None`: the default transport. Queries have none.
    pub transport: Option<Given<String>>,
    /// Which policy; `None`: the default policy, if any.
    pub policy: Option<Given<String>>,
    /// What it says itself; overrides the policy's.
    pub guards: Guards,
    /// What is done instead when it has failed; `None`: the request fails.
    pub fallback: Option<Given<Vec<Step>>>,
    /// Bytes of the request before encoding; default 1 KB.
    pub request: Given<u64>,
    /// Bytes of the response (of each message of a stream) before encoding; default 1 KB.
    pub response: Given<u64>,
    /// Server streaming: so many messages in the answer; `None`: one body.
    pub stream: Given<Option<u32>>,
    /// Queries: the table; `None`: none that matters.
    pub table: Option<Given<String>>,
    /// Queries: default read.
    pub mode: Given<Mode>,
    /// Calls: whether the caller needs the answer; default true.
    pub uses_reply: Given<bool>,
    /// Whether doing it twice is as good as doing it once; default true.
    pub idempotent: Given<bool>,
}

/// What a query does to its table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Looks.
    Read,
    /// Changes: needs one of the table's writers.
    Write,
    /// Changes, unless somebody else did since the request looked.
    ConditionalWrite,
}

/// A message as written.
#[derive(Clone, Debug)]
pub struct Publish {
    /// The queue or topic.
    pub to: Given<String>,
    /// Whether it was written as `send`.
    pub send: bool,
    /// Topics: what decides the partition; `None`: the topic's.
    pub key: Option<Given<String>>,
    /// Whether the request waits until the broker has it safe; `None`: the queue's `confirms`, otherwise no.
    pub wait_for_ack: Given<Option<bool>>,
}

//! What leaves a run: facts, each a moment. Metrics, traces and audits are made of nothing else.

use crate::units::{Span, Time};

use super::id::{ClientId, EdgeId, EndpointId, FaultId, FlowId, GroupId, NodeId, QueueId, TopicId};
use super::mark::Mark;
use super::open::Open;
use super::outcome::Outcome;
use super::queue::Fate;

/// A moment in a run. `Copy` and without strings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fact {
    /// When a boundary of the measured time passes.
    Marked(Mark),
    /// When a fault begins or ends.
    Struck {
        /// The fault.
        fault: FaultId,
        /// Whether it is on now.
        on: bool,
    },
    /// When a client's request sets out.
    Offered {
        /// The client.
        client: ClientId,
        /// Whether it belongs to the measured cohort.
        measured: bool,
    },
    /// When a client knows how its request ended.
    Answered {
        /// The client.
        client: ClientId,
        /// How.
        outcome: Outcome,
        /// When it was meant to set out.
        intended: Time,
        /// Whether it belongs to the measured cohort.
        measured: bool,
    },
    /// When a call sets out.
    Called {
        /// The edge.
        edge: EdgeId,
        /// Whether the request behind it belongs to the measured cohort.
        measured: bool,
    },
    /// When the caller knows how its call ended.
    Settled {
        /// The edge.
        edge: EdgeId,
        /// How.
        outcome: Outcome,
        /// From the call to now.
        latency: Span,
        /// Whether the request behind it belongs to the measured cohort.
        measured: bool,
    },
    /// When a call is tried again: after a failure, or beside a slow try.
    TriedAgain {
        /// The edge.
        edge: EdgeId,
        /// The client behind it.
        client: ClientId,
        /// Whether it is that client's own call.
        own: bool,
        /// Whether it is a hedge.
        hedge: bool,
        /// Whether the request behind it belongs to the measured cohort.
        measured: bool,
    },
    /// When the caller's own policy refuses a try.
    Limited {
        /// The edge.
        edge: EdgeId,
        /// With which word.
        by: Outcome,
        /// Whether it was the call's first try.
        first: bool,
        /// Whether the request behind it belongs to the measured cohort.
        measured: bool,
    },
    /// When the budget has nothing left for a retry.
    OutOfBudget {
        /// The edge.
        edge: EdgeId,
        /// Whether the request behind it belongs to the measured cohort.
        measured: bool,
    },
    /// When a caller leaves a replica out, because its tries there fail.
    LeftOut {
        /// The edge of the last of them.
        edge: EdgeId,
        /// Whether the request behind that belongs to the measured cohort.
        measured: bool,
    },
    /// At each boundary of the measured time: what a circuit breaker has done since the run began.
    BreakerRead {
        /// Which of `Plan::guards`.
        guard: u32,
        /// How often it has opened.
        opened: u32,
        /// How long it has been open.
        open: Span,
        /// How long it has been half-open.
        half_open: Span,
    },
    /// When the first message of a streamed answer is there, foretold when it leaves.
    Streamed {
        /// The edge.
        edge: EdgeId,
        /// From the call to the decoded message.
        latency: Span,
        /// Whether the request behind it belongs to the measured cohort.
        measured: bool,
    },
    /// When an answer finds that nobody waits for it any more.
    LateReply {
        /// The edge.
        edge: EdgeId,
        /// The client behind it.
        client: ClientId,
        /// Work done for nobody.
        wasted: Span,
    },
    /// When a branch ends that its join no longer waits for.
    Wasted {
        /// The client behind it.
        client: ClientId,
        /// Work done for nobody.
        wasted: Span,
    },
    /// When a request arrives at a node.
    Reached {
        /// The node.
        node: NodeId,
        /// The endpoint.
        endpoint: EndpointId,
    },
    /// When the replicas of a node come or go.
    Replicas {
        /// The node.
        node: NodeId,
        /// Those that start or are ready.
        there: u32,
        /// Of these, ready and up.
        ready: u32,
    },
    /// When an autoscaler has looked at a node.
    Weighed {
        /// The node.
        node: NodeId,
        /// The metric, as an average over the node's replicas.
        metric: f64,
        /// Replicas that there are to be.
        wanted: u32,
    },
    /// When a request is turned away at once.
    Refused {
        /// The node.
        node: NodeId,
    },
    /// When a request joins the line.
    Queued {
        /// The node.
        node: NodeId,
    },
    /// When a request leaves the line, to a worker or for good.
    Dequeued {
        /// The node.
        node: NodeId,
    },
    /// When the line of a replica becomes full (+1) or is no longer (−1).
    Full {
        /// The node.
        node: NodeId,
        /// Whether it is full now.
        full: bool,
    },
    /// When a request takes a worker.
    Entered {
        /// The node.
        node: NodeId,
    },
    /// When a request frees its worker.
    Left {
        /// The node.
        node: NodeId,
    },
    /// When CPU work begins.
    Started {
        /// The node.
        node: NodeId,
        /// Thousandths of the replica's shared cores that it sets to work; 0 where every worker has its own.
        cores: u32,
        /// Whether a worker does it; a handshake's cryptography needs cores but no worker.
        worker: bool,
    },
    /// When CPU work ends or is interrupted.
    Stopped {
        /// The node.
        node: NodeId,
        /// Thousandths of the replica's shared cores that fall idle; 0 where every worker has its own.
        cores: u32,
        /// Whether a worker did it.
        worker: bool,
    },
    /// When a request has waited too long and leaves the line.
    Abandoned {
        /// The node.
        node: NodeId,
    },
    /// When a record is published: its producer has it.
    Produced {
        /// The topic.
        topic: TopicId,
    },
    /// When a batch is appended.
    Appended {
        /// The topic.
        topic: TopicId,
        /// Records in it.
        records: u32,
    },
    /// When a batch is safe, and every group has so many records more to read.
    Exposed {
        /// The topic.
        topic: TopicId,
        /// Records in it.
        records: u32,
    },
    /// When records are lost with the leader that alone had them.
    Forfeited {
        /// The topic.
        topic: TopicId,
        /// How many.
        records: u32,
    },
    /// When a member of a group begins to work on a record.
    Read {
        /// The group.
        group: GroupId,
        /// When it was published.
        published: Time,
        /// Whether the group has worked on it before.
        repeats: bool,
    },
    /// When a group is past a record: it was handled, or given up.
    Passed {
        /// The group.
        group: GroupId,
        /// When it was published.
        published: Time,
        /// Whether whoever handled it had been given up by the group, which is no further by it.
        stale: bool,
        /// Whether the group has been past it before.
        repeats: bool,
    },
    /// When records will come to a group again.
    Rewound {
        /// The group.
        group: GroupId,
        /// How many.
        records: u64,
    },
    /// When a group passes over records.
    Skipped {
        /// The group.
        group: GroupId,
        /// How many.
        records: u64,
        /// Of these, never worked on to the end.
        missed: u64,
    },
    /// When a group has given its partitions to its members anew.
    Rebalanced {
        /// The group.
        group: GroupId,
    },
    /// When a node answers.
    Replied {
        /// The node.
        node: NodeId,
        /// The endpoint.
        endpoint: EndpointId,
        /// How.
        outcome: Outcome,
        /// Whether it had joined the line (was not refused).
        joined: bool,
        /// Since it arrived.
        sojourn: Span,
        /// Of this, in line.
        waited: Span,
    },
    /// When an answer leaves that was gathered from several, some of which it may do without.
    Gathered {
        /// The endpoint.
        endpoint: EndpointId,
        /// Whether some are missing.
        partial: bool,
        /// Since its request arrived.
        sojourn: Span,
    },
    /// When a message comes to a proxy, or a handshake: it is known then when it goes on.
    Forwarded {
        /// The proxy.
        node: NodeId,
        /// What it is counted under.
        endpoint: EndpointId,
        /// How long it will wait for a worker.
        waited: Span,
        /// What that will do with it.
        work: Span,
    },
    /// When a proxy will still be at work on a message that has gone on.
    Recorded {
        /// The proxy.
        node: NodeId,
        /// From when on, counted from now.
        after: Span,
        /// For how long.
        work: Span,
    },
    /// When a cache was looked into.
    Looked {
        /// The cache.
        node: NodeId,
        /// Whether what was looked for was there.
        hit: bool,
    },
    /// When a queue has a new message.
    Published {
        /// The queue.
        queue: QueueId,
        /// Whether it counts: it came in the measured time.
        counted: bool,
    },
    /// When a queue has no room for a message.
    Rejected {
        /// The queue.
        queue: QueueId,
    },
    /// When a message finds its broker down.
    Lost {
        /// The queue.
        queue: QueueId,
    },
    /// When the messages that wait for room become one more or one fewer.
    Blocked {
        /// The queue.
        queue: QueueId,
        /// Whether one more.
        up: bool,
    },
    /// When the messages ready for delivery become one more or one fewer.
    Depth {
        /// The queue.
        queue: QueueId,
        /// Whether one more.
        up: bool,
    },
    /// When a message leaves for a consumer.
    Delivered {
        /// The queue.
        queue: QueueId,
        /// Whether it was delivered before.
        again: bool,
        /// Whether it counts.
        counted: bool,
    },
    /// When a consumer begins with a message.
    Taken {
        /// The queue.
        queue: QueueId,
        /// Since it was ready.
        waited: Span,
        /// Whether it counts.
        counted: bool,
    },
    /// When a message goes back to its queue.
    Returned {
        /// The queue.
        queue: QueueId,
        /// Whether it counts.
        counted: bool,
    },
    /// When a message is gone from its queue.
    Disposed {
        /// The queue.
        queue: QueueId,
        /// What became of it.
        fate: Fate,
        /// Whether it was ready, not with a consumer.
        ready: bool,
        /// Whether it counts.
        counted: bool,
    },
    /// When a message has its effect once more.
    Duplicate {
        /// The client behind it.
        client: ClientId,
        /// Where.
        endpoint: EndpointId,
        /// Over which call or delivery it came.
        edge: EdgeId,
        /// Whether the request behind it belongs to the measured cohort.
        measured: bool,
    },
    /// When a request sets out that begins a flow.
    Began {
        /// The flow.
        flow: FlowId,
        /// Whether the request belongs to the measured cohort.
        measured: bool,
    },
    /// When a flow is done, or can no longer be.
    Ended {
        /// The flow.
        flow: FlowId,
        /// How.
        outcome: Outcome,
        /// When its request was meant to set out.
        intended: Time,
        /// Whether the request belongs to the measured cohort.
        measured: bool,
        /// How long its client has had its answer by then, a good one; `None`: it had none.
        promised: Option<Span>,
    },
    /// When a flow's end is reached once more.
    Again {
        /// The flow.
        flow: FlowId,
        /// Whether the request belongs to the measured cohort.
        measured: bool,
    },
    /// When the run stops and something has not ended that began, or was meant to set out, at a time.
    LeftOpen(Open, Time),
}

// A probe takes it in four registers.
const _: () = assert!(size_of::<Fact>() <= 32);

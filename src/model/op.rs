//! The operations a program is made of. A frame walks them; the machine is one `match` over them.

use super::id::{CallId, EdgeId, ForkId, LawId, LenderId, LookupId, MeterId, Pc, PostId, ProducerId, SplitId};
use super::outcome::Outcome;

/// One operation. `site` names the use of a draw: stable under reordering, unique within a program.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Op {
    /// When a request has arrived at a node that may refuse it at its door.
    Admit,
    /// When a request has arrived: it takes a worker, waits in line for one, or is refused.
    Enter,
    /// When work on a request is about to begin: one that is late is dropped, one that is tied to others tells them.
    Begin {
        /// Whether the node drops what is late.
        drops: bool,
    },
    /// When the work of a request that must not be done twice is done.
    Effect,
    /// When a request that gave its worker up needs CPU again: it takes a worker or waits in line; never refused.
    Resume,
    /// When a request gives its worker up; the line moves on.
    Leave,
    /// When a branch needs the worker of its parent: one branch at a time.
    Turn,
    /// When a branch lets the next one have the parent's worker.
    GiveTurn,
    /// CPU time on the worker held.
    Work {
        /// How much.
        law: LawId,
        /// Name of the draw.
        site: u32,
    },
    /// The caller encodes its request.
    Encode(CallId),
    /// The callee decodes the request.
    Receive,
    /// The callee encodes its answer, or of a stream the first message.
    Answer,
    /// The callee encodes the rest of a stream.
    Stream,
    /// The caller decodes the answer.
    Decode(CallId),
    /// The caller decodes a stream, all but the last message, while its messages come.
    DecodeAhead(CallId),
    /// It has decoded these.
    DecodedAhead,
    /// The whole stream is there: what is decoded of it by now is done.
    Gather(CallId),
    /// The caller decodes the rest of a stream, its last message and what it had no time for before.
    DecodeRest(CallId),
    /// A try opens a connection, a stage at a time.
    Dial,
    /// A query asks for a lock on its whole table, with others or alone.
    Grip,
    /// A query asks for the lock of the table it writes to.
    Lock,
    /// A query has done its work: a read notes what it saw, a conditional write of something that changed since goes on at
    /// `fail`.
    Compare {
        /// Where to go on after a conflict.
        fail: Pc,
    },
    /// A query has done its work at a database whose replicas lag: a write shows there after a while, a read may be stale.
    Replicate(LawId),
    /// A query gives its lock back.
    Unlock,
    /// A transaction that failed undoes what it wrote.
    RollBack,
    /// A transaction gives all its locks back.
    EndTransaction,
    /// A transaction needs a database connection; without one the frame goes on at `fail`.
    Borrow {
        /// Whose.
        lender: LenderId,
        /// Where it counts as a call if there is none.
        edge: EdgeId,
        /// Where to go on after a failure.
        fail: Pc,
    },
    /// A database connection is given back.
    GiveBack(LenderId),
    /// A request whose caller has given up stops here, if the caller's transport tells it so.
    Check {
        /// Where to stop.
        fail: Pc,
    },
    /// Time that needs no CPU.
    Wait {
        /// How much.
        law: LawId,
        /// Name of the draw.
        site: u32,
    },
    /// A call to another node; on failure the frame goes on at `fail`.
    Call {
        /// The call-site.
        call: CallId,
        /// Where to go on after a failure.
        fail: Pc,
    },
    /// A cache has answered: on a hit the frame goes on at `hit`.
    Look {
        /// The step.
        lookup: LookupId,
        /// Where to go on after a hit.
        hit: Pc,
    },
    /// A miss: the frame goes on to fetch, or waits for another that fetches the same and goes on at `hit`, or at `fail`.
    Fetch {
        /// The step.
        lookup: LookupId,
        /// Where to go on when the other has fetched it.
        hit: Pc,
        /// Where to go on when the other has failed.
        fail: Pc,
    },
    /// What was fetched is put into the cache.
    Fill(LookupId),
    /// The fetch has failed.
    Forsake(LookupId),
    /// Who keeps the count that the replicas of a node share has answered: the request comes in, or is refused.
    Meter {
        /// Which count.
        meter: MeterId,
        /// Whether it holds a worker.
        held: bool,
    },
    /// A record leaves for its topic; the frame goes on at once, or when the record is safe, or at `fail` if it is given up.
    Produce {
        /// From where to which topic.
        producer: ProducerId,
        /// Where to go on when it is given up.
        fail: Pc,
    },
    /// A message leaves for its queue; where the publisher waits for it, a failure goes on at `fail`.
    Publish {
        /// The step.
        post: PostId,
        /// Where to go on after a failure.
        fail: Pc,
    },
    /// A message that was delivered waits for its consumer.
    Take,
    /// A consumer is done with its message.
    Handled(Outcome),
    /// Entry into a function call: lineage and clock of the callee begin.
    Descend {
        /// The call-site.
        call: CallId,
    },
    /// Return from a function call.
    Ascend {
        /// The call-site.
        call: CallId,
        /// How it ended.
        outcome: Outcome,
    },
    /// Branches set out; the frame goes on at the next operation when enough have succeeded, at `fail` when that cannot be.
    Fork {
        /// The branches.
        fork: ForkId,
        /// Where to go on after a failure.
        fail: Pc,
    },
    /// With probability `share` the next operation, otherwise `skip`.
    Chance {
        /// Probability of going on.
        share: f32,
        /// Name of the draw.
        site: u32,
        /// Where to go otherwise.
        skip: Pc,
    },
    /// One of several ways.
    Split {
        /// The ways.
        split: SplitId,
        /// Name of the draw.
        site: u32,
    },
    /// Somewhere else.
    Jump(Pc),
    /// With probability `share` the request fails.
    Fails {
        /// Probability of failing.
        share: f32,
        /// Name of the draw.
        site: u32,
        /// Where to go then.
        fail: Pc,
    },
    /// An answer that was gathered is about to leave: whether parts of it are missing is told.
    Missing,
    /// The answer leaves; the program is over.
    Reply(Outcome),
    /// The same after a failure, in a program with transactions: one that was the victim of a deadlock says so.
    OwnUp,
    /// A client's request is over, as its call ended.
    Conclude,
    /// What a try handed over to is over, and so is the try; a waypoint answers as it was answered.
    Relay,
    /// A branch is over.
    End(Outcome),
    /// A branch that chance leaves out is over: it is as if it were not there.
    Absent,
    /// A member of a group is done with its record.
    Pass(Outcome),
}

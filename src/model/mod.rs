//! The scenario as run: an immutable plan, the operations programs are made of, the facts that leave a run, and the
//! families whose members are one file each.

pub mod balance;
pub mod cache;
pub mod cause;
pub mod contention;
pub mod discovery;
pub mod fact;
pub mod fault;
pub mod id;
pub mod line;
pub mod mark;
pub mod op;
pub mod open;
pub mod outcome;
pub mod plan;
pub mod policy;
pub mod probe;
pub mod queue;
pub mod source;
pub mod stream;
pub mod transport;

pub use cause::{Cause, Cell};
pub use fact::Fact;
pub use id::{
    CallId, ClientId, CrewId, EdgeId, EndpointId, FaultId, FlowId, ForkId, GroupId, LaneId, LawId, LenderId, LinkId,
    LookupId, MeterId, NodeId, Pc, PostId, ProducerId, QueueId, SplitId, TableId, TopicId,
};
pub use mark::Mark;
pub use op::Op;
pub use open::Open;
pub use outcome::Outcome;
pub use plan::Plan;
pub use probe::{Answer, Aside, Calm, Hear, Opening, Probe, Trace};

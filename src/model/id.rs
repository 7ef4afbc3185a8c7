//! Indices into the plan. Ids are given in name order, so that ties never follow the order of the file.

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u32);

        impl $name {
            /// As an index.
            #[inline]
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }
    )*};
}

ids! {
    /// A node: service, database, external or client.
    NodeId;
    /// An endpoint of a node.
    EndpointId;
    /// A caller node and a callee endpoint.
    EdgeId;
    /// A caller node and a callee node: what balancing state hangs on.
    LinkId;
    /// One call-site of a program.
    CallId;
    /// A population outside.
    ClientId;
    /// A distribution.
    LawId;
    /// A `parallel` of a program.
    ForkId;
    /// A `split` of a program.
    SplitId;
    /// A distinct timeout.
    LaneId;
    /// A pool of database connections.
    LenderId;
    /// Something that goes wrong.
    FaultId;
    /// A table with locks.
    TableId;
    /// A topic.
    TopicId;
    /// A group of consumers of a topic.
    GroupId;
    /// A step that publishes to a topic.
    ProducerId;
    /// A queue.
    QueueId;
    /// The consumers of one queue in one service.
    CrewId;
    /// A step that publishes.
    PostId;
    /// What done means: a flow.
    FlowId;
    /// A step that looks into a cache.
    LookupId;
    /// A count that the replicas of a node share.
    MeterId;
    /// An operation of the flat program.
    Pc;
}

/// No index: the end of lists, nobody's caller.
pub const NONE: u32 = u32::MAX;

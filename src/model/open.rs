//! What may be left open when a run stops.

use super::id::{ClientId, EdgeId, EndpointId, FlowId, GroupId, QueueId};

/// Something that has not ended when a run stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Open {
    /// A measured request of a client.
    Request(ClientId),
    /// A call on behalf of a measured request.
    Call(EdgeId),
    /// A visit to an endpoint.
    Visit(EndpointId),
    /// A flow that a measured request began.
    Flow(FlowId),
    /// A message that counts.
    Message(QueueId),
    /// A record that a group is not past.
    Record(GroupId),
}

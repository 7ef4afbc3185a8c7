//! Call-sites at hand: what every step of a call needs, which the plan spreads over calls, endpoints, links and laws.

use crate::model::id::NONE;
use crate::model::plan::{Call, Plan};
use crate::model::{EdgeId, EndpointId, LawId, NodeId, Pc};
use crate::units::Span;

/// One call-site.
#[derive(Clone, Copy, Debug)]
pub(super) struct Site {
    /// Names the lineage of its tries.
    pub(super) name: u64,
    pub(super) edge: EdgeId,
    pub(super) endpoint: EndpointId,
    pub(super) node: NodeId,
    /// Program of the endpoint.
    pub(super) entry: Pc,
    /// First replica of the node.
    pub(super) first: u32,
    /// Whether there is nothing to it but these two constant latencies: one replica, no timeout, no connection, no
    /// bandwidth or loss, no proxy.
    pub(super) plain: bool,
    /// Whether a policy stands in front of it.
    pub(super) guarded: bool,
    pub(super) there: Span,
    pub(super) back: Span,
}

impl Site {
    /// The call-sites of a plan.
    pub(super) fn all(plan: &Plan) -> Vec<Self> {
        plan.calls.iter().map(|call| Self::new(plan, call)).collect()
    }

    fn new(plan: &Plan, call: &Call) -> Self {
        let (link, endpoint) = (plan.link(call.link), plan.endpoint(call.endpoint));
        let constant = |law: LawId| plan.law(law).constant().map(Span);
        let (there, back) = (constant(call.there), constant(call.back));
        let bare = call.guard == NONE && call.timeout.is_none() && call.channel == NONE && call.proxy.is_none();
        Self {
            name: call.site,
            edge: call.edge,
            endpoint: call.endpoint,
            node: endpoint.node,
            entry: endpoint.entry,
            first: link.first,
            plain: bare && !link.choice && !link.tracks && link.pipe.is_none() && there.is_some() && back.is_some(),
            guarded: call.guard != NONE,
            there: there.unwrap_or_default(),
            back: back.unwrap_or_default(),
        }
    }
}

//! Call-sites at hand: what every step of a call needs, which the plan spreads over calls, endpoints, links and laws.

use crate::model::fault::Fault;
use crate::model::id::NONE;
use crate::model::plan::{Call, Codec, Plan};
use crate::model::{EdgeId, EndpointId, LawId, NodeId, Pc};
use crate::units::Span;

/// One call-site.
#[expect(clippy::struct_excessive_bools, reason = "each spares a call a step that it does not need")]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Site {
    /// Names the lineage of its tries.
    pub(crate) name: u64,
    pub(crate) edge: EdgeId,
    pub(crate) endpoint: EndpointId,
    pub(crate) node: NodeId,
    /// Program of the endpoint.
    pub(crate) entry: Pc,
    /// First replica of the node.
    pub(crate) first: u32,
    /// Its connections; `NONE` where it needs none.
    pub(crate) channel: u32,
    /// Whether there is nothing to choose or to hold: one replica, no connection, and no address that may be wrong.
    pub(crate) bare: bool,
    /// Whether there is nothing to it but these two constant latencies: bare and straight, no timeout, no policy.
    pub(crate) plain: bool,
    /// The policies in front of it; `NONE` where there are none.
    pub(crate) guard: u32,
    /// Whether an answer only has to be told to whoever waits: nothing is held for a try, and no policy judges it.
    pub(crate) loose: bool,
    /// Whether tries are counted per replica, for a balancer that looks at that.
    pub(crate) tracks: bool,
    /// The lane of its timeout; `NONE` where its caller waits for ever.
    pub(crate) lane: u32,
    pub(crate) ways: Ways,
    /// What its messages cost.
    pub(crate) coding: Coding,
}

/// The latencies of a call-site, where these are constant.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ways {
    /// Whether messages take these and nothing else: no bandwidth or loss, no proxy, no channel with messages too big for a fresh connection.
    pub(crate) straight: bool,
    pub(crate) there: Span,
    pub(crate) back: Span,
}

/// CPU that the messages of a call-site cost, ns.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Coding {
    pub(crate) encode: u64,
    pub(crate) receive: u64,
    pub(crate) answer: u64,
    /// All messages of the answer together.
    pub(crate) decode: u64,
}

impl Coding {
    fn new(codec: &Codec) -> Self {
        let decode = codec.decode.0 * u64::from(codec.messages);
        Self { encode: codec.encode.0, receive: codec.receive.0, answer: codec.answer.0, decode }
    }
}

impl Site {
    /// The call-sites of a plan.
    pub(crate) fn all(plan: &Plan) -> Vec<Self> {
        plan.calls.iter().map(|call| Self::new(plan, call)).collect()
    }

    fn new(plan: &Plan, call: &Call) -> Self {
        let (link, endpoint) = (plan.link(call.link), plan.endpoint(call.endpoint));
        let constant = |law: LawId| plan.law(law).constant().map(Span);
        let (there, back) = (constant(call.there), constant(call.back));
        let late = |f: &Fault| f.effect.delays() && f.links.contains(&call.link.0);
        let near = call.reach == NONE;
        let direct =
            near && call.proxy.is_none() && call.route == NONE && link.pipe.is_none() && call.segments == [0, 0];
        let straight = direct && !plan.faults.iter().any(late) && there.is_some() && back.is_some();
        let wired = call.channel != NONE || call.lender != NONE;
        let bare = !link.choice && !wired;
        let unruled = call.timeout.is_none() && call.guard == NONE && !link.tracks;
        Self {
            name: call.site,
            edge: call.edge,
            endpoint: call.endpoint,
            node: endpoint.node,
            entry: if call.is_relayed() { call.inner } else { endpoint.entry },
            first: link.first,
            guard: call.guard,
            loose: call.timeout.is_none() && !wired && call.guard == NONE,
            channel: call.channel,
            bare,
            plain: bare && unruled && straight,
            tracks: link.tracks && !call.hands_over(),
            lane: call.timeout.map_or(NONE, |lane| lane.0),
            ways: Ways { straight, there: there.unwrap_or_default(), back: back.unwrap_or_default() },
            coding: plan.codecs.get(call.codec as usize).map(Coding::new).unwrap_or_default(),
        }
    }
}

//! What the plan tells of a frame, and what frames tell of one another.

use crate::model::balance::Balancer;
use crate::model::discovery::Readiness;
use crate::model::id::NONE;
use crate::model::plan::{Codec, Life};
use crate::model::transport::Channel;
use crate::model::{EdgeId, Fact, LenderId, LookupId, NodeId, Op, Probe, ProducerId};
use crate::random::{Draw, Lineage, Purpose};
use crate::units::Span;

use crate::machine::core::frame::Origin;
use crate::machine::core::{Core, DIAL};

impl<P: Probe> Core<'_, P> {
    pub(crate) fn codec_of_stream(&self, call: u32) -> Option<Codec> {
        let codec = self.plan.codecs.get(self.plan.calls[call as usize].codec as usize);
        codec.filter(|codec| codec.messages > 1).copied()
    }

    /// Tells whether an answer that is about to leave is without a part.
    pub(crate) fn tell_missing(&mut self, at: u32) {
        let (frame, now) = (&self.frames[at], self.now);
        let (endpoint, partial) = (self.sites[frame.call as usize].endpoint, frame.marks.partial);
        let sojourn = now.since(frame.trip.arrived);
        self.tell(Fact::Gathered { endpoint, partial, sojourn });
    }

    /// Whether the tries of a call are tied.
    pub(crate) fn is_tied(&self, call: u32) -> bool {
        let rules = self.plan.guards.get(self.plan.calls[call as usize].guard as usize);
        rules.is_some_and(|guard| self.plan.rules[guard.rules as usize].hedge.is_some_and(|hedge| hedge.tied))
    }

    pub(crate) fn is_unbegun(&self, pc: u32) -> bool {
        let before = |op: &&Op| matches!(op, Op::Grip | Op::Lock | Op::Admit | Op::Enter | Op::Begin { .. });
        let mut ahead = self.plan.ops[pc as usize..].iter().take_while(before);
        pc == DIAL.0 || ahead.any(|op| matches!(op, Op::Begin { .. }))
    }

    /// The lineage of a look, which names its key: that of the call it makes.
    pub(crate) fn look_lineage(&self, at: u32, id: LookupId) -> Lineage {
        self.frames[at].lineage.child(self.plan.lookups[id.index()].site, 0)
    }

    /// What names a call, whichever of its tries this is: keys hang on that.
    pub(crate) fn call_lineage(&self, at: u32) -> Lineage {
        let frame = &self.frames[at];
        let link = self.plan.calls[frame.call as usize].link;
        let guard = &self.frames[frame.caller];
        let keyed = matches!(self.plan.link(link).balancer, Balancer::Hash { .. });
        if keyed && guard.origin == Origin::Guard { guard.lineage } else { frame.lineage }
    }

    pub(crate) fn channel_of(&self, at: u32) -> &Channel {
        let call = &self.plan.calls[self.frames[at].call as usize];
        &self.plan.channels[call.channel as usize]
    }

    /// When a replica is first probed.
    pub(crate) fn phase_of(&self, replica: u32, probes: Readiness) -> Span {
        let node = self.plan.node(self.node_of(replica));
        let lineage = Lineage::root(node.hash, u64::from(replica - node.first_replica));
        let phase = Draw::new(self.seed, lineage, Purpose::Probe, 0).unit();
        Span((probes.every.0 as f64 * phase) as u64)
    }

    #[inline]
    pub(crate) fn purse(&self, id: LenderId, replica: u32) -> usize {
        let lender = &self.plan.lenders[id.index()];
        let own = if lender.shared { 0 } else { replica - lender.first_caller };
        (lender.first_purse + own) as usize
    }

    /// Who is to hold the lock of a query: its transaction, as long as that waits for it, otherwise itself.
    pub(crate) fn owner(&self, at: u32) -> u32 {
        let transaction = self.plan.calls[self.frames[at].call as usize].in_transaction;
        self.asker(at).filter(|_| transaction).unwrap_or(at)
    }

    /// The frame whose step a query is, while that waits for it: a policy in between is not it.
    pub(crate) fn asker(&self, at: u32) -> Option<u32> {
        let waits = |at: u32| {
            let frame = &self.frames[at];
            (!frame.marks.abandoned && frame.caller != NONE).then_some(frame.caller)
        };
        let caller = waits(at)?;
        if self.frames[caller].origin == Origin::Guard { waits(caller) } else { Some(caller) }
    }

    /// The name of the request in a frame, function calls under way in it aside.
    pub(crate) fn request_of(&mut self, at: u32) -> Lineage {
        let own = self.frames[at].lineage;
        self.frames.scopes(at).first().map_or(own, |scope| scope.lineage)
    }

    /// The replica of a try's caller, counted from its node's first; whoever gave up counts as the first.
    pub(crate) fn caller_of(&self, at: u32) -> u32 {
        let frame = &self.frames[at];
        let link = self.plan.link(self.plan.calls[frame.call as usize].link);
        if frame.caller == NONE { 0 } else { self.frames[frame.caller].replica - link.first_caller }
    }

    /// The proxies that stand beside a replica.
    pub(crate) fn proxies_of(&self, replica: u32) -> impl Iterator<Item = u32> {
        let node = self.node_of(replica);
        let nth = replica - self.plan.node(node).first_replica;
        let own = self.plan.proxies.iter().filter(move |proxy| proxy.of.contains(&node));
        own.map(move |proxy| proxy.first + nth % proxy.replicas)
    }

    /// The nodes of some replicas, each once.
    pub(crate) fn nodes_of(&self, replicas: &[u32]) -> Vec<NodeId> {
        let mut nodes: Vec<NodeId> = replicas.iter().map(|replica| self.node_of(*replica)).collect();
        nodes.dedup();
        nodes
    }

    pub(crate) fn edge_of(&self, guard: u32) -> EdgeId {
        self.plan.calls[self.frames[guard].call as usize].edge
    }

    /// Whether probes of a replica stand in line with requests: those of services and gateways do.
    pub(crate) fn is_asked(&self, replica: u32) -> bool {
        matches!(self.plan.node(self.node_of(replica)).kind, "service" | "gateway")
    }

    /// The replicas of a node, in their order.
    pub(crate) fn replicas_of(&self, node: NodeId) -> std::ops::Range<u32> {
        let node = self.plan.node(node);
        node.first_replica..node.first_replica + node.replicas
    }

    pub(crate) fn life_of(&self, replica: u32) -> Option<&Life> {
        self.plan.node(self.node_of(replica)).life.as_ref()
    }

    /// Whether a try needs a connection.
    #[inline]
    pub(crate) fn is_wired(&self, at: u32) -> bool {
        self.plan.calls[self.frames[at].call as usize].channel != NONE
    }

    /// The node of the broker that a step publishes to.
    pub(crate) fn broker_of(&self, producer: ProducerId) -> NodeId {
        self.plan.topics[self.plan.producers[producer.index()].topic as usize].node
    }
}

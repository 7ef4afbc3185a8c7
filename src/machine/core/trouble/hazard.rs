//! Faults that do not take a replica down: work that takes longer, requests that fail, messages that are late or vanish,
//! replicas that restart in turn.

use crate::model::fault::{Effect, Fault, Mode};
use crate::model::id::NONE;
use crate::model::{Cause, EdgeId, Probe};
use crate::random::Lineage;
use crate::units::Span;

use crate::machine::core::Core;

pub(crate) fn enlist(list: &mut Vec<u32>, fault: u32, on: bool) {
    if on {
        list.push(fault);
    } else {
        list.retain(|f| *f != fault);
    }
}

/// Time that is `factor` times as long.
pub(crate) fn stretch(span: Span, factor: f64) -> Span {
    if factor.to_bits() == 1.0f64.to_bits() { span } else { Span((span.0 as f64 * factor).round() as u64) }
}

impl<'p, P: Probe> Core<'p, P> {
    /// A fault begins or ends on the links and edges it happens to.
    pub(crate) fn turn_links(&mut self, fault: u32, on: bool) {
        for link in &self.plan.faults[fault as usize].links {
            enlist(&mut self.trouble.on_link[*link as usize], fault, on);
        }
        for edge in &self.plan.faults[fault as usize].edges {
            enlist(&mut self.trouble.on_edge[*edge as usize], fault, on);
        }
    }

    /// Faults that are on between a publisher and its broker.
    fn between(&self, edge: EdgeId) -> impl Iterator<Item = &'p Fault> {
        let on = self.trouble.on_edge.get(edge.index()).into_iter().flatten();
        let plan = self.plan;
        on.map(|fault| &plan.faults[*fault as usize])
    }

    /// Whether a fault turns away what is published under this name.
    pub(crate) fn is_turned_away(&self, edge: EdgeId, lineage: Lineage) -> bool {
        self.between(edge).any(|fault| fault.effect.fails(fault.hash, self.seed, lineage))
    }

    /// Whether the network between a publisher and its broker drops messages.
    pub(crate) fn is_parted(&self, edge: EdgeId) -> bool {
        let drops = |fault: &Fault| matches!(fault.effect, Effect::Partition | Effect::Outage { mode: Mode::Drop });
        self.between(edge).any(drops)
    }

    /// How long work takes on a replica where each worker has its own core.
    #[inline(never)]
    pub(crate) fn stretched(&self, replica: u32, work: u64) -> Span {
        stretch(Span(work), self.trouble.plights[replica as usize].slow)
    }

    /// How much work the rest of a stretch of time is.
    pub(crate) fn unstretched(&self, replica: u32, left: Span) -> u64 {
        stretch(left, 1.0 / self.trouble.plights[replica as usize].slow).0
    }

    /// The time that faults add to a message on its way there or back, charged to them.
    #[inline(never)]
    pub(crate) fn delay(&mut self, at: u32, back: bool) -> Span {
        let (call, lineage) = (self.frames[at].call, self.frames[at].lineage);
        let link = self.plan.calls[call as usize].link;
        let on = self.trouble.on_link[link.index()].iter().map(|fault| &self.plan.faults[*fault as usize]);
        let on = on.filter(|fault| fault.hits(link.0, back) && self.is_hit(fault, at, back));
        let added = Span(on.map(|fault| fault.effect.delay(fault.hash, self.seed, lineage, back).0).sum());
        self.charge_for(at, Cause::Fault, added);
        added
    }

    /// Whether a fault that happens to a link happens to a try's message over it.
    fn is_hit(&self, fault: &Fault, at: u32, back: bool) -> bool {
        let frame = &self.frames[at];
        if fault.inside.is_empty() {
            return true;
        }
        let caller = if frame.caller == NONE { frame.replica } else { self.frames[frame.caller].replica };
        fault.is_between([caller, frame.replica], back)
    }

    /// Whether a try's messages cross the border of what a fault happens to.
    pub(crate) fn is_across(&self, fault: &Fault, at: u32) -> bool {
        self.is_hit(fault, at, false)
    }

    /// Whether a frame has to wait for the end of a fault.
    pub(crate) fn is_stuck(&self, at: u32) -> bool {
        self.is_frozen(self.frames[at].replica)
    }

    /// Frames that waited for the end of a fault go on.
    pub(crate) fn unpark(&mut self) {
        for at in std::mem::take(&mut self.trouble.parked) {
            if self.is_stuck(at) {
                self.trouble.parked.push(at);
            } else {
                self.charge(at, Cause::Fault);
                self.ready.push_back(at);
            }
        }
    }
}

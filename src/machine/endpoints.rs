//! Which replicas of a node callers may pick: what the control plane would publish now, and what each caller has heard.

use crate::model::{NodeId, Outcome, Probe};
use crate::units::Span;

use super::Machine;
use super::channel::Hold;
use super::event::Event;
use super::frame::Cut;
use super::walk::GONE;

impl<P: Probe> Machine<'_, P> {
    /// The replicas of a node that take requests have changed: its callers hear of it, at once.
    pub(super) fn publish_endpoints(&mut self, node: NodeId) {
        let plan = self.plan;
        for (link, base) in plan.links.iter().zip(&self.memory_base).filter(|(link, _)| link.to == node) {
            let callers = plan.node(link.from).replicas;
            for memory in &mut self.memories[*base as usize..(base + callers) as usize] {
                memory.view = self.endpoints[node.index()].as_deref().map(Into::into);
            }
        }
    }

    /// A try fails before it has left: its caller knows of no replica, or no connection could be opened.
    #[cold]
    pub(super) fn fail_unsent(&mut self, at: u32, outcome: Outcome) {
        if self.is_wired(at) {
            self.holds.resize(self.frames.peak().max(self.holds.len()), Hold::default());
        }
        let frame = &mut self.frames[at];
        frame.pc = GONE;
        frame.outcome = outcome;
        frame.cut = Cut::Unsent;
        self.schedule(Span::ZERO, Event::Return(at));
    }
}

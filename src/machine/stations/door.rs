//! What a replica refuses at its door: rate limits, shedding, adaptive limits of gateways and services.

use crate::model::policy::{Intake, Verdict};
use crate::model::{Cause, Fact, Outcome, Pc, Probe, plan};
use crate::random::{Draw, Purpose};

use crate::machine::core::Core;
use crate::machine::stations::Stations;

/// Names the draw of an answer that an adaptive limit hears of.
const ANSWER: u64 = 0x616e_7377_6572;

/// The doors of all replicas, in the order of replicas; none at all where no node has one.
pub(crate) fn intakes(plan: &plan::Plan) -> Vec<Option<Intake>> {
    if plan.nodes.iter().all(|node| node.intake.is_none()) {
        return Vec::new();
    }
    let clients = plan.clients.len();
    let of = |node: &plan::Node| node.intake.map(|spec| Intake::new(spec, clients));
    plan.nodes.iter().flat_map(|node| vec![of(node); node.replicas as usize]).collect()
}

impl Stations {
    /// A request arrives at a node with an intake: it goes on to ask for a worker, or is refused with an outcome.
    #[inline(never)]
    pub(crate) fn admit<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, next: Pc) -> Option<Outcome> {
        let frame = &mut core.frames[at];
        frame.pc = next.0;
        let (index, client, priority) = (frame.replica as usize, usize::from(frame.whose.client), frame.whose.priority);
        let oldest = self.replicas[index].line.oldest(priority, |frame| core.frames[frame].wait.since);
        let intake = self.doors.get_mut(index).and_then(Option::as_mut)?;
        let Verdict::Refuse(outcome) = intake.admit(core.now, client, priority, oldest) else {
            return None;
        };
        let node = self.replicas[index].node;
        core.tell(Fact::Refused { node });
        core.charge(at, Cause::Queue);
        Some(outcome)
    }

    /// The door of a replica that died begins anew: nobody is inside.
    #[cold]
    pub(crate) fn forget_intake<P: Probe>(&mut self, core: &mut Core<'_, P>, replica: u32) {
        if let Some(Some(intake)) = self.doors.get_mut(replica as usize)
            && let Some(spec) = core.plan.node(self.replicas[replica as usize].node).intake
        {
            *intake = Intake::new(spec, core.plan.clients.len());
        }
    }

    /// An adaptive limit hears of an answer. A request that was refused for want of room in line says nothing.
    #[inline(never)]
    pub(crate) fn tell_intake<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, outcome: Outcome, joined: bool) {
        let frame = &core.frames[at];
        let Some(Some(intake)) = self.doors.get_mut(frame.replica as usize) else { return };
        if intake.counts() {
            let u = Draw::new(core.seed, frame.lineage, Purpose::Jitter, ANSWER).unit();
            let told = if joined { outcome } else { Outcome::Error };
            intake.release(frame.whose.priority, core.now.since(frame.trip.arrived), told, u);
        }
    }
}

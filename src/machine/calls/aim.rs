//! Where the tries of a guarded call go: not to a replica whose breaker is open, nor, while there is another, to one that
//! has a try of the same call already.

use crate::model::id::NONE;
use crate::model::plan::Call;
use crate::model::policy::{Breaker, Stage, Verdict};
use crate::model::{CallId, Outcome, Probe};
use crate::random::Lineage;

use crate::machine::calls::Calls;
use crate::machine::core::Core;

/// Where the tries of a guarded call go.
#[derive(Clone, Debug, Default)]
pub(crate) struct Aim {
    /// The replica that the next goes to, where a breaker has let that through.
    pub(crate) next: Option<u32>,
    /// Where they went so far, if that matters to the next.
    tried: Vec<u32>,
}

/// How often a retry draws anew that is to avoid replicas, as Envoy with `host_selection_retry_max_attempts: 5`.
const REDRAWS: u32 = 5;
/// Names the lineages of draws after the first.
const REDRAW: u64 = 0x7265_6472_6177;

/// What is drawn; while that was tried already, what is drawn after it, and in the end whatever it is.
fn redrawn(tried: &[u32], lineage: Lineage, mut draw: impl FnMut(Lineage) -> Option<u32>) -> Option<u32> {
    let mut pick = draw(lineage)?;
    for nth in 0..REDRAWS {
        if !tried.contains(&pick) {
            break;
        }
        pick = draw(lineage.child(REDRAW, nth))?;
    }
    Some(pick)
}

impl Calls {
    /// The replica that a try of a guarded call goes to; where connections are bound to replicas, it is only known with the
    /// connection.
    pub(crate) fn aim<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, call: &Call) -> Option<u32> {
        let guard = core.frames[at].caller;
        let aimed = self.guarded[guard].aim.next.take();
        let pick = aimed.or_else(|| self.draw(core, guard, at, call))?;
        if self.rules(core, guard).retry.as_ref().is_some_and(|retry| retry.other_replica) {
            self.guarded[guard].aim.tried.push(pick);
        }
        Some(pick)
    }

    /// What a caller draws for a try, where no breaker has drawn.
    fn draw<P: Probe>(&mut self, core: &mut Core<'_, P>, guard: u32, at: u32, call: &Call) -> Option<u32> {
        let (caller, lineage) = (core.frames[guard].replica, core.call_lineage(at));
        let (guarded, names) = (&self.guarded[guard], &mut self.wire.names);
        if guarded.open.len() == 1 {
            return redrawn(&guarded.aim.tried, lineage, |lineage| names.destination(core, call, caller, lineage));
        }
        let taken = self.taken(core, guard, at);
        let names = &mut self.wire.names;
        let other = names.destination_among(core, call, caller, lineage, |replica| !taken.contains(&replica));
        other.or_else(|| names.destination(core, call, caller, lineage))
    }

    /// The replicas that have a try of a call, apart from the one that is just setting out.
    fn taken<P: Probe>(&self, core: &Core<'_, P>, guard: u32, but: u32) -> Vec<u32> {
        let others = self.guarded[guard].open.iter().filter(|other| other.frame != but);
        others.map(|other| core.frames[other.frame].replica).collect()
    }

    /// Asks the breakers of a callee's replicas: the try is aimed at one that lets it through, if one does.
    pub(crate) fn ask_replicas<P: Probe>(&mut self, core: &mut Core<'_, P>, guard: u32) -> Verdict {
        let (plan, now) = (core.plan, core.now);
        let call = plan.call(CallId(core.frames[guard].call));
        let (caller, lineage, first) =
            (core.frames[guard].replica, self.try_lineage(core, guard), plan.link(call.link).first);
        let breakers = &mut self.state(guard).breakers;
        let all = breakers.iter_mut().all(|breaker| breaker.lets_through(now));
        let closed = |(at, breaker): (u32, &mut Breaker)| breaker.lets_through(now).then_some(first + at);
        let closed: Vec<u32> =
            if all { Vec::new() } else { (0..).zip(breakers.iter_mut()).filter_map(closed).collect() };
        let pick = if all && self.guarded[guard].open.is_empty() {
            let (guarded, names) = (&self.guarded[guard], &mut self.wire.names);
            redrawn(&guarded.aim.tried, lineage, |lineage| names.destination(core, call, caller, lineage))
        } else if plan.link(call.link).choice {
            let taken = self.taken(core, guard, NONE);
            let may = |replica: u32| all || closed.contains(&replica);
            let fresh = |replica: u32| may(replica) && !taken.contains(&replica);
            let (guarded, names) = (&self.guarded[guard], &mut self.wire.names);
            let pick = redrawn(&guarded.aim.tried, lineage, |lineage| {
                names.destination_among(core, call, caller, lineage, fresh)
            });
            pick.or_else(|| self.wire.names.destination_among(core, call, caller, lineage, may))
        } else {
            all.then_some(first)
        };
        let Some(pick) = pick else {
            // Without any replica in view the try fails for that, not for its breakers.
            let known = !plan.link(call.link).choice
                || self.wire.names.memories[self.wire.names.memory_of(core, call.link, caller)].count() > 0;
            return if known { Verdict::Refuse(Outcome::CircuitOpen) } else { Verdict::Go };
        };
        let breaker = &mut self.state(guard).breakers[(pick - first) as usize];
        let (verdict, probe) = (breaker.admit(now), breaker.is_half_open());
        let guarded = &mut self.guarded[guard];
        guarded.aim.next = plan.link(call.link).choice.then_some(pick);
        guarded.dues.probe |= probe;
        guarded.dues.breaker = pick - first;
        guarded.dues.owe(Stage::Breaker, now);
        verdict
    }
}

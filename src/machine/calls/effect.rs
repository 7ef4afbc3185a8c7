//! What must not be done twice: `idempotent = false` on a call.
//!
//! A try that timed out may have been worked on, or still be; when a later try of the same call is worked on too, that is a
//! second effect, and counted (`duplicate_effects`). Messages that are handled twice are counted there too.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::id::NONE;
use crate::model::{CallId, ClientId, Fact, Probe};
use crate::random::Lineage;

use crate::machine::calls::Calls;
use crate::machine::core::Core;
use crate::machine::core::frame::Origin;
use crate::machine::core::side::Side;

/// What was done for calls that have effects.
#[derive(Clone, Debug)]
pub(crate) struct Effects {
    /// By frame: the call that a try belongs to.
    of: Side<Lineage>,
    /// Calls that were tried again, and those still waited for: how often each was done.
    done: BTreeMap<u64, u32>,
    /// Calls with a try that handed over to another chain of tries, where there was more than one.
    within: BTreeSet<u64>,
}

impl Effects {
    /// Nothing was done yet.
    pub(crate) fn new() -> Self {
        Self { of: Side::new(Lineage(0)), done: BTreeMap::new(), within: BTreeSet::new() }
    }
}

impl Calls {
    /// A try of a call that has an effect sets out.
    #[cold]
    pub(crate) fn note_effect<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, guard: u32) {
        let outer = core.frames[guard].caller;
        let above = (core.frames[outer].origin == Origin::Try).then(|| core.plan.call(CallId(core.frames[outer].call)));
        let handed = above.is_some_and(|call| call.hands_over() || call.is_relayed() && call.guard != NONE);
        let name = if handed { *self.effects.of.get(outer) } else { core.frames[guard].lineage };
        if handed && self.guarded[guard].again > 0 {
            self.effects.within.insert(name.0);
        }
        self.effects.of.put(at, name);
    }

    /// The work of a request is done.
    #[inline(never)]
    pub(crate) fn have_effect<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        let frame = &core.frames[at];
        let (client, measured) = (ClientId(u32::from(frame.whose.client)), frame.whose.measured);
        let call = &core.plan.calls[frame.call as usize];
        let (endpoint, edge) = (call.endpoint, call.edge);
        if frame.origin != Origin::Try || !call.effect || call.guard == NONE {
            return;
        }
        let done = self.effects.done.entry(self.effects.of.get(at).0).or_default();
        *done += 1;
        if *done > 1 {
            core.tell(Fact::Duplicate { client, endpoint, edge, measured });
        }
    }

    /// A call is over; if it was never tried again, nothing of it can be done twice.
    pub(crate) fn settle_effect<P: Probe>(&mut self, core: &mut Core<'_, P>, guard: u32) {
        if self.guarded[guard].again == 0 && !self.effects.within.contains(&core.frames[guard].lineage.0) {
            self.effects.done.remove(&core.frames[guard].lineage.0);
        }
    }
}

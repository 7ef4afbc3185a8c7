//! How far a try's messages go, where that depends on which replicas it goes between.

use crate::model::id::NONE;
use crate::model::plan::Call;
use crate::model::{LawId, Probe};

use crate::machine::core::Core;

impl<P: Probe> Core<'_, P> {
    /// The one-way latency between a try's caller and its callee's replica.
    #[inline]
    pub(crate) fn way(&self, at: u32) -> LawId {
        let call = &self.plan.calls[self.frames[at].call as usize];
        if call.reach == NONE { call.there } else { self.way_of(call, at, self.frames[at].caller) }
    }

    /// The same for a try that has been given up by a caller.
    pub(crate) fn way_from(&self, at: u32, caller: u32) -> LawId {
        let call = &self.plan.calls[self.frames[at].call as usize];
        if call.reach == NONE { call.there } else { self.way_of(call, at, caller) }
    }

    /// The latency by where the two stand; nobody waits any more for what has no caller, and how far that goes matters to nobody.
    #[cold]
    fn way_of(&self, call: &Call, at: u32, caller: u32) -> LawId {
        if caller == NONE {
            return call.there;
        }
        let (plan, zone) = (self.plan, |frame: u32| self.plan.zones.of(self.frames[frame].replica));
        plan.reaches[call.reach as usize].law(zone(caller), zone(at))
    }
}

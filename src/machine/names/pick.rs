//! Whom a caller picks, of those it knows.

use crate::model::plan::Call;
use crate::model::{LinkId, Probe};
use crate::random::{Draw, Lineage, Purpose};

use crate::machine::core::Core;
use crate::machine::names::Names;

impl Names {
    /// The replica that a try goes to, among some.
    pub(crate) fn destination_among<P: Probe>(
        &mut self,
        core: &mut Core<'_, P>,
        call: &Call,
        caller: u32,
        lineage: Lineage,
        keep: impl Fn(u32) -> bool,
    ) -> Option<u32> {
        if call.primary {
            return self.destination(core, call, caller, lineage);
        }
        let link = core.plan.link(call.link);
        let memory = self.memory_of(core, call.link, caller);
        let before = self.memories[memory].narrow(|replica| keep(link.first + replica));
        let pick = self.destination(core, call, caller, lineage);
        self.memories[memory].view = before;
        pick
    }

    /// Where a caller's replica keeps what it remembers of a callee.
    pub(crate) fn memory_of<P: Probe>(&self, core: &Core<'_, P>, link: LinkId, caller: u32) -> usize {
        (self.memory_base[link.index()] + caller - core.plan.link(link).first_caller) as usize
    }

    /// The replica a try goes to; where connections are bound to replicas, it is only known with the connection.
    #[inline]
    pub(crate) fn destination<P: Probe>(
        &mut self,
        core: &mut Core<'_, P>,
        call: &Call,
        caller: u32,
        lineage: Lineage,
    ) -> Option<u32> {
        if call.primary {
            return self.primary(core, call.link, caller);
        }
        if call.spares_primary {
            return self.besides_primary(core, call, caller, lineage);
        }
        let channel = core.plan.channels.get(call.channel as usize);
        if channel.is_some_and(|c| !c.per_request) {
            return Some(core.plan.link(call.link).first);
        }
        self.pick(core, call.link, caller, lineage)
    }

    /// A try counts as outstanding.
    #[inline(never)]
    pub(crate) fn track<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        let frame = &core.frames[at];
        let link = core.plan.calls[frame.call as usize].link;
        let memory = self.memory(core, link, frame.caller);
        let pick = frame.replica - core.plan.link(link).first;
        self.memories[memory].outstanding[pick as usize] += 1;
    }

    /// Where a caller keeps what it remembers of a callee.
    #[inline]
    pub(crate) fn memory<P: Probe>(&self, core: &Core<'_, P>, link: LinkId, caller: u32) -> usize {
        let first = core.plan.link(link).first_caller;
        (self.memory_base[link.index()] + core.frames[caller].replica - first) as usize
    }

    /// The replica that a caller's request goes to, if it knows of any.
    #[inline]
    pub(crate) fn pick<P: Probe>(
        &mut self,
        core: &mut Core<'_, P>,
        link: LinkId,
        caller: u32,
        lineage: Lineage,
    ) -> Option<u32> {
        let plan = core.plan.link(link);
        if !plan.choice {
            return Some(plan.first);
        }
        let seed = core.seed;
        let memory = (self.memory_base[link.index()] + caller - plan.first_caller) as usize;
        if plan.book && !self.consult(core, link, memory) {
            return None;
        }
        let (memory, now) = (&mut self.memories[memory], core.now);
        let pick = plan.balancer.pick(memory, now, || Draw::new(seed, lineage, Purpose::Balance, 0))?;
        Some(plan.first + pick)
    }

    /// A replica that does not take writes, if a caller knows of any.
    #[cold]
    fn besides_primary<P: Probe>(
        &mut self,
        core: &mut Core<'_, P>,
        call: &Call,
        caller: u32,
        lineage: Lineage,
    ) -> Option<u32> {
        let primary = self.primary(core, call.link, caller)?;
        let link = core.plan.link(call.link);
        let memory = self.memory_of(core, call.link, caller);
        let before = self.memories[memory].narrow(|replica| link.first + replica != primary);
        let pick = self.pick(core, call.link, caller, lineage);
        self.memories[memory].view = before;
        pick.or(Some(primary))
    }

    /// The replica that takes writes: the first that a caller knows of. When that is gone, the next is promoted, as soon as
    /// callers hear of it.
    #[cold]
    fn primary<P: Probe>(&mut self, core: &mut Core<'_, P>, link: LinkId, caller: u32) -> Option<u32> {
        let plan = core.plan.link(link);
        let memory = (self.memory_base[link.index()] + caller - plan.first_caller) as usize;
        if plan.book && !self.consult(core, link, memory) {
            return None;
        }
        Some(plan.first + self.memories[memory].first()?)
    }
}

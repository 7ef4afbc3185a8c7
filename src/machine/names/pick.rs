//! Whom a caller picks, of those it knows.

use crate::model::balance::{Around, Balancer, Host};
use crate::model::plan::Call;
use crate::model::{LinkId, NodeId, Probe};
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
        self.memories[memory].widen(before);
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
        let replica = frame.replica;
        self.memories[memory].outstanding[pick as usize] += 1;
        if self.probing.is_on() {
            self.probing.come(at, replica);
        }
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
        if plan.book {
            if !self.consult(core, link, memory) {
                return None;
            }
            if plan.leans {
                return self.pick_leaning(core, link, memory, lineage);
            }
        }
        let (memory, now) = (&mut self.memories[memory], core.now);
        let pick = plan.balancer.pick(memory, now, || Draw::new(seed, lineage, Purpose::Balance, 0))?;
        Some(plan.first + pick)
    }

    /// The same for a caller that prefers some replicas, by zone or because others are new.
    #[cold]
    fn pick_leaning<P: Probe>(
        &mut self,
        core: &mut Core<'_, P>,
        link: LinkId,
        memory: usize,
        lineage: Lineage,
    ) -> Option<u32> {
        let (plan, seed, discovery) = (core.plan.link(link), core.seed, &core.plan.discovery);
        let laid_out = self.memories[memory].leanings.as_ref().is_none_or(|leanings| leanings.ways.is_some());
        if discovery.locality.is_some() && !laid_out {
            self.lay_out(core, link, memory);
        }
        let draw = |nth: u64| Draw::new(seed, lineage, Purpose::Balance, nth);
        let ease = discovery.slow_start.as_ref();
        let pick = plan.balancer.pick_leaning(&mut self.memories[memory], core.now, ease, draw)?;
        if plan.balancer == Balancer::Prequal {
            self.send_probes(core, link, memory, lineage);
        }
        Some(plan.first + pick)
    }

    /// Whom a caller prefers, by what it knows now.
    fn lay_out<P: Probe>(&mut self, core: &Core<'_, P>, id: LinkId, memory: usize) {
        let (plan, link) = (core.plan, core.plan.link(id));
        let (Some(locality), zones) = (plan.discovery.locality, &plan.zones) else { return };
        let caller = link.first_caller + (memory as u32 - self.memory_base[id.index()]);
        let own = zones.of(caller);
        let mut callers = vec![[0; 2]; zones.count()];
        for (replica, ready) in self.listed(core, link.from) {
            let [well, all] = &mut callers[usize::from(zones.of(replica))];
            (*well, *all) = (*well + u32::from(ready), *all + 1);
        }
        let memory = &mut self.memories[memory];
        let (Some(book), Some(leanings)) = (&memory.book, &mut memory.leanings) else { return };
        let host = |(replica, healthy)| Host { replica, zone: zones.of(link.first + replica), healthy };
        let hosts: Vec<Host> = book.hosts().map(host).collect();
        let around = Around { own, near: zones.near(own), weights: zones.weights(link.to), callers: &callers };
        leanings.ways = Some(locality.ways(&hosts, around));
    }

    /// The replicas of a node that its callers were told of last, and whether they answer.
    fn listed<P: Probe>(&self, core: &Core<'_, P>, node: NodeId) -> Vec<(u32, bool)> {
        let own = core.plan.node(node);
        match &self.answers[node.index()] {
            Some(told) => told.iter().map(|address| (own.first_replica + address.replica, address.ready)).collect(),
            None => (0..own.replicas).map(|replica| (own.first_replica + replica, true)).collect(),
        }
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
        self.memories[memory].widen(before);
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

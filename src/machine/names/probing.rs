//! Balancers that ask: probes on their way to replicas, and what these answer. See [`balance`](crate::model::balance).

use crate::kernel::Phase;
use crate::model::balance::{Balancer, Busyness, Load};
use crate::model::fault::Effect;
use crate::model::id::NONE;
use crate::model::plan::Plan;
use crate::model::{LawId, LinkId, Probe};
use crate::random::{Draw, Lineage, Purpose};
use crate::units::{Span, Time};

use crate::machine::core::Core;
use crate::machine::core::event::Rare;
use crate::machine::core::side::Side;
use crate::machine::names::Names;

/// Names the draws of whom a request asks, and of the ways of its probes.
const ASKED: u32 = 1 << 20;

/// A probe on its way to a replica.
#[derive(Clone, Copy, Debug)]
struct Inquiry {
    link: LinkId,
    memory: u32,
    replica: u32,
    lineage: Lineage,
    nth: u32,
}

/// What replicas know of themselves, and probes under way.
#[derive(Clone, Debug, Default)]
pub(crate) struct Probing {
    /// By replica; empty where nobody asks.
    loads: Vec<Load>,
    /// By try: how many others there were when it set out.
    came: Side<u32>,
    sent: Vec<Inquiry>,
    free: Vec<u32>,
    /// By memory: when its caller asked last, and how often it did so without a request; empty where nobody does.
    idle: Vec<(Time, u32)>,
}

impl Probing {
    pub(crate) fn new(plan: &Plan) -> Self {
        let asks = plan.links.iter().any(|link| link.leans && link.balancer == Balancer::Prequal);
        Self { loads: vec![Load::default(); if asks { plan.replicas() as usize } else { 0 }], ..Self::default() }
    }

    /// Whether somebody asks.
    #[inline]
    pub(crate) fn is_on(&self) -> bool {
        !self.loads.is_empty()
    }

    /// A try sets out to a replica.
    pub(crate) fn come(&mut self, at: u32, replica: u32) {
        let load = &mut self.loads[replica as usize];
        self.came.put(at, load.rif);
        load.rif += 1;
    }

    /// A try no longer counts at a replica; how long it took, if that tells something.
    pub(crate) fn go(&mut self, at: u32, replica: u32, took: Option<Span>) {
        let (load, came) = (&mut self.loads[replica as usize], *self.came.get(at));
        load.rif -= 1;
        took.into_iter().for_each(|took| load.learn(came, took));
    }

    fn put(&mut self, inquiry: Inquiry) -> u32 {
        if let Some(at) = self.free.pop() {
            self.sent[at as usize] = inquiry;
            return at;
        }
        self.sent.push(inquiry);
        self.sent.len() as u32 - 1
    }
}

impl Names {
    /// Beside a request its caller asks some replicas how busy they are.
    pub(crate) fn send_probes<P: Probe>(
        &mut self,
        core: &mut Core<'_, P>,
        link: LinkId,
        memory: usize,
        lineage: Lineage,
    ) {
        let first = core.plan.link(link).first;
        self.probing.idle.get_mut(memory).into_iter().for_each(|idle| idle.0 = core.now);
        let mut draw = Draw::new(core.seed, lineage, Purpose::Probe, u64::from(ASKED));
        for (nth, pick) in (0..).zip(self.memories[memory].asked(&mut draw)) {
            let inquiry = Inquiry { link, memory: memory as u32, replica: first + pick, lineage, nth };
            let there = core.vary(self.way_of(core, inquiry), lineage, Purpose::Probe, ASKED + 1 + 2 * nth);
            let inquiry = self.probing.put(inquiry);
            core.agenda.push(core.now + there, Phase::Arrival, Rare::Asked(inquiry).event());
        }
    }

    /// Callers that ask without a request, too, begin to do so, each at a time of its own.
    pub(crate) fn start_asking<P: Probe>(&mut self, core: &mut Core<'_, P>) {
        let Some(every) = core.plan.discovery.idle_probes.filter(|_| self.probing.is_on()) else { return };
        self.probing.idle = vec![(Time(0), 0); self.memories.len()];
        for memory in 0..self.memories.len() as u32 {
            if let Some((_, lineage)) = self.idler(core, memory) {
                let share = Draw::new(core.seed, lineage, Purpose::Probe, 0).unit();
                let first = core.now + Span((every.0 as f64 * share) as u64);
                core.agenda.push(first, Phase::Arrival, Rare::Idle(memory).event());
            }
        }
    }

    /// A caller may have asked nobody for as long as it waits for a request to do so beside.
    pub(crate) fn ask_idly<P: Probe>(&mut self, core: &mut Core<'_, P>, memory: u32) {
        let (Some(every), Some((link, lineage))) = (core.plan.discovery.idle_probes, self.idler(core, memory)) else {
            return;
        };
        let asked = &mut self.probing.idle[memory as usize];
        if asked.0 + every <= core.now {
            (asked.0, asked.1) = (core.now, asked.1 + 1);
            let nth = u64::from(asked.1);
            let caller = core.plan.link(link).first_caller + memory - self.memory_base[link.index()];
            if core.is_up(caller) && !core.is_frozen(caller) {
                self.send_probes(core, link, memory as usize, lineage.child(nth, 0));
            }
        }
        let next = self.probing.idle[memory as usize].0 + every;
        core.agenda.push(next, Phase::Arrival, Rare::Idle(memory).event());
    }

    /// The link of a memory whose caller probes, and a name for its draws.
    fn idler<P: Probe>(&self, core: &Core<'_, P>, memory: u32) -> Option<(LinkId, Lineage)> {
        let at = self.memory_base.partition_point(|first| *first <= memory).checked_sub(1)?;
        let link = core.plan.links.get(at).filter(|link| link.leans && link.balancer == Balancer::Prequal)?;
        let hash = core.plan.node(link.from).hash ^ core.plan.node(link.to).hash.rotate_left(7);
        Some((LinkId(at as u32), Lineage::root(hash, u64::from(memory))))
    }

    /// A probe arrives at a replica that has so many requests at its workers and in line: the answer is back some time later, if
    /// there is one.
    pub(crate) fn answer_probe<P: Probe>(&mut self, core: &mut Core<'_, P>, nth: u32, held: impl Fn(u32) -> u32) {
        let inquiry = self.probing.sent[nth as usize];
        self.probing.free.push(nth);
        let Inquiry { link, memory, replica, lineage, nth } = inquiry;
        let answers = core.is_up(replica) && !core.is_frozen(replica) && core.is_connected(replica);
        if !answers || self.is_swallowed(core, inquiry) {
            return;
        }
        let load = &self.probing.loads[replica as usize];
        let rif = load.rif.max(held(replica));
        let latency = load.latency(rif);
        let back = core.vary(self.way_of(core, inquiry), lineage, Purpose::Probe, ASKED + 2 + 2 * nth);
        let answer = Busyness::new(replica - core.plan.link(link).first, rif, latency, core.now + back);
        self.memories[memory as usize].note_answer(answer);
    }

    /// The caller's replica whose probe it is.
    fn asker<P: Probe>(&self, core: &Core<'_, P>, inquiry: Inquiry) -> u32 {
        core.plan.link(inquiry.link).first_caller + inquiry.memory - self.memory_base[inquiry.link.index()]
    }

    /// Whether the network between the two drops it.
    fn is_swallowed<P: Probe>(&self, core: &Core<'_, P>, inquiry: Inquiry) -> bool {
        let on = core.trouble.on_link.get(inquiry.link.index()).into_iter().flatten();
        let ends = [self.asker(core, inquiry), inquiry.replica];
        let parts = |fault: &u32| {
            let fault = &core.plan.faults[*fault as usize];
            fault.effect == Effect::Partition && fault.is_between(ends, false)
        };
        !core.is_connected(ends[0]) || on.into_iter().any(parts)
    }

    /// The one-way latency of a probe: that of the link's calls.
    fn way_of<P: Probe>(&self, core: &Core<'_, P>, inquiry: Inquiry) -> LawId {
        let plan = core.plan;
        let call = plan.calls.iter().find(|call| call.link == inquiry.link && !call.hands_over());
        let Some(call) = call else { return LawId(0) };
        if call.reach == NONE {
            return call.there;
        }
        let zone = |replica: u32| plan.zones.of(replica);
        plan.reaches[call.reach as usize].law(zone(self.asker(core, inquiry)), zone(inquiry.replica))
    }
}

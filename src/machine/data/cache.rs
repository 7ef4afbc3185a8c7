//! Caches at work: looks, misses, what is put in, and who waits for whom.

use std::collections::BTreeMap;

use crate::model::cache::{Cache, Content, Store};
use crate::model::{Cause, Fact, LookupId, Op, Outcome, Pc, Plan, Probe};

use crate::machine::core::{Core, Flow};
use crate::machine::data::Data;

/// What all caches know, and who fetches what.
#[derive(Clone, Debug)]
pub(crate) struct Caches {
    stores: Vec<Store>,
    /// By cache, caller's replica and key: a fetch that others wait for.
    flights: BTreeMap<(u32, u32, u32), Flight>,
}

/// A fetch under way.
#[derive(Clone, Debug)]
struct Flight {
    leader: u32,
    waiting: Vec<u32>,
}

impl Caches {
    /// Empty ones.
    pub(crate) fn new(plan: &Plan) -> Self {
        let each = |cache: &Cache| {
            let copies = if cache.own { plan.node(cache.node).replicas } else { 1 };
            vec![Store::new(&cache.content); copies as usize]
        };
        Self { stores: plan.caches.iter().flat_map(each).collect(), flights: BTreeMap::new() }
    }

    /// How cold they are on average, 0 to 1.
    pub(crate) fn coldness(&self, plan: &Plan) -> f64 {
        let copies = |cache: &Cache| if cache.own { plan.node(cache.node).replicas as usize } else { 1 };
        let contents = plan.caches.iter().flat_map(|cache| std::iter::repeat_n(&cache.content, copies(cache)));
        let all: f64 = self.stores.iter().zip(contents).map(|(store, content)| store.coldness(content)).sum();
        all / self.stores.len().max(1) as f64
    }

    /// The entries that a frame at a replica looks into.
    fn store<P: Probe>(&mut self, core: &Core<'_, P>, cache: &Cache, replica: u32) -> &mut Store {
        let nth = if cache.own { replica - core.plan.node(cache.node).first_replica } else { 0 };
        &mut self.stores[(cache.first_store + nth) as usize]
    }

    /// Whether nobody fetches or waits.
    pub(crate) fn is_idle(&self) -> bool {
        self.flights.is_empty()
    }
}

impl Data {
    /// The answer of a cache is there: on a hit the frame goes on at `hit`.
    #[inline(never)]
    pub(crate) fn look<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, id: LookupId, hit: Pc) -> Flow {
        let lookup = core.plan.lookups[id.index()];
        let cache = &core.plan.caches[lookup.cache as usize];
        let lineage = core.look_lineage(at, id);
        let found = match &cache.content {
            Content::Rate(_) => cache.chance(core.seed, lineage) == Some(true),
            Content::Keys(keys) => {
                let key = cache.key(core.seed, lineage);
                self.caches.store(core, cache, core.frames[at].replica).look(keys, key, core.now)
            }
        };
        if found {
            core.tell(Fact::Looked { node: cache.node, hit: true });
            core.frames[at].pc = hit.0;
        } else {
            core.frames[at].pc += 1;
        }
        Flow::On
    }

    /// A miss: the frame fetches for itself, or waits for one that fetches the same key already.
    #[inline(never)]
    pub(crate) fn fetch<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, id: LookupId) -> Flow {
        let lookup = core.plan.lookups[id.index()];
        let cache = &core.plan.caches[lookup.cache as usize];
        core.tell(Fact::Looked { node: cache.node, hit: false });
        if cache.single_flight {
            let key = cache.key(core.seed, core.look_lineage(at, id));
            let flight = (lookup.cache, core.frames[at].replica, key);
            if let Some(flight) = self.caches.flights.get_mut(&flight) {
                flight.waiting.push(at);
                return Flow::Stay;
            }
            self.caches.flights.insert(flight, Flight { leader: at, waiting: Vec::new() });
        }
        core.frames[at].pc += 1;
        Flow::On
    }

    /// What was fetched is put in, if the cache can be reached; whoever waits for it goes on.
    #[inline(never)]
    pub(crate) fn fill<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, id: LookupId) -> Flow {
        let lookup = core.plan.lookups[id.index()];
        let cache = &core.plan.caches[lookup.cache as usize];
        if let Content::Keys(keys) = &cache.content {
            let key = cache.key(core.seed, core.look_lineage(at, id));
            if cache.own || core.is_up(core.plan.node(cache.node).first_replica) {
                self.caches.store(core, cache, core.frames[at].replica).fill(keys, key, core.now);
            }
        }
        self.land_flight(core, at, id, Outcome::Succeeded);
        core.frames[at].pc += 1;
        Flow::On
    }

    /// A fetch has failed; whoever waits for it fails with it.
    #[inline(never)]
    pub(crate) fn forsake<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, id: LookupId) -> Flow {
        self.land_flight(core, at, id, core.frames[at].state.outcome);
        core.frames[at].pc += 1;
        Flow::On
    }

    /// A fetch is over, well or badly.
    fn land_flight<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, id: LookupId, outcome: Outcome) {
        let lookup = core.plan.lookups[id.index()];
        let cache = &core.plan.caches[lookup.cache as usize];
        if !cache.single_flight {
            return;
        }
        let key = (lookup.cache, core.frames[at].replica, cache.key(core.seed, core.look_lineage(at, id)));
        if self.caches.flights.get(&key).is_none_or(|flight| flight.leader != at) {
            return;
        }
        let Some(flight) = self.caches.flights.remove(&key) else { return };
        for waiter in flight.waiting {
            core.charge(waiter, Cause::Wait);
            if let (true, Op::Fetch { hit, .. }) = (outcome.is_good(), core.plan.ops[core.frames[waiter].pc as usize]) {
                core.frames[waiter].pc = hit.0;
            } else {
                core.fail_step(waiter, outcome);
            }
            core.ready.push_back(waiter);
        }
    }

    /// A replica died: nobody there fetches or waits any more, and if it was a cache it forgets everything.
    #[cold]
    pub(crate) fn forget_caches<P: Probe>(&mut self, core: &mut Core<'_, P>, replica: u32) {
        self.caches.flights.retain(|(_, caller, _), _| *caller != replica);
        self.chill(core, replica);
    }

    /// A cache forgets everything, or what one replica remembers is forgotten.
    #[cold]
    pub(crate) fn chill<P: Probe>(&mut self, core: &mut Core<'_, P>, replica: u32) {
        let node = core.node_of(replica);
        for cache in core.plan.caches.iter().filter(|cache| cache.node == node) {
            self.caches.store(core, cache, replica).clear();
        }
    }
}

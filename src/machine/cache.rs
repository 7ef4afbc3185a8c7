//! Caches at work: looks, misses, what is put in, and who waits for whom.

use std::collections::BTreeMap;

use crate::model::cache::{Content, Store};
use crate::model::{Cause, Fact, LookupId, Op, Outcome, Pc, Plan, Probe};
use crate::random::Lineage;

use super::Machine;
use super::walk::Flow;

/// What all caches know, and who fetches what.
#[derive(Debug)]
pub(super) struct Caches {
    stores: Vec<Store>,
    /// By cache, caller's replica and key: a fetch that others wait for.
    flights: BTreeMap<(u32, u32, u32), Flight>,
}

/// A fetch under way.
#[derive(Debug)]
struct Flight {
    leader: u32,
    waiting: Vec<u32>,
}

impl Caches {
    /// Empty ones.
    pub(super) fn new(plan: &Plan) -> Self {
        Self { stores: plan.caches.iter().map(|cache| Store::new(&cache.content)).collect(), flights: BTreeMap::new() }
    }

    /// Whether nobody fetches or waits.
    pub(super) fn is_idle(&self) -> bool {
        self.flights.is_empty()
    }
}

impl<P: Probe> Machine<'_, P> {
    /// The lineage of a look, which names its key: that of the call it makes.
    fn look_lineage(&self, at: u32, id: LookupId) -> Lineage {
        let call = self.plan.call(self.plan.lookups[id.index()].call);
        self.frames[at].lineage.child(call.site, 0)
    }

    /// The answer of a cache is there: on a hit the frame goes on at `hit`.
    #[inline(never)]
    pub(super) fn look(&mut self, at: u32, id: LookupId, hit: Pc) -> Flow {
        let lookup = self.plan.lookups[id.index()];
        let cache = &self.plan.caches[lookup.cache as usize];
        let lineage = self.look_lineage(at, id);
        let found = match &cache.content {
            Content::Rate(_) => cache.chance(self.seed, lineage) == Some(true),
            Content::Keys(keys) => {
                let key = cache.key(self.seed, lineage);
                self.caches.stores[lookup.cache as usize].look(keys, key, self.now)
            }
        };
        if found {
            self.tell(Fact::Looked { node: cache.node, hit: true });
            self.frames[at].pc = hit.0;
        } else {
            self.frames[at].pc += 1;
        }
        Flow::On
    }

    /// A miss: the frame fetches for itself, or waits for one that fetches the same key already.
    #[inline(never)]
    pub(super) fn fetch(&mut self, at: u32, id: LookupId) -> Flow {
        let lookup = self.plan.lookups[id.index()];
        let cache = &self.plan.caches[lookup.cache as usize];
        self.tell(Fact::Looked { node: cache.node, hit: false });
        if cache.single_flight {
            let key = cache.key(self.seed, self.look_lineage(at, id));
            let flight = (lookup.cache, self.frames[at].replica, key);
            if let Some(flight) = self.caches.flights.get_mut(&flight) {
                flight.waiting.push(at);
                return Flow::Stay;
            }
            self.caches.flights.insert(flight, Flight { leader: at, waiting: Vec::new() });
        }
        self.frames[at].pc += 1;
        Flow::On
    }

    /// What was fetched is put in, if the cache can be reached; whoever waits for it goes on.
    #[inline(never)]
    pub(super) fn fill(&mut self, at: u32, id: LookupId) -> Flow {
        let lookup = self.plan.lookups[id.index()];
        let cache = &self.plan.caches[lookup.cache as usize];
        if let Content::Keys(keys) = &cache.content {
            let key = cache.key(self.seed, self.look_lineage(at, id));
            if self.is_up(self.plan.node(cache.node).first_replica) {
                self.caches.stores[lookup.cache as usize].fill(keys, key, self.now);
            }
        }
        self.land_flight(at, id, Outcome::Succeeded);
        self.frames[at].pc += 1;
        Flow::On
    }

    /// A fetch has failed; whoever waits for it fails with it.
    #[inline(never)]
    pub(super) fn forsake(&mut self, at: u32, id: LookupId) -> Flow {
        self.land_flight(at, id, self.frames[at].outcome);
        self.frames[at].pc += 1;
        Flow::On
    }

    /// A fetch is over, well or badly.
    fn land_flight(&mut self, at: u32, id: LookupId, outcome: Outcome) {
        let lookup = self.plan.lookups[id.index()];
        let cache = &self.plan.caches[lookup.cache as usize];
        if !cache.single_flight {
            return;
        }
        let key = (lookup.cache, self.frames[at].replica, cache.key(self.seed, self.look_lineage(at, id)));
        if self.caches.flights.get(&key).is_none_or(|flight| flight.leader != at) {
            return;
        }
        let Some(flight) = self.caches.flights.remove(&key) else { return };
        for waiter in flight.waiting {
            self.charge(waiter, Cause::Wait);
            if let (true, Op::Fetch { hit, .. }) = (outcome.is_good(), self.plan.ops[self.frames[waiter].pc as usize]) {
                self.frames[waiter].pc = hit.0;
            } else {
                self.fail_step(waiter, outcome);
            }
            self.ready.push_back(waiter);
        }
    }

    /// A replica died: nobody there fetches or waits any more, and if it was a cache it forgets everything.
    #[cold]
    pub(super) fn forget_caches(&mut self, replica: u32) {
        self.caches.flights.retain(|(_, caller, _), _| *caller != replica);
        self.chill(replica);
    }

    /// A cache forgets everything.
    #[cold]
    pub(super) fn chill(&mut self, replica: u32) {
        let node = self.replicas[replica as usize].node;
        let own = self.plan.caches.iter().zip(&mut self.caches.stores).filter(|(cache, _)| cache.node == node);
        own.for_each(|(_, store)| store.clear());
    }
}

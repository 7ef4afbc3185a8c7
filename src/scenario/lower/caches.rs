//! Steps that look into caches, into what a replica remembers, and at a count that is shared.

use crate::model::cache::{Cache, Content, Keys, Lookup};
use crate::model::{LookupId, MeterId, Op, Pc};
use crate::random::draw::name_hash;

use super::super::written::{Call, DoorLimit, Memory, Step, on};
use super::Lowering;
use super::program::{Code, Sites};

impl<'s> Lowering<'s> {
    /// A look into a cache, the steps of a miss, and both ways on from there. A look that fails is a miss.
    pub(super) fn look(&mut self, code: &mut Code<'s>, sites: &mut Sites, call: &'s Call, on_miss: &'s [Step]) {
        let outer = std::mem::take(&mut code.fails);
        let id = LookupId(self.plan.lookups.len() as u32);
        let node = self.nodes[call.target.value.node.as_str()];
        let cache = self.plan.caches.iter().position(|cache| cache.node == node).unwrap_or_default() as u32;
        self.call(code, sites, call);
        // The call is the last one: its caller waits without CPU, and nothing is encoded.
        let site = self.plan.calls.last().map_or(0, |asked| asked.site);
        self.plan.lookups.push(Lookup { cache, site });
        let look = self.emit(Op::Look { lookup: id, hit: Pc::default() });
        let unanswered = std::mem::take(&mut code.fails);
        let here = self.here();
        unanswered.iter().for_each(|(at, _)| self.land(*at, here));
        self.missed(code, sites, (look, id), on_miss);
        code.fails.extend(outer);
    }

    /// A look at what the replica itself remembers, and what it takes where it does not. Who finds it keeps the worker.
    pub(super) fn remember(&mut self, code: &mut Code<'s>, sites: &mut Sites, memory: &'s Memory, steps: &'s [Step]) {
        let outer = std::mem::take(&mut code.fails);
        let id = LookupId(self.plan.lookups.len() as u32);
        let (cache, site) = (self.memory(code, memory), sites.next(&memory.name));
        self.plan.lookups.push(Lookup { cache, site });
        let look = self.emit(Op::Look { lookup: id, hit: Pc::default() });
        self.missed(code, sites, (look, id), steps);
        code.fails.extend(outer);
    }

    /// What the replicas of a node remember of one kind, whichever of its programs asks.
    fn memory(&mut self, code: &Code<'s>, memory: &'s Memory) -> u32 {
        let node = code.place.host;
        if let Some(known) = self.memories.get(&(node, memory.name.as_str())) {
            return *known;
        }
        let Memory { name, keys, skew, ttl, capacity, single_flight, .. } = memory;
        let content = Content::Keys(Keys::new(*keys, *skew, Some(*ttl), false, *capacity));
        let hash = name_hash(&format!("{} remembers {name}", memory.node));
        let cache = Cache { node, hash, content, single_flight: *single_flight, own: true, first_store: 0 };
        let number = self.push_cache(cache);
        self.memories.insert((node, name), number);
        number
    }

    /// The steps of a miss, and how both ways come together. The failures of `code` are those of the steps alone.
    fn missed(&mut self, code: &mut Code<'s>, sites: &mut Sites, (look, id): (usize, LookupId), steps: &'s [Step]) {
        let found = code.held;
        self.release(code);
        let held = code.held;
        let fetch = self.emit(Op::Fetch { lookup: id, hit: Pc::default(), fail: Pc::default() });
        for step in steps {
            self.step(code, sites, step, step.times.value);
        }
        self.release(code);
        self.emit(Op::Fill(id));
        // Who waited for another goes on without a worker, as who fetched.
        let fetched = self.here();
        if found {
            self.acquire(code);
        }
        let over = self.emit(Op::Jump(Pc::default()));
        let fails = std::mem::take(&mut code.fails);
        for held in [true, false] {
            let ways: Vec<usize> = fails.iter().filter(|fail| fail.1 == held).map(|fail| fail.0).collect();
            if !ways.is_empty() {
                let here = self.here();
                ways.into_iter().for_each(|at| self.land(at, here));
                self.emit(Op::Forsake(id));
                let at = self.emit(Op::Jump(Pc::default()));
                code.fails.push((at, held));
            }
        }
        // Whoever waited for another that failed has nothing to give up.
        code.fails.push((fetch, held));
        let here = self.here();
        for (at, to) in [(look, here), (fetch, if found == held { here } else { fetched })] {
            if let Op::Look { hit, .. } | Op::Fetch { hit, .. } = &mut self.plan.ops[at] {
                *hit = to;
            }
        }
        self.land(over, here);
    }

    /// A count that all replicas share is asked for and kept; who finds nobody who keeps it comes in.
    pub(super) fn meter(&mut self, code: &mut Code<'s>, sites: &mut Sites, call: &'s Call) {
        let outer = std::mem::take(&mut code.fails);
        self.call(code, sites, call);
        self.release(code);
        let node = code.place.host;
        let limit = on(&self.scenario.nodes[code.place.caller].door.rate_limit);
        if let Some(limit) = limit.map(DoorLimit::lowered) {
            let meters = &mut self.plan.meters;
            let meter = *self.meters.entry(node).or_insert_with(|| {
                meters.push(limit);
                MeterId(meters.len() as u32 - 1)
            });
            self.emit(Op::Meter { meter, held: code.held });
        }
        let here = self.here();
        std::mem::replace(&mut code.fails, outer).into_iter().for_each(|(at, _)| self.land(at, here));
    }
}

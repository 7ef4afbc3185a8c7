//! Steps that look into caches.

use crate::model::cache::Lookup;
use crate::model::{LookupId, Op, Pc};

use super::super::written::{Call, Step};
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
        let asked = crate::model::CallId(self.plan.calls.len() as u32 - 1);
        self.plan.lookups.push(Lookup { cache, call: asked });
        let look = self.emit(Op::Look { lookup: id, hit: Pc::default() });
        let unanswered = std::mem::take(&mut code.fails);
        let here = self.here();
        unanswered.iter().for_each(|(at, _)| self.land(*at, here));
        let held = code.held;
        let fetch = self.emit(Op::Fetch { lookup: id, hit: Pc::default(), fail: Pc::default() });
        for step in on_miss {
            self.step(code, sites, step, step.times.value);
        }
        self.release(code);
        self.emit(Op::Fill(id));
        let over = self.emit(Op::Jump(Pc::default()));
        let fails = std::mem::replace(&mut code.fails, outer);
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
        for at in [look, fetch] {
            if let Op::Look { hit, .. } | Op::Fetch { hit, .. } = &mut self.plan.ops[at] {
                *hit = here;
            }
        }
        self.land(over, here);
    }
}
